"""What is said and what happened of lists: orders that wait for other orders."""

from __future__ import annotations

from typing import TypeAlias

from xached.domain.frozen import frozen
from xached.domain.instrument import Symbol
from xached.domain.order import (
    ListActivation,
    ListKind,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
)

# --- Commands. -------------------------------------------------------------------------------


@frozen(kw_only=True)
class ListLeg:
    """The terms of one order of a list, as of an order alone; it has no quote amount."""

    client_order_id: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_ticks: int | None
    quantity_lots: int
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    expires_at_ns: int | None
    trigger: Trigger | None


@frozen(kw_only=True)
class PlaceList:
    """Place orders that depend on each other, all or none of them.

    ``legs`` of an OCO: the limit leg, the stop leg; of an OTO: the parent, its child; of a
    bracket: the parent, the limit leg (take profit), the stop leg. An OCO is active at once:
    its ``activation`` is FULL; that of a bracket is PARTIAL.
    """

    purse: Purse
    request_id: str
    symbol: Symbol
    kind: ListKind
    activation: ListActivation
    legs: tuple[ListLeg, ...]


@frozen(kw_only=True)
class FollowList:
    """An internal step: something happened to an order of this list, the others follow."""

    list_id: OrderId


# --- Events. ---------------------------------------------------------------------------------


@frozen(kw_only=True)
class ListAccepted:
    """Orders that were accepted in the same step depend on each other. Children wait."""

    list_id: OrderId
    purse: Purse
    symbol: Symbol
    kind: ListKind
    activation: ListActivation
    order_ids: tuple[OrderId, ...]
    quantity_lots: int


@frozen(kw_only=True)
class HoldMoved:
    """What one order of a list held, another of the same side holds now."""

    source_order_id: OrderId
    target_order_id: OrderId
    purse: Purse
    symbol: Symbol
    units: int


@frozen(kw_only=True)
class OrderResized:
    """An order of a list is for another quantity, because another of the list has traded.

    ``hold_change_units`` more are held than before (negative: less); ``given_lots`` more of the
    parent's fills are the children's. An order that rests goes to the back of its level with
    ``resting_lots``, unless these are 0: then its place in the book, if any, is as it was.
    """

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    side: Side
    quantity_lots: int
    hold_change_units: int
    given_lots: int
    resting_lots: int


@frozen(kw_only=True)
class ChildActivated:
    """A child waits for its parent no longer."""

    order_id: OrderId
    purse: Purse
    symbol: Symbol


@frozen(kw_only=True)
class ListFollowed:
    """The orders of a list are as they must be after what happened.

    ``unprotected_lots``: so much the parent traded, and no child came to be for it.
    """

    list_id: OrderId
    purse: Purse
    symbol: Symbol
    unprotected_lots: int


ListStep: TypeAlias = ListAccepted | HoldMoved | OrderResized | ChildActivated
"""What happens to orders because they are of a list."""


def fold_list_step(order: Order, event: ListStep, seq: int, at_ns: int) -> int:
    """Count a step of a list in one of its orders; returns what it holds more than before."""
    order.seq, order.updated_at_ns = seq, at_ns
    change = 0
    if isinstance(event, OrderResized):
        order.quantity_lots = event.quantity_lots
        change = event.hold_change_units
    elif isinstance(event, HoldMoved):
        change = event.units if order.order_id == event.target_order_id else -event.units
    elif isinstance(event, ListAccepted):
        order.status = OrderStatus.PENDING_NEW
    else:
        order.status = OrderStatus.OPEN
    order.held_units += change
    assert order.held_units >= 0, order
    return change


def touched_by(event: ListStep) -> tuple[OrderId, ...]:
    """The orders that a step of a list changes."""
    if isinstance(event, HoldMoved):
        return event.source_order_id, event.target_order_id
    if isinstance(event, ListAccepted):
        return event.order_ids[1:] if event.kind is not ListKind.OCO else ()
    return (event.order_id,)
