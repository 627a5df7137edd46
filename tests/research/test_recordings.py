"""Recordings of a house as they are read for research: tapes, candles, checks, the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from array import array
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xache_sdk.market import Interval

from xached.domain.recording import BOOK_LEVELS_MAX, RowKind
from xached.research.backtest.tape import TapeKind
from xached.research.history.candle_set import DataError
from xached.research.history.recording_checks import check_recording
from xached.research.history.recordings import (
    MarketRecording,
    candles_of,
    pack,
    read_log,
    read_market,
    tape_of,
)
from xached.runtime.spool import SpoolDamaged, write_block, write_header

S = 10**9
ABOUT = {
    "format": 1, "kind": "market", "began_at_ns": 1, "symbol": "BTC-USDT", "venue": "BINANCE",
    "provenance": "LIVE", "tick_size": "0.1", "lot_size": "0.001",
}  # fmt: skip

BID, ASK, BOUGHT, SOLD = RowKind.BID, RowKind.ASK, RowKind.BOUGHT, RowKind.SOLD
RESET, LOST = RowKind.RESET, RowKind.LOST


def row(at_s: float, kind: RowKind, price: int = 0, lots: int = 0, trade: int = 0) -> list[int]:
    at_ns = round(at_s * S)
    return [at_ns, at_ns - 5, int(kind), price, lots, trade]


def recording(*rows: list[int]) -> MarketRecording:
    return MarketRecording(
        symbol="BTC-USDT", venue="BINANCE", provenance="LIVE", tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"), rows=np.array(rows, dtype=np.int64).reshape(-1, 6),
    )  # fmt: skip


def spool(path: Path, *rows: list[int], **about: Any) -> Path:
    body = array("q", [value for each in rows for value in each]).tobytes()
    path.write_bytes(write_header({**ABOUT, **about}) + write_block(body))
    return path


def told(read: MarketRecording) -> list[tuple[int, int, int]]:
    tape, _ = tape_of(read)
    return list(
        zip(tape.kind.tolist(), tape.price_ticks.tolist(), tape.quantity_lots.tolist(), strict=True)
    )


def test_a_book_that_begins_anew_moves_no_order_in_it() -> None:
    """Each file begins with the whole book: only what differs is on the tape."""
    read = recording(
        row(1, BID, 10, 5), row(1, ASK, 12, 5), row(1, ASK, 13, 1),
        row(2, RESET, 0, 2), row(2, BID, 10, 5), row(2, ASK, 12, 4),
        row(3, SOLD, 10, 1, 7), row(3, BID, 10, 4),
    )  # fmt: skip
    assert told(read)[3:] == [
        (TapeKind.ASK, 13, 0), (TapeKind.ASK, 12, 4), (TapeKind.SOLD, 10, 1), (TapeKind.BID, 10, 4),
    ]  # fmt: skip
    assert not tape_of(read)[1].size


def test_what_a_whole_book_says_nothing_of_stays() -> None:
    deep = [row(1, BID, 5_000 - price, 1) for price in range(BOOK_LEVELS_MAX + 5)]
    anew = [row(2, BID, 5_000 - price, 1) for price in range(BOOK_LEVELS_MAX)]
    read = recording(*deep, row(2, RESET, 0, BOOK_LEVELS_MAX), *anew)
    assert len(told(read)) == len(deep)


def test_a_lost_book_and_lost_rows_are_breaks() -> None:
    read = recording(
        row(1, BID, 10, 5),
        row(2, RESET),
        row(3, LOST, 0, 40),
        row(4, RESET, 0, 1),
        row(4, BID, 9, 1),
    )
    assert told(read) == [(TapeKind.BID, 10, 5), (TapeKind.BID, 10, 0), (TapeKind.BID, 9, 1)]
    assert tape_of(read)[1].tolist() == [2 * S, 3 * S]
    report = check_recording(read)
    assert (report.lost_rows, report.breaks, report.broken) == (40, 2, False)


def test_candles_are_those_of_the_trades() -> None:
    trades = [(0, 100, 1), (10, 105, 2), (59, 95, 3), (61, 96, 4), (185, 90, 5)]
    rows = [
        row(60 + at, SOLD if lots in (1, 4) else BOUGHT, price, lots, at + 1)
        for at, price, lots in trades
    ]
    rows[0][1] = 60 * S
    candles = candles_of(recording(*rows), Interval.M1)
    assert candles.open_at_ns.tolist() == [60 * S, 120 * S, 240 * S]
    assert candles.open_ticks.tolist() == [100, 96, 90]
    assert candles.high_ticks.tolist() == [105, 96, 90]
    assert candles.low_ticks.tolist() == [95, 96, 90]
    assert candles.close_ticks.tolist() == [95, 96, 90]
    assert candles.volume_lots.tolist() == [6, 4, 5]
    assert candles.extras["bought_lots"].tolist() == [5, 0, 5]


def test_what_is_impossible_is_found() -> None:
    read = recording(
        row(1, BID, 10, 5), row(1, ASK, 11, 5), row(2, BID, 11, 1), row(3, ASK, 11, 0),
        row(3, BOUGHT, 11, 1, 3), row(4, BOUGHT, 11, 1, 3),
    )  # fmt: skip
    report = check_recording(read)
    assert (report.crossed, report.repeated_trades, report.trades) == (1, 1, 2)
    assert report.broken


def test_files_of_one_market_are_joined_in_their_order(tmp_path: Path) -> None:
    late = spool(tmp_path / "b.spool", row(2, BID, 9, 1), began_at_ns=2)
    early = spool(tmp_path / "a.open", row(1, BID, 10, 1))
    assert read_market([late, pack(early)]).column("price_ticks").tolist() == [10, 9]
    other = spool(tmp_path / "c.spool", row(1, BID, 10, 1), symbol="ETH-USDT")
    with pytest.raises(DataError, match="several markets"):
        read_market([late, other])
    with pytest.raises(DataError, match="no log"):
        read_log([late])


@pytest.mark.parametrize("content", [b"", b"\x05\x00", b"\0" * 50, write_block(b"[]")])
def test_what_has_no_header_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.spool"
    path.write_bytes(content)
    with pytest.raises(DataError, match="no header"):
        read_market([path])
    with pytest.raises(SpoolDamaged):
        pack(path)


def test_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="another version"):
        read_market([spool(tmp_path / "a.spool", row(1, BID, 1, 1), format=2)])


def xache(tmp_path: Path, *arguments: str) -> Any:
    environment = {**os.environ, "XACHE_HISTORY": str(tmp_path / "history")}
    command = [sys.executable, "-m", "xache.cli", *arguments]
    program = f"import sys; from xache.cli import main; sys.exit(main({command[3:]!r}))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_command_lists_checks_and_imports_recordings(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    path = spool(
        folder / f"market.BINANCE.BTC-USDT.{60 * S:019d}.spool",
        row(60, BID, 100, 1), row(60, ASK, 102, 1), row(61, BOUGHT, 102, 1, 1),
        row(121, SOLD, 100, 1, 2),
    )  # fmt: skip
    pack(path)
    [listed] = xache(tmp_path, "data", "recordings", str(folder), "--json")
    assert (listed["market"], listed["files"]) == ("BINANCE.BTC-USDT", 1)
    [file] = map(str, folder.iterdir())
    assert xache(tmp_path, "data", "check-recording", file, "--json")["trades"] == 2
    imported = xache(tmp_path, "data", "import", file, "--symbol", "BTC-USDT", "--json")
    assert (imported["candles"], imported["interval"], imported["tick_size"]) == (2, "1m", "0.1")
    assert xache(tmp_path, "data", "check", "BTC-USDT-BINANCE-1m", "--json")["findings"] == {}
