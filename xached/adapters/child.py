"""The process of one strategy, seen from the daemon: values in, values out.

The child is started with nothing but a socket; it limits itself before it imports the strategy
(``xache_sdk.seal``). Whatever it does, the daemon only ever reads bounded frames from it, and a
frame that is none ends it.
"""

from __future__ import annotations

import os
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

import attrs
import trio
from xache_sdk.signal_values import SignalValue
from xache_sdk.wire import FrameError, FrameReader

from xached.adapters.child_frames import write_clock
from xached.adapters.child_intents import (
    ChildMessage,
    ChildViolation,
    Intents,
    Pong,
    Save,
    read_child_frame,
)
from xached.adapters.child_outbox import Outbox, OutboxStatistics, Told
from xached.domain.instrument import Symbol
from xached.domain.market import Venue
from xached.domain.seen import Seen, SeenKind
from xached.runtime.world import Child, World

MEMORY_BYTES_MAX: Final = 2 * 1024**3
RECEIVE_BYTES: Final = 65_536

SEND_BUFFER_BYTES: Final = 32_768
"""What waits in the socket is no longer conflated: a slow child would read old prices from it."""

EXIT_S_MAX: Final = 2.0
"""How long a process may take to end once it has closed its connection."""

MESSAGES_PER_S_MAX: Final = 2_000
"""More intents and log lines in a second end a child: reading them costs the daemon its time."""

MESSAGES_AT_ONCE_MAX: Final = 32
"""One at a time, a busy daemon falls behind and hears signs of life too late; all that came in
one read, and others wait for their turn."""


SIGNALS_HEARD_MAX: Final = 50
KINDS_SEEN_MAX: Final = 16
"""So many kinds of market data are told with an order."""


class InputLog(Protocol):
    """Keeps what goes through the connection, in the order in which it does. Must not block."""

    def handed(self, first: int, frames: bytes, at_ns: int) -> None:
        """Whole frames are written to the child; they are counted from ``first`` on."""
        ...

    def decided(self, number: int, body: bytes, at_ns: int) -> None:
        """The child wanted something, once it had read so many frames."""
        ...

    def answered(self, number: int, at_ns: int) -> None:
        """The child had read so many frames by now: on these it wants nothing more."""
        ...


class ChildEnded(Exception):  # noqa: N818 - a state of the world
    """The process has ended. ``code`` is its exit code; negative is the signal that killed it."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the process ended with {code}")
        self.code = code


@attrs.frozen(kw_only=True)
class ChildStatistics:
    """What went through the connection."""

    pid: int
    received_bytes: int
    received_messages: int
    outbox: OutboxStatistics


def child_command(entry_point: str) -> list[str]:
    """How the child of a strategy ``module:Class`` is started, but for its socket."""
    return _command("xache_sdk.child", entry_point)


def signal_command(entry_point: str) -> list[str]:
    """How the child of a signal ``module:Class`` is started, but for its socket."""
    return _command("xache_sdk.signal_child", entry_point)


def _command(program: str, entry_point: str) -> list[str]:
    return [
        sys.executable,
        "-I",  # No environment variables, no user site, no current directory.
        "-B",  # It may not write files.
        "-m",
        program,
        "--strategy",
        entry_point,
        "--parent",
        str(os.getpid()),
        "--memory-bytes",
        str(MEMORY_BYTES_MAX),
    ]


class ChildProcess:
    """A running child. One task receives; any task puts into the outbox."""

    def __init__(
        self, child: Child, now_ns: Callable[[], int], log: InputLog | None = None
    ) -> None:
        self.outbox = Outbox()
        self._log = log
        self._handed = 0
        self._told: deque[tuple[int, Told]] = deque()
        self._seen: dict[tuple[Symbol, Venue, SeenKind, int], Seen] = {}
        self._heard: dict[tuple[str, str], SignalValue] = {}
        self._released = trio.Event()
        self._child = child
        self._now_ns = now_ns
        self._reader = FrameReader()
        self._waiting: deque[ChildMessage] = deque()
        self._received_bytes = 0
        self._received_messages = 0
        self._second_ends = 0.0
        self._left_in_second = MESSAGES_PER_S_MAX

    async def receive_batch(self) -> list[ChildMessage]:
        """Wait for what the child says next; at most :data:`MESSAGES_AT_ONCE_MAX` messages.

        Raises: ChildViolation; ChildEnded when it closed the connection, after it has ended.
        """
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            await self._receive_some()
        count = min(len(self._waiting), MESSAGES_AT_ONCE_MAX)
        return [self._waiting.popleft() for _ in range(count)]

    def seen_by(self, number: int) -> tuple[Seen, ...]:
        """The newest market data among so many frames, the newest first; at most some kinds.

        To be asked of numbers that do not fall, as messages of the child bear them.
        """
        self._take_in(number)
        newest = sorted(self._seen.values(), key=lambda each: -each.at_ns)
        return tuple(newest[:KINDS_SEEN_MAX])

    def heard_by(self, number: int) -> tuple[SignalValue, ...]:
        """The values of signals that so many frames leave it with, the newest first; at most some.

        One that it was told is no more is none. As :meth:`seen_by`.
        """
        self._take_in(number)
        newest = sorted(self._heard.values(), key=lambda each: -each.as_of_ns)
        return tuple(newest[:SIGNALS_HEARD_MAX])

    def _take_in(self, number: int) -> None:
        while self._told and self._told[0][0] <= number:
            _, told = self._told.popleft()
            if isinstance(told, Seen):
                self._seen[told.symbol, told.venue, told.kind, told.interval_s] = told
            elif isinstance(told, SignalValue):
                self._heard[told.signal, told.name] = told
            else:
                # A loss without a name is of all that the signal says.
                for key in [each for each in self._heard if each[0] == told.signal]:
                    if told.name in ("", key[1]):
                        del self._heard[key]

    def release(self) -> None:
        """Write to it from now on: before, it has nothing to import."""
        self._released.set()

    def statistics(self) -> ChildStatistics:
        """Tell what went through."""
        return ChildStatistics(
            pid=self._child.pid,
            received_bytes=self._received_bytes,
            received_messages=self._received_messages,
            outbox=self.outbox.statistics(),
        )

    async def _receive_some(self) -> None:
        try:
            data = await self._child.stream.receive_some(RECEIVE_BYTES)
        except trio.BrokenResourceError:  # It was killed with unread bytes of ours.
            data = b""
        if not data:
            raise ChildEnded(await self._wait_end())
        self._received_bytes += len(data)
        try:
            for body in self._reader.feed(data):
                message = read_child_frame(body)
                self._count(len(message.intents) if isinstance(message, Intents) else 1)
                if isinstance(message, Intents | Save | Pong):
                    self._note(message, body)
                self._waiting.append(message)
        except FrameError as error:
            raise ChildViolation(str(error)) from None

    def _note(self, message: Intents | Save | Pong, body: bytes) -> None:
        """Keep what it decided. Raises: ChildViolation when it saw more than there was."""
        number = message.input
        if number > self._handed:
            raise ChildViolation(f"it has read frame {number}, and was handed {self._handed}")
        if self._log is None:
            return
        if isinstance(message, Pong):
            self._log.answered(number, self._now_ns())
        else:
            self._log.decided(number, body, self._now_ns())

    async def _wait_end(self) -> int:
        with trio.move_on_after(EXIT_S_MAX):
            return await self._child.wait()
        # Who closes its end is over, also when the process goes on.
        self._child.kill()
        return await self._child.wait()

    def _count(self, messages: int) -> None:
        self._received_messages += messages
        now = trio.current_time()
        if now >= self._second_ends:
            self._second_ends = now + 1.0
            self._left_in_second = MESSAGES_PER_S_MAX
        self._left_in_second -= messages
        if self._left_in_second < 0:
            raise ChildViolation(f"more than {MESSAGES_PER_S_MAX} messages in a second")

    async def _write(self) -> None:
        await self._released.wait()
        while True:
            frames, data = await self.outbox.take()
            now_ns = self._now_ns()
            data = write_clock(now_ns) + data
            if self._log is not None:
                self._log.handed(self._handed + 1, data, now_ns)
            # The clock goes before them, and is a frame too.
            self._told.extend((self._handed + 1 + at, each) for at, each in self.outbox.told())
            self._handed += 1 + frames
            try:
                await self._child.stream.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return  # It has ended; who receives will hear of it.


@asynccontextmanager
async def open_child(
    world: World, command: Sequence[str], log: InputLog | None = None
) -> AsyncIterator[ChildProcess]:
    """Start a child and write to it once it is released; at the end it is killed and buried.

    ``log`` keeps what it is told and what it wants.

    Raises: OSError when it cannot be started; ChildTooSlow when it stops reading.
    """
    # The environment may hold secrets of the daemon: none of it is passed on.
    child = await world.spawn(command, pass_fd="--fd", env={})  # noqa: S106 - an option
    try:
        if isinstance(child.stream, trio.SocketStream):
            child.stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        process = ChildProcess(child, world.now_ns, log)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(process._write)
            nursery.start_soon(process.outbox.watch_overflow)
            yield process
            nursery.cancel_scope.cancel()
    finally:
        child.kill()
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(child.stream)
            await child.wait()
