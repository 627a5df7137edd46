"""How likely a Sharpe ratio is real, given how short, how odd and how often tried it is.

All ratios here are per period (per day where returns are daily), never annualised. Sources: Bailey
and López de Prado, *The Sharpe Ratio Efficient Frontier*, Journal of Risk 15 (2012), for the
probabilistic ratio and the minimum track record; the same, *The Deflated Sharpe Ratio*, Journal of
Portfolio Management 40 (2014), for the expected maximum and the deflated ratio.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Final, TypeAlias

import attrs
import numpy as np

from xached.research.judgement.metrics import DAYS_PER_YEAR, daily_sharpe
from xached.research.judgement.track_record import FloatArray

DAYS_MIN: Final = 60
CLOSED_TRADES_MIN: Final = 30
CONFIDENCE: Final = 0.95
"""What a deflated ratio must reach before others may be led by a strategy."""

_NORMAL: Final = NormalDist()
_EULER: Final = 0.5772156649015329


@attrs.frozen
class Shape:
    """How returns are spread, per period.

    ``skew`` and ``kurtosis`` (3 for a normal distribution, not 0) are those of the sample itself,
    without correction for its size: only these keep kurtosis above one plus skew squared, without
    which the error of a Sharpe ratio would have no root.
    """

    sharpe: float
    skew: float
    kurtosis: float
    periods: int

    @property
    def error_scale(self) -> float:
        """Squared error of the ratio times the periods less one: 1 for normal returns around 0."""
        ratio = self.sharpe
        return max(1.0 - self.skew * ratio + (self.kurtosis - 1.0) / 4.0 * ratio**2, 0.0)


def shape_of(returns: FloatArray) -> Shape | None:
    """Measure returns; None when they do not vary."""
    ratio = daily_sharpe(returns)
    if ratio is None:
        return None
    deviations = returns - np.mean(returns)
    variance = float(np.mean(deviations**2))
    return Shape(
        sharpe=ratio,
        skew=float(np.mean(deviations**3)) / variance**1.5,
        kurtosis=float(np.mean(deviations**4)) / variance**2,
        periods=len(returns),
    )


def probabilistic_sharpe(shape: Shape, benchmark: float = 0.0) -> float:
    """The probability that the true ratio is above a benchmark."""
    error = math.sqrt(shape.error_scale / (shape.periods - 1))
    if error == 0.0:
        return float(shape.sharpe > benchmark)
    return _NORMAL.cdf((shape.sharpe - benchmark) / error)


def expected_maximum_sharpe(trials: float, variance: float) -> float:
    """The best ratio to expect of so many independent trials of which none is any good.

    ``variance`` is that of the ratios over the trials. ``trials`` need not be whole; one alone
    expects nothing, and where few make the approximation negative it is nothing too.
    """
    if trials <= 1.0:
        return 0.0
    first = _NORMAL.inv_cdf(1.0 - 1.0 / trials)
    second = _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return max(math.sqrt(variance) * ((1.0 - _EULER) * first + _EULER * second), 0.0)


def deflated_sharpe(shape: Shape, trials: float, variance: float) -> float:
    """The probability that the true ratio is above what trying so often brings by luck alone."""
    return probabilistic_sharpe(shape, expected_maximum_sharpe(trials, variance))


def minimum_track_record(
    shape: Shape, benchmark: float = 0.0, confidence: float = CONFIDENCE
) -> float | None:
    """How many periods it takes to be so confident that the ratio is above a benchmark.

    None where it is not above: no length would do.
    """
    if shape.sharpe <= benchmark:
        return None
    distance = _NORMAL.inv_cdf(confidence) / (shape.sharpe - benchmark)
    return 1.0 + shape.error_scale * distance**2


@attrs.frozen
class Evidence:
    """What else was tried. ``variance``: of the daily Sharpe ratios of the effective trials."""

    trials: int
    """Distinct trials whose result was shown, this one included."""
    effective_trials: float
    """How many of them are different from each other, at least one."""
    variance: float


ALONE: Final = Evidence(trials=1, effective_trials=1.0, variance=0.0)
"""Nothing else was tried."""


class Lack(enum.Enum):
    """Why there is not enough to judge by."""

    DAYS = f"under {DAYS_MIN} days"
    CLOSED_TRADES = f"under {CLOSED_TRADES_MIN} closed trades"
    VARIATION = "the returns do not vary"


@attrs.frozen
class NotEnoughData:
    """No judgement, and no number that could be taken for one."""

    days: int
    closed_trades: int
    lacks: tuple[Lack, ...]

    def __str__(self) -> str:
        return f"not enough data: {', '.join(lack.value for lack in self.lacks)}"


class Verdict(enum.Enum):
    """What a deflated ratio says of a strategy."""

    CONVINCING = "unlikely to be luck"
    UNPROVEN = "may be luck"
    LOSING = "did not earn"


@attrs.frozen(kw_only=True)
class Judgement:
    """A Sharpe ratio with everything that belongs beside it. Ratios are per day unless named."""

    shape: Shape
    days: int
    closed_trades: int
    evidence: Evidence
    expected_maximum: float
    probabilistic: float
    """The probability that the true ratio is above nothing, as if nothing else had been tried."""
    deflated: float
    minimum_track_record_days: float | None
    """To be 95 % confident that the ratio is above the expected maximum; None: never."""
    verdict: Verdict

    @property
    def annual_sharpe(self) -> float:
        """The yearly ratio."""
        return self.shape.sharpe * math.sqrt(DAYS_PER_YEAR)


Judged: TypeAlias = Judgement | NotEnoughData


def judge(returns: FloatArray, closed_trades: int, evidence: Evidence = ALONE) -> Judged:
    """Judge daily UTC returns by what else was tried.

    The variance over trials is taken as at least what luck alone gives ratios of this length
    (1 / (days - 1)): a few trials that happen to agree, or were made to, must not lower the bar.
    """
    days = len(returns)
    shape = shape_of(returns)
    lacks: list[Lack] = []
    if days < DAYS_MIN:
        lacks.append(Lack.DAYS)
    if closed_trades < CLOSED_TRADES_MIN:
        lacks.append(Lack.CLOSED_TRADES)
    if shape is None:
        lacks.append(Lack.VARIATION)
    if lacks or shape is None:
        return NotEnoughData(days, closed_trades, tuple(lacks))
    variance = max(evidence.variance, 1.0 / (days - 1))
    expected = expected_maximum_sharpe(evidence.effective_trials, variance)
    deflated = probabilistic_sharpe(shape, expected)
    return Judgement(
        shape=shape,
        days=days,
        closed_trades=closed_trades,
        evidence=evidence,
        expected_maximum=expected,
        probabilistic=probabilistic_sharpe(shape),
        deflated=deflated,
        minimum_track_record_days=minimum_track_record(shape, expected),
        verdict=_verdict(shape, deflated),
    )


def _verdict(shape: Shape, deflated: float) -> Verdict:
    if shape.sharpe <= 0.0:
        return Verdict.LOSING
    return Verdict.CONVINCING if deflated >= CONFIDENCE else Verdict.UNPROVEN


def variance_of(sharpes: Sequence[float]) -> float:
    """The variance over trials; nothing for fewer than two."""
    return float(np.var(np.asarray(sharpes), ddof=1)) if len(sharpes) > 1 else 0.0
