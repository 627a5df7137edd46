"""The head of the trials, kept elsewhere: what was taken out of strategies.db since is found.

Checked by removing: without ``_trial_faults`` the rewritten file of the second test is good.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import apsw
import attrs
import pytest

from tests.security.audited import AuditedHouse
from tests.storage.test_backtest_book import trial
from xached.commands.inspection import verify_audit
from xached.domain.backtests import TrialCheckpoint, read_trial_checkpoints
from xached.security.keys import Purpose
from xached.storage.journal import Journal
from xached.storage.strategy_tables import StrategyTables
from xached.storage.trial_book import record_trial, trial_head


@pytest.fixture
def house(tmp_path: Path) -> AuditedHouse:
    """A house with three trials."""
    house = AuditedHouse(tmp_path / "data")
    change(house, lambda db: [record_trial(db, trial(name)) for name in "abc"])
    return house


def house_id(house: AuditedHouse) -> bytes:
    key = house.master.derive(Purpose.JOURNAL_CHAIN)
    with Journal.open_read_only(house.paths.journal, key) as journal:
        return journal.house_id


def change(house: AuditedHouse, work: Callable[[apsw.Connection], object]) -> None:
    """Do something to strategies.db."""
    tables = StrategyTables.open(house.paths.strategies, house_id(house))
    tables.write(work)
    tables.close()


def head(house: AuditedHouse) -> TrialCheckpoint:
    """What the system's log is told."""
    tables = StrategyTables.open(house.paths.strategies, house_id(house))
    found = tables.read(trial_head)
    tables.close()
    return house.signer.sign_trials(
        TrialCheckpoint(house_id=house_id(house), at_ns=7, count=found.count, chain=found.digest)
    )


def faults(house: AuditedHouse, *heads: TrialCheckpoint) -> tuple[str, ...]:
    """What verify says with what the log was told."""
    path = house.paths.root.parent / "anchors.log"
    told = [f"Nov 22 host xached[7]: {each.text}" for each in heads]
    path.write_text("\n".join((*house.lines, *told)))
    return verify_audit(house.paths.root, path).faults


def test_a_line_of_the_log_is_read_again(house: AuditedHouse) -> None:
    told = head(house)
    text = f"something else\nNov 22 host xached[7]: {told.text}\n{told.text[:-4]}\n"
    assert list(read_trial_checkpoints(text)) == [told]
    assert house.signer.knows_trials(told)
    assert not house.signer.knows_trials(attrs.evolve(told, count=2))


def test_trials_that_were_begun_anew_are_found_by_an_anchor_alone(house: AuditedHouse) -> None:
    told = head(house)
    assert faults(house, told) == ()
    change(house, lambda db: record_trial(db, trial("d")))
    assert faults(house, told, head(house)) == ()

    def begin_anew(db: apsw.Connection) -> None:
        for table in ("trials", "trial_chain"):
            db.execute(f"DELETE FROM {table}")
        record_trial(db, trial("only"))

    change(house, begin_anew)
    assert faults(house) == ()
    (found,) = faults(house, told)
    assert "3 trials" in found


def test_an_anchor_of_another_house_or_of_nobody_is_refused(house: AuditedHouse) -> None:
    (found,) = faults(house, attrs.evolve(head(house), at_ns=8))
    assert "not signed by this house" in found
    (found,) = faults(house, attrs.evolve(head(house), house_id=bytes(16)))
    assert "not signed by this house" in found


def test_a_file_that_is_gone_is_missed(house: AuditedHouse) -> None:
    told = head(house)
    for path in house.paths.root.glob("strategies.db*"):
        path.unlink()
    (found,) = faults(house, told)
    assert "missing" in found
