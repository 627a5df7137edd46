"""The HTTP listener on real sockets: it serves, it stops in time, and no client can hold it up."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from functools import partial

import attrs
import h2.config
import h2.connection
import h2.events
import h2.exceptions
import pytest
import trio

from tests.api.shown_market import PRICE_TICKS, ShownMarket, api_of
from xached.api.http_listener import (
    AsgiApp,
    BoundedStream,
    HttpListener,
    ListenerLimits,
    Receive,
    Scope,
    Send,
    open_listeners,
)
from xached.api.web import Readiness, WebApp, serve_http
from xached.domain.market import BINANCE
from xached.runtime.world import RealWorld

PATIENCE_S = 30.0
"""After which a test that hangs is failed; never reached by one that passes."""

STOP_S_MAX = 3.0
GET = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
WORLD = RealWorld()


@attrs.define
class Served:
    """A running listener."""

    port: int
    stop: trio.Event
    stopped: trio.Event
    listener: HttpListener | None = None

    async def connect(self, receive_buffer_bytes: int | None = None) -> trio.SocketStream:
        """Open a connection; a small buffer makes a client that stops reading felt soon."""
        connection = trio.socket.socket()
        if receive_buffer_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        await connection.connect(("127.0.0.1", self.port))
        return trio.SocketStream(connection)


@contextlib.asynccontextmanager
async def serving(app: AsgiApp, limits: ListenerLimits | None = None) -> AsyncIterator[Served]:
    """Serve an application of the test's on a free port."""
    listeners, _, port = await open_listeners("127.0.0.1:0")
    served = Served(port, trio.Event(), trio.Event(), HttpListener(app, limits))
    assert served.listener is not None

    async def run() -> None:
        assert served.listener is not None
        await served.listener.serve(listeners, served.stop, lambda: None)
        served.stopped.set()

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            yield served
            served.stop.set()


@contextlib.asynccontextmanager
async def serving_page(market: ShownMarket) -> AsyncIterator[Served]:
    """Serve the house's own application."""
    ready = Readiness(ready=True, reasons=())
    app = WebApp(lambda: ready, api=api_of(market))
    stop, stopped = trio.Event(), trio.Event()

    async def run(task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        await serve_http(app, "127.0.0.1:0", stop, task_status=task_status)
        stopped.set()

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            port: int = await nursery.start(run)
            yield Served(port, stop, stopped)
            stop.set()


async def read_until(stream: trio.SocketStream, end: bytes) -> bytes:
    """Read up to and with some bytes, or to the end of the connection."""
    data = b""
    while end not in data and (more := await stream.receive_some(65_536)):
        data += more
    return data


async def read_all(stream: trio.SocketStream) -> bytes:
    """Read until the server closes, politely or not."""
    data = b""
    with contextlib.suppress(trio.BrokenResourceError):
        while more := await stream.receive_some(65_536):
            data += more
    return data


@pytest.fixture
def market() -> ShownMarket:
    return ShownMarket(WORLD.now_ns)


async def test_a_write_into_a_connection_that_is_being_closed_is_no_fault() -> None:
    """A client that half-closes while it is answered: hypercorn closes and writes at once.

    It was a fault with its traceback in the log, which any client could fill so. Which of the two
    comes first is trio's to say: ten times neither is enough.
    """
    listening = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port: int = listening[0].socket.getsockname()[1]

    async def close(stream: BoundedStream, begun: trio.Event) -> None:
        begun.set()
        await stream.send_eof()

    async with listening[0]:
        for _ in range(10):
            async with await trio.open_tcp_stream("127.0.0.1", port):
                stream = BoundedStream(await listening[0].accept(), ListenerLimits())
                begun = trio.Event()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(close, stream, begun)
                    await begun.wait()
                    with pytest.raises((trio.BrokenResourceError, trio.ClosedResourceError)):
                        await stream.send_all(b"late")
                await stream.aclose()


# --- The house's own application -------------------------------------------------------------


async def test_requests_share_a_connection(market: ShownMarket) -> None:
    async with serving_page(market) as served, await served.connect() as client:
        for _ in range(3):
            await client.send_all(GET % b"/livez")
            answer = await read_until(client, b"ok\n")
            assert answer.startswith(b"HTTP/1.1 200")
            assert b"content-security-policy: default-src 'none'" in answer
            assert b"\r\nserver:" not in answer


async def test_a_connection_is_idle_after_its_answer() -> None:
    ready = Readiness(ready=True, reasons=())
    app = WebApp(lambda: ready)
    async with (
        serving(app, ListenerLimits(idle_timeout_s=0.05)) as served,
        await served.connect() as client,
    ):
        await client.send_all(GET % b"/livez")
        # Checked: with the application cancelled by its own last send, this does not end.
        assert (await read_until(client, b"no such thing")).endswith(b"ok\n")


async def test_a_stream_arrives_and_ends_properly_at_the_stop(market: ShownMarket) -> None:
    async with serving_page(market) as served, await served.connect() as client:
        stream = b"/api/live/market/BTC-USDT/events?venue=BINANCE&interval=INTERVAL_1S"
        await client.send_all(GET % stream)
        assert b'"snapshot"' in await read_until(client, b'"book"')
        market.trade(BINANCE, PRICE_TICKS)
        assert b'"63000.00"' in await read_until(client, b'"trades":[{')
        served.stop.set()
        # The connection is closed, not reset: the stop did not have to use force.
        last = await read_until(client, b"no such thing")
        assert b'"shutdown"' in last
        assert b"event: problem" in last
        assert last.endswith(b"0\r\n\r\n")
        await served.stopped.wait()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc", b"405"),
        (b"GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET /livez HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /%00%ff/../.. HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"4"),
    ],
)
async def test_bad_requests(request_bytes: bytes, status: bytes, market: ShownMarket) -> None:
    async with serving_page(market) as served:
        async with await served.connect() as client:
            await client.send_all(request_bytes)
            assert (await read_until(client, b"\r\n")).startswith(b"HTTP/1.1 " + status)
        async with await served.connect() as client:
            await client.send_all(GET % b"/livez")
            assert (await read_until(client, b"ok\n")).startswith(b"HTTP/1.1 200")


async def test_an_endless_body_is_answered_and_cut_off(market: ShownMarket) -> None:
    head = b"POST /livez HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def pour(client: trio.SocketStream) -> None:
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while True:
                await client.send_all(b"5\r\nhello\r\n" * 5_000)

    async with serving_page(market) as served, await served.connect() as client:
        await client.send_all(head)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pour, client)
            answer = await read_all(client)
            assert answer.startswith(b"HTTP/1.1 405 ")
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("listen", ["127.0.0.1", "127.0.0.1:", "127.0.0.1:x", ":-1", ""])
async def test_an_address_that_is_none(listen: str, market: ShownMarket) -> None:
    with pytest.raises(ValueError, match="HOST:PORT"):
        await open_listeners(listen)


async def test_an_address_that_is_taken(market: ShownMarket) -> None:
    async with serving_page(market) as served:
        with pytest.raises(OSError, match="in use"):
            await open_listeners(f"127.0.0.1:{served.port}")


async def test_a_name_with_several_addresses_has_one_free_port() -> None:
    listeners, host, port = await open_listeners("localhost:0")
    assert (len(listeners), host) == (1, "localhost")
    assert listeners[0].socket.getsockname()[1] == port
    await listeners[0].aclose()


# --- Clients that do not behave --------------------------------------------------------------


async def flood(_scope: Scope, receive: Receive, send: Send) -> None:
    """An application that sends more than any buffer takes."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1_000):
        await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})


@pytest.mark.parametrize("how", ["stop", "cancel"])
async def test_a_client_that_stops_reading_does_not_hold_up_the_stop(how: str) -> None:
    """Checked: on bare sockets, as hypercorn's own listener has them, this does not end."""
    async with (
        serving(flood, ListenerLimits(write_timeout_s=3600, grace_s=0.1)) as served,
        await served.connect(receive_buffer_bytes=4096) as client,
    ):
        await client.send_all(GET % b"/")
        await read_until(client, b"\r\n\r\n")
        assert served.listener is not None
        assert served.listener.connections == 1
        if how == "stop":
            served.stop.set()
            with trio.fail_after(STOP_S_MAX):
                await served.stopped.wait()
            assert served.listener.connections == 0
        else:
            with trio.fail_after(STOP_S_MAX):
                await cancelled_in_service()


async def cancelled_in_service() -> None:
    """Serve a stuck client, then cancel the listener from outside."""
    listeners, _, port = await open_listeners("127.0.0.1:0")
    listener = HttpListener(flood, ListenerLimits(write_timeout_s=3600))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(listener.serve, listeners, trio.Event(), lambda: None))
        served = Served(port, trio.Event(), trio.Event())
        async with await served.connect(receive_buffer_bytes=4096) as client:
            await client.send_all(GET % b"/")
            await read_until(client, b"\r\n\r\n")
            nursery.cancel_scope.cancel()


async def test_a_client_that_stops_reading_is_cut_off() -> None:
    async with (
        serving(flood, ListenerLimits(write_timeout_s=0.05)) as served,
        await served.connect(receive_buffer_bytes=4096) as client,
    ):
        await client.send_all(GET % b"/")
        await read_until(client, b"\r\n\r\n")
        assert served.listener is not None
        # Checked: without the time limit of a write this waits for ever.
        await served.listener.wait_idle()


async def test_a_connection_without_a_request_is_closed() -> None:
    async with (
        serving(flood, ListenerLimits(idle_timeout_s=0.05)) as served,
        await served.connect() as silent,
        await served.connect() as slow,
    ):
        await slow.send_all(b"GET / HTTP/1.1\r\nHost: loc")
        assert await read_all(silent) == b""
        assert b"200" not in await read_all(slow)


async def test_connections_are_limited() -> None:
    async with (
        serving(flood, ListenerLimits(connections_max=2, idle_timeout_s=3600)) as served,
        await served.connect() as first,
        await served.connect() as second,
    ):
        for client in (first, second):
            await client.send_all(GET % b"/")
            await read_until(client, b"200")
        async with await served.connect() as third:
            assert await read_all(third) == b""


async def leave(_scope: Scope, receive: Receive, send: Send) -> None:
    """An application that answers without reading, and then never comes back."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
    await trio.sleep_forever()


async def test_tasks_do_not_outlive_their_socket() -> None:
    async with serving(leave, ListenerLimits(closed_timeout_s=0.05)) as served:
        client = await served.connect()
        await client.send_all(GET % b"/")
        await read_until(client, b"done")
        await client.aclose()
        assert served.listener is not None
        # Checked: without the deadline set in aclose the task sleeps on and this waits for ever.
        await served.listener.wait_idle()


async def fail(_scope: Scope, receive: Receive, send: Send) -> None:
    """An application with a bug."""
    raise RuntimeError("a bug")


async def test_a_bug_is_a_500_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(fail) as served:
        for _ in range(2):
            async with await served.connect() as client:
                await client.send_all(GET % b"/")
                answer = await read_all(client)
                assert answer.startswith(b"HTTP/1.1 500")
                assert b"bug" not in answer


async def test_a_fault_of_the_protocol_code_ends_one_connection_only(
    market: ShownMarket,
) -> None:
    """A body that goes on after its answer makes hypercorn's HTTP/2 code raise a KeyError.

    Checked: without the outermost frame of a connection the whole listener fails here.
    """
    async with serving_page(market) as served:
        async with await served.connect() as client:
            connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
            connection.initiate_connection()
            connection.send_headers(
                1,
                [
                    (":method", "POST"),
                    (":path", "/livez"),
                    (":scheme", "http"),
                    (":authority", "localhost"),
                    ("host", "localhost"),
                ],
            )
            await client.send_all(connection.data_to_send())
            answered = False
            while not answered:
                for event in connection.receive_data(await client.receive_some(65_536)):
                    answered = answered or isinstance(event, h2.events.StreamEnded)
            with contextlib.suppress(h2.exceptions.StreamClosedError):
                connection.send_data(1, b"more")
            await client.send_all(connection.data_to_send())
            await read_all(client)
        async with await served.connect() as client:
            await client.send_all(GET % b"/livez")
            assert (await read_until(client, b"ok\n")).startswith(b"HTTP/1.1 200")
