from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ApplicationState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    APPLICATION_STATE_UNSPECIFIED: _ClassVar[ApplicationState]
    APPLICATION_STATE_SUBMITTED: _ClassVar[ApplicationState]
    APPLICATION_STATE_SECONDED: _ClassVar[ApplicationState]
    APPLICATION_STATE_APPROVED: _ClassVar[ApplicationState]
    APPLICATION_STATE_REJECTED: _ClassVar[ApplicationState]

class DocumentKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOCUMENT_KIND_UNSPECIFIED: _ClassVar[DocumentKind]
    DOCUMENT_KIND_IDENTITY: _ClassVar[DocumentKind]
    DOCUMENT_KIND_ADDRESS: _ClassVar[DocumentKind]
    DOCUMENT_KIND_FUNDS: _ClassVar[DocumentKind]

class MediaType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEDIA_TYPE_UNSPECIFIED: _ClassVar[MediaType]
    MEDIA_TYPE_PDF: _ClassVar[MediaType]
    MEDIA_TYPE_JPEG: _ClassVar[MediaType]
    MEDIA_TYPE_PNG: _ClassVar[MediaType]
APPLICATION_STATE_UNSPECIFIED: ApplicationState
APPLICATION_STATE_SUBMITTED: ApplicationState
APPLICATION_STATE_SECONDED: ApplicationState
APPLICATION_STATE_APPROVED: ApplicationState
APPLICATION_STATE_REJECTED: ApplicationState
DOCUMENT_KIND_UNSPECIFIED: DocumentKind
DOCUMENT_KIND_IDENTITY: DocumentKind
DOCUMENT_KIND_ADDRESS: DocumentKind
DOCUMENT_KIND_FUNDS: DocumentKind
MEDIA_TYPE_UNSPECIFIED: MediaType
MEDIA_TYPE_PDF: MediaType
MEDIA_TYPE_JPEG: MediaType
MEDIA_TYPE_PNG: MediaType

class GetLimitsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetLimitsResponse(_message.Message):
    __slots__ = ("level", "limited", "limits", "levels")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    LIMITED_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    level: int
    limited: bool
    limits: _containers.RepeatedCompositeFieldContainer[DayLimit]
    levels: _containers.RepeatedCompositeFieldContainer[LevelTerms]
    def __init__(self, level: _Optional[int] = ..., limited: _Optional[bool] = ..., limits: _Optional[_Iterable[_Union[DayLimit, _Mapping]]] = ..., levels: _Optional[_Iterable[_Union[LevelTerms, _Mapping]]] = ...) -> None: ...

class LevelTerms(_message.Message):
    __slots__ = ("level", "open", "papers", "limits")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    PAPERS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    level: int
    open: bool
    papers: _containers.RepeatedScalarFieldContainer[DocumentKind]
    limits: _containers.RepeatedCompositeFieldContainer[DayLimit]
    def __init__(self, level: _Optional[int] = ..., open: _Optional[bool] = ..., papers: _Optional[_Iterable[_Union[DocumentKind, str]]] = ..., limits: _Optional[_Iterable[_Union[DayLimit, _Mapping]]] = ...) -> None: ...

class DayLimit(_message.Message):
    __slots__ = ("asset", "deposit", "deposited", "trade", "traded", "withdraw")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    DEPOSIT_FIELD_NUMBER: _ClassVar[int]
    DEPOSITED_FIELD_NUMBER: _ClassVar[int]
    TRADE_FIELD_NUMBER: _ClassVar[int]
    TRADED_FIELD_NUMBER: _ClassVar[int]
    WITHDRAW_FIELD_NUMBER: _ClassVar[int]
    asset: str
    deposit: str
    deposited: str
    trade: str
    traded: str
    withdraw: str
    def __init__(self, asset: _Optional[str] = ..., deposit: _Optional[str] = ..., deposited: _Optional[str] = ..., trade: _Optional[str] = ..., traded: _Optional[str] = ..., withdraw: _Optional[str] = ...) -> None: ...

class Application(_message.Message):
    __slots__ = ("application_id", "account_id", "level", "state", "created_at_ns", "decided_at_ns", "reason")
    APPLICATION_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    application_id: str
    account_id: str
    level: int
    state: ApplicationState
    created_at_ns: int
    decided_at_ns: int
    reason: str
    def __init__(self, application_id: _Optional[str] = ..., account_id: _Optional[str] = ..., level: _Optional[int] = ..., state: _Optional[_Union[ApplicationState, str]] = ..., created_at_ns: _Optional[int] = ..., decided_at_ns: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class Document(_message.Message):
    __slots__ = ("document_id", "kind", "media_type", "size_bytes", "created_at_ns")
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    document_id: str
    kind: DocumentKind
    media_type: MediaType
    size_bytes: int
    created_at_ns: int
    def __init__(self, document_id: _Optional[str] = ..., kind: _Optional[_Union[DocumentKind, str]] = ..., media_type: _Optional[_Union[MediaType, str]] = ..., size_bytes: _Optional[int] = ..., created_at_ns: _Optional[int] = ...) -> None: ...

class GetKycRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetKycResponse(_message.Message):
    __slots__ = ("applications", "documents")
    APPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    applications: _containers.RepeatedCompositeFieldContainer[Application]
    documents: _containers.RepeatedCompositeFieldContainer[Document]
    def __init__(self, applications: _Optional[_Iterable[_Union[Application, _Mapping]]] = ..., documents: _Optional[_Iterable[_Union[Document, _Mapping]]] = ...) -> None: ...

class PersonDetails(_message.Message):
    __slots__ = ("name", "birth_date", "country", "address")
    NAME_FIELD_NUMBER: _ClassVar[int]
    BIRTH_DATE_FIELD_NUMBER: _ClassVar[int]
    COUNTRY_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    name: str
    birth_date: str
    country: str
    address: str
    def __init__(self, name: _Optional[str] = ..., birth_date: _Optional[str] = ..., country: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class ApplyForLevelRequest(_message.Message):
    __slots__ = ("level", "details")
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    level: int
    details: PersonDetails
    def __init__(self, level: _Optional[int] = ..., details: _Optional[_Union[PersonDetails, _Mapping]] = ...) -> None: ...

class ApplyForLevelResponse(_message.Message):
    __slots__ = ("application",)
    APPLICATION_FIELD_NUMBER: _ClassVar[int]
    application: Application
    def __init__(self, application: _Optional[_Union[Application, _Mapping]] = ...) -> None: ...

class UploadDocumentRequest(_message.Message):
    __slots__ = ("kind", "content")
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    kind: DocumentKind
    content: bytes
    def __init__(self, kind: _Optional[_Union[DocumentKind, str]] = ..., content: _Optional[bytes] = ...) -> None: ...

class UploadDocumentResponse(_message.Message):
    __slots__ = ("document",)
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    document: Document
    def __init__(self, document: _Optional[_Union[Document, _Mapping]] = ...) -> None: ...

class ListDisclosuresRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListDisclosuresResponse(_message.Message):
    __slots__ = ("disclosures",)
    DISCLOSURES_FIELD_NUMBER: _ClassVar[int]
    disclosures: _containers.RepeatedCompositeFieldContainer[Disclosure]
    def __init__(self, disclosures: _Optional[_Iterable[_Union[Disclosure, _Mapping]]] = ...) -> None: ...

class Disclosure(_message.Message):
    __slots__ = ("name", "version", "title", "text", "accepted_version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    title: str
    text: str
    accepted_version: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., accepted_version: _Optional[int] = ...) -> None: ...

class AcceptDisclosureRequest(_message.Message):
    __slots__ = ("name", "version", "request_id")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: int
    request_id: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[int] = ..., request_id: _Optional[str] = ...) -> None: ...

class AcceptDisclosureResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class ExportDataRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportDataResponse(_message.Message):
    __slots__ = ("name", "content", "shutdown")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...

class RequestErasureRequest(_message.Message):
    __slots__ = ("forfeit",)
    FORFEIT_FIELD_NUMBER: _ClassVar[int]
    forfeit: bool
    def __init__(self, forfeit: _Optional[bool] = ...) -> None: ...

class RequestErasureResponse(_message.Message):
    __slots__ = ("due_at_ns",)
    DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    due_at_ns: int
    def __init__(self, due_at_ns: _Optional[int] = ...) -> None: ...

class CancelErasureRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CancelErasureResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportTradesRequest(_message.Message):
    __slots__ = ("from_ns", "to_ns")
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    from_ns: int
    to_ns: int
    def __init__(self, from_ns: _Optional[int] = ..., to_ns: _Optional[int] = ...) -> None: ...

class ExportTradesResponse(_message.Message):
    __slots__ = ("content", "shutdown")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, content: _Optional[bytes] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...
