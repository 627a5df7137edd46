"""The book as a ladder: asks above, bids below, a bar for what is at each price."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from xache.book_view import BookView, spread_text
from xache.live.book import Level

from xache_desktop.theme import DOWN, QUIET, TEXT, UP, WARNING, figures

_LINE: Final = 19
_BAR_ALPHA: Final = 46


class Ladder(QWidget):
    """Shows a book; a click on a price tells it."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFont(figures())
        self.setAccessibleName("book")
        self.setMinimumWidth(230)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._view: BookView | None = None
        self._own: dict[Decimal, Decimal] = {}
        self._lines: list[tuple[int, Decimal]] = []
        """The top of each line with a price."""

    def show_book(self, view: BookView | None, own: dict[Decimal, Decimal]) -> None:
        """Show a book, with what the reader's own orders leave in it."""
        if view is not self._view or own != self._own:
            self._view, self._own = view, own
            self.update()

    def lines(self) -> list[Decimal]:
        """The prices that are shown, from the top."""
        return [price for _, price in self._lines]

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - as Qt has it
        """See QWidget."""
        painter = QPainter(self)
        self._lines = []
        if self._view is None or not (self._view.bids or self._view.asks):
            painter.setPen(QUIET)
            text = "waiting for the book" if self._view is None else "the book is empty"
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, text)
            return
        depth = max(1, (self.height() // _LINE - 1) // 2)
        bids, asks = list(self._view.bids[:depth]), list(self._view.asks[:depth])
        largest = max(quantity for _, quantity in (*bids, *asks))
        top = (depth - len(asks)) * _LINE
        for level in reversed(asks):
            self._draw(painter, top, level, largest, DOWN)
            top += _LINE
        painter.setPen(WARNING if self._view.stale else QUIET)
        told = spread_text(self._view.bids, self._view.asks)
        stale = "stale   " if self._view.stale else ""
        painter.drawText(
            QRectF(0, top, self.width(), _LINE), Qt.AlignmentFlag.AlignCenter, stale + told
        )
        top += _LINE
        for level in bids:
            self._draw(painter, top, level, largest, UP)
            top += _LINE

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - as Qt has it
        """See QWidget."""
        for top, price in self._lines:
            if top <= event.position().y() < top + _LINE:
                self.chosen.emit(f"{price:f}")

    def _draw(
        self, painter: QPainter, top: int, level: Level, largest: Decimal, colour: QColor
    ) -> None:
        price, quantity = level
        self._lines.append((top, price))
        width = self.width()
        bar = QColor(colour)
        bar.setAlpha(_BAR_ALPHA)
        share = float(quantity / largest)
        painter.fillRect(QRectF(width * (1 - share), top + 1, width * share, _LINE - 2), bar)
        line = QRectF(8, top, width - 16, _LINE)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(colour)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft | middle, f"{price:f}")
        painter.setPen(TEXT)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight | middle, f"{quantity:f}")
        own = self._own.get(price)
        if own is not None:
            painter.setPen(WARNING)
            painter.drawText(line, Qt.AlignmentFlag.AlignHCenter | middle, f"● {own:f}")
