"""Orders that depend on each other, and a way out of everything."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter
from rich.text import Text

from xache.client import Client
from xache.commands.options import NO_PURSE_OPTIONS, Flag, PurseOptions, usage
from xache.commands.terms import SIDES
from xache.errors import Unreachable
from xache.order_view import ORDER_COLUMNS, order_row, show_order
from xache.orders import OrderFields, new_id, order_request
from xache.output import Output, word
from xache.v1 import trading_pb2, types_pb2

Quantity = Annotated[str, Parameter(alias="-q")]


def oco(
    side: Literal["buy", "sell"],
    symbol: str,
    /,
    *,
    quantity: Quantity,
    limit: str,
    stop: str,
    stop_limit: str = "",
    list_request_id: Annotated[str, Parameter(name="--request-id")] = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Place two orders of which one will do: a limit order and a stop, under one hold.

    A fill of the limit order makes the stop smaller; when the stop is triggered the limit order
    ends in the same step.

    Args:
        side: buy or sell.
        symbol: the market, such as BTC-USDT.
        quantity: of both, in the base asset.
        limit: price of the limit order, the good way out.
        stop: where the stop is, the bad way out.
        stop_limit: after the stop, trade at this price or better; at the market when left out.
        list_request_id: repeat with the same to place them at most once; made when left out.
    """
    both: OrderFields = {"symbol": symbol.upper(), "side": SIDES[side], "quantity": quantity}
    way_out: OrderFields = {**both, "price": limit}
    protection: OrderFields = {**both, "stop_price": stop, "price": stop_limit or None}
    orders = [order_request(**way_out), order_request(**protection)]
    _place(options, types_pb2.LIST_KIND_OCO, symbol.upper(), orders, list_request_id)


def oto(
    side: Literal["buy", "sell"],
    symbol: str,
    /,
    *,
    quantity: Quantity,
    price: Annotated[str, Parameter(alias="-p")],
    then_limit: str = "",
    then_stop: str = "",
    partial: Flag = False,
    list_request_id: Annotated[str, Parameter(name="--request-id")] = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Place an order, and another one the opposite way that follows once it is filled.

    Args:
        side: of the first order: buy or sell.
        symbol: the market, such as BTC-USDT.
        quantity: of both, in the base asset.
        price: the limit of the first order.
        then_limit: then trade back at this price or better, or, with --then-stop, only this far.
        then_stop: then trade back once the price has gone against you as far as this; at the
            market without --then-limit.
        partial: let the second order grow with every fill, not only when the first is filled.
        list_request_id: repeat with the same to place them at most once; made when left out.
    """
    if not then_limit and not then_stop:
        raise usage("Say what follows: --then-limit, --then-stop or both.")
    both: OrderFields = {"symbol": symbol.upper(), "side": SIDES[side], "quantity": quantity}
    back: OrderFields = {**both, "side": SIDES["sell" if side == "buy" else "buy"]}
    first: OrderFields = {**both, "price": price}
    then: OrderFields = {**back, "price": then_limit or None, "stop_price": then_stop or None}
    orders = [order_request(**first), order_request(**then)]
    activation = types_pb2.LIST_ACTIVATION_PARTIAL if partial else types_pb2.LIST_ACTIVATION_FULL
    kind = types_pb2.LIST_KIND_OTO
    _place(options, kind, symbol.upper(), orders, list_request_id, activation)


def bracket(
    symbol: str,
    /,
    *,
    quantity: Quantity,
    profit: str,
    stop: str,
    price: Annotated[str, Parameter(alias="-p")],
    stop_limit: str = "",
    list_request_id: Annotated[str, Parameter(name="--request-id")] = "",
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """Buy, and protect what was bought: a take-profit and a stop grow with every fill.

    Args:
        symbol: the market, such as BTC-USDT.
        quantity: how much of the base asset.
        profit: sell at this price or better, or
        stop: sell at the market once the price has fallen to this.
        price: the limit of the purchase.
        stop_limit: after the stop, sell at this price or better; at the market when left out.
        list_request_id: repeat with the same to place them at most once; made when left out.
    """
    both: OrderFields = {
        "symbol": symbol.upper(),
        "side": types_pb2.SIDE_SELL,
        "quantity": quantity,
    }
    entry: OrderFields = {**both, "side": types_pb2.SIDE_BUY, "price": price}
    way_out: OrderFields = {**both, "price": profit}
    protection: OrderFields = {**both, "stop_price": stop, "price": stop_limit or None}
    orders = [order_request(**each) for each in (entry, way_out, protection)]
    _place(options, types_pb2.LIST_KIND_BRACKET, symbol.upper(), orders, list_request_id)


def flatten(symbol: str = "", /, *, options: PurseOptions = NO_PURSE_OPTIONS) -> None:
    """Cancel all your orders, then sell your position at the market inside the price band.

    Args:
        symbol: only in this market; in all when left out.
    """
    with options.connected() as (client, output):
        told = client.trading.flatten(symbol=symbol.upper(), subaccount=options.subaccount)
        if output.as_json:
            output.document(told)
            return
        _show_flattened(client, output, told)


def _place(
    options: PurseOptions,
    kind: types_pb2.ListKind,
    symbol: str,
    orders: list[trading_pb2.PlaceOrderRequest],
    request_id: str,
    activation: types_pb2.ListActivation = types_pb2.LIST_ACTIVATION_UNSPECIFIED,
) -> None:
    request_id = request_id or new_id()
    with options.connected() as (client, output):
        try:
            placed = client.trading.place_order_list(
                kind,
                orders,
                symbol=symbol,
                activation=activation,
                request_id=request_id,
                subaccount=options.subaccount,
            )
        except (Unreachable, KeyboardInterrupt) as error:
            error.add_note(
                "Whether the orders were placed is not known. See: xache order list --all"
            )
            raise
        if output.as_json:
            output.document(placed)
            return
        output.line(("placed ", "bold"), f"list {placed.list_id}")
        output.table(ORDER_COLUMNS, [order_row(each.order) for each in placed.orders])
        if placed.unprotected_quantity not in {"", "0"}:
            output.note(f"Nothing protects {placed.unprotected_quantity} of what was bought.")


def _show_flattened(client: Client, output: Output, told: trading_pb2.FlattenResponse) -> None:
    count = len(told.canceled_order_ids)
    output.line(("canceled ", "bold"), f"{count} order{'' if count == 1 else 's'}")
    listed = client.market.instruments()
    for sale in told.sales:
        show_order(output, sale.order, sale.fills, listed)
    for position in told.positions:
        if position.left_quantity not in {"", "0"}:
            why = word(types_pb2.EndReason, position.reason)
            output.line(
                Text(f"{position.left_quantity} of {position.symbol} could not be sold", "red"),
                f": {why}",
            )
    if not told.positions:
        output.note("There was no position to sell.")
