"""The simulation does what it says: every action and every fault happens, and has consequences."""

from __future__ import annotations

from collections import Counter

from xached.simulation.actions import ACTIONS
from xached.simulation.faults import FAULTS
from xached.simulation.run import Verdict, simulate

SEEDS = 12
SEEDS_MAX = 40
"""There are more if something rare has not happened yet."""
STEPS = 600


def total(verdicts: list[Verdict], field: str) -> Counter[str]:
    counted: Counter[str] = Counter()
    for verdict in verdicts:
        counted.update(getattr(verdict, field))
    return counted


def test_everything_in_the_tables_happens_and_shows() -> None:
    named = {each.name for each in ACTIONS} | {each.name for each in FAULTS}
    verdicts: list[Verdict] = []
    while len(verdicts) < SEEDS or (
        len(verdicts) < SEEDS_MAX and named - set(total(verdicts, "drawn"))
    ):
        verdicts.append(simulate(len(verdicts) + 1, STEPS))
    assert named <= set(total(verdicts, "drawn"))
    ends, answers = total(verdicts, "ends"), total(verdicts, "answers")
    # Crashes froze the world, disks failed, answers were lost and refused for want of room.
    assert ends["Crashed"] > len(verdicts)
    assert ends["JournalFailed"] + ends["VaultFailed"] > len(verdicts)
    assert sum(verdict.lives for verdict in verdicts) > 4 * len(verdicts)
    for reason in ("LOST", "OVERLOADED", "UNKNOWN_ORDER", "STOPPING", "PURSE_FROZEN"):
        assert answers[reason], reason
    assert answers["OK"] > 300 * len(verdicts)
    assert sum(verdict.paper_trades for verdict in verdicts) > len(verdicts)
    assert sum(verdict.rules_fired for verdict in verdicts) > 2 * len(verdicts)
    assert sum(verdict.rules_sent for verdict in verdicts) > len(verdicts)
    # A last life may begin before there were rows enough for a snapshot.
    recovered = sum(verdict.snapshot_seq > 0 for verdict in verdicts)
    assert recovered > len(verdicts) * 3 // 4, "recovery began with a snapshot"
