"""A disk that fails and heals: rules go on by themselves, and what was due fires once.

Checked by breaking: where strategies.db is not opened anew the rules are down after the disk has
healed, and so they are where they are given up after some failures, as others are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from trio.testing import MockClock

from tests.automation.rule_house import HOUSE_ID, RuleHouse, rule_house
from tests.automation.rule_script import RuleScript
from xached.runtime.supervise import ActorState, Health
from xached.simulation.disk import Disk, DiskFault, DiskFiles, registered
from xached.storage.strategy_tables import StrategyTables

DRAWDOWN = "rule stop drawdown USDT 10% : stop all and sell"
DCA = "rule dca every 1h catch-up : buy 50 USDT of BTC-USDT"


@asynccontextmanager
async def house_on(
    disk: Disk, health: Health, directory: Path
) -> AsyncIterator[tuple[RuleHouse, RuleScript]]:
    """A house whose strategies.db is on a disk that can fail; the journal's is another one."""
    with registered(disk) as vfs:
        open_tables = partial(
            StrategyTables.open,
            house_id=HOUSE_ID,
            locking_mode="exclusive",
            vfs=vfs,
            files=DiskFiles(disk, vfs),
        )
        async with rule_house(directory, open_tables=open_tables, health=health) as house:
            yield house, RuleScript(house)


def full(operation: str) -> None:
    """Nothing more goes onto the disk."""
    if operation in ("write", "sync"):
        raise DiskFault("no room", is_full=True)


def state(health: Health) -> ActorState:
    """How the rules are."""
    (record,) = health.records()
    return record.state


async def test_what_was_due_meanwhile_fires_once(autojump_clock: MockClock, tmp_path: Path) -> None:
    disk, health = Disk(), Health()
    async with house_on(disk, health, tmp_path) as (house, script):
        await script.do("offer SELL 5 @ 50000.0")
        await script.do("mark 50000.0")
        for line in (DRAWDOWN, DCA):
            await script.do(line)
        await script.do("arm dca")
        await script.do("arm stop")
        await script.do("buy 1")
        await script.do("mark 54000.0")
        await script.do("wait 59m")
        disk.before = full
        await script.do("mark 43000.0")
        await script.do("offer BUY 5 @ 43000.0")
        await script.do("offer SELL 5 @ 43500.0")
        await script.do("wait 20m")
        assert state(health) is ActorState.PAUSING, "it tries again, and health shows it"
        assert house.accepted_ids() == [], "nothing is sent that is not written"
        await script.do("mark 43000.0")
        disk.before = lambda _: None
        await script.do("wait 1m")
        assert state(health) is ActorState.RUNNING
        await script.do("fired stop DONE")
        await script.do("holds 0 BTC")
        await script.do("wait 3h")
        await script.do("fired stop DONE")
        assert len(house.accepted_ids()) <= 1, "the purchase came before the stop, or not at all"


@pytest.mark.parametrize("loses_writes", [False, True])
@pytest.mark.parametrize("nth", range(1, 4))
async def test_a_firing_whose_writing_failed_is_sent_once(
    autojump_clock: MockClock, tmp_path: Path, nth: int, loses_writes: bool
) -> None:
    """Of a failed sync nobody knows whether it happened."""
    disk, health = Disk(), Health()
    async with house_on(disk, health, tmp_path) as (house, script):
        await script.do("offer SELL 5 @ 50000.0")
        await script.do(DCA)
        await script.do("arm dca")
        await script.do("wait 59m")
        disk.fail_once("sync", nth, loses_writes=loses_writes)
        await script.do("wait 10m")
        await script.do("fired dca DONE")
        assert len(house.accepted_ids()) == 1
        await script.do("wait 1h")
        await script.do("fired dca DONE DONE")
        assert len(house.accepted_ids()) == 2
