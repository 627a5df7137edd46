"""Splits of labelled history in which no training row has seen its test.

A label is known only after a while: a row at ``starts_ns`` is labelled by what happens until
``ends_ns``. A training row whose label reaches into a test, or begins inside the label of a tested
row, has seen what it is tested on and is *purged*; rows that start within an *embargo* after a
test are left out too, as their features still carry it. Source: López de Prado, *Advances in
Financial Machine Learning* (2018), chapters 4 (uniqueness), 7 (purging, embargo) and 12
(combinatorial paths).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
import numpy as np
from numpy.typing import NDArray

from xached.research.judgement.track_record import FloatArray, IntArray

PATHS_MAX: Final = 10_000
"""More ways to choose the tested groups than this are refused: it is a slip, not a plan."""


@attrs.frozen(eq=False)
class Labels:
    """When the label of each row begins and when it is known, in order of beginning.

    Raises: ValueError when they are out of order or one is known before it begins.
    """

    starts_ns: IntArray
    ends_ns: IntArray

    @classmethod
    def of(cls, starts_ns: Sequence[int] | IntArray, ends_ns: Sequence[int] | IntArray) -> Labels:
        """Take any whole numbers."""
        return cls(np.asarray(starts_ns, dtype=np.int64), np.asarray(ends_ns, dtype=np.int64))

    def __attrs_post_init__(self) -> None:
        if len(self.starts_ns) != len(self.ends_ns):
            raise ValueError("every label begins and ends")
        if bool(np.any(np.diff(self.starts_ns) < 0)):
            raise ValueError("labels are in order of beginning")
        if bool(np.any(self.ends_ns < self.starts_ns)):
            raise ValueError("no label is known before it begins")

    def __len__(self) -> int:
        return len(self.starts_ns)


@attrs.frozen(eq=False)
class Split:
    """Rows to train on and rows to test on, as indices in rising order."""

    train: IntArray
    test: IntArray
    groups: tuple[int, ...]
    """Which of the groups are tested."""


def purged_splits(labels: Labels, groups: int, embargo_ns: int = 0) -> Iterator[Split]:
    """Test each of so many consecutive groups of rows once, training on what is left.

    Raises: ValueError when there are fewer rows than groups, or fewer than two groups.
    """
    yield from combinatorial_splits(labels, groups, 1, embargo_ns)


def combinatorial_splits(
    labels: Labels, groups: int, tested: int, embargo_ns: int = 0
) -> Iterator[Split]:
    """Test every choice of ``tested`` out of ``groups`` consecutive groups of rows.

    The splits come in the order of :func:`backtest_paths`.

    Raises: ValueError when there are fewer rows than groups, nothing is left to train on by
    number, or there are too many choices.
    """
    choices = _choices(groups, tested)
    if len(labels) < groups:
        raise ValueError("there are at least as many rows as groups")
    if embargo_ns < 0:
        raise ValueError("an embargo is a length of time")
    blocks = np.array_split(np.arange(len(labels)), groups)
    seen = [_seen(labels, block, embargo_ns) for block in blocks]
    for choice in choices:
        untouched = np.ones(len(labels), dtype=np.bool_)
        for group in choice:
            untouched &= ~seen[group]
        test = np.concatenate([blocks[group] for group in choice])
        yield Split(train=np.flatnonzero(untouched), test=test, groups=choice)


def _choices(groups: int, tested: int) -> list[tuple[int, ...]]:
    if not 1 <= tested < groups:
        raise ValueError("at least one group is tested and at least one is not")
    choices = list(itertools.islice(itertools.combinations(range(groups), tested), PATHS_MAX + 1))
    if len(choices) > PATHS_MAX:
        raise ValueError(f"there are more than {PATHS_MAX} choices")
    return choices


def _seen(labels: Labels, test: IntArray, embargo_ns: int) -> NDArray[np.bool_]:
    """Which rows have seen something of a test block, or are the block."""
    begins = int(labels.starts_ns[test[0]])
    known = int(labels.ends_ns[test].max())
    return (labels.starts_ns <= known + embargo_ns) & (labels.ends_ns >= begins)


def backtest_paths(groups: int, tested: int) -> list[tuple[int, ...]]:
    """Join tested groups to whole histories: ``paths[p][g]`` is the split that tests group g.

    Each split tests each of its groups in exactly one path, so there are
    ``comb(groups - 1, tested - 1)`` paths.
    """
    testing: list[list[int]] = [[] for _ in range(groups)]
    for number, choice in enumerate(_choices(groups, tested)):
        for group in choice:
            testing[group].append(number)
    return list(zip(*testing, strict=True))


@attrs.frozen(kw_only=True)
class BlockRows:
    """How many rows each block of a fold has before purging."""

    train: int
    early_stop: int
    calibrate: int
    conform: int
    test: int

    def __attrs_post_init__(self) -> None:
        if min(self.lengths) < 1:
            raise ValueError("every block has rows")

    @property
    def lengths(self) -> tuple[int, ...]:
        """In order of time."""
        return (self.train, self.early_stop, self.calibrate, self.conform, self.test)


@attrs.frozen(eq=False)
class BlockFold:
    """Consecutive blocks of rows: each is used for one thing and knows nothing of the next."""

    train: IntArray
    early_stop: IntArray
    calibrate: IntArray
    conform: IntArray
    test: IntArray

    @property
    def blocks(self) -> tuple[IntArray, ...]:
        """In order of time."""
        return (self.train, self.early_stop, self.calibrate, self.conform, self.test)


def block_folds(
    labels: Labels, rows: BlockRows, *, embargo_ns: int = 0, anchored: bool = False
) -> Iterator[BlockFold]:
    """Walk consecutive blocks through history, each fold one test block later than the last.

    A row is purged whose label, with the embargo, reaches into the next block. The tests of all
    folds follow each other without a gap. ``anchored``: training always begins with the first row
    and grows; otherwise it keeps its length and rolls.

    Raises: ValueError when there are too few rows for one fold, or purging leaves a block empty.
    """
    whole = sum(rows.lengths)
    if len(labels) < whole:
        raise ValueError(f"a fold takes {whole} rows, there are {len(labels)}")
    for offset in range(0, len(labels) - whole + 1, rows.test):
        edges = [offset + edge for edge in itertools.accumulate(rows.lengths, initial=0)]
        if anchored:
            edges[0] = 0
        train, early_stop, calibrate, conform = (
            _before_next(labels, start, end, embargo_ns)
            for start, end in itertools.pairwise(edges[:-1])
        )
        fold = BlockFold(train, early_stop, calibrate, conform, np.arange(edges[-2], edges[-1]))
        if not all(len(block) for block in fold.blocks):
            raise ValueError("labels reach so far that purging leaves a block without rows")
        yield fold


def _before_next(labels: Labels, start: int, end: int, embargo_ns: int) -> IntArray:
    known = labels.ends_ns[start:end] + embargo_ns
    return start + np.flatnonzero(known < labels.starts_ns[end])


def uniqueness(labels: Labels) -> FloatArray:
    """The weight of each row: how much of its label it shares with no other, above 0 and up to 1.

    At each beginning the labels that run share it equally; a weight is the mean of these shares
    while its label runs, its end not included. Give the rows of one instrument at a time: labels
    of another one are other outcomes. The sum is the number of *effective* rows.
    """
    if len(labels) == 0:
        return np.zeros(0)
    grid, own = np.unique(labels.starts_ns, return_inverse=True)
    after = np.maximum(np.searchsorted(grid, labels.ends_ns, side="left"), own + 1)
    running = np.bincount(own, minlength=len(grid) + 1) - np.bincount(
        after, minlength=len(grid) + 1
    )
    shares = 1.0 / np.cumsum(running)[:-1]
    summed = np.concatenate(([0.0], np.cumsum(shares)))
    weights: FloatArray = (summed[after] - summed[own]) / (after - own)
    return weights
