"""One run of a strategy over the tape of a market: every trade, every change of a level.

The strategy hears of its orders at once and of the tape as it subscribes: every trade, the book at
most every ``book_interval_ns``, and candles of the trades when they are over. What it wants arrives
``latency_ns`` later. It keeps the contract of :mod:`xache_sdk.strategy`.
"""

from __future__ import annotations

import decimal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, Final

import attrs
import numpy as np
from xache_sdk.context import Context
from xache_sdk.exact import EXACT
from xache_sdk.market import Book, Books, Candle, Candles, Trade, Trades
from xache_sdk.market import Side as ToldSide
from xache_sdk.orders import Cancel, CancelAll, Intent, Note, OrderUpdate, Place, Save, SetTimer
from xache_sdk.session import Session
from xache_sdk.strategy import Strategy, TimerDue

from xached.domain.instrument import Instrument
from xached.research.backtest.account import Account, LiveBalance
from xached.research.backtest.feed import Lane
from xached.research.backtest.result import Gear, NoteRow, RunResult
from xached.research.backtest.run import TIMERS_MAX
from xached.research.backtest.tape import Tape, TapeKind
from xached.research.backtest.tape_exchange import NEVER, TapeExchange
from xached.research.backtest.tape_feed import best_of
from xached.research.backtest.terms import RunSettings, to_units, told_instrument
from xached.research.history.candle_set import NS_PER_S, DataError

ROWS: Final = 50_000
"""So many rows are values at one time."""

NOTES_MAX: Final = 10_000


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


class TapeRun:
    """A run over one tape.

    Raises: DataError for a tape in other steps than the instrument's, or a subscription that it
    cannot serve; whatever the strategy raises.
    """

    def __init__(
        self, strategy: Strategy[Any], instrument: Instrument, tape: Tape, settings: TapeSettings
    ) -> None:
        told = told_instrument(instrument)
        if (tape.symbol, tape.tick_size, tape.lot_size) != (
            told.symbol, told.tick_size, told.lot_size,
        ):  # fmt: skip
            raise DataError(f"the tape of {tape.symbol} is not in the steps of {told.symbol}")
        self.settings = settings
        self.instrument = instrument
        self.tape = tape
        self.cash_units = to_units(settings.cash, instrument.quote_scale)
        self.account = Account([(instrument, told)], self.cash_units)
        self.session = Session(strategy)
        if self.session.uses:
            raise DataError("signals are computed of candles; a run over a tape has none")
        self.notes: list[NoteRow] = []
        self.saved: dict[int, str] = {}
        self._updates: deque[OrderUpdate] = deque()
        # Also for who does not listen: the context tells of open orders.
        self.exchange = TapeExchange(self.account, settings.latency_ns, self._updates.append)
        first_ns = tape.at_ns.item(0)
        self.start_ns = first_ns if settings.start_ns is None else max(first_ns, settings.start_ns)
        self._timers: dict[str, int] = {}
        self._candles: deque[Candle] = deque()
        self._due_ns = NEVER
        self._trades, self._depth = self._subscribed()
        line = self.account.lines[0]
        self.context = Context(
            run_id="backtest-1",
            now_ns=self.start_ns,
            instruments={told.symbol: told},
            balances={name: LiveBalance(each) for name, each in self.account.holdings.items()},
            positions={told.symbol: line.told_position},
        )
        with decimal.localcontext(EXACT):
            self._carry_out(self.session.start(self.context))
            self._see_due()

    def finish(self, progress: Callable[[float], None] | None = None) -> RunResult:
        """Run to the end of the tape. ``progress`` is called with the part that is done."""
        tape = self.tape
        first = int(np.searchsorted(tape.at_ns, self.start_ns))
        for rows in self._rows(0, first):
            self._fill_book(rows)
        next_book_ns, done = 0, first
        with decimal.localcontext(EXACT):
            for rows in self._rows(first, len(tape)):
                next_book_ns = self._run_rows(rows, next_book_ns)
                done += ROWS
                if progress is not None:
                    progress(min(1.0, done / len(tape)))
        return self._result()

    def _rows(self, start: int, stop: int) -> Iterator[Iterable[tuple[int, int, int, int]]]:
        """The rows of the tape, so many at a time."""
        tape = self.tape
        for at in range(start, stop, ROWS):
            rows = slice(at, min(at + ROWS, stop))
            yield zip(
                tape.at_ns[rows].tolist(),
                tape.kind[rows].tolist(),
                tape.price_ticks[rows].tolist(),
                tape.quantity_lots[rows].tolist(),
                strict=True,
            )

    def _fill_book(self, rows: Iterable[tuple[int, int, int, int]]) -> None:
        exchange = self.exchange
        for _, kind, price, lots in rows:
            if kind > TAPE_ASK:
                exchange.last_ticks = price
            elif lots:
                (exchange.asks if kind else exchange.bids)[price] = lots
            else:
                (exchange.asks if kind else exchange.bids).pop(price, None)

    def _run_rows(self, rows: Iterable[tuple[int, int, int, int]], next_book_ns: int) -> int:
        exchange, wants_trades, wants_book = self.exchange, self._trades, self._depth > 0
        bids, asks, queued, updates = exchange.bids, exchange.asks, exchange.queued, self._updates
        own_prices, waiting = exchange.own_prices, exchange.waiting
        for at_ns, kind, price, lots in rows:
            if self._due_ns <= at_ns:
                self._catch_up(at_ns)
            if exchange.arrives_ns <= at_ns:
                exchange.arrive(at_ns)
                self._tell_updates()
            if kind > TAPE_ASK:
                exchange.last_ticks = price
                if queued or waiting:
                    exchange.traded(kind, price, lots, at_ns)
                if wants_trades:
                    self._tell_trade(at_ns, kind, price, lots)
            else:
                levels = asks if kind else bids
                if lots:
                    levels[price] = lots
                elif price in levels:
                    del levels[price]
                if price in own_prices:
                    exchange.level_changed(kind, price, lots)
            if wants_book and at_ns >= next_book_ns:
                next_book_ns = at_ns + self.settings.book_interval_ns
                self._tell_book(at_ns)
            if updates:
                self._tell_updates()
        return next_book_ns

    def _catch_up(self, at_ns: int) -> None:
        """Let timers and candles have their time before a row of the tape."""
        while (due_ns := self._due_ns) <= at_ns:
            self.exchange.arrive(due_ns)
            self._tell_updates()
            name = min(self._timers, key=self._timers.__getitem__, default="")
            if name and self._timers[name] <= due_ns:
                self._call(TimerDue(name, self._timers.pop(name)), due_ns)
            elif self._candles and self._candles[0].ends_at_ns <= due_ns:
                self._call(self._candles.popleft(), due_ns)
            self._see_due()

    def _see_due(self) -> None:
        candle_ns = self._candles[0].ends_at_ns if self._candles else NEVER
        self._due_ns = min(candle_ns, *self._timers.values()) if self._timers else candle_ns

    def _tell_trade(self, at_ns: int, kind: int, price_ticks: int, lots: int) -> None:
        line = self.account.lines[0]
        side = ToldSide.BUY if kind == TapeKind.BOUGHT else ToldSide.SELL
        self._call(Trade(line.told, self.tape.venue, at_ns, price_ticks, lots, side), at_ns)

    def _tell_book(self, at_ns: int) -> None:
        exchange, told = self.exchange, self.account.lines[0].told
        book = best_of(told, self.tape.venue, at_ns, exchange.bids, exchange.asks, self._depth)
        self._call(book, at_ns)

    def _tell_updates(self) -> None:
        while self._updates:
            update = self._updates.popleft()
            self._call(update, update.at_ns)

    def _call(self, value: Trade | Book | Candle | TimerDue | OrderUpdate, at_ns: int) -> None:
        self.context.now_ns = max(self.context.now_ns, at_ns)
        self._carry_out(self.session.take(value))

    def _carry_out(self, intents: Iterable[Intent]) -> None:
        now_ns = self.context.now_ns
        for intent in intents:
            match intent:
                case Place() | Cancel() | CancelAll():
                    self.exchange.send(intent, now_ns)
                case SetTimer():
                    self._timers[intent.name] = now_ns + intent.delay_ns
                    if len(self._timers) > TIMERS_MAX:
                        raise ValueError(f"a strategy has at most {TIMERS_MAX} timers")
                    self._see_due()
                case Note():
                    if len(self.notes) < NOTES_MAX:
                        self.notes.append(NoteRow(now_ns, 0, intent.text))
                case Save():
                    self.saved[0] = intent.text
                case _:
                    raise DataError(f"a run over a tape has no {type(intent).__name__}")

    def _subscribed(self) -> tuple[bool, int]:
        """Whether trades are told, and how deep a book (0: none); candles are made ready."""
        trades, depth = False, 0
        told: list[Candle] = []
        for each in self.session.subscriptions:
            symbol, venue = self.tape.symbol, self.tape.venue
            if (each.symbol, each.venue) != (symbol, venue):
                raise DataError(f"this is a tape of {symbol} at {venue}: it has no {each}")
            match each:
                case Trades():
                    trades = True
                case Books():
                    depth = each.depth
                case Candles():
                    told += self._warmed_up(each)
        told.sort(key=lambda candle: (candle.ends_at_ns, candle.interval.ns))
        self._candles.extend(told)
        return trades, depth

    def _warmed_up(self, subscription: Candles) -> list[Candle]:
        """The candles that are yet to come; those before have warmed up."""
        candles = self.tape.candles(subscription.interval)
        told = self.account.lines[0].told
        first = int(np.searchsorted(candles.ends_ns, self.start_ns, side="right"))
        lane = Lane(0, subscription, told, candles, candles.ends_ns, first)
        for candle in lane.told_candles(max(0, first - subscription.warm_up), first):
            self.session.warm_up(candle)
        return list(lane.told_candles(first, len(candles)))

    def _result(self) -> RunResult:
        tape, exchange = self.tape, self.exchange
        rows = tape.trades
        seconds = tape.at_ns[rows] // NS_PER_S
        last_of_second = rows[np.append(seconds[1:] != seconds[:-1], True)] if len(rows) else rows
        last = exchange.last_ticks or 0
        return RunResult(
            settings=RunSettings(cash=self.settings.cash),
            instruments=(self.instrument,),
            fills=self.account.fills,
            start_ns=self.start_ns,
            end_ns=tape.at_ns.item(-1),
            cash_units=self.cash_units,
            end_units=self.account.worth_units([last]),
            orders=exchange.orders,
            refusals=dict(exchange.refusals),
            unfilled=0,
            notes=self.notes,
            saved=self.saved,
            gear=Gear.EVENT,
            fallback="",
            candles=len(tape),
            close_at_ns=(tape.at_ns[last_of_second],),
            close_ticks=(tape.price_ticks[last_of_second],),
        )


TAPE_ASK: Final = int(TapeKind.ASK)
"""Looked up once: it is compared with for every row."""
