"""Results as Arrow tables, which every data frame library reads, such as by ``to_pandas()``.

Prices, quantities and money are exact decimals; times are UTC.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa

from xached.domain.order import BUY
from xached.research.backtest.result import RunResult

_TIME = pa.timestamp("ns", tz="UTC")


def fills_table(result: RunResult) -> Any:
    """One row a fill: at, symbol, side, price, quantity, notional, fee, maker, order."""
    rows = list(result.fills)
    instruments = [result.instruments[row.line] for row in rows]
    pairs = list(zip(rows, instruments, strict=True))
    return pa.table(
        {
            "at": pa.array([row.at_ns for row in rows], type=_TIME),
            "symbol": [instrument.symbol for instrument in instruments],
            "side": ["BUY" if row.side is BUY else "SELL" for row in rows],
            "price": _decimals([each.format_price(row.price_ticks) for row, each in pairs]),
            "quantity": _decimals([each.format_quantity(row.quantity_lots) for row, each in pairs]),
            "notional": _decimals([each.format_quote(row.notional_units) for row, each in pairs]),
            "fee": _decimals([each.format_quote(row.fee_units) for row, each in pairs]),
            "maker": [row.maker for row in rows],
            "order": [row.order for row in rows],
        }
    )


def equity_table(result: RunResult, *, daily: bool = False) -> Any:
    """What everything was worth in quote, at the end of every candle or UTC day: at, equity."""
    curve = result.curve(daily=daily)
    units = float(10 ** result.instruments[0].quote_scale)
    return pa.table({"at": pa.array(curve.at_ns, type=_TIME), "equity": curve.equity / units})


def _decimals(texts: list[str]) -> Any:
    places = max((len(text.partition(".")[2]) for text in texts), default=0)
    return pa.array([Decimal(text) for text in texts], type=pa.decimal128(38, places))
