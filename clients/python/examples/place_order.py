"""Ask what an order would do, place it far from the market, look at it and take it back.

XACHE_EMAIL=trader@demo.example XACHE_PASSWORD=… python place_order.py BTC-USDT
"""

import os
import sys
from decimal import Decimal

from xache.amounts import to_decimal
from xache.client import DEFAULT_TARGET, Client
from xache.errors import XacheError
from xache.v1 import types_pb2


def main(symbol: str) -> None:
    """Place and cancel one order. Amounts are Decimal or text, never float."""
    with Client(os.environ.get("XACHE_TARGET", DEFAULT_TARGET)) as client:
        client.auth.login(os.environ["XACHE_EMAIL"], os.environ["XACHE_PASSWORD"])
        listed = client.market.instruments()
        market = next(each for each in listed.instruments if each.symbol == symbol)
        bid = Decimal(client.market.book(symbol, depth=1).bids[0].price)
        tick = Decimal(market.tick_size)
        price = (bid * Decimal("0.99")) // tick * tick
        preview = client.trading.preview_order(
            symbol=symbol, side=types_pb2.SIDE_BUY, quantity="0.001", price=price
        )
        if preview.WhichOneof("outcome") == "refusal":
            sys.exit(f"it would be refused: {preview.refusal.message}")
        print(f"it would hold {preview.accepted.order.held}")
        placed = client.trading.place_order(
            symbol=symbol, side=types_pb2.SIDE_BUY, quantity="0.001", price=price
        )
        print(f"placed {placed.order.order_id} at {placed.order.price}")
        for order in client.trading.open_orders(symbol=symbol):
            print(f"open {order.order_id}: {to_decimal(order.leaves_quantity)} left")
        cancelled = client.trading.cancel_order(order_id=placed.order.order_id)
        print(f"cancelled; {cancelled.released} is free again")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except XacheError as refused:
        sys.exit(str(refused))
