"""`xached serve` with one line of configuration, beside a venue on this machine."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import trio
from xache.v1 import admin_pb2, admin_pb2_grpc, market_pb2, market_pb2_grpc, types_pb2

from tests.adapters.mock_venue import listening
from tests.adapters.test_live_sockets import recorded_binance
from tests.faults.house import (
    CALL_S_MAX,
    HouseProcess,
    Metadata,
    connected,
    open_market,
    running,
    sign_in,
)


def health_of(house: HouseProcess, metadata: Metadata) -> dict[str, admin_pb2.ActorHealth]:
    """How each actor is doing."""
    with connected(f"unix:{house.data / 'admin.sock'}") as channel:
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        request = admin_pb2.GetHealthRequest()
        health = stub.GetHealth(request, metadata=metadata, timeout=CALL_S_MAX)
    return {actor.name: actor for actor in health.actors}


def first_ticker(market: market_pb2_grpc.MarketServiceStub) -> market_pb2.Ticker:
    """The venue's, once it has prices."""
    request = market_pb2.WatchTickersRequest(symbol="BTC-USDT")
    found: market_pb2.Ticker = next(
        ticker
        for answer in market.WatchTickers(request, timeout=CALL_S_MAX)
        for ticker in answer.tickers
        if ticker.source.venue == "BINANCE" and ticker.bid and ticker.last
    )
    return found


def look_inside(root: Path, more: str) -> None:
    with running(root, more=more) as house:
        open_market(house, [])
        with connected(house.target) as channel:
            market = market_pb2_grpc.MarketServiceStub(channel)
            ticker = first_ticker(market)
            assert ticker.source.provenance == types_pb2.PROVENANCE_LIVE
            assert not ticker.stale
            assert 50_000 < float(ticker.bid) < float(ticker.ask) < 70_000
            book = market.GetBook(
                market_pb2.GetBookRequest(symbol="BTC-USDT", venue="BINANCE", depth=20),
                timeout=CALL_S_MAX,
            )
            assert len(book.bids) == len(book.asks) == 20
        with connected(f"unix:{house.data / 'admin.sock'}") as channel:
            metadata = sign_in(channel, "admin@house.example")
        begun = time.monotonic()
        while not (health := health_of(house, metadata))["market"].statistics["marks"]:
            assert time.monotonic() - begun < CALL_S_MAX
        assert health["feed BINANCE"].state == "running"
        assert health["feed BINANCE"].statistics["connected"] == 1
        assert health["feed BINANCE"].statistics["frames"] > 100
        # Nobody is there: that is told, and everything else goes on.
        assert "FeedDown: 127.0.0.1: " in health["feed KRAKEN"].failure
        assert health["feed KRAKEN"].statistics["connected"] == 0
        assert house.stop() == 0


async def test_one_line_brings_a_venue(tmp_path: Path) -> None:
    venue = recorded_binance({})
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # Taken, and nobody listens.
        async with listening(venue) as at:
            more = f"""
[feeds]
binance = ["BTC-USDT"]
binance_stream = "ws://{at.stream.authority}"
binance_rest = "http://{at.rest.authority}"
kraken = ["ETH-USDT"]
kraken_stream = "ws://127.0.0.1:{nobody.getsockname()[1]}"
stale_after_s = 3600
"""
            await trio.to_thread.run_sync(look_inside, tmp_path, more)
