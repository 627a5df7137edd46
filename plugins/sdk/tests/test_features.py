"""Features are the same bit for bit streaming and over columns, from wherever they begin."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.features import KINDS, Feature, read_feature
from xache_sdk.market import Candle, Interval
from xache_sdk.signals import UNKNOWN, CandleColumns
from xache_sdk.testing import make_instrument

INSTRUMENT = make_instrument()
COLUMNS = ("open_at_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")


def make_candles(seed: int, count: int) -> list[Candle]:
    """A walk with quiet candles, leaps and candles without volume."""
    chance = random.Random(seed)
    candles, close = [], 50_000
    for number in range(count):
        opened = close
        close = max(1, close + chance.choice((0, 0, 1, -1, 900, -900, 7)))
        high, low = max(opened, close) + chance.choice((0, 3)), max(1, min(opened, close))
        volume = chance.choice((0, 5, 10**12))
        candles.append(
            Candle(
                INSTRUMENT, "TEST", Interval.M15, number * Interval.M15.ns,
                opened, high, low, close, volume,
                bought_lots=chance.choice((None, *[chance.randint(0, volume)] * 9)),
                sentiment_ppm=chance.choice((None, *[chance.randint(-(10**6), 10**6)] * 9)),
            )
        )  # fmt: skip
    return candles


def columns_of(candles: list[Candle]) -> CandleColumns:
    """The same candles as columns."""
    table = {
        name: np.array([getattr(each, name) for each in candles], dtype=np.int64)
        for name in COLUMNS
    }
    for name in ("bought_lots", "sentiment_ppm"):
        values = [getattr(each, name) for each in candles]
        table[name] = np.array([UNKNOWN if v is None else v for v in values], dtype=np.int64)
    return CandleColumns(instrument=INSTRUMENT, venue="TEST", interval=Interval.M15, **table)


def streamed(feature: Feature, candles: list[Candle]) -> list[float]:
    """Values one after the other, NaN for None."""
    step = feature.step()
    return [math.nan if (value := step(each)) is None else value for each in candles]


def same_bits(one: object, other: object) -> bool:
    """Whether two columns are equal to the bit; NaN equals NaN."""
    left, right = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    nans = bool(np.array_equal(np.isnan(left), np.isnan(right)))
    known = ~np.isnan(left)
    return nans and left[known].tobytes() == right[known].tobytes()


FEATURES = st.builds(
    lambda kind, window: Feature(kind, min(max(window, KINDS[kind].least), KINDS[kind].most)),
    st.sampled_from(sorted(name for name, kind in KINDS.items() if kind.compares is None)),
    st.integers(1, 12),
)


@settings(max_examples=150, deadline=None)
@given(FEATURES, st.integers(0, 10**6), st.integers(0, 60), st.data())
def test_a_feature_is_one_number_however_it_is_computed(
    feature: Feature, seed: int, count: int, data: st.DataObject
) -> None:
    candles = make_candles(seed, count)
    whole = feature.batch(columns_of(candles))
    assert same_bits(whole, streamed(feature, candles))
    # Nothing that comes later changes what is known.
    cut = data.draw(st.integers(0, count))
    assert same_bits(whole[:cut], feature.batch(columns_of(candles[:cut])))
    # Nothing from before its warm-up is remembered.
    late = data.draw(st.integers(0, count))
    begun_later = streamed(feature, candles[late:])
    assert same_bits(whole[late:][feature.warm_up - 1 :], begun_later[feature.warm_up - 1 :])
    # It is known from its warm-up on and not before, if all is known that it looks at.
    known = ~np.isnan(whole)
    if feature.needs:
        given = [getattr(each, feature.needs) is not None for each in candles]
        known_windows = [
            number >= feature.warm_up and all(given[number - feature.window : number])
            for number in range(1, count + 1)
        ]
        assert known.tolist() == known_windows
        return
    assert known.tolist() == [number >= feature.warm_up for number in range(1, count + 1)]


def test_by_hand() -> None:
    candles = [
        Candle(INSTRUMENT, "T", Interval.H1, hour * Interval.H1.ns, *row)
        for hour, row in enumerate(
            [(100, 110, 90, 100, 10), (100, 120, 100, 110, 30), (110, 110, 88, 99, 20)]
        )
    ]
    values = {
        text: streamed(read_feature(text), candles)[-1]
        for text in (
            "return:1", "return:2", "channel:3", "range:2", "volume:3", "signed_volume:2",
            "hour:1", "weekday:1", "distance:3", "pressure:2", "funding:1",
        )
    }  # fmt: skip
    assert values == {
        "return:1": -0.1,
        "return:2": -0.01,
        "channel:3": 11 / 32,
        "range:2": 21 / 99,
        "volume:3": 1.0,
        "signed_volume:2": 0.2,
        "hour:1": 3.0,
        "weekday:1": 3.0,  # 1 January 1970 was a Thursday
        "distance:3": 99 / 103 - 1,
        "pressure:2": (0 + 0) / 42,
        "funding:1": 3.0,
    }


def test_pressure_is_where_candles_close() -> None:
    rows = [(100, 110, 90, 110, 10), (110, 130, 110, 110, 30), (110, 120, 110, 115, 20)]
    candles = [
        Candle(INSTRUMENT, "T", Interval.H1, hour * Interval.H1.ns, *row)
        for hour, row in enumerate(rows)
    ]
    assert streamed(Feature("pressure", 1), candles) == [1.0, -1.0, 0.0]
    assert streamed(Feature("pressure", 2), candles)[1:] == [0.0, -20 / 30]


def test_what_takers_bought_and_what_was_said() -> None:
    hours = [
        Candle(
            INSTRUMENT, "T", Interval.H1, 0, 1, 1, 1, 1, 10, bought_lots=10, sentiment_ppm=-500_000
        ),
        Candle(
            INSTRUMENT, "T", Interval.H1, 1, 1, 1, 1, 1, 30, bought_lots=5, sentiment_ppm=250_000
        ),
        Candle(INSTRUMENT, "T", Interval.H1, 2, 1, 1, 1, 1, 0, bought_lots=0),
        Candle(INSTRUMENT, "T", Interval.H1, 3, 1, 1, 1, 1, 8),
    ]
    assert streamed(Feature("taker_flow", 2), hours)[1:3] == [(10 - 20) / 40, -20 / 30]
    assert math.isnan(streamed(Feature("taker_flow", 1), hours)[3])
    assert streamed(Feature("taker_flow", 1), hours)[:3] == [1.0, -20 / 30, 0.0]
    assert streamed(Feature("sentiment", 2), hours)[1] == -0.125
    assert math.isnan(streamed(Feature("sentiment", 1), hours)[2])


def test_what_compares_is_made_of_both_markets() -> None:
    feature = read_feature("ETH-USDT/ahead:4")
    assert feature.parts == (read_feature("return:4"), read_feature("ETH-USDT/return:4"))
    assert feature.joined([0.5, 0.125]) == 0.375
    alone = read_feature("ETH-USDT/return:4")
    assert alone.parts == (alone,)
    assert alone.joined([0.5]) == 0.5


@pytest.mark.parametrize("text", ["return:4", "ETH-USDT/volatility:12", "ETH-USDT/ahead:4"])
def test_a_feature_reads_as_it_is_written(text: str) -> None:
    assert str(read_feature(text)) == text


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("return", "KIND:WINDOW"),
        ("magic:4", "no feature 'magic'"),
        ("return:0", "a window is 1 to 4000"),
        ("z_score:1", "a window is 2 to"),
        ("return:9999", "a window is 1 to 4000"),
        ("ahead:4", "compares with another market"),
    ],
)
def test_what_is_no_feature(text: str, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake):
        read_feature(text)
