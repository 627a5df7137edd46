"""How widely prices move: true range, deviation around a mean."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, ClassVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Parameter, Unit, window
from xache_sdk.indicators.smoothing import WilderMean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats


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
        difference=True,
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


class RealisedVolatility:
    """Realised volatility: the root of the sum of the last ``window`` squared log returns.

    0.02 is 2 %. With ``bars_per_year`` it is scaled from the window to a year: 525,600 for minutes,
    365 for days in a market that never closes. Prices are positive.
    """

    __slots__ = ("_before", "_scale", "_squares", "bars_per_year", "warm_up", "window")
    about: ClassVar = About(
        name="realised_volatility",
        title="Realised volatility",
        source="Andersen and Bollerslev 1998, Answering the Skeptics",
        inputs=(Input.CLOSE,),
        unit=Unit.RATIO,
        parameters=(
            window("returns summed", 30),
            Parameter("bars_per_year", 0, "bars in a year to scale to; 0: of the window", 0, 10**9),
        ),
    )

    def __init__(self, window: int = 30, bars_per_year: int = 0) -> None:
        self.about.check(window=window, bars_per_year=bars_per_year)
        self.window, self.bars_per_year = window, bars_per_year
        self.warm_up = window + 1
        self._scale = bars_per_year / window if bars_per_year else 1.0
        self._squares: deque[float] = deque(maxlen=window)
        self._before: int | None = None

    def push(self, close_ticks: int) -> float | None:
        """Take the next close; None until ``window`` returns are known.

        Raises: ValueError when the price is not positive.
        """
        if close_ticks <= 0:
            raise ValueError("realised volatility is of positive prices")
        before, self._before = self._before, close_ticks
        if before is None:
            return None
        change = math.log(close_ticks / before)
        squares = self._squares
        squares.append(change * change)
        if len(squares) < self.window:
            return None
        # Rounded once, in any order: a running sum of floats would drift.
        return math.sqrt(math.fsum(squares) * self._scale)

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The same over a whole column of shape (n,), from its beginning: shape (n,)."""
        fresh = RealisedVolatility(self.window, self.bars_per_year)
        return columns.scan(fresh.push, *columns.whole_numbers(close_ticks))
