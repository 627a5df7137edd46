"""Run one strategy: keep its context current, call it, gather what it wants.

The process of a strategy, its tests and backtests all run it through this; see the contract in
:mod:`xache_sdk.strategy`. What happens to money and positions is told by the caller, who writes it
into ``context`` before the call.
"""

from __future__ import annotations

import decimal
from collections.abc import Sequence
from typing import Any

from xache_sdk.context import Context
from xache_sdk.exact import EXACT
from xache_sdk.market import Book, Candle, CandleHistory, Candles, Subscription, Trade
from xache_sdk.orders import ChangeRefused, Intent, OrderUpdate, Save
from xache_sdk.signals import Column, ColumnDeclaration, Declarations, Step
from xache_sdk.strategy import Input, StopAsked, Strategy, TimerDue, checked


class Session:
    """A strategy that is run; it has subscribed and declared, and is not started yet.

    Raises: what the strategy raises.
    """

    def __init__(self, strategy: Strategy[Any]) -> None:
        self.strategy = strategy
        self.subscriptions: Sequence[Subscription] = tuple(strategy.subscriptions())
        self.declarations = Declarations()
        strategy.declare(self.declarations)
        self._series = {
            (each.symbol, each.venue, each.interval): _Series(each, self.declarations)
            for each in self.subscriptions
            if isinstance(each, Candles)
        }

    def warm_up(self, candle: Candle) -> None:
        """Hand over a closed candle from before the start. Call it oldest first."""
        self._series_of(candle).warm_up(candle)

    def start(self, context: Context) -> list[Intent]:
        """Call ``on_start``. Raises: what the strategy raises; TypeError for what is no intent."""
        self.strategy.context = context
        context.histories = {each.candles: each.history for each in self._series.values()}
        with decimal.localcontext(EXACT):
            intents = self._finished(self.strategy.on_start(context))
        for each in self._series.values():
            each.history.trim()
        return intents

    def compute(self, declaration: ColumnDeclaration, step: Step) -> None:
        """Compute a declared column another way, as from values that are known already."""
        for series in self._series.values():
            series.compute(declaration.column, step)

    def pass_over(self, candle: Candle) -> None:
        """Let a closed candle into histories and columns without calling the strategy."""
        self._series_of(candle).push(candle)

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
                        self._series_of(value).push(value)
                    return self._finished(strategy.on_candle(value))
                case OrderUpdate():
                    strategy.context.note_order(value)
                    return self._finished(strategy.on_order(value))
                case ChangeRefused():
                    return self._finished(strategy.on_change_refused(value))
                case TimerDue():
                    return self._finished(strategy.on_timer(value.name, value.at_ns))
                case StopAsked():
                    return self._finished(strategy.on_stop(value.cause))

    def _series_of(self, candle: Candle) -> _Series:
        found = self._series.get((candle.symbol, candle.venue, candle.interval))
        if found is None:
            raise LookupError(f"it does not subscribe to candles like {candle}")
        return found

    def _finished(self, returned: Any) -> list[Intent]:
        intents = checked(returned)
        saved = self.strategy.take_saved()
        if saved is not None:
            intents.append(Save(version=self.strategy.state_version, text=saved))
        return intents


class _Series:
    """One subscription to candles: its history and its columns."""

    def __init__(self, candles: Candles, declarations: Declarations) -> None:
        self.candles = candles
        self.history = CandleHistory(candles.history)
        self._steps: list[tuple[Column, Step]] = [
            (each.column, each.step) for each in declarations.columns if each.candles == candles
        ]

    def compute(self, column: Column, step: Step) -> None:
        self._steps = [(each, step if each is column else before) for each, before in self._steps]

    def warm_up(self, candle: Candle) -> None:
        if self.candles.warm_up:
            self.history.extend_for_start(candle)
        self._step(candle)

    def push(self, candle: Candle) -> None:
        if self.candles.history:
            self.history.push(candle)
        self._step(candle)

    def _step(self, candle: Candle) -> None:
        for column, step in self._steps:
            column.value = step(candle)
