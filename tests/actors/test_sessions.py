"""The sessions actor: who people are, which sessions live, and what a crash leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import attrs
import outcome
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.actors.people import (
    ALICE,
    BOB,
    MASTER,
    PASSWORD,
    WRONG,
    Exchange,
    People,
    issue,
    refused,
    running,
)
from xached.actors.sessions.accounts import AdminExists, issue_bootstrap_token
from xached.actors.sessions.actor import SessionDesk, run_sessions
from xached.actors.sessions.hashing import HASH_QUEUE_MAX
from xached.actors.sessions.live import SESSIONS_PER_ACCOUNT_MAX
from xached.actors.sessions.logins import SWEEP_INTERVAL_S
from xached.domain.api_keys import KeyTable
from xached.domain.auth import (
    AccountProfile,
    BootstrapAdmin,
    Done,
    GetAccount,
    Impediment,
    ListSessions,
    Login,
    Logout,
    Refresh,
    Register,
    RevokeSession,
    RevokeSessions,
    Role,
    RolesChanged,
    Scope,
    SessionEndCause,
    SessionGranted,
    SessionId,
    SessionList,
    SetImpediment,
    SetRole,
)
from xached.domain.guarding import AllowTable
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.sessions import SESSION_IDLE_NS, SessionLimits, SessionTable
from xached.runtime.mailbox import Closed, Mailbox, Overloaded
from xached.runtime.world import Argon2Cost, RealWorld, SimulatedWorld
from xached.security.checkpoints import Signer
from xached.security.credentials import Credentials
from xached.security.keys import Purpose
from xached.security.tokens import RefreshTokens
from xached.storage.vault import Vault
from xached.storage.vault_faults import VaultFailed

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


def login_message(email: str = ALICE, password: str = PASSWORD, device: str = "") -> Login:
    return Login(email=email, password=password, device=device)


# --- accounts --------------------------------------------------------------------------------


async def test_a_person_registers_logs_in_and_is_known(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        account_id = await people.register(" Alice@Example.COM ")
        assert people.exchange.purses == [account_id]
        assert people.vault.purse_intents() == []
        granted = await people.login()
        assert granted.account_id == account_id
        claims = people.credentials.access.verify(granted.access_token, people.world.now_ns())
        assert (claims.session_id, claims.account_id) == (granted.session_id, account_id)
        live = people.table.find(granted.session_id)
        assert live is not None
        assert live.account_id == account_id
        assert live.roles == {Role.USER}
        assert live.scopes == {Scope.READ, Scope.TRADE, Scope.ACCOUNT}
        profile = await people.inbox.ask(GetAccount(account_id=account_id))
        assert isinstance(profile, AccountProfile)
        assert profile.email == ALICE
        assert profile.roles == {Role.USER}
        assert people.stream() == ["AccountRegistered", "SessionOpened"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (Register(email="alice", password=PASSWORD), Reason.EMAIL_FORMAT),
        (Register(email="a@b", password=PASSWORD), Reason.EMAIL_FORMAT),
        (Register(email="a@b.c\n.de", password=PASSWORD), Reason.EMAIL_FORMAT),
        (Register(email="a b@example.com", password=PASSWORD), Reason.EMAIL_FORMAT),
        (Register(email="a" * 65 + "@example.com", password=PASSWORD), Reason.EMAIL_FORMAT),
        (Register(email="\u00e4@example.com", password=PASSWORD), Reason.EMAIL_FORMAT),
        (Register(email=ALICE, password="short"), Reason.PASSWORD_RULE),
        (Register(email=ALICE, password="password1234"), Reason.PASSWORD_RULE),
        (login_message(device="x" * 65), Reason.DEVICE_FORMAT),
        (login_message(device="\x1b[2J"), Reason.DEVICE_FORMAT),
        (BootstrapAdmin(token="x", email=ALICE, password="short"), Reason.PASSWORD_RULE),
        (GetAccount(account_id=AccountId("nobody")), Reason.UNKNOWN_ACCOUNT),
        (ListSessions(account_id=AccountId("nobody")), Reason.UNKNOWN_ACCOUNT),
        (Refresh(refresh_token=""), Reason.TOKEN_INVALID),
        (Refresh(refresh_token="A" * 43), Reason.TOKEN_INVALID),
    ],
)
async def test_what_has_the_wrong_form_is_refused(
    path: Path, autojump_clock: MockClock, message: AuthMessage, reason: Reason
) -> None:
    async with running(path) as people:
        assert await refused(people, message) is reason
        assert people.stream() == []
        assert people.exchange.purses == []


async def test_an_address_belongs_to_one_account(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        opened: list[AccountId] = []
        reasons: list[Reason] = []

        async def register(email: str) -> None:
            try:
                opened.append(await people.register(email))
            except Rejection as refusal:
                reasons.append(refusal.reason)

        # At once: all but one find the address free before they have hashed.
        async with trio.open_nursery() as nursery:
            for email in (ALICE, ALICE.upper(), ALICE, " " + ALICE):
                nursery.start_soon(register, email)
        assert len(opened) == 1
        assert reasons == [Reason.EMAIL_TAKEN] * 3
        assert people.exchange.purses == opened


class CountingWorld(SimulatedWorld):
    """Counts hashes, and can make them wait."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.hashes = 0
        self.gate = trio.Event()
        self.gate.set()

    async def run_in_thread(
        self, function: Callable[[*Arguments], Result], *arguments: *Arguments
    ) -> Result:
        if function.__name__ in ("hash", "verify"):
            self.hashes += 1
            await self.gate.wait()
        return await super().run_in_thread(function, *arguments)


async def test_an_unknown_address_and_a_wrong_password_look_and_cost_the_same(
    path: Path, autojump_clock: MockClock
) -> None:
    world = CountingWorld(1)
    async with running(path, world) as people:
        await people.register()
        answers = []
        for message in (login_message(password=WRONG), login_message(email=BOB)):
            before = world.hashes
            with pytest.raises(Rejection) as refusal:
                await people.inbox.ask(message)
            answers.append((repr(refusal.value), world.hashes - before))
        assert answers[0] == answers[1]
        assert answers[0][1] == 1
        assert people.desk.statistics().logins_failed == 2
        assert len(people.table) == 0


async def test_a_dearer_hash_replaces_the_old_one_at_the_next_login(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        before = people.vault.account(account_id)
    dearer = Argon2Cost(passes=2, memory_bytes=16384)
    async with running(path, cost=dearer) as people:
        assert await refused(people, login_message(password=WRONG)) is Reason.CREDENTIALS
        assert people.vault.account(account_id) == before
        await people.login()
        account = people.vault.account(account_id)
        assert account is not None
        stored = people.credentials.open_password_hash(account, people.vault.user_keys(account_id))
        assert "m=16,t=2" in stored
        await people.login()
        assert people.vault.account(account_id) == account


# --- sessions --------------------------------------------------------------------------------


async def test_refreshing_rotates_and_prolongs(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        await people.register()
        first = await people.login()
        await trio.sleep(240)
        second = await people.refresh(first.refresh_token)
        assert second.session_id == first.session_id
        assert second.refresh_token != first.refresh_token
        assert second.access_expires_at_ns > first.access_expires_at_ns
        assert second.refresh_expires_at_ns > first.refresh_expires_at_ns
        live = people.table.find(first.session_id)
        assert live is not None
        assert live.expires_at_ns == second.refresh_expires_at_ns
        await trio.sleep(240)
        await people.refresh(second.refresh_token)
        assert people.ended == []


async def test_a_lost_reply_can_be_asked_for_again_within_ten_seconds(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        await people.register()
        first = await people.login()
        lost = await people.refresh(first.refresh_token)
        await trio.sleep(9)
        again = await people.refresh(first.refresh_token)
        assert again.refresh_token not in (first.refresh_token, lost.refresh_token)
        await people.refresh(again.refresh_token)
        assert people.ended == []


async def test_asking_again_does_not_prolong_the_ten_seconds(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        await people.register()
        first = await people.login()
        await people.refresh(first.refresh_token)
        await trio.sleep(6)
        await people.refresh(first.refresh_token)
        await trio.sleep(6)
        assert (
            await refused(people, Refresh(refresh_token=first.refresh_token))
            is Reason.TOKEN_INVALID
        )
        assert len(people.table) == 0


async def test_the_ten_seconds_end_while_a_clock_that_was_set_back_catches_up(
    path: Path, autojump_clock: MockClock
) -> None:
    # Checked with a stream whose time stood still: the old token worked for an hour.
    async with running(path) as people:
        await people.register()
        first = await people.login()
        people.world.shift_clock(-3600 * 10**9)
        await people.refresh(first.refresh_token)
        await trio.sleep(30)
        assert await refused(people, Refresh(refresh_token=first.refresh_token)) is (
            Reason.TOKEN_INVALID
        )
        assert people.ended == [(first.session_id, SessionEndCause.TOKEN_REUSED)]


@pytest.mark.parametrize("generations", [1, 2, 5])
async def test_using_an_old_token_again_ends_the_session(
    path: Path, autojump_clock: MockClock, generations: int
) -> None:
    """Checked by treating an unknown token of a family as merely invalid: the session lives on."""
    async with running(path) as people:
        await people.register()
        first = newest = await people.login()
        other = await people.login(device="phone")
        for _ in range(generations):
            await trio.sleep(60)
            newest = await people.refresh(newest.refresh_token)
        await trio.sleep(60)
        stolen = Refresh(refresh_token=first.refresh_token)
        assert await refused(people, stolen) is Reason.TOKEN_INVALID
        assert people.ended == [(first.session_id, SessionEndCause.TOKEN_REUSED)]
        assert people.table.find(first.session_id) is None
        newest_again = Refresh(refresh_token=newest.refresh_token)
        assert await refused(people, newest_again) is Reason.TOKEN_INVALID
        await people.refresh(other.refresh_token)
        assert people.stream()[-1] == "SessionEnded"
    async with running(path) as people:
        assert people.table.find(first.session_id) is None
        assert people.table.find(other.session_id) is not None


async def test_a_guess_ends_nothing(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        await people.register()
        granted = await people.login()
        guess = RefreshTokens(bytes(32)).new(people.world.entropy).text
        assert await refused(people, Refresh(refresh_token=guess)) is Reason.TOKEN_INVALID
        assert people.table.find(granted.session_id) is not None


async def test_two_refreshes_in_one_batch_are_judged_one_after_the_other(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        await people.register()
        granted = await people.login()
        got: list[outcome.Outcome[AuthReply]] = []
        for _ in range(2):
            people.inbox.post_nowait(Refresh(refresh_token=granted.refresh_token), got.append)
        await trio.sleep(1)
        first, second = (answer.unwrap() for answer in got)
        assert isinstance(first, SessionGranted)
        assert isinstance(second, SessionGranted)
        assert first.refresh_token != second.refresh_token
        await people.refresh(second.refresh_token)
        assert people.ended == []


async def test_logging_out_is_immediate_and_may_be_repeated(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        await people.register()
        granted = await people.login()
        for _ in range(2):
            assert await people.inbox.ask(Logout(session_id=granted.session_id)) == Done()
            assert people.table.find(granted.session_id) is None
        assert people.ended == [(granted.session_id, SessionEndCause.LOGOUT)]
        assert (
            await refused(people, Refresh(refresh_token=granted.refresh_token))
            is Reason.TOKEN_INVALID
        )
        assert people.vault.sessions() == []


async def test_only_ones_own_sessions_can_be_listed_and_revoked(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice, bob = await people.register(), await people.register(BOB)
        laptop = await people.login(device="laptop")
        await trio.sleep(1)
        phone = await people.login(device="t\u00e9l\u00e9phone")
        bobs = await people.login(BOB)
        listed = await people.inbox.ask(ListSessions(account_id=alice))
        assert isinstance(listed, SessionList)
        assert [(line.session_id, line.device) for line in listed.sessions] == [
            (phone.session_id, "t\u00e9l\u00e9phone"),
            (laptop.session_id, "laptop"),
        ]
        for stranger in (bobs.session_id, SessionId("nothing")):
            revoke = RevokeSession(account_id=alice, session_id=stranger)
            assert await refused(people, revoke) is Reason.UNKNOWN_SESSION
        revoke = RevokeSession(account_id=alice, session_id=laptop.session_id)
        assert await people.inbox.ask(revoke) == Done()
        assert people.ended == [(laptop.session_id, SessionEndCause.REVOKED)]
        assert await refused(people, revoke) is Reason.UNKNOWN_SESSION
        left = await people.inbox.ask(ListSessions(account_id=bob))
        assert isinstance(left, SessionList)
        assert [line.session_id for line in left.sessions] == [bobs.session_id]


async def test_all_sessions_or_all_others_end_at_once(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        await people.register(BOB)
        stranger = await people.login(BOB)
        granted = [await people.login() for _ in range(3)]
        keep = granted[1].session_id
        assert await people.inbox.ask(RevokeSessions(account_id=account_id, keep=keep)) == Done()
        assert people.table.find(keep) is not None
        assert {each for each, _ in people.ended} == {
            granted[0].session_id,
            granted[2].session_id,
        }
        foreign = RevokeSessions(account_id=account_id, keep=stranger.session_id)
        assert await people.inbox.ask(foreign) == Done()
        assert people.table.find(keep) is None
        assert people.table.find(stranger.session_id) is not None
        for each in granted:
            refresh = Refresh(refresh_token=each.refresh_token)
            assert await refused(people, refresh) is Reason.TOKEN_INVALID


async def test_a_session_tells_from_where_it_is_used(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        account_id = await people.register()
        message = attrs.evolve(login_message(), address="ipv4:192.0.2.7")
        granted = await people.inbox.ask(message)
        assert isinstance(granted, SessionGranted)

        async def address() -> str:
            listed = await people.inbox.ask(ListSessions(account_id=account_id))
            assert isinstance(listed, SessionList)
            return listed.sessions[0].address

        assert await address() == "ipv4:192.0.2.7"
        token = granted.refresh_token
        await people.inbox.ask(Refresh(refresh_token=token, address="ipv4:198.51.100.9"))
        assert await address() == "ipv4:198.51.100.9"
        people.vault.verify()
        found = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert b"192.0.2.7" not in found
        assert b"198.51.100.9" not in found


async def test_a_session_begins_anew_with_every_login(
    path: Path, autojump_clock: MockClock
) -> None:
    """Session fixation: nothing that was there before a login names what the login opens."""
    async with running(path) as people:
        await people.register()
        await people.register(BOB)
        planted = await people.login(BOB, device="x")
        # Whatever somebody plants in a request, the session's id and tokens are the house's.
        victim = await people.login(ALICE, device=planted.session_id)
        again = await people.login(ALICE, device=planted.refresh_token[:64])
        ids = {each.session_id for each in (planted, victim, again)}
        families = {
            people.credentials.refresh.read(each.refresh_token).family_hash
            for each in (planted, victim, again)
        }
        tokens = {each.access_token for each in (planted, victim, again)}
        assert len(ids) == len(families) == len(tokens) == 3
        live = people.table.find(planted.session_id)
        assert live is not None
        assert live.account_id == planted.account_id != victim.account_id
        # A refresh goes on with the same session; it cannot be moved to another one.
        refreshed = await people.refresh(planted.refresh_token)
        assert refreshed.session_id == planted.session_id
        assert refreshed.account_id == planted.account_id


async def test_a_house_with_shorter_limits_ends_sessions_sooner(
    path: Path, autojump_clock: MockClock
) -> None:
    world = SimulatedWorld(1)
    async with running(path, world) as people:
        await people.register()
        granted = await people.login()
    hour_ns = 3_600 * 10**9
    async with running(path, world, limits=SessionLimits(idle_ns=hour_ns // 2)) as people:
        live = people.table.find(granted.session_id)
        assert live is not None
        assert live.expires_at_ns < granted.refresh_expires_at_ns
        refreshed = await people.refresh(granted.refresh_token)
        assert refreshed.refresh_expires_at_ns <= people.world.now_ns() + hour_ns // 2


async def test_one_more_session_than_allowed_ends_the_idlest(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        await people.register()
        sessions = [await people.login() for _ in range(SESSIONS_PER_ACCOUNT_MAX)]
        await people.refresh(sessions[0].refresh_token)
        newest = await people.login()
        assert people.ended == [(sessions[1].session_id, SessionEndCause.TOO_MANY)]
        assert people.table.find(newest.session_id) is not None
        assert len(people.table) == SESSIONS_PER_ACCOUNT_MAX


async def test_a_session_that_nobody_refreshes_ends(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        await people.register()
        granted = await people.login()
        people.world.shift_clock(SESSION_IDLE_NS)
        assert (
            await refused(people, Refresh(refresh_token=granted.refresh_token))
            is Reason.TOKEN_INVALID
        )
        assert people.ended == [(granted.session_id, SessionEndCause.EXPIRED)]
        other = await people.login()
        people.world.shift_clock(SESSION_IDLE_NS)
        await trio.sleep(SWEEP_INTERVAL_S + 1)
        assert people.ended[1:] == [(other.session_id, SessionEndCause.EXPIRED)]
        assert people.vault.sessions() == []


async def test_the_streams_time_never_goes_back(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        await people.register()
        people.world.shift_clock(-3600 * 10**9)
        await people.login()
        await people.login()
        times = [row.at_ns for row in people.vault.read_stream()]
        assert times == sorted(set(times))


# --- restarts and crashes --------------------------------------------------------------------


async def test_a_restart_keeps_sessions(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        await people.register()
        granted = await people.login()
        gone = await people.login(device="phone")
        await people.inbox.ask(Logout(session_id=gone.session_id))
        before = people.table.find(granted.session_id)
    async with running(path) as people:
        assert people.table.find(granted.session_id) == before
        assert people.table.find(gone.session_id) is None
        people.credentials.access.verify(granted.access_token, people.world.now_ns())
        await people.refresh(granted.refresh_token)
        people.vault.verify()


async def test_a_purse_is_opened_after_a_crash_between_vault_and_exchange(
    path: Path, autojump_clock: MockClock
) -> None:
    """Checked by leaving the intent out of the commit: the second house never opens the purse."""
    exchange = Exchange()
    exchange.gate = trio.Event()
    async with running(path, exchange=exchange) as people:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(people.register)
            await exchange.asked.wait()
            assert len(people.vault.purse_intents()) == 1
            nursery.cancel_scope.cancel()
        assert exchange.purses == []
    async with running(path) as people:
        (intent,) = people.vault.purse_intents()
        await trio.testing.wait_all_tasks_blocked()
        await trio.sleep(1)
        assert people.exchange.purses == [intent.account_id]
        assert people.vault.purse_intents() == []
        assert (await people.login()).account_id == intent.account_id


async def test_a_purse_refused_for_lack_of_room_is_opened_later(
    path: Path, autojump_clock: MockClock
) -> None:
    exchange = Exchange()
    exchange.refusals = [Overloaded(), Closed(), Rejection(Reason.HALTED, "not now")]
    async with running(path, exchange=exchange) as people:
        account_id = await people.register()
        assert exchange.purses == []
        assert people.desk.statistics().purses_unopened == 1
        await trio.sleep(5)
        assert exchange.purses == [account_id]
        assert people.desk.statistics().purses_unopened == 0
        assert people.vault.purse_intents() == []
        # The task that resends has gone back to waiting and can be woken again.
        exchange.refusals = [Overloaded()]
        other = await people.register(BOB)
        await trio.sleep(5)
        assert exchange.purses == [account_id, other]


async def test_a_failed_write_ends_the_actor_and_nobody_is_answered(
    path: Path, autojump_clock: MockClock
) -> None:
    answered: list[object] = []

    async def fail() -> None:
        async with running(path) as people:
            await people.register()
            people.vault._failed = True
            people.inbox.post_nowait(login_message(), answered.append)
            await trio.sleep(60)

    with pytest.raises(ExceptionGroup) as failure:
        await fail()
    assert failure.group_contains(VaultFailed)
    assert answered == []


# --- load ------------------------------------------------------------------------------------


async def test_a_flood_of_logins_is_shed_and_the_rest_goes_on(
    path: Path, autojump_clock: MockClock
) -> None:
    """Checked by letting the loop itself compute the hashes: the refresh then never returns."""
    world = CountingWorld(1)
    async with running(path, world) as people:
        await people.register()
        granted = await people.login()
        world.gate = trio.Event()
        done: list[str] = []

        async def login() -> None:
            try:
                await people.inbox.ask(login_message())
            except Overloaded:
                done.append("shed")
            else:
                done.append("in")

        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(login)
            await trio.testing.wait_all_tasks_blocked()
            room = HASH_QUEUE_MAX + world.hash_workers
            # All came in one batch, before a worker could take one out of the queue.
            assert room - world.hash_workers <= 100 - len(done) <= room
            assert set(done) == {"shed"}
            shed = len(done)
            assert people.desk.statistics().hash_shed == shed
            # No hash is done, and everybody else is served.
            again = await people.refresh(granted.refresh_token)
            await people.inbox.ask(Logout(session_id=again.session_id))
            assert len(done) == shed
            world.gate.set()
        assert done.count("in") == 100 - shed
        assert people.desk.statistics().hash_queue == 0
        assert len(people.table) == min(100 - shed, SESSIONS_PER_ACCOUNT_MAX)


async def test_a_flood_from_one_address_leaves_room_for_others(
    path: Path, autojump_clock: MockClock
) -> None:
    world = CountingWorld(1)
    async with running(path, world) as people:
        await people.register()
        world.gate = trio.Event()
        done: list[str] = []

        async def login(address: str) -> None:
            try:
                await people.inbox.ask(login_message(), account=address)
            except Overloaded:
                done.append(f"{address} shed")
            else:
                done.append(f"{address} in")

        async with trio.open_nursery() as nursery:
            for _ in range(100):
                nursery.start_soon(login, "flood")
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(login, "alice")
            await trio.testing.wait_all_tasks_blocked()
            assert set(done) == {"flood shed"}
            world.gate.set()
        assert done[-1] == "alice in"
        assert people.desk.statistics().hash_queue == 0


async def test_a_login_whose_caller_gave_up_in_the_queue_opens_no_session(
    path: Path, autojump_clock: MockClock
) -> None:
    world = CountingWorld(1)
    async with running(path, world) as people:
        await people.register()
        world.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            for _ in range(world.hash_workers):
                nursery.start_soon(people.login)
            await trio.testing.wait_all_tasks_blocked()
            late: list[object] = []
            deadline = trio.current_time() + 1
            people.inbox.post_nowait(login_message(), late.append, deadline=deadline)
            await trio.sleep(2)
            world.gate.set()
        await trio.sleep(1)
        assert "Expired" in repr(late)
        assert len(people.table) == world.hash_workers


async def test_closing_the_mailbox_finishes_what_was_taken(
    path: Path, autojump_clock: MockClock
) -> None:
    people = People(path, SimulatedWorld(1))
    async with trio.open_nursery() as nursery:
        await nursery.start(run_sessions, people.inbox, people.desk)
        await people.register()
        granted: list[object] = []
        people.inbox.post_nowait(login_message(), granted.append)
        await trio.testing.wait_all_tasks_blocked()
        people.inbox.close()
    assert "SessionGranted" in repr(granted)
    with pytest.raises(Closed):
        await people.login()
    people.vault.close()


# --- administrators --------------------------------------------------------------------------


async def test_the_bootstrap_token_makes_one_administrator(
    path: Path, autojump_clock: MockClock
) -> None:
    replaced, token = issue(path), issue(path)
    async with running(path) as people:
        for wrong in ("", "x", replaced, token[:-1]):
            message = BootstrapAdmin(token=wrong, email=ALICE, password=PASSWORD)
            assert await refused(people, message) is Reason.BOOTSTRAP_TOKEN
        opened: list[str] = []
        reasons: list[Reason] = []

        async def bootstrap(email: str) -> None:
            message = BootstrapAdmin(token=token, email=email, password=PASSWORD)
            try:
                await people.inbox.ask(message)
            except Rejection as refusal:
                reasons.append(refusal.reason)
            else:
                opened.append(email)

        # At once: both find the token good before they have hashed.
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bootstrap, ALICE)
            nursery.start_soon(bootstrap, BOB)
        await bootstrap("carol@example.com")
        assert reasons == [Reason.BOOTSTRAP_TOKEN] * 2
        (email,) = opened
        granted = await people.login(email)
        live = people.table.find(granted.session_id)
        assert live is not None
        assert live.roles == {Role.USER, Role.ADMIN}
        assert Scope.ADMIN in live.scopes
        assert Scope.WITHDRAW not in live.scopes
        with pytest.raises(AdminExists):
            issue_bootstrap_token(people.vault, people.credentials, people.world.now_ns())


async def test_an_address_that_is_taken_does_not_use_up_the_bootstrap_token(
    path: Path, autojump_clock: MockClock
) -> None:
    token = issue(path)
    async with running(path) as people:
        await people.register()
        message = BootstrapAdmin(token=token, email=ALICE, password=PASSWORD)
        assert await refused(people, message) is Reason.EMAIL_TAKEN
        await people.inbox.ask(BootstrapAdmin(token=token, email=BOB, password=PASSWORD))


async def test_roles_take_effect_in_live_sessions_at_once(
    path: Path, autojump_clock: MockClock
) -> None:
    token = issue(path)
    async with running(path) as people:
        await people.inbox.ask(BootstrapAdmin(token=token, email=BOB, password=PASSWORD))
        admin = (await people.login(BOB)).account_id
        account_id = await people.register()
        granted = await people.login()

        def scopes() -> frozenset[Scope]:
            live = people.table.find(granted.session_id)
            assert live is not None
            return live.scopes

        async def set_role(role: Role, given: bool, whose: AccountId = account_id) -> object:
            message = SetRole(account_id=whose, role=role, granted=given, by=admin)
            return await people.inbox.ask(message)

        for _ in range(2):
            reply = await set_role(Role.OPERATOR, True)
            assert reply == RolesChanged(roles=frozenset({Role.USER, Role.OPERATOR}))
            assert Scope.ADMIN in scopes()
        await people.refresh(granted.refresh_token)
        assert Scope.ADMIN in scopes()
        assert await set_role(Role.OPERATOR, False) == RolesChanged(roles=frozenset({Role.USER}))
        assert Scope.ADMIN not in scopes()
        assert people.stream().count("RoleSet") == 2
        take_last = SetRole(account_id=admin, role=Role.ADMIN, granted=False, by=admin)
        assert await refused(people, take_last) is Reason.LAST_ADMIN
        take_user = SetRole(account_id=account_id, role=Role.USER, granted=False, by=admin)
        assert await refused(people, take_user) is Reason.ROLE_FIXED
        nobody = SetRole(account_id=AccountId("x"), role=Role.ADMIN, granted=True, by=admin)
        assert await refused(people, nobody) is Reason.UNKNOWN_ACCOUNT
        await set_role(Role.ADMIN, True)
        await set_role(Role.ADMIN, False, admin)
        assert people.vault.accounts_with_role(Role.ADMIN) == 1


async def test_what_stands_against_an_account_counts_at_once(
    path: Path, autojump_clock: MockClock
) -> None:
    token = issue(path)
    async with running(path) as people:
        await people.inbox.ask(BootstrapAdmin(token=token, email=BOB, password=PASSWORD))
        admin = (await people.login(BOB)).account_id
        account_id = await people.register()
        granted = await people.login()

        async def suspend(stands: bool) -> None:
            message = SetImpediment(
                account_id=account_id, impediment=Impediment.SUSPENDED, stands=stands, by=admin
            )
            assert await people.inbox.ask(message) == Done()

        for _ in range(2):
            await suspend(True)
        again = await people.login()
        await people.refresh(granted.refresh_token)
        for session_id in (granted.session_id, again.session_id):
            live = people.table.find(session_id)
            assert live is not None
            assert live.impediments == {Impediment.SUSPENDED}
        await suspend(False)
        live = people.table.find(granted.session_id)
        assert live is not None
        assert live.impediments == set()
        assert people.stream().count("ImpedimentSet") == 2
        last = SetImpediment(
            account_id=admin, impediment=Impediment.FROZEN, stands=True, by=account_id
        )
        assert await refused(people, last) is Reason.LAST_ADMIN
        nobody = attrs.evolve(last, account_id=AccountId("x"))
        assert await refused(people, nobody) is Reason.UNKNOWN_ACCOUNT


async def test_freezing_an_account_ends_its_sessions(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        account_id = await people.register()
        await people.register(BOB)
        stranger = await people.login(BOB)
        granted = [await people.login(), await people.login()]
        freeze = SetImpediment(
            account_id=account_id, impediment=Impediment.FROZEN, stands=True, by=account_id
        )
        await people.inbox.ask(freeze)
        assert set(people.ended) == {(each.session_id, SessionEndCause.FROZEN) for each in granted}
        refresh = Refresh(refresh_token=granted[0].refresh_token)
        assert await refused(people, refresh) is Reason.TOKEN_INVALID
        await people.refresh(stranger.refresh_token)
    async with running(path) as people:
        # It is for each method to say whether a frozen account may call it.
        again = await people.login()
        live = people.table.find(again.session_id)
        assert live is not None
        assert live.impediments == {Impediment.FROZEN}


async def test_roles_set_in_one_batch_add_up(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        account_id = await people.register()
        granted = await people.login()
        for role in (Role.SUPPORT, Role.COMPLIANCE, Role.OPERATOR):
            message = SetRole(account_id=account_id, role=role, granted=True, by=account_id)
            people.inbox.post_nowait(message, lambda _: None)
        await people.refresh(granted.refresh_token)
        live = people.table.find(granted.session_id)
        account = people.vault.account(account_id)
        assert live is not None
        assert account is not None
        assert live.roles == account.roles == set(Role) - {Role.ADMIN}


# --- real threads ----------------------------------------------------------------------------


async def test_with_real_threads_and_the_real_cost(path: Path) -> None:
    world = RealWorld()
    vault = Vault.open(
        path,
        row_key=MASTER.derive(Purpose.VAULT_ROWS),
        stream_key=MASTER.derive(Purpose.VAULT_STREAM),
        new_house_id=world.entropy,
    )
    credentials = Credentials(
        MASTER, house_id=vault.house_id, cost=world.argon2_cost, entropy=world.entropy
    )
    inbox: Mailbox[AuthMessage, AuthReply] = Mailbox(256)
    table = SessionTable()
    desk = SessionDesk(
        vault=vault,
        credentials=credentials,
        table=table,
        key_table=KeyTable(),
        allow_table=AllowTable(),
        world=world,
        open_purse=Exchange().open_purse,
        set_level=Exchange().set_level,
        close_account=Exchange().close_account,
        signer=Signer(MASTER),
        journal_head=lambda: (0, bytes(32)),
    )
    async with trio.open_nursery() as nursery:
        await nursery.start(run_sessions, inbox, desk)
        await inbox.ask(Register(email=ALICE, password=PASSWORD))
        granted = await inbox.ask(login_message())
        assert isinstance(granted, SessionGranted)
        again = await inbox.ask(Refresh(refresh_token=granted.refresh_token))
        assert isinstance(again, SessionGranted)
        assert table.find(again.session_id) is not None
        inbox.close()
    assert vault.verify().sessions == 1
    vault.close()
