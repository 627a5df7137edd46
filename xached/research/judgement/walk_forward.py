"""Walk-forward: choose settings on the past, run them on what follows, and judge only that.

Each fold chooses among all combinations inside its training window and is tested on the window
after it; the tests of all folds follow each other without a gap and are joined to one record that
no choice has seen. After Pardo, *The Evaluation and Optimization of Trading Strategies* (2008). A
sweep, which does see what it chooses by, is judged by its probability of overfitting.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

import attrs
import numpy as np

from xached.research.judgement.cross_validation import CrossValidated, cross_validate
from xached.research.judgement.deflated import ALONE, Evidence, Judged, judge
from xached.research.judgement.effective_trials import evidence_of
from xached.research.judgement.metrics import Performance, daily_sharpe, measure, measure_joined
from xached.research.judgement.overfitting import Overfit, overfitting
from xached.research.judgement.track_record import (
    DAY_NS,
    EquityCurve,
    FloatArray,
    IntArray,
    TrackRecord,
    daily_returns,
)
from xached.research.schedulers import Scheduler, in_turn

SettingsT = TypeVar("SettingsT")


@attrs.frozen
class Window:
    """Time from its start up to, not including, its end."""

    start_at_ns: int
    end_at_ns: int

    def __attrs_post_init__(self) -> None:
        if self.start_at_ns >= self.end_at_ns:
            raise ValueError("a window ends after it starts")


Runner: TypeAlias = Callable[[SettingsT, Window], TrackRecord]
"""Runs a strategy with settings over a window and sees nothing at or after its end. It may read
what was before the start to warm up."""


@attrs.frozen
class RunWindow(Generic[SettingsT]):
    """A runner as schedulers apply it: it can be pickled if the runner can."""

    runner: Runner[SettingsT]

    def __call__(self, job: tuple[SettingsT, Window]) -> TrackRecord:
        """Run settings over a window."""
        settings, window = job
        return self.runner(settings, window)


Score: TypeAlias = Callable[[TrackRecord], float | None]
"""How good a run is; None when it cannot be told."""


def sharpe_score(record: TrackRecord) -> float | None:
    """The daily Sharpe ratio."""
    return daily_sharpe(record.daily.returns)


@attrs.frozen
class FoldWindows:
    """Where a fold is trained, and where it is tested right after."""

    train: Window
    test: Window


def plan_windows(
    history: Window, *, train_ns: int, test_ns: int, anchored: bool = False
) -> tuple[FoldWindows, ...]:
    """Cut a history into folds whose tests follow each other up to its end.

    What does not fill a test is left out at the beginning, where it matters least. ``anchored``:
    training always begins with the history and grows; otherwise it keeps its length and rolls.

    Raises: ValueError when the history is too short for one fold.
    """
    if train_ns <= 0 or test_ns <= 0:
        raise ValueError("windows have a length")
    count = (history.end_at_ns - history.start_at_ns - train_ns) // test_ns
    if count < 1:
        raise ValueError("the history is too short for one fold")
    first_ns = history.end_at_ns - count * test_ns
    return tuple(
        FoldWindows(
            Window(history.start_at_ns if anchored else at_ns - train_ns, at_ns),
            Window(at_ns, at_ns + test_ns),
        )
        for at_ns in range(first_ns, history.end_at_ns, test_ns)
    )


@attrs.frozen(eq=False)
class Fold(Generic[SettingsT]):
    """What was chosen in one training window, and what became of it.

    ``chosen`` is the number of the combination; None when none could be told to be good: then
    nothing is done in the test, and ``tested`` is None.
    """

    windows: FoldWindows
    scores: tuple[float | None, ...]
    chosen: int | None
    settings: SettingsT | None
    tested: TrackRecord | None

    @property
    def test_score(self) -> float | None:
        """The daily Sharpe ratio out of sample."""
        return None if self.tested is None else sharpe_score(self.tested)


@attrs.frozen(eq=False, kw_only=True)
class WalkForward(Generic[SettingsT]):
    """All folds, and the joined record of their tests."""

    folds: tuple[Fold[SettingsT], ...]
    curve: EquityCurve
    """The worth of what one would have had: each test goes on with what the last one left."""
    performance: Performance
    """Of the joined record. Fills, notional and fees are those of the tests themselves, each of
    which began anew."""

    def judged(self, evidence: Evidence = ALONE) -> Judged:
        """Judge the joined record by what else was tried."""
        closed = self.performance.trades.count
        return judge(daily_returns(self.curve).returns, closed, evidence)


def walk_forward(
    runner: Runner[SettingsT],
    combinations: Sequence[SettingsT],
    windows: Sequence[FoldWindows],
    *,
    score: Score = sharpe_score,
    scheduler: Scheduler = in_turn,
) -> WalkForward[SettingsT]:
    """Choose in each training window and run the choice on the test after it.

    Of equally good combinations the first is chosen.

    Raises: ValueError without combinations or folds, or when tests overlap.
    """
    if not combinations or not windows:
        raise ValueError("there is something to choose from and somewhere to test it")
    for one, other in itertools.pairwise(windows):
        if other.test.start_at_ns < one.test.end_at_ns:
            raise ValueError("tests do not overlap and are in order of time")
    run = RunWindow(runner)
    jobs = [(one, fold.train) for fold in windows for one in combinations]
    trained = iter(scheduler(run, jobs))
    scores = [tuple(score(next(trained)) for _ in combinations) for _ in windows]
    choices = [_best(of_fold) for of_fold in scores]
    chosen_jobs = [
        (combinations[chosen], fold.test)
        for fold, chosen in zip(windows, choices, strict=True)
        if chosen is not None
    ]
    tests = iter(scheduler(run, chosen_jobs))
    folds = tuple(
        Fold(fold, of_fold, None, None, None)
        if chosen is None
        else Fold(fold, of_fold, chosen, combinations[chosen], next(tests))
        for fold, of_fold, chosen in zip(windows, scores, choices, strict=True)
    )
    curve = joined_curve(folds)
    records = [fold.tested for fold in folds if fold.tested is not None]
    return WalkForward(folds=folds, curve=curve, performance=measure_joined(curve, records))


def _best(scores: Sequence[float | None]) -> int | None:
    known = [(score, -number) for number, score in enumerate(scores) if score is not None]
    return -max(known)[1] if known else None


def joined_curve(folds: Sequence[Fold[SettingsT]]) -> EquityCurve:
    """Chain the growth of all tests; where nothing was chosen nothing changes, day after day."""
    start = next((float(f.tested.curve.equity[0]) for f in folds if f.tested is not None), 1.0)
    at_ns: list[IntArray] = []
    equity: list[FloatArray] = []
    worth, last_ns = start, -1
    for fold in folds:
        if fold.tested is None:
            times = _days_of(fold.windows.test)
            growth = np.ones(len(times))
        else:
            times, growth = fold.tested.curve.at_ns, fold.tested.curve.growth()
        later = times > last_ns
        at_ns.append(times[later])
        equity.append(worth * growth[later])
        worth, last_ns = worth * float(growth[-1]), int(times[-1])
    return EquityCurve.of(np.concatenate(at_ns), np.concatenate(equity))


def with_tests(
    folds: Sequence[Fold[SettingsT]], tested: Sequence[TrackRecord]
) -> WalkForward[SettingsT]:
    """The same choices with other tests of them: one for each fold in which something was chosen.

    Raises: ValueError when there are fewer or more.
    """
    chosen = [fold for fold in folds if fold.chosen is not None]
    of_fold = iter([attrs.evolve(f, tested=one) for f, one in zip(chosen, tested, strict=True)])
    whole = tuple(fold if fold.chosen is None else next(of_fold) for fold in folds)
    curve = joined_curve(whole)
    return WalkForward(folds=whole, curve=curve, performance=measure_joined(curve, tested))


def joined_record(walk: WalkForward[SettingsT], markets: int) -> TrackRecord:
    """The tests of a walk forward over so many markets as one run.

    They each began anew: what one still held the next one does not sell. So the fills of each are
    in markets of their own.
    """
    tested = [fold.tested for fold in walk.folds if fold.tested is not None]
    fills = [
        attrs.evolve(fill, instrument=fill.instrument + number * markets)
        for number, record in enumerate(tested)
        for fill in record.fills
    ]
    return TrackRecord(walk.curve, fills)


def _days_of(window: Window) -> IntArray:
    """The start of a window, each midnight in it, UTC, and its end."""
    midnight_ns = (window.start_at_ns // DAY_NS + 1) * DAY_NS
    midnights = range(midnight_ns, window.end_at_ns, DAY_NS)
    return np.array([window.start_at_ns, *midnights, window.end_at_ns])


@attrs.frozen(eq=False)
class Sweep(Generic[SettingsT]):
    """All combinations over one window, with how likely it is that the best is so by luck."""

    combinations: tuple[SettingsT, ...]
    performances: tuple[Performance, ...]
    best: int | None
    """The number of the one with the highest Sharpe ratio; None when none has one."""
    overfit: Overfit
    judged: tuple[Judged, ...]
    """Each one, judged by all of them."""
    crossed: CrossValidated | None = None
    """What choosing was worth on days that had no part in the choice, if it can be told."""


def judge_sweep(
    combinations: Sequence[SettingsT],
    records: Sequence[TrackRecord],
    evidence: Evidence | None = None,
) -> Sweep[SettingsT]:
    """Judge a sweep. ``evidence`` comes from the ledger, if there is one; otherwise the sweep is
    taken as all that was ever tried.

    Raises: ValueError when the records do not cover the same days.
    """
    days = [record.daily for record in records]
    if any(not np.array_equal(one.days, days[0].days) for one in days):
        raise ValueError("the runs of a sweep cover the same days")
    performances = tuple(map(measure, records))
    told = evidence_of(days) if evidence is None else evidence
    returns = np.column_stack([one.returns for one in days])
    return Sweep(
        combinations=tuple(combinations),
        performances=performances,
        best=_best([daily_sharpe(one.returns) for one in days]),
        overfit=overfitting(returns),
        judged=tuple(
            judge(one.returns, performance.trades.count, told)
            for one, performance in zip(days, performances, strict=True)
        ),
        crossed=cross_validate(returns, days[0].days, _held_days(performances)),
    )


def _held_days(performances: Sequence[Performance]) -> int:
    """How long a position is held on average, of those that hold longest; at least a day."""
    lengths = (each.trades.mean_duration_ns or 0 for each in performances)
    return max(1, -(-max(lengths) // DAY_NS))
