"""One seed, from an empty disk to a verdict."""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import attrs
import trio
from loguru import logger
from xache.v1 import admin_pb2, auth_pb2

from xached.actors.market.actor import MarketFeed
from xached.config.config import AdminConfig, Config, default_house
from xached.domain.instrument import AssetName
from xached.domain.messages import Deposit, OpenPurse
from xached.house.core import House
from xached.runtime.world import SimulatedWorld, run_simulated
from xached.simulation.actions import draw_action
from xached.simulation.audits import Audits
from xached.simulation.checks import Checks
from xached.simulation.children import ROBOT, STRATEGY, programs
from xached.simulation.disk import Disk, registered
from xached.simulation.faults import draw_fault
from xached.simulation.liveness import check_liveness
from xached.simulation.machine import Life, Machine, StepCounter, Violation, leaves
from xached.simulation.mischief import LOG_IN
from xached.simulation.orders import SYMBOLS
from xached.simulation.paper import PaperChecks
from xached.simulation.people import ADMIN, AUTH, PASSWORD, People, Person
from xached.simulation.venue import SimulatedVenue

TRADERS = 5
PAUSE_S_MAX = 0.02
FAULT_CHANCE = 0.01
AUDIT_CHANCE = 0.01
REPEATED_AT_END = 20
ROBOT_GRANTS = {"BTC": 5 * 10**8, "USDT": 10**6 * 10**8}
"""In the smallest units."""

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of its own is made inside
"""Where views are kept if it exists: syncing them for real costs a third of the time."""

SNAPSHOT_ROWS = 50
SNAPSHOT_CHECK_S = 2.0
"""Many lives are short: snapshots are made in the middle of one, too."""

MATCHING_PLACES = 32
"""So few that a burst fills them."""
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
    """How often people heard OK, LOST, or the reason of a refusal."""
    drawn: dict[str, int]
    """How often each action and each fault happened, by name."""
    ends: dict[str, int]
    """What daemons ended by."""
    snapshot_seq: int
    """The row of the snapshot that the last daemon started from; 0 without one."""
    paper_rows: int
    paper_trades: int
    rules_fired: int
    rules_sent: int
    """How many commands of rules were carried out."""


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
    folder = IN_MEMORY if IN_MEMORY.is_dir() and os.access(IN_MEMORY, os.W_OK) else None

    async def main(_world: SimulatedWorld) -> Verdict:
        with tempfile.TemporaryDirectory(prefix="xached-simulate-", dir=folder) as directory:
            disk = Disk()
            with registered(disk) as vfs:
                return await Simulation(seed, steps, Path(directory), disk, vfs, counter).run()

    logger.disable("xached")  # Daemons that are killed on purpose have much to say.
    try:
        return run_simulated(seed, main, instruments=[counter])
    except BaseExceptionGroup as group:
        found = leaves(group)
        for leaf in found:
            if isinstance(leaf, Violation):
                raise Failed(
                    seed=seed, steps=steps, checker=leaf.checker, text=str(leaf)
                ) from group
            if isinstance(leaf, KeyboardInterrupt):
                raise
        text = f"the simulation broke: {found[0]!r}"
        raise Failed(seed=seed, steps=steps, checker="simulation", text=text) from group
    finally:
        logger.enable("xached")


class Simulation:
    """The machine, its people and what befalls them."""

    def __init__(
        self, seed: int, steps: int, directory: Path, disk: Disk, vfs: str, counter: StepCounter
    ) -> None:
        self._seed = seed
        self._steps = steps
        self._draw = random.Random(f"workload {seed}")
        config = Config(
            data_dir=directory,
            house=default_house(),
            # A code works once in half a minute: its administrator does more than that.
            admin=AdminConfig(require_code=False),
            snapshot_rows=SNAPSHOT_ROWS,
            snapshot_check_s=SNAPSHOT_CHECK_S,
            matching_places=MATCHING_PLACES,
        )
        self._machine = Machine(seed=seed, config=config, disk=disk, vfs=vfs, steps=counter)
        self._machine.programs = programs(self._machine)
        self._machine.strategies = [STRATEGY]
        self._machine.prepare = _fund_robot
        self._machine.feeds = self._feeds
        self._people = People(
            machine=self._machine,
            draw=self._draw,
            admin=Person(email="admin@house.example"),
            traders=[Person(email=f"trader{n}@house.example") for n in range(TRADERS)],
        )

        self._drawn: Counter[str] = Counter()
        self._checks = Checks(self._machine, self._people)
        self._paper = PaperChecks(self._machine, self._people)
        self._audits = Audits(self._machine, self._people, self._checks, self._paper, directory)
        self._machine.on_start = self._begin

    async def run(self) -> Verdict:
        """Live through all of it."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._machine.run)
            await self._open_market()
            await self._work()
            await self._heal()
            life = await self._machine.wait_started()
            journal = life.house.files.journal
            verdict = Verdict(
                seed=self._seed,
                steps=self._steps,
                rows=journal.last_seq,
                lives=self._machine.lives,
                journal=journal.last_chain.hex(),
                answers=dict(sorted(self._people.answers.items())),
                drawn=dict(sorted(self._drawn.items())),
                ends=dict(sorted(self._machine.ends.items())),
                snapshot_seq=life.house.files.snapshot_seq,
                paper_rows=len(self._paper.rows),
                paper_trades=self._paper.trades,
                rules_fired=self._audits.rules.fired,
                rules_sent=self._audits.rules.sent,
            )
            await self._machine.switch_off()
        return verdict

    def _feeds(self, world: SimulatedWorld) -> Sequence[MarketFeed]:
        """The venue, as a new daemon connects to it."""
        machine = self._machine
        (bitcoin,) = (each for each in machine.config.house.instruments if each.base == "BTC")
        draw = random.Random(f"venue {self._seed} {machine.lives}")
        return [SimulatedVenue(bitcoin, world, draw, lambda: machine.healed)]

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
            lives = self._machine.lives
            for _ in range(self._steps):
                trader = self._draw.choice(people.traders)
                # Without a session there is not much to do.
                drawn = draw_action(people) if trader.token else LOG_IN
                self._drawn[drawn.name] += 1
                nursery.start_soon(drawn.run, people, trader)
                if self._draw.random() < FAULT_CHANCE:
                    fault = draw_fault(self._draw)
                    self._drawn[fault.name] += 1
                    nursery.start_soon(fault.run, self._machine, self._draw)
                await trio.sleep(self._draw.uniform(0, PAUSE_S_MAX))
                if self._machine.lives > lives:
                    lives = self._machine.lives
                    await self._machine.wait_started()
                    await self._audits.audit()
                elif self._draw.random() < AUDIT_CHANCE:
                    await self._audits.audit()
                    await self._audits.repeat(1)
                await self._checks.look()
                await self._paper.look()

    async def _begin(self, life: Life) -> None:
        await self._checks.begin(life)
        await self._paper.begin(life)

    async def _heal(self) -> None:
        """Nothing goes wrong any more: everybody gets what they ask for, and all adds up."""
        people = self._people
        await check_liveness(self._machine, people)
        await self._checks.look()
        self._checks.check_robot_minded()
        for person in (people.admin, *people.traders):
            await self._audits.settle(person)
        await self._audits.repeat(REPEATED_AT_END)
        made, paper_made = self._audits.made, self._paper.audits
        await self._audits.audit()
        if self._audits.made == made:
            raise Violation("liveness", "the house does not come to rest")
        if self._paper.audits == paper_made:
            raise Violation("liveness", "the paper exchange does not come to rest")
        await self._checks.look()
        await self._paper.look()


async def _fund_robot(house: House) -> None:
    """The purse of the strategy; the second time nothing changes."""
    await house.matching.execute(OpenPurse(purse=ROBOT, simulated=False, request_id=""))
    for asset, units in ROBOT_GRANTS.items():
        await house.matching.execute(
            Deposit(
                purse=ROBOT, asset=AssetName(asset), amount_units=units, request_id=f"robot-{asset}"
            )
        )
