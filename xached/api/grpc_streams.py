"""The two message streams of a call: read ahead within bounds, buffered within bounds.

Both wait in parking lots that events of the core empty, so several tasks of one handler may
send on one stream.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import trio
from google.protobuf.message import DecodeError, Message

from xached.api.errors import malformed
from xached.api.grpc_core import BUFFER_HINT, NO_FLAGS, CoreEvent, cygrpc

READ_AHEAD_MESSAGES: Final = 64
READ_AHEAD_BYTES: Final = 256 * 1024
"""A handler that works takes some dozen messages at a time; more only costs memory."""

BUFFER_MESSAGES: Final = 256
BUFFER_BYTES: Final = 256 * 1024
"""From here on a sender waits."""

BUFFER_LOW_MESSAGES: Final = BUFFER_MESSAGES // 2
BUFFER_LOW_BYTES: Final = BUFFER_BYTES // 2
"""Below both, waiting senders go on."""

BUFFER_FULL: Final = 16
"""``send_nowait`` may overrun the bounds this many times over."""


class StreamCall(Protocol):
    """What a stream needs from its call."""

    @property
    def method(self) -> str:
        """The path."""

    @property
    def over(self) -> bool:
        """Whether nothing can be sent any more."""

    headers_sent: bool
    """Whether the initial metadata is out."""

    def start(self, operations: tuple[Any, ...], done: Callable[[Any], None]) -> None:
        """Start a batch of the core."""

    def writing(self) -> None:
        """A message is on its way to the client."""

    def written(self) -> None:
        """The client has taken all messages so far."""


class RequestStream:
    """The client's messages; see :class:`xached.api.routes.Requests`.

    ``prove_end``: before its end is believed, make sure that the client did not break off.
    """

    def __init__(
        self, call: StreamCall, parse: Callable[[bytes], Message], *, prove_end: bool
    ) -> None:
        self._call = call
        self._parse = parse
        self._prove_end = prove_end
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._batch: deque[Message] = deque()
        self._receiving = False
        self._ended = False
        self._lot = trio.lowlevel.ParkingLot()

    async def receive_batch(self) -> list[Message]:
        """See routes.Requests. Not to be mixed with iteration."""
        assert not self._batch
        self._receive()
        if self._queue or self._ended:
            await trio.lowlevel.checkpoint()
        while not self._queue and not self._ended:
            await self._lot.park()
        batch = list(self._queue)
        self._queue.clear()
        self._queue_bytes = 0
        self._receive()
        parse = self._parse
        try:
            return [parse(data) for data in batch]
        except DecodeError:
            raise malformed(f"not a message of {self._call.method}") from None

    def __aiter__(self) -> RequestStream:
        """See routes.Requests. No generator: handlers leave the loop before its end."""
        return self

    async def wait_first(self) -> bytes:
        """The bytes of the first message, which stays; empty also where there is none."""
        await trio.lowlevel.checkpoint()
        self._receive()
        while not self._queue and not self._ended:
            await self._lot.park()
        return self._queue[0] if self._queue else b""

    async def __anext__(self) -> Message:
        """The next message."""
        if not self._batch:
            self._batch.extend(await self.receive_batch())
        if not self._batch:
            raise StopAsyncIteration
        return self._batch.popleft()

    def end(self) -> None:
        """Take no more from the client: what has come is handed out, then the stream ends."""
        self._ended = True
        self._lot.unpark_all()

    def _receive(self) -> None:
        if (
            not self._receiving
            and not self._ended
            and len(self._queue) < READ_AHEAD_MESSAGES
            and self._queue_bytes < READ_AHEAD_BYTES
            and not self._call.over
        ):
            self._receiving = True
            self._call.start((cygrpc.ReceiveMessageOperation(NO_FLAGS),), self._on_message)

    def _on_message(self, event: CoreEvent) -> None:
        data = event.batch_operations[0].message()
        if self._ended:
            return
        if data is not None:
            self._receiving = False
            self._queue.append(data)
            self._queue_bytes += len(data)
            self._receive()
        elif self._prove_end and not self._call.headers_sent and not self._call.over:
            # Still counts as receiving, so that nothing is asked of the core meanwhile.
            self._call.headers_sent = True
            self._call.start(
                (cygrpc.SendInitialMetadataOperation((), NO_FLAGS),), self._on_end_proved
            )
            return
        else:
            self._ended = True
        self._lot.unpark_all()

    def _on_end_proved(self, event: CoreEvent) -> None:
        if event.success:
            self._ended = True
            self._lot.unpark_all()
        # Otherwise the call was cancelled: the close event cancels the handler.


class ResponseStream:
    """The house's messages; see :class:`xached.api.routes.Responses`."""

    def __init__(self, call: StreamCall, serialize: Callable[[Message], bytes]) -> None:
        self._call = call
        self._serialize = serialize
        self._queue: deque[bytes] = deque()
        self._queue_bytes = 0
        self._sending = False
        self._room = trio.lowlevel.ParkingLot()
        self._drained = trio.lowlevel.ParkingLot()

    @property
    def buffered(self) -> int:
        """See routes.Responses."""
        return len(self._queue) + self._sending

    @property
    def buffered_bytes(self) -> int:
        """Bytes of the messages that the core has not been given yet."""
        return self._queue_bytes

    def discard(self) -> None:
        """Forget what the core has not been given: the call has ended."""
        self._queue.clear()
        self._queue_bytes = 0

    def send_nowait(self, message: Message) -> None:
        """See routes.Responses."""
        if self._over(BUFFER_MESSAGES * BUFFER_FULL, BUFFER_BYTES * BUFFER_FULL):
            raise trio.WouldBlock
        self._put(message)

    async def send(self, message: Message) -> None:
        """See routes.Responses."""
        # Without it a handler that only sends would never learn that its client has left.
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
        while self._sending or self._queue:
            await self._drained.park()

    async def _wait_room(self) -> None:
        while self._over(BUFFER_MESSAGES, BUFFER_BYTES):
            await self._room.park()

    def _over(self, messages: int, bytes_: int) -> bool:
        return len(self._queue) >= messages or self._queue_bytes >= bytes_

    def _put(self, message: Message) -> None:
        data = self._serialize(message)
        if self._call.over:
            return
        self._queue.append(data)
        self._queue_bytes += len(data)
        if not self._sending:
            self._push()

    def _push(self) -> None:
        """Give the core the next message; it takes one at a time."""
        call = self._call
        data = self._queue.popleft()
        self._queue_bytes -= len(data)
        self._sending = True
        call.writing()
        if call.headers_sent:
            # More follows at once: the core may gather them in one write.
            hint = BUFFER_HINT if self._queue else NO_FLAGS
            call.start((cygrpc.SendMessageOperation(data, hint),), self._on_sent)
        else:
            call.headers_sent = True
            call.start(
                (
                    cygrpc.SendInitialMetadataOperation((), NO_FLAGS),
                    cygrpc.SendMessageOperation(data, NO_FLAGS),
                ),
                self._on_sent,
            )

    def _on_sent(self, event: CoreEvent) -> None:
        self._sending = False
        if not event.success or self._call.over:
            self.discard()
        if self._queue:
            self._push()
        else:
            self._call.written()
            self._drained.unpark_all()
        if not self._over(BUFFER_LOW_MESSAGES, BUFFER_LOW_BYTES):
            self._room.unpark_all()
