"""Impact of one's own size: the law by hand, that nothing is known early, and capacity felt."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from xache_sdk.market import Candles, Interval, Side
from xache_sdk.orders import Place

from tests.research.backtests import Scripted, candle_set, market, settings, walk
from xached.research.backtest.impact import IMPACT_PPM_MAX, ImpactFigures
from xached.research.backtest.run import Run
from xached.research.backtest.terms import MarketData, open_market
from xached.research.judgement.capacity import capacity_curve

HOUR_NS = 3_600 * 10**9


def figures(data: MarketData) -> ImpactFigures:
    finest = data.finest
    return ImpactFigures(
        finest.open_at_ns, finest.open_ticks, finest.close_ticks, finest.volume_lots,
        finest.interval_ns,
    )  # fmt: skip


def swinging(hours: int, volume: int = 10_000) -> MarketData:
    """Closes that go up and down by exactly one percent of 10,000 and 10,100 in turn."""
    rows = [
        (10_000, 10_100, 10_000, 10_100) if hour % 2 == 0 else (10_100, 10_100, 10_000, 10_000)
        for hour in range(hours)
    ]
    return market(*rows, interval=Interval.H1, volume=volume)


def test_the_law_by_hand() -> None:
    """24 hours of +1 % and -100/10,100 in turn: s = sqrt(12 x 0.01^2 + 12 x (1/101)^2) = 4.8745 %
    of a day; V = 240,000 lots. A taker of 2,400 lots is 1 % of it: sqrt is 0.1, so 0.48745 %."""
    told = figures(swinging(49))
    assert told.sigma_ppm[30] == 48_748
    assert told.volume_lots[30] == 240_000
    assert told.ppm(30, 2_400, 1_000_000) == 4_875
    assert told.ppm(30, 240_000, 1_000_000) == 48_748
    assert told.ppm(30, 2_400, 500_000) == 2_438
    assert told.ppm(30, 0, 1_000_000) == 0


def test_four_times_the_size_is_twice_the_impact() -> None:
    told = figures(swinging(49))
    for lots in (100, 900, 10_000):
        one, four = told.ppm(40, lots, 1_000_000), told.ppm(40, 4 * lots, 1_000_000)
        assert abs(four - 2 * one) <= 2


def test_a_shorter_past_is_scaled_to_a_day() -> None:
    """Six hours with 60,000 lots: a day of it would have 240,000."""
    told = figures(swinging(49))
    assert told.volume_lots[6] == 240_000
    assert told.sigma_ppm[6] == pytest.approx(48_748, abs=200)
    assert told.volume_lots[0] == told.volume_lots[1] == 240_000


def test_candles_of_a_day_and_longer() -> None:
    rows = [(100, 110, 90, 101 + n % 2) for n in range(10)]
    told = figures(market(*rows, interval=Interval.D1, volume=7_000))
    assert told.volume_lots[5] == 7_000


def test_where_nothing_was_traded_the_worst_is_taken() -> None:
    told = figures(swinging(10, volume=0))
    assert told.ppm(5, 1, 1_000_000) == IMPACT_PPM_MAX


def test_nothing_is_known_before_its_time() -> None:
    whole = walk(3, 2_000, interval=Interval.M15)
    told = figures(open_market(whole))
    for cut in (2, 50, 97, 700, 1_500):
        part = figures(open_market(whole.rows(0, cut)))
        assert np.array_equal(part.sigma_ppm[1:], told.sigma_ppm[1:cut])
        assert np.array_equal(part.volume_lots[1:], told.volume_lots[1:cut])


def place(lots: int, side: Side = Side.BUY, **terms: object) -> Place:
    quantity = Decimal(lots) / 1_000
    return Place(id=f"{side.name}-{lots}", symbol="BTC-USDT", side=side, quantity=quantity, **terms)  # type: ignore[arg-type]  # the terms of an order


def run(script: dict[int, list[Place]], **terms: object) -> Run:
    lane = Candles("BTC-USDT", "TEST", Interval.H1)
    run = Run([Scripted(script, subscriptions=[lane])], [swinging(49)], settings(**terms))  # type: ignore[arg-type]  # the terms of a run
    run.finish()
    return run


def test_what_a_taker_pays_by_hand() -> None:
    """Told the 30th candle, it meets the open of the 31st, at 10,000: 0.4875 % is 48.75 ticks, and
    against the taker 49."""
    made = run({29: [place(2_400)]}, impact_ppm=1_000_000)
    assert [fill.price_ticks for fill in made.account.fills] == [10_049]
    made = run({29: [place(2_400)], 31: [place(2_400, Side.SELL)]}, impact_ppm=0)
    assert [fill.price_ticks for fill in made.account.fills] == [10_000, 10_000]


def test_it_adds_to_spread_and_slippage() -> None:
    """1,000 + 500 + 4,875 parts per million of 10,000 ticks."""
    made = run({29: [place(2_400)]}, impact_ppm=1_000_000, half_spread_ppm=1_000, slippage_ppm=500)
    assert [fill.price_ticks for fill in made.account.fills] == [10_064]


def test_a_limit_is_never_passed() -> None:
    made = run({29: [place(2_400, price=Decimal("100.20"))]}, impact_ppm=1_000_000)
    assert [fill.price_ticks for fill in made.account.fills] == [10_020]


def test_a_size_counts_for_impact_and_volume_and_not_for_money() -> None:
    """A hundred times 24 lots are 2,400 lots; of 10,000 lots a tenth may be traded: 10 of 24."""
    made = run({29: [place(24)]}, impact_ppm=1_000_000, size=100)
    (fill,) = made.account.fills
    assert (fill.price_ticks, fill.quantity_lots) == (10_049, 24)
    made = run({29: [place(24)]}, impact_ppm=1_000_000, size=100, max_volume_ppm=100_000)
    (fill,) = made.account.fills
    assert fill.quantity_lots == 10


def test_capacity_is_felt() -> None:
    """A strategy that earns a little on each trade earns less the larger it is."""
    # Up by one percent in odd hours, and a drift that buys at the low and sells at the high.
    rows = [
        (10_000, 10_100, 10_000, 10_100) if hour % 2 == 0 else (10_100, 10_100, 10_000, 10_000)
        for hour in range(24 * 90)
    ]
    noisy = [
        (open_, high + n % 7, low - n % 5, close)
        for n, (open_, high, low, close) in enumerate(rows)
    ]
    data = open_market(
        candle_set(*noisy, interval=Interval.H1, volume=10_000), maker_fee_ppm=0, taker_fee_ppm=0
    )
    script = {}
    for hour in range(25, 24 * 90 - 2):
        side = Side.BUY if hour % 2 else Side.SELL
        script[hour] = [_order(hour, side)]
    lane = Candles("BTC-USDT", "TEST", Interval.H1)
    records = []
    for size in (1, 10, 100):
        terms = settings("10000", impact_ppm=1_000_000, size=size)
        result = Run([Scripted(script, subscriptions=[lane])], [data], terms).finish()
        records.append(result.track_record())
    curve = capacity_curve((1, 10, 100), records)
    returns = [point.performance.time_weighted_return for point in curve.points]
    assert returns[0] > returns[1] > returns[2]
    assert returns[0] > 0
    assert curve.capacity is not None
    assert 1 < curve.capacity < 100


def _order(hour: int, side: Side) -> Place:
    return Place(id=f"o{hour}", symbol="BTC-USDT", side=side, quantity=Decimal("0.1"))
