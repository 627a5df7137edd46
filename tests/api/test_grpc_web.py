"""Calls over gRPC-Web: framing, statuses, streams, bounds, and the same admission as over gRPC."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import grpc
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tests.api.asgi import HOST, Answer, Reader, ask, scope_of
from tests.api.edge import ALICE, GUARDED_ECHO, OPEN_ECHO, Doorman, Echo, Payload
from tests.api.grpc_web_client import (
    BINARY,
    TEXT,
    Told,
    call,
    frame,
    headers_of,
    read,
    streaming,
)
from xached.api.errors import Interceptor, StatusError
from xached.api.http_api import HttpApi
from xached.api.http_call import CallLimits
from xached.api.routes import Call, Requests, Responses, Routes, Service
from xached.api.web import Readiness, WebApp
from xached.runtime.world import RealWorld

UNARY, REPEAT, COLLECT = (
    "/edge.open.Echo/Unary",
    "/edge.open.Echo/Repeat",
    "/edge.open.Echo/Collect",
)
GUARDED, GUARDED_REPEAT = "/edge.guarded.Echo/Unary", "/edge.guarded.Echo/Repeat"
HELLO = Payload(text="hello", count=7).SerializeToString()


class House:
    """An edge with the two echo services behind it."""

    def __init__(self, handlers: object | None = None, limits: CallLimits | None = None) -> None:
        self.doorman = Doorman({"alice": ALICE})
        self.incidents: list[str] = []
        services = [
            Service(descriptor=each, handlers=handlers or Echo())
            for each in (OPEN_ECHO, GUARDED_ECHO)
        ]
        self.api = HttpApi(
            Routes(services, self.doorman),
            Interceptor(RealWorld(), lambda _id, _method, error: self.incidents.append(str(error))),
            lambda: 1_000_000_000,
            limits,
        )
        ready = Readiness(ready=True, reasons=())
        self.app = WebApp(lambda: ready, api=self.api)


async def post(
    house: House, path: str, body: bytes, headers: Mapping[str, str] | None = None
) -> Answer:
    return await ask(house.app, path, "POST", headers_of(BINARY, headers or {}), body)


# --- one request, one answer ------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", [BINARY, TEXT, "application/grpc-web", "application/grpc-web-text"]
)
async def test_a_call_is_answered_in_its_own_form(content_type: str) -> None:
    said = {**HOST, "content-type": content_type}
    text = "text" in content_type
    answer = await ask(House().app, UNARY, "POST", said, frame(HELLO, text=text))
    assert answer.status == 200
    assert answer.headers["content-type"] == content_type
    assert answer.headers["cache-control"] == "no-store"
    told = read(answer.body, text=text)
    assert (told.messages, told.status) == ([HELLO], 0)


async def test_an_empty_message_is_a_message() -> None:
    told = await call(House().app, UNARY, b"")
    assert (told.messages, told.status) == ([b""], 0)


class Refusing(Echo):
    """Raises what the request names."""

    async def unary(self, call: Call, request: Any) -> Any:
        call.set_trailing("x-left", "3")
        if request.text == "bug":
            raise ZeroDivisionError("secret detail")
        raise StatusError(
            grpc.StatusCode.FAILED_PRECONDITION, "FULL", "100 % full, größer geht nicht\r\nx:y"
        )


async def test_a_refusal_carries_its_reason_and_no_line_of_its_text_can_be_a_trailer() -> None:
    told = await call(House(Refusing()).app, UNARY, HELLO)
    assert told.messages == []
    assert (told.status, told.reason) == (9, "FULL")
    assert told.message == "100 % full, größer geht nicht\r\nx:y"
    assert told.trailers["x-left"] == "3"
    assert "x" not in told.trailers


async def test_a_bug_says_an_incident_and_nothing_else() -> None:
    house = House(Refusing())
    told = await call(house.app, UNARY, Payload(text="bug").SerializeToString())
    assert told.status == 13
    assert told.message.startswith("incident ")
    assert "secret" not in str(told)
    assert house.incidents == ["secret detail"]


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("/edge.open.Echo/None", 12, "UNKNOWN_METHOD"),
        ("/nothing", 12, "UNKNOWN_METHOD"),
        ("/edge.open.Echo/Chat", 12, "REQUEST_STREAM"),
    ],
)
async def test_what_cannot_be_called(path: str, status: int, reason: str) -> None:
    told = await call(House().app, path, HELLO)
    assert (told.status, told.reason) == (status, reason)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "FRAMING"),
        (b"\0\0\0\0", "FRAMING"),
        (frame(HELLO)[:-1], "FRAMING"),
        (frame(HELLO) + b"x", "FRAMING"),
        (frame(HELLO) * 2, "FRAMING"),
        (b"\x01" + frame(HELLO)[1:], "COMPRESSION"),
        (b"\x80" + frame(HELLO)[1:], "FRAMING"),
        (b"\0\xff\xff\xff\xff", "FRAMING"),
        (frame(b"\xff\xff"), "MALFORMED_MESSAGE"),
    ],
)
async def test_a_body_that_is_no_message(body: bytes, reason: str) -> None:
    answer = await post(House(), UNARY, body)
    assert read(answer.body).reason == reason


async def test_a_text_body_that_is_no_base64() -> None:
    said = {**HOST, "content-type": TEXT}
    answer = await ask(House().app, UNARY, "POST", said, b"AAAAA$==")
    assert read(answer.body, text=True).reason == "FRAMING"


# --- who may call -----------------------------------------------------------------------------


async def test_admission_is_that_of_grpc() -> None:
    app = House().app
    assert (await call(app, GUARDED, b"")).reason == "NO_SESSION"
    told = await call(app, GUARDED, HELLO, {"authorization": "alice"})
    assert told.status == 0
    bad = Payload(subaccount="../bob").SerializeToString()
    told = await call(app, GUARDED, bad, {"authorization": "alice"})
    assert (told.status, told.reason) == (3, "ID_FORMAT")


class Telling(Echo):
    """Answers with what it knows of its call."""

    async def unary(self, call: Call, request: Any) -> Any:
        return Payload(text=f"{call.peer} {sorted(call.metadata)}")


async def test_handlers_see_the_address_and_no_cookie() -> None:
    told = await call(House(Telling()).app, UNARY, b"", {"cookie": "a=1", "x-own": "2"})
    text = Payload.FromString(told.messages[0]).text
    assert text.startswith("ipv4:127.0.0.1:50000 ")
    assert "x-own" in text
    assert "cookie" not in text


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_pages_of_other_origins_may_not_call(said: Mapping[str, str]) -> None:
    answer = await post(House(), UNARY, frame(HELLO), said)
    assert answer.status == 403
    assert not any(name.startswith("access-control-") for name in answer.headers)


async def test_a_foreign_name_is_misdirected() -> None:
    """DNS rebinding: the name is the attacker's, the address ours."""
    answer = await post(House(), UNARY, frame(HELLO), {"host": "evil.example"})
    assert answer.status == 421


@pytest.mark.parametrize(
    ("method", "content_type", "status"),
    [
        ("GET", BINARY, 405),
        ("OPTIONS", BINARY, 405),
        ("POST", "text/plain", 415),
        ("POST", "application/x-www-form-urlencoded", 415),
        ("POST", "multipart/form-data", 415),
        ("POST", "", 415),
        ("POST", "application/grpc", 415),
    ],
)
async def test_what_a_form_of_another_page_can_send_is_no_call(
    method: str, content_type: str, status: int
) -> None:
    said = {**HOST, "content-type": content_type}
    answer = await ask(House().app, UNARY, method, said, frame(HELLO))
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"


# --- bounds -----------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", [True, False])
async def test_a_large_body_is_refused(declared: bool) -> None:
    house = House(limits=CallLimits(body_bytes_max=100))
    body = frame(b"x" * 96)
    answer = await post(house, UNARY, body, {"content-length": "101"} if declared else {})
    assert answer.status == 413


async def test_a_body_that_trickles_in_is_given_up(autojump_clock: MockClock) -> None:
    """Checked: without the bound this never ends."""
    house, reader = House(), Reader()

    async def trickle() -> Mapping[str, Any]:
        await trio.sleep(1)
        return {"type": "http.request", "body": b"\0", "more_body": True}

    with trio.fail_after(60):
        await house.app(
            scope_of("POST", UNARY, headers_of(BINARY, {}), "127.0.0.1"), trickle, reader.send
        )
    assert reader.status == 408
    assert house.api.calls == 0


class Waiting(Echo):
    """Answers when it is told to, or never."""

    def __init__(self) -> None:
        self.go = trio.Event()
        self.cancelled = 0

    async def unary(self, call: Call, request: Any) -> Any:
        try:
            await self.go.wait()
        except trio.Cancelled:
            self.cancelled += 1
            raise
        return request


async def test_calls_have_a_bound_by_address_and_in_all(autojump_clock: MockClock) -> None:
    waiting = Waiting()
    house = House(waiting, CallLimits(calls_max=3, calls_per_address_max=2))

    async def hold(address: str) -> None:
        reader = Reader(frame(HELLO))
        scope = scope_of("POST", UNARY, headers_of(BINARY, {}), address)
        await house.app(scope, reader.receive, reader.send)

    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(hold, "127.0.0.1")
        await trio.testing.wait_all_tasks_blocked()
        assert (await call(house.app, UNARY, HELLO)).reason == "OVERLOADED"
        nursery.start_soon(hold, "192.0.2.1")
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(hold, "192.0.2.2")
        await trio.testing.wait_all_tasks_blocked()
        assert house.api.calls == 3
        waiting.go.set()
    assert house.api.calls == 0


@pytest.mark.parametrize("timeout", ["2S", "2000m", "2000000u"])
async def test_a_deadline_ends_a_call(timeout: str, autojump_clock: MockClock) -> None:
    waiting = Waiting()
    started = trio.current_time()
    told = await call(House(waiting).app, UNARY, HELLO, {"grpc-timeout": timeout})
    assert (told.status, told.reason) == (4, "DEADLINE_EXCEEDED")
    assert trio.current_time() - started == pytest.approx(2)
    assert waiting.cancelled == 1


@pytest.mark.parametrize("timeout", ["2", "S", "-1S", "1.5S", "123456789S", "2 S"])
async def test_a_deadline_has_one_form(timeout: str) -> None:
    assert (await call(House().app, UNARY, HELLO, {"grpc-timeout": timeout})).reason == (
        "TIMEOUT_FORM"
    )


async def test_who_hangs_up_ends_their_call(autojump_clock: MockClock) -> None:
    """Checked: without the watch the handler waits on, and so does this."""
    waiting = Waiting()
    async with streaming(House(waiting).app, UNARY, HELLO) as reader:
        reader.hang_up()
        await reader.ended.wait()
    assert waiting.cancelled == 1


# --- several messages and one answer ------------------------------------------------------------


class Sender(Reader):
    """A client that sends its body in pieces, a moment after one another; then it may leave."""

    def __init__(self, *pieces: bytes, stays: bool = True) -> None:
        super().__init__()
        self.left_over = list(pieces)
        self.unsent: int | None = None
        """How many pieces there still were when the answer began."""
        self._stays = stays

    async def receive(self) -> Mapping[str, Any]:
        if not self.left_over:
            if self._stays:
                await self.gone.wait()
            return {"type": "http.disconnect"}
        await trio.sleep(0.1)
        piece = self.left_over.pop(0)
        more = bool(self.left_over) or not self._stays
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if self.unsent is None:
            self.unsent = len(self.left_over)
        await super().send(message)

    async def call(self, house: House, path: str = COLLECT, **said: str) -> Told:
        """Make the call and read its answer."""
        scope = scope_of("POST", path, headers_of(BINARY, said), "127.0.0.1")
        await house.app(scope, self.receive, self.send)
        assert house.api.calls == 0
        return read(b"".join(self.sent))


LAST = Payload(text="last").SerializeToString()


@pytest.mark.parametrize("size", [1, 7, 10_000])
async def test_messages_may_come_in_any_pieces(size: int, autojump_clock: MockClock) -> None:
    body = frame(HELLO) * 3 + frame(b"") + frame(LAST)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    told = await Sender(*pieces).call(House())
    answer = Payload.FromString(told.messages[0])
    assert (told.status, answer.count, answer.text) == (0, 5, "last")


async def test_no_message_is_a_stream_too(autojump_clock: MockClock) -> None:
    told = await Sender(b"").call(House())
    assert Payload.FromString(told.messages[0]).count == 0


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (frame(HELLO) + frame(LAST)[:-1], "FRAMING"),
        (frame(HELLO) + b"\x01" + frame(LAST)[1:], "COMPRESSION"),
        (frame(HELLO) + b"\x80" + frame(LAST)[1:], "FRAMING"),
        (frame(b"x" * 101), "FRAMING"),
        (frame(b"\xff\xff"), "MALFORMED_MESSAGE"),
    ],
)
async def test_a_body_that_is_not_messages(
    body: bytes, reason: str, autojump_clock: MockClock
) -> None:
    told = await Sender(body).call(House(limits=CallLimits(body_bytes_max=100)))
    assert (told.messages, told.reason) == ([], reason)


async def test_together_they_may_be_larger_than_a_body(autojump_clock: MockClock) -> None:
    limits = CallLimits(body_bytes_max=100)
    told = await Sender(*[frame(b"")] * 60, frame(LAST)).call(House(limits=limits))
    assert Payload.FromString(told.messages[0]).count == 61


async def test_a_stream_of_requests_is_admitted_before_it_is_read(
    autojump_clock: MockClock,
) -> None:
    """Its answer waits for the rest: a browser reads none before it has sent its file.

    Checked: without the drain the answer begins before all pieces are sent.
    """
    path = "/edge.guarded.Echo/Collect"
    sender = Sender(frame(HELLO), frame(HELLO), b"")
    told = await sender.call(House(), path)
    assert (told.reason, sender.unsent) == ("NO_SESSION", 0)
    house = House()
    told = await Sender(frame(HELLO)).call(house, path, authorization="alice")
    assert (told.status, house.doorman.open_streams) == (0, [])


async def test_who_stops_sending_is_given_up(autojump_clock: MockClock) -> None:
    """Checked: without the bound of a message this never ends."""
    reader = Reader()

    async def silent() -> Mapping[str, Any]:
        await trio.sleep_forever()
        raise AssertionError

    scope = scope_of("POST", COLLECT, headers_of(BINARY, {}), "127.0.0.1")
    with trio.fail_after(60):
        await House().app(scope, silent, reader.send)
    assert read(b"".join(reader.sent)).reason == "REQUEST_TIMEOUT"


class Counting(Echo):
    """Says whether it came to an end."""

    def __init__(self) -> None:
        self.ends = 0

    async def collect(self, call: Call, requests: Requests[Any]) -> Any:
        answer = await super().collect(call, requests)
        self.ends += 1
        return answer


async def test_half_a_body_is_none(autojump_clock: MockClock) -> None:
    """A client that breaks off has not sent a shorter stream.

    Checked: without ending the call the handler takes what came for all.
    """
    counting = Counting()
    await Sender(frame(HELLO), stays=False).call(House(counting))
    assert counting.ends == 0


async def test_several_messages_are_not_taken_as_text() -> None:
    told = await call(House().app, COLLECT, HELLO, content_type=TEXT)
    assert told.reason == "REQUEST_STREAM"


# --- streams ----------------------------------------------------------------------------------


async def test_a_stream_ends_with_its_status() -> None:
    told = await call(House().app, REPEAT, Payload(count=3, body=b"b").SerializeToString())
    counts = [Payload.FromString(message).count for message in told.messages]
    assert (counts, told.status) == ([0, 1, 2], 0)


async def test_a_stream_in_text_form() -> None:
    request = Payload(count=500, body=b"ab").SerializeToString()
    told = await call(House().app, REPEAT, request, content_type=TEXT)
    assert [Payload.FromString(message).count for message in told.messages] == [*range(500)]
    assert told.status == 0


async def test_a_stream_is_known_while_it_is_open(autojump_clock: MockClock) -> None:
    streaming_house = House(Ticking())
    said = {"authorization": "alice"}
    async with streaming(streaming_house.app, GUARDED_REPEAT, HELLO, said) as reader:
        await trio.sleep(2.5)
        (open_stream,) = streaming_house.doorman.open_streams
        assert len(read(b"".join(reader.sent)).messages) == 3
        open_stream.revoke(StatusError(grpc.StatusCode.UNAUTHENTICATED, "ENDED", "no more"))
        await reader.complete.wait()
        told = read(b"".join(reader.sent))
        assert (len(told.messages), told.status, told.reason) == (3, 16, "ENDED")
    assert streaming_house.doorman.open_streams == []


class Ticking(Echo):
    """A message a second."""

    async def repeat(self, _call: Call, request: Any, responses: Responses[Any]) -> None:
        number = 0
        while True:
            await responses.send(Payload(count=number))
            number += 1
            if number == request.count:
                raise StatusError(grpc.StatusCode.DATA_LOSS, "TORN", "it broke off")
            await trio.sleep(1)


async def test_what_was_sent_before_a_failure_arrives_before_it(autojump_clock: MockClock) -> None:
    request = Payload(count=2).SerializeToString()
    told = await call(House(Ticking()).app, REPEAT, request)
    assert (len(told.messages), told.reason) == (2, "TORN")


class Flooding(Echo):
    """Sends as fast as it is let."""

    def __init__(self) -> None:
        self.sent = 0
        self.ended = False

    async def repeat(self, _call: Call, request: Any, responses: Responses[Any]) -> None:
        try:
            while True:
                await responses.send(Payload(body=b"x" * 1000))
                self.sent += 1
        finally:
            self.ended = True


async def test_a_client_that_never_reads_is_bounded_and_cut_off(autojump_clock: MockClock) -> None:
    """Checked: without the bound of a write the handler is never ended."""
    flooding = Flooding()
    house = House(flooding)
    async with streaming(house.app, REPEAT, HELLO, held=True) as reader:
        await trio.sleep(9)
        assert 0 < flooding.sent < 2000
        assert not flooding.ended
        sent = flooding.sent
        await trio.sleep(5)
        assert flooding.ended
        assert flooding.sent == sent
        await reader.ended.wait()
        assert not reader.complete.is_set(), "what is cut off has no end"
    assert house.api.calls == 0


async def test_closing_tells_streams_and_refuses_new_calls(autojump_clock: MockClock) -> None:
    waiting = Waiting()
    house = House(waiting)
    ticking = House(Ticking())
    async with streaming(ticking.app, REPEAT, HELLO) as reader:
        await trio.sleep(1.5)
        ticking.app.close()
        await reader.complete.wait()
        told = read(b"".join(reader.sent))
        assert (len(told.messages), told.status, told.reason) == (2, 14, "STOPPING")
        assert (await call(ticking.app, UNARY, HELLO)).reason == "STOPPING"
    async with streaming(house.app, UNARY, HELLO) as reader:
        house.app.close()
        waiting.go.set()
        await reader.complete.wait()
        assert read(b"".join(reader.sent)).status == 0, "what was begun is finished"
