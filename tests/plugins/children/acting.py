"""Strategies that behave as tests ask. Imported by child processes only."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from xache_sdk.context import Context
from xache_sdk.market import (
    XACHE,
    Book,
    Books,
    Candle,
    Candles,
    Interval,
    Side,
    Subscription,
    Trade,
    Trades,
)
from xache_sdk.orders import (
    Cancel,
    CancelAll,
    Intents,
    Note,
    OrderStatus,
    OrderUpdate,
    Place,
    SetTimer,
)
from xache_sdk.strategy import Strategy

TOKEN = signal.SIGUSR1
# Before any frame is read: a test may send the token at any time after Ready.
signal.pthread_sigmask(signal.SIG_BLOCK, [TOKEN])


@dataclass(frozen=True)
class Settings:
    """What to do, by name, and the price of the order that is placed at the start."""

    act: str = ""
    price: Decimal = Decimal("49000.0")
    quantity: Decimal = Decimal("0.001")
    symbol: str = "BTC-USDT"


class Acting(Strategy[Settings]):
    """Rests one order and sees all market data; each trade makes it act."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        symbol = self.settings.symbol
        if self.settings.act == "foreign market":
            return [Trades("ETH-USDT", XACHE)]
        if self.settings.act == "twice the same":
            return [Books(symbol, XACHE, 5), Books(symbol, XACHE, 50)]
        if self.settings.act == "unknown venue":
            return [Trades(symbol, "NOWHERE")]
        return [Trades(symbol, XACHE), Books(symbol, XACHE, 5), Candles(symbol, XACHE, Interval.S1)]

    def on_start(self, context: Context) -> Intents:
        if self.settings.act == "raise at start":
            raise RuntimeError("no luck")
        if self.settings.act == "raise what cannot be written":
            print("\ud800")
            raise RuntimeError("\ud800")
        self.heard: list[OrderUpdate] = []
        self.waited = False
        yield self.order("first")
        yield Note("started")

    def on_trade(self, trade: Trade) -> Intents:
        match self.settings.act:
            case "raise":
                raise RuntimeError("no luck")
            case "hang":
                signal.sigwait([signal.SIGUSR2])
            case "exit":
                os._exit(7)
            case "flood":
                return [CancelAll()] * 10_000
            case "many orders":
                return [self.order(f"m{index}") for index in range(30)]
            case "timers":
                return [SetTimer("b", 2_000_000_000), SetTimer("a", 10**9), SetTimer("b", 10**9)]
            case "too many timers":
                return [SetTimer(f"t{index}", 10**9) for index in range(65)]
            case "print":
                print("hello", "owner")
                return [Note("printed")]
            case "look around":
                files = len(list(Path("/proc/self/fd").iterdir())) - 1  # Not the listing's own.
                alone = os.getsid(0) == os.getpid()
                names = sorted(set(os.environ) - {"LC_CTYPE"})
                return [Note(f"files {files} alone {alone} environment {' '.join(names)}")]
            case "wait for the token":
                if not self.waited:
                    self.waited = True
                    signal.sigwait([TOKEN])
                return ()
            case "bad orders":
                wrong_step = self.order("step", price="1.005")
                poor = self.order("poor", quantity="9")
                other = self.order("other", symbol="ETH-USDT")
                return [wrong_step, poor, other]
            case "cancel":
                return [Cancel("first"), Cancel("never-was")]
            case _:
                pass
        return [Note(f"trade {trade.price} {trade.lagged}")]

    def on_book(self, book: Book) -> Intents:
        if self.settings.act == "wait for the token":
            return ()
        return [Note(f"book {book.mid}")]

    def on_candle(self, candle: Candle) -> Intents:
        return [Note(f"candle {candle.close} {candle.closed}")]

    def on_order(self, update: OrderUpdate) -> Intents:
        self.heard.append(update)
        match self.settings.act:
            case "bad orders" if update.status is OrderStatus.REFUSED:
                refused = (each for each in self.heard if each.status is OrderStatus.REFUSED)
                return [Note(" ".join(sorted(f"{each.id}={each.reason}" for each in refused)))]
            case "wait for the token" if not update.own:
                return [Note(f"heard {len(self.heard)}")] if update.id == "last" else ()
            case _:
                pass
        return [
            Note(f"{update.id} {update.status.value} {update.reason} {update.executed_quantity}")
        ]

    def on_timer(self, name: str, at_ns: int) -> Intents:
        return [Note(f"timer {name}")]

    def on_stop(self, cause: str) -> Intents:
        yield Note(f"stopped: {cause}")

    def order(self, name: str, **terms: str) -> Place:
        return Place(
            id=name,
            symbol=terms.get("symbol", self.settings.symbol),
            side=Side.BUY,
            quantity=Decimal(terms.get("quantity", self.settings.quantity)),
            price=Decimal(terms.get("price", self.settings.price)),
        )


class NotAStrategy:
    """Only looks like one."""
