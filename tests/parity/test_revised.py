"""A strategy was told of trades; the recording has them, or it was revised.

Checked by leaving out: the bounds (what was told before the recording began counts as revised) and
the look for lost rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import attrs
import numpy as np
import pytest

from tests.storage.house import INSTRUMENT, SYMBOL
from xached.adapters.child_frames import write_trades
from xached.domain.market import Provenance, Source, TapeTrade, Venue
from xached.domain.order import Side
from xached.domain.recording import EntryKind, RowKind
from xached.parity.revised import is_revised
from xached.research.history.recordings import LogEntry, MarketRecording

VENUE = Venue("BINANCE")
LENGTH_BYTES = 4


@attrs.frozen
class Told:
    """The log of a run that was told of trades, one a frame."""

    trades: tuple[tuple[int, int, int], ...]

    def entries(self) -> Iterator[LogEntry]:
        for number, (at_ns, ticks, lots) in enumerate(self.trades, 1):
            trade = TapeTrade(
                symbol=SYMBOL,
                source=Source(VENUE, Provenance.LIVE),
                sequence=number,
                trade_id=str(number),
                price_ticks=ticks,
                quantity_lots=lots,
                taker_side=Side.BUY,
                at_ns=at_ns,
            )
            frame = write_trades(INSTRUMENT, VENUE, [trade], lagged=False)
            yield LogEntry(
                kind=EntryKind.HANDED, number=number, at_ns=at_ns, frame=frame[LENGTH_BYTES:]
            )


def recording(*rows: tuple[int, RowKind, int, int]) -> MarketRecording:
    return MarketRecording(
        symbol=SYMBOL,
        venue=VENUE,
        provenance="LIVE",
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.00001"),
        rows=np.array(
            [(at_ns, at_ns, kind, price, lots, 1) for at_ns, kind, price, lots in rows],
            dtype=np.int64,
        ),
    )


ROWS = (
    (10, RowKind.BOUGHT, 500_000, 3),
    (20, RowKind.SOLD, 499_990, 5),
    (30, RowKind.BID, 499_990, 5),
    (40, RowKind.BOUGHT, 500_010, 7),
)
TWENTY = (20, 499_990, 5)


@pytest.mark.parametrize(
    ("told", "revised"),
    [
        ((), False),
        ((TWENTY,), False),
        (((10, 500_000, 3), TWENTY, (40, 500_010, 7)), False),
        (((5, 1, 1), (50, 1, 1)), False),
        (((20, 499_980, 5),), True),
        (((20, 499_990, 6),), True),
        (((25, 499_990, 5),), True),
    ],
)
def test_what_was_told_and_is_not_there_any_more(told: Any, revised: bool) -> None:
    assert is_revised(Told(told), INSTRUMENT, recording(*ROWS)) is revised  # type: ignore[arg-type] # a log


def test_where_rows_were_lost_nothing_can_be_said() -> None:
    told = Told(((20, 499_980, 5),))
    lost = (25, RowKind.LOST, 0, 3)
    assert not is_revised(told, INSTRUMENT, recording(*ROWS, lost))  # type: ignore[arg-type] # a log
    assert not is_revised(told, INSTRUMENT, recording(ROWS[2]))  # type: ignore[arg-type] # a log
