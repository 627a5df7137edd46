"""Calls without a network: bytes in, bytes out, through the same routes, handlers and statuses.

What gRPC does between the two is done here in a few lines: parse, admit, run the handler under the
caller's deadline, turn what it raised into a status, cancel it when the caller has left.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, TypeAlias

import attrs
import grpc
import trio
from google.protobuf.message import Message

from xached.api.errors import StatusError, expired, stopping
from xached.api.routes import Caller, Route
from xached.domain.order import Purse
from xached.house.listeners import Front

MESSAGES_BUFFERED_MAX = 64
"""What a transport takes from a handler before its reader has read it."""


@attrs.frozen
class Answered:
    """The call ended well; ``body`` is the response message, empty for streams."""

    body: bytes = b""


@attrs.frozen
class Lost:
    """The caller heard nothing: it may have been done or not."""


Result: TypeAlias = Answered | StatusError | Lost


class SimulatedCall:
    """One call, as its handler sees it (routes.Call), and its way back."""

    def __init__(self, route: Route, token: str, peer: str, deadline_s: float = math.inf) -> None:
        self.method = route.path
        self.metadata: Mapping[str, str] = {"authorization": f"Bearer {token}"} if token else {}
        self.peer = peer
        self.signed_as: tuple[str, bytes] | None = None
        self.deadline_s = deadline_s
        self.received_s = trio.current_time()
        self.caller: Caller | None = None
        self.result: Result = Lost()
        self.ended = trio.Event()
        self.scope = trio.CancelScope(deadline=deadline_s)
        self._route = route
        self._purse: Purse | None = None
        self._revoked: StatusError | None = None

    @property
    def purse(self) -> Purse:
        """See routes.Call."""
        assert self._purse is not None, self.method
        return self._purse

    def admitted(self, caller: Caller) -> None:
        """See routes.Call."""
        self.caller = caller

    def resolve_purse(self, request: Message) -> Purse:
        """See routes.Call."""
        self._purse = self._route.purse_of(self.caller, request)
        return self._purse

    def execute_by(self, at_s: float) -> None:
        """See routes.Call."""
        self.deadline_s = min(self.deadline_s, at_s)

    def set_trailing(self, key: str, value: str) -> None:
        """See routes.Call."""

    def revoke(self, error: StatusError) -> None:
        """See routes.Call."""
        self._revoked = error
        self.scope.cancel()

    def why_cancelled(self) -> StatusError:
        """The status of a call whose handler was cancelled."""
        if self._revoked is not None:
            return self._revoked
        if self.deadline_s <= trio.current_time():
            return expired()
        return StatusError(grpc.StatusCode.CANCELLED, "CANCELLED", "the client has left")


class SentRequests:
    """A request stream that the caller feeds."""

    def __init__(self) -> None:
        self._queue: list[Any] = []
        self._ended = False
        self._fed = trio.Event()

    def put(self, *messages: Message) -> None:
        """Send."""
        self._queue.extend(messages)
        self._fed.set()

    def end(self) -> None:
        """Half-close."""
        self._ended = True
        self._fed.set()

    async def receive_batch(self) -> list[Any]:
        """See routes.Requests."""
        await trio.lowlevel.checkpoint()
        while not self._queue and not self._ended:
            self._fed = trio.Event()
            await self._fed.wait()
        batch, self._queue = self._queue, []
        return batch

    async def __aiter__(self) -> AsyncIterator[Any]:
        while batch := await self.receive_batch():
            for message in batch:
                yield message


class ReceivedResponses:
    """A response stream whose reader may be slow: the handler waits while too much is unread."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.received = 0
        self._unread = 0
        self._arrived = trio.Event()
        self._read = trio.Event()

    @property
    def buffered(self) -> int:
        """See routes.Responses."""
        return self._unread

    def send_nowait(self, message: Message) -> None:
        """See routes.Responses."""
        self.messages.append(message)
        self.received += 1
        self._unread += 1
        self._arrived.set()

    async def send(self, message: Message) -> None:
        """See routes.Responses."""
        await trio.lowlevel.checkpoint()
        while self._unread >= MESSAGES_BUFFERED_MAX:
            self._read = trio.Event()
            await self._read.wait()
        self.send_nowait(message)

    async def send_many(self, messages: Iterable[Message]) -> None:
        """See routes.Responses."""
        for message in messages:
            await self.send(message)

    async def flush(self) -> None:
        """See routes.Responses."""
        await trio.lowlevel.checkpoint()

    def take(self) -> list[Message]:
        """Read what has arrived."""
        taken, self.messages = self.messages, []
        self._unread = 0
        self._read.set()
        return taken

    async def wait_some(self) -> None:
        """Wait until there is something to read."""
        while not self.messages:
            self._arrived = trio.Event()
            await self._arrived.wait()


async def serve_unary(front: Front, call: SimulatedCall, route: Route, body: bytes) -> None:
    """Serve a call with one request and one response; leaves the result in the call."""

    async def serve() -> Answered:
        request = await front.admin.receive(call, route, body)
        return Answered(route.respond(call.caller, await route.handler(call, request)))

    await _served(front, call, serve)


async def serve_watch(
    front: Front, call: SimulatedCall, route: Route, body: bytes, responses: ReceivedResponses
) -> None:
    """Serve a call with one request and a stream of responses."""

    async def serve() -> Answered:
        request = await front.admin.receive(call, route, body)
        with front.admin.stream(call):
            await route.handler(call, request, responses)
        return Answered()

    await _served(front, call, serve)


async def serve_stream(
    front: Front,
    call: SimulatedCall,
    route: Route,
    requests: SentRequests,
    responses: ReceivedResponses,
) -> None:
    """Serve a call with streams both ways."""

    async def serve() -> Answered:
        await front.admin.admit(call, route)
        with front.admin.stream(call):
            await route.handler(call, requests, responses)
        return Answered()

    await _served(front, call, serve)


async def _served(front: Front, call: SimulatedCall, serve: Any) -> None:
    result: Result = stopping()
    try:
        with call.scope:
            try:
                result = await serve()
            except* Exception as errors:
                result = front.interceptor.status(call.method, errors)
        if call.scope.cancelled_caught:
            result = call.why_cancelled()
    finally:
        call.result = result
        call.ended.set()
