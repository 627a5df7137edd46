"""One's own account in a real browser: another address, a level with papers, terms, one's data."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from xache.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    options_pb2,
    staff_pb2,
    staff_pb2_grpc,
)

from tests.clients.administered import proven
from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.clients.real_house import RealHouse, real_house
from tests.clients.test_web_staff import png
from tests.faults.house import (
    CALL_S_MAX,
    PASSWORD,
    connected,
    open_market,
    sign_in,
)

__all__ = ("browser", "visit")  # fixtures

pytestmark = pytest.mark.xdist_group("web-own-account")

ADMIN, CORA = "admin@house.example", "cora@house.example"
IDA, EVE, TOM, DAN, LEA, MIA = (
    f"{name}@people.example" for name in ["ida", "eve", "tom", "dan", "lea", "mia"]
)
LIGHT = {"viewport": DESKTOP, "color_scheme": "light"}
LIGHT_PHONE = {"viewport": PHONE, "color_scheme": "light"}
TERMS = "Prices fall as they rise.\n\nYou can lose all that you bring."


@pytest.fixture(scope="module", autouse=True)
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHouse]:
    """A house that sends letters, and people whose addresses are confirmed."""
    needs_client()
    with real_house(tmp_path_factory.mktemp("web-own-account")) as running:
        ids = [join(running, each) for each in (IDA, EVE, TOM, DAN, LEA, MIA, CORA)]
        open_market(running.process, ids[:1])
        give_compliance(running.process.data / "admin.sock", ids[-1])
        yield running


def join(house: RealHouse, email: str) -> str:
    """Open an account with the code of the letter; its id."""
    with connected(house.process.target) as channel:
        auth = auth_pb2_grpc.AuthServiceStub(channel)
        asked = auth.Register(auth_pb2.RegisterRequest(email=email, password=PASSWORD))
        opened = auth.ConfirmRegistration(
            auth_pb2.ConfirmRegistrationRequest(
                confirmation_token=asked.confirmation_token, code=house.code(email)
            )
        )
    account_id: str = opened.account_id
    return account_id


def give_compliance(socket: Path, account: str) -> None:
    """As the administrator whom opening the market made."""
    with connected(f"unix:{socket}") as channel:
        request = admin_pb2.SetRoleRequest(
            account_id=account, role=options_pb2.ROLE_COMPLIANCE, granted=True
        )
        stub = admin_pb2_grpc.AdminServiceStub(channel)
        stub.SetRole(request, metadata=sign_in(channel, ADMIN), timeout=CALL_S_MAX)


class Staff:
    """Cora, by her own client."""

    def __init__(self, house: RealHouse) -> None:
        self._house = house

    def reject(self, reason: str) -> None:
        """Reject whoever waits."""
        with connected(self._house.process.target) as channel:
            stub, session = staff_pb2_grpc.StaffServiceStub(channel), sign_in(channel, CORA)
            waiting = stub.ListApplications(
                staff_pb2.ListApplicationsRequest(), metadata=session, timeout=CALL_S_MAX
            )
            (application,) = waiting.applications
            request = staff_pb2.ReviewApplicationRequest(
                application_id=application.application_id, approved=False, reason=reason
            )
            method = "/xache.v1.StaffService/ReviewApplication"
            proof = proven(auth_pb2_grpc.AuthServiceStub(channel), session, method, request)
            stub.ReviewApplication(request, metadata=proof, timeout=CALL_S_MAX)

    def publish(self, text: str) -> None:
        """Publish a disclosure, or its next version."""
        with connected(self._house.process.target) as channel:
            stub, session = staff_pb2_grpc.StaffServiceStub(channel), sign_in(channel, CORA)
            request = staff_pb2.PublishDisclosureRequest(
                name="risks", title="What can go wrong", text=text
            )
            method = "/xache.v1.StaffService/PublishDisclosure"
            proof = proven(auth_pb2_grpc.AuthServiceStub(channel), session, method, request)
            stub.PublishDisclosure(request, metadata=proof, timeout=CALL_S_MAX)


def enter(visit: Visit, house: RealHouse, email: str, part: str = "") -> None:
    """Sign in, and go to a part of one's account."""
    visit.page.goto(f"{house.process.http}/sign-in")
    visit.field("E-mail address").fill(email)
    visit.field("Password").fill(PASSWORD)
    visit.press("Sign in")
    visit.page.wait_for_url(re.compile("/trade"))
    visit.press("Account")
    visit.page.get_by_role("link", name="Your account").click()
    visit.page.get_by_role("heading", name="Your account").wait_for()
    if part:
        visit.page.get_by_role("link", name=part, exact=True).click()


def confirm(visit: Visit) -> None:
    """Prove that it is oneself."""
    visit.field("Password").fill(PASSWORD)
    visit.press("Confirm")


def test_an_address_is_changed_with_a_code_and_both_are_told(
    visit: Visit, house: RealHouse
) -> None:
    enter(visit, house, EVE)
    visit.press("Change the address")
    new = "eve.new@people.example"
    visit.field("New e-mail address").fill(new)
    visit.press("Send the code")
    confirm(visit)
    visit.wait_text("dialog", f"If {new} can be yours")
    visit.field("Code from the letter").fill("0000-0000")
    visit.press("Confirm address")
    visit.page.get_by_role("dialog").get_by_role("alert").wait_for()
    visit.check_looks()
    visit.shoot("account-email")
    visit.field("Code from the letter").fill(house.code(new))
    visit.press("Confirm address")
    visit.wait_text(".toast", "The new address holds from")
    visit.wait_text(".notice", new)
    visit.check_looks()
    assert "the change is made 24 hours later" in house.letters(EVE, 2)[1]
    assert "unless you stop it" in house.letters(EVE, 3)[2]
    visit.press("Take it back")
    visit.wait_text(".toast", "It is taken back")
    visit.page.locator(".notice").wait_for(state="detached")
    assert visit.text(".account .address") == EVE
    visit.check_peace(house.process.http.removeprefix("http://"))


@pytest.mark.parametrize("visit", [LIGHT_PHONE], indirect=True)
def test_the_old_address_stops_a_change_or_all_without_signing_in(
    visit: Visit, house: RealHouse
) -> None:
    enter(visit, house, TOM)
    visit.press("Change the address")
    visit.field("New e-mail address").fill("tom.new@people.example")
    visit.press("Send the code")
    confirm(visit)
    visit.field("Code from the letter").fill(house.code("tom.new@people.example"))
    visit.press("Confirm address")
    visit.wait_text(".notice", "This is the e-mail address")
    token = house.token(TOM, "email cancel", 3)
    visit.page.goto(f"{house.process.http}/stop")
    visit.field("Token from the letter").fill("nonsense")
    visit.press("Only keep my address")
    visit.page.get_by_role("alert").wait_for()
    visit.check_looks()
    visit.shoot("stop-light-phone")
    visit.field("Token from the letter").fill(token)
    visit.press("Only keep my address")
    visit.wait_text(".notice", "The address stays as it was")
    visit.page.goto(f"{house.process.http}/stop")
    visit.field("Token from the letter").fill(house.token(TOM, "freeze", 3))
    visit.press("Freeze the account")
    visit.wait_text(".notice", "The account is frozen")
    visit.page.goto(f"{house.process.http}/account")
    visit.page.wait_for_url(re.compile("/sign-in"))


@pytest.mark.parametrize("visit", [LIGHT], indirect=True)
def test_papers_are_uploaded_a_level_applied_for_and_a_rejection_told(
    visit: Visit, house: RealHouse, tmp_path: Path
) -> None:
    enter(visit, house, IDA, "Identity")
    visit.wait_text("#levels", "You have level 0")
    assert visit.page.locator("#levels-list tbody tr").count() == 4
    scan, text, large = (tmp_path / name for name in ("scan.png", "text.pdf", "large.png"))
    scan.write_bytes(png(600, 400) + b"\0" * 300_000)
    text.write_bytes(b"no paper " * 20_000)
    large.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(10 * 1024 * 1024))
    chooser = visit.page.get_by_label("File")
    visit.press("Upload")
    visit.wait_text("[role=alert]", "Choose a file.")
    chooser.set_input_files(text)
    visit.press("Upload")
    visit.wait_text("[role=alert]", "The document is of no type that is taken")
    chooser.set_input_files(large)
    visit.press("Upload")
    visit.wait_text("[role=alert]", "The file is larger than 10 MB.")
    visit.page.get_by_label("Level", exact=True).select_option(label="Level 2")
    visit.wait_text(".notice.warn", "Upload first: Identity.")
    visit.check_looks()
    visit.shoot("account-identity-light")
    chooser.set_input_files(scan)
    visit.press("Upload")
    visit.wait_text("#paper-list", re.compile(r"Identity.*PNG · 29\d kB", re.DOTALL))
    visit.page.get_by_text("Upload first").wait_for(state="detached")
    visit.field("Full name").fill("Ida Example")
    visit.field("Date of birth").fill("31.12.1990")
    visit.field("Country").fill("de")
    visit.field("Street, number, place").fill("1 Long Road, Berlin")
    visit.press("Apply")
    visit.wait_text("[role=alert]", "Allowed: YYYY-MM-DD")
    visit.field("Date of birth").fill("1990-12-31")
    visit.press("Apply")
    visit.wait_text("#application-list", "Waits for the staff")
    Staff(house).reject("The name on the paper is another one.")
    visit.page.reload()
    visit.wait_text("#application-list", "Why: The name on the paper is another one.")
    visit.check_looks()
    visit.shoot("account-rejected-light")
    visit.page.set_viewport_size(PHONE)
    visit.check_looks()
    visit.shoot("account-rejected-light-phone")
    visit.check_peace(house.process.http.removeprefix("http://"))


def test_terms_are_read_and_accepted_version_by_version(visit: Visit, house: RealHouse) -> None:
    Staff(house).publish(TERMS)
    enter(visit, house, DAN, "Terms")
    visit.wait_text(".prose", "You can lose all that you bring.")
    visit.wait_text(".badge", "to accept")
    visit.check_looks()
    visit.shoot("account-terms")
    visit.press("I have read this and accept it")
    visit.wait_text(".badge", "accepted")
    Staff(house).publish(f"{TERMS}\n\nMore than once.")
    visit.page.reload()
    visit.wait_text(".badge", "new version")
    visit.wait_text(".terms", "Version 2")
    visit.press("I have read this and accept it")
    visit.page.get_by_role("button", name="I have read").wait_for(state="detached")


def test_all_that_the_house_knows_is_saved_as_one_file(
    visit: Visit, house: RealHouse, tmp_path: Path
) -> None:
    enter(visit, house, LEA, "Your data")
    visit.press("Export")
    with visit.page.expect_download() as saved:
        confirm(visit)
    file = tmp_path / saved.value.suggested_filename
    saved.value.save_as(file)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        account = json.loads(archive.read("account.json"))
        assert {"standing.json", "trades.csv"} <= set(archive.namelist())
    assert account["accounts"][0]["email_sealed"] == LEA
    visit.wait_text(".toast", "The file is saved")


@pytest.mark.parametrize("visit", [LIGHT_PHONE], indirect=True)
def test_an_erasure_is_asked_for_and_taken_back(visit: Visit, house: RealHouse) -> None:
    enter(visit, house, LEA, "Your data")
    visit.press("Close and erase")
    visit.check_looks()
    visit.shoot("account-erase-light-phone")
    words = visit.page.get_by_role("dialog").locator("p").first.bounding_box()
    assert words is not None
    visit.page.mouse.move(words["x"] + 5, words["y"] + 5)
    visit.page.mouse.down()
    visit.page.mouse.move(5, 5)
    visit.page.mouse.up()
    assert visit.page.get_by_role("dialog").is_visible(), "marking text closes nothing"
    visit.page.mouse.click(5, 5)
    visit.page.get_by_role("dialog").wait_for(state="detached")
    visit.press("Close and erase")
    visit.page.get_by_role("dialog").get_by_role("button", name="Close and erase").click()
    confirm(visit)
    visit.wait_text(".toast", "Your account is erased on")
    visit.wait_text(".notice.warn", "The account is closed and erased")
    visit.page.get_by_role("link", name="Security").click()
    visit.wait_text(".notice.warn", "The account is closed and erased")
    visit.check_looks()
    visit.press("Take it back")
    visit.wait_text(".toast", "It is taken back")
    visit.page.locator(".notice.warn").wait_for(state="detached")


def test_preferences_are_kept_and_mistakes_said(visit: Visit, house: RealHouse) -> None:
    enter(visit, house, MIA)
    visit.field("Display name").fill("Mia <b>M</b>")
    visit.field("Time zone").fill("Europe/Atlantis")
    visit.page.get_by_label("Fills").check()
    visit.press("Save")
    visit.page.get_by_role("alert").wait_for()
    visit.field("Time zone").fill("Europe/Berlin")
    visit.press("Save")
    visit.wait_text(".toast", "Your preferences are saved")
    visit.page.reload()
    visit.page.locator(".topics").wait_for()
    assert visit.field("Display name").input_value() == "Mia <b>M</b>"
    assert visit.field("Time zone").input_value() == "Europe/Berlin"
    assert visit.page.get_by_label("Fills").is_checked()
    visit.check_peace(house.process.http.removeprefix("http://"))
