"""Watches conduct: folds every durable row into what accounts do that somebody should look at.

What it knows is of the rows since some row before the start and is lost with the daemon; the rows
that are its evidence are in the journal for ever. Nothing is refused by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import trio

from xached.domain.integrity import Integrity
from xached.domain.messages import Row
from xached.runtime.mailbox import Closed, Overloaded
from xached.runtime.topic import Lagged, Topic

LOOK_BACK_ROWS: Final = 10_000
"""Rows before the start that are looked at."""

ROWS_BUFFERED_MAX: Final = 20_000
RETRY_S: Final = 0.1
"""How long a busy exchange is left alone before it is asked for rows again."""


class Journal(Protocol):
    """Where rows are read that were not heard."""

    async def rows(self, first: int, last: int) -> list[Row]:
        """Rows that are on disk; as many as fit, at least the first when it is there.

        Raises: Overloaded, Closed.
        """
        ...


async def run_integrity(
    integrity: Integrity, feed: Topic[Row], journal: Journal, last_seq: Callable[[], int]
) -> None:
    """Follow the rows until cancelled or the exchange has closed.

    Args:
        last_seq: tells the newest row that is on disk.
    """
    integrity.seq = max(integrity.seq, last_seq() - LOOK_BACK_ROWS)
    while True:
        async with feed.subscribe(ROWS_BUFFERED_MAX) as heard:
            while integrity.seq < (newest := last_seq()):
                try:
                    missed = await journal.rows(integrity.seq + 1, newest)
                except Overloaded:
                    await trio.sleep(RETRY_S)
                    continue
                except Closed:
                    return
                for row in missed:
                    integrity.fold(row)
            lagged = False
            while not lagged:
                for row_or_lag in await heard.receive_batch():
                    if isinstance(row_or_lag, Lagged):
                        lagged = True
                    elif not lagged:
                        integrity.fold(row_or_lag)
