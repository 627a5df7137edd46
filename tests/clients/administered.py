"""A house whose administrators have screens: a daemon, its first administrator and customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
from google.protobuf.message import Message
from xache.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    market_pb2,
    market_pb2_grpc,
    options_pb2,
    risk_pb2,
    risk_pb2_grpc,
    types_pb2,
)

from tests.faults.house import (
    CALL_S_MAX,
    PASSWORD,
    HouseProcess,
    Metadata,
    connected,
    open_market,
    register,
    running,
    sign_in,
)

ADMIN = "admin@house.example"


@attrs.frozen
class Administered:
    """A house with an administrator, and customers who have funds."""

    process: HouseProcess
    people: Mapping[str, str]
    """Account by address."""
    asked: Callable[[Any, str, Any], Any]
    """Calls the house itself: a stub's class, a method, a request."""

    @property
    def root(self) -> str:
        return self.process.admin_http

    def give_role(self, who: str, role: options_pb2.Role) -> None:
        """Let a customer work for the house."""
        request = admin_pb2.SetRoleRequest(account_id=self.people[who], role=role, granted=True)
        self.asked(admin_pb2_grpc.AdminServiceStub, "SetRole", request)

    def risk(self) -> risk_pb2.GetRiskResponse:
        """What is restrained and bounded."""
        answer: risk_pb2.GetRiskResponse = self.asked(
            risk_pb2_grpc.RiskServiceStub, "GetRisk", risk_pb2.GetRiskRequest()
        )
        return answer

    def instruments(self) -> dict[str, types_pb2.Instrument]:
        """What is listed."""
        answer = self.asked(
            market_pb2_grpc.MarketServiceStub,
            "ListInstruments",
            market_pb2.ListInstrumentsRequest(),
        )
        return {each.symbol: each for each in answer.instruments}

    def plugin(self, name: str) -> admin_pb2.Plugin:
        """How a plugin stands."""
        request = admin_pb2.GetPluginRequest(name=name)
        plugin: admin_pb2.Plugin = self.asked(
            admin_pb2_grpc.AdminServiceStub, "GetPlugin", request
        ).plugin
        return plugin


@contextmanager
def administered(root: Path, *people: str) -> Iterator[Administered]:
    """Run a house with open markets and customers, until the block is over."""
    with running(root, admin_http="127.0.0.1:0") as process:
        with connected(process.target) as channel:
            accounts = {each: register(channel, each) for each in people}
        open_market(process, list(accounts.values()))
        with connected(f"unix:{process.data / 'admin.sock'}") as channel:
            metadata: Metadata = sign_in(channel, ADMIN)

            def asked(stub: Any, method: str, request: Any) -> Any:
                return getattr(stub(channel), method)(
                    request, metadata=metadata, timeout=CALL_S_MAX
                )

            yield Administered(process, accounts, asked)


def proven(
    stub: auth_pb2_grpc.AuthServiceStub,
    session: Metadata,
    method: str,
    request: Message | None = None,
) -> Metadata:
    """The metadata of a call that was proved afresh, bound to the bytes of the request if given."""
    wanted = auth_pb2.StepUpRequest(
        method=method,
        request=b"" if request is None else request.SerializeToString(),
        password=PASSWORD,
    )
    told = stub.StepUp(wanted, metadata=session, timeout=CALL_S_MAX)
    return (*session, ("x-xache-step-up", told.step_up_token))
