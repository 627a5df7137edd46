"""What a purse owns and how it came to: every hold has its order, every unit its movement.

Checked by breaking: leaving a fee out of the statement, and a hold told in the other asset, were
each seen red.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from trio.testing import MockClock
from xache.v1 import wallet_pb2

from tests.api.trading_house import (
    BUY,
    SELL,
    TradingHouse,
    call_of,
    limit,
    trading_house,
)
from xached.domain.rejection import Reason, Rejection


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


async def statement(
    house: TradingHouse, account: str, asset: str = "", page_size: int = 7
) -> list[wallet_pb2.Transaction]:
    """Every transaction, newest first."""
    found: list[wallet_pb2.Transaction] = []
    token = ""
    while True:
        page = await house.wallet.list_transactions(
            call_of(account),
            wallet_pb2.ListTransactionsRequest(
                asset=asset,
                page_size=page_size,
                page_token=token,
                min_seq=house.running.journal.last_seq,
            ),
        )
        found += page.transactions
        token = page.next_page_token
        if not token:
            return found


async def trade(house: TradingHouse, seed: int, count: int) -> None:
    """Alice and bob place orders at random around one price."""
    draw = random.Random(seed)
    for number in range(count):
        side = draw.choice((BUY, SELL))
        price, quantity = str(50_000 + draw.randrange(-4, 5)), f"0.{draw.randrange(1, 999):05}"
        account = draw.choice(("alice", "bob"))
        await house.place(account, limit(f"{seed}-{number}", side, price, quantity))


@pytest.mark.parametrize("seed", range(3))
async def test_holds_and_movements_explain_every_unit(
    autojump_clock: MockClock, house: TradingHouse, seed: int
) -> None:
    await trade(house, seed, 60)
    for account in ("alice", "bob"):
        orders = {order.order_id: order for order in await house.open_orders(account)}
        balances = await house.balances(account)
        held: set[str] = set()
        for asset, balance in balances.items():
            amounts = [Decimal(hold.amount) for hold in balance.holds]
            assert sum(amounts) == Decimal(balance.held)
            assert Decimal(balance.available) + Decimal(balance.held) == Decimal(balance.total)
            for hold in balance.holds:
                order = orders[hold.order_id]
                assert (hold.client_order_id, hold.amount) == (order.client_order_id, order.held)
                assert asset == ("USDT" if order.side == BUY else "BTC")
                held.add(hold.order_id)
        assert held == set(orders)
        totals: Counter[str] = Counter()
        for movement in await statement(house, account):
            totals[movement.asset] += Decimal(movement.amount)  # type: ignore[assignment] # exact
        assert totals == {asset: Decimal(balance.total) for asset, balance in balances.items()}


async def test_a_statement_names_what_each_movement_belongs_to(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place("bob", limit("b1", SELL, quantity="0.0001"))
    answer = await house.place("alice", limit("a1", quantity="0.0001"))
    (fill,) = answer.fills
    fee, paid, got, *deposits = await statement(house, "alice")
    assert [each.kind for each in (fee, paid, got)] == [
        wallet_pb2.TRANSACTION_KIND_FEE,
        wallet_pb2.TRANSACTION_KIND_TRADE,
        wallet_pb2.TRANSACTION_KIND_TRADE,
    ]
    assert [(each.asset, each.amount) for each in (fee, paid, got)] == [
        ("USDT", "-0.0049"), ("USDT", "-4.9"), ("BTC", "0.0001"),
    ]  # fmt: skip
    assert {each.reference for each in (fee, paid, got)} == {fill.trade_id}
    assert {each.at_ns for each in (fee, paid, got)} == {fill.at_ns}
    assert [(each.kind, each.reference, each.amount) for each in deposits] == [
        (wallet_pb2.TRANSACTION_KIND_DEPOSIT, "d-ali-USDT", "1000000"),
        (wallet_pb2.TRANSACTION_KIND_DEPOSIT, "d-ali-BTC", "10000"),
    ]


async def test_a_statement_of_one_asset(autojump_clock: MockClock, house: TradingHouse) -> None:
    await trade(house, 9, 20)
    whole = await statement(house, "alice")
    assert await statement(house, "alice", "BTC", 2) == [
        each for each in whole if each.asset == "BTC"
    ]
    with pytest.raises(Rejection) as refused:
        await statement(house, "alice", "DOGE")
    assert refused.value.reason is Reason.UNKNOWN_ASSET


async def test_balances_say_at_which_row_they_are_true(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    placed = await house.place("alice", limit("a1"))
    answer = await house.wallet.get_balances(call_of("alice"), wallet_pb2.GetBalancesRequest())
    assert answer.seq == placed.order.seq
    with pytest.raises(Rejection) as refused:
        await house.wallet.get_balances(
            call_of("alice", "other"), wallet_pb2.GetBalancesRequest(subaccount="other")
        )
    assert refused.value.reason is Reason.UNKNOWN_PURSE
