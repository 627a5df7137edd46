"""The track record of a run: its worth over time, its fills, and what follows from them at once.

Amounts are in the units of the curve (quote units); returns are fractions (0.01 is one percent); a
day is a UTC day.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final, TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray

from xached.domain.position import Position, plan_sale

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]

DAY_NS: Final = 86_400_000_000_000


@attrs.frozen(eq=False)
class EquityCurve:
    """The worth of an account at rising times, with what came in and went out.

    ``equity[i]`` is what everything is worth at ``at_ns[i]``, after ``flows[i]`` came in (or went
    out, negative) just before. The first equity is what the run starts with; its flow counts for
    nothing.

    Raises: ValueError when the lengths differ, times do not rise, or a worth is negative: an
    account without debt cannot be worth less than nothing.
    """

    at_ns: IntArray
    equity: FloatArray
    flows: FloatArray

    @classmethod
    def of(
        cls,
        at_ns: Sequence[int] | IntArray,
        equity: Sequence[float] | FloatArray | IntArray,
        flows: Sequence[float] | FloatArray | None = None,
    ) -> EquityCurve:
        """Make a curve from any numbers; without flows nothing came in or went out."""
        return cls(
            np.asarray(at_ns, dtype=np.int64),
            np.asarray(equity, dtype=np.float64),
            np.zeros(len(equity)) if flows is None else np.asarray(flows, dtype=np.float64),
        )

    def __attrs_post_init__(self) -> None:
        if not len(self.at_ns) == len(self.equity) == len(self.flows) >= 1:
            raise ValueError("a curve has as many worths and flows as times, and at least one")
        if bool(np.any(np.diff(self.at_ns) <= 0)):
            raise ValueError("the times of a curve rise")
        if not bool(np.all(np.isfinite(self.equity)) and np.all(np.isfinite(self.flows))):
            raise ValueError("worths and flows are finite")
        if bool(np.any(self.equity < 0)):
            raise ValueError("an account without debt is not worth less than nothing")

    @property
    def elapsed_ns(self) -> int:
        """From the first time to the last."""
        return int(self.at_ns[-1] - self.at_ns[0])

    def growth(self) -> FloatArray:
        """What one unit at the start has become at each time, flows aside. Ruin is for ever.

        Between two flows it is the worth over the first one there, so that equal worths give
        equal growths and a peak that is reached again is known as one.
        """
        growth = np.ones(len(self.equity))
        joints = [0, *(np.flatnonzero(self.flows[1:]) + 1).tolist(), len(growth)]
        for start, end in itertools.pairwise(joints):
            first = float(self.equity[start])
            if start > 0:
                before = float(self.equity[start - 1])
                # A withdrawal of more than was there is taken as the loss of everything.
                step = max((first - float(self.flows[start])) / before, 0.0) if before else 1.0
                growth[start:end] = growth[start - 1] * step
            if first > 0:
                growth[start:end] *= self.equity[start:end] / first
        ruined = np.flatnonzero(growth == 0.0)
        if len(ruined):
            growth[ruined[0] :] = 0.0
        return growth


@attrs.frozen
class Fill:
    """One fill, as far as statistics need it. ``instrument`` is a number that the caller gave."""

    at_ns: int
    instrument: int
    buy: bool
    quantity_lots: int
    notional_units: int
    fee_units: int


@attrs.frozen
class ClosedTrade:
    """Everything sold of a position between two purchases, or until the end.

    An exit that was filled in many pieces is one closed trade. ``opened_at_ns`` is when the
    position was last flat; profit and cost are those of the house's positions, with all fees.
    """

    instrument: int
    opened_at_ns: int
    closed_at_ns: int
    quantity_lots: int
    cost_units: int
    profit_units: int

    @property
    def return_fraction(self) -> float:
        """Profit as a fraction of what the sold part had cost."""
        return self.profit_units / self.cost_units if self.cost_units else 0.0


def closed_trades(fills: Sequence[Fill]) -> tuple[ClosedTrade, ...]:
    """Join sales to closed trades, in the order they closed. ``fills`` are in order of time."""
    open_by_instrument: dict[int, _OpenTrade] = {}
    closed: list[ClosedTrade] = []
    for fill in fills:
        trade = open_by_instrument.setdefault(fill.instrument, _OpenTrade())
        if fill.buy:
            if trade.exit is not None:
                closed.append(trade.exit)
            trade.buy(fill)
        else:
            trade.sell(fill)
    closed.extend(trade.exit for trade in open_by_instrument.values() if trade.exit is not None)
    return tuple(sorted(closed, key=lambda trade: (trade.closed_at_ns, trade.instrument)))


@attrs.define
class _OpenTrade:
    position: Position = attrs.field(factory=Position)
    opened_at_ns: int = 0
    exit: ClosedTrade | None = None

    def buy(self, fill: Fill) -> None:
        if self.position.quantity_lots == 0:
            self.opened_at_ns = fill.at_ns
        self.exit = None
        self.position.buy(fill.quantity_lots, fill.notional_units, fill.fee_units)

    def sell(self, fill: Fill) -> None:
        sale = plan_sale(self.position, fill.quantity_lots, fill.notional_units, fill.fee_units)
        if sale.position_lots == 0:
            return
        self.position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)
        so_far = self.exit
        self.exit = ClosedTrade(
            instrument=fill.instrument,
            opened_at_ns=self.opened_at_ns,
            closed_at_ns=fill.at_ns,
            quantity_lots=sale.position_lots + (so_far.quantity_lots if so_far else 0),
            cost_units=sale.relieved_units + (so_far.cost_units if so_far else 0),
            profit_units=sale.realised_units + (so_far.profit_units if so_far else 0),
        )


@attrs.frozen(eq=False)
class TrackRecord:
    """What a run gave. It starts flat; what it holds at the end is valued, not sold."""

    curve: EquityCurve
    fills: Sequence[Fill]
    """In order of time."""

    @property
    def daily(self) -> DailyReturns:
        """Its returns by UTC day."""
        return daily_returns(self.curve)

    @property
    def trades(self) -> tuple[ClosedTrade, ...]:
        """What it bought and sold again."""
        return closed_trades(self.fills)


@attrs.frozen(eq=False)
class DailyReturns:
    """The return of each UTC day that has a sample. ``days`` counts from 1970-01-01.

    A worth at midnight is the last one of the day that ends there. The first worth of a curve is
    what its first day begins with, and no day of its own. A day without a sample has no return;
    the next one covers it, so the product of all is the return of the whole.
    """

    days: IntArray
    returns: FloatArray

    @property
    def missing_days(self) -> int:
        """Days between the first and the last that have no sample."""
        return int(self.days[-1] - self.days[0]) + 1 - len(self.days) if len(self.days) else 0


def day_ends(curve: EquityCurve) -> IntArray:
    """The indices of the last worth of each UTC day."""
    days = (curve.at_ns[1:] - 1) // DAY_NS
    return 1 + np.flatnonzero(np.append(days[1:] != days[:-1], len(days) > 0))


def daily_returns(curve: EquityCurve) -> DailyReturns:
    """Join the steps of a curve to the returns of UTC days, time-weighted."""
    ends = day_ends(curve)
    growth = curve.growth()[ends]
    before = np.concatenate(([1.0], growth[:-1]))
    returns = np.zeros(len(growth))
    np.divide(growth - before, before, out=returns, where=before > 0)
    return DailyReturns((curve.at_ns[ends] - 1) // DAY_NS, returns)
