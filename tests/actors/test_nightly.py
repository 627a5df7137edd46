"""Strategies are judged when the calendar says so, each by a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing
from xache_sdk.seal import Layer

from xached.actors.recorder.nightly import Nightly, Verdict
from xached.house.recording import judge_nightly, judge_strategy
from xached.runtime.schedule import Schedule
from xached.runtime.world import EPOCH_NS, NS_PER_S, SimulatedWorld
from xached.storage.directory import DataPaths
from xached.storage.recordings import KindTerms, RecordTerms

HOUR_S = 3_600


def nightly(world: SimulatedWorld, names: list[str], verdicts: dict[str, Verdict]) -> Nightly:
    async def judge(name: str) -> Verdict:
        await trio.sleep(5)
        if name == "gone":
            raise OSError("no process")
        return verdicts[name]

    return Nightly(Schedule("30 3 * * *"), world, lambda: names, judge)


async def test_each_strategy_is_judged_at_the_hour(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world, names = SimulatedWorld(1), ["honest", "dice", "gone"]
    asked = nightly(world, names, {"honest": Verdict.HOLDS, "dice": Verdict.DIFFERS})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(asked.run)
        await trio.sleep(3.4 * HOUR_S)
        assert asked.statistics().judged == 0
        await trio.sleep(HOUR_S)
        found = asked.statistics()
        assert (found.judged, found.holding, found.differing, found.failed) == (3, 1, 1, 1)
        assert found.last_at_ns - EPOCH_NS < (3.5 * HOUR_S + 60) * NS_PER_S
        names.remove("dice")
        await trio.sleep(24 * HOUR_S)
        found = asked.statistics()
        assert (found.judged, found.differing) == (5, 0)
        nursery.cancel_scope.cancel()


async def test_a_clock_that_is_set_moves_the_hour(autojump_clock: trio.testing.MockClock) -> None:
    world = SimulatedWorld(1)
    asked = nightly(world, ["honest"], {"honest": Verdict.HOLDS})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(asked.run)
        await trio.sleep(HOUR_S)
        world.shift_clock(3 * HOUR_S * NS_PER_S)
        await trio.sleep(120)
        assert asked.statistics().judged == 1
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("code", [0, 1, 2, 70])
async def test_the_process_says_how_it_ended(
    autojump_clock: trio.testing.MockClock, tmp_path: Path, code: int
) -> None:
    told: list[Sequence[str]] = []

    async def python(
        argv: Sequence[str], _env: Mapping[str, str], _stream: trio.abc.HalfCloseableStream
    ) -> int:
        await trio.lowlevel.checkpoint()
        told.append(argv)
        return code

    world = SimulatedWorld(1, programs={sys.executable: python})
    judge = partial(judge_strategy, DataPaths(tmp_path), world, ["--require=files"])
    expected = {0: Verdict.HOLDS, 1: Verdict.DIFFERS, 2: Verdict.NOTHING}
    assert await judge("-odd name") is expected.get(code, Verdict.FAILED)
    assert "--strategy=-odd name" in told[0]
    assert told[0][-1] != "--keep"


def test_nobody_judges_what_is_not_kept(tmp_path: Path) -> None:
    judge = partial(judge_nightly, paths=DataPaths(tmp_path), world=SimulatedWorld(1), names=list)
    layers = [Layer.FILES]
    assert judge(None, sandbox_min=layers) is None
    assert judge(RecordTerms(inputs=KindTerms(on=False)), sandbox_min=layers) is None
    assert judge(RecordTerms(parity=None), sandbox_min=layers) is None
    assert judge(RecordTerms(), sandbox_min=layers) is not None
