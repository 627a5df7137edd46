"""Nothing is shown that was not recorded, and everything counts what came before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import numpy as np
import pytest

from tests.research.records import buy, curve_of_returns, sell
from xached.research.judgement import trials as trials_module
from xached.research.judgement.deflated import Judged, Judgement
from xached.research.judgement.judging import judge_trial, judge_trials, trial_of_run, trial_of_walk
from xached.research.judgement.track_record import DAY_NS, TrackRecord
from xached.research.judgement.trials import (
    LedgerFull,
    Owner,
    Trial,
    TrialKey,
    TrialLedger,
    spelled,
)
from xached.research.judgement.walk_forward import Window, plan_windows, walk_forward

ALICE = Owner("alice")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[TrialLedger]:
    with TrialLedger(tmp_path / "trials.db") as opened:
        yield opened


def key(settings: object) -> TrialKey:
    return TrialKey(
        code_digest="c0de",
        settings=spelled(settings),
        instruments=("BTC-USDT",),
        start_at_ns=0,
        end_at_ns=365 * DAY_NS,
    )


def record(seed: int, mean: float = 0.002) -> TrackRecord:
    returns = np.random.default_rng(seed).normal(mean, 0.02, 365)
    fills = [fill for at in range(40) for fill in (buy(at, 1, 10), sell(at, 1, 11))]
    return TrackRecord(curve_of_returns(returns), fills)


def trial(seed: int, settings: object) -> Trial:
    return trial_of_run(key(settings), "cross", record(seed), shown_at_ns=7)


def judgement(judged: Judged) -> Judgement:
    assert isinstance(judged, Judgement)
    return judged


def test_each_further_try_makes_the_first_result_less_convincing(ledger: TrialLedger) -> None:
    first = judgement(judge_trial(ledger, ALICE, trial(0, "first")))
    assert (first.evidence.trials, first.deflated) == (1, first.probabilistic)
    for number in range(1, 12):
        judge_trial(ledger, ALICE, trial(number, number))
    again = judgement(judge_trial(ledger, ALICE, trial(0, "first")))
    assert again.evidence.trials == 12
    assert again.deflated < first.deflated
    other_name = attrs.evolve(trial(0, "new"), strategy="completely different")
    assert judgement(judge_trial(ledger, ALICE, other_name)).evidence.trials == 13
    assert judgement(judge_trial(ledger, Owner("bob"), trial(0, "first"))).evidence.trials == 1


def test_a_sweep_is_as_many_trials_and_counts_those_before_it(ledger: TrialLedger) -> None:
    judge_trial(ledger, ALICE, trial(99, "before"))
    settings = tuple(range(10))
    records = [record(seed) for seed in settings]
    tried = [trial(seed, seed) for seed in settings]
    swept = judge_trials(ledger, ALICE, tried, settings, records)
    assert ledger.head().count == 11
    assert {judgement(one).evidence.trials for one in swept.judged} == {11}
    assert swept.best is not None
    best = judgement(swept.judged[swept.best])
    shown_alone = judgement(judge_trial(ledger, ALICE, tried[swept.best]))
    assert shown_alone == best


def test_a_walk_is_one_trial(ledger: TrialLedger) -> None:
    def run(seed: int, window: Window) -> TrackRecord:
        return record(seed + window.start_at_ns // DAY_NS)

    plan = plan_windows(Window(0, 300 * DAY_NS), train_ns=100 * DAY_NS, test_ns=100 * DAY_NS)
    walk = walk_forward(run, (1, 2, 3), plan)
    judged = judge_trial(ledger, ALICE, trial_of_walk(key([1, 2, 3]), "cross", walk, 7))
    assert judgement(judged).evidence.trials == 1
    assert judgement(judged).closed_trades == 80


def test_what_cannot_be_recorded_is_not_judged(
    ledger: TrialLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials_module, "OWN_TRIALS_MAX", 1)
    judge_trial(ledger, ALICE, trial(0, 0))
    with pytest.raises(LedgerFull):
        judge_trial(ledger, ALICE, trial(1, 1))
    with pytest.raises(LedgerFull):
        judge_trials(ledger, ALICE, [trial(1, 1)], (1,), [record(1)])


def test_a_sweep_is_of_one_history(ledger: TrialLedger) -> None:
    other = attrs.evolve(trial(1, 1), key=attrs.evolve(key(1), end_at_ns=9))
    with pytest.raises(ValueError, match="same data"):
        judge_trials(ledger, ALICE, [trial(0, 0), other], (0, 1), [record(0), record(1)])
    with pytest.raises(ValueError, match="record"):
        judge_trials(ledger, ALICE, [], (), [])
    assert ledger.head().count == 0
