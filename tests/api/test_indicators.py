"""Indicators over the candles of the house."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio.testing
from xache.v1 import market_pb2
from xache_sdk.indicators.registry import INDICATORS, make_indicator, run_over

from tests.actors.market_house import CommandedFeed, RowsExchange, running
from tests.api.trading_house import call_of
from tests.storage.house import INSTRUMENT, SYMBOL
from xached.api.errors import status_of
from xached.api.indicators import IndicatorHandlers
from xached.automation.indicators import LEAD_MAX
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Asset, AssetName, Directory
from xached.domain.market import Provenance
from xached.domain.market_line import MarketLine
from xached.domain.rejection import Rejection

CALL = call_of("alice")
DAY_NS = Interval.D1.ns
FIRST_NS = 20_000 * DAY_NS


@attrs.define
class Stored:
    """Candles, as the storage hands them out, and how many were asked for."""

    candles: list[Candle]
    asked: list[int] = attrs.field(factory=list)

    async def older(
        self,
        line: MarketLine,
        interval: Interval,
        from_ns: int,
        to_ns: int | None,
        limit: int,
    ) -> list[Candle]:
        self.asked.append(limit)
        found = [
            each
            for each in self.candles
            if from_ns <= each.open_at_ns and (to_ns is None or each.open_at_ns < to_ns)
        ]
        return found[-limit:]


def candles_of(
    count: int, interval: Interval = Interval.M1, first_ns: int = FIRST_NS
) -> list[Candle]:
    chance = random.Random(7)
    made = []
    close = 500_000
    for number in range(count):
        start, close = close, close + chance.randint(-90, 90)
        made.append(
            Candle(
                interval=interval,
                open_at_ns=first_ns + number * interval.ns,
                open_ticks=start,
                high_ticks=max(start, close) + chance.randint(0, 40),
                low_ticks=min(start, close) - chance.randint(0, 40),
                close_ticks=close,
                volume_lots=chance.randint(0, 9_000),
                trades=3,
                simulated_trades=0,
                closed=number < count - 1,
            )
        )
    return made


@attrs.define
class Edge:
    """The handlers, and what the storage has."""

    handlers: IndicatorHandlers
    stored: Stored

    async def values(self, indicator: str, *settings: str, **more: Any) -> Any:
        terms = {"interval": market_pb2.INTERVAL_1M, **more}
        request = market_pb2.ListIndicatorValuesRequest(
            symbol=SYMBOL, venue="BINANCE", indicator=indicator, settings=settings, **terms
        )
        return await self.handlers.list_indicator_values(CALL, request)


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    directory = Directory()
    for name, scale in (("BTC", 8), ("USDT", 6)):
        directory.list_asset(Asset(AssetName(name), scale))
    directory.list_instrument(INSTRUMENT)
    feed = CommandedFeed(Provenance.RECORDED)
    async with running(tmp_path, RowsExchange(5), feed=feed) as house:
        stored = Stored(candles_of(3_000))
        house.data.older_candles = stored.older
        yield Edge(IndicatorHandlers(house.data, directory), stored)


@pytest.mark.parametrize("name", sorted(set(INDICATORS) - {"order_book_imbalance", "vwap"}))
async def test_points_are_what_a_strategy_computes(
    edge: Edge, autojump_clock: trio.testing.MockClock, name: str
) -> None:
    answer = await edge.values(name, limit=50)
    candles = edge.stored.candles[-edge.stored.asked[0] :]
    indicator = make_indicator(name, {})
    inputs = [each.value for each in indicator.about.inputs]
    columns = {each: [getattr(candle, each) for candle in candles] for each in inputs}
    scales = {"ticks": 0.1, "lots": float(INSTRUMENT.lot_size)}
    for place, (output, values) in enumerate(run_over(indicator, columns).items()):
        unit = indicator.about.units[place].value
        told = [point.values[place] for point in answer.points]
        assert told == pytest.approx((values[-50:] * scales.get(unit, 1.0)).tolist(), rel=1e-14)
        assert answer.indicator.outputs[place].name == output
    assert [point.open_at_ns for point in answer.points] == [
        candle.open_at_ns for candle in candles[-50:]
    ]
    assert [point.closed for point in answer.points] == [True] * 49 + [False]


async def test_settings_are_taken_and_told(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    answer = await edge.values("bollinger", "window=3", "deviations=1.5", limit=1)
    assert list(answer.settings) == ["window=3", "deviations=1.5"]
    closes = [candle.close_ticks for candle in edge.stored.candles[-3:]]
    assert answer.points[0].values[1] == pytest.approx(sum(closes) / 30, rel=1e-14)


async def test_too_young_a_market_has_fewer_points(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    del edge.stored.candles[16:]
    assert len((await edge.values("rsi", "window=14")).points) == 2
    assert len((await edge.values("rsi", "window=15")).points) == 1
    assert len((await edge.values("rsi", "window=16")).points) == 0
    assert len((await edge.values("rsi", to_ns=1)).points) == 0


async def test_the_average_price_of_a_day_counts_the_whole_day(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    """Its second day begins at minute 1,440, its third at 2,880."""
    answer = await edge.values("vwap", limit=120)
    today = edge.stored.candles[2 * 1_440 :]
    volume = sum(candle.volume_lots for candle in today)
    flow = sum(
        (each.high_ticks + each.low_ticks + each.close_ticks) * each.volume_lots for each in today
    )
    assert len(answer.points) == 120
    assert answer.points[-1].values[0] == pytest.approx(flow / volume / 30, rel=1e-14)


async def test_a_day_that_is_not_looked_at_in_full_has_no_average_price(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    """Midnight is 500 seconds ago. Checked by letting the other 500 points be told."""
    first_ns = FIRST_NS - 3_500 * Interval.S1.ns
    edge.stored.candles[:] = candles_of(4_000, Interval.S1, first_ns)
    answer = await edge.values("vwap", interval=market_pb2.INTERVAL_1S, limit=1_000)
    assert len(answer.points) == 500
    assert answer.points[0].open_at_ns == FIRST_NS


async def test_all_indicators_of_candles_are_listed(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    answer = await edge.handlers.list_indicators(CALL, market_pb2.ListIndicatorsRequest())
    listed = {each.name: each for each in answer.indicators}
    assert set(INDICATORS) - set(listed) == {"order_book_imbalance"}
    assert [each.name for each in listed["macd"].parameters] == ["fast", "slow", "signal"]
    assert listed["bollinger"].parameters[1].default_value == 2.0
    assert [each.unit for each in listed["supertrend"].outputs] == [
        market_pb2.INDICATOR_UNIT_PRICE,
        market_pb2.INDICATOR_UNIT_RATIO,
    ]
    assert all(each.title and each.source for each in answer.indicators)
    assert {name for name, each in listed.items() if any(o.is_price for o in each.outputs)} == {
        "sma", "ema", "wma", "dema", "tema", "parabolic_sar", "supertrend", "ichimoku",
        "bollinger", "keltner", "donchian", "vwap",
    }, "a difference of prices is no price"  # fmt: skip
    assert [each.is_price for each in listed["supertrend"].outputs] == [True, False]


async def test_one_call_looks_at_so_many_candles_at_most(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    await edge.values("sma", "window=300", limit=1_000)
    await edge.values("vwap", limit=1)
    assert max(edge.stored.asked) == LEAD_MAX + 1_000


@pytest.mark.parametrize(
    ("indicator", "settings", "reason", "text"),
    [
        ("sme", [], "UNKNOWN_INDICATOR", "no such indicator"),
        ("order_book_imbalance", [], "UNKNOWN_INDICATOR", "no such indicator"),
        ("sma", ["window=0"], "INDICATOR_SETTINGS", "window is from 1"),
        ("sma", ["windows=3"], "INDICATOR_SETTINGS", "no setting 'windows'"),
        ("sma", ["window=3", "window=4"], "INDICATOR_SETTINGS", "given twice"),
        ("sma", ["window"], "INDICATOR_SETTINGS", "name=value"),
        ("sma", ["window=301"], "INDICATOR_SETTINGS", "needs 301 candles, at most 300"),
        ("bollinger", ["deviations=nan"], "INDICATOR_SETTINGS", "deviations is from 0"),
        ("sma", ["window=" + "9" * 5_000], "INDICATOR_SETTINGS", "whole number"),
    ],
    ids=str,
)
async def test_what_cannot_be_computed_is_refused_by_name(
    edge: Edge,
    autojump_clock: trio.testing.MockClock,
    indicator: str,
    settings: list[str],
    reason: str,
    text: str,
) -> None:
    with pytest.raises(Rejection, match=text) as caught:
        await edge.values(indicator, *settings)
    status = status_of(caught.value)
    assert status is not None
    assert status.reason == reason
    assert status.facts["allowed"]
    assert edge.stored.asked == []
