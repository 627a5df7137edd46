"""Books by price level: the one that is shown, and how a venue's is kept in step.

Theory of operation of :class:`VenueDepth`. A venue numbers the changes of its book, sends diffs
that each cover a run of numbers, and answers a snapshot on request. Snapshot and diffs travel on
different connections, so the snapshot usually arrives *after* diffs that are newer than it:

    UNSYNCED --diff--> UNSYNCED (kept)         --snapshot too old--> UNSYNCED (newer one wanted)
    UNSYNCED --snapshot--> SYNCED              kept diffs it already contains are dropped, the
                                               rest is applied and must join on to it
    SYNCED   --next diff--> SYNCED             it begins where the last one ended
    SYNCED   --gap, or a crossed book--> UNSYNCED

Applying diffs as they come and the snapshot when it comes leaves levels in the book that were
gone long before: it crosses. Source: Binance, "How to manage a local order book correctly".
"""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable

import attrs

from xached.domain.market import BookDiff, BookSnapshot, Level
from xached.domain.order import Side

DIFFS_KEPT_MAX = 2_000
"""Diffs kept while waiting for a snapshot: 200 s at the ten a second of Binance."""


class _Ladder:
    """One side: quantities by price, prices in a list with the best last."""

    __slots__ = ("_keys", "_lots", "_sign")

    def __init__(self, side: Side) -> None:
        # Asks are stored negated, so that the best is the greatest on both sides.
        self._sign = 1 if side is Side.BUY else -1
        self._keys: list[int] = []
        self._lots: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def lots(self, price_ticks: int) -> int:
        return self._lots.get(price_ticks * self._sign, 0)

    def set(self, price_ticks: int, lots: int) -> None:
        assert lots >= 0, (price_ticks, lots)
        key = price_ticks * self._sign
        if lots:
            if key not in self._lots:
                self._keys.insert(bisect_left(self._keys, key), key)
            self._lots[key] = lots
        elif self._lots.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def best(self) -> Level | None:
        if not self._keys:
            return None
        key = self._keys[-1]
        return key * self._sign, self._lots[key]

    def top(self, depth: int) -> tuple[Level, ...]:
        sign, lots = self._sign, self._lots
        return tuple([(key * sign, lots[key]) for key in self._keys[: -depth - 1 : -1]])

    def cut(self, depth: int) -> tuple[int, ...]:
        sign = self._sign
        beyond = self._keys[: max(len(self._keys) - depth, 0)]
        del self._keys[: len(beyond)]
        for key in beyond:
            del self._lots[key]
        return tuple([key * sign for key in beyond])

    def clear(self) -> None:
        self._keys.clear()
        self._lots.clear()


class Depth:
    """The quantities at each price of a book."""

    def __init__(self) -> None:
        self._bids = _Ladder(Side.BUY)
        self._asks = _Ladder(Side.SELL)

    def __len__(self) -> int:
        return len(self._bids) + len(self._asks)

    def lots(self, side: Side, price_ticks: int) -> int:
        """The quantity at a price; 0 when there is none."""
        return self._ladder(side).lots(price_ticks)

    def set(self, side: Side, price_ticks: int, lots: int) -> None:
        """Replace the quantity at a price; 0 removes the level."""
        self._ladder(side).set(price_ticks, lots)

    def add(self, side: Side, price_ticks: int, lots: int) -> None:
        """Change the quantity at a price by a signed amount; it never falls below 0."""
        ladder = self._ladder(side)
        ladder.set(price_ticks, ladder.lots(price_ticks) + lots)

    def set_many(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace several levels."""
        for price_ticks, lots in bids:
            self._bids.set(price_ticks, lots)
        for price_ticks, lots in asks:
            self._asks.set(price_ticks, lots)

    def cut(self, side: Side, depth: int) -> tuple[int, ...]:
        """Keep the ``depth`` best levels of a side; returns the prices of the others."""
        return self._ladder(side).cut(depth)

    def clear(self) -> None:
        """Remove everything."""
        self._bids.clear()
        self._asks.clear()

    def best_bid(self) -> Level | None:
        """The highest bid."""
        return self._bids.best()

    def best_ask(self) -> Level | None:
        """The lowest ask."""
        return self._asks.best()

    @property
    def crossed(self) -> bool:
        """True when a bid is at or above an ask: no real book ever is."""
        bid, ask = self._bids.best(), self._asks.best()
        return bid is not None and ask is not None and bid[0] >= ask[0]

    def bids(self, depth: int) -> tuple[Level, ...]:
        """Up to ``depth`` bids, best first."""
        return self._bids.top(depth)

    def asks(self, depth: int) -> tuple[Level, ...]:
        """Up to ``depth`` asks, best first."""
        return self._asks.top(depth)

    def _ladder(self, side: Side) -> _Ladder:
        return self._bids if side is Side.BUY else self._asks


class Sync(enum.Enum):
    """What became of a snapshot or diff."""

    KEPT = "KEPT"
    """Waits for a snapshot."""
    APPLIED = "APPLIED"
    """The book has changed; it is in step."""
    STALE = "STALE"
    """Already contained; dropped."""
    TOO_OLD = "TOO_OLD"
    """The snapshot ends before the kept diffs begin; a newer one is needed."""
    LOST = "LOST"
    """A gap or a crossed book: the book is empty until the next snapshot."""


class VenueDepth:
    """A venue's book, kept by the venue's rules in the given depth. See the top of the file."""

    def __init__(self, depth: Depth | None = None) -> None:
        self.depth = Depth() if depth is None else depth
        self._kept: deque[BookDiff] = deque(maxlen=DIFFS_KEPT_MAX)
        self._last_id: int | None = None

    @property
    def synced(self) -> bool:
        """True while the book is what the venue says it is."""
        return self._last_id is not None

    @property
    def last_id(self) -> int | None:
        """Number of the last change in the book; None while it is not in step."""
        return self._last_id

    def reset(self) -> None:
        """Forget everything; a snapshot is needed."""
        self.depth.clear()
        self._kept.clear()
        self._last_id = None

    def snapshot(self, snapshot: BookSnapshot) -> Sync:
        """Take a snapshot, then the kept diffs that are newer."""
        if self._last_id is not None and snapshot.last_id <= self._last_id:
            return Sync.STALE
        kept = [diff for diff in self._kept if diff.last_id > snapshot.last_id]
        if kept and kept[0].previous_id > snapshot.last_id:
            return Sync.TOO_OLD
        self.reset()
        self._last_id = snapshot.last_id
        self.depth.set_many(snapshot.bids, snapshot.asks)
        for diff in kept:
            if self._apply(diff) is Sync.LOST:
                return Sync.LOST
        return self._lost() if self.depth.crossed else Sync.APPLIED

    def diff(self, diff: BookDiff) -> Sync:
        """Take a diff."""
        if self._last_id is None:
            if self._kept and self._kept[-1].last_id != diff.previous_id:
                self._kept.clear()  # What was kept can no longer be joined to what follows.
            self._kept.append(diff)
            return Sync.KEPT
        if diff.last_id <= self._last_id:
            return Sync.STALE
        applied = self._apply(diff)
        if applied is Sync.LOST:
            self._kept.append(diff)
        return applied

    def _apply(self, diff: BookDiff) -> Sync:
        assert self._last_id is not None
        # The first diff after a snapshot may begin before it; later ones begin exactly where
        # the one before ended, which the same comparison sees.
        if diff.previous_id > self._last_id:
            return self._lost()
        self.depth.set_many(diff.bids, diff.asks)
        self._last_id = diff.last_id
        return self._lost() if self.depth.crossed else Sync.APPLIED

    def _lost(self) -> Sync:
        self.reset()
        return Sync.LOST


# --- Telling readers. ------------------------------------------------------------------------


class PublicBook:
    """A published book: its levels, the number of its last change, and when that was.

    Changing ``epoch`` tells readers that what follows does not build on what they have.
    """

    def __init__(self, sequence: int = 0) -> None:
        self.depth = Depth()
        self.sequence = sequence
        self.epoch = 0
        self.at_ns = 0

    def changed(self, at_ns: int) -> None:
        """Number a change that was made to the levels."""
        self.sequence += 1
        self.at_ns = at_ns

    def start_anew(self, at_ns: int) -> None:
        """Empty the book; readers get a snapshot that says so."""
        self.depth.clear()
        self.epoch += 1
        self.changed(at_ns)


@attrs.frozen(kw_only=True)
class BookStep:
    """What a reader is told next: all levels (``snapshot``), or those that changed.

    It covers the changes ``first_sequence`` to ``sequence`` and builds on the one before; a
    snapshot builds on nothing. ``reset``: the feed started anew since the step before.
    """

    snapshot: bool
    reset: bool
    first_sequence: int
    sequence: int
    at_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


class BookReader:
    """One reader of a book, and exactly what it has been told.

    A slow reader needs no queue: the next step is the difference between the ``depth`` best
    levels it knows and those there are now, however many changes lie between. So its memory is
    bounded by ``depth``, and what it rebuilds is always the true top of the book.
    """

    def __init__(self, book: PublicBook, depth: int) -> None:
        assert depth > 0
        self._book = book
        self._depth = depth
        self._epoch: int | None = None
        self._sequence = 0
        self._bids: dict[int, int] = {}
        self._asks: dict[int, int] = {}

    @property
    def behind(self) -> bool:
        """True when the book has changed since the last step."""
        return self._epoch is None or self._sequence != self._book.sequence

    @property
    def sequence(self) -> int:
        """Number of the last change the reader knows of."""
        return self._sequence

    def step(self) -> BookStep | None:
        """What to tell the reader now; None when nothing changed in its levels."""
        book = self._book
        if not self.behind:
            return None
        bids, asks = book.depth.bids(self._depth), book.depth.asks(self._depth)
        snapshot = self._epoch != book.epoch
        reset = snapshot and self._epoch is not None
        first = self._sequence + 1
        new_bids, new_asks = dict(bids), dict(asks)
        if not snapshot:
            bids, asks = _changes(self._bids, new_bids), _changes(self._asks, new_asks)
            if not bids and not asks:
                # Numbers pass silently: the next step covers them.
                return None
        self._epoch, self._sequence = book.epoch, book.sequence
        self._bids, self._asks = new_bids, new_asks
        return BookStep(
            snapshot=snapshot,
            reset=reset,
            first_sequence=book.sequence if snapshot else first,
            sequence=book.sequence,
            at_ns=book.at_ns,
            bids=bids,
            asks=asks,
        )


def _changes(old: dict[int, int], new: dict[int, int]) -> tuple[Level, ...]:
    changed = [level for level in new.items() if old.get(level[0]) != level[1]]
    changed += [(price_ticks, 0) for price_ticks in old if price_ticks not in new]
    return tuple(changed)
