"""How a worth has moved and what it has earned, time-weighted: flows in and out earn nothing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import attrs

PPM: Final = 10**6
INDEX_UNITS: Final = 10**15
"""What the course of a return begins with; each step is rounded down to its unit."""


@attrs.frozen(kw_only=True)
class Worth:
    """A worth at a time, and what came in and went out since the one before; all in one asset."""

    at_ns: int
    value: Fraction
    came_in: Fraction = Fraction(0)
    went_out: Fraction = Fraction(0)
    """Both are positive and valued at their own times."""


@attrs.frozen(kw_only=True)
class Course:
    """What came of a row of worths. Shares are in millionths."""

    returns_ppm: tuple[int, ...]
    """Since the first, at each of them."""
    drawdown_ppm: int
    """The deepest fall below the highest before, of that highest."""
    gain: Fraction
    flows: Fraction


def measure_course(worths: Sequence[Worth], *, from_nothing: bool = False) -> Course:
    """Measure worths in order, the oldest first.

    ``from_nothing``: nothing was owned before the first, so it is a step like the others and what
    came in with it came in; else it is what there was already.

    What comes in counts from the beginning of its step and what goes out to its end, as in the
    change of a day: a step earns what there is at its end with what went out, less what was there
    and came in, of the latter.
    """
    index = highest = INDEX_UNITS
    drawdown = 0
    returns: list[int] = []
    gain = flows = Fraction(0)
    for number, worth in enumerate(worths):
        if number or from_nothing:
            before = worths[number - 1].value if number else Fraction(0)
            invested = before + worth.came_in
            if invested > 0:
                index = index * (worth.value + worth.went_out) // invested
            flows += worth.came_in - worth.went_out
            gain += worth.value + worth.went_out - invested
        highest = max(highest, index)
        drawdown = max(drawdown, (highest - index) * PPM // highest)
        returns.append((index - INDEX_UNITS) * PPM // INDEX_UNITS)
    return Course(returns_ppm=tuple(returns), drawdown_ppm=drawdown, gain=gain, flows=flows)
