"""A server on this machine that takes what is posted to it, and answers as it is told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import attrs
import h11
import trio

PATIENCE_S = 60.0

OK = b"HTTP/1.1 204 No Content\r\n\r\n"


@attrs.frozen
class Posted:
    """What came."""

    target: str
    headers: dict[str, str]
    body: bytes


@attrs.define(eq=False)
class HookServer:
    """Keeps what was posted; ``answers`` are used up one by one, then all is well."""

    port: int = 0
    posted: list[Posted] = attrs.field(factory=list)
    answers: list[bytes] = attrs.field(factory=list)
    _changed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    @property
    def authority(self) -> str:
        """Where it is."""
        return f"127.0.0.1:{self.port}"

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Take one request."""
        connection = h11.Connection(h11.SERVER)
        head, body = None, bytearray()
        while True:
            event = connection.next_event()
            match event:
                case h11.NEED_DATA:
                    data = bytes(await stream.receive_some(65_536))
                    if not data:
                        return
                    connection.receive_data(data)
                case h11.Request():
                    head = event
                case h11.Data(data=data):
                    body += data
                case _:
                    break
        assert head is not None
        assert head.method == b"POST"
        headers = {name.decode(): value.decode() for name, value in head.headers}
        self.posted.append(Posted(head.target.decode(), headers, bytes(body)))
        self._changed.unpark_all()
        try:
            await stream.send_all(self.answers.pop(0) if self.answers else OK)
            await stream.aclose()
        except trio.BrokenResourceError:
            pass  # Whoever asked has heard enough.

    async def wait_until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true after a request."""
        with trio.fail_after(PATIENCE_S):
            while not true():
                await self._changed.park()


@asynccontextmanager
async def listening() -> AsyncIterator[HookServer]:
    """A server on a free port."""
    server = HookServer()
    async with trio.open_nursery() as nursery:
        (listener,) = await nursery.start(
            partial(trio.serve_tcp, server.serve, 0, host="127.0.0.1")
        )
        server.port = listener.socket.getsockname()[1]
        yield server
        nursery.cancel_scope.cancel()
