"""The world: lanes, threads, children, and a simulation that one seed decides."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from xached.runtime.world import (
    Frozen,
    RealWorld,
    SimulatedWorld,
    World,
    run_simulated,
)

WORLDS: tuple[Callable[[], World], ...] = (RealWorld, lambda: SimulatedWorld(1))

TRACE = """
import sys
from tests.runtime.test_world import trace
print(trace(int(sys.argv[1])))
"""
ROOT = Path(__file__).parent.parent.parent


# --- lanes and threads -----------------------------------------------------------------------


@pytest.mark.parametrize("make", WORLDS)
async def test_a_lane_runs_one_thing_at_a_time_in_order(make: Callable[[], World]) -> None:
    lane = make().open_lane("test")
    seen: list[int] = []
    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(lane.run, seen.append, number)
            await trio.testing.wait_all_tasks_blocked()
    lane.close()
    assert seen == list(range(20))


@pytest.mark.parametrize("make", WORLDS)
async def test_errors_and_results_come_back(make: Callable[[], World]) -> None:
    world = make()
    lane = world.open_lane("test")
    assert await lane.run(divmod, 7, 2) == (3, 1)
    assert await world.run_in_thread(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await lane.run(divmod, 7, 0)
    with pytest.raises(ZeroDivisionError):
        await world.run_in_thread(divmod, 7, 0)
    lane.close()


async def test_a_real_lane_is_one_thread_of_its_own() -> None:
    lane = RealWorld().open_lane("journal")
    threads = [await lane.run(threading.current_thread) for _ in range(3)]
    lane.close()
    assert len(set(threads)) == 1
    assert threads[0].name == "journal"
    assert threads[0] is not threading.current_thread()


async def test_what_a_lane_has_begun_is_waited_for() -> None:
    """Cancelled or not: work with files either happens or does not."""
    lane = RealWorld().open_lane("test")
    begun, go_on, done = trio.Event(), threading.Event(), []
    token = trio.lowlevel.current_trio_token()

    def work() -> None:
        token.run_sync_soon(begun.set)
        go_on.wait()
        done.append(True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(lane.run, work)
        await begun.wait()
        nursery.cancel_scope.cancel()
        go_on.set()
    assert done
    lane.close()


@pytest.mark.parametrize("make", WORLDS)
async def test_a_cancelled_task_begins_nothing(make: Callable[[], World]) -> None:
    world = make()
    lane = world.open_lane("test")
    done: list[int] = []
    with trio.CancelScope() as scope:
        scope.cancel()
        await lane.run(done.append, 1)
    with trio.CancelScope() as scope:
        scope.cancel()
        await world.run_in_thread(done.append, 2)
    lane.close()
    assert not done


# --- children --------------------------------------------------------------------------------

REVERSE = """
import os, socket, sys
assert sys.argv[1] == "--fd"
s = socket.socket(fileno=int(sys.argv[2]))
s.sendall(s.recv(10)[::-1])
others = [name for name in os.listdir("/proc/self/fd") if name not in ("0", "1", "2", sys.argv[2])]
inherited = [name for name in others if os.path.exists("/proc/self/fd/" + name)]
s.sendall(repr((sorted(os.environ), os.getsid(0) == os.getpid(), inherited)).encode())
sys.exit(3)
"""


async def test_a_child_has_a_socket_its_own_session_and_nothing_inherited() -> None:
    child = await RealWorld().spawn(
        [sys.executable, "-I", "-c", REVERSE], pass_fd="--fd", env={"LC_ALL": "C.UTF-8"}
    )
    await child.stream.send_all(b"hello")
    received = b""
    while chunk := await child.stream.receive_some():
        received += chunk
    assert received == b"olleh" + repr((["LC_ALL"], True, [])).encode()
    assert await child.wait() == 3
    child.kill()
    await child.stream.aclose()


async def test_a_child_can_be_killed() -> None:
    child = await RealWorld().spawn(
        [sys.executable, "-c", "import time; time.sleep(1000)"], pass_fd="--fd", env={}
    )
    assert child.pid > 0
    child.kill()
    assert await child.wait() == -9
    await child.stream.aclose()


FORKING = """
import os, socket, sys, time
s = socket.socket(fileno=int(sys.argv[2]))
if os.fork() == 0:
    s.sendall(b"two")
time.sleep(1000)
"""


async def test_what_a_child_has_started_is_killed_with_it() -> None:
    """Checked by breaking: with kill() of the one process the stream never ends."""
    child = await RealWorld().spawn([sys.executable, "-I", "-c", FORKING], pass_fd="--fd", env={})
    assert await child.stream.receive_some() == b"two"
    child.kill()
    assert await child.wait() == -9
    assert await child.stream.receive_some() == b"", "somebody still holds the other end"
    await child.stream.aclose()


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_missing_program_is_an_error_and_leaves_nothing_open() -> None:
    before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        await RealWorld().spawn(["/no/such/program"], pass_fd="--fd", env={})
    assert open_descriptors() == before


async def test_a_simulated_child_is_a_task(autojump_clock: trio.testing.MockClock) -> None:
    async def reverse(
        argv: Sequence[str], env: Mapping[str, str], stream: trio.abc.HalfCloseableStream
    ) -> int:
        assert argv == ["reverse", "--fd", "3"]
        assert env == {"A": "b"}
        await stream.send_all((await stream.receive_some(10))[::-1])
        return 3

    async def hang(*_: Any) -> int:
        await trio.sleep_forever()
        return 0

    world = SimulatedWorld(1, {"reverse": reverse, "hang": hang})
    child = await world.spawn(["reverse"], pass_fd="--fd", env={"A": "b"})
    await child.stream.send_all(b"hello")
    assert await child.stream.receive_some(10) == b"olleh"
    assert await child.wait() == 3
    hanging = await world.spawn(["hang"], pass_fd="--fd", env={})
    hanging.kill()
    assert await hanging.wait() == -9
    with pytest.raises(FileNotFoundError):
        await world.spawn(["other"], pass_fd="--fd", env={})


# --- simulation ------------------------------------------------------------------------------


async def test_the_simulated_wall_clock_follows_trio_and_can_jump(
    autojump_clock: trio.testing.MockClock,
) -> None:
    world = SimulatedWorld(1)
    start_ns, start_monotonic_ns = world.now_ns(), world.monotonic_ns()
    await trio.sleep(2)
    assert world.now_ns() - start_ns == 2_000_000_000
    world.shift_clock(-60_000_000_000)
    assert world.now_ns() - start_ns == -58_000_000_000
    assert world.monotonic_ns() - start_monotonic_ns == 2_000_000_000


async def test_a_frozen_world_cannot_be_reached(autojump_clock: trio.testing.MockClock) -> None:
    world = SimulatedWorld(1)
    lane = world.open_lane("test")
    world.freeze()
    done: list[int] = []
    for call in (
        world.now_ns,
        world.monotonic_ns,
        lambda: world.entropy(1),
        lambda: world.open_lane("x"),
    ):
        with pytest.raises(Frozen):
            call()
    with pytest.raises(Frozen):
        await lane.run(done.append, 1)
    with pytest.raises(Frozen):
        await world.run_in_thread(done.append, 1)
    with pytest.raises(Frozen):
        await world.spawn(["x"], pass_fd="--fd", env={})
    assert not done


async def test_who_waits_for_a_lane_when_the_power_goes_hears_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The work itself may have been done or not."""
    world = SimulatedWorld(1)
    lane = world.open_lane("test")
    done: list[int] = []

    def work() -> None:
        done.append(1)
        world.freeze()

    with pytest.raises(Frozen):
        await lane.run(work)
    assert done == [1]


def trace(seed: int) -> str:
    """What a busy little program does, in one line: hashes of a thousand steps."""
    steps = hashlib.sha256()

    async def main(world: SimulatedWorld) -> None:
        lane = world.open_lane("lane")
        send, receive = trio.open_memory_channel[tuple[int, bytes]](8)

        async def produce(number: int) -> None:
            for _ in range(20):
                await world.run_in_thread(len, "x")
                await send.send((number, world.entropy(4)))
                await lane.run(len, "x")

        async def consume() -> None:
            for _ in range(400):
                step = await receive.receive()
                steps.update(f"{step} {world.now_ns()}".encode())

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(produce, number)
            nursery.start_soon(consume)

    run_simulated(seed, main)
    return steps.hexdigest()


def test_one_seed_is_one_run_in_any_process() -> None:
    """The canary: trio's schedule, our pauses and our entropy follow from the seed alone.

    Checked: without seeding trio's scheduler in ``run_simulated`` it fails.
    """
    here = trace(1)
    assert here == trace(1)
    assert here != trace(2)
    for hash_seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", TRACE, "1"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.strip() == here


# --- the system's log ------------------------------------------------------------------------


def test_the_system_log_is_told_a_line_as_syslog_wants_it(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        assert RealWorld(system_log=tmp_path / "log").tell_system("a line")
        # Facility authpriv, severity notice.
        assert log.recv(1_000) == f"<85>xached[{os.getpid()}]: a line".encode()


def test_without_a_system_log_nobody_waits_for_one(tmp_path: Path) -> None:
    assert not RealWorld(system_log=tmp_path / "none").tell_system("a line")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "full"))
        world = RealWorld(system_log=tmp_path / "full")
        told = [world.tell_system("x" * 1_000) for _ in range(2_000)]
        assert told[0]
        assert not told[-1], "a log that takes nothing any more is not waited for"


@pytest.mark.parametrize(("processors", "workers"), [(None, 1), (1, 1), (2, 1), (3, 2), (64, 2)])
def test_hashes_leave_a_processor_to_orders(
    monkeypatch: pytest.MonkeyPatch, processors: int | None, workers: int
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: processors)
    assert RealWorld().hash_workers == workers
