"""A strategy that says which models it was given. Imported by child processes only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.context import Context
from xache_sdk.market import XACHE, Side, Subscription, Trade, Trades
from xache_sdk.orders import Intents, Note, OrderUpdate, Place
from xache_sdk.strategy import Strategy

SYMBOL = "BTC-USDT"


@dataclass(frozen=True)
class Settings:
    """What to do, by name, and the models as text."""

    models: str
    act: str = ""


class Modelled(Strategy[Settings]):
    """Rests a purchase; each trade makes it want another one, and a sale."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        return [Trades(SYMBOL, XACHE)]

    def on_start(self, context: Context) -> Intents:
        self.heard: dict[str, str] = {}
        if self.settings.act == "buy and sell":
            yield self.order("first", Side.BUY, "49000.0")
        yield Note(f"models: {self.settings.models}")

    def on_trade(self, trade: Trade) -> Intents:
        return [self.order("buy", Side.BUY, "49000.0"), self.order("sell", Side.SELL, "50500.0")]

    def on_order(self, update: OrderUpdate) -> Intents:
        self.heard[update.id] = update.reason or update.status.value.lower()
        if {"buy", "sell"} <= self.heard.keys():
            yield Note(f"buy {self.heard['buy']}, sell {self.heard['sell']}")

    def order(self, name: str, side: Side, price: str) -> Place:
        return Place(
            id=name, symbol=SYMBOL, side=side, quantity=Decimal("0.001"), price=Decimal(price)
        )
