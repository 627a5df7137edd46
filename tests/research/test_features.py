"""A row of the matrix holds what was known when its candle was over, and nothing later."""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.features import Feature, read_feature

from tests.research.backtests import MINUTE_NS, walk
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.models.features import feature_matrix

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
