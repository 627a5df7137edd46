"""Snapshots: whole or not there, never trusted blindly, and equal to a replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import attrs
import pytest
from loguru import logger

from tests.storage.house import KEY, House, zero_entropy
from xached.domain import snapshot as snapshot_domain
from xached.storage import snapshots
from xached.storage.directory import DataPaths
from xached.storage.journal import Anchor, Journal, JournalDamaged
from xached.storage.snapshots import Snapshot, SnapshotDamaged


@attrs.define
class Data:
    """A data directory with a journal, and the house that wrote it."""

    paths: DataPaths
    journal: Journal
    house: House

    def go_on(self, rows: int) -> None:
        self.journal.append(self.house.rows(rows))

    def snapshot(self) -> Path | None:
        return snapshots.write_snapshot(self.paths.journal, self.paths.snapshots, KEY)

    def recover(self) -> snapshots.Recovered:
        return snapshots.recover(self.paths.snapshots, KEY, self.journal)


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Data]:
    """A house of 200 rows without a snapshot."""
    paths = DataPaths(tmp_path)
    paths.snapshots.mkdir()
    house = House(11)
    journal = Journal.open(paths.journal, KEY, entropy=zero_entropy)
    made = Data(paths, journal, house)
    made.go_on(200)
    yield made
    made.journal.close()


def test_recovery_is_the_same_with_and_without_snapshots(data: Data) -> None:
    alone = data.recover()
    assert (alone.from_seq, alone.anchor) == (0, data.journal.last)
    assert alone.exchange.snapshot() == data.house.exchange.snapshot()
    recovered = alone
    for expected_from in (200, 300, 400):
        assert data.snapshot() is not None
        data.go_on(100)
        recovered = data.recover()
        assert recovered.from_seq == expected_from
        assert recovered.exchange.snapshot() == data.house.exchange.snapshot()
    assert recovered.events < alone.events


def test_a_snapshot_goes_on_like_the_exchange_it_was_made_of(data: Data) -> None:
    """What is decided after a recovery is what would have been decided without a restart."""
    data.snapshot()
    exchange = data.recover().exchange
    for row in data.house.rows(300):
        assert exchange.decide(row.command, row.seq, row.at_ns) == row.events
        for event in row.events:
            exchange.apply(event, row.seq, row.at_ns)


def test_nothing_new_makes_no_snapshot(data: Data) -> None:
    assert data.snapshot() is not None
    assert data.snapshot() is None


def test_the_newest_three_are_kept(data: Data) -> None:
    (data.paths.snapshots / "00000000000000000007.123.tmp").write_bytes(b"left by a crash")
    for _ in range(5):
        data.go_on(1)
        data.snapshot()
    assert sorted(path.name for path in data.paths.snapshots.iterdir()) == [
        f"{seq:020d}.snapshot" for seq in (203, 204, 205)
    ]


@pytest.mark.parametrize("where", [0, 20, 60, -1])
def test_a_damaged_one_is_passed_over(data: Data, where: int) -> None:
    data.snapshot()
    data.go_on(10)
    path = data.snapshot()
    assert path is not None
    content = bytearray(path.read_bytes())
    content[where] ^= 1
    path.write_bytes(content)
    with pytest.raises(SnapshotDamaged):
        snapshots.read(path, KEY)
    logger.disable("xached.storage.snapshots")
    recovered = data.recover()
    logger.enable("xached.storage.snapshots")
    assert recovered.from_seq == 200
    assert recovered.exchange.snapshot() == data.house.exchange.snapshot()


def test_a_snapshot_of_another_key_is_no_snapshot(data: Data) -> None:
    path = data.snapshot()
    assert path is not None
    with pytest.raises(SnapshotDamaged, match="not what was written"):
        snapshots.read(path, bytes(32))


def test_one_that_another_version_made_is_passed_over(
    data: Data, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fields that orders have got since would be missing in it: the journal has them all."""
    with monkeypatch.context() as then:
        then.setattr(snapshot_domain, "SHAPE", "0|order_id|symbol")
        assert data.snapshot() is not None
    recovered = data.recover()
    assert recovered.from_seq == 0
    assert recovered.exchange.snapshot() == data.house.exchange.snapshot()


def test_a_journal_that_lost_rows_of_a_snapshot_is_refused(data: Data) -> None:
    """A snapshot is made of rows on disk: a journal without them has been rolled back."""
    data.snapshot()
    data.journal.close()
    connection = apsw.Connection(str(data.paths.journal))
    connection.execute("DELETE FROM rows WHERE seq > 150")
    connection.close()
    data.journal = Journal.open(data.paths.journal, KEY, entropy=zero_entropy)
    with pytest.raises(JournalDamaged, match="row 200: missing"):
        data.recover()


@pytest.mark.parametrize(
    "state",
    [
        {"amount": 10**30, "debt": -(10**30), "none": None, "flags": [True, False]},
        {"nested": [[1, "a", None], {}], "text": "é", "zero": 0, "limit": 2**64},
    ],
)
def test_states_come_back_as_they_were(tmp_path: Path, state: dict[str, Any]) -> None:
    snapshot = Snapshot(anchor=Anchor(7, b"c" * 32), state=state)
    assert snapshots.read(snapshots.write(tmp_path, KEY, snapshot), KEY) == snapshot
