"""Brute force against the running actor: from many addresses, and what it does to the person.

Checked by breaking, each seen red: a throttle that is asked after the hash, and devices that are
known to every account.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, BOB, PASSWORD, WRONG, People, running
from xached.domain.auth import Login, SessionGranted
from xached.domain.login_throttle import DEVICE_NS_MAX, DEVICES_MAX
from xached.domain.rejection import Reason, Rejection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


def attempt(
    number: int = 0, password: str = WRONG, email: str = ALICE, device_token: str = ""
) -> Login:
    return Login(
        email=email,
        password=password,
        device="",
        address=f"ipv4:10.0.{number // 256}.{number % 256}",
        device_token=device_token,
    )


async def verdict(people: People, message: Login) -> Reason | SessionGranted:
    try:
        reply = await people.inbox.ask(message)
    except Rejection as refusal:
        return refusal.reason
    assert isinstance(reply, SessionGranted)
    return reply


async def granted(people: People, message: Login) -> SessionGranted:
    reply = await verdict(people, message)
    assert isinstance(reply, SessionGranted), reply
    return reply


async def test_many_addresses_do_not_lock_out_a_known_device(
    autojump_clock: MockClock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(path) as people:
        await people.register()
        device = (await granted(people, attempt(password=PASSWORD))).device_token
        assert device
        hashes = 0
        verify = people.credentials.passwords.verify

        def counted(password: str, stored: str) -> bool:
            nonlocal hashes
            hashes += 1
            return verify(password, stored)

        monkeypatch.setattr(people.credentials.passwords, "verify", counted)
        reasons = [await verdict(people, attempt(number)) for number in range(1, 301)]
        assert reasons.count(Reason.TOO_MANY_ATTEMPTS) > 250
        assert hashes < 50, "who must wait costs no hash"
        stranger = await verdict(people, attempt(999, PASSWORD))
        assert stranger is Reason.TOO_MANY_ATTEMPTS
        known = await granted(people, attempt(999, PASSWORD, device_token=device))
        assert known.device_token == "", "it has one"
        await trio.sleep(3_600)
        await granted(people, attempt(999, PASSWORD))
        assert people.desk.statistics().logins_delayed > 250


async def test_unknown_addresses_are_slowed_down_alike(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        await people.register()
        known = [await verdict(people, attempt(number)) for number in range(60)]
        unknown = [await verdict(people, attempt(number + 256, email=BOB)) for number in range(60)]
        assert known == unknown
        assert Reason.TOO_MANY_ATTEMPTS in known


async def test_a_device_is_known_to_its_own_account_for_a_time(
    autojump_clock: MockClock, path: Path
) -> None:
    async with running(path) as people:
        await people.register()
        await people.register(BOB)
        device = (await granted(people, attempt(password=PASSWORD))).device_token
        bobs = await granted(people, attempt(1, PASSWORD, BOB, device_token=device))
        assert bobs.device_token not in ("", device)
        again = await granted(people, attempt(password=PASSWORD, device_token=device))
        assert again.device_token == ""
    async with running(path) as people:
        again = await granted(people, attempt(password=PASSWORD, device_token=device))
        assert again.device_token == ""
        people.world.shift_clock(DEVICE_NS_MAX)
        late = await granted(people, attempt(password=PASSWORD, device_token=device))
        assert late.device_token
        for file in path.parent.iterdir():
            assert late.device_token.encode() not in file.read_bytes()


async def test_an_account_knows_few_devices(autojump_clock: MockClock, path: Path) -> None:
    async with running(path) as people:
        await people.register()
        tokens = [
            (await granted(people, attempt(password=PASSWORD))).device_token
            for _ in range(DEVICES_MAX + 1)
        ]
        first = await granted(people, attempt(password=PASSWORD, device_token=tokens[0]))
        assert first.device_token, "the oldest was forgotten"
        last = await granted(people, attempt(password=PASSWORD, device_token=tokens[-1]))
        assert last.device_token == ""
