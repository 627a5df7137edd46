"""The process side: how children start and die, and that the daemon never imports a strategy."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from xache_sdk.seal import OUT_OF_MEMORY_SCORE, Sealed
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import FrameError, frame

from tests.plugins.house import start_child
from xached.adapters.child import (
    MESSAGES_AT_ONCE_MAX,
    ChildEnded,
    ChildProcess,
    child_command,
    open_child,
)
from xached.adapters.child_frames import Start, write_start
from xached.adapters.child_intents import Failed, Failure
from xached.adapters.distributions import Distributions
from xached.runtime.world import RealWorld

ROOT = Path(__file__).parents[2]

ECHO = """
import os, socket, sys
from xache_sdk.seal import die_with
die_with(int(sys.argv[1]))
daemon = socket.socket(fileno=int(sys.argv[-1]))
while data := daemon.recv(1):
    daemon.send(data)
"""

SPIN = """
import sys, socket
from xache_sdk.seal import die_with
die_with(int(sys.argv[1]))
socket.socket(fileno=int(sys.argv[-1])).sendall(b"x")
while True:
    pass
"""

PARENT = """
import os, sys, trio
from xached.runtime.world import RealWorld
async def main():
    command = [sys.executable, "-I", "-c", sys.argv[1], str(os.getpid())]
    child = await RealWorld().spawn(command, pass_fd="--fd", env={})
    await child.stream.receive_some(1)
    print(child.pid, flush=True)
    await trio.sleep_forever()
trio.run(main)
"""

PURE = """
import sys, trio
from pathlib import Path
import attrs
from tests.plugins.house import InstalledPlugins, config, open_house, robot, until
from xached.adapters.child import child_command
async def main():
    sma = config(strategy="sma", settings_json='{"symbol": "BTC-USDT", "notional": "50"}')
    async with open_house(Path(sys.argv[1])) as house:
        house.around = attrs.evolve(
            house.around, plugins=InstalledPlugins(), command=child_command
        )
        async with house.running(sma) as strategies:
            await until(lambda: robot(strategies).ready)
    print(sorted(name for name in sys.modules if name.startswith("xache_strategy")))
trio.run(main)
"""


def in_daemon(program: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a program that is a daemon of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def test_the_shipped_strategies_are_found_by_their_metadata() -> None:
    found = {each.name: each.entry_point for each in Distributions().find()}
    assert found["sma"] == "xache_strategy_sma.strategy:SmaCross"
    assert {"flow", "market_maker"} <= found.keys()


def test_the_daemon_never_imports_a_strategy(tmp_path: Path) -> None:
    """In a process of its own: other tests import them here."""
    with in_daemon(PURE, str(tmp_path)) as daemon:
        out, _ = daemon.communicate(timeout=60)
    assert (daemon.returncode, out) == (0, "[]\n")


def test_a_child_dies_with_the_daemon() -> None:
    """Checked: it fails (the child spins on) without ``die_with``."""
    with in_daemon(PARENT, SPIN) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        watched = os.pidfd_open(pid)
        try:
            daemon.send_signal(signal.SIGKILL)
            assert select.select([watched], [], [], 20)[0], "it outlived the daemon"
        finally:
            os.close(watched)


async def test_children_are_started_by_a_thread_that_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel's parent-death signal goes by thread, and trio's worker threads end when idle.

    Started by one of those, a child is killed ten seconds later (it was, before this test).
    """
    starters = []
    real = subprocess.Popen

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        starters.append(threading.current_thread())
        return real(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", popen)
    world = RealWorld()
    for _ in range(2):
        command = [sys.executable, "-I", "-c", ECHO, str(os.getpid())]
        child = await world.spawn(command, pass_fd="--fd", env={})
        await child.stream.send_all(b"x")
        assert await child.stream.receive_some(1) == b"x"
        await child.stream.aclose()
        assert await child.wait() == 0
    assert starters[0] is starters[1]
    assert starters[0].name == "spawn"
    assert starters[0].is_alive()


async def test_a_program_that_does_not_exist_is_an_error_of_the_world() -> None:
    with pytest.raises(OSError, match="no/such/program"):
        async with open_child(RealWorld(), ["/no/such/program"]):
            pass


async def test_a_child_that_starts_too_late_for_its_parent_ends() -> None:
    """Its parent is another process than it was told: the daemon has died meanwhile."""
    command = [*child_command("acting:Acting")]
    command[command.index("--parent") + 1] = "1"
    with pytest.RaisesGroup(ChildEnded):
        async with open_child(RealWorld(), command) as child:
            (told,) = await child.receive_batch()
            assert isinstance(told, Failed)
            assert told.failure is Failure.SANDBOX
            assert "ParentGone" in told.message
            await child.receive_batch()


async def test_when_the_memory_of_the_machine_ends_a_child_ends_before_the_daemon() -> None:
    """Each may have less than the machine, and many together more.

    Checked: it fails (0, as any process) without ``_go_first``.
    """
    async with open_child(RealWorld(), start_child("acting:Acting")) as child:
        (told,) = await child.receive_batch()
        assert isinstance(told, Sealed)
        adjusted = trio.Path(f"/proc/{child.statistics().pid}/oom_score_adj")
        assert int(await adjusted.read_text()) == OUT_OF_MEMORY_SCORE


async def test_a_start_too_long_for_a_frame_is_refused_here() -> None:
    start = Start(
        run_id="r", settings_json="x" * 140_000, instruments=(), money=(), positions=(),
        open_orders=(), now_ns=0,
    )  # fmt: skip
    with pytest.raises(FrameError):
        write_start(start)


class _Spoken:
    """A child that has said all it will say."""

    pid = 1

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream

    async def wait(self) -> int:
        return 0

    def kill(self) -> None:
        pass


async def test_what_came_together_is_taken_together(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Each turn of a busy daemon takes its time: a message a turn, and a talkative child's signs
    of life come too late. In bounded portions, so that others get their turn.
    """
    ours, theirs = trio.testing.memory_stream_pair()
    log = plugin_pb2.ChildFrame(log=plugin_pb2.PluginLog(text="hello"))
    await theirs.send_all(frame(log.SerializeToString()) * 1_000)
    await theirs.aclose()
    child = ChildProcess(_Spoken(ours), lambda: 0)
    portions = -(-1_000 // MESSAGES_AT_ONCE_MAX)
    sizes = [len(await child.receive_batch()) for _ in range(portions)]
    assert sum(sizes) == 1_000
    assert max(sizes) == MESSAGES_AT_ONCE_MAX
    with pytest.raises(ChildEnded):
        await child.receive_batch()
