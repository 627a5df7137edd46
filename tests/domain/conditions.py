"""The words of scripts for orders that wait."""

from __future__ import annotations

from collections.abc import Callable

from xached.domain.list_messages import ListLeg
from xached.domain.messages import PlaceOrder
from xached.domain.order import OrderType, Trigger, TriggerSource

WAITING = ("STOP", "STOP_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "TRAILING_STOP")


def take_condition(
    words: list[str], ticks_of: Callable[[str], int]
) -> tuple[OrderType, Trigger | None]:
    """Take type and trigger out of an order's words; what is left are those of a plain order.

    ``QUANTITY TYPE PRICE|Nbps|by:PRICE ... [from PRICE] [on SOURCE]``
    """
    if len(words) < 2 or words[1] not in WAITING:
        return OrderType.LIMIT, None
    source = TriggerSource[_take(words, "on") or "LAST"]
    activation = _take(words, "from")
    kind, distance = OrderType[words.pop(1)], words.pop(1)
    trail_bps = trail_ticks = stop_ticks = None
    if distance.endswith("bps"):
        trail_bps = int(distance.removesuffix("bps"))
    elif distance.startswith("by:"):
        trail_ticks = ticks_of(distance.removeprefix("by:"))
    else:
        stop_ticks = ticks_of(distance)
    if len(words) == 1:
        words.append("GTC")
    return kind, Trigger(
        source=source,
        stop_ticks=stop_ticks,
        trail_bps=trail_bps,
        trail_ticks=trail_ticks,
        activation_ticks=ticks_of(activation) if activation is not None else None,
    )


def leg_of(order: PlaceOrder) -> ListLeg:
    """An order as one of a list."""
    assert order.quantity_lots is not None
    return ListLeg(
        client_order_id=order.client_order_id,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        price_ticks=order.price_ticks,
        quantity_lots=order.quantity_lots,
        post_only=order.post_only,
        self_trade_prevention=order.self_trade_prevention,
        expires_at_ns=order.expires_at_ns,
        trigger=order.trigger,
    )


def _take(words: list[str], name: str) -> str | None:
    if name not in words:
        return None
    at = words.index(name)
    value = words[at + 1]
    del words[at : at + 2]
    return value
