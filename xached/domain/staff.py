"""What the staff may ask about accounts. Every look at personal data is recorded."""

from __future__ import annotations

from typing import TypeAlias

import attrs

from xached.domain.auth import Role
from xached.domain.order import AccountId


@attrs.frozen(kw_only=True)
class FindAccount:
    """Find an account by its id or its address; one of them. Recorded. Answer: AccountCard."""

    account_id: AccountId
    email: str = attrs.field(repr=False)
    by: AccountId


StaffMessage: TypeAlias = FindAccount


@attrs.frozen(kw_only=True)
class AccountCard:
    """What support sees of an account; ``email`` is empty once it is erased."""

    account_id: AccountId
    email: str = attrs.field(repr=False)
    roles: frozenset[Role]
    created_at_ns: int
    sessions: int
    open_cases: int
    erasure_due_at_ns: int


StaffReply: TypeAlias = AccountCard
