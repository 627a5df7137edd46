"""What is recorded, until it is written: rows of a market, entries of a strategy's run.

Whoever records never waits. What is recorded gathers in memory; once a second the recorder takes
it to the disk. When too much has gathered, because the disk is slow or full, it is dropped and the
recording says so: a market's goes on with a row LOST and the whole book, a run's log ends.
"""

from __future__ import annotations

import struct
from array import array
from typing import Final, Protocol

from xached.domain.depth import PublicBook
from xached.domain.market import Level
from xached.domain.order import Side
from xached.domain.recording import BOOK_LEVELS_MAX, MARKET_COLUMNS, EntryKind, RowKind

WAITING_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of one recording; a busy market makes a hundredth of it in a second."""

ENTRY: Final = struct.Struct("<BqqI")
"""Kind, number, time, length of the frames that follow."""

ITEM_BYTES: Final = 8


class Clock(Protocol):
    """What is needed of the world."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        ...


class MarketSink:
    """The rows of one market that wait to be written. See LineTape of the market actor."""

    def __init__(self, book: PublicBook, clock: Clock) -> None:
        self._book = book
        self._clock = clock
        self._rows = array("q")
        self.lost_rows = 0
        self.rows = 0

    def trade(
        self, trade_id: int, price_ticks: int, quantity_lots: int, taker_side: Side, at_ns: int
    ) -> None:
        """Somebody traded."""
        kind = RowKind.BOUGHT if taker_side is Side.BUY else RowKind.SOLD
        self._add(self._clock.now_ns(), at_ns, kind, price_ticks, quantity_lots, trade_id)

    def levels(self, bids: tuple[Level, ...], asks: tuple[Level, ...], at_ns: int) -> None:
        """These levels have changed; a quantity of 0 is a level that is gone."""
        now_ns = self._clock.now_ns()
        for price_ticks, lots in bids:
            self._add(now_ns, at_ns, RowKind.BID, price_ticks, lots, 0)
        for price_ticks, lots in asks:
            self._add(now_ns, at_ns, RowKind.ASK, price_ticks, lots, 0)

    def anew(self, at_ns: int) -> None:
        """The book does not follow from what was before: here it is as a whole."""
        depth = self._book.depth
        bids, asks = depth.bids(BOOK_LEVELS_MAX), depth.asks(BOOK_LEVELS_MAX)
        self._add(self._clock.now_ns(), at_ns, RowKind.RESET, 0, len(bids) + len(asks), 0)
        self.levels(bids, asks, at_ns)

    def begin(self) -> bytes:
        """What waits, and the whole book: a new file begins with it."""
        lost, self.lost_rows = self.lost_rows, 0
        if lost:
            now_ns = self._clock.now_ns()
            self._add(now_ns, now_ns, RowKind.LOST, 0, lost, 0)
        self.anew(self._book.at_ns)
        return self.take()

    def drop(self) -> None:
        """Lose what waits; the recording will say so."""
        self.lost_rows += max(1, len(self._rows) // len(MARKET_COLUMNS))
        self._rows = array("q")

    def take(self) -> bytes:
        """What waits; it waits no more."""
        rows, self._rows = self._rows, array("q")
        return rows.tobytes()

    def _add(
        self, now_ns: int, at_ns: int, kind: RowKind, price_ticks: int, lots: int, trade_id: int
    ) -> None:
        if self.lost_rows:
            self.lost_rows += 1
            return
        self.rows += 1
        self._rows.extend((now_ns, at_ns, kind, price_ticks, lots, trade_id))
        if len(self._rows) * ITEM_BYTES > WAITING_BYTES_MAX:
            self.drop()


class RunSink:
    """The log of one run that waits to be written. See InputLog of the child's process."""

    def __init__(self) -> None:
        self._entries = bytearray()
        self.cut = False
        """Whether something was not kept: what comes after it replays nothing."""
        self.ended = False

    def handed(self, first: int, frames: bytes, at_ns: int) -> None:
        """See InputLog."""
        self._add(EntryKind.HANDED, first, frames, at_ns)

    def decided(self, number: int, body: bytes, at_ns: int) -> None:
        """See InputLog."""
        self._add(EntryKind.DECIDED, number, body, at_ns)

    def answered(self, number: int, at_ns: int) -> None:
        """See InputLog."""
        self._add(EntryKind.ANSWERED, number, b"", at_ns)

    def end(self, at_ns: int, *, in_order: bool) -> None:
        """The run is over; ``in_order``: as it was asked to."""
        if in_order:
            self._add(EntryKind.ENDED, 0, b"", at_ns)
        self.ended = True

    def drop(self) -> None:
        """Keep nothing more of this run."""
        self.cut = True
        self._entries = bytearray()

    def take(self) -> bytes:
        """What waits; it waits no more."""
        entries, self._entries = self._entries, bytearray()
        return bytes(entries)

    def _add(self, kind: EntryKind, number: int, body: bytes, at_ns: int) -> None:
        if self.cut or self.ended:
            return
        self._entries += ENTRY.pack(kind, number, at_ns, len(body))
        self._entries += body
        if len(self._entries) > WAITING_BYTES_MAX:
            self.drop()
