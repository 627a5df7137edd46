from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import automation_pb2 as _automation_pb2
from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrderOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_ORIGIN_UNSPECIFIED: _ClassVar[OrderOrigin]
    ORDER_ORIGIN_OWNER: _ClassVar[OrderOrigin]
    ORDER_ORIGIN_STRATEGY: _ClassVar[OrderOrigin]
    ORDER_ORIGIN_RULE: _ClassVar[OrderOrigin]

class ReasonState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REASON_STATE_UNSPECIFIED: _ClassVar[ReasonState]
    REASON_STATE_KEPT: _ClassVar[ReasonState]
    REASON_STATE_NOT_GIVEN: _ClassVar[ReasonState]
    REASON_STATE_LOST: _ClassVar[ReasonState]
    REASON_STATE_EXPIRED: _ClassVar[ReasonState]

class SeenKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SEEN_KIND_UNSPECIFIED: _ClassVar[SeenKind]
    SEEN_KIND_TRADES: _ClassVar[SeenKind]
    SEEN_KIND_BOOK: _ClassVar[SeenKind]
    SEEN_KIND_CANDLES: _ClassVar[SeenKind]
ORDER_ORIGIN_UNSPECIFIED: OrderOrigin
ORDER_ORIGIN_OWNER: OrderOrigin
ORDER_ORIGIN_STRATEGY: OrderOrigin
ORDER_ORIGIN_RULE: OrderOrigin
REASON_STATE_UNSPECIFIED: ReasonState
REASON_STATE_KEPT: ReasonState
REASON_STATE_NOT_GIVEN: ReasonState
REASON_STATE_LOST: ReasonState
REASON_STATE_EXPIRED: ReasonState
SEEN_KIND_UNSPECIFIED: SeenKind
SEEN_KIND_TRADES: SeenKind
SEEN_KIND_BOOK: SeenKind
SEEN_KIND_CANDLES: SeenKind

class ExplainOrderRequest(_message.Message):
    __slots__ = ("subaccount", "order_id", "client_order_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    order_id: str
    client_order_id: str
    def __init__(self, subaccount: _Optional[str] = ..., order_id: _Optional[str] = ..., client_order_id: _Optional[str] = ...) -> None: ...

class ExplainOrderResponse(_message.Message):
    __slots__ = ("order", "fills", "origin", "summary", "run", "reason_state", "reason", "rule")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    RUN_FIELD_NUMBER: _ClassVar[int]
    REASON_STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    order: _types_pb2.Order
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.Fill]
    origin: OrderOrigin
    summary: str
    run: StrategyRun
    reason_state: ReasonState
    reason: OrderReason
    rule: RuleOrder
    def __init__(self, order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., fills: _Optional[_Iterable[_Union[_types_pb2.Fill, _Mapping]]] = ..., origin: _Optional[_Union[OrderOrigin, str]] = ..., summary: _Optional[str] = ..., run: _Optional[_Union[StrategyRun, _Mapping]] = ..., reason_state: _Optional[_Union[ReasonState, str]] = ..., reason: _Optional[_Union[OrderReason, _Mapping]] = ..., rule: _Optional[_Union[RuleOrder, _Mapping]] = ...) -> None: ...

class StrategyRun(_message.Message):
    __slots__ = ("run_id", "strategy", "plugin", "distribution", "version", "plugin_digest", "settings_digest", "started_at_ns")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    strategy: str
    plugin: str
    distribution: str
    version: str
    plugin_digest: str
    settings_digest: str
    started_at_ns: int
    def __init__(self, run_id: _Optional[str] = ..., strategy: _Optional[str] = ..., plugin: _Optional[str] = ..., distribution: _Optional[str] = ..., version: _Optional[str] = ..., plugin_digest: _Optional[str] = ..., settings_digest: _Optional[str] = ..., started_at_ns: _Optional[int] = ...) -> None: ...

class OrderReason(_message.Message):
    __slots__ = ("rule", "figures", "model", "decided_at_ns", "input", "seen")
    RULE_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    rule: str
    figures: _containers.RepeatedCompositeFieldContainer[ReasonFigure]
    model: ModelReason
    decided_at_ns: int
    input: int
    seen: _containers.RepeatedCompositeFieldContainer[MarketDataSeen]
    def __init__(self, rule: _Optional[str] = ..., figures: _Optional[_Iterable[_Union[ReasonFigure, _Mapping]]] = ..., model: _Optional[_Union[ModelReason, _Mapping]] = ..., decided_at_ns: _Optional[int] = ..., input: _Optional[int] = ..., seen: _Optional[_Iterable[_Union[MarketDataSeen, _Mapping]]] = ...) -> None: ...

class ReasonFigure(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class ModelReason(_message.Message):
    __slots__ = ("digest", "score", "base", "weights")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    score: float
    base: float
    weights: _containers.RepeatedCompositeFieldContainer[FeatureWeight]
    def __init__(self, digest: _Optional[str] = ..., score: _Optional[float] = ..., base: _Optional[float] = ..., weights: _Optional[_Iterable[_Union[FeatureWeight, _Mapping]]] = ...) -> None: ...

class FeatureWeight(_message.Message):
    __slots__ = ("feature", "value", "added")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    feature: str
    value: float
    added: float
    def __init__(self, feature: _Optional[str] = ..., value: _Optional[float] = ..., added: _Optional[float] = ...) -> None: ...

class MarketDataSeen(_message.Message):
    __slots__ = ("symbol", "venue", "kind", "interval_s", "at_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    kind: SeenKind
    interval_s: int
    at_ns: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., kind: _Optional[_Union[SeenKind, str]] = ..., interval_s: _Optional[int] = ..., at_ns: _Optional[int] = ...) -> None: ...

class RuleOrder(_message.Message):
    __slots__ = ("rule_id", "name", "firing")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    FIRING_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    name: str
    firing: _automation_pb2.Firing
    def __init__(self, rule_id: _Optional[str] = ..., name: _Optional[str] = ..., firing: _Optional[_Union[_automation_pb2.Firing, _Mapping]] = ...) -> None: ...

class ListStrategyPluginsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StrategyPlugin(_message.Message):
    __slots__ = ("name", "version", "about", "settings_schema_json", "digest", "look_ahead_passed")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ABOUT_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    LOOK_AHEAD_PASSED_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    about: str
    settings_schema_json: str
    digest: str
    look_ahead_passed: bool
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., about: _Optional[str] = ..., settings_schema_json: _Optional[str] = ..., digest: _Optional[str] = ..., look_ahead_passed: _Optional[bool] = ...) -> None: ...

class ListStrategyPluginsResponse(_message.Message):
    __slots__ = ("plugins",)
    PLUGINS_FIELD_NUMBER: _ClassVar[int]
    plugins: _containers.RepeatedCompositeFieldContainer[StrategyPlugin]
    def __init__(self, plugins: _Optional[_Iterable[_Union[StrategyPlugin, _Mapping]]] = ...) -> None: ...
