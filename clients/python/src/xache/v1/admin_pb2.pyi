from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import risk_pb2 as _risk_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AuditKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_KIND_UNSPECIFIED: _ClassVar[AuditKind]
    AUDIT_KIND_ACTION: _ClassVar[AuditKind]
    AUDIT_KIND_LOGINS_FAILED: _ClassVar[AuditKind]
    AUDIT_KIND_CALLS_DENIED: _ClassVar[AuditKind]

class PluginKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_KIND_UNSPECIFIED: _ClassVar[PluginKind]
    PLUGIN_KIND_STRATEGY: _ClassVar[PluginKind]
    PLUGIN_KIND_SIGNAL: _ClassVar[PluginKind]
    PLUGIN_KIND_FEED: _ClassVar[PluginKind]
    PLUGIN_KIND_NOTIFIER: _ClassVar[PluginKind]

class PluginState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_STATE_UNSPECIFIED: _ClassVar[PluginState]
    PLUGIN_STATE_NOT_INSTALLED: _ClassVar[PluginState]
    PLUGIN_STATE_AMBIGUOUS: _ClassVar[PluginState]
    PLUGIN_STATE_QUARANTINED: _ClassVar[PluginState]
    PLUGIN_STATE_CONFIGURED: _ClassVar[PluginState]
    PLUGIN_STATE_NOT_APPROVED: _ClassVar[PluginState]
    PLUGIN_STATE_CHANGED: _ClassVar[PluginState]
    PLUGIN_STATE_APPROVED: _ClassVar[PluginState]

class LookAheadCheck(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LOOK_AHEAD_CHECK_UNSPECIFIED: _ClassVar[LookAheadCheck]
    LOOK_AHEAD_CHECK_PASSED: _ClassVar[LookAheadCheck]
    LOOK_AHEAD_CHECK_NOT_APPLICABLE: _ClassVar[LookAheadCheck]
    LOOK_AHEAD_CHECK_NOT_CHECKED: _ClassVar[LookAheadCheck]
AUDIT_KIND_UNSPECIFIED: AuditKind
AUDIT_KIND_ACTION: AuditKind
AUDIT_KIND_LOGINS_FAILED: AuditKind
AUDIT_KIND_CALLS_DENIED: AuditKind
PLUGIN_KIND_UNSPECIFIED: PluginKind
PLUGIN_KIND_STRATEGY: PluginKind
PLUGIN_KIND_SIGNAL: PluginKind
PLUGIN_KIND_FEED: PluginKind
PLUGIN_KIND_NOTIFIER: PluginKind
PLUGIN_STATE_UNSPECIFIED: PluginState
PLUGIN_STATE_NOT_INSTALLED: PluginState
PLUGIN_STATE_AMBIGUOUS: PluginState
PLUGIN_STATE_QUARANTINED: PluginState
PLUGIN_STATE_CONFIGURED: PluginState
PLUGIN_STATE_NOT_APPROVED: PluginState
PLUGIN_STATE_CHANGED: PluginState
PLUGIN_STATE_APPROVED: PluginState
LOOK_AHEAD_CHECK_UNSPECIFIED: LookAheadCheck
LOOK_AHEAD_CHECK_PASSED: LookAheadCheck
LOOK_AHEAD_CHECK_NOT_APPLICABLE: LookAheadCheck
LOOK_AHEAD_CHECK_NOT_CHECKED: LookAheadCheck

class BootstrapAdminRequest(_message.Message):
    __slots__ = ("token", "email", "password")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    token: str
    email: str
    password: str
    def __init__(self, token: _Optional[str] = ..., email: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class BootstrapAdminResponse(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class SetRoleRequest(_message.Message):
    __slots__ = ("account_id", "role", "granted")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    GRANTED_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    role: _options_pb2.Role
    granted: bool
    def __init__(self, account_id: _Optional[str] = ..., role: _Optional[_Union[_options_pb2.Role, str]] = ..., granted: _Optional[bool] = ...) -> None: ...

class SetRoleResponse(_message.Message):
    __slots__ = ("roles",)
    ROLES_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedScalarFieldContainer[_options_pb2.Role]
    def __init__(self, roles: _Optional[_Iterable[_Union[_options_pb2.Role, str]]] = ...) -> None: ...

class SetImpedimentRequest(_message.Message):
    __slots__ = ("account_id", "impediment", "stands")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    IMPEDIMENT_FIELD_NUMBER: _ClassVar[int]
    STANDS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    impediment: _options_pb2.Impediment
    stands: bool
    def __init__(self, account_id: _Optional[str] = ..., impediment: _Optional[_Union[_options_pb2.Impediment, str]] = ..., stands: _Optional[bool] = ...) -> None: ...

class SetImpedimentResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class EndSessionsRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class EndSessionsResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RotateKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class RotateKeysResponse(_message.Message):
    __slots__ = ("epoch", "rewrapped")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    REWRAPPED_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    rewrapped: int
    def __init__(self, epoch: _Optional[int] = ..., rewrapped: _Optional[int] = ...) -> None: ...

class RotateUserKeysRequest(_message.Message):
    __slots__ = ("account_id",)
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    def __init__(self, account_id: _Optional[str] = ...) -> None: ...

class RotateUserKeysResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAssetRequest(_message.Message):
    __slots__ = ("asset", "request_id")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    asset: _types_pb2.Asset
    request_id: str
    def __init__(self, asset: _Optional[_Union[_types_pb2.Asset, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ListAssetResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class ListInstrumentRequest(_message.Message):
    __slots__ = ("instrument", "request_id")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    instrument: _types_pb2.Instrument
    request_id: str
    def __init__(self, instrument: _Optional[_Union[_types_pb2.Instrument, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ListInstrumentResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class ChangeInstrumentRequest(_message.Message):
    __slots__ = ("instrument", "request_id")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    instrument: _types_pb2.Instrument
    request_id: str
    def __init__(self, instrument: _Optional[_Union[_types_pb2.Instrument, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class ChangeInstrumentResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class DelistInstrumentRequest(_message.Message):
    __slots__ = ("symbol", "cause", "request_id")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    cause: str
    request_id: str
    def __init__(self, symbol: _Optional[str] = ..., cause: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DelistInstrumentResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class DelistAssetRequest(_message.Message):
    __slots__ = ("asset", "cause", "request_id")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    asset: str
    cause: str
    request_id: str
    def __init__(self, asset: _Optional[str] = ..., cause: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DelistAssetResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class GetFeeTiersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetFeeTiersResponse(_message.Message):
    __slots__ = ("tiers",)
    TIERS_FIELD_NUMBER: _ClassVar[int]
    tiers: _containers.RepeatedCompositeFieldContainer[_types_pb2.FeeTier]
    def __init__(self, tiers: _Optional[_Iterable[_Union[_types_pb2.FeeTier, _Mapping]]] = ...) -> None: ...

class SetFeeTiersRequest(_message.Message):
    __slots__ = ("tiers", "request_id")
    TIERS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    tiers: _containers.RepeatedCompositeFieldContainer[_types_pb2.FeeTier]
    request_id: str
    def __init__(self, tiers: _Optional[_Iterable[_Union[_types_pb2.FeeTier, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetFeeTiersResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class SetMarketStateRequest(_message.Message):
    __slots__ = ("symbol", "state", "cause", "request_id")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    state: _types_pb2.MarketState
    cause: str
    request_id: str
    def __init__(self, symbol: _Optional[str] = ..., state: _Optional[_Union[_types_pb2.MarketState, str]] = ..., cause: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetMarketStateResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class SetMarkRequest(_message.Message):
    __slots__ = ("symbol", "price", "request_id")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    price: str
    request_id: str
    def __init__(self, symbol: _Optional[str] = ..., price: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetMarkResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class SetRiskLimitsRequest(_message.Message):
    __slots__ = ("account_id", "subaccount", "max_open_orders", "max_order_notional", "request_id")
    class MaxOrderNotionalEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    subaccount: str
    max_open_orders: int
    max_order_notional: _containers.ScalarMap[str, str]
    request_id: str
    def __init__(self, account_id: _Optional[str] = ..., subaccount: _Optional[str] = ..., max_open_orders: _Optional[int] = ..., max_order_notional: _Optional[_Mapping[str, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetRiskLimitsResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class SetHaltRequest(_message.Message):
    __slots__ = ("halted", "cause", "request_id")
    HALTED_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    halted: bool
    cause: str
    request_id: str
    def __init__(self, halted: _Optional[bool] = ..., cause: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetHaltResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class OpenPurseRequest(_message.Message):
    __slots__ = ("account_id", "subaccount", "simulated", "request_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    subaccount: str
    simulated: bool
    request_id: str
    def __init__(self, account_id: _Optional[str] = ..., subaccount: _Optional[str] = ..., simulated: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class OpenPurseResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class FreezePurseRequest(_message.Message):
    __slots__ = ("account_id", "subaccount", "frozen", "cause", "request_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    subaccount: str
    frozen: bool
    cause: str
    request_id: str
    def __init__(self, account_id: _Optional[str] = ..., subaccount: _Optional[str] = ..., frozen: _Optional[bool] = ..., cause: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class FreezePurseResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class SetTradeGroupRequest(_message.Message):
    __slots__ = ("account_id", "group", "cause", "request_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    group: str
    cause: str
    request_id: str
    def __init__(self, account_id: _Optional[str] = ..., group: _Optional[str] = ..., cause: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetTradeGroupResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class DepositRequest(_message.Message):
    __slots__ = ("account_id", "subaccount", "asset", "amount", "request_id")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    subaccount: str
    asset: str
    amount: str
    request_id: str
    def __init__(self, account_id: _Optional[str] = ..., subaccount: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class DepositResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class GetIntegrityRequest(_message.Message):
    __slots__ = ("account_id", "limit")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    limit: int
    def __init__(self, account_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class GetIntegrityResponse(_message.Message):
    __slots__ = ("accounts", "as_of_seq")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[Conduct]
    as_of_seq: int
    def __init__(self, accounts: _Optional[_Iterable[_Union[Conduct, _Mapping]]] = ..., as_of_seq: _Optional[int] = ...) -> None: ...

class Conduct(_message.Message):
    __slots__ = ("account_id", "orders", "messages", "fills", "messages_per_fill_ppm", "self_matches", "self_match_seqs", "layerings", "layering_evidence")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_PER_FILL_PPM_FIELD_NUMBER: _ClassVar[int]
    SELF_MATCHES_FIELD_NUMBER: _ClassVar[int]
    SELF_MATCH_SEQS_FIELD_NUMBER: _ClassVar[int]
    LAYERINGS_FIELD_NUMBER: _ClassVar[int]
    LAYERING_EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    orders: int
    messages: int
    fills: int
    messages_per_fill_ppm: int
    self_matches: int
    self_match_seqs: _containers.RepeatedScalarFieldContainer[int]
    layerings: int
    layering_evidence: _containers.RepeatedCompositeFieldContainer[Layering]
    def __init__(self, account_id: _Optional[str] = ..., orders: _Optional[int] = ..., messages: _Optional[int] = ..., fills: _Optional[int] = ..., messages_per_fill_ppm: _Optional[int] = ..., self_matches: _Optional[int] = ..., self_match_seqs: _Optional[_Iterable[int]] = ..., layerings: _Optional[int] = ..., layering_evidence: _Optional[_Iterable[_Union[Layering, _Mapping]]] = ...) -> None: ...

class Layering(_message.Message):
    __slots__ = ("symbol", "side", "placed_seqs", "traded_seq", "canceled_seqs", "at_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PLACED_SEQS_FIELD_NUMBER: _ClassVar[int]
    TRADED_SEQ_FIELD_NUMBER: _ClassVar[int]
    CANCELED_SEQS_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    side: _types_pb2.Side
    placed_seqs: _containers.RepeatedScalarFieldContainer[int]
    traded_seq: int
    canceled_seqs: _containers.RepeatedScalarFieldContainer[int]
    at_ns: int
    def __init__(self, symbol: _Optional[str] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., placed_seqs: _Optional[_Iterable[int]] = ..., traded_seq: _Optional[int] = ..., canceled_seqs: _Optional[_Iterable[int]] = ..., at_ns: _Optional[int] = ...) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("role", "impediment", "page_size", "page_token")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    IMPEDIMENT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    role: _options_pb2.Role
    impediment: _options_pb2.Impediment
    page_size: int
    page_token: str
    def __init__(self, role: _Optional[_Union[_options_pb2.Role, str]] = ..., impediment: _Optional[_Union[_options_pb2.Impediment, str]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedCompositeFieldContainer[AccountSummary]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[_Union[AccountSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AccountSummary(_message.Message):
    __slots__ = ("account_id", "roles", "impediments", "created_at_ns", "sessions")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    IMPEDIMENTS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    roles: _containers.RepeatedScalarFieldContainer[_options_pb2.Role]
    impediments: _containers.RepeatedScalarFieldContainer[_options_pb2.Impediment]
    created_at_ns: int
    sessions: int
    def __init__(self, account_id: _Optional[str] = ..., roles: _Optional[_Iterable[_Union[_options_pb2.Role, str]]] = ..., impediments: _Optional[_Iterable[_Union[_options_pb2.Impediment, str]]] = ..., created_at_ns: _Optional[int] = ..., sessions: _Optional[int] = ...) -> None: ...

class GetUserMetricsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetUserMetricsResponse(_message.Message):
    __slots__ = ("accounts", "opened_1d", "opened_7d", "opened_30d", "unverified", "frozen", "suspended", "second_factors", "sessions", "signed_in", "api_keys", "roles", "applications", "open_cases", "erasures_due")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    OPENED_1D_FIELD_NUMBER: _ClassVar[int]
    OPENED_7D_FIELD_NUMBER: _ClassVar[int]
    OPENED_30D_FIELD_NUMBER: _ClassVar[int]
    UNVERIFIED_FIELD_NUMBER: _ClassVar[int]
    FROZEN_FIELD_NUMBER: _ClassVar[int]
    SUSPENDED_FIELD_NUMBER: _ClassVar[int]
    SECOND_FACTORS_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    SIGNED_IN_FIELD_NUMBER: _ClassVar[int]
    API_KEYS_FIELD_NUMBER: _ClassVar[int]
    ROLES_FIELD_NUMBER: _ClassVar[int]
    APPLICATIONS_FIELD_NUMBER: _ClassVar[int]
    OPEN_CASES_FIELD_NUMBER: _ClassVar[int]
    ERASURES_DUE_FIELD_NUMBER: _ClassVar[int]
    accounts: int
    opened_1d: int
    opened_7d: int
    opened_30d: int
    unverified: int
    frozen: int
    suspended: int
    second_factors: int
    sessions: int
    signed_in: int
    api_keys: int
    roles: _containers.RepeatedCompositeFieldContainer[RoleCount]
    applications: int
    open_cases: int
    erasures_due: int
    def __init__(self, accounts: _Optional[int] = ..., opened_1d: _Optional[int] = ..., opened_7d: _Optional[int] = ..., opened_30d: _Optional[int] = ..., unverified: _Optional[int] = ..., frozen: _Optional[int] = ..., suspended: _Optional[int] = ..., second_factors: _Optional[int] = ..., sessions: _Optional[int] = ..., signed_in: _Optional[int] = ..., api_keys: _Optional[int] = ..., roles: _Optional[_Iterable[_Union[RoleCount, _Mapping]]] = ..., applications: _Optional[int] = ..., open_cases: _Optional[int] = ..., erasures_due: _Optional[int] = ...) -> None: ...

class RoleCount(_message.Message):
    __slots__ = ("role", "accounts")
    ROLE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    role: _options_pb2.Role
    accounts: int
    def __init__(self, role: _Optional[_Union[_options_pb2.Role, str]] = ..., accounts: _Optional[int] = ...) -> None: ...

class ListAuditRequest(_message.Message):
    __slots__ = ("page_token",)
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_token: str
    def __init__(self, page_token: _Optional[str] = ...) -> None: ...

class ListAuditResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[AuditEntry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[AuditEntry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class AuditEntry(_message.Message):
    __slots__ = ("seq", "at_ns", "kind", "account_id", "what", "outcome", "journal_seq", "count")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    seq: int
    at_ns: int
    kind: AuditKind
    account_id: str
    what: str
    outcome: str
    journal_seq: int
    count: int
    def __init__(self, seq: _Optional[int] = ..., at_ns: _Optional[int] = ..., kind: _Optional[_Union[AuditKind, str]] = ..., account_id: _Optional[str] = ..., what: _Optional[str] = ..., outcome: _Optional[str] = ..., journal_seq: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class GetHealthRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetHealthResponse(_message.Message):
    __slots__ = ("version", "ready_at_ns", "journal_seq", "views_seq", "actors", "restraints")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    READY_AT_NS_FIELD_NUMBER: _ClassVar[int]
    JOURNAL_SEQ_FIELD_NUMBER: _ClassVar[int]
    VIEWS_SEQ_FIELD_NUMBER: _ClassVar[int]
    ACTORS_FIELD_NUMBER: _ClassVar[int]
    RESTRAINTS_FIELD_NUMBER: _ClassVar[int]
    version: str
    ready_at_ns: int
    journal_seq: int
    views_seq: int
    actors: _containers.RepeatedCompositeFieldContainer[ActorHealth]
    restraints: _risk_pb2.HouseRestraints
    def __init__(self, version: _Optional[str] = ..., ready_at_ns: _Optional[int] = ..., journal_seq: _Optional[int] = ..., views_seq: _Optional[int] = ..., actors: _Optional[_Iterable[_Union[ActorHealth, _Mapping]]] = ..., restraints: _Optional[_Union[_risk_pb2.HouseRestraints, _Mapping]] = ...) -> None: ...

class ActorHealth(_message.Message):
    __slots__ = ("name", "state", "restarts", "failure", "statistics")
    class StatisticsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: str
    restarts: int
    failure: str
    statistics: _containers.ScalarMap[str, int]
    def __init__(self, name: _Optional[str] = ..., state: _Optional[str] = ..., restarts: _Optional[int] = ..., failure: _Optional[str] = ..., statistics: _Optional[_Mapping[str, int]] = ...) -> None: ...

class Capabilities(_message.Message):
    __slots__ = ("symbols", "max_order_notional", "max_open_orders", "max_intents_per_minute", "reduce_only", "expires_at_ns")
    class MaxOrderNotionalEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MAX_INTENTS_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    max_order_notional: _containers.ScalarMap[str, str]
    max_open_orders: int
    max_intents_per_minute: int
    reduce_only: bool
    expires_at_ns: int
    def __init__(self, symbols: _Optional[_Iterable[str]] = ..., max_order_notional: _Optional[_Mapping[str, str]] = ..., max_open_orders: _Optional[int] = ..., max_intents_per_minute: _Optional[int] = ..., reduce_only: _Optional[bool] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

class PluginApproval(_message.Message):
    __slots__ = ("version", "digest", "capabilities", "look_ahead", "approved_by", "approved_at_ns")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    LOOK_AHEAD_FIELD_NUMBER: _ClassVar[int]
    APPROVED_BY_FIELD_NUMBER: _ClassVar[int]
    APPROVED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    version: str
    digest: str
    capabilities: Capabilities
    look_ahead: LookAheadCheck
    approved_by: str
    approved_at_ns: int
    def __init__(self, version: _Optional[str] = ..., digest: _Optional[str] = ..., capabilities: _Optional[_Union[Capabilities, _Mapping]] = ..., look_ahead: _Optional[_Union[LookAheadCheck, str]] = ..., approved_by: _Optional[str] = ..., approved_at_ns: _Optional[int] = ...) -> None: ...

class PluginQuarantine(_message.Message):
    __slots__ = ("cause", "quarantined_by", "quarantined_at_ns")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_BY_FIELD_NUMBER: _ClassVar[int]
    QUARANTINED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    cause: str
    quarantined_by: str
    quarantined_at_ns: int
    def __init__(self, cause: _Optional[str] = ..., quarantined_by: _Optional[str] = ..., quarantined_at_ns: _Optional[int] = ...) -> None: ...

class Plugin(_message.Message):
    __slots__ = ("name", "state", "why", "distribution", "version", "entry_point", "digest", "approval", "quarantine", "kind", "excluded_owners")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ENTRY_POINT_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    APPROVAL_FIELD_NUMBER: _ClassVar[int]
    QUARANTINE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    EXCLUDED_OWNERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    state: PluginState
    why: str
    distribution: str
    version: str
    entry_point: str
    digest: str
    approval: PluginApproval
    quarantine: PluginQuarantine
    kind: PluginKind
    excluded_owners: int
    def __init__(self, name: _Optional[str] = ..., state: _Optional[_Union[PluginState, str]] = ..., why: _Optional[str] = ..., distribution: _Optional[str] = ..., version: _Optional[str] = ..., entry_point: _Optional[str] = ..., digest: _Optional[str] = ..., approval: _Optional[_Union[PluginApproval, _Mapping]] = ..., quarantine: _Optional[_Union[PluginQuarantine, _Mapping]] = ..., kind: _Optional[_Union[PluginKind, str]] = ..., excluded_owners: _Optional[int] = ...) -> None: ...

class ListPluginsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListPluginsResponse(_message.Message):
    __slots__ = ("plugins",)
    PLUGINS_FIELD_NUMBER: _ClassVar[int]
    plugins: _containers.RepeatedCompositeFieldContainer[Plugin]
    def __init__(self, plugins: _Optional[_Iterable[_Union[Plugin, _Mapping]]] = ...) -> None: ...

class GetPluginRequest(_message.Message):
    __slots__ = ("name", "kind")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: PluginKind
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[PluginKind, str]] = ...) -> None: ...

class PluginFile(_message.Message):
    __slots__ = ("path", "sha256")
    PATH_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    path: str
    sha256: str
    def __init__(self, path: _Optional[str] = ..., sha256: _Optional[str] = ...) -> None: ...

class GetPluginResponse(_message.Message):
    __slots__ = ("plugin", "about", "settings_schema_json", "files", "file_count")
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    FILES_FIELD_NUMBER: _ClassVar[int]
    FILE_COUNT_FIELD_NUMBER: _ClassVar[int]
    plugin: Plugin
    about: str
    settings_schema_json: str
    files: _containers.RepeatedCompositeFieldContainer[PluginFile]
    file_count: int
    def __init__(self, plugin: _Optional[_Union[Plugin, _Mapping]] = ..., about: _Optional[str] = ..., settings_schema_json: _Optional[str] = ..., files: _Optional[_Iterable[_Union[PluginFile, _Mapping]]] = ..., file_count: _Optional[int] = ...) -> None: ...

class ApprovePluginRequest(_message.Message):
    __slots__ = ("name", "digest", "capabilities", "settings_json", "unchecked", "kind")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    UNCHECKED_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    name: str
    digest: str
    capabilities: Capabilities
    settings_json: str
    unchecked: bool
    kind: PluginKind
    def __init__(self, name: _Optional[str] = ..., digest: _Optional[str] = ..., capabilities: _Optional[_Union[Capabilities, _Mapping]] = ..., settings_json: _Optional[str] = ..., unchecked: _Optional[bool] = ..., kind: _Optional[_Union[PluginKind, str]] = ...) -> None: ...

class ApprovePluginResponse(_message.Message):
    __slots__ = ("plugin",)
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    plugin: Plugin
    def __init__(self, plugin: _Optional[_Union[Plugin, _Mapping]] = ...) -> None: ...

class WithdrawPluginRequest(_message.Message):
    __slots__ = ("name", "kind")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: PluginKind
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[PluginKind, str]] = ...) -> None: ...

class WithdrawPluginResponse(_message.Message):
    __slots__ = ("plugin",)
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    plugin: Plugin
    def __init__(self, plugin: _Optional[_Union[Plugin, _Mapping]] = ...) -> None: ...

class QuarantinePluginRequest(_message.Message):
    __slots__ = ("name", "cause", "kind")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    name: str
    cause: str
    kind: PluginKind
    def __init__(self, name: _Optional[str] = ..., cause: _Optional[str] = ..., kind: _Optional[_Union[PluginKind, str]] = ...) -> None: ...

class QuarantinePluginResponse(_message.Message):
    __slots__ = ("plugin",)
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    plugin: Plugin
    def __init__(self, plugin: _Optional[_Union[Plugin, _Mapping]] = ...) -> None: ...

class ReleasePluginRequest(_message.Message):
    __slots__ = ("name", "kind")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: PluginKind
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[PluginKind, str]] = ...) -> None: ...

class ReleasePluginResponse(_message.Message):
    __slots__ = ("plugin",)
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    plugin: Plugin
    def __init__(self, plugin: _Optional[_Union[Plugin, _Mapping]] = ...) -> None: ...
