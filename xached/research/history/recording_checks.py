"""What a recording of a market holds, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import attrs
import numpy as np

from xached.domain.depth import Depth
from xached.domain.order import Side
from xached.domain.recording import RowKind
from xached.research.history.recordings import MarketRecording


@attrs.frozen(kw_only=True)
class RecordingReport:
    """Counts of a recording.

    ``lost_rows`` were not recorded; ``breaks`` is how often the book was not known;
    ``repeated_trades`` have the id of an earlier one; ``crossed`` is after how many moments a bid
    was at or above an ask; ``early_trades`` happened later than they were known, by more than
    ``ahead_ns_max``, the most of all: the clocks differ.
    """

    rows: int
    trades: int
    levels: int
    first_at_ns: int
    last_at_ns: int
    lost_rows: int
    breaks: int
    repeated_trades: int
    crossed: int
    ahead_ns_max: int

    @property
    def broken(self) -> bool:
        """Whether it contradicts itself, so that no run on it means anything."""
        return self.crossed > 0

    def document(self) -> dict[str, Any]:
        """All of it, by name."""
        return attrs.asdict(self)


def check_recording(recording: MarketRecording) -> RecordingReport:
    """Look for what is missing, twice there or impossible."""
    kinds = recording.column("kind")
    received = recording.column("received_at_ns")
    is_trade = (kinds == RowKind.BOUGHT) | (kinds == RowKind.SOLD)
    is_level = (kinds == RowKind.BID) | (kinds == RowKind.ASK)
    lost = recording.column("quantity_lots")[kinds == RowKind.LOST]
    resets = (kinds == RowKind.RESET) & (recording.column("quantity_lots") == 0)
    ids = recording.column("trade_id")[is_trade]
    ahead = (recording.column("at_ns") - received)[is_trade]
    return RecordingReport(
        rows=len(recording),
        trades=int(is_trade.sum()),
        levels=int(is_level.sum()),
        first_at_ns=int(received[0]) if len(received) else 0,
        last_at_ns=int(received[-1]) if len(received) else 0,
        lost_rows=int(lost.sum()),
        breaks=int(resets.sum()) + len(lost),
        repeated_trades=len(ids) - len(np.unique(ids)),
        crossed=_crossed(recording),
        ahead_ns_max=max(0, int(ahead.max())) if len(ahead) else 0,
    )


def _crossed(recording: MarketRecording) -> int:
    depth, crossed = Depth(), 0
    changed_at_ns = 0
    for received, _, kind, price, lots, _ in recording.rows.tolist():
        if received != changed_at_ns:
            # Only between moments: what is published together changes one level after the other.
            crossed += depth.crossed
            changed_at_ns = received
        if kind == RowKind.BID:
            depth.set(Side.BUY, price, lots)
        elif kind == RowKind.ASK:
            depth.set(Side.SELL, price, lots)
        elif kind == RowKind.RESET:
            depth.clear()
    return crossed + depth.crossed
