"""What the law asks: limits by level, papers, disclosures, and what the house knows of a person."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from xache.connection import Connection
from xache.orders import new_id
from xache.proofs import Proof, proved, proved_read
from xache.rpc import rpc
from xache.v1 import compliance_pb2 as pb

_LIMITS = rpc(pb.GetLimitsRequest, pb.GetLimitsResponse, repeatable=True)
_DISCLOSURES = rpc(pb.ListDisclosuresRequest, pb.ListDisclosuresResponse, repeatable=True)
_ACCEPT = rpc(pb.AcceptDisclosureRequest, pb.AcceptDisclosureResponse, repeatable=True)
_KYC = rpc(pb.GetKycRequest, pb.GetKycResponse, repeatable=True)
_APPLY = rpc(pb.ApplyForLevelRequest, pb.ApplyForLevelResponse, repeatable=False)
_UPLOAD = rpc(pb.UploadDocumentRequest, pb.UploadDocumentResponse, repeatable=False)
_EXPORT = rpc(pb.ExportDataRequest, pb.ExportDataResponse, repeatable=False)
_ERASE = rpc(pb.RequestErasureRequest, pb.RequestErasureResponse, repeatable=False)
_CANCEL_ERASURE = rpc(pb.CancelErasureRequest, pb.CancelErasureResponse, repeatable=False)
_TRADES = rpc(pb.ExportTradesRequest, pb.ExportTradesResponse, repeatable=False)

PIECE_BYTES: Final = 64 * 1024
"""Of a document, in one message."""


class Compliance:
    """What the law asks of the account and of the house."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def limits(self) -> pb.GetLimitsResponse:
        """The account's level, what it allows on a day, and what is used of it."""
        return self._connection.call(_LIMITS, pb.GetLimitsRequest())

    def disclosures(self) -> list[pb.Disclosure]:
        """What has to be accepted before trading, and what was."""
        request = pb.ListDisclosuresRequest()
        return list(self._connection.call(_DISCLOSURES, request).disclosures)

    def accept(self, name: str, version: int, *, request_id: str = "") -> int:
        """Accept the current version of a disclosure; the journal sequence."""
        request = pb.AcceptDisclosureRequest(
            name=name, version=version, request_id=request_id or new_id()
        )
        return self._connection.call(_ACCEPT, request).seq

    def kyc(self) -> pb.GetKycResponse:
        """The account's applications and documents, newest first."""
        return self._connection.call(_KYC, pb.GetKycRequest())

    def apply(self, level: int, details: pb.PersonDetails) -> pb.Application:
        """Apply for a level; what was not decided yet is replaced."""
        request = pb.ApplyForLevelRequest(level=level, details=details)
        return self._connection.call(_APPLY, request).application

    def upload(self, kind: pb.DocumentKind, content: bytes) -> pb.Document:
        """Upload a PDF, JPEG or PNG of at most 10 MiB."""

        def pieces() -> Iterator[pb.UploadDocumentRequest]:
            for start in range(0, max(len(content), 1), PIECE_BYTES):
                yield pb.UploadDocumentRequest(
                    kind=kind if start == 0 else pb.DOCUMENT_KIND_UNSPECIFIED,
                    content=content[start : start + PIECE_BYTES],
                )

        return self._connection.send(_UPLOAD, pieces()).document

    def export(self, proof: Proof) -> Iterator[pb.ExportDataResponse]:
        """Everything the house knows of the account; a name that changes begins another file."""
        return proved_read(self._connection, _EXPORT, pb.ExportDataRequest(), proof)

    def trades(self, from_ns: int, to_ns: int = 0) -> Iterator[bytes]:
        """The trades of a period as the pieces of one CSV; ``to_ns`` 0 is now."""
        request = pb.ExportTradesRequest(from_ns=from_ns, to_ns=to_ns)
        for piece in self._connection.read(_TRADES, request):
            yield piece.content

    def request_erasure(self, proof: Proof, *, forfeit: bool = False) -> int:
        """Ask to be erased; when that is done unless it is taken back.

        Args:
            forfeit: what is left of the money goes to the house.
        """
        request = pb.RequestErasureRequest(forfeit=forfeit)
        return proved(self._connection, _ERASE, request, proof).due_at_ns

    def cancel_erasure(self) -> None:
        """Stay."""
        self._connection.call(_CANCEL_ERASURE, pb.CancelErasureRequest())
