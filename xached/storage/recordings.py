"""The files of recordings: what they are called, how they are finished, and when they go.

A recording is written as a spool that is ``.open``, is finished as ``.spool``, and is turned into
``.parquet`` by a process of its own. Its name tells kind, subject and when it began, so that names
of one subject are in the order of time::

    market.BINANCE.BTC-USDT.1767225600000000000.parquet
    inputs.9f86d081884c7d65.4be1c2a0d3f5e697.1767225600000000000.open

Recordings are no money: they are not synced, are bounded by age and size, and none is written
while the disk has less room than is to be kept free.
"""

from __future__ import annotations

import enum
import hashlib
import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import attrs

from xached.runtime.schedule import Schedule
from xached.runtime.world import Files

OPEN: Final = ".open"
DONE: Final = ".spool"
PACKED: Final = ".parquet"
NIGHTLY: Final = Schedule("30 3 * * *")
DAY_NS: Final = 24 * 3_600 * 10**9


class RecordingKind(enum.Enum):
    """What is recorded."""

    MARKET = "market"
    INPUTS = "inputs"


@attrs.frozen(kw_only=True)
class KindTerms:
    """Whether a kind is recorded, and how much of it is kept."""

    on: bool = True
    days_max: int = 30
    bytes_max: int = 10 * 10**9


@attrs.frozen(kw_only=True)
class RecordTerms:
    """What is recorded, how long a file grows, and the room that is left to others."""

    market: KindTerms = KindTerms()
    inputs: KindTerms = KindTerms(days_max=90)
    rotate_ns: int = 3_600 * 10**9
    rotate_bytes: int = 64 * 10**6
    free_bytes_min: int = 2 * 10**9
    parity: Schedule | None = NIGHTLY
    """When strategies are judged by what was recorded; None: only when somebody asks."""

    def of(self, kind: RecordingKind) -> KindTerms:
        """The terms of a kind."""
        return self.market if kind is RecordingKind.MARKET else self.inputs


@attrs.frozen(kw_only=True, order=False)
class RecordingFile:
    """A recording on disk. ``subject`` is a market, or a strategy and its run."""

    kind: RecordingKind
    subject: str
    began_at_ns: int
    suffix: str
    size_bytes: int

    @property
    def name(self) -> str:
        """Its file's name."""
        return recording_name(self.kind, self.subject, self.began_at_ns, self.suffix)


def recording_name(kind: RecordingKind, subject: str, began_at_ns: int, suffix: str) -> str:
    """How a recording's file is called."""
    return f"{kind.value}.{subject}.{began_at_ns:019d}{suffix}"


def run_subject(strategy: str, run_id: str) -> str:
    """What a run's recordings are called: a strategy's name may hold what a file's may not."""
    return f"{hashlib.sha256(strategy.encode()).hexdigest()[:16]}.{run_id}"


class Recordings:
    """The recordings of a directory. Every method blocks and raises OSError."""

    def __init__(self, directory: Path, files: Files) -> None:
        self.directory = directory
        self._files = files

    def append(self, name: str, data: bytes) -> None:
        """Add to a recording that is open, or begin it."""
        self._files.append(self.directory / name, data)

    def finish(self, name: str) -> None:
        """Nothing more is added to an open one."""
        path = self.directory / name
        if self._files.size(path) is not None:
            self._files.rename(path, path.with_suffix(DONE))

    def finish_all(self) -> int:
        """Finish what an earlier process has left open; tells how many there were."""
        left = self._files.list_names(self.directory, OPEN)
        for name in left:
            self.finish(name)
        return len(left)

    def free_bytes(self) -> int:
        """How much room the disk has."""
        return self._files.free_bytes(self.directory)

    def find(self) -> list[RecordingFile]:
        """Every recording, oldest first. A name that is none of ours is passed over."""
        found = []
        for suffix in (OPEN, DONE, PACKED):
            for name in self._files.list_names(self.directory, suffix):
                size = self._files.size(self.directory / name)
                file = None if size is None else _read_name(name, suffix, size)
                if file is not None:
                    found.append(file)
        return sorted(found, key=lambda each: (each.began_at_ns, each.name))

    def remove_old(self, terms: RecordTerms, now_ns: int) -> int:
        """Remove what is too old or too much, oldest first; tells how many files went.

        What is open stays. Of a strategy's run the beginning goes with all that follows it: a log
        that does not begin at the start replays nothing.
        """
        files, removed = self.find(), 0
        for kind in RecordingKind:
            for file in surplus(files, kind, terms.of(kind), now_ns):
                self._files.remove(self.directory / file.name)
                removed += 1
        return removed

    def runs_of(self, strategies: Iterable[str]) -> list[RecordingFile]:
        """All recordings of strategies, by what these are called, oldest first."""
        subjects = tuple(run_subject(each, "") for each in strategies)
        return [
            file
            for file in self.find()
            if file.kind is RecordingKind.INPUTS and file.subject.startswith(subjects)
        ]

    def read_part(self, file: RecordingFile, offset: int, bytes_max: int) -> bytes:
        """So many bytes of a recording from an offset on; fewer at its end."""
        return self._files.read_part(self.directory / file.name, offset, bytes_max)

    def remove_runs(self, strategies: Iterable[str]) -> None:
        """Remove all recordings of strategies, by what these are called."""
        for file in self.runs_of(strategies):
            self._files.remove(self.directory / file.name)


def surplus(
    files: Iterable[RecordingFile], kind: RecordingKind, terms: KindTerms, now_ns: int
) -> list[RecordingFile]:
    """What of a kind is to go. ``files`` are in the order of time."""
    own = [file for file in files if file.kind is kind]
    units = [[file] for file in own]
    if kind is RecordingKind.INPUTS:
        by_run = sorted(own, key=lambda file: file.subject)
        grouped = itertools.groupby(by_run, key=lambda file: file.subject)
        units = sorted((list(run) for _, run in grouped), key=lambda run: run[-1].began_at_ns)
    total = sum(file.size_bytes for file in own)
    gone: list[RecordingFile] = []
    for unit in units:
        old = now_ns - unit[-1].began_at_ns > terms.days_max * DAY_NS
        if not old and total <= terms.bytes_max:
            continue
        if any(file.suffix == OPEN for file in unit):
            continue
        gone += unit
        total -= sum(file.size_bytes for file in unit)
    return gone


def _read_name(name: str, suffix: str, size_bytes: int) -> RecordingFile | None:
    kind, _, rest = name.removesuffix(suffix).partition(".")
    subject, _, began = rest.rpartition(".")
    known = {each.value: each for each in RecordingKind}
    if kind not in known or not subject or not began.isdigit():
        return None
    return RecordingFile(
        kind=known[kind],
        subject=subject,
        began_at_ns=int(began),
        suffix=suffix,
        size_bytes=size_bytes,
    )
