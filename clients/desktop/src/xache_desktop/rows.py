"""The board as rows of tables."""

from __future__ import annotations

import html
from decimal import Decimal
from typing import Final

from PySide6.QtGui import QColor
from xache.explain import explain_price
from xache.live.board import Board, MarketBoard, PurseView, day_change, strategy_state
from xache.output import clock, word
from xache.v1 import strategy_pb2, types_pb2

from xache_desktop.tables import Cell, Row
from xache_desktop.theme import DOWN, QUIET, UP, WARNING

TAPE_LENGTH: Final = 60


def headline(board: Board) -> str:
    """The market, its price and its day, as rich text."""
    subject, ticker = board.market.subject, board.ticker()
    symbol = html.escape(subject.symbol)
    if ticker is None:
        return symbol
    change = day_change(ticker)
    colour = _of_change(change).name()
    told = f'{symbol} <span style="color:{colour}">{html.escape(ticker.last or "-")}'
    if change is not None:
        told += f" {change:+.2f} %"
    venue = html.escape(ticker.source.venue)
    kind = html.escape(word(types_pb2.Provenance, ticker.source.provenance))
    stale = f' <span style="color:{WARNING.name()}">stale</span>' if ticker.stale else ""
    quiet = f'<span style="font-size:12px;color:{QUIET.name()}"> {venue} {kind}</span>'
    return f"{told}</span>{quiet}{stale}"


def markets(board: Board) -> list[Row]:
    """Every market at every source."""
    found = []
    for (symbol, venue), ticker in sorted(board.tickers.items()):
        change = day_change(ticker)
        cells = (
            Cell(symbol),
            Cell(venue, WARNING if ticker.stale else QUIET),
            Cell(ticker.last or "-"),
            Cell("-" if change is None else f"{change:+.2f} %", _of_change(change)),
        )
        found.append(Row(f"{symbol} {venue}", cells))
    return found


def trades(market: MarketBoard) -> list[Row]:
    """The newest trades, newest first."""
    return [
        Row(
            str(trade.sequence),
            (
                Cell(trade.price, _of_side(trade.taker_side)),
                Cell(trade.quantity),
                Cell(clock(trade.at_ns)[:8], QUIET),
            ),
        )
        for trade in list(market.trades)[: -TAPE_LENGTH - 1 : -1]
    ]


def orders(purse: PurseView) -> list[Row]:
    """Open orders, by the house's id."""
    return [
        Row(
            order.order_id,
            (
                Cell(order.symbol),
                Cell(word(types_pb2.Side, order.side), _of_side(order.side)),
                Cell(word(types_pb2.OrderType, order.type)),
                Cell(explain_price(order)),
                Cell(f"{order.executed_quantity} / {order.quantity}"),
                Cell(word(types_pb2.OrderStatus, order.status)),
            ),
        )
        for order in purse.orders
    ]


def positions(purse: PurseView) -> list[Row]:
    """Positions, by market."""
    return [
        Row(
            position.symbol,
            (
                Cell(position.symbol),
                Cell(position.quantity),
                Cell(position.average_price or "-"),
                Cell(position.value or "-"),
                _gain(position.unrealised),
                _gain(position.realised),
            ),
        )
        for position in purse.positions
    ]


def holdings(purse: PurseView) -> list[Row]:
    """What the purse is made of."""
    return [
        Row(
            allocation.asset,
            (
                Cell(allocation.asset),
                Cell(allocation.quantity),
                Cell(allocation.value or "-"),
                Cell(f"{Decimal(allocation.share_ppm) / 10_000:.1f} %"),
            ),
        )
        for allocation in purse.portfolio.allocations
    ]


def fills(board: Board) -> list[Row]:
    """What was traded while the window was open, newest first."""
    return [
        Row(
            f"{fill.trade_id} {fill.order_id}",
            (
                Cell(fill.symbol),
                Cell(word(types_pb2.Side, fill.side), _of_side(fill.side)),
                Cell(fill.price),
                Cell(fill.quantity),
                Cell(fill.fee),
                Cell(clock(fill.at_ns)[:8], QUIET),
            ),
        )
        for fill in board.fills
    ]


def strategies(board: Board) -> list[Row]:
    """How the account's strategies do, and those of the house in it."""
    own = [
        Row(
            strategy.name,
            (
                Cell(strategy.name),
                Cell(strategy.plugin, QUIET),
                Cell(word(strategy_pb2.StrategyStage, strategy.stage)),
                _state(strategy),
                Cell(f"{strategy.budget} {strategy.budget_asset}"),
                Cell(str(strategy.open_orders)),
                Cell(strategy.failure or strategy.advice or strategy.last_note, QUIET),
            ),
        )
        for strategy in board.strategies or ()
    ]
    return own + [
        Row(
            f"{operated.subaccount} {operated.name}",
            (
                Cell(operated.name),
                Cell(operated.plugin, QUIET),
                Cell("house"),
                Cell("running", UP) if operated.ready else Cell("not running", DOWN),
                Cell(f"in {operated.subaccount}"),
                Cell(str(operated.open_orders)),
                Cell(operated.advice or operated.last_note, QUIET),
            ),
        )
        for operated in board.operated
    ]


def _state(strategy: strategy_pb2.Strategy) -> Cell:
    state = strategy_state(strategy)
    return Cell(state, {"running": UP, "failed": DOWN, "paused": WARNING}.get(state, QUIET))


def streams(board: Board) -> list[Row]:
    """How each stream does."""
    found = []
    for name, state in {**board.market.streams, **board.streams}.items():
        told = Cell(state.failure, DOWN) if state.failure else Cell("waiting", QUIET)
        if not state.failure and state.heard_at_s is not None:
            told = Cell("silent", WARNING) if state.is_silent() else Cell("live", UP)
        found.append(Row(name, (Cell(name), told, Cell(f"{state.messages:,}"))))
    return found


def _gain(amount: str) -> Cell:
    if not amount or not Decimal(amount):
        return Cell(amount or "-", QUIET)
    return Cell(amount, DOWN if amount.startswith("-") else UP)


def _of_side(side: types_pb2.Side) -> QColor:
    return UP if side == types_pb2.SIDE_BUY else DOWN


def _of_change(change: Decimal | None) -> QColor:
    return QUIET if change is None else UP if change >= 0 else DOWN
