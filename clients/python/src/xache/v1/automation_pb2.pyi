from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import market_pb2 as _market_pb2
from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MissedTimes(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MISSED_TIMES_UNSPECIFIED: _ClassVar[MissedTimes]
    MISSED_TIMES_SKIP: _ClassVar[MissedTimes]
    MISSED_TIMES_CATCH_UP: _ClassVar[MissedTimes]

class RuleState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RULE_STATE_UNSPECIFIED: _ClassVar[RuleState]
    RULE_STATE_DRAFT: _ClassVar[RuleState]
    RULE_STATE_ARMED: _ClassVar[RuleState]
    RULE_STATE_PAUSED: _ClassVar[RuleState]
    RULE_STATE_ENDED: _ClassVar[RuleState]

class FiringState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FIRING_STATE_UNSPECIFIED: _ClassVar[FiringState]
    FIRING_STATE_SENDING: _ClassVar[FiringState]
    FIRING_STATE_DONE: _ClassVar[FiringState]
    FIRING_STATE_REFUSED: _ClassVar[FiringState]
    FIRING_STATE_MISSED: _ClassVar[FiringState]
    FIRING_STATE_LAPSED: _ClassVar[FiringState]

class StepState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_STATE_UNSPECIFIED: _ClassVar[StepState]
    STEP_STATE_WAITING: _ClassVar[StepState]
    STEP_STATE_ANSWERED: _ClassVar[StepState]
    STEP_STATE_REFUSED: _ClassVar[StepState]
    STEP_STATE_LAPSED: _ClassVar[StepState]

class Direction(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIRECTION_UNSPECIFIED: _ClassVar[Direction]
    DIRECTION_ABOVE: _ClassVar[Direction]
    DIRECTION_BELOW: _ClassVar[Direction]
MISSED_TIMES_UNSPECIFIED: MissedTimes
MISSED_TIMES_SKIP: MissedTimes
MISSED_TIMES_CATCH_UP: MissedTimes
RULE_STATE_UNSPECIFIED: RuleState
RULE_STATE_DRAFT: RuleState
RULE_STATE_ARMED: RuleState
RULE_STATE_PAUSED: RuleState
RULE_STATE_ENDED: RuleState
FIRING_STATE_UNSPECIFIED: FiringState
FIRING_STATE_SENDING: FiringState
FIRING_STATE_DONE: FiringState
FIRING_STATE_REFUSED: FiringState
FIRING_STATE_MISSED: FiringState
FIRING_STATE_LAPSED: FiringState
STEP_STATE_UNSPECIFIED: StepState
STEP_STATE_WAITING: StepState
STEP_STATE_ANSWERED: StepState
STEP_STATE_REFUSED: StepState
STEP_STATE_LAPSED: StepState
DIRECTION_UNSPECIFIED: Direction
DIRECTION_ABOVE: Direction
DIRECTION_BELOW: Direction

class Schedule(_message.Message):
    __slots__ = ("cron", "every_s", "missed")
    CRON_FIELD_NUMBER: _ClassVar[int]
    EVERY_S_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    cron: str
    every_s: int
    missed: MissedTimes
    def __init__(self, cron: _Optional[str] = ..., every_s: _Optional[int] = ..., missed: _Optional[_Union[MissedTimes, str]] = ...) -> None: ...

class PriceReaches(_message.Message):
    __slots__ = ("symbol", "direction", "price")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    direction: Direction
    price: str
    def __init__(self, symbol: _Optional[str] = ..., direction: _Optional[_Union[Direction, str]] = ..., price: _Optional[str] = ...) -> None: ...

class PositionGains(_message.Message):
    __slots__ = ("symbol", "gains_ppm")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    GAINS_PPM_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    gains_ppm: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, symbol: _Optional[str] = ..., gains_ppm: _Optional[_Iterable[int]] = ...) -> None: ...

class Drawdown(_message.Message):
    __slots__ = ("asset", "fall_ppm")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    FALL_PPM_FIELD_NUMBER: _ClassVar[int]
    asset: str
    fall_ppm: int
    def __init__(self, asset: _Optional[str] = ..., fall_ppm: _Optional[int] = ...) -> None: ...

class IndicatorReaches(_message.Message):
    __slots__ = ("symbol", "venue", "interval", "indicator", "settings", "output", "direction", "threshold")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    INDICATOR_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    interval: _market_pb2.Interval
    indicator: str
    settings: _containers.RepeatedScalarFieldContainer[str]
    output: str
    direction: Direction
    threshold: str
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., interval: _Optional[_Union[_market_pb2.Interval, str]] = ..., indicator: _Optional[str] = ..., settings: _Optional[_Iterable[str]] = ..., output: _Optional[str] = ..., direction: _Optional[_Union[Direction, str]] = ..., threshold: _Optional[str] = ...) -> None: ...

class SellShares(_message.Message):
    __slots__ = ("shares_ppm",)
    SHARES_PPM_FIELD_NUMBER: _ClassVar[int]
    shares_ppm: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, shares_ppm: _Optional[_Iterable[int]] = ...) -> None: ...

class RebalanceTarget(_message.Message):
    __slots__ = ("symbol", "weight_ppm")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_PPM_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    weight_ppm: int
    def __init__(self, symbol: _Optional[str] = ..., weight_ppm: _Optional[int] = ...) -> None: ...

class Rebalance(_message.Message):
    __slots__ = ("targets", "drift_ppm")
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    DRIFT_PPM_FIELD_NUMBER: _ClassVar[int]
    targets: _containers.RepeatedCompositeFieldContainer[RebalanceTarget]
    drift_ppm: int
    def __init__(self, targets: _Optional[_Iterable[_Union[RebalanceTarget, _Mapping]]] = ..., drift_ppm: _Optional[int] = ...) -> None: ...

class StopAll(_message.Message):
    __slots__ = ("sell",)
    SELL_FIELD_NUMBER: _ClassVar[int]
    sell: bool
    def __init__(self, sell: _Optional[bool] = ...) -> None: ...

class OrderAction(_message.Message):
    __slots__ = ("symbol", "side", "quote_quantity", "quantity", "share_ppm", "price")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SHARE_PPM_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    side: _types_pb2.Side
    quote_quantity: str
    quantity: str
    share_ppm: int
    price: str
    def __init__(self, symbol: _Optional[str] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., quote_quantity: _Optional[str] = ..., quantity: _Optional[str] = ..., share_ppm: _Optional[int] = ..., price: _Optional[str] = ...) -> None: ...

class TimeWindow(_message.Message):
    __slots__ = ("days", "from_minute", "to_minute")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    FROM_MINUTE_FIELD_NUMBER: _ClassVar[int]
    TO_MINUTE_FIELD_NUMBER: _ClassVar[int]
    days: _containers.RepeatedScalarFieldContainer[int]
    from_minute: int
    to_minute: int
    def __init__(self, days: _Optional[_Iterable[int]] = ..., from_minute: _Optional[int] = ..., to_minute: _Optional[int] = ...) -> None: ...

class RuleTerms(_message.Message):
    __slots__ = ("schedule", "price", "gains", "drawdown", "indicator", "order", "sell_shares", "rebalance", "stop_all", "windows", "max_firings", "cooldown_s", "ends_at_ns")
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    GAINS_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    INDICATOR_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SELL_SHARES_FIELD_NUMBER: _ClassVar[int]
    REBALANCE_FIELD_NUMBER: _ClassVar[int]
    STOP_ALL_FIELD_NUMBER: _ClassVar[int]
    WINDOWS_FIELD_NUMBER: _ClassVar[int]
    MAX_FIRINGS_FIELD_NUMBER: _ClassVar[int]
    COOLDOWN_S_FIELD_NUMBER: _ClassVar[int]
    ENDS_AT_NS_FIELD_NUMBER: _ClassVar[int]
    schedule: Schedule
    price: PriceReaches
    gains: PositionGains
    drawdown: Drawdown
    indicator: IndicatorReaches
    order: OrderAction
    sell_shares: SellShares
    rebalance: Rebalance
    stop_all: StopAll
    windows: _containers.RepeatedCompositeFieldContainer[TimeWindow]
    max_firings: int
    cooldown_s: int
    ends_at_ns: int
    def __init__(self, schedule: _Optional[_Union[Schedule, _Mapping]] = ..., price: _Optional[_Union[PriceReaches, _Mapping]] = ..., gains: _Optional[_Union[PositionGains, _Mapping]] = ..., drawdown: _Optional[_Union[Drawdown, _Mapping]] = ..., indicator: _Optional[_Union[IndicatorReaches, _Mapping]] = ..., order: _Optional[_Union[OrderAction, _Mapping]] = ..., sell_shares: _Optional[_Union[SellShares, _Mapping]] = ..., rebalance: _Optional[_Union[Rebalance, _Mapping]] = ..., stop_all: _Optional[_Union[StopAll, _Mapping]] = ..., windows: _Optional[_Iterable[_Union[TimeWindow, _Mapping]]] = ..., max_firings: _Optional[int] = ..., cooldown_s: _Optional[int] = ..., ends_at_ns: _Optional[int] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("rule_id", "name", "subaccount", "terms", "state", "cause", "created_at_ns", "armed_at_ns", "fired", "fired_at_ns", "next_due_ns")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    ARMED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    FIRED_FIELD_NUMBER: _ClassVar[int]
    FIRED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    NEXT_DUE_NS_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    name: str
    subaccount: str
    terms: RuleTerms
    state: RuleState
    cause: str
    created_at_ns: int
    armed_at_ns: int
    fired: int
    fired_at_ns: int
    next_due_ns: int
    def __init__(self, rule_id: _Optional[str] = ..., name: _Optional[str] = ..., subaccount: _Optional[str] = ..., terms: _Optional[_Union[RuleTerms, _Mapping]] = ..., state: _Optional[_Union[RuleState, str]] = ..., cause: _Optional[str] = ..., created_at_ns: _Optional[int] = ..., armed_at_ns: _Optional[int] = ..., fired: _Optional[int] = ..., fired_at_ns: _Optional[int] = ..., next_due_ns: _Optional[int] = ...) -> None: ...

class Fact(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class FiringStep(_message.Message):
    __slots__ = ("id", "sent", "state", "order_id", "seq", "reason", "answer", "answered_at_ns")
    ID_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    id: str
    sent: str
    state: StepState
    order_id: str
    seq: int
    reason: str
    answer: str
    answered_at_ns: int
    def __init__(self, id: _Optional[str] = ..., sent: _Optional[str] = ..., state: _Optional[_Union[StepState, str]] = ..., order_id: _Optional[str] = ..., seq: _Optional[int] = ..., reason: _Optional[str] = ..., answer: _Optional[str] = ..., answered_at_ns: _Optional[int] = ...) -> None: ...

class Firing(_message.Message):
    __slots__ = ("number", "state", "due_at_ns", "decided_at_ns", "explanation", "facts", "steps")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DUE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    number: int
    state: FiringState
    due_at_ns: int
    decided_at_ns: int
    explanation: str
    facts: _containers.RepeatedCompositeFieldContainer[Fact]
    steps: _containers.RepeatedCompositeFieldContainer[FiringStep]
    def __init__(self, number: _Optional[int] = ..., state: _Optional[_Union[FiringState, str]] = ..., due_at_ns: _Optional[int] = ..., decided_at_ns: _Optional[int] = ..., explanation: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ..., steps: _Optional[_Iterable[_Union[FiringStep, _Mapping]]] = ...) -> None: ...

class CreateRuleRequest(_message.Message):
    __slots__ = ("subaccount", "name", "terms", "request_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    name: str
    terms: RuleTerms
    request_id: str
    def __init__(self, subaccount: _Optional[str] = ..., name: _Optional[str] = ..., terms: _Optional[_Union[RuleTerms, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CreateRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: Rule
    def __init__(self, rule: _Optional[_Union[Rule, _Mapping]] = ...) -> None: ...

class ArmRuleRequest(_message.Message):
    __slots__ = ("rule_id", "unrehearsed")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    UNREHEARSED_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    unrehearsed: bool
    def __init__(self, rule_id: _Optional[str] = ..., unrehearsed: _Optional[bool] = ...) -> None: ...

class ArmRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: Rule
    def __init__(self, rule: _Optional[_Union[Rule, _Mapping]] = ...) -> None: ...

class PauseRuleRequest(_message.Message):
    __slots__ = ("rule_id",)
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    def __init__(self, rule_id: _Optional[str] = ...) -> None: ...

class PauseRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: Rule
    def __init__(self, rule: _Optional[_Union[Rule, _Mapping]] = ...) -> None: ...

class EndRuleRequest(_message.Message):
    __slots__ = ("rule_id",)
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    def __init__(self, rule_id: _Optional[str] = ...) -> None: ...

class EndRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: Rule
    def __init__(self, rule: _Optional[_Union[Rule, _Mapping]] = ...) -> None: ...

class GetRuleRequest(_message.Message):
    __slots__ = ("rule_id",)
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    def __init__(self, rule_id: _Optional[str] = ...) -> None: ...

class GetRuleResponse(_message.Message):
    __slots__ = ("rule",)
    RULE_FIELD_NUMBER: _ClassVar[int]
    rule: Rule
    def __init__(self, rule: _Optional[_Union[Rule, _Mapping]] = ...) -> None: ...

class RehearseRuleRequest(_message.Message):
    __slots__ = ("rule_id", "interval", "limit", "venue", "quote_funds")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FUNDS_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    interval: _market_pb2.Interval
    limit: int
    venue: str
    quote_funds: str
    def __init__(self, rule_id: _Optional[str] = ..., interval: _Optional[_Union[_market_pb2.Interval, str]] = ..., limit: _Optional[int] = ..., venue: _Optional[str] = ..., quote_funds: _Optional[str] = ...) -> None: ...

class RehearsedStep(_message.Message):
    __slots__ = ("sent", "answer")
    SENT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    sent: str
    answer: str
    def __init__(self, sent: _Optional[str] = ..., answer: _Optional[str] = ...) -> None: ...

class RehearsedFiring(_message.Message):
    __slots__ = ("at_ns", "explanation", "facts", "steps")
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    at_ns: int
    explanation: str
    facts: _containers.RepeatedCompositeFieldContainer[Fact]
    steps: _containers.RepeatedCompositeFieldContainer[RehearsedStep]
    def __init__(self, at_ns: _Optional[int] = ..., explanation: _Optional[str] = ..., facts: _Optional[_Iterable[_Union[Fact, _Mapping]]] = ..., steps: _Optional[_Iterable[_Union[RehearsedStep, _Mapping]]] = ...) -> None: ...

class RehearseRuleResponse(_message.Message):
    __slots__ = ("candles", "from_ns", "to_ns", "fired", "firings", "asset", "worth", "worth_without")
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    FIRED_FIELD_NUMBER: _ClassVar[int]
    FIRINGS_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    WORTH_FIELD_NUMBER: _ClassVar[int]
    WORTH_WITHOUT_FIELD_NUMBER: _ClassVar[int]
    candles: int
    from_ns: int
    to_ns: int
    fired: int
    firings: _containers.RepeatedCompositeFieldContainer[RehearsedFiring]
    asset: str
    worth: str
    worth_without: str
    def __init__(self, candles: _Optional[int] = ..., from_ns: _Optional[int] = ..., to_ns: _Optional[int] = ..., fired: _Optional[int] = ..., firings: _Optional[_Iterable[_Union[RehearsedFiring, _Mapping]]] = ..., asset: _Optional[str] = ..., worth: _Optional[str] = ..., worth_without: _Optional[str] = ...) -> None: ...

class ListRulesRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRulesResponse(_message.Message):
    __slots__ = ("rules", "next_page_token")
    RULES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[Rule]
    next_page_token: str
    def __init__(self, rules: _Optional[_Iterable[_Union[Rule, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class ListFiringsRequest(_message.Message):
    __slots__ = ("rule_id", "page_size", "page_token")
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rule_id: str
    page_size: int
    page_token: str
    def __init__(self, rule_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListFiringsResponse(_message.Message):
    __slots__ = ("firings", "next_page_token")
    FIRINGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    firings: _containers.RepeatedCompositeFieldContainer[Firing]
    next_page_token: str
    def __init__(self, firings: _Optional[_Iterable[_Union[Firing, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
