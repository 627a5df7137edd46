"""`xache backtest` with models: of the registry as of each candle, or trained while it runs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from xache.cli import main

from tests.research.learning import learned, market
from xached.research.history.history_store import HistoryStore
from xached.research.judgement.trials import TrialLedger
from xached.research.models.registry import ModelRegistry

HOUR_NS = 3_600_000_000_000
RUN = ("backtest", "lightgbm", "--data", "hours", "--set", "symbol=BTC-USDT", "--set", "venue=TEST",
       "--set", "budget=5000", "--fee-ppm", "100", "--half-spread-ppm", "50",
       "--slippage-ppm", "50")  # fmt: skip
RETRAIN = ("--retrain", "0 3 * * sun", "--model-interval", "1h", "--horizon", "6",
           "--train-days", "120")  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with hours that come back to their mean, and no model."""
    monkeypatch.setenv("XACHE_HISTORY", str(tmp_path / "history"))
    monkeypatch.setenv("XACHE_MODELS", str(tmp_path / "models"))
    HistoryStore(tmp_path / "history").add("hours", market(1, 4_100, 0.3), "made up")
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Run the command and read its JSON."""
    main([*arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run the command and read why it does not."""
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert ended.value.code == 1
    return capsys.readouterr().err


def keep(home: Path, *known_at_hours: int) -> list[str]:
    """Register the model as if it had been trained at some hours of the history."""
    registry = ModelRegistry(home / "models")
    model = learned()[2].model
    return [
        registry.register(
            "hours",
            dataclasses.replace(model, labels_end_ns=at * HOUR_NS, registered_at_ns=at * HOUR_NS),
            fingerprint="f",
            metrics={},
        ).digest
        for at in known_at_hours
    ]


def test_models_of_the_registry_are_asked_as_of_each_candle(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Checked by asking the newest of all: it bought from the first candle on."""
    keep(home, 2_000, 3_000, 9_000)
    report = told(capsys, *RUN, "--model", "hours", "--check")
    assert min(each["at_ns"] for each in report["fills"]) >= 2_000 * HOUR_NS
    keep(home, 8_000)
    assert told(capsys, *RUN, "--model", "hours")["fills"] == report["fills"]
    later = refused(capsys, *RUN, "--model", "hours", "--until", "1970-03-01")
    assert "no model hours was known before the end of the run" in later


def test_one_model_is_not_asked_about_what_it_knows(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (digest,) = keep(home, 2_000)
    why = refused(capsys, *RUN, "--model", digest[:10])
    assert "cannot be asked about" in why
    after = ("--model", digest[:10], "--from", "1970-03-26")
    assert told(capsys, *RUN, *after)["fills"]


def test_a_run_trains_as_the_house_would_have(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = told(capsys, *RUN, *RETRAIN)
    training = report["training"]
    assert len(training) == 7
    assert training[0]["replaced"]
    assert all(each["outcome"] for each in training)
    if report["fills"]:
        assert min(each["at_ns"] for each in report["fills"]) > training[0]["at_ns"]
    # Every candidate is a trial, and so is the run.
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == len(training) + 1
    assert told(capsys, *RUN, *RETRAIN) == report
    with TrialLedger(home / "trials.db") as ledger:
        assert ledger.head().count == len(training) + 1, "the same again is no new trial"
    main([*RUN, *RETRAIN])
    shown = capsys.readouterr().out
    assert "trained 7 times" in shown
    assert "taken: the first model of its name" in shown
    assert "leaf_value" not in shown


def test_on_the_shipped_candles_nothing_is_learned_that_may_trade(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What README says of it."""
    main(["data", "sample"])
    capsys.readouterr()
    report = told(
        capsys, "backtest", "lightgbm", "--data", "BTC-USDT-BINANCE-5m", "--data",
        "ETH-USDT-BINANCE-5m", "--set", "symbol=BTC-USDT", "--set", "venue=BINANCE", "--set",
        "budget=10000", "--retrain", "0 3 * * sun", "--train-days", "90", "--from", "2024-04-15",
    )  # fmt: skip
    taken = [each["replaced"] for each in report["training"]]
    assert (len(taken), sum(taken)) == (20, 1)
    assert report["fills"] == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--model", "nobody"), "0 models begin with 'nobody'"),
        (("--model", "a", "--retrain", "0 3 * * sun"), "not both"),
        (("--retrain", "weekly"), "a schedule is"),
        (("--retrain", "0 3 1 1 *", *RETRAIN[2:]), "due 0 times in the run"),
        (("--retrain", "0 3 * * sun", "--model-interval", "15m"), "do not make whole ones of 15m"),
        ((*RETRAIN, "--set", "symbol=ETH-USDT"), "there is no history of ETH-USDT"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], why: str
) -> None:
    assert why in refused(capsys, *RUN, *arguments)
