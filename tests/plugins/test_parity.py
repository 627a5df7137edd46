"""Decision parity: what a strategy was told makes a new process of it want the same.

The clock of the tests stands still, as in test_strategies.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from tests.plugins.house import (
    EVE,
    House,
    config,
    open_house,
    robot,
    start_child,
    until,
    until_note,
)
from tests.storage.house import INSTRUMENT, SYMBOL
from xached.actors.recorder.actor import Recorder
from xached.actors.recorder.sinks import MarketSink
from xached.actors.strategies.actor import Strategies
from xached.actors.strategies.surroundings import StrategyConfig
from xached.domain.market import XACHE
from xached.domain.messages import Row, Traded
from xached.domain.order import Side
from xached.domain.own_market import OwnMarket
from xached.domain.recording import EntryKind
from xached.parity.certificates import Installed, NothingRecorded, Replaying, certify, find_logs
from xached.research.history.pack_recordings import pack_all
from xached.research.judgement.certificate import StrategyCertificate, document, text
from xached.research.judgement.fill_replay import pair_orders
from xached.research.judgement.parity import Cause, Executed, OrderPair
from xached.runtime.supervise import ActorState
from xached.runtime.world import RealWorld
from xached.storage.recordings import Recordings, RecordTerms

EVER = 2**63 - 1


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Every test stops the time."""
    return mock_clock


@asynccontextmanager
async def recorded(path: Path, seat: StrategyConfig) -> AsyncIterator[tuple[House, Strategies]]:
    """A strategy that runs and is recorded; once the block is left the log is on disk."""
    folder = path / "recordings"
    folder.mkdir()
    async with open_house(path) as house, trio.open_nursery() as nursery:
        world = house.around.world
        recordings = Recordings(folder, world.files)
        terms = RecordTerms(free_bytes_min=0)
        recorder = Recorder(terms, recordings, world, trio.lowlevel.checkpoint)
        house.around = attrs.evolve(house.around, keep=recorder.run_log)
        nursery.start_soon(recorder.run)
        await house.order(EVE, Side.SELL, 100, 510_000)  # A book before it begins.
        async with house.running(seat) as strategies:
            yield house, strategies
        record_book(recorder, house.seen)
        nursery.cancel_scope.cancel()


def record_book(recorder: Recorder, rows: Sequence[Row]) -> None:
    """Record the house's own market, as the market actor does."""
    own = OwnMarket()
    sink: MarketSink | None = None
    for row in rows:
        changed = own.fold(row)
        if sink is None and SYMBOL in own.books:
            sink = recorder.line(INSTRUMENT, XACHE, "LIVE", own.books[SYMBOL])
        for event in row.events:
            if isinstance(event, Traded) and sink is not None:
                sink.trade(
                    row.seq, event.price_ticks, event.quantity_lots, event.taker_side, row.at_ns
                )
        latest = own.books[SYMBOL].latest() if changed else None
        if sink is not None and latest is not None:
            sink.levels(*latest, row.at_ns)


async def judge(
    path: Path, digest: str = "looked at", house: str = version("xached")
) -> StrategyCertificate:
    replaying = Replaying(
        house=house,
        world=RealWorld(),
        sandbox_min=frozenset(),
        find=lambda name: Installed(name, digest),
        command=start_child,
    )
    return await certify(
        path / "recordings", "robot", replaying, from_ns=0, to_ns=EVER, latency_ns=0
    )


async def stop(strategies: Strategies) -> None:
    strategies.stop("robot", "enough")
    await until(lambda: not robot(strategies).run_id)


async def trade(house: House, strategies: Strategies, count: int) -> None:
    """Market data, orders that fill, an order that is refused, a timer."""
    await until_note(strategies, "first OPEN  0")
    await until(lambda: house.markets.readers == 3)
    for number in range(count):
        house.markets.trade(500_000 + number)
        house.markets.book(500_000 + number)
        house.markets.candle(500_000 + number, closed=number % 3 == 0, at_s=number)
    [order] = (await house.purse()).orders
    await house.order(EVE, Side.SELL, order.quantity_lots, 490_000)
    await until_note(strategies, "first FILLED  0.001")


@pytest.mark.parametrize("packed", [False, True], ids=["spool", "parquet"])
async def test_an_honest_strategy_decides_the_same_again(
    clock: trio.testing.MockClock, tmp_path: Path, packed: bool
) -> None:
    async with recorded(tmp_path, config()) as (house, strategies):
        await trade(house, strategies, 30)
        await stop(strategies)
        said = strategies.statistics()[0].notes
    if packed:
        assert pack_all(tmp_path / "recordings") == 0
    certificate = await judge(tmp_path)
    [run] = certificate.runs
    assert run.decisions.decisions == run.decisions.equal > 10
    assert certificate.holds
    [log] = find_logs(tmp_path / "recordings", "robot")
    entries = list(log.entries())
    assert entries[-1].kind is EntryKind.ENDED
    assert sum(entry.kind is EntryKind.DECIDED for entry in entries) <= said + 1
    plain = document(certificate)
    assert plain["decision_parity"]["share"] == 1.0
    assert json.loads(json.dumps(plain)) == plain
    assert f"{run.decisions.equal} of {run.decisions.equal} (100.00%)" in text(certificate)


@pytest.mark.parametrize("act", ["dice", "clock", "process", "order of a set"])
async def test_a_strategy_with_state_that_it_was_not_told_is_found(
    clock: trio.testing.MockClock, tmp_path: Path, act: str
) -> None:
    """Without it the same strategy decides the same, as the next test shows."""
    seat = config(act, strategy="undeclared:Undeclared")
    async with recorded(tmp_path, seat) as (house, strategies):
        await until(lambda: house.markets.readers == 1)
        for _ in range(3):
            before = robot(strategies).notes
            house.markets.trade()
            await until(noted(strategies, before))
        await stop(strategies)
    certificate = await judge(tmp_path)
    [run] = certificate.runs
    assert (run.decisions.decisions, run.decisions.equal) == (3, 0)
    assert not certificate.holds
    assert "and now wants" in text(certificate)


def noted(strategies: Strategies, before: int) -> Callable[[], bool]:
    return lambda: robot(strategies).notes > before


async def test_the_time_it_is_told_is_the_same_again(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with recorded(tmp_path, config(strategy="undeclared:Undeclared")) as (house, strategies):
        await until(lambda: house.markets.readers == 1)
        for price in range(5):
            before = robot(strategies).notes
            house.markets.trade(500_000 + price)
            await until(noted(strategies, before))
        await stop(strategies)
    certificate = await judge(tmp_path)
    assert (certificate.decisions, certificate.equal) == (5, 5)


async def test_a_run_that_fails_is_judged_up_to_where_it_is_known(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with recorded(tmp_path, config("raise")) as (house, strategies):
        await until_note(strategies, "first OPEN  0")
        await until(lambda: house.markets.readers == 3)
        house.markets.book(500_000)
        await until_note(strategies, "book 50000.1")
        house.markets.trade()
        await until(lambda: house.status().state is ActorState.PAUSING)
    certificate = await judge(tmp_path)
    assert certificate.equal == certificate.decisions


async def test_what_its_orders_were_filled_with_is_replayed_without_them(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Its bid stands alone in the book, so whoever sells at its price meets it both times."""
    async with recorded(tmp_path, config()) as (house, strategies):
        await trade(house, strategies, 3)
        await stop(strategies)
    certificate = await judge(tmp_path)
    assert (certificate.fills.orders, certificate.fills.equal) == (1, 1)
    assert certificate.not_replayed == {}
    assert "Fill parity: 1 of 1 (100.00%); live cost +0.00 bp" in text(certificate)


async def test_orders_whose_book_was_not_recorded_are_counted_apart(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with recorded(tmp_path, config()) as (house, strategies):
        await trade(house, strategies, 3)
        await stop(strategies)
    for path in (tmp_path / "recordings").glob("market.*"):
        path.unlink()
    certificate = await judge(tmp_path)
    assert certificate.fills.orders == 0
    assert certificate.not_replayed == {"its book was not recorded": 1}


async def test_another_version_is_said(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    async with recorded(tmp_path, config()) as (house, strategies):
        await trade(house, strategies, 3)
        await stop(strategies)
    certificate = await judge(tmp_path, digest="other")
    [run] = certificate.runs
    assert "another 'acting:Acting' is installed" in run.notes[0]
    assert not certificate.holds


@pytest.mark.parametrize("changed", ["strategy", "house"])
async def test_fills_that_differ_from_those_of_another_version_are_its_matter(
    clock: trio.testing.MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    """Checked: without ``version_differs`` the cause is the queue, for either of them."""
    async with recorded(tmp_path, config()) as (house, strategies):
        await trade(house, strategies, 3)
        await stop(strategies)

    def doubled(*args: Any, **terms: Any) -> list[OrderPair]:
        return [
            attrs.evolve(each, replayed=Executed(2 * each.live.lots, 2 * each.live.tick_lots))
            for each in pair_orders(*args, **terms)
        ]

    monkeypatch.setattr("xached.parity.certificates.pair_orders", doubled)
    if changed == "strategy":
        certificate = await judge(tmp_path, digest="other")
    else:
        certificate = await judge(tmp_path, house="0.0.1")
    assert [each.cause for each in certificate.fills.causes] == [Cause.VERSION]


async def test_without_a_log_there_is_no_certificate(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with recorded(tmp_path, config("", name="other")) as (_, strategies):
        await until_note(strategies, "first OPEN  0", "other")
    with pytest.raises(NothingRecorded):
        await judge(tmp_path)
