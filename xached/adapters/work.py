"""A process that does one piece of work for the daemon: a document in, a document out.

The process limits itself before it imports anything of a plugin; it is told what to do only once
it has said that it is held well enough. Of what it sends only bounded frames are read: too many
bytes, too many frames, a frame that is none, or too much time end it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, TypeVar

import attrs
import trio
from xache_sdk.seal import Layer
from xache_sdk.wire import FrameError, FrameReader

from xached.runtime.work_frames import (
    BadDocument,
    Document,
    FrameKind,
    document_frames,
    read_document,
    read_failed,
    read_progress,
    write_document,
)
from xached.runtime.world import Child, World

Result = TypeVar("Result")

RECEIVE_BYTES: Final = 65_536
EXIT_S_MAX: Final = 2.0
PROGRESS_FRAMES_MAX: Final = 2_000
"""Of one piece of work: an honest one tells a thousandth at a time."""


@attrs.frozen(kw_only=True)
class WorkLimits:
    """What one piece of work may take. The process is killed at each of them."""

    memory_bytes: int = 2 * 1024**3
    cpu_s: int = 1_800
    wall_s: float = 3_600.0
    answer_bytes: int = 64 * 1024**2


class WorkFailed(Exception):  # noqa: N818 - a state of the world
    """There is no answer. ``kind`` is the name of what was raised in the process, or what the
    daemon ended it for: LIMIT, PROTOCOL, SANDBOX or ENDED."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind
        self.message = message


def work_command(
    job: str,
    limits: WorkLimits,
    *,
    strategy: str = "",
    others: Sequence[str] = (),
    readable: Sequence[Path] = (),
) -> list[str]:
    """How a process for a job is started, but for its socket.

    ``strategy``: the entry point that it will import; ``others``: those that it may import besides;
    ``readable``: what else it may read.
    """
    command = [
        sys.executable,
        "-I",  # No environment variables, no user site, no current directory.
        "-B",  # It may not write files.
        "-m",
        "xached.research.jobs.worker",
        *work_options(job, limits),
    ]
    if strategy:
        command += ["--strategy", strategy]
    command += [f"--import={each}" for each in others]
    return [*command, *(f"--read={path}" for path in readable)]


def work_options(job: str, limits: WorkLimits) -> list[str]:
    """What every such process is told on its command line."""
    return [
        "--job", job, "--parent", str(os.getpid()), "--memory-bytes", str(limits.memory_bytes),
        "--cpu-s", str(limits.cpu_s),
    ]  # fmt: skip


async def do_work(
    world: World,
    command: Sequence[str],
    request: Document,
    *,
    limits: WorkLimits,
    sandbox_min: frozenset[Layer],
    progress: Callable[[int], None],
) -> Document:
    """Have a piece of work done. ``progress`` is called with parts per million that are done.

    Raises: WorkFailed; OSError when no process can be started.
    """
    # The environment may hold secrets of the daemon: none of it is passed on.
    child = await world.spawn(command, pass_fd="--fd", env={})  # noqa: S106 - an option
    try:
        with trio.move_on_after(limits.wall_s):
            return await _converse(child, request, limits, sandbox_min, progress)
        raise WorkFailed("LIMIT", f"it took more than {limits.wall_s:g} s")
    finally:
        child.kill()
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(child.stream)
            await child.wait()


async def _converse(
    child: Child,
    request: Document,
    limits: WorkLimits,
    sandbox_min: frozenset[Layer],
    progress: Callable[[int], None],
) -> Document:
    reader = _Reader(child, limits)
    kind, body = await reader.next_frame()
    if kind is not FrameKind.SEALED:
        raise WorkFailed("PROTOCOL", "it did not say first what holds it")
    if missing := sandbox_min - set(body):
        names = ", ".join(sorted(layer.name.lower() for layer in missing))
        raise WorkFailed("SANDBOX", f"it is not held by {names}")
    answer: Document | WorkFailed
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_send, child, write_document(request))
        try:
            answer = _read(read_document, await _receive(reader, limits, progress))
        except WorkFailed as failure:  # As itself, not in a group.
            answer = failure
        nursery.cancel_scope.cancel()
    if isinstance(answer, WorkFailed):
        raise answer
    return answer


async def _receive(reader: _Reader, limits: WorkLimits, progress: Callable[[int], None]) -> bytes:
    data, told = bytearray(), 0
    while True:
        kind, body = await reader.next_frame()
        match kind:
            case FrameKind.PROGRESS:
                told += 1
                if told > PROGRESS_FRAMES_MAX:
                    raise WorkFailed("PROTOCOL", "it tells its progress too often")
                progress(_read(read_progress, body))
            case FrameKind.PART:
                data += body
                if len(data) > limits.answer_bytes:
                    raise WorkFailed("LIMIT", "its answer is too large")
            case FrameKind.FAILED:
                raise WorkFailed(*_read(read_failed, body))
            case FrameKind.END:
                return bytes(data)
            case FrameKind.SEALED:
                raise WorkFailed("PROTOCOL", "it said twice what holds it")


async def _send(child: Child, request: bytes) -> None:
    for each in document_frames(request):
        try:
            await child.stream.send_all(each)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return  # It has ended; who receives will hear of it.


class _Reader:
    """Frames as they come, each with its kind."""

    def __init__(self, child: Child, limits: WorkLimits) -> None:
        self._child = child
        self._limits = limits
        self._frames = FrameReader()
        self._waiting: list[bytes] = []

    async def next_frame(self) -> tuple[FrameKind, bytes]:
        """Wait for the next one. Raises: WorkFailed."""
        await trio.lowlevel.checkpoint()
        while not self._waiting:
            try:
                data = await self._child.stream.receive_some(RECEIVE_BYTES)
            except trio.BrokenResourceError:  # It was killed with unread bytes of ours.
                data = b""
            if not data:
                raise WorkFailed("ENDED", await self._why())
            try:
                self._waiting = list(self._frames.feed(data))
            except FrameError as error:
                raise WorkFailed("PROTOCOL", str(error)) from None
        body = self._waiting.pop(0)
        try:
            return FrameKind(body[0]), body[1:]
        except ValueError:
            raise WorkFailed("PROTOCOL", f"there is no frame of kind {body[0]}") from None

    async def _why(self) -> str:
        with trio.move_on_after(EXIT_S_MAX):
            code = await self._child.wait()
            return f"the process ended with {code}, before it had answered"
        return "the process closed its connection before it had answered"


def _read(read: Callable[[bytes], Result], data: bytes) -> Result:
    try:
        return read(data)
    except BadDocument as error:
        raise WorkFailed("PROTOCOL", str(error)) from None
