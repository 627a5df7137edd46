"""The watch over the house: looks how everything is doing and tells its notifiers what is news.

Expendable, and of no consequence: it reads what health, market data and the plugin desk know, and
follows the rows of the exchange. It decides nothing.

The strategies of the configuration are the operator's, and each is told of. Those of people are
their owners' business, who may start and stop them as they like: how many have failed is told now
and then, and cannot crowd out what operators have to know.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

import attrs
import trio

from xached.domain.market import Venue
from xached.domain.messages import Row
from xached.domain.notices import (
    SUBJECT_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    Condition,
    ConditionWatch,
    News,
    NoticeKind,
    Severity,
    news_of,
    shown,
)
from xached.domain.plugins import PluginGroup, Quarantine
from xached.runtime.supervise import ActorState, ActorStatus, Health, Restart, one_line
from xached.runtime.topic import Lagged, Topic
from xached.runtime.world import NS_PER_S
from xached.storage.strategy_tables import StrategyTablesFailed

LOOK_S: Final = 1.0
QUARANTINES_S: Final = 15.0
"""They are read from disk: not with every look."""

PART_LASTS_NS: Final = 10 * NS_PER_S
"""What starts again sooner is in the log, and no news."""

PEOPLES_S: Final = 3_600.0
"""So often, at most, it is told that strategies of people have failed."""

AGAIN: Final = Restart(limit=1_000_000)
"""It is never given up."""

ROWS_BUFFERED_MAX: Final = 5_000
STRATEGY: Final = "strategy "
FEED: Final = "feed "
NOTIFIER: Final = "notifier "
DOWN: Final = (ActorState.PAUSING, ActorState.FAILED)

Tell = Callable[[News], None]


class StaleLines(Protocol):
    """What is known of market data."""

    def stale_venues(self) -> Sequence[tuple[Venue, int]]:
        """The venues that are silent, each with how many markets it is silent about."""
        ...


Quarantined = Callable[[], Awaitable[Sequence[tuple[PluginGroup, str, Quarantine]]]]
"""The plugins that are locked up. Raises: StrategyTablesFailed."""

Kept = Callable[[], Awaitable[Sequence[tuple[PluginGroup, str, int]]]]
"""The plugins that are kept from owners, and from how many. Raises: StrategyTablesFailed."""


@attrs.frozen(kw_only=True)
class Watched:
    """What is looked at."""

    health: Health
    lines: StaleLines
    rows: Topic[Row]
    configured: Callable[[], frozenset[str]]
    """The strategies of the configuration; all others are people's."""
    differing: Callable[[], Sequence[str]]
    """The strategies whose newest judgement was that they decide otherwise."""
    quarantined: Quarantined
    kept: Kept


class HouseWatch:
    """What has been told; it survives restarts. ``tell`` must not block."""

    def __init__(self, watched: Watched, tell: Tell) -> None:
        self._watched = watched
        self._tell = tell
        self._started = False
        self._conditions = ConditionWatch()
        self._locked: list[Condition] = []
        self._peoples_told_at = -math.inf

    async def run(self) -> None:
        """Watch until cancelled."""
        if not self._started:
            self._started = True
            self._tell(
                News(
                    kind=NoticeKind.HOUSE_STARTED,
                    severity=Severity.INFO,
                    subject="house",
                    text="the house has started",
                )
            )
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._follow_rows)
            await self._look_again_and_again()

    async def _follow_rows(self) -> None:
        while True:
            async with self._watched.rows.subscribe(ROWS_BUFFERED_MAX) as subscription:
                cut_off = False
                while not cut_off:
                    for item in await subscription.receive_batch():
                        # What was missed meanwhile is not told: health shows how things stand.
                        cut_off = isinstance(item, Lagged)
                        for news in () if isinstance(item, Lagged) else news_of(item):
                            self._tell(_bounded(news))

    async def _look_again_and_again(self) -> None:
        watched, read_at, unread = self._watched, -math.inf, list[Condition]()
        while True:
            if trio.current_time() >= read_at + QUARANTINES_S:
                read_at = trio.current_time()
                unread = await self._read_quarantines()
            records, configured = watched.health.records(), watched.configured()
            present = [
                *_parts(each for each in records if not _of_people(each, configured)),
                *(_stale(*each, watched.health) for each in watched.lines.stale_venues()),
                *(_differs(name) for name in watched.differing()),
                *self._locked,
                *unread,
            ]
            running = {each.name for each in records if each.state is ActorState.RUNNING}
            for news in self._conditions.look(present, round(trio.current_time() * NS_PER_S)):
                # One that was stopped or removed has not become well.
                if news.kind is not NoticeKind.STRATEGY_STARTED or news.subject in running:
                    self._tell(_bounded(news))
            self._tell_of_peoples(
                sum(each.state in DOWN for each in records if _of_people(each, configured))
            )
            await trio.sleep(LOOK_S)

    async def _read_quarantines(self) -> list[Condition]:
        """Look which plugins are locked up; what is wrong where that cannot be read."""
        try:
            self._locked = [
                *(_locked(*each) for each in await self._watched.quarantined()),
                *(_kept(*each) for each in await self._watched.kept()),
            ]
        except StrategyTablesFailed as failure:
            return [_unread(failure)]
        return []

    def _tell_of_peoples(self, failed: int) -> None:
        if failed and trio.current_time() >= self._peoples_told_at + PEOPLES_S:
            self._peoples_told_at = trio.current_time()
            self._tell(
                News(
                    kind=NoticeKind.STRATEGY_STOPPED,
                    severity=Severity.INFO,
                    subject="strategies of people",
                    text=f"{failed} have failed",
                )
            )


def _of_people(record: ActorStatus, configured: frozenset[str]) -> bool:
    name = record.name
    return name.startswith(STRATEGY) and name.removeprefix(STRATEGY) not in configured


def _parts(records: Iterable[ActorStatus]) -> Iterable[Condition]:
    for record in records:
        down = record.state is ActorState.FAILED
        # A notifier cannot tell of itself, and a feed is told of when it is silent.
        if record.name.startswith(NOTIFIER) or (record.name.startswith(FEED) and not down):
            continue
        if record.state not in DOWN:
            continue
        severity = Severity.ERROR if down else Severity.WARNING
        lasts_ns = 0 if down else PART_LASTS_NS
        if record.name.startswith(STRATEGY):
            # Why is its owner's business: what a strategy raises may hold anything.
            yield Condition(
                kind=NoticeKind.STRATEGY_STOPPED,
                over=NoticeKind.STRATEGY_STARTED,
                subject=record.name,
                severity=severity,
                text="it stays down" if down else "it has failed and will be tried again",
                lasts_ns=lasts_ns,
            )
        else:
            yield Condition(
                kind=NoticeKind.PART_FAILED,
                over=NoticeKind.PART_BACK,
                subject=record.name,
                severity=severity,
                text=record.failure,
                lasts_ns=lasts_ns,
            )


def _stale(venue: Venue, markets: int, health: Health) -> Condition:
    why = health.failure_of(f"{FEED}{venue}")
    return Condition(
        kind=NoticeKind.FEED_STALE,
        over=NoticeKind.FEED_BACK,
        subject=f"venue:{venue}",
        severity=Severity.WARNING,
        text=f"silent about {markets} markets" + (f"; last: {why}" if why else ""),
    )


def _differs(name: str) -> Condition:
    return Condition(
        kind=NoticeKind.PARITY_BROKEN,
        over=NoticeKind.PARITY_HOLDS,
        subject=f"{STRATEGY}{name}",
        severity=Severity.WARNING,
        text="it decides otherwise when it is told the same: see its certificate",
    )


def _locked(group: PluginGroup, name: str, quarantine: Quarantine) -> Condition:
    return Condition(
        kind=NoticeKind.PLUGIN_QUARANTINED,
        over=NoticeKind.PLUGIN_RELEASED,
        subject=f"{group.kind} plugin {name}",
        severity=Severity.ERROR,
        text=f"in quarantine until an operator releases it: {quarantine.cause}",
    )


def _kept(group: PluginGroup, name: str, owners: int) -> Condition:
    """Told once: the number is that of the moment."""
    return Condition(
        kind=NoticeKind.PLUGIN_QUARANTINED,
        over=NoticeKind.PLUGIN_RELEASED,
        subject=f"{group.kind} plugin {name}, for some",
        severity=Severity.WARNING,
        text=f"kept from {owners} whose strategies made it break its rules, not from others: if it "
        "is the plugin's fault, quarantine it",
    )


def _unread(failure: StrategyTablesFailed) -> Condition:
    return Condition(
        kind=NoticeKind.PART_FAILED,
        over=NoticeKind.PART_BACK,
        subject="quarantines of plugins",
        severity=Severity.ERROR,
        text=one_line(failure),
    )


def _bounded(news: News) -> News:
    return attrs.evolve(
        news,
        subject=shown(news.subject, SUBJECT_LENGTH_MAX),
        text=shown(news.text, TEXT_LENGTH_MAX),
    )
