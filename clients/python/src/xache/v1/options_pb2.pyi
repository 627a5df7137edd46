from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Access(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACCESS_UNSPECIFIED: _ClassVar[Access]
    ACCESS_PUBLIC: _ClassVar[Access]
    ACCESS_SESSION: _ClassVar[Access]

class Scope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCOPE_UNSPECIFIED: _ClassVar[Scope]
    SCOPE_READ: _ClassVar[Scope]
    SCOPE_TRADE: _ClassVar[Scope]
    SCOPE_WITHDRAW: _ClassVar[Scope]
    SCOPE_ACCOUNT: _ClassVar[Scope]
    SCOPE_ADMIN: _ClassVar[Scope]

class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROLE_UNSPECIFIED: _ClassVar[Role]
    ROLE_USER: _ClassVar[Role]
    ROLE_SUPPORT: _ClassVar[Role]
    ROLE_COMPLIANCE: _ClassVar[Role]
    ROLE_OPERATOR: _ClassVar[Role]
    ROLE_ADMIN: _ClassVar[Role]

class Impediment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMPEDIMENT_UNSPECIFIED: _ClassVar[Impediment]
    IMPEDIMENT_UNVERIFIED: _ClassVar[Impediment]
    IMPEDIMENT_FROZEN: _ClassVar[Impediment]
    IMPEDIMENT_SUSPENDED: _ClassVar[Impediment]

class Privacy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIVACY_UNSPECIFIED: _ClassVar[Privacy]
    PRIVACY_PERSONAL: _ClassVar[Privacy]
    PRIVACY_SECRET: _ClassVar[Privacy]
ACCESS_UNSPECIFIED: Access
ACCESS_PUBLIC: Access
ACCESS_SESSION: Access
SCOPE_UNSPECIFIED: Scope
SCOPE_READ: Scope
SCOPE_TRADE: Scope
SCOPE_WITHDRAW: Scope
SCOPE_ACCOUNT: Scope
SCOPE_ADMIN: Scope
ROLE_UNSPECIFIED: Role
ROLE_USER: Role
ROLE_SUPPORT: Role
ROLE_COMPLIANCE: Role
ROLE_OPERATOR: Role
ROLE_ADMIN: Role
IMPEDIMENT_UNSPECIFIED: Impediment
IMPEDIMENT_UNVERIFIED: Impediment
IMPEDIMENT_FROZEN: Impediment
IMPEDIMENT_SUSPENDED: Impediment
PRIVACY_UNSPECIFIED: Privacy
PRIVACY_PERSONAL: Privacy
PRIVACY_SECRET: Privacy
AUTHORIZATION_FIELD_NUMBER: _ClassVar[int]
authorization: _descriptor.FieldDescriptor
PRIVACY_FIELD_NUMBER: _ClassVar[int]
privacy: _descriptor.FieldDescriptor
FOR_ROLES_FIELD_NUMBER: _ClassVar[int]
for_roles: _descriptor.FieldDescriptor

class Authorization(_message.Message):
    __slots__ = ("access", "scopes", "roles", "owner_field", "step_up", "api_key", "despite", "urgent")
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_FIELD_NUMBER: _ClassVar[int]
    STEP_UP_FIELD_NUMBER: _ClassVar[int]
    API_KEY_FIELD_NUMBER: _ClassVar[int]
    DESPITE_FIELD_NUMBER: _ClassVar[int]
    URGENT_FIELD_NUMBER: _ClassVar[int]
    access: Access
    scopes: _containers.RepeatedScalarFieldContainer[Scope]
    roles: _containers.RepeatedScalarFieldContainer[Role]
    owner_field: str
    step_up: bool
    api_key: bool
    despite: _containers.RepeatedScalarFieldContainer[Impediment]
    urgent: bool
    def __init__(self, access: _Optional[_Union[Access, str]] = ..., scopes: _Optional[_Iterable[_Union[Scope, str]]] = ..., roles: _Optional[_Iterable[_Union[Role, str]]] = ..., owner_field: _Optional[str] = ..., step_up: _Optional[bool] = ..., api_key: _Optional[bool] = ..., despite: _Optional[_Iterable[_Union[Impediment, str]]] = ..., urgent: _Optional[bool] = ...) -> None: ...
