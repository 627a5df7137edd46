"""Pairs beside the messages of a call: what HTTP/2 can carry and what handlers get to see."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable, Mapping

# https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md, "Custom-Metadata"
_KEY = re.compile(r"[0-9a-z_.-]+", re.ASCII)
_VALUE = re.compile(r"[\x20-\x7e]*", re.ASCII)


def text_pairs(pairs: Iterable[tuple[str, str | bytes]]) -> Mapping[str, str]:
    """Pairs as a map: keys in lower case, the last value wins, binary ones left out."""
    return {key.lower(): value for key, value in pairs if isinstance(value, str)}


def check_pair(key: str, value: str) -> None:
    """Raises: ValueError when a text pair cannot be sent."""
    if _KEY.fullmatch(key) is None or key.startswith("grpc-") or key.endswith("-bin"):
        raise ValueError(f"{key!r} is no key of text metadata")
    if _VALUE.fullmatch(value) is None:
        raise ValueError(f"the value of {key} is not printable ASCII")


def address_of(peer: str) -> str:
    """Whose a connection is, without its port: such as ``ipv4:127.0.0.1`` or ``unix``."""
    return peer.rpartition(":")[0]


def ip_address_of(peer: str) -> str:
    """The IP address of a connection, such as ``192.0.2.7`` or ``2001:db8::7``; "" without one."""
    kind, _, rest = peer.partition(":")
    if kind == "ipv4":
        return rest.rpartition(":")[0]
    if kind == "ipv6":
        # The core writes brackets, and percent signs for what a URI cannot hold.
        host = urllib.parse.unquote(rest).rpartition("]")[0].removeprefix("[")
        return host.partition("%")[0]
    return ""
