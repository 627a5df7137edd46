"""Walk-forward: what is judged was not chosen by, and sweeps are judged by their luck."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from tests.research.records import buy, curve_of_returns, sell
from xached.research.judgement.deflated import Evidence, Judgement, NotEnoughData, Verdict
from xached.research.judgement.metrics import time_weighted_return
from xached.research.judgement.overfitting import Overfitting, TooLittleToTell
from xached.research.judgement.track_record import DAY_NS, EquityCurve, TrackRecord, daily_returns
from xached.research.judgement.walk_forward import (
    FoldWindows,
    WalkForward,
    Window,
    judge_sweep,
    plan_windows,
    walk_forward,
)

DAYS = 400
MARKET = np.random.default_rng(1).normal(0.0, 0.02, DAYS)
HISTORY = Window(0, DAYS * DAY_NS)


def run_share(share: float, window: Window) -> TrackRecord:
    """Hold a share of the market through a window: one sample a day, one trade in all."""
    days = range(window.start_at_ns // DAY_NS, window.end_at_ns // DAY_NS)
    equity = 1000 * np.cumprod([1.0, *(1 + share * MARKET[day] for day in days)])
    at_ns = [window.start_at_ns, *(day * DAY_NS + DAY_NS - 1 for day in days)]
    fills = [buy(at_ns[0], 1, 10, fee=1), sell(at_ns[-1], 1, 11, fee=1)] if share else []
    return TrackRecord(EquityCurve.of(at_ns, equity), fills)


class Watched:
    """Notes what is asked of a runner, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[float, Window]] = []

    def __call__(self, settings: float, window: Window) -> TrackRecord:
        self.asked.append((settings, window))
        return run_share(settings, window)


def test_windows_by_hand() -> None:
    history = Window(0, 107)
    rolling = plan_windows(history, train_ns=50, test_ns=20)
    assert rolling == (
        FoldWindows(Window(17, 67), Window(67, 87)),
        FoldWindows(Window(37, 87), Window(87, 107)),
    )
    anchored = plan_windows(history, train_ns=50, test_ns=20, anchored=True)
    assert [(fold.train, fold.test.start_at_ns) for fold in anchored] == [
        (Window(0, 67), 67),
        (Window(0, 87), 87),
    ]


def test_a_history_too_short_for_a_fold_is_refused() -> None:
    with pytest.raises(ValueError, match="too short"):
        plan_windows(Window(0, 69), train_ns=50, test_ns=20)
    with pytest.raises(ValueError, match="length"):
        plan_windows(Window(0, 69), train_ns=0, test_ns=20)


PLAN = plan_windows(HISTORY, train_ns=100 * DAY_NS, test_ns=50 * DAY_NS)
SHARES = (1.0, -1.0)


def joined(shares: Sequence[float] = SHARES) -> WalkForward[float]:
    return walk_forward(run_share, shares, PLAN)


def test_each_fold_chooses_what_was_best_in_its_training() -> None:
    for fold in joined().folds:
        train = fold.windows.train
        days = slice(train.start_at_ns // DAY_NS, train.end_at_ns // DAY_NS)
        assert fold.settings == (1.0 if MARKET[days].sum() > 0 else -1.0)
        assert fold.test_score is not None


def test_nothing_after_the_training_is_asked_for_before_the_choice() -> None:
    watched = Watched()
    walk_forward(watched, SHARES, PLAN)
    trained, tested = watched.asked[: 2 * len(PLAN)], watched.asked[2 * len(PLAN) :]
    assert [window for _, window in trained] == [fold.train for fold in PLAN for _ in SHARES]
    assert [window for _, window in tested] == [fold.test for fold in PLAN]


def test_the_future_does_not_change_what_was_chosen() -> None:
    """Every fold's choice and result are those of a walk that ended with it."""
    whole = joined()
    for count in range(1, len(PLAN)):
        part = walk_forward(run_share, SHARES, PLAN[:count])
        assert [f.chosen for f in part.folds] == [f.chosen for f in whole.folds[:count]]
        assert part.curve.equity.tolist() == whole.curve.equity[: len(part.curve.equity)].tolist()


def test_tests_are_joined_to_one_record() -> None:
    found = joined()
    by_hand = 1.0
    for fold in found.folds:
        assert fold.tested is not None
        by_hand *= 1 + time_weighted_return(fold.tested.curve)
    assert found.performance.time_weighted_return == pytest.approx(by_hand - 1)
    daily = daily_returns(found.curve)
    assert daily.days.tolist() == list(range(100, DAYS))
    assert found.performance.trades.count == len(PLAN)
    assert found.performance.costs.fee_units == 2 * len(PLAN)
    assert found.performance.exposure == pytest.approx(1.0)


def test_what_an_earlier_test_still_held_is_not_sold_by_a_later_one() -> None:
    def never_sells(settings: float, window: Window) -> TrackRecord:
        record = run_share(settings, window)
        return TrackRecord(record.curve, record.fills[:1])

    found = walk_forward(never_sells, (1.0,), PLAN)
    assert found.performance.trades.count == 0
    assert found.performance.exposure == pytest.approx(1.0)


def test_where_nothing_can_be_told_to_be_good_nothing_is_done() -> None:
    found = joined(shares=(0.0,))
    assert [fold.chosen for fold in found.folds] == [None] * len(PLAN)
    assert found.performance.time_weighted_return == 0.0
    assert found.performance.days == 300
    assert isinstance(found.judged(), NotEnoughData)


def test_of_equally_good_combinations_the_first_is_chosen() -> None:
    assert {fold.chosen for fold in joined(shares=(0.0, 1.0, 1.0)).folds} == {1}


def test_jobs_can_be_done_in_any_order_elsewhere() -> None:
    def backwards(function: Callable[[Any], Any], items: Sequence[Any], /) -> Iterable[Any]:
        done = [function(item) for item in reversed(items)]
        return done[::-1]

    found = walk_forward(run_share, SHARES, PLAN, scheduler=backwards)
    assert found.curve.equity.tolist() == joined().curve.equity.tolist()


def test_overlapping_tests_or_no_choice_are_refused() -> None:
    twice = (PLAN[0], PLAN[0])
    with pytest.raises(ValueError, match="overlap"):
        walk_forward(run_share, SHARES, twice)
    with pytest.raises(ValueError, match="choose"):
        walk_forward(run_share, (), PLAN)


def test_a_walk_is_judged_by_what_else_was_tried() -> None:
    found = joined()
    assert isinstance(found.judged(), NotEnoughData)

    def trades_often(settings: float, window: Window) -> TrackRecord:
        record = run_share(settings, window)
        often = [fill for at in range(10) for fill in (buy(at, 1, 10), sell(at, 1, 11))]
        return TrackRecord(record.curve, often)

    judged = walk_forward(trades_often, SHARES, PLAN).judged(Evidence(9, 3.0, 0.01))
    assert isinstance(judged, Judgement)
    assert judged.closed_trades == 60
    assert judged.evidence.trials == 9


def often(returns: np.ndarray[tuple[int], np.dtype[np.float64]]) -> TrackRecord:
    fills = [fill for at in range(40) for fill in (buy(at, 1, 10), sell(at, 1, 11))]
    return TrackRecord(curve_of_returns(returns), fills)


def test_the_best_of_a_sweep_of_noise_is_called_overfit() -> None:
    generator = np.random.default_rng(2)
    records = [often(generator.normal(0.0, 0.01, 320)) for _ in range(40)]
    swept = judge_sweep(tuple(range(40)), records)
    assert isinstance(swept.overfit, Overfitting)
    assert swept.overfit.probability > 0.3
    sharpes = [one.sharpe or -math.inf for one in swept.performances]
    assert swept.best == int(np.argmax(sharpes))
    judged = swept.judged[swept.best]
    assert isinstance(judged, Judgement)
    assert judged.evidence.effective_trials == 40.0
    assert judged.verdict is Verdict.UNPROVEN


def test_a_small_sweep_has_no_probability_of_overfitting() -> None:
    records = [often(MARKET * share) for share in (0.5, 1.0)]
    swept = judge_sweep(("half", "all"), records)
    assert swept.overfit == TooLittleToTell(2, 400)
    judged = swept.judged[0]
    assert isinstance(judged, Judgement)
    assert judged.evidence.trials == 2
    assert judged.evidence.effective_trials == pytest.approx(1.0)


def test_a_sweep_in_which_nothing_traded_has_no_best() -> None:
    swept = judge_sweep((1, 2), [often(np.zeros(100))] * 2)
    assert swept.best is None
    assert all(isinstance(judged, NotEnoughData) for judged in swept.judged)


def test_runs_over_other_days_are_no_sweep() -> None:
    with pytest.raises(ValueError, match="same days"):
        judge_sweep((1, 2), [often(MARKET), often(MARKET[1:])])
