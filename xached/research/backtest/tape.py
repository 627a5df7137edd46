"""The tape of one market: trades and changes of book levels, in the order they were published.

Tapes of several markets are told as one, in the order of their times.
"""

from __future__ import annotations

import enum
import hashlib
import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import attrs
import numpy as np
from xache_sdk.market import Interval

from xached.domain.instrument import Instrument
from xached.research.history.candle_set import CandleSet, Column, DataError
from xached.research.history.trade_candles import trade_candles

COLUMNS: Final = 4


class TapeKind(enum.IntEnum):
    """What a row is. BID and ASK: the level at that price now has so many lots; 0: it is gone.

    BOUGHT and SOLD: a trade whose taker bought or sold.
    """

    BID = 0
    ASK = 1
    BOUGHT = 2
    SOLD = 3


@attrs.frozen(kw_only=True, eq=False)
class Tape:
    """Rows of one market, every column int64 of shape (n,), times never falling.

    Raises: DataError for columns of other shapes, times that fall, or kinds that do not exist.
    """

    symbol: str
    venue: str
    tick_size: Decimal
    lot_size: Decimal
    at_ns: Column
    kind: Column
    price_ticks: Column
    quantity_lots: Column

    def __attrs_post_init__(self) -> None:
        for column in self.columns:
            if column.dtype != np.int64 or column.shape != self.at_ns.shape:
                raise DataError("every column of a tape holds int64, one row an event")
        if not len(self.at_ns):
            raise DataError(f"a tape has at least one row: that of {self.symbol} has none here")
        if bool(np.any(self.at_ns[1:] < self.at_ns[:-1])):
            raise DataError("the times of a tape never fall")
        if not bool(np.all((self.kind >= 0) & (self.kind < len(TapeKind)))):
            raise DataError("a tape has levels and trades")

    def __len__(self) -> int:
        return len(self.at_ns)

    @property
    def columns(self) -> tuple[Column, Column, Column, Column]:
        """Times, kinds, prices and quantities."""
        return self.at_ns, self.kind, self.price_ticks, self.quantity_lots

    @property
    def fingerprint(self) -> str:
        """BLAKE2b-256 of what it says: the same tape always has the same one."""
        digest = hashlib.blake2b(digest_size=32)
        steps = f"{self.tick_size.normalize():f} {self.lot_size.normalize():f}"
        digest.update(f"tape 1 {self.symbol} {self.venue} {steps}\n".encode())
        for column in self.columns:
            digest.update(np.ascontiguousarray(column, dtype="<i8").data)
        return digest.hexdigest()

    def before(self, at_ns: int) -> Tape:
        """What happened before a time, without copying. Raises: DataError when nothing did."""
        rows = slice(0, int(np.searchsorted(self.at_ns, at_ns)))
        return attrs.evolve(
            self,
            at_ns=self.at_ns[rows],
            kind=self.kind[rows],
            price_ticks=self.price_ticks[rows],
            quantity_lots=self.quantity_lots[rows],
        )

    def candles(self, interval: Interval) -> CandleSet:
        """Candles of the trades that were whole; the first interval is not, as a rule.

        Raises: DataError when no trade follows the first interval.
        """
        rows = self.trades
        whole_ns = -(-self.at_ns.item(0) // interval.ns) * interval.ns
        over_ns = self.at_ns.item(-1) // interval.ns * interval.ns
        rows = rows[(self.at_ns[rows] >= whole_ns) & (self.at_ns[rows] < over_ns)]
        if not len(rows):
            raise DataError(f"the tape of {self.symbol} is too short for {interval.value} candles")
        return trade_candles(
            symbol=self.symbol,
            venue=self.venue,
            interval=interval,
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            at_ns=self.at_ns[rows],
            price_ticks=self.price_ticks[rows],
            quantity_lots=self.quantity_lots[rows],
            bought=self.kind[rows] == TapeKind.BOUGHT,
        )

    @property
    def trades(self) -> Column:
        """The rows that are trades."""
        return np.flatnonzero(self.kind >= TapeKind.BOUGHT)


@attrs.frozen
class TapeMarket:
    """A market and its tape. Raises: DataError for one of another market or in other steps."""

    instrument: Instrument
    tape: Tape

    def __attrs_post_init__(self) -> None:
        tape, instrument = self.tape, self.instrument
        steps = Decimal(instrument.tick_size), Decimal(instrument.lot_size)
        if (tape.symbol, tape.tick_size, tape.lot_size) != (instrument.symbol, *steps):
            raise DataError(f"the tape of {tape.symbol} is not in the steps of {instrument.symbol}")


def stretches(
    tapes: Sequence[Tape], first_rows: Sequence[int], rows_max: int
) -> Iterator[tuple[int, int]]:
    """How to read tapes in the order of time: which one, and how many of its rows come next.

    Rows of one time come in the order in which the tapes are given, those of one tape in its own.
    ``first_rows``: where to begin in each. A stretch has at most ``rows_max`` rows.
    """
    left = [tape.at_ns[first:] for tape, first in zip(tapes, first_rows, strict=True)]
    owners = np.repeat(np.arange(len(left), dtype=np.int16), [len(each) for each in left])
    if len(left) > 1:
        owners = owners[np.argsort(np.concatenate(left), kind="stable")]
    edges = np.concatenate(([0], np.flatnonzero(np.diff(owners)) + 1, [len(owners)])).tolist()
    for start, stop in itertools.pairwise(edges):
        for at in range(start, stop, rows_max):
            yield int(owners[at]), min(rows_max, stop - at)
