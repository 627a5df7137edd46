"""The tape of one market: trades and changes of book levels, in the order they were published."""

from __future__ import annotations

import enum
from decimal import Decimal
from typing import Final

import attrs
import numpy as np

from xached.research.history.candle_set import Column, DataError

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
        for column in (self.at_ns, self.kind, self.price_ticks, self.quantity_lots):
            if column.dtype != np.int64 or column.shape != self.at_ns.shape:
                raise DataError("every column of a tape holds int64, one row an event")
        if not len(self.at_ns):
            raise DataError("a tape has at least one row")
        if bool(np.any(self.at_ns[1:] < self.at_ns[:-1])):
            raise DataError("the times of a tape never fall")
        if not bool(np.all((self.kind >= 0) & (self.kind < len(TapeKind)))):
            raise DataError("a tape has levels and trades")

    def __len__(self) -> int:
        return len(self.at_ns)

    @property
    def trades(self) -> Column:
        """The rows that are trades."""
        return np.flatnonzero(self.kind >= TapeKind.BOUGHT)
