"""Indicators: step by step for a running strategy, over whole columns for research."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # numpy costs a tenth of a second and starts threads: only who uses it pays.
    import numpy as np
    from numpy.typing import NDArray


class SimpleMovingAverage:
    """The mean of the last ``window`` values, exact: the sum never drifts."""

    def __init__(self, window: int) -> None:
        if window < 1:
            raise ValueError("a window has at least one value")
        self._window = window
        self._values: deque[Decimal] = deque()
        self._sum = Decimal(0)

    def push(self, value: Decimal) -> Decimal | None:
        """Take the next value and return the mean; None until the window is full."""
        self._values.append(value)
        self._sum += value
        if len(self._values) > self._window:
            self._sum -= self._values.popleft()
        return self._sum / self._window if len(self._values) == self._window else None


def simple_moving_average(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """The same over a column of shape (n,): result of shape (n,), NaN until the window is full."""
    import numpy as np

    if window < 1:
        raise ValueError("a window has at least one value")
    means = np.full(values.shape, np.nan)
    if len(values) >= window:
        sums = np.cumsum(np.concatenate(([0.0], values)))
        means[window - 1 :] = (sums[window:] - sums[:-window]) / window
    return means
