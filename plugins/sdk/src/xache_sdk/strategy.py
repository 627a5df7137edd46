"""The class a strategy derives from. One class runs in a backtest, on paper and live.

A strategy is called from one thread, one callback at a time. Every callback returns its intents,
as a list, a tuple or by ``yield``; they are carried out in that order when it is done. It has no
clock, network or files: time is ``context.now_ns``, so that the same data gives the same intents
in a backtest as live.

The contract of whoever runs it (:class:`xache_sdk.session.Session` keeps it, and a backtester that
has a faster loop of its own must keep it too):

1. ``Strategy(settings)``, ``subscriptions()``, ``declare(declarations)``; no market data yet.
2. ``context.candles(subscription)`` holds the newest ``warm_up`` closed candles that were over at
   ``context.now_ns``, and declared columns have seen them. Then ``on_start(context)``. Afterwards
   a history is trimmed to its ``history``.
3. For each thing that happens, in this order: ``context.now_ns`` is set; balances, positions and
   open orders are those after it; a closed candle is pushed to its history and through its
   columns; then the callback is called, once. A candle is told when it is over, at the earliest
   at ``candle.ends_at_ns``. When several end at one time, the shortest interval comes first, and
   among equal ones the order of ``subscriptions()``. What a signal says as of a time comes after
   all that was to be told at that time.
4. What the callback returns goes through :func:`checked`, and what it saved follows last.
   ``()`` and None want nothing and cost nothing.
5. Callbacks compute under ``xache_sdk.exact.EXACT``.

Nothing that is handed over holds or refers to anything that had not happened at
``context.now_ns``. Columns that are computed at once (``batch``) are the one exception: they are
never handed to a callback, only their value at the newest candle is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from xache_sdk.context import Context
from xache_sdk.market import Book, Candle, Subscription, Trade
from xache_sdk.orders import INTENTS, ChangeRefused, Intent, Intents, OrderUpdate
from xache_sdk.settings import NoSettings
from xache_sdk.signal_values import SignalLost, SignalValue
from xache_sdk.signals import Declarations
from xache_sdk.state import encode_state

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer has run out."""

    name: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class StopAsked:
    """The strategy is asked to end; its open orders are cancelled afterwards."""

    cause: str


Input: TypeAlias = (
    Trade
    | Book
    | Candle
    | SignalValue
    | SignalLost
    | OrderUpdate
    | ChangeRefused
    | TimerDue
    | StopAsked
)
"""What a running strategy is called with."""


class Strategy(Generic[Settings]):
    """Derive from this, name ``settings_type``, and override what you need."""

    settings_type: ClassVar[type[Any]] = NoSettings
    """A frozen dataclass of what the owner can set; see :mod:`xache_sdk.settings`."""

    state_version: ClassVar[int] = 1
    """Goes with everything that is saved, so that a later version of the strategy can tell."""

    predicts: ClassVar[bool] = True
    """Whether it claims to know where prices go. One that buys on a schedule, rebalances or makes a
    market says False: the house then asks for days on paper before it trades money, where it asks
    others for a deflated Sharpe ratio."""

    context: Context
    """The run's context; set before ``on_start`` is called."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._ids = 0
        self._unsaved: str | None = None

    def next_id(self) -> str:
        """An order id that this run has not used."""
        self._ids += 1
        return str(self._ids)

    def save(self, value: Mapping[str, Any]) -> None:
        """Keep something for the next run: it is in ``context.saved`` there, after a crash too.

        JSON values only. What is saved when a callback ends replaces what was saved before; it is
        durable soon after, not at once.

        Raises: TypeError for what JSON has no form for, ValueError for more than 64 KiB.
        """
        self._unsaved = encode_state(value)

    def take_saved(self) -> str | None:
        """What the last callback saved, as JSON, once. For who runs the strategy."""
        saved, self._unsaved = self._unsaved, None
        return saved

    def subscriptions(self) -> Sequence[Subscription]:
        """Say which market data to send. Called once, before ``declare``."""
        return ()

    def uses(self) -> Sequence[str]:
        """Say which signals of the house it uses, by their names. Called once."""
        return ()

    def declare(self, declarations: Declarations) -> None:
        """Say what is computed of candles; see :mod:`xache_sdk.signals`. Called once."""

    def on_start(self, context: Context) -> Intents | None:
        """Begin. The market data starts after this."""
        return ()

    def on_trade(self, trade: Trade) -> Intents | None:
        """See a trade."""
        return ()

    def on_book(self, book: Book) -> Intents | None:
        """See the best levels of a book."""
        return ()

    def on_candle(self, candle: Candle) -> Intents | None:
        """See a candle close, or change when the subscription asks for that."""
        return ()

    def on_signal(self, value: SignalValue) -> Intents | None:
        """See a new value of a signal that it uses.

        What a signal says of a candle comes after the candle itself: who decides by both decides
        here. ``context.signal`` has the newest value until it expires or is lost.
        """
        return ()

    def on_signal_lost(self, lost: SignalLost) -> Intents | None:
        """A signal that it uses has no value any more: it is stale, has failed or was stopped."""
        return ()

    def on_order(self, update: OrderUpdate) -> Intents | None:
        """See what became of an order."""
        return ()

    def on_change_refused(self, refusal: ChangeRefused) -> Intents | None:
        """See why an order was not changed."""
        return ()

    def on_timer(self, name: str, at_ns: int) -> Intents | None:
        """A timer has run out."""
        return ()

    def on_stop(self, cause: str) -> Intents | None:
        """End."""
        return ()


def checked(intents: Intents | None) -> list[Intent]:
    """What a callback returned, as a list; this also runs one that yields.

    Raises: TypeError for what is no intent, and what the callback raises.
    """
    # A callback that ends without a return wants nothing; that must not end a live strategy.
    if intents is None:
        return []
    try:
        listed = list(intents)
    except TypeError:
        # Looked at only now: this is called for every candle of a backtest.
        if not isinstance(intents, INTENTS):
            raise
        kind = type(intents).__name__
        raise TypeError(
            f"a callback returns a list of intents or yields them, not one {kind}"
        ) from None
    for intent in listed:
        if not isinstance(intent, INTENTS):
            raise TypeError(f"a callback returns intents, not {type(intent).__name__}")
    return listed
