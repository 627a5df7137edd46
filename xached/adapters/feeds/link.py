"""One connection to a venue, followed until it breaks.

Theory of operation. :func:`follow` is one connection and everything that belongs to it:

    dial → subscribe → reset of every book → frames, one by one, into the conversation
                                           → what that makes of them is published
    a book without its snapshot, or out of step → repair: by REST or by subscribing again
    silence → a ping; no answer → the connection is given up

It ends with FeedDown, never by itself: the supervisor starts it again after a pause that grows,
and health shows why. Frames are bounded in size, and no more than ``FRAMES_QUEUED_MAX`` wait; a
venue that sends faster than we read is slowed down by TCP.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NoReturn, Protocol, assert_never

import attrs
import h11
import trio
from loguru import logger
from trio_websocket import (
    CloseReason,
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    WebSocketConnection,
    wrap_client_stream,
)
from wsproto.utilities import ProtocolError

from xached.adapters.feeds.rest import RestFailed, get
from xached.adapters.feeds.session import Endpoint, Fetch, Reconnect, Send, Turn, resets
from xached.domain.instrument import Symbol
from xached.domain.market import FaultCause, FeedFault, FeedRecord
from xached.runtime.supervise import Restart, WorldFault, one_line
from xached.runtime.world import World

FRAMES_QUEUED_MAX: Final = 4
"""Frames read ahead; the longest of Coinbase have 16 MB."""

RECEIVE_BYTES: Final = 65_536
RETRY_AFTER_S_MAX: Final = 300.0
REFUSAL_PERIOD_S: Final = 60.0
REPLIES_PER_S_MAX: Final = 20
"""What a venue's frames may make us send, in a second and at once: more is not asked for by any."""

Publish = Callable[[Sequence[FeedRecord]], Sequence[Symbol]]
"""Takes records; returns the instruments whose book has lost step and needs a snapshot."""


class FeedDown(WorldFault):
    """The connection to a venue ended or cannot be made."""


@attrs.frozen(kw_only=True)
class Pace:
    """How patient a feed is, in seconds."""

    connect_s: float = 10.0
    """For the connection, TLS and the upgrade to WebSocket together."""
    silence_s: float = 10.0
    """After so much silence it asks whether anybody is there."""
    pong_s: float = 10.0
    request_s: float = 10.0
    """For one request to the REST side."""
    snapshot_s: float = 10.0
    """For a snapshot over the stream."""
    repair_s: float = 1.0
    """Before a book is repaired a second time; doubles up to the next."""
    repair_s_max: float = 30.0
    repair_forgotten_s: float = 60.0
    """A book that held so long is repaired at once again."""


@attrs.frozen(kw_only=True)
class FeedStatistics:
    """How a feed is doing. ``connected`` is 1 while frames can come."""

    connected: int
    connections: int
    frames: int
    repairs: int
    requests_failed: int


@attrs.define
class FeedCounts:
    """The same while it is counted, over all connections of a feed."""

    connected: bool = False
    connections: int = 0
    frames: int = 0
    repairs: int = 0
    requests_failed: int = 0

    def statistics(self) -> FeedStatistics:
        """As they are now."""
        return FeedStatistics(
            connected=int(self.connected),
            connections=self.connections,
            frames=self.frames,
            repairs=self.repairs,
            requests_failed=self.requests_failed,
        )


@attrs.frozen(kw_only=True)
class Place:
    """Where a conversation takes place.

    ``target`` is what to open the stream at, ``rest`` who answers requests. ``public``: neither is
    dialled but at addresses of the public Internet. ``keep_alive`` is sent every
    ``keep_alive_s`` seconds, unless it is empty.
    """

    stream: Endpoint
    target: str
    rest: Endpoint | None
    frame_bytes_max: int
    public: bool = False
    keep_alive: str = ""
    keep_alive_s: float = math.inf


class Conversation(Protocol):
    """What is said on one connection. A fault of the venue raises nothing here."""

    @property
    def place(self) -> Place:
        """Where it takes place."""
        ...

    def open(self) -> Sequence[str]:
        """The messages to begin with."""
        ...

    async def receive(self, frame: bytes, received_ns: int) -> Turn:
        """Read one frame of the stream. Raises: FeedDown when it cannot go on."""
        ...

    async def repair(self, symbol: Symbol) -> Send | Fetch | Reconnect:
        """How to get a snapshot of a book that has lost step. Raises: FeedDown."""
        ...

    async def snapshot(self, symbol: Symbol, body: bytes, received_ns: int) -> Turn:
        """Read the answer to a Fetch. Raises: FeedDown."""
        ...

    def awaits(self, symbol: Symbol) -> bool:
        """Whether a snapshot that is to come over the stream has not come yet."""
        ...


@attrs.frozen(kw_only=True)
class Line:
    """Who follows what: all that outlives a connection."""

    name: str
    symbols: tuple[Symbol, ...]
    world: World
    pace: Pace
    counts: FeedCounts


async def follow(conversation: Conversation, line: Line, publish: Publish) -> NoReturn:
    """Follow a venue over one connection. ``publish`` must not block.

    Raises: FeedDown, in the end.
    """
    reason = ""
    try:
        await _connect(conversation, line, publish)
    except* (
        FeedDown,
        HandshakeError,
        ConnectionClosed,
        ProtocolError,
        h11.ProtocolError,  # From an answer to the handshake that makes no sense.
        OSError,
        trio.BrokenResourceError,
        trio.TooSlowError,
    ) as group:
        reason = _reason(group)
    finally:
        line.counts.connected = False
    raise FeedDown(f"{conversation.place.stream.host}: {reason}")


async def _connect(conversation: Conversation, line: Line, publish: Publish) -> None:
    place = conversation.place
    at = place.stream
    with trio.fail_after(line.pace.connect_s) as patience:
        stream = await line.world.dial(at.host, at.port, tls=at.tls, public=place.public)
        try:
            async with trio.open_nursery() as nursery:
                socket = await wrap_client_stream(
                    nursery,
                    stream,  # type: ignore[arg-type] # any stream will do, as its text says
                    at.authority,
                    at.path + place.target,
                    extra_headers=[(b"User-Agent", b"xached")],
                    message_queue_size=FRAMES_QUEUED_MAX,
                    max_message_size=place.frame_bytes_max,
                    receive_buffer_size=RECEIVE_BYTES,
                )
                patience.deadline = math.inf
                await _talk(socket, conversation, line, publish)
        finally:
            # Also when the library has closed it: it does not always.
            await trio.aclose_forcefully(stream)


async def _talk(
    socket: WebSocketConnection, conversation: Conversation, line: Line, publish: Publish
) -> None:
    line.counts.connected = True
    line.counts.connections += 1
    logger.info("{} is connected to {}", line.name, conversation.place.stream.host)
    link = _Link(socket, conversation, line, publish)
    publish(resets(line.symbols, line.world.now_ns(), "a new connection"))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.watch)
        nursery.start_soon(link.keep_alive)
        for message in conversation.open():
            await socket.send_message(message)
        link.begin()
        nursery.start_soon(link.repair)
        await link.read()


class _Link:
    """What runs on one connection."""

    def __init__(
        self,
        socket: WebSocketConnection,
        conversation: Conversation,
        line: Line,
        publish: Publish,
    ) -> None:
        self._socket = socket
        self._conversation = conversation
        self._line = line
        self._publish = publish
        self._world = line.world
        self._pace = line.pace
        self._counts = line.counts
        self._repairs = _Repairs(line.pace, partial(draw, line.world))
        self._heard_at = trio.current_time()
        self._pings = 0
        self._refusal_at = -math.inf
        self._replies_left = REPLIES_PER_S_MAX
        self._second_ends = -math.inf

    def begin(self) -> None:
        """Every book waits for its first snapshot."""
        for symbol in self._line.symbols:
            if self._conversation.awaits(symbol):
                self._repairs.check(symbol)
            else:
                self._repairs.want(symbol)

    async def read(self) -> None:
        """Read frames until the connection ends. Raises: ConnectionClosed, FeedDown."""
        while True:
            message = await self._socket.get_message()
            self._heard_at = trio.current_time()
            self._counts.frames += 1
            frame = message.encode() if isinstance(message, str) else message
            await self._take(await self._conversation.receive(frame, self._world.now_ns()))

    async def keep_alive(self) -> None:
        """Send what the venue wants again and again, if it wants anything."""
        place = self._conversation.place
        while place.keep_alive:
            await trio.sleep(place.keep_alive_s)
            await self._socket.send_message(place.keep_alive)

    async def watch(self) -> None:
        """Ask whether anybody is there whenever it was silent. Raises: FeedDown."""
        pace = self._pace
        while True:
            silent_at = self._heard_at + pace.silence_s
            if trio.current_time() < silent_at:
                await trio.sleep_until(silent_at)
                continue
            self._pings += 1
            with trio.move_on_after(pace.pong_s) as patience:
                await self._socket.ping(b"%d" % self._pings)
            if patience.cancelled_caught:
                raise FeedDown(f"silent for {pace.silence_s + pace.pong_s:g} s")
            self._heard_at = trio.current_time()

    async def repair(self) -> None:
        """Get snapshots of books that need one, one at a time."""
        while True:
            symbol, wanted = await self._repairs.next()
            if not wanted and not self._conversation.awaits(symbol):
                continue
            self._repairs.tried(symbol)
            self._counts.repairs += 1
            way = await self._conversation.repair(symbol)
            match way:
                case Send(messages):
                    for message in messages:
                        await self._socket.send_message(message)
                    self._repairs.check(symbol)
                case Fetch(target):
                    await self._fetch(symbol, target)
                case Reconnect():
                    raise FeedDown(f"the book of {symbol} has lost step")
                case _:
                    assert_never(way)

    async def _fetch(self, symbol: Symbol, target: str) -> None:
        place = self._conversation.place
        if place.rest is None:
            raise FeedDown(f"nobody answers requests for the book of {symbol}")
        try:
            body = await get(
                self._world,
                place.rest,
                target,
                body_bytes_max=place.frame_bytes_max,
                timeout_s=self._pace.request_s,
                public=place.public,
            )
        except RestFailed as failure:
            self._counts.requests_failed += 1
            logger.warning("{} has no snapshot of {}: {}", self._line.name, symbol, failure)
            self._repairs.want(symbol)
            # What it asks for, it asks of the address: nothing else is requested meanwhile.
            await trio.sleep(min(failure.retry_after_s, RETRY_AFTER_S_MAX))
            return
        await self._take(await self._conversation.snapshot(symbol, body, self._world.now_ns()))

    async def _take(self, turn: Turn) -> None:
        lost = [*turn.lost, *self._publish(turn.records)] if turn.records else turn.lost
        for symbol in lost:
            self._repairs.want(symbol)
        for record in turn.records:
            if isinstance(record, FeedFault) and record.cause is FaultCause.REFUSED:
                self._tell_refusal(record.excerpt)
        for message in turn.replies:
            self._count_reply()
            await self._socket.send_message(message)

    def _count_reply(self) -> None:
        now = trio.current_time()
        if now >= self._second_ends:
            self._second_ends, self._replies_left = now + 1.0, REPLIES_PER_S_MAX
        self._replies_left -= 1
        if self._replies_left < 0:
            raise FeedDown(f"more than {REPLIES_PER_S_MAX} messages to send in a second")

    def _tell_refusal(self, excerpt: str) -> None:
        now = trio.current_time()
        if now >= self._refusal_at + REFUSAL_PERIOD_S:  # A venue must not fill the log.
            self._refusal_at = now
            logger.warning("{} is refused: {}", self._line.name, excerpt)


@attrs.define
class _Tries:
    count: int
    last_at: float


class _Repairs:
    """When which book is repaired: at once, but the same one again only after a pause."""

    def __init__(self, pace: Pace, jitter: Callable[[], float]) -> None:
        self._pace = pace
        self._jitter = jitter
        self._due: dict[Symbol, tuple[float, bool]] = {}
        self._tries: dict[Symbol, _Tries] = {}
        self._changed = trio.lowlevel.ParkingLot()

    def want(self, symbol: Symbol) -> None:
        """Repair a book as soon as its turn has come."""
        due = self._due.get(symbol)
        if due is None or not due[1]:
            self._set(symbol, self._next_at(symbol), wanted=True)

    def check(self, symbol: Symbol) -> None:
        """Repair a book unless its snapshot has come by then."""
        if symbol not in self._due:
            self._set(symbol, trio.current_time() + self._pace.snapshot_s, wanted=False)

    def tried(self, symbol: Symbol) -> None:
        """Count a repair."""
        now = trio.current_time()
        tries = self._tries.setdefault(symbol, _Tries(0, now))
        tries.count += 1
        tries.last_at = now

    async def next(self) -> tuple[Symbol, bool]:
        """Wait for the next one that is due, and whether it is wanted in any case."""
        while True:
            at = math.inf
            if self._due:
                symbol = min(self._due, key=lambda each: self._due[each][0])
                at, wanted = self._due[symbol]
                if at <= trio.current_time():
                    del self._due[symbol]
                    return symbol, wanted
            with trio.CancelScope(deadline=at):
                await self._changed.park()

    def _next_at(self, symbol: Symbol) -> float:
        now, pace = trio.current_time(), self._pace
        tries = self._tries.get(symbol)
        if tries is None or now - tries.last_at > pace.repair_forgotten_s:
            self._tries.pop(symbol, None)
            return now
        policy = Restart(pause_s=pace.repair_s, pause_s_max=pace.repair_s_max, jitter=self._jitter)
        return max(now, tries.last_at + policy.pause_after(tries.count))

    def _set(self, symbol: Symbol, at: float, *, wanted: bool) -> None:
        self._due[symbol] = (at, wanted)
        self._changed.unpark_all()


def _reason(group: BaseExceptionGroup[BaseException]) -> str:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case FeedDown():
            return str(error)
        case ConnectionClosed(reason=CloseReason(code=code, name=name, reason=why)):
            return f"the connection is closed: {code} {name} {why or ''}".rstrip()
        case ConnectionRejected(status_code=status):
            return f"no WebSocket, but status {status}"
        case trio.TooSlowError():
            return "no connection in time"
        case _:
            return one_line(error)


def draw(world: World) -> float:
    """Draw a number from 0 to 1."""
    return int.from_bytes(world.entropy(4), "big") / 2**32
