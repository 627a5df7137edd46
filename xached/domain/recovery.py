"""Proving that an address is one's own: to open an account, to set a new password, to change it.

Whoever asks is given a token at once, and a code goes to the address. Both are needed: with the
token alone an address cannot be claimed, and the code alone, in a mailbox, belongs to nobody's
request. The answer and the work are the same whether the address is known or not; only what is
written to the address differs, and only its owner can see that.
"""

from __future__ import annotations

import enum
from typing import Final, TypeAlias

import attrs

from xached.domain.auth import SessionId
from xached.domain.mail import CODE_AGE_NS_MAX, HOUR_NS, MINUTE_NS
from xached.domain.order import AccountId

PROOF_NS_MAX: Final = CODE_AGE_NS_MAX
CODE_TRIES: Final = 5
RESENDS: Final = 4
RESEND_AFTER_NS: Final = MINUTE_NS
PROOFS_MAX: Final = 20_000
"""Requests that wait for their code; beyond it nobody can begin another."""

LETTERS_PER_HOUR: Final = 5
"""Codes that one address is sent in an hour, whoever asks."""

LETTERS_WINDOW_NS: Final = HOUR_NS
ADDRESSES_REMEMBERED_MAX: Final = 50_000


class ProofPurpose(enum.IntEnum):
    """What a code from a letter is for."""

    REGISTER = 1
    RECOVER = 2
    CHANGE_EMAIL = 3
    VERIFY_EMAIL = 4


@attrs.frozen(kw_only=True)
class EmailProof:
    """A request that waits for its code, as it is stored. Neither token nor code can be had."""

    proof_id: bytes = attrs.field(repr=False)
    """Keyed hash of the token."""
    account_id: AccountId
    """Empty for who is not known, and for requests that nothing can come of."""
    purpose: ProofPurpose
    sealed: bytes = attrs.field(repr=False)
    """Address, and the password's hash where an account is to be opened."""
    code_hash: bytes = attrs.field(repr=False)
    tries_left: int
    resends_left: int
    sent_at_ns: int
    expires_at_ns: int


# --- What is asked. --------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ConfirmRegistration:
    """Open the account that was asked for. Answer: AccountOpened."""

    token: str = attrs.field(repr=False)
    code: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ResendCode:
    """Send another code; the one before is void. Answer: ProofBegun with the same token."""

    token: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class StartRecovery:
    """Ask for a code to set a new password. Answer: ProofBegun, for every address."""

    email: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class FinishRecovery:
    """Set a new password; all sessions end. Needs a hash. Answer: Done."""

    token: str = attrs.field(repr=False)
    code: str = attrs.field(repr=False)
    password: str = attrs.field(repr=False)
    second_factor_code: str = attrs.field(repr=False)
    """Asked for where the account has a second factor: a mailbox does not stand in for it."""
    address: str = attrs.field(default="", repr=False)
    """From where."""


@attrs.frozen(kw_only=True)
class ChangePassword:
    """Set another password, knowing the old one; other sessions end. Answer: Done."""

    account_id: AccountId
    session_id: SessionId
    old_password: str = attrs.field(repr=False)
    new_password: str = attrs.field(repr=False)


HashedRecoveryMessage: TypeAlias = FinishRecovery | ChangePassword
RecoveryMessage: TypeAlias = (
    ConfirmRegistration | ResendCode | StartRecovery | FinishRecovery | ChangePassword
)


# --- What is answered. -----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ProofBegun:
    """A code is on its way, if the address is one that gets it."""

    token: str = attrs.field(repr=False)
    expires_at_ns: int


# --- What is recorded. -----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class EmailConfirmed:
    """The address of an account was proved to be its owner's."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class PasswordChanged:
    """An account has another password."""

    account_id: AccountId
    recovered: bool
    """By a code from a letter, rather than by the old password."""


@attrs.frozen(kw_only=True)
class RecoveryAsked:
    """A code to set a new password went to an account's address."""

    account_id: AccountId


RecoveryEvent: TypeAlias = EmailConfirmed | PasswordChanged | RecoveryAsked
