"""Tapes from files: trades as Parquet, CSV with a header, and the dumps that Binance publishes.

Such a tape has no book: orders that rest are filled by the trades at and beyond their price, and
nothing is there for an order that takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from xached.research.backtest.tape import Tape, TapeKind
from xached.research.history.candle_files import (
    common_step,
    numbers,
    read_table,
    readable,
    times_ns,
    whole_steps,
)
from xached.research.history.candle_set import DataError

AGGREGATE_COLUMNS: Final = (
    "agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
    "is_buyer_maker", "is_best_match",
)  # fmt: skip
"""Of Binance's dumps of aggregate trades, which have no header."""

TIME_NAMES: Final = ("transact_time", "ts", "ts_us", "time", "timestamp", "t")
QUANTITY_NAMES: Final = ("quantity", "qty", "size", "amount", "volume")
SIDE_NAMES: Final = ("is_buyer_maker", "side")


def read_trades(
    paths: Sequence[Path],
    *,
    symbol: str,
    venue: str,
    tick_size: Decimal | None = None,
    lot_size: Decimal | None = None,
) -> Tape:
    """Read the trades of a market from files that follow one another, sorted by time.

    A column ``symbol`` picks the rows of ``symbol``, written with or without its dash. Steps that
    are not named are the coarsest powers of ten that fit.

    Raises: DataError for a file of another form or without a trade; OSError.
    """
    tables = []
    for path in paths:
        with readable(path):
            tables.append(_columns(read_table(path, AGGREGATE_COLUMNS), path, symbol))
    at_ns, price, quantity, sold = (np.concatenate(each) for each in zip(*tables, strict=True))
    order = np.argsort(at_ns, kind="stable")
    tick = common_step([price]) if tick_size is None else tick_size
    lot = common_step([quantity]) if lot_size is None else lot_size
    return Tape(
        symbol=symbol,
        venue=venue,
        tick_size=tick,
        lot_size=lot,
        at_ns=at_ns[order].astype(np.int64),
        kind=np.where(sold[order], TapeKind.SOLD, TapeKind.BOUGHT).astype(np.int64),
        price_ticks=whole_steps(price[order], tick, "price"),
        quantity_lots=whole_steps(quantity[order], lot, "quantity"),
    )


def _columns(table: pa.Table, path: Path, symbol: str) -> tuple[Any, Any, Any, Any]:
    names = {name.lower(): name for name in table.column_names}
    if "symbol" in names:
        wanted = pa.array([symbol, symbol.replace("-", "")])
        table = table.filter(pc.is_in(table[names["symbol"]], value_set=wanted))
    found = [
        next((names[name] for name in wanted if name in names), None)
        for wanted in (TIME_NAMES, ("price",), QUANTITY_NAMES, SIDE_NAMES)
    ]
    if None in found:
        raise DataError(
            f"{path.name} needs a time, price, quantity, and is_buyer_maker or side; "
            f"it has {', '.join(table.column_names)}"
        )
    time, price, quantity, side = found
    taken = table[side]
    if pa.types.is_boolean(taken.type):
        sold = taken  # the buyer rested, so the taker sold
    else:
        sold = pc.is_in(pc.utf8_lower(pc.cast(taken, pa.string())), pa.array(["sell", "true"]))
    return (
        times_ns(table[time]),
        numbers(table[price], path, "price"),
        numbers(table[quantity], path, "quantity"),
        sold.to_numpy(),
    )
