"""What strategies have saved for their next run: one small file each, beside the journal.

It is no money and no secret: it is kept apart from the journal and may be removed to let a strategy
start afresh. A file appears whole or not at all (written aside, synced, renamed, directory synced).
Its first line is a hash of the rest: what was damaged is refused, never handed on.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

import attrs

from xached.runtime.world import Files

SUFFIX: Final = ".state"
NAME_BYTES: Final = 16


class StateDamaged(Exception):  # noqa: N818 - it says what is the matter
    """The file is not what was written. Who removes it lets the strategy start afresh."""


@attrs.frozen(kw_only=True)
class SavedState:
    """What a strategy saved. ``plugin`` is its entry point's name, ``state_json`` an object."""

    plugin: str
    version: int
    state_json: str
    saved_at_ns: int


class StrategyStates:
    """The files of one directory. Every method blocks and raises OSError."""

    def __init__(self, directory: Path, files: Files) -> None:
        self._directory = directory
        self._files = files

    def write(self, name: str, state: SavedState) -> None:
        """Keep what the strategy of a name saved, durably, in place of what was there."""
        body = json.dumps(attrs.asdict(state), ensure_ascii=False).encode()
        path = self._path(name)
        aside = path.with_suffix(".tmp")
        self._files.write(aside, _digest(body) + b"\n" + body)
        self._files.rename(aside, path)
        self._files.sync_directory(self._directory)

    def read(self, name: str) -> SavedState | None:
        """What the strategy of a name saved last; None for nothing. Raises: StateDamaged."""
        path = self._path(name)
        if self._files.size(path) is None:
            return None
        digest, _, body = self._files.read(path).partition(b"\n")
        if digest != _digest(body):
            raise StateDamaged(f"what {name!r} saved in {path.name} is damaged")
        return SavedState(**json.loads(body))

    def stored(self, name: str) -> bytes | None:
        """What is on disk of it, whatever it says; None for nothing."""
        path = self._path(name)
        try:
            return self._files.read(path).partition(b"\n")[2]
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Forget what the strategy of a name saved. No error where that is nothing."""
        path = self._path(name)
        for each in (path, path.with_suffix(".tmp")):
            self._files.remove(each)
        self._files.sync_directory(self._directory)

    def _path(self, name: str) -> Path:
        """A name may hold what a file's name may not."""
        digest = hashlib.blake2b(name.encode(), digest_size=NAME_BYTES).hexdigest()
        return self._directory / f"{digest}{SUFFIX}"


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()
