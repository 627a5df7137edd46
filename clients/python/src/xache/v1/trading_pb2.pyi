from google.api import annotations_pb2 as _annotations_pb2
from xache.v1 import options_pb2 as _options_pb2
from xache.v1 import types_pb2 as _types_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlaceOrderRequest(_message.Message):
    __slots__ = ("subaccount", "client_order_id", "symbol", "side", "type", "time_in_force", "price", "quantity", "quote_quantity", "post_only", "self_trade_prevention", "expires_at_ns", "stop_price", "trigger_source", "trail_bps", "trail_offset", "activation_price", "display_quantity", "reduce_only", "slide", "want_time_line")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    QUOTE_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_SOURCE_FIELD_NUMBER: _ClassVar[int]
    TRAIL_BPS_FIELD_NUMBER: _ClassVar[int]
    TRAIL_OFFSET_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_PRICE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REDUCE_ONLY_FIELD_NUMBER: _ClassVar[int]
    SLIDE_FIELD_NUMBER: _ClassVar[int]
    WANT_TIME_LINE_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    client_order_id: str
    symbol: str
    side: _types_pb2.Side
    type: _types_pb2.OrderType
    time_in_force: _types_pb2.TimeInForce
    price: str
    quantity: str
    quote_quantity: str
    post_only: bool
    self_trade_prevention: _types_pb2.SelfTradePrevention
    expires_at_ns: int
    stop_price: str
    trigger_source: _types_pb2.TriggerSource
    trail_bps: int
    trail_offset: str
    activation_price: str
    display_quantity: str
    reduce_only: bool
    slide: bool
    want_time_line: bool
    def __init__(self, subaccount: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., type: _Optional[_Union[_types_pb2.OrderType, str]] = ..., time_in_force: _Optional[_Union[_types_pb2.TimeInForce, str]] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., quote_quantity: _Optional[str] = ..., post_only: _Optional[bool] = ..., self_trade_prevention: _Optional[_Union[_types_pb2.SelfTradePrevention, str]] = ..., expires_at_ns: _Optional[int] = ..., stop_price: _Optional[str] = ..., trigger_source: _Optional[_Union[_types_pb2.TriggerSource, str]] = ..., trail_bps: _Optional[int] = ..., trail_offset: _Optional[str] = ..., activation_price: _Optional[str] = ..., display_quantity: _Optional[str] = ..., reduce_only: _Optional[bool] = ..., slide: _Optional[bool] = ..., want_time_line: _Optional[bool] = ...) -> None: ...

class PlaceOrderResponse(_message.Message):
    __slots__ = ("order", "fills", "time_line")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    TIME_LINE_FIELD_NUMBER: _ClassVar[int]
    order: _types_pb2.Order
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.Fill]
    time_line: TimeLine
    def __init__(self, order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., fills: _Optional[_Iterable[_Union[_types_pb2.Fill, _Mapping]]] = ..., time_line: _Optional[_Union[TimeLine, _Mapping]] = ...) -> None: ...

class TimeLine(_message.Message):
    __slots__ = ("received_ns", "authorised_ns", "decided_ns", "durable_ns", "published_ns")
    RECEIVED_NS_FIELD_NUMBER: _ClassVar[int]
    AUTHORISED_NS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_NS_FIELD_NUMBER: _ClassVar[int]
    DURABLE_NS_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_NS_FIELD_NUMBER: _ClassVar[int]
    received_ns: int
    authorised_ns: int
    decided_ns: int
    durable_ns: int
    published_ns: int
    def __init__(self, received_ns: _Optional[int] = ..., authorised_ns: _Optional[int] = ..., decided_ns: _Optional[int] = ..., durable_ns: _Optional[int] = ..., published_ns: _Optional[int] = ...) -> None: ...

class PreviewOrderRequest(_message.Message):
    __slots__ = ("subaccount", "order")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    order: PlaceOrderRequest
    def __init__(self, subaccount: _Optional[str] = ..., order: _Optional[_Union[PlaceOrderRequest, _Mapping]] = ...) -> None: ...

class PreviewOrderResponse(_message.Message):
    __slots__ = ("seq", "accepted", "refusal")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    seq: int
    accepted: PreviewedOrder
    refusal: Refusal
    def __init__(self, seq: _Optional[int] = ..., accepted: _Optional[_Union[PreviewedOrder, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ...) -> None: ...

class PreviewedOrder(_message.Message):
    __slots__ = ("order", "fills", "prevented", "others", "balances", "taker_fee_ppm", "maker_fee_ppm")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    PREVENTED_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_PPM_FIELD_NUMBER: _ClassVar[int]
    order: _types_pb2.Order
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.Fill]
    prevented: _containers.RepeatedCompositeFieldContainer[PreventedMatch]
    others: _containers.RepeatedCompositeFieldContainer[_types_pb2.Order]
    balances: _containers.RepeatedCompositeFieldContainer[_types_pb2.Balance]
    taker_fee_ppm: int
    maker_fee_ppm: int
    def __init__(self, order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., fills: _Optional[_Iterable[_Union[_types_pb2.Fill, _Mapping]]] = ..., prevented: _Optional[_Iterable[_Union[PreventedMatch, _Mapping]]] = ..., others: _Optional[_Iterable[_Union[_types_pb2.Order, _Mapping]]] = ..., balances: _Optional[_Iterable[_Union[_types_pb2.Balance, _Mapping]]] = ..., taker_fee_ppm: _Optional[int] = ..., maker_fee_ppm: _Optional[int] = ...) -> None: ...

class PreventedMatch(_message.Message):
    __slots__ = ("maker_order_id", "maker_subaccount", "price", "quantity", "mode")
    MAKER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    MAKER_SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    maker_order_id: str
    maker_subaccount: str
    price: str
    quantity: str
    mode: _types_pb2.SelfTradePrevention
    def __init__(self, maker_order_id: _Optional[str] = ..., maker_subaccount: _Optional[str] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., mode: _Optional[_Union[_types_pb2.SelfTradePrevention, str]] = ...) -> None: ...

class AmendOrderRequest(_message.Message):
    __slots__ = ("subaccount", "order_id", "client_order_id", "symbol", "quantity", "expected_executed_quantity", "request_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_EXECUTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    order_id: str
    client_order_id: str
    symbol: str
    quantity: str
    expected_executed_quantity: str
    request_id: str
    def __init__(self, subaccount: _Optional[str] = ..., order_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., quantity: _Optional[str] = ..., expected_executed_quantity: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class AmendOrderResponse(_message.Message):
    __slots__ = ("order_id", "symbol", "quantity", "reduced_quantity", "at_ns", "seq")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REDUCED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    symbol: str
    quantity: str
    reduced_quantity: str
    at_ns: int
    seq: int
    def __init__(self, order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., quantity: _Optional[str] = ..., reduced_quantity: _Optional[str] = ..., at_ns: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class ReplaceOrderRequest(_message.Message):
    __slots__ = ("subaccount", "replaced_order_id", "replaced_client_order_id", "symbol", "client_order_id", "price", "quantity", "stop_price", "display_quantity", "expires_at_ns", "expected_executed_quantity")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REPLACED_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REPLACED_CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_EXECUTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    replaced_order_id: str
    replaced_client_order_id: str
    symbol: str
    client_order_id: str
    price: str
    quantity: str
    stop_price: str
    display_quantity: str
    expires_at_ns: int
    expected_executed_quantity: str
    def __init__(self, subaccount: _Optional[str] = ..., replaced_order_id: _Optional[str] = ..., replaced_client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., client_order_id: _Optional[str] = ..., price: _Optional[str] = ..., quantity: _Optional[str] = ..., stop_price: _Optional[str] = ..., display_quantity: _Optional[str] = ..., expires_at_ns: _Optional[int] = ..., expected_executed_quantity: _Optional[str] = ...) -> None: ...

class ReplaceOrderResponse(_message.Message):
    __slots__ = ("order", "fills", "replaced")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    order: _types_pb2.Order
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.Fill]
    replaced: CancelOrderResponse
    def __init__(self, order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., fills: _Optional[_Iterable[_Union[_types_pb2.Fill, _Mapping]]] = ..., replaced: _Optional[_Union[CancelOrderResponse, _Mapping]] = ...) -> None: ...

class PlaceOrdersRequest(_message.Message):
    __slots__ = ("subaccount", "orders")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    orders: _containers.RepeatedCompositeFieldContainer[PlaceOrderRequest]
    def __init__(self, subaccount: _Optional[str] = ..., orders: _Optional[_Iterable[_Union[PlaceOrderRequest, _Mapping]]] = ...) -> None: ...

class PlaceOrdersResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[OrderResult]
    def __init__(self, results: _Optional[_Iterable[_Union[OrderResult, _Mapping]]] = ...) -> None: ...

class OrderResult(_message.Message):
    __slots__ = ("placed", "canceled", "refusal", "amended", "replaced", "armed")
    PLACED_FIELD_NUMBER: _ClassVar[int]
    CANCELED_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    AMENDED_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    ARMED_FIELD_NUMBER: _ClassVar[int]
    placed: PlaceOrderResponse
    canceled: CancelOrderResponse
    refusal: Refusal
    amended: AmendOrderResponse
    replaced: ReplaceOrderResponse
    armed: DisconnectArmed
    def __init__(self, placed: _Optional[_Union[PlaceOrderResponse, _Mapping]] = ..., canceled: _Optional[_Union[CancelOrderResponse, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., amended: _Optional[_Union[AmendOrderResponse, _Mapping]] = ..., replaced: _Optional[_Union[ReplaceOrderResponse, _Mapping]] = ..., armed: _Optional[_Union[DisconnectArmed, _Mapping]] = ...) -> None: ...

class DisconnectArmed(_message.Message):
    __slots__ = ("scope", "seq")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    scope: _types_pb2.CancelScope
    seq: int
    def __init__(self, scope: _Optional[_Union[_types_pb2.CancelScope, str]] = ..., seq: _Optional[int] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("code", "reason", "message", "facts")
    class FactsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    facts: _containers.ScalarMap[str, str]
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., facts: _Optional[_Mapping[str, str]] = ...) -> None: ...

class EnterOrdersRequest(_message.Message):
    __slots__ = ("subaccount", "tag", "cancel_on_disconnect", "place", "cancel", "amend", "replace")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    CANCEL_ON_DISCONNECT_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    AMEND_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    tag: int
    cancel_on_disconnect: _types_pb2.CancelScope
    place: PlaceOrderRequest
    cancel: CancelOrderRequest
    amend: AmendOrderRequest
    replace: ReplaceOrderRequest
    def __init__(self, subaccount: _Optional[str] = ..., tag: _Optional[int] = ..., cancel_on_disconnect: _Optional[_Union[_types_pb2.CancelScope, str]] = ..., place: _Optional[_Union[PlaceOrderRequest, _Mapping]] = ..., cancel: _Optional[_Union[CancelOrderRequest, _Mapping]] = ..., amend: _Optional[_Union[AmendOrderRequest, _Mapping]] = ..., replace: _Optional[_Union[ReplaceOrderRequest, _Mapping]] = ...) -> None: ...

class EnterOrdersResponse(_message.Message):
    __slots__ = ("tag", "result", "heartbeat", "shutdown")
    TAG_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    tag: int
    result: OrderResult
    heartbeat: bool
    shutdown: _types_pb2.ServerShutdown
    def __init__(self, tag: _Optional[int] = ..., result: _Optional[_Union[OrderResult, _Mapping]] = ..., heartbeat: _Optional[bool] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("subaccount", "order_id", "client_order_id", "request_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    order_id: str
    client_order_id: str
    request_id: str
    def __init__(self, subaccount: _Optional[str] = ..., order_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class CancelOrderResponse(_message.Message):
    __slots__ = ("order_id", "client_order_id", "symbol", "executed_quantity", "released", "at_ns", "seq")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    RELEASED_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    order_id: str
    client_order_id: str
    symbol: str
    executed_quantity: str
    released: str
    at_ns: int
    seq: int
    def __init__(self, order_id: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., executed_quantity: _Optional[str] = ..., released: _Optional[str] = ..., at_ns: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class CancelAllOrdersRequest(_message.Message):
    __slots__ = ("subaccount", "symbol", "request_id", "scope")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    symbol: str
    request_id: str
    scope: _types_pb2.CancelScope
    def __init__(self, subaccount: _Optional[str] = ..., symbol: _Optional[str] = ..., request_id: _Optional[str] = ..., scope: _Optional[_Union[_types_pb2.CancelScope, str]] = ...) -> None: ...

class PlaceOrderListRequest(_message.Message):
    __slots__ = ("subaccount", "symbol", "kind", "activation", "orders", "request_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ACTIVATION_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    symbol: str
    kind: _types_pb2.ListKind
    activation: _types_pb2.ListActivation
    orders: _containers.RepeatedCompositeFieldContainer[PlaceOrderRequest]
    request_id: str
    def __init__(self, subaccount: _Optional[str] = ..., symbol: _Optional[str] = ..., kind: _Optional[_Union[_types_pb2.ListKind, str]] = ..., activation: _Optional[_Union[_types_pb2.ListActivation, str]] = ..., orders: _Optional[_Iterable[_Union[PlaceOrderRequest, _Mapping]]] = ..., request_id: _Optional[str] = ...) -> None: ...

class PlaceOrderListResponse(_message.Message):
    __slots__ = ("list_id", "orders", "unprotected_quantity", "seq")
    LIST_ID_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    UNPROTECTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    list_id: str
    orders: _containers.RepeatedCompositeFieldContainer[PlaceOrderResponse]
    unprotected_quantity: str
    seq: int
    def __init__(self, list_id: _Optional[str] = ..., orders: _Optional[_Iterable[_Union[PlaceOrderResponse, _Mapping]]] = ..., unprotected_quantity: _Optional[str] = ..., seq: _Optional[int] = ...) -> None: ...

class FlattenRequest(_message.Message):
    __slots__ = ("subaccount", "symbol", "request_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    symbol: str
    request_id: str
    def __init__(self, subaccount: _Optional[str] = ..., symbol: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class FlattenResponse(_message.Message):
    __slots__ = ("canceled_order_ids", "sales", "positions", "seq")
    CANCELED_ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    SALES_FIELD_NUMBER: _ClassVar[int]
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    canceled_order_ids: _containers.RepeatedScalarFieldContainer[str]
    sales: _containers.RepeatedCompositeFieldContainer[PlaceOrderResponse]
    positions: _containers.RepeatedCompositeFieldContainer[FlattenedPosition]
    seq: int
    def __init__(self, canceled_order_ids: _Optional[_Iterable[str]] = ..., sales: _Optional[_Iterable[_Union[PlaceOrderResponse, _Mapping]]] = ..., positions: _Optional[_Iterable[_Union[FlattenedPosition, _Mapping]]] = ..., seq: _Optional[int] = ...) -> None: ...

class FlattenedPosition(_message.Message):
    __slots__ = ("symbol", "left_quantity", "reason")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LEFT_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    left_quantity: str
    reason: _types_pb2.EndReason
    def __init__(self, symbol: _Optional[str] = ..., left_quantity: _Optional[str] = ..., reason: _Optional[_Union[_types_pb2.EndReason, str]] = ...) -> None: ...

class CancelAllAfterRequest(_message.Message):
    __slots__ = ("subaccount", "timeout_ms", "scope", "request_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    timeout_ms: int
    scope: _types_pb2.CancelScope
    request_id: str
    def __init__(self, subaccount: _Optional[str] = ..., timeout_ms: _Optional[int] = ..., scope: _Optional[_Union[_types_pb2.CancelScope, str]] = ..., request_id: _Optional[str] = ...) -> None: ...

class CancelAllAfterResponse(_message.Message):
    __slots__ = ("fires_at_ns", "seq")
    FIRES_AT_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    fires_at_ns: int
    seq: int
    def __init__(self, fires_at_ns: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class CancelAllOrdersResponse(_message.Message):
    __slots__ = ("order_ids",)
    ORDER_IDS_FIELD_NUMBER: _ClassVar[int]
    order_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, order_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("subaccount", "order_id", "client_order_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    order_id: str
    client_order_id: str
    def __init__(self, subaccount: _Optional[str] = ..., order_id: _Optional[str] = ..., client_order_id: _Optional[str] = ...) -> None: ...

class GetOrderResponse(_message.Message):
    __slots__ = ("order", "fills")
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    order: _types_pb2.Order
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.Fill]
    def __init__(self, order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., fills: _Optional[_Iterable[_Union[_types_pb2.Fill, _Mapping]]] = ...) -> None: ...

class ListOpenOrdersRequest(_message.Message):
    __slots__ = ("subaccount", "symbol")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    symbol: str
    def __init__(self, subaccount: _Optional[str] = ..., symbol: _Optional[str] = ...) -> None: ...

class ListOpenOrdersResponse(_message.Message):
    __slots__ = ("orders",)
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_types_pb2.Order]
    def __init__(self, orders: _Optional[_Iterable[_Union[_types_pb2.Order, _Mapping]]] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("subaccount", "symbol", "page_size", "page_token", "min_seq", "side", "statuses", "from_ns", "to_ns")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQ_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    symbol: str
    page_size: int
    page_token: str
    min_seq: int
    side: _types_pb2.Side
    statuses: _containers.RepeatedScalarFieldContainer[_types_pb2.OrderStatus]
    from_ns: int
    to_ns: int
    def __init__(self, subaccount: _Optional[str] = ..., symbol: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_seq: _Optional[int] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., statuses: _Optional[_Iterable[_Union[_types_pb2.OrderStatus, str]]] = ..., from_ns: _Optional[int] = ..., to_ns: _Optional[int] = ...) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token", "as_of_seq")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_types_pb2.Order]
    next_page_token: str
    as_of_seq: int
    def __init__(self, orders: _Optional[_Iterable[_Union[_types_pb2.Order, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., as_of_seq: _Optional[int] = ...) -> None: ...

class ListFillsRequest(_message.Message):
    __slots__ = ("subaccount", "symbol", "page_size", "page_token", "min_seq", "side", "from_ns", "to_ns")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQ_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    FROM_NS_FIELD_NUMBER: _ClassVar[int]
    TO_NS_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    symbol: str
    page_size: int
    page_token: str
    min_seq: int
    side: _types_pb2.Side
    from_ns: int
    to_ns: int
    def __init__(self, subaccount: _Optional[str] = ..., symbol: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_seq: _Optional[int] = ..., side: _Optional[_Union[_types_pb2.Side, str]] = ..., from_ns: _Optional[int] = ..., to_ns: _Optional[int] = ...) -> None: ...

class ListFillsResponse(_message.Message):
    __slots__ = ("fills", "next_page_token", "as_of_seq")
    FILLS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    fills: _containers.RepeatedCompositeFieldContainer[_types_pb2.Fill]
    next_page_token: str
    as_of_seq: int
    def __init__(self, fills: _Optional[_Iterable[_Union[_types_pb2.Fill, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., as_of_seq: _Optional[int] = ...) -> None: ...

class ListPositionsRequest(_message.Message):
    __slots__ = ("subaccount",)
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    def __init__(self, subaccount: _Optional[str] = ...) -> None: ...

class ListPositionsResponse(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[_types_pb2.Position]
    def __init__(self, positions: _Optional[_Iterable[_Union[_types_pb2.Position, _Mapping]]] = ...) -> None: ...

class WatchPurseRequest(_message.Message):
    __slots__ = ("subaccount", "after_seq")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQ_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    after_seq: int
    def __init__(self, subaccount: _Optional[str] = ..., after_seq: _Optional[int] = ...) -> None: ...

class WatchPurseResponse(_message.Message):
    __slots__ = ("seq", "at_ns", "snapshot", "order", "fill", "balances", "heartbeat", "shutdown", "more")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    FILL_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    SHUTDOWN_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    seq: int
    at_ns: int
    snapshot: PurseSnapshot
    order: _types_pb2.Order
    fill: _types_pb2.Fill
    balances: PurseBalances
    heartbeat: Heartbeat
    shutdown: _types_pb2.ServerShutdown
    more: bool
    def __init__(self, seq: _Optional[int] = ..., at_ns: _Optional[int] = ..., snapshot: _Optional[_Union[PurseSnapshot, _Mapping]] = ..., order: _Optional[_Union[_types_pb2.Order, _Mapping]] = ..., fill: _Optional[_Union[_types_pb2.Fill, _Mapping]] = ..., balances: _Optional[_Union[PurseBalances, _Mapping]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ..., shutdown: _Optional[_Union[_types_pb2.ServerShutdown, _Mapping]] = ..., more: _Optional[bool] = ...) -> None: ...

class PurseSnapshot(_message.Message):
    __slots__ = ("orders", "balances", "lagged")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    LAGGED_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[_types_pb2.Order]
    balances: _containers.RepeatedCompositeFieldContainer[_types_pb2.Balance]
    lagged: bool
    def __init__(self, orders: _Optional[_Iterable[_Union[_types_pb2.Order, _Mapping]]] = ..., balances: _Optional[_Iterable[_Union[_types_pb2.Balance, _Mapping]]] = ..., lagged: _Optional[bool] = ...) -> None: ...

class PurseBalances(_message.Message):
    __slots__ = ("balances",)
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    balances: _containers.RepeatedCompositeFieldContainer[_types_pb2.Balance]
    def __init__(self, balances: _Optional[_Iterable[_Union[_types_pb2.Balance, _Mapping]]] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
