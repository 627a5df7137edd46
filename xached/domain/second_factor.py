"""The second factor: an authenticator that shows codes, and recovery codes for its loss.

An enrolment is begun, which makes a fresh secret, and counts only once a code of it was given. A
code works once, whatever for: the step of the last one is stored with the account and goes only
up. Wrong codes in a row lock the second factor for a while that doubles, which stops guessing; it
locks out nobody who does not have the password already, and a right code ends the count.
"""

from __future__ import annotations

import enum
from typing import Final, TypeAlias

import attrs

from xached.domain.auth import SessionId
from xached.domain.order import AccountId

_MINUTE_NS: Final = 60 * 1_000_000_000

ENROLMENT_NS_MAX: Final = 15 * _MINUTE_NS
"""How long a secret waits for its first code."""

FAILURES_FREE: Final = 5
"""Wrong codes in a row before the first lock."""

LOCK_NS_MIN: Final = _MINUTE_NS
LOCK_NS_MAX: Final = 60 * _MINUTE_NS
"""At three codes that fit at a time and one try an hour, a year of guessing finds one in 40."""

PENDING_LOGIN_NS_MAX: Final = 5 * _MINUTE_NS
PENDING_LOGINS_MAX: Final = 10_000
GRANT_NS_MAX: Final = 5 * _MINUTE_NS
GRANTS_MAX: Final = 10_000
CODE_CHARS_MAX: Final = 32


class Proof(enum.IntEnum):
    """How somebody proved afresh that they are the person."""

    PASSWORD = 1
    """Only where there is no second factor."""
    TOTP = 2
    RECOVERY_CODE = 3


@attrs.frozen(kw_only=True)
class SecondFactor:
    """The second factor of an account, as it is stored."""

    account_id: AccountId
    active_sealed: bytes | None = attrs.field(repr=False)
    """The secret that counts; None while there is none."""
    pending_sealed: bytes | None = attrs.field(repr=False)
    """The secret that waits for its first code."""
    pending_at_ns: int
    last_step: int
    """The newest step whose code was used; also survives the secret."""
    failures: int
    """Wrong codes since the last right one."""
    locked_until_ns: int


@attrs.frozen(kw_only=True)
class RecoveryCode:
    """One recovery code that was not used yet, as a keyed hash."""

    code_hash: bytes = attrs.field(repr=False)
    account_id: AccountId
    created_at_ns: int


SecondFactorRow: TypeAlias = SecondFactor | RecoveryCode


def no_factor(account_id: AccountId) -> SecondFactor:
    """What an account has before it has anything."""
    return SecondFactor(
        account_id=account_id,
        active_sealed=None,
        pending_sealed=None,
        pending_at_ns=0,
        last_step=0,
        failures=0,
        locked_until_ns=0,
    )


def failed(factor: SecondFactor, at_ns: int) -> SecondFactor:
    """The second factor after a wrong code."""
    failures = factor.failures + 1
    lock_ns = 0
    if failures >= FAILURES_FREE:
        lock_ns = min(LOCK_NS_MIN << min(failures - FAILURES_FREE, 16), LOCK_NS_MAX)
    return attrs.evolve(factor, failures=failures, locked_until_ns=at_ns + lock_ns)


def passed(factor: SecondFactor, step: int | None) -> SecondFactor:
    """The second factor after a right code, of this step; None for a recovery code."""
    last_step = factor.last_step if step is None else max(step, factor.last_step)
    return attrs.evolve(factor, failures=0, locked_until_ns=0, last_step=last_step)


# --- What is asked. --------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class GetSecondFactor:
    """Tell how an account is guarded. Answer: SecondFactorState."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class EnrolSecondFactor:
    """Begin with a fresh secret; one that was begun before is void. Answer: EnrolmentBegun."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class ConfirmSecondFactor:
    """Turn it on with its first code. Answer: RecoveryCodesMade; other sessions end."""

    account_id: AccountId
    session_id: SessionId
    code: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class DisableSecondFactor:
    """Turn it off with a code, a day later. Answer: ChangeTaken; see ``guarding.py``."""

    account_id: AccountId
    code: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class RenewRecoveryCodes:
    """Make other recovery codes; the old ones are void. Answer: RecoveryCodesMade."""

    account_id: AccountId
    code: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class CompleteLogin:
    """The second step of a login. Answer: SessionGranted."""

    token: str = attrs.field(repr=False)
    code: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class StepUpByCode:
    """Prove afresh, for one request. Answer: StepUpGranted."""

    account_id: AccountId
    session_id: SessionId
    method: str
    request_digest: bytes
    code: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class StepUpByPassword:
    """The same where there is no second factor. Needs a hash. Answer: StepUpGranted."""

    account_id: AccountId
    session_id: SessionId
    method: str
    request_digest: bytes
    password: str = attrs.field(repr=False)


SecondFactorMessage: TypeAlias = (
    GetSecondFactor
    | EnrolSecondFactor
    | ConfirmSecondFactor
    | RenewRecoveryCodes
    | CompleteLogin
    | StepUpByCode
    | StepUpByPassword
)


# --- What is answered. -----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class SecondFactorState:
    """How an account is guarded."""

    active: bool
    recovery_codes_left: int


@attrs.frozen(kw_only=True)
class EnrolmentBegun:
    """What goes into the authenticator. Shown once."""

    secret: str = attrs.field(repr=False)
    uri: str = attrs.field(repr=False)
    expires_at_ns: int


@attrs.frozen(kw_only=True)
class RecoveryCodesMade:
    """Codes to keep on paper. Shown once."""

    codes: tuple[str, ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class SecondFactorNeeded:
    """The password was right; this token and a code open the session."""

    token: str = attrs.field(repr=False)
    expires_at_ns: int


@attrs.frozen(kw_only=True)
class StepUpGranted:
    """What is sent with the one request it is for."""

    token: str = attrs.field(repr=False)
    expires_at_ns: int


SecondFactorReply: TypeAlias = (
    SecondFactorState | EnrolmentBegun | RecoveryCodesMade | SecondFactorNeeded | StepUpGranted
)


# --- What is recorded. -----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class SecondFactorTurnedOn:
    """An authenticator counts from now on."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class SecondFactorTurnedOff:
    """The password is enough again."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class RecoveryCodesRenewed:
    """The account has these many fresh recovery codes, and no others."""

    account_id: AccountId
    codes: int


@attrs.frozen(kw_only=True)
class RecoveryCodeUsed:
    """One recovery code less."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class SecondFactorFailed:
    """A wrong code was given, so often in a row."""

    account_id: AccountId
    failures: int


@attrs.frozen(kw_only=True)
class SteppedUp:
    """Somebody proved afresh that they are the person, for one request."""

    account_id: AccountId
    session_id: SessionId
    method: str
    proof: Proof


SecondFactorEvent: TypeAlias = (
    SecondFactorTurnedOn
    | SecondFactorTurnedOff
    | RecoveryCodesRenewed
    | RecoveryCodeUsed
    | SecondFactorFailed
    | SteppedUp
)


# --- Fresh proofs that were not used yet: looked up by every call that needs one. -------------


@attrs.frozen(kw_only=True)
class Grant:
    """A fresh proof for one request of one session. The token is kept as a keyed hash."""

    token_hash: bytes = attrs.field(repr=False)
    session_id: SessionId
    method: str
    request_digest: bytes
    expires_at_ns: int
    proof: Proof


class StepUpGrants:
    """Grants by the hash of their token. Written by the sessions actor, used up by the edge.

    In memory only: a restart asks for another proof.
    """

    def __init__(self) -> None:
        self._grants: dict[bytes, Grant] = {}

    def __len__(self) -> int:
        return len(self._grants)

    def put(self, grant: Grant) -> None:
        """Keep a grant; beyond the limit the oldest goes."""
        if len(self._grants) >= GRANTS_MAX:
            del self._grants[next(iter(self._grants))]
        self._grants[grant.token_hash] = grant

    def use(
        self,
        token_hash: bytes,
        session_id: SessionId,
        method: str,
        request_digest: bytes,
        at_ns: int,
    ) -> Proof | None:
        """The proof of a grant for exactly this; None without. Presented once, it is gone."""
        grant = self._grants.pop(token_hash, None)
        fits = (
            grant is not None
            and grant.session_id == session_id
            and grant.method == method
            and grant.request_digest == request_digest
            and at_ns < grant.expires_at_ns
        )
        return grant.proof if grant is not None and fits else None

    def forget_session(self, session_id: SessionId) -> None:
        """Void what a session that has ended was granted."""
        for grant in [each for each in self._grants.values() if each.session_id == session_id]:
            del self._grants[grant.token_hash]
