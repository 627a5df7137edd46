"""Whether a rule fires, from what it remembers and what is seen. Pure: time is an argument.

Theory of operation. A rule is looked at when it is due. What it remembers is written in the
same transaction as the firing that follows from it, so that a look after a crash goes on from
there: what was fired is not due again, and what was not fired still is. Times that nobody looked
at are dealt with together, by the policy of the rule, when somebody looks again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import attrs

from xached.automation.rule import Fact, Memory, Rule
from xached.automation.schedule import NS_PER_S, is_awake, next_due_ns
from xached.automation.terms import Missed, Schedule
from xached.domain.frozen import frozen

ON_TIME_NS: Final = 60 * NS_PER_S
"""Who is looked at this late is still on time: the finest schedule has minutes."""

MISSED_TIMES_MAX: Final = 1_000
"""So many missed times are counted; more are said to be that many or more."""


@frozen(kw_only=True)
class Fires:
    """The rule fires now, for what was due then."""

    due_at_ns: int
    explanation: str
    facts: tuple[Fact, ...] = ()


@frozen(kw_only=True)
class Passes:
    """Times have passed that are not made up for; ``due_at_ns`` is the newest."""

    due_at_ns: int
    explanation: str


@frozen(kw_only=True)
class Look:
    """What follows from a look: what the rule remembers from now on, and what happens."""

    memory: Memory
    verdict: Fires | Passes | None


def armed_memory(memory: Memory, now_ns: int) -> Memory:
    """What a rule remembers when it is armed: what was due before is not due."""
    return Memory(cursor_ns=now_ns, fired=memory.fired, fired_at_ns=memory.fired_at_ns)


def look(rule: Rule, now_ns: int) -> Look:
    """Decide whether an armed rule fires."""
    return _look_at_schedule(rule, rule.terms.when, now_ns)


def next_look_ns(rule: Rule) -> int | None:
    """When a rule has to be looked at next, as far as is known; None: never again by itself."""
    times = [next_due_ns(rule.terms.when, rule.memory.cursor_ns), rule.terms.ends_at_ns or None]
    return min((at_ns for at_ns in times if at_ns is not None), default=None)


def show_time(at_ns: int) -> str:
    """A time as text, to the second, UTC."""
    return datetime.fromtimestamp(at_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _look_at_schedule(rule: Rule, schedule: Schedule, now_ns: int) -> Look:
    memory = rule.memory
    passed, more = _times_between(schedule, memory.cursor_ns, now_ns)
    due = [at_ns for at_ns in passed if is_awake(rule.terms.windows, at_ns)]
    if not passed:
        return Look(memory=memory, verdict=None)
    memory = attrs.evolve(memory, cursor_ns=passed[-1])
    if not due or _rests(rule, due[-1]):
        return Look(memory=memory, verdict=None)
    newest_ns, earlier = due[-1], len(due) - 1
    late_ns = now_ns - newest_ns
    when = f"due at {show_time(newest_ns)}"
    count = f"{earlier}{' or more' if more else ''}"
    if late_ns > ON_TIME_NS and schedule.missed is Missed.SKIP:
        also = f", as were {count} times before it" if earlier else ""
        explanation = f"{when}, missed by {late_ns // NS_PER_S} s and passed over{also}"
        return Look(memory=memory, verdict=Passes(due_at_ns=newest_ns, explanation=explanation))
    late = f", made up for {late_ns // NS_PER_S} s late" if late_ns > ON_TIME_NS else ""
    also = f", {count} missed before it passed over" if earlier else ""
    return Look(
        memory=attrs.evolve(memory, fired_at_ns=now_ns),
        verdict=Fires(due_at_ns=newest_ns, explanation=f"{when}{late}{also}"),
    )


def _rests(rule: Rule, at_ns: int) -> bool:
    """Whether the rule has fired too short a time before."""
    fired_ns = rule.memory.fired_at_ns
    return fired_ns > 0 and at_ns < fired_ns + rule.terms.cooldown_s * NS_PER_S


def _times_between(schedule: Schedule, after_ns: int, to_ns: int) -> tuple[list[int], bool]:
    """Times in (after, to], and whether there were more than are counted, which are older."""
    times = _first_times(schedule, after_ns, to_ns)
    if len(times) < MISSED_TIMES_MAX:
        return times, False
    # No schedule has more than one time a minute.
    recent = _first_times(schedule, to_ns - MISSED_TIMES_MAX * 60 * NS_PER_S, to_ns)
    return recent or times, True


def _first_times(schedule: Schedule, after_ns: int, to_ns: int) -> list[int]:
    times: list[int] = []
    at_ns = next_due_ns(schedule, after_ns)
    while at_ns is not None and at_ns <= to_ns and len(times) < MISSED_TIMES_MAX:
        times.append(at_ns)
        at_ns = next_due_ns(schedule, at_ns)
    return times
