"""``xache model``: train models on history of this machine, and say honestly what they are worth.

Nothing here trades. A trained model is registered, and is handed to a strategy as text.
"""

from __future__ import annotations

import dataclasses
import getpass
import importlib.metadata
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeAlias

import attrs
from cyclopts import App, Parameter
from rich.table import Table
from xache_sdk.features import Feature, read_feature
from xache_sdk.market import Interval
from xache_sdk.models import write_model
from xache_sdk.settings import make_settings
from xache_sdk.strategy import Strategy

from xached.research.backtest.terms import FEE_PPM
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.history.data_command import (
    console,
    history_store,
    moment,
    print_json,
    print_line,
    refused,
)
from xached.research.judgement.trials import LedgerDamaged, LedgerFull, Owner, TrialLedger
from xached.research.models.features import known_extras
from xached.research.models.labels import Barriers
from xached.research.models.model import Trained, TrainingData, TrainingTerms, training_data
from xached.research.models.model_report import STRATEGY, ModelReport, as_document, judge_walk
from xached.research.models.model_walk import (
    CONTROLS,
    TradeTerms,
    Walk,
    block_rows,
    control_returns,
    holding_curve,
    trade,
    train_walk,
    usual_features,
)
from xached.research.models.registry import Attempt, Entry, ModelOverlap, ModelRegistry
from xached.research.models.resampling import resampled
from xached.research.models.retraining import Watch, replace_if_not_worse, watch_registered
from xached.research.schedulers import NoCluster, Scheduler, open_scheduler

ENTRY_POINTS: Final = "xache.strategies"
VOLATILITY_WINDOW: Final = 96

JsonFlag = Annotated[bool, Parameter(name="--json", negative=())]

Length: TypeAlias = Literal["1m", "5m", "15m", "1h", "1d"]

model = App(
    name="model",
    help="Train, list and look at models. All of it is local.",
    help_format="plaintext",
    help_epilogue="Models live in XACHE_MODELS, or ~/.local/share/xache/models.",
    default_parameter=Parameter(show_default=False),
    result_action="return_value",
)


@model.command(name="train")
def train_model(
    history: str,
    /,
    *,
    other: list[str] | None = None,
    feature: list[str] | None = None,
    name: str = "",
    interval: Length = "15m",
    horizon: int = 32,
    seed: int = 1,
    controls: int = CONTROLS,
    fee_ppm: int = FEE_PPM,
    half_spread_ppm: int = 100,
    slippage_ppm: int = 100,
    scheduler: str = "",
    processes: int = 0,
    as_json: JsonFlag = False,
) -> None:
    """Train a model, test it on what no model knew, and register it if it is not worse.

    The result is that of the tests: fees, half spread and slippage included, beside holding the
    market and beside models whose labels were exchanged, which can know nothing.

    Args:
        history: the market to trade; see xache data list.
        other: another market that the model may look at. May be repeated.
        feature: what to look at, KIND:WINDOW or SYMBOL/KIND:WINDOW; the usual when not given.
        name: what to call the model; SYMBOL-INTERVAL when not given.
        interval: length of a candle; history of shorter candles is joined.
        horizon: candles after which a position ends.
        seed: for everything that is drawn.
        controls: so many models of exchanged labels.
        fee_ppm: the fee of each order, in parts per million.
        half_spread_ppm: half the spread that each order pays.
        slippage_ppm: what each order pays beyond it.
        scheduler: tcp://HOST:PORT of a Dask scheduler that trains.
        processes: so many processes of this machine train; one a core when not given.
        as_json: print JSON.
    """
    with refused(), _refusals():
        store = history_store()
        length = Interval(interval)
        traded = resampled(store.load(history), length)
        others = {
            each.symbol: each
            for each in (resampled(store.load(one), length) for one in other or ())
        }
        training = TrainingTerms(
            features=tuple(map(read_feature, feature or ()))
            or usual_features(sorted(others), known_extras(traded)),
            volatility=Feature("volatility", VOLATILITY_WINDOW),
            barriers=Barriers(horizon=horizon),
            seed=seed,
        )
        trading = TradeTerms(
            fee_ppm=fee_ppm, half_spread_ppm=half_spread_ppm, slippage_ppm=slippage_ppm
        )
        terms = (training, trading)
        called = name or f"{traded.symbol}-{interval}"
        with open_scheduler(scheduler, processes or os.cpu_count() or 1) as chosen:
            report = _train(terms, traded, others, called, controls, chosen)
    if as_json:
        print_json(as_document(report))
    else:
        _print_report(report)


@model.command(name="list")
def list_models(*, as_json: JsonFlag = False) -> None:
    """List the models there are, and why the last attempt to train did or did not replace one.

    Args:
        as_json: print JSON.
    """
    registry = ModelRegistry.of_environment(os.environ)
    with refused(), _refusals():
        entries = registry.entries()
        names = sorted({each.name for each in entries})
        attempts = {each: registry.last_attempt(each) for each in names}
    if as_json:
        print_json(
            {
                "models": [_entry_document(each) for each in entries],
                "last_attempts": {
                    each: attrs.asdict(found) for each, found in attempts.items() if found
                },
            }
        )
        return
    if not entries:
        print_line(f"no model yet in {registry.folder}: xache model train HISTORY")
        return
    table = Table(box=None, pad_edge=False)
    for column in ("name", "digest", "registered", "knows up to", "log loss", "to beat", "may"):
        table.add_column(column)
    for entry in entries:
        table.add_row(*_row(entry))
    console().print(table)
    for each, found in attempts.items():
        if found is not None:
            print_line(f"{each}: last trained {moment(found.at_ns)}, {found.outcome}")


@model.command(name="show")
def show_model(digest: str, /, *, as_json: JsonFlag = False) -> None:
    """Tell what a model looks at, what it was trained on and how it did.

    Args:
        digest: the beginning of its digest.
        as_json: print JSON.
    """
    with refused(), _refusals():
        found = ModelRegistry.of_environment(os.environ).find(digest)
    if as_json:
        print_json(_entry_document(found))
        return
    trained = found.model
    print_line(f"{found.name} {found.digest}")
    print_line(f"registered {moment(trained.registered_at_ns)}, replaced {found.parent or 'none'}")
    print_line(
        f"knows {trained.symbol} {trained.interval.value} up to {moment(trained.labels_end_ns)}"
    )
    print_line(f"trained on {found.fingerprint}")
    print_line(f"looks at {', '.join(map(str, trained.features))}")
    for name, value in found.metrics.items():
        print_line(f"{name} {value:.6g}")
    if found.advice is not None:
        print_line(f"only advises since {moment(found.advice.since_ns)}: {found.advice.reason}")


@model.command(name="watch")
def watch_model(
    history: str, /, *, other: list[str] | None = None, name: str = "", as_json: JsonFlag = False
) -> None:
    """Test whether the newest model still fits what came after it; if not it only advises.

    Each test has a level of 1 % and needs 200 effective labels. Test new history once, not daily.

    Args:
        history: the market, with candles from before and after what the model knows.
        other: another market that the model looks at. May be repeated.
        name: which model; the only name there is when not given.
        as_json: print JSON.
    """
    with refused(), _refusals():
        registry = ModelRegistry.of_environment(os.environ)
        entries = registry.entries(name)
        if len({each.name for each in entries}) != 1:
            raise DataError("name one model: see xache model list")
        newest = entries[-1]
        found, drift = watch_registered(registry, newest, _data_of(newest, history, other or ()))
    if as_json:
        print_json(_entry_document(found) | {"watch": _watch_document(drift)})
        return
    for looked, each in (("probabilities", drift.calibration), *drift.features.items()):
        level = "" if each.p_value is None else f", p {each.p_value:.3g}"
        print_line(f"{looked}: {each.finding.value}{level}")
    print_line(f"{found.name} {found.digest[:12]}: {_may(found)}")


@model.command(name="export")
def export_model(digest: str, file: Path, /) -> None:
    """Write the text of a model, as a strategy takes it.

    Args:
        digest: the beginning of its digest.
        file: where to.
    """
    with refused(), _refusals():
        found = ModelRegistry.of_environment(os.environ).find(digest)
        file.write_text(write_model(found.model) + "\n")
    print_line(f"{found.name} {found.digest[:12]} written to {file}")


def _train(
    terms: tuple[TrainingTerms, TradeTerms],
    traded: CandleSet,
    others: Mapping[str, CandleSet],
    name: str,
    controls: int,
    scheduler: Scheduler,
) -> ModelReport:
    training, trading = terms
    data = training_data(training, traded, others)
    blocks = block_rows(len(data))
    walk = train_walk(training, data, blocks, scheduler)
    maker, besides = _Maker(_strategy()), list(others.values())
    result = trade(walk, maker, traded, besides, trading)
    if result is None:
        raise DataError(f"no model could be trained: {walk.folds[-1].reason}")
    now_ns = time.time_ns()
    with _ledger() as ledger:
        performance, judged = judge_walk(
            ledger, Owner(getpass.getuser()), walk, result, maker.strategy, terms, now_ns
        )
    entry, attempt = _register(name, walk, data, now_ns, training.seed)
    found = control_returns(
        training, data, blocks, range(controls), maker, traded, besides, trading, scheduler
    )
    return ModelReport(
        data=data,
        walk=walk,
        result=result,
        performance=performance,
        judged=judged,
        holding=holding_curve(traded, walk, trading),
        controls=tuple(found),
        entry=entry,
        attempt=attempt,
    )


def _register(
    name: str, walk: Walk, data: TrainingData, now_ns: int, seed: int
) -> tuple[Entry | None, Attempt]:
    """Let the newest fold's model be a candidate, as of now: not to be asked of older times."""
    registry = ModelRegistry.of_environment(os.environ)
    newest = walk.folds[-1]
    if newest.trained is None:
        attempt = Attempt(at_ns=now_ns, outcome=newest.reason, replaced=False)
    else:
        dated = dataclasses.replace(newest.trained.model, registered_at_ns=now_ns)
        candidate: Trained = attrs.evolve(newest.trained, model=dated)
        try:
            return replace_if_not_worse(registry, name, candidate, data, seed=seed)
        except ModelOverlap as overlap:
            attempt = Attempt(at_ns=now_ns, outcome=str(overlap), replaced=False)
    registry.note_attempt(name, attempt)
    entries = registry.entries(name)
    return (entries[-1] if entries else None), attempt


@attrs.frozen
class _Maker:
    """Makes the strategy that trades models."""

    strategy: type[Strategy[Any]]

    def __call__(self, settings: Mapping[str, Any], /) -> Strategy[Any]:
        return self.strategy(make_settings(self.strategy.settings_type, dict(settings)))


def _strategy() -> type[Strategy[Any]]:
    points = importlib.metadata.entry_points(group=ENTRY_POINTS, name=STRATEGY)
    if not points:
        raise DataError("what trades models is not installed: pip install xache-strategy-lightgbm")
    found: type[Strategy[Any]] = next(iter(points)).load()
    return found


def _ledger() -> TrialLedger:
    folder = history_store().folder.parent
    folder.mkdir(parents=True, exist_ok=True)
    return TrialLedger(folder / "trials.db")


@contextmanager
def _refusals() -> Iterator[None]:
    """Name what is wrong in the words of whoever noticed."""
    try:
        yield
    except (ValueError, NoCluster, LedgerDamaged, LedgerFull) as error:
        raise DataError(str(error)) from None


def _print_report(report: ModelReport) -> None:
    document = as_document(report)
    told = document["out_of_sample"]
    span = f"{moment(report.walk.start_ns)} to {moment(report.walk.end_ns)}"
    print_line(f"{document['rows']:,} rows, worth {document['effective_rows']:,.0f} of their own")
    folds = Table(box=None, pad_edge=False)
    for column in ("test from", "log loss", "to beat", "coverage", "trees", ""):
        folds.add_column(column)
    for each in document["folds"]:
        start = moment(each["test_start_at_ns"])
        if "not_trained" in each:
            folds.add_row(start, "-", "-", "-", "-", f"no model: {each['not_trained']}")
            continue
        covered = each["coverage_measured"]
        folds.add_row(
            start,
            f"{each['log_loss']:.4f}",
            f"{each['base_log_loss']:.4f}",
            "-" if covered is None else f"{covered:.1%} of {each['coverage_asked']:.0%}",
            str(each["rounds"]),
        )
    console().print(folds)
    print_line(f"\nout of sample, {span}, after all costs")
    models, held, controls = told["models"], told["buy_and_hold"], told["controls"]
    table = Table(box=None, pad_edge=False)
    for column in ("", "return", "drawdown", "closed trades", "in the market"):
        table.add_column(column, justify="left" if not column else "right")
    exposure = models["exposure"]
    table.add_row(
        "models", f"{models['return']:+.2%}", f"{models['drawdown']:.2%}",
        str(models["closed_trades"]), "-" if exposure is None else f"{exposure:.0%}",
    )  # fmt: skip
    table.add_row("buy and hold", f"{held['return']:+.2%}", f"{held['drawdown']:.2%}", "0", "100%")
    if controls["runs"]:
        middle = f"{controls['median_return']:+.2%}"
        table.add_row(f"exchanged labels, median of {controls['runs']}", middle, "", "", "")
    console().print(table)
    if controls["as_good"] is not None:
        print_line(f"{controls['as_good']:.0%} of the models that can know nothing earned as much")
    print_line(f"Sharpe ratio: {models['sharpe']['verdict']}")
    print_line(f"registered: {report.attempt.outcome}")


def _row(each: Entry) -> tuple[str, ...]:
    trained, metrics = each.model, each.metrics
    return (
        each.name, each.digest[:12], moment(trained.registered_at_ns),
        moment(trained.labels_end_ns), f"{metrics['log_loss']:.4f}",
        f"{metrics['base_log_loss']:.4f}", _may(each),
    )  # fmt: skip


def _may(each: Entry) -> str:
    return "trade" if each.advice is None else f"advise: {each.advice.reason}"


def _data_of(entry: Entry, history: str, others: Sequence[str]) -> TrainingData:
    """History as a model sees it. Raises: DataError."""
    trained, store = entry.model, history_store()
    loaded = [resampled(store.load(one), trained.interval) for one in others]
    terms = TrainingTerms(
        features=trained.features,
        volatility=trained.volatility,
        barriers=Barriers(horizon=trained.horizon, width=trained.width),
    )
    traded = resampled(store.load(history), trained.interval)
    if traded.symbol != trained.symbol:
        raise DataError(f"the model is of {trained.symbol}")
    return training_data(terms, traded, {each.symbol: each for each in loaded})


def _watch_document(drift: Watch) -> dict[str, Any]:
    looked = {"probabilities": drift.calibration, **drift.features}
    return {
        name: {
            "finding": each.finding.value,
            "p_value": each.p_value,
            "effective_rows": each.effective_rows,
        }
        for name, each in looked.items()
    }


def _entry_document(each: Entry) -> dict[str, Any]:
    trained = each.model
    return {
        "name": each.name,
        "digest": each.digest,
        "parent": each.parent,
        "fingerprint": each.fingerprint,
        "metrics": dict(each.metrics),
        "symbol": trained.symbol,
        "interval": trained.interval.value,
        "features": [str(one) for one in trained.features],
        "horizon": trained.horizon,
        "registered_at_ns": trained.registered_at_ns,
        "labels_end_ns": trained.labels_end_ns,
        "advice": None if each.advice is None else attrs.asdict(each.advice),
    }
