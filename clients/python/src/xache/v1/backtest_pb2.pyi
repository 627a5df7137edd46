from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BacktestState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKTEST_STATE_UNSPECIFIED: _ClassVar[BacktestState]
    BACKTEST_STATE_QUEUED: _ClassVar[BacktestState]
    BACKTEST_STATE_RUNNING: _ClassVar[BacktestState]
    BACKTEST_STATE_FINISHED: _ClassVar[BacktestState]
    BACKTEST_STATE_FAILED: _ClassVar[BacktestState]
    BACKTEST_STATE_CANCELED: _ClassVar[BacktestState]
    BACKTEST_STATE_INTERRUPTED: _ClassVar[BacktestState]

class BacktestPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKTEST_PHASE_UNSPECIFIED: _ClassVar[BacktestPhase]
    BACKTEST_PHASE_WAITING: _ClassVar[BacktestPhase]
    BACKTEST_PHASE_RUNNING: _ClassVar[BacktestPhase]
    BACKTEST_PHASE_JUDGING: _ClassVar[BacktestPhase]
    BACKTEST_PHASE_OVER: _ClassVar[BacktestPhase]

class BacktestVerdict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKTEST_VERDICT_UNSPECIFIED: _ClassVar[BacktestVerdict]
    BACKTEST_VERDICT_NOT_ENOUGH_DATA: _ClassVar[BacktestVerdict]
    BACKTEST_VERDICT_LOSING: _ClassVar[BacktestVerdict]
    BACKTEST_VERDICT_UNPROVEN: _ClassVar[BacktestVerdict]
    BACKTEST_VERDICT_CONVINCING: _ClassVar[BacktestVerdict]

class BacktestFills(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BACKTEST_FILLS_UNSPECIFIED: _ClassVar[BacktestFills]
    BACKTEST_FILLS_NEXT_OPEN: _ClassVar[BacktestFills]
    BACKTEST_FILLS_TOUCH: _ClassVar[BacktestFills]

class ReportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPORT_FORMAT_UNSPECIFIED: _ClassVar[ReportFormat]
    REPORT_FORMAT_JSON: _ClassVar[ReportFormat]
    REPORT_FORMAT_HTML: _ClassVar[ReportFormat]
BACKTEST_STATE_UNSPECIFIED: BacktestState
BACKTEST_STATE_QUEUED: BacktestState
BACKTEST_STATE_RUNNING: BacktestState
BACKTEST_STATE_FINISHED: BacktestState
BACKTEST_STATE_FAILED: BacktestState
BACKTEST_STATE_CANCELED: BacktestState
BACKTEST_STATE_INTERRUPTED: BacktestState
BACKTEST_PHASE_UNSPECIFIED: BacktestPhase
BACKTEST_PHASE_WAITING: BacktestPhase
BACKTEST_PHASE_RUNNING: BacktestPhase
BACKTEST_PHASE_JUDGING: BacktestPhase
BACKTEST_PHASE_OVER: BacktestPhase
BACKTEST_VERDICT_UNSPECIFIED: BacktestVerdict
BACKTEST_VERDICT_NOT_ENOUGH_DATA: BacktestVerdict
BACKTEST_VERDICT_LOSING: BacktestVerdict
BACKTEST_VERDICT_UNPROVEN: BacktestVerdict
BACKTEST_VERDICT_CONVINCING: BacktestVerdict
BACKTEST_FILLS_UNSPECIFIED: BacktestFills
BACKTEST_FILLS_NEXT_OPEN: BacktestFills
BACKTEST_FILLS_TOUCH: BacktestFills
REPORT_FORMAT_UNSPECIFIED: ReportFormat
REPORT_FORMAT_JSON: ReportFormat
REPORT_FORMAT_HTML: ReportFormat

class History(_message.Message):
    __slots__ = ("name", "symbol", "venue", "interval", "candles", "from_ns", "until_ns", "fingerprint")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    name: str
    symbol: str
    venue: str
    interval: str
    candles: int
    from_ns: int
    until_ns: int
    fingerprint: str
    def __init__(self, name: _Optional[str] = ..., symbol: _Optional[str] = ..., venue: _Optional[str] = ..., interval: _Optional[str] = ..., candles: _Optional[int] = ..., from_ns: _Optional[int] = ..., until_ns: _Optional[int] = ..., fingerprint: _Optional[str] = ...) -> None: ...

class BacktestTerms(_message.Message):
    __slots__ = ("settings_json", "histories", "cash", "fee_ppm", "half_spread_ppm", "slippage_ppm", "impact_ppm", "fills", "from_ns", "until_ns", "train_days", "test_days", "check", "capacity")
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    HISTORIES_FIELD_NUMBER: _ClassVar[int]
    CASH_FIELD_NUMBER: _ClassVar[int]
    FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    HALF_SPREAD_PPM_FIELD_NUMBER: _ClassVar[int]
    SLIPPAGE_PPM_FIELD_NUMBER: _ClassVar[int]
    IMPACT_PPM_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    TRAIN_DAYS_FIELD_NUMBER: _ClassVar[int]
    TEST_DAYS_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    settings_json: str
    histories: _containers.RepeatedScalarFieldContainer[str]
    cash: str
    fee_ppm: int
    half_spread_ppm: int
    slippage_ppm: int
    impact_ppm: int
    fills: BacktestFills
    from_ns: int
    until_ns: int
    train_days: int
    test_days: int
    check: bool
    capacity: bool
    def __init__(self, settings_json: _Optional[str] = ..., histories: _Optional[_Iterable[str]] = ..., cash: _Optional[str] = ..., fee_ppm: _Optional[int] = ..., half_spread_ppm: _Optional[int] = ..., slippage_ppm: _Optional[int] = ..., impact_ppm: _Optional[int] = ..., fills: _Optional[_Union[BacktestFills, str]] = ..., from_ns: _Optional[int] = ..., until_ns: _Optional[int] = ..., train_days: _Optional[int] = ..., test_days: _Optional[int] = ..., check: _Optional[bool] = ..., capacity: _Optional[bool] = ...) -> None: ...

class BacktestResult(_message.Message):
    __slots__ = ("verdict", "deflated_ppm", "lacks", "trials", "return_ppm", "holding_ppm", "drawdown_ppm", "days", "fills", "closed_trades", "refusals", "fees", "end_equity", "quote", "capacity_ppm", "settings_json")
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    DEFLATED_PPM_FIELD_NUMBER: _ClassVar[int]
    LACKS_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    RETURN_PPM_FIELD_NUMBER: _ClassVar[int]
    HOLDING_PPM_FIELD_NUMBER: _ClassVar[int]
    DRAWDOWN_PPM_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_TRADES_FIELD_NUMBER: _ClassVar[int]
    REFUSALS_FIELD_NUMBER: _ClassVar[int]
    FEES_FIELD_NUMBER: _ClassVar[int]
    END_EQUITY_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_PPM_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    verdict: BacktestVerdict
    deflated_ppm: int
    lacks: str
    trials: int
    return_ppm: int
    holding_ppm: int
    drawdown_ppm: int
    days: int
    fills: int
    closed_trades: int
    refusals: int
    fees: str
    end_equity: str
    quote: str
    capacity_ppm: int
    settings_json: str
    def __init__(self, verdict: _Optional[_Union[BacktestVerdict, str]] = ..., deflated_ppm: _Optional[int] = ..., lacks: _Optional[str] = ..., trials: _Optional[int] = ..., return_ppm: _Optional[int] = ..., holding_ppm: _Optional[int] = ..., drawdown_ppm: _Optional[int] = ..., days: _Optional[int] = ..., fills: _Optional[int] = ..., closed_trades: _Optional[int] = ..., refusals: _Optional[int] = ..., fees: _Optional[str] = ..., end_equity: _Optional[str] = ..., quote: _Optional[str] = ..., capacity_ppm: _Optional[int] = ..., settings_json: _Optional[str] = ...) -> None: ...

class Backtest(_message.Message):
    __slots__ = ("backtest_id", "plugin", "plugin_digest", "terms", "symbols", "state", "phase", "done_ppm", "ahead", "cause", "created_at_ns", "started_at_ns", "ended_at_ns", "result", "has_page")
    BACKTEST_ID_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    PLUGIN_DIGEST_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    DONE_PPM_FIELD_NUMBER: _ClassVar[int]
    AHEAD_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    HAS_PAGE_FIELD_NUMBER: _ClassVar[int]
    backtest_id: str
    plugin: str
    plugin_digest: str
    terms: BacktestTerms
    symbols: _containers.RepeatedScalarFieldContainer[str]
    state: BacktestState
    phase: BacktestPhase
    done_ppm: int
    ahead: int
    cause: str
    created_at_ns: int
    started_at_ns: int
    ended_at_ns: int
    result: BacktestResult
    has_page: bool
    def __init__(self, backtest_id: _Optional[str] = ..., plugin: _Optional[str] = ..., plugin_digest: _Optional[str] = ..., terms: _Optional[_Union[BacktestTerms, _Mapping]] = ..., symbols: _Optional[_Iterable[str]] = ..., state: _Optional[_Union[BacktestState, str]] = ..., phase: _Optional[_Union[BacktestPhase, str]] = ..., done_ppm: _Optional[int] = ..., ahead: _Optional[int] = ..., cause: _Optional[str] = ..., created_at_ns: _Optional[int] = ..., started_at_ns: _Optional[int] = ..., ended_at_ns: _Optional[int] = ..., result: _Optional[_Union[BacktestResult, _Mapping]] = ..., has_page: _Optional[bool] = ...) -> None: ...

class ListHistoriesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListHistoriesResponse(_message.Message):
    __slots__ = ("histories",)
    HISTORIES_FIELD_NUMBER: _ClassVar[int]
    histories: _containers.RepeatedCompositeFieldContainer[History]
    def __init__(self, histories: _Optional[_Iterable[_Union[History, _Mapping]]] = ...) -> None: ...

class StartBacktestRequest(_message.Message):
    __slots__ = ("plugin", "terms", "request_id")
    PLUGIN_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    plugin: str
    terms: BacktestTerms
    request_id: str
    def __init__(self, plugin: _Optional[str] = ..., terms: _Optional[_Union[BacktestTerms, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class StartBacktestResponse(_message.Message):
    __slots__ = ("backtest",)
    BACKTEST_FIELD_NUMBER: _ClassVar[int]
    backtest: Backtest
    def __init__(self, backtest: _Optional[_Union[Backtest, _Mapping]] = ...) -> None: ...

class GetBacktestRequest(_message.Message):
    __slots__ = ("backtest_id",)
    BACKTEST_ID_FIELD_NUMBER: _ClassVar[int]
    backtest_id: str
    def __init__(self, backtest_id: _Optional[str] = ...) -> None: ...

class GetBacktestResponse(_message.Message):
    __slots__ = ("backtest",)
    BACKTEST_FIELD_NUMBER: _ClassVar[int]
    backtest: Backtest
    def __init__(self, backtest: _Optional[_Union[Backtest, _Mapping]] = ...) -> None: ...

class ListBacktestsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListBacktestsResponse(_message.Message):
    __slots__ = ("backtests", "next_page_token")
    BACKTESTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    backtests: _containers.RepeatedCompositeFieldContainer[Backtest]
    next_page_token: str
    def __init__(self, backtests: _Optional[_Iterable[_Union[Backtest, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchBacktestRequest(_message.Message):
    __slots__ = ("backtest_id",)
    BACKTEST_ID_FIELD_NUMBER: _ClassVar[int]
    backtest_id: str
    def __init__(self, backtest_id: _Optional[str] = ...) -> None: ...

class WatchBacktestResponse(_message.Message):
    __slots__ = ("backtest", "shutdown")
    BACKTEST_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    backtest: Backtest
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, backtest: _Optional[_Union[Backtest, _Mapping]] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...

class CancelBacktestRequest(_message.Message):
    __slots__ = ("backtest_id",)
    BACKTEST_ID_FIELD_NUMBER: _ClassVar[int]
    backtest_id: str
    def __init__(self, backtest_id: _Optional[str] = ...) -> None: ...

class CancelBacktestResponse(_message.Message):
    __slots__ = ("backtest",)
    BACKTEST_FIELD_NUMBER: _ClassVar[int]
    backtest: Backtest
    def __init__(self, backtest: _Optional[_Union[Backtest, _Mapping]] = ...) -> None: ...

class GetBacktestReportRequest(_message.Message):
    __slots__ = ("backtest_id", "format")
    BACKTEST_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    backtest_id: str
    format: ReportFormat
    def __init__(self, backtest_id: _Optional[str] = ..., format: _Optional[_Union[ReportFormat, str]] = ...) -> None: ...

class GetBacktestReportResponse(_message.Message):
    __slots__ = ("content", "media_type")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    media_type: str
    def __init__(self, content: _Optional[bytes] = ..., media_type: _Optional[str] = ...) -> None: ...
