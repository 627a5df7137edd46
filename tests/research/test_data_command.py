"""What people give ``xache data``: taken as it is meant, or refused in one line."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from xache.cli import main

from xached.research.history.history_store import HistoryStore

HEAD = "date,open,high,low,close,volume\n"
DAYS = HEAD + "2024-01-01,1,2,0.5,1.5,3\n2024-01-02,1.5,2,1,1,4\n"
TRADES = "ts,price,qty,side\n1700000040,100,1,buy\n1700000100,101,2,sell\n1700000160,101,2,buy\n"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HistoryStore:
    """Where the command keeps what it is given."""
    monkeypatch.setenv("XACHE_HISTORY", str(tmp_path / "history"))
    return HistoryStore(tmp_path / "history")


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def bring(path: Path, *options: str) -> None:
    main(["data", "import", str(path), "--symbol", "BTC-USDT", "--name", "it", *options])


@pytest.mark.parametrize("when", ["2024-01-01", "2024-01-01 00:00", "2024-01-01T00:00:00Z"])
def test_days_are_written_as_people_write_them(
    tmp_path: Path, store: HistoryStore, when: str
) -> None:
    text = DAYS.replace("2024-01-01", when).replace(
        "2024-01-02", when.replace("2024-01-01", "2024-01-02")
    )
    bring(written(tmp_path / "days.csv", text))
    assert store.load("it").open_at_ns.tolist() == [
        1_704_067_200_000_000_000,
        1_704_153_600_000_000_000,
    ]
    assert store.about("it").interval.value == "1d"


def test_an_interval_is_named_as_everywhere(tmp_path: Path, store: HistoryStore) -> None:
    bring(written(tmp_path / "trades.csv", TRADES), "--trades", "--interval", "1m")
    assert store.about("it").interval.value == "1m"
    with pytest.raises(SystemExit) as ended:
        bring(written(tmp_path / "trades.csv", TRADES), "--trades", "--interval", "2m")
    assert ended.value.code == 2


def two_files_in_one() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.csv", DAYS)
        archive.writestr("b.csv", DAYS)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "options", "why"),
    [
        ("a.csv", DAYS.replace("1.5,2", "1.5,much"), [], "a.csv cannot be read: .*'much'"),
        ("a.csv", HEAD + "soon,1,1,1,1,1\nlater,1,1,1,1,1\n", [], "a.csv cannot be read: .*later"),
        ("a.csv", HEAD + "1.5,1,1,1,1,1\n2.5,1,1,1,1,1\n", [], "a time is a timestamp, ISO text"),
        ("a.parquet", DAYS, [], "a.parquet cannot be read"),
        ("a.parquet", DAYS, ["--trades"], "a.parquet cannot be read"),
        ("a.csv", TRADES.replace(",100,", ",dear,"), ["--trades"], "a.csv cannot be read: .*dear"),
        ("a.csv", TRADES.replace(",100,", ",,"), ["--trades"], "price is empty in 1 rows"),
        ("a.zip", two_files_in_one(), [], "a.zip holds 2 files, not one"),
        ("a.csv", DAYS, ["--tick=-0.1"], "a step is more than nothing, not -0.1"),
        ("a.csv", DAYS, ["--tick=nan"], "a step is more than nothing, not NaN"),
        ("a.csv", DAYS, ["--lot=0"], "a step is more than nothing, not 0"),
        (
            "a.csv",
            DAYS + "2024-01-02,1.5,2,1,1.5,4\n",
            [],
            "two candles at 2024-01-02T00:00:00 differ in close",
        ),
    ],
    ids=(
        "price",
        "time",
        "fraction",
        "parquet",
        "tape",
        "trade",
        "no price",
        "zip",
        "below",
        "nan",
        "nothing",
        "two",
    ),
)
def test_what_cannot_be_meant_is_refused_in_one_line(
    tmp_path: Path,
    store: HistoryStore,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: str | bytes,
    options: list[str],
    why: str,
) -> None:
    with pytest.raises(SystemExit) as ended:
        bring(written(tmp_path / name, content), *options)
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("refused: ")
    assert said.count("\n") == 1
    assert re.search(why, said), said
    assert store.names() == []
