"""Trades from files: exact, in order, with the side of whoever took."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from xached.research.backtest.tape import TapeKind
from xached.research.history.candle_set import DataError
from xached.research.history.tape_files import read_trades

DUMP = "7,100.10,0.250,1,1,1700000040000,True,True\n8,100.05,1.000,2,3,1700000039000,False,True\n"


def test_a_dump_and_a_table_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "dump.csv").write_text(DUMP)
    (tmp_path / "own.csv").write_text(
        "ts,symbol,price,qty,side\n"
        "2023-11-14T22:13:59Z,BTC-USDT,100.05,1.000,buy\n"
        "2023-11-14T22:14:00Z,ETH-USDT,9.5,1,buy\n"
        "2023-11-14T22:14:00Z,BTCUSDT,100.10,0.250,Sell\n"
    )
    for name in ("dump.csv", "own.csv"):
        tape = read_trades([tmp_path / name], symbol="BTC-USDT", venue="BINANCE")
        assert (tape.tick_size, tape.lot_size) == (Decimal("0.01"), Decimal("0.01"))
        assert tape.at_ns.tolist() == [1_700_000_039_000_000_000, 1_700_000_040_000_000_000]
        assert tape.kind.tolist() == [TapeKind.BOUGHT, TapeKind.SOLD]
        assert tape.price_ticks.tolist() == [10_005, 10_010]
        assert tape.quantity_lots.tolist() == [100, 25]


def test_a_file_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("ts,price\n1,2\n")
    with pytest.raises(DataError, match="needs a time, price, quantity"):
        read_trades([tmp_path / "a.csv"], symbol="BTC-USDT", venue="X")


def test_recorded_trades_of_an_hour_are_read_exactly() -> None:
    root = os.environ.get("XACHE_DATA")
    if root is None:
        pytest.skip("XACHE_DATA does not say where recorded data is")
    path = Path(root) / "trades" / "binance_spot_aggtrades_2020-11-01T09.parquet"
    tape = read_trades([path], symbol="BTC-USDT", venue="BINANCE")
    assert len(tape) == 18_054
    assert (tape.tick_size, tape.lot_size) == (Decimal("0.01"), Decimal("0.000001"))
