"""What an operator writes down, and what it covers."""

from __future__ import annotations

import pytest

from xached.adapters.egress import EgressPolicy, EgressRefused, read_host_rule


@pytest.mark.parametrize(
    ("rule", "host", "port", "covered"),
    [
        ("venue.example", "venue.example", 443, True),
        ("Venue.Example", "venue.example", 443, True),
        ("venue.example", "ws.venue.example", 443, False),
        ("venue.example", "venue.example", 8443, False),
        ("venue.example:8443", "venue.example", 8443, True),
        ("*.venue.example", "ws.venue.example", 443, True),
        ("*.venue.example", "a.b.venue.example", 443, True),
        ("*.venue.example", "venue.example", 443, False),
        ("*.venue.example", "evilvenue.example", 443, False),
        ("*.venue.example", "venue.example.evil.org", 443, False),
    ],
)
def test_a_rule_covers(rule: str, host: str, port: int, covered: bool) -> None:
    assert read_host_rule(rule).covers(host, port) is covered


@pytest.mark.parametrize(
    "rule",
    ["", "*", "*.", "a b", "https://venue.example", "venue.example/", "venue.example:0",
     "venue.example:65536", "venue.*.example", "-x", "x-", "vénue.example", "a..b",
     "a-.b", "a" * 64 + ".b", "a." * 126 + "bc"],
)  # fmt: skip
def test_no_rule(rule: str) -> None:
    with pytest.raises(ValueError, match=r"not host"):
        read_host_rule(rule)


def test_where_an_address_leads() -> None:
    policy = EgressPolicy(hosts=(read_host_rule("venue.example"),))
    at, target = policy.read("wss://VENUE.example/ws?streams=a/b", ("wss", "ws"))
    assert (at.host, at.port, at.tls, at.path) == ("venue.example", 443, True, "")
    assert target == "/ws?streams=a/b"
    assert policy.read("wss://venue.example", ("wss", "ws"))[1] == "/"


@pytest.mark.parametrize(
    "url",
    ["wss://venue.example:99999", "wss://[::1]", "wss://", "wss:venue.example", "wss://a\r\nb",
     "wss://venue.example@other.example", "wss://" + "a" * 3_000, "file:///etc/passwd",
     "wss://venue.example\\@other.example", "ws://127.0.0.1:7400"],
)  # fmt: skip
def test_what_leads_nowhere(url: str) -> None:
    policy = EgressPolicy(hosts=(read_host_rule("venue.example"), read_host_rule("127.0.0.1:7400")))
    with pytest.raises(EgressRefused):
        policy.read(url, ("wss", "ws"))


@pytest.mark.parametrize("name", ["a..b", ".a", "a" * 64, "a.-b", "a-.b", ".".join(["a" * 60] * 4)])
def test_what_is_no_name_is_not_looked_up(name: str) -> None:
    """The resolver raises UnicodeError for some. Checked by breaking: each of them is seen red."""
    policy = EgressPolicy(hosts=(read_host_rule("*.venue.example"),))
    with pytest.raises(EgressRefused, match="is no wss address"):
        policy.read(f"wss://{name}.venue.example", ("wss", "ws"))
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 47])
    at, _ = policy.read(f"wss://{longest}.venue.example", ("wss", "ws"))
    assert len(at.host) == 253
