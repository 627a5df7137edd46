"""Candle history that ships with the product: CSV of five-minute candles, exact decimals."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs

from xached.adapters.feeds.feed import FrameFault, Steps
from xached.adapters.feeds.recorded import RECORDINGS, RecordingError, move_candle
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Instrument, Symbol

NS_PER_MS: Final = 1_000_000
COLUMNS: Final = ["open_time_ms", "open", "high", "low", "close", "volume"]


@attrs.frozen(kw_only=True)
class Shipped:
    """The files of one instrument that ship with the product; see NOTICE.md beside them."""

    recording: Path
    history: Path


SHIPPED: Final = {
    Symbol("BTC-USDT"): Shipped(
        recording=RECORDINGS / "spot_btcusdt_20240808.log.gz",
        history=RECORDINGS / "btcusdt_5m_20240610_20240808.csv.gz",
    ),
    Symbol("ETH-USDT"): Shipped(
        recording=RECORDINGS / "spot_ethusdt_20240808.log.gz",
        history=RECORDINGS / "ethusdt_5m_20240610_20240808.csv.gz",
    ),
}
"""Both fit a tick of 0.01; lots are 0.00001 BTC and 0.0001 ETH, or a divisor of them."""


def load_history(path: Path, instrument: Instrument) -> list[Candle]:
    """Read candles, oldest first, at the times they were recorded. Blocking, about 0.1 s.

    Raises: RecordingError where a figure does not fit the instrument; OSError.
    """
    ticks, lots = Steps.of_price(instrument), Steps.of_quantity(instrument)
    candles: list[Candle] = []
    with gzip.open(path, "rt", encoding="ascii", newline="") as lines:
        rows = csv.reader(lines)
        if next(rows, None) != COLUMNS:
            raise RecordingError(f"{path.name} does not begin with {','.join(COLUMNS)}")
        for number, row in enumerate(rows, start=2):
            try:
                opened, *prices, volume = row
                first, high, low, close = (ticks.read(price) for price in prices)
                candles.append(
                    Candle(
                        interval=Interval.M5,
                        open_at_ns=int(opened) * NS_PER_MS,
                        open_ticks=first,
                        high_ticks=high,
                        low_ticks=low,
                        close_ticks=close,
                        volume_lots=lots.read(volume),
                        trades=0,
                        simulated_trades=0,
                        closed=True,
                    )
                )
            except (ValueError, FrameFault) as error:
                raise RecordingError(
                    f"{path.name} line {number} does not fit {instrument.symbol}"
                ) from error
    return candles


def restamp_history(
    candles: Iterable[Candle], ends_at_ns: int, continues_at_ticks: int
) -> list[Candle]:
    """Move candles so that the last one ends at or just before a time, and at a price.

    Times move by whole intervals, prices by whole ticks.
    """
    moved = list(candles)
    if not moved:
        return moved
    by_ns = ends_at_ns - moved[-1].ends_at_ns
    by_ns -= by_ns % moved[-1].interval.ns
    by_ticks = continues_at_ticks - moved[-1].close_ticks
    return [move_candle(candle, by_ns, by_ticks) for candle in moved]
