"""Where browsers keep what refreshes a session: in a cookie that no script can read.

Over HTTP the refresh token of an answer is taken out of its message and set as a cookie, and
Refresh finds it there. A page keeps only the access token, in memory. The cookie is

* ``__Host-``: of this host alone, whatever runs under its sister names, and for all of its paths;
* ``HttpOnly``: hidden from scripts, so what injects a script cannot carry the session away;
* ``SameSite=Strict``: not sent when another site brings the browser here;
* ``Secure``: not sent in clear. Browsers count plain HTTP on localhost as secure, Safari apart;
  elsewhere without TLS they drop the cookie, and a session ends with its access token.

What a browser sends by itself proves nothing of the page that asked. So a refresh by cookie needs
a header that pages of other origins cannot add without being let (nobody is), besides the check
of Origin and Sec-Fetch-Site that all calls pass. A script without a browser keeps the cookie in a
jar, or gives the token in the message as over gRPC; a cookie goes before it.

https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import grpc
from google.protobuf.message import Message
from xache.v1 import auth_pb2

from xached.api.errors import StatusError
from xached.api.http_message import HttpRequest
from xached.api.routes import Route

NAME: Final = "__Host-xache-refresh"
ADMIN_NAME: Final = "__Host-xache-admin-refresh"
"""At the administrators' port: browsers do not tell the ports of a host apart in their cookies."""
CSRF_HEADER: Final = "x-xache-csrf"
"""Any value will do. Clients of gRPC-Web send ``x-grpc-web`` anyway, which counts as well."""

_ATTRIBUTES: Final = "Path=/; Secure; HttpOnly; SameSite=Strict"
_NS_PER_S: Final = 1_000_000_000
_REFRESH: Final = "/xache.v1.AuthService/Refresh"
_LOGOUT: Final = "/xache.v1.AuthService/Logout"
_REVOKE: Final = "/xache.v1.AuthService/RevokeSessions"


class RefreshCookies:
    """Moves refresh tokens between cookies and messages. ``now_ns``: the wall clock."""

    def __init__(self, now_ns: Callable[[], int], name: str = NAME) -> None:
        self._now_ns = now_ns
        self._name = name
        self._gone = f"{name}=; Max-Age=0; {_ATTRIBUTES}"

    def bring_in(self, route: Route, request: HttpRequest, body: bytes) -> bytes:
        """The message of a call, with the token from its cookie. Raises: StatusError."""
        if route.path != _REFRESH:
            return body
        token = self._cookie_of(request)
        if not token:
            return body
        if CSRF_HEADER not in request.headers and "x-grpc-web" not in request.headers:
            raise StatusError(
                grpc.StatusCode.PERMISSION_DENIED,
                "CSRF",
                f"a refresh by cookie needs the header {CSRF_HEADER}",
            )
        message = auth_pb2.RefreshRequest(refresh_token=token)
        data: bytes = message.SerializeToString()
        return data

    def take_out(self, route: Route, request: Message, response: Message) -> str | None:
        """Take the token out of an answer. Returns the cookie to set; None: leave it alone."""
        if route.path == _LOGOUT:
            return self._gone
        if route.path == _REVOKE:
            assert isinstance(request, auth_pb2.RevokeSessionsRequest)
            return None if request.keep_current else self._gone
        tokens = getattr(response, "tokens", None)
        if not isinstance(tokens, auth_pb2.Tokens) or not tokens.refresh_token:
            return None
        left_s = max(0, -((self._now_ns() - tokens.refresh_expires_at_ns) // _NS_PER_S))
        cookie = f"{self._name}={tokens.refresh_token}; Max-Age={left_s}; {_ATTRIBUTES}"
        tokens.refresh_token = ""
        return cookie

    def after(self, route: Route, request: HttpRequest, error: StatusError) -> str | None:
        """The cookie to set after a refusal: one that does not work any more is dropped."""
        dead = route.path == _REFRESH and error.code is grpc.StatusCode.UNAUTHENTICATED
        return self._gone if dead and self._cookie_of(request) else None

    def _cookie_of(self, request: HttpRequest) -> str:
        """The token in the cookie; empty where there is none. Of several the first counts."""
        for pair in request.headers.get("cookie", "").split(";"):
            name, _, value = pair.strip().partition("=")
            if name == self._name:
                return value
        return ""
