"""Requests and answers of the HTTP edge, and what every answer of it says to browsers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import attrs

from xached.api.http_listener import Scope, Send

NOT_STORED: Final = ("cache-control", "no-store")
PROBLEM_TYPE: Final = "application/problem+json"

HEADERS_MAX: Final = 100
HEADERS_BYTES_MAX: Final = 16 * 1024

Pairs: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values."""

SECURITY_HEADERS: Final = (
    (
        "content-security-policy",
        (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
            "frame-ancestors 'none'; form-action 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
    ),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
STRICT_TRANSPORT: Final = ("strict-transport-security", "max-age=31536000")
"""Sent over TLS only: over plain HTTP browsers ignore it. Never for localhost, where it would stop
whatever else is served in clear on the same machine."""


@attrs.frozen
class HttpRequest:
    """What a request says before its body."""

    method: str
    path: str
    target: str
    """Path and query as they were sent."""
    query: str
    headers: Mapping[str, str]
    """Names in lower case. Of several of one name the last counts; cookies are joined."""
    address: str
    port: int
    scheme: str

    @property
    def host_name(self) -> str:
        """The name it was sent to, without the port."""
        host = self.headers.get("host", "").lower()
        name, colon, port = host.rpartition(":")
        return name if colon and port.isdecimal() else host

    @property
    def same_origin(self) -> bool:
        """True unless a browser says that a page of another origin asks.

        Behind a proxy that ends TLS, an origin over TLS is our own if the browser, which sees the
        proxy only, says so; nothing but a browser can set that header.
        """
        origin, host = self.headers.get("origin"), self.headers.get("host", "")
        site = self.headers.get("sec-fetch-site", "none")
        if origin is None or origin == f"{self.scheme}://{host}":
            return site in ("same-origin", "none")
        return origin == f"https://{host}" and site == "same-origin"

    @property
    def content_type(self) -> str:
        """The type of its body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def peer(self) -> str:
        """Where it came from, as gRPC writes it."""
        if ":" in self.address:
            return f"ipv6:[{self.address}]:{self.port}"
        return f"ipv4:{self.address}:{self.port}"


@attrs.frozen
class HttpResponse:
    """A complete answer, or the head of one whose body is sent piece by piece."""

    status: HTTPStatus
    body: bytes
    headers: Pairs
    streamed: bool = False


def read_request(scope: Scope) -> HttpRequest:
    """What an ASGI server says of a request."""
    client = scope.get("client")
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        # HTTP/2 cuts cookies into pieces.
        joined = name == "cookie" and name in headers
        headers[name] = f"{headers[name]}; {value}" if joined else value
    path, query = scope["path"], scope["query_string"].decode("latin-1")
    raw_path: bytes | None = scope.get("raw_path")
    target = path if raw_path is None else raw_path.decode("latin-1")
    return HttpRequest(
        method=scope["method"],
        path=path,
        target=f"{target}?{query}" if query else target,
        query=query,
        headers=headers,
        address=client[0] if client else "",
        port=client[1] if client else 0,
        scheme=scope.get("scheme", "http"),
    )


def refuse_head(scope: Scope) -> HttpResponse | None:
    """Why the head of a request is not read on; None where it may be.

    Two lengths of one body are refused outright (RFC 9112, 6.3): a proxy may have believed the
    other one, and what follows would be somebody else's request.
    """
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    size = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > HEADERS_MAX or size > HEADERS_BYTES_MAX:
        return problem(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"a request has at most {HEADERS_MAX} headers of {HEADERS_BYTES_MAX} bytes in all",
        )
    names = {name.lower() for name, _ in headers}
    if b"content-length" in names and b"transfer-encoding" in names:
        return problem(HTTPStatus.BAD_REQUEST, "a body has one length", ("connection", "close"))
    return None


async def send_start(request: HttpRequest, response: HttpResponse, send: Send) -> None:
    """Send the head of an answer."""
    headers = [*response.headers, *SECURITY_HEADERS]
    if request.scheme == "https" and request.host_name != "localhost":
        headers.append(STRICT_TRANSPORT)
    if not response.streamed and response.status is not HTTPStatus.NOT_MODIFIED:
        headers.append(("content-length", str(len(response.body))))
    message: dict[str, Any] = {
        "type": "http.response.start",
        "status": int(response.status),
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await send(message)


async def send_body(send: Send, body: bytes, *, more: bool = False) -> None:
    """Send a piece of a body, or the last one."""
    await send({"type": "http.response.body", "body": body, "more_body": more})


async def send_response(request: HttpRequest, response: HttpResponse, send: Send) -> None:
    """Send a complete answer."""
    await send_start(request, response, send)
    await send_body(send, b"" if request.method == "HEAD" else response.body)


def json_response(status: HTTPStatus, body: bytes, *headers: tuple[str, str]) -> HttpResponse:
    """An answer that nobody stores."""
    return HttpResponse(status, body, (("content-type", "application/json"), NOT_STORED, *headers))


def problem(
    status: HTTPStatus,
    detail: str,
    *headers: tuple[str, str],
    members: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """A refusal as RFC 9457 writes it. Nothing of the request is repeated in it."""
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        **(members or {}),
    }
    return HttpResponse(
        status,
        json.dumps(document).encode(),
        (("content-type", PROBLEM_TYPE), NOT_STORED, *headers),
    )
