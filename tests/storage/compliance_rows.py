"""One row of every table of compliance, and one of every event: for tests of the vault."""

from __future__ import annotations

from xached.domain.cases import (
    Case,
    CaseAssigned,
    CaseDecided,
    CaseId,
    CaseKind,
    CaseOpened,
    CaseOutcome,
    CaseState,
    WatchlistImported,
)
from xached.domain.erasure import (
    AccountErased,
    AccountExported,
    ErasureCanceled,
    ErasureRequest,
    ErasureRequested,
    Retention,
    RetentionEnded,
)
from xached.domain.identity import IdentityEvent, VaultRow
from xached.domain.kyc import (
    ApplicationId,
    ApplicationState,
    DocumentId,
    DocumentKind,
    DocumentUploaded,
    KycApplication,
    KycApplied,
    KycChunk,
    KycDocument,
    KycReview,
    KycReviewed,
    LevelIntent,
    MediaType,
    PersonalDataViewed,
)
from xached.domain.order import AccountId
from xached.domain.screening import WatchlistEntry

ALICE, BOB = AccountId("alice"), AccountId("bob")
PAPERS = ApplicationId("a-1")
CASE = CaseId("velocity-1")
PASSPORT = DocumentId("d-1")


def compliance_rows(account_id: AccountId) -> list[VaultRow]:
    """Rows of one account, and an entry of a list."""
    application_id = ApplicationId(f"application of {account_id}")
    document_id = DocumentId(f"document of {account_id}")
    return [
        KycApplication(
            application_id=application_id,
            account_id=account_id,
            level=2,
            state=ApplicationState.SECONDED,
            details_sealed=b"details",
            created_at_ns=1,
            decided_at_ns=2,
        ),
        KycReview(
            review_id=f"{application_id}/carol",
            application_id=application_id,
            account_id=account_id,
            reviewer=AccountId("carol"),
            approved=1,
            reason_sealed=b"reason",
            at_ns=1,
        ),
        KycDocument(
            document_id=document_id,
            account_id=account_id,
            kind=DocumentKind.IDENTITY,
            media_type=MediaType.PDF,
            size_bytes=8,
            chunks=1,
            complete=1,
            created_at_ns=1,
        ),
        KycChunk(
            chunk_id=f"{document_id}/0",
            document_id=document_id,
            account_id=account_id,
            content_sealed=b"content",
        ),
        LevelIntent(account_id=account_id, level=2, created_at_ns=1),
        Case(
            case_id=CaseId(f"case of {account_id}"),
            account_id=account_id,
            kind=CaseKind.AML,
            state=CaseState.PROPOSED,
            serious=1,
            outcome=CaseOutcome.CONFIRMED,
            assignee=AccountId("carol"),
            proposed_by=AccountId("carol"),
            decided_by=AccountId(""),
            facts_sealed=b"facts",
            reason_sealed=b"",
            opened_at_ns=1,
            closed_at_ns=0,
        ),
        WatchlistEntry(
            entry_id=f"list/{account_id}",
            watchlist="list",
            name="Nobody Else",
            aliases="",
            birth_date="",
            country="",
            program="EXAMPLE",
        ),
        ErasureRequest(account_id=account_id, requested_at_ns=1, due_at_ns=2, forfeit=1),
        Retention(account_id=account_id, erased_at_ns=1, ends_at_ns=2),
    ]


COMPLIANCE_EVENTS: list[IdentityEvent] = [
    KycApplied(account_id=ALICE, application_id=PAPERS, level=2),
    KycReviewed(
        account_id=ALICE,
        application_id=PAPERS,
        by=BOB,
        approved=True,
        state=ApplicationState.SECONDED,
    ),
    DocumentUploaded(account_id=ALICE, document_id=PASSPORT),
    PersonalDataViewed(account_id=ALICE, by=BOB, what="case velocity-1"),
    CaseOpened(case_id=CASE, account_id=ALICE, kind=CaseKind.AML, serious=True),
    CaseAssigned(case_id=CASE, assignee=BOB, by=BOB),
    CaseDecided(case_id=CASE, by=BOB, outcome=CaseOutcome.CONFIRMED, state=CaseState.CLOSED),
    WatchlistImported(watchlist="list", entries=3, digest=b"\1" * 4, by=BOB),
    ErasureRequested(account_id=ALICE, due_at_ns=2**60),
    ErasureCanceled(account_id=ALICE),
    AccountErased(account_id=ALICE, retention_ends_at_ns=2**60),
    RetentionEnded(account_id=ALICE),
    AccountExported(account_id=ALICE),
]
