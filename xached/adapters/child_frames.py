"""What a strategy's child is told: values of the domain on one side, frames on the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

import attrs
from xache_sdk import wire
from xache_sdk.signal_values import SignalLost, SignalValue
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import frame

from xached.domain.candles import Candle
from xached.domain.instrument import Asset, Instrument, Symbol
from xached.domain.market import Level, Provenance, TapeTrade, Venue
from xached.domain.money import format_units
from xached.domain.order import EndReason, OrderStatus, Side
from xached.domain.order_reports import OrderReport
from xached.domain.position import Position

PositionOf: TypeAlias = tuple[Instrument, Position]
"""A position and the instrument it is of."""

RUN_ID_BYTES: Final = 8
"""Drawn for each run; order ids begin with them as hexadecimal digits."""

_RUN_ID: Final = re.compile(rf"[0-9a-f]{{{2 * RUN_ID_BYTES}}}", re.ASCII)

WARM_UP_PER_FRAME: Final = 100
"""So many of the longest candles fit into a frame."""


@attrs.frozen(kw_only=True)
class Money:
    """Money of one asset in the purse."""

    asset: Asset
    available_units: int
    held_units: int


@attrs.frozen
class Saved:
    """What an earlier run saved: the version it gave, and a JSON object."""

    version: int
    state_json: str


@attrs.frozen(kw_only=True)
class Start:
    """Everything a strategy is told at its start. ``settings_json`` is a JSON object."""

    run_id: str
    settings_json: str
    instruments: tuple[Instrument, ...]
    money: tuple[Money, ...]
    positions: tuple[PositionOf, ...]
    open_orders: tuple[tuple[Instrument, OrderReport], ...]
    now_ns: int
    saved: Saved | None = None


@attrs.frozen(kw_only=True)
class Refused:
    """An order that never came to be. ``reason`` is a name of the API."""

    id: str
    symbol: Symbol
    side: Side
    reason: str
    at_ns: int


@attrs.frozen(kw_only=True)
class ChangeRefused:
    """An order that was not changed; ``new_id`` is empty for an amendment."""

    id: str
    new_id: str
    symbol: Symbol
    reason: str
    at_ns: int


def own_id(run_id: str, client_order_id: str) -> str | None:
    """The strategy's id of an order of this run; None for any other order."""
    prefix = run_id + "-"
    return client_order_id.removeprefix(prefix) if client_order_id.startswith(prefix) else None


def client_order_id(run_id: str, order_id: str) -> str:
    """The exchange's id of a strategy's order."""
    return f"{run_id}-{order_id}"


def run_id_of(client_order_id: str) -> str | None:
    """The run whose order it may be by its id; None when it is of no form that a run gives."""
    run_id, dash, _ = client_order_id.partition("-")
    return run_id if dash and _RUN_ID.fullmatch(run_id) else None


def write_start(start: Start) -> bytes:
    """The first frame. Raises: FrameError when it does not fit into one."""
    message = plugin_pb2.PluginStart(
        run_id=start.run_id,
        settings_json=start.settings_json,
        instruments=[write_instrument(each) for each in start.instruments],
        balances=_balances(start.money),
        positions=_positions(start.positions),
        open_orders=[
            _order_update(instrument, report, start.run_id)
            for instrument, report in start.open_orders
        ],
        now_ns=start.now_ns,
    )
    if start.saved is not None:
        message.saved.version = start.saved.version
        message.saved.state_json = start.saved.state_json
    return _host_frame(plugin_pb2.HostFrame(start=message))


@attrs.frozen(kw_only=True)
class SignalStart:
    """What a signal is told at its start. ``settings_json`` is a JSON object."""

    name: str
    settings_json: str
    instruments: tuple[Instrument, ...]
    now_ns: int


def write_signal_start(start: SignalStart) -> bytes:
    """The first frame to a signal. Raises: FrameError when it does not fit into one."""
    message = plugin_pb2.PluginSignalStart(
        name=start.name,
        settings_json=start.settings_json,
        instruments=[write_instrument(each) for each in start.instruments],
        now_ns=start.now_ns,
    )
    return _host_frame(plugin_pb2.HostFrame(signal_start=message))


def write_signal(value: SignalValue) -> bytes:
    """What a signal says that the strategy uses."""
    return _host_frame(plugin_pb2.HostFrame(signal=wire.write_signal(value)))


def write_signal_lost(lost: SignalLost) -> bytes:
    """A signal that the strategy uses has no value any more."""
    message = plugin_pb2.PluginSignalLost(
        signal=lost.signal, name=lost.name, why=lost.why, at_ns=lost.at_ns
    )
    return _host_frame(plugin_pb2.HostFrame(signal_lost=message))


def write_account(money: Sequence[Money], positions: Sequence[PositionOf]) -> bytes:
    """Money and positions that have changed."""
    message = plugin_pb2.PluginAccount(balances=_balances(money), positions=_positions(positions))
    return _host_frame(plugin_pb2.HostFrame(account=message))


def write_warm_up(instrument: Instrument, venue: Venue, candles: Sequence[Candle]) -> bytes:
    """Closed candles from before the start; at most a hundred, to fit into a frame."""
    told = [_candle(instrument, venue, each, lagged=False) for each in candles]
    return _host_frame(plugin_pb2.HostFrame(warm_up=plugin_pb2.PluginWarmUp(candles=told)))


def write_begin() -> bytes:
    """The strategy may begin."""
    return _host_frame(plugin_pb2.HostFrame(begin=plugin_pb2.PluginBegin()))


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


def write_change_refused(refused: ChangeRefused) -> bytes:
    """A change of an order was refused; nothing changed."""
    message = plugin_pb2.PluginChangeRefused(
        id=refused.id,
        new_id=refused.new_id,
        symbol=refused.symbol,
        reason=refused.reason,
        at_ns=refused.at_ns,
    )
    return _host_frame(plugin_pb2.HostFrame(change_refused=message))


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
    message = _candle(instrument, venue, candle, lagged=lagged)
    return _host_frame(plugin_pb2.HostFrame(candle=message))


def write_timer(name: str, at_ns: int) -> bytes:
    """A timer is due."""
    return _host_frame(plugin_pb2.HostFrame(timer=plugin_pb2.PluginTimer(name=name, at_ns=at_ns)))


def write_stop(cause: str) -> bytes:
    """The child is asked to end."""
    return _host_frame(plugin_pb2.HostFrame(stop=plugin_pb2.PluginStop(cause=cause)))


def write_clock(now_ns: int) -> bytes:
    """What time it is."""
    return _host_frame(plugin_pb2.HostFrame(clock=plugin_pb2.PluginClock(now_ns=now_ns)))


def write_ping(number: int) -> bytes:
    """The child is asked for a sign of life."""
    return _host_frame(plugin_pb2.HostFrame(ping=plugin_pb2.PluginPing(number=number)))


def _host_frame(message: plugin_pb2.HostFrame) -> bytes:
    return frame(message.SerializeToString())


def write_instrument(instrument: Instrument) -> plugin_pb2.PluginInstrument:
    """A market and its rules."""
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
        maker_fee_ppm=instrument.maker_fee_ppm,
        taker_fee_ppm=instrument.taker_fee_ppm,
    )


def _balances(money: Sequence[Money]) -> list[plugin_pb2.PluginBalance]:
    return [
        plugin_pb2.PluginBalance(
            asset=each.asset.name,
            available=format_units(each.available_units, each.asset.scale),
            held=format_units(each.held_units, each.asset.scale),
        )
        for each in money
    ]


def _positions(positions: Sequence[PositionOf]) -> list[plugin_pb2.PluginPosition]:
    return [
        plugin_pb2.PluginPosition(
            symbol=instrument.symbol,
            quantity=instrument.format_quantity(position.quantity_lots),
            cost=instrument.format_quote(position.cost_units),
        )
        for instrument, position in positions
    ]


def _candle(
    instrument: Instrument, venue: Venue, candle: Candle, *, lagged: bool
) -> plugin_pb2.PluginCandle:
    return plugin_pb2.PluginCandle(
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
        bought=(
            None if candle.bought_lots is None else instrument.format_quantity(candle.bought_lots)
        ),
    )


def _order_update(
    instrument: Instrument, report: OrderReport, run_id: str
) -> plugin_pb2.PluginOrderUpdate:
    own = own_id(run_id, report.client_order_id)
    update = plugin_pb2.PluginOrderUpdate(
        id=report.client_order_id if own is None else own,
        own=own is not None,
        symbol=instrument.symbol,
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
