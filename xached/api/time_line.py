"""When each step of an order was done, told to those who ask."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import trio
from xache.v1 import trading_pb2

from xached.actors.matching import Matching
from xached.domain.messages import Row


@attrs.frozen
class Arrival:
    """When an order reached the house, and when its caller was let in and it was read."""

    received_ns: int
    authorised_ns: int


class TimeLines:
    """Puts together what the edge and the exchange know of an order's way."""

    def __init__(self, matching: Matching, now_ns: Callable[[], int]) -> None:
        self._matching = matching
        self._now_ns = now_ns

    def arrival(self, received_s: float) -> Arrival:
        """An order that was read just now; ``received_s`` is when it came, on trio's clock."""
        authorised_ns = self._now_ns()
        waited_ns = round((trio.current_time() - received_s) * 1e9)
        return Arrival(authorised_ns - waited_ns, authorised_ns)

    def line(self, arrival: Arrival, row: Row) -> trading_pb2.TimeLine | None:
        """The steps of an order; None where the row is older than this arrival or too long ago.

        A repeated answer tells of what was done before its call came.
        """
        commit = self._matching.commit_of(row.seq)
        if commit is None or row.at_ns < arrival.authorised_ns:
            return None
        return trading_pb2.TimeLine(
            received_ns=arrival.received_ns,
            authorised_ns=arrival.authorised_ns,
            decided_ns=row.at_ns,
            durable_ns=max(commit.durable_ns, row.at_ns),
            published_ns=max(commit.published_ns, row.at_ns),
        )
