"""`xache backtest` as people use it: what it prints, what it refuses, what it records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from xache.cli import main

from tests.research import backtests as tools
from xached.research.history.history_store import HistoryStore

SMA = ("sma", "--set", "symbol=BTC-USDT", "--set", "venue=TEST", "--set", "interval=1m",
       "--set", "notional=50", "--data", "walk")  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A place with one history: a random walk of eight days."""
    HistoryStore(tmp_path / "history").add("walk", tools.walk(1, 8 * 1_440), "made up")
    return tmp_path


def xache(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from xache.cli import main; raise SystemExit(main())", *arguments],
        env={**os.environ, "XACHE_HISTORY": str(home / "history")},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_is_recorded_judged_and_told(home: Path) -> None:
    done = xache(home, "backtest", *SMA, "--set", "fast=5", "--set", "slow=20", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert len(report["fills"]) > 100
    assert report["facts"]["Half spread"] == "0.01 %, every taker pays it"
    assert (home / "trials.db").is_file()
    told = xache(home, "backtest", *SMA, "--set", "fast=6", "--set", "slow=20", "--html", "r.html")
    assert told.returncode == 0, told.stderr
    assert "not enough data: under 60 days" in told.stdout
    assert "<h1>SmaCross" in (home / "r.html").read_text()


def test_several_values_walk_forward(home: Path) -> None:
    done = xache(home, "backtest", *SMA, "--set", "fast=5,30", "--set", "slow=20,60",
                 "--train-days", "3", "--test-days", "1")  # fmt: skip
    assert done.returncode == 0, done.stderr
    # Fast 30 with slow 20 makes no sense and is left out.
    assert "SmaCross, 3 combinations on BTC-USDT" in done.stdout
    assert done.stdout.count("chose") == 5


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("nobody", "--data", "walk"), "no strategy 'nobody'"),
        (("no:Way", "--data", "walk"), "No module named 'no'"),
        (("sma", "--data", "gone"), "no history 'gone'"),
        (("sma", "--data", "walk", "--set", "fast"), "name=value"),
        ((*SMA, "--set", "fast=9", "--set", "slow=3"), "fast is at least 1 and less than slow"),
        ((*SMA, "--set", "what=9"), "what: no such setting"),
        ((*SMA, "--cash", "0"), "a run begins with money"),
        ((*SMA, "--set", "fast=3,4", "--set", "slow=9"), "too short for one fold"),
        ((*SMA, "--set", "fast=3,4", "--scheduler", "x"), "tcp:// or tls://"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    home: Path,
    arguments: tuple[str, ...],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XACHE_HISTORY", str(home / "history"))
    monkeypatch.setattr(sys, "path", sys.path.copy())
    with pytest.raises(SystemExit) as ended:
        main(["backtest", *arguments])
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert why in told
    assert told.count("\n") == 1


def test_a_strategy_that_looks_ahead_is_refused_with_its_place(home: Path) -> None:
    (home / "cheat.py").write_text(
        "import numpy as np\n"
        "from tests.research.backtests import *\n\n"
        "class Cheat(Cross):\n"
        "    def declare(self, declarations):\n"
        "        candles = Candles(SYMBOL, 'TEST', Interval.M1)\n"
        "        self.fast = self.slow = declarations.column(\n"
        "            candles, step=lambda candle: float(candle.close_ticks),\n"
        "            batch=lambda columns: np.append(columns.close_ticks[1:], 1.0),\n"
        "        )\n"
    )
    done = xache(home, "backtest", "cheat:Cheat", "--data", "walk", "--check")
    assert done.returncode == 1
    assert "cheat.py:9" in done.stderr
