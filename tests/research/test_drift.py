"""Drift: nothing fires on nothing more often than promised, and what has changed is found."""

from __future__ import annotations

import math

import numpy as np
import pytest

from xached.research.judgement.track_record import FloatArray
from xached.research.models.drift import (
    Finding,
    calibration_drift,
    effective_size,
    feature_drift,
    kolmogorov,
)


def said_and_came(
    seed: int, rows: int = 400, slope: float = 1.0, offset: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    generator = np.random.default_rng(seed)
    logits = generator.normal(0.0, 0.6, rows)
    true = 1 / (1 + np.exp(-(slope * logits + offset)))
    return 1 / (1 + np.exp(-logits)), (generator.random(rows) < true).astype(np.float64)


def findings(count: int, rows: int = 400, **terms: float) -> list[Finding]:
    found = []
    for seed in range(count):
        said, came = said_and_came(seed, rows, **terms)
        found.append(calibration_drift(said, came, np.ones(rows)).finding)
    return found


def test_calibration_that_holds_is_called_steady() -> None:
    """A test of 1 % fires on about 4 of 400."""
    assert findings(400).count(Finding.DRIFTED) <= 12


@pytest.mark.parametrize("terms", [{"offset": 0.5}, {"slope": -0.5}, {"slope": 3.0}])
def test_calibration_that_is_lost_is_found(terms: dict[str, float]) -> None:
    assert findings(40, 600, **terms).count(Finding.DRIFTED) >= 36


def test_a_model_that_always_says_the_same_is_tested_too() -> None:
    said = np.full(400, 0.5)
    steady = calibration_drift(said, np.tile([0.0, 1.0], 200), np.ones(400))
    assert (steady.finding, steady.p_value) == (Finding.STEADY, 1.0)
    lost = calibration_drift(said, np.tile([0.0, 1.0, 1.0, 1.0], 100), np.ones(400))
    assert lost.finding is Finding.DRIFTED
    # 100 more than expected of 400 is ten standard deviations.
    assert lost.p_value == pytest.approx(math.erfc(10 / math.sqrt(2)))


def test_under_two_hundred_effective_labels_there_is_no_number() -> None:
    said, came = said_and_came(1)
    found = calibration_drift(said, came, np.full(400, 0.49))
    assert (found.finding, found.p_value) == (Finding.NOT_ENOUGH_DATA, None)
    assert found.effective_rows == pytest.approx(196)
    assert calibration_drift(said, came, np.full(400, 0.5)).p_value is not None


def test_labels_that_repeat_each_other_do_not_fire_more_often() -> None:
    """Each label five times over; with weights of one it fires on more than a third."""
    weighed = counted = 0
    for seed in range(200):
        said, came = (np.repeat(one, 5) for one in said_and_came(seed, 250))
        weighed += calibration_drift(said, came, np.full(1250, 0.2)).finding is Finding.DRIFTED
        counted += calibration_drift(said, came, np.ones(1250)).finding is Finding.DRIFTED
    assert weighed <= 8
    assert counted >= 40


def noise(seed: int, rows: int = 1500) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0, 1.0, rows)


def autocorrelated(seed: int, rows: int, memory: float) -> FloatArray:
    values, drawn = np.zeros(rows), noise(seed, rows)
    for row in range(1, rows):
        values[row] = memory * values[row - 1] + drawn[row]
    return values


def test_a_feature_that_is_spread_differently_has_drifted() -> None:
    found = feature_drift(
        {"same": noise(1), "moved": noise(2), "wilder": noise(3)},
        {"same": noise(4), "moved": noise(5) + 0.3, "wilder": noise(6) * 1.5},
    )
    assert {name: one.finding for name, one in found.items()} == {
        "same": Finding.STEADY,
        "moved": Finding.DRIFTED,
        "wilder": Finding.DRIFTED,
    }


def test_many_features_together_seldom_fire_on_nothing() -> None:
    fired = 0
    for seed in range(30):
        trained = {str(n): noise(100 * seed + n, 500) for n in range(20)}
        now = {str(n): noise(5000 + 100 * seed + n, 400) for n in range(20)}
        found = feature_drift(trained, now).values()
        fired += any(one.finding is Finding.DRIFTED for one in found)
    assert fired <= 3


def test_a_feature_with_memory_does_not_fire_more_often() -> None:
    """Counting its rows as independent it fires nearly always."""
    fired = 0
    for seed in range(40):
        found = feature_drift(
            {"slow": autocorrelated(seed, 8000, 0.95)},
            {"slow": autocorrelated(1000 + seed, 12000, 0.95)},
        )
        fired += found["slow"].finding is Finding.DRIFTED
    assert fired <= 3


def test_a_feature_that_stands_still_has_drifted() -> None:
    still = np.full(500, 0.3)
    found = feature_drift({"a": noise(1), "b": still}, {"a": np.zeros(500), "b": still})
    assert found["a"].finding is Finding.DRIFTED
    assert found["b"].finding is Finding.STEADY


def test_too_little_of_a_feature_has_no_number() -> None:
    (found,) = feature_drift({"a": noise(1)}, {"a": noise(2, 100)}).values()
    assert (found.finding, found.p_value) == (Finding.NOT_ENOUGH_DATA, None)
    gone = np.full(500, np.nan)
    (missing,) = feature_drift({"a": noise(1)}, {"a": gone}).values()
    assert missing.finding is Finding.NOT_ENOUGH_DATA


def test_other_features_are_refused() -> None:
    with pytest.raises(ValueError, match="trained"):
        feature_drift({"a": noise(1)}, {"b": noise(1)})


@pytest.mark.parametrize(
    ("distance", "probability"), [(1.22385, 0.1), (1.35810, 0.05), (1.62762, 0.01), (0.0, 1.0)]
)
def test_the_published_critical_values(distance: float, probability: float) -> None:
    assert kolmogorov(distance) == pytest.approx(probability, rel=1e-4)


def test_the_effective_size_of_a_series_with_memory() -> None:
    """An autoregression of 0.8 is worth (1 - 0.8) / (1 + 0.8) of its rows."""
    sizes = [effective_size(autocorrelated(seed, 5000, 0.8)) for seed in range(10)]
    assert float(np.mean(sizes)) == pytest.approx(5000 / 9, rel=0.15)
    assert effective_size(noise(1, 3000)) == pytest.approx(3000, rel=0.15)
    assert effective_size(np.full(100, 3.3)) == 1.0
    assert effective_size(np.array([1.0, 2.0])) == 2.0
