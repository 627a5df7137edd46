"""What a strategy sees and when: its clock, its histories, its columns, its orders, its notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xache_sdk.context import Context, Saved
from xache_sdk.market import XACHE, Candle, Candles, Interval, Side, Subscription
from xache_sdk.orders import Intents, Note, OrderStatus, OrderUpdate, Place, Save
from xache_sdk.signals import CandleColumns, Column, Declarations
from xache_sdk.state import STATE_BYTES_MAX
from xache_sdk.strategy import Strategy
from xache_sdk.testing import Rig, ended, make_candle, make_context, make_instrument, opened

MINUTE_NS = 60_000_000_000
RULES = make_instrument()
FAST = Candles("BTC-USDT", XACHE, Interval.M1, warm_up=3, history=2)
SLOW = Candles("BTC-USDT", XACHE, Interval.M5)


def minute(index: int, close: str = "10", *, closed: bool = True) -> Candle:
    return make_candle(RULES, index * MINUTE_NS, close, closed=closed)


@dataclass(frozen=True)
class Nothing:
    pass


class Watching(Strategy[Nothing]):
    settings_type = Nothing
    doubled: Column

    def subscriptions(self) -> Sequence[Subscription]:
        return [FAST, SLOW]

    def declare(self, declarations: Declarations) -> None:
        def batch(columns: CandleColumns) -> NDArray[Any]:
            return columns.close_ticks * 2.0

        self.doubled = declarations.column(
            FAST, step=lambda candle: candle.close_ticks * 2.0, batch=batch
        )

    def on_start(self, context: Context) -> Intents:
        yield self.told("start")

    def on_candle(self, candle: Candle) -> Intents:
        yield self.told(candle.interval.value)

    def told(self, what: str) -> Note:
        history = self.context.candles(FAST).close_ticks
        return Note(f"{what} at {self.context.now_ns // MINUTE_NS} {history} {self.doubled.value}")


def test_it_starts_warm_and_sees_a_bounded_past_with_itself_last() -> None:
    rig = Rig(Watching, {})
    warm_up = [minute(0, "0.01"), minute(1, "0.02"), minute(2, "0.03")]
    start = rig.start(make_context(now_ns=3 * MINUTE_NS), warm_up)
    assert start == [Note("start at 3 [1, 2, 3] 6.0")]
    assert rig.feed(minute(3, "0.04")) == [Note("1m at 4 [3, 4] 8.0")]
    slow = make_candle(RULES, 0, "0.09", interval=Interval.M5)
    assert rig.feed(slow) == [Note("5m at 5 [3, 4] 8.0")]
    assert rig.feed(minute(4, "0.05")) == [Note("1m at 5 [4, 5] 10.0")]


def test_a_candle_that_is_forming_is_not_the_past() -> None:
    rig = Rig(Watching, {})
    rig.start(make_context())
    assert rig.feed(minute(1, "0.07", closed=False)) == [Note("1m at 1 [] None")]


def test_the_clock_never_goes_back() -> None:
    rig = Rig(Watching, {})
    rig.start(make_context(now_ns=9 * MINUTE_NS))
    assert rig.feed(minute(3, "0.04")) == [Note("1m at 9 [4] 8.0")]


def test_candles_that_nobody_asked_for_are_a_mistake() -> None:
    rig = Rig(Watching, {})
    rig.start(make_context())
    with pytest.raises(LookupError, match="does not subscribe"):
        rig.feed(make_candle(RULES, 0, "1", interval=Interval.H1))


def test_a_history_holds_nothing_but_what_was() -> None:
    """No row of the future can be reached from a candle: it is a tuple of plain values."""
    candle = minute(3)
    assert set(map(type, candle)) <= {type(RULES), str, Interval, int, bool, type(None)}
    with pytest.raises(AttributeError):
        candle.close_ticks = 5  # type: ignore[misc] # it cannot be set


def test_candles_are_exact_in_both_forms() -> None:
    candle = make_candle(
        RULES, 0, "60000.01", open_="59999.99", high="60001", low="59990.5", volume="0.00003"
    )
    assert (candle.close_ticks, candle.close) == (6_000_001, Decimal("60000.01"))
    assert (candle.open, candle.high, candle.low) == (
        Decimal("59999.99"), Decimal(60_001), Decimal("59990.5"),
    )  # fmt: skip
    assert (candle.volume_lots, candle.volume) == (3, Decimal("0.00003"))
    assert candle.ends_at_ns == MINUTE_NS
    with pytest.raises(ValueError, match="no whole number of ticks"):
        RULES.ticks(Decimal("0.001"))
    with pytest.raises(ValueError, match="no whole number of lots"):
        RULES.lots(Decimal("0.000001"))
    assert RULES.notional(6_000_000, 100_000) == Decimal(60_000)


@pytest.mark.parametrize("count", [-1, 5_001])
def test_windows_are_bounded(count: int) -> None:
    with pytest.raises(ValueError, match="warm_up is 0 to 5000"):
        Candles("S", "V", Interval.M1, warm_up=count)
    with pytest.raises(ValueError, match="history is 0 to 5000"):
        Candles("S", "V", Interval.M1, history=count)


def test_a_subscription_has_one_signal_of_its_own_columns() -> None:
    declarations = Declarations()
    column = declarations.column(FAST, step=lambda candle: None, batch=lambda columns: NAN)
    with pytest.raises(ValueError, match="its own subscription"):
        declarations.signal(SLOW, of=[column], decide=np.sign)
    declarations.signal(FAST, of=[column], decide=np.sign)
    with pytest.raises(ValueError, match="has a signal already"):
        declarations.signal(FAST, of=[column], decide=np.sign)


NAN = np.full(1, np.nan)


class Trading(Strategy[Nothing]):
    settings_type = Nothing
    state_version = 3

    def on_start(self, context: Context) -> Intents:
        order = Place(
            id="1", symbol="BTC-USDT", side=Side.BUY, quantity=Decimal(1), price=Decimal(9)
        )
        return [order]

    def on_order(self, update: OrderUpdate) -> Intents:
        opens = [each.id for each in self.context.open_orders]
        self.save({"seen": update.status.value})
        known = self.context.order("1") is not None
        return [Note(f"{update.status.value} {opens} {known}")]


def test_open_orders_are_followed_and_what_is_saved_comes_last() -> None:
    rig = Rig(Trading, {})
    [place] = rig.start(make_context())
    assert isinstance(place, Place)
    assert rig.feed(opened(place)) == [
        Note("OPEN ['1'] True"), Save(version=3, text='{"seen":"OPEN"}'),
    ]  # fmt: skip
    foreign = OrderUpdate(
        id="1", own=False, symbol="BTC-USDT", side=Side.BUY, status=OrderStatus.OPEN, at_ns=1
    )
    assert rig.feed(foreign)[0] == Note("OPEN ['1', '1'] True")
    assert rig.feed(ended(place))[0] == Note("CANCELED ['1'] False")


def test_what_was_saved_is_there_at_the_start() -> None:
    context = make_context(saved=Saved(2, {"seen": "OPEN"}))
    assert context.saved is not None
    assert (context.saved.version, context.saved.value) == (2, {"seen": "OPEN"})
    assert make_context().saved is None


def test_only_what_json_can_hold_is_saved() -> None:
    strategy = Trading(Nothing())
    with pytest.raises(TypeError, match="write a Decimal as text"):
        strategy.save({"price": Decimal(1)})
    with pytest.raises(TypeError, match="a mapping, not list"):
        strategy.save([])  # type: ignore[arg-type] # that is the mistake
    with pytest.raises(ValueError, match="JSON"):
        strategy.save({"price": float("nan")})
    strategy.save({"a": "x" * (STATE_BYTES_MAX - 8)})
    with pytest.raises(ValueError, match="has 65537 bytes; at most 65536"):
        strategy.save({"a": "x" * (STATE_BYTES_MAX - 7)})
