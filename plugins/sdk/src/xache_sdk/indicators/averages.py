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


class Wma:
    """Weighted moving average: of the last ``window`` values the newest counts ``window`` times,
    the oldest once. Exact: a whole number divided once.
    """

    __slots__ = ("_sum", "_values", "_weighted", "_weights", "warm_up", "window")
    about: ClassVar = About(
        name="wma",
        title="Weighted moving average",
        source="linear weights",
        inputs=(Input.CLOSE,),
        unit=Unit.TICKS,
        parameters=(window("bars averaged", 20),),
    )

    def __init__(self, window: int = 20) -> None:
        self.about.check(window=window)
        self.window = self.warm_up = window
        self._weights = window * (window + 1) // 2
        self._values: deque[int] = deque(maxlen=window)
        self._sum = self._weighted = 0

    def push(self, close_ticks: int) -> float | None:
        """Take the next value and return the mean; None until the window is full."""
        values = self._values
        if len(values) == self.window:
            # Every value in the window loses one weight; the oldest had but that one.
            self._weighted += self.window * close_ticks - self._sum
            self._sum += close_ticks - values[0]
            values.append(close_ticks)
            return self._weighted / self._weights
        values.append(close_ticks)
        self._sum += close_ticks
        self._weighted += len(values) * close_ticks
        return self._weighted / self._weights if len(values) == self.window else None

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The means of a whole column of shape (n,), from its beginning: shape (n,)."""
        import numpy as np

        (close,) = columns.whole_numbers(close_ticks)
        if columns.largest(close) * self._weights > columns.INT64_MAX:
            return columns.scan(Wma(self.window).push, close)
        # Weights counted from the column's beginning, less what that is too much in each window.
        # These products may wrap around; the difference fits, see columns.window_sums.
        places = np.arange(1, len(close) + 1, dtype=np.int64)
        surplus = places[: max(0, len(close) - self.window + 1)] - 1
        weighted = columns.window_sums(close * places, self.window)
        weighted -= surplus * columns.window_sums(close, self.window)
        means = columns.divided(weighted, self._weights)
        return columns.after(columns.warming_bars(close, self.warm_up), means)


class Dema:
    """Double exponential moving average: twice the EMA less the EMA of the EMA; lags less."""

    __slots__ = ("_first", "_second", "warm_up", "window")
    about: ClassVar = About(
        name="dema",
        title="Double exponential moving average",
        source="Mulloy 1994, Smoothing Data with Faster Moving Averages",
        inputs=(Input.CLOSE,),
        unit=Unit.TICKS,
        parameters=(window("bars of each average", 20),),
    )

    def __init__(self, window: int = 20) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = 2 * window - 1
        self._first, self._second = ExponentialMean(window), ExponentialMean(window)

    def push(self, close_ticks: int) -> float | None:
        """Take the next value; None until the second average is known."""
        first = self._first.push(close_ticks)
        if first is None:
            return None
        second = self._second.push(first)
        return None if second is None else 2.0 * first - second

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The same over a whole column of shape (n,), from its beginning: shape (n,)."""
        return columns.scan(Dema(self.window).push, *columns.whole_numbers(close_ticks))


class Tema:
    """Triple exponential moving average: 3 x EMA - 3 x EMA of it + EMA of that."""

    __slots__ = ("_first", "_second", "_third", "warm_up", "window")
    about: ClassVar = About(
        name="tema",
        title="Triple exponential moving average",
        source="Mulloy 1994, Smoothing Data with Faster Moving Averages",
        inputs=(Input.CLOSE,),
        unit=Unit.TICKS,
        parameters=(window("bars of each average", 20),),
    )

    def __init__(self, window: int = 20) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = 3 * window - 2
        self._first, self._second = ExponentialMean(window), ExponentialMean(window)
        self._third = ExponentialMean(window)

    def push(self, close_ticks: int) -> float | None:
        """Take the next value; None until the third average is known."""
        first = self._first.push(close_ticks)
        if first is None:
            return None
        second = self._second.push(first)
        if second is None:
            return None
        third = self._third.push(second)
        return None if third is None else 3.0 * first - 3.0 * second + third

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The same over a whole column of shape (n,), from its beginning: shape (n,)."""
        return columns.scan(Tema(self.window).push, *columns.whole_numbers(close_ticks))
