"""A failing disk: at the first error of an fsync the daemon stops, before any further answer.

The real daemon, with the kernel's answers changed by strace. Checked by breaking: letting the
journal go on after an error acknowledged orders that a restart did not find.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import grpc
import pytest
from xache.v1 import trading_pb2, trading_pb2_grpc, types_pb2

from tests.faults.house import (
    CALL_S_MAX,
    connected,
    limit,
    open_market,
    register,
    running,
    sign_in,
    verify,
)

ANN = "ann@house.example"
BUY = types_pb2.SIDE_BUY


def strace() -> str:
    """Where strace is; without it the test is skipped, except where it must be there."""
    found = shutil.which("strace")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("strace is missing")
        pytest.skip("needs strace, which only the system's package manager can give")
    return found


def test_an_error_of_fsync_stops_the_daemon_before_any_further_answer(tmp_path: Path) -> None:
    tracer = strace()
    with running(tmp_path) as house, connected(house.target) as channel:
        account = register(channel, ANN)
        open_market(house, [account])
        metadata = sign_in(channel, ANN)
        stub = trading_pb2_grpc.TradingServiceStub(channel)
        for number in range(5):
            request = limit(f"good-{number}", BUY, "59000", "0.001")
            stub.PlaceOrder(request, metadata=metadata, timeout=CALL_S_MAX)
        with subprocess.Popen(
            [
                tracer, "-f", "-p", str(house.process.pid), "-e", "trace=fsync,fdatasync",
                "-e", "inject=fsync,fdatasync:error=EIO", "-o", str(tmp_path / "strace.log"),
            ],
            stderr=subprocess.PIPE,
            text=True,
        ) as tracing:  # fmt: skip
            assert tracing.stderr is not None
            attached = tracing.stderr.readline()
            assert "attached" in attached, attached
            codes = []
            for number in range(3):
                request = limit(f"bad-{number}", BUY, "59000", "0.001")
                with pytest.raises(grpc.RpcError) as failed:
                    stub.PlaceOrder(request, metadata=metadata, timeout=CALL_S_MAX)
                codes.append(failed.value.code())
            assert house.wait() == 70
            tracing.wait()
        assert set(codes) <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
        assert "EIO" in (tmp_path / "strace.log").read_text()
        # Whichever file was written first: the journal, or the vault's own housekeeping.
        log = (tmp_path / "stderr.log").read_text()
        assert "JournalFailed" in log or "VaultFailed" in log
    with running(tmp_path) as house, connected(house.target) as channel:
        metadata = sign_in(channel, ANN)
        stub = trading_pb2_grpc.TradingServiceStub(channel)
        answer = stub.ListOpenOrders(
            trading_pb2.ListOpenOrdersRequest(), metadata=metadata, timeout=CALL_S_MAX
        )
        names = [order.client_order_id for order in answer.orders]
        assert names[:5] == [f"good-{number}" for number in range(5)]
        # The first one may have reached the disk before the error; those after it cannot have.
        assert names[5:] in ([], ["bad-0"])
        verify(house.data)
