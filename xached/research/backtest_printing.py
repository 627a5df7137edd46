"""What ``xache backtest`` prints for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import attrs

from xached.research.backtest.result import RunResult
from xached.research.backtest_runs import Shown, told_settings
from xached.research.history.data_command import console, moment, print_line
from xached.research.judgement.capacity import CapacityCurve
from xached.research.judgement.deflated import Judged, NotEnoughData
from xached.research.judgement.overfitting import Overfitting
from xached.research.judgement.report import Report, Settings
from xached.research.judgement.walk_forward import Sweep, WalkForward
from xached.research.models.registry import Attempt

NOTES_MAX: Final = 10
COMBINATIONS_MAX: Final = 10


def print_shown(shown: Shown) -> None:
    """Print a result with everything that belongs beside it."""
    report, result = shown.report, shown.result
    performance = report.performance
    span = f"{moment(performance.start_at_ns)} to {moment(performance.end_at_ns)} UTC"
    print_line(f"{report.title}\n{span}, {performance.days} days")
    rows = _rows(report)
    if result is not None and result.refusals:
        told = ", ".join(f"{name} {count:,}" for name, count in result.refusals.items())
        rows.append(("refused orders", told))
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print_line(f"  {name:<{width}}  {value}")
    if report.walk is not None:
        _print_choices(report.walk)
    if report.sweep is not None:
        _print_combinations(report.sweep)
    if result is not None:
        _print_notes(result)
    console().file.flush()


def training_json(attempts: Sequence[Attempt]) -> dict[str, Any]:
    """What a run trained, for programs; nothing when it trained nothing."""
    return {"training": [attrs.asdict(each) for each in attempts]} if attempts else {}


def print_training(attempts: Sequence[Attempt]) -> None:
    """Print what a run trained, and why each model was taken or not."""
    if not attempts:
        return
    replaced = sum(each.replaced for each in attempts)
    print_line(f"  trained {len(attempts)} times, {replaced} models taken")
    for each in attempts:
        taken = "taken" if each.replaced else "not taken"
        print_line(f"  {moment(each.at_ns)}  {taken}: {each.outcome}")


def _rows(report: Report) -> list[tuple[str, str]]:
    performance, unit, quote = report.performance, report.units_per_quote, report.quote
    held = ""
    if report.holding is not None:
        kept = float(report.holding.equity[-1] / report.holding.equity[0] - 1)
        held = f"  (holding: {kept:+.2%})"
    trades, costs = performance.trades, performance.costs
    return [
        ("worth at the end", f"{performance.end_equity / unit:,.2f} {quote}"),
        ("return", f"{performance.time_weighted_return:+.2%}{held}"),
        ("deepest fall", f"{-performance.drawdown.depth:.2%}"),
        ("fills, closed trades", f"{costs.fills:,}, {trades.count:,}"),
        ("won", "–" if trades.win_rate is None else f"{trades.win_rate:.1%}"),
        ("fees", f"{costs.fee_units / unit:,.2f} {quote}"),
        *_judged_rows(report.judged),
        *_capacity_rows(report.capacity),
    ]


def _judged_rows(judged: Judged) -> list[tuple[str, str]]:
    if isinstance(judged, NotEnoughData):
        return [("judgement", str(judged))]
    evidence = judged.evidence
    tried = f"{evidence.trials} tried, {evidence.effective_trials:.1f} of them different"
    needed = judged.minimum_track_record_days
    record = "no length would do" if needed is None else f"{needed:,.0f} days"
    return [
        ("Sharpe ratio, yearly", f"{judged.annual_sharpe:.2f}"),
        ("deflated by trials", f"{judged.deflated:.4f}  ({tried})"),
        ("record to convince", f"{record}  (there are {judged.days:,})"),
        ("judgement", judged.verdict.value),
    ]


def _capacity_rows(capacity: CapacityCurve | None) -> list[tuple[str, str]]:
    if capacity is None:
        return []
    points = capacity.points
    returns = ", ".join(
        f"{point.performance.time_weighted_return:+.2%} at {point.size:g} x" for point in points[1:]
    )
    if points[0].kept is None:
        told = "it earned nothing that size could eat"
    elif capacity.capacity is None:
        told = f"more than half of the Sharpe ratio is left at {points[-1].size:g} x"
    else:
        told = f"half of the Sharpe ratio is left at about {capacity.capacity:,.0f} x"
    return [("larger orders", returns), ("capacity", told)]


def _print_choices(walk: WalkForward[Settings]) -> None:
    chosen = [dict(fold.settings) for fold in walk.folds if fold.settings is not None]
    same = {
        name
        for name in (chosen[0] if chosen else {})
        if len({str(one.get(name)) for one in chosen}) == 1
    }
    for fold in walk.folds:
        told = "nothing"
        if fold.settings is not None:
            # What never changed says nothing, unless nothing ever did.
            shown = {n: v for n, v in fold.settings.items() if n not in same} or fold.settings
            told = told_settings(shown)
        print_line(f"  {moment(fold.windows.test.start_at_ns)}  chose {told}")


def _print_combinations(sweep: Sweep[Settings]) -> None:
    found = sweep.overfit
    if isinstance(found, Overfitting):
        print_line(f"  the best is so by luck with a probability of {found.probability:.2f}")
    else:
        print_line(f"  whether the best is so by luck: {found}")
    if sweep.crossed is not None:
        returns = sweep.crossed.returns
        print_line(
            f"  chosen on other days, {len(returns)} ways through: {returns[0]:+.2%} to"
            f" {returns[-1]:+.2%}, in the middle {sweep.crossed.middle:+.2%},"
            f" {sweep.crossed.lost} of {len(returns)} lost"
        )
    ordered = sorted(
        zip(sweep.combinations, sweep.performances, strict=True),
        key=lambda pair: -pair[1].time_weighted_return,
    )
    for settings, performance in ordered[:COMBINATIONS_MAX]:
        print_line(f"  {performance.time_weighted_return:+9.2%}  {told_settings(settings)}")
    if len(ordered) > COMBINATIONS_MAX:
        print_line(f"  and {len(ordered) - COMBINATIONS_MAX:,} others")


def _print_notes(result: RunResult) -> None:
    for note in result.notes[:NOTES_MAX]:
        print_line(f"  {moment(note.at_ns)}  {note.text}")
