"""Why strategies placed their orders: taken at once, written a little later, found for owners.

Who trades never waits for a reason to be written: reasons gather in memory and go to strategies.db
several at a time. What a run is, however, is on disk before the run begins; see
:mod:`xached.storage.order_reasons` for what that makes certain after a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import islice
from typing import Final

import attrs
import trio
from loguru import logger

from xached.adapters.child_frames import run_id_of
from xached.domain.order import OrderId, Purse
from xached.storage.order_reasons import (
    Found,
    OrderReason,
    StrategyRun,
    find_reason,
    find_run,
    keep_reasons,
    keep_run,
)
from xached.storage.strategy_tables import StrategyRecords

WAITING_MAX: Final = 20_000
"""More reasons than a disk that works lets gather; those that come then are not kept."""

GATHER_S: Final = 0.5
WRITTEN_AT_ONCE: Final = 1_000
LAST_S_MAX: Final = 5.0
"""How long the end of the house waits for the last reasons."""


@attrs.frozen(kw_only=True)
class OrderReasonStatistics:
    """What waits, was written, and was given up because too much waited."""

    waiting: int
    written: int
    given_up: int


class OrderReasons:
    """The reasons of orders. Any task puts and asks; one task runs."""

    def __init__(self, records: StrategyRecords) -> None:
        self._records = records
        self._waiting: dict[tuple[Purse, OrderId], OrderReason] = {}
        self._traded: set[tuple[Purse, OrderId]] = set()
        self._wake = trio.Event()
        self._written = 0
        self._given_up = 0

    async def begin(self, run: StrategyRun) -> None:
        """Keep what a run is; it may begin afterwards. Raises: StrategyTablesFailed."""
        await self._records.write(partial(keep_run, run=run))

    def put(self, reason: OrderReason) -> None:
        """Have a reason written soon."""
        if len(self._waiting) >= WAITING_MAX:
            if not self._given_up:
                logger.error("reasons of orders are not kept: too many wait for strategies.db")
            self._given_up += 1
            return
        self._waiting[reason.purse, reason.order_id] = reason
        self._wake.set()

    def note_traded(self, purse: Purse, order_id: OrderId) -> None:
        """Have it remembered that an order traded: its reason is kept for longer."""
        if len(self._traded) < WAITING_MAX:
            self._traded.add((purse, order_id))
            self._wake.set()

    async def find(self, purse: Purse, order_id: OrderId, client_order_id: str) -> Found:
        """What is known of an order. Raises: StrategyTablesFailed."""
        waiting = self._waiting.get((purse, order_id))
        if waiting is not None:
            run = await self._records.read(partial(find_run, purse=purse, run_id=waiting.run_id))
            return Found(run=run, reason=waiting, dropped=False)
        run_id = run_id_of(client_order_id)
        return await self._records.read(
            partial(find_reason, purse=purse, order_id=order_id, run_id=run_id)
        )

    async def run(self) -> None:
        """Write what is put, until cancelled. Raises: StrategyTablesFailed."""
        try:
            while True:
                await self._wake.wait()
                await trio.sleep(GATHER_S)
                self._wake = trio.Event()
                await self._write_all()
        finally:
            with trio.CancelScope(shield=True), trio.move_on_after(LAST_S_MAX):
                await self._write_all()

    def statistics(self) -> OrderReasonStatistics:
        """How much waits and was done."""
        return OrderReasonStatistics(
            waiting=len(self._waiting), written=self._written, given_up=self._given_up
        )

    async def _write_all(self) -> None:
        while self._waiting or self._traded:
            await self._write(list(islice(self._waiting.values(), WRITTEN_AT_ONCE)))

    async def _write(self, reasons: Sequence[OrderReason]) -> None:
        # A mark waits for its reason: written before it, it would find none.
        here = {(each.purse, each.order_id) for each in reasons}
        traded = {order for order in self._traded if order in here or order not in self._waiting}
        await self._records.write(partial(keep_reasons, reasons=reasons, traded=traded))
        self._traded -= traded
        # Only now: who asks meanwhile finds them here.
        for each in reasons:
            self._waiting.pop((each.purse, each.order_id), None)
        self._written += len(reasons)
