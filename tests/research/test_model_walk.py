"""Models are trained over and over and traded on what came later; the command says so honestly."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xache_sdk.market import Interval
from xache_sdk.models import read_model
from xache_sdk.settings import make_settings
from xache_strategy_lightgbm.strategy import Settings, SignalTrader

from tests.research.backtests import walk as random_walk
from tests.research.learning import TERMS, market
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.history.history_store import HistoryStore
from xached.research.judgement.trials import TrialLedger
from xached.research.models.model import training_data
from xached.research.models.model_command import model
from xached.research.models.model_walk import (
    TradeTerms,
    Walk,
    block_rows,
    control_returns,
    holding_curve,
    permuted,
    trade,
    train_walk,
    usual_features,
)
from xached.research.models.resampling import resampled

ROWS = 3_200


def make(given: Mapping[str, Any]) -> SignalTrader:
    """The strategy that trades models."""
    return SignalTrader(make_settings(Settings, dict(given)))


def walked(pull: float) -> tuple[CandleSet, Walk]:
    """A market and the models that were trained through it."""
    candles = market(21, ROWS, pull)
    data = training_data(TERMS, candles, {})
    return candles, train_walk(TERMS, data, block_rows(len(data)))


def test_every_model_trades_only_what_came_after_everything_it_knows() -> None:
    _, walk = walked(0.3)
    assert len(walk.folds) == len(walk.models) == 8
    tests = [each.fold.test for each in walk.folds]
    assert all(one[-1] + 1 == other[0] for one, other in itertools.pairwise(tests))
    starts = [each.registered_at_ns + 1 for each in walk.models]
    assert starts[0] == walk.start_ns
    assert all(each.labels_end_ns < each.registered_at_ns for each in walk.models)
    assert starts == sorted(starts)


def test_what_can_be_known_is_earned_and_exchanged_labels_earn_less() -> None:
    candles, walk = walked(0.3)
    cheap = TradeTerms(fee_ppm=100, half_spread_ppm=20, slippage_ppm=20)
    result = trade(walk, make, candles, [], cheap)
    assert result is not None
    assert min(row.at_ns for row in result.fills) >= walk.start_ns
    earned = result.end_units / result.cash_units - 1.0
    data = training_data(TERMS, candles, {})
    controls = control_returns(
        TERMS, data, block_rows(len(data)), range(3), make, candles, [], cheap
    )
    assert earned > 0.02
    assert earned > 2 * max(controls)


def test_holding_is_worth_what_the_market_did_less_the_costs_of_buying() -> None:
    candles, walk = walked(0.3)
    curve = holding_curve(candles, walk, TradeTerms())
    assert curve.equity[0] == 10_000.0
    last, first = (int(np.searchsorted(candles.ends_ns, at)) for at in (walk.end_ns, walk.start_ns))
    change = candles.close_ticks[last] / candles.close_ticks[first]
    assert curve.equity[-1] == pytest.approx(10_000 * change * (1 - 0.0012))


def test_exchanged_labels_are_the_same_ones_elsewhere() -> None:
    data = training_data(TERMS, market(21, ROWS, 0.3), {})
    exchanged = permuted(data, 24, seed=3)
    brought, other = (each.labelled.returns / each.labelled.scales for each in (data, exchanged))
    assert np.allclose(np.sort(brought), np.sort(other), rtol=0, atol=1e-12)
    assert np.mean(np.isclose(brought, other)) < 0.1
    # Neighbours stay neighbours, but for the joints of the blocks.
    following = {(round(a, 9), round(b, 9)) for a, b in itertools.pairwise(brought)}
    kept = [(round(a, 9), round(b, 9)) in following for a, b in itertools.pairwise(other)]
    assert np.mean(kept) > 0.9
    assert exchanged.values is data.values
    again = permuted(data, 24, seed=3)
    assert again.labelled.returns.tobytes() == exchanged.labelled.returns.tobytes()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 90), st.integers(0, 7))
def test_longer_candles_say_what_the_shorter_ones_did(seed: int, count: int, first: int) -> None:
    short = random_walk(seed, count, first=first)
    try:
        long = resampled(short, Interval.M5)
    except DataError:
        assert count < 10
        return
    for row in range(len(long)):
        opened = int(long.open_at_ns[row])
        inside = short.between(opened, opened + Interval.M5.ns)
        assert long.open_ticks[row] == inside.open_ticks[0]
        assert long.close_ticks[row] == inside.close_ticks[-1]
        assert long.high_ticks[row] == inside.high_ticks.max()
        assert long.low_ticks[row] == inside.low_ticks.min()
        assert long.volume_lots[row] == inside.volume_lots.sum()
    assert 0 <= int(short.ends_ns[-1]) - int(long.ends_ns[-1]) < Interval.M5.ns


def test_candles_are_joined_only_to_whole_multiples() -> None:
    hours = market(1, 30, 0.0)
    assert resampled(hours, Interval.H1) is hours
    with pytest.raises(DataError, match="candles of 1h do not make whole ones of 1m"):
        resampled(hours, Interval.M1)
    with pytest.raises(DataError, match="there is no whole candle of 1d"):
        resampled(hours.rows(0, 20), Interval.D1)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the histories of two markets of hours."""
    monkeypatch.setenv("XACHE_HISTORY", str(tmp_path / "history"))
    monkeypatch.setenv("XACHE_MODELS", str(tmp_path / "models"))
    store = HistoryStore(tmp_path / "history")
    store.add("btc", market(21, ROWS, 0.3), "a generator")
    store.add("eth", market(22, ROWS, 0.3, "ETH-USDT"), "a generator")
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Run a command and read the JSON that it prints."""
    model([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


TRAIN = ("train", "btc", "--other", "eth", "--interval", "1h", "--horizon", "6", "--controls", "2")


def test_training_tells_everything_that_belongs_to_a_result(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = told(capsys, *TRAIN)
    sample = document["out_of_sample"]
    assert {"return", "drawdown", "closed_trades", "fees", "sharpe"} <= sample["models"].keys()
    assert {"return", "drawdown"} <= sample["buy_and_hold"].keys()
    assert len(sample["controls"]["returns"]) == 2
    assert 0.0 <= sample["controls"]["as_good"] <= 1.0
    assert len(document["folds"]) == 8
    assert all("log_loss" in each or "not_trained" in each for each in document["folds"])
    assert document["outcome"] == "the first model of its name"
    # Recorded before it was shown: each candidate, and the run over all of them.
    trained = sum("digest" in each for each in document["folds"])
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == trained + 1
    # The same once more is no new trial and no new model.
    again = told(capsys, *TRAIN)
    assert again["out_of_sample"] == sample
    assert again["outcome"].startswith("the same model again")
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == trained + 1
    listed = told(capsys, "list")
    assert [each["name"] for each in listed["models"]] == ["BTC-USDT-1h"]
    assert listed["last_attempts"]["BTC-USDT-1h"]["replaced"] is False


def test_a_model_is_listed_shown_and_given_away(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model([*TRAIN])
    shown = capsys.readouterr().out
    for line in ("out of sample", "buy and hold", "exchanged labels, median of 2", "Sharpe ratio"):
        assert line in shown
    model(["list"])
    assert "last trained" in capsys.readouterr().out
    (entry,) = told(capsys, "list")["models"]
    model(["show", entry["digest"][:8]])
    assert "ETH-USDT/return:4" in capsys.readouterr().out
    model(["export", entry["digest"][:8], str(home / "model.json")])
    assert "written to" in capsys.readouterr().out
    watched = told(capsys, "watch", "btc", "--other", "eth")
    assert watched["digest"] == entry["digest"]
    assert set(watched["watch"]) == {"probabilities", *entry["features"]}
    exported = read_model((home / "model.json").read_text().strip())
    assert exported.digest == entry["digest"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("train", "nothing"), "no history 'nothing'"),
        (("watch", "btc"), "name one model"),
        (("show", "abc"), "0 models begin with 'abc'"),
        (("train", "btc", "--feature", "magic:3", "--interval", "1h"), "no feature 'magic'"),
        (("train", "btc", "--feature", "ETH-USDT/ahead:3", "--interval", "1h"), "needs 1h candles"),
        (("train", "btc", "--interval", "1d"), "every block has rows"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        model([*arguments])
    assert ended.value.code == 1
    assert reason in capsys.readouterr().err


def test_the_usual_features_look_at_every_market() -> None:
    found = usual_features(["ETH-USDT", "SOL-USDT"])
    assert len(set(found)) == len(found)
    assert {each.symbol for each in found} == {"", "ETH-USDT", "SOL-USDT"}
