"""The ticket of an order. What it would do is asked of the house while it is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from xache.client import Client
from xache.errors import XacheError
from xache.explain import percent
from xache.orders import OrderFields
from xache.output import word
from xache.v1 import trading_pb2, types_pb2

from xache_desktop.calls import Calls

PREVIEW_MS: Final = 250
"""How long nothing was typed before the house is asked what it would do."""

_LIMIT, _MARKET = "limit", "market"
_TYPES: Final = (
    _LIMIT, _MARKET, "stop", "stop limit", "take profit", "take profit limit",
)  # fmt: skip
_WITH_PRICE: Final = {_LIMIT, "stop limit", "take profit limit"}
_STOPS: Final = {"stop": "stop_price", "stop limit": "stop_price"}
_TAKES: Final = {"take profit": "take_profit_price", "take profit limit": "take_profit_price"}
_TIMES: Final = {
    "good till cancelled": types_pb2.TIME_IN_FORCE_GTC,
    "immediate or cancel": types_pb2.TIME_IN_FORCE_IOC,
    "fill or kill": types_pb2.TIME_IN_FORCE_FOK,
}


class Ticket(QWidget):
    """Asks for one order at a time."""

    def __init__(self, client: Client, calls: Calls, subaccount: str) -> None:
        super().__init__()
        self._client, self._calls, self._subaccount = client, calls, subaccount
        self._symbol = ""
        self._asked = 0
        self.buy, self.sell = QPushButton("Buy"), QPushButton("Sell")
        sides = QButtonGroup(self)
        for button in (self.buy, self.sell):
            button.setCheckable(True)
            sides.addButton(button)
        self.buy.setChecked(True)
        self.type, self.time = QComboBox(), QComboBox()
        self.type.addItems(_TYPES)
        self.time.addItems(list(_TIMES))
        self.price, self.stop, self.quantity = QLineEdit(), QLineEdit(), QLineEdit()
        self.post_only = QCheckBox("post only")
        self.told = QLabel("")
        self.told.setWordWrap(True)
        self.told.setMinimumHeight(54)
        self.told.setAccessibleName("what the order would do")
        self.place = QPushButton("Buy")
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(PREVIEW_MS)
        self._lay_out()
        self._later.timeout.connect(self.preview)
        self.place.clicked.connect(self.send)
        for field in (self.price, self.stop, self.quantity):
            field.textEdited.connect(self._changed)
            field.returnPressed.connect(self.preview)
        for box in (self.type, self.time):
            box.currentIndexChanged.connect(self._changed)
        sides.buttonToggled.connect(self._changed)
        self.post_only.toggled.connect(self._changed)
        self._changed()

    def look_at(self, symbol: str) -> None:
        """Be the ticket of another market."""
        if symbol != self._symbol:
            self._symbol = symbol
            for field in (self.price, self.stop):
                field.clear()
            self._changed()

    def take_price(self, price: str) -> None:
        """Fill in a price that was chosen elsewhere."""
        field = self.price if self.price.isEnabled() else self.stop
        if field.isEnabled():
            field.setText(price)
            self._changed()

    def preview(self) -> None:
        """Ask what the order would do."""
        self._later.stop()
        order = self._order()
        if order is None:
            return
        self._asked += 1
        asked = self._asked

        def done(answer: trading_pb2.PreviewOrderResponse) -> None:
            if asked == self._asked:
                self._tell(answer)

        def failed(error: Exception) -> None:
            if asked == self._asked:
                self._say(error)

        self._calls.ask(
            lambda: self._client.trading.preview_order(subaccount=self._subaccount, **order),
            done,
            failed,
        )

    def send(self) -> None:
        """Place the order, once: the button waits for the answer."""
        order = self._order()
        if order is None:
            return
        self._later.stop()
        self._asked += 1
        self.place.setEnabled(False)
        self.told.setText("placing …")
        self._calls.ask(
            lambda: self._client.trading.place_order(subaccount=self._subaccount, **order),
            self._placed,
            self._say,
        )

    # --- private ---------------------------------------------------------------------------

    def _lay_out(self) -> None:
        sides = QHBoxLayout()
        sides.addWidget(self.buy)
        sides.addWidget(self.sell)
        form = QFormLayout()
        form.addRow("type", self.type)
        form.addRow("price", self.price)
        form.addRow("trigger at", self.stop)
        form.addRow("quantity", self.quantity)
        form.addRow("time in force", self.time)
        form.addRow("", self.post_only)
        lines = QVBoxLayout(self)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.addLayout(sides)
        lines.addLayout(form)
        lines.addWidget(self.told)
        lines.addStretch()
        lines.addWidget(self.place)

    def _changed(self) -> None:
        kind = self.type.currentText()
        self.price.setEnabled(kind in _WITH_PRICE)
        self.stop.setEnabled(kind in _STOPS or kind in _TAKES)
        self.time.setEnabled(kind in _WITH_PRICE)
        self.post_only.setEnabled(kind == _LIMIT)
        name = "buy" if self.buy.isChecked() else "sell"
        if self.place.objectName() != name:
            self.place.setObjectName(name)
            self.place.style().polish(self.place)
        self.place.setText(f"{name.capitalize()} {self._symbol}")
        ready = self._order() is not None
        self.place.setEnabled(ready)
        self.told.setText("")
        self._asked += 1  # What was asked is about another order.
        if ready:
            self._later.start()

    def _order(self) -> OrderFields | None:
        """What is asked for; None while something is missing."""
        kind = self.type.currentText()
        price, stop = self.price.text().strip(), self.stop.text().strip()
        quantity = self.quantity.text().strip()
        waits = kind in _STOPS or kind in _TAKES
        if not (self._symbol and quantity) or (kind in _WITH_PRICE and not price):
            return None
        if waits and not stop:
            return None
        side = types_pb2.SIDE_BUY if self.buy.isChecked() else types_pb2.SIDE_SELL
        order = OrderFields(symbol=self._symbol, side=side, quantity=quantity)
        if kind in _WITH_PRICE:
            order["price"] = price
            order["time_in_force"] = _TIMES[self.time.currentText()]
        if kind in _STOPS:
            order["stop_price"] = stop
        if kind in _TAKES:
            order["take_profit_price"] = stop
        if kind == _LIMIT and self.post_only.isChecked():
            order["post_only"] = True
        return order

    def _tell(self, answer: trading_pb2.PreviewOrderResponse) -> None:
        if answer.WhichOneof("outcome") == "refusal":
            self.told.setObjectName("failure")
            allowed = _allowed(answer.refusal.facts)
            self.told.setText(f"would be refused: {answer.refusal.message}{allowed}")
        else:
            told = answer.accepted
            parts = []
            if told.fills:
                parts.append(f"trades {told.order.executed_quantity} at {told.order.average_price}")
                parts.append(f"fee {told.order.fee} ({percent(told.taker_fee_ppm)})")
            if told.order.leaves_quantity not in {"", "0"}:
                parts.append(f"{told.order.leaves_quantity} rests, {told.order.held} held")
            if told.prevented:
                parts.append("meets orders of your own")
            self.told.setObjectName("")
            self.told.setText("\n".join(parts))
        self.told.style().polish(self.told)

    def _say(self, error: Exception) -> None:
        self.place.setEnabled(True)
        self.told.setObjectName("failure")
        facts = error.facts if isinstance(error, XacheError) else {}
        self.told.setText(f"{error}{_allowed(facts)}")
        self.told.style().polish(self.told)

    def _placed(self, answer: trading_pb2.PlaceOrderResponse) -> None:
        self._changed()
        self._later.stop()
        order = answer.order
        status = word(types_pb2.OrderStatus, order.status)
        self.told.setObjectName("")
        self.told.setText(f"{status}: {order.executed_quantity} of {order.quantity} traded")
        self.told.style().polish(self.told)


def _allowed(facts: Mapping[str, str]) -> str:
    """What is allowed in place of what was refused."""
    return f"; allowed: {facts['allowed']}" if "allowed" in facts else ""
