"""The data directory belongs to one daemon."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from xached.storage.directory import DataDirectory, DirectoryInUse

HOLDER = """
import sys
from pathlib import Path
from xached.storage.directory import DataDirectory
directory = DataDirectory.open(Path(sys.argv[1]))
print("locked", flush=True)
sys.stdin.read()
"""
ROOT = Path(__file__).parent.parent.parent


def test_it_is_made_for_its_owner_only(tmp_path: Path) -> None:
    root = tmp_path / "deep" / "data"
    with DataDirectory.open(root) as directory:
        assert root.stat().st_mode & 0o777 == 0o700
        assert directory.paths.snapshots.is_dir()
        assert directory.paths.lock.read_text() == str(os.getpid())
        assert directory.paths.journal.parent == root


def test_a_second_one_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    held = DataDirectory.open(tmp_path)
    with pytest.raises(DirectoryInUse, match=f"in use by process {os.getpid()}"):
        DataDirectory.open(tmp_path)
    held.close()
    DataDirectory.open(tmp_path).close()


def test_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(DirectoryInUse, match=str(holder.pid)):
            DataDirectory.open(tmp_path)
        holder.kill()
    DataDirectory.open(tmp_path).close()
