"""The class a feed derives from: what a venue sends, made into trades, books and quotes.

A feed does no input or output. It runs in a process without network and files; the daemon connects,
sends and receives, within what its operator allows, and calls the feed:

1. ``Feed(settings, markets)``, then ``connection()``: where to connect, and what to send first.
2. ``receive(frame)`` for each frame that comes, in order.
3. ``repair(symbol)`` when a book is to be started, or has lost step: how its next snapshot is got.
   What a request for it is answered with goes to ``snapshot(symbol, body)``.

When the connection ends, so does the process; the next connection is another feed from the start.
So a feed keeps what belongs to one connection, and nothing else.

Prices and quantities are given as the venue writes them, as text or Decimal: they become whole
ticks and lots of the market, exactly. A price between two ticks makes the frame unusable; a
quantity between two lots is cut down, and what is less than a lot is left out of trades and whole
books. A feed that meets a frame it cannot read raises
:class:`BadFrame`, or lets ValueError, LookupError, TypeError, AttributeError or ArithmeticError go:
the frame is counted as a fault and the feed goes on, after its books have been started anew where
they have no numbers of the venue's. What else it raises ends the connection.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Final, Generic, TypeAlias, TypeVar

from xache_sdk.market import Instrument, Side
from xache_sdk.settings import NoSettings

Settings = TypeVar("Settings")

MESSAGES_MAX: Final = 500
"""Messages that a feed may have sent at once."""

MESSAGE_BYTES_MAX: Final = 65_536
LEVELS_MAX: Final = 10_000
"""Levels a side of one book."""

TURN_LEVELS_MAX: Final = 40_000
"""Levels of all books that one frame tells of."""

RECORDS_MAX: Final = 10_000
"""Of one frame."""

KEEP_ALIVE_S_MIN: Final = 1.0

Number: TypeAlias = str | Decimal | int
"""A price or a quantity as the venue writes it. Never a float: it would have been rounded."""

Quoted: TypeAlias = tuple[Number, Number]
"""A price and the quantity there."""


class BadFrame(Exception):  # noqa: N818 - it says what is the matter
    """A frame that cannot be read. The text says why, for the operator's log."""


@dataclass(frozen=True, slots=True)
class Market:
    """A market to follow. ``name`` is the venue's name of it if the operator gave one, else ""."""

    instrument: Instrument
    name: str = ""

    @property
    def symbol(self) -> str:
        """The house's name of it: what records bear."""
        return self.instrument.symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where to connect, and how to begin.

    ``stream`` is ``wss://host[:port]/path?query``; ``rest``, where snapshots are requested, is
    ``https://host[:port]/path``. The operator's configuration must allow both hosts. ``messages``
    are sent first; ``keep_alive`` every ``keep_alive_s`` seconds, for venues that want that beside
    the pings of WebSocket, which the daemon minds. ``snapshots_come``: after them the books' first
    snapshots come over the stream; otherwise ``repair`` is asked for each.
    """

    stream: str
    rest: str = ""
    messages: Sequence[str] = ()
    keep_alive: str = ""
    keep_alive_s: float = 20.0
    snapshots_come: bool = False


# --- What a venue tells. ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """A trade. ``trade_id`` is the venue's number of it; ``at_ns`` its time, Unix nanoseconds.

    Without a time it is the time at which the frame came; the same below. A trade of less than a
    lot is left out.
    """

    symbol: str
    trade_id: int
    price: Number
    quantity: Number
    taker_side: Side
    at_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A whole book, to whatever depth. ``last_id``: the number of the last change in it.

    A venue that numbers nothing leaves it out, here and in changes. A level of less than a lot is
    left out.
    """

    symbol: str
    bids: Iterable[Quoted]
    asks: Iterable[Quoted]
    last_id: int | None = None
    at_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BookChange:
    """Levels that changed; quantity 0, or less than a lot, takes one away.

    ``last_id`` is the number of the last change in it, ``previous_id`` that of the one before the
    first: where changes are missing, the daemon asks for a snapshot.
    """

    symbol: str
    bids: Iterable[Quoted] = ()
    asks: Iterable[Quoted] = ()
    previous_id: int | None = None
    last_id: int | None = None
    at_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The best bid and ask, as price and quantity; None where there is none."""

    symbol: str
    bid: Quoted | None
    ask: Quoted | None
    at_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Alive:
    """The venue is there, and what it does not tell has not changed."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The venue says no to what was asked of it; ``text`` is what it says."""

    text: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The book of a market is no longer what the venue's is: it needs a snapshot."""

    symbol: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A message to send to the venue now."""

    message: str


Record: TypeAlias = Trade | Book | BookChange | Quote | Alive | Refused | Lost | Reply
"""What a feed makes of a frame."""


# --- How a snapshot is got. ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Send:
    """Send these; then the snapshot comes over the stream."""

    messages: Sequence[str]


@dataclass(frozen=True, slots=True)
class Fetch:
    """GET this, path and query, below :attr:`Connection.rest`; the body goes to ``snapshot``."""

    target: str


@dataclass(frozen=True, slots=True)
class Reconnect:
    """There is no way but to connect anew."""


Way: TypeAlias = Send | Fetch | Reconnect


class Feed(ABC, Generic[Settings]):
    """Derive from this; its doc string is what operators read about it."""

    settings_type: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass of what the operator can set; see :mod:`xache_sdk.settings`. There are no
    secrets in it: the daemon follows public market data."""

    def __init__(self, settings: Settings, markets: Sequence[Market]) -> None:
        self.settings = settings
        self.markets = tuple(markets)

    @abstractmethod
    def connection(self) -> Connection:
        """Say where to connect. Called once."""

    @abstractmethod
    def receive(self, frame: bytes) -> Iterable[Record]:
        """Read a frame of the stream; text comes as UTF-8. Raises: BadFrame."""

    def repair(self, symbol: str) -> Way:
        """Say how the next snapshot of a book is got. Without more, by connecting anew."""
        return Reconnect()

    def snapshot(self, symbol: str, body: bytes) -> Iterable[Record]:
        """Read what a :class:`Fetch` was answered with. Raises: BadFrame."""
        raise BadFrame(f"nobody asked for a snapshot of {symbol}: {body[:40]!r}")


def load_json(frame: bytes) -> Any:
    """Read JSON with its numbers as they are written: those with a point come as Decimal.

    Raises: BadFrame.
    """
    try:
        return json.loads(frame, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"it is no JSON: {error}") from None


def _refuse(text: str) -> Any:
    raise BadFrame(f"{text} is no number")
