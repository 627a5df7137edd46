"""How long the window of ``xache-desktop`` takes: from the command to the book in the window.

The real daemon, the real command in a process of its own, drawn by Qt without a screen. Beside it
stands what an empty window of the same toolkit takes in the same run: the rest is XACHE's.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

import attrs

from xached.bench.desktop_window import SHOWN
from xached.bench.figures import AtMost, Figure
from xached.bench.flow import SYMBOL
from xached.bench.house import PASSWORD, measured_house
from xached.bench.processes import BenchFailed, read_line

START_S_MAX: Final = 3.0
PATIENCE_S: Final = 60.0
LOGIN: Final = "import sys; from xache.cli import main; sys.exit(main(sys.argv[1:]))"
NO_QT: Final = "not installed: pip install xache-desktop"


@attrs.frozen(kw_only=True)
class DesktopSizes:
    """How often it is started."""

    starts: int


def measure_desktop(sizes: DesktopSizes) -> list[Figure]:
    """Measure the start of the window. Raises: BenchFailed."""
    if importlib.util.find_spec("xache_desktop") is None:
        return [
            Figure("desktop_empty_window_s", None, "s", note=NO_QT),
            Figure("desktop_start_s", None, "s", AtMost(START_S_MAX), NO_QT),
        ]
    with tempfile.TemporaryDirectory(prefix="xached-bench-") as name:
        root = Path(name)
        with measured_house(root, pairs=1) as house:
            env = {
                **os.environ,
                "XDG_CONFIG_HOME": str(root / "config"),
                "XACHE_PASSWORD": PASSWORD,
                "QT_QPA_PLATFORM": "offscreen",
            }
            target = ("--target", house.server.target)
            _run(("-c", LOGIN, "login", house.pairs[0][0].email, *target), env)
            window = ("-m", "xached.bench.desktop_window")
            empty_s = [_start((*window, "--empty"), env) for _ in range(sizes.starts)]
            whole_s = [_start((*window, SYMBOL, *target), env) for _ in range(sizes.starts)]
    return [
        Figure("desktop_empty_window_s", median(empty_s), "s", note="Qt alone"),
        Figure(
            "desktop_start_s",
            median(whole_s),
            "s",
            AtMost(START_S_MAX),
            note=f"until the book is drawn; median of {sizes.starts}, the best {min(whole_s):.2f}",
        ),
    ]


def _run(words: tuple[str, ...], env: Mapping[str, str]) -> None:
    # What runs is the client that this program is shipped with.
    done = subprocess.run(  # noqa: S603
        [sys.executable, *words], env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BenchFailed(f"the trader was not signed in:\n{done.stderr}")


def _start(words: tuple[str, ...], env: Mapping[str, str]) -> float:
    """Seconds until a window says that it is drawn."""
    began_s = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - as above
        [sys.executable, *words], env=env, stdout=subprocess.PIPE, bufsize=0
    ) as window:
        assert window.stdout is not None
        try:
            said = read_line(window.stdout, PATIENCE_S).strip()
            took_s = time.monotonic() - began_s
        finally:
            window.kill()
    if said != SHOWN:
        raise BenchFailed("the window was not drawn")
    return took_s
