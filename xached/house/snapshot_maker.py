"""Has snapshots of a journal made, each by a child process beside the daemon.

The daemon never stops to write down live state. A snapshot that fails costs nothing but the time
of the next start, so whoever runs this may give up on it.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import trio
from loguru import logger

from xached.runtime.world import World
from xached.storage.snapshots import newest_seq


class SnapshotFailed(Exception):  # noqa: N818 - it says what happened
    """A snapshot could not be made. The journal is unharmed; start takes longer."""


class SnapshotMaker:
    """Watches one journal. Survives its restarts."""

    def __init__(
        self,
        world: World,
        root: Path,
        directory: Path,
        chain_key: bytes,
        last_seq: Callable[[], int],
        rows: int,
        newest: int,
        *,
        check_s: float,
        options: Sequence[str] = (),
    ) -> None:
        """Args:
        root: the data directory.
        directory: where snapshots of this journal are.
        chain_key: of this journal; the child is told it, and no other key.
        last_seq: the newest row.
        rows: after so many a new one is made.
        newest: the row of the newest good one; 0 without one.
        check_s: how often it is looked whether so many have come.
        options: tell the child which journal it is.
        """
        self.newest_seq = newest
        self._world = world
        self._directory = directory
        self._chain_key = chain_key
        self._last_seq = last_seq
        self._rows = rows
        self._check_s = check_s
        self._argv = (
            sys.executable, "-I", "-m", "xached", "snapshot", "--data", str(root), *options
        )  # fmt: skip

    async def run(self) -> None:
        """Have one made whenever enough rows have come since the newest, also at the start.

        Raises: SnapshotFailed.
        """
        while True:
            if self._last_seq() - self.newest_seq >= self._rows:
                await self._make()
            await trio.sleep(self._check_s)

    async def _make(self) -> None:
        argv = list(self._argv)
        child = await self._world.spawn(argv, pass_fd="--socket", env={})  # noqa: S106 - the name of an option
        async with child.stream:
            with contextlib.suppress(trio.BrokenResourceError):  # It ended; its code says why.
                await child.stream.send_all(self._chain_key)
            code = await child.wait()
        if code != 0:
            raise SnapshotFailed(f"the snapshot process ended with {code}")
        self.newest_seq = newest_seq(self._directory, self._world.files)
        logger.info("snapshot of row {}", self.newest_seq)
