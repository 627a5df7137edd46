"""A busy exchange: nobody asks it for ever, and nothing stays open because it was busy once.

Checked by leaving out: the bound of ``insist`` (it asks for ever), and the purse that is owed when
its time is over (what a stopped strategy had open stays open).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests.plugins.house import ALICE, config, let_processes_work, open_house, robot, until
from xached.actors.strategies.actor import Strategies, run_strategies
from xached.actors.strategies.floors import LiveFloor
from xached.actors.strategies.leftovers import CANCEL_S_MAX, Leftovers
from xached.actors.strategies.run import ALARM_S, INSIST_S_MAX, insist
from xached.domain.messages import CancelAll, Command, Row
from xached.domain.order import EndReason, Purse
from xached.runtime.mailbox import Overloaded
from xached.runtime.supervise import ActorState

CANCELS = "cancels of strategies"


@attrs.define
class Busy:
    """An exchange that may have no room for cancels."""

    exchange: Any
    busy: bool = False
    asked: int = 0

    async def execute(self, command: Command, *, account: str = "") -> Row:
        if self.busy and isinstance(command, CancelAll):
            self.asked += 1
            await trio.lowlevel.checkpoint()
            raise Overloaded
        row: Row = await self.exchange.execute(command, account=account)
        return row

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exchange, name)


def cancel_all(purse: Purse) -> CancelAll:
    return CancelAll(purse=purse, symbol=None, request_id="", reason=EndReason.USER)


async def test_nobody_insists_for_ever(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        busy = Busy(house.matching, busy=True)
        floor = LiveFloor(busy, house.rows, house.around.directory)
        around = attrs.evolve(house.around, live=floor)
        began = trio.current_time()
        with trio.fail_after(2 * INSIST_S_MAX), pytest.raises(Overloaded):
            await insist(around, cancel_all(ALICE))
        assert INSIST_S_MAX <= trio.current_time() - began < INSIST_S_MAX + 1
        assert ALARM_S < INSIST_S_MAX
        assert busy.asked > 100


async def test_what_could_not_be_cancelled_at_the_end_is_later(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        busy = Busy(house.matching)
        floor = LiveFloor(busy, house.rows, house.around.directory)
        around, strategies = attrs.evolve(house.around, live=floor), Strategies([config()])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_strategies, strategies, around)
            await until(lambda: robot(strategies).open_orders == 1)
            busy.busy = True
            strategies.stop("robot", "it is enough")
            while not busy.asked:
                await let_processes_work()
            await _jump(mock_clock, CANCEL_S_MAX, lambda: bool(strategies.leftovers.purses))
            assert strategies.leftovers.purses == (ALICE,)
            assert len((await house.purse()).orders) == 1
            await until(lambda: _state(house.health) is ActorState.PAUSING)
            assert not house.health.ok
            busy.busy = False
            await _jump(mock_clock, 60, lambda: not strategies.leftovers.purses)
            assert (await house.purse()).orders == []
            await until(lambda: _state(house.health) is ActorState.RUNNING)
            strategies.stop_all("the house is closing")


async def test_the_next_run_minds_its_own_orders(
    mock_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        busy = Busy(house.matching, busy=True)
        floor = LiveFloor(busy, house.rows, house.around.directory)
        around, strategies = attrs.evolve(house.around, live=floor), Strategies([])
        leftovers = strategies.leftovers
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leftovers.cancel, around, cancel_all(ALICE))
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(CANCEL_S_MAX)
        assert list(leftovers.purses) == [ALICE]
        busy.busy = False
        async with trio.open_nursery() as nursery:
            strategies.add(config())
            nursery.start_soon(run_strategies, strategies, around)
            await until(lambda: robot(strategies).open_orders == 1)
            assert list(leftovers.purses) == []
            assert len((await house.purse()).orders) == 1
            strategies.stop_all("the house is closing")


@attrs.define
class Slow:
    """An exchange that has no room, and later takes its time."""

    has_room: bool = False
    answers: trio.Event = attrs.field(factory=trio.Event)
    purses: list[Purse] = attrs.field(factory=list)

    async def execute(self, command: CancelAll, *, account: str = "") -> None:
        await trio.lowlevel.checkpoint()
        if not self.has_room:
            raise Overloaded
        self.purses.append(command.purse)
        await self.answers.wait()


async def test_what_a_new_run_minds_is_not_cancelled_behind_another(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked by leaving out that it asks again whether a purse is owed."""
    bobs, leftovers, slow = Purse("bob/main"), Leftovers(), Slow()
    async with open_house(tmp_path) as house:
        exchange: Any = slow
        floor = LiveFloor(exchange, house.rows, house.around.directory)
        around = attrs.evolve(house.around, live=floor)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leftovers.cancel, around, cancel_all(ALICE))
            nursery.start_soon(leftovers.cancel, around, cancel_all(bobs))
        first, second = leftovers.purses
        slow.has_room = True
        async with trio.open_nursery() as nursery:
            nursery.start_soon(leftovers.run, around)
            await trio.testing.wait_all_tasks_blocked()
            leftovers.discard(second)
            slow.answers.set()
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
    assert slow.purses == [first]
    assert leftovers.purses == ()


def _state(health: Any) -> ActorState | None:
    return next((each.state for each in health.records() if each.name == CANCELS), None)


async def _jump(clock: trio.testing.MockClock, seconds: float, done: Any) -> None:
    """Let time pass in steps until something has come about."""
    for _ in range(100):
        if done():
            return
        await let_processes_work()
        clock.jump(seconds / 20)
    raise AssertionError("it did not come about")
