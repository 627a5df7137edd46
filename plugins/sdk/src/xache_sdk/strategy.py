"""The class a strategy derives from, and what it is told at the start.

A strategy is called from one thread, one callback at a time. Every callback returns its intents,
as a list or by ``yield``; they are sent in that order when it is done. It has no clock, network or
files: time comes with the market data and by timers, so that the same data gives the same intents
in a backtest as live.
"""

from __future__ import annotations

import decimal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from xache_sdk.market import Book, Candle, Instrument, Subscription, Trade
from xache_sdk.orders import (
    Cancel,
    CancelAll,
    Intent,
    Intents,
    Note,
    OrderUpdate,
    Place,
    SetTimer,
)

Settings = TypeVar("Settings")

EXACT = decimal.Context(prec=80, traps=[decimal.InvalidOperation, decimal.DivisionByZero])
"""Callbacks compute under this: the default of 28 digits rounds without a word."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Money of one asset in the sub-account."""

    available: Decimal
    held: Decimal

    @property
    def total(self) -> Decimal:
        """Free and set aside."""
        return self.available + self.held


@dataclass(frozen=True, slots=True)
class Position:
    """What is held of an instrument's base by trading, and what it cost in quote with fees."""

    quantity: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything a strategy knows when it starts. Money and orders are its sub-account's."""

    run_id: str
    now_ns: int
    instruments: Mapping[str, Instrument]
    balances: Mapping[str, Balance]
    positions: Mapping[str, Position]
    open_orders: tuple[OrderUpdate, ...]

    def balance(self, asset: str) -> Balance:
        """The money of an asset; none when there is none."""
        return self.balances.get(asset, Balance(Decimal(0), Decimal(0)))

    def position(self, symbol: str) -> Position:
        """What is held of an instrument; none when there is none."""
        return self.positions.get(symbol, Position(Decimal(0), Decimal(0)))


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer has run out."""

    name: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class StopAsked:
    """The strategy is asked to end; its open orders are cancelled afterwards."""

    cause: str


Input: TypeAlias = Trade | Book | Candle | OrderUpdate | TimerDue | StopAsked
"""What a running strategy is called with."""


class Strategy(Generic[Settings]):
    """Derive from this, name ``settings_type``, and override what you need."""

    settings_type: ClassVar[type[Any]]
    """A frozen dataclass of what the owner can set; see :mod:`xache_sdk.settings`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._ids = 0

    def next_id(self) -> str:
        """An order id that this run has not used."""
        self._ids += 1
        return str(self._ids)

    def subscriptions(self) -> Sequence[Subscription]:
        """Say which market data to send. Called once, before ``on_start``."""
        return ()

    def on_start(self, context: Context) -> Intents:
        """Begin. The market data starts after this."""
        return ()

    def on_trade(self, trade: Trade) -> Intents:
        """See a trade."""
        return ()

    def on_book(self, book: Book) -> Intents:
        """See the best levels of a book."""
        return ()

    def on_candle(self, candle: Candle) -> Intents:
        """See a candle change or close."""
        return ()

    def on_order(self, update: OrderUpdate) -> Intents:
        """See what became of an order."""
        return ()

    def on_timer(self, name: str, at_ns: int) -> Intents:
        """A timer has run out."""
        return ()

    def on_stop(self, cause: str) -> Intents:
        """End."""
        return ()


def start(strategy: Strategy[Any], context: Context) -> list[Intent]:
    """Call ``on_start``. Raises what the strategy raises; TypeError for what is no intent."""
    with decimal.localcontext(EXACT):
        return _checked(strategy.on_start(context))


def dispatch(strategy: Strategy[Any], value: Input) -> list[Intent]:
    """Call the callback a value is for. Raises as :func:`start` does."""
    with decimal.localcontext(EXACT):
        match value:
            case Trade():
                return _checked(strategy.on_trade(value))
            case Book():
                return _checked(strategy.on_book(value))
            case Candle():
                return _checked(strategy.on_candle(value))
            case OrderUpdate():
                return _checked(strategy.on_order(value))
            case TimerDue():
                return _checked(strategy.on_timer(value.name, value.at_ns))
            case StopAsked():
                return _checked(strategy.on_stop(value.cause))


def _checked(intents: Intents | None) -> list[Intent]:
    # A callback that ends without a return wants nothing; that must not end a live strategy.
    listed = [] if intents is None else list(intents)
    for intent in listed:
        if not isinstance(intent, Place | Cancel | CancelAll | SetTimer | Note):
            raise TypeError(f"a callback returns intents, not {type(intent).__name__}")
    return listed
