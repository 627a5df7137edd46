"""Nobody is there any more: streams that end, switches that are not renewed, restarts.

Checked by breaking, each seen red: no shield around the end of a stream (its client has left), a
restart that forgets the streams it was serving, and a switch that is off when it is renewed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import outcome
import pytest
import trio
import trio.testing
from trio.testing import MockClock
from xache.v1 import trading_pb2, types_pb2

from tests.actors.test_matching import running
from tests.api.trading_house import (
    SELL,
    Collected,
    FakeCall,
    FedRequests,
    TradingHouse,
    call_of,
    limit,
    trading_house,
)
from xached.actors.matching import Matching, Request
from xached.api.disconnect_guard import (
    SEEN_THROUGH_S,
    TRY_AGAIN,
    DisconnectGuard,
    Disconnects,
    end_streams_of_the_past,
)
from xached.domain.disconnect_messages import ArmDisconnect, Disconnect
from xached.domain.messages import AdvanceClock, CancelAll, Row
from xached.domain.order import CancelScope, EndReason, Purse
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Closed
from xached.runtime.supervise import Health, run_expendable

ALICE = "alice"
ALL, ENTRIES = types_pb2.CANCEL_SCOPE_ALL, types_pb2.CANCEL_SCOPE_ENTRIES


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


class Stream:
    """An order-entry stream that is open."""

    def __init__(self, house: TradingHouse) -> None:
        self.house = house
        self.requests: FedRequests[trading_pb2.EnterOrdersRequest] = FedRequests()
        self.responses: Collected[trading_pb2.EnterOrdersResponse] = Collected()
        self.scope = trio.CancelScope()
        self.ended = trio.Event()

    async def serve(self) -> None:
        """What the edge does with the call, until its client leaves."""
        with self.scope:
            call = FakeCall(ALICE)
            await self.house.trading.enter_orders(call, self.requests, self.responses)
        self.ended.set()

    @property
    def results(self) -> list[trading_pb2.OrderResult]:
        """Answers so far."""
        return [each.result for each in self.responses.messages if not each.heartbeat]


async def open_ids(house: TradingHouse) -> list[str]:
    return [order.client_order_id for order in await house.open_orders(ALICE)]


async def serve(
    house: TradingHouse, nursery: trio.Nursery, *entries: trading_pb2.EnterOrdersRequest
) -> Stream:
    """A stream that has answered its first entries."""
    stream = Stream(house)
    nursery.start_soon(stream.serve)
    stream.requests.put(*entries)
    await trio.sleep(1)
    assert len(stream.results) == len(entries)
    return stream


def arming(scope: types_pb2.CancelScope) -> trading_pb2.EnterOrdersRequest:
    return trading_pb2.EnterOrdersRequest(tag=1, cancel_on_disconnect=scope)


@pytest.mark.parametrize("by", ["client", "end"])
@pytest.mark.parametrize(("scope", "left"), [(ALL, []), (ENTRIES, ["sale", "own-sale"])])
async def test_the_end_of_a_stream_cancels_what_is_in_its_scope(
    autojump_clock: MockClock,
    house: TradingHouse,
    scope: types_pb2.CancelScope,
    left: list[str],
    by: str,
) -> None:
    await house.place(ALICE, limit("sale", SELL, price="51000"))
    await house.place(ALICE, limit("buy"))
    async with trio.open_nursery() as nursery:
        stream = await serve(
            house,
            nursery,
            arming(scope),
            trading_pb2.EnterOrdersRequest(tag=2, place=limit("own-buy")),
            trading_pb2.EnterOrdersRequest(tag=3, place=limit("own-sale", SELL, price="51000")),
        )
        armed = stream.results[0].armed
        assert (armed.scope, armed.seq > 0) == (scope, True)
        assert len(await open_ids(house)) == 4
        if by == "client":
            stream.scope.cancel()
        else:
            stream.requests.end()
        await stream.ended.wait()
    assert await open_ids(house) == left
    ended = await house.reading.get_order(
        call_of(ALICE), trading_pb2.GetOrderRequest(client_order_id="own-buy")
    )
    assert ended.order.end_reason == types_pb2.END_REASON_DISCONNECT
    assert not house.running.exchange.state.streams


async def test_a_first_message_may_arm_and_place(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    async with trio.open_nursery() as nursery:
        entry = trading_pb2.EnterOrdersRequest(tag=1, cancel_on_disconnect=ALL, place=limit("own"))
        stream = await serve(house, nursery, entry)
        assert stream.results[0].placed.order.client_order_id == "own"
        stream.scope.cancel()
        await stream.ended.wait()
    assert await open_ids(house) == []


async def test_a_stream_that_is_armed_too_late_says_so(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    """It was ignored: the sender would have believed that the order is protected."""
    async with trio.open_nursery() as nursery:
        late = trading_pb2.EnterOrdersRequest(tag=2, cancel_on_disconnect=ALL, place=limit("late"))
        first = trading_pb2.EnterOrdersRequest(tag=1, place=limit("own"))
        stream = await serve(house, nursery, first, late, arming(ALL))
        assert stream.results[0].placed.order.client_order_id == "own"
        for result in stream.results[1:]:
            assert result.refusal.reason == "FIELD_FORBIDDEN"
            assert result.refusal.facts["field"] == "cancel_on_disconnect"
        stream.scope.cancel()
        await stream.ended.wait()
    assert await open_ids(house) == ["own"]


async def test_a_stream_that_armed_nothing_leaves_everything(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    async with trio.open_nursery() as nursery:
        entry = trading_pb2.EnterOrdersRequest(tag=1, place=limit("own"))
        stream = await serve(house, nursery, entry)
        stream.scope.cancel()
        await stream.ended.wait()
    assert await open_ids(house) == ["own"]


async def test_a_restart_ends_every_armed_stream(autojump_clock: MockClock, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with trading_house(tmp_path) as house:
        await house.place(ALICE, limit("buy"))
        await house.running.matching.execute(
            ArmDisconnect(purse=Purse("alice/main"), scope=CancelScope.ALL)
        )
        # The daemon dies: nobody ends the stream.
    async with running(path) as after:
        state = after.exchange.state
        armed = {stream: each.purse for stream, each in state.streams.items()}
        assert list(armed.values()) == ["alice/main"]
        assert len(state.orders) == 1
        await end_streams_of_the_past(after.matching, armed)
        assert not state.orders
        assert not state.streams


class BusyExchange:
    """The exchange's mailbox, with a test in the place of its actor."""

    def __init__(self) -> None:
        self.matching = Matching(2)
        self.disconnects = Disconnects()
        self.guard = DisconnectGuard(self.matching, self.disconnects)

    async def arm(self) -> None:
        """Arm a stream of alice's."""
        await self.guard.arm(Purse("alice/main"), CancelScope.ALL)

    def fill(self) -> None:
        """Leave no room for anything more."""
        for _ in range(2):
            other = CancelAll(
                purse=Purse("bob/main"), symbol=None, request_id="", reason=EndReason.USER
            )
            self.matching.post(other, lambda _: None, account="")

    async def take(self) -> Request:
        """Carry out the next message as row 7."""
        (envelope,) = await self.matching.mailbox.receive_batch(1)
        row = Row(seq=7, at_ns=7, command=AdvanceClock(), events=())
        envelope.answer(outcome.Value(row))
        return envelope.message


async def test_a_stream_that_breaks_off_while_it_is_armed_ends_what_it_armed(
    autojump_clock: MockClock,
) -> None:
    """Else its place would be taken until the next start."""
    exchange = BusyExchange()
    async with trio.open_nursery() as nursery:
        client = trio.CancelScope()

        async def serve() -> None:
            with client:
                try:
                    await exchange.arm()
                    await trio.sleep_forever()
                finally:
                    await exchange.guard.disconnect()

        nursery.start_soon(serve)
        await trio.testing.wait_all_tasks_blocked()
        client.cancel()
        assert isinstance(await exchange.take(), ArmDisconnect)
        assert await exchange.take() == Disconnect(purse=Purse("alice/main"), stream=7)


async def test_the_end_of_a_stream_waits_until_a_full_exchange_has_room(
    autojump_clock: MockClock,
) -> None:
    exchange = BusyExchange()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(exchange.arm)
        await exchange.take()
        await trio.testing.wait_all_tasks_blocked()  # It knows that it is armed.
        exchange.fill()
        nursery.start_soon(exchange.guard.disconnect)
        await trio.sleep(1)
        assert [type(await exchange.take()) for _ in range(2)] == [CancelAll, CancelAll]
        assert await exchange.take() == Disconnect(purse=Purse("alice/main"), stream=7)


@pytest.mark.parametrize("waits_m", [1, 60])
async def test_an_exchange_that_is_full_for_long_is_asked_until_it_ends_the_stream(
    autojump_clock: MockClock, waits_m: int
) -> None:
    """Seen red: after half a minute the stream was forgotten until the next start.

    Checked: without handing it over; with a limit of failures an hour is too long.
    """
    exchange, health = BusyExchange(), Health()
    async with trio.open_nursery() as nursery:
        run = exchange.disconnects.run
        nursery.start_soon(run_expendable, "disconnects", run, health, TRY_AGAIN)
        nursery.start_soon(exchange.arm)
        await exchange.take()
        await trio.testing.wait_all_tasks_blocked()  # It knows that it is armed.
        exchange.fill()
        with trio.CancelScope() as client:
            client.cancel()
            await exchange.guard.disconnect()
        assert trio.current_time() < SEEN_THROUGH_S + 1
        assert exchange.disconnects.purses == ("alice/main",)
        await trio.sleep(waits_m * 60)
        assert not health.ok
        assert "orders of alice/main may still be open" in health.failure_of("disconnects")
        assert [type(await exchange.take()) for _ in range(2)] == [CancelAll, CancelAll]
        with trio.fail_after(TRY_AGAIN.pause_s_max + 1):
            assert await exchange.take() == Disconnect(purse=Purse("alice/main"), stream=7)
        await trio.testing.wait_all_tasks_blocked()
        assert not exchange.disconnects.purses
        assert health.ok
        nursery.cancel_scope.cancel()


async def test_what_an_exchange_that_closes_did_not_end_is_left_to_its_next_start(
    autojump_clock: MockClock,
) -> None:
    """Checked: where it does not take a closed exchange for that, the task fails."""
    exchange = BusyExchange()
    exchange.matching.mailbox.close()
    exchange.disconnects.owe(exchange.matching, Disconnect(purse=Purse("alice/main"), stream=7))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(exchange.disconnects.run)
        await trio.testing.wait_all_tasks_blocked()
        assert not exchange.disconnects.purses
        nursery.cancel_scope.cancel()


# --- The dead-man's switch. ------------------------------------------------------------------


async def after(house: TradingHouse, timeout_ms: int, **more: object) -> int:
    request = trading_pb2.CancelAllAfterRequest(timeout_ms=timeout_ms, **more)  # type: ignore[arg-type] # by name
    answer = await house.control.cancel_all_after(call_of(ALICE), request)
    return answer.fires_at_ns


async def test_a_switch_that_is_not_renewed_cancels(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place(ALICE, limit("buy"))
    await house.place(ALICE, limit("sale", SELL, price="51000"))
    first = await after(house, 10_000)
    assert 0 < first - house.running.world.now_ns() <= 10**10
    for _ in range(3):
        await trio.sleep(8)
        assert await after(house, 10_000) > first
    assert await open_ids(house) == ["buy", "sale"]
    await trio.sleep(11)
    assert await open_ids(house) == ["sale"]
    # It is off now.
    await house.place(ALICE, limit("buy-2"))
    await trio.sleep(60)
    assert await open_ids(house) == ["sale", "buy-2"]
    assert await after(house, 1_000, scope=ALL) > first
    await trio.sleep(2)
    assert await open_ids(house) == []


async def test_a_repeated_renewal_is_answered_and_renews_nothing(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place(ALICE, limit("buy"))
    first = await after(house, 10_000, request_id="r1")
    await trio.sleep(8)
    assert await after(house, 10_000, request_id="r1") == first
    with pytest.raises(Rejection) as refused:
        await after(house, 11_000, request_id="r1")
    assert refused.value.reason is Reason.ID_REUSED
    await trio.sleep(3)
    assert await open_ids(house) == []


async def test_a_switch_is_disarmed_with_zero(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place(ALICE, limit("buy"))
    await after(house, 5_000)
    assert await after(house, 0) == 0
    await trio.sleep(60)
    assert await open_ids(house) == ["buy"]
    for timeout_ms in (999, 86_400_001):
        with pytest.raises(Rejection) as refused:
            await after(house, timeout_ms)
        assert refused.value.reason is Reason.AMOUNT_RANGE


async def test_all_orders_or_only_entries_are_cancelled(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place(ALICE, limit("buy"))
    await house.place(ALICE, limit("sale", SELL, price="51000"))
    for scope, left in ((ENTRIES, ["sale"]), (types_pb2.CANCEL_SCOPE_UNSPECIFIED, [])):
        await house.trading.cancel_all_orders(
            call_of(ALICE), trading_pb2.CancelAllOrdersRequest(scope=scope)
        )
        assert await open_ids(house) == left


async def test_an_exchange_that_never_answers_keeps_nobody(autojump_clock: MockClock) -> None:
    """Red with a shield without an end: the daemon waits for the stream, and never ends."""
    guard = DisconnectGuard(Matching(4), Disconnects())
    with trio.CancelScope() as scope:
        scope.cancel()
        with pytest.raises(Closed):
            await guard.arm(Purse("alice/main"), CancelScope.ALL)
    await guard.disconnect()
    assert trio.current_time() <= SEEN_THROUGH_S + 1
