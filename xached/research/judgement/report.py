"""The report of a run: everything that was found, as one value and as JSON.

No Sharpe ratio leaves this module without what belongs beside it: the deflated ratio, how much was
tried, and the verdict; where there is not enough data there is no ratio at all.
"""

from __future__ import annotations

import datetime
import enum
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import attrs
import numpy as np

from xached.research.judgement.capacity import CapacityCurve
from xached.research.judgement.deflated import Judged, Judgement, NotEnoughData
from xached.research.judgement.metrics import Performance, drawdown, measure, time_weighted_return
from xached.research.judgement.overfitting import Overfit, Overfitting
from xached.research.judgement.track_record import (
    DAY_NS,
    DailyReturns,
    EquityCurve,
    FloatArray,
    IntArray,
    TrackRecord,
    daily_returns,
    day_ends,
)
from xached.research.judgement.walk_forward import Fold, Sweep, WalkForward, Window

FORMAT: Final = 2

Settings: TypeAlias = Mapping[str, object]


@attrs.frozen
class Marker:
    """A fill on the chart. ``price`` is in the units of the closes."""

    at_ns: int
    price: float
    buy: bool


@attrs.frozen(eq=False)
class PriceChart:
    """The closes of an instrument, in quote asset, and the fills in it."""

    symbol: str
    at_ns: IntArray
    closes: FloatArray
    markers: tuple[Marker, ...]


@attrs.frozen(eq=False, kw_only=True)
class Report:
    """Everything that was found.

    ``facts`` say what was run: strategy, version, settings, instruments, fill model, fees, history
    and its fingerprint. Amounts are in units of ``quote``, of which ``units_per_quote`` make one.
    ``curve`` and ``performance`` are those of the joined tests where it walked forward. ``holding``
    is what holding from start to end would have been worth.
    """

    title: str
    facts: Mapping[str, str]
    quote: str
    units_per_quote: int
    curve: EquityCurve
    records: tuple[TrackRecord, ...]
    performance: Performance
    judged: Judged
    holding: EquityCurve | None = None
    charts: tuple[PriceChart, ...] = ()
    sweep: Sweep[Settings] | None = None
    walk: WalkForward[Settings] | None = None
    capacity: CapacityCurve | None = None

    @classmethod
    def of_run(cls, record: TrackRecord, judged: Judged, **terms: Any) -> Report:
        """The report of a single run."""
        return cls(
            curve=record.curve,
            records=(record,),
            performance=measure(record),
            judged=judged,
            **terms,
        )

    @classmethod
    def of_walk(cls, walk: WalkForward[Settings], judged: Judged, **terms: Any) -> Report:
        """The report of the joined tests of a walk forward."""
        return cls(
            curve=walk.curve,
            records=tuple(fold.tested for fold in walk.folds if fold.tested is not None),
            performance=walk.performance,
            judged=judged,
            walk=walk,
            **terms,
        )


@attrs.frozen
class Month:
    """The return of a month; of the part of it that was covered."""

    year: int
    month: int
    fraction: float


def monthly_returns(daily: DailyReturns) -> tuple[Month, ...]:
    """Join days to calendar months, UTC."""
    dated = [
        (datetime.date.fromordinal(_UNIX_ORDINAL + int(day)), float(one))
        for day, one in zip(daily.days, daily.returns, strict=True)
    ]
    return tuple(
        Month(year, month, math.prod(1.0 + one for _, one in days) - 1.0)
        for (year, month), days in itertools.groupby(
            dated, key=lambda pair: (pair[0].year, pair[0].month)
        )
    )


_UNIX_ORDINAL: Final = datetime.date(1970, 1, 1).toordinal()


@attrs.frozen(eq=False)
class HeatMap:
    """The return of each pair of values of two settings, on average over all others.

    One row for each value down; NaN where there is none.
    """

    across: str
    across_values: tuple[str, ...]
    down: str
    down_values: tuple[str, ...]
    returns: FloatArray


def heat_map(sweep: Sweep[Settings]) -> HeatMap | None:
    """Lay out a sweep by the two settings with the most values; None when nothing varies."""
    values: dict[str, dict[str, object]] = {}
    for settings in sweep.combinations:
        for name, value in settings.items():
            values.setdefault(name, {})[str(value)] = value
    varying = sorted((name for name in values if len(values[name]) > 1),
                     key=lambda name: -len(values[name]))  # fmt: skip
    if not varying:
        return None
    across, down = varying[0], varying[1] if len(varying) > 1 else None
    columns = _in_order(values[across])
    rows = _in_order(values[down]) if down is not None else [""]
    sums, counts = np.zeros((len(rows), len(columns))), np.zeros((len(rows), len(columns)))
    for settings, performance in zip(sweep.combinations, sweep.performances, strict=True):
        place = (
            rows.index(str(settings[down])) if down is not None else 0,
            columns.index(str(settings[across])),
        )
        sums[place] += performance.time_weighted_return
        counts[place] += 1
    returns = np.full_like(sums, np.nan)
    np.divide(sums, counts, out=returns, where=counts > 0)
    return HeatMap(across, tuple(columns), down or "", tuple(rows), returns)


def _in_order(values: Mapping[str, object]) -> list[str]:
    """Numbers by size, anything else by its name."""

    def place(name: str) -> tuple[bool, float, str]:
        try:
            return (False, float(name), name)
        except ValueError:
            return (True, 0.0, name)

    return sorted(values, key=place)


def as_json(report: Report) -> dict[str, Any]:
    """Everything of a report in values that JSON knows. Times are nanoseconds since 1970."""
    daily = daily_returns(report.curve)
    return {
        "format": FORMAT,
        "title": report.title,
        "facts": dict(report.facts),
        "quote": report.quote,
        "units_per_quote": report.units_per_quote,
        "performance": performance_json(report.performance, report.judged),
        "days": [str(date_of(int(day) * DAY_NS)) for day in daily.days],
        "daily_returns": daily.returns.tolist(),
        "daily_equity_units": report.curve.equity[day_ends(report.curve)].tolist(),
        "months": [attrs.asdict(month) for month in monthly_returns(daily)],
        "fills": [attrs.asdict(fill) for record in report.records for fill in record.fills],
        "closed_trades": [attrs.asdict(t) for record in report.records for t in record.trades],
        "holding": None if report.holding is None else {
            "time_weighted_return": time_weighted_return(report.holding),
            "drawdown": attrs.asdict(drawdown(report.holding)),
        },
        "sweep": None if report.sweep is None else _sweep_json(report.sweep),
        "walk_forward": None if report.walk is None else [
            _fold_json(fold) for fold in report.walk.folds
        ],
        "capacity": None if report.capacity is None else _capacity_json(report.capacity),
    }  # fmt: skip


def performance_json(performance: Performance, judged: Judged) -> dict[str, Any]:
    """The measures of a run, its Sharpe ratio replaced by the whole judgement."""
    return {**_plain(attrs.asdict(performance)), "sharpe": judged_json(judged)}


def judged_json(judged: Judged) -> dict[str, Any]:
    """A judgement; without enough data the reasons and not one number that could mislead."""
    match judged:
        case NotEnoughData(days=days, closed_trades=closed, lacks=lacks):
            return {
                "verdict": "NOT_ENOUGH_DATA",
                "lacks": [lack.value for lack in lacks],
                "days": days,
                "closed_trades": closed,
            }
        case Judgement():
            return {
                "verdict": judged.verdict.name,
                "annual": judged.annual_sharpe,
                "daily": judged.shape.sharpe,
                "deflated": judged.deflated,
                "probabilistic": judged.probabilistic,
                "expected_maximum_daily": judged.expected_maximum,
                "trials": judged.evidence.trials,
                "effective_trials": judged.evidence.effective_trials,
                "trial_variance": judged.evidence.variance,
                "skew": judged.shape.skew,
                "kurtosis": judged.shape.kurtosis,
                "days": judged.days,
                "closed_trades": judged.closed_trades,
                "minimum_track_record_days": judged.minimum_track_record_days,
            }


def overfit_json(overfit: Overfit) -> dict[str, Any]:
    """What a sweep's overfitting is known to be."""
    told = isinstance(overfit, Overfitting)
    return {"verdict": "TOLD" if told else "NOT_ENOUGH_DATA", **attrs.asdict(overfit)}


def date_of(at_ns: int) -> datetime.date:
    """The UTC day of a time."""
    return datetime.date.fromordinal(_UNIX_ORDINAL + at_ns // DAY_NS)


def _sweep_json(sweep: Sweep[Settings]) -> dict[str, Any]:
    return {
        "best": sweep.best,
        "overfitting": overfit_json(sweep.overfit),
        "cross_validation": None if sweep.crossed is None else attrs.asdict(sweep.crossed),
        "combinations": [
            {"settings": _plain(settings), "performance": performance_json(performance, judged)}
            for settings, performance, judged in zip(
                sweep.combinations, sweep.performances, sweep.judged, strict=True
            )
        ],
    }


def _fold_json(fold: Fold[Settings]) -> dict[str, Any]:
    tested = fold.tested
    return {
        "train": _window_json(fold.windows.train),
        "test": _window_json(fold.windows.test),
        "chosen": fold.chosen,
        "settings": None if fold.settings is None else _plain(fold.settings),
        "time_weighted_return": 0.0 if tested is None else time_weighted_return(tested.curve),
    }


def _capacity_json(capacity: CapacityCurve) -> dict[str, Any]:
    return {
        "capacity": capacity.capacity,
        "points": [
            {
                "size": point.size,
                "kept": point.kept,
                "performance": performance_json(point.performance, point.judged),
            }
            for point in capacity.points
        ],
    }


def _window_json(window: Window) -> dict[str, int]:
    return {"start_at_ns": window.start_at_ns, "end_at_ns": window.end_at_ns}


def _plain(value: object) -> Any:
    """Settings and measures in what JSON knows: decimals and enums become text."""
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case enum.Enum():
            return value.name
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items()}
        case Sequence():
            return [_plain(one) for one in value]
        case _:
            return str(value)
