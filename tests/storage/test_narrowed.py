"""Every connection of a house is narrowed to rows, and strange tables are found as it opens.

Checked by taking ``narrow_to_rows`` out of each of the places that open a database: exactly its
connection is then found to be wide open. Taking the schema check out lets a trigger in.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import apsw
import pytest

from xached.house.recovery import open_house
from xached.runtime.world import RealWorld
from xached.security.keys import Purpose, read_master_key
from xached.storage.database import narrow_to_rows
from xached.storage.directory import DataDirectory, DataPaths
from xached.storage.journal import Journal, JournalDamaged
from xached.storage.vault import Vault
from xached.storage.vault_faults import VaultDamaged

AnyConnection = apsw.Connection | sqlite3.Connection

PRAGMAS = sorted(
    name
    for (name,) in apsw.Connection(":memory:").execute("SELECT name FROM pragma_pragma_list")
    if name not in {"integrity_check", "quick_check"}
)

FORBIDDEN = (
    "ATTACH 'other.db' AS other",
    "ATTACH ':memory:' AS other",
    "DETACH main",
    "CREATE TABLE more (x)",
    "CREATE TEMP TABLE more (x)",
    "CREATE TABLE more AS SELECT 1",
    "CREATE VIEW more AS SELECT 1",
    "CREATE VIRTUAL TABLE more USING fts5(x)",
    "CREATE INDEX more ON {table} ({column})",
    "CREATE TRIGGER more AFTER INSERT ON {table} BEGIN SELECT 1; END",
    "CREATE TEMP TRIGGER more AFTER INSERT ON {table} BEGIN SELECT 1; END",
    "DROP TABLE {table}",
    "ALTER TABLE {table} ADD COLUMN more",
    "ALTER TABLE {table} RENAME TO more",
    "ALTER TABLE {table} DROP COLUMN {column}",
    "REINDEX",
    "ANALYZE",
    "VACUUM",
    "VACUUM INTO 'other.db'",
    "SELECT * FROM pragma_table_info('{table}')",
    "PRAGMA main.user_version = 0",
    "PRAGMA writable_schema = ON",
    "PRAGMA quick_check('{table}')",
    *(f"PRAGMA {name}" for name in PRAGMAS),
)

_watched: list[list[AnyConnection]] = []


def _see_sqlite3(event: str, arguments: tuple[object, ...]) -> None:
    # An audit hook stays for the life of the process; it does nothing unless a test watches.
    if _watched and event == "sqlite3.connect/handle":
        (connection,) = arguments
        assert isinstance(connection, sqlite3.Connection)
        _watched[-1].append(connection)


sys.addaudithook(_see_sqlite3)


@contextlib.contextmanager
def opened_connections() -> Iterator[list[AnyConnection]]:
    """Every connection that is opened meanwhile, by either library."""
    seen: list[AnyConnection] = []
    _watched.append(seen)
    apsw.connection_hooks.append(seen.append)
    try:
        yield seen
    finally:
        apsw.connection_hooks.remove(seen.append)
        _watched.remove(seen)


def is_open(connection: AnyConnection) -> bool:
    try:
        connection.execute("SELECT 1").fetchall()
    except (apsw.ConnectionClosedError, sqlite3.ProgrammingError):
        return False
    return True


def file_of(connection: AnyConnection) -> str:
    """The name of its file; only one database is opened by the other library."""
    return (
        Path(connection.filename).name if isinstance(connection, apsw.Connection) else "market.db"
    )


def allowed(connection: AnyConnection, table: str, column: str) -> list[str]:
    """Which of the forbidden statements a connection lets pass; what harms is not carried out."""
    passed = []
    for template in FORBIDDEN:
        sql = template.format(table=table, column=column)
        try:
            # EXPLAIN prepares a statement, which is when it is judged, and runs nothing. What these
            # two do by other statements is judged as they run.
            as_is = sql.startswith(("VACUUM", "SELECT"))
            connection.execute(sql if as_is else f"EXPLAIN {sql}").fetchall()
        except (apsw.AuthError, sqlite3.DatabaseError, apsw.SQLError):
            continue
        passed.append(sql)
    return passed


@pytest.fixture
def house(tmp_path: Path) -> DataPaths:
    """A new house, closed."""
    with DataDirectory.open(tmp_path / "data") as directory, ExitStack() as files:
        open_house(directory.paths, RealWorld(), accept_clock=False, files=files)
    return directory.paths


def test_no_connection_of_a_house_does_more_than_rows(tmp_path: Path) -> None:
    with (
        opened_connections() as seen,
        DataDirectory.open(tmp_path / "data") as directory,
        ExitStack() as files,
    ):
        open_house(directory.paths, RealWorld(), accept_clock=False, files=files)
        held = [connection for connection in seen if is_open(connection)]
        tables = {
            "journal.db": ("rows", "body"),
            "vault.db": ("settings", "value"),
            "views.db": ("orders", "body"),
            "market.db": ("candles", "volume"),
            "strategies.db": ("house", "house_id"),
        }
        assert sorted(map(file_of, held)) == [
            "journal.db",
            "journal.db",
            "market.db",
            "strategies.db",
            "strategies.db",
            "vault.db",
            "views.db",
            "views.db",
        ]
        for connection in held:
            table, column = tables[file_of(connection)]
            connection.execute(f"SELECT {column} FROM {table}").fetchall()
            assert allowed(connection, table, column) == [], file_of(connection)


def test_a_wide_connection_would_be_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE rows (body)")
    connection.execute("CREATE INDEX rows_by_body ON rows (body)")
    refused = len(FORBIDDEN) - len(allowed(connection, "rows", "body"))
    assert refused == 1, "only dropping the only column of a table fails by itself"
    narrow_to_rows(connection)
    assert allowed(connection, "rows", "body") == []


def test_connections_that_only_look_are_narrowed_too(house: DataPaths) -> None:
    master = read_master_key(house.master_key)
    with opened_connections() as seen:
        Journal.open_read_only(house.journal, master.derive(Purpose.JOURNAL_CHAIN))
        Vault.open_read_only(
            house.vault,
            row_key=master.derive(Purpose.VAULT_ROWS),
            stream_key=master.derive(Purpose.VAULT_STREAM),
        )
    held = [connection for connection in seen if is_open(connection)]
    assert len(held) == 2
    for connection in held:
        found = ("rows", "body") if "journal" in file_of(connection) else ("stream", "chain")
        assert allowed(connection, *found) == []
        connection.close()


STRANGE = (
    "CREATE TRIGGER t AFTER INSERT ON {table} BEGIN DELETE FROM {table}; END",
    "CREATE TABLE more (x)",
    "CREATE VIEW more AS SELECT 1",
    "ALTER TABLE {table} RENAME COLUMN {column} TO more",
    """PRAGMA writable_schema = ON;
       UPDATE sqlite_schema SET sql = replace(sql, 'NOT NULL', '') WHERE name = '{table}'""",
)


@pytest.mark.parametrize("change", STRANGE)
def test_a_table_that_nobody_made_is_found_at_the_start(house: DataPaths, change: str) -> None:
    for path, table, column in (
        (house.journal, "rows", "body"),
        (house.vault, "stream", "payload"),
    ):
        connection = apsw.Connection(str(path))
        connection.execute(change.format(table=table, column=column))
        connection.close()
    master = read_master_key(house.master_key)
    with pytest.raises(JournalDamaged, match="not as it was made"):
        Journal.open(
            house.journal, master.derive(Purpose.JOURNAL_CHAIN), entropy=RealWorld().entropy
        )
    with pytest.raises(VaultDamaged, match="not as it was made"):
        Vault.open(
            house.vault,
            row_key=master.derive(Purpose.VAULT_ROWS),
            stream_key=master.derive(Purpose.VAULT_STREAM),
            new_house_id=RealWorld().entropy,
        )
