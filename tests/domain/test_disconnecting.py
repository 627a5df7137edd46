"""Streams whose end cancels orders: once, in scope, and also after a restart.

Checked by breaking, each seen red: a stream that is forgotten by a snapshot, and one that cancels
a second time.
"""

from __future__ import annotations

import pytest

from tests.storage.house import MARK_TICKS, PURSES, SYMBOL, House
from xached.domain.disconnect_messages import (
    ArmDisconnect,
    Disconnect,
    DisconnectArmed,
    Disconnected,
)
from xached.domain.disconnecting import STREAMS_MAX
from xached.domain.exchange import Exchange
from xached.domain.messages import OrderEnded, PlaceOrder
from xached.domain.order import (
    CancelScope,
    EndReason,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from xached.domain.rejection import Reason, Rejection

ALICE, BOB = PURSES[0], PURSES[1]


def order(purse: Purse, client_order_id: str, side: Side) -> PlaceOrder:
    """An order that rests."""
    return PlaceOrder(
        purse=purse,
        client_order_id=client_order_id,
        symbol=SYMBOL,
        side=side,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        price_ticks=MARK_TICKS + (-5 if side is Side.BUY else 5),
        quantity_lots=100,
        quote_units=None,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_TAKER,
        expires_at_ns=None,
    )


@pytest.fixture
def house() -> House:
    """A house with a buy and a sale of Alice, and one of Bob."""
    house = House(1)
    house.open()
    for purse, name, side in (
        (ALICE, "a-buy", Side.BUY),
        (ALICE, "a-sell", Side.SELL),
        (BOB, "b-buy", Side.BUY),
    ):
        assert house.tell(order(purse, name, side)) is not None
    return house


def arm(house: House, scope: CancelScope = CancelScope.ALL) -> int:
    row = house.tell(ArmDisconnect(purse=ALICE, scope=scope))
    assert row is not None
    assert row.events == (DisconnectArmed(purse=ALICE, stream=row.seq, scope=scope),)
    return row.seq


@pytest.mark.parametrize(
    ("scope", "canceled"),
    [(CancelScope.ALL, ["a-buy", "a-sell"]), (CancelScope.ENTRIES, ["a-buy"])],
)
def test_the_end_of_a_stream_cancels_what_is_in_its_scope_once(
    house: House, scope: CancelScope, canceled: list[str]
) -> None:
    stream = arm(house, scope)
    row = house.tell(Disconnect(purse=ALICE, stream=stream))
    assert row is not None
    first, *rest = row.events
    assert first == Disconnected(purse=ALICE, stream=stream)
    told = [event for event in rest if isinstance(event, OrderEnded)]
    assert [event.client_order_id for event in told] == canceled
    assert {event.reason for event in told} == {EndReason.DISCONNECT}
    house.exchange.check()
    assert house.tell(order(ALICE, "later", Side.BUY)) is not None
    assert house.tell(Disconnect(purse=ALICE, stream=stream)) is None


def test_an_armed_stream_outlives_a_snapshot(house: House) -> None:
    stream = arm(house)
    restored = Exchange.restore(house.exchange.snapshot())
    assert restored.state.streams == house.exchange.state.streams
    house.exchange = restored
    assert house.tell(Disconnect(purse=ALICE, stream=stream)) is not None
    assert not house.exchange.state.streams


def test_each_stream_of_a_purse_is_armed_on_its_own(house: House) -> None:
    first, second = arm(house), arm(house)
    assert first != second
    assert house.tell(Disconnect(purse=ALICE, stream=first)) is not None
    assert list(house.exchange.state.streams) == [second]


def test_so_many_streams_of_a_purse_may_be_armed(house: House) -> None:
    for _ in range(STREAMS_MAX):
        arm(house)
    with pytest.raises(Rejection) as refused:
        house.exchange.decide(
            ArmDisconnect(purse=ALICE, scope=CancelScope.ALL), house.seq + 1, house.next_at_ns
        )
    assert refused.value.reason is Reason.STREAMS
    assert house.tell(ArmDisconnect(purse=BOB, scope=CancelScope.ALL)) is not None
