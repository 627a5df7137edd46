"""Opening the SQLite databases that must not lose anything: the journal and the vault."""

from __future__ import annotations

from pathlib import Path

import apsw

from xached.runtime.world import LockingMode

SQLITE_VERSION_MIN = (3, 51, 3)
"""Before it, two connections that checkpoint a WAL can corrupt the database."""

BUSY_TIMEOUT_MS = 5_000
SYNCHRONOUS_FULL = 2


class DatabaseRefused(Exception):  # noqa: N818 - it says what is the matter
    """The database cannot be used safely; nothing was changed."""


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


def settle(connection: apsw.Connection) -> None:
    """Bring to disk what was found in the log, before anything is built on it.

    After a failed fsync, or a kill before one, the log may show commits that only the system's
    memory has. The next commit would sync itself and not them, and a power cut would then take
    it away together with them: the log is read up to the first gap. To be called once, on opening.

    Raises: apsw.Error, also when a reader keeps the log busy for too long.
    """
    pages, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    if pages > 0:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


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
