"""What is sent to the HTTP port to break it, on real sockets: refused or bounded, others served."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import AsyncIterator

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import pytest
import trio

from tests.api.edge import until
from tests.api.grpc_web_client import BINARY, frame
from tests.api.test_grpc_web import HELLO, REPEAT, UNARY, Flooding, House
from tests.api.test_http_listener import GET, Served, read_all, read_until, serving
from xached.api.http_call import CallLimits
from xached.api.http_listener import ListenerLimits

SHORT = ListenerLimits(idle_timeout_s=1.0, write_timeout_s=0.5, grace_s=0.1)
HOST = b"Host: 127.0.0.1\r\n"
HIDDEN = b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
"""A request inside the body of another."""


@contextlib.asynccontextmanager
async def attacked(
    handlers: object | None = None,
    *,
    calls: CallLimits | None = None,
    limits: ListenerLimits = SHORT,
) -> AsyncIterator[tuple[Served, House]]:
    """An edge to attack."""
    house = House(handlers, calls)
    async with serving(house.app, limits) as served:
        yield served, house


async def others_are_served(served: Served) -> None:
    """Somebody else comes, asks and is answered."""
    async with await served.connect() as client:
        await client.send_all(GET % b"/livez")
        assert (await read_until(client, b"ok\n")).startswith(b"HTTP/1.1 200")


def statuses(data: bytes) -> list[int]:
    """Of all answers in some bytes."""
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", data)]


# --- smuggling --------------------------------------------------------------------------------

CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = {
    "both lengths": b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "both lengths, the other way": CHUNKED + b"Content-Length: 6\r\n\r\n0\r\n\r\n",
    "both lengths, behind a tab": b"Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n\r\n0",
    "two codings": CHUNKED + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "a coding that is none": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a list of codings": b"Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "a list of lengths": b"Content-Length: 0, 44\r\n\r\n",
    "a length with a sign": b"Content-Length: +44\r\n\r\n",
    "a length below nothing": b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": b"Content-Length: 0x2c\r\n\r\n",
    "a length without end": b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "a bare carriage return": b"X: a\rContent-Length: 44\r\n\r\n",
    "a null": b"X: a\0\r\nContent-Length: 0\r\n\r\n",
    "a chunk that is none": CHUNKED + b"\r\n0x0\r\n\r\n",
    "a chunk below nothing": CHUNKED + b"\r\n-1\r\n\r\n",
    "another host": b"Host: evil.example\r\n\r\n",
}


@pytest.mark.parametrize("trick", SMUGGLED)
async def test_no_request_hides_in_another(trick: str) -> None:
    """Checked: without the check of both lengths the first three are answered twice."""
    async with attacked() as (served, _), await served.connect() as client:
        await client.send_all(b"POST /livez HTTP/1.1\r\n" + HOST + SMUGGLED[trick] + HIDDEN)
        found = statuses(await read_all(client))
        assert len(found) <= 1
        assert all(400 <= status <= 501 for status in found)
        await others_are_served(served)


async def test_an_offer_of_http2_in_clear_is_not_taken() -> None:
    """A proxy would pass it on and see no more. Checked: with hypercorn's own class it is a 101."""
    offer = (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
    )
    async with attacked() as (served, _), await served.connect() as client:
        await client.send_all(b"GET /livez HTTP/1.1\r\n" + HOST + offer)
        assert statuses(await read_all(client)) == [200]


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://evil.example/livez HTTP/1.1", b"CONNECT evil.example:443 HTTP/1.1",
        b"TRACE /livez HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET  /livez",
        b"GET //evil.example/livez HTTP/1.1", b"GET /page/../../etc/passwd HTTP/1.1",
        b"GET /page/%2e%2e/%2e%2e/etc/passwd HTTP/1.1", b"GET /livez\0 HTTP/1.1",
    ],
)  # fmt: skip
async def test_odd_request_lines_open_nothing(line: bytes) -> None:
    async with attacked() as (served, _), await served.connect() as client:
        await client.send_all(line + b"\r\n" + HOST + b"\r\n")
        assert all(400 <= status < 500 for status in statuses(await read_all(client)))
        await others_are_served(served)


# --- too much ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        b"".join(b"X-%d: a\r\n" % number for number in range(1000)),
        b"X: " + b"a" * 17_000 + b"\r\n",
        b"X: " + b"a" * 70_000 + b"\r\n",
        b"Cookie: " + b"a=b; " * 10_000 + b"\r\n",
    ],
)
async def test_huge_heads_are_refused(head: bytes) -> None:
    """Checked: without our own bound, what comes in one piece is read."""
    async with attacked() as (served, _), await served.connect() as client:
        with contextlib.suppress(trio.BrokenResourceError):
            await client.send_all(b"GET /livez HTTP/1.1\r\n" + HOST + head + b"\r\n")
        assert statuses(await read_all(client))[:1] in ([431], [])
        await others_are_served(served)


@pytest.mark.parametrize("length", [b"Content-Length: 1000000000000\r\n", CHUNKED])
async def test_huge_bodies_are_refused_before_they_are_there(length: bytes) -> None:
    async with attacked() as (served, house), await served.connect() as client:
        head = b"POST %b HTTP/1.1\r\n%bContent-Type: %b\r\n" % (
            UNARY.encode(),
            HOST,
            BINARY.encode(),
        )
        await client.send_all(head + length + b"\r\n")

        async def pour() -> None:
            with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                while True:
                    await client.send_all(b"1000\r\n" + b"x" * 4096 + b"\r\n")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour)
            assert statuses(await read_until(client, b"\r\n\r\n")) == [413]
            nursery.cancel_scope.cancel()
        assert house.api.calls == 0
        await others_are_served(served)


# --- too slow ---------------------------------------------------------------------------------


async def dribble(client: trio.SocketStream, data: bytes) -> bytes:
    """Send a byte now and then; what is answered in the end."""
    answer = b""

    async def listen() -> None:
        nonlocal answer
        answer = await read_all(client)
        nursery.cancel_scope.cancel()

    async with client, trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        with contextlib.suppress(trio.BrokenResourceError):
            for byte in data:
                await client.send_all(bytes([byte]))
                await trio.sleep(0.02)
        await trio.sleep_forever()
    return answer


async def test_heads_that_dribble_in_are_given_up() -> None:
    """Slowloris. Checked: with an idle time of an hour this does not end."""
    async with attacked() as (served, _):
        assert served.listener is not None
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                client = await served.connect()
                nursery.start_soon(dribble, client, b"GET /livez HTTP/1.1\r\nX: " + b"a" * 10_000)
            await others_are_served(served)
        await served.listener.wait_idle()


async def test_bodies_that_dribble_in_are_given_up() -> None:
    """Checked: without the bound of a body this does not end."""
    async with attacked(calls=CallLimits(request_timeout_s=0.3)) as (served, house):
        async with await served.connect() as client:
            head = b"POST %b HTTP/1.1\r\n%bContent-Type: %b\r\nContent-Length: 9999\r\n\r\n" % (
                UNARY.encode(),
                HOST,
                BINARY.encode(),
            )
            await client.send_all(head)
            assert statuses(await dribble(client, b"\0" * 9999)) == [408]
        assert house.api.calls == 0


async def test_one_address_cannot_take_all_connections() -> None:
    """Checked: without the bound by address the last client is not served."""
    limits = ListenerLimits(connections_max=8, connections_per_address_max=5, idle_timeout_s=60)
    async with attacked(limits=limits) as (served, _):
        assert served.listener is not None
        greedy = [await served.connect() for _ in range(20)]
        for client in greedy[5:]:
            assert await read_all(client) == b""
        assert served.listener.connections == 5
        elsewhere = trio.socket.socket()
        await elsewhere.bind(("127.0.0.2", 0))
        await elsewhere.connect(("127.0.0.1", served.port))
        async with trio.SocketStream(elsewhere) as other:
            await other.send_all(GET % b"/livez")
            assert (await read_until(other, b"ok\n")).startswith(b"HTTP/1.1 200")
        for client in greedy:
            await client.aclose()


async def test_who_asks_and_never_reads_is_cut_off() -> None:
    """Checked: with a bound of an hour on writes the connection stays."""
    async with attacked() as (served, _):
        assert served.listener is not None
        async with await served.connect(receive_buffer_bytes=4096) as client:
            with trio.move_on_after(5), contextlib.suppress(trio.BrokenResourceError):
                while True:
                    await client.send_all((GET % b"/page/docs.js") * 100)
            await served.listener.wait_idle()
        await others_are_served(served)


async def test_a_stream_without_a_window_is_cut_off() -> None:
    """HTTP/2 lets a client take nothing for ever.

    Checked: with hypercorn's own buffer the handler sends without end, into memory.
    """
    flooding = Flooding()
    calls = CallLimits(write_timeout_s=0.3)
    async with (
        attacked(flooding, calls=calls) as (served, house),
        await served.connect() as client,
    ):
        connection = begin_http2()
        connection.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        connection.send_headers(1, http2_call(REPEAT))
        connection.send_data(1, frame(HELLO), end_stream=True)
        await client.send_all(connection.data_to_send())
        await until(lambda: flooding.ended)
        assert flooding.sent < 2000
        await others_are_served(served)
        await until(lambda: house.api.calls == 0)


async def test_an_early_answer_harms_nothing_else_on_its_connection() -> None:
    """A browser has all its calls on one. Checked: with hypercorn's own class it is broken off."""
    limits = ListenerLimits(idle_timeout_s=30)
    async with attacked(limits=limits) as (served, _), await served.connect() as client:
        connection = begin_http2()
        connection.send_headers(1, [*http2_call(UNARY), ("content-length", "9000000")])
        answers = dict[int, bytes]()
        connection.send_data(1, b"x" * 5000)
        await client.send_all(connection.data_to_send())
        await read_http2(client, connection, answers, 1)
        assert answers[1].startswith(b"413")
        with contextlib.suppress(h2.exceptions.StreamClosedError):
            for _ in range(5):
                connection.send_data(1, b"x" * 5000)
        connection.send_headers(3, http2_call(UNARY))
        connection.send_data(3, frame(HELLO), end_stream=True)
        await client.send_all(connection.data_to_send())
        await read_http2(client, connection, answers, 3)
        assert answers[3].startswith(b"200")
        assert HELLO in answers[3]


async def read_http2(
    client: trio.SocketStream,
    connection: h2.connection.H2Connection,
    answers: dict[int, bytes],
    stream: int,
) -> None:
    """Read until an answer is complete: its status and its body."""
    while data := await client.receive_some(65_536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                answers[event.stream_id] = dict(event.headers)[b":status"]
            elif isinstance(event, h2.events.DataReceived):
                answers[event.stream_id] += event.data
            elif isinstance(event, h2.events.StreamEnded) and event.stream_id == stream:
                return
    raise AssertionError("the connection was broken off")


async def test_streams_that_are_reset_at_once_leave_nothing() -> None:
    """Rapid reset (CVE-2023-44487): many requests, each taken back."""
    async with attacked() as (served, house):
        async with await served.connect() as client:
            connection = begin_http2()
            with contextlib.suppress(trio.BrokenResourceError):
                for stream in range(1, 2001, 2):
                    connection.send_headers(stream, http2_call(UNARY))
                    connection.reset_stream(stream)
                    await client.send_all(connection.data_to_send())
            await others_are_served(served)
        await until(lambda: house.api.calls == 0)


def begin_http2() -> h2.connection.H2Connection:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    connection.initiate_connection()
    return connection


def http2_call(path: str) -> list[tuple[str, str]]:
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "127.0.0.1"),
        ("content-type", BINARY),
    ]


async def test_no_socket_is_without_keepalive() -> None:
    """A client that vanished without a word is found by the kernel, even on a silent stream."""
    found: list[int] = []

    async def look(_scope: object, _receive: object, send: object) -> None:
        assert served.listener is not None
        for stream in served.listener._connections:
            found.append(stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    async with serving(look, SHORT) as served, await served.connect() as client:
        await client.send_all(GET % b"/")
        await read_all(client)
    assert found == [1]
