"""Signals: what they say is as of its bar, expires, and knows no future.

Checked by breaking: with ``check_source`` comparing nothing the one that peeks passes, without
``failing`` around what it runs the one that needs the future fails with an error of its own; with
``signal`` of the context not looking at the clock a strategy goes on by what has expired.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from xache_sdk.indicators.averages import Sma
from xache_sdk.look_ahead import LookedAhead, check_no_look_ahead
from xache_sdk.market import Candle, Candles, Interval, Side, Subscription, Trade, Trades
from xache_sdk.orders import Intents, Note, Place
from xache_sdk.replay import MarketValue, known_at_ns
from xache_sdk.signal_source import SignalSource
from xache_sdk.signal_values import Reading, Readings, SignalLost, SignalValue, with_losses
from xache_sdk.signals import Declarations
from xache_sdk.source_replay import check_source, run_source
from xache_sdk.strategy import Strategy
from xache_sdk.testing import (
    Rig,
    SourceRig,
    make_candle,
    make_context,
    make_instrument,
    make_signal,
    make_trade,
)

MINUTE_NS = 60 * 10**9
INSTRUMENT = make_instrument()
CANDLES = Candles("BTC-USDT", "XACHE", Interval.M1, history=100)


@dataclass(frozen=True)
class Settings:
    """How long an average is."""

    window: int = 3


class Trend(SignalSource[Settings]):
    """How far the price is above its average, in ticks."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        """One market."""
        return (CANDLES,)

    def declare(self, declarations: Declarations) -> None:
        """An average."""
        self.average = declarations.indicator(CANDLES, Sma(window=self.settings.window))

    def on_candle(self, candle: Candle) -> Readings:
        """Say it once it is known."""
        if self.average.value is not None:
            yield Reading(candle.close_ticks - self.average.value, confidence=0.5)


class Flow(SignalSource[Settings]):
    """The side of the last trade."""

    settings_type = Settings

    def subscriptions(self) -> Sequence[Subscription]:
        """One tape."""
        return (Trades("BTC-USDT", "XACHE"),)

    def on_trade(self, trade: Trade) -> Readings:
        """Say it."""
        return [Reading(1.0 if trade.taker_side is Side.BUY else -1.0, "side")]


class Peeking(Trend):
    """Reads the last candle out of the memory it shares with who runs it."""

    all: Sequence[Candle] = ()

    def on_candle(self, candle: Candle) -> Readings:
        """Say where the price will be in the end."""
        if not self.all:
            self.all = what_holds(candle)
        return [Reading(float(self.all[-1].close_ticks))]


class Needing(Peeking):
    """Cannot do without what is to come."""

    def on_candle(self, candle: Candle) -> Readings:
        """Fail where there is less of it."""
        [said] = super().on_candle(candle)
        if len(self.all) < 60:
            raise IndexError("there is too little to come")
        return [said]


def what_holds(value: object) -> list[Any]:
    """The shortest list that a value is in, of those that are long: the tests hold longer ones."""
    lists = [each for each in gc.get_referrers(value) if isinstance(each, list)]
    return min((each for each in lists if len(each) >= 20), key=len)


def candles(count: int) -> list[Candle]:
    """Candles of prices that go up and down."""
    return [
        make_candle(INSTRUMENT, number * MINUTE_NS, str(100 + (number * 7) % 11))
        for number in range(count)
    ]


def test_what_is_said_is_as_of_its_bar_and_expires() -> None:
    rig = SourceRig(Trend, {"window": 2})
    rig.start(INSTRUMENT, warm_up=candles(1))
    [said] = rig.feed(candles(2)[1])
    assert said == SignalValue(
        signal="tested", name="value", value=350.0, confidence=0.5,
        as_of_ns=2 * MINUTE_NS, expires_at_ns=4 * MINUTE_NS,
    )  # fmt: skip


def test_what_is_said_of_a_trade_is_as_of_it() -> None:
    rig = SourceRig(Flow, {})
    rig.start(INSTRUMENT)
    [said] = rig.feed(make_trade(INSTRUMENT, 5, "100", side=Side.SELL))
    assert (said.name, said.value, said.as_of_ns) == ("side", -1.0, 5)
    assert said.expires_at_ns == 5 + MINUTE_NS


@pytest.mark.parametrize(
    "said",
    [
        lambda: Reading(float("nan")),
        lambda: Reading(1.0, "No"),
        lambda: Reading(1.0, confidence=1.1),
        lambda: Reading(1.0, valid_ns=0),
    ],
)
def test_what_is_no_reading_cannot_be_said(said: Callable[[], Reading]) -> None:
    with pytest.raises(ValueError, match=r"number|name|confidence|valid"):
        said()


def test_a_name_is_said_once_at_a_time_and_a_candle_is_closed() -> None:
    class Twice(Trend):
        def on_candle(self, candle: Candle) -> Readings:
            return [Reading(1.0), Reading(2.0)]

    class Open(Trend):
        def subscriptions(self) -> Sequence[Subscription]:
            return (Candles("BTC-USDT", "XACHE", Interval.M1, forming=True),)

    rig = SourceRig(Twice, {})
    rig.start(INSTRUMENT)
    with pytest.raises(ValueError, match="each name once"):
        rig.feed(*candles(1))
    with pytest.raises(ValueError, match="closed candles"):
        SourceRig(Open, {})


def test_an_honest_signal_passes_and_says_the_same_over_a_beginning() -> None:
    check_source(Trend, {}, candles(80))
    whole, part = (run_source("trend", Trend, {}, candles(count)) for count in (80, 30))
    assert whole[: len(part)] == part
    assert len(whole) == 78


@pytest.mark.parametrize("cheat", [Peeking, Needing])
def test_one_that_knows_the_future_is_found_with_the_place(cheat: type[Trend]) -> None:
    with pytest.raises(LookedAhead) as found:
        check_source(cheat, {}, candles(80))
    assert "test_signal_source.py:" in found.value.place
    assert found.value.at_ns > 0


def test_a_value_that_nothing_follows_is_lost() -> None:
    values = [make_signal("a", 1.0, at, valid_ns=10) for at in (0, 5, 30)]
    events = with_losses(values, 100)
    assert [(type(each).__name__, each.at_ns) for each in events] == [
        ("SignalValue", 0), ("SignalValue", 5), ("SignalLost", 15), ("SignalValue", 30),
        ("SignalLost", 40),
    ]  # fmt: skip
    assert with_losses(values, 39)[-1] == values[-1]


class Following(Strategy[Settings]):
    """Buys while a signal is above 0."""

    settings_type = Settings

    def uses(self) -> Sequence[str]:
        """One signal."""
        return ("trend",)

    def subscriptions(self) -> Sequence[Subscription]:
        """One market."""
        return (CANDLES,)

    def on_signal(self, value: SignalValue) -> Intents:
        """Buy."""
        if value.value > 0:
            yield Place(id=self.next_id(), symbol="BTC-USDT", side=Side.BUY, quantity=Decimal(1))

    def on_signal_lost(self, lost: SignalLost) -> Intents:
        """Say so."""
        yield Note(f"{lost.signal}: {lost.why}")

    def on_candle(self, candle: Candle) -> Intents:
        """Say what is known."""
        known = self.context.signal("trend")
        yield Note("nothing" if known is None else f"{known.value:g}")


def test_a_strategy_is_told_and_what_has_expired_is_not_there() -> None:
    rig = Rig(Following, {})
    rig.start(make_context(INSTRUMENT))
    first, second, third = candles(3)
    assert rig.feed(make_signal("trend", -2.0, 0, valid_ns=2 * MINUTE_NS)) == []
    assert rig.feed(first, second) == [Note("-2"), Note("nothing")]
    [place] = rig.feed(make_signal("trend", 3.0, 2 * MINUTE_NS, valid_ns=9 * MINUTE_NS))
    assert isinstance(place, Place)
    lost = SignalLost(signal="trend", name="", why="it failed", at_ns=2 * MINUTE_NS)
    assert rig.feed(lost, third) == [Note("trend: it failed"), Note("nothing")]


def test_a_strategy_is_checked_with_its_signals() -> None:
    told = candles(80)
    said = tuple(run_source("trend", Trend, {}, told))
    data: list[MarketValue] = sorted((*told, *said), key=known_at_ns)
    check_no_look_ahead(Following, {}, data)

    class Later(Following):
        def on_signal(self, value: SignalValue) -> Intents:
            if len(what_holds(value)) > 140:
                yield Place(
                    id=self.next_id(), symbol="BTC-USDT", side=Side.BUY, quantity=Decimal(1)
                )

    with pytest.raises(LookedAhead):
        check_no_look_ahead(Later, {}, data)
