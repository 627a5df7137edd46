"""Snapshots: the exchange's state at a row, so that a start need not replay everything.

A snapshot is a file ``<seq>.snapshot``: a keyed hash and the state in msgpack. It appears whole or
not at all (written aside, synced, renamed, directory synced), the newest three are kept, and one
that is damaged is passed over, since the journal alone would do. They are made by a child process
from the one before and the rows since; the daemon never stops to write down live state.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import msgpack
from loguru import logger

from xached.domain.exchange import Exchange
from xached.domain.snapshot import SHAPE
from xached.runtime.world import REAL_FILES, Files
from xached.storage.codec import CodecError, pack_integer, unpack_integer
from xached.storage.journal import Anchor, Journal, JournalDamaged

MAGIC: Final = b"XACHE-SNAPSHOT-1"
HASH_BYTES: Final = 32
KEPT: Final = 3
SUFFIX: Final = ".snapshot"
_HEADER_BYTES = len(MAGIC) + HASH_BYTES


class SnapshotDamaged(Exception):  # noqa: N818 - it says what is the matter
    """The file is not what was written, or was written with another key."""


@attrs.frozen(kw_only=True)
class Snapshot:
    """The state after row ``anchor.seq``, as :meth:`Exchange.snapshot` gave it."""

    anchor: Anchor
    state: dict[str, Any]


@attrs.frozen(kw_only=True)
class Recovered:
    """The exchange after the journal's newest row, ``anchor``.

    ``from_seq`` is the row of the snapshot it started from, 0 without one; ``events`` how many
    were replayed since.
    """

    exchange: Exchange
    anchor: Anchor
    from_seq: int
    events: int


def write(directory: Path, key: bytes, snapshot: Snapshot, files: Files = REAL_FILES) -> Path:
    """Keep a snapshot durably, and drop all but the newest three. Raises: OSError."""
    payload: bytes = msgpack.packb(
        [snapshot.anchor.seq, snapshot.anchor.chain, snapshot.state], default=pack_integer
    )
    path = directory / f"{snapshot.anchor.seq:020d}{SUFFIX}"
    aside = path.with_suffix(f".{os.getpid()}.tmp")
    files.write(aside, MAGIC + _hash(key, payload) + payload)
    files.rename(aside, path)
    files.sync_directory(directory)
    for old in list_files(directory, files)[KEPT:]:
        files.remove(old)
    for name in files.list_names(directory, ".tmp"):
        files.remove(directory / name)
    return path


def read(path: Path, key: bytes, files: Files = REAL_FILES) -> Snapshot:
    """Read a snapshot back. Raises: SnapshotDamaged; OSError."""
    data = files.read(path)
    payload = data[_HEADER_BYTES:]
    if not data.startswith(MAGIC):
        raise SnapshotDamaged(f"{path.name} is no snapshot of this version")
    if not hmac.compare_digest(data[len(MAGIC) : _HEADER_BYTES], _hash(key, payload)):
        raise SnapshotDamaged(f"{path.name} is not what was written")
    try:
        seq, chain, state = msgpack.unpackb(
            payload, strict_map_key=False, ext_hook=unpack_integer, use_list=True
        )
    except (ValueError, CodecError, msgpack.UnpackException) as error:
        raise SnapshotDamaged(f"{path.name} cannot be read: {error}") from error
    return Snapshot(anchor=Anchor(seq, chain), state=state)


def newest(directory: Path, key: bytes, files: Files = REAL_FILES) -> Iterator[Snapshot]:
    """The good snapshots, newest first; damaged and foreign ones are logged and passed over."""
    for path in list_files(directory, files):
        try:
            snapshot = read(path, key, files)
        except (SnapshotDamaged, OSError) as error:
            logger.warning("snapshot passed over: {}", error)
            continue
        if snapshot.state.get("shape") == SHAPE:
            yield snapshot
        else:
            logger.info("snapshot passed over: {} was made by another version", path.name)


def list_files(directory: Path, files: Files = REAL_FILES) -> Sequence[Path]:
    """The snapshot files, newest first."""
    return [directory / name for name in reversed(files.list_names(directory, SUFFIX))]


def newest_seq(directory: Path, files: Files = REAL_FILES) -> int:
    """The row of the newest file, good or not; 0 without one."""
    kept = list_files(directory, files)
    return max((int(file.stem) for file in kept if file.stem.isdecimal()), default=0)


def recover(directory: Path, key: bytes, journal: Journal, files: Files = REAL_FILES) -> Recovered:
    """Rebuild the exchange from the newest good snapshot and the rows since; check it.

    Raises: JournalDamaged, also when the journal lacks the row of the snapshot; JournalFailed.
    """
    exchange, start = begin_recovery(directory, key, journal, files)
    seq, replayed = start.seq, 0
    for seq, at_ns, events in journal.replay(start.seq + 1):
        for event in events:
            exchange.apply(event, seq, at_ns)
        replayed += len(events)
    exchange.check()
    anchor = journal.anchor_at(seq)
    assert anchor is not None
    return Recovered(exchange=exchange, anchor=anchor, from_seq=start.seq, events=replayed)


def begin_recovery(
    directory: Path, key: bytes, journal: Journal, files: Files = REAL_FILES
) -> tuple[Exchange, Anchor]:
    """The exchange of the newest good snapshot and its row; an empty one at genesis without.

    Raises: JournalDamaged when the journal lacks that row; JournalFailed.
    """
    for snapshot in newest(directory, key, files):
        # Only rows that were on disk are ever in a snapshot, so the journal must have its row.
        if journal.anchor_at(snapshot.anchor.seq) != snapshot.anchor:
            raise JournalDamaged(snapshot.anchor.seq, "missing or not the one of the snapshot")
        return Exchange.restore(snapshot.state), snapshot.anchor
    return Exchange(), journal.genesis


def write_snapshot(path: Path, directory: Path, key: bytes) -> Path | None:
    """Make a snapshot of a journal as it is now; None when there is nothing new to keep.

    To be run in a process of its own, beside the daemon. ``key`` is the journal's.

    Raises: JournalDamaged; JournalFailed; DatabaseRefused; OSError.
    """
    with Journal.open_read_only(path, key) as journal:
        return snapshot_journal(directory, key, journal)


def snapshot_journal(
    directory: Path, key: bytes, journal: Journal, files: Files = REAL_FILES
) -> Path | None:
    """Make a snapshot of an open journal; None when there is nothing new to keep.

    Raises: JournalDamaged; JournalFailed; OSError.
    """
    recovered = recover(directory, key, journal, files)
    if recovered.anchor.seq == recovered.from_seq:
        return None
    snapshot = Snapshot(anchor=recovered.anchor, state=recovered.exchange.snapshot())
    return write(directory, key, snapshot, files)


def _hash(key: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(
        payload, key=key, person=b"xache:snapshot", digest_size=HASH_BYTES
    ).digest()
