"""Candles of trades."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray
from xache_sdk.market import Interval

from xached.research.history.candle_set import CandleSet, Column, make_candle_set


def trade_candles(
    *,
    symbol: str,
    venue: str,
    interval: Interval,
    tick_size: Decimal,
    lot_size: Decimal,
    at_ns: Column,
    price_ticks: Column,
    quantity_lots: Column,
    bought: NDArray[np.bool_],
) -> CandleSet:
    """Candles of trades in order of time, at least one; intervals without a trade are missing.

    ``bought``: whether each trade's taker bought.
    """
    opens_ns = at_ns // interval.ns * interval.ns
    firsts = np.flatnonzero(np.append(True, opens_ns[1:] != opens_ns[:-1]))
    lasts = np.append(firsts[1:], len(at_ns)) - 1
    columns = (
        opens_ns[firsts],
        price_ticks[firsts],
        np.maximum.reduceat(price_ticks, firsts),
        np.minimum.reduceat(price_ticks, firsts),
        price_ticks[lasts],
        np.add.reduceat(quantity_lots, firsts),
    )
    return make_candle_set(
        symbol=symbol,
        venue=venue,
        interval=interval,
        tick_size=tick_size,
        lot_size=lot_size,
        columns=columns,
        extras={"bought_lots": np.add.reduceat(np.where(bought, quantity_lots, 0), firsts)},
    )
