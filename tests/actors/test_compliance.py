"""Levels, papers, screening and cases in the sessions actor: four eyes, sealed, recorded."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from tests.actors.people import ALICE, BOB, PASSWORD, People, refused, running
from xached.domain.auth import Role
from xached.domain.cases import (
    AssignCase,
    Case,
    CaseId,
    CaseKind,
    CaseOutcome,
    CaseQueue,
    CaseState,
    CaseView,
    DecideCase,
    Imported,
    ImportWatchlist,
    ListCases,
    OpenCase,
    ViewCase,
)
from xached.domain.kyc import (
    CHUNK_BYTES_MAX,
    DOCUMENTS_MAX,
    UPLOAD_NS_MAX,
    AddChunk,
    ApplicationQueue,
    ApplicationState,
    ApplicationView,
    Apply,
    BeginDocument,
    ChunkView,
    DocumentBegun,
    DocumentId,
    DocumentKind,
    FinishDocument,
    GetKyc,
    KycApplication,
    KycDocument,
    KycStanding,
    ListApplications,
    MediaType,
    PersonDetails,
    ReviewApplication,
    ViewApplication,
    ViewChunk,
)
from xached.domain.order import AccountId
from xached.domain.rejection import Reason
from xached.domain.staff import AccountCard, FindAccount
from xached.runtime.mailbox import Overloaded

NAME = "Élodie Mårtensson-Quirke"
DETAILS = PersonDetails(
    name=NAME, birth_date="1984-02-29", country="SE", address="Storgatan 12, Lund"
)
SCAN = b"%PDF-1.7 the scan of a passport of nobody"
WATCHLIST = (
    "id,name,aliases,birth_date,country,program\n"
    '1,"QUIRKE MARTENSON, Elodie",E. Nobody,1984,SE,EXAMPLE\n'
    "2,Somebody Else,,,,EXAMPLE\n"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.db"


async def upload(people: People, owner: AccountId, kind: DocumentKind) -> KycDocument:
    begun = await people.inbox.ask(BeginDocument(account_id=owner, kind=kind, content=SCAN))
    assert isinstance(begun, DocumentBegun)
    more = AddChunk(account_id=owner, document_id=begun.document_id, index=1, content=b"\0" * 99)
    await people.inbox.ask(more)
    done = await people.inbox.ask(FinishDocument(account_id=owner, document_id=begun.document_id))
    assert isinstance(done, KycDocument)
    return done


async def apply(people: People, owner: AccountId, level: int = 1) -> KycApplication:
    standing = await people.inbox.ask(Apply(account_id=owner, level=level, details=DETAILS))
    assert isinstance(standing, KycStanding)
    await trio.sleep(0.1)  # The clock jumps: it is screened meanwhile.
    return standing.applications[0]


def verdict(application: KycApplication, by: AccountId, approved: bool = True) -> ReviewApplication:
    return ReviewApplication(
        application_id=application.application_id, by=by, approved=approved, reason="seen"
    )


ANNA, BERT = AccountId("staff-anna"), AccountId("staff-bert")


async def test_two_of_the_staff_approve_and_the_exchange_learns_the_level(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        assert await refused(people, Apply(account_id=alice, level=2, details=DETAILS)) is (
            Reason.KYC_PAPERS
        )
        document = await upload(people, alice, DocumentKind.IDENTITY)
        assert (document.media_type, document.size_bytes) == (MediaType.PDF, len(SCAN) + 99)
        application = await apply(people, alice, 2)
        queue = await people.inbox.ask(ListApplications())
        assert queue == ApplicationQueue(applications=(application,))
        view = await people.inbox.ask(
            ViewApplication(application_id=application.application_id, by=ANNA)
        )
        assert isinstance(view, ApplicationView)
        assert view.details == DETAILS
        assert view.documents == (document,)
        chunk = await people.inbox.ask(
            ViewChunk(document_id=document.document_id, index=0, by=ANNA)
        )
        assert isinstance(chunk, ChunkView)
        assert chunk.content == SCAN

        assert await refused(people, verdict(application, alice)) is Reason.FOUR_EYES
        first = await people.inbox.ask(verdict(application, ANNA))
        assert isinstance(first, KycApplication)
        assert first.state is ApplicationState.SECONDED
        assert await refused(people, verdict(application, ANNA)) is Reason.FOUR_EYES
        assert people.exchange.levels == {}
        people.exchange.refusals = [Overloaded("busy")]
        second = await people.inbox.ask(verdict(application, BERT))
        assert isinstance(second, KycApplication)
        assert second.state is ApplicationState.APPROVED
        await trio.sleep(10)
        assert people.exchange.levels == {alice: 2}
        assert await refused(people, verdict(application, BERT)) is Reason.REVIEW_STATE
        assert people.stream()[1:] == [
            "DocumentUploaded",
            "KycApplied",
            "PersonalDataViewed",
            "PersonalDataViewed",
            "KycReviewed",
            "KycReviewed",
        ]


async def test_a_level_reaches_the_exchange_after_a_crash(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        application = await apply(people, alice)
        await people.inbox.ask(verdict(application, ANNA))
        people.exchange.refusals = [Overloaded("busy")] * 1_000
        await people.inbox.ask(verdict(application, BERT))
    async with running(path) as people:
        await trio.sleep(5)
        assert people.exchange.levels == {alice: 1}


async def test_one_rejection_is_enough_and_a_new_application_replaces_an_open_one(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        first = await apply(people, alice)
        await people.inbox.ask(verdict(first, ANNA))
        second = await apply(people, alice)
        assert await refused(people, verdict(first, BERT)) is Reason.UNKNOWN_APPLICATION
        # What was said about the first says nothing about the second.
        seconded = await people.inbox.ask(verdict(second, ANNA))
        assert isinstance(seconded, KycApplication)
        assert seconded.state is ApplicationState.SECONDED
        rejected = await people.inbox.ask(verdict(second, BERT, approved=False))
        assert isinstance(rejected, KycApplication)
        assert rejected.state is ApplicationState.REJECTED
        standing = await people.inbox.ask(GetKyc(account_id=alice))
        assert isinstance(standing, KycStanding)
        assert [each.application_id for each in standing.applications] == [second.application_id]


async def test_documents_are_checked_by_type_size_order_and_owner(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice, bob = await people.register(), await people.register(BOB)

        def begin(content: bytes) -> BeginDocument:
            return BeginDocument(account_id=alice, kind=DocumentKind.ADDRESS, content=content)

        assert await refused(people, begin(b"MZ\x90 a program")) is Reason.DOCUMENT_TYPE
        assert await refused(people, begin(b"")) is Reason.DOCUMENT_SIZE
        too_long = SCAN + b"\0" * CHUNK_BYTES_MAX
        assert await refused(people, begin(too_long)) is Reason.DOCUMENT_SIZE
        begun = await people.inbox.ask(begin(b"\x89PNG\r\n\x1a\n..."))
        assert isinstance(begun, DocumentBegun)

        def more(
            index: int, owner: AccountId = alice, document: DocumentId = begun.document_id
        ) -> AddChunk:
            return AddChunk(
                account_id=owner,
                document_id=document,
                index=index,
                content=b"\0" * CHUNK_BYTES_MAX,
            )

        assert await refused(people, more(2)) is Reason.DOCUMENT_SIZE
        assert await refused(people, more(1, bob)) is Reason.UNKNOWN_DOCUMENT
        for index in range(1, 160):
            await people.inbox.ask(more(index))
        # 10 MiB in chunks of 64 KiB, the first of which was short.
        index = 160
        assert await refused(people, more(index)) is Reason.DOCUMENT_SIZE
        # Another upload takes the place of one that was not finished.
        await upload(people, alice, DocumentKind.ADDRESS)
        assert await refused(people, more(index)) is Reason.UNKNOWN_DOCUMENT
        for _ in range(DOCUMENTS_MAX - 1):
            await upload(people, alice, DocumentKind.ADDRESS)
        assert await refused(people, begin(SCAN)) is Reason.DOCUMENTS_FULL
        begun = await people.inbox.ask(
            BeginDocument(account_id=bob, kind=DocumentKind.ADDRESS, content=SCAN)
        )
        await trio.sleep(UPLOAD_NS_MAX / 1e9 + 1_000)
        assert isinstance(begun, DocumentBegun)
        assert await refused(people, more(1, bob, begun.document_id)) is Reason.UNKNOWN_DOCUMENT


async def test_nothing_personal_is_in_the_file_in_clear(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        await upload(people, alice, DocumentKind.IDENTITY)
        await apply(people, alice, 2)
    for file in path.parent.iterdir():
        content = file.read_bytes()
        for secret in (NAME, DETAILS.address, DETAILS.birth_date):
            assert secret.encode() not in content, file
        assert SCAN not in content, file


async def test_a_match_opens_a_case_that_stands_against_approval(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        imported = await people.inbox.ask(
            ImportWatchlist(watchlist="example", content=WATCHLIST, by=ANNA)
        )
        assert imported == Imported(entries=2)
        application = await apply(people, alice)
        queue = await people.inbox.ask(ListCases())
        assert isinstance(queue, CaseQueue)
        (case,) = queue.cases
        assert (case.kind, case.account_id, case.serious) == (CaseKind.SCREENING, alice, 1)
        assert await refused(people, verdict(application, ANNA)) is Reason.CASES_OPEN
        view = await people.inbox.ask(ViewCase(case_id=case.case_id, by=ANNA))
        assert isinstance(view, CaseView)
        assert "martensson~martenson" in view.facts
        assert "threshold 90.0%" in view.facts

        def decision(by: AccountId, outcome: CaseOutcome) -> DecideCase:
            return DecideCase(case_id=case.case_id, by=by, outcome=outcome, reason="looked up")

        harmless, confirmed = CaseOutcome.FALSE_ALARM, CaseOutcome.CONFIRMED
        assert await refused(people, decision(ANNA, harmless)) is Reason.CASE_STATE
        await people.inbox.ask(AssignCase(case_id=case.case_id, assignee=ANNA, by=BERT))
        assert await refused(people, decision(BERT, harmless)) is Reason.CASE_STATE
        proposed = await people.inbox.ask(decision(ANNA, harmless))
        assert isinstance(proposed, Case)
        assert proposed.state is CaseState.PROPOSED
        assert await refused(people, decision(ANNA, harmless)) is Reason.FOUR_EYES
        disputed = await people.inbox.ask(decision(BERT, confirmed))
        assert isinstance(disputed, Case)
        assert (disputed.state, disputed.assignee) == (CaseState.ASSIGNED, BERT)
        await people.inbox.ask(decision(BERT, harmless))
        closed = await people.inbox.ask(decision(ANNA, harmless))
        assert isinstance(closed, Case)
        assert (closed.state, closed.outcome) == (CaseState.CLOSED, harmless)
        await people.inbox.ask(verdict(application, ANNA))

        # The same match is not asked again; another one is.
        await people.inbox.ask(ImportWatchlist(watchlist="other", content=WATCHLIST, by=ANNA))
        await trio.sleep(1)
        queue = await people.inbox.ask(ListCases())
        assert isinstance(queue, CaseQueue)
        assert len(queue.cases) == 1
        await people.inbox.ask(ImportWatchlist(watchlist="other", content=WATCHLIST, by=ANNA))
        await trio.sleep(1)
        assert await people.inbox.ask(ListCases()) == queue


async def test_lists_and_open_applications_are_screened_again_after_a_restart(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        await people.inbox.ask(ImportWatchlist(watchlist="example", content=WATCHLIST, by=ANNA))
        standing = await people.inbox.ask(Apply(account_id=alice, level=1, details=DETAILS))
        assert isinstance(standing, KycStanding)
        # Nobody can approve before the screening: the clock did not move since.
        assert await refused(people, verdict(standing.applications[0], ANNA)) in (
            Reason.REVIEW_STATE,
            Reason.CASES_OPEN,
        )
    async with running(path) as people:
        await trio.sleep(1)
        queue = await people.inbox.ask(ListCases())
        assert isinstance(queue, CaseQueue)
        assert len(queue.cases) == 1


async def test_a_case_is_opened_once_and_never_worked_on_by_its_subject(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        opened = OpenCase(
            case_id=CaseId("velocity-1"),
            account_id=alice,
            kind=CaseKind.AML,
            serious=False,
            facts="21 movements, more than 20",
        )
        await people.inbox.ask(opened)
        await people.inbox.ask(opened)
        queue = await people.inbox.ask(ListCases(account_id=alice))
        assert isinstance(queue, CaseQueue)
        assert len(queue.cases) == 1
        mine = AssignCase(case_id=opened.case_id, assignee=alice, by=ANNA)
        assert await refused(people, mine) is Reason.FOUR_EYES
        unknown = AssignCase(case_id=CaseId("none"), assignee=ANNA, by=ANNA)
        assert await refused(people, unknown) is Reason.UNKNOWN_CASE
        await people.inbox.ask(AssignCase(case_id=opened.case_id, assignee=ANNA, by=ANNA))
        decision = DecideCase(
            case_id=opened.case_id, by=ANNA, outcome=CaseOutcome.FALSE_ALARM, reason="salary"
        )
        closed = await people.inbox.ask(decision)
        assert isinstance(closed, Case)
        assert closed.state is CaseState.CLOSED, "not serious: two eyes do"
        assert await refused(people, decision) is Reason.CASE_STATE


async def test_support_finds_people_and_leaves_a_trace(
    path: Path, autojump_clock: MockClock
) -> None:
    async with running(path) as people:
        alice = await people.register()
        await people.login(ALICE, PASSWORD)
        card = await people.inbox.ask(FindAccount(account_id=AccountId(""), email=ALICE, by=ANNA))
        assert isinstance(card, AccountCard)
        assert (card.account_id, card.email, card.sessions) == (alice, ALICE, 1)
        assert card.roles == {Role.USER}
        by_id = await people.inbox.ask(FindAccount(account_id=alice, email="", by=ANNA))
        assert by_id == card
        assert people.stream()[-2:] == ["PersonalDataViewed"] * 2
        assert await refused(people, FindAccount(account_id=AccountId(""), email=BOB, by=ANNA)) is (
            Reason.UNKNOWN_ACCOUNT
        )
