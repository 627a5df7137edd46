"""Two hundred readers of one book over real sockets: many fast, twenty slow, one that stalls."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import grpc
import pytest
import trio
from xache.live.book import LiveBook
from xache.v1 import market_pb2, market_pb2_grpc

from tests.api.edge import Doorman, details_of, error_of, in_thread
from tests.domain.market_values import BTC
from xached.actors.market.data import MarketData, WatchedLine
from xached.actors.matching import Matching
from xached.api.auction import AuctionHandlers
from xached.api.errors import Interceptor
from xached.api.grpc_server import Limits, Server
from xached.api.indicators import IndicatorHandlers
from xached.api.market import MarketHandlers, book_checksum
from xached.api.routes import Call, Responses, Routes, Service
from xached.bench.fan_client import SMALL_WINDOW, open_fast_readers, read_slowly
from xached.domain.instrument import Asset, Directory
from xached.domain.market import BINANCE, Provenance, Source
from xached.domain.order import Side
from xached.runtime.world import RealWorld

FAST, SLOW = 179, 20
DEPTH = 100
CHANGES = 400 if os.environ.get("XACHE_LONG") else 40
LEVELS_CHANGED = 40
BUFFERED_BYTES_MAX = 64 * 1024
"""Of all readers together; one of them alone may have four times as much with the edge."""


class Handlers(MarketHandlers):
    """Knows how many book streams have ended."""

    ended = 0

    async def watch_book(
        self,
        call: Call,
        request: market_pb2.WatchBookRequest,
        responses: Responses[market_pb2.WatchBookResponse],
    ) -> None:
        """See MarketHandlers."""
        try:
            await super().watch_book(call, request, responses)
        finally:
            self.ended += 1


class House:
    """A market with one book, and its server."""

    def __init__(self) -> None:
        world = RealWorld()
        directory = Directory()
        for name, scale in ((BTC.base, BTC.base_scale), (BTC.quote, BTC.quote_scale)):
            directory.list_asset(Asset(name, scale))
        directory.list_instrument(BTC)
        self.data = MarketData(world)
        self.line: WatchedLine = self.data.venue_line(
            BTC.symbol, Source(BINANCE, Provenance.RECORDED)
        )
        self.handlers = Handlers(self.data, directory)
        self.incidents: list[Any] = []
        handlers = (
            self.handlers,
            AuctionHandlers(Matching(1), directory, self.data.market_state, self.data.own.delisted),
            IndicatorHandlers(self.data, directory),
        )
        service = market_pb2.DESCRIPTOR.services_by_name["MarketService"]
        self.server = Server(
            Routes([Service(descriptor=service, handlers=handlers)], Doorman()),
            Interceptor(world, lambda *incident: self.incidents.append(incident)),
            world,
            Limits(write_timeout_s=4.0),
        )
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.buffered_bytes_max = 0
        self._draw = random.Random(1)

    def change(self) -> None:
        """Change the book and wake its readers."""
        book = self.line.line.book
        for _ in range(LEVELS_CHANGED):
            away = self._draw.randrange(1, 2 * DEPTH)
            side = self._draw.choice((Side.BUY, Side.SELL))
            price_ticks = 500_000 + (away if side is Side.SELL else -away)
            book.depth.set(side, price_ticks, self._draw.randrange(50))
        book.changed(0)
        self.data.wake(self.line, book=True)
        self.buffered_bytes_max = max(
            self.buffered_bytes_max, self.server.statistics().buffered_bytes
        )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens in other threads."""
    while not condition():  # noqa: ASYNC110 - they set no events of trio
        await trio.sleep(0.02)


def follow(messages: list[market_pb2.WatchBookResponse], *, closely: bool) -> LiveBook:
    """The book of a reader. Raises: BookGap when a message does not join on."""
    book = LiveBook(BTC.symbol)
    first, *others = messages
    assert first.HasField("snapshot")
    if closely:
        for message in messages:
            book.apply(message)
    last = first.sequence
    for message in others:
        if message.HasField("change"):
            assert message.first_sequence == last + 1
            last = message.sequence
    return book


@pytest.mark.xdist_group("sockets")
async def test_slow_readers_cost_nothing_and_a_stalled_one_is_told_and_cut_off() -> None:
    """Checked by breaking: without waiting for the reader in ``_deliver`` the slow ones are cut off
    too; with a time-out of writes that never comes the stalled one stays; reset at once, as it was
    before, it is not told why."""
    house = House()
    house.change()
    request = market_pb2.WatchBookRequest(symbol=BTC.symbol, venue=BINANCE, depth=DEPTH)
    heard: list[list[bytes]] = [[] for _ in range(FAST)]
    slow: list[list[market_pb2.WatchBookResponse]] = [[] for _ in range(SLOW)]
    target = f"127.0.0.1:{house.port}"
    with trio.fail_after(120):
        async with trio.open_nursery() as nursery:
            await nursery.start(house.server.serve)
            readers = open_fast_readers(
                target, request, FAST, lambda number, data: heard[number].append(data)
            )
            with grpc.insecure_channel(target, SMALL_WINDOW) as channel:
                for each in slow:
                    read_slowly(channel, request, 0.2, each.append)
                stalled = market_pb2_grpc.MarketServiceStub(channel).WatchBook(request)
                await until(lambda: all(heard) and all(slow))
                for _ in range(CHANGES):
                    house.change()
                    await trio.sleep(0.03)
                last = house.line.line.book.sequence

                # All but the stalled one get everything, however slow they are.
                def is_told(messages: list[Any]) -> bool:
                    message = messages[-1]
                    if isinstance(message, bytes):
                        message = market_pb2.WatchBookResponse.FromString(message)
                    return bool(message.sequence >= last)

                await until(lambda: all(map(is_told, heard)) and all(map(is_told, slow)))
                await until(lambda: house.handlers.ended > 0)
                assert house.handlers.ended == 1

                # When it reads again, it finds what was on its way, and then why it ended.
                error = await error_of(lambda: [message.sequence for message in stalled])
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                assert details_of(error)[1].reason == "SLOW_READER"
                for reader in readers:
                    reader.stop()
                house.server.stop(0)
            for reader in readers:
                await in_thread(reader.join)
    assert house.incidents == []
    assert house.buffered_bytes_max <= BUFFERED_BYTES_MAX
    truth = book_checksum(BTC, house.line.line.book.top(DEPTH))
    for number, data in enumerate(heard):
        messages = [market_pb2.WatchBookResponse.FromString(each) for each in data]
        messages = [message for message in messages if not message.HasField("shutdown")]
        assert messages[-1].checksum == truth
        book = follow(messages, closely=number % 20 == 0)
        assert number % 20 or book.checksum() == truth
    for messages in slow:
        messages = [message for message in messages if not message.HasField("shutdown")]
        assert follow(messages, closely=True).checksum() == truth
        # They were told less often, and nothing less.
        assert len(messages) < CHANGES
