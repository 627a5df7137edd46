"""AdminService: what administrators see of all accounts and of the audit."""

from __future__ import annotations

from typing import assert_never

from xache.v1 import admin_pb2

from xached.api.auth import Sessions, ask_sessions, role_names
from xached.api.enums import pick
from xached.api.paging import read_page, write_token
from xached.api.routes import Call
from xached.domain.audit import ActionAsked, CallsDenied, LoginsFailed
from xached.domain.auth import Impediment, Role
from xached.domain.order import check_id
from xached.domain.oversight import (
    AccountCounts,
    AccountPage,
    AuditEntry,
    AuditPage,
    CountAccounts,
    ListAccounts,
    ReadAudit,
)

_ROLES = {role.value: role for role in Role}
_IMPEDIMENTS = {impediment.value: impediment for impediment in Impediment}


class OversightHandlers:
    """Handlers of AdminService about everybody."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list_accounts(
        self, call: Call, request: admin_pb2.ListAccountsRequest
    ) -> admin_pb2.ListAccountsResponse:
        """List the accounts, without their people."""
        impediment = request.impediment
        message = ListAccounts(
            role=pick(_ROLES, request.role, "role") if request.role else None,
            impediment=pick(_IMPEDIMENTS, impediment, "impediment") if impediment else None,
            after=check_id(request.page_token, "page_token") if request.page_token else "",
            limit=read_page(request.page_size, "").size,
        )
        page = await ask_sessions(self._sessions, call, message, AccountPage)
        response = admin_pb2.ListAccountsResponse()
        for each in page.accounts:
            response.accounts.add(
                account_id=each.account_id,
                roles=role_names(each.roles),
                impediments=[impediment.value for impediment in sorted(each.impediments)],
                created_at_ns=each.created_at_ns,
                sessions=each.sessions,
            )
        if page.more:
            response.next_page_token = page.accounts[-1].account_id
        return response

    async def get_user_metrics(
        self, call: Call, _request: admin_pb2.GetUserMetricsRequest
    ) -> admin_pb2.GetUserMetricsResponse:
        """Count the accounts and what waits for somebody."""
        counts = await ask_sessions(self._sessions, call, CountAccounts(), AccountCounts)
        response = admin_pb2.GetUserMetricsResponse(
            accounts=counts.accounts,
            opened_1d=counts.opened_1d,
            opened_7d=counts.opened_7d,
            opened_30d=counts.opened_30d,
            unverified=counts.unverified,
            frozen=counts.frozen,
            suspended=counts.suspended,
            second_factors=counts.second_factors,
            sessions=counts.sessions,
            signed_in=counts.signed_in,
            api_keys=counts.api_keys,
            applications=counts.applications,
            open_cases=counts.open_cases,
            erasures_due=counts.erasures_due,
        )
        for role, accounts in counts.roles:
            response.roles.add(role=role.value, accounts=accounts)
        return response

    async def list_audit(
        self, call: Call, request: admin_pb2.ListAuditRequest
    ) -> admin_pb2.ListAuditResponse:
        """Read the audit backwards."""
        message = ReadAudit(before_seq=read_page(0, request.page_token).before)
        page = await ask_sessions(self._sessions, call, message, AuditPage)
        return admin_pb2.ListAuditResponse(
            entries=[_entry(each) for each in page.entries],
            next_page_token=write_token(page.before_seq),
        )


def _entry(entry: AuditEntry) -> admin_pb2.AuditEntry:
    """An entry as a message."""
    message = admin_pb2.AuditEntry(seq=entry.seq, at_ns=entry.at_ns)
    match entry.event:
        case ActionAsked() as action:
            message.kind = admin_pb2.AUDIT_KIND_ACTION
            message.account_id, message.what, message.count = action.by, action.method, 1
            message.outcome, message.journal_seq = entry.outcome, entry.journal_seq
        case LoginsFailed() as failed:
            message.kind = admin_pb2.AUDIT_KIND_LOGINS_FAILED
            message.account_id, message.count = failed.account_id, failed.count
        case CallsDenied() as denied:
            message.kind = admin_pb2.AUDIT_KIND_CALLS_DENIED
            message.account_id, message.count = denied.account_id, denied.count
            message.what = ", ".join(denied.refusals)
        case _:
            assert_never(entry.event)
    return message
