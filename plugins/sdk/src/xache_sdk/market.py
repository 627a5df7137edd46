"""Market data, as a strategy sees it. Prices and quantities are exact decimals."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import TypeAlias

XACHE = "XACHE"
"""The venue of the house's own market."""


class Side(enum.Enum):
    """Which way an order or a trade goes."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def opposite(self) -> Side:
        """The side it trades with."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Interval(enum.Enum):
    """How long a candle is."""

    S1 = "1s"
    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    H1 = "1h"
    D1 = "1d"

    @property
    def seconds(self) -> int:
        """Its length in seconds."""
        return _SECONDS[self]


_SECONDS = {
    Interval.S1: 1,
    Interval.M1: 60,
    Interval.M5: 300,
    Interval.M15: 900,
    Interval.H1: 3_600,
    Interval.D1: 86_400,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A market and the rules its orders must keep. Limits are inclusive."""

    symbol: str
    base: str
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    min_quantity: Decimal
    max_quantity: Decimal
    max_market_quantity: Decimal
    min_notional: Decimal
    max_notional: Decimal

    def floor_price(self, price: Decimal) -> Decimal:
        """The nearest tick at or below a price."""
        return _to_step(price, self.tick_size, ROUND_FLOOR)

    def ceil_price(self, price: Decimal) -> Decimal:
        """The nearest tick at or above a price."""
        return _to_step(price, self.tick_size, ROUND_CEILING)

    def floor_quantity(self, quantity: Decimal) -> Decimal:
        """The most whole lots inside a quantity."""
        return _to_step(quantity, self.lot_size, ROUND_FLOOR)

    def accepts(self, quantity: Decimal, price: Decimal) -> bool:
        """Tell whether a limit order of this size passes the quantity and notional filters."""
        return (
            self.min_quantity <= quantity <= self.max_quantity
            and self.min_notional <= quantity * price <= self.max_notional
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One trade on a tape.

    ``lagged``: trades before this one were dropped, because the strategy was too slow.
    """

    symbol: str
    venue: str
    price: Decimal
    quantity: Decimal
    taker_side: Side
    at_ns: int
    simulated: bool = False
    lagged: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A price and the quantity there."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The best levels of a book, best first. A slow strategy sees the latest, not every one."""

    symbol: str
    venue: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at_ns: int

    @property
    def mid(self) -> Decimal | None:
        """Half-way between best bid and best ask; None when a side is empty."""
        if not self.bids or not self.asks:
            return None
        return (self.bids[0].price + self.asks[0].price) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """What traded in one interval; ``closed`` once the interval is over.

    ``lagged``: closed candles before this one were dropped, because the strategy was too slow.
    """

    symbol: str
    venue: str
    interval: Interval
    open_at_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    closed: bool
    lagged: bool = False


@dataclass(frozen=True, slots=True)
class Trades:
    """A subscription to a tape."""

    symbol: str
    venue: str


@dataclass(frozen=True, slots=True)
class Books:
    """A subscription to a book, down to ``depth`` levels a side."""

    symbol: str
    venue: str
    depth: int = 20


@dataclass(frozen=True, slots=True)
class Candles:
    """A subscription to candles of one interval, open ones included."""

    symbol: str
    venue: str
    interval: Interval


Subscription: TypeAlias = Trades | Books | Candles


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding=rounding) * step
