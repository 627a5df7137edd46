"""What was said of a market, as a column of its history: each word from when it was received on.

A house reads no news. Who has a source of sentiment gives it to a history here, and models may then
look at it in training and in backtests. Live nothing is said, so such a model abstains.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from xache_sdk.signals import UNKNOWN

from xached.research.history.candle_files import TIME_NAMES, read_table, readable, times_ns
from xached.research.history.candle_set import NS_PER_S, CandleSet, DataError

RECEIVED_NAMES: Final = ("received_at", "received", *TIME_NAMES)
VALUE_NAMES: Final = ("sentiment", "score", "value")
PPM: Final = 1_000_000


def with_sentiment(candles: CandleSet, path: Path, stale_s: int) -> CandleSet:
    """Give each candle what had been said last when it was over, unless that is older than so much.

    Raises: DataError for a file without a time and a number from -1 to 1; OSError.
    """
    with readable(path):
        table = read_table(path, (RECEIVED_NAMES[0], VALUE_NAMES[0]))
        at_ns = times_ns(_column(table, RECEIVED_NAMES, path))
        said = pc.cast(_column(table, VALUE_NAMES, path), pa.float64()).to_numpy()
    if not len(said) or not bool(np.all(np.abs(said) <= 1.0)):  # NaN is not below anything
        raise DataError(f"{path.name}: a sentiment is a number from -1 to 1 in every row")
    order = np.argsort(at_ns, kind="stable")
    at_ns, said_ppm = at_ns[order], np.rint(said[order] * PPM).astype(np.int64)
    row = np.searchsorted(at_ns, candles.ends_ns, side="right") - 1
    there = np.maximum(row, 0)
    fresh = (row >= 0) & (candles.ends_ns - at_ns[there] <= stale_s * NS_PER_S)
    column = np.where(fresh, said_ppm[there], UNKNOWN)
    return attrs.evolve(candles, extras={**candles.extras, "sentiment_ppm": column})


def _column(table: pa.Table, wanted: tuple[str, ...], path: Path) -> Any:
    names = {name.lower(): name for name in table.column_names}
    found = next((names[each] for each in wanted if each in names), None)
    if found is None:
        raise DataError(f"{path.name} needs one of {', '.join(wanted)}")
    return table[found]
