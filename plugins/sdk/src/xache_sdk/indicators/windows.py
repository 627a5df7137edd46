"""Kernels over the last ``window`` values: sums, spread, extremes, means.

Each value costs the same, whatever the window is, but for :class:`Mean`.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from xache_sdk.indicators import columns

if TYPE_CHECKING:
    from xache_sdk.indicators.columns import Ints


class Moments:
    """The sum of the last ``window`` values, and their spread, in exact whole numbers.

    ``spread`` is window x (sum of squares) - (sum) squared: the variance times window squared.
    """

    __slots__ = ("_squares", "_values", "sum", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.sum = 0
        self._squares = 0
        self._values: deque[int] = deque(maxlen=window)

    def push(self, value: int) -> int | None:
        """Take the next value and return the spread; None until the window is full."""
        values = self._values
        self.sum += value
        self._squares += value * value
        if len(values) == self.window:
            gone = values[0]
            self.sum -= gone
            self._squares -= gone * gone
        values.append(value)
        if len(values) < self.window:
            return None
        return self.window * self._squares - self.sum * self.sum


def moments_over(values: Ints, window: int) -> tuple[Ints, Ints] | None:
    """The sums and spreads of each window, each of shape (n - window + 1,).

    None where int64 could not hold them. The spread does not change when all values are moved by
    the same amount: counted from the middle of the range the squares stay small.
    """
    if columns.largest(values) * window > columns.INT64_MAX or not values.size:
        return None
    middle = (int(values.max()) + int(values.min())) // 2
    moved = values - middle
    # Both terms of the spread are at most the square of this; the difference is never negative.
    if (columns.largest(moved) * window) ** 2 > columns.INT64_MAX:
        return None
    sums = columns.window_sums(moved, window)
    spreads = window * columns.window_sums(moved * moved, window) - sums * sums
    return sums + middle * window, spreads


class Highest:
    """The largest of the last ``window`` values (of fewer, while there are fewer).

    It keeps only values that can still become the largest: those larger than all after them.
    """

    __slots__ = ("_times", "_values", "seen", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.seen = 0
        self._values: deque[float] = deque()
        self._times: deque[int] = deque()

    def push(self, value: float) -> float:
        """Take the next value and return the largest."""
        values, times = self._values, self._times
        while values and values[-1] <= value:
            values.pop()
            times.pop()
        values.append(value)
        self.seen = now = self.seen + 1
        times.append(now)
        if times[0] <= now - self.window:
            values.popleft()
            times.popleft()
        return values[0]

    @property
    def age(self) -> int:
        """How many values came after the largest; of equal ones the latest counts."""
        return self.seen - self._times[0]


class Lowest:
    """The smallest of the last ``window`` values; see :class:`Highest`."""

    __slots__ = ("_times", "_values", "seen", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self.seen = 0
        self._values: deque[float] = deque()
        self._times: deque[int] = deque()

    def push(self, value: float) -> float:
        """Take the next value and return the smallest."""
        values, times = self._values, self._times
        while values and values[-1] >= value:
            values.pop()
            times.pop()
        values.append(value)
        self.seen = now = self.seen + 1
        times.append(now)
        if times[0] <= now - self.window:
            values.popleft()
            times.popleft()
        return values[0]

    @property
    def age(self) -> int:
        """How many values came after the smallest; of equal ones the latest counts."""
        return self.seen - self._times[0]


class Mean:
    """The mean of the last ``window`` floats, summed anew each time: nothing drifts.

    ``math.fsum`` rounds once, so the order does not matter, and every Python gives the same.
    """

    __slots__ = ("_values", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self._values: deque[float] = deque(maxlen=window)

    def push(self, value: float) -> float | None:
        """Take the next value and return the mean; None until the window is full."""
        values = self._values
        values.append(value)
        return math.fsum(values) / self.window if len(values) == self.window else None
