"""One model that is trained again and again: by the calendar, or in a backtest as of then.

A job is done at a moment, on history that was over by then and on nothing else: it is cut before
anything is computed of it. First the model in force is watched on the labels that nobody has tested
it on. Then a candidate is trained on the newest rows and takes its place if it is not worse. What
came of it is always written down, also when nothing did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs
import numpy as np
from xache_sdk.features import Feature
from xache_sdk.models import ModelError, expected_units

from xached.research.history.candle_set import CandleSet, DataError
from xached.research.judgement.folds import BlockFold, BlockRows, Labels, block_folds
from xached.research.judgement.track_record import DAY_NS, DailyReturns, FloatArray, IntArray
from xached.research.judgement.trials import Trial, TrialKey, spelled
from xached.research.models.calibration import TooFewRows
from xached.research.models.drift import Finding
from xached.research.models.features import known_extras
from xached.research.models.labels import Barriers
from xached.research.models.model import (
    NothingLearned,
    Trained,
    TrainingData,
    TrainingTerms,
    train,
    training_data,
)
from xached.research.models.model_report import pipeline_digest
from xached.research.models.model_walk import usual_features
from xached.research.models.registry import (
    Attempt,
    Entry,
    ModelOverlap,
    ModelRegistry,
)
from xached.research.models.retraining import Watch, replace_if_not_worse, rows_after, watch

VOLATILITY_WINDOW: Final = 96
SHARES: Final = (0.56, 0.10, 0.14, 0.10, 0.10)
"""Of all rows: what each block of the one fold takes. The newest tenth tests."""

NOT_FINISHED: Final = "training was not finished"
NO_NEW_LABELS: Final = "there is no label yet that it has not been watched on"


@attrs.frozen(kw_only=True)
class TrainingJob:
    """What is trained under one name. ``history_ns``: how far back a candidate looks at most.

    ``cost``: of one order, as a fraction; ``pipeline``: a digest of the sources that make a model
    what it is, as trials are told apart by it.
    """

    name: str
    terms: TrainingTerms
    history_ns: int
    cost: float
    pipeline: str = ""


@attrs.frozen(eq=False, kw_only=True)
class Done:
    """What came of a job. ``in_force``: the newest model afterwards."""

    attempt: Attempt
    in_force: Entry | None
    watched: Watch | None
    not_watched: str = ""


def usual_job(
    traded: CandleSet,
    others: Sequence[str],
    *,
    horizon: int,
    history_ns: int,
    cost_ppm: int,
    name: str = "",
    seed: int = 1,
    features: Sequence[Feature] = (),
) -> TrainingJob:
    """A job on some features, or on the usual ones of a market and of others.

    Without a name it is called SYMBOL-INTERVAL.
    """
    return TrainingJob(
        name=name or f"{traded.symbol}-{traded.interval.value}",
        terms=TrainingTerms(
            features=tuple(features) or usual_features(others, known_extras(traded)),
            volatility=Feature("volatility", VOLATILITY_WINDOW),
            barriers=Barriers(horizon=horizon),
            seed=seed,
        ),
        history_ns=history_ns,
        cost=cost_ppm / 1_000_000,
        pipeline=pipeline_digest(),
    )


def do_job(
    registry: ModelRegistry,
    job: TrainingJob,
    traded: CandleSet,
    others: Mapping[str, CandleSet],
    at_ns: int,
    record: Callable[[Trial], object],
) -> Done:
    """Watch the model in force, train a candidate, and let it replace if it is not worse.

    A candidate is a trial whether it is taken or not: ``record`` is called before anything of it
    can be seen. What cannot be trained is an attempt too, with its reason.

    Raises: RegistryError; what ``record`` raises, and then no model has changed.
    """
    # Whatever ends this process in the middle: the model in force stays, and this is why.
    registry.note_attempt(job.name, Attempt(at_ns=at_ns, outcome=NOT_FINISHED, replaced=False))
    try:
        data = training_data(
            job.terms,
            known_at(traded, job.history_ns, at_ns),
            {name: known_at(each, job.history_ns, at_ns) for name, each in others.items()},
        )
    except DataError as error:
        return _in_vain(registry, job, at_ns, str(error))
    entries = registry.entries(job.name)
    watched, not_watched = None, "there is no model yet"
    if entries:
        watched, not_watched = watch_new_labels(registry, entries[-1], data, at_ns)
    try:
        candidate = train(job.terms, data, newest_fold(data, job.terms), at_ns)
    except (TooFewRows, NothingLearned, ModelError, ValueError) as error:
        done = _in_vain(registry, job, at_ns, str(error))
        return attrs.evolve(done, watched=watched, not_watched=not_watched)
    record(trial_of_candidate(job, candidate, data, at_ns))
    try:
        entry, attempt = replace_if_not_worse(
            registry, job.name, candidate, data, seed=job.terms.seed
        )
    except ModelOverlap as overlap:
        done = _in_vain(registry, job, at_ns, str(overlap))
        return attrs.evolve(done, watched=watched, not_watched=not_watched)
    return Done(attempt=attempt, in_force=entry, watched=watched, not_watched=not_watched)


def known_at(candles: CandleSet, history_ns: int, at_ns: int) -> CandleSet:
    """The candles of a stretch that were over at a moment; later ones are not there at all."""
    return candles.between(at_ns - history_ns, at_ns - candles.interval_ns + 1)


def newest_fold(data: TrainingData, terms: TrainingTerms) -> BlockFold:
    """The fold that ends with the newest row. Raises: ValueError when there are too few rows."""
    lengths = [int(len(data) * share) for share in SHARES]
    blocks = BlockRows(
        train=lengths[0],
        early_stop=lengths[1],
        calibrate=lengths[2],
        conform=lengths[3],
        test=lengths[4],
    )
    first = len(data) - sum(lengths)
    labels = data.labelled.labels
    newest = Labels(labels.starts_ns[first:], labels.ends_ns[first:])
    (fold,) = block_folds(newest, blocks, embargo_ns=terms.barriers.horizon * data.interval.ns)
    return BlockFold(*(first + each for each in fold.blocks))


def watch_new_labels(
    registry: ModelRegistry, entry: Entry, data: TrainingData, at_ns: int
) -> tuple[Watch | None, str]:
    """Test a model on labels that it was not tested on before; when it drifted it only advises.

    Returns what was found, or why nothing was looked at: a test of 1 % is one only on new labels,
    and labels that are too few wait for more. Raises: RegistryError.
    """
    model = entry.model
    from_ns = max(model.labels_end_ns, registry.watched_to_ns(entry.digest))
    rows = rows_after(data, from_ns)
    if not len(rows):
        return None, NO_NEW_LABELS
    if not bool(np.any(data.labelled.labels.ends_ns <= model.labels_end_ns)):
        return None, "what it was trained on is no longer in the history"
    found = watch(model, data, from_ns)
    if found.calibration.finding is Finding.NOT_ENOUGH_DATA:
        return found, "too few new labels: they are looked at again with the next ones"
    registry.note_watched(entry.digest, int(data.labelled.labels.starts_ns[rows[-1]]))
    if found.reason:
        registry.demote(entry.digest, at_ns, found.reason)
    return found, ""


def trial_of_candidate(
    job: TrainingJob, candidate: Trained, data: TrainingData, at_ns: int
) -> Trial:
    """The trial that a candidate is, whether it is taken or not: buying on its test what it said.

    Labels that overlap count as much as they are worth of their own, on the day they ended.
    """
    tested = candidate.tested
    rows, labels = tested.rows, data.labelled.labels
    taken = _expected(candidate) * data.labelled.scales[rows] > 2.0 * job.cost
    brought = np.where(taken, data.labelled.returns[rows] - 2.0 * job.cost, 0.0) * tested.weights
    return Trial(
        key=TrialKey(
            code_digest=job.pipeline,
            settings=spelled({"name": job.name, "model": candidate.model.digest}),
            instruments=(data.symbol,),
            start_at_ns=int(labels.starts_ns[rows[0]]),
            end_at_ns=int(labels.ends_ns[rows].max()),
        ),
        strategy=job.name,
        shown_at_ns=at_ns,
        closed_trades=round(float(np.sum(tested.weights[taken]))),
        daily=_daily(labels.ends_ns[rows], brought),
    )


def _expected(candidate: Trained) -> FloatArray:
    said = candidate.tested.probabilities.tolist()
    return np.array([expected_units(candidate.model, each) for each in said])


def _daily(ends_ns: IntArray, brought: FloatArray) -> DailyReturns:
    days = ends_ns // DAY_NS
    first, last = int(days.min()), int(days.max())
    every = np.arange(first, last + 1)
    returns = np.zeros(len(every))
    np.add.at(returns, days - first, brought)
    return DailyReturns(every, returns)


def _in_vain(registry: ModelRegistry, job: TrainingJob, at_ns: int, reason: str) -> Done:
    attempt = Attempt(at_ns=at_ns, outcome=reason, replaced=False)
    registry.note_attempt(job.name, attempt)
    entries = registry.entries(job.name)
    return Done(
        attempt=attempt,
        in_force=entries[-1] if entries else None,
        watched=None,
        not_watched=reason,
    )
