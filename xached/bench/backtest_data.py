"""Bars and a strategy that every backtester of the comparison is given, the same every time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import numpy as np
from xache_sdk.context import Context
from xache_sdk.indicators.averages import Sma
from xache_sdk.market import Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intents, Place
from xache_sdk.signals import Column, Declarations
from xache_sdk.strategy import Strategy

from xached.research.backtest.tape import Tape, TapeKind
from xached.research.backtest.terms import FillModel, MarketData, RunSettings, open_market
from xached.research.history.candle_set import CandleSet, make_candle_set

START_PRICE_TICKS: Final = 3_000_000
STEP_TICKS: Final = 1_000
FEE_PPM: Final = 1_000
VENUE: Final = "SEEDED"
SYMBOL: Final = "BTC-USDT"
CASH: Final = 1_000_000_000
QUANTITY: Final = Decimal(1)

SETTINGS: Final = RunSettings(
    cash=Decimal(CASH),
    fill_model=FillModel.NEXT_OPEN,
    half_spread_ppm=0,
    slippage_ppm=0,
    max_volume_ppm=None,
)
"""What the others can do too: the next open, and a fee."""


def make_bars(bars: int, seed: int = 1, symbol: str = SYMBOL) -> CandleSet:
    """Minutes of a random walk in cents around 30,000, each opening where the last one closed."""
    chance = np.random.default_rng(seed)
    steps = chance.normal(0, STEP_TICKS, bars)
    close = np.maximum(np.rint(START_PRICE_TICKS + np.cumsum(steps)), 10_000).astype(np.int64)
    opened = np.concatenate(([START_PRICE_TICKS], close[:-1])).astype(np.int64)
    swing = chance.integers(1, STEP_TICKS // 2, (2, bars))
    return make_candle_set(
        symbol=symbol,
        venue=VENUE,
        interval=Interval.M1,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        columns=(
            np.arange(bars, dtype=np.int64) * Interval.M1.ns,
            opened,
            np.maximum(opened, close) + swing[0],
            np.minimum(opened, close) - swing[1],
            close,
            np.full(bars, 10**9, dtype=np.int64),
        ),
    )


def make_market(bars: int, seed: int = 1, symbol: str = SYMBOL) -> MarketData:
    """A market with such bars and a fee of 0.1 %."""
    return open_market(make_bars(bars, seed, symbol), maker_fee_ppm=FEE_PPM, taker_fee_ppm=FEE_PPM)


@dataclass(frozen=True)
class CrossSettings:
    """Windows in candles, and what is bought."""

    fast: int = 10
    slow: int = 30
    symbol: str = SYMBOL


class SmaCross(Strategy[CrossSettings]):
    """Long while the fast average is above the slow one."""

    settings_type = CrossSettings

    def subscriptions(self) -> Sequence[Subscription]:
        """Minutes."""
        return [Candles(self.settings.symbol, VENUE, Interval.M1)]

    def declare(self, declarations: Declarations) -> None:
        """Two averages, and where they cross."""
        candles = Candles(self.settings.symbol, VENUE, Interval.M1)
        self._fast = _average(declarations, candles, self.settings.fast)
        self._slow = _average(declarations, candles, self.settings.slow)
        declarations.signal(candles, of=(self._fast, self._slow), decide=_decide, holds=QUANTITY)

    def on_start(self, context: Context) -> Intents:
        """Look at the position."""
        self._position = context.position(self.settings.symbol)
        return ()

    def on_candle(self, candle: Candle) -> Intents | None:  # noqa: ARG002 - the columns say it all
        """Follow the averages."""
        fast, slow = self._fast.value, self._slow.value
        if fast is None or slow is None:
            return None
        if self._position.quantity_lots == 0:
            return (self._order(Side.BUY),) if fast > slow else None
        return (self._order(Side.SELL),) if fast < slow else None

    def _order(self, side: Side) -> Place:
        return Place(id=self.next_id(), symbol=self.settings.symbol, side=side, quantity=QUANTITY)


def _average(declarations: Declarations, candles: Candles, window: int) -> Column:
    sma = Sma(window)
    push = sma.push
    return declarations.column(
        candles,
        step=lambda candle: push(candle.close_ticks),
        batch=lambda columns: Sma(window).over(columns.close_ticks),
        key=("sma", window),
    )


def _decide(fast: Any, slow: Any) -> Any:
    return (fast > slow).astype(np.int8) - (fast < slow)


def make_tape(rows: int) -> Tape:
    """A book of a tick's spread around a price that wanders, changing; one row in five a trade."""
    chance = np.random.default_rng(1)
    mid = START_PRICE_TICKS + np.cumsum(chance.integers(-1, 2, rows)) // 50
    kind = chance.choice(4, rows, p=(0.4, 0.4, 0.1, 0.1))
    away = np.where(kind < TapeKind.BOUGHT, chance.integers(0, 50, rows), 0)
    above = (kind == TapeKind.ASK) | (kind == TapeKind.BOUGHT)
    lots = chance.integers(1, 100_000, rows)
    gone = (kind < TapeKind.BOUGHT) & (chance.random(rows) < 0.2)
    return Tape(
        symbol=SYMBOL,
        venue=VENUE,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.00001"),
        at_ns=np.arange(rows, dtype=np.int64) * 1_000_000,
        kind=kind.astype(np.int64),
        price_ticks=np.where(above, mid + 1 + away, mid - away).astype(np.int64),
        quantity_lots=np.where(gone, 0, lots).astype(np.int64),
    )


@dataclass(frozen=True)
class Nothing:
    """No settings."""


class Patient(Strategy[Nothing]):
    """Puts a few orders into the book at the start and hears of nothing."""

    settings_type = Nothing

    def on_start(self, context: Context) -> Intents:
        """Ten buys, a tick apart."""
        market = context.instruments[SYMBOL]
        return [
            Place(
                id=self.next_id(),
                symbol=SYMBOL,
                side=Side.BUY,
                quantity=QUANTITY,
                price=market.price(START_PRICE_TICKS - 5 - 2 * number),
            )
            for number in range(10)
        ]
