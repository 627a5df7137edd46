"""The HTTP edge: calls, and beside them probes, the web client and its files, which only read.

| path | what |
|---|---|
| /livez | 200 while the loop runs |
| /readyz | 200 or 503, with the reasons |
| /, /trade, … | the web client and its files (bundle.py) |
| /demo/trader | lets the reader of a demo in (guest.py) |
| /api/live | one JSON document of what a market shows |
| /docs | a page about the REST interface |
| /api/openapi.json | its description |
| /api/live/events | the same as server-sent events: a snapshot, then what changed |

Whoever can reach the port can read. What is refused is a request under a foreign name (a page
elsewhere whose name was pointed at this address, DNS rebinding), and data for a page of another
origin.
"""

from __future__ import annotations

import json
import ssl
from collections import Counter
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qs

import attrs
import trio

from xached.actors.market.data import MarketData
from xached.api import guest
from xached.api.bundle import DOCUMENT, for_guests, make_file, path_of, shipped_bundle
from xached.api.errors import RESTART_S
from xached.api.guest import Guest
from xached.api.http_api import HttpApi
from xached.api.http_listener import (
    GRACE_S,
    HttpListener,
    Receive,
    Scope,
    Send,
    open_listeners,
)
from xached.api.http_message import (
    NOT_STORED,
    HttpRequest,
    HttpResponse,
    busy,
    json_response,
    problem,
    read_request,
    refuse_head,
    send_body,
    send_response,
    send_start,
)
from xached.api.live import FRAME_PERIOD_S, INTERVALS, Board, encode_frame
from xached.api.routes import Shutdown
from xached.domain.instrument import Directory, Symbol

HEARTBEAT_S: Final = 5.0
"""A silent stream shows that it lives; the page calls itself stale after two of these."""

INTERVAL_DEFAULT: Final = "1m"


@attrs.frozen
class Readiness:
    """Whether the house can serve, and if not, why."""

    ready: bool
    reasons: tuple[str, ...]


@attrs.frozen(kw_only=True)
class WebLimits:
    """What readers of the stream of events may take."""

    streams_max: int = 256
    streams_per_address_max: int = 32
    """Several people may share an address; browsers open six connections to a host."""
    send_timeout_s: float = 10.0
    """How long a piece of a stream may wait for a client that does not read."""


class WebApp:
    """The application, as ASGI defines one."""

    def __init__(
        self,
        market: MarketData,
        directory: Directory,
        readiness: Callable[[], Readiness],
        now_ns: Callable[[], int],
        *,
        hosts: Collection[str] = (),
        limits: WebLimits | None = None,
        api: HttpApi | None = None,
        visitor: Guest | None = None,
    ) -> None:
        """``hosts``: names, without a port, that the house is also reached under.

        ``api``: serves the calls; None where there are only files.

        ``visitor``: whom the page lets in; None but in a demo.
        """
        self._api = api
        self._board = Board(market, directory, now_ns)
        self._readiness = readiness
        self._limits = limits or WebLimits()
        self._hosts = {"localhost", "127.0.0.1", "[::1]", *map(str.lower, hosts)}
        self._guest = visitor
        self._files = dict(shipped_bundle())
        self._guests_document = for_guests(self._files[DOCUMENT])
        self._data_paths = _DATA_PATHS | ({_OPENAPI} if api is not None else set())
        self._streams: Counter[str] = Counter()
        self._closing = trio.Event()

    def answer_to(self, host: str) -> None:
        """Accept requests under one more name or address."""
        self._hosts.add(f"[{host}]" if ":" in host else host.lower())

    def close(self) -> None:
        """End all streams, and take no new calls."""
        self._closing.set()
        if self._api is not None:
            self._api.close(
                Shutdown(reason="the house is closing", grace_s=GRACE_S, retry_after_s=RESTART_S)
            )

    @property
    def streams(self) -> int:
        """How many streams of events are open."""
        return self._streams.total()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        assert scope["type"] == "http", scope["type"]
        request, unread = read_request(scope), refuse_head(scope)
        if unread is not None:
            await send_response(request, unread, send)
            return
        if self._api is not None and request.host_name in self._hosts and self._api.claims(request):
            await self._api.serve(request, receive, send)
            return
        reading = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_wait_disconnect, receive, reading)
            await self._answer(request, send, reading)
            # The server says "disconnect" when a response is complete.
            nursery.cancel_scope.deadline = trio.current_time() + _LINGER_S

    async def _answer(self, request: HttpRequest, send: Send, reading: trio.CancelScope) -> None:
        refusal = self._refusal(request)
        if refusal is None and self._guest is not None and request.path == guest.PATH:
            await send_response(request, guest.let_in(self._guest, request), send)
            return
        if refusal is None and request.path == "/api/live/events":
            await self._serve_events(request, send, reading)
            return
        response = self._respond(request) if refusal is None else refusal
        await send_response(request, response, send)

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        """Why a request is not served, whatever it asks for."""
        if request.host_name not in self._hosts:
            return problem(HTTPStatus.MISDIRECTED_REQUEST, "this house has another name")
        if self._guest is not None and request.path == guest.PATH:
            return None
        if path_of(request.path) not in self._files and request.path not in self._data_paths:
            return problem(HTTPStatus.NOT_FOUND, "there is nothing under this path")
        if request.method not in ("GET", "HEAD"):
            return problem(
                HTTPStatus.METHOD_NOT_ALLOWED, "this can only be read", ("allow", "GET, HEAD")
            )
        if request.path.startswith("/api/") and not request.same_origin:
            return problem(HTTPStatus.FORBIDDEN, "pages of other origins get no data")
        return None

    def _respond(self, request: HttpRequest) -> HttpResponse:
        path = path_of(request.path)
        if path == DOCUMENT and self._guest is not None and guest.is_at_this_machine(request):
            return self._guests_document.answer(request.headers)
        file = self._files.get(path)
        if file is None and request.path == _OPENAPI and self._api is not None:
            file = self._files[_OPENAPI] = make_file(self._api.describe(), "application/json")
        if file is not None:
            return file.answer(request.headers)
        if request.path == "/livez":
            return HttpResponse(HTTPStatus.OK, b"ok\n", (("content-type", _TEXT), NOT_STORED))
        if request.path == "/readyz":
            readiness = self._readiness()
            return json_response(
                HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE,
                json.dumps({"ready": readiness.ready, "reasons": readiness.reasons}).encode(),
            )
        found = self._find_market(request)
        if isinstance(found, HttpResponse):
            return found
        return json_response(HTTPStatus.OK, encode_frame(self._board.frame(*found)))

    def _find_market(self, request: HttpRequest) -> tuple[Symbol, str] | HttpResponse:
        """The market and interval that are asked for, or why there are none."""
        try:
            query = parse_qs(request.query, max_num_fields=_QUERY_FIELDS_MAX)
        except ValueError:
            return problem(HTTPStatus.BAD_REQUEST, "the query has too many fields")
        interval = query.get("interval", [INTERVAL_DEFAULT])[0]
        if interval not in INTERVALS:
            allowed = ", ".join(INTERVALS)
            return problem(HTTPStatus.BAD_REQUEST, f"the interval is one of {allowed}")
        symbols = self._board.symbols()
        if not symbols:
            return busy("no market is listed yet")
        symbol = Symbol(query.get("symbol", [symbols[0]])[0])
        if symbol not in symbols:
            return problem(HTTPStatus.NOT_FOUND, "there is no such market")
        return symbol, interval

    # --- Server-sent events ------------------------------------------------------------------

    async def _serve_events(
        self, request: HttpRequest, send: Send, reading: trio.CancelScope
    ) -> None:
        found = self._find_market(request)
        address = request.address
        if not isinstance(found, HttpResponse) and (
            self._closing.is_set()
            or self._streams.total() >= self._limits.streams_max
            or self._streams[address] >= self._limits.streams_per_address_max
        ):
            found = busy("too many streams are open")
        if isinstance(found, HttpResponse):
            await send_response(request, found, send)
            return
        self._streams[address] += 1
        try:
            await send_start(request, _EVENTS, send)
            finished = request.method == "HEAD"
            if not finished:
                with reading:
                    finished = await self._stream(*found, send)
            # Not in the scope: the server says "disconnect" in the middle of this, and must come
            # to the end of it.
            if finished:
                await send_body(send, b"")
        finally:
            self._streams[address] -= 1
            if not self._streams[address]:
                del self._streams[address]

    async def _stream(self, symbol: Symbol, interval: str, send: Send) -> bool:
        """Tell the state, then what changes, until the house closes; False when nobody reads.

        A stream that was lost begins with the state again: nothing needs to be repeated. The last
        event says that the house closes.
        """
        told = self._board.frame(symbol, interval)
        event: bytes | None = _event("snapshot", told.number, encode_frame(told))
        told_at = trio.current_time()
        while not self._closing.is_set():
            if event is not None:
                if not await self._send_event(send, event):
                    return False
                told_at = trio.current_time()
            with trio.move_on_after(FRAME_PERIOD_S):
                await self._closing.wait()
            newest = self._board.frame(symbol, interval)
            changes = None if newest is told else self._board.difference(told, newest)
            told = newest
            if changes is not None:
                event = _event("update", newest.number, changes)
            elif trio.current_time() - told_at >= HEARTBEAT_S:
                # A comment would do for proxies, but pages are not told of comments.
                event = _event("heartbeat", newest.number, b"{}")
            else:
                event = None
        return await self._send_event(send, _event("shutdown", told.number, b"{}"))

    async def _send_event(self, send: Send, event: bytes) -> bool:
        with trio.move_on_after(self._limits.send_timeout_s) as patience:
            await send_body(send, event, more=True)
        return not patience.cancelled_caught


async def serve_http(
    app: WebApp,
    listen: str,
    stop: trio.Event,
    *,
    tls: Callable[[], ssl.SSLContext] | None = None,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on HOST:PORT until ``stop``; reports its port, port 0 picks a free one.

    ``tls``: what a connection that begins shows; None: they are in clear.

    Returns within two seconds of ``stop``, whatever clients do. Raises: OSError, ValueError.
    """
    listeners, host, port = await open_listeners(listen)
    app.answer_to(host)
    task_status.started(port)
    await HttpListener(app, tls=tls).serve(listeners, stop, app.close)


# --- Requests and responses. -----------------------------------------------------------------

_DATA_PATHS: Final = frozenset({"/livez", "/readyz", "/api/live", "/api/live/events"})
_OPENAPI: Final = "/api/openapi.json"
_QUERY_FIELDS_MAX: Final = 8
_LINGER_S: Final = 1.0

_TEXT: Final = "text/plain; charset=utf-8"
_EVENTS: Final = HttpResponse(
    HTTPStatus.OK, b"", (("content-type", "text/event-stream"), NOT_STORED), streamed=True
)


async def _wait_disconnect(receive: Receive, reading: trio.CancelScope) -> None:
    """Throw away what a request brings along, until its client is gone or has its answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
    reading.cancel()


def _event(name: str, number: int, data: bytes) -> bytes:
    return b"event: %b\nid: %d\ndata: %b\n\n" % (name.encode(), number, data)
