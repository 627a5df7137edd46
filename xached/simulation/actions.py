"""What people do: a table of actions, each a few lines, drawn by weight.

An action gets everybody and one person, and may do what it likes with the calls. To teach the
simulation something new, write one more in orders.py, in rules.py or in mischief.py.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import attrs

from xached.simulation.people import People, Person

Run = Callable[[People, Person], Awaitable[None]]


@attrs.frozen(kw_only=True)
class Action:
    """Something people do, as often as its weight is in the weight of all."""

    name: str
    weight: int
    run: Run


ACTIONS: Final[list[Action]] = []


def action(weight: int) -> Callable[[Run], Run]:
    """Put a function into the table."""

    def add(run: Run) -> Run:
        ACTIONS.append(Action(name=run.__name__, weight=weight, run=run))
        return run

    return add


def draw_action(people: People) -> Action:
    """One of the table."""
    (drawn,) = people.draw.choices(ACTIONS, [each.weight for each in ACTIONS])
    return drawn
