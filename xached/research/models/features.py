"""The features of every candle of a market as one matrix, to train on and to predict in one call.

Row i holds what was known when candle i was over. A feature of another market is that market's
value of its newest candle that was over by then; when that is more than three candles old it is
missing (NaN, which trees handle), as the market has gone quiet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs
import numpy as np
from xache_sdk.features import STALE_CANDLES, Feature
from xache_sdk.signals import UNKNOWN, CandleColumns

from xached.research.backtest.terms import open_market, told_instrument
from xached.research.history.candle_set import CandleSet, Column, DataError
from xached.research.judgement.track_record import FloatArray

KNOWN_MIN: Final = 0.9
"""What is known of a smaller part of the candles is looked at only when it is asked for."""


@attrs.frozen(eq=False)
class FeatureMatrix:
    """``values`` is (candles, features); rows before ``first`` warm up and are not used."""

    features: tuple[Feature, ...]
    values: FloatArray
    ends_ns: Column
    first: int

    def column(self, feature: Feature) -> FloatArray:
        """One feature of every candle."""
        found: FloatArray = self.values[:, self.features.index(feature)]
        return found


def feature_matrix(
    features: Sequence[Feature], traded: CandleSet, others: Mapping[str, CandleSet]
) -> FeatureMatrix:
    """Compute features for every candle of the traded market.

    Raises: DataError when another market is missing or counts in other intervals.
    """
    ends_ns = np.asarray(traded.ends_ns)
    own = columns_of(traded)
    first = 0

    def computed(feature: Feature) -> FloatArray:
        nonlocal first
        of = traded if feature.symbol in ("", traded.symbol) else others.get(feature.symbol)
        if feature.needs and of is not None and not _has(of, feature.needs):
            raise DataError(f"{feature} needs what the history of {of.symbol} does not know")
        if not feature.symbol or feature.symbol == traded.symbol:
            first = max(first, feature.warm_up - 1)
            return feature.batch(own)
        other = others.get(feature.symbol)
        if other is None or other.interval is not traded.interval:
            raise DataError(f"{feature} needs {traded.interval.value} candles of {feature.symbol}")
        begun = int(np.searchsorted(ends_ns, other.ends_ns[min(feature.warm_up, len(other)) - 1]))
        first = max(first, begun)
        return _aligned(feature.batch(columns_of(other)), other, ends_ns)

    columns = [each.joined([computed(part) for part in each.parts]) for each in features]
    values = np.column_stack(columns)
    return FeatureMatrix(tuple(features), values, ends_ns, min(first, len(traded)))


def known_extras(candles: CandleSet) -> frozenset[str]:
    """What is known of nearly all candles beside prices and volume."""
    return frozenset(
        name
        for name, column in candles.extras.items()
        if float(np.mean(column != UNKNOWN)) >= KNOWN_MIN
    )


def _has(candles: CandleSet, name: str) -> bool:
    found = candles.extras.get(name)
    return found is not None and not bool(np.all(found == UNKNOWN))


def columns_of(candles: CandleSet) -> CandleColumns:
    """A history as features take it."""
    return CandleColumns(
        instrument=told_instrument(open_market(candles).instrument),
        venue=candles.venue,
        interval=candles.interval,
        open_at_ns=candles.open_at_ns,
        open_ticks=candles.open_ticks,
        high_ticks=candles.high_ticks,
        low_ticks=candles.low_ticks,
        close_ticks=candles.close_ticks,
        volume_lots=candles.volume_lots,
        bought_lots=candles.extras.get("bought_lots"),
        sentiment_ppm=candles.extras.get("sentiment_ppm"),
    )


def _aligned(values: FloatArray, other: CandleSet, ends_ns: Column) -> FloatArray:
    row = np.searchsorted(other.ends_ns, ends_ns, side="right") - 1
    there = np.maximum(row, 0)
    fresh = ends_ns - np.asarray(other.ends_ns)[there] <= STALE_CANDLES * other.interval_ns
    return np.where((row >= 0) & fresh, values[there], np.nan)
