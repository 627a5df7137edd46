"""What a strategy is run over at the terminal: candles of histories, with what goes with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import attrs
from xache_sdk.look_ahead import check_no_look_ahead
from xache_sdk.settings import make_settings
from xache_sdk.strategy import Strategy

from xached.research.backtest.feed import told_candles
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.result import RunResult
from xached.research.backtest.signal_tape import with_signals
from xached.research.backtest.terms import MarketData, RunSettings
from xached.research.judgement.candle_runner import CandleRunner, candle_facts, whole_window
from xached.research.judgement.report import Settings
from xached.research.judgement.walk_forward import Runner, Window

CHECKED_CANDLES: Final = 20_000
"""So many of the newest candles are looked at for a look ahead."""

Progress = Callable[[float], None]


@attrs.frozen
class Maker:
    """Makes strategies of settings as JSON has them. Processes elsewhere get it too."""

    strategy: type[Strategy[Any]]

    def __call__(self, settings: Settings) -> Strategy[Any]:
        """A new strategy. Raises: SettingsError."""
        return self.strategy(make_settings(self.strategy.settings_type, dict(settings)))


class Arena(Protocol):
    """A market, or some, as they were, and how orders are filled in them."""

    @property
    def markets(self) -> Sequence[MarketData]:
        """The markets as a report shows them."""
        ...

    @property
    def window(self) -> Window:
        """From when to when a strategy runs."""
        ...

    @property
    def facts(self) -> Mapping[str, str]:
        """What a report says of it."""
        ...

    def check(self, strategy: type[Strategy[Any]], settings: Settings) -> None:
        """Refuse a strategy that looks ahead. Raises: CheckFailed."""
        ...

    def run(self, make: Maker, settings: Settings, progress: Progress) -> RunResult:
        """Run a strategy once."""
        ...

    def runner(self, make: Maker, size: int = 1) -> Runner[Settings]:
        """What runs it over windows, with orders that count as so many times as large.

        Raises: ValueError for a size that cannot be told from another.
        """
        ...


@attrs.frozen
class CandleArena:
    """Candles of one market or of several."""

    markets: Sequence[MarketData]
    terms: RunSettings

    @property
    def window(self) -> Window:
        """From when to when a strategy runs."""
        whole = whole_window(self.markets)
        if self.terms.start_ns is None:
            return whole
        return attrs.evolve(whole, start_at_ns=max(whole.start_at_ns, self.terms.start_ns))

    @property
    def facts(self) -> Mapping[str, str]:
        """What a report says of it."""
        return candle_facts(self.markets, self.terms)

    def check(self, strategy: type[Strategy[Any]], settings: Settings) -> None:
        """Refuse a strategy that looks ahead. Raises: CheckFailed."""
        told = told_candles(self.markets)[-CHECKED_CANDLES:]
        data = with_signals(told, self.terms.signals)
        check_no_look_ahead(strategy, settings, data)

    def run(self, make: Maker, settings: Settings, progress: Progress) -> RunResult:
        """Run a strategy once, in the quickest gear."""
        return run_backtest(lambda: [make(settings)], self.markets, self.terms, progress=progress)

    def runner(self, make: Maker, size: int = 1) -> Runner[Settings]:
        """What runs it over windows; of larger sizes only the worth at the end of each day."""
        terms = attrs.evolve(self.terms, size=size)
        return CandleRunner(make, tuple(self.markets), terms, daily=size > 1)
