"""Frames that others have recorded: real books by the venues' own numbers, and where they break."""

from __future__ import annotations

import gzip
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from xached.domain.recording import RowKind
from xached.research.backtest.tape import TapeKind
from xached.research.history.candle_set import DataError
from xached.research.history.depth_files import read_frames
from xached.research.history.recording_checks import check_recording
from xached.research.history.recordings import read_market, tape_of, write_market

DATA = Path(os.environ.get("XACHE_DATA", "/nonexistent"))
SPOT = DATA / "raw_ws/binance_hftbacktest/spot_btcusdt_20240808.log.gz"
HOUR = DATA / "l2/binance_spot_ETHBTC_2020-11-01"
BYBIT = DATA / "l2/bybit_XRPUSDT_ob500_2024-12-01_first5s.jsonl.gz"

real = pytest.mark.skipif(not SPOT.exists(), reason="needs the recorded frames")


def diff(first: int, last: int, bids: Any = (), asks: Any = (), at_ms: int = 1) -> str:
    data = {"e": "depthUpdate", "E": at_ms, "s": "BTCUSDT", "U": first, "u": last}
    return json.dumps({"stream": "x", "data": {**data, "b": bids, "a": asks}})


def snapshot(last: int) -> str:
    return json.dumps({"lastUpdateId": last, "bids": [["10.00", "1"]], "asks": [["10.50", "2.5"]]})


def frames(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{1_000 + number} {line}\n" for number, line in enumerate(lines)))
    return path


def test_a_snapshot_that_comes_after_newer_frames_makes_no_crossed_book(tmp_path: Path) -> None:
    path = frames(
        tmp_path / "a.log",
        diff(1, 5, [["10.40", "7"]]),
        diff(6, 8, [["10.40", "0"], ["10.10", "3"]]),
        snapshot(6),
        diff(9, 9, [], [["10.50", "0"], ["10.60", "1"]]),
    )
    read = read_frames([path], symbol="BTC-USDT", venue="BINANCE")
    assert (read.tick_size, read.lot_size) == (Decimal("0.1"), Decimal("0.1"))
    assert check_recording(read).crossed == 0
    tape, breaks = tape_of(read)
    levels = zip(
        tape.kind.tolist(), tape.price_ticks.tolist(), tape.quantity_lots.tolist(), strict=True
    )
    assert set(levels) == {
        (TapeKind.BID, 101, 30), (TapeKind.BID, 100, 10), (TapeKind.ASK, 105, 25),
        (TapeKind.ASK, 105, 0), (TapeKind.ASK, 106, 10),
    }  # fmt: skip
    assert not breaks.size


def test_missing_frames_are_a_break(tmp_path: Path) -> None:
    path = frames(tmp_path / "a.log", snapshot(6), diff(7, 8), diff(11, 12, [["10.00", "2"]]))
    read = read_frames([path], symbol="BTC-USDT", venue="BINANCE")
    assert check_recording(read).breaks == 1
    assert read.column("kind").tolist()[-1] == RowKind.RESET


@pytest.mark.parametrize(
    ("line", "why"),
    [("{", "no frame"), ('{"e": "depthUpdate", "s": "BTCUSDT"}', "no frame"), ("[1]", "no frame")],
)
def test_what_is_no_frame_is_refused(tmp_path: Path, line: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        read_frames([frames(tmp_path / "a.log", line)], symbol="BTC-USDT", venue="BINANCE")


def test_another_market_is_nothing(tmp_path: Path) -> None:
    path = frames(tmp_path / "a.log", diff(1, 2, [["1", "1"]]))
    with pytest.raises(DataError, match="nothing of ETH-USDT"):
        read_frames([path], symbol="ETH-USDT", venue="BINANCE")


def test_steps_that_are_named_are_kept_to(tmp_path: Path) -> None:
    path = frames(tmp_path / "a.log", snapshot(1))
    with pytest.raises(DataError, match="no multiple"):
        read_frames([path], symbol="BTC-USDT", venue="BINANCE", lot_size=Decimal(1))


@real
def test_the_real_spot_frames_are_whole_and_never_crossed(tmp_path: Path) -> None:
    """As their source says: no gap; the snapshot comes late; the recorder's clock is behind."""
    few = tmp_path / "few.log.gz"
    with gzip.open(SPOT, "rt") as lines, gzip.open(few, "wt") as taken:
        taken.writelines(line for _, line in zip(range(6_000), lines, strict=False))
    read = read_frames([few], symbol="BTC-USDT", venue="BINANCE")
    report = check_recording(read)
    assert (report.breaks, report.crossed, report.repeated_trades) == (0, 0, 0)
    assert report.trades > 1_000
    assert 1.2e9 < report.ahead_ns_max < 1.3e9
    write_market(read, tmp_path / "market.parquet")
    again = read_market([tmp_path / "market.parquet"])
    assert (again.rows == read.rows).all()
    assert again.tick_size == read.tick_size == Decimal("0.01")


@real
def test_the_hour_of_one_second_frames_follows_its_snapshot() -> None:
    paths = [HOUR / "T09_snapshot.json.gz", HOUR / "T09_updates.jsonl.gz"]
    read = read_frames(paths, symbol="ETH-BTC", venue="BINANCE")
    report = check_recording(read)
    assert (report.breaks, report.crossed) == (0, 0)
    assert report.levels > 10_000
    tape, _ = tape_of(read)
    assert tape.at_ns.item(0) == 1_604_221_202_123_000_000, (
        "the snapshot has the time of what follows"
    )


@real
def test_the_frames_of_bybit_are_whole() -> None:
    read = read_frames([BYBIT], symbol="XRP-USDT", venue="BYBIT")
    report = check_recording(read)
    assert (report.breaks, report.crossed, report.trades) == (0, 0, 0)
    assert report.levels > 1_000
