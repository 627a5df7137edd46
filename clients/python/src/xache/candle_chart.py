"""Candles drawn with characters: price up, time to the right, volume below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, TypeAlias

import attrs
from rich.text import Text

from xache.v1 import market_pb2

UP_STYLE: Final = "green"
DOWN_STYLE: Final = "red"
LABEL_STYLE: Final = "dim"

VOLUME_ROWS: Final = 3
_EIGHTHS: Final = " ▁▂▃▄▅▆▇█"
_LABEL_EVERY_ROWS: Final = 4
_TIME_EVERY_COLUMNS: Final = 16
_SILENT_COLUMNS_MAX: Final = 8

_SECONDS: Final[dict[int, int]] = {
    market_pb2.INTERVAL_1S: 1,
    market_pb2.INTERVAL_1M: 60,
    market_pb2.INTERVAL_5M: 300,
    market_pb2.INTERVAL_15M: 900,
    market_pb2.INTERVAL_1H: 3_600,
    market_pb2.INTERVAL_1D: 86_400,
}

_Column: TypeAlias = market_pb2.Candle | str
"""A candle, or what is drawn where there is none."""


@attrs.frozen(kw_only=True)
class _Scale:
    """Prices as heights: 0 is the bottom of the chart, ``rows`` its top."""

    low: Decimal
    high: Decimal
    rows: int

    def height(self, price: Decimal) -> float:
        span = self.high - self.low
        return float((price - self.low) / span) * self.rows if span else self.rows / 2

    def price(self, height: float) -> Decimal:
        places = max(_places(self.low), _places(self.high))
        price = self.low + (self.high - self.low) * Decimal(height) / self.rows
        return price.quantize(Decimal(1).scaleb(-places))


def draw_candles(
    candles: Sequence[market_pb2.Candle],
    interval: market_pb2.Interval,
    *,
    width: int,
    rows: int,
    coloured: bool,
) -> list[Text]:
    """The lines of a chart of the newest candles that fit.

    An interval in which nothing traded is an empty column; a longer silence is one dotted column.

    Args:
        candles: oldest first, at least one.
        width: columns of the whole chart, labels included.
        rows: lines of the part that shows prices.
        coloured: without colours, a candle that rose is drawn hollow.
    """
    labels = max(len(candle.high) for candle in candles) + 2
    columns = _columns(candles, interval)[-max(1, width - labels) :]
    # The last column is a candle; cutting may have left silence at the beginning.
    while isinstance(columns[0], str):
        del columns[0]
    shown = [column for column in columns if isinstance(column, market_pb2.Candle)]
    scale = _Scale(
        low=min(Decimal(candle.low) for candle in shown),
        high=max(Decimal(candle.high) for candle in shown),
        rows=rows,
    )
    axis_style = LABEL_STYLE if coloured else ""
    lines = []
    for row in range(rows - 1, -1, -1):
        line = Text()
        for column in columns:
            if isinstance(column, str):
                line.append(column, axis_style)
            else:
                mark = _mark(column, scale, row, coloured=coloured)
                line.append(mark, _style(column) if coloured and mark != " " else "")
        line.append(_price_label(scale, row, labels), axis_style)
        lines.append(line)
    lines.extend(_volume_lines(columns, coloured=coloured))
    lines.extend(_time_lines(columns, interval, axis_style))
    return lines


def _columns(candles: Sequence[market_pb2.Candle], interval: market_pb2.Interval) -> list[_Column]:
    """Candles with the silence between them, so that time runs evenly where it can."""
    columns: list[_Column] = []
    for candle in candles:
        if columns:
            assert isinstance(columns[-1], market_pb2.Candle)
            passed_ns = candle.open_at_ns - columns[-1].open_at_ns
            silent = passed_ns // (_SECONDS[interval] * 1_000_000_000) - 1
            columns += [" "] * silent if silent <= _SILENT_COLUMNS_MAX else ["┊"]
        columns.append(candle)
    return columns


def _mark(candle: market_pb2.Candle, scale: _Scale, row: int, *, coloured: bool) -> str:
    """What one candle shows in one row: body, wick, or nothing, to half a row."""
    low, high = scale.height(Decimal(candle.low)), scale.height(Decimal(candle.high))
    ends = (scale.height(Decimal(candle.open)), scale.height(Decimal(candle.close)))
    # What has no height is still drawn, one half row high.
    body_low, body_high = min(ends), max(max(ends), min(ends) + 0.5)
    low, high = min(low, body_low), max(high, body_high)
    half = (
        _half(row, body_low, body_high, low, high),
        _half(row + 0.5, body_low, body_high, low, high),
    )
    if not coloured and _rose(candle) and 2 in half:
        return "║"
    return {
        (0, 0): " ",
        (0, 1): "╵",
        (1, 0): "╷",
        (1, 1): "│",
        (0, 2): "╹",
        (2, 0): "╻",
        (1, 2): "╿",
        (2, 1): "╽",
        (2, 2): "┃",
    }[half]


def _half(bottom: float, body_low: float, body_high: float, low: float, high: float) -> int:
    """What covers the middle of a half row: 2 the body, 1 a wick, 0 nothing."""
    middle = bottom + 0.25
    if body_low <= middle < body_high:
        return 2
    return 1 if low <= middle < high else 0


def _price_label(scale: _Scale, row: int, width: int) -> str:
    if row % _LABEL_EVERY_ROWS and row != scale.rows - 1:
        return " │"
    return f" ┤{scale.price(row + 0.5):>{width - 2}}"


def _volume_lines(columns: Sequence[_Column], *, coloured: bool) -> list[Text]:
    largest = max(_volume(column) for column in columns)
    if not largest:
        return []  # Simulated trades do not count: there is nothing to show.
    axis_style = LABEL_STYLE if coloured else ""
    lines = []
    for row in range(VOLUME_ROWS - 1, -1, -1):
        line = Text()
        for column in columns:
            eighths = round(float(_volume(column) / largest) * VOLUME_ROWS * 8) - row * 8
            style = "" if isinstance(column, str) or not coloured else f"dim {_style(column)}"
            line.append(_EIGHTHS[min(max(eighths, 0), 8)], style)
        top = row == VOLUME_ROWS - 1
        line.append(f" ┤{largest.normalize():f} volume" if top else " │", axis_style)
        lines.append(line)
    return lines


def _time_lines(
    columns: Sequence[_Column], interval: market_pb2.Interval, axis_style: str
) -> list[Text]:
    axis, labels = "", ""
    for place, column in enumerate(columns):
        # A label needs a candle, and room after the one before.
        if isinstance(column, market_pb2.Candle) and place >= len(labels) + 2 * bool(labels):
            axis += "┴"
            labels = labels.ljust(place) + _time_label(column.open_at_ns, interval)
            labels += " " * max(0, _TIME_EVERY_COLUMNS - 2 - len(labels) + place)
        else:
            axis += "─"
    return [Text(axis + "─┘", axis_style), Text(f"{labels.rstrip()}  UTC", axis_style)]


def _time_label(at_ns: int, interval: market_pb2.Interval) -> str:
    at = datetime.fromtimestamp(at_ns // 1_000_000_000, UTC)
    if interval == market_pb2.INTERVAL_1D:
        return at.strftime("%Y-%m-%d")
    if interval == market_pb2.INTERVAL_1S:
        return at.strftime("%H:%M:%S")
    return at.strftime("%d %H:%M")


def _rose(candle: market_pb2.Candle) -> bool:
    return Decimal(candle.close) >= Decimal(candle.open)


def _volume(column: _Column) -> Decimal:
    return Decimal(0) if isinstance(column, str) else Decimal(column.volume)


def _style(candle: market_pb2.Candle) -> str:
    return UP_STYLE if _rose(candle) else DOWN_STYLE


def _places(price: Decimal) -> int:
    exponent = price.as_tuple().exponent
    assert isinstance(exponent, int), price
    return max(0, -exponent)
