"""History behind the exchange: it catches up, survives being cut off, and never goes back.

Checked by breaking, each seen red: going back to the last row of a batch that was known already,
giving up when the exchange is too busy to be asked, and orders that were changed by a projection
that failed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import apsw
import attrs
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tests.storage.house import KEY, PURSES, House, zero_entropy
from xached.actors import history as history_module
from xached.actors.history import History, run_history
from xached.domain.messages import Row
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Overloaded
from xached.runtime.supervise import Health, run_expendable
from xached.runtime.topic import Topic
from xached.runtime.world import SimulatedWorld
from xached.storage.journal import Journal
from xached.storage.views import Views, ViewsReader


class Rows:
    """The journal as history asks for it; it can be too busy."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.busy = 0
        self.on_ask: Callable[[], None] = lambda: None
        self.asked: list[tuple[int, int]] = []

    async def rows(self, first: int, last: int) -> list[Row]:
        """See history's Journal: a hundred at a time."""
        await trio.lowlevel.checkpoint()
        if self.busy:
            self.busy -= 1
            raise Overloaded("the mailbox is full")
        self.asked.append((first, last))
        self.on_ask()
        return list(self._journal.read(first, min(last, first + 99)))


@attrs.define
class Past:
    """History, what it follows, and the exchange that makes rows."""

    house: House
    journal: Journal
    feed: Topic[Row]
    rows: Rows
    history: History
    views: Views
    reader: ViewsReader
    world: SimulatedWorld
    health: Health

    def write(self, count: int) -> list[Row]:
        """Rows that come to be on disk, and are not published."""
        rows = self.house.rows(count)
        self.journal.append(rows)
        return rows

    def trade(self, count: int) -> None:
        """Rows that come to be on disk and are published."""
        self.feed.publish(self.write(count))

    async def run(self) -> None:
        """History, restarted when it fails."""
        lane = self.world.open_lane("views")

        async def run() -> None:
            await run_history(self.history, self.views, lane, self.feed, self.rows)

        await run_expendable("history", run, self.health)

    def told(self) -> list[object]:
        """Everything that history tells."""
        found: list[object] = []
        for purse in PURSES:
            for page in (
                self.reader.list_orders(purse, limit=10_000),
                self.reader.list_fills(purse, limit=10_000),
                self.reader.list_transactions(purse, limit=10_000),
            ):
                found += [attrs.asdict(item) for item in page.items]
        return found

    def told_afresh(self, path: Path) -> list[object]:
        """What a history tells that was made in one go."""
        views = Views.open(path, self.journal.house_id, self.journal.last_seq)
        views.catch_up(self.journal)
        reader = ViewsReader(path)
        try:
            return attrs.evolve(self, reader=reader).told()
        finally:
            reader.close()
            views.close()


@asynccontextmanager
async def past(path: Path, before: int = 0) -> AsyncIterator[Past]:
    """History over a journal that has ``before`` rows it does not know."""
    world, house = SimulatedWorld(7), House(11)
    with Journal.open(path / "journal.db", KEY, entropy=zero_entropy) as journal:
        if before:
            journal.append(house.rows(before))
        views = Views.open(path / "views.db", journal.house_id, journal.last_seq)
        reader = ViewsReader(path / "views.db")
        try:
            yield Past(
                house=house,
                journal=journal,
                feed=Topic(),
                rows=Rows(journal),
                history=History(reader, world, views.as_of_seq, lambda: journal.last_seq),
                views=views,
                reader=reader,
                world=world,
                health=Health(),
            )
        finally:
            reader.close()
            views.close()


async def test_what_was_missed_is_read_from_the_journal(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with past(tmp_path, before=450) as it, trio.open_nursery() as nursery:
        nursery.start_soon(it.run)
        await it.history.wait_for(450)
        assert it.rows.asked[0] == (1, 450)
        it.trade(50)
        await it.history.wait_current()
        assert it.history.as_of_seq == 500
        assert it.told() == it.told_afresh(tmp_path / "fresh.db")
        nursery.cancel_scope.cancel()


async def test_rows_that_come_again_do_not_take_it_back(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with past(tmp_path) as it, trio.open_nursery() as nursery:
        rows = it.write(60)
        # While it reads all sixty from the journal, only the first are published.
        it.rows.on_ask = lambda: it.feed.publish(rows[:20])
        nursery.start_soon(it.run)
        await it.history.wait_for(60)
        await trio.sleep(1)
        assert it.history.as_of_seq == 60, "history went back"
        it.feed.publish(rows[20:])
        it.trade(20)
        await it.history.wait_current()
        assert it.history.as_of_seq == 80
        assert it.told() == it.told_afresh(tmp_path / "fresh.db")
        nursery.cancel_scope.cancel()


async def test_a_history_that_is_cut_off_reads_the_gap(
    autojump_clock: MockClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_module, "ROWS_BUFFERED_MAX", 10)
    async with past(tmp_path) as it, trio.open_nursery() as nursery:
        nursery.start_soon(it.run)
        await wait_all_tasks_blocked()
        for _ in range(12):
            it.trade(7)
        await it.history.wait_current()
        assert it.history.as_of_seq == 84
        assert it.history.statistics().lagged >= 1
        assert it.rows.asked, "the gap was not read"
        it.trade(5)
        await it.history.wait_current()
        assert it.told() == it.told_afresh(tmp_path / "fresh.db")
        nursery.cancel_scope.cancel()


async def test_a_busy_exchange_is_asked_again(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with past(tmp_path, before=40) as it, trio.open_nursery() as nursery:
        it.rows.busy = 50
        nursery.start_soon(it.run)
        await it.history.wait_for(40)
        (record,) = it.health.records()
        assert record.restarts == 0
        nursery.cancel_scope.cancel()


async def test_a_projection_that_fails_is_done_again(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with past(tmp_path) as it, trio.open_nursery() as nursery:
        it.trade(100)
        nursery.start_soon(it.run)
        await it.history.wait_for(100)
        write = it.views._write

        def fail_late(*written: Any) -> None:
            write(*written)
            raise apsw.IOError("disk I/O error")

        it.views._write = fail_late  # type: ignore[assignment, method-assign] # a disk that fails
        it.trade(100)
        await wait_all_tasks_blocked(0.1)
        await trio.sleep(0.5)
        assert it.history.as_of_seq == 100
        assert "disk I/O error" in it.health.records()[0].failure
        it.views._write = write  # type: ignore[method-assign] # it works again
        it.trade(30)
        await it.history.wait_for(230)
        assert it.health.records()[0].restarts == 1
        assert it.told() == it.told_afresh(tmp_path / "fresh.db")
        nursery.cancel_scope.cancel()


async def test_waiting(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with past(tmp_path) as it, trio.open_nursery() as nursery:
        reached: list[int] = []

        async def wait_for(seq: int) -> None:
            await it.history.wait_for(seq)
            assert it.history.as_of_seq >= seq
            reached.append(seq)

        await it.history.wait_for(0)
        with pytest.raises(Rejection) as refused:
            await it.history.wait_for(1)
        assert refused.value.reason is Reason.AMOUNT_RANGE
        rows: Sequence[Row] = it.write(30)
        for seq in (30, 1, 15):
            nursery.start_soon(wait_for, seq)
        await wait_all_tasks_blocked()
        assert it.history.statistics().waiting == 3
        nursery.start_soon(it.run)
        it.feed.publish(rows)
        await it.history.wait_current()
        await wait_all_tasks_blocked()
        assert sorted(reached) == [1, 15, 30]
        nursery.cancel_scope.cancel()


async def test_nobody_waits_for_ever_for_a_history_that_is_down(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with past(tmp_path) as it:
        it.trade(50)
        began = trio.current_time()
        with pytest.raises(Overloaded):
            await it.history.wait_current()
        assert trio.current_time() - began <= 60
        assert it.history.statistics().waiting == 0
