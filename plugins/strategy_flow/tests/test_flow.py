"""The flow mirrors a tape: same side, scaled size, nothing lost, never too fast."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.market import Side, Trade, Trades
from xache_sdk.orders import Intent, Place, TimeInForce
from xache_sdk.settings import SettingsError
from xache_sdk.testing import Rig, make_context, make_instrument, make_trade
from xache_strategy_flow.strategy import Flow

NS_PER_S = 1_000_000_000
SETTINGS = {"symbol": "BTC-USDT", "slippage_bp": "10"}


def trade(side: Side, quantity: str, price: str = "60000.00", at_ns: int = 0) -> Trade:
    return make_trade(make_instrument(), at_ns, price, quantity, side=side, venue="BINANCE")


def started(**settings: object) -> Rig:
    rig = Rig(Flow, SETTINGS | settings)
    assert rig.start(make_context(make_instrument(min_notional="5"))) == []
    return rig


def places(intents: Sequence[Intent]) -> list[Place]:
    assert all(isinstance(intent, Place) for intent in intents)
    return [intent for intent in intents if isinstance(intent, Place)]


def test_it_subscribes_to_the_venues_tape() -> None:
    assert Rig(Flow, SETTINGS).subscriptions == [Trades("BTC-USDT", "BINANCE")]


def test_each_trade_becomes_an_order_that_takes() -> None:
    buy, sell = places(
        started().feed(trade(Side.BUY, "0.01"), trade(Side.SELL, "0.02", price="59999.99"))
    )
    assert (buy.side, buy.quantity, buy.price) == (Side.BUY, Decimal("0.01"), Decimal("60060.00"))
    assert buy.time_in_force is TimeInForce.IOC
    assert (sell.side, sell.quantity) == (Side.SELL, Decimal("0.02"))
    # 59999.99 less 0.1 % is 59939.99001, and an order's price is a whole tick.
    assert sell.price == Decimal("59939.99")
    assert buy.id != sell.id


def test_what_is_too_small_is_carried_over_on_its_side() -> None:
    rig = started()
    assert rig.feed(trade(Side.BUY, "0.00005"), trade(Side.SELL, "0.00005")) == []  # 3 USDT each
    [buy] = places(rig.feed(trade(Side.BUY, "0.00005")))
    assert (buy.side, buy.quantity) == (Side.BUY, Decimal("0.00010"))


def test_size_is_scaled_and_the_rest_of_a_lot_carried() -> None:
    rig = started(scale="0.5")
    [first] = places(rig.feed(trade(Side.BUY, "0.00101")))
    [second] = places(rig.feed(trade(Side.BUY, "0.00101")))
    assert (first.quantity, second.quantity) == (Decimal("0.00050"), Decimal("0.00051"))


def test_the_rate_is_bounded_by_the_time_of_the_tape() -> None:
    rig = started(orders_per_s=2)
    at_once = places(rig.feed_all(trade(Side.BUY, "0.01", at_ns=index) for index in range(5)))
    assert len(at_once) == 2
    [later] = places(rig.feed(trade(Side.BUY, "0.01", at_ns=NS_PER_S)))
    assert later.quantity == Decimal("0.04")  # What was held back, and its own.


def test_what_is_carried_is_bounded() -> None:
    rig = started(orders_per_s=1, carry_max="0.02")
    rig.feed_all(trade(Side.BUY, "0.01", at_ns=index) for index in range(9))
    [later] = places(rig.feed(trade(Side.BUY, "0.01", at_ns=NS_PER_S)))
    assert later.quantity == Decimal("0.03")


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 100_000)), max_size=60))
def test_nothing_is_lost_or_made_up(tape: list[tuple[Side, int]]) -> None:
    rig = started(orders_per_s=1_000, carry_max="1000", scale="0.7")
    sent = dict.fromkeys(Side, Decimal(0))
    seen = dict.fromkeys(Side, Decimal(0))
    for side, lots in tape:
        quantity = Decimal(lots) / 100_000
        seen[side] += quantity * Decimal("0.7")
        for place in places(rig.feed(trade(side, str(quantity)))):
            assert place.quantity is not None
            assert place.price is not None
            assert make_instrument().accepts(place.quantity, place.price)
            sent[side] += place.quantity
        # What is not sent is less than the smallest order.
        assert 0 <= seen[side] - sent[side] < Decimal("0.0001")


@pytest.mark.parametrize("change", [{"scale": "0"}, {"slippage_bp": "10000"}, {"orders_per_s": 0}])
def test_settings_that_make_no_sense(change: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        Rig(Flow, SETTINGS | change)
