"""Rules and their firings, as they are kept.

    DRAFT -> ARMED <-> PAUSED
    DRAFT, ARMED, PAUSED -> ENDED

A firing is written down with every command it will send before the first one is sent; the ids of
the commands follow from the rule and the number of the firing, so that sending again does nothing
twice.

    SENDING -> DONE | REFUSED | LAPSED
    MISSED, from the beginning
"""

from __future__ import annotations

import enum
import re
from typing import Final

from xached.automation.terms import RuleId, RuleTerms
from xached.domain.frozen import frozen
from xached.domain.messages import CancelAll, PlaceOrder
from xached.domain.order import AccountId, OrderId, Purse
from xached.domain.protection_messages import Flatten


class RuleState(enum.IntEnum):
    """What a rule may do."""

    DRAFT = 1
    ARMED = 2
    PAUSED = 3
    ENDED = 4


class FiringState(enum.IntEnum):
    """What became of a firing."""

    SENDING = 1
    DONE = 2
    """Every step has its answer, and not all were no."""
    REFUSED = 3
    """Nothing was done: each step was refused, or there was nothing to send."""
    MISSED = 4
    """Its time had passed while nobody looked; nothing was sent."""
    LAPSED = 5
    """It had to wait until it was too late, or its owner stopped the rule; nothing was done."""


class StepState(enum.IntEnum):
    """What became of one command of a firing."""

    WAITING = 1
    ANSWERED = 2
    REFUSED = 3
    LAPSED = 4


@frozen(kw_only=True)
class Memory:
    """What a rule remembers from look to look. It changes together with what it fires."""

    cursor_ns: int = 0
    """Times of its schedule up to here have been dealt with."""
    fired_at_ns: int = 0
    """When it fired last; 0: never."""
    fired: int = 0
    """How often it has fired; what was missed does not count."""
    reached: bool | None = None
    """Whether its level was reached when it was looked at last; None: not looked at since it was
    armed, or has slept."""
    gains_done: int = 0
    """How many gains of the position have fired."""
    base_lots: int = 0
    """The position at the first of them."""
    high_units: int | None = None
    """The highest profit that was seen; None: never looked."""
    withdrawn: int = 0
    """The number of its last firing when its owner stopped it: none up to it may begin."""


@frozen(kw_only=True)
class Rule:
    """One rule of an account. ``number`` counts the rules of the house, for lists."""

    number: int
    rule_id: RuleId
    account_id: AccountId
    purse: Purse
    request_id: str
    name: str
    terms: RuleTerms
    state: RuleState
    cause: str
    created_at_ns: int
    armed_at_ns: int
    rehearsed_at_ns: int
    """When its owner was shown what it would have done; 0: never."""
    firings: int
    memory: Memory


StepCommand = PlaceOrder | CancelAll | Flatten


@frozen(kw_only=True)
class Step:
    """One command of a firing, and its answer.

    ``order_id`` and ``seq`` are 0 while there is no order and no row. ``answer`` is a sentence;
    ``reason`` the name of the rule that refused.
    """

    command: StepCommand
    state: StepState = StepState.WAITING
    order_id: OrderId | None = None
    seq: int = 0
    reason: str = ""
    answer: str = ""
    answered_at_ns: int = 0


@frozen(kw_only=True)
class Fact:
    """One thing that was seen, as text that can be shown."""

    name: str
    value: str


@frozen(kw_only=True)
class Firing:
    """One time that a rule fired, or should have."""

    rule_id: RuleId
    number: int
    account_id: AccountId
    state: FiringState
    due_at_ns: int
    decided_at_ns: int
    explanation: str
    facts: tuple[Fact, ...]
    steps: tuple[Step, ...]


STEP_ID: Final = re.compile(r"r[0-9a-f]{16}-[0-9]+-[0-9]+", re.ASCII)
"""What :func:`step_id` makes."""


def step_id(rule_id: RuleId, number: int, place: int) -> str:
    """The client order id, or request id, of a step: one for ever.

    Never one that a person chose by chance, and a prefix of it finds the rule.
    """
    return f"r{rule_id}-{number}-{place}"


def command_id(command: StepCommand) -> str:
    """The id by which a step is recognised."""
    return command.client_order_id if isinstance(command, PlaceOrder) else command.request_id
