"""The demo as a newcomer meets it: what it prints works as printed.

One demo serves the whole file, in its order. Its seven commands are read from its output and run
by a shell; the real grpcurl asks it; its strategy must trade; a kill, a restart and Ctrl-C end it.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.demo import BIN, COMMAND_S_MAX, READY_S_MAX, Demo, read_lines, running_demo, start
from xached.demo.demo import HISTORIES
from xached.research.history.about import list_histories

TRADE_S_MAX = 240.0

pytestmark = [pytest.mark.xdist_group("demo"), pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the whole file."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


def test_grpcurl_lists_describes_and_calls(demo: Demo) -> None:
    services = demo.grpcurl(demo.grpc, "list").split()
    assert "xache.v1.TradingService" in services
    assert "xache.v1.AdminService" not in services, "the admin service has its own listener"
    described = demo.grpcurl(demo.grpc, "describe", "xache.v1.TradingService.PlaceOrder")
    assert "rpc PlaceOrder ( .xache.v1.PlaceOrderRequest )" in described
    book = json.loads(
        demo.grpcurl("-d", """'{"symbol": "BTC-USDT", "depth": 3}'""", demo.grpc,
                     "xache.v1.MarketService/GetBook")
    )  # fmt: skip
    assert len(book["bids"]) == len(book["asks"]) == 3
    assert book["source"] == {"venue": "XACHE", "provenance": "PROVENANCE_SIMULATED"}
    health = json.loads(demo.grpcurl(demo.grpc, "grpc.health.v1.Health/Check"))
    assert health == {"status": "SERVING"}


def test_grpcurl_makes_the_first_administrator(demo: Demo) -> None:
    socket = f"-unix {demo.data / 'admin.sock'}"
    admin = {"email": "admin@demo.example", "password": "a long enough pass phrase"}
    make = json.dumps({"token": demo.token(), **admin})
    demo.grpcurl("-d", f"'{make}'", socket, "xache.v1.AdminService/BootstrapAdmin")
    granted = json.loads(
        demo.grpcurl("-d", f"'{json.dumps(admin)}'", socket, "xache.v1.AuthService/Login")
    )
    bearer = f"-H 'authorization: Bearer {granted['tokens']['access_token']}'"
    health = json.loads(demo.grpcurl(bearer, socket, "xache.v1.AdminService/GetHealth"))
    states = {actor["name"]: actor["state"] for actor in health["actors"]}
    assert {"matching", "market", "strategy sma", "strategy lightgbm"} <= set(states)
    assert set(states.values()) == {"running"}
    # Its role does not open the admin service on the public listener.
    refused = subprocess.run(
        [f"{BIN}/grpcurl", "-plaintext", demo.grpc, "xache.v1.AdminService/GetHealth"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode != 0


def test_charts_are_full_and_say_where_they_come_from(demo: Demo) -> None:
    for interval, fewest in (("1S", 150), ("1M", 100), ("5M", 200), ("15M", 200), ("1H", 200)):
        request = {
            "symbol": "ETH-USDT", "venue": "BINANCE", "interval": f"INTERVAL_{interval}",
        }  # fmt: skip
        answer = json.loads(
            demo.grpcurl(
                "-d", f"'{json.dumps(request)}'", demo.grpc, "xache.v1.MarketService/ListCandles"
            )
        )
        assert answer["source"]["provenance"] == "PROVENANCE_RECORDED"
        assert len(answer["candles"]) >= fewest, interval


def test_http_says_that_it_lives_and_serves_the_page(demo: Demo) -> None:
    assert httpx.get(f"{demo.http}/livez").status_code == 200
    assert httpx.get(f"{demo.http}/readyz").json()["ready"] is True
    assert "<title>XACHE</title>" in httpx.get(demo.http).text


def test_there_are_histories_to_run_backtests_over(demo: Demo) -> None:
    found = list_histories(demo.data / "histories")
    assert [each.name for each in found] == list(HISTORIES)
    assert all(each.candles > 50_000 for each in found)


def test_the_seven_commands_work_as_printed(demo: Demo) -> None:
    assert sorted(demo.commands) == [1, 2, 3, 4, 5, 6, 7]
    watch_the_book(demo)
    bought = demo.run(demo.commands[2])
    assert "FILLED" in bought.upper()
    shown = demo.run(demo.commands[3])
    assert "fee" in shown.lower()
    assert "USDT" in shown
    assert "CANCEL" in demo.run(demo.commands[4]).upper()
    demo.run(demo.commands[5])
    before = orders_of(demo)
    again = start(demo.commands[6].split("; ", 2)[2], demo.data, demo.env) if kill(demo) else demo
    demo.process.wait()
    assert demo.process.stdout is not None
    demo.process.stdout.close()
    demo.process, demo.output = again.process, demo.output + again.output
    assert (again.grpc, again.http) == (demo.grpc, demo.http)
    assert orders_of(demo) == before, "what was acknowledged is there, once"
    assert "everything holds" in demo.run(demo.commands[7])


def kill(demo: Demo) -> bool:
    """Carry out the first part of the sixth command."""
    killing, sleeping, restarting = demo.commands[6].split("; ", 2)
    assert killing == f"kill -9 {demo.process.pid}"
    assert sleeping == "sleep 1"
    demo.process.send_signal(signal.SIGKILL)
    return "demo" in restarting


def watch_the_book(demo: Demo) -> None:
    """The first command goes on until Ctrl-C, and then leaves quietly."""
    watching = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {demo.commands[1]}"],
        stdout=subprocess.PIPE,
        text=True,
        env=demo.env,
    )
    try:
        assert any("BTC-USDT" in line for line in read_lines(watching, COMMAND_S_MAX))
        watching.send_signal(signal.SIGINT)
        output, _ = watching.communicate(timeout=COMMAND_S_MAX)
        assert watching.returncode == 0, output
    finally:
        watching.kill()
        watching.communicate()


def orders_of(demo: Demo) -> Any:
    """The demo trader's own orders and fills."""
    xache = f"{BIN}/xache --target {demo.grpc}"
    demo.run(f"XACHE_PASSWORD={demo.password()} {xache} login trader@demo.example")
    return demo.run(f"{xache} order list --all --json"), demo.run(f"{xache} fills --json")


def test_the_strategy_trades_the_money_it_was_granted(demo: Demo) -> None:
    xache = f"{BIN}/xache --target {demo.grpc}"
    demo.run(f"XACHE_PASSWORD={demo.password()} {xache} login trader@demo.example")
    watching = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {xache} watch --subaccount sma --json"],
        stdout=subprocess.PIPE,
        text=True,
        env=demo.env,
    )
    try:
        fill = next(
            fill
            for line in read_lines(watching, TRADE_S_MAX)
            if (fill := json.loads(line).get("fill"))
        )
    finally:
        watching.kill()
        watching.communicate()
    assert fill["subaccount"] == "sma"
    assert fill["symbol"] == "BTC-USDT"
    assert fill["simulated"] is True
    why = json.loads(demo.run(f"{xache} explain {fill['order_id']} --subaccount sma --json"))
    assert (why["origin"], why["run"]["strategy"]) == ("ORDER_ORIGIN_STRATEGY", "sma")
    assert why["reason_state"] == "REASON_STATE_KEPT"
    assert {each["name"] for each in why["reason"]["figures"]} == {"fast ticks", "slow ticks"}
    assert "is below" in why["summary"] or "has crossed above" in why["summary"]
    assert why["reason"]["seen"][0]["symbol"] == "BTC-USDT"


def test_ctrl_c_drains_and_leaves_quietly(demo: Demo) -> None:
    demo.process.send_signal(signal.SIGINT)
    demo.process.communicate(timeout=READY_S_MAX)
    assert demo.process.returncode == 0
