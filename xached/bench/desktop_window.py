"""A window that says when it has been drawn: ``-m ... --empty`` or the words of xache-desktop."""

from __future__ import annotations

import sys
from typing import Final

SHOWN: Final = "SHOWN"
LOOK_MS: Final = 10


def main() -> None:
    """Open a window; say so when there is something in it."""
    if sys.argv[1:] == ["--empty"]:
        _open_empty()
    else:
        _open_whole()


def _open_empty() -> None:
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication(sys.argv[:1])
    window = QMainWindow()
    window.show()
    QTimer.singleShot(0, _say)
    app.exec()


def _open_whole() -> None:
    from PySide6.QtCore import QTimer
    from PySide6.QtGui import QShowEvent
    from xache_desktop import main as command
    from xache_desktop.window import Window

    class Telling(Window):
        """The window, looked at until its book is there."""

        def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
            """Begin to look."""
            super().showEvent(event)
            self._looking = QTimer(self)
            self._looking.timeout.connect(self._look)
            self._looking.start(LOOK_MS)

        def _look(self) -> None:
            if self.board.market.book is not None:
                self._looking.stop()
                self.draw()
                self.grab()
                _say()

    # The command opens the window that it knows.
    vars(command)["Window"] = Telling
    command.main()


def _say() -> None:
    print(SHOWN, flush=True)


if __name__ == "__main__":
    main()
