"""Overfit statistics: the published examples, what must hold, and when there is no number."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xached.research.judgement.deflated import (
    ALONE,
    Evidence,
    Judgement,
    Lack,
    NotEnoughData,
    Shape,
    Verdict,
    deflated_sharpe,
    expected_maximum_sharpe,
    judge,
    minimum_track_record,
    probabilistic_sharpe,
    shape_of,
    variance_of,
)

PUBLISHED = Shape(sharpe=2.5 / math.sqrt(250), skew=-3.0, kurtosis=10.0, periods=1250)
"""Five years of days with a yearly ratio of 2.5, in Bailey and López de Prado (2014)."""
PUBLISHED_VARIANCE = 0.5 / 250


def test_the_published_example_of_the_deflated_ratio() -> None:
    assert expected_maximum_sharpe(100, PUBLISHED_VARIANCE) == pytest.approx(0.1132, abs=5e-5)
    assert deflated_sharpe(PUBLISHED, 100, PUBLISHED_VARIANCE) == pytest.approx(0.9004, abs=5e-5)


def test_fewer_trials_or_normal_returns_would_have_convinced_there() -> None:
    assert deflated_sharpe(PUBLISHED, 46, PUBLISHED_VARIANCE) == pytest.approx(0.9505, abs=5e-5)
    normal = Shape(PUBLISHED.sharpe, skew=0.0, kurtosis=3.0, periods=1250)
    assert deflated_sharpe(normal, 88, PUBLISHED_VARIANCE) == pytest.approx(0.9505, abs=5e-5)


@pytest.mark.parametrize(("periods_per_year", "years"), [(252, 2.73), (52, 2.83), (12, 3.24)])
def test_the_published_minimum_track_records(periods_per_year: int, years: float) -> None:
    """A yearly ratio of 2 against 1 at 95 %, with normal returns (2012)."""
    root = math.sqrt(periods_per_year)
    shape = Shape(sharpe=2 / root, skew=0.0, kurtosis=3.0, periods=1)
    needed = minimum_track_record(shape, benchmark=1 / root)
    assert needed is not None
    assert needed / periods_per_year == pytest.approx(years, abs=5e-3)


def test_the_minimum_track_record_is_just_long_enough() -> None:
    needed = minimum_track_record(PUBLISHED, benchmark=0.1132)
    assert needed is not None
    long_enough = Shape(PUBLISHED.sharpe, -3.0, 10.0, math.ceil(needed))
    too_short = Shape(PUBLISHED.sharpe, -3.0, 10.0, math.ceil(needed) - 1)
    assert (
        probabilistic_sharpe(long_enough, 0.1132) >= 0.95 > probabilistic_sharpe(too_short, 0.1132)
    )
    assert minimum_track_record(PUBLISHED, benchmark=PUBLISHED.sharpe) is None


def test_the_shape_of_returns_by_hand() -> None:
    shape = shape_of(np.array([1.0, 1.0, 1.0, 5.0]))
    assert shape is not None
    # Deviations -1 -1 -1 3: their powers sum to 12, 24 and 84.
    assert shape.sharpe == pytest.approx(2.0 / math.sqrt(12 / 3))
    assert shape.skew == pytest.approx(6.0 / 3.0**1.5)
    assert shape.kurtosis == pytest.approx(21.0 / 9.0)


RETURNS = st.lists(st.integers(-300, 300), min_size=3, max_size=60).map(
    lambda returns: np.array(returns) / 1000
)


@given(RETURNS, st.floats(1.0, 1e6), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_more_trials_and_more_variance_never_help(
    returns: np.ndarray[tuple[int], np.dtype[np.float64]],
    trials: float,
    variance: float,
    more: float,
) -> None:
    shape = shape_of(returns)
    if shape is None:
        return
    assert shape.kurtosis >= 1.0 + shape.skew**2 - 1e-6
    one = deflated_sharpe(shape, trials, variance)
    assert 0.0 <= one <= probabilistic_sharpe(shape) <= 1.0
    assert deflated_sharpe(shape, trials * (1.0 + more), variance) <= one + 1e-12
    assert deflated_sharpe(shape, trials, variance + more) <= one + 1e-12


@pytest.mark.parametrize("trials", [10, 20, 100, 1000])
def test_the_expected_maximum_is_that_of_a_simulation(trials: int) -> None:
    generator = np.random.default_rng(11)
    best = generator.normal(0.0, 0.3, (4000, trials)).max(axis=1)
    assert expected_maximum_sharpe(trials, 0.09) == pytest.approx(best.mean(), rel=0.04)


def test_one_trial_expects_nothing() -> None:
    assert expected_maximum_sharpe(1.0, 0.5) == 0.0
    assert expected_maximum_sharpe(1.1, 0.5) == 0.0
    assert deflated_sharpe(PUBLISHED, 1.0, 0.5) == probabilistic_sharpe(PUBLISHED)


def noise(days: int, mean: float = 0.001) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.random.default_rng(5).normal(mean, 0.02, days)


@pytest.mark.parametrize(
    ("days", "closed_trades", "lacks"),
    [
        (59, 30, (Lack.DAYS,)),
        (60, 29, (Lack.CLOSED_TRADES,)),
        (10, 2, (Lack.DAYS, Lack.CLOSED_TRADES)),
    ],
)
def test_too_little_has_no_number(days: int, closed_trades: int, lacks: tuple[Lack, ...]) -> None:
    assert judge(noise(days), closed_trades) == NotEnoughData(days, closed_trades, lacks)


def test_returns_that_never_vary_have_no_number() -> None:
    judged = judge(np.zeros(100), 40)
    assert judged == NotEnoughData(100, 40, (Lack.VARIATION,))
    assert str(judged) == "not enough data: the returns do not vary"


def test_just_enough_is_judged() -> None:
    judged = judge(noise(60), 30)
    assert isinstance(judged, Judgement)
    assert judged.evidence is ALONE
    assert judged.deflated == judged.probabilistic
    assert judged.expected_maximum == 0.0
    assert judged.annual_sharpe == pytest.approx(judged.shape.sharpe * math.sqrt(365))


def test_what_convinces_alone_may_be_luck_among_many() -> None:
    returns = noise(730, mean=0.0015)
    alone = judge(returns, 200)
    among = judge(returns, 200, Evidence(trials=400, effective_trials=150.0, variance=0.004))
    assert isinstance(alone, Judgement)
    assert isinstance(among, Judgement)
    assert alone.verdict is Verdict.CONVINCING
    assert among.verdict is Verdict.UNPROVEN
    assert among.deflated < alone.deflated
    losing = judge(-returns, 200)
    assert isinstance(losing, Judgement)
    assert losing.verdict is Verdict.LOSING
    assert losing.minimum_track_record_days is None


def test_trials_that_agree_do_not_lower_the_bar() -> None:
    """Without the floor under the variance this is the ratio of a single trial."""
    judged = judge(noise(365), 100, Evidence(trials=50, effective_trials=50.0, variance=0.0))
    assert isinstance(judged, Judgement)
    assert judged.expected_maximum == pytest.approx(expected_maximum_sharpe(50, 1 / 364))
    assert judged.deflated < judged.probabilistic


def test_luck_is_called_luck_as_often_as_promised() -> None:
    """The best of 20 worthless strategies convinces in about one case of twenty."""
    generator = np.random.default_rng(3)
    convinced = 0
    for _ in range(400):
        tried = generator.normal(0.0, 0.01, (250, 20))
        sharpes = tried.mean(axis=0) / tried.std(axis=0, ddof=1)
        best = tried[:, int(np.argmax(sharpes))]
        judged = judge(best, 100, Evidence(20, 20.0, variance_of(sharpes.tolist())))
        assert isinstance(judged, Judgement)
        convinced += judged.verdict is Verdict.CONVINCING
    assert convinced <= 40
    undeflated = 1 - NormalDist().cdf(NormalDist().inv_cdf(0.95)) ** 20
    assert undeflated > 0.6
