"""Changing an open order: a decrease in place, or another order in its stead.

A decrease keeps the place in the queue. Everything else ends the old order and places a new one
as if the old had never been there: its hold is free for the new one and it is not counted. All of
it is decided before anything changes, so a refusal leaves the old order as it was.
"""

from __future__ import annotations

import copy

import attrs

from xached.domain.execution import end_of
from xached.domain.filters import check_amendment
from xached.domain.holds import needed_hold_units
from xached.domain.instrument import Symbol
from xached.domain.messages import (
    AmendOrder,
    Event,
    OrderEnded,
    OrderReduced,
    PlaceOrder,
    ReplaceOrder,
)
from xached.domain.order import (
    BUY,
    EndReason,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Trigger,
)
from xached.domain.rejection import Reason, Rejection
from xached.domain.state import Market, PurseState, State

_WITHOUT_STOP = {
    OrderType.STOP_LIMIT: OrderType.LIMIT,
    OrderType.TAKE_PROFIT_LIMIT: OrderType.LIMIT,
}
"""What an order is once it has been triggered."""


def decide_amend(state: State, command: AmendOrder) -> tuple[Event, ...]:
    """Lower the total quantity of an order; nothing happens when it is that already.

    Raises: Rejection UNKNOWN_ORDER, ORDER_CHANGED, COMBINATION, or of the market or a filter.
    """
    order = find_open_order(
        state,
        state.purse(command.purse),
        command.order_id,
        command.client_order_id,
        command.expected_executed_lots,
        symbol=command.symbol,
    )
    _check_alone(order)
    market = state.markets[order.symbol]
    total_lots = _check_total(order, market, command.quantity_lots)
    if total_lots == order.quantity_lots:
        return ()
    if total_lots > order.quantity_lots:
        raise Rejection(
            Reason.QUANTITY_RANGE,
            "an amendment only lowers the quantity; a replacement may raise it",
            field="quantity",
            given=market.instrument.format_quantity(total_lots),
            allowed=_allowed_totals(order, market),
        )
    check_amendment(market, order, total_lots)
    return (reduced(market, order, order.quantity_lots - total_lots, EndReason.USER),)


def replacement_of(
    state: State, purse: PurseState, command: ReplaceOrder
) -> tuple[Order, PlaceOrder]:
    """The order to be replaced, and the order that takes its place.

    Raises: Rejection UNKNOWN_ORDER, ORDER_CHANGED, COMBINATION, FIELD_FORBIDDEN, QUANTITY_RANGE.
    """
    order = find_open_order(
        state,
        purse,
        command.replaced_order_id,
        command.replaced_client_order_id,
        command.expected_executed_lots,
        symbol=command.symbol,
        field="replaced_order_id",
    )
    _check_alone(order)
    total_lots = order.quantity_lots
    if command.quantity_lots is not None:
        total_lots = _check_total(order, state.markets[order.symbol], command.quantity_lots)
    lots = total_lots - order.executed_lots - order.prevented_lots
    display_lots = command.display_lots
    if display_lots is None and order.display_lots is not None:
        display_lots = min(order.display_lots, lots)
    kind, trigger = order.type, order.trigger
    if order.status is not OrderStatus.UNTRIGGERED:
        kind, trigger = _WITHOUT_STOP.get(kind, kind), None
    elif trigger is not None and trigger.stop_ticks is None and order.stop_ticks is not None:
        # It follows the market already: another that waits to be activated would not protect.
        trigger = attrs.evolve(trigger, activation_ticks=None)
    price_ticks = command.price_ticks
    if price_ticks is None and kind is not OrderType.MARKET:
        price_ticks = order.price_ticks  # Of an order at market it is how far an auction lets it.
    return order, PlaceOrder(
        purse=order.purse,
        client_order_id=command.client_order_id,
        symbol=order.symbol,
        side=order.side,
        type=kind,
        time_in_force=order.time_in_force,
        price_ticks=price_ticks,
        quantity_lots=lots,
        quote_units=None,
        post_only=order.post_only,
        self_trade_prevention=order.self_trade_prevention,
        expires_at_ns=(
            command.expires_at_ns if command.expires_at_ns is not None else order.expires_at_ns
        ),
        trigger=_moved(trigger, command.stop_ticks),
        display_lots=display_lots,
        reduce_only=order.reduce_only,
        slide=order.slide,
    )


def replaced(order: Order) -> OrderEnded:
    """The end of an order that another takes the place of."""
    return end_of(
        order,
        OrderStatus.CANCELED,
        EndReason.REPLACED,
        order.executed_lots,
        order.held_units,
    )


def reduced(market: Market, order: Order, lots: int, reason: EndReason) -> OrderReduced:
    """Take lots off what an order still may trade, with what they hold."""
    smaller = copy.copy(order)
    smaller.quantity_lots -= lots
    if order.side is BUY and order.price_ticks is None:
        # A buy at market that waits for its stop: it holds its share of what it held.
        released_units = order.held_units * lots // order.leaves_lots
    else:
        released_units = order.held_units - needed_hold_units(market.instrument, smaller)
    shown = market.book.shown_lots(order.order_id)
    return OrderReduced(
        order_id=order.order_id,
        purse=order.purse,
        symbol=order.symbol,
        quantity_lots=smaller.quantity_lots,
        reduced_lots=lots,
        shown_lots=max(0, shown - smaller.leaves_lots),
        released_units=released_units,
        reason=reason,
    )


def find_open_order(
    state: State,
    purse: PurseState,
    order_id: OrderId | None,
    client_order_id: str | None,
    expected_executed_lots: int | None = None,
    *,
    symbol: Symbol | None = None,
    field: str = "order_id",
) -> Order:
    """The open order of a purse, in a market if one is named, that is named by one of its ids.

    Raises: Rejection UNKNOWN_ORDER; ORDER_CHANGED when the caller expected another state of it.
    """
    if order_id is None and client_order_id is not None:
        order_id = purse.by_client_id.get(client_order_id)
    listed = purse.open_orders.get(order_id) if order_id is not None else None
    if order_id is not None and listed is not None and symbol in (None, listed):
        order = state.orders[order_id]
        if expected_executed_lots not in (None, order.executed_lots):
            instrument = state.markets[order.symbol].instrument
            raise Rejection(
                Reason.ORDER_CHANGED,
                "the order has traded meanwhile",
                field="expected_executed_quantity",
                given=instrument.format_quantity(expected_executed_lots),
                allowed=instrument.format_quantity(order.executed_lots),
            )
        return order
    raise Rejection(
        Reason.UNKNOWN_ORDER if expected_executed_lots is None else Reason.ORDER_CHANGED,
        "no such open order in this purse",
        field=field if client_order_id is None else field.replace("order_id", "client_order_id"),
        given=client_order_id or str(order_id or ""),
        allowed="an open order of the purse",
    )


def _check_alone(order: Order) -> None:
    if order.leg is not None:
        raise Rejection(
            Reason.COMBINATION,
            "an order of a list is not changed: cancel the list and place another",
            given=f"an order of list {order.leg.list_id}",
            allowed="a single order",
        )


def _check_total(order: Order, market: Market, total_lots: int) -> int:
    if total_lots <= order.executed_lots + order.prevented_lots:
        raise Rejection(
            Reason.QUANTITY_RANGE,
            "the new total is not more than what the order has traded",
            field="quantity",
            given=market.instrument.format_quantity(total_lots),
            allowed=_allowed_totals(order, market),
        )
    return total_lots


def _allowed_totals(order: Order, market: Market) -> str:
    instrument = market.instrument
    traded = instrument.format_quantity(order.executed_lots + order.prevented_lots)
    total = instrument.format_quantity(order.quantity_lots)
    return f"more than {traded}, at most {total}"


def _moved(trigger: Trigger | None, stop_ticks: int | None) -> Trigger | None:
    if stop_ticks is None:
        return trigger
    if trigger is None or trigger.stop_ticks is None:
        raise Rejection(
            Reason.FIELD_FORBIDDEN,
            "only an order that waits at a fixed stop has one to move",
            field="stop_price",
            given="a value",
            allowed="nothing",
        )
    return attrs.evolve(trigger, stop_ticks=stop_ticks)
