"""Who may be on a list: screens people outside of the desk's turn, opens cases about matches."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import trio

from xached.actors.sessions.core import DeskCore, Step
from xached.domain.cases import (
    NOBODY,
    Case,
    CaseId,
    CaseKind,
    CaseOpened,
    CaseOutcome,
    CaseState,
)
from xached.domain.kyc import KycApplication, PersonDetails
from xached.domain.order import AccountId
from xached.domain.screening import NameMatch, WatchlistEntry, Watchlists
from xached.security.sealing import KeyDestroyed, Place

_ID_CHARS = 16


class Screening:
    """Screens by the lists in force until nobody waits for it."""

    def __init__(self, core: DeskCore) -> None:
        self._core = core
        self._lists = Watchlists()
        self._waiting: dict[AccountId, None] = {}
        self._wanted = trio.Event()

    def __len__(self) -> int:
        """How many people wait."""
        return len(self._waiting)

    async def load(self) -> None:
        """Bring the lists back from the vault."""
        entries = await self._core.lane.run(self._core.vault.where, WatchlistEntry)
        self._lists = await self._core.world.run_in_thread(Watchlists, entries)

    def want(self, account_id: AccountId) -> None:
        """Screen a person, as they are in their newest application."""
        self._waiting[account_id] = None
        self._wanted.set()

    def is_waiting(self, account_id: AccountId) -> bool:
        """Whether a person is not screened yet."""
        return account_id in self._waiting

    async def replace_lists(self) -> None:
        """Go by the lists that the vault has now, and screen everybody again. Within a turn."""
        await self.load()
        vault = self._core.vault
        for application in await self._core.lane.run(vault.where, KycApplication):
            self.want(application.account_id)

    async def run(self) -> None:
        """Screen whoever waits, for ever."""
        while True:
            while self._waiting:
                account_id = next(iter(self._waiting))
                lists = self._lists
                matches = await self._matches(account_id)
                async with self._core.turn() as step:
                    if matches:
                        await self._open_case(account_id, matches, step)
                    await self._core.commit(step)
                    if lists is self._lists:
                        self._waiting.pop(account_id, None)
            await self._wanted.wait()
            self._wanted = trio.Event()

    async def _matches(self, account_id: AccountId) -> Sequence[NameMatch]:
        core = self._core
        clause = "WHERE account_id = ? ORDER BY created_at_ns DESC LIMIT 1"
        newest = await core.lane.run(core.vault.where, KycApplication, clause, account_id)
        if not newest:
            return ()
        _, keys = await core.read_account(account_id)
        application = newest[0]
        place = Place("kyc_applications", "details_sealed", application.application_id, account_id)
        try:
            plain = core.credentials.open_sealed(application.details_sealed, place, keys)
        except KeyDestroyed:
            return ()
        details = PersonDetails.decode(plain)
        return await core.world.run_in_thread(self._lists.screen, details.name, details.birth_date)

    async def _open_case(
        self, account_id: AccountId, matches: Sequence[NameMatch], step: Step
    ) -> None:
        """One case for the same matches: what was a false alarm once is not asked again."""
        entries = "\n".join(sorted(match.entry.entry_id for match in matches))
        digest = hashlib.sha256(entries.encode()).hexdigest()[:_ID_CHARS]
        facts = "\n".join(match.explain() for match in matches)
        case_id = CaseId(f"screening-{account_id}-{digest}")
        await open_case(self._core, case_id, account_id, CaseKind.SCREENING, facts, step)


async def open_case(
    core: DeskCore,
    case_id: CaseId,
    account_id: AccountId,
    kind: CaseKind,
    facts: str,
    step: Step,
    *,
    serious: bool = True,
) -> None:
    """Open a case, once for each id; not about somebody whom the house has forgotten.

    Raises: Rejection UNKNOWN_ACCOUNT.
    """
    _, keys = await core.read_account(account_id)
    if await core.lane.run(core.vault.where, Case, "WHERE case_id = ?", case_id):
        return
    try:
        sealed = core.credentials.seal_for_compliance(
            facts.encode(), facts_place(case_id, account_id), keys
        )
    except KeyDestroyed:
        return
    step.put(
        Case(
            case_id=case_id,
            account_id=account_id,
            kind=kind,
            state=CaseState.OPEN,
            serious=int(serious),
            outcome=CaseOutcome.NONE,
            assignee=NOBODY,
            proposed_by=NOBODY,
            decided_by=NOBODY,
            facts_sealed=sealed,
            reason_sealed=b"",
            opened_at_ns=step.at_ns,
            closed_at_ns=0,
        )
    )
    step.record(CaseOpened(case_id=case_id, account_id=account_id, kind=kind, serious=serious))


def facts_place(case_id: CaseId, account_id: AccountId) -> Place:
    """Where the facts of a case are sealed."""
    return Place("cases", "facts_sealed", case_id, account_id)
