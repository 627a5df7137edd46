"""Every screen there is, as it opens: seen, read by axe, quiet, and asking nobody but the house.

A screen that is new is here as soon as the house knows its address.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest

from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.demo import Demo, running_demo
from xached.api.bundle import SCREENS, shipped_bundle

if TYPE_CHECKING:
    from playwright.sync_api import ViewportSize

__all__ = ("browser", "visit")  # fixtures

APART = {"sign-in", "sign-up", "recover", "stop"}
"""Screens before a session."""

PARTS = ("account/identity", "account/terms", "account/data")
"""Parts of screens that have addresses of their own, and nothing in common with the first."""

LOOKS: dict[str, tuple[ViewportSize, Literal["dark", "light"]]] = {
    "desk-dark": (DESKTOP, "dark"),
    "desk-light": (DESKTOP, "light"),
    "phone-light": (PHONE, "light"),
    "phone-dark": (PHONE, "dark"),
}

QUIET = """
() => new Promise((done) => {
  const last = performance.getEntriesByType("resource").length;
  setTimeout(() => done(performance.getEntriesByType("resource").length === last), 400);
})
"""
TWO_FRAMES = """
() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
"""
UNREACHED = """
() => {
  const wanted = "a[href], button, input, select, textarea, summary, [tabindex]";
  const seen = (element) => element.checkVisibility({ visibilityProperty: true })
    && !element.closest("[aria-hidden=true]") && !element.disabled;
  return [...document.querySelectorAll(wanted)]
    .filter((element) => seen(element) && element.tabIndex < 0
      && !element.closest("[role=radiogroup], [role=tablist], [role=listbox], [role=menu]"))
    .map((element) => element.outerHTML.slice(0, 200));
}
"""

pytestmark = pytest.mark.xdist_group("web-screens")


@pytest.fixture(scope="module", autouse=True)
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    needs_client()
    with running_demo(tmp_path_factory.mktemp("screens-demo")) as running:
        yield running


def open_screen(visit: Visit, demo: Demo, screen: str) -> None:
    """Open a screen and wait until it has what it asks for."""
    if screen in APART:
        visit.page.add_init_script("localStorage.setItem('xache.stayed-out', '1')")
    visit.page.goto(f"{demo.http}/{screen}")
    visit.page.wait_for_selector("#content")
    if screen not in APART:
        visit.wait_status("live")
    while not visit.page.evaluate(QUIET):
        pass


@pytest.mark.parametrize("screen", sorted({*SCREENS, *PARTS}))
def test_every_screen_is_seen_and_read(visit: Visit, demo: Demo, screen: str) -> None:
    """In every look, which it changes while it is open."""
    open_screen(visit, demo, screen)
    for name, (size, scheme) in LOOKS.items():
        visit.page.set_viewport_size(size)
        visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        visit.page.evaluate(TWO_FRAMES)
        visit.shoot(f"screens/{screen.replace('/', '-')}-{name}")
        visit.check_looks()
        assert visit.page.evaluate(UNREACHED) == [], "what can be pressed can be reached by keys"
        assert visit.page.locator("h1, h2").count() >= 1
    assert visit.page.title() != ""
    visit.check_peace(demo.http.removeprefix("http://"))


def test_it_can_be_installed(visit: Visit, demo: Demo) -> None:
    """By Chromium's own judgement, of the manifest as it is served.

    Checked: with icons that are not there, or of a kind that is not served, Chromium objects.
    """
    open_screen(visit, demo, "trade")
    session = visit.context.new_cdp_session(visit.page)
    manifest = session.send("Page.getAppManifest")
    assert manifest["errors"] == []
    told = json.loads(manifest["data"])
    assert (told["display"], told["scope"]) == ("standalone", "/")
    assert told["start_url"].split("/")[1] in SCREENS
    assert {icon["purpose"] for icon in told["icons"]} >= {"any", "maskable"}
    for icon in told["icons"]:
        assert shipped_bundle()[icon["src"]].content_type == icon["type"]
    objections = session.send("Page.getInstallabilityErrors")["installabilityErrors"]
    # A browser without a profile of its own installs nothing; it has no other objection.
    assert [each["errorId"] for each in objections] in ([], ["in-incognito"])
