"""What administrators do is in the audit before its answer, and their service on their door only.

Checked by leaving the wrapper out of the routes, and by ending an action after its answer.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2, admin_pb2, auth_pb2, options_pb2, staff_pb2, types_pb2

from tests.security.quiet_house import WholeHouse
from xached.api.audit import is_audited
from xached.api.errors import StatusError
from xached.domain.audit import (
    CHECKPOINT_S,
    REFUSALS_MAX,
    TALLY_MAX,
    ActionAsked,
    ActionEnded,
    CallsDenied,
    DenialTally,
)
from xached.domain.identity import IdentityEvent
from xached.domain.order import AccountId
from xached.simulation.calls import Answered
from xached.storage.vault import Vault


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


def audited(vault: Vault) -> list[ActionAsked | ActionEnded]:
    events: list[IdentityEvent] = [row.event for row in vault.read_stream()]
    return [event for event in events if isinstance(event, ActionAsked | ActionEnded)]


async def test_an_action_is_written_before_it_and_before_its_answer(
    root: Path, autojump_clock: MockClock
) -> None:
    async with WholeHouse.open(root) as house:
        before = len(audited(house.vault))
        answer = await house.call(
            "AdminService/SetHalt", admin_pb2.SetHaltRequest(halted=True, cause="a drill")
        )
        assert isinstance(answer, Answered)
        asked, ended = audited(house.vault)[before:]
        assert isinstance(asked, ActionAsked)
        assert asked.method == "AdminService/SetHalt"
        assert asked.by
        assert asked.session_id
        assert asked.address is not None
        assert ended == ActionEnded(
            action_id=asked.action_id,
            outcome="OK",
            journal_seq=admin_pb2.SetHaltResponse.FromString(answer.body).seq,
        )


async def test_what_is_refused_is_written_too(root: Path, autojump_clock: MockClock) -> None:
    async with WholeHouse.open(root) as house:
        before = len(audited(house.vault))
        answer = await house.call(
            "AdminService/SetMarketState",
            admin_pb2.SetMarketStateRequest(
                symbol="NO-SUCH", state=types_pb2.MARKET_STATE_HALTED, cause="x"
            ),
        )
        assert isinstance(answer, StatusError)
        asked, ended = audited(house.vault)[before:]
        assert isinstance(asked, ActionAsked)
        assert ended == ActionEnded(action_id=asked.action_id, outcome=answer.reason, journal_seq=0)


async def test_every_action_of_the_house_is_written_before_its_answer(
    root: Path, autojump_clock: MockClock
) -> None:
    """Each method that takes a role of the house, streams too, by its descriptor."""
    async with WholeHouse.open(root) as house:
        await take_every_role(house)
        written = 0
        for route, _ in house.routes:
            name = route.path.removeprefix("/xache.v1.")
            if not is_audited(route):
                continue
            request, before = route.parse(b""), len(audited(house.vault))
            proof = ""
            if route.authorization.step_up and name.startswith("StaffService/"):
                proof = await house.step_up(route.path, request)
            answer = await house.call(name, request, step_up=proof)
            asked, ended = audited(house.vault)[before:]
            assert isinstance(asked, ActionAsked), name
            assert asked.method == name
            # Nobody is known yet who makes the first administrator.
            assert bool(asked.by) == (name != "AdminService/BootstrapAdmin")
            assert isinstance(ended, ActionEnded), name
            assert ended.action_id == asked.action_id
            if isinstance(answer, StatusError):
                assert ended.outcome == answer.reason, name
            else:
                assert isinstance(answer, Answered), name
                assert ended.outcome == "OK", name
            written += 1
        assert written >= 35


async def take_every_role(house: WholeHouse) -> None:
    """Have the administrator be everything else too."""
    told = await house.call("AccountService/GetAccount", account_pb2.GetAccountRequest())
    assert isinstance(told, Answered)
    account_id = account_pb2.GetAccountResponse.FromString(told.body).account_id
    for role in (options_pb2.ROLE_SUPPORT, options_pb2.ROLE_COMPLIANCE, options_pb2.ROLE_OPERATOR):
        grant = admin_pb2.SetRoleRequest(account_id=account_id, role=role, granted=True)
        assert isinstance(await house.call("AdminService/SetRole", grant), Answered)


async def test_a_report_of_trades_is_written(root: Path, autojump_clock: MockClock) -> None:
    """It streams; that somebody took it, and how it ended, is there before its end."""
    async with WholeHouse.open(root) as house:
        await take_every_role(house)
        before = len(audited(house.vault))
        request = staff_pb2.ReportTradesRequest(account_id=house.user_id, to_ns=2**62)
        assert isinstance(await house.call("StaffService/ReportTrades", request), Answered)
        asked, ended = audited(house.vault)[before:]
        assert isinstance(asked, ActionAsked)
        assert asked.method == "StaffService/ReportTrades"
        assert isinstance(ended, ActionEnded)
        assert ended.outcome == "OK"


async def test_calls_that_are_not_let_in_are_told_by_caller_and_minute(
    root: Path, autojump_clock: MockClock
) -> None:
    """A flood makes a row a minute. Checked by telling none, and by telling each."""
    async with WholeHouse.open(root) as house:
        login = auth_pb2.LoginRequest(email=house.user_email, password=house.password, device="x")
        granted = await house.call("AuthService/Login", login)
        assert isinstance(granted, Answered)
        user = auth_pb2.LoginResponse.FromString(granted.body).tokens.access_token
        for _ in range(20):
            for method, request in (
                ("AdminService/SetHalt", admin_pb2.SetHaltRequest(halted=True)),
                ("AdminService/GetHealth", admin_pb2.GetHealthRequest()),
            ):
                refused = await house.call(method, request, token=user)
                assert isinstance(refused, StatusError)
        forged = await house.call("AdminService/GetHealth", admin_pb2.GetHealthRequest(), token="x")
        assert isinstance(forged, StatusError)
        await trio.sleep(CHECKPOINT_S + 1)
        denied, stranger = (
            row.event for row in house.vault.read_stream() if isinstance(row.event, CallsDenied)
        )
        assert denied.count == 40
        assert denied.account_id == house.user_id
        assert denied.refusals == (
            "AdminService/SetHalt SCOPE_MISSING",
            "AdminService/GetHealth SCOPE_MISSING",
        )
        assert denied.address is not None
        assert stranger.count == 1
        assert stranger.account_id == ""
        assert stranger.refusals == ("AdminService/GetHealth TOKEN_INVALID",)
        assert stranger.address_mark == denied.address_mark
        assert stranger.address is None


def test_a_flood_of_denied_calls_is_counted_within_bounds() -> None:
    tally = DenialTally()
    for number in range(TALLY_MAX + 500):
        tally.add(f"ipv4:{number}", AccountId(""), f"method {number}")
    for number in range(100):
        tally.add("ipv4:0", AccountId(""), f"method {number}")
    told = tally.take()
    assert len(told) == TALLY_MAX + 1
    assert told["", AccountId("")].count == 500
    assert told["ipv4:0", AccountId("")].count == 101
    assert {len(denials.refusals) for denials in told.values()} == {1, REFUSALS_MAX}
    assert tally.take() == {}


async def test_what_people_do_for_themselves_and_what_monitoring_asks_is_not(
    root: Path, autojump_clock: MockClock
) -> None:
    async with WholeHouse.open(root) as house:
        before = len(audited(house.vault))
        for method, request in (
            ("AdminService/GetHealth", admin_pb2.GetHealthRequest()),
            ("AuthService/ListSessions", auth_pb2.ListSessionsRequest()),
        ):
            assert isinstance(await house.call(method, request), Answered)
        assert len(audited(house.vault)) == before


async def test_the_services_of_the_house_are_on_its_own_door_alone(
    root: Path, autojump_clock: MockClock
) -> None:
    async with WholeHouse.open(root) as house:
        front = house.doors.front
        assert front is not None
        assert "xache.v1.AdminService" in front.admin.service_names
        assert not {"xache.v1.AdminService", "xache.v1.RiskService"} & {*front.public.service_names}
        unaudited = {
            route.path
            for route, _ in house.routes
            if route.path.startswith("/xache.v1.AdminService/") and not is_audited(route)
        }
        assert unaudited == {"/xache.v1.AdminService/GetHealth"}
