"""The gRPC health protocol (grpc.health.v1): SERVING only between recovery and drain.

https://github.com/grpc/grpc/blob/master/doc/health-checking.md
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import grpc
import trio
from grpc_health.v1 import health_pb2

from xached.api.errors import StatusError, stopping
from xached.api.routes import PUBLIC, Call, Responses, Service

CheckRequest: TypeAlias = health_pb2.HealthCheckRequest
CheckResponse: TypeAlias = health_pb2.HealthCheckResponse
ListRequest: TypeAlias = health_pb2.HealthListRequest
ListResponse: TypeAlias = health_pb2.HealthListResponse


class HealthService:
    """Health of a listener and its services: all of them serve or none does.

    The daemon calls :meth:`serve` once recovery is done and :meth:`drain` before it stops.
    """

    def __init__(self, service_names: Iterable[str]) -> None:
        # The empty name stands for the whole listener.
        self._names = frozenset(service_names) | {""}
        self._status = CheckResponse.NOT_SERVING
        self._draining = False
        self._changed = trio.Event()

    def service(self) -> Service:
        """The service to route; everybody may ask."""
        return Service(
            descriptor=health_pb2.DESCRIPTOR.services_by_name["Health"],
            handlers=self,
            declared=PUBLIC,
        )

    def serve(self) -> None:
        """Recovery is done: calls are answered. No effect once draining."""
        if not self._draining:
            self._set(CheckResponse.SERVING)

    def drain(self) -> None:
        """Say NOT_SERVING from now on, and let those go who watch."""
        self._draining = True
        self._set(CheckResponse.NOT_SERVING)

    async def check(self, _call: Call, request: CheckRequest) -> CheckResponse:
        """Tell the status of one service. Raises: StatusError NOT_FOUND."""
        if request.service not in self._names:
            raise StatusError(
                grpc.StatusCode.NOT_FOUND, "UNKNOWN_SERVICE", "there is no such service"
            )
        return CheckResponse(status=self._status)

    async def list(self, _call: Call, _request: ListRequest) -> ListResponse:
        """Tell the status of every service."""
        response = ListResponse()
        for name in sorted(self._names):
            response.statuses[name].status = self._status
        return response

    async def watch(
        self, _call: Call, request: CheckRequest, responses: Responses[CheckResponse]
    ) -> None:
        """Tell the status of one service now and when it changes. Raises: StatusError."""
        known = request.service in self._names
        while True:
            changed = self._changed
            status = self._status if known else CheckResponse.SERVICE_UNKNOWN
            await responses.send(CheckResponse(status=status))
            if self._draining:
                raise stopping()
            await changed.wait()

    def _set(self, status: int) -> None:
        self._status = status
        self._changed.set()
        self._changed = trio.Event()
