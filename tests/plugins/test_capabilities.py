"""What the operator lets a strategy do: each rule, and what gets past none of them.

Checked by breaking: each rule of ``Gate`` was left out once, and each time its line here failed.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.plugins.house import config, open_house, robot, until, until_note
from tests.plugins.test_strategies import until_open, until_trading
from tests.storage.house import INSTRUMENT, SYMBOL
from xached.domain.capabilities import UNBOUNDED, Capabilities, CapabilityRule, Gate
from xached.domain.instrument import AssetName, Symbol
from xached.domain.messages import AmendOrder, PlaceOrder, ReplaceOrder
from xached.domain.order import (
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
)
from xached.runtime.supervise import ActorState

PURSE = Purse("alice/robot")
USDT = AssetName("USDT")
ETH = Symbol("ETH-USDT")
NEWEST_TICKS = 500_000
UNITS = INSTRUMENT.notional_units(1, 1)
MINUTE_NS = 60 * 10**9


def gate(may: Capabilities, newest_ticks: int | None = NEWEST_TICKS) -> Gate:
    """A gate to one market."""
    return Gate(may, {SYMBOL: INSTRUMENT}, lambda _: newest_ticks)


def gate_that(may: Capabilities, advises: Callable[[], bool]) -> Gate:
    """The same for one whose model may only advise."""
    return Gate(may, {SYMBOL: INSTRUMENT}, lambda _: NEWEST_TICKS, advises)


def bound_to(lots_at_newest: int) -> Capabilities:
    """Orders of so many lots at the newest price at most."""
    return Capabilities(max_order_notional_units={USDT: UNITS * NEWEST_TICKS * lots_at_newest})


def place(
    name: str = "a",
    *,
    side: Side = Side.BUY,
    lots: int | None = 1,
    price_ticks: int | None = NEWEST_TICKS,
    symbol: Symbol = SYMBOL,
    quote_units: int | None = None,
    trigger: Trigger | None = None,
) -> PlaceOrder:
    """A new order."""
    return PlaceOrder(
        purse=PURSE,
        client_order_id=name,
        symbol=symbol,
        side=side,
        type=OrderType.LIMIT if price_ticks is not None else OrderType.MARKET,
        time_in_force=TimeInForce.GTC,
        price_ticks=price_ticks,
        quantity_lots=lots,
        quote_units=quote_units,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_MAKER,
        expires_at_ns=None,
        trigger=trigger,
    )


def replace(
    name: str, new_name: str, *, lots: int | None = None, price_ticks: int | None = None
) -> ReplaceOrder:
    """One order for another."""
    return ReplaceOrder(
        purse=PURSE,
        symbol=SYMBOL,
        replaced_order_id=None,
        replaced_client_order_id=name,
        client_order_id=new_name,
        price_ticks=price_ticks,
        quantity_lots=lots,
        stop_ticks=None,
        display_lots=None,
        expires_at_ns=None,
        expected_executed_lots=None,
    )


def amend(name: str, lots: int) -> AmendOrder:
    """Less of an order."""
    return AmendOrder(
        purse=PURSE,
        symbol=SYMBOL,
        order_id=None,
        client_order_id=name,
        quantity_lots=lots,
        expected_executed_lots=None,
        request_id="",
    )


def test_what_is_not_bounded_passes() -> None:
    free = gate(UNBOUNDED, None)
    assert free.refuse_intent(0) is None
    for index in range(1_000):
        assert free.refuse_command(place(str(index), lots=10**9)) is None


def test_only_named_instruments() -> None:
    bound = gate(Capabilities(symbols=frozenset({ETH})))
    assert bound.refuse_command(place()) is CapabilityRule.INSTRUMENT
    assert bound.refuse_command(amend("a", 1)) is CapabilityRule.INSTRUMENT


def test_reduce_only_lets_nothing_be_bought() -> None:
    bound = gate(Capabilities(reduce_only=True))
    assert bound.refuse_command(place()) is CapabilityRule.REDUCE_ONLY
    assert bound.refuse_command(place(side=Side.SELL)) is None


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    "make",
    [
        lambda side, lots: place(side=side, lots=lots),
        lambda side, lots: place(side=side, lots=lots, price_ticks=None),
        lambda side, lots: place(
            side=side, lots=None, price_ticks=None, quote_units=UNITS * NEWEST_TICKS * lots
        ),
        lambda side, lots: place(
            side=side,
            lots=lots,
            price_ticks=None,
            trigger=Trigger(source=TriggerSource.LAST, stop_ticks=NEWEST_TICKS),
        ),
        lambda side, lots: place(
            side=side,
            lots=lots,
            price_ticks=None,
            trigger=Trigger(source=TriggerSource.LAST, stop_ticks=None, trail_bps=100),
        ),
    ],
)
def test_no_order_is_larger_than_allowed(
    side: Side, make: Callable[[Side, int], PlaceOrder]
) -> None:
    assert gate(bound_to(10)).refuse_command(make(side, 10)) is None
    assert gate(bound_to(10)).refuse_command(make(side, 11)) is CapabilityRule.ORDER_NOTIONAL


def test_a_sale_counts_at_what_it_will_bring_and_not_at_its_limit() -> None:
    """Otherwise a limit of one tick would sell any quantity as if it were worth nothing."""
    cheap = place(side=Side.SELL, lots=11, price_ticks=1)
    assert gate(bound_to(10)).refuse_command(cheap) is CapabilityRule.ORDER_NOTIONAL
    assert gate(bound_to(10)).refuse_command(place(lots=11, price_ticks=1)) is None
    dear = place(side=Side.SELL, lots=6, price_ticks=2 * NEWEST_TICKS)
    assert gate(bound_to(10)).refuse_command(dear) is CapabilityRule.ORDER_NOTIONAL


def test_what_nobody_knows_the_price_of_is_refused() -> None:
    blind = gate(bound_to(10), None)
    assert blind.refuse_command(place(price_ticks=None)) is CapabilityRule.ORDER_NOTIONAL
    assert blind.refuse_command(place(side=Side.SELL)) is CapabilityRule.ORDER_NOTIONAL
    assert blind.refuse_command(place()) is None, "a purchase has its limit"


def test_an_asset_that_is_not_named_is_not_traded() -> None:
    bound = gate(Capabilities(max_order_notional_units={AssetName("EUR"): 10**30}))
    assert bound.refuse_command(place()) is CapabilityRule.ORDER_NOTIONAL


def test_open_orders_are_counted_until_they_end() -> None:
    bound = gate(Capabilities(max_open_orders=2))
    first, second = place("a"), place("b")
    assert bound.refuse_command(first) is None
    assert bound.refuse_command(second) is None
    assert bound.refuse_command(place("c")) is CapabilityRule.OPEN_ORDERS
    bound.ended(["a", "unknown"])
    assert bound.refuse_command(place("c")) is None
    assert bound.refuse_command(place("d")) is CapabilityRule.OPEN_ORDERS
    bound.sent_in_vain(second)
    assert bound.refuse_command(place("d")) is None


def test_a_refused_second_order_of_an_id_does_not_free_the_place_of_the_first() -> None:
    """Otherwise each order that is sent twice would leave one that nobody counts."""
    bound = gate(Capabilities(max_open_orders=2))
    assert bound.refuse_command(place("a")) is None
    again = place("a", lots=2)
    assert bound.refuse_command(again) is None
    bound.sent_in_vain(again)
    assert len(bound) == 1


def test_a_replacement_is_bounded_as_an_order_is() -> None:
    bound = gate(bound_to(10))
    assert bound.refuse_command(place("a", lots=10)) is None
    assert bound.refuse_command(replace("a", "b", lots=11)) is CapabilityRule.ORDER_NOTIONAL
    dearer = replace("a", "b", price_ticks=NEWEST_TICKS + 1)
    assert bound.refuse_command(dearer) is CapabilityRule.ORDER_NOTIONAL
    assert bound.refuse_command(replace("a", "b", lots=5)) is None
    assert bound.refuse_command(replace("b", "c", price_ticks=2 * NEWEST_TICKS)) is None
    assert bound.refuse_command(replace("c", "d", lots=6)) is CapabilityRule.ORDER_NOTIONAL
    assert bound.refuse_command(replace("unknown", "e", lots=11)) is None, "there is no such order"
    assert len(bound) == 3
    buying = gate(Capabilities(reduce_only=False))
    assert buying.refuse_command(place("a")) is None
    buying._may = Capabilities(reduce_only=True)
    assert buying.refuse_command(replace("a", "b")) is CapabilityRule.REDUCE_ONLY


def test_an_id_that_is_given_again_before_its_order_is_over_is_still_bounded() -> None:
    """Otherwise the second order of the id is unknown, and may be replaced by one of any size."""
    bound = gate(bound_to(10))
    first, second = place("a", price_ticks=None), place("a", lots=10)
    assert bound.refuse_command(first) is None
    assert bound.refuse_command(second) is None
    bound.ended(["a"])
    assert len(bound) == 1
    assert bound.refuse_command(replace("a", "b", lots=11)) is CapabilityRule.ORDER_NOTIONAL
    dearer = replace("a", "b", price_ticks=NEWEST_TICKS + 1)
    assert bound.refuse_command(dearer) is CapabilityRule.ORDER_NOTIONAL
    bound.sent_in_vain(second)
    assert len(bound) == 0


def test_of_several_orders_of_an_id_the_largest_counts() -> None:
    bound = gate(bound_to(10))
    assert bound.refuse_command(place("a", lots=10)) is None
    assert bound.refuse_command(place("a", lots=1)) is None
    dearer = replace("a", "b", price_ticks=NEWEST_TICKS + 1)
    assert bound.refuse_command(dearer) is CapabilityRule.ORDER_NOTIONAL
    selling = gate(Capabilities(reduce_only=False))
    assert selling.refuse_command(place("a")) is None
    assert selling.refuse_command(place("a", side=Side.SELL)) is None
    selling._may = Capabilities(reduce_only=True)
    assert selling.refuse_command(replace("a", "b")) is CapabilityRule.REDUCE_ONLY


def test_intents_of_any_minute_are_counted() -> None:
    bound = gate(Capabilities(max_intents_per_minute=3))
    for at_ns in (0, MINUTE_NS - 2, MINUTE_NS - 1):
        assert bound.refuse_intent(at_ns) is None
    assert bound.refuse_intent(MINUTE_NS - 1) is CapabilityRule.INTENTS
    assert bound.refuse_intent(MINUTE_NS) is None, "the first is a minute old"
    assert bound.refuse_intent(MINUTE_NS + 1) is CapabilityRule.INTENTS
    assert gate(Capabilities(max_intents_per_minute=0)).refuse_intent(0) is CapabilityRule.INTENTS


def test_what_has_expired_lets_nothing_pass() -> None:
    bound = gate(Capabilities(expires_at_ns=100))
    assert bound.refuse_intent(99) is None
    assert bound.refuse_intent(100) is CapabilityRule.EXPIRED


def test_the_stricter_of_two_grants_counts() -> None:
    plugin = Capabilities(
        symbols=frozenset({SYMBOL, ETH}),
        max_order_notional_units={USDT: 5, AssetName("EUR"): 7},
        max_open_orders=3,
        expires_at_ns=9,
    )
    strategy = Capabilities(
        symbols=frozenset({SYMBOL}),
        max_order_notional_units={USDT: 6},
        max_open_orders=2,
        max_intents_per_minute=4,
        reduce_only=True,
        expires_at_ns=10,
    )
    both = Capabilities(
        symbols=frozenset({SYMBOL}),
        max_order_notional_units={USDT: 5},
        max_open_orders=2,
        max_intents_per_minute=4,
        reduce_only=True,
        expires_at_ns=9,
    )
    assert plugin.narrowed(strategy) == strategy.narrowed(plugin) == both
    assert plugin.narrowed(UNBOUNDED) == UNBOUNDED.narrowed(plugin) == plugin


# --- with a child --------------------------------------------------------------------------------


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Every test stops the time."""
    return mock_clock


async def test_a_strategy_is_told_each_rule_and_nothing_is_sent(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without ``refuse_command`` in ``_send_order`` all five orders are sent."""
    may = Capabilities(
        max_order_notional_units={USDT: 100 * 10**6}, max_open_orders=2, max_intents_per_minute=6
    )
    bound = config("beyond", capabilities=may)
    async with open_house(tmp_path) as house, house.running(bound) as strategies:
        await until_trading(house, strategies)
        house.markets.trade(NEWEST_TICKS)
        await until(lambda: robot(strategies).beyond == 4)
        await until_open(house, "first", "second")
        await until_note(
            strategies,
            "any=CAPABILITY_ORDER_NOTIONAL first=ID_REUSED first>more CAPABILITY_ORDER_NOTIONAL "
            "large=CAPABILITY_ORDER_NOTIONAL third=CAPABILITY_INTENTS",
        )
        statistics = robot(strategies)
        assert (statistics.beyond, statistics.refused) == (4, 5)


async def test_a_strategy_may_not_begin_when_what_it_may_do_has_expired(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: it goes on for ever without ``_end_at_expiry``."""
    over = attrs.evolve(UNBOUNDED, expires_at_ns=1)
    async with open_house(tmp_path) as house, house.running(config(capabilities=over)):
        await until(lambda: house.status().state is ActorState.FAILED)
        assert "has expired" in house.status().failure
        assert (await house.purse()).orders == []
