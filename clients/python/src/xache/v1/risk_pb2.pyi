from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RiskState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RISK_STATE_UNSPECIFIED: _ClassVar[RiskState]
    RISK_STATE_ACTIVE: _ClassVar[RiskState]
    RISK_STATE_REDUCING: _ClassVar[RiskState]
    RISK_STATE_HALTED: _ClassVar[RiskState]

class RiskSetter(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RISK_SETTER_UNSPECIFIED: _ClassVar[RiskSetter]
    RISK_SETTER_OPERATOR: _ClassVar[RiskSetter]
    RISK_SETTER_WATCH: _ClassVar[RiskSetter]
    RISK_SETTER_GUARD: _ClassVar[RiskSetter]
RISK_STATE_UNSPECIFIED: RiskState
RISK_STATE_ACTIVE: RiskState
RISK_STATE_REDUCING: RiskState
RISK_STATE_HALTED: RiskState
RISK_SETTER_UNSPECIFIED: RiskSetter
RISK_SETTER_OPERATOR: RiskSetter
RISK_SETTER_WATCH: RiskSetter
RISK_SETTER_GUARD: RiskSetter

class RiskScopeState(_message.Message):
    __slots__ = ("scope", "setter", "state", "cause")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SETTER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    scope: str
    setter: RiskSetter
    state: RiskState
    cause: str
    def __init__(self, scope: _Optional[str] = ..., setter: _Optional[_Union[RiskSetter, str]] = ..., state: _Optional[_Union[RiskState, str]] = ..., cause: _Optional[str] = ...) -> None: ...

class RiskAmount(_message.Message):
    __slots__ = ("asset", "amount")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    asset: str
    amount: str
    def __init__(self, asset: _Optional[str] = ..., amount: _Optional[str] = ...) -> None: ...

class RiskBounds(_message.Message):
    __slots__ = ("scope", "max_open_orders", "max_order_notional", "max_position", "max_notional_per_minute", "max_daily_loss", "max_drawdown")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAX_POSITION_FIELD_NUMBER: _ClassVar[int]
    MAX_NOTIONAL_PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    MAX_DAILY_LOSS_FIELD_NUMBER: _ClassVar[int]
    MAX_DRAWDOWN_FIELD_NUMBER: _ClassVar[int]
    scope: str
    max_open_orders: int
    max_order_notional: _containers.RepeatedCompositeFieldContainer[RiskAmount]
    max_position: _containers.RepeatedCompositeFieldContainer[RiskAmount]
    max_notional_per_minute: _containers.RepeatedCompositeFieldContainer[RiskAmount]
    max_daily_loss: _containers.RepeatedCompositeFieldContainer[RiskAmount]
    max_drawdown: _containers.RepeatedCompositeFieldContainer[RiskAmount]
    def __init__(self, scope: _Optional[str] = ..., max_open_orders: _Optional[int] = ..., max_order_notional: _Optional[_Iterable[_Union[RiskAmount, _Mapping]]] = ..., max_position: _Optional[_Iterable[_Union[RiskAmount, _Mapping]]] = ..., max_notional_per_minute: _Optional[_Iterable[_Union[RiskAmount, _Mapping]]] = ..., max_daily_loss: _Optional[_Iterable[_Union[RiskAmount, _Mapping]]] = ..., max_drawdown: _Optional[_Iterable[_Union[RiskAmount, _Mapping]]] = ...) -> None: ...

class RiskMark(_message.Message):
    __slots__ = ("scope", "asset", "day", "day_start", "high", "loss_hit", "drawdown_hit")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    DAY_START_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOSS_HIT_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_HIT_FIELD_NUMBER: _ClassVar[int]
    scope: str
    asset: str
    day: int
    day_start: str
    high: str
    loss_hit: bool
    drawdown_hit: bool
    def __init__(self, scope: _Optional[str] = ..., asset: _Optional[str] = ..., day: _Optional[int] = ..., day_start: _Optional[str] = ..., high: _Optional[str] = ..., loss_hit: _Optional[bool] = ..., drawdown_hit: _Optional[bool] = ...) -> None: ...

class RiskMarketState(_message.Message):
    __slots__ = ("symbol", "state", "cause", "until_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    state: _types_pb2.MarketState
    cause: str
    until_ns: int
    def __init__(self, symbol: _Optional[str] = ..., state: _Optional[_Union[_types_pb2.MarketState, str]] = ..., cause: _Optional[str] = ..., until_ns: _Optional[int] = ...) -> None: ...

class HouseRestraints(_message.Message):
    __slots__ = ("halted", "halt_cause", "scopes", "markets")
    HALTED_FIELD_NUMBER: _ClassVar[int]
    HALT_CAUSE_FIELD_NUMBER: _ClassVar[int]
    SCOPES_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    halted: bool
    halt_cause: str
    scopes: _containers.RepeatedCompositeFieldContainer[RiskScopeState]
    markets: _containers.RepeatedCompositeFieldContainer[RiskMarketState]
    def __init__(self, halted: _Optional[bool] = ..., halt_cause: _Optional[str] = ..., scopes: _Optional[_Iterable[_Union[RiskScopeState, _Mapping]]] = ..., markets: _Optional[_Iterable[_Union[RiskMarketState, _Mapping]]] = ...) -> None: ...

class PurseLimits(_message.Message):
    __slots__ = ("account_id", "subaccount", "max_open_orders", "max_order_notional")
    ACCOUNT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MAX_ORDER_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    account_id: str
    subaccount: str
    max_open_orders: int
    max_order_notional: _containers.RepeatedCompositeFieldContainer[RiskAmount]
    def __init__(self, account_id: _Optional[str] = ..., subaccount: _Optional[str] = ..., max_open_orders: _Optional[int] = ..., max_order_notional: _Optional[_Iterable[_Union[RiskAmount, _Mapping]]] = ...) -> None: ...

class GetRiskRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetRiskResponse(_message.Message):
    __slots__ = ("states", "bounds", "marks", "clock_jump_s", "seq", "halted", "halt_cause", "markets", "limits")
    STATES_FIELD_NUMBER: _ClassVar[int]
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    MARKS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_JUMP_S_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    HALTED_FIELD_NUMBER: _ClassVar[int]
    HALT_CAUSE_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    states: _containers.RepeatedCompositeFieldContainer[RiskScopeState]
    bounds: _containers.RepeatedCompositeFieldContainer[RiskBounds]
    marks: _containers.RepeatedCompositeFieldContainer[RiskMark]
    clock_jump_s: int
    seq: int
    halted: bool
    halt_cause: str
    markets: _containers.RepeatedCompositeFieldContainer[RiskMarketState]
    limits: _containers.RepeatedCompositeFieldContainer[PurseLimits]
    def __init__(self, states: _Optional[_Iterable[_Union[RiskScopeState, _Mapping]]] = ..., bounds: _Optional[_Iterable[_Union[RiskBounds, _Mapping]]] = ..., marks: _Optional[_Iterable[_Union[RiskMark, _Mapping]]] = ..., clock_jump_s: _Optional[int] = ..., seq: _Optional[int] = ..., halted: _Optional[bool] = ..., halt_cause: _Optional[str] = ..., markets: _Optional[_Iterable[_Union[RiskMarketState, _Mapping]]] = ..., limits: _Optional[_Iterable[_Union[PurseLimits, _Mapping]]] = ...) -> None: ...

class SetRiskStateRequest(_message.Message):
    __slots__ = ("scope", "state", "cause", "request_id")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    scope: str
    state: RiskState
    cause: str
    request_id: str
    def __init__(self, scope: _Optional[str] = ..., state: _Optional[_Union[RiskState, str]] = ..., cause: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetRiskStateResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class SetRiskBoundsRequest(_message.Message):
    __slots__ = ("bounds", "request_id")
    BOUNDS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    bounds: RiskBounds
    request_id: str
    def __init__(self, bounds: _Optional[_Union[RiskBounds, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class SetRiskBoundsResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class ResetDrawdownRequest(_message.Message):
    __slots__ = ("scope", "asset")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    scope: str
    asset: str
    def __init__(self, scope: _Optional[str] = ..., asset: _Optional[str] = ...) -> None: ...

class ResetDrawdownResponse(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class ConfirmClockRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ConfirmClockResponse(_message.Message):
    __slots__ = ("jump_s",)
    JUMP_S_FIELD_NUMBER: _ClassVar[int]
    jump_s: int
    def __init__(self, jump_s: _Optional[int] = ...) -> None: ...
