"""Train a LightGBM model on labelled history, so that the same data always gives the same model.

The blocks of a fold follow each other in time and each is used for one thing: *train* grows the
trees, *early_stop* says when to stop, *calibrate* turns scores into probabilities, *conform* learns
how far off the forecasts are, *test* is seen by nobody before. Rows are weighted by how much of
their label is their own. What is measured on the test goes beside the model and never into it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Final

import attrs
import lightgbm
import numpy as np
from xache_sdk.features import Feature
from xache_sdk.market import Interval
from xache_sdk.models import (
    Forecaster,
    IsotonicScale,
    Scale,
    SigmoidScale,
    SignalModel,
    expected_units,
)

from xached.research.history.candle_set import CandleSet, DataError
from xached.research.judgement.folds import BlockFold, uniqueness
from xached.research.judgement.track_record import FloatArray, IntArray
from xached.research.models.calibration import (
    ISOTONIC_ROWS_MIN,
    Isotonic,
    Sigmoid,
    brier_score,
    fit_isotonic,
    fit_sigmoid,
    log_losses,
)
from xached.research.models.conformal import Coverage, RollingIntervals
from xached.research.models.features import feature_matrix
from xached.research.models.labels import Barriers, LabelledRows, label_rows


class NothingLearned(ValueError):  # noqa: N818 - it says what is the matter
    """In calibration higher scores did not win more often: they cannot be acted on."""


PATIENCE_ROUNDS: Final = 20
"""Rounds without a better early-stop block before growing ends."""


@attrs.frozen(kw_only=True)
class TrainingTerms:
    """What is learned from what, and how.

    ``seed`` is for everything in LightGBM that draws. ``miss_rate``: the share of outcomes that
    may be outside of the intervals.
    """

    features: tuple[Feature, ...]
    volatility: Feature
    barriers: Barriers
    seed: int = 1
    rounds_max: int = 100
    leaves: int = 7
    rows_per_leaf: int = 50
    learning_rate: float = 0.05
    miss_rate: float = 0.2


@attrs.frozen(eq=False)
class TrainingData:
    """Labelled rows with their features; ``values`` is (rows, features)."""

    symbol: str
    interval: Interval
    fingerprint: str
    values: FloatArray
    volatility: FloatArray
    labelled: LabelledRows
    weights: FloatArray

    def __len__(self) -> int:
        return len(self.labelled)


@attrs.frozen(eq=False, kw_only=True)
class Tested:
    """What a model said of rows that nobody had seen, and what came.

    ``base_losses`` are those of always saying how often it came in training: a model that loses
    more than that knows nothing.
    """

    rows: IntArray
    scores: FloatArray
    probabilities: FloatArray
    losses: FloatArray
    base_losses: FloatArray
    weights: FloatArray
    brier: float
    coverage: Coverage

    @property
    def log_loss(self) -> float:
        """The mean loss, by uniqueness."""
        return float(np.average(self.losses, weights=self.weights))

    @property
    def base_log_loss(self) -> float:
        """The mean loss of always saying the same."""
        return float(np.average(self.base_losses, weights=self.weights))


@attrs.frozen(eq=False)
class Trained:
    """A model and its test. It is not registered yet."""

    model: SignalModel
    rounds: int
    tested: Tested


def training_data(
    terms: TrainingTerms, traded: CandleSet, others: Mapping[str, CandleSet]
) -> TrainingData:
    """Compute features and labels. Raises: DataError when no row has both."""
    matrix = feature_matrix((*terms.features, terms.volatility), traded, others)
    window_volatility = matrix.values[:, -1]
    horizons = math.sqrt(terms.barriers.horizon / terms.volatility.window)
    labelled = label_rows(traded, window_volatility * horizons, terms.barriers, matrix.first)
    if not len(labelled):
        raise DataError("no candle has both its features and a label")
    return TrainingData(
        symbol=traded.symbol,
        interval=traded.interval,
        fingerprint=traded.fingerprint,
        values=np.ascontiguousarray(matrix.values[labelled.rows, :-1]),
        volatility=window_volatility[labelled.rows],
        labelled=labelled,
        weights=uniqueness(labelled.labels),
    )


def train(terms: TrainingTerms, data: TrainingData, fold: BlockFold, at_ns: int) -> Trained:
    """Train on the blocks of a fold, and test. ``at_ns``: when the model counts as registered.

    Raises: TooFewRows when scores cannot be calibrated; NothingLearned when they say nothing;
    ModelError when it becomes too large.
    """
    wins = data.labelled.wins
    booster = _grow(terms, data, fold)
    rounds = booster.best_iteration or booster.current_iteration()
    trees = booster.model_to_string(num_iteration=rounds)
    scores = np.asarray(booster.predict(data.values, raw_score=True, num_iteration=rounds))
    learned = np.concatenate((fold.train, fold.early_stop, fold.calibrate))
    brought = data.labelled.returns / data.labelled.scales
    model = SignalModel(
        symbol=data.symbol,
        interval=data.interval,
        features=terms.features,
        volatility=terms.volatility,
        horizon=terms.barriers.horizon,
        width=terms.barriers.width,
        scale=_calibrate(
            scores[fold.calibrate], wins[fold.calibrate], data.weights[fold.calibrate]
        ),
        win=_mean(brought, data.weights, learned[wins[learned] > 0.5]),
        loss=_mean(brought, data.weights, learned[wins[learned] <= 0.5]),
        half_width=None,
        coverage=1.0 - terms.miss_rate,
        trees=trees,
        labels_end_ns=max(
            int(data.labelled.labels.ends_ns[each].max()) for each in fold.blocks[:4]
        ),
        registered_at_ns=at_ns,
    )
    probabilities = np.array([model.scale.probability(each) for each in scores.tolist()])
    forecasts = np.array([expected_units(model, each) for each in probabilities.tolist()])
    intervals = RollingIntervals(terms.miss_rate)
    _walk(intervals, data, forecasts, brought, fold.conform)
    interval = intervals.interval(0.0)
    if interval is not None and math.isfinite(interval.half_width):
        model = dataclasses.replace(model, half_width=interval.half_width)
    fresh = RollingIntervals(terms.miss_rate)
    # Measured over both blocks, as it would have gone on: but only what was said in the test.
    _walk(fresh, data, forecasts, brought, np.concatenate((fold.conform, fold.test)), fold.test[0])
    test = fold.test
    base = _mean(wins, data.weights, learned)
    return Trained(
        model,
        rounds,
        Tested(
            rows=test,
            scores=scores[test],
            probabilities=probabilities[test],
            losses=log_losses(probabilities[test], wins[test]),
            base_losses=log_losses(np.full(len(test), base), wins[test]),
            weights=data.weights[test],
            brier=brier_score(probabilities[test], wins[test], data.weights[test]),
            coverage=fresh.coverage(),
        ),
    )


def probabilities_of(model: SignalModel, values: FloatArray) -> FloatArray:
    """What a model says of many rows, in one call of LightGBM."""
    booster = lightgbm.Booster(model_str=model.trees)
    scores = np.asarray(booster.predict(values, raw_score=True, num_threads=1))
    return np.array([model.scale.probability(each) for each in scores.tolist()])


def check_fast_call(model: SignalModel, values: FloatArray) -> None:
    """Make sure that a model says the same row by row as in one call: live as in a backtest.

    Raises: AssertionError when it does not.
    """
    forecaster = Forecaster(model)
    many = np.asarray(lightgbm.Booster(model_str=model.trees).predict(values, raw_score=True))
    one_by_one = np.array([forecaster.trees.score(row) for row in values.tolist()])
    assert many.tobytes() == one_by_one.tobytes(), "the fast call gives other scores"


def _grow(terms: TrainingTerms, data: TrainingData, fold: BlockFold) -> lightgbm.Booster:
    parameters: dict[str, Any] = {
        "objective": "binary",
        "num_leaves": terms.leaves,
        "min_data_in_leaf": terms.rows_per_leaf,
        "learning_rate": terms.learning_rate,
        "feature_fraction": 0.8,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": terms.seed,
        # One thread and one way of counting, or sums would be rounded in another order.
        "deterministic": True,
        "num_threads": 1,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    train_set, stop_set = (
        lightgbm.Dataset(
            data.values[rows],
            data.labelled.wins[rows],
            weight=data.weights[rows],
            feature_name=[f"f{number}" for number in range(len(terms.features))],
        )
        for rows in (fold.train, fold.early_stop)
    )
    return lightgbm.train(
        parameters,
        train_set,
        num_boost_round=terms.rounds_max,
        valid_sets=[stop_set],
        callbacks=[lightgbm.early_stopping(PATIENCE_ROUNDS, verbose=False)],
    )


def _calibrate(scores: FloatArray, wins: FloatArray, weights: FloatArray) -> Scale:
    """Isotonic only where there is enough for it."""
    many = float(np.sum(weights)) >= ISOTONIC_ROWS_MIN
    fitted = fit_isotonic(scores, wins, weights) if many else fit_sigmoid(scores, wins, weights)
    match fitted:
        case Sigmoid(slope, offset):
            if slope <= 0.0:
                raise NothingLearned("in calibration higher scores did not win more often")
            return SigmoidScale(slope, offset)
        case Isotonic(at, probabilities):
            return IsotonicScale(tuple(at.tolist()), tuple(probabilities.tolist()))


def _walk(
    intervals: RollingIntervals,
    data: TrainingData,
    forecasts: FloatArray,
    brought: FloatArray,
    rows: IntArray,
    counted_from: int = 0,
) -> None:
    """Give every row its interval and learn its outcome once its label is known, not before."""
    starts, ends = data.labelled.labels.starts_ns[rows], data.labelled.labels.ends_ns[rows]
    given: dict[int, Any] = {}
    known = np.argsort(ends, kind="stable")
    learned = 0
    for number, row in enumerate(rows.tolist()):
        while learned < number and ends[known[learned]] <= starts[number]:
            _learn(intervals, forecasts, brought, rows, given, int(known[learned]))
            learned += 1
        given[number] = intervals.interval(float(forecasts[row])) if row >= counted_from else None
    for place in known[learned:].tolist():
        _learn(intervals, forecasts, brought, rows, given, place)


def _learn(
    intervals: RollingIntervals,
    forecasts: FloatArray,
    brought: FloatArray,
    rows: IntArray,
    given: Mapping[int, Any],
    number: int,
) -> None:
    row = int(rows[number])
    intervals.learn(float(forecasts[row]), float(brought[row]), given[number])


def _mean(values: FloatArray, weights: FloatArray, rows: IntArray) -> float:
    return float(np.average(values[rows], weights=weights[rows])) if len(rows) else 0.0
