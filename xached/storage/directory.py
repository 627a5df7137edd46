"""The data directory: where each file is, and the lock that keeps a second daemon off it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs


class DirectoryInUse(Exception):  # noqa: N818 - it says what is the matter
    """Another process works in this data directory."""


@attrs.frozen
class DataPaths:
    """Where each file of a data directory is."""

    root: Path

    @property
    def journal(self) -> Path:
        """The exchange's rows."""
        return self.root / "journal.db"

    @property
    def vault(self) -> Path:
        """People, credentials and secrets."""
        return self.root / "vault.db"

    @property
    def views(self) -> Path:
        """History, rebuildable."""
        return self.root / "views.db"

    @property
    def snapshots(self) -> Path:
        """A directory of snapshot files."""
        return self.root / "snapshots"

    @property
    def market(self) -> Path:
        """Candles, rebuildable."""
        return self.root / "market.db"

    @property
    def paper(self) -> Path:
        """The paper exchange's rows: play money only."""
        return self.root / "paper.db"

    @property
    def paper_snapshots(self) -> Path:
        """A directory of snapshot files of the paper exchange."""
        return self.root / "paper_snapshots"

    @property
    def paper_views(self) -> Path:
        """The paper exchange's history, rebuildable."""
        return self.root / "paper_views.db"

    @property
    def strategies(self) -> Path:
        """What the house knows of strategies that is no money."""
        return self.root / "strategies.db"

    @property
    def strategy_states(self) -> Path:
        """A directory of what strategies saved for their next run."""
        return self.root / "strategy_states"

    @property
    def histories(self) -> Path:
        """A directory of histories to run backtests over."""
        return self.root / "histories"

    @property
    def recordings(self) -> Path:
        """A directory of recorded markets, and of what strategies were told and wanted."""
        return self.root / "recordings"

    @property
    def models(self) -> Path:
        """A directory of the models that the house trains, and of every candidate's trial."""
        return self.root / "models"

    @property
    def certificates(self) -> Path:
        """A directory of parity certificates."""
        return self.root / "certificates"

    @property
    def master_key(self) -> Path:
        """The root of all keys, mode 0400."""
        return self.root / "master.key"

    @property
    def master_id(self) -> Path:
        """Which master key is the right one; no secret."""
        return self.root / "master.id"

    @property
    def admin_socket(self) -> Path:
        """Where administrators call, mode 0600."""
        return self.root / "admin.sock"

    @property
    def http_certificate(self) -> Path:
        """What the house made for itself, where it was asked to."""
        return self.root / "http-certificate.pem"

    @property
    def http_private_key(self) -> Path:
        """The key of that certificate."""
        return self.root / "http-private-key.pem"

    @property
    def lock(self) -> Path:
        """Held by the daemon; contains its process id."""
        return self.root / "lock"


class DataDirectory:
    """A data directory that this process alone may write to."""

    def __init__(self, paths: DataPaths, lock: int) -> None:
        self.paths = paths
        self._lock = lock

    @classmethod
    def open(cls, root: Path) -> DataDirectory:
        """Make the directory if needed, readable by its owner only, and lock it.

        The lock ends with the process, however it ends.

        Raises: DirectoryInUse; OSError when the directory cannot be made or entered.
        """
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = DataPaths(root)
        paths.snapshots.mkdir(mode=0o700, exist_ok=True)
        paths.paper_snapshots.mkdir(mode=0o700, exist_ok=True)
        paths.strategy_states.mkdir(mode=0o700, exist_ok=True)
        paths.recordings.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(paths.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(lock, 20).decode("ascii", "replace").strip()
            os.close(lock)
            raise DirectoryInUse(f"{root} is in use by process {holder or 'unknown'}") from None
        os.ftruncate(lock, 0)
        os.write(lock, str(os.getpid()).encode("ascii"))
        return cls(paths, lock)

    def close(self) -> None:
        """Give the directory up. May be repeated."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
