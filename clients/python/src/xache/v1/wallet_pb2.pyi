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

class TransactionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSACTION_KIND_UNSPECIFIED: _ClassVar[TransactionKind]
    TRANSACTION_KIND_DEPOSIT: _ClassVar[TransactionKind]
    TRANSACTION_KIND_TRADE: _ClassVar[TransactionKind]
    TRANSACTION_KIND_FEE: _ClassVar[TransactionKind]
    TRANSACTION_KIND_TRANSFER: _ClassVar[TransactionKind]
    TRANSACTION_KIND_FORFEIT: _ClassVar[TransactionKind]
TRANSACTION_KIND_UNSPECIFIED: TransactionKind
TRANSACTION_KIND_DEPOSIT: TransactionKind
TRANSACTION_KIND_TRADE: TransactionKind
TRANSACTION_KIND_FEE: TransactionKind
TRANSACTION_KIND_TRANSFER: TransactionKind
TRANSACTION_KIND_FORFEIT: TransactionKind

class TransferFundsRequest(_message.Message):
    __slots__ = ("subaccount", "target_subaccount", "asset", "amount", "request_id")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TARGET_SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    target_subaccount: str
    asset: str
    amount: str
    request_id: str
    def __init__(self, subaccount: _Optional[str] = ..., target_subaccount: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class TransferFundsResponse(_message.Message):
    __slots__ = ("positions", "at_ns", "seq")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[_types_pb2.Position]
    at_ns: int
    seq: int
    def __init__(self, positions: _Optional[_Iterable[_Union[_types_pb2.Position, _Mapping]]] = ..., at_ns: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class GetPortfolioRequest(_message.Message):
    __slots__ = ("subaccount", "whole_account", "base_asset")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    WHOLE_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    BASE_ASSET_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    whole_account: bool
    base_asset: str
    def __init__(self, subaccount: _Optional[str] = ..., whole_account: _Optional[bool] = ..., base_asset: _Optional[str] = ...) -> None: ...

class GetPortfolioResponse(_message.Message):
    __slots__ = ("base_asset", "value", "allocations", "change_24h", "return_24h_ppm", "flows_24h", "realised", "unrealised", "return_ppm", "seq", "at_ns")
    BASE_ASSET_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    ALLOCATIONS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_24H_FIELD_NUMBER: _ClassVar[int]
    RETURN_24H_PPM_FIELD_NUMBER: _ClassVar[int]
    FLOWS_24H_FIELD_NUMBER: _ClassVar[int]
    REALISED_FIELD_NUMBER: _ClassVar[int]
    UNREALISED_FIELD_NUMBER: _ClassVar[int]
    RETURN_PPM_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    base_asset: str
    value: str
    allocations: _containers.RepeatedCompositeFieldContainer[Allocation]
    change_24h: str
    return_24h_ppm: int
    flows_24h: str
    realised: str
    unrealised: str
    return_ppm: int
    seq: int
    at_ns: int
    def __init__(self, base_asset: _Optional[str] = ..., value: _Optional[str] = ..., allocations: _Optional[_Iterable[_Union[Allocation, _Mapping]]] = ..., change_24h: _Optional[str] = ..., return_24h_ppm: _Optional[int] = ..., flows_24h: _Optional[str] = ..., realised: _Optional[str] = ..., unrealised: _Optional[str] = ..., return_ppm: _Optional[int] = ..., seq: _Optional[int] = ..., at_ns: _Optional[int] = ...) -> None: ...

class Allocation(_message.Message):
    __slots__ = ("asset", "quantity", "value", "share_ppm", "prices")
    ASSET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SHARE_PPM_FIELD_NUMBER: _ClassVar[int]
    PRICES_FIELD_NUMBER: _ClassVar[int]
    asset: str
    quantity: str
    value: str
    share_ppm: int
    prices: _containers.RepeatedCompositeFieldContainer[AssetPrice]
    def __init__(self, asset: _Optional[str] = ..., quantity: _Optional[str] = ..., value: _Optional[str] = ..., share_ppm: _Optional[int] = ..., prices: _Optional[_Iterable[_Union[AssetPrice, _Mapping]]] = ...) -> None: ...

class AssetPrice(_message.Message):
    __slots__ = ("symbol", "price", "kind", "source")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    price: str
    kind: _types_pb2.PriceKind
    source: _types_pb2.Source
    def __init__(self, symbol: _Optional[str] = ..., price: _Optional[str] = ..., kind: _Optional[_Union[_types_pb2.PriceKind, str]] = ..., source: _Optional[_Union[_types_pb2.Source, _Mapping]] = ...) -> None: ...

class GetFeeStatementRequest(_message.Message):
    __slots__ = ("subaccount", "from_date", "to_date", "min_seq")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    FROM_DATE_FIELD_NUMBER: _ClassVar[int]
    TO_DATE_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQ_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    from_date: str
    to_date: str
    min_seq: int
    def __init__(self, subaccount: _Optional[str] = ..., from_date: _Optional[str] = ..., to_date: _Optional[str] = ..., min_seq: _Optional[int] = ...) -> None: ...

class GetFeeStatementResponse(_message.Message):
    __slots__ = ("days", "totals", "as_of_seq")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    TOTALS_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    days: _containers.RepeatedCompositeFieldContainer[FeeDay]
    totals: _containers.RepeatedCompositeFieldContainer[FeeDay]
    as_of_seq: int
    def __init__(self, days: _Optional[_Iterable[_Union[FeeDay, _Mapping]]] = ..., totals: _Optional[_Iterable[_Union[FeeDay, _Mapping]]] = ..., as_of_seq: _Optional[int] = ...) -> None: ...

class FeeDay(_message.Message):
    __slots__ = ("date", "asset", "maker_notional", "maker_fee", "taker_notional", "taker_fee", "fee")
    DATE_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    MAKER_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_FIELD_NUMBER: _ClassVar[int]
    TAKER_NOTIONAL_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_FIELD_NUMBER: _ClassVar[int]
    FEE_FIELD_NUMBER: _ClassVar[int]
    date: str
    asset: str
    maker_notional: str
    maker_fee: str
    taker_notional: str
    taker_fee: str
    fee: str
    def __init__(self, date: _Optional[str] = ..., asset: _Optional[str] = ..., maker_notional: _Optional[str] = ..., maker_fee: _Optional[str] = ..., taker_notional: _Optional[str] = ..., taker_fee: _Optional[str] = ..., fee: _Optional[str] = ...) -> None: ...

class GetBalancesRequest(_message.Message):
    __slots__ = ("subaccount",)
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    def __init__(self, subaccount: _Optional[str] = ...) -> None: ...

class GetBalancesResponse(_message.Message):
    __slots__ = ("balances", "seq")
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    balances: _containers.RepeatedCompositeFieldContainer[_types_pb2.Balance]
    seq: int
    def __init__(self, balances: _Optional[_Iterable[_Union[_types_pb2.Balance, _Mapping]]] = ..., seq: _Optional[int] = ...) -> None: ...

class Transaction(_message.Message):
    __slots__ = ("seq", "at_ns", "kind", "asset", "amount", "reference")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    seq: int
    at_ns: int
    kind: TransactionKind
    asset: str
    amount: str
    reference: str
    def __init__(self, seq: _Optional[int] = ..., at_ns: _Optional[int] = ..., kind: _Optional[_Union[TransactionKind, str]] = ..., asset: _Optional[str] = ..., amount: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...

class ListTransactionsRequest(_message.Message):
    __slots__ = ("subaccount", "asset", "page_size", "page_token", "min_seq")
    SUBACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQ_FIELD_NUMBER: _ClassVar[int]
    subaccount: str
    asset: str
    page_size: int
    page_token: str
    min_seq: int
    def __init__(self, subaccount: _Optional[str] = ..., asset: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_seq: _Optional[int] = ...) -> None: ...

class ListTransactionsResponse(_message.Message):
    __slots__ = ("transactions", "next_page_token", "as_of_seq")
    TRANSACTIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    AS_OF_SEQ_FIELD_NUMBER: _ClassVar[int]
    transactions: _containers.RepeatedCompositeFieldContainer[Transaction]
    next_page_token: str
    as_of_seq: int
    def __init__(self, transactions: _Optional[_Iterable[_Union[Transaction, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., as_of_seq: _Optional[int] = ...) -> None: ...
