"""Requests to commands and rows to answers: exact both ways, and the same numbers on both sides.

Checked by breaking, each seen red: dividing where a price is off its tick, an average rounded
down, two end reasons exchanged, and every ended order of a row counted as cancelled by it.
"""

from __future__ import annotations

import enum
from fractions import Fraction
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xache.v1 import options_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.domain.test_instrument import make_instrument
from tests.storage.house import INSTRUMENT, House
from xached.api import convert, listing, order_changes
from xached.domain.auth import Role, Scope
from xached.domain.history import Funds
from xached.domain.instrument import Asset, AssetName, Directory, Instrument, Symbol
from xached.domain.market import Provenance
from xached.domain.messages import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    OrderEnded,
    OrderReduced,
    PlaceOrder,
    Row,
)
from xached.domain.order import (
    CancelScope,
    EndReason,
    Leg,
    LegRole,
    ListActivation,
    ListKind,
    MarketState,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    Trigger,
    TriggerSource,
)
from xached.domain.portfolio import PriceKind
from xached.domain.position import Position
from xached.domain.rejection import Reason, Rejection
from xached.domain.statement import TransactionKind

ALICE = Purse("alice/main")

SAME_NUMBERS: tuple[tuple[type[enum.IntEnum], Any], ...] = (
    (Side, types_pb2.Side),
    (OrderType, types_pb2.OrderType),
    (TimeInForce, types_pb2.TimeInForce),
    (OrderStatus, types_pb2.OrderStatus),
    (EndReason, types_pb2.EndReason),
    (SelfTradePrevention, types_pb2.SelfTradePrevention),
    (MarketState, types_pb2.MarketState),
    (TriggerSource, types_pb2.TriggerSource),
    (LegRole, types_pb2.LegRole),
    (CancelScope, types_pb2.CancelScope),
    (ListKind, types_pb2.ListKind),
    (ListActivation, types_pb2.ListActivation),
    (PriceKind, types_pb2.PriceKind),
    (Provenance, types_pb2.Provenance),
    (TransactionKind, wallet_pb2.TransactionKind),
    (Role, options_pb2.Role),
    (Scope, options_pb2.Scope),
)


@pytest.fixture
def directory() -> Directory:
    """One market."""
    directory = Directory()
    directory.list_asset(Asset(AssetName("BTC"), 8))
    directory.list_asset(Asset(AssetName("USDT"), 6))
    directory.list_instrument(INSTRUMENT)
    return directory


@pytest.mark.parametrize(("ours", "wire"), SAME_NUMBERS, ids=lambda value: str(value)[:20])
def test_enums_have_the_numbers_and_names_of_the_protos(
    ours: type[enum.IntEnum], wire: Any
) -> None:
    prefix = "".join(f"_{c}" if c.isupper() else c.upper() for c in ours.__name__).strip("_") + "_"
    named = {
        value.number: value.name.removeprefix(prefix)
        for value in wire.DESCRIPTOR.values
        if value.number != 0
    }
    assert {member.value: member.name for member in ours if member.value} == named
    assert wire.DESCRIPTOR.values_by_number[0].name == f"{prefix}UNSPECIFIED"


# --- Requests. -------------------------------------------------------------------------------


def place(**changes: Any) -> trading_pb2.PlaceOrderRequest:
    fields: dict[str, Any] = {
        "client_order_id": "a1",
        "symbol": "BTC-USDT",
        "side": types_pb2.SIDE_BUY,
        "type": types_pb2.ORDER_TYPE_LIMIT,
        "price": "49000.0",
        "quantity": "0.00100",
    }
    return trading_pb2.PlaceOrderRequest(**(fields | changes))


def test_an_order_is_read_exactly(directory: Directory) -> None:
    request = place(
        time_in_force=types_pb2.TIME_IN_FORCE_GTD,
        self_trade_prevention=types_pb2.SELF_TRADE_PREVENTION_NONE,
        post_only=True,
        expires_at_ns=5,
    )
    assert convert.place_command(request, ALICE, directory) == PlaceOrder(
        purse=ALICE,
        client_order_id="a1",
        symbol=Symbol("BTC-USDT"),
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTD,
        price_ticks=490_000,
        quantity_lots=100,
        quote_units=None,
        post_only=True,
        self_trade_prevention=SelfTradePrevention.NONE,
        expires_at_ns=5,
    )


@pytest.mark.parametrize(
    ("changes", "trigger"),
    [
        (
            {"type": types_pb2.ORDER_TYPE_STOP_LIMIT, "stop_price": "48000"},
            Trigger(source=TriggerSource.LAST, stop_ticks=480_000),
        ),
        (
            {
                "type": types_pb2.ORDER_TYPE_TRAILING_STOP,
                "trail_bps": 150,
                "activation_price": "51000.5",
                "trigger_source": types_pb2.TRIGGER_SOURCE_MARK,
            },
            Trigger(
                source=TriggerSource.MARK, stop_ticks=None, trail_bps=150, activation_ticks=510_005
            ),
        ),
        (
            {"type": types_pb2.ORDER_TYPE_TRAILING_STOP, "trail_offset": "100.1"},
            Trigger(source=TriggerSource.LAST, stop_ticks=None, trail_ticks=1_001),
        ),
        # Nothing is dropped in silence: the exchange refuses it.
        ({"stop_price": "1"}, Trigger(source=TriggerSource.LAST, stop_ticks=10)),
        ({"type": types_pb2.ORDER_TYPE_STOP}, Trigger(source=TriggerSource.LAST, stop_ticks=None)),
        ({}, None),
    ],
)
def test_what_an_order_waits_for_is_read(
    directory: Directory, changes: dict[str, Any], trigger: Trigger | None
) -> None:
    command = convert.place_command(place(**changes), ALICE, directory)
    assert command.trigger == trigger


def test_the_conditions_of_an_order_are_read(directory: Directory) -> None:
    command = convert.place_command(
        place(display_quantity="0.0002", reduce_only=True, slide=True), ALICE, directory
    )
    assert (command.display_lots, command.reduce_only, command.slide) == (20, True, True)


def test_what_is_not_said_has_a_documented_meaning(directory: Directory) -> None:
    command = convert.place_command(place(), ALICE, directory)
    assert command.time_in_force is TimeInForce.GTC
    assert command.self_trade_prevention is SelfTradePrevention.EXPIRE_TAKER
    market = place(
        type=types_pb2.ORDER_TYPE_MARKET, price="", quantity="", quote_quantity="50.000001"
    )
    command = convert.place_command(market, ALICE, directory)
    assert command.time_in_force is TimeInForce.IOC
    assert (command.price_ticks, command.quantity_lots) == (None, None)
    assert command.quote_units == 50_000_001


@pytest.mark.parametrize(
    ("changes", "reason", "facts"),
    [
        ({"client_order_id": ""}, Reason.ID_FORMAT, {"field": "client_order_id"}),
        ({"symbol": "btc-usdt"}, Reason.UNKNOWN_INSTRUMENT, {"given": "btc-usdt"}),
        ({"side": 0}, Reason.FIELD_REQUIRED, {"field": "side", "given": "0"}),
        ({"type": 99}, Reason.FIELD_REQUIRED, {}),
        ({"time_in_force": 9}, Reason.FIELD_REQUIRED, {"allowed": "GTC, IOC, FOK, GTD"}),
        ({"self_trade_prevention": 9}, Reason.FIELD_REQUIRED, {"given": "9"}),
        ({"price": "49000.05"}, Reason.PRICE_TICK, {"nearest": "49000.0 or 49000.1"}),
        (
            {"price": "49000." + "0" * 40 + "1"},
            Reason.PRICE_TICK,
            {"allowed": "a multiple of 0.1", "nearest": "49000.0 or 49000.1"},
        ),
        ({"price": "10000000.1"}, Reason.PRICE_RANGE, {"allowed": "0.1 to 1000000.0"}),
        ({"price": "9" * 61}, Reason.AMOUNT_FORMAT, {"field": "price"}),
        ({"quantity": "0.000001"}, Reason.QUANTITY_LOT, {"nearest": "0 or 0.00001"}),
        ({"quantity": "0.000000001"}, Reason.QUANTITY_LOT, {"nearest": "0 or 0.00001"}),
        ({"stop_price": "1.05"}, Reason.PRICE_TICK, {"field": "stop_price"}),
        ({"trail_offset": "-1"}, Reason.AMOUNT_FORMAT, {"field": "trail_offset"}),
        ({"activation_price": "x"}, Reason.AMOUNT_FORMAT, {"field": "activation_price"}),
        ({"stop_price": "1", "trigger_source": 9}, Reason.FIELD_REQUIRED, {"given": "9"}),
        ({"display_quantity": "0.000001"}, Reason.QUANTITY_LOT, {"field": "display_quantity"}),
        ({"quantity": "NaN"}, Reason.AMOUNT_FORMAT, {"given": "NaN"}),
        ({"quantity": "+1"}, Reason.AMOUNT_FORMAT, {"given": "+1"}),
        (
            {"quote_quantity": "1.0000001"},
            Reason.AMOUNT_PRECISION,
            {"field": "quote_quantity", "allowed": "at most 6 decimal places"},
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_not_exact_is_refused_with_what_is_allowed(
    directory: Directory, changes: dict[str, Any], reason: Reason, facts: dict[str, str]
) -> None:
    with pytest.raises(Rejection) as refused:
        convert.place_command(place(**changes), ALICE, directory)
    assert refused.value.reason is reason
    assert {name: refused.value.facts[name] for name in facts} == facts
    assert {"field", "given", "allowed"} <= refused.value.facts.keys()


@given(st.integers(1, 10**7), st.integers(0, 12), st.integers(0, 10**12))
def test_a_price_is_read_as_it_is_or_not_at_all(whole: int, places: int, part: int) -> None:
    fraction = str(part)[-places:].rjust(places, "0") if places else ""
    text = f"{whole}.{fraction}" if fraction else str(whole)
    instrument = attrs.evolve(INSTRUMENT, max_price_ticks=10**9)
    try:
        ticks = instrument.parse_price(text)
    except Rejection as rejection:
        refused = rejection
    else:
        assert Fraction(ticks, 10) == Fraction(text)
        return
    assert refused.reason is Reason.PRICE_TICK
    below, above = map(Fraction, refused.facts["nearest"].split(" or "))
    assert below < Fraction(text) < above
    assert above - below == Fraction("0.1")


def test_a_cancel_is_read(directory: Directory) -> None:
    request = trading_pb2.CancelOrderRequest(order_id="4096", request_id="c1")
    assert convert.cancel_command(request, ALICE) == CancelOrder(
        purse=ALICE,
        order_id=OrderId(4096),
        client_order_id=None,
        request_id="c1",
        reason=EndReason.USER,
    )
    with pytest.raises(Rejection) as refused:
        convert.cancel_command(trading_pb2.CancelOrderRequest(), ALICE)
    assert refused.value.facts["given"] == "neither"
    request = trading_pb2.CancelOrderRequest(client_order_id="a", request_id="x" * 37)
    with pytest.raises(Rejection) as refused:
        convert.cancel_command(request, ALICE)
    assert refused.value.facts["field"] == "request_id"


# --- Answers. --------------------------------------------------------------------------------


def an_order(side: Side, status: OrderStatus, reason: EndReason) -> Order:
    """An order of 10 lots at 50,000 that traded 4 of them as far as its status allows."""
    lots = {OrderStatus.OPEN: 0, OrderStatus.FILLED: 10}.get(status, 4)
    over = status.is_over
    return Order(
        order_id=OrderId(4096),
        client_order_id="a1",
        purse=Purse("alice/savings"),
        symbol=Symbol("BTC-USDT"),
        side=side,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTD,
        price_ticks=500_000,
        quantity_lots=10,
        quote_units=None,
        post_only=False,
        self_trade_prevention=SelfTradePrevention.EXPIRE_BOTH,
        expires_at_ns=99,
        maker_fee_ppm=100,
        taker_fee_ppm=1_000,
        held_units=0 if over else (10 - lots) * (500_500 if side is Side.BUY else 1_000),
        accepted_at_ns=5,
        updated_at_ns=6,
        seq=7,
        status=status,
        end_reason=reason,
        executed_lots=lots,
        taker_notional_units=lots * 500_000,
        fee_units=lots * 500,
    )


FATES = (
    (OrderStatus.OPEN, EndReason.NONE, "0", "0.0001"),
    (OrderStatus.PARTIALLY_FILLED, EndReason.NONE, "0.00004", "0.00006"),
    (OrderStatus.FILLED, EndReason.NONE, "0.0001", "0"),
    *(
        (status, reason, "0.00004", "0")
        for status in (OrderStatus.CANCELED, OrderStatus.EXPIRED)
        for reason in EndReason
        if reason is not EndReason.NONE
    ),
)


@pytest.mark.parametrize(("status", "reason", "executed", "leaves"), FATES)
@pytest.mark.parametrize("side", Side)
def test_an_order_is_told_in_every_state(
    side: Side, status: OrderStatus, reason: EndReason, executed: str, leaves: str
) -> None:
    order = an_order(side, status, reason)
    told = convert.order_message(order, INSTRUMENT)
    lots = order.executed_lots
    held = {Side.BUY: order.held_units / 10**6, Side.SELL: order.held_units / 10**8}[side]
    assert told.order_id == "4096"
    assert (told.subaccount, told.symbol) == ("savings", "BTC-USDT")
    assert types_pb2.OrderStatus.Name(told.status) == f"ORDER_STATUS_{status.name}"
    expected = reason.name if reason else "UNSPECIFIED"
    assert types_pb2.EndReason.Name(told.end_reason) == f"END_REASON_{expected}"
    assert (told.price, told.quantity, told.quote_quantity) == ("50000.0", "0.0001", "")
    assert (told.executed_quantity, told.leaves_quantity) == (executed, leaves)
    assert Fraction(told.executed_notional) == Fraction(lots * 5, 10)
    assert Fraction(told.fee) == Fraction(lots * 5, 10_000)
    assert told.average_price == ("50000" if lots else "")
    assert float(told.held) == held
    assert (told.expires_at_ns, told.accepted_at_ns, told.updated_at_ns, told.seq) == (99, 5, 6, 7)


def test_a_market_order_by_quote_amount_has_no_price() -> None:
    order = attrs.evolve(
        an_order(Side.BUY, OrderStatus.FILLED, EndReason.NONE),
        type=OrderType.MARKET,
        price_ticks=None,
        quote_units=50_000_000,
        expires_at_ns=None,
    )
    told = convert.order_message(order, INSTRUMENT)
    assert (told.price, told.quote_quantity, told.expires_at_ns) == ("", "50", 0)


def test_the_conditions_of_an_order_are_told() -> None:
    plain = convert.order_message(an_order(Side.SELL, OrderStatus.OPEN, EndReason.NONE), INSTRUMENT)
    assert (plain.stop_price, plain.list_id, plain.prevented_quantity) == ("", "", "0")
    told = convert.order_message(
        attrs.evolve(
            an_order(Side.SELL, OrderStatus.UNTRIGGERED, EndReason.NONE),
            type=OrderType.TRAILING_STOP,
            trigger=Trigger(
                source=TriggerSource.MARK,
                stop_ticks=None,
                trail_ticks=1_000,
                activation_ticks=510_000,
            ),
            stop_ticks=495_000,
            display_lots=2,
            reduce_only=True,
            slide=True,
            leg=Leg(list_id=OrderId(8192), role=LegRole.STOP_LEG),
            prevented_lots=3,
        ),
        INSTRUMENT,
    )
    assert (told.stop_price, told.current_stop_price) == ("", "49500.0")
    assert told.trigger_source == types_pb2.TRIGGER_SOURCE_MARK
    assert (told.trail_bps, told.trail_offset) == (0, "100.0")
    assert (told.activation_price, told.display_quantity) == ("51000.0", "0.00002")
    assert (told.reduce_only, told.slide) == (True, True)
    assert (told.list_id, told.leg_role) == ("8192", types_pb2.LEG_ROLE_STOP_LEG)
    assert (told.prevented_quantity, told.leaves_quantity) == ("0.00003", "0.00003")


@given(st.integers(1, 10**12), st.integers(1, 10**9))
def test_an_average_price_is_rounded_up_in_its_last_place(quote_units: int, lots: int) -> None:
    told = Fraction(convert.average_price(quote_units, lots, INSTRUMENT))
    exact = Fraction(quote_units, 10**6) / Fraction(lots * 1_000, 10**8)
    assert 0 <= told - exact < Fraction(1, 10**5)


def test_nothing_has_no_average() -> None:
    assert convert.average_price(0, 0, INSTRUMENT) == ""
    told = convert.position_message(Symbol("BTC-USDT"), Position(0, 0, -25), INSTRUMENT)
    assert (told.quantity, told.cost, told.average_price) == ("0", "0", "")
    assert told.realised == "-0.000025"


def test_answers_of_rows_agree_with_the_exchange_that_wrote_them() -> None:
    house, directory = House(3), Directory()
    directory.list_asset(Asset(AssetName("BTC"), 8))
    directory.list_asset(Asset(AssetName("USDT"), 6))
    directory.list_instrument(INSTRUMENT)
    placed = canceled = 0
    for _ in range(600):
        row = house.next_row()
        match row.command:
            case PlaceOrder():
                answer = convert.place_response(row, directory)
                again = convert.place_response(row, directory)
                assert answer.SerializeToString() == again.SerializeToString()
                order = house.exchange.state.orders.get(OrderId(int(answer.order.order_id)))
                if order is None:
                    assert answer.order.status >= types_pb2.ORDER_STATUS_FILLED
                else:
                    assert answer.order == convert.order_message(order, INSTRUMENT)
                placed += 1
            case CancelOrder():
                ended = convert.cancel_response(row, directory)
                assert (ended.seq, ended.at_ns) == (row.seq, row.at_ns)
                canceled += 1
            case _:
                pass
    assert placed > 100
    assert canceled > 30


def test_orders_whose_time_came_in_the_same_row_were_not_cancelled_by_it() -> None:
    def ended(order_id: int, purse: Purse, reason: EndReason) -> OrderEnded:
        return OrderEnded(
            order_id=OrderId(order_id),
            client_order_id="x",
            purse=purse,
            symbol=Symbol("BTC-USDT"),
            side=Side.BUY,
            status=OrderStatus.CANCELED,
            reason=reason,
            executed_lots=0,
            released_units=0,
        )

    row = Row(
        seq=9,
        at_ns=9,
        command=CancelAll(purse=ALICE, symbol=None, request_id="", reason=EndReason.USER),
        events=(
            ended(1, ALICE, EndReason.USER),
            ended(2, ALICE, EndReason.TIME),
            ended(3, Purse("bob/main"), EndReason.TIME),
        ),
    )
    assert list(convert.cancel_all_response(row).order_ids) == ["1"]


def test_what_was_trimmed_in_the_same_row_was_not_amended_by_it(directory: Directory) -> None:
    def reduced(order_id: int, reason: EndReason) -> OrderReduced:
        return OrderReduced(
            order_id=OrderId(order_id),
            purse=ALICE,
            symbol=INSTRUMENT.symbol,
            quantity_lots=3,
            reduced_lots=order_id,
            shown_lots=0,
            released_units=0,
            reason=reason,
        )

    command = AmendOrder(
        purse=ALICE,
        symbol=INSTRUMENT.symbol,
        order_id=OrderId(1),
        client_order_id=None,
        quantity_lots=3,
        expected_executed_lots=None,
        request_id="",
    )
    events = (reduced(1, EndReason.USER), reduced(2, EndReason.REDUCE_ONLY))
    told = order_changes.amended_fields(
        Row(seq=9, at_ns=9, command=command, events=events), directory
    )
    assert (told["order_id"], told["reduced_quantity"]) == ("1", "0.00001")


def test_holds_are_told_beside_their_sum() -> None:
    directory = Directory()
    directory.list_asset(Asset(AssetName("BTC"), 8))
    directory.list_asset(Asset(AssetName("USDT"), 6))
    directory.list_instrument(INSTRUMENT)
    orders = [
        an_order(Side.BUY, OrderStatus.OPEN, EndReason.NONE),
        an_order(Side.SELL, OrderStatus.OPEN, EndReason.NONE),
    ]
    balances = {
        AssetName("USDT"): Funds(10**6, 5_005_000),
        AssetName("BTC"): Funds(0, 10_000),
    }
    btc, usdt = convert.balance_messages(balances, orders, directory)
    assert (btc.asset, btc.available, btc.held, btc.total) == ("BTC", "0", "0.0001", "0.0001")
    assert [(hold.order_id, hold.amount) for hold in btc.holds] == [("4096", "0.0001")]
    assert (usdt.available, usdt.held, usdt.total) == ("1", "5.005", "6.005")
    assert [(hold.client_order_id, hold.amount) for hold in usdt.holds] == [("a1", "5.005")]


# --- Instruments. ----------------------------------------------------------------------------


def assets_of(instrument: Instrument) -> Directory:
    """A directory with the assets of an instrument."""
    directory = Directory()
    directory.list_asset(Asset(instrument.base, instrument.base_scale))
    directory.list_asset(Asset(instrument.quote, instrument.quote_scale))
    return directory


@given(
    st.integers(1, 999).filter(lambda step: step % 10),
    st.integers(0, 4),
    st.integers(1, 10**6).map(lambda lots: lots * 10**4),
    st.integers(1, 10**20),
)
def test_an_instrument_comes_back_as_it_was_told(
    tick_step: int, price_scale: int, lot_units: int, most: int
) -> None:
    instrument = make_instrument(
        tick_step=tick_step,
        price_scale=price_scale,
        lot_units=lot_units,
        max_price_ticks=most,
        max_quantity_lots=most,
        min_notional_units=7,
        min_market_quantity_lots=None if most % 2 else 1,
        max_algo_orders=most % 3,
        max_iceberg_orders=0,
        max_position_lots=None if most % 5 else most,
        min_trail_bps=5,
        max_trail_bps=2_000,
        mark_stale_ns=None if most % 7 else 10**9,
        reference_bucket_ns=10**9,
        reference_buckets=300,
        auction_ns=5,
        volatility_halt_ns=6,
        opening_auction=bool(most % 2),
    )
    told = listing.instrument_message(instrument, MarketState.HALTED)
    assert told.state == types_pb2.MARKET_STATE_HALTED
    assert listing.listed_instrument(told, assets_of(instrument)) == instrument


def test_rules_that_are_left_out_of_a_listing_have_their_defaults() -> None:
    told = listing.instrument_message(INSTRUMENT, MarketState.TRADING)
    for field in ("max_algo_orders", "max_iceberg_orders", "min_trail_bps", "max_trail_bps"):
        told.ClearField(field)
    assert listing.listed_instrument(told, assets_of(INSTRUMENT)) == INSTRUMENT


@pytest.mark.parametrize(
    ("field", "text", "reason", "facts"),
    [
        ("max_position", "0.000001", Reason.QUANTITY_LOT, {"field": "max_position"}),
        ("min_price", "0.15", Reason.PRICE_TICK, {"nearest": "0.1 or 0.2"}),
        ("max_price", "1000000.01", Reason.PRICE_TICK, {"given": "1000000.01"}),
        ("min_quantity", "0.000015", Reason.QUANTITY_LOT, {"nearest": "0.00001 or 0.00002"}),
        ("max_quantity", "10.000001", Reason.QUANTITY_LOT, {"allowed": "a multiple of 0.00001"}),
        ("max_market_quantity", "1e2", Reason.AMOUNT_FORMAT, {"given": "1e2"}),
        ("min_notional", "0.0000001", Reason.AMOUNT_PRECISION, {"field": "min_notional"}),
        ("tick_size", "0", Reason.INSTRUMENT_SPEC, {"allowed": "more than 0"}),
        ("tick_size", "0.000", Reason.INSTRUMENT_SPEC, {"field": "tick_size"}),
        ("lot_size", "0", Reason.INSTRUMENT_SPEC, {"field": "lot_size"}),
        ("lot_size", "", Reason.AMOUNT_FORMAT, {"field": "lot_size"}),
        ("tick_size", "0.00000000001", Reason.INSTRUMENT_SPEC, {}),
        (
            "min_price",
            "2000000",
            Reason.INSTRUMENT_SPEC,
            {"field": "max_price", "allowed": "0 < min price <= max price"},
        ),
        ("symbol", "BTC-EUR", Reason.INSTRUMENT_SPEC, {"allowed": "symbol is BASE-QUOTE"}),
        ("base", "DOGE", Reason.UNKNOWN_ASSET, {"given": "DOGE"}),
    ],
)
def test_rules_that_do_not_fit_are_refused_never_rounded(
    field: str, text: str, reason: Reason, facts: dict[str, str]
) -> None:
    told = listing.instrument_message(INSTRUMENT, MarketState.TRADING)
    setattr(told, field, text)
    with pytest.raises(Rejection) as refused:
        listing.listed_instrument(told, assets_of(INSTRUMENT))
    assert refused.value.reason is reason
    assert {name: refused.value.facts[name] for name in facts} == facts
