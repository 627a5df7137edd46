"""How a house begins: what is missing is not made anew beside what is there."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.storage.house import House
from xached.recovery import HouseIncomplete, open_house
from xached.runtime.world import RealWorld
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
