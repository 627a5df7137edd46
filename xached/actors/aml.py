"""Watches for money laundering: folds every durable row into rules, and opens cases.

What it knows is lost with the daemon, and made again from all rows at the next start: when somebody
last did anything may have been a year ago, and whether a rule is silent because it alerted depends
on what was before. The same rows give the same alerts, and an alert has one case, so none is opened
twice. Nothing is refused by it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import trio

from xached.domain.aml import Alert, AmlRule, AmlWatch, movements_of
from xached.domain.messages import Row
from xached.runtime.mailbox import Closed, Overloaded
from xached.runtime.topic import Lagged, Topic

PAUSE_S: Final = 0.02
"""Between pieces of what was before the start: it takes no more than a part of the house's time."""

ROWS_BUFFERED_MAX: Final = 20_000
RETRY_S: Final = 0.5
"""How long somebody busy is left alone before they are asked again."""


class Journal(Protocol):
    """Where rows are read that were not heard."""

    async def rows(self, first: int, last: int) -> list[Row]:
        """Rows that are on disk; as many as fit, at least the first when it is there.

        Raises: Overloaded, Closed.
        """
        ...


async def run_aml(
    rules: tuple[AmlRule, ...],
    feed: Topic[Row],
    journal: Journal,
    last_seq: Callable[[], int],
    open_case: Callable[[Alert], Awaitable[None]],
) -> None:
    """Follow the rows until cancelled or the exchange has closed.

    Args:
        last_seq: tells the newest row that is on disk.
        open_case: opens a case, once. Raises: Overloaded, nothing done; Closed.
    """
    # Its own, as what an earlier run has folded would count twice.
    watch, seq = AmlWatch(rules), 0

    async def fold(row: Row) -> None:
        for movement in movements_of(row):
            for alert in watch.fold(movement):
                await _tell(alert, open_case)

    while True:
        async with feed.subscribe(ROWS_BUFFERED_MAX) as heard:
            while seq < (newest := last_seq()):
                try:
                    missed = await journal.rows(seq + 1, newest)
                except Overloaded:
                    await trio.sleep(RETRY_S)
                    continue
                except Closed:
                    return
                for row in missed:
                    await fold(row)
                    seq = row.seq
                await trio.sleep(PAUSE_S)
            lagged = False
            while not lagged:
                for row_or_lag in await heard.receive_batch():
                    if isinstance(row_or_lag, Lagged):
                        lagged = True
                    elif not lagged and row_or_lag.seq > seq:
                        await fold(row_or_lag)
                        seq = row_or_lag.seq


async def _tell(alert: Alert, open_case: Callable[[Alert], Awaitable[None]]) -> None:
    while True:
        try:
            await open_case(alert)
        except Overloaded:
            await trio.sleep(RETRY_S)
        except Closed:
            return
        else:
            return
