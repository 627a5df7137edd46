"""A strategy that says why. Imported by child processes only."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.context import Context
from xache_sdk.market import (
    XACHE,
    Book,
    Books,
    Candles,
    Interval,
    Side,
    Subscription,
    Trade,
    Trades,
)
from xache_sdk.orders import Amend, Intents, Note, OrderUpdate, Place, Replace
from xache_sdk.reasons import ModelReason, Reason, Weight
from xache_sdk.strategy import Strategy

TOKEN = signal.SIGUSR1
# Before any frame is read: a test may send the token at any time after Ready.
signal.pthread_sigmask(signal.SIG_BLOCK, [TOKEN])

MODEL = ModelReason(
    digest="ab" * 32, score=0.5, base=-0.25, weights=(Weight("return:1", -0.02, 0.75),)
)


@dataclass(frozen=True)
class Settings:
    """``waits``: sleep over the first trade until the token comes."""

    act: str = ""


class Reasoning(Strategy[Settings]):
    """Bids at each trade with a reason, at each book without, and at its start."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        symbol = "BTC-USDT"
        return [
            Trades(symbol, XACHE),
            Books(symbol, XACHE, 5),
            Candles(symbol, XACHE, Interval.S1, warm_up=3),
        ]

    def on_start(self, context: Context) -> Intents:
        self.waited = False
        return [self.bid("start", Reason("at the start"))]

    def on_trade(self, trade: Trade) -> Intents:
        if self.settings.act == "waits" and not self.waited:
            self.waited = True
            yield Note("waiting")
            signal.sigwait([TOKEN])
        price = float(trade.price)
        name = f"t{trade.at_ns}"
        yield self.bid(name, Reason("somebody traded", {"price": price}, MODEL))
        if self.settings.act == "changes":
            symbol = "BTC-USDT"
            yield Amend(id="start", symbol=symbol, quantity=Decimal("0.0005"))
            yield Replace(
                id="start",
                new_id="second",
                symbol=symbol,
                price=Decimal("48000.0"),
                reason=Reason("too near"),
            )

    def on_book(self, book: Book) -> Intents:
        return [self.bid("b", None)]

    def on_order(self, update: OrderUpdate) -> Intents:
        return [Note(f"{update.id} {update.status.value} {update.reason}")]

    def bid(self, name: str, reason: Reason | None) -> Place:
        return Place(
            id=name,
            symbol="BTC-USDT",
            side=Side.BUY,
            quantity=Decimal("0.001"),
            price=Decimal("49000.0"),
            reason=reason,
        )
