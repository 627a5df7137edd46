"""Whether a new model is worse than the old one, by resampling blocks of their common test.

Losses of neighbouring rows depend on each other, so single rows would promise a certainty that is
not there; whole blocks keep what is inside them. Circular block bootstrap: Politis and Romano, *A
Circular Block-Resampling Procedure for Stationary Data* (1992).
"""

from __future__ import annotations

import enum
import math
from typing import Final

import attrs
import numpy as np

from xached.research.judgement.track_record import FloatArray

RESAMPLES: Final = 2_000
BLOCKS_MIN: Final = 10
"""With fewer there is too little to resample."""
CONFIDENCE: Final = 0.95


class Standing(enum.Enum):
    """How the new model stands against the old one."""

    NOT_WORSE = "not worse"
    UNDECIDED = "cannot be told apart"
    WORSE = "worse"
    NOT_ENOUGH_DATA = "not enough data"


@attrs.frozen
class Comparison:
    """Mean loss of the new model less that of the old: positive when it is worse.

    ``low`` and ``high`` are one-sided 95 % bounds. ``probability_worse``: share of resamples in
    which it lost more than the margin.
    """

    difference: float
    low: float
    high: float
    probability_worse: float
    block_rows: int
    standing: Standing


def compare(
    new_losses: FloatArray,
    old_losses: FloatArray,
    *,
    margin: float,
    seed: int,
    weights: FloatArray | None = None,
    block_rows: int = 0,
) -> Comparison:
    """Compare losses on the same rows, in order of time.

    ``margin``: what the new model may lose and still count as not worse. ``weights``: uniqueness of
    the rows. ``block_rows`` should cover the longest label; at least the cube root of the number
    of rows is taken. Without 10 blocks the standing is NOT_ENOUGH_DATA.

    Raises: ValueError when the rows are not the same, or the margin is negative.
    """
    rows = len(new_losses)
    if len(old_losses) != rows or (weights is not None and len(weights) != rows):
        raise ValueError("both models are compared on the same rows")
    if margin < 0.0:
        raise ValueError("a margin is not negative")
    block = max(block_rows, math.ceil(rows ** (1 / 3)), 1)
    weight = np.ones(rows) if weights is None else weights
    if rows < BLOCKS_MIN * block or float(np.sum(weight)) <= 0.0:
        nan = math.nan
        return Comparison(nan, nan, nan, nan, block, Standing.NOT_ENOUGH_DATA)
    losses = weight * (new_losses - old_losses)
    means = _resampled_means(losses, weight, block, np.random.default_rng(seed))
    low, high = np.quantile(means, [1.0 - CONFIDENCE, CONFIDENCE])
    return Comparison(
        difference=float(np.sum(losses) / np.sum(weight)),
        low=float(low),
        high=float(high),
        probability_worse=float(np.mean(means > margin)),
        block_rows=block,
        standing=_standing(float(low), float(high), margin),
    )


def _standing(low: float, high: float, margin: float) -> Standing:
    if high <= margin:
        return Standing.NOT_WORSE
    return Standing.WORSE if low > margin else Standing.UNDECIDED


def _resampled_means(
    losses: FloatArray, weight: FloatArray, block: int, generator: np.random.Generator
) -> FloatArray:
    """Weighted means of as many rows as there are, drawn in blocks around a circle."""
    rows = len(losses)
    whole, rest = divmod(rows, block)
    starts = generator.integers(0, rows, (RESAMPLES, whole + (rest > 0)))
    lengths = np.full(starts.shape[1], block)
    if rest:
        lengths[-1] = rest

    def drawn(values: FloatArray) -> FloatArray:
        # A block's sum is the difference of two running sums: no row is touched twice.
        running = np.concatenate(([0.0], np.cumsum(np.concatenate((values, values[:block])))))
        sums: FloatArray = (running[starts + lengths] - running[starts]).sum(axis=1)
        return sums

    total = drawn(weight)
    means = np.zeros(RESAMPLES)
    np.divide(drawn(losses), total, out=means, where=total > 0)
    return means
