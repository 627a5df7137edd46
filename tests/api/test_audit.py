"""What administrators do is in the audit before its answer, and their service on their door only.

Checked by leaving the wrapper out of the routes, and by ending an action after its answer.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from trio.testing import MockClock
from xache.v1 import admin_pb2, auth_pb2, types_pb2

from tests.security.quiet_house import WholeHouse
from xached.api.audit import is_audited
from xached.api.errors import StatusError
from xached.domain.audit import ActionAsked, ActionEnded
from xached.domain.identity import IdentityEvent
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
