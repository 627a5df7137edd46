"""Oscillators of the closing price: how far and how evenly it moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, NamedTuple, TypeVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Unit, window
from xache_sdk.indicators.smoothing import ExponentialMean, WilderMean

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats

T = TypeVar("T")


class Rsi:
    """Relative strength index: gains as a percentage of all movement, both smoothed by Wilder.

    0 to 100; 50 while nothing ever moved.
    """

    __slots__ = ("_before", "_gain", "_loss", "warm_up", "window")
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
        moved = gain + loss
        return 100.0 * (gain / moved) if moved else 50.0

    def over(self, close_ticks: ArrayLike) -> Floats:
        """The index over a whole column of shape (n,), from its beginning: shape (n,)."""
        return columns.scan(Rsi(self.window).push, *columns.whole_numbers(close_ticks))


class MacdResult(NamedTuple, Generic[T]):
    """In ticks. ``histogram`` is ``macd`` less ``signal``."""

    macd: T
    signal: T
    histogram: T


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
