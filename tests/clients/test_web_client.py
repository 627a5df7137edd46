"""The web client in a real browser, against a running demo: what a newcomer sees and does."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.demo import CALM, Demo, running_demo, start
from xached.api.bundle import DOCUMENT, shipped_bundle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

__all__ = ("browser", "visit")  # fixtures

SCRIPT_BYTES_MAX = 200_000
FIGURE = re.compile(r"\d")
SCRIPT = re.compile(r'(?:src|href)="/assets/([\w-]+\.js)"')
STATIC_IMPORT = re.compile(r"""(?:from|import)\s*["'`]\./([\w-]+\.js)["'`]""")
DYNAMIC_IMPORT = re.compile(r"""import\(\s*["'`]\./([\w-]+\.js)["'`]\s*\)""")

pytestmark = pytest.mark.xdist_group("demo-web")


@pytest.fixture(scope="module", autouse=True)
def client() -> None:
    needs_client()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the whole file."""
    with running_demo(tmp_path_factory.mktemp("web-demo"), speed=CALM) as running:
        yield running


def host_of(demo: Demo) -> str:
    return demo.http.removeprefix("http://")


def enter(visit: Visit, demo: Demo, path: str = "/") -> None:
    """Open the page: in a demo one is signed in at once."""
    visit.page.goto(demo.http + path)
    visit.wait_status("live")


def far_bid(visit: Visit) -> str:
    """A price that nobody sells at while a test runs."""
    visit.wait_text("#last", FIGURE)
    return f"{float(visit.text('#last').replace(',', '')) * 0.985:.0f}"


def test_the_script_of_every_page_is_small() -> None:
    """What the first page loads, and that together with what any other screen brings along.

    Checked: with all screens in the first script, the second assertion finds no screen.
    """
    scripts = {
        path.rpartition("/")[2]: file.body
        for path, file in shipped_bundle().items()
        if path.endswith(".js") and file.kept
    }
    document = shipped_bundle()[DOCUMENT].body.decode()
    first = with_imports(SCRIPT.findall(document), scripts)
    screens = {
        name for each in first for name in DYNAMIC_IMPORT.findall(scripts[each].decode())
    } - first
    assert screens
    for screen in screens:
        page = first | with_imports([screen], scripts)
        size = sum(len(gzip.compress(scripts[name])) for name in page)
        assert size <= SCRIPT_BYTES_MAX, (screen, size)


def with_imports(names: Iterable[str], scripts: Mapping[str, bytes]) -> set[str]:
    """Scripts and all that they import before they run."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += STATIC_IMPORT.findall(scripts[name].decode())
    return found


def test_it_opens_on_the_traders_desk_with_a_living_market(visit: Visit, demo: Demo) -> None:
    enter(visit, demo)
    page = visit.page
    page.wait_for_url(re.compile("/trade/BTC-USDT$"))
    visit.wait_text("#available", re.compile(r"[1-9][\d,]*\.\d\d USDT"))
    assert visit.text("#provenance") == "simulated"
    visit.wait_text("#bids button", FIGURE)
    visit.wait_text("#asks button", FIGURE)
    visit.wait_text("#tape li", FIGURE)
    visit.wait_text("#spread", "Spread")
    first = visit.text("#tape li")
    page.wait_for_function("old => document.querySelector('#tape li').innerText !== old", arg=first)
    page.wait_for_function(
        "() => [...document.querySelectorAll('.chart canvas')].some((canvas) => canvas.width > 300)"
    )
    assert re.search(r"^[\d,]+\.\d\d BTC/USDT · XACHE$", page.title())
    (cookie,) = visit.context.cookies()
    assert (cookie["name"], cookie["httpOnly"]) == ("__Host-xache-refresh", True)
    kept = page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert "eyJ" not in kept, "no token where a script could find it later"
    visit.check_peace(host_of(demo))


def test_sources_are_never_mixed(visit: Visit, demo: Demo) -> None:
    enter(visit, demo)
    visit.wait_text("#provenance", "simulated")
    visit.press("BINANCE")
    visit.wait_text("#provenance", "recorded")
    visit.wait_text("#bids button", FIGURE)
    bid, ask = visit.page.evaluate(
        "['#bids', '#asks'].map((side) => Number(document.querySelector(`${side} button span`)"
        ".textContent.replaceAll(',', '')))"
    )
    assert bid <= ask
    visit.check_peace(host_of(demo))


def test_an_order_is_previewed_placed_seen_and_cancelled(visit: Visit, demo: Demo) -> None:
    enter(visit, demo, "/trade/ETH-USDT")
    page = visit.page
    visit.wait_text("#available", "USDT")
    visit.field("Price").fill("1000.00")
    visit.field("Quantity").fill("0.0001234")
    visit.wait_text(".field.wrong .note", "Steps of")
    visit.field("Quantity").fill("0.5")
    visit.wait_text("#preview", "Set aside")
    assert "Would be refused" in visit.text("#preview") or "500" in visit.text("#preview")
    best = visit.text("#bids button").split()[0]
    page.locator("#bids button").nth(4).click()
    price = visit.field("Price").input_value()
    assert float(price) < float(best.replace(",", ""))
    visit.wait_text("#preview", "Stays in the book")
    page.get_by_role("button", name="Buy ETH").click()
    row = page.locator("#open-orders tbody tr")
    row.wait_for()
    assert "ETH/USDT" in row.inner_text()
    page.locator("#bids button.own").wait_for()
    visit.shoot("trade-order-dark")
    row.get_by_role("button", name=re.compile("Cancel 0.5")).click()
    page.get_by_text("No open orders").wait_for()
    visit.check_peace(host_of(demo))


def test_a_market_order_is_filled_and_becomes_a_position(visit: Visit, demo: Demo) -> None:
    enter(visit, demo, "/trade/BTC-USDT")
    visit.press("Market")
    visit.field("Total").fill("250")
    visit.wait_text("#preview", "You pay")
    visit.wait_text("#preview", re.compile(r"24\d\.\d\d|250\.00"))
    visit.press("Buy BTC")
    visit.wait_text(".toast", re.compile(r"Buy 0\.\d+ filled at [\d,.]+"))
    visit.press(re.compile("^Fills"))
    visit.wait_text("#fills tbody tr", "taker")
    visit.press(re.compile("^Positions"))
    visit.wait_text("#positions tbody tr", "BTC/USDT")
    visit.check_peace(host_of(demo))


def test_an_order_without_an_answer_is_looked_up(visit: Visit, demo: Demo) -> None:
    """The order arrives, its answers do not, and the first time neither does what is asked then.

    Checked: without the look-up the page says that the house cannot be reached, and no more.
    """
    asked = []

    def look_up(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.abort()
        else:
            route.continue_()

    def lose_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    enter(visit, demo, "/trade/ETH-USDT")
    visit.page.route("**/xache.v1.TradingService/PlaceOrder", lose_answer)
    visit.page.route("**/xache.v1.TradingService/GetOrder", look_up)
    visit.wait_text("#available", "USDT")
    visit.field("Price").fill(far_bid(visit))
    visit.field("Quantity").fill("0.0345")
    visit.wait_text("#preview", "Stays in the book")
    visit.press("Buy ETH")
    visit.wait_text("[role=alert]", "do not place it again")
    assert visit.page.get_by_role("button", name="Buy ETH").is_disabled()
    visit.wait_text(".toast", "Buy 0.0345 is in the book")
    assert visit.page.get_by_role("alert").count() == 0
    assert visit.field("Quantity").input_value() == ""
    assert visit.page.locator("#open-orders tbody tr").count() == 1, "sent often, placed once"
    visit.press(re.compile("Cancel 0.0345"))
    visit.page.get_by_text("No open orders").wait_for()


def test_an_order_that_never_arrived_is_said_to_be_none(visit: Visit, demo: Demo) -> None:
    enter(visit, demo, "/trade/ETH-USDT")
    visit.page.route("**/xache.v1.TradingService/PlaceOrder", lambda route: route.abort())
    visit.wait_text("#available", "USDT")
    visit.field("Price").fill(far_bid(visit))
    visit.field("Quantity").fill("0.0345")
    visit.wait_text("#preview", "Stays in the book")
    visit.press("Buy ETH")
    visit.wait_text("[role=alert]", "nothing was placed")
    assert visit.field("Quantity").input_value() == "0.0345", "it can be placed again"
    visit.page.unroute("**/xache.v1.TradingService/PlaceOrder")
    visit.press("Buy ETH")
    visit.wait_text(".toast", "Buy 0.0345 is in the book")
    visit.press(re.compile("Cancel 0.0345"))
    visit.page.get_by_text("No open orders").wait_for()


def test_two_browsers_see_each_others_orders(visit: Visit, demo: Demo, browser: Browser) -> None:
    other = Visit(browser.new_context(viewport=PHONE, locale="en-GB").new_page())
    enter(visit, demo, "/trade/BTC-USDT")
    enter(other, demo, "/trade/BTC-USDT")
    visit.wait_text("#available", "USDT")
    visit.field("Price").fill(far_bid(visit))
    visit.field("Quantity").fill("0.00321")
    visit.wait_text("#preview", "Stays in the book")
    visit.press("Buy BTC")
    other.wait_text("#open-orders tr", "0.00321")
    other.press(re.compile("Cancel 0.00321"))
    visit.page.get_by_text("No open orders").wait_for()
    other.check_peace(host_of(demo))
    visit.check_peace(host_of(demo))
    other.context.close()


def test_the_keyboard_keeps_its_place_when_an_order_is_sent(visit: Visit, demo: Demo) -> None:
    """Its button has nothing to send then.

    Checked by breaking: a button that is disabled in the browser's way loses the focus.
    """
    enter(visit, demo, "/trade/BTC-USDT")
    visit.wait_text("#available", "USDT")
    visit.field("Price").fill(far_bid(visit))
    visit.field("Quantity").fill("0.00322")
    visit.wait_text("#preview", "Stays in the book")
    button = visit.page.get_by_role("button", name="Buy BTC")
    button.focus()
    visit.page.keyboard.press("Enter")
    visit.wait_text("#open-orders tr", "0.00322")
    visit.page.wait_for_function("document.querySelector('button.buy.wide.waiting')")
    assert button.is_disabled()
    assert button.evaluate("button => button === document.activeElement")
    visit.page.keyboard.press("Enter")
    visit.press(re.compile("Cancel 0.00322"))
    visit.page.get_by_text("No open orders").wait_for()


def test_keys_do_what_the_mouse_does(visit: Visit, demo: Demo) -> None:
    enter(visit, demo, "/trade/BTC-USDT")
    visit.wait_text("#available", "USDT")
    page = visit.page
    page.keyboard.press("s")
    visit.wait_text("#available", "BTC")
    page.keyboard.press("b")
    page.keyboard.press("p")
    page.keyboard.type("50000")
    page.keyboard.press("Tab")
    page.keyboard.type("0.001")
    assert (visit.field("Price").input_value(), visit.field("Quantity").input_value()) == (
        "50000",
        "0.001",
    )
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("m")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="ETH/USDT").wait_for()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "market"


@pytest.mark.parametrize(
    "visit",
    [
        {"viewport": DESKTOP, "color_scheme": "dark"},
        {"viewport": DESKTOP, "color_scheme": "light", "reduced_motion": "reduce"},
        {"viewport": PHONE, "color_scheme": "dark", "is_mobile": True, "has_touch": True},
        {"viewport": PHONE, "color_scheme": "light", "is_mobile": True, "has_touch": True},
        {"viewport": {"width": 900, "height": 800}, "color_scheme": "light"},
    ],
    indirect=True,
    ids=["desk-dark", "desk-light", "phone-dark", "phone-light", "tablet-light"],
)
def test_the_desk_fits_and_can_be_read(
    visit: Visit, demo: Demo, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    enter(visit, demo, "/trade/BTC-USDT")
    visit.wait_text("#available", "USDT")
    visit.wait_text("#tape li" if "desk" in name else "#last", FIGURE)
    visit.check_looks()
    visit.shoot(f"trade-{name}")
    if "desk" not in name:
        visit.press("Order book")
        visit.wait_text("#bids button", FIGURE)
        visit.check_looks()
        visit.shoot(f"book-{name}")
    visit.check_peace(host_of(demo))


@pytest.mark.parametrize(
    "visit",
    [
        {"viewport": DESKTOP, "color_scheme": "dark"},
        {"viewport": PHONE, "color_scheme": "light"},
    ],
    indirect=True,
    ids=["desk-dark", "phone-light"],
)
def test_who_signs_out_stays_out_and_can_come_back(
    visit: Visit, demo: Demo, request: pytest.FixtureRequest
) -> None:
    enter(visit, demo)
    visit.wait_text("#available", "USDT")
    visit.press("Account")
    visit.press("Sign out")
    visit.page.wait_for_function("() => document.querySelector('.invitation') !== null")
    visit.page.goto(demo.http)
    visit.page.wait_for_url(re.compile("/sign-in$"))
    visit.check_looks()
    visit.shoot(f"sign-in-{request.node.callspec.id}")
    visit.press("Continue as the demo trader")
    visit.wait_text("#available", "USDT")
    visit.check_peace(host_of(demo))


@pytest.mark.parametrize(
    "visit",
    [
        {"viewport": DESKTOP, "color_scheme": "dark"},
        {"viewport": PHONE, "color_scheme": "light", "is_mobile": True, "has_touch": True},
    ],
    indirect=True,
    ids=["desk-dark", "phone-light"],
)
def test_what_one_owns_is_told_and_what_is_held_explained(
    visit: Visit, demo: Demo, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    enter(visit, demo, "/trade/BTC-USDT")
    visit.wait_text("#available", "USDT")
    visit.field("Price").fill(far_bid(visit))
    visit.field("Quantity").fill("0.00789")
    visit.wait_text("#preview", "Stays in the book")
    visit.press("Buy BTC")
    visit.wait_text("#open-orders tr", "0.00789")
    visit.page.get_by_role("link", name="Portfolio").click()
    visit.wait_text("#worth", re.compile(r"\d{2},\d{3}\.\d\d USDT"))
    visit.wait_text("#allocations tr", "BINANCE recorded")
    visit.check_looks()
    visit.shoot(f"portfolio-{name}")
    visit.page.get_by_role("link", name="Wallets").click()
    visit.wait_text(".holds li", "Buy 0.00789 BTC/USDT")
    visit.wait_text("#transactions tr", "Deposit")
    visit.check_looks()
    visit.shoot(f"wallets-{name}")
    visit.page.get_by_role("link", name="Trade").click()
    visit.press("Cancel all")
    visit.page.get_by_text("No open orders").wait_for()
    visit.page.get_by_role("link", name="Security").click()
    visit.wait_text("#session-list tr", "this one")
    visit.wait_text(".happened li", "Signed in")
    visit.check_looks()
    visit.shoot(f"security-{name}")
    visit.check_peace(host_of(demo))


def test_a_list_is_told_anew_while_an_older_answer_is_late(visit: Visit, demo: Demo) -> None:
    """Checked: with a question dropped while another is asked, the movement never shows."""
    late: list[Route] = []

    def keep_the_first(route: Route) -> None:
        if late:
            route.continue_()
        late.append(route)

    visit.page.route("**/ListTransactions", keep_the_first)
    enter(visit, demo, "/wallets")
    visit.wait_text("#wallet-balances tr", "ETH")
    visit.press("New purse")
    visit.field("Name").fill("late")
    visit.page.get_by_role("dialog").get_by_role("button", name="New purse").click()
    visit.wait_text("h1 .badge", "late")
    visit.page.get_by_label("Purse", exact=True).select_option("main")
    visit.wait_text("#wallet-balances tr", "ETH")
    visit.press("Transfer")
    visit.page.get_by_label("To", exact=True).select_option("late")
    visit.page.get_by_label("Asset", exact=True).select_option("ETH")
    visit.field("Amount").fill("0.125")
    visit.press("Move")
    visit.wait_text("#transactions tr", "−0.125")
    late[0].continue_()
    visit.page.get_by_label("Purse", exact=True).select_option("late")
    visit.wait_text("#transactions tr", "+0.125")


def test_money_moves_between_ones_own_purses(visit: Visit, demo: Demo) -> None:
    enter(visit, demo, "/wallets")
    visit.press("New purse")
    visit.field("Name").fill("savings")
    visit.page.get_by_role("dialog").get_by_role("button", name="New purse").click()
    visit.wait_text("h1 .badge", "savings")
    visit.page.get_by_label("Purse", exact=True).select_option("main")
    visit.wait_text("h1 .badge", "main")
    visit.wait_text("#wallet-balances tr", "ETH")
    visit.press("Transfer")
    visit.page.get_by_label("To", exact=True).select_option("savings")
    visit.page.get_by_label("Asset", exact=True).select_option("ETH")
    visit.field("Amount").fill("0.25")
    visit.press("Move")
    visit.wait_text(".toast", "0.25 ETH moved to savings")
    visit.wait_text("#transactions tr", "−0.25")
    visit.page.get_by_label("Purse", exact=True).select_option("savings")
    visit.wait_text("#wallet-balances tr", "0.25")
    visit.check_peace(host_of(demo))


def test_without_a_session_the_market_can_be_watched(visit: Visit, demo: Demo) -> None:
    visit.page.add_init_script("localStorage.setItem('xache.stayed-out', '1')")
    enter(visit, demo, "/trade/ETH-USDT")
    visit.wait_text("#bids button", FIGURE)
    assert visit.page.get_by_role("heading", name="Sign in to trade").is_visible()
    assert visit.page.locator("#open-orders").count() == 0
    visit.page.goto(f"{demo.http}/trade/NO-SUCH")
    visit.wait_status("live")
    visit.check_peace(host_of(demo))


def test_it_comes_back_when_the_house_does(visit: Visit, demo: Demo, tmp_path: Path) -> None:
    """The last of this file: the demo is killed, and what recovers takes its place."""
    enter(visit, demo, "/trade/BTC-USDT")
    visit.wait_text("#available", "USDT")
    visit.field("Price").fill(far_bid(visit))
    visit.field("Quantity").fill("0.00456")
    visit.wait_text("#preview", "Stays in the book")
    visit.press("Buy BTC")
    visit.wait_text("#open-orders tr", "0.00456")
    demo.process.kill()
    demo.process.wait()
    visit.wait_status("reconnecting")
    visit.wait_text("#notice", "may be old")
    assert "0.00456" in visit.text("#open-orders"), "what was there stays in sight"
    assert visit.page.locator(".ticket .notice.warn").is_visible()
    visit.shoot("trade-away-dark")
    (kill,) = (each for each in demo.commands.values() if each.startswith("kill -9"))
    command = kill.split("; ", 2)[2]
    again = start(command, demo.data, demo.env)
    assert demo.process.stdout is not None
    demo.process.stdout.close()
    demo.process = again.process
    visit.wait_status("live")
    assert visit.page.locator("#notice").count() == 0
    visit.wait_text("#open-orders tr", "0.00456")
    visit.press(re.compile("Cancel 0.00456"))
    visit.page.get_by_text("No open orders").wait_for()
