"""The master key is exchanged: everything goes on, and the former key opens nothing of it.

Killed at any point, a house opens with exactly one of the two keys, and says with which.

Checked by breaking, each seen red: a transaction for each table; the note of the new key written
after the transaction; a note in place of the old one before it; wraps, letters or look-ups that are
left as they are; a copy of the note that is not kept in the vault.
"""

from __future__ import annotations

import base64
import os
import random
import shutil
import signal
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.actors.full_house import all_keys, fill, full_house, open_at, sealed_in
from tests.actors.people import ALICE, MASTER, PASSWORD, WRONG, People
from tests.actors.test_second_factor import Phone
from tests.commands.test_inspection import Run, run  # noqa: F401 - a fixture
from tests.security.audited import AuditedHouse
from xached.commands import inspection, rekeying
from xached.commands.rekeying import Exchanged, NextFile, NextPassphrase, exchange_master_key
from xached.domain.auth import Login, Refresh, SessionGranted
from xached.domain.key_epochs import KeyEpochs, RotateKeys
from xached.domain.order import AccountId
from xached.domain.rejection import Rejection
from xached.domain.second_factor import CompleteLogin, SecondFactorNeeded
from xached.house.key import house_key
from xached.house.recovery import open_house
from xached.runtime.world import RealWorld
from xached.security.key_note import INHERITED_PURPOSES, inherit, key_id, read_key_note
from xached.security.key_ring import KeyRing
from xached.security.keys import MasterKey, MasterKeyError, Purpose
from xached.security.master import FILE_ONLY, KeySource
from xached.security.sealing import SealBroken
from xached.storage.directory import DataPaths
from xached.storage.sealed_columns import SealedBy
from xached.storage.vault import Vault
from xached.storage.vault_tables import ACCOUNTS

LONG = bool(os.environ.get("XACHE_LONG"))
NEXT = MasterKey(b"\5" * 32)
SQL_KILLS = 60 if LONG else 12
"""Kills between statements, beside those at every step outside of the database."""


def key_file(path: Path, key: MasterKey) -> Path:
    path.unlink(missing_ok=True)
    path.write_bytes(key.secret)
    path.chmod(0o400)
    return path


def given(key: MasterKey) -> KeySource:
    return KeySource(environment=key.secret.hex())


class _StillWorld(RealWorld):
    """Where no time passes: simulated people go on where they were."""

    def now_ns(self) -> int:
        return 0


def exchange(root: Path, source: KeySource = FILE_ONLY) -> Exchanged:
    following = NextFile(key_file(root.parent / "next.key", NEXT))
    return exchange_master_key(root, _StillWorld(), source, following)


def opened(root: Path, key: MasterKey) -> Vault:
    """The vault, opened as whoever holds this key would. Raises: MasterKeyError."""
    paths = DataPaths(root)
    found = house_key(paths, given(key))
    return Vault.open(
        paths.vault,
        row_key=found.derive(Purpose.VAULT_ROWS),
        stream_key=found.derive(Purpose.VAULT_STREAM),
        new_house_id=RealWorld().entropy,
    )


@attrs.frozen(kw_only=True)
class Filled:
    """A house with something of everything, which was stopped."""

    root: Path
    account_id: AccountId
    session: SessionGranted
    plain: dict[Any, bytes]
    wraps: list[bytes]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    root = tmp_path_factory.mktemp("rekeying") / "data"
    root.mkdir(mode=0o700)
    paths = DataPaths(root)
    key_file(paths.master_key, MASTER)
    paths.master_id.write_text(f'key_id = "{key_id(MASTER)}"\n', "ascii")

    async def live() -> Filled:
        async with full_house(paths.vault) as people:
            carol = await people.register("carol@example.com")
            session = await people.login("carol@example.com")
            await fill(people)
            return Filled(
                root=root,
                account_id=carol,
                session=session,
                plain={each.place: open_at(people, each, each.place) for each in sealed_in(people)},
                wraps=[key.wrapped or b"?" for key in all_keys(people).values()],
            )

    return trio.run(live, clock=MockClock(autojump_threshold=0))


@pytest.fixture
def filled(template: Filled, tmp_path: Path) -> Filled:
    shutil.copytree(template.root, tmp_path / "data")
    return attrs.evolve(template, root=tmp_path / "data")


async def test_everything_goes_on_with_the_new_key_and_the_former_one_opens_nothing(
    filled: Filled, autojump_clock: MockClock
) -> None:
    paths = DataPaths(filled.root)
    done = exchange(filled.root)
    assert done.key_id == key_id(NEXT)
    assert paths.master_key.read_bytes() == NEXT.secret
    assert paths.master_key.stat().st_mode & 0o777 == 0o400
    assert done.former_file is not None
    assert done.former_file.read_bytes() == MASTER.secret
    done.former_file.unlink()
    for file in filled.root.iterdir():
        content = b"" if file.is_dir() else file.read_bytes()
        assert [wrap for wrap in filled.wraps if wrap in content] == [], file
    with pytest.raises(MasterKeyError, match=f"names {key_id(NEXT)}, this is {key_id(MASTER)}"):
        opened(filled.root, MASTER)

    found = house_key(paths, FILE_ONLY)
    former = KeyRing(MASTER, KeyEpochs())
    async with full_house(paths.vault, master=found) as people:
        await everything_works(people, filled)
        for key in all_keys(people).values():
            with pytest.raises(SealBroken):
                former.open(key)
        for each in sealed_in(people):
            if each.column.by is SealedBy.LETTERS:
                with pytest.raises(SealBroken):
                    former.letters.find(each.value)
        for account in people.vault.every(ACCOUNTS):
            email = people.credentials.open_email(
                account, people.vault.user_keys(account.account_id)
            )
            assert account.email_lookup == people.credentials.email_lookup(email)
        people.vault.verify()
        assert people.stream().count("MasterKeyExchanged") == 1
        # Epochs go on from where they were.
        await people.inbox.ask(RotateKeys(by=filled.account_id))
        await trio.sleep(60)
        assert people.credentials.ring.epochs == KeyEpochs(oldest=2, newest=2)
        await people.login("carol@example.com")


async def everything_works(people: People, filled: Filled) -> None:
    plain = {each.place: open_at(people, each, each.place) for each in sealed_in(people)}
    assert {place: text for place, text in plain.items() if place.table != "outbox"} == {
        place: text for place, text in filled.plain.items() if place.table != "outbox"
    }
    refreshed = await people.inbox.ask(Refresh(refresh_token=filled.session.refresh_token))
    assert isinstance(refreshed, SessionGranted)
    await people.login("carol@example.com")
    with pytest.raises(Rejection):
        await people.login("carol@example.com", WRONG)
    needed = await people.inbox.ask(Login(email=ALICE, password=PASSWORD, device="phone"))
    assert isinstance(needed, SecondFactorNeeded)
    (secret,) = (text for place, text in plain.items() if place.column == "active_sealed")
    await trio.sleep(30)
    phone = Phone(people, _base32(secret))
    answer = await people.inbox.ask(CompleteLogin(token=needed.token, code=phone.code()))
    assert isinstance(answer, SessionGranted)


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode().rstrip("=")


def test_chains_signatures_and_anchors_of_before_hold(tmp_path: Path) -> None:
    house = AuditedHouse(tmp_path / "data")
    root = house.paths.root
    anchor = tmp_path / "anchor"
    anchor.write_text("\n".join(house.lines))
    before = inspection.verify(root)
    public = inspection.public_key(root)
    assert before.faults == ()
    exchange(root)
    assert inspection.public_key(root) == public
    after = inspection.verify(root)
    assert (after.faults, after.chain, after.seq) == ((), before.chain, before.seq)
    audit = inspection.verify_audit(root, anchor)
    assert audit.faults == ()
    assert audit.anchors == len(house.lines) > 0
    with ExitStack() as files:
        found = open_house(house.paths, RealWorld(), accept_clock=True, files=files)
        assert found.journal.last_seq == before.seq


def test_a_lost_note_is_written_again_from_the_vault(tmp_path: Path) -> None:
    house = AuditedHouse(tmp_path / "data")
    exchange(house.paths.root)
    note = house.paths.master_id.read_bytes()
    house.paths.master_id.unlink()
    assert inspection.verify(house.paths.root).faults == ()
    with ExitStack() as files:
        open_house(house.paths, RealWorld(), accept_clock=True, files=files)
    assert house.paths.master_id.read_bytes() == note


def test_a_note_that_was_changed_is_refused(tmp_path: Path) -> None:
    house = AuditedHouse(tmp_path / "data")
    exchange(house.paths.root)
    text = house.paths.master_id.read_text()
    house.paths.master_id.write_text(text[:-10] + ("0" if text[-10] != "0" else "1") + text[-9:])
    with pytest.raises(MasterKeyError, match=r"master\.id was changed"):
        inspection.verify(house.paths.root)


def test_a_passphrase_follows_a_file_and_a_file_a_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekeying, "PASSPHRASE_COST", (1, 8192))
    house = AuditedHouse(tmp_path / "data")
    root, phrase = house.paths.root, "seven wet herons wait"
    done = exchange_master_key(root, RealWorld(), FILE_ONLY, NextPassphrase(phrase))
    assert not house.paths.master_key.exists()
    assert done.former_file is not None
    said = KeySource(passphrase=lambda: phrase)
    assert inspection.verify(root, said).faults == ()
    with pytest.raises(MasterKeyError):
        inspection.verify(root, given(house.master))
    exchange(root, said)
    assert inspection.verify(root).faults == ()
    assert house.paths.master_key.read_bytes() == NEXT.secret


def test_what_is_given_from_outside_is_exchanged_outside(filled: Filled) -> None:
    paths = DataPaths(filled.root)
    paths.master_key.unlink()
    done = exchange(filled.root, given(MASTER))
    assert done.former_file is None
    assert not paths.master_key.exists()
    with closing(opened(filled.root, NEXT)) as vault:
        vault.verify()


def test_credentials_without_a_key_leave_the_key_to_the_file(
    filled: Filled, tmp_path: Path
) -> None:
    """Checked by looking at the directory alone: the former key's file then stays."""
    done = exchange(filled.root, KeySource(credentials=tmp_path))
    assert done.former_file is not None
    assert DataPaths(filled.root).master_key.read_bytes() == NEXT.secret


def test_a_wrong_former_key_changes_nothing(filled: Filled) -> None:
    before = DataPaths(filled.root).vault.read_bytes()
    with pytest.raises(MasterKeyError, match="not the master key of this house"):
        exchange(filled.root, given(MasterKey(b"\6" * 32)))
    assert DataPaths(filled.root).vault.read_bytes() == before


def test_every_purpose_is_inherited_or_made_anew() -> None:
    """A new purpose is made anew, unless it is added to those that are inherited."""
    house = MasterKey(MASTER.secret)
    following = inherit(house, NEXT, None, random.Random(1).randbytes).complete(NEXT)
    for purpose in Purpose:
        inherited = following.derive(purpose) == MASTER.derive(purpose)
        assert inherited == (purpose in INHERITED_PURPOSES)
        assert inherited or following.derive(purpose) == NEXT.derive(purpose)


# --- Kills. ----------------------------------------------------------------------------------


def run_killed(root: Path, at: Callable[[int], bool]) -> list[str]:
    """Exchange in a child process, killed at a point; the points it came to.

    A point is before every call that changes the directory, and before every statement of SQL.
    """
    theirs, ours = os.pipe()
    child = os.fork()
    if child == 0:
        _exchange_in_child(root, at, ours)
    os.close(ours)
    with os.fdopen(theirs) as said:
        points = said.read().split("\n")[:-1]
    os.waitpid(child, 0)
    return points


def _exchange_in_child(root: Path, at: Callable[[int], bool], said: int) -> None:
    passed = 0

    def point(name: str) -> None:
        nonlocal passed
        os.write(said, f"{name}\n".encode())
        if at(passed):
            os.kill(os.getpid(), signal.SIGKILL)
        passed += 1

    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def count(*arguments: Any) -> Any:
            point(name)
            return call(*arguments)

        return count

    for name in ("fsync", "replace", "rename", "link", "unlink"):
        setattr(os, name, counted(name, getattr(os, name)))

    def traced(_cursor: Any, sql: str, _bindings: Any) -> bool:
        point("COMMIT" if sql == "COMMIT" else "sql")
        return True

    def hook(connection: apsw.Connection) -> None:
        connection.exec_trace = traced

    apsw.connection_hooks.append(hook)
    code = 1
    try:
        exchange(root)
        code = 0
    finally:
        os._exit(code)


def refused(root: Path, key: MasterKey) -> str | None:
    """Why a key does not open the house; None when it does, and all of it is whole."""
    try:
        with closing(opened(root, key)) as vault:
            vault.verify()
    except MasterKeyError as refusal:
        return str(refusal)
    return None


def check_killed(root: Path) -> str:
    """Exactly one key opens the house, the other is told which; then it is done again."""
    said = {key_id(key): refused(root, key) for key in (MASTER, NEXT)}
    (opens,) = (name for name, text in said.items() if text is None)
    (text,) = (text for text in said.values() if text is not None)
    assert opens in text
    exchange(root)
    assert DataPaths(root).master_key.read_bytes() == NEXT.secret
    note = read_key_note(DataPaths(root).master_id)
    assert note is not None
    assert note.key_id == key_id(NEXT)
    with closing(opened(root, NEXT)) as vault:
        vault.verify()
    left = {path.name for path in root.iterdir() if "next" in path.name or "unf" in path.name}
    assert left == set()
    return opens


def _is_there(there: int, passed: int) -> bool:
    return passed == there


def test_killed_at_any_point_it_opens_with_exactly_one_key(
    template: Filled, tmp_path: Path
) -> None:
    root = tmp_path / "data"

    def fresh() -> Path:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(template.root, root)
        return root

    points = run_killed(fresh(), partial(_is_there, -1))
    assert points.count("COMMIT") == 1
    commit = points.index("COMMIT")
    chosen = {number for number, name in enumerate(points) if name != "sql"}
    chosen |= {commit - 1, commit + 1, commit + 2}
    chosen |= set(random.Random(11).sample(range(len(points)), SQL_KILLS))
    opened_with = {}
    for number in sorted(chosen & set(range(len(points)))):
        came = run_killed(fresh(), partial(_is_there, number))
        assert len(came) == number + 1, "it was killed there"
        opened_with[number] = check_killed(root)
    # Before the commit the former key, and after it the new one.
    assert [opened_with[number] for number in sorted(opened_with)] == sorted(
        opened_with.values(), key=lambda name: name == key_id(NEXT)
    )
    assert set(opened_with.values()) == {key_id(MASTER), key_id(NEXT)}


def test_the_command(run: Run, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    house = AuditedHouse(tmp_path / "data")
    root, new = house.paths.root, tmp_path / "new.key"
    assert "one of them" in run("vault", "rekey", "--data", root).err
    ran = run("vault", "rekey", "--data", root, "--new-key", new)
    assert ran.code == 0, ran.err
    assert new.stat().st_mode & 0o777 == 0o400
    assert key_id(MasterKey(new.read_bytes())) in ran.out
    assert "master.id" in ran.out
    assert run("verify", "--data", root).code == 0
    again = run("vault", "rekey", "--data", root, "--new-key", new)
    assert again.code == 0, again.err
    empty = tmp_path / "nothing"
    assert "there is no house" in run("vault", "rekey", "--data", empty, "--new-key", new).err
