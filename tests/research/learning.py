"""Histories with something to learn in them, and terms that are quick to train."""

from __future__ import annotations

import functools
import random
from decimal import Decimal

import numpy as np
from xache_sdk.features import read_feature
from xache_sdk.market import Interval

from xached.research.history.candle_set import CandleSet, make_candle_set
from xached.research.judgement.folds import BlockFold, BlockRows, block_folds
from xached.research.models.labels import Barriers
from xached.research.models.model import Trained, TrainingData, TrainingTerms, train, training_data

TERMS = TrainingTerms(
    features=tuple(map(read_feature, ("return:1", "return:4", "z_score:8", "hour:1"))),
    volatility=read_feature("volatility:24"),
    barriers=Barriers(horizon=6),
    rounds_max=30,
    leaves=4,
    rows_per_leaf=30,
)
BLOCKS = BlockRows(train=1_500, early_stop=500, calibrate=700, conform=600, test=600)
EMBARGO_NS = 3_600_000_000_000


def market(seed: int, rows: int, pull: float, symbol: str = "BTC-USDT") -> CandleSet:
    """Hours whose price is pulled back to its mean by ``pull`` of the distance; 0: by chance."""
    chance = random.Random(seed)
    price, opened = 100_000.0, 100_000
    table = []
    for _ in range(rows):
        price += pull * (100_000.0 - price) + chance.gauss(0.0, 600.0)
        close = max(1_000, round(price))
        high = max(opened, close) + chance.randrange(200)
        low = max(1, min(opened, close) - chance.randrange(200))
        table.append((opened, high, low, close, 10**6 + chance.randrange(10**6)))
        opened = close
    columns = np.array(table, dtype=np.int64)
    hours = np.arange(rows, dtype=np.int64) * Interval.H1.ns
    return make_candle_set(
        symbol=symbol,
        venue="TEST",
        interval=Interval.H1,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        columns=(hours, *(columns[:, at].copy() for at in range(5))),
    )


@functools.cache
def learned(seed: int = 1, pull: float = 0.3) -> tuple[TrainingData, BlockFold, Trained]:
    """A model of a market that comes back to its mean, the data and the fold it was trained on."""
    data = training_data(TERMS, market(seed, 4_100, pull), {})
    (fold, *_) = block_folds(data.labelled.labels, BLOCKS, embargo_ns=EMBARGO_NS)
    at_ns = int(data.labelled.labels.starts_ns[fold.test[0]])
    return data, fold, train(TERMS, data, fold, at_ns)
