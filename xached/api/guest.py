"""The door of a demo: its page lets who sits at the machine in as the demo's trader.

A demo trades play money on one's own machine, and what it is for is to be looked at. So its page
may ask for the trader's password, and signs in with it as anybody would. This is served

* only where there is a guest, which a configured house never has;
* only to this machine: the connection comes from a loopback address, under a loopback name, and
  nothing says that a proxy has passed it on;
* only to a page of this origin: it takes a POST with a header that foreign pages cannot add.
"""

from __future__ import annotations

import ipaddress
import json
from http import HTTPStatus
from typing import Final

import attrs

from xached.api.http_message import HttpRequest, HttpResponse, json_response, problem
from xached.api.refresh_cookie import CSRF_HEADER

PATH: Final = "/demo/trader"

_LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_PASSED_ON: Final = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)


@attrs.frozen(kw_only=True)
class Guest:
    """Whom the page of a demo lets in."""

    email: str
    password: str = attrs.field(repr=False)


def is_at_this_machine(request: HttpRequest) -> bool:
    """Whether a request comes from this machine, as far as anybody can tell."""
    try:
        address = ipaddress.ip_address(request.address)
    except ValueError:
        return False
    return (
        address.is_loopback
        and request.host_name in _LOOPBACK_NAMES
        and not _PASSED_ON & request.headers.keys()
    )


def let_in(guest: Guest, request: HttpRequest) -> HttpResponse:
    """The guest's password, or why it is not told."""
    if request.method != "POST":
        return problem(HTTPStatus.METHOD_NOT_ALLOWED, "this is asked with POST", ("allow", "POST"))
    ours = request.same_origin and CSRF_HEADER in request.headers
    if not (ours and is_at_this_machine(request)):
        return problem(HTTPStatus.FORBIDDEN, "the demo lets nobody in from there")
    document = {"email": guest.email, "password": guest.password}
    return json_response(HTTPStatus.OK, json.dumps(document).encode())
