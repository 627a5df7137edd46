"""Training is repeatable, knows nothing of its test, and says as much as it knows."""

from __future__ import annotations

import dataclasses
import math

import attrs
import numpy as np
import pytest
from xache_sdk.models import (
    Forecaster,
    IsotonicScale,
    ModelError,
    SigmoidScale,
    read_model,
    write_model,
)
from xache_sdk.trees import Trees, TreesError

from tests.research.learning import BLOCKS, EMBARGO_NS, TERMS, learned, market
from xached.research.judgement.folds import block_folds
from xached.research.models.calibration import TooFewRows
from xached.research.models.labels import Barriers
from xached.research.models.model import check_fast_call, probabilities_of, train, training_data


def test_equal_data_and_seed_give_equal_models() -> None:
    data, fold, trained = learned()
    again = train(TERMS, data, fold, trained.model.registered_at_ns)
    assert write_model(again.model) == write_model(trained.model)
    other = train(attrs.evolve(TERMS, seed=2), data, fold, trained.model.registered_at_ns)
    assert other.model.digest != trained.model.digest


def test_it_learns_what_there_is_to_learn_and_nothing_where_there_is_nothing() -> None:
    _, _, trained = learned()
    assert trained.tested.log_loss < trained.tested.base_log_loss - 0.05
    _, _, chance = learned(seed=5, pull=0.0)
    assert chance.tested.log_loss > chance.tested.base_log_loss - 0.02


def test_its_probabilities_mean_what_they_say() -> None:
    data, _, trained = learned()
    tested = trained.tested
    said, wins = tested.probabilities, data.labelled.wins[tested.rows]
    for likely in (said > 0.6, said < 0.4):
        assert np.count_nonzero(likely) > 50
        assert abs(float(np.mean(said[likely]) - np.mean(wins[likely]))) < 0.12


def test_intervals_hold_about_as_often_as_was_asked() -> None:
    coverage = learned()[2].tested.coverage
    assert coverage.asked == 0.8
    assert coverage.outcomes == BLOCKS.test
    assert coverage.measured is not None
    assert 0.72 <= coverage.measured <= 0.88


def test_nothing_of_the_test_is_in_the_model() -> None:
    """Checked by letting the calibration see the test block: the digest differed."""
    data, fold, trained = learned()
    test = np.arange(fold.test[0], len(data))
    values, wins = data.values.copy(), data.labelled.returns.copy()
    values[test], wins[test] = 7.0, -wins[test]
    changed = attrs.evolve(data, values=values, labelled=attrs.evolve(data.labelled, returns=wins))
    again = train(TERMS, changed, fold, trained.model.registered_at_ns)
    assert again.model.digest == trained.model.digest
    starts_ns = data.labelled.labels.starts_ns
    assert trained.model.labels_end_ns + EMBARGO_NS < starts_ns[fold.test[0]]


def test_one_row_is_scored_as_many_are() -> None:
    data, fold, trained = learned()
    check_fast_call(trained.model, data.values)
    holes = data.values[fold.test].copy()
    holes[::3, 1] = np.nan
    check_fast_call(trained.model, holes)
    forecaster = Forecaster(trained.model)
    many = probabilities_of(trained.model, data.values[fold.test])
    assert many.tobytes() == trained.tested.probabilities.tobytes()
    one = [forecaster.forecast(row, 0.01).probability for row in data.values[fold.test].tolist()]
    assert one == many.tolist()


def test_contributions_add_up_to_the_score() -> None:
    data, fold, trained = learned()
    trees = Trees(trained.model.trees)
    for row in data.values[fold.test[:20]].tolist():
        added = trees.contributions(row)
        assert len(added) == len(TERMS.features) + 1
        assert math.isclose(sum(added), trees.score(row), abs_tol=1e-9)
    row = data.values[fold.test[0]].tolist()
    row[1] = math.nan
    explained = Forecaster(trained.model).explain(row)
    assert {each.feature for each in explained.weights} == {
        "return:1", "return:4", "z_score:8", "hour:1"
    }  # fmt: skip
    assert [abs(each.added) for each in explained.weights] == sorted(
        (abs(each.added) for each in explained.weights), reverse=True
    )
    assert {each.feature for each in explained.weights if each.value is None} == {"return:4"}
    assert explained.score == trees.score(row)
    total = explained.base + math.fsum(each.added for each in explained.weights)
    assert math.isclose(total, explained.score, abs_tol=1e-9)


def test_a_forecast_expects_more_of_what_is_more_likely() -> None:
    data, fold, trained = learned()
    forecaster = Forecaster(trained.model)
    found = [forecaster.forecast(row, 0.02) for row in data.values[fold.test].tolist()]
    ranked = sorted(found, key=lambda each: each.probability)
    assert [each.expected for each in ranked] == sorted(each.expected for each in found)
    one = ranked[-1]
    assert one.volatility == 0.02 * math.sqrt(6 / 24)
    assert one.edge(0.001) == one.expected - 0.001
    assert one.low < one.expected < one.high


def test_a_model_is_one_text_and_any_change_is_noticed() -> None:
    model = learned()[2].model
    text = write_model(model)
    assert read_model(text) == model
    assert "pickle" not in text
    for old, new in (
        ("leaf_value=", "leaf_value=1"), ('"win":', '"win":1'), ("return:4", "return:5"),
    ):  # fmt: skip
        assert old in text
        with pytest.raises(ModelError):
            read_model(text.replace(old, new, 1))
    with pytest.raises(ModelError, match="is no model"):
        read_model("{}")
    with pytest.raises(ModelError, match="use fewer trees"):
        write_model(dataclasses.replace(model, trees="x" * 100_001))


def test_too_few_rows_are_not_calibrated() -> None:
    data = training_data(TERMS, market(3, 700, 0.3), {})
    rows = attrs.evolve(BLOCKS, train=300, early_stop=100, calibrate=60, conform=60, test=60)
    (fold, *_) = block_folds(data.labelled.labels, rows)
    with pytest.raises(TooFewRows, match="effective rows"):
        train(TERMS, data, fold, 0)


def test_steps_are_fitted_only_from_a_thousand_effective_rows_on() -> None:
    terms = attrs.evolve(TERMS, barriers=Barriers(horizon=1))
    data = training_data(terms, market(4, 3_200, 0.3), {})
    for calibrate, kind in ((1_002, IsotonicScale), (990, SigmoidScale)):
        rows = attrs.evolve(
            BLOCKS, train=1_000, early_stop=300, calibrate=calibrate, conform=200, test=200
        )
        (fold, *_) = block_folds(data.labelled.labels, rows)
        trained = train(terms, data, fold, int(data.labelled.labels.starts_ns[fold.test[0]]))
        assert isinstance(trained.model.scale, kind)
        assert trained.tested.log_loss < trained.tested.base_log_loss
        assert read_model(write_model(trained.model)) == trained.model


def test_scales() -> None:
    steps = IsotonicScale((0.0, 1.0, 3.0), (0.2, 0.4, 0.9))
    assert [steps.probability(at) for at in (-5.0, 0.5, 2.0, 3.0, 9.0)] == pytest.approx(
        [0.2, 0.3, 0.65, 0.9, 0.9]
    )
    assert SigmoidScale(2.0, 0.0).probability(0.0) == 0.5


def test_what_is_no_model_of_lightgbm() -> None:
    with pytest.raises(TreesError):
        Trees("tree\nnothing of the kind")
    trees = Trees(learned()[2].model.trees)
    with pytest.raises(ValueError, match="a row has 4 numbers, not 2"):
        trees.score([1.0, 2.0])
