"""Orders: place, cancel, list and look up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from cyclopts import App, Parameter
from rich.text import Text

from xache.client import Client
from xache.commands.options import NO_PURSE_OPTIONS, Count, PurseOptions, usage
from xache.commands.terms import NO_TERMS, Terms
from xache.errors import Refused, Unreachable
from xache.explain import (
    explain_change,
    explain_end,
    explain_fee,
    explain_limits,
    explain_price,
    explain_role,
    find_instrument,
)
from xache.orders import new_id
from xache.output import Cell, Output, json_value, moment, side_text, word
from xache.v1 import market_pb2, types_pb2

app = App(name="order", help="Place, cancel and look up orders.", result_action="return_value")

_HOUSE_ID = re.compile(r"[0-9]+", re.ASCII)

_STATUS_STYLES: Final = {
    types_pb2.ORDER_STATUS_OPEN: "cyan",
    types_pb2.ORDER_STATUS_PARTIALLY_FILLED: "cyan",
    types_pb2.ORDER_STATUS_FILLED: "bold green",
    types_pb2.ORDER_STATUS_UNTRIGGERED: "magenta",
    types_pb2.ORDER_STATUS_TRIGGERED: "magenta",
    types_pb2.ORDER_STATUS_PENDING_NEW: "magenta",
}

OwnId = Annotated[str, Parameter(name="--id")]


@app.command
def place(
    side: Literal["buy", "sell"],
    symbol: str,
    /,
    *,
    own_id: OwnId = "",
    terms: Terms = NO_TERMS,
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Place an order: at a limit, or at the market when there is no price.

    With --stop, --take-profit or --trail it waits for its price first.

    Asked again after an unknown outcome, it is still placed at most once.

    Args:
        side: buy or sell.
        symbol: the market, such as BTC-USDT.
        own_id: your id of the order, unique for ever; made when left out.
    """
    order = terms.order(side, symbol)
    order["client_order_id"] = own_id = own_id or new_id()
    with options.connected() as (client, output):
        try:
            placed = client.trading.place_order(subaccount=options.subaccount, **order)
        except (Unreachable, KeyboardInterrupt) as error:
            error.add_note(
                f"Whether the order was placed is not known. Look it up with: xache order show "
                f"--id {own_id}"
            )
            raise
        if output.as_json:
            output.document(placed)
            return
        _show_order(output, placed.order, placed.fills, client.market.instruments())


@app.command
def cancel(
    order_id: str = "",
    /,
    *,
    own_id: OwnId = "",
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    symbol: str = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Cancel an order, or all that are open.

    Args:
        order_id: the order, by the house's id or yours. One of digits only is the house's.
        own_id: the order, by your id.
        every: cancel every open order.
        symbol: with --all, only this market.
    """
    if sum([bool(order_id), bool(own_id), every]) != 1:
        raise usage("Name the order by ID or --id, or say --all.")
    with options.connected() as (client, output):
        if every:
            _cancel_all(client, output, symbol.upper(), options.subaccount)
            return
        house_id, own_id = _names(order_id, own_id)
        canceled = client.trading.cancel_order(
            order_id=house_id, client_order_id=own_id, subaccount=options.subaccount
        )
        if output.as_json:
            output.document(canceled)
            return
        output.line(("canceled ", "bold"), f"{canceled.symbol} order {canceled.order_id}")
        output.facts(
            [
                ("your id", canceled.client_order_id),
                ("traded before", canceled.executed_quantity),
                ("set free", canceled.released),
            ]
        )


@app.command(name="list")
def list_(
    *,
    symbol: str = "",
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    limit: Count = 50,
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """List your open orders, or all you ever placed.

    Args:
        symbol: only this market.
        every: ended ones too, newest first.
        limit: with --all, at most this many.
    """
    with options.connected() as (client, output):
        if every:
            found = client.trading.orders(
                symbol=symbol.upper(), subaccount=options.subaccount, page_size=min(limit, 500)
            )
            orders = [order for order, _ in zip(found, range(limit), strict=False)]
        else:
            orders = client.trading.open_orders(
                symbol=symbol.upper(), subaccount=options.subaccount
            )
        if output.as_json:
            output.document({"orders": [json_value(order) for order in orders]})
            return
        if not orders:
            output.note("No orders." if every else "No open orders.")
            return
        output.table(
            [
                "?order",
                "your id",
                "market",
                "side",
                ">price",
                ">quantity",
                ">traded",
                "status",
                "?time (UTC)",
            ],
            [_order_row(order) for order in orders],
        )


@app.command
def show(
    order_id: str = "",
    /,
    *,
    own_id: OwnId = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Show how an order stands, what it traded, and how its fee came about.

    Args:
        order_id: the order, by the house's id or yours. One of digits only is the house's.
        own_id: the order, by your id.
    """
    if bool(order_id) == bool(own_id):
        raise usage("Name the order by ID or --id.")
    house_id, own_id = _names(order_id, own_id)
    with options.connected() as (client, output):
        try:
            found = client.trading.order(
                order_id=house_id, client_order_id=own_id, subaccount=options.subaccount
            )
        except Refused as error:
            if error.code == "NOT_FOUND" and house_id:
                error.add_note("If that is an id of your own, say --id.")
            raise
        if output.as_json:
            output.document(found)
            return
        _show_order(output, found.order, found.fills, client.market.instruments())


def _cancel_all(client: Client, output: Output, symbol: str, subaccount: str) -> None:
    order_ids = client.trading.cancel_all_orders(symbol=symbol, subaccount=subaccount)
    if output.as_json:
        output.document({"order_ids": order_ids})
        return
    output.line(
        ("canceled ", "bold"), f"{len(order_ids)} order{'' if len(order_ids) == 1 else 's'}"
    )
    for order_id in order_ids:
        output.line(f"  {order_id}")


def _show_order(
    output: Output,
    order: types_pb2.Order,
    fills: Sequence[types_pb2.Fill],
    listed: market_pb2.ListInstrumentsResponse,
) -> None:
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


def _order_row(order: types_pb2.Order) -> list[Cell]:
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


def _names(order_id: str, own_id: str) -> tuple[str, str]:
    """The house's id and the owner's, one of them empty."""
    if own_id or _HOUSE_ID.fullmatch(order_id) is None:
        return "", own_id or order_id
    return order_id, ""
