"""A running demo, as a newcomer starts it, and what it printed."""

from __future__ import annotations

import os
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

BIN = Path(sys.executable).parent
READY_S_MAX = 150.0
COMMAND_S_MAX = 60.0
CALM = 0.1
"""A speed at which the market hardly moves."""


@attrs.define
class Demo:
    """A running demo and what it printed up to its first empty status."""

    process: subprocess.Popen[str]
    data: Path
    env: dict[str, str]
    grpc: str = ""
    http: str = ""
    commands: dict[int, str] = attrs.field(factory=dict)
    output: str = ""

    def read_greeting(self) -> None:
        """Read what the demo prints when it is ready."""
        number = 0
        for line in read_lines(self.process, READY_S_MAX):
            self.output += line
            if ready := re.match(r"READY grpc=(\S+) http=(\S+)$", line):
                self.grpc, self.http = ready[1], ready[2]
            elif heading := re.match(r"  # (\d)\. ", line):
                number = int(heading[1])
            elif number and line.startswith("  "):
                self.commands[number] = line.strip()
            if number == 7 and 7 in self.commands:
                return

    def run(self, command: str) -> str:
        """Run a command as a shell does; what it printed."""
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            capture_output=True,
            text=True,
            env=self.env,
            timeout=COMMAND_S_MAX,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def grpcurl(self, *arguments: str) -> str:
        """Ask with the real grpcurl."""
        return self.run(f"{BIN}/grpcurl -plaintext " + " ".join(arguments))

    def password(self) -> str:
        """The demo trader's, as printed."""
        found = re.search(r"password (\S+)", self.output)
        assert found is not None, self.output
        return found[1]

    def token(self) -> str:
        """The one-time token of the first administrator, as printed."""
        found = re.search(r"one-time token\s+(\S+)", self.output)
        assert found is not None, self.output
        return found[1]


def read_lines(process: subprocess.Popen[str], timeout_s: float) -> Iterator[str]:
    """The lines a process prints, until it ends or is silent for too long."""
    assert process.stdout is not None
    deadline = time.monotonic() + timeout_s
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            line = process.stdout.readline()
            if not line:
                raise AssertionError("the process ended")
            yield line
    raise AssertionError("the process printed nothing more")


def start(command: str, data: Path, env: dict[str, str]) -> Demo:
    """Run a command that is a demo, and wait until it is ready."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", f"exec {command}"], stdout=subprocess.PIPE, text=True, env=env
    )
    demo = Demo(process, data, env)
    demo.read_greeting()
    return demo


@contextmanager
def running_demo(root: Path, *, speed: float = 1.0) -> Iterator[Demo]:
    """A demo on free ports, in a directory of its own.

    The recorded market falls by half a percent within three minutes. A test whose bid is to rest
    near the market asks for a slow one: at ``CALM`` it moves by less than a thousandth in ten.
    """
    env = {**os.environ, "XDG_CONFIG_HOME": str(root / "config"), "COLUMNS": "160"}
    data = root / "data"
    command = (
        f"{BIN}/xached demo --data {data} --grpc 127.0.0.1:0 --http 127.0.0.1:0 --speed {speed:g}"
    )
    demo = start(command, data, env)
    try:
        yield demo
    finally:
        demo.process.kill()
        demo.process.wait()
        assert demo.process.stdout is not None
        demo.process.stdout.close()
