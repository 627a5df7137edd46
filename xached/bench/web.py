"""What the web client costs the machine of who looks at it: the real daemon and a real Chromium.

* The first page: a browser that has nothing yet opens the desk of somebody who is signed in; ready
  is when the book, the balances and the state of the stream are shown.
* A lively book: a trader changes it fifty times a second, and never back to what it was; what all
  processes of the browser use together, beside what they use while the book is quiet. How often
  the page shows another book is counted too: one that showed less would cost less.
* An hour, speeded up: as many messages as an hour of that has, as fast as they can be had, with
  orders of the reader's own and trades among them. The heap after a collection must not grow from
  one third of the hour to the last.

The script counts frames of gRPC-Web as they are read, so that a page that was told nothing is no
measurement. Without a browser nothing is measured, and that is said.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import count
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import attrs
import grpc
from xache.v1 import trading_pb2, trading_pb2_grpc, types_pb2

from xached.api.bundle import is_client_built
from xached.bench.figures import AtLeast, AtMost, Figure
from xached.bench.flow import SYMBOL
from xached.bench.house import PASSWORD, Account, MeasuredHouse, measured_house
from xached.bench.load_messages import PRICE, QUANTITY
from xached.bench.processes import BenchFailed

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Page

FIRST_PAGE_S_MAX: Final = 1.5
CORE_SHARE_MAX: Final = 0.4
HEAP_RATIO_MAX: Final = 1.1
"""A heap after a collection is never twice the same: a tenth is noise, an hour's leak is more."""
CHANGES_PER_S: Final = 50
PACE_MIN: Final = 0.9
"""A book that moves less often than this share of the pace is not what was to be measured."""
HEAP_LOOKS: Final = 9
"""After a first tenth of the hour, in which lists fill up to their bounds."""
OPEN_AT_ONCE: Final = 4
"""Orders of the trader who changes the book, in the book."""
LOTS_MAX: Final = 1_000
DRAWN_PER_S_MIN: Final = 8.0
"""A book that is shown less often does not look alive; more than a dozen nobody can read."""
AT_ONCE: Final = 20
"""Orders in a message, while the hour is speeded up."""
CALL_S_MAX: Final = 30.0
PATIENCE_MS: Final = 60_000
FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
"""A container has no user namespaces for Chromium's sandbox; it opens the house's page only."""

NO_BROWSER: Final = "not installed: pip install 'xached[bench]', and chromium from the system"

Progress = Callable[[str], None]

_COUNT_FRAMES: Final = """
(() => {
  globalThis.framesRead = 0;
  const { read } = ReadableStreamDefaultReader.prototype;
  const states = new WeakMap();
  const take = (state, bytes) => {
    for (let at = 0; at < bytes.length; ) {
      if (state.left > 0) {
        const step = Math.min(state.left, bytes.length - at);
        state.left -= step;
        at += step;
      } else {
        state.head.push(bytes[at]);
        at += 1;
        if (state.head.length === 5) {
          const [, a, b, c, d] = state.head;
          state.left = ((a * 256 + b) * 256 + c) * 256 + d;
          state.head = [];
          globalThis.framesRead += 1;
        }
      }
    }
  };
  ReadableStreamDefaultReader.prototype.read = async function () {
    const result = await read.call(this);
    if (!states.has(this)) states.set(this, { head: [], left: 0 });
    if (result.value instanceof Uint8Array) take(states.get(this), result.value);
    return result;
  };
})();
"""
_READY: Final = """
(() => {
  const ready = () => document.querySelector("#bids button") && document.querySelector("#available")
    && document.body.dataset.status === "live";
  const look = () => {
    if (!document.body || !ready()) return requestAnimationFrame(look);
    globalThis.readyMs = performance.now();
  };
  requestAnimationFrame(look);
})();
"""
_SIGN_IN: Final = """
async ([email, password]) => {
  const answer = await fetch("/api/auth/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password, device: "bench" }),
  });
  return answer.status;
}
"""


@attrs.frozen(kw_only=True)
class WebSizes:
    """How often pages are opened, how long books are watched, how many messages an hour has."""

    pages: int
    window_s: float
    hour_messages: int


def measure_web(sizes: WebSizes, progress: Progress) -> list[Figure]:
    """Measure the page. Raises: BenchFailed, also at once where the client is not built."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None or importlib.util.find_spec("playwright") is None:
        return _unmeasured()
    if not is_client_built():
        raise BenchFailed("the web client is not built: `make setup` builds it")
    from playwright.sync_api import Error, sync_playwright

    with tempfile.TemporaryDirectory(prefix="xached-bench-") as name:
        progress("starting a house")
        with measured_house(Path(name), pairs=1) as house, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
            try:
                return _measure(house, browser, sizes, progress)
            except Error as error:
                raise BenchFailed(f"the browser: {error.message}") from error
            finally:
                browser.close()


def _measure(
    house: MeasuredHouse, browser: Browser, sizes: WebSizes, progress: Progress
) -> list[Figure]:
    progress("first pages")
    pages_s = []
    for _ in range(sizes.pages):
        with _desk(house, browser) as page:
            pages_s.append(float(page.evaluate("readyMs")) / 1_000)
    with _desk(house, browser) as page, _trader(house) as trader:
        meter = _Meter(page, browser.new_browser_cdp_session())
        progress("a quiet book")
        quiet = _watch(meter, sizes.window_s, lambda: time.sleep(0.05))
        progress(f"a book that moves {CHANGES_PER_S} times a second")
        lively = _watch(meter, sizes.window_s, trader.pace)
        progress(f"{sizes.hour_messages:,} messages")
        heaps = _live_an_hour(meter, trader, sizes.hour_messages)
    return web_figures(pages_s, quiet, lively, heaps)


@contextmanager
def _desk(house: MeasuredHouse, browser: Browser) -> Iterator[Page]:
    """A desk that is ready, in a browser that had nothing of the house before."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"{house.server.http}/docs")
        if page.evaluate(_SIGN_IN, [house.pairs[0][1].email, PASSWORD]) != 200:
            raise BenchFailed("the reader of the page was not signed in")
        page.add_init_script(_COUNT_FRAMES)
        page.add_init_script(_READY)
        page.goto(f"{house.server.http}/trade/{SYMBOL}")
        page.wait_for_function("() => globalThis.readyMs !== undefined")
        yield page
    finally:
        context.close()


@attrs.frozen
class Watched:
    """What a while of a page cost."""

    core_share: float
    frames_per_s: float
    drawn_per_s: float = 0.0
    parts: str = ""


class _Meter:
    """What a browser and its page use, by the browser's own word."""

    def __init__(self, page: Page, browser: CDPSession) -> None:
        self.page = page
        self._browser = browser
        self._page = page.context.new_cdp_session(page)
        self._page.send("Performance.enable")

    def cpu_s(self) -> dict[str, float]:
        """Processor time of the processes of the browser, by their kinds."""
        found: dict[str, float] = {}
        for each in self._browser.send("SystemInfo.getProcessInfo")["processInfo"]:
            found[each["type"]] = found.get(each["type"], 0.0) + float(each["cpuTime"])
        return found

    def frames(self) -> int:
        """Messages that the page has read."""
        return int(self.page.evaluate("framesRead"))

    def heap_bytes(self) -> float:
        """What is in use after a collection."""
        self._page.send("HeapProfiler.collectGarbage")
        return self._metric("JSHeapUsedSize")

    def drawn(self) -> float:
        """How often the page has been laid out: each time that it showed other figures."""
        return self._metric("LayoutCount")

    def _metric(self, name: str) -> float:
        metrics = self._page.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == name))


class _Trader:
    """Moves the book, alone or against who reads the page."""

    def __init__(self, channel: grpc.Channel, maker: Account, reader: Account) -> None:
        self._stub = trading_pb2_grpc.TradingServiceStub(channel)
        self._maker, self._reader = maker, reader
        self._names = count()
        self._open: deque[str] = deque()
        self._lots = 0
        self._due_s = time.monotonic()

    def pace(self) -> None:
        """Make the next change when it is time for it: an order comes, or goes."""
        now_s = time.monotonic()
        self._due_s = max(self._due_s + 1 / CHANGES_PER_S, now_s - 0.2)
        time.sleep(max(0.0, self._due_s - now_s))
        if len(self._open) > OPEN_AT_ONCE:
            cancel = trading_pb2.CancelOrderRequest(client_order_id=self._open.popleft())
            self._stub.CancelOrder(cancel, metadata=self._maker.metadata, timeout=CALL_S_MAX)
        else:
            # None is as large as the one before: the book never is what it was a moment ago.
            self._lots = self._lots % LOTS_MAX + 1
            order = self._order(types_pb2.SIDE_SELL, str(Decimal(QUANTITY) * self._lots))
            self._stub.PlaceOrder(order, metadata=self._maker.metadata, timeout=CALL_S_MAX)
            self._open.append(order.client_order_id)

    def hurry(self) -> None:
        """Many changes at once, the last of them by trades with the reader."""
        for account, side in (
            (self._maker, types_pb2.SIDE_SELL),
            (self._reader, types_pb2.SIDE_BUY),
        ):
            orders = [self._order(side) for _ in range(AT_ONCE)]
            batch = trading_pb2.PlaceOrdersRequest(orders=orders)
            self._stub.PlaceOrders(batch, metadata=account.metadata, timeout=CALL_S_MAX)

    def _order(
        self, side: types_pb2.Side, quantity: str = QUANTITY
    ) -> trading_pb2.PlaceOrderRequest:
        return trading_pb2.PlaceOrderRequest(
            client_order_id=f"web-{next(self._names)}",
            symbol=SYMBOL,
            side=side,
            type=types_pb2.ORDER_TYPE_LIMIT,
            price=PRICE,
            quantity=quantity,
        )


@contextmanager
def _trader(house: MeasuredHouse) -> Iterator[_Trader]:
    with grpc.insecure_channel(house.server.target) as channel:
        yield _Trader(channel, *house.pairs[0])


def _watch(meter: _Meter, window_s: float, step: Callable[[], None]) -> Watched:
    began_s, began_cpu_s, began_frames = time.monotonic(), meter.cpu_s(), meter.frames()
    began_drawn = meter.drawn()
    while time.monotonic() < began_s + window_s:
        step()
    took_s = time.monotonic() - began_s
    shares = {
        kind: (used_s - began_cpu_s.get(kind, 0.0)) / took_s
        for kind, used_s in meter.cpu_s().items()
    }
    return Watched(
        sum(shares.values()),
        (meter.frames() - began_frames) / took_s,
        (meter.drawn() - began_drawn) / took_s,
        ", ".join(f"{kind} {share:.2f}" for kind, share in sorted(shares.items())),
    )


def _live_an_hour(meter: _Meter, trader: _Trader, messages: int) -> list[float]:
    """The heap, as the hour goes on."""
    # In candles of a second the real minutes that this takes would be what grows.
    meter.page.locator(".intervals button").filter(has_text="1m").click()
    heaps: list[float] = []
    began = meter.frames()
    while len(heaps) < HEAP_LOOKS:
        trader.hurry()
        read = meter.frames() - began
        if read >= messages * (len(heaps) + 2) / (HEAP_LOOKS + 1):
            heaps.append(meter.heap_bytes())
    return heaps


def web_figures(
    pages_s: list[float], quiet: Watched, lively: Watched, heaps: list[float]
) -> list[Figure]:
    """What was found, beside its targets; a share that was taken of too little is void."""
    third = HEAP_LOOKS // 3
    slow = lively.frames_per_s < PACE_MIN * CHANGES_PER_S
    return [
        Figure(
            "web_first_page_s",
            median(pages_s),
            "s",
            AtMost(FIRST_PAGE_S_MAX),
            note=f"median of {len(pages_s)}, with nothing kept; the best {min(pages_s):.2f}",
        ),
        Figure("web_frames_per_s", lively.frames_per_s, "/s", note="messages the page was told"),
        Figure(
            "web_book_drawn_per_s",
            lively.drawn_per_s,
            "/s",
            AtLeast(DRAWN_PER_S_MIN),
            note="how often the page showed another book",
            void=slow,
        ),
        Figure(
            "web_quiet_core_share",
            quiet.core_share,
            "",
            note="of all processes of the browser, without a change",
        ),
        Figure(
            "web_book_core_share",
            lively.core_share,
            "",
            AtMost(CORE_SHARE_MAX),
            note=f"at {CHANGES_PER_S} changes of the book a second: {lively.parts}",
            void=slow,
        ),
        Figure("web_heap_mb", heaps[-1] / 1e6, "MB", note="in use after the hour"),
        Figure(
            "web_heap_last_third_over_first",
            median(heaps[-third:]) / median(heaps[:third]),
            "",
            AtMost(HEAP_RATIO_MAX),
            note=" ".join(f"{each / 1e6:.1f}" for each in heaps) + " MB",
        ),
    ]


def _unmeasured() -> list[Figure]:
    targets = {
        "web_first_page_s": AtMost(FIRST_PAGE_S_MAX),
        "web_frames_per_s": None,
        "web_book_drawn_per_s": AtLeast(DRAWN_PER_S_MIN),
        "web_quiet_core_share": None,
        "web_book_core_share": AtMost(CORE_SHARE_MAX),
        "web_heap_mb": None,
        "web_heap_last_third_over_first": AtMost(HEAP_RATIO_MAX),
    }
    return [Figure(name, None, "", target, NO_BROWSER) for name, target in targets.items()]
