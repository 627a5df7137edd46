"""Reports: what is always said beside a ratio, a page that fetches and runs nothing, JSON."""

from __future__ import annotations

import functools
import json
import math
import re
from collections import Counter
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import attrs
import numpy as np
import pytest

from tests.research.records import NOON_NS, buy, curve_of_returns, daily_curve, sell
from xached.research.judgement.capacity import capacity_curve
from xached.research.judgement.deflated import Evidence, NotEnoughData, judge
from xached.research.judgement.plots import MARKERS_MAX, POINTS_MAX, equity_plot, shown_markers
from xached.research.judgement.report import (
    Marker,
    PriceChart,
    Report,
    Settings,
    as_json,
    heat_map,
    monthly_returns,
)
from xached.research.judgement.report_page import render_page
from xached.research.judgement.track_record import DAY_NS, EquityCurve, TrackRecord, daily_returns
from xached.research.judgement.walk_forward import (
    Window,
    judge_sweep,
    plan_windows,
    walk_forward,
)

DAYS = 420
MARKET = np.random.default_rng(1).normal(0.0005, 0.02, DAYS)
COMBINATIONS: tuple[Settings, ...] = tuple(
    {"fast": fast, "slow": slow, "size": Decimal("0.1")} for fast in (5, 10, 9) for slow in range(4)
)
EVIDENCE = Evidence(trials=37, effective_trials=5.25, variance=0.002)
GOLDEN = Path(__file__).parent.parent / "golden" / "report" / "format-2.txt"
HOSTILE = '<script src="https://example.com/x.js">&'


def run(settings: Settings, window: Window) -> TrackRecord:
    """Be in the market on some days, and trade on each."""
    days = np.arange(window.start_at_ns // DAY_NS, window.end_at_ns // DAY_NS)
    inside = (days // int(str(settings["fast"]))) % (2 + int(str(settings["slow"]))) > 0
    equity = 1e9 * np.cumprod(1 + np.where(inside, MARKET[days % DAYS], 0.0))
    fills = [
        fill
        for day in days[:80].tolist()
        for fill in (buy(day * DAY_NS, 5, 1000, 5), sell(day * DAY_NS + 1, 5, 1001, 5))
    ]
    return TrackRecord(EquityCurve.of(days * DAY_NS + DAY_NS - 1, equity), fills)


def full_report() -> Report:
    """One with everything in it."""
    history = Window(20_000 * DAY_NS, (20_000 + DAYS) * DAY_NS)
    walk = walk_forward(
        run, COMBINATIONS, plan_windows(history, train_ns=120 * DAY_NS, test_ns=100 * DAY_NS)
    )
    records = [run(settings, history) for settings in COMBINATIONS]
    markers = tuple(Marker(20_130 * DAY_NS + i, 100.0 + i, i % 2 == 0) for i in range(4))
    return Report.of_walk(
        walk,
        walk.judged(EVIDENCE),
        title=f"Cross {HOSTILE}",
        facts={"Strategy": f"cross 1.0 {HOSTILE}", "Fill model": "next open"},
        quote="USDT",
        units_per_quote=10**6,
        holding=EquityCurve.of(walk.curve.at_ns, walk.curve.equity[::-1]),
        charts=(PriceChart("BTC-USDT", walk.curve.at_ns, walk.curve.equity, markers),),
        sweep=judge_sweep(COMBINATIONS, records),
        capacity=capacity_curve((1, 10), records[:2], EVIDENCE),
    )


@functools.cache
def whole() -> Report:
    """Made once: it takes a second."""
    return full_report()


@functools.cache
def page() -> str:
    """Its page."""
    return render_page(whole())


def short_report() -> Report:
    record = TrackRecord(curve_of_returns(MARKET[:20]), [])
    return Report.of_run(
        record,
        judge(record.daily.returns, 0),
        title="short",
        facts={},
        quote="USDT",
        units_per_quote=100,
    )


class Elements(HTMLParser):
    """Everything that a page has."""

    VOID = frozenset({"meta", "br", "link", "img", "input"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_a_page_runs_and_fetches_nothing() -> None:
    found = Elements(page())
    assert found.open == []
    assert not {"script", "link", "iframe", "img", "image", "object", "form"} & set(found.tags)
    for _, name, value in found.attributes:
        assert not name.startswith("on")
        if name in ("href", "src", "xlink:href"):
            assert value.startswith("#")
        if not name.startswith("xmlns"):
            assert "://" not in value.replace("https://example.com", "")
    assert "url(" not in re.sub(r"url\(#\w+\)", "", page())
    assert ("meta", "http-equiv", "Content-Security-Policy") in found.attributes
    assert "https://example.com" not in page().replace(
        "&lt;script src=&quot;https://example.com", ""
    )


def test_names_within_a_page_do_not_clash_and_are_all_there() -> None:
    found = Elements(page())
    ids = [value for _, name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    used = {value[1:] for _, name, value in found.attributes if name == "xlink:href"}
    used |= set(re.findall(r"url\(#(\w+)\)", page()))
    assert used <= set(ids)


def test_a_page_is_drawn_for_both_themes_and_for_a_phone() -> None:
    assert "prefers-color-scheme: dark" in page()
    assert "width=device-width" in page()
    assert page().count('<div class="narrow"><svg') == page().count('<div class="wide"><svg') == 4
    assert "#0102" not in page()
    assert "var(--line)" in page()


def test_a_page_is_the_same_each_time() -> None:
    assert render_page(full_report()) == page()


def words(html: str) -> str:
    """What a reader reads."""
    without = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", without))


def test_beside_every_ratio_stands_what_belongs_there() -> None:
    text = words(page())
    assert "Sharpe ratio" in text
    assert re.search(r"Deflated Sharpe ratio 0\.\d{3}", text)
    assert "37 trials on overlapping data, 5.2 of them different" in text
    # The headline, twelve combinations and two sizes.
    beside = re.findall(
        r"deflated 0\.\d{3}, [a-z ]+, [\w, ]+ convince, [\d.]+ of [\d,]+ trials differ", text
    )
    assert len(beside) == 1 + 12 + 2
    assert re.search(r"Probability of overfitting [01]\.\d\d", text)
    assert re.search(r"Chosen on other days .*, 7 ways through .* \d of 7 lost", text)


def test_without_enough_data_no_ratio_is_shown() -> None:
    short = short_report()
    assert isinstance(short.judged, NotEnoughData)
    text = words(render_page(short))
    assert "Not enough data 20 days, 0 closed trades" in text
    assert "Sharpe ratio – not enough data" in text
    sharpe = as_json(short)["performance"]["sharpe"]
    assert sharpe == {
        "verdict": "NOT_ENOUGH_DATA",
        "lacks": ["under 60 days", "under 30 closed trades"],
        "days": 20,
        "closed_trades": 0,
    }


def test_json_holds_everything_and_every_ratio_is_judged() -> None:
    text = json.dumps(as_json(whole()), allow_nan=False)
    found = json.loads(text)
    assert found["format"] == 2
    assert len(found["daily_returns"]) == len(found["days"]) == len(found["daily_equity_units"])
    assert math.prod(1 + one for one in found["daily_returns"]) == pytest.approx(
        1 + found["performance"]["time_weighted_return"]
    )
    assert found["performance"]["sharpe"]["trials"] == 37
    assert found["performance"]["sharpe"]["effective_trials"] == 5.25
    assert len(found["sweep"]["combinations"]) == 12
    assert found["sweep"]["combinations"][0]["settings"]["size"] == "0.1"
    assert found["sweep"]["overfitting"]["verdict"] == "TOLD"
    assert len(found["sweep"]["cross_validation"]["returns"]) == 7
    assert len(found["walk_forward"]) == 3
    assert [point["size"] for point in found["capacity"]["points"]] == [1, 10]

    def check(value: object) -> None:
        if isinstance(value, dict):
            if "sharpe" in value:
                assert {"verdict"} < set(value["sharpe"])
                assert ("deflated" in value["sharpe"]) == ("annual" in value["sharpe"])
            for one in value.values():
                check(one)
        elif isinstance(value, list):
            for one in value:
                check(one)

    check(found)


def shape_of(value: object, path: str = "") -> set[str]:
    """Every place in a JSON value."""
    if isinstance(value, dict):
        return {one for name in value for one in shape_of(value[name], f"{path}.{name}")}
    if isinstance(value, list):
        return {one for each in value for one in shape_of(each, f"{path}[]")}
    return {path}


def test_the_format_of_json_is_the_one_that_was_promised() -> None:
    """Whoever changes it counts FORMAT up and writes a new file, names with ``facts`` aside."""
    found = {one for one in shape_of(as_json(whole())) if not one.startswith(".facts")}
    assert sorted(found) == GOLDEN.read_text(encoding="utf-8").splitlines()
    # It has only grown so far: who read the first still can.
    assert found > set(GOLDEN.with_name("format-1.txt").read_text(encoding="utf-8").splitlines())


def test_months_join_days() -> None:
    # 20 March to 2 May 1970 are days 78 to 121.
    at_ns = [NOON_NS + day * DAY_NS for day in range(78, 122)]
    curve = EquityCurve.of(at_ns, np.linspace(100, 143, 44))
    months = monthly_returns(daily_returns(curve))
    assert [(month.year, month.month) for month in months] == [(1970, 3), (1970, 4), (1970, 5)]
    assert months[0].fraction == pytest.approx(0.11)
    assert months[1].fraction == pytest.approx(141 / 111 - 1)
    assert months[2].fraction == pytest.approx(143 / 141 - 1)


def test_a_heat_map_is_of_the_two_settings_with_the_most_values() -> None:
    sweep = whole().sweep
    assert sweep is not None
    heat = heat_map(sweep)
    assert heat is not None
    assert (heat.across, heat.across_values) == ("slow", ("0", "1", "2", "3"))
    assert (heat.down, heat.down_values) == ("fast", ("5", "9", "10"))
    place = COMBINATIONS.index({"fast": 9, "slow": 2, "size": Decimal("0.1")})
    performance = sweep.performances[place]
    assert heat.returns[1, 2] == pytest.approx(performance.time_weighted_return)


def test_a_heat_map_of_one_setting_is_a_row_and_of_none_is_none() -> None:
    records = [TrackRecord(daily_curve([1.0, 2.0]), []), TrackRecord(daily_curve([1.0, 4.0]), [])]
    row = heat_map(judge_sweep(({"a": 2}, {"a": "none"}), records))
    assert row is not None
    assert row.returns.tolist() == [[1.0, 3.0]]
    mean = heat_map(judge_sweep(({"a": 2}, {"a": 2}), records))
    assert mean is None


def test_long_curves_are_thinned_without_losing_their_extremes() -> None:
    growth = np.ones(50_000)
    growth[31_415], growth[27_182] = 9.0, 0.25
    drawn = equity_plot(EquityCurve.of(np.arange(1, 50_001), growth), None)
    assert len(drawn) < 100 * POINTS_MAX
    short = equity_plot(EquityCurve.of([1, 2, 3, 4], [1.0, 9.0, 0.25, 1.0]), None)

    def heights(svg: str) -> set[str]:
        return set(re.findall(r">(\d+)<", svg))

    assert {"2", "4", "6", "8"} <= heights(short) <= heights(drawn)


@pytest.mark.parametrize("days", [0.001, 0.5, 2.9, 20, 85, 300, 740, 900, 1090, 1500, 7000])
def test_any_length_of_time_has_dates(days: float) -> None:
    """matplotlib warns when it finds no ticks that fit, and warnings are errors here."""
    end_ns = int(days * DAY_NS)
    drawn = equity_plot(EquityCurve.of([0, end_ns // 2, end_ns], [1.0, 2.0, 3.0]), None)
    assert drawn.count("<text") >= 8


def test_a_chart_with_many_fills_says_how_many_it_shows() -> None:
    chart = whole().charts[0]
    many = attrs.evolve(chart, markers=chart.markers * 150)
    assert len(shown_markers(chart)) == 4
    assert len(shown_markers(many)) == 300 <= MARKERS_MAX
    drawn = render_page(attrs.evolve(whole(), charts=(many,)))
    assert "300 of 600 fills are shown" in words(drawn)


def test_a_run_without_anything_has_a_report() -> None:
    still = TrackRecord(daily_curve([5.0]), [])
    report = Report.of_run(
        still, judge(still.daily.returns, 0), title="still", facts={}, quote="X", units_per_quote=1
    )
    assert "Not enough data" in render_page(report)
    json.dumps(as_json(report), allow_nan=False)
