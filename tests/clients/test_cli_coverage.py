"""Every RPC of users has a command of ``xache``, or a reason why it has none.

The command calls by the methods of the Python client: every RPC is in one of these, and every one
of these is used by a command. Checked: with ``Account.revoke_api_key`` sending ListApiKeys, its RPC
is missed; with ``xache keys revoke`` not calling it, the method is.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import stat
from pathlib import Path
from typing import cast

import pytest
import xache
import xache.v1
from google.protobuf.descriptor import MethodDescriptor
from xache.client import Services
from xache.connection import Connection
from xache.v1 import compliance_pb2, options_pb2, strategy_pb2, trading_pb2, types_pb2

from tests.clients.command import Run, runner
from tests.clients.house import EMAIL, PASSWORD, House
from xached.api.routes import authorization_of

ELSEWHERE = {
    "LiveService/WatchMarket": "one stream for a page of the browser; xache top has its parts",
    "LiveService/WatchDesk": "one stream for a page of the browser; xache top has its parts",
}

FOR_PROGRAMS = {
    "all": "one's own strategies alone; commands show those of the house beside them",
    "enter_orders": "a stream in both directions, for programs; order batch enters many at once",
    "forget": "what login does with the tokens of the session before",
}
"""Methods of the client that no command calls."""

FOR_USERS = {0, options_pb2.ROLE_USER}


def methods_of_users() -> dict[str, MethodDescriptor]:
    """Methods that take no role of the house."""
    found = {}
    for module_info in pkgutil.iter_modules(xache.v1.__path__):
        if not module_info.name.endswith("_pb2"):
            continue
        module = importlib.import_module(f"xache.v1.{module_info.name}")
        for service in module.DESCRIPTOR.services_by_name.values():
            if service.name in ("AdminService", "RiskService"):
                continue
            for method in service.methods:
                need = authorization_of(method)
                if not need.roles or need.roles & FOR_USERS:
                    found[f"{service.name}/{method.name}"] = method
    return found


def sources(*packages: str) -> str:
    """The text of what is below the client's package, without generated code."""
    root = Path(xache.__file__).parent
    paths = (path for package in packages for path in (root / package).glob("*.py"))
    return "\n".join(path.read_text() for path in paths)


METHODS = methods_of_users()


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_rpc_of_users_is_called_by_the_client_of_the_command(name: str) -> None:
    request = METHODS[name].input_type.name
    called = f".{request}" in sources("", "commands", "live", "top")
    assert called != (name in ELSEWHERE), name


def client_methods() -> set[str]:
    """Public methods of the parts of the client, each of a service."""
    parts = vars(Services(cast(Connection, None))).values()
    return {
        name
        for part in parts
        for name, member in vars(type(part)).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }


@pytest.mark.parametrize("name", sorted(client_methods()))
def test_every_method_of_the_client_is_called_by_a_command(name: str) -> None:
    called = re.search(rf"\.{name}\b", sources("commands", "live", "top"))
    assert bool(called) != (name in FOR_PROGRAMS), name


def test_a_file_of_orders_is_placed_at_once(house: House, signed_in: Run, tmp_path: Path) -> None:
    placed = trading_pb2.PlaceOrderResponse(
        order=types_pb2.Order(order_id="7", client_order_id="one", symbol="BTC-USDT")
    )
    refusal = trading_pb2.Refusal(reason="PRICE_TICK", message="not a whole number of ticks")
    house.answers["PlaceOrders"] = trading_pb2.PlaceOrdersResponse(
        results=[
            trading_pb2.OrderResult(placed=placed),
            trading_pb2.OrderResult(refusal=refusal),
        ]
    )
    file = tmp_path / "orders.jsonl"
    line = '{"symbol": "BTC-USDT", "side": "SIDE_BUY", "quantity": "1", "clientOrderId": "one"}'
    file.write_text(f"{line}\n{line.replace('one', '')}\n")
    ran = signed_in("order", "batch", str(file))
    assert ran.code == 1
    assert "one" in ran.out
    assert "line 2  PRICE_TICK" in ran.out
    request = house.requests[-1]
    assert isinstance(request, trading_pb2.PlaceOrdersRequest)
    assert [order.symbol for order in request.orders] == ["BTC-USDT"] * 2
    assert request.orders[0].client_order_id == "one"
    assert len(request.orders[1].client_order_id) > 8
    for text in ("", "no JSON", '{"price": 1}\n' * 201, '{"unknown": 1}'):
        file.write_text(text)
        assert signed_in("order", "batch", str(file)).code == 2


@pytest.fixture
def signed_in(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    run = runner(house, capsys)
    assert run("login", EMAIL).code == 0
    return run


def test_a_statement_is_a_file_of_ones_own(house: House, signed_in: Run, tmp_path: Path) -> None:
    house.answers["ExportTrades"] = compliance_pb2.ExportTradesResponse(
        content=b"time,symbol\n1,BTC-USDT\n2,BTC-USDT\n"
    )
    file = tmp_path / "trades.csv"
    period = ("--since", "2026-01-01", "--until", "2026-02-01T12:00:00")
    ran = signed_in("statement", str(file), *period)
    assert ran.out.strip() == f"written 2 trades in {file}"
    assert file.read_text().endswith("2,BTC-USDT\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    request = house.requests[-1]
    assert isinstance(request, compliance_pb2.ExportTradesRequest)
    assert request.from_ns == 1_767_225_600 * 10**9
    assert request.to_ns == 1_769_947_200 * 10**9
    assert signed_in("statement", str(file), *period).code == 2, "nothing is written over"


def test_plugins_are_listed_with_their_settings(house: House, signed_in: Run) -> None:
    assert "no plugin yet" in signed_in("strategy", "plugins").err
    plugin = strategy_pb2.StrategyPlugin(
        name="sma", version="1.2", about="Two averages",
        settings_schema_json='{"properties": {"fast": {"default": 8, "description": "bars"}}}',
    )  # fmt: skip
    house.answers["ListStrategyPlugins"] = strategy_pb2.ListStrategyPluginsResponse(
        plugins=[plugin]
    )
    lines = signed_in("strategy", "plugins").out.splitlines()
    assert lines[0] == "sma  1.2  Two averages"
    assert lines[1].split() == ["fast", "8", "bars"]
    assert '"version": "1.2"' in signed_in("strategy", "plugins", "--json").out
