"""The models of a backtest: those of the registry as of each candle, or trained while it runs.

Nothing here imports LightGBM before something is trained: most runs trade no models.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import attrs
from cyclopts import Parameter
from rich.progress import Progress
from xache_sdk.market import Interval
from xache_sdk.shelf import SETTING, Shelf, write_shelf

from xached.research.backtest.terms import MarketData, RunSettings
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.judgement.candle_runner import whole_window
from xached.research.judgement.track_record import DAY_NS
from xached.research.judgement.trials import Trial
from xached.research.models.registry import Attempt, ModelRegistry, shelf_of
from xached.research.models.resampling import with_interval
from xached.runtime.schedule import Schedule


@attrs.frozen(kw_only=True)
class ModelOptions:
    """What was asked for: models of the registry, or some that are trained in the run."""

    model: Annotated[
        str, Parameter(help="models of the registry by name, or one by the start of its digest.")
    ] = ""
    retrain: Annotated[
        str, Parameter(help="train in the run, at: minute hour day month weekday, UTC.")
    ] = ""
    model_interval: Annotated[
        Literal["1m", "5m", "15m", "1h", "1d"],
        Parameter(help="length of the candles that models are trained on."),
    ] = "15m"
    horizon: Annotated[
        int, Parameter(help="candles after which a position of a trained model ends.")
    ] = 32

    @property
    def wanted(self) -> bool:
        """Whether the run trades models at all."""
        return bool(self.model or self.retrain)


NO_MODELS: Final = ModelOptions()


@attrs.frozen(kw_only=True)
class RunModels:
    """A run with models: their candles among its markets, and itself with a start."""

    markets: list[MarketData]
    terms: RunSettings
    shelf: Shelf | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def setting(self) -> dict[str, str]:
        """The setting that hands them to a strategy."""
        return {} if self.shelf is None else {SETTING: write_shelf(self.shelf)}


def find_models(
    options: ModelOptions,
    markets: Sequence[MarketData],
    terms: RunSettings,
    symbol: str,
    history_days: int,
    record: Callable[[Trial], object],
    *,
    quiet: bool,
) -> RunModels:
    """Find or train the models of a run. ``symbol``: the market they are of.

    ``history_days``: what a model is trained on.

    Raises: DataError when there is none that the run could ever ask; ModelOverlap for a model by
    digest that knows something of the run; RegistryError; what ``record`` raises.
    """
    if options.model and options.retrain:
        raise DataError("models are those of the registry or trained in the run, not both")
    if options.retrain:
        return _trained(options, markets, terms, symbol, history_days, record, quiet=quiet)
    registry = ModelRegistry.of_environment(os.environ)
    window = whole_window(markets)
    start_ns = window.start_at_ns if terms.start_ns is None else terms.start_ns
    if registry.entries(options.model):
        found = registry.for_run(options.model, start_ns, window.end_at_ns)
    else:
        found = [registry.for_period(registry.find(options.model).digest, start_ns)]
    if not found:
        raise DataError(
            f"no model {options.model} was known before the end of the run, so none may be asked "
            "in it; --retrain trains them as of their time"
        )
    interval = found[0].model.interval
    return RunModels(shelf=shelf_of(found), markets=with_interval(markets, interval), terms=terms)


def told_models(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with a digest for the models: their texts are too long to be shown or recorded."""
    text = settings.get(SETTING)
    if not isinstance(text, str) or not text.startswith("{"):
        return dict(settings)
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    return {**settings, SETTING: f"shelf {digest}"}


def _trained(
    options: ModelOptions,
    markets: Sequence[MarketData],
    terms: RunSettings,
    symbol: str,
    history_days: int,
    record: Callable[[Trial], object],
    *,
    quiet: bool,
) -> RunModels:
    from xached.research.models.retrained_run import train_through
    from xached.research.models.training_job import usual_job

    schedule = Schedule(options.retrain)
    interval = Interval(options.model_interval)
    whole = with_interval(markets, interval)
    others: dict[str, CandleSet] = {each.instrument.symbol: _of(each, interval) for each in whole}
    traded = others.pop(symbol, None)
    if traded is None:
        raise DataError(f"there is no history of {symbol}, which the models are of")
    window = whole_window(markets)
    start_ns = terms.start_ns
    if start_ns is None:
        start_ns = window.start_at_ns + history_days * DAY_NS
    job = usual_job(
        traded,
        sorted(others),
        horizon=options.horizon,
        history_ns=history_days * DAY_NS,
        cost_ppm=whole[0].instrument.taker_fee_ppm + terms.taker_cost_ppm,
    )
    with Progress(transient=True, disable=quiet or not sys.stderr.isatty()) as progress:
        task = progress.add_task("training", total=1.0)
        trained = train_through(
            job, schedule, traded, others, start_ns, window.end_at_ns, record,
            lambda part: progress.update(task, completed=part),
        )  # fmt: skip
    if not trained.shelf.models:
        raise DataError(f"no model could be trained in the run: {trained.attempts[-1].outcome}")
    return RunModels(
        shelf=trained.shelf,
        markets=whole,
        terms=attrs.evolve(terms, start_ns=start_ns),
        attempts=trained.attempts,
    )


def _of(market: MarketData, interval: Interval) -> CandleSet:
    (found,) = (each for each in market.candles if each.interval is interval)
    return found
