"""The ledger of trials: what counts as one, who sees which, and that none goes missing."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from xached.research.judgement import trials
from xached.research.judgement.deflated import Evidence, Judgement, Verdict, judge, variance_of
from xached.research.judgement.effective_trials import CLUSTERED_MAX, clusters_of, evidence_of
from xached.research.judgement.metrics import daily_sharpe
from xached.research.judgement.track_record import DailyReturns, FloatArray
from xached.research.judgement.trials import (
    Head,
    LedgerDamaged,
    LedgerFull,
    Owner,
    Trial,
    TrialKey,
    TrialLedger,
    spelled,
)

ALICE, BOB = Owner("alice"), Owner("bob")


def key(settings: object = 0, start: int = 0, end: int = 99, *instruments: str) -> TrialKey:
    return TrialKey(
        code_digest="c0de",
        settings=spelled(settings),
        instruments=instruments or ("BTC-USDT",),
        start_at_ns=start,
        end_at_ns=end,
    )


def daily(returns: FloatArray, first_day: int = 20_000) -> DailyReturns:
    return DailyReturns(np.arange(first_day, first_day + len(returns)), returns)


def noise(seed: int, days: int = 100) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0, 0.01, days)


def trial(trial_key: TrialKey, seed: int = 0, strategy: str = "cross") -> Trial:
    return Trial(
        key=trial_key, strategy=strategy, shown_at_ns=7, closed_trades=31, daily=daily(noise(seed))
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trials.db"


def test_the_same_again_is_no_new_trial(path: Path) -> None:
    with TrialLedger(path) as ledger:
        assert ledger.record(ALICE, [trial(key({"fast": 10, "slow": 30}))]) == 1
        again = trial(key({"slow": 30, "fast": 10}), seed=5, strategy="other name")
        assert ledger.record(ALICE, [again]) == 0
        assert ledger.record(BOB, [again]) == 1
        assert ledger.record(ALICE, [trial(key({"fast": 10, "slow": 31}))]) == 1
        assert ledger.head().count == 3


def test_what_was_recorded_is_there_after_opening_again(path: Path) -> None:
    recorded = trial(key(start=3, end=5))
    with TrialLedger(path) as ledger:
        ledger.record(ALICE, [recorded])
        head = ledger.head()
    with TrialLedger(path) as ledger:
        assert ledger.head() == head
        (found,) = ledger.lineage(ALICE, recorded.key)
    assert found.key == recorded.key
    assert (found.strategy, found.shown_at_ns, found.closed_trades) == ("cross", 7, 31)
    assert np.array_equal(found.daily.days, recorded.daily.days)
    assert np.array_equal(found.daily.returns, recorded.daily.returns)


def test_a_lineage_is_what_its_owner_tried_on_overlapping_data(path: Path) -> None:
    tried = [
        key(0, 0, 10, "BTC-USDT"),
        key(1, 10, 20, "ETH-USDT", "BTC-USDT"),
        key(2, 11, 20, "BTC-USDT"),
        key(3, 0, 10, "ETH-USDT"),
    ]
    with TrialLedger(path) as ledger:
        for number, one in enumerate(tried):
            ledger.record(ALICE, [trial(one, strategy=f"name {number}")])
        ledger.record(BOB, [trial(key(9, 0, 10, "BTC-USDT"))])

        def lineage(of: TrialKey) -> list[TrialKey]:
            return [found.key for found in ledger.lineage(ALICE, of)]

        assert lineage(tried[0]) == [tried[0], tried[1]]
        assert lineage(tried[1]) == tried
        assert lineage(tried[3]) == [tried[1], tried[3]]


def test_a_result_is_judged_only_once_it_is_recorded(path: Path) -> None:
    with TrialLedger(path) as ledger:
        with pytest.raises(KeyError):
            ledger.evidence(ALICE, key())
        ledger.record(ALICE, [trial(key())])
        assert ledger.evidence(ALICE, key()) == Evidence(1, 1.0, 0.0)
        ledger.record(ALICE, [trial(key(number), seed=number) for number in range(1, 4)])
        evidence = ledger.evidence(ALICE, key())
    assert (evidence.trials, evidence.effective_trials) == (4, 4.0)
    ratios = [daily_sharpe(noise(seed)) or 0.0 for seed in range(4)]
    assert evidence.variance == pytest.approx(variance_of(ratios))


def tamper(path: Path, *statements: str) -> None:
    """Do what someone with the file and some SQL would do."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER trials_are_not_changed")
    connection.execute("DROP TRIGGER trials_are_not_deleted")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM trials WHERE seq = 2",
        "DELETE FROM trials WHERE seq = 3",
        "DELETE FROM trials",
        "DELETE FROM head",
        "UPDATE trials SET owner = 'bob' WHERE seq = 1",
        "UPDATE trials SET body = replace(body, '31', '32') WHERE seq = 3",
        "UPDATE trials SET returns = zeroblob(1200) WHERE seq = 2",
        "UPDATE trials SET key = zeroblob(32) WHERE seq = 2",
        "UPDATE head SET count = 2",
        "UPDATE trials SET seq = 30 WHERE seq = 3",
    ],
)
def test_a_trial_that_goes_missing_or_changes_is_noticed(path: Path, statement: str) -> None:
    with TrialLedger(path) as ledger:
        ledger.record(ALICE, [trial(key(number)) for number in range(3)])
    tamper(path)
    TrialLedger(path).close()
    tamper(path, statement)
    with pytest.raises(LedgerDamaged):
        TrialLedger(path)


def test_a_trial_taken_out_with_care_is_noticed(path: Path) -> None:
    """Numbers and count are put right again: only the chain of digests tells."""
    with TrialLedger(path) as ledger:
        ledger.record(ALICE, [trial(key(number)) for number in range(3)])
    tamper(
        path,
        "DELETE FROM trials WHERE seq = 2",
        "UPDATE trials SET seq = 2 WHERE seq = 3",
        "UPDATE head SET count = 2",
    )
    with pytest.raises(LedgerDamaged, match="trial 2"):
        TrialLedger(path)


def test_what_moves_from_one_part_of_a_trial_to_the_next_is_noticed(path: Path) -> None:
    with TrialLedger(path) as ledger:
        ledger.record(ALICE, [trial(key())])
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER trials_are_not_changed")
    (digest,) = connection.execute("SELECT key FROM trials").fetchone()
    connection.execute("UPDATE trials SET owner = 'alic', key = ?", [b"e" + digest])
    connection.commit()
    connection.close()
    with pytest.raises(LedgerDamaged):
        TrialLedger(path)


def test_nobody_else_writes_between_reading_the_head_and_appending(path: Path) -> None:
    def meanwhile() -> Iterator[Trial]:
        other = sqlite3.connect(path, timeout=0)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()
        yield trial(key())

    with TrialLedger(path) as ledger:
        assert ledger.record(ALICE, meanwhile()) == 1


def test_whoever_kept_a_head_notices_that_the_whole_was_rewritten(path: Path) -> None:
    with TrialLedger(path) as ledger:
        assert ledger.holds(Head(0, bytes(32)))
        ledger.record(ALICE, [trial(key(0)), trial(key(1))])
        head = ledger.head()
        ledger.record(ALICE, [trial(key(2))])
        assert ledger.holds(head)
    path.unlink()
    with TrialLedger(path) as ledger:
        assert not ledger.holds(head)
        ledger.record(ALICE, [trial(key(1)), trial(key(2))])
        assert not ledger.holds(head)


def test_the_file_itself_refuses_to_forget(path: Path) -> None:
    with TrialLedger(path) as ledger:
        ledger.record(ALICE, [trial(key())])
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="never deleted"):
        connection.execute("DELETE FROM trials")
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        connection.execute("UPDATE trials SET owner = 'bob'")
    connection.close()


def test_what_is_no_ledger_is_refused(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(LedgerDamaged):
        TrialLedger(path)


def test_two_processes_append_to_one_chain(path: Path) -> None:
    with TrialLedger(path) as one, TrialLedger(path) as other:
        for number in range(6):
            (one, other)[number % 2].record(ALICE, [trial(key(number))])
        assert one.head() == other.head()
    with TrialLedger(path) as ledger:
        assert ledger.head().count == 6


def test_a_full_ledger_records_nothing_of_what_does_not_fit(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "OWN_TRIALS_MAX", 3)
    monkeypatch.setattr(trials, "TRIALS_MAX", 4)
    with TrialLedger(path) as ledger:
        ledger.record(ALICE, [trial(key(0)), trial(key(1))])
        with pytest.raises(LedgerFull):
            ledger.record(ALICE, [trial(key(2)), trial(key(3))])
        assert ledger.head().count == 2
        ledger.record(BOB, [trial(key(0)), trial(key(1))])
        with pytest.raises(LedgerFull):
            ledger.record(BOB, [trial(key(2))])
        assert ledger.record(BOB, [trial(key(1))]) == 0


def test_commits_are_synced(path: Path) -> None:
    with TrialLedger(path) as ledger:
        database = ledger._database
        assert database.conn.execute("PRAGMA synchronous").fetchone() == (3,)
        assert database.conn.execute("PRAGMA journal_mode").fetchone() == ("delete",)


@pytest.mark.parametrize(
    "values",
    [
        {"instruments": ()},
        {"start_at_ns": 100},
        {"settings": "x" * 20_000},
        {"code_digest": "x" * 201},
        {"instruments": tuple(map(str, range(201)))},
    ],
)
def test_what_is_no_trial_is_refused(values: dict[str, object]) -> None:
    terms = {
        "code_digest": "c", "settings": "", "instruments": ("X",), "start_at_ns": 0, "end_at_ns": 9,
    }  # fmt: skip
    with pytest.raises(ValueError, match="trial"):
        TrialKey(**{**terms, **values})  # type: ignore[arg-type]  # wrong on purpose


def test_variants_of_one_idea_are_one_effective_trial() -> None:
    idea, other = noise(1), noise(2)
    found = clusters_of(
        [
            daily(idea),
            daily(other),
            daily(idea * 3 + noise(3) * 0.2),
            daily(np.zeros(100)),
            daily(other - noise(4) * 0.2),
            daily(np.full(100, 0.001)),
        ]
    )
    assert [cluster.members for cluster in found] == [(0, 2), (1, 4), (3, 5)]
    # Two that correlate by r count 2 - r.
    with_noise = float(np.corrcoef(idea, idea * 3 + noise(3) * 0.2)[0, 1])
    assert found[0].effective == pytest.approx(2 - with_noise)
    assert found[2].effective == 1.0


def test_every_two_of_a_cluster_correlate() -> None:
    """A chain of neighbours is not one cluster: its ends have nothing in common."""
    one, other = noise(1, 2_000), noise(2, 2_000)
    turned = [
        daily(np.cos(angle) * one + np.sin(angle) * other)
        for angle in np.linspace(0.0, np.pi / 2, 10)
    ]
    for cluster in clusters_of(turned):
        rows = [turned[member].returns for member in cluster.members]
        assert len(rows) == 1 or np.corrcoef(rows).min() >= 0.7
    assert 2 <= len(clusters_of(turned)) <= 4


def test_only_days_in_common_are_compared() -> None:
    long = noise(1, 300)
    assert len(clusters_of([daily(long), daily(long[200:260], 20_200)])) == 1
    assert len(clusters_of([daily(long), daily(long[200:229], 20_200)])) == 2
    assert len(clusters_of([daily(long), daily(long, 20_100)])) == 2
    assert len(clusters_of([daily(long[:100]), daily(long[:100], 30_000)])) == 2


def test_opposites_are_different() -> None:
    assert len(clusters_of([daily(noise(1)), daily(-noise(1))])) == 2


def test_independent_trials_all_count() -> None:
    evidence = evidence_of([daily(noise(seed, 200)) for seed in range(120)])
    assert evidence.effective_trials == 120.0
    assert evidence.variance == pytest.approx(1 / 200, rel=0.4)


def test_more_trials_than_are_clustered_count_one_each() -> None:
    short = daily(noise(1, 70))
    evidence = evidence_of([short] * (CLUSTERED_MAX + 5))
    assert evidence.trials == CLUSTERED_MAX + 5
    assert evidence.effective_trials == pytest.approx(6.0, abs=1e-6)
    with pytest.raises(ValueError, match="at most"):
        clusters_of([short] * (CLUSTERED_MAX + 1))


def test_a_trial_too_short_for_a_ratio_still_counts() -> None:
    evidence = evidence_of([daily(noise(1, 20)), daily(noise(2, 100)), daily(np.zeros(0))])
    assert evidence == Evidence(3, 3.0, 0.0)


def test_the_best_of_variants_seldom_convinces_when_the_idea_is_worthless() -> None:
    """In 0.7 % of 600 cases; counting each cluster as one trial in 7.5 %."""
    generator = np.random.default_rng(8)
    convinced = 0
    for _ in range(150):
        common, own = generator.normal(0, 0.01, (250, 1)), generator.normal(0, 0.01, (250, 25))
        tried = np.sqrt(0.75) * common + 0.5 * own
        evidence = evidence_of([daily(column) for column in tried.T])
        assert 5.0 < evidence.effective_trials < 20.0
        best = max(tried.T, key=lambda column: daily_sharpe(column) or 0.0)
        judged = judge(best, 100, evidence)
        assert isinstance(judged, Judgement)
        convinced += judged.verdict is Verdict.CONVINCING
    assert convinced <= 8
