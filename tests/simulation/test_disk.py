"""The simulated disk's files behave as the system's, until the power goes.

What SQLite sees of it is proven in tests/storage: the power-cut tests run on it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from xached.runtime.world import REAL_FILES, Files
from xached.simulation.disk import Disk, DiskFault, DiskFiles, registered


@pytest.fixture(params=["real", "simulated"])
def files(request: pytest.FixtureRequest) -> Iterator[Files]:
    if request.param == "real":
        yield REAL_FILES
        return
    disk = Disk()
    with registered(disk) as vfs:
        yield DiskFiles(disk, vfs)


def test_files_are_written_renamed_listed_and_removed(files: Files, tmp_path: Path) -> None:
    first, second = tmp_path / "1.tmp", tmp_path / "1.snapshot"
    assert files.size(first) is None
    files.write(first, b"some bytes")
    assert (files.size(first), files.read(first)) == (10, b"some bytes")
    files.rename(first, second)
    files.sync_directory(tmp_path)
    files.write(tmp_path / "0.snapshot", b"")
    files.write(tmp_path / "other", b"x")
    assert files.list_names(tmp_path, ".snapshot") == ["0.snapshot", "1.snapshot"]
    assert files.size(tmp_path / "0.snapshot") == 0
    files.remove(second)
    files.remove(second)
    assert files.list_names(tmp_path, ".snapshot") == ["0.snapshot"]
    files.append(first, b"a beginning")
    files.append(first, b", and more")
    assert files.read(first) == b"a beginning, and more"
    files.remove(first)
    assert files.free_bytes(tmp_path) > 0
    with pytest.raises(FileNotFoundError):
        files.read(second)
    with pytest.raises(FileNotFoundError):
        files.rename(second, first)


@pytest.mark.parametrize("seed", range(20))
def test_a_name_is_certain_once_its_directory_is_synced(seed: int) -> None:
    disk, draw = Disk(), random.Random(seed)
    with registered(disk) as vfs:
        files = DiskFiles(disk, vfs)
        files.write(Path("/d/a"), b"kept")
        files.sync_directory(Path("/d"))
        files.write(Path("/d/b"), b"perhaps")
        disk.power_off()
        with pytest.raises(OSError, match="power"):
            files.write(Path("/d/c"), b"never")
        disk.restore_power(draw)
        assert files.read(Path("/d/a")) == b"kept"
        assert files.list_names(Path("/d"), "") in (["a"], ["a", "b"])


def test_what_a_failed_sync_was_to_write_is_seen_until_the_power_goes() -> None:
    disk = Disk()
    with registered(disk) as vfs:
        files = DiskFiles(disk, vfs)
        disk.fail_once("sync", 1, loses_writes=True)
        with pytest.raises(OSError, match="sync failed"):
            files.write(Path("/d/a"), b"lost")
        files.sync_directory(Path("/d"))
        assert files.read(Path("/d/a")) == b"lost"
        disk.restore_power(random.Random(1))
        assert files.read(Path("/d/a")) == b""


def test_a_torn_tail_is_a_beginning_of_what_was_written() -> None:
    whole = bytes(range(256)) * 8
    for seed in range(30):
        disk = Disk()
        with registered(disk) as vfs:
            files = DiskFiles(disk, vfs)
            disk.fail_once("sync", 1)
            with pytest.raises(OSError, match="sync failed"):
                files.write(Path("/d/a"), whole)
            disk.sync_directory()
            disk.restore_power(random.Random(seed), in_order=True)
            assert whole.startswith(files.read(Path("/d/a")))


def test_a_full_disk_says_so() -> None:
    disk = Disk()

    def no_room(_operation: str) -> None:
        raise DiskFault("no room", is_full=True)

    with registered(disk) as vfs:
        files = DiskFiles(disk, vfs)
        disk.before = no_room
        with pytest.raises(OSError, match="no room") as full:
            files.write(Path("/d/a"), b"x")
        assert full.value.errno == 28
