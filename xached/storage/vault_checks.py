"""Looking through a vault: a little at a time for the scrub, or all of it at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import apsw
import attrs

from xached.domain.auth import UserKeyKind
from xached.domain.order import AccountId
from xached.storage.database import strange_in_schema
from xached.storage.identity_stream import IdentityStream
from xached.storage.vault_faults import VaultDamaged, VaultUnusable
from xached.storage.vault_rows import VaultRows
from xached.storage.vault_tables import (
    ACCOUNTS,
    API_KEYS,
    KEY_USAGE,
    MIGRATIONS,
    PURSE_INTENTS,
    SESSIONS,
    TABLES,
    USER_KEYS,
    Column,
    Table,
)

_SCRUBBED: Final = tuple(TABLES.values())
"""The tables in the order they are looked through; the stream comes after them."""


@attrs.frozen(kw_only=True)
class VaultReport:
    """What :meth:`VaultChecks.verify` looked at."""

    accounts: int
    sessions: int
    stream_rows: int


@attrs.frozen
class ScrubPlace:
    """Up to where the vault has been looked through: a table and the key of its last row."""

    table: int = 0
    after: Column = None


class VaultChecks:
    """Looks through an open vault."""

    def __init__(
        self, connection: apsw.Connection, rows: VaultRows, stream: IdentityStream
    ) -> None:
        self._db = connection
        self._rows = rows
        self._stream = stream
        self._indexes: dict[str, list[tuple[str, list[str]]]] = {}

    def check_schema(self) -> None:
        """Tell whether tables and indexes are as they were made. Before all else.

        Raises: VaultUnusable when a newer xached made them; VaultDamaged; apsw.Error.
        """
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

    def scrub(self, place: ScrubPlace, count: int) -> ScrubPlace | None:
        """See Vault.scrub. Raises: VaultDamaged; apsw.Error."""
        if place.table == len(_SCRUBBED):
            return self._scrub_stream(place, count)
        return self._scrub_table(_SCRUBBED[place.table], place, count)

    def verify(self) -> VaultReport:
        """See Vault.verify, within the caller's transaction. Raises: VaultDamaged; apsw.Error."""
        self._stream.load()
        for (line,) in self._db.execute("PRAGMA integrity_check"):
            if line != "ok":
                raise VaultDamaged(f"the file: {line}")
        stream_rows = sum(1 for _ in self._stream.read())
        accounts = self._check_owners()
        for table in TABLES.values():
            for row in self._rows.read(table, ""):
                assert row is not None, "its MAC was checked by reading it"
        sessions = sum(1 for _ in self._rows.read(SESSIONS, ""))
        return VaultReport(accounts=accounts, sessions=sessions, stream_rows=stream_rows)

    def _check_owners(self) -> int:
        """Everything belongs to an account, and every account has its keys; how many there are."""
        read = self._rows.read
        kinds_of: dict[AccountId, set[UserKeyKind]] = {}
        for key in read(USER_KEYS, ""):
            kinds_of.setdefault(key.account_id, set()).add(key.kind)
        accounts = {row.account_id for row in read(ACCOUNTS, "")}
        for account_id in accounts:
            if kinds_of.pop(account_id, set()) != set(UserKeyKind):
                raise VaultDamaged(f"account {account_id} lacks a key")
        owners = {session.account_id for session in read(SESSIONS, "")} | kinds_of.keys()
        owners |= {intent.account_id for intent in read(PURSE_INTENTS, "")}
        api_keys = list(read(API_KEYS, ""))
        owners |= {api_key.account_id for api_key in api_keys}
        key_ids = {api_key.key_id for api_key in api_keys}
        if strays := {usage.key_id for usage in read(KEY_USAGE, "")} - key_ids:
            raise VaultDamaged(f"there is no API key {min(strays)}, and yet it was used")
        if strangers := owners - accounts:
            raise VaultDamaged(f"there is no account {min(strangers)}, and yet it owns rows")
        return len(accounts)

    def _scrub_table(self, table: Table[Any], place: ScrubPlace, count: int) -> ScrubPlace:
        key, after = table.columns[0], place.after
        clause = f"WHERE {key} > ? " if after is not None else ""
        arguments = (count,) if after is None else (after, count)
        seen = [
            table.values(row)
            for row in self._rows.read(table, f"{clause}ORDER BY {key} LIMIT ?", *arguments)
        ]
        for values in seen:
            self._check_indexes(table, values)
        if len(seen) < count:
            return ScrubPlace(place.table + 1)
        return ScrubPlace(place.table, seen[-1][0])

    def _scrub_stream(self, place: ScrubPlace, count: int) -> ScrubPlace | None:
        first = seq = place.after if isinstance(place.after, int) else 0
        chain = self._stream.chain_at(first)
        if chain is None:
            raise VaultDamaged(f"the identity stream is broken at {first}")
        for row in self._stream.read_after(first, chain, first + count):
            seq = row.seq
        newest = self._stream.head.seq
        if seq < min(newest, first + count):
            raise VaultDamaged(f"the identity stream is broken at {seq + 1}")
        return ScrubPlace(place.table, seq) if seq < newest else None

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
