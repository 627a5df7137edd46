"""What markets closed at over a time: read once, then looked up moment by moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from xached.actors.market.data import MarketData
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Symbol
from xached.domain.market import XACHE, Venue
from xached.domain.market_line import MarketLine

CLOSES_MAX: Final = 1_000
"""Of one market at one venue: a longer time is looked at in longer candles."""


class PastPrices:
    """The last close before each moment: of where a market's mark is from, else of its own trades.

    That order is the one in which what is owned is valued now.
    """

    def __init__(self, market: MarketData, begin_ns: int, end_ns: int) -> None:
        self._market = market
        self._begin_ns = begin_ns
        self._end_ns = end_ns
        self._interval = interval_for(end_ns - begin_ns)
        self._closes: dict[Symbol, list[tuple[list[int], list[int]]]] = {}

    async def load(self, symbols: Iterable[Symbol]) -> None:
        """Read the closes of markets."""
        for symbol in symbols:
            if symbol in self._closes:
                continue
            venues: list[Venue] = [XACHE]
            if (venue := self._market.own.mark_venues.get(symbol)) is not None:
                venues.insert(0, venue)
            known = [self._market.lines.get((symbol, each)) for each in venues]
            self._closes[symbol] = [
                await self._read(each.line) for each in known if each is not None
            ]

    def ticks_at(self, symbol: Symbol, at_ns: int) -> int | None:
        """The last close up to a moment; None before the first. The market has been loaded."""
        for times, ticks in self._closes[symbol]:
            place = bisect_right(times, at_ns)
            if place:
                return ticks[place - 1]
        return None

    async def _read(self, line: MarketLine) -> tuple[list[int], list[int]]:
        """When prices were known, and the prices."""
        for interval in Interval:
            # What was imported may be known in longer candles only.
            if interval >= self._interval and (found := await self._candles(line, interval)):
                times = [candle.open_at_ns + interval.ns for candle in found]
                return times, [candle.close_ticks for candle in found]
        return [], []

    async def _candles(self, line: MarketLine, interval: Interval) -> list[Candle]:
        """Those that end in the time, and the one before."""
        first_ns, after_ns = (at_ns - interval.ns + 1 for at_ns in (self._begin_ns, self._end_ns))
        before = await self._market.list_candles(line, interval, from_ns=0, to_ns=first_ns, limit=1)
        return before + await self._market.list_candles(
            line, interval, from_ns=first_ns, to_ns=after_ns, limit=CLOSES_MAX
        )


def interval_for(length_ns: int) -> Interval:
    """The shortest candles of which a time has not too many; of a minute at least."""
    for interval in (Interval.M1, Interval.M5, Interval.M15, Interval.H1):
        if length_ns <= (CLOSES_MAX - 1) * interval.ns:
            return interval
    return Interval.D1
