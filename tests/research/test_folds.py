"""Splits: no training row has seen its test, whatever the labels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.research.judgement.folds import (
    BlockFold,
    BlockRows,
    Labels,
    backtest_paths,
    block_folds,
    combinatorial_splits,
    purged_splits,
    uniqueness,
)


@st.composite
def labels(draw: st.DrawFn, min_size: int = 6) -> Labels:
    """Labels of any length, some at the same time."""
    steps = draw(st.lists(st.integers(0, 5), min_size=min_size, max_size=40))
    starts = np.cumsum(np.array(steps, dtype=np.int64))
    lengths = draw(st.lists(st.integers(0, 12), min_size=len(steps), max_size=len(steps)))
    return Labels.of(starts, starts + np.array(lengths, dtype=np.int64))


def overlap(one: Labels, row: int, other: int) -> bool:
    """Whether the labels of two rows have a moment in common."""
    return bool(
        one.starts_ns[row] <= one.ends_ns[other] and one.starts_ns[other] <= one.ends_ns[row]
    )


@given(labels(), st.integers(2, 6), st.integers(0, 10), st.data())
def test_no_label_of_training_overlaps_a_tested_one(
    rows: Labels, groups: int, embargo_ns: int, data: st.DataObject
) -> None:
    tested = data.draw(st.integers(1, groups - 1))
    for split in combinatorial_splits(rows, groups, tested, embargo_ns):
        for row in split.train:
            assert not any(overlap(rows, row, other) for other in split.test)


@given(labels(), st.integers(2, 6), st.integers(0, 10))
def test_the_embargo_is_kept(rows: Labels, groups: int, embargo_ns: int) -> None:
    for split in purged_splits(rows, groups, embargo_ns):
        begins, known = rows.starts_ns[split.test[0]], rows.ends_ns[split.test].max()
        later = rows.starts_ns[split.train]
        assert not np.any((later >= begins) & (later <= known + embargo_ns))


@given(labels(), st.integers(2, 6))
def test_every_row_is_tested_once_and_no_more_than_needed_is_purged(
    rows: Labels, groups: int
) -> None:
    splits = list(purged_splits(rows, groups))
    assert np.concatenate([split.test for split in splits]).tolist() == list(range(len(rows)))
    for split in splits:
        begins, known = rows.starts_ns[split.test[0]], rows.ends_ns[split.test].max()
        purged = set(range(len(rows))) - set(split.train.tolist()) - set(split.test.tolist())
        for row in purged:
            assert rows.starts_ns[row] <= known
            assert rows.ends_ns[row] >= begins


def test_purging_by_hand() -> None:
    #             row:  0  1  2  3  4  5  6  7  8
    rows = Labels.of([0, 1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 6, 6, 7, 8, 9])
    first, middle, last = purged_splits(rows, 3, embargo_ns=1)
    assert first.train.tolist() == [5, 6, 7, 8]
    assert middle.test.tolist() == [3, 4, 5]
    assert middle.train.tolist() == [0, 1, 8]
    assert last.train.tolist() == [0, 1, 2, 3]


@given(st.integers(2, 8), st.data())
def test_paths_use_every_tested_group_once(groups: int, data: st.DataObject) -> None:
    tested = data.draw(st.integers(1, groups - 1))
    rows = Labels.of(range(groups), range(groups))
    splits = list(combinatorial_splits(rows, groups, tested))
    paths = backtest_paths(groups, tested)
    assert len(paths) == math.comb(groups - 1, tested - 1)
    used = [(number, group) for path in paths for group, number in enumerate(path)]
    assert sorted(used) == sorted(
        (number, group) for number, split in enumerate(splits) for group in split.groups
    )


@pytest.mark.parametrize(("groups", "tested"), [(1, 1), (4, 4), (4, 0), (40, 20)])
def test_choices_that_make_no_sense_are_refused(groups: int, tested: int) -> None:
    with pytest.raises(ValueError, match=r"group|choices"):
        backtest_paths(groups, tested)
    with pytest.raises(ValueError, match=r"group|choices"):
        list(combinatorial_splits(Labels.of(range(50), range(50)), groups, tested))


def test_too_few_rows_or_a_negative_embargo_are_refused() -> None:
    with pytest.raises(ValueError, match="as many rows"):
        list(purged_splits(Labels.of([0, 1], [0, 1]), 3))
    with pytest.raises(ValueError, match="embargo"):
        list(purged_splits(Labels.of([0, 1], [0, 1]), 2, -1))


ROWS = BlockRows(train=12, early_stop=5, calibrate=4, conform=4, test=3)


@st.composite
def steady_labels(draw: st.DrawFn) -> Labels:
    """A row every 3, none of whose labels reaches over a whole block."""
    count = draw(st.integers(sum(ROWS.lengths), 60))
    starts = np.arange(count) * 3
    lengths = draw(st.lists(st.integers(0, 6), min_size=count, max_size=count))
    return Labels.of(starts, starts + lengths)


@given(steady_labels(), st.integers(0, 3), st.booleans())
def test_no_block_reaches_into_a_later_one(rows: Labels, embargo_ns: int, anchored: bool) -> None:
    folds = list(block_folds(rows, ROWS, embargo_ns=embargo_ns, anchored=anchored))
    assert len(folds) == (len(rows) - sum(ROWS.lengths)) // ROWS.test + 1
    for fold in folds:
        for number, block in enumerate(fold.blocks):
            for later in fold.blocks[number + 1 :]:
                assert rows.ends_ns[block].max() + embargo_ns < rows.starts_ns[later].min()
    tests = np.concatenate([fold.test for fold in folds])
    assert np.all(np.diff(tests) == 1)


def kept(fold: BlockFold) -> list[list[int]]:
    return [block.tolist() for block in fold.blocks]


def test_blocks_by_hand() -> None:
    rows = Labels.of(range(9), [1, 2, 2, 3, 4, 6, 6, 7, 8])
    tiny = BlockRows(train=3, early_stop=2, calibrate=1, conform=1, test=1)
    with pytest.raises(ValueError, match="without rows"):
        list(block_folds(rows, tiny))
    momentary = Labels.of(range(9), [1, 2, 3, 3, 4, 5, 6, 7, 8])
    rolling = [kept(fold) for fold in block_folds(momentary, tiny)]
    assert rolling == [
        [[0, 1], [3, 4], [5], [6], [7]],
        [[1, 2, 3], [4, 5], [6], [7], [8]],
    ]
    anchored = [kept(fold) for fold in block_folds(momentary, tiny, anchored=True)]
    assert anchored[1][0] == [0, 1, 2, 3]


def test_too_few_rows_for_a_fold_are_refused() -> None:
    with pytest.raises(ValueError, match="28 rows"):
        list(block_folds(Labels.of(range(27), range(27)), ROWS))
    with pytest.raises(ValueError, match="every block"):
        BlockRows(train=0, early_stop=1, calibrate=1, conform=1, test=1)


def test_uniqueness_by_hand() -> None:
    # Running at 0, 1, 2, 3, 9: one, two, three, two, one.
    rows = Labels.of([0, 1, 2, 3, 9], [3, 5, 3, 9, 9])
    assert uniqueness(rows) == pytest.approx([(1 + 1 / 2 + 1 / 3) / 3, (1 / 2 + 1 / 3 + 1 / 2) / 3,
                                              1 / 3, 1 / 2, 1.0])  # fmt: skip


def test_labels_that_follow_each_other_are_unique() -> None:
    assert uniqueness(Labels.of([0, 5, 9], [5, 9, 20])).tolist() == [1.0, 1.0, 1.0]
    assert uniqueness(Labels.of([], [])).tolist() == []


def test_equal_labels_share_one_row() -> None:
    weights = uniqueness(Labels.of([0] * 4, [7] * 4))
    assert weights.tolist() == [0.25] * 4


@given(labels(min_size=1))
def test_uniqueness_is_a_mean_of_shares(rows: Labels) -> None:
    grid = sorted(set(rows.starts_ns.tolist()))

    def runs(row: int, at: int) -> bool:
        starts, ends = rows.starts_ns[row], rows.ends_ns[row]
        return bool(at == starts or starts < at < ends)

    weights = uniqueness(rows)
    for row, weight in enumerate(weights):
        shares = [
            1 / sum(runs(other, at) for other in range(len(rows))) for at in grid if runs(row, at)
        ]
        assert weight == pytest.approx(sum(shares) / len(shares))
    assert 1.0 - 1e-9 <= weights.sum() <= len(rows) + 1e-9


@pytest.mark.parametrize(("starts", "ends"), [([1, 0], [2, 2]), ([1, 2], [3, 1]), ([1], [])])
def test_what_are_no_labels_is_refused(starts: list[int], ends: list[int]) -> None:
    with pytest.raises(ValueError, match="label"):
        Labels.of(starts, ends)
