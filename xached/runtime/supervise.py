"""Who restarts whom, and what is told about it.

Vital actors (matching, sessions, api) take the daemon down with them: starting again is their
recovery. Expendable ones come back after a growing pause. Every actor has one record here, which
health and the admin service read.
"""

from __future__ import annotations

import enum
import traceback
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio
from loguru import logger

LINE_LENGTH_MAX = 200

Run = Callable[[], Awaitable[None]]


class WorldFault(Exception):  # noqa: N818 - a fault of the world, not of the program
    """What an actor needs from outside is not to be had: to be expected, and told in a line.

    Of the three kinds of errors it is the second. Raised by an actor that wants to start again.
    """


class ActorState(enum.Enum):
    """What an actor is doing."""

    RUNNING = "RUNNING"
    PAUSING = "PAUSING"
    """Failed; starts again after a pause."""
    FAILED = "FAILED"
    """Stays down."""
    STOPPED = "STOPPED"
    """Ended by itself or with the daemon."""


@attrs.frozen(kw_only=True)
class ActorStatus:
    """How one actor is doing. ``failure`` is its last one, in a line; empty when none."""

    name: str
    vital: bool
    state: ActorState
    restarts: int
    failure: str


class Health:
    """The records of all supervised actors, in the order they started."""

    def __init__(self) -> None:
        self._records: dict[str, ActorStatus] = {}

    def records(self) -> tuple[ActorStatus, ...]:
        """One record for each actor."""
        return tuple(self._records.values())

    def failure_of(self, name: str) -> str:
        """What ended an actor last, in a line; empty where nothing did."""
        known = self._records.get(name)
        return "" if known is None else known.failure

    def forget(self, name: str) -> None:
        """Take an actor out that will not run again; one that runs stays."""
        known = self._records.get(name)
        if known is not None and known.state in (ActorState.STOPPED, ActorState.FAILED):
            del self._records[name]

    @property
    def ok(self) -> bool:
        """True while every actor runs or has ended by itself."""
        fine = (ActorState.RUNNING, ActorState.STOPPED)
        return all(record.state in fine for record in self._records.values())

    def _started(self, name: str, *, vital: bool) -> None:
        known = self._records.get(name)
        assert known is None or known.state is not ActorState.RUNNING, f"{name} runs already"
        self._records[name] = ActorStatus(
            name=name,
            vital=vital,
            state=ActorState.RUNNING,
            restarts=0 if known is None else known.restarts + 1,
            failure="" if known is None else known.failure,
        )

    def _changed(self, name: str, state: ActorState, failure: str | None = None) -> None:
        record = self._records[name]
        self._records[name] = attrs.evolve(
            record, state=state, failure=record.failure if failure is None else failure
        )


@attrs.frozen(kw_only=True)
class Restart:
    """When an expendable actor comes back.

    The pause doubles with each failure inside the window, from ``pause_s`` to ``pause_s_max``.
    After more than ``limit`` failures in ``window_s`` it stays down. ``jitter`` draws a number
    from 0 to 1, which takes up to half of the pause away: not everybody dials again at once.
    """

    limit: int = 5
    window_s: float = 300.0
    pause_s: float = 1.0
    pause_s_max: float = 60.0
    jitter: Callable[[], float] | None = None

    def pause_after(self, failures: int) -> float:
        """How long to wait after the n-th failure inside the window, in seconds."""
        doublings = min(failures - 1, 30)  # more would overflow a float
        pause_s = min(self.pause_s * 2.0**doublings, self.pause_s_max)
        return pause_s if self.jitter is None else pause_s * (1 - self.jitter() / 2)


NEVER_GIVEN_UP: Final = Restart(limit=1_000_000, pause_s_max=30.0)
"""For what people count on, and a disk that heals lets go on."""


async def run_vital(name: str, run: Run, health: Health) -> None:
    """Run an actor the daemon cannot do without; its failure goes up."""
    health._started(name, vital=True)
    try:
        await run()
    except BaseException as error:
        stopped = isinstance(error, trio.Cancelled)
        health._changed(
            name,
            ActorState.STOPPED if stopped else ActorState.FAILED,
            None if stopped else one_line(error),
        )
        raise
    health._changed(name, ActorState.STOPPED)


async def run_expendable(
    name: str, run: Run, health: Health, policy: Restart | None = None
) -> None:
    """Keep an actor going. Returns when it ends, or when it has failed too often."""
    policy = policy or Restart()
    failed_at: list[float] = []
    try:
        while True:
            failure: ExceptionGroup[Exception] | None = None
            health._started(name, vital=False)
            try:
                await run()
            except* Exception as group:  # Never Cancelled: that is a BaseException.
                failure = group
            if failure is None:
                return
            now = trio.current_time()
            failed_at = [at for at in failed_at if now - at < policy.window_s] + [now]
            if failure.split(WorldFault)[1] is None:
                logger.warning("{} is interrupted: {}", name, one_line(failure))
            else:
                logger.opt(exception=failure).error("{} failed: {}", name, one_line(failure))
            if len(failed_at) > policy.limit:
                health._changed(name, ActorState.FAILED, one_line(failure))
                return
            health._changed(name, ActorState.PAUSING, one_line(failure))
            await trio.sleep(policy.pause_after(len(failed_at)))
    finally:
        if health._records[name].state is not ActorState.FAILED:
            health._changed(name, ActorState.STOPPED)


def one_line(error: BaseException) -> str:
    """Say what went wrong first, in one bounded line; groups are looked into."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = "".join(traceback.format_exception_only(error)).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:LINE_LENGTH_MAX]
