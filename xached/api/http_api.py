"""The calls that come in over HTTP: told apart, bounded, admitted and answered.

They reach the handlers through the same table of routes as gRPC, and so the same admission:
authorization, rates and audit. A call comes in one of two forms: gRPC-Web (a POST to the method's
path) or REST (a verb and a path that the proto declares). Whatever the form, no page of another
origin may call.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from importlib.metadata import version
from typing import Final, Protocol

import attrs
import grpc
import trio
from google.protobuf.message import Message

from xached.api.errors import Interceptor, StatusError, stopping
from xached.api.grpc_web import GrpcWebForm, deadline_of, form_of
from xached.api.http_call import (
    BodyError,
    CallLimits,
    DisconnectedError,
    HttpCall,
    HttpRequests,
    HttpResponses,
    Places,
    read_body,
)
from xached.api.http_listener import Receive, Send
from xached.api.http_message import (
    HttpRequest,
    HttpResponse,
    Pairs,
    problem,
    send_body,
    send_response,
    send_start,
)
from xached.api.openapi import describe
from xached.api.refresh_cookie import NAME, RefreshCookies
from xached.api.rest import JSON_TYPES, RestForm, read_message
from xached.api.routes import Route, Routes, Shutdown
from xached.api.transcoding import RestRoute, RestTable

FAREWELL_S: Final = 0.5
"""How long the last words of a stream may take when the house closes."""

LINGER_S: Final = 1.0
"""How long a request is read on after its answer."""


class Form(Protocol):
    """How answers are written."""

    def answer(self, message: Message, data: bytes, trailing: Pairs) -> HttpResponse:
        """The one response of a call; ``data``: the message in protobuf."""

    def refusal(self, error: StatusError, trailing: Pairs) -> HttpResponse:
        """Why there is no response."""

    def stream_head(self) -> HttpResponse:
        """The head of a stream that has begun."""

    def stream_piece(self, message: Message, data: bytes) -> bytes:
        """A message of a stream."""

    def stream_end(self, error: StatusError | None, trailing: Pairs) -> bytes:
        """The end of a stream that has begun."""


class HttpApi:
    """Serves calls over HTTP.

    Args:
        routes: handlers, and who may call them.
        interceptor: turns errors into statuses.
        now_ns: the wall clock.
        limits: what callers may take.
        cookie: the name that browsers keep refresh tokens under.

    Raises: RouteError where the rules for REST contradict each other.
    """

    def __init__(
        self,
        routes: Routes,
        interceptor: Interceptor,
        now_ns: Callable[[], int],
        limits: CallLimits | None = None,
        cookie: str = NAME,
    ) -> None:
        self.rest = RestTable(routes.routes)
        self._cookies = RefreshCookies(now_ns, cookie)
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

    def describe(self) -> bytes:
        """What REST offers, as an OpenAPI document."""
        document = describe(self.rest.routes, version("xached"))
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def claims(self, request: HttpRequest) -> bool:
        """Whether a request is a call, well made or not."""
        return (
            bool(self.rest.verbs(request.path))
            or form_of(request.content_type) is not None
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
        verbs = self.rest.verbs(request.path)
        if not request.same_origin:
            refusal = problem(HTTPStatus.FORBIDDEN, "pages of other origins may not call")
            await _answering(receive, send_response, request, refusal, send)
        elif verbs:
            found = verbs.get(request.method)
            if found is None:
                await _answering(receive, send_response, request, _other_verb(verbs), send)
            elif found.takes_body and request.content_type not in JSON_TYPES:
                refusal = problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "this takes application/json")
                await _answering(receive, send_response, request, refusal, send)
            else:
                exchange = _Exchange(request, RestForm(found), send)
                await self._serve(exchange, receive, functools.partial(self._read_rest, found))
        else:
            form = form_of(request.content_type)
            if request.method != "POST":
                await _answering(receive, send_response, request, _other_verb(("POST",)), send)
            elif form is None:
                refusal = problem(
                    HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "methods take application/grpc-web+proto"
                )
                await _answering(receive, send_response, request, refusal, send)
            else:
                exchange = _Exchange(request, form, send)
                route = self._routes.find(request.path)
                if route is None or not route.request_streaming:
                    await self._serve(exchange, receive, functools.partial(self._read_web, form))
                else:
                    await self._serve_requests(exchange, receive, form, route)

    # --- From requests to calls ---------------------------------------------------------------

    def _read_web(
        self, form: GrpcWebForm, request: HttpRequest, body: bytes
    ) -> tuple[HttpCall, bytes]:
        """A call over gRPC-Web and its message. Raises: StatusError."""
        route = self._routes.find(request.path)
        if route is None:
            raise StatusError(
                grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD", "there is no such method"
            )
        deadline_s = deadline_of(request.headers.get("grpc-timeout", ""))
        return HttpCall(route, request, deadline_s), form.read_message(body)

    def _read_rest(
        self, found: RestRoute, request: HttpRequest, body: bytes
    ) -> tuple[HttpCall, bytes]:
        """A call over REST and its message. Raises: StatusError."""
        signed_as = (f"{request.method} {request.target}", body)
        deadline_s = deadline_of(request.headers.get("grpc-timeout", ""))
        captured = self.rest.captured(found, request.path)
        message = read_message(found, captured, request, body, self._routes)
        data = message.SerializeToString(deterministic=True)
        return HttpCall(found.route, request, deadline_s, signed_as), data

    async def _serve(
        self,
        exchange: _Exchange,
        receive: Receive,
        read: Callable[[HttpRequest, bytes], tuple[HttpCall, bytes]],
    ) -> None:
        """Read a request and run what it calls."""
        request = exchange.request
        try:
            with self._places.take(request.address):
                if self._shutdown is not None:
                    raise stopping()
                body = await read_body(request, receive, self._limits)
                call, message = read(request, body)
                await self._run(call, message, exchange, receive)
        except StatusError as error:
            await _answering(receive, exchange.end, error, ())
        except BodyError as refused:
            response = problem(refused.status, refused.detail)
            await _answering(receive, send_response, request, response, exchange.send)
        except DisconnectedError:
            return

    async def _serve_requests(
        self, exchange: _Exchange, receive: Receive, form: GrpcWebForm, route: Route
    ) -> None:
        """Run a call whose body is messages one after the other, read as its handler wants them."""
        request = exchange.request
        try:
            if route.response_streaming or form.text:
                raise StatusError(
                    grpc.StatusCode.UNIMPLEMENTED,
                    "REQUEST_STREAM",
                    "browsers send several messages in binary, and get one answer: use gRPC",
                )
            with self._places.take(request.address):
                if self._shutdown is not None:
                    raise stopping()
                deadline_s = deadline_of(request.headers.get("grpc-timeout", ""))
                call = HttpCall(route, request, deadline_s)
                requests = HttpRequests(call, receive, self._limits)
                collect = functools.partial(self._collect, call, requests, exchange)
                error = await call.run(collect, self._interceptor)
                await requests.drain()
                await _answering(receive, exchange.end, error, call.trailing)
        except StatusError as error:
            await _answering(receive, exchange.end, error, ())

    # --- Calls ----------------------------------------------------------------------------------

    async def _run(
        self, call: HttpCall, body: bytes, exchange: _Exchange, receive: Receive
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

    async def _ask(self, call: HttpCall, body: bytes, exchange: _Exchange) -> None:
        body = self._cookies.bring_in(call.route, exchange.request, body)
        request = await self._routes.receive(call, call.route, body)
        response = await call.route.handler(call, request)
        exchange.cookie = self._cookies.take_out(call.route, request, response)
        exchange.answer = response, call.route.respond(call.caller, response)

    async def _collect(self, call: HttpCall, requests: HttpRequests, exchange: _Exchange) -> None:
        await self._routes.admit(call, call.route)
        with self._routes.stream(call):
            response = await call.route.handler(call, requests)
        exchange.answer = response, call.route.respond(call.caller, response)

    async def _stream(self, call: HttpCall, body: bytes, exchange: _Exchange) -> StatusError | None:
        """Run the handler of a stream. Returns why it failed."""
        route = call.route
        responses = HttpResponses(
            lambda message: exchange.form.stream_piece(message, route.serialize(message)),
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
                await self._last_words(call, route, responses)
                exchange.broken = responses.ended
                nursery.cancel_scope.cancel()
        finally:
            self._streams.discard(call)
        return error

    async def _last_words(self, call: HttpCall, route: Route, responses: HttpResponses) -> None:
        """Let what was sent reach the client, and tell it why the house ends its stream."""
        with trio.move_on_after(FAREWELL_S):
            if call.shutdown is not None and route.farewell is not None:
                await responses.send(route.farewell(call.shutdown))
            await responses.flush()


class _Exchange:
    """The answer to one request."""

    def __init__(self, request: HttpRequest, form: Form, send: Send) -> None:
        self.request = request
        self.form = form
        self.send = send
        self.answer: tuple[Message, bytes] | None = None
        self.cookie: str | None = None
        self.broken = False
        """Whether the client has stopped reading: it gets no end."""
        self._begun = False

    async def write(self, data: bytes) -> None:
        """Send a piece of a stream."""
        await self._begin()
        await send_body(self.send, data, more=True)

    async def end(self, error: StatusError | None, trailing: Pairs) -> None:
        """Send the answer, or why there is none, or the end of a stream."""
        if self.broken:
            return
        if error is not None and not self._begun:
            await self._complete(self.form.refusal(error, trailing))
        elif self.answer is not None:
            await self._complete(self.form.answer(*self.answer, trailing))
        else:
            await self._begin()
            await send_body(self.send, self.form.stream_end(error, trailing))

    async def _complete(self, response: HttpResponse) -> None:
        if self.cookie is not None:
            headers = (*response.headers, ("set-cookie", self.cookie))
            response = attrs.evolve(response, headers=headers)
        await send_response(self.request, response, self.send)

    async def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            await send_start(self.request, self.form.stream_head(), self.send)


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


def _other_verb(verbs: Iterable[str]) -> HttpResponse:
    allowed = ", ".join(sorted(verbs))
    return problem(
        HTTPStatus.METHOD_NOT_ALLOWED, "this is done with another verb", ("allow", allowed)
    )


def _slow_reader() -> StatusError:
    return StatusError(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_READER", "the client does not read"
    )
