"""One run of a strategy over the tape of a market: every trade, every change of a level.

The strategy hears of its orders at once and of the tape as it subscribes: every trade, and the
book at most every ``book_interval_ns``. What it wants arrives ``latency_ns`` later. It keeps the
contract of :mod:`xache_sdk.strategy`, without timers.
"""

from __future__ import annotations

import decimal
from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import attrs
import numpy as np
from xache_sdk.context import Context
from xache_sdk.exact import EXACT
from xache_sdk.market import Book, Books, Level, Trade, Trades
from xache_sdk.market import Side as ToldSide
from xache_sdk.orders import Cancel, CancelAll, Intent, Note, OrderUpdate, Place, Save
from xache_sdk.session import Session
from xache_sdk.strategy import Strategy

from xached.domain.instrument import Instrument
from xached.research.backtest.account import Account, LiveBalance
from xached.research.backtest.result import Gear, NoteRow, RunResult
from xached.research.backtest.tape import Tape, TapeKind
from xached.research.backtest.tape_exchange import TapeExchange
from xached.research.backtest.terms import RunSettings, to_units, told_instrument
from xached.research.history.candle_set import NS_PER_S, DataError

ROWS: Final = 50_000
"""So many rows are values at one time."""

NOTES_MAX: Final = 10_000


@attrs.frozen(kw_only=True)
class TapeSettings:
    """How a run over a tape is made. Raises: ValueError for a latency below zero."""

    cash: Decimal
    latency_ns: int = 50_000_000
    book_interval_ns: int = 100_000_000

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
        self.notes: list[NoteRow] = []
        self.saved: dict[int, str] = {}
        self._updates: deque[OrderUpdate] = deque()
        listens = type(strategy).on_order is not Strategy.on_order
        self.exchange = TapeExchange(
            self.account, settings.latency_ns, self._updates.append if listens else None
        )
        self._trades, self._depth = self._subscribed()
        line = self.account.lines[0]
        self.context = Context(
            run_id="backtest-1",
            now_ns=tape.at_ns.item(0),
            instruments={told.symbol: told},
            balances={name: LiveBalance(each) for name, each in self.account.holdings.items()},
            positions={told.symbol: line.told_position},
        )
        with decimal.localcontext(EXACT):
            self._carry_out(self.session.start(self.context))

    def finish(self) -> RunResult:
        """Run to the end of the tape."""
        tape = self.tape
        next_book_ns = 0
        with decimal.localcontext(EXACT):
            for start in range(0, len(tape), ROWS):
                rows = slice(start, start + ROWS)
                next_book_ns = self._run_rows(
                    zip(
                        tape.at_ns[rows].tolist(),
                        tape.kind[rows].tolist(),
                        tape.price_ticks[rows].tolist(),
                        tape.quantity_lots[rows].tolist(),
                        strict=True,
                    ),
                    next_book_ns,
                )
        return self._result()

    def _run_rows(self, rows: Iterable[tuple[int, int, int, int]], next_book_ns: int) -> int:
        exchange, wants_trades, wants_book = self.exchange, self._trades, self._depth > 0
        bids, asks, queued, updates = exchange.bids, exchange.asks, exchange.queued, self._updates
        own_prices = exchange.own_prices
        for at_ns, kind, price, lots in rows:
            if exchange.arrives_ns <= at_ns:
                exchange.arrive(at_ns)
            if kind > TAPE_ASK:
                exchange.last_ticks = price
                if queued:
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

    def _tell_trade(self, at_ns: int, kind: int, price_ticks: int, lots: int) -> None:
        line = self.account.lines[0]
        side = ToldSide.BUY if kind == TapeKind.BOUGHT else ToldSide.SELL
        self._call(Trade(line.told, self.tape.venue, at_ns, price_ticks, lots, side), at_ns)

    def _tell_book(self, at_ns: int) -> None:
        bids, asks, depth = self.exchange.bids, self.exchange.asks, self._depth
        book = Book(
            self.account.lines[0].told,
            self.tape.venue,
            at_ns,
            tuple(Level(ticks, bids[ticks]) for ticks in sorted(bids, reverse=True)[:depth]),
            tuple(Level(ticks, asks[ticks]) for ticks in sorted(asks)[:depth]),
        )
        self._call(book, at_ns)

    def _tell_updates(self) -> None:
        while self._updates:
            update = self._updates.popleft()
            self._call(update, update.at_ns)

    def _call(self, value: Trade | Book | OrderUpdate, at_ns: int) -> None:
        self.context.now_ns = max(self.context.now_ns, at_ns)
        self._carry_out(self.session.take(value))

    def _carry_out(self, intents: Iterable[Intent]) -> None:
        now_ns = self.context.now_ns
        for intent in intents:
            match intent:
                case Place() | Cancel() | CancelAll():
                    self.exchange.send(intent, now_ns)
                case Note():
                    if len(self.notes) < NOTES_MAX:
                        self.notes.append(NoteRow(now_ns, 0, intent.text))
                case Save():
                    self.saved[0] = intent.text
                case _:
                    raise DataError(f"a run over a tape has no {type(intent).__name__}")

    def _subscribed(self) -> tuple[bool, int]:
        """Whether trades are told, and how deep a book (0: none)."""
        trades, depth = False, 0
        for each in self.session.subscriptions:
            if isinstance(each, Trades | Books) and (each.symbol, each.venue) == (
                self.tape.symbol, self.tape.venue,
            ):  # fmt: skip
                trades = trades or isinstance(each, Trades)
                depth = each.depth if isinstance(each, Books) else depth
            else:
                raise DataError(f"the tape of {self.tape.symbol} has no {each}")
        return trades, depth

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
            start_ns=tape.at_ns.item(0),
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
