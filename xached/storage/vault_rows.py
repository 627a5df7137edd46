"""The rows of the vault's tables, each under a keyed MAC over its table and all of its columns."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import apsw
import attrs
import msgpack

from xached.domain.identity import VaultRow
from xached.domain.order import AccountId
from xached.storage.vault_faults import VaultDamaged, texts_checked
from xached.storage.vault_tables import TABLES, Column, Row, Table, tables_of_accounts


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


class VaultRows:
    """Writes rows with their MACs, and gives none whose MAC is wrong.

    Args:
        key: of the MACs, 32 bytes.
    """

    def __init__(self, connection: apsw.Connection, key: bytes) -> None:
        self._db = connection
        self._key = key

    def write(self, change: Change) -> None:
        """Make one change, within the caller's transaction."""
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

    def read(self, table: Table[Row], clause: str, *arguments: str | bytes | int) -> Iterator[Row]:
        """The rows that fit a clause of SQL, a constant of the caller. Raises: VaultDamaged."""
        found = self._db.execute(f"{table.select} {clause}", arguments)
        with contextlib.closing(texts_checked(table.name, found)) as rows:
            for *values, mac in rows:
                # A flipped bit of a row's header changes the type of a value, also of this one.
                if not isinstance(mac, bytes) or not hmac.compare_digest(
                    self._mac(table, values), mac
                ):
                    # The key column of no table is personal data.
                    raise VaultDamaged(f"a row of {table.name} was changed: {values[0]!r}")
                yield table.row(values)

    def one(self, table: Table[Row], clause: str, *arguments: str | bytes | int) -> Row | None:
        """The row that fits a clause on a unique column, if any. Raises: VaultDamaged."""
        rows = self.read(table, clause, *arguments)
        row = next(rows, None)
        # Asking on also gives the statement back.
        assert next(rows, None) is None
        return row

    def _mac(self, table: Table[Row], values: Sequence[Column]) -> bytes:
        encoded: bytes = msgpack.packb([table.name, *table.authenticated(values)])
        return hashlib.blake2b(encoded, key=self._key, digest_size=32).digest()
