from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetPerformanceRequest(_message.Message):
    __slots__ = ("subaccount", "whole_account", "base_asset", "from_ns", "to_ns", "max_points")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    WHOLE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSET_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    MAX_POINTS_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    whole_account: bool
    base_asset: str
    from_ns: int
    to_ns: int
    max_points: int
    def __init__(self, subaccount: _Optional[str] = ..., whole_account: _Optional[bool] = ..., base_asset: _Optional[str] = ..., from_ns: _Optional[int] = ..., to_ns: _Optional[int] = ..., max_points: _Optional[int] = ...) -> None: ...

class GetPerformanceResponse(_message.Message):
    __slots__ = ("base_asset", "points", "gain", "flows", "return_ppm", "max_drawdown_ppm", "as_of_seq")
    BASE_ASSET_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    GAIN_FIELD_NUMBER: _ClassVar[int]
    FLOWS_FIELD_NUMBER: _ClassVar[int]
    RETURN_PPM_FIELD_NUMBER: _ClassVar[int]
    MAX_DRAWDOWN_PPM_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    base_asset: str
    points: _containers.RepeatedCompositeFieldContainer[PerformancePoint]
    gain: str
    flows: str
    return_ppm: int
    max_drawdown_ppm: int
    as_of_seq: int
    def __init__(self, base_asset: _Optional[str] = ..., points: _Optional[_Iterable[_Union[PerformancePoint, _Mapping]]] = ..., gain: _Optional[str] = ..., flows: _Optional[str] = ..., return_ppm: _Optional[int] = ..., max_drawdown_ppm: _Optional[int] = ..., as_of_seq: _Optional[int] = ...) -> None: ...

class PerformancePoint(_message.Message):
    __slots__ = ("at_ns", "value", "flows", "return_ppm")
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    FLOWS_FIELD_NUMBER: _ClassVar[int]
    RETURN_PPM_FIELD_NUMBER: _ClassVar[int]
    at_ns: int
    value: str
    flows: str
    return_ppm: int
    def __init__(self, at_ns: _Optional[int] = ..., value: _Optional[str] = ..., flows: _Optional[str] = ..., return_ppm: _Optional[int] = ...) -> None: ...
