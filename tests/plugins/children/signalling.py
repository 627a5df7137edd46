"""Signals, and a strategy that uses them. Imported by child processes only."""

from __future__ import annotations

import ctypes
import gc
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from xache_sdk.indicators.averages import Sma
from xache_sdk.market import Candle, Candles, Interval, Side, Subscription, Trade, Trades
from xache_sdk.orders import Intents, Note, Place
from xache_sdk.settings import setting
from xache_sdk.signal_source import SignalSource
from xache_sdk.signal_values import Reading, Readings, SignalLost, SignalValue
from xache_sdk.signals import Declarations
from xache_sdk.strategy import Strategy


@dataclass(frozen=True)
class Settings:
    """What to look at."""

    symbol: str = setting("BTC-USDT", about="the market")
    window: int = setting(3, about="candles of the average", at_least=1)
    act: str = ""
    venue: str = "XACHE"
    interval: str = "1m"


class Trend(SignalSource[Settings]):
    """How far the price is above its average."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        """One market."""
        self.candles = Candles(
            self.settings.symbol, self.settings.venue, Interval(self.settings.interval), warm_up=10
        )
        return (self.candles,)

    def declare(self, declarations: Declarations) -> None:
        """An average."""
        self.average = declarations.indicator(self.candles, Sma(window=self.settings.window))

    def on_candle(self, candle: Candle) -> Readings:
        """Say it once it is known."""
        if self.average.value is not None:
            yield Reading(candle.close_ticks - self.average.value, confidence=0.5)


class Peeking(Trend):
    """Reads the newest candle out of the memory it shares with who runs it."""

    all: Sequence[Candle] = ()

    def on_candle(self, candle: Candle) -> Readings:
        """Say where the price will be in the end."""
        if not self.all:
            lists = [each for each in gc.get_referrers(candle) if isinstance(each, list)]
            long = [each for each in lists if len(each) > 100]
            self.all = min(long, key=len) if long else [candle]
        return [Reading(float(self.all[-1].close_ticks))]


class Echo(SignalSource[Settings]):
    """Says the price of each trade, and does what it is told to."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        """One tape."""
        return (Trades(self.settings.symbol, self.settings.venue),)

    def on_trade(self, trade: Trade) -> Readings:
        """Say it."""
        match self.settings.act:
            case "raise":
                raise RuntimeError("it cannot go on")
            case "hang":
                time.sleep(1_000)
            case "exit":
                os._exit(3)
            case "flood":
                return [Reading(float(number), f"value{number}") for number in range(20)] * 2
            case "lie":
                return [Reading(float(trade.price_ticks), valid_ns=1)]
            case "connect":
                denied = ctypes.CDLL(None, use_errno=True).socket(2, 1, 0)
                return [Reading(float(denied))]
            case _:
                pass
        return [Reading(float(trade.price_ticks), confidence=0.25, valid_ns=3_600 * 10**9)]


class Follower(Strategy[Settings]):
    """Buys when the signal says a number above 0, and says what it hears."""

    settings_type = Settings

    def uses(self) -> Sequence[str]:
        """One signal, or one that nobody runs."""
        return (self.settings.act or "trend",)

    def subscriptions(self) -> Sequence[Subscription]:
        """The same market, by the minute."""
        asked = self.settings
        return (Candles(asked.symbol, asked.venue, Interval(asked.interval)),)

    def on_signal(self, value: SignalValue) -> Intents:
        """Buy."""
        yield Note(f"{value.signal} {value.name} {value.value:g} {value.confidence}")
        if value.value > 0:
            yield Place(
                id=self.next_id(), symbol=self.settings.symbol, side=Side.BUY,
                quantity=Decimal("0.01"),
            )  # fmt: skip

    def on_signal_lost(self, lost: SignalLost) -> Intents:
        """Say so."""
        yield Note(f"{lost.signal} lost: {lost.why}")


class Late(Follower):
    """Remembers what it was told when the same was tried before."""

    told: ClassVar[set[int]] = set()

    def on_signal(self, value: SignalValue) -> Intents:
        """Buy at what has been seen already."""
        if value.as_of_ns in self.told:
            yield Place(
                id=self.next_id(), symbol=self.settings.symbol, side=Side.BUY,
                quantity=Decimal("0.01"),
            )  # fmt: skip
        self.told.add(value.as_of_ns)
