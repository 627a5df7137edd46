"""The plain HTTP edge: probes, the live page and its data. It reads and never trades.

| path | what |
|---|---|
| /livez | 200 while the loop runs |
| /readyz | 200 or 503, with the reasons |
| /, /page/* | the page and its files |
| /api/live | one JSON document of what the page shows |
| /api/live/events | the same as server-sent events: a snapshot, then what changed |

Whoever can reach the port can read. What is refused is a request under a foreign name (a page
elsewhere whose name was pointed at this address, DNS rebinding), and data for a page of another
origin.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from importlib import resources
from typing import Any, Final
from urllib.parse import parse_qs

import attrs
import trio

from xached.actors.market.data import MarketData
from xached.api.http_listener import HttpListener, Receive, Scope, Send, open_listeners
from xached.api.live import FRAME_PERIOD_S, INTERVALS, Board, encode_frame
from xached.domain.instrument import Directory, Symbol

HEARTBEAT_S: Final = 5.0
"""A silent stream shows that it lives; the page calls itself stale after two of these."""

INTERVAL_DEFAULT: Final = "1m"
RETRY_AFTER_S: Final = 5


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
    ) -> None:
        """``hosts``: names, without a port, that the house is also reached under."""
        self._board = Board(market, directory, now_ns)
        self._readiness = readiness
        self._limits = limits or WebLimits()
        self._hosts = {"localhost", "127.0.0.1", "[::1]", *map(str.lower, hosts)}
        self._files = _read_files()
        self._streams: Counter[str] = Counter()
        self._closing = trio.Event()

    def answer_to(self, host: str) -> None:
        """Accept requests under one more name or address."""
        self._hosts.add(f"[{host}]" if ":" in host else host.lower())

    def close(self) -> None:
        """End all streams."""
        self._closing.set()

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
        reading = trio.CancelScope()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_wait_disconnect, receive, reading)
            await self._answer(_read_request(scope), send, reading)
            # The server says "disconnect" when a response is complete.
            nursery.cancel_scope.deadline = trio.current_time() + _LINGER_S

    async def _answer(self, request: _Request, send: Send, reading: trio.CancelScope) -> None:
        refusal = self._refusal(request)
        if refusal is None and request.path == "/api/live/events":
            await self._serve_events(request, send, reading)
            return
        response = self._respond(request) if refusal is None else refusal
        await _send_start(send, response)
        body = b"" if request.method == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})

    def _refusal(self, request: _Request) -> _Response | None:
        """Why a request is not served, whatever it asks for."""
        if request.host_name not in self._hosts:
            return _problem(HTTPStatus.MISDIRECTED_REQUEST, "this house has another name")
        if request.path not in self._files and request.path not in _DATA_PATHS:
            return _problem(HTTPStatus.NOT_FOUND, "there is nothing under this path")
        if request.method not in ("GET", "HEAD"):
            return _problem(
                HTTPStatus.METHOD_NOT_ALLOWED, "this can only be read", ("allow", "GET, HEAD")
            )
        if request.path.startswith("/api/") and not request.same_origin:
            return _problem(HTTPStatus.FORBIDDEN, "pages of other origins get no data")
        return None

    def _respond(self, request: _Request) -> _Response:
        file = self._files.get(request.path)
        if file is not None:
            return file.unless_known(request.headers.get("if-none-match", ""))
        if request.path == "/livez":
            return _Response(HTTPStatus.OK, b"ok\n", (("content-type", _TEXT), _NOT_STORED))
        if request.path == "/readyz":
            readiness = self._readiness()
            return _json_response(
                HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE,
                json.dumps({"ready": readiness.ready, "reasons": readiness.reasons}).encode(),
            )
        found = self._find_market(request)
        if isinstance(found, _Response):
            return found
        return _json_response(HTTPStatus.OK, encode_frame(self._board.frame(*found)))

    def _find_market(self, request: _Request) -> tuple[Symbol, str] | _Response:
        """The market and interval that are asked for, or why there are none."""
        try:
            query = parse_qs(request.query, max_num_fields=_QUERY_FIELDS_MAX)
        except ValueError:
            return _problem(HTTPStatus.BAD_REQUEST, "the query has too many fields")
        interval = query.get("interval", [INTERVAL_DEFAULT])[0]
        if interval not in INTERVALS:
            allowed = ", ".join(INTERVALS)
            return _problem(HTTPStatus.BAD_REQUEST, f"the interval is one of {allowed}")
        symbols = self._board.symbols()
        if not symbols:
            return _busy("no market is listed yet")
        symbol = Symbol(query.get("symbol", [symbols[0]])[0])
        if symbol not in symbols:
            return _problem(HTTPStatus.NOT_FOUND, "there is no such market")
        return symbol, interval

    # --- Server-sent events ------------------------------------------------------------------

    async def _serve_events(self, request: _Request, send: Send, reading: trio.CancelScope) -> None:
        found = self._find_market(request)
        address = request.address
        if not isinstance(found, _Response) and (
            self._closing.is_set()
            or self._streams.total() >= self._limits.streams_max
            or self._streams[address] >= self._limits.streams_per_address_max
        ):
            found = _busy("too many streams are open")
        if isinstance(found, _Response):
            await _send_start(send, found)
            body = b"" if request.method == "HEAD" else found.body
            await send({"type": "http.response.body", "body": body})
            return
        self._streams[address] += 1
        try:
            await _send_start(send, _EVENTS)
            finished = request.method == "HEAD"
            if not finished:
                with reading:
                    finished = await self._stream(*found, send)
            # Not in the scope: the server says "disconnect" in the middle of this, and must come
            # to the end of it.
            if finished:
                await send({"type": "http.response.body", "body": b""})
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
            await send({"type": "http.response.body", "body": event, "more_body": True})
        return not patience.cancelled_caught


async def serve_http(
    app: WebApp,
    listen: str,
    stop: trio.Event,
    *,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve on HOST:PORT until ``stop``; reports its port, port 0 picks a free one.

    Returns within two seconds of ``stop``, whatever clients do. Raises: OSError, ValueError.
    """
    listeners, host, port = await open_listeners(listen)
    app.answer_to(host)
    task_status.started(port)
    await HttpListener(app).serve(listeners, stop, app.close)


# --- Requests and responses. -----------------------------------------------------------------

_DATA_PATHS: Final = frozenset({"/livez", "/readyz", "/api/live", "/api/live/events"})
_QUERY_FIELDS_MAX: Final = 8
_LINGER_S: Final = 1.0

_TEXT: Final = "text/plain; charset=utf-8"
_NOT_STORED: Final = ("cache-control", "no-store")

_SECURITY_HEADERS: Final = (
    (
        "content-security-policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
        ),
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


@attrs.frozen
class _Request:
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    address: str
    scheme: str

    @property
    def host_name(self) -> str:
        """The name it was sent to, without the port."""
        host = self.headers.get("host", "").lower()
        name, colon, port = host.rpartition(":")
        return name if colon and port.isdecimal() else host

    @property
    def same_origin(self) -> bool:
        """True unless a browser says that a page of another origin asks."""
        origin = self.headers.get("origin")
        if origin is not None and origin != f"{self.scheme}://{self.headers.get('host', '')}":
            return False
        return self.headers.get("sec-fetch-site", "none") in ("same-origin", "none")


@attrs.frozen
class _Response:
    status: HTTPStatus
    body: bytes
    headers: tuple[tuple[str, str], ...]


_EVENTS: Final = _Response(HTTPStatus.OK, b"", (("content-type", "text/event-stream"), _NOT_STORED))


@attrs.frozen
class _File:
    """A file of the page. Browsers keep it and ask each time whether it is still the same."""

    body: bytes
    content_type: str
    etag: str

    def unless_known(self, if_none_match: str) -> _Response:
        """The file, or nothing when the client has it."""
        known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        headers = (("etag", self.etag), ("cache-control", "no-cache"))
        if self.etag in known or "*" in known:
            return _Response(HTTPStatus.NOT_MODIFIED, b"", headers)
        return _Response(HTTPStatus.OK, self.body, (("content-type", self.content_type), *headers))


_FILES: Final = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page/live.css": ("live.css", "text/css; charset=utf-8"),
    "/page/live.js": ("live.js", "text/javascript; charset=utf-8"),
    "/page/chart.js": ("chart.js", "text/javascript; charset=utf-8"),
    "/page/format.js": ("format.js", "text/javascript; charset=utf-8"),
    "/page/icon.svg": ("icon.svg", "image/svg+xml"),
}


def _read_files() -> dict[str, _File]:
    directory = resources.files("xached.api") / "page"
    files = {}
    for path, (name, content_type) in _FILES.items():
        body = (directory / name).read_bytes()
        etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        files[path] = _File(body, content_type, etag)
    return files


def _read_request(scope: Scope) -> _Request:
    client = scope.get("client")
    return _Request(
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers={
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        },
        address=client[0] if client else "",
        scheme=scope.get("scheme", "http"),
    )


async def _wait_disconnect(receive: Receive, reading: trio.CancelScope) -> None:
    """Throw away what a request brings along, until its client is gone or has its answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
    reading.cancel()


async def _send_start(send: Send, response: _Response) -> None:
    headers = [*response.headers, *_SECURITY_HEADERS]
    if response is not _EVENTS and response.status is not HTTPStatus.NOT_MODIFIED:
        headers.append(("content-length", str(len(response.body))))
    message: dict[str, Any] = {
        "type": "http.response.start",
        "status": int(response.status),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await send(message)


def _json_response(status: HTTPStatus, body: bytes, *headers: tuple[str, str]) -> _Response:
    return _Response(status, body, (("content-type", "application/json"), _NOT_STORED, *headers))


def _problem(status: HTTPStatus, detail: str, *headers: tuple[str, str]) -> _Response:
    """A refusal as RFC 9457 writes it. Nothing of the request is repeated in it."""
    problem = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
    }
    return _Response(
        status,
        json.dumps(problem).encode(),
        (("content-type", "application/problem+json"), _NOT_STORED, *headers),
    )


def _busy(detail: str) -> _Response:
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, ("retry-after", str(RETRY_AFTER_S)))


def _event(name: str, number: int, data: bytes) -> bytes:
    return b"event: %b\nid: %d\ndata: %b\n\n" % (name.encode(), number, data)
