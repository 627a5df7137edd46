"""The class a signal derives from. One class says the same in a backtest, on paper and live.

A signal sees market data and says numbers: a forecast, a regime, an imbalance. It places no orders
and knows no money. The house runs it under a name of its own, in a process of its own, and tells
its values to every strategy that says it uses that name.

The contract of whoever runs it (:class:`xache_sdk.source_session.SourceSession` keeps it):

1. ``SignalSource(settings)``, ``subscriptions()``, ``declare(declarations)``; no market data yet.
2. ``context.candles(subscription)`` holds the newest ``warm_up`` closed candles that were over at
   ``context.now_ns``, and declared columns have seen them. Then ``on_start(context)``.
3. For each trade, book or closed candle: ``context.now_ns`` is set; a candle is pushed to its
   history and through its columns; then the callback is called, once.
4. What it says is *as of* that piece of market data: a closed candle's end, a trade's or book's own
   time. Nothing that is handed over refers to anything later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from xache_sdk.market import Book, Candle, CandleHistory, Candles, Instrument, Subscription, Trade
from xache_sdk.settings import NoSettings
from xache_sdk.signal_values import Readings
from xache_sdk.signals import Declarations

Settings = TypeVar("Settings")


@dataclass(slots=True, kw_only=True)
class SourceContext:
    """What a signal knows besides market data: the time, the markets, its candles."""

    now_ns: int
    instruments: Mapping[str, Instrument]
    histories: dict[Candles, CandleHistory] = field(default_factory=dict)

    def candles(self, subscription: Candles) -> CandleHistory:
        """The newest closed candles of a subscription. Raises: KeyError."""
        return self.histories[subscription]

    def set_clock(self, now_ns: int) -> None:
        """Say what time it is; it never goes back. For who runs the signal."""
        self.now_ns = max(self.now_ns, now_ns)


class SignalSource(Generic[Settings]):
    """Derive from this, name ``settings_type``, and override what you need."""

    settings_type: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass of what the operator can set; see :mod:`xache_sdk.settings`."""

    context: SourceContext
    """The run's context; set before ``on_start`` is called."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def subscriptions(self) -> Sequence[Subscription]:
        """Say which market data to send; of candles only closed ones. Called once."""
        return ()

    def declare(self, declarations: Declarations) -> None:
        """Say what is computed of candles; see :mod:`xache_sdk.signals`. Called once."""

    def on_start(self, context: SourceContext) -> None:
        """Begin. The market data starts after this."""

    def on_candle(self, candle: Candle) -> Readings | None:
        """See a candle close, and say what follows from it."""
        return ()

    def on_trade(self, trade: Trade) -> Readings | None:
        """See a trade."""
        return ()

    def on_book(self, book: Book) -> Readings | None:
        """See the best levels of a book."""
        return ()
