"""The market actor with live feeds: sources, staleness, marks, and feeds that fail.

Checked by breaking, each seen red: heartbeats that are no sign of life, a reset or a fault that is
one, repairs that nobody is told of, and feeds that are not supervised.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from loguru import logger
from trio_websocket import WebSocketConnection

from tests.actors.market_house import CommandedFeed, RowsExchange, quote, running
from tests.adapters.recorded_venues import TextBook, kraken_book
from tests.adapters.test_live import VENUE, DialledWorld, feed_of, websocket
from tests.domain.market_values import BTC
from xached.actors.market.actor import Publish
from xached.domain.candles import Interval
from xached.domain.market import (
    BINANCE,
    KRAKEN,
    BookDiff,
    BookSnapshot,
    FaultCause,
    FeedFault,
    FeedReset,
    Heartbeat,
    Provenance,
    Source,
)
from xached.runtime.supervise import ActorState, Restart
from xached.runtime.world import SimulatedServer

SYMBOL = BTC.symbol


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No log lines: every interruption writes one."""
    logger.disable("xached")
    yield
    logger.enable("xached")


@pytest.fixture
async def exchange() -> RowsExchange:
    """An exchange that has listed its markets."""
    exchange = RowsExchange(5)
    exchange.trade(30)
    return exchange


# --- A venue that comes and goes. ------------------------------------------------------------


@attrs.define(eq=False)
class Kraken:
    """A market whose mid is 100.00 and rises by 1.00 a second; a trade, then heartbeats only."""

    talks_s: float
    """How long each connection lasts."""
    away_s: float
    """How long nobody can connect then."""
    back: trio.Event = attrs.field(factory=trio.Event)
    """Set when it is connected to a second time."""
    _book: TextBook = attrs.field(factory=TextBook)
    _back_at: float = 0.0

    def servers(self) -> dict[str, SimulatedServer]:
        """Where it is dialled."""
        talk = websocket(self._talk)

        async def serve(stream: trio.abc.HalfCloseableStream) -> None:
            if trio.current_time() >= self._back_at:
                await talk(stream)

        return {VENUE.host: serve}

    async def _talk(self, socket: WebSocketConnection) -> None:
        if self._back_at:
            self.back.set()
        self._book = TextBook()
        await self._tell(socket, "snapshot", [("99.90", "1.0")], [("100.10", "2.0")])
        trade: dict[str, Any] = {"symbol": "BTC/USDT", "side": "buy", "price": 100.10, "qty": 0.5}
        trade |= {"trade_id": 1, "timestamp": "2026-01-01T00:00:01Z"}
        await socket.send_message(
            json.dumps({"channel": "trade", "type": "update", "data": [trade]})
        )
        with trio.move_on_after(self.talks_s):
            while True:
                await trio.sleep(1)
                await socket.send_message('{"channel":"heartbeat"}')
        self._back_at = trio.current_time() + self.away_s

    async def _tell(self, socket: WebSocketConnection, kind: str, bids: Any, asks: Any) -> None:
        self._book.take(bids, asks)
        frame = kraken_book("BTC/USDT", kind, bids, asks, self._book.checksum())
        await socket.send_message(frame.decode())


async def test_a_live_venue_has_books_trades_tickers_and_candles_of_its_own(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    venue = Kraken(talks_s=1_000, away_s=0)
    feed = feed_of(DialledWorld(1, venue.servers()))
    async with running(tmp_path, exchange, others=[feed], mark_venue=KRAKEN) as house:
        await trio.sleep(3)
        line = house.data.line(SYMBOL, KRAKEN)
        assert line.book.depth.bids(5) == ((9_990, 100_000),)
        (trade,) = line.tape.after(line.tape.sequence - 1, 10)
        assert trade.source == Source(KRAKEN, Provenance.LIVE)
        assert (trade.price_ticks, trade.quantity_lots) == (10_010, 50_000)
        (candle,) = [each for each in line.candles(Interval.S1) if each.trades]
        assert (candle.open_ticks, candle.volume_lots) == (10_010, 50_000)
        ticker = house.data.ticker(line)
        assert ticker.source == Source(KRAKEN, Provenance.LIVE)
        assert (ticker.last_ticks, ticker.stale) == (10_010, False)
        assert (ticker.bid, ticker.ask) == ((9_990, 100_000), (10_010, 200_000))
        # Another venue of the same instrument is another line.
        assert house.data.line(SYMBOL, BINANCE).book.depth.best_bid() is None
        assert {price for _, price in house.marks} == {10_000}
        assert {record.name: record.state for record in house.health.records()} == {
            "feed BINANCE": ActorState.RUNNING,
            "feed KRAKEN": ActorState.RUNNING,
        }


async def test_a_venue_that_is_away_is_stale_gives_no_marks_and_comes_back(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    venue = Kraken(talks_s=20, away_s=30)
    feed = feed_of(DialledWorld(1, venue.servers()))
    async with running(tmp_path, exchange, others=[feed], mark_venue=KRAKEN) as house:
        line = house.data.line(SYMBOL, KRAKEN)
        await trio.sleep(19)
        # Heartbeats say that nothing has changed: marks go on, one a second.
        assert not line.stale
        assert 17 <= len(house.marks) <= 20
        await trio.sleep(10)
        assert line.stale
        assert line.book.depth.best_bid() is not None, "what was known is shown, as stale"
        assert house.data.ticker(line).stale
        sent = len(house.marks)
        (record,) = [each for each in house.health.records() if each.name == feed.name]
        assert record.restarts > 0
        assert "FeedDown: venue: " in record.failure
        assert feed.statistics().connected == 0
        await trio.sleep(20)
        assert len(house.marks) == sent, "a venue that is silent confirms no mark"
        with trio.fail_after(90):
            await venue.back.wait()
        await trio.sleep(3)
        assert not line.stale
        assert len(house.marks) > sent
        assert house.data.statistics().resets >= 2


# --- What is a sign of life. -----------------------------------------------------------------


async def test_only_what_a_venue_says_of_its_market_is_a_sign_of_life(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        line = house.data.line(SYMBOL, BINANCE)
        house.feed.publish([quote(100, 102)])
        for _ in range(10):
            house.feed.publish([FeedFault(cause=FaultCause.NOT_JSON, excerpt="")])
            await trio.sleep(1)
        assert line.stale
        house.feed.publish([FeedReset(symbol=SYMBOL, at_ns=0, cause="test")])
        assert line.stale
        house.feed.publish([Heartbeat(at_ns=0)])
        assert not line.stale
        for _ in range(10):
            house.feed.publish([Heartbeat(at_ns=0)])
            await trio.sleep(1)
        assert not line.stale


async def test_who_follows_is_told_which_book_has_lost_step(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    snapshot = BookSnapshot(symbol=SYMBOL, last_id=10, bids=((5, 1),), asks=((7, 1),), at_ns=0)
    diff = BookDiff(symbol=SYMBOL, previous_id=10, last_id=11, bids=((4, 1),), asks=(), at_ns=0)
    async with running(tmp_path, exchange) as house:
        publish = house.feed.publish
        assert list(publish([diff])) == [], "it waits for a snapshot"
        assert list(publish([snapshot])) == []
        assert list(publish([attrs.evolve(diff, previous_id=12, last_id=13)])) == [SYMBOL]
        # A snapshot from before what was kept does not help.
        assert list(publish([snapshot])) == [SYMBOL]
        assert list(publish([attrs.evolve(snapshot, last_id=12)])) == []
        crossed = attrs.evolve(diff, previous_id=13, last_id=14, bids=((8, 1),))
        assert list(publish([crossed])) == [SYMBOL]


# --- A feed is expendable. -------------------------------------------------------------------


class FailingFeed(CommandedFeed):
    """Fails every second, for ever."""

    def __init__(self) -> None:
        super().__init__()
        self.name = "feed failing"
        self.venue = KRAKEN
        self.restart = Restart(pause_s=1.0)

    async def run(self, publish: Publish) -> None:
        """See MarketFeed."""
        publish([FeedReset(symbol=SYMBOL, at_ns=0, cause="test")])
        await trio.sleep(1)
        raise ZeroDivisionError


async def test_a_feed_that_fails_takes_nobody_with_it(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange, others=[FailingFeed()]) as house:
        for _ in range(200):
            house.feed.publish([quote(100, 102)])
            exchange.trade(1)
            await trio.sleep(1)
        assert len(house.marks) >= 190
        records = {record.name: record for record in house.health.records()}
        assert records["feed BINANCE"].state is ActorState.RUNNING
        assert records["feed failing"].state is ActorState.FAILED
        assert records["feed failing"].restarts == 5
        assert records["feed failing"].failure == "ZeroDivisionError"
        assert house.data.line(SYMBOL, KRAKEN).stale
        assert house.data.own.seq == exchange.house.seq
