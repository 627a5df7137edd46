"""TLS of the HTTP listener: what it shows, how that changes, and what a house makes for itself."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import trio
import trustme
from cryptography import x509
from trio.testing import MockClock

from tests.api.open_house import open_house
from tests.api.test_http_listener import GET, read_all
from xached.api.http_listener import (
    AsgiApp,
    HttpListener,
    ListenerLimits,
    Receive,
    Scope,
    Send,
    open_listeners,
)
from xached.api.http_tls import WatchedContext
from xached.config.config import HttpTls
from xached.security.self_signed import DAYS, ensure_self_signed

NOW_NS = 1_790_000_000 * 10**9
DAY_NS = 86_400 * 10**9
PATIENCE_S = 30.0


class Pair:
    """A certificate and its key in files, of an authority that clients of the test trust."""

    def __init__(self, directory: Path) -> None:
        self.authority = trustme.CA()
        self.certificate = directory / "c.pem"
        self.private_key = directory / "k.pem"
        self.warnings: list[str] = []
        self.issue("127.0.0.1")

    def issue(self, *names: str) -> None:
        """Write another certificate."""
        issued = self.authority.issue_cert(*names)
        issued.private_key_pem.write_to_path(str(self.private_key))
        self.certificate.write_bytes(b"".join(each.bytes() for each in issued.cert_chain_pems))

    def watched(self) -> WatchedContext:
        """What a listener shows."""
        return WatchedContext(self.certificate, self.private_key, self.warnings.append)

    def client(self) -> ssl.SSLContext:
        """A client's."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        context.check_hostname = False
        return context


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


async def hello(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answers with the scheme that it is reached by."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["scheme"].encode()})


@contextlib.asynccontextmanager
async def serving(
    pair: Pair, app: AsgiApp = hello, limits: ListenerLimits | None = None
) -> AsyncIterator[tuple[int, HttpListener]]:
    listeners, _, port = await open_listeners("127.0.0.1:0")
    stop, listener = trio.Event(), HttpListener(app, limits, pair.watched().current)
    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listener.serve, listeners, stop, lambda: None)
            yield port, listener
            stop.set()


async def connect(port: int, context: ssl.SSLContext) -> trio.SSLStream[trio.SocketStream]:
    stream = trio.SSLStream(
        await trio.open_tcp_stream("127.0.0.1", port),
        context,
        server_hostname="127.0.0.1",
        https_compatible=True,
    )
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError:
        await stream.transport_stream.aclose()
        raise
    return stream


async def names_shown(port: int, pair: Pair) -> list[str]:
    stream = await connect(port, pair.client())
    found = [value for _, value in stream.getpeercert()["subjectAltName"]]
    await stream.aclose()
    return found


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
async def test_requests_over_tls(protocol: str, pair: Pair) -> None:
    async with serving(pair) as (port, _):
        context = pair.client()
        context.set_alpn_protocols([protocol])
        stream = await connect(port, context)
        assert stream.selected_alpn_protocol() == protocol
        if protocol == "http/1.1":
            await stream.send_all(GET % b"/")
            data = b""
            while b"https" not in data:
                data += await stream.receive_some()
            assert data.startswith(b"HTTP/1.1 200")
        await stream.aclose()


async def test_old_versions_are_refused(pair: Pair) -> None:
    async with serving(pair) as (port, _):
        context = pair.client()
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.raises(trio.BrokenResourceError):
            await connect(port, context)


async def test_a_new_certificate_counts_from_the_next_connection_on(pair: Pair) -> None:
    async with serving(pair) as (port, _):
        old = await connect(port, pair.client())
        assert await names_shown(port, pair) == ["127.0.0.1"]
        pair.issue("trade.example.org")
        assert await names_shown(port, pair) == ["trade.example.org"]
        await old.send_all(GET % b"/")
        assert (await old.receive_some()).startswith(b"HTTP/1.1 200")
        pair.certificate.write_text("no certificate")
        assert await names_shown(port, pair) == ["trade.example.org"]
        pair.certificate.unlink()
        assert await names_shown(port, pair) == ["trade.example.org"]
        assert len(pair.warnings) == 2
        pair.issue("again.example.org")
        assert await names_shown(port, pair) == ["again.example.org"]
        await old.aclose()


async def test_files_that_do_not_fit_are_found_at_the_start(pair: Pair) -> None:
    key = pair.private_key.read_bytes()
    pair.issue("other.example.org")
    pair.private_key.write_bytes(key)
    with pytest.raises(OSError, match="KEY_VALUES_MISMATCH"):
        pair.watched()


async def test_who_does_not_shake_hands_is_let_go(pair: Pair) -> None:
    """Checked: without hypercorn's bound set from ours, a minute goes by."""
    limits = ListenerLimits(handshake_timeout_s=0.2)
    async with serving(pair, limits=limits) as (port, listener):
        async with await trio.open_tcp_stream("127.0.0.1", port) as silent:
            assert await read_all(silent) == b""
        async with await trio.open_tcp_stream("127.0.0.1", port) as plain:
            await plain.send_all(GET % b"/")
            assert b"200" not in await read_all(plain)
        await listener.wait_idle()


# --- of its own making --------------------------------------------------------------------------


def test_a_house_makes_a_certificate_once(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    names = ("localhost", "127.0.0.1", "::1")
    first = ensure_self_signed(certificate, key, names, NOW_NS)
    assert key.stat().st_mode & 0o777 == 0o600
    made = x509.load_pem_x509_certificate(certificate.read_bytes())
    days = (made.not_valid_after_utc - made.not_valid_before_utc).days
    assert days == DAYS
    extension = made.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert extension.value.get_values_for_type(x509.DNSName) == ["localhost"]
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    assert [str(address) for address in addresses] == ["127.0.0.1", "::1"]
    assert len(first.split(":")) == 32
    assert ensure_self_signed(certificate, key, names, NOW_NS + 300 * DAY_NS) == first
    assert ensure_self_signed(certificate, key, names, NOW_NS + 370 * DAY_NS) != first
    key.unlink()
    again = ensure_self_signed(certificate, key, names, NOW_NS + 370 * DAY_NS)
    assert again != first
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    assert {path.name for path in tmp_path.iterdir()} == {"c.pem", "k.pem"}


def test_a_house_makes_another_certificate_when_it_gets_a_name(tmp_path: Path) -> None:
    """Checked: without the look at the names, browsers refuse it under the new one for a year."""
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    first = ensure_self_signed(certificate, key, ("localhost", "::1"), NOW_NS)
    assert ensure_self_signed(certificate, key, ("::1",), NOW_NS) == first, "it has lost one"
    named = ensure_self_signed(certificate, key, ("localhost", "::1", "desk.example"), NOW_NS)
    assert named != first
    assert ensure_self_signed(certificate, key, ("desk.example",), NOW_NS) == named


def test_a_file_that_is_no_certificate_is_not_written_over(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    for path in (certificate, key):
        path.write_text("mine")
    with pytest.raises(ValueError, match="PEM"):
        ensure_self_signed(certificate, key, ("localhost",), NOW_NS)
    assert certificate.read_text() == key.read_text() == "mine"


async def test_a_house_serves_with_its_own_certificate(
    mock_clock: MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path, mock_clock, http=HttpTls(self_signed=True)) as house:
        assert house.addresses.http.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=tmp_path / "data" / "http-certificate.pem")
        async with httpx.AsyncClient(
            base_url=house.addresses.http, verify=trusting, trust_env=False
        ) as client:
            answer = await client.get("/api/market/instruments")
            assert answer.status_code == 200
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            page = await client.get("/")
            origin = house.addresses.http
            same = await client.get("/api/openapi.json", headers={"origin": origin})
            other = await client.get(
                "/api/openapi.json", headers={"origin": origin.replace("https", "http")}
            )
            assert (page.status_code, same.status_code, other.status_code) == (200, 200, 403)
        key = tmp_path / "data" / "http-private-key.pem"
        assert key.stat().st_mode & 0o777 == 0o600
