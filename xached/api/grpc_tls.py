"""TLS of a listener: what it shows, whom it lets in, and how both change while it runs.

Certificates end every few months or weeks. Their files are looked at with each handshake, so a new
certificate, or another authority of client certificates, counts from the next connection on.
Connections that are open go on with what they began with.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import grpc

from xached.api.errors import StatusError
from xached.api.grpc_call import GrpcCall
from xached.api.routes import Call

_COMMON_NAME: Final = "x509_common_name"


@attrs.frozen(kw_only=True)
class TlsFiles:
    """PEM files: a private key, its certificate chain, and who may certify clients."""

    private_key: Path
    certificate: Path
    client_ca: Path

    @property
    def all(self) -> tuple[Path, Path, Path]:
        """All of them."""
        return self.private_key, self.certificate, self.client_ca


class WatchedTls:
    """The certificates of a listener that lets in only clients with one of their own.

    ``warn`` is told of files that cannot be read; those that were there before go on counting. It
    is called by threads of gRPC.

    Raises: OSError.
    """

    def __init__(self, files: TlsFiles, warn: Callable[[str], None]) -> None:
        self._files = files
        self._warn = warn
        self._seen = self._stamps()
        self.credentials: grpc.ServerCredentials = grpc.dynamic_ssl_server_credentials(
            self._read(), self._changed, require_client_authentication=True
        )

    def _changed(self) -> grpc.ServerCertificateConfiguration | None:
        """What counts from now on; None where that is what did before."""
        try:
            stamps = self._stamps()
            if stamps == self._seen:
                return None
            self._seen = stamps
            return self._read()
        except OSError as error:
            self._warn(f"the certificates of the listener stay as they were: {error}")
            return None

    def _read(self) -> Any:
        key, chain, roots = (path.read_bytes() for path in self._files.all)
        return grpc.ssl_server_certificate_configuration([(key, chain)], root_certificates=roots)

    def _stamps(self) -> list[tuple[int, int, int]]:
        found = [path.stat() for path in self._files.all]
        return [(each.st_mtime_ns, each.st_size, each.st_ino) for each in found]


def certified_name(call: Call) -> str:
    """The common name in the client certificate of a call.

    Raises: StatusError where there is none, or more than one.
    """
    assert isinstance(call, GrpcCall), "only gRPC listens with client certificates"
    names: list[bytes] = call.authentication().get(_COMMON_NAME, [])
    if len(names) != 1:
        raise StatusError(
            grpc.StatusCode.UNAUTHENTICATED,
            "CERTIFICATE_NAME",
            "the client certificate needs one common name: an operator's account id or address",
        )
    return names[0].decode(errors="replace")
