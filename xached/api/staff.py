"""Serves ``xache.v1.StaffService``: review queues, cases and user support.

Whatever shows personal data is recorded by the sessions actor before it is answered.
"""

from __future__ import annotations

import hashlib

from xache.v1 import staff_pb2 as pb

from xached.actors.history import History
from xached.actors.matching import Matching
from xached.api import convert
from xached.api.auth import Sessions, ask_sessions, caller_of, role_names
from xached.api.compliance import application_message, document_message
from xached.api.enums import pick
from xached.api.routes import Call, Requests, Responses
from xached.api.trade_report import report_trades
from xached.domain.auth import Done, Impediment, SetImpediment
from xached.domain.cases import (
    AssignCase,
    Case,
    CaseId,
    CaseOutcome,
    CaseQueue,
    CaseView,
    DecideCase,
    Imported,
    ImportWatchlist,
    ListCases,
    ViewCase,
)
from xached.domain.compliance_messages import PublishDisclosure, RetireDisclosure
from xached.domain.instrument import Directory
from xached.domain.kyc import (
    ApplicationId,
    ApplicationQueue,
    ApplicationView,
    ChunkView,
    DocumentId,
    KycApplication,
    ListApplications,
    ReviewApplication,
    ViewApplication,
    ViewChunk,
)
from xached.domain.messages import FreezePurse
from xached.domain.order import AccountId, check_id
from xached.domain.queries import PursesQuery
from xached.domain.rejection import Reason, Rejection
from xached.domain.staff import AccountCard, FindAccount

WATCHLIST_BYTES_MAX = 16 * 1_024 * 1_024

_OUTCOMES = {outcome.value: outcome for outcome in CaseOutcome if outcome}


class StaffHandlers:
    """Serves ``xache.v1.StaffService``."""

    def __init__(
        self, sessions: Sessions, matching: Matching, history: History, directory: Directory
    ) -> None:
        self._sessions = sessions
        self._matching = matching
        self._history = history
        self._directory = directory

    # --- applications ----------------------------------------------------------------------

    async def list_applications(
        self, call: Call, _request: pb.ListApplicationsRequest
    ) -> pb.ListApplicationsResponse:
        """List the applications that nobody has decided."""
        queue = await ask_sessions(self._sessions, call, ListApplications(), ApplicationQueue)
        return pb.ListApplicationsResponse(
            applications=[application_message(each) for each in queue.applications]
        )

    async def view_application(
        self, call: Call, request: pb.ViewApplicationRequest
    ) -> pb.ViewApplicationResponse:
        """Show an application with what the person said."""
        message = ViewApplication(
            application_id=ApplicationId(request.application_id), by=caller_of(call).account_id
        )
        view = await ask_sessions(self._sessions, call, message, ApplicationView)
        response = pb.ViewApplicationResponse(
            application=application_message(view.application),
            documents=[document_message(each) for each in view.documents],
            reviews=[
                pb.Review(
                    reviewer=each.reviewer,
                    approved=each.approved,
                    reason=each.reason,
                    at_ns=each.at_ns,
                )
                for each in view.reviews
            ],
        )
        response.details.name = view.details.name
        response.details.birth_date = view.details.birth_date
        response.details.country = view.details.country
        response.details.address = view.details.address
        return response

    async def view_document(
        self,
        call: Call,
        request: pb.ViewDocumentRequest,
        responses: Responses[pb.ViewDocumentResponse],
    ) -> None:
        """Show a document, piece by piece: never more than one is opened."""
        index, chunks = 0, 1
        while index < chunks:
            message = ViewChunk(
                document_id=DocumentId(request.document_id),
                index=index,
                by=caller_of(call).account_id,
            )
            view = await ask_sessions(self._sessions, call, message, ChunkView)
            chunks = view.document.chunks
            response = pb.ViewDocumentResponse(content=view.content)
            if index == 0:
                response.document.CopyFrom(document_message(view.document))
            await responses.send(response)
            index += 1

    async def review_application(
        self, call: Call, request: pb.ReviewApplicationRequest
    ) -> pb.ReviewApplicationResponse:
        """Approve or reject an application."""
        message = ReviewApplication(
            application_id=ApplicationId(request.application_id),
            by=caller_of(call).account_id,
            approved=request.approved,
            reason=request.reason,
        )
        application = await ask_sessions(self._sessions, call, message, KycApplication)
        return pb.ReviewApplicationResponse(application=application_message(application))

    # --- cases -----------------------------------------------------------------------------

    async def list_cases(self, call: Call, request: pb.ListCasesRequest) -> pb.ListCasesResponse:
        """List cases."""
        message = ListCases(account_id=AccountId(request.account_id))
        queue = await ask_sessions(self._sessions, call, message, CaseQueue)
        return pb.ListCasesResponse(cases=[_case(each) for each in queue.cases])

    async def view_case(self, call: Call, request: pb.ViewCaseRequest) -> pb.ViewCaseResponse:
        """Show a case with its facts."""
        message = ViewCase(case_id=CaseId(request.case_id), by=caller_of(call).account_id)
        view = await ask_sessions(self._sessions, call, message, CaseView)
        return pb.ViewCaseResponse(case=_case(view.case), facts=view.facts, reason=view.reason)

    async def assign_case(self, call: Call, request: pb.AssignCaseRequest) -> pb.AssignCaseResponse:
        """Give a case to one of the staff."""
        by = caller_of(call).account_id
        message = AssignCase(
            case_id=CaseId(request.case_id),
            assignee=AccountId(request.assignee or by),
            by=by,
        )
        case = await ask_sessions(self._sessions, call, message, Case)
        return pb.AssignCaseResponse(case=_case(case))

    async def decide_case(self, call: Call, request: pb.DecideCaseRequest) -> pb.DecideCaseResponse:
        """Decide a case."""
        message = DecideCase(
            case_id=CaseId(request.case_id),
            by=caller_of(call).account_id,
            outcome=pick(_OUTCOMES, request.outcome, "outcome"),
            reason=request.reason,
        )
        case = await ask_sessions(self._sessions, call, message, Case)
        return pb.DecideCaseResponse(case=_case(case))

    async def import_watchlist(
        self, call: Call, requests: Requests[pb.ImportWatchlistRequest]
    ) -> pb.ImportWatchlistResponse:
        """Take in a list of sanctioned people: the one that the fresh proof was given for."""
        first: pb.ImportWatchlistRequest | None = None
        content = bytearray()
        async for request in requests:
            first = first or request
            content += request.content
            if len(content) > WATCHLIST_BYTES_MAX:
                raise _watchlist_form(f"more than {WATCHLIST_BYTES_MAX} bytes")
        name, digest = ("", b"") if first is None else (first.name, first.digest)
        if hashlib.sha256(content).digest() != digest:
            raise _watchlist_form("another list than its digest says, or no digest")
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise _watchlist_form("bytes that are no UTF-8") from None
        message = ImportWatchlist(
            watchlist=check_id(name, "name"), content=text, by=caller_of(call).account_id
        )
        imported = await ask_sessions(self._sessions, call, message, Imported)
        return pb.ImportWatchlistResponse(entries=imported.entries)

    # --- people ----------------------------------------------------------------------------

    async def find_account(
        self, call: Call, request: pb.FindAccountRequest
    ) -> pb.FindAccountResponse:
        """Find an account by its id or its address."""
        if bool(request.account_id) == bool(request.email):
            raise Rejection(
                Reason.COMBINATION,
                "name the account, or its address",
                field="account_id",
                allowed="one of account_id and email",
            )
        message = FindAccount(
            account_id=AccountId(request.account_id),
            email=request.email,
            by=caller_of(call).account_id,
        )
        card = await ask_sessions(self._sessions, call, message, AccountCard)
        purses = await self._matching.query(PursesQuery(card.account_id))
        return pb.FindAccountResponse(
            account_id=card.account_id,
            email=card.email,
            roles=role_names(card.roles),
            created_at_ns=card.created_at_ns,
            sessions=card.sessions,
            open_cases=card.open_cases,
            erasure_due_at_ns=card.erasure_due_at_ns,
            purses=len(purses),
            frozen_purses=sum(purse.frozen for purse in purses),
        )

    async def freeze_account(
        self, call: Call, request: pb.FreezeAccountRequest
    ) -> pb.FreezeAccountResponse:
        """Suspend an account, or let it go: what it may call first, then what it may trade.

        Both may be repeated; a call that was cut off is made whole by the next.
        """
        by = caller_of(call).account_id
        account_id = AccountId(request.account_id)
        cause = convert.cause(request.cause)
        message = SetImpediment(
            account_id=account_id,
            impediment=Impediment.SUSPENDED,
            stands=request.frozen,
            by=by,
            people_only=True,
        )
        await ask_sessions(self._sessions, call, message, Done)
        seq = 0
        for purse in await self._matching.query(PursesQuery(account_id)):
            command = FreezePurse(
                purse=purse.purse, frozen=request.frozen, cause=cause, request_id=""
            )
            row = await self._matching.direct(command, by, deadline=call.deadline_s)
            seq = row.seq
        return pb.FreezeAccountResponse(seq=seq)

    # --- disclosures and reports -----------------------------------------------------------

    async def publish_disclosure(
        self, call: Call, request: pb.PublishDisclosureRequest
    ) -> pb.PublishDisclosureResponse:
        """Publish a new version of a disclosure."""
        command = PublishDisclosure(
            name=request.name,
            title=request.title,
            text=request.text,
            request_id=convert.optional_id(request.request_id),
        )
        by = caller_of(call).account_id
        row = await self._matching.direct(command, by, deadline=call.deadline_s)
        return pb.PublishDisclosureResponse(seq=row.seq)

    async def retire_disclosure(
        self, call: Call, request: pb.RetireDisclosureRequest
    ) -> pb.RetireDisclosureResponse:
        """Ask nobody for a disclosure any more."""
        command = RetireDisclosure(
            name=request.name,
            cause=convert.cause(request.cause),
            request_id=convert.optional_id(request.request_id),
        )
        by = caller_of(call).account_id
        row = await self._matching.direct(command, by, deadline=call.deadline_s)
        return pb.RetireDisclosureResponse(seq=row.seq)

    async def report_trades(
        self,
        _call: Call,
        request: pb.ReportTradesRequest,
        responses: Responses[pb.ReportTradesResponse],
    ) -> None:
        """Send the trades of an account in a period as CSV."""
        async for content in report_trades(
            self._matching,
            self._history,
            self._directory,
            AccountId(check_id(request.account_id, "account_id")),
            request.from_ns,
            request.to_ns,
        ):
            await responses.send(pb.ReportTradesResponse(content=content))


def _case(case: Case) -> pb.Case:
    return pb.Case(
        case_id=case.case_id,
        account_id=case.account_id,
        kind=pb.CaseKind.Name(case.kind.value),
        state=pb.CaseState.Name(case.state.value),
        serious=bool(case.serious),
        outcome=pb.CaseOutcome.Name(case.outcome.value),
        assignee=case.assignee,
        proposed_by=case.proposed_by,
        decided_by=case.decided_by,
        opened_at_ns=case.opened_at_ns,
        closed_at_ns=case.closed_at_ns,
    )


def _watchlist_form(given: str) -> Rejection:
    return Rejection(
        Reason.WATCHLIST_FORM,
        "this is no list of people",
        field="content",
        given=given,
        allowed=f"at most {WATCHLIST_BYTES_MAX} bytes of UTF-8",
    )
