"""Values of signals: what a signal plugin says, and what strategies that use it are told."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

READINGS_MAX: Final = 20
"""Of one callback, and names of one signal."""

WHY_LENGTH_MAX: Final = 500
VALID_NS_MAX: Final = 31 * 86_400 * 10**9

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_SIGNAL = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}", re.ASCII)


def check_signal_name(name: str) -> str:
    """The name by which the house runs a signal. Raises: ValueError for a form that is not one."""
    if _SIGNAL.fullmatch(name) is None:
        raise ValueError(f"a signal has a name of 1 to 60 of A-Z a-z 0-9 . _ -, not {name!r}")
    return name


@dataclass(frozen=True, slots=True)
class Reading:
    """What a signal plugin says now.

    ``confidence`` is from 0 to 1. ``valid_ns``: how long it may be used from the moment it is of;
    None: for candles twice their interval, otherwise one minute.

    Raises: ValueError for a number, name or time that is none.
    """

    value: float
    name: str = "value"
    confidence: float | None = None
    valid_ns: int | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.value):
            raise ValueError(f"a value is a number, not {self.value}: say nothing instead")
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(f"a name is 1 to 40 of a-z 0-9 _, not {self.name!r}")
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise ValueError(f"confidence is from 0 to 1, not {self.confidence}")
        if self.valid_ns is not None and not 0 < self.valid_ns <= VALID_NS_MAX:
            raise ValueError(f"a value is valid for 1 ns to 31 days, not {self.valid_ns} ns")


Readings: TypeAlias = Iterable[Reading]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalValue:
    """A value of a signal that the house runs under the name ``signal``.

    It was computed of what had happened at ``as_of_ns`` and nothing later, and is not to be used
    from ``expires_at_ns`` on.
    """

    signal: str
    name: str
    value: float
    confidence: float | None
    as_of_ns: int
    expires_at_ns: int

    @property
    def at_ns(self) -> int:
        """When it can be known."""
        return self.as_of_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalLost:
    """A signal has no value any more, until it gives another one.

    ``name`` is empty when all its values are gone. ``why`` is for people.
    """

    signal: str
    name: str
    why: str
    at_ns: int


SignalEvent: TypeAlias = SignalValue | SignalLost


def event_at_ns(event: SignalEvent) -> int:
    """When an event can be known."""
    return event.at_ns


def stale(value: SignalValue) -> SignalLost:
    """What is said of a value that has expired, and nothing came after it."""
    return SignalLost(
        signal=value.signal,
        name=value.name,
        why="it is stale: no newer value came in time",
        at_ns=value.expires_at_ns,
    )


def with_losses(values: Sequence[SignalValue], end_ns: int) -> list[SignalEvent]:
    """Values of signals in order of time, and where each is lost because none came after it."""
    events: list[SignalEvent] = list(values)
    newest: dict[tuple[str, str], SignalValue] = {}
    for value in values:
        before = newest.get((value.signal, value.name))
        if before is not None and before.expires_at_ns < value.as_of_ns:
            events.append(stale(before))
        newest[value.signal, value.name] = value
    events += [stale(each) for each in newest.values() if each.expires_at_ns <= end_ns]
    return sorted(events, key=event_at_ns)
