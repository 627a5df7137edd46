"""How a server ends: calls get their grace, then a status, and nothing is left behind."""

from __future__ import annotations

from typing import Any

import grpc
import h2.config
import h2.connection
import h2.settings
import pytest
import trio
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from xache.v1 import types_pb2

from tests.api.edge import (
    OPEN_ECHO,
    Client,
    Doorman,
    Echo,
    Payload,
    Sent,
    details_of,
    error_of,
    in_thread,
    open_edge,
    until,
)
from xached.api.errors import Interceptor
from xached.api.grpc_server import Server
from xached.api.routes import PUBLIC, Call, Requests, Responses, Routes, Service
from xached.runtime.world import RealWorld


class Waits(Echo):
    """Unary calls wait until they are let go."""

    def __init__(self) -> None:
        self.started = trio.Event()
        self.go = trio.Event()
        self.cleaned_up = False

    async def unary(self, _call: Call, request: Any) -> Any:
        """Wait, then answer."""
        self.started.set()
        try:
            await self.go.wait()
        finally:
            self.cleaned_up = True
        return request


async def test_a_drain_lets_calls_end_and_takes_no_new_ones() -> None:
    handlers = Waits()
    async with open_edge(handlers, grace_s=60) as edge:
        with edge.client() as client, edge.client() as late:
            call = client.unary.future(Payload(count=7))
            await handlers.started.wait()
            edge.server.stop(grace_s=60)
            await until(lambda: edge.server.statistics().stopping)
            error = await error_of(lambda: late.unary(Payload(), timeout=10))
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            handlers.go.set()
            assert await in_thread(call.result) == Payload(count=7)


async def test_calls_that_outlast_the_grace_end_unavailable() -> None:
    handlers = Waits()
    async with open_edge(handlers) as edge:
        with edge.client() as client:
            silent = Sent()
            call = client.unary.future(Payload())
            stream = client.chat(iter(silent))
            await handlers.started.wait()
            await until(lambda: edge.server.statistics().calls == 2)
            edge.server.stop(grace_s=0)
            for ended in (call, stream):
                assert await in_thread(ended.code) is grpc.StatusCode.UNAVAILABLE
                assert details_of(ended)[1].reason == "STOPPING"
            silent.done()
    assert handlers.cleaned_up
    assert edge.server.statistics().calls_open == 0


async def test_a_crash_of_the_daemon_ends_calls_unavailable() -> None:
    """The server is cancelled from outside, as when another actor failed."""
    handlers = Waits()
    world = RealWorld()
    incidents: list[object] = []
    server = Server(
        Routes([Service(descriptor=OPEN_ECHO, handlers=handlers)], Doorman()),
        Interceptor(world, lambda *incident: incidents.append(incident)),
        world,
    )
    port = server.add_insecure_port("127.0.0.1:0")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        client = Client(channel, OPEN_ECHO)
        with pytest.RaisesGroup(ZeroDivisionError):
            async with trio.open_nursery() as nursery:
                await nursery.start(server.serve)
                call = client.unary.future(Payload())
                await handlers.started.wait()
                raise ZeroDivisionError
        assert await in_thread(call.code) is grpc.StatusCode.UNAVAILABLE
        assert details_of(call)[1].reason == "STOPPING"
    assert handlers.cleaned_up
    assert incidents == []
    assert server.statistics().calls_open == 0


async def test_an_error_while_a_handler_is_cancelled_is_reported() -> None:
    class Stumbles(Waits):
        async def unary(self, call: Call, request: Any) -> Any:
            try:
                return await super().unary(call, request)
            finally:
                raise ValueError("while cleaning up")

    handlers = Stumbles()
    async with open_edge(handlers) as edge:
        with edge.client() as client:
            call = client.unary.future(Payload())
            await handlers.started.wait()
            edge.server.stop(grace_s=0)
            assert await in_thread(call.code) is grpc.StatusCode.INTERNAL
    assert len(edge.incidents) == 1


async def test_servers_come_and_go() -> None:
    for number in range(10):
        async with open_edge() as edge:
            with edge.client() as client:
                assert (await in_thread(client.unary, Payload(count=number))).count == number


async def test_a_server_that_nobody_called_stops() -> None:
    async with open_edge() as edge:
        pass
    assert edge.server.statistics().started == 0


# --- Streams are told. -----------------------------------------------------------------------


def declare_noticed() -> Any:
    """A service whose messages ``Note{count, shutdown}`` have a place for the notice."""
    proto = descriptor_pb2.FileDescriptorProto(
        name="edge/noticed.proto",
        package="edge.noticed",
        syntax="proto3",
        dependency=["xache/v1/types.proto"],
    )
    kinds = descriptor_pb2.FieldDescriptorProto
    note = proto.message_type.add(name="Note")
    note.field.add(name="count", number=1, type=kinds.TYPE_INT32, label=kinds.LABEL_OPTIONAL)
    note.field.add(
        name="shutdown",
        number=2,
        type=kinds.TYPE_MESSAGE,
        type_name=".xache.v1.ServerShutdown",
        label=kinds.LABEL_OPTIONAL,
    )
    service = proto.service.add(name="Noticed")
    for name, request_streaming, response_streaming in (
        ("Unary", False, False),
        ("Watch", False, True),
        ("Enter", True, True),
    ):
        service.method.add(
            name=name,
            input_type=".edge.noticed.Note",
            output_type=".edge.noticed.Note",
            client_streaming=request_streaming,
            server_streaming=response_streaming,
        )
    pool = descriptor_pool.Default()
    pool.Add(proto)
    return pool.FindServiceByName("edge.noticed.Noticed")


NOTICED = declare_noticed()
Note: Any = message_factory.GetMessageClass(NOTICED.methods[0].input_type)


class Noticing:
    """Watches say one thing and then nothing; entries are answered when they may be."""

    def __init__(self) -> None:
        self.go = trio.Event()
        self.working = 0

    async def unary(self, _call: Call, request: Any) -> Any:
        """Answer when it may."""
        self.working += 1
        await self.go.wait()
        return request

    async def watch(self, _call: Call, _request: Any, responses: Responses[Any]) -> None:
        """Say one thing."""
        await responses.send(Note(count=1))
        self.working += 1
        await trio.sleep_forever()

    async def enter(self, _call: Call, requests: Requests[Any], responses: Responses[Any]) -> None:
        """Answer everything that came, once it may; then end."""
        taken = []
        while batch := await requests.receive_batch():
            taken.extend(batch)
            self.working += 1
        await self.go.wait()
        await responses.send_many(taken)


class NoticedServer:
    """A running server of the service, and a client of it."""

    def __init__(self, handlers: Noticing) -> None:
        world = RealWorld()
        self.incidents: list[object] = []
        self.server = Server(
            Routes([Service(descriptor=NOTICED, handlers=handlers, declared=PUBLIC)], Doorman()),
            Interceptor(world, lambda *incident: self.incidents.append(incident)),
            world,
        )
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.port}", options=[("grpc.use_local_subchannel_pool", 1)]
        )

    def method(self, kind: str, name: str) -> Any:
        """A method of the service."""
        return getattr(self.channel, kind)(
            f"/edge.noticed.Noticed/{name}",
            request_serializer=Note.SerializeToString,
            response_deserializer=Note.FromString,
        )


def rest_of(stream: Any) -> tuple[list[Any], Any]:
    """What a stream still says, and how it ends."""
    messages = []
    try:
        for message in stream:
            messages.append(message)
    except grpc.RpcError as error:
        return messages, error
    raise AssertionError("it ended without a word")


async def test_streams_are_told_of_a_stop_and_end_at_once_while_calls_get_the_grace() -> None:
    """With the notice left out (no ``call.shut``) the streams last the whole grace: tried."""
    handlers = Noticing()
    edge = NoticedServer(handlers)
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(edge.server.serve)
            with edge.channel:
                streams = [edge.method("unary_stream", "Watch")(Note()) for _ in range(5)]
                call = edge.method("unary_unary", "Unary").future(Note(count=9))
                await until(lambda: handlers.working == 6)
                edge.server.stop(3600, "new version")
                for stream in streams:
                    (said, notice), error = await in_thread(rest_of, stream)
                    assert said == Note(count=1)
                    assert notice.shutdown == types_pb2.ServerShutdown(
                        reason="new version", grace_ms=3_600_000, retry_after_ms=1_000
                    )
                    assert error.code() is grpc.StatusCode.UNAVAILABLE
                    assert details_of(error)[1].reason == "STOPPING"
                assert edge.server.statistics().calls == 1
                handlers.go.set()
                assert await in_thread(call.result) == Note(count=9)
                await edge.server.wait_stopped()
    assert edge.incidents == []


async def test_what_an_entry_stream_took_is_answered_before_the_notice() -> None:
    handlers = Noticing()
    edge = NoticedServer(handlers)
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(edge.server.serve)
            with edge.channel:
                sent = Sent()
                sent.put(Note(count=1))
                stream = edge.method("stream_stream", "Enter")(iter(sent))
                await until(lambda: handlers.working == 1)
                edge.server.stop(3600)
                await until(lambda: edge.server.statistics().stopping)
                handlers.go.set()
                (answer, notice), error = await in_thread(rest_of, stream)
                assert answer == Note(count=1)
                assert notice.HasField("shutdown")
                assert error.code() is grpc.StatusCode.UNAVAILABLE
                sent.done()
    assert edge.incidents == []


async def test_a_stream_that_nobody_reads_does_not_delay_a_stop() -> None:
    """Its notice waits for two seconds at most; without that bound this takes an hour: tried."""
    handlers = Noticing()
    edge = NoticedServer(handlers)
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            await nursery.start(edge.server.serve)
            connection = h2.connection.H2Connection(h2.config.H2Configuration())
            connection.initiate_connection()
            # No window: what is said to this client stays where it is.
            connection.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
            connection.send_headers(
                1,
                [
                    (":method", "POST"),
                    (":scheme", "http"),
                    (":path", "/edge.noticed.Noticed/Watch"),
                    (":authority", "localhost"),
                    ("content-type", "application/grpc"),
                    ("te", "trailers"),
                ],
            )
            connection.send_data(1, bytes(5), end_stream=True)
            async with await trio.open_tcp_stream("127.0.0.1", edge.port) as stream:
                await stream.send_all(connection.data_to_send())
                await until(lambda: handlers.working == 1)
                edge.server.stop(3600)
                await edge.server.wait_stopped()
    assert edge.incidents == []
