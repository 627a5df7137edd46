"""The wall clock, believed only as far as monotonic time bears it out.

Orders expire and days end by the wall clock. When it jumps (a broken time server, a machine that
slept, somebody's hand), time goes on here at the pace of the monotonic clock from where it was,
until an operator has looked and says that the wall clock is right.
"""

from __future__ import annotations

from typing import Final

import trio

from xached.runtime.world import NS_PER_S, World

JUMP_NS_MAX: Final = 5 * NS_PER_S
"""What a time server corrects at once is less; what is more is nobody's everyday."""


class SteadyClock:
    """Tells Unix time in nanoseconds. Asked at least every few minutes it follows slow drift."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._wall_ns = world.now_ns()
        self._monotonic_s = trio.current_time()
        self._jump_ns = 0

    @property
    def jump_ns(self) -> int:
        """How far the wall clock has jumped, forward positive; 0 while it is believed."""
        return self._jump_ns

    def now_ns(self) -> int:
        """What time it is."""
        monotonic_s = trio.current_time()
        steady_ns = self._wall_ns + round((monotonic_s - self._monotonic_s) * NS_PER_S)
        wall_ns = self._world.now_ns()
        if abs(wall_ns - steady_ns) > JUMP_NS_MAX:
            self._jump_ns = wall_ns - steady_ns
        elif not self._jump_ns:
            self._wall_ns, self._monotonic_s = wall_ns, monotonic_s
            return wall_ns
        return steady_ns

    def confirm(self) -> int:
        """Believe the wall clock again. Returns how far time has jumped by that."""
        self.now_ns()
        jump_ns, self._jump_ns = self._jump_ns, 0
        self._wall_ns, self._monotonic_s = self._world.now_ns(), trio.current_time()
        return jump_ns
