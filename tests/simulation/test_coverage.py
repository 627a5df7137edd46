"""The simulation does what it says: every action and every fault happens, and has consequences."""

from __future__ import annotations

from collections import Counter

from xached.simulation.actions import ACTIONS
from xached.simulation.faults import FAULTS
from xached.simulation.run import Verdict, simulate

SEEDS = range(1, 13)
STEPS = 600


def total(verdicts: list[Verdict], field: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for verdict in verdicts:
        counted.update(getattr(verdict, field))
    return counted


def test_everything_in_the_tables_happens_and_shows() -> None:
    verdicts = [simulate(seed, STEPS) for seed in SEEDS]
    drawn, ends = total(verdicts, "drawn"), total(verdicts, "ends")
    answers = total(verdicts, "answers")
    named = [each.name for each in ACTIONS] + [each.name for each in FAULTS]
    assert set(named) <= set(drawn)
    # Crashes froze the world, disks failed, answers were lost and refused for want of room.
    assert ends["Crashed"] > len(SEEDS)
    assert ends["JournalFailed"] + ends["VaultFailed"] > len(SEEDS)
    assert sum(verdict.lives for verdict in verdicts) > 4 * len(SEEDS)
    for reason in ("LOST", "OVERLOADED", "UNKNOWN_ORDER", "STOPPING", "PURSE_FROZEN"):
        assert answers[reason], reason
    assert answers["OK"] > 300 * len(SEEDS)
    assert sum(verdict.paper_trades for verdict in verdicts) > len(SEEDS)
    assert all(verdict.snapshot_seq for verdict in verdicts), "recovery began with a snapshot"
