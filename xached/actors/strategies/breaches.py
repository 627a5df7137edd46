"""What of the ends of a child is its plugin breaking the rules, and which rule."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from xached.actors.strategies.market_data import StrategyFailed
from xached.adapters.child import ChildEnded
from xached.adapters.child_intents import ChildViolation
from xached.adapters.child_outbox import ChildTooSlow
from xached.domain.plugins import Breach


class StrategySilent(StrategyFailed):
    """It gave no sign of life for too long."""


BREACHES: Final = (ChildViolation, ChildTooSlow, ChildEnded, StrategySilent)
"""Among which are its breaches: not every end of a process is one."""


def breach_of(group: BaseExceptionGroup[BaseException]) -> Breach | None:
    """How a run broke the rules that ended like this; None when it only failed."""
    causes = list(leaves(group))
    if any(isinstance(each, ChildViolation) for each in causes):
        return Breach.PROTOCOL
    if any(isinstance(each, ChildTooSlow | StrategySilent) for each in causes):
        return Breach.STALLED
    killed = any(isinstance(each, ChildEnded) and each.code < 0 for each in causes)
    return Breach.KILLED if killed else None


def leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """What ended it, one by one."""
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from leaves(each)
        else:
            yield each
