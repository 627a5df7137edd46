"""Which terms of an order go together.

What is checked here needs no state but the time: the form of the request alone.
"""

from __future__ import annotations

from xached.domain.messages import (
    PlaceOrder,
)
from xached.domain.order import (
    MARKET,
    OrderType,
    TimeInForce,
)
from xached.domain.rejection import Reason, Rejection

RESTING = (TimeInForce.GTC, TimeInForce.GTD)
"""Orders that wait in the book for what they did not find."""

_LIMIT_TIMES = "GTC, GTD, IOC or FOK; post-only with GTC or GTD; an expiry with GTD only"


def check_combination(command: PlaceOrder, at_ns: int) -> None:
    """Refuse fields that do not go together.

    Raises: Rejection FIELD_REQUIRED, FIELD_FORBIDDEN, COMBINATION or EXPIRY_PAST.
    """
    time = command.time_in_force
    if (
        command.type not in (OrderType.LIMIT, MARKET)
        or command.trigger is not None
        or command.display_lots is not None
        or command.reduce_only
        or command.slide
    ):
        raise _combination(command.type.name, "LIMIT or MARKET without conditions")
    if command.type is MARKET:
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
        if command.quote_units is not None:
            raise _forbidden("quote_quantity", "a limit order")
        if command.price_ticks is None:
            raise _required("price")
        if command.quantity_lots is None:
            raise _required("quantity")
        if command.post_only and time not in RESTING:
            raise _combination(f"post-only {time.name}", _LIMIT_TIMES)
    if (time is TimeInForce.GTD) != (command.expires_at_ns is not None):
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


def _forbidden(field: str, what: str) -> Rejection:
    return Rejection(
        Reason.FIELD_FORBIDDEN,
        f"{what} has no {field}",
        field=field,
        given="a value",
        allowed="nothing",
    )


def _required(field: str) -> Rejection:
    return Rejection(
        Reason.FIELD_REQUIRED,
        f"a limit order needs a {field}",
        field=field,
        given="nothing",
        allowed="a value",
    )


def _combination(given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.COMBINATION, "these terms do not go together", given=given, allowed=allowed
    )
