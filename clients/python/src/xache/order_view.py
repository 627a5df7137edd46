"""How orders and their fills are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.text import Text

from xache.explain import (
    explain_change,
    explain_end,
    explain_fee,
    explain_limits,
    explain_price,
    explain_role,
    find_instrument,
)
from xache.output import Cell, Output, moment, side_text, word
from xache.v1 import market_pb2, trading_pb2, types_pb2

_STATUS_STYLES: Final = {
    types_pb2.ORDER_STATUS_OPEN: "cyan",
    types_pb2.ORDER_STATUS_PARTIALLY_FILLED: "cyan",
    types_pb2.ORDER_STATUS_FILLED: "bold green",
    types_pb2.ORDER_STATUS_UNTRIGGERED: "magenta",
    types_pb2.ORDER_STATUS_TRIGGERED: "magenta",
    types_pb2.ORDER_STATUS_PENDING_NEW: "magenta",
}


def show_preview(
    output: Output,
    told: trading_pb2.PreviewedOrder,
    listed: market_pb2.ListInstrumentsResponse,
) -> None:
    """Print what an order would do."""
    output.line(("it would be", "bold"))
    show_order(output, told.order, told.fills, listed)
    for met in told.prevented:
        mode = word(types_pb2.SelfTradePrevention, met.mode)
        output.line(
            ("  met       ", "dim"),
            f"{met.quantity} @ {met.price} of your order {met.maker_order_id}"
            f" ({met.maker_subaccount}): {mode}",
        )
    for other in told.others:
        output.line(("  then      ", "dim"), f"order {other.order_id} ", _status_text(other))
    if told.balances:
        output.line("")
        output.table(
            ["  then", ">available", ">held"],
            [(f"  {each.asset}", each.available, each.held) for each in told.balances],
        )
    output.note("Nothing was placed.")


def show_time_line(output: Output, line: trading_pb2.TimeLine) -> None:
    """Print how long each step of an order took."""
    steps = [
        ("received", line.received_ns),
        ("authorised", line.authorised_ns),
        ("decided", line.decided_ns),
        ("durable", line.durable_ns),
        ("published", line.published_ns),
    ]
    output.line("")
    output.table(
        ["  step", ">after µs", ">took µs"],
        [
            (
                f"  {name}",
                f"{(at_ns - line.received_ns) / 1000:.1f}",
                f"{(at_ns - before_ns) / 1000:.1f}",
            )
            for (name, at_ns), (_, before_ns) in zip(steps, [steps[0], *steps], strict=False)
        ],
    )


def show_order(
    output: Output,
    order: types_pb2.Order,
    fills: Sequence[types_pb2.Fill],
    listed: market_pb2.ListInstrumentsResponse,
) -> None:
    """Print how an order stands, what it traded, and how its fee came about."""
    instrument = find_instrument(listed, order.symbol)
    quote = f" {instrument.quote}" if instrument is not None else ""
    base = f" {instrument.base}" if instrument is not None else ""
    output.line(
        _status_text(order), (f"  {explain_limits(order, instrument)}", ""), _terms_text(order)
    )
    facts: list[tuple[str, Cell]] = []
    if why := explain_end(order):
        facts.append(("ended", why))
    if fills:
        average = f"on average at {order.average_price}{quote}"
        value = f"{order.executed_notional}{quote}"
        facts.append(("traded", f"{order.executed_quantity}{base} for {value}, {average}"))
        facts.append(("fee", f"{order.fee}{quote}"))
        facts.append(("", Text(f"= {explain_fee(order, fills, listed)}", "dim")))
        if change := explain_change(order):
            facts.append(("not spent", f"{change}{quote}, too little for another lot"))
    if order.leaves_quantity not in {"", "0"}:
        held = quote if order.side == types_pb2.SIDE_BUY else base
        facts.append(
            ("still to trade", f"{order.leaves_quantity}{base}, for it {order.held}{held} held")
        )
    if order.current_stop_price:
        facts.append(("stop now", f"{order.current_stop_price}{quote}"))
    if order.prevented_quantity not in {"", "0"}:
        facts.append(("prevented", f"{order.prevented_quantity}{base} met orders of your own"))
    if role := explain_role(order):
        facts.append(("list", f"{order.list_id}  {role}"))
    if order.expires_at_ns:
        facts.append(("expires", f"{moment(order.expires_at_ns)} UTC"))
    if order.replaces_order_id:
        facts.append(("in place of", order.replaces_order_id))
    if order.order_id:  # One that is only thought of has none.
        facts.append(("order", f"{order.order_id}  your id {order.client_order_id}"))
        facts.append(("accepted", f"{moment(order.accepted_at_ns)} UTC"))
    output.facts(facts)
    if fills:
        output.line("")
        output.table(
            ["?  fill", ">price", ">quantity", ">value", ">fee", "as", "against"],
            [_fill_row(fill) for fill in fills],
        )
    if any(fill.simulated for fill in fills):
        output.note("Simulated: the other side was liquidity that the house simulates.")


ORDER_COLUMNS: Final = (
    "?order",
    "your id",
    "market",
    "side",
    ">price",
    ">quantity",
    ">traded",
    "status",
    "?time (UTC)",
)


def order_row(order: types_pb2.Order) -> list[Cell]:
    """An order in a table with ORDER_COLUMNS."""
    return [
        order.order_id,
        order.client_order_id,
        order.symbol,
        side_text(order.side),
        explain_price(order),
        order.quantity,
        order.executed_quantity,
        _status_text(order),
        moment(order.accepted_at_ns),
    ]


def _fill_row(fill: types_pb2.Fill) -> list[Cell]:
    return [
        f"  {fill.trade_id}",
        fill.price,
        fill.quantity,
        fill.notional,
        fill.fee,
        word(types_pb2.Liquidity, fill.liquidity),
        counterparty_text(fill),
    ]


def counterparty_text(fill: types_pb2.Fill) -> Text:
    """Says so when the other side of a trade was simulated liquidity."""
    return Text("simulated", "magenta") if fill.simulated else Text("")


def _status_text(order: types_pb2.Order) -> Text:
    name = word(types_pb2.OrderStatus, order.status)
    if order.status in {types_pb2.ORDER_STATUS_CANCELED, types_pb2.ORDER_STATUS_EXPIRED}:
        reason = word(types_pb2.EndReason, order.end_reason)
        return Text(f"{name} ({reason})", "yellow")
    return Text(name, _STATUS_STYLES.get(order.status, ""))


def _terms_text(order: types_pb2.Order) -> tuple[str, str]:
    terms = [word(types_pb2.TimeInForce, order.time_in_force).upper()]
    if order.post_only:
        terms.append("post-only, slides" if order.slide else "post-only")
    return f"  {', '.join(terms)}", "dim"
