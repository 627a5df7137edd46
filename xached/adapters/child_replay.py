"""A strategy's process that is told again what another one was told, and asked what it wants.

The frames go to it as they were recorded, one after the other; it is sealed as every one is and
there is nothing behind it: what it wants is written down and not done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

import attrs
import trio
from xache_sdk.seal import Layer, Sealed
from xache_sdk.wire import FrameError, FrameReader, frame

from xached.adapters.child_frames import write_ping
from xached.adapters.child_intents import (
    ChildViolation,
    Failed,
    Intent,
    Intents,
    Pong,
    Save,
    read_child_frame,
)
from xached.runtime.world import Child, World

RECEIVE_BYTES: Final = 65_536
SENT_AT_ONCE: Final = 65_536
SILENT_S_MAX: Final = 60.0
"""So long it may compute without a word; one that hangs is given up."""

LAST_PING: Final = 2**63 - 1
"""Nobody counts so far: its answer says that everything before has been answered."""

Wanted: TypeAlias = Intent | Save


class ReplayFailed(Exception):  # noqa: N818 - it says what happened
    """It could not be told to its end. The text says why."""


@attrs.frozen
class Replayed:
    """What it wanted after so many frames, by that number; and why it ended early, if it did."""

    wanted: dict[int, tuple[Wanted, ...]]
    failure: str


def read_wanted(body: bytes) -> tuple[int, tuple[Wanted, ...]]:
    """What a recorded frame of a child wants, and after how many frames.

    Raises: ChildViolation for what is no such frame.
    """
    match read_child_frame(body):
        case Intents(intents=intents, input=number):
            return number, intents
        case Save() as save:
            return save.input, (save,)
        case _:
            raise ChildViolation("a frame that wants nothing")


async def replay_frames(
    world: World,
    command: Sequence[str],
    frames: Iterable[bytes],
    *,
    sandbox_min: frozenset[Layer] = frozenset(),
) -> Replayed:
    """Tell a new process these frames, in this order.

    Raises: ReplayFailed; ChildViolation, FrameError when it breaks the protocol; OSError when it
        cannot be started.
    """
    child = await world.spawn(command, pass_fd="--fd", env={})  # noqa: S106 - an option
    listener = _Listener(child, sandbox_min)
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listener.listen)
            await listener.sealed.wait()
            await _tell(child, frames)
            await listener.done.wait()
            nursery.cancel_scope.cancel()
    except* ReplayFailed as group:
        raise ReplayFailed(str(_first(group))) from None
    finally:
        child.kill()
        with trio.CancelScope(shield=True):
            await trio.aclose_forcefully(child.stream)
            await child.wait()
    return Replayed(listener.wanted, listener.failure)


async def _tell(child: Child, frames: Iterable[bytes]) -> None:
    waiting = bytearray()
    try:
        for each in frames:
            waiting += frame(each)
            if len(waiting) >= SENT_AT_ONCE:
                await child.stream.send_all(bytes(waiting))
                waiting.clear()
        await child.stream.send_all(bytes(waiting) + write_ping(LAST_PING))
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return  # It has ended: who listens hears why.


class _Listener:
    def __init__(self, child: Child, sandbox_min: frozenset[Layer]) -> None:
        self.wanted: dict[int, tuple[Wanted, ...]] = {}
        self.failure = ""
        self.sealed = trio.Event()
        self.done = trio.Event()
        self._child = child
        self._sandbox_min = sandbox_min
        self._reader = FrameReader()

    async def listen(self) -> None:
        while not self.done.is_set():
            with trio.move_on_after(SILENT_S_MAX) as waiting:
                data = await self._receive()
            if waiting.cancelled_caught:
                raise ReplayFailed(f"it said nothing for {SILENT_S_MAX:.0f} s")
            if not data:
                if not self.sealed.is_set():
                    raise ReplayFailed("its process ended before it was sealed")
                self.done.set()
                return
            try:
                for body in self._reader.feed(data):
                    self._take(body)
            except FrameError as error:
                raise ReplayFailed(f"what it wrote is no frame: {error}") from None

    async def _receive(self) -> bytes:
        try:
            return bytes(await self._child.stream.receive_some(RECEIVE_BYTES))
        except trio.BrokenResourceError:
            return b""

    def _take(self, body: bytes) -> None:
        match read_child_frame(body):
            case Sealed(layers=layers):
                if lacking := self._sandbox_min - set(layers):
                    names = ", ".join(sorted(each.name.lower() for each in lacking))
                    raise ReplayFailed(f"this machine's sandbox lacks {names}")
                self.sealed.set()
            case Intents(intents=intents, input=number):
                self._add(number, intents)
            case Save() as save:
                self._add(save.input, (save,))
            case Pong(number=number) if number == LAST_PING:
                self.done.set()
            case Failed(message=message):
                self.failure = message
            case _:
                pass

    def _add(self, number: int, wanted: tuple[Wanted, ...]) -> None:
        self.wanted[number] = self.wanted.get(number, ()) + wanted


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
