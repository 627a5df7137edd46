"""What an order costs on the wire: the real daemon beside an empty echo on stock grpc.aio.

Both are driven by the same client, by turns in the same run. What counts is the server's own
processor time for each order, told in multiples of what one empty echo costs; rates and waits
are those of two processes that share this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

import attrs

from xached.bench.figures import AtMost, Figure
from xached.bench.house import MeasuredHouse, measured_house
from xached.bench.load_client import OVER, Assignment, Result
from xached.bench.load_messages import Way
from xached.bench.processes import BenchFailed, Server, read_line, running

PAIRS = 4
UNARY_IN_FLIGHT = 64
STREAM_IN_FLIGHT = 256
CLIENT_SHARE_MAX = 0.8
RATIO_MAX = {Way.UNARY: 1.0, Way.STREAM: 0.5, Way.BATCH: 0.2}
MESSAGES_PER_S_MAX = {Way.ECHO: 20_000, Way.UNARY: 20_000, Way.STREAM: 50_000, Way.BATCH: 800}
"""More than any machine has answered so far; what is made before the run is bounded by it."""

RESULT_S_MAX = 120.0

Progress = Callable[[str], None]


@attrs.frozen(kw_only=True)
class LoadSizes:
    """How long, and how often."""

    rounds: int
    warm_up_s: float
    window_s: float


@attrs.define
class _Runs:
    """What was measured so far."""

    results: dict[Way, list[Result]] = attrs.field(factory=lambda: {way: [] for way in Way})
    alone: Result | None = None
    """Unary calls, one in flight."""
    lag_rows: list[int] = attrs.field(factory=list)
    catch_up_s: list[float] = attrs.field(factory=list)

    def loads(self) -> list[Result]:
        """Every run that placed orders."""
        placed = [result for way in RATIO_MAX for result in self.results[way]]
        return [*placed, self.alone] if self.alone is not None else placed


def measure_grpc(sizes: LoadSizes, progress: Progress) -> list[Figure]:
    """Measure echo and every way in, by turns; then check that every order is on disk.

    Raises: BenchFailed when a server fails, or an order was refused or lost.
    """
    with tempfile.TemporaryDirectory(prefix="xached-bench-") as name:
        root = Path(name)
        progress("starting a house")
        with (
            running(("xached.bench.echo",), root / "echo.log") as echo,
            measured_house(root, PAIRS) as house,
        ):
            runs = _measure(echo, house, sizes, progress)
            trades = sum(result.fills for result in runs.loads())
            house.check_books(trades)
            progress("verifying the journal")
            last_seq = max(result.last_seq for result in runs.loads())
            rows = house.verify(last_seq)
        orders = sum(result.accepted for result in runs.loads())
        if rows < orders:
            raise BenchFailed(f"{orders} orders were acknowledged, the journal has {rows} rows")
        return _figures(runs)


def _measure(echo: Server, house: MeasuredHouse, sizes: LoadSizes, progress: Progress) -> _Runs:
    runs = _Runs()
    in_flight = {
        Way.ECHO: UNARY_IN_FLIGHT,
        Way.UNARY: UNARY_IN_FLIGHT,
        Way.STREAM: STREAM_IN_FLIGHT,
        Way.BATCH: PAIRS,
    }
    for number in range(sizes.rounds):
        for way in Way:
            progress(f"{way.value}, round {number + 1} of {sizes.rounds}")
            result = _run(way, echo, house, in_flight[way], f"{way.value[0]}{number}", sizes, runs)
            runs.results[way].append(result)
    progress("unary, one in flight")
    runs.alone = _run(Way.UNARY, echo, house, 1, "a", sizes, runs)
    return runs


def _run(
    way: Way,
    echo: Server,
    house: MeasuredHouse,
    in_flight: int,
    run: str,
    sizes: LoadSizes,
    runs: _Runs,
) -> Result:
    """Run the client once. Orders that were refused are a failure of the measurement."""
    server = echo if way is Way.ECHO else house.server
    pairs = house.tokens()
    assignment = Assignment(
        way=way.value,
        target=server.target,
        server_pid=server.pid,
        run=run,
        # Two streams share what is in flight; calls are spread over all accounts.
        pairs=pairs[:1] if way is Way.STREAM else pairs,
        in_flight=in_flight,
        warm_up_s=sizes.warm_up_s,
        window_s=sizes.window_s,
        messages=int(MESSAGES_PER_S_MAX[way] * (sizes.warm_up_s + sizes.window_s)) + in_flight,
    )
    result = _run_client(assignment, lambda: _watch_views(way, house, runs))
    if result.refused:
        raise BenchFailed(f"the load was refused: {result.refused}")
    house.clear()
    return result


def _watch_views(way: Way, house: MeasuredHouse, runs: _Runs) -> None:
    """At the end of a window: how far is history behind, and how long does it take?"""
    if way is not Way.ECHO:
        runs.lag_rows.append(house.views_lag_rows())
        runs.catch_up_s.append(house.wait_views())


def _run_client(assignment: Assignment, over: Callable[[], None]) -> Result:
    with subprocess.Popen(
        [sys.executable, "-m", "xached.bench.load_client"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        try:
            client.stdin.write(json.dumps(attrs.asdict(assignment)).encode())
            client.stdin.close()
            if read_line(client.stdout, RESULT_S_MAX).strip() != OVER:
                raise BenchFailed(f"the client of {assignment.way} measured nothing")
            over()
            line = read_line(client.stdout, RESULT_S_MAX)
            if not line:
                raise BenchFailed(f"the client of {assignment.way} got no answers")
            return Result(**json.loads(line))
        finally:
            client.kill()


# --- figures ---------------------------------------------------------------------------------


def _figures(runs: _Runs) -> list[Figure]:
    echo = runs.results[Way.ECHO]
    echo_cpu_us = median(map(_cpu_us, echo))
    figures = [
        _rate("grpc_aio_echo_unary_per_s", echo, "calls"),
        _cost("cpu_us_grpc_aio_echo", echo),
    ]
    for way in RATIO_MAX:
        results = runs.results[way]
        figures.append(_rate(f"{way.value}_orders_per_s", results, "orders"))
        figures.append(_cost(f"cpu_us_per_{way.value}_order", results))
        figures.append(
            Figure(
                f"{way.value}_over_echo",
                median(map(_cpu_us, results)) / echo_cpu_us,
                "×",
                AtMost(RATIO_MAX[way]),
                void=_is_void(results) or _is_void(echo),
                note="server processor time of an order over that of an echo",
            )
        )
    assert runs.alone is not None
    figures.extend(_ack_figures(1, [runs.alone]))
    figures.extend(_ack_figures(UNARY_IN_FLIGHT, runs.results[Way.UNARY]))
    figures.append(
        Figure("views_lag_rows", max(runs.lag_rows), "rows", note="at the end of a window, worst")
    )
    figures.append(Figure("views_catch_up_s", max(runs.catch_up_s), "s", note="from there, worst"))
    orders = sum(result.accepted for result in runs.loads())
    trades = sum(result.fills for result in runs.loads())
    figures.append(
        Figure("orders_proved", orders, "orders", note=f"{trades:,} trades, on disk and verified")
    )
    return figures


def _ack_figures(in_flight: int, results: list[Result]) -> list[Figure]:
    p50_us = median(result.p50_us for result in results)
    p99_us = median(result.p99_us for result in results)
    void = _is_void(results)
    return [
        Figure(f"ack_p50_us_{in_flight}_in_flight", p50_us, "µs", void=void),
        Figure(f"ack_p99_us_{in_flight}_in_flight", p99_us, "µs", void=void),
    ]


def _rate(name: str, results: list[Result], what: str) -> Figure:
    per_s = median(result.orders / result.window_s for result in results)
    share = max(map(_client_share, results))
    return Figure(
        name,
        per_s,
        "/s",
        void=_is_void(results),
        note=f"{what}; the client used {share:.0%} of a processor",
    )


def _cost(name: str, results: list[Result]) -> Figure:
    return Figure(name, median(map(_cpu_us, results)), "µs", void=_is_void(results))


def _cpu_us(result: Result) -> float:
    return result.server_cpu_s * 1e6 / result.orders


def _client_share(result: Result) -> float:
    return result.client_cpu_s / result.window_s


def _is_void(results: list[Result]) -> bool:
    """Whether the client was too busy itself for its rate to be the server's."""
    return max(map(_client_share, results)) > CLIENT_SHARE_MAX
