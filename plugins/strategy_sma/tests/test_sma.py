"""The SMA cross on known series: when it buys, when it sells, and how much."""

from __future__ import annotations

from decimal import Decimal

import pytest
from xache_sdk.market import Candle, Candles, Interval, Side
from xache_sdk.orders import Note, OrderStatus, Place
from xache_sdk.settings import SettingsError
from xache_sdk.testing import Rig, ended, filled, make_candle, make_context, make_instrument
from xache_strategy_sma.strategy import SmaCross

NS_PER_S = 1_000_000_000
SETTINGS = {"symbol": "BTC-USDT", "notional": "50", "fast": 2, "slow": 3}


def candle(second: int, close: int, *, closed: bool = True) -> Candle:
    return make_candle(
        make_instrument(), second * NS_PER_S, str(close), interval=Interval.S1, closed=closed
    )


def started(positions: dict[str, str] | None = None) -> Rig:
    rig = Rig(SmaCross, SETTINGS)
    assert rig.start(make_context(positions=positions)) == []
    return rig


def test_it_subscribes_to_the_candles_of_its_source() -> None:
    rig = Rig(SmaCross, SETTINGS | {"venue": "BINANCE", "interval": "1m"})
    assert rig.subscriptions == [Candles("BTC-USDT", "BINANCE", Interval.M1, warm_up=3)]


def test_it_buys_at_the_cross_up_and_sells_what_it_bought_at_the_cross_down() -> None:
    rig = started()
    assert rig.feed(candle(0, 12), candle(1, 10), candle(2, 8)) == []  # 9 < 10: below
    assert rig.feed(candle(3, 9)) == []  # 8.5 < 9: still below
    [buy] = rig.feed(candle(4, 20))  # 14.5 > 12.33: crossed
    assert isinstance(buy, Place)
    assert (buy.side, buy.quote_quantity, buy.price) == (Side.BUY, Decimal(50), None)
    assert rig.feed(filled(buy, Decimal(20), Decimal("2.5"))) == []
    assert rig.feed(candle(5, 22)) == []  # 21 > 17: above, nothing new
    [sell] = rig.feed(candle(6, 5))  # 13.5 < 15.67: crossed back
    assert isinstance(sell, Place)
    assert (sell.side, sell.quantity, sell.price) == (Side.SELL, Decimal("2.5"), None)
    assert sell.id != buy.id
    assert rig.feed(filled(sell, Decimal(5))) == []
    assert rig.feed(candle(7, 4)) == []


def test_a_warm_start_knows_which_is_above() -> None:
    rig = Rig(SmaCross, SETTINGS)
    warm_up = [candle(0, 12), candle(1, 10), candle(2, 8)]
    assert rig.start(make_context(now_ns=3 * NS_PER_S), warm_up) == []
    [buy] = rig.feed(candle(3, 20))
    assert isinstance(buy, Place)
    assert buy.side is Side.BUY


def test_being_above_at_the_start_is_no_cross() -> None:
    assert started().feed(candle(0, 1), candle(1, 2), candle(2, 3), candle(3, 4)) == []


def test_an_open_candle_says_nothing() -> None:
    rig = started()
    assert rig.feed(candle(0, 12), candle(1, 10), candle(2, 8)) == []
    assert rig.feed(candle(3, 100, closed=False)) == []


def test_equal_averages_are_no_cross() -> None:
    rig = started()
    assert rig.feed(candle(0, 12), candle(1, 10), candle(2, 8)) == []
    assert rig.feed(candle(3, 8), candle(4, 8), candle(5, 8)) == []


def test_one_order_at_a_time() -> None:
    rig = started()
    [buy] = rig.feed(*(candle(at, close) for at, close in enumerate((12, 10, 8, 9, 20))))
    assert isinstance(buy, Place)
    # It crosses back while the purchase is unanswered, and sells once it is.
    assert rig.feed(candle(5, 1), candle(6, 1)) == []
    assert rig.feed(filled(buy, Decimal(20), Decimal("2.5"))) == []
    [sell] = rig.feed(candle(7, 0))
    assert isinstance(sell, Place)
    assert (sell.side, sell.quantity) == (Side.SELL, Decimal("2.5"))


def test_a_position_found_at_the_start_is_sold_when_below() -> None:
    rig = started(positions={"BTC-USDT": "0.5"})
    [sell] = rig.feed(candle(0, 12), candle(1, 10), candle(2, 8))
    assert isinstance(sell, Place)
    assert (sell.side, sell.quantity) == (Side.SELL, Decimal("0.5"))


def test_a_refused_sale_waits_for_the_next_cross() -> None:
    rig = started(positions={"BTC-USDT": "0.5"})
    [sell] = rig.feed(candle(0, 12), candle(1, 10), candle(2, 8))
    assert isinstance(sell, Place)
    refusal = ended(sell, OrderStatus.REFUSED, "NOTIONAL_RANGE")
    assert rig.feed(refusal) == [Note("SELL REFUSED: NOTIONAL_RANGE")]
    assert rig.feed(candle(3, 7)) == []  # Not at every candle.
    up_and_down = rig.feed(candle(4, 30), candle(5, 1), candle(6, 1))
    assert [place.side for place in up_and_down if isinstance(place, Place)] == [Side.SELL]


def test_a_rest_too_small_to_sell_does_not_end_its_trading() -> None:
    """A sale that the book could only fill in part leaves it; no order is that small."""
    rig = started(positions={"BTC-USDT": "0.0001"})
    [sell] = rig.feed(candle(0, 12), candle(1, 10), candle(2, 8))
    assert isinstance(sell, Place)
    rig.feed(ended(sell, OrderStatus.REFUSED, "NOTIONAL_RANGE"))
    [buy] = rig.feed(candle(3, 9), candle(4, 20))
    assert isinstance(buy, Place)
    assert buy.side is Side.BUY
    rig.feed(filled(buy, Decimal(20), Decimal("2.5")))
    [sell] = rig.feed(candle(5, 22), candle(6, 5))
    assert isinstance(sell, Place)
    assert sell.quantity == Decimal("2.5001")


def test_a_refused_purchase_leaves_it_flat() -> None:
    rig = started()
    [buy] = rig.feed(*(candle(at, close) for at, close in enumerate((12, 10, 8, 9, 20))))
    assert isinstance(buy, Place)
    rig.feed(ended(buy, OrderStatus.REFUSED, "INSUFFICIENT_FUNDS"))
    assert rig.feed(candle(5, 1), candle(6, 1)) == []


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"fast": 3}, "fast is at least 1 and less than slow"),
        ({"notional": "0"}, "notional: is more than 0 quote, not 0"),
        ({"interval": "7s"}, "interval: is one of '1s'"),
    ],
)
def test_settings_that_make_no_sense(change: dict[str, object], mistake: str) -> None:
    with pytest.raises(SettingsError, match=mistake):
        Rig(SmaCross, SETTINGS | change)
