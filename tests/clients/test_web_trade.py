"""The screen to trade on in a real browser: indicators, orders on the chart, and risk."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.demo import Demo, running_demo

__all__ = ("browser", "visit")  # fixtures

FIGURE = re.compile(r"\d")

pytestmark = pytest.mark.xdist_group("demo-web-trade")


@pytest.fixture(scope="module", autouse=True)
def client() -> None:
    needs_client()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the whole file."""
    with running_demo(tmp_path_factory.mktemp("web-trade-demo")) as running:
        yield running


def enter(visit: Visit, demo: Demo, path: str = "/trade/BTC-USDT") -> None:
    visit.page.goto(demo.http + path)
    visit.wait_status("live")
    visit.wait_text("#available", "USDT")


def show_indicator(visit: Visit, title: str, **settings: str) -> None:
    visit.press("Indicators")
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_label("Indicator", exact=True).select_option(label=title)
    for name, value in settings.items():
        dialog.get_by_role("textbox", name=name, exact=True).fill(value)
    dialog.get_by_role("button", name="Show").click()


@pytest.mark.parametrize(
    "visit",
    [
        {"viewport": DESKTOP, "color_scheme": "dark"},
        {"viewport": PHONE, "color_scheme": "light", "is_mobile": True, "has_touch": True},
    ],
    indirect=True,
    ids=["desk-dark", "phone-light"],
)
def test_indicators_are_shown_set_kept_and_removed(
    visit: Visit, demo: Demo, request: pytest.FixtureRequest
) -> None:
    enter(visit, demo)
    visit.press("BINANCE")  # whose candles began long before
    visit.press("1m")
    show_indicator(visit, "Bollinger bands")
    visit.wait_text("#studies li", re.compile(r"BOLLINGER 20 2([\d,]+\.\d\d){3}"))
    show_indicator(visit, "Exponential moving average", window="9")
    visit.wait_text("#studies li", re.compile(r"EMA 9[\d,]+\.\d\d"))
    show_indicator(visit, "Moving average convergence divergence")
    visit.wait_text("#studies li", re.compile(r"MACD 12 26 9(−?\d+\.\d+){3}"))
    show_indicator(visit, "Relative strength index")
    visit.wait_text("#studies li", re.compile(r"RSI 14\d+\.\d\d"))
    visit.page.mouse.move(0, 0)
    visit.check_looks()
    visit.shoot(f"trade-indicators-{request.node.callspec.id}")
    visit.page.reload()
    visit.wait_text("#studies li", re.compile(r"RSI 14\d+\.\d\d"))
    visit.press("RSI 14")
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="window").fill("0")
    visit.wait_text(".field.wrong .note", "From 1 to")
    dialog.get_by_role("textbox", name="window").fill("301")
    visit.press("Apply")
    visit.wait_text("#studies li", "RSI 301")
    visit.wait_text("#studies li .down", "needs")
    visit.press("Remove RSI 301")
    visit.press("Remove EMA 9")
    assert visit.page.locator("#studies li").count() == 2
    visit.check_peace(demo.http.removeprefix("http://"))
