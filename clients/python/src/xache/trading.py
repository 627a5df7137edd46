"""Orders, fills and positions of a purse: TradingService."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from typing import Unpack

from xache.amounts import Amount, amount_text, optional_text
from xache.connection import Connection
from xache.orders import OrderFields, new_id, order_request
from xache.rpc import PAGE_SIZE_MAX, rpc
from xache.v1 import trading_pb2, types_pb2

# Orders and cancels are repeatable because this client never sends one without an id.
_PLACE = rpc(trading_pb2.PlaceOrderRequest, trading_pb2.PlaceOrderResponse, repeatable=True)
_PLACE_MANY = rpc(trading_pb2.PlaceOrdersRequest, trading_pb2.PlaceOrdersResponse, repeatable=True)
_ENTER = rpc(trading_pb2.EnterOrdersRequest, trading_pb2.EnterOrdersResponse, repeatable=False)
_PREVIEW = rpc(trading_pb2.PreviewOrderRequest, trading_pb2.PreviewOrderResponse, repeatable=True)
_AMEND = rpc(trading_pb2.AmendOrderRequest, trading_pb2.AmendOrderResponse, repeatable=True)
_REPLACE = rpc(trading_pb2.ReplaceOrderRequest, trading_pb2.ReplaceOrderResponse, repeatable=True)
_CANCEL = rpc(trading_pb2.CancelOrderRequest, trading_pb2.CancelOrderResponse, repeatable=True)
_PLACE_LIST = rpc(
    trading_pb2.PlaceOrderListRequest, trading_pb2.PlaceOrderListResponse, repeatable=True
)
_FLATTEN = rpc(trading_pb2.FlattenRequest, trading_pb2.FlattenResponse, repeatable=True)
_CANCEL_ALL_AFTER = rpc(
    trading_pb2.CancelAllAfterRequest, trading_pb2.CancelAllAfterResponse, repeatable=False
)
_CANCEL_ALL = rpc(
    trading_pb2.CancelAllOrdersRequest, trading_pb2.CancelAllOrdersResponse, repeatable=True
)
_ORDER = rpc(trading_pb2.GetOrderRequest, trading_pb2.GetOrderResponse, repeatable=True)
_OPEN_ORDERS = rpc(
    trading_pb2.ListOpenOrdersRequest, trading_pb2.ListOpenOrdersResponse, repeatable=True
)
_ORDERS = rpc(trading_pb2.ListOrdersRequest, trading_pb2.ListOrdersResponse, repeatable=True)
_FILLS = rpc(trading_pb2.ListFillsRequest, trading_pb2.ListFillsResponse, repeatable=True)
_POSITIONS = rpc(
    trading_pb2.ListPositionsRequest, trading_pb2.ListPositionsResponse, repeatable=True
)
_WATCH_PURSE = rpc(trading_pb2.WatchPurseRequest, trading_pb2.WatchPurseResponse, repeatable=True)


class Trading:
    """Orders, fills and positions of a purse: main unless ``subaccount`` says otherwise."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def place_order(
        self,
        *,
        subaccount: str = "",
        want_time_line: bool = False,
        **order: Unpack[OrderFields],
    ) -> trading_pb2.PlaceOrderResponse:
        """Place an order; its type follows from what is given, see OrderFields.

        Asked again after an unknown outcome under the same id, so it is placed at most once.

        Args:
            want_time_line: tell when each step of it was done.

        Raises:
            TypeError: an amount is a float.
        """
        request = order_request(**order)
        request.subaccount = subaccount
        request.want_time_line = want_time_line
        return self._connection.call(_PLACE, request)

    def preview_order(
        self, *, subaccount: str = "", **order: Unpack[OrderFields]
    ) -> trading_pb2.PreviewOrderResponse:
        """What an order would do and cost now; nothing is placed. See place_order."""
        request = trading_pb2.PreviewOrderRequest(
            subaccount=subaccount, order=order_request(**order)
        )
        return self._connection.call(_PREVIEW, request)

    def amend_order(
        self,
        *,
        symbol: str,
        quantity: Amount,
        order_id: str = "",
        client_order_id: str = "",
        expected_executed_quantity: Amount | None = None,
        request_id: str = "",
        subaccount: str = "",
    ) -> trading_pb2.AmendOrderResponse:
        """Lower an order, named by one of its ids, to a new total; it keeps its place.

        Args:
            expected_executed_quantity: only if it has traded just so much, else ABORTED.
        """
        request = trading_pb2.AmendOrderRequest(
            subaccount=subaccount,
            order_id=order_id,
            client_order_id=client_order_id,
            symbol=symbol,
            quantity=amount_text(quantity, "quantity"),
            expected_executed_quantity=optional_text(
                expected_executed_quantity, "expected_executed_quantity"
            ),
            request_id=request_id or new_id(),
        )
        return self._connection.call(_AMEND, request)

    def replace_order(
        self,
        *,
        symbol: str,
        replaced_order_id: str = "",
        replaced_client_order_id: str = "",
        price: Amount | None = None,
        quantity: Amount | None = None,
        stop_price: Amount | None = None,
        display_quantity: Amount | None = None,
        expires_at_ns: int = 0,
        expected_executed_quantity: Amount | None = None,
        client_order_id: str = "",
        subaccount: str = "",
    ) -> trading_pb2.ReplaceOrderResponse:
        """Put an order with other terms in the place of one; what is left out stays as it was.

        Args:
            quantity: the new total, what the old order traded included.
            client_order_id: the new order's id; made when left out.
        """
        request = trading_pb2.ReplaceOrderRequest(
            subaccount=subaccount,
            replaced_order_id=replaced_order_id,
            replaced_client_order_id=replaced_client_order_id,
            symbol=symbol,
            client_order_id=client_order_id or new_id(),
            price=optional_text(price, "price"),
            quantity=optional_text(quantity, "quantity"),
            stop_price=optional_text(stop_price, "stop_price"),
            display_quantity=optional_text(display_quantity, "display_quantity"),
            expires_at_ns=expires_at_ns,
            expected_executed_quantity=optional_text(
                expected_executed_quantity, "expected_executed_quantity"
            ),
        )
        return self._connection.call(_REPLACE, request)

    def place_orders(
        self, orders: Iterable[trading_pb2.PlaceOrderRequest], *, subaccount: str = ""
    ) -> list[trading_pb2.OrderResult]:
        """Place up to 200 orders, each decided on its own. Make them with order_request."""
        request = trading_pb2.PlaceOrdersRequest(subaccount=subaccount, orders=orders)
        assert all(order.client_order_id for order in request.orders), "an order without an id"
        return list(self._connection.call(_PLACE_MANY, request).results)

    def enter_orders(
        self, entries: Iterable[trading_pb2.EnterOrdersRequest]
    ) -> Generator[trading_pb2.EnterOrdersResponse, None, None]:
        """Enter orders and cancels over one stream; answers come in order.

        When it breaks, what was not answered has an unknown outcome: look it up by its id.
        """
        with closing(self._connection.exchange(_ENTER, entries)) as answers:
            for answer in answers:
                # Signs of life, and the notice of a stop, which ends the stream with an error.
                if answer.HasField("result"):
                    yield answer

    def cancel_order(
        self,
        *,
        order_id: str = "",
        client_order_id: str = "",
        request_id: str = "",
        subaccount: str = "",
    ) -> trading_pb2.CancelOrderResponse:
        """Cancel an order, named by one of its ids."""
        request = trading_pb2.CancelOrderRequest(
            subaccount=subaccount,
            order_id=order_id,
            client_order_id=client_order_id,
            request_id=request_id or new_id(),
        )
        return self._connection.call(_CANCEL, request)

    def cancel_all_orders(
        self,
        *,
        symbol: str = "",
        scope: types_pb2.CancelScope = types_pb2.CANCEL_SCOPE_ALL,
        request_id: str = "",
        subaccount: str = "",
    ) -> list[str]:
        """Cancel the open orders of a purse, or of one market of it; the house's ids of them."""
        request = trading_pb2.CancelAllOrdersRequest(
            subaccount=subaccount, symbol=symbol, scope=scope, request_id=request_id or new_id()
        )
        return list(self._connection.call(_CANCEL_ALL, request).order_ids)

    def place_order_list(
        self,
        kind: types_pb2.ListKind,
        orders: Iterable[trading_pb2.PlaceOrderRequest],
        *,
        symbol: str,
        activation: types_pb2.ListActivation = types_pb2.LIST_ACTIVATION_UNSPECIFIED,
        request_id: str = "",
        subaccount: str = "",
    ) -> trading_pb2.PlaceOrderListResponse:
        """Place orders that depend on each other, all or none. Make them with order_request."""
        request = trading_pb2.PlaceOrderListRequest(
            subaccount=subaccount,
            symbol=symbol,
            kind=kind,
            activation=activation,
            orders=orders,
            request_id=request_id or new_id(),
        )
        return self._connection.call(_PLACE_LIST, request)

    def flatten(
        self, *, symbol: str = "", request_id: str = "", subaccount: str = ""
    ) -> trading_pb2.FlattenResponse:
        """Cancel all orders of a purse, or of one market of it, then sell its position."""
        request = trading_pb2.FlattenRequest(
            subaccount=subaccount, symbol=symbol, request_id=request_id or new_id()
        )
        return self._connection.call(_FLATTEN, request)

    def cancel_all_after(
        self,
        timeout_ms: int,
        *,
        scope: types_pb2.CancelScope = types_pb2.CANCEL_SCOPE_ENTRIES,
        subaccount: str = "",
    ) -> int:
        """Arm or renew the dead-man's switch of a purse, 0 disarms it; when it fires, or 0.

        Not repeated after an unknown outcome: it is to be renewed all the time anyway.
        """
        request = trading_pb2.CancelAllAfterRequest(
            subaccount=subaccount, timeout_ms=timeout_ms, scope=scope
        )
        return self._connection.call(_CANCEL_ALL_AFTER, request).fires_at_ns

    def order(
        self, *, order_id: str = "", client_order_id: str = "", subaccount: str = ""
    ) -> trading_pb2.GetOrderResponse:
        """How an order stands and what it traded.

        Refused as NOT_FOUND by client_order_id means: it was never accepted.
        """
        request = trading_pb2.GetOrderRequest(
            subaccount=subaccount, order_id=order_id, client_order_id=client_order_id
        )
        return self._connection.call(_ORDER, request)

    def open_orders(self, *, symbol: str = "", subaccount: str = "") -> list[types_pb2.Order]:
        """Open orders, oldest first."""
        request = trading_pb2.ListOpenOrdersRequest(subaccount=subaccount, symbol=symbol)
        return list(self._connection.call(_OPEN_ORDERS, request).orders)

    def orders(
        self,
        *,
        symbol: str = "",
        side: types_pb2.Side = types_pb2.SIDE_UNSPECIFIED,
        statuses: Iterable[types_pb2.OrderStatus] = (),
        from_ns: int = 0,
        to_ns: int = 0,
        subaccount: str = "",
        page_size: int = PAGE_SIZE_MAX,
        min_seq: int = 0,
    ) -> Generator[types_pb2.Order, None, None]:
        """Orders, newest first, read page by page.

        Args:
            statuses: only in these states; empty means all.
            from_ns: only accepted at this time or later.
            to_ns: only accepted before this time; 0 means now.
            page_size: orders a page, up to 500.
            min_seq: wait until the history has reached this sequence.
        """
        request = trading_pb2.ListOrdersRequest(
            subaccount=subaccount,
            symbol=symbol,
            side=side,
            statuses=statuses,
            from_ns=from_ns,
            to_ns=to_ns,
            page_size=page_size,
            min_seq=min_seq,
        )
        while True:
            page = self._connection.call(_ORDERS, request)
            yield from page.orders
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def fills(
        self,
        *,
        symbol: str = "",
        side: types_pb2.Side = types_pb2.SIDE_UNSPECIFIED,
        from_ns: int = 0,
        to_ns: int = 0,
        subaccount: str = "",
        page_size: int = PAGE_SIZE_MAX,
        min_seq: int = 0,
    ) -> Generator[types_pb2.Fill, None, None]:
        """Fills, newest first, read page by page. See orders."""
        request = trading_pb2.ListFillsRequest(
            subaccount=subaccount,
            symbol=symbol,
            side=side,
            from_ns=from_ns,
            to_ns=to_ns,
            page_size=page_size,
            min_seq=min_seq,
        )
        while True:
            page = self._connection.call(_FILLS, request)
            yield from page.fills
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def positions(self, *, subaccount: str = "") -> list[types_pb2.Position]:
        """Positions by symbol."""
        request = trading_pb2.ListPositionsRequest(subaccount=subaccount)
        return list(self._connection.call(_POSITIONS, request).positions)

    def watch_purse(
        self, *, subaccount: str = "", after_seq: int = 0
    ) -> Generator[trading_pb2.WatchPurseResponse, None, None]:
        """How a purse stands, then everything that happens to it, each once and in order.

        Over a broken connection it goes on with exactly what was missed; when that is too long
        ago, with a snapshot that says so.

        Args:
            after_seq: the last sequence that is known, of a message without ``more``: begin with
                what was missed since.
        """
        # A row that was told in part is told again from its first message.
        last, half_told, repeated = after_seq, 0, 0

        def next_request() -> trading_pb2.WatchPurseRequest:
            nonlocal repeated
            repeated = half_told
            return trading_pb2.WatchPurseRequest(subaccount=subaccount, after_seq=last)

        with closing(self._connection.stream(_WATCH_PURSE, next_request)) as responses:
            for response in responses:
                if repeated and response.WhichOneof("event") in ("fill", "order", "balances"):
                    repeated -= 1
                    continue
                repeated = 0
                yield response
                if response.more:
                    half_told += 1
                elif response.seq:
                    last, half_told = response.seq, 0
