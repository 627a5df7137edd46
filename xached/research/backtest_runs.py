"""What ``xache backtest`` shows: one run, a walk forward, or every combination of a sweep.

Whatever is shown is in the ledger of trials before. What only compares sizes is no trial.
"""

from __future__ import annotations

import getpass
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
from xache_sdk.strategy import Strategy

from xached.research.arenas import Arena, CandleArena, Maker, Progress
from xached.research.backtest.result import RunResult
from xached.research.backtest.sweep import sweep
from xached.research.history.data_command import history_store
from xached.research.judgement.candle_runner import code_digest, report_run, report_walk
from xached.research.judgement.capacity import SIZES, CapacityCurve, capacity_curve
from xached.research.judgement.judging import (
    judge_trial,
    judge_trials,
    trial_of_run,
    trial_of_walk,
)
from xached.research.judgement.report import Report, Settings
from xached.research.judgement.track_record import DAY_NS, TrackRecord
from xached.research.judgement.trials import Owner, TrialKey, TrialLedger, spelled
from xached.research.judgement.walk_forward import (
    RunWindow,
    Window,
    joined_record,
    plan_windows,
    walk_forward,
    with_tests,
)
from xached.research.resumable import run_resumable
from xached.research.run_models import told_models
from xached.research.schedulers import Scheduler, in_turn

LARGER: Final = SIZES[1:]

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


@attrs.frozen(kw_only=True)
class Shown:
    """What is shown. ``result``: of a single run."""

    report: Report
    result: RunResult | None = None


@attrs.frozen(kw_only=True)
class Backtest:
    """A strategy, where it runs, and what is wanted beside its result.

    ``capacity``: also at ten and a hundred times the size. ``progress`` is told the part that is
    done, up to 1.
    """

    strategy: type[Strategy[Any]]
    arena: Arena
    capacity: bool
    scheduler: Scheduler
    progress: Progress
    resume: Path | None = None
    """A single run over candles is kept here while it goes on, and goes on from here."""
    beside: Mapping[str, Any] = attrs.field(factory=dict)
    """What else makes it another trial than the same settings without."""

    @property
    def make(self) -> Maker:
        """What makes strategies of settings."""
        return Maker(self.strategy)

    def run_once(self, settings: Settings) -> Shown:
        """Run it with one combination of settings."""
        share = 1.0 / len(SIZES) if self.capacity else 1.0
        result = self._run(settings, lambda done: self.progress(share * done))
        record = result.track_record()
        window = Window(result.start_ns, result.end_ns)
        larger = [
            runner(settings, self.arena.window)
            for runner in self._larger(lambda number: self.progress(share * (number + 1)))
        ]
        key = self._key([settings], window)
        with open_ledger() as ledger:
            trial = trial_of_run(key, self.strategy.__name__, record, time.time_ns())
            judged = judge_trial(ledger, owner(), trial)
            capacity = self._curve(ledger, key, [record, *larger])
        report = report_run(
            record, judged, strategy=self._told(told_settings(settings)),
            markets=self.arena.markets, facts=self.arena.facts, capacity=capacity,
        )  # fmt: skip
        return Shown(report=report, result=result)

    def _run(self, settings: Settings, progress: Progress) -> RunResult:
        arena = self.arena
        if self.resume is None:
            return arena.run(self.make, settings, progress)
        assert isinstance(arena, CandleArena), "asked for with candles only"
        return run_resumable(
            lambda: self.make(settings),
            arena.markets,
            arena.terms,
            self.resume,
            self._key([settings], arena.window),
            progress,
        )

    def walk(self, combinations: Sequence[Settings], train_days: int, test_days: int) -> Shown:
        """Choose among combinations and test the choice on what follows, over and over."""
        window, markets = self.arena.window, self.arena.markets
        windows = plan_windows(window, train_ns=train_days * DAY_NS, test_ns=test_days * DAY_NS)
        jobs = len(windows) * (len(combinations) + (len(SIZES) if self.capacity else 1))
        scheduler = _Counted(self.scheduler, jobs, self.progress)
        walk = walk_forward(
            self.arena.runner(self.make), combinations, windows, scheduler=scheduler
        )
        chosen = [(fold.settings, fold.windows.test) for fold in walk.folds if fold.settings]
        larger = [
            joined_record(
                with_tests(walk.folds, list(scheduler(RunWindow(runner), chosen))), len(markets)
            )
            for runner in self._larger()
        ]
        key = self._key(combinations, window)
        with open_ledger() as ledger:
            trial = trial_of_walk(key, self.strategy.__name__, walk, time.time_ns())
            judged = judge_trial(ledger, owner(), trial)
            records = [joined_record(walk, len(markets)), *larger]
            capacity = self._curve(ledger, key, records)
        told = self._told(f"{len(combinations)} combinations", ", ")
        report = report_walk(
            walk, judged, strategy=told, markets=markets, facts=self.arena.facts, capacity=capacity
        )
        return Shown(report=report)

    def sweep(self, combinations: Sequence[Settings]) -> Shown:
        """Run every combination over everything: each is a trial, and the best is shown.

        The best, by its Sharpe ratio or else its return, was chosen by what it is shown on. So
        beside it stands how likely it is that it is the best by luck, and its ratio is judged by
        all of them.
        """
        records = self._records(combinations)
        now_ns, window = time.time_ns(), self.arena.window
        keys = [self._key([one], window) for one in combinations]
        trials = [
            trial_of_run(key, self.strategy.__name__, record, now_ns)
            for key, record in zip(keys, records, strict=True)
        ]
        with open_ledger() as ledger:
            swept = judge_trials(ledger, owner(), trials, combinations, records)
            number = swept.best
            if number is None:
                returns = [each.time_weighted_return for each in swept.performances]
                number = returns.index(max(returns))
            best = combinations[number]
            larger = [runner(best, window) for runner in self._larger()]
            capacity = self._curve(ledger, keys[number], [records[number], *larger])
        told = self._told(f"{len(combinations)} combinations, best {told_settings(best)}", ", ")
        report = report_run(
            records[number], swept.judged[number], strategy=told,
            markets=self.arena.markets, facts=self.arena.facts, sweep=swept, capacity=capacity,
        )  # fmt: skip
        return Shown(report=report)

    def _records(self, combinations: Sequence[Settings]) -> list[TrackRecord]:
        arena = self.arena
        if isinstance(arena, CandleArena) and len(arena.markets) == 1 and self.scheduler is in_turn:
            # Columns that several combinations have in common are computed once.
            swept = sweep(self.make, combinations, arena.markets[0], arena.terms, self.progress)
            return [each.result.track_record() for each in swept]
        scheduler = _Counted(self.scheduler, len(combinations), self.progress)
        jobs = [(one, arena.window) for one in combinations]
        return list(scheduler(RunWindow(arena.runner(self.make)), jobs))

    def _larger(self, done: Callable[[int], None] = lambda _: None) -> Iterable[Any]:
        """What runs it at each larger size, if that is wanted."""
        for number, size in enumerate(LARGER if self.capacity else ()):
            done(number)
            yield self.arena.runner(self.make, size)

    def _curve(
        self, ledger: TrialLedger, key: TrialKey, records: Sequence[TrackRecord]
    ) -> CapacityCurve | None:
        if not self.capacity:
            return None
        return capacity_curve(SIZES, records, ledger.evidence(owner(), key))

    def _told(self, what: str, between: str = " ") -> str:
        return f"{self.strategy.__name__}{between if what else ''}{what}"

    def _key(self, combinations: Sequence[Settings], window: Window) -> TrialKey:
        settings = [{**told_models(one), **self.beside} for one in combinations]
        return TrialKey(
            code_digest=code_digest(self.strategy),
            settings=spelled(settings[0] if len(settings) == 1 else settings),
            instruments=tuple(market.instrument.symbol for market in self.arena.markets),
            start_at_ns=window.start_at_ns,
            end_at_ns=window.end_at_ns,
        )


def told_settings(settings: Mapping[str, object]) -> str:
    """Settings in a line."""
    return " ".join(f"{name}={value}" for name, value in told_models(settings).items())


def open_ledger() -> TrialLedger:
    """The ledger of this user's trials."""
    folder = history_store().folder.parent
    folder.mkdir(parents=True, exist_ok=True)
    return TrialLedger(folder / "trials.db")


def owner() -> Owner:
    """Whose trials they are."""
    return Owner(getpass.getuser())


class _Counted:
    """A scheduler that tells how many of all items are done, as far as it hands them out singly."""

    def __init__(self, scheduler: Scheduler, items: int, progress: Progress) -> None:
        self._scheduler = scheduler
        self._items = items
        self._progress = progress
        self._done = 0

    def __call__(
        self, function: Callable[[ItemT], ResultT], items: Sequence[ItemT], /
    ) -> Iterable[ResultT]:
        for result in self._scheduler(function, items):
            self._done += 1
            self._progress(self._done / self._items)
            yield result
