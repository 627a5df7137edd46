"""A real browser against the edge of a whole daemon: sessions, other origins, the page of REST."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio
from trio.testing import MockClock

from tests.api.open_house import open_house
from tests.clients.browsing import PATIENCE_MS, Visit, browser, visit
from tests.security.whole_house import PASSWORD
from xached.api.http_listener import HttpListener, Receive, Scope, Send, open_listeners

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ("browser", "visit")  # fixtures

EMAIL = "ada@people.example"
CALL = """
async ([path, request, headers, verb]) => {
  const answer = await fetch(path, {
    method: verb,
    headers: { "content-type": "application/json", ...headers },
    body: verb === "POST" ? JSON.stringify(request) : undefined,
  });
  return [answer.status, await answer.json(), document.cookie];
}
"""


async def plain_page(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The page of somebody else."""
    headers = [(b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"<!doctype html><title>evil</title>"})


class RunningHouse:
    """A daemon and another site, on a loop in a thread of its own."""

    def __init__(self, directory: Path) -> None:
        self.url = ""
        self.evil_url = ""
        self._directory = directory
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._token: trio.lowlevel.TrioToken | None = None
        self._stop = trio.Event()

    def start(self) -> None:
        """Serve; Ada has an account."""
        self._thread.start()
        assert self._up.wait(PATIENCE_MS / 1000)

    def stop(self) -> None:
        """Stop serving."""
        assert self._token is not None
        trio.from_thread.run_sync(self._stop.set, trio_token=self._token)
        self._thread.join(PATIENCE_MS / 1000)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        clock = MockClock(rate=1.0)
        trio.run(self._serve, clock, clock=clock)

    async def _serve(self, clock: MockClock) -> None:
        self._token = trio.lowlevel.current_trio_token()
        async with open_house(self._directory, clock) as house:
            await house.register(EMAIL)
            listeners, _, port = await open_listeners("127.0.0.1:0")
            self.url = house.addresses.http
            self.evil_url = f"http://localhost:{port}"
            self._up.set()
            await HttpListener(plain_page).serve(listeners, self._stop, lambda: None)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHouse]:
    running = RunningHouse(tmp_path_factory.mktemp("edge"))
    running.start()
    yield running
    running.stop()


def call(
    page: Page, path: str, request: Any, headers: dict[str, str] | None = None, verb: str = "POST"
) -> Any:
    """Status and document of a call that a page makes; no page ever sees a cookie."""
    status, document, cookie = page.evaluate(CALL, [path, request, headers or {}, verb])
    assert cookie == ""
    return status, document


def test_a_page_keeps_its_session_in_a_cookie_it_cannot_read(
    visit: Visit, house: RunningHouse
) -> None:
    """Over plain HTTP on this machine; Chromium counts it as secure."""
    page = visit.page
    page.goto(house.url)
    login = {"email": EMAIL, "password": PASSWORD, "device": "chromium"}
    status, session = call(page, "/api/auth/login", login)
    assert status == 200
    assert session["tokens"]["refreshToken"] == ""
    (cookie,) = page.context.cookies()
    assert cookie["name"] == "__Host-xache-refresh"
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    csrf = {"x-xache-csrf": "1"}
    page.reload()
    assert call(page, "/api/auth/refresh", {})[0] == 403
    status, refreshed = call(page, "/api/auth/refresh", {}, csrf)
    assert status == 200
    bearer = {"authorization": f"Bearer {refreshed['tokens']['accessToken']}"}
    status, listed = call(page, "/api/auth/sessions", None, bearer, "GET")
    assert [each["current"] for each in listed["sessions"]] == [True]
    assert call(page, "/api/auth/logout", {}, bearer)[0] == 200
    assert page.context.cookies() == []
    assert call(page, "/api/auth/refresh", {}, csrf)[0] == 401


def test_the_page_of_another_site_gets_nothing(visit: Visit, house: RunningHouse) -> None:
    """It is on this machine, too: the same for cookies but of another origin."""
    page = visit.page
    page.goto(house.url)
    login = {"email": EMAIL, "password": PASSWORD, "device": "chromium"}
    assert call(page, "/api/auth/login", login)[0] == 200
    page.goto(house.evil_url)
    tries: tuple[tuple[str, dict[str, str], str, str], ...] = (
        ("/api/auth/refresh", {"x-xache-csrf": "1"}, "cors", "application/json"),
        ("/api/auth/refresh", {}, "cors", "application/json"),
        ("/api/auth/refresh", {}, "no-cors", "text/plain"),
        ("/xache.v1.AuthService/Refresh", {}, "no-cors", "text/plain"),
        ("/api/openapi.json", {}, "cors", "text/plain"),
    )
    for path, headers, mode, kind in tries:
        outcome = page.evaluate(
            """async ([url, headers, mode, kind]) => {
              try {
                const answer = await fetch(url, {
                  method: "POST", mode, credentials: "include", body: "{}",
                  headers: { "content-type": kind, ...headers },
                });
                return [answer.type, answer.status];
              } catch (error) { return [error.name, 0]; }
            }""",
            [house.url + path, headers, mode, kind],
        )
        assert outcome in (["TypeError", 0], ["opaque", 0]), path
    frame = page.evaluate(
        """(url) => new Promise((done) => {
          const frame = document.createElement("iframe");
          frame.addEventListener("load", () => {
            try { done(frame.contentDocument ? "readable" : "shut"); } catch { done("shut"); }
          });
          frame.src = url;
          document.body.append(frame);
        })""",
        house.url,
    )
    assert frame == "shut"
    page.goto(house.url)
    status, _ = call(page, "/api/auth/refresh", {}, {"x-xache-csrf": "1"})
    assert status == 200, "nothing of it was done"


@pytest.mark.parametrize("visit", [{"viewport": {"width": 360, "height": 780}}], indirect=True)
def test_the_page_of_rest_shows_every_method(
    visit: Visit, house: RunningHouse, tmp_path: Path
) -> None:
    page = visit.page
    page.goto(f"{house.url}/docs")
    page.locator("#notice").wait_for(state="hidden")
    document = page.evaluate("async () => await (await fetch('/api/openapi.json')).json()")
    methods = sum(len(verbs) for verbs in document["paths"].values())
    assert page.locator("details").count() == methods
    page.fill("#find", "place order")
    shown = page.locator("details:visible")
    assert "/api/trading/order" in shown.first.inner_text()
    page.locator("#PlaceOrder summary").click()
    inside = page.locator("#PlaceOrder .inside").inner_text()
    for text in ("my-first-order", "Idempotency-Key", "SIDE_BUY: Takes base, gives quote."):
        assert text in inside
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    shot = tmp_path / "docs.png"
    page.screenshot(path=shot, full_page=True)
    assert shot.stat().st_size > 20_000
    assert visit.complaints == []
    assert all(url.startswith(house.url) for url in visit.requests)
