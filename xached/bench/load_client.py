"""Load on a gRPC server, from a process of its own: as much as it takes, as cheap as it gets.

A usual Python client costs more than the server that it drives. This one sends bytes that were
made before, from one thread, over the completion queue of grpcio's core, and reads the answers
only when the measured window is over. It tells what share of a processor it used itself: where
that is high, the rate is the client's and not the server's.

One JSON :class:`Assignment` comes in on standard input. The line ``OVER`` goes out when the
window ends, and a JSON :class:`Result` when every answer has come and was read.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import attrs
from xache.v1 import types_pb2

from xached.api.grpc_core import BUFFER_HINT, NO_FLAGS, CoreEvent, cygrpc
from xached.bench.load_messages import Way, message_maker, read_answers
from xached.bench.processes import cpu_s

OVER = "OVER"
AHEAD_MAX = 64
"""How far one stream of a pair may be ahead of the other: their orders need each other."""

Metadata = tuple[tuple[str, str], ...]


@attrs.frozen(kw_only=True)
class Assignment:
    """What to do. ``pairs`` are the access tokens of sellers and buyers."""

    way: str
    target: str
    server_pid: int
    run: str
    pairs: Sequence[Sequence[str]]
    in_flight: int
    warm_up_s: float
    window_s: float
    messages: int
    """Made before; the run ends early when they are used up."""


@attrs.frozen(kw_only=True)
class Result:
    """What came of it. Times and ``orders`` are those of the window, the rest of the whole run."""

    window_s: float
    orders: int
    server_cpu_s: float
    client_cpu_s: float
    p50_us: float
    p99_us: float
    accepted: int
    fills: int
    refused: dict[str, int]
    last_seq: int


class Meter:
    """The window: it opens after the warm-up, at an answer, and closes at another."""

    def __init__(self, warm_up_s: float, window_s: float, server_pid: int) -> None:
        self._server_pid = server_pid
        self._window_s = window_s
        self._warm_up_s = warm_up_s
        self._next_s = 0.0
        self._open = False
        self._began = (0.0, 0.0, 0.0)
        self.took_s: list[float] = []
        self.spent = (0.0, 0.0, 0.0)
        """Of the window: seconds, the server's and the client's processor time."""
        self.over = False

    def start(self) -> None:
        """The warm-up begins."""
        self._next_s = time.perf_counter() + self._warm_up_s

    def answered(self, sent_s: float) -> None:
        """An answer has come to what was sent at a time."""
        now_s = time.perf_counter()
        if self._open:
            self.took_s.append(now_s - sent_s)
        if now_s >= self._next_s and not self.over:
            self._turn(now_s)

    def close(self) -> None:
        """End the window early."""
        if self._open:
            self._turn(time.perf_counter())

    def _turn(self, now_s: float) -> None:
        now = (now_s, cpu_s(self._server_pid), time.process_time())
        if self._open:
            began = self._began
            self.spent = (now[0] - began[0], now[1] - began[1], now[2] - began[2])
            self._open, self.over = False, True
            print(OVER, flush=True)
        else:
            self._began, self._open = now, True
            self._next_s = now_s + self._window_s


class Client:
    """A channel, its one thread, and what came back. Tags of the core are callbacks."""

    def __init__(self, assignment: Assignment) -> None:
        self.way = Way(assignment.way)
        # Every run has a connection of its own; the core would share one otherwise.
        options = (("grpc.use_local_subchannel_pool", 1),)
        self._channel = cygrpc.Channel(assignment.target.encode(), options, None)
        self._open_calls = 0
        self.meter = Meter(assignment.warm_up_s, assignment.window_s, assignment.server_pid)
        self.answers: list[bytes] = []
        self.refused: Counter[str] = Counter()

    def call(
        self, metadata: Metadata, batches: Sequence[tuple[tuple[Any, ...], Callable[..., None]]]
    ) -> Any:
        """Start a call; each batch of operations ends in a callback with its event."""
        self._open_calls += 1
        return self._channel.integrated_call(
            NO_FLAGS, self.way.path.encode(), None, None, metadata, None, batches, None
        )

    def ended(self, status: Any) -> None:
        """A call has ended with this operation's status."""
        self._open_calls -= 1
        if status.code() != cygrpc.StatusCode.ok:
            self.refused[status.details() or str(status.code())] += 1

    def run(self) -> None:
        """Handle events until every call has ended."""
        while self._open_calls:
            event = self._channel.next_call_event()
            event.tag(event)
        self._channel.close(cygrpc.StatusCode.cancelled, "done")


class Caller:
    """Unary calls one after the other; so many of these, so many calls are in flight."""

    def __init__(self, client: Client, messages: deque[tuple[Metadata, bytes]]) -> None:
        self._client = client
        self._messages = messages
        self._sent_s = 0.0

    def send(self) -> None:
        """Send the next message, unless the window is over or there is none."""
        if self._client.meter.over or not self._messages:
            return
        metadata, message = self._messages.popleft()
        operations = (
            cygrpc.SendInitialMetadataOperation(metadata, NO_FLAGS),
            cygrpc.SendMessageOperation(message, NO_FLAGS),
            cygrpc.SendCloseFromClientOperation(NO_FLAGS),
            cygrpc.ReceiveInitialMetadataOperation(NO_FLAGS),
            cygrpc.ReceiveMessageOperation(NO_FLAGS),
            cygrpc.ReceiveStatusOnClientOperation(NO_FLAGS),
        )
        self._sent_s = time.perf_counter()
        self._client.call(metadata, ((operations, self._on_answer),))

    def _on_answer(self, event: CoreEvent) -> None:
        client = self._client
        client.meter.answered(self._sent_s)
        *_, received, status = event.batch_operations
        client.ended(status)
        data = received.message()
        if data is not None:
            client.answers.append(data)
        self.send()


class OrderStream:
    """One stream of entries, with a bounded number of them in flight."""

    def __init__(
        self, client: Client, account: Metadata, messages: deque[bytes], in_flight: int
    ) -> None:
        self._client = client
        self._account = account
        self._messages = messages
        self._in_flight_max = in_flight
        self._sent_s: deque[float] = deque()
        self._sent = 0
        self._sending = False
        self._closed = False
        self.other: OrderStream = self
        self._call: Any = None

    def open(self) -> None:
        """Begin."""
        begin = (cygrpc.SendInitialMetadataOperation(self._account, NO_FLAGS),)
        end = (cygrpc.ReceiveStatusOnClientOperation(NO_FLAGS),)
        headers = (cygrpc.ReceiveInitialMetadataOperation(NO_FLAGS),)
        self._call = self._client.call(
            self._account,
            ((begin, _ignore), (end, self._on_end), (headers, _ignore)),
        )
        self._receive()
        self.send()

    def send(self) -> None:
        """Send what may be sent; at the end of it all, close."""
        if self._sending or self._closed:
            return
        if self._client.meter.over or not self._messages:
            if not self._sent_s:
                self._closed = True
                close = (cygrpc.SendCloseFromClientOperation(NO_FLAGS),)
                self._call.operate(close, _ignore)
        elif self._may_send():
            self._sending = True
            self._sent += 1
            self._sent_s.append(time.perf_counter())
            message = self._messages.popleft()
            # More follows at once: the core may gather them in one write.
            hint = BUFFER_HINT if self._messages and self._may_send() else NO_FLAGS
            self._call.operate((cygrpc.SendMessageOperation(message, hint),), self._on_sent)

    def _may_send(self) -> bool:
        return len(self._sent_s) < self._in_flight_max and self._sent - self.other._sent < AHEAD_MAX

    def _on_sent(self, _event: CoreEvent) -> None:
        self._sending = False
        self.send()
        self.other.send()

    def _receive(self) -> None:
        self._call.operate((cygrpc.ReceiveMessageOperation(NO_FLAGS),), self._on_message)

    def _on_message(self, event: CoreEvent) -> None:
        data = event.batch_operations[0].message()
        if data is None:
            return
        self._client.answers.append(data)
        self._client.meter.answered(self._sent_s.popleft())
        self._receive()
        self.send()

    def _on_end(self, event: CoreEvent) -> None:
        self._closed = True
        self._client.ended(event.batch_operations[0])
        # The other one would wait for this one's orders for ever.
        self.other._messages.clear()
        self.other.send()


def _ignore(_event: CoreEvent) -> None:
    """The end of a batch that says nothing."""


def run_load(assignment: Assignment) -> Result:
    """Carry out an assignment."""
    client = Client(assignment)
    starters: list[Callable[[], None]] = []
    if client.way is Way.STREAM:
        for tokens in assignment.pairs:
            starters.extend(stream.open for stream in _streams(client, assignment, tokens))
    else:
        starters.extend(caller.send for caller in _callers(client, assignment))
    # What was made before is none of the collector's business during the window.
    gc.collect()
    gc.freeze()
    client.meter.start()
    for start in starters:
        start()
    client.run()
    client.meter.close()
    return _result(client)


def _callers(client: Client, assignment: Assignment) -> list[Caller]:
    """As many as calls are in flight. Seller and buyer of a pair take turns."""
    pairs = [_accounts(client, assignment, tokens) for tokens in assignment.pairs or [("", "")]]
    queues: list[deque[tuple[Metadata, bytes]]] = [deque() for _ in range(assignment.in_flight)]
    for turn in range(assignment.messages // assignment.in_flight):
        for number, queue in enumerate(queues):
            metadata, make = pairs[number % len(pairs)][turn % 2]
            queue.append((metadata, make()))
    return [Caller(client, queue) for queue in queues]


def _streams(
    client: Client, assignment: Assignment, tokens: Sequence[str]
) -> tuple[OrderStream, OrderStream]:
    """The two streams of a pair."""
    share = 2 * len(assignment.pairs)
    each = assignment.messages // share
    seller, buyer = (
        OrderStream(
            client, metadata, deque(make() for _ in range(each)), assignment.in_flight // share
        )
        for metadata, make in _accounts(client, assignment, tokens)
    )
    seller.other, buyer.other = buyer, seller
    return seller, buyer


def _accounts(
    client: Client, assignment: Assignment, tokens: Sequence[str]
) -> list[tuple[Metadata, Callable[[], bytes]]]:
    """Seller and buyer, and what makes the messages of each, whose ids count on."""
    return [
        (_metadata(token), message_maker(client.way, side, assignment.run))
        for token, side in zip(tokens, _SIDES, strict=True)
    ]


_SIDES = (types_pb2.SIDE_SELL, types_pb2.SIDE_BUY)


def _metadata(token: str) -> Metadata:
    return (("authorization", f"Bearer {token}"),) if token else ()


def _result(client: Client) -> Result:
    """Read the answers, now that nothing is timed any more."""
    way, meter, refused = client.way, client.meter, client.refused
    accepted = fills = last_seq = 0
    for data in client.answers:
        for result in read_answers(way, data):
            if result.HasField("placed"):
                accepted += 1
                fills += len(result.placed.fills)
                last_seq = max(last_seq, result.placed.order.seq)
            else:
                refused[result.refusal.reason] += 1
    took_s = sorted(meter.took_s)
    window_s, server_cpu_s, client_cpu_s = meter.spent
    return Result(
        window_s=window_s,
        orders=len(took_s) * way.orders_per_message,
        server_cpu_s=server_cpu_s,
        client_cpu_s=client_cpu_s,
        p50_us=_quantile_us(took_s, 50),
        p99_us=_quantile_us(took_s, 99),
        accepted=accepted,
        fills=fills,
        refused=dict(refused),
        last_seq=last_seq,
    )


def _quantile_us(in_order: Sequence[float], percent: int) -> float:
    return in_order[(len(in_order) - 1) * percent // 100] * 1e6 if in_order else 0.0


def main() -> None:
    """Read an assignment, carry it out, print the result."""
    result = run_load(Assignment(**json.load(sys.stdin)))
    print(json.dumps(attrs.asdict(result)), flush=True)


if __name__ == "__main__":
    main()
