"""A person's keys are exchanged: what they sealed in the vault is sealed anew, a few rows a step.

The new keys come first, with an intent in the same commit; from then on they seal. The old ones
stay and only open: what the streams hold is for ever sealed with them, until they are destroyed
with all others of their kind; see ``storage/sealed_columns.py``. An intent that is still there at
the next start is gone on with, from the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final, Protocol

import attrs
import trio

from xached.actors.sessions.core import DeskCore, Step
from xached.domain.auth import Done, Setting, UserKey
from xached.domain.identity import VaultRow
from xached.domain.key_epochs import RotateUserKeys, UserKeysRotated
from xached.domain.order import AccountId
from xached.security.sealing import Place, key_id_of
from xached.storage.sealed_columns import SealedBy, SealedColumn, sealed_columns, sealed_values
from xached.storage.vault_tables import Table, tables_of_accounts

RESEAL_BATCH = 16
INTENT_PREFIX = "reseal/"

OF_PEOPLE: Final = frozenset({SealedBy.PROFILE, SealedBy.COMPLIANCE})

_TABLES: Final[tuple[Table[Any], ...]] = tuple(
    table
    for table in tables_of_accounts()
    if any(column.by in OF_PEOPLE for column in sealed_columns(table.name))
)


class RowHolder(Protocol):
    """Who has rows in memory."""

    def renew(self, row: VaultRow) -> None:
        """Take over a row that was sealed anew, if it is one of theirs. An effect of a step."""
        ...


class Resealing:
    """Gives people new keys."""

    def __init__(self, core: DeskCore, holders: Sequence[RowHolder]) -> None:
        self._core = core
        self._holders = holders
        self._wanted = trio.Event()
        self._accounts: dict[AccountId, None] = {}

    async def load(self) -> None:
        """Bring the open intents back from the vault."""
        vault = self._core.vault
        for intent in await self._core.lane.run(vault.settings_from, INTENT_PREFIX):
            self._want(AccountId(intent.name.removeprefix(INTENT_PREFIX)))

    async def begin(self, message: RotateUserKeys, step: Step) -> Done:
        """Give an account new keys, unless that is at work. Raises: Rejection UNKNOWN_ACCOUNT."""
        await self._core.commit(step)
        account, keys = await self._core.read_account(message.account_id)
        account_id = account.account_id
        if account_id in self._accounts:
            return Done()
        renewed = self._core.credentials.renewed_keys(account_id, keys, step.at_ns)
        for key in renewed:
            step.put(key)
        step.put(_intent(account_id))
        step.record(UserKeysRotated(account_id=account_id, by=message.by))
        step.afterwards(lambda: self._want(account_id))
        return Done()

    async def run(self) -> None:
        """Seal anew what is wanted, for ever."""
        while True:
            await self._wanted.wait()
            for account_id in list(self._accounts):
                # Once more after rows were found: one may have come behind the place looked at,
                # from somebody who had read the keys before.
                while await self._look_through(account_id):
                    pass
                async with self._core.turn() as step:
                    step.drop(_intent(account_id))
                    step.afterwards(partial(self._accounts.pop, account_id))
            if not self._accounts:
                self._wanted = trio.Event()

    async def _look_through(self, account_id: AccountId) -> bool:
        """Seal anew what an older key has sealed of an account; False when there was nothing."""
        renewed = 0
        for table in _TABLES:
            after: str | bytes | None = _least(table)
            while after is not None:
                after, count = await self._reseal_some(account_id, table, after)
                renewed += count
        return renewed > 0

    async def _reseal_some(
        self, account_id: AccountId, table: Table[Any], after: str | bytes
    ) -> tuple[str | bytes | None, int]:
        """Look at the next rows of a table; where to go on, and how many were sealed anew."""
        core = self._core
        async with core.turn() as step:
            vault = core.vault
            rows = await core.lane.run(
                vault.account_rows_after, table, account_id, after, RESEAL_BATCH
            )
            keys = await core.lane.run(vault.user_keys, account_id)
            renewed = await core.world.run_in_thread(self._resealed, rows, keys)
            for row in renewed:
                step.put(row)
                for holder in self._holders:
                    step.afterwards(partial(holder.renew, row))
        if len(rows) < RESEAL_BATCH:
            return None, len(renewed)
        return getattr(rows[-1], table.columns[0]), len(renewed)

    def _want(self, account_id: AccountId) -> None:
        self._accounts[account_id] = None
        self._wanted.set()

    def _resealed(self, rows: list[VaultRow], keys: list[UserKey]) -> list[VaultRow]:
        """Those of some rows that an older key has sealed something of, sealed anew."""
        credentials, kinds = self._core.credentials, {key.key_id: key.kind for key in keys}
        old, renewed = _old_keys(keys), list[VaultRow]()
        for row in rows:
            fields = {}
            for column, value in sealed_values(row):
                if column.by in OF_PEOPLE and key_id_of(value) in old:
                    place = place_of(column, row)
                    plain = credentials.open_sealed(value, place, keys)
                    kind = kinds[key_id_of(value)]
                    fields[column.column] = credentials.seal_as(kind, plain, place, keys)
            if fields:
                renewed.append(attrs.evolve(row, **fields))  # type: ignore[arg-type]  # its own names
        return renewed


def place_of(column: SealedColumn, row: Any) -> Place:
    """Where a value is sealed for, in a row of an account's table."""
    key = getattr(row, attrs.fields(type(row))[0].name)
    name = key.hex() if isinstance(key, bytes) else key
    return Place(column.table, column.column, name, row.account_id)


def _old_keys(keys: list[UserKey]) -> set[bytes]:
    """Ids of the keys that have a successor, and that neither was destroyed with it."""
    newest = {key.kind: key for key in keys}
    return {
        key.key_id
        for key in keys
        if key is not newest[key.kind]
        and key.wrapped is not None
        and newest[key.kind].wrapped is not None
    }


def _least(table: Table[Any]) -> str | bytes:
    """What comes before every key of a table."""
    return b"" if attrs.fields(table.row_class)[0].type in (bytes, "bytes") else ""


def _intent(account_id: AccountId) -> Setting:
    return Setting(name=f"{INTENT_PREFIX}{account_id}", value=b"")
