"""Bytes' side to the house's side and back: exact, and never a decision.

Requests become commands (text is parsed exactly or refused, never rounded); journal rows become
answers, so an answer says nothing that is not on disk and a repeated one is equal to the first.

What is part of larger answers comes as the fields of its message: a message made by itself would
be copied into each one around it, which costs more than all else here.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from xache.v1 import trading_pb2, types_pb2

from xached.api.enums import pick
from xached.api.errors import StatusError
from xached.api.order_terms import condition_fields, read_display, read_trigger
from xached.domain.history import Fill, Funds, placed_order, placed_orders
from xached.domain.instrument import (
    Asset,
    AssetName,
    Directory,
    Instrument,
    Symbol,
)
from xached.domain.messages import CancelAll, CancelOrder, OrderEnded, PlaceOrder, ReplaceOrder, Row
from xached.domain.money import ceil_div, format_units, parse_decimal
from xached.domain.order import (
    BUY,
    EXPIRE_TAKER,
    GTC,
    ID_ALLOWED,
    IOC,
    MAIN,
    MARKET,
    USER,
    CancelScope,
    MarketState,
    Order,
    OrderId,
    OrderStatus,
    OrderType,
    Purse,
    SelfTradePrevention,
    Side,
    TimeInForce,
    check_id,
    subaccount_of,
)
from xached.domain.position import Position
from xached.domain.rejection import Reason, Rejection

Fields: TypeAlias = dict[str, Any]
"""The fields of a message, for its constructor or as a part of another's."""

_SIDES = {side.value: side for side in Side}
_TYPES = {kind.value: kind for kind in OrderType}
_TIMES = {time.value: time for time in TimeInForce}
_MODES = {mode.value: mode for mode in SelfTradePrevention}
_STATUSES = {status.value: status for status in OrderStatus}
_SCOPES = {scope.value: scope for scope in CancelScope}
_STATES = {state.value: state for state in MarketState}

_ORDER_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_ORDER_ID_MAX = 2**63 - 1
"""As far as history counts."""

_AVERAGE_PLACES = 4
"""Places beyond the tick that an average price, which is display, is shown with."""


# --- Requests --------------------------------------------------------------------------------


def place_command(
    request: trading_pb2.PlaceOrderRequest, purse: Purse, directory: Directory
) -> PlaceOrder:
    """Read an order. Raises: Rejection, in the order of the fields and then of the filters."""
    check_id(request.client_order_id, "client_order_id")
    instrument = directory.instrument(request.symbol)
    side = pick(_SIDES, request.side, "side")
    kind = pick(_TYPES, request.type, "type")
    if request.time_in_force:
        time = pick(_TIMES, request.time_in_force, "time_in_force")
    else:
        time = IOC if kind is MARKET else GTC
    mode: SelfTradePrevention = EXPIRE_TAKER
    if request.self_trade_prevention:
        mode = pick(_MODES, request.self_trade_prevention, "self_trade_prevention")
    price, quantity, quote = request.price, request.quantity, request.quote_quantity
    return PlaceOrder(  # Fields by position: see frozen.py.
        purse,
        request.client_order_id,
        instrument.symbol,
        side,
        kind,
        time,
        instrument.parse_price(price) if price else None,
        instrument.parse_quantity(quantity) if quantity else None,
        parse_decimal(quote, instrument.quote_scale, "quote_quantity") if quote else None,
        request.post_only,
        mode,
        request.expires_at_ns or None,
        read_trigger(request, kind, instrument),
        read_display(request.display_quantity, instrument),
        request.reduce_only,
        request.slide,
    )


def cancel_command(request: trading_pb2.CancelOrderRequest, purse: Purse) -> CancelOrder:
    """Read a cancel. Raises: Rejection."""
    order_id, client_order_id = order_name(request.order_id, request.client_order_id)
    return CancelOrder(purse, order_id, client_order_id, optional_id(request.request_id), USER)


def order_name(
    order_id: str, client_order_id: str, prefix: str = ""
) -> tuple[OrderId | None, str | None]:
    """Read which order is meant: exactly one of its ids. Raises: Rejection.

    ``prefix`` is what the fields of the request begin with.
    """
    if bool(order_id) == bool(client_order_id):
        raise Rejection(
            Reason.FIELD_REQUIRED,
            "name the order by one of its ids",
            field=f"{prefix}order_id",
            given="both" if order_id else "neither",
            allowed=f"exactly one of {prefix}order_id and {prefix}client_order_id",
        )
    if client_order_id:
        return None, check_id(client_order_id, f"{prefix}client_order_id")
    if _ORDER_ID.fullmatch(order_id) is None or int(order_id) > _ORDER_ID_MAX:
        raise Rejection(
            Reason.ID_FORMAT,
            f"{prefix}order_id has a form that is not allowed",
            field=f"{prefix}order_id",
            given=order_id[:40],
            allowed="the order_id of an answer",
        )
    return OrderId(int(order_id)), None


CAUSE_CHARS_MAX: Final = 200


def optional_id(request_id: str) -> str:
    """Read a request id that may be left out. Raises: Rejection ID_FORMAT."""
    return check_id(request_id, "request_id") if request_id else ""


def required_id(request_id: str) -> str:
    """Read the request id of what moves money: without one a retry could move it twice.

    Raises: Rejection FIELD_REQUIRED or ID_FORMAT.
    """
    if not request_id:
        raise Rejection(
            Reason.FIELD_REQUIRED,
            "what moves money needs a request_id",
            field="request_id",
            given="nothing",
            allowed=ID_ALLOWED,
        )
    return check_id(request_id, "request_id")


def market_state(number: int) -> MarketState:
    """Read a market state. Raises: Rejection."""
    return pick(_STATES, number, "state")


def cause(text: str) -> str:
    """Read why somebody does something. Raises: Rejection ID_FORMAT."""
    if len(text) > CAUSE_CHARS_MAX:
        raise Rejection(
            Reason.ID_FORMAT,
            "the cause is too long",
            field="cause",
            given=f"{len(text)} characters",
            allowed=f"at most {CAUSE_CHARS_MAX}",
        )
    return text


def shown_cause(text: str) -> str:
    """Read a cause that whoever is refused by it is told. Raises: Rejection ID_FORMAT."""
    if not text.strip():
        raise Rejection(
            Reason.ID_FORMAT,
            "the cause says nothing",
            field="cause",
            given="blanks" if text else "nothing",
            allowed=f"1 to {CAUSE_CHARS_MAX} characters, not all of them blank",
        )
    return cause(text)


def cancel_scope(number: int, unset: CancelScope = CancelScope.ENTRIES) -> CancelScope:
    """Read which orders are cancelled. Raises: Rejection."""
    return pick(_SCOPES, number, "scope") if number else unset


def side_filter(number: int) -> Side | None:
    """Read an optional side. Raises: Rejection."""
    return pick(_SIDES, number, "side") if number else None


def status_filter(numbers: Iterable[int]) -> frozenset[OrderStatus]:
    """Read any number of statuses. Raises: Rejection."""
    return frozenset(pick(_STATUSES, number, "statuses") for number in numbers)


def symbol_filter(text: str, directory: Directory) -> Symbol | None:
    """Read an optional symbol. Raises: Rejection UNKNOWN_INSTRUMENT."""
    return directory.instrument(text).symbol if text else None


def check_same_purse(named: str, subaccount: str) -> None:
    """Refuse a part of a message that names another purse. Raises: Rejection."""
    if named and named != (subaccount or MAIN):
        raise Rejection(
            Reason.FIELD_FORBIDDEN,
            "one message trades for one purse",
            field="subaccount",
            given=named[:40],
            allowed=f"empty or {subaccount or MAIN}",
        )


# --- Answers ---------------------------------------------------------------------------------


def place_response(row: Row, directory: Directory) -> trading_pb2.PlaceOrderResponse:
    """What became at once of the order that a row accepted."""
    return trading_pb2.PlaceOrderResponse(**placed_fields(row, directory))


def placed_fields(row: Row, directory: Directory) -> Fields:
    """The fields of :func:`place_response`."""
    assert isinstance(row.command, PlaceOrder | ReplaceOrder)
    instrument = directory[row.command.symbol]
    order, fills = placed_order(row.events, instrument, row.seq, row.at_ns)
    return {
        "order": _order_fields(order, instrument),
        "fills": [_fill_fields(fill, instrument) for fill in fills],
    }


def all_placed_fields(row: Row, directory: Directory) -> list[Fields]:
    """The fields of a :func:`place_response` of every order that a row accepted, in order."""
    return [
        {
            "order": _order_fields(order, directory[order.symbol]),
            "fills": [_fill_fields(fill, directory[fill.symbol]) for fill in fills],
        }
        for order, fills in placed_orders(row.events, directory, row.seq, row.at_ns)
    ]


def cancel_response(row: Row, directory: Directory) -> trading_pb2.CancelOrderResponse:
    """How the order that a row cancelled ended."""
    ended = next(event for event in row.events if isinstance(event, OrderEnded))
    return ended_message(ended, row, directory)


def ended_message(
    ended: OrderEnded, row: Row, directory: Directory
) -> trading_pb2.CancelOrderResponse:
    """How an order that a row ended stood then."""
    instrument = directory[ended.symbol]
    return trading_pb2.CancelOrderResponse(
        order_id=str(ended.order_id),
        client_order_id=ended.client_order_id,
        symbol=ended.symbol,
        executed_quantity=instrument.format_quantity(ended.executed_lots),
        released=_held_text(ended.side, ended.released_units, instrument),
        at_ns=row.at_ns,
        seq=row.seq,
    )


def cancel_all_response(row: Row) -> trading_pb2.CancelAllOrdersResponse:
    """The orders that a row cancelled, not those whose time came in the same moment."""
    command = row.command
    assert isinstance(command, CancelAll)
    return trading_pb2.CancelAllOrdersResponse(
        order_ids=[
            str(event.order_id)
            for event in row.events
            if isinstance(event, OrderEnded)
            and event.purse == command.purse
            and event.reason is command.reason
        ]
    )


def refusal(error: StatusError) -> trading_pb2.Refusal:
    """A refusal inside a batch or a stream, as it would have ended a unary call."""
    return trading_pb2.Refusal(
        code=error.code_number, reason=error.reason, message=error.message, facts=error.facts
    )


def order_message(order: Order, instrument: Instrument) -> types_pb2.Order:
    """An order as it stands."""
    return types_pb2.Order(**_order_fields(order, instrument))


def _order_fields(order: Order, instrument: Instrument) -> Fields:
    executed_lots = order.executed_lots
    notional_units = order.notional_units
    price_ticks, quote_units = order.price_ticks, order.quote_units
    fields: Fields = {
        "order_id": str(order.order_id),
        "client_order_id": order.client_order_id,
        "subaccount": subaccount_of(order.purse),
        "symbol": order.symbol,
        "side": order.side,
        "type": order.type,
        "time_in_force": order.time_in_force,
        "price": instrument.format_price(price_ticks) if price_ticks is not None else "",
        "quantity": instrument.format_quantity(order.quantity_lots),
        "quote_quantity": instrument.format_quote(quote_units) if quote_units is not None else "",
        "post_only": order.post_only,
        "self_trade_prevention": order.self_trade_prevention,
        "status": order.status,
        "end_reason": order.end_reason,
        "executed_quantity": instrument.format_quantity(executed_lots),
        "leaves_quantity": instrument.format_quantity(order.leaves_lots),
        "executed_notional": instrument.format_quote(notional_units),
        "fee": instrument.format_quote(order.fee_units),
        "average_price": average_price(notional_units, executed_lots, instrument),
        "held": _held_text(order.side, order.held_units, instrument),
        "expires_at_ns": order.expires_at_ns or 0,
        "accepted_at_ns": order.accepted_at_ns,
        "updated_at_ns": order.updated_at_ns,
        "seq": order.seq,
        "prevented_quantity": instrument.format_quantity(order.prevented_lots),
    }
    if (
        order.trigger is not None
        or order.display_lots is not None
        or order.reduce_only
        or order.slide
        or order.leg is not None
        or order.replaces is not None
    ):
        fields |= condition_fields(order, instrument)
    return fields


def fill_message(fill: Fill, instrument: Instrument) -> types_pb2.Fill:
    """One order's side of a trade."""
    return types_pb2.Fill(**_fill_fields(fill, instrument))


def _fill_fields(fill: Fill, instrument: Instrument) -> Fields:
    return {
        "trade_id": fill.trade_id,
        "order_id": str(fill.order_id),
        "client_order_id": fill.client_order_id,
        "subaccount": subaccount_of(fill.purse),
        "symbol": fill.symbol,
        "side": fill.side,
        "price": instrument.format_price(fill.price_ticks),
        "quantity": instrument.format_quantity(fill.quantity_lots),
        "notional": instrument.format_quote(fill.notional_units),
        "fee": instrument.format_quote(fill.fee_units),
        "liquidity": types_pb2.LIQUIDITY_MAKER if fill.is_maker else types_pb2.LIQUIDITY_TAKER,
        "at_ns": fill.at_ns,
        "seq": fill.seq,
        "simulated": fill.simulated,
        "transferred": fill.transferred,
    }


def balance_messages(
    balances: Mapping[AssetName, Funds], orders: list[Order], directory: Directory
) -> list[types_pb2.Balance]:
    """Balances by asset, each hold with its order."""
    holds: dict[AssetName, list[types_pb2.Hold]] = {}
    for order in orders:
        if order.held_units == 0:
            continue  # Another order of its list holds for it.
        instrument = directory[order.symbol]
        asset = instrument.quote if order.side is Side.BUY else instrument.base
        holds.setdefault(asset, []).append(
            types_pb2.Hold(
                order_id=str(order.order_id),
                client_order_id=order.client_order_id,
                amount=_held_text(order.side, order.held_units, instrument),
                list_id=str(order.leg.list_id) if order.leg is not None else "",
            )
        )
    return [
        balance_message(directory.assets[name], funds, holds.get(name, []))
        for name, funds in sorted(balances.items())
    ]


def balance_message(
    asset: Asset, funds: Funds, holds: list[types_pb2.Hold] | None = None
) -> types_pb2.Balance:
    """Money of one asset in one purse."""
    return types_pb2.Balance(
        asset=asset.name,
        available=format_units(funds.available, asset.scale),
        held=format_units(funds.held, asset.scale),
        total=format_units(funds.available + funds.held, asset.scale),
        holds=holds,
    )


def position_message(
    symbol: Symbol, position: Position, instrument: Instrument
) -> types_pb2.Position:
    """A position and what it cost."""
    return types_pb2.Position(
        symbol=symbol,
        quantity=instrument.format_quantity(position.quantity_lots),
        cost=instrument.format_quote(position.cost_units),
        average_price=average_price(position.cost_units, position.quantity_lots, instrument),
        realised=instrument.format_quote(position.realised_units),
    )


def average_price(quote_units: int, lots: int, instrument: Instrument) -> str:
    """Quote per base, for display, rounded up in its last place; empty for no quantity."""
    if lots == 0:
        return ""
    places = instrument.price_scale + _AVERAGE_PLACES
    numerator = quote_units * 10 ** (places + instrument.base_scale)
    denominator = lots * instrument.lot_units * 10**instrument.quote_scale
    return format_units(ceil_div(numerator, denominator), places)


def wire(value: enum.IntEnum) -> Any:
    """An enum as the wire has it: the numbers are the same, and a test says so."""
    return value.value


def _held_text(side: Side, units: int, instrument: Instrument) -> str:
    return instrument.format_quote(units) if side is BUY else instrument.format_base(units)
