"""The newest of everything, written by streams and read by the drawing."""

from __future__ import annotations

import time
from collections import deque
from decimal import Decimal
from typing import Final

import attrs

from xache.book_view import BookView
from xache.v1 import market_pb2, strategy_pb2, types_pb2, wallet_pb2

TRADES_MAX: Final = 200
CANDLES_MAX: Final = 500
FILLS_MAX: Final = 200
SILENT_S: Final = 12.0
"""Every stream says something within five seconds: two missed signs and it counts as silent."""


@attrs.frozen
class Subject:
    """What is looked at."""

    symbol: str
    venue: str
    """Whose market; "" for the house's own."""
    interval: market_pb2.Interval


@attrs.define
class StreamState:
    """How one stream does."""

    messages: int = 0
    heard_at_s: float | None = None
    """When it last said something, on the monotonic clock."""
    failure: str = ""
    """Why it is not live; "" while it is."""

    def heard(self) -> None:
        """A message came."""
        self.messages += 1
        self.heard_at_s = time.monotonic()
        self.failure = ""

    def is_silent(self) -> bool:
        """Whether it was heard, and then not for too long."""
        return self.heard_at_s is not None and time.monotonic() - self.heard_at_s > SILENT_S


@attrs.define
class MarketBoard:
    """What is known of the market that is looked at. Another market gets another board."""

    subject: Subject
    book: BookView | None = None
    trades: deque[market_pb2.Trade] = attrs.field(factory=lambda: deque(maxlen=TRADES_MAX))
    """Oldest first."""
    candles: tuple[market_pb2.Candle, ...] = ()
    """Oldest first, the last one perhaps still open."""
    candle_source: types_pb2.Source = attrs.field(factory=types_pb2.Source)
    streams: dict[str, StreamState] = attrs.field(
        factory=lambda: {name: StreamState() for name in ("book", "trades", "candles")}
    )

    def take_candles(self, fresh: list[market_pb2.Candle]) -> None:
        """Put candles in the place of those they go on with."""
        if fresh:
            first_ns = fresh[0].open_at_ns
            kept = [candle for candle in self.candles if candle.open_at_ns < first_ns]
            self.candles = tuple(kept + fresh)[-CANDLES_MAX:]


@attrs.frozen(kw_only=True)
class PurseView:
    """How the purse stands."""

    orders: tuple[types_pb2.Order, ...]
    positions: tuple[types_pb2.Position, ...]
    portfolio: wallet_pb2.GetPortfolioResponse


@attrs.define
class Board:
    """Everything. Each field is replaced whole, so that a reader never sees half of one."""

    target: str
    subaccount: str
    market: MarketBoard
    instruments: dict[str, types_pb2.Instrument] = attrs.field(factory=dict)
    tickers: dict[tuple[str, str], market_pb2.Ticker] = attrs.field(factory=dict)
    """By symbol and venue."""
    purse: PurseView | None = None
    strategies: tuple[strategy_pb2.Strategy, ...] | None = None
    """The account's strategies; None before they were read."""
    operated: tuple[strategy_pb2.OperatedStrategy, ...] = ()
    """Those that the house's operator runs in sub-accounts of the account."""
    fills: deque[types_pb2.Fill] = attrs.field(factory=lambda: deque(maxlen=FILLS_MAX))
    """The purse's fills since the streams began, newest first."""
    fills_count: int = 0
    """All of them, also those that are not kept."""
    streams: dict[str, StreamState] = attrs.field(
        factory=lambda: {name: StreamState() for name in ("tickers", "purse")}
    )
    waiting: str = ""
    """Why a call is tried again; "" when none is."""

    def ticker(self) -> market_pb2.Ticker | None:
        """The ticker of what is looked at."""
        subject = self.market.subject
        return self.tickers.get((subject.symbol, subject.venue or self.home_venue()))

    def home_venue(self) -> str:
        """What the house calls its own market."""
        return "XACHE"

    def own_leaves(self) -> dict[Decimal, Decimal]:
        """What the purse's orders leave at each price of the book; nothing in another's book."""
        leaves: dict[Decimal, Decimal] = {}
        subject = self.market.subject
        if subject.venue or self.purse is None:
            return leaves
        for order in self.purse.orders:
            if order.symbol == subject.symbol and order.price:
                price = Decimal(order.price)
                leaves[price] = leaves.get(price, Decimal(0)) + Decimal(order.leaves_quantity)
        return leaves

    def venues(self, symbol: str) -> list[str]:
        """Who has a price of a market, the house first."""
        known = {venue for named, venue in self.tickers if named == symbol}
        return sorted(known, key=lambda venue: (venue != self.home_venue(), venue))


def day_change(ticker: market_pb2.Ticker) -> Decimal | None:
    """How far a price has come in 24 hours, in hundredths; None where that is not known."""
    if not ticker.last or not ticker.open or not Decimal(ticker.open):
        return None
    return (Decimal(ticker.last) / Decimal(ticker.open) - 1) * 100


def strategy_state(strategy: strategy_pb2.Strategy) -> str:
    """Whether a strategy runs, in a word."""
    if strategy.wish == strategy_pb2.STRATEGY_WISH_RUNNING:
        return (
            "failed"
            if strategy.failure and not strategy.ready
            else ("running" if strategy.ready else "starting")
        )
    return "paused" if strategy.wish == strategy_pb2.STRATEGY_WISH_PAUSED else "stopped"
