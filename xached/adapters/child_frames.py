"""Frames to and from a strategy's child: bytes on one side, values of the domain on the other.

What comes from a child is not trusted: every enum, length and count is checked here, and one
mistake is a :class:`ChildViolation` that ends it. Decimal texts are only bounded; the instrument
reads them, so that a wrong step is refused like anybody's.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import Final, TypeAlias, TypeVar

import attrs
from google.protobuf.message import DecodeError
from xache_sdk.orders import ID_LENGTH_MAX, TEXT_LENGTH_MAX, TIMER_DELAY_NS_MAX
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import INTENTS_PER_FRAME_MAX, frame

from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Asset, Instrument, Symbol
from xached.domain.market import Level, Provenance, TapeTrade, Venue
from xached.domain.money import DIGITS_MAX, format_units
from xached.domain.order import EndReason, OrderStatus, Side, TimeInForce
from xached.domain.order_reports import OrderReport
from xached.domain.position import Position

SUBSCRIPTIONS_MAX: Final = 64
BOOK_DEPTH_MAX: Final = 200
"""Levels a side: with the longest numbers there are, a book still fits into a frame."""

NAME_LENGTH_MAX: Final = 40
LOG_LENGTH_MAX: Final = 4_000

Number = TypeVar("Number", bound=enum.IntEnum)

_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{ID_LENGTH_MAX}}}", re.ASCII)


class ChildViolation(Exception):  # noqa: N818 - says who is at fault
    """The child broke the protocol. It is killed; nothing of that message was done."""


class MarketData(enum.IntEnum):
    """What a subscription brings; the numbers are the protocol's."""

    TRADES = 1
    BOOK = 2
    CANDLES = 3


class Failure(enum.IntEnum):
    """What went wrong in a child; the numbers are the protocol's."""

    IMPORT = 1
    SETTINGS = 2
    CALLBACK = 3


# --- What a child says. ----------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Subscription:
    """Market data a strategy wants. ``interval`` for candles, ``depth`` (levels) for books."""

    symbol: Symbol
    venue: Venue
    data: MarketData
    interval: Interval | None
    depth: int


@attrs.frozen
class Ready:
    """The strategy is imported and its settings are read."""

    subscriptions: tuple[Subscription, ...]


@attrs.frozen(kw_only=True)
class PlaceIntent:
    """A new order. Amounts are the child's own text, None where there is none."""

    id: str
    symbol: Symbol
    side: Side
    price: str | None
    quantity: str | None
    quote_quantity: str | None
    time_in_force: TimeInForce
    post_only: bool


@attrs.frozen
class CancelIntent:
    """The end of one order of this run."""

    id: str


@attrs.frozen
class CancelAllIntent:
    """The end of all orders of the purse, or of one market of it."""

    symbol: Symbol | None


@attrs.frozen
class TimerIntent:
    """A timer; one of the same name is replaced."""

    name: str
    delay_ns: int


@attrs.frozen
class NoteIntent:
    """Something the owner should know."""

    text: str


Intent: TypeAlias = PlaceIntent | CancelIntent | CancelAllIntent | TimerIntent | NoteIntent


@attrs.frozen
class Intents:
    """What the strategy wants, in this order."""

    intents: tuple[Intent, ...]


@attrs.frozen
class Pong:
    """The answer to a ping."""

    number: int


@attrs.frozen
class Log:
    """What a strategy printed."""

    text: str


@attrs.frozen
class Failed:
    """Why the strategy cannot go on."""

    failure: Failure
    message: str


ChildMessage: TypeAlias = Ready | Intents | Pong | Log | Failed


def read_child_frame(body: bytes) -> ChildMessage:
    """Read what a child wrote. Raises: ChildViolation."""
    try:
        message = plugin_pb2.ChildFrame.FromString(body)
    except DecodeError as error:
        raise ChildViolation(f"a frame that cannot be read: {error}") from None
    match message.WhichOneof("message"):
        case "intents":
            if len(message.intents.intents) > INTENTS_PER_FRAME_MAX:
                raise ChildViolation(f"more than {INTENTS_PER_FRAME_MAX} intents in a frame")
            return Intents(tuple(_read_intent(each) for each in message.intents.intents))
        case "pong":
            return Pong(message.pong.number)
        case "log":
            return Log(_shown(message.log.text, LOG_LENGTH_MAX))
        case "ready":
            subscriptions = message.ready.subscriptions
            if len(subscriptions) > SUBSCRIPTIONS_MAX:
                raise ChildViolation(f"more than {SUBSCRIPTIONS_MAX} subscriptions")
            return Ready(tuple(_read_subscription(each) for each in subscriptions))
        case "failed":
            return Failed(
                _number(Failure, message.failed.failure),
                _shown(message.failed.message, LOG_LENGTH_MAX),
            )
        case _:
            raise ChildViolation("a frame without a message")


def _read_subscription(message: plugin_pb2.PluginSubscription) -> Subscription:
    data = _number(MarketData, message.data)
    interval = None
    if data is MarketData.CANDLES:
        interval = _number(Interval, message.interval_s)
    if data is MarketData.BOOK and not 0 < message.depth <= BOOK_DEPTH_MAX:
        raise ChildViolation(f"a book of {message.depth} levels; 1 to {BOOK_DEPTH_MAX} allowed")
    return Subscription(
        symbol=Symbol(_name(message.symbol)),
        venue=Venue(_name(message.venue)),
        data=data,
        interval=interval,
        depth=message.depth,
    )


def _read_intent(message: plugin_pb2.PluginIntent) -> Intent:
    match message.WhichOneof("intent"):
        case "place":
            return _read_place(message.place)
        case "cancel":
            return CancelIntent(_order_id(message.cancel.id))
        case "cancel_all":
            symbol = message.cancel_all.symbol
            return CancelAllIntent(Symbol(_name(symbol)) if symbol else None)
        case "set_timer":
            timer = message.set_timer
            if not 0 < timer.delay_ns <= TIMER_DELAY_NS_MAX:
                raise ChildViolation(f"a timer of {timer.delay_ns} ns")
            return TimerIntent(_name(timer.name), timer.delay_ns)
        case "note":
            return NoteIntent(_shown(message.note.text, TEXT_LENGTH_MAX))
        case _:
            raise ChildViolation("an intent that wants nothing")


def _read_place(message: plugin_pb2.PluginPlace) -> PlaceIntent:
    if message.time_in_force == plugin_pb2.PLUGIN_TIME_IN_FORCE_UNSPECIFIED:
        time_in_force = TimeInForce.GTC if message.price else TimeInForce.IOC
    else:
        time_in_force = _number(TimeInForce, message.time_in_force)
    return PlaceIntent(
        id=_order_id(message.id),
        symbol=Symbol(_name(message.symbol)),
        side=_number(Side, message.side),
        price=_amount(message.price),
        quantity=_amount(message.quantity),
        quote_quantity=_amount(message.quote_quantity),
        time_in_force=time_in_force,
        post_only=message.post_only,
    )


def _number(kind: type[Number], number: int) -> Number:
    try:
        return kind(number)
    except ValueError:
        raise ChildViolation(f"{number} is no {kind.__name__}") from None


def _order_id(text: str) -> str:
    if _ID.fullmatch(text) is None:
        raise ChildViolation(f"an order id of a form that is not allowed: {text[:40]!r}")
    return text


def _name(text: str) -> str:
    if not 0 < len(text) <= NAME_LENGTH_MAX:
        raise ChildViolation(f"a name of {len(text)} characters; 1 to {NAME_LENGTH_MAX} allowed")
    if not text.isprintable():
        raise ChildViolation(f"a name that cannot be printed: {text!r}")
    return text


def _shown(text: str, length: int) -> str:
    """Text for people and logs: nothing in it begins a line or moves a terminal's cursor."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text[:length]
    )


def _amount(text: str) -> str | None:
    if len(text) > DIGITS_MAX + 1:
        raise ChildViolation(f"a number of {len(text)} characters")
    return text or None


# --- What a child is told. -------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Money:
    """Money of one asset in the purse."""

    asset: Asset
    available_units: int
    held_units: int


@attrs.frozen(kw_only=True)
class Start:
    """Everything a strategy is told at its start. ``settings_json`` is a JSON object."""

    run_id: str
    settings_json: str
    instruments: tuple[Instrument, ...]
    money: tuple[Money, ...]
    positions: tuple[tuple[Instrument, Position], ...]
    open_orders: tuple[tuple[Instrument, OrderReport], ...]
    now_ns: int


@attrs.frozen(kw_only=True)
class Refused:
    """An order that never came to be. ``reason`` is a name of the API."""

    id: str
    symbol: Symbol
    side: Side
    reason: str
    at_ns: int


def own_id(run_id: str, client_order_id: str) -> str | None:
    """The strategy's id of an order of this run; None for any other order."""
    prefix = run_id + "-"
    return client_order_id.removeprefix(prefix) if client_order_id.startswith(prefix) else None


def client_order_id(run_id: str, order_id: str) -> str:
    """The exchange's id of a strategy's order."""
    return f"{run_id}-{order_id}"


def write_start(start: Start) -> bytes:
    """The first frame. Raises: FrameError when it does not fit into one."""
    message = plugin_pb2.PluginStart(
        run_id=start.run_id,
        settings_json=start.settings_json,
        instruments=[_instrument(each) for each in start.instruments],
        balances=[
            plugin_pb2.PluginBalance(
                asset=each.asset.name,
                available=format_units(each.available_units, each.asset.scale),
                held=format_units(each.held_units, each.asset.scale),
            )
            for each in start.money
        ],
        positions=[
            plugin_pb2.PluginPosition(
                symbol=instrument.symbol,
                quantity=instrument.format_quantity(position.quantity_lots),
                cost=instrument.format_quote(position.cost_units),
            )
            for instrument, position in start.positions
        ],
        open_orders=[
            _order_update(instrument, report, start.run_id)
            for instrument, report in start.open_orders
        ],
        now_ns=start.now_ns,
    )
    return _host_frame(plugin_pb2.HostFrame(start=message))


def write_order_report(instrument: Instrument, report: OrderReport, run_id: str) -> bytes:
    """What became of an order of the purse."""
    update = _order_update(instrument, report, run_id)
    return _host_frame(plugin_pb2.HostFrame(order_update=update))


def write_refused(refused: Refused) -> bytes:
    """An order was refused; nothing changed."""
    update = plugin_pb2.PluginOrderUpdate(
        id=refused.id,
        own=True,
        symbol=refused.symbol,
        side=_side(refused.side),
        status=plugin_pb2.PLUGIN_ORDER_STATUS_REFUSED,
        reason=refused.reason,
        at_ns=refused.at_ns,
    )
    return _host_frame(plugin_pb2.HostFrame(order_update=update))


def write_trades(
    instrument: Instrument, venue: Venue, trades: Sequence[TapeTrade], *, lagged: bool
) -> bytes:
    """Trades of one tape, in order; at most a few hundred, to fit into a frame."""
    message = plugin_pb2.PluginTrades(
        symbol=instrument.symbol,
        venue=venue,
        trades=[
            plugin_pb2.PluginTrade(
                price=instrument.format_price(trade.price_ticks),
                quantity=instrument.format_quantity(trade.quantity_lots),
                taker_side=_side(trade.taker_side),
                at_ns=trade.at_ns,
                simulated=trade.source.provenance is Provenance.SIMULATED,
            )
            for trade in trades
        ],
        lagged=lagged,
    )
    return _host_frame(plugin_pb2.HostFrame(trades=message))


def write_book(
    instrument: Instrument,
    venue: Venue,
    bids: Sequence[Level],
    asks: Sequence[Level],
    at_ns: int,
) -> bytes:
    """The best levels of a book, best first."""
    message = plugin_pb2.PluginBook(
        symbol=instrument.symbol,
        venue=venue,
        bids=[_level(instrument, each) for each in bids],
        asks=[_level(instrument, each) for each in asks],
        at_ns=at_ns,
    )
    return _host_frame(plugin_pb2.HostFrame(book=message))


def write_candle(instrument: Instrument, venue: Venue, candle: Candle, *, lagged: bool) -> bytes:
    """A candle as it stands."""
    message = plugin_pb2.PluginCandle(
        symbol=instrument.symbol,
        venue=venue,
        interval_s=candle.interval,
        open_at_ns=candle.open_at_ns,
        open=instrument.format_price(candle.open_ticks),
        high=instrument.format_price(candle.high_ticks),
        low=instrument.format_price(candle.low_ticks),
        close=instrument.format_price(candle.close_ticks),
        volume=instrument.format_quantity(candle.volume_lots),
        closed=candle.closed,
        lagged=lagged,
    )
    return _host_frame(plugin_pb2.HostFrame(candle=message))


def write_timer(name: str, at_ns: int) -> bytes:
    """A timer is due."""
    return _host_frame(plugin_pb2.HostFrame(timer=plugin_pb2.PluginTimer(name=name, at_ns=at_ns)))


def write_stop(cause: str) -> bytes:
    """The child is asked to end."""
    return _host_frame(plugin_pb2.HostFrame(stop=plugin_pb2.PluginStop(cause=cause)))


def write_ping(number: int) -> bytes:
    """The child is asked for a sign of life."""
    return _host_frame(plugin_pb2.HostFrame(ping=plugin_pb2.PluginPing(number=number)))


def _host_frame(message: plugin_pb2.HostFrame) -> bytes:
    return frame(message.SerializeToString())


def _instrument(instrument: Instrument) -> plugin_pb2.PluginInstrument:
    return plugin_pb2.PluginInstrument(
        symbol=instrument.symbol,
        base=instrument.base,
        quote=instrument.quote,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        min_quantity=instrument.format_quantity(instrument.min_quantity_lots),
        max_quantity=instrument.format_quantity(instrument.max_quantity_lots),
        max_market_quantity=instrument.format_quantity(instrument.max_market_quantity_lots),
        min_notional=instrument.format_quote(instrument.min_notional_units),
        max_notional=instrument.format_quote(instrument.max_notional_units),
    )


def _order_update(
    instrument: Instrument, report: OrderReport, run_id: str
) -> plugin_pb2.PluginOrderUpdate:
    own = own_id(run_id, report.client_order_id)
    update = plugin_pb2.PluginOrderUpdate(
        id=report.client_order_id if own is None else own,
        own=own is not None,
        symbol=report.symbol,
        side=_side(report.side),
        status=_STATUSES[report.status],
        reason="" if report.end_reason is EndReason.NONE else report.end_reason.name,
        price="" if report.price_ticks is None else instrument.format_price(report.price_ticks),
        quantity=instrument.format_quantity(report.quantity_lots),
        executed_quantity=instrument.format_quantity(report.executed_lots),
        leaves_quantity=instrument.format_quantity(report.leaves_lots),
        at_ns=report.at_ns,
    )
    if report.fill is not None:
        update.fill.CopyFrom(
            plugin_pb2.PluginFill(
                price=instrument.format_price(report.fill.price_ticks),
                quantity=instrument.format_quantity(report.fill.quantity_lots),
                fee=instrument.format_quote(report.fill.fee_units),
                maker=report.fill.maker,
            )
        )
    return update


def _level(instrument: Instrument, level: Level) -> plugin_pb2.PluginLevel:
    price_ticks, lots = level
    return plugin_pb2.PluginLevel(
        price=instrument.format_price(price_ticks), quantity=instrument.format_quantity(lots)
    )


def _side(side: Side) -> plugin_pb2.PluginSide:
    return plugin_pb2.PLUGIN_SIDE_BUY if side is Side.BUY else plugin_pb2.PLUGIN_SIDE_SELL


_STATUSES = {
    OrderStatus.OPEN: plugin_pb2.PLUGIN_ORDER_STATUS_OPEN,
    OrderStatus.PARTIALLY_FILLED: plugin_pb2.PLUGIN_ORDER_STATUS_PARTIALLY_FILLED,
    OrderStatus.FILLED: plugin_pb2.PLUGIN_ORDER_STATUS_FILLED,
    OrderStatus.CANCELED: plugin_pb2.PLUGIN_ORDER_STATUS_CANCELED,
    OrderStatus.EXPIRED: plugin_pb2.PLUGIN_ORDER_STATUS_EXPIRED,
    OrderStatus.TRIGGERED: plugin_pb2.PLUGIN_ORDER_STATUS_TRIGGERED,
    OrderStatus.UNTRIGGERED: plugin_pb2.PLUGIN_ORDER_STATUS_UNTRIGGERED,
    OrderStatus.PENDING_NEW: plugin_pb2.PLUGIN_ORDER_STATUS_PENDING_NEW,
    OrderStatus.REJECTED: plugin_pb2.PLUGIN_ORDER_STATUS_REJECTED,
}
