"""What befalls the machine: a table of faults, drawn by weight like the actions of the people.

A fault that ends the daemon is followed by a new start; what it found is checked then. Faults of
the daemon's strategies and feeds are in children.py and venue.py: they misbehave by themselves.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Final

import attrs
import trio
import trio.lowlevel

from xached.simulation.disk import DiskFault
from xached.simulation.machine import Loss, Machine
from xached.storage.directory import DataPaths

STEPS_MAX: Final = 600
OPERATIONS_MAX: Final = 60
OUTAGE_S_MAX: Final = 90.0
CLOCK_JUMP_S_MAX: Final = 3_600
NS_PER_S: Final = 1_000_000_000

Run = Callable[[Machine, random.Random], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Fault:
    """Something that goes wrong."""

    name: str
    weight: int
    run: Run


FAULTS: Final[list[Fault]] = []


def fault(weight: int) -> Callable[[Run], Run]:
    """Put a function into the table."""

    def add(run: Run) -> Run:
        FAULTS.append(Fault(name=run.__name__, weight=weight, run=run))
        return run

    return add


def draw_fault(draw: random.Random) -> Fault:
    """One of the table."""
    (drawn,) = draw.choices(FAULTS, [each.weight for each in FAULTS])
    return drawn


# --- the machine -------------------------------------------------------------------------------


@fault(3)
async def kill(machine: Machine, draw: random.Random) -> None:
    """The process is killed between two awaits of any task; the system has what it wrote."""
    machine.crash_after(draw.randrange(1, STEPS_MAX), Loss.NOTHING)


@fault(3)
async def power_cut(machine: Machine, draw: random.Random) -> None:
    """The power goes between two awaits of any task."""
    machine.crash_after(draw.randrange(1, STEPS_MAX), Loss.UNSYNCED)


@fault(2)
async def torn_tail(machine: Machine, draw: random.Random) -> None:
    """The power goes, and the last writes are cut off in the middle of one."""
    _cut_at_operation(machine, draw.randrange(1, OPERATIONS_MAX), Loss.TAIL)


@fault(3)
async def power_cut_of_the_disk(machine: Machine, draw: random.Random) -> None:
    """The power goes in the middle of what the disk does: inside of a transaction."""
    _cut_at_operation(machine, draw.randrange(1, OPERATIONS_MAX), Loss.UNSYNCED)


@fault(2)
async def crash_while_starting(machine: Machine, draw: random.Random) -> None:
    """A crash, and another one while the next daemon recovers from it."""
    machine.crash(draw.choice(list(Loss)))
    await trio.lowlevel.checkpoint()
    machine.crash_next_start(draw.randrange(1, STEPS_MAX), draw.choice(list(Loss)))


@fault(2)
async def restart(machine: Machine, draw: random.Random) -> None:  # noqa: ARG001 - a fault's shape
    """Somebody stops the daemon as planned."""
    machine.restart()


@fault(2)
async def outage(machine: Machine, draw: random.Random) -> None:
    """Somebody stops the daemon and starts it a minute later: things were due meanwhile."""
    machine.restart(draw.uniform(60, OUTAGE_S_MAX))


# --- its disk ----------------------------------------------------------------------------------


@fault(2)
async def disk_full(machine: Machine, draw: random.Random) -> None:
    """No room for anything any more, until the next start."""
    at = machine.disk.operations + draw.randrange(1, OPERATIONS_MAX)

    def check(operation: str) -> None:
        if machine.disk.operations >= at and operation in ("write", "create"):
            raise DiskFault("no space left on device", is_full=True)

    machine.fail_disk(check)


@fault(3)
async def sync_error(machine: Machine, draw: random.Random) -> None:
    """One fsync fails. What it was to write is seen until the power goes, and then is gone."""
    left = draw.randrange(1, 10)

    def check(operation: str) -> None:
        nonlocal left
        if operation == "sync":
            left -= 1
            if left == 0:
                raise DiskFault("input/output error", loses_writes=True)

    machine.fail_disk(check)


@fault(2)
async def bad_sectors_of_paper(machine: Machine, draw: random.Random) -> None:
    """The paper journal cannot be written to for a while: it fails, and nothing else does."""
    log = f"{DataPaths(machine.config.data_dir).paper}-wal"
    _set_broken(machine, log, broken=True)
    await trio.sleep(draw.uniform(0.5, 3))
    _set_broken(machine, log, broken=False)


@fault(2)
async def slow_disk(machine: Machine, draw: random.Random) -> None:
    """Every access takes long for a while: mailboxes fill."""
    world = machine.world
    if world is None:
        return
    usual, world.delay_s_max = world.delay_s_max, draw.uniform(0.05, 0.5)
    await trio.sleep(draw.uniform(0.5, 3))
    world.delay_s_max = usual


# --- its clock ---------------------------------------------------------------------------------


@fault(2)
async def clock_jump(machine: Machine, draw: random.Random) -> None:
    """The wall clock jumps, by milliseconds or by up to an hour, either way."""
    magnitude = draw.choice((0.01, 1, 10, CLOCK_JUMP_S_MAX))
    machine.shift_clock(round(draw.uniform(-magnitude, magnitude) * NS_PER_S))


def _cut_at_operation(machine: Machine, operations: int, loss: Loss) -> None:
    """Lose power at the n-th operation of the disk from now."""
    at = machine.disk.operations + operations

    def check(_operation: str) -> None:
        if machine.disk.operations >= at:
            machine.crash(loss)
            raise DiskFault("the power goes")

    machine.disk.before = check


def _set_broken(machine: Machine, path: str, *, broken: bool) -> None:
    stored = machine.disk.files.get(path)
    if stored is not None:
        stored.broken = broken
