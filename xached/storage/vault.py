"""vault.db: people, credentials, sessions and the chained stream of what happened to them.

The vault keeps bytes and knows no secret: columns with personal data arrive sealed, tokens and
addresses as keyed hashes. What it adds is that nothing can be changed behind its back. Each row
carries a keyed MAC over its table and all of its columns; each row of the stream is chained to the
one before it, and the newest is named in a setting, so that a cut tail shows.

All that one request or batch changes is one :meth:`Vault.commit`: one transaction, one fsync.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import apsw
import attrs
import msgpack

from xached.domain.api_keys import ApiKey, KeyUsage
from xached.domain.audit import (
    UNSIGNED_ROWS_MAX,
    Checkpoint,
    CheckpointSigned,
    checkpoint_of,
)
from xached.domain.auth import (
    Account,
    PurseIntent,
    Role,
    Session,
    Setting,
    UserKey,
    UserKeyKind,
)
from xached.domain.identity import IdentityEvent, VaultRow
from xached.domain.order import AccountId
from xached.runtime.world import LockingMode
from xached.storage.database import (
    DatabaseRefused,
    narrow_to_rows,
    open_durable,
    strange_in_schema,
)
from xached.storage.identity_codec import (
    IdentityCodecError,
    decode_identity_event,
    encode_identity_event,
)
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
    Column,
    Row,
    Table,
    bit,
    tables_of_accounts,
)

HOUSE_ID_BYTES: Final = 16
WAL_PAGES_MAX: Final = 1_000
"""4 MB: after so much the log is copied into the database."""

BOOTSTRAP_TOKEN: Final = "bootstrap_token"  # noqa: S105 - a setting's name
"""Name of the setting that holds the keyed hash of the bootstrap token."""

_SCRUBBED: Final = tuple(TABLES.values())
"""The tables in the order they are looked through; the stream comes after them."""

_HOUSE_ID = "house_id"
_STREAM_HEAD = "stream_head"
_CHAIN_BYTES = 32


class VaultUnusable(Exception):  # noqa: N818 - what the file is
    """The vault cannot be opened here: the text says why and what to do."""


class VaultDamaged(Exception):  # noqa: N818 - what the file is
    """Something in the vault is not as the daemon wrote it, or the master key is another one."""


class VaultFailed(Exception):  # noqa: N818 - what happened
    """The disk failed. Nothing that was not acknowledged before is there for sure; stop."""


@attrs.frozen
class Put:
    """Insert a row, or replace the one with its key."""

    row: VaultRow


@attrs.frozen
class Drop:
    """Delete the row with this row's key."""

    row: VaultRow


@attrs.frozen
class DropAll:
    """Delete all rows of an account, but for those of some tables."""

    account_id: AccountId
    kept: frozenset[type[VaultRow]]


Change: TypeAlias = Put | Drop | DropAll


@attrs.frozen(kw_only=True)
class StreamRow:
    """One row of the identity stream."""

    seq: int
    at_ns: int
    event: IdentityEvent
    chain: bytes


@attrs.frozen(kw_only=True)
class VaultReport:
    """What :meth:`Vault.verify` looked at."""

    accounts: int
    sessions: int
    stream_rows: int


@attrs.frozen
class ScrubPlace:
    """Up to where the vault has been looked through: a table and the key of its last row."""

    table: int = 0
    after: Column = None


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
        self._row_key = row_key
        self._stream_key = stream_key
        self._wal_pages_max = wal_pages_max
        self._wal_pages = 0
        self._failed = False
        self._house_id = b""
        self._head_seq = 0
        self._head_chain = b""
        self._last_at_ns = 0
        self._indexes: dict[str, list[tuple[str, list[str]]]] = {}
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
            vault._check_schema()
            narrow_to_rows(connection)
            vault._load()
        return vault

    @classmethod
    def open_read_only(cls, path: Path | str, *, row_key: bytes, stream_key: bytes) -> Vault:
        """Open the vault beside the daemon that writes it. Raises: as :meth:`open`."""
        connection = _open(path, read_only=True)
        vault = cls(connection, row_key=row_key, stream_key=stream_key)
        with _closing_on_error(connection), vault._one_moment():
            vault._check_schema()
            narrow_to_rows(connection)
            vault._load()
        return vault

    @property
    def house_id(self) -> bytes:
        """Random bytes that tell this house from every other."""
        return self._house_id

    @property
    def last_at_ns(self) -> int:
        """Time of the newest row of the stream; 0 when there is none."""
        return self._last_at_ns

    @property
    def head(self) -> tuple[int, bytes]:
        """The newest row of the stream: its sequence and its chain value."""
        return self._head_seq, self._head_chain

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
        seq, chain = self._head_seq, self._head_chain
        self._db.execute("BEGIN IMMEDIATE")
        for change in changes:
            self._write(change)
        for event in events:
            seq += 1
            payload = encode_identity_event(event)
            chain = self._chain(chain, seq, at_ns, payload)
            self._db.execute("INSERT INTO stream VALUES (?, ?, ?, ?)", (seq, at_ns, payload, chain))
        if events:
            self._write(Put(Setting(name=_STREAM_HEAD, value=_encode_head(seq, chain))))
        self._db.execute("COMMIT")
        if events:
            self._head_seq, self._head_chain, self._last_at_ns = seq, chain, at_ns
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

    def _write(self, change: Change) -> None:
        if isinstance(change, DropAll):
            for table in tables_of_accounts():
                if table.row_class not in change.kept:
                    self._db.execute(table.delete_of_account, (change.account_id,))
            return
        table = TABLES[type(change.row)]
        values = table.values(change.row)
        if isinstance(change, Drop):
            self._db.execute(table.delete, values[:1])
        else:
            self._db.execute(table.put, (*values, self._mac(table, values)))

    # --- reading: every row is checked ------------------------------------------------------

    def account(self, account_id: AccountId) -> Account | None:
        """An account by its id. Raises: VaultDamaged."""
        return _one(self._rows(ACCOUNTS, "WHERE account_id = ?", account_id))

    def account_by_email(self, email_lookup: bytes) -> Account | None:
        """An account by the keyed hash of its address. Raises: VaultDamaged."""
        return _one(self._rows(ACCOUNTS, "WHERE email_lookup = ?", email_lookup))

    def accounts_with_role(self, role: Role) -> int:
        """How many accounts have a role. Raises: VaultDamaged."""
        return sum(1 for _ in self._rows(ACCOUNTS, "WHERE roles & ?", bit(role)))

    def able_accounts_with_role(self, role: Role) -> int:
        """How many accounts have a role and nothing against them. Raises: VaultDamaged."""
        clause = "WHERE roles & ? AND impediments = 0"
        return sum(1 for _ in self._rows(ACCOUNTS, clause, bit(role)))

    def user_keys(self, account_id: AccountId) -> list[UserKey]:
        """The wrapped keys of an account, oldest first. Raises: VaultDamaged."""
        clause = "WHERE account_id = ? ORDER BY created_at_ns, key_id"
        return list(self._rows(USER_KEYS, clause, account_id))

    def user_keys_after(self, key_id: bytes, limit: int) -> list[UserKey]:
        """Wrapped keys of all accounts, in the order of their ids. Raises: VaultDamaged."""
        clause = "WHERE key_id > ? ORDER BY key_id LIMIT ?"
        return list(self._rows(USER_KEYS, clause, key_id, limit))

    def sessions(self) -> list[Session]:
        """All live sessions, oldest first. Raises: VaultDamaged."""
        return list(self._rows(SESSIONS, "ORDER BY created_at_ns, session_id"))

    def purse_intents(self) -> list[PurseIntent]:
        """Purses the exchange may not have yet, oldest first. Raises: VaultDamaged."""
        return list(self._rows(PURSE_INTENTS, "ORDER BY created_at_ns, account_id"))

    def api_keys(self) -> list[ApiKey]:
        """All API keys, oldest first. Raises: VaultDamaged."""
        return list(self._rows(API_KEYS, "ORDER BY created_at_ns, key_id"))

    def key_usage(self) -> list[KeyUsage]:
        """What was set aside of the caps of keys. Raises: VaultDamaged."""
        return list(self._rows(KEY_USAGE, "ORDER BY usage_id"))

    def where(
        self, row_class: type[Row], clause: str = "", *arguments: str | bytes | int
    ) -> list[Row]:
        """The rows of one class that fit a clause of SQL, which is a constant of the caller.

        Raises: VaultDamaged.
        """
        return list(self._rows(TABLES[row_class], clause, *arguments))

    def rows_of(self, account_id: AccountId) -> Iterator[tuple[str, VaultRow]]:
        """Every (table, row) of an account. Raises: VaultDamaged."""
        for table in tables_of_accounts():
            for row in self._rows(table, "WHERE account_id = ?", account_id):
                yield table.name, row

    def setting(self, name: str) -> bytes | None:
        """A setting's value. Raises: VaultDamaged."""
        row = _one(self._rows(SETTINGS, "WHERE name = ?", name))
        return None if row is None else row.value

    def settings_from(self, prefix: str) -> list[Setting]:
        """The settings whose names begin so, in order. Raises: VaultDamaged."""
        clause = "WHERE name >= ? AND name < ? ORDER BY name"
        return list(self._rows(SETTINGS, clause, prefix, f"{prefix}\x7f"))

    def find(self, table: Table[Row], key: str | bytes) -> Row | None:
        """The row of any table with this key. Raises: VaultDamaged."""
        return _one(self._rows(table, f"WHERE {table.columns[0]} = ?", key))

    def select(self, table: Table[Row], column: str, value: str | bytes | int) -> list[Row]:
        """The rows of any table with this value, in order of their keys. Raises: VaultDamaged."""
        assert column in table.columns
        return list(self._rows(table, f"WHERE {column} = ? ORDER BY {table.columns[0]}", value))

    def every(self, table: Table[Row]) -> list[Row]:
        """All rows of any table, in order of their keys. Raises: VaultDamaged."""
        return list(self._rows(table, f"ORDER BY {table.columns[0]}"))

    def read_stream(self) -> Iterator[StreamRow]:
        """The stream from its beginning, checked as it goes. Raises: VaultDamaged."""
        seq, chain = 0, self._house_id
        for row in self._stream_rows(0, chain, 2**63 - 1):
            seq, chain = row.seq, row.chain
            yield row
        if (seq, chain) != (self._head_seq, self._head_chain):
            raise VaultDamaged(f"the identity stream ends at {seq}, not at {self._head_seq}")

    def _stream_rows(self, seq: int, chain: bytes, last: int) -> Iterator[StreamRow]:
        """The rows after ``seq``, whose chain value is ``chain``. Raises: VaultDamaged."""
        rows = self._db.execute(
            "SELECT seq, at_ns, payload, chain FROM stream WHERE seq > ? AND seq <= ? ORDER BY seq",
            (seq, last),
        )
        with contextlib.closing(_texts_checked(rows)) as checked:
            for row_seq, at_ns, payload, row_chain in checked:
                seq += 1
                chain = self._chain(chain, seq, at_ns, payload)
                if (row_seq, row_chain) != (seq, chain):
                    raise VaultDamaged(f"the identity stream is broken at {seq}")
                try:
                    event = decode_identity_event(payload)
                except IdentityCodecError as error:
                    raise VaultDamaged(f"the identity stream holds at {seq} {error}") from None
                yield StreamRow(seq=seq, at_ns=at_ns, event=event, chain=chain)

    def chain_at(self, seq: int) -> bytes | None:
        """The chain value of a row of the stream; None when there is no such row."""
        if seq == 0:
            return self._house_id
        rows = self._db.execute("SELECT chain FROM stream WHERE seq = ?", (seq,))
        found = next(_texts_checked(rows), None)
        return None if found is None else found[0]

    def newest_checkpoint(self) -> Checkpoint | None:
        """What was signed last; whether it is genuine is for the caller to check.

        Raises: VaultDamaged.
        """
        rows = self._db.execute(
            "SELECT seq, at_ns, payload FROM stream ORDER BY seq DESC LIMIT ?", (UNSIGNED_ROWS_MAX,)
        )
        for seq, at_ns, payload in _texts_checked(rows):
            try:
                event = decode_identity_event(payload)
            except IdentityCodecError as error:
                raise VaultDamaged(f"the identity stream holds at {seq} {error}") from None
            if isinstance(event, CheckpointSigned):
                return checkpoint_of(event, self._house_id, at_ns)
        return None

    def verify(self) -> VaultReport:
        """Check every row of every table, and that each belongs to something.

        The daemon may write meanwhile: all is read as it was at one moment.

        Raises: VaultDamaged, with the first thing that is wrong.
        """
        try:
            with self._one_moment():
                return self._verify()
        except apsw.Error as error:
            raise _unreadable(error) from error

    def scrub(self, place: ScrubPlace, count: int) -> ScrubPlace | None:
        """Check ``count`` rows of a table, or of the stream, once more.

        Returns where to go on; None after the last row of the last table.

        Raises: VaultDamaged; VaultFailed when the disk cannot be read.
        """
        try:
            if place.table == len(_SCRUBBED):
                return self._scrub_stream(place, count)
            return self._scrub_table(_SCRUBBED[place.table], place, count)
        except apsw.Error as error:
            raise _unreadable(error) from error

    def _scrub_table(self, table: Table[Any], place: ScrubPlace, count: int) -> ScrubPlace:
        key, after = table.columns[0], place.after
        clause = f"WHERE {key} > ? " if after is not None else ""
        arguments = (count,) if after is None else (after, count)
        seen = [
            table.values(row)
            for row in self._rows(table, f"{clause}ORDER BY {key} LIMIT ?", *arguments)
        ]
        for values in seen:
            self._check_indexes(table, values)
        if len(seen) < count:
            return ScrubPlace(place.table + 1)
        return ScrubPlace(place.table, seen[-1][0])

    def _scrub_stream(self, place: ScrubPlace, count: int) -> ScrubPlace | None:
        first = seq = place.after if isinstance(place.after, int) else 0
        chain = self.chain_at(first)
        if chain is None:
            raise VaultDamaged(f"the identity stream is broken at {first}")
        for row in self._stream_rows(first, chain, first + count):
            seq = row.seq
        if seq < min(self._head_seq, first + count):
            raise VaultDamaged(f"the identity stream is broken at {seq + 1}")
        return ScrubPlace(place.table, seq) if seq < self._head_seq else None

    def _check_indexes(self, table: Table[Any], values: Sequence[Column]) -> None:
        """A row that an index does not lead to is as good as gone. Raises: VaultDamaged."""
        row = dict(zip(table.columns, values, strict=True))
        for index, columns in self._indexes.get(table.name, ()):
            wanted = [row[column] for column in columns]
            if None in wanted:
                continue
            terms = " AND ".join(f"{column} = ?" for column in (*columns, table.columns[0]))
            found = self._db.execute(
                f'SELECT 1 FROM {table.name} INDEXED BY "{index}" WHERE {terms}',  # noqa: S608 - names of the schema
                (*wanted, values[0]),
            ).get
            if not found:
                raise VaultDamaged(f"an index of {table.name} does not lead to {values[0]!r}")

    @contextlib.contextmanager
    def _one_moment(self) -> Iterator[None]:
        """Read everything as it was when the first of it was read."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("ROLLBACK")

    def _verify(self) -> VaultReport:
        self._load()
        for (line,) in self._db.execute("PRAGMA integrity_check"):
            if line != "ok":
                raise VaultDamaged(f"the file: {line}")
        stream_rows = sum(1 for _ in self.read_stream())
        kinds_of: dict[AccountId, set[UserKeyKind]] = {}
        for key in self._rows(USER_KEYS, ""):
            kinds_of.setdefault(key.account_id, set()).add(key.kind)
        accounts = {row.account_id for row in self._rows(ACCOUNTS, "")}
        for account_id in accounts:
            if kinds_of.pop(account_id, set()) != set(UserKeyKind):
                raise VaultDamaged(f"account {account_id} lacks a key")
        sessions = self.sessions()
        owners = {session.account_id for session in sessions} | kinds_of.keys()
        owners |= {intent.account_id for intent in self.purse_intents()}
        api_keys = self.api_keys()
        key_ids = {key.key_id for key in api_keys}
        owners |= {key.account_id for key in api_keys}
        if strays := {usage.key_id for usage in self.key_usage()} - key_ids:
            raise VaultDamaged(f"there is no API key {min(strays)}, and yet it was used")
        if strangers := owners - accounts:
            raise VaultDamaged(f"there is no account {min(strangers)}, and yet it owns rows")
        for table in TABLES.values():
            for row in self._rows(table, ""):
                assert row is not None, "its MAC was checked by reading it"
        return VaultReport(accounts=len(accounts), sessions=len(sessions), stream_rows=stream_rows)

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
                self._write(Put(Setting(name=_HOUSE_ID, value=house_id)))
                self._write(Put(Setting(name=_STREAM_HEAD, value=_encode_head(0, house_id))))

    def _check_schema(self) -> None:
        version = self._db.execute("PRAGMA user_version").get
        if version > len(MIGRATIONS):
            raise VaultUnusable(f"the vault has format {version}, made by a newer xached")
        if strange := strange_in_schema(self._db, MIGRATIONS[:version]):
            raise VaultDamaged(f"the vault's {strange} is not as it was made")
        indexes: dict[tuple[str, str], list[str]] = {}
        for table, index, column in self._db.execute(
            "SELECT t.name, i.name, c.name FROM sqlite_schema AS t, pragma_index_list(t.name) AS i,"
            " pragma_index_info(i.name) AS c WHERE t.type = 'table' AND i.origin <> 'pk'"
            " AND NOT i.partial ORDER BY i.name, c.seqno"
        ):
            indexes.setdefault((table, index), []).append(column)
        for (table, index), columns in indexes.items():
            self._indexes.setdefault(table, []).append((index, columns))

    def _load(self) -> None:
        house_id, head = self.setting(_HOUSE_ID), self.setting(_STREAM_HEAD)
        if house_id is None or head is None:
            raise VaultDamaged("the vault does not know its house any more")
        self._house_id = house_id
        self._head_seq, self._head_chain = int.from_bytes(head[:8], "big"), head[8:]
        rows = self._db.execute("SELECT seq, at_ns, chain FROM stream ORDER BY seq DESC LIMIT 1")
        newest = next(_texts_checked(rows), None)
        seq, self._last_at_ns, chain = newest or (0, 0, house_id)
        if (seq, chain) != (self._head_seq, self._head_chain):
            raise VaultDamaged(f"the identity stream ends at {seq}, not at {self._head_seq}")

    def _rows(self, table: Table[Row], clause: str, *arguments: str | bytes | int) -> Iterator[Row]:
        rows = self._db.execute(f"{table.select} {clause}", arguments)
        # Not left to the collector: a statement that is open keeps the log from being copied.
        with contextlib.closing(rows):
            while True:
                try:
                    *values, mac = next(rows)
                except StopIteration:
                    return
                except UnicodeDecodeError:
                    raise VaultDamaged(f"a text of {table.name} is none") from None
                # A flipped bit of a row's header changes the type of a value, also of this one.
                if not isinstance(mac, bytes) or not hmac.compare_digest(
                    self._mac(table, values), mac
                ):
                    # The key column of no table is personal data.
                    raise VaultDamaged(f"a row of {table.name} was changed: {values[0]!r}")
                yield table.row(values)

    def _mac(self, table: Table[Row], values: Sequence[Column]) -> bytes:
        encoded: bytes = msgpack.packb([table.name, *table.authenticated(values)])
        return hashlib.blake2b(encoded, key=self._row_key, digest_size=32).digest()

    def _chain(self, previous: bytes, seq: int, at_ns: int, payload: bytes) -> bytes:
        encoded: bytes = msgpack.packb([previous, seq, at_ns, payload])
        return hashlib.blake2b(encoded, key=self._stream_key, digest_size=_CHAIN_BYTES).digest()


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
        raise _unreadable(error) from error


@contextlib.contextmanager
def _closing_on_error(connection: apsw.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        connection.close(True)
        if isinstance(error, apsw.Error):
            raise _unreadable(error) from error
        raise


def _unreadable(error: apsw.Error) -> VaultDamaged | VaultFailed:
    """The disk's fault, or the content's: a table or a page is not what it was."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, apsw.CorruptError | apsw.NotADBError | apsw.SQLError):
        return VaultDamaged(f"the vault cannot be read: {text}")
    return VaultFailed(f"the vault cannot be read: {text}")


def _texts_checked(rows: apsw.Cursor) -> Generator[tuple[Any, ...], None, None]:
    """Rows of the stream. A flipped bit of a row's header makes a text of bytes."""
    try:
        # Not left to the collector: a statement that is open keeps the log from being copied.
        with contextlib.closing(rows):
            yield from rows
    except UnicodeDecodeError:
        raise VaultDamaged("the table stream: bytes have become a text") from None


def _encode_head(seq: int, chain: bytes) -> bytes:
    return seq.to_bytes(8, "big") + chain


def _one(rows: Iterator[Row]) -> Row | None:
    row = next(rows, None)
    # Every look-up is by a unique column; asking on also gives the statement back.
    assert next(rows, None) is None
    return row
