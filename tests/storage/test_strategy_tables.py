"""strategies.db: what was written is there, of this house only, and can be erased by account.

Checked by leaving out, one by one: the comparison of the house, the schema check, the rollback of
work that raised, and the copying of the log after an erasure. Each has its test fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from xached.domain.order import AccountId
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
def test_after_a_failure_of_the_disk_nothing_is_written(path: Path) -> None:
    opened = StrategyTables.open(path, HOUSE)

    def fail(db: apsw.Connection) -> None:
        raise apsw.FullError("the disk is full")

    with pytest.raises(StrategyTablesFailed, match="full"):
        opened.write(fail)
    with pytest.raises(StrategyTablesFailed, match="earlier"):
        opened.write(lambda db: add(db, "ann", "more"))
    opened.close()
