"""Strategies to be looked at before they are approved. Imported by child processes only."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.context import Context
from xache_sdk.market import (
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
from xache_sdk.orders import Intents, Place
from xache_sdk.settings import setting
from xache_sdk.strategy import Strategy


@dataclass(frozen=True)
class Settings:
    """What to trade."""

    symbol: str = setting(about="the market")
    quantity: Decimal = setting(Decimal("0.1"), unit="base", above=Decimal(0))


@dataclass(frozen=True)
class Secretive(Settings):
    """Wants what nobody can guess."""

    magic: str = setting("", about="what only its owner knows", choices=("xyzzy", ""))

    def __post_init__(self) -> None:
        if not self.magic:
            raise ValueError("say the word")


class Honest(Strategy[Settings]):
    """Buys after a rise."""

    settings_type = Settings
    state_version = 3

    def subscriptions(self) -> Sequence[Subscription]:
        """Two intervals of one market."""
        symbol = self.settings.symbol
        hours = Candles(symbol, "XACHE", Interval.H1, warm_up=3, history=3)
        return (Candles(symbol, "XACHE", Interval.M1), hours)

    def on_candle(self, candle: Candle) -> Intents:
        """Place an order after a rise."""
        if candle.close_ticks > candle.open_ticks:
            yield Place(
                id=self.next_id(), symbol=candle.symbol, side=Side.BUY,
                quantity=self.settings.quantity,
            )  # fmt: skip


class Cheat(Honest):
    """Reads the newest candle out of the memory it shares with who runs it."""

    def subscriptions(self) -> Sequence[Subscription]:
        """One interval."""
        return (Candles(self.settings.symbol, "XACHE", Interval.M1),)

    def on_start(self, context: Context) -> None:
        """Nothing is seen yet."""
        self.all: list[Candle] = []

    def on_candle(self, candle: Candle) -> Intents:
        """Buy unless all is over."""
        if not self.all:
            lists = (each for each in gc.get_referrers(candle) if isinstance(each, list))
            self.all = next((each for each in lists if len(each) > 100), [candle])
        if self.all[-1].open_at_ns > candle.open_at_ns:
            yield Place(
                id=self.next_id(), symbol=candle.symbol, side=Side.BUY,
                quantity=self.settings.quantity,
            )  # fmt: skip


class OfTrades(Honest):
    """Buys after a purchase."""

    def subscriptions(self) -> Sequence[Subscription]:
        """Trades only."""
        return (Trades(self.settings.symbol, "XACHE"),)

    def on_trade(self, trade: Trade) -> Intents:
        """Do the same."""
        if trade.taker_side is Side.BUY:
            yield self.buy()

    def buy(self) -> Place:
        """What is wanted."""
        settings = self.settings
        return Place(
            id=self.next_id(), symbol=settings.symbol, side=Side.BUY, quantity=settings.quantity
        )


class OfBooks(OfTrades):
    """Buys where the asks are dear."""

    def subscriptions(self) -> Sequence[Subscription]:
        """Books, and hours beside them."""
        symbol = self.settings.symbol
        return (Books(symbol, "XACHE", depth=5), Candles(symbol, "XACHE", Interval.H1))

    def on_book(self, book: Book) -> Intents:
        """Look at five levels."""
        assert len(book.bids) == len(book.asks) == 5
        if book.asks[0].price_ticks % 2:
            yield self.buy()


class PeekingTrades(OfTrades):
    """Reads the newest of all data out of the memory it shares with who runs it."""

    all: Sequence[Trade | Book] = ()

    def on_trade(self, trade: Trade) -> Intents:
        """Buy unless all is over."""
        return self.peek(trade)

    def peek(self, value: Trade | Book) -> Intents:
        """Look for the rest."""
        if not self.all:
            lists = (each for each in gc.get_referrers(value) if isinstance(each, list))
            self.all = next((each for each in lists if len(each) > 100), [value])
        if self.all[-1].at_ns > value.at_ns:
            yield self.buy()


class PeekingBooks(PeekingTrades):
    """The same with books."""

    def subscriptions(self) -> Sequence[Subscription]:
        """Books only."""
        return (Books(self.settings.symbol, "XACHE"),)

    def on_book(self, book: Book) -> Intents:
        """Buy unless all is over."""
        return self.peek(book)


class OfNothing(Honest):
    """Waits for its clock."""

    def subscriptions(self) -> Sequence[Subscription]:
        """None."""
        return ()


class Unguessable(Honest):
    """Cannot be made without its owner's word."""

    settings_type = Secretive
