"""One gRPC call on grpcio's core, from its arrival until the core is done with it.

Theory of operation
-------------------
Everything here runs on the trio thread. The core is told what to do in *batches* of operations
and reports each batch once, as an event that the pump hands to the callback given with it::

    arrive -> receive (one request message) -> run -> end -> closed
           -> run (request stream) ----------------> end -> closed
           -> refuse --------------------------------------> closed

A planned stop takes no stream by surprise: a server stream is cancelled, the request stream of a
two-way one ends, so that what it took is still answered; then goes a last message that says why,
and the status.

``end`` sends the status; after it nothing can be sent, so what a handler sent before it failed is
handed over first. ``closed`` is the core's last word: it says whether the client left early, which
cancels the handler. A call is forgotten when it is closed and its handler's task has finished, in
whichever order.

Rules that the core does not enforce, each with a test:

* An operation belongs to one batch. Shared between two it is freed twice.
* A batch that carries initial metadata carries no buffer hint, or the stream stalls.
* On cancellation the core reports the end of the request stream *before* it reports the
  cancellation. Where a handler would answer for a request that broke off, sending the initial
  metadata settles it: the core refuses that on a cancelled call.
* The core's call object is dropped when the call is over: it holds on to its connection, and
  with earlier minor versions the core cannot finish its shutdown while one lives.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import grpc
import trio
from google.protobuf.message import Message

from xached.api.errors import Interceptor, StatusError, expired, stopping
from xached.api.grpc_core import NO_FLAGS, CoreEvent, cygrpc
from xached.api.grpc_streams import RequestStream, ResponseStream
from xached.api.metadata import check_pair, text_pairs
from xached.api.routes import Caller, Route, Routes, Shutdown
from xached.domain.order import Purse

DETAILS_KEY: Final = "grpc-status-details-bin"

FAREWELL_S: Final = 4.0
"""How long the last message of a stream may take: a client that does not read delays no stop."""


class Host(Protocol):
    """What a call needs from the server it came in at."""

    @property
    def routes(self) -> Routes:
        """Handlers, and who may call them."""

    @property
    def interceptor(self) -> Interceptor:
        """Turns errors into statuses."""

    @property
    def request_timeout_s(self) -> float:
        """How long the request message of a call may take."""

    @property
    def write_timeout_s(self) -> float:
        """How long a message may wait for a client that does not read."""

    def start_soon(self, run: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Run a handler as a task."""

    def forget(self, call: GrpcCall) -> None:
        """The call is over."""


class GrpcCall:
    """A call. Handlers see it as :class:`xached.api.routes.Call`."""

    __slots__ = (
        "_caller",
        "_closed",
        "_core",
        "_ended",
        "_host",
        "_metadata",
        "_pairs",
        "_peer",
        "_purse",
        "_requests",
        "_responses",
        "_revoked",
        "_route",
        "_running",
        "_scope",
        "_shutdown",
        "_trailing",
        "deadline_s",
        "headers_sent",
        "method",
        "overdue_at_s",
        "place_of",
        "received_s",
    )

    def __init__(
        self, host: Host, event: CoreEvent, method: str, route: Route | None, deadline_s: float
    ) -> None:
        self.method = method
        self.deadline_s = deadline_s
        self.received_s = trio.current_time()
        self.place_of: str | None = None
        """Which address the place is charged to that it takes; the server's own note."""
        self.headers_sent = False
        self.overdue_at_s = math.inf
        """When to stop waiting for the client, on trio's clock."""
        self._host = host
        self._route = route
        self._core = event.call
        self._pairs = event.invocation_metadata
        self._metadata: Mapping[str, str] | None = None
        self._peer: str | None = None
        self._caller: Caller | None = None
        self._purse: Purse | None = None
        self._requests: RequestStream | None = None
        self._responses: ResponseStream | None = None
        self._shutdown: Shutdown | None = None
        self._trailing: tuple[tuple[str, str | bytes], ...] = ()
        self._scope = trio.CancelScope(deadline=deadline_s)
        self._revoked: StatusError | None = None
        self._running = False
        self._ended = False
        self._closed = False
        self.start((cygrpc.ReceiveCloseOnServerOperation(NO_FLAGS),), self._on_closed)

    # --- What handlers see (routes.Call) ----------------------------------------------------

    @property
    def metadata(self) -> Mapping[str, str]:
        """See routes.Call."""
        if self._metadata is None:
            self._metadata = text_pairs(self._pairs)
        return self._metadata

    @property
    def signed_as(self) -> tuple[str, bytes] | None:
        """See routes.Call."""
        return None

    @property
    def peer(self) -> str:
        """See routes.Call. Empty when first asked for after the call has ended."""
        if self._peer is None:
            self._peer = "" if self._core is None else self._core.peer().decode(errors="replace")
        return self._peer

    def authentication(self) -> dict[str, list[bytes]]:
        """What TLS has proved of the client, by the names of grpc_security_constants.h."""
        if self._core is None:
            return {}
        found: dict[bytes, list[bytes]] = cygrpc.auth_context(self._core)
        return {key.decode(): list(values) for key, values in found.items()}

    @property
    def caller(self) -> Caller | None:
        """See routes.Call."""
        return self._caller

    @property
    def purse(self) -> Purse:
        """See routes.Call."""
        assert self._purse is not None, self.method
        return self._purse

    def admitted(self, caller: Caller) -> None:
        """See routes.Call."""
        self._caller = caller

    def resolve_purse(self, request: Message) -> Purse:
        """See routes.Call."""
        assert self._route is not None
        self._purse = self._route.purse_of(self._caller, request)
        return self._purse

    def execute_by(self, at_s: float) -> None:
        """See routes.Call."""
        self.deadline_s = min(self.deadline_s, at_s)

    def set_trailing(self, key: str, value: str) -> None:
        """See routes.Call."""
        check_pair(key, value)
        self._trailing += ((key, value),)

    def revoke(self, error: StatusError) -> None:
        """See routes.Call."""
        if self._ended or self._revoked is not None:
            return
        if self._running:
            self._revoked = error
            self._scope.cancel()
        else:
            self.refuse(error)

    # --- What the server does with it -------------------------------------------------------

    def begin(self) -> None:
        """Receive the request message and then run the handler; of a stream, at once."""
        assert self._route is not None
        if self._route.request_streaming:
            self._running = True
            self._host.start_soon(self._run, self._serve_stream)
        else:
            self.overdue_at_s = self.received_s + self._host.request_timeout_s
            self.start((cygrpc.ReceiveMessageOperation(NO_FLAGS),), self._on_request)

    def refuse(self, error: StatusError) -> None:
        """End with an error. Without effect on a call that has ended."""
        details = error.to_proto().SerializeToString()
        self._trailing += ((DETAILS_KEY, details),)
        self._end(error.code_number, error.message)

    def overdue(self) -> None:
        """The client took too long to send its request or to read what it asked for."""
        self.overdue_at_s = math.inf
        if self._ended:
            # The answer waits for a client that leaves no window for it.
            self.reset()
        elif self._running:
            # Told behind what is on its way; a client that does not read that either is reset.
            self.revoke(
                StatusError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER", "the client does not read"
                )
            )
        else:
            self.refuse(_request_timeout())

    def shut(self, shutdown: Shutdown) -> None:
        """The server stops: end a stream soon, with notice. Other calls may go on."""
        route = self._route
        if route is None or not route.response_streaming or self._ended:
            return
        self._shutdown = shutdown
        if self._requests is not None:
            self._requests.end()
        elif route.farewell is not None or not self._running:
            self.revoke(stopping())

    def reset(self) -> None:
        """Break the call off without a status."""
        if self._core is not None and not self._closed:
            self._core.cancel()

    # --- What the streams of the call need ---------------------------------------------------

    @property
    def over(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._ended

    @property
    def buffered_bytes(self) -> int:
        """What waits for the client to read."""
        return 0 if self._responses is None else self._responses.buffered_bytes

    def start(self, operations: tuple[Any, ...], done: Callable[[CoreEvent], None]) -> None:
        """Start a batch. ``done`` gets its event, also when the call has broken off."""
        error = self._core.start_server_batch(operations, done)
        # Batches are made here, from checked parts: the core refuses none that is well formed.
        assert error == 0, (self.method, error, operations)

    def writing(self) -> None:
        """A message is on its way to the client."""
        self.overdue_at_s = trio.current_time() + self._host.write_timeout_s

    def written(self) -> None:
        """The client has taken all messages so far."""
        self.overdue_at_s = math.inf

    # --- Events of the core -------------------------------------------------------------------

    def _on_request(self, event: CoreEvent) -> None:
        self.overdue_at_s = math.inf
        if self._ended:
            return
        data = event.batch_operations[0].message()
        if data is None:
            # Either the client sent no message, or it has left and this goes nowhere.
            self.refuse(
                StatusError(grpc.StatusCode.UNIMPLEMENTED, "NO_MESSAGE", "one request is needed")
            )
            return
        self._running = True
        self._host.start_soon(self._run, self._serve_message, data)

    def _on_closed(self, event: CoreEvent) -> None:
        self._closed = True
        if event.batch_operations[0].cancelled():
            self._ended = True
            self._scope.cancel()
        self._release()

    def _on_ended(self, event: CoreEvent) -> None:
        """The status is out or cannot be sent; the core's close event follows either way."""

    def _release(self) -> None:
        if self._closed and not self._running:
            self._core = None
            self._host.forget(self)

    # --- The handler's task -------------------------------------------------------------------

    async def _run(self, serve: Callable[..., Awaitable[None]], *arguments: object) -> None:
        error: StatusError | None = None
        try:
            with self._scope:
                try:
                    await serve(*arguments)
                except* Exception as errors:
                    error = self._host.interceptor.status(self.method, errors)
                if error is not None and self._responses is not None:
                    # The status drops what has not been handed to the core yet.
                    await self._responses.flush()
            if error is None and self._scope.cancelled_caught:
                error = self._why_cancelled()
            if self._shutdown is not None:
                await self._say_farewell(self._shutdown)
            if error is not None:
                self.refuse(error)
            else:
                assert self._ended
        finally:
            if not self._ended:
                # Cancelled from outside: the server itself goes down.
                self.refuse(stopping())
            self._running = False
            self._release()

    async def _serve_message(self, data: bytes) -> None:
        """Serve a call whose request is one message."""
        route = self._route
        assert route is not None
        request = await self._host.routes.receive(self, route, data)
        if not route.response_streaming:
            self._answer(route.respond(self._caller, await route.handler(self, request)))
            return
        responses = self._responses = ResponseStream(self, route.serialize)
        with self._host.routes.stream(self):
            await route.handler(self, request, responses)
            await responses.flush()
        self._end(0, "")

    async def _serve_stream(self) -> None:
        """Serve a call whose request is a stream."""
        route = self._route
        assert route is not None
        requests = self._requests = RequestStream(
            self, route.parse, prove_end=not route.response_streaming
        )
        body = await self._proved_for(requests) if route.authorization.step_up else b""
        await self._host.routes.admit(self, route, body)
        with self._host.routes.stream(self):
            if not route.response_streaming:
                self._answer(route.respond(self._caller, await route.handler(self, requests)))
                return
            responses = self._responses = ResponseStream(self, route.serialize)
            await route.handler(self, requests, responses)
            if self._shutdown is not None:
                raise stopping()  # It was not the client that ended the requests.
            await responses.flush()
        self._end(0, "")

    async def _proved_for(self, requests: RequestStream) -> bytes:
        """What the fresh proof of a stream covers: until it has come nobody is let in."""
        with trio.move_on_after(self._host.request_timeout_s):
            return await requests.wait_first()
        raise _request_timeout()

    async def _say_farewell(self, shutdown: Shutdown) -> None:
        """Tell the reader of a stream why it ends."""
        responses = self._responses
        assert self._route is not None
        if self._ended or responses is None or self._route.farewell is None:
            return
        with trio.move_on_after(FAREWELL_S) as patience:
            await responses.send(self._route.farewell(shutdown))
            await responses.flush()
        if patience.cancelled_caught:
            self.reset()

    def _why_cancelled(self) -> StatusError:
        if self._revoked is not None:
            return self._revoked
        if self.deadline_s <= trio.current_time():
            return expired()
        # Nobody reads this: the client has left.
        return StatusError(grpc.StatusCode.CANCELLED, "CANCELLED", "the client has left")

    # --- Ending -------------------------------------------------------------------------------

    def _answer(self, data: bytes) -> None:
        """Send the one response and the status in one batch."""
        self._finish((cygrpc.SendMessageOperation(data, NO_FLAGS),), 0, "")

    def _end(self, code_number: int, message: str) -> None:
        self._finish((), code_number, message)

    def _finish(self, first: tuple[Any, ...], code_number: int, message: str) -> None:
        if self._ended:
            return
        self._ended = True
        if self._responses is not None:
            self._responses.discard()
        self.overdue_at_s = trio.current_time() + self._host.write_timeout_s
        status = cygrpc.SendStatusFromServerOperation(
            self._trailing, code_number, message.encode(), NO_FLAGS
        )
        operations = (*first, status)
        if not self.headers_sent:
            self.headers_sent = True
            operations = (cygrpc.SendInitialMetadataOperation((), NO_FLAGS), *operations)
        self.start(operations, self._on_ended)


def _request_timeout() -> StatusError:
    return StatusError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "REQUEST_TIMEOUT",
        "the request message did not arrive in time",
    )
