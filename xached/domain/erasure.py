"""Erasure and retention: how a person leaves, and how the house forgets them.

Theory of operation. A person asks and is told by letter; after a delay, in which they can take it
back and somebody who stole a session is found out (a freeze or a recovery of the account takes it
back too), the house carries it out: the account is closed in the exchange, its
sessions end, its profile key is destroyed and every row that nothing obliges the house to keep is
dropped. What the law wants kept (who they were, their papers, cases) stays sealed under their
compliance key until retention ends; then that key is destroyed and those rows go too. Rows of the
journal and of the stream name an opaque account id and stay, so that sums and chains hold.

An account with money, open orders or an undecided case cannot leave: the request is refused, and
says what is open; one whose account fills up during the delay waits until it is empty again.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from xached.domain.auth import Done
from xached.domain.order import AccountId

DAY_NS = 86_400 * 1_000_000_000
ERASURE_DELAY_NS = 14 * DAY_NS
RETENTION_NS = 5 * 365 * DAY_NS + DAY_NS
"""Five years after the end of the business relationship: Directive (EU) 2015/849, article 40."""


@attrs.frozen(kw_only=True)
class ErasureRequest:
    """An account is to be erased at ``due_at_ns``, as it is stored.

    ``forfeit`` 1: its owner agreed that what is left of its money then goes to the house.
    """

    account_id: AccountId
    requested_at_ns: int
    due_at_ns: int
    forfeit: int


@attrs.frozen(kw_only=True)
class Retention:
    """An erased account, whose compliance key is kept until ``ends_at_ns``."""

    account_id: AccountId
    erased_at_ns: int
    ends_at_ns: int


ErasureRow: TypeAlias = ErasureRequest | Retention


@attrs.frozen(kw_only=True)
class RequestErasure:
    """Ask for one's erasure. Answer: ErasureRequest."""

    account_id: AccountId
    forfeit: bool


@attrs.frozen(kw_only=True)
class CancelErasure:
    """Take it back. Answer: Done."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class ExportAccount:
    """Everything the vault holds of an account, opened. Recorded. Answer: AccountExport."""

    account_id: AccountId


ErasureMessage: TypeAlias = RequestErasure | CancelErasure | ExportAccount


@attrs.frozen(kw_only=True)
class ExportedRow:
    """One row of the vault: (column, text) of what is the person's to know."""

    table: str
    fields: tuple[tuple[str, str], ...] = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class AccountExport:
    """What the vault holds of an account, and the documents that are whole."""

    rows: tuple[ExportedRow, ...]


ErasureReply: TypeAlias = ErasureRequest | Done | AccountExport


@attrs.frozen(kw_only=True)
class ErasureRequested:
    """A person asked for their erasure."""

    account_id: AccountId
    due_at_ns: int


@attrs.frozen(kw_only=True)
class ErasureCanceled:
    """They took it back."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class AccountErased:
    """The profile key was destroyed; the compliance key is kept until then."""

    account_id: AccountId
    retention_ends_at_ns: int


@attrs.frozen(kw_only=True)
class RetentionEnded:
    """The compliance key was destroyed: nothing about the person can be read any more."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class AccountExported:
    """A person was given all that the house holds of them."""

    account_id: AccountId


ErasureEvent: TypeAlias = (
    ErasureRequested | ErasureCanceled | AccountErased | RetentionEnded | AccountExported
)
