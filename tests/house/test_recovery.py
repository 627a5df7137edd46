"""How a house begins: what is missing is not made anew beside what is there."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.storage.house import House
from xached.domain.auth import BootstrapTokenIssued
from xached.house.recovery import HouseIncomplete, open_house
from xached.runtime.world import RealWorld
from xached.storage.database import LogDamaged
from xached.storage.directory import DataDirectory


def open_once(root: Path, rows: int = 0) -> int:
    """Open a house, append rows, close it; the sequence it had reached when it was opened."""
    with DataDirectory.open(root) as directory, ExitStack() as files:
        house = open_house(directory.paths, RealWorld(), accept_clock=False, files=files)
        reached = house.journal.last_seq
        house.journal.append(House(1).rows(rows))
    return reached


def lose(root: Path, name: str) -> None:
    for path in root.glob(f"{name}*"):
        path.unlink()


@pytest.mark.parametrize("name", ["journal.db", "vault.db"])
@pytest.mark.parametrize("emptied", [False, True])
def test_a_house_without_one_of_its_files_does_not_begin_anew(
    tmp_path: Path, name: str, emptied: bool
) -> None:
    open_once(tmp_path, rows=20)
    lose(tmp_path, name)
    if emptied:
        (tmp_path / name).touch()
    for _ in range(2):  # Nor does the refusal leave a new file behind.
        with pytest.raises(HouseIncomplete, match=f"{name} is missing"):
            open_once(tmp_path)


def test_a_first_start_that_was_interrupted_goes_on(tmp_path: Path) -> None:
    open_once(tmp_path)
    lose(tmp_path, "vault.db")
    assert open_once(tmp_path, rows=20) == 0
    assert open_once(tmp_path) == 20


def test_what_can_be_rebuilt_may_be_missing(tmp_path: Path) -> None:
    open_once(tmp_path, rows=20)
    for name in ("views.db", "market.db"):
        lose(tmp_path, name)
    assert open_once(tmp_path) == 20


@pytest.mark.parametrize("name", ["journal.db", "vault.db"])
def test_damage_in_the_log_of_a_killed_house_is_found_at_its_start(
    tmp_path: Path, name: str
) -> None:
    """Checked by not looking at the log: it opens, and what was committed after it is gone."""
    root, killed = tmp_path / "data", tmp_path / "killed"
    with DataDirectory.open(root) as directory, ExitStack() as files:
        house = open_house(directory.paths, RealWorld(), accept_clock=False, files=files)
        rows = House(1)
        for number in range(3):
            house.journal.append(rows.rows(1))
            house.vault.commit([], [BootstrapTokenIssued()], number + 1)
        shutil.copytree(root, killed)
    log = killed / f"{name}-wal"
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    with pytest.raises(LogDamaged, match=rf"{name}-wal: frame \d+ of \d+"):
        open_once(killed)
