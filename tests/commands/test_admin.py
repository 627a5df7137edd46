"""``xached admin`` against a running daemon: every RPC of the house has a command, or a reason.

The audit is the witness: what it says was called is compared with what the services have. Checked:
with ``plugins withdraw`` left out below, and with that command calling ReleasePlugin,
WithdrawPlugin is missed.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from xache.v1 import account_pb2, account_pb2_grpc, admin_pb2, risk_pb2, staff_pb2

from tests.faults.house import (
    PASSWORD,
    HouseProcess,
    connected,
    open_market,
    register,
    running,
    sign_in,
)
from xached import cli

ADMIN = "admin@house.example"

ELSEWHERE = {
    "BootstrapAdmin": "xached admin enrol, with the daemon's one-time token",
    "GetHealth": "xached admin health; it is asked every few seconds and left out of the audit",
    "ListApplications": "the review queue of the web client, where the papers can be seen",
    "ViewApplication": "the web client, with a fresh proof",
    "ViewDocument": "the web client, with a fresh proof",
    "ReviewApplication": "the web client, beside the papers",
    "ListCases": "the web client",
    "ViewCase": "the web client, with a fresh proof",
    "AssignCase": "the web client",
    "DecideCase": "the web client, beside the facts",
    "FreezeAccount": "the web client, for support; administrators use users impede",
    "ReportTrades": "the web client and REST: it is a file",
}
"""RPCs that no command of this file calls, and where they are called."""


@attrs.frozen
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


Admin = Callable[..., Ran]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HouseProcess]:
    """A house whose first administrator also has the staff's roles."""
    with running(tmp_path_factory.mktemp("admin")) as house:
        yield house


@pytest.fixture
def admin(
    house: HouseProcess, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Admin:
    """Run `xached admin`, with address and password on standard input."""

    def run(*arguments: str | Path) -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{ADMIN}\n{PASSWORD}\n"))
        code = 0
        try:
            cli.app(["admin", *map(str, arguments), "--data", str(house.data)])
        except SystemExit as end:
            said = "" if end.code is None or isinstance(end.code, int) else end.code
            code = end.code if isinstance(end.code, int) else int(bool(said))
            print(said)
        captured = capsys.readouterr()
        return Ran(code, captured.out.strip(), captured.err)

    return run


def check_people(admin: Admin, own: str, ann: str) -> None:
    """Accounts and their purses."""

    def said(*arguments: str) -> str:
        ran = admin(*arguments)
        assert ran.code == 0, ran
        return ran.out

    for role in ("support", "compliance", "operator"):
        assert role in said("users", "role", own, role)
    assert json.loads(said("users", "find", ADMIN, "--json"))["account_id"] == own
    assert said("users", "role", ann, "support") == f"{ann} is user, support"
    assert said("users", "role", ann, "support", "--take") == f"{ann} is user"
    found = said("users", "find", "ann@people.example")
    assert f"account       {ann}" in found
    assert "roles         user" in found
    assert ann in said("users", "list", "--role", "user")
    listed = json.loads(said("users", "list", "--json"))["accounts"]
    assert {each["account_id"] for each in listed} == {own, ann}
    assert "There are more: --after " in said("users", "list", "--limit", "1")
    assert said("users", "count").startswith("accounts          2")
    assert said("users", "impede", ann, "suspended") == f"{ann} is suspended"
    assert said("users", "impede", ann, "suspended", "--lift") == f"{ann} is not suspended"
    assert said("users", "end-sessions", ann) == f"the sessions of {ann} have ended"
    assert said("users", "new-keys", ann) == f"{ann} has new keys"
    assert said("users", "group", ann, "desk", "--cause", "one owner").startswith(f"{ann} is in de")
    assert said("purses", "open", ann, "bot").startswith(f"{ann}/bot is open (row ")
    assert "10.5 USDT credited" in said("purses", "deposit", ann, "USDT", "10.5")
    assert "/bot is frozen" in said("purses", "freeze", ann, "bot", "--cause", "a look")
    assert "/bot is not frozen" in said("purses", "freeze", ann, "bot", "--cause", "ok", "--lift")
    options = ("--max-open-orders", "5", "--max-order-notional", "USDT=1000")
    assert "are set" in said("purses", "limits", ann, "bot", *options)


def check_a_deposit_is_made_once(admin: Admin, ann: str) -> None:
    """With an id of one's own a repeat finds what was done."""
    first, again = (
        admin("purses", "deposit", ann, "BTC", "1", "--request-id", "dep-1", "--json")
        for _ in range(2)
    )
    assert json.loads(first.out)["seq"] == json.loads(again.out)["seq"]


def check_markets(admin: Admin, root: Path) -> None:
    """Instruments and assets, from files as `show` prints them."""

    def said(*arguments: str | Path) -> str:
        ran = admin(*arguments)
        assert ran.code == 0, ran
        return ran.out

    assert "BTC-USDT  trading" in said("markets", "list")
    rules: dict[str, Any] = json.loads(said("markets", "show", "ETH-USDT"))
    file = root / "rules.json"
    assert said("assets", "add", "NEW", "--scale", "8").startswith("NEW is listed (row ")
    assert "NEW    8" in said("assets", "list")
    file.write_text(json.dumps(rules | {"symbol": "NEW-USDT", "base": "NEW"}))
    assert said("markets", "add", file).startswith("NEW-USDT is listed")
    file.write_text(json.dumps(rules | {"symbol": "NEW-USDT", "base": "NEW", "taker_fee_ppm": 7}))
    assert said("markets", "change", file).startswith("NEW-USDT has other rules")
    assert json.loads(said("markets", "show", "NEW-USDT"))["taker_fee_ppm"] == 7
    assert said("markets", "mark", "NEW-USDT", "2500").startswith("the mark of NEW-USDT is 2500")
    said("markets", "state", "NEW-USDT", "halted", "--cause", "over")
    assert "NEW-USDT  halted" in said("markets", "list")
    assert "is delisted" in said("markets", "delist", "NEW-USDT", "--cause", "over")
    assert said("assets", "delist", "NEW", "--cause", "over").startswith("NEW is delisted")
    file.write_text('{"tiers": [{"asset": "USDT", "min_volume": "0", "maker_fee_ppm": 1}]}')
    assert said("markets", "fees", file).startswith("1 fee tiers are set")
    file.write_text(said("markets", "tiers"))
    assert said("markets", "fees", file).startswith("1 fee tiers are set")
    file.write_text("no JSON")
    refused = admin("markets", "add", file)
    assert (refused.code, "xached: " in refused.out) == (1, True)
    assert admin("markets", "show", "NO-NO").out == "xached: there is no market NO-NO"


def check_the_house(admin: Admin, root: Path) -> None:
    """Halts, risk, health, conduct, keys, lists."""
    scope, file = "market:BTC-USDT", root / "bounds.json"
    file.write_text(json.dumps({"scope": scope, "max_open_orders": 9}))
    assert "is halted" in admin("halt", "--cause", "drill").out
    admin("markets", "state", "ETH-USDT", "halted", "--cause", "a look")
    restrained = admin("risk", "show").out
    assert "The house is halted: drill\n" in restrained
    assert "ETH-USDT is halted: a look\n" in restrained
    admin("markets", "state", "ETH-USDT", "trading", "--cause", "over")
    assert "house is not halted" in admin("halt", "--cause", "over", "--lift").out
    assert "is reducing" in admin("risk", "state", scope, "reducing", "--cause", "drill").out
    shown = admin("risk", "show").out
    assert f"{scope}  reducing  operator  drill" in shown
    assert f"the bounds of {scope} are set" in admin("risk", "bounds", file).out
    assert "max_open_orders           9" in admin("risk", "show").out
    admin("risk", "reset-drawdown", scope, "USDT")
    assert f"{scope} is reducing: drill\n" in admin("health").out
    admin("risk", "confirm-clock")
    health = admin("health", "--figures")
    assert health.code == 0, health
    assert "matching" in health.out
    assert "mailbox_capacity" in health.out
    parts = json.loads(admin("health", "--json").out)["actors"]
    assert {each["state"] for each in parts} == {"running"}
    assert "AdminService/SetHalt  OK  row " in admin("audit").out
    assert len(json.loads(admin("audit", "--limit", "3", "--json").out)["entries"]) == 3
    assert admin("integrity").out.startswith("account  orders")
    assert admin("rotate-keys").out.startswith("key 2 wraps")
    assert "xached: " in admin("train", "none").out
    names = root / "list.csv"
    names.write_text("id,name,aliases,birth_date,country,program\n1,Bad Man,,,,X\n")
    refused = admin("watchlist", "mine", names)
    assert "STEP_UP_REQUIRED" in refused.out, "a password alone is no fresh proof"


def check_plugins(admin: Admin) -> None:
    """Each of them asks the house; that a plugin is installed is not the matter here."""
    assert json.loads(admin("plugins", "list", "--json").out)["plugins"]
    name, digest = "none", "0" * 64
    for arguments in (
        ("show", name),
        ("approve", name, digest),
        ("withdraw", name),
        ("quarantine", name, "--cause", "drill"),
        ("release", name),
    ):
        admin("plugins", *arguments)


def check_disclosures(admin: Admin, root: Path) -> None:
    """They take a fresh proof, which a password alone is not."""
    text = root / "risks.txt"
    text.write_text("Prices fall.")
    for arguments in (("publish", "risks", text, "--title", "Risks"), ("retire", "risks")):
        more = ("--cause", "over") if arguments[0] == "retire" else ()
        refused = admin("disclosures", *arguments, *more)
        assert refused.code == 1, refused
        assert "STEP_UP_REQUIRED" in refused.out


def test_every_rpc_of_the_house_has_a_command(
    house: HouseProcess, admin: Admin, tmp_path: Path
) -> None:
    """Called for real; afterwards the audit tells which methods they were."""
    with connected(house.target) as channel:
        ann = register(channel, "ann@people.example")
        open_market(house, [ann])
        asked = account_pb2.GetAccountRequest()
        stub = account_pb2_grpc.AccountServiceStub(channel)
        own = stub.GetAccount(asked, metadata=sign_in(channel, ADMIN)).account_id
    check_people(admin, own, ann)
    check_a_deposit_is_made_once(admin, ann)
    check_markets(admin, tmp_path)
    check_the_house(admin, tmp_path)
    check_plugins(admin)
    check_disclosures(admin, tmp_path)
    assert house.stop() == 0
    done = json.loads(admin("actions", "--json").out)
    called = {each["method"].rpartition("/")[2] for each in done}
    services = [
        *admin_pb2.DESCRIPTOR.services_by_name.values(),
        *risk_pb2.DESCRIPTOR.services_by_name.values(),
        *staff_pb2.DESCRIPTOR.services_by_name.values(),
    ]
    wanted = {method.name for service in services for method in service.methods}
    # Refused before they are done, so not among what was done; the command was seen to ask.
    proven = {"PublishDisclosure", "RetireDisclosure", "ImportWatchlist"}
    assert wanted - called - proven == set(ELSEWHERE) - called
    assert set(ELSEWHERE) <= wanted
