"""What a client may take: calls, bytes, connections and the house's patience."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings
import pytest
import trio
from google.rpc import error_details_pb2

from tests.api.edge import (
    OPEN_ECHO,
    Client,
    Echo,
    Payload,
    Sent,
    details_of,
    error_of,
    in_thread,
    open_edge,
    until,
)
from xached.api.grpc_server import Limits
from xached.api.routes import Call, Responses


async def test_calls_beyond_the_limit_are_refused_at_once() -> None:
    go = trio.Event()

    class Waits(Echo):
        async def unary(self, _call: Call, request: Any) -> Any:
            await go.wait()
            return request

    async with open_edge(Waits(), limits=Limits(calls_max=3)) as edge:
        with edge.client() as client:
            calls = [client.unary.future(Payload()) for _ in range(3)]
            await until(lambda: edge.server.statistics().calls == 3)
            error = await error_of(client.unary, Payload())
            status, info = details_of(error)
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert info.reason == "OVERLOADED"
            assert status.details[1].Is(error_details_pb2.RetryInfo.DESCRIPTOR)
            go.set()
            assert [await in_thread(call.code) for call in calls] == [grpc.StatusCode.OK] * 3
            await edge.server.wait_idle()
            await in_thread(client.unary, Payload())
    assert edge.server.statistics().refused == 1


async def test_one_address_cannot_take_the_places_of_all(tmp_path: Path) -> None:
    """Seen before: sixteen anonymous connections full of open streams, and nobody could cancel."""
    go = trio.Event()

    class Waits(Echo):
        async def repeat(self, _call: Call, _request: Any, _responses: Responses[Any]) -> None:
            await go.wait()

    limits = Limits(calls_max=4, calls_per_address_max=3)
    async with open_edge(Waits(), limits=limits, socket=tmp_path / "edge.sock") as edge:
        with (
            edge.client() as client,
            edge.client() as another,
            grpc.insecure_channel(f"unix:{tmp_path / 'edge.sock'}") as elsewhere,
        ):
            streams = [client.repeat(Payload()) for _ in range(3)]
            await until(lambda: edge.server.statistics().calls == 3)
            error = await error_of(another.unary, Payload())
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert details_of(error)[1].reason == "OVERLOADED"
            await in_thread(Client(elsewhere, OPEN_ECHO).unary, Payload())
            go.set()
            assert [await in_thread(call.code) for call in streams] == [grpc.StatusCode.OK] * 3
            await edge.server.wait_idle()
            await in_thread(another.unary, Payload())


async def test_a_request_that_does_not_arrive_is_given_up() -> None:
    limits = Limits(request_timeout_s=0.01)
    async with open_edge(limits=limits) as edge:
        with edge.client() as client:
            half_a_call = client.channel.stream_unary("/edge.open.Echo/Unary", None, None)
            silent = Sent()
            error = await error_of(half_a_call, iter(silent))
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert details_of(error)[1].reason == "REQUEST_TIMEOUT"
            silent.done()
            await edge.server.wait_idle()


async def test_a_call_without_its_message_is_refused() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            half_a_call = client.channel.stream_unary("/edge.open.Echo/Unary", None, None)
            error = await error_of(half_a_call, iter(()))
            assert error.code() is grpc.StatusCode.UNIMPLEMENTED
            assert details_of(error)[1].reason == "NO_MESSAGE"


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    ended = trio.Event()

    class Floods(Echo):
        async def repeat(self, _call: Call, _request: Any, responses: Responses[Any]) -> None:
            try:
                while True:
                    await responses.send(Payload(body=bytes(100_000)))
            finally:
                ended.set()

    async with open_edge(Floods(), limits=Limits(write_timeout_s=0.01)) as edge:
        with edge.client() as client:
            stream = client.repeat(Payload())
            await ended.wait()
            await edge.server.wait_idle()
            await in_thread(client.unary, Payload())
            stream.cancel()
    assert edge.incidents == []


async def test_an_answer_that_is_not_read_does_not_keep_its_place() -> None:
    """Checked without a bound: the call takes a place for as long as the connection lives."""
    async with open_edge(limits=Limits(write_timeout_s=0.01)) as edge:
        connection = h2.connection.H2Connection(h2.config.H2Configuration())
        connection.initiate_connection()
        # No window: the answer stays where it is, however lively the client is otherwise.
        connection.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/edge.open.Echo/Unary"),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]
        message = Payload(text="x").SerializeToString()
        connection.send_headers(1, headers)
        connection.send_data(1, bytes([0]) + len(message).to_bytes(4) + message, end_stream=True)
        stream = await trio.open_tcp_stream("127.0.0.1", edge.port)
        async with stream:
            await stream.send_all(connection.data_to_send())
            answered = False
            while not answered:
                events = connection.receive_data(await stream.receive_some())
                assert not any(isinstance(event, h2.events.DataReceived) for event in events)
                answered = any(isinstance(event, h2.events.StreamEnded) for event in events)
            await edge.server.wait_idle()


async def test_a_quiet_stream_is_not_cut_off() -> None:
    """Nothing to send is no fault of the client."""
    limits = Limits(write_timeout_s=0.01, request_timeout_s=0.01)
    async with open_edge(limits=limits) as edge:
        with edge.client() as client:
            quiet = Sent()
            stream = client.chat(iter(quiet))
            quiet.put(Payload(count=1))
            await in_thread(next, stream)
            slow = client.channel.stream_unary("/edge.open.Echo/Unary", None, None)
            silent = Sent()
            await error_of(slow, iter(silent))  # The watch has gone round.
            quiet.put(Payload(count=2))
            assert (await in_thread(next, stream)).count == 2
            for sent in (quiet, silent):
                sent.done()
            assert await in_thread(stream.code) is grpc.StatusCode.OK


async def test_metadata_beyond_the_limit_is_refused() -> None:
    async with open_edge(limits=Limits(metadata_bytes=2048)) as edge:
        with edge.client() as client:
            pairs = tuple((f"x-{n}", "v" * 1000) for n in range(6))
            error = await error_of(lambda: client.unary(Payload(), metadata=pairs))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            await in_thread(client.unary, Payload())


async def test_streams_of_one_connection_are_limited() -> None:
    async with open_edge(limits=Limits(streams_per_connection_max=2)) as edge:
        with edge.client() as client, edge.client() as other:
            silent = Sent()
            streams = [client.chat(iter(silent)) for _ in range(2)]
            await until(lambda: edge.server.statistics().calls == 2)
            error = await error_of(lambda: client.unary(Payload(), timeout=0.05))
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await in_thread(other.unary, Payload())
            for stream in streams:
                stream.cancel()
                silent.done()


@pytest.mark.parametrize("first_bytes", [b"", b"PRI * HTTP/2.0\r\n\r\nSM"], ids=["silent", "half"])
async def test_a_connection_that_does_not_speak_http2_in_time_is_closed(first_bytes: bytes) -> None:
    async with open_edge(limits=Limits(handshake_timeout_s=0.05)) as edge:
        stream = await trio.open_tcp_stream("127.0.0.1", edge.port)
        async with stream:
            await stream.send_all(first_bytes)
            # The server's own settings come first; then it is closed, not kept waiting.
            while await stream.receive_some():
                pass
            assert await stream.receive_some() == b""


async def test_connections_are_limited() -> None:
    async with open_edge(limits=Limits(connections_max=3)) as edge:
        raw = [socket.create_connection(("127.0.0.1", edge.port)) for _ in range(3)]
        with edge.client() as client:
            error = await error_of(lambda: client.unary(Payload(), timeout=0.3))
            assert error.code() in {
                grpc.StatusCode.UNAVAILABLE,
                grpc.StatusCode.DEADLINE_EXCEEDED,
            }
        for connection in raw:
            connection.close()
        with edge.client() as client:
            await in_thread(lambda: client.unary(Payload(), wait_for_ready=True, timeout=20))


async def test_a_message_that_unpacks_beyond_the_limit_is_refused() -> None:
    """20 MB of zeros travel as 20 kB."""
    async with open_edge() as edge:
        with edge.client() as client:
            bomb = Payload(body=bytes(20_000_000))
            error = await error_of(
                lambda: client.unary(bomb, compression=grpc.Compression.Gzip, timeout=20)
            )
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            small = Payload(body=bytes(100_000))
            packed = client.unary.future(small, compression=grpc.Compression.Gzip, timeout=20)
            assert await in_thread(packed.result) == small


async def test_a_connection_that_has_grown_old_is_replaced() -> None:
    limits = Limits(connection_age_s=0.05, connection_grace_s=0.05)
    async with open_edge(limits=limits) as edge:
        with edge.client() as client:
            silent = Sent()
            stream = client.chat(iter(silent))
            assert await in_thread(stream.code) is not grpc.StatusCode.OK
            silent.done()
            again = Payload(body=b"again")
            echo = partial(client.unary, again, wait_for_ready=True, timeout=20)
            assert await in_thread(echo) == again


async def test_a_client_that_only_pings_is_cut_off() -> None:
    async with open_edge() as edge:
        connection = h2.connection.H2Connection(h2.config.H2Configuration())
        connection.initiate_connection()
        stream = await trio.open_tcp_stream("127.0.0.1", edge.port)
        told = []
        async with stream:
            for number in range(20):
                connection.ping(number.to_bytes(8))
            await stream.send_all(connection.data_to_send())
            while data := await stream.receive_some():
                told += connection.receive_data(data)
        (end,) = (event for event in told if isinstance(event, h2.events.ConnectionTerminated))
        assert end.error_code is h2.errors.ErrorCodes.ENHANCE_YOUR_CALM
