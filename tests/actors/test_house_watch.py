"""What the watch over the house tells, from what it is shown.

Checked by breaking, each seen red: reasons of strategies that are told, feeds that are told of
twice, quarantines that are read with every look, strategies of people that are
told one by one, a strategy that is told to be well because it is gone, a watch that ends with what
it cannot read, and one that says with every restart that the house has started.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import attrs
import trio
import trio.testing

from xached.actors.house_watch import PEOPLES_S, QUARANTINES_S, HouseWatch, Watched
from xached.domain.market import BINANCE, Venue
from xached.domain.messages import HaltSet, Row, SetHalt
from xached.domain.notices import News, NoticeKind, Severity
from xached.domain.plugins import PluginGroup, Quarantine
from xached.runtime.supervise import Health, Restart, WorldFault, run_expendable
from xached.runtime.topic import Topic
from xached.storage.strategy_tables import StrategyTablesFailed


@attrs.define
class Shown:
    """A house by hand, and what was told of it."""

    health: Health = attrs.field(factory=Health)
    rows: Topic[Row] = attrs.field(factory=Topic)
    stale: list[tuple[Venue, int]] = attrs.field(factory=list)
    configured: frozenset[str] = frozenset()
    differing: list[str] = attrs.field(factory=list)
    unreadable: bool = False
    locked: list[tuple[PluginGroup, str, Quarantine]] = attrs.field(factory=list)
    kept: list[tuple[PluginGroup, str, int]] = attrs.field(factory=list)
    reads: int = 0
    told: list[News] = attrs.field(factory=list)

    def stale_venues(self) -> Sequence[tuple[Venue, int]]:
        """See StaleLines."""
        return self.stale

    async def quarantined(self) -> Sequence[tuple[PluginGroup, str, Quarantine]]:
        """See Quarantined."""
        await trio.lowlevel.checkpoint()
        self.reads += 1
        if self.unreadable:
            raise StrategyTablesFailed("strategies.db cannot be read")
        return self.locked

    async def kept_from(self) -> Sequence[tuple[PluginGroup, str, int]]:
        """See Kept."""
        await trio.lowlevel.checkpoint()
        return self.kept

    def kinds(self) -> list[tuple[str, str]]:
        """What was told, and of what."""
        return [(each.kind.value, each.subject) for each in self.told]


def watch_of(shown: Shown) -> HouseWatch:
    watched = Watched(
        health=shown.health,
        lines=shown,
        rows=shown.rows,
        configured=lambda: shown.configured,
        differing=lambda: shown.differing,
        quarantined=shown.quarantined,
        kept=shown.kept_from,
    )
    return HouseWatch(watched, shown.told.append)


@asynccontextmanager
async def watching(shown: Shown) -> AsyncIterator[trio.Nursery]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch_of(shown).run)
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
    shown = Shown(configured=frozenset({"s-1"}))
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


async def test_a_plugin_that_is_kept_from_owners_is_told_of(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Once, however many they become: who sees it looks at it as it is then."""
    shown = Shown()
    async with watching(shown):
        for owners in (1, 2, 3):
            shown.kept = [(PluginGroup.STRATEGY, "sma", owners)]
            await trio.sleep(2 * QUARANTINES_S)
        [told] = shown.told
        assert (told.kind, told.severity) == (NoticeKind.PLUGIN_QUARANTINED, Severity.WARNING)
        assert told.subject == "strategy plugin sma, for some"
        assert told.text.startswith("kept from 1 whose strategies")
        shown.kept = []
        await trio.sleep(60)
        assert shown.kinds()[1:] == [("PLUGIN_RELEASED", "strategy plugin sma, for some")]


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


async def test_strategies_of_people_are_told_as_a_number_now_and_then(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shown = Shown(configured=frozenset({"s-1"}))
    async with watching(shown) as nursery:
        for _ in range(60):
            for name in ("strategy a", "strategy b on paper"):
                part = Part("on purpose")
                nursery.start_soon(
                    partial(run_expendable, name, part.run, shown.health, Restart(limit=0))
                )
            await trio.sleep(PEOPLES_S / 100)
            shown.health.forget("strategy a")
            shown.health.forget("strategy b on paper")
            await trio.sleep(PEOPLES_S / 100)
        assert [each.severity for each in shown.told] == [Severity.INFO] * 2
        assert shown.kinds() == [("STRATEGY_STOPPED", "strategies of people")] * 2
        assert shown.told[0].text == "2 have failed"


async def test_a_strategy_that_was_removed_has_not_become_well(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shown = Shown(configured=frozenset({"gone", "well"}))
    mended = Part("for now")
    async with watching(shown) as nursery:
        give_up = Restart(limit=0)
        gone = partial(run_expendable, "strategy gone", Part("no").run, shown.health, give_up)
        nursery.start_soon(gone)
        well = partial(run_expendable, "strategy well", mended.run, shown.health, AGAIN)
        nursery.start_soon(well)
        await trio.sleep(20)
        mended.well = True
        shown.health.forget("strategy gone")
        await trio.sleep(30)
        assert sorted(shown.kinds()) == [
            ("STRATEGY_STARTED", "strategy well"),
            ("STRATEGY_STOPPED", "strategy gone"),
            ("STRATEGY_STOPPED", "strategy well"),
        ]


async def test_it_watches_on_when_quarantines_cannot_be_read(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shown = Shown()
    quarantine = Quarantine(cause="it broke its rules", by="", at_ns=1)
    async with watching(shown):
        shown.locked.append((PluginGroup.FEED, "example", quarantine))
        await trio.sleep(2 * QUARANTINES_S)
        assert shown.kinds() == [("PLUGIN_QUARANTINED", "feed plugin example")]
        shown.told.clear()
        shown.unreadable = True
        await trio.sleep(10 * QUARANTINES_S)
        (unread,) = shown.told
        assert (unread.kind, unread.severity) == (NoticeKind.PART_FAILED, Severity.ERROR)
        assert "strategies.db cannot be read" in unread.text
        shown.rows.publish([halt(1)])
        shown.unreadable = False
        await trio.sleep(3 * QUARANTINES_S)
        assert [kind for kind, _ in shown.kinds()[1:]] == ["RISK_CHANGED", "PART_BACK"]


async def test_the_house_is_told_to_have_started_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    shown = Shown()
    shown.stale.append((BINANCE, 2))
    watch = watch_of(shown)
    for _ in range(3):
        with trio.move_on_after(5):
            await watch.run()
    assert shown.kinds() == [("HOUSE_STARTED", "house"), ("FEED_STALE", "venue:BINANCE")]
