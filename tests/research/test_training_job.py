"""What is trained again on a schedule knows nothing of what comes, and always says why not."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.research.learning import TERMS, market
from xached.research.history.candle_set import CandleSet, DataError, make_candle_set
from xached.research.judgement.trials import LedgerFull, Trial
from xached.research.models import retraining, training_job
from xached.research.models.registry import ModelRegistry
from xached.research.models.retrained_run import Retrained, train_through
from xached.research.models.training_job import TrainingJob, do_job, known_at
from xached.runtime.schedule import Schedule

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS
JOB = TrainingJob(name="btc", terms=TERMS, history_ns=120 * DAY_NS, cost=0.0002)
WEEKLY = Schedule("0 3 * * sun")
START_NS = 125 * DAY_NS
"""Enough history lies before it for the first model."""


@functools.cache
def history() -> CandleSet:
    """Half a year of hours that come back to their mean."""
    return market(1, 180 * 24, 0.3)


def through(candles: CandleSet, end_ns: int) -> tuple[Retrained, list[Trial]]:
    """Train weekly from the start to a time."""
    trials: list[Trial] = []
    return train_through(JOB, WEEKLY, candles, {}, START_NS, end_ns, trials.append), trials


@functools.cache
def whole() -> tuple[Retrained, list[Trial]]:
    """All of the history."""
    return through(history(), 180 * DAY_NS)


def with_future(candles: CandleSet, from_ns: int, seed: int) -> CandleSet:
    """The same candles up to a time, and others afterwards."""
    other = market(seed, len(candles), 0.0)
    known = candles.ends_ns <= from_ns
    return make_candle_set(
        symbol=candles.symbol, venue=candles.venue, interval=candles.interval,
        tick_size=candles.tick_size, lot_size=candles.lot_size,
        columns=tuple(
            np.where(known, mine, theirs)
            for mine, theirs in zip(candles.columns, other.columns, strict=True)
        ),
    )  # fmt: skip


def test_a_schedule_trains_in_a_run_and_tells_of_every_attempt() -> None:
    retrained, trials = whole()
    due = list(WEEKLY.between(START_NS, 180 * DAY_NS))
    assert [each.at_ns for each in retrained.attempts] == due
    taken = [each.at_ns for each in retrained.attempts if each.replaced]
    assert [each.registered_at_ns for each in retrained.shelf.models] == taken
    assert len(taken) >= 1
    assert all(each.outcome for each in retrained.attempts)
    # Each candidate is a trial, taken or not.
    assert [each.shown_at_ns for each in trials] == due
    assert len({each.key.settings for each in trials}) == len(trials)
    assert all(each.key.end_at_ns <= each.shown_at_ns for each in trials)


def test_nothing_is_asked_before_the_first_model() -> None:
    shelf = whole()[0].shelf
    first_ns = shelf.models[0].registered_at_ns
    assert shelf.newest(first_ns) is None
    assert shelf.newest(first_ns + 1) is shelf.models[0]


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 6), st.integers(2, 1_000))
def test_models_of_a_run_do_not_change_with_what_comes_later(week: int, seed: int) -> None:
    """Checked by giving a job all of the history: labels reached past the time it was done at."""
    due = list(WEEKLY.between(START_NS, 180 * DAY_NS))
    at_ns = due[week]
    retrained, trials = through(with_future(history(), at_ns, seed), at_ns + 1)
    expected, all_trials = whole()
    known = [each for each in expected.shelf.models if each.registered_at_ns <= at_ns]
    assert retrained.shelf.models == tuple(known)
    assert retrained.attempts == expected.attempts[: week + 1]
    for mine, theirs in zip(trials, all_trials, strict=False):
        assert mine.key == theirs.key
        assert mine.daily.returns.tobytes() == theirs.daily.returns.tobytes()
    for model in retrained.shelf.models:
        assert model.labels_end_ns <= model.registered_at_ns <= at_ns


def test_history_is_cut_to_what_was_over() -> None:
    candles = history()
    part = known_at(candles, DAY_NS, 10 * DAY_NS + 1)
    assert int(part.ends_ns[-1]) == 10 * DAY_NS
    assert len(part) == 23  # the first one opened before the stretch


def test_what_cannot_be_trained_is_an_attempt_with_its_reason(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)
    trials: list[Trial] = []
    done = do_job(registry, JOB, history(), {}, 2 * DAY_NS, trials.append)
    assert not done.attempt.replaced
    assert done.in_force is None
    assert trials == []
    assert registry.last_attempt("btc") == done.attempt
    few = do_job(registry, JOB, history(), {}, 12 * DAY_NS, trials.append)
    assert "effective rows" in few.attempt.outcome


def test_a_trial_that_cannot_be_recorded_changes_nothing(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path)

    def full(_trial: Trial) -> None:
        raise LedgerFull("too many")

    with pytest.raises(LedgerFull):
        do_job(registry, JOB, history(), {}, START_NS, full)
    assert registry.entries() == []


def test_labels_are_watched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = ModelRegistry(tmp_path)
    trials: list[Trial] = []
    first = do_job(registry, JOB, history(), {}, START_NS, trials.append)
    assert first.watched is None
    looked_at = []

    def noted(model: Any, data: Any, from_ns: int) -> Any:
        looked_at.append(from_ns)
        return retraining.watch(model, data, from_ns)

    monkeypatch.setattr(training_job, "watch", noted)
    monkeypatch.setattr(training_job, "replace_if_not_worse", lambda *_, **__: (None, None))
    for week in range(1, 7):
        do_job(registry, JOB, history(), {}, START_NS + week * 7 * DAY_NS, trials.append)
    assert first.in_force is not None
    assert looked_at[0] == first.in_force.model.labels_end_ns
    assert looked_at == sorted(looked_at)
    assert len(set(looked_at)) > 1, "what was tested is not tested again"


def test_a_world_that_has_gone_lets_the_model_only_advise(tmp_path: Path) -> None:
    changed = with_future(history(), START_NS, 9)
    registry = ModelRegistry(tmp_path)
    trials: list[Trial] = []
    first = do_job(registry, JOB, changed, {}, START_NS, trials.append)
    assert first.in_force is not None
    digest = first.in_force.digest
    done = do_job(
        registry, attrs.evolve(JOB, history_ns=170 * DAY_NS), changed, {}, 175 * DAY_NS,
        trials.append,
    )  # fmt: skip
    assert done.watched is not None
    assert done.watched.reason
    advice = registry.entry(digest).advice
    assert advice is not None
    assert advice.since_ns == 175 * DAY_NS


@pytest.mark.parametrize("text", ["0 3 1 1 *", "* * * * *"])
def test_a_run_has_some_times_to_train_at_and_not_too_many(text: str) -> None:
    with pytest.raises(DataError, match="times in the run"):
        train_through(JOB, Schedule(text), history(), {}, DAY_NS, 9 * DAY_NS, lambda _: None)


class Killed(BaseException):
    """The process ends here."""


@attrs.define
class Power:
    """Lets a process write so often to the disk, and no more."""

    left: int
    used: int = 0

    def step(self, real: Callable[..., Any], *arguments: Any) -> Any:
        """One of these writes."""
        self.used += 1
        if self.used > self.left:
            raise Killed
        return real(*arguments)


@pytest.mark.parametrize("pull", [0.0, 0.3])
def test_killed_anywhere_it_leaves_a_model_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pull: float
) -> None:
    """Checked by demoting after registering: a model that knows nothing could trade for a while."""
    candles = market(40, 180 * 24, pull)
    trials: list[Trial] = []
    before = do_job(ModelRegistry(tmp_path / "0"), JOB, candles, {}, START_NS, trials.append)
    assert before.in_force is not None
    power = Power(10**9)
    for name in ("fsync", "rename"):
        monkeypatch.setattr(os, name, functools.partial(power.step, getattr(os, name)))

    def later(number: int, left: int) -> ModelRegistry:
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "0", folder)
        power.used, power.left = 0, left
        do_job(ModelRegistry(folder), JOB, candles, {}, START_NS + 28 * DAY_NS, trials.append)
        return ModelRegistry(folder)

    whole = later(1, 10**9)
    possible, outcomes = {each.digest for each in whole.entries()}, {training_job.NOT_FINISHED}
    for registry in (whole, ModelRegistry(tmp_path / "0")):
        attempt = registry.last_attempt("btc")
        assert attempt is not None
        outcomes.add(attempt.outcome)
    needed = power.used
    for left in range(needed):
        with pytest.raises(Killed):
            later(2 + left, left)
        power.left = 10**9
        again = ModelRegistry(tmp_path / str(2 + left))
        again.tidy()
        found = again.entries("btc")
        assert before.in_force.digest in {each.digest for each in found} <= possible
        for each in found:
            ignorant = each.metrics["log_loss"] >= each.metrics["base_log_loss"]
            assert not (ignorant and each.advice is None)
        told = again.last_attempt("btc")
        assert told is not None
        assert told.outcome in outcomes
        left_over = (*again.folder.glob("**/.fresh.*"), *again.folder.glob(".model.*"))
        assert not left_over


def test_the_first_model_too_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candles = market(40, 180 * 24, 0.0)  # nothing can be known of it
    power = Power(10**9)
    for name in ("fsync", "rename"):
        monkeypatch.setattr(os, name, functools.partial(power.step, getattr(os, name)))
    do_job(ModelRegistry(tmp_path / "whole"), JOB, candles, {}, START_NS, lambda _: None)
    for left in range(power.used):
        power.used, power.left = 0, left
        registry = ModelRegistry(tmp_path / str(left))
        with pytest.raises(Killed):
            do_job(registry, JOB, candles, {}, START_NS, lambda _: None)
        power.left = 10**9
        assert all(each.advice is not None for each in registry.entries())
