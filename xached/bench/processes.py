"""Processes that a measurement runs beside itself, and what they cost."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

START_S_MAX = 60.0
STOP_S_MAX = 30.0
READY = "READY grpc="
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class BenchFailed(Exception):  # noqa: N818 - it says what happened
    """A measurement could not be made. The text says what went wrong."""


class Server:
    """A server in a process of its own, once it has said where it is."""

    def __init__(self, module: Sequence[str], log: Path) -> None:
        """Run ``python -m module...`` and wait for its READY line. Raises: BenchFailed."""
        self._log = log
        with log.open("ab") as errors:
            # What runs is this program itself.
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-m", *module], stdout=subprocess.PIPE, stderr=errors, bufsize=0
            )
        self.pid = self._process.pid
        self.http = ""
        """Where it serves HTTP; empty where it does not."""
        try:
            self.target = self._read_ready()
        except BaseException:
            self.kill()
            raise

    def read_line(self) -> str:
        """The next line that it prints. Raises: BenchFailed when none comes."""
        line = read_line(self._output, START_S_MAX)
        if not line:
            raise self._failure("said nothing")
        return line

    def stop(self) -> None:
        """Ask it to end, and wait. Raises: BenchFailed when it ends badly, or not at all."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            raise self._failure("did not stop") from None
        if code not in (0, -signal.SIGTERM):
            raise self._failure(f"ended with {code}")

    def kill(self) -> None:
        """End it whatever it does. May be repeated."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._output.close()

    @property
    def _output(self) -> IO[bytes]:
        assert self._process.stdout is not None
        return self._process.stdout

    def _read_ready(self) -> str:
        line = self.read_line()
        if not line.startswith(READY):
            raise self._failure(f"said {line!r}")
        target, *more = line.removeprefix(READY).split()
        self.http = next((each[5:] for each in more if each.startswith("http=")), "")
        return target

    def _failure(self, what: str) -> BenchFailed:
        said = self._log.read_text(encoding="utf-8", errors="replace")
        return BenchFailed(f"a server {what}:\n{said}")


@contextmanager
def running(module: Sequence[str], log: Path) -> Iterator[Server]:
    """A server that is gone after the block, however the block ends."""
    server = Server(module, log)
    try:
        yield server
    finally:
        server.kill()


def read_line(stream: IO[bytes], timeout_s: float) -> str:
    """The next line of a process; empty when it has ended or says nothing for so long.

    The stream must be raw: what a buffer holds, the system does not know of.
    """
    deadline_s = time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        if not selector.select(max(0.0, deadline_s - time.monotonic())):
            return ""
    return stream.readline().decode()


def cpu_s(pid: int) -> float:
    """Processor time of a process, user and system, of all its threads (proc(5))."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    # The name, which may hold anything, ends at the last parenthesis; user time is field 14.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S
