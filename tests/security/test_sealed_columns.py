"""Everything sealed: each column is registered, sealed for its place, and sealed anew by rotations.

A house is filled by the code that seals; then every column of bytes of every table is looked at, so
that a new one fails here until it is registered and filled.

Checked by breaking, each seen red: a column taken out of the registry, or one left open in it; a
place that leaves out the row, the account or the table; letters and requests that a rotation passes
over; tables that new keys of a person pass over; a rotation that is not gone on with after a crash.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.actors.full_house import (
    Found,
    all_keys,
    epochs_of,
    fill,
    full_house,
    open_at,
    sealed_in,
    sealed_in_stream,
)
from tests.actors.people import MASTER, People, running
from xached.actors.sessions import resealing, rotation
from xached.actors.sessions.audit import address_place
from xached.actors.sessions.rotation import RETIRED_KEPT_S
from xached.domain.audit import ActionAsked
from xached.domain.auth import Done, UserKeyKind
from xached.domain.guarding import FreezeByToken
from xached.domain.identity import IdentityEvent
from xached.domain.key_epochs import KeyEpochs, KeysRotating, RotateKeys, RotateUserKeys
from xached.domain.order import AccountId
from xached.domain.rejection import Rejection
from xached.security.key_ring import KeyRing
from xached.security.sealing import Place, SealBroken, key_id_of
from xached.storage.sealed_columns import OPEN_BYTES, SEALED_COLUMNS, SealedBy
from xached.storage.vault_rows import Change
from xached.storage.vault_tables import TABLES

LONG = bool(os.environ.get("XACHE_LONG"))
ADMIN = AccountId("admin")
REGISTERED = {(each.table, each.column) for each in SEALED_COLUMNS}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "REWRAP_BATCH", 2)
    monkeypatch.setattr(resealing, "RESEAL_BATCH", 1)


def old_ring(epoch: int) -> KeyRing:
    return KeyRing(MASTER, KeyEpochs(oldest=epoch, newest=epoch))


async def rotate(people: People) -> None:
    assert isinstance(await people.inbox.ask(RotateKeys(by=ADMIN)), KeysRotating)
    await until_settled(people)


async def until_settled(people: People) -> None:
    while people.credentials.ring.epochs.rotating:  # noqa: ASYNC110 - nobody tells a test
        await trio.sleep(0.1)
    while people.vault.settings_from("reseal/"):  # noqa: ASYNC110 - nobody tells a test
        await trio.sleep(0.1)


def plain_values(people: People) -> dict[Place, bytes]:
    """What is sealed, opened where it belongs."""
    return {each.place: open_at(people, each, each.place) for each in sealed_in(people)}


def test_every_column_of_bytes_is_sealed_or_says_why_not() -> None:
    found = {
        (table.name, field.name)
        for table in TABLES.values()
        for field in attrs.fields(table.row_class)
        if "bytes" in str(field.type)
    }
    assert found == REGISTERED | set(OPEN_BYTES)
    assert not REGISTERED & set(OPEN_BYTES)
    assert all(OPEN_BYTES.values())
    personal = {each for each in REGISTERED if each[1].endswith("_sealed")}
    assert {each for each in found if each[1].endswith("_sealed")} == personal


async def test_what_the_house_seals_is_registered_and_opens_in_its_place_alone(
    path: Path, autojump_clock: MockClock
) -> None:
    async with full_house(path) as people:
        await fill(people)
        found = sealed_in(people)
        columns = {(each.column.table, each.column.column) for each in found}
        assert columns | {("user_keys", "wrapped")} == REGISTERED, "fill() leaves none out"
        keys = set(all_keys(people)) | {people.credentials.ring.letters.newest.key_id}
        for table in TABLES.values():
            for row in people.vault.every(table):
                for name, value in zip(table.columns, table.values(row), strict=True):
                    if isinstance(value, bytes) and value[:1] == b"\1" and value[1:9] in keys:
                        assert (table.name, name) in REGISTERED
        assert len(plain_values(people)) == len(found) > 30
        for each in found:
            for moved_to in _other_places(each, found):
                with pytest.raises(SealBroken):
                    open_at(people, each, moved_to)


def _other_places(found: Found, all_found: Sequence[Found]) -> list[Place]:
    """Every place that something else is sealed for, and those that differ in one thing only."""
    here = found.place
    places = {each.place for each in all_found} - {here}
    places |= {attrs.evolve(here, row=each.place.row) for each in all_found}
    places |= {attrs.evolve(here, column=each.place.column) for each in all_found}
    places |= {attrs.evolve(here, table=each.place.table) for each in all_found}
    places |= {attrs.evolve(here, account_id=each.place.account_id) for each in all_found}
    return sorted(places - {here}, key=str)


async def test_a_wrapped_key_that_was_moved_does_not_open(
    path: Path, autojump_clock: MockClock
) -> None:
    async with full_house(path) as people:
        await fill(people)
        ring, keys = people.credentials.ring, list(all_keys(people).values())
        for key in keys:
            ring.open(key)
            for other in keys:
                if other is not key:
                    for changed in (
                        attrs.evolve(other, wrapped=key.wrapped),
                        attrs.evolve(key, key_id=other.key_id),
                    ):
                        with pytest.raises(SealBroken):
                            ring.open(changed)
            kinds = {kind for kind in UserKeyKind if kind is not key.kind}
            for changed in (
                *(attrs.evolve(key, kind=kind) for kind in kinds),
                attrs.evolve(key, account_id=AccountId("another")),
            ):
                with pytest.raises(SealBroken):
                    ring.open(changed)


async def test_an_address_in_the_stream_opens_in_its_row_alone(
    path: Path, autojump_clock: MockClock
) -> None:
    async with full_house(path) as people:
        accounts = await fill(people)
        asked = [
            row.event for row in people.vault.read_stream() if isinstance(row.event, ActionAsked)
        ]
        assert len(asked) == 2
        for event in asked:
            assert event.address is not None
            key = people.credentials.ring.open(
                all_keys(people)[bytes.fromhex(event.address.key_id)]
            )
            sealed = event.address.ciphertext
            assert key.open(sealed, address_place(event.action_id, event.by)) == b"ipv4:192.0.2.77"
            for row in {other.action_id for other in asked}:
                for account_id in accounts:
                    if (row, account_id) != (event.action_id, event.by):
                        with pytest.raises(SealBroken):
                            key.open(sealed, address_place(row, account_id))


async def test_after_both_rotations_no_old_key_has_sealed_anything_that_lives(
    path: Path, autojump_clock: MockClock
) -> None:
    async with full_house(path) as people:
        accounts = await fill(people)
        before, plain = all_keys(people), plain_values(people)
        stream = list(sealed_in_stream(people))
        assert stream
        await rotate(people)
        for account_id in accounts:
            message = RotateUserKeys(account_id=account_id, by=ADMIN)
            assert await people.inbox.ask(message) == Done()
        await until_settled(people)
        await trio.sleep(RETIRED_KEPT_S + 1)
        _all_is_new(people, set(before), plain)
        # What is chained stays as it is. The keys it needs are kept, wrapped by the new one.
        assert list(sealed_in_stream(people))[: len(stream)] == stream
        for sealed in stream:
            assert bytes.fromhex(sealed.key_id) in before
            people.credentials.ring.open(all_keys(people)[bytes.fromhex(sealed.key_id)])
        people.vault.verify()
    async with full_house(path) as people:
        _all_is_new(people, set(before), plain)


def _all_is_new(people: People, old_keys: set[bytes], plain: dict[Place, bytes]) -> None:
    old = old_ring(1)
    for each in sealed_in(people):
        if each.column.by is SealedBy.LETTERS:
            with pytest.raises(SealBroken):
                old.letters.find(each.value)
        else:
            assert key_id_of(each.value) not in old_keys, each.place
    for key in all_keys(people).values():
        assert key.wrapped is not None
        with pytest.raises(SealBroken):
            old.open(key)
    after = plain_values(people)
    # Letters come and go; all else is there, and says what it said.
    assert {place: text for place, text in after.items() if place.table != "outbox"} == {
        place: text for place, text in plain.items() if place.table != "outbox"
    }
    assert epochs_of(people) == (2, 2)


@pytest.mark.parametrize("commits", range(1, 90, 1 if LONG else 7))
async def test_both_rotations_go_on_after_a_crash_at_any_commit(
    path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    async with full_house(path) as people:
        accounts = await fill(people)
        before, plain = set(all_keys(people)), plain_values(people)
        left, crash = commits, trio.Event()
        commit = people.vault.commit

        def count(changes: Sequence[Change], events: Sequence[IdentityEvent], at_ns: int) -> None:
            nonlocal left
            if left:
                commit(changes, events, at_ns)
                left -= 1
            if not left:
                crash.set()

        monkeypatch.setattr(people.vault, "commit", count)
        people.inbox.post_nowait(RotateKeys(by=ADMIN), lambda _: None)
        for account_id in accounts:
            message = RotateUserKeys(account_id=account_id, by=ADMIN)
            people.inbox.post_nowait(message, lambda _: None)
        with trio.move_on_after(30):
            await crash.wait()
    with trio.fail_after(600):
        async with full_house(path) as people:
            # What was not written down before the crash was never promised.
            if epochs_of(people) == (1, 1):
                await rotate(people)
            for account_id in accounts:
                if len(people.vault.user_keys(account_id)) == len(UserKeyKind):
                    await people.inbox.ask(RotateUserKeys(account_id=account_id, by=ADMIN))
            await until_settled(people)
            await trio.sleep(RETIRED_KEPT_S + 1)
            _all_is_new(people, before, plain)
            people.vault.verify()


async def test_a_freeze_token_outlives_one_rotation_and_no_more(
    path: Path, autojump_clock: MockClock
) -> None:
    """Checked by making them with one key for ever: the third answer is no refusal."""
    async with running(path) as people:
        account_id = await people.register()
        token = people.credentials.freeze_tokens.make(account_id, people.world.now_ns())
        await rotate(people)
        assert await people.inbox.ask(FreezeByToken(token=token)) == Done()
        await rotate(people)
        with pytest.raises(Rejection):
            await people.inbox.ask(FreezeByToken(token=token))
        newer = people.credentials.freeze_tokens.make(account_id, people.world.now_ns())
        assert await people.inbox.ask(FreezeByToken(token=newer)) == Done()
