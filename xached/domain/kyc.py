"""Know your customer: who applies for a level, with which papers, and who may decide it.

Theory of operation. A person applies for a level with what they say about themselves; the papers
that the level asks for are uploaded before. An application has one life::

    SUBMITTED  --approved by one of the staff-->  SECONDED  --by another one-->  APPROVED
    SUBMITTED, SECONDED  --rejected by anybody of the staff-->  REJECTED

Nobody decides about themselves, and nobody twice: an approval takes four eyes. A new application
takes the place of one that is still undecided.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Collection
from typing import NewType, TypeAlias

import attrs

from xached.domain.auth import Done
from xached.domain.order import AccountId
from xached.domain.rejection import Reason, Rejection

ApplicationId = NewType("ApplicationId", str)
DocumentId = NewType("DocumentId", str)

APPROVALS_NEEDED = 2
CHUNK_BYTES_MAX = 64 * 1_024
DOCUMENT_BYTES_MAX = 10 * 1_024 * 1_024
DOCUMENTS_MAX = 16
"""Documents of one account, so that nobody fills the disk; with the size, at most 160 MB."""

TEXT_CHARS_MAX = 200
REASON_CHARS_MAX = 1_000
LEVEL_MAX = 3
UPLOAD_NS_MAX = 3_600 * 1_000_000_000
"""An upload that was begun so long ago and is not whole is dropped."""

_DATE = re.compile(r"(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])")
_COUNTRY = re.compile(r"[A-Z]{2}")


class DocumentKind(enum.IntEnum):
    """What a document is to prove. The numbers are those of ``xache.v1.DocumentKind``."""

    IDENTITY = 1
    ADDRESS = 2
    FUNDS = 3


class MediaType(enum.IntEnum):
    """What a document is made of. The numbers are those of ``xache.v1.MediaType``."""

    PDF = 1
    JPEG = 2
    PNG = 3


class ApplicationState(enum.IntEnum):
    """Where an application is. The numbers are those of ``xache.v1.ApplicationState``."""

    SUBMITTED = 1
    SECONDED = 2
    APPROVED = 3
    REJECTED = 4


UNDECIDED = frozenset({ApplicationState.SUBMITTED, ApplicationState.SECONDED})

_MAGIC = {
    MediaType.PDF: b"%PDF-",
    MediaType.JPEG: b"\xff\xd8\xff",
    MediaType.PNG: b"\x89PNG\r\n\x1a\n",
}

PAPERS: dict[int, frozenset[DocumentKind]] = {
    1: frozenset(),
    2: frozenset({DocumentKind.IDENTITY}),
    3: frozenset({DocumentKind.IDENTITY, DocumentKind.ADDRESS}),
}
"""What each level asks for, beside what the person says."""


@attrs.frozen(kw_only=True)
class PersonDetails:
    """What a person says about themselves."""

    name: str = attrs.field(repr=False)
    birth_date: str = attrs.field(repr=False)
    country: str = attrs.field(repr=False)
    address: str = attrs.field(repr=False)

    def encode(self) -> bytes:
        """As it is sealed."""
        return json.dumps(attrs.asdict(self), ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def decode(cls, plain: bytes) -> PersonDetails:
        """What :meth:`encode` gave."""
        return cls(**json.loads(plain))


# --- What is kept. -----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class KycApplication:
    """An application, as it is stored."""

    application_id: ApplicationId
    account_id: AccountId
    level: int
    state: ApplicationState
    details_sealed: bytes = attrs.field(repr=False)
    created_at_ns: int
    decided_at_ns: int


@attrs.frozen(kw_only=True)
class KycReview:
    """What one of the staff said about an application. Its key names both."""

    review_id: str
    application_id: ApplicationId
    account_id: AccountId
    reviewer: AccountId
    approved: int
    reason_sealed: bytes = attrs.field(repr=False)
    at_ns: int


@attrs.frozen(kw_only=True)
class KycDocument:
    """A document, as it is stored: its content is in chunks. ``complete`` is 0 or 1."""

    document_id: DocumentId
    account_id: AccountId
    kind: DocumentKind
    media_type: MediaType
    size_bytes: int
    chunks: int
    complete: int
    created_at_ns: int


@attrs.frozen(kw_only=True)
class KycChunk:
    """A piece of a document, sealed by itself under the person's compliance key."""

    chunk_id: str
    document_id: DocumentId
    account_id: AccountId
    content_sealed: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class LevelIntent:
    """An account was given a level here; the exchange may not know yet."""

    account_id: AccountId
    level: int
    created_at_ns: int


KycRow: TypeAlias = KycApplication | KycReview | KycDocument | KycChunk | LevelIntent


# --- What is asked. ----------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Apply:
    """Apply for a level. Answer: KycStanding."""

    account_id: AccountId
    level: int
    details: PersonDetails


@attrs.frozen(kw_only=True)
class GetKyc:
    """How do my applications and documents stand? Answer: KycStanding."""

    account_id: AccountId


@attrs.frozen(kw_only=True)
class BeginDocument:
    """Begin an upload with its first chunk, by which its type is known. Answer: DocumentBegun."""

    account_id: AccountId
    kind: DocumentKind
    content: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class AddChunk:
    """The next chunk of an upload. Answer: Done."""

    account_id: AccountId
    document_id: DocumentId
    index: int
    content: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True)
class FinishDocument:
    """All of it was sent. Answer: KycDocument."""

    account_id: AccountId
    document_id: DocumentId


@attrs.frozen(kw_only=True)
class ListApplications:
    """The review queue, oldest first. Answer: ApplicationQueue."""


@attrs.frozen(kw_only=True)
class ViewApplication:
    """Show an application with what the person said. Recorded. Answer: ApplicationView."""

    application_id: ApplicationId
    by: AccountId


@attrs.frozen(kw_only=True)
class ViewChunk:
    """Show a piece of a document; the first is recorded. Answer: ChunkView."""

    document_id: DocumentId
    index: int
    by: AccountId


@attrs.frozen(kw_only=True)
class ReviewApplication:
    """Approve or reject. Answer: KycApplication."""

    application_id: ApplicationId
    by: AccountId
    approved: bool
    reason: str = attrs.field(repr=False)


KycMessage: TypeAlias = (
    Apply
    | GetKyc
    | BeginDocument
    | AddChunk
    | FinishDocument
    | ListApplications
    | ViewApplication
    | ViewChunk
    | ReviewApplication
)


# --- What is answered. -------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class KycStanding:
    """An account's applications, newest first, and its documents."""

    applications: tuple[KycApplication, ...]
    documents: tuple[KycDocument, ...]
    rejections: tuple[tuple[ApplicationId, str], ...] = attrs.field(default=(), repr=False)
    """Why those that were rejected were; told where the person asks."""


@attrs.frozen(kw_only=True)
class DocumentBegun:
    """The upload goes on under this id."""

    document_id: DocumentId


@attrs.frozen(kw_only=True)
class ApplicationQueue:
    """Applications that are not decided, oldest first."""

    applications: tuple[KycApplication, ...]


@attrs.frozen(kw_only=True)
class ReviewView:
    """What one of the staff said."""

    reviewer: AccountId
    approved: bool
    reason: str = attrs.field(repr=False)
    at_ns: int


@attrs.frozen(kw_only=True)
class ApplicationView:
    """An application as its reviewers see it."""

    application: KycApplication
    details: PersonDetails
    documents: tuple[KycDocument, ...]
    reviews: tuple[ReviewView, ...]


@attrs.frozen(kw_only=True)
class ChunkView:
    """A piece of a document."""

    document: KycDocument
    content: bytes = attrs.field(repr=False)


KycReply: TypeAlias = (
    KycStanding
    | DocumentBegun
    | Done
    | KycDocument
    | ApplicationQueue
    | ApplicationView
    | ChunkView
    | KycApplication
)


# --- What happened. No personal data. ----------------------------------------------------------


@attrs.frozen(kw_only=True)
class KycApplied:
    """Somebody applied for a level."""

    account_id: AccountId
    application_id: ApplicationId
    level: int


@attrs.frozen(kw_only=True)
class KycReviewed:
    """One of the staff approved or rejected; ``state`` is what follows."""

    account_id: AccountId
    application_id: ApplicationId
    by: AccountId
    approved: bool
    state: ApplicationState


@attrs.frozen(kw_only=True)
class DocumentUploaded:
    """A document is whole."""

    account_id: AccountId
    document_id: DocumentId


@attrs.frozen(kw_only=True)
class PersonalDataViewed:
    """One of the staff was shown personal data of an account; ``what`` names the record."""

    account_id: AccountId
    by: AccountId
    what: str


KycEvent: TypeAlias = KycApplied | KycReviewed | DocumentUploaded | PersonalDataViewed


# --- The rules. --------------------------------------------------------------------------------


def check_details(details: PersonDetails) -> None:
    """Refuse what nobody could check. Raises: Rejection KYC_DETAILS; it repeats nothing."""
    for field, text in (("name", details.name), ("address", details.address)):
        if not 1 < len(text.strip()) <= TEXT_CHARS_MAX or not text.isprintable():
            raise _details(field, f"2 to {TEXT_CHARS_MAX} printable characters")
    if _DATE.fullmatch(details.birth_date) is None:
        raise _details("birth_date", "YYYY-MM-DD")
    if _COUNTRY.fullmatch(details.country) is None:
        raise _details("country", "two letters, as ISO 3166-1 has them")


def check_application(level: int, papers: Collection[DocumentKind]) -> None:
    """Refuse a level that does not exist, or whose papers are not here.

    Raises: Rejection KYC_LEVEL, KYC_PAPERS.
    """
    needed = PAPERS.get(level)
    if needed is None:
        raise Rejection(
            Reason.KYC_LEVEL,
            "nobody can apply for this level",
            field="level",
            given=str(level),
            allowed=f"1 to {LEVEL_MAX}",
        )
    missing = sorted(needed.difference(papers))
    if missing:
        raise Rejection(
            Reason.KYC_PAPERS,
            "the level asks for documents that are not here",
            field="level",
            given=str(level),
            allowed=f"upload first: {', '.join(kind.name for kind in missing)}",
        )


def media_type_of(start: bytes) -> MediaType:
    """What a document is made of, by its first bytes. Raises: Rejection DOCUMENT_TYPE."""
    for media_type, magic in _MAGIC.items():
        if start.startswith(magic):
            return media_type
    raise Rejection(
        Reason.DOCUMENT_TYPE,
        "the document is of no type that is taken",
        field="content",
        allowed=", ".join(media_type.name for media_type in MediaType),
    )


def check_chunk(content: bytes, size_bytes: int) -> None:
    """Refuse a chunk, or what the document would grow to. Raises: Rejection DOCUMENT_SIZE."""
    if not 0 < len(content) <= CHUNK_BYTES_MAX:
        raise Rejection(
            Reason.DOCUMENT_SIZE,
            "the chunk is empty or too large",
            field="content",
            given=f"{len(content)} bytes",
            allowed=f"1 to {CHUNK_BYTES_MAX} bytes",
        )
    if size_bytes + len(content) > DOCUMENT_BYTES_MAX:
        raise Rejection(
            Reason.DOCUMENT_SIZE,
            "the document is too large",
            field="content",
            given=f"more than {DOCUMENT_BYTES_MAX} bytes",
            allowed=f"at most {DOCUMENT_BYTES_MAX} bytes",
        )


def review(
    application: KycApplication,
    reviews: Collection[KycReview],
    by: AccountId,
    *,
    approved: bool,
) -> ApplicationState:
    """What an application is after this review.

    Raises: Rejection REVIEW_STATE when it is decided, FOUR_EYES when ``by`` may not say.
    """
    if application.state not in UNDECIDED:
        raise Rejection(
            Reason.REVIEW_STATE,
            "the application is decided already",
            field="application_id",
            given=application.state.name,
            allowed="an application that is not decided",
        )
    if by == application.account_id:
        raise four_eyes("nobody decides about themselves")
    if not approved:
        return ApplicationState.REJECTED
    if any(each.reviewer == by for each in reviews):
        raise four_eyes("the second approval is for somebody else")
    approvals = sum(each.approved for each in reviews) + 1
    return ApplicationState.APPROVED if approvals >= APPROVALS_NEEDED else ApplicationState.SECONDED


def check_reason(reason: str) -> str:
    """Return a reason of the staff if it says something. Raises: Rejection FIELD_REQUIRED."""
    if not 0 < len(reason.strip()) <= REASON_CHARS_MAX:
        raise Rejection(
            Reason.FIELD_REQUIRED,
            "say why",
            field="reason",
            given=f"{len(reason)} characters",
            allowed=f"1 to {REASON_CHARS_MAX} characters",
        )
    return reason


def four_eyes(why: str) -> Rejection:
    """Another person has to say this."""
    return Rejection(Reason.FOUR_EYES, why, field="by", allowed="another one of the staff")


def _details(field: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.KYC_DETAILS,
        "this cannot be checked as it is",
        field=field,
        allowed=allowed,
    )
