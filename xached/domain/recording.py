"""What the house records: rows of its markets, and what its strategies were told and wanted.

A market's rows are whole numbers, six a row (see :data:`MARKET_COLUMNS`), in the order in which
they became known here. A strategy's entries are what went through the connection to its process.
"""

from __future__ import annotations

import enum
from typing import Final

MARKET_COLUMNS: Final = (
    "received_at_ns", "at_ns", "kind", "price_ticks", "quantity_lots", "trade_id",
)  # fmt: skip
"""When it was known here, when it happened at the venue; no trade has the id 0."""


BOOK_LEVELS_MAX: Final = 1_000
"""Levels a side of a whole book; what is beyond comes as it changes."""


class RowKind(enum.IntEnum):
    """What a row of a market is.

    BID and ASK: the level at that price now has so many lots; 0: it is gone. BOUGHT and SOLD: a
    trade whose taker bought or sold. RESET: the book is now what so many rows of levels say that
    follow, as its quantity counts; none: it is not known. Where a side has
    :data:`BOOK_LEVELS_MAX` of them, nothing is said of what is worse. LOST: so many rows or more
    were not recorded before this one.
    """

    BID = 0
    ASK = 1
    BOUGHT = 2
    SOLD = 3
    RESET = 4
    LOST = 5


class EntryKind(enum.IntEnum):
    """What an entry of a strategy's log is.

    HANDED: a frame was written to it, with its number. DECIDED: it wrote one, after so many frames.
    ANSWERED: it had read so many frames and wants nothing more because of them. ENDED: it was asked
    to end and did, so that nothing is missing.
    """

    HANDED = 1
    DECIDED = 2
    ANSWERED = 3
    ENDED = 4
