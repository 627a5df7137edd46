from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListSignalsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSignalsResponse(_message.Message):
    __slots__ = ("signals",)
    SIGNALS_FIELD_NUMBER: _ClassVar[int]
    signals: _containers.RepeatedCompositeFieldContainer[Signal]
    def __init__(self, signals: _Optional[_Iterable[_Union[Signal, _Mapping]]] = ...) -> None: ...

class Signal(_message.Message):
    __slots__ = ("name", "plugin", "version", "digest", "symbols", "running", "runs", "values", "why")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    name: str
    plugin: str
    version: str
    digest: str
    symbols: _containers.RepeatedScalarFieldContainer[str]
    running: bool
    runs: int
    values: _containers.RepeatedCompositeFieldContainer[SignalValue]
    why: str
    def __init__(self, name: _Optional[str] = ..., plugin: _Optional[str] = ..., version: _Optional[str] = ..., digest: _Optional[str] = ..., symbols: _Optional[_Iterable[str]] = ..., running: _Optional[bool] = ..., runs: _Optional[int] = ..., values: _Optional[_Iterable[_Union[SignalValue, _Mapping]]] = ..., why: _Optional[str] = ...) -> None: ...

class SignalValue(_message.Message):
    __slots__ = ("name", "value", "confidence", "as_of_ns", "expires_at_ns")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    AS_OF_NS_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    confidence: float
    as_of_ns: int
    expires_at_ns: int
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ..., confidence: _Optional[float] = ..., as_of_ns: _Optional[int] = ..., expires_at_ns: _Optional[int] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[Model]
    def __init__(self, models: _Optional[_Iterable[_Union[Model, _Mapping]]] = ...) -> None: ...

class TrainModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class TrainModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Model(_message.Message):
    __slots__ = ("name", "symbol", "venue", "interval", "others", "horizon", "schedule", "next_at_ns", "training", "in_force", "last_attempt", "fault", "registered")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    HORIZON_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    NEXT_AT_NS_FIELD_NUMBER: _ClassVar[int]
    TRAINING_FIELD_NUMBER: _ClassVar[int]
    IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    LAST_ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_FIELD_NUMBER: _ClassVar[int]
    name: str
    symbol: str
    venue: str
    interval: str
    others: _containers.RepeatedScalarFieldContainer[str]
    horizon: int
    schedule: str
    next_at_ns: int
    training: bool
    in_force: ModelInForce
    last_attempt: TrainingAttempt
    fault: str
    registered: int
    def __init__(self, name: _Optional[str] = ..., symbol: _Optional[str] = ..., venue: _Optional[str] = ..., interval: _Optional[str] = ..., others: _Optional[_Iterable[str]] = ..., horizon: _Optional[int] = ..., schedule: _Optional[str] = ..., next_at_ns: _Optional[int] = ..., training: _Optional[bool] = ..., in_force: _Optional[_Union[ModelInForce, _Mapping]] = ..., last_attempt: _Optional[_Union[TrainingAttempt, _Mapping]] = ..., fault: _Optional[str] = ..., registered: _Optional[int] = ...) -> None: ...

class ModelInForce(_message.Message):
    __slots__ = ("digest", "registered_at_ns", "labels_end_ns", "fingerprint", "may_trade", "advice", "advice_since_ns", "metrics")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    LABELS_END_NS_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    MAY_TRADE_FIELD_NUMBER: _ClassVar[int]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    ADVICE_SINCE_NS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    registered_at_ns: int
    labels_end_ns: int
    fingerprint: str
    may_trade: bool
    advice: str
    advice_since_ns: int
    metrics: _containers.ScalarMap[str, float]
    def __init__(self, digest: _Optional[str] = ..., registered_at_ns: _Optional[int] = ..., labels_end_ns: _Optional[int] = ..., fingerprint: _Optional[str] = ..., may_trade: _Optional[bool] = ..., advice: _Optional[str] = ..., advice_since_ns: _Optional[int] = ..., metrics: _Optional[_Mapping[str, float]] = ...) -> None: ...

class TrainingAttempt(_message.Message):
    __slots__ = ("at_ns", "outcome", "replaced")
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    at_ns: int
    outcome: str
    replaced: bool
    def __init__(self, at_ns: _Optional[int] = ..., outcome: _Optional[str] = ..., replaced: _Optional[bool] = ...) -> None: ...
