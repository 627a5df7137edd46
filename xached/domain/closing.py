"""Closing an account for ever: only when nothing in it is open any more.

What is left of its money is either nothing, or goes to the house because its owner said so: dust
that no order can trade keeps nobody here. It is an event of its own, so that the books go on
summing to zero and every statement shows where the money went.
"""

from __future__ import annotations

from typing import assert_never

from xached.domain.compliance_messages import (
    AccountClosed,
    CloseAccount,
    FundsForfeited,
)
from xached.domain.levels import unknown_account
from xached.domain.messages import Event
from xached.domain.money import format_units
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import PurseState, State


def decide_close(state: State, command: CloseAccount) -> tuple[Event, ...]:
    """Close an account. Raises: Rejection UNKNOWN_ACCOUNT, BALANCES_OPEN."""
    account = state.accounts.get(command.account_id)
    if account is None:
        raise unknown_account(command.account_id)
    if account.closed:
        return ()
    check_closable(state, command.account_id, forfeit=command.forfeit)
    left = tuple(
        FundsForfeited(purse=name, asset=asset, amount_units=available)
        for name in account.purses
        for asset, available, _ in state.ledger.balances(name)
        if available
    )
    return *left, AccountClosed(account_id=command.account_id)


def check_closable(state: State, account_id: AccountId, *, forfeit: bool) -> None:
    """Refuse to close what is not over. Raises: Rejection UNKNOWN_ACCOUNT, BALANCES_OPEN."""
    account = state.accounts.get(account_id)
    if account is None:
        raise unknown_account(account_id)
    orders = sum(len(state.purses[name].open_orders) for name in account.purses)
    if orders:
        raise _open(f"{orders} open orders", "an account without open orders")
    if forfeit:
        return
    for name in account.purses:
        for asset, available, _ in state.ledger.balances(name):
            if available:
                amount = format_units(available, state.assets[asset].scale)
                raise _open(
                    f"{amount} {asset} in {name.partition('/')[2]}",
                    "an empty account, or one whose rest is given up",
                )


def apply_close(state: State, event: FundsForfeited | AccountClosed) -> None:
    """Write that money went to the house, or that the account is closed."""
    match event:
        case FundsForfeited():
            state.ledger.forfeit(event.purse, event.asset, event.amount_units)
        case AccountClosed():
            account = state.accounts[event.account_id]
            account.closed = True
            for name in account.purses:
                state.purses[name].positions.clear()
        case _:
            assert_never(event)


def check_not_closed(purse: PurseState) -> None:
    """Refuse whatever would bring life to a closed account. Raises: Rejection ACCOUNT_CLOSED."""
    if purse.account.closed:
        raise Rejection(
            Reason.ACCOUNT_CLOSED,
            "the account is closed",
            field="account_id",
            allowed="an account that is open",
        )


def _open(given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.BALANCES_OPEN,
        "something in the account is not over",
        field="account_id",
        given=given,
        allowed=allowed,
    )
