"""The report as one HTML page: no scripts, nothing fetched, light and dark, readable on a phone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from xached.research.judgement import plots
from xached.research.judgement.capacity import CapacityCurve
from xached.research.judgement.deflated import CONFIDENCE, Judged, Judgement, NotEnoughData, Verdict
from xached.research.judgement.metrics import (
    DAYS_PER_YEAR,
    Performance,
    drawdown,
    time_weighted_return,
)
from xached.research.judgement.overfitting import Overfitting
from xached.research.judgement.report import (
    PriceChart,
    Report,
    Settings,
    date_of,
    heat_map,
    monthly_returns,
)
from xached.research.judgement.track_record import DAY_NS, daily_returns
from xached.research.judgement.walk_forward import Sweep, WalkForward

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_TOP_MAX: Final = 20
"""Combinations of a sweep that are listed; the JSON holds all of them."""

_STYLE: Final = """
:root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1c1917; --faint: #78716c;
  --rule: #e7e5e4; --line: #1d4ed8; --gain: #0f766e; --loss: #b4430a; }
@media (prefers-color-scheme: dark) { :root { --paper: #171412; --ink: #f5f5f4; --faint: #a8a29e;
  --rule: #3b3633; --line: #7aa2ff; --gain: #2dd4bf; --loss: #fb923c; } }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; font-variant-numeric: tabular-nums; }
h1 { font-size: 1.5rem; line-height: 1.2; margin: 0.5rem 0; }
h2 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
p, figure, dl { margin: 0.5rem 0; }
.note { color: var(--faint); font-size: 0.9rem; }
.verdict { border-left: 0.3rem solid var(--faint); padding: 0.25rem 0.75rem; margin: 1rem 0; }
.verdict.good { border-color: var(--gain); } .verdict.bad { border-color: var(--loss); }
.verdict strong { font-size: 1.15rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr));
  gap: 0.5rem 1rem; }
.figures div { border-top: 1px solid var(--rule); padding-top: 0.25rem; }
.figures dt { color: var(--faint); font-size: 0.85rem; }
.figures dd { margin: 0; font-size: 1.1rem; }
.figures small { color: var(--faint); font-size: 0.8rem; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.85rem; width: 100%; }
th, td { padding: 0.25rem 0.5rem; text-align: right; border-bottom: 1px solid var(--rule);
  white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.wrap { white-space: normal; overflow-wrap: anywhere; text-align: left; }
.gain { color: var(--gain); } .loss { color: var(--loss); }
svg { display: block; width: 100%; height: auto; font-family: system-ui, sans-serif; }
svg * { stroke-linejoin: round; }
.narrow { display: none; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } }
"""


def render_page(report: Report) -> str:
    """Render a report as one file."""
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        _period(report),
        _verdict(report.judged),
        _figures(report),
        _section("Growth", plots.equity_plot(report.curve, report.holding)),
        _section("Fall from the peak", plots.drawdown_plot(report.curve)),
        *(_section(f"Trades in {chart.symbol}", _chart(chart)) for chart in report.charts),
        _section("Returns by month, %", _months(report)),
    ]
    if report.walk is not None:
        parts.append(_section("Walk-forward", _walk(report.walk)))
    if report.sweep is not None:
        parts.append(_section("Settings tried", _sweep(report.sweep)))
    if report.capacity is not None:
        parts.append(_section("Capacity", _capacity(report.capacity)))
    parts.append(_section("What was run", _facts(report)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'\">"
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _section(title: str, body: str) -> str:
    return f"<section><h2>{escape(title)}</h2>\n{body}</section>"


def _period(report: Report) -> str:
    found = report.performance
    out_of_sample = ", out of sample" if report.walk is not None else ""
    return (
        f'<p class="note">{date_of(found.start_at_ns)} to {date_of(found.end_at_ns - 1)},'
        f" {found.days:,} days with data{out_of_sample}. Past returns do not promise any.</p>"
    )


def _verdict(judged: Judged) -> str:
    match judged:
        case NotEnoughData():
            return (
                f'<div class="verdict"><strong>Not enough data</strong><p>{escape(_lacks(judged))}'
                ": no Sharpe ratio is shown, because none could be trusted.</p></div>"
            )
        case Judgement():
            kind = {Verdict.CONVINCING: " good", Verdict.LOSING: " bad"}.get(judged.verdict, "")
            said = f"Sharpe ratio {judged.annual_sharpe:.2f} a year, {judged.verdict.value}"
            return (
                f'<div class="verdict{kind}"><strong>{escape(said)}</strong>'
                f"<p>{escape(_told(judged))}</p></div>"
            )


def _lacks(judged: NotEnoughData) -> str:
    reasons = " and ".join(lack.value for lack in judged.lacks)
    return f"{judged.days} days, {judged.closed_trades} closed trades: {reasons}"


def _told(judged: Judgement) -> str:
    tried = judged.evidence
    needed = judged.minimum_track_record_days
    trials = "1 trial" if tried.trials == 1 else f"{tried.trials:,} trials"
    return (
        f"Deflated Sharpe ratio {judged.deflated:.3f} ({CONFIDENCE} convinces): the probability"
        f" that the true ratio is above the {_yearly(judged.expected_maximum):.2f} a year that the"
        f" best of {tried.effective_trials:,.1f} worthless ideas would show by luck."
        f" {trials} on overlapping data, {tried.effective_trials:,.1f} of them different."
        f" Had nothing else been tried, the probability of a ratio above nothing would be"
        f" {judged.probabilistic:.3f}. "
        + (
            "No length of record would make this convincing."
            if needed is None
            else f"To convince it takes {needed:,.0f} days; there are {judged.days:,}."
        )
    )


def _yearly(daily: float) -> float:
    return daily * math.sqrt(DAYS_PER_YEAR)


def _figures(report: Report) -> str:
    found = report.performance
    fall, trades, costs = found.drawdown, found.trades, found.costs
    holding = report.holding
    held = "" if holding is None else f"holding {_percent(time_weighted_return(holding))}"
    fell = "" if holding is None else f"holding {_percent(-drawdown(holding).depth)}"
    rows = [
        ("Return", _percent(found.time_weighted_return), held),
        ("Return a year", _percent(found.annual_return), "compound"),
        ("Sharpe ratio", *_sharpe(report.judged)),
        ("Deepest fall", _percent(-fall.depth), fell),
        ("Longest under a peak", _days(fall.longest_ns), ""),
        ("Volatility a year", _percent(found.annual_volatility), ""),
        ("Sortino ratio", _number(found.sortino), "a year"),
        ("Calmar ratio", _number(found.calmar), ""),
        ("Closed trades", f"{trades.count:,}", f"mean {_days(trades.mean_duration_ns)}"),
        ("Won", _percent(trades.win_rate), f"a trade {_percent(trades.expectancy)} on average"),
        ("Profit factor", _number(trades.profit_factor), ""),
        ("In the market", _percent(found.exposure), "of the time"),
        ("Turnover", _number(costs.turnover), "times its worth"),
        ("Fees", _amount(costs.fee_units, report), f"{_percent(costs.fee_fraction)} of traded"),
        *_tails(found),
        ("Money-weighted return", _percent(found.money_weighted_return), ""),
    ]
    return '<dl class="figures">' + "".join(_figure(*row) for row in rows) + "</dl>"


def _figure(name: str, value: str, note: str) -> str:
    small = f"<small>{escape(note)}</small>" if note else ""
    return f"<div><dt>{escape(name)}</dt><dd>{escape(value)}{small}</dd></div>"


def _sharpe(judged: Judged) -> tuple[str, str]:
    """A ratio with what belongs beside it, on one line."""
    if isinstance(judged, NotEnoughData):
        return "–", "not enough data"
    tried, needed = judged.evidence, judged.minimum_track_record_days
    record = "no length would convince" if needed is None else f"{needed:,.0f} days would convince"
    note = (
        f"deflated {judged.deflated:.3f}, {judged.verdict.value}, {record},"
        f" {tried.effective_trials:,.1f} of {tried.trials:,} trials differ"
    )
    return f"{judged.annual_sharpe:.2f}", note


def _tails(found: Performance) -> Iterable[tuple[str, str, str]]:
    for loss in found.tail_losses:
        yield (
            f"Bad day, {loss.confidence:.0%}",
            _percent(-loss.value_at_risk),
            f"on average {_percent(-loss.expected_shortfall)} beyond",
        )


def _chart(chart: PriceChart) -> str:
    shown = len(plots.shown_markers(chart))
    note = (
        f'<p class="note">{shown:,} of {len(chart.markers):,} fills are shown.</p>'
        if shown < len(chart.markers)
        else ""
    )
    return plots.price_plot(chart) + note


def _months(report: Report) -> str:
    by_year: dict[int, dict[int, float]] = {}
    for month in monthly_returns(daily_returns(report.curve)):
        by_year.setdefault(month.year, {})[month.month] = month.fraction
    rows = []
    for year, months in by_year.items():
        whole = 1.0
        for one in months.values():
            whole *= 1.0 + one
        cells = [_signed(months.get(number)) for number in range(1, 13)]
        rows.append([str(year), *cells, _signed(whole - 1.0)])
    return _table(["", *MONTHS, "Year"], rows)


def _walk(walk: WalkForward[Settings]) -> str:
    rows = [
        [
            str(date_of(fold.windows.test.start_at_ns)),
            str(date_of(fold.windows.test.end_at_ns - 1)),
            "nothing" if fold.settings is None else _spelled(fold.settings),
            _signed(0.0 if fold.tested is None else time_weighted_return(fold.tested.curve)),
        ]
        for fold in walk.folds
    ]
    note = (
        '<p class="note">Settings were chosen on what came before each test, and only there.'
        " Everything above is of the joined tests.</p>"
    )
    return note + _table(["Tested from", "to", "Chosen", "Return, %"], rows)


def _sweep(sweep: Sweep[Settings]) -> str:
    heat = heat_map(sweep)
    order = sorted(
        range(len(sweep.combinations)),
        key=lambda number: -sweep.performances[number].time_weighted_return,
    )
    rows = [
        [
            _spelled(sweep.combinations[number]),
            _signed(sweep.performances[number].time_weighted_return),
            _percent(-sweep.performances[number].drawdown.depth),
            _beside(sweep.judged[number]),
        ]
        for number in order[:_TOP_MAX]
    ]
    return (
        f"<p>{escape(_overfit(sweep))}{escape(_crossed(sweep))}</p>"
        + ("" if heat is None else plots.heat_map_plot(heat))
        + _table(["Settings", "Return, %", "Deepest fall", "Sharpe ratio"], rows)
    )


def _overfit(sweep: Sweep[Settings]) -> str:
    found = sweep.overfit
    if not isinstance(found, Overfitting):
        return f"Probability of overfitting: {found}."
    return (
        f"Probability of overfitting {found.probability:.2f}: in so many of {found.splits:,} ways"
        f" to split these {found.days:,} days, the best of {found.combinations:,} combinations in"
        " one half was no better than the median in the other, and it lost money there in"
        f" {found.loss_probability:.2f}."
    )


def _crossed(sweep: Sweep[Settings]) -> str:
    found = sweep.crossed
    if found is None:
        return ""
    return (
        f" Chosen on other days and held on these, {len(found.returns)} ways through the history:"
        f" {_percent(found.returns[0])} to {_percent(found.returns[-1])}, in the middle"
        f" {_percent(found.middle)}; {found.lost} of {len(found.returns)} lost."
    )


def _beside(judged: Judged) -> str:
    value, note = _sharpe(judged)
    return f"{escape(value)} <small>{escape(note)}</small>"


def _capacity(capacity: CapacityCurve) -> str:
    rows = [
        [
            f"{point.size:g}×",
            _signed(point.performance.time_weighted_return),
            _percent(point.performance.costs.fee_fraction),
            "–" if point.kept is None else f"{max(point.kept, 0.0):.0%}",
            _beside(point.judged),
        ]
        for point in capacity.points
    ]
    note = (
        "More than half of the ratio is left at the largest size measured, or none was there."
        if capacity.capacity is None
        else f"Half of the Sharpe ratio is left at about {capacity.capacity:,.0f} times the size."
    )
    head = ["Size", "Return, %", "Fees of traded", "Ratio kept", "Sharpe ratio"]
    return f'<p class="note">{escape(note)}</p>' + _table(head, rows)


def _facts(report: Report) -> str:
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="wrap">{escape(value)}</td></tr>'
        for name, value in report.facts.items()
    )
    return f'<div class="scroll"><table>{rows}</table></div>'


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls by itself; cells are HTML already."""
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{titles}</tr>{body}</table></div>'


def _spelled(settings: Settings) -> str:
    return escape(", ".join(f"{name} {value}" for name, value in settings.items()))


def _signed(fraction: float | None) -> str:
    if fraction is None:
        return ""
    kind = "gain" if fraction > 0 else "loss" if fraction < 0 else ""
    return f'<span class="{kind}">{100 * fraction:+.1f}</span>'


def _percent(fraction: float | None) -> str:
    if fraction is None:
        return "–"
    percent = 100 * fraction
    return f"{percent:,.0f} %" if abs(percent) >= 1000 else f"{percent:.2f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _days(length_ns: int | None) -> str:
    if length_ns is None:
        return "–"
    days = length_ns / DAY_NS
    return f"{days:,.0f} days" if days >= 2 else f"{days * 24:.1f} hours"


def _amount(units: int, report: Report) -> str:
    return f"{units / report.units_per_quote:,.2f} {report.quote}"
