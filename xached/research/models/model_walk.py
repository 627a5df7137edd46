"""Train over and over through history, and trade each model only on what came after it.

Each fold's model trades its own test, so that the tests, one after the other, are one history that
no model knew. Beside it stand holding the market for the same time, and *controls*: models trained
on the same rows with labels that were exchanged in blocks. These have the same distribution and the
same dependence between neighbours, but nothing to do with the features: what controls earn is
earned by chance, or by being in the market.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, Protocol

import attrs
import numpy as np
from xache_sdk.features import Feature
from xache_sdk.models import ModelError, SignalModel
from xache_sdk.shelf import write_models
from xache_sdk.strategy import Strategy

from xached.research.backtest.gears import run_backtest
from xached.research.backtest.result import Gear, RunResult
from xached.research.backtest.run import ColumnCache
from xached.research.backtest.terms import FEE_PPM, MarketData, RunSettings, open_market
from xached.research.history.candle_set import CandleSet
from xached.research.judgement.folds import BlockFold, BlockRows, block_folds
from xached.research.judgement.track_record import EquityCurve
from xached.research.models.calibration import TooFewRows
from xached.research.models.model import NothingLearned, Trained, TrainingData, TrainingTerms, train
from xached.research.schedulers import Scheduler, in_turn

CONTROLS: Final = 10
SHARES: Final = (0.40, 0.08, 0.12, 0.08, 0.04)
"""Of all rows: what each block of a fold takes. Eight tests follow each other."""


@attrs.frozen(kw_only=True)
class TradeTerms:
    """How models are traded. ``cash`` is what there is, and what a position may cost."""

    cash: Decimal = Decimal(10_000)
    fee_ppm: int = FEE_PPM
    half_spread_ppm: int = 100
    slippage_ppm: int = 100
    target_volatility_ppm: int = 10_000

    @property
    def cost(self) -> float:
        """What one order costs, as a fraction."""
        return (self.fee_ppm + self.half_spread_ppm + self.slippage_ppm) / 1_000_000


class MakeTrader(Protocol):
    """Makes the strategy that trades models, of settings as JSON has them."""

    def __call__(self, settings: Mapping[str, Any], /) -> Strategy[Any]: ...


@attrs.frozen(eq=False)
class FoldModel:
    """A fold and its model; None where it could not be trained, and why."""

    fold: BlockFold
    trained: Trained | None
    reason: str = ""


@attrs.frozen(eq=False)
class Walk:
    """Every fold, and the period of all tests together."""

    folds: tuple[FoldModel, ...]
    start_ns: int
    end_ns: int

    @property
    def models(self) -> tuple[SignalModel, ...]:
        """Those that were trained, oldest first."""
        return tuple(each.trained.model for each in self.folds if each.trained is not None)


def block_rows(rows: int) -> BlockRows:
    """The blocks of a fold for so many rows. Raises: ValueError when there are too few."""
    lengths = [int(rows * share) for share in SHARES]
    return BlockRows(
        train=lengths[0],
        early_stop=lengths[1],
        calibrate=lengths[2],
        conform=lengths[3],
        test=lengths[4],
    )


def train_walk(
    terms: TrainingTerms,
    data: TrainingData,
    blocks: BlockRows,
    scheduler: Scheduler = in_turn,
) -> Walk:
    """Train a model for each fold. The embargo is the horizon of the labels.

    Raises: ValueError when there are too few rows for one fold.
    """
    labels = data.labelled.labels
    embargo_ns = terms.barriers.horizon * data.interval.ns
    planned = tuple(block_folds(labels, blocks, embargo_ns=embargo_ns))
    folds = tuple(scheduler(_TrainFold(terms, data), planned))
    return Walk(
        folds,
        int(labels.starts_ns[folds[0].fold.test[0]]),
        int(labels.ends_ns[folds[-1].fold.test].max()),
    )


def permuted(data: TrainingData, block: int, seed: int) -> TrainingData:
    """The same features with outcomes that are exchanged in blocks of so many rows.

    An outcome is a return in units of the volatility; each row keeps its own volatility.
    """
    brought = data.labelled.returns / data.labelled.scales
    blocks = np.array_split(np.arange(len(data)), max(2, len(data) // block))
    order = np.random.default_rng(seed).permutation(len(blocks))
    exchanged = np.concatenate([brought[blocks[number]] for number in order])
    labelled = attrs.evolve(data.labelled, returns=exchanged * data.labelled.scales)
    return attrs.evolve(data, labelled=labelled)


def trade(
    walk: Walk,
    make: MakeTrader,
    traded: CandleSet,
    others: Sequence[CandleSet],
    terms: TradeTerms,
    columns: ColumnCache | None = None,
) -> RunResult | None:
    """Trade the models of a walk on its tests; None when there is no model at all.

    ``columns`` keeps features for other runs over the same history.
    """
    if not walk.models:
        return None
    settings = {
        "symbol": traded.symbol,
        "venue": traded.venue,
        "models": write_models(walk.models),
        "budget": f"{terms.cash:f}",
        "half_spread_ppm": terms.half_spread_ppm,
        "slippage_ppm": terms.slippage_ppm,
        "target_volatility_ppm": terms.target_volatility_ppm,
    }
    return run_backtest(
        lambda: [make(settings)],
        [_market(each, walk.end_ns, terms) for each in (traded, *others)],
        RunSettings(
            cash=terms.cash,
            half_spread_ppm=terms.half_spread_ppm,
            slippage_ppm=terms.slippage_ppm,
            start_ns=walk.start_ns,
        ),
        gear=Gear.COLUMNS,
        columns=columns,
    )


def holding_curve(traded: CandleSet, walk: Walk, terms: TradeTerms) -> EquityCurve:
    """What the cash would be worth, all of it in the market, after the costs of buying."""
    ends_ns = np.asarray(traded.ends_ns)
    rows = np.flatnonzero((ends_ns >= walk.start_ns) & (ends_ns <= walk.end_ns))
    close = traded.close_ticks[rows].astype(np.float64)
    worth = float(terms.cash) * (1.0 - terms.cost) * close / close[0]
    worth[0] = float(terms.cash)
    return EquityCurve.of(ends_ns[rows], worth)


def control_returns(
    terms: TrainingTerms,
    data: TrainingData,
    blocks: BlockRows,
    runs: Sequence[int],
    make: MakeTrader,
    traded: CandleSet,
    others: Sequence[CandleSet],
    trading: TradeTerms,
    scheduler: Scheduler = in_turn,
) -> list[float]:
    """The returns of controls, one for each seed, in the order of the seeds."""
    control = _Control(terms, data, blocks, make, traded, others, trading)
    return list(scheduler(control, runs))


@attrs.frozen
class _Control:
    """Trains and trades models of exchanged labels. What they look at is computed once."""

    terms: TrainingTerms
    data: TrainingData
    blocks: BlockRows
    make: MakeTrader
    traded: CandleSet
    others: Sequence[CandleSet]
    trading: TradeTerms
    columns: ColumnCache = attrs.field(factory=dict)

    def __call__(self, seed: int) -> float:
        # Blocks of several horizons: what neighbours have in common stays together.
        exchanged = permuted(self.data, 4 * self.terms.barriers.horizon, seed)
        walk = train_walk(self.terms, exchanged, self.blocks)
        result = trade(walk, self.make, self.traded, self.others, self.trading, self.columns)
        return 0.0 if result is None else result.end_units / result.cash_units - 1.0


def usual_features(others: Sequence[str], known: Collection[str] = ()) -> tuple[Feature, ...]:
    """What is looked at unless something else is asked for. Windows are candles.

    ``known``: what is known of the candles beside prices and volume; see ``known_extras``.
    """
    own = (
        *(Feature("return", window) for window in (1, 4, 16, 64)),
        *(Feature("volatility", window) for window in (16, 96)),
        *(Feature("z_score", window) for window in (32, 96)),
        Feature("channel", 96),
        Feature("range", 16),
        Feature("money_flow", 16),
        Feature("volume", 32),
        *(Feature("signed_volume", window) for window in (8, 32)),
        Feature("hour"),
        Feature("weekday"),
        *(Feature("taker_flow", window) for window in (1, 8, 32) if "bought_lots" in known),
        *(Feature("sentiment", window) for window in (1, 32) if "sentiment_ppm" in known),
    )
    return own + tuple(
        Feature(kind, window, symbol)
        for symbol in others
        for kind, window in (("return", 1), ("return", 4), ("return", 16), ("z_score", 96))
    )


@attrs.frozen
class _TrainFold:
    """Trains the model of a fold. Processes elsewhere get it too."""

    terms: TrainingTerms
    data: TrainingData

    def __call__(self, fold: BlockFold) -> FoldModel:
        # A moment before its test, which it may be asked about.
        at_ns = int(self.data.labelled.labels.starts_ns[fold.test[0]]) - 1
        try:
            return FoldModel(fold, train(self.terms, self.data, fold, at_ns))
        except (TooFewRows, NothingLearned, ModelError) as error:
            return FoldModel(fold, None, str(error))


def _market(candles: CandleSet, end_ns: int, terms: TradeTerms) -> MarketData:
    there = candles.between(None, end_ns - candles.interval_ns + 1)
    return open_market(there, maker_fee_ppm=terms.fee_ppm, taker_fee_ppm=terms.fee_ppm)
