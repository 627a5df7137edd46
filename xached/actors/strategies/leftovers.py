"""Orders that could not be cancelled when their strategy ended: cancelled as soon as they can be.

A run ends with CancelAll. An exchange that is too busy for it is asked for a while, then the run is
over all the same, and what may be open is owed here. Health shows it until nothing is.
"""

from __future__ import annotations

from typing import Final

import trio
from loguru import logger

from xached.actors.strategies.run import insist
from xached.actors.strategies.surroundings import Surroundings
from xached.domain.messages import CancelAll
from xached.domain.order import EndReason, Purse
from xached.domain.rejection import Rejection
from xached.runtime.mailbox import Overloaded
from xached.runtime.supervise import Restart, WorldFault

CANCEL_S_MAX: Final = 5.0
AGAIN: Final = Restart(limit=1_000_000, pause_s=1.0, pause_s_max=30.0)
"""It is never given up."""


class Leftovers:
    """The purses whose orders are still to be cancelled. One task runs it; any adds."""

    def __init__(self) -> None:
        self._owed: dict[Purse, None] = {}
        self._added = trio.Event()

    @property
    def purses(self) -> tuple[Purse, ...]:
        """Where orders may still be open, with nobody to mind them."""
        return tuple(self._owed)

    async def cancel(self, around: Surroundings, command: CancelAll) -> None:
        """Cancel now if the exchange lets it, and later if not. Raises: Rejection."""
        with trio.move_on_after(CANCEL_S_MAX) as waiting:
            await insist(around, command)
        if waiting.cancelled_caught:
            logger.error(
                "orders of {} may still be open: the exchange did not answer for {:.0f} s",
                command.purse,
                CANCEL_S_MAX,
            )
            self._owed[command.purse] = None
            self._added.set()

    def discard(self, purse: Purse) -> None:
        """They were cancelled: what is open in it now is minded by who placed it."""
        self._owed.pop(purse, None)

    async def run(self, around: Surroundings) -> None:
        """Cancel what is owed, until cancelled. Raises: WorldFault while it cannot be."""
        while True:
            for purse in self.purses:
                if purse not in self._owed:
                    continue  # A run that began meanwhile has cancelled, and minds what is open.
                command = CancelAll(
                    purse=purse, symbol=None, request_id="", reason=EndReason.DISCONNECT
                )
                try:
                    await insist(around, command, for_s=0.0)
                except Overloaded:
                    continue
                except Rejection as gone:
                    logger.warning("nothing is open in {}: {}", purse, gone.message)
                self.discard(purse)
            if self._owed:
                raise WorldFault(f"orders of {' '.join(self._owed)} may still be open")
            await self._added.wait()
            self._added = trio.Event()
