"""Deciding a PlaceList: its orders as one, all of them or none.

Only what acts at once (the parent, or the limit leg of an OCO) is planned; its stop leg waits for
its price and children for their parent. Every order passes the filters on the list's full
quantity, once, so that a child never fails them later for having grown slowly.
"""

from __future__ import annotations

from collections.abc import Sequence

from xached.domain.fee_tiers import rated_instrument
from xached.domain.filters import check_filters, check_market_state, order_notional_units
from xached.domain.holds import check_funds, hold_units
from xached.domain.instrument import Instrument
from xached.domain.levels import check_trade
from xached.domain.list_messages import ListAccepted, ListLeg, PlaceList
from xached.domain.messages import Event, OrderAccepted, PlaceOrder
from xached.domain.order import (
    BUY,
    SELL,
    Leg,
    ListActivation,
    ListKind,
    OrderType,
    TimeInForce,
    TriggerSource,
    make_order_id,
)
from xached.domain.order_list import roles_of
from xached.domain.placing import accept, act, as_gathered, plan_order
from xached.domain.plan import NOTHING_TO_MEET
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import check_rate
from xached.domain.state import Market, PurseState, State
from xached.domain.terms import RESTING, check_combination
from xached.domain.trailing import price_now
from xached.domain.triggering import check_not_passed

STOP_LEGS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)


def orders_of(command: PlaceList, at_ns: int) -> tuple[PlaceOrder, ...]:
    """The orders of a list, as if placed alone, if their terms go together.

    Raises: Rejection FIELD_REQUIRED, FIELD_FORBIDDEN, COMBINATION, EXPIRY_PAST or ID_REUSED.
    """
    if len(command.legs) != len(roles_of(command.kind)):
        raise _form(f"{len(command.legs)} orders", f"{len(roles_of(command.kind))} orders")
    orders = tuple(_order_of(command, leg) for leg in command.legs)
    for order in orders:
        check_combination(order, at_ns)
    ids = [order.client_order_id for order in orders]
    for client_order_id in ids:
        if ids.count(client_order_id) > 1:
            raise _id_reused(client_order_id, "two orders of the list have this id")
    if len({order.quantity_lots for order in orders}) > 1:
        raise _form("several quantities", "one quantity for all orders of a list")
    match command.kind:
        case ListKind.OCO:
            _check_activation(command, ListActivation.FULL)
            _check_pair(*orders)
            if any(order.time_in_force not in RESTING for order in orders):
                raise _form("an order that does not rest", "legs that are GTC or GTD")
            if orders[0].expires_at_ns != orders[1].expires_at_ns:
                raise _form("two expiries", "legs that expire together")
        case ListKind.OTO:
            _check_parent(orders[0], orders[1:])
            if orders[1].type is OrderType.MARKET:
                raise _form("MARKET", "a child that rests or waits for a price")
        case ListKind.BRACKET:
            _check_activation(command, ListActivation.PARTIAL)
            _check_parent(orders[0], orders[1:])
            if orders[0].side is not BUY:
                raise _form("a parent that sells", "a parent that buys: what it sold is gone")
            _check_pair(*orders[1:])
    return orders


def check_id_is_new(purse: PurseState, client_order_id: str) -> None:
    """Refuse an id that an open order has. Raises: Rejection ID_REUSED."""
    if client_order_id in purse.by_client_id:
        raise _id_reused(client_order_id, "an open order has this id")


def place_list(
    state: State,
    market: Market,
    purse: PurseState,
    command: PlaceList,
    orders: Sequence[PlaceOrder],
    seq: int,
    at_ns: int,
) -> tuple[Event, ...]:
    """Decide a list whose purse may trade and whose terms go together. Raises: Rejection."""
    instrument = rated_instrument(state, market, purse, at_ns)
    acting = orders if command.kind is ListKind.OCO else orders[:1]
    for order in acting:
        check_market_state(market, order)
    for order in orders:
        check_filters(state, market, purse, order, at_ns, beside=len(orders) - 1)
    _check_together(state, market, purse, command.kind, orders, at_ns)
    _check_prices(market, command.kind, orders, at_ns)
    orders = (as_gathered(market, orders[0]), *orders[1:])
    plan = plan_order(state, market, instrument, orders[0], alone=False)
    holds = [hold_units(market, instrument, order, plan, at_ns) for order in orders]
    match command.kind:
        case ListKind.OCO:
            holds = [max(holds), 0]
        case ListKind.OTO if orders[1].side is BUY:
            check_funds(state, instrument, orders[1], holds[1])
        case ListKind.OTO | ListKind.BRACKET:
            # What the child sells is what its parent buys.
            holds = [holds[0]] + [0] * (len(orders) - 1)
    check_funds(state, instrument, orders[0], holds[0])
    accepted = _accepted(instrument, command, orders, holds, seq)
    listed = ListAccepted(
        list_id=accepted[0].order_id,
        purse=command.purse,
        symbol=command.symbol,
        kind=command.kind,
        activation=command.activation,
        order_ids=tuple(order.order_id for order in accepted),
        quantity_lots=accepted[0].quantity_lots,
    )
    if command.kind is not ListKind.OCO:
        return (*accepted, listed, *act(state, market, accepted[0], plan, seq, at_ns))
    limit, stop = accepted
    # The stop leg first waits: what the limit leg trades then is looked at for it too.
    waits = act(state, market, stop, NOTHING_TO_MEET, seq, at_ns)
    trades = act(state, market, limit, plan, seq, at_ns, sibling=stop)
    return (*accepted, listed, *waits, *trades)


def _accepted(
    instrument: Instrument,
    command: PlaceList,
    orders: Sequence[PlaceOrder],
    holds: Sequence[int],
    seq: int,
) -> list[OrderAccepted]:
    list_id = make_order_id(seq, 0)
    roles = roles_of(command.kind)
    return [
        accept(
            instrument,
            order,
            make_order_id(seq, index),
            NOTHING_TO_MEET,
            held_units,
            Leg(list_id=list_id, role=role),
        )
        for index, (order, held_units, role) in enumerate(zip(orders, holds, roles, strict=True))
    ]


def _order_of(command: PlaceList, leg: ListLeg) -> PlaceOrder:
    return PlaceOrder(
        purse=command.purse,
        client_order_id=leg.client_order_id,
        symbol=command.symbol,
        side=leg.side,
        type=leg.type,
        time_in_force=leg.time_in_force,
        price_ticks=leg.price_ticks,
        quantity_lots=leg.quantity_lots,
        quote_units=None,
        post_only=leg.post_only,
        self_trade_prevention=leg.self_trade_prevention,
        expires_at_ns=leg.expires_at_ns,
        trigger=leg.trigger,
    )


def _check_activation(command: PlaceList, activation: ListActivation) -> None:
    if command.activation is not activation:
        raise _form(command.activation.name, f"{command.kind.name} {activation.name}")


def _check_parent(parent: PlaceOrder, children: Sequence[PlaceOrder]) -> None:
    if parent.trigger is not None:
        raise _form(parent.type.name, "a parent that is a LIMIT or MARKET order")
    for child in children:
        if child.side is parent.side:
            raise _form("one side", "children of the other side than their parent")
        if child.time_in_force is not TimeInForce.GTC:
            raise _form(f"a child {child.time_in_force.name}", "children that are GTC")


def _check_pair(limit: PlaceOrder, stop: PlaceOrder) -> None:
    if limit.type is not OrderType.LIMIT or stop.type not in STOP_LEGS:
        given = f"{limit.type.name}, {stop.type.name}"
        raise _form(given, "a LIMIT leg, then a STOP, STOP_LIMIT or TRAILING_STOP leg")
    if limit.side is not stop.side:
        raise _form("two sides", "two legs of one side")
    assert limit.price_ticks is not None
    limits = (limit.price_ticks, stop.price_ticks)
    if limits[1] is not None and not _is_beyond(stop, limits[1], limits[0]):
        raise _form(
            "a limit of the stop leg on the wrong side of the limit leg",
            f"{'above' if stop.side is BUY else 'below'} the price of the limit leg",
        )


def _check_prices(market: Market, kind: ListKind, orders: Sequence[PlaceOrder], at_ns: int) -> None:
    """The market, or the entry, is between the limit leg and the stop leg."""
    if kind is ListKind.OTO:
        return
    limit, stop = orders[-2:]
    assert limit.price_ticks is not None
    assert stop.trigger is not None
    between = price_now(market, TriggerSource.LAST, limit.side, at_ns)
    if kind is ListKind.BRACKET and orders[0].price_ticks is not None:
        between = orders[0].price_ticks
    assert between is not None, "a market without a reference price takes no orders"
    if not _is_beyond(limit, between, limit.price_ticks):
        raise _price(market, "price", limit.price_ticks, between, above=limit.side is SELL)
    stop_ticks = stop.trigger.stop_ticks
    if stop_ticks is not None and not _is_beyond(stop, stop_ticks, between):
        raise _price(market, "stop_price", stop_ticks, between, above=stop.side is BUY)
    if kind is ListKind.OCO:
        check_not_passed(market, stop, at_ns)


def _check_together(
    state: State,
    market: Market,
    purse: PurseState,
    kind: ListKind,
    orders: Sequence[PlaceOrder],
    at_ns: int,
) -> None:
    """Refuse a list whose orders pass a bound together that each of them keeps.

    All of them count for a minute's orders, and what may trade of them for a day's trades: of a
    pair one leg. Raises: Rejection ORDER_RATE or LEVEL_LIMIT.
    """
    units = [order_notional_units(market, order, at_ns) for order in orders]
    check_rate(state, market.instrument, orders[0].purse, sum(units), at_ns)
    pair = 0 if kind is ListKind.OTO else 2
    alone = units[: len(units) - pair]
    may_trade_units = sum(alone) + max(units[len(alone) :], default=0)
    check_trade(state, purse, market.instrument, may_trade_units, at_ns, None)


def _is_beyond(order: PlaceOrder, ticks: int, than_ticks: int) -> bool:
    """Whether a price is worse for an order than another: higher for a BUY."""
    return ticks > than_ticks if order.side is BUY else ticks < than_ticks


def _price(market: Market, field: str, given: int, between: int, *, above: bool) -> Rejection:
    show = market.instrument.format_price
    return Rejection(
        Reason.LIST_PRICE,
        "the legs of a list are on both sides of the market, or of the parent's price",
        field=field,
        given=show(given),
        allowed=f"{'above' if above else 'below'} {show(between)}",
    )


def _form(given: str, allowed: str) -> Rejection:
    return Rejection(Reason.COMBINATION, "these orders make no list", given=given, allowed=allowed)


def _id_reused(client_order_id: str, message: str) -> Rejection:
    return Rejection(
        Reason.ID_REUSED,
        message,
        field="client_order_id",
        given=client_order_id,
        allowed="an id that was never used",
    )
