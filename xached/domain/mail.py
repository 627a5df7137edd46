"""Letters to people, and the outbox they wait in until a mail server has taken them.

A letter is put in the outbox in the same commit as what it tells of, so that neither is ever there
without the other. From then on it is sent at least once: after a crash or a lost answer it is sent
again under the same Message-ID. It is given up when the server refuses it for good, or when its
time is over: nobody needs a code that has expired.
"""

from __future__ import annotations

import enum
from typing import Final, TypeAlias

import attrs

from xached.domain.order import AccountId

MINUTE_NS: Final = 60 * 1_000_000_000
HOUR_NS: Final = 60 * MINUTE_NS

CODE_AGE_NS_MAX: Final = HOUR_NS
"""How long a code in a letter works."""

NOTICE_AGE_NS_MAX: Final = 72 * HOUR_NS
"""How long a notice is tried: over a weekend without a mail server."""

OUTBOX_MAX: Final = 10_000
"""Letters that may wait. Beyond it no codes are sent; a person who asks is told to come back."""

RETRY_NS_MIN: Final = 15 * 1_000_000_000
RETRY_NS_MAX: Final = 30 * MINUTE_NS


class LetterKind(enum.IntEnum):
    """What a letter is about."""

    CONFIRM = 1
    """A code that confirms an address."""
    ALREADY_REGISTERED = 2
    """Somebody wants to register an address that has an account."""
    RECOVER = 3
    """A code that sets a new password."""
    SECURITY = 4
    """Something that guards the account has changed."""
    EMAIL_CHANGE = 5
    """The address is about to be another one; the letter can stop it."""


class MailVerdict(enum.IntEnum):
    """What became of a letter."""

    DELIVERED = 1
    REFUSED = 2
    """The server will never take it."""
    TOO_LATE = 3
    """Its time was over before a server took it."""


@attrs.frozen(kw_only=True)
class Letter:
    """What is written to a person."""

    kind: LetterKind
    subject: str
    text: str = attrs.field(repr=False)
    age_ns_max: int = NOTICE_AGE_NS_MAX


@attrs.frozen(kw_only=True)
class WaitingMail:
    """A letter in the outbox, as it is stored. Recipient and content are sealed."""

    mail_id: str
    account_id: AccountId
    """Empty for somebody who has none yet."""
    kind: LetterKind
    sealed: bytes = attrs.field(repr=False)
    created_at_ns: int
    due_at_ns: int
    tries: int
    expires_at_ns: int


@attrs.frozen(kw_only=True)
class OpenMail:
    """A letter from the outbox, ready to be sent."""

    mail_id: str
    recipient: str = attrs.field(repr=False)
    subject: str
    text: str = attrs.field(repr=False)
    created_at_ns: int


def retry_at_ns(tries: int, at_ns: int) -> int:
    """When a letter is tried again that could not be sent ``tries`` times."""
    assert tries >= 1
    return at_ns + min(RETRY_NS_MIN << min(tries - 1, 16), RETRY_NS_MAX)


# --- What the mailer asks the sessions actor. ------------------------------------------------


@attrs.frozen(kw_only=True)
class CollectMail:
    """What is to be sent now. Answer: MailBatch."""

    limit: int


@attrs.frozen(kw_only=True)
class SettleMail:
    """A letter was sent, or never will be. Answer: MailNoted."""

    mail_id: str
    verdict: MailVerdict


@attrs.frozen(kw_only=True)
class DelayMail:
    """A letter could not be sent now. Answer: MailNoted."""

    mail_id: str


MailMessage: TypeAlias = CollectMail | SettleMail | DelayMail


@attrs.frozen(kw_only=True)
class MailBatch:
    """Letters to send, oldest first, and when to ask again; None: when the bell rings."""

    letters: tuple[OpenMail, ...]
    next_due_at_ns: int | None


@attrs.frozen(kw_only=True)
class MailNoted:
    """The outbox knows."""


MailReply: TypeAlias = MailBatch | MailNoted


# --- What is recorded. -----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class MailQueued:
    """A letter was put in the outbox."""

    mail_id: str
    account_id: AccountId
    kind: LetterKind


@attrs.frozen(kw_only=True)
class MailSettled:
    """A letter left the outbox."""

    mail_id: str
    verdict: MailVerdict


MailEvent: TypeAlias = MailQueued | MailSettled
