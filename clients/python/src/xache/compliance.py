"""What the house asks of its users: limits by level, and disclosures to accept before trading."""

from __future__ import annotations

from xache.connection import Connection
from xache.orders import new_id
from xache.rpc import rpc
from xache.v1 import compliance_pb2 as pb

_LIMITS = rpc(pb.GetLimitsRequest, pb.GetLimitsResponse, repeatable=True)
_DISCLOSURES = rpc(pb.ListDisclosuresRequest, pb.ListDisclosuresResponse, repeatable=True)
_ACCEPT = rpc(pb.AcceptDisclosureRequest, pb.AcceptDisclosureResponse, repeatable=True)


class Compliance:
    """Limits and disclosures of the account."""

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
