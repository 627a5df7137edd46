"""Filters: what is accepted passes every one, and what a refusal names as nearest passes too."""

from __future__ import annotations

import os
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.test_instrument import make_instrument
from xached.domain.exchange import Exchange
from xached.domain.filters import FilterRule, check_filters, filters_of
from xached.domain.instrument import Asset, AssetName, Instrument
from xached.domain.messages import (
    Command,
    Deposit,
    ListAsset,
    ListInstrument,
    OpenPurse,
    OrderAccepted,
    OrderRested,
    PlaceOrder,
    SetMark,
    SetRiskLimits,
)
from xached.domain.order import (
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
    make_order_id,
)
from xached.domain.rejection import Reason, Rejection

EXAMPLES = 20_000 if os.environ.get("XACHE_LONG") else 600
ALICE = Purse("alice/main")
REFERENCE = 50
UNLIMITED = 10**12
NOW_NS = 10**9

LIMITED = make_instrument(
    tick_step=1,
    price_scale=2,
    lot_units=10**6,
    min_price_ticks=10,
    max_price_ticks=90,
    min_quantity_lots=3,
    max_quantity_lots=20,
    max_market_quantity_lots=12,
    min_market_quantity_lots=5,
    min_notional_units=200 * 10**4,
    max_notional_units=900 * 10**4,
    buy_band_up_ppm=400_000,
    buy_band_down_ppm=650_001,
    sell_band_up_ppm=650_001,
    sell_band_down_ppm=400_000,
    max_open_orders=4,
    max_algo_orders=2,
    max_iceberg_orders=1,
    max_position_lots=30,
    min_trail_bps=200,
    max_trail_bps=3_001,
)
assert LIMITED.tick_lot_units == 10**4


@attrs.frozen
class House:
    """A market with one purse, and the lots it owns."""

    exchange: Exchange
    owned_lots: int


def make_house(open_orders: list[tuple[Side, int, bool, bool]], owned_lots: int) -> House:
    """A purse with open orders: (side, lots, waits for a trigger, shows a part)."""
    exchange = Exchange()
    commands: tuple[Command, ...] = (
        ListAsset(asset=Asset(LIMITED.base, 8), request_id=""),
        ListAsset(asset=Asset(LIMITED.quote, 8), request_id=""),
        ListInstrument(instrument=LIMITED, request_id=""),
        OpenPurse(purse=ALICE, simulated=False, request_id=""),
        SetRiskLimits(
            purse=None,
            max_open_orders=1_000,
            max_order_notional_units=((LIMITED.quote, UNLIMITED),),
            request_id="",
        ),
        SetMark(symbol=LIMITED.symbol, price_ticks=REFERENCE, source="test", request_id=""),
        Deposit(purse=ALICE, asset=LIMITED.quote, amount_units=10**20, request_id=""),
        Deposit(purse=ALICE, asset=LIMITED.base, amount_units=10**20, request_id=""),
    )
    for seq, command in enumerate(commands, 1):
        tell(exchange, command, seq)
    for index, (side, lots, waits, shows) in enumerate(open_orders):
        accepted = OrderAccepted(
            order_id=make_order_id(9, index),
            client_order_id=f"open-{index}",
            purse=ALICE,
            symbol=LIMITED.symbol,
            side=side,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.GTC,
            price_ticks=40 if side is Side.BUY else 60,
            quantity_lots=lots,
            quote_units=None,
            post_only=False,
            self_trade_prevention=SelfTradePrevention.NONE,
            expires_at_ns=None,
            maker_fee_ppm=0,
            taker_fee_ppm=0,
            held_units=0,
            display_lots=1 if shows else None,
        )
        exchange.apply(accepted, 9, NOW_NS)
        if waits:
            exchange.state.orders[accepted.order_id].status = OrderStatus.UNTRIGGERED
        else:
            exchange.apply(
                OrderRested(
                    order_id=accepted.order_id,
                    purse=ALICE,
                    symbol=LIMITED.symbol,
                    leaves_lots=lots,
                ),
                9,
                NOW_NS,
            )
    # What the purse owns is set once its orders hold nothing, so that it is exactly this.
    ledger = exchange.state.ledger
    for account in ledger.accounts():
        if account.purse == ALICE and account.asset == LIMITED.base and account.units:
            account.units = owned_lots * LIMITED.lot_units
    return House(exchange, owned_lots)


def tell(exchange: Exchange, command: Command, seq: int) -> None:
    for event in exchange.decide(command, seq, seq):
        exchange.apply(event, seq, seq)


OPEN = st.lists(
    st.tuples(st.sampled_from(Side), st.integers(3, 10), st.booleans(), st.booleans()), max_size=4
)
TRIGGERS = st.one_of(
    st.builds(Trigger, source=st.just(TriggerSource.LAST), stop_ticks=st.integers(5, 95)),
    st.builds(
        Trigger,
        source=st.just(TriggerSource.LAST),
        stop_ticks=st.none(),
        trail_bps=st.integers(190, 3_010),
        activation_ticks=st.none() | st.integers(5, 95),
    ),
    st.builds(
        Trigger,
        source=st.just(TriggerSource.LAST),
        stop_ticks=st.none(),
        trail_ticks=st.sampled_from((1, 15, 15, 16)),
    ),
)


@st.composite
def orders(draw: st.DrawFn) -> PlaceOrder:
    """Orders near every limit: about half of them break one."""
    price = draw(st.none() | st.integers(5, 95))
    by_quote = price is None and draw(st.booleans())
    return PlaceOrder(
        purse=ALICE,
        client_order_id="o-1",
        symbol=LIMITED.symbol,
        side=draw(st.sampled_from(Side)),
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        time_in_force=TimeInForce.IOC if price is None else TimeInForce.GTC,
        price_ticks=price,
        quantity_lots=None if by_quote else draw(st.integers(1, 22)),
        quote_units=draw(st.integers(150, 950)) * 10**4 if by_quote else None,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.NONE,
        expires_at_ns=None,
        trigger=None if by_quote else draw(st.none() | TRIGGERS),
        display_lots=draw(st.none() | st.integers(1, 22)) if price is not None else None,
    )


def broken_rules(house: House, order: PlaceOrder) -> list[Reason]:
    """Every rule that an order breaks, in the documented order, told from the published rules."""
    limits = {
        each.rule: (Fraction(each.minimum), Fraction(each.maximum)) for each in filters_of(LIMITED)
    }

    def outside(rule: FilterRule, value: Fraction | None) -> bool:
        low, high = limits[rule]
        return value is not None and not low <= value <= high

    def price(ticks: int | None) -> Fraction | None:
        return None if ticks is None else Fraction(ticks, 100)

    lots, trigger = order.quantity_lots, order.trigger
    mine = list(house.exchange.state.orders.values())
    quantity = None if lots is None else Fraction(lots, 100)
    shown = None if order.display_lots is None else Fraction(order.display_lots, 100)
    own = FilterRule.MARKET_QUANTITY if order.price_ticks is None else FilterRule.QUANTITY
    whole = (
        order.price_ticks is None
        and order.side is Side.SELL
        and lots == house.owned_lots <= LIMITED.max_market_quantity_lots
    )
    stop = trigger.stop_ticks if trigger is not None else None
    acts_at = REFERENCE if stop is None else stop
    at = price(order.price_ticks if order.price_ticks is not None else acts_at)
    assert at is not None
    notional = at * quantity if quantity is not None else Fraction(order.quote_units or 0, 10**8)
    band = FilterRule.BUY_BAND if order.side is Side.BUY else FilterRule.SELL_BAND
    buying = sum(each.leaves_lots for each in mine if each.side is Side.BUY)
    position = house.owned_lots + buying + (lots or 0)
    trail = trigger.trail_bps if trigger is not None else None
    trail_ticks = trigger.trail_ticks if trigger is not None else None
    if trail_ticks is not None:
        trail = Fraction(10_000 * trail_ticks, REFERENCE)  # type: ignore[assignment] # exact
    checks = (
        (Reason.PRICE_RANGE, outside(FilterRule.PRICE, price(order.price_ticks))),
        (
            Reason.PRICE_RANGE,
            trigger is not None
            and (
                outside(FilterRule.PRICE, price(trigger.stop_ticks))
                or outside(FilterRule.PRICE, price(trigger.activation_ticks))
            ),
        ),
        (Reason.QUANTITY_RANGE, not whole and outside(own, quantity)),
        (
            Reason.QUANTITY_RANGE,
            outside(FilterRule.QUANTITY, shown) or (shown or 0) > (quantity or 0),
        ),
        (
            Reason.NOTIONAL_RANGE,
            outside(FilterRule.NOTIONAL, notional)
            and not (whole and notional < limits[FilterRule.NOTIONAL][0]),
        ),
        (
            Reason.PRICE_BAND,
            order.price_ticks is not None and outside(band, Fraction(order.price_ticks, acts_at)),
        ),
        (Reason.OPEN_ORDERS, outside(FilterRule.OPEN_ORDERS, Fraction(len(mine) + 1))),
        (
            Reason.ALGO_ORDERS,
            trigger is not None
            and sum(each.status is OrderStatus.UNTRIGGERED for each in mine) + 1 > 2,
        ),
        (
            Reason.ICEBERG_ORDERS,
            order.display_lots is not None
            and sum(each.display_lots is not None for each in mine) + 1 > 1,
        ),
        (
            Reason.POSITION_RANGE,
            order.side is Side.BUY
            and lots is not None
            and outside(FilterRule.POSITION, Fraction(position, 100)),
        ),
        (Reason.TRAIL_RANGE, trail is not None and outside(FilterRule.TRAIL, Fraction(trail))),
    )
    return [reason for reason, broken in checks if broken]


def with_nearest(order: PlaceOrder, rejection: Rejection) -> PlaceOrder | None:
    """The order with what the refusal named as nearest; None when that is no field of it."""
    facts, nearest = rejection.facts, Fraction(rejection.facts["nearest"])
    trigger = order.trigger
    match facts["field"]:
        case "price":
            return attrs.evolve(order, price_ticks=int(nearest * 100))
        case "quantity":
            return attrs.evolve(order, quantity_lots=int(nearest * 100))
        case "display_quantity":
            return attrs.evolve(order, display_lots=int(nearest * 100))
        case "stop_price" if trigger is not None:
            return attrs.evolve(order, trigger=attrs.evolve(trigger, stop_ticks=int(nearest * 100)))
        case "activation_price" if trigger is not None:
            changed = attrs.evolve(trigger, activation_ticks=int(nearest * 100))
            return attrs.evolve(order, trigger=changed)
        case "trail_bps" if trigger is not None:
            return attrs.evolve(order, trigger=attrs.evolve(trigger, trail_bps=int(nearest)))
        case "trail_price" if trigger is not None:
            changed = attrs.evolve(trigger, trail_ticks=int(nearest * 100))
            return attrs.evolve(order, trigger=changed)
        case "notional" if order.quote_units is not None:
            return attrs.evolve(order, quote_units=int(nearest * 10**8))
        case _:
            return None


@settings(max_examples=EXAMPLES, deadline=None)
@given(open_orders=OPEN, owned_lots=st.integers(0, 25), order=orders())
def test_accepted_means_every_filter_holds_and_nearest_passes(
    open_orders: list[tuple[Side, int, bool, bool]], owned_lots: int, order: PlaceOrder
) -> None:
    """Checked by breaking: each filter left out of check_filters alone fails this test, and so
    does a nearest value that is one step off."""
    house = make_house(open_orders, owned_lots)
    broken = broken_rules(house, order)
    refused = refusal(house, order)
    if refused is None:
        assert broken == []
        return
    assert broken[0] is refused.reason
    assert {"given", "allowed", "nearest"} <= refused.facts.keys()
    mended = with_nearest(order, refused)
    if mended is not None and mended.quantity_lots != 0:
        again = refusal(house, mended)
        assert (
            again is None
            or again.facts["field"] != refused.facts["field"]
            or (again.reason is not refused.reason)
        )


def refusal(house: House, order: PlaceOrder) -> Rejection | None:
    """What the filters say."""
    state = house.exchange.state
    try:
        check_filters(state, state.market(LIMITED.symbol), state.purse(ALICE), order, NOW_NS)
    except Rejection as rejection:
        return rejection
    return None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_position_lots", 0),
        ("min_market_quantity_lots", 0),
        ("max_algo_orders", -1),
        ("max_iceberg_orders", 1_001),
        ("min_trail_bps", 0),
        ("mark_stale_ns", 0),
        ("reference_buckets", 5),
        ("auction_ns", -1),
        ("volatility_halt_ns", 8 * 86_400 * 10**9),
    ],
)
def test_contradicting_limits_are_refused(name: str, value: int) -> None:
    with pytest.raises(Rejection) as refused:
        make_instrument(**{name: value}).check()
    assert refused.value.reason is Reason.INSTRUMENT_SPEC


def test_paper_is_traded_for_paper_only() -> None:
    def paper(base: str, quote: str) -> Instrument:
        changes: dict[str, Any] = {"symbol": f"{base}-{quote}", "base": AssetName(base)}
        return make_instrument(**changes, quote=AssetName(quote))

    paper("BTC.PAPER", "USDT.PAPER").check()
    for base, quote in (("BTC.PAPER", "USDT"), ("BTC", "USDT.PAPER")):
        with pytest.raises(Rejection):
            paper(base, quote).check()
