"""Operators: people with a role of the house, as they name and prove themselves to its own door.

There an operator need not be logged in. Who they are is said by a session, by a name with a code,
or by a certificate; that they are there, by a code of their authenticator for each thing that moves
money or rights. The code is one of the second factor: it works once, whatever for.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from xached.domain.auth import Impediment, Role, Scope, SessionId
from xached.domain.order import AccountId


@attrs.frozen(kw_only=True)
class FindOperator:
    """Find somebody with a role of the house. Answer: OperatorFound.

    ``name`` is an account id or an e-mail address.
    """

    name: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ProveOperator:
    """Use a code up for one call. Answer: OperatorProven; a wrong code is recorded all the same."""

    account_id: AccountId
    session_id: SessionId
    """Empty where there is none."""
    method: str
    code: str = attrs.field(repr=False)
    address: str = attrs.field(repr=False)


OperatorMessage: TypeAlias = FindOperator | ProveOperator


@attrs.frozen(kw_only=True)
class OperatorFound:
    """Who it is, and what they may do."""

    account_id: AccountId
    roles: frozenset[Role]
    scopes: frozenset[Scope]
    impediments: frozenset[Impediment]


@attrs.frozen(kw_only=True)
class OperatorProven:
    """The code was right, and is used up."""


OperatorReply: TypeAlias = OperatorFound | OperatorProven
