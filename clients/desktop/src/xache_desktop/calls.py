"""Calls to the house beside the window's own thread, answered in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal
from xache.errors import XacheError
from xache.tokens import TokenFileError

Answer = TypeVar("Answer")


class Calls:
    """Makes calls one after the other, so that what is asked first is answered first."""

    def __init__(self) -> None:
        self._threads = QThreadPool()
        self._threads.setMaxThreadCount(1)
        self._open: set[_Told] = set()

    def ask(
        self,
        call: Callable[[], Answer],
        done: Callable[[Answer], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Make a call; ``done`` or ``failed`` is called in this thread."""
        told = _Told()
        self._open.add(told)

        def end(answer: object, error: object) -> None:
            self._open.discard(told)
            if isinstance(error, Exception):
                failed(error)
            else:
                done(answer)  # type: ignore[arg-type] # a signal carries objects

        told.ended.connect(end)
        self._threads.start(_Call(call, told))

    def close(self) -> None:
        """Wait until nothing is under way."""
        self._threads.clear()
        self._threads.waitForDone()


class _Told(QObject):
    ended = Signal(object, object)


class _Call(QRunnable):
    def __init__(self, call: Callable[[], object], told: _Told) -> None:
        super().__init__()
        self._call, self._told = call, told

    def run(self) -> None:
        """Make the call, in a thread of the pool."""
        try:
            answer = self._call()
        except (XacheError, TokenFileError, ValueError) as error:
            self._told.ended.emit(None, error)
        else:
            self._told.ended.emit(answer, None)
