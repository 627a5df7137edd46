"""The window: panels around one market, drawn a few times a second from the board."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QMainWindow,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from xache.amounts import short_text
from xache.client import Client
from xache.commands.market import INTERVALS
from xache.live.board import Board, Subject
from xache.live.feeds import Feeds

from xache_desktop import rows
from xache_desktop.calls import Calls
from xache_desktop.chart import CandleChart
from xache_desktop.ladder import Ladder
from xache_desktop.tables import Table
from xache_desktop.ticket import Ticket
from xache_desktop.tray import Notices, icon

FRAME_MS: Final = 200
SIZE: Final = QSize(1440, 900)


class Window(QMainWindow):
    """A house in a window."""

    def __init__(self, client: Client, board: Board, calls: Calls) -> None:
        super().__init__()
        self.setWindowTitle(f"XACHE {board.target}")
        self.setWindowIcon(icon())
        self.resize(SIZE)
        self.board = board
        self._client, self._calls = client, calls
        self._feeds = Feeds(client, board)
        self._fills_told = 0
        self.notices = Notices(self, self.statusBar())
        self.markets = Table(["market", "source", ">last", ">24 h"], "markets")
        self.chart, self.book = CandleChart(), Ladder()
        self.tape = Table([">price", ">quantity", ">time"], "trades")
        self.orders = Table(
            ["market", "side", "type", ">price", ">traded / of", "status"], "open orders"
        )
        self.positions = Table(
            ["market", ">quantity", ">at", ">value", ">unrealised", ">realised"], "positions"
        )
        self.holdings = Table(["asset", ">quantity", ">value", ">share"], "holdings")
        self.fills = Table(["market", "side", ">price", ">quantity", ">fee", ">time"], "fills")
        self.strategies = Table(
            ["strategy", "plugin", "stage", "state", ">budget", ">orders", "says"], "strategies"
        )
        self.health = Table(["stream", "state", ">messages"], "streams")
        self.ticket = Ticket(client, calls, board.subaccount)
        self.price, self.worth = QLabel(), QLabel()
        self.cancel = QPushButton("Cancel order")
        self.cancel_all = QPushButton("Cancel all")
        self.intervals = QButtonGroup(self)
        _fit(self.orders, 3)
        _fit(self.markets, 0, 2)
        self._lay_out()
        self._connect()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.draw)
        self._timer.start(FRAME_MS)
        self._feeds.start()
        self.draw()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - as Qt has it
        """End every stream with the window."""
        self._timer.stop()
        self._feeds.close()
        self._calls.close()
        super().closeEvent(event)

    def look_at(self, subject: Subject) -> None:
        """Look at another market, source or length of candles."""
        if subject != self.board.market.subject:
            self._feeds.look_at(subject)
            self.draw()

    def draw(self) -> None:
        """Show the board as it is now."""
        board, market = self.board, self.board.market
        self.price.setText(rows.headline(board))
        self.markets.show_rows(rows.markets(board))
        self.chart.show_candles(market.candles)
        own = [fill for fill in board.fills if fill.symbol == market.subject.symbol]
        self.chart.show_fills(own)
        self.book.show_book(market.book, board.own_leaves())
        self.tape.show_rows(rows.trades(market))
        self.health.show_rows(rows.streams(board))
        self.fills.show_rows(rows.fills(board))
        self.strategies.show_rows(rows.strategies(board))
        self.ticket.look_at(market.subject.symbol)
        if board.purse is not None:
            self.orders.show_rows(rows.orders(board.purse))
            self.positions.show_rows(rows.positions(board.purse))
            self.holdings.show_rows(rows.holdings(board.purse))
            told = board.purse.portfolio
            self.worth.setText(f"{short_text(told.value)} {told.base_asset}")
        self.cancel.setEnabled(bool(self.orders.chosen()))
        self.cancel_all.setEnabled(bool(board.purse and board.purse.orders))
        for fill in list(board.fills)[: board.fills_count - self._fills_told]:
            self.notices.tell_fill(fill)
        self._fills_told = board.fills_count
        if board.waiting:
            self.statusBar().showMessage(f"no answer: {board.waiting}; trying again", FRAME_MS * 10)

    # --- private ---------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.price.setObjectName("price")
        self.price.setTextFormat(Qt.TextFormat.RichText)
        head = QHBoxLayout()
        head.addWidget(self.price)
        head.addStretch()
        for name in INTERVALS:
            button = QPushButton(name)
            button.setCheckable(True)
            button.setChecked(INTERVALS[name] == self.board.market.subject.interval)
            self.intervals.addButton(button)
            head.addWidget(button)
        charted = QVBoxLayout()
        charted.addLayout(head)
        charted.addWidget(self.chart)
        yours = QTabWidget()
        for table, name in (
            (self.orders, "Open orders"), (self.positions, "Positions"),
            (self.holdings, "Holdings"), (self.fills, "Fills"),
            (self.strategies, "Strategies"), (self.health, "Streams"),
        ):  # fmt: skip
            yours.addTab(table, name)
        acts = QHBoxLayout()
        acts.addWidget(self.worth)
        acts.addStretch()
        acts.addWidget(self.cancel)
        acts.addWidget(self.cancel_all)
        below = QVBoxLayout()
        below.addWidget(yours)
        below.addLayout(acts)
        left = _split(Qt.Orientation.Vertical, _panel("Markets", self.markets),
                      _panel("Ticket", self.ticket))  # fmt: skip
        middle = _split(Qt.Orientation.Vertical, _panel("", charted), _panel("", below))
        right = _split(Qt.Orientation.Vertical, _panel("Book", self.book),
                       _panel("Trades", self.tape))  # fmt: skip
        left.setSizes([330, 480])
        middle.setSizes([540, 270])
        right.setSizes([480, 330])
        whole = _split(Qt.Orientation.Horizontal, left, middle, right)
        whole.setSizes([310, 800, 300])
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        self.markets.clicked.connect(lambda _: self._choose_market())
        self.markets.activated.connect(lambda _: self._choose_market())
        self.book.chosen.connect(self.ticket.take_price)
        self.intervals.buttonClicked.connect(
            lambda button: self.look_at(
                attrs.evolve(self.board.market.subject, interval=INTERVALS[button.text()])
            )
        )
        self.cancel.clicked.connect(self._cancel_one)
        self.cancel_all.clicked.connect(self._cancel_all)
        shortcuts: tuple[tuple[str, Callable[[], None]], ...] = (
            ("Ctrl+B", self.ticket.buy.click),
            ("Ctrl+S", self.ticket.sell.click),
            ("Ctrl+Return", self.ticket.place.click),
            ("Ctrl+Shift+X", self.cancel_all.click),
        )
        for keys, act in shortcuts:
            QShortcut(QKeySequence(keys), self).activated.connect(act)

    def _choose_market(self) -> None:
        symbol, _, venue = self.markets.chosen().partition(" ")
        if symbol:
            home = self.board.home_venue()
            self.look_at(
                attrs.evolve(
                    self.board.market.subject, symbol=symbol, venue="" if venue == home else venue
                )
            )

    def _cancel_one(self) -> None:
        order_id = self.orders.chosen()
        if order_id:
            self._ask(
                lambda: self._client.trading.cancel_order(
                    order_id=order_id, subaccount=self.board.subaccount
                ),
                "cancelled",
            )

    def _cancel_all(self) -> None:
        self._ask(
            lambda: self._client.trading.cancel_all_orders(subaccount=self.board.subaccount),
            "all orders cancelled",
        )

    def _ask(self, call: Callable[[], object], done: str) -> None:
        self._calls.ask(
            call,
            lambda _: self.notices.tell("orders", done),
            lambda error: self.notices.tell("refused", str(error)),
        )


def _panel(title: str, content: QWidget | QVBoxLayout) -> QFrame:
    frame = QFrame()
    frame.setObjectName("panel")
    lines = QVBoxLayout(frame)
    lines.setContentsMargins(10, 8, 10, 10)
    if title:
        label = QLabel(title)
        label.setObjectName("title")
        lines.addWidget(label)
    if isinstance(content, QWidget):
        lines.addWidget(content)
    else:
        lines.addLayout(content)
    return frame


def _split(orientation: Qt.Orientation, *parts: QWidget) -> QSplitter:
    splitter = QSplitter(orientation)
    splitter.setHandleWidth(6)
    splitter.setChildrenCollapsible(False)
    for part in parts:
        splitter.addWidget(part)
    return splitter


def _fit(table: Table, *columns: int) -> None:
    """Let columns be as wide as what stands in them, for half a price says nothing."""
    for column in columns:
        table.horizontalHeader().setSectionResizeMode(
            column, QHeaderView.ResizeMode.ResizeToContents
        )
