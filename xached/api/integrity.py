"""AdminService: what accounts do that somebody should look at."""

from __future__ import annotations

from typing import Final

from xache.v1 import admin_pb2

from xached.api import convert
from xached.api.routes import Call
from xached.domain.integrity import Conduct, Integrity, Layering
from xached.domain.order import AccountId, check_id
from xached.domain.rejection import Reason, Rejection

ACCOUNTS_DEFAULT: Final = 20
ACCOUNTS_MAX: Final = 200


class IntegrityHandlers:
    """Handlers of AdminService about conduct."""

    def __init__(self, integrity: Integrity) -> None:
        self._integrity = integrity

    async def get_integrity(
        self, _call: Call, request: admin_pb2.GetIntegrityRequest
    ) -> admin_pb2.GetIntegrityResponse:
        """Tell of one account, or of those to look at first."""
        if request.limit > ACCOUNTS_MAX:
            raise Rejection(
                Reason.AMOUNT_RANGE,
                "too many accounts are asked for",
                field="limit",
                given=str(request.limit),
                allowed=f"0 to {ACCOUNTS_MAX}",
            )
        if request.account_id:
            account_id = AccountId(check_id(request.account_id, "account_id"))
            known = self._integrity.conduct_of(account_id)
            told = [known] if known is not None else []
        else:
            told = self._integrity.conspicuous(request.limit or ACCOUNTS_DEFAULT)
        return admin_pb2.GetIntegrityResponse(
            accounts=[_conduct(each) for each in told], as_of_seq=self._integrity.seq
        )


def _conduct(conduct: Conduct) -> admin_pb2.Conduct:
    return admin_pb2.Conduct(
        account_id=conduct.account_id,
        orders=conduct.orders,
        messages=conduct.messages,
        fills=conduct.fills,
        messages_per_fill_ppm=conduct.messages_per_fill_ppm,
        self_matches=conduct.self_matches,
        self_match_seqs=conduct.self_match_seqs,
        layerings=conduct.layerings,
        layering_evidence=[_layering(each) for each in conduct.layering_evidence],
    )


def _layering(layering: Layering) -> admin_pb2.Layering:
    return admin_pb2.Layering(
        symbol=layering.symbol,
        side=convert.wire(layering.side),
        placed_seqs=layering.placed_seqs,
        traded_seq=layering.traded_seq,
        canceled_seqs=layering.cancelled_seqs,
        at_ns=layering.at_ns,
    )
