"""A book kept in step with a stream of snapshots and numbered changes, and checked against it."""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Final, TypeAlias

from xache.v1 import market_pb2, types_pb2

Level: TypeAlias = tuple[Decimal, Decimal]
"""Price and quantity."""

CHECKSUM_LEVELS: Final = 10


class BookGap(Exception):  # noqa: N818 - what the stream has, not a fault
    """What came does not fit what is there: the book must be begun anew."""


class LiveBook:
    """A book as of the last message applied."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.source = types_pb2.Source()
        self.sequence = 0
        """Number of the last change; a new stream may resume after it. 0 before the first."""
        self.at_ns = 0
        self.stale = False
        """True when its source has been silent for too long: it may be old."""
        self._bids: dict[Decimal, market_pb2.BookLevel] = {}
        self._asks: dict[Decimal, market_pb2.BookLevel] = {}

    def apply(self, message: market_pb2.WatchBookResponse) -> bool:
        """Take the next message; True when it changed the book, or whether it is stale.

        Raises: BookGap for a change that does not join on, or whose checksum is another.
        """
        match message.WhichOneof("step"):
            case "snapshot":
                self._bids, self._asks = {}, {}
                self._take(message.snapshot.bids, message.snapshot.asks)
            case "change":
                if not self.sequence or message.first_sequence != self.sequence + 1:
                    raise BookGap(
                        f"{self.symbol}: change {message.first_sequence} after {self.sequence}"
                    )
                self._take(message.change.bids, message.change.asks)
            case "heartbeat":
                changed, self.stale = message.stale != self.stale, message.stale
                return changed
            case _:
                return False
        if self.checksum() != message.checksum:
            raise BookGap(f"{self.symbol}: change {message.sequence} has another checksum")
        self.source = message.source
        self.sequence = message.sequence
        self.at_ns = message.at_ns
        self.stale = message.stale
        return True

    def bids(self, depth: int) -> list[Level]:
        """The best bids, highest first."""
        best = heapq.nlargest(depth, self._bids)
        return [(price, Decimal(self._bids[price].quantity)) for price in best]

    def asks(self, depth: int) -> list[Level]:
        """The best asks, lowest first."""
        best = heapq.nsmallest(depth, self._asks)
        return [(price, Decimal(self._asks[price].quantity)) for price in best]

    def checksum(self) -> int:
        """The checksum of the best levels, as the proto of WatchBookResponse defines it."""
        asks = [self._asks[price] for price in heapq.nsmallest(CHECKSUM_LEVELS, self._asks)]
        bids = [self._bids[price] for price in heapq.nlargest(CHECKSUM_LEVELS, self._bids)]
        text = ",".join(f"{level.price}:{level.quantity}" for level in (*asks, *bids))
        return zlib.crc32(text.encode("ascii"))

    def _take(
        self, bids: Iterable[market_pb2.BookLevel], asks: Iterable[market_pb2.BookLevel]
    ) -> None:
        for levels, side in ((bids, self._bids), (asks, self._asks)):
            for level in levels:
                price = Decimal(level.price)
                if Decimal(level.quantity):
                    side[price] = level
                else:
                    side.pop(price, None)
