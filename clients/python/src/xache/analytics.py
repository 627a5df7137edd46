"""How what is owned has done."""

from __future__ import annotations

from xache.connection import Connection
from xache.rpc import rpc
from xache.v1 import analytics_pb2 as pb

_PERFORMANCE = rpc(pb.GetPerformanceRequest, pb.GetPerformanceResponse, repeatable=True)


class Analytics:
    """Returns, without what came in and went out."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def performance(
        self,
        *,
        subaccount: str = "",
        whole_account: bool = False,
        base_asset: str = "",
        from_ns: int = 0,
        to_ns: int = 0,
        max_points: int = 0,
    ) -> pb.GetPerformanceResponse:
        """How a worth has moved; the last 30 days in 60 points unless said otherwise."""
        request = pb.GetPerformanceRequest(
            subaccount=subaccount,
            whole_account=whole_account,
            base_asset=base_asset,
            from_ns=from_ns,
            to_ns=to_ns,
            max_points=max_points,
        )
        return self._connection.call(_PERFORMANCE, request)
