"""Whether the world a model was trained in is still there.

*Feature drift*: a feature is spread differently than in training (Kolmogorov and Smirnov's test of
two samples). *Calibration drift*: what comes is no longer what the probabilities say (a score test
of Cox's calibration line, offset 0 and slope 1: Cox, *Two Further Applications of a Model for
Binary Regression*, 1958). Rows that depend on each other count as the fewer they are worth.

A test of 1 % fires once in a hundred times on nothing. Test each stretch of new labels once: who
tests the same ones again every hour tests at far more than 1 %.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from typing import Final

import attrs
import numpy as np

from xached.research.judgement.track_record import FloatArray
from xached.research.models.calibration import PROBABILITY_MIN

LABELS_MIN: Final = 200
"""Effective labels, or effective rows of a feature."""
SIGNIFICANCE: Final = 0.01


class Finding(enum.Enum):
    """What a test found."""

    STEADY = "steady"
    DRIFTED = "drifted"
    NOT_ENOUGH_DATA = "not enough data"


@attrs.frozen
class Drift:
    """A test and its outcome; without enough data there is no probability."""

    finding: Finding
    p_value: float | None
    effective_rows: float


def calibration_drift(
    probabilities: FloatArray, outcomes: FloatArray, weights: FloatArray
) -> Drift:
    """Test whether outcomes, 0 or 1, still come as often as was said of them.

    ``weights`` are the labels' uniqueness; their sum is the number of effective labels.
    """
    effective = float(np.sum(weights))
    if effective < LABELS_MIN:
        return Drift(Finding.NOT_ENOUGH_DATA, None, effective)
    said = np.clip(probabilities, PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)
    logits = np.log(said / (1.0 - said))
    centred = logits - np.average(logits, weights=weights)
    design = np.column_stack((np.ones(len(said)), centred))
    score = design.T @ (weights * (outcomes - said))
    information = (design * (weights * said * (1.0 - said))[:, np.newaxis]).T @ design
    if float(np.max(np.abs(centred))) > 1e-9:
        squared = float(score @ np.linalg.solve(information, score))
        p_value = math.exp(-squared / 2.0)  # chi-squared with two degrees of freedom
    else:  # always the same probability: only the offset can be told
        squared = float(score[0] ** 2 / information[0, 0])
        p_value = math.erfc(math.sqrt(squared / 2.0))
    return Drift(_finding(p_value, SIGNIFICANCE), p_value, effective)


def feature_drift(
    trained: Mapping[str, FloatArray], now: Mapping[str, FloatArray]
) -> dict[str, Drift]:
    """Test each feature. The level of 1 % is for all together: it is divided by their number.

    Values that are not numbers are left out. Raises: ValueError when the features differ.
    """
    if trained.keys() != now.keys():
        raise ValueError("a model sees the features it was trained on")
    level = SIGNIFICANCE / max(len(trained), 1)
    return {name: _two_samples(trained[name], now[name], level) for name in trained}


def _two_samples(one: FloatArray, other: FloatArray, level: float) -> Drift:
    one, other = one[np.isfinite(one)], other[np.isfinite(other)]
    if min(len(one), len(other)) >= LABELS_MIN and float(np.ptp(other)) == 0.0:
        # A feature that stands still is mostly a feed that has died.
        same = bool(np.all(one == other[0]))
        p_value = float(same)
        return Drift(_finding(p_value, level), p_value, float(len(other)))
    effective = effective_size(other)
    if min(effective, effective_size(one)) < LABELS_MIN:
        return Drift(Finding.NOT_ENOUGH_DATA, None, effective)
    ordered_one, ordered_other = np.sort(one), np.sort(other)
    every = np.concatenate((ordered_one, ordered_other))
    below_one = np.searchsorted(ordered_one, every, side="right") / len(one)
    below_other = np.searchsorted(ordered_other, every, side="right") / len(other)
    distance = float(np.max(np.abs(below_one - below_other)))
    both = effective_size(one) * effective / (effective_size(one) + effective)
    p_value = kolmogorov(distance * (math.sqrt(both) + 0.12 + 0.11 / math.sqrt(both)))
    return Drift(_finding(p_value, level), p_value, effective)


def kolmogorov(distance: float) -> float:
    """The probability of a larger scaled distance by chance (Stephens 1970)."""
    if distance < 0.2:  # the series below does not converge there; the answer is 1 to 12 digits
        return 1.0
    terms = [math.exp(-2.0 * (term * distance) ** 2) for term in range(1, 101)]
    return min(max(2.0 * (sum(terms[::2]) - sum(terms[1::2])), 0.0), 1.0)


def effective_size(values: FloatArray) -> float:
    """How many independent values a series is worth, from its autocorrelation.

    Sums of neighbouring pairs of autocorrelations are added while they are positive (Geyer,
    *Practical Markov Chain Monte Carlo*, 1992). A series that never varies is worth one value.
    """
    count = len(values)
    if count < 4:
        return float(count)
    centred = values - np.mean(values)
    padded = np.fft.rfft(centred, 1 << (2 * count - 1).bit_length())
    products = np.fft.irfft(np.abs(padded) ** 2)[:count]
    if products[0] <= 1e-18 * count * max(float(np.max(np.abs(values))) ** 2, 1e-300):
        return 1.0
    correlations = products / products[0]
    pairs = correlations[: count // 2 * 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0.0)
    last = int(negative[0]) if len(negative) else len(pairs)
    time = max(2.0 * float(np.sum(pairs[:last])) - 1.0, 1.0)
    return count / time


def _finding(p_value: float, level: float) -> Finding:
    return Finding.DRIFTED if p_value < level else Finding.STEADY
