"""Casework: the queue of cases, who works on which, and the lists that people are screened by."""

from __future__ import annotations

import hashlib
from typing import assert_never

import attrs

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.screening import Screening, facts_place, open_case
from xached.domain.auth import Done
from xached.domain.cases import (
    CASES_PAGE_MAX,
    AssignCase,
    Case,
    CaseAssigned,
    CaseDecided,
    CaseId,
    CaseMessage,
    CaseQueue,
    CaseReply,
    CaseState,
    CaseView,
    DecideCase,
    Imported,
    ImportWatchlist,
    ListCases,
    OpenCase,
    ViewCase,
    WatchlistImported,
    assign,
    decide,
)
from xached.domain.kyc import PersonalDataViewed, check_reason
from xached.domain.order import AccountId, check_id
from xached.domain.rejection import Reason, Rejection
from xached.domain.screening import WatchlistEntry, read_watchlist
from xached.security.sealing import Place


class CaseArea:
    """Decides the messages about cases and lists."""

    def __init__(self, core: DeskCore, screening: Screening) -> None:
        self._core = core
        self._screening = screening

    async def decide(self, message: CaseMessage, step: Step) -> CaseReply:
        """Decide a message. Raises: Rejection."""
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        match message:
            case OpenCase():
                await open_case(
                    self._core,
                    message.case_id,
                    message.account_id,
                    message.kind,
                    message.facts,
                    step,
                    serious=message.serious,
                )
                return Done()
            case ListCases():
                return await self._list(message.account_id)
            case ViewCase():
                return await self._view(message, step)
            case AssignCase():
                case = assign(await self._case(message.case_id), message.assignee)
                step.put(case)
                step.record(
                    CaseAssigned(case_id=case.case_id, assignee=message.assignee, by=message.by)
                )
                return case
            case DecideCase():
                return await self._decide(message, step)
            case ImportWatchlist():
                return await self._import(message, step)
            case _:
                assert_never(message)

    async def _list(self, account_id: AccountId) -> CaseReply:
        closed = CaseState.CLOSED.value
        clause = f"WHERE state <> ? ORDER BY opened_at_ns LIMIT {CASES_PAGE_MAX}"
        arguments: tuple[str | int, ...] = (closed,)
        if account_id:
            clause = f"WHERE account_id = ? ORDER BY opened_at_ns DESC LIMIT {CASES_PAGE_MAX}"
            arguments = (account_id,)
        vault = self._core.vault
        return CaseQueue(
            cases=tuple(await self._core.lane.run(vault.where, Case, clause, *arguments))
        )

    async def _view(self, message: ViewCase, step: Step) -> CaseReply:
        case = await self._case(message.case_id)
        _, keys = await self._core.read_account(case.account_id)
        credentials = self._core.credentials
        facts = credentials.open_sealed(
            case.facts_sealed, facts_place(case.case_id, case.account_id), keys
        )
        reason = b""
        if case.reason_sealed:
            reason = credentials.open_sealed(case.reason_sealed, _reason_place(case), keys)
        what = f"case {case.case_id}"
        step.record(PersonalDataViewed(account_id=case.account_id, by=message.by, what=what))
        return CaseView(case=case, facts=facts.decode(), reason=reason.decode())

    async def _decide(self, message: DecideCase, step: Step) -> CaseReply:
        reason = check_reason(message.reason)
        case = decide(await self._case(message.case_id), message.by, message.outcome, step.at_ns)
        _, keys = await self._core.read_account(case.account_id)
        sealed = self._core.credentials.seal_for_compliance(
            reason.encode(), _reason_place(case), keys
        )
        case = attrs.evolve(case, reason_sealed=sealed)
        step.put(case)
        step.record(
            CaseDecided(
                case_id=case.case_id, by=message.by, outcome=message.outcome, state=case.state
            )
        )
        return case

    async def _import(self, message: ImportWatchlist, step: Step) -> CaseReply:
        check_id(message.watchlist, "watchlist")
        world, vault = self._core.world, self._core.vault
        entries = await world.run_in_thread(read_watchlist, message.content, message.watchlist)
        clause = "WHERE watchlist = ?"
        kept = {entry.entry_id for entry in entries}
        for old in await self._core.lane.run(
            vault.where, WatchlistEntry, clause, message.watchlist
        ):
            if old.entry_id not in kept:
                step.drop(old)
        for entry in entries:
            step.put(entry)
        step.record(
            WatchlistImported(
                watchlist=message.watchlist,
                entries=len(entries),
                digest=hashlib.sha256(message.content.encode()).digest(),
                by=message.by,
            )
        )
        await self._core.commit(step)
        await self._screening.replace_lists()
        return Imported(entries=len(entries))

    async def _case(self, case_id: CaseId) -> Case:
        vault = self._core.vault
        found = await self._core.lane.run(vault.where, Case, "WHERE case_id = ?", case_id)
        if not found:
            raise Rejection(Reason.UNKNOWN_CASE, "there is no such case")
        return found[0]


def _reason_place(case: Case) -> Place:
    return Place("cases", "reason_sealed", case.case_id, case.account_id)
