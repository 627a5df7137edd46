"""Serves ``xache.v1.ComplianceService``: levels, papers, disclosures, export and erasure."""

from __future__ import annotations

from collections.abc import Callable

from xache.v1 import compliance_pb2 as pb

from xached.actors.history import History
from xached.actors.matching import Matching
from xached.api import convert
from xached.api.auth import Sessions, ask_sessions, caller_of
from xached.api.data_export import ExportedExchange, FilesOf, export_data
from xached.api.enums import pick
from xached.api.routes import Call, Requests, Responses
from xached.api.trade_report import report_trades
from xached.domain.auth import Done
from xached.domain.compliance_messages import AcceptDisclosure, LevelLimits
from xached.domain.erasure import CancelErasure, ErasureRequest, RequestErasure
from xached.domain.instrument import AssetName, Directory
from xached.domain.kyc import (
    PAPERS,
    AddChunk,
    Apply,
    BeginDocument,
    DocumentBegun,
    DocumentKind,
    FinishDocument,
    GetKyc,
    KycApplication,
    KycDocument,
    KycStanding,
    PersonDetails,
)
from xached.domain.levels import LevelStanding
from xached.domain.money import format_units
from xached.domain.queries import ClosableQuery, DisclosuresQuery, LevelQuery
from xached.domain.rejection import Reason, Rejection
from xached.storage.strategy_tables import StrategyRecords

_KINDS = {kind.value: kind for kind in DocumentKind}


class ComplianceHandlers:
    """Serves ``xache.v1.ComplianceService``."""

    def __init__(
        self,
        sessions: Sessions,
        matching: Matching,
        history: History,
        directory: Directory,
        now_ns: Callable[[], int],
        records: StrategyRecords,
        paper: ExportedExchange,
        files_of: FilesOf,
    ) -> None:
        self._sessions = sessions
        self._matching = matching
        self._history = history
        self._directory = directory
        self._now_ns = now_ns
        self._records = records
        real = ExportedExchange(
            folder="", matching=matching, directory=directory, history=lambda: history
        )
        self._exchanges = (real, paper)
        self._files_of = files_of

    async def get_limits(self, call: Call, _request: pb.GetLimitsRequest) -> pb.GetLimitsResponse:
        """Tell the caller's level, what it allows a day, and what is used of it."""
        account_id = caller_of(call).account_id
        standing = await self._matching.query(
            LevelQuery(account_id, self._now_ns()), account=account_id
        )
        return pb.GetLimitsResponse(
            level=standing.level,
            limited=standing.limited,
            limits=_day_limits(standing, self._directory),
            levels=_level_terms(standing.table, self._directory),
        )

    async def get_kyc(self, call: Call, _request: pb.GetKycRequest) -> pb.GetKycResponse:
        """Tell how the caller's applications and documents stand."""
        message = GetKyc(account_id=caller_of(call).account_id)
        standing = await ask_sessions(self._sessions, call, message, KycStanding)
        reasons = dict(standing.rejections)
        return pb.GetKycResponse(
            applications=[
                application_message(each, reasons.get(each.application_id, ""))
                for each in standing.applications
            ],
            documents=[document_message(each) for each in standing.documents],
        )

    async def apply_for_level(
        self, call: Call, request: pb.ApplyForLevelRequest
    ) -> pb.ApplyForLevelResponse:
        """Apply for a level."""
        details = request.details
        message = Apply(
            account_id=caller_of(call).account_id,
            level=request.level,
            details=PersonDetails(
                name=details.name,
                birth_date=details.birth_date,
                country=details.country,
                address=details.address,
            ),
        )
        standing = await ask_sessions(self._sessions, call, message, KycStanding)
        return pb.ApplyForLevelResponse(application=application_message(standing.applications[0]))

    async def upload_document(
        self, call: Call, requests: Requests[pb.UploadDocumentRequest]
    ) -> pb.UploadDocumentResponse:
        """Upload a document: one piece at a time is in memory, and sealed before the next."""
        account_id = caller_of(call).account_id
        begun: DocumentBegun | None = None
        index = 0
        async for request in requests:
            if begun is None:
                begin = BeginDocument(
                    account_id=account_id,
                    kind=pick(_KINDS, request.kind, "kind"),
                    content=request.content,
                )
                begun = await ask_sessions(self._sessions, call, begin, DocumentBegun)
            else:
                index += 1
                chunk = AddChunk(
                    account_id=account_id,
                    document_id=begun.document_id,
                    index=index,
                    content=request.content,
                )
                await ask_sessions(self._sessions, call, chunk, Done)
        if begun is None:
            raise Rejection(Reason.FIELD_REQUIRED, "send the document", field="content")
        finish = FinishDocument(account_id=account_id, document_id=begun.document_id)
        document = await ask_sessions(self._sessions, call, finish, KycDocument)
        return pb.UploadDocumentResponse(document=document_message(document))

    async def list_disclosures(
        self, call: Call, _request: pb.ListDisclosuresRequest
    ) -> pb.ListDisclosuresResponse:
        """List what has to be accepted before trading."""
        account_id = caller_of(call).account_id
        found = await self._matching.query(DisclosuresQuery(account_id), account=account_id)
        return pb.ListDisclosuresResponse(
            disclosures=[
                pb.Disclosure(
                    name=each.disclosure.name,
                    version=each.disclosure.version,
                    title=each.disclosure.title,
                    text=each.disclosure.text,
                    accepted_version=each.accepted_version,
                )
                for each in found
            ]
        )

    async def accept_disclosure(
        self, call: Call, request: pb.AcceptDisclosureRequest
    ) -> pb.AcceptDisclosureResponse:
        """Accept the current version of a disclosure."""
        account_id = caller_of(call).account_id
        command = AcceptDisclosure(
            account_id=account_id,
            name=request.name,
            version=request.version,
            request_id=convert.optional_id(request.request_id),
        )
        row = await self._matching.execute(command, account=account_id, deadline=call.deadline_s)
        return pb.AcceptDisclosureResponse(seq=row.seq)

    async def export_data(
        self,
        call: Call,
        _request: pb.ExportDataRequest,
        responses: Responses[pb.ExportDataResponse],
    ) -> None:
        """Hand over everything the house knows of the caller."""
        async for name, content in export_data(
            call, self._sessions, self._exchanges, self._records, self._files_of
        ):
            await responses.send(pb.ExportDataResponse(name=name, content=content))

    async def request_erasure(
        self, call: Call, request: pb.RequestErasureRequest
    ) -> pb.RequestErasureResponse:
        """Ask to be erased. What is open now would be open then: it is refused at once."""
        account_id = caller_of(call).account_id
        query = ClosableQuery(account_id, request.forfeit)
        await self._matching.query(query, account=account_id)
        message = RequestErasure(account_id=account_id, forfeit=request.forfeit)
        found = await ask_sessions(self._sessions, call, message, ErasureRequest)
        return pb.RequestErasureResponse(due_at_ns=found.due_at_ns)

    async def cancel_erasure(
        self, call: Call, _request: pb.CancelErasureRequest
    ) -> pb.CancelErasureResponse:
        """Take a request back."""
        message = CancelErasure(account_id=caller_of(call).account_id)
        await ask_sessions(self._sessions, call, message, Done)
        return pb.CancelErasureResponse()

    async def export_trades(
        self,
        call: Call,
        request: pb.ExportTradesRequest,
        responses: Responses[pb.ExportTradesResponse],
    ) -> None:
        """Send the caller's trades of a period as CSV."""
        async for content in report_trades(
            self._matching,
            self._history,
            self._directory,
            caller_of(call).account_id,
            request.from_ns,
            request.to_ns,
        ):
            await responses.send(pb.ExportTradesResponse(content=content))


def application_message(application: KycApplication, reason: str = "") -> pb.Application:
    """An application as people see it; ``reason`` is for who applied."""
    return pb.Application(
        application_id=application.application_id,
        account_id=application.account_id,
        level=application.level,
        state=pb.ApplicationState.Name(application.state.value),
        created_at_ns=application.created_at_ns,
        decided_at_ns=application.decided_at_ns,
        reason=reason,
    )


def document_message(document: KycDocument) -> pb.Document:
    """A document as people see it."""
    return pb.Document(
        document_id=document.document_id,
        kind=pb.DocumentKind.Name(document.kind.value),
        media_type=pb.MediaType.Name(document.media_type.value),
        size_bytes=document.size_bytes,
        created_at_ns=document.created_at_ns,
    )


def _level_terms(table: tuple[LevelLimits, ...], directory: Directory) -> list[pb.LevelTerms]:
    """What every level takes and allows: those that have limits, and those to apply for."""
    limits = {each.level: each for each in table}
    terms = []
    for level in sorted({0, *limits, *PAPERS}):
        found = limits.get(level)
        papers = sorted(PAPERS.get(level, ()))
        terms.append(
            pb.LevelTerms(
                level=level,
                open=level in PAPERS,
                papers=[pb.DocumentKind.Name(kind.value) for kind in papers],
                limits=_allowances(found, directory) if found is not None else [],
            )
        )
    return terms


def _allowances(limits: LevelLimits, directory: Directory) -> list[pb.DayLimit]:
    nobody = LevelStanding(
        level=limits.level,
        limited=True,
        limits=limits,
        deposited_units=(),
        traded_units=(),
        table=(),
    )
    return _day_limits(nobody, directory)


def _day_limits(standing: LevelStanding, directory: Directory) -> list[pb.DayLimit]:
    limits = standing.limits
    if limits is None:
        return []
    deposit, trade = dict(limits.deposit_units), dict(limits.trade_units)
    withdraw = dict(limits.withdraw_units)
    deposited, traded = dict(standing.deposited_units), dict(standing.traded_units)

    def show(amounts: dict[AssetName, int], name: AssetName) -> str:
        return format_units(amounts.get(name, 0), directory.asset(name).scale)

    return [
        pb.DayLimit(
            asset=name,
            deposit=show(deposit, name),
            deposited=show(deposited, name),
            trade=show(trade, name),
            traded=show(traded, name),
            withdraw=show(withdraw, name),
        )
        for name in sorted({**deposit, **trade, **withdraw})
    ]
