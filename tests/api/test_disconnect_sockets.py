"""Streams over real sockets: a client that vanishes, and a daemon that is killed under it.

The real daemon. Checked by breaking, each seen red: a start that forgets the streams that were
armed, and a handler that is cancelled before it has ended its stream.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from pathlib import Path

from xache.v1 import trading_pb2, trading_pb2_grpc, types_pb2

from tests.faults.house import (
    CALL_S_MAX,
    Metadata,
    connected,
    limit,
    open_market,
    register,
    running,
    sign_in,
    verify,
)

ANN = "ann@house.example"
BUY, SELL = types_pb2.SIDE_BUY, types_pb2.SIDE_SELL
PATIENCE_S = 20.0


class Stream:
    """An order-entry stream that stays open until it is left."""

    def __init__(self, stub: trading_pb2_grpc.TradingServiceStub, metadata: Metadata) -> None:
        self._sent: queue.Queue[trading_pb2.EnterOrdersRequest | None] = queue.Queue()
        self.call = stub.EnterOrders(self._requests(), metadata=metadata)

    def ask(self, entry: trading_pb2.EnterOrdersRequest) -> trading_pb2.OrderResult:
        """Send an entry and wait for its answer."""
        self._sent.put(entry)
        for answer in self.call:
            if not answer.heartbeat:
                result: trading_pb2.OrderResult = answer.result
                return result
        raise AssertionError("the stream has ended")

    def _requests(self) -> Iterator[trading_pb2.EnterOrdersRequest]:
        while (entry := self._sent.get()) is not None:
            yield entry


def arm_and_place(stream: Stream, name: str) -> None:
    """Arm the stream for everything, and leave an order in the book."""
    scope = types_pb2.CANCEL_SCOPE_ALL
    armed = stream.ask(trading_pb2.EnterOrdersRequest(tag=1, cancel_on_disconnect=scope))
    assert armed.armed.scope == scope
    order = limit(name, BUY, "59000", "0.001")
    placed = stream.ask(trading_pb2.EnterOrdersRequest(tag=2, place=order))
    assert placed.placed.order.status == types_pb2.ORDER_STATUS_OPEN


def end_reason(
    stub: trading_pb2_grpc.TradingServiceStub, metadata: Metadata, name: str
) -> types_pb2.EndReason:
    """Why an order has ended, once it has."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        request = trading_pb2.GetOrderRequest(client_order_id=name)
        order = stub.GetOrder(request, metadata=metadata, timeout=CALL_S_MAX).order
        if order.status != types_pb2.ORDER_STATUS_OPEN:
            reason: types_pb2.EndReason = order.end_reason
            return reason
    raise AssertionError(f"{name} is still open")


def test_orders_end_when_their_client_vanishes_and_when_the_daemon_is_killed(
    tmp_path: Path,
) -> None:
    with running(tmp_path) as house, connected(house.target) as channel:
        open_market(house, [register(channel, ANN)])
        metadata = sign_in(channel, ANN)
        stub = trading_pb2_grpc.TradingServiceStub(channel)
        kept = limit("kept", BUY, "58000", "0.001")
        stub.PlaceOrder(kept, metadata=metadata, timeout=CALL_S_MAX)
        with connected(house.target) as vanishing:
            own = Stream(trading_pb2_grpc.TradingServiceStub(vanishing), metadata)
            arm_and_place(own, "first")
        # The connection is gone, and with it the stream. It ends all of the purse.
        for name in ("first", "kept"):
            assert end_reason(stub, metadata, name) == types_pb2.END_REASON_DISCONNECT
        arm_and_place(Stream(stub, metadata), "second")
        house.kill()
    with running(tmp_path) as again, connected(again.target) as channel:
        metadata = sign_in(channel, ANN)
        stub = trading_pb2_grpc.TradingServiceStub(channel)
        assert end_reason(stub, metadata, "second") == types_pb2.END_REASON_DISCONNECT
        after = limit("after", BUY, "59000", "0.001")
        placed = stub.PlaceOrder(after, metadata=metadata, timeout=CALL_S_MAX)
        assert placed.order.status == types_pb2.ORDER_STATUS_OPEN
        assert again.stop() == 0
    verify(tmp_path / "data")
