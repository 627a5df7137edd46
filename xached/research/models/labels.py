"""What became of a decision at each candle: the outcome that a model learns to foresee.

A label begins when its candle is over and is known when the candle is over that decided it. Rows
whose label is not decided by the end of the history have none. Prices are closes: a strategy that
decides on closed candles cannot get out inside of one.
"""

from __future__ import annotations

import attrs
import numpy as np

from xached.research.history.candle_set import CandleSet
from xached.research.judgement.folds import Labels
from xached.research.judgement.track_record import FloatArray, IntArray


@attrs.frozen(kw_only=True)
class Barriers:
    """A position is closed at a profit or a loss of so many times ``scale``, or after a time.

    ``horizon``: candles after which it is closed whatever it brought. ``width``: where both
    barriers are, in units of the volatility over the horizon that is expected at the decision;
    None: there are none, and the label is the forward return. Source: López de Prado, *Advances in
    Financial Machine Learning* (2018), section 3.4.
    """

    horizon: int
    width: float | None = 1.0

    def __attrs_post_init__(self) -> None:
        if self.horizon < 1 or (self.width is not None and self.width <= 0.0):
            raise ValueError("a horizon is at least one candle, and barriers are apart")


@attrs.frozen(eq=False)
class LabelledRows:
    """One row for each decided label, in order of beginning.

    ``rows`` are the candles it is decided for; ``returns`` what a purchase at their close brought,
    before costs; ``scales`` the volatility that was expected; ``wins`` 1 where it brought something
    and 0 otherwise.
    """

    rows: IntArray
    labels: Labels
    returns: FloatArray
    scales: FloatArray

    @property
    def wins(self) -> FloatArray:
        """1 where a purchase brought something, before costs."""
        return (self.returns > 0.0).astype(np.float64)

    def __len__(self) -> int:
        return len(self.rows)


def label_rows(
    candles: CandleSet, volatility: FloatArray, barriers: Barriers, first: int = 0
) -> LabelledRows:
    """Label the candles from row ``first`` on.

    ``volatility``: of a whole horizon, as a fraction, known when each candle is over; rows without
    one, or where it is zero, are left out.
    """
    close = np.asarray(candles.close_ticks, dtype=np.float64)
    count = len(close)
    horizon = barriers.horizon
    rows = np.arange(first, max(first, count - horizon))
    rows = rows[np.isfinite(volatility[rows]) & (volatility[rows] > 0.0)]
    scales = volatility[rows]
    ends = rows + horizon
    if barriers.width is not None:
        ends = _first_touch(close, rows, barriers.width * scales, horizon)
    returns = close[ends] / close[rows] - 1.0
    ends_ns = np.asarray(candles.ends_ns)
    return LabelledRows(rows, Labels(ends_ns[rows], ends_ns[ends]), returns, scales)


def _first_touch(close: FloatArray, rows: IntArray, widths: FloatArray, horizon: int) -> IntArray:
    """The row at whose close a barrier is reached, or the last of the horizon."""
    ends = rows + horizon
    running = np.ones(len(rows), dtype=np.bool_)
    for ahead in range(1, horizon):
        moved = np.abs(close[rows + ahead] / close[rows] - 1.0)
        touched = running & (moved >= widths)
        ends[touched] = rows[touched] + ahead
        running &= ~touched
    return ends
