"""What people entrust to the sessions actor, and where it must not show."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from trio.testing import MockClock

from tests.actors.people import ALICE, BOB, PASSWORD, People, issue, running
from xached.domain.auth import (
    BootstrapAdmin,
    GetAccount,
    Login,
    Refresh,
    Register,
)
from xached.runtime.world import SimulatedWorld
from xached.security.sealing import SealBroken
from xached.security.tokens import TokenInvalid


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


async def test_nothing_personal_and_no_secret_is_in_the_file_in_clear(
    path: Path, autojump_clock: MockClock
) -> None:
    token = issue(path)
    secrets = [ALICE, BOB, "alice", "bob@", PASSWORD, "my-own-laptop", token, "argon2id"]

    def search() -> None:
        found = b"".join(file.read_bytes() for file in path.parent.iterdir())
        assert len(found) > 4096
        assert b"sessions" in found
        assert [secret for secret in secrets if secret.encode().lower() in found.lower()] == []

    async with running(path) as people:
        await people.inbox.ask(BootstrapAdmin(token=token, email=BOB, password=PASSWORD))
        await people.register()
        granted = await people.login(device="my-own-laptop")
        refreshed = await people.refresh(granted.refresh_token)
        secrets += [granted.refresh_token, refreshed.refresh_token]
        secrets += [granted.access_token, refreshed.access_token]
        search()
    search()


async def test_messages_and_answers_never_show_a_secret(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        await people.register()
        granted = await people.login()
        shown = repr(
            (
                granted,
                Login(email=ALICE, password=PASSWORD, device="my-own-laptop"),
                Register(email=ALICE, password=PASSWORD),
                BootstrapAdmin(token="token-in-clear", email=ALICE, password=PASSWORD),
                Refresh(refresh_token=granted.refresh_token),
                await people.inbox.ask(GetAccount(account_id=granted.account_id)),
                people.vault.sessions(),
            )
        )
        for secret in (
            ALICE,
            PASSWORD,
            "my-own-laptop",
            "token-in-clear",
            granted.refresh_token,
            granted.access_token,
        ):
            assert secret not in shown


async def test_a_session_moved_to_another_person_does_not_open(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice, bob = await people.register(), await people.register(BOB)
        await people.login()
        (session,) = people.vault.sessions()
        people.credentials.open_device(session, people.vault.user_keys(alice))
        from_bob = people.vault.account(bob)
        from_alice = people.vault.account(alice)
        assert from_bob is not None
        assert from_alice is not None
        swapped = attrs.evolve(from_alice, password_sealed=from_bob.password_sealed)
        both = people.vault.user_keys(alice) + people.vault.user_keys(bob)
        with pytest.raises(SealBroken):
            people.credentials.open_password_hash(swapped, both)


async def test_access_tokens_of_another_house_are_refused(
    path: Path, autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with running(path, SimulatedWorld(1)) as people:
        await people.register()
        granted = await people.login()
        other = People(tmp_path / "other.db", SimulatedWorld(2))
        with pytest.raises(TokenInvalid):
            other.credentials.access.verify(granted.access_token, people.world.now_ns())
        other.vault.close()
