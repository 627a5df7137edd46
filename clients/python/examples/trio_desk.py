"""On trio: follow a purse while an order is placed and taken back, and hear of both.

XACHE_EMAIL=trader@demo.example XACHE_PASSWORD=… python trio_desk.py ETH-USDT
"""

import os
import sys
from decimal import Decimal

import trio
from xache.client import DEFAULT_TARGET
from xache.trio_client import TrioClient
from xache.v1 import types_pb2


async def main(symbol: str) -> None:
    """Every method of the plain client, awaited; streams are iterated."""
    async with TrioClient(os.environ.get("XACHE_TARGET", DEFAULT_TARGET)) as house:
        await house.call(house.auth.login, os.environ["XACHE_EMAIL"], os.environ["XACHE_PASSWORD"])
        async with house.stream(house.trading.watch_purse) as told:
            async for message in told:
                if message.HasField("snapshot"):
                    print(f"{len(message.snapshot.orders)} open orders")
                    break
            async with trio.open_nursery() as nursery:
                nursery.start_soon(place_and_cancel, house, symbol)
                async for message in told:
                    if message.HasField("order") and message.order.symbol == symbol:
                        status = types_pb2.OrderStatus.Name(message.order.status)
                        print(f"row {message.seq}: {status.removeprefix('ORDER_STATUS_').lower()}")
                        if message.order.status == types_pb2.ORDER_STATUS_CANCELED:
                            break


async def place_and_cancel(house: TrioClient, symbol: str) -> None:
    """Well below the market, so that it stays."""
    book = await house.call(house.market.book, symbol, depth=1)
    bid = Decimal(book.bids[0].price)
    placed = await house.call(
        house.trading.place_order,
        symbol=symbol,
        side=types_pb2.SIDE_BUY,
        quantity="0.01",
        price=(bid * Decimal("0.99")).quantize(Decimal("0.01")),
    )
    await house.call(house.trading.cancel_order, order_id=placed.order.order_id)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
