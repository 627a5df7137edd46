"""Moving averages. Prices in ticks; the results too, in fractions of a tick."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Unit, window
from xache_sdk.indicators.smoothing import ExponentialMean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats


class Sma:
    """Simple moving average: the mean of the last ``window`` values.

    Exact: a whole number divided once, so that averages that are equal compare equal.
    """

    __slots__ = ("_sum", "_values", "warm_up", "window")
    about: ClassVar = About(
        name="sma",
        title="Simple moving average",
        source="mean of a window",
        inputs=(Input.CLOSE,),
        unit=Unit.TICKS,
        parameters=(window("bars averaged", 20),),
    )

    def __init__(self, window: int = 20) -> None:
        self.about.check(window=window)
        self.window = self.warm_up = window
        self._values: deque[int] = deque(maxlen=window)
        self._sum = 0

    def push(self, close_ticks: int) -> float | None:
        """Take the next value and return the mean; None until the window is full."""
        values = self._values
        if len(values) == self.window:
            self._sum += close_ticks - values[0]
            values.append(close_ticks)
            return self._sum / self.window
        values.append(close_ticks)
        self._sum += close_ticks
        return self._sum / self.window if len(values) == self.window else None

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The means of a whole column of shape (n,), from its beginning: shape (n,)."""
        (close,) = columns.whole_numbers(close_ticks)
        if columns.largest(close) * self.window > columns.INT64_MAX:
            return columns.scan(Sma(self.window).push, close)
        means = columns.divided(columns.window_sums(close, self.window), self.window)
        return columns.after(columns.warming_bars(close, self.warm_up), means)


class Ema(ExponentialMean):
    """Exponential moving average: each value moves it by the 2 / (window + 1)-th part.

    It begins with the simple average of the first ``window`` values.
    """

    __slots__ = ("warm_up",)
    about: ClassVar = About(
        name="ema",
        title="Exponential moving average",
        source="Brown 1956; seeded with the simple average as in TA-Lib",
        inputs=(Input.CLOSE,),
        unit=Unit.TICKS,
        parameters=(window("bars; each counts 2 / (window + 1)", 20),),
    )

    def __init__(self, window: int = 20) -> None:
        self.about.check(window=window)
        super().__init__(window)
        self.warm_up = window

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The means of a whole column of shape (n,), from its beginning: shape (n,)."""
        return columns.scan(Ema(self.window).push, *columns.whole_numbers(close_ticks))
