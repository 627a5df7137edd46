"""What must hold of rules, whatever ended the daemon in between.

Everything that a rule sent is in the journal once, in the name of its purse, as it was written
down before; what was written down of its answer is so. A rule fires as often as it says and at the
times that it names, once for each, and never after its owner was told that it does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

import apsw

from xached.automation.rule import (
    STEP_ID,
    Firing,
    FiringState,
    Rule,
    RuleState,
    Step,
    StepState,
    command_id,
    step_id,
)
from xached.automation.terms import Missed, OrderAction, Schedule, TimeWindow
from xached.domain.messages import OrderAccepted, PlaceOrder, Row, request_key
from xached.domain.order import AccountId
from xached.domain.paper import is_paper_purse
from xached.simulation.machine import Life, Violation
from xached.simulation.people import People, Person
from xached.storage import rule_book

RULES: Final = "rules"
RULES_READ_MAX: Final = 1_000
"""Of one person: more than they make."""

NS_PER_S: Final = 1_000_000_000
NS_PER_MINUTE: Final = 60 * NS_PER_S
DAY_MINUTES: Final = 24 * 60

Kept = list[tuple[Rule, list[Firing]]]
"""Rules with their firings, oldest first."""


class Sent:
    """What rules have sent to one exchange, by the ids of their steps."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self._seen = 0

    def feed(self, rows: list[Row]) -> None:
        """Read the rows that have come since. Raises: Violation."""
        for row in rows[self._seen :]:
            key = request_key(row.command)
            if key is None or STEP_ID.fullmatch(key[1]) is None:
                continue
            if key[1] in self.rows:
                raise Violation(RULES, f"row {row.seq} is {key[1]} again")
            self.rows[key[1]] = row
        self._seen = len(rows)


class RuleChecks:
    """The checks of rules, and all that they have sent."""

    def __init__(self, people: People) -> None:
        self._people = people
        self._real, self._paper = Sent(), Sent()
        self.fired = 0
        """How often rules have fired."""

    @property
    def sent(self) -> int:
        """How many commands of rules were carried out."""
        return len(self._real.rows) + len(self._paper.rows)

    def audit(self, life: Life, rows: list[Row], paper_rows: list[Row]) -> None:
        """Compare what is kept of rules with what they did. Raises: Violation."""
        self._real.feed(rows)
        self._paper.feed(paper_rows)
        tables, written, fired = life.house.files.strategies, set[str](), 0
        for person in self._people.traders:
            kept = tables.read(lambda db, who=person: _read(db, who))  # type: ignore[misc]  # bound at once
            for rule, firings in kept:
                self._check_rule(rule, firings)
                _check_told(rule, firings, person, self._sent_to(rule))
                written |= {command_id(step.command) for each in firings for step in each.steps}
                fired += sum(each.state is not FiringState.MISSED for each in firings)
            _check_all_there(kept, person)
        self.fired = fired
        for sent_id in (*self._real.rows, *self._paper.rows):
            if sent_id not in written:
                raise Violation(RULES, f"{sent_id} was sent by a firing that is not written down")

    def _sent_to(self, rule: Rule) -> Sent:
        return self._paper if is_paper_purse(rule.purse) else self._real

    def _check_rule(self, rule: Rule, firings: list[Firing]) -> None:
        if [each.number for each in firings] != list(range(1, rule.firings + 1)):
            raise Violation(RULES, f"{rule.rule_id} has other firings than it counts: {firings}")
        fired = [each for each in firings if each.state is not FiringState.MISSED]
        if len(fired) != rule.memory.fired:
            raise Violation(RULES, f"{rule.rule_id} fired {len(fired)} times and counts otherwise")
        _check_pace(rule, fired)
        _check_times(rule, firings)
        sent = self._sent_to(rule).rows
        for firing in firings:
            for place, step in enumerate(firing.steps):
                wanted = step_id(rule.rule_id, firing.number, place)
                if command_id(step.command) != wanted:
                    raise Violation(RULES, f"{wanted} goes by another id: {step}")
                _check_step(rule, step, sent.get(wanted))


def _read(db: apsw.Connection, person: Person) -> Kept:
    rules = rule_book.rules_of(db, AccountId(person.account_id), None, RULES_READ_MAX)
    return [
        (rule, rule_book.firings_of(db, rule.rule_id, None, rule_book.FIRINGS_KEPT)[::-1])
        for rule in rules
    ]


def _check_pace(rule: Rule, fired: list[Firing]) -> None:
    """No more often than it says."""
    most, rest_ns = rule.terms.max_firings, rule.terms.cooldown_s * NS_PER_S
    if most and len(fired) > most:
        raise Violation(RULES, f"{rule.rule_id} fired {len(fired)} times, at most {most}")
    if most and len(fired) == most and rule.state is not RuleState.ENDED:
        raise Violation(RULES, f"{rule.rule_id} fired {most} times and has not ended")
    for before, after in pairwise(fired):
        if after.decided_at_ns < before.decided_at_ns + rest_ns:
            raise Violation(RULES, f"{rule.rule_id} does not rest between {before} and {after}")
    ends_at_ns = rule.terms.ends_at_ns
    if ends_at_ns and any(each.decided_at_ns >= ends_at_ns for each in fired):
        raise Violation(RULES, f"{rule.rule_id} fired when its time was over")


def _check_times(rule: Rule, firings: list[Firing]) -> None:
    """At the times that it names and when it is awake."""
    when = rule.terms.when
    for each in firings:
        if not _is_awake(rule.terms.windows, each.due_at_ns):
            raise Violation(RULES, f"{rule.rule_id} fired asleep: {each}")
        if not isinstance(when, Schedule):
            continue
        every_ns = period_ns(when)
        late_ns = each.decided_at_ns - each.due_at_ns
        if each.due_at_ns % every_ns or late_ns < 0:
            raise Violation(RULES, f"{rule.rule_id} was not due then: {each}")
        missed = each.state is FiringState.MISSED
        if missed != (when.missed is Missed.SKIP and late_ns > NS_PER_MINUTE):
            raise Violation(RULES, f"{rule.rule_id} was late and did not mind: {each}")


def period_ns(schedule: Schedule) -> int:
    """From one time to the next: the schedules of the simulation have no other form."""
    return schedule.every_s * NS_PER_S or _CRON_NS[schedule.cron]


_CRON_NS: Final = {"* * * * *": NS_PER_MINUTE, "*/2 * * * *": 2 * NS_PER_MINUTE}
"""The schedules that people of the simulation write."""


def _is_awake(windows: Iterable[TimeWindow], at_ns: int) -> bool:
    """Whether one of the windows, all of which are of every day, is open."""
    windows, minute = tuple(windows), at_ns // NS_PER_MINUTE % DAY_MINUTES
    return not windows or any(
        (minute - each.from_minute) % DAY_MINUTES
        < (each.to_minute - each.from_minute) % DAY_MINUTES
        for each in windows
    )


def _check_step(rule: Rule, step: Step, row: Row | None) -> None:
    """What was written down before is what was sent, and its answer is what became of it."""
    command = step.command
    if command.purse != rule.purse:
        raise Violation(RULES, f"a rule of {rule.purse} acts for {command.purse}")
    action = rule.terms.then
    if isinstance(action, OrderAction) and not (
        isinstance(command, PlaceOrder)
        and (command.symbol, command.side) == (action.symbol, action.side)
        and action.quantity_lots in (None, command.quantity_lots)
        and action.quote_units in (None, command.quote_units)
        and action.price_ticks == command.price_ticks
    ):
        raise Violation(RULES, f"{command} is not what {rule.rule_id} says")
    if row is None:
        # What stops an idle purse changes nothing; rows of paper are read less often.
        is_order = isinstance(command, PlaceOrder) and not is_paper_purse(rule.purse)
        if is_order and step.state is StepState.ANSWERED:
            raise Violation(RULES, f"{step} was answered, and there is no such row")
        return
    if row.command != command:
        raise Violation(RULES, f"{command} was written down, {row.command} was sent")
    for event in row.events:
        # An order that comes after it, of a list or a stop, is somebody else's.
        if isinstance(event, OrderAccepted) and event.client_order_id == command_id(command):
            _check_purse(rule, event)
    if step.state in (StepState.REFUSED, StepState.LAPSED):
        raise Violation(RULES, f"{step} was not done, says its rule, and row {row.seq} has it")
    if step.state is StepState.ANSWERED and step.seq != row.seq:
        raise Violation(RULES, f"{step} is in row {row.seq}")


def _check_purse(rule: Rule, accepted: OrderAccepted) -> None:
    if accepted.purse != rule.purse:
        raise Violation(RULES, f"an order of {rule.purse} is in {accepted.purse}")


# --- what people were told ------------------------------------------------------------------------


def _check_all_there(kept: Kept, person: Person) -> None:
    missing = person.rules.keys() - {rule.rule_id for rule, _ in kept}
    if missing:
        raise Violation(RULES, f"{person.email} was told of {sorted(missing)}, which is gone")


def _check_told(rule: Rule, firings: list[Firing], person: Person, sent: Sent) -> None:
    left = person.rules.get(rule.rule_id)
    if left is None:
        return  # Its owner never heard that it was made.
    if left.armed and not rule.armed_at_ns:
        raise Violation(RULES, f"{rule.rule_id} was armed and is not")
    if isinstance(rule.terms.when, Schedule) and left.arms == 1:
        for before, after in pairwise(firings):
            if after.due_at_ns <= before.due_at_ns:
                raise Violation(RULES, f"{rule.rule_id} did {after} after {before}")
    fired = [each.number for each in firings if each.state is not FiringState.MISSED]
    for stop in left.stops:
        for number in fired[: stop.fired]:
            row = sent.rows.get(step_id(rule.rule_id, number, 0))
            if row is not None and 0 < stop.seq < row.seq:
                raise Violation(RULES, f"{rule.rule_id} begins in row {row.seq}, after {stop}")
        if not stop.ended and left.arms > stop.arms:
            continue  # Its owner wanted it armed again.
        stopped = (RuleState.ENDED,) if stop.ended else (RuleState.PAUSED, RuleState.ENDED)
        if rule.state not in stopped or rule.memory.fired != stop.fired:
            raise Violation(RULES, f"{rule} goes on after {stop}")
