"""What the sessions actor asks of the exchange: commands that may be repeated at any time.

Each raises Rejection, Overloaded, Expired or Closed, and then nothing was done.
"""

from __future__ import annotations

from xached.actors.matching import Matching
from xached.domain.compliance_messages import CloseAccount, SetAccountLevel
from xached.domain.messages import OpenPurse
from xached.domain.order import MAIN, AccountId, make_purse


async def open_main_purse(matching: Matching, account_id: AccountId) -> None:
    """Open the main purse of an account; no effect when it is open."""
    purse = make_purse(account_id, MAIN)
    await matching.execute(OpenPurse(purse=purse, simulated=False, request_id=""))


async def set_level(matching: Matching, account_id: AccountId, level: int) -> None:
    """Give an account its level; no effect when it has it."""
    command = SetAccountLevel(account_id=account_id, level=level, cause="reviewed", request_id="")
    await matching.execute(command)


async def close_account(matching: Matching, account_id: AccountId, forfeit: bool) -> None:
    """Close an account for ever; no effect when it is closed."""
    await matching.execute(CloseAccount(account_id=account_id, forfeit=forfeit, request_id=""))
