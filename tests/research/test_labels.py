"""Outcomes of decisions, by hand and against the definition taken literally."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.research.backtests import MINUTE_NS, candle_set, walk
from xached.research.judgement.folds import uniqueness
from xached.research.models.labels import Barriers, label_rows


def closes(*prices: int) -> list[tuple[int, int, int, int]]:
    """Candles that only say where they closed."""
    return [(price, price, price, price) for price in prices]


def test_the_first_barrier_decides_and_otherwise_time() -> None:
    candles = candle_set(*closes(100, 101, 103, 90, 100, 100, 100))
    volatility = np.full(7, 0.02)
    found = label_rows(candles, volatility, Barriers(horizon=3))
    assert found.rows.tolist() == [0, 1, 2, 3]
    assert (found.labels.ends_ns // MINUTE_NS - 1).tolist() == [2, 3, 3, 4]
    assert found.returns.tolist() == [
        pytest.approx(each) for each in (0.03, 90 / 101 - 1, 90 / 103 - 1, 100 / 90 - 1)
    ]
    assert found.wins.tolist() == [1.0, 0.0, 0.0, 1.0]


def test_a_forward_return_waits_for_its_horizon() -> None:
    candles = candle_set(*closes(100, 120, 90, 110, 100))
    found = label_rows(candles, np.full(5, 0.01), Barriers(horizon=2, width=None))
    assert found.returns.tolist() == [pytest.approx(each) for each in (-0.1, 110 / 120 - 1, 1 / 9)]
    assert (found.labels.ends_ns - found.labels.starts_ns).tolist() == [2 * MINUTE_NS] * 3


def test_rows_without_an_expected_volatility_have_no_label() -> None:
    volatility = np.array([np.nan, 0.0, 0.01, 0.01, 0.01])
    candles = candle_set(*closes(1, 2, 3, 4, 5))
    assert label_rows(candles, volatility, Barriers(horizon=1)).rows.tolist() == [2, 3]
    assert label_rows(candles, volatility, Barriers(horizon=1), 3).rows.tolist() == [3]
    assert len(label_rows(candles, volatility, Barriers(horizon=9))) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.sampled_from([0.2, 1.0, 3.0]))
def test_labels_are_what_their_definition_says(seed: int, horizon: int, width: float) -> None:
    candles = walk(seed, 60)
    volatility = np.random.default_rng(seed).random(60) * 0.02 + 0.001
    found = label_rows(candles, volatility, Barriers(horizon=horizon, width=width))
    close = candles.close_ticks
    for number, row in enumerate(found.rows.tolist()):
        end = row + 1
        while end < row + horizon and abs(close[end] / close[row] - 1) < width * volatility[row]:
            end += 1
        assert found.labels.ends_ns[number] == candles.ends_ns[end]
        assert found.returns[number] == close[end] / close[row] - 1
    weights = uniqueness(found.labels)
    assert bool(np.all((weights > 0) & (weights <= 1 + 1e-9)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(12, 60))
def test_a_label_that_was_known_never_changes(seed: int, cut: int) -> None:
    candles = walk(seed, 60)
    volatility = np.full(60, 0.005)
    whole = label_rows(candles, volatility, Barriers(horizon=8))
    part = label_rows(candles.rows(0, cut), volatility[:cut], Barriers(horizon=8))
    count = len(part)
    assert whole.returns[:count].tolist() == part.returns.tolist()
    assert whole.labels.ends_ns[:count].tolist() == part.labels.ends_ns.tolist()


@pytest.mark.parametrize(("horizon", "width"), [(0, 1.0), (3, 0.0)])
def test_barriers_that_make_no_sense(horizon: int, width: float) -> None:
    with pytest.raises(ValueError, match="at least one candle"):
        Barriers(horizon=horizon, width=width)
