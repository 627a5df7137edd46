"""The machine: a disk that outlives its daemons, and daemons that end and begin again.

The journal, the vault and the snapshots are on the simulated disk. Views and candles are files of
the system in a temporary directory, because sqlite-utils opens no VFS; they are rebuildable, and a
loss of power takes them away.

A crash first freezes the world (whatever would reach out of the process raises) and fails every
operation of the disk, then cancels: code that cleans up on its way out can save nothing.
"""

from __future__ import annotations

import enum
import random
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import attrs
import trio
from google.protobuf.message import Message

from xached.actors.market.actor import MarketFeed
from xached.actors.strategies.surroundings import StrategyConfig
from xached.api.errors import Interceptor, StatusError, stopping
from xached.config.config import Config
from xached.daemon import Attachments, Endpoints, run_daemon
from xached.domain.market import BINANCE
from xached.domain.messages import Row
from xached.house.core import House
from xached.house.listeners import GRACE_S, Addresses, Front
from xached.house.recovery import ClockBehind
from xached.runtime.mailbox import Closed
from xached.runtime.topic import Subscription
from xached.runtime.world import Frozen, SimulatedProgram, SimulatedWorld
from xached.simulation.calls import (
    Lost,
    ReceivedResponses,
    Result,
    SentRequests,
    SimulatedCall,
    serve_stream,
    serve_unary,
    serve_watch,
)
from xached.simulation.disk import Disk, DiskFault, DiskFiles
from xached.simulation.plugins import InstalledByHand
from xached.storage.journal import JournalFailed
from xached.storage.snapshots import SnapshotDamaged
from xached.storage.strategy_tables import StrategyTablesFailed
from xached.storage.vault_faults import VaultFailed

RESTART_S_MAX = 0.5
"""How long systemd takes to start what has ended."""

START_S_MAX = 120.0
ROWS_BUFFERED_MAX = 1_000_000


class Violation(Exception):  # noqa: N818 - what was found
    """Something that must always hold does not. ``checker`` names who found it."""

    def __init__(self, checker: str, text: str) -> None:
        super().__init__(f"{checker}: {text}")
        self.checker = checker


class Loss(enum.Enum):
    """What a crash takes away."""

    NOTHING = "the process was killed; the system has what it wrote"
    TAIL = "the power went; the last writes are cut off somewhere"
    UNSYNCED = "the power went; what was not synced is there or not, in any order, torn"


class HandedOver:
    """Doors that open nothing: calls come from the simulation, as tasks of the daemon."""

    def __init__(self, interceptor: Interceptor) -> None:
        """``interceptor`` is the simulation's own, which keeps what went wrong."""
        self.front: Front | None = None
        self._interceptor = interceptor
        self._nursery: trio.Nursery | None = None
        self._calls: dict[SimulatedCall, None] = {}

    async def open(self, front: Front, nursery: trio.Nursery) -> Addresses:
        """See Doors."""
        self.front = attrs.evolve(front, interceptor=self._interceptor)
        self._nursery = await nursery.start(self._hold)
        return Addresses(grpc="", http="", admin_socket=Path())

    async def close(self) -> None:
        """See Doors."""
        self._nursery = None
        with trio.move_on_after(GRACE_S):
            for call in list(self._calls):
                await call.ended.wait()
        for call in list(self._calls):
            call.revoke(stopping())
        for call in list(self._calls):
            await call.ended.wait()

    def begin(self, call: SimulatedCall, serve: Callable[..., Awaitable[None]], *rest: Any) -> None:
        """Let a call in; a house that is closing refuses it."""
        if self._nursery is None:
            call.result = stopping()
            call.ended.set()
            return
        self._calls[call] = None
        self._nursery.start_soon(self._serve, call, serve, *rest)

    async def _serve(
        self, call: SimulatedCall, serve: Callable[..., Awaitable[None]], *rest: Any
    ) -> None:
        try:
            await serve(self.front, call, *rest)
        finally:
            del self._calls[call]

    async def _hold(self, *, task_status: trio.TaskStatus[trio.Nursery]) -> None:
        async with trio.open_nursery() as calls:
            task_status.started(calls)
            try:
                await trio.sleep_forever()
            finally:
                self._nursery = None


@attrs.frozen(kw_only=True)
class Life:
    """One daemon, from its opened doors to its end."""

    number: int
    world: SimulatedWorld
    house: House
    doors: HandedOver
    front: Front
    endpoints: Endpoints
    rows: Subscription[Row]
    """Every row that this daemon publishes."""
    follow_paper: Callable[[], Awaitable[Subscription[Row]]]
    """Every row of its paper exchange from now on, until that is started again."""
    stop: trio.Event


class StepCounter(trio.abc.Instrument):
    """Calls back before the n-th step from now of any task: between two awaits, anywhere."""

    def __init__(self) -> None:
        self._left = 0
        self._then: Callable[[], None] = lambda: None

    def after(self, steps: int, then: Callable[[], None]) -> None:
        """Set the alarm."""
        self._left, self._then = steps, then

    def clear(self) -> None:
        """Forget the alarm."""
        self._left = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:  # noqa: ARG002 - any task
        """See trio.abc.Instrument."""
        if self._left:
            self._left -= 1
            if not self._left:
                self._then()


Prepare = Callable[[House], Awaitable[None]]


@attrs.define(kw_only=True, eq=False)
class Machine:
    """A computer on which the daemon is started again whenever it ends."""

    seed: int
    config: Config
    disk: Disk
    vfs: str
    steps: StepCounter
    programs: Mapping[str, SimulatedProgram] = attrs.field(factory=dict)
    feeds: Callable[[SimulatedWorld], Sequence[MarketFeed]] = lambda _world: ()
    strategies: Sequence[StrategyConfig] = ()
    prepare: Prepare | None = None
    on_start: Callable[[Life], Awaitable[None]] | None = None
    """Called when the doors are open, before anybody comes in."""

    life: Life | None = None
    lives: int = 0
    started: trio.Event = attrs.field(factory=trio.Event)
    world: SimulatedWorld | None = None
    ends: Counter[str] = attrs.field(factory=Counter)
    """What daemons ended by: names of errors."""
    incidents: list[str] = attrs.field(factory=list)
    """What should never have been answered with INTERNAL, with its trace."""
    failing: bool = False
    """Whether the disk has been made to fail: then the daemon may end of it."""
    healed: bool = False
    """Whether nothing goes wrong any more."""
    clock_offset_ns: int = 0
    accept_clock: bool = False
    _draw: random.Random = attrs.field(init=False)
    _scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    _loss: Loss = Loss.NOTHING
    _next_crash: tuple[int, Loss] | None = None
    _down_s: float = 0.0
    _over: bool = False

    def __attrs_post_init__(self) -> None:
        self._draw = random.Random(f"machine {self.seed}")

    # --- its life -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Start the daemon whenever it has ended, until the machine is switched off."""
        while not self._over:
            await self._live()
            self.world = None
            self._repair()
            if not self._over:
                await trio.sleep(self._down_s + self._draw.uniform(0, RESTART_S_MAX))
                self._down_s = 0.0

    async def wait_started(self) -> Life:
        """Wait for a daemon whose doors are open. Raises: Violation when none comes up."""
        with trio.move_on_after(START_S_MAX):
            while self.life is None:
                await self.started.wait()
        if self.life is None:
            raise Violation("liveness", f"no daemon started within {START_S_MAX} s")
        return self.life

    async def switch_off(self) -> None:
        """Stop the daemon as planned, and start it no more."""
        self._over = True
        if self.life is not None:
            self.life.stop.set()
        await trio.lowlevel.checkpoint()

    def crash(self, loss: Loss) -> None:
        """End the daemon now, wherever it is."""
        if self.world is None or self.world.frozen:
            return
        self._loss = loss
        self.world.freeze()
        self.disk.power_off()
        self._scope.cancel()

    def crash_after(self, steps: int, loss: Loss) -> None:
        """End it before the n-th step from now of any task."""
        self.steps.after(steps, partial(self.crash, loss))

    def crash_next_start(self, steps: int, loss: Loss) -> None:
        """Let the next daemon end before the n-th step after its beginning."""
        self._next_crash = (steps, loss)

    def fail_disk(self, check: Callable[[str], None]) -> None:
        """Let the disk fail by this check until the next start; the daemon may end of it."""
        if self.world is not None and not self.world.frozen:
            self.disk.before = check
            self.failing = True

    def shift_clock(self, by_ns: int) -> None:
        """Let the wall clock jump."""
        self.clock_offset_ns += by_ns
        if self.world is not None:
            self.world.shift_clock(by_ns)

    def heal(self) -> None:
        """From now on nothing goes wrong that has not begun to."""
        self.healed = True
        self.steps.clear()
        self._next_crash = None
        if self.world is not None and not self.world.frozen:
            self.disk.before = lambda _: None

    def restart(self, down_s: float = 0.0) -> None:
        """Ask the daemon to stop; it is started again, not before it was down for so long."""
        if self.life is not None:
            self._down_s = down_s
            self.life.stop.set()

    async def _live(self) -> None:
        self.lives += 1
        files = DiskFiles(self.disk, self.vfs)
        world = SimulatedWorld(f"{self.seed} life {self.lives}", self.programs, files)
        world.shift_clock(self.clock_offset_ns)
        self.world, self._scope, stop = world, trio.CancelScope(), trio.Event()
        if self._next_crash is not None:
            (steps, loss), self._next_crash = self._next_crash, None
            self.crash_after(steps, loss)
        config = attrs.evolve(self.config, accept_clock=self.accept_clock)
        doors = HandedOver(Interceptor(world, self._incident))
        houses: list[tuple[House, Subscription[Row]]] = []
        listening = AsyncExitStack()

        async def attach(house: House) -> Attachments:
            rows = await listening.enter_async_context(house.rows.subscribe(ROWS_BUFFERED_MAX))
            houses.append((house, rows))
            if self.prepare is not None:
                await self.prepare(house)
            return Attachments(
                feeds=self.feeds(world),
                strategies=self.strategies,
                mark_venue=BINANCE,
                plugins=InstalledByHand(tuple(each.strategy for each in self.strategies)),
            )

        try:
            with self._scope:
                async with listening, trio.open_nursery() as nursery:
                    run = partial(run_daemon, config, world, attach, stop, doors=doors)
                    endpoints: Endpoints = await nursery.start(run)
                    assert doors.front is not None
                    ((house, rows),) = houses

                    async def follow_paper() -> Subscription[Row]:
                        told = house.paper.rows.subscribe(ROWS_BUFFERED_MAX)
                        return await listening.enter_async_context(told)

                    life = Life(
                        number=self.lives, world=world, house=house, doors=doors, front=doors.front,
                        endpoints=endpoints, rows=rows, follow_paper=follow_paper, stop=stop,
                    )  # fmt: skip
                    if self.on_start is not None:
                        await self.on_start(life)
                    self.life = life
                    self.started.set()
                    try:
                        await endpoints.stopped.wait()
                    finally:
                        # Both at once: a daemon may take its time to end, and whoever waits for
                        # the next one meanwhile would turn in circles, with time at a stand.
                        self.life, self.started = None, trio.Event()
                    nursery.cancel_scope.cancel()
        except BaseException as error:
            self._judge(error, world)
        self.ends["Crashed"] += world.frozen

    def _incident(self, incident_id: str, method: str, error: BaseException) -> None:
        """A handler met a bug."""
        trace = "".join(traceback.format_exception(error))
        self.incidents.append(f"incident {incident_id} in {method}:\n{trace}")

    def _judge(self, error: BaseException, world: SimulatedWorld) -> None:
        """Was this end to be expected? Raises: Violation."""
        for leaf in leaves(error):
            self.ends[type(leaf).__name__] += 1
            if isinstance(leaf, Violation):
                raise leaf
            if isinstance(leaf, ClockBehind):
                self.accept_clock = True
            elif isinstance(leaf, Frozen | trio.Cancelled):
                assert world.frozen or isinstance(leaf, trio.Cancelled)
            elif not ((world.frozen or self.failing) and isinstance(leaf, _FAULTS)):
                raise Violation("the daemon", f"it ended by {leaf!r}") from error

    def _repair(self) -> None:
        """What the next daemon finds."""
        self.steps.clear()
        self.failing = False
        self.disk.power_on()
        if self._loss is not Loss.NOTHING:
            self.disk.restore_power(self._draw, in_order=self._loss is Loss.TAIL)
            for path in sorted(self.config.data_dir.glob("*.db*")):
                path.unlink()
        self._loss = Loss.NOTHING

    # --- who comes in ----------------------------------------------------------------------------

    async def call(
        self, path: str, request: Message | bytes, token: str = "", *,
        peer: str = "ipv4:127.0.0.1:1", timeout_s: float = 60.0,
    ) -> Result:  # fmt: skip
        """Call a method with one response. Cancelling leaves: the handler is cancelled too."""
        await trio.lowlevel.checkpoint()
        life = self.life
        if life is None:
            return Lost()
        route = life.front.admin.find(path)
        assert route is not None, path
        body = request if isinstance(request, bytes) else request.SerializeToString()
        call = SimulatedCall(route, token, peer, trio.current_time() + timeout_s)
        life.doors.begin(call, serve_unary, route, body)
        try:
            await call.ended.wait()
        finally:
            call.scope.cancel()
        return self._heard(life, call)

    def watch(
        self, path: str, request: Message, token: str, responses: ReceivedResponses
    ) -> SimulatedCall | None:
        """Call a method with a stream of responses; None when no daemon is there."""
        life = self.life
        if life is None:
            return None
        route = life.front.admin.find(path)
        assert route is not None, path
        call = SimulatedCall(route, token, "ipv4:127.0.0.1:1")
        body = request.SerializeToString()
        life.doors.begin(call, serve_watch, route, body, responses)
        return call

    def converse(
        self, path: str, requests: SentRequests, token: str, responses: ReceivedResponses
    ) -> SimulatedCall | None:
        """Call a method with streams both ways; None when no daemon is there."""
        life = self.life
        if life is None:
            return None
        route = life.front.admin.find(path)
        assert route is not None, path
        call = SimulatedCall(route, token, "ipv4:127.0.0.1:1")
        life.doors.begin(call, serve_stream, route, requests, responses)
        return call

    @staticmethod
    def _heard(life: Life, call: SimulatedCall) -> Result:
        """What reaches the caller: nothing from a machine that has ended."""
        if life.world.frozen:
            return Lost()
        return call.result


_FAULTS = (
    JournalFailed, VaultFailed, StrategyTablesFailed, apsw.Error, OSError, SnapshotDamaged,
    DiskFault, Closed,
)  # fmt: skip
"""What a daemon may end by when its disk fails."""


def leaves(error: BaseException) -> list[BaseException]:
    """What a group consists of."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for each in error.exceptions for leaf in leaves(each)]
    return [error]


def refusal_of(result: Result) -> StatusError | None:
    """The refusal, if it was one."""
    return result if isinstance(result, StatusError) else None
