"""The live page in a real browser, over a real listener, with a market that the test moves."""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.api.shown_market import PRICE_TICKS, ShownMarket
from tests.domain.market_values import BTC, ETH
from xached.api.web import Readiness, WebApp, serve_http
from xached.domain.instrument import Instrument
from xached.domain.market import BINANCE, XACHE, Venue
from xached.domain.order import Side
from xached.runtime.world import RealWorld

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# A container has no user namespace for Chromium's sandbox and no graphics; it loads our page only.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP: ViewportSize = {"width": 1360, "height": 900}
PHONE: ViewportSize = {"width": 360, "height": 780}
PATIENCE_MS = 15_000


class PageHouse:
    """The house's page on a port, served by a loop in a thread of its own."""

    def __init__(self, *filled: Venue) -> None:
        self.world = RealWorld()
        self.market = ShownMarket(self.world.now_ns)
        self.market.fill(*filled)
        self.port = 0
        self._token: trio.lowlevel.TrioToken | None = None
        self._stop: trio.Event | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve; again on the same port after a stop."""
        up = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._serve, up))
        self._thread.start()
        assert up.wait(PATIENCE_MS / 1000)

    def stop(self) -> None:
        """Stop serving, as the daemon does."""
        if self._thread is None:
            return
        assert self._stop is not None
        self.do(self._stop.set)
        self._thread.join(PATIENCE_MS / 1000)
        assert not self._thread.is_alive()
        self._thread = None

    def do(self, action: Callable[[], object]) -> None:
        """Do something on the loop."""
        assert self._token is not None
        trio.from_thread.run_sync(action, trio_token=self._token)

    def trade(self, venue: Venue, price_ticks: int, instrument: Instrument = BTC) -> None:
        """Let something trade."""
        self.do(partial(self.market.trade, venue, price_ticks, 123, Side.SELL, instrument))

    async def _serve(self, up: threading.Event) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._stop = trio.Event()
        ready = Readiness(ready=True, reasons=())
        market = self.market
        app = WebApp(market.data, market.directory, lambda: ready, self.world.now_ns)
        async with trio.open_nursery() as nursery:
            self.port = await nursery.start(serve_http, app, f"127.0.0.1:{self.port}", self._stop)
            up.set()


@pytest.fixture
def house(request: pytest.FixtureRequest) -> Iterator[PageHouse]:
    house = PageHouse(*getattr(request, "param", ()))
    house.start()
    yield house
    house.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if os.environ.get("CI") != "true":
        pytest.importorskip("playwright", reason="playwright is not installed")
        if CHROMIUM is None:
            pytest.skip("there is no chromium (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "these tests are part of CI: install chromium there"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page and everything it complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));"
        )

    def open(self, url: str) -> None:
        """Open and wait for the market."""
        self.page.goto(url)
        self.wait_status("live")

    def wait_status(self, status: str) -> None:
        """Wait for the state of the stream, as the page shows it."""
        self.page.wait_for_selector(f'body[data-status="{status}"]')

    def text(self, selector: str) -> str:
        """What an element says."""
        return self.page.locator(selector).inner_text()

    def wait_text(self, selector: str, text: str) -> None:
        """Wait until an element says something."""
        self.page.locator(selector).filter(has_text=text).first.wait_for()

    def _hear(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{message.type}: {message.text}")


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    options: dict[str, Any] = getattr(request, "param", {"viewport": DESKTOP})
    context = browser.new_context(locale="en-GB", timezone_id="UTC", **options)
    yield Visit(context.new_page())
    context.close()


def last_of(venue: str) -> str:
    return f"#source-{venue} .last"


def test_it_shows_a_living_market(visit: Visit, house: PageHouse, tmp_path: Path) -> None:
    visit.open(house.url)
    assert visit.text("#source-XACHE .provenance") == "simulated"
    assert visit.text("#source-XACHE .state") == "trading"
    assert visit.text("#source-BINANCE .provenance") == "recorded"
    assert visit.text("#status") == "Live"
    assert "xache order place buy BTC-USDT" in visit.text("#command")
    assert re.search(r" % since \d\d:\d\d$", visit.text("#source-BINANCE .change")), (
        "four hours old"
    )
    for ticks in (PRICE_TICKS + 12_345, PRICE_TICKS - 54_321):
        house.trade(BINANCE, ticks)
        price = f"{BTC.format_price(ticks)[:-6]},{BTC.format_price(ticks)[-6:]}"
        visit.wait_text(last_of("BINANCE"), price)
        assert visit.text(last_of("XACHE")) != price
    assert visit.page.locator("#asks tr").count() == visit.page.locator("#bids tr").count() == 15
    assert visit.page.locator("#tape tr").count() == 30
    assert "Spread" in visit.text("#spread")
    assert painted_share(visit.page) > 0.01
    shot = tmp_path / "page.png"
    visit.page.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 20_000
    assert visit.complaints == []
    assert all(url.startswith(house.url) for url in visit.requests)


def painted_share(page: Page) -> float:
    """How much of the chart is not empty."""
    share: float = page.evaluate(
        """() => {
          const canvas = document.getElementById("chart");
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          let painted = 0;
          for (let index = 3; index < data.length; index += 4) painted += data[index] > 0;
          return (painted * 4) / data.length;
        }"""
    )
    return share


def test_sources_are_never_mixed(visit: Visit, house: PageHouse) -> None:
    visit.open(house.url)
    house.trade(BINANCE, PRICE_TICKS + 777)
    house.trade(XACHE, PRICE_TICKS + 888)
    visit.wait_text("#tape tr:first-child", "63,008.88")
    assert visit.text("#tape-title") == "Trades · XACHE, simulated"
    assert "63,007.77" not in visit.text("#tape")
    visit.page.get_by_role("button", name="BINANCE").click()
    visit.wait_text("#tape tr:first-child", "63,007.77")
    for title in ("chart", "book", "tape"):
        assert visit.text(f"#{title}-title").endswith("BINANCE, recorded")
    assert "63,008.88" not in visit.text("#tape")
    assert "source=BINANCE" in visit.page.url
    visit.page.reload()
    visit.wait_status("live")
    visit.wait_text("#tape tr:first-child", "63,007.77")
    assert visit.complaints == []


@pytest.mark.parametrize(
    ("house", "shown"),
    [((XACHE, BINANCE), "XACHE"), ((BINANCE,), "BINANCE")],
    indirect=["house"],
    ids=["house", "young-house"],
)
def test_without_a_choice_there_is_something_to_see(
    visit: Visit, house: PageHouse, shown: str
) -> None:
    visit.open(house.url)
    visit.wait_text("#chart-title", shown)
    house.trade(XACHE, PRICE_TICKS)
    visit.wait_text(last_of("XACHE"), "63,000.00")
    assert shown in visit.text("#chart-title"), "it does not change under the reader's eyes"
    assert painted_share(visit.page) > 0.01


def test_markets_and_intervals_are_chosen_by_address(visit: Visit, house: PageHouse) -> None:
    visit.open(house.url)
    visit.page.get_by_role("button", name="15m").click()
    pressed = visit.page.locator('#intervals [aria-pressed="true"]')
    pressed.filter(has_text="15m").wait_for()
    assert "interval=15m" in visit.page.url
    visit.wait_text("#symbols a[aria-current]", "BTC/USDT")
    visit.page.get_by_role("link", name="ETH/USDT").click()
    visit.wait_text("#symbols a[aria-current]", "ETH/USDT")
    assert pressed.inner_text() == "15m"
    house.trade(BINANCE, 250_000, ETH)
    visit.wait_text(last_of("BINANCE"), "2,500.00")
    assert "ETH/USDT" in visit.page.title()
    assert visit.complaints == []


def test_keys_and_pointer_read_out_candles(visit: Visit, house: PageHouse) -> None:
    visit.open(house.url)
    newest = visit.text("#readout")
    assert re.search(r"O [\d,.]+ *\s*H [\d,.]+", newest)
    visit.page.focus("#chart")
    visit.page.keyboard.press("ArrowLeft")
    visit.page.keyboard.press("ArrowLeft")
    visit.page.wait_for_function("old => readout.innerText !== old", arg=newest)
    by_key = visit.text("#readout")
    visit.page.hover("#chart", position={"x": 200, "y": 120})
    visit.page.wait_for_function("old => readout.innerText !== old", arg=by_key)
    visit.page.mouse.move(5, 5)
    visit.page.wait_for_function("old => readout.innerText === old", arg=newest)


def test_it_comes_back_after_a_restart(visit: Visit, house: PageHouse) -> None:
    visit.open(house.url)
    house.stop()
    visit.wait_status("reconnecting")
    assert visit.page.locator("#notice").is_visible()
    assert "may be old" in visit.text("#notice")
    house.market.trade(BINANCE, PRICE_TICKS + 31_415)
    house.start()
    visit.wait_status("live")
    visit.wait_text(last_of("BINANCE"), "63,314.15")
    assert visit.page.locator("#notice").is_hidden()


def test_silence_is_shown_as_stale(visit: Visit, house: PageHouse) -> None:
    visit.page.clock.install()
    visit.open(house.url)
    visit.page.clock.fast_forward(11_000)
    visit.wait_status("stale")
    assert "No news since" in visit.text("#notice")
    assert visit.page.locator('[role="status"]').inner_text() == "Stale"
    house.trade(BINANCE, PRICE_TICKS)
    visit.wait_status("live")


def test_a_venue_that_says_nothing_is_marked(visit: Visit, house: PageHouse) -> None:
    visit.open(house.url)
    assert visit.page.locator("#source-BINANCE .silent").is_hidden()
    house.do(house.market.line(BINANCE).line.silent)
    visit.page.locator("#source-BINANCE .silent").wait_for()
    assert visit.page.locator("#source-XACHE .silent").is_hidden()


@pytest.mark.parametrize(
    "visit",
    [
        {"viewport": PHONE, "color_scheme": "dark"},
        {"viewport": PHONE, "color_scheme": "light"},
        {"viewport": {"width": 900, "height": 700}},
        {"viewport": DESKTOP, "color_scheme": "dark", "reduced_motion": "reduce"},
    ],
    indirect=True,
    ids=["phone-dark", "phone-light", "tablet", "desktop-dark"],
)
def test_it_fits_and_can_be_read(visit: Visit, house: PageHouse, tmp_path: Path) -> None:
    visit.open(house.url)
    across, room = visit.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert across == room, "nothing sticks out sideways"
    cut_off = visit.page.evaluate(
        "[...document.querySelectorAll('td')].filter((cell) =>"
        " cell.scrollWidth > cell.clientWidth).map((cell) => cell.textContent)"
    )
    assert cut_off == []
    for ink, ground, contrast in visit.page.evaluate(CONTRASTS):
        assert contrast >= 4.5, f"{ink} on {ground}: WCAG 2 asks for 4.5 (AA)"
    visit.page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert visit.complaints == []


CONTRASTS = """() => {
  const pairs = [
    ["ink", "ground"], ["ink", "card"], ["quiet", "ground"], ["quiet", "card"], ["up", "card"],
    ["down", "card"], ["warn", "card"], ["warn", "warn-fill"], ["warn", "ground"],
    ["accent-ink", "accent"], ["card", "up"], ["card", "down"], ["card", "quiet"],
  ];
  const probe = document.createElement("canvas").getContext("2d");
  const light = (name) => {
    const style = getComputedStyle(document.documentElement);
    probe.fillStyle = style.getPropertyValue(`--${name}`).trim();
    const channel = (at) => {
      const value = parseInt(probe.fillStyle.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    };
    return 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
  };
  return pairs.map(([ink, ground]) => {
    const [low, high] = [light(ink), light(ground)].sort((a, b) => a - b);
    return [ink, ground, (high + 0.05) / (low + 0.05)];
  });
}"""


def test_it_is_told_apart_by_assistive_technology(visit: Visit, house: PageHouse) -> None:
    visit.open(house.url)
    page = visit.page
    for role in ("banner", "main", "contentinfo"):
        assert page.get_by_role(role).count() == 1
    assert page.get_by_role("navigation", name="Markets").count() == 1
    for name in ("Order book · XACHE, simulated", "Trades · XACHE, simulated"):
        table = page.get_by_role("table", name=name)
        assert table.get_by_role("columnheader").count() == 3
        assert table.get_by_role("row").count() > 30
    assert page.get_by_role("heading", level=1).inner_text() == "BTC/USDT market"
    assert page.locator("[aria-live]").count() == 1
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the market"
