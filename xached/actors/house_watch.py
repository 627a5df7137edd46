"""The watch over the house: looks how everything is doing and tells its notifiers what is news.

Expendable, and of no consequence: it reads what health, market data and the plugin desk know, and
follows the rows of the exchange. It decides nothing.
"""

from __future__ import annotations

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
from xached.runtime.supervise import ActorState, ActorStatus, Health
from xached.runtime.topic import Lagged, Topic
from xached.runtime.world import NS_PER_S

LOOK_S: Final = 1.0
QUARANTINES_S: Final = 15.0
"""They are read from disk: not with every look."""

PART_LASTS_NS: Final = 10 * NS_PER_S
"""What starts again sooner is in the log, and no news."""

ROWS_BUFFERED_MAX: Final = 5_000
STRATEGY: Final = "strategy "
FEED: Final = "feed "
NOTIFIER: Final = "notifier "

Tell = Callable[[News], None]


class StaleLines(Protocol):
    """What is known of market data."""

    def stale_venues(self) -> Sequence[tuple[Venue, int]]:
        """The venues that are silent, each with how many markets it is silent about."""
        ...


Quarantined = Callable[[], Awaitable[Sequence[tuple[PluginGroup, str, Quarantine]]]]
"""The plugins that are locked up."""


@attrs.frozen(kw_only=True)
class Watched:
    """What is looked at."""

    health: Health
    lines: StaleLines
    rows: Topic[Row]
    differing: Callable[[], Sequence[str]]
    """The strategies whose newest judgement was that they decide otherwise."""
    quarantined: Quarantined


async def run_house_watch(watched: Watched, tell: Tell) -> None:
    """Watch until cancelled. ``tell`` must not block."""
    tell(
        News(
            kind=NoticeKind.HOUSE_STARTED,
            severity=Severity.INFO,
            subject="house",
            text="the house has started",
        )
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_follow_rows, watched.rows, tell)
        await _look_again_and_again(watched, tell)


async def _follow_rows(rows: Topic[Row], tell: Tell) -> None:
    while True:
        async with rows.subscribe(ROWS_BUFFERED_MAX) as subscription:
            cut_off = False
            while not cut_off:
                for item in await subscription.receive_batch():
                    # What was missed meanwhile is not told: health shows how things stand.
                    cut_off = isinstance(item, Lagged)
                    for news in () if isinstance(item, Lagged) else news_of(item):
                        tell(_bounded(news))


async def _look_again_and_again(watched: Watched, tell: Tell) -> None:
    conditions, read_at = ConditionWatch(), float("-inf")
    locked: list[Condition] = []
    while True:
        if trio.current_time() >= read_at + QUARANTINES_S:
            read_at = trio.current_time()
            locked = [_locked(*each) for each in await watched.quarantined()]
        present = [
            *_parts(watched.health.records()),
            *(_stale(*each, watched.health) for each in watched.lines.stale_venues()),
            *(_differs(name) for name in watched.differing()),
            *locked,
        ]
        for news in conditions.look(present, round(trio.current_time() * NS_PER_S)):
            tell(_bounded(news))
        await trio.sleep(LOOK_S)


def _parts(records: Iterable[ActorStatus]) -> Iterable[Condition]:
    for record in records:
        down = record.state is ActorState.FAILED
        # A notifier cannot tell of itself, and a feed is told of when it is silent.
        if record.name.startswith(NOTIFIER) or (record.name.startswith(FEED) and not down):
            continue
        if not down and record.state is not ActorState.PAUSING:
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


def _bounded(news: News) -> News:
    return attrs.evolve(
        news,
        subject=shown(news.subject, SUBJECT_LENGTH_MAX),
        text=shown(news.text, TEXT_LENGTH_MAX),
    )
