"""Orders go in: one by one, in batches and over a stream, and cancels of every kind.

Checked by breaking, each seen red: answers in order of completion instead of arrival, a window
without a bound, ``post`` without the call's deadline, a batch that stops at its first refusal.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
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
from xached.api import trading as trading_module
from xached.api.errors import StatusError, malformed
from xached.api.routes import Call
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Expired, Overloaded

ALICE = "alice"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


# --- One by one. -----------------------------------------------------------------------------


async def test_an_order_that_rests(autojump_clock: MockClock, house: TradingHouse) -> None:
    answer = await house.place(ALICE, limit("a1", quantity="0.00100"))
    order = answer.order
    assert not answer.fills
    assert (order.status, order.end_reason) == (types_pb2.ORDER_STATUS_OPEN, 0)
    assert (order.client_order_id, order.subaccount) == ("a1", "main")
    assert (order.price, order.quantity, order.leaves_quantity) == ("49000.0", "0.001", "0.001")
    # 49 USDT and its fee of 0.1 %.
    assert order.held == "49.049"
    assert order.average_price == ""
    assert order.seq == house.running.journal.last_seq
    assert order.order_id == str(order.seq << 12)


async def test_an_order_that_trades_at_once(autojump_clock: MockClock, house: TradingHouse) -> None:
    await house.place("bob", limit("b1", SELL, quantity="0.00003"))
    answer = await house.place(ALICE, limit("a1", price="49500", quantity="0.0001"))
    (fill,) = answer.fills
    assert (fill.price, fill.quantity, fill.notional) == ("49000.0", "0.00003", "1.47")
    assert (fill.fee, fill.liquidity) == ("0.00147", types_pb2.LIQUIDITY_TAKER)
    assert fill.trade_id == f"{answer.order.seq}-0"
    order = answer.order
    assert order.status == types_pb2.ORDER_STATUS_PARTIALLY_FILLED
    assert (order.executed_quantity, order.leaves_quantity) == ("0.00003", "0.00007")
    assert (order.executed_notional, order.fee) == ("1.47", "0.00147")
    assert order.average_price == "49000"


async def test_a_repeated_order_has_the_first_answer(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    request = limit("once", quantity="0.0001")
    first = (await house.place(ALICE, request)).SerializeToString(deterministic=True)
    await house.place("bob", limit("b1", SELL, quantity="0.00004"))
    again = await house.place(ALICE, request)
    assert again.SerializeToString(deterministic=True) == first
    with pytest.raises(Rejection) as refused:
        await house.place(ALICE, limit("once", quantity="0.0002"))
    assert status(refused.value).code is grpc.StatusCode.ALREADY_EXISTS


REFUSED: list[tuple[dict[str, Any], Reason, dict[str, str]]] = [
    ({"price": "49000.05"}, Reason.PRICE_TICK, {"nearest": "49000.0 or 49000.1"}),
    ({"quantity": "0.000015"}, Reason.QUANTITY_LOT, {"nearest": "0.00001 or 0.00002"}),
    ({"quantity": "1e3"}, Reason.AMOUNT_FORMAT, {"given": "1e3"}),
    ({"price": "-1"}, Reason.AMOUNT_FORMAT, {"field": "price"}),
    ({"price": "40000"}, Reason.PRICE_BAND, {"nearest": "45000.0"}),
    ({"quantity": "9"}, Reason.INSUFFICIENT_FUNDS, {}),
    ({"symbol": "DOGE-USDT"}, Reason.UNKNOWN_INSTRUMENT, {"given": "DOGE-USDT"}),
    ({"side": 7}, Reason.FIELD_REQUIRED, {"field": "side", "allowed": "BUY, SELL"}),
    ({"client_order_id": "two words"}, Reason.ID_FORMAT, {"field": "client_order_id"}),
    ({"subaccount": "nowhere"}, Reason.UNKNOWN_PURSE, {"given": "nowhere"}),
    ({"time_in_force": 4}, Reason.COMBINATION, {"given": "GTD without an expiry"}),
    ({"expires_at_ns": -1}, Reason.COMBINATION, {}),
]


@pytest.mark.parametrize(("change", "reason", "facts"), REFUSED, ids=lambda value: str(value)[:30])
async def test_a_refusal_says_what_was_wrong_and_changes_nothing(
    autojump_clock: MockClock,
    house: TradingHouse,
    change: dict[str, Any],
    reason: Reason,
    facts: dict[str, str],
) -> None:
    request = limit("a1", quantity="0.001")
    for name, value in change.items():
        setattr(request, name, value)
    for number in range(2):  # What they hold leaves too little for 9 more.
        await house.place(ALICE, limit(f"large-{number}", quantity="10"))
    seq = house.running.journal.last_seq
    with pytest.raises(Rejection) as refused:
        await house.place(ALICE, request)
    assert refused.value.reason is reason
    assert {name: refused.value.facts[name] for name in facts} == facts
    assert refused.value.facts["given"] is not None
    assert refused.value.facts["allowed"]
    assert house.running.journal.last_seq == seq


LATE: dict[str, Callable[[TradingHouse, Call], Awaitable[object]]] = {
    "place": lambda house, call: house.trading.place_order(call, limit("late")),
    "batch": lambda house, call: house.trading.place_orders(
        call, trading_pb2.PlaceOrdersRequest(orders=[limit("late")])
    ),
    "amend": lambda house, call: house.control.amend_order(
        call,
        trading_pb2.AmendOrderRequest(client_order_id="first", symbol="BTC-USDT", quantity="0.001"),
    ),
    "replace": lambda house, call: house.control.replace_order(
        call,
        trading_pb2.ReplaceOrderRequest(
            replaced_client_order_id="first", symbol="BTC-USDT", client_order_id="late"
        ),
    ),
    "flatten": lambda house, call: house.control.flatten(call, trading_pb2.FlattenRequest()),
    "cancel": lambda house, call: house.trading.cancel_order(
        call, trading_pb2.CancelOrderRequest(client_order_id="first")
    ),
    "cancel all": lambda house, call: house.trading.cancel_all_orders(
        call, trading_pb2.CancelAllOrdersRequest()
    ),
}


@pytest.mark.parametrize("what", LATE)
async def test_a_command_whose_deadline_passed_in_the_queue_is_not_carried_out(
    autojump_clock: MockClock, house: TradingHouse, what: str
) -> None:
    errors: list[Exception] = []

    async def late() -> None:
        call = call_of(ALICE, deadline_s=trio.current_time() + 1e-6)
        try:
            await LATE[what](house, call)
        except Expired as error:
            errors.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.place, ALICE, limit("first", quantity="0.002"))
        await wait_all_tasks_blocked()  # The exchange waits for the disk.
        nursery.start_soon(late)
    (error,) = errors
    assert status(error).code is grpc.StatusCode.DEADLINE_EXCEEDED
    (order,) = await house.open_orders(ALICE)
    assert (order.client_order_id, order.quantity) == ("first", "0.002")


# --- Batches. --------------------------------------------------------------------------------


async def batch(
    house: TradingHouse, *orders: trading_pb2.PlaceOrderRequest, subaccount: str = ""
) -> list[trading_pb2.OrderResult]:
    request = trading_pb2.PlaceOrdersRequest(orders=orders, subaccount=subaccount)
    answer = await house.trading.place_orders(call_of(ALICE, subaccount), request)
    return list(answer.results)


def told(result: trading_pb2.OrderResult) -> str:
    """What became of one entry, in a word."""
    match result.WhichOneof("result"):
        case "placed":
            return f"placed {result.placed.order.client_order_id}"
        case "canceled":
            return f"canceled {result.canceled.client_order_id}"
        case _:
            return result.refusal.reason


async def test_results_of_a_batch_are_in_its_order(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    results = await batch(
        house,
        limit("a1"),
        limit("a2", price="49000.05"),
        limit("a3", price="1"),
        limit("a4"),
        limit("a1"),
        limit("a1", quantity="0.1"),
    )
    assert [told(result) for result in results] == [
        "placed a1", "PRICE_TICK", "PRICE_BAND", "placed a4", "placed a1", "ID_REUSED",
    ]  # fmt: skip
    assert results[0] == results[4]
    refusal = results[1].refusal
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert refusal.facts["nearest"] == "49000.0 or 49000.1"
    assert len(await house.open_orders(ALICE)) == 2


async def test_batches_of_one_account_leave_room_for_others(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with trading_house(tmp_path, capacity=4) as house:
        refused: list[str] = []

        async def enter(account: str, name: str) -> None:
            request = trading_pb2.PlaceOrdersRequest(orders=[limit(name)])
            try:
                await house.trading.place_orders(call_of(account), request)
            except Overloaded:
                refused.append(name)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(enter, ALICE, "first")
            await wait_all_tasks_blocked()  # The exchange waits for the disk.
            for number in range(4):
                nursery.start_soon(enter, ALICE, f"a{number}")
                await wait_all_tasks_blocked()
            nursery.start_soon(enter, "bob", "b1")
        assert refused == ["a2", "a3"], "half of the places are hers"


async def test_a_batch_of_refusals_asks_nobody(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    accepted = house.running.matching.mailbox.statistics().accepted
    results = await batch(house, limit("a b"), limit("a1", price="x"))
    assert [told(result) for result in results] == ["ID_FORMAT", "AMOUNT_FORMAT"]
    assert house.running.matching.mailbox.statistics().accepted == accepted


@pytest.mark.parametrize("count", [0, 201])
async def test_a_batch_has_1_to_200_orders(
    autojump_clock: MockClock, house: TradingHouse, count: int
) -> None:
    with pytest.raises(Rejection) as refused:
        await batch(house, *(limit(f"a{n}") for n in range(count)))
    assert refused.value.facts == {"field": "orders", "given": str(count), "allowed": "1 to 200"}
    assert len(await batch(house, *(limit(f"a{n}") for n in range(200)))) == 200


async def test_a_batch_trades_for_one_purse(autojump_clock: MockClock, house: TradingHouse) -> None:
    mine, other = limit("a1", subaccount="main"), limit("a2", subaccount="other")
    results = await batch(house, mine, other)
    assert [told(result) for result in results] == ["placed a1", "FIELD_FORBIDDEN"]
    assert results[1].refusal.facts["allowed"] == "empty or main"
    results = await batch(house, limit("a3"), limit("a4", subaccount="main"), subaccount="main")
    assert [told(result) for result in results] == ["placed a3", "placed a4"]


# --- The stream. -----------------------------------------------------------------------------


class Stream:
    """An order-entry stream that is open."""

    def __init__(self) -> None:
        self.requests: FedRequests[trading_pb2.EnterOrdersRequest] = FedRequests()
        self.responses: Collected[trading_pb2.EnterOrdersResponse] = Collected()
        self.scope = trio.CancelScope()
        self.ended = False
        self.error: BaseException | None = None

    async def serve(self, house: TradingHouse, deadline_s: float = math.inf) -> None:
        """What the edge does with the call."""
        call = FakeCall(ALICE, deadline_s=deadline_s)
        with self.scope:
            try:
                await house.trading.enter_orders(call, self.requests, self.responses)
            except* (Rejection, StatusError) as group:
                self.error = group.exceptions[0]
        self.ended = True

    def place(self, tag: int, order: trading_pb2.PlaceOrderRequest, **more: Any) -> None:
        """Send an order."""
        self.requests.put(trading_pb2.EnterOrdersRequest(tag=tag, place=order, **more))

    def cancel(self, tag: int, **wanted: str) -> None:
        """Send a cancel."""
        cancel = trading_pb2.CancelOrderRequest(**wanted)
        self.requests.put(trading_pb2.EnterOrdersRequest(tag=tag, cancel=cancel))

    @property
    def answers(self) -> list[tuple[int, str]]:
        """Tag and fate of each entry so far."""
        return [
            (answer.tag, told(answer.result))
            for answer in self.responses.messages
            if not answer.heartbeat
        ]


async def test_answers_of_a_stream_come_in_order_with_their_tags(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    stream = Stream()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.serve, house)
        stream.place(7, limit("a1"))
        stream.place(7, limit("a2", price="x"))
        stream.place(9, limit("a3"))
        stream.cancel(2**64 - 1, client_order_id="a1")
        stream.cancel(3, client_order_id="nobody")
        stream.requests.put(trading_pb2.EnterOrdersRequest(tag=4))
        stream.cancel(5, client_order_id="a3", order_id="1")
        await trio.sleep(1)
        order_id = stream.responses.messages[2].result.placed.order.order_id
        stream.cancel(6, order_id=order_id)
        stream.requests.end()
    assert stream.error is None
    assert stream.answers == [
        (7, "placed a1"),
        (7, "AMOUNT_FORMAT"),
        (9, "placed a3"),
        (2**64 - 1, "canceled a1"),
        (3, "UNKNOWN_ORDER"),
        (4, "FIELD_REQUIRED"),
        (5, "FIELD_REQUIRED"),
        (6, "canceled a3"),
    ]
    assert await house.open_orders(ALICE) == []


async def test_a_stream_trades_for_the_purse_of_its_first_message(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    stream = Stream()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.serve, house)
        stream.place(1, limit("a1"), subaccount="main")
        stream.place(2, limit("a2", subaccount="main"))
        stream.place(3, limit("a3"), subaccount="other")
        stream.place(4, limit("a4", subaccount="other"))
        stream.cancel(5, client_order_id="a1", subaccount="other")
        stream.requests.end()
    assert [fate for _, fate in stream.answers] == [
        "placed a1", "placed a2", "FIELD_FORBIDDEN", "FIELD_FORBIDDEN", "FIELD_FORBIDDEN",
    ]  # fmt: skip


async def test_a_stream_with_a_purse_name_that_is_none_is_refused(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    stream = Stream()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.serve, house)
        stream.place(1, limit("a1"), subaccount="NO/PE")
    assert isinstance(stream.error, Rejection)
    assert stream.error.reason is Reason.ID_FORMAT
    assert stream.answers == []


async def test_an_empty_stream_ends(autojump_clock: MockClock, house: TradingHouse) -> None:
    stream = Stream()
    stream.requests.end()
    await stream.serve(house)
    assert stream.ended
    assert stream.answers == []


async def test_garbage_ends_a_stream_and_what_was_accepted_stays(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    stream = Stream()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.serve, house)
        stream.requests.put(malformed("not a message"))
    assert isinstance(stream.error, StatusError)
    assert stream.error.reason == "MALFORMED_MESSAGE"
    stream = Stream()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.serve, house)
        stream.place(1, limit("a1"))
        await trio.sleep(1)
        stream.requests.put(malformed("not a message"))
    assert isinstance(stream.error, StatusError)
    assert stream.answers == [(1, "placed a1")]
    assert len(await house.open_orders(ALICE)) == 1


async def test_a_silent_stream_gives_a_sign_of_life_every_five_seconds(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    stream = Stream()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.serve, house)
        await trio.sleep(3)
        stream.place(1, limit("a1"))
        await trio.sleep(15.5)
        stream.requests.end()
    beats = [message.heartbeat for message in stream.responses.messages]
    assert beats == [False, True, True, True]
    # Silence is counted from the answer.
    assert [round(at) for at in stream.responses.times] == [3, 8, 13, 18]


async def test_a_full_window_is_not_read_from(
    autojump_clock: MockClock, house: TradingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trading_module, "IN_FLIGHT_MAX", 8)
    stream = Stream()
    stream.responses.open = trio.Event()  # The client does not read.
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.serve, house)
        for number in range(10):
            stream.place(2 * number, limit(f"a{number}"))
            stream.place(2 * number + 1, limit(f"b{number}"))
            await trio.sleep(1)
        # One was taken out to be sent; past the bound nothing is read.
        reads = stream.requests.reads
        assert reads <= 6
        assert len(await house.open_orders(ALICE)) <= 2 * reads
        stream.responses.open.set()
        stream.requests.end()
    assert stream.error is None
    assert [tag for tag, _ in stream.answers] == list(range(20))
    assert len(await house.open_orders(ALICE)) == 20


async def test_a_busy_exchange_refuses_entries_in_their_place(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with trading_house(tmp_path, capacity=16) as house:
        stream = Stream()
        for number in range(20):
            stream.place(number, limit(f"a{number}"))
        stream.requests.end()
        await stream.serve(house)
        assert [tag for tag, _ in stream.answers] == list(range(20))
        fates = [fate for _, fate in stream.answers]
        # One account has half of the places.
        assert fates[:8] == [f"placed a{number}" for number in range(8)]
        assert set(fates[8:]) == {"OVERLOADED"}
        refusal = stream.responses.messages[-1].result.refusal
        assert refusal.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]


async def test_entries_past_the_deadline_of_their_stream_are_not_carried_out(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    stream = Stream()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.place, "bob", limit("b1"))
        await wait_all_tasks_blocked()
        stream.place(1, limit("late"))
        stream.requests.end()
        nursery.start_soon(stream.serve, house, trio.current_time() + 1e-6)
    assert stream.answers == [(1, "DEADLINE_EXCEEDED")]
    assert await house.open_orders(ALICE) == []


@pytest.mark.parametrize("moment_s", [0.0, 0.0005, 0.001, 0.002, 0.003, 0.1])
async def test_a_client_that_vanishes_leaves_what_was_accepted(
    autojump_clock: MockClock, house: TradingHouse, moment_s: float
) -> None:
    stream = Stream()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.serve, house)
        for number in range(5):
            stream.place(number, limit(f"a{number}"))
            await trio.sleep(0.001)
        await trio.sleep(moment_s)
        stream.scope.cancel()
    assert stream.ended
    answered = [fate.removeprefix("placed ") for _, fate in stream.answers]
    # The rest finds its end in the exchange; it must not end the exchange.
    found = [order.client_order_id for order in await house.open_orders(ALICE)]
    assert found[: len(answered)] == answered
    assert found == [f"a{number}" for number in range(len(found))]
    assert (await house.place(ALICE, limit("after"))).order.order_id


# --- Cancels. --------------------------------------------------------------------------------


async def cancel(house: TradingHouse, **wanted: str) -> trading_pb2.CancelOrderResponse:
    request = trading_pb2.CancelOrderRequest(**wanted)
    return await house.trading.cancel_order(call_of(ALICE), request)


async def test_an_order_is_cancelled_by_either_id(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place("bob", limit("b1", SELL, quantity="0.00001"))
    first = await house.place(ALICE, limit("a1", quantity="0.00003"))
    await house.place(ALICE, limit("a2", SELL, price="51000", quantity="0.00002"))
    ended = await cancel(house, order_id=first.order.order_id, request_id="c1")
    assert (ended.client_order_id, ended.symbol) == ("a1", "BTC-USDT")
    assert (ended.executed_quantity, ended.released) == ("0.00001", "0.98098")
    assert ended.seq == house.running.journal.last_seq
    assert await cancel(house, order_id=first.order.order_id, request_id="c1") == ended
    assert (await cancel(house, client_order_id="a2")).released == "0.00002"
    with pytest.raises(Rejection) as refused:
        await cancel(house, client_order_id="a2")
    assert refused.value.reason is Reason.UNKNOWN_ORDER


async def test_a_foreign_order_cannot_be_cancelled_or_told_from_none(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    theirs = (await house.place("bob", limit("b1"))).order.order_id
    refusals = []
    for order_id in (theirs, str(int(theirs) + 4096)):
        with pytest.raises(Rejection) as refused:
            await cancel(house, order_id=order_id)
        refusals.append((refused.value.reason, refused.value.message, sorted(refused.value.facts)))
    assert refusals[0] == refusals[1]
    assert len(await house.open_orders("bob")) == 1


async def test_cancel_all_ends_what_it_says(autojump_clock: MockClock, house: TradingHouse) -> None:
    ids = [(await house.place(ALICE, limit(f"a{n}"))).order.order_id for n in range(3)]
    await house.place("bob", limit("b1"))
    request = trading_pb2.CancelAllOrdersRequest(symbol="BTC-USDT", request_id="all")
    answer = await house.trading.cancel_all_orders(call_of(ALICE), request)
    assert list(answer.order_ids) == ids
    assert await house.open_orders(ALICE) == []
    assert len(await house.open_orders("bob")) == 1
    await house.place(ALICE, limit("later", BUY))
    assert await house.trading.cancel_all_orders(call_of(ALICE), request) == answer
    assert len(await house.open_orders(ALICE)) == 1, "the repeat cancelled again"
    with pytest.raises(Rejection) as refused:
        await house.trading.cancel_all_orders(
            call_of(ALICE), trading_pb2.CancelAllOrdersRequest(symbol="X-Y")
        )
    assert refused.value.reason is Reason.UNKNOWN_INSTRUMENT


async def test_nothing_to_cancel_is_fine(autojump_clock: MockClock, house: TradingHouse) -> None:
    answer = await house.trading.cancel_all_orders(
        call_of(ALICE), trading_pb2.CancelAllOrdersRequest(request_id="all")
    )
    assert list(answer.order_ids) == []
