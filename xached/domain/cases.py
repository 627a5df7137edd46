"""Cases: what somebody of the staff must look at, and how it comes to an end.

Theory of operation::

    OPEN  --assigned-->  ASSIGNED  --decided by the assignee-->  CLOSED
                         ASSIGNED  --decided, serious-->  PROPOSED
                         PROPOSED  --same outcome, by somebody else-->  CLOSED
                         PROPOSED  --another outcome, by somebody else-->  ASSIGNED to them

A case can be assigned anew while it is not closed; whoever proposed cannot confirm, and nobody
works on a case about themselves.
"""

from __future__ import annotations

import enum
from typing import NewType, TypeAlias

import attrs

from xached.domain.auth import Done
from xached.domain.kyc import four_eyes
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.screening import WatchlistEntry

CaseId = NewType("CaseId", str)

NOBODY = AccountId("")
CASES_PAGE_MAX = 200


class CaseKind(enum.IntEnum):
    """What a case is about. The numbers are those of ``xache.v1.CaseKind``."""

    SCREENING = 1
    AML = 2


class CaseState(enum.IntEnum):
    """Where a case is. The numbers are those of ``xache.v1.CaseState``."""

    OPEN = 1
    ASSIGNED = 2
    PROPOSED = 3
    CLOSED = 4


class CaseOutcome(enum.IntEnum):
    """How a case was decided. The numbers are those of ``xache.v1.CaseOutcome``."""

    NONE = 0
    FALSE_ALARM = 1
    CONFIRMED = 2


@attrs.frozen(kw_only=True)
class Case:
    """A case, as it is stored. ``serious`` is 0 or 1; nobody is an empty account id."""

    case_id: CaseId
    account_id: AccountId
    kind: CaseKind
    state: CaseState
    serious: int
    outcome: CaseOutcome
    assignee: AccountId
    proposed_by: AccountId
    decided_by: AccountId
    facts_sealed: bytes = attrs.field(repr=False)
    reason_sealed: bytes = attrs.field(repr=False)
    opened_at_ns: int
    closed_at_ns: int


CaseRow: TypeAlias = Case | WatchlistEntry


# --- What is asked. ----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class OpenCase:
    """Open a case, once for each id. Answer: Done."""

    case_id: CaseId
    account_id: AccountId
    kind: CaseKind
    serious: bool
    facts: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ListCases:
    """Cases that are not closed, oldest first; of one account, if named. Answer: CaseQueue."""

    account_id: AccountId = NOBODY


@attrs.frozen(kw_only=True)
class ViewCase:
    """Show a case with its facts. Recorded. Answer: CaseView."""

    case_id: CaseId
    by: AccountId


@attrs.frozen(kw_only=True)
class AssignCase:
    """Give a case to one of the staff. Answer: Case."""

    case_id: CaseId
    assignee: AccountId
    by: AccountId


@attrs.frozen(kw_only=True)
class DecideCase:
    """Decide a case. Answer: Case."""

    case_id: CaseId
    by: AccountId
    outcome: CaseOutcome
    reason: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class ImportWatchlist:
    """Take a list in, in place of the one of this name, and screen everybody. Answer: Imported."""

    watchlist: str
    content: str = attrs.field(repr=False)
    by: AccountId


CaseMessage: TypeAlias = OpenCase | ListCases | ViewCase | AssignCase | DecideCase | ImportWatchlist


# --- What is answered. -------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class CaseQueue:
    """Cases, oldest first."""

    cases: tuple[Case, ...]


@attrs.frozen(kw_only=True)
class CaseView:
    """A case as whoever works on it sees it. ``reason`` is of the last decision."""

    case: Case
    facts: str = attrs.field(repr=False)
    reason: str = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class Imported:
    """A list is in force; everybody is screened by it from now on."""

    entries: int


CaseReply: TypeAlias = Done | CaseQueue | CaseView | Case | Imported


# --- What happened. No personal data. ----------------------------------------------------------


@attrs.frozen(kw_only=True)
class CaseOpened:
    """Somebody must look at an account."""

    case_id: CaseId
    account_id: AccountId
    kind: CaseKind
    serious: bool


@attrs.frozen(kw_only=True)
class CaseAssigned:
    """A case is somebody's."""

    case_id: CaseId
    assignee: AccountId
    by: AccountId


@attrs.frozen(kw_only=True)
class CaseDecided:
    """Somebody decided a case; ``state`` is what follows."""

    case_id: CaseId
    by: AccountId
    outcome: CaseOutcome
    state: CaseState


@attrs.frozen(kw_only=True)
class WatchlistImported:
    """A list is in force in place of the one of its name; ``digest`` is of its text."""

    watchlist: str
    entries: int
    digest: bytes
    by: AccountId


CaseEvent: TypeAlias = CaseOpened | CaseAssigned | CaseDecided | WatchlistImported


# --- The rules. --------------------------------------------------------------------------------


def assign(case: Case, assignee: AccountId) -> Case:
    """The case when it is somebody's. Raises: Rejection CASE_STATE, FOUR_EYES."""
    _check_open(case)
    if assignee == case.account_id:
        raise four_eyes("nobody works on a case about themselves")
    state = CaseState.ASSIGNED if case.state is CaseState.OPEN else case.state
    return attrs.evolve(case, state=state, assignee=assignee)


def decide(case: Case, by: AccountId, outcome: CaseOutcome, at_ns: int) -> Case:
    """The case after a decision. Raises: Rejection CASE_STATE, FOUR_EYES, FIELD_REQUIRED."""
    _check_open(case)
    if by == case.account_id:
        raise four_eyes("nobody works on a case about themselves")
    if outcome is CaseOutcome.NONE:
        raise Rejection(Reason.FIELD_REQUIRED, "say how the case is decided", field="outcome")
    if case.state is CaseState.PROPOSED:
        if by == case.proposed_by:
            raise four_eyes("whoever proposed the outcome cannot confirm it")
        if outcome is not case.outcome:
            return attrs.evolve(
                case,
                state=CaseState.ASSIGNED,
                assignee=by,
                outcome=CaseOutcome.NONE,
                proposed_by=NOBODY,
            )
        return attrs.evolve(case, state=CaseState.CLOSED, decided_by=by, closed_at_ns=at_ns)
    if case.assignee != by:
        raise Rejection(
            Reason.CASE_STATE,
            "the case is not yours",
            field="case_id",
            given=case.state.name,
            allowed="a case that is assigned to you",
        )
    if case.serious:
        return attrs.evolve(case, state=CaseState.PROPOSED, outcome=outcome, proposed_by=by)
    return attrs.evolve(
        case, state=CaseState.CLOSED, outcome=outcome, decided_by=by, closed_at_ns=at_ns
    )


def _check_open(case: Case) -> None:
    if case.state is CaseState.CLOSED:
        raise Rejection(
            Reason.CASE_STATE,
            "the case is closed",
            field="case_id",
            given=case.state.name,
            allowed="a case that is not closed",
        )
