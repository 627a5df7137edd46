"""Signals in a backtest: what they say as of a candle is told after it, and expires, as live.

Checked by breaking: without the nanosecond after what is known a strategy hears of a candle before
it sees it; without ``with_losses`` nobody is told that a signal is stale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import attrs
import pytest
from xache_sdk.indicators.averages import Sma
from xache_sdk.market import Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intents, Note, Place
from xache_sdk.signal_source import SignalSource
from xache_sdk.signal_values import Reading, Readings, SignalLost, SignalValue
from xache_sdk.signals import Declarations
from xache_sdk.strategy import Strategy

from tests.research.backtests import MINUTE_NS, SYMBOL, market, settings, walk
from xached.research.backtest.feed import told_candles
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.result import Gear
from xached.research.backtest.run import Run
from xached.research.backtest.saved_run import load_run, save_run
from xached.research.backtest.signal_tape import SignalSpec, SignalTape, tape_of
from xached.research.backtest.terms import MarketData, open_market
from xached.research.history.candle_set import DataError

CANDLES = Candles(SYMBOL, "TEST", Interval.M1)


@dataclass(frozen=True)
class Settings:
    """``every``: at how many ticks it says something."""

    every: int = 1
    window: int = 1


class Close(SignalSource[Settings]):
    """Says the close where it is a multiple of something."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        """One market."""
        return (CANDLES,)

    def on_candle(self, candle: Candle) -> Readings:
        """Say it."""
        if candle.close_ticks % self.settings.every == 0:
            yield Reading(float(candle.close_ticks))


class Diary(Strategy[Settings]):
    """Writes down what it sees, in order."""

    settings_type = Settings

    def uses(self) -> Sequence[str]:
        """One signal."""
        return ("close",)

    def subscriptions(self) -> Sequence[Subscription]:
        """The same market."""
        return (CANDLES,)

    def on_candle(self, candle: Candle) -> Intents:
        """Say what is known of the signal."""
        known = self.context.signal("close")
        yield Note(f"candle {candle.close_ticks}: {None if known is None else known.value:}")

    def on_signal(self, value: SignalValue) -> Intents:
        """Say what it says."""
        yield Note(f"signal {value.value:g} of {value.as_of_ns // MINUTE_NS}")

    def on_signal_lost(self, lost: SignalLost) -> Intents:
        """Say that it is gone."""
        yield Note(f"lost: {lost.why}")


class Averaged(Diary):
    """Trades by the signal and by a column, with a signal of its own declared."""

    def declare(self, declarations: Declarations) -> None:
        """An average, and where it is looked at."""
        self.average = declarations.indicator(CANDLES, Sma(window=5))
        declarations.signal(CANDLES, of=[self.average], decide=lambda column: (column > 0) * 1)

    def on_candle(self, candle: Candle) -> Intents:
        """Nothing is done here."""
        return ()

    def on_signal(self, value: SignalValue) -> Intents:
        """Buy below the average."""
        if self.average.value is not None and value.value < self.average.value:
            yield Place(id=self.next_id(), symbol=SYMBOL, side=Side.BUY, quantity=Decimal("0.001"))


def tape(data: MarketData, every: int = 1) -> SignalTape:
    """What the signal says over a market."""
    told = told_candles([data])
    return tape_of({"close": SignalSpec(Close, {"every": every})}, ["close"], told)


def test_what_is_said_of_a_candle_is_told_after_it_and_expires() -> None:
    data = market(*((price,) * 4 for price in (100, 101, 103, 105, 104)))
    terms = attrs.evolve(settings(), signals=tape(data, every=2))
    result = run_backtest(lambda: [Diary(Settings())], [data], terms)
    assert [(note.at_ns, note.text) for note in result.notes] == [
        (1 * MINUTE_NS, "candle 100: None"),
        (1 * MINUTE_NS + 1, "signal 100 of 1"),
        (2 * MINUTE_NS, "candle 101: 100.0"),
        (3 * MINUTE_NS, "candle 103: None"),
        (3 * MINUTE_NS + 1, "lost: it is stale: no newer value came in time"),
        (4 * MINUTE_NS, "candle 105: None"),
        (5 * MINUTE_NS, "candle 104: None"),
    ]


def test_a_run_that_begins_later_hears_what_holds_then() -> None:
    data = market(*((price,) * 4 for price in (100, 101, 102, 103)))
    terms = attrs.evolve(settings(), signals=tape(data), start_ns=2 * MINUTE_NS)
    result = run_backtest(lambda: [Diary(Settings())], [data], terms)
    assert [note.text for note in result.notes][:3] == [
        "signal 101 of 2", "candle 102: 101.0", "signal 102 of 3",
    ]  # fmt: skip


@pytest.mark.parametrize("gear", list(Gear)[:3])
def test_every_gear_gives_the_same(gear: Gear) -> None:
    data = open_market(walk(3, 3_000), maker_fee_ppm=100, taker_fee_ppm=100)
    terms = attrs.evolve(settings(), signals=tape(data, every=3))
    slow = Run([Averaged(Settings())], [data], terms).finish()
    fast = run_backtest(lambda: [Averaged(Settings())], [data], terms, gear=gear)
    assert (fast.fills, fast.end_units) == (slow.fills, slow.end_units)
    assert len(slow.fills) > 100


def test_a_saved_run_goes_on_to_hear(tmp_path: Path) -> None:
    path = tmp_path / "run"
    data = open_market(walk(3, 500), maker_fee_ppm=100, taker_fee_ppm=100)
    terms = attrs.evolve(settings(), signals=tape(data, every=3))
    whole = Run([Diary(Settings())], [data], terms).finish()
    save_run(Run([Diary(Settings())], [data], terms), path)
    assert load_run(path, [data]).finish().notes == whole.notes


def test_a_signal_that_is_not_there_is_missed() -> None:
    data = market((100,) * 4)
    with pytest.raises(DataError, match="uses close, which no signal of this run is called"):
        run_backtest(lambda: [Diary(Settings())], [data], settings())
    with pytest.raises(DataError, match="uses the signal 'other': none is given"):
        tape_of({}, ["other"], told_candles([data]))
