"""The rules of strategies.db: what they say, what they remember, and every time they fired.

Functions for :class:`StrategyTables`: each is work on one connection, inside its transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import apsw

from xached.automation.encoding import (
    read_facts,
    read_memory,
    read_terms,
    write_facts,
    write_memory,
    write_terms,
)
from xached.automation.rule import (
    Firing,
    FiringState,
    Rule,
    RuleState,
    Step,
    StepState,
    command_id,
)
from xached.automation.terms import RuleId
from xached.domain.order import AccountId, OrderId, Purse, account_of
from xached.storage.codec import Codec

FIRINGS_KEPT: Final = 1_000
"""Of each rule, the newest."""

ENDED_RULES_KEPT: Final = 100
"""Of each account, the newest; older ones go with their firings."""

_CODEC: Final = Codec()
_RULE: Final = (
    "number, rule_id, account_id, purse, request_id, name, terms, state, cause, created_at_ns,"
    " armed_at_ns, rehearsed_at_ns, firings, memory"
)
_FIRING: Final = "rule_id, number, account_id, state, due_at_ns, decided_at_ns, explanation, facts"
_STEP: Final = "command, state, order_id, seq, reason, answer, answered_at_ns"


def add_rule(db: apsw.Connection, rule: Rule) -> Rule:
    """Keep a new rule; it comes back with its number."""
    db.execute(
        "INSERT INTO rules (rule_id, account_id, purse, request_id, name, terms, state, cause,"
        " created_at_ns, armed_at_ns, rehearsed_at_ns, firings, memory)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            rule.rule_id,
            rule.account_id,
            rule.purse,
            rule.request_id,
            rule.name,
            write_terms(rule.terms),
            rule.state.value,
            rule.cause,
            rule.created_at_ns,
            rule.armed_at_ns,
            rule.rehearsed_at_ns,
            rule.firings,
            write_memory(rule.memory),
        ),
    )
    _drop_old_rules(db, rule.account_id)
    found = find_rule(db, rule.rule_id)
    assert found is not None
    return found


def change_rule(db: apsw.Connection, rule: Rule) -> bool:
    """Keep how a rule stands now; False when there is no such rule any more."""
    db.execute(
        "UPDATE rules SET state = ?, cause = ?, armed_at_ns = ?, rehearsed_at_ns = ?, firings = ?,"
        " memory = ? WHERE rule_id = ?",
        (
            rule.state.value,
            rule.cause,
            rule.armed_at_ns,
            rule.rehearsed_at_ns,
            rule.firings,
            write_memory(rule.memory),
            rule.rule_id,
        ),
    )
    return db.changes() == 1


def find_rule(db: apsw.Connection, rule_id: RuleId) -> Rule | None:
    """A rule by its id."""
    return next(_rules(db, "WHERE rule_id = ?", rule_id), None)


def find_request(db: apsw.Connection, account_id: AccountId, request_id: str) -> Rule | None:
    """The rule that a request has made."""
    return next(_rules(db, "WHERE account_id = ? AND request_id = ?", account_id, request_id), None)


def rules_of(
    db: apsw.Connection, account_id: AccountId, before: int | None, limit: int
) -> list[Rule]:
    """Rules of an account, newest first, with numbers below ``before``."""
    below = before if before is not None else 2**62
    where = "WHERE account_id = ? AND number < ? ORDER BY number DESC LIMIT ?"
    return list(_rules(db, where, account_id, below, limit))


def count_rules(db: apsw.Connection, account_id: AccountId) -> int:
    """How many rules of an account have not ended."""
    count: int = db.execute(
        "SELECT count(*) FROM rules WHERE account_id = ? AND state != ?",
        (account_id, RuleState.ENDED.value),
    ).get
    return count


def armed_rules(db: apsw.Connection) -> list[Rule]:
    """All that are armed, oldest first."""
    return list(_rules(db, "WHERE state = ? ORDER BY number", RuleState.ARMED.value))


def fire_rule(
    db: apsw.Connection, rule: Rule, firing: Firing, paused: tuple[Rule, ...] = ()
) -> bool:
    """Keep how a rule stands now, and why it fired with the commands that it will send.

    ``paused`` are other rules as they stand by that. False, and nothing is kept, when there is no
    such rule any more.
    """
    if not change_rule(db, rule):
        return False
    for other in paused:
        change_rule(db, other)
    db.execute(
        f"INSERT INTO rule_firings ({_FIRING}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - names
        (
            firing.rule_id,
            firing.number,
            firing.account_id,
            firing.state.value,
            firing.due_at_ns,
            firing.decided_at_ns,
            firing.explanation,
            write_facts(firing.facts),
        ),
    )
    for place, step in enumerate(firing.steps):
        db.execute(
            f"INSERT INTO rule_steps (rule_id, number, place, account_id, command_id, {_STEP})"  # noqa: S608 - names
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                firing.rule_id,
                firing.number,
                place,
                firing.account_id,
                command_id(step.command),
                *_step_values(step),
            ),
        )
    oldest = firing.number - FIRINGS_KEPT
    for table in ("rule_steps", "rule_firings"):
        db.execute(
            f"DELETE FROM {table} WHERE rule_id = ? AND number <= ?",  # noqa: S608 - names
            (firing.rule_id, oldest),
        )
    return True


def close_firing(db: apsw.Connection, firing: Firing) -> None:
    """Keep what became of a firing: the answer of every step."""
    for place, step in enumerate(firing.steps):
        db.execute(
            "UPDATE rule_steps SET command = ?, state = ?, order_id = ?, seq = ?, reason = ?,"
            " answer = ?, answered_at_ns = ? WHERE rule_id = ? AND number = ? AND place = ?",
            (*_step_values(step), firing.rule_id, firing.number, place),
        )
    db.execute(
        "UPDATE rule_firings SET state = ? WHERE rule_id = ? AND number = ?",
        (firing.state.value, firing.rule_id, firing.number),
    )


def unfinished_firings(db: apsw.Connection) -> list[Firing]:
    """Firings that were not sent whole, or whose answers were not kept, oldest first."""
    where = "WHERE state = ? ORDER BY decided_at_ns, rule_id, number"
    return _firings(db, where, FiringState.SENDING.value)


def firings_of(
    db: apsw.Connection, rule_id: RuleId, before: int | None, limit: int
) -> list[Firing]:
    """Firings of a rule, newest first, with numbers below ``before``."""
    below = before if before is not None else 2**62
    where = "WHERE rule_id = ? AND number < ? ORDER BY number DESC LIMIT ?"
    return _firings(db, where, rule_id, below, limit)


def firing_of_order(
    db: apsw.Connection, purse: Purse, order_id: OrderId
) -> tuple[Rule, Firing] | None:
    """Which rule placed an order of a purse, and when it did; None: none that is kept.

    A paper order may have the number of a real one.
    """
    found = db.execute(
        "SELECT rule_id, rule_steps.number FROM rule_steps JOIN rules USING (rule_id)"
        " WHERE rule_steps.account_id = ? AND order_id = ? AND purse = ?",
        (account_of(purse), order_id, purse),
    ).fetchone()
    if found is None:
        return None
    rule = find_rule(db, found[0])
    (firing,) = _firings(db, "WHERE rule_id = ? AND number = ?", *found)
    assert rule is not None, "firings go with their rule"
    return rule, firing


def _drop_old_rules(db: apsw.Connection, account_id: AccountId) -> None:
    ended = db.execute(
        "SELECT rule_id FROM rules WHERE account_id = ? AND state = ? ORDER BY number DESC"
        " LIMIT -1 OFFSET ?",
        (account_id, RuleState.ENDED.value, ENDED_RULES_KEPT),
    ).fetchall()
    for (rule_id,) in ended:
        for table in ("rule_steps", "rule_firings", "rules"):
            db.execute(f"DELETE FROM {table} WHERE rule_id = ?", (rule_id,))  # noqa: S608 - names


def _rules(db: apsw.Connection, where: str, *values: object) -> Iterator[Rule]:
    for row in db.execute(f"SELECT {_RULE} FROM rules {where}", values):  # noqa: S608 - names
        yield _rule(row)


def _rule(row: tuple[Any, ...]) -> Rule:
    (
        number,
        rule_id,
        account_id,
        purse,
        request_id,
        name,
        terms,
        state,
        cause,
        created_at_ns,
        armed_at_ns,
        rehearsed_at_ns,
        firings,
        memory,
    ) = row
    return Rule(
        number=number,
        rule_id=RuleId(rule_id),
        account_id=AccountId(account_id),
        purse=Purse(purse),
        request_id=request_id,
        name=name,
        terms=read_terms(terms),
        state=RuleState(state),
        cause=cause,
        created_at_ns=created_at_ns,
        armed_at_ns=armed_at_ns,
        rehearsed_at_ns=rehearsed_at_ns,
        firings=firings,
        memory=read_memory(memory),
    )


def _firings(db: apsw.Connection, where: str, *values: object) -> list[Firing]:
    rows: list[Any] = db.execute(f"SELECT {_FIRING} FROM rule_firings {where}", values).fetchall()  # noqa: S608 - names
    return [
        Firing(
            rule_id=RuleId(rule_id),
            number=number,
            account_id=AccountId(account_id),
            state=FiringState(state),
            due_at_ns=due_at_ns,
            decided_at_ns=decided_at_ns,
            explanation=explanation,
            facts=read_facts(facts),
            steps=_steps(db, rule_id, number),
        )
        for rule_id, number, account_id, state, due_at_ns, decided_at_ns, explanation, facts in rows
    ]


def _steps(db: apsw.Connection, rule_id: str, number: int) -> tuple[Step, ...]:
    rows = db.execute(
        f"SELECT {_STEP} FROM rule_steps WHERE rule_id = ? AND number = ? ORDER BY place",  # noqa: S608 - names
        (rule_id, number),
    )
    return tuple(
        Step(
            command=_CODEC.decode(command),
            state=StepState(state),
            order_id=None if order_id is None else OrderId(order_id),
            seq=seq,
            reason=reason,
            answer=answer,
            answered_at_ns=answered_at_ns,
        )
        for command, state, order_id, seq, reason, answer, answered_at_ns in rows
    )


def _step_values(step: Step) -> tuple[object, ...]:
    return (
        _CODEC.encode(step.command),
        step.state.value,
        step.order_id,
        step.seq,
        step.reason,
        step.answer,
        step.answered_at_ns,
    )
