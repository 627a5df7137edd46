"""TradingService: orders go in, and their fate comes out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import outcome
import trio
from xache.v1 import trading_pb2

from xached.actors.history import History
from xached.actors.matching import CommandOutcome, Matching
from xached.api import convert, order_changes
from xached.api.disconnect_guard import DisconnectGuard, Disconnects
from xached.api.errors import status_of
from xached.api.purse_stream import HEARTBEAT_S, PurseStream
from xached.api.routes import Call, Requests, Responses, check_bounds
from xached.domain.disconnect_messages import ArmDisconnect
from xached.domain.instrument import Directory
from xached.domain.messages import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    PlaceOrder,
    ReplaceOrder,
    Row,
)
from xached.domain.order import CancelScope, EndReason, Purse, account_of
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Overloaded
from xached.runtime.topic import Topic

BATCH_MAX = 200
IN_FLIGHT_MAX = 1_024
"""Entries of one stream without an answer; past it the stream is not read."""


class TradingHandlers:
    """Handlers of TradingService, for every transport."""

    def __init__(
        self,
        matching: Matching,
        directory: Directory,
        history: History,
        feed: Topic[Row],
        now_ns: Callable[[], int],
        disconnects: Disconnects,
    ) -> None:
        self._matching = matching
        self._disconnects = disconnects
        self._directory = directory
        self._history = history
        self._feed = feed
        self._now_ns = now_ns

    # --- entry ------------------------------------------------------------------------------

    async def place_order(
        self, call: Call, request: trading_pb2.PlaceOrderRequest
    ) -> trading_pb2.PlaceOrderResponse:
        """Place one order."""
        command = convert.place_command(request, call.purse, self._directory)
        if not request.want_time_line:
            row = await self._execute(call, command)
            return convert.place_response(row, self._directory)
        waited_ns = round((trio.current_time() - call.received_s) * 1e9)
        authorised_ns = self._now_ns()
        row = await self._execute(call, command)
        answer = convert.place_response(row, self._directory)
        commit = self._matching.commit_of(row.seq)
        # A repeated answer tells of what was done before this call came.
        if commit is not None and row.at_ns >= authorised_ns:
            answer.time_line.CopyFrom(
                trading_pb2.TimeLine(
                    received_ns=authorised_ns - waited_ns,
                    authorised_ns=authorised_ns,
                    decided_ns=row.at_ns,
                    durable_ns=max(commit.durable_ns, row.at_ns),
                    published_ns=max(commit.published_ns, row.at_ns),
                )
            )
        return answer

    async def place_orders(
        self, call: Call, request: trading_pb2.PlaceOrdersRequest
    ) -> trading_pb2.PlaceOrdersResponse:
        """Place many orders in one message; each has its own result."""
        if not 1 <= len(request.orders) <= BATCH_MAX:
            raise Rejection(
                Reason.AMOUNT_RANGE,
                "a batch has too many orders, or none",
                field="orders",
                given=str(len(request.orders)),
                allowed=f"1 to {BATCH_MAX}",
            )
        results: list[convert.Fields | None] = []
        commands: list[Command] = []
        for order in request.orders:
            try:
                command = self._read_place(order, call.purse, request.subaccount)
                await check_bounds(call, command)
                commands.append(command)
                results.append(None)
            except Rejection as rejection:
                results.append(self._refused(rejection))
        outcomes: deque[CommandOutcome] = deque()
        if commands:
            outcomes.extend(
                await self._matching.execute_batch(
                    tuple(commands), account=account_of(call.purse), deadline=call.deadline_s
                )
            )
        return trading_pb2.PlaceOrdersResponse(
            results=[
                result if result is not None else self._result(outcomes.popleft())
                for result in results
            ]
        )

    async def enter_orders(
        self,
        call: Call,
        requests: Requests[trading_pb2.EnterOrdersRequest],
        responses: Responses[trading_pb2.EnterOrdersResponse],
    ) -> None:
        """Enter orders and cancels over one stream; answers come in order."""
        window = _Window()
        guard = DisconnectGuard(self._matching, self._disconnects)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._take_entries, call, requests, window, guard)
                nursery.start_soon(self._show_life, window, responses)
                await self._answer_entries(window, responses)
                nursery.cancel_scope.cancel()
        finally:
            await guard.disconnect()

    async def _take_entries(
        self,
        call: Call,
        requests: Requests[trading_pb2.EnterOrdersRequest],
        window: _Window,
        guard: DisconnectGuard,
    ) -> None:
        """Post entries as they come."""
        subaccount: str | None = None
        while batch := await requests.receive_batch():
            if subaccount is None:
                subaccount = batch[0].subaccount
                call.resolve_purse(batch[0])
                if batch[0].cancel_on_disconnect:
                    scope = convert.cancel_scope(batch[0].cancel_on_disconnect)
                    armed = await guard.arm(call.purse, scope)
                    batch[0].ClearField("cancel_on_disconnect")
                    if batch[0].WhichOneof("entry") is None:
                        window.open(batch[0].tag).fill(outcome.Value(armed))
                        del batch[0]
            for entry in batch:
                await self._enter(call, entry, subaccount, window)
            await window.wait_room()
        window.finish()

    async def _show_life(
        self, window: _Window, responses: Responses[trading_pb2.EnterOrdersResponse]
    ) -> None:
        """Send a sign of life whenever there was nothing to answer for a while."""
        while True:
            await trio.sleep_until(window.told_at + HEARTBEAT_S)
            if trio.current_time() >= window.told_at + HEARTBEAT_S:
                window.told_at = trio.current_time()
                await responses.send(trading_pb2.EnterOrdersResponse(heartbeat=True))

    async def _enter(
        self,
        call: Call,
        entry: trading_pb2.EnterOrdersRequest,
        subaccount: str,
        window: _Window,
    ) -> None:
        """Post one entry; its answer, or its refusal, takes its place in the window."""
        place = window.open(entry.tag)
        try:
            command = self._read_entry(entry, call.purse, subaccount)
            await check_bounds(call, command)
            self._matching.post(
                command, place.fill, account=account_of(call.purse), deadline=call.deadline_s
            )
        except (Rejection, Overloaded) as error:
            place.fill(outcome.Error(error))

    async def _answer_entries(
        self, window: _Window, responses: Responses[trading_pb2.EnterOrdersResponse]
    ) -> None:
        """Send answers as they become complete from the front on."""
        while answered := await window.wait_answered():
            window.told_at = trio.current_time()
            await responses.send_many(
                [
                    trading_pb2.EnterOrdersResponse(tag=tag, result=self._result(result))
                    for tag, result in answered
                ]
            )

    async def cancel_order(
        self, call: Call, request: trading_pb2.CancelOrderRequest
    ) -> trading_pb2.CancelOrderResponse:
        """Cancel one order."""
        row = await self._execute(call, convert.cancel_command(request, call.purse))
        return convert.cancel_response(row, self._directory)

    async def cancel_all_orders(
        self, call: Call, request: trading_pb2.CancelAllOrdersRequest
    ) -> trading_pb2.CancelAllOrdersResponse:
        """Cancel every open order of a purse, or of one instrument of it."""
        command = CancelAll(
            scope=convert.cancel_scope(request.scope, CancelScope.ALL),
            purse=call.purse,
            symbol=convert.symbol_filter(request.symbol, self._directory),
            request_id=convert.optional_id(request.request_id),
            reason=EndReason.USER,
        )
        row = await self._execute(call, command)
        return convert.cancel_all_response(row)

    # --- following --------------------------------------------------------------------------

    async def watch_purse(
        self,
        call: Call,
        request: trading_pb2.WatchPurseRequest,
        responses: Responses[trading_pb2.WatchPurseResponse],
    ) -> None:
        """Stream what happens to a purse: how it stands or what was missed, and every change."""
        stream = PurseStream(
            call.purse,
            responses,
            matching=self._matching,
            history=self._history,
            directory=self._directory,
            feed=self._feed,
        )
        await stream.run(request.after_seq)

    # --- parts ------------------------------------------------------------------------------

    async def _execute(self, call: Call, command: Command) -> Row:
        await check_bounds(call, command)
        return await self._matching.execute(
            command, account=account_of(call.purse), deadline=call.deadline_s
        )

    def _read_place(
        self, request: trading_pb2.PlaceOrderRequest, purse: Purse, subaccount: str
    ) -> PlaceOrder:
        convert.check_same_purse(request.subaccount, subaccount)
        return convert.place_command(request, purse, self._directory)

    def _read_entry(
        self, entry: trading_pb2.EnterOrdersRequest, purse: Purse, subaccount: str
    ) -> Command:
        convert.check_same_purse(entry.subaccount, subaccount)
        if entry.cancel_on_disconnect:
            # Passed over in silence, its sender would believe that the orders are protected.
            raise Rejection(
                Reason.FIELD_FORBIDDEN,
                "a stream is armed by its first message",
                field="cancel_on_disconnect",
                given=str(entry.cancel_on_disconnect),
                allowed="nothing after the first message",
            )
        match entry.WhichOneof("entry"):
            case "place":
                return self._read_place(entry.place, purse, subaccount)
            case "cancel":
                convert.check_same_purse(entry.cancel.subaccount, subaccount)
                return convert.cancel_command(entry.cancel, purse)
            case "amend":
                convert.check_same_purse(entry.amend.subaccount, subaccount)
                return order_changes.amend_command(entry.amend, purse, self._directory)
            case "replace":
                convert.check_same_purse(entry.replace.subaccount, subaccount)
                return order_changes.replace_command(entry.replace, purse, self._directory)
            case _:
                raise Rejection(
                    Reason.FIELD_REQUIRED,
                    "an entry places, cancels, amends or replaces",
                    field="entry",
                    given="nothing",
                    allowed="place, cancel, amend or replace",
                )

    def _result(self, result: CommandOutcome) -> convert.Fields:
        """What became of one entry: fields of OrderResult."""
        if isinstance(result, outcome.Error):
            return self._refused(result.error)
        row = result.unwrap()
        if isinstance(row.command, CancelOrder):
            return {"canceled": convert.cancel_response(row, self._directory)}
        if isinstance(row.command, AmendOrder):
            return {"amended": order_changes.amended_fields(row, self._directory)}
        if isinstance(row.command, ArmDisconnect):
            return {"armed": {"scope": row.command.scope, "seq": row.seq}}
        if isinstance(row.command, ReplaceOrder):
            return {"replaced": order_changes.replaced_fields(row, self._directory)}
        return {"placed": convert.placed_fields(row, self._directory)}

    @staticmethod
    def _refused(error: BaseException) -> convert.Fields:
        status = status_of(error)
        if status is None:
            raise error  # A bug: it ends the call as an incident.
        return {"refusal": convert.refusal(status)}


class _Place:
    """One entry's place in the window; filled by the exchange, in any task."""

    __slots__ = ("_window", "result", "tag")

    def __init__(self, tag: int, window: _Window) -> None:
        self.tag = tag
        self.result: CommandOutcome | None = None
        self._window = window

    def fill(self, result: CommandOutcome) -> None:
        """Put the answer in. Neither blocks nor raises."""
        self.result = result
        self._window.filled()


class _Window:
    """The entries of a stream that were not answered yet, in order of arrival."""

    def __init__(self) -> None:
        self._places: deque[_Place] = deque()
        self._filled = trio.Event()
        self._room = trio.Event()
        self._finished = False
        self.told_at = trio.current_time()
        """When the client was last told something, on trio's clock."""

    def open(self, tag: int) -> _Place:
        """Keep the next place."""
        place = _Place(tag, self)
        self._places.append(place)
        return place

    def filled(self) -> None:
        """A place was filled: perhaps the front is complete."""
        if self._places and self._places[0].result is not None:
            self._filled.set()

    def finish(self) -> None:
        """No more entries will come."""
        self._finished = True
        self._filled.set()

    async def wait_room(self) -> None:
        """Wait while too many entries are not answered."""
        while len(self._places) >= IN_FLIGHT_MAX:
            self._room = trio.Event()
            await self._room.wait()

    async def wait_answered(self) -> list[tuple[int, CommandOutcome]]:
        """Wait for answers at the front and take them; [] when there will be no more."""
        while True:
            answered: list[tuple[int, CommandOutcome]] = []
            while self._places and (result := self._places[0].result) is not None:
                answered.append((self._places.popleft().tag, result))
            if answered:
                self._room.set()
                return answered
            if self._finished and not self._places:
                return []
            self._filled = trio.Event()
            await self._filled.wait()
