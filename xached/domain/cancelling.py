"""Ending open orders: one by one, many at once, and by a dead-man's switch.

Theory of operation of the switch: a purse arms it and must renew it before its time; then nobody
is there any more, and its orders are cancelled. The time is state, so that a switch whose time
ran out while the daemon was down fires when it is up again. Once fired it is off.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Final, assert_never

from xached.domain.messages import CancelAll, Event, OrderEnded
from xached.domain.order import (
    BUY,
    CANCELED,
    EXPIRED,
    CancelScope,
    EndReason,
    LegRole,
    Order,
    Purse,
)
from xached.domain.protection_messages import (
    CancelAllAfter,
    DeadManFired,
    DeadManSet,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import DeadMan, State

TIMEOUT_NS_MIN = 1_000_000_000
TIMEOUT_NS_MAX = 86_400 * 1_000_000_000
"""A day, as Kraken allows for the same."""
NS_PER_MS = 1_000_000

_TIME: Final = EndReason.TIME
_INSTRUMENT: Final = EndReason.INSTRUMENT


def ended(order: Order, reason: EndReason) -> OrderEnded:
    """The end of an open order for a reason that is not a trade's."""
    return OrderEnded(  # Fields by position: see frozen.py.
        order.order_id,
        order.client_order_id,
        order.purse,
        order.symbol,
        order.side,
        EXPIRED if reason is _TIME or reason is _INSTRUMENT else CANCELED,
        reason,
        order.executed_lots,
        order.held_units,
    )


def decide_cancel_all(state: State, command: CancelAll) -> tuple[Event, ...]:
    """Cancel the orders of a purse, or those in one market, oldest first. Raises: Rejection."""
    purse = state.purse(command.purse)
    if command.symbol is not None:
        state.market(command.symbol)
    orders = (
        state.orders[order_id]
        for order_id, symbol in purse.open_orders.items()
        if command.symbol is None or symbol == command.symbol
    )
    return tuple(ended(order, command.reason) for order in in_scope(orders, command.scope))


def in_scope(orders: Iterable[Order], scope: CancelScope) -> Iterable[Order]:
    """The orders that a scope lets be cancelled.

    Spot positions are long, so what would open or increase one is what buys; the children of a
    list are its own affair.
    """
    if scope is CancelScope.ALL:
        return orders
    return (
        order
        for order in orders
        if order.side is BUY and (order.leg is None or order.leg.role is not LegRole.CHILD)
    )


def decide_dead_man(state: State, command: CancelAllAfter, at_ns: int) -> tuple[Event, ...]:
    """Arm, renew or disarm the dead-man's switch of a purse. Raises: Rejection."""
    purse = state.purse(command.purse)
    if command.timeout_ns == 0:
        if purse.dead_man is None:
            return ()
        return (DeadManSet(purse=command.purse, fires_at_ns=None, scope=command.scope),)
    if not TIMEOUT_NS_MIN <= command.timeout_ns <= TIMEOUT_NS_MAX:
        raise Rejection(
            Reason.AMOUNT_RANGE,
            "the time-out is outside the allowed range",
            field="timeout_ms",  # As it is asked for, in milliseconds.
            given=str(command.timeout_ns // NS_PER_MS),
            allowed=f"0, or {TIMEOUT_NS_MIN // NS_PER_MS} to {TIMEOUT_NS_MAX // NS_PER_MS}",
        )
    fires_at_ns = at_ns + command.timeout_ns
    return (DeadManSet(purse=command.purse, fires_at_ns=fires_at_ns, scope=command.scope),)


def fire(state: State, purse: Purse) -> tuple[Event, ...]:
    """Cancel what the switch of a purse is for."""
    found = state.purses[purse]
    assert found.dead_man is not None
    orders = (state.orders[order_id] for order_id in found.open_orders)
    return (
        DeadManFired(purse=purse),
        *(ended(order, EndReason.DEAD_MAN) for order in in_scope(orders, found.dead_man.scope)),
    )


def apply_dead_man(state: State, event: DeadManSet | DeadManFired) -> None:
    """Write when the switch of a purse fires, or that it is off."""
    purse = state.purses[event.purse]
    if purse.dead_man is not None:
        entry = (purse.dead_man.fires_at_ns, event.purse)
        del state.dead_men[bisect_left(state.dead_men, entry)]
        purse.dead_man = None
    match event:
        case DeadManSet():
            if event.fires_at_ns is not None:
                purse.dead_man = DeadMan(event.fires_at_ns, event.scope)
                insort(state.dead_men, (event.fires_at_ns, event.purse))
        case DeadManFired():
            pass
        case _:
            assert_never(event)
