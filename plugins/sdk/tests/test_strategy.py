"""The strategy class, intents, and the arithmetic callbacks run under."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.context import Context
from xache_sdk.market import XACHE, Book, Candle, Candles, Interval, Side, Subscription, Trade
from xache_sdk.orders import Intents, Note, OrderStatus, OrderUpdate, Place, SetTimer
from xache_sdk.settings import SettingsError
from xache_sdk.strategy import StopAsked, Strategy, TimerDue
from xache_sdk.testing import (
    Rig,
    make_book,
    make_candle,
    make_context,
    make_instrument,
    make_trade,
)
from xache_sdk.wire import write_intents

ONE = Decimal(1)
RULES = make_instrument("S-T", tick_size="1")
TRADE = make_trade(RULES, 1, "1")
BOOK = make_book(RULES, 1, [("1", "1")], [])
CANDLE = make_candle(RULES, 0, "1", interval=Interval.S1)
UPDATE = OrderUpdate(id="1", own=True, symbol="S", side=Side.BUY, status=OrderStatus.OPEN, at_ns=1)


@dataclass(frozen=True)
class Nothing:
    pass


class Silent(Strategy[Nothing]):
    settings_type = Nothing

    def subscriptions(self) -> Sequence[Subscription]:
        return [Candles("S-T", XACHE, Interval.S1)]


class Talkative(Silent):
    def on_start(self, context: Context) -> Intents:
        yield Note(f"start {context.run_id}")

    def on_trade(self, trade: Trade) -> Intents:
        return [Note(f"trade {trade.price}")]

    def on_book(self, book: Book) -> Intents:
        return [Note(f"book {book.mid}")]

    def on_candle(self, candle: Candle) -> Intents:
        return [Note(f"candle {candle.close}")]

    def on_order(self, update: OrderUpdate) -> Intents:
        return [Note(f"order {update.status.value}")]

    def on_timer(self, name: str, at_ns: int) -> Intents:
        return [Note(f"timer {name} {at_ns}")]

    def on_stop(self, cause: str) -> Intents:
        return [Note(f"stop {cause}")]


def started(strategy_type: type[Strategy[Any]]) -> Rig:
    rig = Rig(strategy_type, {})
    rig.start(make_context(RULES))
    return rig


def test_every_value_reaches_its_callback() -> None:
    rig = Rig(Talkative, {})
    assert rig.start(make_context()) == [Note("start test")]
    values = (TRADE, BOOK, CANDLE, UPDATE, TimerDue("t", 5), StopAsked("enough"))
    assert rig.feed(*values) == [
        Note(text)
        for text in (
            "trade 1", "book None", "candle 1", "order OPEN", "timer t 5", "stop enough",
        )
    ]  # fmt: skip


def test_a_strategy_may_leave_every_callback_alone() -> None:
    rig = Rig(Silent, {})
    assert rig.start(make_context()) == []
    values = (TRADE, BOOK, CANDLE, UPDATE, TimerDue("t", 5), StopAsked("enough"))
    assert rig.feed(*values) == []


def test_a_callback_that_returns_nothing_wants_nothing() -> None:
    class Watching(Silent):
        def on_trade(self, trade: Trade) -> Any:
            self.seen = trade

    assert started(Watching).feed(TRADE) == []


def test_what_is_no_intent_is_a_mistake() -> None:
    class Wrong(Silent):
        def on_trade(self, trade: Trade) -> Any:
            return [trade.symbol]

    with pytest.raises(TypeError, match="intents, not str"):
        started(Wrong).feed(TRADE)


def test_callbacks_do_not_round_at_28_digits() -> None:
    class Adding(Silent):
        def on_trade(self, trade: Trade) -> Intents:
            yield Note(str(trade.price + Decimal("1e30") + Decimal("0.000000001")))

    assert started(Adding).feed(TRADE) == [Note("1000000000000000000000000000001.000000001")]


def test_one_intent_alone_is_told_how_it_is_given() -> None:
    class Alone(Silent):
        def on_trade(self, trade: Trade) -> Any:
            return Note("bought")

    with pytest.raises(TypeError, match="a list of intents or yields them, not one Note"):
        started(Alone).feed(TRADE)


@pytest.mark.parametrize(("given", "told"), [(None, "None"), (["BTC-USDT"], "'BTC-USDT'")])
def test_what_is_no_subscription_is_a_mistake(given: Any, told: str) -> None:
    class Odd(Silent):
        def subscriptions(self) -> Any:
            return given

    with pytest.raises(TypeError, match=f"lists Trades, Books and Candles, not {told}"):
        started(Odd)


def test_a_strategy_needs_no_settings() -> None:
    class Bare(Strategy[Any]):
        pass

    assert Rig(Bare, {}).start(make_context(RULES)) == []
    with pytest.raises(SettingsError, match="symbol: no such setting"):
        Rig(Bare, {"symbol": "BTC-USDT"})


def test_who_divides_is_told_how_to_come_to_a_markets_steps() -> None:
    class Dividing(Silent):
        def on_trade(self, trade: Trade) -> Intents:
            yield Place(
                id="1", symbol=trade.symbol, side=Side.BUY, quantity=Decimal(50) / Decimal(3)
            )

    with pytest.raises(ValueError, match=r"has at most 60 digits: .* floor_quantity and floor_"):
        started(Dividing).feed(TRADE)


@pytest.mark.parametrize(
    "terms",
    [
        {"id": ""},
        {"id": "x" * 19},
        {"id": "spaced out"},
        {"quantity": None},
        {"quote_quantity": ONE},
        {"quantity": Decimal(0)},
        {"quantity": Decimal("NaN")},
        {"price": Decimal(-1)},
        {"price": Decimal("1e999999")},
        {"price": Decimal("1e-999999")},
        {"quantity": Decimal("0." + "1" * 60)},
        {"quantity": None, "quote_quantity": ONE, "price": ONE},
    ],
)
def test_terms_that_contradict_each_other(terms: dict[str, Any]) -> None:
    good: dict[str, Any] = {"id": "1", "symbol": "S", "side": Side.BUY, "quantity": ONE}
    Place(**good)
    with pytest.raises(ValueError, match="order"):
        Place(**(good | terms))


@pytest.mark.parametrize("value", [1.5, 1, "1"])
def test_what_is_no_decimal_says_so(value: Any) -> None:
    with pytest.raises(TypeError, match="price is a Decimal"):
        Place(id="1", symbol="S", side=Side.BUY, quantity=ONE, price=value)


def test_the_longest_numbers_arrive() -> None:
    for value in (Decimal("9" * 60), Decimal("0." + "0" * 58 + "1")):
        place = Place(id="1", symbol="S", side=Side.BUY, quantity=value)
        [frame] = write_intents([place])
        assert len(frame.intents.intents[0].place.quantity) <= 61


def test_timers_are_bounded() -> None:
    with pytest.raises(ValueError, match="timer"):
        SetTimer("t", 0)
    with pytest.raises(ValueError, match="timer"):
        SetTimer("t" * 19, 1)


@given(st.decimals("0.0001", "1e9", places=6))
def test_steps(value: Decimal) -> None:
    instrument = make_instrument(tick_size="0.05", lot_size="0.002")
    floor, ceiling = instrument.floor_price(value), instrument.ceil_price(value)
    assert floor % Decimal("0.05") == 0
    assert ceiling - floor in (0, Decimal("0.05"))
    assert floor <= value <= ceiling
    assert 0 <= value - instrument.floor_quantity(value) < Decimal("0.002")


def test_the_child_needs_no_numpy() -> None:
    """It would start threads before the process is sealed, and costs a tenth of a second."""
    code = "import sys, xache_sdk.child; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-I", "-c", code], check=True)
