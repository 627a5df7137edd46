"""Strategies, backtests and rules in a real browser, against a running demo."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from xache.v1 import automation_pb2, strategy_pb2
from xache_sdk.landlock import landlock_abi

from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.clients.hostile_house import HEADERS, told
from tests.demo import Demo, running_demo
from xached.domain.strategy_life import ACKNOWLEDGEMENT
from xached.research.history.history_store import HistoryStore
from xached.research.sample import sample_histories

if TYPE_CHECKING:
    from playwright.sync_api import Route

__all__ = ("browser", "visit")  # fixtures

PAST = "a-month-of-btc"
PATIENT_MS = 240_000
"""Until a rule's minute comes, or the market gives a strategy a reason to trade."""

pytestmark = [
    pytest.mark.xdist_group("web-strategies"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock"),
]


@pytest.fixture(scope="module", autouse=True)
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo with a history for the whole file; started before the browser."""
    needs_client()
    root = tmp_path_factory.mktemp("web-strategies")
    (root / "data").mkdir(mode=0o700)
    candles, origin = sample_histories()[0]
    HistoryStore(root / "data" / "histories").add(PAST, candles.rows(0, 9_000), origin)
    with running_demo(root) as running:
        yield running


def enter(visit: Visit, demo: Demo, path: str) -> None:
    """Open a page: in a demo one is signed in at once."""
    visit.page.goto(demo.http + path)
    visit.wait_status("live")


def labelled(visit: Visit, label: str) -> Any:
    """A field, a choice or a box by its label."""
    return visit.page.get_by_label(label, exact=True)


def open_plugin(visit: Visit, demo: Demo) -> None:
    """Go to the settings of the shipped strategy, by the catalogue."""
    enter(visit, demo, "/strategies")
    visit.page.get_by_role("link", name="Catalogue").click()
    # It is offered once it was tried, which takes a while after the demo has begun.
    link = visit.page.get_by_role("link", name="sma", exact=True)
    while not link.count():
        visit.page.wait_for_timeout(1_000)
        visit.page.reload()
        visit.page.wait_for_selector("#catalogue", state="attached")
        visit.page.wait_for_timeout(500)
    link.click()
    visit.page.wait_for_url(re.compile("/strategies/catalogue/sma$"))


def draft(visit: Visit, demo: Demo, name: str) -> None:
    """Make a strategy that trades the house's candles of a second, at every turn."""
    open_plugin(visit, demo)
    visit.press("Run it")
    visit.field("fast").fill("1")
    visit.field("slow").fill("2")
    labelled(visit, "symbol").fill("BTC-USDT")
    visit.field("notional").fill("100")
    visit.field("Name").fill(name)
    visit.press("Keep as a draft")
    visit.page.wait_for_url(re.compile(f"/strategies/mine/{name}$"))


def test_what_the_house_runs_in_ones_purses_is_shown_and_explained(
    visit: Visit, demo: Demo
) -> None:
    enter(visit, demo, "/strategies")
    visit.wait_text("#operated-list tr:has-text('paper-lightgbm')", "lightgbm")
    visit.wait_text("#operated-list tr:has-text('sma')", "Running")
    assert "maker" not in visit.text("#operated-list"), "those of the house's own purses"
    visit.check_looks()
    visit.shoot("operated-dark")
    visit.page.get_by_role("link", name="sma", exact=True).click()
    visit.page.wait_for_url(re.compile("/strategies/purse/sma$"))
    visit.page.locator("#strategy-orders tbody tr").first.wait_for(timeout=PATIENT_MS)
    visit.page.get_by_role("button", name=re.compile("^Why was ")).first.click()
    visit.wait_text("#explanation", "xache-strategy-sma")
    visit.wait_text("#settings-then", "BTC-USDT")
    visit.check_looks()
    visit.shoot("explained-dark")
    visit.check_peace(demo.http.removeprefix("http://"))


def test_from_the_catalogue_through_a_backtest_to_an_explained_order(
    visit: Visit, demo: Demo
) -> None:
    open_plugin(visit, demo)
    labelled(visit, "symbol").fill("BTC-USDT")
    visit.field("notional").fill("1000")
    visit.page.get_by_label(re.compile(PAST)).check()
    visit.wait_text(".notice.warn", "venue BINANCE, interval 5m")
    visit.press("Take these settings")
    assert labelled(visit, "venue").input_value() == "BINANCE"
    visit.press("Start the backtest")
    visit.page.wait_for_url(re.compile("/strategies/backtests/[0-9a-f]+$"))
    visit.wait_text("#verdict", "Not enough data")
    visit.wait_text("#result", re.compile(r"Fills\s*[1-9]"))
    visit.page.locator(".curve polyline").wait_for()
    visit.check_looks()
    visit.shoot("backtest-dark")
    with visit.page.expect_download() as saving:
        visit.press("Save as JSON")
    assert '"daily_equity_units"' in saving.value.path().read_text()

    visit.press("Make a strategy of this")
    assert labelled(visit, "interval").input_value() == "5m", "the settings come along"
    labelled(visit, "venue").fill("XACHE")
    labelled(visit, "interval").select_option("1s")
    visit.field("fast").fill("1")
    visit.field("slow").fill("2")
    visit.field("notional").fill("100")
    visit.field("Name").fill("crosses")
    visit.press("Keep as a draft")
    visit.wait_text(".steps [aria-current=step]", "Draft")
    visit.press("Run on paper")
    visit.wait_text(".steps [aria-current=step]", "Paper")
    visit.wait_text("#strategy", "Running")
    visit.page.locator("#strategy-orders tbody tr").first.wait_for(timeout=PATIENT_MS)
    visit.wait_text("#strategy-orders tr", "Filled")
    # It buys first, and may have sold since.
    bought = visit.page.locator("#strategy-orders tr").filter(has_text="Buy")
    bought.get_by_role("button", name=re.compile("^Why was ")).last.click()
    visit.wait_text("#explanation", "the fast average has crossed above the slow one")
    visit.wait_text("#explanation", "fast ticks")
    visit.wait_text("#explanation", "xache-strategy-sma")
    assert "'crosses'" in visit.text("#explanation"), "told by the name that its owner gave it"
    visit.check_looks()
    visit.shoot("explanation-dark")
    visit.page.keyboard.press("Escape")
    visit.wait_text(".measures", re.compile(r"Fills\s*[1-9]"))
    visit.press("Stop")
    visit.wait_text("#strategy", "Stopped")
    visit.check_peace(demo.http.removeprefix("http://"))


def test_a_strategy_that_does_not_run_is_changed(visit: Visit, demo: Demo) -> None:
    draft(visit, demo, "changing")
    visit.press("Change")
    visit.wait_text("dialog", "others have to show it anew")
    visit.field("fast").fill("none")
    visit.wait_text("dialog .field.wrong .note", "This is no number")
    visit.field("fast").fill("7")
    visit.field("May lose").fill("5000")
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Change").click()
    visit.wait_text("dialog .field.wrong .note", "up to the budget")
    visit.field("May lose").fill("50")
    visit.check_looks()
    visit.shoot("change-dark")
    dialog.get_by_role("button", name="Change").click()
    visit.wait_text(".toast", "changing is changed")
    visit.wait_text("#about ~ dl", "50.00 USDT")
    visit.page.get_by_text("Settings", exact=True).click()
    visit.wait_text("dl.code", re.compile(r"fast\s*7"))
    visit.check_peace(demo.http.removeprefix("http://"))


def test_what_is_wrong_with_settings_is_said_at_the_field(visit: Visit, demo: Demo) -> None:
    open_plugin(visit, demo)
    visit.press("Run it")
    visit.field("notional").fill("plenty")
    visit.wait_text(".field.wrong .note", "This is no number")
    visit.field("notional").fill("100")
    visit.field("fast").fill("2.5")
    visit.wait_text(".field.wrong .note", "A whole number is needed")
    visit.field("fast").fill("5")
    visit.field("Name").fill("Not A Name")
    visit.field("Budget").fill("100")
    visit.field("May lose").fill("500")
    visit.press("Keep as a draft")
    visit.wait_text("[role=alert]", "A setting is not as it should be")
    visit.wait_text(".field.wrong .note", "This is needed")
    labelled(visit, "symbol").fill("BTC-USDT")
    visit.press("Keep as a draft")
    visit.wait_text(".field.wrong .note", "then up to 19 of a-z")
    visit.field("Name").fill("a-name")
    visit.press("Keep as a draft")
    visit.wait_text(".field.wrong .note", "up to the budget")


def test_money_is_given_for_one_sentence_typed_exactly(visit: Visit, demo: Demo) -> None:
    draft(visit, demo, "keen")
    visit.press("Run on paper")
    visit.wait_text(".steps [aria-current=step]", "Paper")
    visit.wait_text(".notice", "Nothing shows yet that it earns")
    visit.press("Go live")
    dialog = visit.page.get_by_role("dialog")
    live = dialog.get_by_role("button", name="Go live")
    live.click()
    visit.wait_text("#sentence", ACKNOWLEDGEMENT)
    visit.field("Your word").fill("I know")
    visit.wait_text(".field.wrong .note", "This is not the sentence")
    assert live.is_disabled()
    visit.check_looks()
    visit.shoot("gate-dark")
    visit.field("Your word").fill(ACKNOWLEDGEMENT)
    live.click()
    visit.wait_text(".steps [aria-current=step]", "Live")
    visit.wait_text("#strategy ~ *, section", ACKNOWLEDGEMENT)
    visit.page.get_by_role("link", name="Wallets").click()
    visit.wait_text("#transactions tr", "1,000.00")
    visit.page.go_back()
    visit.press("Stop")
    visit.wait_text(".steps [aria-current=step]", "Paper")
    visit.press("Revoke")
    dialog.get_by_role("button", name="Revoke").click()
    visit.wait_text("#revoked ~ *, section", "keen")
    visit.check_peace(demo.http.removeprefix("http://"))


def test_settings_that_are_not_known_are_said_not_to_be(visit: Visit, demo: Demo) -> None:
    """The run is made up: a demo keeps nothing from before settings were kept."""
    answer = strategy_pb2.ExplainOrderResponse(
        summary="your strategy 'crosses' placed it",
        run=strategy_pb2.StrategyRun(strategy="crosses", settings_digest="ef" * 32),
    )
    visit.page.route(
        "**/xache.v1.StrategyService/ExplainOrder",
        lambda route: route.fulfill(status=200, headers=HEADERS, body=told(answer)),
    )
    enter(visit, demo, "/strategies/purse/sma")
    visit.page.locator("#strategy-orders tbody tr").first.wait_for(timeout=PATIENT_MS)
    visit.page.get_by_role("button", name=re.compile("^Why was ")).first.click()
    visit.wait_text("#settings-then", "Not known: the run began before settings were kept.")
    visit.check_peace(demo.http.removeprefix("http://"))


def test_what_each_feature_added_is_shown_as_bars(visit: Visit, demo: Demo) -> None:
    """The order is real, what is told of it is not: models do not trade when a test wants it."""
    model = strategy_pb2.ModelReason(
        digest="ab" * 32,
        score=0.5,
        base=0.1,
        weights=[
            strategy_pb2.FeatureWeight(feature="return:4", value=0.0123, added=0.4),
            strategy_pb2.FeatureWeight(feature="<b>volatility</b>", added=-0.1),
        ],
    )
    answer = strategy_pb2.ExplainOrderResponse(
        summary="your strategy 'crosses' placed it: the model expects a rise",
        reason_state=strategy_pb2.REASON_STATE_KEPT,
        reason=strategy_pb2.OrderReason(rule="the model expects a rise", model=model),
    )

    def explain(route: Route) -> None:
        route.fulfill(status=200, headers=HEADERS, body=told(answer))

    draft(visit, demo, "barred")
    visit.press("Run on paper")
    visit.page.locator("#strategy-orders tbody tr").first.wait_for(timeout=PATIENT_MS)
    visit.page.route("**/xache.v1.StrategyService/ExplainOrder", explain)
    visit.page.get_by_role("button", name=re.compile("^Why was ")).first.click()
    rows = visit.page.locator("#weights tbody tr")
    rows.first.wait_for()
    assert [row.inner_text().split() for row in rows.all()] == [
        ["return:4", "0.0123", "+0.4000"],
        ["<b>volatility</b>", "missing", "−0.1000"],
        ["All", "others", "+0.1000"],
    ]
    more, less = (
        visit.page.locator(f"#weights i.{side}").first.bounding_box() for side in ("more", "less")
    )
    assert more is not None
    assert less is not None
    assert more["width"] == pytest.approx(4 * less["width"], rel=0.05)
    assert less["x"] + less["width"] == pytest.approx(more["x"], abs=1.5), "to both sides of zero"
    visit.check_looks()
    visit.shoot("features-dark")


def test_how_the_house_judged_by_night_is_shown(visit: Visit, demo: Demo) -> None:
    """The certificate is made up: a demo is not judged while a test runs."""
    certificate = strategy_pb2.ParityCertificate(
        stage=strategy_pb2.STRATEGY_STAGE_PAPER,
        made_at_ns=1_700_000_000 * 10**9,
        decisions=1_234,
        decisions_equal=1_230,
        orders=5,
        orders_equal=4,
        cost_bp=-1.5,
        causes=[strategy_pb2.ParityCause(cause=strategy_pb2.PARITY_CAUSE_KIND_QUEUE, orders=1)],
    )
    answer = strategy_pb2.GetStrategyParityResponse(certificates=[certificate])
    visit.page.route(
        "**/xache.v1.StrategyService/GetStrategyParity",
        lambda route: route.fulfill(status=200, headers=HEADERS, body=told(answer)),
    )
    draft(visit, demo, "judged")
    visit.wait_text("#certificates tr", "it did otherwise")
    row = visit.text("#certificates tbody tr")
    assert "1,230 of 1,234" in row
    assert "4 of 5" in row
    assert "−1.50 bp" in row
    assert "its place in the queue: 1 order" in row
    visit.check_looks()


@pytest.mark.parametrize(
    "visit",
    [
        {"viewport": DESKTOP, "color_scheme": "dark"},
        {"viewport": PHONE, "color_scheme": "light", "is_mobile": True, "has_touch": True},
    ],
    indirect=True,
    ids=["desk-dark", "phone-light"],
)
def test_how_a_strategy_did_day_by_day_is_drawn(
    visit: Visit, demo: Demo, request: pytest.FixtureRequest
) -> None:
    """The days are made up: a demo has seen one only. A day that is not known is no point."""
    equities = ["1000", "1012.5", "", "1007.25", "1031", "1024.75"]
    daily = [
        strategy_pb2.StrategyDay(
            begin_at_ns=(1_700_006_400 + number * 86_400) * 10**9,
            equity=equity,
            profit=equity and str(float(equity) - 1_000),
            drawdown=equity and "5.25",
            drawdown_ratio=equity and "0.0052",
            fills=3,
            fees="0.3",
            turnover=str(300 + number),
        )
        for number, equity in enumerate(equities)
    ]
    stage = strategy_pb2.StrategyPerformance(
        stage=strategy_pb2.STRATEGY_STAGE_PAPER,
        days=5,
        profit="24.75",
        return_ratio="0.02475",
        drawdown_ratio="0.0052",
        daily=daily,
    )
    live = strategy_pb2.StrategyPerformance(
        stage=strategy_pb2.STRATEGY_STAGE_LIVE, days=1, profit="0", daily=daily[:1]
    )
    answer = strategy_pb2.GetStrategyPerformanceResponse(stages=[stage, live])
    visit.page.route(
        "**/xache.v1.StrategyService/GetStrategyPerformance",
        lambda route: route.fulfill(status=200, headers=HEADERS, body=told(answer)),
    )
    draft(visit, demo, f"daily-{request.node.callspec.id}")
    curve = visit.page.locator(".daily .curve")
    curve.locator("polyline").wait_for()
    points = curve.locator("polyline").get_attribute("points") or ""
    assert len(points.split()) == 5
    assert "1,024.75 USDT" in curve.inner_text()
    assert "2023-11-15" in curve.inner_text(), "days of UTC, wherever the reader is"
    assert "once two days are known" in visit.text(".stage:last-child .daily")
    visit.page.locator(".daily").first.get_by_role("button", name="Turnover").click()
    visit.wait_text(".daily .curve", "305.00 USDT")
    points = curve.locator("polyline").get_attribute("points") or ""
    assert len(points.split()) == 6
    visit.page.locator(".daily").first.get_by_role("button", name="Equity").click()
    curve.scroll_into_view_if_needed()
    drawn, card = curve.bounding_box(), visit.page.locator(".stage").first.bounding_box()
    assert drawn is not None
    assert card is not None
    assert drawn["width"] > 0.8 * card["width"], "as wide as there is room"
    visit.check_looks()
    visit.shoot(f"daily-{request.node.callspec.id}")


def test_a_rule_is_rehearsed_armed_fired_and_explained(visit: Visit, demo: Demo) -> None:
    enter(visit, demo, "/strategies/rules")
    visit.page.get_by_role("link", name="New rule").click()
    visit.field("Name").fill("pocket money")
    labelled(visit, "Unit").select_option("60")
    visit.field("Amount").fill("some")
    visit.press("Keep as a draft")
    visit.wait_text(".field.wrong .note", "This is no number")
    visit.field("Amount").fill("25")
    visit.press("Keep as a draft")
    visit.wait_text("#rule", "Draft")
    visit.press("Arm")
    visit.wait_text("dialog", "Nobody has seen what this rule would have done")
    visit.page.keyboard.press("Escape")
    labelled(visit, "Candles").select_option("2")
    rehearsed = visit.page.locator("#rehearsed").filter(has_text="buy BTC for 25 USDT at market")
    while not rehearsed.count():  # a demo that has just begun has no candle of its own
        with visit.page.expect_response("**/RehearseRule"):
            visit.press("Rehearse")
        visit.page.locator("#rehearsed, main .notice").last.wait_for()
    assert "it would have fired" in rehearsed.inner_text()
    visit.press("Arm")
    visit.wait_text("#rule", "Armed")
    firing = visit.page.locator("#firing-list > li").first
    firing.wait_for(timeout=PATIENT_MS)
    firing.filter(has_text=re.compile(r"bought 0\.\d+ BTC for 2\d")).wait_for()
    visit.check_looks()
    visit.shoot("rule-dark")
    visit.press("Pause")
    visit.wait_text("#rule", "Paused")
    visit.press("End")
    visit.page.get_by_role("dialog").get_by_role("button", name="End").click()
    visit.wait_text("#rule", "Ended")
    visit.check_peace(demo.http.removeprefix("http://"))


def test_further_pages_of_rules_are_kept_up_to_date(visit: Visit, demo: Demo) -> None:
    """Checked: where only the first page is asked for again, the old one stays armed for ever.

    The rules are made up: there is a page more of them only after a hundred.
    """
    states = {"new": automation_pb2.RULE_STATE_ARMED, "old": automation_pb2.RULE_STATE_ARMED}

    def page(route: Route) -> None:
        asked = automation_pb2.ListRulesRequest()
        body = route.request.post_data_buffer
        assert body is not None
        asked.ParseFromString(body[5:])
        name = "old" if asked.page_token else "new"
        terms = automation_pb2.RuleTerms(
            schedule=automation_pb2.Schedule(every_s=3_600),
            stop_all=automation_pb2.StopAll(),
        )
        rule = automation_pb2.Rule(rule_id=name, name=name, terms=terms, state=states[name])
        answer = automation_pb2.ListRulesResponse(
            rules=[rule], next_page_token="" if asked.page_token else "7"
        )
        route.fulfill(status=200, headers=HEADERS, body=told(answer))

    visit.page.route("**/xache.v1.AutomationService/ListRules", page)
    enter(visit, demo, "/strategies/rules")
    visit.wait_text("main tr:has-text('new')", "Armed")
    visit.press("Show more")
    visit.wait_text("main tr:has-text('old')", "Armed")
    states["old"] = automation_pb2.RULE_STATE_PAUSED
    visit.wait_text("main tr:has-text('old')", "Paused")
    visit.wait_text("main tr:has-text('new')", "Armed")


WHENS = {
    "cron": "At 0 9 * * mon UTC",
    "price": "BTC-USDT rises to 99999.00",
    "drawdown": "A loss of 10 % in USDT",
    "indicator": "ema (window=9) of BTC-USDT falls to 30",
    "gains": "BTC-USDT gains 5 %, 10 %, 20 %",
}
THENS = {
    "cron": "Sell 10 % of what is free in ETH-USDT at the market",
    "price": "Sell 0.01 in BTC-USDT at 100000.00",
    "drawdown": "Stop everything and sell",
    "indicator": "Bring back to BTC-USDT 50 %, ETH-USDT 30 % when off by 5 %",
    "gains": "Sell 25 %, 25 %, 50 % of the position",
}


@pytest.mark.parametrize("when", WHENS)
def test_every_kind_of_rule_can_be_made(visit: Visit, demo: Demo, when: str) -> None:
    enter(visit, demo, "/strategies/rules/new")
    visit.field("Name").fill(f"a rule of {when}")
    kinds = labelled(visit, "What kind")
    kinds.first.select_option(when)
    match when:
        case "cron":
            visit.press("Sell")
            labelled(visit, "Market").select_option("ETH-USDT")
            visit.press("Share of free")
            visit.field("Amount").fill("10")
        case "price":
            visit.press("Rises to")
            visit.field("Price").fill("99999")
            visit.press("Sell")
            visit.press("Quantity")
            visit.field("Amount").fill("0.01")
            visit.field("Limit (optional)").fill("100000")
        case "drawdown":
            kinds.nth(1).select_option("stopAll")
            labelled(visit, "Sell every position, too").check()
        case "indicator":
            labelled(visit, "Indicator").select_option("ema")
            visit.field("window").fill("9")
            kinds.nth(1).select_option("rebalance")
            visit.press("Another market")
            visit.field("Weight").nth(1).fill("30")
        case _:
            assert labelled(visit, "Shares").input_value() == "25, 25, 50"
    visit.press("Only at some hours")
    visit.field("Ends after firings").fill("3")
    visit.press("Keep as a draft")
    visit.wait_text("#rule", "Draft")
    told_ = visit.text("dl.list")
    assert f"{WHENS[when]} · Mon Tue Wed Thu Fri 08:00–16:00 UTC · 3 times" in told_
    assert THENS[when] in told_
    visit.check_peace(demo.http.removeprefix("http://"))


def test_every_kind_of_rule_is_in_the_form() -> None:
    """A kind that the house learns has to be added to the form."""
    terms = automation_pb2.RuleTerms.DESCRIPTOR.oneofs_by_name
    assert {field.name for field in terms["when"].fields} == {
        "schedule", "price", "gains", "drawdown", "indicator",
    }  # fmt: skip
    assert {field.name for field in terms["then"].fields} == {
        "order", "sell_shares", "rebalance", "stop_all",
    }  # fmt: skip


SCREENS = {
    "strategies": ("/strategies", "#strategy-list"),
    "catalogue": ("/strategies/catalogue", "#catalogue li"),
    "plugin": ("/strategies/catalogue/sma", ".settings .field"),
    "backtests": ("/strategies/backtests", "#backtest-list"),
    "rules": ("/strategies/rules", "#rule-list"),
    "new-rule": ("/strategies/rules/new", ".rule-form"),
}


@pytest.mark.parametrize(
    "visit",
    [
        {"viewport": DESKTOP, "color_scheme": "dark"},
        {"viewport": DESKTOP, "color_scheme": "light", "reduced_motion": "reduce"},
        {"viewport": PHONE, "color_scheme": "dark", "is_mobile": True, "has_touch": True},
        {"viewport": PHONE, "color_scheme": "light", "is_mobile": True, "has_touch": True},
    ],
    indirect=True,
    ids=["desk-dark", "desk-light", "phone-dark", "phone-light"],
)
def test_the_screens_fit_and_can_be_read(
    visit: Visit, demo: Demo, request: pytest.FixtureRequest
) -> None:
    """With what the tests above have left."""
    for name, (path, selector) in SCREENS.items():
        enter(visit, demo, path)
        visit.page.locator(selector).first.wait_for()
        visit.check_looks()
        visit.shoot(f"{name}-{request.node.callspec.id}")
    for name, path in (("strategy", "/strategies/mine/crosses"),):
        enter(visit, demo, path)
        visit.page.locator("#strategy-orders tbody tr").first.wait_for()
        visit.check_looks()
        visit.shoot(f"{name}-{request.node.callspec.id}")
    enter(visit, demo, "/strategies/backtests")
    visit.page.locator("#backtest-list a").first.click()
    visit.page.locator(".curve polyline").wait_for()
    visit.check_looks()
    visit.shoot(f"backtest-{request.node.callspec.id}")
    visit.check_peace(demo.http.removeprefix("http://"))
