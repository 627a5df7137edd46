"""Orders: place, cancel, list and look up."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, TypeAlias

from cyclopts import App, Parameter

from xache.client import Client
from xache.commands import order_batch, order_list
from xache.commands.options import NO_PURSE_OPTIONS, Count, Flag, PurseOptions, usage
from xache.commands.terms import NO_TERMS, SIDES, Terms, ago_ns, duration_s, expiry_ns
from xache.errors import Refused, Unreachable
from xache.exits import Exit
from xache.order_view import ORDER_COLUMNS, order_row, show_order, show_preview, show_time_line
from xache.orders import new_id
from xache.output import Output, json_value, moment
from xache.v1 import types_pb2

app = App(
    name="order", help="Place, change, cancel and look up orders.", result_action="return_value"
)

_HOUSE_ID = re.compile(r"[0-9]+", re.ASCII)

Status: TypeAlias = Literal[
    "open", "partially-filled", "filled", "canceled", "expired", "rejected", "untriggered"
]
_STATUSES: Final[dict[Status, types_pb2.OrderStatus]] = {
    "open": types_pb2.ORDER_STATUS_OPEN,
    "partially-filled": types_pb2.ORDER_STATUS_PARTIALLY_FILLED,
    "filled": types_pb2.ORDER_STATUS_FILLED,
    "canceled": types_pb2.ORDER_STATUS_CANCELED,
    "expired": types_pb2.ORDER_STATUS_EXPIRED,
    "rejected": types_pb2.ORDER_STATUS_REJECTED,
    "untriggered": types_pb2.ORDER_STATUS_UNTRIGGERED,
}
OwnId = Annotated[str, Parameter(name="--id")]


@app.command
def place(
    side: Literal["buy", "sell"],
    symbol: str,
    /,
    *,
    own_id: OwnId = "",
    times: Flag = False,
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
        times: tell when each step of it was done.
    """
    order = terms.order(side, symbol)
    order["client_order_id"] = own_id = own_id or new_id()
    with options.connected() as (client, output):
        try:
            placed = client.trading.place_order(
                subaccount=options.subaccount, want_time_line=times, **order
            )
        except (Unreachable, KeyboardInterrupt) as error:
            error.add_note(unknown_outcome(own_id))
            raise
        if output.as_json:
            output.document(placed)
            return
        show_order(output, placed.order, placed.fills, client.market.instruments())
        if placed.HasField("time_line"):
            show_time_line(output, placed.time_line)


@app.command
def preview(
    side: Literal["buy", "sell"],
    symbol: str,
    /,
    *,
    terms: Terms = NO_TERMS,
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Tell what an order would do and cost now, without placing it.

    Its fills, fee and hold, the rule that would refuse it, and which of your own orders it would
    meet. Ends with 1 when it would be refused.

    Args:
        side: buy or sell.
        symbol: the market, such as BTC-USDT.
    """
    order = terms.order(side, symbol)
    with options.connected() as (client, output):
        told = client.trading.preview_order(subaccount=options.subaccount, **order)
        if output.as_json:
            output.document(told)
        elif told.HasField("accepted"):
            show_preview(output, told.accepted, client.market.instruments())
        else:
            refusal = told.refusal
            error = Refused("", refusal.reason, refusal.message, facts=refusal.facts)
            output.failure(error, "would be refused")
    if told.HasField("refusal"):
        raise SystemExit(Exit.REFUSED)


@app.command
def amend(
    order_id: str = "",
    /,
    *,
    quantity: Annotated[str, Parameter(alias="-q")],
    own_id: OwnId = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Lower the quantity of an open order, which keeps its place in the queue.

    Args:
        order_id: the order, by the house's id or yours. One of digits only is the house's.
        quantity: the new total, what it has traded included.
        own_id: the order, by your id.
    """
    house_id, own_id = one_name(order_id, own_id)
    with options.connected() as (client, output):
        order = client.trading.order(
            order_id=house_id, client_order_id=own_id, subaccount=options.subaccount
        ).order
        amended = client.trading.amend_order(
            order_id=order.order_id,
            symbol=order.symbol,
            quantity=quantity,
            subaccount=options.subaccount,
        )
        if output.as_json:
            output.document(amended)
            return
        output.line(("lowered ", "bold"), f"{order.symbol} order {order.order_id}")
        output.facts(
            [
                ("your id", order.client_order_id),
                ("quantity", f"{amended.quantity}, less by {amended.reduced_quantity}"),
            ]
        )


@app.command
def replace(
    order_id: str = "",
    /,
    *,
    own_id: OwnId = "",
    new_own_id: Annotated[str, Parameter(name="--new-id")] = "",
    price: Annotated[str, Parameter(alias="-p")] = "",
    quantity: Annotated[str, Parameter(alias="-q")] = "",
    stop: str = "",
    show: str = "",
    expires: str = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Put an order with other terms in the place of an open one, in one step or not at all.

    What is not said stays as it was. The new order begins at the back of the queue.

    Args:
        order_id: the order, by the house's id or yours. One of digits only is the house's.
        own_id: the order, by your id.
        new_own_id: your id of the new order; made when left out.
        price: its limit.
        quantity: its total, what the old one has traded included.
        stop: where its stop is.
        show: what it shows at a time, as an iceberg.
        expires: when it expires: 90s, 15m, 2h, 1d, or a time such as 2026-12-31T23:59:59Z.
    """
    house_id, own_id = one_name(order_id, own_id)
    new_own_id = new_own_id or new_id()
    with options.connected() as (client, output):
        old = client.trading.order(
            order_id=house_id, client_order_id=own_id, subaccount=options.subaccount
        ).order
        try:
            replaced = client.trading.replace_order(
                symbol=old.symbol,
                replaced_order_id=old.order_id,
                price=price or None,
                quantity=quantity or None,
                stop_price=stop or None,
                display_quantity=show or None,
                expires_at_ns=expiry_ns(expires) if expires else 0,
                client_order_id=new_own_id,
                subaccount=options.subaccount,
            )
        except (Unreachable, KeyboardInterrupt) as error:
            error.add_note(unknown_outcome(new_own_id))
            raise
        if output.as_json:
            output.document(replaced)
            return
        show_order(output, replaced.order, replaced.fills, client.market.instruments())


@app.command
def cancel(
    order_id: str = "",
    /,
    *,
    own_id: OwnId = "",
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    entries: Flag = False,
    symbol: str = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Cancel an order, or all that are open.

    Args:
        order_id: the order, by the house's id or yours. One of digits only is the house's.
        own_id: the order, by your id.
        every: cancel every open order.
        entries: with --all, only what would open or increase a position: what protects one stays.
        symbol: with --all, only this market.
    """
    if sum([bool(order_id), bool(own_id), every]) != 1:
        raise usage("Name the order by ID or --id, or say --all.")
    with options.connected() as (client, output):
        if every:
            scope = types_pb2.CANCEL_SCOPE_ENTRIES if entries else types_pb2.CANCEL_SCOPE_ALL
            _cancel_all(client, output, symbol.upper(), scope, options.subaccount)
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
    side: Literal["buy", "sell", ""] = "",
    status: Annotated[tuple[Status, ...], Parameter(consume_multiple=True, negative="")] = (),
    since: str = "",
    until: str = "",
    limit: Count = 50,
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """List your open orders, or all you ever placed.

    Args:
        symbol: only this market.
        every: ended ones too, newest first.
        side: with --all, only buys or only sales.
        status: with --all, only in these states.
        since: with --all, only from then on: 90s, 15m, 2h, 1d ago, or a time such as
            2026-12-31T12:00:00Z.
        until: with --all, only before then.
        limit: with --all, at most this many.
    """
    if not every and (side or status or since or until):
        raise usage("--side, --status, --since and --until go with --all: they are about history.")
    with options.connected() as (client, output):
        if every:
            found = client.trading.orders(
                symbol=symbol.upper(),
                side=SIDES.get(side, types_pb2.SIDE_UNSPECIFIED),
                statuses=[_STATUSES[each] for each in status],
                from_ns=ago_ns(since),
                to_ns=ago_ns(until),
                subaccount=options.subaccount,
                page_size=min(limit, 500),
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
            ORDER_COLUMNS,
            [order_row(order) for order in orders],
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
    house_id, own_id = one_name(order_id, own_id)
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
        show_order(output, found.order, found.fills, client.market.instruments())


@app.command
def cancel_after(
    timeout: str,
    /,
    *,
    every: Annotated[bool, Parameter(name="--all", negative="")] = False,
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Cancel your orders unless you say this again in time: a dead-man's switch.

    It fires also when its time runs out while the house is down. Once it has fired it is off.

    Args:
        timeout: 90s, 15m, 2h; 0 disarms it.
        every: cancel all orders, not only those that would open or increase a position.
    """
    timeout_ms = duration_s(timeout) * 1_000 if timeout != "0" else 0
    scope = types_pb2.CANCEL_SCOPE_ALL if every else types_pb2.CANCEL_SCOPE_ENTRIES
    with options.connected() as (client, output):
        fires_at_ns = client.trading.cancel_all_after(
            timeout_ms, scope=scope, subaccount=options.subaccount
        )
        if output.as_json:
            output.document({"fires_at_ns": str(fires_at_ns)})
        elif fires_at_ns:
            what = "all orders" if every else "orders that open or increase a position"
            output.line(("armed  ", "bold"), f"{what} end at {moment(fires_at_ns)} UTC")
        else:
            output.line(("off", "bold"))


def _cancel_all(
    client: Client, output: Output, symbol: str, scope: types_pb2.CancelScope, subaccount: str
) -> None:
    order_ids = client.trading.cancel_all_orders(symbol=symbol, scope=scope, subaccount=subaccount)
    if output.as_json:
        output.document({"order_ids": order_ids})
        return
    output.line(
        ("canceled ", "bold"), f"{len(order_ids)} order{'' if len(order_ids) == 1 else 's'}"
    )
    for order_id in order_ids:
        output.line(f"  {order_id}")


def unknown_outcome(own_id: str) -> str:
    """What to say when no answer came to an order."""
    return (
        f"Whether the order was placed is not known. Look it up with: xache order show "
        f"--id {own_id}"
    )


def one_name(order_id: str, own_id: str) -> tuple[str, str]:
    """The house's id and the owner's, one of them empty. Ends the program when both are."""
    if bool(order_id) == bool(own_id):
        raise usage("Name the order by ID or --id.")
    return _names(order_id, own_id)


def _names(order_id: str, own_id: str) -> tuple[str, str]:
    """The house's id and the owner's, one of them empty."""
    if own_id or _HOUSE_ID.fullmatch(order_id) is None:
        return "", own_id or order_id
    return order_id, ""


for _command in (
    order_batch.batch,
    order_list.oco,
    order_list.oto,
    order_list.bracket,
    order_list.flatten,
):
    app.command(_command)
