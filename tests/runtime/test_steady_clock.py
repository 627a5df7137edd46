"""The clock that is not believed when it jumps.

Checked by breaking: a clock that follows every jump, and one that takes the jump for confirmed
when it is asked twice, were each seen red.
"""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from xached.runtime.steady_clock import JUMP_NS_MAX, SteadyClock
from xached.runtime.world import NS_PER_S, SimulatedWorld


async def test_time_passes_as_the_wall_clock_tells(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    clock = SteadyClock(world)
    for _ in range(5):
        await trio.sleep(100)
        assert clock.now_ns() == world.now_ns()
    assert clock.jump_ns == 0


async def test_a_small_correction_is_followed(autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    clock = SteadyClock(world)
    for by_ns in (JUMP_NS_MAX, -JUMP_NS_MAX, JUMP_NS_MAX):
        world.shift_clock(by_ns)
        await trio.sleep(1)
        assert clock.now_ns() == world.now_ns()
    assert clock.jump_ns == 0


@pytest.mark.parametrize("hours", [1, -1])
async def test_after_a_jump_time_goes_on_from_where_it_was(
    autojump_clock: MockClock, hours: int
) -> None:
    world = SimulatedWorld(1)
    clock = SteadyClock(world)
    before_ns = clock.now_ns()
    world.shift_clock(hours * 3600 * NS_PER_S)
    for seconds in range(3):
        assert clock.now_ns() == before_ns + seconds * NS_PER_S
        assert clock.jump_ns == hours * 3600 * NS_PER_S
        await trio.sleep(1)
    assert clock.confirm() == hours * 3600 * NS_PER_S
    assert clock.jump_ns == 0
    assert clock.now_ns() == world.now_ns() == before_ns + (hours * 3600 + 3) * NS_PER_S


async def test_a_clock_that_jumps_back_by_itself_must_still_be_confirmed(
    autojump_clock: MockClock,
) -> None:
    """Orders may have been timed by others while it was wrong: somebody has to look."""
    world = SimulatedWorld(1)
    clock = SteadyClock(world)
    world.shift_clock(60 * NS_PER_S)
    clock.now_ns()
    world.shift_clock(-60 * NS_PER_S)
    clock.now_ns()
    assert clock.jump_ns == 60 * NS_PER_S
    clock.confirm()
    assert clock.jump_ns == 0
