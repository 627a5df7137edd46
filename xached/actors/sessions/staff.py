"""What the staff looks up about accounts."""

from __future__ import annotations

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.live import LiveSessions
from xached.domain.auth import parse_email
from xached.domain.cases import Case, CaseState
from xached.domain.erasure import ErasureRequest
from xached.domain.kyc import PersonalDataViewed
from xached.domain.rejection import Reason, Rejection
from xached.domain.staff import AccountCard, FindAccount, StaffMessage, StaffReply
from xached.security.sealing import KeyDestroyed


class StaffArea:
    """Decides the messages of user support."""

    def __init__(self, core: DeskCore, live: LiveSessions) -> None:
        self._core = core
        self._live = live

    async def decide(self, message: StaffMessage, step: Step) -> StaffReply:
        """Decide a message. Raises: Rejection."""
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        return await self._find(message, step)

    async def _find(self, message: FindAccount, step: Step) -> StaffReply:
        core = self._core
        if message.email:
            lookup = core.credentials.email_lookup(parse_email(message.email))
            account, keys = await core.read_by_email(lookup)
            if account is None:
                raise Rejection(Reason.UNKNOWN_ACCOUNT, "there is no such account")
        else:
            account, keys = await core.read_account(message.account_id)
        account_id = account.account_id
        try:
            email = str(core.credentials.open_email(account, keys))
        except KeyDestroyed:
            email = ""
        closed = CaseState.CLOSED.value
        clause = "WHERE account_id = ? AND state <> ?"
        cases = await core.lane.run(core.vault.where, Case, clause, account_id, closed)
        clause = "WHERE account_id = ?"
        erasures = await core.lane.run(core.vault.where, ErasureRequest, clause, account_id)
        step.record(PersonalDataViewed(account_id=account_id, by=message.by, what="account"))
        return AccountCard(
            account_id=account_id,
            email=email,
            roles=account.roles,
            created_at_ns=account.created_at_ns,
            sessions=len(self._live.book.of_account(account_id)),
            open_cases=len(cases),
            erasure_due_at_ns=erasures[0].due_at_ns if erasures else 0,
        )
