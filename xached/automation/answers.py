"""What the exchange answered to a step, as a sentence and as facts."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from xached.automation.rule import Step, StepState
from xached.domain.history import placed_order
from xached.domain.instrument import Instrument, Symbol
from xached.domain.messages import (
    CancelAll,
    OrderAccepted,
    OrderEnded,
    PlaceOrder,
    Row,
    Traded,
)
from xached.domain.order import BUY, Order
from xached.domain.protection_messages import Flatten, PositionSold
from xached.domain.rejection import Rejection


def answered(step: Step, row: Row, instruments: Mapping[Symbol, Instrument], now_ns: int) -> Step:
    """A step that was carried out, in this row."""
    if isinstance(step.command, PlaceOrder):
        instrument = instruments[step.command.symbol]
        order, _ = placed_order(row.events, instrument, row.seq, row.at_ns)
        answer, order_id = _order_sentence(order, instrument), order.order_id
    else:
        answer, order_id = _stop_sentence(step.command, row, instruments), None
    return attrs.evolve(
        step,
        state=StepState.ANSWERED,
        order_id=order_id,
        seq=row.seq,
        answer=answer,
        answered_at_ns=now_ns,
    )


def refused(step: Step, rejection: Rejection, now_ns: int) -> Step:
    """A step that the exchange did not carry out."""
    facts = ", ".join(f"{name} {value}" for name, value in rejection.facts.items() if value)
    return attrs.evolve(
        step,
        state=StepState.REFUSED,
        reason=rejection.reason.value,
        answer=f"refused: {rejection.message}" + (f" ({facts})" if facts else ""),
        answered_at_ns=now_ns,
    )


def _order_sentence(order: Order, instrument: Instrument) -> str:
    word = "bought" if order.side is BUY else "sold"
    status = order.status.name.replace("_", " ").lower()
    if not order.executed_lots:
        return f"{status}; nothing {word} yet" if not order.status.is_over else status
    notional = order.taker_notional_units + order.maker_notional_units
    return (
        f"{status}; {word} {instrument.format_quantity(order.executed_lots)} {instrument.base}"
        f" for {instrument.format_quote(notional)} {instrument.quote}"
        f", fee {instrument.format_quote(order.fee_units)}"
    )


def _stop_sentence(
    command: CancelAll | Flatten, row: Row, instruments: Mapping[Symbol, Instrument]
) -> str:
    made = {event.order_id for event in row.events if isinstance(event, OrderAccepted)}
    ended = sum(
        isinstance(event, OrderEnded)
        and event.purse == command.purse
        and event.order_id not in made
        for event in row.events
    )
    parts = [f"{ended} open orders ended"]
    sold: dict[Symbol, list[Traded]] = {}
    for event in row.events:
        if isinstance(event, Traded) and event.taker_order_id in made:
            sold.setdefault(event.symbol, []).append(event)
    for symbol, trades in sold.items():
        instrument = instruments[symbol]
        quantity = instrument.format_quantity(sum(trade.quantity_lots for trade in trades))
        notional = instrument.format_quote(sum(trade.notional_units for trade in trades))
        parts.append(f"sold {quantity} {instrument.base} for {notional} {instrument.quote}")
    for event in row.events:
        if isinstance(event, PositionSold) and event.left_lots and event.reason:
            left = instruments[event.symbol].format_quantity(event.left_lots)
            parts.append(f"{left} of {event.symbol} is left: {event.reason.name}")
    return "; ".join(parts)
