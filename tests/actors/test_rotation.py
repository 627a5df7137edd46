"""The key-encryption key is exchanged while people go on, and after a crash at any point."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, BOB, MASTER, People, running
from xached.actors.sessions import resealing, rotation
from xached.actors.sessions.rotation import RETIRED_KEPT_S
from xached.domain.auth import AccountProfile, Done, GetAccount, UserKey, UserKeyKind
from xached.domain.identity import IdentityEvent
from xached.domain.key_epochs import (
    KeyEpochs,
    KeysRotating,
    RotateKeys,
    RotateUserKeys,
    decode_epochs,
)
from xached.domain.order import AccountId
from xached.security.key_ring import KeyRing
from xached.security.sealing import KeyDestroyed, SealBroken, key_id_of
from xached.storage.sealed_columns import sealed_values
from xached.storage.vault_rows import Change, Put

ADMIN = AccountId("admin")
PEOPLE = [f"person-{n}@example.com" for n in range(5)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "REWRAP_BATCH", 2)


async def rotate(people: People) -> KeysRotating:
    reply = await people.inbox.ask(RotateKeys(by=ADMIN))
    assert isinstance(reply, KeysRotating)
    return reply


async def until_settled(people: People) -> None:
    while people.credentials.ring.epochs.rotating:  # noqa: ASYNC110 - nobody tells a test
        await trio.sleep(0.1)


def keys_of(people: People) -> list[UserKey]:
    return people.vault.user_keys_after(b"", 1_000)


def wrapping_ids(people: People) -> set[bytes]:
    return {key_id_of(key.wrapped) for key in keys_of(people) if key.wrapped is not None}


def id_of(epoch: int) -> bytes:
    return KeyRing(MASTER, KeyEpochs(oldest=epoch, newest=epoch)).wrapping.newest.key_id


async def test_every_key_is_wrapped_anew_and_everybody_goes_on(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        accounts = [await people.register(email) for email in PEOPLE]
        granted = await people.login(PEOPLE[0])
        assert wrapping_ids(people) == {id_of(1)}
        assert await rotate(people) == KeysRotating(newest=2, rewrapped=0)
        # Asked again while it is at work, it tells how far it is.
        assert (await rotate(people)).newest == 2
        during = await people.register(ALICE)
        await people.login(PEOPLE[1])
        await until_settled(people)
        assert wrapping_ids(people) == {id_of(2)}
        assert people.credentials.ring.epochs == KeyEpochs(oldest=2, newest=2)
        assert people.stream().count("KeyEpochBegun") == 1
        assert people.stream().count("KeyEpochsRetired") == 1
        await people.login(PEOPLE[2])
    async with running(path) as people:
        await people.refresh(granted.refresh_token)
        for account_id, email in zip([*accounts, during], [*PEOPLE, ALICE], strict=True):
            profile = await people.inbox.ask(GetAccount(account_id=account_id))
            assert isinstance(profile, AccountProfile)
            assert profile.email == email
        assert (await rotate(people)).newest == 3
        await until_settled(people)
        assert wrapping_ids(people) == {id_of(3)}
        people.vault.verify()


async def test_a_retired_key_opens_nothing(path: Path, autojump_clock: MockClock) -> None:
    """Checked by not forgetting retired keys: the old row opens."""
    async with running(path) as people:
        account_id = await people.register()
        old = people.vault.user_keys(account_id)
        await rotate(people)
        await until_settled(people)
        # Whoever has read the row a moment before can still go on.
        people.credentials.ring.open(old[0])
        await trio.sleep(RETIRED_KEPT_S + 1)
        with pytest.raises(SealBroken, match="retired"):
            people.credentials.ring.open(old[0])
        await people.login()
    people = People(path, people.world)
    with pytest.raises(SealBroken, match="retired"):
        people.credentials.ring.open(old[0])
    people.vault.close()


async def test_destroyed_keys_stay_destroyed(path: Path, autojump_clock: MockClock) -> None:
    async with running(path) as people:
        account_id = await people.register()
        await people.register(BOB)
        destroyed = [
            UserKey(
                key_id=key.key_id,
                account_id=key.account_id,
                kind=key.kind,
                wrapped=None,
                created_at_ns=key.created_at_ns,
            )
            for key in people.vault.user_keys(account_id)
            if key.kind is UserKeyKind.PROFILE
        ]
        people.vault.commit([Put(key) for key in destroyed], [], people.world.now_ns())
        await rotate(people)
        await until_settled(people)
        assert [key for key in keys_of(people) if key.wrapped is None] == destroyed


@pytest.mark.parametrize("commits", range(1, 9))
async def test_a_rotation_goes_on_after_a_crash_at_any_commit(
    path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    """Checked by not loading what goes on: the second life never settles."""
    async with running(path) as people:
        for email in PEOPLE:
            await people.register(email)
        left, crash = commits, trio.Event()
        commit = people.vault.commit

        def count(changes: Sequence[Change], events: Sequence[IdentityEvent], at_ns: int) -> None:
            nonlocal left
            if left:
                commit(changes, events, at_ns)
            left -= 1
            if left <= 0:
                crash.set()

        monkeypatch.setattr(people.vault, "commit", count)
        people.inbox.post_nowait(RotateKeys(by=ADMIN), lambda _: None)
        await crash.wait()
    with trio.fail_after(60):
        async with running(path) as people:
            settled = decode_epochs(people.vault.setting("key_epochs")) == KeyEpochs(
                oldest=2, newest=2
            )
            assert settled == (commits >= 7)
            await until_settled(people)
            assert wrapping_ids(people) == {id_of(2)}
            assert people.stream().count("KeyEpochsRetired") == 1
            for email in PEOPLE:
                await people.login(email)


async def until_resealed(people: People) -> None:
    while people.vault.settings_from("reseal/"):  # noqa: ASYNC110 - nobody tells a test
        await trio.sleep(0.1)


def sealing_ids(people: People, account_id: AccountId) -> set[bytes]:
    """Ids of an account's keys that have sealed something."""
    return {
        key_id_of(value)
        for _, row in people.vault.rows_of(account_id)
        for column, value in sealed_values(row)
        if column.by in resealing.OF_PEOPLE
    }


@pytest.mark.parametrize("crashes", [False, True])
async def test_a_person_is_given_new_keys_and_everything_is_sealed_anew(
    path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, crashes: bool
) -> None:
    """Checked by not loading the intents: after a crash the old keys go on being in use."""
    monkeypatch.setattr(resealing, "RESEAL_BATCH", 1)
    async with running(path) as people:
        account_id = await people.register()
        bob = await people.register(BOB)
        granted = [await people.login() for _ in range(4)]
        old = {key.key_id for key in people.vault.user_keys(account_id)}
        bobs = sealing_ids(people, bob)
        assert sealing_ids(people, account_id) <= old
        message = RotateUserKeys(account_id=account_id, by=ADMIN)
        assert await people.inbox.ask(message) == Done()
        assert await people.inbox.ask(message) == Done()
        assert len(people.vault.user_keys(account_id)) == 4
        if not crashes:
            await until_resealed(people)
    with trio.fail_after(60):
        async with running(path) as people:
            await until_resealed(people)
            assert not sealing_ids(people, account_id) & old
            assert sealing_ids(people, bob) == bobs
            assert people.stream().count("UserKeysRotated") == 1
            for each in granted:
                await people.refresh(each.refresh_token)
            await people.login()
            profile = await people.inbox.ask(GetAccount(account_id=account_id))
            assert isinstance(profile, AccountProfile)
            assert profile.email == ALICE
            people.vault.verify()


async def test_destroying_the_keys_of_a_kind_erases_what_any_of_them_sealed(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        account_id = await people.register()
        account = people.vault.account(account_id)
        assert account is not None
        await people.inbox.ask(RotateUserKeys(account_id=account_id, by=ADMIN))
        await until_resealed(people)
        renewed = people.vault.account(account_id)
        assert renewed is not None
        assert renewed.email_sealed != account.email_sealed
        keys = [
            attrs.evolve(key, wrapped=None) if key.kind is UserKeyKind.PROFILE else key
            for key in people.vault.user_keys(account_id)
        ]
        people.vault.commit([Put(key) for key in keys], [], people.world.now_ns())
        # Neither what was kept before nor what is kept now can be read, from any copy.
        for each in (account, renewed):
            with pytest.raises(KeyDestroyed):
                people.credentials.open_email(each, people.vault.user_keys(account_id))
