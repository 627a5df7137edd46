"""The market data of one run: what was before its start, and what comes after.

A strategy is told every closed candle once: those of its warm-up before it begins, and all later
ones as they close, also those that close while the warm-up is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Final, TypeAlias, assert_never

import trio

from xached.actors.strategies.surroundings import Markets
from xached.adapters.child_frames import WARM_UP_PER_FRAME, write_warm_up
from xached.adapters.child_intents import MarketData, Subscription
from xached.adapters.child_outbox import Outbox, seen_candle
from xached.domain.candles import Interval
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import Venue
from xached.domain.rejection import Rejection

WARM_UP_CANDLES_MAX: Final = 50_000
"""Of all subscriptions of a run together."""

Series: TypeAlias = tuple[Symbol, Venue, Interval]


class StrategyFailed(Exception):  # noqa: N818 - a state of the world
    """A run is over before it was asked to end. The text says why, for the owner."""


class StrategyMisconfigured(Exception):  # noqa: N818 - says who is at fault
    """It can never run like this, so it is not tried again. The text says why, for the owner."""


class RunMarketData:
    """What one run subscribes to."""

    def __init__(
        self, markets: Markets, outbox: Outbox, instruments: Mapping[Symbol, Instrument]
    ) -> None:
        self._markets = markets
        self._outbox = outbox
        self._instruments = instruments
        self._told_to_ns: dict[Series, int] = {}
        """When the newest candle began that was closed before the run."""
        self._newest_ticks: dict[Symbol, int] = {}

    def newest_ticks(self, symbol: Symbol) -> int | None:
        """The newest price the strategy was told of a market; of a book, what a buyer pays."""
        return self._newest_ticks.get(symbol)

    async def warm_up(self, subscriptions: Sequence[Subscription]) -> None:
        """Put the past that was asked for into the outbox. Raises: StrategyFailed."""
        for subscription in subscriptions:
            if subscription.interval is not None:
                await self._warm_up(subscription, subscription.interval)

    def follow(self, subscriptions: Sequence[Subscription], nursery: trio.Nursery) -> None:
        """Start to tell what happens; what fails raises StrategyFailed in the nursery."""
        for subscription in subscriptions:
            nursery.start_soon(self._follow, subscription)

    async def _warm_up(self, subscription: Subscription, interval: Interval) -> None:
        symbol, venue = subscription.symbol, subscription.venue
        count = max(1, subscription.warm_up)
        try:
            past = await self._markets.past_candles(symbol, venue, interval, count)
        except Rejection as rejection:
            raise _no_data(subscription, rejection) from None
        self._told_to_ns[symbol, venue, interval] = past[-1].open_at_ns if past else -1
        if subscription.warm_up:
            for first in range(0, len(past), WARM_UP_PER_FRAME):
                candles = past[first : first + WARM_UP_PER_FRAME]
                frame = write_warm_up(self._instruments[symbol], venue, candles)
                self._outbox.put(frame, seen_candle(symbol, venue, candles[-1]))
        if past:
            self._newest_ticks[symbol] = past[-1].close_ticks

    async def _follow(self, subscription: Subscription) -> None:
        try:
            match subscription.data:
                case MarketData.TRADES:
                    await self._follow_trades(subscription)
                case MarketData.BOOK:
                    await self._follow_books(subscription)
                case MarketData.CANDLES:
                    await self._follow_candles(subscription)
                case _:
                    assert_never(subscription.data)
        except Rejection as rejection:
            raise _no_data(subscription, rejection) from None

    async def _follow_trades(self, subscription: Subscription) -> None:
        instrument = self._instruments[subscription.symbol]
        async with aclosing(self._markets.trades(subscription.symbol, subscription.venue)) as steps:
            async for step in steps:
                if step.trades:
                    self._newest_ticks[subscription.symbol] = step.trades[-1].price_ticks
                self._outbox.offer_trades(
                    instrument, subscription.venue, step.trades, lagged=step.lagged_to > 0
                )

    async def _follow_books(self, subscription: Subscription) -> None:
        instrument = self._instruments[subscription.symbol]
        async with aclosing(
            self._markets.books(subscription.symbol, subscription.venue, subscription.depth)
        ) as tops:
            async for top in tops:
                if top.asks:
                    self._newest_ticks[subscription.symbol] = top.asks[0][0]
                self._outbox.offer_book(
                    instrument, subscription.venue, top.bids, top.asks, top.at_ns
                )

    async def _follow_candles(self, subscription: Subscription) -> None:
        symbol, venue, interval = subscription.symbol, subscription.venue, subscription.interval
        assert interval is not None
        instrument = self._instruments[symbol]
        told_to_ns = self._told_to_ns[symbol, venue, interval]
        candles = self._markets.candles(symbol, venue, interval, told_to_ns)
        async with aclosing(candles) as following:
            async for candle in following:
                self._newest_ticks[symbol] = candle.close_ticks
                if candle.open_at_ns > told_to_ns and (candle.closed or subscription.forming):
                    self._outbox.offer_candle(instrument, venue, candle)


def _no_data(subscription: Subscription, rejection: Rejection) -> StrategyFailed:
    return StrategyFailed(
        f"no market data for {subscription.symbol} at {subscription.venue}: {rejection.message}"
    )


def check_subscriptions(wanted: Sequence[Subscription], symbols: Sequence[Symbol]) -> None:
    """Raises: StrategyMisconfigured for what is not the strategy's, twice there or too much."""
    known: set[tuple[Symbol, Venue, MarketData, Interval | None]] = set()
    for each in wanted:
        if each.symbol not in symbols:
            raise StrategyMisconfigured(f"may not see {each.symbol!r}: it is not in its symbols")
        key = (each.symbol, each.venue, each.data, each.interval)
        if key in known:
            # It would see each trade and candle twice, or books of two depths in turn.
            raise StrategyMisconfigured(
                f"subscribes twice to {each.data.name} of {each.symbol} at {each.venue!r}"
            )
        known.add(key)
    if sum(each.warm_up for each in wanted) > WARM_UP_CANDLES_MAX:
        raise StrategyMisconfigured(f"wants more than {WARM_UP_CANDLES_MAX} candles to warm up")
