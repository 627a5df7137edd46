"""One run of one or more strategies over recorded candles, in one account.

A run is a function of its strategies, its data and its settings: nothing else enters, no clock, no
chance. It keeps the contract of :mod:`xache_sdk.strategy`. Between two blocks of candles it can be
saved and continued later, and tells how far it is.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Final, TypeAlias

import numpy as np
from xache_sdk.context import Context
from xache_sdk.exact import EXACT
from xache_sdk.market import Candle, Candles
from xache_sdk.orders import (
    Amend,
    Cancel,
    CancelAll,
    Intent,
    Note,
    OrderUpdate,
    Place,
    Replace,
    Save,
    SetTimer,
)
from xache_sdk.session import Session
from xache_sdk.signal_values import SignalEvent
from xache_sdk.signals import ColumnDeclaration
from xache_sdk.strategy import Strategy, TimerDue, checked

from xached.domain.instrument import Symbol
from xached.research.backtest.account import Account
from xached.research.backtest.candle_exchange import CandleExchange, Told
from xached.research.backtest.feed import Block, Lane, blocks, changes
from xached.research.backtest.listed import listed_later, make_listed
from xached.research.backtest.result import Gear, NoteRow, RunResult
from xached.research.backtest.terms import (
    MarketData,
    RunSettings,
    check_markets,
    to_units,
    told_instrument,
)
from xached.research.history.candle_set import CandleSet, DataError

_SIGNALS: Final = (-1, "")
"""The timer of what signals say next: no strategy has this number."""

ColumnCache: TypeAlias = dict[tuple[Candles, Hashable], Any]

NOTES_MAX: Final = 10_000
TIMERS_MAX: Final = 64
"""As many as a strategy may have live."""


class GearRefused(Exception):  # noqa: N818 - an answer, not an error of the program
    """Strategies or data do not suit a gear; the text says why. Another one gives the result."""


class RunContext(Context):
    """The context of a strategy in a run: orders are looked up when they are asked for."""

    __slots__ = ("_exchange", "_strategy")

    def attach(self, exchange: CandleExchange, strategy: int) -> None:
        """Say whose orders these are."""
        self._exchange = exchange
        self._strategy = strategy

    @property
    def open_orders(self) -> tuple[OrderUpdate, ...]:
        """The last update of each open order, oldest first."""
        return tuple(self._exchange.open_orders(self._strategy, self.now_ns).values())

    def order(self, order_id: str) -> OrderUpdate | None:
        """The last update of an open order of this run; None once it ended."""
        return self._exchange.open_orders(self._strategy, self.now_ns).get(order_id)

    def note_order(self, update: OrderUpdate) -> None:
        """Nothing to keep: the exchange is asked."""


class Run:
    """A run that goes on block by block.

    ``columns`` keeps what was computed at once for runs over the same data.

    Raises: DataError when the strategies ask for data that is not there, or the markets have no
    common quote asset; GearRefused; whatever a strategy raises.
    """

    def __init__(
        self,
        strategies: Sequence[Strategy[Any]],
        markets: Sequence[MarketData],
        settings: RunSettings,
        gear: Gear = Gear.EVENT,
        columns: ColumnCache | None = None,
    ) -> None:
        _check_markets(strategies, markets)
        self.settings = settings
        self.markets = tuple(markets)
        self.gear = gear
        told = [told_instrument(each.instrument) for each in markets]
        first = markets[0].instrument
        self.cash_units = to_units(settings.cash, first.quote_scale)
        pairs = ((each.instrument, view) for each, view in zip(markets, told, strict=True))
        self.account = Account(pairs, self.cash_units)
        self.exchange = CandleExchange(self.account, markets, settings)
        self.sessions = [Session(strategy) for strategy in strategies]
        self.notes: list[NoteRow] = []
        self.saved: dict[int, str] = {}
        self.timers: dict[tuple[int, str], int] = {}
        self.now_ns = self.start_ns = _start_ns(markets, settings)
        self._said = self._signals()
        self._heard = 0
        self.candles = 0
        self._columns: ColumnCache = {} if columns is None else columns
        self.lanes = self._make_lanes()
        self.end_ns = max(lane.ends_ns.item(-1) for lane in self.lanes)
        if gear is Gear.WAKE:
            self.lanes = [self._woken(lane) for lane in self.lanes]
        self.contexts = [self._make_context(number) for number in range(len(strategies))]
        self._connect()
        self._begin()

    def finish(self, progress: Callable[[float], None] | None = None) -> RunResult:
        """Run to the end. ``progress`` is called with the part that is done, up to 1."""
        whole = max(1, self.end_ns - self.now_ns)
        began_ns = self.now_ns
        for block in blocks(self.lanes, self.now_ns):
            self.run_block(block)
            if progress is not None:
                progress((self.now_ns - began_ns) / whole)
        with decimal.localcontext(EXACT):
            self._catch_up(self.end_ns)
        self.now_ns = self.end_ns
        return self.result()

    def reattach(self) -> None:
        """Take up the history again, after the run was read from a file."""
        self._columns = {}
        self.lanes = self._make_lanes()
        if self.gear is Gear.WAKE:
            self.lanes = [self._woken(lane) for lane in self.lanes]
        for market, data in zip(self.exchange.markets, self.markets, strict=True):
            market.attach(data)
        self._connect()

    def run_block(self, block: Block) -> None:
        """Tell the candles of one block."""
        with decimal.localcontext(EXACT):
            if block.order is None:
                self._run_lane(*block.lanes[0], block.ends_ns)
            else:
                self._run_merged(block, block.order)
        self.candles += len(block.ends_ns)
        self.now_ns = block.ends_ns[-1]

    def result(self, fallback: str = "") -> RunResult:
        """What there is so far."""
        for number, session in enumerate(self.sessions):
            text = session.strategy.take_saved()
            if text is not None:
                self.saved[number] = text
        finest = [each.finest for each in self.markets]
        ends = [each.ends_ns for each in finest]
        last = [
            int(each.close_ticks[max(0, int(np.searchsorted(at_ns, self.now_ns, "right")) - 1)])
            for each, at_ns in zip(finest, ends, strict=True)
        ]
        return RunResult(
            settings=self.settings,
            instruments=tuple(each.instrument for each in self.markets),
            fills=self.account.fills,
            start_ns=self.start_ns,
            end_ns=self.now_ns,
            cash_units=self.cash_units,
            end_units=self.account.worth_units(last),
            orders=self.exchange.orders,
            refusals=dict(self.exchange.refusals),
            unfilled=self.exchange.unfilled,
            notes=self.notes,
            saved=self.saved,
            gear=self.gear,
            fallback=fallback,
            candles=self.candles,
            close_at_ns=tuple(ends),
            close_ticks=tuple(each.close_ticks for each in finest),
        )

    # What happens.

    def _run_lane(self, lane: Lane, start: int, stop: int, ends_ns: list[int]) -> None:
        """The loop of one subscription: everything in it is done for every candle."""
        number, context = lane.strategy, self.contexts[lane.strategy]
        on_candle = self.sessions[number].strategy.on_candle
        push = self._pusher(lane)
        advance, busy, timers = self.exchange.advance, self.exchange.busy, self.timers
        carry_out = self._carry_out
        candles = lane.told_candles(start, stop)
        steps, set_columns = self._steps(lane), lane.column_setter(start, stop)
        if set_columns is not None and push is None:
            # The same with less to ask at every candle.
            for candle, at_ns in zip(candles, ends_ns, strict=True):
                if busy or timers:
                    self._catch_up(at_ns)
                context.now_ns = at_ns
                set_columns()
                intents = on_candle(candle)
                if intents:
                    carry_out(number, intents, at_ns)
            return
        for candle, at_ns in zip(candles, ends_ns, strict=True):
            if timers:
                self._catch_up(at_ns)
            elif busy:
                advance(at_ns)
            context.now_ns = at_ns
            if push is not None:
                push(candle)
            for column, step in steps:
                column.value = step(candle)
            if set_columns is not None:
                set_columns()
            intents = on_candle(candle)
            if intents:
                carry_out(number, intents, at_ns)

    def _run_merged(self, block: Block, order: list[int]) -> None:
        """The loop of several subscriptions, of one strategy or more."""
        advance, busy, timers = self.exchange.advance, self.exchange.busy, self.timers
        carry_out = self._carry_out
        contexts = self.contexts
        sources = []
        for lane, start, stop in block.lanes:
            strategy = self.sessions[lane.strategy].strategy
            sources.append(
                (
                    lane.strategy,
                    contexts[lane.strategy],
                    strategy.on_candle,
                    lane.told_candles(start, stop).__next__,
                    self._pusher(lane),
                    self._steps(lane),
                    lane.column_setter(start, stop),
                )
            )
        for source, at_ns in zip(map(sources.__getitem__, order), block.ends_ns, strict=True):
            number, context, on_candle, next_candle, push, steps, set_columns = source
            if timers:
                self._catch_up(at_ns)
            elif busy:
                advance(at_ns)
            context.now_ns = at_ns
            candle = next_candle()
            if push is not None:
                push(candle)
            for column, step in steps:
                column.value = step(candle)
            if set_columns is not None:
                set_columns()
            intents = on_candle(candle)
            if intents:
                carry_out(number, intents, at_ns)

    def _catch_up(self, at_ns: int) -> None:
        """Let orders and timers have their time before a candle is told."""
        while self.timers:
            due_ns, number, name = min(
                (due_ns, number, name) for (number, name), due_ns in self.timers.items()
            )
            if due_ns > at_ns:
                break
            self.exchange.advance(due_ns)
            if number < 0:
                self._hear(due_ns)
            elif self.timers.get((number, name)) == due_ns:  # it may be set anew meanwhile
                del self.timers[number, name]
                self._call(number, TimerDue(name, due_ns), due_ns)
        self.exchange.advance(at_ns)

    def _signals(self) -> list[tuple[int, int, SignalEvent]]:
        """What each strategy hears of signals, and when: after all that is known as of it."""
        said = [
            (max(event.at_ns, self.start_ns) + 1, number, event)
            for number, session in enumerate(self.sessions)
            if session.uses
            for event in self.settings.signals.told(session.uses, self.start_ns)
        ]
        return sorted(said, key=itemgetter(0, 1))

    def _hear(self, now_ns: int) -> None:
        """Tell strategies what signals say by now, and have the run woken for what comes next."""
        del self.timers[_SIGNALS]
        while self._heard < len(self._said) and self._said[self._heard][0] <= now_ns:
            _, number, event = self._said[self._heard]
            self._heard += 1
            self._call(number, event, now_ns)
        self._await_signals()

    def _await_signals(self) -> None:
        if self._heard < len(self._said):
            self.timers[_SIGNALS] = self._said[self._heard][0]

    def _tell(self, number: int, told: Told, now_ns: int) -> None:
        self._call(number, told, now_ns)

    def _call(self, number: int, value: Told | TimerDue | SignalEvent, now_ns: int) -> None:
        context = self.contexts[number]
        context.now_ns = max(context.now_ns, now_ns)
        self._carry_out(number, self.sessions[number].take(value), now_ns)

    def _carry_out(self, number: int, intents: Iterable[Intent], now_ns: int) -> None:
        exchange = self.exchange
        # What yields is run to its end before anything of it is done.
        for intent in intents if type(intents) is tuple else checked(intents):
            match intent:
                case Place():
                    exchange.place(number, intent, now_ns)
                case Cancel() | CancelAll():
                    exchange.cancel(number, intent, now_ns)
                case Amend():
                    exchange.amend(number, intent, now_ns)
                case Replace():
                    exchange.replace(number, intent, now_ns)
                case SetTimer():
                    self.timers[number, intent.name] = now_ns + intent.delay_ns
                    if len(self.timers) - (_SIGNALS in self.timers) > TIMERS_MAX * len(
                        self.sessions
                    ):
                        raise ValueError(f"a strategy has at most {TIMERS_MAX} timers")
                case Note():
                    if len(self.notes) < NOTES_MAX:
                        self.notes.append(NoteRow(now_ns, number, intent.text))
                case Save():
                    self.saved[number] = intent.text
                case _:
                    checked([intent])  # says what it is

    # How it begins.

    def _make_lanes(self) -> list[Lane]:
        by_symbol = {each.instrument.symbol: each for each in self.markets}
        lanes = []
        for number, session in enumerate(self.sessions):
            for subscription in session.subscriptions:
                if not isinstance(subscription, Candles):
                    raise DataError(f"a run over candles has no {subscription}")
                market = by_symbol.get(Symbol(subscription.symbol))
                found = [
                    each
                    for each in (market.candles if market is not None else ())
                    if each.interval is subscription.interval and each.venue == subscription.venue
                ]
                if market is None or not found:
                    raise DataError(
                        f"there is no history of {subscription.symbol} {subscription.venue} "
                        f"{subscription.interval.value}, which strategy {number + 1} wants; "
                        f"there is {self._known()}"
                    )
                lanes.append(self._make_lane(number, session, subscription, market, found[0]))
        if not lanes:
            raise DataError("no strategy subscribes to candles")
        return lanes

    def _known(self) -> str:
        """Which histories the run has, for people."""
        return ", ".join(
            f"{each.symbol} {each.venue} {each.interval.value}"
            for market in self.markets
            for each in market.candles
        )

    def _make_lane(
        self,
        number: int,
        session: Session,
        subscription: Candles,
        market: MarketData,
        candles: CandleSet,
    ) -> Lane:
        told = self.account.lines[self.markets.index(market)].told
        declared = [each for each in session.declarations.columns if each.candles == subscription]
        ends_ns = candles.ends_ns
        first = int(np.searchsorted(ends_ns, self.start_ns, side="right"))
        lane = Lane(
            strategy=number,
            subscription=subscription,
            told=told,
            candles=candles,
            ends_ns=ends_ns,
            first=first,
            columns=tuple(each.column for each in declared),
        )
        if self.gear is not Gear.EVENT and declared:
            warm = max(0, first - subscription.warm_up)
            lane.batches = tuple(self._column(lane, each, warm) for each in declared)
        return lane

    def _column(self, lane: Lane, declared: ColumnDeclaration, warm: int) -> Any:
        """A declared column over all candles from row ``warm`` on."""
        key = (lane.subscription, declared.key)
        found = self._columns.get(key) if declared.key is not None else None
        if found is None:
            found = np.asarray(declared.batch(lane.candle_columns(warm)), dtype=np.float64)
            if found.shape != (len(lane.candles) - warm,):
                raise DataError(f"a column of {lane.subscription} has another length than it")
            if warm:
                found = np.concatenate((np.full(warm, np.nan), found))
            if declared.key is not None:
                self._columns[key] = found
        return found

    def _woken(self, lane: Lane) -> Lane:
        """The lane with those candles only at which its strategy looks. Raises: GearRefused."""
        session = self.sessions[lane.strategy]
        signal = session.declarations.signals.get(lane.subscription)
        if signal is None:
            raise GearRefused(f"no signal is declared for {lane.subscription}")
        if lane.subscription.history:
            raise GearRefused("the strategy reads a history of candles")
        kind = type(session.strategy)
        for name in ("on_order", "on_timer", "on_change_refused", "on_signal", "on_signal_lost"):
            if getattr(kind, name) is not getattr(Strategy, name):
                # It could read columns then, which stand still between two calls.
                raise GearRefused(f"the strategy has {name}")
        return lane.at_rows(changes(lane.signal(signal), lane.first))

    def _make_context(self, number: int) -> RunContext:
        opened = [
            (market.instrument, min(int(each.open_at_ns[0]) for each in market.candles))
            for market in self.markets
        ]
        later = listed_later(opened, self.sessions[number].subscriptions, self.start_ns)
        make = partial(RunContext, run_id=f"backtest-{number + 1}", now_ns=self.start_ns)
        context = make_listed(make, self.account, later)
        context.attach(self.exchange, number)
        return context

    def _connect(self) -> None:
        listening = frozenset(
            number
            for number, session in enumerate(self.sessions)
            if type(session.strategy).on_order is not Strategy.on_order
        )
        self.exchange.connect(listening, self._tell)

    def _begin(self) -> None:
        for lane in self.lanes:
            warm = max(0, lane.first - lane.subscription.warm_up)
            for candle in lane.told_candles(warm, lane.first):
                self.sessions[lane.strategy].warm_up(candle)
        with decimal.localcontext(EXACT):
            for number, session in enumerate(self.sessions):
                self._carry_out(number, session.start(self.contexts[number]), self.start_ns)
        self._await_signals()

    def _pusher(self, lane: Lane) -> Callable[[Candle], None] | None:
        if not lane.subscription.history:
            return None
        return self.contexts[lane.strategy].candles(lane.subscription).push

    def _steps(self, lane: Lane) -> tuple[Any, ...]:
        """The columns that are computed step by step, with how."""
        if self.gear is not Gear.EVENT:
            return ()
        declared = self.sessions[lane.strategy].declarations.columns
        return tuple(
            (each.column, each.step) for each in declared if each.candles == lane.subscription
        )


def _start_ns(markets: Sequence[MarketData], settings: RunSettings) -> int:
    first = min(int(each.finest.open_at_ns[0]) for each in markets)
    return first if settings.start_ns is None else max(first, settings.start_ns)


def _check_markets(strategies: Sequence[Strategy[Any]], markets: Sequence[MarketData]) -> None:
    if not strategies or not markets:
        raise DataError("a run has at least one strategy and one market")
    if any(not len(candles) for market in markets for candles in market.candles):
        raise DataError("a history without a candle tells nothing")
    check_markets([each.instrument for each in markets])
