"""The journal: order, ids, damage, failure. Power cuts have a file of their own."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import apsw
import attrs
import pytest

from tests.storage.house import KEY, PURSES, House, zero_entropy
from xached.domain.messages import AdvanceClock, ClockAdvanced, PlaceOrder, Row, request_key
from xached.simulation.disk import Disk, registered
from xached.storage import database
from xached.storage.database import DatabaseRefused
from xached.storage.journal import Anchor, Journal, JournalDamaged, JournalFailed

ROWS = House(3).rows(300)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal of 300 rows is, closed."""
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for first in range(0, len(ROWS), 32):
            journal.append(ROWS[first : first + 32])
    return path


def open_journal(path: Path) -> Journal:
    return Journal.open(path, KEY, entropy=zero_entropy)


def append_one_by_one(journal: Journal) -> None:
    for row in ROWS:
        journal.append([row])


def change(path: Path, statement: str, *arguments: object) -> None:
    """Tamper with a closed journal."""
    connection = apsw.Connection(str(path))
    connection.execute(statement, arguments)
    connection.close()


# --- what is written is there ----------------------------------------------------------------


def test_rows_come_back_as_they_were_written(path: Path) -> None:
    with open_journal(path) as journal:
        assert list(journal.read()) == ROWS
        assert list(journal.read(17, 20)) == ROWS[16:20]
        assert list(journal.read(301)) == []
        assert journal.row(300) == ROWS[-1]
        assert [seq for seq, _, _ in journal.replay(299)] == [299, 300]
        assert (journal.last_seq, journal.last_at_ns) == (300, ROWS[-1].at_ns)
        assert journal.verify().ok


def test_a_new_journal_is_empty_and_keeps_its_house_id(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal.db", KEY, entropy=lambda n: b"h" * n) as journal:
        assert (journal.last_seq, journal.last_at_ns) == (0, 0)
        assert journal.last == journal.genesis == journal.anchor_at(0)
        assert journal.verify().ok
    with open_journal(tmp_path / "journal.db") as journal:
        assert journal.house_id == b"h" * 16


def test_two_houses_have_different_chains(tmp_path: Path) -> None:
    chains = set()
    for name in (b"a", b"b"):
        path = tmp_path / name.decode()
        with Journal.open(path, KEY, entropy=lambda n, name=name: name * n) as journal:  # type: ignore[misc] # bound now
            journal.append(ROWS[:1])
            chains.add(journal.last_chain)
    assert len(chains) == 2


def test_a_batch_is_one_sync() -> None:
    disk = Disk()
    with registered(disk) as vfs:
        journal = Journal.open(
            "journal.db", KEY, entropy=zero_entropy, locking_mode="exclusive", vfs=vfs
        )
        journal.append(ROWS[:1])  # a new log starts with syncs of its own
        names: list[str] = []
        disk.before = names.append
        journal.append(ROWS[1:101])
        assert names.count("sync") == 1
        journal.close()


def test_rows_follow_each_other(path: Path) -> None:
    with open_journal(path) as journal:
        late = attrs.evolve(ROWS[-1], seq=301)
        with pytest.raises(AssertionError, match="not later"):
            journal.append([late])
        with pytest.raises(JournalFailed, match="did not finish"):
            journal.append([attrs.evolve(late, at_ns=late.at_ns + 1)])


def test_the_log_stays_bounded(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal.open(path, KEY, entropy=zero_entropy, wal_pages_max=16) as journal:
        for row in ROWS:
            journal.append([row])
            # 16 pages, what one transaction adds, and the frames' headers.
            assert path.with_name("journal.db-wal").stat().st_size < 40 * 4200


# --- ids -------------------------------------------------------------------------------------


def test_ids_lead_to_rows_and_to_the_content_of_the_request(path: Path) -> None:
    seq, command = next(
        (row.seq, row.command) for row in ROWS if isinstance(row.command, PlaceOrder)
    )
    key = request_key(command)
    assert key is not None
    with open_journal(path) as journal:
        found = journal.find_ids([key, ("o:nobody/main", "x"), (key[0], "it's")])
        assert found == {key: (seq, journal.request_mac(command))}
        other = attrs.evolve(command, post_only=not command.post_only)
        assert journal.request_mac(other) != found[key][1]
        assert journal.find_ids([]) == {}


def test_a_row_without_an_id_is_kept_too(tmp_path: Path) -> None:
    with open_journal(tmp_path / "journal.db") as journal:
        journal.append([Row(seq=1, at_ns=1, command=AdvanceClock(), events=(ClockAdvanced(),))])
        assert journal.verify() == attrs.evolve(journal.verify(), rows=1, events=1, ids=0)


def test_an_id_is_used_once(path: Path) -> None:
    with open_journal(path) as journal:
        again = attrs.evolve(ROWS[-1], seq=301, at_ns=ROWS[-1].at_ns + 1)
        assert request_key(again.command) is not None
        with pytest.raises(JournalFailed):
            journal.append([again])
        assert journal.last_seq == 300


# --- damage ----------------------------------------------------------------------------------

DAMAGES = {
    "a bit of a body": (
        "UPDATE rows SET body = CAST(x'00' || substr(body, 2) AS BLOB) WHERE seq = 150",
        "row 150: its chain value does not fit",
    ),
    "a time": ("UPDATE rows SET at_ns = at_ns + 1 WHERE seq = 150", "row 150: its chain value"),
    "a chain value": ("UPDATE rows SET chain = zeroblob(32) WHERE seq = 150", "row 150: its chain"),
    "a deleted row": ("DELETE FROM rows WHERE seq = 150", "row 150: missing"),
    "a deleted first row": ("DELETE FROM rows WHERE seq = 1", "row 1: missing"),
    "a deleted id": ("DELETE FROM ids WHERE seq = 150", "row 150: its id is not indexed"),
    "an id's row": ("UPDATE ids SET seq = 7 WHERE seq = 150", "row 150: its id is not indexed"),
    "an id's content": ("UPDATE ids SET mac = zeroblob(16) WHERE seq = 150", "row 150: its id"),
    "an added id": ("INSERT INTO ids VALUES ('r:x', 'y', 9, x'00')", "the ids: 301 are kept"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_and_named(path: Path, damage: str) -> None:
    statement, fault = DAMAGES[damage]
    change(path, statement)
    with open_journal(path) as journal:
        assert fault in journal.verify().faults[0]


def test_a_row_added_at_the_end_is_found_when_opening(path: Path) -> None:
    change(
        path,
        "INSERT INTO rows SELECT 301, at_ns + 10000000000, body, chain FROM rows WHERE seq = 150",
    )
    with pytest.raises(JournalDamaged, match="row 301: its chain value does not fit"):
        open_journal(path)


def test_swapped_rows_are_found(path: Path) -> None:
    change(path, "UPDATE rows SET seq = 1000 WHERE seq = 150")
    change(path, "UPDATE rows SET seq = 150 WHERE seq = 151")
    change(path, "UPDATE rows SET seq = 151 WHERE seq = 1000")
    with open_journal(path) as journal:
        assert "row 150: its chain value does not fit" in journal.verify().faults


def test_a_cut_off_tail_is_found_with_an_anchor(path: Path) -> None:
    with open_journal(path) as journal:
        anchor, early = journal.last, journal.anchor_at(290)
    change(path, "DELETE FROM rows WHERE seq > 290")
    change(path, "DELETE FROM ids WHERE seq > 290")
    with open_journal(path) as journal:
        assert journal.verify().ok  # on its own a shorter journal is a good one
        assert journal.verify(early).ok
        faults = journal.verify(anchor).faults
        assert faults == ("row 300: not the one the anchor knows, or missing",)
        forged = Anchor(290, bytes(32))
        assert not journal.verify(forged).ok


def test_a_flipped_bit_in_the_file_is_found(path: Path) -> None:
    """SQLite's own integrity check does not see a bit of a BLOB; the chain does."""
    with closing(sqlite3.connect(path)) as connection:
        body = connection.execute("SELECT body FROM rows WHERE seq = 150").fetchone()[0]
    data = bytearray(path.read_bytes())
    data[data.index(body) + len(body) // 2] ^= 1
    path.write_bytes(data)
    with open_journal(path) as journal:
        assert journal.verify().faults == ("row 150: its chain value does not fit",)
        with pytest.raises(JournalDamaged) as damaged:
            list(journal.read())
        assert damaged.value.seq == 150


def test_another_key_is_told_from_damage(path: Path) -> None:
    with pytest.raises(DatabaseRefused, match="another key"):
        Journal.open(path, bytes(32), entropy=zero_entropy)


def test_a_newer_format_is_refused(path: Path) -> None:
    change(path, "UPDATE meta SET value = 2 WHERE name = 'format'")
    with pytest.raises(DatabaseRefused, match="format 2"):
        open_journal(path)


def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "SQLITE_VERSION_MIN", (99, 0, 0))
    with pytest.raises(DatabaseRefused, match="is older"):
        open_journal(path)


def test_a_vfs_without_shared_memory_is_refused_unless_exclusive() -> None:
    """SQLite would silently stay in another mode there."""
    with registered(Disk()) as vfs, pytest.raises(DatabaseRefused, match="journal_mode"):
        Journal.open("journal.db", KEY, entropy=zero_entropy, vfs=vfs)


# --- failure ---------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["sync", "write"])
@pytest.mark.parametrize("nth", range(1, 8))
def test_the_first_error_of_the_disk_is_the_end(operation: str, nth: int) -> None:
    """SQLite itself would go on acknowledging after a failed sync; the disk here recovers at once.

    Checked: without the `if self._failure` of `append` this fails.
    """
    disk = Disk()
    with registered(disk) as vfs:
        journal = Journal.open(
            "journal.db",
            KEY,
            entropy=zero_entropy,
            locking_mode="exclusive",
            vfs=vfs,
            wal_pages_max=24,
        )
        disk.fail_once(operation, nth)
        with pytest.raises(JournalFailed, match=f"{operation} failed"):
            append_one_by_one(journal)
        assert journal.failed
        acknowledged = journal.last_seq
        assert acknowledged < len(ROWS)
        operations = disk.operations
        with pytest.raises(JournalFailed, match=f"{operation} failed"):
            journal.append([ROWS[acknowledged]])
        journal.close()
        assert disk.operations == operations, "nothing is written after a failure"
        with Journal.open(
            "journal.db", KEY, entropy=zero_entropy, locking_mode="exclusive", vfs=vfs
        ) as again:
            assert again.last_seq in (acknowledged, acknowledged + 1)
            assert list(again.read()) == ROWS[: again.last_seq]


def test_a_value_the_codec_refuses_ends_the_journal_too(path: Path) -> None:
    bad = attrs.evolve(ROWS[-1], seq=301, at_ns=10**18, events=(PURSES,))  # type: ignore[arg-type] # meant
    good = Row(seq=301, at_ns=10**18, command=AdvanceClock(), events=())
    with open_journal(path) as journal:
        with pytest.raises(Exception, match="no event of the journal"):
            journal.append([bad])
        with pytest.raises(JournalFailed):
            journal.append([good])


def test_a_reader_beside_the_writer_sees_what_is_committed(path: Path) -> None:
    with open_journal(path) as journal, Journal.open_read_only(path, KEY) as reader:
        new = Row(seq=301, at_ns=10**18, command=AdvanceClock(), events=(ClockAdvanced(),))
        journal.append([new])
        assert list(reader.read(301)) == [new]
        with pytest.raises(JournalFailed, match="ReadOnly"):
            reader.append([attrs.evolve(new, seq=301)])


def test_verifying_beside_a_writer_is_about_the_rows_of_the_beginning(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen by the demo's own last command: ids of newer rows were counted as stray ones."""
    rows = House(3).rows(400)
    with open_journal(path) as writer, Journal.open_read_only(path, KEY) as reader:
        check = reader._check_ids

        def check_while_rows_come(some: Sequence[Row]) -> tuple[int, list[str]]:
            writer.append(rows[writer.last_seq : writer.last_seq + 20])
            return check(some)

        monkeypatch.setattr(reader, "_check_ids", check_while_rows_come)
        report = reader.verify()
        assert report.ok, report.faults
        assert report.rows == 300
        assert writer.last_seq > 300
