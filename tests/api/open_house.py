"""A whole daemon with its doors open: gRPC and HTTP on free ports of this machine."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import trio
from trio.testing import MockClock

from tests.security.whole_house import Credential, WholeHouse
from xached.config.config import Config, GrpcConfig, default_house
from xached.daemon import Attachments, run_daemon
from xached.domain.market import BINANCE
from xached.house.listeners import Addresses, Front, NetworkDoors
from xached.runtime.world import Argon2Cost, RealWorld

PATIENCE_S = 1200.0
"""After which a test that hangs is failed; by the clock of the test, which jumps."""


class QuickWorld(RealWorld):
    """The real one, but that passwords are cheap to check, and its clocks are trio's."""

    argon2_cost = Argon2Cost(passes=1, memory_bytes=64 * 1024)

    def __init__(self, clock: MockClock, directory: Path) -> None:
        super().__init__(system_log=directory / "no-log")
        self._clock = clock
        self._began_ns = super().now_ns()

    def shift_clock(self, by_ns: int) -> None:
        """Let time pass."""
        self._clock.jump(by_ns / 1e9)

    def now_ns(self) -> int:
        """See World."""
        return self._began_ns + self.monotonic_ns()

    def monotonic_ns(self) -> int:
        """See World."""
        return round(self._clock.current_time() * 1e9)


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

    addresses: Addresses = attrs.field(kw_only=True)

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
async def open_house(directory: Path, clock: MockClock, **config: Any) -> AsyncIterator[OpenHouse]:
    """Run a daemon until the block is over. The clock runs as fast as a real one."""
    clock.rate = 1.0
    world, stop = QuickWorld(clock, directory), trio.Event()
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
            yield OpenHouse(doors.front, world, token, addresses=doors.addresses)  # type: ignore[arg-type]
            stop.set()
