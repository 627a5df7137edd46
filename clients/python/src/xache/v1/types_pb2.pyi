from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class OrderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_TYPE_UNSPECIFIED: _ClassVar[OrderType]
    ORDER_TYPE_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_MARKET: _ClassVar[OrderType]
    ORDER_TYPE_STOP: _ClassVar[OrderType]
    ORDER_TYPE_STOP_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_TAKE_PROFIT: _ClassVar[OrderType]
    ORDER_TYPE_TAKE_PROFIT_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_TRAILING_STOP: _ClassVar[OrderType]

class TriggerSource(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRIGGER_SOURCE_UNSPECIFIED: _ClassVar[TriggerSource]
    TRIGGER_SOURCE_LAST: _ClassVar[TriggerSource]
    TRIGGER_SOURCE_BID_ASK: _ClassVar[TriggerSource]
    TRIGGER_SOURCE_MARK: _ClassVar[TriggerSource]

class LegRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEG_ROLE_UNSPECIFIED: _ClassVar[LegRole]
    LEG_ROLE_PARENT: _ClassVar[LegRole]
    LEG_ROLE_CHILD: _ClassVar[LegRole]
    LEG_ROLE_LIMIT_LEG: _ClassVar[LegRole]
    LEG_ROLE_STOP_LEG: _ClassVar[LegRole]

class ListKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIST_KIND_UNSPECIFIED: _ClassVar[ListKind]
    LIST_KIND_OCO: _ClassVar[ListKind]
    LIST_KIND_OTO: _ClassVar[ListKind]
    LIST_KIND_BRACKET: _ClassVar[ListKind]

class ListActivation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIST_ACTIVATION_UNSPECIFIED: _ClassVar[ListActivation]
    LIST_ACTIVATION_FULL: _ClassVar[ListActivation]
    LIST_ACTIVATION_PARTIAL: _ClassVar[ListActivation]

class TimeInForce(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_IN_FORCE_UNSPECIFIED: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_IOC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_FOK: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTD: _ClassVar[TimeInForce]

class OrderStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATUS_UNSPECIFIED: _ClassVar[OrderStatus]
    ORDER_STATUS_OPEN: _ClassVar[OrderStatus]
    ORDER_STATUS_PARTIALLY_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_FILLED: _ClassVar[OrderStatus]
    ORDER_STATUS_CANCELED: _ClassVar[OrderStatus]
    ORDER_STATUS_EXPIRED: _ClassVar[OrderStatus]
    ORDER_STATUS_REJECTED: _ClassVar[OrderStatus]
    ORDER_STATUS_PENDING_NEW: _ClassVar[OrderStatus]
    ORDER_STATUS_UNTRIGGERED: _ClassVar[OrderStatus]
    ORDER_STATUS_TRIGGERED: _ClassVar[OrderStatus]

class EndReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    END_REASON_UNSPECIFIED: _ClassVar[EndReason]
    END_REASON_USER: _ClassVar[EndReason]
    END_REASON_TIME: _ClassVar[EndReason]
    END_REASON_IOC: _ClassVar[EndReason]
    END_REASON_FOK: _ClassVar[EndReason]
    END_REASON_POST_ONLY: _ClassVar[EndReason]
    END_REASON_SELF_TRADE: _ClassVar[EndReason]
    END_REASON_PRICE_BAND: _ClassVar[EndReason]
    END_REASON_NO_LIQUIDITY: _ClassVar[EndReason]
    END_REASON_FUNDS: _ClassVar[EndReason]
    END_REASON_RISK: _ClassVar[EndReason]
    END_REASON_HALT: _ClassVar[EndReason]
    END_REASON_ADMIN: _ClassVar[EndReason]
    END_REASON_DISCONNECT: _ClassVar[EndReason]
    END_REASON_INSTRUMENT: _ClassVar[EndReason]
    END_REASON_REDUCE_ONLY: _ClassVar[EndReason]
    END_REASON_OCO_SIBLING: _ClassVar[EndReason]
    END_REASON_LIST: _ClassVar[EndReason]
    END_REASON_PARENT: _ClassVar[EndReason]
    END_REASON_REPLACED: _ClassVar[EndReason]
    END_REASON_DEAD_MAN: _ClassVar[EndReason]

class SelfTradePrevention(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELF_TRADE_PREVENTION_UNSPECIFIED: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_NONE: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_EXPIRE_TAKER: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_EXPIRE_MAKER: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_EXPIRE_BOTH: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_DECREMENT: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_TRANSFER: _ClassVar[SelfTradePrevention]

class CancelScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CANCEL_SCOPE_UNSPECIFIED: _ClassVar[CancelScope]
    CANCEL_SCOPE_ENTRIES: _ClassVar[CancelScope]
    CANCEL_SCOPE_ALL: _ClassVar[CancelScope]

class MarketState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MARKET_STATE_UNSPECIFIED: _ClassVar[MarketState]
    MARKET_STATE_TRADING: _ClassVar[MarketState]
    MARKET_STATE_POST_ONLY: _ClassVar[MarketState]
    MARKET_STATE_CANCEL_ONLY: _ClassVar[MarketState]
    MARKET_STATE_HALTED: _ClassVar[MarketState]
    MARKET_STATE_AUCTION: _ClassVar[MarketState]

class Provenance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROVENANCE_UNSPECIFIED: _ClassVar[Provenance]
    PROVENANCE_LIVE: _ClassVar[Provenance]
    PROVENANCE_RECORDED: _ClassVar[Provenance]
    PROVENANCE_SIMULATED: _ClassVar[Provenance]

class Liquidity(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LIQUIDITY_UNSPECIFIED: _ClassVar[Liquidity]
    LIQUIDITY_MAKER: _ClassVar[Liquidity]
    LIQUIDITY_TAKER: _ClassVar[Liquidity]

class PriceKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRICE_KIND_UNSPECIFIED: _ClassVar[PriceKind]
    PRICE_KIND_MARK: _ClassVar[PriceKind]
    PRICE_KIND_LAST: _ClassVar[PriceKind]
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
ORDER_TYPE_UNSPECIFIED: OrderType
ORDER_TYPE_LIMIT: OrderType
ORDER_TYPE_MARKET: OrderType
ORDER_TYPE_STOP: OrderType
ORDER_TYPE_STOP_LIMIT: OrderType
ORDER_TYPE_TAKE_PROFIT: OrderType
ORDER_TYPE_TAKE_PROFIT_LIMIT: OrderType
ORDER_TYPE_TRAILING_STOP: OrderType
TRIGGER_SOURCE_UNSPECIFIED: TriggerSource
TRIGGER_SOURCE_LAST: TriggerSource
TRIGGER_SOURCE_BID_ASK: TriggerSource
TRIGGER_SOURCE_MARK: TriggerSource
LEG_ROLE_UNSPECIFIED: LegRole
LEG_ROLE_PARENT: LegRole
LEG_ROLE_CHILD: LegRole
LEG_ROLE_LIMIT_LEG: LegRole
LEG_ROLE_STOP_LEG: LegRole
LIST_KIND_UNSPECIFIED: ListKind
LIST_KIND_OCO: ListKind
LIST_KIND_OTO: ListKind
LIST_KIND_BRACKET: ListKind
LIST_ACTIVATION_UNSPECIFIED: ListActivation
LIST_ACTIVATION_FULL: ListActivation
LIST_ACTIVATION_PARTIAL: ListActivation
TIME_IN_FORCE_UNSPECIFIED: TimeInForce
TIME_IN_FORCE_GTC: TimeInForce
TIME_IN_FORCE_IOC: TimeInForce
TIME_IN_FORCE_FOK: TimeInForce
TIME_IN_FORCE_GTD: TimeInForce
ORDER_STATUS_UNSPECIFIED: OrderStatus
ORDER_STATUS_OPEN: OrderStatus
ORDER_STATUS_PARTIALLY_FILLED: OrderStatus
ORDER_STATUS_FILLED: OrderStatus
ORDER_STATUS_CANCELED: OrderStatus
ORDER_STATUS_EXPIRED: OrderStatus
ORDER_STATUS_REJECTED: OrderStatus
ORDER_STATUS_PENDING_NEW: OrderStatus
ORDER_STATUS_UNTRIGGERED: OrderStatus
ORDER_STATUS_TRIGGERED: OrderStatus
END_REASON_UNSPECIFIED: EndReason
END_REASON_USER: EndReason
END_REASON_TIME: EndReason
END_REASON_IOC: EndReason
END_REASON_FOK: EndReason
END_REASON_POST_ONLY: EndReason
END_REASON_SELF_TRADE: EndReason
END_REASON_PRICE_BAND: EndReason
END_REASON_NO_LIQUIDITY: EndReason
END_REASON_FUNDS: EndReason
END_REASON_RISK: EndReason
END_REASON_HALT: EndReason
END_REASON_ADMIN: EndReason
END_REASON_DISCONNECT: EndReason
END_REASON_INSTRUMENT: EndReason
END_REASON_REDUCE_ONLY: EndReason
END_REASON_OCO_SIBLING: EndReason
END_REASON_LIST: EndReason
END_REASON_PARENT: EndReason
END_REASON_REPLACED: EndReason
END_REASON_DEAD_MAN: EndReason
SELF_TRADE_PREVENTION_UNSPECIFIED: SelfTradePrevention
SELF_TRADE_PREVENTION_NONE: SelfTradePrevention
SELF_TRADE_PREVENTION_EXPIRE_TAKER: SelfTradePrevention
SELF_TRADE_PREVENTION_EXPIRE_MAKER: SelfTradePrevention
SELF_TRADE_PREVENTION_EXPIRE_BOTH: SelfTradePrevention
SELF_TRADE_PREVENTION_DECREMENT: SelfTradePrevention
SELF_TRADE_PREVENTION_TRANSFER: SelfTradePrevention
CANCEL_SCOPE_UNSPECIFIED: CancelScope
CANCEL_SCOPE_ENTRIES: CancelScope
CANCEL_SCOPE_ALL: CancelScope
MARKET_STATE_UNSPECIFIED: MarketState
MARKET_STATE_TRADING: MarketState
MARKET_STATE_POST_ONLY: MarketState
MARKET_STATE_CANCEL_ONLY: MarketState
MARKET_STATE_HALTED: MarketState
MARKET_STATE_AUCTION: MarketState
PROVENANCE_UNSPECIFIED: Provenance
PROVENANCE_LIVE: Provenance
PROVENANCE_RECORDED: Provenance
PROVENANCE_SIMULATED: Provenance
LIQUIDITY_UNSPECIFIED: Liquidity
LIQUIDITY_MAKER: Liquidity
LIQUIDITY_TAKER: Liquidity
PRICE_KIND_UNSPECIFIED: PriceKind
PRICE_KIND_MARK: PriceKind
PRICE_KIND_LAST: PriceKind

class Source(_message.Message):
    __slots__ = ("venue", "provenance")
    VENUE_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    venue: str
    provenance: Provenance
    def __init__(self, venue: _Optional[str] = ..., provenance: _Optional[_Union[Provenance, str]] = ...) -> None: ...

class Asset(_message.Message):
    __slots__ = ("name", "scale")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    name: str
    scale: int
    def __init__(self, name: _Optional[str] = ..., scale: _Optional[int] = ...) -> None: ...

class FeeTier(_message.Message):
    __slots__ = ("asset", "min_volume", "maker_fee_ppm", "taker_fee_ppm")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    MIN_VOLUME_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    asset: str
    min_volume: str
    maker_fee_ppm: int
    taker_fee_ppm: int
    def __init__(self, asset: _Optional[str] = ..., min_volume: _Optional[str] = ..., maker_fee_ppm: _Optional[int] = ..., taker_fee_ppm: _Optional[int] = ...) -> None: ...

class Instrument(_message.Message):
    __slots__ = ("symbol", "base", "quote", "tick_size", "lot_size", "min_price", "max_price", "min_quantity", "max_quantity", "max_market_quantity", "min_notional", "max_notional", "buy_band_up_ppm", "buy_band_down_ppm", "sell_band_up_ppm", "sell_band_down_ppm", "maker_fee_ppm", "taker_fee_ppm", "max_open_orders", "state", "min_market_quantity", "max_algo_orders", "max_iceberg_orders", "max_position", "min_trail_bps", "max_trail_bps", "mark_stale_ns", "reference_bucket_ns", "reference_buckets", "auction_ns", "volatility_halt_ns", "opening_auction", "delisted")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BASE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    TICK_SIZE_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_FIELD_NUMBER: _ClassVar[int]
    MIN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAX_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAX_MARKET_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MIN_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAX_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    BUY_BAND_UP_PPM_FIELD_NUMBER: _ClassVar[int]
    BUY_BAND_DOWN_PPM_FIELD_NUMBER: _ClassVar[int]
    SELL_BAND_UP_PPM_FIELD_NUMBER: _ClassVar[int]
    SELL_BAND_DOWN_PPM_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    MAX_OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MIN_MARKET_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAX_ALGO_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MAX_ICEBERG_ORDERS_FIELD_NUMBER: _ClassVar[int]
    MAX_POSITION_FIELD_NUMBER: _ClassVar[int]
    MIN_TRAIL_BPS_FIELD_NUMBER: _ClassVar[int]
    MAX_TRAIL_BPS_FIELD_NUMBER: _ClassVar[int]
    MARK_STALE_NS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_BUCKET_NS_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_BUCKETS_FIELD_NUMBER: _ClassVar[int]
    AUCTION_NS_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_HALT_NS_FIELD_NUMBER: _ClassVar[int]
    OPENING_AUCTION_FIELD_NUMBER: _ClassVar[int]
    DELISTED_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    base: str
    quote: str
    tick_size: str
    lot_size: str
    min_price: str
    max_price: str
    min_quantity: str
    max_quantity: str
    max_market_quantity: str
    min_notional: str
    max_notional: str
    buy_band_up_ppm: int
    buy_band_down_ppm: int
    sell_band_up_ppm: int
    sell_band_down_ppm: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    max_open_orders: int
    state: MarketState
    min_market_quantity: str
    max_algo_orders: int
    max_iceberg_orders: int
    max_position: str
    min_trail_bps: int
    max_trail_bps: int
    mark_stale_ns: int
    reference_bucket_ns: int
    reference_buckets: int
    auction_ns: int
    volatility_halt_ns: int
    opening_auction: bool
    delisted: bool
    def __init__(self, symbol: _Optional[str] = ..., base: _Optional[str] = ..., quote: _Optional[str] = ..., tick_size: _Optional[str] = ..., lot_size: _Optional[str] = ..., min_price: _Optional[str] = ..., max_price: _Optional[str] = ..., min_quantity: _Optional[str] = ..., max_quantity: _Optional[str] = ..., max_market_quantity: _Optional[str] = ..., min_notional: _Optional[str] = ..., max_notional: _Optional[str] = ..., buy_band_up_ppm: _Optional[int] = ..., buy_band_down_ppm: _Optional[int] = ..., sell_band_up_ppm: _Optional[int] = ..., sell_band_down_ppm: _Optional[int] = ..., maker_fee_ppm: _Optional[int] = ..., taker_fee_ppm: _Optional[int] = ..., max_open_orders: _Optional[int] = ..., state: _Optional[_Union[MarketState, str]] = ..., min_market_quantity: _Optional[str] = ..., max_algo_orders: _Optional[int] = ..., max_iceberg_orders: _Optional[int] = ..., max_position: _Optional[str] = ..., min_trail_bps: _Optional[int] = ..., max_trail_bps: _Optional[int] = ..., mark_stale_ns: _Optional[int] = ..., reference_bucket_ns: _Optional[int] = ..., reference_buckets: _Optional[int] = ..., auction_ns: _Optional[int] = ..., volatility_halt_ns: _Optional[int] = ..., opening_auction: _Optional[bool] = ..., delisted: _Optional[bool] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("order_id", "client_order_id", "subaccount", "symbol", "side", "type", "time_in_force", "price", "quantity", "quote_quantity", "post_only", "self_trade_prevention", "status", "end_reason", "executed_quantity", "leaves_quantity", "executed_notional", "fee", "average_price", "held", "expires_at_ns", "accepted_at_ns", "updated_at_ns", "seq", "stop_price", "trigger_source", "trail_bps", "trail_offset", "activation_price", "display_quantity", "reduce_only", "slide", "list_id", "leg_role", "current_stop_price", "prevented_quantity", "replaces_order_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QUOTE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    END_REASON_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    LEAVES_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRICE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_SOURCE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_BPS_FIELD_NUMBER: _ClassVar[int]
    TRAIL_OFFSET_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    SLIDE_FIELD_NUMBER: _ClassVar[int]
    LIST_ID_FIELD_NUMBER: _ClassVar[int]
    LEG_ROLE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    PREVENTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REPLACES_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    client_order_id: str
    subaccount: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price: str
    quantity: str
    quote_quantity: str
    post_only: bool
    self_trade_prevention: SelfTradePrevention
    status: OrderStatus
    end_reason: EndReason
    executed_quantity: str
    leaves_quantity: str
    executed_notional: str
    fee: str
    average_price: str
    held: str
    expires_at_ns: int
    accepted_at_ns: int
    updated_at_ns: int
    seq: int
    stop_price: str
    trigger_source: TriggerSource
    trail_bps: int
    trail_offset: str
    activation_price: str
    display_quantity: str
    reduce_only: bool
    slide: bool
    list_id: str
    leg_role: LegRole
    current_stop_price: str
    prevented_quantity: str
    replaces_order_id: str
    def __init__(self, order_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., subaccount: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., type: _Optional[_Union[OrderType, str]] = ..., time_in_force: _Optional[_Union[TimeInForce, str]] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., quote_quantity: _Optional[str] = ..., post_only: _Optional[bool] = ..., self_trade_prevention: _Optional[_Union[SelfTradePrevention, str]] = ..., status: _Optional[_Union[OrderStatus, str]] = ..., end_reason: _Optional[_Union[EndReason, str]] = ..., executed_quantity: _Optional[str] = ..., leaves_quantity: _Optional[str] = ..., executed_notional: _Optional[str] = ..., fee: _Optional[str] = ..., average_price: _Optional[str] = ..., held: _Optional[str] = ..., expires_at_ns: _Optional[int] = ..., accepted_at_ns: _Optional[int] = ..., updated_at_ns: _Optional[int] = ..., seq: _Optional[int] = ..., stop_price: _Optional[str] = ..., trigger_source: _Optional[_Union[TriggerSource, str]] = ..., trail_bps: _Optional[int] = ..., trail_offset: _Optional[str] = ..., activation_price: _Optional[str] = ..., display_quantity: _Optional[str] = ..., reduce_only: _Optional[bool] = ..., slide: _Optional[bool] = ..., list_id: _Optional[str] = ..., leg_role: _Optional[_Union[LegRole, str]] = ..., current_stop_price: _Optional[str] = ..., prevented_quantity: _Optional[str] = ..., replaces_order_id: _Optional[str] = ...) -> None: ...

class Fill(_message.Message):
    __slots__ = ("trade_id", "order_id", "client_order_id", "subaccount", "symbol", "side", "price", "quantity", "notional", "fee", "liquidity", "at_ns", "seq", "simulated", "transferred")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    LIQUIDITY_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SIMULATED_FIELD_NUMBER: _ClassVar[int]
    TRANSFERRED_FIELD_NUMBER: _ClassVar[int]
    trade_id: str
    order_id: str
    client_order_id: str
    subaccount: str
    symbol: str
    side: Side
    price: str
    quantity: str
    notional: str
    fee: str
    liquidity: Liquidity
    at_ns: int
    seq: int
    simulated: bool
    transferred: bool
    def __init__(self, trade_id: _Optional[str] = ..., order_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., subaccount: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[Side, str]] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., notional: _Optional[str] = ..., fee: _Optional[str] = ..., liquidity: _Optional[_Union[Liquidity, str]] = ..., at_ns: _Optional[int] = ..., seq: _Optional[int] = ..., simulated: _Optional[bool] = ..., transferred: _Optional[bool] = ...) -> None: ...

class Balance(_message.Message):
    __slots__ = ("asset", "available", "held", "total", "holds")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    asset: str
    available: str
    held: str
    total: str
    holds: _containers.RepeatedCompositeFieldContainer[Hold]
    def __init__(self, asset: _Optional[str] = ..., available: _Optional[str] = ..., held: _Optional[str] = ..., total: _Optional[str] = ..., holds: _Optional[_Iterable[_Union[Hold, _Mapping]]] = ...) -> None: ...

class Hold(_message.Message):
    __slots__ = ("order_id", "client_order_id", "amount", "list_id")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    LIST_ID_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    client_order_id: str
    amount: str
    list_id: str
    def __init__(self, order_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., amount: _Optional[str] = ..., list_id: _Optional[str] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("symbol", "quantity", "cost", "average_price", "realised", "price", "price_kind", "price_source", "value", "unrealised")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRICE_FIELD_NUMBER: _ClassVar[int]
    REALISED_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    PRICE_KIND_FIELD_NUMBER: _ClassVar[int]
    PRICE_SOURCE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    quantity: str
    cost: str
    average_price: str
    realised: str
    price: str
    price_kind: PriceKind
    price_source: Source
    value: str
    unrealised: str
    def __init__(self, symbol: _Optional[str] = ..., quantity: _Optional[str] = ..., cost: _Optional[str] = ..., average_price: _Optional[str] = ..., realised: _Optional[str] = ..., price: _Optional[str] = ..., price_kind: _Optional[_Union[PriceKind, str]] = ..., price_source: _Optional[_Union[Source, _Mapping]] = ..., value: _Optional[str] = ..., unrealised: _Optional[str] = ...) -> None: ...

class ServerShutdown(_message.Message):
    __slots__ = ("reason", "grace_ms", "retry_after_ms")
    REASON_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    grace_ms: int
    retry_after_ms: int
    def __init__(self, reason: _Optional[str] = ..., grace_ms: _Optional[int] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...
