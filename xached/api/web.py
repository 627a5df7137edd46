"""The HTTP edge: calls, and beside them probes, the web client and its files, which only read.

| path | what |
|---|---|
| /livez | 200 while the loop runs |
| /readyz | 200 or 503, with the reasons |
| /, /trade, … | the web client and its files (bundle.py) |
| /admin, … | the administrators' screens, at their own port only |
| /demo/trader | lets the reader of a demo in (guest.py) |
| /docs | a page about the REST interface |
| /api/openapi.json | its description |

Whoever can reach the port can read. What is refused is a request under a foreign name (a page
elsewhere whose name was pointed at this address, DNS rebinding), and data for a page of another
origin.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Final

import attrs
import trio

from xached.api import guest
from xached.api.bundle import (
    DOCUMENT,
    files_for,
    for_guests,
    make_file,
    path_of,
    shipped_bundle,
)
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
    json_response,
    problem,
    read_request,
    refuse_head,
    send_response,
)
from xached.api.routes import Shutdown


@attrs.frozen
class Readiness:
    """Whether the house can serve, and if not, why."""

    ready: bool
    reasons: tuple[str, ...]


class WebApp:
    """The application, as ASGI defines one."""

    def __init__(
        self,
        readiness: Callable[[], Readiness],
        *,
        hosts: Collection[str] = (),
        api: HttpApi | None = None,
        visitor: Guest | None = None,
        admin: bool = False,
    ) -> None:
        """``hosts``: names, without a port, that the house is also reached under.

        ``api``: serves the calls; None where there are only files.

        ``visitor``: whom the page lets in; None but in a demo.

        ``admin``: also the administrators' screens.
        """
        self._api = api
        self._readiness = readiness
        self._hosts = {"localhost", "127.0.0.1", "[::1]", *map(str.lower, hosts)}
        self._guest = visitor
        self._admin = admin
        self._files = files_for(shipped_bundle(), admin=admin)
        self._guests_document = for_guests(self._files[DOCUMENT])
        self._data_paths = _DATA_PATHS | ({_OPENAPI} if api is not None else set())

    def answer_to(self, host: str) -> None:
        """Accept requests under one more name or address."""
        self._hosts.add(f"[{host}]" if ":" in host else host.lower())

    def close(self) -> None:
        """End all streams, and take no new calls."""
        if self._api is not None:
            self._api.close(
                Shutdown(reason="the house is closing", grace_s=GRACE_S, retry_after_s=RESTART_S)
            )

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
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_drain, receive)
            await send_response(request, self._answer(request), send)
            # The server says "disconnect" when a response is complete.
            nursery.cancel_scope.deadline = trio.current_time() + _LINGER_S

    def _answer(self, request: HttpRequest) -> HttpResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        if self._guest is not None and request.path == guest.PATH:
            return guest.let_in(self._guest, request)
        return self._respond(request)

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        """Why a request is not served, whatever it asks for."""
        if request.host_name not in self._hosts:
            return problem(HTTPStatus.MISDIRECTED_REQUEST, "this house has another name")
        if self._guest is not None and request.path == guest.PATH:
            return None
        if self._path_of(request) not in self._files and request.path not in self._data_paths:
            return problem(HTTPStatus.NOT_FOUND, "there is nothing under this path")
        if request.method not in ("GET", "HEAD"):
            return problem(
                HTTPStatus.METHOD_NOT_ALLOWED, "this can only be read", ("allow", "GET, HEAD")
            )
        if request.path.startswith("/api/") and not request.same_origin:
            return problem(HTTPStatus.FORBIDDEN, "pages of other origins get no data")
        return None

    def _path_of(self, request: HttpRequest) -> str:
        return path_of(request.path, admin=self._admin)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        path = self._path_of(request)
        if path == DOCUMENT and self._guest is not None and guest.is_at_this_machine(request):
            return self._guests_document.answer(request.headers)
        file = self._files.get(path)
        if file is None and request.path == _OPENAPI and self._api is not None:
            file = self._files[_OPENAPI] = make_file(self._api.describe(), "application/json")
        if file is not None:
            return file.answer(request.headers)
        if request.path == "/livez":
            return HttpResponse(HTTPStatus.OK, b"ok\n", (("content-type", _TEXT), NOT_STORED))
        assert request.path == "/readyz", request.path
        readiness = self._readiness()
        return json_response(
            HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE,
            json.dumps({"ready": readiness.ready, "reasons": readiness.reasons}).encode(),
        )


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

_DATA_PATHS: Final = frozenset({"/livez", "/readyz"})
_OPENAPI: Final = "/api/openapi.json"
_LINGER_S: Final = 1.0

_TEXT: Final = "text/plain; charset=utf-8"


async def _drain(receive: Receive) -> None:
    """Throw away what a request brings along, until its client is gone or has its answer."""
    while (await receive())["type"] != "http.disconnect":
        pass
