"""What an administrator changes stays, whatever the configuration names at the next start."""

from __future__ import annotations

from pathlib import Path

from xache.v1 import admin_pb2, admin_pb2_grpc, market_pb2, market_pb2_grpc, types_pb2

from tests.faults.house import CALL_S_MAX, connected, open_market, running, sign_in


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
