"""One subscription to candles: the history that is kept of it, and the columns declared for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xache_sdk.market import Candle, CandleHistory, Candles, Subscription
from xache_sdk.signals import Column, Declarations, Step


class CandleSeries:
    """Takes closed candles, oldest first."""

    def __init__(self, candles: Candles, declarations: Declarations) -> None:
        self.candles = candles
        self.history = CandleHistory(candles.history)
        self._steps: list[tuple[Column, Step]] = [
            (each.column, each.step) for each in declarations.columns if each.candles == candles
        ]

    def compute(self, column: Column, step: Step) -> None:
        """Compute a column another way."""
        self._steps = [(each, step if each is column else before) for each, before in self._steps]

    def warm_up(self, candle: Candle) -> None:
        """Take a candle from before the start."""
        if self.candles.warm_up:
            self.history.extend_for_start(candle)
        self._step(candle)

    def push(self, candle: Candle) -> None:
        """Take the newest candle."""
        if self.candles.history:
            self.history.push(candle)
        self._step(candle)

    def _step(self, candle: Candle) -> None:
        for column, step in self._steps:
            column.value = step(candle)


class SeriesByMarket:
    """The subscriptions to candles of one plugin."""

    def __init__(self, subscriptions: Sequence[Subscription], declarations: Declarations) -> None:
        self._series = {
            (each.symbol, each.venue, each.interval): CandleSeries(each, declarations)
            for each in subscriptions
            if isinstance(each, Candles)
        }

    def of(self, candle: Candle) -> CandleSeries:
        """The subscription that a candle is of. Raises: LookupError."""
        found = self._series.get((candle.symbol, candle.venue, candle.interval))
        if found is None:
            raise LookupError(f"it does not subscribe to candles like {candle}")
        return found

    def histories(self) -> Mapping[Candles, CandleHistory]:
        """What is kept, by subscription."""
        return {each.candles: each.history for each in self._series.values()}

    def compute(self, column: Column, step: Step) -> None:
        """Compute a declared column another way."""
        for series in self._series.values():
            series.compute(column, step)

    def trim(self) -> None:
        """Drop what the windows have no room for, after the start."""
        for each in self._series.values():
            each.history.trim()
