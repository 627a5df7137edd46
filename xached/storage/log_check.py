"""Whether a write-ahead log that a crash left behind has lost what it once held.

SQLite reads a log up to the first frame whose checksum is wrong and takes the rest for a write
that was cut short. It also does so where a disk has lost a bit in the midst of it: all that was
committed from there on would be gone, and nobody told. But each frame's checksum goes on from the
one before, as that is written in the log; so the frames behind a damaged one can still be seen to
be whole. And since a commit is on disk before the next one begins, a commit that another one
follows was not cut short: what is wrong in it or before it is damage. On a disk that may spoil the
rest of a sector while it writes, SQLite fills the sector up with the commit's last frame once more:
such a copy follows nothing, and what of it is in the next sector may be cut short for longer.

The last commit in a log cannot be told from one that was cut short and never acknowledged. It is
left out, as SQLite does, and said so. Format: https://www.sqlite.org/fileformat2.html#walformat
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import attrs

HEADER_BYTES: Final = 32
FRAME_HEADER_BYTES: Final = 24

_MAGIC = 0x377F0682  # Its lowest bit says that checksums are of big-endian words.
_PAGE_BYTES_MIN, _PAGE_BYTES_MAX = 512, 65_536
_MASK = 0xFFFFFFFF

_Sums = tuple[int, int]


@attrs.frozen(kw_only=True)
class LogFault:
    """What is wrong with a log. ``certain``: it is damage, not a write that was cut short."""

    place: str
    certain: bool


@attrs.frozen
class _Frame:
    """What is needed of one frame."""

    is_commit: bool
    is_linked: bool
    """By the checksum before it, as that is written or as it should be."""
    has_salts: bool
    """Those of the header: it is of this use of the file."""
    repeats: bool
    """The frame before, as that is or was meant to be: it fills up a sector."""

    @property
    def is_good(self) -> bool:
        """Whether SQLite would take it, after what is before it."""
        return self.is_linked and self.has_salts


def find_log_fault(content: bytes) -> LogFault | None:
    """The first thing that is wrong in the bytes of a log; None when all of it is whole."""
    if not content.strip(b"\0"):
        return None
    if len(content) < HEADER_BYTES:
        return LogFault(place="its header", certain=False)
    magic, _, page_bytes, _, _, _, *sums = struct.unpack(">8I", content[:HEADER_BYTES])
    order = ">" if magic & 1 else "<"
    known = magic & ~1 == _MAGIC and _PAGE_BYTES_MIN <= page_bytes <= _PAGE_BYTES_MAX
    if not known or _summed((0, 0), content[:24], order) != tuple(sums):
        # It is written at once, in one sector, before everything else.
        return LogFault(place="its header", certain=True)
    frames = _frames(content, page_bytes, order)
    first = next((n for n, frame in enumerate(frames) if not frame.is_good), None)
    if first is None:
        return None
    certain = _goes_on(frames, first)
    if not certain and not frames[first].is_linked and not frames[first].has_salts:
        return None  # What an earlier use of the file has left lies behind what is whole.
    place = f"frame {first + 1} of {len(frames)}, byte {_start(first, page_bytes)}"
    return LogFault(place=place, certain=certain)


def _goes_on(frames: Sequence[_Frame], first: int) -> bool:
    """Whether a commit from here on is followed by another one's frame, linked to it."""
    return any(
        frames[n].is_commit
        and (frames[n].is_good or (n == first and not frames[n].repeats))
        and frames[n + 1].is_good
        and not frames[n + 1].repeats
        for n in range(first, len(frames) - 1)
    )


def _frames(content: bytes, page_bytes: int, order: str) -> list[_Frame]:
    salts, frames = content[16:24], list[_Frame]()
    kept: _Sums = struct.unpack(">2I", content[24:HEADER_BYTES])
    before, last, wanted = [kept], b"", list[_Sums]()
    size = FRAME_HEADER_BYTES + page_bytes
    for start in range(HEADER_BYTES, len(content) - size + 1, size):
        header = content[start : start + FRAME_HEADER_BYTES]
        summed = header[:8] + content[start + FRAME_HEADER_BYTES : start + size]
        told, kept = kept, struct.unpack(">2I", header[16:])
        repeats = last[8:] == summed[8:] or (
            last[:8] == summed[:8]
            and (
                any(_summed(each, summed, order) == told for each in wanted)
                or any(_summed(each, last, order) == kept for each in before)
            )
        )
        sums = [_summed(each, summed, order) for each in before]
        is_commit, has_salts = header[4:8] != bytes(4), header[8:16] == salts
        frame = _Frame(is_commit, kept in sums, has_salts, repeats)
        frames.append(frame)
        last, wanted = summed, [] if frame.is_good else before
        before = [kept] if frame.is_good else [kept, sums[0]]
    return frames


def _start(number: int, page_bytes: int) -> int:
    return HEADER_BYTES + number * (FRAME_HEADER_BYTES + page_bytes)


def _summed(sums: _Sums, content: bytes, order: str) -> _Sums:
    """The running checksum of the log after some more bytes, a multiple of eight."""
    one, other = sums
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for first, second in zip(words[::2], words[1::2], strict=True):
        one = (one + first + other) & _MASK
        other = (other + second + one) & _MASK
    return one, other
