"""Recording before showing: the only way to a judgement leads through the ledger of trials.

Whoever shows a result to its owner asks here. The trial is on disk before there is anything to
show, and is judged by everything its owner has tried on overlapping data, itself included.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from xached.research.judgement.deflated import Judged, judge
from xached.research.judgement.track_record import TrackRecord, daily_returns
from xached.research.judgement.trials import Owner, Trial, TrialKey, TrialLedger
from xached.research.judgement.walk_forward import Sweep, WalkForward, judge_sweep

SettingsT = TypeVar("SettingsT")


def trial_of_run(key: TrialKey, strategy: str, record: TrackRecord, shown_at_ns: int) -> Trial:
    """The trial that a single run is."""
    return Trial(
        key=key,
        strategy=strategy,
        shown_at_ns=shown_at_ns,
        closed_trades=len(record.trades),
        daily=record.daily,
    )


def trial_of_walk(
    key: TrialKey, strategy: str, walk: WalkForward[SettingsT], shown_at_ns: int
) -> Trial:
    """The trial that a walk forward is: one, whose settings are all it could choose from.

    What it chose by is not shown, so it is no trial.
    """
    return Trial(
        key=key,
        strategy=strategy,
        shown_at_ns=shown_at_ns,
        closed_trades=walk.performance.trades.count,
        daily=daily_returns(walk.curve),
    )


def judge_trial(ledger: TrialLedger, owner: Owner, trial: Trial) -> Judged:
    """Record a trial, then judge it.

    Raises: LedgerFull, and there is nothing to show.
    """
    ledger.record(owner, [trial])
    return judge(trial.daily.returns, trial.closed_trades, ledger.evidence(owner, trial.key))


def judge_trials(
    ledger: TrialLedger,
    owner: Owner,
    trials: Sequence[Trial],
    combinations: Sequence[SettingsT],
    records: Sequence[TrackRecord],
) -> Sweep[SettingsT]:
    """Record a sweep, a trial for each combination, then judge all of it.

    Raises: LedgerFull, and there is nothing to show; ValueError for nothing at all, or when the
    trials are not of the same data.
    """
    if not len(trials) == len(combinations) == len(records) >= 1:
        raise ValueError("every combination is a trial with a record")
    data = {(one.key.instruments, one.key.start_at_ns, one.key.end_at_ns) for one in trials}
    if len(data) > 1:
        raise ValueError("the trials of a sweep are of the same data")
    ledger.record(owner, trials)
    return judge_sweep(combinations, records, ledger.evidence(owner, trials[0].key))
