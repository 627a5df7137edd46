"""What strategies save: whole or not at all, whatever happens, and never another's."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from xached.runtime.world import REAL_FILES
from xached.simulation.disk import Disk, DiskFiles
from xached.storage.strategy_states import SavedState, StateDamaged, StrategyStates


def state(number: int, plugin: str = "p") -> SavedState:
    return SavedState(
        plugin=plugin, version=number, state_json=f'{{"n": {number}}}', saved_at_ns=number
    )


def test_the_last_is_read_back_by_name(tmp_path: Path) -> None:
    states = StrategyStates(tmp_path, REAL_FILES)
    assert states.read("a") is None
    states.write("a", state(1))
    states.write("../a/ü\n", state(2))
    states.write("a", state(3))
    assert states.read("a") == state(3)
    assert states.read("../a/ü\n") == state(2)
    assert {each.parent for each in tmp_path.rglob("*")} == {tmp_path}


def test_what_is_removed_is_gone_and_nothing_else(tmp_path: Path) -> None:
    states = StrategyStates(tmp_path, REAL_FILES)
    states.write("a", state(1))
    states.write("b", state(2))
    for _ in range(2):
        states.remove("a")
        assert states.read("a") is None
        assert states.read("b") == state(2)


@pytest.mark.parametrize("change", [b"", b"x", b"\n{}"])
def test_what_was_damaged_is_refused(tmp_path: Path, change: bytes) -> None:
    states = StrategyStates(tmp_path, REAL_FILES)
    states.write("a", state(1))
    [file] = tmp_path.iterdir()
    whole = file.read_bytes()
    for spoiled in (whole[:-1] + change, change, whole.replace(b"1", b"2"), whole + b"x"):
        file.write_bytes(spoiled)
        with pytest.raises(StateDamaged):
            states.read("a")


@pytest.mark.parametrize("operation", range(1, 6))
@pytest.mark.parametrize("seed", range(20))
def test_a_power_cut_leaves_one_of_both(operation: int, seed: int) -> None:
    """Checked: it fails when the file is written in place, and without the directory's sync."""
    disk = Disk()
    states = StrategyStates(Path("/data"), DiskFiles(disk, ""))
    states.write("a", state(1))
    disk.cut_power_at(disk.operations + operation)
    try:
        states.write("a", state(2))
    except OSError:
        allowed = (state(1), state(2))
    else:
        allowed = (state(2), state(2))
    disk.power_off()
    disk.restore_power(random.Random(seed))
    assert states.read("a") in allowed
