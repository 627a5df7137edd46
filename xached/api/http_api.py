"""The calls that come in over HTTP: told apart, bounded, admitted and answered.

They reach the handlers through the same table of routes as gRPC, and so the same admission:
authorization, rates and audit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

import grpc
import trio

from xached.api.errors import Interceptor, StatusError, stopping
from xached.api.grpc_web import Dialect, deadline_of, dialect_of
from xached.api.http_call import (
    BodyError,
    CallLimits,
    DisconnectedError,
    HttpCall,
    HttpResponses,
    Places,
    read_body,
)
from xached.api.http_listener import Receive, Send
from xached.api.http_message import (
    NOT_STORED,
    HttpRequest,
    HttpResponse,
    problem,
    send_body,
    send_response,
    send_start,
)
from xached.api.refresh_cookie import RefreshCookies
from xached.api.routes import Route, Routes, Shutdown

FAREWELL_S: Final = 0.5
"""How long the last words of a stream may take when the house closes."""

LINGER_S: Final = 1.0
"""How long a request is read on after its answer."""


class HttpApi:
    """Serves calls over HTTP.

    Args:
        routes: handlers, and who may call them.
        interceptor: turns errors into statuses.
        now_ns: the wall clock.
        limits: what callers may take.
    """

    def __init__(
        self,
        routes: Routes,
        interceptor: Interceptor,
        now_ns: Callable[[], int],
        limits: CallLimits | None = None,
    ) -> None:
        self._cookies = RefreshCookies(now_ns)
        self._routes = routes
        self._interceptor = interceptor
        self._limits = limits or CallLimits()
        self._places = Places(self._limits)
        self._streams: set[HttpCall] = set()
        self._shutdown: Shutdown | None = None

    @property
    def calls(self) -> int:
        """How many calls are open."""
        return self._places.taken

    def claims(self, request: HttpRequest) -> bool:
        """Whether a request is a call, well made or not."""
        return (
            dialect_of(request.content_type) is not None
            or self._routes.find(request.path) is not None
        )

    def close(self, shutdown: Shutdown) -> None:
        """Take no new calls; tell streams the reason and end them. Others may go on."""
        self._shutdown = shutdown
        for call in tuple(self._streams):
            call.shutdown = shutdown
            call.revoke(stopping())

    async def serve(self, request: HttpRequest, receive: Receive, send: Send) -> None:
        """Answer a request that :meth:`claims` knows."""
        dialect = dialect_of(request.content_type)
        refusal = _refusal(request, dialect)
        if refusal is not None or dialect is None:
            assert refusal is not None
            await _answering(receive, send_response, request, refusal, send)
            return
        await self._serve_grpc_web(request, dialect, receive, send)

    # --- gRPC-Web -----------------------------------------------------------------------------

    async def _serve_grpc_web(
        self, request: HttpRequest, dialect: Dialect, receive: Receive, send: Send
    ) -> None:
        exchange = _GrpcWebExchange(request, dialect, send)
        try:
            with self._places.take(request.address):
                body = await read_body(request, receive, self._limits)
                call = HttpCall(
                    self._find(request.path),
                    request,
                    deadline_of(request.headers.get("grpc-timeout", "")),
                )
                message = dialect.read_message(body)
                await self._run(call, message, exchange, receive)
        except StatusError as error:
            await _answering(receive, exchange.end, error, ())
        except BodyError as refused:
            response = problem(refused.status, refused.detail)
            await _answering(receive, send_response, request, response, send)
        except DisconnectedError:
            return

    def _find(self, path: str) -> Route:
        """The route of a path. Raises: StatusError where there is none for browsers."""
        if self._shutdown is not None:
            raise stopping()
        route = self._routes.find(path)
        if route is None:
            raise StatusError(
                grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD", "there is no such method"
            )
        if route.request_streaming:
            raise StatusError(
                grpc.StatusCode.UNIMPLEMENTED,
                "REQUEST_STREAM",
                "browsers cannot send a stream of requests: use gRPC",
            )
        return route

    async def _run(
        self, call: HttpCall, body: bytes, exchange: _GrpcWebExchange, receive: Receive
    ) -> None:
        """Run the handler of a call and answer."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(call.watch, receive)
            if call.route.response_streaming:
                error = await self._stream(call, body, exchange)
            else:
                error = await call.run(lambda: self._ask(call, body, exchange), self._interceptor)
            if error is not None:
                exchange.cookie = self._cookies.after(call.route, exchange.request, error)
            await exchange.end(error, call.trailing)
            # The server says "disconnect" when a response is complete.
            nursery.cancel_scope.deadline = trio.current_time() + LINGER_S

    async def _ask(self, call: HttpCall, body: bytes, exchange: _GrpcWebExchange) -> None:
        body = self._cookies.bring_in(call.route, exchange.request, body)
        request = await self._routes.receive(call, call.route, body)
        response = await call.route.handler(call, request)
        exchange.cookie = self._cookies.take_out(call.route, request, response)
        exchange.answer = call.route.respond(call.caller, response)

    async def _stream(
        self, call: HttpCall, body: bytes, exchange: _GrpcWebExchange
    ) -> StatusError | None:
        """Run the handler of a stream. Returns why it failed."""
        route = call.route
        responses = HttpResponses(
            lambda message: exchange.encode(route.serialize(message)),
            exchange.write,
            lambda: call.revoke(_slow_reader()),
            self._limits.write_timeout_s,
        )

        async def serve() -> None:
            request = await self._routes.receive(call, route, body)
            with self._routes.stream(call):
                await route.handler(call, request, responses)
                await responses.flush()

        self._streams.add(call)
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(responses.run)
                error = await call.run(serve, self._interceptor)
                await self._last_words(call, responses)
                exchange.broken = responses.ended
                nursery.cancel_scope.cancel()
        finally:
            self._streams.discard(call)
        return error

    async def _last_words(self, call: HttpCall, responses: HttpResponses) -> None:
        """Let what was sent reach the client, and tell it why the house ends its stream."""
        with trio.move_on_after(FAREWELL_S):
            if call.shutdown is not None and call.route.farewell is not None:
                await responses.send(call.route.farewell(call.shutdown))
            await responses.flush()


class _GrpcWebExchange:
    """The answer to one call over gRPC-Web."""

    def __init__(self, request: HttpRequest, dialect: Dialect, send: Send) -> None:
        self.answer: bytes | None = None
        self.cookie: str | None = None
        self.request = request
        self.broken = False
        """Whether the client has stopped reading: it gets no end."""
        self._dialect = dialect
        self._send = send
        self._begun = False

    def encode(self, message: bytes) -> bytes:
        """A message on the wire."""
        return self._dialect.write_message(message)

    async def write(self, data: bytes) -> None:
        """Send a piece of a stream."""
        await self._begin()
        await send_body(self._send, data, more=True)

    async def end(self, error: StatusError | None, trailing: tuple[tuple[str, str], ...]) -> None:
        """Send the answer, if there is one, and the status."""
        if self.broken:
            return
        last = self._dialect.write_status(error, trailing)
        if error is None and self.answer is not None:
            last = self._dialect.write_message(self.answer) + last
        await self._begin()
        await send_body(self._send, last)

    async def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        headers: tuple[tuple[str, str], ...] = (
            ("content-type", self._dialect.content_type),
            NOT_STORED,
        )
        if self.cookie is not None:
            headers += (("set-cookie", self.cookie),)
        head = HttpResponse(HTTPStatus.OK, b"", headers, streamed=True)
        await send_start(self.request, head, self._send)


def _refusal(request: HttpRequest, dialect: Dialect | None) -> HttpResponse | None:
    """Why a request is no call, before its body is read."""
    if request.method != "POST":
        return problem(
            HTTPStatus.METHOD_NOT_ALLOWED, "methods are called by POST", ("allow", "POST")
        )
    if dialect is None:
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "methods take application/grpc-web+proto")
    if not request.same_origin:
        return problem(HTTPStatus.FORBIDDEN, "pages of other origins may not call")
    return None


async def _answering(
    receive: Receive, answer: Callable[..., Awaitable[None]], *arguments: object
) -> None:
    """Answer before the body has been read; it is thrown away."""

    async def drain() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    async with trio.open_nursery() as nursery:
        nursery.start_soon(drain)
        await answer(*arguments)
        nursery.cancel_scope.deadline = trio.current_time() + LINGER_S


def _slow_reader() -> StatusError:
    return StatusError(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER", "the client does not read"
    )
