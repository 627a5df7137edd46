"""A real browser that complains of everything: errors, violations of the policy, other hosts."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from xached.api.bundle import DOCUMENT, shipped_bundle

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize

REPOSITORY = Path(__file__).parents[2]
CLIENT = REPOSITORY / "clients" / "web"
RESULTS = REPOSITORY / "test-results" / "web"
AXE = CLIENT / "node_modules" / "axe-core" / "axe.min.js"

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
# A container has no user namespace for Chromium's sandbox and no graphics; it loads our page only.
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
DARK: dict[str, Any] = {"viewport": DESKTOP, "color_scheme": "dark"}
PHONE: ViewportSize = {"width": 360, "height": 780}
PATIENCE_MS = 60_000
"""A machine that is busy with other tests may need its time; nothing waits longer than it must."""
GRAVE = ("serious", "critical")
FAILED = pytest.StashKey[bool]()
"""Of a test whose body has failed."""


def needs_client() -> None:
    """Skip what looks at the web client where it is not built; in CI it is."""
    built = b"not built" not in shipped_bundle()[DOCUMENT].body
    if not built and os.environ.get("CI") != "true":
        pytest.skip("the web client is not built (make setup)")
    assert built, "these tests are part of CI: make setup builds the client"


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

    @property
    def context(self) -> BrowserContext:
        """The browser's memory: cookies and storage."""
        return self.page.context

    def wait_status(self, status: str) -> None:
        """Wait for the state of the stream, as the page shows it."""
        self.page.wait_for_selector(f'body[data-status="{status}"]')

    def text(self, selector: str) -> str:
        """What an element says."""
        return self.page.locator(selector).first.inner_text()

    def wait_text(self, selector: str, text: str | re.Pattern[str]) -> None:
        """Wait until an element says something."""
        self.page.locator(selector).filter(has_text=text).first.wait_for()

    def field(self, label: str) -> Any:
        """A field by its label."""
        return self.page.get_by_role("textbox", name=label, exact=True)

    def press(self, name: str | re.Pattern[str]) -> None:
        """Press a button by its name."""
        self.page.get_by_role("button", name=name, exact=isinstance(name, str)).first.click()

    def press_in(self, part: str, name: str) -> None:
        """Press a button of a part of the page: that of a window, not the one that opened it."""
        within = self.page.locator(part)
        within.get_by_role("button", name=name, exact=True).first.click()

    def follow(self, *links: str) -> None:
        """Follow links by their names."""
        for link in links:
            self.page.get_by_role("link", name=link, exact=True).click()

    def choose(self, label: str, choice: str) -> None:
        """Choose in a list, by what it says."""
        self.page.get_by_label(label, exact=True).last.select_option(label=choice)

    def sign_in(self, root: str, email: str, password: str) -> None:
        """Sign in on the page."""
        self.page.goto(f"{root}/sign-in")
        self.field("E-mail address").fill(email)
        self.field("Password").fill(password)
        self.press("Sign in")
        self.page.wait_for_url(re.compile("/(trade|admin)"))

    def shoot(self, name: str) -> None:
        """Leave a picture of the page with the results of the tests."""
        RESULTS.mkdir(parents=True, exist_ok=True)
        shot = RESULTS / f"{name}.png"
        self.page.screenshot(path=shot)
        assert shot.stat().st_size > 8_000

    def check_looks(self) -> None:
        """Assert that nothing sticks out, and that axe finds nothing grave."""
        across, room = self.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert across <= room, "nothing sticks out sideways"
        # The page's policy does not hold for what a tester brings along.
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate(
            "async () => (await axe.run(document, { resultTypes: ['violations'] })).violations.map("
            "({ id, impact, nodes }) => [impact, id, nodes.map(({ html, failureSummary }) =>"
            " `${html} ${failureSummary}`)])"
        )
        grave = [each for each in found if each[0] in GRAVE]
        assert not grave, grave

    def check_peace(self, *hosts: str) -> None:
        """Assert that the page complained of nothing and asked nobody but the house."""
        assert self.complaints == [], self.complaints
        assert {urlsplit(url).netloc for url in self.requests} <= set(hosts)

    def tell(self) -> None:
        """Print what a test that failed leaves: where it was, what it complained of and showed."""
        print(self.page.url, *self.complaints, sep="\n")
        print(self.page.locator("body").inner_text(timeout=5_000))

    def _hear(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"{message.type}: {message.text}")


@pytest.fixture
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    options: dict[str, Any] = getattr(request, "param", DARK)
    context = browser.new_context(locale="en-GB", timezone_id="UTC", **options)
    visit = Visit(context.new_page())
    yield visit
    if request.node.stash.get(FAILED, False):
        visit.tell()
    context.close()
