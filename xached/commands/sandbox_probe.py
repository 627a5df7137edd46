"""Start a child as a strategy would be, and see what holds it. Nothing of a strategy is run."""

from __future__ import annotations

from typing import Final

import trio
from xache_sdk.seal import Sealed

from xached.adapters.child import ChildEnded, child_command, open_child
from xached.adapters.child_intents import ChildViolation, Failed
from xached.runtime.world import World

PROBE_S_MAX: Final = 20.0
PROBE: Final = "xache_sdk.strategy:Strategy"


class NotSealed(Exception):  # noqa: N818 - a state of the world
    """A child cannot be started or sealed here. The text says why."""


async def probe_sandbox(world: World) -> Sealed:
    """What holds a child of this machine, and what does not. Raises: NotSealed."""
    said: list[object] = []
    try:
        with trio.move_on_after(PROBE_S_MAX):
            # Never released: it is told nothing to run.
            async with open_child(world, child_command(PROBE)) as child:
                said += await child.receive_batch()
    except* (ChildEnded, ChildViolation, OSError) as group:
        said.append(group.exceptions[0])
    match said:
        case [Sealed() as sealed, *_]:
            return sealed
        case [Failed(message=message), *_]:
            raise NotSealed(message)
        case [Exception() as error, *_]:
            raise NotSealed(str(error))
        case _:
            raise NotSealed(f"it said nothing for {PROBE_S_MAX:.0f} s")
