from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PluginSide(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_SIDE_UNSPECIFIED: _ClassVar[PluginSide]
    PLUGIN_SIDE_BUY: _ClassVar[PluginSide]
    PLUGIN_SIDE_SELL: _ClassVar[PluginSide]

class PluginTimeInForce(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_TIME_IN_FORCE_UNSPECIFIED: _ClassVar[PluginTimeInForce]
    PLUGIN_TIME_IN_FORCE_GTC: _ClassVar[PluginTimeInForce]
    PLUGIN_TIME_IN_FORCE_IOC: _ClassVar[PluginTimeInForce]
    PLUGIN_TIME_IN_FORCE_FOK: _ClassVar[PluginTimeInForce]
    PLUGIN_TIME_IN_FORCE_GTD: _ClassVar[PluginTimeInForce]

class PluginTriggerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_TRIGGER_KIND_UNSPECIFIED: _ClassVar[PluginTriggerKind]
    PLUGIN_TRIGGER_KIND_STOP: _ClassVar[PluginTriggerKind]
    PLUGIN_TRIGGER_KIND_TAKE_PROFIT: _ClassVar[PluginTriggerKind]
    PLUGIN_TRIGGER_KIND_TRAIL: _ClassVar[PluginTriggerKind]

class PluginTriggerSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_TRIGGER_SOURCE_UNSPECIFIED: _ClassVar[PluginTriggerSource]
    PLUGIN_TRIGGER_SOURCE_LAST: _ClassVar[PluginTriggerSource]
    PLUGIN_TRIGGER_SOURCE_BID_ASK: _ClassVar[PluginTriggerSource]
    PLUGIN_TRIGGER_SOURCE_MARK: _ClassVar[PluginTriggerSource]

class PluginOrderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_ORDER_STATUS_UNSPECIFIED: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_OPEN: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_PARTIALLY_FILLED: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_FILLED: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_CANCELED: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_EXPIRED: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_REFUSED: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_REJECTED: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_PENDING_NEW: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_UNTRIGGERED: _ClassVar[PluginOrderStatus]
    PLUGIN_ORDER_STATUS_TRIGGERED: _ClassVar[PluginOrderStatus]

class PluginMarketData(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_MARKET_DATA_UNSPECIFIED: _ClassVar[PluginMarketData]
    PLUGIN_MARKET_DATA_TRADES: _ClassVar[PluginMarketData]
    PLUGIN_MARKET_DATA_BOOK: _ClassVar[PluginMarketData]
    PLUGIN_MARKET_DATA_CANDLES: _ClassVar[PluginMarketData]

class PluginFailure(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_FAILURE_UNSPECIFIED: _ClassVar[PluginFailure]
    PLUGIN_FAILURE_IMPORT: _ClassVar[PluginFailure]
    PLUGIN_FAILURE_SETTINGS: _ClassVar[PluginFailure]
    PLUGIN_FAILURE_CALLBACK: _ClassVar[PluginFailure]
    PLUGIN_FAILURE_SANDBOX: _ClassVar[PluginFailure]

class PluginSandboxLayer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLUGIN_SANDBOX_LAYER_UNSPECIFIED: _ClassVar[PluginSandboxLayer]
    PLUGIN_SANDBOX_LAYER_LIMITS: _ClassVar[PluginSandboxLayer]
    PLUGIN_SANDBOX_LAYER_PRIVILEGES: _ClassVar[PluginSandboxLayer]
    PLUGIN_SANDBOX_LAYER_USERS: _ClassVar[PluginSandboxLayer]
    PLUGIN_SANDBOX_LAYER_NETWORK: _ClassVar[PluginSandboxLayer]
    PLUGIN_SANDBOX_LAYER_IPC: _ClassVar[PluginSandboxLayer]
    PLUGIN_SANDBOX_LAYER_FILES: _ClassVar[PluginSandboxLayer]
    PLUGIN_SANDBOX_LAYER_SYSTEM_CALLS: _ClassVar[PluginSandboxLayer]
PLUGIN_SIDE_UNSPECIFIED: PluginSide
PLUGIN_SIDE_BUY: PluginSide
PLUGIN_SIDE_SELL: PluginSide
PLUGIN_TIME_IN_FORCE_UNSPECIFIED: PluginTimeInForce
PLUGIN_TIME_IN_FORCE_GTC: PluginTimeInForce
PLUGIN_TIME_IN_FORCE_IOC: PluginTimeInForce
PLUGIN_TIME_IN_FORCE_FOK: PluginTimeInForce
PLUGIN_TIME_IN_FORCE_GTD: PluginTimeInForce
PLUGIN_TRIGGER_KIND_UNSPECIFIED: PluginTriggerKind
PLUGIN_TRIGGER_KIND_STOP: PluginTriggerKind
PLUGIN_TRIGGER_KIND_TAKE_PROFIT: PluginTriggerKind
PLUGIN_TRIGGER_KIND_TRAIL: PluginTriggerKind
PLUGIN_TRIGGER_SOURCE_UNSPECIFIED: PluginTriggerSource
PLUGIN_TRIGGER_SOURCE_LAST: PluginTriggerSource
PLUGIN_TRIGGER_SOURCE_BID_ASK: PluginTriggerSource
PLUGIN_TRIGGER_SOURCE_MARK: PluginTriggerSource
PLUGIN_ORDER_STATUS_UNSPECIFIED: PluginOrderStatus
PLUGIN_ORDER_STATUS_OPEN: PluginOrderStatus
PLUGIN_ORDER_STATUS_PARTIALLY_FILLED: PluginOrderStatus
PLUGIN_ORDER_STATUS_FILLED: PluginOrderStatus
PLUGIN_ORDER_STATUS_CANCELED: PluginOrderStatus
PLUGIN_ORDER_STATUS_EXPIRED: PluginOrderStatus
PLUGIN_ORDER_STATUS_REFUSED: PluginOrderStatus
PLUGIN_ORDER_STATUS_REJECTED: PluginOrderStatus
PLUGIN_ORDER_STATUS_PENDING_NEW: PluginOrderStatus
PLUGIN_ORDER_STATUS_UNTRIGGERED: PluginOrderStatus
PLUGIN_ORDER_STATUS_TRIGGERED: PluginOrderStatus
PLUGIN_MARKET_DATA_UNSPECIFIED: PluginMarketData
PLUGIN_MARKET_DATA_TRADES: PluginMarketData
PLUGIN_MARKET_DATA_BOOK: PluginMarketData
PLUGIN_MARKET_DATA_CANDLES: PluginMarketData
PLUGIN_FAILURE_UNSPECIFIED: PluginFailure
PLUGIN_FAILURE_IMPORT: PluginFailure
PLUGIN_FAILURE_SETTINGS: PluginFailure
PLUGIN_FAILURE_CALLBACK: PluginFailure
PLUGIN_FAILURE_SANDBOX: PluginFailure
PLUGIN_SANDBOX_LAYER_UNSPECIFIED: PluginSandboxLayer
PLUGIN_SANDBOX_LAYER_LIMITS: PluginSandboxLayer
PLUGIN_SANDBOX_LAYER_PRIVILEGES: PluginSandboxLayer
PLUGIN_SANDBOX_LAYER_USERS: PluginSandboxLayer
PLUGIN_SANDBOX_LAYER_NETWORK: PluginSandboxLayer
PLUGIN_SANDBOX_LAYER_IPC: PluginSandboxLayer
PLUGIN_SANDBOX_LAYER_FILES: PluginSandboxLayer
PLUGIN_SANDBOX_LAYER_SYSTEM_CALLS: PluginSandboxLayer

class HostFrame(_message.Message):
    __slots__ = ("start", "trades", "book", "candle", "order_update", "timer", "stop", "ping", "clock", "change_refused", "account", "warm_up", "begin", "signal", "signal_lost", "signal_start", "feed_start", "feed_frame", "feed_repair", "feed_snapshot", "notifier_start", "notice")
    START_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    BOOK_FIELD_NUMBER: _ClassVar[int]
    CANDLE_FIELD_NUMBER: _ClassVar[int]
    ORDER_UPDATE_FIELD_NUMBER: _ClassVar[int]
    TIMER_FIELD_NUMBER: _ClassVar[int]
    STOP_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    CLOCK_FIELD_NUMBER: _ClassVar[int]
    CHANGE_REFUSED_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    WARM_UP_FIELD_NUMBER: _ClassVar[int]
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_LOST_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_START_FIELD_NUMBER: _ClassVar[int]
    FEED_START_FIELD_NUMBER: _ClassVar[int]
    FEED_FRAME_FIELD_NUMBER: _ClassVar[int]
    FEED_REPAIR_FIELD_NUMBER: _ClassVar[int]
    FEED_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    NOTIFIER_START_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    start: PluginStart
    trades: PluginTrades
    book: PluginBook
    candle: PluginCandle
    order_update: PluginOrderUpdate
    timer: PluginTimer
    stop: PluginStop
    ping: PluginPing
    clock: PluginClock
    change_refused: PluginChangeRefused
    account: PluginAccount
    warm_up: PluginWarmUp
    begin: PluginBegin
    signal: PluginSignalValue
    signal_lost: PluginSignalLost
    signal_start: PluginSignalStart
    feed_start: PluginFeedStart
    feed_frame: PluginFeedFrame
    feed_repair: PluginFeedRepair
    feed_snapshot: PluginFeedSnapshot
    notifier_start: PluginNotifierStart
    notice: PluginNotice
    def __init__(self, start: _Optional[_Union[PluginStart, _Mapping]] = ..., trades: _Optional[_Union[PluginTrades, _Mapping]] = ..., book: _Optional[_Union[PluginBook, _Mapping]] = ..., candle: _Optional[_Union[PluginCandle, _Mapping]] = ..., order_update: _Optional[_Union[PluginOrderUpdate, _Mapping]] = ..., timer: _Optional[_Union[PluginTimer, _Mapping]] = ..., stop: _Optional[_Union[PluginStop, _Mapping]] = ..., ping: _Optional[_Union[PluginPing, _Mapping]] = ..., clock: _Optional[_Union[PluginClock, _Mapping]] = ..., change_refused: _Optional[_Union[PluginChangeRefused, _Mapping]] = ..., account: _Optional[_Union[PluginAccount, _Mapping]] = ..., warm_up: _Optional[_Union[PluginWarmUp, _Mapping]] = ..., begin: _Optional[_Union[PluginBegin, _Mapping]] = ..., signal: _Optional[_Union[PluginSignalValue, _Mapping]] = ..., signal_lost: _Optional[_Union[PluginSignalLost, _Mapping]] = ..., signal_start: _Optional[_Union[PluginSignalStart, _Mapping]] = ..., feed_start: _Optional[_Union[PluginFeedStart, _Mapping]] = ..., feed_frame: _Optional[_Union[PluginFeedFrame, _Mapping]] = ..., feed_repair: _Optional[_Union[PluginFeedRepair, _Mapping]] = ..., feed_snapshot: _Optional[_Union[PluginFeedSnapshot, _Mapping]] = ..., notifier_start: _Optional[_Union[PluginNotifierStart, _Mapping]] = ..., notice: _Optional[_Union[PluginNotice, _Mapping]] = ...) -> None: ...

class ChildFrame(_message.Message):
    __slots__ = ("ready", "intents", "pong", "log", "failed", "save", "sealed", "readings", "feed_connection", "feed_turn", "notifier_ready", "notifier_request", "input")
    READY_FIELD_NUMBER: _ClassVar[int]
    INTENTS_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    SAVE_FIELD_NUMBER: _ClassVar[int]
    SEALED_FIELD_NUMBER: _ClassVar[int]
    READINGS_FIELD_NUMBER: _ClassVar[int]
    FEED_CONNECTION_FIELD_NUMBER: _ClassVar[int]
    FEED_TURN_FIELD_NUMBER: _ClassVar[int]
    NOTIFIER_READY_FIELD_NUMBER: _ClassVar[int]
    NOTIFIER_REQUEST_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    ready: PluginReady
    intents: PluginIntents
    pong: PluginPong
    log: PluginLog
    failed: PluginFailed
    save: PluginSave
    sealed: PluginSealed
    readings: PluginReadings
    feed_connection: PluginFeedConnection
    feed_turn: PluginFeedTurn
    notifier_ready: PluginNotifierReady
    notifier_request: PluginNotifierRequest
    input: int
    def __init__(self, ready: _Optional[_Union[PluginReady, _Mapping]] = ..., intents: _Optional[_Union[PluginIntents, _Mapping]] = ..., pong: _Optional[_Union[PluginPong, _Mapping]] = ..., log: _Optional[_Union[PluginLog, _Mapping]] = ..., failed: _Optional[_Union[PluginFailed, _Mapping]] = ..., save: _Optional[_Union[PluginSave, _Mapping]] = ..., sealed: _Optional[_Union[PluginSealed, _Mapping]] = ..., readings: _Optional[_Union[PluginReadings, _Mapping]] = ..., feed_connection: _Optional[_Union[PluginFeedConnection, _Mapping]] = ..., feed_turn: _Optional[_Union[PluginFeedTurn, _Mapping]] = ..., notifier_ready: _Optional[_Union[PluginNotifierReady, _Mapping]] = ..., notifier_request: _Optional[_Union[PluginNotifierRequest, _Mapping]] = ..., input: _Optional[int] = ...) -> None: ...

class PluginStart(_message.Message):
    __slots__ = ("run_id", "settings_json", "instruments", "balances", "positions", "open_orders", "now_ns", "saved")
    RUN_ID_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    NOW_NS_FIELD_NUMBER: _ClassVar[int]
    SAVED_FIELD_NUMBER: _ClassVar[int]
    run_id: str
    settings_json: str
    instruments: _containers.RepeatedCompositeFieldContainer[PluginInstrument]
    balances: _containers.RepeatedCompositeFieldContainer[PluginBalance]
    positions: _containers.RepeatedCompositeFieldContainer[PluginPosition]
    open_orders: _containers.RepeatedCompositeFieldContainer[PluginOrderUpdate]
    now_ns: int
    saved: PluginSave
    def __init__(self, run_id: _Optional[str] = ..., settings_json: _Optional[str] = ..., instruments: _Optional[_Iterable[_Union[PluginInstrument, _Mapping]]] = ..., balances: _Optional[_Iterable[_Union[PluginBalance, _Mapping]]] = ..., positions: _Optional[_Iterable[_Union[PluginPosition, _Mapping]]] = ..., open_orders: _Optional[_Iterable[_Union[PluginOrderUpdate, _Mapping]]] = ..., now_ns: _Optional[int] = ..., saved: _Optional[_Union[PluginSave, _Mapping]] = ...) -> None: ...

class PluginInstrument(_message.Message):
    __slots__ = ("symbol", "base", "quote", "tick_size", "lot_size", "min_quantity", "max_quantity", "max_market_quantity", "min_notional", "max_notional", "maker_fee_ppm", "taker_fee_ppm")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    TICK_SIZE_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAX_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAX_MARKET_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MIN_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAX_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    base: str
    quote: str
    tick_size: str
    lot_size: str
    min_quantity: str
    max_quantity: str
    max_market_quantity: str
    min_notional: str
    max_notional: str
    maker_fee_ppm: int
    taker_fee_ppm: int
    def __init__(self, symbol: _Optional[str] = ..., base: _Optional[str] = ..., quote: _Optional[str] = ..., tick_size: _Optional[str] = ..., lot_size: _Optional[str] = ..., min_quantity: _Optional[str] = ..., max_quantity: _Optional[str] = ..., max_market_quantity: _Optional[str] = ..., min_notional: _Optional[str] = ..., max_notional: _Optional[str] = ..., maker_fee_ppm: _Optional[int] = ..., taker_fee_ppm: _Optional[int] = ...) -> None: ...

class PluginBalance(_message.Message):
    __slots__ = ("asset", "available", "held")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    asset: str
    available: str
    held: str
    def __init__(self, asset: _Optional[str] = ..., available: _Optional[str] = ..., held: _Optional[str] = ...) -> None: ...

class PluginPosition(_message.Message):
    __slots__ = ("symbol", "quantity", "cost")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    quantity: str
    cost: str
    def __init__(self, symbol: _Optional[str] = ..., quantity: _Optional[str] = ..., cost: _Optional[str] = ...) -> None: ...

class PluginTrades(_message.Message):
    __slots__ = ("symbol", "venue", "trades", "lagged")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    LAGGED_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    trades: _containers.RepeatedCompositeFieldContainer[PluginTrade]
    lagged: bool
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., trades: _Optional[_Iterable[_Union[PluginTrade, _Mapping]]] = ..., lagged: _Optional[bool] = ...) -> None: ...

class PluginTrade(_message.Message):
    __slots__ = ("price", "quantity", "taker_side", "at_ns", "simulated")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    taker_side: PluginSide
    at_ns: int
    simulated: bool
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ..., taker_side: _Optional[_Union[PluginSide, str]] = ..., at_ns: _Optional[int] = ..., simulated: _Optional[bool] = ...) -> None: ...

class PluginLevel(_message.Message):
    __slots__ = ("price", "quantity")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ...) -> None: ...

class PluginBook(_message.Message):
    __slots__ = ("symbol", "venue", "bids", "asks", "at_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    bids: _containers.RepeatedCompositeFieldContainer[PluginLevel]
    asks: _containers.RepeatedCompositeFieldContainer[PluginLevel]
    at_ns: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., bids: _Optional[_Iterable[_Union[PluginLevel, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[PluginLevel, _Mapping]]] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginCandle(_message.Message):
    __slots__ = ("symbol", "venue", "interval_s", "open_at_ns", "open", "high", "low", "close", "volume", "closed", "lagged", "bought")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    OPEN_AT_NS_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    LOW_FIELD_NUMBER: _ClassVar[int]
    CLOSE_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    LAGGED_FIELD_NUMBER: _ClassVar[int]
    BOUGHT_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    interval_s: int
    open_at_ns: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    closed: bool
    lagged: bool
    bought: str
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., interval_s: _Optional[int] = ..., open_at_ns: _Optional[int] = ..., open: _Optional[str] = ..., high: _Optional[str] = ..., low: _Optional[str] = ..., close: _Optional[str] = ..., volume: _Optional[str] = ..., closed: _Optional[bool] = ..., lagged: _Optional[bool] = ..., bought: _Optional[str] = ...) -> None: ...

class PluginOrderUpdate(_message.Message):
    __slots__ = ("id", "own", "symbol", "side", "status", "reason", "price", "quantity", "executed_quantity", "leaves_quantity", "fill", "at_ns")
    ID_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LEAVES_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    id: str
    own: bool
    symbol: str
    side: PluginSide
    status: PluginOrderStatus
    reason: str
    price: str
    quantity: str
    executed_quantity: str
    leaves_quantity: str
    fill: PluginFill
    at_ns: int
    def __init__(self, id: _Optional[str] = ..., own: _Optional[bool] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[PluginSide, str]] = ..., status: _Optional[_Union[PluginOrderStatus, str]] = ..., reason: _Optional[str] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., executed_quantity: _Optional[str] = ..., leaves_quantity: _Optional[str] = ..., fill: _Optional[_Union[PluginFill, _Mapping]] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginChangeRefused(_message.Message):
    __slots__ = ("id", "new_id", "symbol", "reason", "at_ns")
    ID_FIELD_NUMBER: _ClassVar[int]
    NEW_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    id: str
    new_id: str
    symbol: str
    reason: str
    at_ns: int
    def __init__(self, id: _Optional[str] = ..., new_id: _Optional[str] = ..., symbol: _Optional[str] = ..., reason: _Optional[str] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginFill(_message.Message):
    __slots__ = ("price", "quantity", "fee", "maker")
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    MAKER_FIELD_NUMBER: _ClassVar[int]
    price: str
    quantity: str
    fee: str
    maker: bool
    def __init__(self, price: _Optional[str] = ..., quantity: _Optional[str] = ..., fee: _Optional[str] = ..., maker: _Optional[bool] = ...) -> None: ...

class PluginTimer(_message.Message):
    __slots__ = ("name", "at_ns")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    name: str
    at_ns: int
    def __init__(self, name: _Optional[str] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginStop(_message.Message):
    __slots__ = ("cause",)
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    cause: str
    def __init__(self, cause: _Optional[str] = ...) -> None: ...

class PluginAccount(_message.Message):
    __slots__ = ("balances", "positions")
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    balances: _containers.RepeatedCompositeFieldContainer[PluginBalance]
    positions: _containers.RepeatedCompositeFieldContainer[PluginPosition]
    def __init__(self, balances: _Optional[_Iterable[_Union[PluginBalance, _Mapping]]] = ..., positions: _Optional[_Iterable[_Union[PluginPosition, _Mapping]]] = ...) -> None: ...

class PluginWarmUp(_message.Message):
    __slots__ = ("candles",)
    CANDLES_FIELD_NUMBER: _ClassVar[int]
    candles: _containers.RepeatedCompositeFieldContainer[PluginCandle]
    def __init__(self, candles: _Optional[_Iterable[_Union[PluginCandle, _Mapping]]] = ...) -> None: ...

class PluginBegin(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PluginClock(_message.Message):
    __slots__ = ("now_ns",)
    NOW_NS_FIELD_NUMBER: _ClassVar[int]
    now_ns: int
    def __init__(self, now_ns: _Optional[int] = ...) -> None: ...

class PluginPing(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class PluginSealed(_message.Message):
    __slots__ = ("layers", "lacks")
    LAYERS_FIELD_NUMBER: _ClassVar[int]
    LACKS_FIELD_NUMBER: _ClassVar[int]
    layers: _containers.RepeatedScalarFieldContainer[PluginSandboxLayer]
    lacks: _containers.RepeatedCompositeFieldContainer[PluginSandboxLack]
    def __init__(self, layers: _Optional[_Iterable[_Union[PluginSandboxLayer, str]]] = ..., lacks: _Optional[_Iterable[_Union[PluginSandboxLack, _Mapping]]] = ...) -> None: ...

class PluginSandboxLack(_message.Message):
    __slots__ = ("layer", "why")
    LAYER_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    layer: PluginSandboxLayer
    why: str
    def __init__(self, layer: _Optional[_Union[PluginSandboxLayer, str]] = ..., why: _Optional[str] = ...) -> None: ...

class PluginReady(_message.Message):
    __slots__ = ("subscriptions", "predicts_nothing", "uses")
    SUBSCRIPTIONS_FIELD_NUMBER: _ClassVar[int]
    PREDICTS_NOTHING_FIELD_NUMBER: _ClassVar[int]
    USES_FIELD_NUMBER: _ClassVar[int]
    subscriptions: _containers.RepeatedCompositeFieldContainer[PluginSubscription]
    predicts_nothing: bool
    uses: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, subscriptions: _Optional[_Iterable[_Union[PluginSubscription, _Mapping]]] = ..., predicts_nothing: _Optional[bool] = ..., uses: _Optional[_Iterable[str]] = ...) -> None: ...

class PluginSignalStart(_message.Message):
    __slots__ = ("name", "settings_json", "instruments", "now_ns")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    NOW_NS_FIELD_NUMBER: _ClassVar[int]
    name: str
    settings_json: str
    instruments: _containers.RepeatedCompositeFieldContainer[PluginInstrument]
    now_ns: int
    def __init__(self, name: _Optional[str] = ..., settings_json: _Optional[str] = ..., instruments: _Optional[_Iterable[_Union[PluginInstrument, _Mapping]]] = ..., now_ns: _Optional[int] = ...) -> None: ...

class PluginReadings(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[PluginSignalValue]
    def __init__(self, values: _Optional[_Iterable[_Union[PluginSignalValue, _Mapping]]] = ...) -> None: ...

class PluginSignalValue(_message.Message):
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

class PluginSignalLost(_message.Message):
    __slots__ = ("signal", "name", "why", "at_ns")
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    signal: str
    name: str
    why: str
    at_ns: int
    def __init__(self, signal: _Optional[str] = ..., name: _Optional[str] = ..., why: _Optional[str] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginSubscription(_message.Message):
    __slots__ = ("symbol", "venue", "data", "interval_s", "depth", "forming", "warm_up")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    VENUE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_S_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    FORMING_FIELD_NUMBER: _ClassVar[int]
    WARM_UP_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    venue: str
    data: PluginMarketData
    interval_s: int
    depth: int
    forming: bool
    warm_up: int
    def __init__(self, symbol: _Optional[str] = ..., venue: _Optional[str] = ..., data: _Optional[_Union[PluginMarketData, str]] = ..., interval_s: _Optional[int] = ..., depth: _Optional[int] = ..., forming: _Optional[bool] = ..., warm_up: _Optional[int] = ...) -> None: ...

class PluginIntents(_message.Message):
    __slots__ = ("intents",)
    INTENTS_FIELD_NUMBER: _ClassVar[int]
    intents: _containers.RepeatedCompositeFieldContainer[PluginIntent]
    def __init__(self, intents: _Optional[_Iterable[_Union[PluginIntent, _Mapping]]] = ...) -> None: ...

class PluginIntent(_message.Message):
    __slots__ = ("place", "cancel", "cancel_all", "set_timer", "note", "amend", "replace")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ALL_FIELD_NUMBER: _ClassVar[int]
    SET_TIMER_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    AMEND_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    place: PluginPlace
    cancel: PluginCancel
    cancel_all: PluginCancelAll
    set_timer: PluginSetTimer
    note: PluginNote
    amend: PluginAmend
    replace: PluginReplace
    def __init__(self, place: _Optional[_Union[PluginPlace, _Mapping]] = ..., cancel: _Optional[_Union[PluginCancel, _Mapping]] = ..., cancel_all: _Optional[_Union[PluginCancelAll, _Mapping]] = ..., set_timer: _Optional[_Union[PluginSetTimer, _Mapping]] = ..., note: _Optional[_Union[PluginNote, _Mapping]] = ..., amend: _Optional[_Union[PluginAmend, _Mapping]] = ..., replace: _Optional[_Union[PluginReplace, _Mapping]] = ...) -> None: ...

class PluginPlace(_message.Message):
    __slots__ = ("id", "symbol", "side", "price", "quantity", "quote_quantity", "time_in_force", "post_only", "trigger", "reduce_only", "slide", "display_quantity", "expires_at_ns", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QUOTE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    SLIDE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    symbol: str
    side: PluginSide
    price: str
    quantity: str
    quote_quantity: str
    time_in_force: PluginTimeInForce
    post_only: bool
    trigger: PluginTrigger
    reduce_only: bool
    slide: bool
    display_quantity: str
    expires_at_ns: int
    reason: PluginReason
    def __init__(self, id: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[PluginSide, str]] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., quote_quantity: _Optional[str] = ..., time_in_force: _Optional[_Union[PluginTimeInForce, str]] = ..., post_only: _Optional[bool] = ..., trigger: _Optional[_Union[PluginTrigger, _Mapping]] = ..., reduce_only: _Optional[bool] = ..., slide: _Optional[bool] = ..., display_quantity: _Optional[str] = ..., expires_at_ns: _Optional[int] = ..., reason: _Optional[_Union[PluginReason, _Mapping]] = ...) -> None: ...

class PluginTrigger(_message.Message):
    __slots__ = ("kind", "price", "source", "trail_bps", "trail_offset", "activation_price")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_BPS_FIELD_NUMBER: _ClassVar[int]
    TRAIL_OFFSET_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    kind: PluginTriggerKind
    price: str
    source: PluginTriggerSource
    trail_bps: int
    trail_offset: str
    activation_price: str
    def __init__(self, kind: _Optional[_Union[PluginTriggerKind, str]] = ..., price: _Optional[str] = ..., source: _Optional[_Union[PluginTriggerSource, str]] = ..., trail_bps: _Optional[int] = ..., trail_offset: _Optional[str] = ..., activation_price: _Optional[str] = ...) -> None: ...

class PluginAmend(_message.Message):
    __slots__ = ("id", "symbol", "quantity")
    ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    id: str
    symbol: str
    quantity: str
    def __init__(self, id: _Optional[str] = ..., symbol: _Optional[str] = ..., quantity: _Optional[str] = ...) -> None: ...

class PluginReplace(_message.Message):
    __slots__ = ("id", "new_id", "symbol", "price", "quantity", "trigger_price", "display_quantity", "expires_at_ns", "reason")
    ID_FIELD_NUMBER: _ClassVar[int]
    NEW_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_PRICE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    id: str
    new_id: str
    symbol: str
    price: str
    quantity: str
    trigger_price: str
    display_quantity: str
    expires_at_ns: int
    reason: PluginReason
    def __init__(self, id: _Optional[str] = ..., new_id: _Optional[str] = ..., symbol: _Optional[str] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., trigger_price: _Optional[str] = ..., display_quantity: _Optional[str] = ..., expires_at_ns: _Optional[int] = ..., reason: _Optional[_Union[PluginReason, _Mapping]] = ...) -> None: ...

class PluginReason(_message.Message):
    __slots__ = ("rule", "figures", "model")
    RULE_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    rule: str
    figures: _containers.RepeatedCompositeFieldContainer[PluginFigure]
    model: PluginModelReason
    def __init__(self, rule: _Optional[str] = ..., figures: _Optional[_Iterable[_Union[PluginFigure, _Mapping]]] = ..., model: _Optional[_Union[PluginModelReason, _Mapping]] = ...) -> None: ...

class PluginFigure(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...

class PluginModelReason(_message.Message):
    __slots__ = ("digest", "score", "base", "weights")
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    digest: str
    score: float
    base: float
    weights: _containers.RepeatedCompositeFieldContainer[PluginWeight]
    def __init__(self, digest: _Optional[str] = ..., score: _Optional[float] = ..., base: _Optional[float] = ..., weights: _Optional[_Iterable[_Union[PluginWeight, _Mapping]]] = ...) -> None: ...

class PluginWeight(_message.Message):
    __slots__ = ("feature", "value", "added")
    FEATURE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    feature: str
    value: float
    added: float
    def __init__(self, feature: _Optional[str] = ..., value: _Optional[float] = ..., added: _Optional[float] = ...) -> None: ...

class PluginSave(_message.Message):
    __slots__ = ("version", "state_json")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_JSON_FIELD_NUMBER: _ClassVar[int]
    version: int
    state_json: str
    def __init__(self, version: _Optional[int] = ..., state_json: _Optional[str] = ...) -> None: ...

class PluginCancel(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: str
    def __init__(self, id: _Optional[str] = ...) -> None: ...

class PluginCancelAll(_message.Message):
    __slots__ = ("symbol",)
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    def __init__(self, symbol: _Optional[str] = ...) -> None: ...

class PluginSetTimer(_message.Message):
    __slots__ = ("name", "delay_ns")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DELAY_NS_FIELD_NUMBER: _ClassVar[int]
    name: str
    delay_ns: int
    def __init__(self, name: _Optional[str] = ..., delay_ns: _Optional[int] = ...) -> None: ...

class PluginNote(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class PluginPong(_message.Message):
    __slots__ = ("number",)
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    number: int
    def __init__(self, number: _Optional[int] = ...) -> None: ...

class PluginLog(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class PluginFailed(_message.Message):
    __slots__ = ("failure", "message")
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    failure: PluginFailure
    message: str
    def __init__(self, failure: _Optional[_Union[PluginFailure, str]] = ..., message: _Optional[str] = ...) -> None: ...

class PluginFeedStart(_message.Message):
    __slots__ = ("settings_json", "markets")
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    MARKETS_FIELD_NUMBER: _ClassVar[int]
    settings_json: str
    markets: _containers.RepeatedCompositeFieldContainer[PluginFeedMarket]
    def __init__(self, settings_json: _Optional[str] = ..., markets: _Optional[_Iterable[_Union[PluginFeedMarket, _Mapping]]] = ...) -> None: ...

class PluginFeedMarket(_message.Message):
    __slots__ = ("instrument", "name")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    instrument: PluginInstrument
    name: str
    def __init__(self, instrument: _Optional[_Union[PluginInstrument, _Mapping]] = ..., name: _Optional[str] = ...) -> None: ...

class PluginFeedConnection(_message.Message):
    __slots__ = ("stream", "rest", "messages", "keep_alive", "keep_alive_ms", "snapshots_come")
    STREAM_FIELD_NUMBER: _ClassVar[int]
    REST_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_FIELD_NUMBER: _ClassVar[int]
    KEEP_ALIVE_MS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOTS_COME_FIELD_NUMBER: _ClassVar[int]
    stream: str
    rest: str
    messages: _containers.RepeatedScalarFieldContainer[str]
    keep_alive: str
    keep_alive_ms: int
    snapshots_come: bool
    def __init__(self, stream: _Optional[str] = ..., rest: _Optional[str] = ..., messages: _Optional[_Iterable[str]] = ..., keep_alive: _Optional[str] = ..., keep_alive_ms: _Optional[int] = ..., snapshots_come: _Optional[bool] = ...) -> None: ...

class PluginFeedFrame(_message.Message):
    __slots__ = ("data", "received_ns")
    DATA_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_NS_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    received_ns: int
    def __init__(self, data: _Optional[bytes] = ..., received_ns: _Optional[int] = ...) -> None: ...

class PluginFeedRepair(_message.Message):
    __slots__ = ("symbol",)
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    def __init__(self, symbol: _Optional[str] = ...) -> None: ...

class PluginFeedSnapshot(_message.Message):
    __slots__ = ("symbol", "data", "received_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    RECEIVED_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    data: bytes
    received_ns: int
    def __init__(self, symbol: _Optional[str] = ..., data: _Optional[bytes] = ..., received_ns: _Optional[int] = ...) -> None: ...

class PluginFeedTurn(_message.Message):
    __slots__ = ("records", "replies", "way")
    RECORDS_FIELD_NUMBER: _ClassVar[int]
    REPLIES_FIELD_NUMBER: _ClassVar[int]
    WAY_FIELD_NUMBER: _ClassVar[int]
    records: _containers.RepeatedCompositeFieldContainer[PluginFeedRecord]
    replies: _containers.RepeatedScalarFieldContainer[str]
    way: PluginFeedWay
    def __init__(self, records: _Optional[_Iterable[_Union[PluginFeedRecord, _Mapping]]] = ..., replies: _Optional[_Iterable[str]] = ..., way: _Optional[_Union[PluginFeedWay, _Mapping]] = ...) -> None: ...

class PluginFeedWay(_message.Message):
    __slots__ = ("send", "fetch", "reconnect")
    SEND_FIELD_NUMBER: _ClassVar[int]
    FETCH_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_FIELD_NUMBER: _ClassVar[int]
    send: PluginFeedMessages
    fetch: str
    reconnect: bool
    def __init__(self, send: _Optional[_Union[PluginFeedMessages, _Mapping]] = ..., fetch: _Optional[str] = ..., reconnect: _Optional[bool] = ...) -> None: ...

class PluginFeedMessages(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, messages: _Optional[_Iterable[str]] = ...) -> None: ...

class PluginFeedRecord(_message.Message):
    __slots__ = ("trade", "snapshot", "change", "quote", "alive", "fault", "lost")
    TRADE_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    ALIVE_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    trade: PluginFeedTrade
    snapshot: PluginFeedBook
    change: PluginFeedBook
    quote: PluginFeedQuote
    alive: bool
    fault: PluginFeedFault
    lost: str
    def __init__(self, trade: _Optional[_Union[PluginFeedTrade, _Mapping]] = ..., snapshot: _Optional[_Union[PluginFeedBook, _Mapping]] = ..., change: _Optional[_Union[PluginFeedBook, _Mapping]] = ..., quote: _Optional[_Union[PluginFeedQuote, _Mapping]] = ..., alive: _Optional[bool] = ..., fault: _Optional[_Union[PluginFeedFault, _Mapping]] = ..., lost: _Optional[str] = ...) -> None: ...

class PluginFeedTrade(_message.Message):
    __slots__ = ("symbol", "trade_id", "price_ticks", "quantity_lots", "taker_side", "at_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_TICKS_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_LOTS_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    trade_id: int
    price_ticks: int
    quantity_lots: int
    taker_side: PluginSide
    at_ns: int
    def __init__(self, symbol: _Optional[str] = ..., trade_id: _Optional[int] = ..., price_ticks: _Optional[int] = ..., quantity_lots: _Optional[int] = ..., taker_side: _Optional[_Union[PluginSide, str]] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginFeedBook(_message.Message):
    __slots__ = ("symbol", "previous_id", "last_id", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "at_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_ID_FIELD_NUMBER: _ClassVar[int]
    BID_TICKS_FIELD_NUMBER: _ClassVar[int]
    BID_LOTS_FIELD_NUMBER: _ClassVar[int]
    ASK_TICKS_FIELD_NUMBER: _ClassVar[int]
    ASK_LOTS_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    previous_id: int
    last_id: int
    bid_ticks: _containers.RepeatedScalarFieldContainer[int]
    bid_lots: _containers.RepeatedScalarFieldContainer[int]
    ask_ticks: _containers.RepeatedScalarFieldContainer[int]
    ask_lots: _containers.RepeatedScalarFieldContainer[int]
    at_ns: int
    def __init__(self, symbol: _Optional[str] = ..., previous_id: _Optional[int] = ..., last_id: _Optional[int] = ..., bid_ticks: _Optional[_Iterable[int]] = ..., bid_lots: _Optional[_Iterable[int]] = ..., ask_ticks: _Optional[_Iterable[int]] = ..., ask_lots: _Optional[_Iterable[int]] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginFeedQuote(_message.Message):
    __slots__ = ("symbol", "last_id", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots", "at_ns")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LAST_ID_FIELD_NUMBER: _ClassVar[int]
    BID_TICKS_FIELD_NUMBER: _ClassVar[int]
    BID_LOTS_FIELD_NUMBER: _ClassVar[int]
    ASK_TICKS_FIELD_NUMBER: _ClassVar[int]
    ASK_LOTS_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    last_id: int
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    at_ns: int
    def __init__(self, symbol: _Optional[str] = ..., last_id: _Optional[int] = ..., bid_ticks: _Optional[int] = ..., bid_lots: _Optional[int] = ..., ask_ticks: _Optional[int] = ..., ask_lots: _Optional[int] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginFeedFault(_message.Message):
    __slots__ = ("cause", "excerpt")
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    EXCERPT_FIELD_NUMBER: _ClassVar[int]
    cause: str
    excerpt: str
    def __init__(self, cause: _Optional[str] = ..., excerpt: _Optional[str] = ...) -> None: ...

class PluginNotifierStart(_message.Message):
    __slots__ = ("settings_json",)
    SETTINGS_JSON_FIELD_NUMBER: _ClassVar[int]
    settings_json: str
    def __init__(self, settings_json: _Optional[str] = ...) -> None: ...

class PluginNotifierReady(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PluginNotice(_message.Message):
    __slots__ = ("id", "kind", "severity", "subject", "text", "at_ns")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SEVERITY_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    severity: str
    subject: str
    text: str
    at_ns: int
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., severity: _Optional[str] = ..., subject: _Optional[str] = ..., text: _Optional[str] = ..., at_ns: _Optional[int] = ...) -> None: ...

class PluginNotifierRequest(_message.Message):
    __slots__ = ("send", "path", "headers", "body")
    SEND_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    send: bool
    path: str
    headers: _containers.RepeatedCompositeFieldContainer[PluginHeader]
    body: bytes
    def __init__(self, send: _Optional[bool] = ..., path: _Optional[str] = ..., headers: _Optional[_Iterable[_Union[PluginHeader, _Mapping]]] = ..., body: _Optional[bytes] = ...) -> None: ...

class PluginHeader(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: str
    def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
