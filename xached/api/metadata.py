"""Pairs beside the messages of a call: what HTTP/2 can carry and what handlers get to see."""

from __future__ import annotations

import re
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
