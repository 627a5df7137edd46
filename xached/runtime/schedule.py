"""Times of a calendar: when something is due, and when again.

A schedule is five fields as crontab(5) has them: minute, hour, day of the month, month, day of the
week (0 and 7 are Sunday there; here names, as APScheduler counts from Monday). All times are UTC,
so none comes twice and none is left out. The same schedule says when a model is trained in the
house and when it would have been in a backtest.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Final

import attrs
from apscheduler.triggers.cron import CronTrigger

NS_PER_S: Final = 1_000_000_000
_FIELDS: Final = 5


@attrs.frozen
class Schedule:
    """When something is due. Raises: ValueError for what is no such text."""

    text: str
    _trigger: CronTrigger = attrs.field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        fields = self.text.split()
        if len(fields) != _FIELDS:
            raise ValueError(f"a schedule is 'minute hour day month weekday', not {self.text!r}")
        if any(each.isdecimal() for each in fields[4].replace("-", ",").split(",")):
            # crontab begins with Sunday and APScheduler with Monday: a number says neither.
            raise ValueError(f"weekdays are named, such as mon or sat,sun: {self.text!r}")
        try:
            trigger = CronTrigger.from_crontab(self.text, timezone=datetime.UTC)
        except ValueError as error:
            raise ValueError(f"the schedule {self.text!r}: {error}") from None
        object.__setattr__(self, "_trigger", trigger)

    def next_ns(self, after_ns: int) -> int | None:
        """The first time after a moment, nanoseconds since 1970; None: there is no other."""
        # A whole second later: times are whole minutes, and a moment itself is not after it.
        moment = datetime.datetime.fromtimestamp(after_ns // NS_PER_S + 1, datetime.UTC)
        found = self._trigger.get_next_fire_time(None, moment)
        return None if found is None else int(found.timestamp()) * NS_PER_S

    def between(self, start_ns: int, end_ns: int) -> Iterator[int]:
        """Every time from a moment on, itself included, and before another."""
        at_ns = self.next_ns(start_ns - 1)
        while at_ns is not None and at_ns < end_ns:
            yield at_ns
            at_ns = self.next_ns(at_ns)
