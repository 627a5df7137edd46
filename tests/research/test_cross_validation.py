"""Choosing on some days and holding on others: purged, in 7 ways through the whole history."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xached.research.judgement.cross_validation import cross_validate
from xached.research.judgement.track_record import FloatArray

DAYS = np.arange(19_000, 19_240)
"""Eight groups of thirty days."""


def by_hand(returns: FloatArray, held_days: int) -> list[float]:
    """The same, day by day, as the definition says it."""
    count = len(returns)
    groups = np.array_split(range(count), 8)
    tested: dict[int, list[FloatArray]] = {number: [] for number in range(8)}
    for pair in itertools.combinations(range(8), 2):
        left = []
        for day in range(count):
            near = False
            for group in pair:
                first, last = groups[group][0], groups[group][-1]
                near |= first - held_days <= day <= last + held_days + 1
            if not near:
                left.append(day)
        part = returns[left]
        best = int(np.argmax(part.mean(axis=0) / part.std(axis=0, ddof=1)))
        for group in pair:
            tested[group].append(returns[groups[group], best])
    paths = [np.concatenate([tested[group][path] for group in range(8)]) for path in range(7)]
    return sorted(float(np.prod(1.0 + each)) - 1.0 for each in paths)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), held_days=st.integers(1, 9), days=st.integers(200, 240))
def test_paths_are_those_of_the_definition(seed: int, held_days: int, days: int) -> None:
    """Checked without purging and without the embargo."""
    returns = np.random.default_rng(seed).normal(0.0, 0.01, (days, 6))
    found = cross_validate(returns, DAYS[:days], held_days)
    assert found is not None
    assert found.splits == 28
    assert found.returns == pytest.approx(by_hand(returns, held_days))
    assert found.middle == sorted(found.returns)[3]
    assert found.lost == sum(each < 0 for each in found.returns)


def test_what_is_good_everywhere_is_found_on_every_path() -> None:
    noise = np.random.default_rng(1).normal(0.0, 0.01, (240, 5))
    noise[:, 3] += 0.01
    found = cross_validate(noise, DAYS, 1)
    assert found is not None
    assert found.returns == pytest.approx([np.prod(1.0 + noise[:, 3]) - 1.0] * 7)


def test_what_was_lucky_once_is_lucky_nowhere_else() -> None:
    """Each combination earned in one group of days and lost in all others: the best of all days
    earned, and who chose on other days never met its luck. Checked by choosing on all days."""
    generator = np.random.default_rng(2)
    returns = generator.normal(-0.001, 0.002, (240, 8))
    for group in range(8):
        returns[30 * group : 30 * group + 30, group] += 0.02
    found = cross_validate(returns, DAYS, 1)
    assert found is not None
    assert found.lost == 7
    assert max(np.prod(1.0 + returns, axis=0)) > 1.2


@pytest.mark.parametrize(("days", "columns", "held"), [(59, 5, 1), (240, 1, 1), (240, 5, 70)])
def test_too_little_to_choose_by_says_nothing(days: int, columns: int, held: int) -> None:
    returns = np.random.default_rng(3).normal(0.0, 0.01, (days, columns))
    assert cross_validate(returns, DAYS[:days], held) is None
