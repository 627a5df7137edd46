"""What a strategy tries that has turned against the house: at import, in a callback, in a thread.

Each act is denied by the kernel or ends the child, and the house goes on. Checked by removing one
layer after the other: without ``confine_system_calls`` fork, ptrace, unshare, reading the parent's
memory and more succeed or reach the kernel (other layers still stop connect, exec and kill);
without ``confine_files`` opening and listing do; without RLIMIT_AS *eat* finds no end; without
RLIMIT_CPU *spin* in a thread goes on for ever; without SILENT_S_MAX the orders of *stall* are
still open after two seconds.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest
import trio.testing
from xache_sdk.landlock import landlock_abi

from tests.plugins.house import BOOT, CHILDREN, SDK, House, config, open_house, robot, until
from xached.actors.strategies.actor import Strategies
from xached.actors.strategies.surroundings import StrategyConfig
from xached.runtime.supervise import Restart

MEMORY_BYTES = 256 << 20
CPU_S = 3
"""Of processor, not of time: reaching it is bound to come, however busy the machine."""

WHERE = ("import", "callback", "thread")

pytestmark = pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Time stands still, unless a test moves it."""
    return mock_clock


def start(act: str, where: str) -> Sequence[str]:
    """A child with little of everything; its program's name says what to do at import."""
    name = act if where == "import" else ""
    boot = BOOT.replace("main(sys.argv[3:])", f"sys.argv[0] = {name!r}\nmain(sys.argv[3:])")
    assert boot != BOOT
    return [
        sys.executable, "-I", "-B", "-c", boot, str(CHILDREN), str(SDK),
        "--strategy", "escaping:Escaping",
        "--parent", str(os.getpid()), "--memory-bytes", str(MEMORY_BYTES), "--cpu-s", str(CPU_S),
    ]  # fmt: skip


def seat(house: House, act: str, where: str) -> StrategyConfig:
    """What runs: an escaping strategy that is not started again."""
    house.around = attrs.evolve(
        house.around, command=lambda _: start(act, where), restart=Restart(limit=0)
    )
    settings = {"act": act, "thread": where == "thread"}
    return config(settings_json=json.dumps(settings))


async def let_act(house: House, strategies: Strategies) -> None:
    """Have it begin; at import it has begun by itself, and tells of it now."""
    await until(lambda: robot(strategies).last_note == "resting")
    await until(lambda: house.markets.readers == 1)
    house.markets.trade()


@pytest.mark.parametrize("where", WHERE)
async def test_what_leads_outside_is_denied(
    clock: trio.testing.MockClock, tmp_path: Path, where: str
) -> None:
    async with (
        open_house(tmp_path) as house,
        house.running(seat(house, "escape", where)) as strategies,
    ):
        await let_act(house, strategies)
        await until(lambda: robot(strategies).last_note != "resting")
        assert robot(strategies).last_note == "not denied: "


@pytest.mark.parametrize("where", WHERE)
async def test_memory_ends_for_the_child_alone(
    clock: trio.testing.MockClock, tmp_path: Path, where: str
) -> None:
    async with (
        open_house(tmp_path) as house,
        house.running(seat(house, "eat", where)) as strategies,
    ):
        await let_act(house, strategies)
        await until(lambda: robot(strategies).last_note != "resting")
        assert robot(strategies).last_note == "full"


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize(
    ("act", "failure"),
    [
        ("spin", "the process ended with -9"),
        ("babble", "a frame of 1195725856 bytes"),
        ("flood", "more than 2000 messages in a second"),
    ],
)
async def test_what_harms_ends_it_and_its_orders_at_once(
    clock: trio.testing.MockClock, tmp_path: Path, act: str, failure: str, where: str
) -> None:
    """No time passes on the house's clock between the end of the child and that of its orders."""
    async with (
        open_house(tmp_path) as house,
        house.running(seat(house, act, where)) as strategies,
    ):
        if where != "import":
            await let_act(house, strategies)
        await until(lambda: house.status().failure != "")
        assert failure in house.status().failure
        assert (await house.purse()).orders == []


@pytest.mark.parametrize("where", ["callback", "thread"])
async def test_the_orders_of_one_that_stalls_end_within_two_seconds(
    clock: trio.testing.MockClock, tmp_path: Path, where: str
) -> None:
    """At import it has no orders yet, and START_S_MAX ends it."""
    async with (
        open_house(tmp_path) as house,
        house.running(seat(house, "stall", where)) as strategies,
    ):
        await let_act(house, strategies)
        assert len((await house.purse()).orders) == 1
        await trio.testing.wait_all_tasks_blocked(0.01)
        for _ in range(4):
            clock.jump(0.5)
            await trio.testing.wait_all_tasks_blocked(0.01)
        assert (await house.purse()).orders == []
        assert robot(strategies).ready
