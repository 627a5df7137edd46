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
from trio.testing import MockClock
from xache.v1 import account_pb2, admin_pb2, trading_pb2, wallet_pb2

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
