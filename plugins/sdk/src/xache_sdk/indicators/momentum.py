"""Oscillators of the closing price: how far and how evenly it moved."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Unit, window
from xache_sdk.indicators.results import MacdResult
from xache_sdk.indicators.smoothing import ExponentialMean, WilderMean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats


class Rsi:
    """Relative strength index: gains as a percentage of all movement, both smoothed by Wilder.

    0 to 100; 50 while nothing ever moved. A bar without a change leaves it as it is, to the bit, so
    that an oscillator of it finds no range in a standing market.
    """

    __slots__ = ("_before", "_gain", "_index", "_loss", "warm_up", "window")
    about: ClassVar = About(
        name="rsi",
        title="Relative strength index",
        source="Wilder 1978, New Concepts in Technical Trading Systems",
        inputs=(Input.CLOSE,),
        unit=Unit.PERCENT,
        parameters=(window("changes smoothed", 14),),
    )

    def __init__(self, window: int = 14) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = window + 1
        self._gain, self._loss = WilderMean(window), WilderMean(window)
        self._before: int | None = None
        self._index: float | None = None

    def push(self, close_ticks: int) -> float | None:
        """Take the next close and return the index; None until ``window`` changes are known."""
        before, self._before = self._before, close_ticks
        if before is None:
            return None
        change = close_ticks - before
        if change > 0:
            gain, loss = self._gain.push(change), self._loss.push(0)
        else:
            gain, loss = self._gain.push(0), self._loss.push(-change)
        if gain is None or loss is None:
            return None
        if change or self._index is None:
            moved = gain + loss
            self._index = 100.0 * (gain / moved) if moved else 50.0
        return self._index

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The index over a whole column of shape (n,), from its beginning: shape (n,)."""
        return columns.scan(Rsi(self.window).push, *columns.whole_numbers(close_ticks))


class Macd:
    """Moving average convergence divergence: a fast EMA less a slow one, and the EMA of that.

    Each average begins with the first bar, with its own simple average. (TA-Lib begins the fast one
    later, so that both are known at the same bar; the difference fades within some slow windows.)
    """

    __slots__ = ("_fast", "_signal", "_slow", "fast", "signal", "slow", "warm_up")
    about: ClassVar = About(
        name="macd",
        title="Moving average convergence divergence",
        source="Appel 1979",
        inputs=(Input.CLOSE,),
        unit=Unit.TICKS,
        difference=True,
        parameters=(
            window("bars of the fast average", 12, "fast"),
            window("bars of the slow average", 26, "slow", least=2),
            window("values smoothed into the signal", 9, "signal"),
        ),
        outputs=MacdResult._fields,
    )

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        self.about.check(fast=fast, slow=slow, signal=signal)
        if fast >= slow:
            raise ValueError("macd: fast is less than slow")
        self.fast, self.slow, self.signal = fast, slow, signal
        self.warm_up = slow + signal - 1
        self._fast, self._slow = ExponentialMean(fast), ExponentialMean(slow)
        self._signal = ExponentialMean(signal)

    def push(self, close_ticks: int) -> MacdResult[float] | None:
        """Take the next close; None until the signal is known."""
        fast, slow = self._fast.push(close_ticks), self._slow.push(close_ticks)
        if fast is None or slow is None:
            return None
        macd = fast - slow
        signal = self._signal.push(macd)
        return None if signal is None else MacdResult(macd, signal, macd - signal)

    def over(self, close_ticks: ArrayLike) -> MacdResult[Floats]:
        """The same over a whole column of shape (n,), from its beginning."""
        fresh = Macd(self.fast, self.slow, self.signal)
        return MacdResult(*columns.scan_rows(fresh.push, 3, *columns.whole_numbers(close_ticks)))


class Momentum:
    """The change over ``window`` bars."""

    __slots__ = ("_values", "warm_up", "window")
    about: ClassVar = About(
        name="momentum",
        title="Momentum",
        source="difference of two closes",
        inputs=(Input.CLOSE,),
        unit=Unit.TICKS,
        difference=True,
        parameters=(window("bars looked back", 10),),
    )

    def __init__(self, window: int = 10) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = window + 1
        self._values: deque[int] = deque(maxlen=window)

    def push(self, close_ticks: int) -> float | None:
        """Take the next close; None until there is one ``window`` bars before it."""
        values = self._values
        if len(values) < self.window:
            values.append(close_ticks)
            return None
        before = values[0]
        values.append(close_ticks)
        return float(close_ticks - before)

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The changes over a whole column of shape (n,), from its beginning: shape (n,)."""
        import numpy as np

        (close,) = columns.whole_numbers(close_ticks)
        if 2 * columns.largest(close) > columns.INT64_MAX:
            return columns.scan(Momentum(self.window).push, close)
        changes = close[self.window :] - close[: -self.window]
        warming = columns.warming_bars(close, self.warm_up)
        return columns.after(warming, changes.astype(np.float64))


class Roc:
    """Rate of change: the change over ``window`` bars in percent of the older close.

    0 where the older close is 0.
    """

    __slots__ = ("_values", "warm_up", "window")
    about: ClassVar = About(
        name="roc",
        title="Rate of change",
        source="relative difference of two closes",
        inputs=(Input.CLOSE,),
        unit=Unit.PERCENT,
        parameters=(window("bars looked back", 10),),
    )

    def __init__(self, window: int = 10) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = window + 1
        self._values: deque[int] = deque(maxlen=window)

    def push(self, close_ticks: int) -> float | None:
        """Take the next close; None until there is one ``window`` bars before it."""
        values = self._values
        if len(values) < self.window:
            values.append(close_ticks)
            return None
        before = values[0]
        values.append(close_ticks)
        return 100 * (close_ticks - before) / before if before else 0.0

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The rates over a whole column of shape (n,), from its beginning: shape (n,)."""
        (close,) = columns.whole_numbers(close_ticks)
        if 200 * columns.largest(close) > columns.INT64_MAX:
            return columns.scan(Roc(self.window).push, close)
        before = close[: -self.window]
        rates = columns.divided_or(0.0, 100 * (close[self.window :] - before), before)
        return columns.after(columns.warming_bars(close, self.warm_up), rates)


class Trix:
    """The change of an EMA of an EMA of an EMA from bar to bar, in percent.

    0 where the average before is 0.
    """

    __slots__ = ("_before", "_first", "_second", "_third", "warm_up", "window")
    about: ClassVar = About(
        name="trix",
        title="Triple exponential rate of change",
        source="Hutson 1983, Good Trix",
        inputs=(Input.CLOSE,),
        unit=Unit.PERCENT,
        parameters=(window("bars of each average", 15),),
    )

    def __init__(self, window: int = 15) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = 3 * window - 1
        self._first, self._second = ExponentialMean(window), ExponentialMean(window)
        self._third = ExponentialMean(window)
        self._before: float | None = None

    def push(self, close_ticks: int) -> float | None:
        """Take the next close; None until the third average is known twice."""
        first = self._first.push(close_ticks)
        if first is None:
            return None
        second = self._second.push(first)
        if second is None:
            return None
        third = self._third.push(second)
        before, self._before = self._before, third
        if third is None or before is None:
            return None
        return 100.0 * ((third - before) / before) if before else 0.0

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The same over a whole column of shape (n,), from its beginning: shape (n,)."""
        return columns.scan(Trix(self.window).push, *columns.whole_numbers(close_ticks))
