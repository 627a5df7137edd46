"""When a schedule is due: APScheduler's triggers as calculators, always UTC.

Nothing runs here. Given a time, the next one follows; who asks keeps what was dealt with.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from apscheduler.triggers.cron import CronTrigger

from xached.automation.terms import Schedule, TimeWindow
from xached.domain.rejection import Reason, Rejection

NS_PER_S: Final = 1_000_000_000
DAY_MINUTES: Final = 24 * 60
EVERY_S_MIN: Final = 60
EVERY_S_MAX: Final = 366 * 86_400
CRON_CHARS_MAX: Final = 100
HORIZON_NS: Final = 5 * 366 * 86_400 * NS_PER_S
"""A schedule that is not due within five years is taken for a mistake."""

YEARS_LOOKED_AT: Final = 40
"""The calendar repeats within them. What is never due would be looked for until the year 9999,
for longer than everybody else can wait."""

TIMES_LOOKED_AT_MAX: Final = 10_000
"""So many times of a window's schedule are looked at for one that is inside."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ALLOWED: Final = "five fields as '0 9 * * mon', UTC; days of the week are mon to sun"
_FIELDS: Final = ("minute", "hour", "day", "month", "day_of_week")
_DIGIT: Final = re.compile(r"[0-9]")


def check_schedule(schedule: Schedule, now_ns: int) -> None:
    """Refuse what is no schedule, or is never due. Raises: Rejection RULE_TERMS."""
    if bool(schedule.cron) == bool(schedule.every_s):
        raise _refused("name either cron or every_s", "", "exactly one of the two")
    if schedule.every_s and not EVERY_S_MIN <= schedule.every_s <= EVERY_S_MAX:
        allowed = f"{EVERY_S_MIN} to {EVERY_S_MAX} seconds"
        raise _refused("no schedule has this pace", str(schedule.every_s), allowed)
    due_ns = next_due_ns(schedule, now_ns)
    if due_ns is None or due_ns - now_ns > HORIZON_NS:
        raise _refused("this is due never, or not for years", schedule.cron, _ALLOWED)


@functools.lru_cache(maxsize=8_192)
def next_due_ns(schedule: Schedule, after_ns: int) -> int | None:
    """The first time later than this one; None: never again. Raises: Rejection RULE_TERMS."""
    if schedule.every_s:
        every_ns = schedule.every_s * NS_PER_S
        return (after_ns // every_ns + 1) * every_ns
    # The trigger counts from a whole second on, this one included.
    start = _EPOCH + timedelta(seconds=after_ns // NS_PER_S + 1)
    found = _cron(schedule.cron, start.year).get_next_fire_time(None, start)
    return None if found is None else (found - _EPOCH) // timedelta(seconds=1) * NS_PER_S


def is_awake(windows: Iterable[TimeWindow], at_ns: int) -> bool:
    """Whether a time is in one of the windows; always when there are none."""
    windows = tuple(windows)
    minutes = at_ns // (60 * NS_PER_S)
    day, minute = divmod(minutes, DAY_MINUTES)
    weekday = (day + 3) % 7  # 1970 began on a Thursday.
    return not windows or any(_contains(each, weekday, minute) for each in windows)


def _contains(window: TimeWindow, weekday: int, minute: int) -> bool:
    if window.from_minute < window.to_minute:
        return weekday in window.days and window.from_minute <= minute < window.to_minute
    if minute >= window.from_minute:
        return weekday in window.days
    return minute < window.to_minute and (weekday - 1) % 7 in window.days


@functools.lru_cache(maxsize=1_024)
def _cron(text: str, year: int) -> CronTrigger:
    fields = text.split()
    if len(text) > CRON_CHARS_MAX or len(fields) != 5:
        raise _refused("a cron expression has five fields", text, _ALLOWED)
    if _DIGIT.search(fields[4]):
        # For cron 0 is Sunday, for others Monday: nobody shall buy on the wrong day.
        raise _refused("days of the week are written as names", fields[4], _ALLOWED)
    try:
        return CronTrigger(
            year=f"{year}-{year + YEARS_LOOKED_AT}",
            **dict(zip(_FIELDS, fields, strict=True)),
            timezone=UTC,
        )
    except ValueError:
        raise _refused("this is no cron expression", text, _ALLOWED) from None


def _refused(message: str, given: str, allowed: str) -> Rejection:
    return Rejection(
        Reason.RULE_TERMS,
        message,
        field="schedule",
        given=given[:CRON_CHARS_MAX],
        allowed=allowed,
    )
