"""Reduce-only orders: together they sell no more of a purse's position than there is.

A new one is refused beyond that. When the position shrinks otherwise, an internal step takes the
excess off the open ones, the newest first.
"""

from __future__ import annotations

from xached.domain.amending import reduced
from xached.domain.cancelling import ended
from xached.domain.instrument import Instrument, Symbol
from xached.domain.messages import Event, PlaceOrder
from xached.domain.order import EndReason, Order, Purse
from xached.domain.reducing_state import excess_lots
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import PurseState, State


def check_reduce_only(
    state: State,
    instrument: Instrument,
    purse: PurseState,
    command: PlaceOrder,
    replaced: Order | None,
) -> None:
    """Refuse what would sell more than the position less other reduce-only orders.

    Raises: Rejection REDUCE_ONLY.
    """
    assert command.quantity_lots is not None, "of a reduce-only order, by its form"
    most = -excess_lots(state, purse, command.symbol)
    if replaced is not None and replaced.reduce_only:
        most += replaced.leaves_lots
    if command.quantity_lots > most:
        nearest = instrument.format_quantity(max(0, most))
        raise Rejection(
            Reason.REDUCE_ONLY,
            "the position, less other reduce-only orders, is smaller",
            field="quantity",
            given=instrument.format_quantity(command.quantity_lots),
            allowed=f"at most {nearest}",
            nearest=nearest,
        )


def trim(state: State, name: Purse, symbol: Symbol) -> tuple[Event, ...]:
    """Take the excess off the newest reduce-only orders."""
    market, purse = state.markets[symbol], state.purses[name]
    left = excess_lots(state, purse, symbol)
    events: list[Event] = []
    for order_id in reversed(purse.reducing[symbol]):
        if left <= 0:
            break
        order = state.orders[order_id]
        lots = min(left, order.leaves_lots)
        left -= lots
        if lots == order.leaves_lots:
            events.append(ended(order, EndReason.REDUCE_ONLY))
        else:
            events.append(reduced(market, order, lots, EndReason.REDUCE_ONLY))
    return tuple(events)
