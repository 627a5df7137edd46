"""The conditions of an order between the wire and the house: triggers, slices and lists.

Kept apart from plain orders, which have none of this and are most of what comes in.
"""

from __future__ import annotations

from typing import Any

from xache.v1 import trading_pb2

from xached.api.enums import pick
from xached.domain.instrument import Instrument, parse_steps
from xached.domain.order import Order, OrderType, Trigger, TriggerSource
from xached.domain.rejection import Reason

PLAIN_TYPES = (OrderType.LIMIT, OrderType.MARKET)
"""Types of orders that wait for no price."""

_SOURCES = {source.value: source for source in TriggerSource}


def read_trigger(
    request: trading_pb2.PlaceOrderRequest, kind: OrderType, instrument: Instrument
) -> Trigger | None:
    """Read what wakes an order; None for one that waits for nothing. Raises: Rejection.

    What is given to an order that waits for nothing is read too, so that it can be refused.
    """
    given = (
        request.stop_price
        or request.trigger_source
        or request.trail_bps
        or request.trail_offset
        or request.activation_price
    )
    if kind in PLAIN_TYPES and not given:
        return None
    return Trigger(
        source=(
            pick(_SOURCES, request.trigger_source, "trigger_source")
            if request.trigger_source
            else TriggerSource.LAST
        ),
        stop_ticks=_ticks(request.stop_price, "stop_price", instrument),
        trail_bps=request.trail_bps or None,
        trail_ticks=_ticks(request.trail_offset, "trail_offset", instrument),
        activation_ticks=_ticks(request.activation_price, "activation_price", instrument),
    )


def read_stop(text: str, instrument: Instrument) -> int | None:
    """Read where a stop is, in ticks; None for nothing. Raises: Rejection."""
    return _ticks(text, "stop_price", instrument)


def read_display(text: str, instrument: Instrument) -> int | None:
    """Read how much an iceberg shows, in lots; None for nothing. Raises: Rejection."""
    if not text:
        return None
    return parse_steps(
        text,
        instrument.lot_units,
        instrument.base_scale,
        "display_quantity",
        Reason.QUANTITY_LOT,
    )


def condition_fields(order: Order, instrument: Instrument) -> dict[str, Any]:
    """The fields of an order message that plain orders do not have."""
    fields: dict[str, Any] = {"reduce_only": order.reduce_only, "slide": order.slide}
    trigger, leg = order.trigger, order.leg
    if trigger is not None:
        fields["trigger_source"] = trigger.source
        fields["trail_bps"] = trigger.trail_bps or 0
        for name, ticks in (
            ("stop_price", trigger.stop_ticks),
            ("trail_offset", trigger.trail_ticks),
            ("activation_price", trigger.activation_ticks),
            ("current_stop_price", order.stop_ticks),
        ):
            if ticks is not None:
                fields[name] = instrument.format_price(ticks)
    if order.display_lots is not None:
        fields["display_quantity"] = instrument.format_quantity(order.display_lots)
    if order.replaces is not None:
        fields["replaces_order_id"] = str(order.replaces)
    if leg is not None:
        fields["list_id"] = str(leg.list_id)
        fields["leg_role"] = leg.role
    return fields


def _ticks(text: str, field: str, instrument: Instrument) -> int | None:
    if not text:
        return None
    return parse_steps(text, instrument.tick_step, instrument.price_scale, field, Reason.PRICE_TICK)
