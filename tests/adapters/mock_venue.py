"""Venues on this machine: they play what was recorded to whoever connects, and keep the truth.

A mock venue plays a list of messages once, from where the last connection left off. It keeps the
true book of every market as it goes, answers with it whoever asks for a snapshot, and does the
harm that the test has put on messages. What a client made of it all is compared with the truth.
"""

from __future__ import annotations

import enum
import json
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import attrs
import h11
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, wrap_server_stream

from tests.adapters.recorded_venues import TextBook, coinbase_levels, coinbase_message, kraken_book
from xached.adapters.feeds.feed import Steps
from xached.adapters.feeds.session import Endpoint
from xached.domain.depth import Depth
from xached.domain.instrument import Instrument

SNAPSHOT_LEVELS = 1_000


class Harm(enum.Enum):
    """What is done to a message."""

    SKIP = "It is never sent."
    TWICE = "It is sent twice."
    CHECKSUM = "Its checksum is wrong."
    GARBAGE = "Something that is no message is sent before it."
    SLOW = "It is sent in pieces of seven bytes."
    OVERSIZED = "More than anybody wants to read is sent before it, and no more."
    CUT = "The connection ends in the middle of it, and the next ten are missed."


class MockVenue(ABC):
    """One venue; see the top of the file."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        messages: Sequence[bytes],
        harm: Mapping[int, Harm],
        frame_bytes_max: int,
    ) -> None:
        self.instruments = instruments
        self.books = {name: TextBook() for name in instruments}
        self.connections = 0
        self.snapshots = 0
        self.played = False
        self.owed: dict[Harm, int] = {}
        """Snapshots that a harm makes necessary: it waits for them before it does the next."""
        self.due = 0
        self.messages = messages
        self.harm = dict(harm)
        self._frame_bytes_max = frame_bytes_max
        self._at = 0
        self._given = trio.lowlevel.ParkingLot()

    def give(self) -> None:
        """Count a snapshot."""
        self.snapshots += 1
        self._given.unpark_all()

    # --- what differs by venue ---------------------------------------------------------------

    @abstractmethod
    def observe(self, message: Any) -> None:
        """Bring the truth up to a message."""

    @abstractmethod
    def told(self, frame: bytes) -> bytes:
        """What is sent for a message."""

    async def asked(self, socket: WebSocketConnection, request: Any) -> None:
        """Answer a message of the client."""
        raise AssertionError(request)

    # --- playing -----------------------------------------------------------------------------

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Play to one client."""
        self.connections += 1
        try:
            async with trio.open_nursery() as nursery:
                request = await wrap_server_stream(nursery, stream)
                socket = await request.accept()
                nursery.start_soon(self._listen, socket)
                await self._play(socket, stream)
                nursery.cancel_scope.cancel()
        except* (ConnectionClosed, trio.BrokenResourceError, trio.ClosedResourceError):
            pass

    async def _listen(self, socket: WebSocketConnection) -> None:
        while True:
            await self.asked(socket, json.loads(await socket.get_message()))

    async def _play(self, socket: WebSocketConnection, stream: trio.abc.Stream) -> None:
        await self.wait_begun()
        while self._at < len(self.messages):
            frame = self._next()
            harm = self.harm.pop(self._at - 1, None)
            if harm is not None:
                while self.snapshots < self.due:
                    await self._given.park()
                self.due += self.owed.get(harm, 0)
            match harm:
                case Harm.SKIP:
                    self.told(frame)
                case Harm.TWICE:
                    twice = self.told(frame).decode()
                    await socket.send_message(twice)
                    await socket.send_message(twice)
                case Harm.CHECKSUM:
                    before, key, _ = self.told(frame).rpartition(b'"checksum":')
                    await socket.send_message((before + key + b"7}]}").decode())
                case Harm.GARBAGE:
                    await socket.send_message(b"\xff\xfe garbage")
                    await socket.send_message('{"a": [')
                    await socket.send_message(self.told(frame).decode())
                case Harm.SLOW:
                    await self._send_slowly(socket, stream, self.told(frame))
                case Harm.OVERSIZED:
                    await socket.send_message(b" " * (self._frame_bytes_max + 1))
                    await socket.send_message(self.told(frame).decode())
                case Harm.CUT:
                    told = self.told(frame)
                    await stream.send_all(_frame_head(len(told)) + told[: len(told) // 2])
                    for _ in range(10):
                        self._next()
                    return
                case None:
                    await socket.send_message(self.told(frame).decode())
        self.played = True
        await trio.sleep_forever()

    async def wait_begun(self) -> None:
        """Wait until the client has asked for what it wants."""
        await trio.lowlevel.checkpoint()

    def _next(self) -> bytes:
        frame = self.messages[self._at]
        self._at += 1
        self.observe(json.loads(frame, parse_float=str, parse_int=str))
        return frame

    async def _send_slowly(
        self, socket: WebSocketConnection, stream: trio.abc.Stream, told: bytes
    ) -> None:
        data = _frame_head(len(told)) + told
        async with socket._stream_lock:  # Nothing else may come in between.
            for start in range(0, len(data), 7):
                await stream.send_all(data[start : start + 7])
                await trio.lowlevel.checkpoint()

    # --- comparing ---------------------------------------------------------------------------

    def agrees(self, name: str, depth: Depth) -> bool:
        """Whether a book has every true level within the best hundred, and no other."""
        instrument, book = self.instruments[name], self.books[name]
        ticks, lots = Steps.of_price(instrument), Steps.of_quantity(instrument)
        bids, asks = (
            tuple(
                (ticks.read(price), lots.read_down(quantity)[0])
                for price, quantity in levels
                if lots.read_down(quantity)[0]
            )[:100]
            for levels in (book.best_bids(SNAPSHOT_LEVELS), book.best_asks(SNAPSHOT_LEVELS))
        )
        return (depth.bids(100), depth.asks(100)) == (bids, asks)


def _frame_head(length: int) -> bytes:
    """A text frame's first bytes, RFC 6455 section 5.2."""
    assert 126 <= length < 65_536, length
    return b"\x81\x7e" + length.to_bytes(2, "big")


# --- Binance. --------------------------------------------------------------------------------


class MockBinance(MockVenue):
    """One market; snapshots are answered late, after newer changes were sent."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        messages: Sequence[bytes],
        harm: Mapping[int, Harm],
        frame_bytes_max: int,
    ) -> None:
        super().__init__(instruments, messages, harm, frame_bytes_max)
        self.last_id = 0
        self.late = 30
        """How many messages are sent between the making of a snapshot and its answer."""
        self.refusals: list[tuple[int, dict[str, str], bytes]] = []
        """What the next requests are answered with instead."""
        self._name = next(iter(instruments))
        self._moved = trio.lowlevel.ParkingLot()
        snapshot = next(json.loads(frame) for frame in messages if b'"lastUpdateId"' in frame)
        self.messages = [frame for frame in messages if b'"lastUpdateId"' not in frame]
        self.books[self._name].take(snapshot["bids"], snapshot["asks"])
        self.first_id: int = snapshot["lastUpdateId"]

    def observe(self, message: Any) -> None:
        """Take the changes that are not in the recorded snapshot."""
        data = message["data"]
        if data.get("e") == "depthUpdate" and int(data["u"]) > self.first_id:
            self.books[self._name].take(data["b"], data["a"])
            self.last_id = int(data["u"])
        self._moved.unpark_all()

    def told(self, frame: bytes) -> bytes:
        """As recorded."""
        return frame

    async def answer(self, stream: trio.abc.Stream) -> None:
        """Answer one GET of a snapshot."""
        connection = h11.Connection(h11.SERVER)
        while (event := connection.next_event()) is h11.NEED_DATA:
            connection.receive_data(bytes(await stream.receive_some(65_536)))
        assert isinstance(event, h11.Request)
        target = f"/api/v3/depth?symbol={self._name}&limit=5000"
        assert event.target == target.encode(), event.target
        if self.refusals:
            status, headers, body = self.refusals.pop(0)
        else:
            status, headers, body = 200, {}, await self._snapshot()
        head = h11.Response(
            status_code=status, headers=[*headers.items(), ("Content-Length", str(len(body)))]
        )
        parts = [connection.send(each) for each in (head, h11.Data(data=body), h11.EndOfMessage())]
        with suppress(trio.BrokenResourceError):  # It may have hung up.
            await stream.send_all(b"".join(part for part in parts if part))
            await stream.aclose()

    async def _snapshot(self) -> bytes:
        while not self.last_id:
            await self._moved.park()
        book = self.books[self._name]
        body = {
            "lastUpdateId": self.last_id,
            "bids": book.best_bids(SNAPSHOT_LEVELS),
            "asks": book.best_asks(SNAPSHOT_LEVELS),
        }
        until = min(self._at + self.late, len(self.messages))
        while self._at < until:
            await self._moved.park()
        self.give()
        return json.dumps(body).encode()


# --- Kraken and Coinbase. --------------------------------------------------------------------


class _SubscribedVenue(MockVenue):
    """Tells of a book after its snapshot, and gives that whenever it is subscribed to."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        messages: Sequence[bytes],
        harm: Mapping[int, Harm],
        frame_bytes_max: int,
    ) -> None:
        super().__init__(instruments, messages, harm, frame_bytes_max)
        self._begun = trio.Event()
        for name in instruments:
            # The recorded snapshots are where the truth begins.
            self.observe(json.loads(self._first_of(name), parse_float=str, parse_int=str))
        firsts = {self._first_of(name) for name in instruments}
        self.messages = [frame for frame in messages if frame not in firsts]

    def _first_of(self, name: str) -> bytes:
        key = f'"{name}"'.encode()
        return next(each for each in self.messages if key in each and b'"snapshot"' in each)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Play to one client, once it has subscribed."""
        self._begun = trio.Event()
        await super().serve(stream)

    async def wait_begun(self) -> None:
        """Wait until the books are subscribed to."""
        await self._begun.wait()


class MockKraken(_SubscribedVenue):
    """Several markets, each message with the checksum of the true book."""

    def observe(self, message: Any) -> None:
        """Take changes of a book."""
        for data in message["data"]:
            self.books[data["symbol"]].take(_levels(data["bids"]), _levels(data["asks"]))

    def told(self, frame: bytes) -> bytes:
        """As recorded."""
        return frame

    async def asked(self, socket: WebSocketConnection, request: Any) -> None:
        """Give snapshots to who subscribes to books."""
        params = request["params"]
        await socket.send_message(json.dumps({"method": request["method"], "success": True}))
        if request["method"] == "subscribe" and params["channel"] == "book":
            for name in params["symbol"]:
                self.give()
                book = self.books[name]
                bids = book.best_bids(SNAPSHOT_LEVELS)
                asks = book.best_asks(SNAPSHOT_LEVELS)
                frame = kraken_book(name, "snapshot", bids, asks, book.checksum())
                await socket.send_message(frame.decode())
            self._begun.set()


def _levels(levels: Any) -> list[tuple[str, str]]:
    return [(level["price"], level["qty"]) for level in levels]


class MockCoinbase(_SubscribedVenue):
    """Several markets; every message of a connection has the next number."""

    _number = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Play to one client, numbered from 0."""
        self._number = 0
        await super().serve(stream)

    def observe(self, message: Any) -> None:
        """Take changes of a book."""
        if message["channel"] == "l2_data":
            for event in message["events"]:
                sides: dict[str, list[tuple[str, str]]] = {"bid": [], "offer": []}
                for level in event["updates"]:
                    sides[level["side"]].append((level["price_level"], level["new_quantity"]))
                self.books[event["product_id"]].take(sides["bid"], sides["offer"])

    def told(self, frame: bytes) -> bytes:
        """As recorded, numbered anew."""
        message = json.loads(frame)
        return self._numbered(message["channel"], message["events"])

    async def asked(self, socket: WebSocketConnection, request: Any) -> None:
        """Give snapshots to who subscribes to level2."""
        await socket.send_message(self._numbered("subscriptions", []).decode())
        if (request["type"], request["channel"]) != ("subscribe", "level2"):
            return
        for name in request["product_ids"]:
            self.give()
            book = self.books[name]
            levels = [("bid", *level) for level in book.best_bids(SNAPSHOT_LEVELS)]
            levels += [("offer", *level) for level in book.best_asks(SNAPSHOT_LEVELS)]
            event = coinbase_levels("snapshot", name, levels)
            await socket.send_message(self._numbered("l2_data", [event]).decode())
        self._begun.set()

    def _numbered(self, channel: str, events: list[Any]) -> bytes:
        self._number += 1
        return coinbase_message(self._number - 1, channel, events)


# --- On a real socket. -----------------------------------------------------------------------


@attrs.frozen
class Listening:
    """Where a mock venue listens."""

    stream: Endpoint
    rest: Endpoint


@asynccontextmanager
async def listening(venue: MockVenue) -> AsyncIterator[Listening]:
    """Serve a venue on free ports of this machine."""
    async with trio.open_nursery() as nursery:
        endpoints = []
        handlers = [venue.serve, venue.answer if isinstance(venue, MockBinance) else venue.serve]
        for handler in handlers:
            listeners: list[trio.SocketListener] = await nursery.start(
                partial(trio.serve_tcp, handler, 0, host="127.0.0.1")
            )
            port = listeners[0].socket.getsockname()[1]
            endpoints.append(Endpoint(host="127.0.0.1", port=port, tls=False))
        yield Listening(*endpoints)
        nursery.cancel_scope.cancel()
