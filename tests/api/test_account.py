"""The purses of an account: opened by their owner, listed, and money between them.

Checked by breaking, each seen red: a transfer without its request id, and one that names the
target in the caller's words without resolving it inside of the account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2, admin_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.api.trading_house import SELL, TradingHouse, call_of, limit, status, trading_house
from xached.api.admin import AdminHandlers, HouseReport
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Mailbox

ALICE = "alice"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


async def refused(work: Any) -> Rejection:
    """The refusal that a request must meet."""
    with pytest.raises(Rejection) as error:
        await work
    return error.value


async def open_purse(house: TradingHouse, name: str, request_id: str = "") -> int:
    request = account_pb2.OpenSubaccountRequest(subaccount=name, request_id=request_id)
    return (await house.account.open_subaccount(call_of(ALICE, name), request)).seq


async def subaccounts(house: TradingHouse) -> list[tuple[str, bool]]:
    answer = await house.account.list_subaccounts(
        call_of(ALICE), account_pb2.ListSubaccountsRequest()
    )
    return [(each.name, each.frozen) for each in answer.subaccounts]


async def test_purses_are_opened_and_listed_main_first(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    assert await subaccounts(house) == [("main", False)]
    seq = await open_purse(house, "sma", "o1")
    assert seq == house.running.journal.last_seq
    assert await open_purse(house, "sma", "o1") == seq
    await open_purse(house, "alpha")
    freeze = admin_pb2.FreezePurseRequest(account_id=ALICE, subaccount="sma", frozen=True)
    report = HouseReport(version="", ready_at_ns=0, journal_seq=0, views_seq=0, actors=())
    running = house.running
    admin = AdminHandlers(running.matching, running.directory, Mailbox(4), lambda: report)
    await admin.freeze_purse(call_of("root"), freeze)
    assert await subaccounts(house) == [("main", False), ("alpha", False), ("sma", True)]


async def test_an_account_has_so_many_purses_and_no_more(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    for number in range(31):
        await open_purse(house, f"bot-{number}")
    error = await refused(open_purse(house, "one-more"))
    assert (error.reason, error.facts["allowed"]) == (Reason.SUBACCOUNTS, "at most 32")


async def transfer(house: TradingHouse, source: str = "", **fields: str) -> Any:
    request = wallet_pb2.TransferFundsRequest(
        **{
            "subaccount": source,
            "target_subaccount": "bot",
            "asset": "USDT",
            "amount": "100.5",
            "request_id": "t1",
            **fields,
        }
    )
    return await house.wallet.transfer_funds(call_of(ALICE, source), request)


async def balance(house: TradingHouse, purse: str, asset: str) -> str:
    answer = await house.wallet.get_balances(
        call_of(ALICE, purse), wallet_pb2.GetBalancesRequest(subaccount=purse)
    )
    return {each.asset: each.total for each in answer.balances}.get(asset, "0")


async def test_money_moves_once_and_both_statements_tell_of_it(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await open_purse(house, "bot")
    before = await balance(house, "", "USDT")
    answer = await transfer(house)
    assert await transfer(house) == answer
    assert answer.seq == house.running.journal.last_seq
    assert await balance(house, "bot", "USDT") == "100.5"
    assert float(before) - float(await balance(house, "", "USDT")) == 100.5
    for purse, amount in (("", "-100.5"), ("bot", "100.5")):
        page = await house.wallet.list_transactions(
            call_of(ALICE, purse),
            wallet_pb2.ListTransactionsRequest(page_size=1, min_seq=answer.seq),
        )
        (moved,) = page.transactions
        assert (moved.kind, moved.amount, moved.reference) == (
            wallet_pb2.TRANSACTION_KIND_TRANSFER,
            amount,
            "t1",
        )


async def test_the_position_goes_along_with_its_cost(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await open_purse(house, "bot")
    await house.place("bob", limit("b1", SELL, price="49000", quantity="0.001"))
    await house.place(ALICE, limit("a1", price="49000", quantity="0.001"))
    answer = await transfer(house, asset="BTC", amount="0.0004")
    (position,) = answer.positions
    # 0.4 of 49 USDT and the fee of 0.049.
    assert (position.symbol, position.quantity, position.cost) == ("BTC-USDT", "0.0004", "19.6196")
    told = await house.portfolios.list_positions(
        call_of(ALICE, "bot"), trading_pb2.ListPositionsRequest()
    )
    assert [(each.quantity, each.cost) for each in told.positions] == [("0.0004", "19.6196")]
    back = await transfer(house, "bot", target_subaccount="", asset="BTC", amount="0.0004",
                          request_id="t2")  # fmt: skip
    assert back.positions[0].cost == "19.6196"


@pytest.mark.parametrize(
    ("fields", "reason", "code"),
    [
        ({"request_id": ""}, Reason.FIELD_REQUIRED, grpc.StatusCode.INVALID_ARGUMENT),
        ({"request_id": "two words"}, Reason.ID_FORMAT, grpc.StatusCode.INVALID_ARGUMENT),
        ({"amount": "0"}, Reason.AMOUNT_RANGE, grpc.StatusCode.INVALID_ARGUMENT),
        ({"amount": "-1"}, Reason.AMOUNT_FORMAT, grpc.StatusCode.INVALID_ARGUMENT),
        ({"amount": "1000000.5"}, Reason.INSUFFICIENT_FUNDS, grpc.StatusCode.FAILED_PRECONDITION),
        ({"asset": "DOGE"}, Reason.UNKNOWN_ASSET, grpc.StatusCode.NOT_FOUND),
        ({"target_subaccount": "main"}, Reason.COMBINATION, grpc.StatusCode.INVALID_ARGUMENT),
        ({"target_subaccount": "nowhere"}, Reason.UNKNOWN_PURSE, grpc.StatusCode.NOT_FOUND),
        # A foreign purse cannot be named at all.
        ({"target_subaccount": "bob/main"}, Reason.ID_FORMAT, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_a_transfer_that_is_refused(
    autojump_clock: MockClock,
    house: TradingHouse,
    fields: dict[str, str],
    reason: Reason,
    code: grpc.StatusCode,
) -> None:
    await open_purse(house, "bot")
    seq = house.running.journal.last_seq
    error = await refused(transfer(house, **fields))
    assert error.reason is reason
    assert status(error).code is code
    assert house.running.journal.last_seq == seq


# --- Fees. -----------------------------------------------------------------------------------


def tier(volume: str, maker_ppm: int, taker_ppm: int) -> types_pb2.FeeTier:
    return types_pb2.FeeTier(
        asset="USDT", min_volume=volume, maker_fee_ppm=maker_ppm, taker_fee_ppm=taker_ppm
    )


async def trade(house: TradingHouse, name: str, quantity: str) -> trading_pb2.PlaceOrderResponse:
    """Alice takes what Bob offers at 49,000."""
    await house.place("bob", limit(f"b-{name}", SELL, price="49000", quantity=quantity))
    return await house.place(ALICE, limit(name, price="49000", quantity=quantity))


async def test_who_trades_more_pays_less_and_sees_what_the_next_tier_takes(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    running = house.running
    report = HouseReport(version="", ready_at_ns=0, journal_seq=0, views_seq=0, actors=())
    admin = AdminHandlers(running.matching, running.directory, Mailbox(4), lambda: report)
    table = [tier("0", 90, 900), tier("10000", 50, 500)]
    request = admin_pb2.SetFeeTiersRequest(tiers=table, request_id="f1")
    seq = (await admin.set_fee_tiers(call_of("root"), request)).seq
    row = running.journal.row(seq)
    assert row is not None
    assert row.by == "root"
    first = await trade(house, "a1", "0.1")
    assert (first.order.executed_notional, first.order.fee) == ("4900", "4.41")

    async def standing() -> account_pb2.FeeStanding:
        answer = await house.account.get_fees(call_of(ALICE), account_pb2.GetFeesRequest())
        (told,) = answer.standings
        return told

    told = await standing()
    assert (told.asset, told.volume_30d) == ("USDT", "4900")
    assert (told.tier, told.next_tier) == (table[0], table[1])
    await trade(house, "a2", "0.2")
    told = await standing()
    assert (told.volume_30d, told.tier, told.HasField("next_tier")) == ("14700", table[1], False)
    assert (await trade(house, "a3", "0.1")).order.fee == "2.45"
    dearer = admin_pb2.SetFeeTiersRequest(tiers=[tier("0", 50, 500), tier("1", 50, 600)])
    error = await refused(admin.set_fee_tiers(call_of("root"), dearer))
    assert error.reason is Reason.FEE_TIERS
    told_table = await admin.get_fee_tiers(call_of("root"), admin_pb2.GetFeeTiersRequest())
    assert list(told_table.tiers) == table


async def test_a_fee_statement_tells_every_day_and_the_sums(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trade(house, "a1", "0.1")
    await trio.sleep(86_400)
    placed = await trade(house, "a2", "0.2")
    request = wallet_pb2.GetFeeStatementRequest(min_seq=placed.order.seq)
    told = await house.fees.get_fee_statement(call_of(ALICE), request)
    assert [(day.taker_notional, day.taker_fee, day.fee) for day in told.days] == [
        ("4900", "4.9", "4.9"),
        ("9800", "9.8", "9.8"),
    ]
    (total,) = told.totals
    assert (total.date, total.asset, total.fee, total.maker_fee) == ("", "USDT", "14.7", "0")
    days = [day.date for day in told.days]
    assert days == sorted(days)
    request.to_date = days[0]
    assert len((await house.fees.get_fee_statement(call_of(ALICE), request)).days) == 1
    bob = await house.fees.get_fee_statement(call_of("bob"), wallet_pb2.GetFeeStatementRequest())
    assert [day.maker_fee for day in bob.days] == ["0.49", "0.98"]
    for from_date, reason in (
        ("yesterday", Reason.ID_FORMAT),
        ("2999-01-01", Reason.AMOUNT_RANGE),
        ("1971-01-01", Reason.AMOUNT_RANGE),
    ):
        query = wallet_pb2.GetFeeStatementRequest(from_date=from_date)
        error = await refused(house.fees.get_fee_statement(call_of(ALICE), query))
        assert error.reason is reason
