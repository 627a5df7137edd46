"""Strategies of one's own, and why they did what they did."""

from __future__ import annotations

from xache.connection import Connection
from xache.rpc import rpc
from xache.v1 import strategy_pb2

_EXPLAIN = rpc(strategy_pb2.ExplainOrderRequest, strategy_pb2.ExplainOrderResponse, repeatable=True)


class Strategies:
    """Strategies of all purses of the account."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def explain(
        self, *, order_id: str = "", client_order_id: str = "", subaccount: str = ""
    ) -> strategy_pb2.ExplainOrderResponse:
        """Why an order was placed, by whom, and what became of it."""
        request = strategy_pb2.ExplainOrderRequest(
            subaccount=subaccount, order_id=order_id, client_order_id=client_order_id
        )
        return self._connection.call(_EXPLAIN, request)
