"""What one owns and earned in a real browser: course, statements, analytics, allowed addresses."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.demo import Demo, running_demo

__all__ = ("browser", "visit")  # fixtures

LOOKS = pytest.mark.parametrize(
    "visit",
    [
        {"viewport": DESKTOP, "color_scheme": "dark"},
        {"viewport": PHONE, "color_scheme": "light", "is_mobile": True, "has_touch": True},
    ],
    indirect=True,
    ids=["desk-dark", "phone-light"],
)

pytestmark = pytest.mark.xdist_group("demo-web-portfolio")


@pytest.fixture(scope="module", autouse=True)
def client() -> None:
    needs_client()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo for the whole file."""
    with running_demo(tmp_path_factory.mktemp("web-portfolio-demo")) as running:
        yield running


def enter(visit: Visit, demo: Demo, path: str) -> None:
    visit.page.goto(demo.http + path)
    visit.wait_status("live")


def buy(visit: Visit, demo: Demo) -> None:
    enter(visit, demo, "/trade/BTC-USDT")
    visit.press("Market")
    visit.field("Total").fill("250")
    visit.wait_text("#preview", "You pay")
    visit.press("Buy BTC")
    visit.wait_text(".toast", re.compile(r"Buy 0\.\d+ filled"))


@LOOKS
def test_the_course_of_a_worth_is_drawn_and_told(
    visit: Visit, demo: Demo, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id
    buy(visit, demo)
    enter(visit, demo, "/portfolio")
    visit.wait_text("#course", re.compile(r"Earned[−+\d,.]+ USDT"))
    drawn = visit.page.locator("figure.curve svg")
    drawn.wait_for()
    assert re.match("Worth: ", drawn.get_attribute("aria-label") or "")
    visit.press("Return")
    visit.wait_text("figure.curve figcaption", "%")
    visit.press("7D")
    visit.wait_text("figure.curve figcaption", "%")
    visit.check_looks()
    visit.shoot(f"portfolio-course-{name}")
    visit.page.get_by_role("link", name="Analytics").click()
    visit.wait_text("#profit-by-market", "BTC/USDT")
    visit.wait_text("#turnover-table", "All days")
    visit.wait_text("#course", "Deepest fall")
    visit.check_looks()
    visit.shoot(f"analytics-{name}")
    visit.check_peace(demo.http.removeprefix("http://"))


def test_statements_are_files_to_keep(visit: Visit, demo: Demo, tmp_path: Path) -> None:
    buy(visit, demo)
    enter(visit, demo, "/portfolio")
    columns: dict[str, set[str]] = {}
    kinds: set[str] = set()
    for name in ("Trades (CSV)", "Movements of main (CSV)", "Fees of main (CSV)"):
        with visit.page.expect_download() as downloading:
            visit.press(name)
        file = tmp_path / downloading.value.suggested_filename
        downloading.value.save_as(file)
        with file.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
        assert rows, name
        columns[name] = set(rows[0])
        kinds |= {row.get("kind", "") for row in rows}
    assert {"time", "seq", "asset", "amount"} <= columns["Movements of main (CSV)"]
    assert {"date", "taker_fee"} <= columns["Fees of main (CSV)"]
    assert {"Deposit", "Trade", "Fee"} <= kinds
    visit.page.get_by_label("To, and with it").fill("2020-01-01")
    visit.wait_text(".field.wrong .note", "ends before")
    assert visit.page.get_by_role("button", name="Trades (CSV)").is_disabled()
    visit.check_peace(demo.http.removeprefix("http://"))


def test_addresses_are_allowed_and_a_change_that_waits_is_taken_back(
    visit: Visit, demo: Demo
) -> None:
    enter(visit, demo, "/security")
    visit.wait_text("#networks", "anywhere")
    allow(visit, demo, "127.0.0.0/16, ::1")
    visit.wait_text("#networks", "127.0.0.0/16")
    allow(visit, demo, "127.0.0.0/16, ::1, 192.0.2.0/24")
    visit.wait_text(".notice", "192.0.2.0/24")
    assert "192.0.2.0/24" not in visit.text("#networks"), "it waits"
    for name, viewport in (("desk", DESKTOP), ("phone", PHONE)):
        visit.page.set_viewport_size(viewport)
        visit.page.locator("#networks").scroll_into_view_if_needed()
        visit.check_looks()
        visit.shoot(f"security-allowed-{name}-dark")
    visit.press("Take it back")
    visit.wait_text(".toast", "taken back")
    visit.page.get_by_role("button", name="Take it back").wait_for(state="detached")
    allow(visit, demo, "203.0.113.9")
    visit.wait_text("dialog [role=alert]", "lock you out")
    visit.check_peace(demo.http.removeprefix("http://"))


def allow(visit: Visit, demo: Demo, networks: str) -> None:
    card = visit.page.locator("section", has=visit.page.locator("#guards"))
    card.get_by_role("button", name="Change", exact=True).click()
    visit.field("Addresses and networks").fill(networks)
    visit.press("Set")
    proof = visit.page.get_by_role("dialog", name="Confirm that it is you")
    proof.get_by_label("Password").fill(demo.password())
    proof.get_by_role("button", name="Confirm").click()
