"""Live sessions: the one place where a session begins, changes and ends."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from xached.actors.sessions.core import DeskCore, Step
from xached.domain.auth import (
    Account,
    Session,
    SessionEndCause,
    SessionEnded,
    SessionGranted,
    SessionOpened,
    UserKey,
    scopes_of_password_session,
)
from xached.domain.identity import VaultRow
from xached.domain.sessions import (
    AAL2,
    LiveSession,
    SessionBook,
    SessionLimits,
    SessionTable,
    session_expiry_ns,
)
from xached.runtime.mailbox import Overloaded
from xached.security.tokens import RefreshToken

SESSIONS_PER_ACCOUNT_MAX = 50
SESSIONS_MAX = 200_000
"""About 300 MB of sessions; beyond it nobody new logs in until some have ended."""


class LiveSessions:
    """The book of sessions, kept in step with the vault and with the table all calls look into."""

    def __init__(self, core: DeskCore, table: SessionTable, limits: SessionLimits = AAL2) -> None:
        self._core = core
        self.limits = limits
        self._table = table
        self._watchers: list[Callable[[Account], None]] = []
        self.book = SessionBook()

    def on_account_change(self, watcher: Callable[[Account], None]) -> None:
        """Have roles and impediments of an account told once they are on disk, beside its sessions.

        For tables of other credentials. A watcher must neither block nor raise.
        """
        self._watchers.append(watcher)

    def restore(self, session: Session, account: Account) -> None:
        """Let a session in that the vault still has. Only at the start."""
        # The limits may be shorter than when it was refreshed.
        expires_at_ns = session_expiry_ns(
            session.created_at_ns, session.refreshed_at_ns, self.limits
        )
        if expires_at_ns < session.expires_at_ns:
            session = attrs.evolve(session, expires_at_ns=expires_at_ns)
        self.book.put(session)
        self._table.put(self._live(session, account))

    def open(
        self, account: Account, keys: list[UserKey], device: str, step: Step, address: str = ""
    ) -> SessionGranted:
        """Open a session for somebody who has proved who they are, at an address.

        Raises: Overloaded, nothing done; SealBroken; KeyDestroyed.
        """
        mine = self.book.of_account(account.account_id)
        if len(mine) >= SESSIONS_PER_ACCOUNT_MAX:
            idlest = min(mine, key=lambda session: session.refreshed_at_ns)
            self.end(idlest, SessionEndCause.TOO_MANY, step)
        elif len(self.book) >= SESSIONS_MAX:
            raise Overloaded("too many people are logged in")
        credentials = self._core.credentials
        session_id = credentials.new_session_id()
        refresh = credentials.refresh.new(credentials.entropy)
        session = Session(
            session_id=session_id,
            account_id=account.account_id,
            device_sealed=credentials.seal_device(session_id, account.account_id, device, keys),
            family_hash=refresh.family_hash,
            refresh_hash=refresh.token_hash,
            previous_hash=None,
            created_at_ns=step.at_ns,
            refreshed_at_ns=step.at_ns,
            expires_at_ns=session_expiry_ns(step.at_ns, step.at_ns, self.limits),
            address_sealed=credentials.seal_address(session_id, account.account_id, address, keys),
        )
        self.book.put(session)
        step.put(session)
        step.record(SessionOpened(session_id=session_id, account_id=account.account_id))
        step.afterwards(lambda: self._table.put(self._live(session, account)))
        return self.grant(session, refresh)

    def replace(self, session: Session, step: Step) -> None:
        """Keep what a refresh has changed of a session."""
        self.book.put(session)
        step.put(session)
        step.afterwards(lambda: self._show_expiry(session))

    def renew(self, row: VaultRow) -> None:
        """Take over a row that was sealed anew, if it is a session that still lives. An effect."""
        if isinstance(row, Session) and self.book.find(row.session_id) is not None:
            self.book.put(row)

    def end(self, session: Session, cause: SessionEndCause, step: Step) -> None:
        """End a session that is in the book."""
        self.book.remove(session)
        step.drop(session)
        step.record(
            SessionEnded(session_id=session.session_id, account_id=session.account_id, cause=cause)
        )
        step.afterwards(lambda: self._table.end(session.session_id, cause))

    def change_account(self, account: Account, step: Step) -> None:
        """Keep an account whose roles or impediments changed; all its sessions follow at once."""
        step.put(account)
        step.afterwards(lambda: self._show_account(account))

    def grant(self, session: Session, refresh: RefreshToken) -> SessionGranted:
        """What the holder of a session carries from now on."""
        credentials = self._core.credentials
        token, expires_at_ns = credentials.access.issue(
            session.session_id, session.account_id, self._core.world.now_ns(), credentials.entropy
        )
        return SessionGranted(
            account_id=session.account_id,
            session_id=session.session_id,
            access_token=token,
            access_expires_at_ns=expires_at_ns,
            refresh_token=refresh.text,
            refresh_expires_at_ns=session.expires_at_ns,
        )

    def _show_account(self, account: Account) -> None:
        for session in self.book.of_account(account.account_id):
            self._table.put(self._live(session, account))
        for watcher in self._watchers:
            watcher(account)

    def _live(self, session: Session, account: Account) -> LiveSession:
        return LiveSession(
            session_id=session.session_id,
            account_id=session.account_id,
            roles=account.roles,
            scopes=scopes_of_password_session(account.roles),
            expires_at_ns=session.expires_at_ns,
            impediments=self._core.standing(account),
        )

    def _show_expiry(self, session: Session) -> None:
        live = self._table.find(session.session_id)
        if live is not None:
            self._table.put(attrs.evolve(live, expires_at_ns=session.expires_at_ns))
