"""What markets closed at over a time: read once, then looked up moment by moment."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from xached.actors.market.data import MarketData
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import AssetName, Directory, Symbol
from xached.domain.market import XACHE, Venue
from xached.domain.market_line import MarketLine
from xached.domain.portfolio import Route, find_route, rate_along

CLOSES_MAX: Final = 1_000
"""Of one market at one venue: a longer time is looked at in longer candles."""
MOMENTS_MAX: Final = 20
"""Moments that are priced to the second; where more is asked for, the newest of them."""
FLOWS_AT_A_TIME: Final = 500
"""Valued before others have their turn."""


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

    async def load(self, symbols: Iterable[Symbol], moments: Iterable[int] = ()) -> None:
        """Read the closes of markets; around ``moments`` to the second, as far as known.

        What came in or went out is priced at its moment: at the close of a longer candle, what
        the market moved since would look like a profit or a loss of it.
        """
        exact = sorted(set(moments))[-MOMENTS_MAX:]
        for symbol in symbols:
            if symbol in self._closes:
                continue
            venues: list[Venue] = [XACHE]
            if (venue := self._market.own.mark_venues.get(symbol)) is not None:
                venues.insert(0, venue)
            known = [self._market.lines.get((symbol, each)) for each in venues]
            self._closes[symbol] = [
                await self._read(each.line, exact) for each in known if each is not None
            ]

    def ticks_at(self, symbol: Symbol, at_ns: int) -> int | None:
        """The last close up to a moment; None before the first. The market has been loaded."""
        for times, ticks in self._closes[symbol]:
            place = bisect_right(times, at_ns)
            if place:
                return ticks[place - 1]
        return None

    async def _read(self, line: MarketLine, exact: list[int]) -> tuple[list[int], list[int]]:
        """When prices were known, and the prices."""
        found: list[Candle] = []
        for interval in Interval:
            # What was imported may be known in longer candles only.
            if interval >= self._interval and not found:
                found = await self._candles(line, interval)
        ends = {candle.ends_at_ns: candle.close_ticks for candle in found}
        for at_ns in exact:
            last = await self._last_before(line, at_ns)
            if last is not None:
                ends[last.ends_at_ns] = last.close_ticks
        times = sorted(ends)
        return times, [ends[each] for each in times]

    async def _last_before(self, line: MarketLine, at_ns: int) -> Candle | None:
        """The one that ended last before a moment, of those too short for all of the time."""
        for interval in Interval:
            if interval >= self._interval:
                break
            found = await self._market.list_candles(
                line,
                interval,
                from_ns=max(at_ns - self._interval.ns, 0),
                to_ns=at_ns - interval.ns + 1,
                limit=1,
            )
            if found:
                return found[0]
        return None

    async def _candles(self, line: MarketLine, interval: Interval) -> list[Candle]:
        """Those that end in the time, and the one before."""
        first_ns, after_ns = (at_ns - interval.ns + 1 for at_ns in (self._begin_ns, self._end_ns))
        before = await self._market.list_candles(line, interval, from_ns=0, to_ns=first_ns, limit=1)
        return before + await self._market.list_candles(
            line, interval, from_ns=first_ns, to_ns=after_ns, limit=CLOSES_MAX
        )


class PastValues:
    """What amounts were worth in one asset; the way there is looked for once."""

    def __init__(self, base: AssetName, directory: Directory, prices: PastPrices) -> None:
        self._base = base
        self._directory = directory
        self._prices = prices
        self._routes: dict[AssetName, Route | None] = {}

    def symbols(self, assets: Iterable[AssetName]) -> list[Symbol]:
        """The markets that assets are valued through."""
        return [
            symbol
            for asset in assets
            if (route := self._route(asset)) is not None
            for symbol, _ in route.legs
        ]

    def at(self, asset: AssetName, units: int, at_ns: int) -> Fraction | None:
        """What an amount was worth; None when no price of then is known."""
        if units == 0 or asset == self._base:
            return Fraction(units)
        route = self._route(asset)
        if route is None:
            # It has no price now either: it counts for nothing all the time.
            return Fraction(0)
        ticks = {symbol: self._prices.ticks_at(symbol, at_ns) for symbol, _ in route.legs}
        known = {symbol: each for symbol, each in ticks.items() if each is not None}
        rate = rate_along(route, known, self._directory)
        return None if rate is None else units * rate

    def _route(self, asset: AssetName) -> Route | None:
        if asset not in self._routes:
            self._routes[asset] = find_route(asset, self._base, self._directory)
        return self._routes[asset]


def interval_for(length_ns: int) -> Interval:
    """The shortest candles of which a time has not too many."""
    for interval in (Interval.S1, Interval.M1, Interval.M5, Interval.M15, Interval.H1):
        if length_ns <= (CLOSES_MAX - 1) * interval.ns:
            return interval
    return Interval.D1
