"""What the watch over the house tells, from what it is shown.

Checked by breaking, each seen red: reasons of strategies that are told, feeds that are told of
twice, and quarantines that are read with every look.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import attrs
import trio
import trio.testing

from xached.actors.house_watch import QUARANTINES_S, Watched, run_house_watch
from xached.domain.market import BINANCE, Venue
from xached.domain.messages import HaltSet, Row, SetHalt
from xached.domain.notices import News, NoticeKind, Severity
from xached.domain.plugins import PluginGroup, Quarantine
from xached.runtime.supervise import Health, Restart, WorldFault, run_expendable
from xached.runtime.topic import Topic


@attrs.define
class Shown:
    """A house by hand, and what was told of it."""

    health: Health = attrs.field(factory=Health)
    rows: Topic[Row] = attrs.field(factory=Topic)
    stale: list[tuple[Venue, int]] = attrs.field(factory=list)
    differing: list[str] = attrs.field(factory=list)
    locked: list[tuple[PluginGroup, str, Quarantine]] = attrs.field(factory=list)
    reads: int = 0
    told: list[News] = attrs.field(factory=list)

    def stale_venues(self) -> Sequence[tuple[Venue, int]]:
        """See StaleLines."""
        return self.stale

    async def quarantined(self) -> Sequence[tuple[PluginGroup, str, Quarantine]]:
        """See Quarantined."""
        await trio.lowlevel.checkpoint()
        self.reads += 1
        return self.locked

    def kinds(self) -> list[tuple[str, str]]:
        """What was told, and of what."""
        return [(each.kind.value, each.subject) for each in self.told]


@asynccontextmanager
async def watching(shown: Shown) -> AsyncIterator[trio.Nursery]:
    watched = Watched(
        health=shown.health,
        lines=shown,
        rows=shown.rows,
        differing=lambda: shown.differing,
        quarantined=shown.quarantined,
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_house_watch, watched, shown.told.append)
        await trio.testing.wait_all_tasks_blocked()
        assert shown.kinds() == [("HOUSE_STARTED", "house")]
        shown.told.clear()
        yield nursery
        nursery.cancel_scope.cancel()


@attrs.define
class Part:
    """Fails until it is well."""

    failure: str
    well: bool = False

    async def run(self) -> None:
        """Run."""
        if not self.well:
            raise WorldFault(self.failure)
        await trio.sleep_forever()


AGAIN = Restart(limit=1_000, pause_s=5, pause_s_max=5)


async def test_a_part_that_is_down_for_a_while_is_told_of(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shown, part = Shown(), Part("no disk\nat all")
    async with watching(shown) as nursery:
        nursery.start_soon(partial(run_expendable, "recorder", part.run, shown.health, AGAIN))
        await trio.sleep(9)
        assert shown.told == []
        await trio.sleep(9)
        (down,) = shown.told
        assert (down.kind, down.severity, down.subject) == (
            NoticeKind.PART_FAILED, Severity.WARNING, "recorder",
        )  # fmt: skip
        assert "no disk" in down.text
        assert down.text.isprintable()
        part.well = True
        await trio.sleep(30)
        assert shown.kinds()[1:] == [("PART_BACK", "recorder")]


async def test_a_part_that_stays_down_is_told_of_at_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shown = Shown()
    async with watching(shown) as nursery:
        for name in ("strategy s-1", "notifier ops", "recorder"):
            part = Part("whose name is in it")
            give_up = Restart(limit=0)
            nursery.start_soon(partial(run_expendable, name, part.run, shown.health, give_up))
        await trio.sleep(2)
        failed, stopped = sorted(shown.told, key=lambda each: each.kind.value)
        assert (failed.subject, stopped.subject) == ("recorder", "strategy s-1")
        assert stopped.text == "it stays down", "why is its owner's business"
        assert "whose name is in it" in failed.text
        assert stopped.severity is failed.severity is Severity.ERROR


async def test_a_feed_is_told_of_when_it_is_silent(autojump_clock: trio.testing.MockClock) -> None:
    shown, part = Shown(), Part("connection refused")
    async with watching(shown) as nursery:
        nursery.start_soon(partial(run_expendable, "feed BINANCE", part.run, shown.health, AGAIN))
        await trio.sleep(30)
        assert shown.told == []
        shown.stale.append((BINANCE, 2))
        await trio.sleep(2)
        (silent,) = shown.told
        assert (silent.kind, silent.subject) == (NoticeKind.FEED_STALE, "venue:BINANCE")
        assert "silent about 2 markets; last: " in silent.text
        assert "connection refused" in silent.text
        shown.stale.clear()
        await trio.sleep(20)
        assert shown.kinds()[1:] == [("FEED_BACK", "venue:BINANCE")]


async def test_plugins_that_are_locked_up_and_strategies_that_differ(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shown = Shown()
    quarantine = Quarantine(cause="it broke its rules\x1b[2J", by="", at_ns=1)
    async with watching(shown):
        shown.locked.append((PluginGroup.FEED, "example", quarantine))
        shown.differing.append("s-1")
        await trio.sleep(2 * QUARANTINES_S)
        assert shown.kinds() == [
            ("PARITY_BROKEN", "strategy s-1"), ("PLUGIN_QUARANTINED", "feed plugin example"),
        ]  # fmt: skip
        assert shown.told[1].text.endswith("it broke its rules?[2J")
        assert shown.reads <= 4
        shown.locked.clear()
        shown.differing.clear()
        await trio.sleep(60)
        assert sorted(shown.kinds()[2:]) == [
            ("PARITY_HOLDS", "strategy s-1"), ("PLUGIN_RELEASED", "feed plugin example"),
        ]  # fmt: skip


def halt(seq: int) -> Row:
    return Row(
        seq=seq,
        at_ns=seq,
        command=SetHalt(halted=True, cause="drill", request_id=""),
        events=(HaltSet(halted=True, cause="drill"),),
    )


async def test_rows_are_told_also_after_some_were_missed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shown = Shown()
    async with watching(shown):
        shown.rows.publish([halt(1)])
        await trio.sleep(1)
        assert shown.kinds() == [("RISK_CHANGED", "house")]
        shown.rows.interrupt()
        await trio.sleep(1)
        shown.rows.publish([halt(2)])
        await trio.sleep(1)
        assert len(shown.told) == 2
