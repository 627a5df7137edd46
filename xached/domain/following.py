"""Deciding what the orders of a list do when something happened to one of them.

Theory of operation. Whatever happens to an order of a list marks the list. Before any triggered
order starts, and before any command from outside, the exchange lets each marked list follow: the
rules below are asked in order, the first that has something to do does one thing, and they are
asked again, until none has. So each rule looks at the state as it is and is short:

* one leg of a pair is over: so is the other;
* a child is over while its parent is open: the parent ends, the list was given up;
* the parent is over and has nothing for its children: they end;
* the parent traded: what it bought passes to the child's hold, and PARTIAL children grow;
* a child has what it waited for: it becomes active, and enters the market if it has a limit;
* the limit leg has traded: the stop leg is for as much as is left;
* the parent is over: a child that has traded all it got is filled; what it held for more is free.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from xached.domain.execution import end_of
from xached.domain.holds import buy_hold_units, future_lots, sibling_hold_units
from xached.domain.list_messages import (
    ChildActivated,
    HoldMoved,
    ListFollowed,
    OrderResized,
)
from xached.domain.messages import Event, OrderEnded
from xached.domain.order import (
    SELL,
    EndReason,
    ListActivation,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
)
from xached.domain.order_list import OrderList
from xached.domain.placing import enter
from xached.domain.state import State
from xached.domain.triggering import parked

Events: TypeAlias = tuple[Event, ...]

_WAITING = (OrderStatus.PENDING_NEW, OrderStatus.UNTRIGGERED, OrderStatus.TRIGGERED)


def follow(state: State, list_id: OrderId, seq: int, at_ns: int) -> Events:
    """The next thing that the orders of a list do, or that there is nothing left to do."""
    listed = state.lists[list_id]
    for rule in _RULES:
        events = rule(state, listed, seq, at_ns)
        if events:
            return events
    unprotected_lots = 0
    if _gave_up(listed):
        unprotected_lots = listed.parent_lots
    return (
        ListFollowed(
            list_id=list_id,
            purse=listed.purse,
            symbol=listed.symbol,
            unprotected_lots=unprotected_lots,
        ),
    )


def before_start(state: State, order: Order) -> Events:
    """What happens first when an order of a list starts: its parent and its sibling end.

    The hold that it shared with the sibling becomes its own.
    """
    assert order.leg is not None
    listed = state.lists[order.leg.list_id]
    if listed.parent_is_open and order.order_id in listed.child_ids:
        assert listed.parent_id is not None
        return (_ended(state.orders[listed.parent_id], EndReason.LIST),)
    pair = listed.pair
    sibling = state.orders.get(pair[0]) if pair is not None else None
    if sibling is None or order.order_id == sibling.order_id:
        return ()
    needed = sibling.held_units
    if order.side is SELL or order.price_ticks is not None:
        instrument = state.markets[order.symbol].instrument
        lots = order.leaves_lots
        needed = (
            lots * instrument.lot_units
            if order.side is SELL
            else min(needed, sibling_hold_units(instrument, order, lots))
        )
    moved = HoldMoved(
        source_order_id=sibling.order_id,
        target_order_id=order.order_id,
        purse=order.purse,
        symbol=order.symbol,
        units=needed,
    )
    return moved, _ended(sibling, EndReason.OCO_SIBLING, sibling.held_units - needed)


def _end_pair(state: State, listed: OrderList, _seq: int, _at_ns: int) -> Events:
    if listed.pair is None:
        return ()
    limit, stop = (state.orders.get(order_id) for order_id in listed.pair)
    if limit is None and stop is not None and stop.status in _WAITING:
        reason = listed.ends[listed.pair[0]]
        if reason is not EndReason.OCO_SIBLING:  # Else it is the stop leg that has ended it.
            return (_ended(stop, _sibling_reason(reason)),)
    if stop is None and limit is not None:
        return (_ended(limit, _sibling_reason(listed.ends[listed.pair[1]])),)
    return ()


def _end_parent(state: State, listed: OrderList, _seq: int, _at_ns: int) -> Events:
    parent_id = listed.parent_id
    if parent_id is None or not listed.parent_is_open:
        return ()
    if any(order_id in listed.ends for order_id in listed.child_ids):
        return (_ended(state.orders[parent_id], EndReason.LIST),)
    return ()


def _end_children(state: State, listed: OrderList, _seq: int, _at_ns: int) -> Events:
    if listed.parent_id is None or listed.parent_is_open:
        return ()
    if not _gave_up(listed) and listed.parent_lots:
        return ()
    children = (state.orders.get(order_id) for order_id in listed.child_ids)
    return tuple(_ended(child, EndReason.PARENT) for child in children if child is not None)


def _pass_on(state: State, listed: OrderList, _seq: int, _at_ns: int) -> Events:
    holder = _holder(state, listed)
    lots = listed.parent_lots - listed.given_lots
    if holder is None or not lots:
        return ()
    units = lots * state.markets[listed.symbol].instrument.lot_units if holder.side is SELL else 0
    quantity_lots = holder.quantity_lots
    if listed.activation is ListActivation.PARTIAL:
        quantity_lots = listed.given_lots + lots
    rests = holder.order_id in state.markets[listed.symbol].book
    return (
        _resized(
            holder,
            quantity_lots,
            hold_change_units=units,
            given_lots=lots,
            resting_lots=holder.leaves_lots + quantity_lots - holder.quantity_lots if rests else 0,
        ),
    )


def _activate(state: State, listed: OrderList, _seq: int, at_ns: int) -> Events:
    holder = _holder(state, listed)
    if holder is None or holder.status is not OrderStatus.PENDING_NEW or not listed.given_lots:
        return ()
    if listed.activation is ListActivation.FULL and listed.parent_is_open:
        return ()
    events: list[Event] = []
    lots = holder.quantity_lots
    if listed.activation is ListActivation.FULL and holder.side is SELL:
        # A parent that lost a part by DECREMENT is filled with less than the child was placed for.
        lots = min(lots, listed.given_lots)
    for order_id in listed.child_ids:
        child = state.orders[order_id]
        if child.quantity_lots != lots:
            events.append(_resized(child, lots))
        events.append(ChildActivated(order_id=order_id, purse=child.purse, symbol=child.symbol))
        if child.trigger is not None:
            events.append(parked(state.markets[child.symbol], child, at_ns))
    return tuple(events)


def _enter(state: State, listed: OrderList, seq: int, _at_ns: int) -> Events:
    holder = _holder(state, listed)
    if holder is None or not _is_idle(state, holder) or not holder.leaves_lots:
        return ()
    stop = state.orders.get(listed.pair[1]) if listed.pair is not None else None
    if stop is not None and stop.status is OrderStatus.TRIGGERED:
        return ()  # Its stop had been passed: that starts, and ends this one.
    events = enter(state, holder, seq)
    last = events[-1]
    is_filled = isinstance(last, OrderEnded) and last.status is OrderStatus.FILLED
    return events[:-1] if is_filled and listed.grows(holder.order_id) else events


def _match_pair(state: State, listed: OrderList, _seq: int, _at_ns: int) -> Events:
    if listed.pair is None:
        return ()
    limit, stop = (state.orders.get(order_id) for order_id in listed.pair)
    if limit is None or stop is None or limit.status is OrderStatus.PENDING_NEW:
        return ()
    lots = limit.leaves_lots - stop.leaves_lots
    return (_resized(stop, stop.quantity_lots + lots),) if lots else ()


def _settle(state: State, listed: OrderList, _seq: int, _at_ns: int) -> Events:
    holder = _holder(state, listed)
    if holder is None or listed.parent_is_open or holder.status is OrderStatus.PENDING_NEW:
        return ()
    if _is_idle(state, holder) and not holder.leaves_lots:
        return (_ended(holder, EndReason.NONE),)
    if holder.side is SELL or listed.activation is ListActivation.FULL:
        return ()
    instrument = state.markets[holder.symbol].instrument
    if holder.price_ticks is None:
        needed = sibling_hold_units(instrument, holder, holder.leaves_lots)
    else:
        needed = buy_hold_units(
            instrument,
            holder,
            holder.leaves_lots + future_lots(state, holder),
            holder.taker_notional_units,
            holder.maker_notional_units,
            holder.fee_units,
        )
    if holder.held_units <= needed:
        return ()
    freed = holder.held_units - needed
    return (_resized(holder, holder.quantity_lots, hold_change_units=-freed),)


_RULES: tuple[Callable[[State, OrderList, int, int], Events], ...] = (
    _end_pair,
    _end_parent,
    _end_children,
    _pass_on,
    _activate,
    _match_pair,
    _enter,
    _settle,
)


def _holder(state: State, listed: OrderList) -> Order | None:
    """The child that holds for all children; None when there is none, or it is over."""
    return state.orders.get(listed.child_ids[0]) if listed.child_ids else None


def _is_idle(state: State, order: Order) -> bool:
    """Whether a limit order that is active is not in the book."""
    return (
        order.type is OrderType.LIMIT
        and order.status not in _WAITING
        and order.order_id not in state.markets[order.symbol].book
    )


def _gave_up(listed: OrderList) -> bool:
    """Whether a parent that had to trade in full has ended without."""
    if listed.activation is not ListActivation.FULL or listed.parent_id is None:
        return False
    return listed.ends.get(listed.parent_id, EndReason.NONE) is not EndReason.NONE


def _sibling_reason(reason: EndReason) -> EndReason:
    if reason is EndReason.NONE:
        return EndReason.OCO_SIBLING
    return reason if reason is EndReason.TIME else EndReason.LIST


def _resized(
    order: Order,
    quantity_lots: int,
    *,
    hold_change_units: int = 0,
    given_lots: int = 0,
    resting_lots: int = 0,
) -> OrderResized:
    return OrderResized(
        order_id=order.order_id,
        purse=order.purse,
        symbol=order.symbol,
        side=order.side,
        quantity_lots=quantity_lots,
        hold_change_units=hold_change_units,
        given_lots=given_lots,
        resting_lots=resting_lots,
    )


def _ended(order: Order, reason: EndReason, released_units: int | None = None) -> OrderEnded:
    if reason is EndReason.NONE:
        status = OrderStatus.FILLED
    else:
        status = OrderStatus.EXPIRED if reason is EndReason.TIME else OrderStatus.CANCELED
    released = order.held_units if released_units is None else released_units
    return end_of(order, status, reason, order.executed_lots, released)
