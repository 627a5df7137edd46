"""Which terms of an order go together.

What is checked here needs no state but the time: the form of the request alone.
"""

from __future__ import annotations

from xached.domain.messages import (
    PlaceOrder,
)
from xached.domain.order import (
    BUY,
    GTD,
    LIMIT,
    MARKET,
    OrderType,
    TimeInForce,
)
from xached.domain.rejection import Reason, Rejection

RESTING = (TimeInForce.GTC, TimeInForce.GTD)
"""Orders that wait in the book for what they did not find."""

LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
"""Orders that have a price of their own."""

_LIMIT_TIMES = "GTC, GTD, IOC or FOK; post-only with GTC or GTD; an expiry with GTD only"


def check_combination(command: PlaceOrder, at_ns: int) -> None:
    """Refuse fields that do not go together.

    Raises: Rejection FIELD_REQUIRED, FIELD_FORBIDDEN, COMBINATION or EXPIRY_PAST.
    """
    time = command.time_in_force
    if command.reduce_only and (command.side is BUY or command.quantity_lots is None):
        raise _combination("reduce-only", "a reduce-only order sells a quantity")
    if command.type is not LIMIT and command.type is not MARKET:
        _check_waiting(command)
    elif command.trigger is not None:
        raise _forbidden("trigger", f"a {command.type.name.lower()} order")
    elif command.type is MARKET:
        if command.price_ticks is not None:
            raise _forbidden("price", "a market order")
        if command.post_only:
            raise _forbidden("post_only", "a market order")
        if time is not TimeInForce.IOC:
            raise _combination(f"MARKET {time.name}", "a market order is IOC")
        if (command.quantity_lots is None) == (command.quote_units is None):
            raise Rejection(
                Reason.FIELD_REQUIRED,
                "a market order has either a quantity or a quote quantity",
                field="quantity",
                given="both" if command.quantity_lots is not None else "neither",
                allowed="exactly one of quantity and quote_quantity",
            )
    else:
        _check_limit(command)
    if command.display_lots is not None:
        _check_iceberg(command)
    if command.slide and not command.post_only:
        raise _combination("slide without post-only", "slide with post-only")
    if (time is GTD) != (command.expires_at_ns is not None):
        given = f"{time.name} with{'' if command.expires_at_ns is not None else 'out'} an expiry"
        raise _combination(given, _LIMIT_TIMES)
    if command.expires_at_ns is not None and command.expires_at_ns <= at_ns:
        raise Rejection(
            Reason.EXPIRY_PAST,
            "the expiry has passed",
            field="expires_at_ns",
            given=str(command.expires_at_ns),
            allowed=f"later than {at_ns}",
        )


def _check_limit(command: PlaceOrder) -> None:
    """Refuse fields that do not go together in a limit order."""
    if command.quote_units is not None:
        raise _forbidden("quote_quantity", "a limit order")
    if command.price_ticks is None:
        raise _required("price")
    if command.quantity_lots is None:
        raise _required("quantity")
    if command.post_only and command.time_in_force not in RESTING:
        raise _combination(f"post-only {command.time_in_force.name}", _LIMIT_TIMES)


def _check_iceberg(command: PlaceOrder) -> None:
    """Refuse what shows slices of itself but does not rest."""
    if command.price_ticks is None or command.quantity_lots is None:
        raise _forbidden("display_quantity", "an order without a price and a quantity")
    if command.time_in_force not in RESTING:
        raise _combination(f"iceberg {command.time_in_force.name}", "an iceberg is GTC or GTD")


def _check_waiting(command: PlaceOrder) -> None:
    """Refuse fields that do not go together in an order that waits for a price."""
    name, trigger = command.type.name, command.trigger
    if trigger is None:
        raise _required("trigger", name)
    if command.quantity_lots is None:
        raise _required("quantity", name)
    if command.quote_units is not None:
        raise _forbidden("quote_quantity", name)
    if (command.type in LIMITED) != (command.price_ticks is not None):
        raise _required("price", name) if command.type in LIMITED else _forbidden("price", name)
    if command.post_only:
        raise _forbidden("post_only", name)
    if command.time_in_force not in RESTING:
        raise _combination(f"{name} {command.time_in_force.name}", "GTC or GTD until triggered")
    trails = trigger.trail_bps is not None or trigger.trail_ticks is not None
    if command.type is OrderType.TRAILING_STOP:
        if trigger.stop_ticks is not None:
            raise _forbidden("stop_price", name)
        if (trigger.trail_bps is None) == (trigger.trail_ticks is None):
            raise _combination(name, "a trail in basis points or in price, not both")
        if (trigger.trail_bps or trigger.trail_ticks or 0) <= 0:
            raise _combination(name, "a trail of more than 0")
    elif trigger.stop_ticks is None:
        raise _required("stop_price", name)
    elif trails or trigger.activation_ticks is not None:
        raise _forbidden("trail", name)


def _forbidden(field: str, what: str) -> Rejection:
    return Rejection(
        Reason.FIELD_FORBIDDEN,
        f"{what} has no {field}",
        field=field,
        given="a value",
        allowed="nothing",
    )


def _required(field: str, what: str = "a limit order") -> Rejection:
    return Rejection(
        Reason.FIELD_REQUIRED,
        f"{what} needs a {field}",
        field=field,
        given="nothing",
        allowed="a value",
    )


def _combination(given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.COMBINATION, "these terms do not go together", given=given, allowed=allowed
    )
