"""Webhooks: one POST to the address that an operator has configured, and nowhere else.

What is posted is made by the house (:func:`as_json`) or by a plugin; where it goes is not up to
either: they may add a path and a query below the operator's. Redirects are not followed and answers
not read, but for their status and the time after which another try helps. Secrets come from a file
of the operator's and are put in here, at the last moment.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote

import attrs
import h11
import trio
from xache_sdk.notifiers import (
    BODY_BYTES_MAX,
    DAEMONS_OWN,
    HEADER_LENGTH_MAX,
    HEADERS_MAX,
    PATH_LENGTH_MAX,
    SECRET,
    SIGNATURE,
)

from xached.adapters.feeds.session import Endpoint
from xached.domain.notices import Notice
from xached.runtime.world import World

RECEIVE_BYTES: Final = 65_536
ANSWER_BYTES_MAX: Final = 256 * 1024
POST_S_MAX: Final = 15.0
RETRY_AFTER_S_MAX: Final = 300.0

TRY_AGAIN: Final = frozenset((408, 425, 429))
"""Refusals that are none for good; so is everything from 500 on."""

_PATH: Final = re.compile(r"([/?][!-~]*)?", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,60}", re.ASCII)
_VALUE: Final = re.compile(r"([!-~]([ -~]*[!-~])?)?", re.ASCII)
"""HTTP knows no value with a blank at an end."""


class PostDelayed(Exception):  # noqa: N818 - what happened
    """Nobody is known to have taken it. Another try may help, after ``retry_after_s``."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class PostRefused(Exception):  # noqa: N818 - what the server did
    """The server will not take it, today or ever; or it must not be sent."""


@attrs.frozen(kw_only=True)
class WebhookTarget:
    """Where an operator's webhook is. ``path`` may have a place for the secret.

    ``public``: it is dialled at addresses of the public Internet only.
    """

    endpoint: Endpoint
    path: str
    public: bool
    secret: str = attrs.field(default="", repr=False)


@attrs.frozen(kw_only=True)
class WebhookRequest:
    """What to post. ``path``, with its query, goes below that of the target.

    The path and the values of headers may have places for the secret and for the signature.
    """

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


def as_json(notice: Notice) -> WebhookRequest:
    """A notice as the house itself writes it."""
    told = {
        "id": notice.notice_id,
        "kind": notice.kind.value,
        "severity": notice.severity.name,
        "subject": notice.subject,
        "text": notice.text,
        "at_ns": str(notice.at_ns),
    }
    return WebhookRequest(
        path="",
        headers=(("Content-Type", "application/json"), ("X-Xache-Signature", SIGNATURE)),
        body=json.dumps(told).encode(),
    )


async def post(world: World, target: WebhookTarget, request: WebhookRequest) -> None:
    """Have it taken. Raises: PostDelayed, PostRefused."""
    check_request(request)
    try:
        head = h11.Request(
            method="POST", target=_target_of(target, request), headers=_headers(target, request)
        )
    except h11.LocalProtocolError:
        # Without a secret its place is empty; what is said of it may bear a secret.
        raise PostRefused("with the operator's secret it is no request") from None
    host = target.endpoint.host
    try:
        with trio.fail_after(POST_S_MAX):
            stream = await world.dial(
                host, target.endpoint.port, tls=target.endpoint.tls, public=target.public
            )
            try:
                await _post(stream, head, request.body, host)
            finally:
                await trio.aclose_forcefully(stream)
    except trio.TooSlowError:
        raise PostDelayed(f"{host} took longer than {POST_S_MAX:g} s") from None
    except (OSError, trio.BrokenResourceError, h11.RemoteProtocolError) as error:
        raise PostDelayed(f"{host}: {error}") from error


def check_request(request: WebhookRequest) -> None:
    """Refuse what would be another request, or another place. Raises: PostRefused."""
    path = request.path
    if len(path) > PATH_LENGTH_MAX or _PATH.fullmatch(path) is None or "#" in path:
        raise PostRefused("its path is none")
    segments = unquote(path.partition("?")[0]).replace("\\", "/").split("/")
    if "." in segments or ".." in segments:
        raise PostRefused("its path leads out of the operator's")
    if len(request.headers) > HEADERS_MAX or len(request.body) > BODY_BYTES_MAX:
        raise PostRefused("it has too many headers, or too much of a body")
    for name, value in request.headers:
        named = _NAME.fullmatch(name) is not None and name.lower() not in DAEMONS_OWN
        if not named or len(value) > HEADER_LENGTH_MAX or _VALUE.fullmatch(value) is None:
            raise PostRefused("it has a header that is not for it to write")


def _target_of(target: WebhookTarget, request: WebhookRequest) -> str:
    base, _, query = target.path.partition("?")
    path, _, more = request.path.partition("?")
    place = (base.rstrip("/") if path else base) + path
    joined = "&".join(each for each in (query, more) if each)
    found = f"{place or '/'}?{joined}" if joined else place or "/"
    return found.replace(SECRET, target.secret)


def _headers(target: WebhookTarget, request: WebhookRequest) -> list[tuple[str, str]]:
    signature = ""
    if target.secret:
        signature = hmac.new(target.secret.encode(), request.body, hashlib.sha256).hexdigest()
    own = [
        ("Host", target.endpoint.authority),
        ("User-Agent", "xached"),
        ("Connection", "close"),
        ("Content-Length", str(len(request.body))),
    ]
    given = [
        (name, value.replace(SECRET, target.secret).replace(SIGNATURE, signature))
        for name, value in request.headers
        if target.secret or value != SIGNATURE
    ]
    return own + given


async def _post(stream: trio.abc.Stream, head: h11.Request, body: bytes, host: str) -> None:
    connection = h11.Connection(h11.CLIENT)
    parts = [connection.send(each) for each in (head, h11.Data(data=body), h11.EndOfMessage())]
    await stream.send_all(b"".join(part for part in parts if part))
    received = 0
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            data = bytes(await stream.receive_some(RECEIVE_BYTES))
            received += len(data)
            if received > ANSWER_BYTES_MAX:
                raise PostDelayed(f"{host} answers more than {ANSWER_BYTES_MAX} bytes")
            connection.receive_data(data)
        elif isinstance(event, h11.Response):
            _judge(event.status_code, event.headers, host)
            return
        elif not isinstance(event, h11.InformationalResponse):
            raise PostDelayed(f"{host} does not answer")


def _judge(status: int, headers: Iterable[tuple[bytes, bytes]], host: str) -> None:
    """What a status means. Raises: PostDelayed, PostRefused."""
    if 200 <= status < 300:
        return
    if status in TRY_AGAIN or status >= 500:
        raise PostDelayed(f"{host} answers {status}", _retry_after_s(headers))
    raise PostRefused(f"{host} answers {status}")


def _retry_after_s(headers: Iterable[tuple[bytes, bytes]]) -> float:
    for name, value in headers:
        if name == b"retry-after" and value.isdigit() and len(value) < 6:
            return min(float(value), RETRY_AFTER_S_MAX)
    return 0.0
