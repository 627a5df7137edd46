"""What a model sees of a market: numbers without a unit, one for each closed candle.

A *feature* has a kind, a window of closed candles and, when it looks at another market than the one
that is traded, that market's symbol. As text it is ``return:4`` or ``ETH-USDT/return:4``.

Every feature has a finite memory: its value depends on its last ``warm_up`` candles and on nothing
before them, to the bit. So a strategy that starts today computes the very numbers its model was
trained on, wherever the history it warms up with begins. (That is why there is no exponential
average here: it never forgets its first value.) Streaming and over whole columns the bits are equal
too: sums are of integers, and each quotient is rounded once.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from xache_sdk.indicators import columns
from xache_sdk.indicators.averages import Sma
from xache_sdk.indicators.channels import ZScore
from xache_sdk.indicators.volatility import RealisedVolatility, true_range
from xache_sdk.indicators.volume import Mfi
from xache_sdk.indicators.windows import Highest, Lowest
from xache_sdk.market import Candle
from xache_sdk.signals import UNKNOWN, CandleColumns, Step

if TYPE_CHECKING:
    from xache_sdk.indicators.columns import Floats, Ints

WINDOW_MAX: Final = 4_000
"""Closed candles: what a start can be warmed up with bounds what can be remembered."""

STALE_CANDLES: Final = 3
"""A value of another market is missing once its newest candle has been over for longer."""

PPM: Final = 1_000_000
HOUR_NS: Final = 3_600_000_000_000
DAY_NS: Final = 24 * HOUR_NS
FUNDING_NS: Final = 8 * HOUR_NS
_MONDAY: Final = 3
"""1970 began on a Thursday: three days after a Monday."""

_TEXT = re.compile(r"(?:([A-Z0-9.-]{1,40})/)?([a-z_]{1,30}):([0-9]{1,5})", re.ASCII)

_Batch: TypeAlias = "Callable[[int, CandleColumns], Floats]"


@dataclass(frozen=True, slots=True, order=True)
class Feature:
    """One feature. ``symbol`` is empty for the market that is traded.

    Raises: ValueError for a kind or window that there is not.
    """

    kind: str
    window: int = 1
    symbol: str = ""

    def __post_init__(self) -> None:
        kind = KINDS.get(self.kind)
        if kind is None:
            raise ValueError(f"no feature {self.kind!r}; there are {', '.join(KINDS)}")
        if not kind.least <= self.window <= kind.most:
            raise ValueError(f"{self.kind}: a window is {kind.least} to {kind.most} candles")
        if kind.compares is not None and not self.symbol:
            raise ValueError(f"{self.kind} compares with another market: SYMBOL/{self.kind}:WINDOW")

    @property
    def parts(self) -> tuple[Feature, ...]:
        """What it is computed of, each of one market; most are computed of themselves."""
        of = KINDS[self.kind].compares
        return (self,) if of is None else (Feature(of, self.window), replace(self, kind=of))

    def joined(self, values: Sequence[Any]) -> Any:
        """Its value, or a column of them, of those of its parts."""
        return values[0] if len(values) == 1 else values[0] - values[1]

    def __str__(self) -> str:
        return f"{self.symbol}{'/' if self.symbol else ''}{self.kind}:{self.window}"

    @property
    def needs(self) -> str:
        """A column of candles that not every history has; empty when all do."""
        return KINDS[self.kind].needs

    @property
    def warm_up(self) -> int:
        """The first value comes with the closed candle of this number."""
        return self.window + KINDS[self.kind].before

    def step(self) -> Step:
        """A function that takes one closed candle after the other; None until it is known."""
        return KINDS[self.kind].make_step(self.window)

    def batch(self, candles: CandleColumns) -> Floats:
        """The same over whole columns: shape (n,), NaN until it is known."""
        return KINDS[self.kind].batch(self.window, candles)


def read_feature(text: str) -> Feature:
    """Read ``return:4`` or ``ETH-USDT/return:4``. Raises: ValueError."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"a feature is KIND:WINDOW or SYMBOL/KIND:WINDOW, not {text!r}")
    symbol, kind, window = found.groups()
    return Feature(kind, int(window), symbol or "")


@dataclass(frozen=True, slots=True)
class _Kind:
    """``before``: how many candles it needs on top of its window."""

    make_step: Callable[[int], Step]
    batch: _Batch
    before: int = 0
    least: int = 1
    most: int = WINDOW_MAX
    compares: str | None = None
    """The kind of which it is the difference between the traded market and the other."""
    needs: str = ""
    """A column that not every history has, by its name in CandleColumns."""


def _return_step(window: int) -> Step:
    closes: deque[int] = deque(maxlen=window + 1)

    def step(candle: Candle) -> float | None:
        closes.append(candle.close_ticks)
        return (closes[-1] - closes[0]) / closes[0] if len(closes) > window else None

    return step


def _return_batch(window: int, candles: CandleColumns) -> Floats:
    (close,) = columns.whole_numbers(candles.close_ticks)
    before = close[: max(0, len(close) - window)]
    changes = columns.divided(close[window:] - before, before)
    return columns.after(columns.warming_bars(close, window + 1), changes)


def _volatility_step(window: int) -> Step:
    push = RealisedVolatility(window).push
    return lambda candle: push(candle.close_ticks)


def _z_score_step(window: int) -> Step:
    push = ZScore(window).push
    return lambda candle: push(candle.close_ticks)


def _distance_step(window: int) -> Step:
    push = Sma(window).push

    def step(candle: Candle) -> float | None:
        mean = push(candle.close_ticks)
        return None if mean is None else candle.close_ticks / mean - 1.0

    return step


def _distance_batch(window: int, candles: CandleColumns) -> Floats:
    return candles.close_ticks / Sma(window).over(candles.close_ticks) - 1.0


def _channel_step(window: int) -> Step:
    highest, lowest = Highest(window), Lowest(window)

    def step(candle: Candle) -> float | None:
        high, low = highest.push(candle.high_ticks), lowest.push(candle.low_ticks)
        if highest.seen < window:
            return None
        return (candle.close_ticks - low) / (high - low) if high > low else 0.5

    return step


def _channel_batch(window: int, candles: CandleColumns) -> Floats:
    (close,) = columns.whole_numbers(candles.close_ticks)
    high = columns.highest(candles.high_ticks, window)
    low = columns.lowest(candles.low_ticks, window)
    places = columns.divided_or(0.5, close[window - 1 :] - low, high - low)
    return columns.after(columns.warming_bars(close, window), places)


def _range_step(window: int) -> Step:
    mean = Sma(window)
    before: int | None = None

    def step(candle: Candle) -> float | None:
        nonlocal before
        last, before = before, candle.close_ticks
        if last is None:
            return None
        ranges = mean.push(true_range(candle.high_ticks, candle.low_ticks, last))
        return None if ranges is None else ranges / candle.close_ticks

    return step


def _range_batch(window: int, candles: CandleColumns) -> Floats:
    import numpy as np

    close = candles.close_ticks
    last, high, low = close[:-1], candles.high_ticks[1:], candles.low_ticks[1:]
    ranges = np.maximum(high, last) - np.minimum(low, last)
    means = Sma(window).over(ranges) / close[1:]
    return columns.after(min(len(close), 1), means)


def _money_flow_step(window: int) -> Step:
    push = Mfi(window).push
    return lambda each: push(each.high_ticks, each.low_ticks, each.close_ticks, each.volume_lots)


def _money_flow_batch(window: int, candles: CandleColumns) -> Floats:
    return Mfi(window).over(
        candles.high_ticks, candles.low_ticks, candles.close_ticks, candles.volume_lots
    )


def _volume_step(window: int) -> Step:
    push = Sma(window).push

    def step(candle: Candle) -> float | None:
        mean = push(candle.volume_lots)
        if mean is None:
            return None
        return candle.volume_lots / mean if mean else 1.0

    return step


def _volume_batch(window: int, candles: CandleColumns) -> Floats:
    import numpy as np

    means = Sma(window).over(candles.volume_lots)
    return np.where(means == 0.0, 1.0, candles.volume_lots / np.where(means == 0.0, 1.0, means))


def _sign(candle: Candle) -> int:
    return (candle.close_ticks > candle.open_ticks) - (candle.close_ticks < candle.open_ticks)


def _signed_volume_step(window: int) -> Step:
    """Volume of candles that rose less that of those that fell, as a part of all volume."""
    recent: deque[tuple[int, int]] = deque()
    signed = whole = 0

    def step(candle: Candle) -> float | None:
        nonlocal signed, whole
        volume = candle.volume_lots
        recent.append((_sign(candle) * volume, volume))
        signed, whole = signed + recent[-1][0], whole + volume
        if len(recent) > window:
            gone, gone_whole = recent.popleft()
            signed, whole = signed - gone, whole - gone_whole
        if len(recent) < window:
            return None
        return signed / whole if whole else 0.0

    return step


def _signed_volume_batch(window: int, candles: CandleColumns) -> Floats:
    import numpy as np

    opened, close, volume = columns.whole_numbers(
        candles.open_ticks, candles.close_ticks, candles.volume_lots
    )
    assert columns.largest(volume) * window <= columns.INT64_MAX, "no market trades so much"
    signed: Ints = np.sign(close - opened) * volume
    parts = columns.divided_or(
        0.0, columns.window_sums(signed, window), columns.window_sums(volume, window)
    )
    return columns.after(columns.warming_bars(close, window), parts)


def _hour_step(_window: int) -> Step:
    return lambda candle: (candle.ends_at_ns % DAY_NS) / HOUR_NS


def _hour_batch(_window: int, candles: CandleColumns) -> Floats:
    return columns.divided((candles.open_at_ns + candles.interval.ns) % DAY_NS, HOUR_NS)


def _weekday_step(_window: int) -> Step:
    return lambda candle: float((candle.ends_at_ns // DAY_NS + _MONDAY) % 7)


def _weekday_batch(_window: int, candles: CandleColumns) -> Floats:
    import numpy as np

    days = (candles.open_at_ns + candles.interval.ns) // DAY_NS
    return ((days + _MONDAY) % 7).astype(np.float64)


def _funding_step(_window: int) -> Step:
    return lambda candle: (candle.ends_at_ns % FUNDING_NS) / HOUR_NS


def _funding_batch(_window: int, candles: CandleColumns) -> Floats:
    return columns.divided((candles.open_at_ns + candles.interval.ns) % FUNDING_NS, HOUR_NS)


def _pressure_step(window: int) -> Step:
    """Sums of whole ticks: how far closes were above the middle of their candles, of all range."""
    recent: deque[tuple[int, int]] = deque()
    above = whole = 0

    def step(candle: Candle) -> float | None:
        nonlocal above, whole
        spread = candle.high_ticks - candle.low_ticks
        recent.append((2 * candle.close_ticks - candle.high_ticks - candle.low_ticks, spread))
        above, whole = above + recent[-1][0], whole + spread
        if len(recent) > window:
            gone, gone_whole = recent.popleft()
            above, whole = above - gone, whole - gone_whole
        if len(recent) < window:
            return None
        return above / whole if whole else 0.0

    return step


def _pressure_batch(window: int, candles: CandleColumns) -> Floats:
    close, high, low = columns.whole_numbers(
        candles.close_ticks, candles.high_ticks, candles.low_ticks
    )
    above, spread = 2 * close - high - low, high - low
    assert columns.largest(high) * 2 * window <= columns.INT64_MAX, "no market costs so much"
    parts = columns.divided_or(
        0.0, columns.window_sums(above, window), columns.window_sums(spread, window)
    )
    return columns.after(columns.warming_bars(close, window), parts)


def _taker_flow_step(window: int) -> Step:
    """What takers bought less what they sold, of all volume; None while one is not known."""
    recent: deque[tuple[int | None, int]] = deque()
    signed = whole = unknown = 0

    def step(candle: Candle) -> float | None:
        nonlocal signed, whole, unknown
        bought, volume = candle.bought_lots, candle.volume_lots
        flow = None if bought is None else 2 * bought - volume
        recent.append((flow, volume))
        signed, whole, unknown = signed + (flow or 0), whole + volume, unknown + (flow is None)
        if len(recent) > window:
            gone, gone_whole = recent.popleft()
            signed, whole = signed - (gone or 0), whole - gone_whole
            unknown -= gone is None
        if len(recent) < window or unknown:
            return None
        return signed / whole if whole else 0.0

    return step


def _taker_flow_batch(window: int, candles: CandleColumns) -> Floats:
    import numpy as np

    if candles.bought_lots is None:
        return np.full(len(candles.volume_lots), np.nan)
    bought, volume = columns.whole_numbers(candles.bought_lots, candles.volume_lots)
    assert columns.largest(volume) * 2 * window <= columns.INT64_MAX, "no market trades so much"
    unknown = bought == UNKNOWN
    flow = np.where(unknown, 0, 2 * np.where(unknown, 0, bought) - volume)
    parts = columns.divided_or(
        0.0, columns.window_sums(flow, window), columns.window_sums(volume, window)
    )
    parts[columns.window_sums(unknown.astype(np.int64), window) > 0] = np.nan
    return columns.after(columns.warming_bars(volume, window), parts)


def _sentiment_step(window: int) -> Step:
    recent: deque[int | None] = deque(maxlen=window)

    def step(candle: Candle) -> float | None:
        recent.append(candle.sentiment_ppm)
        known = [each for each in recent if each is not None]
        return sum(known) / (window * PPM) if len(known) == window else None

    return step


def _sentiment_batch(window: int, candles: CandleColumns) -> Floats:
    import numpy as np

    if candles.sentiment_ppm is None:
        return np.full(len(candles.volume_lots), np.nan)
    (said,) = columns.whole_numbers(candles.sentiment_ppm)
    unknown = said == UNKNOWN
    sums = columns.window_sums(np.where(unknown, 0, said), window)
    means = columns.divided(sums, window * PPM)
    means[columns.window_sums(unknown.astype(np.int64), window) > 0] = np.nan
    return columns.after(columns.warming_bars(said, window), means)


KINDS: Final = {
    # The change of the close over the window.
    "return": _Kind(_return_step, _return_batch, before=1),
    # The root of the sum of the window's squared log returns.
    "volatility": _Kind(
        _volatility_step,
        lambda window, candles: RealisedVolatility(window).over(candles.close_ticks),
        before=1,
    ),
    # Standard deviations above the window's mean.
    "z_score": _Kind(
        _z_score_step,
        lambda window, candles: ZScore(window).over(candles.close_ticks),
        least=2,
    ),
    # How far the close is above the window's mean, as a part of it.
    "distance": _Kind(_distance_step, _distance_batch),
    # Where the close is between the window's lowest price, 0, and its highest, 1.
    "channel": _Kind(_channel_step, _channel_batch),
    # The window's mean true range, as a part of the close.
    "range": _Kind(_range_step, _range_batch, before=1),
    # The money flow index, in percent.
    "money_flow": _Kind(_money_flow_step, _money_flow_batch, before=1),
    # The candle's volume over the window's mean.
    "volume": _Kind(_volume_step, _volume_batch),
    # Order flow as far as candles tell it: the volume of risen less that of fallen ones.
    "signed_volume": _Kind(_signed_volume_step, _signed_volume_batch),
    # Where candles closed inside of their ranges, -1 at the lows to 1 at the highs: who pressed.
    "pressure": _Kind(_pressure_step, _pressure_batch),
    # Order flow: what takers bought less what they sold, where the history knows it.
    "taker_flow": _Kind(_taker_flow_step, _taker_flow_batch, needs="bought_lots"),
    # The mean of what a source of sentiment said, -1 to 1, where the history was given one.
    "sentiment": _Kind(_sentiment_step, _sentiment_batch, needs="sentiment_ppm"),
    # By how much the change of the close was more than the other market's.
    "ahead": _Kind(_return_step, _return_batch, before=1, compares="return"),
    # By how much it was more volatile than the other.
    "unrest": _Kind(
        _volatility_step,
        lambda window, candles: RealisedVolatility(window).over(candles.close_ticks),
        before=1,
        compares="volatility",
    ),
    # Hours since perpetual futures were last settled: 00, 08 and 16 o'clock UTC on most venues.
    "funding": _Kind(_funding_step, _funding_batch, most=1),
    # The hour of the day, UTC, and the day of the week from Monday 0, when the candle ends.
    "hour": _Kind(_hour_step, _hour_batch, most=1),
    "weekday": _Kind(_weekday_step, _weekday_batch, most=1),
}
