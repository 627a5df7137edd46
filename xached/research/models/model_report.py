"""What training found, as one value and as JSON: what models earned on their tests, and what else
would have earned as much.

Every candidate is a trial of its owner, recorded before anything is shown, and so is the run over
all tests that is judged. Controls are none: nobody could choose one.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Sequence
from typing import Any, Final

import attrs
import numpy as np
from xache_sdk import features as feature_module
from xache_sdk.strategy import Strategy

from xached.research.backtest.result import RunResult
from xached.research.judgement.deflated import Judged
from xached.research.judgement.judging import judge_trial
from xached.research.judgement.metrics import Performance, drawdown, measure, time_weighted_return
from xached.research.judgement.report import judged_json
from xached.research.judgement.track_record import DAY_NS, DailyReturns, EquityCurve
from xached.research.judgement.trials import Owner, Trial, TrialKey, TrialLedger, spelled
from xached.research.models import labels as label_module
from xached.research.models import model as model_module
from xached.research.models.model import TrainingData, TrainingTerms
from xached.research.models.model_walk import FoldModel, TradeTerms, Walk
from xached.research.models.registry import Attempt, Entry

FORMAT: Final = 1
STRATEGY: Final = "lightgbm"


@attrs.frozen(eq=False, kw_only=True)
class ModelReport:
    """Everything that was found. ``controls`` are the returns of models of exchanged labels."""

    data: TrainingData
    walk: Walk
    result: RunResult
    performance: Performance
    judged: Judged
    holding: EquityCurve
    controls: tuple[float, ...]
    entry: Entry | None
    attempt: Attempt

    @property
    def controls_as_good(self) -> float | None:
        """The share of controls that earned as much as the models, or more."""
        earned = self.performance.time_weighted_return
        if not self.controls:
            return None
        return sum(each >= earned for each in self.controls) / len(self.controls)


def judge_walk(
    ledger: TrialLedger,
    owner: Owner,
    walk: Walk,
    result: RunResult,
    strategy: type[Strategy[Any]],
    terms: tuple[TrainingTerms, TradeTerms],
    shown_at_ns: int,
) -> tuple[Performance, Judged]:
    """Record every candidate and the run of all, then measure and judge the run.

    Raises: LedgerFull, and there is nothing to show.
    """
    record = result.track_record()
    daily = record.daily
    symbols = tuple(each.symbol for each in result.instruments)
    code = pipeline_digest(strategy)
    settings = _settings(*terms)

    def trial(start_ns: int, end_ns: int, days: DailyReturns, trades: int, **more: Any) -> Trial:
        key = TrialKey(
            code_digest=code,
            settings=spelled(settings | more),
            instruments=symbols,
            start_at_ns=start_ns,
            end_at_ns=end_ns,
        )
        return Trial(
            key=key, strategy=STRATEGY, shown_at_ns=shown_at_ns, closed_trades=trades, daily=days
        )

    candidates = []
    for start_ns, end_ns, each in _tests(walk):
        assert each.trained is not None, "only trained ones are tests"
        inside = (daily.days * DAY_NS >= start_ns - DAY_NS) & (daily.days * DAY_NS < end_ns)
        days = DailyReturns(daily.days[inside], daily.returns[inside])
        trades = sum(start_ns <= one.closed_at_ns < end_ns for one in record.trades)
        digest = each.trained.model.digest
        candidates.append(trial(start_ns, end_ns, days, trades, model=digest))
    ledger.record(owner, candidates)
    whole = trial(walk.start_ns, walk.end_ns, daily, len(record.trades), models=len(walk.models))
    return measure(record), judge_trial(ledger, owner, whole)


def pipeline_digest(strategy: type[Strategy[Any]] | None = None) -> str:
    """BLAKE2b-256 of the sources that make a model what it is, as trials are told apart.

    With a strategy also of the one that trades it.
    """
    modules = [feature_module, label_module, model_module]
    if strategy is not None:
        modules.append(sys.modules[strategy.__module__])
    digest = hashlib.blake2b(digest_size=32)
    for module in modules:
        digest.update(inspect.getsource(module).encode())
    return digest.hexdigest()


def as_document(report: ModelReport) -> dict[str, Any]:
    """Everything of a report in values that JSON knows. Times are nanoseconds since 1970."""
    data, performance = report.data, report.performance
    unit = 10 ** report.result.instruments[0].quote_scale
    model = report.entry.model if report.entry is not None else None
    return {
        "format": FORMAT,
        "symbol": data.symbol,
        "interval": data.interval.value,
        "fingerprint": data.fingerprint,
        "rows": len(data),
        "effective_rows": float(np.sum(data.weights)),
        "folds": [_fold(each, data) for each in report.walk.folds],
        "out_of_sample": {
            "start_at_ns": report.walk.start_ns,
            "end_at_ns": report.walk.end_ns,
            "models": {
                "return": performance.time_weighted_return,
                "drawdown": performance.drawdown.depth,
                "closed_trades": performance.trades.count,
                "exposure": performance.exposure,
                "fees": performance.costs.fee_units / unit,
                "sharpe": judged_json(report.judged),
            },
            "buy_and_hold": {
                "return": time_weighted_return(report.holding),
                "drawdown": drawdown(report.holding).depth,
            },
            "controls": {
                "runs": len(report.controls),
                "returns": list(report.controls),
                "median_return": float(np.median(report.controls)) if report.controls else None,
                "as_good": report.controls_as_good,
            },
        },
        "registered": None
        if report.entry is None or model is None
        else {
            "name": report.entry.name,
            "digest": report.entry.digest,
            "registered_at_ns": model.registered_at_ns,
            "labels_end_ns": model.labels_end_ns,
        },
        "outcome": report.attempt.outcome,
        "replaced": report.attempt.replaced,
    }  # fmt: skip


def _settings(training: TrainingTerms, trading: TradeTerms) -> dict[str, Any]:
    return {
        "features": [str(each) for each in training.features],
        "volatility": str(training.volatility),
        "barriers": attrs.asdict(training.barriers),
        "seed": training.seed,
        "rounds_max": training.rounds_max,
        "leaves": training.leaves,
        "rows_per_leaf": training.rows_per_leaf,
        "learning_rate": training.learning_rate,
        "trading": {name: str(each) for name, each in attrs.asdict(trading).items()},
    }


def _tests(walk: Walk) -> Sequence[tuple[int, int, FoldModel]]:
    """Each trained fold with the time in which its model is the newest."""
    trained = [each for each in walk.folds if each.trained is not None]
    starts = [each.trained.model.registered_at_ns + 1 for each in trained if each.trained]
    return list(zip(starts, [*starts[1:], walk.end_ns], trained, strict=True))


def _fold(each: FoldModel, data: TrainingData) -> dict[str, Any]:
    test = data.labelled.labels
    document: dict[str, Any] = {
        "test_start_at_ns": int(test.starts_ns[each.fold.test[0]]),
        "test_end_at_ns": int(test.ends_ns[each.fold.test].max()),
    }
    if each.trained is None:
        return document | {"not_trained": each.reason}
    tested = each.trained.tested
    return document | {
        "digest": each.trained.model.digest,
        "rounds": each.trained.rounds,
        "log_loss": tested.log_loss,
        "base_log_loss": tested.base_log_loss,
        "brier": tested.brier,
        "coverage_asked": tested.coverage.asked,
        "coverage_measured": tested.coverage.measured,
    }
