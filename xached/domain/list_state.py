"""Writing what happened to lists, and noting which have to follow what happened to an order.

Total: what was decided always fits.
"""

from __future__ import annotations

from xached.domain.list_messages import (
    ChildActivated,
    HoldMoved,
    ListAccepted,
    ListFollowed,
    ListStep,
    OrderResized,
    fold_list_step,
    touched_by,
)
from xached.domain.order import LegRole, Order
from xached.domain.order_list import OrderList
from xached.domain.state import State


def apply_list_step(state: State, event: ListStep, seq: int, at_ns: int) -> None:
    """Orders of a list changed because of each other."""
    for order_id in touched_by(event):
        fold_list_step(state.orders[order_id], event, seq, at_ns)
    match event:
        case ListAccepted():
            state.lists[event.list_id] = OrderList(
                kind=event.kind,
                activation=event.activation,
                purse=event.purse,
                symbol=event.symbol,
                order_ids=event.order_ids,
                quantity_lots=event.quantity_lots,
            )
        case HoldMoved():
            state.ledger.move_hold(event.source_order_id, event.target_order_id, event.units)
        case OrderResized():
            _apply_resized(state, event)
        case ChildActivated():
            pass


def _apply_resized(state: State, event: OrderResized) -> None:
    order = state.orders[event.order_id]
    if event.hold_change_units > 0:
        state.ledger.draw(event.order_id, event.hold_change_units)
    elif event.hold_change_units < 0:
        state.ledger.release(event.order_id, -event.hold_change_units)
    if event.resting_lots:
        book = state.markets[event.symbol].book
        assert order.price_ticks is not None
        book.remove(event.order_id)
        book.add(event.order_id, order.side, order.price_ticks, event.resting_lots)
    assert order.leg is not None
    state.lists[order.leg.list_id].given_lots += event.given_lots


def apply_followed(state: State, event: ListFollowed) -> None:
    """A list is as it must be; one that is over is forgotten."""
    del state.unfollowed[event.list_id]
    if state.lists[event.list_id].is_over:
        del state.lists[event.list_id]


def note_leg_trade(state: State, order: Order, lots: int) -> None:
    """An order of a list has traded."""
    assert order.leg is not None
    if order.leg.role is LegRole.PARENT:
        state.lists[order.leg.list_id].parent_lots += lots
    state.unfollowed[order.leg.list_id] = None


def note_leg_change(state: State, order: Order) -> None:
    """An order of a list has become smaller otherwise."""
    if order.leg is not None:
        state.unfollowed[order.leg.list_id] = None


def note_leg_end(state: State, order: Order) -> None:
    """An order of a list is over."""
    assert order.leg is not None
    state.lists[order.leg.list_id].ends[order.order_id] = order.end_reason
    state.unfollowed[order.leg.list_id] = None
