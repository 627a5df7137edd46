"""What the daemon and a process that works for it say to each other: parts of documents, progress.

A document is one JSON object and, beside it, named bytes that JSON would only blow up. It travels
in frames of the strategies' wire (:mod:`xache_sdk.wire`), none longer than 128 KiB; the first byte
of a frame says what it is. Whoever reads trusts nothing: lengths are bounded, JSON is JSON, and
bytes are only cut out, never run.
"""

from __future__ import annotations

import enum
import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs
from xache_sdk.wire import frame

PART_BYTES: Final = 65_536
_LENGTH: Final = struct.Struct(">I")
_MILLIONTHS: Final = struct.Struct(">I")
PROGRESS_WHOLE_PPM: Final = 1_000_000
NAMES_MAX: Final = 4_096
"""Named bytes of one document."""


class FrameKind(enum.IntEnum):
    """The first byte of a frame."""

    PART = 1
    """Some of a document's bytes."""
    END = 2
    """There are no more."""
    SEALED = 3
    """Which layers hold the process: one byte each."""
    PROGRESS = 4
    """How much is done, in parts per million."""
    FAILED = 5
    """Why there will be no document: JSON with ``kind`` and ``message``."""


class BadDocument(ValueError):  # noqa: N818 - it says what is the matter
    """Bytes that are no document; the text says what is wrong."""


@attrs.frozen(kw_only=True)
class Document:
    """One JSON object, and named bytes."""

    header: Mapping[str, Any]
    blobs: Mapping[str, bytes] = attrs.field(factory=dict)

    def blob(self, name: str) -> bytes:
        """Bytes by name. Raises: BadDocument when there are none of that name."""
        found = self.blobs.get(name)
        if found is None:
            raise BadDocument(f"there is no {name}")
        return found


def write_document(document: Document) -> bytes:
    """The bytes of a document. Raises: ValueError for what JSON cannot say."""
    sizes = [[name, len(blob)] for name, blob in document.blobs.items()]
    head = json.dumps({"header": document.header, "blobs": sizes}, allow_nan=False).encode()
    return b"".join((_LENGTH.pack(len(head)), head, *document.blobs.values()))


def read_document(data: bytes) -> Document:
    """Read a document. Raises: BadDocument."""
    if len(data) < _LENGTH.size:
        raise BadDocument("it is too short")
    (length,) = _LENGTH.unpack_from(data)
    at = _LENGTH.size + length
    head = _read_object(data[_LENGTH.size : at])
    header, sizes = head.get("header"), head.get("blobs")
    if not isinstance(header, dict) or not isinstance(sizes, list) or len(sizes) > NAMES_MAX:
        raise BadDocument("it has no header, or no list of what is beside it")
    blobs: dict[str, bytes] = {}
    for each in sizes:
        match each:
            case [str(name), int(size)] if size >= 0 and name not in blobs:
                blobs[name] = data[at : at + size]
                at += size
            case _:
                raise BadDocument("what is beside it has a name of its own and a size")
    if at != len(data):
        raise BadDocument(f"it has {len(data)} bytes and names {at}")
    return Document(header=header, blobs=blobs)


def document_frames(data: bytes) -> Iterator[bytes]:
    """The frames that carry a document."""
    for at in range(0, len(data), PART_BYTES):
        yield frame(bytes([FrameKind.PART]) + data[at : at + PART_BYTES])
    yield frame(bytes([FrameKind.END]))


def sealed_frame(layers: tuple[int, ...]) -> bytes:
    """Say what holds this process."""
    return frame(bytes([FrameKind.SEALED, *layers]))


def progress_frame(done_ppm: int) -> bytes:
    """Say how much is done."""
    return frame(bytes([FrameKind.PROGRESS]) + _MILLIONTHS.pack(done_ppm))


def read_progress(body: bytes) -> int:
    """How much is done, in parts per million. Raises: BadDocument."""
    if len(body) != _MILLIONTHS.size or (done := _MILLIONTHS.unpack(body)[0]) > PROGRESS_WHOLE_PPM:
        raise BadDocument("progress is four bytes, at most a million")
    return int(done)


def failed_frame(kind: str, message: str) -> bytes:
    """Say why there will be no document."""
    text = json.dumps({"kind": kind, "message": message[:4_000]})
    return frame(bytes([FrameKind.FAILED]) + text.encode())


def read_failed(body: bytes) -> tuple[str, str]:
    """The kind and the text of a failure, bounded. Raises: BadDocument."""
    found = _read_object(body)
    kind, message = found.get("kind"), found.get("message")
    if not isinstance(kind, str) or not isinstance(message, str):
        raise BadDocument("a failure has a kind and a message")
    return kind[:40], message[:4_000]


def _read_object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadDocument(f"it is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadDocument("it is no JSON object")
    return found
