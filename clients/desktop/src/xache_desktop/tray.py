"""Notices: in the system's tray where it has one, and in the window always."""

from __future__ import annotations

from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QStatusBar, QSystemTrayIcon, QWidget
from xache.output import word
from xache.v1 import types_pb2

from xache_desktop.theme import ACCENT, GROUND

_SHOWN_MS = 8_000
_ICON_SIZE = 64


def icon() -> QIcon:
    """The house's mark: three bars of a book."""
    picture = QPixmap(_ICON_SIZE, _ICON_SIZE)
    picture.fill(GROUND)
    painter = QPainter(picture)
    for left, top, colour in ((10, 34, QColor("#3fb68b")), (27, 12, ACCENT), (44, 24, ACCENT)):
        painter.fillRect(left, top, 11, _ICON_SIZE - 10 - top, colour)
    painter.end()
    return QIcon(picture)


class Notices:
    """Tells what happened while one looks elsewhere."""

    def __init__(self, parent: QWidget, status: QStatusBar) -> None:
        self._status = status
        self._tray: QSystemTrayIcon | None = None
        if QSystemTrayIcon.isSystemTrayAvailable():
            self._tray = QSystemTrayIcon(icon(), parent)
            self._tray.show()

    def tell(self, title: str, text: str) -> None:
        """Show a notice for a while."""
        self._status.showMessage(f"{title}: {text}", _SHOWN_MS)
        if self._tray is not None:
            self._tray.showMessage(title, text, icon(), _SHOWN_MS)

    def tell_fill(self, fill: types_pb2.Fill) -> None:
        """Tell what was bought or sold."""
        done = "bought" if fill.side == types_pb2.SIDE_BUY else "sold"
        self.tell(
            f"{fill.symbol} {done}",
            f"{fill.quantity} at {fill.price}, fee {fill.fee}"
            f" as {word(types_pb2.Liquidity, fill.liquidity)}",
        )
