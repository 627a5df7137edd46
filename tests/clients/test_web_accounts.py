"""Opening and guarding an account in a real browser, against a real daemon with a real mailbox."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyotp
import pytest
from xache.v1 import auth_pb2, auth_pb2_grpc, trading_pb2_grpc, types_pb2

from tests.clients.browsing import Visit, browser, needs_client, visit
from tests.clients.real_house import NEW_PASSWORD, PASSWORD, RealHouse, real_house
from tests.faults.house import CALL_S_MAX, Metadata, connected, limit, open_market

__all__ = ("browser", "visit")  # fixtures

MAKER = "maker@people.example"

pytestmark = pytest.mark.xdist_group("web-accounts")


@pytest.fixture(scope="module", autouse=True)
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHouse]:
    """Started before the browser: playwright's loop in this thread lets no other one start."""
    needs_client()
    with real_house(tmp_path_factory.mktemp("web-accounts")) as running:
        yield running


def sign_up(visit: Visit, house: RealHouse, email: str) -> None:
    """Open an account on the page, with the code of the letter."""
    visit.page.goto(f"{house.process.http}/sign-up")
    visit.field("E-mail address").fill(email)
    visit.field("Pass phrase").fill("too short")
    visit.press("Open account")
    visit.page.get_by_role("alert").wait_for()
    visit.field("Pass phrase").fill(PASSWORD)
    visit.press("Open account")
    visit.wait_text("h1", "Check your mail")
    visit.check_looks()
    visit.field("Code from the letter").fill(house.code(email))
    visit.press("Confirm address")
    visit.page.wait_for_url(re.compile("/trade"))
    visit.wait_status("live")


def sign_in(visit: Visit, house: RealHouse, email: str, password: str) -> None:
    """Fill in the page to sign in."""
    visit.page.goto(f"{house.process.http}/sign-in")
    visit.field("E-mail address").fill(email)
    visit.field("Password").fill(password)
    visit.press("Sign in")


def log_in(house: RealHouse, email: str) -> tuple[str, Metadata]:
    """The id of an account, and the metadata of calls in its name."""
    with connected(house.process.target) as channel:
        auth = auth_pb2_grpc.AuthServiceStub(channel)
        request = auth_pb2.LoginRequest(email=email, password=PASSWORD)
        granted = auth.Login(request, timeout=CALL_S_MAX)
    return granted.account_id, (("authorization", f"Bearer {granted.tokens.access_token}"),)


def join_maker(house: RealHouse) -> None:
    """Open an account for who trades against the page."""
    with connected(house.process.target) as channel:
        auth = auth_pb2_grpc.AuthServiceStub(channel)
        asked = auth.Register(auth_pb2.RegisterRequest(email=MAKER, password=PASSWORD))
        auth.ConfirmRegistration(
            auth_pb2.ConfirmRegistrationRequest(
                confirmation_token=asked.confirmation_token, code=house.code(MAKER)
            )
        )


def test_from_sign_up_to_the_first_trade(visit: Visit, house: RealHouse) -> None:
    email = "ada@people.example"
    sign_up(visit, house, email)
    visit.page.get_by_text("No open orders").wait_for()
    join_maker(house)
    (account, _), (maker, metadata) = log_in(house, email), log_in(house, MAKER)
    open_market(house.process, [account, maker])
    visit.wait_text("#available", "50,000,000.00 USDT")
    with connected(house.process.target) as channel:
        trading = trading_pb2_grpc.TradingServiceStub(channel)
        ask = limit("ask-1", types_pb2.SIDE_SELL, "60010.00", "2")
        trading.PlaceOrder(ask, metadata=metadata, timeout=CALL_S_MAX)
    visit.wait_text("#asks button", "60,010.00")
    visit.page.locator("#asks button").first.click()
    visit.field("Quantity").fill("0.5")
    visit.wait_text("#preview", "30,035.00 USDT")
    visit.shoot("first-trade")
    visit.press("Buy BTC")
    visit.wait_text(".toast", "Buy 0.5 filled at 60,010.00")
    visit.press(re.compile("^Positions"))
    visit.wait_text("#positions tr", "0.5 BTC")
    visit.wait_text("#tape li", "60,010.00")
    visit.check_peace(house.process.http.removeprefix("http://"))


def test_a_second_factor_is_set_up_asked_for_and_survives_recovery(
    visit: Visit, house: RealHouse
) -> None:
    """Codes of another step of time each: one that was used is refused."""
    email = "grace@people.example"
    sign_up(visit, house, email)
    page = visit.page
    page.get_by_role("link", name="Security").click()
    visit.press("Turn on")
    visit.field("Password").fill("not the password")
    visit.press("Confirm")
    page.get_by_role("alert").wait_for()
    visit.field("Password").fill(PASSWORD)
    visit.press("Confirm")
    key = visit.text("#factor-key")
    assert page.locator(".qr path").get_attribute("d")
    visit.check_looks()
    visit.shoot("second-factor")
    visit.field("Code").fill(pyotp.TOTP(key).now())
    page.get_by_role("dialog").get_by_role("button", name="Turn on").click()
    page.locator("#recovery-codes code").first.wait_for()
    codes = page.locator("#recovery-codes code").all_inner_texts()
    assert len(codes) >= 8
    visit.press("I have kept them")
    visit.wait_text("#factor", "On")
    visit.press("Account")
    visit.press("Sign out")
    sign_in(visit, house, email, PASSWORD)
    visit.wait_text("h1", "One more step")
    visit.field("Code").fill("000000")
    visit.press("Confirm")
    page.get_by_role("alert").wait_for()
    visit.field("Code").fill(codes[0])
    visit.press("Confirm")
    page.wait_for_url(re.compile("/trade"))
    visit.press("Account")
    visit.press("Sign out")
    page.goto(f"{house.process.http}/recover")
    visit.field("E-mail address").fill(email)
    sent = len(house.letters(email))
    visit.press("Send the code")
    visit.field("Code from the letter").fill(house.code(email, sent + 1))
    visit.field("New pass phrase").fill(NEW_PASSWORD)
    visit.press("Set new password")
    page.get_by_role("alert").wait_for()  # the letter alone does not do
    visit.field("Authenticator code").fill(codes[1])
    visit.press("Set new password")
    page.wait_for_url(re.compile("/sign-in"))
    sign_in(visit, house, email, NEW_PASSWORD)
    visit.wait_text("h1", "One more step")
    visit.field("Code").fill(codes[2])
    visit.press("Confirm")
    page.wait_for_url(re.compile("/trade"))
    page.get_by_role("link", name="Security").click()
    visit.press("Turn off")
    visit.field("Code").fill(codes[3])
    visit.press_in("dialog", "Turn off")
    visit.wait_text(".notice.warn", "The second factor is off from")
    visit.press("Take it back")
    page.locator(".notice.warn").wait_for(state="detached")
    visit.check_peace(house.process.http.removeprefix("http://"))


def test_a_key_is_made_and_revoked_and_an_account_frozen(visit: Visit, house: RealHouse) -> None:
    email = "mary@people.example"
    sign_up(visit, house, email)
    page = visit.page
    page.get_by_role("link", name="Security").click()
    visit.press("New key")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("a bot of mine")
    dialog.get_by_label("trade").check()
    dialog.get_by_label(re.compile("Public key")).fill("zz")
    visit.wait_text(".field.wrong", "64 hexadecimal digits are needed")
    dialog.get_by_role("button", name="HMAC").click()
    visit.press("Make key")
    visit.field("Password").fill(PASSWORD)
    visit.press("Confirm")
    key_id = visit.text("#made-key")
    assert re.search(r"\b[0-9a-f]{64}\b", page.get_by_role("dialog").inner_text())
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    visit.wait_text("#key-list tr", key_id)
    visit.press(re.compile("Revoke the key a bot of mine"))
    page.get_by_text("No keys").wait_for()
    visit.press("Freeze the account")
    visit.press("Freeze now")
    page.wait_for_url(re.compile("/sign-in"))
    sign_in(visit, house, email, PASSWORD)
    visit.wait_text(".banner", "Your account is frozen")
    visit.check_peace(house.process.http.removeprefix("http://"))
