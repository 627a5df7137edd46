"""Orders that are there already, and orders that are only thought of: change, replace, preview."""

from __future__ import annotations

from collections.abc import Callable

from xache.v1 import trading_pb2

from xached.actors.matching import Matching
from xached.api import convert, order_changes
from xached.api.errors import status_of
from xached.api.routes import Call, check_bounds, preview_bounds
from xached.domain.instrument import Directory
from xached.domain.messages import Command, Row
from xached.domain.order import account_of
from xached.domain.preview import PreviewQuery
from xached.domain.protection_messages import CancelAllAfter, DeadManSet, Flatten
from xached.domain.rejection import Rejection

NS_PER_MS = 1_000_000


class OrderControl:
    """Handlers of TradingService beside entry and reading, for every transport."""

    def __init__(self, matching: Matching, directory: Directory, now_ns: Callable[[], int]) -> None:
        self._matching = matching
        self._directory = directory
        self._now_ns = now_ns

    async def preview_order(
        self, call: Call, request: trading_pb2.PreviewOrderRequest
    ) -> trading_pb2.PreviewOrderResponse:
        """Tell what an order would do and cost, without placing it."""
        try:
            command = order_changes.preview_command(request, call.purse, self._directory)
            await preview_bounds(call, command)
        except Rejection as rejection:
            return _refused(0, rejection)
        preview = await self._matching.query(
            PreviewQuery(command, self._now_ns()), account=account_of(call.purse)
        )
        if preview.refusal is not None:
            return _refused(preview.seq, preview.refusal)
        assert preview.row is not None
        return trading_pb2.PreviewOrderResponse(
            seq=preview.seq,
            accepted=order_changes.preview_fields(preview.row, preview.purse, self._directory),
        )

    async def amend_order(
        self, call: Call, request: trading_pb2.AmendOrderRequest
    ) -> trading_pb2.AmendOrderResponse:
        """Lower the quantity of an open order."""
        command = order_changes.amend_command(request, call.purse, self._directory)
        row = await self._execute(call, command)
        return trading_pb2.AmendOrderResponse(**order_changes.amended_fields(row, self._directory))

    async def replace_order(
        self, call: Call, request: trading_pb2.ReplaceOrderRequest
    ) -> trading_pb2.ReplaceOrderResponse:
        """Cancel an open order and place one with other terms, in one step or not at all."""
        command = order_changes.replace_command(request, call.purse, self._directory)
        row = await self._execute(call, command)
        return trading_pb2.ReplaceOrderResponse(
            **order_changes.replaced_fields(row, self._directory)
        )

    async def place_order_list(
        self, call: Call, request: trading_pb2.PlaceOrderListRequest
    ) -> trading_pb2.PlaceOrderListResponse:
        """Place orders that depend on each other: all of them or none."""
        command = order_changes.list_command(request, call.purse, self._directory)
        row = await self._execute(call, command)
        return order_changes.list_response(row, self._directory)

    async def flatten(
        self, call: Call, request: trading_pb2.FlattenRequest
    ) -> trading_pb2.FlattenResponse:
        """Cancel all orders of a purse, then sell its position at market."""
        command = Flatten(
            purse=call.purse,
            symbol=convert.symbol_filter(request.symbol, self._directory),
            request_id=convert.optional_id(request.request_id),
        )
        row = await self._execute(call, command)
        return order_changes.flatten_response(row, self._directory)

    async def cancel_all_after(
        self, call: Call, request: trading_pb2.CancelAllAfterRequest
    ) -> trading_pb2.CancelAllAfterResponse:
        """Arm, renew or disarm the dead-man's switch of a purse."""
        command = CancelAllAfter(
            purse=call.purse,
            timeout_ns=request.timeout_ms * NS_PER_MS,
            scope=convert.cancel_scope(request.scope),
            request_id=convert.optional_id(request.request_id),
        )
        row = await self._execute(call, command)
        set_ = [event for event in row.events if isinstance(event, DeadManSet)]
        fires_at_ns = set_[0].fires_at_ns if set_ else None
        return trading_pb2.CancelAllAfterResponse(fires_at_ns=fires_at_ns or 0, seq=row.seq)

    async def _execute(self, call: Call, command: Command) -> Row:
        await check_bounds(call, command)
        return await self._matching.execute(
            command, account=account_of(call.purse), deadline=call.deadline_s
        )


def _refused(seq: int, rejection: Rejection) -> trading_pb2.PreviewOrderResponse:
    status = status_of(rejection)
    assert status is not None
    return trading_pb2.PreviewOrderResponse(seq=seq, refusal=convert.refusal(status))
