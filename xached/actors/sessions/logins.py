"""Logins: how sessions come to be, go on and end."""

from __future__ import annotations

from typing import assert_never

import attrs
import trio

from xached.actors.sessions.audit import AuditArea
from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.devices import Devices
from xached.actors.sessions.live import LiveSessions
from xached.actors.sessions.second_factor import SecondFactorArea
from xached.domain.auth import (
    Account,
    Done,
    ListSessions,
    Login,
    LoginMessage,
    LoginReply,
    Logout,
    Refresh,
    RevokeSession,
    RevokeSessions,
    Session,
    SessionEndCause,
    SessionList,
    SessionSummary,
    UserKey,
    check_device,
    parse_email,
)
from xached.domain.login_throttle import LoginThrottle
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.second_factor import SecondFactorNeeded
from xached.domain.sessions import RefreshVerdict, judge_refresh, repeated, rotated
from xached.security.sealing import KeyDestroyed
from xached.security.tokens import refresh_refused
from xached.storage.vault_faults import VaultDamaged

SWEEP_INTERVAL_S = 60.0
NS_PER_S = 1_000_000_000


class LoginArea:
    """Decides the messages about sessions."""

    def __init__(
        self,
        core: DeskCore,
        live: LiveSessions,
        audit: AuditArea,
        factors: SecondFactorArea,
        devices: Devices,
    ) -> None:
        self._devices = devices
        self.throttle = LoginThrottle()
        self._core = core
        self._audit = audit
        self._live = live
        self._factors = factors
        self.logins = 0
        """Sessions opened since the start."""
        self.logins_failed = 0

    async def load(self) -> None:
        """Bring the live sessions back from the vault."""
        sessions, accounts = await self._core.lane.run(self._read_all)
        for session in sessions:
            self._live.restore(session, accounts[session.account_id])

    async def sweep(self) -> None:
        """End the sessions whose time is over, so that their streams end too."""
        while True:
            await trio.sleep(SWEEP_INTERVAL_S)
            async with self._core.turn() as step:
                for session in self._live.book.expired(step.at_ns):
                    self._live.end(session, SessionEndCause.EXPIRED, step)

    def check_form(self, message: Login) -> None:
        """Refuse at once what no hash could save. Raises: Rejection."""
        parse_email(message.email)
        check_device(message.device)

    async def finish(self, message: Login) -> LoginReply | SecondFactorNeeded:
        """Verify the password; open a session, or ask for the second factor: on a hash worker.

        Raises: Rejection CREDENTIALS; Overloaded.
        """
        credentials, passwords = self._core.credentials, self._core.credentials.passwords
        lookup = credentials.email_lookup(parse_email(message.email))
        account, keys = await self._core.read_by_email(lookup)
        account_id = None if account is None else account.account_id
        now_ns = self._core.now_ns()
        device = await self._devices.find(message.device_token, account_id, now_ns)
        charge = self.throttle.charge(lookup, message.address, device, now_ns)
        if isinstance(charge, int):
            raise _wait(charge)
        stored = self._stored_hash(account, keys)
        right = await self._core.verify_password(message.password, stored)
        if account is None or not right:
            self._failed(message, account)
            raise _login_refused()
        renewed = None
        if passwords.needs_rehash(stored):
            renewed = await self._core.hash_password(message.password)
        async with self._core.turn() as step:
            # It took a while: the password may be another one by now.
            vault = self._core.vault
            current = await self._core.lane.run(vault.account, account.account_id)
            if current is None or current.password_sealed != account.password_sealed:
                self._failed(message, account)
                raise _login_refused()
            if renewed is not None:
                sealed = credentials.seal_password_hash(current.account_id, renewed, keys)
                # What comes of this login is of the account as it will be.
                current = attrs.evolve(current, password_sealed=sealed)
                step.put(current)
            self.throttle.refund(charge)
            known = device is not None
            needed = await self._factors.pending_login(
                current, message.device, message.address, step.at_ns, device_known=known
            )
            if needed is not None:
                return needed
            granted = self._live.open(current, keys, message.device, step, message.address)
            if not known:
                token = await self._devices.introduce(current.account_id, step)
                granted = attrs.evolve(granted, device_token=token)
        self.logins += 1
        return granted

    async def decide(self, message: LoginMessage, step: Step) -> LoginReply:
        """Decide what needs no hash. Raises: Rejection."""
        match message:
            case Refresh():
                return await self._refresh(message, step)
            case Logout():
                session = self._live.book.find(message.session_id)
                if session is not None:
                    self._live.end(session, SessionEndCause.LOGOUT, step)
                return Done()
            case RevokeSession():
                return self._revoke(message, step)
            case RevokeSessions():
                for session in self._live.book.of_account(message.account_id):
                    if session.session_id != message.keep:
                        self._live.end(session, SessionEndCause.REVOKED, step)
                return Done()
            case ListSessions():
                return await self._list(message)
            case Login():
                raise AssertionError("messages that need a hash were handed over")
            case _:
                assert_never(message)

    async def _refresh(self, message: Refresh, step: Step) -> LoginReply:
        credentials = self._core.credentials
        presented = credentials.refresh.read(message.refresh_token)
        session = self._live.book.of_family(presented.family_hash)
        if session is None:
            raise refresh_refused()
        successor = credentials.refresh.successor(presented, credentials.entropy)
        match judge_refresh(session, presented.token_hash, step.at_ns):
            case RefreshVerdict.ROTATE:
                _, keys = await self._core.read_account(session.account_id)
                sealed = credentials.seal_address(
                    session.session_id, session.account_id, message.address, keys
                )
                session = rotated(session, successor.token_hash, step.at_ns, self._live.limits)
                session = attrs.evolve(session, address_sealed=sealed)
            case RefreshVerdict.REPEAT:
                session = repeated(session, successor.token_hash)
            case RefreshVerdict.REUSED:
                self._live.end(session, SessionEndCause.TOKEN_REUSED, step)
                raise refresh_refused()
            case RefreshVerdict.EXPIRED:
                self._live.end(session, SessionEndCause.EXPIRED, step)
                raise refresh_refused()
        self._live.replace(session, step)
        return self._live.grant(session, successor)

    def _revoke(self, message: RevokeSession, step: Step) -> LoginReply:
        session = self._live.book.find(message.session_id)
        if session is None or session.account_id != message.account_id:
            raise Rejection(Reason.UNKNOWN_SESSION, "you have no such session")
        self._live.end(session, SessionEndCause.REVOKED, step)
        return Done()

    async def _list(self, message: ListSessions) -> LoginReply:
        _, keys = await self._core.read_account(message.account_id)
        return SessionList(
            sessions=tuple(
                SessionSummary(
                    session_id=session.session_id,
                    device=self._core.credentials.open_device(session, keys),
                    created_at_ns=session.created_at_ns,
                    refreshed_at_ns=session.refreshed_at_ns,
                    address=self._core.credentials.open_address(session, keys),
                )
                for session in reversed(self._live.book.of_account(message.account_id))
            )
        )

    def _failed(self, message: Login, account: Account | None) -> None:
        self.logins_failed += 1
        whose = account.account_id if account is not None else AccountId("")
        self._audit.login_failed(message.address, whose)

    def _stored_hash(self, account: Account | None, keys: list[UserKey]) -> str:
        """What to verify against; for nobody's address a hash that takes as long and never fits."""
        credentials = self._core.credentials
        if account is not None:
            try:
                return credentials.open_password_hash(account, keys)
            except KeyDestroyed:
                # The person had everything erased: the account is nobody's now.
                pass
        return credentials.passwords.unmatchable(credentials.entropy)

    def _read_all(self) -> tuple[list[Session], dict[AccountId, Account]]:
        sessions = self._core.vault.sessions()
        accounts: dict[AccountId, Account] = {}
        for account_id in {session.account_id for session in sessions}:
            account = self._core.vault.account(account_id)
            if account is None:
                raise VaultDamaged(f"there is no account {account_id}, and yet it has a session")
            accounts[account_id] = account
        return sessions, accounts


def _wait(wait_ns: int) -> Rejection:
    return Rejection(
        Reason.TOO_MANY_ATTEMPTS,
        "too many tries from here or at this account; wait, or sign in from a device you used",
        retry_after_s=str(-(-wait_ns // NS_PER_S)),
    )


def _login_refused() -> Rejection:
    return Rejection(Reason.CREDENTIALS, "the e-mail address or the password is wrong")
