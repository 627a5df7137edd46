"""What a run was worth: returns, risk, closed trades and costs, each by its published definition.

Everything is computed from the worth of the account over time and its fills. Amounts are in the
units of the curve (quote units); returns and risks are fractions (0.01 is one percent); a day is a
UTC day, of which a crypto year has 365. What is not defined, such as the Sharpe ratio of a curve
that never moves, is None and never a made-up number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from operator import truediv
from typing import Final

import attrs
import numpy as np

from xached.research.judgement.track_record import (
    DAY_NS,
    ClosedTrade,
    DailyReturns,
    EquityCurve,
    FloatArray,
    TrackRecord,
    daily_returns,
)

DAYS_PER_YEAR: Final = 365
YEAR_NS: Final = DAYS_PER_YEAR * DAY_NS

ANNUAL_DAYS_MIN: Final = 60
"""Shorter periods are not annualised: a good week would become a fortune."""

_ROUNDING: Final = 1e-12
"""A return is a ratio near one less one: rounding leaves it with an error of about 1e-16."""

_LOG_GROWTH_MAX: Final = 12.0
_LOG_GROWTH_STEPS: Final = 480


@attrs.frozen
class Drawdown:
    """The deepest fall from a peak, and the longest time under one; they need not be the same.

    ``depth`` is a positive fraction of the peak (Magdon-Ismail and Atiya 2004). A time under water
    lasts from a peak to the first worth at least as high, or to the end.
    """

    depth: float
    peak_at_ns: int
    trough_at_ns: int
    recovered_at_ns: int | None
    """When the peak of the deepest fall was reached again."""
    longest_ns: int


@attrs.frozen
class TailLoss:
    """Historical value at risk and expected shortfall of one day, both positive when lost.

    ``value_at_risk``: the loss that is met or passed on the worst ``1 - confidence`` of days.
    ``expected_shortfall``: the mean loss of those days (Acerbi and Tasche 2002, with the day on
    the edge counted in part).
    """

    confidence: float
    value_at_risk: float
    expected_shortfall: float


@attrs.frozen
class TradeStatistics:
    """How closed trades went. A trade that brought nothing is neither won nor lost.

    ``profit_factor``: what winning trades brought over what losing ones cost; None without any
    that lost. ``expectancy``: mean profit of a trade as a fraction of what it had cost.
    """

    count: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    profit_units: int
    mean_duration_ns: int | None


@attrs.frozen
class Costs:
    """What was traded and paid for it.

    ``turnover``: notional bought and sold over mean worth, so 2 is all money in and out once.
    """

    fills: int
    notional_units: int
    fee_units: int
    fee_fraction: float | None
    """Fees as a fraction of the notional."""
    turnover: float | None
    turnover_per_year: float | None


@attrs.frozen(kw_only=True)
class Performance:
    """Everything measured of one run."""

    start_at_ns: int
    end_at_ns: int
    days: int
    """UTC days with a sample."""
    missing_days: int
    start_equity: float
    end_equity: float
    time_weighted_return: float
    money_weighted_return: float | None
    annual_return: float | None
    annual_volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    drawdown: Drawdown
    tail_losses: tuple[TailLoss, ...]
    exposure: float | None
    trades: TradeStatistics
    costs: Costs


def measure(record: TrackRecord) -> Performance:
    """Measure one run."""
    return measure_joined(record.curve, [record])


def measure_joined(curve: EquityCurve, records: Sequence[TrackRecord]) -> Performance:
    """Measure runs that follow each other, each from flat, and the curve joined of them."""
    daily = daily_returns(curve)
    growth = time_weighted_return(curve)
    annual = annual_return(growth, curve.elapsed_ns)
    fall = drawdown(curve)
    return Performance(
        start_at_ns=int(curve.at_ns[0]),
        end_at_ns=int(curve.at_ns[-1]),
        days=len(daily.days),
        missing_days=daily.missing_days,
        start_equity=float(curve.equity[0]),
        end_equity=float(curve.equity[-1]),
        time_weighted_return=growth,
        money_weighted_return=money_weighted_return(curve),
        annual_return=annual,
        annual_volatility=annual_volatility(daily),
        sharpe=sharpe(daily),
        sortino=sortino(daily),
        calmar=annual / fall.depth if annual is not None and fall.depth > 0 else None,
        drawdown=fall,
        tail_losses=tuple(
            loss for level in (0.95, 0.99) if (loss := tail_loss(daily.returns, level)) is not None
        ),
        exposure=exposure(curve, records),
        trades=trade_statistics([trade for record in records for trade in record.trades]),
        costs=costs(curve, records),
    )


def time_weighted_return(curve: EquityCurve) -> float:
    """The return of one unit held throughout, whatever came in or went out (as in GIPS)."""
    return float(curve.growth()[-1]) - 1.0


def money_weighted_return(curve: EquityCurve) -> float | None:
    """The return of the owner's money over the period: the internal rate, not annualised.

    The rate R at which the first worth and every flow, grown by (1 + R) to the power of the share
    of the period that they were there, add up to the last worth. None where no rate does so; of
    several the one nearest to nothing.
    """
    if curve.elapsed_ns == 0:
        return None
    shares = (curve.at_ns[-1] - curve.at_ns) / curve.elapsed_ns
    amounts = curve.flows.copy()
    amounts[0] = curve.equity[0]
    present = amounts != 0
    amounts, shares, end = amounts[present], shares[present], float(curve.equity[-1])
    if len(amounts) == 1 and amounts[0] > 0 and shares[0] == 1.0:
        return end / float(amounts[0]) - 1.0

    def missing(log_growth: float) -> float:
        return float(np.sum(amounts * np.exp(log_growth * shares))) - end

    return _root_nearest_zero(missing)


def _root_nearest_zero(missing: Callable[[float], float]) -> float | None:
    """The rate, given what a growth leaves missing, found between e^-12 and e^12."""
    points = np.linspace(-_LOG_GROWTH_MAX, _LOG_GROWTH_MAX, _LOG_GROWTH_STEPS + 1).tolist()
    values = [missing(point) for point in points]
    roots = [point for point, value in zip(points, values, strict=True) if value == 0.0]
    for index in range(_LOG_GROWTH_STEPS):
        if values[index] * values[index + 1] < 0.0:
            roots.append(_bisect(missing, points[index], points[index + 1]))
    return math.expm1(min(roots, key=abs)) if roots else None


def _bisect(missing: Callable[[float], float], low: float, high: float) -> float:
    below = missing(low) < 0.0
    for _ in range(60):  # a step of 0.05 halved so often is below what a float can tell apart
        middle = (low + high) / 2
        if (missing(middle) < 0.0) == below:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def annual_return(growth: float, elapsed_ns: int) -> float | None:
    """The compound yearly return; None under 60 days."""
    if elapsed_ns < ANNUAL_DAYS_MIN * DAY_NS:
        return None
    return float(max(1.0 + growth, 0.0) ** (YEAR_NS / elapsed_ns)) - 1.0


def annual_volatility(daily: DailyReturns) -> float | None:
    """Standard deviation of daily returns, times the root of 365."""
    if len(daily.returns) < 2:
        return None
    return float(np.std(daily.returns, ddof=1)) * math.sqrt(DAYS_PER_YEAR)


def daily_sharpe(returns: FloatArray, risk_free: float = 0.0) -> float | None:
    """Mean excess return of a day over its standard deviation (Sharpe 1994), not annualised.

    ``risk_free`` is the return of a day without risk. None when the returns do not vary.
    """
    if len(returns) < 2:
        return None
    deviation = float(np.std(returns, ddof=1))
    excess = float(np.mean(returns)) - risk_free
    if deviation <= _ROUNDING:
        return None
    return excess / deviation


def sharpe(daily: DailyReturns, risk_free: float = 0.0) -> float | None:
    """The yearly Sharpe ratio: the daily one times the root of 365 (Lo 2002, for independent
    days)."""
    ratio = daily_sharpe(daily.returns, risk_free)
    return None if ratio is None else ratio * math.sqrt(DAYS_PER_YEAR)


def sortino(daily: DailyReturns, target: float = 0.0) -> float | None:
    """Mean daily return above a target over the downside deviation, times the root of 365.

    The downside deviation is the root of the mean square of shortfalls over all days, not only
    over the bad ones (Sortino and Price 1994). None without a day under the target.
    """
    if len(daily.returns) < 2:
        return None
    shortfall = np.minimum(daily.returns - target, 0.0)
    downside = math.sqrt(float(np.mean(shortfall**2)))
    if downside == 0.0:
        return None
    return (float(np.mean(daily.returns)) - target) / downside * math.sqrt(DAYS_PER_YEAR)


def drawdown(curve: EquityCurve) -> Drawdown:
    """Find the deepest and the longest fall of a curve, whatever came in or went out."""
    growth = curve.growth()
    peaks = np.maximum.accumulate(growth)
    depths = 1.0 - growth / peaks
    trough = int(np.argmax(depths))
    peak = int(np.flatnonzero(growth[: trough + 1] == peaks[trough])[-1])
    recovered = np.flatnonzero(growth[trough:] >= peaks[trough])
    at_peak = np.flatnonzero(growth == peaks)
    gaps_ns = np.diff(np.append(curve.at_ns[at_peak], curve.at_ns[-1]))
    # Two peaks in a row have no time under water between them.
    under = np.diff(np.append(at_peak, len(growth))) > 1
    return Drawdown(
        depth=float(depths[trough]),
        peak_at_ns=int(curve.at_ns[peak]),
        trough_at_ns=int(curve.at_ns[trough]),
        recovered_at_ns=int(curve.at_ns[trough + recovered[0]]) if len(recovered) else None,
        longest_ns=int(np.max(gaps_ns[under])) if bool(np.any(under)) else 0,
    )


def tail_loss(returns: FloatArray, confidence: float) -> TailLoss | None:
    """The loss of bad days; None when there are too few to hold one whole bad day."""
    count = round(len(returns) * (1.0 - confidence), 9)  # 100 days at 0.95: 5 bad ones, not 4.99…
    whole = math.floor(count)
    if whole < 1:
        return None
    part = count - whole
    worst = np.sort(returns)[: whole + 1]
    edge = float(worst[min(whole, len(worst) - 1)])
    total = float(np.sum(worst[:whole])) + part * edge
    return TailLoss(
        confidence=confidence,
        value_at_risk=-float(worst[whole - 1]) if part == 0.0 else -edge,
        expected_shortfall=-total / (whole + part),
    )


def exposure(curve: EquityCurve, records: Sequence[TrackRecord]) -> float | None:
    """The share of the time of a curve in which anything was held that had been bought."""
    if curve.elapsed_ns == 0:
        return None
    return min(sum(map(_held_ns, records)) / curve.elapsed_ns, 1.0)


def _held_ns(record: TrackRecord) -> int:
    held: dict[int, int] = {}
    total_ns, since_ns = 0, 0
    for fill in record.fills:
        if not held:
            since_ns = fill.at_ns
        before = held.get(fill.instrument, 0)
        after = before + fill.quantity_lots if fill.buy else max(before - fill.quantity_lots, 0)
        if after:
            held[fill.instrument] = after
        elif held.pop(fill.instrument, None) is not None and not held:
            total_ns += fill.at_ns - since_ns
    if held:
        total_ns += max(int(record.curve.at_ns[-1]) - since_ns, 0)
    return total_ns


def trade_statistics(trades: Sequence[ClosedTrade]) -> TradeStatistics:
    """Count closed trades and what they brought."""
    won = sum(trade.profit_units for trade in trades if trade.profit_units > 0)
    lost = -sum(trade.profit_units for trade in trades if trade.profit_units < 0)
    count = len(trades)
    return TradeStatistics(
        count=count,
        win_rate=sum(trade.profit_units > 0 for trade in trades) / count if count else None,
        profit_factor=won / lost if lost else None,
        expectancy=sum(trade.return_fraction for trade in trades) / count if count else None,
        profit_units=won - lost,
        mean_duration_ns=(
            sum(trade.closed_at_ns - trade.opened_at_ns for trade in trades) // count
            if count
            else None
        ),
    )


def costs(curve: EquityCurve, records: Sequence[TrackRecord]) -> Costs:
    """Add up what was traded and its fees."""
    traded = [sum(fill.notional_units for fill in record.fills) for record in records]
    fees = sum(fill.fee_units for record in records for fill in record.fills)
    means = [mean_equity(record.curve) for record in records]
    known = all(mean > 0 for mean in means)
    turnover = sum(map(truediv, traded, means)) if known else None
    long_enough = curve.elapsed_ns >= ANNUAL_DAYS_MIN * DAY_NS
    return Costs(
        fills=sum(len(record.fills) for record in records),
        notional_units=sum(traded),
        fee_units=fees,
        fee_fraction=fees / sum(traded) if any(traded) else None,
        turnover=turnover,
        turnover_per_year=(
            turnover * YEAR_NS / curve.elapsed_ns if turnover is not None and long_enough else None
        ),
    )


def mean_equity(curve: EquityCurve) -> float:
    """The worth on average over time; each worth lasts until the next."""
    if curve.elapsed_ns == 0:
        return float(curve.equity[0])
    return float(np.sum(curve.equity[:-1] * np.diff(curve.at_ns))) / curve.elapsed_ns
