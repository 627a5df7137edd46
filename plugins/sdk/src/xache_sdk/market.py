"""Market data, as a strategy sees it: a cursor over what has happened, and nothing else.

Prices are whole ticks and quantities whole lots of their instrument (``close_ticks``,
``volume_lots``): integers, exact and quick. The same as a Decimal is computed when it is asked for
(``close``, ``volume``). Every value is immutable and holds what it says and no more: no row of the
future is reachable from it, in a backtest as little as live. A value may be kept.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple, TypeAlias, overload

from xache_sdk.exact import EXACT

XACHE = "XACHE"
"""The venue of the house's own market."""

NS_PER_S = 1_000_000_000
PPM = Decimal(1_000_000)

WARM_UP_MAX = 5_000
"""Most closed candles that are handed over at the start."""

HISTORY_MAX = 5_000
"""Most closed candles that stay readable while a strategy runs."""


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

    @property
    def ns(self) -> int:
        """Its length in nanoseconds."""
        return _SECONDS[self] * NS_PER_S


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
    """A market and the rules its orders must keep. Limits are inclusive.

    Fees are parts per million of the notional, charged in quote, before any discount.
    """

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
    maker_fee_ppm: int = 0
    taker_fee_ppm: int = 0

    def price(self, ticks: int) -> Decimal:
        """What so many ticks are."""
        return EXACT.multiply(Decimal(ticks), self.tick_size)

    def quantity(self, lots: int) -> Decimal:
        """What so many lots are, in base."""
        return EXACT.multiply(Decimal(lots), self.lot_size)

    def notional(self, ticks: int, lots: int) -> Decimal:
        """What so many lots cost at a price, in quote, without fee."""
        return EXACT.multiply(self.price(ticks), self.quantity(lots))

    def ticks(self, price: Decimal) -> int:
        """A price as whole ticks. Raises: ValueError when it is between two."""
        return _whole(price, self.tick_size, "tick")

    def lots(self, quantity: Decimal) -> int:
        """A quantity as whole lots. Raises: ValueError when it is between two."""
        return _whole(quantity, self.lot_size, "lot")

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


class Trade(NamedTuple):
    """One trade on a tape.

    ``simulated``: either side was liquidity that the house made up. ``lagged``: trades before this
    one were dropped, because the strategy was too slow.
    """

    instrument: Instrument
    venue: str
    at_ns: int
    price_ticks: int
    quantity_lots: int
    taker_side: Side
    simulated: bool = False
    lagged: bool = False

    @property
    def symbol(self) -> str:
        """The market."""
        return self.instrument.symbol

    @property
    def price(self) -> Decimal:
        """The price in quote."""
        return self.instrument.price(self.price_ticks)

    @property
    def quantity(self) -> Decimal:
        """The quantity in base."""
        return self.instrument.quantity(self.quantity_lots)


class Level(NamedTuple):
    """A price and the quantity there."""

    price_ticks: int
    quantity_lots: int


class Book(NamedTuple):
    """The best levels of a book, best first. A slow strategy sees the latest, not every one."""

    instrument: Instrument
    venue: str
    at_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @property
    def symbol(self) -> str:
        """The market."""
        return self.instrument.symbol

    @property
    def best_bid(self) -> Decimal | None:
        """The highest price somebody buys at; None when nobody does."""
        return self.instrument.price(self.bids[0].price_ticks) if self.bids else None

    @property
    def best_ask(self) -> Decimal | None:
        """The lowest price somebody sells at; None when nobody does."""
        return self.instrument.price(self.asks[0].price_ticks) if self.asks else None

    @property
    def mid(self) -> Decimal | None:
        """Half-way between best bid and best ask; None when a side is empty."""
        if not self.bids or not self.asks:
            return None
        twice = self.bids[0].price_ticks + self.asks[0].price_ticks
        return EXACT.divide(self.instrument.price(twice), Decimal(2))


class Candle(NamedTuple):
    """What traded in one interval; ``closed`` once the interval is over.

    ``lagged``: closed candles before this one were dropped, because the strategy was too slow.
    ``bought_lots``: the part of the volume that takers bought. ``sentiment_ppm``: what a source of
    sentiment had said last when the candle was over, from minus one million to a million; a house
    has none of its own, so it is there only in histories that were given one. None: not known.
    """

    instrument: Instrument
    venue: str
    interval: Interval
    open_at_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    closed: bool = True
    lagged: bool = False
    bought_lots: int | None = None
    sentiment_ppm: int | None = None

    @property
    def symbol(self) -> str:
        """The market."""
        return self.instrument.symbol

    @property
    def ends_at_ns(self) -> int:
        """When the interval is over."""
        return self.open_at_ns + self.interval.ns

    @property
    def open(self) -> Decimal:
        """First price."""
        return self.instrument.price(self.open_ticks)

    @property
    def high(self) -> Decimal:
        """Highest price."""
        return self.instrument.price(self.high_ticks)

    @property
    def low(self) -> Decimal:
        """Lowest price."""
        return self.instrument.price(self.low_ticks)

    @property
    def close(self) -> Decimal:
        """Last price."""
        return self.instrument.price(self.close_ticks)

    @property
    def volume(self) -> Decimal:
        """Base volume."""
        return self.instrument.quantity(self.volume_lots)


class CandleHistory(Sequence[Candle]):
    """The newest closed candles of one subscription, oldest first: a bounded window of the past.

    ``history[-1]`` is the newest closed candle; inside ``on_candle`` of a closed candle it is that
    candle. A column such as ``close_ticks`` is a new list on every reading: for a single value
    write ``history[-1].close_ticks``.
    """

    __slots__ = ("_candles", "_limit")

    def __init__(self, limit: int, candles: Iterable[Candle] = ()) -> None:
        self._limit = limit
        self._candles = list(candles)

    def push(self, candle: Candle) -> None:
        """Add the newest and drop what the window has no room for. For who runs the strategy."""
        self._candles.append(candle)
        if len(self._candles) > self._limit:
            del self._candles[: len(self._candles) - self._limit]

    def extend_for_start(self, candle: Candle) -> None:
        """Add one of a warm-up, however many there are. For who runs the strategy."""
        self._candles.append(candle)

    def trim(self) -> None:
        """Drop what the window has no room for, as after a warm-up. For who runs the strategy."""
        del self._candles[: max(0, len(self._candles) - self._limit)]

    @overload
    def __getitem__(self, index: int) -> Candle: ...

    @overload
    def __getitem__(self, index: slice) -> list[Candle]: ...

    def __getitem__(self, index: int | slice) -> Candle | list[Candle]:
        return self._candles[index]

    def __len__(self) -> int:
        return len(self._candles)

    def __iter__(self) -> Iterator[Candle]:
        return iter(self._candles)

    @property
    def open_ticks(self) -> list[int]:
        """First prices."""
        return [each.open_ticks for each in self._candles]

    @property
    def high_ticks(self) -> list[int]:
        """Highest prices."""
        return [each.high_ticks for each in self._candles]

    @property
    def low_ticks(self) -> list[int]:
        """Lowest prices."""
        return [each.low_ticks for each in self._candles]

    @property
    def close_ticks(self) -> list[int]:
        """Last prices."""
        return [each.close_ticks for each in self._candles]

    @property
    def volume_lots(self) -> list[int]:
        """Base volumes."""
        return [each.volume_lots for each in self._candles]


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
    """A subscription to the closed candles of one interval.

    ``warm_up``: so many closed candles from before the start are there in ``on_start``, as far as
    there are any. ``history``: so many of the newest closed candles stay readable afterwards. Both
    are read from ``context.candles(subscription)``. ``forming``: also call ``on_candle`` with the
    candle that is not closed yet, whenever it changes; a backtest on candles has none of these.

    Raises: ValueError for a count that is not allowed.
    """

    symbol: str
    venue: str
    interval: Interval
    warm_up: int = 0
    history: int = 0
    forming: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.warm_up <= WARM_UP_MAX:
            raise ValueError(f"warm_up is 0 to {WARM_UP_MAX}, not {self.warm_up}")
        if not 0 <= self.history <= HISTORY_MAX:
            raise ValueError(f"history is 0 to {HISTORY_MAX}, not {self.history}")


Subscription: TypeAlias = Trades | Books | Candles


def checked_subscriptions(given: Iterable[Subscription] | None) -> tuple[Subscription, ...]:
    """What a plugin wants to see. Raises: TypeError for what is no subscription."""
    listed = (None,) if given is None else tuple(given)
    for each in listed:
        if not isinstance(each, Trades | Books | Candles):
            raise TypeError(f"subscriptions() lists Trades, Books and Candles, not {each!r}")
    return tuple(each for each in listed if each is not None)


def _whole(value: Decimal, step: Decimal, name: str) -> int:
    count = EXACT.divide(value, step)
    whole = int(count)
    if whole != count:
        raise ValueError(f"{value} is no whole number of {name}s of {step}")
    return whole


def _to_step(value: Decimal, step: Decimal, rounding: str) -> Decimal:
    return (value / step).to_integral_value(rounding=rounding) * step
