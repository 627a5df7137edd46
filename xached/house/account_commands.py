"""What the sessions actor and the exchange ask of each other; all of it may be repeated.

Each raises Rejection, Overloaded, Expired or Closed, and then nothing was done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from xached.actors.matching import Matching
from xached.domain.aml import Alert
from xached.domain.auth import AccountProfile, GetAccount
from xached.domain.cases import CaseId, CaseKind, OpenCase
from xached.domain.compliance_messages import CloseAccount, SetAccountLevel
from xached.domain.identity import AuthMessage, AuthReply
from xached.domain.messages import OpenPurse
from xached.domain.order import MAIN, AccountId, make_purse
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Closed, Mailbox
from xached.storage.strategy_tables import StrategyTablesFailed

UNKNOWN: Final = "unknown"


async def open_main_purse(matching: Matching, account_id: AccountId) -> None:
    """Open the main purse of an account; no effect when it is open."""
    purse = make_purse(account_id, MAIN)
    await matching.execute(OpenPurse(purse=purse, simulated=False, request_id=""))


async def set_level(matching: Matching, account_id: AccountId, level: int) -> None:
    """Give an account its level; no effect when it has it."""
    command = SetAccountLevel(account_id=account_id, level=level, cause="reviewed", request_id="")
    await matching.execute(command)


async def close_account(
    matching: Matching,
    forget: Callable[[AccountId], Awaitable[None]],
    account_id: AccountId,
    forfeit: bool,
) -> None:
    """Close an account for ever and ``forget`` its strategies; no effect when it is closed."""
    await matching.execute(CloseAccount(account_id=account_id, forfeit=forfeit, request_id=""))
    try:
        await forget(account_id)
    except (StrategyTablesFailed, OSError) as error:
        raise Closed from error


async def open_alert(sessions: Mailbox[AuthMessage, AuthReply], alert: Alert) -> None:
    """Open the case of an alert; no effect when there is one. The house's own accounts have none.

    Raises: Overloaded, nothing done; Closed.
    """
    rows = ", ".join(str(seq) for seq in alert.seqs)
    message = OpenCase(
        case_id=CaseId(alert.case_key),
        account_id=alert.account_id,
        kind=CaseKind.AML,
        serious=alert.rule.serious,
        facts=f"{alert.explanation}; rows {rows}",
    )
    try:
        await sessions.ask(message)
    except Rejection as rejection:
        if rejection.reason is not Reason.UNKNOWN_ACCOUNT:
            raise


async def impediments_of(
    sessions: Mailbox[AuthMessage, AuthReply], account_id: AccountId
) -> tuple[str, ...]:
    """What stands against an account, as words; "unknown" against one that there is not."""
    try:
        profile = await sessions.ask(GetAccount(account_id=account_id))
    except Rejection:
        return (UNKNOWN,)
    assert isinstance(profile, AccountProfile)
    return tuple(each.name.lower() for each in sorted(profile.impediments))


async def impediments_of_anybody(
    sessions: Mailbox[AuthMessage, AuthReply], account_id: AccountId
) -> tuple[str, ...]:
    """What stands against an account, as words; nothing against one that is the house's own."""
    against = await impediments_of(sessions, account_id)
    return () if against == (UNKNOWN,) else against
