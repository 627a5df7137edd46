"""Oscillators: where the close stands within a range."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Unit, window
from xache_sdk.indicators.momentum import Rsi
from xache_sdk.indicators.results import StochasticResult
from xache_sdk.indicators.windows import Highest, Lowest, Mean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats, Ints

_BAR = (Input.HIGH, Input.LOW, Input.CLOSE)


class Stochastic:
    """Stochastic oscillator: the close in percent of the range of the last ``window`` bars.

    ``k`` is the mean of ``smooth`` of these, ``d`` the mean of ``signal`` values of ``k``. With
    ``smooth=1`` it is the fast one. A range of zero counts as its middle, 50.
    """

    __slots__ = ("_highest", "_k", "_d", "_lowest", "signal", "smooth", "warm_up", "window")  # noqa: RUF023
    about: ClassVar = About(
        name="stochastic",
        title="Stochastic oscillator",
        source="Lane 1984, Lane's Stochastics",
        inputs=_BAR,
        unit=Unit.PERCENT,
        parameters=(
            window("bars of the range", 14),
            window("values averaged into k", 3, "smooth"),
            window("values of k averaged into d", 3, "signal"),
        ),
        outputs=StochasticResult._fields,
    )

    def __init__(self, window: int = 14, smooth: int = 3, signal: int = 3) -> None:
        self.about.check(window=window, smooth=smooth, signal=signal)
        self.window, self.smooth, self.signal = window, smooth, signal
        self.warm_up = window + smooth + signal - 2
        self._highest, self._lowest = Highest(window), Lowest(window)
        self._k, self._d = Mean(smooth), Mean(signal)

    def push(
        self, high_ticks: int, low_ticks: int, close_ticks: int
    ) -> StochasticResult[float] | None:
        """Take the next bar; None until ``d`` is known."""
        highest, lowest = self._highest.push(high_ticks), self._lowest.push(low_ticks)
        if self._highest.seen < self.window:
            return None
        reach = highest - lowest
        k = self._k.push(100 * (close_ticks - lowest) / reach if reach else 50.0)
        d = None if k is None else self._d.push(k)
        return None if k is None or d is None else StochasticResult(k, d)

    def over(
        self, high_ticks: ArrayLike, low_ticks: ArrayLike, close_ticks: ArrayLike
    ) -> StochasticResult[Floats]:
        """The same over whole columns of shape (n,), from their beginning."""
        bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks)
        fresh = Stochastic(self.window, self.smooth, self.signal)
        return StochasticResult(*columns.scan_rows(fresh.push, 2, *bars))


class StochasticRsi:
    """The stochastic oscillator of the RSI, each in percent; 50 where the RSI stood still."""

    __slots__ = (
        "_d", "_highest", "_k", "_lowest", "_rsi", "rsi_window", "signal", "smooth", "warm_up",
        "window",
    )  # fmt: skip
    about: ClassVar = About(
        name="stochastic_rsi",
        title="Stochastic RSI",
        source="Chande and Kroll 1994, The New Technical Trader",
        inputs=(Input.CLOSE,),
        unit=Unit.PERCENT,
        parameters=(
            window("changes smoothed in the RSI", 14, "rsi_window"),
            window("values of the range of the RSI", 14),
            window("values averaged into k", 3, "smooth"),
            window("values of k averaged into d", 3, "signal"),
        ),
        outputs=StochasticResult._fields,
    )

    def __init__(
        self, rsi_window: int = 14, window: int = 14, smooth: int = 3, signal: int = 3
    ) -> None:
        self.about.check(rsi_window=rsi_window, window=window, smooth=smooth, signal=signal)
        self.rsi_window, self.window = rsi_window, window
        self.smooth, self.signal = smooth, signal
        self.warm_up = rsi_window + window + smooth + signal - 2
        self._rsi = Rsi(rsi_window)
        self._highest, self._lowest = Highest(window), Lowest(window)
        self._k, self._d = Mean(smooth), Mean(signal)

    def push(self, close_ticks: int) -> StochasticResult[float] | None:
        """Take the next close; None until ``d`` is known."""
        rsi = self._rsi.push(close_ticks)
        if rsi is None:
            return None
        highest, lowest = self._highest.push(rsi), self._lowest.push(rsi)
        if self._highest.seen < self.window:
            return None
        reach = highest - lowest
        k = self._k.push(100.0 * ((rsi - lowest) / reach) if reach else 50.0)
        d = None if k is None else self._d.push(k)
        return None if k is None or d is None else StochasticResult(k, d)

    def over(self, close_ticks: ArrayLike) -> StochasticResult[Floats]:
        """The same over a whole column of shape (n,), from its beginning."""
        fresh = StochasticRsi(self.rsi_window, self.window, self.smooth, self.signal)
        close = columns.whole_numbers(close_ticks)
        return StochasticResult(*columns.scan_rows(fresh.push, 2, *close))


class WilliamsR:
    """Williams %R: how far the close is below the highest price, in percent of the range.

    -100 to 0; -50 where the range is zero.
    """

    __slots__ = ("_highest", "_lowest", "warm_up", "window")
    about: ClassVar = About(
        name="williams_r",
        title="Williams %R",
        source="Williams 1973",
        inputs=_BAR,
        unit=Unit.PERCENT,
        parameters=(window("bars of the range", 14),),
    )

    def __init__(self, window: int = 14) -> None:
        self.about.check(window=window)
        self.window = self.warm_up = window
        self._highest, self._lowest = Highest(window), Lowest(window)

    def push(self, high_ticks: int, low_ticks: int, close_ticks: int) -> float | None:
        """Take the next bar; None until the window is full."""
        highest, lowest = self._highest.push(high_ticks), self._lowest.push(low_ticks)
        if self._highest.seen < self.window:
            return None
        reach = highest - lowest
        return 100 * (close_ticks - highest) / reach if reach else -50.0

    def over(self, high_ticks: ArrayLike, low_ticks: ArrayLike, close_ticks: ArrayLike) -> Floats:
        """The same over whole columns of shape (n,), from their beginning: shape (n,)."""
        high, low, close = bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks)
        if 200 * max(map(columns.largest, bars)) > columns.INT64_MAX:
            return columns.scan(WilliamsR(self.window).push, *bars)
        highest = columns.highest(high, self.window)
        reach = highest - columns.lowest(low, self.window)
        below = 100 * (close[self.window - 1 :] - highest)
        warming = columns.warming_bars(close, self.warm_up)
        return columns.after(warming, columns.divided_or(-50.0, below, reach))


class Cci:
    """Commodity channel index: the typical price (high, low and close averaged) less its mean, in
    units of 0.015 mean deviations. 0 where the window does not deviate.
    """

    __slots__ = ("_sum", "_values", "warm_up", "window")
    about: ClassVar = About(
        name="cci",
        title="Commodity channel index",
        source="Lambert 1980, Commodity Channel Index",
        inputs=_BAR,
        unit=Unit.RATIO,
        parameters=(window("bars averaged", 20),),
    )

    def __init__(self, window: int = 20) -> None:
        self.about.check(window=window)
        self.window = self.warm_up = window
        self._values: deque[int] = deque(maxlen=window)
        self._sum = 0

    def push(self, high_ticks: int, low_ticks: int, close_ticks: int) -> float | None:
        """Take the next bar; None until the window is full."""
        # Whole numbers throughout: three typical prices, window times each distance to the mean.
        typical = high_ticks + low_ticks + close_ticks
        values, window = self._values, self.window
        if len(values) == window:
            self._sum -= values[0]
        values.append(typical)
        self._sum = total = self._sum + typical
        if len(values) < window:
            return None
        deviation = sum([abs(window * each - total) for each in values])
        if not deviation:
            return 0.0
        return window * (window * typical - total) / deviation / 0.015

    def over(self, high_ticks: ArrayLike, low_ticks: ArrayLike, close_ticks: ArrayLike) -> Floats:
        """The same over whole columns of shape (n,), from their beginning: shape (n,)."""
        import numpy as np

        bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks)
        window = self.window
        too_large = 6 * window * window * max(map(columns.largest, bars)) > columns.INT64_MAX
        if too_large or len(bars[0]) < window:
            return columns.scan(Cci(window).push, *bars)
        typical: Ints = bars[0] + bars[1] + bars[2]
        totals = columns.window_sums(typical, window)
        deviations = np.zeros_like(totals)
        for back in range(window):
            shifted = typical[window - 1 - back : len(typical) - back]
            deviations += np.abs(window * shifted - totals)
        distances = window * (window * typical[window - 1 :] - totals)
        quotients = columns.divided_or(0.0, distances, deviations) / 0.015
        return columns.after(columns.warming_bars(typical, self.warm_up), quotients)
