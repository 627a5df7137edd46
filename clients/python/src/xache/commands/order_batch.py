"""Many orders at once, from a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from google.protobuf import json_format

from xache.commands.options import NO_PURSE_OPTIONS, PurseOptions, usage
from xache.errors import Unreachable
from xache.exits import Exit
from xache.order_view import ORDER_COLUMNS, order_row
from xache.orders import new_id
from xache.output import json_value
from xache.v1 import trading_pb2

BATCH_MAX: Final = 200


def batch(file: Path, /, *, options: PurseOptions = NO_PURSE_OPTIONS) -> None:
    """Place up to 200 orders from a file, each decided on its own.

    One JSON object a line, with the fields of PlaceOrderRequest: {"symbol": "BTC-USDT", "side":
    "SIDE_BUY", "type": "ORDER_TYPE_LIMIT", "quantity": "0.001", "price": "60000"}. With a
    client_order_id in each the same file can be sent again: no order is placed twice.

    Args:
        file: to read; - is standard input.
    """
    numbered = _read(file)
    orders = [order for _, order in numbered]
    with options.connected() as (client, output):
        try:
            results = client.trading.place_orders(orders, subaccount=options.subaccount)
        except (Unreachable, KeyboardInterrupt) as error:
            error.add_note("What became of the orders is not known: xache order list --all")
            raise
        refused = [index for index, each in enumerate(results) if each.HasField("refusal")]
        if output.as_json:
            output.document({"results": [json_value(each) for each in results]})
        else:
            placed = [order_row(each.placed.order) for each in results if each.HasField("placed")]
            if placed:
                output.table(ORDER_COLUMNS, placed)
            for index in refused:
                refusal = results[index].refusal
                told = f"line {numbered[index][0]}  {refusal.reason}  {refusal.message}"
                output.line((told, "red"))
    if refused:
        raise SystemExit(Exit.REFUSED)


def _read(file: Path) -> list[tuple[int, trading_pb2.PlaceOrderRequest]]:
    """The orders of a file with their lines. An order without an id gets one."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise usage(f"{file}: {error}") from None
    lines = [each for each in enumerate(text.splitlines(), start=1) if each[1].strip()]
    if not 1 <= len(lines) <= BATCH_MAX:
        raise usage(f"{file}: {len(lines)} orders; from 1 to {BATCH_MAX} go at once.")
    orders = []
    for number, line in lines:
        order = trading_pb2.PlaceOrderRequest()
        try:
            json_format.Parse(line, order)
        except json_format.ParseError as error:
            raise usage(f"{file}, line {number}: {error}") from None
        order.client_order_id = order.client_order_id or new_id()
        orders.append((number, order))
    return orders
