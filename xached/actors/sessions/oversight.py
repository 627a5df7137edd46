"""What administrators see of all accounts and of the audit, without looking at a person."""

from __future__ import annotations

from typing import Final, assert_never

from xached.actors.sessions.core import DeskCore
from xached.actors.sessions.live import LiveSessions
from xached.domain.api_keys import ApiKey
from xached.domain.audit import ActionAsked, ActionEnded, CallsDenied, LoginsFailed
from xached.domain.auth import Account, Impediment, Role
from xached.domain.cases import Case, CaseState
from xached.domain.erasure import ErasureRequest
from xached.domain.kyc import UNDECIDED, KycApplication
from xached.domain.oversight import (
    AccountCounts,
    AccountPage,
    AccountSummary,
    AuditEntry,
    AuditPage,
    CountAccounts,
    ListAccounts,
    OversightMessage,
    OversightReply,
    ReadAudit,
)
from xached.domain.second_factor import SecondFactor
from xached.domain.sessions import DAY_NS
from xached.storage.vault_tables import bit

AUDIT_ROWS: Final = 500
"""Rows of the stream that are read for one piece of the audit; most are about other things."""

AFTERMATH_ROWS: Final = 500
"""So far behind its beginning the end of an action is looked for."""

_ALWAYS: Final = "1"


class OversightArea:
    """Decides the messages of administrators about everybody; nothing is refused."""

    def __init__(self, core: DeskCore, live: LiveSessions, *, proof_needed: bool) -> None:
        self._core = core
        self._live = live
        self._unproved = "email_unproved_since_ns > 0" if proof_needed else "0"

    async def decide(self, message: OversightMessage) -> OversightReply:
        """Decide a message."""
        match message:
            case ListAccounts():
                return await self._list(message)
            case CountAccounts():
                return await self._core.lane.run(self._count, self._core.now_ns())
            case ReadAudit():
                return await self._core.lane.run(self._read, message.before_seq)
            case _:
                assert_never(message)

    async def _list(self, message: ListAccounts) -> AccountPage:
        role = 0 if message.role is None else bit(message.role)
        clause = (
            f"WHERE account_id > ? AND (? = 0 OR roles & ?) AND {self._against(message.impediment)}"
            " ORDER BY account_id LIMIT ?"
        )
        found = await self._core.lane.run(
            self._core.vault.where,
            Account,
            clause,
            message.after,
            role,
            role,
            message.limit + 1,
        )
        accounts = tuple(
            AccountSummary(
                account_id=each.account_id,
                roles=each.roles,
                impediments=self._core.standing(each),
                created_at_ns=each.created_at_ns,
                sessions=len(self._live.book.of_account(each.account_id)),
            )
            for each in found[: message.limit]
        )
        return AccountPage(accounts=accounts, more=len(found) > message.limit)

    def _against(self, impediment: Impediment | None) -> str:
        """The condition that something stands against an account."""
        if impediment is None:
            return _ALWAYS
        stored = f"impediments & {bit(impediment)}"
        return f"({stored} OR {self._unproved})" if impediment is Impediment.UNVERIFIED else stored

    def _count(self, now_ns: int) -> AccountCounts:
        count, book = self._core.vault.count, self._live.book
        undecided = ", ".join(str(state.value) for state in sorted(UNDECIDED))

        def opened(days: int) -> int:
            return count(Account, "created_at_ns > ?", now_ns - days * DAY_NS)

        def against(impediment: Impediment) -> int:
            return count(Account, self._against(impediment))

        return AccountCounts(
            accounts=count(Account),
            opened_1d=opened(1),
            opened_7d=opened(7),
            opened_30d=opened(30),
            unverified=against(Impediment.UNVERIFIED),
            frozen=against(Impediment.FROZEN),
            suspended=against(Impediment.SUSPENDED),
            second_factors=count(SecondFactor, "active_sealed IS NOT NULL"),
            sessions=len(book),
            signed_in=book.accounts,
            api_keys=count(ApiKey),
            roles=tuple(
                (role, count(Account, "roles & ?", bit(role)))
                for role in Role
                if role is not Role.USER
            ),
            applications=count(KycApplication, f"state IN ({undecided})"),
            open_cases=count(Case, "state <> ?", CaseState.CLOSED.value),
            erasures_due=count(ErasureRequest),
        )

    def _read(self, before_seq: int | None) -> AuditPage:
        vault = self._core.vault
        newest = vault.head[0]
        last = newest if before_seq is None else min(before_seq - 1, newest)
        first = max(last - AUDIT_ROWS, 0)
        begun: dict[str, AuditEntry] = {}
        others: list[AuditEntry] = []
        for row in vault.stream_rows(first, min(last + AFTERMATH_ROWS, newest)):
            match row.event:
                case ActionAsked() as event if row.seq <= last:
                    begun[event.action_id] = AuditEntry(seq=row.seq, at_ns=row.at_ns, event=event)
                case ActionEnded() as event if event.action_id in begun:
                    asked = begun[event.action_id]
                    begun[event.action_id] = AuditEntry(
                        seq=asked.seq,
                        at_ns=asked.at_ns,
                        event=asked.event,
                        outcome=event.outcome,
                        journal_seq=event.journal_seq,
                    )
                case LoginsFailed() | CallsDenied() as event if row.seq <= last:
                    others.append(AuditEntry(seq=row.seq, at_ns=row.at_ns, event=event))
                case _:
                    pass  # What people do with their own accounts is for themselves.
        entries = sorted((*begun.values(), *others), key=lambda each: -each.seq)
        return AuditPage(entries=tuple(entries), before_seq=first + 1 if first > 0 else None)
