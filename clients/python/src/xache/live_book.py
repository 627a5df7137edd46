"""A book kept in step with a stream of snapshots and numbered changes."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeAlias

from xache.v1 import market_pb2, types_pb2

Level: TypeAlias = tuple[Decimal, Decimal]
"""Price and quantity."""


class BookGap(Exception):  # noqa: N818 - what the stream has, not a fault
    """A change does not join on to what is there: the stream must be opened anew."""


class LiveBook:
    """A book as of the last message applied."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.source = types_pb2.Source()
        self.sequence = 0
        self.at_ns = 0
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}
        self._started = False

    def apply(self, message: market_pb2.WatchBookResponse) -> bool:
        """Take the next message; True when it changed the book. Raises: BookGap."""
        match message.WhichOneof("step"):
            case "snapshot":
                self._bids, self._asks = {}, {}
                self._take(message.snapshot.bids, message.snapshot.asks)
                self._started = True
            case "change":
                if not self._started or message.first_sequence != self.sequence + 1:
                    raise BookGap(
                        f"{self.symbol}: change {message.first_sequence} after {self.sequence}"
                    )
                self._take(message.change.bids, message.change.asks)
            case _:
                return False
        self.source = message.source
        self.sequence = message.sequence
        self.at_ns = message.at_ns
        return True

    def bids(self, depth: int) -> list[Level]:
        """The best bids, highest first."""
        return sorted(self._bids.items(), reverse=True)[:depth]

    def asks(self, depth: int) -> list[Level]:
        """The best asks, lowest first."""
        return sorted(self._asks.items())[:depth]

    def _take(
        self, bids: Iterable[market_pb2.BookLevel], asks: Iterable[market_pb2.BookLevel]
    ) -> None:
        for levels, side in ((bids, self._bids), (asks, self._asks)):
            for level in levels:
                price, quantity = Decimal(level.price), Decimal(level.quantity)
                if quantity:
                    side[price] = quantity
                else:
                    side.pop(price, None)
