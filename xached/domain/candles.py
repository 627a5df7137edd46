"""Candles: what traded in each second, minute, ... day, UTC.

Rules. An interval without a trade has no candle: that is the convention of venues that publish
only what happened (Bitfinex), and a chart draws the gap as it likes. Time never goes back: a
trade that is older than what was seen counts in the open candles. Simulated trades make prices
and are counted, but add no volume. Every longer candle equals the sum of the shorter ones in it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

import attrs

NS_PER_S = 1_000_000_000


class Interval(enum.IntEnum):
    """Length of a candle in seconds. Each one divides all longer ones."""

    S1 = 1
    M1 = 60
    M5 = 300
    M15 = 900
    H1 = 3_600
    D1 = 86_400

    @property
    def ns(self) -> int:
        """The length in nanoseconds."""
        return self.value * NS_PER_S


@attrs.frozen(kw_only=True)
class Candle:
    """What traded from ``open_at_ns`` for one interval.

    ``volume_lots`` leaves simulated trades out; ``trades`` counts all of them. History that was
    imported from elsewhere may not know how many there were: 0. ``bought_lots``: the part of the
    volume that takers bought; None where that is not known.
    """

    interval: Interval
    open_at_ns: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    trades: int
    simulated_trades: int
    closed: bool
    bought_lots: int | None = None

    @property
    def ends_at_ns(self) -> int:
        """When the interval is over."""
        return self.open_at_ns + self.interval.ns


class _Open:
    """An open candle, changed in place."""

    __slots__ = (
        "bought", "close", "ends_at_ns", "high", "interval", "low", "open", "open_at_ns",
        "simulated", "trades", "volume",
    )  # fmt: skip

    def __init__(self, interval: Interval, at_ns: int, price_ticks: int) -> None:
        self.interval = interval
        self.open_at_ns = at_ns - at_ns % interval.ns
        self.ends_at_ns = self.open_at_ns + interval.ns
        self.open = self.high = self.low = self.close = price_ticks
        self.volume = self.trades = self.simulated = 0
        self.bought: int | None = 0

    def freeze(self, *, closed: bool) -> Candle:
        return Candle(
            interval=self.interval,
            open_at_ns=self.open_at_ns,
            open_ticks=self.open,
            high_ticks=self.high,
            low_ticks=self.low,
            close_ticks=self.close,
            volume_lots=self.volume,
            trades=self.trades,
            simulated_trades=self.simulated,
            closed=closed,
            bought_lots=self.bought,
        )


class CandleBuilder:
    """Turns trades, in order, into the candles of every interval."""

    def __init__(self) -> None:
        self._open: dict[Interval, _Open] = {}
        self._now_ns = 0
        self._next_end_ns = 0

    def trade(
        self, at_ns: int, price_ticks: int, quantity_lots: int, *, simulated: bool, bought: bool
    ) -> list[Candle]:
        """Count a trade whose taker ``bought`` or sold.

        Returns the candles it closed, shortest interval first.
        """
        closed = self.advance(at_ns)
        volume = 0 if simulated else quantity_lots
        for interval in Interval:
            candle = self._open.get(interval) or self._start(interval, price_ticks)
            if price_ticks > candle.high:
                candle.high = price_ticks
            elif price_ticks < candle.low:
                candle.low = price_ticks
            candle.close = price_ticks
            candle.volume += volume
            if bought and candle.bought is not None:
                candle.bought += volume
            candle.trades += 1
            candle.simulated += simulated
        return closed

    def merge(self, candle: Candle) -> list[Candle]:
        """Count a whole candle made elsewhere, in its own interval and all longer ones.

        It must not begin before what was counted last. Returns the candles it closed.
        """
        assert candle.open_at_ns % candle.interval.ns == 0, candle
        assert candle.open_at_ns >= self._now_ns, (candle, self._now_ns)
        closed = self.advance(candle.open_at_ns)
        for interval in Interval:
            if interval < candle.interval:
                continue
            whole = self._open.get(interval) or self._start(interval, candle.open_ticks)
            whole.high = max(whole.high, candle.high_ticks)
            whole.low = min(whole.low, candle.low_ticks)
            whole.close = candle.close_ticks
            whole.volume += candle.volume_lots
            if candle.bought_lots is None or whole.bought is None:
                whole.bought = None
            else:
                whole.bought += candle.bought_lots
            whole.trades += candle.trades
            whole.simulated += candle.simulated_trades
        return closed

    def resume(self, candles: Iterable[Candle], now_ns: int) -> None:
        """Take over candles that were open when an earlier builder stopped."""
        assert not self._open
        self._now_ns = now_ns
        for candle in candles:
            assert not candle.closed, candle
            kept = _Open(candle.interval, candle.open_at_ns, candle.open_ticks)
            kept.high, kept.low = candle.high_ticks, candle.low_ticks
            kept.close, kept.volume = candle.close_ticks, candle.volume_lots
            kept.trades, kept.simulated = candle.trades, candle.simulated_trades
            kept.bought = candle.bought_lots
            self._open[candle.interval] = kept
        self._next_end_ns = self._soonest_end()

    def advance(self, now_ns: int) -> list[Candle]:
        """Let time pass; returns the candles whose interval is over, shortest first."""
        if now_ns <= self._now_ns:
            return []
        self._now_ns = now_ns
        if now_ns < self._next_end_ns or not self._open:
            return []
        over = [candle for candle in self._open.values() if candle.ends_at_ns <= now_ns]
        for candle in over:
            del self._open[candle.interval]
        self._next_end_ns = self._soonest_end()
        over.sort(key=lambda candle: candle.interval)
        return [candle.freeze(closed=True) for candle in over]

    @property
    def now_ns(self) -> int:
        """The time of the newest trade, or what it was advanced to."""
        return self._now_ns

    def open_candle(self, interval: Interval) -> Candle | None:
        """The candle of an interval so far; None when nothing traded in it."""
        candle = self._open.get(interval)
        return None if candle is None else candle.freeze(closed=False)

    def open_candles(self) -> Mapping[Interval, Candle]:
        """All open candles by interval."""
        return {key: candle.freeze(closed=False) for key, candle in sorted(self._open.items())}

    def _start(self, interval: Interval, price_ticks: int) -> _Open:
        candle = _Open(interval, self._now_ns, price_ticks)
        self._open[interval] = candle
        self._next_end_ns = self._soonest_end()
        return candle

    def _soonest_end(self) -> int:
        return min((candle.ends_at_ns for candle in self._open.values()), default=0)


@attrs.frozen(kw_only=True)
class DaySummary:
    """The last 24 hours, to five minutes. Prices and times are None when nothing traded.

    ``open_at_ns`` is when its oldest candle began: less than a day ago in a young market.
    """

    open_ticks: int | None
    open_at_ns: int | None
    high_ticks: int | None
    low_ticks: int | None
    volume_lots: int


NO_TRADES = DaySummary(
    open_ticks=None, open_at_ns=None, high_ticks=None, low_ticks=None, volume_lots=0
)


def summarize_day(closed: Iterable[Candle], open_candle: Candle | None, now_ns: int) -> DaySummary:
    """Sum up candles of five minutes; ``closed`` oldest first. Older ones are left out."""
    since_ns = now_ns - Interval.D1.ns
    day = [candle for candle in closed if candle.open_at_ns >= since_ns]
    if open_candle is not None:
        day.append(open_candle)
    if not day:
        return NO_TRADES
    return DaySummary(
        open_ticks=day[0].open_ticks,
        open_at_ns=day[0].open_at_ns,
        high_ticks=max(candle.high_ticks for candle in day),
        low_ticks=min(candle.low_ticks for candle in day),
        volume_lots=sum(candle.volume_lots for candle in day),
    )
