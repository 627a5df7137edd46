"""Frames of the live page: what a reader rebuilds from differences is always the market itself."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import trio

from tests.api.shown_market import PRICE_TICKS, ShownMarket
from tests.domain.market_values import BTC, EXAMPLES
from xached.api.live import CANDLES, FRAME_PERIOD_S, LEVELS, TRADES, Board, encode_frame
from xached.domain.candles import NS_PER_S, Interval
from xached.domain.market import BINANCE, XACHE
from xached.domain.order import Side

START_NS = 1_767_225_600 * NS_PER_S


def now_ns() -> int:
    return START_NS + round(trio.current_time() * NS_PER_S)


def whole(board: Board, interval: str = "1s") -> Any:
    return json.loads(encode_frame(board.frame(BTC.symbol, interval)))


def lines_of(document: Any) -> dict[str, Any]:
    return {line["venue"]: line for line in document["lines"]}


class ModelPage:
    """Applies differences as the page's script does, without its sorting."""

    def __init__(self, snapshot: Any) -> None:
        self.lines = {line["venue"]: self._read(line) for line in snapshot["lines"]}

    def apply(self, update: Any) -> None:
        for change in update.get("lines", []):
            if change.pop("reset", False):
                self.lines[change["venue"]] = self._read(change)
                continue
            line = self.lines[change["venue"]]
            for side in ("bids", "asks"):
                for price, quantity in change.pop(side, []):
                    line[side][price] = quantity
                line[side] = {price: size for price, size in line[side].items() if size != "0"}
            line["trades"] = (change.pop("trades", []) + line["trades"])[:TRADES]
            for candle in change.pop("candles", []):
                line["candles"][candle[0]] = candle
            for opened in sorted(line["candles"])[:-CANDLES]:
                del line["candles"][opened]
            line.update(change)

    @staticmethod
    def _read(line: Any) -> Any:
        candles = {candle[0]: candle for candle in line["candles"]}
        return {**line, "bids": dict(line["bids"]), "asks": dict(line["asks"]), "candles": candles}


def change_something(market: ShownMarket, draw: random.Random) -> None:
    venue = draw.choice((XACHE, BINANCE))
    line = market.line(venue).line
    price_ticks = PRICE_TICKS + draw.randint(-30, 30)
    match draw.randrange(12):
        case 0 | 1 | 2 | 3:
            market.level(venue, draw.choice((Side.BUY, Side.SELL)), price_ticks, draw.randint(0, 3))
        case 4 | 5 | 6 | 7:
            for _ in range(draw.choice((1, 1, 5, TRADES + 5))):
                market.trade(venue, price_ticks, draw.randint(1, 9), draw.choice(list(Side)))
        case 8:
            line.advance(market.now_ns())
        case 9:
            line.silent()
        case 10:
            line.heard()
        case _:
            line.book.start_anew(market.now_ns())
            line.start_anew()


@pytest.mark.parametrize("seed", range(EXAMPLES // 10))
async def test_snapshot_and_differences_make_the_market(
    seed: int, autojump_clock: trio.testing.MockClock
) -> None:
    draw = random.Random(seed)
    market = ShownMarket(now_ns)
    if seed % 2:
        market.fill()
    board = Board(market.data, market.directory, now_ns)
    told = board.frame(BTC.symbol, "1s")
    page = ModelPage(json.loads(encode_frame(told)))
    for _ in range(120):
        for _ in range(draw.choice((0, 1, 4, 20))):
            change_something(market, draw)
        # A slow reader misses frames; what it gets then covers them.
        await trio.sleep(draw.choice((FRAME_PERIOD_S, 0.7, 3.0)))
        newest = board.frame(BTC.symbol, "1s")
        changes = None if newest is told else board.difference(told, newest)
        told = newest
        if changes is not None:
            page.apply(json.loads(changes))
        assert page.lines == ModelPage(json.loads(encode_frame(newest))).lines


async def test_only_what_changed_is_told(autojump_clock: trio.testing.MockClock) -> None:
    market = ShownMarket(now_ns)
    market.fill()
    board = Board(market.data, market.directory, now_ns)
    first = board.frame(BTC.symbol, "1m")
    best = market.line(BINANCE).line.book.depth.best_bid()
    assert best is not None
    market.level(BINANCE, Side.BUY, best[0], best[1] + 1)
    await trio.sleep(FRAME_PERIOD_S)
    second = board.frame(BTC.symbol, "1m")
    changes = board.difference(first, second)
    assert changes is not None
    update = json.loads(changes)
    price = BTC.format_price(best[0])
    quantity = BTC.format_quantity(best[1] + 1)
    assert update["lines"] == [{"venue": "BINANCE", "bids": [[price, quantity]]}]
    assert len(changes) < len(encode_frame(second)) / 50


async def test_a_change_that_is_not_shown_is_not_told(
    autojump_clock: trio.testing.MockClock,
) -> None:
    market = ShownMarket(now_ns)
    market.fill()
    board = Board(market.data, market.directory, now_ns)
    first = board.frame(BTC.symbol, "1m")
    market.level(BINANCE, Side.BUY, 100, 5)  # Far below the levels that are shown.
    await trio.sleep(FRAME_PERIOD_S)
    second = board.frame(BTC.symbol, "1m")
    assert second is first or board.difference(first, second) is None


async def test_readers_share_looks_and_differences(
    autojump_clock: trio.testing.MockClock,
) -> None:
    market = ShownMarket(now_ns)
    board = Board(market.data, market.directory, now_ns)
    first = board.frame(BTC.symbol, "1m")
    market.trade(BINANCE, PRICE_TICKS)
    assert board.frame(BTC.symbol, "1m") is first, "not looked at again within the period"
    await trio.sleep(FRAME_PERIOD_S)
    second = board.frame(BTC.symbol, "1m")
    assert second is not first
    assert board.difference(first, second) is board.difference(first, second)
    await trio.sleep(FRAME_PERIOD_S)
    assert board.frame(BTC.symbol, "1m") is second, "nothing has changed"


async def test_the_document_is_bounded_and_exact(autojump_clock: trio.testing.MockClock) -> None:
    market = ShownMarket(now_ns)
    market.fill()
    board = Board(market.data, market.directory, now_ns)
    document = whole(board, "1m")
    assert (document["symbol"], document["base"], document["quote"]) == ("BTC-USDT", "BTC", "USDT")
    assert document["symbols"] == ["BTC-USDT", "ETH-USDT"]
    assert (document["tick_size"], document["lot_size"]) == ("0.01", "0.00001")
    assert [line["venue"] for line in document["lines"]] == ["XACHE", "BINANCE"]
    own, venue = document["lines"]
    assert (own["provenance"], own["state"]) == ("SIMULATED", "TRADING")
    assert (venue["provenance"], venue["state"]) == ("RECORDED", None)
    for line in document["lines"]:
        assert len(line["bids"]) == len(line["asks"]) == LEVELS
        assert len(line["trades"]) == TRADES
        assert len(line["candles"]) == CANDLES
        sequences = [trade["sequence"] for trade in line["trades"]]
        assert sequences == sorted(sequences, reverse=True)
        opened = [candle[0] for candle in line["candles"]]
        assert opened == sorted(opened)
    assert all(trade["simulated"] for trade in own["trades"])
    assert not any(trade["simulated"] for trade in venue["trades"])
    last = market.line(BINANCE).line.tape.last()
    assert last is not None
    assert (
        venue["ticker"]["last"] == venue["trades"][0]["price"] == BTC.format_price(last.price_ticks)
    )
    assert venue["trades"][0]["at_ms"] == last.at_ns // 1_000_000


@pytest.mark.parametrize(
    ("before", "now", "change"),
    [
        (10_000, 10_000, "0.00"),
        (10_000, 10_100, "+1.00"),
        (10_000, 9_900, "-1.00"),
        (30_000, 30_001, "0.00"),
        (20_000, 20_001, "+0.01"),
        (20_000, 19_999, "-0.01"),
        (3, 4, "+33.33"),
        (3, 2, "-33.33"),
        (100, 250, "+150.00"),
    ],
)
async def test_the_change_of_a_day(
    before: int, now: int, change: str, autojump_clock: trio.testing.MockClock
) -> None:
    market = ShownMarket(now_ns)
    market.trade(BINANCE, before)
    market.trade(BINANCE, now)
    board = Board(market.data, market.directory, now_ns)
    ticker = lines_of(whole(board))["BINANCE"]["ticker"]
    assert ticker["change_percent"] == change
    opened_ns = now_ns() - now_ns() % Interval.M5.ns
    assert ticker["open_at_ms"] == opened_ns // 1_000_000, "the market is not a day old"


async def test_a_market_without_anything(autojump_clock: trio.testing.MockClock) -> None:
    market = ShownMarket(now_ns)
    board = Board(market.data, market.directory, now_ns)
    for line in whole(board)["lines"]:
        empty = ("last", "bid", "ask", "high", "low", "change_percent", "open_at_ms")
        assert [line["ticker"][field] for field in empty] == [None] * 7
        assert line["bids"] == line["asks"] == line["trades"] == line["candles"] == []
