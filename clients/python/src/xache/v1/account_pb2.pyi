from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetAccountRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetAccountResponse(_message.Message):
    __slots__ = ("account_id", "email", "roles", "created_at_ns")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    email: str
    roles: _containers.RepeatedScalarFieldContainer[_options_pb2.Role]
    created_at_ns: int
    def __init__(self, account_id: _Optional[str] = ..., email: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[_options_pb2.Role, str]]] = ..., created_at_ns: _Optional[int] = ...) -> None: ...

class GetFeesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetFeesResponse(_message.Message):
    __slots__ = ("standings",)
    STANDINGS_FIELD_NUMBER: _ClassVar[int]
    standings: _containers.RepeatedCompositeFieldContainer[FeeStanding]
    def __init__(self, standings: _Optional[_Iterable[_Union[FeeStanding, _Mapping]]] = ...) -> None: ...

class FeeStanding(_message.Message):
    __slots__ = ("asset", "volume_30d", "tier", "next_tier")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    VOLUME_30D_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    NEXT_TIER_FIELD_NUMBER: _ClassVar[int]
    asset: str
    volume_30d: str
    tier: _types_pb2.FeeTier
    next_tier: _types_pb2.FeeTier
    def __init__(self, asset: _Optional[str] = ..., volume_30d: _Optional[str] = ..., tier: _Optional[_Union[_types_pb2.FeeTier, _Mapping]] = ..., next_tier: _Optional[_Union[_types_pb2.FeeTier, _Mapping]] = ...) -> None: ...

class ListSubaccountsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSubaccountsResponse(_message.Message):
    __slots__ = ("subaccounts",)
    SUBACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    subaccounts: _containers.RepeatedCompositeFieldContainer[Subaccount]
    def __init__(self, subaccounts: _Optional[_Iterable[_Union[Subaccount, _Mapping]]] = ...) -> None: ...

class OpenSubaccountRequest(_message.Message):
    __slots__ = ("subaccount", "request_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    request_id: str
    def __init__(self, subaccount: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class OpenSubaccountResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class Subaccount(_message.Message):
    __slots__ = ("name", "frozen", "simulated")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    name: str
    frozen: bool
    simulated: bool
    def __init__(self, name: _Optional[str] = ..., frozen: _Optional[bool] = ..., simulated: _Optional[bool] = ...) -> None: ...
