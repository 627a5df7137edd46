"""The probability of overfitting: against a naive count, on noise, and on what is real."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from xached.research.judgement.metrics import daily_sharpe
from xached.research.judgement.overfitting import Overfitting, TooLittleToTell, overfitting
from xached.research.judgement.track_record import FloatArray


def judged(returns: FloatArray, blocks: int = 16) -> Overfitting:
    found = overfitting(returns, blocks)
    assert isinstance(found, Overfitting)
    return found


def naive(returns: FloatArray, blocks: int) -> tuple[float, float]:
    """Cut, join, rank and count, one split after another."""
    cut = np.split(returns, blocks)
    overfit = lost = splits = 0
    for half in itertools.combinations(range(blocks), blocks // 2):
        train = np.concatenate([cut[i] for i in half])
        test = np.concatenate([cut[i] for i in range(blocks) if i not in half])
        inside = [daily_sharpe(column) or 0.0 for column in train.T]
        outside = [daily_sharpe(column) or 0.0 for column in test.T]
        found = outside[inside.index(max(inside))]
        rank = sorted(outside).index(found) + 1
        overfit += rank / (len(outside) + 1) <= 0.5
        lost += found < 0.0
        splits += 1
    return overfit / splits, lost / splits


@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_a_naive_count_finds(seed: int) -> None:
    returns = np.random.default_rng(seed).normal(0.0005, 0.01, (96, 12))
    found = judged(returns, blocks=8)
    assert (found.probability, found.loss_probability) == pytest.approx(naive(returns, 8))
    assert found.splits == 70


def test_sixteen_blocks_have_12870_splits() -> None:
    found = judged(np.random.default_rng(0).normal(0.0, 0.01, (333, 10)))
    assert (found.splits, found.combinations, found.days) == (12_870, 10, 333)


def test_the_oldest_days_that_fill_no_block_are_left_out() -> None:
    returns = np.random.default_rng(0).normal(0.0, 0.01, (330, 10))
    wild = returns.copy()
    wild[:10] = 5.0
    assert judged(wild) == judged(returns)


def test_the_best_of_noise_is_overfit() -> None:
    found = [judged(np.random.default_rng(seed).normal(0.0, 0.01, (320, 30))) for seed in range(12)]
    assert 0.35 < float(np.mean([one.probability for one in found])) < 0.75
    assert all(one.inside_sharpe > 0.1 > one.outside_sharpe for one in found)


def test_what_is_real_is_not() -> None:
    returns = np.random.default_rng(4).normal(0.0, 0.01, (320, 30))
    returns[:, 17] += 0.005
    found = judged(returns)
    assert found.probability < 0.01
    assert found.loss_probability < 0.01
    assert found.outside_sharpe == pytest.approx(0.5, abs=0.1)


def test_combinations_that_are_all_the_same_are_no_choice() -> None:
    one = np.random.default_rng(4).normal(0.001, 0.01, (320, 1))
    assert judged(np.repeat(one, 10, axis=1)).probability == 1.0


def test_combinations_that_never_trade_are_ranked_too() -> None:
    found = judged(np.zeros((320, 10)))
    assert found.probability == 1.0
    assert (found.inside_sharpe, found.outside_sharpe) == (0.0, 0.0)


@pytest.mark.parametrize(("days", "combinations"), [(59, 20), (320, 9), (0, 0)])
def test_too_little_has_no_probability(days: int, combinations: int) -> None:
    found = overfitting(np.ones((days, combinations)))
    assert found == TooLittleToTell(combinations, days)
    assert str(found).startswith("not enough data")


@pytest.mark.parametrize("blocks", [2, 7])
def test_blocks_make_two_halves(blocks: int) -> None:
    with pytest.raises(ValueError, match="even"):
        overfitting(np.ones((100, 10)), blocks)
