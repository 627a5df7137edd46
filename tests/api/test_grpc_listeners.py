"""Where a server listens: TCP, TLS, mutual TLS and a Unix socket."""

from __future__ import annotations

import socket
import ssl
import stat
import subprocess
import warnings
from pathlib import Path

import attrs
import grpc
import pytest
import trio

from tests.api.edge import (
    OPEN_ECHO,
    PATIENCE_S,
    Client,
    Doorman,
    Echo,
    Payload,
    in_thread,
    open_edge,
)
from xached.api.errors import Interceptor
from xached.api.grpc_server import Server, tls_credentials
from xached.api.grpc_tls import TlsFiles, WatchedTls
from xached.api.routes import Call, Routes, Service
from xached.runtime.world import RealWorld


@attrs.frozen
class Pair:
    """A private key and its certificate, self-signed for localhost."""

    key: bytes
    certificate: bytes


def make_pair(directory: Path, name: str) -> Pair:
    key, certificate = directory / f"{name}.key", directory / f"{name}.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN={name} -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return Pair(key.read_bytes(), certificate.read_bytes())


class Peers(Echo):
    """Answers with where the caller is."""

    async def unary(self, call: Call, _request: object) -> object:
        """The peer."""
        return Payload(text=call.peer)


def make_server() -> Server:
    world = RealWorld()
    return Server(
        Routes([Service(descriptor=OPEN_ECHO, handlers=Peers())], Doorman()),
        Interceptor(world, lambda *_: None),
        world,
    )


async def ask(server: Server, *channels: grpc.Channel) -> list[str]:
    """Serve, and tell what each channel got: the peer, or the name of the error."""
    heard = []
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve)
            for channel in channels:
                client = Client(channel, OPEN_ECHO)
                try:
                    answer = await in_thread(lambda c=client: c.unary(Payload(), timeout=10))
                    heard.append(answer.text)
                except grpc.RpcError as error:
                    heard.append(error.code().name)
                channel.close()
            server.stop(grace_s=0)
    return heard


async def test_tls(tmp_path: Path) -> None:
    pair = make_pair(tmp_path, "server")
    server = make_server()
    port = server.add_secure_port("127.0.0.1:0", tls_credentials(pair.key, pair.certificate))
    address = f"localhost:{port}"
    trusting = grpc.ssl_channel_credentials(pair.certificate)
    stranger = grpc.ssl_channel_credentials(make_pair(tmp_path, "other").certificate)
    heard = await ask(
        server,
        grpc.secure_channel(address, trusting),
        grpc.secure_channel(address, stranger),
        grpc.insecure_channel(address),
    )
    assert heard[0].startswith("ipv4:127.0.0.1:")
    assert heard[1:] == ["UNAVAILABLE", "UNAVAILABLE"]


async def test_mutual_tls_lets_only_certified_clients_in(tmp_path: Path) -> None:
    ours, operator, mallory = (make_pair(tmp_path, name) for name in ("xached", "op", "mallory"))
    server = make_server()
    files = TlsFiles(
        private_key=tmp_path / "xached.key",
        certificate=tmp_path / "xached.pem",
        client_ca=tmp_path / "op.pem",
    )
    watched = WatchedTls(files, pytest.fail)
    address = f"localhost:{server.add_secure_port('127.0.0.1:0', watched.credentials)}"

    def channel(pair: Pair | None) -> grpc.Channel:
        key, chain = (pair.key, pair.certificate) if pair else (None, None)
        return grpc.secure_channel(
            address, grpc.ssl_channel_credentials(ours.certificate, key, chain)
        )

    heard = await ask(server, channel(operator), channel(mallory), channel(None))
    assert heard[0].startswith("ipv4:")
    assert heard[1:] == ["UNAVAILABLE", "UNAVAILABLE"]


@pytest.mark.parametrize(
    ("newest", "spoken"),
    [
        (ssl.TLSVersion.TLSv1_1, "UNEXPECTED_EOF_WHILE_READING"),
        (ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        (ssl.TLSVersion.MAXIMUM_SUPPORTED, "TLSv1.3"),
    ],
)
async def test_old_versions_of_tls_are_refused(
    newest: ssl.TLSVersion, spoken: str, tmp_path: Path
) -> None:
    """It is the house that refuses, by hanging up: a client that cannot speak it sends nothing."""
    pair = make_pair(tmp_path, "server")
    server = make_server()
    port = server.add_secure_port("127.0.0.1:0", tls_credentials(pair.key, pair.certificate))

    def greet() -> str:
        context = ssl.create_default_context(cadata=pair.certificate.decode())
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.set_alpn_protocols(["h2"])
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = newest
        try:
            with (
                socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection,
                context.wrap_socket(connection, server_hostname="localhost") as secured,
            ):
                return str(secured.version())
        except ssl.SSLError as error:
            return str(error.reason)

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.serve)
            assert await in_thread(greet) == spoken
            server.stop(grace_s=0)


async def test_a_unix_socket_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    server = make_server()
    server.add_unix_socket(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    heard = await ask(server, grpc.insecure_channel(f"unix:{path}"))
    assert heard[0].startswith("unix:")


async def test_a_socket_left_by_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    with trio.socket.socket(trio.socket.AF_UNIX) as left:
        await left.bind(str(path))
    server = make_server()
    server.add_unix_socket(path)
    assert (await ask(server, grpc.insecure_channel(f"unix:{path}")))[0].startswith("unix:")


async def test_an_address_that_is_taken_is_an_error() -> None:
    """Without ``so_reuseport=0`` two daemons would share the port's connections silently."""
    async with open_edge() as edge:
        for address in (f"127.0.0.1:{edge.port}", "256.0.0.1:1"):
            other = make_server()
            with pytest.raises(OSError, match="cannot listen"):
                other.add_insecure_port(address)
