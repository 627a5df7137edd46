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

class StrategyStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRATEGY_STAGE_UNSPECIFIED: _ClassVar[StrategyStage]
    STRATEGY_STAGE_DRAFT: _ClassVar[StrategyStage]
    STRATEGY_STAGE_PAPER: _ClassVar[StrategyStage]
    STRATEGY_STAGE_LIVE: _ClassVar[StrategyStage]
    STRATEGY_STAGE_REVOKED: _ClassVar[StrategyStage]

class StrategyWish(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRATEGY_WISH_UNSPECIFIED: _ClassVar[StrategyWish]
    STRATEGY_WISH_STOPPED: _ClassVar[StrategyWish]
    STRATEGY_WISH_RUNNING: _ClassVar[StrategyWish]
    STRATEGY_WISH_PAUSED: _ClassVar[StrategyWish]

class ParityCauseKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARITY_CAUSE_KIND_UNSPECIFIED: _ClassVar[ParityCauseKind]
    PARITY_CAUSE_KIND_VERSION: _ClassVar[ParityCauseKind]
    PARITY_CAUSE_KIND_DATA_REVISION: _ClassVar[ParityCauseKind]
    PARITY_CAUSE_KIND_REFUSAL: _ClassVar[ParityCauseKind]
    PARITY_CAUSE_KIND_LATENCY: _ClassVar[ParityCauseKind]
    PARITY_CAUSE_KIND_QUEUE: _ClassVar[ParityCauseKind]
    PARITY_CAUSE_KIND_OWN_IMPACT: _ClassVar[ParityCauseKind]
    PARITY_CAUSE_KIND_UNEXPLAINED: _ClassVar[ParityCauseKind]

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
STRATEGY_STAGE_UNSPECIFIED: StrategyStage
STRATEGY_STAGE_DRAFT: StrategyStage
STRATEGY_STAGE_PAPER: StrategyStage
STRATEGY_STAGE_LIVE: StrategyStage
STRATEGY_STAGE_REVOKED: StrategyStage
STRATEGY_WISH_UNSPECIFIED: StrategyWish
STRATEGY_WISH_STOPPED: StrategyWish
STRATEGY_WISH_RUNNING: StrategyWish
STRATEGY_WISH_PAUSED: StrategyWish
PARITY_CAUSE_KIND_UNSPECIFIED: ParityCauseKind
PARITY_CAUSE_KIND_VERSION: ParityCauseKind
PARITY_CAUSE_KIND_DATA_REVISION: ParityCauseKind
PARITY_CAUSE_KIND_REFUSAL: ParityCauseKind
PARITY_CAUSE_KIND_LATENCY: ParityCauseKind
PARITY_CAUSE_KIND_QUEUE: ParityCauseKind
PARITY_CAUSE_KIND_OWN_IMPACT: ParityCauseKind
PARITY_CAUSE_KIND_UNEXPLAINED: ParityCauseKind
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

class Strategy(_message.Message):
    __slots__ = ("name", "plugin", "symbols", "settings_json", "budget_asset", "budget", "loss_limit", "stage", "wish", "ready", "subaccount", "failure", "last_note", "open_orders", "paper_days", "predicts", "deflated_sharpe", "lacking", "publishable", "acknowledged", "created_at_ns", "advice", "version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    BUDGET_ASSET_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    LOSS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    WISH_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    LAST_NOTE_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    PAPER_DAYS_FIELD_NUMBER: _ClassVar[int]
    PREDICTS_FIELD_NUMBER: _ClassVar[int]
    DEFLATED_SHARPE_FIELD_NUMBER: _ClassVar[int]
    LACKING_FIELD_NUMBER: _ClassVar[int]
    PUBLISHABLE_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    plugin: str
    symbols: _containers.RepeatedScalarFieldContainer[str]
    settings_json: str
    budget_asset: str
    budget: str
    loss_limit: str
    stage: StrategyStage
    wish: StrategyWish
    ready: bool
    subaccount: str
    failure: str
    last_note: str
    open_orders: int
    paper_days: int
    predicts: bool
    deflated_sharpe: str
    lacking: str
    publishable: bool
    acknowledged: str
    created_at_ns: int
    advice: str
    version: int
    def __init__(self, name: _Optional[str] = ..., plugin: _Optional[str] = ..., symbols: _Optional[_Iterable[str]] = ..., settings_json: _Optional[str] = ..., budget_asset: _Optional[str] = ..., budget: _Optional[str] = ..., loss_limit: _Optional[str] = ..., stage: _Optional[_Union[StrategyStage, str]] = ..., wish: _Optional[_Union[StrategyWish, str]] = ..., ready: _Optional[bool] = ..., subaccount: _Optional[str] = ..., failure: _Optional[str] = ..., last_note: _Optional[str] = ..., open_orders: _Optional[int] = ..., paper_days: _Optional[int] = ..., predicts: _Optional[bool] = ..., deflated_sharpe: _Optional[str] = ..., lacking: _Optional[str] = ..., publishable: _Optional[bool] = ..., acknowledged: _Optional[str] = ..., created_at_ns: _Optional[int] = ..., advice: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class StrategyPerformance(_message.Message):
    __slots__ = ("stage", "days", "profit", "return_ratio", "drawdown_ratio", "hit_ratio", "fills", "fees", "turnover", "slippage_ratio", "compared", "daily")
    STAGE_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    PROFIT_FIELD_NUMBER: _ClassVar[int]
    RETURN_RATIO_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_RATIO_FIELD_NUMBER: _ClassVar[int]
    HIT_RATIO_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    TURNOVER_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_RATIO_FIELD_NUMBER: _ClassVar[int]
    COMPARED_FIELD_NUMBER: _ClassVar[int]
    DAILY_FIELD_NUMBER: _ClassVar[int]
    stage: StrategyStage
    days: int
    profit: str
    return_ratio: str
    drawdown_ratio: str
    hit_ratio: str
    fills: int
    fees: str
    turnover: str
    slippage_ratio: str
    compared: str
    daily: _containers.RepeatedCompositeFieldContainer[StrategyDay]
    def __init__(self, stage: _Optional[_Union[StrategyStage, str]] = ..., days: _Optional[int] = ..., profit: _Optional[str] = ..., return_ratio: _Optional[str] = ..., drawdown_ratio: _Optional[str] = ..., hit_ratio: _Optional[str] = ..., fills: _Optional[int] = ..., fees: _Optional[str] = ..., turnover: _Optional[str] = ..., slippage_ratio: _Optional[str] = ..., compared: _Optional[str] = ..., daily: _Optional[_Iterable[_Union[StrategyDay, _Mapping]]] = ...) -> None: ...

class StrategyDay(_message.Message):
    __slots__ = ("begin_at_ns", "equity", "profit", "drawdown", "drawdown_ratio", "fills", "fees", "turnover")
    BEGIN_AT_NS_FIELD_NUMBER: _ClassVar[int]
    EQUITY_FIELD_NUMBER: _ClassVar[int]
    PROFIT_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_RATIO_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    TURNOVER_FIELD_NUMBER: _ClassVar[int]
    begin_at_ns: int
    equity: str
    profit: str
    drawdown: str
    drawdown_ratio: str
    fills: int
    fees: str
    turnover: str
    def __init__(self, begin_at_ns: _Optional[int] = ..., equity: _Optional[str] = ..., profit: _Optional[str] = ..., drawdown: _Optional[str] = ..., drawdown_ratio: _Optional[str] = ..., fills: _Optional[int] = ..., fees: _Optional[str] = ..., turnover: _Optional[str] = ...) -> None: ...

class CreateStrategyRequest(_message.Message):
    __slots__ = ("name", "plugin", "symbols", "settings_json", "budget_asset", "budget", "loss_limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    BUDGET_ASSET_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    LOSS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    plugin: str
    symbols: _containers.RepeatedScalarFieldContainer[str]
    settings_json: str
    budget_asset: str
    budget: str
    loss_limit: str
    def __init__(self, name: _Optional[str] = ..., plugin: _Optional[str] = ..., symbols: _Optional[_Iterable[str]] = ..., settings_json: _Optional[str] = ..., budget_asset: _Optional[str] = ..., budget: _Optional[str] = ..., loss_limit: _Optional[str] = ...) -> None: ...

class CreateStrategyResponse(_message.Message):
    __slots__ = ("strategy",)
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ...) -> None: ...

class UpdateStrategyRequest(_message.Message):
    __slots__ = ("name", "expected_version", "settings_json", "budget", "loss_limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    LOSS_LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    expected_version: int
    settings_json: str
    budget: str
    loss_limit: str
    def __init__(self, name: _Optional[str] = ..., expected_version: _Optional[int] = ..., settings_json: _Optional[str] = ..., budget: _Optional[str] = ..., loss_limit: _Optional[str] = ...) -> None: ...

class UpdateStrategyResponse(_message.Message):
    __slots__ = ("strategy",)
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ...) -> None: ...

class StartStrategyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class StartStrategyResponse(_message.Message):
    __slots__ = ("strategy",)
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ...) -> None: ...

class GoLiveRequest(_message.Message):
    __slots__ = ("name", "acknowledgement")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGEMENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    acknowledgement: str
    def __init__(self, name: _Optional[str] = ..., acknowledgement: _Optional[str] = ...) -> None: ...

class GoLiveResponse(_message.Message):
    __slots__ = ("strategy",)
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ...) -> None: ...

class PauseStrategyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class PauseStrategyResponse(_message.Message):
    __slots__ = ("strategy",)
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ...) -> None: ...

class ResumeStrategyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class ResumeStrategyResponse(_message.Message):
    __slots__ = ("strategy",)
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ...) -> None: ...

class StopStrategyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class StopStrategyResponse(_message.Message):
    __slots__ = ("strategy",)
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ...) -> None: ...

class RevokeStrategyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class RevokeStrategyResponse(_message.Message):
    __slots__ = ("strategy",)
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ...) -> None: ...

class GetStrategyRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetStrategyResponse(_message.Message):
    __slots__ = ("strategy", "notes")
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    strategy: Strategy
    notes: _containers.RepeatedCompositeFieldContainer[StrategyNote]
    def __init__(self, strategy: _Optional[_Union[Strategy, _Mapping]] = ..., notes: _Optional[_Iterable[_Union[StrategyNote, _Mapping]]] = ...) -> None: ...

class StrategyNote(_message.Message):
    __slots__ = ("at_ns", "text")
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    at_ns: int
    text: str
    def __init__(self, at_ns: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class ListStrategiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListStrategiesResponse(_message.Message):
    __slots__ = ("strategies", "operated")
    STRATEGIES_FIELD_NUMBER: _ClassVar[int]
    OPERATED_FIELD_NUMBER: _ClassVar[int]
    strategies: _containers.RepeatedCompositeFieldContainer[Strategy]
    operated: _containers.RepeatedCompositeFieldContainer[OperatedStrategy]
    def __init__(self, strategies: _Optional[_Iterable[_Union[Strategy, _Mapping]]] = ..., operated: _Optional[_Iterable[_Union[OperatedStrategy, _Mapping]]] = ...) -> None: ...

class OperatedStrategy(_message.Message):
    __slots__ = ("name", "plugin", "symbols", "subaccount", "ready", "open_orders", "last_note", "advice")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    LAST_NOTE_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    plugin: str
    symbols: _containers.RepeatedScalarFieldContainer[str]
    subaccount: str
    ready: bool
    open_orders: int
    last_note: str
    advice: str
    def __init__(self, name: _Optional[str] = ..., plugin: _Optional[str] = ..., symbols: _Optional[_Iterable[str]] = ..., subaccount: _Optional[str] = ..., ready: _Optional[bool] = ..., open_orders: _Optional[int] = ..., last_note: _Optional[str] = ..., advice: _Optional[str] = ...) -> None: ...

class GetStrategyPerformanceRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetStrategyPerformanceResponse(_message.Message):
    __slots__ = ("stages",)
    STAGES_FIELD_NUMBER: _ClassVar[int]
    stages: _containers.RepeatedCompositeFieldContainer[StrategyPerformance]
    def __init__(self, stages: _Optional[_Iterable[_Union[StrategyPerformance, _Mapping]]] = ...) -> None: ...

class GetStrategyParityRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetStrategyParityResponse(_message.Message):
    __slots__ = ("certificates",)
    CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    certificates: _containers.RepeatedCompositeFieldContainer[ParityCertificate]
    def __init__(self, certificates: _Optional[_Iterable[_Union[ParityCertificate, _Mapping]]] = ...) -> None: ...

class ParityCertificate(_message.Message):
    __slots__ = ("stage", "from_at_ns", "to_at_ns", "made_at_ns", "holds", "decisions", "decisions_equal", "orders", "orders_equal", "cost_bp", "latency_ns", "causes", "not_replayed", "notes", "digest")
    class NotReplayedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    STAGE_FIELD_NUMBER: _ClassVar[int]
    FROM_AT_NS_FIELD_NUMBER: _ClassVar[int]
    TO_AT_NS_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_EQUAL_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_EQUAL_FIELD_NUMBER: _ClassVar[int]
    COST_BP_FIELD_NUMBER: _ClassVar[int]
    LATENCY_NS_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    NOT_REPLAYED_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    stage: StrategyStage
    from_at_ns: int
    to_at_ns: int
    made_at_ns: int
    holds: bool
    decisions: int
    decisions_equal: int
    orders: int
    orders_equal: int
    cost_bp: float
    latency_ns: int
    causes: _containers.RepeatedCompositeFieldContainer[ParityCause]
    not_replayed: _containers.ScalarMap[str, int]
    notes: _containers.RepeatedScalarFieldContainer[str]
    digest: str
    def __init__(self, stage: _Optional[_Union[StrategyStage, str]] = ..., from_at_ns: _Optional[int] = ..., to_at_ns: _Optional[int] = ..., made_at_ns: _Optional[int] = ..., holds: _Optional[bool] = ..., decisions: _Optional[int] = ..., decisions_equal: _Optional[int] = ..., orders: _Optional[int] = ..., orders_equal: _Optional[int] = ..., cost_bp: _Optional[float] = ..., latency_ns: _Optional[int] = ..., causes: _Optional[_Iterable[_Union[ParityCause, _Mapping]]] = ..., not_replayed: _Optional[_Mapping[str, int]] = ..., notes: _Optional[_Iterable[str]] = ..., digest: _Optional[str] = ...) -> None: ...

class ParityCause(_message.Message):
    __slots__ = ("cause", "orders", "share", "cost_bp", "lots")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    COST_BP_FIELD_NUMBER: _ClassVar[int]
    LOTS_FIELD_NUMBER: _ClassVar[int]
    cause: ParityCauseKind
    orders: int
    share: float
    cost_bp: float
    lots: int
    def __init__(self, cause: _Optional[_Union[ParityCauseKind, str]] = ..., orders: _Optional[int] = ..., share: _Optional[float] = ..., cost_bp: _Optional[float] = ..., lots: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("run_id", "strategy", "plugin", "distribution", "version", "plugin_digest", "settings_digest", "started_at_ns", "settings_json")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_DIGEST_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    strategy: str
    plugin: str
    distribution: str
    version: str
    plugin_digest: str
    settings_digest: str
    started_at_ns: int
    settings_json: str
    def __init__(self, run_id: _Optional[str] = ..., strategy: _Optional[str] = ..., plugin: _Optional[str] = ..., distribution: _Optional[str] = ..., version: _Optional[str] = ..., plugin_digest: _Optional[str] = ..., settings_digest: _Optional[str] = ..., started_at_ns: _Optional[int] = ..., settings_json: _Optional[str] = ...) -> None: ...

class OrderReason(_message.Message):
    __slots__ = ("rule", "figures", "model", "decided_at_ns", "input", "seen", "signals")
    RULE_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    SEEN_FIELD_NUMBER: _ClassVar[int]
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    rule: str
    figures: _containers.RepeatedCompositeFieldContainer[ReasonFigure]
    model: ModelReason
    decided_at_ns: int
    input: int
    seen: _containers.RepeatedCompositeFieldContainer[MarketDataSeen]
    signals: _containers.RepeatedCompositeFieldContainer[SignalHeard]
    def __init__(self, rule: _Optional[str] = ..., figures: _Optional[_Iterable[_Union[ReasonFigure, _Mapping]]] = ..., model: _Optional[_Union[ModelReason, _Mapping]] = ..., decided_at_ns: _Optional[int] = ..., input: _Optional[int] = ..., seen: _Optional[_Iterable[_Union[MarketDataSeen, _Mapping]]] = ..., signals: _Optional[_Iterable[_Union[SignalHeard, _Mapping]]] = ...) -> None: ...

class SignalHeard(_message.Message):
    __slots__ = ("signal", "name", "value", "confidence", "as_of_ns", "expires_at_ns")
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_NS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    signal: str
    name: str
    value: float
    confidence: float
    as_of_ns: int
    expires_at_ns: int
    def __init__(self, signal: _Optional[str] = ..., name: _Optional[str] = ..., value: _Optional[float] = ..., confidence: _Optional[float] = ..., as_of_ns: _Optional[int] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

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
