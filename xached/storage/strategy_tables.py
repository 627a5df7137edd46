"""strategies.db: what the house knows of strategies that is no money.

Which plugins were approved, which strategies there are and how far each has come, their rules, the
reasons of their orders and their backtests. Money is in the journal: this file may be lost without
a coin being lost, and then no strategy runs until its owner makes it again.

Owners are opaque account ids. A table whose rows are of one account has a column ``account_id``:
by it :meth:`StrategyTables.forget` erases, and :meth:`StrategyTables.rows_of` exports. Text that a
person typed does not belong here, names and settings do. Every table that grows by what comes from
outside has a bound or a retention, which is kept by the module that writes it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

import apsw
from loguru import logger

from xached.domain.order import AccountId
from xached.runtime.supervise import WorldFault
from xached.runtime.world import REAL_FILES, Files, Lane, LockingMode
from xached.storage import backtest_book, order_reasons, plugin_approvals, strategy_book
from xached.storage.database import (
    DatabaseRefused,
    narrow_to_rows,
    open_durable,
    settle,
    strange_in_schema,
)

Result = TypeVar("Result")
Work = Callable[[apsw.Connection], Result]
"""Statements on the file; what it returns must not be a cursor."""

Settle: TypeAlias = Callable[[], None]
"""Brings to disk what is seen of the file. Raises: LogDamaged; OSError."""

WAL_PAGES_MAX: Final = 1_000
"""4 MB: after so much the log is copied into the database."""

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE house (
        one INTEGER PRIMARY KEY CHECK (one = 1), house_id BLOB NOT NULL) STRICT;
    CREATE TABLE strategies (
        strategy_id TEXT PRIMARY KEY, account_id TEXT NOT NULL, name TEXT NOT NULL,
        plugin TEXT NOT NULL, symbols TEXT NOT NULL, settings_json TEXT NOT NULL,
        stage INTEGER NOT NULL, wish INTEGER NOT NULL, budget_asset TEXT NOT NULL,
        budget_units TEXT NOT NULL, created_at_ns INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE UNIQUE INDEX strategies_by_name ON strategies (account_id, name);
    """,
    """
    CREATE TABLE rules (
        number INTEGER PRIMARY KEY,
        rule_id TEXT NOT NULL UNIQUE,
        account_id TEXT NOT NULL,
        purse TEXT NOT NULL,
        request_id TEXT NOT NULL,
        name TEXT NOT NULL,
        terms TEXT NOT NULL,
        state INTEGER NOT NULL,
        cause TEXT NOT NULL,
        created_at_ns INTEGER NOT NULL,
        armed_at_ns INTEGER NOT NULL,
        rehearsed_at_ns INTEGER NOT NULL,
        firings INTEGER NOT NULL,
        memory TEXT NOT NULL,
        UNIQUE (account_id, request_id)) STRICT;
    CREATE TABLE rule_firings (
        rule_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        account_id TEXT NOT NULL,
        state INTEGER NOT NULL,
        due_at_ns INTEGER NOT NULL,
        decided_at_ns INTEGER NOT NULL,
        explanation TEXT NOT NULL,
        facts TEXT NOT NULL,
        PRIMARY KEY (rule_id, number)) STRICT;
    CREATE TABLE rule_steps (
        rule_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        place INTEGER NOT NULL,
        account_id TEXT NOT NULL,
        command_id TEXT NOT NULL,
        command BLOB NOT NULL,
        state INTEGER NOT NULL,
        order_id INTEGER,
        seq INTEGER NOT NULL,
        reason TEXT NOT NULL,
        answer TEXT NOT NULL,
        answered_at_ns INTEGER NOT NULL,
        PRIMARY KEY (rule_id, number, place)) STRICT;
    CREATE INDEX rule_steps_by_order ON rule_steps (account_id, order_id);
    """,
    order_reasons.SCHEMA,
    plugin_approvals.SCHEMA,
    backtest_book.SCHEMA,
    plugin_approvals.DESCRIPTIONS,
    strategy_book.SCHEMA,
    order_reasons.TRADED,
    strategy_book.CHANGES,
    plugin_approvals.SEALS,
    backtest_book.BESIDE,
    strategy_book.FAILURES,
    strategy_book.GAINED_BEFORE,
    order_reasons.SETTINGS,
)
"""What each format version adds, at the end; the database's user_version counts those applied."""

NOT_OF_ACCOUNTS: Final[Mapping[str, str]] = {
    "house": "says whose file it is",
    "plugin_approvals": "what the house has approved, by whom is in the audit log too",
    "plugin_descriptions": "what plugins say of themselves",
    "plugin_quarantines": "what the house has locked up",
    "trial_chain": "proves that no trial was taken out; only digests",
}
"""Tables that are about nobody, and what they are for; all others have an account_id."""


class StrategyTablesDamaged(DatabaseRefused):
    """The file is not as the daemon wrote it, or is not of this house."""


class StrategyTablesFailed(WorldFault):
    """The disk failed. The next write opens the file anew first, as the daemon does."""


class StrategyTables:
    """The one connection that writes strategies.db. Not for two threads at a time."""

    def __init__(self, connect: Callable[[], apsw.Connection], settle_file: Settle) -> None:
        """See :meth:`open`."""
        self._connect = connect
        self._settle_file = settle_file
        self._failed = False
        self._use(connect())

    @classmethod
    def open(
        cls,
        path: Path | str,
        house_id: bytes,
        *,
        locking_mode: LockingMode = "normal",
        vfs: str | None = None,
        files: Files = REAL_FILES,
    ) -> StrategyTables:
        """Open the file; make it when there is none. ``files``: those that ``vfs`` sees.

        Raises: DatabaseRefused when it cannot be used, was made by a newer xached or is another
            house's; StrategyTablesDamaged; StrategyTablesFailed.
        """
        connect = partial(
            _connect, path, house_id, locking_mode=locking_mode, vfs=vfs, read_only=False
        )
        return cls(connect, partial(settle, Path(path), files))

    @classmethod
    def open_read_only(cls, path: Path | str, house_id: bytes) -> StrategyTables:
        """Open the file beside the daemon that writes it. Raises: as :meth:`open`."""
        connect = partial(_connect, path, house_id, read_only=True)
        return cls(connect, partial(settle, Path(path), REAL_FILES))

    def close(self) -> None:
        """Close the file, its log copied into it if the disk lets it."""
        try:
            if not self._failed and not self._db.readonly("main"):
                self._guard(lambda: self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE))
        finally:
            self._db.close(True)

    def write(self, work: Work[Result]) -> Result:
        """Do it in one transaction, and return once it is on disk.

        What the work itself raises takes all of it back.

        Raises: StrategyTablesFailed.
        """
        if self._failed:
            self._open_anew()
        return self._guard(lambda: self._write(work))

    def read(self, work: Work[Result]) -> Result:
        """Do it on one state of the file. Raises: StrategyTablesFailed."""
        if self._closed:
            self._open_anew()
        try:
            with self._db:
                result = work(self._db)
        except apsw.Error as error:
            raise StrategyTablesFailed(f"strategies.db cannot be read: {_said(error)}") from error
        return result

    def forget(self, account_id: AccountId) -> None:
        """Delete all rows of an account, also from the log. Raises: StrategyTablesFailed."""

        def delete(db: apsw.Connection) -> None:
            for table in tables_of_accounts():
                db.execute(f"DELETE FROM {table} WHERE account_id = ?", (account_id,))  # noqa: S608 - names of MIGRATIONS

        self.write(delete)
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            pass  # Somebody reads the log: it is copied over when it has grown, or at the end.
        except apsw.Error as error:
            self._failed = True
            raise StrategyTablesFailed(f"strategies.db: {_said(error)}") from error

    def rows_of(
        self, account_id: AccountId, table: str, skip: int, limit: int
    ) -> list[dict[str, Any]]:
        """Rows of an account in a table, for who asks what is known of them.

        Raises: StrategyTablesFailed.
        """
        assert table in tables_of_accounts(), table

        def select(db: apsw.Connection) -> list[dict[str, Any]]:
            cursor = db.execute(
                f"SELECT * FROM {table} WHERE account_id = ? ORDER BY 1, 2 LIMIT ? OFFSET ?",  # noqa: S608 - a name of MIGRATIONS
                (account_id, limit, skip),
            )
            return [
                dict(zip((name for name, _ in cursor.get_description()), row, strict=True))
                for row in cursor
            ]

        return self.read(select)

    def check(self) -> None:
        """Look through the whole file for pages that have rotted. Raises: StrategyTablesDamaged."""
        try:
            found = self._db.execute("PRAGMA integrity_check").fetchall()
        except apsw.Error as error:
            raise StrategyTablesDamaged(f"strategies.db: {_said(error)}") from error
        if found != [("ok",)]:
            faults = "; ".join(str(each) for (each,) in found[:3])
            raise StrategyTablesDamaged(f"strategies.db: {faults}")

    def _write(self, work: Work[Result]) -> Result:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            result = work(self._db)
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        if self._wal_pages >= WAL_PAGES_MAX:
            # By hand: SQLite ignores the errors of its automatic ones.
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        return result

    def _open_anew(self) -> None:
        """Go on after a failure, if the disk lets it. Raises: StrategyTablesFailed.

        What was seen of the file may be in memory alone, and what SQLite knows of it may be wrong.
        """
        try:
            # Nobody writes: this is the one connection that does, and it is at rest.
            self._settle_file()
            self._closed = True
            self._db.close(True)
            self._use(self._connect())
        except (OSError, DatabaseRefused, apsw.Error) as error:
            raise StrategyTablesFailed(
                f"an earlier write to strategies.db failed, and it cannot be opened: {error}"
            ) from error
        self._failed = False
        logger.info("strategies.db is open again after a failure of the disk")

    def _use(self, connection: apsw.Connection) -> None:
        self._db = connection
        self._closed = False
        self._wal_pages = 0
        connection.set_wal_hook(self._committed)

    def _committed(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _guard(self, write: Callable[[], Result]) -> Result:
        """Run what writes. After an error of the disk nothing is, before it is opened anew."""
        try:
            return write()
        except apsw.Error as error:
            self._failed = True
            raise StrategyTablesFailed(f"strategies.db: {_said(error)}") from error


class StrategyRecords:
    """strategies.db for tasks of the daemon: its work is done on a lane of its own, in order."""

    def __init__(self, tables: StrategyTables, lane: Lane) -> None:
        self._tables = tables
        self._lane = lane

    async def write(self, work: Work[Result]) -> Result:
        """See StrategyTables.write."""
        return await self._lane.run(self._tables.write, work)

    async def read(self, work: Work[Result]) -> Result:
        """See StrategyTables.read."""
        return await self._lane.run(self._tables.read, work)

    async def forget(self, account_id: AccountId) -> None:
        """See StrategyTables.forget."""
        await self._lane.run(self._tables.forget, account_id)

    async def rows_of(
        self, account_id: AccountId, table: str, skip: int, limit: int
    ) -> list[dict[str, Any]]:
        """See StrategyTables.rows_of."""
        return await self._lane.run(self._tables.rows_of, account_id, table, skip, limit)


@functools.cache
def tables_of_accounts() -> tuple[str, ...]:
    """Every table whose rows are of one account, by name."""
    return tuple(table for table, columns in _columns().items() if "account_id" in columns)


def tables() -> tuple[str, ...]:
    """Every table there is, by name."""
    return tuple(_columns())


@functools.cache
def _columns() -> Mapping[str, Sequence[str]]:
    connection = apsw.Connection(":memory:")
    try:
        for statements in MIGRATIONS:
            connection.execute(statements)
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(
            "SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c"
            " WHERE t.type = 'table' ORDER BY t.name, c.cid"
        ):
            columns.setdefault(table, []).append(column)
        return columns
    finally:
        connection.close()


def _connect(
    path: Path | str,
    house_id: bytes,
    *,
    locking_mode: LockingMode = "normal",
    vfs: str | None = None,
    read_only: bool,
) -> apsw.Connection:
    try:
        connection = open_durable(path, locking_mode=locking_mode, vfs=vfs, read_only=read_only)
    except apsw.Error as error:
        raise StrategyTablesDamaged(f"strategies.db cannot be opened: {_said(error)}") from error
    try:
        if not read_only:
            connection.execute("PRAGMA secure_delete = ON")
            _migrate(connection, house_id)
        _check_whose(connection, house_id)
        narrow_to_rows(connection)
    except BaseException as error:
        connection.close(True)
        if isinstance(error, apsw.Error):
            raise StrategyTablesDamaged(f"strategies.db: {_said(error)}") from error
        raise
    return connection


def _migrate(connection: apsw.Connection, house_id: bytes) -> None:
    version = connection.execute("PRAGMA user_version").get
    with connection:
        for statements in MIGRATIONS[version:]:
            connection.execute(statements)
        if version < len(MIGRATIONS):
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        if version == 0:
            connection.execute("INSERT INTO house (one, house_id) VALUES (1, ?)", (house_id,))


def _check_whose(connection: apsw.Connection, house_id: bytes) -> None:
    version = connection.execute("PRAGMA user_version").get
    if version > len(MIGRATIONS):
        raise DatabaseRefused(f"strategies.db has format {version}, made by a newer xached")
    if strange := strange_in_schema(connection, MIGRATIONS[:version]):
        raise StrategyTablesDamaged(f"strategies.db: its {strange} is not as it was made")
    if version and connection.execute("SELECT house_id FROM house").fetchall() != [(house_id,)]:
        raise DatabaseRefused("strategies.db is of another house")


def _said(error: apsw.Error) -> str:
    return f"{type(error).__name__}: {error}"
