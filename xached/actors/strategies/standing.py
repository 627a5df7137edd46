"""Whether the account in whose name a strategy of the operator trades may have it traded in.

Theory of operation. The account is asked about before every run, and again during it whenever it
has changed. While something stands against it, a freeze above all, nothing runs; once that is
gone the next run begins, for the operator's configuration has wanted it all the time. Strategies
of people are paused by the desk, where their owners say whether they go on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from xached.domain.order import AccountId
from xached.runtime.mailbox import Expired, Overloaded

ASK_AGAIN_S: Final = 1.0
"""After so long an account is asked about once more, where there was no answer."""

Impediments = Callable[[AccountId], Awaitable[tuple[str, ...]]]
"""What stands against an account, as words. Raises: Overloaded, Expired, Closed."""


async def not_impeded(_: AccountId) -> tuple[str, ...]:
    """Nothing stands against anybody."""
    await trio.lowlevel.checkpoint()
    return ()


def words(against: tuple[str, ...]) -> str:
    """What stands against an account, in a line; empty for nothing."""
    return f"its owner's account is {' and '.join(against)}" if against else ""


class Standing:
    """How an account stands. One task at a time may wait."""

    def __init__(self, account_id: AccountId, impediments: Impediments) -> None:
        self.account_id: Final = account_id
        self._impediments = impediments
        self._changed = trio.Event()

    def changed(self) -> None:
        """The account is another than it was: ask about it."""
        self._changed.set()

    async def ask(self) -> str:
        """What stands against it now; empty for nothing. Raises: Closed."""
        while True:
            self._changed = trio.Event()
            try:
                return words(await self._impediments(self.account_id))
            except (Overloaded, Expired):
                await trio.sleep(ASK_AGAIN_S)

    async def wait_changed(self) -> None:
        """Wait until it has changed since it was asked about."""
        await self._changed.wait()
