"""Measures of a run against values computed by hand, and what must hold for any run."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.research.records import (
    NOON_NS,
    buy,
    curve_of_returns,
    curves,
    daily_curve,
    sell,
)
from xached.research.judgement import metrics
from xached.research.judgement.track_record import (
    DAY_NS,
    EquityCurve,
    TrackRecord,
    closed_trades,
    daily_returns,
)

RETURNS = np.array([0.02, -0.01, 0.03, -0.02, 0.01])
"""Mean 0.006; deviations .014 -.016 .024 -.026 .004, their squares sum to 0.00172."""

ROOT_365 = math.sqrt(365)


def test_sharpe_by_hand() -> None:
    by_hand = 0.006 / math.sqrt(0.00172 / 4)
    assert metrics.daily_sharpe(RETURNS) == pytest.approx(by_hand)
    assert metrics.daily_sharpe(RETURNS, risk_free=0.001) == pytest.approx(by_hand * 5 / 6)
    daily = daily_returns(curve_of_returns(RETURNS))
    assert metrics.sharpe(daily) == pytest.approx(by_hand * ROOT_365)


def test_sortino_by_hand() -> None:
    daily = daily_returns(curve_of_returns(RETURNS))
    assert metrics.sortino(daily) == pytest.approx(0.006 / math.sqrt(0.0005 / 5) * ROOT_365)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01] * 50, [0.0] * 50])
def test_returns_that_do_not_vary_have_no_sharpe(returns: list[float]) -> None:
    assert metrics.daily_sharpe(np.array(returns)) is None


def test_no_bad_day_is_no_sortino() -> None:
    assert metrics.sortino(daily_returns(daily_curve([1.0, 2.0, 3.0]))) is None


def test_drawdown_by_hand() -> None:
    fall = metrics.drawdown(daily_curve([100.0, 120.0, 90.0, 96.0, 120.0, 119.0, 60.0, 90.0]))
    assert fall.depth == pytest.approx(0.5)
    assert (fall.peak_at_ns - NOON_NS) // DAY_NS == 4
    assert (fall.trough_at_ns - NOON_NS) // DAY_NS == 6
    assert fall.recovered_at_ns is None
    assert fall.longest_ns == 3 * DAY_NS
    recovered = metrics.drawdown(daily_curve([100.0, 80.0, 90.0, 101.0, 100.0]))
    assert recovered.recovered_at_ns == NOON_NS + 3 * DAY_NS
    assert recovered.longest_ns == 3 * DAY_NS


def test_a_curve_that_only_rises_has_no_drawdown() -> None:
    fall = metrics.drawdown(daily_curve([1.0, 1.0, 2.0, 3.0]))
    assert (fall.depth, fall.longest_ns) == (0.0, 0)


def test_a_deposit_does_not_hide_a_fall() -> None:
    fall = metrics.drawdown(daily_curve([100.0, 150.0], flows=[0.0, 100.0]))
    assert fall.depth == pytest.approx(0.5)


@given(curves())
def test_a_drawdown_is_the_worst_of_all_pairs(curve: EquityCurve) -> None:
    growth = curve.growth()
    worst = max(
        (1 - late / early if early > 0 else 0.0)
        for index, early in enumerate(growth)
        for late in growth[index:]
    )
    fall = metrics.drawdown(curve)
    assert fall.depth == pytest.approx(worst, abs=1e-12)
    assert fall.peak_at_ns <= fall.trough_at_ns
    assert 0 <= fall.longest_ns <= curve.elapsed_ns


def test_money_weighted_return_by_hand() -> None:
    # 100 for the whole time and 100 for its second half became 231: x^2 + x = 2.31, x = 1.1.
    curve = daily_curve([100.0, 210.0, 231.0], flows=[0.0, 100.0, 0.0])
    assert metrics.money_weighted_return(curve) == pytest.approx(1.1**2 - 1)
    assert metrics.time_weighted_return(curve) == pytest.approx(1.1**2 - 1)


def test_money_that_came_before_the_fall_weighs_more() -> None:
    curve = daily_curve([100.0, 1200.0, 600.0], flows=[0.0, 1000.0, 0.0])
    assert metrics.time_weighted_return(curve) == pytest.approx(0.0)
    weighted = metrics.money_weighted_return(curve)
    assert weighted is not None
    half = math.sqrt(1 + weighted)
    assert 100 * half**2 + 1000 * half == pytest.approx(600)
    assert weighted < -0.6


@given(st.floats(0.01, 100.0), st.integers(2, 20))
def test_without_flows_both_returns_agree(factor: float, count: int) -> None:
    curve = daily_curve(np.geomspace(1.0, factor, count).tolist())
    assert metrics.money_weighted_return(curve) == pytest.approx(
        metrics.time_weighted_return(curve), abs=1e-9
    )


@given(curves())
def test_a_money_weighted_return_makes_the_flows_add_up(curve: EquityCurve) -> None:
    weighted = metrics.money_weighted_return(curve)
    if weighted is None:
        return
    shares = (curve.at_ns[-1] - curve.at_ns) / curve.elapsed_ns
    amounts = curve.flows.copy()
    amounts[0] = curve.equity[0]
    grown = amounts * (1.0 + weighted) ** shares
    scale = float(np.sum(np.abs(grown))) + float(curve.equity[-1])
    assert abs(float(np.sum(grown)) - float(curve.equity[-1])) <= 1e-6 * scale


def test_a_short_run_is_not_annualised() -> None:
    assert metrics.annual_return(0.05, 59 * DAY_NS) is None
    assert metrics.annual_return(0.21, 2 * 365 * DAY_NS) == pytest.approx(0.10)
    assert metrics.annual_return(-1.0, 365 * DAY_NS) == -1.0


def test_tail_losses_by_hand() -> None:
    returns = np.arange(-10, 90) / 1000.0  # 100 days: -1.0 %, -0.9 %, …
    five = metrics.tail_loss(returns, 0.95)
    assert five is not None
    assert five.value_at_risk == pytest.approx(0.006)
    assert five.expected_shortfall == pytest.approx(0.008)
    part = metrics.tail_loss(returns[:50], 0.95)  # two bad days and a half
    assert part is not None
    assert part.value_at_risk == pytest.approx(0.008)
    assert part.expected_shortfall == pytest.approx((0.010 + 0.009 + 0.004) / 2.5)


def test_too_few_days_have_no_tail() -> None:
    assert metrics.tail_loss(RETURNS, 0.95) is None


@given(
    st.lists(st.floats(-1.0, 1.0), min_size=20, max_size=150),
    st.sampled_from([0.9, 0.95, 0.99]),
    st.floats(0.0, 3.0),
)
def test_what_holds_for_tail_losses(returns: list[float], level: float, factor: float) -> None:
    loss = metrics.tail_loss(np.array(returns), level)
    if loss is None:
        assert len(returns) * (1 - level) < 1
        return
    assert loss.expected_shortfall >= loss.value_at_risk - 1e-12
    scaled = metrics.tail_loss(np.array(returns) * factor, level)
    assert scaled is not None
    assert scaled.value_at_risk == pytest.approx(loss.value_at_risk * factor, abs=1e-12)
    assert scaled.expected_shortfall == pytest.approx(loss.expected_shortfall * factor, abs=1e-12)


@given(st.lists(st.integers(-500, 500), min_size=2, max_size=60), st.floats(0.01, 100.0))
def test_sharpe_does_not_depend_on_size(returns_ppt: list[int], factor: float) -> None:
    curve = curve_of_returns(np.array(returns_ppt) / 1000)
    larger = EquityCurve.of(curve.at_ns, curve.equity * factor)
    one = metrics.sharpe(daily_returns(curve))
    other = metrics.sharpe(daily_returns(larger))
    assert (one is None) == (other is None)
    if one is not None:
        assert other == pytest.approx(one, rel=1e-6, abs=1e-6)


def test_trade_statistics_by_hand() -> None:
    fills = [
        buy(1, 1, 100), sell(3, 1, 130),
        buy(5, 1, 100), sell(9, 1, 90),
        buy(10, 1, 100), sell(10, 1, 100),
        buy(20, 1, 100), sell(22, 1, 90),
    ]  # fmt: skip
    found = metrics.trade_statistics(closed_trades(fills))
    assert found.count == 4
    assert found.win_rate == pytest.approx(0.25)
    assert found.profit_factor == pytest.approx(1.5)
    assert found.expectancy == pytest.approx(0.025)
    assert found.profit_units == 10
    assert found.mean_duration_ns == 2


def test_no_trades_have_no_statistics() -> None:
    found = metrics.trade_statistics(())
    assert (found.count, found.win_rate, found.profit_factor, found.expectancy) == (
        0, None, None, None,
    )  # fmt: skip


def test_exposure_counts_the_time_in_which_anything_is_held() -> None:
    curve = EquityCurve.of([0, 100], [1.0, 1.0])
    fills = [
        buy(10, 1, 1),
        buy(20, 1, 1, instrument=1),
        sell(30, 1, 1),
        sell(50, 1, 1, instrument=1),
        sell(60, 1, 1),
        buy(80, 1, 1),
    ]
    assert metrics.exposure(curve, [TrackRecord(curve, fills)]) == pytest.approx(0.6)
    assert metrics.exposure(curve, []) == 0.0
    assert metrics.exposure(EquityCurve.of([0], [1.0]), []) is None


def test_costs_by_hand() -> None:
    curve = EquityCurve.of([0, 73 * DAY_NS, 292 * DAY_NS, 365 * DAY_NS], [100, 200, 100, 300])
    fills = [buy(1, 1, 140, fee=3), sell(2, 1, 170, fee=1)]
    found = metrics.costs(curve, [TrackRecord(curve, fills)])
    # On average over time: (73 x 100 + 219 x 200 + 73 x 100) / 365 = 160.
    assert metrics.mean_equity(curve) == pytest.approx(160)
    assert (found.notional_units, found.fee_units) == (310, 4)
    assert found.fee_fraction == pytest.approx(4 / 310)
    assert found.turnover == pytest.approx(310 / 160)
    assert found.turnover_per_year == pytest.approx(310 / 160)


def test_measure_gives_everything_of_a_run() -> None:
    generator = np.random.default_rng(7)
    curve = curve_of_returns(generator.normal(0.001, 0.02, 364))
    fills = [buy(NOON_NS, 1, 100, 1), sell(NOON_NS + 3 * DAY_NS, 1, 99, 1)]
    found = metrics.measure(TrackRecord(curve, fills))
    assert found.days == 364
    assert found.missing_days == 0
    assert found.end_equity == pytest.approx(1000 * (1 + found.time_weighted_return))
    assert found.annual_return is not None
    assert found.calmar == pytest.approx(found.annual_return / found.drawdown.depth)
    assert [loss.confidence for loss in found.tail_losses] == [0.95, 0.99]
    assert found.trades.count == 1
    assert found.exposure == pytest.approx(3 / 364)


def test_a_run_of_one_sample_has_measures() -> None:
    found = metrics.measure(TrackRecord(daily_curve([5.0]), []))
    assert found.time_weighted_return == 0.0
    assert found.sharpe is None
    assert found.money_weighted_return is None
