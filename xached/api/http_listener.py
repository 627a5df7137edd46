"""The HTTP listener: hypercorn's connections on sockets that always come to an end.

Hypercorn 0.18 speaks the protocols; it is given each accepted socket instead of its own listener,
for three reasons. It writes inside a shielded scope, so a client that stops reading would hold
up the stop for ever: here every write ends in time, and an abort ends it at once. It leaves tasks
behind on some connections that it has closed: here they are cancelled a little later. And a
fault of the protocol code ends its own connection and no other.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import partial
from typing import Any, Final, TypeAlias, cast

import attrs
import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.logging import Logger
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState
from loguru import logger

from xached.api.http_protocols import mend_hypercorn

mend_hypercorn()

Scope: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Mapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An application as ASGI 3 defines it, for the parts that are used here."""

GRACE_S: Final = 1.0
"""What requests under way get to end when the listener stops."""


@attrs.frozen(kw_only=True)
class ListenerLimits:
    """What clients may take, and how long things may last."""

    connections_max: int = 512
    connections_per_address_max: int = 256
    """Nobody alone can shut others out; several people may share an address."""
    write_timeout_s: float = 10.0
    """How long a write may wait for a client that does not read."""
    idle_timeout_s: float = 10.0
    """How long a connection may be without the whole head of a request."""
    handshake_timeout_s: float = 5.0
    closed_timeout_s: float = 2.0
    """How long the tasks of a connection may outlive its socket."""
    grace_s: float = GRACE_S
    """How long requests under way may take once the listener stops."""
    send_buffer_bytes: int = 64 * 1024
    """The kernel's; what waits in it for a slow client is old news."""


async def open_listeners(listen: str) -> tuple[list[trio.SocketListener], str, int]:
    """Listen on HOST:PORT ([HOST]:PORT for IPv6); port 0 picks a free one.

    Returns the listeners with the host and the port. Raises: OSError, ValueError.
    """
    host, colon, digits = listen.rpartition(":")
    if not colon or not digits.isdecimal():
        raise ValueError(f"{listen!r} is not HOST:PORT")
    host = host.removeprefix("[").removesuffix("]")
    try:
        listeners = await trio.open_tcp_listeners(int(digits), host=host or None)
    except OSError as error:
        raise OSError(f"cannot listen on {listen}: {error.strerror}") from None
    if int(digits) == 0:
        # A name with several addresses would get a free port of its own for each.
        for listener in listeners[1:]:
            await listener.aclose()
        del listeners[1:]
    port: int = listeners[0].socket.getsockname()[1]
    return listeners, host, port


class HttpListener:
    """Serves an application on sockets until it is told to stop; once only."""

    def __init__(
        self,
        app: AsgiApp,
        limits: ListenerLimits | None = None,
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """``tls``: what a connection that begins shows; None: they are in clear."""
        self._tls = tls
        self._app = ASGIWrapper(cast(ASGIFramework, app))
        self._limits = limits or ListenerLimits()
        self._config = _hypercorn_config(self._limits)
        self._context = WorkerContext(None)
        self._connections: set[BoundedStream] = set()
        self._connected: Counter[str] = Counter()
        self._idle = trio.Event()

    async def serve(
        self,
        listeners: list[trio.SocketListener],
        stop: trio.Event,
        on_stop: Callable[[], None],
    ) -> None:
        """Accept until ``stop``; then call ``on_stop`` and give requests the grace time to end.

        However it ends, no connection outlives it.
        """
        async with trio.open_nursery() as connections:
            try:
                async with trio.open_nursery() as accepting:
                    accepting.start_soon(
                        partial(
                            trio.serve_listeners,
                            self._serve_connection,
                            listeners,
                            handler_nursery=connections,
                        )
                    )
                    await stop.wait()
                    accepting.cancel_scope.cancel()
                await self._context.terminated.set()
                on_stop()
                with trio.move_on_after(self._limits.grace_s):
                    await self.wait_idle()
            finally:
                for stream in self._connections:
                    stream.abort()
                connections.cancel_scope.cancel()

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._connections)

    async def wait_idle(self) -> None:
        """Wait until there is no connection."""
        while self._connections:
            self._idle = trio.Event()
            await self._idle.wait()

    async def _serve_connection(self, accepted: trio.SocketStream) -> None:
        try:
            address: str = accepted.socket.getpeername()[0]
        except OSError:
            return  # It has gone already.
        if (
            len(self._connections) >= self._limits.connections_max
            or self._connected[address] >= self._limits.connections_per_address_max
        ):
            return
        stream = (
            BoundedStream(accepted, self._limits)
            if self._tls is None
            else TlsStream(accepted, self._limits, self._tls())
        )
        self._connections.add(stream)
        self._connected[address] += 1
        server = TCPServer(
            self._app,
            self._config,
            self._context,
            ConnectionState({}),
            cast("trio.SSLStream[trio.SocketStream]", stream),
        )
        try:
            with stream.scope:
                await server.run()
        except* Exception as errors:
            # The outermost frame of a connection. Seen with HTTP/2: a body that goes on after its
            # answer is a KeyError in hypercorn.
            logger.opt(exception=errors).error("an HTTP connection failed")
        finally:
            self._connections.discard(stream)
            self._connected[address] -= 1
            if not self._connected[address]:
                del self._connected[address]
            if not self._connections:
                self._idle.set()


class BoundedStream:
    """An accepted socket as hypercorn uses it, whose writes and whose tasks end in time."""

    def __init__(self, stream: trio.SocketStream, limits: ListenerLimits) -> None:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, limits.send_buffer_bytes)
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEPALIVE:
            stream.setsockopt(socket.IPPROTO_TCP, option, value)
        self.socket = stream.socket
        self.scope = trio.CancelScope()
        self._stream: trio.abc.Stream = stream
        self._limits = limits

    async def receive_some(self, bytes_max: int) -> bytes:
        return bytes(await self._stream.receive_some(bytes_max))

    async def send_all(self, data: bytes) -> None:
        with trio.move_on_after(self._limits.write_timeout_s) as scope:
            try:
                await self._stream.send_all(data)
            except trio.BusyResourceError:
                # Hypercorn is closing it meanwhile, because the client has half-closed.
                raise trio.BrokenResourceError("the connection is being closed") from None
        if scope.cancelled_caught:
            self.abort()
            raise trio.BrokenResourceError("the client does not read")

    async def send_eof(self) -> None:
        assert isinstance(self._stream, trio.SocketStream)
        await self._stream.send_eof()

    async def aclose(self) -> None:
        self._end_soon()
        await self._stream.aclose()

    def abort(self) -> None:
        """Close at once, with what is unsent thrown away; who waits on it is woken."""
        self._end_soon()
        if self.socket.fileno() >= 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.socket.close()

    def _end_soon(self) -> None:
        deadline = trio.current_time() + self._limits.closed_timeout_s
        self.scope.deadline = min(self.scope.deadline, deadline)


class TlsStream(BoundedStream):
    """The same over TLS."""

    def __init__(
        self, stream: trio.SocketStream, limits: ListenerLimits, context: ssl.SSLContext
    ) -> None:
        super().__init__(stream, limits)
        # Browsers close without saying so.
        self._tls = trio.SSLStream(stream, context, server_side=True, https_compatible=True)
        self._stream = self._tls
        self.transport_stream = stream

    async def do_handshake(self) -> None:
        """Hypercorn bounds its time, and takes its failure for what it is."""
        await self._tls.do_handshake()

    def selected_alpn_protocol(self) -> str | None:
        """What client and house speak."""
        protocol: str | None = self._tls.selected_alpn_protocol()
        return protocol

    async def send_eof(self) -> None:
        """TLS has no half-closed connections."""


_KEEPALIVE: Final = (
    (socket.TCP_KEEPIDLE, 15),
    (socket.TCP_KEEPINTVL, 5),
    (socket.TCP_KEEPCNT, 3),
)
"""A client that vanished without a word is noticed in half a minute, even when nothing is sent."""


class _Log(Logger):
    """Hypercorn's messages in the daemon's log: faults only, no record of who asked for what."""

    async def exception(self, message: str, *_args: Any, **_kwargs: Any) -> None:
        logger.opt(exception=True).error("HTTP: {}", message)

    async def critical(self, message: str, *_args: Any, **_kwargs: Any) -> None:
        logger.critical("HTTP: {}", message)


def _hypercorn_config(limits: ListenerLimits) -> Config:
    config = Config()
    config.logger_class = _Log
    config.errorlog = None
    config.include_server_header = False
    config.keep_alive_timeout = limits.idle_timeout_s
    # By default the thousandth request ends its connection, and what else is under way on it.
    config.keep_alive_max_requests = 2**31
    config.h11_max_incomplete_size = 16 * 1024
    config.h2_max_concurrent_streams = 32
    config.h2_max_header_list_size = 16 * 1024
    config.ssl_handshake_timeout = limits.handshake_timeout_s
    return config
