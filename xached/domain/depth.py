"""Books by price level: the one that is shown, and how a venue's is kept in step.

Theory of operation of :class:`VenueDepth`. A venue numbers the changes of its book, sends diffs
that each cover a run of numbers, and answers a snapshot on request. Snapshot and diffs travel on
different connections, so the snapshot usually arrives *after* diffs that are newer than it:

    UNSYNCED --diff--> UNSYNCED (kept)         --snapshot too old--> UNSYNCED (newer one wanted)
    UNSYNCED --snapshot--> SYNCED              kept diffs it already contains are dropped, the
                                               rest is applied and must join on to it
    SYNCED   --next diff--> SYNCED             it begins where the last one ended
    SYNCED   --gap, or a crossed or boundless book--> UNSYNCED

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

LEVELS_MAX = 400_000
"""Levels in a book, and in all kept diffs: the deepest real books have a quarter of it. A venue
that sends more is not believed, or its numbers would fill the memory."""

UNDO_LEVELS_MAX = 20_000
"""How many changed levels of a published book are remembered, for readers that come back: some
minutes of a busy one, about 3 MB."""

SHARED_MAX = 64
"""How many steps of a published book are kept for other readers until it changes."""


class _Ladder:
    """One side: quantities by price, prices in a list with the best last."""

    __slots__ = ("_before", "_keys", "_lots", "_sign")

    def __init__(self, side: Side, *, remembers: bool) -> None:
        # Asks are stored negated, so that the best is the greatest on both sides.
        self._sign = 1 if side is Side.BUY else -1
        self._keys: list[int] = []
        self._lots: dict[int, int] = {}
        self._before: dict[int, int] | None = {} if remembers else None

    def __len__(self) -> int:
        return len(self._keys)

    def lots(self, price_ticks: int) -> int:
        return self._lots.get(price_ticks * self._sign, 0)

    def set(self, price_ticks: int, lots: int) -> None:
        assert lots >= 0, (price_ticks, lots)
        key = price_ticks * self._sign
        before = self._lots.get(key, 0)
        if lots == before:
            return
        if self._before is not None:
            self._before.setdefault(key, before)
        if not lots:
            del self._lots[key]
            del self._keys[bisect_left(self._keys, key)]
            return
        if not before:
            self._keys.insert(bisect_left(self._keys, key), key)
        self._lots[key] = lots

    def load(self, levels: Iterable[Level]) -> None:
        self.clear()
        sign = self._sign
        self._lots = {price_ticks * sign: lots for price_ticks, lots in levels}
        self._lots = {key: lots for key, lots in self._lots.items() if lots}
        self._keys = sorted(self._lots)
        if self._before is not None:
            for key in self._keys:
                self._before.setdefault(key, 0)

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
            lots = self._lots.pop(key)
            if self._before is not None:
                self._before.setdefault(key, lots)
        return tuple([key * sign for key in beyond])

    def clear(self) -> None:
        if self._before is not None:
            for key, lots in self._lots.items():
                self._before.setdefault(key, lots)
        self._keys.clear()
        self._lots.clear()

    def take_before(self) -> tuple[Level, ...]:
        """What was at the prices that have changed since the last call."""
        if not self._before:
            return ()
        before, self._before = self._before, {}
        return tuple([(key * self._sign, lots) for key, lots in before.items()])


class Depth:
    """The quantities at each price of a book."""

    def __init__(self, *, remembers: bool = False) -> None:
        """``remembers``: what it was before its changes, until that is taken."""
        self._bids = _Ladder(Side.BUY, remembers=remembers)
        self._asks = _Ladder(Side.SELL, remembers=remembers)

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

    def load(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace everything; sorts once, where setting a whole book level by level is slow."""
        self._bids.load(bids)
        self._asks.load(asks)

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

    def take_before(self) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """Bids and asks as they were, of the prices that have changed since the last call.

        Nothing where it does not remember.
        """
        return self._bids.take_before(), self._asks.take_before()

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
    """A gap, or a book that no venue has: it is empty until the next snapshot."""


class VenueDepth:
    """A venue's book, kept by the venue's rules in the given depth. See the top of the file."""

    def __init__(self, depth: Depth | None = None) -> None:
        self.depth = Depth() if depth is None else depth
        self._kept: deque[BookDiff] = deque()
        self._kept_levels = 0
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
        self._forget_kept()
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
        self.depth.load(snapshot.bids, snapshot.asks)
        for diff in kept:
            if self._apply(diff) is Sync.LOST:
                return Sync.LOST
        return self._checked()

    def diff(self, diff: BookDiff) -> Sync:
        """Take a diff."""
        if self._last_id is None:
            if self._kept and self._kept[-1].last_id != diff.previous_id:
                self._forget_kept()  # It can no longer be joined to what follows.
            self._keep(diff)
            return Sync.KEPT
        if diff.last_id <= self._last_id:
            return Sync.STALE
        applied = self._apply(diff)
        if applied is Sync.LOST:
            self._keep(diff)
        return applied

    def _keep(self, diff: BookDiff) -> None:
        self._kept.append(diff)
        self._kept_levels += len(diff.bids) + len(diff.asks)
        while len(self._kept) > DIFFS_KEPT_MAX or self._kept_levels > LEVELS_MAX:
            oldest = self._kept.popleft()
            self._kept_levels -= len(oldest.bids) + len(oldest.asks)

    def _forget_kept(self) -> None:
        self._kept.clear()
        self._kept_levels = 0

    def _apply(self, diff: BookDiff) -> Sync:
        assert self._last_id is not None
        # The first diff after a snapshot may begin before it; later ones begin exactly where
        # the one before ended, which the same comparison sees.
        if diff.previous_id > self._last_id:
            return self._lost()
        self.depth.set_many(diff.bids, diff.asks)
        self._last_id = diff.last_id
        return self._checked()

    def _checked(self) -> Sync:
        bad = self.depth.crossed or len(self.depth) > LEVELS_MAX
        return self._lost() if bad else Sync.APPLIED

    def _lost(self) -> Sync:
        self.reset()
        return Sync.LOST


# --- Telling readers. ------------------------------------------------------------------------


@attrs.frozen(kw_only=True, eq=False)
class TopLevels:
    """The ``depth`` best levels a side after change number ``sequence``, best first."""

    epoch: int
    sequence: int
    depth: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@attrs.frozen(kw_only=True)
class BookStep:
    """What a reader is told next: all levels (``snapshot``), or those that changed.

    It covers the changes ``first_sequence`` to ``sequence`` and builds on the one before; a
    snapshot builds on nothing. ``reset``: the feed started anew since the step before.
    ``lagged``: a reader that came back could not be told what it has missed. ``top``: what the
    reader has then.
    """

    snapshot: bool
    reset: bool
    lagged: bool
    first_sequence: int
    sequence: int
    at_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    top: TopLevels


@attrs.frozen
class _Undo:
    """What takes a change back: the levels as they were before."""

    sequence: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @property
    def size(self) -> int:
        return 1 + len(self.bids) + len(self.asks)


class PublicBook:
    """A published book: its levels, the number of its last change, and when that was.

    Changing ``epoch`` tells readers that what follows does not build on what they have. What
    changed lately is remembered backwards, so that the book can be told as it was.

    ``sequence``: where numbers begin. A reader may come back with a number of an earlier run:
    give each run other numbers.
    """

    def __init__(self, sequence: int = 0) -> None:
        self.depth = Depth(remembers=True)
        self.sequence = sequence
        self.epoch = 0
        self.at_ns = 0
        self._undo: deque[_Undo] = deque()
        self._undo_levels = 0
        self._oldest = sequence
        self._tops: dict[int, TopLevels] = {}
        self._steps: dict[tuple[TopLevels | None, int, bool], BookStep | None] = {}

    def changed(self, at_ns: int) -> None:
        """Number a change that was made to the levels."""
        self.sequence += 1
        self.at_ns = at_ns
        undo = _Undo(self.sequence, *self.depth.take_before())
        self._undo.append(undo)
        self._undo_levels += undo.size
        while self._undo_levels > UNDO_LEVELS_MAX:
            oldest = self._undo.popleft()
            self._undo_levels -= oldest.size
            self._oldest = oldest.sequence
        self._tops.clear()
        self._steps.clear()

    def latest(self) -> tuple[tuple[Level, ...], tuple[Level, ...]] | None:
        """The levels of the last change as they are now; None where the book began anew."""
        if not self._undo:
            return None
        undo = self._undo[-1]
        return (
            tuple([(price, self.depth.lots(Side.BUY, price)) for price, _ in undo.bids]),
            tuple([(price, self.depth.lots(Side.SELL, price)) for price, _ in undo.asks]),
        )

    def start_anew(self, at_ns: int) -> None:
        """Empty the book; readers get a snapshot that says so."""
        self.depth.clear()
        self.epoch += 1
        self.changed(at_ns)
        self._undo.clear()
        self._undo_levels = 0
        self._oldest = self.sequence

    def top(self, depth: int) -> TopLevels:
        """The best levels as they are; the same object until the book changes."""
        top = self._tops.get(depth)
        if top is None:
            if len(self._tops) >= SHARED_MAX:
                self._tops.clear()
            top = self._tops[depth] = TopLevels(
                epoch=self.epoch,
                sequence=self.sequence,
                depth=depth,
                bids=self.depth.bids(depth),
                asks=self.depth.asks(depth),
            )
        return top

    def top_at(self, sequence: int, depth: int) -> TopLevels | None:
        """The best levels as they were after a change; None when that is not known any more."""
        if not self._oldest <= sequence <= self.sequence:
            return None
        bids: dict[int, int] = {}
        asks: dict[int, int] = {}
        for undo in reversed(self._undo):
            if undo.sequence <= sequence:
                break
            bids.update(undo.bids)
            asks.update(undo.asks)
        # Each price that is taken back may uncover one that is shown.
        bids = {**dict(self.depth.bids(depth + len(bids))), **bids}
        asks = {**dict(self.depth.asks(depth + len(asks))), **asks}
        return TopLevels(
            epoch=self.epoch,
            sequence=sequence,
            depth=depth,
            bids=tuple(sorted((level for level in bids.items() if level[1]), reverse=True)[:depth]),
            asks=tuple(sorted(level for level in asks.items() if level[1])[:depth]),
        )

    def step(self, told: TopLevels | None, depth: int, *, lagged: bool) -> BookStep | None:
        """What leads from what was told to the book as it is; None when nothing is shown of it.

        Readers that were told the same share the answer.
        """
        key = (told, depth, lagged)
        if key not in self._steps:
            if len(self._steps) >= SHARED_MAX:
                self._steps.clear()
            self._steps[key] = self._make_step(told, self.top(depth), lagged)
        return self._steps[key]

    def _make_step(self, told: TopLevels | None, top: TopLevels, lagged: bool) -> BookStep | None:
        if told is None or told.epoch != top.epoch:
            first_sequence, bids, asks = top.sequence, top.bids, top.asks
        else:
            first_sequence = told.sequence + 1
            bids, asks = _changes(told.bids, top.bids), _changes(told.asks, top.asks)
            if not bids and not asks:
                # Numbers pass silently: the next step covers them.
                return None
        return BookStep(
            snapshot=told is None or told.epoch != top.epoch,
            reset=told is not None and told.epoch != top.epoch,
            lagged=lagged,
            first_sequence=first_sequence,
            sequence=top.sequence,
            at_ns=self.at_ns,
            bids=bids,
            asks=asks,
            top=top,
        )


class BookReader:
    """One reader of a book, and exactly what it has been told.

    A slow reader needs no queue: the next step is the difference between the ``depth`` best
    levels it knows and those there are now, however many changes lie between. So its memory is
    bounded by ``depth``, and what it rebuilds is always the true top of the book. Readers that
    keep up share even that.
    """

    def __init__(self, book: PublicBook, depth: int, after_sequence: int | None = None) -> None:
        """Begin with all levels; or go on after a number, where that is still possible."""
        assert depth > 0
        self._book = book
        self._depth = depth
        self._seen: TopLevels | None = None
        self.told: TopLevels | None = None
        """What the reader has; None before the first step."""
        self._lagged = False
        if after_sequence is not None:
            self.told = book.top_at(after_sequence, depth)
            self._lagged = self.told is None

    def step(self) -> BookStep | None:
        """What to tell the reader now; None when nothing changed in its levels."""
        top = self._book.top(self._depth)
        if top is self._seen:
            return None
        self._seen = top
        step = self._book.step(self.told, self._depth, lagged=self._lagged)
        if step is not None:
            self.told, self._lagged = step.top, False
        return step


def _changes(old: tuple[Level, ...], new: tuple[Level, ...]) -> tuple[Level, ...]:
    if old == new:
        return ()
    before, after = dict(old), dict(new)
    changed = [level for level in new if before.get(level[0]) != level[1]]
    changed += [(price_ticks, 0) for price_ticks, _ in old if price_ticks not in after]
    return tuple(changed)
