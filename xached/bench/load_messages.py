"""What the load consists of: orders as bytes, made before they are sent.

Accounts come in pairs of a seller and a buyer. The seller's order rests, the buyer's takes it,
and so on by turns at one price inside the spread of a book with depth on both sides: every
second order trades, the book stays as it is, and no limit of a purse is reached. Each order is
new to the house: an id that was never used, a hold, risk, a row on disk, an answer.
"""

from __future__ import annotations

import enum
from collections.abc import Callable

from xache.v1 import trading_pb2, types_pb2

from xached.bench.echo import PATH as ECHO_PATH
from xached.bench.flow import SYMBOL

PRICE = "50000.00"
QUANTITY = "0.00100"
BATCH_ORDERS = 100
_ID_DIGITS = 10


class Way(enum.Enum):
    """A way into the house, and the baseline that is none."""

    ECHO = "echo"
    UNARY = "unary"
    STREAM = "stream"
    BATCH = "batch"

    @property
    def path(self) -> str:
        """The method that is called."""
        return _PATHS[self]

    @property
    def orders_per_message(self) -> int:
        """How many orders one message carries."""
        return BATCH_ORDERS if self is Way.BATCH else 1


_TRADING = "/xache.v1.TradingService"
_PATHS = {
    Way.ECHO: ECHO_PATH,
    Way.UNARY: f"{_TRADING}/PlaceOrder",
    Way.STREAM: f"{_TRADING}/EnterOrders",
    Way.BATCH: f"{_TRADING}/PlaceOrders",
}


def message_maker(way: Way, side: types_pb2.Side, run: str) -> Callable[[], bytes]:
    """What makes the next message of one account, whose ids count on after ``run``.

    The terms never change, so only the id is written anew: one field more at the end.
    """
    terms = trading_pb2.PlaceOrderRequest(
        symbol=SYMBOL,
        side=side,
        type=types_pb2.ORDER_TYPE_LIMIT,
        time_in_force=types_pb2.TIME_IN_FORCE_GTC,
        price=PRICE,
        quantity=QUANTITY,
    ).SerializeToString()
    number = 0

    def place() -> bytes:
        nonlocal number
        number += 1
        client_order_id = f"{run}-{number:0{_ID_DIGITS}d}"
        return (
            terms
            + trading_pb2.PlaceOrderRequest(client_order_id=client_order_id).SerializeToString()
        )

    def enter() -> bytes:
        entry = trading_pb2.EnterOrdersRequest()
        entry.place.MergeFromString(place())
        return entry.SerializeToString()

    def batch() -> bytes:
        message = trading_pb2.PlaceOrdersRequest()
        for _ in range(BATCH_ORDERS):
            message.orders.add().MergeFromString(place())
        return message.SerializeToString()

    makers: dict[Way, Callable[[], bytes]] = {
        Way.ECHO: bytes,
        Way.UNARY: place,
        Way.STREAM: enter,
        Way.BATCH: batch,
    }
    return makers[way]


def read_answers(way: Way, data: bytes) -> list[trading_pb2.OrderResult]:
    """The results in one answer, one for each order of its message."""
    match way:
        case Way.UNARY:
            placed = trading_pb2.PlaceOrderResponse.FromString(data)
            return [trading_pb2.OrderResult(placed=placed)]
        case Way.STREAM:
            return [trading_pb2.EnterOrdersResponse.FromString(data).result]
        case Way.BATCH:
            return list(trading_pb2.PlaceOrdersResponse.FromString(data).results)
        case Way.ECHO:
            return []
