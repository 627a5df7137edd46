"""Turning scores into probabilities that mean what they say.

A sigmoid (Platt 1999, fitted as by Lin, Lin and Weng, *A Note on Platt's Probabilistic Outputs*,
2007) has two numbers and holds from few rows on. Isotonic regression (pool adjacent violators) has
as many steps as it likes and overfits below a thousand rows, so it is refused there.
"""

from __future__ import annotations

import math
from typing import Final, TypeAlias

import attrs
import numpy as np

from xached.research.judgement.track_record import FloatArray

ISOTONIC_ROWS_MIN: Final = 1_000
"""Effective rows."""
SIGMOID_ROWS_MIN: Final = 50
PROBABILITY_MIN: Final = 1e-6
"""No outcome is taken as impossible."""

_STEPS_MAX: Final = 100
_HALVINGS_MAX: Final = 40


class TooFewRows(ValueError):  # noqa: N818 - it says what is the matter
    """There are too few effective rows, or only one kind of outcome."""


@attrs.frozen
class Sigmoid:
    """probability = 1 / (1 + exp(-(slope x score + offset)))."""

    slope: float
    offset: float

    def __call__(self, scores: FloatArray) -> FloatArray:
        """The probability of each score."""
        return _bounded(_sigmoid(self.slope * scores + self.offset))


@attrs.frozen(eq=False)
class Isotonic:
    """Steps that never fall, joined by straight lines; level beyond the first and the last."""

    scores: FloatArray
    probabilities: FloatArray

    def __call__(self, scores: FloatArray) -> FloatArray:
        """The probability of each score."""
        return _bounded(np.interp(scores, self.scores, self.probabilities))


Calibrator: TypeAlias = Sigmoid | Isotonic


def fit_sigmoid(scores: FloatArray, outcomes: FloatArray, weights: FloatArray) -> Sigmoid:
    """Fit by maximum likelihood. ``outcomes`` are 0 or 1, ``weights`` the rows' uniqueness.

    Outcomes are pulled in a little, as Platt does, so that scores which separate them completely
    do not make it certain.

    Raises: TooFewRows under 50 effective rows or without both outcomes.
    """
    positive, negative = _counts(scores, outcomes, weights, SIGMOID_ROWS_MIN)
    targets = np.where(outcomes > 0.5, (positive + 1) / (positive + 2), 1 / (negative + 2))
    centre = float(np.average(scores, weights=weights))
    spread = math.sqrt(float(np.average((scores - centre) ** 2, weights=weights)))
    if spread <= 1e-12 * max(abs(centre), 1.0):
        raise TooFewRows("all scores are the same")
    # Newton's method on standardised scores, or a large unit would make the matrix singular.
    design = np.column_stack(((scores - centre) / spread, np.ones(len(scores))))
    point = np.array([0.0, math.log((positive + 1) / (negative + 1))])
    loss = _log_loss(design @ point, targets, weights)
    for _ in range(_STEPS_MAX):
        found = _sigmoid(design @ point)
        gradient = design.T @ (weights * (found - targets))
        if float(np.max(np.abs(gradient))) < 1e-9 * float(np.sum(weights)):
            break
        curvature = (design * (weights * found * (1 - found))[:, np.newaxis]).T @ design
        step = np.linalg.solve(curvature + 1e-12 * np.eye(2), gradient)
        # Halved until it does not lead uphill.
        for size in 0.5 ** np.arange(_HALVINGS_MAX):
            moved = _log_loss(design @ (point - size * step), targets, weights)
            if moved <= loss:
                point, loss = point - size * step, moved
                break
    slope = float(point[0]) / spread
    return Sigmoid(slope, float(point[1]) - slope * centre)


def fit_isotonic(scores: FloatArray, outcomes: FloatArray, weights: FloatArray) -> Isotonic:
    """Fit by pooling adjacent violators; rows of the same score are one.

    Raises: TooFewRows under 1,000 effective rows or without both outcomes.
    """
    _counts(scores, outcomes, weights, ISOTONIC_ROWS_MIN)
    distinct, place = np.unique(scores, return_inverse=True)
    mass = np.bincount(place, weights)
    means = np.bincount(place, weights * outcomes) / np.where(mass > 0, mass, 1.0)
    # Each pool is (mean, mass, first, last) of the distinct scores in it.
    pools: list[tuple[float, float, int, int]] = []
    for number in np.flatnonzero(mass > 0).tolist():
        pool = (float(means[number]), float(mass[number]), number, number)
        while pools and pools[-1][0] >= pool[0]:
            mean, heavy, first, _ = pools.pop()
            both = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / both, both, first, pool[3])
        pools.append(pool)
    knots = [(distinct[at], mean) for mean, _, first, last in pools for at in sorted({first, last})]
    return Isotonic(np.array([at for at, _ in knots]), np.array([mean for _, mean in knots]))


def brier_score(probabilities: FloatArray, outcomes: FloatArray, weights: FloatArray) -> float:
    """The mean squared error of probabilities (Brier 1950): 0 at best, 0.25 for always saying ½."""
    return float(np.average((probabilities - outcomes) ** 2, weights=weights))


def log_losses(probabilities: FloatArray, outcomes: FloatArray) -> FloatArray:
    """The loss of each row: minus the logarithm of what was said of what came."""
    bounded = _bounded(probabilities)
    return -np.log(np.where(outcomes > 0.5, bounded, 1.0 - bounded))


@attrs.frozen
class Bin:
    """What came of probabilities in a range."""

    said: float
    came: float
    effective_rows: float


def reliability(
    probabilities: FloatArray, outcomes: FloatArray, weights: FloatArray, bins: int = 10
) -> tuple[Bin, ...]:
    """Compare what was said with what came, in bins with about as many rows each."""
    order = np.argsort(probabilities, kind="stable")
    return tuple(
        Bin(
            said=float(np.average(probabilities[part], weights=weights[part])),
            came=float(np.average(outcomes[part], weights=weights[part])),
            effective_rows=float(np.sum(weights[part])),
        )
        for part in np.array_split(order, bins)
        if len(part) and float(np.sum(weights[part])) > 0
    )


def _counts(
    scores: FloatArray, outcomes: FloatArray, weights: FloatArray, rows_min: int
) -> tuple[float, float]:
    if not len(scores) == len(outcomes) == len(weights):
        raise ValueError("every score has an outcome and a weight")
    positive = float(np.sum(weights[outcomes > 0.5]))
    negative = float(np.sum(weights[outcomes <= 0.5]))
    if positive + negative < rows_min or not positive or not negative:
        raise TooFewRows(f"{positive + negative:.1f} effective rows, {rows_min} are needed")
    return positive, negative


def _sigmoid(values: FloatArray) -> FloatArray:
    # tanh does not overflow.
    return 0.5 * (1.0 + np.tanh(0.5 * values))


def _bounded(probabilities: FloatArray) -> FloatArray:
    return np.clip(probabilities, PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)


def _log_loss(logits: FloatArray, targets: FloatArray, weights: FloatArray) -> float:
    return float(np.sum(weights * (np.logaddexp(0.0, logits) - targets * logits)))
