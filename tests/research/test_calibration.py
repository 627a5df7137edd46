"""Calibration: fits against what made the outcomes, and when there are too few rows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.research.judgement.track_record import FloatArray
from xached.research.models.calibration import (
    Calibrator,
    Sigmoid,
    TooFewRows,
    brier_score,
    fit_isotonic,
    fit_sigmoid,
    log_losses,
    reliability,
)


def outcomes_of(probabilities: FloatArray, seed: int = 1) -> FloatArray:
    drawn = np.random.default_rng(seed).random(len(probabilities))
    return (drawn < probabilities).astype(np.float64)


SCORES = np.random.default_rng(0).normal(0.3, 2.0, 20_000)
TRUE = 1 / (1 + np.exp(-(0.7 * SCORES - 0.4)))
OUTCOMES = outcomes_of(TRUE)
ONES = np.ones(len(SCORES))


def test_a_sigmoid_finds_what_made_the_outcomes() -> None:
    found = fit_sigmoid(SCORES, OUTCOMES, ONES)
    assert found.slope == pytest.approx(0.7, abs=0.03)
    assert found.offset == pytest.approx(-0.4, abs=0.04)


def test_a_sigmoid_does_not_depend_on_the_unit_of_the_scores() -> None:
    one = fit_sigmoid(SCORES, OUTCOMES, ONES)
    other = fit_sigmoid(SCORES * 1e6 + 5e7, OUTCOMES, ONES)
    assert other.slope * 1e6 == pytest.approx(one.slope, rel=1e-6)
    assert other(SCORES[:50] * 1e6 + 5e7) == pytest.approx(one(SCORES[:50]), rel=1e-6)


def test_a_sigmoid_by_hand() -> None:
    # Two scores, targets (n + 1) / (n + 2) pulled in: each score's probability is its mean target.
    scores = np.repeat([0.0, 1.0], 60)
    outcomes = np.concatenate((np.repeat([1.0, 0.0], [15, 45]), np.repeat([1.0, 0.0], [45, 15])))
    high, low = 61 / 62, 1 / 62
    found = fit_sigmoid(scores, outcomes, np.ones(120))
    assert found(np.array([0.0, 1.0])) == pytest.approx(
        [(high + 3 * low) / 4, (3 * high + low) / 4], abs=1e-6
    )


def test_scores_that_separate_completely_do_not_make_certain() -> None:
    scores = np.linspace(-1, 1, 200)
    found = fit_sigmoid(scores, (scores > 0).astype(np.float64), np.ones(200))
    assert math.isfinite(found.slope)
    assert 0.0 < found(np.array([-1.0]))[0] < found(np.array([1.0]))[0] < 1.0


def test_weights_count_like_rows() -> None:
    scores, outcomes = SCORES[:300], OUTCOMES[:300]
    weights = np.tile([1.0, 2.0, 3.0], 100)
    repeats = weights.astype(int)
    weighted = fit_sigmoid(scores, outcomes, weights)
    repeated = fit_sigmoid(
        np.repeat(scores, repeats), np.repeat(outcomes, repeats), np.ones(int(repeats.sum()))
    )
    assert weighted.slope == pytest.approx(repeated.slope, rel=1e-6)
    assert weighted.offset == pytest.approx(repeated.offset, rel=1e-6)


def test_isotonic_by_hand() -> None:
    # Means .2 .5 .4 .4 .9 of 300 rows each: the middle three are pooled to .4333.
    scores = np.repeat([1.0, 2.0, 3.0, 4.0, 5.0], 300)
    ones = [60, 150, 120, 120, 270]
    outcomes = np.concatenate([np.repeat([1.0, 0.0], [one, 300 - one]) for one in ones])
    found = fit_isotonic(scores, outcomes, np.ones(1500))
    assert found.scores.tolist() == [1.0, 2.0, 4.0, 5.0]
    assert found.probabilities == pytest.approx([0.2, 13 / 30, 13 / 30, 0.9])
    at = np.array([0.0, 1.5, 3.0, 4.5, 9.0])
    assert found(at) == pytest.approx([0.2, (0.2 + 13 / 30) / 2, 13 / 30, (13 / 30 + 0.9) / 2, 0.9])


@given(st.integers(0, 10_000))
def test_isotonic_never_falls_and_keeps_the_mean(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.integers(0, 40, 1500).astype(np.float64)
    outcomes = (generator.random(1500) < 0.3 + 0.01 * scores * generator.random()).astype(float)
    weights = generator.uniform(0.7, 1.0, 1500)
    found = fit_isotonic(scores, outcomes, weights)
    assert np.all(np.diff(found.probabilities) >= 0)
    said = np.average(found(scores), weights=weights)
    assert said == pytest.approx(np.average(outcomes, weights=weights), abs=1e-5)


@pytest.mark.parametrize("fit", [fit_sigmoid, fit_isotonic])
def test_a_fit_is_calibrated_on_rows_it_has_not_seen(fit: object) -> None:
    assert callable(fit)
    calibrated: Calibrator = fit(SCORES[:10_000], OUTCOMES[:10_000], ONES[:10_000])
    said = calibrated(SCORES[10_000:])
    for one in reliability(said, OUTCOMES[10_000:], ONES[10_000:]):
        assert one.came == pytest.approx(one.said, abs=0.06)
        assert one.effective_rows == 1000
    best = brier_score(TRUE[10_000:], OUTCOMES[10_000:], ONES[10_000:])
    assert brier_score(said, OUTCOMES[10_000:], ONES[10_000:]) == pytest.approx(best, abs=0.003)


def test_isotonic_is_refused_below_a_thousand_effective_rows() -> None:
    with pytest.raises(TooFewRows, match=r"999\.0 effective rows, 1000"):
        fit_isotonic(SCORES[:999], OUTCOMES[:999], ONES[:999])
    with pytest.raises(TooFewRows):
        fit_isotonic(SCORES[:1999], OUTCOMES[:1999], ONES[:1999] * 0.5)
    fit_isotonic(SCORES[:1000], OUTCOMES[:1000], ONES[:1000])


@pytest.mark.parametrize(
    ("scores", "outcomes"),
    [
        (SCORES[:49], OUTCOMES[:49]),
        (SCORES[:100], np.ones(100)),
        (SCORES[:100], np.zeros(100)),
        (np.full(100, 3.0), OUTCOMES[:100]),
        (np.zeros(0), np.zeros(0)),
    ],
)
def test_a_sigmoid_is_refused_where_nothing_can_be_told(
    scores: FloatArray, outcomes: FloatArray
) -> None:
    with pytest.raises(TooFewRows):
        fit_sigmoid(scores, outcomes, np.ones(len(scores)))


def test_rows_belong_together() -> None:
    with pytest.raises(ValueError, match="every score"):
        fit_sigmoid(SCORES[:100], OUTCOMES[:99], ONES[:100])


def test_losses_by_hand() -> None:
    losses = log_losses(np.array([0.8, 0.8, 0.0]), np.array([1.0, 0.0, 1.0]))
    assert losses[:2] == pytest.approx([-math.log(0.8), -math.log(0.2)])
    assert losses[2] == pytest.approx(-math.log(1e-6))
    assert brier_score(np.array([0.8, 0.6]), np.array([1.0, 0.0]), np.array([3.0, 1.0])) == (
        pytest.approx((3 * 0.04 + 0.36) / 4)
    )


def test_extreme_scores_do_not_overflow() -> None:
    found = Sigmoid(1.0, 0.0)(np.array([-1e6, 0.0, 1e6]))
    assert found == pytest.approx([1e-6, 0.5, 1 - 1e-6])
