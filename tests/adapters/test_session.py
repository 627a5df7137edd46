"""Where venues listen: URLs that are read, and those that are refused."""

from __future__ import annotations

import pytest

from tests.domain.market_values import make_instrument
from xached.adapters.feeds.binance_live import BINANCE_RULES
from xached.adapters.feeds.session import Endpoint, Fetch, read_endpoint
from xached.adapters.feeds.venues import VENUES
from xached.domain.instrument import Symbol


@pytest.mark.parametrize(
    ("url", "endpoint", "authority"),
    [
        ("wss://a.example", Endpoint(host="a.example", port=443, tls=True), "a.example"),
        (
            "wss://a.example:9443/b/",
            Endpoint(host="a.example", port=9443, tls=True, path="/b"),
            "a.example:9443",
        ),
        ("https://A.example", Endpoint(host="a.example", port=443, tls=True), "a.example"),
        ("ws://127.0.0.1:80", Endpoint(host="127.0.0.1", port=80, tls=False), "127.0.0.1"),
        ("http://[::1]:8080", Endpoint(host="::1", port=8080, tls=False), "[::1]:8080"),
        ("ws://localhost:443", Endpoint(host="localhost", port=443, tls=False), "localhost:443"),
    ],
)
def test_a_url_is_read(url: str, endpoint: Endpoint, authority: str) -> None:
    assert read_endpoint(url) == endpoint
    assert endpoint.authority == authority


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("a.example", "not wss://host"),
        ("ftp://a.example", "not wss://host"),
        ("wss://", "not wss://host"),
        ("ws://a.example", "forge its prices"),
        ("http://127.0.0.1.a.example", "forge its prices"),
        ("wss://a.example:0", "port 0"),
        ("wss://user:word@a.example", "only scheme"),
        ("wss://a.example/?b=c", "only scheme"),
        ("wss://a.example/#b", "only scheme"),
        ("wss://a.example:x", "Port could not be cast"),
        ("wss://[::1", "Invalid IPv6 URL"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_endpoint(url)


def test_binance_gives_the_deepest_snapshots_to_few() -> None:
    """What a snapshot costs is counted: ten deep ones, or a hundred others, fit into a minute."""
    for count, levels in ((1, 5_000), (10, 5_000), (11, 1_000), (100, 1_000)):
        instruments = {f"C{n}USDT": make_instrument(f"C{n}", 1_000) for n in range(count)}
        session = BINANCE_RULES.session(instruments)
        assert session.repair(Symbol("C0-USDT")) == Fetch(
            f"/api/v3/depth?symbol=C0USDT&limit={levels}"
        )
        assert session.target.count("@depth@100ms") == count
        assert session.open() == ()


def test_every_venue_is_dialled_over_tls() -> None:
    assert [(each.stream.tls, each.rest.tls) for each in VENUES] == [(True, True)] * 3
