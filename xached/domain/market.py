"""Market data as values: what feeds report, and what the house publishes.

Prices are ticks and quantities lots of the instrument, exact. What a feed reports names no
source: a feed follows one venue. What is published names its :class:`Source` always.
"""

from __future__ import annotations

import enum
from typing import NewType, TypeAlias

import attrs

from xached.domain.instrument import Symbol
from xached.domain.order import Side

Venue = NewType("Venue", str)
"""Where a figure was observed, in capitals: BINANCE. The house's own market is XACHE."""

XACHE = Venue("XACHE")
BINANCE = Venue("BINANCE")
COINBASE = Venue("COINBASE")
KRAKEN = Venue("KRAKEN")

Level: TypeAlias = tuple[int, int]
"""Price in ticks and quantity in lots; quantity 0 removes the level."""


class Provenance(enum.IntEnum):
    """How a figure came to be."""

    LIVE = 1
    RECORDED = 2
    SIMULATED = 3


@attrs.frozen
class Source:
    """Who a figure comes from, and how it came to be. Never mixed in one line of a chart."""

    venue: Venue
    provenance: Provenance


# --- What feeds report. ----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class VenueTrade:
    """A trade at the venue. ``at_ns`` is the venue's time of the trade."""

    symbol: Symbol
    trade_id: int
    price_ticks: int
    quantity_lots: int
    taker_side: Side
    at_ns: int


@attrs.frozen(kw_only=True)
class BookSnapshot:
    """A venue's book down to some depth, after its change number ``last_id``."""

    symbol: Symbol
    last_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at_ns: int


@attrs.frozen(kw_only=True)
class BookDiff:
    """What changed in a venue's book after change ``previous_id``, up to ``last_id``."""

    symbol: Symbol
    previous_id: int
    last_id: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at_ns: int


@attrs.frozen(kw_only=True)
class BestQuote:
    """The best bid and ask of a venue after its change number ``last_id``."""

    symbol: Symbol
    last_id: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    at_ns: int

    @property
    def plausible(self) -> bool:
        """False when a side is empty or the prices cross: then it says no price."""
        return bool(self.bid_lots and self.ask_lots) and 0 < self.bid_ticks < self.ask_ticks


@attrs.frozen(kw_only=True)
class FeedReset:
    """What came before no longer connects to what follows: start the book anew."""

    symbol: Symbol
    at_ns: int
    cause: str


@attrs.frozen(kw_only=True)
class Heartbeat:
    """The venue is there, and what is not reported has not changed: no book has to be stale."""

    at_ns: int


class FaultCause(enum.Enum):
    """What is wrong with a frame, or with what it tells."""

    NOT_JSON = "NOT_JSON"
    UNKNOWN_FORM = "UNKNOWN_FORM"
    UNKNOWN_SYMBOL = "UNKNOWN_SYMBOL"
    BAD_NUMBER = "BAD_NUMBER"
    OFF_STEP = "OFF_STEP"
    """A price off the tick or a quantity off the lot; never rounded."""
    TOO_LONG = "TOO_LONG"
    SEQUENCE = "SEQUENCE"
    """The venue's numbering says that messages are missing."""
    CHECKSUM = "CHECKSUM"
    """The book is not what the venue says it is."""
    REFUSED = "REFUSED"
    """The venue says no to what was asked of it."""


@attrs.frozen(kw_only=True)
class FeedFault:
    """A frame that could not be used as it is. ``excerpt`` is for the log, bounded."""

    cause: FaultCause
    excerpt: str


FeedRecord: TypeAlias = (
    VenueTrade | BookSnapshot | BookDiff | BestQuote | FeedReset | Heartbeat | FeedFault
)


# --- What is published. ----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class TapeTrade:
    """A trade on a published tape; ``sequence`` numbers the tape without gaps."""

    symbol: Symbol
    source: Source
    sequence: int
    trade_id: str
    price_ticks: int
    quantity_lots: int
    taker_side: Side
    at_ns: int


@attrs.frozen(kw_only=True)
class BookTop:
    """The best levels of a book, best first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at_ns: int


@attrs.frozen(kw_only=True)
class Ticker:
    """A market in one line. None where there is nothing yet.

    High, low, volume and open are of the last 24 hours, to five minutes; simulated trades count
    in prices and not in ``volume_lots``. ``open_at_ns`` says since when the 24 hours are known, to
    five minutes. ``sequence`` counts the changes so far.
    """

    symbol: Symbol
    source: Source
    last_ticks: int | None
    bid: Level | None
    ask: Level | None
    high_ticks: int | None
    low_ticks: int | None
    open_ticks: int | None
    open_at_ns: int | None
    volume_lots: int
    at_ns: int
    sequence: int
    stale: bool
