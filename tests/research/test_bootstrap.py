"""Comparing models: neither noise nor dependence is taken for a difference."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xached.research.judgement.bootstrap import RESAMPLES, Standing, compare
from xached.research.judgement.track_record import FloatArray


def noise(seed: int, rows: int = 1000) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0, 1.0, rows)


def test_the_same_model_is_not_worse() -> None:
    found = compare(noise(1), noise(1), margin=0.0, seed=1)
    assert (found.difference, found.low, found.high) == (0.0, 0.0, 0.0)
    assert found.standing is Standing.NOT_WORSE


@pytest.mark.parametrize(
    ("shift", "margin", "standing"),
    [
        (-0.3, 0.0, Standing.NOT_WORSE),
        (0.3, 0.0, Standing.WORSE),
        (0.0, 0.2, Standing.NOT_WORSE),
        (0.0, 0.0, Standing.UNDECIDED),
        (0.3, 0.5, Standing.NOT_WORSE),
    ],
)
def test_standing_follows_the_margin(shift: float, margin: float, standing: Standing) -> None:
    centred = noise(1) - noise(1).mean()
    found = compare(centred * 0.5 + noise(2) + shift, noise(2), margin=margin, seed=1)
    assert found.standing is standing
    assert found.low <= found.difference <= found.high


def test_bounds_are_those_of_the_mean_when_rows_are_independent() -> None:
    found = compare(noise(3, 4000), np.zeros(4000), margin=0.0, seed=2, block_rows=20)
    error = 1.645 / math.sqrt(4000)
    assert found.high - found.difference == pytest.approx(error, rel=0.1)
    assert found.difference - found.low == pytest.approx(error, rel=0.1)


def test_rows_that_repeat_each_other_are_no_further_evidence() -> None:
    """With single rows as blocks the bounds would be three times as tight."""
    repeated = np.repeat(noise(4, 200), 10)
    wide = compare(repeated, np.zeros(2000), margin=0.0, seed=2, block_rows=40)
    tight = compare(noise(4, 2000), np.zeros(2000), margin=0.0, seed=2, block_rows=40)
    assert (wide.high - wide.low) / (tight.high - tight.low) == pytest.approx(
        math.sqrt(10), rel=0.25
    )


def test_weights_decide_what_counts() -> None:
    losses = np.concatenate((np.full(500, 1.0), np.full(500, -1.0)))
    weights = np.concatenate((np.zeros(500), np.ones(500)))
    found = compare(losses, np.zeros(1000), margin=0.0, seed=1, weights=weights)
    assert found.difference == -1.0
    assert found.standing is Standing.NOT_WORSE


def test_the_same_seed_gives_the_same_answer() -> None:
    one, other = (compare(noise(1), noise(2), margin=0.0, seed=9) for _ in range(2))
    assert one == other
    assert compare(noise(1), noise(2), margin=0.0, seed=10) != one
    assert (one.probability_worse * RESAMPLES) % 1 == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("rows", "block"), [(0, 1), (20, 5), (1000, 101)])
def test_too_few_blocks_are_not_enough(rows: int, block: int) -> None:
    found = compare(np.ones(rows), np.zeros(rows), margin=0.0, seed=1, block_rows=block)
    assert found.standing is Standing.NOT_ENOUGH_DATA
    assert math.isnan(found.difference)


def test_other_rows_or_a_negative_margin_are_refused() -> None:
    with pytest.raises(ValueError, match="same rows"):
        compare(np.ones(5), np.ones(6), margin=0.0, seed=1)
    with pytest.raises(ValueError, match="margin"):
        compare(np.ones(5), np.ones(5), margin=-0.1, seed=1)
