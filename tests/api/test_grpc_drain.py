"""How a server ends: calls get their grace, then a status, and nothing is left behind."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import trio

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
from xached.api.routes import Call, Routes, Service
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
