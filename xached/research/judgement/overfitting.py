"""How likely it is that the best of a sweep was best by luck.

Combinatorially symmetric cross-validation: Bailey, Borwein, López de Prado and Zhu, *The
Probability of Backtest Overfitting*, Journal of Computational Finance 20 (2017). History is cut
into 16 blocks; for each of the 12,870 ways to take half of them, the combination with the best
Sharpe ratio in the one half is looked up in the other. Overfit is what is not above the median
there.
"""

from __future__ import annotations

import itertools
from typing import Final, TypeAlias

import attrs
import numpy as np

from xached.research.judgement.track_record import FloatArray

BLOCKS: Final = 16
COMBINATIONS_MIN: Final = 10
DAYS_MIN: Final = 60
_CELLS_MAX: Final = 2_000_000
"""Ratios held at once: 16 MB."""
_TIE: Final = 1e-9
"""Equal columns may be added up in another order."""


@attrs.frozen
class Overfitting:
    """What became of the best of each half in the other half."""

    probability: float
    """Share of splits in which it was at or below the median."""
    loss_probability: float
    """Share of splits in which its Sharpe ratio was negative."""
    inside_sharpe: float
    """Its daily Sharpe ratio where it was chosen, on average over the splits."""
    outside_sharpe: float
    """The same in the other half: what choosing so was really worth."""
    combinations: int
    days: int
    splits: int


@attrs.frozen
class TooLittleToTell:
    """A sweep too small or too short for a probability."""

    combinations: int
    days: int

    def __str__(self) -> str:
        return (
            f"not enough data: {self.combinations} combinations over {self.days} days, at least"
            f" {COMBINATIONS_MIN} over {DAYS_MIN} are needed"
        )


Overfit: TypeAlias = Overfitting | TooLittleToTell


def overfitting(returns: FloatArray, blocks: int = BLOCKS) -> Overfit:
    """Judge a sweep by the daily returns of its combinations, one column each, on common days.

    The oldest days that do not fill a block are left out.

    Raises: ValueError when ``blocks`` is odd or below 4.
    """
    if blocks < 4 or blocks % 2:
        raise ValueError("blocks are even and at least four")
    days, combinations = returns.shape
    if combinations < COMBINATIONS_MIN or days < max(DAYS_MIN, 2 * blocks):
        return TooLittleToTell(combinations, days)
    used = returns[days % blocks :]
    # Sharpe ratios of joined blocks follow from their sums, so no split reads the days again.
    cut = used.reshape(blocks, -1, combinations)
    sums, squares = cut.sum(axis=1), (cut**2).sum(axis=1)
    halves = np.array(list(itertools.combinations(range(blocks), blocks // 2)))
    inside: list[FloatArray] = []
    outside: list[FloatArray] = []
    ranks: list[FloatArray] = []
    chunk = max(_CELLS_MAX // combinations, 1)
    half_days = len(used) // 2
    for start in range(0, len(halves), chunk):
        taken = np.zeros((len(halves[start : start + chunk]), blocks))
        np.put_along_axis(taken, halves[start : start + chunk], 1.0, axis=1)
        train = _ratios(taken @ sums, taken @ squares, half_days)
        test = _ratios((1.0 - taken) @ sums, (1.0 - taken) @ squares, half_days)
        best = np.argmax(train, axis=1)[:, np.newaxis]
        found = np.take_along_axis(test, best, axis=1)
        below = np.count_nonzero(test < found - _TIE, axis=1)
        equal = np.count_nonzero(np.abs(test - found) <= _TIE, axis=1)
        inside.append(np.take_along_axis(train, best, axis=1)[:, 0])
        outside.append(found[:, 0])
        ranks.append((below + (equal + 1) / 2) / (combinations + 1))
    return Overfitting(
        # The logit of the relative rank is at or below nothing exactly when the rank is at most ½.
        probability=float(np.mean(np.concatenate(ranks) <= 0.5)),
        loss_probability=float(np.mean(np.concatenate(outside) < 0.0)),
        inside_sharpe=float(np.mean(np.concatenate(inside))),
        outside_sharpe=float(np.mean(np.concatenate(outside))),
        combinations=combinations,
        days=days,
        splits=len(halves),
    )


def _ratios(sums: FloatArray, squares: FloatArray, count: int) -> FloatArray:
    """Sharpe ratios from sums; nothing for what does not vary, such as never having traded."""
    mean = sums / count
    variance = (squares - sums * mean) / (count - 1)
    varies = variance > 1e-12 * squares / count
    ratios = np.zeros_like(mean)
    np.divide(mean, np.sqrt(np.maximum(variance, 0.0)), out=ratios, where=varies)
    return ratios
