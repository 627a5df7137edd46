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

class Interval(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INTERVAL_UNSPECIFIED: _ClassVar[Interval]
    INTERVAL_1S: _ClassVar[Interval]
    INTERVAL_1M: _ClassVar[Interval]
    INTERVAL_5M: _ClassVar[Interval]
    INTERVAL_15M: _ClassVar[Interval]
    INTERVAL_1H: _ClassVar[Interval]
    INTERVAL_1D: _ClassVar[Interval]

class IndicatorUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INDICATOR_UNIT_UNSPECIFIED: _ClassVar[IndicatorUnit]
    INDICATOR_UNIT_PRICE: _ClassVar[IndicatorUnit]
    INDICATOR_UNIT_QUANTITY: _ClassVar[IndicatorUnit]
    INDICATOR_UNIT_PERCENT: _ClassVar[IndicatorUnit]
    INDICATOR_UNIT_RATIO: _ClassVar[IndicatorUnit]
INTERVAL_UNSPECIFIED: Interval
INTERVAL_1S: Interval
INTERVAL_1M: Interval
INTERVAL_5M: Interval
INTERVAL_15M: Interval
INTERVAL_1H: Interval
INTERVAL_1D: Interval
INDICATOR_UNIT_UNSPECIFIED: IndicatorUnit
INDICATOR_UNIT_PRICE: IndicatorUnit
INDICATOR_UNIT_QUANTITY: IndicatorUnit
INDICATOR_UNIT_PERCENT: IndicatorUnit
INDICATOR_UNIT_RATIO: IndicatorUnit

class BookLevel(_message.Message):
    __slots__ = ("price", "quantity")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ...) -> None: ...

class ListInstrumentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListInstrumentsResponse(_message.Message):
    __slots__ = ("instruments", "assets")
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    ASSETS_FIELD_NUMBER: _ClassVar[int]
    instruments: _containers.RepeatedCompositeFieldContainer[_types_pb2.Instrument]
    assets: _containers.RepeatedCompositeFieldContainer[_types_pb2.Asset]
    def __init__(self, instruments: _Optional[_Iterable[_Union[_types_pb2.Instrument, _Mapping]]] = ..., assets: _Optional[_Iterable[_Union[_types_pb2.Asset, _Mapping]]] = ...) -> None: ...

class GetBookRequest(_message.Message):
    __slots__ = ("symbol", "venue", "depth")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    depth: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., depth: _Optional[int] = ...) -> None: ...

class GetBookResponse(_message.Message):
    __slots__ = ("symbol", "source", "sequence", "bids", "asks", "at_ns", "checksum", "stale")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    source: _types_pb2.Source
    sequence: int
    bids: _containers.RepeatedCompositeFieldContainer[BookLevel]
    asks: _containers.RepeatedCompositeFieldContainer[BookLevel]
    at_ns: int
    checksum: int
    stale: bool
    def __init__(self, symbol: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., sequence: _Optional[int] = ..., bids: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., at_ns: _Optional[int] = ..., checksum: _Optional[int] = ..., stale: _Optional[bool] = ...) -> None: ...

class WatchBookRequest(_message.Message):
    __slots__ = ("symbol", "venue", "depth", "after_sequence")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    depth: int
    after_sequence: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., depth: _Optional[int] = ..., after_sequence: _Optional[int] = ...) -> None: ...

class WatchBookResponse(_message.Message):
    __slots__ = ("symbol", "source", "sequence", "first_sequence", "at_ns", "snapshot", "change", "heartbeat", "shutdown", "checksum", "stale")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    CHECKSUM_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    source: _types_pb2.Source
    sequence: int
    first_sequence: int
    at_ns: int
    snapshot: BookSnapshot
    change: BookChange
    heartbeat: MarketHeartbeat
    shutdown: _types_pb2.ServerShutdown
    checksum: int
    stale: bool
    def __init__(self, symbol: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., sequence: _Optional[int] = ..., first_sequence: _Optional[int] = ..., at_ns: _Optional[int] = ..., snapshot: _Optional[_Union[BookSnapshot, _Mapping]] = ..., change: _Optional[_Union[BookChange, _Mapping]] = ..., heartbeat: _Optional[_Union[MarketHeartbeat, _Mapping]] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ..., checksum: _Optional[int] = ..., stale: _Optional[bool] = ...) -> None: ...

class BookSnapshot(_message.Message):
    __slots__ = ("bids", "asks", "reset", "lagged")
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    LAGGED_FIELD_NUMBER: _ClassVar[int]
    bids: _containers.RepeatedCompositeFieldContainer[BookLevel]
    asks: _containers.RepeatedCompositeFieldContainer[BookLevel]
    reset: bool
    lagged: bool
    def __init__(self, bids: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., reset: _Optional[bool] = ..., lagged: _Optional[bool] = ...) -> None: ...

class BookChange(_message.Message):
    __slots__ = ("bids", "asks")
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    bids: _containers.RepeatedCompositeFieldContainer[BookLevel]
    asks: _containers.RepeatedCompositeFieldContainer[BookLevel]
    def __init__(self, bids: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[BookLevel, _Mapping]]] = ...) -> None: ...

class MarketHeartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Trade(_message.Message):
    __slots__ = ("symbol", "source", "sequence", "trade_id", "price", "quantity", "taker_side", "at_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    source: _types_pb2.Source
    sequence: int
    trade_id: str
    price: str
    quantity: str
    taker_side: _types_pb2.Side
    at_ns: int
    def __init__(self, symbol: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., sequence: _Optional[int] = ..., trade_id: _Optional[str] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., taker_side: _Optional[_Union[_types_pb2.Side, str]] = ..., at_ns: _Optional[int] = ...) -> None: ...

class ListTradesRequest(_message.Message):
    __slots__ = ("symbol", "venue", "limit")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    limit: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class ListTradesResponse(_message.Message):
    __slots__ = ("trades",)
    TRADES_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[Trade]
    def __init__(self, trades: _Optional[_Iterable[_Union[Trade, _Mapping]]] = ...) -> None: ...

class WatchTradesRequest(_message.Message):
    __slots__ = ("symbol", "venue", "after_sequence")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    after_sequence: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., after_sequence: _Optional[int] = ...) -> None: ...

class WatchTradesResponse(_message.Message):
    __slots__ = ("trades", "lagged_to", "reset", "heartbeat", "shutdown")
    TRADES_FIELD_NUMBER: _ClassVar[int]
    LAGGED_TO_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[Trade]
    lagged_to: int
    reset: bool
    heartbeat: bool
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, trades: _Optional[_Iterable[_Union[Trade, _Mapping]]] = ..., lagged_to: _Optional[int] = ..., reset: _Optional[bool] = ..., heartbeat: _Optional[bool] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...

class Ticker(_message.Message):
    __slots__ = ("symbol", "source", "last", "bid", "bid_quantity", "ask", "ask_quantity", "high", "low", "volume", "open", "at_ns", "sequence", "stale", "open_at_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    BID_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    ASK_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    STALE_FIELD_NUMBER: _ClassVar[int]
    OPEN_AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    source: _types_pb2.Source
    last: str
    bid: str
    bid_quantity: str
    ask: str
    ask_quantity: str
    high: str
    low: str
    volume: str
    open: str
    at_ns: int
    sequence: int
    stale: bool
    open_at_ns: int
    def __init__(self, symbol: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., last: _Optional[str] = ..., bid: _Optional[str] = ..., bid_quantity: _Optional[str] = ..., ask: _Optional[str] = ..., ask_quantity: _Optional[str] = ..., high: _Optional[str] = ..., low: _Optional[str] = ..., volume: _Optional[str] = ..., open: _Optional[str] = ..., at_ns: _Optional[int] = ..., sequence: _Optional[int] = ..., stale: _Optional[bool] = ..., open_at_ns: _Optional[int] = ...) -> None: ...

class ListTickersRequest(_message.Message):
    __slots__ = ("symbol",)
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    def __init__(self, symbol: _Optional[str] = ...) -> None: ...

class ListTickersResponse(_message.Message):
    __slots__ = ("tickers",)
    TICKERS_FIELD_NUMBER: _ClassVar[int]
    tickers: _containers.RepeatedCompositeFieldContainer[Ticker]
    def __init__(self, tickers: _Optional[_Iterable[_Union[Ticker, _Mapping]]] = ...) -> None: ...

class WatchTickersRequest(_message.Message):
    __slots__ = ("symbol",)
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    def __init__(self, symbol: _Optional[str] = ...) -> None: ...

class WatchTickersResponse(_message.Message):
    __slots__ = ("tickers", "shutdown")
    TICKERS_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    tickers: _containers.RepeatedCompositeFieldContainer[Ticker]
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, tickers: _Optional[_Iterable[_Union[Ticker, _Mapping]]] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...

class Candle(_message.Message):
    __slots__ = ("open_at_ns", "open", "high", "low", "close", "volume", "trades", "closed")
    OPEN_AT_NS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    open_at_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    closed: bool
    def __init__(self, open_at_ns: _Optional[int] = ..., open: _Optional[str] = ..., high: _Optional[str] = ..., low: _Optional[str] = ..., close: _Optional[str] = ..., volume: _Optional[str] = ..., trades: _Optional[int] = ..., closed: _Optional[bool] = ...) -> None: ...

class ListCandlesRequest(_message.Message):
    __slots__ = ("symbol", "venue", "interval", "from_ns", "to_ns", "limit")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    interval: Interval
    from_ns: int
    to_ns: int
    limit: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., interval: _Optional[_Union[Interval, str]] = ..., from_ns: _Optional[int] = ..., to_ns: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class ListCandlesResponse(_message.Message):
    __slots__ = ("symbol", "source", "interval", "candles")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    source: _types_pb2.Source
    interval: Interval
    candles: _containers.RepeatedCompositeFieldContainer[Candle]
    def __init__(self, symbol: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ..., candles: _Optional[_Iterable[_Union[Candle, _Mapping]]] = ...) -> None: ...

class WatchCandlesRequest(_message.Message):
    __slots__ = ("symbol", "venue", "interval", "from_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    interval: Interval
    from_ns: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., interval: _Optional[_Union[Interval, str]] = ..., from_ns: _Optional[int] = ...) -> None: ...

class WatchCandlesResponse(_message.Message):
    __slots__ = ("symbol", "source", "interval", "candles", "reset", "lagged", "shutdown")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    LAGGED_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    source: _types_pb2.Source
    interval: Interval
    candles: _containers.RepeatedCompositeFieldContainer[Candle]
    reset: bool
    lagged: bool
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, symbol: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ..., candles: _Optional[_Iterable[_Union[Candle, _Mapping]]] = ..., reset: _Optional[bool] = ..., lagged: _Optional[bool] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...

class ListIndicatorsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListIndicatorsResponse(_message.Message):
    __slots__ = ("indicators",)
    INDICATORS_FIELD_NUMBER: _ClassVar[int]
    indicators: _containers.RepeatedCompositeFieldContainer[Indicator]
    def __init__(self, indicators: _Optional[_Iterable[_Union[Indicator, _Mapping]]] = ...) -> None: ...

class IndicatorParameter(_message.Message):
    __slots__ = ("name", "description", "default_value", "min_value", "max_value", "whole")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_VALUE_FIELD_NUMBER: _ClassVar[int]
    MIN_VALUE_FIELD_NUMBER: _ClassVar[int]
    MAX_VALUE_FIELD_NUMBER: _ClassVar[int]
    WHOLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    default_value: float
    min_value: float
    max_value: float
    whole: bool
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., default_value: _Optional[float] = ..., min_value: _Optional[float] = ..., max_value: _Optional[float] = ..., whole: _Optional[bool] = ...) -> None: ...

class IndicatorOutput(_message.Message):
    __slots__ = ("name", "unit", "is_price")
    NAME_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    IS_PRICE_FIELD_NUMBER: _ClassVar[int]
    name: str
    unit: IndicatorUnit
    is_price: bool
    def __init__(self, name: _Optional[str] = ..., unit: _Optional[_Union[IndicatorUnit, str]] = ..., is_price: _Optional[bool] = ...) -> None: ...

class Indicator(_message.Message):
    __slots__ = ("name", "title", "source", "outputs", "parameters")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    title: str
    source: str
    outputs: _containers.RepeatedCompositeFieldContainer[IndicatorOutput]
    parameters: _containers.RepeatedCompositeFieldContainer[IndicatorParameter]
    def __init__(self, name: _Optional[str] = ..., title: _Optional[str] = ..., source: _Optional[str] = ..., outputs: _Optional[_Iterable[_Union[IndicatorOutput, _Mapping]]] = ..., parameters: _Optional[_Iterable[_Union[IndicatorParameter, _Mapping]]] = ...) -> None: ...

class ListIndicatorValuesRequest(_message.Message):
    __slots__ = ("symbol", "venue", "interval", "indicator", "settings", "to_ns", "limit")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    INDICATOR_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    interval: Interval
    indicator: str
    settings: _containers.RepeatedScalarFieldContainer[str]
    to_ns: int
    limit: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., interval: _Optional[_Union[Interval, str]] = ..., indicator: _Optional[str] = ..., settings: _Optional[_Iterable[str]] = ..., to_ns: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class IndicatorPoint(_message.Message):
    __slots__ = ("open_at_ns", "values", "closed")
    OPEN_AT_NS_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    open_at_ns: int
    values: _containers.RepeatedScalarFieldContainer[float]
    closed: bool
    def __init__(self, open_at_ns: _Optional[int] = ..., values: _Optional[_Iterable[float]] = ..., closed: _Optional[bool] = ...) -> None: ...

class ListIndicatorValuesResponse(_message.Message):
    __slots__ = ("symbol", "source", "interval", "indicator", "settings", "points")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    INDICATOR_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    POINTS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    source: _types_pb2.Source
    interval: Interval
    indicator: Indicator
    settings: _containers.RepeatedScalarFieldContainer[str]
    points: _containers.RepeatedCompositeFieldContainer[IndicatorPoint]
    def __init__(self, symbol: _Optional[str] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ..., interval: _Optional[_Union[Interval, str]] = ..., indicator: _Optional[_Union[Indicator, _Mapping]] = ..., settings: _Optional[_Iterable[str]] = ..., points: _Optional[_Iterable[_Union[IndicatorPoint, _Mapping]]] = ...) -> None: ...

class WatchAuctionRequest(_message.Message):
    __slots__ = ("symbol",)
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    def __init__(self, symbol: _Optional[str] = ...) -> None: ...

class WatchAuctionResponse(_message.Message):
    __slots__ = ("symbol", "gathering", "price", "quantity", "buy_imbalance", "sell_imbalance", "until_ns", "seq", "shutdown", "state", "delisted")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    GATHERING_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    BUY_IMBALANCE_FIELD_NUMBER: _ClassVar[int]
    SELL_IMBALANCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DELISTED_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    gathering: bool
    price: str
    quantity: str
    buy_imbalance: str
    sell_imbalance: str
    until_ns: int
    seq: int
    shutdown: _types_pb2.ServerShutdown
    state: _types_pb2.MarketState
    delisted: bool
    def __init__(self, symbol: _Optional[str] = ..., gathering: _Optional[bool] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., buy_imbalance: _Optional[str] = ..., sell_imbalance: _Optional[str] = ..., until_ns: _Optional[int] = ..., seq: _Optional[int] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ..., state: _Optional[_Union[_types_pb2.MarketState, str]] = ..., delisted: _Optional[bool] = ...) -> None: ...
