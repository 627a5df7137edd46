"""A flipped bit in a log that a crash left behind is told from a write that was cut short.

Every flip is in the log of a journal that was killed, whose rows have a commit each. In all commits
but the last it must be found, with the file and the place; in the last it may be taken for one that
was cut short, and is said to be. Nothing else may be said: a log that is cut off anywhere, as by a
power cut, is no damage. Checked by breaking, each seen red: no check at the start (rows are gone
and nothing says so), and one that goes by the first bad frame alone (each cut is called damage).
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw
import attrs
import pytest
from loguru import logger

from tests.storage.house import KEY, House, zero_entropy
from xached.runtime.world import REAL_FILES
from xached.storage.database import LogDamaged, settle
from xached.storage.journal import Journal, JournalDamaged, JournalFailed
from xached.storage.log_check import FRAME_HEADER_BYTES, HEADER_BYTES, find_log_fault

FLIPS = 1_000 if os.environ.get("XACHE_LONG") else 150
CUTS = 300 if os.environ.get("XACHE_LONG") else 60
COMMITS = 40
PAGE_BYTES = 4_096
FRAME = FRAME_HEADER_BYTES + PAGE_BYTES


@attrs.frozen
class Crashed:
    """The files of a journal as a kill leaves them, and how long the log was after each commit."""

    root: Path
    ends: list[int]

    @property
    def log(self) -> bytes:
        return (self.root / "journal.db-wal").read_bytes()

    def with_log(self, root: Path, log: bytes) -> Path:
        """Another copy, with this log."""
        root.mkdir(exist_ok=True)
        for path in root.iterdir():
            path.unlink()
        shutil.copy(self.root / "journal.db", root)
        (root / "journal.db-wal").write_bytes(log)
        return root / "journal.db"


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Crashed:
    root = tmp_path_factory.mktemp("killed")
    path, house, ends = root / "live" / "journal.db", House(3), list[int]()
    path.parent.mkdir()
    log = path.with_name("journal.db-wal")
    with Journal.open(path, KEY, entropy=zero_entropy) as journal:
        for _ in range(COMMITS):
            journal.append(house.rows(2))
            ends.append(log.stat().st_size)
        kept = root / "kept"
        kept.mkdir()
        for each in (path, log):
            shutil.copy(each, kept)
    return Crashed(kept, ends)


@pytest.fixture
def warned() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{message}")
    yield lines
    logger.remove(sink)


def rows_of(path: Path) -> int:
    """Start with it as the daemon does; how many rows there are. Raises: LogDamaged."""
    settle(path, REAL_FILES)
    with Journal.open(path, KEY, entropy=zero_entropy) as journal:
        seq = journal.scrub(1, 50)
        while seq != 1:
            seq = journal.scrub(seq, 50)
        return journal.last_seq


def test_every_flip_in_a_log_is_found_and_named(
    crashed: Crashed, tmp_path: Path, warned: list[str]
) -> None:
    draw, log = random.Random(5), crashed.log
    last_commit = crashed.ends[-2]
    assert rows_of(crashed.with_log(tmp_path / "good", log)) == 2 * COMMITS
    assert warned == []
    places = [*range(HEADER_BYTES), *(draw.randrange(len(log)) for _ in range(FLIPS))]
    # Of frames' headers too: numbers of pages, ends of commits, salts and checksums.
    places += [
        HEADER_BYTES + draw.randrange(len(log) // FRAME) * FRAME + draw.randrange(24)
        for _ in range(FLIPS // 3)
    ]
    for at in places:
        flipped = bytearray(log)
        flipped[at] ^= 1 << draw.randrange(8)
        path = crashed.with_log(tmp_path / "flipped", bytes(flipped))
        warned.clear()
        if at < last_commit:
            with pytest.raises(LogDamaged, match=r"journal\.db-wal: (its header|frame \d+ of \d+)"):
                rows_of(path)
        else:
            # The last write of all: nothing tells it from one that nobody was told of.
            assert rows_of(path) == 2 * COMMITS - 2, at
            assert any("journal.db-wal: frame" in line for line in warned), at


def test_a_log_that_is_cut_off_anywhere_is_no_damage(crashed: Crashed, tmp_path: Path) -> None:
    draw, log = random.Random(6), crashed.log
    for _ in range(CUTS):
        end = draw.randrange(HEADER_BYTES, len(log) + 1)
        whole = sum(each <= end for each in crashed.ends)
        rows = rows_of(crashed.with_log(tmp_path / "cut", log[:end])) if whole else 0
        assert rows == 2 * whole
        # A file system may have made the file longer before what it holds was on disk.
        padded = log[:end].ljust(len(log), b"\0")
        if whole:
            assert rows_of(crashed.with_log(tmp_path / "cut", padded)) == 2 * whole


def test_pages_of_the_last_write_may_be_on_disk_in_any_order(crashed: Crashed) -> None:
    draw, log = random.Random(7), crashed.log
    for commit in range(2, COMMITS):
        start, end = crashed.ends[commit - 1], crashed.ends[commit]
        frames = [log[at : at + FRAME] for at in range(start, end, FRAME)]
        for _ in range(4):
            written = [frame if draw.random() < 0.5 else bytes(FRAME) for frame in frames]
            fault = find_log_fault(log[:start] + b"".join(written))
            assert fault is None or not fault.certain


def test_a_commit_that_fills_its_sector_may_be_cut_short_anywhere(tmp_path: Path) -> None:
    """As where writing to a sector may spoil it all. Checked: copies taken for the next commit."""
    draw, path = random.Random(8), tmp_path / "filled.db"
    log = path.with_name("filled.db-wal")
    database = apsw.Connection(
        f"file:{path}?psow=0",
        flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI,
    )
    for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "CREATE TABLE t (a)"):
        database.execute(statement).fetchall()
    ends = [log.stat().st_size]
    for value in range(COMMITS):
        database.execute("INSERT INTO t VALUES (?)", (f"{value}" * draw.choice((20, 2_000)),))
        ends.append(log.stat().st_size)
    whole, certain = log.read_bytes(), 0
    database.close()
    repeated = [
        at
        for at in range(HEADER_BYTES + FRAME, len(whole), FRAME)
        if _page(whole, at) == _page(whole, at - FRAME)
    ]
    assert repeated  # SQLite did fill sectors up.
    for at in repeated:
        # The copy's part in the next sector is synced with the next commit, in any order with it.
        torn = bytearray(whole[:at]) + whole[at : at + 2 * FRAME]
        torn[at + FRAME_HEADER_BYTES + 2_048 : at + FRAME] = bytes(2_048)
        fault = find_log_fault(bytes(torn))
        assert fault is None or not fault.certain, at
    for start, end in itertools.pairwise(ends):
        for at in range(start, end, FRAME):
            torn = bytearray(whole[:end])
            torn[at + FRAME_HEADER_BYTES + 2_048 : at + FRAME] = draw.randbytes(2_048)
            fault = find_log_fault(bytes(torn))
            assert fault is None or not fault.certain, at
            if end < len(whole):
                fault = find_log_fault(bytes(torn) + whole[end:])
                assert fault is not None
                certain += fault.certain
    assert certain > COMMITS


def _page(log: bytes, at: int) -> bytes:
    return log[at + FRAME_HEADER_BYTES : at + FRAME]


def test_what_an_earlier_use_of_the_file_left_is_no_damage(tmp_path: Path) -> None:
    """A log that was copied into the database is written over from its beginning."""
    house, path = House(3), tmp_path / "journal.db"
    with Journal.open(path, KEY, entropy=zero_entropy, wal_pages_max=30) as journal:
        for _ in range(60):
            journal.append(house.rows(1))
            assert find_log_fault(path.with_name("journal.db-wal").read_bytes()) is None


def test_the_journal_alone_would_not_say(crashed: Crashed, tmp_path: Path) -> None:
    """What the check is for: without it rows are gone, and what is left is in order."""
    log = bytearray(crashed.log)
    log[crashed.ends[10] + FRAME_HEADER_BYTES + 100] ^= 1
    path = crashed.with_log(tmp_path / "flipped", bytes(log))
    try:
        with Journal.open(path, KEY, entropy=zero_entropy) as journal:
            assert journal.last_seq == 22
            assert journal.verify().ok
    except (JournalDamaged, JournalFailed):
        pytest.fail("then the check would not be needed")
