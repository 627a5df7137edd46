"""A disk that loses power: files in memory which keep only what was synced, for sure.

Every write, truncation, sync, creation and deletion is one operation, and the power can go at any
of them. What was not synced by then may be on the disk or not, in any order, and torn inside of a
sector; a name that was made or removed is as uncertain until its directory is synced. What a sync
could not write will not be tried again, though it is seen until the power goes: as on Linux.

SQLite sees the disk through a VFS, everything else through :class:`DiskFiles`.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import attrs

SECTOR_BYTES = 512


class DiskFault(Exception):  # noqa: N818 - what happened
    """The disk does not do it.

    ``is_full``: for want of room. ``loses_writes``: what was to be synced never will be.
    """

    def __init__(self, text: str, *, is_full: bool = False, loses_writes: bool = False) -> None:
        super().__init__(text)
        self.is_full = is_full
        self.loses_writes = loses_writes


@attrs.frozen
class Write:
    """Bytes on their way to the disk."""

    offset: int
    data: bytes


@attrs.frozen
class Truncate:
    """A new size on its way to the disk."""

    size: int


FREE_BYTES = 1 << 40
"""What is said to be left on a disk: it is full only when a test has it so."""


@attrs.define(eq=False)
class Stored:
    """One file: as the program sees it, as the disk has it, and what is in between."""

    seen: bytearray = attrs.field(factory=bytearray)
    durable: bytearray = attrs.field(factory=bytearray)
    pending: list[Write | Truncate] = attrs.field(factory=list)
    broken: bool = False
    """Whether nothing more can be written to it: its sectors are bad."""

    def check(self) -> None:
        """Before it is written to. Raises: DiskFault."""
        if self.broken:
            raise DiskFault("the sectors of this file are bad")

    def sync(self) -> None:
        """Everything reaches the disk."""
        for change in self.pending:
            _apply(self.durable, change)
        self.pending.clear()

    def lose_writes(self) -> None:
        """What is pending will never reach the disk."""
        self.pending.clear()

    def tear_tail(self, draw: random.Random) -> None:
        """What is pending reaches the disk in order, up to somewhere inside of one write."""
        kept = self.pending[: draw.randrange(len(self.pending) + 1)]
        if kept and isinstance(torn := kept[-1], Write):
            kept[-1] = Write(torn.offset, torn.data[: draw.randrange(len(torn.data) + 1)])
        for change in kept:
            _apply(self.durable, change)
        self.seen = bytearray(self.durable)
        self.pending.clear()

    def lose_power(self, draw: random.Random) -> None:
        """Some of what is pending reaches the disk, whole or torn, in any order."""
        survivors: list[Write | Truncate] = []
        for change in self.pending:
            if isinstance(change, Truncate):
                survivors += [change] if draw.random() < 0.5 else []
                continue
            for start in range(0, len(change.data), SECTOR_BYTES):
                sector = change.data[start : start + SECTOR_BYTES]
                fate = draw.random()
                if fate < 0.1:
                    sector = sector[: draw.randrange(len(sector))]
                if fate < 0.6:
                    survivors.append(Write(change.offset + start, sector))
        if draw.random() < 0.5:
            draw.shuffle(survivors)
        for change in survivors:
            _apply(self.durable, change)
        self.seen = bytearray(self.durable)
        self.pending.clear()


class Disk:
    """All files. ``before`` is called with the name of each operation and may raise."""

    def __init__(self) -> None:
        self.files: dict[str, Stored] = {}
        self.durable_files: dict[str, Stored] = {}
        self.operations = 0
        self.before: Callable[[str], None] = lambda _: None
        self._powered = True

    def power_off(self) -> None:
        """From now on nothing reaches the disk, and nothing can be read."""
        self._powered = False

    def power_on(self) -> None:
        """As it was. What a loss of power has taken is up to :meth:`restore_power`."""
        self._powered = True
        self.before = lambda _: None

    def check_power(self) -> None:
        """Before anything is changed. Raises: DiskFault."""
        if not self._powered:
            raise DiskFault("the power is off")

    def operate(self, name: str) -> None:
        """Count an operation and let it fail."""
        self.operations += 1
        self.before(name)

    def sync(self, stored: Stored) -> None:
        """Bring a file to disk. Raises: DiskFault."""
        stored.check()
        try:
            self.operate("sync")
        except DiskFault as fault:
            if fault.loses_writes:
                stored.lose_writes()
            raise
        stored.sync()

    def sync_directory(self) -> None:
        """Names become certain."""
        self.durable_files = dict(self.files)

    def cut_power_at(self, operation: int) -> None:
        """From this operation on everything fails."""

        def check(_: str) -> None:
            if self.operations >= operation:
                raise DiskFault("power cut")

        self.before = check

    def fail_once(self, name: str, nth: int, *, loses_writes: bool = False) -> None:
        """Let the ``nth`` operation of this name from now on fail, and none after it."""
        left = nth

        def check(operation: str) -> None:
            nonlocal left
            if operation == name:
                left -= 1
                if left == 0:
                    raise DiskFault(f"{name} failed", loses_writes=loses_writes)

        self.before = check

    def as_seen(self) -> Disk:
        """A copy of what programs see, on a disk that does not fail."""
        copy = Disk()
        for name, stored in self.files.items():
            content = bytearray(stored.seen)
            copy.files[name] = Stored(seen=content, durable=bytearray(content))
        copy.sync_directory()
        return copy

    def restore_power(self, draw: random.Random, *, in_order: bool = False) -> None:
        """What a machine finds when it starts again. ``in_order``: a torn tail, no more."""
        names = sorted(self.files.keys() | self.durable_files.keys())
        found = {}
        for name in names:
            now, before = self.files.get(name), self.durable_files.get(name)
            stored = now if now is before or draw.random() < 0.5 else before
            if stored is not None:
                if in_order:
                    stored.tear_tail(draw)
                else:
                    stored.lose_power(draw)
                found[name] = stored
        self.files, self.durable_files = found, dict(found)
        self.power_on()


class DiskVFS(apsw.VFS):
    """The disk as SQLite sees it, registered under ``name`` until closed."""

    def __init__(self, name: str, disk: Disk) -> None:
        self._disk = disk
        super().__init__(name, "")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        path = f"temp-{self._disk.operations}" if name is None else _text(name)
        created = path not in self._disk.files
        with _sqlite_errors(self._disk):
            if created:
                self._disk.operate("create")
                self._disk.files[path] = Stored()
        # SQLite's unix VFS syncs the directory with the first sync of a new journal or log.
        named = flags[0] & (apsw.SQLITE_OPEN_WAL | apsw.SQLITE_OPEN_MAIN_JOURNAL)
        flags[1] = flags[0]
        return DiskFile(self._disk, self._disk.files[path], created and bool(named))

    def xDelete(self, name: str, sync_directory: bool) -> None:
        with _sqlite_errors(self._disk):
            self._disk.operate("delete")
        self._disk.files.pop(name, None)
        if sync_directory:
            self._disk.sync_directory()

    def xAccess(self, name: str, _: int) -> bool:
        return name in self._disk.files and bool(self._disk.files[name].seen)

    def xFullPathname(self, name: str) -> str:
        return name


class DiskFile(apsw.VFSFile):
    """One open file."""

    def __init__(self, disk: Disk, stored: Stored, names_uncertain: bool) -> None:
        # Not the base class's: it would open a real file.
        self._disk = disk
        self._stored = stored
        self._names_uncertain = names_uncertain

    def xRead(self, amount: int, offset: int) -> bytes:
        return bytes(self._stored.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:
        self._change(Write(offset, bytes(data)), "write")

    def xTruncate(self, size: int) -> None:
        self._change(Truncate(size), "truncate")

    def xSync(self, _: int) -> None:
        with _sqlite_errors(self._disk):
            self._disk.sync(self._stored)
            if self._names_uncertain:
                self._disk.operate("sync directory")
                self._disk.sync_directory()
                self._names_uncertain = False

    def xFileSize(self) -> int:
        return len(self._stored.seen)

    def xLock(self, _: int) -> None:
        pass

    def xUnlock(self, _: int) -> None:
        pass

    def xCheckReservedLock(self) -> bool:
        return False

    def xFileControl(self, _: int, __: int) -> bool:
        return False

    def xSectorSize(self) -> int:
        return 4096

    def xDeviceCharacteristics(self) -> int:
        return 0

    def xClose(self) -> None:
        pass

    def _change(self, change: Write | Truncate, name: str) -> None:
        with _sqlite_errors(self._disk):
            self._stored.check()
            _apply(self._stored.seen, change)
            self._stored.pending.append(change)
            self._disk.operate(name)


class DiskFiles:
    """The disk as everything but SQLite sees it; ``sqlite_vfs`` is how SQLite does."""

    def __init__(self, disk: Disk, sqlite_vfs: str) -> None:
        self._disk = disk
        self.sqlite_vfs: str | None = sqlite_vfs

    def size(self, path: Path) -> int | None:
        """See Files."""
        stored = self._disk.files.get(str(path))
        return None if stored is None else len(stored.seen)

    def read(self, path: Path) -> bytes:
        """See Files."""
        stored = self._disk.files.get(str(path))
        if stored is None:
            raise FileNotFoundError(str(path))
        return bytes(stored.seen)

    def read_part(self, path: Path, offset: int, bytes_max: int) -> bytes:
        """See Files."""
        return self.read(path)[offset : offset + bytes_max]

    def list_names(self, directory: Path, suffix: str) -> list[str]:
        """See Files."""
        paths = map(Path, self._disk.files)
        return sorted(
            path.name for path in paths if path.parent == directory and path.name.endswith(suffix)
        )

    def write(self, path: Path, data: bytes) -> None:
        """See Files."""
        with _system_errors(self._disk):
            self._disk.operate("create")
            stored = Stored(seen=bytearray(data), pending=[Write(0, data)])
            self._disk.files[str(path)] = stored
            self._disk.operate("write")
            self._disk.sync(stored)

    def append(self, path: Path, data: bytes) -> None:
        """See Files."""
        with _system_errors(self._disk):
            self._disk.operate("write")
            stored = self._disk.files.setdefault(str(path), Stored())
            stored.check()
            change = Write(len(stored.seen), data)
            _apply(stored.seen, change)
            stored.pending.append(change)

    def rewrite(self, path: Path, bytes_max: int | None) -> None:
        """See Files."""
        with _system_errors(self._disk):
            stored = self._disk.files[str(path)]
            stored.pending.append(Write(0, bytes(stored.seen[:bytes_max])))
            self._disk.operate("write")
            self._disk.sync(stored)

    def rename(self, path: Path, target: Path) -> None:
        """See Files."""
        with _system_errors(self._disk):
            self._disk.operate("rename")
        if str(path) not in self._disk.files:
            raise FileNotFoundError(str(path))
        self._disk.files[str(target)] = self._disk.files.pop(str(path))

    def remove(self, path: Path) -> None:
        """See Files."""
        with _system_errors(self._disk):
            self._disk.operate("delete")
        self._disk.files.pop(str(path), None)

    def sync_directory(self, directory: Path) -> None:  # noqa: ARG002 - there is one
        """See Files."""
        with _system_errors(self._disk):
            self._disk.operate("sync directory")
            self._disk.sync_directory()

    def free_bytes(self, directory: Path) -> int:  # noqa: ARG002 - there is one
        """See Files."""
        return FREE_BYTES


@contextmanager
def registered(disk: Disk) -> Iterator[str]:
    """Let SQLite see the disk; gives the name of the VFS."""
    name = f"disk-{id(disk)}"
    vfs = DiskVFS(name, disk)
    try:
        yield name
    finally:
        vfs.unregister()


class _sqlite_errors:  # noqa: N801 - reads as a statement
    """Do something with the disk, and fail the way SQLite understands."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __enter__(self) -> None:
        try:
            self._disk.check_power()
        except DiskFault as fault:
            raise self._error(fault) from None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, DiskFault):
            raise self._error(error) from None

    def _error(self, fault: DiskFault) -> Exception:
        return (apsw.FullError if fault.is_full else apsw.IOError)(str(fault))


class _system_errors(_sqlite_errors):  # noqa: N801 - reads as a statement
    """The same, as the operating system fails."""

    def _error(self, fault: DiskFault) -> Exception:
        return OSError(errno.ENOSPC if fault.is_full else errno.EIO, str(fault))


def _apply(content: bytearray, change: Write | Truncate) -> None:
    if isinstance(change, Truncate):
        del content[change.size :]
        return
    end = change.offset + len(change.data)
    if len(content) < end:
        content.extend(bytes(end - len(content)))
    content[change.offset : end] = change.data


def _text(name: str | apsw.URIFilename) -> str:
    return name if isinstance(name, str) else name.filename()
