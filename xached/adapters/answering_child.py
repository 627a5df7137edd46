"""The process of a feed or a notifier, seen from the daemon: a question, then its answer.

One question at a time. While it is out, the process has a bounded time and may say a bounded
number of lines before the answer; between questions nothing is read of it, so that it can fill no
more than its socket. Whatever else it does ends it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

import attrs
import trio
from google.protobuf.message import DecodeError
from loguru import logger
from xache_sdk.answering import ANSWER_BYTES_MAX, QUESTION_BYTES_MAX
from xache_sdk.seal import Layer, Sealed
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import FrameError, FrameReader, frame

from xached.adapters.child import ChildEnded
from xached.adapters.child_intents import ChildViolation, Failed, Log, read_child_frame
from xached.adapters.egress import EgressPolicy
from xached.domain.plugins import Breach
from xached.runtime.supervise import WorldFault
from xached.runtime.world import Child, World

MEMORY_BYTES_MAX: Final = 1024**3
RECEIVE_BYTES: Final = 65_536
START_S_MAX: Final = 30.0
"""From its start to its first answer: importing takes seconds on a busy machine."""

ANSWER_S_MAX: Final = 10.0
EXIT_S_MAX: Final = 2.0
LINES_PER_ANSWER_MAX: Final = 20
"""One that prints more for one question wants the log to itself."""

UNASKED: Final = "it said what nobody asked"

_TOLD_BY_ALL: Final = ("sealed", "failed", "log")


class PluginFault(WorldFault):
    """A plugin cannot go on; ``breach`` is how it broke its rules, if it did."""

    def __init__(self, message: str, breach: Breach | None = None) -> None:
        super().__init__(message)
        self.breach = breach


def answering_command(entry_point: str) -> list[str]:
    """How the process of ``module:Class`` is started, but for its socket."""
    return [
        sys.executable,
        "-I",  # No environment variables, no user site, no current directory.
        "-B",  # It may not write files.
        "-m",
        "xache_sdk.answering",
        "--strategy",
        entry_point,
        "--parent",
        str(os.getpid()),
        "--memory-bytes",
        str(MEMORY_BYTES_MAX),
    ]


ProcessCommand = Callable[[str], Sequence[str]]


@attrs.frozen(kw_only=True)
class PluginSurroundings:
    """What the plugin of a feed or a notifier is given, and who minds it.

    ``admit`` gives the entry point of one that may run, by its name; ``breached`` hears how one
    broke its rules.
    """

    world: World
    admit: Callable[[str], Awaitable[str]]
    breached: Callable[[str, Breach], Awaitable[None]]
    egress: EgressPolicy
    sandbox_min: frozenset[Layer]
    command: ProcessCommand = answering_command
    answer_s_max: float = ANSWER_S_MAX


class AnsweringChild:
    """A running process. One task asks at a time; others wait for their turn."""

    def __init__(self, child: Child, name: str, answer_s_max: float = ANSWER_S_MAX) -> None:
        self._child = child
        self._name = name
        self._answer_s_max = answer_s_max
        self._reader = FrameReader(ANSWER_BYTES_MAX)
        self._waiting: list[bytes] = []
        self._asked = 0
        self._turn = trio.Lock()

    async def ask(
        self, question: plugin_pb2.HostFrame, *, patience_s: float | None = None
    ) -> plugin_pb2.ChildFrame:
        """Ask, and wait for the answer. Raises: PluginFault, after which it is of no more use."""
        patience_s = self._answer_s_max if patience_s is None else patience_s
        async with self._turn:
            try:
                with trio.fail_after(patience_s):
                    self._check_unasked()
                    self._asked += 1
                    await self._send(frame(question.SerializeToString(), QUESTION_BYTES_MAX))
                    return await self._answer()
            except trio.TooSlowError:
                why = f"it did not answer within {patience_s:g} s"
                raise PluginFault(why, Breach.STALLED) from None
            except (ChildViolation, FrameError) as violation:
                raise PluginFault(str(violation), Breach.PROTOCOL) from None
            except ChildEnded as ended:
                raise PluginFault(str(ended), Breach.KILLED if ended.code < 0 else None) from None

    async def check_sealed(self, sandbox_min: frozenset[Layer]) -> None:
        """Wait until it has sealed itself. Raises: PluginFault when it is not held well enough."""
        async with self._turn:
            try:
                with trio.fail_after(START_S_MAX):
                    message = read_child_frame(await self._next_frame())
            except trio.TooSlowError:
                raise PluginFault("it did not start in time") from None
            except (ChildViolation, FrameError) as violation:
                raise PluginFault(str(violation), Breach.PROTOCOL) from None
            except ChildEnded as ended:
                raise PluginFault(str(ended)) from None
        match message:
            case Sealed():
                missing = sandbox_min - set(message.layers)
            case Failed():
                raise PluginFault(message.message)
            case _:
                raise PluginFault("it did not say first how it is sealed", Breach.PROTOCOL)
        if missing:
            why = {each.layer: f" ({each.why})" for each in message.lacks}
            names = ", ".join(each.name.lower() + why.get(each, "") for each in sorted(missing))
            raise PluginFault(f"this machine's sandbox lacks what the house requires: {names}")

    def _check_unasked(self) -> None:
        """Refuse an answer that is here before its question; lines may be late."""
        if any(
            _read_frame(each).WhichOneof("message") not in _TOLD_BY_ALL for each in self._waiting
        ):
            raise ChildViolation(UNASKED)

    async def _send(self, data: bytes) -> None:
        try:
            await self._child.stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise ChildEnded(await self._wait_end()) from None

    async def _answer(self) -> plugin_pb2.ChildFrame:
        lines = 0
        while True:
            body = await self._next_frame()
            message = _read_frame(body)
            if message.WhichOneof("message") not in _TOLD_BY_ALL:
                # A second answer to the last question may come only now.
                if message.input != self._asked:
                    raise ChildViolation(UNASKED)
                return message
            told = read_child_frame(body)
            match told:
                case Log():
                    lines += 1
                    if lines > LINES_PER_ANSWER_MAX:
                        raise ChildViolation(f"more than {LINES_PER_ANSWER_MAX} lines at once")
                    logger.info("{}: {}", self._name, told.text)
                case Failed():
                    raise PluginFault(f"{told.failure.name.lower()}: {told.message}")
                case _:
                    raise ChildViolation("Sealed twice")

    async def _next_frame(self) -> bytes:
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            try:
                data = await self._child.stream.receive_some(RECEIVE_BYTES)
            except trio.BrokenResourceError:  # It was killed with unread bytes of ours.
                data = b""
            if not data:
                raise ChildEnded(await self._wait_end())
            self._waiting = list(self._reader.feed(data))
        return self._waiting.pop(0)

    async def _wait_end(self) -> int:
        with trio.move_on_after(EXIT_S_MAX):
            return await self._child.wait()
        self._child.kill()  # Who closes its end is over, also when the process goes on.
        return await self._child.wait()


def _read_frame(body: bytes) -> plugin_pb2.ChildFrame:
    try:
        return plugin_pb2.ChildFrame.FromString(body)
    except DecodeError as error:
        raise ChildViolation(f"a frame that cannot be read: {error}") from None


@asynccontextmanager
async def open_answering(
    world: World,
    command: Sequence[str],
    name: str,
    sandbox_min: frozenset[Layer],
    answer_s_max: float = ANSWER_S_MAX,
) -> AsyncIterator[AnsweringChild]:
    """Start a process and wait until it has sealed itself; at the end it is killed and buried.

    Raises: PluginFault when it cannot be started, or is not held well enough.
    """
    try:
        # The environment may hold secrets of the daemon: none of it is passed on.
        child = await world.spawn(command, pass_fd="--fd", env={})  # noqa: S106 - an option
    except OSError as error:
        raise PluginFault(f"no process can be started: {error}") from None
    try:
        answering = AnsweringChild(child, name, answer_s_max)
        await answering.check_sealed(sandbox_min)
        yield answering
    finally:
        child.kill()
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(child.stream)
            await child.wait()
