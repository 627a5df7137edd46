"""A whole daemon with its doors open: gRPC and HTTP on free ports of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio
from xache.v1 import admin_pb2

from tests.security.whole_house import Credential, WholeHouse
from xached.config import AdminConfig, Config, GrpcConfig, default_house
from xached.daemon import Attachments, run_daemon
from xached.domain.market import BINANCE
from xached.listeners import Addresses, Front, NetworkDoors
from xached.runtime.world import Argon2Cost, RealWorld

PATIENCE_S = 120.0
"""After which a test that hangs is failed; never reached by one that passes."""


class QuickWorld(RealWorld):
    """The real one, but for passwords that are cheap to check."""

    argon2_cost = Argon2Cost(passes=1, memory_bytes=64 * 1024)


class _SeenDoors(NetworkDoors):
    """The doors, and what is behind them."""

    front: Front
    addresses: Addresses

    async def open(self, front: Front, nursery: trio.Nursery) -> Addresses:
        """See Doors."""
        self.front = front
        self.addresses = await super().open(front, nursery)
        return self.addresses


@attrs.define
class OpenHouse(WholeHouse):
    """A daemon, and where it listens."""

    addresses: Addresses

    async def admin(self) -> Credential:
        """Make the first administrator and sign in. Real time is too slow for codes."""
        return await self.first_admin()

    async def deposit(self, admin: Credential, account_id: str, asset: str, amount: str) -> None:
        """Give somebody money."""
        request = admin_pb2.DepositRequest(
            account_id=account_id,
            asset=asset,
            amount=amount,
            request_id=f"{account_id[:20]}-{asset}",
        )
        proven = await self.stepped_up("AdminService/Deposit", request, admin)
        await self.ask("AdminService/Deposit", request, proven, admin=True)

    def carries(
        self, credential: Credential, target: str = "", content: bytes = b""
    ) -> dict[str, str]:
        """The metadata, or headers, of one request."""
        headers = {}
        if value := credential.header(target, content, self.world.now_ns() // 10**6):
            headers["authorization"] = value
        if credential.step_up:
            headers["x-xache-step-up"] = credential.step_up
        return headers


@contextlib.asynccontextmanager
async def open_house(directory: Path, **config: Any) -> AsyncIterator[OpenHouse]:
    """Run a daemon until the block is over."""
    world, stop = QuickWorld(system_log=directory / "no-log"), trio.Event()
    config.setdefault("admin", AdminConfig(require_code=False))
    settings = Config(
        data_dir=directory / "data",
        house=default_house(),
        grpc=GrpcConfig(listen="127.0.0.1:0"),
        http_listen="127.0.0.1:0",
        **config,
    )
    doors = _SeenDoors(settings, world)

    async def attach(_house: object) -> Attachments:
        return Attachments(mark_venue=BINANCE)

    with trio.fail_after(PATIENCE_S):
        async with trio.open_nursery() as nursery:
            endpoints = await nursery.start(
                partial(run_daemon, settings, world, attach, stop, doors=doors)
            )
            token = endpoints.first_admin.token
            # The clock is all that is used of the world.
            yield OpenHouse(doors.front, world, token, doors.addresses)  # type: ignore[arg-type]
            stop.set()
