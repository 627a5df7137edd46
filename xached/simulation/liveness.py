"""Once nothing goes wrong any more, everything works again: nobody is stuck, nothing stays down."""

from __future__ import annotations

from typing import Final

import trio
from xache.v1 import admin_pb2, market_pb2, trading_pb2, types_pb2

from xached.simulation.calls import ReceivedResponses
from xached.simulation.machine import Life, Machine, Violation
from xached.simulation.orders import SYMBOLS
from xached.simulation.people import ADMIN, MARKET, TRADING, People
from xached.simulation.rule_liveness import (
    check_due,
    check_nothing_waits,
    check_prices_seen,
    leave_due,
)

LIVENESS: Final = "liveness"
HEALTHY_S_MAX: Final = 180.0
"""Longer than the longest pause before an actor that failed starts again."""

DOWN_S: Final = 61.0
"""Whatever is due every minute becomes due meanwhile."""

STEADY_S: Final = 3.0
"""The guard of a new daemon lifts what that of the one before has set."""

NEWS_S_MAX: Final = 30.0


async def check_liveness(machine: Machine, people: People) -> None:
    """Everybody gets in, orders trade, streams flow, rules fire, all actors run.

    Raises: Violation.
    """
    machine.heal()
    await _start_anew(machine)
    due = await leave_due(people)
    life = await _start_anew(machine, DOWN_S)
    if armed := life.house.files.exchange.state.streams:
        raise Violation(LIVENESS, f"a restart has ended every stream but {list(armed)}")
    await trio.sleep(STEADY_S)
    for person in (people.admin, *people.traders):
        await people.sign_in(person)
    await _open_everything(people)
    await _trade(people)
    await _follow(machine, people)
    await check_due(people, due)
    await check_prices_seen(people)
    await _wait_healthy(life)
    await check_nothing_waits(life)


async def _start_anew(machine: Machine, down_s: float = 0.0) -> Life:
    """Somebody starts the daemon again; an operator has set the clock right meanwhile."""
    before = await machine.wait_started()
    machine.restart(down_s)
    with trio.move_on_after(HEALTHY_S_MAX):
        while machine.lives == before.number:  # noqa: ASYNC110 - a daemon ends in many places
            await trio.sleep(0.1)
    return await machine.wait_started()


async def _open_everything(people: People) -> None:
    """The administrator undoes what was left closed, and gives everybody something to trade."""
    admin = people.admin
    for symbol in SYMBOLS:
        trading = admin_pb2.SetMarketStateRequest(
            symbol=symbol, state=types_pb2.MARKET_STATE_TRADING, cause="all is well"
        )
        await people.insist(admin, f"{ADMIN}SetMarketState", trading)
    for trader in people.traders:
        thaw = admin_pb2.FreezePurseRequest(
            account_id=trader.account_id, frozen=False, cause="all is well"
        )
        await people.insist(admin, f"{ADMIN}FreezePurse", thaw)
        alone = admin_pb2.SetTradeGroupRequest(account_id=trader.account_id, cause="all is well")
        await people.insist(admin, f"{ADMIN}SetTradeGroup", alone)
        cancel = trading_pb2.CancelAllOrdersRequest()
        await people.insist(trader, f"{TRADING}CancelAllOrders", cancel)
        for asset, amount in (("BTC", "1"), ("ETH", "10"), ("USDT", "100000")):
            grant = admin_pb2.DepositRequest(
                account_id=trader.account_id,
                asset=asset,
                amount=amount,
                request_id=admin.new_id(),
            )
            await people.insist(admin, f"{ADMIN}Deposit", grant)


async def _trade(people: People) -> None:
    """One sells, another buys, and what was sold is told as sold."""
    seller, buyer = people.traders[:2]
    sale = trading_pb2.PlaceOrderRequest(
        client_order_id=seller.new_id(),
        symbol="BTC-USDT",
        side=types_pb2.SIDE_SELL,
        type=types_pb2.ORDER_TYPE_LIMIT,
        price="59900",
        quantity="0.010",
    )
    await people.insist(seller, f"{TRADING}PlaceOrder", sale)
    purchase = trading_pb2.PlaceOrderRequest(
        client_order_id=buyer.new_id(),
        symbol="BTC-USDT",
        side=types_pb2.SIDE_BUY,
        type=types_pb2.ORDER_TYPE_LIMIT,
        time_in_force=types_pb2.TIME_IN_FORCE_IOC,
        price="60100",
        quantity="0.010",
    )
    await people.insist(buyer, f"{TRADING}PlaceOrder", purchase)
    request = trading_pb2.GetOrderRequest(client_order_id=sale.client_order_id)
    body = await people.insist(seller, f"{TRADING}GetOrder", request)
    sold = trading_pb2.GetOrderResponse.FromString(body).order
    if sold.status != types_pb2.ORDER_STATUS_FILLED:
        raise Violation(LIVENESS, f"nobody bought what was for sale: {sold}")


async def _follow(machine: Machine, people: People) -> None:
    """A stream of the market begins and goes on."""
    reader, responses = people.traders[0], ReceivedResponses()
    request = market_pb2.WatchBookRequest(symbol="BTC-USDT", depth=5)
    call = machine.watch(f"{MARKET}WatchBook", request, reader.token, responses)
    if call is None:
        raise Violation(LIVENESS, "the daemon went down with nothing wrong")
    with trio.move_on_after(NEWS_S_MAX):
        while responses.received < 2:
            await responses.wait_some()
            responses.take()
    call.scope.cancel()
    if responses.received < 2:
        raise Violation(LIVENESS, f"a book was silent for {NEWS_S_MAX} s: {call.result}")


async def _wait_healthy(life: Life) -> None:
    """Every actor but the strategies, which may have failed too often, runs."""
    with trio.move_on_after(HEALTHY_S_MAX):
        while _down(life):  # noqa: ASYNC110 - health is asked, it tells nobody
            await trio.sleep(1)
    if down := _down(life):
        raise Violation(LIVENESS, f"still not running: {', '.join(down)}")


def _down(life: Life) -> list[str]:
    return [
        f"{actor.name} is {actor.state} ({actor.failure})"
        for actor in life.endpoints.report().actors
        if actor.state != "running" and not actor.name.startswith("strategy")
    ]
