"""The main purse of a new account, which is in another file than the account.

The vault comes first, with an intent in the same commit; the exchange's command is idempotent; an
intent that is still there at the next start, or that met a full mailbox, is sent again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import trio

from xached.actors.sessions.core import DeskCore
from xached.domain.auth import PurseIntent
from xached.domain.order import AccountId
from xached.domain.rejection import Rejection
from xached.runtime.mailbox import Closed, Expired, Overloaded

PURSE_RETRY_S = 1.0

OpenPurse: TypeAlias = Callable[[AccountId], Awaitable[None]]
"""Opens the main purse of an account in the exchange; no effect when it is open already.

Raises: Rejection, Overloaded, Expired or Closed, and then nothing was done.
"""


class Purses:
    """Opens main purses until the exchange has them all."""

    def __init__(self, core: DeskCore, open_purse: OpenPurse) -> None:
        self._core = core
        self._open_purse = open_purse
        self._unopened: dict[AccountId, PurseIntent] = {}
        self._wanted = trio.Event()

    def __len__(self) -> int:
        """How many purses the exchange may not have."""
        return len(self._unopened)

    async def load(self) -> None:
        """Bring the open intents back from the vault."""
        for intent in await self._core.lane.run(self._core.vault.purse_intents):
            self.want(intent)

    async def fulfil(self, intent: PurseIntent) -> None:
        """Open the purse and forget the intent, or leave it for later. Not within a turn."""
        try:
            await self._open_purse(intent.account_id)
        except (Rejection, Overloaded, Expired, Closed):
            # Statistics show it; a purse that cannot be opened must not take the house down.
            self.want(intent)
            return
        async with self._core.turn() as step:
            step.drop(intent)
        self._unopened.pop(intent.account_id, None)

    async def resend(self) -> None:
        """Open the purses that the exchange may not have, for ever."""
        while True:
            await self._wanted.wait()
            for intent in list(self._unopened.values()):
                await self.fulfil(intent)
            if self._unopened:
                await trio.sleep(PURSE_RETRY_S)
            else:
                self._wanted = trio.Event()

    def want(self, intent: PurseIntent) -> None:
        """Have the purse opened soon. An effect: once its intent is on disk."""
        self._unopened[intent.account_id] = intent
        self._wanted.set()
