"""Orders that wait for prices and for other orders, and a purse that is made flat.

Checked by breaking, each seen red: ids of a list's orders that are not used up, and fills of a
later order of a row told as the first one's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from trio.testing import MockClock
from xache.v1 import trading_pb2, types_pb2

from tests.api.trading_house import (
    BUY,
    SELL,
    TradingHouse,
    call_of,
    limit,
    status,
    trading_house,
)
from xached.api.errors import StatusError
from xached.domain.instrument import Symbol
from xached.domain.order import Purse
from xached.domain.protection_messages import Flatten
from xached.domain.rejection import Reason, Rejection

ALICE = "alice"
OCO, OTO, BRACKET = types_pb2.LIST_KIND_OCO, types_pb2.LIST_KIND_OTO, types_pb2.LIST_KIND_BRACKET


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


async def refused(work: Any) -> Rejection:
    """The refusal that a request must meet."""
    with pytest.raises(Rejection) as error:
        await work
    return error.value


def leg(
    client_order_id: str, side: types_pb2.Side = SELL, price: str = "51000", **more: Any
) -> trading_pb2.PlaceOrderRequest:
    """A limit order of a list."""
    fields = {"symbol": "", "quantity": "0.001", **more}
    order = limit(client_order_id, side, price)
    for name, value in fields.items():
        setattr(order, name, value)
    return order


def stop(client_order_id: str, price: str = "48000", **more: Any) -> trading_pb2.PlaceOrderRequest:
    """A stop of a list that sells at the market."""
    return trading_pb2.PlaceOrderRequest(
        client_order_id=client_order_id,
        side=SELL,
        type=types_pb2.ORDER_TYPE_STOP,
        time_in_force=types_pb2.TIME_IN_FORCE_GTC,
        stop_price=price,
        quantity="0.001",
        **more,
    )


async def place_list(
    house: TradingHouse,
    kind: types_pb2.ListKind,
    *orders: trading_pb2.PlaceOrderRequest,
    **more: Any,
) -> trading_pb2.PlaceOrderListResponse:
    request = trading_pb2.PlaceOrderListRequest(symbol="BTC-USDT", kind=kind, orders=orders, **more)
    return await house.control.place_order_list(call_of(ALICE), request)


async def order_of(house: TradingHouse, client_order_id: str) -> types_pb2.Order:
    answer = await house.reading.get_order(
        call_of(ALICE), trading_pb2.GetOrderRequest(client_order_id=client_order_id)
    )
    return answer.order


async def trade_at(house: TradingHouse, price: str, name: str) -> None:
    """Let bob trade with carol's part of him, so that LAST is there."""
    await house.place("bob", limit(f"{name}-s", SELL, price=price, quantity="0.00001"))
    request = limit(f"{name}-b", BUY, price=price, quantity="0.00001")
    request.self_trade_prevention = types_pb2.SELF_TRADE_PREVENTION_NONE
    await house.place("bob", request)


# --- Stops. ----------------------------------------------------------------------------------


async def test_a_stop_waits_and_trades_when_its_price_has_come(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place("bob", limit("bid", price="47000", quantity="0.01"))
    await trade_at(house, "50000", "t1")
    order = stop("s1")
    order.symbol = "BTC-USDT"
    placed = (await house.place(ALICE, order)).order
    assert placed.status == types_pb2.ORDER_STATUS_UNTRIGGERED
    assert (placed.stop_price, placed.current_stop_price) == ("48000.0", "48000.0")
    assert placed.trigger_source == types_pb2.TRIGGER_SOURCE_LAST
    assert placed.held == "0.001"
    await trade_at(house, "48000", "t2")
    ended = await order_of(house, "s1")
    assert ended.status == types_pb2.ORDER_STATUS_FILLED
    assert ended.average_price == "47000"


async def test_a_trailing_stop_shows_where_it_is(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trade_at(house, "50000", "t1")
    order = stop("s1", "", trail_bps=100)
    order.symbol, order.type = "BTC-USDT", types_pb2.ORDER_TYPE_TRAILING_STOP
    placed = (await house.place(ALICE, order)).order
    assert (placed.stop_price, placed.trail_bps) == ("", 100)
    assert placed.current_stop_price == "49500.0"
    await trade_at(house, "51000", "t2")
    (told,) = await house.open_orders(ALICE)
    assert told.current_stop_price == "50490.0"


# --- Lists. ----------------------------------------------------------------------------------


async def test_an_oco_holds_once_and_the_stop_ends_the_limit_order(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place("bob", limit("bid", price="47000", quantity="0.01"))
    await trade_at(house, "50000", "t1")
    answer = await place_list(house, OCO, leg("a1"), stop("a2"), request_id="l1")
    first, second = (each.order for each in answer.orders)
    assert answer.list_id == first.order_id
    assert (first.list_id, second.list_id) == (first.order_id, first.order_id)
    assert first.leg_role == types_pb2.LEG_ROLE_LIMIT_LEG
    assert second.leg_role == types_pb2.LEG_ROLE_STOP_LEG
    assert (first.status, second.status) == (
        types_pb2.ORDER_STATUS_OPEN,
        types_pb2.ORDER_STATUS_UNTRIGGERED,
    )
    btc = (await house.balances(ALICE))["BTC"]
    assert [(hold.order_id, hold.amount, hold.list_id) for hold in btc.holds] == [
        (first.order_id, "0.001", first.order_id)
    ]
    # The same list again, by its request id or by its orders' ids alone, is not placed twice.
    assert await place_list(house, OCO, leg("a1"), stop("a2"), request_id="l1") == answer
    assert (await order_of(house, "a2")) == second
    await trade_at(house, "48000", "t2")
    assert (await order_of(house, "a1")).end_reason == types_pb2.END_REASON_OCO_SIBLING
    assert (await order_of(house, "a2")).status == types_pb2.ORDER_STATUS_FILLED


async def test_the_ids_of_a_lists_orders_are_used_up(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trade_at(house, "50000", "t1")
    await place_list(house, OCO, leg("a1"), stop("a2"))
    for client_order_id in ("a1", "a2"):
        await house.trading.cancel_all_orders(call_of(ALICE), trading_pb2.CancelAllOrdersRequest())
        error = await refused(house.place(ALICE, limit(client_order_id)))
        assert error.reason is Reason.ID_REUSED
    error = await refused(place_list(house, OCO, leg("a3"), stop("a2")))
    assert error.reason is Reason.ID_REUSED
    await house.place(ALICE, limit("a3"))
    with pytest.raises(StatusError) as missing:
        await order_of(house, "a4")
    assert missing.value.code is grpc.StatusCode.NOT_FOUND


async def test_a_bracket_protects_what_its_entry_has_bought(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trade_at(house, "50000", "t1")
    await house.place("bob", limit("offer", SELL, price="50000", quantity="0.0004"))
    answer = await place_list(
        house, BRACKET, leg("in", BUY, "50000"), leg("profit", SELL, "52000"), stop("stop")
    )
    entry, profit, loss = answer.orders
    assert entry.order.executed_quantity == "0.0004"
    assert [fill.quantity for fill in entry.fills] == ["0.0004"]
    assert not profit.fills
    assert (profit.order.status, profit.order.leaves_quantity) == (
        types_pb2.ORDER_STATUS_OPEN,
        "0.0004",
    )
    assert loss.order.status == types_pb2.ORDER_STATUS_UNTRIGGERED
    assert answer.unprotected_quantity == "0"
    for told in (entry.order, profit.order, loss.order):
        assert told == await order_of(house, told.client_order_id)


@pytest.mark.parametrize(
    ("kind", "orders", "more", "reason"),
    [
        (0, (leg("a1"), stop("a2")), {}, Reason.FIELD_REQUIRED),
        (OCO, (leg("a1"),), {}, Reason.COMBINATION),
        (OCO, (leg("a1"), stop("a2")), {"activation": 9}, Reason.FIELD_REQUIRED),
        (OCO, (leg("a1", symbol="ETH-USDT"), stop("a2")), {}, Reason.FIELD_FORBIDDEN),
        (OCO, (leg("a1", subaccount="bot"), stop("a2")), {}, Reason.FIELD_FORBIDDEN),
        (OCO, (leg("a1", reduce_only=True), stop("a2")), {}, Reason.FIELD_FORBIDDEN),
        (OCO, (leg("a1", display_quantity="0.0001"), stop("a2")), {}, Reason.FIELD_FORBIDDEN),
        (OCO, (leg("a1", quantity=""), stop("a2")), {}, Reason.FIELD_REQUIRED),
        (OCO, (leg(""), stop("a2")), {}, Reason.ID_FORMAT),
        (OCO, (leg("a1"), stop("a2")), {"request_id": "two words"}, Reason.ID_FORMAT),
        (OCO, (leg("a1", price="1"), stop("a2")), {}, Reason.PRICE_BAND),
    ],
)
async def test_a_list_that_is_refused_places_nothing(
    autojump_clock: MockClock,
    house: TradingHouse,
    kind: types_pb2.ListKind,
    orders: tuple[trading_pb2.PlaceOrderRequest, ...],
    more: dict[str, Any],
    reason: Reason,
) -> None:
    await trade_at(house, "50000", "t1")
    seq = house.running.journal.last_seq
    error = await refused(place_list(house, kind, *orders, **more))
    assert error.reason is reason, error
    assert "allowed" in status(error).facts
    assert house.running.journal.last_seq == seq


# --- Flatten. --------------------------------------------------------------------------------


async def flatten(house: TradingHouse, **fields: str) -> trading_pb2.FlattenResponse:
    return await house.control.flatten(call_of(ALICE), trading_pb2.FlattenRequest(**fields))


async def test_a_purse_is_made_flat_in_one_answer(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place("bob", limit("offer", SELL, price="50000", quantity="0.001"))
    await house.place(ALICE, limit("in", price="50000", quantity="0.001"))
    resting = await house.place(ALICE, limit("more", price="48000"))
    await house.place("bob", limit("bid", price="49000", quantity="0.0004"))
    answer = await flatten(house, request_id="f1")
    assert list(answer.canceled_order_ids) == [resting.order.order_id]
    (sale,) = answer.sales
    assert (sale.order.side, sale.order.executed_quantity) == (SELL, "0.0004")
    assert [fill.price for fill in sale.fills] == ["49000.0"]
    (left,) = answer.positions
    assert (left.symbol, left.left_quantity) == ("BTC-USDT", "0.0006")
    assert left.reason == types_pb2.END_REASON_NO_LIQUIDITY
    assert await flatten(house, request_id="f1") == answer
    await house.place("bob", limit("bid-2", price="49000", quantity="0.01"))
    rest = await flatten(house, symbol="BTC-USDT")
    row = house.running.journal.row(rest.seq)
    assert row is not None
    assert row.command == Flatten(
        purse=Purse("alice/main"), symbol=Symbol("BTC-USDT"), request_id=""
    )
    unknown = await refused(flatten(house, symbol="SOL-USDT"))
    assert unknown.reason is Reason.UNKNOWN_INSTRUMENT
    (left,) = rest.positions
    assert (left.left_quantity, left.reason) == ("0", 0)
    assert await house.open_orders(ALICE) == []
    nothing = await flatten(house)
    assert not nothing.sales
    assert not nothing.positions
