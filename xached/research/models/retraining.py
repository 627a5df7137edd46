"""Whether a new model takes the place of the old, and whether the old one still fits the world."""

from __future__ import annotations

from typing import Final

import attrs
import numpy as np
from xache_sdk.models import SignalModel

from xached.research.judgement.bootstrap import Comparison, Standing, compare
from xached.research.judgement.track_record import IntArray
from xached.research.models.calibration import log_losses
from xached.research.models.drift import Drift, Finding, calibration_drift, feature_drift
from xached.research.models.model import Trained, TrainingData, probabilities_of
from xached.research.models.registry import (
    Advice,
    Attempt,
    Entry,
    ModelOverlap,
    ModelRegistry,
    RegistryError,
)

MARGIN: Final = 0.002
"""Log loss, in nats, that a new model may lose and still count as not worse: it knows the newer
market. A coin is worth 0.693."""

KNOWS_NOTHING: Final = "on its test it did no better than always saying the same"


def compare_models(
    candidate: Trained, incumbent: SignalModel, data: TrainingData, *, seed: int
) -> Comparison:
    """Compare two models on the test of the candidate, which neither has seen.

    Raises: ModelOverlap when the old one has.
    """
    rows = candidate.tested.rows
    labels = data.labelled.labels
    if incumbent.labels_end_ns >= int(labels.starts_ns[rows[0]]):
        raise ModelOverlap("the old model has learned from what the new one is tested on")
    old = probabilities_of(incumbent, data.values[rows])
    starts_ns = labels.starts_ns[rows]
    reach_ns = int(np.max(labels.ends_ns[rows] - starts_ns))
    return compare(
        candidate.tested.losses,
        log_losses(old, data.labelled.wins[rows]),
        margin=MARGIN,
        seed=seed,
        weights=candidate.tested.weights,
        block_rows=int(
            np.searchsorted(labels.starts_ns[rows], labels.starts_ns[rows[0]] + reach_ns)
        ),
    )


def replace_if_not_worse(
    registry: ModelRegistry, name: str, candidate: Trained, data: TrainingData, *, seed: int
) -> tuple[Entry, Attempt]:
    """Register a candidate if it is the first of its name, or not worse than the one there is.

    One that foresaw nothing on its test is kept, and only advises.

    Returns the model that is in place now, and what came of the attempt. Only a candidate that is
    told to be not worse replaces: one that cannot be told apart does not.

    Raises: ModelOverlap, RegistryError.
    """
    entries = registry.entries(name)
    model = candidate.model
    parent = entries[-1] if entries else None
    if parent is None:
        outcome, taken = "the first model of its name", True
    elif parent.model.trees == model.trees and parent.model.scale == model.scale:
        outcome, taken = "the same model again: there is no new history", False
    elif parent.model.features != model.features:
        outcome, taken = "it looks at other features: give it a name of its own", False
    else:
        compared = compare_models(candidate, parent.model, data, seed=seed)
        taken = compared.standing is Standing.NOT_WORSE
        outcome = f"{compared.standing.value}: log loss {compared.difference:+.4f}"
    if taken:
        ignorant = candidate.tested.log_loss >= candidate.tested.base_log_loss
        parent = registry.register(
            name,
            model,
            fingerprint=data.fingerprint,
            metrics=metrics_of(candidate),
            parent=parent.digest if parent is not None else "",
            advice=Advice(since_ns=model.registered_at_ns, reason=KNOWS_NOTHING)
            if ignorant
            else None,
        )
    assert parent is not None, "the first one is always taken"
    attempt = Attempt(at_ns=model.registered_at_ns, outcome=outcome, replaced=taken)
    registry.note_attempt(name, attempt)
    return parent, attempt


def metrics_of(trained: Trained) -> dict[str, float]:
    """What is kept beside a model of its test."""
    tested = trained.tested
    measured = tested.coverage.measured
    return {
        "rounds": float(trained.rounds),
        "test_rows": float(len(tested.rows)),
        "test_effective_rows": float(np.sum(tested.weights)),
        "log_loss": tested.log_loss,
        "base_log_loss": tested.base_log_loss,
        "brier": tested.brier,
        "coverage_asked": tested.coverage.asked,
    } | ({} if measured is None else {"coverage_measured": measured})


@attrs.frozen(kw_only=True)
class Watch:
    """What was looked at. ``features`` are by name."""

    calibration: Drift
    features: dict[str, Drift]

    @property
    def reason(self) -> str:
        """Why a model should only advise; empty when it need not."""
        found = [name for name, each in self.features.items() if each.finding is Finding.DRIFTED]
        reasons = [f"{name} is spread differently than in training" for name in found]
        if self.calibration.finding is Finding.DRIFTED:
            reasons.insert(0, "probabilities no longer come true")
        return "; ".join(reasons)


def watch(model: SignalModel, data: TrainingData, from_ns: int = 0) -> Watch:
    """Compare labelled rows that a model has not learned from with those that it has.

    ``from_ns``: rows that begin up to then were looked at before, and are not again.
    """
    learned = np.flatnonzero(data.labelled.labels.ends_ns <= model.labels_end_ns)
    rows = rows_after(data, max(from_ns, model.labels_end_ns))
    values, wins = data.values[rows], data.labelled.wins[rows]
    names = [str(each) for each in model.features]
    return Watch(
        calibration=calibration_drift(probabilities_of(model, values), wins, data.weights[rows]),
        features=feature_drift(
            {name: data.values[learned, at] for at, name in enumerate(names)},
            {name: values[:, at] for at, name in enumerate(names)},
        ),
    )


def watch_registered(
    registry: ModelRegistry, entry: Entry, data: TrainingData
) -> tuple[Entry, Watch]:
    """Watch a registered model, and let it only advise when the world has moved on.

    Raises: RegistryError when there is no row that it has not learned from.
    """
    if not len(rows_after(data, entry.model.labels_end_ns)):
        raise RegistryError("there is no history yet that the model has not learned from")
    found = watch(entry.model, data)
    if found.reason:
        at_ns = int(data.labelled.labels.ends_ns[-1])
        entry = registry.demote(entry.digest, at_ns, found.reason)
    return entry, found


def rows_after(data: TrainingData, at_ns: int) -> IntArray:
    """The rows that begin after a time."""
    return np.flatnonzero(data.labelled.labels.starts_ns > at_ns)
