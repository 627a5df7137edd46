"""Rules of one's own at the terminal, against a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.real_house import Join, Person, RealHouse, joining, real_house

pytestmark = pytest.mark.xdist_group("cli_rules")


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


def test_a_rule_is_made_armed_paused_and_ended(person: Person) -> None:
    weekly = ("weekly", "--cron", "0 9 * * mon", "--buy", "btc-usdt", "--quote", "50")
    told = person.run("rule", "add", *weekly, "--id", "w1")
    assert (told.code, "draft" in told.out) == (0, True)
    assert "xache rule arm weekly" in told.err
    again = person.done("rule", "add", *weekly, "--id", "w1")
    assert again == told.out, "the same request made it once"
    early = person.run("rule", "arm", "weekly")
    assert (early.code, "RULE_STATE" in early.err) == (1, True), "nobody has seen what it does"
    assert person.run("rule", "rehearse", "weekly").err.startswith("There are no candles")
    armed = person.done("rule", "arm", "weekly", "--unrehearsed")
    assert "armed" in armed
    assert "due next" in armed
    assert 'cron "0 9 * * mon"' in person.done("rule", "list")
    assert "buy for 50 in BTC-USDT" in person.done("rule", "list")
    assert person.run("rule", "firings", "weekly").err == "It has not fired yet.\n"
    assert "its owner paused it" in person.done("rule", "pause", "weekly")
    assert "ended" in person.done("rule", "end", "weekly")
    assert person.run("rule", "list").err.startswith("None.")
    assert "weekly" in person.done("rule", "list", "--all")
    refused = person.run("rule", "arm", "weekly")
    assert (refused.code, "RULE_STATE" in refused.err) == (1, True)


def test_bounds_are_shown_as_they_were_given(person: Person) -> None:
    options = ("--awake", "mon-fri 08:00-16:00", "--times", "3", "--catch-up", "--arm")
    order = ("--sell", "BTC-USDT", "--share", "12.5%")
    told = person.done("rule", "add", "a b", "--every", "1h", *order, *options)
    assert "every 3600 s, catching up, mon tue wed thu fri 08:00-16:00, 3 times" in told
    assert "sell 12.5 % of what is free in BTC-USDT" in told
    shown = person.run("rule", "show", "a b", "--json").document
    assert shown["terms"]["order"]["share_ppm"] == 125_000
    assert shown["state"] == "RULE_STATE_ARMED"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            (
                "--indicator",
                "rsi",
                "--set",
                "window=7",
                "--below",
                "30",
                "--of",
                "BTC-USDT",
                "--interval",
                "15m",
                "--buy",
                "BTC-USDT",
                "--quote",
                "50",
            ),
            ("rsi(window=7) of BTC-USDT falls to 30",),
        ),
        (
            ("--above", "70000", "--of", "btc-usdt", "--sell", "BTC-USDT", "-q", "0.1"),
            ("BTC-USDT rises to 70000.0", "sell 0.1 in BTC-USDT"),
        ),
        (
            ("--below", "40000", "--of", "BTC-USDT", "--cooldown", "1h", "--stop-all"),
            ("BTC-USDT falls to 40000.0", "then rests 3600 s", "stop everything"),
        ),
        (
            ("--gains", "5%,10%", "--of", "BTC-USDT", "--sell-shares", "50%,50%"),
            ("BTC-USDT gains 5 %, 10 %", "sell 50 %, 50 % of the position"),
        ),
        (
            ("--drawdown", "12.5%", "--sell-all"),
            ("a loss of 12.5 % in USDT", "stop everything and sell"),
        ),
        (
            ("--every", "1d", "--weights", "BTC-USDT=60%", "--drift", "5%"),
            ("bring back to BTC-USDT 60 % when off by 5 %",),
        ),
    ],
)
def test_every_kind_of_rule_is_made(
    person: Person, options: tuple[str, ...], told: tuple[str, ...]
) -> None:
    shown = person.done("rule", "add", "x", *options, "--arm")
    assert "armed" in shown
    for text in told:
        assert text in shown


def test_what_makes_no_rule_is_said(person: Person) -> None:
    buy = ("--buy", "BTC-USDT", "--quote", "50")
    assert person.run("rule", "add", "x", *buy).code == 2
    assert person.run("rule", "add", "x", "--every", "1h").code == 2
    assert person.run("rule", "add", "x", "--every", "1h", "--awake", "tea time", *buy).code == 2
    assert person.run("rule", "show", "nothing").code == 2
    assert person.run("rule", "add", "x", "--above", "70000", *buy).code == 2
    assert person.run("rule", "add", "x", "--every", "1h", "--stop-all", *buy).code == 2
    assert person.run("rule", "add", "x", "--every", "1h", "--indicator", "rsi", *buy).code == 2
    assert person.run("rule", "add", "x", "--drawdown", "ten", "--stop-all").code == 2
    refused = person.run("rule", "add", "x", "--cron", "0 9 * * 1", *buy)
    assert (refused.code, "RULE_TERMS" in refused.err) == (1, True)


def test_rules_of_others_are_not_there(person: Person, join: Join) -> None:
    add = ("rule", "add", "mine", "--every", "1h", "--buy", "BTC-USDT", "--quote", "50", "--json")
    rule_id = person.run(*add).document["rule_id"]
    other = join()
    for verb in ("show", "arm", "pause", "end", "firings"):
        refused = other.run("rule", verb, rule_id)
        assert (refused.code, "UNKNOWN_RULE" in refused.err) == (1, True)
