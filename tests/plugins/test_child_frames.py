"""Frames both ways: values arrive as they were, and nothing that a child writes surprises."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from xache_sdk import market, orders, strategy, wire
from xache_sdk.reasons import ModelReason, Reason, Weight
from xache_sdk.testing import make_instrument
from xache_sdk.v1 import plugin_pb2

from tests.storage.house import INSTRUMENT, SYMBOL
from xached.adapters.child_frames import (
    ChangeRefused,
    Money,
    Refused,
    Start,
    client_order_id,
    own_id,
    write_book,
    write_candle,
    write_change_refused,
    write_clock,
    write_order_report,
    write_ping,
    write_refused,
    write_start,
    write_stop,
    write_timer,
    write_trades,
)
from xached.adapters.child_intents import (
    AmendIntent,
    CancelAllIntent,
    CancelIntent,
    ChildMessage,
    ChildViolation,
    Failed,
    Failure,
    Intents,
    Log,
    MarketData,
    NoteIntent,
    PlaceIntent,
    Pong,
    Ready,
    ReplaceIntent,
    Subscription,
    TimerIntent,
    TriggerTerms,
    read_child_frame,
)
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Asset, AssetName, Symbol
from xached.domain.market import BINANCE, XACHE, Provenance, Source, TapeTrade
from xached.domain.order import EndReason, OrderStatus, OrderType, Side, TimeInForce, TriggerSource
from xached.domain.order_reports import FillReport, OrderReport
from xached.domain.position import Position

EXAMPLES = 100_000 if os.environ.get("XACHE_LONG") else 2_000

RULES = make_instrument(
    tick_size="0.1", lot_size="0.00001", min_quantity="0.00001", max_quantity="10",
    max_market_quantity="10", min_notional="0", max_notional="1000000000",
)  # fmt: skip

REPORT = OrderReport(
    client_order_id="run-7",
    symbol=SYMBOL,
    side=Side.SELL,
    status=OrderStatus.PARTIALLY_FILLED,
    end_reason=EndReason.NONE,
    price_ticks=500_001,
    quantity_lots=150,
    executed_lots=50,
    fill=FillReport(price_ticks=500_002, quantity_lots=50, fee_units=1_250, maker=True),
    at_ns=5,
)


def host_frame(data: bytes) -> plugin_pb2.HostFrame:
    [body] = wire.FrameReader().feed(data)
    return plugin_pb2.HostFrame.FromString(body)


def arrives(data: bytes) -> strategy.Input:
    [value] = wire.read_inputs(host_frame(data), {SYMBOL: RULES})
    return value


def sent(message: plugin_pb2.ChildFrame) -> object:
    return read_child_frame(message.SerializeToString())


# --- to the child ----------------------------------------------------------------------------


def test_the_start_tells_everything() -> None:
    start = Start(
        run_id="run",
        settings_json='{"a": 1}',
        instruments=(INSTRUMENT,),
        money=(Money(asset=Asset(AssetName("USDT"), 6), available_units=10**36 + 1, held_units=0),),
        positions=((INSTRUMENT, Position(quantity_lots=3, cost_units=1_500_000)),),
        open_orders=((INSTRUMENT, REPORT),),
        now_ns=9,
    )
    message = host_frame(write_start(start)).start
    assert message.settings_json == '{"a": 1}'
    context = wire.read_context(message)
    assert (context.run_id, context.now_ns) == ("run", 9)
    assert context.balance("USDT").available == Decimal("1000000000000000000000000000000.000001")
    assert context.balance("BTC").total == 0
    position = context.position(SYMBOL)
    assert (position.quantity, position.cost) == (Decimal("0.00003"), Decimal("1.5"))
    assert [(each.id, each.own) for each in context.open_orders] == [("7", True)]
    rules = context.instruments[SYMBOL]
    assert (rules.base, rules.quote) == ("BTC", "USDT")
    assert (rules.tick_size, rules.lot_size) == (Decimal("0.1"), Decimal("0.00001"))
    assert (rules.min_quantity, rules.max_quantity) == (Decimal("0.00001"), Decimal(10))
    assert (rules.min_notional, rules.max_notional) == (Decimal(0), Decimal(10**9))
    fees = INSTRUMENT.maker_fee_ppm, INSTRUMENT.taker_fee_ppm
    assert (rules.maker_fee_ppm, rules.taker_fee_ppm) == fees
    assert rules.taker_fee_ppm, "an edge after costs is reckoned with it"


def test_order_reports_arrive() -> None:
    assert arrives(write_order_report(INSTRUMENT, REPORT, "run")) == orders.OrderUpdate(
        id="7",
        own=True,
        symbol="BTC-USDT",
        side=market.Side.SELL,
        status=orders.OrderStatus.PARTIALLY_FILLED,
        at_ns=5,
        price=Decimal("50000.1"),
        quantity=Decimal("0.0015"),
        executed_quantity=Decimal("0.0005"),
        leaves_quantity=Decimal("0.001"),
        fill=orders.Fill(
            price=Decimal("50000.2"), quantity=Decimal("0.0005"), fee=Decimal("0.00125"), maker=True
        ),
    )


@pytest.mark.parametrize("status", OrderStatus)
def test_every_status_has_a_name_there(status: OrderStatus) -> None:
    report = attrs.evolve(REPORT, status=status, end_reason=EndReason.SELF_TRADE)
    update = arrives(write_order_report(INSTRUMENT, report, "other"))
    assert isinstance(update, orders.OrderUpdate)
    assert (update.id, update.own) == ("run-7", False)
    assert (update.status.name, update.reason) == (status.name, "SELF_TRADE")
    assert update.status.final is (update.leaves_quantity == 0)


def test_refusals_arrive() -> None:
    refused = Refused(id="7", symbol=SYMBOL, side=Side.BUY, reason="PRICE_TICK", at_ns=3)
    assert arrives(write_refused(refused)) == orders.OrderUpdate(
        id="7",
        own=True,
        symbol="BTC-USDT",
        side=market.Side.BUY,
        status=orders.OrderStatus.REFUSED,
        reason="PRICE_TICK",
        at_ns=3,
    )


def test_trades_arrive_and_the_first_says_that_some_are_missing() -> None:
    trades = [
        TapeTrade(
            symbol=SYMBOL,
            source=Source(BINANCE, provenance),
            sequence=index,
            trade_id=str(index),
            price_ticks=500_000 + index,
            quantity_lots=index + 1,
            taker_side=Side.SELL,
            at_ns=index,
        )
        for index, provenance in enumerate((Provenance.RECORDED, Provenance.SIMULATED))
    ]
    first, second = wire.read_inputs(
        host_frame(write_trades(INSTRUMENT, BINANCE, trades, lagged=True)), {SYMBOL: RULES}
    )
    assert first == market.Trade(
        instrument=RULES,
        venue="BINANCE",
        price_ticks=500_000,
        quantity_lots=1,
        taker_side=market.Side.SELL,
        at_ns=0,
        simulated=False,
        lagged=True,
    )
    assert isinstance(second, market.Trade)
    assert (second.simulated, second.lagged) == (True, False)


def test_books_candles_timers_and_stops_arrive() -> None:
    book = arrives(write_book(INSTRUMENT, XACHE, [(500_000, 1)], [(500_002, 2)], 4))
    assert isinstance(book, market.Book)
    assert book.bids == (market.Level(500_000, 1),)
    assert book.mid == Decimal("50000.1")
    candle = Candle(
        interval=Interval.M5, open_at_ns=300, open_ticks=1, high_ticks=4, low_ticks=1,
        close_ticks=3, volume_lots=7, trades=2, simulated_trades=0, closed=True,
        bought_lots=5,
    )  # fmt: skip
    assert arrives(write_candle(INSTRUMENT, XACHE, candle, lagged=True)) == market.Candle(
        instrument=RULES,
        venue="XACHE",
        interval=market.Interval.M5,
        open_at_ns=300,
        open_ticks=1,
        high_ticks=4,
        low_ticks=1,
        close_ticks=3,
        volume_lots=7,
        bought_lots=5,
        closed=True,
        lagged=True,
    )
    refused = ChangeRefused(id="1", new_id="", symbol=SYMBOL, reason="UNKNOWN_ORDER", at_ns=3)
    assert arrives(write_change_refused(refused)) == orders.ChangeRefused(
        id="1", new_id="", symbol="BTC-USDT", reason="UNKNOWN_ORDER", at_ns=3
    )
    assert host_frame(write_clock(12)).clock.now_ns == 12
    assert arrives(write_timer("t", 8)) == strategy.TimerDue("t", 8)
    assert arrives(write_stop("late")) == strategy.StopAsked("late")
    assert host_frame(write_ping(5)).ping.number == 5


def test_intervals_are_the_same_on_both_sides() -> None:
    assert [each.value for each in Interval] == [each.seconds for each in market.Interval]


def test_the_longest_book_fits_into_a_frame() -> None:
    huge = [(10**55, 10**54)] * 200
    assert len(write_book(INSTRUMENT, XACHE, huge, huge, 2**63 - 1)) < wire.FRAME_BYTES_MAX


def test_ids_of_a_run() -> None:
    assert own_id("run", client_order_id("run", "7")) == "7"
    assert own_id("run", "running-7") is None


# --- from the child --------------------------------------------------------------------------


def test_intents_arrive() -> None:
    [message] = wire.write_intents(
        [
            orders.Place(
                id="1", symbol="S", side=market.Side.BUY, quantity=Decimal("0.10"),
                price=Decimal(5), post_only=True,
            ),
            orders.Place(id="2", symbol="S", side=market.Side.SELL, quote_quantity=Decimal(9)),
            orders.Cancel("1"),
            orders.CancelAll("S"),
            orders.CancelAll(),
            orders.Amend(id="1", symbol="S", quantity=Decimal("0.05")),
            orders.Replace(id="1", new_id="3", symbol="S", price=Decimal(6), expires_at_ns=9),
            orders.SetTimer("t", 5),
            orders.Note("hello"),
        ]
    )  # fmt: skip
    symbol = Symbol("S")
    assert sent(message) == Intents(
        (
            PlaceIntent(
                id="1", symbol=symbol, side=Side.BUY, type=OrderType.LIMIT, price="5",
                quantity="0.10", quote_quantity=None, time_in_force=TimeInForce.GTC, post_only=True,
            ),
            PlaceIntent(
                id="2", symbol=symbol, side=Side.SELL, type=OrderType.MARKET, price=None,
                quantity=None,
                quote_quantity="9", time_in_force=TimeInForce.IOC, post_only=False,
            ),
            CancelIntent("1"),
            CancelAllIntent(symbol),
            CancelAllIntent(None),
            AmendIntent(id="1", symbol=symbol, quantity="0.05"),
            ReplaceIntent(
                id="1", new_id="3", symbol=symbol, price="6", quantity=None, trigger_price=None,
                display_quantity=None, expires_at_ns=9,
            ),
            TimerIntent("t", 5),
            NoteIntent("hello"),
        )
    )  # fmt: skip


def test_orders_of_every_type_arrive() -> None:
    """Each with the terms that only it has."""

    def arrived(trigger: orders.Trigger | None = None, **terms: Any) -> PlaceIntent:
        place = orders.Place(
            id="1", symbol="S", side=market.Side.SELL, quantity=Decimal(1), trigger=trigger, **terms
        )
        [message] = wire.write_intents([place])
        intents = sent(message)
        assert isinstance(intents, Intents)
        [intent] = intents.intents
        assert isinstance(intent, PlaceIntent)
        assert intent.type.name == place.type.value
        assert intent.time_in_force.name == place.lives.value
        return intent

    price = Decimal(5)
    market_order, limit = arrived(), arrived(price=price)
    assert (market_order.type, market_order.trigger) == (OrderType.MARKET, None)
    assert (limit.type, limit.price) == (OrderType.LIMIT, "5")
    stop = arrived(orders.Stop(price, orders.TriggerSource.MARK), reduce_only=True)
    assert stop.trigger == terms_of(TriggerSource.MARK, stop_price="5")
    assert (stop.type, stop.reduce_only, stop.time_in_force) == (
        OrderType.STOP, True, TimeInForce.GTC,
    )  # fmt: skip
    assert arrived(orders.Stop(price), price=Decimal(4)).type is OrderType.STOP_LIMIT
    assert arrived(orders.TakeProfit(price)).type is OrderType.TAKE_PROFIT
    assert arrived(orders.TakeProfit(price), price=price).type is OrderType.TAKE_PROFIT_LIMIT
    trail = arrived(orders.Trail(bps=50, activation_price=price))
    assert trail.type is OrderType.TRAILING_STOP
    assert trail.trigger == terms_of(TriggerSource.LAST, trail_bps=50, activation_price="5")
    offset = arrived(orders.Trail(offset=price, source=orders.TriggerSource.BID_ASK))
    assert offset.trigger == terms_of(TriggerSource.BID_ASK, trail_offset="5")
    good = arrived(price=price, post_only=True, slide=True, expires_at_ns=77)
    assert (good.slide, good.time_in_force, good.expires_at_ns) == (True, TimeInForce.GTD, 77)
    assert arrived(price=price, display_quantity=Decimal("0.5")).display_quantity == "0.5"


def test_reasons_arrive() -> None:
    weights = (Weight("return:1", -0.02, 0.75), Weight("ETH-USDT/return:1", None, 0.0))
    model = ModelReason(digest="d", score=0.5, base=-0.25, weights=weights)
    reason = Reason("the edge is worth it", {"edge": 0.01, "cost": 0.002}, model)
    [message] = wire.write_intents(
        [
            orders.Place(
                id="1", symbol="S", side=market.Side.BUY, quantity=Decimal(1), reason=reason
            ),
            orders.Replace(id="1", new_id="2", symbol="S", price=Decimal(5), reason=Reason("far")),
        ]
    )
    intents = sent(message)
    assert isinstance(intents, Intents)
    placed, replaced = intents.intents
    assert isinstance(placed, PlaceIntent)
    assert isinstance(replaced, ReplaceIntent)
    assert (placed.reason, replaced.reason) == (reason, Reason("far"))


def terms_of(source: TriggerSource, **terms: Any) -> TriggerTerms:
    unsaid = dict.fromkeys(("stop_price", "trail_bps", "trail_offset", "activation_price"))
    return TriggerTerms(source=source, **(unsaid | terms))


def test_the_rest_arrives() -> None:
    ready = wire.write_ready(
        [
            market.Trades("S", "V"),
            market.Books("S", "V", 9),
            market.Candles("S", "V", market.Interval.H1, warm_up=7, forming=True),
        ]
    )
    received = sent(ready)
    assert isinstance(received, Ready)
    assert [(each.data, each.depth, each.interval) for each in received.subscriptions] == [
        (MarketData.TRADES, 0, None),
        (MarketData.BOOK, 9, None),
        (MarketData.CANDLES, 0, Interval.H1),
    ]
    assert [each.forming for each in received.subscriptions] == [False, False, True]
    assert isinstance(received.subscriptions[0], Subscription)
    assert sent(plugin_pb2.ChildFrame(pong=plugin_pb2.PluginPong(number=3))) == Pong(3)
    assert sent(plugin_pb2.ChildFrame(log=plugin_pb2.PluginLog(text="x" * 9_999))) == Log(
        "x" * 4_000
    )
    forged = plugin_pb2.PluginLog(text="ok\nERROR matching failed\x1b[2J\u202e")
    assert sent(plugin_pb2.ChildFrame(log=forged)) == Log(
        "ok\\nERROR matching failed\\x1b[2J\\u202e"
    )
    failed = plugin_pb2.PluginFailed(failure=plugin_pb2.PLUGIN_FAILURE_SETTINGS, message="m")
    assert sent(plugin_pb2.ChildFrame(failed=failed)) == Failed(Failure.SETTINGS, "m")


def intent(**of: object) -> plugin_pb2.ChildFrame:
    message = plugin_pb2.PluginIntent(**of)  # type: ignore[arg-type] # one field of its oneof
    return plugin_pb2.ChildFrame(intents=plugin_pb2.PluginIntents(intents=[message]))


def place(**changes: object) -> plugin_pb2.ChildFrame:
    terms = {"id": "1", "symbol": "S", "side": 1, "quantity": "1"} | changes
    return intent(place=plugin_pb2.PluginPlace(**terms))  # type: ignore[arg-type] # its own fields


def ready(**changes: object) -> plugin_pb2.ChildFrame:
    terms = {"symbol": "S", "venue": "V", "data": 1} | changes
    subscription = plugin_pb2.PluginSubscription(**terms)  # type: ignore[arg-type] # its own fields
    return plugin_pb2.ChildFrame(ready=plugin_pb2.PluginReady(subscriptions=[subscription]))


def figure(name: str, value: float) -> plugin_pb2.PluginReason:
    figures = [plugin_pb2.PluginFigure(name=name, value=value)]
    return plugin_pb2.PluginReason(rule="r", figures=figures)


def wrong_source() -> plugin_pb2.PluginTrigger:
    return plugin_pb2.PluginTrigger.FromString(b"\x08\x01\x18\x09")


@pytest.mark.parametrize(
    ("message", "violation"),
    [
        (plugin_pb2.ChildFrame(), "without a message"),
        (intent(), "wants nothing"),
        (place(id=""), "order id"),
        (place(id="x" * 19), "order id"),
        (place(id="a b"), "order id"),
        (place(id="1\n"), "order id"),
        (place(side=0), "0 is no Side"),
        (place(side=9), "9 is no Side"),
        (place(trigger=plugin_pb2.PluginTrigger()), "0 is no TriggerKind"),
        (place(trigger=wrong_source()), "9 is no TriggerSource"),
        (place(display_quantity="1" * 62), "a number of 62"),
        (intent(amend=plugin_pb2.PluginAmend(id="1", symbol="S")), "a number that is not given"),
        (intent(replace=plugin_pb2.PluginReplace(id="1", symbol="S")), "order id"),
        (place(time_in_force=7), "7 is no TimeInForce"),
        (place(symbol=""), "a name of 0"),
        (place(reason=plugin_pb2.PluginReason()), "a reason that is none: a rule has"),
        (place(reason=plugin_pb2.PluginReason(rule="r", model={})), "a model's digest"),
        (place(reason=figure("\x1b[2J", 1.0)), "a reason that is none: a figure's name"),
        (place(reason=figure("edge", math.inf)), "edge is a finite number"),
        (place(symbol="S" * 41), "a name of 41"),
        (place(price="1" * 62), "a number of 62"),
        (intent(cancel=plugin_pb2.PluginCancel()), "order id"),
        (intent(set_timer=plugin_pb2.PluginSetTimer(name="t", delay_ns=0)), "a timer of 0"),
        (intent(set_timer=plugin_pb2.PluginSetTimer(name="t", delay_ns=-1)), "a timer of -1"),
        (intent(set_timer=plugin_pb2.PluginSetTimer(name="t", delay_ns=10**17)), "a timer of"),
        (intent(set_timer=plugin_pb2.PluginSetTimer(name="", delay_ns=1)), "a name of 0"),
        (intent(set_timer=plugin_pb2.PluginSetTimer(name="\n", delay_ns=1)), "be printed: '.n'"),
        (ready(data=0), "0 is no MarketData"),
        (ready(data=2, depth=0), "a book of 0"),
        (ready(data=2, depth=201), "a book of 201"),
        (ready(data=3, interval_s=7), "7 is no Interval"),
        (ready(venue=""), "a name of 0"),
        (
            plugin_pb2.ChildFrame(
                ready=plugin_pb2.PluginReady(subscriptions=[plugin_pb2.PluginSubscription()] * 65)
            ),
            "more than 64 subscriptions",
        ),
        (
            plugin_pb2.ChildFrame(
                intents=plugin_pb2.PluginIntents(intents=[plugin_pb2.PluginIntent()] * 21)
            ),
            "more than 20 intents",
        ),
        (plugin_pb2.ChildFrame(failed=plugin_pb2.PluginFailed()), "0 is no Failure"),
    ],
)
def test_a_violation_is_named(message: plugin_pb2.ChildFrame, violation: str) -> None:
    with pytest.raises(ChildViolation, match=violation):
        sent(message)


def read(body: bytes) -> ChildMessage | None:
    """What a child wrote; None where it is a violation."""
    try:
        return read_child_frame(body)
    except ChildViolation:
        return None


def texts(value: object) -> Iterator[str]:
    """Every text in a message."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from texts(each)
    elif attrs.has(type(value)):
        yield from texts(attrs.astuple(value, recurse=False))  # type: ignore[arg-type] # it has


def is_harmless(message: ChildMessage) -> bool:
    """Bounded, and nothing in it begins a line or moves a terminal's cursor.

    Amounts are the child's own text: short, and parsed before anybody sees them.
    """
    return all(
        len(text) <= 61 or (text.isprintable() and len(text) <= 40_000) for text in texts(message)
    )


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=120))
@example(b"\x12\x04\x0a\x02\x0a\x00")
def test_garbage_is_a_violation_or_harmless(body: bytes) -> None:
    message = read(body)
    assert message is None or is_harmless(message)


@pytest.mark.parametrize("body", [b"", b"\xff", b"\x0a\xff\xff\xff\xff\x0f", b"GET / HTTP/1.1\r\n"])
def test_what_is_no_frame_is_a_violation(body: bytes) -> None:
    assert read(body) is None


@settings(max_examples=EXAMPLES)
@given(
    st.sampled_from([place(), ready(), intent(cancel=plugin_pb2.PluginCancel(id="1"))]),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_mutated_messages_are_read_or_a_violation(
    message: plugin_pb2.ChildFrame, changes: list[tuple[int, int]]
) -> None:
    body = bytearray(message.SerializeToString())
    for at, value in changes:
        body[at % len(body)] = value
    read_back = read(bytes(body))
    assert read_back is None or is_harmless(read_back)
