"""Know your customer: applications, papers and reviews; see :mod:`xached.domain.kyc`.

A document is taken piece by piece, each sealed by itself, so that neither it nor its upload is
ever in memory as a whole. Who applies is screened outside of the desk's turn; until that is done
nobody can approve.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias, TypeVar, assert_never

import attrs
import trio

from xached.actors.sessions.core import DeskCore, Step
from xached.actors.sessions.screening import Screening
from xached.domain.auth import Done, UserKey
from xached.domain.cases import Case, CaseState
from xached.domain.kyc import (
    DOCUMENTS_MAX,
    UNDECIDED,
    UPLOAD_NS_MAX,
    AddChunk,
    ApplicationId,
    ApplicationQueue,
    ApplicationState,
    ApplicationView,
    Apply,
    BeginDocument,
    ChunkView,
    DocumentBegun,
    DocumentId,
    DocumentUploaded,
    FinishDocument,
    GetKyc,
    KycApplication,
    KycApplied,
    KycChunk,
    KycDocument,
    KycMessage,
    KycReply,
    KycReview,
    KycReviewed,
    KycStanding,
    LevelIntent,
    ListApplications,
    PersonalDataViewed,
    PersonDetails,
    ReviewApplication,
    ReviewView,
    ViewApplication,
    ViewChunk,
    check_application,
    check_chunk,
    check_details,
    check_reason,
    media_type_of,
    review,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Closed, Expired, Overloaded
from xached.security.sealing import Place

_Row = TypeVar("_Row", KycApplication, KycReview, KycDocument, KycChunk, LevelIntent, Case)

QUEUE_MAX = 200
LEVEL_RETRY_S = 1.0
UPLOADS_CHECK_S = 600.0

SetLevel: TypeAlias = Callable[[AccountId, int], Awaitable[None]]
"""Gives an account its level in the exchange; no effect when it has it already.

Raises: Rejection, Overloaded, Expired or Closed, and then nothing was done.
"""


class KycArea:
    """Decides the messages about applications and papers."""

    def __init__(self, core: DeskCore, screening: Screening, set_level: SetLevel) -> None:
        self._core = core
        self._screening = screening
        self._set_level = set_level
        self._wanted = trio.Event()

    async def load(self) -> None:
        """Screen again whom a restart may have left out, and send levels again."""
        undecided = await self._select(KycApplication, f"WHERE state IN ({_UNDECIDED})")
        for application in undecided:
            self._screening.want(application.account_id)
        self._wanted.set()

    async def decide(self, message: KycMessage, step: Step) -> KycReply:
        """Decide a message. Raises: Rejection."""
        # What this batch has changed already is not in the vault yet.
        await self._core.commit(step)
        match message:
            case Apply():
                return await self._apply(message, step)
            case GetKyc():
                return await self._tell(message.account_id)
            case BeginDocument():
                return await self._begin(message, step)
            case AddChunk():
                return await self._add(message, step)
            case FinishDocument():
                return await self._finish(message, step)
            case ListApplications():
                clause = f"WHERE state IN ({_UNDECIDED}) ORDER BY created_at_ns LIMIT {QUEUE_MAX}"
                return ApplicationQueue(
                    applications=tuple(await self._select(KycApplication, clause))
                )
            case ViewApplication():
                return await self._view(message, step)
            case ViewChunk():
                return await self._view_chunk(message, step)
            case ReviewApplication():
                return await self._review(message, step)
            case _:
                assert_never(message)

    async def send_levels(self) -> None:
        """Tell the exchange the levels that it may not know, for ever."""
        while True:
            await self._wanted.wait()
            self._wanted = trio.Event()
            for intent in await self._select(LevelIntent, "ORDER BY created_at_ns"):
                try:
                    await self._set_level(intent.account_id, intent.level)
                except (Rejection, Overloaded, Expired, Closed):
                    self._wanted.set()
                    continue
                async with self._core.turn() as step:
                    # Another level may be wanted by now, or the account may be erased.
                    clause = "WHERE account_id = ?"
                    if await self._select(LevelIntent, clause, intent.account_id) == [intent]:
                        step.drop(intent)
            await trio.sleep(LEVEL_RETRY_S)

    async def drop_unfinished(self) -> None:
        """Drop the uploads that nobody finished, for ever."""
        while True:
            async with self._core.turn() as step:
                clause = "WHERE complete = 0 AND created_at_ns < ?"
                for document in await self._select(KycDocument, clause, step.at_ns - UPLOAD_NS_MAX):
                    _drop(document, step)
            await trio.sleep(UPLOADS_CHECK_S)

    # --- the person ------------------------------------------------------------------------

    async def _apply(self, message: Apply, step: Step) -> KycReply:
        check_details(message.details)
        standing = await self._standing(message.account_id)
        check_application(message.level, {document.kind for document in standing.documents})
        _, keys = await self._core.read_account(message.account_id)
        for old in standing.applications:
            if old.state in UNDECIDED:
                step.drop(old)
                for each in await self._reviews(old.application_id):
                    step.drop(each)
        credentials = self._core.credentials
        application_id = ApplicationId(credentials.new_id())
        place = _details_place(application_id, message.account_id)
        application = KycApplication(
            application_id=application_id,
            account_id=message.account_id,
            level=message.level,
            state=ApplicationState.SUBMITTED,
            details_sealed=credentials.seal_for_compliance(message.details.encode(), place, keys),
            created_at_ns=step.at_ns,
            decided_at_ns=0,
        )
        step.put(application)
        step.record(
            KycApplied(
                account_id=message.account_id, application_id=application_id, level=message.level
            )
        )
        step.afterwards(lambda: self._screening.want(message.account_id))
        decided = [old for old in standing.applications if old.state not in UNDECIDED]
        return KycStanding(applications=(application, *decided), documents=standing.documents)

    async def _standing(self, account_id: AccountId) -> KycStanding:
        clause = "WHERE account_id = ? ORDER BY created_at_ns DESC"
        applications = await self._select(KycApplication, clause, account_id)
        clause = "WHERE account_id = ? AND complete = 1 ORDER BY created_at_ns DESC"
        documents = await self._select(KycDocument, clause, account_id)
        return KycStanding(applications=tuple(applications), documents=tuple(documents))

    async def _tell(self, account_id: AccountId) -> KycStanding:
        """How applications and documents stand, and why one was rejected."""
        standing = await self._standing(account_id)
        rejections = []
        for each in standing.applications:
            if each.state is ApplicationState.REJECTED:
                _, keys = await self._core.read_account(account_id)
                for said in await self._reviews(each.application_id):
                    if not said.approved:
                        rejections.append((each.application_id, self._reason(said, keys)))
        return attrs.evolve(standing, rejections=tuple(rejections))

    async def _begin(self, message: BeginDocument, step: Step) -> KycReply:
        check_chunk(message.content, 0)
        media_type = media_type_of(message.content)
        known = await self._select(KycDocument, "WHERE account_id = ?", message.account_id)
        whole = [document for document in known if document.complete]
        if len(whole) >= DOCUMENTS_MAX:
            raise Rejection(
                Reason.DOCUMENTS_FULL,
                "the account has all the documents it may have",
                field="content",
                given=str(len(whole) + 1),
                allowed=f"at most {DOCUMENTS_MAX}",
            )
        # One upload at a time: what a lost connection left behind makes room for the next.
        for document in known:
            if not document.complete:
                _drop(document, step)
        document = KycDocument(
            document_id=DocumentId(self._core.credentials.new_id()),
            account_id=message.account_id,
            kind=message.kind,
            media_type=media_type,
            size_bytes=0,
            chunks=0,
            complete=0,
            created_at_ns=step.at_ns,
        )
        await self._put_chunk(document, message.content, step)
        return DocumentBegun(document_id=document.document_id)

    async def _add(self, message: AddChunk, step: Step) -> KycReply:
        document = await self._unfinished(message.account_id, message.document_id)
        check_chunk(message.content, document.size_bytes)
        if message.index != document.chunks:
            raise Rejection(
                Reason.DOCUMENT_SIZE,
                "chunks come in order",
                field="index",
                given=str(message.index),
                allowed=str(document.chunks),
            )
        await self._put_chunk(document, message.content, step)
        return Done()

    async def _put_chunk(self, document: KycDocument, content: bytes, step: Step) -> None:
        _, keys = await self._core.read_account(document.account_id)
        chunk_id = f"{document.document_id}/{document.chunks}"
        place = _chunk_place(chunk_id, document.account_id)
        step.put(
            KycChunk(
                chunk_id=chunk_id,
                document_id=document.document_id,
                account_id=document.account_id,
                content_sealed=self._core.credentials.seal_for_compliance(content, place, keys),
            )
        )
        step.put(
            attrs.evolve(
                document,
                size_bytes=document.size_bytes + len(content),
                chunks=document.chunks + 1,
            )
        )

    async def _finish(self, message: FinishDocument, step: Step) -> KycReply:
        document = await self._unfinished(message.account_id, message.document_id)
        document = attrs.evolve(document, complete=1)
        step.put(document)
        step.record(
            DocumentUploaded(account_id=document.account_id, document_id=document.document_id)
        )
        return document

    async def _unfinished(self, account_id: AccountId, document_id: DocumentId) -> KycDocument:
        document = await self._document(document_id)
        if document.account_id != account_id or document.complete:
            raise _unknown_document()
        return document

    # --- the staff -------------------------------------------------------------------------

    async def _view(self, message: ViewApplication, step: Step) -> KycReply:
        application = await self._application(message.application_id)
        account_id = application.account_id
        _, keys = await self._core.read_account(account_id)
        credentials = self._core.credentials
        place = _details_place(application.application_id, account_id)
        plain = credentials.open_sealed(application.details_sealed, place, keys)
        reviews = tuple(
            ReviewView(
                reviewer=each.reviewer,
                approved=bool(each.approved),
                reason=self._reason(each, keys),
                at_ns=each.at_ns,
            )
            for each in await self._reviews(application.application_id)
        )
        what = f"application {application.application_id}"
        step.record(PersonalDataViewed(account_id=account_id, by=message.by, what=what))
        standing = await self._standing(account_id)
        return ApplicationView(
            application=application,
            details=PersonDetails.decode(plain),
            documents=standing.documents,
            reviews=reviews,
        )

    async def _view_chunk(self, message: ViewChunk, step: Step) -> KycReply:
        document = await self._document(message.document_id)
        if not document.complete or not 0 <= message.index < document.chunks:
            raise _unknown_document()
        _, keys = await self._core.read_account(document.account_id)
        chunk_id = f"{document.document_id}/{message.index}"
        (chunk,) = await self._select(KycChunk, "WHERE chunk_id = ?", chunk_id)
        place = _chunk_place(chunk_id, document.account_id)
        content = self._core.credentials.open_sealed(chunk.content_sealed, place, keys)
        if message.index == 0 and message.by != document.account_id:
            what = f"document {document.document_id}"
            step.record(
                PersonalDataViewed(account_id=document.account_id, by=message.by, what=what)
            )
        return ChunkView(document=document, content=content)

    async def _review(self, message: ReviewApplication, step: Step) -> KycReply:
        application = await self._application(message.application_id)
        account_id = application.account_id
        reason = check_reason(message.reason)
        reviews = await self._reviews(application.application_id)
        state = review(application, reviews, message.by, approved=message.approved)
        if message.approved:
            await self._check_screened(account_id)
        _, keys = await self._core.read_account(account_id)
        review_id = f"{application.application_id}/{message.by}"
        place = _reason_place(review_id, account_id)
        step.put(
            KycReview(
                review_id=review_id,
                application_id=application.application_id,
                account_id=account_id,
                reviewer=message.by,
                approved=int(message.approved),
                reason_sealed=self._core.credentials.seal_for_compliance(
                    reason.encode(), place, keys
                ),
                at_ns=step.at_ns,
            )
        )
        decided_at_ns = 0 if state in UNDECIDED else step.at_ns
        application = attrs.evolve(application, state=state, decided_at_ns=decided_at_ns)
        step.put(application)
        step.record(
            KycReviewed(
                account_id=account_id,
                application_id=application.application_id,
                by=message.by,
                approved=message.approved,
                state=state,
            )
        )
        if state is ApplicationState.APPROVED:
            step.put(
                LevelIntent(
                    account_id=account_id, level=application.level, created_at_ns=step.at_ns
                )
            )
            step.afterwards(lambda: self._wanted.set())
        return application

    async def _check_screened(self, account_id: AccountId) -> None:
        if self._screening.is_waiting(account_id):
            raise Rejection(
                Reason.REVIEW_STATE,
                "the person is not screened yet",
                field="application_id",
                allowed="approval in a moment",
            )
        clause = "WHERE account_id = ? AND state <> ?"
        if await self._select(Case, clause, account_id, CaseState.CLOSED.value):
            raise Rejection(
                Reason.CASES_OPEN,
                "a case about this person is open",
                field="application_id",
                allowed="approval once every case is closed",
            )

    # --- reading ---------------------------------------------------------------------------

    async def _application(self, application_id: ApplicationId) -> KycApplication:
        found = await self._select(KycApplication, "WHERE application_id = ?", application_id)
        if not found:
            raise Rejection(Reason.UNKNOWN_APPLICATION, "there is no such application")
        return found[0]

    async def _document(self, document_id: DocumentId) -> KycDocument:
        found = await self._select(KycDocument, "WHERE document_id = ?", document_id)
        if not found:
            raise _unknown_document()
        return found[0]

    async def _reviews(self, application_id: ApplicationId) -> list[KycReview]:
        clause = "WHERE application_id = ? ORDER BY at_ns"
        return await self._select(KycReview, clause, application_id)

    def _reason(self, said: KycReview, keys: Iterable[UserKey]) -> str:
        place = _reason_place(said.review_id, said.account_id)
        plain = self._core.credentials.open_sealed(said.reason_sealed, place, keys)
        return plain.decode()

    async def _select(self, row_class: type[_Row], clause: str, *values: str | int) -> list[_Row]:
        return await self._core.lane.run(self._core.vault.where, row_class, clause, *values)


_UNDECIDED = ", ".join(str(state.value) for state in sorted(UNDECIDED))


def _drop(document: KycDocument, step: Step) -> None:
    step.drop(document)
    for index in range(document.chunks):
        step.drop(
            KycChunk(
                chunk_id=f"{document.document_id}/{index}",
                document_id=document.document_id,
                account_id=document.account_id,
                content_sealed=b"",
            )
        )


def _details_place(application_id: ApplicationId, account_id: AccountId) -> Place:
    return Place("kyc_applications", "details_sealed", application_id, account_id)


def _chunk_place(chunk_id: str, account_id: AccountId) -> Place:
    return Place("kyc_chunks", "content_sealed", chunk_id, account_id)


def _reason_place(review_id: str, account_id: AccountId) -> Place:
    return Place("kyc_reviews", "reason_sealed", review_id, account_id)


def _unknown_document() -> Rejection:
    return Rejection(Reason.UNKNOWN_DOCUMENT, "there is no such document")
