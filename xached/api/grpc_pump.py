"""The completion queue of grpcio's core, drained on the trio thread.

The core works in threads of its own and puts what has happened into a queue. While there is
something in it, it is emptied without waiting, a bounded number of events at a time, and other
tasks run in between. When it is empty, one lane (a thread that does nothing else) waits in it
and hands the next event over.

Every event carries the callback that was given with what it reports. Callbacks are the edge's
own code and never run a handler: a handler that raises cannot reach the pump.
"""

from __future__ import annotations

from typing import Any, Final

import trio

from xached.api.grpc_core import QUEUE_SHUTDOWN, QUEUE_TIMEOUT, CoreEvent, cygrpc
from xached.runtime.world import NS_PER_S, World

EVENTS_MAX: Final = 256
"""Events handled before other tasks run: about 2 ms."""

_WAIT_NS: Final = NS_PER_S


class CompletionPump:
    """Owns a completion queue of the core."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._abandoned = False
        self.queue: Any = cygrpc.CompletionQueue()

    async def run(self) -> None:
        """Hand out events until the queue has been shut down and is empty.

        Not cancellable: calls that are cancelled still have their ends to send.
        """
        lane = self._world.open_lane("grpc completion queue")
        try:
            with trio.CancelScope(shield=True):
                while not self._abandoned:
                    more = self._drain()
                    if more is None:
                        return
                    if more:
                        await trio.lowlevel.checkpoint()
                    else:
                        until_ns = self._world.now_ns() + _WAIT_NS
                        event = await lane.run(self.queue.poll, until_ns / NS_PER_S)
                        if not _dispatch(event):
                            return
                        # Kept in a frame that waits, it would keep its call alive.
                        del event
        finally:
            lane.close()

    def shut_down(self) -> None:
        """End :meth:`run` once all events are handed out. Nothing may be started any more."""
        self.queue.shutdown()

    def abandon(self) -> None:
        """End :meth:`run` within a second although the core still owes events."""
        self._abandoned = True

    def _drain(self) -> int | None:
        """Handle what is there, up to a bound. Returns how much it was; None at the end."""
        poll = self.queue.poll
        for count in range(EVENTS_MAX):
            event = poll(0)
            if event.completion_type == QUEUE_TIMEOUT:
                return count
            if not _dispatch(event):
                return None
        return EVENTS_MAX


def _dispatch(event: CoreEvent) -> bool:
    """Run the event's callback. Returns False when the queue has been shut down."""
    if event.completion_type == QUEUE_SHUTDOWN:
        return False
    if event.completion_type != QUEUE_TIMEOUT:
        event.tag(event)
    return True
