"""The doors of the house: the listeners that calls come in by.

What is behind them does not know them. The simulation opens a house without any socket.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import attrs
import trio
from loguru import logger

from xached.api.errors import Interceptor
from xached.api.grpc_server import Server, tls_credentials
from xached.api.grpc_tls import TlsFiles, WatchedTls, certified_name
from xached.api.http_tls import WatchedContext
from xached.api.routes import Call, Routes
from xached.api.web import WebApp, serve_http
from xached.config.config import Config
from xached.config.tables import is_own_address
from xached.house.admin_socket import claimed_socket
from xached.runtime.world import World
from xached.storage.directory import DataPaths

GRACE_S = 5.0
"""What open calls get to end when the house closes."""


@attrs.frozen(kw_only=True)
class Front:
    """What is behind the doors."""

    public: Routes
    admin: Routes
    certified_admin: Callable[[Callable[[Call], str]], Routes]
    """The same for clients with certificates, given what reads the name in one."""
    web: WebApp
    interceptor: Interceptor
    admin_web: WebApp | None = None
    """For browsers of administrators; None where they are not served."""


@attrs.frozen(kw_only=True)
class Addresses:
    """Where the doors are."""

    grpc: str
    http: str
    admin_socket: Path
    admin: str = ""
    """The listener for administrators elsewhere; empty without one."""
    admin_http: str = ""
    """Where browsers of this machine find the administrators' screens; empty: nowhere."""


class Doors(Protocol):
    """Ways in."""

    async def open(self, front: Front, nursery: trio.Nursery) -> Addresses:
        """Let calls in, as tasks of the nursery. Raises: OSError."""
        ...

    async def close(self) -> None:
        """Refuse new calls, and let open ones end; bounded by :data:`GRACE_S`."""
        ...


class NetworkDoors:
    """gRPC on a port, HTTP on another, and a Unix socket for administrators."""

    def __init__(self, config: Config, world: World) -> None:
        self._config = config
        self._world = world
        self._servers: list[tuple[Server, trio.Event]] = []
        self._http_stop = trio.Event()
        self._http_done: list[trio.Event] = []

    async def open(self, front: Front, nursery: trio.Nursery) -> Addresses:
        """See Doors."""
        config = self._config
        admin_socket = config.admin.socket or DataPaths(config.data_dir).admin_socket
        # First of all: a house that is configured as another one must not listen anywhere.
        await nursery.start(self._serve_admin, front, admin_socket)
        port = await self._open_public(front, nursery)
        admin = await self._open_certified(front, nursery) if config.admin.listen else ""
        http_port: int = await nursery.start(self._serve_http, front.web)
        admin_http = await self._open_admin_http(front, nursery)
        return Addresses(
            grpc=f"{_host(config.grpc.listen)}:{port}",
            http=f"{_scheme(config)}://{_host(config.http_listen)}:{http_port}",
            admin_socket=admin_socket,
            admin=admin,
            admin_http=admin_http,
        )

    async def close(self) -> None:
        """See Doors."""
        self._http_stop.set()
        for server, _ in self._servers:
            server.stop(GRACE_S, "the house is closing")
        for done in (*(done for _, done in self._servers), *self._http_done):
            await done.wait()

    async def _open_public(self, front: Front, nursery: trio.Nursery) -> int:
        server = Server(front.public, front.interceptor, self._world)
        grpc = self._config.grpc
        if grpc.certificate is not None and grpc.private_key is not None:
            key, chain = grpc.private_key.read_bytes(), grpc.certificate.read_bytes()
            try:
                port = server.add_secure_port(grpc.listen, tls_credentials(key, chain))
            except OSError as error:
                # The core does not tell a taken port from a certificate that is none.
                both = f"{grpc.certificate} and its key {grpc.private_key}"
                raise OSError(f"{error}, or not with {both}") from None
        else:
            port = server.add_insecure_port(grpc.listen)
        await nursery.start(partial(self._serve, server))
        return port

    async def _serve_admin(
        self, front: Front, socket: Path, *, task_status: trio.TaskStatus[None]
    ) -> None:
        server = Server(front.admin, front.interceptor, self._world)
        with claimed_socket(socket):
            server.add_unix_socket(socket)
            await self._serve(server, task_status=task_status)

    async def _open_certified(self, front: Front, nursery: trio.Nursery) -> str:
        admin = self._config.admin
        key, chain, roots = admin.private_key, admin.certificate, admin.client_ca
        assert key is not None
        assert chain is not None
        assert roots is not None
        server = Server(front.certified_admin(certified_name), front.interceptor, self._world)
        files = TlsFiles(private_key=key, certificate=chain, client_ca=roots)
        tls = WatchedTls(files, logger.warning)
        try:
            port = server.add_secure_port(admin.listen, tls.credentials)
        except OSError as error:
            raise OSError(f"{error}, or not with {chain}, {key} and {roots}") from None
        await nursery.start(partial(self._serve, server))
        return f"{_host(admin.listen)}:{port}"

    async def _serve(self, server: Server, *, task_status: trio.TaskStatus[None]) -> None:
        done = trio.Event()
        self._servers.append((server, done))
        try:
            await server.serve(task_status=task_status)
        finally:
            done.set()

    def _http_tls(self) -> Callable[[], ssl.SSLContext] | None:
        """What HTTP connections show; None where they are in clear. Raises: OSError."""
        http, paths = self._config.http, DataPaths(self._config.data_dir)
        certificate, private_key = http.certificate, http.private_key
        if http.self_signed:
            # It takes a tenth of a second to load, and most houses do not need it.
            from xached.security.self_signed import ensure_self_signed

            certificate, private_key = paths.http_certificate, paths.http_private_key
            host = _host(self._config.http_listen).removeprefix("[").removesuffix("]")
            names = dict.fromkeys(("localhost", "127.0.0.1", "::1", *self._config.http_hosts))
            if host not in ("", "0.0.0.0", "::"):  # noqa: S104 - it is no name to be reached by
                names[host] = None
            fingerprint = ensure_self_signed(certificate, private_key, names, self._world.now_ns())
            logger.info("HTTP shows a certificate of its own making: SHA-256 {}", fingerprint)
        if certificate is None or private_key is None:
            return None
        try:
            return WatchedContext(certificate, private_key, logger.warning).current
        except OSError as error:
            raise OSError(f"{error}: not with {certificate} and its key {private_key}") from None

    async def _serve_http(self, web: WebApp, *, task_status: trio.TaskStatus[int]) -> None:
        done = trio.Event()
        self._http_done.append(done)
        listen = self._config.http_listen
        try:
            tls = self._http_tls()
            await serve_http(web, listen, self._http_stop, tls=tls, task_status=task_status)
        finally:
            done.set()

    async def _open_admin_http(self, front: Front, nursery: trio.Nursery) -> str:
        """Serve browsers of this machine, in clear: what they say does not leave it."""
        listen = self._config.admin.http
        if front.admin_web is None:
            return ""
        assert is_own_address(listen), listen
        port: int = await nursery.start(self._serve_admin_http, front.admin_web, listen)
        return f"http://{_host(listen)}:{port}"

    async def _serve_admin_http(
        self, web: WebApp, listen: str, *, task_status: trio.TaskStatus[int]
    ) -> None:
        done = trio.Event()
        self._http_done.append(done)
        try:
            await serve_http(web, listen, self._http_stop, task_status=task_status)
        finally:
            done.set()


def _scheme(config: Config) -> str:
    http = config.http
    return "https" if http.self_signed or http.certificate is not None else "http"


def _host(listen: str) -> str:
    return listen.rpartition(":")[0]
