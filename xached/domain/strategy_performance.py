"""How a strategy has done: from its fills, and from its profit day by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import attrs

from xached.domain.history import Fill
from xached.domain.instrument import Instrument, Symbol
from xached.domain.order import BUY, OrderId
from xached.domain.position import Position, plan_sale
from xached.domain.state import DAY_NS

PPM = 10**6
DAYS_TOLD_MAX = 1_000
"""The newest."""


class Day(Protocol):
    """The profit of one UTC day, counted from when the strategy began."""

    @property
    def day(self) -> int:
        """Which: so many days after 1970-01-01."""
        ...

    @property
    def high_units(self) -> int:
        """The highest of the day."""
        ...

    @property
    def low_units(self) -> int:
        """The lowest of the day."""
        ...

    @property
    def last_units(self) -> int:
        """The newest of the day."""
        ...


@attrs.frozen(kw_only=True)
class Performance:
    """Amounts are units of the budget's asset, shares are in millionths.

    ``hits`` of ``closings`` sales have earned. ``slippage_units`` is what was paid beyond the
    prices that the strategy knew when it decided, over fills of ``compared_units`` at those prices.
    """

    days: int
    profit_units: int
    return_ppm: int
    drawdown_ppm: int
    hits: int
    closings: int
    fills: int
    fees_units: int
    turnover_units: int
    slippage_units: int
    compared_units: int

    @property
    def hit_ppm(self) -> int | None:
        """The share of sales that earned; None before any has closed something."""
        return self.hits * PPM // self.closings if self.closings else None

    @property
    def slippage_ppm(self) -> int | None:
        """What was paid beyond, as a share; None where nothing can be compared."""
        return self.slippage_units * PPM // self.compared_units if self.compared_units else None


@attrs.frozen(kw_only=True)
class KnownFills:
    """The newest fills of a purse, oldest first; ``complete`` where there are no older ones."""

    fills: Sequence[Fill]
    complete: bool

    def since(self, at_ns: int) -> KnownFills:
        """Those from a time on: what was traded before is not about who began then."""
        found = [each for each in self.fills if each.at_ns >= at_ns]
        return KnownFills(fills=found, complete=self.complete or len(found) < len(self.fills))


@attrs.frozen(kw_only=True)
class DayTold:
    """One UTC day of a strategy, in units of its budget's asset. What is not known is None.

    ``profit_units`` was the last of the day, counted from when the strategy began.
    ``drawdown_units`` is how far it fell on this day below the highest before, as a share
    ``drawdown_ppm`` of budget and profit at that.
    """

    day: int
    profit_units: int | None
    drawdown_units: int | None
    drawdown_ppm: int | None
    fills: int | None
    fees_units: int | None
    turnover_units: int | None


def tell_days(days: Sequence[Day], budget_units: int, known: KnownFills) -> tuple[DayTold, ...]:
    """How a strategy did day by day, oldest first; a day of which nothing is known is not there.

    ``days`` are those on which its profit was looked at, oldest first. Where not all fills are
    known, those of the oldest day that has any may not be all of it: of that day, and of those
    before, no sums are told.
    """
    traded: dict[int, list[Fill]] = {}
    for fill in known.fills:
        traded.setdefault(fill.at_ns // DAY_NS, []).append(fill)
    summed_after = -1 if known.complete else min(traded, default=-1)
    looked = {each.day: each for each in days}
    told: list[DayTold] = []
    peak_units = 0
    for number in sorted(looked.keys() | traded.keys()):
        day = looked.get(number)
        summed = number > summed_after
        fills = [each for each in traded.get(number, ()) if not each.transferred]
        fall_units = None
        if day is not None:
            peak_units = max(peak_units, day.high_units)
            fall_units = peak_units - day.low_units
        told.append(
            DayTold(
                day=number,
                profit_units=None if day is None else day.last_units,
                drawdown_units=fall_units,
                drawdown_ppm=_share_ppm(fall_units, budget_units + peak_units),
                fills=len(fills) if summed else None,
                fees_units=sum(each.fee_units for each in fills) if summed else None,
                turnover_units=sum(each.notional_units for each in fills) if summed else None,
            )
        )
    return tuple(told[-DAYS_TOLD_MAX:])


def _share_ppm(part_units: int | None, whole_units: int) -> int | None:
    return None if part_units is None else part_units * PPM // whole_units


def measure(
    days: Sequence[Day],
    budget_units: int,
    fills: Iterable[Fill],
    instruments: Mapping[Symbol, Instrument],
    reference_ticks: Mapping[OrderId, int],
) -> Performance:
    """Measure a strategy. ``days`` and ``fills`` are in order, the oldest first.

    ``reference_ticks``: the price of each order's market that the strategy knew when it decided,
    where that is known. What came from another purse of the same owner is no fill.
    """
    positions: dict[Symbol, Position] = {}
    hits = closings = count = fees = turnover = slippage = compared = 0
    for fill in fills:
        if fill.transferred:
            continue
        count += 1
        fees += fill.fee_units
        turnover += fill.notional_units
        earned = _take(positions.setdefault(fill.symbol, Position()), fill)
        if earned is not None:
            closings += 1
            hits += earned > 0
        known = reference_ticks.get(fill.order_id)
        if known is not None:
            there = instruments[fill.symbol].notional_units(known, fill.quantity_lots)
            beyond = fill.notional_units - there
            slippage += beyond if fill.side is BUY else -beyond
            compared += there
    profit_units = days[-1].last_units if days else 0
    return Performance(
        days=len(days),
        profit_units=profit_units,
        return_ppm=profit_units * PPM // budget_units,
        drawdown_ppm=_drawdown_ppm(days, budget_units),
        hits=hits,
        closings=closings,
        fills=count,
        fees_units=fees,
        turnover_units=turnover,
        slippage_units=slippage,
        compared_units=compared,
    )


def _take(position: Position, fill: Fill) -> int | None:
    """Count a fill in a position; what a sale has earned, None where it closed nothing."""
    if fill.side is BUY:
        position.buy(fill.quantity_lots, fill.notional_units, fill.fee_units)
        return None
    sale = plan_sale(position, fill.quantity_lots, fill.notional_units, fill.fee_units)
    if not sale.position_lots:
        return None
    position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)
    return sale.realised_units


def _drawdown_ppm(days: Sequence[Day], budget_units: int) -> int:
    """The deepest fall below the peak before it; within a day the peak counts as the earlier."""
    peak_units = deepest_ppm = 0
    for day in days:
        peak_units = max(peak_units, day.high_units)
        fall_units = peak_units - day.low_units
        deepest_ppm = max(deepest_ppm, fall_units * PPM // (budget_units + peak_units))
    return deepest_ppm
