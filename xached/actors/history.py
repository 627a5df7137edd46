"""History: what rows say of the past, projected into tables beside the exchange.

It follows the feed of durable rows and is always a little behind it; answers carry ``as_of_seq``,
and who needs to see their own last change waits for its sequence. Where nobody waits, rows are
gathered for a moment: written together they cost less, and an order that came and went meanwhile
is written once. It can be deleted and is then built again. A reader of the feed that falls behind
reads the gap from the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import attrs
import trio

from xached.domain.history import Fill
from xached.domain.instrument import AssetName, Symbol
from xached.domain.messages import Row
from xached.domain.order import Order, OrderId, Purse
from xached.domain.rejection import Reason, Rejection
from xached.domain.statement import FeeDay, Transaction
from xached.runtime.mailbox import Overloaded
from xached.runtime.topic import Lagged, Subscription, Topic
from xached.runtime.world import Lane, World
from xached.storage.views import EVERYTHING, Page, Views, ViewsReader, Wanted

Found = TypeVar("Found")

ROWS_BUFFERED_MAX = 20_000
ROWS_AT_ONCE = 1_000
GATHER_S = 0.05
WAIT_S_MAX = 30.0
"""How long an answer waits for history; beyond it history is down or hopelessly behind."""

RETRY_S = 0.1
"""How long a busy exchange is left alone before it is asked for a gap again."""


class Journal(Protocol):
    """Where a gap is read from."""

    async def rows(self, first: int, last: int) -> list[Row]:
        """Rows that are on disk; as many as fit, at least the first when it is there.

        Raises: Overloaded.
        """
        ...


@attrs.frozen(kw_only=True)
class HistoryStatistics:
    """How far history is, and how often it fell behind."""

    as_of_seq: int
    waiting: int
    lagged: int


class History:
    """Reads history; written by :func:`run_history`."""

    def __init__(
        self, reader: ViewsReader, world: World, as_of_seq: int, last_seq: Callable[[], int]
    ) -> None:
        """``last_seq``: the newest row that is on disk."""
        self._reader = reader
        self._world = world
        self._as_of_seq = as_of_seq
        self._last_seq = last_seq
        self._lagged = 0
        self._advanced = trio.lowlevel.ParkingLot()
        self._awaited = trio.Event()

    @property
    def as_of_seq(self) -> int:
        """The row up to which history is told."""
        return self._as_of_seq

    async def wait_for(self, seq: int) -> None:
        """Wait until history has reached a row that is on disk.

        Raises: Rejection AMOUNT_RANGE for a row that is not: it may never come; Overloaded.
        """
        await trio.lowlevel.checkpoint()
        if seq > self._last_seq():
            raise Rejection(
                Reason.AMOUNT_RANGE,
                "no such sequence has been answered yet",
                field="min_seq",
                given=str(seq),
                allowed=f"at most {self._last_seq()}",
            )
        await self._wait_reached(seq)

    async def wait_current(self) -> None:
        """Wait until history has reached everything that was on disk when it was asked.

        Raises: Overloaded.
        """
        await trio.lowlevel.checkpoint()
        await self._wait_reached(self._last_seq())

    async def orders(
        self,
        purse: Purse,
        symbol: Symbol | None,
        before: int | None,
        limit: int,
        wanted: Wanted = EVERYTHING,
    ) -> Page[Order]:
        """Orders of a purse, newest first."""
        return await self._read(
            lambda: self._reader.list_orders(
                purse, symbol=symbol, before=before, limit=limit, wanted=wanted
            )
        )

    async def fee_days(self, purse: Purse, first_day: int, last_day: int) -> tuple[FeeDay, ...]:
        """What a purse was charged on these UTC days, by day and asset."""
        return await self._read(lambda: self._reader.fee_days(purse, first_day, last_day))

    async def fills(
        self,
        purse: Purse,
        symbol: Symbol | None,
        before: int | None,
        limit: int,
        wanted: Wanted = EVERYTHING,
    ) -> Page[Fill]:
        """Fills of a purse, newest first."""
        return await self._read(
            lambda: self._reader.list_fills(
                purse, symbol=symbol, before=before, limit=limit, wanted=wanted
            )
        )

    async def transactions(
        self, purse: Purse, asset: AssetName | None, before: int | None, limit: int
    ) -> Page[Transaction]:
        """Movements of a purse's money, newest first."""
        return await self._read(
            lambda: self._reader.list_transactions(purse, asset=asset, before=before, limit=limit)
        )

    async def order(self, purse: Purse, order_id: OrderId) -> tuple[Order, tuple[Fill, ...]] | None:
        """One order of a purse and everything it traded; None when it has no such order."""

        def read() -> tuple[Order, tuple[Fill, ...]] | None:
            order = self._reader.find_order(purse, order_id)
            return (order, self._reader.fills_of(order_id)) if order is not None else None

        return await self._read(read)

    async def rows_of(self, orders: Iterable[OrderId]) -> list[int]:
        """Sequences of all rows that changed some of these orders without ending them; in order."""
        wanted = tuple(orders)

        def read() -> list[int]:
            return sorted({seq: None for order in wanted for seq in self._reader.rows_of(order)})

        return await self._read(read)

    def statistics(self) -> HistoryStatistics:
        """Tell how far history is."""
        return HistoryStatistics(
            as_of_seq=self._as_of_seq, waiting=len(self._advanced), lagged=self._lagged
        )

    async def _read(self, read: Callable[[], Found]) -> Found:
        return await self._world.run_in_thread(read)

    async def _wait_reached(self, seq: int) -> None:
        with trio.move_on_after(WAIT_S_MAX):
            while self._as_of_seq < seq:
                self._awaited.set()
                await self._advanced.park()
        if self._as_of_seq < seq:
            raise Overloaded("history is too far behind")

    async def _gather(self) -> None:
        """Let rows come together, as long as nobody waits for them."""
        if not self._advanced:
            self._awaited = trio.Event()
            with trio.move_on_after(GATHER_S):
                await self._awaited.wait()

    def _reached(self, seq: int) -> None:
        self._as_of_seq = seq
        self._advanced.unpark_all()


async def run_history(
    history: History,
    views: Views,
    lane: Lane,
    feed: Topic[Row],
    journal: Journal,
) -> None:
    """Project rows until cancelled. ``lane`` is the one thread that writes ``views``."""
    while True:
        async with feed.subscribe(ROWS_BUFFERED_MAX) as rows:
            while history.as_of_seq < (newest := history._last_seq()):
                try:
                    missed = await journal.rows(history.as_of_seq + 1, newest)
                except Overloaded:
                    await trio.sleep(RETRY_S)
                    continue
                await _project(history, views, lane, missed)
            await _follow(history, views, lane, rows)
        history._lagged += 1


async def _follow(history: History, views: Views, lane: Lane, rows: Subscription[Row]) -> None:
    """Project what is published until the feed cuts us off."""
    while True:
        batch = await rows.receive_batch()
        kept = [row for row in batch if not isinstance(row, Lagged)]
        for start in range(0, len(kept), ROWS_AT_ONCE):
            await _project(history, views, lane, kept[start : start + ROWS_AT_ONCE])
        if len(kept) < len(batch):
            return
        await history._gather()


async def _project(history: History, views: Views, lane: Lane, rows: list[Row]) -> None:
    await lane.run(views.project, rows)
    # Not the last row's: rows of a gap that was read already may come again.
    history._reached(views.as_of_seq)
