"""The exchange where scripts do not reach: time, huge amounts, copies, ids, cost and garbage."""

from __future__ import annotations

from typing import Any

import pytest

from tests.domain.test_book import garbage_of, lines_of
from tests.domain.test_instrument import make_instrument
from xached.domain.exchange import Exchange
from xached.domain.house_rules import AMOUNT_UNITS_MAX
from xached.domain.instrument import Asset, AssetName, Symbol
from xached.domain.messages import (
    AdvanceClock,
    CancelAll,
    CancelOrder,
    ClockAdvanced,
    Command,
    Deposit,
    Event,
    FreezePurse,
    ListAsset,
    ListInstrument,
    OpenPurse,
    OrderAccepted,
    OrderEnded,
    OrderRested,
    PlaceOrder,
    SetHalt,
    SetMark,
    SetMarketState,
    SetRiskLimits,
    Traded,
    request_key,
    trade_id,
)
from xached.domain.order import (
    AccountId,
    EndReason,
    MarketState,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    account_of,
    check_id,
    make_order_id,
    make_purse,
    subaccount_of,
)
from xached.domain.rejection import Reason, Rejection

ALICE = Purse("alice/main")
BOB = Purse("bob/main")
BTC, USDT = AssetName("BTC"), AssetName("USDT")
SYMBOL = Symbol("BTC-USDT")


class House:
    """An exchange with one market, two funded purses, and its journal."""

    def __init__(self, **rules: Any) -> None:
        self.exchange = Exchange()
        self.seq = 0
        self.at_ns = 0
        self.orders = 0
        bands = {
            "buy_band_up_ppm": 10**9,
            "buy_band_down_ppm": 10**6,
            "sell_band_up_ppm": 10**9,
            "sell_band_down_ppm": 10**6,
            "max_open_orders": 1_000,
        }
        for asset in (BTC, USDT):
            self.tell(ListAsset(asset=Asset(asset, 8), request_id=""))
        instrument = make_instrument(**(bands | rules))
        self.tell(ListInstrument(instrument=instrument, request_id=""))
        self.tell(SetMark(symbol=SYMBOL, price_ticks=100, source="test", request_id=""))
        self.tell(
            SetRiskLimits(
                purse=None,
                max_open_orders=1_000,
                max_order_notional_units=((USDT, 10**70),),
                request_id="",
            )
        )
        for purse in (ALICE, BOB):
            self.tell(OpenPurse(purse=purse, simulated=purse == BOB, request_id=""))
            for asset in (BTC, USDT):
                self.tell(Deposit(purse=purse, asset=asset, amount_units=10**36, request_id=""))

    def tell(self, command: Command) -> tuple[Event, ...]:
        self.at_ns += 1
        events = self.exchange.decide(command, self.seq + 1, self.at_ns)
        if events:
            self.seq += 1
        for event in events:
            self.exchange.apply(event, self.seq, self.at_ns)
        return events

    def order(self, purse: Purse, side: Side, lots: int, price: int, **terms: Any) -> PlaceOrder:
        self.orders += 1
        given: dict[str, Any] = {
            "purse": purse,
            "client_order_id": f"o{self.orders}",
            "symbol": SYMBOL,
            "side": side,
            "type": OrderType.LIMIT,
            "time_in_force": TimeInForce.GTC,
            "price_ticks": price,
            "quantity_lots": lots,
            "quote_units": None,
            "post_only": False,
            "self_trade_prevention": SelfTradePrevention.EXPIRE_TAKER,
            "expires_at_ns": None,
        }
        return PlaceOrder(**(given | terms))

    def place(
        self, purse: Purse, side: Side, lots: int, price: int, **terms: Any
    ) -> tuple[Event, ...]:
        return self.tell(self.order(purse, side, lots, price, **terms))


def test_amounts_of_ten_to_the_thirty_stay_exact() -> None:
    house = House(taker_fee_ppm=999, maker_fee_ppm=1, max_quantity_lots=10**31)
    lots, price = 10**30 + 1, 100
    house.place(BOB, Side.SELL, lots, price)
    _, traded, *_ = house.place(ALICE, Side.BUY, lots - 1, price)
    assert isinstance(traded, Traded)
    notional = 10**30 * 100 * 50  # one tick of one lot is 50 units
    assert traded.notional_units == notional
    assert traded.taker_fee_units == notional * 999 // 10**6
    assert traded.maker_fee_units == notional // 10**6
    ledger = house.exchange.state.ledger
    assert ledger.available_units(ALICE, USDT) == 10**36 - notional - traded.taker_fee_units
    assert ledger.held_units(BOB, BTC) == 1_000
    assert ledger.available_units(BOB, BTC) == 10**36 - lots * 1_000
    house.exchange.check()
    snapshot = house.exchange.snapshot()
    assert Exchange.restore(snapshot).snapshot() == snapshot


def test_the_largest_deposit() -> None:
    house = House()
    deposit = Deposit(purse=ALICE, asset=BTC, amount_units=AMOUNT_UNITS_MAX, request_id="d")
    house.tell(deposit)
    assert house.exchange.state.ledger.available_units(ALICE, BTC) == 2 * 10**36
    for amount in (AMOUNT_UNITS_MAX + 1, 0, -1):
        with pytest.raises(Rejection) as refused:
            house.tell(Deposit(purse=ALICE, asset=BTC, amount_units=amount, request_id="d"))
        assert refused.value.reason is Reason.AMOUNT_RANGE


def test_time_never_goes_back() -> None:
    house = House()
    house.at_ns = 0
    with pytest.raises(AssertionError):
        house.place(ALICE, Side.BUY, 1, 100)


def test_what_is_due_is_known_before_it_is_done() -> None:
    house = House()
    exchange = house.exchange
    assert exchange.next_deadline_ns() is None
    assert house.tell(AdvanceClock()) == ()
    late, soon = house.at_ns + 100, house.at_ns + 50
    for expiry in (late, soon, soon):
        house.place(ALICE, Side.BUY, 1, 100, time_in_force=TimeInForce.GTD, expires_at_ns=expiry)
    assert exchange.next_deadline_ns() == soon
    assert not exchange.has_due(soon - 1)
    assert exchange.has_due(soon)
    assert exchange.next_due() is None
    house.at_ns = soon - 1
    assert house.tell(AdvanceClock()) == (ClockAdvanced(),)
    ended = []
    while (step := exchange.next_due()) is not None:
        (event,) = exchange.decide(step, house.seq, soon)
        assert isinstance(event, OrderEnded)
        assert (event.status, event.reason) == (OrderStatus.EXPIRED, EndReason.TIME)
        exchange.apply(event, house.seq, soon)
        ended.append(event.client_order_id)
    assert ended == ["o2", "o3"]
    assert exchange.next_deadline_ns() == late
    house.tell(CancelAll(purse=ALICE, symbol=None, request_id="", reason=EndReason.USER))
    assert exchange.next_deadline_ns() is None
    exchange.check()


def test_expiries_of_cancelled_orders_are_forgotten() -> None:
    house = House()
    far = 10**18
    house.place(ALICE, Side.BUY, 1, 1, time_in_force=TimeInForce.GTD, expires_at_ns=far)
    for _ in range(50):
        accepted, _ = house.place(
            ALICE, Side.BUY, 1, 1, time_in_force=TimeInForce.GTD, expires_at_ns=far + 1
        )
        assert isinstance(accepted, OrderAccepted)
        house.tell(cancel(ALICE, accepted.order_id))
    assert len(house.exchange.state.expiries) == 1


def cancel(purse: Purse, order_id: OrderId | None, **terms: Any) -> CancelOrder:
    given: dict[str, Any] = {
        "purse": purse,
        "order_id": order_id,
        "client_order_id": None,
        "request_id": "",
        "reason": EndReason.USER,
    }
    return CancelOrder(**(given | terms))


def test_an_order_is_cancelled_by_either_id_and_only_by_its_owner() -> None:
    house = House()
    accepted, _ = house.place(ALICE, Side.BUY, 1, 100)
    assert isinstance(accepted, OrderAccepted)
    for wrong in (
        cancel(BOB, accepted.order_id),
        cancel(ALICE, OrderId(accepted.order_id + 1)),
        cancel(ALICE, None),
        cancel(ALICE, None, client_order_id="nothing"),
    ):
        with pytest.raises(Rejection) as refused:
            house.tell(wrong)
        assert refused.value.reason is Reason.UNKNOWN_ORDER
    (event,) = house.tell(cancel(ALICE, accepted.order_id, reason=EndReason.ADMIN))
    assert isinstance(event, OrderEnded)
    assert (event.status, event.reason) == (OrderStatus.CANCELED, EndReason.ADMIN)
    with pytest.raises(Rejection):
        house.tell(cancel(ALICE, accepted.order_id))


def test_orders_of_a_query_are_copies() -> None:
    house = House()
    house.place(ALICE, Side.BUY, 5, 100)
    (before,) = house.exchange.open_orders(ALICE)
    house.place(BOB, Side.SELL, 2, 100)
    assert before.executed_lots == 0
    (after,) = house.exchange.open_orders(ALICE, SYMBOL)
    assert after.executed_lots == 2
    assert house.exchange.open_orders(ALICE, Symbol("ETH-USDT")) == []
    with pytest.raises(Rejection) as refused:
        house.exchange.open_orders(Purse("carol/main"))
    assert refused.value.reason is Reason.UNKNOWN_PURSE


def test_a_trade_with_simulated_liquidity_says_so() -> None:
    house = House()
    house.place(BOB, Side.SELL, 1, 100)
    _, traded, *_ = house.place(ALICE, Side.BUY, 1, 100)
    assert isinstance(traded, Traded)
    assert traded.simulated
    assert trade_id(house.seq, traded.index) == f"{house.seq}-0"


def test_trades_of_a_row_are_numbered() -> None:
    house = House()
    for _ in range(3):
        house.place(BOB, Side.SELL, 1, 100)
    events = house.place(ALICE, Side.BUY, 3, 100)
    assert [event.index for event in events if isinstance(event, Traded)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"type": OrderType.MARKET, "time_in_force": TimeInForce.IOC}, Reason.FIELD_FORBIDDEN),
        ({"type": OrderType.MARKET, "price_ticks": None}, Reason.COMBINATION),
        (
            {
                "type": OrderType.MARKET,
                "time_in_force": TimeInForce.IOC,
                "price_ticks": None,
                "quote_units": 1,
            },
            Reason.FIELD_REQUIRED,
        ),
        (
            {
                "type": OrderType.MARKET,
                "time_in_force": TimeInForce.IOC,
                "price_ticks": None,
                "quantity_lots": None,
            },
            Reason.FIELD_REQUIRED,
        ),
        ({"quote_units": 1}, Reason.FIELD_FORBIDDEN),
        ({"price_ticks": None}, Reason.FIELD_REQUIRED),
        ({"quantity_lots": None}, Reason.FIELD_REQUIRED),
        ({"post_only": True, "time_in_force": TimeInForce.IOC}, Reason.COMBINATION),
        ({"expires_at_ns": 10**18}, Reason.COMBINATION),
        ({"time_in_force": TimeInForce.GTD}, Reason.COMBINATION),
        ({"time_in_force": TimeInForce.GTD, "expires_at_ns": 1}, Reason.EXPIRY_PAST),
        ({"quantity_lots": -1}, Reason.QUANTITY_RANGE),
        ({"price_ticks": -1}, Reason.PRICE_RANGE),
    ],
)
def test_fields_that_do_not_go_together(terms: dict[str, Any], reason: Reason) -> None:
    house = House()
    before = house.exchange.snapshot()
    with pytest.raises(Rejection) as refused:
        house.place(ALICE, Side.BUY, 1, 100, **terms)
    assert refused.value.reason is reason
    assert house.exchange.snapshot() == before


def test_saying_again_what_holds_changes_nothing() -> None:
    house = House()
    instrument = house.exchange.state.markets[SYMBOL].instrument
    before = house.exchange.snapshot()
    for command in (
        ListAsset(asset=Asset(BTC, 8), request_id="x"),
        ListInstrument(instrument=instrument, request_id="x"),
        SetMark(symbol=SYMBOL, price_ticks=100, source="other", request_id="x"),
        SetMarketState(symbol=SYMBOL, state=MarketState.TRADING, cause="", request_id="x"),
        OpenPurse(purse=ALICE, simulated=False, request_id="x"),
        FreezePurse(purse=ALICE, frozen=False, cause="", request_id="x"),
        SetHalt(halted=False, cause="", request_id="x"),
        CancelAll(purse=ALICE, symbol=None, request_id="x", reason=EndReason.USER),
    ):
        assert house.tell(command) == (), command
    assert house.exchange.snapshot() == before


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (ListAsset(asset=Asset(BTC, 9), request_id=""), Reason.ALREADY_LISTED),
        (ListAsset(asset=Asset(AssetName("x"), 9), request_id=""), Reason.INSTRUMENT_SPEC),
        (
            ListInstrument(
                instrument=make_instrument(base="ETH", symbol="ETH-USDT"), request_id=""
            ),
            Reason.UNKNOWN_ASSET,
        ),
        (OpenPurse(purse=ALICE, simulated=True, request_id=""), Reason.ALREADY_LISTED),
        (
            SetMark(symbol=SYMBOL, price_ticks=0, source="", request_id=""),
            Reason.PRICE_RANGE,
        ),
        (
            Deposit(purse=ALICE, asset=AssetName("ETH"), amount_units=1, request_id=""),
            Reason.UNKNOWN_ASSET,
        ),
        (
            SetRiskLimits(
                purse=None,
                max_open_orders=1,
                max_order_notional_units=((AssetName("ETH"), 1),),
                request_id="",
            ),
            Reason.UNKNOWN_ASSET,
        ),
        (
            SetRiskLimits(
                purse=None,
                max_open_orders=1,
                max_order_notional_units=((BTC, -1),),
                request_id="",
            ),
            Reason.AMOUNT_RANGE,
        ),
    ],
)
def test_rules_of_the_house_that_cannot_be(command: Command, reason: Reason) -> None:
    house = House()
    before = house.exchange.snapshot()
    with pytest.raises(Rejection) as refused:
        house.tell(command)
    assert refused.value.reason is reason
    assert house.exchange.snapshot() == before


def test_balances_and_purses_of_an_account() -> None:
    house = House()
    house.tell(OpenPurse(purse=Purse("alice/bot"), simulated=False, request_id=""))
    house.tell(OpenPurse(purse=Purse("alice2/main"), simulated=False, request_id=""))
    purses = [name for name, _ in house.exchange.purses_of(AccountId("alice"))]
    assert purses == ["alice/main", "alice/bot"]
    house.place(ALICE, Side.SELL, 1, 100)
    assert house.exchange.state.ledger.balances(ALICE) == [
        (BTC, 10**36 - 1_000, 1_000),
        (USDT, 10**36, 0),
    ]
    assert house.exchange.state.ledger.balances(Purse("alice/bot")) == []


def test_ids() -> None:
    assert make_order_id(5, 3) == 5 * 4096 + 3
    with pytest.raises(AssertionError):
        make_order_id(5, 4096)
    purse = make_purse("0123abc", "")
    assert (account_of(purse), subaccount_of(purse)) == ("0123abc", "main")
    for wrong in ("Main", "a" * 33, "a/b", "a b", "ä"):
        with pytest.raises(Rejection) as refused:
            make_purse("0123abc", wrong)
        assert refused.value.reason is Reason.ID_FORMAT
    assert check_id("A-1._z", "request_id") == "A-1._z"
    for wrong in ("", "a" * 37, "a b", "a\n", "é"):
        with pytest.raises(Rejection) as refused:
            check_id(wrong, "request_id")
        assert refused.value.reason is Reason.ID_FORMAT


def test_scopes_of_ids_that_make_a_repeat_safe() -> None:
    house = House()
    order = house.order(ALICE, Side.BUY, 1, 100)
    assert request_key(order) == ("o:alice/main", "o1")
    assert request_key(cancel(ALICE, None, request_id="r1")) == ("r:alice/main", "r1")
    assert request_key(cancel(ALICE, None)) is None
    assert request_key(AdvanceClock()) is None
    assert request_key(SetHalt(halted=True, cause="", request_id="h")) == ("r:house", "h")
    assert request_key(SetHalt(halted=True, cause="", request_id="")) is None


def test_an_order_takes_the_same_number_of_lines_however_many_are_open() -> None:
    def place_lines(resting: int) -> int:
        house = House()
        for number in range(resting):
            house.place(ALICE, Side.BUY, 1, 10 + number % 50)
        return lines_of(lambda: house.place(ALICE, Side.BUY, 1, 10))

    # Checked by breaking: counting the open orders of the instrument anew makes them differ.
    assert place_lines(1) == place_lines(900)


def test_heavy_use_leaves_no_reference_cycle() -> None:
    def use() -> None:
        house = House()
        for step in range(300):
            side = Side.BUY if step % 2 else Side.SELL
            purse = ALICE if step % 3 else BOB
            house.place(
                purse, side, 1 + step % 7, 100 + step % 5, self_trade_prevention=
                SelfTradePrevention.EXPIRE_MAKER,
            )  # fmt: skip
        house.tell(CancelAll(purse=ALICE, symbol=None, request_id="", reason=EndReason.USER))
        house.tell(CancelAll(purse=BOB, symbol=None, request_id="", reason=EndReason.USER))
        house.exchange.check()

    assert garbage_of(use) == []


def test_the_story_of_an_order_adds_up() -> None:
    house = House(taker_fee_ppm=1_000)
    house.place(BOB, Side.SELL, 4, 100)
    accepted, traded, ended, rested = house.place(ALICE, Side.BUY, 10, 101)
    assert isinstance(accepted, OrderAccepted)
    assert isinstance(traded, Traded)
    assert isinstance(ended, OrderEnded)
    assert isinstance(rested, OrderRested)
    assert accepted.held_units == 10 * 101 * 50 + 51  # 50.5 units of fee, rounded up
    assert (traded.notional_units, traded.taker_fee_units) == (20_000, 20)
    assert rested.leaves_lots == 6
    assert ended.status is OrderStatus.FILLED
    hold = house.exchange.state.ledger.hold_of(accepted.order_id)
    paid = traded.notional_units + traded.taker_fee_units
    assert hold.units == accepted.held_units - paid - traded.buyer_released_units
    assert hold.units == 6 * 101 * 50 + 31  # 30.3, of what is due after 20 were charged
