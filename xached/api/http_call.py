"""One call over HTTP, whatever its messages look like there.

A call that was admitted to a place runs in a scope of its own. The scope ends with the caller's
deadline, with a revocation, or when the client hangs up; what the handler raised becomes a status
just as on gRPC. Bodies are read whole, within bounds of size and time, before anything is decided.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Final

import attrs
import grpc
import trio
from google.protobuf.message import DecodeError, Message

from xached.api.errors import Interceptor, StatusError, expired, malformed, overloaded
from xached.api.grpc_streams import (
    BUFFER_BYTES,
    BUFFER_FULL,
    BUFFER_MESSAGES,
)
from xached.api.grpc_web import Frames
from xached.api.http_listener import Receive
from xached.api.http_message import HttpRequest
from xached.api.metadata import check_pair
from xached.api.routes import Caller, Route, Shutdown
from xached.domain.order import Purse

KIB: Final = 1024


@attrs.frozen(kw_only=True)
class CallLimits:
    """What callers may take. A call beyond is refused, never queued."""

    body_bytes_max: int = 256 * KIB
    """As of a message over gRPC."""
    calls_max: int = 2048
    calls_per_address_max: int = 512
    """Several people may share an address."""
    request_timeout_s: float = 10.0
    """How long a body may take to arrive."""
    write_timeout_s: float = 10.0
    """How long a piece of a stream may wait for a client that does not read."""


class BodyError(Exception):
    """The body is not taken; the client sent too much, or too slowly."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class DisconnectedError(Exception):
    """The client hung up before its request was complete."""


class Places:
    """How many calls are open, of each address and in all."""

    def __init__(self, limits: CallLimits) -> None:
        self._limits = limits
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many calls are open."""
        return self._taken.total()

    @contextmanager
    def take(self, address: str) -> Iterator[None]:
        """Hold a place. Raises: StatusError where there is none."""
        if self._taken.total() >= self._limits.calls_max:
            raise overloaded("too many calls are open")
        if self._taken[address] >= self._limits.calls_per_address_max:
            raise overloaded("too many calls of one address are open")
        self._taken[address] += 1
        try:
            yield
        finally:
            self._taken[address] -= 1
            if not self._taken[address]:
                del self._taken[address]


async def read_body(request: HttpRequest, receive: Receive, limits: CallLimits) -> bytes:
    """The whole body. Raises: BodyError; DisconnectedError."""
    too_large = BodyError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body has at most {limits.body_bytes_max} bytes"
    )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > limits.body_bytes_max:
        raise too_large
    body = bytearray()
    with trio.move_on_after(limits.request_timeout_s) as patience:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            body += message.get("body", b"")
            if len(body) > limits.body_bytes_max:
                raise too_large
            if not message.get("more_body", False):
                break
    if patience.cancelled_caught:
        raise BodyError(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time")
    return bytes(body)


class HttpCall:
    """A call. Handlers see it as :class:`xached.api.routes.Call`."""

    def __init__(
        self,
        route: Route,
        request: HttpRequest,
        deadline_s: float = math.inf,
        signed_as: tuple[str, bytes] | None = None,
    ) -> None:
        self.method = route.path
        self.signed_as = signed_as
        self.route = route
        self.peer = request.peer
        # Cookies are the edge's own affair.
        self.metadata: Mapping[str, str] = {
            name: value for name, value in request.headers.items() if name != "cookie"
        }
        self.deadline_s = deadline_s
        self.received_s = trio.current_time()
        self.caller: Caller | None = None
        self.trailing: tuple[tuple[str, str], ...] = ()
        self.shutdown: Shutdown | None = None
        self._scope = trio.CancelScope(deadline=deadline_s)
        self._purse: Purse | None = None
        self._revoked: StatusError | None = None

    # --- What handlers see (routes.Call) ----------------------------------------------------

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
        self._purse = self.route.purse_of(self.caller, request)
        return self._purse

    def execute_by(self, at_s: float) -> None:
        """See routes.Call."""
        self.deadline_s = min(self.deadline_s, at_s)

    def set_trailing(self, key: str, value: str) -> None:
        """See routes.Call."""
        check_pair(key, value)
        self.trailing += ((key, value),)

    def revoke(self, error: StatusError) -> None:
        """See routes.Call."""
        if self._revoked is None:
            self._revoked = error
            self._scope.cancel()

    # --- What the edge does with it -----------------------------------------------------------

    async def run(
        self, serve: Callable[[], Awaitable[None]], interceptor: Interceptor
    ) -> StatusError | None:
        """Serve it within its scope. Returns why it failed; None where it did not."""
        error: StatusError | None = None
        with self._scope:
            try:
                await serve()
            except* Exception as errors:
                error = interceptor.status(self.method, errors)
        if error is None and self._scope.cancelled_caught:
            error = self._why_cancelled()
        return error

    async def watch(self, receive: Receive) -> None:
        """Throw away what a request brings along, until its client is gone or has its answer."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.left()

    def left(self) -> None:
        """The client has gone: nobody waits for an answer."""
        self._scope.cancel()

    def _why_cancelled(self) -> StatusError:
        if self._revoked is not None:
            return self._revoked
        if self.deadline_s <= trio.current_time():
            return expired()
        # Nobody reads this: the client has left.
        return StatusError(grpc.StatusCode.CANCELLED, "CANCELLED", "the client has left")


class HttpRequests:
    """The messages of a request stream, see routes.Requests: read as the handler asks for them.

    Args:
        call: whose they are; it is over when the client leaves.
        receive: the rest of the body.
        limits: how large a message may be, and how long it may take to arrive.
    """

    def __init__(self, call: HttpCall, receive: Receive, limits: CallLimits) -> None:
        self._call = call
        self._receive = receive
        self._limits = limits
        self._frames = Frames(limits.body_bytes_max)
        self._batch: deque[Message] = deque()
        self._whole = False

    async def receive_batch(self) -> list[Message]:
        """See routes.Requests. Not to be mixed with iteration."""
        batch: list[bytes] = []
        with trio.move_on_after(self._limits.request_timeout_s) as patience:
            while not batch and not self._whole:
                batch = self._frames.feed(await self._piece())
        if patience.cancelled_caught:
            raise StatusError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "REQUEST_TIMEOUT",
                "the next message did not arrive in time",
            )
        if self._whole:
            self._frames.end()
        try:
            return [self._call.route.parse(data) for data in batch]
        except DecodeError:
            raise malformed(f"not a message of {self._call.method}") from None

    def __aiter__(self) -> HttpRequests:
        """See routes.Requests."""
        return self

    async def __anext__(self) -> Message:
        """The next message."""
        while not self._batch and not self._whole:
            self._batch.extend(await self.receive_batch())
        if not self._batch:
            raise StopAsyncIteration
        return self._batch.popleft()

    async def drain(self) -> None:
        """Throw away what the handler did not want, for as long as a message may take.

        A browser reads no answer before it has sent its file.
        """
        with trio.move_on_after(self._limits.request_timeout_s):
            while not self._whole:
                await self._piece()

    async def _piece(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._whole = True
            self._call.left()
            await trio.lowlevel.checkpoint()
            return b""
        self._whole = not message.get("more_body", False)
        piece: bytes = message.get("body", b"")
        return piece


class HttpResponses:
    """The messages of a response stream, see routes.Responses. :meth:`run` writes them.

    Args:
        encode: the bytes of one message on the wire.
        write: sends bytes; waits while the client does not read.
        on_slow: called when the client does not read for too long.
        write_timeout_s: how long that is.
    """

    def __init__(
        self,
        encode: Callable[[Message], bytes],
        write: Callable[[bytes], Awaitable[None]],
        on_slow: Callable[[], None],
        write_timeout_s: float,
    ) -> None:
        self._encode = encode
        self._write = write
        self._on_slow = on_slow
        self._write_timeout_s = write_timeout_s
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._writing = False
        self._ended = False
        self._news = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()
        self._drained = trio.lowlevel.ParkingLot()

    @property
    def buffered(self) -> int:
        """See routes.Responses."""
        return len(self._queue) + self._writing

    @property
    def ended(self) -> bool:
        """Whether the client has stopped reading, so that nothing more can be told."""
        return self._ended

    def send_nowait(self, message: Message) -> None:
        """See routes.Responses."""
        if self._over(BUFFER_MESSAGES * BUFFER_FULL, BUFFER_BYTES * BUFFER_FULL):
            raise trio.WouldBlock
        self._put(message)

    async def send(self, message: Message) -> None:
        """See routes.Responses."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self._put(message)
        await self._wait_room()

    async def send_many(self, messages: Iterable[Message]) -> None:
        """See routes.Responses."""
        await trio.lowlevel.checkpoint_if_cancelled()
        for message in messages:
            self._put(message)
        await self._wait_room()

    async def flush(self) -> None:
        """See routes.Responses."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while self.buffered and not self._ended:
            await self._drained.park()

    async def run(self) -> None:
        """Write what is sent, until it is cancelled or the client does not read."""
        while not self._ended:
            while not self._queue:
                await self._news.park()
            data = b"".join(self._queue)
            self._queue.clear()
            self._queue_bytes = 0
            self._writing = True
            self._room.unpark_all()
            with trio.move_on_after(self._write_timeout_s) as patience:
                await self._write(data)
            self._writing = False
            if patience.cancelled_caught:
                self._ended = True
                self._queue.clear()
                self._on_slow()
            if not self._queue:
                self._drained.unpark_all()
        self._room.unpark_all()

    async def _wait_room(self) -> None:
        while self._over(BUFFER_MESSAGES, BUFFER_BYTES) and not self._ended:
            await self._room.park()

    def _over(self, messages: int, bytes_: int) -> bool:
        return len(self._queue) >= messages or self._queue_bytes >= bytes_

    def _put(self, message: Message) -> None:
        data = self._encode(message)
        if self._ended:
            return
        self._queue.append(data)
        self._queue_bytes += len(data)
        self._news.unpark()
