"""vault.db: people, credentials, sessions and the chained stream of what happened to them.

The vault keeps bytes and knows no secret: columns with personal data arrive sealed, tokens and
addresses as keyed hashes. What it adds is that nothing can be changed behind its back. Each row
carries a keyed MAC, see ``vault_rows.py``; each row of the stream is chained to the one before it,
see ``identity_stream.py``.

All that one request or batch changes is one :meth:`Vault.commit`: one transaction, one fsync.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import apsw

from xached.domain.api_keys import ApiKey, KeyUsage
from xached.domain.audit import Checkpoint
from xached.domain.auth import Account, PurseIntent, Role, Session, Setting, UserKey
from xached.domain.identity import IdentityEvent, VaultRow
from xached.domain.order import AccountId
from xached.runtime.world import LockingMode
from xached.storage.database import DatabaseRefused, narrow_to_rows, open_durable
from xached.storage.identity_stream import HOUSE_ID, HOUSE_ID_BYTES, IdentityStream, StreamRow
from xached.storage.vault_checks import (
    ScrubPlace,
    VaultChecks,
    VaultReport,
)
from xached.storage.vault_faults import VaultDamaged, VaultFailed, VaultUnusable, unreadable
from xached.storage.vault_rows import Change, Put, VaultRows
from xached.storage.vault_tables import (
    ACCOUNTS,
    API_KEYS,
    KEY_USAGE,
    MIGRATIONS,
    PURSE_INTENTS,
    SESSIONS,
    SETTINGS,
    TABLES,
    USER_KEYS,
    Row,
    Table,
    bit,
    tables_of_accounts,
)

WAL_PAGES_MAX: Final = 1_000
"""4 MB: after so much the log is copied into the database."""

ROWS_AT_ONCE: Final = 64
"""Of which one may be a megabyte of somebody's papers."""

BOOTSTRAP_TOKEN: Final = "bootstrap_token"  # noqa: S105 - a setting's name
"""Name of the setting that holds the keyed hash of the bootstrap token."""


class Vault:
    """The one connection to vault.db. Not for two threads at a time."""

    def __init__(
        self,
        connection: apsw.Connection,
        *,
        row_key: bytes,
        stream_key: bytes,
        wal_pages_max: int = WAL_PAGES_MAX,
    ) -> None:
        """See :meth:`open`."""
        self._db = connection
        self._rows = VaultRows(connection, row_key)
        self._stream = IdentityStream(connection, stream_key, self._rows)
        self._checks = VaultChecks(connection, self._rows, self._stream)
        self._wal_pages_max = wal_pages_max
        self._wal_pages = 0
        self._failed = False
        connection.set_wal_hook(self._committed)

    @classmethod
    def open(
        cls,
        path: Path | str,
        *,
        row_key: bytes,
        stream_key: bytes,
        new_house_id: Callable[[int], bytes],
        vfs: str | None = None,
        locking_mode: LockingMode = "normal",
        wal_pages_max: int = WAL_PAGES_MAX,
    ) -> Vault:
        """Open the vault; make it when there is none. The keys are 32 bytes each.

        Raises:
            VaultUnusable: SQLite is too old, there is no WAL, or a newer xached wrote it.
            VaultDamaged: also when the keys are not those it was made with.
            VaultFailed: the disk failed.
        """
        connection = _open(path, vfs=vfs, locking_mode=locking_mode)
        vault = cls(connection, row_key=row_key, stream_key=stream_key, wal_pages_max=wal_pages_max)
        with _closing_on_error(connection):
            connection.execute("PRAGMA secure_delete = ON")
            vault._migrate(new_house_id)
            vault._begin()
        return vault

    @classmethod
    def open_read_only(cls, path: Path | str, *, row_key: bytes, stream_key: bytes) -> Vault:
        """Open the vault beside the daemon that writes it. Raises: as :meth:`open`."""
        connection = _open(path, read_only=True)
        vault = cls(connection, row_key=row_key, stream_key=stream_key)
        with _closing_on_error(connection), vault._one_moment():
            vault._begin()
        return vault

    @property
    def house_id(self) -> bytes:
        """Random bytes that tell this house from every other."""
        return self._stream.house_id

    @property
    def last_at_ns(self) -> int:
        """Time of the newest row of the stream; 0 when there is none."""
        return self._stream.head.at_ns

    @property
    def head(self) -> tuple[int, bytes]:
        """The newest row of the stream: its sequence and its chain value."""
        return self._stream.head.seq, self._stream.head.chain

    def close(self) -> None:
        """Close the file. After a failure nothing more is written.

        Raises: VaultFailed when the log cannot be copied into the database.
        """
        try:
            if not self._failed and not self._db.readonly("main"):
                self._guard(lambda: self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE))
        finally:
            self._db.close(True)

    # --- writing ---------------------------------------------------------------------------

    def commit(
        self, changes: Sequence[Change], events: Sequence[IdentityEvent], at_ns: int
    ) -> None:
        """Write all of it or nothing, and return once it is on disk.

        Raises: VaultFailed; from then on always.
        """
        if self._failed:
            raise VaultFailed("an earlier write failed")
        self._guard(lambda: self._commit(changes, events, at_ns))

    def _commit(
        self, changes: Sequence[Change], events: Sequence[IdentityEvent], at_ns: int
    ) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        for change in changes:
            self._rows.write(change)
        head = self._stream.append(events, at_ns)
        self._db.execute("COMMIT")
        self._stream.head = head
        if self._wal_pages >= self._wal_pages_max:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _checkpoint(self, mode: int) -> None:
        # By hand: SQLite ignores the errors of its automatic ones.
        self._db.wal_checkpoint(mode=mode)

    def _committed(self, _: apsw.Connection, __: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _guard(self, write: Callable[[], None]) -> None:
        """Run what writes. Whatever goes wrong, nothing is written after it."""
        self._failed = True
        try:
            write()
        except apsw.Error as error:
            raise VaultFailed(f"{type(error).__name__}: {error}") from error
        self._failed = False

    def exchange_key(
        self,
        row_key: bytes,
        renewed: Callable[[VaultRow], VaultRow],
        changes: Sequence[Change],
        events: Sequence[IdentityEvent],
        at_ns: int,
    ) -> None:
        """Write every row anew, under another key of its MAC, in one transaction.

        It holds all of the vault in the log until it is done. The vault is to be opened again
        afterwards.

        Args:
            renewed: what becomes of a row; its key stays.

        Raises: VaultFailed or VaultDamaged, and then nothing was changed.
        """
        assert not self._failed, "an earlier write failed"
        self._guard(lambda: self._exchange_key(row_key, renewed, changes, events, at_ns))
        self._failed = True  # The checks of this object go by the former key.

    def _exchange_key(
        self,
        row_key: bytes,
        renewed: Callable[[VaultRow], VaultRow],
        changes: Sequence[Change],
        events: Sequence[IdentityEvent],
        at_ns: int,
    ) -> None:
        rows = VaultRows(self._db, row_key)
        self._db.execute("BEGIN IMMEDIATE")
        for table in TABLES.values():
            key = table.columns[0]
            after: Sequence[Any] = ()
            while True:
                clause = f"WHERE {key} > ? " if after else ""
                clause += f"ORDER BY {key} LIMIT {ROWS_AT_ONCE}"
                found = list(self._rows.read(table, clause, *after))
                for row in found:
                    rows.write(Put(renewed(row)))
                if len(found) < ROWS_AT_ONCE:
                    break
                after = table.values(found[-1])[:1]
        self._stream.use(rows)
        self._stream.append(events, at_ns)
        for change in changes:
            rows.write(change)
        self._db.execute("COMMIT")
        self._checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def purge_log(self) -> bool:
        """Leave nothing in the log of what was deleted; False while somebody reads it.

        Deleted content is overwritten in the database, but the log keeps old pages until it has
        been copied whole. Raises: VaultFailed.
        """
        if self._failed:
            raise VaultFailed("an earlier write failed")
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            return False
        except apsw.Error as error:
            self._failed = True
            raise VaultFailed(f"{type(error).__name__}: {error}") from error
        return True

    # --- reading: every row is checked ------------------------------------------------------

    def account(self, account_id: AccountId) -> Account | None:
        """An account by its id. Raises: VaultDamaged."""
        return self._rows.one(ACCOUNTS, "WHERE account_id = ?", account_id)

    def account_by_email(self, email_lookup: bytes) -> Account | None:
        """An account by the keyed hash of its address. Raises: VaultDamaged."""
        return self._rows.one(ACCOUNTS, "WHERE email_lookup = ?", email_lookup)

    def accounts_with_role(self, role: Role) -> int:
        """How many accounts have a role. Raises: VaultDamaged."""
        return sum(1 for _ in self._rows.read(ACCOUNTS, "WHERE roles & ?", bit(role)))

    def able_accounts_with_role(self, role: Role) -> int:
        """How many accounts have a role and nothing against them. Raises: VaultDamaged."""
        clause = "WHERE roles & ? AND impediments = 0"
        return sum(1 for _ in self._rows.read(ACCOUNTS, clause, bit(role)))

    def user_keys(self, account_id: AccountId) -> list[UserKey]:
        """The wrapped keys of an account, oldest first. Raises: VaultDamaged."""
        clause = "WHERE account_id = ? ORDER BY created_at_ns, key_id"
        return list(self._rows.read(USER_KEYS, clause, account_id))

    def user_keys_after(self, key_id: bytes, limit: int) -> list[UserKey]:
        """Wrapped keys of all accounts, in the order of their ids. Raises: VaultDamaged."""
        clause = "WHERE key_id > ? ORDER BY key_id LIMIT ?"
        return list(self._rows.read(USER_KEYS, clause, key_id, limit))

    def sessions(self) -> list[Session]:
        """All live sessions, oldest first. Raises: VaultDamaged."""
        return list(self._rows.read(SESSIONS, "ORDER BY created_at_ns, session_id"))

    def purse_intents(self) -> list[PurseIntent]:
        """Purses the exchange may not have yet, oldest first. Raises: VaultDamaged."""
        return list(self._rows.read(PURSE_INTENTS, "ORDER BY created_at_ns, account_id"))

    def api_keys(self) -> list[ApiKey]:
        """All API keys, oldest first. Raises: VaultDamaged."""
        return list(self._rows.read(API_KEYS, "ORDER BY created_at_ns, key_id"))

    def key_usage(self) -> list[KeyUsage]:
        """What was set aside of the caps of keys. Raises: VaultDamaged."""
        return list(self._rows.read(KEY_USAGE, "ORDER BY usage_id"))

    def where(
        self, row_class: type[Row], clause: str = "", *arguments: str | bytes | int
    ) -> list[Row]:
        """The rows of one class that fit a clause of SQL, which is a constant of the caller.

        Raises: VaultDamaged.
        """
        return list(self._rows.read(TABLES[row_class], clause, *arguments))

    def count(
        self, row_class: type[VaultRow], condition: str = "1", *arguments: str | bytes | int
    ) -> int:
        """How many rows fit a condition of SQL, which is a constant of the caller.

        They are counted, not read: a figure for the eye, which no MAC vouches for.
        """
        query = f"SELECT COUNT(*) FROM {TABLES[row_class].name} WHERE {condition}"  # noqa: S608 - constants
        found: int = self._db.execute(query, arguments).get
        return found

    def rows_of(self, account_id: AccountId) -> Iterator[tuple[str, VaultRow]]:
        """Every (table, row) of an account. Raises: VaultDamaged."""
        for table in tables_of_accounts():
            for row in self._rows.read(table, "WHERE account_id = ?", account_id):
                yield table.name, row

    def account_rows_after(
        self, table: Table[Row], account_id: AccountId, key: str | bytes, limit: int
    ) -> list[Row]:
        """Rows of an account in one table, in the order of their keys. Raises: VaultDamaged."""
        name = table.columns[0]
        clause = f"WHERE account_id = ? AND {name} > ? ORDER BY {name} LIMIT ?"
        return list(self._rows.read(table, clause, account_id, key, limit))

    def rows_after(self, table: Table[Row], key: str | bytes, limit: int) -> list[Row]:
        """Rows of any table, in the order of their keys. Raises: VaultDamaged."""
        name = table.columns[0]
        return list(self._rows.read(table, f"WHERE {name} > ? ORDER BY {name} LIMIT ?", key, limit))

    def setting(self, name: str) -> bytes | None:
        """A setting's value. Raises: VaultDamaged."""
        row = self._rows.one(SETTINGS, "WHERE name = ?", name)
        return None if row is None else row.value

    def settings_from(self, prefix: str) -> list[Setting]:
        """The settings whose names begin so, in order. Raises: VaultDamaged."""
        clause = "WHERE name >= ? AND name < ? ORDER BY name"
        return list(self._rows.read(SETTINGS, clause, prefix, f"{prefix}\x7f"))

    def find(self, table: Table[Row], key: str | bytes) -> Row | None:
        """The row of any table with this key. Raises: VaultDamaged."""
        return self._rows.one(table, f"WHERE {table.columns[0]} = ?", key)

    def select(self, table: Table[Row], column: str, value: str | bytes | int) -> list[Row]:
        """The rows of any table with this value, in order of their keys. Raises: VaultDamaged."""
        assert column in table.columns
        return list(
            self._rows.read(table, f"WHERE {column} = ? ORDER BY {table.columns[0]}", value)
        )

    def every(self, table: Table[Row]) -> list[Row]:
        """All rows of any table, in order of their keys. Raises: VaultDamaged."""
        return list(self._rows.read(table, f"ORDER BY {table.columns[0]}"))

    def read_stream(self) -> Iterator[StreamRow]:
        """The stream from its beginning, checked as it goes. Raises: VaultDamaged."""
        return self._stream.read()

    def chain_at(self, seq: int) -> bytes | None:
        """The chain value of a row of the stream; None when there is no such row.

        Raises: VaultDamaged.
        """
        return self._stream.chain_at(seq)

    def stream_row(self, seq: int) -> StreamRow | None:
        """One row of the stream, its link checked. Raises: VaultDamaged."""
        chain = self.chain_at(seq - 1)
        if chain is None:
            return None
        return next(self._stream.read_after(seq - 1, chain, seq), None)

    def stream_rows(self, after: int, last: int) -> Iterator[StreamRow]:
        """Rows of the stream, their links checked. Raises: VaultDamaged."""
        chain = self.chain_at(after)
        return iter(()) if chain is None else self._stream.read_after(after, chain, last)

    def newest_checkpoint(self) -> Checkpoint | None:
        """What was signed last; whether it is genuine is for the caller to check.

        Raises: VaultDamaged.
        """
        return self._stream.newest_checkpoint()

    def verify(self) -> VaultReport:
        """Check every row of every table, and that each belongs to something.

        The daemon may write meanwhile: all is read as it was at one moment.

        Raises: VaultDamaged, with the first thing that is wrong.
        """
        try:
            with self._one_moment():
                return self._checks.verify()
        except apsw.Error as error:
            raise unreadable(error) from error

    def scrub(self, place: ScrubPlace, count: int) -> ScrubPlace | None:
        """Check ``count`` rows of a table, or of the stream, once more.

        Returns where to go on; None after the last row of the last table.

        Raises: VaultDamaged; VaultFailed when the disk cannot be read.
        """
        try:
            return self._checks.scrub(place, count)
        except apsw.Error as error:
            raise unreadable(error) from error

    @contextlib.contextmanager
    def _one_moment(self) -> Iterator[None]:
        """Read everything as it was when the first of it was read."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    # --- private ---------------------------------------------------------------------------

    def _migrate(self, new_house_id: Callable[[int], bytes]) -> None:
        version = self._db.execute("PRAGMA user_version").get
        if version > len(MIGRATIONS):
            raise VaultUnusable(f"the vault has format {version}, made by a newer xached")
        if version == len(MIGRATIONS):
            return
        with self._db:
            for statements in MIGRATIONS[version:]:
                self._db.execute(statements)
            self._db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            if version == 0:
                house_id = new_house_id(HOUSE_ID_BYTES)
                self._stream.begin(house_id)

    def _begin(self) -> None:
        self._checks.check_schema()
        narrow_to_rows(self._db)
        self._stream.load()


def setting_in(path: Path, row_key: bytes, name: str) -> bytes | None:
    """A setting of a vault, read without opening the rest of it; None where there is none.

    Raises: VaultDamaged when this is not the key of its rows; as :meth:`Vault.open`.
    """
    connection = _open(path, read_only=True)
    with _closing_on_error(connection):
        row = VaultRows(connection, row_key).one(SETTINGS, "WHERE name = ?", name)
    connection.close()
    return None if row is None else row.value


def opens_with(path: Path, row_key: bytes) -> bool:
    """Whether this is the key of a vault's rows. Raises: as :meth:`Vault.open`."""
    try:
        return setting_in(path, row_key, HOUSE_ID) is not None
    except VaultDamaged:
        return False


def _open(
    path: Path | str,
    *,
    vfs: str | None = None,
    locking_mode: LockingMode = "normal",
    read_only: bool = False,
) -> apsw.Connection:
    try:
        return open_durable(path, vfs=vfs, locking_mode=locking_mode, read_only=read_only)
    except DatabaseRefused as error:
        raise VaultUnusable(f"{path}: {error}") from error
    except apsw.Error as error:
        raise unreadable(error) from error


@contextlib.contextmanager
def _closing_on_error(connection: apsw.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        connection.close(True)
        if isinstance(error, apsw.Error):
            raise unreadable(error) from error
        raise
