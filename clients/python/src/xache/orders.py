"""Orders as they are asked for."""

from __future__ import annotations

import base64
import secrets
from typing import Required, TypedDict, Unpack

from xache.amounts import Amount, optional_text
from xache.v1 import trading_pb2, types_pb2


class OrderFields(TypedDict, total=False):
    """What an order may say. What it says makes its type: at most one of stop, take-profit and
    trail, each with a ``price`` for a limit order and without for a market order."""

    symbol: Required[str]
    side: Required[types_pb2.Side]
    quantity: Amount | None
    quote_quantity: Amount | None
    """For market orders instead of a quantity: what leaves the purse, or should reach it."""
    price: Amount | None
    """The limit; without one it is a market order."""
    time_in_force: types_pb2.TimeInForce
    expires_at_ns: int
    post_only: bool
    slide: bool
    """With post_only: rest at the best price that takes nothing."""
    reduce_only: bool
    display_quantity: Amount | None
    """What an iceberg shows."""
    stop_price: Amount | None
    """Wait until the price has gone against you as far as this."""
    take_profit_price: Amount | None
    """Wait until the price has gone your way as far as this."""
    trail_bps: int
    """Follow the market at so many basis points, or"""
    trail_offset: Amount | None
    """at so much in quote."""
    activation_price: Amount | None
    """Follow only once this has traded."""
    trigger_source: types_pb2.TriggerSource
    self_trade_prevention: types_pb2.SelfTradePrevention
    client_order_id: str
    """The owner's id, unique in the purse for ever; made when left out."""


def new_id() -> str:
    """A fresh id for an order or a request."""
    # 80 random bits: among a million ids, two are the same once in 2 * 10^12.
    return base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()


def order_request(**order: Unpack[OrderFields]) -> trading_pb2.PlaceOrderRequest:
    """An order to place, for batches and order-entry streams.

    Raises:
        TypeError: an amount is a float.
        ValueError: stop, take-profit and trail exclude each other.
    """
    return trading_pb2.PlaceOrderRequest(
        client_order_id=order.get("client_order_id") or new_id(),
        symbol=order["symbol"],
        side=order["side"],
        type=_type(order),
        time_in_force=order.get("time_in_force", types_pb2.TIME_IN_FORCE_UNSPECIFIED),
        price=optional_text(order.get("price"), "price"),
        quantity=optional_text(order.get("quantity"), "quantity"),
        quote_quantity=optional_text(order.get("quote_quantity"), "quote_quantity"),
        post_only=order.get("post_only", False),
        self_trade_prevention=order.get(
            "self_trade_prevention", types_pb2.SELF_TRADE_PREVENTION_UNSPECIFIED
        ),
        expires_at_ns=order.get("expires_at_ns", 0),
        stop_price=optional_text(_stop(order), "stop_price"),
        trigger_source=order.get("trigger_source", types_pb2.TRIGGER_SOURCE_UNSPECIFIED),
        trail_bps=order.get("trail_bps", 0),
        trail_offset=optional_text(order.get("trail_offset"), "trail_offset"),
        activation_price=optional_text(order.get("activation_price"), "activation_price"),
        display_quantity=optional_text(order.get("display_quantity"), "display_quantity"),
        reduce_only=order.get("reduce_only", False),
        slide=order.get("slide", False),
    )


def _stop(order: OrderFields) -> Amount | None:
    stop = order.get("stop_price")
    return order.get("take_profit_price") if stop is None else stop


def _type(order: OrderFields) -> types_pb2.OrderType:
    """The type that the terms make."""
    stops = order.get("stop_price") is not None
    takes_profit = order.get("take_profit_price") is not None
    trails = bool(order.get("trail_bps")) or order.get("trail_offset") is not None
    if stops + takes_profit + trails > 1:
        raise ValueError("an order has one of a stop price, a take-profit price and a trail")
    limited = order.get("price") is not None
    if trails:
        return types_pb2.ORDER_TYPE_TRAILING_STOP
    if stops:
        return types_pb2.ORDER_TYPE_STOP_LIMIT if limited else types_pb2.ORDER_TYPE_STOP
    if takes_profit:
        return (
            types_pb2.ORDER_TYPE_TAKE_PROFIT_LIMIT if limited else types_pb2.ORDER_TYPE_TAKE_PROFIT
        )
    return types_pb2.ORDER_TYPE_LIMIT if limited else types_pb2.ORDER_TYPE_MARKET
