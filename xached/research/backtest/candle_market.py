"""One market of a run: its candles, and where in them its open orders are."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np

from xached.research.backtest.account import Line
from xached.research.backtest.impact import ImpactFigures
from xached.research.backtest.orders import Arrival, Resting
from xached.research.backtest.terms import MarketData
from xached.research.history.candle_set import Column

NEVER: Final = 2**63 - 1
UNLIMITED: Final = 2**63 - 1


class CandleMarket:
    """One market of the exchange, and where in its history its open orders are.

    ``whole``: no candle is missing, so rows can be worked out. ``safe_lots``: market orders in this
    range pass every filter at every price of the history, so they need no look at it.
    """

    __slots__ = (
        "arriving",
        "busy",
        "close",
        "ends",
        "first_ns",
        "high",
        "impact",
        "interval_ns",
        "known_lots",
        "line",
        "low",
        "next_ns",
        "open",
        "opens",
        "resting",
        "row",
        "rows",
        "safe_lots",
        "volume",
        "volume_left",
        "walking",
        "whole",
    )  # fmt: skip

    def __init__(self, line: Line, data: MarketData) -> None:
        self.line = line
        self.attach(data)
        self.row = 0
        self.walking = False
        self.next_ns = NEVER
        self.volume_left = UNLIMITED
        self.busy = False
        self.known_lots: dict[Decimal, int] = {}
        self.arriving: list[Arrival | Resting] = []
        self.resting: list[Resting] = []

    def attach(self, data: MarketData) -> None:
        """Take the candles of a history."""
        finest = data.finest
        self.opens = _plain(finest.open_at_ns)
        self.ends = finest.ends_ns
        self.open = _plain(finest.open_ticks)
        self.high = _plain(finest.high_ticks)
        self.low = _plain(finest.low_ticks)
        self.close = _plain(finest.close_ticks)
        self.volume = _plain(finest.volume_lots)
        self.interval_ns = finest.interval_ns
        self.rows = len(finest)
        self.first_ns = self.opens.item(0)
        covered_ns = self.opens.item(-1) - self.first_ns
        self.whole = covered_ns == (self.rows - 1) * self.interval_ns
        self.safe_lots = _safe_lots(self.line, finest.price_range)
        self.impact: ImpactFigures | None = None

    def __getstate__(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in _CANDLE_STATE}

    def __setstate__(self, state: dict[str, object]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def seek(self, now_ns: int) -> None:
        """Stand before the first candle that opens now or later."""
        if self.whole:
            row = max(0, -((self.first_ns - now_ns) // self.interval_ns))
            self.next_ns = self.first_ns + row * self.interval_ns if row < self.rows else NEVER
        else:
            row = int(np.searchsorted(self.opens, now_ns))
            self.next_ns = self.opens.item(row) if row < self.rows else NEVER
        self.row = row
        self.walking = False

    def impact_ppm(self, lots: int, coefficient_ppm: int) -> int:
        """What a taker of so many lots pays in this candle for moving the price."""
        if self.impact is None:
            self.impact = ImpactFigures(
                self.opens, self.open, self.close, self.volume, self.interval_ns
            )
        return self.impact.ppm(self.row, lots, coefficient_ppm)

    def last_ticks(self, now_ns: int) -> int:
        """The newest price that is known now: the market has opened."""
        row = int(np.searchsorted(self.ends, now_ns, side="right"))
        return int(self.close.item(row - 1) if row else self.open.item(0))


_CANDLE_STATE: Final = (
    "arriving", "busy", "known_lots", "line", "next_ns", "resting", "row", "volume_left", "walking",
)  # fmt: skip
"""What a market has of its own; the rest is its history."""


def _safe_lots(line: Line, price_range: tuple[int, int]) -> tuple[int, int]:
    """The quantities of a market order that pass at every price of the history."""
    instrument = line.instrument
    lowest_units = instrument.notional_units(max(1, price_range[0]), 1)
    highest_units = instrument.notional_units(max(1, price_range[1]), 1)
    return (
        max(instrument.lowest_market_lots, -(-instrument.min_notional_units // lowest_units)),
        min(instrument.max_market_quantity_lots, instrument.max_notional_units // highest_units),
    )


def _plain(column: Column) -> Column:
    """The column without the class of its file, which is slower to read single values of."""
    return column.view(np.ndarray)
