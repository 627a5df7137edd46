"""Webhooks over real sockets: what is sent, what is not, and what the answers mean.

Checked by breaking, each seen red: a path that may lead out of the operator's, redirects that count
as taken, an answer that is read without end, a secret in the text of a failure.
"""

from __future__ import annotations

import hashlib
import hmac
import json

import attrs
import pytest
import trio
import trio.testing

from tests.adapters.hook_server import HookServer, listening
from xached.adapters.feeds.session import Endpoint
from xached.adapters.webhook import (
    PostDelayed,
    PostRefused,
    WebhookRequest,
    WebhookTarget,
    as_json,
    check_request,
    post,
)
from xached.domain.notices import Notice, NoticeKind, Severity
from xached.runtime.world import RealWorld, SimulatedWorld

SECRET = "T0/B0/abc-XYZ"
NOTICE = Notice(
    notice_id="abc-1", kind=NoticeKind.FEED_STALE, severity=Severity.WARNING,
    subject="venue:BINANCE", text="silent about 2 markets", at_ns=1_700_000_000_000_000_000,
)  # fmt: skip


def target(server: HookServer, path: str = "/", *, secret: str = SECRET) -> WebhookTarget:
    at = Endpoint(host="127.0.0.1", port=server.port, tls=False)
    return WebhookTarget(endpoint=at, path=path, public=False, secret=secret)


def request(path: str = "", *headers: tuple[str, str]) -> WebhookRequest:
    return WebhookRequest(path=path, headers=headers, body=b"a body")


async def test_what_the_house_writes_is_signed_json() -> None:
    async with listening() as server:
        await post(RealWorld(), target(server, "/hook"), as_json(NOTICE))
    (posted,) = server.posted
    assert posted.target == "/hook"
    assert json.loads(posted.body) == {
        "id": "abc-1", "kind": "FEED_STALE", "severity": "WARNING", "subject": "venue:BINANCE",
        "text": "silent about 2 markets", "at_ns": "1700000000000000000",
    }  # fmt: skip
    digest = hmac.new(SECRET.encode(), posted.body, hashlib.sha256).hexdigest()
    assert posted.headers["x-xache-signature"] == digest
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["host"] == server.authority
    assert SECRET not in str(posted)


async def test_without_a_secret_nothing_is_signed() -> None:
    async with listening() as server:
        await post(RealWorld(), target(server, secret=""), as_json(NOTICE))
    assert "x-xache-signature" not in server.posted[0].headers


async def test_secrets_are_put_in_at_the_last_moment() -> None:
    async with listening() as server:
        hook = target(server, "/services/{secret}")
        assert SECRET not in repr(hook)
        await post(RealWorld(), hook, request("", ("Authorization", "Bearer {secret}")))
        await post(RealWorld(), target(server, "/"), request("/bot{secret}/send?x=1"))
        await post(RealWorld(), target(server, "/a?b=1"), request("?c=2"))
    assert [each.target for each in server.posted] == [
        f"/services/{SECRET}", f"/bot{SECRET}/send?x=1", "/a?b=1&c=2",
    ]  # fmt: skip
    assert server.posted[0].headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("answer", "fault", "after_s"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", None, 0),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n", None, 0),
        (b"HTTP/1.1 500 Oh\r\n\r\n", PostDelayed, 0),
        (b"HTTP/1.1 429 Slow\r\nRetry-After: 17\r\n\r\n", PostDelayed, 17),
        (b"HTTP/1.1 503 No\r\nRetry-After: 99999\r\n\r\n", PostDelayed, 300),
        (b"HTTP/1.1 408 Slow\r\n\r\n", PostDelayed, 0),
        (b"HTTP/1.1 400 No\r\n\r\n", PostRefused, 0),
        (b"HTTP/1.1 404 No\r\n\r\n", PostRefused, 0),
        (b"HTTP/1.1 302 Go\r\nLocation: http://169.254.169.254/\r\n\r\n", PostRefused, 0),
        (b"garbage\r\n\r\n", PostDelayed, 0),
        (b"", PostDelayed, 0),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, PostDelayed, 0),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000 + b"HTTP/1.1 200 OK\r\n\r\n", PostDelayed, 0),
    ],
)
async def test_what_answers_mean(
    answer: bytes, fault: type[Exception] | None, after_s: float
) -> None:
    async with listening() as server:
        server.answers.append(answer)
        hook = target(server, "/{secret}")
        if fault is None:
            await post(RealWorld(), hook, request())
            return
        with pytest.raises(fault) as caught:
            await post(RealWorld(), hook, request())
    assert getattr(caught.value, "retry_after_s", 0) == after_s
    assert SECRET not in str(caught.value), "what goes to logs has no secrets"
    assert len(server.posted) == 1


async def test_nobody_is_there() -> None:
    server = HookServer(port=1)
    with pytest.raises(PostDelayed, match=r"127\.0\.0\.1"):
        await post(RealWorld(), target(server), request())


async def test_an_address_inside_is_not_dialled() -> None:
    async with listening() as server:
        hook = attrs.evolve(target(server), public=True)
        with pytest.raises(PostDelayed, match="no public address"):
            await post(RealWorld(), hook, request())
    assert server.posted == []


async def test_a_server_that_says_nothing_is_not_waited_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def silent(_stream: trio.abc.Stream) -> None:
        await trio.sleep_forever()

    world = SimulatedWorld(1, servers={"hook": silent})
    at = Endpoint(host="hook", port=443, tls=True)
    with pytest.raises(PostDelayed, match="took longer than 15 s"):
        await post(world, WebhookTarget(endpoint=at, path="/", public=True), request())


@pytest.mark.parametrize("value", ["{secret} a", "sha256= {signature}"])
async def test_what_is_no_request_without_a_secret_is_refused(value: str) -> None:
    """Checked by breaking: another exception ends the notifier, and nothing counts the notice."""
    told = request("", ("X", value))
    async with listening() as server:
        with pytest.raises(PostRefused, match="it is no request"):
            await post(RealWorld(), target(server, secret=""), told)
        assert server.posted == []
        await post(RealWorld(), target(server), told)
    assert len(server.posted) == 1
    check_request(request("", ("X", ""), ("Y", "a"), ("Z", "a b")))


@pytest.mark.parametrize(
    "wrong",
    [
        request("/../other"), request("/a/%2e%2e/b"), request("/a/..\\..\\b"), request("/./a"),
        request("//../x"), request("a"), request("@other.example/"), request("/a b"),
        request("/a\r\nHost: other"), request("/a#b"), request("/" + "a" * 3_000),
        request("", ("Host", "other")), request("", ("Transfer-Encoding", "chunked")),
        request("", ("X", "a\r\nY: b")), request("", ("X\r\nY", "b")), request("", ("X", "ä")),
        request("", ("X", " a")), request("", ("X", "a ")), request("", ("X", " ")),
        request("", *(("X", "a"),) * 21),
        WebhookRequest(path="", headers=(), body=bytes(70_000)),
    ],
    ids=lambda each: each.path[:20],
)  # fmt: skip
async def test_what_would_lead_elsewhere_is_not_sent(wrong: WebhookRequest) -> None:
    with pytest.raises(PostRefused):
        check_request(wrong)
    async with listening() as server:
        with pytest.raises(PostRefused):
            await post(RealWorld(), target(server, "/hook"), wrong)
    assert server.posted == []
