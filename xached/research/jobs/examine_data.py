"""What a plugin is tried over: real prices that ship with xached, as the data that it asks for.

Each market that it subscribes to is given the prices of one sample: as candles of the interval that
it asks for, and as trades and books made of candles. What these lack of a real tape does not matter
for what they are for: a plugin that looks ahead in them looks ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
import numpy as np
from xache_sdk.market import (
    Book,
    Books,
    Candle,
    Candles,
    Interval,
    Level,
    Side,
    Subscription,
    Trade,
    Trades,
)
from xache_sdk.replay import MarketValue, known_at_ns
from xache_sdk.signal_values import SignalValue

from xached.research.backtest.feed import told_candles
from xached.research.backtest.terms import MarketData, open_markets
from xached.research.history.candle_set import CandleSet
from xached.research.sample import sample_histories

CANDLES: Final = 2_000
"""Beside those it warms up with."""
TAPE_CANDLES: Final = 300
"""Of which trades and books are made, four times each."""
WARM_UP_MAX: Final = 10_000
DEPTH_MAX: Final = 20
MINUTE_NS: Final = 60 * 10**9
END_NS: Final = 1_735_689_600 * 10**9
"""When the candles that are shown end, whatever they were: 2025-01-01, a round time."""


def tried_data(
    subscribed: Sequence[Subscription], uses: Iterable[str] = ()
) -> list[Trade | Book | Candle]:
    """What a plugin subscribes to, in the order in which it becomes known; nothing for nothing.

    Who only uses signals gets a tape that they can be of.
    """
    markets: dict[tuple[str, str], list[Subscription]] = {}
    for each in subscribed:
        markets.setdefault((each.symbol, each.venue), []).append(each)
    if any(uses) and not markets:
        markets["BTC-USDT", "SAMPLE"] = [Trades("BTC-USDT", "SAMPLE")]
    samples = [candles for candles, _ in sample_histories()]
    shown: list[list[CandleSet]] = []
    for number, ((symbol, venue), wanted) in enumerate(markets.items()):
        sample = samples[number % len(samples)]
        candles = [each for each in wanted if isinstance(each, Candles)]
        tape = Candles(symbol, venue, Interval.M1)
        shown.append([_candles(each, sample) for each in candles or [tape]])
    told: list[Trade | Book | Candle] = []
    for market, wanted in zip(open_markets(shown), markets.values(), strict=True):
        if any(isinstance(each, Candles) for each in wanted):
            told += told_candles([market])
        depth = max((each.depth for each in wanted if isinstance(each, Books)), default=0)
        trades = any(isinstance(each, Trades) for each in wanted)
        if trades or depth:
            told += _tape(market, min(depth, DEPTH_MAX))
    told.sort(key=known_at_ns)
    return told


def with_signals(told: Sequence[Trade | Book | Candle], uses: Iterable[str]) -> list[MarketValue]:
    """What is told, and after each candle, or each trade where there are none, what every signal
    says: how the price has moved."""
    signals = sorted(uses)
    data: list[MarketValue] = []
    candles = any(isinstance(each, Candle) for each in told)
    last: dict[tuple[str, str], int] = {}
    for value in told:
        data.append(value)
        if isinstance(value, Candle):
            rise, lasts_ns = value.close_ticks - value.open_ticks, value.interval.ns
        elif isinstance(value, Trade) and not candles:
            market = value.symbol, value.venue
            rise, lasts_ns = value.price_ticks - last.get(market, value.price_ticks), MINUTE_NS
            last[market] = value.price_ticks
        else:
            continue
        at_ns = known_at_ns(value)
        data.extend(
            SignalValue(
                signal=signal,
                name="value",
                value=float(rise),
                confidence=0.5,
                as_of_ns=at_ns,
                expires_at_ns=at_ns + 2 * lasts_ns,
            )
            for signal in signals
        )
    return data


def _candles(wanted: Candles, sample: CandleSet) -> CandleSet:
    """Real candles under the name and interval that are asked for, up to one common time."""
    count = min(len(sample), CANDLES + min(wanted.warm_up, WARM_UP_MAX))
    interval_ns = wanted.interval.seconds * 10**9
    last_ns = END_NS - END_NS % interval_ns
    opens = last_ns - interval_ns * np.arange(count, 0, -1, dtype=np.int64)
    return attrs.evolve(
        sample,
        symbol=wanted.symbol,
        venue=wanted.venue,
        interval=wanted.interval,
        open_at_ns=opens,
        open_ticks=sample.open_ticks[-count:],
        high_ticks=sample.high_ticks[-count:],
        low_ticks=sample.low_ticks[-count:],
        close_ticks=sample.close_ticks[-count:],
        volume_lots=sample.volume_lots[-count:],
    )


def _tape(market: MarketData, depth: int) -> Iterator[Trade | Book]:
    """Trades at the four prices of each candle, while it lasts, and a book around each of them."""
    before = 0
    finest = MarketData(market.instrument, (market.finest,))
    for candle in told_candles([finest])[-TAPE_CANDLES:]:
        told, venue = candle.instrument, candle.venue
        prices = (candle.open_ticks, candle.low_ticks, candle.high_ticks, candle.close_ticks)
        for part, price in enumerate(prices):
            at_ns = candle.open_at_ns + part * candle.interval.ns // len(prices)
            side = Side.BUY if price >= before else Side.SELL
            lots = max(1, candle.volume_lots // len(prices))
            before = price
            yield Trade(told, venue, at_ns, price, lots, side)
            if depth:
                bids, asks = (
                    tuple(Level(price + way * away, lots + away) for away in range(1, depth + 1))
                    for way in (-1, 1)
                )
                yield Book(told, venue, at_ns, bids, asks)
