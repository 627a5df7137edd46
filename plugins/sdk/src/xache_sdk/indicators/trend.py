"""Trend: its strength, its age, and stops that follow it."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, ClassVar

from xache_sdk.indicators import columns
from xache_sdk.indicators.about import About, Input, Parameter, Unit, window
from xache_sdk.indicators.results import AdxResult, AroonResult, IchimokuResult, TrailingStop
from xache_sdk.indicators.smoothing import WilderMean
from xache_sdk.indicators.volatility import Atr, true_range
from xache_sdk.indicators.windows import Highest, Lowest

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from xache_sdk.indicators.columns import Floats

_RANGE = (Input.HIGH, Input.LOW)
_BAR = (Input.HIGH, Input.LOW, Input.CLOSE)


class Adx:
    """Average directional index, with the directional indicators +DI and -DI.

    Movement up (a higher high) or down (a lower low), whichever is larger, smoothed, in percent of
    the smoothed true range; the index is the smoothed difference of the two in percent of their
    sum. 0 where nothing moves. (TA-Lib begins the smoothing with one bar less; the difference
    fades.)
    """

    __slots__ = ("_adx", "_before", "_down", "_ranges", "_up", "warm_up", "window")
    about: ClassVar = About(
        name="adx",
        title="Average directional index",
        source="Wilder 1978, New Concepts in Technical Trading Systems",
        inputs=_BAR,
        unit=Unit.PERCENT,
        parameters=(window("bars smoothed", 14),),
        outputs=AdxResult._fields,
    )

    def __init__(self, window: int = 14) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = 2 * window
        self._before: tuple[int, int, int] | None = None
        self._ranges, self._adx = WilderMean(window), WilderMean(window)
        self._up, self._down = WilderMean(window), WilderMean(window)

    def push(self, high_ticks: int, low_ticks: int, close_ticks: int) -> AdxResult[float] | None:
        """Take the next bar; None until the index is known."""
        before, self._before = self._before, (high_ticks, low_ticks, close_ticks)
        if before is None:
            return None
        high_before, low_before, close_before = before
        rise, fall = high_ticks - high_before, low_before - low_ticks
        reach = self._ranges.push(true_range(high_ticks, low_ticks, close_before))
        up = self._up.push(rise if rise > fall and rise > 0 else 0)
        down = self._down.push(fall if fall > rise and fall > 0 else 0)
        if reach is None or up is None or down is None:
            return None
        plus, minus = (100.0 * (up / reach), 100.0 * (down / reach)) if reach else (0.0, 0.0)
        both = plus + minus
        adx = self._adx.push(100.0 * (abs(plus - minus) / both) if both else 0.0)
        return None if adx is None else AdxResult(adx, plus, minus)

    def over(
        self, high_ticks: ArrayLike, low_ticks: ArrayLike, close_ticks: ArrayLike
    ) -> AdxResult[Floats]:
        """The same over whole columns of shape (n,), from their beginning."""
        bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks)
        return AdxResult(*columns.scan_rows(Adx(self.window).push, 3, *bars))


class Aroon:
    """How lately the highest and the lowest price of the last ``window`` + 1 bars were.

    100 when it was this bar, 0 when it was ``window`` bars ago. Of equal prices the latest counts.
    """

    __slots__ = ("_highest", "_lowest", "warm_up", "window")
    about: ClassVar = About(
        name="aroon",
        title="Aroon",
        source="Chande 1995, A Time Price Oscillator",
        inputs=_RANGE,
        unit=Unit.PERCENT,
        parameters=(window("bars looked back", 25),),
        outputs=AroonResult._fields,
    )

    def __init__(self, window: int = 25) -> None:
        self.about.check(window=window)
        self.window = window
        self.warm_up = window + 1
        self._highest, self._lowest = Highest(window + 1), Lowest(window + 1)

    def push(self, high_ticks: int, low_ticks: int) -> AroonResult[float] | None:
        """Take the next bar; None until the window is full."""
        highest, lowest = self._highest, self._lowest
        highest.push(high_ticks)
        lowest.push(low_ticks)
        window = self.window
        if highest.seen <= window:
            return None
        since_high, since_low = highest.age, lowest.age
        return AroonResult(
            100 * (window - since_high) / window,
            100 * (window - since_low) / window,
            100 * (since_low - since_high) / window,
        )

    def over(self, high_ticks: ArrayLike, low_ticks: ArrayLike) -> AroonResult[Floats]:
        """The same over whole columns of shape (n,), from their beginning."""
        bars = columns.whole_numbers(high_ticks, low_ticks)
        return AroonResult(*columns.scan_rows(Aroon(self.window).push, 3, *bars))


class ParabolicSar:
    """Parabolic stop and reverse: a stop that follows a trend faster and faster, and turns over
    when it is touched.

    ``stop`` is the stop for this very bar. The first direction is that of the second bar's larger
    movement, as in TA-Lib.
    """

    __slots__ = (
        "_before", "_extreme", "_next", "_pace", "_rising", "maximum", "step", "warm_up",
    )  # fmt: skip
    about: ClassVar = About(
        name="parabolic_sar",
        title="Parabolic stop and reverse",
        source="Wilder 1978, New Concepts in Technical Trading Systems",
        inputs=_RANGE,
        unit=Unit.TICKS,
        parameters=(
            Parameter("step", 0.02, "share of the way to the extreme, added at each", 0, 1),
            Parameter("maximum", 0.2, "largest share", 0, 1),
        ),
        outputs=TrailingStop._fields,
        plain=("direction",),
    )

    def __init__(self, step: float = 0.02, maximum: float = 0.2) -> None:
        self.about.check(step=step, maximum=maximum)
        self.step, self.maximum = float(step), float(maximum)
        if self.step > self.maximum:
            raise ValueError("parabolic_sar: step is at most maximum")
        self.warm_up = 2
        self._before: tuple[int, int] | None = None
        self._rising: bool | None = None
        self._next = 0.0
        self._extreme = 0
        self._pace = self.step

    def push(self, high_ticks: int, low_ticks: int) -> TrailingStop[float] | None:
        """Take the next bar; None for the first."""
        before, self._before = self._before, (high_ticks, low_ticks)
        if before is None:
            return None
        high_before, low_before = before
        if self._rising is None:
            rise, fall = high_ticks - high_before, low_before - low_ticks
            self._rising = not fall > max(rise, 0)
            self._next = float(low_before if self._rising else high_before)
            self._extreme = high_ticks if self._rising else low_ticks
            # The first stop may not be touched by the bars it is made of either.
            high_before, low_before = high_ticks, low_ticks
        if self._rising:
            return self._in_rise(high_ticks, low_ticks, high_before, low_before)
        return self._in_fall(high_ticks, low_ticks, high_before, low_before)

    def over(self, high_ticks: ArrayLike, low_ticks: ArrayLike) -> TrailingStop[Floats]:
        """The same over whole columns of shape (n,), from their beginning."""
        bars = columns.whole_numbers(high_ticks, low_ticks)
        fresh = ParabolicSar(self.step, self.maximum)
        return TrailingStop(*columns.scan_rows(fresh.push, 2, *bars))

    def _in_rise(
        self, high: int, low: int, high_before: int, low_before: int
    ) -> TrailingStop[float]:
        stop = self._next
        if low <= stop:
            stop = float(max(self._extreme, high_before, high))
            self._rising, self._extreme, self._pace = False, low, self.step
            self._next = max(stop + self._pace * (low - stop), high_before, high)
            return TrailingStop(stop, -1.0)
        if high > self._extreme:
            self._extreme = high
            self._pace = min(self._pace + self.step, self.maximum)
        self._next = min(stop + self._pace * (self._extreme - stop), low_before, low)
        return TrailingStop(stop, 1.0)

    def _in_fall(
        self, high: int, low: int, high_before: int, low_before: int
    ) -> TrailingStop[float]:
        stop = self._next
        if high >= stop:
            stop = float(min(self._extreme, low_before, low))
            self._rising, self._extreme, self._pace = True, high, self.step
            self._next = min(stop + self._pace * (high - stop), low_before, low)
            return TrailingStop(stop, 1.0)
        if low < self._extreme:
            self._extreme = low
            self._pace = min(self._pace + self.step, self.maximum)
        self._next = max(stop + self._pace * (self._extreme - stop), high_before, high)
        return TrailingStop(stop, -1.0)


class SuperTrend:
    """A stop ``multiplier`` average true ranges from the middle of the bars, which only moves with
    the trend and changes sides when a close passes it.
    """

    __slots__ = (
        "_atr", "_before", "_lower", "_rising", "_upper", "multiplier", "warm_up", "window",
    )  # fmt: skip
    about: ClassVar = About(
        name="supertrend",
        title="SuperTrend",
        source="Seban 2008, Tout le monde mérite d'être riche",
        inputs=_BAR,
        unit=Unit.TICKS,
        parameters=(
            window("ranges smoothed", 10),
            Parameter("multiplier", 3.0, "distance, in average true ranges", 0, 100),
        ),
        outputs=TrailingStop._fields,
        plain=("direction",),
    )

    def __init__(self, window: int = 10, multiplier: float = 3.0) -> None:
        self.about.check(window=window, multiplier=multiplier)
        self.window, self.multiplier = window, float(multiplier)
        self.warm_up = window + 1
        self._atr = Atr(window)
        self._rising: bool | None = None
        self._upper = self._lower = 0.0
        self._before = 0

    def push(self, high_ticks: int, low_ticks: int, close_ticks: int) -> TrailingStop[float] | None:
        """Take the next bar; None until the range is known."""
        before, self._before = self._before, close_ticks
        reach = self._atr.push(high_ticks, low_ticks, close_ticks)
        if reach is None:
            return None
        middle = (high_ticks + low_ticks) / 2
        upper, lower = middle + self.multiplier * reach, middle - self.multiplier * reach
        if self._rising is None:
            self._upper, self._lower = upper, lower
            self._rising = close_ticks >= middle
        if upper < self._upper or before > self._upper:
            self._upper = upper
        if lower > self._lower or before < self._lower:
            self._lower = lower
        self._rising = close_ticks > (self._lower if self._rising else self._upper)
        if self._rising:
            return TrailingStop(self._lower, 1.0)
        return TrailingStop(self._upper, -1.0)

    def over(
        self, high_ticks: ArrayLike, low_ticks: ArrayLike, close_ticks: ArrayLike
    ) -> TrailingStop[Floats]:
        """The same over whole columns of shape (n,), from their beginning."""
        bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks)
        fresh = SuperTrend(self.window, self.multiplier)
        return TrailingStop(*columns.scan_rows(fresh.push, 2, *bars))


class Ichimoku:
    """Ichimoku kinko hyo: middles of the ranges of three windows, and the cloud drawn from them
    ``displacement`` bars ahead.

    Every number of a result is known at its bar: the cloud is the one that was drawn then.
    """

    __slots__ = (
        "_cloud", "_kijun", "_senkou", "_tenkan", "displacement", "kijun", "senkou", "tenkan",
        "warm_up",
    )  # fmt: skip
    about: ClassVar = About(
        name="ichimoku",
        title="Ichimoku kinko hyo",
        source="Hosoda 1969",
        inputs=_BAR,
        unit=Unit.TICKS,
        parameters=(
            window("bars of the conversion line", 9, "tenkan"),
            window("bars of the base line", 26, "kijun"),
            window("bars of the slow edge of the cloud", 52, "senkou"),
            window("bars the cloud is drawn ahead", 26, "displacement"),
        ),
        outputs=IchimokuResult._fields,
    )

    def __init__(
        self, tenkan: int = 9, kijun: int = 26, senkou: int = 52, displacement: int = 26
    ) -> None:
        self.about.check(tenkan=tenkan, kijun=kijun, senkou=senkou, displacement=displacement)
        self.tenkan, self.kijun = tenkan, kijun
        self.senkou, self.displacement = senkou, displacement
        self.warm_up = max(tenkan, kijun, senkou) + displacement
        self._tenkan = Highest(tenkan), Lowest(tenkan)
        self._kijun = Highest(kijun), Lowest(kijun)
        self._senkou = Highest(senkou), Lowest(senkou)
        self._cloud: deque[tuple[float, float]] = deque(maxlen=displacement + 1)

    def push(
        self, high_ticks: int, low_ticks: int, close_ticks: int
    ) -> IchimokuResult[float] | None:
        """Take the next bar; None until a cloud is known for it."""
        tenkan = _middle(self._tenkan, high_ticks, low_ticks)
        kijun = _middle(self._kijun, high_ticks, low_ticks)
        senkou = _middle(self._senkou, high_ticks, low_ticks)
        self._cloud.append(((tenkan + kijun) / 2, senkou))
        if self._senkou[0].seen < self.warm_up:
            return None
        return IchimokuResult(tenkan, kijun, *self._cloud[0], float(close_ticks))

    def over(
        self, high_ticks: ArrayLike, low_ticks: ArrayLike, close_ticks: ArrayLike
    ) -> IchimokuResult[Floats]:
        """The same over whole columns of shape (n,), from their beginning."""
        bars = columns.whole_numbers(high_ticks, low_ticks, close_ticks)
        fresh = Ichimoku(self.tenkan, self.kijun, self.senkou, self.displacement)
        return IchimokuResult(*columns.scan_rows(fresh.push, 5, *bars))


def _middle(range_of: tuple[Highest, Lowest], high: int, low: int) -> float:
    return (range_of[0].push(high) + range_of[1].push(low)) / 2
