"""Strategies and candles for tests of the backtester."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from xache_sdk.context import Context
from xache_sdk.indicators.averages import Sma
from xache_sdk.market import Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intent, Intents, OrderUpdate, Place
from xache_sdk.signals import Column, Declarations
from xache_sdk.strategy import Strategy

from xached.research.backtest.result import Gear, RunResult
from xached.research.backtest.run import Run
from xached.research.backtest.terms import FillModel, MarketData, RunSettings, open_market
from xached.research.history.candle_set import CandleSet, make_candle_set

MINUTE_NS = 60_000_000_000
SYMBOL = "BTC-USDT"
BUY, SELL = Side.BUY, Side.SELL


def candle_set(
    *rows: tuple[int, int, int, int],
    symbol: str = SYMBOL,
    interval: Interval = Interval.M1,
    first: int = 0,
    volume: int = 10**6,
) -> CandleSet:
    """Candles of (open, high, low, close) in ticks of 0.01, lots of 0.001, one after the other."""
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    at_ns = (np.arange(len(table), dtype=np.int64) + first) * interval.ns
    volumes = np.full(len(table), volume, dtype=np.int64)
    return make_candle_set(
        symbol=symbol,
        venue="TEST",
        interval=interval,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        columns=(at_ns, *(table[:, i].copy() for i in range(4)), volumes),
    )


def market(*rows: tuple[int, int, int, int], fee_ppm: int = 0, **terms: Any) -> MarketData:
    """A market of such candles, without fees unless they are named."""
    return open_market(candle_set(*rows, **terms), maker_fee_ppm=fee_ppm, taker_fee_ppm=fee_ppm)


def walk(seed: int, rows: int, swing: int = 60, **terms: Any) -> CandleSet:
    """A random walk around 10,000 ticks that opens where it closed, now and then with a leap."""
    chance = random.Random(seed)
    candles = []
    price = 10_000
    for _ in range(rows):
        opened = max(100, price + (chance.randint(-swing, swing) if chance.random() < 0.1 else 0))
        price = max(100, opened + chance.randint(-swing, swing))
        high = max(opened, price) + chance.randint(0, swing)
        low = max(1, min(opened, price) - chance.randint(0, swing))
        candles.append((opened, high, low, price))
    return candle_set(*candles, **terms)


def settings(cash: str = "1000000", **terms: Any) -> RunSettings:
    """A run without costs in which a touch fills, unless it is said otherwise."""
    free: dict[str, Any] = {
        "half_spread_ppm": 0,
        "slippage_ppm": 0,
        "through_ticks": 0,
        "max_volume_ppm": None,
        "fill_model": FillModel.TOUCH,
    }
    return RunSettings(cash=Decimal(cash), **(free | terms))


@dataclass(frozen=True)
class NoSettings:
    """Nothing to set."""


class Scripted(Strategy[NoSettings]):
    """Wants what is written for the candle that has just closed, by its number from 0."""

    settings_type = NoSettings

    def __init__(
        self,
        script: Mapping[int, Sequence[Intent]],
        react: Callable[[OrderUpdate], Sequence[Intent]] = lambda _update: (),
        subscriptions: Sequence[Subscription] = (Candles(SYMBOL, "TEST", Interval.M1),),
    ) -> None:
        super().__init__(NoSettings())
        self.script = script
        self.react = react
        self.subscribed = subscriptions
        self.seen: list[tuple[int, str, int]] = []
        self.updates: list[OrderUpdate] = []
        self.heard_at_ns: list[int] = []

    def subscriptions(self) -> Sequence[Subscription]:
        """As given."""
        return self.subscribed

    def on_candle(self, candle: Candle) -> Intents:
        """As written."""
        number = len(self.seen)
        self.seen.append((self.context.now_ns, candle.symbol, candle.close_ticks))
        return self.script.get(number, ())

    def on_order(self, update: OrderUpdate) -> Intents:
        """Remember it."""
        self.updates.append(update)
        self.heard_at_ns.append(self.context.now_ns)
        return self.react(update)

    def told(self, order_id: str) -> list[str]:
        """What became of an order, by its statuses and reasons."""
        return [
            f"{each.status.value} {each.reason}".strip()
            for each in self.updates
            if each.id == order_id
        ]


def order(
    order_id: str,
    side: Side,
    quantity: str | None = "1",
    price: str | None = None,
    **terms: Any,
) -> Place:
    """An order in the test market."""
    return Place(
        id=order_id,
        symbol=terms.pop("symbol", SYMBOL),
        side=side,
        quantity=None if quantity is None else Decimal(quantity),
        price=None if price is None else Decimal(price),
        **terms,
    )


def run(strategy: Strategy[Any], data: MarketData, terms: RunSettings | None = None) -> RunResult:
    """One run, candle by candle."""
    return Run([strategy], [data], terms or settings(), Gear.EVENT).finish()


def fills(result: RunResult) -> list[tuple[int, str, int, int]]:
    """Fills as (minute, side, ticks, lots)."""
    return [
        (row.at_ns // MINUTE_NS, row.side.name, row.price_ticks, row.quantity_lots)
        for row in result.fills
    ]


@dataclass(frozen=True)
class CrossSettings:
    """Windows in candles."""

    fast: int = 3
    slow: int = 8
    quantity: Decimal = Decimal("0.5")
    symbol: str = SYMBOL


class Cross(Strategy[CrossSettings]):
    """Holds while the fast average is above the slow one, and says so."""

    settings_type = CrossSettings

    def subscriptions(self) -> Sequence[Subscription]:
        """Minutes."""
        return [Candles(self.settings.symbol, "TEST", Interval.M1)]

    def declare(self, declarations: Declarations) -> None:
        """Two averages and where they cross."""
        candles = Candles(self.settings.symbol, "TEST", Interval.M1)
        self.fast = average(declarations, candles, self.settings.fast)
        self.slow = average(declarations, candles, self.settings.slow)
        declarations.signal(
            candles,
            of=(self.fast, self.slow),
            decide=lambda fast, slow: (fast > slow).astype(np.int8) - (fast < slow),
            holds=self.settings.quantity,
        )

    def on_start(self, context: Context) -> Intents:
        """Look at the position."""
        self.position = context.position(self.settings.symbol)
        return ()

    def on_candle(self, candle: Candle) -> Intents:
        """Follow the averages."""
        fast, slow = self.fast.value, self.slow.value
        if fast is None or slow is None:
            return ()
        if self.position.quantity_lots == 0:
            return (self.market(BUY),) if fast > slow else ()
        return (self.market(SELL),) if fast < slow else ()

    def market(self, side: Side) -> Place:
        """An order of the declared quantity."""
        terms = self.settings
        return Place(id=self.next_id(), symbol=terms.symbol, side=side, quantity=terms.quantity)


def average(declarations: Declarations, candles: Candles, window: int) -> Column:
    """Declare a moving average of closes."""
    sma = Sma(window)
    return declarations.column(
        candles,
        step=lambda candle: sma.push(candle.close_ticks),
        batch=lambda columns: Sma(window).over(columns.close_ticks),
        key=("sma", window),
    )
