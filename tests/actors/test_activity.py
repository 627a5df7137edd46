"""The log that people read about their accounts.

Checked by breaking, each seen red: a filter that is not applied, a cursor that repeats, a page of
somebody else's, entries that outlive an erasure or their time, and an address that is not sealed.
"""

from __future__ import annotations

import typing
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2

from tests.actors.people import ALICE, BOB, PASSWORD, WRONG, People, running
from xached.domain.activity import (
    ACTIVITY_NS,
    Activity,
    ActivityKind,
    ActivityPage,
    ListActivity,
    Origin,
)
from xached.domain.activity_events import DETAILED, PLAIN, SILENT
from xached.domain.auth import (
    Impediment,
    Login,
    Role,
    SessionGranted,
    SetImpediment,
    SetRole,
)
from xached.domain.erasure import ERASURE_DELAY_NS, AccountExport, ExportAccount, RequestErasure
from xached.domain.guarding import FreezeAccount, SetAllowList
from xached.domain.identity import IdentityEvent
from xached.domain.key_epochs import RotateUserKeys
from xached.domain.order import AccountId
from xached.domain.recovery import ChangePassword
from xached.domain.rejection import Rejection
from xached.domain.second_factor import StepUpByPassword
from xached.storage.vault_tables import ACTIVITY

HOME, AWAY = "ipv4:192.0.2.7", "ipv4:198.51.100.7"
OTHER_PASSWORD = "harbour-velvet-ladder-31"
ADMIN = AccountId("admin")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


async def told(
    people: People,
    account_id: AccountId,
    *kinds: ActivityKind,
    before: int | None = None,
    limit: int = 100,
    since_ns: int = 0,
) -> ActivityPage:
    message = ListActivity(
        account_id=account_id,
        kinds=frozenset(kinds),
        since_ns=since_ns,
        before=before,
        limit=limit,
    )
    page = await people.inbox.ask(message)
    assert isinstance(page, ActivityPage)
    return page


def shown(page: ActivityPage) -> list[str]:
    return [each.kind.name for each in page.entries]


async def log_in(people: People, email: str = ALICE, address: str = HOME) -> SessionGranted:
    login = Login(email=email, password=PASSWORD, device=f"of {email}", address=address)
    granted = await people.inbox.ask(login, origin=Origin(address=address))
    assert isinstance(granted, SessionGranted)
    return granted


async def test_people_read_what_happened_from_where_and_on_which_device(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        session = await log_in(people)
        here = Origin(address=HOME, session_id=session.session_id)
        step_up = StepUpByPassword(
            account_id=account_id,
            session_id=session.session_id,
            method="/xache.v1.AccountService/SetAllowList",
            request_digest=b"",
            password=PASSWORD,
        )
        await people.inbox.ask(step_up, origin=here)
        change = ChangePassword(
            account_id=account_id,
            session_id=session.session_id,
            old_password=PASSWORD,
            new_password=OTHER_PASSWORD,
        )
        await people.inbox.ask(change, origin=here)
        await people.inbox.ask(
            SetAllowList(account_id=account_id, networks=("192.0.2.0/24",)), origin=here
        )
        bad = Login(email=ALICE, password=WRONG, device="", address=AWAY)
        with pytest.raises(Rejection):
            await people.inbox.ask(bad, origin=Origin(address=AWAY))
        await trio.sleep(61)
        await people.inbox.ask(FreezeAccount(account_id=account_id), origin=here)
        page = await told(people, account_id)
        assert shown(page) == [
            "SESSION_ENDED",
            "IMPEDIMENT_SET",
            "LOGINS_FAILED",
            "CHANGE_MADE",
            "PASSWORD_CHANGED",
            "STEP_UP",
            "LOGIN",
            "ACCOUNT_OPENED",
        ]
        assert page.next_before is None
        ended, frozen, failed, allowed, password, stepped, login, opened = page.entries
        assert (ended.subject, frozen.subject, frozen.by_house) == ("FROZEN", "FROZEN", False)
        assert (failed.count, failed.address, failed.device) == (1, AWAY, "")
        assert allowed.subject == "ALLOW_LIST"
        assert stepped.subject == "/xache.v1.AccountService/SetAllowList"
        assert login.subject == session.session_id
        for each in (ended, frozen, allowed, password, stepped, login):
            assert (each.address, each.device) == (HOME, f"of {ALICE}"), each
        # Nobody said from where it was opened.
        assert (opened.address, opened.device) == ("", "")
        assert [each.at_ns for each in page.entries] == sorted(
            (each.at_ns for each in page.entries), reverse=True
        )


async def test_pages_never_skip_or_repeat_and_filters_hold(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice, bob = await people.register(), await people.register(BOB)
        for _ in range(5):
            await log_in(people)
            await log_in(people, BOB)
        everything = (await told(people, alice)).entries
        assert len(everything) == 6
        seen: list[Activity] = []
        before: int | None = None
        while True:
            page = await told(people, alice, before=before, limit=2)
            seen += page.entries
            if page.next_before is None:
                break
            before = page.next_before
            # What comes meanwhile is newer, and disturbs nobody.
            await log_in(people)
        assert tuple(seen) == everything
        logins = await told(people, bob, ActivityKind.LOGIN, ActivityKind.KEY_MADE)
        assert shown(logins) == ["LOGIN"] * 5
        assert {each.device for each in logins.entries} == {f"of {BOB}"}
        newest = logins.entries[0].at_ns
        assert len((await told(people, bob, since_ns=newest)).entries) == 1
        assert shown(await told(people, bob, ActivityKind.KEY_MADE)) == []


async def test_what_the_house_does_shows_but_not_who_or_from_where(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        staff = Origin(address=AWAY, session_id="s")
        suspend = SetImpediment(
            account_id=account_id, impediment=Impediment.SUSPENDED, stands=True, by=ADMIN
        )
        await people.inbox.ask(suspend, origin=staff)
        role = SetRole(account_id=account_id, role=Role.SUPPORT, granted=True, by=ADMIN)
        await people.inbox.ask(role, origin=staff)
        given, suspended, _ = (await told(people, account_id)).entries
        assert (given.kind, given.subject) == (ActivityKind.ROLE_GIVEN, "SUPPORT")
        assert (suspended.kind, suspended.subject) == (ActivityKind.IMPEDIMENT_SET, "SUSPENDED")
        for each in (given, suspended):
            assert (each.by_house, each.address, each.device) == (True, "", "")


async def test_it_outlives_the_process_and_other_keys(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        await log_in(people)
        await people.inbox.ask(RotateUserKeys(account_id=account_id, by=account_id))
        await trio.sleep(10)
        before = await told(people, account_id)
    async with running(path, people.world) as people:
        assert await told(people, account_id) == before
        assert before.entries[0].device == f"of {ALICE}"
        export = await people.inbox.ask(ExportAccount(account_id=account_id))
        assert isinstance(export, AccountExport)
        origins = [
            dict(row.fields).get("origin_sealed") for row in export.rows if row.table == "activity"
        ]
        assert '{"address": "ipv4:192.0.2.7", "device": "of alice@example.com"}' in origins


async def test_entries_end_with_their_time_and_with_the_account(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice, bob = await people.register(), await people.register(BOB)
        await log_in(people)
        people.world.shift_clock(ACTIVITY_NS - 3_600 * 10**9)
        await log_in(people, BOB)
        await trio.sleep(3 * 3_600)
        # Her session ended when its time was over; how it began is forgotten.
        assert shown(await told(people, alice)) == ["SESSION_ENDED"]
        assert shown(await told(people, bob)) == ["SESSION_ENDED", "LOGIN"]
        await people.inbox.ask(RequestErasure(account_id=bob, forfeit=False))
        people.world.shift_clock(ERASURE_DELAY_NS - 60 * 10**9)
        # The erasure ends this session, which is in the stream and no entry any more.
        await log_in(people, BOB)
        await trio.sleep(120)
        assert people.desk.statistics().accounts_erased == 1
        assert {row.account_id for row in people.vault.every(ACTIVITY)} == {alice}
        people.vault.verify()


def test_every_event_is_read_by_its_person_or_said_why_not() -> None:
    """A new event fails this until somebody has decided."""
    events = set(typing.get_args(IdentityEvent))
    decided = [*PLAIN, *DETAILED, *SILENT]
    assert len(decided) == len(set(decided))
    assert set(decided) == events


def test_every_kind_is_one_of_the_api() -> None:
    names = account_pb2.ActivityKind.DESCRIPTOR.values_by_name
    declared = {name.removeprefix("ACTIVITY_KIND_") for name in names}
    assert declared == {kind.name for kind in ActivityKind} | {"UNSPECIFIED"}
    for kind in ActivityKind:
        assert account_pb2.ActivityKind.Value(f"ACTIVITY_KIND_{kind.name}") == kind.value
