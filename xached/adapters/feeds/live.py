"""A live feed: one WebSocket to a venue, followed until it breaks.

Theory of operation. :meth:`LiveFeed.run` is one connection and everything that belongs to it:

    dial → subscribe → reset of every book → frames, one by one, into the session
                                           → what the session makes of them is published
    a book without its snapshot, or out of step → repair: by REST or by subscribing again
    silence → a ping; no answer → the connection is given up

It ends with FeedDown, never by itself: the supervisor starts it again after a pause that grows,
and health shows why. Frames are bounded in size, and no more than ``FRAMES_QUEUED_MAX`` wait; a
venue that sends faster than we read is slowed down by TCP.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, assert_never

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
from xached.adapters.feeds.session import (
    Endpoint,
    Fetch,
    Send,
    Session,
    Turn,
    VenueRules,
    resets,
)
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import FaultCause, FeedFault, FeedRecord, Provenance, Venue
from xached.runtime.supervise import Restart, WorldFault, one_line
from xached.runtime.world import World

FRAMES_QUEUED_MAX: Final = 4
"""Frames read ahead; the longest of Coinbase have 16 MB."""

RECEIVE_BYTES: Final = 65_536
RETRY_AFTER_S_MAX: Final = 300.0
REFUSAL_PERIOD_S: Final = 60.0
THREAD_BYTES_MIN: Final = 256 * 1024
"""A frame so long takes milliseconds to read: not on the thread that everybody waits for."""

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


class LiveFeed:
    """Follows some instruments at a venue; a source of records for the market actor."""

    def __init__(
        self,
        rules: VenueRules,
        instruments: Mapping[str, Instrument],
        world: World,
        *,
        stream: Endpoint | None = None,
        rest: Endpoint | None = None,
        pace: Pace | None = None,
    ) -> None:
        """``instruments``: by the venue's own names. Without endpoints, the venue's own."""
        self._rules = rules
        self._instruments = dict(instruments)
        self._world = world
        self._stream = stream or rules.stream
        self._rest = rest or rules.rest
        self._pace = pace or Pace()
        self._connected = False
        self._connections = 0
        self._frames = 0
        self._repairs = 0
        self._requests_failed = 0

    @property
    def name(self) -> str:
        """What health calls it."""
        return f"feed {self.venue}"

    @property
    def venue(self) -> Venue:
        """Who is followed."""
        return self._rules.venue

    @property
    def provenance(self) -> Provenance:
        """Always live."""
        return Provenance.LIVE

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What is followed."""
        return tuple(instrument.symbol for instrument in self._instruments.values())

    @property
    def restart(self) -> Restart:
        """A venue is dialled for ever, less and less often."""
        return Restart(limit=1_000_000, jitter=lambda: draw(self._world))

    def statistics(self) -> FeedStatistics:
        """Tell how it is going."""
        return FeedStatistics(
            connected=int(self._connected),
            connections=self._connections,
            frames=self._frames,
            repairs=self._repairs,
            requests_failed=self._requests_failed,
        )

    async def run(self, publish: Publish) -> None:
        """Follow the venue over one connection. ``publish`` must not block.

        Raises: FeedDown, in the end.
        """
        reason = ""
        try:
            await self._connect(publish)
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
            self._connected = False
        raise FeedDown(f"{self._stream.host}: {reason}")

    async def _connect(self, publish: Publish) -> None:
        session = self._rules.session(self._instruments)
        at = self._stream
        with trio.fail_after(self._pace.connect_s) as patience:
            stream = await self._world.dial(at.host, at.port, tls=at.tls)
            try:
                async with trio.open_nursery() as nursery:
                    socket = await wrap_client_stream(
                        nursery,
                        stream,  # type: ignore[arg-type] # any stream will do, as its text says
                        at.authority,
                        at.path + session.target,
                        extra_headers=[(b"User-Agent", b"xached")],
                        message_queue_size=FRAMES_QUEUED_MAX,
                        max_message_size=self._rules.frame_bytes_max,
                        receive_buffer_size=RECEIVE_BYTES,
                    )
                    patience.deadline = math.inf
                    await self._talk(socket, session, publish)
            finally:
                # Also when the library has closed it: it does not always.
                await trio.aclose_forcefully(stream)

    async def _talk(self, socket: WebSocketConnection, session: Session, publish: Publish) -> None:
        self._connected = True
        self._connections += 1
        logger.info("{} is connected to {}", self.name, self._stream.host)
        link = _Link(self, socket, session, publish)
        publish(resets(self.symbols, self._world.now_ns(), "a new connection"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.watch)
            for message in session.open():
                await socket.send_message(message)
            link.begin()
            nursery.start_soon(link.repair)
            await link.read()


class _Link:
    """What runs on one connection."""

    def __init__(
        self, feed: LiveFeed, socket: WebSocketConnection, session: Session, publish: Publish
    ) -> None:
        self._feed = feed
        self._socket = socket
        self._session = session
        self._publish = publish
        self._world = feed._world
        self._pace = feed._pace
        self._session_free = trio.Lock()
        self._repairs = _Repairs(feed._pace, partial(draw, feed._world))
        self._heard_at = trio.current_time()
        self._pings = 0
        self._refusal_at = -math.inf

    def begin(self) -> None:
        """Every book waits for its first snapshot."""
        for symbol in self._feed.symbols:
            if self._session.awaits(symbol):
                self._repairs.check(symbol)
            else:
                self._repairs.want(symbol)

    async def read(self) -> None:
        """Read frames until the connection ends. Raises: ConnectionClosed."""
        session = self._session
        while True:
            message = await self._socket.get_message()
            self._heard_at = trio.current_time()
            self._feed._frames += 1
            frame = message.encode() if isinstance(message, str) else message
            now_ns = self._world.now_ns()
            if len(frame) < THREAD_BYTES_MIN:
                turn = session.receive(frame, now_ns)
            else:
                async with self._session_free:
                    turn = await self._world.run_in_thread(session.receive, frame, now_ns)
            self._take(turn)

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
            if not wanted and not self._session.awaits(symbol):
                continue
            self._repairs.tried(symbol)
            self._feed._repairs += 1
            async with self._session_free:
                way = self._session.repair(symbol)
            match way:
                case Send(messages):
                    for message in messages:
                        await self._socket.send_message(message)
                    self._repairs.check(symbol)
                case Fetch(target):
                    await self._fetch(symbol, target)
                case _:
                    assert_never(way)

    async def _fetch(self, symbol: Symbol, target: str) -> None:
        feed = self._feed
        try:
            body = await get(
                self._world,
                feed._rest,
                target,
                body_bytes_max=feed._rules.frame_bytes_max,
                timeout_s=self._pace.request_s,
            )
        except RestFailed as failure:
            feed._requests_failed += 1
            logger.warning("{} has no snapshot of {}: {}", feed.name, symbol, failure)
            self._repairs.want(symbol)
            # What it asks for, it asks of the address: nothing else is requested meanwhile.
            await trio.sleep(min(failure.retry_after_s, RETRY_AFTER_S_MAX))
            return
        read = partial(self._session.snapshot, symbol, body, self._world.now_ns())
        async with self._session_free:
            if len(body) < THREAD_BYTES_MIN:
                turn = read()
            else:
                turn = await self._world.run_in_thread(read)
        self._take(turn)

    def _take(self, turn: Turn) -> None:
        lost = [*turn.lost, *self._publish(turn.records)] if turn.records else turn.lost
        for symbol in lost:
            self._repairs.want(symbol)
        for record in turn.records:
            if isinstance(record, FeedFault) and record.cause is FaultCause.REFUSED:
                self._tell_refusal(record.excerpt)

    def _tell_refusal(self, excerpt: str) -> None:
        now = trio.current_time()
        if now >= self._refusal_at + REFUSAL_PERIOD_S:  # A venue must not fill the log.
            self._refusal_at = now
            logger.warning("{} is refused: {}", self._feed.name, excerpt)


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
