"""How widely prices move: true range, deviation around a mean."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, ClassVar, Generic, NamedTuple, TypeVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Parameter, Unit, window
from xache_sdk.indicators.smoothing import WilderMean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats, Ints

T = TypeVar("T")


def true_range(high: int, low: int, close_before: int) -> int:
    """The way from the highest to the lowest price of a bar, the close before it included."""
    if close_before > high:
        return close_before - low
    return high - (close_before if close_before < low else low)


class Atr:
    """Average true range: Wilder's smoothing of the true range, which also counts the gap to the
    close before. The first bar has no close before it and only gives one.
    """

    __slots__ = ("_before", "_mean", "warm_up", "window")
    about: ClassVar = About(
        name="atr",
        title="Average true range",
        source="Wilder 1978, New Concepts in Technical Trading Systems",
        inputs=(Input.HIGH, Input.LOW, Input.CLOSE),
        unit=Unit.TICKS,
        parameters=(window("ranges smoothed", 14),),
    )

    def __init__(self, window: int = 14) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = window + 1
        self._mean = WilderMean(window)
        self._before: int | None = None

    def push(self, high_ticks: int, low_ticks: int, close_ticks: int) -> float | None:
        """Take the next bar and return the average; None until ``window`` ranges are known."""
        before, self._before = self._before, close_ticks
        if before is None:
            return None
        return self._mean.push(true_range(high_ticks, low_ticks, before))

    def over(self, high_ticks: ArrayLike, low_ticks: ArrayLike, close_ticks: ArrayLike) -> Floats:
        """The average over whole columns of shape (n,), from their beginning: shape (n,)."""
        bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks)
        return columns.scan(Atr(self.window).push, *bars)


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


class Bands(NamedTuple, Generic[T]):
    """A channel around a price, in ticks."""

    upper: T
    middle: T
    lower: T


class BollingerBands:
    """The simple moving average, and ``deviations`` standard deviations above and below it.

    The deviation is that of the window itself (divided by its length, not by one less). Sums and
    squares are exact: a market that stands still has a width of zero.
    """

    __slots__ = ("_moments", "deviations", "warm_up", "window")
    about: ClassVar = About(
        name="bollinger",
        title="Bollinger bands",
        source="Bollinger 2001, Bollinger on Bollinger Bands",
        inputs=(Input.CLOSE,),
        unit=Unit.TICKS,
        parameters=(
            window("bars averaged", 20),
            Parameter("deviations", 2.0, "half the width, in standard deviations", 0, 100),
        ),
        outputs=Bands._fields,
    )

    def __init__(self, window: int = 20, deviations: float = 2.0) -> None:
        self.about.check(window=window, deviations=deviations)
        self.window = self.warm_up = window
        self.deviations = float(deviations)
        self._moments = Moments(window)

    def push(self, close_ticks: int) -> Bands[float] | None:
        """Take the next close; None until the window is full."""
        spread = self._moments.push(close_ticks)
        if spread is None:
            return None
        middle = self._moments.sum / self.window
        width = self.deviations * (math.sqrt(spread) / self.window)
        return Bands(middle + width, middle, middle - width)

    def over(self, close_ticks: ArrayLike) -> Bands[Floats]:
        """The bands over a whole column of shape (n,), from its beginning."""
        import numpy as np

        (close,) = columns.whole_numbers(close_ticks)
        moments = moments_over(close, self.window)
        if moments is None:
            fresh = BollingerBands(self.window, self.deviations)
            return Bands(*columns.scan_rows(fresh.push, 3, close))
        sums, spreads = moments
        middle = columns.divided(sums, self.window)
        width = self.deviations * (np.sqrt(spreads.astype(np.float64)) / self.window)
        warming = columns.warming_bars(close, self.warm_up)
        bands = (middle + width, middle, middle - width)
        return Bands(*(columns.after(warming, band) for band in bands))
