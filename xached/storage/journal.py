"""The journal: what the exchange was told and what happened, row by row, for ever.

Theory of operation. ``append`` writes a batch in one transaction with one sync; once it returns,
the rows survive a power cut, and nothing is answered before. The first error of the disk ends the
journal's life in this process: after a failed sync nobody knows what is on disk, so the daemon
stops and starts again from what it finds.

Each row carries a keyed hash over the row before it, its sequence, its time and its bytes. Who
changes, deletes, inserts or reorders rows without the key is found out by :meth:`Journal.verify`;
who cuts off the tail, by an :class:`Anchor` kept elsewhere. Beside the rows, an index finds the
row of a repeated request by its id.

A journal is used by one thread at a time.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

import apsw
import attrs

from xached.domain.messages import Command, Event, Row, further_keys, request_key
from xached.runtime.world import LockingMode
from xached.storage.codec import CODEC, Codec, CodecError
from xached.storage.database import (
    DatabaseRefused,
    narrow_to_rows,
    open_durable,
    strange_in_schema,
)

FORMAT: Final = 1
KEY_BYTES: Final = 32
CHAIN_BYTES: Final = 32
MAC_BYTES: Final = 16
HOUSE_ID_BYTES: Final = 16

WAL_PAGES_MAX: Final = 1_000
"""4 MiB: after this the log is copied into the database, so that it stays bounded."""

READ_ROWS: Final = 1_000
"""Rows fetched at once: long readers must not keep the log from starting over."""

RequestKey: TypeAlias = tuple[str, str]
"""(scope, id) of a request that may be repeated."""

Repeat: TypeAlias = tuple[int, bytes]
"""By which row an id was used up, and the MAC of the request."""

_SEQ_AND_TIME = struct.Struct(">QQ")

_SCHEMA = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    """CREATE TABLE rows (
        seq INTEGER PRIMARY KEY, at_ns INTEGER NOT NULL, body BLOB NOT NULL, chain BLOB NOT NULL
    )""",
    """CREATE TABLE ids (
        scope TEXT NOT NULL, id TEXT NOT NULL, seq INTEGER NOT NULL, mac BLOB NOT NULL,
        PRIMARY KEY (scope, id)
    ) WITHOUT ROWID""",
)


class JournalFailed(Exception):  # noqa: N818 - it says what happened
    """The disk failed. Nothing more is accepted; what was not acknowledged may be there or not."""


class JournalDamaged(Exception):  # noqa: N818 - it says what is the matter
    """A row is not what was written. ``seq`` is the first bad one; 0: it is the file itself."""

    def __init__(self, seq: int, what: str) -> None:
        super().__init__(f"row {seq}: {what}" if seq else what)
        self.seq = seq
        self.what = what


@attrs.frozen
class Anchor:
    """Proof, kept elsewhere, that a row was there."""

    seq: int
    chain: bytes


@attrs.frozen(kw_only=True)
class Report:
    """What a verification found. ``faults`` is empty when all is well."""

    rows: int
    events: int
    ids: int
    last: Anchor
    last_at_ns: int
    faults: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True when nothing is wrong."""
        return not self.faults


class Journal:
    """The rows of one exchange in one database file."""

    def __init__(
        self, connection: apsw.Connection, key: bytes, wal_pages_max: int = WAL_PAGES_MAX
    ) -> None:
        """See :meth:`open`."""
        if strange := strange_in_schema(connection, _SCHEMA):
            raise JournalDamaged(0, f"the table {strange} is not as it was made")
        narrow_to_rows(connection)
        house_id = _check_meta(connection, key)
        self._connection = connection
        self._closed = False
        self._codec: Codec = CODEC
        self._chain_hash = _keyed(key, b"xache:chain", CHAIN_BYTES)
        self._request_hash = _keyed(key, b"xache:request", MAC_BYTES)
        self._failure = ""
        self._wal_pages = 0
        self._wal_pages_max = self._checkpoint_at = wal_pages_max
        self.house_id = house_id
        genesis = _keyed(key, b"xache:genesis", CHAIN_BYTES)
        genesis.update(house_id)
        self._genesis = Anchor(0, genesis.digest())
        self._last = self._genesis
        self._last_at_ns = 0
        self._load_last()
        connection.set_wal_hook(self._committed)

    # --- opening and closing -----------------------------------------------------------------

    @classmethod
    def open(
        cls,
        path: Path | str,
        key: bytes,
        *,
        entropy: Callable[[int], bytes],
        locking_mode: LockingMode = "normal",
        vfs: str | None = None,
        wal_pages_max: int = WAL_PAGES_MAX,
    ) -> Journal:
        """Open a journal for writing; a new one gets a house id from ``entropy``.

        After ``wal_pages_max`` pages the log is copied into the database, so that it stays small.

        Raises:
            DatabaseRefused: SQLite is too old, the file is not in WAL mode, the key is another
                one, or a newer program wrote it.
            JournalDamaged: the last row is not what was written.
            JournalFailed: the file cannot be opened or read.
        """
        try:
            connection = open_durable(path, locking_mode=locking_mode, vfs=vfs)
            try:
                if not connection.table_exists(None, "meta"):
                    _create(connection, key, entropy(HOUSE_ID_BYTES))
                return cls(connection, key, wal_pages_max)
            except BaseException:
                connection.close(True)
                raise
        except apsw.Error as error:
            raise JournalFailed(f"cannot open the journal: {error}") from error

    @classmethod
    def open_read_only(
        cls,
        path: Path | str,
        key: bytes,
        *,
        locking_mode: LockingMode = "normal",
        vfs: str | None = None,
    ) -> Journal:
        """Open a journal beside the daemon that writes it. Raises as :meth:`open` does."""
        try:
            connection = open_durable(path, locking_mode=locking_mode, vfs=vfs, read_only=True)
            try:
                return cls(connection, key)
            except BaseException:
                connection.close(True)
                raise
        except apsw.Error as error:
            raise JournalFailed(f"cannot open the journal: {error}") from error

    def close(self) -> None:
        """Close the file. After a failure nothing more is written, not even a checkpoint."""
        try:
            if not self._failure and not self._connection.readonly("main"):
                self._guard(self._checkpoint, apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            self._closed = True
            self._connection.close(True)

    @property
    def closed(self) -> bool:
        """Whether it can no longer be read."""
        return self._closed

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- writing -----------------------------------------------------------------------------

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows durably: one transaction, one sync, all or none.

        Raises: JournalFailed, at the first error of the disk and ever after. The rows may then
            be there after a restart or not, and must not be answered.
        """
        if self._failure:
            raise JournalFailed(self._failure)
        if rows:
            self._guard(self._append, rows)

    def request_mac(self, command: Command) -> bytes:
        """The MAC that tells whether a repeated request asks for the same."""
        return self._mac(self._codec.encode_request(command))

    def _append(self, rows: Sequence[Row]) -> None:
        lines, ids = [], []
        seq, chain, last_at_ns = self._last.seq, self._last.chain, self._last_at_ns
        for row in rows:
            assert row.seq == seq + 1, f"row {row.seq} does not follow {seq}"
            assert row.at_ns > last_at_ns, f"row {row.seq} is not later than the one before"
            seq, last_at_ns = row.seq, row.at_ns
            key = request_key(row.command)
            if key is None:
                body = self._codec.encode_row(row.command, row.events, row.by)
            else:
                body, request = self._codec.encode_row_and_request(row.command, row.events, row.by)
                ids.append((*key, seq, self._mac(request)))
            for further in further_keys(row.command):
                ids.append((*further, seq, self.request_mac(row.command)))
            chain = self._link(chain, seq, last_at_ns, body)
            lines.append((seq, last_at_ns, body, chain))
        execute, executemany = self._connection.execute, self._connection.executemany
        execute("BEGIN IMMEDIATE")
        executemany("INSERT INTO rows (seq, at_ns, body, chain) VALUES (?, ?, ?, ?)", lines)
        executemany("INSERT INTO ids (scope, id, seq, mac) VALUES (?, ?, ?, ?)", ids)
        execute("COMMIT")
        self._last, self._last_at_ns = Anchor(seq, chain), last_at_ns
        if self._wal_pages >= self._checkpoint_at:
            self._checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    def _checkpoint(self, mode: int) -> None:
        # By hand: SQLite ignores the errors of its automatic ones.
        pages, _ = self._connection.wal_checkpoint(mode=mode)
        # A reader may keep the log from starting over; try again after as much more.
        self._checkpoint_at = pages + self._wal_pages_max

    def _committed(self, _: apsw.Connection, __: str, pages: int) -> int:
        if pages < self._wal_pages:
            self._checkpoint_at = self._wal_pages_max
        self._wal_pages = pages
        return apsw.SQLITE_OK

    def _guard(self, function: Callable[..., None], *arguments: object) -> None:
        """Run what writes. Whatever goes wrong, nothing is written after it."""
        self._failure = "an earlier write did not finish"
        try:
            function(*arguments)
        except apsw.Error as error:
            self._failure = f"the disk failed: {type(error).__name__}: {error}"
            raise JournalFailed(self._failure) from error
        self._failure = ""

    # --- reading -----------------------------------------------------------------------------

    @property
    def last_seq(self) -> int:
        """Sequence of the newest row; 0 when there is none."""
        return self._last.seq

    @property
    def last_at_ns(self) -> int:
        """Time of the newest row; 0 when there is none."""
        return self._last_at_ns

    @property
    def last_chain(self) -> bytes:
        """Chain value of the newest row."""
        return self._last.chain

    @property
    def last(self) -> Anchor:
        """The newest row's sequence and chain value."""
        return self._last

    @property
    def genesis(self) -> Anchor:
        """What the first row is chained to."""
        return self._genesis

    @property
    def failed(self) -> bool:
        """True once a write has failed."""
        return bool(self._failure)

    def read(self, first: int = 1, last: int | None = None) -> Iterator[Row]:
        """Rows from ``first`` to ``last``, both included, checking the chain on the way.

        Raises: JournalDamaged at the first bad row; JournalFailed when the disk cannot be read.
        """
        for seq, at_ns, body in self._bodies(first, last):
            try:
                command, events, by = self._codec.decode_row(body)
            except CodecError as error:
                raise JournalDamaged(seq, str(error)) from error
            yield Row(seq=seq, at_ns=at_ns, command=command, events=events, by=by)

    def replay(self, first: int = 1) -> Iterator[tuple[int, int, tuple[Event, ...]]]:
        """What a recovery needs of the rows from ``first`` on: (seq, at_ns, events).

        Raises: as :meth:`read`.
        """
        for seq, at_ns, body in self._bodies(first, None):
            try:
                yield seq, at_ns, self._codec.decode_events(body)
            except CodecError as error:
                raise JournalDamaged(seq, str(error)) from error

    def row(self, seq: int) -> Row:
        """One row, which must be there. Raises: as :meth:`read`."""
        for row in self.read(seq, seq):
            return row
        raise JournalDamaged(seq, "missing")

    def anchor_at(self, seq: int) -> Anchor | None:
        """The chain value of a row, 0 meaning the beginning; None when there is no such row."""
        if seq == 0:
            return self._genesis
        found = self._select("SELECT chain FROM rows WHERE seq = ?", (seq,))
        return Anchor(seq, found[0][0]) if found else None

    def find_ids(self, keys: Iterable[RequestKey]) -> dict[RequestKey, Repeat]:
        """Which of these ids were used, and by what; one statement for all of them.

        Raises: JournalFailed.
        """
        found = self._select(
            "SELECT ids.scope, ids.id, ids.seq, ids.mac FROM json_each(?) AS wanted CROSS JOIN ids "
            "ON ids.scope = wanted.value ->> 0 AND ids.id = wanted.value ->> 1",
            (json.dumps(list(keys)),),
        )
        return {(scope, name): (seq, mac) for scope, name, seq, mac in found}

    def verify(self, anchor: Anchor | None = None) -> Report:
        """Check everything: the file, every row, the chain, and the ids against the rows.

        Beside a daemon that goes on writing, this is about the rows there are at the beginning.
        With an ``anchor`` also that the row it knows is still there. Linear in the journal.

        Raises: JournalFailed when the disk cannot be read.
        """
        rows = events = ids = 0
        last, last_at_ns = self._genesis, 0
        faults = [
            f"the file: {line}"
            for (line,) in self._select("PRAGMA integrity_check")
            if line != "ok"
        ]
        try:
            newest = self._select("SELECT coalesce(max(seq), 0) FROM rows")[0][0]
            reader = self.read(1, newest)
            while chunk := list(islice(reader, READ_ROWS)):
                rows += len(chunk)
                events += sum(len(row.events) for row in chunk)
                found, wrong = self._check_ids(chunk)
                ids += found
                faults += wrong
                last = self.anchor_at(chunk[-1].seq) or last
                last_at_ns = chunk[-1].at_ns
        except JournalDamaged as damage:
            faults.append(str(damage))
        else:
            # Those of later rows are counted by themselves, in the same moment as their rows.
            kept = self._select(
                "SELECT count(*) FROM ids WHERE seq <= ?1 OR seq > (SELECT max(seq) FROM rows)",
                (newest,),
            )[0][0]
            if kept != ids:
                faults.append(f"the ids: {kept} are kept, the rows have {ids}")
        if anchor is not None and not _same(anchor, self.anchor_at(anchor.seq)):
            faults.append(f"row {anchor.seq}: not the one the anchor knows, or missing")
        return Report(
            rows=rows, events=events, ids=ids, last=last, last_at_ns=last_at_ns,
            faults=tuple(faults),
        )  # fmt: skip

    def scrub(self, first: int, count: int) -> int:
        """Check ``count`` rows and their ids once more, from ``first`` on.

        Returns the row to go on with; after the last one that is the first again.

        Raises: as :meth:`read`.
        """
        ((newest,),) = self._select("SELECT coalesce(max(seq), 0) FROM rows")
        last = min(first + count - 1, newest)
        if first <= last:
            found = list(self.read(first, last))
            if len(found) != last - first + 1:
                raise JournalDamaged(first + len(found), "missing")
            _, faults = self._check_ids(found)
            if faults:
                raise JournalDamaged(0, faults[0])
        return last + 1 if last < newest else 1

    def _check_ids(self, rows: Sequence[Row]) -> tuple[int, list[str]]:
        """How many ids these rows used, and what is wrong with the index of them."""
        used = [
            (key, row)
            for row in rows
            for key in (request_key(row.command), *further_keys(row.command))
            if key is not None
        ]
        found = self.find_ids(key for key, _ in used)
        faults = [
            f"row {row.seq}: its id is not indexed as written"
            for key, row in used
            if found.get(key) != (row.seq, self.request_mac(row.command))
        ]
        return len(used), faults

    def _bodies(self, first: int, last: int | None) -> Iterator[tuple[int, int, bytes]]:
        """(seq, at_ns, body) of rows whose chain is right."""
        assert first >= 1
        before = self.anchor_at(first - 1)
        if before is None:
            ((newest,),) = self._select("SELECT coalesce(max(seq), 0) FROM rows")
            if newest >= first:
                raise JournalDamaged(first - 1, "missing")
            return
        seq, chain = before.seq, before.chain
        at_ns = 0
        while True:
            found = self._select(
                "SELECT seq, at_ns, body, chain FROM rows WHERE seq > ? AND seq <= ? "
                "ORDER BY seq LIMIT ?",
                (seq, last if last is not None else 2**63 - 1, READ_ROWS),
            )
            for next_seq, next_at_ns, body, kept in found:
                if next_seq != seq + 1:
                    raise JournalDamaged(seq + 1, f"missing; the next one is {next_seq}")
                # A flipped bit of a row's header changes the type of a value.
                if (type(next_at_ns), type(body), type(kept)) != (int, bytes, bytes):
                    raise JournalDamaged(next_seq, "a column has another type than was written")
                chain = self._link(chain, next_seq, next_at_ns, body)
                if not hmac.compare_digest(chain, kept):
                    raise JournalDamaged(next_seq, "its chain value does not fit")
                if next_at_ns <= at_ns:
                    raise JournalDamaged(next_seq, "it is not later than the one before")
                seq, at_ns = next_seq, next_at_ns
                yield seq, at_ns, body
            if len(found) < READ_ROWS:
                return

    def _mac(self, request: bytes) -> bytes:
        request_hash = self._request_hash.copy()
        request_hash.update(request)
        return request_hash.digest()

    def _link(self, before: bytes, seq: int, at_ns: int, body: bytes) -> bytes:
        chain_hash = self._chain_hash.copy()
        chain_hash.update(before + _SEQ_AND_TIME.pack(seq, at_ns) + body)
        return chain_hash.digest()

    def _select(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return list(self._connection.execute(sql, parameters))
        except apsw.Error as error:
            raise JournalFailed(f"the journal cannot be read: {error}") from error
        except UnicodeDecodeError:
            raise JournalDamaged(0, "the table ids: a text in it is none") from None

    def _load_last(self) -> None:
        found = self._select("SELECT seq, at_ns FROM rows ORDER BY seq DESC LIMIT 1")
        if not found:
            return
        ((seq, at_ns),) = found
        for _ in self._bodies(seq, seq):
            pass
        anchor = self.anchor_at(seq)
        assert anchor is not None
        self._last, self._last_at_ns = anchor, at_ns


def _keyed(key: bytes, person: bytes, digest_size: int) -> hashlib.blake2b:
    assert len(key) == KEY_BYTES
    return hashlib.blake2b(key=key, person=person, digest_size=digest_size)


def _key_check(key: bytes, house_id: bytes) -> bytes:
    check = _keyed(key, b"xache:key-check", MAC_BYTES)
    check.update(house_id)
    return check.digest()


def _create(connection: apsw.Connection, key: bytes, house_id: bytes) -> None:
    connection.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA:
        connection.execute(statement)
    connection.executemany(
        "INSERT INTO meta (name, value) VALUES (?, ?)",
        (
            ("format", FORMAT),
            ("house_id", house_id),
            ("key_check", _key_check(key, house_id)),
        ),
    )
    connection.execute("COMMIT")


def _check_meta(connection: apsw.Connection, key: bytes) -> bytes:
    """The house id of a journal that this program and this key can read."""
    try:
        meta = dict(connection.execute("SELECT name, value FROM meta"))
    except UnicodeDecodeError:
        raise JournalDamaged(0, "the table meta: a text in it is none") from None
    if meta.get("format") != FORMAT:
        raise DatabaseRefused(f"the journal has format {meta.get('format')}, not {FORMAT}")
    house_id, key_check = meta.get("house_id"), meta.get("key_check")
    if not isinstance(house_id, bytes) or not isinstance(key_check, bytes):
        raise JournalDamaged(0, "the table meta does not know its house any more")
    if not hmac.compare_digest(key_check, _key_check(key, house_id)):
        raise DatabaseRefused("the journal was written with another key")
    return house_id


def _same(known: Anchor, found: Anchor | None) -> bool:
    return found is not None and hmac.compare_digest(known.chain, found.chain)
