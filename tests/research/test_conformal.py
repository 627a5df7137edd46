"""Intervals: the promised coverage holds for any sequence, and is measured."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.research.models.conformal import SCORES_MIN, STEP, WINDOW, Coverage, RollingIntervals


def feed(intervals: RollingIntervals, outcomes: Iterable[float], scale: float = 1.0) -> None:
    for outcome in outcomes:
        intervals.learn(0.0, outcome, intervals.interval(0.0, scale), scale)


def test_there_is_no_interval_before_there_are_errors() -> None:
    intervals = RollingIntervals(0.1)
    feed(intervals, [1.0] * (SCORES_MIN - 1))
    assert intervals.interval(5.0) is None
    assert intervals.coverage() == Coverage(0.9, None, 0, None)
    feed(intervals, [1.0])
    found = intervals.interval(5.0)
    assert found is not None
    assert (found.low, found.high) == (4.0, 6.0)
    assert found.covers(6.0)
    assert not found.covers(6.1)


def test_the_half_width_by_hand() -> None:
    intervals = RollingIntervals(0.1)
    feed(intervals, range(1, 51))
    found = intervals.interval(0.0, scale=2.0)
    # The ceil(51 x 0.9) = 46th of 50 errors, in units of the scale.
    assert found is not None
    assert found.half_width == 2 * 46.0


@pytest.mark.parametrize("miss_rate", [0.05, 0.1, 0.2, 0.5])
def test_coverage_is_what_was_asked_for_on_what_does_not_change(miss_rate: float) -> None:
    intervals = RollingIntervals(miss_rate)
    feed(intervals, np.random.default_rng(1).normal(0.0, 1.0, 5_000))
    coverage = intervals.coverage()
    assert coverage.measured == pytest.approx(1 - miss_rate, abs=0.01)
    assert coverage.outcomes == 5_000 - SCORES_MIN
    assert coverage.recent == pytest.approx(1 - miss_rate, abs=0.05)


def test_coverage_comes_back_when_the_market_becomes_ten_times_as_wild() -> None:
    generator = np.random.default_rng(2)
    intervals = RollingIntervals(0.1)
    feed(intervals, generator.normal(0.0, 1.0, 2_000))
    feed(intervals, generator.normal(0.0, 10.0, 1_500))
    recent = intervals.coverage().recent
    assert recent == pytest.approx(0.9, abs=0.04)


def test_errors_are_measured_by_their_scale() -> None:
    intervals = RollingIntervals(0.1)
    feed(intervals, np.random.default_rng(3).normal(0.0, 7.0, 500), scale=7.0)
    narrow, wide = intervals.interval(0.0, 1.0), intervals.interval(0.0, 7.0)
    assert narrow is not None
    assert wide is not None
    assert wide.half_width == pytest.approx(7 * narrow.half_width)
    assert narrow.half_width == pytest.approx(1.645, rel=0.2)


@given(
    st.lists(st.sampled_from([0.0, 1.0, 1e9]), min_size=1, max_size=6),
    st.sampled_from([0.05, 0.2, 0.5]),
    st.integers(200, 900),
)
def test_misses_stay_within_the_proven_bound_whatever_comes(
    pattern: list[float], miss_rate: float, count: int
) -> None:
    """Without moving the level the misses of some of these are all of them, or none."""
    intervals = RollingIntervals(miss_rate)
    feed(intervals, [0.5] * SCORES_MIN)
    feed(intervals, (pattern[index % len(pattern)] * (index + 1) for index in range(count)))
    coverage = intervals.coverage()
    assert coverage.measured is not None
    bound = (max(miss_rate, 1 - miss_rate) + STEP) / (STEP * count)
    assert abs((1 - coverage.measured) - miss_rate) <= bound + 1e-9


def test_a_level_beyond_reason_says_everything_or_nothing() -> None:
    intervals = RollingIntervals(0.5)
    feed(intervals, [1.0] * SCORES_MIN)
    intervals.level = -0.1
    everything = intervals.interval(0.0)
    assert everything is not None
    assert everything.half_width == math.inf
    assert everything.covers(1e300)
    intervals.level = 1.2
    nothing = intervals.interval(0.0)
    assert nothing is not None
    assert not nothing.covers(0.0)


def test_what_is_kept_is_bounded() -> None:
    intervals = RollingIntervals(0.1)
    feed(intervals, [1.0] * (WINDOW + 200))
    assert len(intervals.errors) == len(intervals.held) == WINDOW


def test_a_forecast_without_scale_teaches_nothing() -> None:
    intervals = RollingIntervals(0.1)
    intervals.learn(0.0, 1.0, None, scale=0.0)
    assert len(intervals.errors) == 0


@pytest.mark.parametrize("miss_rate", [0.0, 1.0, -0.1])
def test_a_miss_rate_is_a_share(miss_rate: float) -> None:
    with pytest.raises(ValueError, match="between"):
        RollingIntervals(miss_rate)
