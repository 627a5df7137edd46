"""strategies.db: what was written is there, of this house only, and can be erased by account.

Checked by leaving out, one by one: the comparison of the house, the schema check, the rollback of
work that raised, and the copying of the log after an erasure. Each has its test fail.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from xached.domain.order import AccountId
from xached.simulation.disk import Disk, DiskFault, DiskFiles, registered
from xached.storage import strategy_tables
from xached.storage.database import DatabaseRefused
from xached.storage.strategy_tables import (
    NOT_OF_ACCOUNTS,
    StrategyTables,
    StrategyTablesDamaged,
    StrategyTablesFailed,
    tables,
    tables_of_accounts,
)

HOUSE = bytes(range(16))
NOTES = "CREATE TABLE notes (account_id TEXT NOT NULL, text TEXT NOT NULL) STRICT;"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "strategies.db"


@pytest.fixture
def with_notes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One migration more, with a table of accounts."""
    migrations = (*strategy_tables.MIGRATIONS, NOTES)
    monkeypatch.setattr(strategy_tables, "MIGRATIONS", migrations)
    strategy_tables._columns.cache_clear()
    tables_of_accounts.cache_clear()
    yield
    strategy_tables._columns.cache_clear()
    tables_of_accounts.cache_clear()


def add(db: apsw.Connection, account_id: str, text: str) -> None:
    db.execute("INSERT INTO notes VALUES (?, ?)", (account_id, text))


def texts(db: apsw.Connection) -> list[str]:
    return [text for (text,) in db.execute("SELECT text FROM notes ORDER BY text")]


def test_every_table_is_of_accounts_or_says_why_not() -> None:
    assert set(tables()) == {*tables_of_accounts(), *NOT_OF_ACCOUNTS}
    assert not set(tables_of_accounts()) & set(NOT_OF_ACCOUNTS)


@pytest.mark.usefixtures("with_notes")
def test_what_was_written_is_there_after_a_kill(path: Path) -> None:
    opened = StrategyTables.open(path, HOUSE)
    opened.write(lambda db: add(db, "ann", "one"))
    killed = path.with_name("killed.db")
    for ending in ("", "-wal"):
        content = path.with_name(path.name + ending).read_bytes()
        killed.with_name(killed.name + ending).write_bytes(content)
    opened.close()
    for each in (path, killed):
        again = StrategyTables.open(each, HOUSE)
        assert again.read(texts) == ["one"]
        again.check()
        again.close()


@pytest.mark.usefixtures("with_notes")
def test_work_that_raises_changes_nothing(path: Path) -> None:
    opened = StrategyTables.open(path, HOUSE)

    def half(db: apsw.Connection) -> None:
        add(db, "ann", "half")
        raise LookupError

    with pytest.raises(LookupError):
        opened.write(half)
    opened.write(lambda db: add(db, "ann", "whole"))
    assert opened.read(texts) == ["whole"]
    opened.close()


@pytest.mark.usefixtures("with_notes")
def test_an_account_is_forgotten_to_the_last_byte(path: Path) -> None:
    opened = StrategyTables.open(path, HOUSE)
    opened.write(lambda db: add(db, "ann", "of-ann-only"))
    opened.write(lambda db: add(db, "ben", "of-ben"))
    assert opened.rows_of(AccountId("ann"), "notes", 0, 10) == [
        {"account_id": "ann", "text": "of-ann-only"}
    ]
    assert opened.rows_of(AccountId("ann"), "notes", 1, 10) == []
    opened.forget(AccountId("ann"))
    assert opened.read(texts) == ["of-ben"]
    content = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert b"of-ann-only" not in content
    assert b"of-ben" in content
    opened.close()


def test_a_file_of_another_house_is_refused(path: Path) -> None:
    StrategyTables.open(path, HOUSE).close()
    for open_file in (StrategyTables.open, StrategyTables.open_read_only):
        with pytest.raises(DatabaseRefused, match="another house"):
            open_file(path, bytes(16))


def test_a_file_of_a_newer_xached_is_refused(path: Path) -> None:
    StrategyTables.open(path, HOUSE).close()
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    with pytest.raises(DatabaseRefused, match="newer"):
        StrategyTables.open(path, HOUSE)


def test_a_table_or_trigger_that_somebody_added_is_found(path: Path) -> None:
    StrategyTables.open(path, HOUSE).close()
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE more (x)")
    connection.close()
    with pytest.raises(StrategyTablesDamaged, match="more is not as it was made"):
        StrategyTables.open(path, HOUSE)


def test_noise_is_refused(path: Path) -> None:
    path.write_bytes(b"noise" * 1_000)
    with pytest.raises(DatabaseRefused):
        StrategyTables.open(path, HOUSE)


@pytest.mark.usefixtures("with_notes")
def test_nothing_is_written_before_the_disk_has_healed() -> None:
    def full(operation: str) -> None:
        if operation in ("write", "sync"):
            raise DiskFault("no room", is_full=True)

    disk = Disk()
    with registered(disk) as vfs:
        opened = open_on(disk, vfs)
        opened.write(lambda db: add(db, "ann", "one"))
        disk.before = full
        with pytest.raises(StrategyTablesFailed, match="no room"):
            opened.write(lambda db: add(db, "ann", "two"))
        with pytest.raises(StrategyTablesFailed, match="an earlier write"):
            opened.write(lambda db: add(db, "ann", "three"))
        assert "one" in opened.read(texts)
        disk.power_on()
        opened.write(lambda db: add(db, "ann", "four"))
        found = opened.read(texts)
        assert found in (["four", "one"], ["four", "one", "two"]), "it may have been written"
        opened.check()
        opened.close()


@pytest.mark.usefixtures("with_notes")
@pytest.mark.parametrize("lost", range(1, 6))
def test_what_is_written_after_a_failed_sync_outlives_a_power_cut(lost: int) -> None:
    """Checked: without ``settle`` what came after it is lost with it."""
    disk = Disk()
    with registered(disk) as vfs:
        opened = open_on(disk, vfs)
        opened.write(lambda db: add(db, "ann", "first"))
        disk.fail_once("sync", lost, loses_writes=True)
        done: list[str] = ["first"]
        for text in "abcdefgh":
            with contextlib.suppress(StrategyTablesFailed):
                opened.write(lambda db, text=text: add(db, "ann", text))  # type: ignore[misc]
                done.append(text)
        assert len(done) == 8, "one failed, and those after it were written"
        disk.power_off()
        disk.restore_power(random.Random(lost))
        again = open_on(disk, vfs)
        assert set(done) <= set(again.read(texts))
        again.close()


@pytest.mark.usefixtures("with_notes")
def test_a_file_that_cannot_be_opened_anew_is_tried_by_who_reads_too() -> None:
    disk, opens = Disk(), 0
    with registered(disk) as vfs:
        opened = open_on(disk, vfs)
        opened.write(lambda db: add(db, "ann", "one"))
        connect = opened._connect

        def refuse() -> apsw.Connection:
            nonlocal opens
            opens += 1
            raise apsw.CantOpenError("not now")

        opened._connect = refuse
        disk.fail_once("write", 1)
        for _ in range(2):
            with pytest.raises(StrategyTablesFailed):
                opened.write(lambda db: add(db, "ann", "two"))
        with pytest.raises(StrategyTablesFailed, match="not now"):
            opened.read(texts)
        assert opens == 2
        opened._connect = connect
        assert "one" in opened.read(texts)
        opened.close()


def open_on(disk: Disk, vfs: str) -> StrategyTables:
    """strategies.db on a disk that can fail."""
    files = DiskFiles(disk, vfs)
    return StrategyTables.open(
        "strategies.db", HOUSE, locking_mode="exclusive", vfs=vfs, files=files
    )
