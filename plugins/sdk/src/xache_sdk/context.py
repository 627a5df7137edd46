"""What a strategy knows besides market data: the time, its money, its orders, its own notes.

There is one context for a run, and it is kept current: before each callback, whoever runs the
strategy brings its clock and its numbers up to date. Positions, balances and histories that were
asked for once may be kept; they change with it. A strategy only reads them.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from xache_sdk.exact import EXACT
from xache_sdk.market import CandleHistory, Candles, Instrument
from xache_sdk.orders import OrderUpdate
from xache_sdk.signal_values import SignalLost, SignalValue


@dataclass(slots=True)
class Balance:
    """Money of one asset in the sub-account."""

    available: Decimal = Decimal(0)
    held: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        """Free and set aside."""
        return EXACT.add(self.available, self.held)


@dataclass(slots=True)
class Position:
    """What is held of an instrument's base by trading, and what it cost in quote with fees."""

    instrument: Instrument
    quantity_lots: int = 0
    cost: Decimal = Decimal(0)

    @property
    def quantity(self) -> Decimal:
        """The quantity in base."""
        return self.instrument.quantity(self.quantity_lots)


@dataclass(frozen=True, slots=True)
class Saved:
    """What an earlier run saved last: JSON values, and the version it gave them."""

    version: int
    value: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Context:
    """One run of a strategy. Money and orders are its sub-account's.

    ``now_ns`` is the only clock there is: Unix time, UTC, that never goes back. ``saved`` is None
    when nothing was ever saved. ``instruments`` are those that are listed at ``now_ns``.
    """

    run_id: str
    now_ns: int
    instruments: Mapping[str, Instrument]
    balances: MutableMapping[str, Balance] = field(default_factory=dict)
    positions: MutableMapping[str, Position] = field(default_factory=dict)
    saved: Saved | None = None
    histories: dict[Candles, CandleHistory] = field(default_factory=dict)
    orders: dict[tuple[bool, str], OrderUpdate] = field(default_factory=dict)
    """Open orders by whether they are this run's own, and by id."""

    signals: dict[tuple[str, str], SignalValue] = field(default_factory=dict)
    """The newest values of signals, by the names of the signal and of the value."""

    def signal(self, signal: str, name: str = "value") -> SignalValue | None:
        """The newest value of a signal; None when there is none, or it has expired."""
        found = self.signals.get((signal, name))
        return found if found is not None and self.now_ns < found.expires_at_ns else None

    def balance(self, asset: str) -> Balance:
        """The money of an asset."""
        return self.balances.setdefault(asset, Balance())

    def position(self, symbol: str) -> Position:
        """What is held of an instrument. Raises: KeyError for one that it may not trade."""
        found = self.positions.get(symbol)
        if found is None:
            found = self.positions[symbol] = Position(self.instruments[symbol])
        return found

    def candles(self, subscription: Candles) -> CandleHistory:
        """The newest closed candles of a subscription of the strategy. Raises: KeyError."""
        return self.histories[subscription]

    @property
    def open_orders(self) -> tuple[OrderUpdate, ...]:
        """The last update of each open order, oldest order first; foreign ones too."""
        return tuple(self.orders.values())

    def order(self, order_id: str) -> OrderUpdate | None:
        """The last update of an open order of this run; None before its first and once it ended."""
        return self.orders.get((True, order_id))

    def set_clock(self, now_ns: int) -> None:
        """Say what time it is; it never goes back. For who runs the strategy."""
        if now_ns > self.now_ns:
            self.now_ns = now_ns

    def note_signal(self, value: SignalValue) -> None:
        """Take in a value of a signal. For who runs the strategy."""
        self.signals[value.signal, value.name] = value

    def lose_signal(self, lost: SignalLost) -> None:
        """Forget what a signal said. For who runs the strategy."""
        for key in [each for each in self.signals if each[0] == lost.signal]:
            if lost.name in ("", key[1]):
                del self.signals[key]

    def note_order(self, update: OrderUpdate) -> None:
        """Take in what became of an order. For who runs the strategy."""
        key = (update.own, update.id)
        if update.status.final:
            self.orders.pop(key, None)
        else:
            self.orders[key] = update
