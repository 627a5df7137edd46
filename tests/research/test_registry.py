"""Models are kept whole, asked only about what they do not know, and replaced only for no worse."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from xache_sdk.models import SignalModel

from tests.research.learning import BLOCKS, EMBARGO_NS, TERMS, learned, market
from xached.research.judgement.folds import Labels, block_folds
from xached.research.models.model import Trained, TrainingData, train, training_data
from xached.research.models.registry import Attempt, ModelOverlap, ModelRegistry, RegistryError
from xached.research.models.retraining import (
    compare_models,
    metrics_of,
    replace_if_not_worse,
    watch,
    watch_registered,
)

NAME = "btc-hours"


def dated(model: SignalModel, ended: int, at: int) -> SignalModel:
    """The same model, learned and registered at other times."""
    return dataclasses.replace(model, labels_end_ns=ended, registered_at_ns=at)


def keep(registry: ModelRegistry, model: SignalModel, name: str = NAME) -> str:
    """Register a model and return its digest."""
    found = registry.register(name, model, fingerprint="f", metrics={"log_loss": 0.5})
    return found.digest


def test_a_model_is_kept_with_everything_that_belongs_to_it(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path / "models")
    trained = learned()[2]
    metrics = metrics_of(trained)
    first = registry.register(NAME, trained.model, fingerprint="abc", metrics=metrics, parent="p")
    again = ModelRegistry(tmp_path / "models").entry(trained.model.digest)
    assert again == first
    assert (again.name, again.fingerprint, again.parent) == (NAME, "abc", "p")
    assert again.model == trained.model
    assert again.metrics["log_loss"] == trained.tested.log_loss
    assert registry.find(first.digest[:8]) == first
    assert not list(registry.folder.glob(".*")), "nothing half-written is left"
    twice = registry.register(NAME, trained.model, fingerprint="abc", metrics=metrics)
    assert twice == first


@pytest.mark.parametrize("file", ["model.json", "about.json"])
def test_a_changed_file_is_noticed(tmp_path: Path, file: str) -> None:
    registry = ModelRegistry(tmp_path)
    digest = keep(registry, learned()[2].model)
    place = tmp_path / digest / file
    text = place.read_text()
    change = json.loads(text)
    change["digest"] = "0" * 64
    place.write_text(json.dumps(change))
    with pytest.raises(RegistryError, match="is damaged"):
        registry.entry(digest)
    if file == "about.json":
        place.write_text(text.replace('"log_loss": 0.5', '"log_loss": 0.4'))
        with pytest.raises(RegistryError, match="is damaged"):
            registry.entry(digest)
    place.write_text(text[: len(text) // 2])
    with pytest.raises(RegistryError, match="is damaged"):
        registry.as_of(NAME, 10**18)


def test_another_model_in_its_folder_is_noticed(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    model = learned()[2].model
    one, other = keep(registry, dated(model, 1, 2)), keep(registry, dated(model, 1, 3))
    (tmp_path / one / "model.json").write_text((tmp_path / other / "model.json").read_text())
    with pytest.raises(RegistryError, match="its digest differs"):
        registry.entry(one)


def test_as_of_is_the_newest_whose_labels_had_ended_and_that_was_there(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    model = learned()[2].model
    assert registry.as_of(NAME, 10**18) is None
    early, late = keep(registry, dated(model, 10, 20)), keep(registry, dated(model, 40, 50))
    keep(registry, dated(model, 1, 2), "another")
    asked = {at: registry.as_of(NAME, at) for at in (20, 21, 50, 51)}
    assert [each and each.digest for each in asked.values()] == [None, early, early, late]
    with pytest.raises(ModelOverlap, match="cannot be asked about 50 ns"):
        registry.for_period(late, 50)
    assert registry.for_period(late, 51).digest == late


def test_names_and_digests_that_are_none(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    with pytest.raises(RegistryError, match="a model's name is"):
        keep(registry, learned()[2].model, "../elsewhere")
    for digest in ("../../etc", "0" * 64):
        with pytest.raises(RegistryError, match="no model"):
            registry.entry(digest)
    with pytest.raises(RegistryError, match="0 models begin with"):
        registry.find("ab")


def test_an_attempt_is_remembered(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    assert registry.last_attempt(NAME) is None
    for outcome in ("too few rows", "worse"):
        registry.note_attempt(NAME, Attempt(at_ns=5, outcome=outcome, replaced=False))
    assert registry.last_attempt(NAME) == Attempt(at_ns=5, outcome="worse", replaced=False)


def second_candidate(pull: float) -> Trained:
    """A model of the test block's market, trained on a world that may have been another."""
    terms = attrs.evolve(TERMS, seed=7)
    data, fold, _ = learned()
    if pull != 0.3:
        # Trained on returns that mean the opposite: it must be worse.
        labelled = attrs.evolve(data.labelled, returns=-data.labelled.returns)
        trained = train(terms, attrs.evolve(data, labelled=labelled), fold, 10**18)
        return attrs.evolve(trained, tested=attrs.evolve(
            trained.tested, losses=-np.log(1.0 - np.exp(-trained.tested.losses))
        ))  # fmt: skip
    return train(terms, data, fold, 10**18)


def test_a_candidate_replaces_only_when_it_is_not_worse(tmp_path: Path) -> None:
    data, _, trained = learned()
    registry = ModelRegistry(tmp_path)
    first, attempt = replace_if_not_worse(registry, NAME, trained, data, seed=1)
    assert (attempt.replaced, attempt.outcome) == (True, "the first model of its name")
    # Checked by taking every candidate: the worse one was in place then.
    stays, attempt = replace_if_not_worse(registry, NAME, second_candidate(-1.0), data, seed=1)
    assert stays.digest == first.digest
    assert not attempt.replaced
    assert attempt.outcome.startswith("worse: log loss +")
    assert registry.last_attempt(NAME) == attempt
    again, attempt = replace_if_not_worse(registry, NAME, trained, data, seed=1)
    assert (again, attempt.replaced) == (first, False)
    assert attempt.outcome.startswith("the same model again")
    better = attrs.evolve(second_candidate(0.3), tested=trained.tested)
    taken, attempt = replace_if_not_worse(registry, NAME, better, data, seed=1)
    assert attempt.replaced
    assert taken.parent == first.digest


def test_a_model_that_foresees_nothing_is_kept_and_only_advises(tmp_path: Path) -> None:
    data, _, trained = learned()
    ignorant = attrs.evolve(trained.tested, losses=trained.tested.base_losses)
    registry = ModelRegistry(tmp_path)
    entry, attempt = replace_if_not_worse(
        registry, NAME, attrs.evolve(trained, tested=ignorant), data, seed=1
    )
    assert attempt.replaced
    assert not entry.may_trade(trained.model.registered_at_ns)
    assert entry.advice is not None
    assert "no better than always saying the same" in entry.advice.reason


def test_an_old_model_that_has_seen_the_test_cannot_be_compared() -> None:
    data, fold, trained = learned()
    seen = dataclasses.replace(
        trained.model, labels_end_ns=int(data.labelled.labels.starts_ns[fold.test[0]])
    )
    with pytest.raises(ModelOverlap, match="has learned from what the new one is tested on"):
        compare_models(trained, seen, data, seed=1)


def joined(before: TrainingData, after: TrainingData, at_ns: int) -> TrainingData:
    """Rows of one world up to a time, and of another one afterwards."""
    later = after.labelled.labels.starts_ns > at_ns

    def pick(one: Any, other: Any) -> Any:
        count = min(len(one), len(other))
        return np.where(
            later[:count] if one.ndim == 1 else later[:count, None], other[:count], one[:count]
        )

    count = min(len(before), len(after))
    labels = Labels.of(
        before.labelled.labels.starts_ns[:count],
        pick(before.labelled.labels.ends_ns, after.labelled.labels.ends_ns),
    )
    labelled = attrs.evolve(
        before.labelled,
        rows=before.labelled.rows[:count],
        labels=labels,
        returns=pick(before.labelled.returns, after.labelled.returns),
        scales=pick(before.labelled.scales, after.labelled.scales),
    )
    return attrs.evolve(
        before,
        values=pick(before.values, after.values),
        volatility=pick(before.volatility, after.volatility),
        labelled=labelled,
        weights=pick(before.weights, after.weights),
    )


def test_a_model_whose_world_has_gone_only_advises(tmp_path: Path) -> None:
    data = training_data(TERMS, market(11, 7_000, 0.3), {})
    (fold, *_) = block_folds(data.labelled.labels, BLOCKS, embargo_ns=EMBARGO_NS)
    trained = train(TERMS, data, fold, int(data.labelled.labels.starts_ns[fold.test[0]]))
    model = trained.model
    elsewhere = training_data(TERMS, market(13, 7_000, -0.001), {})
    changed = joined(data, elsewhere, model.labels_end_ns)
    assert "probabilities no longer come true" in watch(model, changed).reason
    registry = ModelRegistry(tmp_path)
    entry, _ = replace_if_not_worse(registry, NAME, trained, data, seed=1)
    same, found = watch_registered(registry, entry, data)
    assert (same, found.reason) == (entry, "")
    demoted, _ = watch_registered(registry, entry, changed)
    assert demoted.advice is not None
    since_ns = demoted.advice.since_ns
    assert demoted.may_trade(since_ns - 1)
    assert not demoted.may_trade(since_ns)
    assert registry.demote(entry.digest, 1, "again").advice == demoted.advice


def test_a_model_is_watched_on_what_it_has_not_learned_from(tmp_path: Path) -> None:
    data, _, trained = learned()
    registry = ModelRegistry(tmp_path)
    ended = int(data.labelled.labels.ends_ns[-1])
    entry = registry.entry(keep(registry, dated(trained.model, ended, ended)))
    with pytest.raises(RegistryError, match="has not learned from"):
        watch_registered(registry, entry, data)
