"""Trade groups: accounts of one owner, between which a trade is a self-trade too."""

from __future__ import annotations

from xached.domain.messages import Event
from xached.domain.order import Purse, account_of, check_id
from xached.domain.protection_messages import SetTradeGroup, TradeGroupSet
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import State


def own_prefixes(state: State, purse: Purse) -> str | tuple[str, ...]:
    """What the purses begin with whose orders are one's own: of the account, or of its group."""
    prefix = purse[: purse.index("/") + 1]
    if not state.trade_groups:
        return prefix
    group = state.trade_groups.get(account_of(purse))
    if group is None:
        return prefix
    return tuple(f"{member}/" for member, other in state.trade_groups.items() if other == group)


def owner_of(state: State, purse: Purse) -> str:
    """One text for all purses of an owner, and another for every other owner's."""
    account_id = account_of(purse)
    group = state.trade_groups.get(account_id)
    return f"{account_id}/" if group is None else f"group {group}"


def decide_trade_group(state: State, command: SetTradeGroup) -> tuple[Event, ...]:
    """Put an account into a trade group, or take it out. Raises: Rejection."""
    if command.account_id not in state.accounts:
        raise Rejection(
            Reason.UNKNOWN_ACCOUNT,
            "no such account has a purse",
            field="account_id",
            given=command.account_id[:40],
            allowed="an account with an open purse",
        )
    if command.group is not None:
        check_id(command.group, "group")
    if state.trade_groups.get(command.account_id) == command.group:
        return ()
    return (TradeGroupSet(account_id=command.account_id, group=command.group, cause=command.cause),)


def apply_trade_group(state: State, event: TradeGroupSet) -> None:
    """Write which group an account is in."""
    state.trade_groups.pop(event.account_id, None)
    if event.group is not None:
        state.trade_groups[event.account_id] = event.group
