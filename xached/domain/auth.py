"""People, their credentials and their sessions: what is asked, answered, kept and recorded.

Nothing here is secret by itself: rows carry sealed bytes and keyed hashes, made elsewhere. Fields
that hold a secret or personal data in clear stay out of ``repr``, so that no log can show them.
"""

from __future__ import annotations

import enum
import re
from typing import NewType, TypeAlias

import attrs

from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection

SessionId = NewType("SessionId", str)
"""Opaque, never used again."""

EmailAddress = NewType("EmailAddress", str)
"""In the one form that is compared and stored; see :func:`parse_email`."""

EMAIL_CHARS_MAX = 254
"""RFC 5321, 4.5.3.1.3: a path has 256 characters, two of them brackets."""

EMAIL_LOCAL_CHARS_MAX = 64
DEVICE_CHARS_MAX = 64

# Dot-atom of RFC 5322 and letter-digit-hyphen labels: ASCII only, which every mail server takes.
_EMAIL_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_EMAIL_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


class Role(enum.IntEnum):
    """What an account is to the house. The numbers are those of ``xache.v1.Role``."""

    USER = 1
    SUPPORT = 2
    COMPLIANCE = 3
    OPERATOR = 4
    ADMIN = 5


class Scope(enum.IntEnum):
    """What a credential may be used for. The numbers are those of ``xache.v1.Scope``."""

    READ = 1
    TRADE = 2
    WITHDRAW = 3
    ACCOUNT = 4
    ADMIN = 5


class Impediment(enum.IntEnum):
    """What stands against an account. The numbers are those of ``xache.v1.Impediment``."""

    UNVERIFIED = 1
    """The e-mail address is not confirmed."""
    FROZEN = 2
    """The person froze it."""
    SUSPENDED = 3
    """The house suspended it."""


class UserKeyKind(enum.IntEnum):
    """What a user's key seals, and so when it is destroyed."""

    PROFILE = 1
    """On request of the person."""
    COMPLIANCE = 2
    """When retention ends."""


class SessionEndCause(enum.IntEnum):
    """Why a session ended."""

    LOGOUT = 1
    REVOKED = 2
    TOKEN_REUSED = 3
    EXPIRED = 4
    TOO_MANY = 5
    FROZEN = 6
    ERASED = 80


_PASSWORD_SCOPES = frozenset({Scope.READ, Scope.TRADE, Scope.ACCOUNT})
_HOUSE_ROLES = frozenset({Role.OPERATOR, Role.ADMIN})


def scopes_of_password_session(roles: frozenset[Role]) -> frozenset[Scope]:
    """What a session opened with a password may do. Moving money out needs more than that."""
    return _PASSWORD_SCOPES | {Scope.ADMIN} if roles & _HOUSE_ROLES else _PASSWORD_SCOPES


def parse_email(text: str) -> EmailAddress:
    """Read an address. Lower case, since no provider in use tells people apart by case.

    Raises: Rejection EMAIL_FORMAT; it does not repeat the address.
    """
    address = text.strip().lower()
    local, _, domain = address.rpartition("@")
    if (
        len(address) > EMAIL_CHARS_MAX
        or len(local) > EMAIL_LOCAL_CHARS_MAX
        or _EMAIL_LOCAL.fullmatch(local) is None
        or _EMAIL_DOMAIN.fullmatch(domain) is None
    ):
        raise Rejection(
            Reason.EMAIL_FORMAT,
            "this is not an e-mail address the house can write to",
            field="email",
            allowed=f"name@domain.tld, ASCII, up to {EMAIL_CHARS_MAX} characters",
        )
    return EmailAddress(address)


def check_device(text: str) -> str:
    """Return a device's name if it can be shown anywhere. Raises: Rejection DEVICE_FORMAT."""
    if len(text) > DEVICE_CHARS_MAX or not text.isprintable():
        raise Rejection(
            Reason.DEVICE_FORMAT,
            "the device's name cannot be shown",
            field="device",
            allowed=f"up to {DEVICE_CHARS_MAX} printable characters",
        )
    return text


# --- What the sessions actor is asked. -------------------------------------------------------


@attrs.frozen(kw_only=True)
class Register:
    """Open an account. Answer: AccountOpened."""

    email: str = attrs.field(repr=False)
    password: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Login:
    """Open a session. Answer: SessionGranted."""

    email: str = attrs.field(repr=False)
    password: str = attrs.field(repr=False)
    device: str = attrs.field(repr=False)
    address: str = attrs.field(repr=False, default="")
    """From where, such as ``ipv4:192.0.2.1``."""
    device_token: str = attrs.field(repr=False, default="")
    """As granted at an earlier login from the same device."""


@attrs.frozen(kw_only=True)
class Refresh:
    """Trade a refresh token for new tokens. Answer: SessionGranted."""

    refresh_token: str = attrs.field(repr=False)
    address: str = attrs.field(repr=False, default="")
    """From where, as in Login."""


@attrs.frozen(kw_only=True)
class Logout:
    """End the session that asks. Answer: Done."""

    session_id: SessionId


@attrs.frozen(kw_only=True)
class ListSessions:
    """List the live sessions of an account. Answer: SessionList."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class RevokeSession:
    """End one session of an account. Answer: Done."""

    account_id: AccountId
    session_id: SessionId


@attrs.frozen(kw_only=True)
class RevokeSessions:
    """End all sessions of an account, but for one that is to stay. Answer: Done."""

    account_id: AccountId
    keep: SessionId | None = None


@attrs.frozen(kw_only=True)
class GetAccount:
    """Tell what an account is. Answer: AccountProfile."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class SetRole:
    """Give or take a role. Answer: RolesChanged."""

    account_id: AccountId
    role: Role
    granted: bool
    by: AccountId


@attrs.frozen(kw_only=True)
class SetImpediment:
    """Let something stand against an account, or no longer. Answer: Done."""

    account_id: AccountId
    impediment: Impediment
    stands: bool
    by: AccountId
    people_only: bool = False
    """Who asks has no say over those who work for the house."""


@attrs.frozen(kw_only=True)
class BootstrapAdmin:
    """Make the first administrator with the one-time token. Answer: AccountOpened."""

    token: str = attrs.field(repr=False)
    email: str = attrs.field(repr=False)
    password: str = attrs.field(repr=False)


AccountMessage: TypeAlias = Register | BootstrapAdmin | GetAccount | SetRole | SetImpediment
"""Who people are."""

LoginMessage: TypeAlias = Login | Refresh | Logout | ListSessions | RevokeSession | RevokeSessions
"""Which sessions live."""


# --- What it answers. A refusal is a Rejection. ----------------------------------------------


@attrs.frozen(kw_only=True)
class Done:
    """It is as you asked."""


@attrs.frozen(kw_only=True)
class AccountOpened:
    """The account exists."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class SessionGranted:
    """What a session's holder carries from now on."""

    account_id: AccountId
    session_id: SessionId
    access_token: str = attrs.field(repr=False)
    access_expires_at_ns: int
    refresh_token: str = attrs.field(repr=False)
    refresh_expires_at_ns: int
    device_token: str = attrs.field(repr=False, default="")
    """What the device keeps for its next login; empty where it has one."""


@attrs.frozen(kw_only=True)
class SessionSummary:
    """One line of the session list."""

    session_id: SessionId
    device: str = attrs.field(repr=False)
    created_at_ns: int
    refreshed_at_ns: int
    address: str = attrs.field(repr=False)
    """Of its last refresh; empty where it is not known."""


@attrs.frozen(kw_only=True)
class SessionList:
    """The live sessions of an account, newest first."""

    sessions: tuple[SessionSummary, ...]


@attrs.frozen(kw_only=True)
class AccountProfile:
    """What an account is."""

    account_id: AccountId
    email: EmailAddress = attrs.field(repr=False)
    roles: frozenset[Role]
    impediments: frozenset[Impediment]
    created_at_ns: int


@attrs.frozen(kw_only=True)
class RolesChanged:
    """The roles after the change."""

    roles: frozenset[Role]


AccountReply: TypeAlias = Done | AccountOpened | AccountProfile | RolesChanged
LoginReply: TypeAlias = Done | SessionGranted | SessionList


# --- What is kept: one class for each table of the vault. ------------------------------------


@attrs.frozen(kw_only=True)
class Account:
    """A person's account, as it is stored."""

    account_id: AccountId
    email_lookup: bytes = attrs.field(repr=False)
    email_sealed: bytes = attrs.field(repr=False)
    password_sealed: bytes = attrs.field(repr=False)
    roles: frozenset[Role]
    created_at_ns: int
    impediments: frozenset[Impediment] = frozenset()
    email_unproved_since_ns: int = 0
    """Since when it has an address that nobody has proved to be theirs; 0: it was proved."""
    frozen_at_ns: int = 0
    """When it was frozen last; 0: never. Once it was let go, no letter from before freezes it."""

    def standing(self, *, proof_needed: bool) -> frozenset[Impediment]:
        """What stands against it, in a house that asks for proved addresses, or does not."""
        if proof_needed and self.email_unproved_since_ns:
            return self.impediments | {Impediment.UNVERIFIED}
        return self.impediments

    def proved(self) -> Account:
        """The account, now that its address was proved."""
        return attrs.evolve(
            self,
            impediments=self.impediments - {Impediment.UNVERIFIED},
            email_unproved_since_ns=0,
        )


@attrs.frozen(kw_only=True)
class UserKey:
    """A user's key, wrapped by the house's key-encryption key. None: it was destroyed."""

    key_id: bytes
    account_id: AccountId
    kind: UserKeyKind
    wrapped: bytes | None = attrs.field(repr=False)
    created_at_ns: int


@attrs.frozen(kw_only=True)
class Session:
    """A live session, as it is stored. Hashes are keyed; no token can be had from them."""

    session_id: SessionId
    account_id: AccountId
    device_sealed: bytes = attrs.field(repr=False)
    family_hash: bytes = attrs.field(repr=False)
    refresh_hash: bytes = attrs.field(repr=False)
    previous_hash: bytes | None = attrs.field(repr=False)
    created_at_ns: int
    refreshed_at_ns: int
    expires_at_ns: int
    address_sealed: bytes | None = attrs.field(default=None, repr=False)
    """From where it was refreshed last; None in sessions of an older version."""


@attrs.frozen(kw_only=True)
class PurseIntent:
    """An account was opened here; the exchange may not have its main purse yet."""

    account_id: AccountId
    created_at_ns: int


@attrs.frozen(kw_only=True)
class Setting:
    """One fact about the house itself."""

    name: str
    value: bytes = attrs.field(repr=False)


AccountRow: TypeAlias = Account | UserKey | Session | PurseIntent | Setting


# --- What happened: the identity stream. No personal data. -----------------------------------


@attrs.frozen(kw_only=True)
class AccountRegistered:
    """An account was opened."""

    account_id: AccountId
    roles: frozenset[Role]


@attrs.frozen(kw_only=True)
class SessionOpened:
    """Somebody proved who they are."""

    session_id: SessionId
    account_id: AccountId


@attrs.frozen(kw_only=True)
class SessionEnded:
    """A session is over; nothing it was given works any more."""

    session_id: SessionId
    account_id: AccountId
    cause: SessionEndCause


@attrs.frozen(kw_only=True)
class RoleSet:
    """A role was given or taken."""

    account_id: AccountId
    role: Role
    granted: bool
    by: AccountId


@attrs.frozen(kw_only=True)
class ImpedimentSet:
    """Something stands against an account, or no longer."""

    account_id: AccountId
    impediment: Impediment
    stands: bool
    by: AccountId


@attrs.frozen(kw_only=True)
class BootstrapTokenIssued:
    """The one-time token for the first administrator was made; it replaces the one before."""


AccountEvent: TypeAlias = (
    AccountRegistered
    | SessionOpened
    | SessionEnded
    | RoleSet
    | ImpedimentSet
    | BootstrapTokenIssued
)
