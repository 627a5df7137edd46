"""The watch for money laundering knows after a restart all that it knew before.

Checked by breaking, each seen red: a start some rows before the end (the sleeper is not known, and
a rule that was silent alerts again), and a watch that is kept over a failure (rows count twice).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from trio.testing import MockClock

from tests.domain.test_aml import DORMANT, HOUR_NS, USDT, VELOCITY
from xached.actors.aml import run_aml
from xached.domain.aml import Alert, AmlRule, AmlWatch, movements_of
from xached.domain.messages import Deposit, Deposited, Row
from xached.domain.order import Purse
from xached.runtime.topic import Topic

RULES = (VELOCITY, DORMANT)
ROWS_OF_A_READ = 7


def deposit(seq: int, hour: int, who: str, units: int = 9_000) -> Row:
    purse = Purse(f"{who}/main")
    return Row(
        seq=seq,
        at_ns=1 + hour * HOUR_NS,
        command=Deposit(purse=purse, asset=USDT, amount_units=units, request_id=f"d-{seq}"),
        events=(Deposited(purse=purse, asset=USDT, amount_units=units, reference=""),),
    )


def history() -> list[Row]:
    """A sleeper who wakes up after everybody else, and somebody who moves money all the time."""
    rows = [deposit(1, 0, "sleeper")]
    rows += [deposit(2 + n, 1 + n, "busy") for n in range(60)]
    rows.append(deposit(62, 5_000, "sleeper"))
    return rows


class Disk:
    """Rows as they are read, a few at a time."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows
        self.reads = 0
        self.fails_at: int | None = None

    def last_seq(self) -> int:
        return len(self._rows)

    async def rows(self, first: int, last: int) -> list[Row]:
        await trio.lowlevel.checkpoint()
        self.reads += 1
        if self.reads == self.fails_at:
            raise OSError("the disk")
        return self._rows[first - 1 : min(last, first + ROWS_OF_A_READ - 1)]


def uninterrupted(rules: tuple[AmlRule, ...], rows: list[Row]) -> list[str]:
    watch = AmlWatch(rules)
    return [
        alert.case_key
        for row in rows
        for movement in movements_of(row)
        for alert in watch.fold(movement)
    ]


async def follow(disk: Disk, feed: Topic[Row], cases: Callable[[str], None]) -> None:
    async def open_case(alert: Alert) -> None:
        await trio.lowlevel.checkpoint()
        cases(alert.case_key)

    await run_aml(RULES, feed, disk, disk.last_seq, open_case)


@pytest.mark.parametrize("before", [1, 30, 55, 61, 62])
async def test_a_restart_opens_the_cases_that_no_restart_would_have(
    autojump_clock: MockClock, before: int
) -> None:
    rows = history()
    expected = uninterrupted(RULES, rows)
    assert any(key.startswith("dormant-sleeper") for key in expected)
    assert sum(key.startswith("velocity-busy") for key in expected) == 3
    told: dict[str, None] = {}
    feed = Topic[Row]()
    for known in (rows[:before], rows):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, Disk(known), feed, told.setdefault)
            await trio.sleep(60)
            nursery.cancel_scope.cancel()
    assert list(told) == expected


async def test_what_fails_in_the_middle_begins_anew(autojump_clock: MockClock) -> None:
    rows, told, feed = history(), dict[str, None](), Topic[Row]()
    disk = Disk(rows)
    disk.fails_at = 4
    with pytest.raises(ExceptionGroup):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(follow, disk, feed, told.setdefault)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow, disk, feed, told.setdefault)
        await trio.sleep(60)
        nursery.cancel_scope.cancel()
    assert list(told) == uninterrupted(RULES, rows)
