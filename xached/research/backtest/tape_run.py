"""One run of a strategy over tapes: every trade, every change of a level, of one market or more.

The strategy hears of its orders at once and of the tape as it subscribes: every trade, the book at
most every ``book_interval_ns``, and candles of the trades when they are over. What it wants arrives
``latency_ns`` later. All markets pay from one purse. At one time what arrives comes first, then
timers, then candles, then the rows of the markets in the order in which these are given. It keeps
the contract of :mod:`xache_sdk.strategy`.
"""

from __future__ import annotations

import decimal
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import chain, islice
from typing import Any, Final, TypeAlias

import attrs
import numpy as np
from xache_sdk.context import Context
from xache_sdk.exact import EXACT
from xache_sdk.market import Book, Books, Candle, Candles, Trade, Trades
from xache_sdk.market import Side as ToldSide
from xache_sdk.orders import (
    Amend,
    Cancel,
    CancelAll,
    ChangeRefused,
    Intent,
    Note,
    OrderUpdate,
    Place,
    Replace,
    Save,
    SetTimer,
)
from xache_sdk.session import Session
from xache_sdk.strategy import Strategy, TimerDue

from xached.research.backtest.account import Account
from xached.research.backtest.feed import Lane
from xached.research.backtest.listed import listed_later, make_listed
from xached.research.backtest.result import Gear, NoteRow, RunResult
from xached.research.backtest.run import TIMERS_MAX
from xached.research.backtest.tape import Tape, TapeKind, TapeMarket, stretches
from xached.research.backtest.tape_exchange import NEVER, Desk, TapeExchange
from xached.research.backtest.tape_feed import best_of
from xached.research.backtest.terms import RunSettings, check_markets, to_units, told_instrument
from xached.research.history.candle_set import NS_PER_S, Column, DataError

ROWS: Final = 50_000
"""So many rows are values at one time."""

NOTES_MAX: Final = 10_000

Called: TypeAlias = Trade | Book | Candle | TimerDue | OrderUpdate | ChangeRefused
"""What a strategy is called with."""


@attrs.frozen(kw_only=True)
class TapeSettings:
    """How a run over a tape is made. ``start_ns``: what is before it only fills the book and warms
    up candles; None: the first row. Raises: ValueError for a latency below zero."""

    cash: Decimal
    latency_ns: int = 50_000_000
    book_interval_ns: int = 100_000_000
    start_ns: int | None = None

    def __attrs_post_init__(self) -> None:
        if self.cash <= 0 or self.latency_ns < 0 or self.book_interval_ns < 0:
            raise ValueError("a run has money, and no latency or interval below zero")


class _Lane:
    """One market of a run: its tape, what is told of it, and its exchange."""

    __slots__ = ("depth", "exchange", "line", "next_book_ns", "tape", "trades")

    def __init__(self, tape: Tape, exchange: TapeExchange) -> None:
        self.tape = tape
        self.exchange = exchange
        self.line = exchange.line
        self.trades = False
        """Whether trades are told."""
        self.depth = 0
        """How many levels of the book are told; 0: none."""
        self.next_book_ns = 0

    def rows(self, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
        """The rows of the tape; so many are values at one time."""
        columns = self.tape.columns
        cut = (slice(at, min(at + ROWS, stop)) for at in range(start, stop, ROWS))
        blocks = (zip(*(each[rows].tolist() for each in columns), strict=True) for rows in cut)
        return chain.from_iterable(blocks)


class TapeRun:
    """A run over the tapes of one market or of several.

    Raises: DataError for markets that are given twice or have no common quote asset, or for a
    subscription that they cannot serve; whatever the strategy raises.
    """

    def __init__(
        self, strategy: Strategy[Any], markets: Sequence[TapeMarket], settings: TapeSettings
    ) -> None:
        check_markets([each.instrument for each in markets])
        self.settings = settings
        self.markets = tuple(markets)
        told = [told_instrument(each.instrument) for each in markets]
        self.cash_units = to_units(settings.cash, markets[0].instrument.quote_scale)
        pairs = ((each.instrument, view) for each, view in zip(markets, told, strict=True))
        self.account = Account(pairs, self.cash_units)
        self.session = Session(strategy)
        if self.session.uses:
            raise DataError("signals are computed of candles; a run over a tape has none")
        self.notes: list[NoteRow] = []
        self.saved: dict[int, str] = {}
        self._updates: deque[OrderUpdate | ChangeRefused] = deque()
        # Also for who does not listen: the context tells of open orders.
        tell = self._updates.append
        used_ids: set[str] = set()
        self._lanes = [
            _Lane(
                market.tape,
                TapeExchange(
                    self.account,
                    line,
                    tell,
                    used_ids,
                    market.tape.at_ns.item(0),
                    market.tape.at_ns.item(-1),
                ),
            )
            for market, line in zip(markets, self.account.lines, strict=True)
        ]
        self.desk = Desk([lane.exchange for lane in self._lanes], settings.latency_ns)
        first_ns = min(each.tape.at_ns.item(0) for each in markets)
        self.start_ns = first_ns if settings.start_ns is None else max(first_ns, settings.start_ns)
        self._timers: dict[str, int] = {}
        self._candles: deque[Candle] = deque()
        self._due_ns = NEVER
        self._subscribe()
        opened = [(each.instrument, each.tape.at_ns.item(0)) for each in markets]
        later = listed_later(opened, self.session.subscriptions, self.start_ns)
        make = partial(Context, run_id="backtest-1", now_ns=self.start_ns)
        self.context = make_listed(make, self.account, later)
        with decimal.localcontext(EXACT):
            self._carry_out(self.session.start(self.context))
        self._see_due()

    def finish(self, progress: Callable[[float], None] | None = None) -> RunResult:
        """Run to the end of the tapes. ``progress`` is called with the part that is done."""
        lanes, tapes = self._lanes, [lane.tape for lane in self._lanes]
        firsts = [int(np.searchsorted(tape.at_ns, self.start_ns)) for tape in tapes]
        for lane, first in zip(lanes, firsts, strict=True):
            _fill_book(lane.exchange, lane.rows(0, first))
        rows = [lane.rows(at, len(lane.tape)) for lane, at in zip(lanes, firsts, strict=True)]
        whole, done, told = sum(map(len, tapes)), sum(firsts), 0
        with decimal.localcontext(EXACT):
            for number, count in stretches(tapes, firsts, ROWS):
                self._run_rows(lanes[number], islice(rows[number], count))
                done += count
                if progress is not None and (done - told >= ROWS or done == whole):
                    told = done
                    progress(done / whole)
        return self._result()

    def _run_rows(self, lane: _Lane, rows: Iterable[tuple[int, int, int, int]]) -> None:
        exchange, wants_trades, wants_book = lane.exchange, lane.trades, lane.depth > 0
        bids, asks, queued, updates = exchange.bids, exchange.asks, exchange.queued, self._updates
        own_prices, waiting = exchange.own_prices, exchange.waiting
        for at_ns, kind, price, lots in rows:
            if self._due_ns <= at_ns:
                self._catch_up(at_ns)
            if kind > TAPE_ASK:
                exchange.last_ticks = price
                if queued or waiting:
                    exchange.traded(kind, price, lots, at_ns)
                if wants_trades:
                    self._tell_trade(lane, at_ns, kind, price, lots)
            else:
                levels = asks if kind else bids
                if lots:
                    levels[price] = lots
                elif price in levels:
                    del levels[price]
                if price in own_prices:
                    exchange.level_changed(kind, price, lots)
            if wants_book and at_ns >= lane.next_book_ns:
                lane.next_book_ns = at_ns + self.settings.book_interval_ns
                self._tell_book(lane, at_ns)
            if updates:
                self._tell_updates()

    def _catch_up(self, at_ns: int) -> None:
        """Let what arrives, timers and candles have their time before a row of a tape."""
        desk, timers, candles, answered_ns = self.desk, self._timers, self._candles, -1
        while True:
            # Without latency an answer to what has just arrived waits for the next row.
            arrives_ns = desk.arrives_ns if desk.arrives_ns > answered_ns else NEVER
            name = min(timers, key=timers.__getitem__, default="")
            timer_ns = timers[name] if name else NEVER
            candle_ns = candles[0].ends_at_ns if candles else NEVER
            due_ns = min(arrives_ns, timer_ns, candle_ns)
            if due_ns > at_ns:
                break
            if arrives_ns == due_ns:
                answered_ns = due_ns
                desk.arrive(due_ns)
                self._tell_updates()
            elif timer_ns == due_ns:
                self._call(TimerDue(name, timers.pop(name)), due_ns)
            else:
                self._call(candles.popleft(), due_ns)
        self._see_due()

    def _see_due(self) -> None:
        candle_ns = self._candles[0].ends_at_ns if self._candles else NEVER
        self._due_ns = min(self.desk.arrives_ns, candle_ns, *self._timers.values())

    def _tell_trade(self, lane: _Lane, at_ns: int, kind: int, price_ticks: int, lots: int) -> None:
        side = ToldSide.BUY if kind == TapeKind.BOUGHT else ToldSide.SELL
        self._call(Trade(lane.line.told, lane.tape.venue, at_ns, price_ticks, lots, side), at_ns)

    def _tell_book(self, lane: _Lane, at_ns: int) -> None:
        bids, asks = lane.exchange.bids, lane.exchange.asks
        self._call(best_of(lane.line.told, lane.tape.venue, at_ns, bids, asks, lane.depth), at_ns)

    def _tell_updates(self) -> None:
        while self._updates:
            update = self._updates.popleft()
            self._call(update, update.at_ns)

    def _call(self, value: Called, at_ns: int) -> None:
        self.context.now_ns = max(self.context.now_ns, at_ns)
        self._carry_out(self.session.take(value))

    def _carry_out(self, intents: Iterable[Intent]) -> None:
        now_ns = self.context.now_ns
        for intent in intents:
            match intent:
                case Place() | Cancel() | CancelAll() | Amend() | Replace():
                    self.desk.send(intent, now_ns)
                case SetTimer():
                    self._timers[intent.name] = now_ns + intent.delay_ns
                    if len(self._timers) > TIMERS_MAX:
                        raise ValueError(f"a strategy has at most {TIMERS_MAX} timers")
                case Note():
                    if len(self.notes) < NOTES_MAX:
                        self.notes.append(NoteRow(now_ns, 0, intent.text))
                case Save():
                    self.saved[0] = intent.text
            self._see_due()

    def _subscribe(self) -> None:
        """See what is told of which market, and make candles ready."""
        by_market = {(lane.tape.symbol, lane.tape.venue): lane for lane in self._lanes}
        told: list[Candle] = []
        for each in self.session.subscriptions:
            lane = by_market.get((each.symbol, each.venue))
            if lane is None:
                names = " and ".join(f"{symbol} at {venue}" for symbol, venue in by_market)
                raise DataError(f"this is a tape of {names}: it has no {each}")
            match each:
                case Trades():
                    lane.trades = True
                case Books():
                    lane.depth = max(lane.depth, each.depth)
                case Candles():
                    told += self._warmed_up(lane, each)
        told.sort(key=lambda candle: (candle.ends_at_ns, candle.interval.ns))
        self._candles.extend(told)

    def _warmed_up(self, lane: _Lane, subscription: Candles) -> list[Candle]:
        """The candles that are yet to come; those before have warmed up."""
        candles = lane.tape.candles(subscription.interval)
        first = int(np.searchsorted(candles.ends_ns, self.start_ns, side="right"))
        made = Lane(0, subscription, lane.line.told, candles, candles.ends_ns, first)
        for candle in made.told_candles(max(0, first - subscription.warm_up), first):
            self.session.warm_up(candle)
        return list(made.told_candles(first, len(candles)))

    def _result(self) -> RunResult:
        exchanges = [lane.exchange for lane in self._lanes]
        closes = [_last_of_seconds(each.tape) for each in self.markets]
        refusals = sum((each.refusals for each in exchanges), Counter[str]())
        return RunResult(
            settings=RunSettings(cash=self.settings.cash),
            instruments=tuple(each.instrument for each in self.markets),
            fills=self.account.fills,
            start_ns=self.start_ns,
            end_ns=max(each.tape.at_ns.item(-1) for each in self.markets),
            cash_units=self.cash_units,
            end_units=self.account.worth_units([each.last_ticks or 0 for each in exchanges]),
            orders=self.desk.orders,
            refusals=dict(refusals),
            unfilled=0,
            notes=self.notes,
            saved=self.saved,
            gear=Gear.EVENT,
            fallback="",
            candles=sum(len(each.tape) for each in self.markets),
            close_at_ns=tuple(at_ns for at_ns, _ in closes),
            close_ticks=tuple(ticks for _, ticks in closes),
        )


def _fill_book(exchange: TapeExchange, rows: Iterable[tuple[int, int, int, int]]) -> None:
    for _, kind, price, lots in rows:
        if kind > TAPE_ASK:
            exchange.last_ticks = price
        elif lots:
            (exchange.asks if kind else exchange.bids)[price] = lots
        else:
            (exchange.asks if kind else exchange.bids).pop(price, None)


def _last_of_seconds(tape: Tape) -> tuple[Column, Column]:
    """When each second in which somebody traded saw its last trade, and at what price."""
    rows = tape.trades
    seconds = tape.at_ns[rows] // NS_PER_S
    rows = rows[np.append(seconds[1:] != seconds[:-1], True)] if len(rows) else rows
    return tape.at_ns[rows], tape.price_ticks[rows]


TAPE_ASK: Final = int(TapeKind.ASK)
"""Looked up once: it is compared with for every row."""
