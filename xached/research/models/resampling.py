"""Candles of a longer interval, made of shorter ones."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
from xache_sdk.market import Interval
from xache_sdk.signals import UNKNOWN

from xached.research.backtest.terms import MarketData
from xached.research.history.candle_set import CandleSet, Column, DataError


def resampled(candles: CandleSet, interval: Interval) -> CandleSet:
    """Join candles to a longer interval. A last one that is not over yet is left out.

    Raises: DataError when the interval is no multiple of the one there is.
    """
    if interval is candles.interval:
        return candles
    length_ns = interval.ns
    if length_ns % candles.interval_ns:
        raise DataError(
            f"candles of {candles.interval.value} do not make whole ones of {interval.value}"
        )
    joined = candles.open_at_ns // length_ns
    starts = np.flatnonzero(np.diff(joined, prepend=joined[:1] - 1))
    ends = np.append(starts[1:], len(joined)) - 1
    if len(ends) and int(candles.ends_ns[-1]) < (int(joined[-1]) + 1) * length_ns:
        starts, ends = starts[:-1], ends[:-1]
    covered = int(ends[-1]) + 1 if len(ends) else 0
    if not covered:
        raise DataError(f"there is no whole candle of {interval.value}")
    return attrs.evolve(
        candles,
        interval=interval,
        open_at_ns=joined[starts] * length_ns,
        open_ticks=candles.open_ticks[starts],
        high_ticks=np.maximum.reduceat(candles.high_ticks[:covered], starts),
        low_ticks=np.minimum.reduceat(candles.low_ticks[:covered], starts),
        close_ticks=candles.close_ticks[ends],
        volume_lots=np.add.reduceat(candles.volume_lots[:covered], starts),
        extras={
            name: _joined(name, column[:covered], starts, ends)
            for name, column in candles.extras.items()
        },
    )


def _joined(name: str, column: Column, starts: Column, ends: Column) -> Column:
    """What is bought adds up, where all of it is known; of what is said the last word counts."""
    if name != "bought_lots":
        return column[ends]
    unknown = column == UNKNOWN
    sums = np.add.reduceat(np.where(unknown, 0, column), starts)
    return np.where(np.logical_or.reduceat(unknown, starts), UNKNOWN, sums)


def with_interval(markets: Sequence[MarketData], interval: Interval) -> list[MarketData]:
    """The markets, each with candles of an interval. Raises: DataError when none are made so."""
    return [
        each
        if any(candles.interval is interval for candles in each.candles)
        else attrs.evolve(each, candles=(*each.candles, resampled(each.finest, interval)))
        for each in markets
    ]
