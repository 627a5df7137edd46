"""Timers of a strategy."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from xached.actors.strategies.timers import TIMERS_MAX, Timers
from xached.adapters.child_intents import ChildViolation

SECOND_NS = 1_000_000_000
NAMES = [f"t{index}" for index in range(30)]


async def test_a_timer_that_is_set_again_the_moment_it_is_due_rings_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Tasks that are due together run in any order; thirty pairs meet both.

    Checked: it fails when a timer that is due does not look whether it was replaced.
    """
    rung: list[tuple[str, float]] = []
    timers = Timers(lambda name: rung.append((name, trio.current_time())))

    async def set_again(name: str, nursery: trio.Nursery) -> None:
        await trio.sleep(1)
        if not any(each == name for each, _ in rung):
            timers.set(name, SECOND_NS, nursery)

    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        for name in NAMES:
            timers.set(name, SECOND_NS, nursery)
            nursery.start_soon(set_again, name, nursery)
    assert sorted(name for name, _ in rung) == sorted(NAMES)
    assert {at - started for _, at in rung} == {1.0, 2.0}
    assert len(timers) == 0


async def test_twenty_thousand_times_one_timer_is_one_timer(
    autojump_clock: trio.testing.MockClock,
) -> None:
    rung: list[str] = []
    timers = Timers(rung.append)
    async with trio.open_nursery() as nursery:
        for index in range(20_000):
            timers.set("again", SECOND_NS, nursery)
            if index % 1_000 == 0:
                await trio.testing.wait_all_tasks_blocked()
                assert len(nursery.child_tasks) <= 1
        assert len(timers) == 1
    assert rung == ["again"]


async def test_too_many_timers_are_a_violation(autojump_clock: trio.testing.MockClock) -> None:
    timers = Timers(lambda _: None)
    async with trio.open_nursery() as nursery:
        for index in range(TIMERS_MAX):
            timers.set(f"t{index}", SECOND_NS, nursery)
        timers.set("t0", SECOND_NS, nursery)
        with pytest.raises(ChildViolation, match="more than 64 timers"):
            timers.set("one more", SECOND_NS, nursery)
        nursery.cancel_scope.cancel()
