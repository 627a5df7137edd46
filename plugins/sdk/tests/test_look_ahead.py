"""Those who look ahead are found and told where; those who do not pass."""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xache_sdk.context import Context
from xache_sdk.indicators.averages import Sma
from xache_sdk.look_ahead import LookedAhead, PromiseBroken, check_no_look_ahead
from xache_sdk.market import XACHE, Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intents, Note, OrderUpdate, Place, SetTimer
from xache_sdk.signals import CandleColumns, Column, Declarations
from xache_sdk.strategy import Strategy
from xache_sdk.testing import make_candle, make_instrument

RULES = make_instrument(tick_size="0.01")
MINUTE_NS = 60_000_000_000
BARS = Candles("BTC-USDT", XACHE, Interval.M1, warm_up=5, history=5)
HERE = __file__


def walk(count: int = 400) -> list[Candle]:
    """A market that goes up and down."""
    draw = random.Random(7)
    price, candles = 10_000, []
    for index in range(count):
        price = max(100, price + draw.randint(-60, 60))
        candles.append(make_candle(RULES, index * MINUTE_NS, RULES.price(price)))
    return candles


DATA = walk()


@dataclass(frozen=True)
class Nothing:
    pass


class Trading(Strategy[Nothing]):
    """Buys when it feels like it and has nothing, sells when it does not and has."""

    settings_type = Nothing

    def subscriptions(self) -> Sequence[Subscription]:
        return [BARS]

    def feels_like_it(self, candle: Candle) -> bool | None:
        return None

    def on_candle(self, candle: Candle) -> Intents:
        wanted = self.feels_like_it(candle)
        held = self.context.position("BTC-USDT").quantity
        if wanted is not None and wanted != (held > 0):
            side = Side.BUY if wanted else Side.SELL
            yield Place(id=self.next_id(), symbol="BTC-USDT", side=side, quantity=Decimal(1))


class Honest(Trading):
    """Crosses of two averages, step by step and at once."""

    def declare(self, declarations: Declarations) -> None:
        def average(window: int) -> Column:
            steps, whole = Sma(window), Sma(window)
            return declarations.column(
                BARS,
                step=lambda candle: steps.push(candle.close_ticks),
                batch=lambda columns: whole.over(columns.close_ticks),
                key=("sma", window),
            )

        self.fast, self.slow = average(4), average(15)
        declarations.signal(BARS, of=[self.fast, self.slow], decide=self.decide)

    @staticmethod
    def decide(fast: NDArray[Any], slow: NDArray[Any]) -> NDArray[Any]:
        signs: NDArray[Any] = np.nan_to_num(np.sign(fast - slow))
        return signs

    def feels_like_it(self, candle: Candle) -> bool | None:
        fast, slow = self.fast.value, self.slow.value
        if fast is None or slow is None or fast == slow:
            return None
        return fast > slow


class HonestAboutThePast(Trading):
    """A trend over its history, timers, and notes on its orders."""

    def on_start(self, context: Context) -> Intents:
        assert len(context.candles(BARS)) == 5
        yield SetTimer("t", 10 * MINUTE_NS)

    def feels_like_it(self, candle: Candle) -> bool | None:
        history = self.context.candles(BARS)
        return history[-1].close_ticks > history[0].close_ticks

    def on_timer(self, name: str, at_ns: int) -> Intents:
        return [Note(f"{at_ns}"), SetTimer("t", 10 * MINUTE_NS)]

    def on_order(self, update: OrderUpdate) -> Intents:
        return [Note(update.status.value)]


class OverTheWholeRange(Trading):
    """The price relative to its mean and spread over all of the data."""

    def declare(self, declarations: Declarations) -> None:
        def normalised(columns: CandleColumns) -> NDArray[Any]:
            close = columns.close_ticks.astype(np.float64)
            scores: NDArray[Any] = (close - close.mean()) / close.std()
            return scores

        self.score = declarations.column(BARS, step=lambda candle: None, batch=normalised)

    def feels_like_it(self, candle: Candle) -> bool | None:
        return self.score.value is not None and self.score.value < 0


class Centred(Trading):
    """An average that has its own candle in the middle."""

    def declare(self, declarations: Declarations) -> None:
        def centred(columns: CandleColumns) -> NDArray[Any]:
            return np.convolve(columns.close_ticks, np.full(5, 0.2), mode="same")

        self.middle = declarations.column(BARS, step=lambda candle: None, batch=centred)

    def feels_like_it(self, candle: Candle) -> bool | None:
        return self.middle.value is not None and self.middle.value > candle.close_ticks


class Repainting(Trading):
    """Turning points of a zigzag: known only after the market has turned."""

    def declare(self, declarations: Declarations) -> None:
        def zigzag(columns: CandleColumns) -> NDArray[Any]:
            close, turns = columns.close_ticks, np.zeros(len(columns.close_ticks))
            turn, up = 0, True
            for index, price in enumerate(close):
                if (price > close[turn]) == up:
                    turn = index
                elif abs(price - close[turn]) > 100:
                    turns[turn] = 1.0 if up else -1.0
                    turn, up = index, not up
            return turns

        self.turn = declarations.column(BARS, step=lambda candle: None, batch=zigzag)

    def feels_like_it(self, candle: Candle) -> bool | None:
        return {1.0: False, -1.0: True}.get(self.turn.value or 0.0)


class RememberingTheColumns(Trading):
    """Keeps what was given for computing, and reads the next candle from it."""

    def declare(self, declarations: Declarations) -> None:
        self.closes: list[int] = []

        def remember(columns: CandleColumns) -> NDArray[Any]:
            self.closes = columns.close_ticks.tolist()
            return np.zeros(len(self.closes))

        declarations.column(BARS, step=lambda candle: 0.0, batch=remember)

    def feels_like_it(self, candle: Candle) -> bool | None:
        index = candle.open_at_ns // MINUTE_NS + 1
        if index < len(self.closes):
            return self.closes[index] > candle.close_ticks
        return None


class RememberingCarelessly(RememberingTheColumns):
    """The same, and falls over at the end of the data."""

    def feels_like_it(self, candle: Candle) -> bool | None:
        index = candle.open_at_ns // MINUTE_NS + 1
        return index < len(DATA) and self.closes[index] > candle.close_ticks


class LookingAround(Trading):
    """Finds the data in the frames of who called it."""

    def feels_like_it(self, candle: Candle) -> bool | None:
        frame = sys._getframe()
        while "self" not in frame.f_locals or not hasattr(frame.f_locals["self"], "_data"):
            assert frame.f_back is not None
            frame = frame.f_back
        data = frame.f_locals["self"]._data
        return bool(data[-1].close_ticks > candle.close_ticks)


class TwoForms(Honest):
    """Its columns are not what they are step by step."""

    def declare(self, declarations: Declarations) -> None:
        step = Sma(4)
        self.fast = declarations.column(
            BARS, step=lambda candle: step.push(candle.close_ticks), batch=self.others
        )
        self.slow = self.fast

    @staticmethod
    def others(columns: CandleColumns) -> NDArray[Any]:
        return Sma(5).over(columns.close_ticks)


class Sleepless(Honest):
    """Acts where its signal says that it does not."""

    def feels_like_it(self, candle: Candle) -> bool | None:
        return candle.open_at_ns // MINUTE_NS % 2 == 0


@pytest.mark.parametrize("strategy", [Honest, HonestAboutThePast])
def test_the_honest_pass(strategy: type[Strategy[Any]]) -> None:
    check_no_look_ahead(strategy, {}, DATA)


@pytest.mark.parametrize(
    ("strategy", "function"),
    [
        (OverTheWholeRange, "normalised"),
        (Centred, "centred"),
        (Repainting, "zigzag"),
    ],
)
def test_columns_that_change_with_the_future_are_named(
    strategy: type[Strategy[Any]], function: str
) -> None:
    """Their step-by-step form says nothing, so that the values are what gives them away."""
    honest_forms = type("Same", (strategy,), {"declare": _only_batch(strategy)})
    with pytest.raises(LookedAhead, match=r"at 1970-01-01 .* it gave .* when the data ended") as it:
        check_no_look_ahead(honest_forms, {}, DATA)
    assert it.value.place == f"{HERE}:{line_of(f'def {function}(')}"
    assert 0 < it.value.at_ns <= DATA[-1].ends_at_ns


def _only_batch(strategy: type[Strategy[Any]]) -> Any:
    """Let the step-by-step form repeat what was computed at once, as such strategies do."""

    def declare(self: Strategy[Any], declarations: Declarations) -> None:
        class Repeating(Declarations):
            def column(self, candles: Candles, *, step: Any, batch: Any, key: Any = None) -> Column:
                columns = columns_of(DATA)
                values = iter(batch(columns).tolist())
                return declarations.column(candles, step=lambda _: next(values), batch=batch)

        strategy.declare(self, Repeating())

    return declare


def columns_of(candles: Sequence[Candle]) -> CandleColumns:
    def column(name: str) -> NDArray[np.int64]:
        return np.array([getattr(each, name) for each in candles], dtype=np.int64)

    names = (
        "open_at_ns", "open_ticks", "high_ticks", "low_ticks", "close_ticks", "volume_lots",
    )  # fmt: skip
    return CandleColumns(
        instrument=RULES, venue=XACHE, interval=Interval.M1,
        **{name: column(name) for name in names},
    )  # fmt: skip


@pytest.mark.parametrize("strategy", [RememberingTheColumns, LookingAround])
def test_decisions_that_change_with_the_future_are_shown(strategy: type[Strategy[Any]]) -> None:
    with pytest.raises(LookedAhead, match=r"it wanted .*, but .* when the data ended") as it:
        check_no_look_ahead(strategy, {}, DATA)
    assert it.value.place == f"{HERE}:{line_of('def on_candle(')}"


def test_who_falls_over_without_the_future_is_shown() -> None:
    with pytest.raises(LookedAhead, match="it raised IndexError") as it:
        check_no_look_ahead(RememberingCarelessly, {}, DATA)
    assert it.value.place.startswith(f"{HERE}:")


def test_forms_that_differ_are_a_broken_promise() -> None:
    with pytest.raises(PromiseBroken, match=r"is \d+\.\d+ step by step, but None") as it:
        check_no_look_ahead(TwoForms, {}, DATA)
    assert it.value.place == f"{HERE}:{line_of('def others(') - 1}"


def test_acting_against_the_own_signal_is_a_broken_promise() -> None:
    with pytest.raises(PromiseBroken, match="only called where its signal changes"):
        check_no_look_ahead(Sleepless, {}, DATA)


def line_of(text: str) -> int:
    with open(HERE, encoding="utf-8") as file:  # noqa: PTH123 - one line of it
        return next(number for number, line in enumerate(file, 1) if text in line)
