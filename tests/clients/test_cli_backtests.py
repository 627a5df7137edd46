"""Backtests of the house at the terminal: a shipped strategy, real candles, a real daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from xache_sdk.landlock import landlock_abi

from tests.clients.real_house import Join, Person, RealHouse, joining, real_house
from xached.adapters.distributions import Distributions
from xached.domain.capabilities import UNBOUNDED
from xached.domain.plugins import Approval, LookAhead
from xached.research.history.history_store import HistoryStore
from xached.research.sample import sample_histories
from xached.security.keys import Purpose, read_master_key
from xached.storage.directory import DataPaths
from xached.storage.plugin_approvals import write_approval

pytestmark = [
    pytest.mark.xdist_group("cli_backtests"),
    pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock"),
]

SMA = ("sma", "--data", "btc", "--set", "symbol=BTC-USDT", "--set", "venue=BINANCE",
       "--set", "interval=5m", "--set", "notional=1000")  # fmt: skip
"""Of the shipped strategy, but for its lengths."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHouse]:
    root = tmp_path_factory.mktemp("house")
    candles, origin = sample_histories()[0]
    HistoryStore(root / "data" / "histories").add("btc", candles.rows(0, 25_000), origin)
    with real_house(root) as house:
        approve(DataPaths(root / "data"))
        yield house


def approve(paths: DataPaths) -> None:
    """Approve the strategy as an operator does."""
    source = Distributions()
    (plugin,) = (each for each in source.find() if each.name == "sma")
    approval = Approval(
        plugin=plugin,
        files=source.fingerprint(plugin).files,
        capabilities=UNBOUNDED,
        look_ahead=LookAhead.PASSED,
        by="operator",
        at_ns=time.time_ns(),
    )
    key = read_master_key(paths.master_key).derive(Purpose.PLUGIN_APPROVALS)
    connection = apsw.Connection(str(paths.strategies))
    connection.set_busy_timeout(5_000)
    with connection:
        write_approval(connection, approval, key)
    connection.close()


@pytest.fixture
def join(
    house: RealHouse,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Join:
    return joining(house, tmp_path, monkeypatch, capsys)


@pytest.fixture
def person(join: Join) -> Person:
    return join()


def test_a_backtest_is_started_followed_and_read(person: Person, tmp_path: Path) -> None:
    assert "BTC-USDT" in person.done("backtests", "histories")
    page = tmp_path / "report.html"
    told = person.done(
        "backtest", *SMA, "--set", "fast=10,20", "--set", "slow=60", "--train-days", "20",
        "--test-days", "15", "--check", "--capacity", "--html", str(page), "--remote",
    )  # fmt: skip
    assert "finished" in told
    assert "tried on this data 1" in " ".join(told.split())
    assert page.read_text().startswith("<!doctype html>")
    again = person.run(
        "backtest", *SMA, "--set", "fast=10", "--set", "slow=60", "--remote", "--json"
    )
    document = again.document
    assert document["state"] == "BACKTEST_STATE_FINISHED"
    assert document["result"]["trials"] == 2
    report = json.loads(person.done("backtests", "report", document["backtest_id"]))
    assert report["facts"]["Impact"].startswith("1 x volatility")
    assert report["fills_count"] == document["result"]["fills"]
    listed = person.done("backtests", "list")
    assert listed.index(document["backtest_id"]) > 0
    assert len(listed.splitlines()) == 3


def test_another_sees_nothing_of_it(join: Join) -> None:
    one, other = join(), join()
    started = one.run("backtests", "start", *SMA, "--detach", "--json").document
    refused = other.run("backtests", "show", started["backtest_id"])
    assert (refused.code, "UNKNOWN_BACKTEST" in refused.err) == (1, True)
    assert other.run("backtests", "list").err.startswith("None.")
    assert "canceled" in one.done("backtests", "cancel", started["backtest_id"])
    ended = one.run("backtests", "watch", started["backtest_id"])
    assert (ended.code, "by its owner" in ended.out) == (1, True)


def test_what_is_not_approved_or_not_there_is_refused(person: Person) -> None:
    for arguments, reason in (
        (("flow", "--data", "btc"), "UNKNOWN_PLUGIN"),
        (("sma", "--data", "eth"), "UNKNOWN_HISTORY"),
        (("sma", "--data", "btc", "--cash", "0"), "BACKTEST_TERMS"),
    ):
        refused = person.run("backtests", "start", *arguments)
        assert (refused.code, reason in refused.err) == (1, True), refused
    failed = person.run("backtests", "start", "sma", "--data", "btc", "--set", "fast=nine")
    assert failed.code == 1
    assert "failed" in failed.out
