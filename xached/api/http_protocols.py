"""Hypercorn's two protocols, mended: what 0.18 lets clients do, or does to them.

It has no other place to put classes of one's own than the names it looks them up by.
"""

from __future__ import annotations

import contextlib
from types import ModuleType
from typing import Any

import h11
import hypercorn.protocol
import hypercorn.protocol.h2
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from hypercorn.protocol.events import Body, Event
from hypercorn.protocol.h2 import BUFFER_LOW_WATER, H2Protocol, StreamBuffer
from hypercorn.protocol.h11 import H11Protocol


class PlainH11(H11Protocol):
    """HTTP/1.1 that stays what it is.

    Hypercorn takes an offer to go on in HTTP/2 in clear. A proxy that passes the offer on would
    see nothing of what follows (h2c smuggling); to decline is always allowed.
    """

    async def _check_protocol(self, event: h11.Request) -> None:
        if event.method == b"PRI":
            await super()._check_protocol(event)


class BoundedBuffer(StreamBuffer):
    """What a stream of HTTP/2 has not sent yet, within bounds.

    Hypercorn lets a writer go on after each attempt to send, even where the client left no room and
    nothing was sent: a client that never reads made it keep everything.
    """

    async def pop(self, max_length: int) -> bytes:
        """Take what can be sent now; a writer goes on once there is little left."""
        data = bytes(self.buffer[:max_length])
        del self.buffer[:max_length]
        if len(self.buffer) < BUFFER_LOW_WATER:
            await self._paused.set()
        if not self.buffer:
            await self._is_empty.set()
        return data


class PatientH2(H2Protocol):
    """HTTP/2 where the rest of a body that nobody waits for is no fault.

    Hypercorn breaks the whole connection when a body goes on after its answer, and with it all that
    a browser has under way there. Here the client is told to stop sending (RFC 9113, 8.1).
    """

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.streams = _Streams(self.connection)


class _Streams(dict[int, Any]):
    """The open streams by number."""

    def __init__(self, connection: H2Connection) -> None:
        self._connection = connection

    def __missing__(self, number: int) -> _Answered:
        return _Answered(self._connection, number)


class _Answered:
    """A stream that was answered before its request was complete."""

    def __init__(self, connection: H2Connection, number: int) -> None:
        self._connection = connection
        self._number = number

    async def handle(self, event: Event) -> None:
        """Take what still comes."""
        if isinstance(event, Body):
            with contextlib.suppress(ProtocolError):
                self._connection.reset_stream(self._number, ErrorCodes.NO_ERROR)


def mend_hypercorn() -> None:
    """Put these in the place of hypercorn's own."""
    _replace(hypercorn.protocol, H2Protocol, PatientH2)
    _replace(hypercorn.protocol, H11Protocol, PlainH11)
    _replace(hypercorn.protocol.h2, StreamBuffer, BoundedBuffer)


def _replace(module: ModuleType, old: type, new: type) -> None:
    assert vars(module)[old.__name__] in (old, new), "another hypercorn than the one that was read"
    vars(module)[old.__name__] = new
