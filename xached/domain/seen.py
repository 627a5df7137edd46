"""How far into market data somebody could see: the newest of each kind that was handed over."""

from __future__ import annotations

import enum

from xached.domain.frozen import frozen
from xached.domain.instrument import Symbol
from xached.domain.market import Venue


class SeenKind(enum.Enum):
    """What kind of market data."""

    TRADES = 1
    BOOK = 2
    CANDLES = 3


@frozen(kw_only=True)
class Seen:
    """The newest market data of one kind that was handed over.

    ``at_ns`` is the data's own time: of the newest trade, of the book's last change, the end of a
    closed candle, the beginning of one that still changes. ``interval_s`` is 0 but for candles.
    """

    symbol: Symbol
    venue: Venue
    kind: SeenKind
    interval_s: int
    at_ns: int
