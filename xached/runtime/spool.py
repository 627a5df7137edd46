"""A spool: blocks appended to a file, whole up to where a crash has cut it off.

A block is its length, the CRC-32 of what is stored, and so many bytes of zlib. The first block is
the header, a JSON object that says what the others are. A reader takes blocks until one is cut
off or damaged: what was whole before is what was written.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

BLOCK_BYTES_MAX: Final = 64 * 1024 * 1024
"""No block holds more, unpacked: a length beyond it is damage."""

_HEAD: Final = struct.Struct("<II")
_QUICK: Final = 1
"""zlib's level: whoever keeps a spool for long packs it better."""


class SpoolDamaged(ValueError):  # noqa: N818 - it says what is the matter
    """There is no header to say what this is."""


def write_header(about: Mapping[str, Any]) -> bytes:
    """The first block."""
    return write_block(json.dumps(about, sort_keys=True).encode())


def write_block(body: bytes) -> bytes:
    """A block of what is appended at one time."""
    assert len(body) <= BLOCK_BYTES_MAX, len(body)
    packed = zlib.compress(body, _QUICK)
    return _HEAD.pack(len(packed), zlib.crc32(packed)) + packed


def read_spool(data: bytes) -> tuple[dict[str, Any], Iterator[bytes]]:
    """The header and the other blocks. Raises: SpoolDamaged without a header."""
    blocks = _read_blocks(data)
    try:
        about = json.loads(next(blocks))
    except (StopIteration, ValueError):
        raise SpoolDamaged("no header") from None
    if not isinstance(about, dict):
        raise SpoolDamaged("no header")
    return about, blocks


def _read_blocks(data: bytes) -> Iterator[bytes]:
    at = 0
    while at + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        packed = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(packed) < length or zlib.crc32(packed) != checksum:
            return
        unpacker = zlib.decompressobj()
        yield unpacker.decompress(packed, BLOCK_BYTES_MAX)
        at += _HEAD.size + length
