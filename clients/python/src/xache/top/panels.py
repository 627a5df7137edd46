"""What each panel draws of the board, in the room it has."""

from __future__ import annotations

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import attrs
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from xache.amounts import short_text
from xache.book_view import draw_ladder, spread_text
from xache.candle_chart import draw_candles
from xache.explain import explain_price
from xache.live.board import Board, StreamState, day_change, strategy_state
from xache.output import clock, side_text, source_text, word
from xache.v1 import market_pb2, strategy_pb2, types_pb2

CHART_LINES: Final = 5
"""Lines of a chart that are not prices: volume and time."""
LADDER_LINES: Final = 2
"""Lines of a ladder that are no levels: the names of its columns and the spread."""
BAR_COLUMNS: Final = 12
INTERVALS: Final = {
    market_pb2.INTERVAL_1S: "1s",
    market_pb2.INTERVAL_1M: "1m",
    market_pb2.INTERVAL_5M: "5m",
    market_pb2.INTERVAL_15M: "15m",
    market_pb2.INTERVAL_1H: "1h",
    market_pb2.INTERVAL_1D: "1d",
}

ORDERS_COLUMNS: Final = 53
"""What the table of orders takes without their ids, of which a program's may be long."""

_STATE_STYLES: Final = {"running": "green", "starting": "cyan", "failed": "red", "paused": "yellow"}

_WAITING: Final = Text("waiting …", "dim")


def draw_head(board: Board) -> RenderableType:
    """One line: the market, its price and how far it has come in a day."""
    subject, ticker = board.market.subject, board.ticker()
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f" {subject.symbol} ", "bold reverse")
    if ticker is None:
        return line.append("  waiting for its price", "dim")
    line.append("  ").append_text(source_text(ticker.source))
    change = day_change(ticker)
    style = "" if change is None else "green" if change >= 0 else "red"
    line.append(f"  {ticker.last or '-'}", f"bold {style}")
    if change is not None:
        line.append(f"  {change:+.2f} %", style)
    line.append(f"   bid {ticker.bid or '-'}  ask {ticker.ask or '-'}", "dim")
    line.append(f"   24 h {ticker.low or '-'} to {ticker.high or '-'}", "dim")
    if ticker.stale:
        line.append("   stale", "bold yellow")
    instrument = board.instruments.get(subject.symbol)
    if instrument is not None and instrument.state != types_pb2.MARKET_STATE_TRADING:
        line.append(f"   {word(types_pb2.MarketState, instrument.state)}", "bold yellow")
    return line


def draw_chart(board: Board, width: int, height: int) -> RenderableType:
    """Candles of the market that is looked at."""
    market = board.market
    if not market.candles:
        return _absent(market.streams["candles"])
    lines = draw_candles(
        market.candles,
        market.subject.interval,
        width=width,
        rows=max(4, height - CHART_LINES),
        coloured=True,
    )
    return Group(*lines)


def name_book(board: Board) -> str:
    """The title of the book: how far its sides are apart."""
    book = board.market.book
    if book is None:
        return "book"
    return f"book{' (stale)' if book.stale else ''}  {spread_text(book.bids, book.asks)}"


def draw_levels(board: Board, _width: int, height: int) -> RenderableType:
    """The book, as deep as there is room."""
    market = board.market
    if market.book is None:
        return _absent(market.streams["book"])
    if not market.book.bids and not market.book.asks:
        return Text("the book is empty", "dim")
    depth = max(1, (height - LADDER_LINES) // 2)
    view = attrs.evolve(
        market.book,
        bids=market.book.bids[:depth],
        asks=market.book.asks[:depth],
        own=board.own_leaves(),
    )
    return draw_ladder(view, BAR_COLUMNS)


def draw_tape(board: Board, _width: int, height: int) -> RenderableType:
    """The newest trades, newest first."""
    market = board.market
    if not market.trades:
        return _absent(market.streams["trades"], "no trades yet")
    table = _table(">price", ">quantity", ">time")
    for trade in list(market.trades)[:-height:-1]:
        style = "green" if trade.taker_side == types_pb2.SIDE_BUY else "red"
        table.add_row(Text(trade.price, style), trade.quantity, Text(clock(trade.at_ns)[:8], "dim"))
    return table


def draw_orders(board: Board, width: int, height: int) -> RenderableType:
    """The purse's open orders, newest first."""
    if board.purse is None:
        return _absent(board.streams["purse"])
    orders = board.purse.orders
    if not orders:
        return Text("no open orders", "dim")
    table = _table("market", "side", "~>price", ">traded / of", "status")
    ids = [order.client_order_id for order in orders]
    with_ids = width >= ORDERS_COLUMNS + max(map(len, ids))
    if with_ids:
        table.add_column("id", no_wrap=True)
    room = max(1, height - 1)
    shown = orders[:room] if len(orders) <= room else orders[: max(1, room - 1)]
    for order in shown:
        table.add_row(
            order.symbol,
            side_text(order.side),
            _cut(explain_price(order)),
            f"{order.executed_quantity} / {order.quantity}",
            word(types_pb2.OrderStatus, order.status),
            *([Text(order.client_order_id, "dim")] if with_ids else []),
        )
    more = len(orders) - len(shown)
    return Group(table, Text(f"and {more} more", "dim")) if more else table


def draw_strategies(board: Board, _width: int, height: int) -> RenderableType:
    """How the account's strategies do, and those of the house in it."""
    if not board.strategies and not board.operated:
        return Text("no strategies of your own" if board.strategies is not None else "", "dim")
    table = _table("~strategy", "stage", "", ">open")
    own = (board.strategies or ())[: max(1, height - 1)]
    for strategy in own:
        state = strategy_state(strategy)
        table.add_row(
            _cut(strategy.name),
            word(strategy_pb2.StrategyStage, strategy.stage),
            Text(state, _STATE_STYLES.get(state, "dim")),
            str(strategy.open_orders),
        )
    for operated in board.operated[: max(0, height - 1 - len(own))]:
        state = "running" if operated.ready else "not running"
        style = _STATE_STYLES.get(state, "dim")
        table.add_row(_cut(operated.name), "house", Text(state, style), str(operated.open_orders))
    return table


def draw_purse(board: Board, _width: int, height: int) -> RenderableType:
    """What the purse is worth, and its positions."""
    if board.purse is None:
        return _absent(board.streams["purse"])
    told = board.purse.portfolio
    worth = Text.assemble((f"{short_text(told.value)} {told.base_asset}", "bold"))
    if told.HasField("return_24h_ppm"):
        worth.append("  ").append_text(_signed(Decimal(told.return_24h_ppm) / 10_000, " % today"))
    held = _table("asset", "~>quantity", ">value", ">share")
    for allocation in told.allocations[: max(1, height - 2)]:
        held.add_row(
            allocation.asset,
            _cut(allocation.quantity),
            short_text(allocation.value) or "-",
            f"{Decimal(allocation.share_ppm) / 10_000:.1f} %",
        )
    parts: list[RenderableType] = [worth, held]
    room = height - 4 - len(told.allocations)
    if board.purse.positions and room > 0:
        parts.append(_positions(board.purse.positions[:room]))
    return Group(*parts)


def _positions(positions: Sequence[types_pb2.Position]) -> Table:
    table = _table("market", "~>position", ">at", ">unrealised", ">realised")
    for position in positions:
        table.add_row(
            position.symbol,
            _cut(position.quantity),
            short_text(position.average_price) or "-",
            _signed_text(position.unrealised),
            _signed_text(position.realised),
        )
    return table


def draw_health(board: Board, _width: int, _height: int) -> RenderableType:
    """How every stream does, seen from here."""
    table = _table("stream", "", ">last")
    for name, state in {**board.market.streams, **board.streams}.items():
        light, told = _condition(state)
        last = "-" if state.heard_at_s is None else f"{_ago(state):.0f} s ago"
        table.add_row(name, Text(light, told), last)
    parts: list[RenderableType] = [table]
    stale = sorted(f"{s} at {v}" for (s, v), ticker in board.tickers.items() if ticker.stale)
    if stale:
        parts.append(Text(f"stale: {', '.join(stale)}", "bold yellow"))
    failures = {
        state.failure for state in (*board.market.streams.values(), *board.streams.values())
    }
    for failure in sorted(failures - {""}):
        parts.append(Text(failure, "red"))
    if board.waiting:
        parts.append(Text(f"no answer from {board.target}: {board.waiting}; trying again", "red"))
    return Group(*parts)


def _condition(state: StreamState) -> tuple[str, str]:
    if state.failure:
        return "● failed", "red"
    if state.heard_at_s is None:
        return "● waiting", "dim"
    return ("● silent", "bold yellow") if state.is_silent() else ("● live", "green")


def _ago(state: StreamState) -> float:
    assert state.heard_at_s is not None
    return time.monotonic() - state.heard_at_s


def _absent(state: StreamState, empty: str = "") -> RenderableType:
    """What stands where nothing is known yet: why."""
    if state.failure:
        return Text(state.failure, "red")
    return Text(empty, "dim") if empty and state.messages else _WAITING


def _signed(number: Decimal, unit: str) -> Text:
    return Text(f"{number:+.2f}{unit}", "green" if number >= 0 else "red")


def _signed_text(amount: str) -> Text:
    if not amount:
        return Text("-", "dim")
    style = "" if not Decimal(amount) else "red" if amount.startswith("-") else "green"
    return Text(short_text(amount), style)


def _cut(text: str) -> Text:
    """What ends in dots where there is no room for all of it."""
    return Text(text, no_wrap=True, overflow="ellipsis")


def _table(*names: str) -> Table:
    """A table without lines. ">" before a name sets its column to the right; "~" before that
    takes the room away from it first, where there is too little.
    """
    table = Table(box=None, pad_edge=False, show_edge=False, header_style="dim", expand=False)
    for name in names:
        first, right = name.startswith("~"), ">" in name
        table.add_column(
            Text(name.lstrip("~>"), no_wrap=True),
            justify="right" if right else "left",
            no_wrap=not first,
        )
    return table
