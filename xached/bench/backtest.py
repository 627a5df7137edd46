"""How fast strategies are tested on history, beside other backtesters on the same bars.

Every figure is processor time of one thread. What the others found is compared too: a test that is
fast and wrong is worth nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from xached.bench.backtest_data import (
    QUANTITY,
    SETTINGS,
    CrossSettings,
    Nothing,
    Patient,
    SmaCross,
    make_market,
    make_tape,
)
from xached.bench.figures import AtLeast, AtMost, Figure
from xached.bench.processes import BenchFailed
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.result import Gear, RunResult
from xached.research.backtest.run import Run
from xached.research.backtest.sweep import sweep
from xached.research.backtest.tape import TapeMarket
from xached.research.backtest.tape_run import TapeRun, TapeSettings
from xached.research.backtest.terms import MarketData
from xached.runtime.collector import calm

EVENT_RATIO_MIN: Final = 4
COLUMNS_RATIO_MIN: Final = 7
WAKE_RATIO_MIN: Final = 20
TEN_RATIO_MIN: Final = 2.5
SWEEP_RATIO_MIN: Final = 5
REPLAY_PER_S_MIN: Final = 1_000_000
DIFFERENCE_CENTS_MAX: Final = 0.5

MARKETS: Final = 10
NOT_INSTALLED: Final = "not installed: pip install 'xached[bench-backtest]', or XACHE_BENCH_PEERS"
_MISSING: Final = 3


@attrs.frozen(kw_only=True)
class BacktestSizes:
    """How much is tested."""

    bars: int
    tape_rows: int
    rounds: int
    fasts: tuple[int, ...]
    slows: tuple[int, ...]


def measure_backtest(sizes: BacktestSizes, progress: Callable[[str], None]) -> list[Figure]:
    """Time every gear, ten markets in one account and a sweep, and the others beside them.

    Raises: BenchFailed when another backtester ends badly.
    """
    market = make_market(sizes.bars)
    progress("backtest: backtesting.py")
    peer = _peer("backtesting", str(sizes.bars))
    rate = None if peer is None else sizes.bars / peer["used_s"]
    figures = [_peer_figure("backtesting_py_bars_per_s", rate, "/s")]
    event: RunResult | None = None
    for gear, name, least in (
        (Gear.EVENT, "backtest", EVENT_RATIO_MIN),
        (Gear.COLUMNS, "backtest_columns", COLUMNS_RATIO_MIN),
        (Gear.WAKE, "backtest_wake", WAKE_RATIO_MIN),
    ):
        progress(f"backtest: {gear.value}")
        used_s, result = _best(sizes.rounds, _runner([market], gear))
        event = event or result
        _check_equal(result, event, gear.value)
        own = sizes.bars / used_s
        figures.append(Figure(f"{name}_bars_per_s", own, "/s", note=f"{len(result.fills):,} fills"))
        figures.append(_ratio(f"{name}_over_backtesting_py", own, rate, least))
    assert event is not None
    progress("backtest: ten markets")
    figures += _measure_ten(sizes, rate)
    figures += _compare(event, peer)
    progress("backtest: tape")
    figures.append(_measure_tape(sizes))
    progress("backtest: sweep")
    return [*figures, *_measure_sweep(sizes, market, progress)]


def _runner(markets: Sequence[MarketData], gear: Gear) -> Callable[[], RunResult]:
    names = [market.instrument.symbol for market in markets]

    def run() -> RunResult:
        return run_backtest(
            lambda: [SmaCross(CrossSettings(symbol=name)) for name in names],
            markets,
            SETTINGS,
            gear=gear,
        )

    return run


def _best(rounds: int, run: Callable[[], Any]) -> tuple[float, Any]:
    """The least processor time of some rounds, and what came out."""
    used_s: list[float] = []
    result: Any = None
    for _ in range(rounds):
        with calm():
            began_s = time.process_time()
            result = run()
            used_s.append(time.process_time() - began_s)
    return min(used_s), result


def _check_equal(result: RunResult, event: RunResult, name: str) -> None:
    if result.gear.value != name:
        raise BenchFailed(f"the gear {name} was not used: {result.fallback}")
    if list(result.fills) != list(event.fills) or result.end_units != event.end_units:
        raise BenchFailed(f"the gear {name} gives another result than candle by candle")


def _measure_ten(sizes: BacktestSizes, rate: float | None) -> list[Figure]:
    bars = max(100, sizes.bars // MARKETS)
    markets = [make_market(bars, seed, f"C{seed}-USDT") for seed in range(MARKETS)]
    used_s, result = _best(sizes.rounds, _runner(markets, Gear.EVENT))
    own = MARKETS * bars / used_s
    return [
        Figure(
            "backtest_ten_markets_bars_per_s",
            own,
            "/s",
            note=f"one account, {len(result.fills):,} fills",
        ),
        _ratio("backtest_ten_markets_over_backtesting_py", own, rate, TEN_RATIO_MIN),
    ]


def _measure_tape(sizes: BacktestSizes) -> Figure:
    """A tape with orders in the queue, and nobody to be woken."""
    tape = make_tape(sizes.tape_rows)
    market = TapeMarket(make_market(100).instrument, tape)
    terms = TapeSettings(cash=SETTINGS.cash)
    used_s, result = _best(
        sizes.rounds, lambda: TapeRun(Patient(Nothing()), [market], terms).finish()
    )
    return Figure(
        "replay_events_per_s",
        len(tape) / used_s,
        "/s",
        AtLeast(REPLAY_PER_S_MIN),
        note=f"{result.orders} orders queue, {len(result.fills)} fills",
    )


def _compare(event: RunResult, peer: dict[str, Any] | None) -> list[Figure]:
    """What backtesting.py found, against ours: fills bar by bar, and the worth at the end."""
    if peer is None:
        return [
            Figure("backtest_fills_unlike", None, "", AtMost(0), note=NOT_INSTALLED),
            Figure(
                "backtest_equity_unlike_cents", None, "ct", AtMost(DIFFERENCE_CENTS_MAX),
                note=NOT_INSTALLED,
            ),
        ]  # fmt: skip
    minute_ns = 60_000_000_000
    own = [(row.at_ns // minute_ns, row.price_ticks) for row in event.fills]
    theirs = [
        fill
        for entry, leaving in zip(
            zip(peer["entries"], peer["entry_cents"], strict=True),
            zip(peer["exits"], peer["exit_cents"], strict=True),
            strict=True,
        )
        for fill in (entry, leaving)
    ]
    # Theirs lists what was closed; the last buy may still be open.
    unlike = sum(
        mine != (bar, round(cents)) for mine, (bar, cents) in zip(own, theirs, strict=False)
    )
    unlike += abs(len(own) // 2 * 2 - len(theirs))
    cents = abs(float(event.end_equity) - peer["end_equity"]) * 100
    return [
        Figure("backtest_fills_unlike", unlike, "", AtMost(0), note=f"of {len(own):,}"),
        Figure("backtest_equity_unlike_cents", cents, "ct", AtMost(DIFFERENCE_CENTS_MAX)),
    ]


def _measure_sweep(
    sizes: BacktestSizes, market: MarketData, progress: Callable[[str], None]
) -> list[Figure]:
    combinations = [CrossSettings(fast, slow) for fast in sizes.fasts for slow in sizes.slows]
    used_s, swept = _best(sizes.rounds, lambda: sweep(SmaCross, combinations, market, SETTINGS))
    progress("backtest: the same, one by one")
    unlike = 0
    for each in swept:
        slow = Run([SmaCross(each.combination)], [market], SETTINGS).finish()
        same = list(slow.fills) == list(each.result.fills)
        unlike += not (same and slow.end_units == each.result.end_units)
    progress("backtest: vectorbt")
    peer = _peer("vectorbt", str(sizes.bars), json.dumps([sizes.fasts, sizes.slows]))
    note = f"{len(combinations)} combinations, {QUANTITY} each"
    figures = [
        Figure("sweep_s", used_s, "s", note=note),
        Figure("sweep_results_unlike", unlike, "", AtMost(0), note="to candle by candle"),
        _peer_figure("vectorbt_sweep_s", None if peer is None else peer["used_s"], "s"),
    ]
    if peer is None:
        return [*figures, _ratio("sweep_over_vectorbt", 0.0, None, SWEEP_RATIO_MIN)]
    agreed = sum(
        abs(float(each.result.end_equity) - worth) < 0.01
        for each, worth in zip(swept, peer["end_equity"], strict=True)
    )
    ratio = _ratio("sweep_over_vectorbt", 1 / used_s, 1 / peer["used_s"], SWEEP_RATIO_MIN)
    return [*figures, attrs.evolve(ratio, note=f"{agreed} of its results are ours")]


def _peer_figure(name: str, value: float | None, unit: str) -> Figure:
    return Figure(name, value, unit, note="" if value is not None else NOT_INSTALLED)


def _ratio(name: str, own: float, other: float | None, least: float) -> Figure:
    if other is None:
        return Figure(name, None, "×", AtLeast(least), note=NOT_INSTALLED)
    return Figure(name, own / other, "×", AtLeast(least))


def _peer(*arguments: str) -> dict[str, Any] | None:
    """Run another backtester in a process of its own; None: it is not installed.

    Raises: BenchFailed when it ends badly.
    """
    python = os.environ.get("XACHE_BENCH_PEERS", sys.executable)
    paths = os.pathsep.join(path for path in sys.path if path)
    # What runs is this program, with the interpreter that its user names.
    done = subprocess.run(  # noqa: S603
        [python, "-m", "xached.bench.backtest_peers", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": paths},
    )
    if done.returncode == _MISSING:
        return None
    if done.returncode:
        raise BenchFailed(f"{arguments[0]} ended badly: {done.stderr[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
