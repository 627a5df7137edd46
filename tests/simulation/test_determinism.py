"""One seed is one run: the same journal in any process, whatever the hash seed.

What it rests on inside of trio has a canary of its own in tests/runtime/test_world.py: the private
switches that seed trio's scheduler.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from xached.simulation.run import simulate

ROOT = Path(__file__).parents[2]
STEPS = 150
RUN = """
import sys
from xached.simulation.run import simulate
verdict = simulate(int(sys.argv[1]), int(sys.argv[2]))
print(verdict.journal, verdict.rows, verdict.lives)
"""


def run_elsewhere(seed: int, hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(seed), str(STEPS)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_equal_seeds_give_equal_journals_in_two_processes_with_other_hash_seeds() -> None:
    one, other = run_elsewhere(7, "1"), run_elsewhere(7, "2")
    assert one == other
    here = simulate(7, STEPS)
    assert f"{here.journal} {here.rows} {here.lives}" == one
    assert simulate(8, STEPS).journal != here.journal
