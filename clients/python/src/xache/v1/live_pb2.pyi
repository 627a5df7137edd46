from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import market_pb2 as _market_pb2
from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import trading_pb2 as _trading_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WatchMarketRequest(_message.Message):
    __slots__ = ("symbol", "venue", "depth", "interval", "after_trade", "candles_from_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    AFTER_TRADE_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FROM_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    depth: int
    interval: _market_pb2.Interval
    after_trade: int
    candles_from_ns: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., depth: _Optional[int] = ..., interval: _Optional[_Union[_market_pb2.Interval, str]] = ..., after_trade: _Optional[int] = ..., candles_from_ns: _Optional[int] = ...) -> None: ...

class WatchMarketResponse(_message.Message):
    __slots__ = ("book", "trades", "tickers", "candles", "auction", "shutdown")
    BOOK_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    TICKERS_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    book: _market_pb2.WatchBookResponse
    trades: _market_pb2.WatchTradesResponse
    tickers: _market_pb2.WatchTickersResponse
    candles: _market_pb2.WatchCandlesResponse
    auction: _market_pb2.WatchAuctionResponse
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, book: _Optional[_Union[_market_pb2.WatchBookResponse, _Mapping]] = ..., trades: _Optional[_Union[_market_pb2.WatchTradesResponse, _Mapping]] = ..., tickers: _Optional[_Union[_market_pb2.WatchTickersResponse, _Mapping]] = ..., candles: _Optional[_Union[_market_pb2.WatchCandlesResponse, _Mapping]] = ..., auction: _Optional[_Union[_market_pb2.WatchAuctionResponse, _Mapping]] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...

class WatchDeskRequest(_message.Message):
    __slots__ = ("symbol", "venue", "depth", "interval", "after_trade", "candles_from_ns", "subaccount", "purse_after_seq")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    AFTER_TRADE_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FROM_NS_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PURSE_AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    depth: int
    interval: _market_pb2.Interval
    after_trade: int
    candles_from_ns: int
    subaccount: str
    purse_after_seq: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., depth: _Optional[int] = ..., interval: _Optional[_Union[_market_pb2.Interval, str]] = ..., after_trade: _Optional[int] = ..., candles_from_ns: _Optional[int] = ..., subaccount: _Optional[str] = ..., purse_after_seq: _Optional[int] = ...) -> None: ...

class WatchDeskResponse(_message.Message):
    __slots__ = ("book", "trades", "tickers", "candles", "purse", "auction", "shutdown")
    BOOK_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    TICKERS_FIELD_NUMBER: _ClassVar[int]
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    PURSE_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    book: _market_pb2.WatchBookResponse
    trades: _market_pb2.WatchTradesResponse
    tickers: _market_pb2.WatchTickersResponse
    candles: _market_pb2.WatchCandlesResponse
    purse: _trading_pb2.WatchPurseResponse
    auction: _market_pb2.WatchAuctionResponse
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, book: _Optional[_Union[_market_pb2.WatchBookResponse, _Mapping]] = ..., trades: _Optional[_Union[_market_pb2.WatchTradesResponse, _Mapping]] = ..., tickers: _Optional[_Union[_market_pb2.WatchTickersResponse, _Mapping]] = ..., candles: _Optional[_Union[_market_pb2.WatchCandlesResponse, _Mapping]] = ..., purse: _Optional[_Union[_trading_pb2.WatchPurseResponse, _Mapping]] = ..., auction: _Optional[_Union[_market_pb2.WatchAuctionResponse, _Mapping]] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...
