"""The scrub: looks through everything old, a little at a time, for what has rotted on the disk.

What is used is checked as it is read, and the newest rows at every start; but a row of last year
may be read by nobody until it is needed. A turn looks at a bounded number of rows of each database:
of the journal through a connection and a thread of its own, of the vault on the vault's thread.

Damage does not stop the house, whose state is in memory and in snapshots: it ends this task, whose
failure is in the health report with the file and the place, until an operator has seen to it.
"""

from __future__ import annotations

from typing import Final, Protocol

import attrs
import trio

from xached.runtime.world import Lane
from xached.storage.journal import JournalDamaged, JournalFailed
from xached.storage.vault_checks import ScrubPlace
from xached.storage.vault_faults import VaultDamaged, VaultFailed

ROWS_OF_A_TURN: Final = 256
"""One or two milliseconds."""

TURN_S: Final = 1.0
PAUSE_S: Final = 600.0
"""After everything has been looked through."""


class DamageFound(Exception):  # noqa: N818 - what it is
    """Something old is not as it was written. The text names the file and the place."""


class ScrubbedJournal(Protocol):
    """What can be looked through row by row."""

    def scrub(self, first: int, count: int) -> int:
        """See Journal.scrub."""
        ...


class ScrubbedVault(Protocol):
    """What can be looked through table by table."""

    def scrub(self, place: ScrubPlace, count: int) -> ScrubPlace | None:
        """See Vault.scrub."""
        ...


@attrs.frozen(kw_only=True)
class ScrubStatistics:
    """What has been looked through since the start."""

    passes: int
    journal_next_seq: int


class Scrub:
    """Where the scrub has got to."""

    def __init__(
        self,
        journal: ScrubbedJournal | None,
        journal_lane: Lane,
        vault: ScrubbedVault,
        vault_lane: Lane,
        rows: int = ROWS_OF_A_TURN,
    ) -> None:
        """Without a ``journal`` only the vault is looked through."""
        self._journal, self._journal_lane = journal, journal_lane
        self._vault, self._vault_lane = vault, vault_lane
        self._rows = rows
        self._seq = 1
        self._journal_done = journal is None
        self._place: ScrubPlace | None = ScrubPlace()
        self._passes = 0

    def statistics(self) -> ScrubStatistics:
        """Tell what has been looked through."""
        return ScrubStatistics(passes=self._passes, journal_next_seq=self._seq)

    async def turn(self) -> bool:
        """Look at some more rows; True when that was the last of everything.

        Raises: DamageFound.
        """
        if self._journal is not None and not self._journal_done:
            await self._look_at_journal(self._journal)
        if self._place is not None:
            await self._look_at_vault(self._place)
        if not self._journal_done or self._place is not None:
            return False
        self._journal_done, self._place = self._journal is None, ScrubPlace()
        self._passes += 1
        return True

    async def _look_at_journal(self, journal: ScrubbedJournal) -> None:
        first = self._seq
        try:
            self._seq = await self._journal_lane.run(journal.scrub, first, self._rows)
        except (JournalDamaged, JournalFailed) as error:
            raise DamageFound(f"journal.db: from row {first} on: {error}") from error
        self._journal_done = self._seq == 1

    async def _look_at_vault(self, place: ScrubPlace) -> None:
        try:
            self._place = await self._vault_lane.run(self._vault.scrub, place, self._rows)
        except (VaultDamaged, VaultFailed) as error:
            raise DamageFound(f"vault.db: {error}") from error


async def run_scrub(scrub: Scrub) -> None:
    """Look through everything, again and again. Expendable. Raises: DamageFound."""
    while True:
        done = await scrub.turn()
        await trio.sleep(PAUSE_S if done else TURN_S)
