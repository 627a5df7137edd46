"""What is said and what happened of orders that wait: for a price, or for other orders.

The same rules hold as for all messages: events carry amounts, so that replaying them needs no
rule of triggers or lists.
"""

from __future__ import annotations

from typing import TypeAlias

from xached.domain.frozen import frozen
from xached.domain.instrument import Symbol
from xached.domain.order import Order, OrderId, OrderStatus, Purse, Side, TriggerSource

# --- Commands: internal steps, which the exchange asks for itself. -----------------------------


@frozen(kw_only=True)
class LookAtPrices:
    """An internal step: some order of this market waits for a price that was seen."""

    symbol: Symbol


@frozen(kw_only=True)
class StartTriggered:
    """An internal step: this order was triggered and it is its turn."""

    order_id: OrderId


# --- Events. ---------------------------------------------------------------------------------


@frozen(kw_only=True)
class OrderParked:
    """An order waits for a price.

    It is woken by a price at or above ``watch_ticks`` when ``upward``, else at or below; None:
    by no price yet. ``stop_ticks`` is its stop; a trailing order has none before it follows the
    market, and ``extreme_ticks`` is the best price it has followed since.
    """

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    side: Side
    source: TriggerSource
    watch_ticks: int | None
    upward: bool
    stop_ticks: int | None
    extreme_ticks: int | None


@frozen(kw_only=True)
class StopMoved:
    """A trailing order follows the market: its stop is here now."""

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    stop_ticks: int
    extreme_ticks: int


@frozen(kw_only=True)
class OrderTriggered:
    """The price an order waited for was seen; it is in the queue of those that start."""

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    source: TriggerSource
    at_ticks: int


@frozen(kw_only=True)
class PricesSeen:
    """The first ``trades`` prices that a market had to be looked at for are done with.

    ``others``: so are the best prices of its book and its mark.
    """

    symbol: Symbol
    trades: int
    others: bool


@frozen(kw_only=True)
class OrderStarted:
    """A triggered order goes to the market; its hold has drawn ``drawn_units`` of free quote."""

    order_id: OrderId
    purse: Purse
    symbol: Symbol
    drawn_units: int


WaitingStep: TypeAlias = OrderParked | StopMoved | OrderTriggered | OrderStarted
"""What happens to one order that waits."""


def fold_waiting(order: Order, event: WaitingStep, seq: int, at_ns: int) -> None:
    """Count a step of an order that waits in the order itself."""
    order.seq, order.updated_at_ns = seq, at_ns
    if isinstance(event, StopMoved):
        order.stop_ticks = event.stop_ticks
    elif isinstance(event, OrderParked):
        order.status, order.stop_ticks = OrderStatus.UNTRIGGERED, event.stop_ticks
    elif isinstance(event, OrderTriggered):
        order.status = OrderStatus.TRIGGERED
    else:
        order.status = OrderStatus.OPEN
        order.held_units += event.drawn_units
