"""Every screen there is, as it opens: seen, read by axe, quiet, and asking nobody but the house.

A screen that is new is here as soon as the house knows its address.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest

from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.demo import Demo, running_demo
from xached.api.bundle import SCREENS, shipped_bundle

__all__ = ("browser", "visit")  # fixtures

APART = {"sign-in", "sign-up", "recover"}
"""Screens before a session."""

LOOKS = {
    "desk-dark": {"viewport": DESKTOP, "color_scheme": "dark"},
    "desk-light": {"viewport": DESKTOP, "color_scheme": "light"},
    "phone-dark": {"viewport": PHONE, "color_scheme": "dark", "is_mobile": True, "has_touch": True},
    "phone-light": {
        "viewport": PHONE,
        "color_scheme": "light",
        "is_mobile": True,
        "has_touch": True,
        "reduced_motion": "reduce",
    },
}

QUIET = """
() => new Promise((done) => {
  const last = performance.getEntriesByType("resource").length;
  setTimeout(() => done(performance.getEntriesByType("resource").length === last), 400);
})
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


@pytest.mark.parametrize(
    ("visit", "screen"),
    list(itertools.product(LOOKS.values(), sorted(SCREENS))),
    indirect=["visit"],
    ids=[f"{screen}-{look}" for look in LOOKS for screen in sorted(SCREENS)],
)
def test_every_screen_is_seen_and_read(
    visit: Visit, demo: Demo, screen: str, request: pytest.FixtureRequest
) -> None:
    open_screen(visit, demo, screen)
    visit.shoot(f"screens/{request.node.callspec.id}")
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
