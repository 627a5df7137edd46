"""What the exchange answered to a step, as a sentence and as facts."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from xached.automation.rule import Step, StepState
from xached.domain.history import placed_order
from xached.domain.instrument import Instrument, Symbol
from xached.domain.messages import OrderEnded, PlaceOrder, Row, Traded
from xached.domain.order import BUY, Order
from xached.domain.rejection import Rejection


def answered(step: Step, row: Row, instruments: Mapping[Symbol, Instrument], now_ns: int) -> Step:
    """A step that was carried out, in this row."""
    if isinstance(step.command, PlaceOrder):
        instrument = instruments[step.command.symbol]
        order, _ = placed_order(row.events, instrument, row.seq, row.at_ns)
        answer, order_id = _order_sentence(order, instrument), order.order_id
    else:
        answer, order_id = _stop_sentence(row), None
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


def _stop_sentence(row: Row) -> str:
    ended = sum(isinstance(event, OrderEnded) for event in row.events)
    traded = sum(isinstance(event, Traded) for event in row.events)
    return f"{ended} orders ended, {traded} trades"
