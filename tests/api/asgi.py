"""An ASGI server in memory: one call of an application, and a client that reads as it likes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, MutableMapping
from typing import Any

import attrs
import trio
import trio.testing

from xached.api.http_listener import AsgiApp

HOST = {"host": "127.0.0.1:7480"}


@attrs.frozen
class Answer:
    """A complete response."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class Reader:
    """The client's side of one request. While it is held the server waits in its send."""

    def __init__(self, body: bytes = b"") -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.sent: list[bytes] = []
        self.complete = trio.Event()
        self.gone = trio.Event()
        self.ended = trio.Event()
        self._body = body
        self._reads = trio.Event()
        self._reads.set()
        self._requested = False

    async def receive(self) -> Mapping[str, Any]:
        """What the application asks for: the request, later that its client has gone."""
        if not self._requested:
            self._requested = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """What the application answers with."""
        await trio.lowlevel.checkpoint()
        await self._reads.wait()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            return
        assert message["type"] == "http.response.body", message
        if body := message.get("body", b""):
            self.sent.append(body)
        if not message.get("more_body", False):
            self.complete.set()
            self.gone.set()

    def hold(self) -> None:
        """Read no more."""
        self._reads = trio.Event()

    def hang_up(self) -> None:
        """Go away."""
        self.gone.set()


def scope_of(
    method: str, target: str, headers: Mapping[str, str], address: str
) -> MutableMapping[str, Any]:
    """What a server says of a request."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": (address, 50_000),
        "server": ("127.0.0.1", 7480),
    }


async def ask(
    app: AsgiApp,
    target: str,
    method: str = "GET",
    headers: Mapping[str, str] = HOST,
    body: bytes = b"",
    address: str = "127.0.0.1",
) -> Answer:
    """Make a request and wait for the whole answer."""
    reader = Reader(body)
    await app(scope_of(method, target, headers, address), reader.receive, reader.send)
    assert reader.complete.is_set(), "the answer has an end"
    return Answer(reader.status, reader.headers, b"".join(reader.sent))


@contextlib.asynccontextmanager
async def reading(
    app: AsgiApp,
    target: str,
    *,
    address: str = "127.0.0.1",
    method: str = "GET",
    headers: Mapping[str, str] = HOST,
    body: bytes = b"",
    held: bool = False,
) -> AsyncIterator[Reader]:
    """Make a request whose answer goes on; the client hangs up at the end of the block.

    ``held``: it reads nothing to begin with.
    """
    reader = Reader(body)
    if held:
        reader.hold()

    async def run() -> None:
        await app(scope_of(method, target, headers, address), reader.receive, reader.send)
        reader.ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.testing.wait_all_tasks_blocked()
        yield reader
        reader.hang_up()
