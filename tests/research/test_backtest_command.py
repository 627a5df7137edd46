"""`xache backtest` as people use it: what it prints, what it refuses, what it records."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import attrs
import numpy as np
import pytest
from xache.cli import main
from xache_sdk.market import Interval

from tests.research import backtests as tools
from xached.research.history.history_store import HistoryStore
from xached.research.history.recordings import MarketRecording, read_market, write_market
from xached.research.history.tape_source import read_tape
from xached.research.judgement.trials import TrialLedger

S = 10**9

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


SIGNALLED = """
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.market import Candles, Interval, Side
from xache_sdk.orders import Place
from xache_sdk.signal_source import SignalSource
from xache_sdk.signal_values import Reading
from xache_sdk.strategy import Strategy

CANDLES = Candles("BTC-USDT", "TEST", Interval.M1)


@dataclass(frozen=True)
class Settings:
    above: int = 0


class Rise(SignalSource[Settings]):
    settings_type = Settings

    def subscriptions(self):
        return [CANDLES]

    def on_candle(self, candle):
        rise = candle.close_ticks - candle.open_ticks
        return [Reading(rise)] if rise > self.settings.above else ()


class Buyer(Strategy[Settings]):
    settings_type = Settings

    def uses(self):
        return ["rise"]

    def subscriptions(self):
        return [CANDLES]

    def on_signal(self, value):
        yield Place(id=self.next_id(), symbol="BTC-USDT", side=Side.BUY, quantity=Decimal("0.001"))
"""


def test_signals_are_named_and_count_as_other_trials(home: Path) -> None:
    (home / "mine.py").write_text(SIGNALLED)
    buyer = ("backtest", "mine:Buyer", "--data", "walk", "--json")
    counts = []
    for above in (0, 30):
        rise = f'rise=mine:Rise{{"above": {above}}}'
        done = xache(home, *buyer, "--signal", rise, "--check")
        assert done.returncode == 0, done.stderr
        counts.append(len(json.loads(done.stdout)["fills"]))
    assert counts[0] > counts[1] > 100
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == 2
    missing = xache(home, *buyer)
    assert missing.returncode != 0
    assert "uses the signal 'rise': none is given" in missing.stderr
    for wrong in ("rise=nothing", "rise=mine:Rise{"):
        assert xache(home, *buyer, "--signal", wrong).returncode != 0


CUT = """
import os
import signal
from pathlib import Path

import xached.research.backtest.feed
import xached.research.resumable
from xache_strategy_sma.strategy import SmaCross

xached.research.backtest.feed.BLOCK_ROWS = 500
xached.research.resumable.SAVE_S = 0.0


class Cut(SmaCross):
    told = 0

    def on_start(self, context):
        with Path("started").open("a") as file:
            file.write("*")
        return super().on_start(context)

    def on_candle(self, candle):
        self.told += 1
        cut = Path("cut")
        if cut.exists() and self.told >= int(cut.read_text().split()[0]):
            number = int(cut.read_text().split()[1])
            cut.unlink()
            os.kill(os.getpid(), number)
        return super().on_candle(candle)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_cut_short_goes_on_and_is_the_same(home: Path, number: int) -> None:
    """To the byte of what it prints; what it had done is not done again."""
    (home / "cutting.py").write_text(CUT)
    run = ("backtest", "cutting:Cut", *SMA[1:], "--set", "fast=5", "--set", "slow=20", "--json")
    whole = xache(home, *run, "--resume", "whole.run")
    assert whole.returncode == 0, whole.stderr
    plain = xache(home, *run)
    (home / "started").unlink()
    (home / "cut").write_text(f"7000 {int(number)}")
    cut = xache(home, *run, "--resume", "cut.run")
    assert cut.returncode != 0
    assert (home / "cut.run").is_file()
    for other in (("--fee-ppm", "500"), ("--set", "notional=60")):
        refused = xache(home, *run, *other, "--resume", "cut.run")
        assert refused.returncode != 0
        assert "cut.run is a run of another strategy" in refused.stderr
    resumed = xache(home, *run, "--resume", "cut.run")
    assert resumed.returncode == 0, resumed.stderr
    assert (home / "started").read_text() == "*", "it went on"
    assert resumed.stdout == whole.stdout
    assert json.loads(resumed.stdout)["fills"] == json.loads(plain.stdout)["fills"]
    assert not (home / "cut.run").exists(), "it is over"
    (home / "cut.run").write_bytes(b"anything")
    assert "no saved run" in xache(home, *run, "--resume", "cut.run").stderr


def test_only_a_single_run_over_candles_is_resumed(home: Path) -> None:
    for more in (("--set", "fast=5,8"), ("--sweep",), ("--capacity",)):
        done = xache(home, "backtest", *SMA, "--set", "slow=20", *more, "--resume", "a.run")
        assert done.returncode != 0
        assert "single run over candles" in done.stderr


def test_several_values_walk_forward(home: Path) -> None:
    done = xache(home, "backtest", *SMA, "--set", "fast=5,30", "--set", "slow=20,60",
                 "--train-days", "3", "--test-days", "1")  # fmt: skip
    assert done.returncode == 0, done.stderr
    # Fast 30 with slow 20 makes no sense and is left out.
    assert "SmaCross, 3 combinations on BTC-USDT" in done.stdout
    assert done.stdout.count("chose") == 5


def test_larger_orders_pay_more_and_are_no_trials(home: Path) -> None:
    """The random walk earns nothing: what larger orders cost shows in their returns."""
    one = ("--set", "fast=5", "--set", "slow=20", "--capacity", "--json")
    done = xache(home, "backtest", *SMA, *one)
    assert done.returncode == 0, done.stderr
    points = json.loads(done.stdout)["capacity"]["points"]
    assert [point["size"] for point in points] == [1, 10, 100]
    returns = [point["performance"]["time_weighted_return"] for point in points]
    assert returns[0] > returns[1] > returns[2]
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == 1
    walked = xache(home, "backtest", "sma", *SMA[1:], "--set", "fast=5,30", "--set", "slow=60",
                   "--train-days", "3", "--test-days", "1", "--capacity")  # fmt: skip
    assert walked.returncode == 0, walked.stderr
    assert "at 10 x" in walked.stdout


def test_a_sweep_shows_every_combination_and_counts_each(home: Path) -> None:
    grid = ("--set", "fast=3,5,8,12", "--set", "slow=20,40,60", "--sweep")
    here = xache(home, "backtest", *SMA, *grid, "--html", "s.html", "--json")
    assert here.returncode == 0, here.stderr
    found = json.loads(here.stdout)["sweep"]
    assert len(found["combinations"]) == 12
    assert "<h2>Settings tried" in (home / "s.html").read_text()
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == 12
    # The same in processes of their own, and shown again it is no new trial.
    there = xache(home, "backtest", *SMA, *grid, "--processes", "2")
    assert there.returncode == 0, there.stderr
    assert "whether the best is so by luck: not enough data: 12 combinations" in there.stdout
    best = found["combinations"][found["best"]]
    assert f"fast={best['settings']['fast']} slow={best['settings']['slow']}" in there.stdout
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == 12


def test_a_sweep_of_enough_days_says_what_choosing_was_worth(home: Path) -> None:
    hours = tools.walk(1, 90 * 24, interval=Interval.H1)
    HistoryStore(home / "history").add("hours", hours, "made up")
    done = xache(home, "backtest", *SMA[:-2], "--data", "hours", "--set", "interval=1h",
                 "--set", "fast=3,5", "--set", "slow=9,20", "--sweep")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(r"chosen on other days, 7 ways through: .*, \d of 7 lost", done.stdout)
    assert re.search(r"record to convince +(no length would do|[\d,]+ days)", done.stdout)


FLOW = ("backtest", "flow", "--set", "symbol=BTC-USDT", "--set", "venue=BINANCE", "--json",
        "--set", "scale=0.1", "--tape")  # fmt: skip


@pytest.fixture
def recordings(home: Path) -> Path:
    """What a house would have recorded: a book around 100, and trades up and down in it."""
    chance, folder = random.Random(3), home / "recordings"
    folder.mkdir()
    rows: list[tuple[int, ...]] = []
    for number in range(3_000):
        at_ns, middle = 1_700_000_000 * S + number * S // 10, 10_000 + chance.randint(-20, 20)
        for kind, price in ((0, middle - 5), (1, middle + 5)):
            rows.append((at_ns, at_ns, kind, price, 500, 0))
        bought = chance.random() < 0.5
        price, lots = middle + (5 if bought else -5), chance.randint(10, 100)
        rows.append((at_ns, at_ns, 2 if bought else 3, price, lots, number + 1))
    for part in (rows[:4_500], rows[4_500:]):
        table = np.array(part, dtype=np.int64)
        write_market(
            MarketRecording(
                symbol="BTC-USDT", venue="BINANCE", provenance="LIVE", rows=table,
                tick_size=Decimal("0.01"), lot_size=Decimal("0.001"),
            ),
            folder / f"market.BINANCE.BTC-USDT.{part[0][0]}.parquet",
        )  # fmt: skip
    (folder / "market.BINANCE.BTC-USDT.X.17.parquet").write_bytes(b"another market")
    return folder


def test_what_a_house_recorded_is_run_over_as_it_was(home: Path, recordings: Path) -> None:
    done = xache(home, *FLOW, "recordings", "--market", "BINANCE.BTC-USDT", "--latency-ms", "20")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["facts"]["Latency"] == "20 ms for each order and cancel"
    assert "BINANCE, 9,000 rows, 3,000 trades" in report["facts"]["Tape of BTC-USDT"]
    assert len(report["fills"]) > 100
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == 1
    # The same files by name, and those of their trades only: nothing is there to take.
    files = sorted(str(path) for path in recordings.glob("*17*0.parquet"))
    again = xache(home, *FLOW, files[1], "--tape", files[0], "--latency-ms", "20", "--check")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["fills"] == report["fills"]
    (home / "trades.csv").write_text(
        "ts,price,qty,side\n"
        + "".join(f"{1_700_000_000 + n},100.0{n % 7},1.5,{'buy' if n % 2 else 'sell'}\n"
                  for n in range(200))
    )  # fmt: skip
    bare = xache(home, *FLOW, "trades.csv", "--market", "BINANCE.BTC-USDT")
    assert bare.returncode == 0, bare.stderr
    assert json.loads(bare.stdout)["facts"]["Book of BTC-USDT"].startswith("none")


PAIR = """
from dataclasses import dataclass
from decimal import Decimal

from xache_sdk.market import Side, Trades
from xache_sdk.orders import Place
from xache_sdk.strategy import Strategy


@dataclass(frozen=True)
class Settings:
    every: int = 49


class Pair(Strategy[Settings]):
    settings_type = Settings
    seen = 0

    def subscriptions(self):
        return [Trades("BTC-USDT", "BINANCE"), Trades("DOGE-USDT", "XACHE")]

    def on_trade(self, trade):
        self.seen += 1
        if self.seen % self.settings.every == 0:
            other = "DOGE-USDT" if trade.symbol == "BTC-USDT" else "BTC-USDT"
            yield Place(id=self.next_id(), symbol=other, side=Side.BUY, quote_quantity=Decimal(9))
"""


def test_tapes_of_several_markets_are_run_over_at_once(home: Path, recordings: Path) -> None:
    """Also where one counts its money in finer units than the other."""
    (home / "mine.py").write_text(PAIR)
    (first, *_) = sorted(recordings.glob("market.BINANCE.BTC-USDT.17*0.parquet"))
    doge = attrs.evolve(
        read_market([first]), symbol="DOGE-USDT", venue="XACHE",
        tick_size=Decimal("0.000001"), lot_size=Decimal("0.0001"),
    )  # fmt: skip
    write_market(doge, recordings / "market.XACHE.DOGE-USDT.1700000000000000000.parquet")
    named = ("BINANCE.BTC-USDT=recordings", "XACHE.DOGE-USDT=recordings")
    unnamed = [str(path) for path in sorted(recordings.glob("*17*0.parquet"))]
    reports = []
    for tapes in (named, unnamed):
        told = [text for each in tapes for text in ("--tape", each)]
        done = xache(home, "backtest", "mine:Pair", *told, "--check", "--json")
        assert done.returncode == 0, done.stderr
        reports.append(json.loads(done.stdout))
    assert reports[0]["fills"] == reports[1]["fills"]
    facts, fills = reports[0]["facts"], reports[0]["fills"]
    assert "XACHE, 4,500 rows, 1,500 trades" in facts["Tape of DOGE-USDT"]
    assert "BINANCE, 9,000 rows, 3,000 trades" in facts["Tape of BTC-USDT"]
    assert {each["instrument"] for each in fills} == {0, 1}


def test_a_part_of_a_tape_reads_the_files_of_that_time(recordings: Path) -> None:
    second = 1_700_000_150 * S
    later = read_tape([recordings], "BINANCE.BTC-USDT", second + 10 * S)
    assert later.tape.at_ns[0] == second
    sooner = read_tape([recordings], "BINANCE.BTC-USDT", None, second)
    assert (len(sooner.tape), sooner.tape.at_ns[-1] < second) == (4_500, True)


def test_candles_are_made_of_a_tape_for_who_wants_them(home: Path, recordings: Path) -> None:
    settings = ("symbol=BTC-USDT", "venue=BINANCE", "interval=1s", "notional=50", "slow=20")
    told = [text for each in settings for text in ("--set", each)]
    swept = xache(home, "backtest", "sma", *told, "--set", "fast=3,5", "--tape", "recordings",
                  "--market", "BINANCE.BTC-USDT", "--sweep", "--json")  # fmt: skip
    assert swept.returncode == 0, swept.stderr
    report = json.loads(swept.stdout)
    assert len(report["sweep"]["combinations"]) == 2
    assert report["fills"], "it buys by quote amount"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("nobody", "--data", "walk"), "no strategy 'nobody'"),
        (("no:Way", "--data", "walk"), "No module named 'no'"),
        (("sma", "--data", "gone"), "no history 'gone'"),
        (("sma",), "--data, or a tape with --tape"),
        (("sma", "--data", "walk", "--tape", "x.csv"), "--data, or a tape with --tape"),
        (("flow", "--tape", "x.csv"), "market as VENUE.SYMBOL"),
        (("flow", "--tape", "/", "--market", "A.B-C"), "nothing of A.B-C is recorded there"),
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


def test_who_looks_ahead_at_one_value_only_is_refused_too(home: Path) -> None:
    """Checked with the first combination only: it passed."""
    (home / "sly.py").write_text(
        "import numpy as np\n"
        "from tests.research.backtests import *\n\n"
        "class Sly(Cross):\n"
        "    def declare(self, declarations):\n"
        "        candles = Candles(SYMBOL, 'TEST', Interval.M1)\n"
        "        cut = 1 if self.settings.fast == 3 else 0\n"
        "        self.fast = self.slow = declarations.column(\n"
        "            candles, step=lambda candle: float(candle.close_ticks),\n"
        "            batch=lambda columns: np.append(columns.close_ticks[cut:], [1.0] * cut),\n"
        "        )\n"
    )
    done = xache(home, "backtest", "sly:Sly", "--data", "walk", "--check", "--sweep",
                 "--set", "fast=1,2,3", "--set", "slow=9")  # fmt: skip
    assert done.returncode == 1
    assert "sly.py:10" in done.stderr
