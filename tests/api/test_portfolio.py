"""What purses are worth: positions at the mark, worth in one asset, and its change in a day.

Checked by breaking, each seen red: a deposit that counts as profit, a transfer inside of an
account that counts as a flow, and a price of one source told under another's name.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock
from xache.v1 import account_pb2, admin_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.api.trading_house import (
    BUY,
    SELL,
    TradingHouse,
    call_of,
    limit,
    list_ether,
    trading_house,
)
from xached.api import owned as owned_module
from xached.api.admin import AdminHandlers, HouseReport
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Symbol
from xached.domain.market import BINANCE, Provenance, Source
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Mailbox

ALICE = "alice"
BTC_USDT = Symbol("BTC-USDT")
RECORDED = Source(BINANCE, Provenance.RECORDED)
DAY_S = 86_400
CANDLE_NS = 300 * 10**9


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TradingHouse]:
    async with trading_house(tmp_path) as house:
        yield house


def admin(house: TradingHouse) -> AdminHandlers:
    report = HouseReport(version="", ready_at_ns=0, journal_seq=0, views_seq=0, actors=())
    running = house.running
    return AdminHandlers(running.matching, running.directory, Mailbox(4), lambda: report)


async def set_mark(house: TradingHouse, price: str) -> None:
    request = admin_pb2.SetMarkRequest(symbol=BTC_USDT, price=price)
    await admin(house).set_mark(call_of("root"), request)


async def deposit(house: TradingHouse, asset: str, amount: str, request_id: str) -> None:
    request = admin_pb2.DepositRequest(
        account_id=ALICE, asset=asset, amount=amount, request_id=request_id
    )
    await admin(house).deposit(call_of("root"), request)


async def position(house: TradingHouse) -> types_pb2.Position:
    answer = await house.portfolios.list_positions(
        call_of(ALICE), trading_pb2.ListPositionsRequest()
    )
    (told,) = answer.positions
    return told


async def portfolio(
    house: TradingHouse, subaccount: str = "", **wanted: str | bool
) -> wallet_pb2.GetPortfolioResponse:
    request = wallet_pb2.GetPortfolioRequest(subaccount=subaccount, **wanted)  # type: ignore[arg-type] # by name
    return await house.portfolios.get_portfolio(call_of(ALICE, subaccount), request)


def close_of(interval: Interval, open_at_ns: int, ticks: int) -> Candle:
    return Candle(
        interval=interval,
        open_at_ns=open_at_ns,
        open_ticks=ticks,
        high_ticks=ticks,
        low_ticks=ticks,
        close_ticks=ticks,
        volume_lots=1,
        trades=1,
        simulated_trades=0,
        closed=True,
    )


def closes(house: TradingHouse, *closes: tuple[float, int]) -> None:
    """Let the venue's line have closed at these prices, so many seconds ago."""
    line = house.market.venue_line(BTC_USDT, RECORDED).line
    house.market.own.mark_venues[BTC_USDT] = BINANCE
    now_ns = house.running.world.now_ns()
    for ago_s, ticks in closes:
        open_at_ns = (now_ns - round(ago_s * 10**9)) // CANDLE_NS * CANDLE_NS - CANDLE_NS
        line.preload([close_of(Interval.M5, open_at_ns, ticks)])


async def test_a_position_is_valued_at_the_mark(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.place("bob", limit("b1", SELL, quantity="0.0001"))
    await house.place(ALICE, limit("a1", quantity="0.0001"))
    told = await position(house)
    # Bought for 4.9 and 0.0049; the mark is 50,000.
    assert (told.price, told.price_kind) == ("50000.0", types_pb2.PRICE_KIND_MARK)
    assert (told.value, told.cost, told.unrealised) == ("5", "4.9049", "0.0951")
    await set_mark(house, "48000")
    assert (await position(house)).unrealised == "-0.1049"


async def test_a_price_names_its_source(autojump_clock: MockClock, house: TradingHouse) -> None:
    await house.place("bob", limit("b1", SELL, quantity="0.0001"))
    await house.place(ALICE, limit("a1", quantity="0.0001"))
    assert (await position(house)).price_source.venue == "XACHE"
    closes(house, (DAY_S, 400_000))
    source = (await position(house)).price_source
    assert (source.venue, source.provenance) == ("BINANCE", types_pb2.PROVENANCE_RECORDED)


async def test_a_last_trade_is_the_houses_own_whoever_sends_the_mark(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await list_ether(house, mark_stale_ns=10**9)
    for name, account, side in (("b1", "bob", SELL), ("a1", ALICE, BUY)):
        order = limit(name, side, quantity="0.0001")
        order.symbol = "ETH-USDT"
        await house.place(account, order)
    ether = Symbol("ETH-USDT")
    house.market.venue_line(ether, RECORDED)
    house.market.own.mark_venues[ether] = BINANCE
    told = await position(house)
    assert (told.price_kind, told.price_source.venue) == (types_pb2.PRICE_KIND_MARK, "BINANCE")
    await trio.sleep(5)
    told = await position(house)
    assert (told.price, told.price_kind) == ("49000.0", types_pb2.PRICE_KIND_LAST)
    assert told.price_source.venue == "XACHE"


async def test_a_portfolio_is_worth_the_sum_of_its_parts(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    told = await portfolio(house)
    assert (told.base_asset, told.value) == ("USDT", "501000000")
    assert [(each.asset, each.value) for each in told.allocations] == [
        ("BTC", "500000000"),
        ("USDT", "1000000"),
    ]
    assert [each.share_ppm for each in told.allocations] == [998_003, 1_996]
    (price,) = told.allocations[0].prices
    assert (price.symbol, price.price, price.kind) == (
        "BTC-USDT",
        "50000.0",
        types_pb2.PRICE_KIND_MARK,
    )
    assert not told.allocations[1].prices
    in_btc = await portfolio(house, base_asset="BTC")
    assert in_btc.value == "10020"
    with pytest.raises(Rejection) as refused:
        await portfolio(house, base_asset="DOGE")
    assert refused.value.reason is Reason.UNKNOWN_ASSET


async def test_profit_and_return_come_of_trading_alone(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    before = await portfolio(house)
    assert (before.realised, before.unrealised, before.return_ppm) == ("0", "0", 0)
    await house.place("bob", limit("b1", SELL, price="49000", quantity="1"))
    await house.place(ALICE, limit("a1", price="49000", quantity="1"))
    told = await portfolio(house)
    assert (told.realised, told.unrealised) == ("0", "951")
    assert told.return_ppm == 951 * 10**6 // (501_000_951 - 951)
    await deposit(house, "USDT", "500", "d1")
    assert (await portfolio(house)).unrealised == "951"


async def test_a_return_is_of_what_was_put_in(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.account.open_subaccount(
        call_of(ALICE, "bot"), account_pb2.OpenSubaccountRequest(subaccount="bot")
    )
    await house.wallet.transfer_funds(
        call_of(ALICE),
        wallet_pb2.TransferFundsRequest(
            target_subaccount="bot", asset="USDT", amount="1000", request_id="t1"
        ),
    )
    await house.place("bob", limit("b1", SELL, price="49000", quantity="0.01"))
    await house.place(ALICE, limit("a1", price="49000", quantity="0.01", subaccount="bot"))
    await set_mark(house, "60000")
    told = await portfolio(house, "bot")
    # Bought for 490 and 0.49, worth 600: 109.51 of the 1,000.
    assert (told.value, told.unrealised, told.return_ppm) == ("1109.51", "109.51", 109_510)


async def test_a_purse_that_moves_too_much_has_no_change_to_tell(
    autojump_clock: MockClock, house: TradingHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owned_module, "MOVEMENTS_PAGE", 2)
    monkeypatch.setattr(owned_module, "MOVEMENTS_MAX", 4)
    await trio.sleep(2 * DAY_S)
    closes(house, (DAY_S + 3_600, 400_000), (0, 450_000))
    for number in range(3):
        await deposit(house, "USDT", "1", f"d{number}")
    assert (await portfolio(house)).flows_24h == "3"
    for number in range(3, 6):
        await deposit(house, "USDT", "1", f"d{number}")
    told = await portfolio(house)
    assert (told.change_24h, told.HasField("return_24h_ppm")) == ("", False)


async def test_the_change_of_a_day_leaves_out_what_came_in(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await trio.sleep(2 * DAY_S)
    unknown = await portfolio(house)
    assert (unknown.change_24h, unknown.HasField("return_24h_ppm")) == ("", False)
    closes(house, (DAY_S + 3_600, 400_000), (0, 450_000))
    told = await portfolio(house)
    # 10,000 BTC were worth 40,000 and are worth 50,000.
    assert (told.change_24h, told.flows_24h) == ("100000000", "0")
    assert told.return_24h_ppm == 100 * 10**6 * 10**6 // (401 * 10**6)
    await deposit(house, "USDT", "1000", "d1")
    told = await portfolio(house)
    assert (told.change_24h, told.flows_24h) == ("100000000", "1000")
    # Worth 45,000 when it came, and 50,000 now.
    await deposit(house, "BTC", "1", "d2")
    told = await portfolio(house)
    assert (told.change_24h, told.flows_24h) == ("100005000", "46000")
    # A trade is no flow: it costs its fee and the distance to the mark.
    await house.place("bob", limit("b1", SELL, price="50000", quantity="1"))
    await house.place(ALICE, limit("a1", price="50000", quantity="1"))
    told = await portfolio(house)
    assert (told.change_24h, told.flows_24h) == ("100004950", "46000")
    await trio.sleep(DAY_S + 600)
    closes(house, (DAY_S, 500_000))
    assert (await portfolio(house)).flows_24h == "0"


async def test_a_transfer_is_a_flow_of_a_purse_and_not_of_the_account(
    autojump_clock: MockClock, house: TradingHouse
) -> None:
    await house.account.open_subaccount(
        call_of(ALICE, "bot"), account_pb2.OpenSubaccountRequest(subaccount="bot")
    )
    await trio.sleep(2 * DAY_S)
    closes(house, (DAY_S + 3_600, 400_000), (0, 500_000))
    await house.wallet.transfer_funds(
        call_of(ALICE),
        wallet_pb2.TransferFundsRequest(
            target_subaccount="bot", asset="BTC", amount="1", request_id="t1"
        ),
    )
    for subaccount, change, flows in (("", "100000000", "-50000"), ("bot", "0", "50000")):
        told = await portfolio(house, subaccount)
        assert (told.change_24h, told.flows_24h) == (change, flows)
    bot = await portfolio(house, "bot")
    # All of it came in within the day.
    assert bot.return_24h_ppm == 0
    whole = await portfolio(house, whole_account=True)
    assert (whole.value, whole.change_24h, whole.flows_24h) == ("501000000", "100000000", "0")
    # Of what was there: nothing came in that was not there.
    assert whole.return_24h_ppm == 100 * 10**6 * 10**6 // (401 * 10**6)
