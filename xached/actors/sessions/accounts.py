"""Accounts: who people are to the house, and which roles they have."""

from __future__ import annotations

import hmac
from typing import TypeAlias, assert_never

import attrs

from xached.actors.sessions.core import DeskCore, Step, TakeBack
from xached.actors.sessions.live import LiveSessions
from xached.actors.sessions.purses import Purses
from xached.domain.auth import (
    Account,
    AccountMessage,
    AccountOpened,
    AccountProfile,
    AccountRegistered,
    AccountReply,
    BootstrapAdmin,
    BootstrapTokenIssued,
    Done,
    EmailAddress,
    GetAccount,
    Impediment,
    ImpedimentSet,
    PurseIntent,
    Register,
    Role,
    RolesChanged,
    RoleSet,
    SessionEndCause,
    SetImpediment,
    SetRole,
    Setting,
    parse_email,
)
from xached.domain.rejection import Reason, Rejection
from xached.security.credentials import Credentials
from xached.security.passwords import check_password
from xached.security.tokens import new_bootstrap_token
from xached.storage.vault import BOOTSTRAP_TOKEN, Vault
from xached.storage.vault_rows import Put

HashedAccountMessage: TypeAlias = Register | BootstrapAdmin


class AdminExists(Exception):  # noqa: N818 - a refusal: nothing failed
    """There is an administrator already; a bootstrap token would be a second way in."""


def issue_bootstrap_token(vault: Vault, credentials: Credentials, now_ns: int) -> str:
    """Make the one-time token for the first administrator; one issued before stops working.

    Only before the actor runs, or with the daemon stopped. The house keeps a keyed hash.

    Raises: AdminExists; VaultFailed.
    """
    if vault.accounts_with_role(Role.ADMIN):
        raise AdminExists("there is an administrator already, who can give others the role")
    token = new_bootstrap_token(credentials.entropy)
    setting = Setting(name=BOOTSTRAP_TOKEN, value=credentials.bootstrap_hash(token))
    at_ns = max(now_ns, vault.last_at_ns + 1)
    vault.commit([Put(setting)], [BootstrapTokenIssued()], at_ns)
    return token


class AccountArea:
    """Decides the messages about accounts."""

    def __init__(
        self, core: DeskCore, live: LiveSessions, purses: Purses, take_back: TakeBack
    ) -> None:
        self._core = core
        self.take_back = take_back
        """For all areas that have this one."""
        self._live = live
        self._purses = purses
        self.opened = 0
        """Accounts opened since the start."""

    def check_form(self, message: HashedAccountMessage) -> None:
        """Refuse at once what no hash could save. Raises: Rejection."""
        check_password(message.password, parse_email(message.email))

    async def finish(self, message: HashedAccountMessage) -> AccountReply:
        """Hash, then decide: on a hash worker. Raises: Rejection."""
        match message:
            case Register():
                return await self._register(message)
            case BootstrapAdmin():
                return await self._bootstrap(message)
            case _:
                assert_never(message)

    async def decide(self, message: AccountMessage, step: Step) -> AccountReply:
        """Decide what needs no hash. Raises: Rejection."""
        match message:
            case GetAccount():
                account, keys = await self._core.read_account(message.account_id)
                return AccountProfile(
                    account_id=account.account_id,
                    email=self._core.credentials.open_email(account, keys),
                    roles=account.roles,
                    impediments=self._core.standing(account),
                    created_at_ns=account.created_at_ns,
                )
            case SetRole():
                return await self._set_role(message, step)
            case SetImpediment():
                return await self._set_impediment(message, step)
            case Register() | BootstrapAdmin():
                raise AssertionError("messages that need a hash were handed over")
            case _:
                assert_never(message)

    async def _set_role(self, message: SetRole, step: Step) -> AccountReply:
        if message.role is Role.USER:
            raise Rejection(Reason.ROLE_FIXED, "every account is a user", field="role")
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        account, _ = await self._core.read_account(message.account_id)
        if (message.role in account.roles) == message.granted:
            return RolesChanged(roles=account.roles)
        if message.role is Role.ADMIN and not message.granted:
            await self._check_other_admin(account)
        roles = account.roles ^ {message.role}
        self._live.change_account(attrs.evolve(account, roles=roles), step)
        step.record(
            RoleSet(
                account_id=account.account_id,
                role=message.role,
                granted=message.granted,
                by=message.by,
            )
        )
        return RolesChanged(roles=roles)

    async def _set_impediment(self, message: SetImpediment, step: Step) -> AccountReply:
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        account, _ = await self._core.read_account(message.account_id)
        if message.people_only and account.roles - {Role.USER}:
            raise Rejection(
                Reason.FOUR_EYES,
                "whether somebody who works for the house may act is for its administrators to say",
                field="account_id",
                allowed="an account without any role but USER",
            )
        changed = attrs.evolve(account, impediments=account.impediments | {message.impediment})
        if changed != account and message.impediment is Impediment.FROZEN:
            changed = attrs.evolve(changed, frozen_at_ns=step.at_ns)
        if not message.stands:
            left = account.impediments - {message.impediment}
            changed = attrs.evolve(account, impediments=left)
            if message.impediment is Impediment.UNVERIFIED:
                # Somebody of the house knows whose address it is.
                changed = changed.proved()
        if changed == account:
            return Done()
        if message.stands:
            await self._check_other_admin(account)
            if message.impediment is not Impediment.UNVERIFIED:
                # Whoever is in may have asked for what is waiting.
                await self.take_back(account.account_id, step)
        self._live.change_account(changed, step)
        step.record(
            ImpedimentSet(
                account_id=account.account_id,
                impediment=message.impediment,
                stands=message.stands,
                by=message.by,
            )
        )
        if message.impediment is Impediment.FROZEN and message.stands:
            # Whoever is in may be why it was frozen.
            for session in self._live.book.of_account(account.account_id):
                self._live.end(session, SessionEndCause.FROZEN, step)
        return Done()

    async def _check_other_admin(self, account: Account) -> None:
        """Refuse to leave the house without an administrator who can act."""
        if Role.ADMIN not in account.roles or account.impediments:
            return
        vault = self._core.vault
        if await self._core.lane.run(vault.able_accounts_with_role, Role.ADMIN) == 1:
            raise Rejection(Reason.LAST_ADMIN, "the house needs an administrator")

    async def _register(self, message: Register) -> AccountReply:
        email = parse_email(message.email)
        await self._check_free(email)
        password_hash = await self._core.hash_password(message.password)
        async with self._core.turn() as step:
            await self._check_free(email)
            intent = self.open(email, password_hash, frozenset({Role.USER}), step, proved=False)
        await self._purses.fulfil(intent)
        return AccountOpened(account_id=intent.account_id)

    async def _bootstrap(self, message: BootstrapAdmin) -> AccountReply:
        email = parse_email(message.email)
        await self._check_bootstrap(message.token)
        await self._check_free(email)
        password_hash = await self._core.hash_password(message.password)
        async with self._core.turn() as step:
            # Again: another one may have been quicker, and the token works once.
            await self._check_bootstrap(message.token)
            await self._check_free(email)
            # Whoever has the token decides whose address it is.
            roles = frozenset({Role.USER, Role.ADMIN})
            intent = self.open(email, password_hash, roles, step, proved=True)
            step.drop(Setting(name=BOOTSTRAP_TOKEN, value=b""))
        await self._purses.fulfil(intent)
        return AccountOpened(account_id=intent.account_id)

    def open(
        self,
        email: EmailAddress,
        password_hash: str,
        roles: frozenset[Role],
        step: Step,
        *,
        proved: bool,
    ) -> PurseIntent:
        """Open an account with an address that is free; what still opens its purse."""
        account, keys = self._core.credentials.new_account(email, password_hash, roles, step.at_ns)
        if not proved:
            account = attrs.evolve(account, email_unproved_since_ns=step.at_ns)
        intent = PurseIntent(account_id=account.account_id, created_at_ns=step.at_ns)
        step.put(account)
        for key in keys:
            step.put(key)
        step.put(intent)
        step.record(AccountRegistered(account_id=account.account_id, roles=roles))
        self.opened += 1
        return intent

    async def _check_free(self, email: EmailAddress) -> None:
        account, _ = await self._core.read_by_email(self._core.credentials.email_lookup(email))
        if account is not None:
            # This tells who has an account. Only a confirmation by e-mail could avoid it.
            raise Rejection(
                Reason.EMAIL_TAKEN, "there is an account with this address", field="email"
            )

    async def _check_bootstrap(self, token: str) -> None:
        expected = await self._core.lane.run(self._core.vault.setting, BOOTSTRAP_TOKEN)
        given = self._core.credentials.bootstrap_hash(token)
        if expected is None or not hmac.compare_digest(given, expected):
            raise Rejection(
                Reason.BOOTSTRAP_TOKEN,
                "the token does not work: it works once, and only the newest",
                field="token",
            )
