"""The scrub: looks through everything old, a little at a time, for what has rotted on the disk.

What is used is checked as it is read, and the newest rows at every start; but a row of last year
may be read by nobody until it is needed. A turn looks at a bounded number of rows of each database:
of the journals, the house's and that of paper, through connections and a thread of their own, of
the vault on the vault's thread. strategies.db, which is small, is looked through in one go at the
end.

Damage does not stop the house, whose state is in memory and in snapshots: it ends this task, whose
failure is in the health report with the file and the place, until an operator has seen to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import attrs
import trio

from xached.runtime.world import Lane
from xached.storage.database import DatabaseRefused
from xached.storage.journal import JournalDamaged, JournalFailed
from xached.storage.strategy_tables import StrategyTablesDamaged
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


class ScrubbedTables(Protocol):
    """What can be looked through in one go."""

    def check(self) -> None:
        """See StrategyTables.check."""
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
        journals: Mapping[str, ScrubbedJournal],
        journal_lane: Lane,
        vault: ScrubbedVault,
        vault_lane: Lane,
        strategies: ScrubbedTables | None,
        rows: int = ROWS_OF_A_TURN,
    ) -> None:
        """``journals``: by the name of their file. ``strategies``: beside who writes it."""
        self._journals, self._journal_lane = journals, journal_lane
        self._vault, self._vault_lane = vault, vault_lane
        self._strategies = strategies
        self._rows = rows
        self._next_seqs = dict.fromkeys(journals, 1)
        """Where each journal is gone on with that has rows left in this pass."""
        self._place: ScrubPlace | None = ScrubPlace()
        self._passes = 0

    def statistics(self) -> ScrubStatistics:
        """Tell what has been looked through."""
        return ScrubStatistics(
            passes=self._passes, journal_next_seq=self._next_seqs.get("journal.db", 1)
        )

    async def turn(self) -> bool:
        """Look at some more rows; True when that was the last of everything.

        Raises: DamageFound.
        """
        for name, first in list(self._next_seqs.items()):
            await self._look_at_journal(name, first)
        if self._place is not None:
            await self._look_at_vault(self._place)
        if self._next_seqs or self._place is not None:
            return False
        if self._strategies is not None:
            await self._look_at_strategies(self._strategies)
        self._next_seqs, self._place = dict.fromkeys(self._journals, 1), ScrubPlace()
        self._passes += 1
        return True

    async def _look_at_journal(self, name: str, first: int) -> None:
        journal = self._journals[name]
        try:
            next_seq = await self._journal_lane.run(journal.scrub, first, self._rows)
        except (JournalDamaged, JournalFailed, DatabaseRefused) as error:
            raise DamageFound(f"{name}: from row {first} on: {error}") from error
        if next_seq == 1:
            del self._next_seqs[name]
        else:
            self._next_seqs[name] = next_seq

    async def _look_at_vault(self, place: ScrubPlace) -> None:
        try:
            self._place = await self._vault_lane.run(self._vault.scrub, place, self._rows)
        except (VaultDamaged, VaultFailed) as error:
            raise DamageFound(f"vault.db: {error}") from error

    async def _look_at_strategies(self, tables: ScrubbedTables) -> None:
        try:
            await self._journal_lane.run(tables.check)
        except StrategyTablesDamaged as error:
            raise DamageFound(str(error)) from error


async def run_scrub(scrub: Scrub) -> None:
    """Look through everything, again and again. Expendable. Raises: DamageFound."""
    while True:
        done = await scrub.turn()
        await trio.sleep(PAUSE_S if done else TURN_S)
