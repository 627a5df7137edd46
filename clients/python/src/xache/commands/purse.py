"""What a purse owns, how it came to, and what happens to it."""

from __future__ import annotations

from contextlib import closing
from decimal import Decimal
from typing import Literal

from rich.text import Text

from xache.commands.market import note_shutdown, until_interrupted
from xache.commands.options import NO_PURSE_OPTIONS, Count, PurseOptions
from xache.commands.terms import SIDES, ago_ns
from xache.explain import explain_hold, explain_limits
from xache.order_view import counterparty_text
from xache.output import Cell, Output, clock, json_value, moment, side_text, source_text, word
from xache.v1 import trading_pb2, types_pb2, wallet_pb2


def balances(*, options: PurseOptions = NO_PURSE_OPTIONS) -> None:
    """Show balances, and which order holds how much."""
    with options.connected() as (client, output):
        answer = client.wallet.balances(subaccount=options.subaccount)
        if output.as_json:
            output.document(answer)
            return
        if not answer.balances:
            output.note("The purse is empty.")
            return
        orders: dict[str, types_pb2.Order] = {}
        if any(balance.holds for balance in answer.balances):
            found = client.trading.open_orders(subaccount=options.subaccount)
            orders = {order.order_id: order for order in found}
        output.table(
            ["asset", ">available", ">held", ">total"],
            [
                (
                    Text(balance.asset, "bold"),
                    balance.available,
                    balance.held if balance.held != "0" else "-",
                    balance.total,
                )
                for balance in answer.balances
            ],
        )
        for balance in answer.balances:
            for hold in balance.holds:
                _print_hold(output, balance.asset, hold, orders.get(hold.order_id))


def positions(*, options: PurseOptions = NO_PURSE_OPTIONS) -> None:
    """Show positions, what they cost with fees, the profit taken so far, and the profit of now."""
    with options.connected() as (client, output):
        found = client.trading.positions(subaccount=options.subaccount)
        if output.as_json:
            output.document({"positions": [json_value(position) for position in found]})
            return
        if not found:
            output.note("No positions.")
            return
        output.table(
            [
                "market",
                ">quantity",
                ">cost",
                ">average price",
                ">realised",
                ">price",
                ">unrealised",
                "?valued at",
            ],
            [
                (
                    position.symbol,
                    position.quantity,
                    position.cost,
                    position.average_price or "-",
                    signed_text(position.realised),
                    position.price or "-",
                    signed_text(position.unrealised) if position.unrealised else "-",
                    _valued_at(position),
                )
                for position in found
            ],
        )


def fills(
    *,
    symbol: str = "",
    side: Literal["buy", "sell", ""] = "",
    since: str = "",
    until: str = "",
    limit: Count = 50,
    options: PurseOptions = NO_PURSE_OPTIONS,
) -> None:
    """List fills, newest first.

    Args:
        symbol: only this market.
        side: only buys or only sales.
        since: only from then on: 90s, 15m, 2h, 1d ago, or a time such as 2026-12-31T12:00:00Z.
        until: only before then.
        limit: at most this many.
    """
    with options.connected() as (client, output):
        pages = client.trading.fills(
            symbol=symbol.upper(),
            side=SIDES.get(side, types_pb2.SIDE_UNSPECIFIED),
            from_ns=ago_ns(since),
            to_ns=ago_ns(until),
            subaccount=options.subaccount,
            page_size=min(limit, 500),
        )
        found = [fill for fill, _ in zip(pages, range(limit), strict=False)]
        if output.as_json:
            output.document({"fills": [json_value(fill) for fill in found]})
            return
        if not found:
            output.note("No fills.")
            return
        output.table(
            [
                "time (UTC)",
                "market",
                "side",
                ">price",
                ">quantity",
                "?>value",
                ">fee",
                "?as",
                "against",
            ],
            [_fill_row(fill) for fill in found],
        )


def transactions(
    *, asset: str = "", limit: Count = 50, options: PurseOptions = NO_PURSE_OPTIONS
) -> None:
    """List what moved in and out, newest first.

    Args:
        asset: only this asset.
        limit: at most this many.
    """
    with options.connected() as (client, output):
        pages = client.wallet.transactions(
            asset=asset.upper(), subaccount=options.subaccount, page_size=min(limit, 500)
        )
        found = [each for each, _ in zip(pages, range(limit), strict=False)]
        if output.as_json:
            output.document({"transactions": [json_value(each) for each in found]})
            return
        if not found:
            output.note("Nothing moved yet.")
            return
        output.table(
            ["time (UTC)", "why", ">amount", "asset", "?belongs to"],
            [
                (
                    moment(each.at_ns),
                    word(wallet_pb2.TransactionKind, each.kind),
                    signed_text(each.amount),
                    each.asset,
                    each.reference,
                )
                for each in found
            ],
        )


def watch(*, options: PurseOptions = NO_PURSE_OPTIONS) -> None:
    """Follow what happens to the purse until Ctrl-C: orders, fills and balances."""
    with (
        options.connected() as (client, output),
        until_interrupted(),
        closing(client.trading.watch_purse(subaccount=options.subaccount)) as events,
    ):
        for event in events:
            if output.as_json:
                output.json_line(event)
            else:
                _print_event(output, event)


def signed_text(amount: str) -> Text:
    """An amount with its sign, green for what came in and red for what went out."""
    number = Decimal(amount)
    if number > 0:
        return Text(f"+{amount}", "green")
    return Text(amount, "red" if number else "")


def _print_hold(
    output: Output, asset: str, hold: types_pb2.Hold, order: types_pb2.Order | None
) -> None:
    """What is held for one order, and what it is made of."""
    output.line("")
    output.line(
        (f"{hold.amount} {asset}", "bold"),
        f" held for order {hold.order_id}, your id {hold.client_order_id}",
    )
    # It may have ended between the two questions.
    if order is not None:
        output.line(f"  {explain_limits(order, None)}")
        output.line((f"  {explain_hold(hold, order)}", "dim"))


def _valued_at(position: types_pb2.Position) -> Cell:
    if not position.price:
        return "no price yet"
    kind = word(types_pb2.PriceKind, position.price_kind)
    return Text.assemble(f"{kind} ", source_text(position.price_source))


def _fill_row(fill: types_pb2.Fill) -> list[Cell]:
    return [
        moment(fill.at_ns),
        fill.symbol,
        side_text(fill.side),
        fill.price,
        fill.quantity,
        fill.notional,
        fill.fee,
        word(types_pb2.Liquidity, fill.liquidity),
        counterparty_text(fill),
    ]


def _print_event(output: Output, event: trading_pb2.WatchPurseResponse) -> None:
    at = (f"{clock(event.at_ns)}  ", "dim")
    match event.WhichOneof("event"):
        case "snapshot":
            if event.snapshot.lagged:
                output.note("Events were missed; this is how the purse stands now.")
            free = [f"{each.available} {each.asset}" for each in event.snapshot.balances]
            output.line(
                ("the purse  ", "bold"),
                f"{', '.join(free) or 'empty'}; open orders: {len(event.snapshot.orders)}",
            )
        case "order":
            order = event.order
            status = word(types_pb2.OrderStatus, order.status)
            output.line(
                at,
                ("order  ", "bold"),
                f"{status}: {explain_limits(order, None)} ",
                (f"({order.executed_quantity} traded)  {order.client_order_id}", "dim"),
            )
        case "fill":
            fill = event.fill
            output.line(
                at,
                ("fill   ", "bold"),
                side_text(fill.side),
                f" {fill.quantity} {fill.symbol} @ {fill.price} = {fill.notional}, "
                f"fee {fill.fee} as {word(types_pb2.Liquidity, fill.liquidity)}  ",
                Text("against simulated liquidity" if fill.simulated else "", "magenta"),
            )
        case "balances":
            for balance in event.balances.balances:
                held = f", {balance.held} held" if balance.held != "0" else ""
                output.line(
                    at, ("funds  ", "bold"), f"{balance.available} {balance.asset} free{held}"
                )
        case "shutdown":
            note_shutdown(output, event.shutdown)
        case _:
            return  # A sign of life.
    output.console.file.flush()
