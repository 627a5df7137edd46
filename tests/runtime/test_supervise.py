"""Supervision: who comes back, who takes the daemon down, and what health says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import trio
import trio.testing
from loguru import logger

from xached.runtime.supervise import (
    ActorState,
    Health,
    Restart,
    WorldFault,
    one_line,
    run_expendable,
    run_vital,
)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Failures are logged with their trace; here they are meant."""
    logger.disable("xached.runtime.supervise")
    yield
    logger.enable("xached.runtime.supervise")


class Failing:
    """An actor that fails a few times and then runs for ever."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.started_at: list[float] = []

    async def run(self) -> None:
        self.started_at.append(trio.current_time())
        if len(self.started_at) <= self.failures:
            raise ValueError(f"failure {len(self.started_at)}")
        await trio.sleep_forever()


async def test_an_expendable_actor_comes_back_after_growing_pauses(
    autojump_clock: trio.testing.MockClock,
) -> None:
    health, actor = Health(), Failing(3)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_expendable, "feed", actor.run, health)
        await trio.sleep(0.5)
        (record,) = health.records()
        assert (record.name, record.vital, record.state) == ("feed", False, ActorState.PAUSING)
        assert record.failure == "ValueError: failure 1"
        assert not health.ok
        await trio.sleep(60)
        (record,) = health.records()
        assert (record.state, record.restarts) == (ActorState.RUNNING, 3)
        assert record.failure == "ValueError: failure 3"
        assert health.ok
        nursery.cancel_scope.cancel()
    first = actor.started_at[0]
    assert [at - first for at in actor.started_at] == [0, 1, 3, 7]
    assert health.records()[0].state is ActorState.STOPPED


async def test_one_that_fails_too_often_stays_down(
    autojump_clock: trio.testing.MockClock,
) -> None:
    health, actor = Health(), Failing(100)
    await run_expendable("feed", actor.run, health, Restart(limit=2))
    assert len(actor.started_at) == 3
    assert health.records()[0].state is ActorState.FAILED
    assert not health.ok


async def test_failures_long_ago_are_forgiven(autojump_clock: trio.testing.MockClock) -> None:
    health = Health()
    starts: list[float] = []

    async def fails_daily() -> None:
        starts.append(trio.current_time())
        await trio.sleep(86_400)
        if len(starts) < 10:
            raise ValueError

    await run_expendable("feed", fails_daily, health, Restart(limit=1))
    assert len(starts) == 10
    assert health.records()[0].state is ActorState.STOPPED


async def test_pauses_are_bounded() -> None:
    policy = Restart()
    assert [policy.pause_after(n) for n in (1, 2, 3, 7, 2_000)] == [1, 2, 4, 60, 60]


async def test_jitter_takes_up_to_half_of_a_pause() -> None:
    drawn = iter((0.0, 0.5, 1.0, 1.0))
    policy = Restart(jitter=lambda: next(drawn))
    assert [policy.pause_after(n) for n in (2, 2, 2, 2_000)] == [2, 1.5, 1, 30]


async def test_a_fault_of_the_world_is_told_without_a_trace(
    autojump_clock: trio.testing.MockClock,
) -> None:
    logger.enable("xached.runtime.supervise")
    told: list[str] = []
    sink = logger.add(told.append, format="{level} {message}", backtrace=False, diagnose=False)
    errors = iter((WorldFault("nobody answers"), ValueError("a bug")))

    async def run() -> None:
        for error in errors:
            raise error

    health = Health()
    try:
        await run_expendable("feed", run, health)
    finally:
        logger.remove(sink)
    interrupted, failed = told
    assert interrupted == (
        "WARNING feed is interrupted: xached.runtime.supervise.WorldFault: nobody answers\n"
    )
    assert failed.startswith("ERROR feed failed: ValueError: a bug\n")
    assert "Traceback" in failed
    assert health.records()[0].restarts == 2


async def test_cancellation_is_never_caught(autojump_clock: trio.testing.MockClock) -> None:
    """Also when a failure and a cancellation come out of one nursery."""
    health = Health()

    async def cleanup_fails() -> None:
        try:
            await trio.sleep_forever()
        finally:
            raise ValueError

    async def run() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cleanup_fails)
            nursery.start_soon(trio.sleep_forever)

    with trio.move_on_after(1) as scope:
        await run_expendable("feed", run, health)
    assert scope.cancelled_caught
    assert health.records()[0].state is ActorState.STOPPED


async def test_a_vital_actor_takes_the_others_with_it() -> None:
    health = Health()

    async def fail() -> None:
        raise ValueError("broken")

    async def run_both() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_vital, "matching", fail, health)
            nursery.start_soon(run_vital, "api", trio.sleep_forever, health)

    with pytest.raises(ExceptionGroup) as raised:
        await run_both()
    assert raised.group_contains(ValueError, match="broken")
    states = {record.name: (record.state, record.failure) for record in health.records()}
    assert states == {
        "matching": (ActorState.FAILED, "ValueError: broken"),
        "api": (ActorState.STOPPED, ""),
    }
    assert all(record.vital for record in health.records())


async def test_two_actors_cannot_have_one_name(nursery: trio.Nursery) -> None:
    health = Health()
    nursery.start_soon(run_vital, "api", trio.sleep_forever, health)
    await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(AssertionError, match="runs already"):
        await run_vital("api", trio.sleep_forever, health)


def test_a_failure_is_told_in_one_bounded_line() -> None:
    group = ExceptionGroup("many", [ExceptionGroup("inner", [KeyError("a\nb")]), ValueError()])
    assert one_line(group) == "KeyError: 'a\\nb'"
    assert one_line(ValueError("first\nsecond")) == "ValueError: first"
    assert len(one_line(ValueError("x" * 10_000))) == 200
