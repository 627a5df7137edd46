from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeyAlgorithm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEY_ALGORITHM_UNSPECIFIED: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_ED25519: _ClassVar[KeyAlgorithm]
    KEY_ALGORITHM_HMAC_SHA256: _ClassVar[KeyAlgorithm]

class DelayedKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELAYED_KIND_UNSPECIFIED: _ClassVar[DelayedKind]
    DELAYED_KIND_UNFREEZE: _ClassVar[DelayedKind]
    DELAYED_KIND_ALLOW_LIST: _ClassVar[DelayedKind]
    DELAYED_KIND_EMAIL: _ClassVar[DelayedKind]
    DELAYED_KIND_SECOND_FACTOR: _ClassVar[DelayedKind]

class ActivityKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ACTIVITY_KIND_UNSPECIFIED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_ACCOUNT_OPENED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_LOGIN: _ClassVar[ActivityKind]
    ACTIVITY_KIND_LOGINS_FAILED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_SESSION_ENDED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_STEP_UP: _ClassVar[ActivityKind]
    ACTIVITY_KIND_CODE_WRONG: _ClassVar[ActivityKind]
    ACTIVITY_KIND_SECOND_FACTOR_ON: _ClassVar[ActivityKind]
    ACTIVITY_KIND_SECOND_FACTOR_OFF: _ClassVar[ActivityKind]
    ACTIVITY_KIND_RECOVERY_CODES_MADE: _ClassVar[ActivityKind]
    ACTIVITY_KIND_RECOVERY_CODE_USED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_KEY_MADE: _ClassVar[ActivityKind]
    ACTIVITY_KIND_KEY_ENDED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_PASSWORD_CHANGED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_PASSWORD_RECOVERED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_RECOVERY_ASKED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_EMAIL_CONFIRMED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_EMAIL_CHANGE_BEGUN: _ClassVar[ActivityKind]
    ACTIVITY_KIND_CHANGE_ASKED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_CHANGE_TAKEN_BACK: _ClassVar[ActivityKind]
    ACTIVITY_KIND_CHANGE_MADE: _ClassVar[ActivityKind]
    ACTIVITY_KIND_IMPEDIMENT_SET: _ClassVar[ActivityKind]
    ACTIVITY_KIND_IMPEDIMENT_LIFTED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_ROLE_GIVEN: _ClassVar[ActivityKind]
    ACTIVITY_KIND_ROLE_TAKEN: _ClassVar[ActivityKind]
    ACTIVITY_KIND_DATA_EXPORTED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_ERASURE_ASKED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_ERASURE_TAKEN_BACK: _ClassVar[ActivityKind]
    ACTIVITY_KIND_LEVEL_APPLIED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_DOCUMENT_UPLOADED: _ClassVar[ActivityKind]
    ACTIVITY_KIND_PROFILE_CHANGED: _ClassVar[ActivityKind]

class NoticeTopic(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NOTICE_TOPIC_UNSPECIFIED: _ClassVar[NoticeTopic]
    NOTICE_TOPIC_FILLS: _ClassVar[NoticeTopic]
    NOTICE_TOPIC_MONEY: _ClassVar[NoticeTopic]
    NOTICE_TOPIC_ALERTS: _ClassVar[NoticeTopic]
    NOTICE_TOPIC_STRATEGIES: _ClassVar[NoticeTopic]
    NOTICE_TOPIC_NEWS: _ClassVar[NoticeTopic]
KEY_ALGORITHM_UNSPECIFIED: KeyAlgorithm
KEY_ALGORITHM_ED25519: KeyAlgorithm
KEY_ALGORITHM_HMAC_SHA256: KeyAlgorithm
DELAYED_KIND_UNSPECIFIED: DelayedKind
DELAYED_KIND_UNFREEZE: DelayedKind
DELAYED_KIND_ALLOW_LIST: DelayedKind
DELAYED_KIND_EMAIL: DelayedKind
DELAYED_KIND_SECOND_FACTOR: DelayedKind
ACTIVITY_KIND_UNSPECIFIED: ActivityKind
ACTIVITY_KIND_ACCOUNT_OPENED: ActivityKind
ACTIVITY_KIND_LOGIN: ActivityKind
ACTIVITY_KIND_LOGINS_FAILED: ActivityKind
ACTIVITY_KIND_SESSION_ENDED: ActivityKind
ACTIVITY_KIND_STEP_UP: ActivityKind
ACTIVITY_KIND_CODE_WRONG: ActivityKind
ACTIVITY_KIND_SECOND_FACTOR_ON: ActivityKind
ACTIVITY_KIND_SECOND_FACTOR_OFF: ActivityKind
ACTIVITY_KIND_RECOVERY_CODES_MADE: ActivityKind
ACTIVITY_KIND_RECOVERY_CODE_USED: ActivityKind
ACTIVITY_KIND_KEY_MADE: ActivityKind
ACTIVITY_KIND_KEY_ENDED: ActivityKind
ACTIVITY_KIND_PASSWORD_CHANGED: ActivityKind
ACTIVITY_KIND_PASSWORD_RECOVERED: ActivityKind
ACTIVITY_KIND_RECOVERY_ASKED: ActivityKind
ACTIVITY_KIND_EMAIL_CONFIRMED: ActivityKind
ACTIVITY_KIND_EMAIL_CHANGE_BEGUN: ActivityKind
ACTIVITY_KIND_CHANGE_ASKED: ActivityKind
ACTIVITY_KIND_CHANGE_TAKEN_BACK: ActivityKind
ACTIVITY_KIND_CHANGE_MADE: ActivityKind
ACTIVITY_KIND_IMPEDIMENT_SET: ActivityKind
ACTIVITY_KIND_IMPEDIMENT_LIFTED: ActivityKind
ACTIVITY_KIND_ROLE_GIVEN: ActivityKind
ACTIVITY_KIND_ROLE_TAKEN: ActivityKind
ACTIVITY_KIND_DATA_EXPORTED: ActivityKind
ACTIVITY_KIND_ERASURE_ASKED: ActivityKind
ACTIVITY_KIND_ERASURE_TAKEN_BACK: ActivityKind
ACTIVITY_KIND_LEVEL_APPLIED: ActivityKind
ACTIVITY_KIND_DOCUMENT_UPLOADED: ActivityKind
ACTIVITY_KIND_PROFILE_CHANGED: ActivityKind
NOTICE_TOPIC_UNSPECIFIED: NoticeTopic
NOTICE_TOPIC_FILLS: NoticeTopic
NOTICE_TOPIC_MONEY: NoticeTopic
NOTICE_TOPIC_ALERTS: NoticeTopic
NOTICE_TOPIC_STRATEGIES: NoticeTopic
NOTICE_TOPIC_NEWS: NoticeTopic

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

class KeyCap(_message.Message):
    __slots__ = ("asset", "notional_per_day")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    NOTIONAL_PER_DAY_FIELD_NUMBER: _ClassVar[int]
    asset: str
    notional_per_day: str
    def __init__(self, asset: _Optional[str] = ..., notional_per_day: _Optional[str] = ...) -> None: ...

class KeyTerms(_message.Message):
    __slots__ = ("scopes", "symbols", "caps", "networks", "expires_at_ns")
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    CAPS_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    scopes: _containers.RepeatedScalarFieldContainer[_options_pb2.Scope]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    caps: _containers.RepeatedCompositeFieldContainer[KeyCap]
    networks: _containers.RepeatedScalarFieldContainer[str]
    expires_at_ns: int
    def __init__(self, scopes: _Optional[_Iterable[_Union[_options_pb2.Scope, str]]] = ..., symbols: _Optional[_Iterable[str]] = ..., caps: _Optional[_Iterable[_Union[KeyCap, _Mapping]]] = ..., networks: _Optional[_Iterable[str]] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

class ApiKey(_message.Message):
    __slots__ = ("key_id", "label", "algorithm", "public_key", "terms", "created_at_ns")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    label: str
    algorithm: KeyAlgorithm
    public_key: bytes
    terms: KeyTerms
    created_at_ns: int
    def __init__(self, key_id: _Optional[str] = ..., label: _Optional[str] = ..., algorithm: _Optional[_Union[KeyAlgorithm, str]] = ..., public_key: _Optional[bytes] = ..., terms: _Optional[_Union[KeyTerms, _Mapping]] = ..., created_at_ns: _Optional[int] = ...) -> None: ...

class CreateApiKeyRequest(_message.Message):
    __slots__ = ("label", "algorithm", "public_key", "terms")
    LABEL_FIELD_NUMBER: _ClassVar[int]
    ALGORITHM_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    label: str
    algorithm: KeyAlgorithm
    public_key: bytes
    terms: KeyTerms
    def __init__(self, label: _Optional[str] = ..., algorithm: _Optional[_Union[KeyAlgorithm, str]] = ..., public_key: _Optional[bytes] = ..., terms: _Optional[_Union[KeyTerms, _Mapping]] = ...) -> None: ...

class CreateApiKeyResponse(_message.Message):
    __slots__ = ("key", "secret")
    KEY_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    key: ApiKey
    secret: bytes
    def __init__(self, key: _Optional[_Union[ApiKey, _Mapping]] = ..., secret: _Optional[bytes] = ...) -> None: ...

class ListApiKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListApiKeysResponse(_message.Message):
    __slots__ = ("keys",)
    KEYS_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[ApiKey]
    def __init__(self, keys: _Optional[_Iterable[_Union[ApiKey, _Mapping]]] = ...) -> None: ...

class RevokeApiKeyRequest(_message.Message):
    __slots__ = ("key_id",)
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    def __init__(self, key_id: _Optional[str] = ...) -> None: ...

class RevokeApiKeyResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WhatCanThisKeyDoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class WhatCanThisKeyDoResponse(_message.Message):
    __slots__ = ("account_id", "key_id", "scopes", "impediments", "symbols", "caps_left", "expires_at_ns", "trading_until_ns", "withdrawing_from_ns", "address")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    IMPEDIMENTS_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    CAPS_LEFT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    TRADING_UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    WITHDRAWING_FROM_NS_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    key_id: str
    scopes: _containers.RepeatedScalarFieldContainer[_options_pb2.Scope]
    impediments: _containers.RepeatedScalarFieldContainer[_options_pb2.Impediment]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    caps_left: _containers.RepeatedCompositeFieldContainer[KeyCap]
    expires_at_ns: int
    trading_until_ns: int
    withdrawing_from_ns: int
    address: str
    def __init__(self, account_id: _Optional[str] = ..., key_id: _Optional[str] = ..., scopes: _Optional[_Iterable[_Union[_options_pb2.Scope, str]]] = ..., impediments: _Optional[_Iterable[_Union[_options_pb2.Impediment, str]]] = ..., symbols: _Optional[_Iterable[str]] = ..., caps_left: _Optional[_Iterable[_Union[KeyCap, _Mapping]]] = ..., expires_at_ns: _Optional[int] = ..., trading_until_ns: _Optional[int] = ..., withdrawing_from_ns: _Optional[int] = ..., address: _Optional[str] = ...) -> None: ...

class DelayedChange(_message.Message):
    __slots__ = ("kind", "due_at_ns", "networks", "email")
    KIND_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    kind: DelayedKind
    due_at_ns: int
    networks: _containers.RepeatedScalarFieldContainer[str]
    email: str
    def __init__(self, kind: _Optional[_Union[DelayedKind, str]] = ..., due_at_ns: _Optional[int] = ..., networks: _Optional[_Iterable[str]] = ..., email: _Optional[str] = ...) -> None: ...

class FreezeMyAccountRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FreezeMyAccountResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class FreezeByTokenRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class FreezeByTokenResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnfreezeMyAccountRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class UnfreezeMyAccountResponse(_message.Message):
    __slots__ = ("due_at_ns",)
    DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    due_at_ns: int
    def __init__(self, due_at_ns: _Optional[int] = ...) -> None: ...

class SetAllowListRequest(_message.Message):
    __slots__ = ("networks",)
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    networks: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, networks: _Optional[_Iterable[str]] = ...) -> None: ...

class SetAllowListResponse(_message.Message):
    __slots__ = ("due_at_ns",)
    DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    due_at_ns: int
    def __init__(self, due_at_ns: _Optional[int] = ...) -> None: ...

class GetGuardsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetGuardsResponse(_message.Message):
    __slots__ = ("networks", "delayed", "erasure_due_at_ns")
    NETWORKS_FIELD_NUMBER: _ClassVar[int]
    DELAYED_FIELD_NUMBER: _ClassVar[int]
    ERASURE_DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    networks: _containers.RepeatedScalarFieldContainer[str]
    delayed: _containers.RepeatedCompositeFieldContainer[DelayedChange]
    erasure_due_at_ns: int
    def __init__(self, networks: _Optional[_Iterable[str]] = ..., delayed: _Optional[_Iterable[_Union[DelayedChange, _Mapping]]] = ..., erasure_due_at_ns: _Optional[int] = ...) -> None: ...

class CancelDelayedChangeRequest(_message.Message):
    __slots__ = ("kind",)
    KIND_FIELD_NUMBER: _ClassVar[int]
    kind: DelayedKind
    def __init__(self, kind: _Optional[_Union[DelayedKind, str]] = ...) -> None: ...

class CancelDelayedChangeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StartEmailChangeRequest(_message.Message):
    __slots__ = ("email",)
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    email: str
    def __init__(self, email: _Optional[str] = ...) -> None: ...

class StartEmailChangeResponse(_message.Message):
    __slots__ = ("change_token", "expires_at_ns")
    CHANGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    change_token: str
    expires_at_ns: int
    def __init__(self, change_token: _Optional[str] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

class ConfirmEmailChangeRequest(_message.Message):
    __slots__ = ("change_token", "code")
    CHANGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    change_token: str
    code: str
    def __init__(self, change_token: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class ConfirmEmailChangeResponse(_message.Message):
    __slots__ = ("due_at_ns",)
    DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    due_at_ns: int
    def __init__(self, due_at_ns: _Optional[int] = ...) -> None: ...

class CancelEmailChangeRequest(_message.Message):
    __slots__ = ("token",)
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    token: str
    def __init__(self, token: _Optional[str] = ...) -> None: ...

class CancelEmailChangeResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Activity(_message.Message):
    __slots__ = ("kind", "at_ns", "subject", "count", "by_house", "address", "place", "device")
    KIND_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    BY_HOUSE_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_FIELD_NUMBER: _ClassVar[int]
    kind: ActivityKind
    at_ns: int
    subject: str
    count: int
    by_house: bool
    address: str
    place: str
    device: str
    def __init__(self, kind: _Optional[_Union[ActivityKind, str]] = ..., at_ns: _Optional[int] = ..., subject: _Optional[str] = ..., count: _Optional[int] = ..., by_house: _Optional[bool] = ..., address: _Optional[str] = ..., place: _Optional[str] = ..., device: _Optional[str] = ...) -> None: ...

class ListActivityRequest(_message.Message):
    __slots__ = ("kinds", "since_ns", "page_size", "page_token")
    KINDS_FIELD_NUMBER: _ClassVar[int]
    SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    kinds: _containers.RepeatedScalarFieldContainer[ActivityKind]
    since_ns: int
    page_size: int
    page_token: str
    def __init__(self, kinds: _Optional[_Iterable[_Union[ActivityKind, str]]] = ..., since_ns: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListActivityResponse(_message.Message):
    __slots__ = ("activities", "next_page_token")
    ACTIVITIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    activities: _containers.RepeatedCompositeFieldContainer[Activity]
    next_page_token: str
    def __init__(self, activities: _Optional[_Iterable[_Union[Activity, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StartEmailVerificationRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StartEmailVerificationResponse(_message.Message):
    __slots__ = ("verification_token", "expires_at_ns")
    VERIFICATION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    verification_token: str
    expires_at_ns: int
    def __init__(self, verification_token: _Optional[str] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

class ConfirmEmailRequest(_message.Message):
    __slots__ = ("verification_token", "code")
    VERIFICATION_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    verification_token: str
    code: str
    def __init__(self, verification_token: _Optional[str] = ..., code: _Optional[str] = ...) -> None: ...

class ConfirmEmailResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Profile(_message.Message):
    __slots__ = ("display_name", "time_zone", "base_currency", "letters_about")
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    BASE_CURRENCY_FIELD_NUMBER: _ClassVar[int]
    LETTERS_ABOUT_FIELD_NUMBER: _ClassVar[int]
    display_name: str
    time_zone: str
    base_currency: str
    letters_about: _containers.RepeatedScalarFieldContainer[NoticeTopic]
    def __init__(self, display_name: _Optional[str] = ..., time_zone: _Optional[str] = ..., base_currency: _Optional[str] = ..., letters_about: _Optional[_Iterable[_Union[NoticeTopic, str]]] = ...) -> None: ...

class GetProfileRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetProfileResponse(_message.Message):
    __slots__ = ("profile",)
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    profile: Profile
    def __init__(self, profile: _Optional[_Union[Profile, _Mapping]] = ...) -> None: ...

class UpdateProfileRequest(_message.Message):
    __slots__ = ("profile", "update_mask")
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    profile: Profile
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, profile: _Optional[_Union[Profile, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateProfileResponse(_message.Message):
    __slots__ = ("profile",)
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    profile: Profile
    def __init__(self, profile: _Optional[_Union[Profile, _Mapping]] = ...) -> None: ...
