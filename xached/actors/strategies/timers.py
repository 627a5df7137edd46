"""The timers of one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio

from xached.adapters.child_intents import ChildViolation
from xached.runtime.world import NS_PER_S

TIMERS_MAX: Final = 64


class Timers:
    """Timers by name; one that is set again starts anew."""

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._running: dict[str, trio.CancelScope] = {}

    def __len__(self) -> int:
        """How many are running."""
        return len(self._running)

    def set(self, name: str, delay_ns: int, nursery: trio.Nursery) -> None:
        """Ring after a while. Raises: ChildViolation when there are too many."""
        if (old := self._running.pop(name, None)) is not None:
            old.cancel()
        elif len(self._running) >= TIMERS_MAX:
            raise ChildViolation(f"more than {TIMERS_MAX} timers")
        scope = self._running[name] = trio.CancelScope()
        due_at = trio.current_time() + delay_ns / NS_PER_S
        nursery.start_soon(self._wait, name, due_at, scope)

    async def _wait(self, name: str, due_at: float, scope: trio.CancelScope) -> None:
        with scope:
            await trio.sleep_until(due_at)
        # One that is replaced in the moment it is due is no longer cancelled by its scope.
        if self._running.get(name) is scope:
            del self._running[name]
            self._ring(name)
