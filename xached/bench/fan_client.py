"""Readers of one book, in a process of their own: many that keep up, some slow, one that stalls.

Those that keep up are driven by few threads over the completion queue of grpcio's core, so that
they cost little themselves; they tell how old each change was when it came. The slow ones and the
stalled one are ordinary clients on a connection with small windows.

One JSON :class:`Assignment` comes in on standard input. The line ``READY`` goes out when every
reader has its first message, ``OVER`` when the window has ended, and then a JSON :class:`Result`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import attrs
import grpc
from xache.v1 import market_pb2, market_pb2_grpc

from xached.api.grpc_core import NO_FLAGS, CoreEvent, cygrpc
from xached.bench.processes import cpu_s

READY, OVER = "READY", "OVER"
PATH = b"/xache.v1.MarketService/WatchBook"
STREAMS_PER_CONNECTION = 20
READY_S_MAX = 30.0

SMALL_WINDOW = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1_024),
)
"""What a reader does not take soon stays with the house."""

OnMessage = Callable[[int, bytes], None]
"""Told the reader's number and what it got."""


@attrs.frozen(kw_only=True)
class Assignment:
    """What to do."""

    target: str
    server_pid: int
    symbol: str
    fast: int
    slow: int
    stalled: int
    slow_pause_s: float
    warm_up_s: float
    window_s: float


@attrs.frozen(kw_only=True)
class Result:
    """What readers that keep up got in the window, and how old it was; what all of it cost."""

    window_s: float
    messages: int
    messages_least: int
    """Of the reader that got the fewest."""
    slow_messages: int
    p50_ms: float
    p99_ms: float
    server_cpu_s: float
    client_cpu_s: float


class FastReaders:
    """Readers on one connection, driven by one thread until they are told to stop."""

    def __init__(self, target: str, request: bytes, numbers: range, on_message: OnMessage) -> None:
        self._request = request
        self._numbers = numbers
        self._on_message = on_message
        options = (("grpc.use_local_subchannel_pool", 1),)
        self._channel = cygrpc.Channel(target.encode(), options, None)
        self._calls: list[Any] = []
        self._due = 0
        """Events that the core still owes: it cannot close a channel before."""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Open the streams."""
        self._thread.start()

    def stop(self) -> None:
        """End them with their next message, at the latest with the next sign of life."""
        self._stopping.set()

    def join(self) -> None:
        """Wait until they have ended."""
        self._thread.join()

    def _run(self) -> None:
        for number in self._numbers:
            self._begin(number)
        while self._due:
            event = self._channel.next_call_event()
            self._due -= 1
            event.tag(event)
            if self._stopping.is_set():
                for call in self._calls:
                    call.cancel(cygrpc.StatusCode.cancelled, "enough")
                self._calls.clear()
        self._channel.close(cygrpc.StatusCode.cancelled, "done")

    def _begin(self, number: int) -> None:
        def receive() -> None:
            self._due += 1
            call.operate((cygrpc.ReceiveMessageOperation(NO_FLAGS),), on_message)

        def on_message(event: CoreEvent) -> None:
            data = event.batch_operations[0].message()
            if data is not None:
                self._on_message(number, data)
                receive()

        ask = (
            cygrpc.SendInitialMetadataOperation((), NO_FLAGS),
            cygrpc.SendMessageOperation(self._request, NO_FLAGS),
            cygrpc.SendCloseFromClientOperation(NO_FLAGS),
        )
        headers = (cygrpc.ReceiveInitialMetadataOperation(NO_FLAGS),)
        end = (cygrpc.ReceiveStatusOnClientOperation(NO_FLAGS),)
        self._due += 3
        call = self._channel.integrated_call(
            NO_FLAGS, PATH, None, None, (), None,
            ((ask, _ignore), (headers, _ignore), (end, _ignore)), None,
        )  # fmt: skip
        self._calls.append(call)
        receive()


def _ignore(_event: CoreEvent) -> None:
    """The end of a batch that says nothing."""


def open_fast_readers(
    target: str, request: market_pb2.WatchBookRequest, count: int, on_message: OnMessage
) -> list[FastReaders]:
    """Readers with numbers from 0 on, a few on each connection."""
    data = request.SerializeToString()
    readers = [
        FastReaders(
            target,
            data,
            range(first, min(first + STREAMS_PER_CONNECTION, count)),
            on_message,
        )
        for first in range(0, count, STREAMS_PER_CONNECTION)
    ]
    for each in readers:
        each.start()
    return readers


def read_slowly(
    channel: grpc.Channel,
    request: market_pb2.WatchBookRequest,
    pause_s: float,
    on_message: Callable[[market_pb2.WatchBookResponse], None],
) -> threading.Thread:
    """A reader in a thread that pauses after each message; it ends with its channel."""

    def run() -> None:
        try:
            for message in market_pb2_grpc.MarketServiceStub(channel).WatchBook(request):
                on_message(message)
                time.sleep(pause_s)
        except (grpc.RpcError, ValueError):
            pass  # The channel was closed: that is how it ends.

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


class _Meter:
    """What came in the window. Threads write to places of their own."""

    def __init__(self, readers: int) -> None:
        self.open = False
        self.began = [False] * readers
        self.ages_ns: list[list[int]] = [[] for _ in range(readers)]

    def take(self, number: int, data: bytes) -> None:
        """Note how old the change in a message is."""
        now_ns = time.time_ns()
        self.began[number] = True
        if self.open:
            message = market_pb2.WatchBookResponse.FromString(data)
            if message.HasField("change"):
                self.ages_ns[number].append(now_ns - message.at_ns)


def run_readers(assignment: Assignment) -> Result:
    """Carry out an assignment. Raises: TimeoutError when a reader hears nothing."""
    request = market_pb2.WatchBookRequest(symbol=assignment.symbol)
    meter = _Meter(assignment.fast)
    slow_messages = [0]

    def count(_message: market_pb2.WatchBookResponse) -> None:
        slow_messages[0] += meter.open

    readers = open_fast_readers(assignment.target, request, assignment.fast, meter.take)
    with grpc.insecure_channel(assignment.target, SMALL_WINDOW) as channel:
        for _ in range(assignment.slow):
            read_slowly(channel, request, assignment.slow_pause_s, count)
        stalled = [
            market_pb2_grpc.MarketServiceStub(channel).WatchBook(request)
            for _ in range(assignment.stalled)
        ]
        _wait(meter)
        print(READY, flush=True)
        time.sleep(assignment.warm_up_s)
        began = (time.perf_counter(), cpu_s(assignment.server_pid), time.process_time())
        meter.open = True
        time.sleep(assignment.window_s)
        meter.open = False
        spent = (
            time.perf_counter() - began[0],
            cpu_s(assignment.server_pid) - began[1],
            time.process_time() - began[2],
        )
        print(OVER, flush=True)
        for each in readers:
            each.stop()
        for stream in stalled:
            stream.cancel()
    for each in readers:
        each.join()
    ages_ns = sorted(age for ages in meter.ages_ns for age in ages)
    return Result(
        window_s=spent[0],
        messages=len(ages_ns),
        messages_least=min(map(len, meter.ages_ns), default=0),
        slow_messages=slow_messages[0],
        p50_ms=_quantile_ms(ages_ns, 50),
        p99_ms=_quantile_ms(ages_ns, 99),
        server_cpu_s=spent[1],
        client_cpu_s=spent[2],
    )


def _wait(meter: _Meter) -> None:
    until_s = time.monotonic() + READY_S_MAX
    while not all(meter.began):
        if time.monotonic() > until_s:
            raise TimeoutError("a reader has heard nothing")
        time.sleep(0.01)


def _quantile_ms(in_order: list[int], percent: int) -> float:
    return in_order[(len(in_order) - 1) * percent // 100] / 1e6 if in_order else 0.0


def main() -> None:
    """Read an assignment, carry it out, print the result."""
    result = run_readers(Assignment(**json.load(sys.stdin)))
    print(json.dumps(attrs.asdict(result)), flush=True)


if __name__ == "__main__":
    main()
