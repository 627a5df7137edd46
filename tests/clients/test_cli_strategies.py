"""Strategies of one's own at the terminal, against a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.clients.real_house import Join, Person, RealHouse, joining, real_house
from tests.parity.test_certificates import certificate
from xached.domain.strategy_life import ACKNOWLEDGEMENT
from xached.parity.certificates import keep_certificate
from xached.storage.directory import DataPaths

pytestmark = pytest.mark.xdist_group("cli_strategies")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHouse]:
    with real_house(tmp_path_factory.mktemp("house")) as house:
        yield house


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


CROSS = (
    "cross", "sma", "--symbol", "btc-usdt", "--budget", "1000", "--loss-limit", "100",
    "--settings", '{"symbol": "BTC-USDT", "notional": "250"}',
)  # fmt: skip


def test_a_strategy_is_made_started_paused_and_revoked(person: Person) -> None:
    made = person.run("strategy", "create", *CROSS)
    assert (made.code, "draft" in made.out) == (0, True)
    assert "xache strategy start cross" in made.err
    assert person.done("strategy", "create", *CROSS) == made.out, "the same made it once"
    assert "1000" in person.done("strategy", "list")
    started = person.done("strategy", "start", "cross")
    assert "paper" in started
    shown = person.run("strategy", "show", "cross", "--json").document
    assert shown["stage"] == "STRATEGY_STAGE_PAPER"
    assert shown["wish"] == "STRATEGY_WISH_RUNNING"
    assert shown["deflated_sharpe"] == ""
    refused = person.run("strategy", "live", "cross")
    assert (refused.code, "STRATEGY_GATE" in refused.err) == (1, True)
    assert ACKNOWLEDGEMENT in refused.err.replace("\n", " ")
    # This person has no money: the gate opens, the purse does not.
    poor = person.run("strategy", "live", "cross", "--acknowledge", ACKNOWLEDGEMENT)
    assert (poor.code, "INSUFFICIENT_FUNDS" in poor.err) == (1, True)
    assert "stopped" in person.done("strategy", "show", "cross")
    person.done("strategy", "start", "cross")
    assert "paused" in person.done("strategy", "pause", "cross")
    person.done("strategy", "resume", "cross")
    running = person.run("strategy", "update", "cross", "--budget", "500")
    assert (running.code, "STRATEGY_STATE" in running.err) == (1, True)
    assert "stopped" in person.done("strategy", "stop", "cross")
    person.done("strategy", "update", "cross", "--budget", "500", "--loss-limit", "50")
    updated = person.run("strategy", "show", "cross", "--json").document
    assert (updated["budget"], updated["version"]) == ("500", 2)
    assert updated["paper_days"] == 0
    assert person.run("strategy", "update", "cross").code == 2
    person.done("strategy", "start", "cross")
    assert "stopped" in person.done("strategy", "stop", "cross")
    measured = person.run("strategy", "performance", "cross", "--json").document
    assert [stage["stage"] for stage in measured["stages"]] == ["STRATEGY_STAGE_PAPER"]
    assert "equity" not in person.done("strategy", "performance", "cross")
    assert "equity" in person.done("strategy", "performance", "cross", "--daily")
    assert "revoked" in person.done("strategy", "revoke", "cross")
    assert person.run("strategy", "list").err.startswith("None of your own.")
    assert "cross" in person.done("strategy", "list", "--all")


def test_how_a_strategy_was_judged_is_told(person: Person, house: RealHouse) -> None:
    """Checked: with another name's certificates nothing is told; unsorted, the oldest first."""
    person.done("strategy", "create", *CROSS)
    assert "never judged" in person.run("strategy", "parity", "cross").err
    purse = person.run("strategy", "show", "cross", "--json").document["subaccount"]
    name = f"{purse.removeprefix('paper-')} on paper"
    for day, differs in ((1, True), (2, False)):
        judged = attrs.evolve(certificate(day, differs=differs), strategy=name)
        keep_certificate(judged, DataPaths(house.process.data).certificates)
    told = person.run("strategy", "parity", "cross", "--json").document["certificates"]
    assert [each["holds"] for each in told] == [True, False]
    assert [each["stage"] for each in told] == ["STRATEGY_STAGE_PAPER"] * 2
    assert told[1]["not_replayed"] == {"was amended": "2"}
    assert "0 of 1" in person.done("strategy", "parity", "cross")


def test_what_is_not_ones_own_is_not_there(join: Join) -> None:
    owner, other = join(), join()
    owner.done("strategy", "create", *CROSS)
    for verb in (
        "show",
        "start",
        "pause",
        "resume",
        "stop",
        "revoke",
        "live",
        "performance",
        "parity",
    ):
        refused = other.run("strategy", verb, "cross")
        assert (refused.code, "UNKNOWN_STRATEGY" in refused.err) == (1, True), verb
    assert "draft" in owner.done("strategy", "show", "cross")
