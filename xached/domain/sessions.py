"""The life of a session, and the table of live sessions that every call is checked against.

A session begins with a password and goes on as long as its refresh token is traded in time. Each
refresh token works once. The one before the newest is accepted for a few seconds more, because a
reply can be lost; any older one means that two parties hold the family, so the session ends::

    presented            within the grace    verdict
    newest               -                   ROTATE   it becomes the one before
    the one before       yes                 REPEAT   another successor; the lost one never works
    the one before       no                  REUSED   the session ends
    any other of family  -                   REUSED   the session ends
    (any)                session expired     EXPIRED  the session ends
"""

from __future__ import annotations

import enum
import hmac
from collections.abc import Callable

import attrs

from xached.domain.auth import Impediment, Role, Scope, Session, SessionEndCause, SessionId
from xached.domain.order import AccountId

NS_PER_S = 1_000_000_000
DAY_NS = 86_400 * NS_PER_S

REFRESH_GRACE_NS = 10 * NS_PER_S
SESSION_IDLE_NS = 3_600 * NS_PER_S
SESSION_AGE_NS_MAX = DAY_NS
"""NIST SP 800-63B-4, 2.2.3: at AAL2 an hour without use, and a day in all."""


@attrs.frozen(kw_only=True)
class SessionLimits:
    """How long a session lasts: without a refresh, and in all."""

    idle_ns: int = SESSION_IDLE_NS
    age_ns: int = SESSION_AGE_NS_MAX


AAL2 = SessionLimits()
"""What holds unless the house configures otherwise."""


class RefreshVerdict(enum.Enum):
    """What presenting a token of a session's family means."""

    ROTATE = enum.auto()
    REPEAT = enum.auto()
    REUSED = enum.auto()
    EXPIRED = enum.auto()


def judge_refresh(session: Session, presented_hash: bytes, at_ns: int) -> RefreshVerdict:
    """Say what a presented refresh token of this session's family means; see the table above."""
    if at_ns >= session.expires_at_ns:
        return RefreshVerdict.EXPIRED
    if hmac.compare_digest(presented_hash, session.refresh_hash):
        return RefreshVerdict.ROTATE
    if (
        session.previous_hash is not None
        and hmac.compare_digest(presented_hash, session.previous_hash)
        and at_ns < session.refreshed_at_ns + REFRESH_GRACE_NS
    ):
        return RefreshVerdict.REPEAT
    return RefreshVerdict.REUSED


def rotated(
    session: Session, successor_hash: bytes, at_ns: int, limits: SessionLimits = AAL2
) -> Session:
    """The session after ROTATE."""
    return attrs.evolve(
        session,
        previous_hash=session.refresh_hash,
        refresh_hash=successor_hash,
        refreshed_at_ns=at_ns,
        expires_at_ns=session_expiry_ns(session.created_at_ns, at_ns, limits),
    )


def repeated(session: Session, successor_hash: bytes) -> Session:
    """The session after REPEAT. Times stay, so that asking again cannot prolong the grace."""
    return attrs.evolve(session, refresh_hash=successor_hash)


def session_expiry_ns(
    created_at_ns: int, refreshed_at_ns: int, limits: SessionLimits = AAL2
) -> int:
    """When a session ends unless it is refreshed before."""
    return min(refreshed_at_ns + limits.idle_ns, created_at_ns + limits.age_ns)


class SessionBook:
    """Every live session with what it takes to judge a refresh. Only the sessions actor has it."""

    def __init__(self) -> None:
        self._sessions: dict[SessionId, Session] = {}
        self._by_family: dict[bytes, SessionId] = {}
        self._of_account: dict[AccountId, dict[SessionId, None]] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def accounts(self) -> int:
        """How many accounts they are of."""
        return len(self._of_account)

    def put(self, session: Session) -> None:
        """Add a session, or replace it. Account and family of a session never change."""
        self._sessions[session.session_id] = session
        self._by_family[session.family_hash] = session.session_id
        self._of_account.setdefault(session.account_id, {})[session.session_id] = None

    def remove(self, session: Session) -> None:
        """Forget a session that is in the book."""
        del self._sessions[session.session_id]
        del self._by_family[session.family_hash]
        siblings = self._of_account[session.account_id]
        del siblings[session.session_id]
        if not siblings:
            del self._of_account[session.account_id]

    def find(self, session_id: SessionId) -> Session | None:
        """The session of this id."""
        return self._sessions.get(session_id)

    def of_family(self, family_hash: bytes) -> Session | None:
        """The session whose refresh tokens have this family."""
        session_id = self._by_family.get(family_hash)
        return None if session_id is None else self._sessions[session_id]

    def of_account(self, account_id: AccountId) -> list[Session]:
        """The sessions of an account, oldest first."""
        return [self._sessions[session_id] for session_id in self._of_account.get(account_id, ())]

    def expired(self, at_ns: int) -> list[Session]:
        """The sessions whose time is over."""
        return [session for session in self._sessions.values() if session.expires_at_ns <= at_ns]


@attrs.frozen(kw_only=True)
class LiveSession:
    """What a call needs to know of a session. Replaced as a whole when anything changes."""

    session_id: SessionId
    account_id: AccountId
    roles: frozenset[Role]
    scopes: frozenset[Scope]
    expires_at_ns: int
    impediments: frozenset[Impediment] = frozenset()


class SessionTable:
    """Live sessions by id. The sessions actor writes, everybody else only looks up.

    Only durable sessions are in it, and one that is being ended is taken out before its holder is
    told: a look-up never says yes to what the vault has forgotten.
    """

    def __init__(self) -> None:
        self._sessions: dict[SessionId, LiveSession] = {}
        self._watchers: list[Callable[[SessionId, SessionEndCause], None]] = []
        self._watchers_of_losses: list[Callable[[SessionId], None]] = []

    def __len__(self) -> int:
        return len(self._sessions)

    def find(self, session_id: SessionId) -> LiveSession | None:
        """The live session of this id. Its expiry is for the caller to compare with the time."""
        return self._sessions.get(session_id)

    def on_end(self, watcher: Callable[[SessionId, SessionEndCause], None]) -> None:
        """Have every end of a session told at once. A watcher must neither block nor raise."""
        self._watchers.append(watcher)

    def on_loss(self, watcher: Callable[[SessionId], None]) -> None:
        """Have every session told at once that may do less than before. As in :meth:`on_end`."""
        self._watchers_of_losses.append(watcher)

    def put(self, session: LiveSession) -> None:
        """Let a session in, or replace what is known of it. For the sessions actor only."""
        before = self._sessions.get(session.session_id)
        self._sessions[session.session_id] = session
        if before is None or (
            before.roles <= session.roles
            and before.scopes <= session.scopes
            and before.impediments >= session.impediments
        ):
            return
        for watcher in self._watchers_of_losses:
            watcher(session.session_id)

    def end(self, session_id: SessionId, cause: SessionEndCause) -> None:
        """Take a session out and tell the watchers. For the sessions actor only."""
        if self._sessions.pop(session_id, None) is not None:
            for watcher in self._watchers:
                watcher(session_id, cause)
