"""TLS of the HTTP listener: its certificate, which may change while it runs.

Certificates end every few weeks or months. Their files are looked at with each connection, so a new
certificate counts from the next one on; files that cannot be read leave the old one in place.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

PROTOCOLS: Final = ("h2", "http/1.1")
"""What browsers are offered; over HTTP/2 their calls share one connection."""


class WatchedContext:
    """What the listener shows.

    Args:
        certificate: a PEM chain.
        private_key: its key, PEM without a passphrase.
        warn: is told of files that cannot be used, once for each change of them.

    Raises: OSError, of which SSLError is one.
    """

    def __init__(self, certificate: Path, private_key: Path, warn: Callable[[str], None]) -> None:
        self._certificate = certificate
        self._private_key = private_key
        self._warn = warn
        self._seen = self._stamps()
        self._context = self._read()

    def current(self) -> ssl.SSLContext:
        """For a connection that begins now."""
        try:
            stamps = self._stamps()
            if stamps != self._seen:
                self._seen = stamps
                self._context = self._read()
        except OSError as error:
            self._seen = []
            self._warn(f"the certificate of the HTTP listener stays as it was: {error}")
        return self._context

    def _read(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(PROTOCOLS)
        context.load_cert_chain(self._certificate, self._private_key)
        return context

    def _stamps(self) -> list[tuple[int, int, int]]:
        found = [path.stat() for path in (self._certificate, self._private_key)]
        return [(each.st_mtime_ns, each.st_size, each.st_ino) for each in found]
