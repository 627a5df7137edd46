"""Why orders were placed: what strategies say arrives, with what they had seen, and stays."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, TypeVarTuple

import attrs
import pytest
import trio
import trio.testing
from xache_sdk.reasons import ModelReason, Reason, Weight

from tests.plugins.house import (
    ALICE,
    BOB,
    House,
    config,
    hand_made_candle,
    let_processes_work,
    open_house,
    robot,
    until,
    until_note,
)
from tests.storage.house import SYMBOL
from xached.actors.strategies import explaining
from xached.actors.strategies.actor import Strategies
from xached.actors.strategies.explaining import OrderReasons
from xached.actors.strategies.surroundings import StrategyConfig
from xached.adapters.child_frames import RUN_ID_BYTES, run_id_of
from xached.domain.market import XACHE
from xached.domain.messages import OrderAccepted
from xached.domain.order import OrderId, Purse, Side
from xached.domain.seen import Seen, SeenKind
from xached.runtime.world import NS_PER_S
from xached.storage.order_reasons import Found, OrderReason, StrategyRun
from xached.storage.strategy_tables import StrategyRecords, StrategyTables, StrategyTablesFailed

MODEL = ModelReason(
    digest="ab" * 32, score=0.5, base=-0.25, weights=(Weight("return:1", -0.02, 0.75),)
)
Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

SETTINGS = '{"act": "%s"}'


def reasoning(act: str = "", *, explained: bool = True) -> StrategyConfig:
    made = config(strategy="reasoning:Reasoning", settings_json=SETTINGS % act)
    return attrs.evolve(made, explained=explained)


def seen(kind: SeenKind, at_ns: int, interval_s: int = 0) -> Seen:
    return Seen(symbol=SYMBOL, venue=XACHE, kind=kind, interval_s=interval_s, at_ns=at_ns)


WARMED_UP = seen(SeenKind.CANDLES, 3 * NS_PER_S, 1)


def names_of(house: House) -> list[str]:
    return [
        event.client_order_id
        for row in house.seen
        for event in row.events
        if isinstance(event, OrderAccepted)
    ]


def accepted(house: House, name: str) -> OrderAccepted:
    [found] = (
        event
        for row in house.seen
        for event in row.events
        if isinstance(event, OrderAccepted) and event.client_order_id.endswith(f"-{name}")
    )
    return found


async def explained(house: House, name: str) -> Found:
    order = accepted(house, name)
    return await house.reasons.find(ALICE, order.order_id, order.client_order_id)


async def started(house: House, strategies: Strategies) -> None:
    await until_note(strategies, "start OPEN ")
    await until(lambda: house.markets.readers == 3)


@pytest.fixture
def clock(mock_clock: trio.testing.MockClock) -> trio.testing.MockClock:
    """Every test stops the time: nothing is written but at the end."""
    return mock_clock


async def test_an_order_is_explained_by_what_was_said_and_seen(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house:
        house.markets.past = [hand_made_candle(500_000, at_s=at) for at in range(3)]
        async with house.running(reasoning()) as strategies:
            await started(house, strategies)
            house.markets.trade()
            await until_note(strategies, "t1 OPEN ")
            house.markets.book(499_990)
            await until_note(strategies, "b OPEN ")
            run_id = robot(strategies).run_id
        start, trade, book = [await explained(house, name) for name in ("start", "t1", "b")]
    run = start.run
    assert run is not None
    assert run == StrategyRun(
        run_id=run_id,
        purse=ALICE,
        strategy="robot",
        plugin="reasoning:Reasoning",
        distribution="by-hand",
        version="1",
        plugin_digest="looked at",
        settings_digest=hashlib.sha256(b'{"act": ""}').hexdigest(),
        started_at_ns=run.started_at_ns,
        settings_json='{"act": ""}',
    )
    assert trade.run == book.run == run
    told = [each.reason for each in (start, trade, book)]
    assert all(each is not None and each.run_id == run_id for each in told)
    assert [each.reason for each in told if each] == [
        Reason("at the start"),
        Reason("somebody traded", {"price": 50_000.0}, MODEL),
        None,
    ]
    assert [each.seen for each in told if each] == [
        (WARMED_UP,),
        (WARMED_UP, seen(SeenKind.TRADES, 1)),
        (WARMED_UP, seen(SeenKind.TRADES, 1), seen(SeenKind.BOOK, 1)),
    ]
    inputs = [each.input for each in told if each]
    assert inputs == sorted(set(inputs))


async def test_what_it_had_not_read_yet_it_had_not_seen(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked by telling what was handed over instead: the later trade is among it."""
    async with open_house(tmp_path) as house, house.running(reasoning("waits")) as strategies:
        await started(house, strategies)
        house.markets.trade()
        await let_processes_work()
        house.markets.trade()
        house.markets.book(499_990)
        for _ in range(20):
            await let_processes_work()  # It is handed the rest, and does not read it.
        child = robot(strategies).child
        assert child is not None
        os.kill(child.pid, signal.SIGUSR1)
        await until(lambda: len(names_of(house)) == 4)
        first, second = [await explained(house, name) for name in ("t1", "t2")]
    assert first.reason is not None
    assert second.reason is not None
    assert first.reason.seen == (seen(SeenKind.TRADES, 1),)
    assert seen(SeenKind.TRADES, 2) in second.reason.seen


async def test_reasons_of_what_traded_are_marked_to_stay_longer(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Checked by not noting what trades."""
    async with open_house(tmp_path) as house, house.running(reasoning()) as strategies:
        await started(house, strategies)
        house.markets.trade()
        await until_note(strategies, "t1 OPEN ")
        await house.order(BOB, Side.SELL, 100, 490_000)  # It meets the first bid.
        await until_note(strategies, "start FILLED ")
        numbers = [accepted(house, name).order_id for name in ("start", "t1")]
    tables = open_tables(tmp_path)
    stored = tables.read(
        lambda db: db.execute("SELECT order_id, traded FROM order_reasons").fetchall()
    )
    tables.close()
    assert sorted(stored) == list(zip(numbers, (1, 0), strict=True))


async def test_a_replacing_order_has_a_reason_of_its_own(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path) as house, house.running(reasoning("changes")) as strategies:
        await started(house, strategies)
        house.markets.trade()
        await until_note(strategies, "second OPEN ")
        old, new = [await explained(house, name) for name in ("start", "second")]
    assert old.reason is not None
    assert new.reason is not None
    assert old.reason.reason == Reason("at the start")
    assert new.reason.reason == Reason("too near")


async def test_reasons_that_nobody_can_ask_for_are_not_kept(
    clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    quiet = reasoning(explained=False)
    async with open_house(tmp_path) as house, house.running(quiet) as strategies:
        await started(house, strategies)
        found = await explained(house, "start")
    assert found.reason is None
    assert found.run is not None


async def test_an_order_by_hand_is_nobody_s(clock: trio.testing.MockClock, tmp_path: Path) -> None:
    """Also in the purse of a strategy, and with an id that looks like a run's."""
    async with open_house(tmp_path) as house, house.running(reasoning()) as strategies:
        await started(house, strategies)
        name = "0123456789abcdef-hand"
        row = await house.order(ALICE, Side.SELL, 1, 510_000, name)
        order_id = next(each.order_id for each in row.events if isinstance(each, OrderAccepted))
        found = await house.reasons.find(ALICE, order_id, name)
    assert found == Found(run=None, reason=None, dropped=False)


def test_ids_of_runs() -> None:
    run_id = "0a" * RUN_ID_BYTES
    assert run_id_of(f"{run_id}-7-b") == run_id
    for other in ("", "buy-1", run_id, f"{run_id}x-1", f"{run_id.upper()}-1"):
        assert run_id_of(other) is None


# --- the desk --------------------------------------------------------------------------------

RUN = StrategyRun(
    run_id="0a" * RUN_ID_BYTES, purse=ALICE, strategy="dip", plugin="dip", distribution="",
    version="", plugin_digest="", settings_digest="", started_at_ns=1,
)  # fmt: skip
CLIENT_ORDER_ID = f"{RUN.run_id}-1"


def reason(number: int, purse: Purse = ALICE) -> OrderReason:
    return OrderReason(
        purse=purse,
        order_id=OrderId(number),
        run_id=RUN.run_id,
        decided_at_ns=2,
        input=3,
        reason=Reason("because"),
        seen=(),
    )


class InlineLane:
    """Works at once: a clock that jumps does not wait for threads."""

    async def run(self, function: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        """See Lane."""
        await trio.lowlevel.checkpoint()
        return function(*arguments)

    def close(self) -> None:
        """See Lane."""


def open_tables(path: Path) -> StrategyTables:
    return StrategyTables.open(path / "strategies.db", bytes(16))


async def found_afterwards(path: Path, number: int) -> Found:
    """What the next start of the house finds."""
    tables = open_tables(path)
    found = await OrderReasons(StrategyRecords(tables, InlineLane())).find(
        ALICE, OrderId(number), CLIENT_ORDER_ID
    )
    tables.close()
    return found


async def test_reasons_are_found_at_once_and_written_soon(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    tables = open_tables(tmp_path)
    desk = OrderReasons(StrategyRecords(tables, InlineLane()))
    await desk.begin(RUN)
    desk.put(reason(1))
    told = Found(run=RUN, reason=reason(1), dropped=False)
    assert await desk.find(ALICE, OrderId(1), CLIENT_ORDER_ID) == told
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.run)
        desk.put(reason(2))
        await trio.sleep(2 * explaining.GATHER_S)
        assert desk.statistics().written == 2
        assert await desk.find(ALICE, OrderId(1), CLIENT_ORDER_ID) == told
        desk.put(reason(3))
        nursery.cancel_scope.cancel()
    assert (desk.statistics().waiting, desk.statistics().written) == (0, 3), "the last are written"
    tables.close()
    for number in (1, 2, 3):
        assert (await found_afterwards(tmp_path, number)).reason == reason(number)


async def test_a_reason_lost_in_a_crash_is_missed_and_its_strategy_known(tmp_path: Path) -> None:
    """Checked by keeping the run with its first reason: the order is nobody's then."""
    tables = open_tables(tmp_path)
    desk = OrderReasons(StrategyRecords(tables, InlineLane()))
    await desk.begin(RUN)
    desk.put(reason(1))  # The house ends before it is written.
    tables.close()
    assert await found_afterwards(tmp_path, 1) == Found(run=RUN, reason=None, dropped=False)


async def test_more_reasons_than_the_disk_takes_are_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explaining, "WAITING_MAX", 3)
    tables = open_tables(tmp_path)
    desk = OrderReasons(StrategyRecords(tables, InlineLane()))
    for number in range(1, 6):
        desk.put(reason(number))
    assert (desk.statistics().waiting, desk.statistics().given_up) == (3, 2)
    assert (await desk.find(ALICE, OrderId(5), CLIENT_ORDER_ID)).reason is None
    tables.close()


async def test_what_traded_is_marked_also_where_the_first_try_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked: taken off before it is written, the mark is gone with the failure."""
    tables = open_tables(tmp_path)
    desk = OrderReasons(StrategyRecords(tables, InlineLane()))
    await desk.begin(RUN)
    desk.put(reason(1))
    desk.note_traded(ALICE, OrderId(1))
    write = tables.write

    def fail(_: object) -> None:
        raise StrategyTablesFailed("no room")

    monkeypatch.setattr(tables, "write", fail)
    with pytest.raises(StrategyTablesFailed):
        await desk._write_all()
    monkeypatch.setattr(tables, "write", write)
    await desk._write_all()
    assert marked(tables) == [1]
    tables.close()


async def test_what_traded_is_marked_also_where_more_reasons_wait_than_go_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Checked: with every mark written beside the first reasons, only that of the first stays."""
    monkeypatch.setattr(explaining, "WRITTEN_AT_ONCE", 1)
    tables = open_tables(tmp_path)
    desk = OrderReasons(StrategyRecords(tables, InlineLane()))
    await desk.begin(RUN)
    for number in (1, 2, 3):
        desk.put(reason(number))
        desk.note_traded(ALICE, OrderId(number))
    await desk._write_all()
    assert marked(tables) == [1, 2, 3]
    tables.close()


def marked(tables: StrategyTables) -> list[object]:
    """The orders that are known to have traded."""
    return tables.read(
        lambda db: [
            order_id
            for (order_id,) in db.execute(
                "SELECT order_id FROM order_reasons WHERE traded = 1 ORDER BY order_id"
            )
        ]
    )
