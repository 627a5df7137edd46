"""Opening the SQLite databases that must not lose anything: the journal and the vault.

Once any database of the house is open, its connection is narrowed to rows: whatever text a mistake
lets through to SQLite, it attaches no file, changes no setting and no table.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeAlias

import apsw
from loguru import logger

from xached.runtime.world import Files, LockingMode
from xached.storage.log_check import find_log_fault

SQLITE_VERSION_MIN = (3, 51, 3)
"""Before it, two connections that checkpoint a WAL can corrupt the database."""

BUSY_TIMEOUT_MS = 5_000
SYNCHRONOUS_FULL = 2
FIRST_PAGE_BYTES = 4096


_ON_ROWS: Final = frozenset(
    {
        apsw.SQLITE_SELECT,
        apsw.SQLITE_READ,
        apsw.SQLITE_FUNCTION,
        apsw.SQLITE_RECURSIVE,
        apsw.SQLITE_INSERT,
        apsw.SQLITE_UPDATE,
        apsw.SQLITE_DELETE,
        apsw.SQLITE_TRANSACTION,
        apsw.SQLITE_SAVEPOINT,
    }
)
"""What a statement may do. All else is refused: ATTACH, PRAGMA, CREATE, DROP, ALTER, REINDEX, and
what a later SQLite adds."""

_CHECKS: Final = frozenset({"integrity_check", "quick_check"})
"""The pragmas that may run: they read, and change nothing."""

SchemaEntry: TypeAlias = tuple[str, str, str, str | None]
"""(type, name, table, SQL) of a table, an index, a view or a trigger."""


class DatabaseRefused(Exception):  # noqa: N818 - it says what is the matter
    """The database cannot be used safely; nothing was changed."""


class LogDamaged(DatabaseRefused):
    """The log of a database has lost what was committed."""


def open_durable(
    path: Path | str,
    *,
    locking_mode: LockingMode = "normal",
    vfs: str | None = None,
    read_only: bool = False,
) -> apsw.Connection:
    """Open a database whose commits survive a power cut: WAL, every commit synced.

    The modes are asserted, since SQLite says nothing when it stays in another. No checkpoint is
    made on close or by itself: its errors would be lost.

    Raises: DatabaseRefused; apsw.Error when the file cannot be opened.
    """
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < SQLITE_VERSION_MIN:
        raise DatabaseRefused(f"SQLite {apsw.sqlite_lib_version()} is older than 3.51.3")
    flags = (
        apsw.SQLITE_OPEN_READONLY
        if read_only
        else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
    connection = apsw.Connection(str(path), flags=flags, vfs=vfs)
    try:
        _configure(connection, locking_mode, read_only)
    except BaseException:
        connection.close(True)
        raise
    return connection


def settle(path: Path, files: Files) -> None:
    """Bring to disk what is seen of a database, before it is opened and built on.

    After a failed fsync, or a kill before one, the log may show commits that only the system's
    memory has, and no later fsync would write them: Linux counts them as written. A commit that
    follows would be on disk without them, and the log is read up to its first gap. So the log is
    written again where it is, and synced, and so is the first page, which is written outside of
    the log once, when the database is made. To be called while nobody has it open for writing.

    Before that the log is looked through for damage that SQLite would take for its end.

    Raises: LogDamaged; OSError.
    """
    log = path.with_name(f"{path.name}-wal")
    if files.size(log):
        fault = find_log_fault(files.read(log))
        if fault is not None and fault.certain:
            raise LogDamaged(
                f"{log.name}: {fault.place} is not as it was written, and what was committed after "
                "it is: put the database and its log back from a backup"
            )
        if fault is not None:
            logger.warning(
                "{}: {}: the last write was cut short and is left out", log.name, fault.place
            )
    for each, bytes_max in ((path, FIRST_PAGE_BYTES), (log, None)):
        if files.size(each):
            files.rewrite(each, bytes_max)
    files.sync_directory(path.parent)


def narrow_to_rows(connection: apsw.Connection | sqlite3.Connection) -> None:
    """Forbid from now on what is no work on rows; such a statement fails before it runs."""
    if isinstance(connection, apsw.Connection):
        connection.authorizer = _judge
    else:
        connection.set_authorizer(_judge)


def schema_of(connection: apsw.Connection) -> list[SchemaEntry]:
    """Every table, index, view and trigger of a database, in order of their names."""
    # As bytes: a damaged file need not hold texts.
    rows = connection.execute(
        "SELECT CAST(type AS BLOB), CAST(name AS BLOB), CAST(tbl_name AS BLOB), CAST(sql AS BLOB)"
        " FROM sqlite_schema ORDER BY 1, 2"
    )
    return [
        (
            _readable(kind),
            _readable(name),
            _readable(table),
            None if sql is None else _readable(sql),
        )
        for kind, name, table, sql in rows
    ]


def _readable(raw: bytes | None) -> str:
    return (raw or b"").decode(errors="backslashreplace")


def schema_made_by(statements: Iterable[str]) -> list[SchemaEntry]:
    """What :func:`schema_of` gives of a database that exactly these statements made."""
    connection = apsw.Connection(":memory:")
    try:
        for statement in statements:
            connection.execute(statement)
        return schema_of(connection)
    finally:
        connection.close()


def strange_in_schema(connection: apsw.Connection, statements: Iterable[str]) -> str | None:
    """Name what these statements did not make, or made otherwise; None when there is none.

    A flipped bit in a table's definition, or a trigger that somebody added, harms no row yet.
    """
    try:
        found, expected = schema_of(connection), schema_made_by(statements)
    except UnicodeDecodeError:
        return "schema"
    return min((entry[1] for entry in {*found} ^ {*expected}), default=None)


def _judge(
    action: int,
    first: str | None,
    second: str | None,
    _database: str | None,
    _trigger: str | None,
) -> int:
    """The authorizer of every connection, called as a statement is prepared."""
    if action in _ON_ROWS or (action == apsw.SQLITE_PRAGMA and first in _CHECKS and not second):
        return apsw.SQLITE_OK
    return apsw.SQLITE_DENY


def _configure(connection: apsw.Connection, locking_mode: LockingMode, read_only: bool) -> None:
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.wal_autocheckpoint(0)
    _expect(connection, "locking_mode", locking_mode, f"= {locking_mode}")
    # A new file becomes a WAL database through a rollback journal, which is then deleted. Were that
    # deletion not on disk when rows are acknowledged, the journal could come back after a power cut
    # and undo them all. Only EXTRA syncs the directory; in WAL mode it is the same as FULL.
    connection.execute("PRAGMA synchronous = EXTRA")
    _expect(connection, "journal_mode", "wal", "" if read_only else "= wal")
    connection.execute("PRAGMA synchronous = FULL")
    _expect(connection, "synchronous", SYNCHRONOUS_FULL)


def _expect(connection: apsw.Connection, pragma: str, wanted: object, change: str = "") -> None:
    found = connection.execute(f"PRAGMA {pragma} {change}").get
    if found != wanted:
        raise DatabaseRefused(f"{pragma} is {found!r}, not {wanted!r}")
