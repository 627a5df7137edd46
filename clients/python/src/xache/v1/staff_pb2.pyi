from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import compliance_pb2 as _compliance_pb2
from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CaseKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_KIND_UNSPECIFIED: _ClassVar[CaseKind]
    CASE_KIND_SCREENING: _ClassVar[CaseKind]
    CASE_KIND_AML: _ClassVar[CaseKind]

class CaseState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_STATE_UNSPECIFIED: _ClassVar[CaseState]
    CASE_STATE_OPEN: _ClassVar[CaseState]
    CASE_STATE_ASSIGNED: _ClassVar[CaseState]
    CASE_STATE_PROPOSED: _ClassVar[CaseState]
    CASE_STATE_CLOSED: _ClassVar[CaseState]

class CaseOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CASE_OUTCOME_UNSPECIFIED: _ClassVar[CaseOutcome]
    CASE_OUTCOME_FALSE_ALARM: _ClassVar[CaseOutcome]
    CASE_OUTCOME_CONFIRMED: _ClassVar[CaseOutcome]
CASE_KIND_UNSPECIFIED: CaseKind
CASE_KIND_SCREENING: CaseKind
CASE_KIND_AML: CaseKind
CASE_STATE_UNSPECIFIED: CaseState
CASE_STATE_OPEN: CaseState
CASE_STATE_ASSIGNED: CaseState
CASE_STATE_PROPOSED: CaseState
CASE_STATE_CLOSED: CaseState
CASE_OUTCOME_UNSPECIFIED: CaseOutcome
CASE_OUTCOME_FALSE_ALARM: CaseOutcome
CASE_OUTCOME_CONFIRMED: CaseOutcome

class ListApplicationsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListApplicationsResponse(_message.Message):
    __slots__ = ("applications",)
    APPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    applications: _containers.RepeatedCompositeFieldContainer[_compliance_pb2.Application]
    def __init__(self, applications: _Optional[_Iterable[_Union[_compliance_pb2.Application, _Mapping]]] = ...) -> None: ...

class ViewApplicationRequest(_message.Message):
    __slots__ = ("application_id",)
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    application_id: str
    def __init__(self, application_id: _Optional[str] = ...) -> None: ...

class ViewApplicationResponse(_message.Message):
    __slots__ = ("application", "details", "documents", "reviews")
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    REVIEWS_FIELD_NUMBER: _ClassVar[int]
    application: _compliance_pb2.Application
    details: _compliance_pb2.PersonDetails
    documents: _containers.RepeatedCompositeFieldContainer[_compliance_pb2.Document]
    reviews: _containers.RepeatedCompositeFieldContainer[Review]
    def __init__(self, application: _Optional[_Union[_compliance_pb2.Application, _Mapping]] = ..., details: _Optional[_Union[_compliance_pb2.PersonDetails, _Mapping]] = ..., documents: _Optional[_Iterable[_Union[_compliance_pb2.Document, _Mapping]]] = ..., reviews: _Optional[_Iterable[_Union[Review, _Mapping]]] = ...) -> None: ...

class Review(_message.Message):
    __slots__ = ("reviewer", "approved", "reason", "at_ns")
    REVIEWER_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    reviewer: str
    approved: bool
    reason: str
    at_ns: int
    def __init__(self, reviewer: _Optional[str] = ..., approved: _Optional[bool] = ..., reason: _Optional[str] = ..., at_ns: _Optional[int] = ...) -> None: ...

class ViewDocumentRequest(_message.Message):
    __slots__ = ("document_id",)
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    document_id: str
    def __init__(self, document_id: _Optional[str] = ...) -> None: ...

class ViewDocumentResponse(_message.Message):
    __slots__ = ("document", "content", "shutdown")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    document: _compliance_pb2.Document
    content: bytes
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, document: _Optional[_Union[_compliance_pb2.Document, _Mapping]] = ..., content: _Optional[bytes] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...

class ReviewApplicationRequest(_message.Message):
    __slots__ = ("application_id", "approved", "reason")
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    APPROVED_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    application_id: str
    approved: bool
    reason: str
    def __init__(self, application_id: _Optional[str] = ..., approved: _Optional[bool] = ..., reason: _Optional[str] = ...) -> None: ...

class ReviewApplicationResponse(_message.Message):
    __slots__ = ("application",)
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    application: _compliance_pb2.Application
    def __init__(self, application: _Optional[_Union[_compliance_pb2.Application, _Mapping]] = ...) -> None: ...

class Case(_message.Message):
    __slots__ = ("case_id", "account_id", "kind", "state", "serious", "outcome", "assignee", "proposed_by", "decided_by", "opened_at_ns", "closed_at_ns")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SERIOUS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ASSIGNEE_FIELD_NUMBER: _ClassVar[int]
    PROPOSED_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDED_BY_FIELD_NUMBER: _ClassVar[int]
    OPENED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    account_id: str
    kind: CaseKind
    state: CaseState
    serious: bool
    outcome: CaseOutcome
    assignee: str
    proposed_by: str
    decided_by: str
    opened_at_ns: int
    closed_at_ns: int
    def __init__(self, case_id: _Optional[str] = ..., account_id: _Optional[str] = ..., kind: _Optional[_Union[CaseKind, str]] = ..., state: _Optional[_Union[CaseState, str]] = ..., serious: _Optional[bool] = ..., outcome: _Optional[_Union[CaseOutcome, str]] = ..., assignee: _Optional[str] = ..., proposed_by: _Optional[str] = ..., decided_by: _Optional[str] = ..., opened_at_ns: _Optional[int] = ..., closed_at_ns: _Optional[int] = ...) -> None: ...

class ListCasesRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class ListCasesResponse(_message.Message):
    __slots__ = ("cases",)
    CASES_FIELD_NUMBER: _ClassVar[int]
    cases: _containers.RepeatedCompositeFieldContainer[Case]
    def __init__(self, cases: _Optional[_Iterable[_Union[Case, _Mapping]]] = ...) -> None: ...

class ViewCaseRequest(_message.Message):
    __slots__ = ("case_id",)
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    def __init__(self, case_id: _Optional[str] = ...) -> None: ...

class ViewCaseResponse(_message.Message):
    __slots__ = ("case", "facts", "reason")
    CASE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    case: Case
    facts: str
    reason: str
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ..., facts: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class AssignCaseRequest(_message.Message):
    __slots__ = ("case_id", "assignee")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    ASSIGNEE_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    assignee: str
    def __init__(self, case_id: _Optional[str] = ..., assignee: _Optional[str] = ...) -> None: ...

class AssignCaseResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Case
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ...) -> None: ...

class DecideCaseRequest(_message.Message):
    __slots__ = ("case_id", "outcome", "reason")
    CASE_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    case_id: str
    outcome: CaseOutcome
    reason: str
    def __init__(self, case_id: _Optional[str] = ..., outcome: _Optional[_Union[CaseOutcome, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class DecideCaseResponse(_message.Message):
    __slots__ = ("case",)
    CASE_FIELD_NUMBER: _ClassVar[int]
    case: Case
    def __init__(self, case: _Optional[_Union[Case, _Mapping]] = ...) -> None: ...

class ImportWatchlistRequest(_message.Message):
    __slots__ = ("name", "content", "digest")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    digest: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ..., digest: _Optional[bytes] = ...) -> None: ...

class ImportWatchlistResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: int
    def __init__(self, entries: _Optional[int] = ...) -> None: ...

class FindAccountRequest(_message.Message):
    __slots__ = ("account_id", "email")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    email: str
    def __init__(self, account_id: _Optional[str] = ..., email: _Optional[str] = ...) -> None: ...

class FindAccountResponse(_message.Message):
    __slots__ = ("account_id", "email", "roles", "created_at_ns", "sessions", "open_cases", "erasure_due_at_ns", "purses", "frozen_purses")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    OPEN_CASES_FIELD_NUMBER: _ClassVar[int]
    ERASURE_DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    PURSES_FIELD_NUMBER: _ClassVar[int]
    FROZEN_PURSES_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    email: str
    roles: _containers.RepeatedScalarFieldContainer[_options_pb2.Role]
    created_at_ns: int
    sessions: int
    open_cases: int
    erasure_due_at_ns: int
    purses: int
    frozen_purses: int
    def __init__(self, account_id: _Optional[str] = ..., email: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[_options_pb2.Role, str]]] = ..., created_at_ns: _Optional[int] = ..., sessions: _Optional[int] = ..., open_cases: _Optional[int] = ..., erasure_due_at_ns: _Optional[int] = ..., purses: _Optional[int] = ..., frozen_purses: _Optional[int] = ...) -> None: ...

class FreezeAccountRequest(_message.Message):
    __slots__ = ("account_id", "frozen", "cause")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    frozen: bool
    cause: str
    def __init__(self, account_id: _Optional[str] = ..., frozen: _Optional[bool] = ..., cause: _Optional[str] = ...) -> None: ...

class FreezeAccountResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class PublishDisclosureRequest(_message.Message):
    __slots__ = ("name", "title", "text", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    title: str
    text: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class PublishDisclosureResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class RetireDisclosureRequest(_message.Message):
    __slots__ = ("name", "cause", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    cause: str
    request_id: str
    def __init__(self, name: _Optional[str] = ..., cause: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class RetireDisclosureResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class ReportTradesRequest(_message.Message):
    __slots__ = ("account_id", "from_ns", "to_ns")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    from_ns: int
    to_ns: int
    def __init__(self, account_id: _Optional[str] = ..., from_ns: _Optional[int] = ..., to_ns: _Optional[int] = ...) -> None: ...

class ReportTradesResponse(_message.Message):
    __slots__ = ("content", "shutdown")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, content: _Optional[bytes] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...
