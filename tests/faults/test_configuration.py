"""What an administrator changes stays, whatever the configuration names at the next start.

And what two configurations both name: one administrators' socket.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from xache.v1 import admin_pb2, admin_pb2_grpc, market_pb2, market_pb2_grpc, types_pb2

from tests.faults.house import (
    CALL_S_MAX,
    PASSWORD,
    START_S_MAX,
    connected,
    open_market,
    running,
    sign_in,
)
from xached.house.admin_socket import SocketInUse, claimed_socket


def listed(target: str) -> dict[str, types_pb2.Instrument]:
    """What people are told of the markets."""
    with connected(target) as channel:
        stub = market_pb2_grpc.MarketServiceStub(channel)
        told = stub.ListInstruments(market_pb2.ListInstrumentsRequest(), timeout=CALL_S_MAX)
    return {each.symbol: each for each in told.instruments}


def test_a_restart_does_not_undo_what_an_administrator_has_changed(tmp_path: Path) -> None:
    """Checked by letting every instrument count as new: the second start is refused."""
    with running(tmp_path) as house:
        open_market(house, [])
        changed = listed(house.target)["BTC-USDT"]
        assert changed.taker_fee_ppm != 700
        changed.taker_fee_ppm = 700
        with connected(f"unix:{house.data / 'admin.sock'}") as channel:
            stub = admin_pb2_grpc.AdminServiceStub(channel)
            metadata = sign_in(channel, "admin@house.example")
            stub.ChangeInstrument(
                admin_pb2.ChangeInstrumentRequest(instrument=changed),
                metadata=metadata,
                timeout=CALL_S_MAX,
            )
            stub.DelistInstrument(
                admin_pb2.DelistInstrumentRequest(symbol="ETH-USDT", cause="no more"),
                metadata=metadata,
                timeout=CALL_S_MAX,
            )
        assert house.stop() == 0
    with running(tmp_path) as house:
        found = listed(house.target)
        assert found["BTC-USDT"] == changed
        assert found["ETH-USDT"].state == types_pb2.MARKET_STATE_HALTED


def test_a_socket_is_one_house_at_a_time(tmp_path: Path) -> None:
    """Checked by removing whatever socket is there: the second starts, and the first is deaf."""
    shared = tmp_path / "admin.sock"
    mine, other = tmp_path / "mine", tmp_path / "other"
    for root in (mine, other):
        root.mkdir()
    terms = f'socket = "{shared}"\nrequire_code = false'
    with running(other, admin=terms) as house:
        assert house.stop() == 0
    with running(mine, admin=terms) as house:
        second = subprocess.run(
            [sys.executable, "-m", "xached", "serve", "--config", str(other / "xached.toml")],
            capture_output=True,
            text=True,
            timeout=START_S_MAX,
            check=False,
        )
        assert second.returncode == 2
        assert "another house has its administrators' socket at" in second.stderr
        assert "Traceback" not in second.stderr
        with connected(f"unix:{shared}") as channel:
            admin_pb2_grpc.AdminServiceStub(channel).BootstrapAdmin(
                admin_pb2.BootstrapAdminRequest(
                    token=house.token, email="admin@house.example", password=PASSWORD
                ),
                timeout=CALL_S_MAX,
            )
            sign_in(channel, "admin@house.example")
        house.kill()
        assert shared.is_socket(), "nobody took it away"
    with running(other, admin=terms) as house, connected(f"unix:{shared}") as channel:
        with pytest.raises(grpc.RpcError, match="the e-mail address or the password"):
            sign_in(channel, "admin@house.example")
        assert house.stop() == 0


def test_a_socket_of_another_program_stays(tmp_path: Path) -> None:
    """Nor is a file taken away that is no socket."""
    path = tmp_path / "admin.sock"
    with socket.socket(socket.AF_UNIX) as program:
        program.bind(str(path))
        program.listen()
        with pytest.raises(SocketInUse, match="another program"), claimed_socket(path):
            pass
        assert path.is_socket()
    with claimed_socket(path):
        assert not path.exists(), "it was left behind"
        with pytest.raises(SocketInUse, match="another house"), claimed_socket(path):
            pass
    path.write_text("notes")
    with pytest.raises(FileExistsError), claimed_socket(path):
        pass
    assert path.read_text() == "notes"
