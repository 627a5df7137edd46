"""What readers of a book cost, and what slow ones do to the others: the real daemon, 200 readers.

A trader moves the top of a book at a steady pace. All readers get every change, first 200 that
keep up and then, in the same run, with twenty slow and one stalled among them. What counts is how
old a change is when a reader that keeps up has it, with slow ones about over without; both on
one machine that also runs the readers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import attrs
import grpc
from xache.v1 import trading_pb2, trading_pb2_grpc, types_pb2

from xached.bench.fan_client import OVER, READY, Assignment, Result
from xached.bench.figures import AtMost, Figure
from xached.bench.flow import SYMBOL
from xached.bench.house import Account, measured_house
from xached.bench.load_messages import PRICE, QUANTITY
from xached.bench.processes import BenchFailed, Server, cpu_s, read_line

READERS = 200
SLOW = 20
STALLED = 1
SLOW_PAUSE_S = 0.5
CHANGES_PER_S = 20
"""Each of them makes 200 messages: what one Python process can read."""

CLIENT_SHARE_MAX = 0.8
RATIO_MAX = 2.0
RESULT_S_MAX = 120.0
CALL_S_MAX = 10.0

Progress = Callable[[str], None]


@attrs.frozen(kw_only=True)
class FanoutSizes:
    """How long, and how often."""

    rounds: int
    warm_up_s: float
    window_s: float


@attrs.define
class _Runs:
    alone: list[Result] = attrs.field(factory=list)
    mixed: list[Result] = attrs.field(factory=list)
    idle_cpu_s_per_s: float = 0.0
    """Processor time of the house while it only moves the book."""


def measure_fanout(sizes: FanoutSizes, progress: Progress) -> list[Figure]:
    """Measure readers of a book. Raises: BenchFailed."""
    with tempfile.TemporaryDirectory(prefix="xached-bench-") as name:
        progress("starting a house")
        with measured_house(Path(name), pairs=1) as house:
            account = house.pairs[0][0]
            runs = _Runs()
            with grpc.insecure_channel(house.server.target) as channel:
                mover = _Mover(channel, account)
                progress("no readers")
                runs.idle_cpu_s_per_s = _measure_idle(house.server, mover, sizes)
                for number in range(sizes.rounds):
                    for mixed, found in ((False, runs.alone), (True, runs.mixed)):
                        who = "slow ones among them" if mixed else "all keep up"
                        progress(f"{READERS} readers, {who}, round {number + 1}")
                        found.append(_run(house.server, mover, sizes, mixed=mixed))
            return _figures(runs)


class _Mover:
    """Moves the top of the book: an order comes, and is cancelled."""

    def __init__(self, channel: grpc.Channel, account: Account) -> None:
        self._stub = trading_pb2_grpc.TradingServiceStub(channel)
        self._metadata = account.metadata
        self._moves = 0
        self._next_s = time.monotonic()

    def move(self) -> None:
        """Make the next change when it is time for it."""
        now_s = time.monotonic()
        self._next_s = max(self._next_s + 1 / CHANGES_PER_S, now_s)
        time.sleep(self._next_s - now_s)
        name = f"mover-{self._moves // 2}"
        if self._moves % 2 == 0:
            order = trading_pb2.PlaceOrderRequest(
                client_order_id=name,
                symbol=SYMBOL,
                side=types_pb2.SIDE_BUY,
                type=types_pb2.ORDER_TYPE_LIMIT,
                price=PRICE,
                quantity=QUANTITY,
            )
            self._stub.PlaceOrder(order, metadata=self._metadata, timeout=CALL_S_MAX)
        else:
            cancel = trading_pb2.CancelOrderRequest(client_order_id=name)
            self._stub.CancelOrder(cancel, metadata=self._metadata, timeout=CALL_S_MAX)
        self._moves += 1


def _measure_idle(server: Server, mover: _Mover, sizes: FanoutSizes) -> float:
    began_s, began_cpu_s = time.monotonic(), cpu_s(server.pid)
    while time.monotonic() < began_s + sizes.window_s:
        mover.move()
    return (cpu_s(server.pid) - began_cpu_s) / (time.monotonic() - began_s)


def _run(server: Server, mover: _Mover, sizes: FanoutSizes, *, mixed: bool) -> Result:
    assignment = Assignment(
        target=server.target,
        server_pid=server.pid,
        symbol=SYMBOL,
        fast=READERS - SLOW - STALLED if mixed else READERS,
        slow=SLOW if mixed else 0,
        stalled=STALLED if mixed else 0,
        slow_pause_s=SLOW_PAUSE_S,
        warm_up_s=sizes.warm_up_s,
        window_s=sizes.window_s,
    )
    with subprocess.Popen(
        [sys.executable, "-m", "xached.bench.fan_client"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        try:
            client.stdin.write(json.dumps(attrs.asdict(assignment)).encode())
            client.stdin.close()
            if read_line(client.stdout, RESULT_S_MAX).strip() != READY:
                raise BenchFailed("the readers got no book")
            moving_s = sizes.warm_up_s + sizes.window_s
            until_s = time.monotonic() + moving_s
            while time.monotonic() < until_s:
                mover.move()
            if read_line(client.stdout, RESULT_S_MAX).strip() != OVER:
                raise BenchFailed("the readers measured nothing")
            mover.move()  # They end with their next message.
            line = read_line(client.stdout, RESULT_S_MAX)
            if not line:
                raise BenchFailed("the readers did not end")
            return Result(**json.loads(line))
        finally:
            client.kill()


# --- figures ---------------------------------------------------------------------------------


def _figures(runs: _Runs) -> list[Figure]:
    void = max(map(_client_share, (*runs.alone, *runs.mixed))) > CLIENT_SHARE_MAX
    share = max(map(_client_share, runs.alone))
    alone_p99_ms = median(result.p99_ms for result in runs.alone)
    mixed_p99_ms = median(result.p99_ms for result in runs.mixed)
    note = f"{READERS} readers of a book; they used {share:.0%} of a processor"
    per_s = median(result.messages / result.window_s for result in runs.alone)
    return [
        Figure("fanout_messages_per_s", per_s, "/s", void=void, note=note),
        Figure(
            "cpu_us_per_fanout_message",
            median(_cpu_us(result, runs.idle_cpu_s_per_s) for result in runs.alone),
            "µs",
            void=void,
            note="server processor time for each reader and change",
        ),
        Figure("fanout_p50_ms", median(result.p50_ms for result in runs.alone), "ms", void=void),
        Figure("fanout_p99_ms", alone_p99_ms, "ms", void=void, note="age of a change at a reader"),
        Figure(
            "fanout_slow_p99_over_alone",
            mixed_p99_ms / alone_p99_ms if alone_p99_ms else None,
            "×",
            AtMost(RATIO_MAX),
            void=void,
            note=f"with {SLOW} slow readers and {STALLED} stalled one among them",
        ),
    ]


def _cpu_us(result: Result, idle_cpu_s_per_s: float) -> float:
    spent_s = result.server_cpu_s - idle_cpu_s_per_s * result.window_s
    return max(0.0, spent_s) * 1e6 / result.messages if result.messages else 0.0


def _client_share(result: Result) -> float:
    return result.client_cpu_s / result.window_s
