"""Backtests in processes of their own: what comes back is checked, and what goes wrong is held.

Checked by taking protections away: without RLIMIT_AS *eat* goes on until the machine has no memory,
without RLIMIT_CPU *spin* runs into the time-out of the test, without Landlock *open* reads its
file, without the filter of system calls *connect* and *exec* reach the kernel.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio.testing
from xache_sdk.landlock import landlock_abi
from xache_sdk.market import Interval
from xache_sdk.seal import Layer

from tests.plugins.children.backtested import Backtested, Settings
from tests.plugins.children.signalling import Follower, Trend
from tests.plugins.children.signalling import Settings as SignalSettings
from tests.plugins.house import CHILDREN, SDK
from tests.research.backtests import walk
from tests.research.learning import learned, market
from xached.adapters.work import WorkFailed, WorkLimits, do_work, work_command
from xached.domain.order import BUY, SELL
from xached.research.backtest.account import FillRow
from xached.research.backtest.feed import told_candles
from xached.research.backtest.fill_check import ImpossibleFill, check_fills
from xached.research.backtest.gears import run_backtest
from xached.research.backtest.signal_tape import SignalSpec, tape_of
from xached.research.history.history_store import HistoryStore
from xached.research.jobs.job import load_markets, pack_fills, read_job, unpack_fills
from xached.research.models.registry import ModelRegistry
from xached.runtime.work_frames import Document, write_document
from xached.runtime.world import RealWorld

ROOT = Path(__file__).parents[2]
BOOT = """
import sys
sys.path[:0] = sys.argv[1:4]
from xached.research.jobs.worker import main
main(sys.argv[4:])
"""
LIMITS = WorkLimits(memory_bytes=1 << 30, cpu_s=60)
DAY_NS = 86_400 * 10**9

pytestmark = [
    pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock"),
    pytest.mark.xdist_group("work"),
]


def command(job: str, limits: WorkLimits = LIMITS, **options: Any) -> list[str]:
    """A worker that sees the sources and strategies of the tests."""
    full = work_command(job, limits, **options)
    own = full.index("xached.research.jobs.worker") + 1
    return [sys.executable, "-I", "-B", "-c", BOOT, str(ROOT), str(SDK), str(CHILDREN), *full[own:]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> HistoryStore:
    """Ten weeks of candles of five minutes."""
    store = HistoryStore(tmp_path_factory.mktemp("history"))
    candles = attrs.evolve(walk(7, 21_000, swing=12, interval=Interval.M5, volume=10**7))
    store.add("walk", candles, "made")
    return store


def job_of(store: HistoryStore, *settings: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A job over all of the history."""
    return {
        "entry_point": "backtested:Backtested",
        "settings": {
            name: values if len(values) > 1 else values[0]
            for name in (settings[0] if settings else {})
            for values in [[each[name] for each in settings]]
        },
        "histories": [[str(store.folder / "walk"), store.about("walk").fingerprint]],
        "cash": "1000",
        "fee_ppm": 1_000,
        "half_spread_ppm": 100,
        "slippage_ppm": 100,
        "impact_ppm": 0,
        "fill_model": "touch",
        "start_ns": None,
        "until_ns": None,
        "train_ns": 21 * DAY_NS,
        "test_ns": 14 * DAY_NS,
        "check": False,
        "sizes": [1],
        "models": {},
        "signals": {},
        **changes,
    }


async def run(
    store: HistoryStore, job: Mapping[str, Any], limits: WorkLimits = LIMITS
) -> tuple[Document, list[int]]:
    """Have a strategy run; what it gave and how it told its progress."""
    told: list[int] = []
    document = await do_work(
        RealWorld(),
        command(
            "run",
            limits,
            strategy=job["entry_point"],
            others=[each["entry_point"] for each in job["signals"].values()],
            readable=[store.folder / "walk"],
        ),
        Document(header=job),
        limits=limits,
        sandbox_min=frozenset({Layer.FILES, Layer.SYSTEM_CALLS}),
        progress=told.append,
    )
    return document, told


async def judge(store: HistoryStore, job: Mapping[str, Any], outcome: Document) -> Document:
    """Have an outcome judged."""
    return await do_work(
        RealWorld(),
        command("judge", readable=[store.folder / "walk"]),
        Document(header={"job": job, "title": "mine"}, blobs={"outcome": write_document(outcome)}),
        limits=LIMITS,
        sandbox_min=frozenset({Layer.FILES, Layer.SYSTEM_CALLS}),
        progress=lambda _: None,
    )


async def test_a_run_is_the_same_as_here_and_is_judged(store: HistoryStore) -> None:
    job = job_of(store, {"every": 40})
    outcome, told = await run(store, job)
    read = read_job(job)
    here = run_backtest(lambda: [Backtested(Settings(every=40))], load_markets(read), read.terms)
    assert unpack_fills(outcome.blob("fills-0")) == list(here.fills)
    assert len(here.fills) > 500
    assert told == sorted(told)
    assert told[-1] == 1_000_000
    judged = await judge(store, job, outcome)
    assert judged.header["verdict"] in ("LOSING", "UNPROVEN", "CONVINCING")
    assert judged.header["fills"] == len(here.fills)
    report = json.loads(judged.blob("json"))
    assert report["performance"]["end_equity"] == pytest.approx(here.end_units)
    assert judged.blob("html").startswith(b"<!doctype html>")


async def test_several_combinations_walk_forward(store: HistoryStore) -> None:
    job = job_of(store, {"every": 30}, {"every": 50}, {"every": 70}, sizes=[1, 10])
    outcome, _ = await run(store, job)
    assert len(outcome.header["folds"]) == 3
    assert len(outcome.blobs) == 6
    judged = await judge(store, job, outcome)
    report = json.loads(judged.blob("json"))
    assert len(report["walk_forward"]) == 3
    assert judged.header["chosen"] == report["walk_forward"][-1]["settings"]
    assert [point["size"] for point in report["capacity"]["points"]] == [1, 10]


async def test_signals_are_computed_in_the_same_process_as_of_each_candle(
    store: HistoryStore,
) -> None:
    """Checked: without the nanosecond of ``Run._signals`` it is told before the candle."""
    where: dict[str, Any] = {"venue": "TEST", "interval": "5m"}
    trend: dict[str, Any] = {
        "entry_point": "signalling:Trend", "settings": where | {"window": 5},
    }  # fmt: skip
    job = job_of(
        store, where, entry_point="signalling:Follower", signals={"trend": trend}, check=True,
        until_ns=2_000 * 300 * 10**9, start_ns=100 * 300 * 10**9,
    )  # fmt: skip
    outcome, _ = await run(store, job)
    [leg] = outcome.header["legs"]
    first = leg["notes"][0]
    assert first[1].startswith("trend value ")
    assert first[0] == 100 * 300 * 10**9 + 1, "what held at the start is told at the start"
    read = read_job(job)
    markets = load_markets(read)
    spec = SignalSpec(Trend, trend["settings"])
    tape = tape_of({"trend": spec}, ["trend"], told_candles(markets))
    here = run_backtest(
        lambda: [Follower(SignalSettings(**where))],
        markets,
        attrs.evolve(read.terms, signals=tape),
    )
    assert unpack_fills(outcome.blob("fills-0")) == list(here.fills)
    assert len(here.fills) > 100


async def test_a_signal_that_is_not_there_or_looks_ahead_is_refused(store: HistoryStore) -> None:
    """Checked: without ``check_source`` the one that peeks is run."""
    where = {"venue": "TEST", "interval": "5m"}
    job = job_of(store, where, entry_point="signalling:Follower")
    with pytest.raises(WorkFailed, match="uses the signal 'trend': none is given"):
        await run(store, job)
    peeking = {"entry_point": "signalling:Peeking", "settings": where}
    with pytest.raises(WorkFailed, match="LookedAhead"):
        await run(store, job | {"signals": {"trend": peeking}, "check": True})
    of_trades = {"entry_point": "signalling:Echo", "settings": {}}
    with pytest.raises(WorkFailed, match="no data of what it subscribes to"):
        await run(store, job | {"signals": {"trend": of_trades}})


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        ("raise", "RuntimeError"),
        ("eat", "MemoryError"),
        ("open", "PermissionError"),
        ("connect", "PermissionError"),
        ("exec", "PermissionError"),
        ("spin", "ENDED"),
        ("exit", "ENDED"),
        ("garbage", "PROTOCOL"),
        ("flood", "PROTOCOL"),
        ("forge", "PROTOCOL"),
    ],
)
async def test_a_strategy_that_misbehaves_has_no_result(
    store: HistoryStore, tmp_path: Path, act: str, kind: str
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("of the house")
    limits = attrs.evolve(LIMITS, cpu_s=3) if act == "spin" else LIMITS
    with pytest.raises(WorkFailed) as failed:
        await run(store, job_of(store, {"act": act, "path": str(secret)}), limits)
    assert failed.value.kind == kind


async def test_what_looks_ahead_is_refused(store: HistoryStore) -> None:
    job = job_of(store, check=True, entry_point="peeking:Peeking")
    with pytest.raises(WorkFailed) as failed:
        await run(store, job)
    assert failed.value.kind == "LookedAhead"
    assert "peeking.py" in failed.value.message


async def test_a_process_that_takes_too_long_is_killed(
    store: HistoryStore, autojump_clock: trio.testing.MockClock
) -> None:
    with pytest.raises(WorkFailed) as failed:
        await run(store, job_of(store, {"act": "spin"}))
    assert failed.value.kind == "LIMIT"


async def test_a_process_that_is_held_too_loosely_is_told_nothing(store: HistoryStore) -> None:
    """It is started by a program that seals nothing and says so."""
    program = (
        "import socket, sys\n"
        "daemon = socket.socket(fileno=int(sys.argv[-1]))\n"
        "daemon.sendall(bytes([0, 0, 0, 2, 3, 1]))\n"
        "assert not daemon.recv(1)\n"
    )
    with pytest.raises(WorkFailed) as failed:
        await do_work(
            RealWorld(),
            [sys.executable, "-I", "-c", program],
            Document(header={}),
            limits=LIMITS,
            sandbox_min=frozenset({Layer.FILES}),
            progress=lambda _: None,
        )
    assert failed.value.kind == "SANDBOX"
    assert "files" in failed.value.message


async def test_an_answer_has_a_bound(store: HistoryStore) -> None:
    limits = attrs.evolve(LIMITS, answer_bytes=1_000)
    with pytest.raises(WorkFailed) as failed:
        await run(store, job_of(store), limits)
    assert failed.value.kind == "LIMIT"


async def test_a_history_that_was_replaced_is_not_taken_for_the_one_meant(
    store: HistoryStore,
) -> None:
    place = str(store.folder / "walk")
    with pytest.raises(WorkFailed, match="replaced"):
        await run(store, job_of(store, histories=[[place, "0" * 64]]))


def fill(**changes: Any) -> FillRow:
    """One that the history below could have given: bought at its only price."""
    row = FillRow(600 * 10**9, 0, 1, BUY, 10_000, 100, 0, 0, False)
    row = row._replace(**changes)
    units = row.price_ticks * row.quantity_lots * 1_000
    return row._replace(
        notional_units=changes.get("notional_units", units),
        fee_units=changes.get("fee_units", units // 1_000),
    )


@pytest.mark.parametrize(
    ("fills", "why"),
    [
        ([fill(price_ticks=9_000)], "better than any price"),
        ([fill(), fill(side=SELL, price_ticks=11_000)], "better than any price"),
        ([fill(fee_units=0)], "fee"),
        ([fill(notional_units=1)], "another amount"),
        ([fill(side=SELL)], "not there"),
        ([fill(quantity_lots=10**7)], "not there"),
        ([fill(quantity_lots=-5)], "better than any price"),
        ([fill(at_ns=10**18)], "period"),
        ([fill(), fill(at_ns=300 * 10**9)], "order of time"),
        ([fill(line=3)], "no market"),
    ],
)
def test_fills_that_no_market_gave_are_refused(
    tmp_path: Path, fills: Sequence[FillRow], why: str
) -> None:
    markets = _flat_market(tmp_path)
    terms: dict[str, Any] = {"cash_units": 10**12, "start_ns": 0, "end_ns": 3_000 * 10**9}
    check_fills([fill()], markets, **terms)
    with pytest.raises(ImpossibleFill, match=why):
        check_fills(fills, markets, **terms)


async def test_an_outcome_with_a_forged_fill_is_not_judged(store: HistoryStore) -> None:
    """Checked: without ``check_fills`` in the job that judges, it is judged."""
    job = job_of(store, {"every": 40})
    outcome, _ = await run(store, job)
    first, *others = unpack_fills(outcome.blob("fills-0"))
    forged = pack_fills([first._replace(price_ticks=first.price_ticks // 2), *others])
    with pytest.raises(WorkFailed, match="better than any price") as failed:
        await judge(store, job, attrs.evolve(outcome, blobs={**outcome.blobs, "fills-0": forged}))
    assert failed.value.kind == "ImpossibleFill"


def test_fills_keep_their_form() -> None:
    rows = [fill(), fill(side=SELL, maker=True)]
    assert unpack_fills(pack_fills(rows)) == rows
    with pytest.raises(ValueError, match="nine"):
        unpack_fills(pack_fills(rows)[:-1])


def _flat_market(folder: Path) -> Any:
    store = HistoryStore(folder)
    candles = attrs.evolve(walk(1, 10, swing=0, interval=Interval.M5))
    store.add("walk", candles, "made")
    return load_markets(read_job(job_of(store)))


async def test_models_of_the_house_are_asked_as_of_each_candle(tmp_path: Path) -> None:
    """Checked by registering them in a time before all of the history: the third is given too."""
    model, models = learned()[2].model, tmp_path / "models"
    for hours in (2_000, 3_000, 9_000):
        known_ns = hours * 3_600 * 10**9
        ModelRegistry(models).register(
            "hours",
            dataclasses.replace(model, labels_end_ns=known_ns, registered_at_ns=known_ns),
            fingerprint="f",
            metrics={},
        )
    candles = market(1, 4_100, 0.3)
    store = HistoryStore(tmp_path)
    store.add("walk", candles, "made")
    request = {"folder": str(models), "names": ["hours"], "start_ns": 0,
               "end_ns": int(candles.ends_ns[-1])}  # fmt: skip

    async def asked(**changes: Any) -> Document:
        return await do_work(
            RealWorld(),
            command("models", readable=[models]),
            Document(header={**request, **changes}),
            limits=LIMITS,
            sandbox_min=frozenset({Layer.FILES, Layer.SYSTEM_CALLS}),
            progress=lambda _: None,
        )

    given = await asked()
    assert len(given.blob("hours").splitlines()) == 2, "the third was not known before the end"
    with pytest.raises(WorkFailed, match="no model hours was known before the end of the run"):
        await asked(end_ns=1_000 * 3_600 * 10**9)
    settings = {"symbol": "BTC-USDT", "venue": "TEST", "budget": "5000", "models": "house:hours"}
    told = given.header["models"]
    job = job_of(
        store, settings, entry_point="xache_strategy_lightgbm.strategy:SignalTrader", check=True,
        fee_ppm=100, half_spread_ppm=50, slippage_ppm=50,
        models={name: each["interval"] for name, each in told.items()},
    )  # fmt: skip
    outcome = await do_work(
        RealWorld(),
        command("run", strategy=job["entry_point"], readable=[store.folder / "walk"]),
        Document(header=job, blobs=given.blobs),
        limits=LIMITS,
        sandbox_min=frozenset({Layer.FILES, Layer.SYSTEM_CALLS}),
        progress=lambda _: None,
    )
    assert outcome.header["combinations"] == [settings]
    fills = unpack_fills(outcome.blob("fills-0"))
    assert fills
    assert min(each.at_ns for each in fills) >= 2_000 * 3_600 * 10**9
