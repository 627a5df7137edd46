"""Run one strategy: keep its context current, call it, gather what it wants.

The process of a strategy, its tests and backtests all run it through this; see the contract in
:mod:`xache_sdk.strategy`. What happens to money and positions is told by the caller, who writes it
into ``context`` before the call.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from typing import Any

from xache_sdk.candle_series import SeriesByMarket
from xache_sdk.context import Context
from xache_sdk.exact import EXACT
from xache_sdk.market import Book, Candle, Subscription, Trade, checked_subscriptions
from xache_sdk.orders import ChangeRefused, Intent, OrderUpdate, Save
from xache_sdk.signal_values import SignalLost, SignalValue, check_signal_name
from xache_sdk.signals import ColumnDeclaration, Declarations, Step
from xache_sdk.strategy import Input, StopAsked, Strategy, TimerDue, checked


class Session:
    """A strategy that is run; it has subscribed and declared, and is not started yet.

    Raises: what the strategy raises.
    """

    def __init__(self, strategy: Strategy[Any]) -> None:
        self.strategy = strategy
        self.subscriptions: Sequence[Subscription] = checked_subscriptions(strategy.subscriptions())
        self.declarations = Declarations()
        strategy.declare(self.declarations)
        self.uses: frozenset[str] = frozenset(map(check_signal_name, strategy.uses()))
        self._series = SeriesByMarket(self.subscriptions, self.declarations)

    def warm_up(self, candle: Candle) -> None:
        """Hand over a closed candle from before the start. Call it oldest first."""
        self._series.of(candle).warm_up(candle)

    def start(self, context: Context) -> list[Intent]:
        """Call ``on_start``. Raises: what the strategy raises; TypeError for what is no intent."""
        self.strategy.context = context
        context.histories = dict(self._series.histories())
        with decimal.localcontext(EXACT):
            intents = self._finished(self.strategy.on_start(context))
        self._series.trim()
        return intents

    def compute(self, declaration: ColumnDeclaration, step: Step) -> None:
        """Compute a declared column another way, as from values that are known already."""
        self._series.compute(declaration.column, step)

    def pass_over(self, candle: Candle) -> None:
        """Let a closed candle into histories and columns without calling the strategy."""
        self._series.of(candle).push(candle)

    def take(self, value: Input) -> list[Intent]:
        """Call the callback a value is for. Raises as :meth:`start` does."""
        strategy = self.strategy
        with decimal.localcontext(EXACT):
            match value:
                case Trade():
                    return self._finished(strategy.on_trade(value))
                case Book():
                    return self._finished(strategy.on_book(value))
                case Candle():
                    if value.closed:
                        self._series.of(value).push(value)
                    return self._finished(strategy.on_candle(value))
                case OrderUpdate():
                    strategy.context.note_order(value)
                    return self._finished(strategy.on_order(value))
                case ChangeRefused():
                    return self._finished(strategy.on_change_refused(value))
                case SignalValue():
                    strategy.context.note_signal(value)
                    return self._finished(strategy.on_signal(value))
                case SignalLost():
                    strategy.context.lose_signal(value)
                    return self._finished(strategy.on_signal_lost(value))
                case TimerDue():
                    return self._finished(strategy.on_timer(value.name, value.at_ns))
                case StopAsked():
                    return self._finished(strategy.on_stop(value.cause))

    def _finished(self, returned: Any) -> list[Intent]:
        intents = checked(returned)
        saved = self.strategy.take_saved()
        if saved is not None:
            intents.append(Save(version=self.strategy.state_version, text=saved))
        return intents
