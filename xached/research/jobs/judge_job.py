"""The *judge* job of a worker: what a strategy's process filled, checked, measured and reported.

No strategy is imported here. The worth over time follows from the fills and the history; the
judgement also from everything the owner has tried before on overlapping data.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import numpy as np

from xached.research.backtest.fill_check import check_fills
from xached.research.backtest.result import Gear, RunResult
from xached.research.backtest.terms import MarketData, to_units
from xached.research.history.candle_set import DataError
from xached.research.jobs.job import Job, job_window, load_markets, read_job, unpack_fills
from xached.research.judgement.candle_runner import (
    candle_facts,
    markets_between,
    report_run,
    report_walk,
)
from xached.research.judgement.capacity import CapacityCurve, capacity_curve
from xached.research.judgement.deflated import Evidence, Judged, Judgement, judge
from xached.research.judgement.effective_trials import evidence_of
from xached.research.judgement.report import Report, Settings, as_json, judged_json
from xached.research.judgement.track_record import DailyReturns, TrackRecord
from xached.research.judgement.trials import pack_daily, unpack_daily
from xached.research.judgement.walk_forward import (
    Fold,
    FoldWindows,
    Window,
    joined_record,
    plan_windows,
    with_tests,
)
from xached.runtime.work_frames import Document, read_document

LISTED_FILLS_MAX: Final = 5_000
"""Fills and closed trades in the JSON: what is left out is counted."""

PPM: Final = 1_000_000

Progress = Callable[[float], None]


@attrs.frozen
class _Leg:
    """A stretch of time at a size, and what was handed back for it."""

    window: Window
    size: int
    header: Mapping[str, Any]
    fills: bytes


def judge_job(request: Document, progress: Progress) -> Document:
    """Do the job. Raises: ValueError when what was handed back cannot be."""
    job = read_job(request.header["job"])
    markets = load_markets(job)
    outcome = read_document(request.blob("outcome"))
    folds = _planned_folds(job, markets, outcome.header)
    legs = _legs(job, markets, folds, outcome)
    records, results = [], []
    for number, leg in enumerate(legs):
        result = _rebuild(job, markets, leg)
        results.append(result)
        records.append(result.track_record(daily=leg.size > 1))
        progress(0.6 * (number + 1) / len(legs))
    facts = candle_facts(markets, job.terms)
    title = str(request.header["title"])
    lineage = [unpack_daily(blob) for name, blob in request.blobs.items() if name != "outcome"]
    by_size = {size: [r for r, leg in zip(records, legs, strict=True) if leg.size == size]
               for size in job.sizes}  # fmt: skip
    if not folds:
        record = by_size[1][0]
        judged = _judged(lineage, record)
        capacity = _capacity(job, [by_size[size][0] for size in job.sizes], lineage, record)
        report = report_run(
            record, judged, strategy=title, markets=markets, facts=facts, capacity=capacity
        )
    else:
        walk = with_tests(folds, by_size[1])
        record = joined_record(walk, len(markets))
        judged = _judged(lineage, record)
        wholes = [
            joined_record(with_tests(folds, by_size[size]), len(markets)) for size in job.sizes
        ]
        capacity = _capacity(job, wholes, lineage, record)
        report = report_walk(
            walk, judged, strategy=title, markets=markets, facts=facts, capacity=capacity
        )
    progress(0.7)
    blobs = {
        "json": json.dumps(_bounded(as_json(report), outcome.header), allow_nan=False).encode(),
        "trial": pack_daily(record.daily),
    }
    if (page := _page(report)) is not None:
        blobs["html"] = page
    return Document(header=_summary(report, judged, folds, results, record, lineage), blobs=blobs)


def _planned_folds(
    job: Job, markets: Sequence[MarketData], header: Mapping[str, Any]
) -> list[Fold[Settings]]:
    """The folds as they must be, with what was chosen in each."""
    told, combinations = header["folds"], header["combinations"]
    if len(job.combinations) == 1 or len(combinations) == 1:
        if told:
            raise DataError("one combination does not walk forward")
        return []
    if any(one not in job.combinations for one in combinations):
        raise DataError("a combination was tried that nobody asked for")
    windows = plan_windows(job_window(job, markets), train_ns=job.train_ns, test_ns=job.test_ns)
    if len(windows) != len(told):
        raise DataError("a walk forward has other folds")
    return [_fold(each, one, combinations) for each, one in zip(windows, told, strict=True)]


def _fold(
    windows: FoldWindows, told: Mapping[str, Any], combinations: Sequence[Settings]
) -> Fold[Settings]:
    chosen, scores = told["chosen"], told["scores"]
    if len(scores) != len(combinations):
        raise DataError("every combination has a score")
    if chosen is None:
        return Fold(windows, tuple(scores), None, None, None)
    return Fold(windows, tuple(scores), int(chosen), combinations[chosen], None)


def _legs(
    job: Job, markets: Sequence[MarketData], folds: Sequence[Fold[Settings]], outcome: Document
) -> list[_Leg]:
    windows = [fold.windows.test for fold in folds if fold.chosen is not None]
    if not folds:
        windows = [job_window(job, markets)]
    planned = [(size, window) for size in job.sizes for window in windows]
    headers = outcome.header["legs"]
    if len(planned) != len(headers):
        raise DataError("there are more or fewer legs than were asked for")
    return [
        _Leg(window, size, header, outcome.blob(f"fills-{number}"))
        for number, ((size, window), header) in enumerate(zip(planned, headers, strict=True))
    ]


def _rebuild(job: Job, markets: Sequence[MarketData], leg: _Leg) -> RunResult:
    """The result that these fills are, once they are checked."""
    few = markets_between(markets, None, leg.window.end_at_ns)
    instruments = tuple(each.instrument for each in few)
    cash_units = to_units(job.cash, instruments[0].quote_scale)
    fills = unpack_fills(leg.fills)
    start_ns, end_ns = leg.window.start_at_ns, leg.window.end_at_ns
    check_fills(fills, few, cash_units=cash_units, start_ns=start_ns, end_ns=end_ns)
    finest = [each.finest for each in few]
    result = RunResult(
        settings=job.terms,
        instruments=instruments,
        fills=fills,
        start_ns=start_ns,
        end_ns=max(int(each.ends_ns[-1]) for each in finest),
        cash_units=cash_units,
        end_units=0,
        orders=int(leg.header["orders"]),
        refusals={str(name): int(count) for name, count in leg.header["refusals"].items()},
        unfilled=int(leg.header["unfilled"]),
        notes=[],
        saved={},
        gear=Gear(leg.header["gear"]),
        fallback=str(leg.header["fallback"]),
        candles=int(leg.header["candles"]),
        close_at_ns=tuple(each.ends_ns for each in finest),
        close_ticks=tuple(each.close_ticks for each in finest),
    )
    worth = result.equity_at(np.array([result.end_ns], dtype=np.int64))
    return attrs.evolve(result, end_units=round(float(worth[0])))


def _judged(lineage: Sequence[DailyReturns], record: TrackRecord) -> Judged:
    return judge(record.daily.returns, len(record.trades), _evidence(lineage, record))


def _evidence(lineage: Sequence[DailyReturns], record: TrackRecord) -> Evidence:
    return evidence_of([*lineage, record.daily])


def _capacity(
    job: Job,
    records: Sequence[TrackRecord],
    lineage: Sequence[DailyReturns],
    record: TrackRecord,
) -> CapacityCurve | None:
    if len(job.sizes) == 1:
        return None
    return capacity_curve(job.sizes, records, _evidence(lineage, record))


def _bounded(report: dict[str, Any], header: Mapping[str, Any]) -> dict[str, Any]:
    """The report with as many single fills as anyone would read, and what the runs said."""
    for name in ("fills", "closed_trades"):
        report[f"{name}_count"] = len(report[name])
        report[name] = report[name][:LISTED_FILLS_MAX]
    report["runs"] = [
        {name: leg[name] for name in ("size", "settings", "gear", "fallback", "orders", "notes")}
        for leg in header["legs"]
    ]
    return report


def _page(report: Report) -> bytes | None:
    """The report as a page; None where no plots can be drawn."""
    if importlib.util.find_spec("matplotlib") is None:
        return None
    # matplotlib insists on a place to write to. It is never written to from here, nor read.
    os.environ["MPLCONFIGDIR"] = "/tmp"  # noqa: S108 - see above
    from xached.research.judgement.report_page import render_page

    return render_page(report).encode()


def _summary(
    report: Report,
    judged: Judged,
    folds: Sequence[Fold[Settings]],
    results: Sequence[RunResult],
    record: TrackRecord,
    lineage: Sequence[DailyReturns],
) -> dict[str, Any]:
    """What a list of backtests shows, and what a gate asks: whole numbers and text."""
    performance = report.performance
    last = folds[-1].settings if folds else None
    enough = isinstance(judged, Judgement)
    return {
        "verdict": judged_json(judged)["verdict"],
        "deflated_ppm": round(judged.deflated * PPM) if isinstance(judged, Judgement) else None,
        "lacks": "" if enough else str(judged),
        "trials": len(lineage) + 1,
        "return_ppm": round(performance.time_weighted_return * PPM),
        "holding_ppm": _holding_ppm(report),
        "drawdown_ppm": round(performance.drawdown.depth * PPM),
        "fills": performance.costs.fills,
        "closed_trades": len(record.trades),
        "days": performance.days,
        "fees": _amount(performance.costs.fee_units, report.units_per_quote),
        "end_equity": _amount(performance.end_equity, report.units_per_quote),
        "quote": report.quote,
        "capacity_ppm": (
            None if report.capacity is None or report.capacity.capacity is None
            else round(report.capacity.capacity * PPM)
        ),
        "refusals": sum(sum(each.refusals.values()) for each in results),
        "chosen": None if last is None else dict(last),
    }  # fmt: skip


def _holding_ppm(report: Report) -> int | None:
    if report.holding is None:
        return None
    equity = report.holding.equity
    return round(float(equity[-1] / equity[0] - 1) * PPM)


def _amount(units: float, units_per_quote: int) -> str:
    return f"{units / units_per_quote:.2f}"
