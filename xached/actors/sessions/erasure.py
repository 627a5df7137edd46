"""How a person leaves: export, erasure and the end of retention; see :mod:`xached.domain.erasure`.

Erasing is done outside of the desk's turn up to the moment of writing: the exchange closes the
account first, by a command that may be repeated, so that a crash in between is made good by the
next look at what is due.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, assert_never

import attrs
import trio

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.live import LiveSessions
from xached.actors.sessions.outbox import Outbox
from xached.domain import letters
from xached.domain.auth import Account, Done, Role, SessionEndCause, UserKey, UserKeyKind
from xached.domain.cases import Case, CaseState
from xached.domain.erasure import (
    ERASURE_DELAY_NS,
    RETENTION_NS,
    AccountErased,
    AccountExport,
    AccountExported,
    CancelErasure,
    ErasureCanceled,
    ErasureMessage,
    ErasureReply,
    ErasureRequest,
    ErasureRequested,
    ExportAccount,
    ExportedRow,
    RequestErasure,
    Retention,
    RetentionEnded,
)
from xached.domain.identity import VaultRow
from xached.domain.kyc import KycChunk
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Closed, Expired, Overloaded
from xached.security.sealing import KeyDestroyed, Place
from xached.storage.sealed_columns import SECRET_COLUMNS
from xached.storage.vault_rows import DropAll
from xached.storage.vault_tables import (
    KEPT_AFTER_ERASURE,
    KEPT_AFTER_RETENTION,
)

DUE_CHECK_S = 20.0
"""How often the house looks at what is due: an erasure is over within a minute."""

DUE_MAX = 64
_LOOKUP_BYTES = 32

CloseAccount: TypeAlias = Callable[[AccountId, bool], Awaitable[None]]
"""Closes an account in the exchange for ever, empty or giving up the rest; no effect when it is.

Raises: Rejection, Overloaded, Expired or Closed, and then nothing was done.
"""

Forget: TypeAlias = Callable[[AccountId, Step], None]


class ErasureArea:
    """Decides the messages about leaving, and carries out what is due."""

    def __init__(
        self,
        core: DeskCore,
        live: LiveSessions,
        outbox: Outbox,
        close_account: CloseAccount,
        forget: Sequence[Forget],
    ) -> None:
        """``forget``: what other areas keep in memory of an account, each ends it in the step."""
        self._core = core
        self._forget = forget
        self._live = live
        self._outbox = outbox
        self._close_account = close_account
        self._purge_log = True
        self.erased = 0
        """Accounts erased since the start."""

    async def decide(self, message: ErasureMessage, step: Step) -> ErasureReply:
        """Decide a message. Raises: Rejection."""
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        match message:
            case RequestErasure():
                return await self._request(message, step)
            case CancelErasure():
                if not await self.take_back(message.account_id, step):
                    raise Rejection(
                        Reason.ERASURE_STATE,
                        "there is no erasure that could be taken back",
                        field="account_id",
                    )
                return Done()
            case ExportAccount():
                rows = await self._export(message.account_id)
                step.record(AccountExported(account_id=message.account_id))
                return AccountExport(rows=rows)
            case _:
                assert_never(message)

    async def take_back(self, account_id: AccountId, step: Step) -> bool:
        """Let an account live on that was to be erased; False where none is, or too late."""
        request = await self._find(account_id)
        if request is None or request.due_at_ns <= step.at_ns:
            return False
        step.drop(request)
        step.record(ErasureCanceled(account_id=account_id))
        return True

    async def run(self) -> None:
        """Erase whose time has come and end retentions, for ever."""
        while True:
            now_ns = self._core.world.now_ns()
            vault, lane = self._core.vault, self._core.lane
            clause = f"WHERE due_at_ns <= ? ORDER BY due_at_ns LIMIT {DUE_MAX}"
            for request in await lane.run(vault.where, ErasureRequest, clause, now_ns):
                await self._erase(request)
            clause = f"WHERE ends_at_ns <= ? ORDER BY ends_at_ns LIMIT {DUE_MAX}"
            for retention in await lane.run(vault.where, Retention, clause, now_ns):
                await self._end_retention(retention)
            # Again and again while somebody reads the log; also what a crash left in it.
            if self._purge_log:
                self._purge_log = not await lane.run(vault.purge_log)
            await trio.sleep(DUE_CHECK_S)

    async def _request(self, message: RequestErasure, step: Step) -> ErasureReply:
        account_id = message.account_id
        account, keys = await self._core.read_account(account_id)
        known = await self._find(account_id)
        if known is not None:
            return known
        _check_roles(account)
        await self._check_cases(account_id)
        request = ErasureRequest(
            account_id=account_id,
            requested_at_ns=step.at_ns,
            due_at_ns=step.at_ns + ERASURE_DELAY_NS,
            forfeit=int(message.forfeit),
        )
        step.put(request)
        step.record(ErasureRequested(account_id=account_id, due_at_ns=request.due_at_ns))
        self._outbox.notify(account, keys, letters.erasure_asked(), step)
        return request

    async def _check_cases(self, account_id: AccountId) -> None:
        clause = "WHERE account_id = ? AND state <> ?"
        vault = self._core.vault
        if await self._core.lane.run(vault.where, Case, clause, account_id, CaseState.CLOSED.value):
            raise Rejection(
                Reason.CASES_OPEN,
                "the house looks into something that has to be decided first",
                field="account_id",
                allowed="an account without an open case",
            )

    async def _erase(self, request: ErasureRequest) -> None:
        account_id = request.account_id
        try:
            account, _ = await self._core.read_account(account_id)
            _check_roles(account)
            await self._check_cases(account_id)
            await self._close_account(account_id, bool(request.forfeit))
        except (Rejection, Overloaded, Expired, Closed):
            return  # It stays due: the next look tries again.
        async with self._core.turn() as step:
            account, keys = await self._core.read_account(account_id)
            for session in self._live.book.of_account(account_id):
                self._live.end(session, SessionEndCause.ERASED, step)
            for forget in self._forget:
                forget(account_id, step)
            step.changes.append(DropAll(account_id, frozenset(KEPT_AFTER_ERASURE)))
            for key in _destroyed(keys, UserKeyKind.PROFILE):
                step.put(key)
            # Another random look-up: the address cannot be asked for any more, and is free again.
            lookup = self._core.credentials.entropy(_LOOKUP_BYTES)
            step.put(attrs.evolve(account, email_lookup=lookup))
            ends_at_ns = step.at_ns + RETENTION_NS
            step.put(
                Retention(account_id=account_id, erased_at_ns=step.at_ns, ends_at_ns=ends_at_ns)
            )
            step.record(AccountErased(account_id=account_id, retention_ends_at_ns=ends_at_ns))
            self._purge_log = True
        self.erased += 1

    async def _end_retention(self, retention: Retention) -> None:
        async with self._core.turn() as step:
            _, keys = await self._core.read_account(retention.account_id)
            step.changes.append(DropAll(retention.account_id, frozenset(KEPT_AFTER_RETENTION)))
            for key in _destroyed(keys, UserKeyKind.COMPLIANCE):
                step.put(key)
            step.record(RetentionEnded(account_id=retention.account_id))
            self._purge_log = True

    async def _find(self, account_id: AccountId) -> ErasureRequest | None:
        vault = self._core.vault
        clause = "WHERE account_id = ?"
        found = await self._core.lane.run(vault.where, ErasureRequest, clause, account_id)
        return found[0] if found else None

    async def _export(self, account_id: AccountId) -> tuple[ExportedRow, ...]:
        _, keys = await self._core.read_account(account_id)
        rows = await self._core.lane.run(self._rows_of, account_id)
        return tuple(
            ExportedRow(table=table, fields=tuple(self._fields(table, row, account_id, keys)))
            for table, row in rows
        )

    def _rows_of(self, account_id: AccountId) -> list[tuple[str, VaultRow]]:
        # Documents are given one by one: their content would not fit. Cases are not disclosed
        # to whom they are about: Directive (EU) 2015/849, article 39.
        return [
            (table, row)
            for table, row in self._core.vault.rows_of(account_id)
            if not isinstance(row, KycChunk | UserKey | Case)
        ]

    def _fields(
        self, table: str, row: VaultRow, account_id: AccountId, keys: list[UserKey]
    ) -> list[tuple[str, str]]:
        """What a row says, sealed columns opened; hashes and secrets say nothing to anybody."""
        fields: list[tuple[str, str]] = []
        names = [field.name for field in attrs.fields(type(row))]
        key = str(getattr(row, names[0]))
        for name in names:
            value = getattr(row, name)
            if value is None:
                continue
            if isinstance(value, bytes):
                if not name.endswith("_sealed") or not value or (table, name) in SECRET_COLUMNS:
                    continue
                try:
                    place = Place(table, name, key, account_id)
                    value = self._core.credentials.open_sealed(value, place, keys).decode()
                except KeyDestroyed:
                    continue
            elif isinstance(value, frozenset):
                value = " ".join(sorted(each.name for each in value))
            fields.append((name, getattr(value, "name", None) or str(value)))
        return fields


def _check_roles(account: Account) -> None:
    """Raises: Rejection ERASURE_STATE where somebody works for the house."""
    if account.roles - {Role.USER}:
        raise Rejection(
            Reason.ERASURE_STATE,
            "who works for the house gives that up first",
            field="account_id",
            given=", ".join(role.name for role in sorted(account.roles)),
            allowed="an account without any role but USER",
        )


def _destroyed(keys: list[UserKey], kind: UserKeyKind) -> list[UserKey]:
    return [attrs.evolve(key, wrapped=None) for key in keys if key.kind is kind]
