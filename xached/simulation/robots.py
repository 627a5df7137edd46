"""What a strategy leaves behind: nothing. Read from rows alone.

A run begins by cancelling whatever is open in its purse and ends so, which is in the journal where
there was something. The orders of two runs are never open together, and a run that is over places
none.
"""

from __future__ import annotations

from typing import Final

from xached.domain.messages import CancelAll, OrderAccepted, OrderEnded, Row
from xached.domain.order import OrderId, Purse
from xached.simulation.machine import Violation

LEFTOVERS: Final = "leftovers"


class RobotOrders:
    """The open orders of a strategy's purse, and the run that minds them."""

    def __init__(self, purse: Purse) -> None:
        self._purse = purse
        self._run = ""
        """Whose orders they are."""
        self._over: set[str] = set()
        """Runs that have ended."""
        self._open: dict[OrderId, int] = {}
        """And the row in which each was accepted."""

    def feed(self, row: Row) -> None:
        """Read one row. Raises: Violation."""
        for event in row.events:
            if isinstance(event, OrderAccepted) and event.purse == self._purse:
                self._accept(event, row)
            elif isinstance(event, OrderEnded):
                self._open.pop(event.order_id, None)
        command = row.command
        if not isinstance(command, CancelAll) or command.purse != self._purse:
            return
        run, _, when = command.request_id.partition("-")
        if when == "end":
            self._over.add(run)
        if self._open:
            raise Violation(LEFTOVERS, f"row {row.seq} leaves {list(self._open)} open")

    def check_minded(self, begun_seq: int) -> None:
        """Nothing is open that was there at this row. Raises: Violation."""
        forgotten = [order_id for order_id, seq in self._open.items() if seq <= begun_seq]
        if forgotten:
            raise Violation(LEFTOVERS, f"nobody minds {forgotten} since row {begun_seq}")

    def _accept(self, event: OrderAccepted, row: Row) -> None:
        run = event.client_order_id.partition("-")[0]
        if run != self._run and self._open:
            raise Violation(LEFTOVERS, f"{run} begins in row {row.seq} with {self._run}'s orders")
        if run != self._run and self._run:
            self._over.add(self._run)
        if run in self._over:
            raise Violation(LEFTOVERS, f"{run} is over and places {event}")
        self._run = run
        self._open[event.order_id] = row.seq
