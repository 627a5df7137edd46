"""The gRPC server: grpcio's core driven by trio.

Listeners, admission and the drain are here; the life of one call is in grpc_call.py, the way
its events come in grpc_pump.py. One server is one table of routes: the public edge and the admin
socket are two.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import attrs
import grpc
import trio

from xached.api.errors import RESTART_S, Interceptor, StatusError, overloaded, stopping
from xached.api.grpc_call import GrpcCall
from xached.api.grpc_core import CoreEvent, cygrpc
from xached.api.grpc_pump import CompletionPump
from xached.api.metadata import address_of
from xached.api.routes import Routes, Shutdown
from xached.runtime.world import NS_PER_S, World

KIB: Final = 1024


@attrs.frozen(kw_only=True)
class Limits:
    """What clients may take. A connection or call beyond is refused, never queued.

    The rules of HTTP/2 itself are the core's; names are those of grpc_types.h.
    """

    message_bytes_max: int = 256 * KIB
    metadata_bytes: int = 8 * KIB
    """From here on requests may be refused; at twice the size they are."""
    calls_max: int = 4096
    """Calls at a time, all connections together."""
    calls_per_address_max: int = 2048
    """Half of them, as an account has half of a mailbox: nobody alone can shut others out."""
    connections_max: int = 1024
    streams_per_connection_max: int = 256
    handshake_timeout_s: float = 5.0
    """For TLS and for the first bytes of HTTP/2. The core's own default is two minutes."""
    connection_idle_s: float = 600.0
    connection_age_s: float = 24 * 3600.0
    """A connection this old is asked to go; its calls get the grace time to end."""
    connection_grace_s: float = 300.0
    keepalive_s: float = 30.0
    """How often a silent connection is probed: what finds clients that vanished."""
    keepalive_timeout_s: float = 10.0
    ping_interval_s: float = 5.0
    """Clients that probe more often than this are cut off."""
    request_timeout_s: float = 10.0
    """How long the one request message of a call may take to arrive."""
    write_timeout_s: float = 60.0
    """How long a response may wait for a client that does not read."""


@attrs.frozen(kw_only=True)
class ServerStatistics:
    """What the server does and did."""

    calls: int
    """Calls that it works on now."""
    calls_open: int
    """Calls the core still knows: those, and refused ones on their way out."""
    started: int
    refused: int
    """Calls that were refused before their handler ran: unknown, too many, or stopping."""
    incidents: int
    buffered_bytes: int
    """What waits in all calls for clients to read."""
    stopping: bool


class Server:
    """A gRPC server. Add ports, then run :meth:`serve`."""

    def __init__(
        self, routes: Routes, interceptor: Interceptor, world: World, limits: Limits | None = None
    ) -> None:
        self.routes = routes
        self.interceptor = interceptor
        self._world = world
        self._limits = limits or Limits()
        self.request_timeout_s = self._limits.request_timeout_s
        self.write_timeout_s = self._limits.write_timeout_s
        self._pump = CompletionPump(world)
        self._core: Any = cygrpc.Server(_core_options(self._limits), False)
        self._core.register_completion_queue(self._pump.queue)
        self._nursery: trio.Nursery | None = None
        self._calls: set[GrpcCall] = set()
        self._counted = 0
        self._counted_of: Counter[str] = Counter()
        self._started = 0
        self._refused = 0
        self._stopping = False
        self._shutdown = Shutdown(reason="", grace_s=0.0, retry_after_s=RESTART_S)
        self._stop = trio.Event()
        self._down = trio.Event()
        self._idle = trio.Event()

    # --- Listeners ------------------------------------------------------------------------------

    def add_insecure_port(self, address: str) -> int:
        """Listen on ``host:port`` in clear. Port 0 picks a free one. Returns the port.

        Raises: OSError when the address cannot be had.
        """
        return self._add_port(address, ())

    def add_secure_port(self, address: str, credentials: grpc.ServerCredentials) -> int:
        """Listen on ``host:port`` with TLS; see :func:`tls_credentials`. Returns the port.

        Raises: OSError when the address cannot be had.
        """
        return self._add_port(address, (_core_credentials(credentials),))

    def add_unix_socket(self, path: Path) -> None:
        """Listen on a socket that only the daemon's own user may open.

        Raises: OSError when the path cannot be had.
        """
        # The socket must never be open to others, not even until the next line.
        before = os.umask(0o177)
        try:
            self._add_port(f"unix:{path}", ())
        finally:
            os.umask(before)

    def _add_port(self, address: str, credentials: tuple[Any, ...]) -> int:
        try:
            port: int = self._core.add_http2_port(address.encode(), *credentials)
        except RuntimeError as error:
            raise OSError(f"cannot listen on {address}: {error}") from None
        if port == 0:
            raise OSError(f"cannot listen on {address}")
        return port

    # --- Serving --------------------------------------------------------------------------------

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Serve until :meth:`stop`; once only. Where it is cancelled, calls end as UNAVAILABLE."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pump.run)
            try:
                await self._serve_calls(task_status)
            finally:
                with trio.CancelScope(shield=True):
                    await self._shut_down()

    def stop(self, grace_s: float, reason: str = "planned stop") -> None:
        """Take no new calls; give those at work ``grace_s`` to end, then end them.

        Streams are told the reason and end at once.
        """
        self._shutdown = Shutdown(reason=reason, grace_s=grace_s, retry_after_s=RESTART_S)
        self._stop.set()

    async def wait_idle(self) -> None:
        """Wait until no call is open."""
        while self._calls:
            self._idle = trio.Event()
            await self._idle.wait()

    async def wait_stopped(self) -> None:
        """Wait until the core has closed everything."""
        await self._down.wait()

    def statistics(self) -> ServerStatistics:
        """What the server does and did."""
        return ServerStatistics(
            calls=self._counted,
            calls_open=len(self._calls),
            started=self._started,
            refused=self._refused,
            incidents=self.interceptor.incidents,
            buffered_bytes=sum(call.buffered_bytes for call in self._calls),
            stopping=self._stopping,
        )

    async def _serve_calls(self, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            self._core.start()
            for _ in range(_ACCEPTING):
                self._accept()
            nursery.start_soon(self._watch_overdue)
            task_status.started()
            await self._stop.wait()
            self._close_door()
            for call in tuple(self._calls):
                call.shut(self._shutdown)
            with trio.move_on_after(self._shutdown.grace_s):
                await self.wait_idle()
            for call in tuple(self._calls):
                call.revoke(stopping())
            with trio.move_on_after(_LAST_WORDS_S):
                await self.wait_idle()
            nursery.cancel_scope.cancel()

    async def _shut_down(self) -> None:
        """Bring the core down. The handlers have ended; what they said may be on its way."""
        self._close_door()
        for call in tuple(self._calls):
            call.revoke(stopping())
        with trio.move_on_after(_LAST_WORDS_S):
            await self.wait_idle()
        self._core.cancel_all_calls()
        with trio.move_on_after(_CORE_DOWN_S):
            await self._down.wait()
        if self._down.is_set():
            self._pump.shut_down()
            return
        # Freed in this state, a server of cygrpc waits for ever, holding the thread: let it leak.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._core))
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._pump.queue))
        self._pump.abandon()
        raise RuntimeError("gRPC's core did not confirm its shutdown")

    def _close_door(self) -> None:
        if not self._stopping:
            self._stopping = True
            self._core.shutdown(self._pump.queue, self._on_down)

    def _on_down(self, _event: CoreEvent) -> None:
        self._down.set()

    async def _watch_overdue(self) -> None:
        """End calls whose client keeps the house waiting."""
        while True:
            await trio.sleep(_WATCH_S)
            now_s = trio.current_time()
            for call in [call for call in self._calls if call.overdue_at_s <= now_s]:
                call.overdue()

    # --- Calls ----------------------------------------------------------------------------------

    def _accept(self) -> None:
        queue = self._pump.queue
        self._core.request_call(queue, queue, self._on_call)

    def _on_call(self, event: CoreEvent) -> None:
        if not event.success:
            return  # The server goes down: nobody called.
        if not self._stopping:
            self._accept()
        self._started += 1
        path = event.call_details.method.decode(errors="replace")
        route = self.routes.find(path)
        call = GrpcCall(self, event, path, route, self._deadline_s(event.call_details.deadline))
        self._calls.add(call)
        refusal: StatusError | None = None
        if self._stopping:
            refusal = stopping()
        elif route is None:
            refusal = StatusError(
                grpc.StatusCode.UNIMPLEMENTED, "UNKNOWN_METHOD", "there is no such method"
            )
        else:
            refusal = self._take_place(call)
        if refusal is not None:
            self._refused += 1
            call.refuse(refusal)
            return
        call.begin()

    def _take_place(self, call: GrpcCall) -> StatusError | None:
        """Give the call one of the places, or say why not."""
        if self._counted >= self._limits.calls_max:
            return overloaded("too many calls are open")
        address = address_of(call.peer)
        if self._counted_of[address] >= self._limits.calls_per_address_max:
            return overloaded("too many calls of one address are open")
        call.place_of = address
        self._counted += 1
        self._counted_of[address] += 1
        return None

    def _deadline_s(self, at_s: float) -> float:
        """A deadline of the core (wall clock) on trio's clock."""
        if at_s > _NEVER_S:
            return math.inf
        return trio.current_time() + at_s - self._world.now_ns() / NS_PER_S

    # --- What calls need (grpc_call.Host) ---------------------------------------------------------

    def start_soon(self, run: Callable[..., Awaitable[None]], *arguments: object) -> None:
        """Run a handler as a task."""
        assert self._nursery is not None
        self._nursery.start_soon(run, *arguments)

    def forget(self, call: GrpcCall) -> None:
        """The call is over."""
        self._calls.discard(call)
        address, call.place_of = call.place_of, None
        if address is not None:
            self._counted -= 1
            self._counted_of[address] -= 1
            if not self._counted_of[address]:
                del self._counted_of[address]
        if not self._calls:
            self._idle.set()


def tls_credentials(private_key_pem: bytes, certificate_chain_pem: bytes) -> grpc.ServerCredentials:
    """What a TLS listener shows to anybody; see :class:`xached.api.grpc_tls.WatchedTls`."""
    return grpc.ssl_server_credentials([(private_key_pem, certificate_chain_pem)])


_ACCEPTING: Final = 32
"""Calls that the core may hand over between two rounds of the pump."""

_LAST_WORDS_S: Final = 4.0
"""For statuses to reach clients that read, once their handlers have ended."""

_CORE_DOWN_S: Final = 5.0
_WATCH_S: Final = 0.5

_NEVER_S: Final = 1e15
"""The core writes "no deadline" as the year 292 billion."""


def _core_options(limits: Limits) -> tuple[tuple[str, int], ...]:
    return (
        # Two daemons on one port would share its connections without a word.
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.message_bytes_max),
        ("grpc.max_metadata_size", limits.metadata_bytes),
        ("grpc.absolute_max_metadata_size", 2 * limits.metadata_bytes),
        ("grpc.max_concurrent_streams", limits.streams_per_connection_max),
        ("grpc.max_allowed_incoming_connections", limits.connections_max),
        ("grpc.server_handshake_timeout_ms", _ms(limits.handshake_timeout_s)),
        ("grpc.max_connection_idle_ms", _ms(limits.connection_idle_s)),
        ("grpc.max_connection_age_ms", _ms(limits.connection_age_s)),
        ("grpc.max_connection_age_grace_ms", _ms(limits.connection_grace_s)),
        ("grpc.keepalive_time_ms", _ms(limits.keepalive_s)),
        ("grpc.keepalive_timeout_ms", _ms(limits.keepalive_timeout_s)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _ms(limits.ping_interval_s)),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", _ms(limits.ping_interval_s)),
        ("grpc.http2.max_ping_strikes", 2),
    )


def _core_credentials(credentials: Any) -> Any:
    # grpcio hides the core's object, as its own servers take it out again.
    return credentials._credentials


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
