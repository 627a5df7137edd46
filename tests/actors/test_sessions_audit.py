"""The sessions actor writes the audit: actions, failed logins, and checkpoints on time."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, BOB, MASTER, PASSWORD, WRONG, People, running
from tests.actors.test_second_factor import enrolled
from xached.actors.sessions import audit as area
from xached.actors.sessions.audit import address_place
from xached.domain.audit import (
    CHECKPOINT_S,
    TALLY_MAX,
    ActionAsked,
    ActionEnded,
    ActionNoted,
    AskAction,
    CheckpointSigned,
    EndAction,
    LoginsFailed,
    LoginTally,
    SignCheckpoint,
    checkpoint_of,
    read_anchors,
)
from xached.domain.auth import Login, SessionId
from xached.domain.identity import IdentityEvent
from xached.domain.operators import ProveOperator
from xached.domain.order import AccountId
from xached.domain.recovery import FinishRecovery
from xached.domain.rejection import Rejection
from xached.domain.second_factor import CompleteLogin, SecondFactorNeeded
from xached.runtime.world import SimulatedWorld
from xached.security.checkpoints import Signer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


def events(people: People) -> list[IdentityEvent]:
    return [row.event for row in people.vault.read_stream()]


def of_kind(people: People, kind: type) -> list[IdentityEvent]:
    return [event for event in events(people) if type(event) is kind]


async def fail(people: People, email: str, address: str) -> None:
    with pytest.raises(Rejection):
        await people.inbox.ask(Login(email=email, password=WRONG, device="", address=address))


async def test_an_action_is_on_disk_before_it_is_answered(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        ann = await people.register()
        noted = await people.inbox.ask(
            AskAction(method="AdminService/SetHalt", by=ann, session_id="s", address="ipv4:9.8.7.6")
        )
        assert isinstance(noted, ActionNoted)
        asked = events(people)[-1]
        assert isinstance(asked, ActionAsked)
        assert (asked.action_id, asked.method, asked.by) == (
            noted.action_id,
            "AdminService/SetHalt",
            ann,
        )
        assert asked.address is not None
        keys = people.vault.user_keys(ann)
        place = address_place(asked.action_id, ann)
        opened = people.credentials.open_sealed(asked.address.ciphertext, place, keys)
        assert opened == b"ipv4:9.8.7.6"
        await people.inbox.ask(
            EndAction(action_id=noted.action_id, outcome="HALTED", journal_seq=0)
        )
        assert events(people)[-1] == ActionEnded(
            action_id=noted.action_id, outcome="HALTED", journal_seq=0
        )


async def test_checkpoints_are_signed_within_a_minute_of_any_row_and_told_the_system(
    path: Path, autojump_clock: MockClock
) -> None:
    """Checked by not signing: no checkpoint is found, and by signing always: too many are."""
    world = SimulatedWorld(1)
    async with running(path, world) as people:
        await people.register()
        assert of_kind(people, CheckpointSigned) == []
        await trio.sleep(CHECKPOINT_S + 1)
        assert len(of_kind(people, CheckpointSigned)) == 1
        await trio.sleep(CHECKPOINT_S * 10)
        assert len(of_kind(people, CheckpointSigned)) == 1, "nothing happened since"
        await people.login()
        await trio.sleep(CHECKPOINT_S + 1)
        rows = list(people.vault.read_stream())
        signed = [
            checkpoint_of(row.event, people.vault.house_id, row.at_ns)
            for row in rows
            if isinstance(row.event, CheckpointSigned)
        ]
        assert [each.audit_seq for each in signed] == [1, 3]
        assert [each.audit_chain for each in signed] == [rows[0].chain, rows[2].chain]
        assert all(Signer(MASTER).is_genuine(each) for each in signed)
        assert list(read_anchors("\n".join(world.told))) == signed


async def test_what_a_crash_left_unsigned_is_signed_at_the_start(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        await people.register()
    async with running(path, SimulatedWorld(2)) as people:
        assert len(of_kind(people, CheckpointSigned)) == 1
    async with running(path, SimulatedWorld(3)) as people:
        assert len(of_kind(people, CheckpointSigned)) == 1, "a checkpoint is no reason for one"


async def test_many_rows_are_signed_without_waiting(
    path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(area, "CHECKPOINT_ROWS", 10)
    async with running(path) as people:
        began = trio.current_time()
        for _ in range(25):
            await people.inbox.ask(EndAction(action_id="x", outcome="OK", journal_seq=0))
        await trio.sleep(1)
        assert trio.current_time() - began < CHECKPOINT_S / 2
        assert len(of_kind(people, CheckpointSigned)) == 2


async def test_the_house_signs_when_it_is_told_to(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        await people.register()
        await fail(people, ALICE, "ipv4:1.1.1.1")
        await people.inbox.ask(SignCheckpoint())
        assert [type(event).__name__ for event in events(people)] == [
            "AccountRegistered",
            "LoginsFailed",
            "CheckpointSigned",
        ]


async def test_failed_logins_are_told_by_address_and_minute(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        for _ in range(5):
            await fail(people, ALICE, "ipv4:1.1.1.1")
        await fail(people, ALICE, "ipv4:2.2.2.2")
        await fail(people, BOB, "ipv4:1.1.1.1")
        await trio.sleep(CHECKPOINT_S + 1)
        told = [event for event in events(people) if isinstance(event, LoginsFailed)]
        assert [(event.count, event.account_id) for event in told] == [
            (5, alice),
            (1, alice),
            (1, ""),
        ]
        marks = [event.address_mark for event in told]
        assert marks[0] == marks[2] != marks[1], "the address is recognised, not shown"
        keys = people.vault.user_keys(alice)
        sealed = told[1].address
        assert sealed is not None
        place = address_place(marks[1].hex(), alice)
        assert people.credentials.open_sealed(sealed.ciphertext, place, keys) == b"ipv4:2.2.2.2"
        assert told[2].address is None, "there is no person whose key could be destroyed"
        await trio.sleep(CHECKPOINT_S * 3)
        assert len(of_kind(people, LoginsFailed)) == 3
        await people.login(password=PASSWORD)


async def test_wrong_codes_and_failed_recoveries_count_as_failed_logins(
    path: Path, autojump_clock: MockClock
) -> None:
    """Checked by leaving out each call of login_failed."""
    async with running(path) as people:
        alice, _, phone, _ = await enrolled(people)
        login = Login(email=ALICE, password=PASSWORD, device="x", address="ipv4:3.3.3.3")
        for _ in range(3):
            needed = await people.inbox.ask(login)
            assert isinstance(needed, SecondFactorNeeded)
            with pytest.raises(Rejection):
                await people.inbox.ask(CompleteLogin(token=needed.token, code=phone.wrong()))
        with pytest.raises(Rejection):
            await people.inbox.ask(
                ProveOperator(
                    account_id=alice,
                    session_id=SessionId(""),
                    method="/xache.v1.AdminService/SetHalt",
                    code=phone.wrong(),
                    address="unix",
                )
            )
        finish = FinishRecovery(
            token="x" * 43,
            code="AAAA-BBBB",
            password="kettle-anchor-moss-99",
            second_factor_code="",
            address="ipv4:4.4.4.4",
        )
        with pytest.raises(Rejection):
            await people.inbox.ask(finish)
        await trio.sleep(CHECKPOINT_S + 1)
        told = [event for event in events(people) if isinstance(event, LoginsFailed)]
        assert [(event.count, event.account_id) for event in told] == [
            (3, alice),
            (1, alice),
            (1, ""),
        ]


def test_a_flood_of_failed_logins_is_counted_within_bounds() -> None:
    tally = LoginTally()
    for number in range(TALLY_MAX + 500):
        tally.add(f"ipv4:{number}", AccountId(""))
    tally.add("ipv4:0", AccountId(""))
    counts = tally.take()
    assert len(counts) == TALLY_MAX + 1
    assert counts["", AccountId("")] == 500
    assert counts["ipv4:0", AccountId("")] == 2
    assert tally.take() == {}
