"""What happened to an account, as its owner reads it: an index into the stream of the vault.

The stream is the one record of what happened, and it is kept for ever; it names nobody. For each
event that is of interest to the person it is about, an entry is written in the same commit, which
says where the row is, and, sealed under the person's profile key, from where it was done. What an
entry tells is read from that row, whose link in the chain is checked. What happened before there
were entries is in the stream alone.

Entries are kept for :data:`ACTIVITY_NS`; addresses and devices go with them. An erasure takes them
all. How many a stranger can cause is bounded by the login throttle: about a hundred failed logins
a day, each minute's in one entry.
"""

from __future__ import annotations

import enum
from typing import Final, TypeAlias

import attrs

from xached.domain.order import AccountId

ACTIVITY_NS: Final = 400 * 86_400 * 1_000_000_000
"""A little more than a year, so that what comes once a year can be compared."""


class ActivityKind(enum.IntEnum):
    """What happened. The numbers are those of ``xache.v1.ActivityKind``."""

    ACCOUNT_OPENED = 1
    LOGIN = 2
    LOGINS_FAILED = 3
    SESSION_ENDED = 4
    STEP_UP = 5
    CODE_WRONG = 6
    SECOND_FACTOR_ON = 7
    SECOND_FACTOR_OFF = 8
    RECOVERY_CODES_MADE = 9
    RECOVERY_CODE_USED = 10
    KEY_MADE = 11
    KEY_ENDED = 12
    PASSWORD_CHANGED = 13
    PASSWORD_RECOVERED = 14
    RECOVERY_ASKED = 15
    EMAIL_CONFIRMED = 16
    EMAIL_CHANGE_BEGUN = 17
    CHANGE_ASKED = 18
    CHANGE_TAKEN_BACK = 19
    CHANGE_MADE = 20
    IMPEDIMENT_SET = 21
    IMPEDIMENT_LIFTED = 22
    ROLE_GIVEN = 23
    ROLE_TAKEN = 24
    DATA_EXPORTED = 25
    ERASURE_ASKED = 26
    ERASURE_TAKEN_BACK = 27
    LEVEL_APPLIED = 28
    DOCUMENT_UPLOADED = 29
    PROFILE_CHANGED = 30


@attrs.frozen(kw_only=True)
class Origin:
    """Where a message to the sessions actor comes from."""

    address: str = attrs.field(repr=False)
    """Such as ``ipv4:192.0.2.1``."""
    session_id: str = ""
    """Empty where nobody is signed in, or a key signed the request."""
    key_id: str = ""


@attrs.frozen(kw_only=True)
class ActivityEntry:
    """Where the stream says something about an account, as it is stored."""

    entry_id: str
    """``account id/seq``, with leading zeros: in the order of the stream."""
    account_id: AccountId
    seq: int
    kind: ActivityKind
    at_ns: int
    origin_sealed: bytes | None = attrs.field(repr=False)
    """Address and device in JSON; None where nobody was there, as when a session expires."""


def entry_id(account_id: AccountId, seq: int) -> str:
    """The key of an entry."""
    return f"{account_id}/{seq:019d}"


@attrs.frozen(kw_only=True)
class ListActivity:
    """Tell what happened to an account, newest first. Answer: ActivityPage."""

    account_id: AccountId
    kinds: frozenset[ActivityKind]
    """Empty: all."""
    since_ns: int
    before: int | None
    """The cursor of the last page."""
    limit: int


@attrs.frozen(kw_only=True)
class Activity:
    """One thing that happened."""

    kind: ActivityKind
    at_ns: int
    subject: str
    """What it is about: a session, a key, a method, or the name of a cause, change or role."""
    count: int
    """How often; 1 for all that is not counted."""
    by_house: bool
    """Somebody with a role of the house did it."""
    address: str = attrs.field(repr=False)
    device: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ActivityPage:
    """Some of it, and where to go on; None: that is all."""

    entries: tuple[Activity, ...]
    next_before: int | None


ActivityMessage: TypeAlias = ListActivity
ActivityReply: TypeAlias = ActivityPage
ActivityRow: TypeAlias = ActivityEntry
