"""Run one signal: keep its candles, call it, check what it says, say what it is as of.

The process of a signal, its tests and backtests all run it through this; see the contract in
:mod:`xache_sdk.signal_source`.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeAlias

from xache_sdk.candle_series import SeriesByMarket
from xache_sdk.exact import EXACT
from xache_sdk.market import Book, Candle, Candles, Subscription, Trade, checked_subscriptions
from xache_sdk.signal_source import SignalSource, SourceContext
from xache_sdk.signal_values import READINGS_MAX, Reading, Readings, SignalValue, check_signal_name
from xache_sdk.signals import Declarations

SourceInput: TypeAlias = Trade | Book | Candle

VALID_NS: Final = 60 * 10**9
"""Of what is said of a trade or a book; of a candle it is twice its interval."""


class SourceSession:
    """A signal that is run under a name; it has subscribed and declared, and is not started yet.

    Raises: what the signal raises; ValueError for a subscription that a signal may not have.
    """

    def __init__(self, name: str, source: SignalSource[Any]) -> None:
        self.name = check_signal_name(name)
        self.source = source
        self.subscriptions: Sequence[Subscription] = checked_subscriptions(source.subscriptions())
        if any(isinstance(each, Candles) and each.forming for each in self.subscriptions):
            raise ValueError("a signal is of closed candles: it may not change afterwards")
        declarations = Declarations()
        source.declare(declarations)
        self._series = SeriesByMarket(self.subscriptions, declarations)

    def warm_up(self, candle: Candle) -> None:
        """Hand over a closed candle from before the start. Call it oldest first."""
        self._series.of(candle).warm_up(candle)

    def start(self, context: SourceContext) -> None:
        """Call ``on_start``. Raises: what the signal raises."""
        self.source.context = context
        context.histories = dict(self._series.histories())
        with decimal.localcontext(EXACT):
            self.source.on_start(context)
        self._series.trim()

    def take(self, value: SourceInput) -> list[SignalValue]:
        """Call the callback a value is for.

        Raises: what the signal raises; TypeError or ValueError for what is no reading.
        """
        source = self.source
        with decimal.localcontext(EXACT):
            match value:
                case Candle():
                    self._series.of(value).push(value)
                    said = self._values(source.on_candle, value)
                    return list(_as_of(self.name, said, value.ends_at_ns, 2 * value.interval.ns))
                case Trade():
                    return list(
                        _as_of(self.name, self._values(source.on_trade, value), value.at_ns)
                    )
                case Book():
                    return list(_as_of(self.name, self._values(source.on_book, value), value.at_ns))

    def _values(self, call: Callable[[Any], Readings | None], value: SourceInput) -> list[Reading]:
        said = list(call(value) or ())
        for each in said:
            if not isinstance(each, Reading):
                raise TypeError(f"a signal says readings, not {type(each).__name__}")
        if len({each.name for each in said}) < len(said) or len(said) > READINGS_MAX:
            raise ValueError(f"a signal says each name once, and at most {READINGS_MAX} of them")
        return said


def _as_of(
    name: str, said: Sequence[Reading], as_of_ns: int, valid_ns: int = VALID_NS
) -> Iterator[SignalValue]:
    for each in said:
        yield SignalValue(
            signal=name,
            name=each.name,
            value=float(each.value),
            confidence=None if each.confidence is None else float(each.confidence),
            as_of_ns=as_of_ns,
            expires_at_ns=as_of_ns + (each.valid_ns or valid_ns),
        )
