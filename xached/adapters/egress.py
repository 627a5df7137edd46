"""Where a plugin may have the daemon connect to: what its operator has written down, and no more.

A plugin names addresses; the daemon dials them, if they are on the list. Only over TLS, and only at
addresses of the public Internet: a name may lead anywhere, and what lies behind a firewall trusts
whoever comes from inside. An operator who needs another house of their own says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import attrs

from xached.adapters.feeds.session import LOOPBACK, SCHEMES, Endpoint

URL_LENGTH_MAX: Final = 2_000
TLS_PORT: Final = 443

_LABEL: Final = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME: Final = rf"(?![a-z0-9.-]{{254}}){_LABEL}(\.{_LABEL})*"
"""A name that can be looked up: the resolver raises for a label that is empty or too long."""

_HOST: Final = re.compile(_NAME, re.ASCII)
_RULE: Final = re.compile(rf"(?P<any>\*\.)?(?P<host>{_NAME})(:(?P<port>[0-9]{{1,5}}))?", re.ASCII)
_PRINTABLE: Final = re.compile(r"[!-~]*", re.ASCII)


class EgressRefused(Exception):  # noqa: N818 - a refusal
    """A plugin wants to connect to where its operator does not let it. The text says where."""


@attrs.frozen(kw_only=True)
class HostRule:
    """A host and a port; with ``below`` all names below the host, and not itself."""

    host: str
    port: int
    below: bool

    def covers(self, host: str, port: int) -> bool:
        """Whether it allows that."""
        named = host.endswith(f".{self.host}") if self.below else host == self.host
        return named and port == self.port


def read_host_rule(text: str) -> HostRule:
    """Read ``host``, ``host:port`` or ``*.host``; the usual port is that of TLS.

    Raises: ValueError.
    """
    found = _RULE.fullmatch(text.lower())
    port = TLS_PORT if found is None or found["port"] is None else int(found["port"])
    if found is None or not 0 < port < 65_536:
        raise ValueError("not host, host:port or *.host")
    return HostRule(host=found["host"], port=port, below=found["any"] is not None)


@attrs.frozen(kw_only=True)
class EgressPolicy:
    """What plugins may have dialled. ``private``: also addresses that are not public, and this
    machine without TLS."""

    hosts: tuple[HostRule, ...] = ()
    private: bool = False

    def read(self, url: str, schemes: Sequence[str]) -> tuple[Endpoint, str]:
        """Where a URL leads, and its path with the query. Raises: EgressRefused.

        ``schemes``: with TLS first, and then those without.
        """
        shown = "".join(each if each.isprintable() else "?" for each in url[:80])
        if len(url) > URL_LENGTH_MAX or _PRINTABLE.fullmatch(url) is None:
            raise EgressRefused(f"{shown!r} is no address")
        try:
            parts = urlsplit(url)
            port, host = parts.port, (parts.hostname or "").lower()
        except ValueError as error:
            raise EgressRefused(f"{shown!r}: {error}") from None
        named = _HOST.fullmatch(host) is not None and parts.username is None
        if parts.scheme not in schemes or not named or parts.fragment:
            raise EgressRefused(f"{shown!r} is no {schemes[0]} address")
        tls, usual = SCHEMES[parts.scheme]
        port = usual if port is None else port
        if not tls and not (self.private and host in LOOPBACK):
            raise EgressRefused(f"{host}: only with TLS")
        if not any(rule.covers(host, port) for rule in self.hosts):
            raise EgressRefused(f"{host}:{port} is not among egress.hosts of the configuration")
        query = f"?{parts.query}" if parts.query else ""
        return Endpoint(host=host, port=port, tls=tls), (parts.path or "/") + query


NOWHERE: Final = EgressPolicy()
"""What is not configured."""
