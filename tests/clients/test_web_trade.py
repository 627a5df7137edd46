"""The screen to trade on in a real browser: indicators, orders on the chart, and risk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from xache.v1 import trading_pb2

from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.clients.hostile_house import HEADERS, refusal
from tests.demo import CALM, Demo, running_demo

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Request

__all__ = ("browser", "visit")  # fixtures

FIGURE = re.compile(r"\d")

pytestmark = pytest.mark.xdist_group("demo-web-trade")


@pytest.fixture(scope="module", autouse=True)
def client() -> None:
    needs_client()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the whole file."""
    with running_demo(tmp_path_factory.mktemp("web-trade-demo"), speed=CALM) as running:
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


def near_bid(visit: Visit, share: float) -> str:
    """A price below the market that the chart still shows."""
    visit.wait_text("#last", FIGURE)
    return f"{float(visit.text('#last').replace(',', '')) * share:.0f}"


def place_bid(visit: Visit, price: str, quantity: str) -> None:
    visit.field("Price").fill(price)
    visit.field("Quantity").fill(quantity)
    visit.wait_text("#preview", "Stays in the book")
    visit.press("Buy BTC")
    visit.wait_text("#open-orders tr", quantity)


def test_an_order_is_dragged_on_the_chart_confirmed_and_cancelled_there(
    visit: Visit, demo: Demo
) -> None:
    enter(visit, demo)
    page = visit.page
    place_bid(visit, near_bid(visit, 0.998), "0.00321")
    (before,) = prices(visit)
    grip = page.locator(".handle .grip").filter(has_text="0.00321")
    drag(visit, grip, 30)
    dialog = page.get_by_role("dialog")
    dragged = dialog.get_by_role("textbox", name="Price").input_value()
    assert float(dragged) < before
    visit.shoot("trade-dragged-dark")
    visit.press("Leave as it is")
    assert prices(visit) == [before], "nothing is sent before it is confirmed"
    drag(visit, grip, 30)
    dragged = dialog.get_by_role("textbox", name="Price").input_value()
    visit.press("Change the order")
    visit.wait_text("#open-orders tr", f"{float(dragged):,.2f}")
    assert prices(visit) == [float(dragged)]
    visit.check_looks()
    page.locator(".handle").get_by_role("button", name=re.compile("Cancel Buy 0.00321")).click()
    page.get_by_text("No open orders").wait_for()
    page.locator(".handle").wait_for(state="detached")
    visit.check_peace(demo.http.removeprefix("http://"))


def test_an_order_is_changed_by_keyboard_and_keeps_its_place_when_it_is_only_less(
    visit: Visit, demo: Demo
) -> None:
    enter(visit, demo)
    page = visit.page
    place_bid(visit, near_bid(visit, 0.998), "0.00543")
    grip = page.locator(".handle .grip").filter(has_text="0.00543")
    grip.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    quantity = dialog.get_by_role("textbox", name="Quantity")
    quantity.fill("0.0000001")
    visit.wait_text("dialog .note", "Steps of")
    quantity.fill("0.00123")
    visit.wait_text("dialog", "keeps its place")
    answer = refusal("ORDER_STATE", "the order has traded meanwhile")
    page.route("**/AmendOrder", lambda route: route.fulfill(headers=HEADERS, body=answer))
    with page.expect_request("**/AmendOrder") as refused:
        page.keyboard.press("Enter")
    visit.wait_text("dialog [role=alert]", "traded meanwhile")
    page.unroute("**/AmendOrder")
    with page.expect_request("**/AmendOrder") as sent:
        page.keyboard.press("Enter")
    assert amend_of(refused.value).request_id != amend_of(sent.value).request_id, "asked anew"
    visit.wait_text(".toast", "for 0.00123 now")
    visit.wait_text("#open-orders tr", "0.00123")
    page.get_by_role("button", name=re.compile("^Change 0.00123")).click()
    dialog.get_by_role("textbox", name="Price").fill(near_bid(visit, 0.99))
    visit.wait_text("dialog", "Another order takes its place")
    with page.expect_request("**/ReplaceOrder"):
        page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    visit.press("Cancel all")
    page.get_by_text("No open orders").wait_for()
    visit.check_peace(demo.http.removeprefix("http://"))


def test_the_ticket_is_sized_by_what_may_be_lost(visit: Visit, demo: Demo) -> None:
    enter(visit, demo)
    visit.field("Price").fill("50000")
    visit.press("Risk")
    assert float(visit.field("Lose at most").input_value()) > 0, "a percent, to begin with"
    visit.field("Lose at most").fill("109.9")
    visit.field("Give up at").fill("51000")
    visit.wait_text(".risk .note", "Give up below")
    visit.field("Give up at").fill("49000")
    visit.wait_text("#preview", re.compile("Set aside|Would be refused"))
    lost = 109.9 / float(visit.field("Quantity").input_value()) - 1_000
    assert 50 < lost <= 99.1, "fees of both trades are counted"
    visit.check_looks()
    visit.shoot("trade-risk-dark")
    visit.check_peace(demo.http.removeprefix("http://"))


def prices(visit: Visit) -> list[float]:
    cells = visit.page.locator('#open-orders td[data-label="Price"]').all_inner_texts()
    return [float(cell.replace(",", "")) for cell in cells]


def amend_of(request: Request) -> trading_pb2.AmendOrderRequest:
    """What is asked for, behind gRPC's five bytes."""
    return trading_pb2.AmendOrderRequest.FromString((request.post_data_buffer or b"")[5:])


def drag(visit: Visit, grip: Locator, down_px: int) -> None:
    grip.wait_for()
    box = grip.bounding_box()
    assert box is not None
    mouse = visit.page.mouse
    mouse.move(box["x"] + 10, box["y"] + 8)
    mouse.down()
    mouse.move(box["x"] + 10, box["y"] + 8 + down_px, steps=4)
    mouse.up()
    visit.page.get_by_role("dialog").wait_for()
