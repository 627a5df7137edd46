"""Dialling: in the simulated world, over TCP, and over TLS that must be the right host's.

Checked by breaking: a context that verifies nothing, and one that checks no host name, were each
seen red.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from xached.runtime.world import Frozen, RealWorld, SimulatedWorld, World


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key and its certificate, self-signed for localhost."""
    directory = tmp_path_factory.mktemp("tls")
    key, certificate = directory / "key.pem", directory / "certificate.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=venue -addext subjectAltName=DNS:localhost -keyout {key} -out {certificate}"
    )
    subprocess.run(command.split(), check=True, capture_output=True)
    return key, certificate


async def echo(stream: trio.abc.Stream) -> None:
    """Send back what comes; bad handshakes end it."""
    try:
        async for data in stream:
            await stream.send_all(data)
    except trio.BrokenResourceError:
        pass


@asynccontextmanager
async def serving(pair: tuple[Path, Path] | None) -> AsyncIterator[int]:
    """A server that echoes, with TLS when there is a key; its port."""
    (tcp,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    listener: trio.abc.Listener[trio.abc.Stream] = tcp
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair[1], pair[0])
        listener = trio.SSLListener(tcp, context, https_compatible=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.serve_listeners, echo, [listener])
        yield tcp.socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def echoed(world: World, host: str, port: int, *, tls: bool) -> bytes:
    """What comes back."""
    stream = await world.dial(host, port, tls=tls)
    async with stream:
        await stream.send_all(b"hello")
        return bytes(await stream.receive_some(100))


async def test_a_server_is_dialled_without_tls_where_that_is_said() -> None:
    async with serving(None) as port:
        assert await echoed(RealWorld(), "127.0.0.1", port, tls=False) == b"hello"


async def test_a_trusted_server_is_dialled_over_tls(pair: tuple[Path, Path]) -> None:
    trusted = ssl.create_default_context(cafile=str(pair[1]))
    async with serving(pair) as port:
        assert await echoed(RealWorld(trusted), "localhost", port, tls=True) == b"hello"


async def test_a_server_that_nobody_vouches_for_is_refused(pair: tuple[Path, Path]) -> None:
    async with serving(pair) as port:
        with pytest.raises(OSError, match=r"no TLS with localhost: .*certificate verify failed"):
            await RealWorld().dial("localhost", port, tls=True)


async def test_a_server_that_is_somebody_else_is_refused(pair: tuple[Path, Path]) -> None:
    trusted = ssl.create_default_context(cafile=str(pair[1]))
    async with serving(pair) as port:
        with pytest.raises(OSError, match=r"no TLS with 127\.0\.0\.1: .*IP address mismatch"):
            await RealWorld(trusted).dial("127.0.0.1", port, tls=True)


async def test_a_server_without_tls_is_refused_where_tls_is_wanted() -> None:
    async with serving(None) as port:
        with pytest.raises(OSError, match=r"no TLS with 127\.0\.0\.1"):
            await RealWorld().dial("127.0.0.1", port, tls=True)


async def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(OSError, match=r"127\.0\.0\.1"):
            await RealWorld().dial("127.0.0.1", taken.getsockname()[1], tls=False)
    with pytest.raises(OSError, match="nothing listens on venue"):
        await SimulatedWorld(1).dial("venue", 443, tls=True)


async def test_a_simulated_server_is_dialled_by_name_until_the_power_is_gone() -> None:
    world = SimulatedWorld(1, servers={"venue": echo})
    assert await echoed(world, "venue", 443, tls=True) == b"hello"
    world.freeze()
    with pytest.raises(Frozen):
        await world.dial("venue", 443, tls=True)
