"""Running the house: every command once, what it refuses, and who may not call it.

Checked by breaking: a deposit without an id let through, and an account id with a slash in it,
were each seen red.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, cast

import grpc
import pytest
import trio
from google.protobuf.message import Message
from trio.testing import MockClock, wait_all_tasks_blocked
from xache.v1 import admin_pb2, market_pb2, options_pb2, risk_pb2, trading_pb2, types_pb2

from tests.api.trading_house import (
    Collected,
    FakeCall,
    TradingHouse,
    call_of,
    limit,
    status,
    trading_house,
)
from xached.actors.integrity import run_integrity
from xached.actors.matching import Matching
from xached.actors.plugins import PluginDesk
from xached.api import listing
from xached.api.admin import ActorReport, AdminHandlers, HouseReport
from xached.api.auction import AuctionHandlers
from xached.api.auth import Sessions
from xached.api.errors import StatusError
from xached.api.integrity import IntegrityHandlers
from xached.api.oversight import OversightHandlers
from xached.api.plugins import PluginHandlers
from xached.api.risk import RiskHandlers
from xached.api.routes import Authorization, Call, Caller, Routes, Service
from xached.domain.instrument import Directory
from xached.domain.integrity import Integrity
from xached.domain.messages import FreezePurse, SetHalt, SetMark, SetMarketState
from xached.domain.order import AccountId, MarketState, Purse
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Expired, Mailbox
from xached.runtime.steady_clock import SteadyClock

SERVICE = admin_pb2.DESCRIPTOR.services_by_name["AdminService"]
ADMIN = call_of("root")

REPORT = HouseReport(
    version="1.2.3",
    ready_at_ns=5,
    journal_seq=7,
    views_seq=6,
    actors=(
        ActorReport(
            name="matching",
            state="running",
            restarts=0,
            failure="",
            statistics={"rows": 7, "mailbox_queued": 0},
        ),
        ActorReport(
            name="market", state="pausing", restarts=2, failure="OSError: no", statistics={}
        ),
    ),
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


def handlers(house: TradingHouse) -> AdminHandlers:
    sessions: Sessions = Mailbox(4)
    running = house.running
    return AdminHandlers(running.matching, running.directory, sessions, lambda: REPORT)


async def refused(work: Awaitable[Any]) -> Rejection:
    """The refusal that a command must meet."""
    with pytest.raises(Rejection) as error:
        await work
    return error.value


def last_command(house: TradingHouse) -> object:
    journal = house.running.journal
    row = journal.row(journal.last_seq)
    assert row is not None
    return row.command


# --- Listing. --------------------------------------------------------------------------------


async def test_an_asset_and_an_instrument_are_listed_and_traded(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    asset = types_pb2.Asset(name="SOL", scale=9)
    request = admin_pb2.ListAssetRequest(asset=asset, request_id="sol")
    listed = await admin.list_asset(ADMIN, request)
    assert listed.seq == house.running.journal.last_seq
    assert (await admin.list_asset(ADMIN, request)).seq == listed.seq
    told = listing.instrument_message(
        house.running.directory.instrument("BTC-USDT"), MarketState.TRADING
    )
    told.symbol, told.base, told.lot_size, told.min_quantity = "SOL-USDT", "SOL", "0.01", "0.01"
    wanted = admin_pb2.ListInstrumentRequest(instrument=told, request_id="sol-usdt")
    await admin.list_instrument(ADMIN, wanted)
    assert house.running.directory.instrument("SOL-USDT").lot_size == "0.01"
    order = limit("a1", price="200", quantity="0.01")
    order.symbol = "SOL-USDT"
    no_mark = await refused(house.place("alice", order))
    assert no_mark.reason is Reason.REFERENCE_UNKNOWN
    await admin.set_mark(ADMIN, admin_pb2.SetMarkRequest(symbol="SOL-USDT", price="200.0"))
    assert (await house.place("alice", order)).order.symbol == "SOL-USDT"


@pytest.mark.parametrize(
    ("asset", "reason"),
    [
        (types_pb2.Asset(name="BTC", scale=9), Reason.ALREADY_LISTED),
        (types_pb2.Asset(name="btc", scale=8), Reason.INSTRUMENT_SPEC),
        (types_pb2.Asset(name="", scale=8), Reason.INSTRUMENT_SPEC),
        (types_pb2.Asset(name="SOL", scale=25), Reason.INSTRUMENT_SPEC),
    ],
    ids=str,
)
async def test_what_cannot_be_listed(
    autojump_clock: MockClock, house: TradingHouse, asset: types_pb2.Asset, reason: Reason
) -> None:
    request = admin_pb2.ListAssetRequest(asset=asset)
    assert (await refused(handlers(house).list_asset(ADMIN, request))).reason is reason


async def test_rules_of_a_listed_instrument_do_not_change(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    told = listing.instrument_message(
        house.running.directory.instrument("BTC-USDT"), MarketState.TRADING
    )
    seq = house.running.journal.last_seq
    await admin.list_instrument(ADMIN, admin_pb2.ListInstrumentRequest(instrument=told))
    assert house.running.journal.last_seq == seq, "nothing changed, and yet it was journaled"
    told.taker_fee_ppm += 1
    request = admin_pb2.ListInstrumentRequest(instrument=told)
    assert (await refused(admin.list_instrument(ADMIN, request))).reason is Reason.ALREADY_LISTED
    told.min_price = "0.15"
    request = admin_pb2.ListInstrumentRequest(instrument=told)
    error = await refused(admin.list_instrument(ADMIN, request))
    assert (error.reason, error.facts["field"]) == (Reason.PRICE_TICK, "min_price")


# --- Who did it. -----------------------------------------------------------------------------


async def test_the_journal_says_who_asked_for_a_change(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    journal = house.running.journal
    halt = admin_pb2.SetHaltRequest(halted=True, cause="drill", request_id="h1")
    seq = (await admin.set_halt(call_of("root"), halt)).seq
    row = journal.row(seq)
    assert row is not None
    assert (row.by, row.command) == (
        "root",
        SetHalt(halted=True, cause="drill", request_id="h1"),
    )
    # Another administrator who repeats it changes nothing, and is not said to have.
    assert (await admin.set_halt(call_of("second"), halt)).seq == seq
    assert journal.last_seq == seq
    lifted = admin_pb2.SetHaltRequest(halted=False, cause="drill over")
    lifted_row = journal.row((await admin.set_halt(call_of("second"), lifted)).seq)
    assert lifted_row is not None
    assert lifted_row.by == "second"
    await house.place("alice", limit("a1"))
    own = journal.row(journal.last_seq)
    assert own is not None
    assert own.by == ""


async def test_a_halted_house_takes_cancels_only(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    placed = await house.place("alice", limit("a1"))
    await admin.set_halt(ADMIN, admin_pb2.SetHaltRequest(halted=True, cause="drill"))
    assert (await refused(house.place("alice", limit("a2")))).reason is Reason.HALTED
    await house.trading.cancel_order(
        call_of("alice"), trading_pb2.CancelOrderRequest(order_id=placed.order.order_id)
    )
    await admin.set_halt(ADMIN, admin_pb2.SetHaltRequest(halted=False, cause="over"))
    await house.place("alice", limit("a2"))


async def test_rules_change_and_markets_go_at_run_time(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    placed = await house.place("alice", limit("a1"))
    told = listing.instrument_message(
        house.running.directory.instrument("BTC-USDT"), MarketState.TRADING
    )
    told.min_quantity = told.min_market_quantity = "0.001"
    change = admin_pb2.ChangeInstrumentRequest(instrument=told, request_id="c1")
    changed = await admin.change_instrument(ADMIN, change)
    assert (await admin.change_instrument(ADMIN, change)).seq == changed.seq
    assert house.running.directory.instrument("BTC-USDT").min_quantity_lots == 100
    too_small = await refused(house.place("alice", limit("a2")))
    assert (too_small.reason, too_small.facts["nearest"]) == (Reason.QUANTITY_RANGE, "0.001")
    told.lot_size = told.min_quantity = told.min_market_quantity = "0.01"
    other_steps = admin_pb2.ChangeInstrumentRequest(instrument=told)
    assert (await refused(admin.change_instrument(ADMIN, other_steps))).reason is (
        Reason.STEPS_FIXED
    )
    delist = admin_pb2.DelistInstrumentRequest(symbol="BTC-USDT", cause="low volume")
    await admin.delist_instrument(ADMIN, delist)
    journal = house.running.journal
    row = journal.row(journal.last_seq)
    assert row is not None
    assert row.by == "root"
    assert await house.open_orders("alice") == []
    assert (await refused(house.place("alice", limit("a3")))).reason is Reason.DELISTED
    in_use = await refused(
        admin.delist_asset(ADMIN, admin_pb2.DelistAssetRequest(asset="NOPE", cause=""))
    )
    assert in_use.reason is Reason.UNKNOWN_ASSET
    await admin.delist_asset(ADMIN, admin_pb2.DelistAssetRequest(asset="BTC", cause="gone"))
    ended = await house.reading.get_order(
        call_of("alice"), trading_pb2.GetOrderRequest(order_id=placed.order.order_id)
    )
    assert ended.order.end_reason == types_pb2.END_REASON_INSTRUMENT


async def test_accounts_of_a_trade_group_do_not_trade_with_each_other(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    for account_id in ("alice", "bob"):
        request = admin_pb2.SetTradeGroupRequest(
            account_id=account_id, group="desk-1", cause="one owner"
        )
        await admin.set_trade_group(ADMIN, request)
    await house.place("bob", limit("b1", types_pb2.SIDE_SELL, price="49000"))
    placed = await house.place("alice", limit("a1", price="49000"))
    assert placed.order.end_reason == types_pb2.END_REASON_SELF_TRADE
    out = admin_pb2.SetTradeGroupRequest(account_id="alice")
    await admin.set_trade_group(ADMIN, out)
    assert (await house.place("alice", limit("a2", price="49000"))).fills
    nobody = admin_pb2.SetTradeGroupRequest(account_id="nobody", group="g")
    assert (await refused(admin.set_trade_group(ADMIN, nobody))).reason is Reason.UNKNOWN_ACCOUNT


# --- Conduct. --------------------------------------------------------------------------------


async def test_conduct_is_told_with_the_rows_that_show_it(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    integrity = Integrity()
    running = house.running
    told = IntegrityHandlers(integrity)
    async with trio.open_nursery() as nursery:
        await house.place("alice", limit("before", types_pb2.SIDE_SELL, price="49000"))
        nursery.start_soon(
            run_integrity, integrity, running.feed, running.matching,
            lambda: running.journal.last_seq,
        )  # fmt: skip
        await trio.sleep(1)
        met = await house.place("alice", limit("a1", price="49000"))
        await trio.sleep(1)
        answer = await told.get_integrity(ADMIN, admin_pb2.GetIntegrityRequest())
        assert answer.as_of_seq == running.journal.last_seq
        (conduct,) = answer.accounts
        assert (conduct.account_id, conduct.orders, conduct.self_matches) == ("alice", 2, 1)
        assert list(conduct.self_match_seqs) == [met.order.seq]
        one = admin_pb2.GetIntegrityRequest(account_id="alice")
        assert (await told.get_integrity(ADMIN, one)).accounts == answer.accounts
        nobody = admin_pb2.GetIntegrityRequest(account_id="bob")
        assert not (await told.get_integrity(ADMIN, nobody)).accounts
        many = await refused(told.get_integrity(ADMIN, admin_pb2.GetIntegrityRequest(limit=201)))
        assert many.reason is Reason.AMOUNT_RANGE
        nursery.cancel_scope.cancel()


# --- Markets. --------------------------------------------------------------------------------


async def test_a_market_is_closed_and_opened(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    request = admin_pb2.SetMarketStateRequest(
        symbol="BTC-USDT", state=types_pb2.MARKET_STATE_HALTED, cause="maintenance"
    )
    await admin.set_market_state(ADMIN, request)
    assert last_command(house) == SetMarketState(
        symbol=house.running.directory.instrument("BTC-USDT").symbol,
        state=MarketState.HALTED,
        cause="maintenance",
        request_id="",
    )
    assert (await refused(house.place("alice", limit("a1")))).reason is Reason.MARKET_STATE
    request.state = types_pb2.MARKET_STATE_TRADING
    await admin.set_market_state(ADMIN, request)
    await house.place("alice", limit("a1"))


async def test_orders_gather_in_an_auction_and_trade_at_one_price_when_it_ends(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    request = admin_pb2.SetMarketStateRequest(
        symbol="BTC-USDT", state=types_pb2.MARKET_STATE_AUCTION, cause="opening"
    )
    await admin.set_market_state(ADMIN, request)
    sell, buy = types_pb2.SIDE_SELL, types_pb2.SIDE_BUY
    await house.place("bob", limit("b1", sell, price="49000", quantity="0.001"))
    placed = await house.place("alice", limit("a1", buy, price="51000", quantity="0.003"))
    assert not placed.fills
    state = house.running.exchange.state
    auctions = AuctionHandlers(
        house.running.matching,
        house.running.directory,
        lambda symbol: state.market(symbol).effective_state(),
        lambda symbol: state.market(symbol).delisted,
    )
    told: Collected[market_pb2.WatchAuctionResponse] = Collected()
    async with trio.open_nursery() as nursery:
        wanted = market_pb2.WatchAuctionRequest(symbol="BTC-USDT")
        nursery.start_soon(auctions.watch_auction, ADMIN, wanted, told)
        await trio.sleep(2.5)
        request.state = types_pb2.MARKET_STATE_TRADING
        ended = await admin.set_market_state(ADMIN, request)
        await trio.sleep(10)
        nursery.cancel_scope.cancel()
    first = told.messages[0]
    assert (first.gathering, first.quantity, first.buy_imbalance) == (True, "0.001", "0.002")
    assert (first.price, first.sell_imbalance) == ("50000.0", "0")
    # Every second of it, once its end, and then signs of life.
    assert [message.gathering for message in told.messages] == [True] * 3 + [False] * 2
    assert {message.state for message in told.messages if not message.gathering} == {
        types_pb2.MARKET_STATE_TRADING
    }
    row = house.running.journal.row(ended.seq)
    assert row is not None
    assert row.by == "root"
    order = await house.reading.get_order(
        call_of("alice"), trading_pb2.GetOrderRequest(order_id=placed.order.order_id)
    )
    assert order.order.executed_quantity == "0.001"
    assert [fill.price for fill in order.fills] == [first.price]


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (admin_pb2.SetMarketStateRequest(symbol="BTC-USDT"), Reason.FIELD_REQUIRED),
        (
            admin_pb2.SetMarketStateRequest(symbol="X-Y", state="MARKET_STATE_TRADING"),
            Reason.UNKNOWN_INSTRUMENT,
        ),
        (
            admin_pb2.SetMarketStateRequest(
                symbol="BTC-USDT", state="MARKET_STATE_TRADING", cause="x" * 201
            ),
            Reason.ID_FORMAT,
        ),
        (
            admin_pb2.SetMarketStateRequest(symbol="BTC-USDT", state="MARKET_STATE_HALTED"),
            Reason.ID_FORMAT,
        ),
    ],
    ids=["no state", "no market", "long cause", "no cause"],
)
async def test_a_state_that_cannot_be_set(
    autojump_clock: MockClock,
    house: TradingHouse,
    request_: admin_pb2.SetMarketStateRequest,
    reason: Reason,
) -> None:
    assert (await refused(handlers(house).set_market_state(ADMIN, request_))).reason is reason


@pytest.mark.parametrize(("cause", "given"), [("", "nothing"), (" \n", "blanks")])
async def test_a_halt_says_why(
    autojump_clock: MockClock, house: TradingHouse, cause: str, given: str
) -> None:
    """Checked: the house was halted with nothing to read for whoever was refused by it."""
    request = admin_pb2.SetHaltRequest(halted=True, cause=cause)
    told = await refused(handlers(house).set_halt(ADMIN, request))
    assert (told.reason, told.facts["field"]) == (Reason.ID_FORMAT, "cause")
    assert told.facts["given"] == given
    assert not house.running.exchange.state.halted


async def test_a_mark_is_set_by_an_administrator(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    await admin.set_mark(ADMIN, admin_pb2.SetMarkRequest(symbol="BTC-USDT", price="60000"))
    command = last_command(house)
    assert isinstance(command, SetMark)
    assert (command.price_ticks, command.source) == (600_000, "ADMIN")
    for price, reason in (
        ("60000.05", Reason.PRICE_TICK),
        ("", Reason.AMOUNT_FORMAT),
        ("0", Reason.PRICE_RANGE),
    ):
        request = admin_pb2.SetMarkRequest(symbol="BTC-USDT", price=price)
        assert (await refused(admin.set_mark(ADMIN, request))).reason is reason


# --- Purses. ---------------------------------------------------------------------------------


async def test_a_purse_is_opened_funded_limited_and_frozen(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    purse: dict[str, Any] = {"account_id": "alice", "subaccount": "bot"}
    await admin.open_purse(ADMIN, admin_pb2.OpenPurseRequest(**purse))
    await admin.deposit(
        ADMIN,
        admin_pb2.DepositRequest(**purse, asset="USDT", amount="100.000001", request_id="d1"),
    )
    await house.place("alice", limit("a1", subaccount="bot"))
    limits = admin_pb2.SetRiskLimitsRequest(
        **purse, max_open_orders=2, max_order_notional={"USDT": "10"}
    )
    await admin.set_risk_limits(ADMIN, limits)
    large = limit("a2", quantity="0.001", subaccount="bot")
    assert (await refused(house.place("alice", large))).reason is Reason.ORDER_SIZE
    await house.place("alice", limit("a2", subaccount="bot"))
    third = limit("a3", subaccount="bot")
    assert (await refused(house.place("alice", third))).reason is Reason.OPEN_ORDERS
    freeze = admin_pb2.FreezePurseRequest(**purse, frozen=True, cause="lost phone")
    await admin.freeze_purse(ADMIN, freeze)
    assert last_command(house) == FreezePurse(
        purse=Purse("alice/bot"), frozen=True, cause="lost phone", request_id=""
    )
    assert (await refused(house.place("alice", third))).reason is Reason.PURSE_FROZEN
    freeze.frozen = False
    await admin.freeze_purse(ADMIN, freeze)
    assert (await refused(house.place("alice", third))).reason is Reason.OPEN_ORDERS


async def test_a_deposit_is_credited_once(autojump_clock: MockClock, house: TradingHouse) -> None:
    admin = handlers(house)
    request = admin_pb2.DepositRequest(
        account_id="alice", asset="USDT", amount="0.5", request_id="d1"
    )
    before = (await house.balances("alice"))["USDT"].total
    first = await admin.deposit(ADMIN, request)
    assert await admin.deposit(ADMIN, request) == first
    assert (await house.balances("alice"))["USDT"].total == f"{before}.5"
    request.amount = "0.6"
    assert (await refused(admin.deposit(ADMIN, request))).reason is Reason.ID_REUSED
    request.request_id = ""
    error = await refused(admin.deposit(ADMIN, request))
    assert (error.reason, error.facts["field"]) == (Reason.FIELD_REQUIRED, "request_id")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": "0"}, Reason.AMOUNT_RANGE),
        ({"amount": "-1"}, Reason.AMOUNT_FORMAT),
        ({"amount": "1" + "0" * 35}, Reason.AMOUNT_RANGE),
        ({"amount": "0.0000001"}, Reason.AMOUNT_PRECISION),
        ({"asset": "DOGE"}, Reason.UNKNOWN_ASSET),
        ({"account_id": ""}, Reason.FIELD_REQUIRED),
        ({"account_id": "nobody"}, Reason.UNKNOWN_PURSE),
        ({"account_id": "alice/main"}, Reason.ID_FORMAT),
        ({"subaccount": "NO"}, Reason.ID_FORMAT),
        ({"request_id": "two words"}, Reason.ID_FORMAT),
    ],
    ids=str,
)
async def test_a_deposit_that_is_refused(
    autojump_clock: MockClock, house: TradingHouse, changes: dict[str, str], reason: Reason
) -> None:
    fields = {"account_id": "alice", "asset": "USDT", "amount": "1", "request_id": "d1"}
    request = admin_pb2.DepositRequest(**(fields | changes))
    assert (await refused(handlers(house).deposit(ADMIN, request))).reason is reason
    assert (await house.balances("alice"))["USDT"].total == "1000000"


async def test_a_purse_is_of_one_account(autojump_clock: MockClock, house: TradingHouse) -> None:
    # A slash would put the purse of one account into another.
    request = admin_pb2.OpenPurseRequest(account_id="alice/x", subaccount="main")
    error = await refused(handlers(house).open_purse(ADMIN, request))
    assert (error.reason, error.facts["field"]) == (Reason.ID_FORMAT, "account_id")


@pytest.mark.parametrize(
    ("most", "notional", "reason"),
    [
        (1_001, {}, Reason.AMOUNT_RANGE),
        (1, {"DOGE": "1"}, Reason.UNKNOWN_ASSET),
        (1, {"USDT": "1e3"}, Reason.AMOUNT_FORMAT),
    ],
    ids=str,
)
async def test_limits_that_are_refused(
    autojump_clock: MockClock,
    house: TradingHouse,
    most: int,
    notional: dict[str, str],
    reason: Reason,
) -> None:
    request = admin_pb2.SetRiskLimitsRequest(
        account_id="alice", max_open_orders=most, max_order_notional=notional
    )
    assert (await refused(handlers(house).set_risk_limits(ADMIN, request))).reason is reason


async def test_a_command_past_its_deadline_is_not_carried_out(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    errors: list[Exception] = []

    async def late() -> None:
        call = call_of("root", deadline_s=trio.current_time() + 1e-6)
        request = admin_pb2.FreezePurseRequest(account_id="alice", frozen=True)
        try:
            await admin.freeze_purse(call, request)
        except Expired as error:
            errors.append(error)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(house.place, "alice", limit("a1"))
        await wait_all_tasks_blocked()
        nursery.start_soon(late)
    assert status(errors[0]).code is grpc.StatusCode.DEADLINE_EXCEEDED
    await house.place("alice", limit("a2"))


# --- Health, and who may call. ---------------------------------------------------------------


async def test_health_is_what_the_house_reports(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    answer = await handlers(house).get_health(ADMIN, admin_pb2.GetHealthRequest())
    assert (answer.version, answer.ready_at_ns) == ("1.2.3", 5)
    assert (answer.journal_seq, answer.views_seq) == (7, 6)
    matching, market = answer.actors
    assert dict(matching.statistics) == {"rows": 7, "mailbox_queued": 0}
    assert (market.name, market.state, market.restarts) == ("market", "pausing", 2)
    assert market.failure == "OSError: no"
    assert answer.restraints == risk_pb2.HouseRestraints()


async def test_health_says_what_is_restrained_and_nothing_of_anybody(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin, running = handlers(house), house.running
    risk = RiskHandlers(running.matching, running.directory, SteadyClock(running.world))
    reducing = risk_pb2.RISK_STATE_REDUCING
    for scope in ("house", "market:BTC-USDT", "account:alice", "purse:alice/main"):
        await risk.set_risk_state(
            ADMIN, risk_pb2.SetRiskStateRequest(scope=scope, state=reducing, cause=scope[:5])
        )
    await admin.set_halt(ADMIN, admin_pb2.SetHaltRequest(halted=True, cause="a drill"))
    halted = types_pb2.MARKET_STATE_HALTED
    await admin.set_market_state(
        ADMIN, admin_pb2.SetMarketStateRequest(symbol="BTC-USDT", state=halted, cause="a look")
    )
    told = (await admin.get_health(ADMIN, admin_pb2.GetHealthRequest())).restraints
    assert (told.halted, told.halt_cause) == (True, "a drill")
    assert [(each.scope, each.state, each.cause) for each in told.scopes] == [
        ("house", reducing, "house"),
        ("market:BTC-USDT", reducing, "marke"),
    ]
    assert [(each.symbol, each.state, each.cause) for each in told.markets] == [
        ("BTC-USDT", halted, "a look")
    ]


async def test_health_is_told_while_the_exchange_does_not_answer(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    nobody_reads: Sessions = Mailbox(4)
    unserved = Matching(4)
    hanging = AdminHandlers(unserved, house.running.directory, nobody_reads, lambda: REPORT)
    with trio.fail_after(60):
        answer = await hanging.get_health(ADMIN, admin_pb2.GetHealthRequest())
    assert answer.version == "1.2.3"
    assert not answer.HasField("restraints")


class Knows:
    """An authorizer that lets everybody be who a test says."""

    def __init__(
        self, roles: Iterable[int], scopes: Iterable[int], *, stepped_up: bool = True
    ) -> None:
        self._caller = Caller(
            account_id=AccountId("alice"),
            session_id="s",
            roles=frozenset(roles),
            scopes=frozenset(scopes),
            stepped_up=stepped_up,
        )

    def authorize(self, _call: Call, _authorization: Authorization, _body: bytes) -> Caller:
        """See Authorizer."""
        return self._caller

    def opened(self, call: Call) -> None:
        """See Authorizer."""

    def closed(self, call: Call) -> None:
        """See Authorizer."""


SCOPES = {options_pb2.SCOPE_READ, options_pb2.SCOPE_TRADE, options_pb2.SCOPE_ADMIN}
OPERATOR_MAY = {
    "GetFeeTiers",
    "GetUserMetrics",
    "GetIntegrity",
    "SetMarketState",
    "SetMark",
    "SetRiskLimits",
    "SetHalt",
    "GetHealth",
    "ListPlugins",
    "GetPlugin",
    "ApprovePlugin",
    "WithdrawPlugin",
    "QuarantinePlugin",
    "ReleasePlugin",
}


NO_CODE_FOR = {
    "EndSessions",
    "ListAccounts",
    "GetFeeTiers",
    "GetUserMetrics",
    "ListAudit",
    "GetIntegrity",
    "GetHealth",
    "ListPlugins",
    "GetPlugin",
    "WithdrawPlugin",
    "QuarantinePlugin",
}
"""They move neither money nor rights: who ends sessions or locks code up only lessens what can
happen."""

PLUGINS = PluginHandlers(cast(PluginDesk, None), Directory())
"""Nobody gets as far as its desk."""

OVERSIGHT = OversightHandlers(cast(Sessions, None))


@pytest.mark.parametrize("method", [m.name for m in SERVICE.methods if m.name != "BootstrapAdmin"])
async def test_only_those_with_the_role_may_run_the_house(
    autojump_clock: MockClock, house: TradingHouse, method: str
) -> None:
    parts = (handlers(house), IntegrityHandlers(Integrity()), PLUGINS, OVERSIGHT)
    service = Service(descriptor=SERVICE, handlers=parts)
    everybody = {options_pb2.ROLE_USER, options_pb2.ROLE_SUPPORT, options_pb2.ROLE_COMPLIANCE}

    async def admit(roles: Iterable[int], scopes: Iterable[int], *, stepped_up: bool = True) -> str:
        routes = Routes([service], Knows(roles, scopes, stepped_up=stepped_up))
        route = routes.find(f"/xache.v1.AdminService/{method}")
        assert route is not None
        try:
            await routes.admit(FakeCall("alice"), route)
        except StatusError as error:
            return f"{error.code.name} {error.reason}"
        return "admitted"

    no_role = "PERMISSION_DENIED ROLE_MISSING"
    assert await admit(everybody, SCOPES) == no_role
    trader = {options_pb2.SCOPE_READ, options_pb2.SCOPE_TRADE}
    assert await admit({options_pb2.ROLE_ADMIN}, trader) == "PERMISSION_DENIED SCOPE_MISSING"
    assert await admit({options_pb2.ROLE_ADMIN}, SCOPES) == "admitted"
    may = "admitted" if method in OPERATOR_MAY else no_role
    assert await admit({options_pb2.ROLE_OPERATOR}, SCOPES) == may
    unproven = "admitted" if method in NO_CODE_FOR else "PERMISSION_DENIED STEP_UP_REQUIRED"
    assert await admit({options_pb2.ROLE_ADMIN}, SCOPES, stepped_up=False) == unproven


async def test_every_garbled_command_is_refused_in_form(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    admin = handlers(house)
    calls: list[tuple[Callable[..., Awaitable[Any]], Message]] = [
        (admin.list_asset, admin_pb2.ListAssetRequest()),
        (admin.list_instrument, admin_pb2.ListInstrumentRequest()),
        (admin.change_instrument, admin_pb2.ChangeInstrumentRequest()),
        (admin.delist_instrument, admin_pb2.DelistInstrumentRequest()),
        (admin.delist_asset, admin_pb2.DelistAssetRequest()),
        (admin.set_fee_tiers, admin_pb2.SetFeeTiersRequest(tiers=[types_pb2.FeeTier()])),
        (admin.set_market_state, admin_pb2.SetMarketStateRequest()),
        (admin.set_mark, admin_pb2.SetMarkRequest()),
        (admin.set_risk_limits, admin_pb2.SetRiskLimitsRequest()),
        (admin.open_purse, admin_pb2.OpenPurseRequest()),
        (admin.freeze_purse, admin_pb2.FreezePurseRequest()),
        (admin.deposit, admin_pb2.DepositRequest()),
        (admin.set_trade_group, admin_pb2.SetTradeGroupRequest()),
    ]
    seq = house.running.journal.last_seq
    for handler, request in calls:
        error = await refused(handler(ADMIN, request))
        assert {"given", "allowed"} <= error.facts.keys()
    assert house.running.journal.last_seq == seq
