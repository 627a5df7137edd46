"""One seed, from an empty disk to a verdict."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import attrs
import trio
from xache.v1 import admin_pb2, auth_pb2

from xached.config import Config, default_house
from xached.runtime.world import SimulatedWorld, run_simulated
from xached.simulation.disk import Disk, registered
from xached.simulation.machine import Machine, StepCounter, Violation, leaves
from xached.simulation.people import ADMIN, AUTH, PASSWORD, People, Person
from xached.simulation.workload import SYMBOLS, draw_action

TRADERS = 5
PAUSE_S_MAX = 0.02
GRANTS = {"BTC": "20", "ETH": "400", "USDT": "1000000"}


@attrs.frozen(kw_only=True)
class Verdict:
    """How a seed went. ``journal`` is the chain value of its journal's last row, in hex."""

    seed: int
    steps: int
    rows: int
    lives: int
    journal: str
    answers: dict[str, int]


@attrs.frozen(kw_only=True)
class Failed(Exception):  # noqa: N818 - what a seed has done
    """A seed that found something. ``checker`` is who did, ``command`` repeats it."""

    seed: int
    steps: int
    checker: str
    text: str

    @property
    def command(self) -> str:
        """The command that does it again."""
        return f"xached simulate --seed {self.seed} --steps {self.steps}"

    def __str__(self) -> str:
        return f"{self.text}\nrepeat with: {self.command}"


def simulate(seed: int, steps: int) -> Verdict:
    """Run one seed. Raises: Failed."""
    counter = StepCounter()

    async def main(_world: SimulatedWorld) -> Verdict:
        with tempfile.TemporaryDirectory(prefix="xached-simulate-") as directory:
            disk = Disk()
            with registered(disk) as vfs:
                return await Simulation(seed, steps, Path(directory), disk, vfs, counter).run()

    try:
        return run_simulated(seed, main, instruments=[counter])
    except BaseExceptionGroup as group:
        found = [leaf for leaf in leaves(group) if isinstance(leaf, Violation)]
        if not found:
            raise
        raise Failed(
            seed=seed, steps=steps, checker=found[0].checker, text=str(found[0])
        ) from group


class Simulation:
    """The machine, its people and what befalls them."""

    def __init__(
        self, seed: int, steps: int, directory: Path, disk: Disk, vfs: str, counter: StepCounter
    ) -> None:
        self._seed = seed
        self._steps = steps
        self._draw = random.Random(f"workload {seed}")
        config = Config(data_dir=directory, house=default_house(), matching_places=64)
        self._machine = Machine(seed=seed, config=config, disk=disk, vfs=vfs, steps=counter)
        self._people = People(
            machine=self._machine,
            draw=self._draw,
            admin=Person(email="admin@house.example"),
            traders=[Person(email=f"trader{n}@house.example") for n in range(TRADERS)],
        )

    async def run(self) -> Verdict:
        """Live through all of it."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._machine.run)
            await self._open_market()
            await self._work()
            life = await self._machine.wait_started()
            journal = life.house.files.journal
            verdict = Verdict(
                seed=self._seed,
                steps=self._steps,
                rows=journal.last_seq,
                lives=self._machine.lives,
                journal=journal.last_chain.hex(),
                answers=dict(sorted(self._people.answers.items())),
            )
            await self._machine.switch_off()
        return verdict

    async def _open_market(self) -> None:
        """The first administrator sets the marks and credits everybody."""
        people = self._people
        life = await self._machine.wait_started()
        admin = people.admin
        token = life.endpoints.first_admin.token
        assert token is not None
        bootstrap = admin_pb2.BootstrapAdminRequest(
            token=token, email=admin.email, password=PASSWORD
        )
        await people.insist(admin, f"{ADMIN}BootstrapAdmin", bootstrap)
        await people.sign_in(admin)
        for symbol, price in SYMBOLS.items():
            mark = admin_pb2.SetMarkRequest(symbol=symbol, price=str(price))
            await people.insist(admin, f"{ADMIN}SetMark", mark)
        for trader in people.traders:
            register = auth_pb2.RegisterRequest(email=trader.email, password=PASSWORD)
            await people.insist(trader, f"{AUTH}Register", register)
            await people.sign_in(trader)
            for asset, amount in GRANTS.items():
                grant = admin_pb2.DepositRequest(
                    account_id=trader.account_id,
                    asset=asset,
                    amount=amount,
                    request_id=admin.new_id(),
                )
                await people.insist(admin, f"{ADMIN}Deposit", grant)

    async def _work(self) -> None:
        """One action after the other, several at a time."""
        people = self._people
        async with trio.open_nursery() as nursery:
            for _ in range(self._steps):
                drawn = draw_action(people)
                nursery.start_soon(drawn.run, people, self._draw.choice(people.traders))
                await trio.sleep(self._draw.uniform(0, PAUSE_S_MAX))
