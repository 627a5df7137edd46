"""Cancel-on-disconnect at the edge: a stream is armed when it opens and ended however it ends."""

from __future__ import annotations

import trio
from loguru import logger

from xached.actors.matching import Matching
from xached.domain.disconnect_messages import ArmDisconnect, Disconnect
from xached.domain.messages import Row
from xached.domain.order import CancelScope, Purse
from xached.runtime.mailbox import Closed, Overloaded

RETRY_S = 0.1
"""How long a full mailbox is left alone: cancels have room of their own, so it is full of them."""

SEEN_THROUGH_S = 30.0
"""How long an answer is waited for whatever happens: one that failed gives none, and must end."""


class DisconnectGuard:
    """What one stream has armed, if anything.

    Arming and ending are seen through even when the client is gone meanwhile. What a daemon that
    stops cannot do any more, the next one does before it lets anybody in.
    """

    def __init__(self, matching: Matching) -> None:
        self._matching = matching
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
        with trio.move_on_after(SEEN_THROUGH_S, shield=True):
            while True:
                try:
                    await self._matching.execute(command)
                    return
                except Overloaded:
                    await trio.sleep(RETRY_S)
                except Closed:
                    logger.info("stream {} is ended by the next start", self._stream)
                    return


async def end_streams_of_the_past(matching: Matching, armed: dict[int, Purse]) -> None:
    """End the streams that an earlier daemon was serving: a restart disconnects them all."""
    for stream, purse in armed.items():
        await matching.execute(Disconnect(purse=purse, stream=stream))
