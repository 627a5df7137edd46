"""Orders that are changed, replaced or only thought of; and when each step of one was done.

Checked by breaking, each seen red: a preview that is placed, a time line of a repeated answer, an
amendment read with the lots of another market.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import trading_pb2, types_pb2

from tests.api.trading_house import (
    BUY,
    SELL,
    Collected,
    FakeCall,
    FedRequests,
    TradingHouse,
    call_of,
    limit,
    status,
    trading_house,
)
from xached.domain.rejection import Reason, Rejection

ALICE = "alice"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


async def refused(work: Any) -> Rejection:
    """The refusal that a request must meet."""
    with pytest.raises(Rejection) as error:
        await work
    return error.value


# --- Preview. --------------------------------------------------------------------------------


async def preview(
    house: TradingHouse, order: trading_pb2.PlaceOrderRequest
) -> trading_pb2.PreviewOrderResponse:
    return await house.control.preview_order(
        call_of(ALICE), trading_pb2.PreviewOrderRequest(order=order)
    )


async def test_a_preview_tells_fills_fee_hold_and_balances_and_places_nothing(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place("bob", limit("b1", SELL, quantity="0.00003"))
    order = limit("", price="49500", quantity="0.0001")
    seq = house.running.journal.last_seq
    before = await house.balances(ALICE)
    answer = await preview(house, order)
    assert answer.seq == seq == house.running.journal.last_seq
    assert await house.balances(ALICE) == before
    assert await house.open_orders(ALICE) == []
    told = answer.accepted
    assert told.order.status == types_pb2.ORDER_STATUS_PARTIALLY_FILLED
    assert (told.order.order_id, told.order.client_order_id) == ("", "")
    assert (told.order.executed_quantity, told.order.fee) == ("0.00003", "0.00147")
    (fill,) = told.fills
    assert (fill.price, fill.notional, fill.fee) == ("49000.0", "1.47", "0.00147")
    assert (told.taker_fee_ppm, told.maker_fee_ppm) == (1000, 100)
    # What it says is what then happens.
    placed = await house.place(ALICE, limit("a1", price="49500", quantity="0.0001"))
    assert placed.order.held == told.order.held
    after = await house.balances(ALICE)
    for balance in told.balances:
        now = after[balance.asset]
        assert (now.available, now.held) == (balance.available, balance.held)
    assert {balance.asset for balance in told.balances} == {"BTC", "USDT"}


async def test_a_preview_tells_the_rule_that_would_refuse(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    for order, code, reason, facts in (
        (
            limit("", price="40000"),
            grpc.StatusCode.INVALID_ARGUMENT,
            "PRICE_BAND",
            {"nearest": "45000.0"},
        ),
        (limit("", price="49000.05"), grpc.StatusCode.INVALID_ARGUMENT, "PRICE_TICK", {}),
        (limit("", quantity="0"), grpc.StatusCode.INVALID_ARGUMENT, "QUANTITY_RANGE", {}),
    ):
        refusal = (await preview(house, order)).refusal
        assert refusal.reason == reason
        assert refusal.code in {code.value[0], grpc.StatusCode.FAILED_PRECONDITION.value[0]}
        assert {name: refusal.facts[name] for name in facts} == facts
        assert {"given", "allowed"} <= set(refusal.facts)


async def test_a_preview_tells_what_self_trade_prevention_would_do(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place(ALICE, limit("mine", SELL, quantity="0.00003"))
    order = limit("", quantity="0.0001", self_trade_prevention="SELF_TRADE_PREVENTION_EXPIRE_MAKER")
    told = (await preview(house, order)).accepted
    (met,) = told.prevented
    (open_order,) = await house.open_orders(ALICE)
    assert met.maker_order_id == open_order.order_id
    assert (met.maker_subaccount, met.price, met.quantity) == ("main", "49000.0", "0.00003")
    assert met.mode == types_pb2.SELF_TRADE_PREVENTION_EXPIRE_MAKER
    (other,) = told.others
    assert (other.client_order_id, other.end_reason) == ("mine", types_pb2.END_REASON_SELF_TRADE)
    assert told.order.status == types_pb2.ORDER_STATUS_OPEN


async def test_a_preview_of_a_purse_that_is_not_there_is_refused(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    request = trading_pb2.PreviewOrderRequest(subaccount="nowhere", order=limit(""))
    error = await refused(house.control.preview_order(call_of(ALICE, "nowhere"), request))
    assert error.reason is Reason.UNKNOWN_PURSE


# --- Time line. ------------------------------------------------------------------------------


async def test_a_time_line_tells_each_step_in_order(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trio.sleep(5)
    call = call_of(ALICE)
    assert isinstance(call, FakeCall)
    call.received_s = trio.current_time() - 0.25
    request = limit("a1", want_time_line=True)
    answer = await house.trading.place_order(call, request)
    line = answer.time_line
    assert line.authorised_ns - line.received_ns == 250_000_000
    assert line.authorised_ns <= line.decided_ns == answer.order.accepted_at_ns
    # The simulated disk takes its time.
    assert line.decided_ns < line.durable_ns <= line.published_ns
    again = await house.trading.place_order(call_of(ALICE), request)
    assert not again.HasField("time_line")
    assert again.order == answer.order
    plain = await house.place(ALICE, limit("a2"))
    assert not plain.HasField("time_line")
    # Whether it is asked for is not part of the order.
    assert (await house.place(ALICE, limit("a1"))).order == answer.order


# --- Amend and replace. ----------------------------------------------------------------------


def amend(**fields: Any) -> trading_pb2.AmendOrderRequest:
    return trading_pb2.AmendOrderRequest(
        **{"client_order_id": "a1", "symbol": "BTC-USDT", "quantity": "0.0004", **fields}
    )


async def test_an_order_is_lowered_in_place(autojump_clock: MockClock, house: TradingHouse) -> None:
    placed = await house.place(ALICE, limit("a1", quantity="0.001"))
    request = amend(request_id="m1")
    answer = await house.control.amend_order(call_of(ALICE), request)
    assert answer == trading_pb2.AmendOrderResponse(
        order_id=placed.order.order_id,
        symbol="BTC-USDT",
        quantity="0.0004",
        reduced_quantity="0.0006",
        at_ns=answer.at_ns,
        seq=house.running.journal.last_seq,
    )
    (order,) = await house.open_orders(ALICE)
    assert (order.quantity, order.order_id) == ("0.0004", placed.order.order_id)
    assert order.held == "19.6196"
    assert await house.control.amend_order(call_of(ALICE), request) == answer
    same = await house.control.amend_order(call_of(ALICE), amend())
    assert (same.quantity, same.reduced_quantity, same.order_id) == ("0.0004", "0", "")


@pytest.mark.parametrize(
    ("fields", "reason", "code"),
    [
        ({"quantity": "1"}, Reason.QUANTITY_RANGE, grpc.StatusCode.INVALID_ARGUMENT),
        ({"quantity": "0.000015"}, Reason.QUANTITY_LOT, grpc.StatusCode.INVALID_ARGUMENT),
        ({"quantity": ""}, Reason.AMOUNT_FORMAT, grpc.StatusCode.INVALID_ARGUMENT),
        ({"client_order_id": "a2"}, Reason.UNKNOWN_ORDER, grpc.StatusCode.NOT_FOUND),
        ({"client_order_id": ""}, Reason.FIELD_REQUIRED, grpc.StatusCode.INVALID_ARGUMENT),
        ({"symbol": ""}, Reason.UNKNOWN_INSTRUMENT, grpc.StatusCode.NOT_FOUND),
        (
            {"expected_executed_quantity": "0.0001"},
            Reason.ORDER_CHANGED,
            grpc.StatusCode.ABORTED,
        ),
        ({"request_id": "two words"}, Reason.ID_FORMAT, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_an_amendment_that_is_refused(
    autojump_clock: MockClock,
    house: TradingHouse,
    fields: dict[str, str],
    reason: Reason,
    code: grpc.StatusCode,
) -> None:
    await house.place(ALICE, limit("a1", quantity="0.001"))
    error = await refused(house.control.amend_order(call_of(ALICE), amend(**fields)))
    assert error.reason is reason
    assert status(error).code is code
    assert (await house.open_orders(ALICE))[0].quantity == "0.001"


def replace(**fields: Any) -> trading_pb2.ReplaceOrderRequest:
    return trading_pb2.ReplaceOrderRequest(
        **{
            "replaced_client_order_id": "a1",
            "symbol": "BTC-USDT",
            "client_order_id": "a2",
            "price": "48000",
            **fields,
        }
    )


async def test_an_order_is_replaced_in_one_step(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    old = (await house.place(ALICE, limit("a1", quantity="0.001"))).order
    answer = await house.control.replace_order(call_of(ALICE), replace(quantity="0.002"))
    assert answer.replaced.order_id == old.order_id
    assert (answer.replaced.client_order_id, answer.replaced.released) == ("a1", "49.049")
    order = answer.order
    assert (order.client_order_id, order.price, order.quantity) == ("a2", "48000.0", "0.002")
    assert order.replaces_order_id == old.order_id
    assert order.seq == answer.replaced.seq == house.running.journal.last_seq
    assert [each.client_order_id for each in await house.open_orders(ALICE)] == ["a2"]
    # The same request again has the same answer, though the old order is gone.
    again = await house.control.replace_order(call_of(ALICE), replace(quantity="0.002"))
    assert again == answer


async def test_a_refused_replacement_leaves_the_old_order(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    old = (await house.place(ALICE, limit("a1", quantity="0.001"))).order
    for fields, reason in (
        ({"price": "1"}, Reason.PRICE_BAND),
        ({"client_order_id": ""}, Reason.ID_FORMAT),
        ({"stop_price": "1"}, Reason.FIELD_FORBIDDEN),
        ({"expected_executed_quantity": "0.0001"}, Reason.ORDER_CHANGED),
        ({"replaced_client_order_id": "nobody"}, Reason.UNKNOWN_ORDER),
        ({"replaced_order_id": old.order_id}, Reason.FIELD_REQUIRED),
    ):
        error = await refused(house.control.replace_order(call_of(ALICE), replace(**fields)))
        assert error.reason is reason, fields
    assert await house.open_orders(ALICE) == [old]


async def test_every_term_of_an_order_can_be_replaced(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    now_ns = house.running.world.now_ns()
    iceberg = limit("a1", quantity="0.01", display_quantity="0.001")
    iceberg.time_in_force = types_pb2.TIME_IN_FORCE_GTD
    iceberg.expires_at_ns = now_ns + 10**12
    await house.place(ALICE, iceberg)
    request = replace(
        price="",
        display_quantity="0.002",
        expires_at_ns=now_ns + 2 * 10**12,
        expected_executed_quantity="0",
    )
    order = (await house.control.replace_order(call_of(ALICE), request)).order
    assert (order.display_quantity, order.expires_at_ns) == ("0.002", now_ns + 2 * 10**12)
    assert (order.price, order.quantity) == ("49000.0", "0.01"), "what is not said stays"
    stop = limit("s1", SELL, price="", quantity="0.01", stop_price="48000")
    stop.type = types_pb2.ORDER_TYPE_STOP
    await house.place(ALICE, stop)
    request = replace(
        replaced_client_order_id="s1", client_order_id="s2", price="", stop_price="47000"
    )
    order = (await house.control.replace_order(call_of(ALICE), request)).order
    assert (order.stop_price, order.quantity) == ("47000.0", "0.01")


async def test_orders_are_changed_over_a_stream_too(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    requests: FedRequests[trading_pb2.EnterOrdersRequest] = FedRequests()
    responses: Collected[trading_pb2.EnterOrdersResponse] = Collected()
    requests.put(
        trading_pb2.EnterOrdersRequest(tag=1, place=limit("a1", quantity="0.001")),
        trading_pb2.EnterOrdersRequest(tag=2, amend=amend()),
        trading_pb2.EnterOrdersRequest(tag=3, replace=replace()),
        trading_pb2.EnterOrdersRequest(tag=4, amend=amend(subaccount="other")),
        trading_pb2.EnterOrdersRequest(tag=5, replace=replace(subaccount="other")),
        trading_pb2.EnterOrdersRequest(tag=6),
    )
    requests.end()
    await house.trading.enter_orders(FakeCall(ALICE), requests, responses)
    results = [answer.result for answer in responses.messages]
    assert results[0].placed.order.client_order_id == "a1"
    assert (results[1].amended.quantity, results[1].amended.reduced_quantity) == (
        "0.0004",
        "0.0006",
    )
    assert results[2].replaced.order.quantity == "0.0004"
    assert results[2].replaced.replaced.client_order_id == "a1"
    assert [result.refusal.reason for result in results[3:]] == [
        "FIELD_FORBIDDEN",
        "FIELD_FORBIDDEN",
        "FIELD_REQUIRED",
    ]
    (order,) = await house.open_orders(ALICE)
    assert (order.client_order_id, order.side) == ("a2", BUY)
