"""``xache explain``: the order is found in any purse, and what is known of it is shown."""

from __future__ import annotations

import json

import pytest
from xache.v1 import automation_pb2, strategy_pb2, types_pb2

from tests.clients.command import Run, runner
from tests.clients.house import EMAIL, NOW_NS, PASSWORD, House


@pytest.fixture
def signed_in(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("XACHE_PASSWORD", PASSWORD)
    run = runner(house, capsys)
    assert run("login", EMAIL).code == 0
    return run


ORDER = types_pb2.Order(
    order_id="7",
    client_order_id=f"{'0a' * 8}-1",
    subaccount="bot",
    symbol="BTC-USDT",
    side=types_pb2.SIDE_BUY,
    type=types_pb2.ORDER_TYPE_MARKET,
    time_in_force=types_pb2.TIME_IN_FORCE_IOC,
    quantity="0.001",
    quote_quantity="50",
    status=types_pb2.ORDER_STATUS_FILLED,
    leaves_quantity="0",
    prevented_quantity="0",
    accepted_at_ns=NOW_NS,
)


def explained() -> strategy_pb2.ExplainOrderResponse:
    """By a strategy that asked a model."""
    return strategy_pb2.ExplainOrderResponse(
        order=ORDER,
        origin=strategy_pb2.ORDER_ORIGIN_STRATEGY,
        summary="your strategy 'dip' placed it: the edge is worth it",
        reason_state=strategy_pb2.REASON_STATE_KEPT,
        run=strategy_pb2.StrategyRun(
            run_id="0a" * 8,
            strategy="dip",
            plugin="buy_the_dip",
            distribution="xache-strategy-dip",
            version="1.2",
            plugin_digest="cd" * 32,
            settings_digest="ef" * 32,
            settings_json=json.dumps({"fast": 5, "of": ["BTC-USDT"], "model": "m" * 201, "ü": "ä"}),
            started_at_ns=NOW_NS,
        ),
        reason=strategy_pb2.OrderReason(
            rule="the edge is worth it",
            figures=[strategy_pb2.ReasonFigure(name="probability", value=0.62512345)],
            decided_at_ns=NOW_NS,
            input=1_234,
            seen=[
                strategy_pb2.MarketDataSeen(
                    symbol="BTC-USDT", venue="BINANCE", kind=strategy_pb2.SEEN_KIND_CANDLES,
                    interval_s=60, at_ns=NOW_NS,
                )
            ],
            signals=[
                strategy_pb2.SignalHeard(
                    signal="trend", name="up", value=0.25, confidence=0.5, as_of_ns=NOW_NS,
                    expires_at_ns=NOW_NS,
                )
            ],
            model=strategy_pb2.ModelReason(
                digest="ab" * 32,
                score=0.5,
                base=-0.25,
                weights=[
                    strategy_pb2.FeatureWeight(feature="return:1", value=-0.02, added=0.625),
                    strategy_pb2.FeatureWeight(feature="ETH-USDT/return:1", added=0.0),
                ],
            ),
        ),
    )  # fmt: skip


def test_an_order_is_explained(house: House, signed_in: Run) -> None:
    house.answers["ExplainOrder"] = explained()
    shown = signed_in("explain", "7", "--subaccount", "bot").out.splitlines()
    assert shown[0] == "your strategy 'dip' placed it: the edge is worth it"
    assert shown[1].startswith("filled  buy BTC for 50 USDT")
    text = [" ".join(line.split()) for line in shown]
    for line in (
        "strategy dip",
        f"plugin buy_the_dip of xache-strategy-dip 1.2 sha256 {'cd' * 8}",
        f"settings sha256 {'ef' * 8}",
        "fast = 5",
        'of = ["BTC-USDT"]',
        f"model = {'m' * 200}… (201 characters, all of them with --json)",
        "ü = ä",
        f"run {'0a' * 8} since 2026-11-22 15:06:40 UTC",
        "decided 2026-11-22 15:06:40 UTC, 1,234 messages into the run",
        "had seen candles of 60 s of BTC-USDT at BINANCE up to 2026-11-22 15:06:40 UTC",
        (
            "signal trend up 0.25, confidence 0.5, as of 2026-11-22 15:06:40 UTC, "
            "until 2026-11-22 15:06:40"
        ),
        "probability 0.625123",
        f"model {'ab' * 8}",
        "return:1 -0.02 +0.6250",
        "ETH-USDT/return:1 missing +0.0000",
        "all others +0.1250",
        "nothing known -0.2500",
        "score +0.5000",
    ):
        assert line in text


@pytest.mark.parametrize(
    ("settings_json", "line"),
    [("", "not known: the run began before they were kept"), ("{}", "none given")],
)
def test_settings_that_are_not_there_are_said_not_to_be(
    house: House, signed_in: Run, settings_json: str, line: str
) -> None:
    answer = explained()
    answer.run.settings_json = settings_json
    house.answers["ExplainOrder"] = answer
    shown = signed_in("explain", "7", "--subaccount", "bot").out.splitlines()
    assert line in [each.strip() for each in shown]


def test_it_is_looked_for_in_every_purse(house: House, signed_in: Run) -> None:
    house.answers["ExplainOrder"] = explained()
    told = json.loads(signed_in("explain", "--id", "mine", "--json").out)
    assert told["summary"] == "your strategy 'dip' placed it: the edge is worth it"
    asked = [each for each in house.requests if isinstance(each, strategy_pb2.ExplainOrderRequest)]
    assert [(each.subaccount, each.client_order_id) for each in asked] == [
        ("", "mine"),
        ("bot", "mine"),
    ]


def test_the_newest_order_is_meant_when_none_is_named(house: House, signed_in: Run) -> None:
    house.answers["ExplainOrder"] = explained()
    assert signed_in("explain", "--subaccount", "bot").out.startswith("your strategy 'dip'")
    asked = house.requests[-2:]
    named = [each for each in asked if isinstance(each, strategy_pb2.ExplainOrderRequest)]
    assert [each.order_id for each in named] == ["6"]


def test_nobody_s_order_is_not_found(house: House, signed_in: Run) -> None:
    told = signed_in("explain", "7", "--subaccount", "main")
    assert told.code == 1
    assert "no such order was ever accepted" in told.err


def test_a_rule_s_order_shows_what_the_rule_saw(house: House, signed_in: Run) -> None:
    firing = automation_pb2.Firing(
        number=3,
        decided_at_ns=NOW_NS,
        explanation="it was Monday",
        facts=[automation_pb2.Fact(name="due", value="Monday, 9:00")],
    )
    house.answers["ExplainOrder"] = strategy_pb2.ExplainOrderResponse(
        order=ORDER,
        origin=strategy_pb2.ORDER_ORIGIN_RULE,
        summary="your rule 'weekly' placed it: it was Monday",
        rule=strategy_pb2.RuleOrder(rule_id="00" * 8, name="weekly", firing=firing),
    )
    shown = signed_in("explain", "7").out
    text = [" ".join(line.split()) for line in shown.splitlines()]
    assert "rule weekly firing 3" in text
    assert "due Monday, 9:00" in text
    assert "model" not in shown


def test_strategies_that_the_house_runs_are_listed_apart(house: House, signed_in: Run) -> None:
    ran = signed_in("strategy", "list")
    assert "None of your own" in ran.err
    assert ran.out == ""
    house.answers["ListStrategies"] = strategy_pb2.ListStrategiesResponse(
        operated=[
            strategy_pb2.OperatedStrategy(
                name="crosses", plugin="sma", subaccount="bot", ready=True, last_note="waits"
            )
        ]
    )
    ran = signed_in("strategy", "list")
    assert ran.out.splitlines()[1].split() == ["crosses", "sma", "all", "bot", "running", "waits"]
    (told,) = signed_in("strategy", "list", "--json").document["operated"]
    assert told["name"] == "crosses"
