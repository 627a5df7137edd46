"""Frames between the daemon and a child, and what they mean as values.

A frame is four bytes of length, big-endian, and that many bytes of a message of
``protos/xache/v1/plugin.proto``; none is longer than 64 KiB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Final

from xache_sdk.market import (
    Book,
    Books,
    Candle,
    Candles,
    Instrument,
    Interval,
    Level,
    Side,
    Subscription,
    Trade,
    Trades,
)
from xache_sdk.orders import (
    TEXT_LENGTH_MAX,
    Cancel,
    CancelAll,
    Fill,
    Intent,
    Note,
    OrderStatus,
    OrderUpdate,
    Place,
    SetTimer,
    TimeInForce,
)
from xache_sdk.strategy import Balance, Context, Input, Position, StopAsked, TimerDue
from xache_sdk.v1 import plugin_pb2

FRAME_BYTES_MAX: Final = 65_536
INTENTS_PER_FRAME_MAX: Final = 20
"""The longest intents, 20 notes of 500 four-byte characters, still fit into a frame."""

_LENGTH = struct.Struct(">I")

_SIDES = {plugin_pb2.PLUGIN_SIDE_BUY: Side.BUY, plugin_pb2.PLUGIN_SIDE_SELL: Side.SELL}
_SIDE_NUMBERS = {side: number for number, side in _SIDES.items()}
_STATUSES = {
    plugin_pb2.PLUGIN_ORDER_STATUS_OPEN: OrderStatus.OPEN,
    plugin_pb2.PLUGIN_ORDER_STATUS_PARTIALLY_FILLED: OrderStatus.PARTIALLY_FILLED,
    plugin_pb2.PLUGIN_ORDER_STATUS_FILLED: OrderStatus.FILLED,
    plugin_pb2.PLUGIN_ORDER_STATUS_CANCELED: OrderStatus.CANCELED,
    plugin_pb2.PLUGIN_ORDER_STATUS_EXPIRED: OrderStatus.EXPIRED,
    plugin_pb2.PLUGIN_ORDER_STATUS_TRIGGERED: OrderStatus.TRIGGERED,
    plugin_pb2.PLUGIN_ORDER_STATUS_UNTRIGGERED: OrderStatus.UNTRIGGERED,
    plugin_pb2.PLUGIN_ORDER_STATUS_PENDING_NEW: OrderStatus.PENDING_NEW,
    plugin_pb2.PLUGIN_ORDER_STATUS_REJECTED: OrderStatus.REJECTED,
    plugin_pb2.PLUGIN_ORDER_STATUS_REFUSED: OrderStatus.REFUSED,
}
_TIMES_IN_FORCE = {
    None: plugin_pb2.PLUGIN_TIME_IN_FORCE_UNSPECIFIED,
    TimeInForce.GTC: plugin_pb2.PLUGIN_TIME_IN_FORCE_GTC,
    TimeInForce.IOC: plugin_pb2.PLUGIN_TIME_IN_FORCE_IOC,
    TimeInForce.FOK: plugin_pb2.PLUGIN_TIME_IN_FORCE_FOK,
}
_INTERVALS = {interval.seconds: interval for interval in Interval}


class FrameError(Exception):
    """The other side sent what is no frame. The connection is of no use any more."""


class FrameReader:
    """Cut a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def buffered_bytes(self) -> int:
        """How much of an unfinished frame is here."""
        return len(self._buffer)

    def feed(self, data: bytes | bytearray) -> Iterator[bytes]:
        """Take bytes, give the frames they finish. Raises: FrameError on a wrong length."""
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= _LENGTH.size:
                (length,) = _LENGTH.unpack_from(self._buffer, at)
                if not 0 < length <= FRAME_BYTES_MAX:
                    raise FrameError(f"a frame of {length} bytes; 1 to {FRAME_BYTES_MAX} allowed")
                end = at + _LENGTH.size + length
                if len(self._buffer) < end:
                    break
                frame = bytes(self._buffer[at + _LENGTH.size : end])
                at = end
                yield frame
        finally:
            del self._buffer[:at]


def frame(body: bytes) -> bytes:
    """Put the length before a message. Raises: FrameError when it is too long."""
    if not 0 < len(body) <= FRAME_BYTES_MAX:
        raise FrameError(f"a frame of {len(body)} bytes; 1 to {FRAME_BYTES_MAX} allowed")
    return _LENGTH.pack(len(body)) + body


# --- What the child reads. -------------------------------------------------------------------


def read_context(message: plugin_pb2.PluginStart) -> Context:
    """What a strategy is told at its start."""
    return Context(
        run_id=message.run_id,
        now_ns=message.now_ns,
        instruments={each.symbol: _read_instrument(each) for each in message.instruments},
        balances={
            each.asset: Balance(Decimal(each.available), Decimal(each.held))
            for each in message.balances
        },
        positions={
            each.symbol: Position(Decimal(each.quantity), Decimal(each.cost))
            for each in message.positions
        },
        open_orders=tuple(_read_order_update(each) for each in message.open_orders),
    )


def read_inputs(message: plugin_pb2.HostFrame) -> Sequence[Input]:
    """What a running strategy is called with; several trades may come in one frame.

    Raises: FrameError for a message that is not for the strategy.
    """
    match message.WhichOneof("message"):
        case "trades":
            return _read_trades(message.trades)
        case "book":
            return [_read_book(message.book)]
        case "candle":
            return [_read_candle(message.candle)]
        case "order_update":
            return [_read_order_update(message.order_update)]
        case "timer":
            return [TimerDue(message.timer.name, message.timer.at_ns)]
        case "stop":
            return [StopAsked(message.stop.cause)]
        case other:
            raise FrameError(f"no input for a strategy: {other}")


def _read_instrument(message: plugin_pb2.PluginInstrument) -> Instrument:
    return Instrument(
        symbol=message.symbol,
        base=message.base,
        quote=message.quote,
        tick_size=Decimal(message.tick_size),
        lot_size=Decimal(message.lot_size),
        min_quantity=Decimal(message.min_quantity),
        max_quantity=Decimal(message.max_quantity),
        max_market_quantity=Decimal(message.max_market_quantity),
        min_notional=Decimal(message.min_notional),
        max_notional=Decimal(message.max_notional),
    )


def _read_trades(message: plugin_pb2.PluginTrades) -> list[Input]:
    return [
        Trade(
            symbol=message.symbol,
            venue=message.venue,
            price=Decimal(each.price),
            quantity=Decimal(each.quantity),
            taker_side=_SIDES[each.taker_side],
            at_ns=each.at_ns,
            simulated=each.simulated,
            lagged=message.lagged and index == 0,
        )
        for index, each in enumerate(message.trades)
    ]


def _read_book(message: plugin_pb2.PluginBook) -> Book:
    return Book(
        symbol=message.symbol,
        venue=message.venue,
        bids=tuple(Level(Decimal(each.price), Decimal(each.quantity)) for each in message.bids),
        asks=tuple(Level(Decimal(each.price), Decimal(each.quantity)) for each in message.asks),
        at_ns=message.at_ns,
    )


def _read_candle(message: plugin_pb2.PluginCandle) -> Candle:
    return Candle(
        symbol=message.symbol,
        venue=message.venue,
        interval=_INTERVALS[message.interval_s],
        open_at_ns=message.open_at_ns,
        open=Decimal(message.open),
        high=Decimal(message.high),
        low=Decimal(message.low),
        close=Decimal(message.close),
        volume=Decimal(message.volume),
        closed=message.closed,
        lagged=message.lagged,
    )


def _read_order_update(message: plugin_pb2.PluginOrderUpdate) -> OrderUpdate:
    fill = None
    if message.HasField("fill"):
        fill = Fill(
            price=Decimal(message.fill.price),
            quantity=Decimal(message.fill.quantity),
            fee=Decimal(message.fill.fee),
            maker=message.fill.maker,
        )
    return OrderUpdate(
        id=message.id,
        own=message.own,
        symbol=message.symbol,
        side=_SIDES[message.side],
        status=_STATUSES[message.status],
        at_ns=message.at_ns,
        reason=message.reason,
        price=Decimal(message.price) if message.price else None,
        quantity=Decimal(message.quantity or 0),
        executed_quantity=Decimal(message.executed_quantity or 0),
        leaves_quantity=Decimal(message.leaves_quantity or 0),
        fill=fill,
    )


# --- What the child writes. ------------------------------------------------------------------


def write_ready(subscriptions: Iterable[Subscription]) -> plugin_pb2.ChildFrame:
    """Say that the strategy is ready, and what it wants to see."""
    ready = plugin_pb2.PluginReady(
        subscriptions=[_write_subscription(each) for each in subscriptions]
    )
    return plugin_pb2.ChildFrame(ready=ready)


def write_intents(intents: Iterable[Intent]) -> Iterator[plugin_pb2.ChildFrame]:
    """Pack intents into as few frames as they fit in; none for none."""
    messages = [_write_intent(intent) for intent in intents]
    for first in range(0, len(messages), INTENTS_PER_FRAME_MAX):
        packed = messages[first : first + INTENTS_PER_FRAME_MAX]
        yield plugin_pb2.ChildFrame(intents=plugin_pb2.PluginIntents(intents=packed))


def _write_subscription(subscription: Subscription) -> plugin_pb2.PluginSubscription:
    message = plugin_pb2.PluginSubscription(symbol=subscription.symbol, venue=subscription.venue)
    match subscription:
        case Trades():
            message.data = plugin_pb2.PLUGIN_MARKET_DATA_TRADES
        case Books(depth=depth):
            message.data = plugin_pb2.PLUGIN_MARKET_DATA_BOOK
            message.depth = depth
        case Candles(interval=interval):
            message.data = plugin_pb2.PLUGIN_MARKET_DATA_CANDLES
            message.interval_s = interval.seconds
    return message


def _write_intent(intent: Intent) -> plugin_pb2.PluginIntent:
    match intent:
        case Place():
            place = plugin_pb2.PluginPlace(
                id=intent.id,
                symbol=intent.symbol,
                side=_SIDE_NUMBERS[intent.side],
                price=_text(intent.price),
                quantity=_text(intent.quantity),
                quote_quantity=_text(intent.quote_quantity),
                time_in_force=_TIMES_IN_FORCE[intent.time_in_force],
                post_only=intent.post_only,
            )
            return plugin_pb2.PluginIntent(place=place)
        case Cancel():
            return plugin_pb2.PluginIntent(cancel=plugin_pb2.PluginCancel(id=intent.id))
        case CancelAll():
            return plugin_pb2.PluginIntent(
                cancel_all=plugin_pb2.PluginCancelAll(symbol=intent.symbol or "")
            )
        case SetTimer():
            return plugin_pb2.PluginIntent(
                set_timer=plugin_pb2.PluginSetTimer(name=intent.name, delay_ns=intent.delay_ns)
            )
        case Note():
            return plugin_pb2.PluginIntent(
                note=plugin_pb2.PluginNote(text=intent.text[:TEXT_LENGTH_MAX])
            )


def _text(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")
