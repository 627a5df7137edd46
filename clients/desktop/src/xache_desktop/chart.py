"""Candles and their volume, with the reader's own fills."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen, QPicture
from PySide6.QtWidgets import QWidget
from xache.v1 import market_pb2, types_pb2

from xache_desktop.theme import DOWN, GROUND, LINE, QUIET, UP

NS_PER_S: Final = 1_000_000_000
_BODY: Final = 0.35
"""Half the width of a body, in intervals."""
_DEFAULT_S: Final = 60.0


class CandleChart(pg.PlotWidget):  # type: ignore[misc] # pyqtgraph has no types
    """A chart that follows the newest candle until it is moved by hand."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(
            parent, background=GROUND, axisItems={"bottom": pg.DateAxisItem(utcOffset=0)}
        )
        self.setAccessibleName("candles")
        plot = self.getPlotItem()
        plot.showAxis("right")
        plot.hideAxis("left")
        plot.hideButtons()
        plot.setMenuEnabled(False)
        plot.showGrid(x=True, y=True, alpha=0.12)
        for side in ("right", "bottom"):
            plot.getAxis(side).setPen(LINE)
            plot.getAxis(side).setTextPen(QUIET)
        self._candles: tuple[market_pb2.Candle, ...] = ()
        self._item = _CandleItem()
        self._fills = pg.ScatterPlotItem(size=9, pen=pg.mkPen(GROUND))
        plot.addItem(self._item)
        plot.addItem(self._fills)

    @property
    def count(self) -> int:
        """How many candles are drawn."""
        return len(self._candles)

    def show_candles(self, candles: tuple[market_pb2.Candle, ...]) -> None:
        """Draw these candles; the very same ones are not drawn again."""
        if candles is self._candles:
            return
        self._candles = candles
        self._item.draw(candles)

    def show_fills(self, fills: Sequence[types_pb2.Fill]) -> None:
        """Mark the reader's fills at their prices: up for what was bought, down for sold."""
        self._fills.setData(
            [
                {
                    "pos": (fill.at_ns / NS_PER_S, float(fill.price)),
                    "symbol": "t1" if fill.side == types_pb2.SIDE_BUY else "t",
                    "brush": UP if fill.side == types_pb2.SIDE_BUY else DOWN,
                }
                for fill in fills
            ]
        )


class _CandleItem(pg.GraphicsObject):  # type: ignore[misc] # pyqtgraph has no types
    """All candles as one picture: it is drawn once and shown as often as the chart moves."""

    def __init__(self) -> None:
        super().__init__()
        self._picture = QPicture()
        self._bounds = QRectF()

    def draw(self, candles: Sequence[market_pb2.Candle]) -> None:
        """Draw these in place of those before."""
        self.prepareGeometryChange()
        self._picture = QPicture()
        if candles:
            self._bounds = self._paint(candles)
        self.update()

    def _paint(self, candles: Sequence[market_pb2.Candle]) -> QRectF:
        times = np.array([candle.open_at_ns for candle in candles], float) / NS_PER_S
        prices = np.array(
            [
                (float(each.open), float(each.high), float(each.low), float(each.close))
                for each in candles
            ]
        )
        step = float(np.min(np.diff(times))) if len(times) > 1 else _DEFAULT_S
        half = step * _BODY
        painter = QPainter(self._picture)
        for at, (first, high, low, last) in zip(times, prices, strict=True):
            colour = UP if last >= first else DOWN
            pen = QPen(colour)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.setBrush(colour)
            painter.drawLine(QPointF(at, low), QPointF(at, high))
            painter.drawRect(QRectF(at - half, first, 2 * half, last - first))
        painter.end()
        low, high = float(prices[:, 2].min()), float(prices[:, 1].max())
        return QRectF(times[0] - step, low, times[-1] - times[0] + 2 * step, high - low)

    def paint(self, painter: QPainter, *_: object) -> None:
        """See QGraphicsItem."""
        painter.drawPicture(0, 0, self._picture)

    def boundingRect(self) -> QRectF:  # noqa: N802 - as Qt has it
        """See QGraphicsItem."""
        return self._bounds
