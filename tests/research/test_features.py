"""A row of the matrix holds what was known when its candle was over, and nothing later."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.features import Feature, read_feature
from xache_sdk.market import Interval
from xache_sdk.signals import UNKNOWN

from tests.research.backtests import MINUTE_NS, walk
from xached.research.history.candle_set import EXTRAS, CandleSet, DataError
from xached.research.models.features import feature_matrix, known_extras
from xached.research.models.model_walk import usual_features
from xached.research.models.resampling import resampled

FEATURES = tuple(
    read_feature(text)
    for text in (
        "return:3", "volatility:5", "z_score:4", "channel:6", "volume:4", "hour:1",
        "ETH-USDT/return:2", "ETH-USDT/range:7",
        "pressure:3", "funding:1", "ETH-USDT/ahead:3", "ETH-USDT/unrest:4",
    )
)  # fmt: skip


def without(candles: CandleSet, gone: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> CandleSet:
    """The candles without some of them."""
    names = [each.name for each in attrs.fields(CandleSet) if each.name.endswith(("_ns", "s"))]
    return attrs.evolve(
        candles, **{name: getattr(candles, name)[~gone] for name in names if name in COLUMNS}
    )


COLUMNS = ("open_at_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(20, 80), st.data())
def test_no_row_knows_what_came_after_it(seed: int, count: int, data: st.DataObject) -> None:
    own = walk(seed, count)
    chance = np.random.default_rng(seed)
    other = without(walk(seed + 1, count, symbol="ETH-USDT"), chance.random(count) < 0.2)
    whole = feature_matrix(FEATURES, own, {"ETH-USDT": other})
    cut = data.draw(st.integers(15, count))
    until_ns = int(own.ends_ns[cut - 1])
    seen = other.rows(0, int(np.searchsorted(other.ends_ns, until_ns, side="right")))
    part = feature_matrix(FEATURES, own.rows(0, cut), {"ETH-USDT": seen})
    assert part.values.tobytes() == np.ascontiguousarray(whole.values[:cut]).tobytes()
    assert part.first == min(whole.first, cut)


def test_another_market_is_taken_at_its_newest_candle_that_was_over() -> None:
    own, other = walk(1, 12), walk(2, 12, symbol="ETH-USDT")
    gone = np.zeros(12, dtype=np.bool_)
    gone[[5, 8, 9, 10, 11]] = True
    feature = Feature("channel", 1, "ETH-USDT")
    there = feature_matrix((feature,), own, {"ETH-USDT": other}).values[:, 0]
    holey = feature_matrix((feature,), own, {"ETH-USDT": without(other, gone)}).values[:, 0]
    assert holey[:5].tolist() == there[:5].tolist()
    assert holey[5] == there[4]
    assert holey[8:11].tolist() == [there[7]] * 3
    assert np.isnan(holey[11]), "a market that is quiet for long says nothing"


def test_rows_before_the_longest_warm_up_are_not_used() -> None:
    own = walk(1, 50)
    late = walk(2, 40, symbol="ETH-USDT", first=10)
    matrix = feature_matrix(FEATURES, own, {"ETH-USDT": late})
    assert matrix.first == 10 + 8 - 1
    assert bool(np.isfinite(matrix.values[matrix.first :]).all())
    assert matrix.ends_ns[0] == MINUTE_NS


def knowing(candles: CandleSet, seed: int) -> CandleSet:
    """The same, with what takers bought of each candle but some, and what was said."""
    chance = np.random.default_rng(seed)
    extras = {
        "bought_lots": chance.integers(0, candles.volume_lots + 1),
        "sentiment_ppm": chance.integers(-(10**6), 10**6, len(candles)),
    }
    for column in extras.values():
        column[chance.random(len(candles)) < 0.1] = UNKNOWN
    return attrs.evolve(candles, extras=extras)


def test_what_takers_bought_is_a_feature_where_the_history_knows_it() -> None:
    own, other = knowing(walk(1, 40), 1), knowing(walk(2, 40, symbol="ETH-USDT"), 2)
    texts = ("taker_flow:1", "sentiment:1", "ETH-USDT/taker_flow:2")
    matrix = feature_matrix(tuple(map(read_feature, texts)), own, {"ETH-USDT": other})
    known = own.extras["bought_lots"] != UNKNOWN
    assert np.isnan(matrix.values[:, 0]).tolist() == (~known).tolist()
    flow = (2 * own.extras["bought_lots"] - own.volume_lots) / own.volume_lots
    assert matrix.values[known, 0].tolist() == flow[known].tolist()
    with pytest.raises(DataError, match="taker_flow:1 needs what the history of BTC-USDT"):
        feature_matrix((read_feature("taker_flow:1"),), walk(1, 30), {})
    assert known_extras(walk(1, 30)) == frozenset()
    assert Feature("taker_flow", 8) in usual_features((), {"bought_lots"})
    assert not any(each.needs for each in usual_features(()))


def test_longer_candles_know_what_all_of_their_parts_know() -> None:
    minutes = knowing(walk(3, 60), 3)
    joined = resampled(minutes, Interval.M5)
    bought, said = (minutes.extras[name].reshape(-1, 5) for name in EXTRAS)
    whole = np.where((bought == UNKNOWN).any(axis=1), UNKNOWN, bought.sum(axis=1))
    assert joined.extras["bought_lots"].tolist() == whole.tolist()
    assert joined.extras["sentiment_ppm"].tolist() == said[:, -1].tolist()


def test_a_missing_market_is_named() -> None:
    with pytest.raises(DataError, match="ETH-USDT/return:2 needs 1m candles of ETH-USDT"):
        feature_matrix(FEATURES, walk(1, 30), {})


def test_a_comparison_is_the_difference_of_two_markets() -> None:
    own, other = walk(1, 40), walk(2, 40, symbol="ETH-USDT")
    named = tuple(map(read_feature, ("ETH-USDT/ahead:3", "return:3", "ETH-USDT/return:3")))
    matrix = feature_matrix(named, own, {"ETH-USDT": other})
    ahead, mine, theirs = matrix.values[matrix.first :].T
    assert matrix.first == 3
    assert (ahead == mine - theirs).all()
