"""Start a child as a strategy would be, and see what holds it. Nothing of a strategy is run."""

from __future__ import annotations

from typing import Final

import trio
from xache_sdk.seal import Layer, Sealed

from xached.adapters.child import ChildEnded, child_command, open_child
from xached.adapters.child_intents import ChildViolation
from xached.runtime.world import World

PROBE_S_MAX: Final = 20.0
PROBE: Final = "xache_sdk.strategy:Strategy"


async def probe_sandbox(world: World) -> frozenset[Layer]:
    """What holds a child of this machine; nothing when it cannot be started or sealed."""
    layers: frozenset[Layer] = frozenset()
    try:
        with trio.move_on_after(PROBE_S_MAX):
            # Never released: it is told nothing to run.
            async with open_child(world, child_command(PROBE)) as child:
                (said, *_) = await child.receive_batch()
                if isinstance(said, Sealed):
                    layers = frozenset(said.layers)
    except* (ChildEnded, ChildViolation, OSError):
        pass
    return layers
