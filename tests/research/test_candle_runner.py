"""From candles to a judged report: windows that hold no future, and what a report says of them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xache_sdk.market import Candle, Candles, Interval
from xache_sdk.orders import Intents
from xache_sdk.strategy import Strategy

from tests.research import backtests as tools
from tests.research.backtests import BUY, SELL, SYMBOL, Scripted
from xached.research.backtest.terms import MarketData, open_market
from xached.research.history.candle_set import DataError
from xached.research.judgement.candle_runner import (
    CandleRunner,
    candle_facts,
    code_digest,
    report_run,
    report_walk,
    whole_window,
)
from xached.research.judgement.judging import judge_trial, judge_trials, trial_of_run, trial_of_walk
from xached.research.judgement.report import Settings, as_json
from xached.research.judgement.report_page import render_page
from xached.research.judgement.track_record import DAY_NS
from xached.research.judgement.trials import Owner, TrialKey, TrialLedger, spelled
from xached.research.judgement.walk_forward import Window, judge_sweep, plan_windows, walk_forward

HOUR_NS = DAY_NS // 24
DAYS = 120
OWNER = Owner("me")


class Momentum(Scripted):
    """Holds one lot while the last close is above the one ``back`` candles before."""

    def __init__(self, settings: Settings) -> None:
        super().__init__({}, subscriptions=(Candles(SYMBOL, "TEST", Interval.H1),))
        self.back = int(str(settings["back"]))
        self.closes: list[int] = []
        self.held = False

    def on_candle(self, candle: Candle) -> Intents:
        self.seen.append((candle.open_at_ns, SYMBOL, candle.close_ticks))
        self.closes.append(candle.close_ticks)
        if len(self.closes) <= self.back:
            return ()
        rising = self.closes[-1] > self.closes[-1 - self.back]
        if rising is self.held:
            return ()
        self.held = rising
        return [tools.order(self.next_id(), BUY if rising else SELL, "1")]


def market(symbol: str = SYMBOL, seed: int = 3) -> MarketData:
    return open_market(
        tools.walk(seed, DAYS * 24, symbol=symbol, interval=Interval.H1), taker_fee_ppm=1_000
    )


MARKET = market()
TERMS = tools.settings(cash="1000")
RUNNER = CandleRunner(Momentum, (MARKET,), TERMS)
COMBINATIONS: tuple[Settings, ...] = tuple({"back": back} for back in (3, 6, 12, 24))
WHOLE = whole_window([MARKET])


def test_a_window_holds_no_candle_that_is_not_over() -> None:
    made: list[Momentum] = []

    def make(settings: Settings) -> Strategy[Any]:
        made.append(Momentum(settings))
        return made[-1]

    window = Window(10 * DAY_NS, 20 * DAY_NS + HOUR_NS // 2)
    record = CandleRunner(make, (MARKET,), TERMS)({"back": 3}, window)
    assert record.curve.at_ns[0] == window.start_at_ns
    assert record.curve.at_ns[-1] == 20 * DAY_NS
    assert max(at_ns for one in made for at_ns, _, _ in one.seen) == 20 * DAY_NS - HOUR_NS
    assert all(fill.at_ns <= 20 * DAY_NS for fill in record.fills)


def test_what_comes_after_a_window_changes_nothing_in_it() -> None:
    window = Window(10 * DAY_NS, 40 * DAY_NS)
    other = tools.walk(99, DAYS * 24, interval=Interval.H1)
    whole = MARKET.finest
    spliced = tools.candle_set(
        *(
            tuple(int(column[row]) for column in (source.columns[1:5]))
            for source, rows in ((whole, range(960)), (other, range(960, DAYS * 24)))
            for row in rows
        ),  # type: ignore[arg-type]  # four columns
        interval=Interval.H1,
    )
    changed = CandleRunner(Momentum, (open_market(spliced, taker_fee_ppm=1_000),), TERMS)
    one, same = RUNNER({"back": 6}, window), changed({"back": 6}, window)
    assert one.fills == same.fills
    assert len(one.fills) > 20
    assert np.array_equal(one.curve.equity, same.curve.equity)


@pytest.mark.parametrize("window", [Window(0, HOUR_NS // 2), Window(200 * DAY_NS, 300 * DAY_NS)])
def test_without_candles_there_is_no_run(window: Window) -> None:
    with pytest.raises(DataError, match="no candle"):
        RUNNER({"back": 3}, window)


def test_warming_up_can_be_limited() -> None:
    made: list[Momentum] = []

    def make(settings: Settings) -> Strategy[Any]:
        made.append(Momentum(settings))
        return made[-1]

    runner = CandleRunner(make, (MARKET,), TERMS, warm_up_ns=5 * HOUR_NS)
    runner({"back": 3}, Window(10 * DAY_NS, 11 * DAY_NS))
    assert min(at_ns for one in made for at_ns, _, _ in one.seen) >= 10 * DAY_NS - 5 * HOUR_NS


def test_a_daily_record_is_the_same_run_seen_once_a_day() -> None:
    daily = CandleRunner(Momentum, (MARKET,), TERMS, daily=True)
    one, other = RUNNER({"back": 6}, WHOLE), daily({"back": 6}, WHOLE)
    assert one.fills == other.fills
    assert one.daily.days.tolist() == other.daily.days.tolist() == list(range(DAYS))
    assert one.daily.returns == pytest.approx(other.daily.returns)


def key(settings: object) -> TrialKey:
    return TrialKey(
        code_digest=code_digest(Momentum),
        settings=spelled(settings),
        instruments=(SYMBOL,),
        start_at_ns=WHOLE.start_at_ns,
        end_at_ns=WHOLE.end_at_ns,
    )


def test_a_walk_over_candles_is_recorded_judged_and_reported(tmp_path: Path) -> None:
    plan = plan_windows(WHOLE, train_ns=40 * DAY_NS, test_ns=20 * DAY_NS)
    walk = walk_forward(RUNNER, COMBINATIONS, plan)
    records = [RUNNER(settings, WHOLE) for settings in COMBINATIONS]
    with TrialLedger(tmp_path / "trials.db") as ledger:
        tried = [
            trial_of_run(key(settings), "momentum", record, 7)
            for settings, record in zip(COMBINATIONS, records, strict=True)
        ]
        swept = judge_trials(ledger, OWNER, tried, COMBINATIONS, records)
        judged = judge_trial(ledger, OWNER, trial_of_walk(key(COMBINATIONS), "momentum", walk, 8))
        assert ledger.head().count == 5
    report = report_walk(
        walk,
        judged,
        strategy="momentum",
        markets=[MARKET],
        facts=candle_facts([MARKET], TERMS),
        sweep=swept,
    )
    found = json.loads(json.dumps(as_json(report), allow_nan=False))
    assert found["performance"]["sharpe"]["trials"] == 5
    assert found["days"][0] == "1970-02-10"
    assert len(found["days"]) == 80
    assert found["quote"] == "USDT"
    assert f"fingerprint {MARKET.finest.fingerprint[:16]}" in render_page(report)
    assert "taker 0.1 %" in render_page(report)


def test_a_chart_shows_fills_at_the_price_they_had() -> None:
    record = RUNNER({"back": 6}, Window(10 * DAY_NS, 30 * DAY_NS))
    judged = judge_sweep(({"back": 6},), [record]).judged[0]
    report = report_run(
        record, judged, strategy="momentum", markets=[MARKET], facts=candle_facts([MARKET], TERMS)
    )
    (chart,) = report.charts
    assert len(chart.markers) == len(record.fills) > 10
    opens = dict(
        zip(MARKET.finest.open_at_ns.tolist(), MARKET.finest.open_ticks.tolist(), strict=True)
    )
    for marker in chart.markers:
        at_ns = marker.at_ns // HOUR_NS * HOUR_NS
        assert marker.price == pytest.approx(opens[at_ns] / 100)
    assert chart.at_ns[0] == 10 * DAY_NS
    assert chart.at_ns[-1] == 30 * DAY_NS


def test_holding_is_the_same_money_in_every_market() -> None:
    markets = (MARKET, market("ETH-USDT", seed=4))
    runner = CandleRunner(Momentum, markets, TERMS)
    record = runner({"back": 6}, WHOLE)
    judged = judge_sweep(({"back": 6},), [record]).judged[0]
    report = report_run(
        record, judged, strategy="m", markets=markets, facts=candle_facts(markets, TERMS)
    )
    assert report.title == "m on BTC-USDT, ETH-USDT"
    assert report.holding is not None
    ratios = [
        float(each.finest.close_ticks[-1]) / float(each.finest.close_ticks[0]) for each in markets
    ]
    assert report.holding.growth()[-1] == pytest.approx(np.mean(ratios))
    assert [len(chart.markers) > 0 for chart in report.charts] == [True, False]


def test_code_has_one_digest() -> None:
    assert code_digest(Momentum) == code_digest(Momentum)
    assert code_digest(Momentum) != code_digest(Scripted)
    assert len(code_digest(Momentum)) == 64


def test_cash_is_said_as_it_is() -> None:
    record = RUNNER({"back": 6}, Window(10 * DAY_NS, 12 * DAY_NS))
    judged = judge_sweep(({"back": 6},), [record]).judged[0]
    terms = tools.settings(cash="1E+3", max_volume_ppm=100_000)
    report = report_run(
        record, judged, strategy="m", markets=[MARKET], facts=candle_facts([MARKET], terms)
    )
    assert terms.cash == Decimal(1000)
    assert report.facts["Cash"] == "1000 USDT"
    assert report.facts["Fills"] == "touch, at most 10 % of a candle's volume"
