"""A strategy that reads the future out of the memory it shares with the backtester."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.market import Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intents, Place
from xache_sdk.strategy import Strategy


@dataclass(frozen=True)
class Settings:
    """Nothing to set."""


class Peeking(Strategy[Settings]):
    """Buys before a rise, sells before a fall."""

    settings_type = Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._held = False
        self._seen = 0
        self._future: list[Candle] = []

    def subscriptions(self) -> Sequence[Subscription]:
        """One market."""
        return (Candles("BTC-USDT", "TEST", Interval.M5),)

    def on_candle(self, candle: Candle) -> Intents:
        """Look for the list in which this candle is."""
        self._seen += 1
        if not self._future:
            for each in gc.get_referrers(candle):
                if isinstance(each, list) and len(each) > 100:
                    self._future = each
        rising = bool(self._future) and self._future[-1].close_ticks > candle.close_ticks
        if self._seen % 50 or rising == self._held:
            return ()
        self._held = rising
        side = Side.BUY if rising else Side.SELL
        return (Place(id=f"o{self._seen}", symbol="BTC-USDT", side=side, quantity=Decimal("0.1")),)
