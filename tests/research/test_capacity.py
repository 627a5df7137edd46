"""Capacity: where half of a strategy is left."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.research.records import curve_of_returns
from xached.research.judgement.capacity import SIZES, capacity_curve
from xached.research.judgement.track_record import TrackRecord

NOISE = np.random.default_rng(1).normal(0.0, 0.01, 200)
NOISE -= NOISE.mean()


def earning(mean: float) -> TrackRecord:
    """A run that earns so much a day; the first day, of one sample, is kept out of the way."""
    return TrackRecord(curve_of_returns(np.concatenate((NOISE, NOISE)) + mean), [])


def test_half_is_left_between_two_sizes() -> None:
    found = capacity_curve(SIZES, [earning(0.004), earning(0.003), earning(0.001)])
    kept = [point.kept for point in found.points]
    assert kept == pytest.approx([1.0, 0.75, 0.25], abs=1e-3)
    assert found.capacity == pytest.approx(math.sqrt(10 * 100), rel=0.01)


def test_a_size_that_cannot_trade_keeps_nothing() -> None:
    still = TrackRecord(curve_of_returns(np.zeros(400)), [])
    found = capacity_curve(SIZES, [earning(0.004), earning(0.004), still])
    assert found.points[-1].kept == 0.0
    assert found.capacity is not None
    assert 10 < found.capacity < 100


def test_what_does_not_fade_has_no_known_capacity() -> None:
    assert capacity_curve(SIZES, [earning(0.004)] * 3).capacity is None


@pytest.mark.parametrize("mean", [-0.001, -0.01])
def test_what_earns_nothing_has_no_capacity(mean: float) -> None:
    found = capacity_curve(SIZES, [earning(mean)] * 3)
    assert found.capacity is None
    assert [point.kept for point in found.points] == [None] * 3


@pytest.mark.parametrize("sizes", [(), (1, 1), (10, 1), (0, 1)])
def test_sizes_rise(sizes: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="rise"):
        capacity_curve(sizes, [earning(0.001)] * len(sizes))
