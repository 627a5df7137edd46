"""Cancel-on-disconnect at the edge: a stream is armed when it opens and ended however it ends.

Theory of operation. The task of a stream ends what it armed before it is over itself. Where the
exchange has no room for that for so long that the task may not wait any more, the duty goes over
to the house, which tries on with growing pauses for as long as it lives; and what a daemon that
stops cannot do any more, the next one does before it lets anybody in. So the duty is never lost.
"""

from __future__ import annotations

from typing import Final

import trio
from loguru import logger

from xached.actors.matching import Matching
from xached.domain.disconnect_messages import ArmDisconnect, Disconnect
from xached.domain.messages import Row
from xached.domain.order import CancelScope, Purse
from xached.runtime.mailbox import Closed, Overloaded
from xached.runtime.supervise import Restart, WorldFault

RETRY_S = 0.1
"""How long a full mailbox is left alone: cancels have room of their own, so it is full of them."""

SEEN_THROUGH_S = 30.0
"""How long an answer is waited for whatever happens: one that failed gives none, and must end."""

TRY_AGAIN: Final = Restart(limit=1_000_000, pause_s=1.0, pause_s_max=30.0)
"""It is never given up."""


class Disconnects:
    """Streams that are over, and whose orders may still be open. One task runs it; any adds."""

    def __init__(self) -> None:
        self._owed: list[tuple[Matching, Disconnect]] = []
        self._added = trio.Event()

    @property
    def purses(self) -> tuple[Purse, ...]:
        """Where orders may still be open, of a trader who is gone."""
        return tuple(command.purse for _, command in self._owed)

    def owe(self, matching: Matching, command: Disconnect) -> None:
        """End a stream as soon as its exchange has room."""
        self._owed.append((matching, command))
        self._added.set()

    async def run(self) -> None:
        """End what is owed, until cancelled. Raises: WorldFault while it cannot be."""
        while True:
            self._added = trio.Event()
            for owed in tuple(self._owed):
                matching, command = owed
                try:
                    await matching.execute(command)
                except Overloaded:
                    continue
                except Closed:
                    logger.info("stream {} is ended by the next start", command.stream)
                else:
                    logger.warning("stream {} of {} is ended late", command.stream, command.purse)
                self._owed.remove(owed)
            if self._owed:
                raise WorldFault(f"orders of {' '.join(self.purses)} may still be open")
            await self._added.wait()


class DisconnectGuard:
    """What one stream has armed, if anything.

    Arming and ending are seen through even when the client is gone meanwhile.
    """

    def __init__(self, matching: Matching, disconnects: Disconnects) -> None:
        self._matching = matching
        self._disconnects = disconnects
        self._armed: ArmDisconnect | None = None
        self._stream = 0

    async def arm(self, purse: Purse, scope: CancelScope) -> Row:
        """Arm the stream. Raises: Rejection, Overloaded, Closed."""
        command = ArmDisconnect(purse=purse, scope=scope)
        with trio.move_on_after(SEEN_THROUGH_S, shield=True):
            row = await self._matching.execute(command)
            self._armed, self._stream = command, row.seq
            return row
        raise Closed

    async def disconnect(self) -> None:
        """The stream is over: let happen what it was armed for."""
        if self._armed is None:
            return
        command = Disconnect(purse=self._armed.purse, stream=self._stream)
        self._armed = None
        with trio.move_on_after(SEEN_THROUGH_S, shield=True) as waiting:
            while True:
                try:
                    await self._matching.execute(command)
                    return
                except Overloaded:
                    await trio.sleep(RETRY_S)
                except Closed:
                    logger.info("stream {} is ended by the next start", self._stream)
                    return
        if waiting.cancelled_caught:
            logger.error(
                "stream {} of {} is over and its orders may still be open: the exchange did not "
                "take that for {:.0f} s; it is asked on",
                command.stream,
                command.purse,
                SEEN_THROUGH_S,
            )
            self._disconnects.owe(self._matching, command)


async def end_streams_of_the_past(matching: Matching, armed: dict[int, Purse]) -> None:
    """End the streams that an earlier daemon was serving: a restart disconnects them all."""
    for stream, purse in armed.items():
        await matching.execute(Disconnect(purse=purse, stream=stream))
