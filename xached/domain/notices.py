"""Notices: what operators are told wherever they are, and when something is worth telling.

Theory of operation. Two things become news. An event of the journal is news at once. A condition,
as a feed that is silent, is looked at again and again: it is news when it has lasted for as long as
it asks, and it is news again when it has been gone for :data:`SETTLED_NS`. What comes and goes
faster than that is told of once:

    absent --seen--> pending --lasts--> told --gone for a while--> absent, told of as well
                     pending --gone--> absent, and nobody has heard of it

A notice names no person: markets, venues, plugins, parts of the house, and ids that mean nothing
outside of it.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final

import attrs

from xached.domain.frozen import frozen
from xached.domain.messages import HaltSet, MarketStateSet, RiskStateSet, Row
from xached.domain.order import OPEN_STATES
from xached.domain.risk_bounds import RiskState

TEXT_LENGTH_MAX: Final = 300
SUBJECT_LENGTH_MAX: Final = 120
SETTLED_NS: Final = 10 * 10**9
"""For so long a condition must be gone to be over."""


class NoticeKind(enum.Enum):
    """What a notice tells. Plugins are told the same names."""

    HOUSE_STARTED = "HOUSE_STARTED"
    STRATEGY_STOPPED = "STRATEGY_STOPPED"
    STRATEGY_STARTED = "STRATEGY_STARTED"
    """One that was told to have stopped runs again."""
    PLUGIN_QUARANTINED = "PLUGIN_QUARANTINED"
    PLUGIN_RELEASED = "PLUGIN_RELEASED"
    RISK_CHANGED = "RISK_CHANGED"
    """What a market, an account or the whole house may do."""
    PARITY_BROKEN = "PARITY_BROKEN"
    """A strategy that was told again what it was told wanted something else."""
    PARITY_HOLDS = "PARITY_HOLDS"
    FEED_STALE = "FEED_STALE"
    FEED_BACK = "FEED_BACK"
    PART_FAILED = "PART_FAILED"
    """A part of the house has failed: it starts again after a pause, or stays down."""
    PART_BACK = "PART_BACK"
    NOTICES_LOST = "NOTICES_LOST"
    """There were more than could be kept until they were sent."""


class Severity(enum.IntEnum):
    """How much a notice matters."""

    INFO = 1
    WARNING = 2
    ERROR = 3


@frozen(kw_only=True)
class News:
    """Something worth telling."""

    kind: NoticeKind
    severity: Severity
    subject: str
    text: str


@frozen(kw_only=True)
class Notice:
    """The same as it is sent. ``notice_id`` stays the same however often that is tried."""

    notice_id: str
    kind: NoticeKind
    severity: Severity
    subject: str
    text: str
    at_ns: int


@frozen(kw_only=True)
class Condition:
    """Something that is not as it should be, now. ``over`` is told when it has gone."""

    kind: NoticeKind
    over: NoticeKind
    subject: str
    severity: Severity
    text: str
    lasts_ns: int = 0
    """How long it must have lasted to be told."""


@attrs.define
class _Seen:
    condition: Condition
    since_ns: int
    told: bool = False
    gone_ns: int | None = None


class ConditionWatch:
    """What is known of conditions that were seen. Bounded by how many there are at one time."""

    def __init__(self) -> None:
        self._seen: dict[tuple[NoticeKind, str], _Seen] = {}

    def look(self, conditions: Iterable[Condition], now_ns: int) -> list[News]:
        """What is news, now that these are there and no others. ``now_ns`` never falls."""
        news: list[News] = []
        present = {(each.kind, each.subject): each for each in conditions}
        for key, condition in present.items():
            seen = self._seen.setdefault(key, _Seen(condition, now_ns))
            seen.condition, seen.gone_ns = condition, None
            if not seen.told and now_ns - seen.since_ns >= condition.lasts_ns:
                seen.told = True
                news.append(_news_of(condition))
        for key in [each for each in self._seen if each not in present]:
            seen = self._seen[key]
            if seen.gone_ns is None:
                seen.gone_ns = now_ns
            if not seen.told:
                del self._seen[key]
            elif now_ns - seen.gone_ns >= SETTLED_NS:
                del self._seen[key]
                news.append(_over(seen.condition))
        return news


def news_of(row: Row) -> list[News]:
    """What is news in a row of the journal."""
    news: list[News] = []
    for event in row.events:
        match event:
            case MarketStateSet():
                severity = Severity.INFO if event.state in OPEN_STATES else Severity.WARNING
                text = f"the market is {event.state.name}: {event.cause}"
                news.append(_risk_changed(severity, f"market:{event.symbol}", text))
            case RiskStateSet():
                active = event.state is RiskState.ACTIVE
                # The name of a purse is its owner's own words.
                scope = event.scope.partition("/")[0]
                text = f"{event.setter.name} lets it be {event.state.name}: {event.cause}"
                severity = Severity.INFO if active else Severity.WARNING
                news.append(_risk_changed(severity, scope, text))
            case HaltSet():
                severity = Severity.ERROR if event.halted else Severity.INFO
                text = "the house is halted" if event.halted else "the halt of the house is lifted"
                news.append(_risk_changed(severity, "house", f"{text}: {event.cause}"))
            case _:
                pass
    return news


def shown(text: str, length: int) -> str:
    """Text of one line, for people; bounded."""
    return "".join(each if each.isprintable() else "?" for each in text[:length])


def _risk_changed(severity: Severity, subject: str, text: str) -> News:
    return News(kind=NoticeKind.RISK_CHANGED, severity=severity, subject=subject, text=text)


def _news_of(condition: Condition) -> News:
    return News(
        kind=condition.kind,
        severity=condition.severity,
        subject=condition.subject,
        text=condition.text,
    )


def _over(condition: Condition) -> News:
    return News(
        kind=condition.over,
        severity=Severity.INFO,
        subject=condition.subject,
        text="it is as it should be again",
    )
