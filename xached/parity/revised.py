"""Whether a market was revised since a strategy was told of it: each trade that it heard of has to
be in the recording as it is now.

Trades that it did not hear of prove nothing, as market data is conflated for who is slow. Where the
recording itself has lost rows nothing can be said.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from xache_sdk.v1 import plugin_pb2

from xached.domain.instrument import Instrument
from xached.domain.recording import EntryKind, RowKind
from xached.research.history.recordings import MarketRecording, RunLog

_TRADES = (RowKind.BOUGHT, RowKind.SOLD)

Trade = tuple[int, int, int]
"""When it happened, ticks, lots."""


def is_revised(log: RunLog, instrument: Instrument, recorded: MarketRecording) -> bool:
    """Whether the recording of a market differs from what a run was told of it."""
    kinds = recorded.column("kind")
    if bool(np.any(kinds == RowKind.LOST)):
        return False
    rows = recorded.rows[np.isin(kinds, _TRADES)]
    known: set[Trade] = {(at_ns, price, lots) for _, at_ns, _, price, lots, _ in rows.tolist()}
    if not known:
        return False
    # Before and after that nothing was recorded.
    first_ns, last_ns = min(known)[0], max(known)[0]
    told = _told(log, instrument, recorded.venue)
    return any(first_ns < trade[0] < last_ns and trade not in known for trade in told)


def _told(log: RunLog, instrument: Instrument, venue: str) -> set[Trade]:
    trades: set[Trade] = set()
    for entry in log.entries():
        if entry.kind is not EntryKind.HANDED:
            continue
        message = plugin_pb2.HostFrame.FromString(entry.frame).trades
        if (message.symbol, message.venue) != (instrument.symbol, venue):
            continue
        for each in message.trades:
            ticks = Decimal(each.price).scaleb(instrument.price_scale) / instrument.tick_step
            lots = Decimal(each.quantity).scaleb(instrument.base_scale) / instrument.lot_units
            trades.add((each.at_ns, int(ticks), int(lots)))
    return trades
