"""How orders stand and stood, and what they traded."""

from __future__ import annotations

import grpc
from xache.v1 import trading_pb2

from xached.actors.history import History
from xached.actors.matching import Matching
from xached.api import convert
from xached.api.errors import StatusError
from xached.api.paging import read_page, write_token
from xached.api.routes import Call
from xached.domain.instrument import Directory
from xached.domain.messages import OrderAccepted, Row, order_scope
from xached.domain.order import OrderId, account_of
from xached.domain.queries import PurseQuery
from xached.domain.rejection import Reason
from xached.storage.views import Wanted


class OrderReading:
    """Handlers of TradingService that tell of orders, for every transport."""

    def __init__(self, matching: Matching, directory: Directory, history: History) -> None:
        self._matching = matching
        self._directory = directory
        self._history = history

    async def get_order(
        self, call: Call, request: trading_pb2.GetOrderRequest
    ) -> trading_pb2.GetOrderResponse:
        """Tell how one order stands; NOT_FOUND means it was never accepted."""
        purse = call.purse
        order_id, client_order_id = convert.order_name(request.order_id, request.client_order_id)
        if client_order_id is not None:
            # Asked through the mailbox: an order that is still queued there is waited for.
            accepted = await self._matching.find_request(
                order_scope(purse), client_order_id, account=account_of(purse)
            )
            if accepted is None:
                raise _unknown_order("client_order_id", client_order_id)
            order_id = accepted_order(accepted, client_order_id)
        assert order_id is not None
        await self._history.wait_current()
        told = await self._history.order(purse, order_id)
        if told is None:
            raise _unknown_order("order_id", str(order_id))
        order, fills = told
        instrument = self._directory[order.symbol]
        return trading_pb2.GetOrderResponse(
            order=convert.order_message(order, instrument),
            fills=[convert.fill_message(fill, instrument) for fill in fills],
        )

    async def list_open_orders(
        self, call: Call, request: trading_pb2.ListOpenOrdersRequest
    ) -> trading_pb2.ListOpenOrdersResponse:
        """List the open orders of a purse, oldest first."""
        symbol = convert.symbol_filter(request.symbol, self._directory)
        purse = await self._matching.query(PurseQuery(call.purse), account=account_of(call.purse))
        return trading_pb2.ListOpenOrdersResponse(
            orders=[
                convert.order_message(order, self._directory[order.symbol])
                for order in purse.orders
                if symbol is None or order.symbol == symbol
            ]
        )

    async def list_orders(
        self, call: Call, request: trading_pb2.ListOrdersRequest
    ) -> trading_pb2.ListOrdersResponse:
        """List orders of a purse, newest first."""
        page = read_page(request.page_size, request.page_token)
        symbol = convert.symbol_filter(request.symbol, self._directory)
        await self._history.wait_for(request.min_seq)
        wanted = Wanted(
            side=convert.side_filter(request.side),
            statuses=convert.status_filter(request.statuses),
            from_ns=request.from_ns,
            to_ns=request.to_ns or None,
        )
        found = await self._history.orders(call.purse, symbol, page.before, page.size, wanted)
        return trading_pb2.ListOrdersResponse(
            orders=[
                convert.order_message(order, self._directory[order.symbol]) for order in found.items
            ],
            next_page_token=write_token(found.next_before),
            as_of_seq=found.as_of_seq,
        )

    async def list_fills(
        self, call: Call, request: trading_pb2.ListFillsRequest
    ) -> trading_pb2.ListFillsResponse:
        """List fills of a purse, newest first."""
        page = read_page(request.page_size, request.page_token)
        symbol = convert.symbol_filter(request.symbol, self._directory)
        await self._history.wait_for(request.min_seq)
        wanted = Wanted(
            side=convert.side_filter(request.side),
            from_ns=request.from_ns,
            to_ns=request.to_ns or None,
        )
        found = await self._history.fills(call.purse, symbol, page.before, page.size, wanted)
        return trading_pb2.ListFillsResponse(
            fills=[
                convert.fill_message(fill, self._directory[fill.symbol]) for fill in found.items
            ],
            next_page_token=write_token(found.next_before),
            as_of_seq=found.as_of_seq,
        )


def accepted_order(row: Row, client_order_id: str) -> OrderId:
    """The order that a row accepted under an id; a row of a list accepts several."""
    (order_id,) = (
        event.order_id
        for event in row.events
        if isinstance(event, OrderAccepted) and event.client_order_id == client_order_id
    )
    return order_id


def _unknown_order(field: str, given: str) -> StatusError:
    return StatusError(
        grpc.StatusCode.NOT_FOUND,
        Reason.UNKNOWN_ORDER.value,
        "no such order was ever accepted for this purse",
        {"field": field, "given": given, "allowed": "an order of the purse"},
    )
