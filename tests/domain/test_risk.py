"""Bands and limits of a purse."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.test_instrument import make_instrument
from xached.domain.instrument import AssetName
from xached.domain.order import Side
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk import RiskLimits, band_ticks, check_band, check_limits
from xached.domain.risk_bounds import Window

UP = st.integers(1, 5_000_000)
DOWN = st.integers(1, 1_000_000)


@given(st.integers(1, 10**15), UP, DOWN, UP, DOWN, st.sampled_from(Side))
def test_a_band_rounds_inwards(
    reference: int, buy_up: int, buy_down: int, sell_up: int, sell_down: int, side: Side
) -> None:
    instrument = make_instrument(
        buy_band_up_ppm=buy_up,
        buy_band_down_ppm=buy_down,
        sell_band_up_ppm=sell_up,
        sell_band_down_ppm=sell_down,
    )
    up, down = (buy_up, buy_down) if side is Side.BUY else (sell_up, sell_down)
    lowest = Fraction(reference * (1_000_000 - down), 1_000_000)
    highest = Fraction(reference * (1_000_000 + up), 1_000_000)
    low, high = band_ticks(instrument, side, reference)
    assert low - 1 < lowest <= low <= reference <= high <= highest < high + 1
    for inside in (low, high):
        check_band(instrument, inside, (low, high))
    for outside, nearest in ((low - 1, low), (high + 1, high)):
        with pytest.raises(Rejection) as refused:
            check_band(instrument, outside, (low, high))
        assert refused.value.reason is Reason.PRICE_BAND
        assert refused.value.facts["nearest"] == instrument.format_price(nearest)


def test_what_is_not_known_is_not_allowed() -> None:
    instrument = make_instrument()
    nothing = RiskLimits(10, {})
    other = RiskLimits(10, {AssetName("EUR"): 10**30})
    for limits in (None, nothing, other):
        with pytest.raises(Rejection) as refused:
            check_limits(limits, instrument, 1, 0)
        assert refused.value.reason is Reason.LIMITS_UNKNOWN
    check_limits(RiskLimits(1, {AssetName("USDT"): 1}), instrument, 1, 0)


def test_a_minutes_notional_is_kept_once_for_each_second_and_asset() -> None:
    """However many orders come: what is kept is gone through for every order."""
    window = Window()
    for number in range(1_000):
        window.add(61_000_000_000 + number, AssetName("USDT" if number % 2 else "BTC"), 3)
    window.add(120_000_000_000, AssetName("USDT"), 5)
    assert len(window.entries) == 3
    assert window.units(120_999_999_999, AssetName("USDT")) == 1_505
    assert window.units(121_000_000_000, AssetName("USDT")) == 5
    window.add(121_000_000_000, AssetName("BTC"), 1)
    assert len(window.entries) == 2
