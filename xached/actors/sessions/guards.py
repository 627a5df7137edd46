"""Freezes, allowed addresses, and changes that wait a day; see :mod:`xached.domain.guarding`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import trio

from xached.actors.sessions.accounts import AccountArea
from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.email_changes import EmailChanges
from xached.actors.sessions.outbox import Outbox
from xached.actors.sessions.second_factor import SecondFactorArea
from xached.domain.api_keys import parse_networks
from xached.domain.auth import Account, Done, EmailAddress, Impediment, SetImpediment, UserKey
from xached.domain.erasure import ErasureRequest
from xached.domain.guarding import (
    DELAY_NS,
    AllowList,
    AllowTable,
    CancelDelayed,
    CancelEmailChange,
    ChangeAsked,
    ChangeCanceled,
    ChangeMade,
    ChangeTaken,
    ConfirmEmail,
    ConfirmEmailChange,
    DelayedChange,
    DelayedKind,
    FreezeAccount,
    FreezeByToken,
    GetGuards,
    GuardMessage,
    GuardReply,
    Guards,
    PendingChange,
    SetAllowList,
    StartEmailChange,
    StartEmailVerification,
    UnfreezeAccount,
    is_tighter,
)
from xached.domain.identity import VaultRow
from xached.domain.letters import change_asked
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import DisableSecondFactor
from xached.security.freeze_tokens import token_refused
from xached.security.sealing import KeyDestroyed, Place
from xached.storage.vault_tables import ALLOW_LISTS, DELAYED_CHANGES

DUE_CHECK_S = 30.0


class GuardArea:
    """Decides the messages about guards, and makes the changes that are due."""

    def __init__(
        self,
        core: DeskCore,
        accounts: AccountArea,
        emails: EmailChanges,
        factors: SecondFactorArea,
        outbox: Outbox,
        table: AllowTable,
    ) -> None:
        self._core = core
        self._emails = emails
        self._factors = factors
        self._accounts = accounts
        self._outbox = outbox
        self._table = table
        self._lists: dict[AccountId, AllowList] = {}
        self._delayed: dict[str, DelayedChange] = {}

    async def load(self) -> None:
        """Bring lists and waiting changes back from the vault."""
        vault = self._core.vault
        for each in await self._core.lane.run(vault.every, ALLOW_LISTS):
            try:
                _, keys = await self._core.read_account(each.account_id)
                networks = self._open_list(each, keys)
            except KeyDestroyed:
                continue
            self._lists[each.account_id] = each
            self._table.put(each.account_id, parse_networks(networks))
        for change in await self._core.lane.run(vault.every, DELAYED_CHANGES):
            self._delayed[change.change_id] = change

    async def run(self) -> None:
        """Make what is due."""
        while True:
            await trio.sleep(DUE_CHECK_S)
            async with self._core.turn() as step:
                for change in list(self._delayed.values()):
                    if change.due_at_ns <= step.at_ns:
                        await self._make(change, step)

    async def decide(self, message: GuardMessage, step: Step) -> GuardReply:
        """Decide a message. Raises: Rejection."""
        match message:
            case FreezeAccount():
                return await self._freeze(message.account_id, step)
            case FreezeByToken():
                return await self._freeze_by_token(message.token, step)
            case UnfreezeAccount():
                return await self._unfreeze(message, step)
            case SetAllowList():
                return await self._set_allow_list(message, step)
            case GetGuards():
                return await self._tell(message.account_id)
            case CancelDelayed():
                return await self._take_back_one(message.account_id, message.kind, step)
            case StartEmailChange():
                # What this batch has changed already is not in the vault yet.
                await self._core.commit(step)
                return await self._emails.begin(message, step)
            case ConfirmEmailChange():
                await self._core.commit(step)
                email = await self._emails.confirm(message, step)
                account, keys = await self._core.read_account(message.account_id)
                return self._ask(account, keys, DelayedKind.EMAIL, step, email=email)
            case StartEmailVerification():
                await self._core.commit(step)
                return await self._emails.begin_proof(message.account_id, step)
            case ConfirmEmail():
                await self._core.commit(step)
                return await self._emails.prove(message, step)
            case DisableSecondFactor():
                await self._core.commit(step)
                account, keys = await self._core.read_account(message.account_id)
                await self._factors.prove(account, keys, message.code, step)
                return self._ask(account, keys, DelayedKind.SECOND_FACTOR, step)
            case CancelEmailChange():
                tokens = self._core.credentials.freeze_tokens
                account_id = tokens.read(message.token, step.at_ns).account_id
                return await self._take_back_one(account_id, DelayedKind.EMAIL, step)
            case _:
                assert_never(message)

    def renew(self, row: VaultRow) -> None:
        """Take over a row that was sealed anew, if it is a guard that still stands. An effect."""
        if isinstance(row, AllowList) and row.account_id in self._lists:
            self._lists[row.account_id] = row
        elif isinstance(row, DelayedChange) and row.change_id in self._delayed:
            self._delayed[row.change_id] = row

    def forget(self, account_id: AccountId, step: Step) -> None:
        """Take out what is of an account that is being erased."""
        for kind in DelayedKind:
            change = self._delayed.get(_change_id(account_id, kind))
            if change is not None:
                self._cancel(change, step)
        allowed = self._lists.pop(account_id, None)
        if allowed is not None:
            step.drop(allowed)
            step.afterwards(lambda: self._table.put(account_id, ()))

    async def take_back(self, account_id: AccountId, step: Step) -> None:
        """Take back the changes that wait to weaken an account."""
        for kind in DelayedKind:
            change = self._delayed.get(_change_id(account_id, kind))
            if change is not None:
                self._cancel(change, step)
        await self._emails.drop_requests(account_id, step)

    async def _freeze_by_token(self, text: str, step: Step) -> Done:
        token = self._core.credentials.freeze_tokens.read(text, step.at_ns)
        await self._core.commit(step)
        account, _ = await self._core.read_account(token.account_id)
        frozen = Impediment.FROZEN in account.impediments
        if not token.works(frozen=frozen, frozen_at_ns=account.frozen_at_ns):
            raise token_refused()
        return await self._freeze(token.account_id, step)

    async def _freeze(self, account_id: AccountId, step: Step) -> Done:
        await self._core.commit(step)
        # Also where it is frozen already, or cannot be: whoever is in may have asked for it.
        await self._accounts.take_back(account_id, step)
        await self._impede(account_id, stands=True, step=step)
        return Done()

    async def _unfreeze(self, message: UnfreezeAccount, step: Step) -> ChangeTaken:
        await self._core.commit(step)
        account, keys = await self._core.read_account(message.account_id)
        if Impediment.FROZEN not in account.impediments:
            return ChangeTaken(due_at_ns=0)
        return self._ask(account, keys, DelayedKind.UNFREEZE, step)

    async def _set_allow_list(self, message: SetAllowList, step: Step) -> ChangeTaken:
        new = parse_networks(message.networks)
        account, keys = await self._core.read_account(message.account_id)
        if not is_tighter(new, self._table.find(message.account_id)):
            return self._ask(account, keys, DelayedKind.ALLOW_LIST, step, networks=message.networks)
        waiting = self._delayed.get(_change_id(message.account_id, DelayedKind.ALLOW_LIST))
        if waiting is not None:
            self._cancel(waiting, step)
        self._allow(message.account_id, message.networks, keys, step)
        return ChangeTaken(due_at_ns=0)

    def _ask(
        self,
        account: Account,
        keys: Iterable[UserKey],
        kind: DelayedKind,
        step: Step,
        *,
        networks: tuple[str, ...] = (),
        email: EmailAddress | None = None,
    ) -> ChangeTaken:
        known = self._delayed.get(_change_id(account.account_id, kind))
        if known is not None and kind in (DelayedKind.UNFREEZE, DelayedKind.SECOND_FACTOR):
            return ChangeTaken(due_at_ns=known.due_at_ns)
        credentials, place = self._core.credentials, _place_of_email(account.account_id, kind)
        change = DelayedChange(
            change_id=_change_id(account.account_id, kind),
            account_id=account.account_id,
            kind=kind,
            networks_sealed=self._seal(networks, _place_of_change(account.account_id, kind), keys),
            due_at_ns=step.at_ns + DELAY_NS,
            email_sealed=(
                None if email is None else credentials.seal_own(email.encode(), place, keys)
            ),
        )
        self._delayed[change.change_id] = change
        step.put(change)
        step.record(
            ChangeAsked(account_id=change.account_id, kind=kind, due_at_ns=change.due_at_ns)
        )
        self._outbox.notify(account, keys, change_asked(kind), step)
        return ChangeTaken(due_at_ns=change.due_at_ns)

    async def _make(self, change: DelayedChange, step: Step) -> None:
        # Another change of this turn may be of this account. Committed before this one is dropped:
        # it is over together with what it does, or not at all.
        await self._core.commit(step)
        del self._delayed[change.change_id]
        step.drop(change)
        match change.kind:
            case DelayedKind.UNFREEZE:
                await self._impede(change.account_id, stands=False, step=step)
                step.record(ChangeMade(account_id=change.account_id, kind=change.kind))
            case DelayedKind.ALLOW_LIST:
                _, keys = await self._core.read_account(change.account_id)
                networks = self._open_change(change, keys)
                self._allow(change.account_id, networks, keys, step)
            case DelayedKind.EMAIL:
                await self._change_email(change, step)
            case DelayedKind.SECOND_FACTOR:
                await self._factors.turn_off(change.account_id, step)
                step.record(ChangeMade(account_id=change.account_id, kind=change.kind))
            case _:
                assert_never(change.kind)

    async def _change_email(self, change: DelayedChange, step: Step) -> None:
        _, keys = await self._core.read_account(change.account_id)
        email = EmailAddress(self._open_email(change, keys))
        if await self._emails.make(change.account_id, email, step):
            step.record(ChangeMade(account_id=change.account_id, kind=change.kind))
        else:
            step.record(ChangeCanceled(account_id=change.account_id, kind=change.kind))

    async def _take_back_one(self, account_id: AccountId, kind: DelayedKind, step: Step) -> Done:
        await self._core.commit(step)
        change = self._delayed.get(_change_id(account_id, kind))
        begun = kind is DelayedKind.EMAIL and await self._emails.drop_requests(account_id, step)
        if change is not None:
            self._cancel(change, step)
        elif begun:
            step.record(ChangeCanceled(account_id=account_id, kind=kind))
        else:
            raise Rejection(Reason.UNKNOWN_CHANGE, "no such change is waiting")
        return Done()

    def _cancel(self, change: DelayedChange, step: Step) -> None:
        del self._delayed[change.change_id]
        step.drop(change)
        step.record(ChangeCanceled(account_id=change.account_id, kind=change.kind))

    def _allow(
        self,
        account_id: AccountId,
        networks: tuple[str, ...],
        keys: Iterable[UserKey],
        step: Step,
    ) -> None:
        allowed = AllowList(
            account_id=account_id,
            networks_sealed=self._seal(networks, _place_of_list(account_id), keys),
            changed_at_ns=step.at_ns,
        )
        self._lists[account_id] = allowed
        step.put(allowed)
        step.record(ChangeMade(account_id=account_id, kind=DelayedKind.ALLOW_LIST))
        step.afterwards(lambda: self._table.put(account_id, parse_networks(networks)))

    async def _impede(self, account_id: AccountId, *, stands: bool, step: Step) -> None:
        message = SetImpediment(
            account_id=account_id, impediment=Impediment.FROZEN, stands=stands, by=account_id
        )
        await self._accounts.decide(message, step)

    async def _tell(self, account_id: AccountId) -> Guards:
        _, keys = await self._core.read_account(account_id)
        allowed = self._lists.get(account_id)
        waiting = [self._delayed.get(_change_id(account_id, kind)) for kind in DelayedKind]
        vault, clause = self._core.vault, "WHERE account_id = ?"
        erasures = await self._core.lane.run(vault.where, ErasureRequest, clause, account_id)
        return Guards(
            networks=(self._open_list(allowed, keys) if allowed is not None else ()),
            pending=tuple(
                PendingChange(
                    kind=change.kind,
                    due_at_ns=change.due_at_ns,
                    networks=self._open_change(change, keys),
                    email=self._open_email(change, keys),
                )
                for change in waiting
                if change is not None
            ),
            erasure_due_at_ns=erasures[0].due_at_ns if erasures else 0,
        )

    def _seal(self, networks: tuple[str, ...], place: Place, keys: Iterable[UserKey]) -> bytes:
        return self._core.credentials.seal_own(" ".join(networks).encode(), place, keys)

    def _open_list(self, allowed: AllowList, keys: Iterable[UserKey]) -> tuple[str, ...]:
        place = _place_of_list(allowed.account_id)
        plain = self._core.credentials.open_own(allowed.networks_sealed, place, keys)
        return tuple(plain.decode().split())

    def _open_change(self, change: DelayedChange, keys: Iterable[UserKey]) -> tuple[str, ...]:
        place = _place_of_change(change.account_id, change.kind)
        plain = self._core.credentials.open_own(change.networks_sealed, place, keys)
        return tuple(plain.decode().split())

    def _open_email(self, change: DelayedChange, keys: Iterable[UserKey]) -> str:
        if change.email_sealed is None:
            return ""
        place = _place_of_email(change.account_id, change.kind)
        return self._core.credentials.open_own(change.email_sealed, place, keys).decode()


def _change_id(account_id: AccountId, kind: DelayedKind) -> str:
    return f"{account_id}/{kind.value}"


def _place_of_list(account_id: AccountId) -> Place:
    return Place(ALLOW_LISTS.name, "networks_sealed", account_id, account_id)


def _place_of_change(account_id: AccountId, kind: DelayedKind) -> Place:
    row = _change_id(account_id, kind)
    return Place(DELAYED_CHANGES.name, "networks_sealed", row, account_id)


def _place_of_email(account_id: AccountId, kind: DelayedKind) -> Place:
    row = _change_id(account_id, kind)
    return Place(DELAYED_CHANGES.name, "email_sealed", row, account_id)
