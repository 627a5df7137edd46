"""Results as tables for notebooks."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from tests.research.backtests import BUY, SELL, Scripted, market, order, run
from xached.research.backtest.tables import equity_table, fills_table

FLAT = (100, 100, 100, 100)


def test_fills_and_worth_are_tables_of_exact_numbers() -> None:
    data = market(FLAT, FLAT, (150, 150, 150, 150), fee_ppm=1_000)
    result = run(Scripted({0: [order("a", BUY, "2")], 1: [order("b", SELL, "0.5")]}), data)
    assert fills_table(result).to_pylist()[1] == {
        "at": datetime(1970, 1, 1, 0, 2, tzinfo=UTC),
        "symbol": "BTC-USDT",
        "side": "SELL",
        "price": Decimal("1.50"),
        "quantity": Decimal("0.5"),
        "notional": Decimal("0.75"),
        "fee": Decimal("0.00075"),
        "maker": False,
        "order": 2,
    }
    worth = equity_table(result)
    assert worth["equity"].to_pylist()[-1] == float(result.end_equity)
    assert len(equity_table(result, daily=True)) == 2
    empty = run(Scripted({}), data)
    assert len(fills_table(empty)) == 0
