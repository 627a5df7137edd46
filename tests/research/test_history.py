"""Histories: exact from any file, whole on disk, honest about what is wrong with them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from xache.cli import main
from xache_sdk.market import Interval
from xache_sdk.signals import UNKNOWN

from xached.research.history.candle_checks import check_candles
from xached.research.history.candle_files import common_step, read_candles, whole_steps
from xached.research.history.candle_set import CandleSet, DataError, make_candle_set
from xached.research.history.history_store import HistoryStore, export_candles
from xached.research.history.sentiment_files import with_sentiment

M = 60_000
ROWS = [
    (1_700_000_040_000, "100.10", "100.50", "100.00", "100.20", "1.250"),
    (1_700_000_100_000, "100.20", "100.20", "99.95", "100.00", "0.000"),
    (1_700_000_220_000, "100.00", "101.00", "100.00", "100.75", "3.000"),
]
CSV = "open_time,open,high,low,close,volume\n" + "".join(
    f"{','.join(map(str, row))}\n" for row in ROWS
)


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def read(*paths: Path, symbol: str = "BTC-USDT", tick: str | None = None) -> CandleSet:
    tick_size = None if tick is None else Decimal(tick)
    return read_candles(
        paths, symbol=symbol, venue="BINANCE", interval=Interval.M1, tick_size=tick_size
    ).candles


def candle_set(*closes: int, volume: int = 1, every_ns: int = 60_000_000_000) -> CandleSet:
    """Candles of one price each."""
    close = np.array(closes, np.int64)
    at_ns = np.arange(len(closes), dtype=np.int64) * every_ns
    return make_candle_set(
        symbol="BTC-USDT",
        venue="TEST",
        interval=Interval.M1,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        columns=(at_ns, close, close.copy(), close.copy(), close.copy(), close * 0 + volume),
    )


def test_prices_become_whole_ticks_of_the_coarsest_step_that_fits(tmp_path: Path) -> None:
    candles = read(write(tmp_path / "a.csv", CSV))
    assert candles.tick_size == Decimal("0.01")
    assert candles.lot_size == Decimal("0.01")
    assert candles.open_ticks.tolist() == [10_010, 10_020, 10_000]
    assert candles.low_ticks.tolist() == [10_000, 9_995, 10_000]
    assert candles.volume_lots.tolist() == [125, 0, 300]
    assert candles.open_at_ns.tolist() == [row[0] * 1_000_000 for row in ROWS]
    with pytest.raises(DataError, match=r"low 99\.95 in row 1 is no multiple of 0\.1"):
        read(write(tmp_path / "b.csv", CSV), tick="0.1")


def test_every_kind_of_file_says_the_same(tmp_path: Path) -> None:
    expected = read(write(tmp_path / "a.csv", CSV)).fingerprint
    with gzip.open(tmp_path / "a.csv.gz", "wt") as packed:
        packed.write(CSV)
    table = pa.table(
        {
            "symbol": ["BTCUSDT"] * 3 + ["ETHUSDT"],
            "ts": pa.array([row[0] for row in ROWS] + [0], pa.timestamp("ms", tz="UTC")),
            **{
                name: [float(row[1 + i]) for row in ROWS] + [1.0]
                for i, name in enumerate(("Open", "High", "Low", "Close", "Volume"))
            },
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    # As Binance publishes them: no header before 2025, times in µs from then on.
    dump = "".join(f"{','.join(map(str, row))},0,0,0,0,0,0\n" for row in ROWS[:2])
    late = ",".join(map(str, (ROWS[2][0] * 1_000, *ROWS[2][1:]))) + ",0,0,0,0,0,0\n"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("BTCUSDT-1m.csv", dump)
    iso = CSV.replace("1700000040000", "2023-11-14T22:14:00Z")
    iso = iso.replace("1700000100000", "2023-11-14T22:15:00Z")
    iso = iso.replace("1700000220000", "2023-11-14T22:17:00Z")
    files = [
        [tmp_path / "a.csv.gz"],
        [tmp_path / "a.parquet"],
        [write(tmp_path / "late.csv", late), tmp_path / "a.zip"],
        [write(tmp_path / "iso.csv", iso)],
    ]
    for paths in files:
        # Binance's dumps know what takers bought too, which the others do not.
        assert attrs.evolve(read(*paths), extras={}).fingerprint == expected, paths


TAKERS = (
    "open_time,open,high,low,close,volume,taker_buy_volume,sentiment\n"
    "1700000040000,1,1,1,1,10,4.5,0.25\n1700000100000,1,1,1,1,2,,\n"
)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_takers_bought_is_kept_and_given_back(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / "a.csv", TAKERS)
    candles = read(path)
    assert candles.extras["bought_lots"].tolist() == [45, UNKNOWN]
    assert candles.extras["sentiment_ppm"].tolist() == [250_000, UNKNOWN]
    assert len(read_candles([path, path], symbol="BTC-USDT", venue="X").candles) == 2
    store = HistoryStore(tmp_path / "store")
    about = store.add("btc", candles, "made")
    assert about == store.about("btc")
    loaded = store.load("btc")
    assert loaded.fingerprint == candles.fingerprint == about.fingerprint
    assert loaded.fingerprint != attrs.evolve(candles, extras={}).fingerprint
    finer = loaded.in_steps(loaded.tick_size, loaded.lot_size / 10)
    assert finer.extras["bought_lots"].tolist() == [450, UNKNOWN]
    export_candles(loaded, tmp_path / f"b{suffix}")
    again = read(tmp_path / f"b{suffix}")
    assert {name: column.tolist() for name, column in again.extras.items()} == {
        name: column.tolist() for name, column in candles.extras.items()
    }
    # A file that does not know it takes the knowledge from all.
    bare = write(tmp_path / "c.csv", CSV.replace("170000", "171000"))
    both = read_candles([path, bare], symbol="BTC-USDT", venue="X", interval=Interval.M1)
    assert both.candles.extras == {}


def test_a_word_counts_from_when_it_was_received_until_it_is_old(tmp_path: Path) -> None:
    """Checked by taking the next word instead of the last: then the first minute knew it."""
    candles = candle_set(1, 1, 1, 1, 1, 1)
    minute = 60
    base_s = int(candles.open_at_ns[0]) // 10**9
    words = write(
        tmp_path / "s.csv",
        f"received_at,sentiment\n{base_s + minute + 1},0.5\n{base_s + 3 * minute},-1\n",
    )
    said = with_sentiment(candles, words, stale_s=2 * minute).extras["sentiment_ppm"]
    assert said.tolist() == [UNKNOWN, 500_000, -1_000_000, -1_000_000, -1_000_000, UNKNOWN]
    for text, why in [
        ("received_at,sentiment\n1,1.5\n", "from -1 to 1"),
        ("received_at,sentiment\n1,\n", "from -1 to 1"),
        ("received_at,mood\n1,1\n", "needs one of sentiment"),
    ]:
        with pytest.raises(DataError, match=why):
            with_sentiment(candles, write(tmp_path / "t.csv", text), stale_s=1)


def test_the_command_gives_a_history_what_was_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XACHE_HISTORY", str(tmp_path / "history"))
    write(tmp_path / "s.csv", "received_at,sentiment\n1700000000,0.5\n")
    HistoryStore(tmp_path / "history").add("btc", read(write(tmp_path / "a.csv", CSV)), "made")
    main(["data", "add-sentiment", "btc", str(tmp_path / "s.csv"), "--to", "btc-said"])
    assert "knows sentiment too" in capsys.readouterr().out
    main(["data", "list", "--json"])
    assert [each["extras"] for each in json.loads(capsys.readouterr().out)] == [
        [], ["sentiment_ppm"],
    ]  # fmt: skip


def test_the_command_makes_candles_of_trades(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XACHE_HISTORY", str(tmp_path / "history"))
    rows = "".join(
        f"{1_700_000_040 + 20 * n},{100 + n % 5},{n + 1},{'buy' if n % 3 else 'sell'}\n"
        for n in range(10)
    )
    write(tmp_path / "t.csv", "ts,price,qty,side\n" + rows)
    main(["data", "import", str(tmp_path / "t.csv"), "--symbol", "BTC-USDT", "--trades"])
    assert "knows taker_buy_volume too" in capsys.readouterr().out
    candles = HistoryStore(tmp_path / "history").load("BTC-USDT-BINANCE-1m")
    # Three trades a minute; the last minute is not over.
    assert candles.volume_lots.tolist() == [6, 15, 24]
    assert candles.extras["bought_lots"].tolist() == [5, 11, 17]
    assert candles.close_ticks.tolist() == [102, 100, 103]


def test_a_row_that_is_there_twice_counts_once_and_a_contradiction_is_refused(
    tmp_path: Path,
) -> None:
    first = write(tmp_path / "a.csv", CSV)
    twice = read_candles([first, first], symbol="BTC-USDT", venue="X")
    assert (len(twice.candles), twice.duplicates) == (3, 3)
    other = write(tmp_path / "b.csv", CSV.replace("100.75", "100.76"))
    with pytest.raises(DataError, match="differ in close"):
        read_candles([first, other], symbol="BTC-USDT", venue="X")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("open_time,open,high,low,close\n1,1,1,1,1\n", "needs a time"),
        (CSV.replace("100.50", ""), "high is empty in 1 rows"),
        (CSV.replace("100.50", "inf"), "not a number"),
        ("open_time,open,high,low,close,volume\n", "no candles of BTC-USDT"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        read(write(tmp_path / "a.csv", text))


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    st.integers(0, 8),
)
def test_text_through_floats_is_exact(ticks: list[int], places: int) -> None:
    """Up to 15 digits a float gives back the decimal that was written."""
    values = np.array([float(Decimal(tick).scaleb(-places)) for tick in ticks])
    step = common_step([values])
    assert step >= Decimal(1).scaleb(-places)
    exact = [Decimal(whole) * step for whole in whole_steps(values, step, "price").tolist()]
    assert exact == [Decimal(tick).scaleb(-places) for tick in ticks]


def test_checks_tell_gaps_impossible_candles_spikes_and_silence() -> None:
    closes = [10_000 + i % 3 for i in range(50)]
    closes[20] = 6_000
    candles = candle_set(*closes)
    at_ns = candles.open_at_ns.copy()
    at_ns[30:] += 120_000_000_000
    at_ns[40] += 7
    high = candles.high_ticks.copy()
    high[5] -= 2
    volume = candles.volume_lots.copy()
    volume[7:9] = 0
    low = candles.low_ticks.copy()
    low[20] = 0
    odd = make_candle_set(
        symbol=candles.symbol,
        venue="TEST",
        interval=Interval.M1,
        tick_size=candles.tick_size,
        lot_size=candles.lot_size,
        columns=(at_ns, candles.open_ticks, high, low, candles.close_ticks, volume),
    )
    report = check_candles(odd)
    found = {finding.name: finding for finding in report.findings}
    assert {name: finding.count for name, finding in found.items()} == {
        "gap": 1,
        "misaligned": 1,
        "bad_range": 1,
        "not_positive": 1,
        "spike": 1,
        "no_volume": 2,
    }
    assert found["spike"].first_at_ns == (20 * 60_000_000_000,)
    assert report.missing_candles == report.longest_gap_candles == 2
    assert report.broken
    assert not check_candles(candle_set(*closes)).broken


def test_a_history_is_read_only_mapped_and_named_by_its_content(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path / "history")
    candles = read(write(tmp_path / "a.csv", CSV))
    about = store.add("btc", candles, "a.csv")
    assert store.add("btc", candles, "again") == about
    loaded = store.load("btc")
    assert loaded.fingerprint == candles.fingerprint == about.fingerprint
    with pytest.raises(ValueError, match="read-only"):
        loaded.open_ticks[0] = 1
    other = candles.rows(0, 2)
    with pytest.raises(DataError, match="holds another history"):
        store.add("btc", other, "b.csv")
    store.add("btc", other, "b.csv", replace=True)
    assert len(store.load("btc")) == 2
    assert loaded.open_ticks.tolist() == candles.open_ticks.tolist()  # the old pages live on
    assert store.names() == ["btc"]
    assert [each.name for each in store.folder.iterdir()] == ["btc"]
    for name in ("../btc", "", ".btc", "x" * 61):
        with pytest.raises(DataError):
            store.add(name, candles, "")
        with pytest.raises(DataError):
            store.load(name)


def test_a_history_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    store = HistoryStore(tmp_path)
    store.add("btc", candle_set(*range(1, 100)), "")
    columns = tmp_path / "btc" / "columns.npy"
    columns.write_bytes(columns.read_bytes()[:-8])
    with pytest.raises(DataError, match="damaged"):
        store.load("btc")


def test_fingerprints_differ_by_content_alone() -> None:
    one = candle_set(1, 2, 3)
    assert one.fingerprint == candle_set(1, 2, 3).fingerprint
    others = [candle_set(1, 2, 4), candle_set(1, 2), candle_set(1, 2, 3, volume=2)]
    assert len({one.fingerprint, *(other.fingerprint for other in others)}) == 4
    assert one.in_steps(Decimal("0.001"), Decimal("0.001")).fingerprint != one.fingerprint


def test_other_steps_are_exact_or_refused() -> None:
    candles = candle_set(1, 20, 30)
    assert candles.in_steps(Decimal("0.005"), Decimal("0.001")).close_ticks.tolist() == [2, 40, 60]
    with pytest.raises(DataError, match="open in row 0"):
        candles.in_steps(Decimal("0.1"), Decimal("0.001"))


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_what_is_exported_reads_back_the_same(tmp_path: Path, suffix: str) -> None:
    candles = read(write(tmp_path / "a.csv", CSV))
    export_candles(candles, tmp_path / f"out{suffix}")
    assert read(tmp_path / f"out{suffix}").fingerprint == candles.fingerprint


def xache(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from xache.cli import main; raise SystemExit(main())", *arguments],
        env={**os.environ, "XACHE_HISTORY": str(tmp_path / "history")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_imports_lists_checks_and_exports(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", CSV.replace("100.50", "100.05"))
    done = xache(tmp_path, "data", "import", str(file), "--symbol", "BTC-USDT")
    assert done.returncode == 0, done.stderr
    assert "BTC-USDT-BINANCE-1m: 3 candles of 1m, 2023-11-14 22:14 to" in done.stdout
    assert "bad_range: 1 ×" in done.stdout
    listed = json.loads(xache(tmp_path, "data", "list", "--json").stdout)
    assert [about["name"] for about in listed] == ["BTC-USDT-BINANCE-1m"]
    assert listed[0]["tick_size"] == "0.01"
    checked = xache(tmp_path, "data", "check", "BTC-USDT-BINANCE-1m", "--json")
    assert checked.returncode == 1
    assert json.loads(checked.stdout)["missing_candles"] == 1
    out = tmp_path / "out.csv"
    assert xache(tmp_path, "data", "export", "BTC-USDT-BINANCE-1m", str(out)).returncode == 0
    assert read(out).fingerprint == listed[0]["fingerprint"]
    missing = xache(tmp_path, "data", "check", "ETH")
    assert missing.returncode == 1
    assert "no history 'ETH'" in missing.stderr


def test_real_files_have_the_faults_their_source_states() -> None:
    """XRPUSD of 2018 on Bitfinex: quiet minutes without a row, and a flash crash."""
    root = os.environ.get("XACHE_DATA")
    if root is None:
        pytest.skip("XACHE_DATA does not say where recorded data is")
    path = Path(root) / "ohlcv" / "bitfinex_spot_1m" / "XRPUSD_1m_2018H1.parquet"
    candles = read_candles([path], symbol="XRP-USD", venue="BITFINEX").candles
    report = check_candles(candles)
    assert (report.candles, report.missing_candles) == (250_265, 10_375)
    assert {finding.name: finding.count for finding in report.findings}["gap"] == 7_621
    assert not report.broken
