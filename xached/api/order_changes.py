"""Changes and previews of orders between the wire and the house."""

from __future__ import annotations

from xache.v1 import trading_pb2, types_pb2

from xached.api import convert
from xached.api.convert import Fields
from xached.api.enums import pick
from xached.api.order_terms import read_display, read_stop
from xached.domain.history import Funds, PurseFold
from xached.domain.instrument import AssetName, Directory, Instrument, Symbol
from xached.domain.list_messages import ListFollowed, ListLeg, PlaceList
from xached.domain.messages import (
    AmendOrder,
    MatchPrevented,
    OrderAccepted,
    OrderEnded,
    OrderReduced,
    PlaceOrder,
    ReplaceOrder,
    Row,
)
from xached.domain.order import (
    EndReason,
    ListActivation,
    ListKind,
    Purse,
    check_id,
    subaccount_of,
)
from xached.domain.protection_messages import Flatten, PositionSold
from xached.domain.queries import PurseSnapshot
from xached.domain.rejection import Reason, Rejection

_KINDS = {kind.value: kind for kind in ListKind}
_ACTIVATIONS = {activation.value: activation for activation in ListActivation}

PREVIEW_ID = "preview"
"""The id of an order that is worked out and has none."""


def amend_command(
    request: trading_pb2.AmendOrderRequest, purse: Purse, directory: Directory
) -> AmendOrder:
    """Read an amendment. Raises: Rejection."""
    order_id, client_order_id = convert.order_name(request.order_id, request.client_order_id)
    instrument = directory.instrument(request.symbol)
    return AmendOrder(
        purse=purse,
        symbol=instrument.symbol,
        order_id=order_id,
        client_order_id=client_order_id,
        quantity_lots=instrument.parse_quantity(request.quantity),
        expected_executed_lots=_optional_lots(request.expected_executed_quantity, instrument),
        request_id=convert.optional_id(request.request_id),
    )


def amended_fields(row: Row, directory: Directory) -> Fields:
    """The fields of the answer to an amendment; of one that changed nothing, what was asked."""
    command = row.command
    assert isinstance(command, AmendOrder)
    instrument = directory[command.symbol]
    fields: Fields = {
        "symbol": command.symbol,
        "quantity": instrument.format_quantity(command.quantity_lots),
        "reduced_quantity": "0",
        "at_ns": row.at_ns,
        "seq": row.seq,
    }
    for event in row.events:
        if isinstance(event, OrderReduced) and event.reason is EndReason.USER:
            fields["order_id"] = str(event.order_id)
            fields["reduced_quantity"] = instrument.format_quantity(event.reduced_lots)
    return fields


def replace_command(
    request: trading_pb2.ReplaceOrderRequest, purse: Purse, directory: Directory
) -> ReplaceOrder:
    """Read a replacement. Raises: Rejection."""
    order_id, client_order_id = convert.order_name(
        request.replaced_order_id, request.replaced_client_order_id, prefix="replaced_"
    )
    instrument = directory.instrument(request.symbol)
    return ReplaceOrder(
        purse=purse,
        symbol=instrument.symbol,
        replaced_order_id=order_id,
        replaced_client_order_id=client_order_id,
        client_order_id=check_id(request.client_order_id, "client_order_id"),
        price_ticks=instrument.parse_price(request.price) if request.price else None,
        quantity_lots=_optional_lots(request.quantity, instrument),
        stop_ticks=read_stop(request.stop_price, instrument),
        display_lots=read_display(request.display_quantity, instrument),
        expires_at_ns=request.expires_at_ns or None,
        expected_executed_lots=_optional_lots(request.expected_executed_quantity, instrument),
    )


def replaced_fields(row: Row, directory: Directory) -> Fields:
    """The fields of the answer to a replacement."""
    (ended,) = (
        event
        for event in row.events
        if isinstance(event, OrderEnded) and event.reason is EndReason.REPLACED
    )
    return {
        **convert.placed_fields(row, directory),
        "replaced": convert.ended_message(ended, row, directory),
    }


def list_command(
    request: trading_pb2.PlaceOrderListRequest, purse: Purse, directory: Directory
) -> PlaceList:
    """Read a list of orders. Raises: Rejection, as of the first order that is wrong."""
    kind = pick(_KINDS, request.kind, "kind")
    activation = ListActivation.PARTIAL if kind is ListKind.BRACKET else ListActivation.FULL
    if request.activation:
        activation = pick(_ACTIVATIONS, request.activation, "activation")
    symbol = directory.instrument(request.symbol).symbol
    return PlaceList(
        purse=purse,
        request_id=convert.optional_id(request.request_id),
        symbol=symbol,
        kind=kind,
        activation=activation,
        legs=tuple(
            _leg(order, purse, symbol, request.subaccount, directory) for order in request.orders
        ),
    )


def list_response(row: Row, directory: Directory) -> trading_pb2.PlaceOrderListResponse:
    """What became at once of the orders of a list."""
    command = row.command
    assert isinstance(command, PlaceList)
    told = convert.all_placed_fields(row, directory)
    unprotected = sum(
        event.unprotected_lots for event in row.events if isinstance(event, ListFollowed)
    )
    return trading_pb2.PlaceOrderListResponse(
        list_id=told[0]["order"]["order_id"],
        orders=told,
        unprotected_quantity=directory[command.symbol].format_quantity(unprotected),
        seq=row.seq,
    )


def flatten_response(row: Row, directory: Directory) -> trading_pb2.FlattenResponse:
    """What a flattening cancelled and sold."""
    command = row.command
    assert isinstance(command, Flatten)
    sales = convert.all_placed_fields(row, directory)
    # Told by its last word: a large position takes several orders.
    left = {event.symbol: event for event in row.events if isinstance(event, PositionSold)}
    return trading_pb2.FlattenResponse(
        canceled_order_ids=[
            str(event.order_id)
            for event in row.events
            if isinstance(event, OrderEnded)
            and event.purse == command.purse
            and event.reason is EndReason.USER
        ],
        sales=sales,
        positions=[
            trading_pb2.FlattenedPosition(
                symbol=symbol,
                left_quantity=directory[symbol].format_quantity(event.left_lots),
                reason=convert.wire(event.reason),
            )
            for symbol, event in left.items()
        ],
        seq=row.seq,
    )


def preview_command(
    request: trading_pb2.PreviewOrderRequest, purse: Purse, directory: Directory
) -> PlaceOrder:
    """Read an order to work out. Raises: Rejection."""
    order = trading_pb2.PlaceOrderRequest()
    order.CopyFrom(request.order)
    order.client_order_id = order.client_order_id or PREVIEW_ID
    return convert.place_command(order, purse, directory)


def preview_fields(
    row: Row, snapshot: PurseSnapshot, directory: Directory
) -> trading_pb2.PreviewedOrder:
    """What a row that is not journaled would do to the purse that asks."""
    (accepted,) = (event for event in row.events if isinstance(event, OrderAccepted))
    fold = PurseFold(accepted.purse, snapshot.orders, snapshot.balances, directory)
    changes = fold.fold(row)
    assert changes is not None, row
    own = {order.order_id: order for order in changes.orders}
    order = convert.order_message(own.pop(accepted.order_id), directory[accepted.symbol])
    # They would be given at the placement, and are another order's then.
    order.order_id = order.client_order_id = ""
    fills = [
        convert.fill_message(fill, directory[fill.symbol])
        for fill in changes.fills
        if fill.order_id == accepted.order_id
    ]
    for fill in fills:
        fill.order_id = fill.client_order_id = fill.trade_id = ""
    return trading_pb2.PreviewedOrder(
        order=order,
        fills=fills,
        prevented=[
            _prevented(event, directory[event.symbol])
            for event in row.events
            if isinstance(event, MatchPrevented) and event.taker_order_id == accepted.order_id
        ],
        others=[convert.order_message(other, directory[other.symbol]) for other in own.values()],
        balances=balance_messages(changes.assets, directory),
        taker_fee_ppm=accepted.taker_fee_ppm,
        maker_fee_ppm=accepted.maker_fee_ppm,
    )


def balance_messages(
    funds: dict[AssetName, Funds], directory: Directory
) -> list[types_pb2.Balance]:
    """Balances by asset, without their holds spelled out."""
    return [
        convert.balance_message(directory.assets[asset], each)
        for asset, each in sorted(funds.items())
    ]


def _leg(
    request: trading_pb2.PlaceOrderRequest,
    purse: Purse,
    symbol: Symbol,
    subaccount: str,
    directory: Directory,
) -> ListLeg:
    """Read one order of a list; what no order of a list has is refused."""
    convert.check_same_purse(request.subaccount, subaccount)
    if request.symbol not in {"", symbol}:
        raise _not_in_a_list("symbol", request.symbol[:40], f"empty or {symbol}")
    order = trading_pb2.PlaceOrderRequest()
    order.CopyFrom(request)
    order.symbol = symbol
    command = convert.place_command(order, purse, directory)
    for field, value in (
        ("quote_quantity", command.quote_units),
        ("display_quantity", command.display_lots),
        ("reduce_only", command.reduce_only),
        ("slide", command.slide),
    ):
        if value:
            raise _not_in_a_list(field, "a value", "nothing")
    if command.quantity_lots is None:
        raise Rejection(
            Reason.FIELD_REQUIRED,
            "an order of a list needs a quantity",
            field="quantity",
            given="nothing",
            allowed="a value",
        )
    return ListLeg(
        client_order_id=command.client_order_id,
        side=command.side,
        type=command.type,
        time_in_force=command.time_in_force,
        price_ticks=command.price_ticks,
        quantity_lots=command.quantity_lots,
        post_only=command.post_only,
        self_trade_prevention=command.self_trade_prevention,
        expires_at_ns=command.expires_at_ns,
        trigger=command.trigger,
    )


def _not_in_a_list(field: str, given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.FIELD_FORBIDDEN,
        f"an order of a list has no {field} of its own",
        field=field,
        given=given,
        allowed=allowed,
    )


def _prevented(event: MatchPrevented, instrument: Instrument) -> trading_pb2.PreventedMatch:
    return trading_pb2.PreventedMatch(
        maker_order_id=str(event.maker_order_id),
        maker_subaccount=subaccount_of(event.maker_purse),
        price=instrument.format_price(event.price_ticks),
        quantity=instrument.format_quantity(event.quantity_lots),
        mode=convert.wire(event.mode),
    )


def _optional_lots(text: str, instrument: Instrument) -> int | None:
    return instrument.parse_quantity(text) if text else None
