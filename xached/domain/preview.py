"""Working out an order without placing it.

The same decision on the same state as a placement, made by the exchange's owner between two
batches. Nothing is applied, so nothing changes: deciding only reads.
"""

from __future__ import annotations

import attrs

from xached.domain.exchange import Exchange
from xached.domain.messages import PlaceOrder, Row
from xached.domain.queries import PurseQuery, PurseSnapshot
from xached.domain.rejection import Rejection
from xached.domain.state import State


@attrs.frozen(kw_only=True)
class Preview:
    """What would be journaled, as the row after ``seq``; or why nothing would be.

    ``purse`` is how the purse stands before.
    """

    seq: int
    purse: PurseSnapshot
    row: Row | None
    refusal: Rejection | None


@attrs.frozen
class PreviewQuery:
    """What would this order do now? ``now_ns`` is the asker's time."""

    command: PlaceOrder
    now_ns: int

    def read(self, state: State, seq: int) -> Preview:
        """Raises: Rejection UNKNOWN_PURSE; other refusals are part of the answer."""
        purse = PurseQuery(self.command.purse).read(state, seq)
        at_ns = max(self.now_ns, state.now_ns + 1)
        try:
            events = Exchange(state).decide(self.command, seq + 1, at_ns)
        except Rejection as refusal:
            return Preview(seq=seq, purse=purse, row=None, refusal=refusal)
        row = Row(seq=seq + 1, at_ns=at_ns, command=self.command, events=events)
        return Preview(seq=seq, purse=purse, row=row, refusal=None)
