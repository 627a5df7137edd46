"""Intervals around forecasts, whose coverage is measured and corrected, not assumed.

The half width is a quantile of the last errors (split conformal prediction). As markets change,
the level asked of the quantile is moved after every outcome: up when an interval missed, down when
it held. Gibbs and Candès, *Adaptive Conformal Inference Under Distribution Shift* (2021): over T
outcomes, whatever they are, the share of misses is within (max(a, 1 - a) + step) / (step T) of
what was asked for.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import attrs

SCORES_MIN: Final = 50
"""Errors needed before there is an interval at all."""
WINDOW: Final = 500
STEP: Final = 0.01


@attrs.frozen
class Interval:
    """A forecast with its bounds; infinite ones say that nothing can be said."""

    forecast: float
    half_width: float
    """Not a number when the interval is empty: nothing counts as covered."""
    level: float
    """The share of misses it was made for."""

    @property
    def low(self) -> float:
        """Its lower bound."""
        return self.forecast - self.half_width

    @property
    def high(self) -> float:
        """Its upper bound."""
        return self.forecast + self.half_width

    def covers(self, outcome: float) -> bool:
        """Whether an outcome is inside."""
        return abs(outcome - self.forecast) <= self.half_width


@attrs.frozen
class Coverage:
    """How often intervals held, measured. ``asked`` is what they were made for."""

    asked: float
    measured: float | None
    outcomes: int
    recent: float | None
    """Over the last 500 outcomes at most."""


@attrs.define
class RollingIntervals:
    """Makes intervals, and learns from outcomes in the order in which they become known.

    ``miss_rate``: the share of outcomes that may be outside. Errors are measured in units of
    ``scale``, such as the volatility when the forecast was made.

    Raises: ValueError when the miss rate is not between 0 and 1.
    """

    miss_rate: float
    level: float = attrs.field(init=False)
    errors: deque[float] = attrs.field(init=False, factory=lambda: deque(maxlen=WINDOW))
    held: deque[bool] = attrs.field(init=False, factory=lambda: deque(maxlen=WINDOW))
    outcomes: int = attrs.field(init=False, default=0)
    covered: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        if not 0.0 < self.miss_rate < 1.0:
            raise ValueError("the share that may be outside is between none and all")
        self.level = self.miss_rate

    def interval(self, forecast: float, scale: float = 1.0) -> Interval | None:
        """The interval of a forecast; None before 50 errors are known."""
        if len(self.errors) < SCORES_MIN:
            return None
        return Interval(forecast, self._quantile() * scale, self.level)

    def learn(
        self, forecast: float, outcome: float, interval: Interval | None, scale: float = 1.0
    ) -> None:
        """Take in what came of a forecast, and of the interval that it was given, if any."""
        if interval is not None:
            covered = interval.covers(outcome)
            self.outcomes += 1
            self.covered += covered
            self.held.append(covered)
            self.level += STEP * (self.miss_rate - (not covered))
        if scale > 0.0:
            self.errors.append(abs(outcome - forecast) / scale)

    def coverage(self) -> Coverage:
        """What was asked for and what was measured."""
        return Coverage(
            asked=1.0 - self.miss_rate,
            measured=self.covered / self.outcomes if self.outcomes else None,
            outcomes=self.outcomes,
            recent=sum(self.held) / len(self.held) if self.held else None,
        )

    def _quantile(self) -> float:
        """The error that only a share of ``level`` passes, rounded to the safe side."""
        count = len(self.errors)
        rank = math.ceil((count + 1) * (1.0 - self.level))
        if rank > count:
            return math.inf
        # A level of one or more is asked for only after far too many intervals held.
        return sorted(self.errors)[rank - 1] if rank >= 1 else math.nan
