"""A person's keys are exchanged: what they sealed in the vault is sealed anew, a few rows a step.

The new keys come first, with an intent in the same commit; from then on they seal. The old ones
stay and only open: what the streams hold is for ever sealed with them, until they are destroyed
with all others of their kind. An intent that is still there at the next start is gone on with.
"""

from __future__ import annotations

from functools import partial

import attrs
import trio

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.live import LiveSessions
from xached.domain.auth import Done, Session, Setting, UserKey
from xached.domain.identity import VaultRow
from xached.domain.key_epochs import RotateUserKeys, UserKeysRotated
from xached.domain.order import AccountId
from xached.security.sealing import Place, key_id_of

RESEAL_BATCH = 16
INTENT_PREFIX = "reseal/"
SEALED_SUFFIX = "_sealed"
"""What the name of every column ends with that one of a person's keys has sealed."""


class Resealing:
    """Gives people new keys."""

    def __init__(self, core: DeskCore, live: LiveSessions) -> None:
        self._core = core
        self._live = live
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
                while await self._reseal_some(account_id):
                    pass
            if not self._accounts:
                self._wanted = trio.Event()

    async def _reseal_some(self, account_id: AccountId) -> bool:
        """Seal the next rows of an account anew; False when there were none left."""
        core = self._core
        async with core.turn() as step:
            rows, keys = await core.lane.run(self._stale, account_id)
            renewed = await core.world.run_in_thread(self._resealed, rows, keys)
            for row in renewed:
                step.put(row)
                if isinstance(row, Session):
                    step.afterwards(partial(self._live.renew, row))
            if not renewed:
                step.drop(_intent(account_id))
                step.afterwards(lambda: self._accounts.pop(account_id))
        return bool(renewed)

    def _want(self, account_id: AccountId) -> None:
        self._accounts[account_id] = None
        self._wanted.set()

    def _stale(self, account_id: AccountId) -> tuple[list[tuple[str, VaultRow]], list[UserKey]]:
        """Rows with something that an older key has sealed, and the account's keys."""
        vault = self._core.vault
        keys = vault.user_keys(account_id)
        old = _old_keys(keys)
        stale: list[tuple[str, VaultRow]] = []
        for table, row in vault.rows_of(account_id):
            if any(key_id_of(value) in old for _, value in sealed_values(row)):
                stale.append((table, row))
            if len(stale) == RESEAL_BATCH:
                break
        return stale, keys

    def _resealed(self, rows: list[tuple[str, VaultRow]], keys: list[UserKey]) -> list[VaultRow]:
        credentials, kinds = self._core.credentials, {key.key_id: key.kind for key in keys}
        old, renewed = _old_keys(keys), list[VaultRow]()
        for table, row in rows:
            fields = {}
            for name, value in sealed_values(row):
                if key_id_of(value) in old:
                    place = Place(table, name, _key_of(row), _account_of(row))
                    plain = credentials.open_sealed(value, place, keys)
                    kind = kinds[key_id_of(value)]
                    fields[name] = credentials.seal_as(kind, plain, place, keys)
            renewed.append(attrs.evolve(row, **fields))  # type: ignore[arg-type]  # its own names
        return renewed


def sealed_values(row: VaultRow) -> list[tuple[str, bytes]]:
    """(column, value) of what one of a person's keys has sealed in a row."""
    values = [
        (field.name, getattr(row, field.name))
        for field in attrs.fields(type(row))
        if field.name.endswith(SEALED_SUFFIX)
    ]
    return [(name, value) for name, value in values if value]


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


def _key_of(row: VaultRow) -> str:
    key: str = getattr(row, attrs.fields(type(row))[0].name)
    return key


def _account_of(row: VaultRow) -> AccountId:
    account_id: AccountId = row.account_id  # type: ignore[union-attr]  # rows_of gives only such
    return account_id


def _intent(account_id: AccountId) -> Setting:
    return Setting(name=f"{INTENT_PREFIX}{account_id}", value=b"")
