"""How many of the trials made are different from each other.

A hundred settings of one idea are not a hundred ideas, nor are they one. Trials are clustered by
the correlation of their daily returns: in a cluster every two of them correlate at least 0.7, so
that they share about half of their variance (complete linkage, no choice of a number of clusters
and no randomness). Clusters are counted as by López de Prado and Lewis, *Detection of False
Investment Strategies Using Unsupervised Learning Methods*, Quantitative Finance 19 (2019), but not
as one each: the best of 25 variants that correlate by 0.75 is still luckier than one of them. A
cluster of m trials with mean correlation r counts r + (1 - r) m, the number of independent trials
that Bailey and López de Prado (2014, appendix 3) put for trials that correlate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import numpy as np

from xached.research.judgement.deflated import DAYS_MIN, Evidence, shape_of, variance_of
from xached.research.judgement.track_record import DailyReturns, FloatArray

CORRELATION_MIN: Final = 0.7
COMMON_DAYS_MIN: Final = 30
"""Two trials with fewer days in common are taken as different."""
CLUSTERED_MAX: Final = 1_000
"""The newest trials that are clustered; each older one counts as different."""


@attrs.frozen
class Cluster:
    """Trials that are hardly different, by their number in the order given."""

    members: tuple[int, ...]
    effective: float
    """How many independent trials they are worth: from 1 to their number."""


def clusters_of(trials: Sequence[DailyReturns]) -> tuple[Cluster, ...]:
    """Cluster at most 1,000 trials. Those whose returns never vary are one cluster.

    Raises: ValueError when there are more.
    """
    if len(trials) > CLUSTERED_MAX:
        raise ValueError(f"at most {CLUSTERED_MAX} trials are clustered")
    varying = [number for number, trial in enumerate(trials) if np.ptp(_padded(trial)) > 0]
    still = tuple(number for number in range(len(trials)) if number not in set(varying))
    found = [Cluster(still, 1.0)] if still else []
    if varying:
        correlations = correlations_of([trials[number] for number in varying])
        found += [
            Cluster(tuple(varying[index] for index in members), _effective(correlations, members))
            for members in _complete_linkage(correlations)
        ]
    return tuple(sorted(found, key=lambda cluster: cluster.members))


def _padded(trial: DailyReturns) -> FloatArray:
    return trial.returns if len(trial.returns) else np.zeros(1)


def correlations_of(trials: Sequence[DailyReturns]) -> FloatArray:
    """The correlation of every two trials on the days they have in common; 0 where there are
    fewer than 30, or where one of them stood still on those."""
    first = min(int(trial.days[0]) for trial in trials)
    width = max(int(trial.days[-1]) for trial in trials) - first + 1
    returns, present = np.zeros((len(trials), width)), np.zeros((len(trials), width))
    for row, trial in enumerate(trials):
        # Scaled, or the sums below would lose the small ones.
        scale = float(np.max(np.abs(trial.returns))) or 1.0
        returns[row, trial.days - first] = trial.returns / scale
        present[row, trial.days - first] = 1.0
    days = present @ present.T
    enough = days >= COMMON_DAYS_MIN
    count = np.where(enough, days, 1.0)
    sums = returns @ present.T / count
    squares = (returns**2) @ present.T / count
    covariance = returns @ returns.T / count - sums * sums.T
    variance = squares - sums**2
    product = variance * variance.T
    correlations = np.zeros_like(covariance)
    np.divide(
        covariance, np.sqrt(np.maximum(product, 0.0)), out=correlations,
        where=enough & (variance > 1e-12) & (variance.T > 1e-12),
    )  # fmt: skip
    return correlations


def _complete_linkage(correlations: FloatArray) -> list[list[int]]:
    """Join the two closest clusters while all of their members correlate enough."""
    closeness = correlations.copy()
    np.fill_diagonal(closeness, -np.inf)
    members: list[list[int]] = [[index] for index in range(len(closeness))]
    while len(closeness) > 1:
        one, other = divmod(int(np.argmax(closeness)), len(closeness))
        if closeness[one, other] < CORRELATION_MIN:
            break
        one, other = min(one, other), max(one, other)
        joined = np.minimum(closeness[one], closeness[other])
        closeness[one], closeness[:, one] = joined, joined
        closeness[one, one] = -np.inf
        closeness[other], closeness[:, other] = -np.inf, -np.inf
        members[one] += members[other]
        members[other] = []
    return [sorted(cluster) for cluster in members if cluster]


def _effective(correlations: FloatArray, members: list[int]) -> float:
    count = len(members)
    if count == 1:
        return 1.0
    inside = correlations[np.ix_(members, members)]
    mean = float(np.sum(inside) - np.trace(inside)) / (count * (count - 1))
    mean = min(mean, 1.0)  # rounding
    return mean + (1.0 - mean) * count


def evidence_of(trials: Sequence[DailyReturns]) -> Evidence:
    """What trials, oldest first, say of each other.

    The variance is that of the daily Sharpe ratios of all trials, or of the means of the clusters
    if that is larger; trials under 60 days or that stood still count, but have no ratio.
    """
    older, newest = trials[:-CLUSTERED_MAX], trials[-CLUSTERED_MAX:]
    clusters = clusters_of(newest)
    ratios = [_ratio(trial) for trial in newest]
    all_ratios = [ratio for ratio in [*map(_ratio, older), *ratios] if ratio is not None]
    means = [
        float(np.mean(known))
        for cluster in clusters
        if (known := [ratio for member in cluster.members if (ratio := ratios[member]) is not None])
    ]
    return Evidence(
        trials=len(trials),
        effective_trials=max(len(older) + sum(one.effective for one in clusters), 1.0),
        variance=max(variance_of(all_ratios), variance_of(means)),
    )


def _ratio(trial: DailyReturns) -> float | None:
    if len(trial.returns) < DAYS_MIN:
        return None
    shape = shape_of(trial.returns)
    return None if shape is None else shape.sharpe
