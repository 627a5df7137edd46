"""The *run* job of a worker: a strategy over histories, in a sealed process.

The strategy is in this process, so nothing it hands back is trusted. What leaves is the fills of
each leg: one leg for a single run; for a walk forward one for each test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import attrs
from xache_sdk.kinds import load_plugin
from xache_sdk.look_ahead import check_no_look_ahead
from xache_sdk.market import Interval
from xache_sdk.settings import SettingsError, make_settings
from xache_sdk.signal_source import SignalSource
from xache_sdk.strategy import Strategy

from xached.domain.house_models import PREFIX, SETTING
from xached.research.backtest.feed import told_candles
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.result import RunResult
from xached.research.backtest.signal_tape import (
    NO_SIGNALS,
    SignalSpec,
    SignalTape,
    tape_of,
    used_signals,
    with_signals,
)
from xached.research.backtest.terms import MarketData, RunSettings
from xached.research.combinations import covering
from xached.research.jobs.job import Job, job_window, load_markets, pack_fills, read_job
from xached.research.judgement.candle_runner import CandleRunner, markets_between
from xached.research.judgement.walk_forward import (
    FoldWindows,
    Window,
    plan_windows,
    walk_forward,
)
from xached.research.models.resampling import with_interval
from xached.runtime.work_frames import Document

CHECKED_CANDLES: Final = 20_000
"""So many of the newest candles are looked at for a look ahead."""

NOTES_MAX: Final = 200
NOTE_LENGTH_MAX: Final = 500

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")
Progress = Callable[[float], None]


def run_job(request: Document, progress: Progress) -> Document:
    """Do the job. Raises: ValueError for what makes no sense; what the strategy raises."""
    job = read_job(request.header)
    given = {f"{PREFIX}{name}": request.blob(name).decode() for name in job.models}
    strategy: type[Strategy[Any]] = load_plugin(job.entry_point, Strategy)
    make = _Maker(strategy, given)
    combinations = _sensible(make, job.combinations)
    markets: Sequence[MarketData] = load_markets(job)
    for interval in job.models.values():
        markets = with_interval(markets, Interval(interval))
    terms = attrs.evolve(job.terms, signals=_signals(job, make, combinations, markets))
    if job.check:
        told = with_signals(told_candles(markets)[-CHECKED_CANDLES:], terms.signals)
        for each in covering(combinations):
            check_no_look_ahead(make.strategy, make.settings(each), told)
    window = job_window(job, markets)
    if len(combinations) == 1:
        legs: list[_Leg] = [_Leg(window, combinations[0])]
        folds: list[dict[str, Any]] = []
        share = 0.0
    else:
        windows = plan_windows(window, train_ns=job.train_ns, test_ns=job.test_ns)
        runner = CandleRunner(make, tuple(markets), terms, daily=True)
        counted = _Counted(progress, len(windows) * (len(combinations) + 1))
        walk = walk_forward(runner, combinations, windows, scheduler=counted)
        folds = [_fold_header(fold.windows, fold.scores, fold.chosen) for fold in walk.folds]
        legs = [
            _Leg(fold.windows.test, fold.settings)
            for fold in walk.folds
            if fold.settings is not None
        ]
        share = 0.8
    blobs, ran = _run_legs(terms, job.sizes, make, markets, legs, lambda part: progress(
        share + (1.0 - share) * part
    ))  # fmt: skip
    header = {"combinations": [dict(one) for one in combinations], "folds": folds, "legs": ran}
    return Document(header=header, blobs=blobs)


def _signals(
    job: Job,
    make: _Maker,
    combinations: Sequence[Mapping[str, Any]],
    markets: Sequence[MarketData],
) -> SignalTape:
    """What the signals say that are used; they are imported here, where the strategy is."""
    used = used_signals(make, combinations)
    if not used:
        return NO_SIGNALS
    specs = {}
    for name in used & job.signals.keys():
        entry_point, settings = job.signals[name]
        source: type[SignalSource[Any]] = load_plugin(entry_point, SignalSource)
        specs[name] = SignalSpec(source, settings)
    return tape_of(specs, used, told_candles(markets), check=job.check)


@attrs.frozen
class _Maker:
    """Makes strategies of settings as JSON has them. ``models``: what stands for their names."""

    strategy: type[Strategy[Any]]
    models: Mapping[str, str]

    def __call__(self, settings: Mapping[str, Any]) -> Strategy[Any]:
        return self.strategy(make_settings(self.strategy.settings_type, self.settings(settings)))

    def settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The settings with models in the place of their names."""
        found = settings.get(SETTING)
        if not isinstance(found, str) or found not in self.models:
            return dict(settings)
        return {**settings, SETTING: self.models[found]}


@attrs.frozen
class _Leg:
    """A stretch of time that counts, with what it is run with."""

    window: Window
    settings: Mapping[str, Any]


class _Counted:
    """Applies a function to items in turn and tells how many of all are done."""

    def __init__(self, progress: Progress, items: int) -> None:
        self._progress = progress
        self._items = items
        self._done = 0

    def __call__(
        self, function: Callable[[ItemT], ResultT], items: Sequence[ItemT], /
    ) -> Iterable[ResultT]:
        for item in items:
            yield function(item)
            self._done += 1
            self._progress(0.8 * self._done / self._items)


def _sensible(make: _Maker, given: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The settings that the strategy takes: rules between them leave some out."""
    good, why = [], ""
    for one in given:
        try:
            make_settings(make.strategy.settings_type, make.settings(one))
        except SettingsError as error:
            why = str(error)
        else:
            good.append(one)
    if not good:
        raise ValueError(f"the settings of {make.strategy.__name__}: {why}")
    return good


def _run_legs(
    whole: RunSettings,
    sizes: Sequence[int],
    make: _Maker,
    markets: Sequence[MarketData],
    legs: Sequence[_Leg],
    progress: Progress,
) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
    """Run every leg at every size; the fills by name, and what is told beside them."""
    blobs: dict[str, bytes] = {}
    told = []
    count = len(legs) * len(sizes)
    for number, (size, leg) in enumerate((size, leg) for size in sizes for leg in legs):
        terms = attrs.evolve(whole, start_ns=leg.window.start_at_ns, size=size)

        def run_progress(part: float, before: int = number) -> None:
            progress((before + part) / count)

        result = run_backtest(
            lambda leg=leg: [make(leg.settings)],  # type: ignore[misc]  # mypy infers no lambda with a default
            markets_between(markets, None, leg.window.end_at_ns),
            terms,
            progress=run_progress,
        )
        blobs[f"fills-{number}"] = pack_fills(result.fills)
        told.append(_leg_header(leg, size, result))
    return blobs, told


def _leg_header(leg: _Leg, size: int, result: RunResult) -> dict[str, Any]:
    return {
        "start_ns": leg.window.start_at_ns,
        "end_ns": leg.window.end_at_ns,
        "settings": dict(leg.settings),
        "size": size,
        "orders": result.orders,
        "unfilled": result.unfilled,
        "refusals": dict(result.refusals),
        "gear": result.gear.value,
        "fallback": result.fallback,
        "candles": result.candles,
        "notes": [[note.at_ns, note.text[:NOTE_LENGTH_MAX]] for note in result.notes[:NOTES_MAX]],
    }


def _fold_header(
    windows: FoldWindows, scores: Sequence[float | None], chosen: int | None
) -> dict[str, Any]:
    return {
        "train": [windows.train.start_at_ns, windows.train.end_at_ns],
        "test": [windows.test.start_at_ns, windows.test.end_at_ns],
        "scores": list(scores),
        "chosen": chosen,
    }
