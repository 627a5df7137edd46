"""Channels around the price, and how far the price is from its mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Parameter, Unit, window
from xache_sdk.indicators.results import Bands
from xache_sdk.indicators.smoothing import ExponentialMean
from xache_sdk.indicators.volatility import Atr
from xache_sdk.indicators.windows import Highest, Lowest, Moments, moments_over

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats


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


class ZScore:
    """How many standard deviations of the window the close is above its mean; 0 without deviation.

    The deviation is divided by the window's length, not by one less.
    """

    __slots__ = ("_moments", "warm_up", "window")
    about: ClassVar = About(
        name="z_score",
        title="Z-score",
        source="standard score of the last value of a window",
        inputs=(Input.CLOSE,),
        unit=Unit.RATIO,
        parameters=(window("bars averaged", 20, least=2),),
    )

    def __init__(self, window: int = 20) -> None:
        self.about.check(window=window)
        self.window = self.warm_up = window
        self._moments = Moments(window)

    def push(self, close_ticks: int) -> float | None:
        """Take the next close; None until the window is full."""
        spread = self._moments.push(close_ticks)
        if spread is None:
            return None
        distance = self.window * close_ticks - self._moments.sum
        return distance / math.sqrt(spread) if spread else 0.0

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The same over a whole column of shape (n,), from its beginning: shape (n,)."""
        import numpy as np

        (close,) = columns.whole_numbers(close_ticks)
        moments = moments_over(close, self.window)
        if moments is None or 2 * self.window * columns.largest(close) > columns.INT64_MAX:
            return columns.scan(ZScore(self.window).push, close)
        sums, spreads = moments
        distances = (self.window * close[self.window - 1 :] - sums).astype(np.float64)
        roots = np.sqrt(spreads.astype(np.float64))
        roots[spreads == 0] = 1.0  # all are equal then: the distance is zero
        return columns.after(columns.warming_bars(close, self.warm_up), distances / roots)


class DonchianChannel:
    """The highest and the lowest price of the last ``window`` bars, this one included.

    For a breakout compare a bar with the channel of the bar before.
    """

    __slots__ = ("_highest", "_lowest", "warm_up", "window")
    about: ClassVar = About(
        name="donchian",
        title="Donchian channel",
        source="Donchian 1960",
        inputs=(Input.HIGH, Input.LOW),
        unit=Unit.TICKS,
        parameters=(window("bars of the channel", 20),),
        outputs=Bands._fields,
    )

    def __init__(self, window: int = 20) -> None:
        self.about.check(window=window)
        self.window = self.warm_up = window
        self._highest, self._lowest = Highest(window), Lowest(window)

    def push(self, high_ticks: int, low_ticks: int) -> Bands[float] | None:
        """Take the next bar; None until the window is full."""
        highest, lowest = self._highest.push(high_ticks), self._lowest.push(low_ticks)
        if self._highest.seen < self.window:
            return None
        return Bands(float(highest), (highest + lowest) / 2, float(lowest))

    def over(self, high_ticks: ArrayLike, low_ticks: ArrayLike) -> Bands[Floats]:
        """The channel over whole columns of shape (n,), from their beginning."""
        import numpy as np

        high, low = bars = columns.whole_numbers(high_ticks, low_ticks)
        if 2 * max(map(columns.largest, bars)) > columns.INT64_MAX:
            return Bands(*columns.scan_rows(DonchianChannel(self.window).push, 3, *bars))
        highest, lowest = columns.highest(high, self.window), columns.lowest(low, self.window)
        middle = columns.divided(highest + lowest, 2)
        bands = (highest.astype(np.float64), middle, lowest.astype(np.float64))
        warming = columns.warming_bars(high, self.warm_up)
        return Bands(*(columns.after(warming, band) for band in bands))


class KeltnerChannel:
    """The EMA of the close, and ``multiplier`` average true ranges above and below it."""

    __slots__ = ("_atr", "_mean", "atr_window", "multiplier", "warm_up", "window")
    about: ClassVar = About(
        name="keltner",
        title="Keltner channel",
        source="Keltner 1960, in the form of Raschke: EMA and average true range",
        inputs=(Input.HIGH, Input.LOW, Input.CLOSE),
        unit=Unit.TICKS,
        parameters=(
            window("bars of the average", 20),
            Parameter("multiplier", 2.0, "half the width, in average true ranges", 0, 100),
            window("ranges smoothed", 10, "atr_window"),
        ),
        outputs=Bands._fields,
    )

    def __init__(self, window: int = 20, multiplier: float = 2.0, atr_window: int = 10) -> None:
        self.about.check(window=window, multiplier=multiplier, atr_window=atr_window)
        self.window, self.atr_window = window, atr_window
        self.multiplier = float(multiplier)
        self.warm_up = max(window, atr_window + 1)
        self._mean, self._atr = ExponentialMean(window), Atr(atr_window)

    def push(self, high_ticks: int, low_ticks: int, close_ticks: int) -> Bands[float] | None:
        """Take the next bar; None until the average and the range are known."""
        middle = self._mean.push(close_ticks)
        reach = self._atr.push(high_ticks, low_ticks, close_ticks)
        if middle is None or reach is None:
            return None
        width = self.multiplier * reach
        return Bands(middle + width, middle, middle - width)

    def over(
        self, high_ticks: ArrayLike, low_ticks: ArrayLike, close_ticks: ArrayLike
    ) -> Bands[Floats]:
        """The channel over whole columns of shape (n,), from their beginning."""
        bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks)
        fresh = KeltnerChannel(self.window, self.multiplier, self.atr_window)
        return Bands(*columns.scan_rows(fresh.push, 3, *bars))
