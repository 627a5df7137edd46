"""What administrators ask about all accounts, and of the audit. None of it names a person."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from xached.domain.audit import ActionAsked, CallsDenied, LoginsFailed
from xached.domain.auth import Impediment, Role
from xached.domain.order import AccountId


@attrs.frozen(kw_only=True)
class ListAccounts:
    """List accounts in the order of their ids. Answer: AccountPage."""

    role: Role | None
    """None: of any."""
    impediment: Impediment | None
    after: str
    """The last account that was told; empty at the beginning."""
    limit: int


@attrs.frozen(kw_only=True)
class CountAccounts:
    """Count accounts and what waits for somebody. Answer: AccountCounts."""


@attrs.frozen(kw_only=True)
class ReadAudit:
    """Read a piece of the audit, newest first. Answer: AuditPage."""

    before_seq: int | None
    """None: from the newest on."""


OversightMessage: TypeAlias = ListAccounts | CountAccounts | ReadAudit


@attrs.frozen(kw_only=True)
class AccountSummary:
    """An account without its person."""

    account_id: AccountId
    roles: frozenset[Role]
    impediments: frozenset[Impediment]
    created_at_ns: int
    sessions: int


@attrs.frozen(kw_only=True)
class AccountPage:
    """Accounts; ``more``: there are others after them."""

    accounts: tuple[AccountSummary, ...]
    more: bool


@attrs.frozen(kw_only=True)
class AccountCounts:
    """How many there are."""

    accounts: int
    opened_1d: int
    opened_7d: int
    opened_30d: int
    unverified: int
    frozen: int
    suspended: int
    second_factors: int
    sessions: int
    signed_in: int
    api_keys: int
    roles: tuple[tuple[Role, int], ...]
    applications: int
    open_cases: int
    erasures_due: int


AuditEntryEvent: TypeAlias = ActionAsked | LoginsFailed | CallsDenied


@attrs.frozen(kw_only=True)
class AuditEntry:
    """Something that the audit tells, with how it ended where it is an action."""

    seq: int
    at_ns: int
    event: AuditEntryEvent
    outcome: str = ""
    """Empty while it is not over, and where it was cut off."""
    journal_seq: int = 0


@attrs.frozen(kw_only=True)
class AuditPage:
    """Entries, newest first; ``before_seq`` asks for what was earlier, None: nothing was."""

    entries: tuple[AuditEntry, ...]
    before_seq: int | None


OversightReply: TypeAlias = AccountPage | AccountCounts | AuditPage
