"""How much money a strategy can carry before its own trades eat what it earns.

The same strategy is run with 1, 10 and 100 times the worth and the size of its orders, under a
fill model in which size costs something: with fills at the bar's price alone every size is as good
as the first, and the curve says nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import attrs

from xached.research.judgement.deflated import ALONE, Evidence, Judged, judge
from xached.research.judgement.metrics import Performance, measure
from xached.research.judgement.track_record import TrackRecord

SIZES: Final = (1, 10, 100)
KEPT_MIN: Final = 0.5
"""A size is still carried while half of the Sharpe ratio at the first size is left."""


@attrs.frozen
class CapacityPoint:
    """What a size, as a multiple of the first, was worth."""

    size: float
    performance: Performance
    judged: Judged
    kept: float | None
    """Its Sharpe ratio over that of the first size; None where there is nothing to lose."""


@attrs.frozen
class CapacityCurve:
    """How a strategy fades with size. ``capacity``: the size at which half of the Sharpe ratio is
    left, between two measured ones by their logarithms; None when more than half is left at the
    largest, or the first size earned nothing."""

    points: tuple[CapacityPoint, ...]
    capacity: float | None


def capacity_curve(
    sizes: Sequence[float], records: Sequence[TrackRecord], evidence: Evidence = ALONE
) -> CapacityCurve:
    """Compare runs of rising size, the first being what is planned.

    Raises: ValueError when sizes do not rise or are not positive.
    """
    rising = all(one < other for one, other in itertools.pairwise(sizes))
    if not sizes or not rising or sizes[0] <= 0:
        raise ValueError("sizes are positive and rise")
    performances = [measure(record) for record in records]
    planned = performances[0].sharpe
    points = tuple(
        CapacityPoint(
            size=size,
            performance=performance,
            judged=judge(record.daily.returns, performance.trades.count, evidence),
            kept=_kept(planned, performance.sharpe),
        )
        for size, record, performance in zip(sizes, records, performances, strict=True)
    )
    return CapacityCurve(points, _capacity(points))


def _kept(planned: float | None, found: float | None) -> float | None:
    if planned is None or planned <= 0:
        return None
    return 0.0 if found is None else found / planned  # too large to trade at all: nothing is left


def _capacity(points: Sequence[CapacityPoint]) -> float | None:
    for one, other in itertools.pairwise(points):
        if one.kept is None or other.kept is None:
            return None
        if other.kept < KEPT_MIN:
            share = (one.kept - KEPT_MIN) / (one.kept - other.kept)
            return math.exp(math.log(one.size) + share * math.log(other.size / one.size))
    return None
