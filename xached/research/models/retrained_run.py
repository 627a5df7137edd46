"""Models for a backtest, as they would have come to be while it ran.

Training does not depend on what is traded, so it is done before the run, moment by moment of the
schedule: each job gets the history that was over by then and a registry of what was registered
before. The strategy then asks, at each candle, the model that was in force.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs
from xache_sdk.shelf import MODELS_MAX, Shelf

from xached.research.history.candle_set import CandleSet, DataError
from xached.research.judgement.trials import Trial
from xached.research.models.registry import Attempt, ModelOverlap, ModelRegistry, shelf_of
from xached.research.models.training_job import TrainingJob, do_job
from xached.runtime.schedule import Schedule


@attrs.frozen(eq=False)
class Retrained:
    """What came of training all through a run: the models, and each attempt in order."""

    shelf: Shelf
    attempts: tuple[Attempt, ...]


def train_through(
    job: TrainingJob,
    schedule: Schedule,
    traded: CandleSet,
    others: Mapping[str, CandleSet],
    start_ns: int,
    end_ns: int,
    record: Callable[[Trial], object],
    progress: Callable[[float], None] = lambda _part: None,
) -> Retrained:
    """Do a job at each time of a schedule within a run.

    Raises: DataError when there is no time in it, or too many; what ``record`` raises.
    """
    times = list(schedule.between(start_ns, end_ns))
    if not 1 <= len(times) <= MODELS_MAX:
        raise DataError(
            f"{schedule.text!r} is due {len(times):,} times in the run; 1 to {MODELS_MAX} can be"
        )
    attempts = []
    with tempfile.TemporaryDirectory(prefix="xache-models-") as folder:
        registry = ModelRegistry(Path(folder))
        for number, at_ns in enumerate(times):
            attempts.append(do_job(registry, job, traded, others, at_ns, record).attempt)
            progress((number + 1) / len(times))
        shelf = shelf_of(registry.entries(job.name))
    check_no_overlap(shelf, times)
    return Retrained(shelf, tuple(attempts))


def check_no_overlap(shelf: Shelf, times: list[int]) -> None:
    """Make sure that every model was made at one of some times, of what was over by then.

    Raises: ModelOverlap, which is a bug in what trained it.
    """
    for model in shelf.models:
        if model.registered_at_ns not in times or model.labels_end_ns > model.registered_at_ns:
            raise ModelOverlap(f"model {model.digest[:12]} knows what it is asked to foresee")
