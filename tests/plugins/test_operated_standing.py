"""What the operator's configuration trades in an account that is frozen, or let go again.

Seen red: it traded on, whatever stood against the account.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import trio
import trio.testing

from tests.plugins.house import (
    ALICE,
    House,
    config,
    let_processes_work,
    open_house,
    robot,
    until,
    until_note,
)
from xached.actors.strategies.actor import Strategies, run_strategies
from xached.actors.strategies.standing import ASK_AGAIN_S
from xached.domain.order import AccountId, account_of
from xached.runtime.mailbox import Expired, Overloaded

OWNER = account_of(ALICE)


@attrs.define
class Accounts:
    """What stands against accounts, told by a house that is asked too much now and then."""

    against: tuple[str, ...] = ()
    faults: list[type[Overloaded] | type[Expired]] = attrs.field(factory=list)
    asked: int = 0

    async def __call__(self, account_id: AccountId) -> tuple[str, ...]:
        await trio.lowlevel.checkpoint()
        assert account_id == OWNER
        self.asked += 1
        if self.faults:
            raise self.faults.pop()
        return self.against


@asynccontextmanager
async def running(house: House, accounts: Accounts, act: str = "") -> AsyncIterator[Strategies]:
    around = attrs.evolve(house.around, impediments=accounts)
    strategies = Strategies([config(act)])
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_strategies, strategies, around)
        yield strategies
        nursery.cancel_scope.cancel()


async def until_open(house: House, count: int) -> None:
    while len((await house.purse()).orders) != count:
        await let_processes_work()


async def test_it_ends_with_a_freeze_and_goes_on_when_that_is_gone(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without ``_follow_owner`` it trades on; without the wait before a run it begins
    again at once; without the second question a busy house forgets the freeze."""
    accounts = Accounts()
    async with open_house(tmp_path) as house, running(house, accounts) as strategies:
        await until_note(strategies, "first OPEN  0")
        await until_open(house, 1)

        asked = accounts.asked
        strategies.account_changed(OWNER)  # As by a new role: nothing stands against it.
        strategies.account_changed(AccountId("bob"))
        await until(lambda: accounts.asked > asked)
        assert robot(strategies).ready

        accounts.against, accounts.faults = ("frozen",), [Expired, Overloaded]
        strategies.account_changed(OWNER)
        for _fault in range(2):
            left = len(accounts.faults)
            await until(lambda: len(accounts.faults) < left)  # noqa: B023 - awaited here
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(ASK_AGAIN_S)
        await until_open(house, 0)
        await until(lambda: robot(strategies).advice == "its owner's account is frozen")
        stopped = robot(strategies)
        assert (stopped.runs, stopped.ready, stopped.child) == (1, False, None)

        accounts.against = ()
        strategies.account_changed(OWNER)
        await until_open(house, 1)
        assert (robot(strategies).runs, robot(strategies).advice) == (2, "")


async def test_nothing_begins_in_an_account_that_is_frozen_already(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """As after a restart. Checked: without the wait before a run it begins."""
    accounts = Accounts(against=("suspended", "frozen"))
    async with open_house(tmp_path) as house, running(house, accounts) as strategies:
        await until(lambda: robot(strategies).advice != "")
        assert robot(strategies).advice == "its owner's account is suspended and frozen"
        assert robot(strategies).runs == 0
        strategies.stop_all("the house is closing")
        await until(lambda: house.status().state.name == "STOPPED")


async def test_a_frozen_one_wants_nothing_more_while_it_ends(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked: without the refusal its last order is placed."""
    accounts = Accounts()
    async with (
        open_house(tmp_path) as house,
        running(house, accounts, "order at the end") as strategies,
    ):
        await until_note(strategies, "first OPEN  0")
        accounts.against = ("frozen",)
        strategies.account_changed(OWNER)
        await until_note(strategies, "stopped: its owner's account is frozen")
        await until(lambda: robot(strategies).child is None)
        told = robot(strategies)
        assert (told.placed, told.refused) == (1, 1)
        await until_open(house, 0)
