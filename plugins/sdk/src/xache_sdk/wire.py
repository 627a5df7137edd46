"""Frames between the daemon and a child, and what they mean as values.

A frame is four bytes of length, big-endian, and that many bytes of a message of
``protos/xache/v1/plugin.proto``; none is longer than 128 KiB.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from xache_sdk.context import Balance, Context, Position, Saved
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
    Amend,
    Cancel,
    CancelAll,
    ChangeRefused,
    Fill,
    Intent,
    Note,
    OrderStatus,
    OrderUpdate,
    Place,
    Replace,
    Save,
    SetTimer,
    Stop,
    TakeProfit,
    TimeInForce,
    Trail,
    Trigger,
    TriggerSource,
)
from xache_sdk.reasons import Reason
from xache_sdk.seal import Sealed
from xache_sdk.signal_values import SignalLost, SignalValue
from xache_sdk.state import decode_state
from xache_sdk.strategy import Input, StopAsked, TimerDue
from xache_sdk.v1 import plugin_pb2

FRAME_BYTES_MAX: Final = 131_072
INTENTS_PER_FRAME_MAX: Final = 20
"""Fewer when they are longer than :data:`INTENTS_BYTES_MAX` together."""

INTENTS_BYTES_MAX: Final = 65_536
"""Of the intents of one frame, but for the last of them: the longest reason has 27 KiB."""

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
    TimeInForce.GTC: plugin_pb2.PLUGIN_TIME_IN_FORCE_GTC,
    TimeInForce.IOC: plugin_pb2.PLUGIN_TIME_IN_FORCE_IOC,
    TimeInForce.FOK: plugin_pb2.PLUGIN_TIME_IN_FORCE_FOK,
    TimeInForce.GTD: plugin_pb2.PLUGIN_TIME_IN_FORCE_GTD,
}
_TRIGGER_SOURCES = {
    TriggerSource.LAST: plugin_pb2.PLUGIN_TRIGGER_SOURCE_LAST,
    TriggerSource.BID_ASK: plugin_pb2.PLUGIN_TRIGGER_SOURCE_BID_ASK,
    TriggerSource.MARK: plugin_pb2.PLUGIN_TRIGGER_SOURCE_MARK,
}
_INTERVALS = {interval.seconds: interval for interval in Interval}


class FrameError(Exception):
    """The other side sent what is no frame. The connection is of no use any more."""


class FrameReader:
    """Cut a stream of bytes into frames."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._buffer = bytearray()
        self._frame_bytes_max = frame_bytes_max

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
                if not 0 < length <= self._frame_bytes_max:
                    raise FrameError(
                        f"a frame of {length} bytes; 1 to {self._frame_bytes_max} allowed"
                    )
                end = at + _LENGTH.size + length
                if len(self._buffer) < end:
                    break
                frame = bytes(self._buffer[at + _LENGTH.size : end])
                at = end
                yield frame
        finally:
            del self._buffer[:at]


def frame(body: bytes, frame_bytes_max: int = FRAME_BYTES_MAX) -> bytes:
    """Put the length before a message. Raises: FrameError when it is too long."""
    if not 0 < len(body) <= frame_bytes_max:
        raise FrameError(f"a frame of {len(body)} bytes; 1 to {frame_bytes_max} allowed")
    return _LENGTH.pack(len(body)) + body


# --- What the child reads. -------------------------------------------------------------------


def read_context(message: plugin_pb2.PluginStart) -> Context:
    """What a strategy is told at its start."""
    instruments = {each.symbol: read_instrument(each) for each in message.instruments}
    context = Context(
        run_id=message.run_id,
        now_ns=message.now_ns,
        instruments=instruments,
        balances={
            each.asset: Balance(Decimal(each.available), Decimal(each.held))
            for each in message.balances
        },
        positions={
            each.symbol: _read_position(each, instruments[each.symbol])
            for each in message.positions
            if each.symbol in instruments
        },
    )
    if message.HasField("saved"):
        saved = decode_state(message.saved.state_json)
        context.saved = Saved(message.saved.version, saved)
    for each in message.open_orders:
        context.note_order(_read_order_update(each))
    return context


def read_account(message: plugin_pb2.PluginAccount, context: Context) -> None:
    """Bring money and positions up to date."""
    for told in message.balances:
        balance = context.balance(told.asset)
        balance.available, balance.held = Decimal(told.available), Decimal(told.held)
    for each in message.positions:
        position = context.position(each.symbol)
        position.quantity_lots = position.instrument.lots(Decimal(each.quantity))
        position.cost = Decimal(each.cost)


def read_warm_up(
    message: plugin_pb2.PluginWarmUp, instruments: Mapping[str, Instrument]
) -> list[Candle]:
    """Closed candles from before the start."""
    return [_read_candle(each, instruments[each.symbol]) for each in message.candles]


def read_inputs(
    message: plugin_pb2.HostFrame, instruments: Mapping[str, Instrument]
) -> Sequence[Input]:
    """What a running strategy is called with; several trades may come in one frame.

    Raises: FrameError for a message that is not for the strategy.
    """
    match message.WhichOneof("message"):
        case "trades":
            return _read_trades(message.trades, instruments[message.trades.symbol])
        case "book":
            return [_read_book(message.book, instruments[message.book.symbol])]
        case "candle":
            return [_read_candle(message.candle, instruments[message.candle.symbol])]
        case "order_update":
            return [_read_order_update(message.order_update)]
        case "change_refused":
            return [_read_change_refused(message.change_refused)]
        case "signal":
            return [read_signal(message.signal)]
        case "signal_lost":
            lost = message.signal_lost
            return [SignalLost(signal=lost.signal, name=lost.name, why=lost.why, at_ns=lost.at_ns)]
        case "timer":
            return [TimerDue(message.timer.name, message.timer.at_ns)]
        case "stop":
            return [StopAsked(message.stop.cause)]
        case other:
            raise FrameError(f"no input for a strategy: {other}")


def read_instrument(message: plugin_pb2.PluginInstrument) -> Instrument:
    """A market and its rules."""
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
        maker_fee_ppm=message.maker_fee_ppm,
        taker_fee_ppm=message.taker_fee_ppm,
    )


def _read_position(message: plugin_pb2.PluginPosition, instrument: Instrument) -> Position:
    lots = instrument.lots(Decimal(message.quantity))
    return Position(instrument, lots, Decimal(message.cost))


def _read_trades(message: plugin_pb2.PluginTrades, instrument: Instrument) -> list[Input]:
    return [
        Trade(
            instrument=instrument,
            venue=message.venue,
            at_ns=each.at_ns,
            price_ticks=instrument.ticks(Decimal(each.price)),
            quantity_lots=instrument.lots(Decimal(each.quantity)),
            taker_side=_SIDES[each.taker_side],
            simulated=each.simulated,
            lagged=message.lagged and index == 0,
        )
        for index, each in enumerate(message.trades)
    ]


def _read_book(message: plugin_pb2.PluginBook, instrument: Instrument) -> Book:
    return Book(
        instrument=instrument,
        venue=message.venue,
        at_ns=message.at_ns,
        bids=_read_levels(message.bids, instrument),
        asks=_read_levels(message.asks, instrument),
    )


def _read_levels(
    levels: Iterable[plugin_pb2.PluginLevel], instrument: Instrument
) -> tuple[Level, ...]:
    return tuple(
        Level(instrument.ticks(Decimal(each.price)), instrument.lots(Decimal(each.quantity)))
        for each in levels
    )


def _read_candle(message: plugin_pb2.PluginCandle, instrument: Instrument) -> Candle:
    return Candle(
        instrument=instrument,
        venue=message.venue,
        interval=_INTERVALS[message.interval_s],
        open_at_ns=message.open_at_ns,
        open_ticks=instrument.ticks(Decimal(message.open)),
        high_ticks=instrument.ticks(Decimal(message.high)),
        low_ticks=instrument.ticks(Decimal(message.low)),
        close_ticks=instrument.ticks(Decimal(message.close)),
        volume_lots=instrument.lots(Decimal(message.volume)),
        closed=message.closed,
        lagged=message.lagged,
        bought_lots=(
            instrument.lots(Decimal(message.bought)) if message.HasField("bought") else None
        ),
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


def _read_change_refused(message: plugin_pb2.PluginChangeRefused) -> ChangeRefused:
    return ChangeRefused(
        id=message.id,
        new_id=message.new_id,
        symbol=message.symbol,
        reason=message.reason,
        at_ns=message.at_ns,
    )


# --- What the child writes. ------------------------------------------------------------------


def write_sealed(sealed: Sealed) -> plugin_pb2.ChildFrame:
    """Say what holds this process."""
    layers = [f"PLUGIN_SANDBOX_LAYER_{each.name}" for each in sealed.layers]
    lacks = [
        plugin_pb2.PluginSandboxLack(layer=f"PLUGIN_SANDBOX_LAYER_{each.layer.name}", why=each.why)
        for each in sealed.lacks
    ]
    return plugin_pb2.ChildFrame(sealed=plugin_pb2.PluginSealed(layers=layers, lacks=lacks))


def write_ready(
    subscriptions: Iterable[Subscription], *, predicts: bool = True, uses: Iterable[str] = ()
) -> plugin_pb2.ChildFrame:
    """Say that the plugin is ready, and what it wants to see."""
    ready = plugin_pb2.PluginReady(
        subscriptions=[_write_subscription(each) for each in subscriptions],
        predicts_nothing=not predicts,
        uses=uses,
    )
    return plugin_pb2.ChildFrame(ready=ready)


def write_readings(values: Iterable[SignalValue]) -> plugin_pb2.ChildFrame:
    """Say what a signal says."""
    readings = plugin_pb2.PluginReadings(values=map(write_signal, values))
    return plugin_pb2.ChildFrame(readings=readings)


def write_signal(value: SignalValue) -> plugin_pb2.PluginSignalValue:
    """A value of a signal, for either side."""
    return plugin_pb2.PluginSignalValue(
        signal=value.signal,
        name=value.name,
        value=value.value,
        confidence=value.confidence,
        as_of_ns=value.as_of_ns,
        expires_at_ns=value.expires_at_ns,
    )


def read_signal(message: plugin_pb2.PluginSignalValue) -> SignalValue:
    """A value of a signal, as it was written; nothing of it is checked."""
    return SignalValue(
        signal=message.signal,
        name=message.name,
        value=message.value,
        confidence=message.confidence if message.HasField("confidence") else None,
        as_of_ns=message.as_of_ns,
        expires_at_ns=message.expires_at_ns,
    )


def write_intents(intents: Iterable[Intent]) -> Iterator[plugin_pb2.ChildFrame]:
    """Pack intents into as few frames as they fit in; none for none. What is saved comes last."""
    messages: list[plugin_pb2.PluginIntent] = []
    saves: list[plugin_pb2.ChildFrame] = []
    for intent in intents:
        if isinstance(intent, Save):
            save = plugin_pb2.PluginSave(version=intent.version, state_json=intent.text)
            saves.append(plugin_pb2.ChildFrame(save=save))
        else:
            messages.append(_write_intent(intent))
    for packed in _packed(messages):
        yield plugin_pb2.ChildFrame(intents=plugin_pb2.PluginIntents(intents=packed))
    yield from saves


def _packed(messages: list[plugin_pb2.PluginIntent]) -> Iterator[list[plugin_pb2.PluginIntent]]:
    packed: list[plugin_pb2.PluginIntent] = []
    packed_bytes = 0
    for message in messages:
        if len(packed) == INTENTS_PER_FRAME_MAX or packed_bytes > INTENTS_BYTES_MAX:
            yield packed
            packed, packed_bytes = [], 0
        packed.append(message)
        packed_bytes += message.ByteSize()
    if packed:
        yield packed


def _write_subscription(subscription: Subscription) -> plugin_pb2.PluginSubscription:
    message = plugin_pb2.PluginSubscription(symbol=subscription.symbol, venue=subscription.venue)
    match subscription:
        case Trades():
            message.data = plugin_pb2.PLUGIN_MARKET_DATA_TRADES
        case Books(depth=depth):
            message.data = plugin_pb2.PLUGIN_MARKET_DATA_BOOK
            message.depth = depth
        case Candles():
            message.data = plugin_pb2.PLUGIN_MARKET_DATA_CANDLES
            message.interval_s = subscription.interval.seconds
            message.forming = subscription.forming
            message.warm_up = subscription.warm_up
    return message


def _write_intent(
    intent: Place | Cancel | CancelAll | Amend | Replace | SetTimer | Note,
) -> plugin_pb2.PluginIntent:
    match intent:
        case Place():
            return plugin_pb2.PluginIntent(place=_write_place(intent))
        case Cancel():
            return plugin_pb2.PluginIntent(cancel=plugin_pb2.PluginCancel(id=intent.id))
        case CancelAll():
            return plugin_pb2.PluginIntent(
                cancel_all=plugin_pb2.PluginCancelAll(symbol=intent.symbol or "")
            )
        case Amend():
            amend = plugin_pb2.PluginAmend(
                id=intent.id, symbol=intent.symbol, quantity=_text(intent.quantity)
            )
            return plugin_pb2.PluginIntent(amend=amend)
        case Replace():
            replace = plugin_pb2.PluginReplace(
                id=intent.id,
                new_id=intent.new_id,
                symbol=intent.symbol,
                price=_text(intent.price),
                quantity=_text(intent.quantity),
                trigger_price=_text(intent.trigger_price),
                display_quantity=_text(intent.display_quantity),
                expires_at_ns=intent.expires_at_ns or 0,
            )
            if intent.reason is not None:
                replace.reason.CopyFrom(_write_reason(intent.reason))
            return plugin_pb2.PluginIntent(replace=replace)
        case SetTimer():
            return plugin_pb2.PluginIntent(
                set_timer=plugin_pb2.PluginSetTimer(name=intent.name, delay_ns=intent.delay_ns)
            )
        case Note():
            return plugin_pb2.PluginIntent(
                note=plugin_pb2.PluginNote(text=intent.text[:TEXT_LENGTH_MAX])
            )


def _write_place(place: Place) -> plugin_pb2.PluginPlace:
    message = plugin_pb2.PluginPlace(
        id=place.id,
        symbol=place.symbol,
        side=_SIDE_NUMBERS[place.side],
        price=_text(place.price),
        quantity=_text(place.quantity),
        quote_quantity=_text(place.quote_quantity),
        time_in_force=_TIMES_IN_FORCE[place.lives],
        post_only=place.post_only,
        reduce_only=place.reduce_only,
        slide=place.slide,
        display_quantity=_text(place.display_quantity),
        expires_at_ns=place.expires_at_ns or 0,
    )
    if place.trigger is not None:
        message.trigger.CopyFrom(_write_trigger(place.trigger))
    if place.reason is not None:
        message.reason.CopyFrom(_write_reason(place.reason))
    return message


def _write_reason(reason: Reason) -> plugin_pb2.PluginReason:
    message = plugin_pb2.PluginReason(rule=reason.rule)
    for name, value in reason.figures.items():
        message.figures.add(name=name, value=value)
    if reason.model is not None:
        told = reason.model
        message.model.digest, message.model.score, message.model.base = (
            told.digest, told.score, told.base,
        )  # fmt: skip
        for each in told.weights:
            message.model.weights.add(feature=each.feature, value=each.value, added=each.added)
    return message


def _write_trigger(trigger: Trigger) -> plugin_pb2.PluginTrigger:
    message = plugin_pb2.PluginTrigger(source=_TRIGGER_SOURCES[trigger.source])
    match trigger:
        case Stop():
            message.kind = plugin_pb2.PLUGIN_TRIGGER_KIND_STOP
            message.price = _text(trigger.price)
        case TakeProfit():
            message.kind = plugin_pb2.PLUGIN_TRIGGER_KIND_TAKE_PROFIT
            message.price = _text(trigger.price)
        case Trail():
            message.kind = plugin_pb2.PLUGIN_TRIGGER_KIND_TRAIL
            message.trail_bps = trigger.bps or 0
            message.trail_offset = _text(trigger.offset)
            message.activation_price = _text(trigger.activation_price)
    return message


def _text(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")
