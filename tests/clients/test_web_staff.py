"""Screens of the staff, and of administrators at their own port, in a real browser."""

from __future__ import annotations

import hashlib
import re
import struct
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator

import attrs
import pyotp
import pytest
from xache.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2,
    auth_pb2_grpc,
    compliance_pb2,
    compliance_pb2_grpc,
    options_pb2,
    staff_pb2,
    staff_pb2_grpc,
)

from tests.clients.administered import ADMIN, administered, proven
from tests.clients.browsing import DESKTOP, PHONE, Visit, browser, needs_client, visit
from tests.faults.house import (
    CALL_S_MAX,
    PASSWORD,
    HouseProcess,
    Metadata,
    connected,
    running,
    sign_in,
)
from xached.api.bundle import ADMIN_FILES, shipped_bundle

__all__ = ("browser", "visit")  # fixtures

pytestmark = pytest.mark.xdist_group("web-staff")

CORA, SAM = "cora@house.example", "sam@house.example"
ANN, BEA = "ann@people.example", "bea@people.example"
LIGHT_PHONE = {"viewport": PHONE, "color_scheme": "light"}
LIGHT = {"viewport": DESKTOP, "color_scheme": "light"}


def png(width: int, height: int) -> bytes:
    """A grey picture."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = b"".join(b"\0" + bytes([90 + row % 100]) * width for row in range(height))
    packed = zlib.compress(rows)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


@attrs.frozen
class Staffed:
    """A house with people who work for it, and two who apply; one of them is on a list."""

    process: HouseProcess
    ann: str
    bea: str
    sam: str
    guarded: HouseProcess
    """Another house, whose administrator needs codes, as every house but a demo does."""
    recovery_codes: list[str]


@pytest.fixture(scope="module", autouse=True)
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staffed]:
    """Started before the browser: playwright's loop in this thread lets no other one start."""
    needs_client()
    root = tmp_path_factory.mktemp
    with (
        administered(root("web-staff"), ANN, BEA, SAM, CORA) as open_house,
        running(root("web-guarded"), admin_http="127.0.0.1:0", admin="") as guarded,
    ):
        codes = enrol(guarded)
        open_house.give_role(CORA, options_pb2.ROLE_COMPLIANCE)
        open_house.give_role(SAM, options_pb2.ROLE_SUPPORT)
        with connected(open_house.process.target) as channel:
            auth = auth_pb2_grpc.AuthServiceStub(channel)
            blame(staff_pb2_grpc.StaffServiceStub(channel), auth, sign_in(channel, CORA))
            stub = compliance_pb2_grpc.ComplianceServiceStub(channel)
            apply(stub, sign_in(channel, ANN), "Ann Other")
            apply(stub, sign_in(channel, BEA), "Bea Listed")
        ann, bea, sam = (open_house.people[each] for each in (ANN, BEA, SAM))
        yield Staffed(open_house.process, ann, bea, sam, guarded, codes)


def enrol(process: HouseProcess) -> list[str]:
    """Make an administrator with an authenticator; its recovery codes, which work once each."""
    with connected(f"unix:{process.data / 'admin.sock'}") as channel:
        first = admin_pb2.BootstrapAdminRequest(token=process.token, email=ADMIN, password=PASSWORD)
        admin_pb2_grpc.AdminServiceStub(channel).BootstrapAdmin(first, timeout=CALL_S_MAX)
        stub, session = auth_pb2_grpc.AuthServiceStub(channel), sign_in(channel, ADMIN)
        begun = stub.EnrolSecondFactor(
            auth_pb2.EnrolSecondFactorRequest(),
            metadata=proven(stub, session, "/xache.v1.AuthService/EnrolSecondFactor"),
            timeout=CALL_S_MAX,
        )
        code = auth_pb2.ConfirmSecondFactorRequest(code=pyotp.TOTP(begun.secret).now())
        confirmed = stub.ConfirmSecondFactor(code, metadata=session, timeout=CALL_S_MAX)
    return list(confirmed.recovery_codes)


def apply(stub: compliance_pb2_grpc.ComplianceServiceStub, metadata: Metadata, name: str) -> None:
    """Somebody applies, with a paper."""
    details = compliance_pb2.PersonDetails(
        name=name, birth_date="1990-02-03", country="DE", address="1 Long Road, Berlin"
    )
    paper = compliance_pb2.UploadDocumentRequest(
        kind=compliance_pb2.DOCUMENT_KIND_IDENTITY, content=png(320, 200)
    )
    stub.UploadDocument(iter([paper]), metadata=metadata, timeout=CALL_S_MAX)
    request = compliance_pb2.ApplyForLevelRequest(level=1, details=details)
    stub.ApplyForLevel(request, metadata=metadata, timeout=CALL_S_MAX)


def blame(
    stub: staff_pb2_grpc.StaffServiceStub, auth: auth_pb2_grpc.AuthServiceStub, metadata: Metadata
) -> None:
    """A list comes in that Bea is on; the house finds her when she applies."""
    content = b"id,name,aliases,birth_date,country,program\n7,Bea Listed,,1990-02-03,DE,TEST\n"
    digest = hashlib.sha256(content).digest()
    request = staff_pb2.ImportWatchlistRequest(name="test", content=content, digest=digest)
    proof = proven(auth, metadata, "/xache.v1.StaffService/ImportWatchlist", request)
    stub.ImportWatchlist(iter([request]), metadata=proof, timeout=CALL_S_MAX)


def prove(visit: Visit) -> None:
    """Say the password for one request."""
    visit.field("Password").fill(PASSWORD)
    visit.press("Confirm")


def test_an_application_is_looked_at_and_approved(visit: Visit, house: Staffed) -> None:
    visit.sign_in(house.process.http, CORA, PASSWORD)
    visit.follow("Staff")
    visit.wait_text("#applications-list", house.ann)
    visit.check_looks()
    visit.shoot("staff-applications-dark")
    visit.press(f"Look at {house.ann}")
    prove(visit)
    visit.wait_text("dialog .told", "Ann Other")
    visit.wait_text("dialog .told", "1 Long Road, Berlin")
    visit.press("Show")
    prove(visit)
    visit.page.locator('dialog canvas[width="320"]').wait_for()
    visit.check_looks()
    visit.shoot("staff-application-dark")
    approve = visit.page.get_by_role("button", name="Approve", exact=True)
    assert approve.is_disabled(), "not without a reason"
    visit.field("Reason (kept with the papers; told to who is rejected)").fill(
        "The papers are in order."
    )
    approve.click()
    prove(visit)
    visit.wait_text(".toast", "Your approval counts")
    visit.wait_text("#applications-list", "Waits for the second")
    visit.check_peace(house.process.http.removeprefix("http://"))


def test_a_case_is_taken_and_decided(visit: Visit, house: Staffed) -> None:
    visit.sign_in(house.process.http, CORA, PASSWORD)
    visit.follow("Staff", "Cases")
    visit.wait_text("#cases-list", house.bea)
    visit.press(re.compile("^Take case"))
    visit.wait_text("#cases-list", "you")
    visit.shoot("staff-cases-dark")
    visit.press(re.compile("^Look at"))
    prove(visit)
    visit.wait_text("dialog .evidence", "Bea Listed")
    visit.check_looks()
    visit.shoot("staff-case-dark")
    visit.field("Reason (kept with the papers)").fill("Another person of that name.")
    visit.press("False alarm")
    prove(visit)
    visit.wait_text(".toast", re.compile("The case is closed|Proposed"))
    visit.check_peace(house.process.http.removeprefix("http://"))


@pytest.mark.parametrize("visit", [LIGHT], indirect=True)
def test_a_disclosure_is_published_and_retired(visit: Visit, house: Staffed) -> None:
    visit.sign_in(house.process.http, CORA, PASSWORD)
    visit.follow("Staff", "Disclosures")
    visit.press("Write one")
    visit.field("Short name").fill("risks")
    visit.field("Title").fill("What can go wrong")
    visit.field("Text").fill("Prices fall.")
    visit.shoot("staff-disclosure-light")
    visit.press("Publish")
    prove(visit)
    visit.wait_text("#disclosures-list", "What can go wrong")
    visit.press("Retire What can go wrong")
    visit.field("Cause").fill("a drill")
    visit.page.get_by_role("dialog").get_by_role("button", name="Retire", exact=True).click()
    prove(visit)
    visit.wait_text(".empty", "No disclosures")


@pytest.mark.parametrize("visit", [LIGHT_PHONE], indirect=True)
def test_support_finds_and_suspends_an_account(visit: Visit, house: Staffed) -> None:
    visit.sign_in(house.process.http, SAM, PASSWORD)
    visit.follow("Staff")
    people = visit.page.get_by_role("navigation", name="Parts of the screen").get_by_role("link")
    people.first.wait_for()
    assert people.all_inner_texts() == ["People"], "reviews are not for support"
    visit.field("E-mail address or account id").fill("nobody@people.example")
    visit.press("Find")
    visit.page.get_by_role("alert").wait_for()
    visit.field("E-mail address or account id").fill(ANN)
    visit.press("Find")
    visit.wait_text("section .told", house.ann)
    visit.check_looks()
    visit.shoot("staff-people-light-phone")
    visit.press("Suspend")
    visit.field("Cause").fill("a drill")
    visit.page.get_by_role("dialog").get_by_role("button", name="Suspend", exact=True).click()
    prove(visit)
    visit.wait_text(".toast", "The account is suspended")
    visit.wait_text("#account", "frozen")
    visit.press("Let go")
    visit.field("Cause").fill("the drill is over")
    visit.page.get_by_role("dialog").get_by_role("button", name="Let go", exact=True).click()
    prove(visit)
    visit.wait_text(".toast", "The account acts again")


def test_who_does_not_work_here_sees_no_staff(visit: Visit, house: Staffed) -> None:
    visit.sign_in(house.process.http, ANN, PASSWORD)
    visit.wait_status("live")
    assert visit.page.get_by_role("link", name="Staff", exact=True).count() == 0
    visit.page.goto(f"{house.process.http}/staff/people")
    visit.field("E-mail address or account id").fill(SAM)
    visit.press("Find")
    visit.wait_text("[role=alert]", "Your account does not have the role for this.")


def test_administrators_run_the_house_at_their_port(visit: Visit, house: Staffed) -> None:
    root = house.process.admin_http
    visit.sign_in(root, ADMIN, PASSWORD)
    visit.wait_text("#actors-list", "matching")
    visit.wait_text("#people + .told, section .told", "With an authenticator")
    visit.check_looks()
    visit.shoot("admin-health-dark")
    visit.press("Figures of matching")
    visit.wait_text("dialog .told", "mailbox capacity")
    visit.press("Close")
    visit.press("Halt the house")
    visit.field("Cause").fill("a drill")
    visit.field("Type house to confirm").fill("house")
    visit.press_in("dialog", "Halt the house")
    visit.wait_text("#restraints", "The house is halted: a drill.")
    visit.check_looks()
    visit.shoot("admin-halted-dark")
    visit.press("Lift the halt")
    visit.field("Cause").fill("the drill is over")
    visit.press_in("dialog", "Lift the halt")
    visit.wait_text(".toast", "The house trades again")
    visit.follow("Accounts")
    visit.wait_text("#accounts-list", house.ann)
    visit.shoot("admin-accounts-dark")
    visit.press(f"Change {house.sam}")
    visit.page.get_by_role("checkbox", name="operator").click()
    visit.page.get_by_role("checkbox", name="operator", checked=True).wait_for()
    visit.check_looks()
    visit.press("Close")
    visit.page.get_by_label("Role").select_option(label="operator")
    visit.page.get_by_text(house.ann).wait_for(state="detached")
    visit.wait_text("#accounts-list", house.sam)
    visit.follow("Markets")
    visit.press("State of ETH-USDT")
    visit.page.get_by_role("dialog").get_by_label("State").select_option(label="Halted")
    visit.field("Cause").fill("a drill")
    assert visit.page.get_by_role("button", name="Set the state").is_disabled()
    visit.field("Type ETH-USDT to confirm").fill("ETH-USDT")
    visit.shoot("admin-market-dark")
    visit.press("Set the state")
    visit.wait_text("#instruments-list tr", re.compile("ETH-USDT.*Halted", re.DOTALL))
    visit.check_looks()
    visit.shoot("admin-markets-dark")
    visit.follow("Audit")
    visit.wait_text("#audit-list tr", "SetMarketState AdminService")
    visit.check_looks()
    visit.shoot("admin-audit-dark")
    visit.check_peace(root.removeprefix("http://"))


@pytest.mark.parametrize("visit", [LIGHT], indirect=True)
def test_where_codes_are_needed_they_are_asked_for(visit: Visit, house: Staffed) -> None:
    root, codes = house.guarded.admin_http, house.recovery_codes
    visit.page.goto(f"{root}/sign-in")
    visit.field("E-mail address").fill(ADMIN)
    visit.field("Password").fill(PASSWORD)
    visit.press("Sign in")
    visit.field("Code").fill(codes[0])
    visit.press("Confirm")
    visit.wait_text("#actors-list", "matching")
    visit.press("Halt the house")
    visit.field("Cause").fill("a drill")
    visit.field("Type house to confirm").fill("house")
    visit.press_in("dialog", "Halt the house")
    visit.field("Code").fill(codes[1])
    visit.check_looks()
    visit.shoot("admin-code-light")
    visit.press("Confirm")
    visit.wait_text(".toast", "The house is halted")
    visit.page.reload()
    visit.wait_text("#actors-list", "matching")  # the cookie of this port renews the session


@pytest.mark.parametrize("visit", [LIGHT_PHONE], indirect=True)
def test_their_screens_fit_a_phone(visit: Visit, house: Staffed) -> None:
    root = house.process.admin_http
    visit.sign_in(root, ADMIN, PASSWORD)
    for part, found in (("", "#actors-list"), ("accounts", "#accounts-list"),
                        ("markets", "#instruments-list"), ("audit", "#audit-list")):  # fmt: skip
        visit.page.goto(f"{root}/admin/{part}".rstrip("/"))
        visit.page.locator(found).wait_for()
        visit.check_looks()
        visit.shoot(f"admin-{part or 'health'}-light-phone")


def test_the_public_port_has_nothing_of_it(house: Staffed) -> None:
    (script,) = (path for path in shipped_bundle() if path.startswith(ADMIN_FILES))
    with urllib.request.urlopen(f"{house.process.admin_http}{script}") as answer:
        assert answer.status == 200
    for path in (script, "/admin"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{house.process.http}{path}")
        refused.value.close()
        assert refused.value.code == 404
