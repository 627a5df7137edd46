"""A paper exchange that cannot start takes nothing else with it.

Checked by breaking: supervised as a vital actor it ends the daemon before the first order.
"""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
from xache.v1 import (
    account_pb2,
    account_pb2_grpc,
    admin_pb2,
    admin_pb2_grpc,
    trading_pb2_grpc,
    types_pb2,
)

from tests.faults.house import (
    CALL_S_MAX,
    connected,
    limit,
    open_market,
    register,
    running,
    sign_in,
)
from xached.storage.directory import DataPaths

ANN = "ann@house.example"


def test_a_damaged_paper_journal_stops_paper_and_nothing_else(tmp_path: Path) -> None:
    with running(tmp_path) as house, connected(house.target) as channel:
        account = register(channel, ANN)
        open_market(house, [account])
        assert house.stop() == 0
    paper = DataPaths(house.data).paper
    paper.write_bytes(b"no database" * 1_000)
    with running(tmp_path) as house, connected(house.target) as channel:
        metadata = sign_in(channel, ANN)
        order = limit("real", types_pb2.SIDE_BUY, "59000", "0.001")
        trading = trading_pb2_grpc.TradingServiceStub(channel)
        placed = trading.PlaceOrder(order, metadata=metadata, timeout=CALL_S_MAX)
        assert placed.order.status == types_pb2.ORDER_STATUS_OPEN
        with pytest.raises(grpc.RpcError) as refused:
            account_pb2_grpc.AccountServiceStub(channel).OpenSubaccount(
                account_pb2.OpenSubaccountRequest(subaccount="paper"),
                metadata=metadata,
                timeout=CALL_S_MAX,
            )
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        with connected(f"unix:{house.data / 'admin.sock'}") as inside:
            admin = sign_in(inside, "admin@house.example")
            health = admin_pb2_grpc.AdminServiceStub(inside).GetHealth(
                admin_pb2.GetHealthRequest(), metadata=admin, timeout=CALL_S_MAX
            )
        states = {actor.name: actor for actor in health.actors}
        assert states["matching"].state == "running"
        assert states["paper"].state in {"pausing", "running"}
        assert "paper.db" in states["paper"].failure or "journal" in states["paper"].failure
        assert house.stop() == 0
