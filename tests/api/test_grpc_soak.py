"""Clients at their worst: cancels at any moment, dropped connections, garbage on the wire."""

from __future__ import annotations

import os
import random
import socket
import struct
from typing import Any

import grpc
import h2.config
import h2.connection
import pytest
import trio

from tests.api.edge import Client, Echo, Edge, Payload, Sent, in_thread, open_edge
from xached.api.grpc_server import Limits
from xached.api.routes import Call, Requests, Responses

ROUNDS = 5_000 if os.environ.get("XACHE_LONG") else 2_000
WORKERS = 4
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends RST.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Mixed(Echo):
    """Handlers that take some time, so that calls break off in the middle of them."""

    async def unary(self, _call: Call, request: Any) -> Any:
        """Give other tasks ``count`` turns, or wait for ever."""
        if request.count < 0:
            await trio.sleep_forever()
        for _ in range(request.count):
            await trio.lowlevel.checkpoint()
        return request

    async def repeat(self, _call: Call, request: Any, responses: Responses[Any]) -> None:
        """Send for ever."""
        while True:
            await responses.send(Payload(body=request.body))

    async def chat(self, _call: Call, requests: Requests[Any], responses: Responses[Any]) -> None:
        """Two tasks on one stream: one answers, one chatters."""

        async def chatter() -> None:
            while True:
                await responses.send(Payload(text="chatter"))
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(chatter)
            async for request in requests:
                await responses.send(request)
            nursery.cancel_scope.cancel()


class Worker:
    """One client thread that does ``rounds`` things chosen by its seed."""

    def __init__(self, edge: Edge, seed: int) -> None:
        self._edge = edge
        self._random = random.Random(seed)

    def run(self, rounds: int) -> None:
        """Misbehave."""
        acts = (
            self.ask,
            self.time_out,
            self.cancel_unary,
            self.cancel_stream,
            self.cancel_chat,
            self.cancel_upload,
            self.close_channel,
            self.break_connection,
            self.send_garbage,
            self.send_garbage_frames,
        )
        with self._edge.client() as client:
            for _ in range(rounds):
                self._random.choice(acts)(client)

    def ask(self, client: Client) -> None:
        """A call that must succeed amid all this."""
        request = Payload(count=self._random.randrange(5), body=self._bytes(2000))
        assert client.unary(request, timeout=30) == request

    def time_out(self, client: Client) -> None:
        """A deadline that passes."""
        with pytest.raises(grpc.RpcError):
            client.unary(Payload(count=-1), timeout=self._random.uniform(0.0005, 0.01))

    def cancel_unary(self, client: Client) -> None:
        """A cancel at any moment of a call."""
        call = client.unary.future(Payload(count=self._random.choice((-1, 0, 3))))
        self._spin()
        call.cancel()

    def cancel_stream(self, client: Client) -> None:
        """A cancel after some responses."""
        stream = client.repeat(Payload(body=self._bytes(5000)))
        for _ in range(self._random.randrange(20)):
            next(stream)
        stream.cancel()

    def cancel_chat(self, client: Client) -> None:
        """A cancel, or a clean end, of a conversation."""
        sent = Sent()
        stream = client.chat(iter(sent))
        for _ in range(self._random.randrange(5)):
            sent.put(Payload(text="hello"))
            next(stream)
        if self._random.random() < 0.5:
            stream.cancel()
            sent.done()
        else:
            sent.done()
            for _ in stream:
                pass

    def cancel_upload(self, client: Client) -> None:
        """A cancel in the middle of a request stream."""
        sent = Sent()
        call = client.collect.future(iter(sent))
        for _ in range(self._random.randrange(10)):
            sent.put(Payload())
        self._spin()
        call.cancel()
        sent.done()

    def close_channel(self, _client: Client) -> None:
        """A whole connection that goes with its calls."""
        with self._edge.client() as other:
            other.unary.future(Payload(count=-1))
            next(other.repeat(Payload()))

    def break_connection(self, _client: Client) -> None:
        """A connection that is reset in the middle of calls."""
        with self._connect() as raw:
            connection = h2.connection.H2Connection(h2.config.H2Configuration())
            connection.initiate_connection()
            for _ in range(self._random.randrange(1, 4)):
                stream_id = connection.get_next_available_stream_id()
                connection.send_headers(stream_id, self._headers())
                frame = b"\x00" + struct.pack(">I", 1000)  # 1000 bytes are announced.
                connection.send_data(stream_id, frame + self._bytes(900))
            raw.sendall(connection.data_to_send())
            if self._random.random() < 0.5:
                raw.recv(100)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    def send_garbage(self, _client: Client) -> None:
        """Bytes that are no HTTP/2."""
        with self._connect() as raw:
            raw.sendall(self._bytes(500))

    def send_garbage_frames(self, _client: Client) -> None:
        """A proper start, then frames of any type with anything inside."""
        with self._connect() as raw:
            data = PREFACE + b"\0\0\0\4\0\0\0\0\0"
            for _ in range(self._random.randrange(1, 10)):
                body = self._bytes(100)
                kind, flags = self._random.randrange(12), self._random.randrange(256)
                stream_id = self._random.choice((0, 1, 2, 3, 2**31 - 1))
                data += struct.pack(">I", len(body))[1:] + bytes((kind, flags))
                data += struct.pack(">I", stream_id) + body
            try:
                raw.sendall(data)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(4096):
                    pass
            except OSError:
                pass  # The server has hung up: what else could it do.

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._edge.port), timeout=20)

    def _headers(self) -> list[tuple[str, str]]:
        method = self._random.choice(("Unary", "Collect", "Repeat", "Chat", "Nothing"))
        return [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", f"/edge.open.Echo/{method}"),
            (":authority", "localhost"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ]

    def _bytes(self, length_max: int) -> bytes:
        return self._random.randbytes(self._random.randrange(length_max))

    def _spin(self) -> None:
        for _ in range(self._random.randrange(20_000)):
            pass


async def test_after_all_of_it_no_call_is_left_and_the_server_answers() -> None:
    async with open_edge(Mixed(), limits=Limits(handshake_timeout_s=1.0)) as edge:
        async with trio.open_nursery() as nursery:
            for seed in range(WORKERS):
                nursery.start_soon(in_thread, Worker(edge, seed).run, ROUNDS // WORKERS)
        await edge.server.wait_idle()
        statistics = edge.server.statistics()
        assert statistics.calls == 0
        assert statistics.calls_open == 0
        assert statistics.started > ROUNDS // 2
        with edge.client() as client:
            assert await in_thread(client.unary, Payload(count=1)) == Payload(count=1)
    assert edge.incidents == []
