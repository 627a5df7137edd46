"""Confirming the address of an account that was opened before the house asked for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.clients.browsing import Visit, browser, needs_client, visit
from tests.clients.real_house import RealHouse, real_house
from tests.faults.house import PASSWORD, connected, register, running

__all__ = ("browser", "visit")  # fixtures

EMAIL = "early@people.example"
UNVERIFIED = "Your e-mail address is not confirmed"

pytestmark = pytest.mark.xdist_group("web-verification")


@pytest.fixture(scope="module", autouse=True)
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHouse]:
    """A house that sends letters, with an account of the time when it did not."""
    needs_client()
    root = tmp_path_factory.mktemp("web-verification")
    with running(root) as before, connected(before.target) as channel:
        register(channel, EMAIL)
    with real_house(root) as now:
        yield now


def test_the_banner_sends_a_code_that_confirms_the_address(visit: Visit, house: RealHouse) -> None:
    page = visit.page
    page.goto(f"{house.process.http}/sign-in")
    visit.field("E-mail address").fill(EMAIL)
    visit.field("Password").fill(PASSWORD)
    visit.press("Sign in")
    page.wait_for_url(re.compile("/trade"))
    visit.wait_text(".banner", UNVERIFIED)
    visit.wait_status("live")
    visit.check_looks()
    visit.press("Send a code")
    visit.wait_text("dialog", EMAIL)
    visit.field("Code from the letter").fill("0000-0000")
    visit.press("Confirm address")
    page.get_by_role("dialog").get_by_role("alert").wait_for()
    visit.check_looks()
    visit.shoot("verify-email")
    visit.press("Send another code")
    visit.wait_text("dialog [role=alert]", "A code was sent already")
    visit.field("Code from the letter").fill(house.code(EMAIL))
    visit.press("Confirm address")
    visit.wait_text(".toast", "Your address is confirmed")
    assert page.get_by_role("dialog").count() == 0
    page.get_by_text(UNVERIFIED).wait_for(state="detached")
    page.reload()
    visit.wait_status("live")
    assert page.get_by_text(UNVERIFIED).count() == 0
