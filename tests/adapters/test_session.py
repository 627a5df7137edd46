"""Where venues listen: URLs that are read, and those that are refused."""

from __future__ import annotations

import pytest

from xached.adapters.feeds.session import Endpoint, read_endpoint
from xached.adapters.feeds.venues import VENUES


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


def test_every_venue_is_dialled_over_tls() -> None:
    assert [(each.stream.tls, each.rest.tls) for each in VENUES] == [(True, True)] * 3
