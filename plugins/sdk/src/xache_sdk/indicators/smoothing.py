"""Recursive means: the kernels that several indicators share.

Each begins with the plain mean of its first ``window`` values, as Wilder 1978 and TA-Lib do.
"""

from __future__ import annotations


class ExponentialMean:
    """Mean whose weights fall by 1 - 2 / (window + 1) with each value."""

    __slots__ = ("_count", "_mean", "_share", "_sum", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self._share = 2.0 / (window + 1)
        self._sum: float = 0
        self._count = 0
        self._mean: float | None = None

    def push(self, value: float) -> float | None:
        """Take the next value and return the mean; None until there are ``window`` values."""
        mean = self._mean
        if mean is not None:
            self._mean = mean = mean + (value - mean) * self._share
            return mean
        self._sum += value
        self._count += 1
        if self._count == self.window:
            self._mean = mean = self._sum / self.window
        return mean


class WilderMean:
    """Wilder's smoothing: each value moves the mean by its ``window``-th part."""

    __slots__ = ("_count", "_mean", "_rest", "_sum", "window")

    def __init__(self, window: int) -> None:
        self.window = window
        self._rest = window - 1
        self._sum: float = 0
        self._count = 0
        self._mean: float | None = None

    def push(self, value: float) -> float | None:
        """Take the next value and return the mean; None until there are ``window`` values."""
        mean = self._mean
        if mean is not None:
            self._mean = mean = (mean * self._rest + value) / self.window
            return mean
        self._sum += value
        self._count += 1
        if self._count == self.window:
            self._mean = mean = self._sum / self.window
        return mean
