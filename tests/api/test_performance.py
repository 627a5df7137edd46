"""How a worth has moved: at the prices of each time, whatever came in and went out.

Checked by breaking, each seen red: a deposit that counts as gained, prices of now for the points
before, a transfer between two purses that counts as a flow of the account, first money that did
not come in, and a deposit at the price of minutes before.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2, analytics_pb2, wallet_pb2

from tests.api.test_portfolio import (
    ALICE,
    BTC_USDT,
    DAY_S,
    RECORDED,
    close_of,
    deposit,
    portfolio,
    set_mark,
)
from tests.api.trading_house import (
    SELL,
    TradingHouse,
    call_of,
    limit,
    list_ether,
    trading_house,
)
from xached.api import owned as owned_module
from xached.api.past_prices import interval_for
from xached.api.performance import PerformanceHandlers
from xached.domain.candles import Interval
from xached.domain.instrument import Symbol
from xached.domain.market import BINANCE
from xached.domain.rejection import Reason, Rejection

ETH_USDT = Symbol("ETH-USDT")
MILLION = 10**6


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


async def performance(
    house: TradingHouse, subaccount: str = "", **wanted: int | bool | str
) -> analytics_pb2.GetPerformanceResponse:
    running = house.running
    handlers = PerformanceHandlers(
        running.matching, running.directory, house.history, house.market, running.world.now_ns
    )
    request = analytics_pb2.GetPerformanceRequest(subaccount=subaccount, **wanted)  # type: ignore[arg-type] # by name
    return await handlers.get_performance(call_of(ALICE, subaccount), request)


async def transfer(
    house: TradingHouse, target: str, asset: str, amount: str, request_id: str
) -> None:
    request = wallet_pb2.TransferFundsRequest(
        target_subaccount=target, asset=asset, amount=amount, request_id=request_id
    )
    await house.wallet.transfer_funds(call_of(ALICE), request)


def closes(house: TradingHouse, *closes: tuple[float, int], symbol: Symbol = BTC_USDT) -> None:
    """Let the venue's line have closed at these prices, so many days ago."""
    line = house.market.venue_line(symbol, RECORDED).line
    house.market.own.mark_venues[symbol] = BINANCE
    now_ns = house.running.world.now_ns()
    interval = Interval.M5
    line.preload(
        [
            close_of(
                interval,
                (now_ns - round(days * DAY_S * 10**9)) // interval.ns * interval.ns - interval.ns,
                ticks,
            )
            for days, ticks in closes
        ]
    )


async def test_a_worth_is_told_at_the_prices_of_each_time(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trio.sleep(5 * DAY_S)
    closes(house, (5, 400_000), (3.2, 450_000), (2.2, 420_000))
    now_ns = house.running.world.now_ns()
    from_ns = now_ns - 4 * DAY_S * 10**9
    told = await performance(house, from_ns=from_ns, max_points=5)
    assert [each.at_ns for each in told.points] == [
        from_ns + day * DAY_S * 10**9 for day in range(5)
    ]
    # 10,000 BTC and a million; the last at the mark, as the portfolio has it.
    millions = [float(each.value) / MILLION for each in told.points]
    assert millions == [401, 451, 421, 421, 501]
    assert told.points[-1].value == (await portfolio(house)).value
    assert (told.gain, told.flows) == ("100000000", "0")
    assert told.return_ppm == told.points[-1].return_ppm == 100 * MILLION // 401
    assert told.max_drawdown_ppm == 30 * MILLION // 451
    until = await performance(house, from_ns=from_ns, to_ns=from_ns + DAY_S * 10**9, max_points=2)
    assert [each.value for each in until.points] == ["401000000", "451000000"]


async def test_money_that_comes_in_is_not_earned(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trio.sleep(2 * DAY_S)
    closes(house, (2, 500_000))
    before_ns = house.running.world.now_ns()
    await trio.sleep(DAY_S / 2)
    await deposit(house, "USDT", "1000", "d1")
    await deposit(house, "BTC", "1", "d2")
    await trio.sleep(DAY_S / 2)
    told = await performance(house, from_ns=before_ns, max_points=2)
    assert (told.gain, told.flows, told.return_ppm) == ("0", "51000", 0)
    assert [each.flows for each in told.points] == ["0", "51000"]
    await set_mark(house, "60000")
    told = await performance(house, from_ns=before_ns, max_points=3)
    assert (told.gain, told.flows) == ("100010000", "51000")


async def test_a_purse_begins_with_its_first_money_and_the_account_before(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.account.open_subaccount(
        call_of(ALICE, "bot"), account_pb2.OpenSubaccountRequest(subaccount="bot")
    )
    await trio.sleep(2 * DAY_S)
    closes(house, (2, 500_000))
    moved_ns = house.running.world.now_ns()
    await house.wallet.transfer_funds(
        call_of(ALICE),
        wallet_pb2.TransferFundsRequest(
            target_subaccount="bot", asset="USDT", amount="1000", request_id="t1"
        ),
    )
    await trio.sleep(DAY_S)
    told = await performance(house, "bot", max_points=3)
    assert told.points[0].at_ns - moved_ns < 10**9
    assert [each.value for each in told.points] == ["1000"] * 3
    assert (told.gain, told.flows) == ("0", "1000"), "all of it came in"
    assert [each.flows for each in told.points] == ["1000", "0", "0"]
    whole = await performance(house, whole_account=True, from_ns=moved_ns - 10**9, max_points=2)
    assert (whole.gain, whole.flows, whole.points[0].value) == ("0", "0", "501000000")
    main = await performance(house, from_ns=moved_ns - 10**9, max_points=2)
    assert (main.gain, main.flows) == ("0", "-1000")
    nothing = await performance(house, from_ns=moved_ns - 2 * DAY_S * 10**9, to_ns=moved_ns - 10**9)
    assert nothing.points, "the main purse had money then"


async def test_the_first_minute_tells_one_story(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.account.open_subaccount(
        call_of(ALICE, "bot"), account_pb2.OpenSubaccountRequest(subaccount="bot")
    )
    await trio.sleep(DAY_S / 2 + 7)
    # It closed at 40,000 minutes before, and trades at 50,000 when the money comes.
    closes(house, (0.01, 400_000))
    second = Interval.S1
    now_ns = house.running.world.now_ns()
    house.market.venue_line(BTC_USDT, RECORDED).line.preload(
        [close_of(second, now_ns // second.ns * second.ns - second.ns, 500_000)]
    )
    for number, (asset, amount) in enumerate((("BTC", "0.5"), ("USDT", "25000"), ("BTC", "1"))):
        await transfer(house, "bot", asset, amount, f"t{number}")
        await trio.sleep(0.01)
    for age_s in (1, 30, 3_600):
        await trio.sleep(age_s)
        held = await portfolio(house, "bot")
        assert (held.value, held.change_24h, held.flows_24h) == ("100000", "0", "100000")
        for days in (1, 30):
            from_ns = house.running.world.now_ns() - days * DAY_S * 10**9
            told = await performance(house, "bot", from_ns=from_ns, max_points=120)
            assert told.points[0].value == "100000", "what came at once is told at once"
            assert (told.gain, told.flows) == (held.change_24h, held.flows_24h)
            assert (told.return_ppm, told.max_drawdown_ppm) == (0, 0)
    await set_mark(house, "50001")
    held = await portfolio(house, "bot")
    told = await performance(house, "bot")
    assert told.gain == held.change_24h == "1.5"
    assert told.flows == held.flows_24h == "100000"


async def test_what_came_in_before_there_was_a_price_is_not_earned(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    """Checked: counted as nothing, all of it looks earned when its first price comes."""
    await house.account.open_subaccount(
        call_of(ALICE, "bot"), account_pb2.OpenSubaccountRequest(subaccount="bot")
    )
    await transfer(house, "bot", "USDT", "1000", "t1")
    await transfer(house, "bot", "BTC", "1", "t2")
    await trio.sleep(2 * DAY_S)
    closes(house, (1, 500_000))
    told = await performance(house, "bot", max_points=9)
    assert told.points[-1].value == "51000"
    assert (told.gain, told.flows, told.return_ppm) == ("0", "51000", 0)


async def test_what_has_no_price_now_is_no_loss(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await list_ether(house, mark_stale_ns=10**9)
    await trio.sleep(2 * DAY_S)
    closes(house, (2, 500_000))
    closes(house, (2, 30_000), symbol=ETH_USDT)
    held = await portfolio(house)
    assert [each.value for each in held.allocations if each.asset == "ETH"] == [""]
    assert (held.change_24h, held.flows_24h) == ("", ""), "it is not known"
    told = await performance(house, max_points=4)
    assert told.gain == "0"


async def test_times_without_a_price_are_left_out(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trio.sleep(4 * DAY_S)
    closes(house, (1.5, 400_000))
    now_ns = house.running.world.now_ns()
    told = await performance(house, from_ns=now_ns - 3 * DAY_S * 10**9, max_points=4)
    assert [each.value for each in told.points] == ["401000000", "501000000"]


async def test_a_trade_moves_money_and_is_no_flow(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trio.sleep(2 * DAY_S)
    closes(house, (2, 500_000))
    before_ns = house.running.world.now_ns()
    await trio.sleep(1)
    await house.place("bob", limit("b1", SELL, price="50000", quantity="1"))
    await house.place(ALICE, limit("a1", price="50000", quantity="1"))
    await trio.sleep(3_600)
    told = await performance(house, from_ns=before_ns, max_points=2)
    assert (told.gain, told.flows) == ("-50", "0"), "its fee"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"from_ns": 2**62}, "from_ns"),
        ({"from_ns": 1}, "from_ns"),
        ({"to_ns": -1}, "from_ns"),
        ({"max_points": 1}, "max_points"),
        ({"max_points": 201}, "max_points"),
    ],
    ids=str,
)
async def test_what_is_too_much_is_refused(
    autojump_clock: MockClock, house: TradingHouse, wanted: dict[str, Any], field: str
) -> None:
    with pytest.raises(Rejection) as refused:
        await performance(house, **wanted)
    assert refused.value.reason is Reason.AMOUNT_RANGE
    assert refused.value.facts["field"] == field


async def test_a_purse_that_moved_too_much_is_told_so(
    autojump_clock: MockClock, house: TradingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_module, "MOVEMENTS_PAGE", 2)
    monkeypatch.setattr(owned_module, "MOVEMENTS_MAX", 4)
    for number in range(6):
        await deposit(house, "USDT", "1", f"d{number}")
    with pytest.raises(Rejection, match="shorter"):
        await performance(house)


def test_a_time_is_looked_at_in_candles_that_are_not_too_many() -> None:
    day_ns = DAY_S * 10**9
    assert [interval_for(days * day_ns) for days in (0, 3, 10, 30, 900)] == [
        Interval.S1, Interval.M5, Interval.M15, Interval.H1, Interval.D1,
    ]  # fmt: skip
    assert interval_for(3_600 * 10**9) is Interval.M1
