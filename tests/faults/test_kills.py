"""SIGKILL under load: nothing acknowledged is lost or done twice, no outcome stays unknown.

Checked by breaking: answering before the journal's append lost acknowledged orders in the first
kills; dropping the id look-up made repeated orders new ones. Both turned this test red.
"""

from __future__ import annotations

import os
import random
import threading
from pathlib import Path

import attrs
import grpc
import pytest
from xache.v1 import trading_pb2, trading_pb2_grpc, types_pb2

from tests.faults.house import (
    CALL_S_MAX,
    HouseProcess,
    Metadata,
    all_fills,
    connected,
    limit,
    open_market,
    register,
    running,
    sign_in,
    verify,
)

KILLS = 200 if os.environ.get("XACHE_LONG") else 30
SHARDS = 2
CLIENTS = 6
ORDERS_BEFORE_KILL_MAX = 60
PEOPLE = ("ann@house.example", "ben@house.example")

UNKNOWN = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.UNKNOWN,
)


def expect(error: grpc.RpcError, code: grpc.StatusCode) -> None:
    """The call must have ended like this."""
    assert error.code() is code, error


@attrs.define
class Ledger:
    """What the clients know: every order sent, and every answer that was received."""

    sent: dict[str, trading_pb2.PlaceOrderRequest] = attrs.field(factory=dict)
    acknowledged: dict[str, trading_pb2.PlaceOrderResponse] = attrs.field(factory=dict)
    lock: threading.Lock = attrs.field(factory=threading.Lock)


class Enough:
    """Reached after so many acknowledged orders."""

    def __init__(self, goal: int) -> None:
        self._left = goal
        self._lock = threading.Lock()
        self.reached = threading.Event()

    def count(self) -> None:
        """One more."""
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self.reached.set()


def trade(
    house: HouseProcess,
    metadata: Metadata,
    ledger: Ledger,
    name: str,
    seed: int,
    enough: Enough,
) -> None:
    """One client: cross the spread or rest, until the house is gone."""
    draw = random.Random(seed)
    with connected(house.target) as channel:
        stub = trading_pb2_grpc.TradingServiceStub(channel)
        for number in range(10_000):
            side = draw.choice((types_pb2.SIDE_BUY, types_pb2.SIDE_SELL))
            price = str(60_000 + draw.randrange(-3, 4))
            request = limit(f"{name}-{number}", side, price, f"0.00{draw.randrange(1, 10)}")
            with ledger.lock:
                ledger.sent[request.client_order_id] = request
            try:
                answer = stub.PlaceOrder(request, metadata=metadata, timeout=CALL_S_MAX)
            except grpc.RpcError as error:
                if error.code() in UNKNOWN:
                    return
                expect(error, grpc.StatusCode.FAILED_PRECONDITION)
                with ledger.lock:
                    del ledger.sent[request.client_order_id]
                stub.CancelAllOrders(
                    trading_pb2.CancelAllOrdersRequest(), metadata=metadata, timeout=CALL_S_MAX
                )
                continue
            with ledger.lock:
                ledger.acknowledged[request.client_order_id] = answer
            enough.count()


def load_and_kill(house: HouseProcess, ledgers: dict[str, Ledger], seed: int) -> None:
    """Trade from many threads and kill the house in the middle of it."""
    draw = random.Random(seed)
    enough = Enough(draw.randrange(5, ORDERS_BEFORE_KILL_MAX))
    threads = []
    with connected(house.target) as channel:
        signed_in = {email: sign_in(channel, email) for email in ledgers}
    for client in range(CLIENTS):
        email = PEOPLE[client % len(PEOPLE)]
        name = f"{seed}-{client}"
        arguments = (house, signed_in[email], ledgers[email], name, seed * 100 + client, enough)
        threads.append(threading.Thread(target=trade, args=arguments))
    for thread in threads:
        thread.start()
    assert enough.reached.wait(60)
    house.kill()
    for thread in threads:
        thread.join()


def check_everything(house: HouseProcess, ledgers: dict[str, Ledger]) -> None:
    """Every acknowledged order and fill is there once; every unknown outcome gets one answer."""
    with connected(house.target) as channel:
        for email, ledger in ledgers.items():
            metadata = sign_in(channel, email)
            stub = trading_pb2_grpc.TradingServiceStub(channel)
            fills = all_fills(channel, metadata)
            sides = [(fill.trade_id, fill.order_id) for fill in fills]
            assert len(sides) == len(set(sides)), "a fill is there twice"
            acknowledged = {
                (fill.trade_id, fill.order_id)
                for answer in ledger.acknowledged.values()
                for fill in answer.fills
            }
            assert acknowledged <= set(sides), "an acknowledged fill is gone"
            for client_order_id, request in ledger.sent.items():
                first = ledger.acknowledged.get(client_order_id)
                check_order(stub, metadata, request, first, ledger)


def check_order(
    stub: trading_pb2_grpc.TradingServiceStub,
    metadata: Metadata,
    request: trading_pb2.PlaceOrderRequest,
    first: trading_pb2.PlaceOrderResponse | None,
    ledger: Ledger,
) -> None:
    """Ask for one order by its client id, and send it again."""
    wanted = trading_pb2.GetOrderRequest(client_order_id=request.client_order_id)
    try:
        found = stub.GetOrder(wanted, metadata=metadata, timeout=CALL_S_MAX)
    except grpc.RpcError as error:
        expect(error, grpc.StatusCode.NOT_FOUND)
        assert first is None, f"the acknowledged order {request.client_order_id} is gone"
        found = None
    again: trading_pb2.PlaceOrderResponse | None = None
    try:
        again = stub.PlaceOrder(request, metadata=metadata, timeout=CALL_S_MAX)
    except grpc.RpcError as error:
        # Never accepted, and too many open orders now: a refusal leaves the id unused.
        expect(error, grpc.StatusCode.FAILED_PRECONDITION)
    if again is None:
        assert found is None, "an accepted order was refused when it was sent again"
        return
    if found is not None:
        assert again.order.order_id == found.order.order_id, "the retry made a second order"
    if first is not None:
        assert again == first, "the retry was answered differently"
    ledger.acknowledged[request.client_order_id] = again


@pytest.mark.parametrize("shard", range(SHARDS))
def test_nothing_acknowledged_is_lost(tmp_path: Path, shard: int) -> None:
    ledgers = {email: Ledger() for email in PEOPLE}
    with running(tmp_path) as house:
        with connected(house.target) as channel:
            accounts = [register(channel, email) for email in PEOPLE]
        open_market(house, accounts)
        load_and_kill(house, ledgers, seed=shard * 10_000)
    for kill in range(1, KILLS // SHARDS):
        with running(tmp_path) as house:
            check_everything(house, ledgers)
            for ledger in ledgers.values():  # What was checked need not be checked again.
                ledger.sent.clear()
                ledger.acknowledged.clear()
            load_and_kill(house, ledgers, seed=shard * 10_000 + kill)
    with running(tmp_path) as house:
        check_everything(house, ledgers)
        verify(house.data)
        assert house.stop() == 0
    verify(house.data)
