"""The machine starts daemons again, and whoever waits for one waits without turning in circles."""

from __future__ import annotations

from pathlib import Path

import trio

from xached.config.config import Config, default_house
from xached.domain.messages import OpenPurse
from xached.domain.order import Purse
from xached.runtime.world import SimulatedWorld, run_simulated
from xached.simulation.disk import Disk, registered
from xached.simulation.machine import Life, Loss, Machine, StepCounter


def test_while_a_daemon_takes_its_time_to_end_the_next_one_is_waited_for(tmp_path: Path) -> None:
    """It is held up in a write; waiting must let time pass, or the write never ends.

    Checked by setting ``started`` only after the end: it is set, and the wait never returns.
    """

    async def main(_world: SimulatedWorld) -> None:
        disk = Disk()
        with registered(disk) as vfs:
            config = Config(data_dir=tmp_path, house=default_house())
            machine = Machine(seed=1, config=config, disk=disk, vfs=vfs, steps=StepCounter())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(machine.run)
                first = await machine.wait_started()
                nursery.start_soon(_open_purse, first)
                await _let_others_run()
                machine.crash(Loss.NOTHING)
                await _let_others_run()
                assert machine.world is first.world, "it is still ending"
                assert machine.life is None
                assert not machine.started.is_set()
                second = await machine.wait_started()
                assert (first.number, second.number) == (1, 2)
                nursery.cancel_scope.cancel()

    run_simulated(1, main)


async def _open_purse(life: Life) -> None:
    """Begin a write; the crash takes the answer away."""
    command = OpenPurse(purse=Purse("somebody/main"), simulated=False, request_id="")
    await life.house.matching.execute(command)


async def _let_others_run() -> None:
    """As far as they come while time stands."""
    for _ in range(100):
        await trio.lowlevel.checkpoint()
