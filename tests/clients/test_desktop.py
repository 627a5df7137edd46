"""The window of ``xache-desktop`` over a scripted house, drawn by Qt without a screen."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.rpc import code_pb2
from xache.client import Client
from xache.connection import Patience
from xache.live.board import Board, MarketBoard, Subject
from xache.v1 import market_pb2, trading_pb2, types_pb2

from tests.clients.command import PATIENCE_S
from tests.clients.house import EMAIL, NOW_NS, PASSWORD, House, break_off, refuse
from tests.clients.live_market import book, enliven

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
try:
    from PySide6.QtCore import QPointF, Qt
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication, QDialog
    from xache_desktop.calls import Calls
    from xache_desktop.sign_in import SignIn
    from xache_desktop.theme import dress
    from xache_desktop.window import Window
except ImportError as missing:  # A library of the system that Qt needs.
    if os.environ.get("CI"):
        raise
    pytest.skip(f"Qt does not start here: {missing}", allow_module_level=True)

if TYPE_CHECKING:
    from xache_desktop.tables import Table

TURNS_MAX = 1_000
PICTURES = Path(__file__).parents[2] / "test-results"

Open = Callable[[], Window]


@pytest.fixture(scope="module")
def qt() -> QApplication:
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    dress(app)
    return app


@pytest.fixture
def client(house: House) -> Iterator[Client]:
    with Client(
        house.target, now_ns=lambda: NOW_NS, patience=Patience(wait_s_first=0.01, wait_s_max=0.05)
    ) as client:
        yield client


@pytest.fixture
def calls() -> Iterator[Calls]:
    calls = Calls()
    yield calls
    calls.close()


@pytest.fixture
def window(qt: QApplication, house: House, client: Client, calls: Calls) -> Iterator[Open]:
    """Opens the window of somebody who is signed in."""
    client.auth.login(EMAIL, PASSWORD)
    enliven(house)
    opened: list[Window] = []

    def open_window() -> Window:
        subject = Subject("BTC-USDT", "", market_pb2.INTERVAL_1M)
        board = Board(target=house.target, subaccount="", market=MarketBoard(subject))
        opened.append(Window(client, board, calls))
        opened[-1].show()
        return opened[-1]

    yield open_window
    for each in opened:
        each.close()


def until(what: str, condition: Callable[[], object]) -> None:
    """Let Qt work until something holds."""
    for _ in range(TURNS_MAX):
        QTest.qWait(10)
        if condition():
            return
    raise AssertionError(f"it never came to {what}")


def told(table: Table) -> list[list[str]]:
    model = table.rows
    return [
        [model.text(row, column) for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def click(button: object) -> None:
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)  # type: ignore[call-overload] # a widget


def test_every_panel_shows_its_part(window: Open) -> None:
    shown = window()
    until("orders", lambda: told(shown.orders))
    until("the book", lambda: len(shown.book.lines()) == 2)
    until("candles", lambda: shown.chart.count)
    until("trades", lambda: told(shown.tape))
    until("markets", lambda: len(told(shown.markets)) == 3)
    assert "110.00" in shown.price.text()
    assert "+10.00 %" in shown.price.text()
    assert told(shown.markets)[1] == ["BTC-USDT", "XACHE", "110.00", "+10.00 %"]
    assert told(shown.tape) == [["110.50", "0.25", "15:06:40"]]
    assert told(shown.orders)[0][:2] == ["BTC-USDT", "buy"]
    assert told(shown.orders)[0][4:] == ["0.2 / 0.7", "partially filled"]
    assert told(shown.positions)[0][4:] == ["-0.02", "3"]
    assert told(shown.holdings) == [["USDT", "1000", "1000", "81.0 %"]]
    until("strategies", lambda: told(shown.strategies))
    assert told(shown.strategies) == [
        ["trend", "sma", "paper", "running", "500 USDT", "3", "waiting for a cross"],
        ["crossing", "sma", "house", "running", "in grid", "2", "began"],
    ]
    assert shown.worth.text() == "1234.50 USDT"
    until("live streams", lambda: [row[1] for row in told(shown.health)].count("live") >= 2)
    PICTURES.mkdir(exist_ok=True)
    assert shown.grab().save(str(PICTURES / "desktop.png"))


def test_another_market_is_looked_at_and_the_ticket_goes_along(window: Open, house: House) -> None:
    house.streams["WatchBook"].append([book("ETH-USDT", "8.90", "9.10")])
    shown = window()
    until("markets", lambda: len(told(shown.markets)) == 3)
    shown.markets.selectRow(2)
    shown.markets.activated.emit(shown.markets.currentIndex())
    until(
        "the other book", lambda: [f"{each:f}" for each in shown.book.lines()] == ["9.10", "8.90"]
    )
    assert shown.board.market.subject.symbol == "ETH-USDT"
    assert shown.ticket.place.text() == "Buy ETH-USDT"
    [button] = [each for each in shown.intervals.buttons() if each.text() == "15m"]
    click(button)
    assert shown.board.market.subject.interval == market_pb2.INTERVAL_15M
    shown.draw()
    shown.markets.selectRow(2)
    assert shown.markets.chosen() == "ETH-USDT XACHE"


def test_a_ticket_previews_and_places_once(window: Open, house: House) -> None:
    accepted = trading_pb2.PreviewedOrder(
        order=types_pb2.Order(
            executed_quantity="0.5", average_price="111.00", fee="0.0555", leaves_quantity="0"
        ),
        fills=[types_pb2.Fill()],
        taker_fee_ppm=1000,
    )
    house.answers["PreviewOrder"] = trading_pb2.PreviewOrderResponse(accepted=accepted)
    shown = window()
    ticket = shown.ticket
    assert not ticket.place.isEnabled(), "a quantity is missing"
    ticket.type.setCurrentText("market")
    QTest.keyClicks(ticket.quantity, "0.5")
    until("the preview", lambda: "fee 0.0555 (0.1 %)" in ticket.told.text())
    click(ticket.place)
    click(ticket.place)  # It waits for the answer.
    until("the answer", lambda: "traded" in ticket.told.text())
    assert house.calls.count("PlaceOrder") == 1
    [placed] = [each for each in house.requests if isinstance(each, trading_pb2.PlaceOrderRequest)]
    assert (placed.symbol, placed.quantity, placed.side) == ("BTC-USDT", "0.5", types_pb2.SIDE_BUY)
    assert placed.type == types_pb2.ORDER_TYPE_MARKET


def test_a_price_of_the_book_fills_the_ticket(window: Open, house: House) -> None:
    shown = window()
    until("the book", lambda: len(shown.book.lines()) == 2)
    lowest = shown.book.height() // 2 + 19
    for y in range(lowest, lowest + 40, 5):
        QTest.mouseClick(shown.book, Qt.MouseButton.LeftButton, pos=QPointF(20, y).toPoint())
    assert shown.ticket.price.text() == "109.00"
    shown.ticket.type.setCurrentText("stop limit")
    QTest.keyClicks(shown.ticket.stop, "112")
    QTest.keyClicks(shown.ticket.quantity, "1")
    click(shown.ticket.sell)
    shown.ticket.preview()
    until("a preview", lambda: "PreviewOrder" in house.calls)
    asked = [each for each in house.requests if isinstance(each, trading_pb2.PreviewOrderRequest)]
    order = asked[-1].order
    assert order.type == types_pb2.ORDER_TYPE_STOP_LIMIT
    assert (order.price, order.stop_price, order.side) == ("109.00", "112", types_pb2.SIDE_SELL)


def test_a_refusal_is_told_and_the_ticket_stays(window: Open, house: House) -> None:
    shown = window()
    ticket = shown.ticket
    ticket.type.setCurrentText("market")
    QTest.keyClicks(ticket.quantity, "7")
    until("a preview", lambda: "PreviewOrder" in house.calls)

    def refused(context: object) -> None:
        facts = {"given": "7", "allowed": "at most 5"}
        refuse(context, code_pb2.FAILED_PRECONDITION, "FUNDS", "not enough USDT", facts)

    house.fail_next_of["PlaceOrder"] = refused
    click(ticket.place)
    until("the refusal", lambda: "not enough USDT; allowed: at most 5" in ticket.told.text())
    assert ticket.quantity.text() == "7"
    assert ticket.place.isEnabled()


def test_a_preview_that_is_refused_says_what_is_allowed(window: Open, house: House) -> None:
    refusal = trading_pb2.Refusal(
        reason="NOTIONAL_RANGE", message="too little", facts={"given": "1", "allowed": "5 or more"}
    )
    house.answers["PreviewOrder"] = trading_pb2.PreviewOrderResponse(refusal=refusal)
    ticket = window().ticket
    assert ticket.time.isEnabled()
    ticket.type.setCurrentText("market")
    assert not ticket.time.isEnabled(), "an order at the market never stays"
    QTest.keyClicks(ticket.quantity, "0.00001")
    until(
        "the refusal",
        lambda: ticket.told.text() == "would be refused: too little; allowed: 5 or more",
    )


def test_prices_and_markets_are_never_cut_off(window: Open, house: House) -> None:
    """Checked: with columns of equal width, the price of a stop ends in dots."""
    order = types_pb2.Order(
        symbol="BTC-USDT", side=types_pb2.SIDE_BUY, type=types_pb2.ORDER_TYPE_STOP_LIMIT,
        price="49000.00", stop_price="50000.00", quantity="0.7", executed_quantity="0",
        leaves_quantity="0.7", order_id="42",
    )  # fmt: skip
    house.answers["ListOpenOrders"] = trading_pb2.ListOpenOrdersResponse(orders=[order])
    shown = window()
    shown.resize(900, 600)
    until("orders", lambda: [row for row in told(shown.orders) if "50000.00" in row[3]])
    until("markets", lambda: len(told(shown.markets)) == 3)
    for table, columns in ((shown.orders, (3,)), (shown.markets, (0, 2))):
        for column in columns:
            needed = table.sizeHintForColumn(column)
            until("room", lambda: table.columnWidth(column) >= needed)  # noqa: B023 - asked at once


def test_orders_are_cancelled_one_or_all(window: Open, house: House) -> None:
    shown = window()
    until("orders", lambda: told(shown.orders))
    assert not shown.cancel.isEnabled(), "none is chosen"
    shown.orders.selectRow(0)
    shown.draw()
    click(shown.cancel)
    until("the cancel", lambda: "CancelOrder" in house.calls)
    [asked] = [each for each in house.requests if isinstance(each, trading_pb2.CancelOrderRequest)]
    assert asked.order_id == "41"
    click(shown.cancel_all)
    until("the other cancel", lambda: "CancelAllOrders" in house.calls)


class Noticed:
    """Takes notices in the place of the tray."""

    def __init__(self, notices: list[str]) -> None:
        self.notices = notices

    def tell_fill(self, fill: types_pb2.Fill) -> None:
        self.notices.append(fill.trade_id)


def test_fills_are_told_once_and_marked(window: Open, house: House) -> None:
    fill = types_pb2.Fill(
        trade_id="9", symbol="BTC-USDT", side=types_pb2.SIDE_BUY, price="110.00", quantity="0.1",
        fee="0.011", liquidity=types_pb2.LIQUIDITY_TAKER, at_ns=NOW_NS,
    )  # fmt: skip
    watched = threading.Event()
    message = trading_pb2.WatchPurseResponse(seq=5, fill=fill)
    house.streams["WatchPurse"] = [[lambda _: watched.wait(PATIENCE_S), message]]
    shown = window()
    notices: list[str] = []
    shown.notices = Noticed(notices)  # type: ignore[assignment] # in its place
    watched.set()
    until("the fill", lambda: told(shown.fills))
    shown.draw()
    assert notices == ["9"]
    assert told(shown.fills)[0][:5] == ["BTC-USDT", "buy", "110.00", "0.1", "0.011"]


def test_a_broken_stream_is_mended_while_the_window_stays(window: Open, house: House) -> None:
    first = book("BTC-USDT", "109.00", "111.00")
    house.streams["WatchBook"] = [[first, break_off], [book("BTC-USDT", "104.00", "105.00")]]
    shown = window()
    prices = ["105.00", "104.00"]
    until("the new book", lambda: [f"{each:f}" for each in shown.book.lines()] == prices)


# --- signing in ------------------------------------------------------------------------------


def test_signing_in_takes_the_second_factor(
    qt: QApplication, house: House, client: Client, calls: Calls
) -> None:
    house.second_factor = True
    dialog = SignIn(client, calls, house.target)
    dialog.show()
    dialog.email.setText(EMAIL)
    dialog.password.setText("wrong")
    click(dialog.enter)
    until("the refusal", lambda: "does not fit" in dialog.told.text())
    dialog.password.setText(PASSWORD)
    click(dialog.enter)
    until("the code", lambda: dialog.code.isVisible())
    QTest.keyClicks(dialog.code, "123456")
    click(dialog.enter)
    until("the end", lambda: dialog.result() == QDialog.DialogCode.Accepted)
    assert client.credentials is not None
