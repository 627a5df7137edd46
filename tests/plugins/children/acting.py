"""Strategies that behave as tests ask. Imported by child processes only."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

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
    Amend,
    Cancel,
    CancelAll,
    ChangeRefused,
    Intents,
    Note,
    OrderStatus,
    OrderUpdate,
    Place,
    Replace,
    SetTimer,
    Stop,
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
        return [Trades(symbol, XACHE), Books(symbol, XACHE, 5), self.candles()]

    def candles(self) -> Candles:
        warm = 3 if self.settings.act == "warm up" else 0
        return Candles(self.settings.symbol, XACHE, Interval.S1, warm_up=warm, history=warm)

    def on_start(self, context: Context) -> Intents:
        if self.settings.act == "raise at start":
            raise RuntimeError("no luck")
        if self.settings.act == "raise what cannot be written":
            print("\ud800")
            raise RuntimeError("\ud800")
        self.heard: list[OrderUpdate] = []
        self.refusals: list[ChangeRefused] = []
        self.waited = False
        self.bars = context.candles(self.candles())
        self.saved = dict(context.saved.value) if context.saved is not None else {}
        yield self.order("first")
        yield Note(f"started {self.bars.close_ticks} {self.saved}")

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
                files = sum(is_open(each) for each in range(64))
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
            case "beyond":
                return self.go_beyond()
            case "cancel":
                return [Cancel("first"), Cancel("never-was")]
            case _:
                pass
        return self.use_orders(trade)

    def go_beyond(self) -> Intents:
        """What a strategy that may do little is refused; "first" is open."""
        symbol = self.settings.symbol
        return [
            self.order("first"),
            self.order("large", quantity="0.01"),
            Place(id="any", symbol=symbol, side=Side.BUY, quantity=Decimal("0.01")),
            Replace(id="first", new_id="more", symbol=symbol, quantity=Decimal("0.01")),
            self.order("second"),
            self.order("third"),
        ]

    def use_orders(self, trade: Trade) -> Intents:
        match self.settings.act:
            case "save":
                self.saved["trades"] = self.saved.get("trades", 0) + 1
                self.save(self.saved)
                return [Note(f"saved {self.saved}")]
            case "save too much":
                self.save({"a": "x" * 80_000})
            case "same id":
                return [self.order("first"), self.order("first", price="48000.0"), Cancel("first")]
            case "amend":
                symbol = self.settings.symbol
                return [
                    Amend(id="first", symbol=symbol, quantity=Decimal("0.0005")),
                    Replace(id="first", new_id="second", symbol=symbol, price=Decimal("48000.0")),
                ]
            case "amend nothing":
                symbol = self.settings.symbol
                return [
                    Amend(id="never", symbol=symbol, quantity=Decimal("0.0005")),
                    Replace(id="never", new_id="new", symbol=symbol, price=Decimal(1)),
                ]
            case "stop order":
                stop = Place(
                    id="stop", symbol=self.settings.symbol, side=Side.SELL,
                    quantity=Decimal("0.001"), trigger=Stop(Decimal("40000.0")),
                )  # fmt: skip
                return [stop]
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
            case "beyond" if update.status is OrderStatus.REFUSED:
                return self.tell_refusals()
            case "bad orders" | "same id" if update.status is OrderStatus.REFUSED:
                refused = (each for each in self.heard if each.status is OrderStatus.REFUSED)
                return [Note(" ".join(sorted(f"{each.id}={each.reason}" for each in refused)))]
            case "beyond" if update.id != "first":
                return ()
            case "save" | "save at the end" | "warm up":
                return ()
            case "position":
                symbol = self.settings.symbol
                position, base = self.context.position(symbol), self.context.balance("BTC")
                opens = len(self.context.open_orders)
                return [Note(f"{position.quantity} {position.cost} {base.total} {opens}")]
            case "wait for the token" if not update.own:
                return [Note(f"heard {len(self.heard)}")] if update.id == "last" else ()
            case _:
                pass
        return [
            Note(f"{update.id} {update.status.value} {update.reason} {update.executed_quantity}")
        ]

    def tell_refusals(self) -> Intents:
        refused = (each for each in self.heard if each.status is OrderStatus.REFUSED)
        changes = (f"{each.id}>{each.new_id} {each.reason}" for each in self.refusals)
        return [
            Note(" ".join(sorted([*changes, *(f"{each.id}={each.reason}" for each in refused)])))
        ]

    def on_change_refused(self, refusal: ChangeRefused) -> Intents:
        self.refusals.append(refusal)
        told = (f"{each.id}>{each.new_id} {each.reason}" for each in self.refusals)
        return [Note(" ".join(told))]

    def on_timer(self, name: str, at_ns: int) -> Intents:
        return [Note(f"timer {name}")]

    def on_stop(self, cause: str) -> Intents:
        if self.settings.act == "save at the end":
            self.save({"stopped": cause})
        if self.settings.act == "order at the end":
            yield self.order("last")
        yield Note(f"stopped: {cause}")

    def order(self, name: str, **terms: str) -> Place:
        return Place(
            id=name,
            symbol=terms.get("symbol", self.settings.symbol),
            side=Side.BUY,
            quantity=Decimal(terms.get("quantity", self.settings.quantity)),
            price=Decimal(terms.get("price", self.settings.price)),
        )


def is_open(descriptor: int) -> bool:
    """Whether a descriptor is open; the list in /proc is closed to a strategy."""
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


class Heir(Acting):
    """Another strategy in the same place."""


class NotAStrategy:
    """Only looks like one."""


class Unpredicting(Acting):
    """Claims to know nothing."""

    predicts = False
