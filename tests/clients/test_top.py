"""The screen of ``xache top`` over a scripted house: every panel, other markets, and bad news."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest
from google.rpc import code_pb2
from textual.pilot import Pilot
from xache.client import Client
from xache.connection import Patience
from xache.live.board import Board, MarketBoard, Subject
from xache.top.app import Top
from xache.v1 import market_pb2, trading_pb2, types_pb2, wallet_pb2

from tests.clients.house import (
    BINANCE,
    EMAIL,
    NOW_NS,
    PASSWORD,
    XACHE,
    House,
    break_off,
    refuse,
)
from tests.clients.live_market import book, candles, enliven

WIDE: Final = (180, 44)
NARROW: Final = (90, 40)
PICTURES: Final = Path(__file__).parents[2] / "test-results"
TURNS_MAX: Final = 400
TURN_S: Final = 0.02


def shown(top: Top) -> str:
    """What stands on the screen."""
    picture = top.export_screenshot()
    texts = re.findall(r"<text [^>]*>([^<]*)</text>", picture)
    return "\n".join(html.unescape(text).replace("\xa0", " ") for text in texts)


def keep(pilot: Pilot[Any], name: str) -> None:
    """Write a picture of the screen for whoever looks at the results."""
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / f"{name}.svg").write_text(pilot.app.export_screenshot(), encoding="utf-8")


async def until_shown(pilot: Pilot[Any], *texts: str) -> str:
    """Let it draw until all of these stand on the screen."""
    top = pilot.app
    assert isinstance(top, Top)
    seen = ""
    for _ in range(TURNS_MAX):
        await pilot.pause(TURN_S)
        seen = shown(top)
        if all(text in seen for text in texts):
            return seen
    raise AssertionError(f"not all of {texts} came to be in\n{seen}")


def look(
    house: House,
    script: Callable[[Pilot[Any]], Awaitable[None]],
    *,
    size: tuple[int, int] = WIDE,
    signed_in: bool = True,
) -> None:
    """Run the screen and do with it what a script says."""
    subject = Subject("BTC-USDT", "", market_pb2.INTERVAL_1M)
    board = Board(target=house.target, subaccount="", market=MarketBoard(subject))

    def say(error: Exception, _wait_s: float) -> None:
        board.waiting = str(error)

    with Client(
        house.target,
        now_ns=lambda: NOW_NS,
        patience=Patience(wait_s_first=0.01, wait_s_max=0.05),
        on_wait=say,
    ) as client:
        if signed_in:
            client.auth.login(EMAIL, PASSWORD)

        async def run() -> None:
            async with Top(client, board).run_test(size=size) as pilot:
                await script(pilot)

        asyncio.run(run())


@pytest.fixture
def busy(house: House) -> House:
    return enliven(house)


def test_every_panel_shows_its_part(busy: House) -> None:
    async def script(pilot: Pilot[Any]) -> None:
        seen = await until_shown(
            pilot,
            *("XACHE simulated", "+10.00 %", "chart 1m", "┤129.", "spread 2.00", "yours", "110.50"),
            *("0.2 / 0.7", "partially filled", "1234.50 USDT", "-1.50 % today", "81.0 %"),
            *("-0.02", "stale: BTC-USDT at BINANCE", "trend", "paper", "running"),
        )
        assert seen.count("● live") >= 2
        assert "crossing" in seen
        assert "house" in seen
        keep(pilot, "top")

    look(busy, script)


def test_what_is_looked_at_changes(busy: House) -> None:
    busy.streams["WatchBook"] += [
        [book("BTC-USDT", "111.90", "112.10", BINANCE)],
        [book("ETH-USDT", "8.90", "9.10")],
    ]

    async def script(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "spread 2.00", "stale: BTC-USDT at BINANCE")
        await pilot.press("v")
        seen = await until_shown(pilot, "BINANCE recorded", "spread 0.20", "112.00")
        assert "yours" not in seen, "the purse's orders are not in the venue's book"
        await pilot.press("right")
        await until_shown(pilot, " ETH-USDT ", "-91.00 %", "spread 0.20", "cancel only")
        await pilot.press("i", "i")
        await until_shown(pilot, "chart 15m")
        await pilot.press("I")
        await until_shown(pilot, "chart 5m")

    look(busy, script)
    asked = [each for each in busy.requests if isinstance(each, market_pb2.WatchBookRequest)]
    assert [(each.symbol, each.venue) for each in asked[:3]] == [
        ("BTC-USDT", ""), ("BTC-USDT", "BINANCE"), ("ETH-USDT", ""),
    ]  # fmt: skip


def test_a_candle_that_changes_takes_the_place_of_what_it_was(busy: House) -> None:
    fresh = market_pb2.Candle()
    fresh.CopyFrom(candles("0").candles[0])
    fresh.high = "150.00"
    busy.streams["WatchCandles"] = [[market_pb2.WatchCandlesResponse(candles=[fresh])]]

    async def script(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "┤14")

    look(busy, script)


def test_a_narrow_terminal_keeps_the_chart_the_book_and_the_orders(busy: House) -> None:
    async def script(pilot: Pilot[Any]) -> None:
        seen = await until_shown(pilot, "chart 1m", "spread 2.00", "mine-1")
        for gone in ("health", "trades", "1234.50"):
            assert gone not in seen
        keep(pilot, "top-narrow")

    look(busy, script, size=NARROW)


def test_what_matters_is_not_cut_off(busy: House) -> None:
    """Long ids, exact amounts and prices in words leave room for market, side and status.

    Checked: with all columns giving way alike, the side of an order is a letter and dots.
    """
    busy.answers["ListOpenOrders"] = trading_pb2.ListOpenOrdersResponse(
        orders=[
            types_pb2.Order(
                symbol="BTC-USDT", side=types_pb2.SIDE_BUY, type=types_pb2.ORDER_TYPE_STOP,
                stop_price="50000.00", quantity="0.7", executed_quantity="0.2",
                status=types_pb2.ORDER_STATUS_UNTRIGGERED, client_order_id="a" * 36,
            )
        ]
    )  # fmt: skip
    much = "24500.36347801"
    allocation = wallet_pb2.Allocation(asset="USDT", quantity=much, value=much, share_ppm=810_000)
    busy.answers["GetPortfolio"] = wallet_pb2.GetPortfolioResponse(
        base_asset="USDT", value="68630.41442401", allocations=[allocation]
    )

    async def script(pilot: Pilot[Any]) -> None:
        seen = await until_shown(
            pilot,
            *("0.2 / 0.7", "untriggered", "68630.41 USDT", much, "81.0 %"),
        )
        assert {"BTC-USDT", "buy", "24500.36"} <= {line.strip() for line in seen.splitlines()}
        assert "aaa" not in seen

    look(busy, script)


def test_without_a_session_the_market_is_shown(busy: House) -> None:
    async def script(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "spread 2.00", "nobody is signed in", "● failed")

    look(busy, script, signed_in=False)


def test_a_refused_stream_says_why(busy: House) -> None:
    def refused(context: Any) -> None:
        refuse(context, code_pb2.NOT_FOUND, "UNKNOWN_INSTRUMENT", "there is no such market")

    busy.streams["WatchTrades"] = [[refused]]

    async def script(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "UNKNOWN_INSTRUMENT", "● failed")
        # It is opened again, and this time it lives.
        for _ in range(TURNS_MAX):
            await pilot.pause(TURN_S)
            if busy.calls.count("WatchTrades") > 1:
                return
        raise AssertionError("the stream was never opened again")

    look(busy, script)


def test_a_frame_that_is_due_while_the_screen_goes_draws_nothing(busy: House) -> None:
    """Checked: without the look whether it still runs, leaving may end in a traceback."""
    ended: list[Top] = []

    async def script(pilot: Pilot[Any]) -> None:
        top = pilot.app
        assert isinstance(top, Top)
        await until_shown(pilot, "spread 2.00")
        ended.append(top)

    look(busy, script)
    ended[0].draw()


def test_a_broken_stream_is_mended_and_the_screen_stays(busy: House) -> None:
    first = busy.streams["WatchBook"][0][0]
    busy.streams["WatchBook"] = [[first, break_off], [book("BTC-USDT", "104.00", "105.00")]]

    async def script(pilot: Pilot[Any]) -> None:
        seen = await until_shown(pilot, "spread 1.00", "0.2 / 0.7")
        assert "no answer" not in seen

    look(busy, script)


def test_a_book_that_does_not_fit_is_begun_anew(busy: House) -> None:
    """Checked: with the gap not looked at, the screen stays on the first book."""
    gap = market_pb2.WatchBookResponse(
        symbol="BTC-USDT",
        source=XACHE,
        first_sequence=5,
        sequence=5,
        change=market_pb2.BookChange(),
    )
    first = busy.streams["WatchBook"][0][0]
    busy.streams["WatchBook"] = [[first, gap], [book("BTC-USDT", "104.00", "105.00")]]

    async def script(pilot: Pilot[Any]) -> None:
        await until_shown(pilot, "spread 1.00")

    look(busy, script)
