"""Forms of the administrators' screens, against a real house, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from xache.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    risk_pb2,
    types_pb2,
)

from tests.clients.administered import ADMIN, Administered, administered
from tests.clients.browsing import Visit, browser, needs_client, visit
from tests.clients.hostile_house import HEADERS, refusal
from tests.clients.test_web_screens import LOOKS, TWO_FRAMES, UNREACHED
from tests.faults.house import (
    PASSWORD,
)

__all__ = ("browser", "visit")  # fixtures

pytestmark = pytest.mark.xdist_group("web-admin")

ANN = "ann@people.example"

REPEATED_IDS = """
() => {
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  return ids.filter((id, index) => ids.indexOf(id) !== index);
}
"""


@pytest.fixture(scope="module", autouse=True)
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administered]:
    """Started before the browser: playwright's loop in this thread lets no other one start."""
    needs_client()
    with administered(tmp_path_factory.mktemp("web-admin"), ANN) as house:
        yield house


@pytest.fixture
def inside(visit: Visit, house: Administered) -> Visit:
    """A page of the administrator's."""
    visit.sign_in(house.root, ADMIN, PASSWORD)
    return visit


def check(visit: Visit, house: Administered) -> None:
    """Nothing to complain of on this page."""
    visit.check_looks()
    assert visit.page.evaluate(REPEATED_IDS) == []
    visit.check_peace(house.root.removeprefix("http://"))


def note_of(visit: Visit, label: str) -> str:
    """What is said below a field."""
    field = visit.page.locator(".field.wrong").filter(has_text=label)
    return str(field.locator(".note").inner_text())


def test_an_asset_and_a_market_come_change_and_go(inside: Visit, house: Administered) -> None:
    visit = inside
    visit.follow("Markets")
    visit.press("List an asset")
    visit.field("Asset").fill("sol")
    visit.press_in("dialog", "List it")
    visit.page.locator("dialog .field.wrong").wait_for()
    assert "capital letters" in note_of(visit, "Asset")
    visit.shoot("admin-asset-dark")
    visit.field("Asset").fill("SOL")
    visit.field("Decimals").fill("9")
    visit.press_in("dialog", "List it")
    visit.wait_text("#assets-list", "SOL")

    visit.follow("List a market")
    visit.choose("Base asset", "SOL")
    visit.choose("Quote asset", "USDT")
    visit.press("List it")
    assert note_of(visit, "Tick") == "Needed"
    terms = {
        "Tick": "0.01", "Lot": "0.001", "Lowest price": "5", "Highest price": "1",
        "Smallest value": "5", "Largest value": "9000000", "Smallest quantity": "0.001",
        "Largest quantity": "9000", "Largest market order": "1000",
    }  # fmt: skip
    for label, text in terms.items():
        visit.field(label).fill(text)
    visit.press("List it")
    # Only the house knows that these contradict each other, and at which field.
    visit.page.locator(".field.wrong").filter(has_text="Highest price").wait_for()
    assert "0 < min price <= max price" in note_of(visit, "Highest price")
    visit.check_looks()
    visit.shoot("admin-new-market-dark")
    visit.field("Highest price").fill("100000")
    visit.press("List it")
    visit.page.wait_for_url("**/admin/markets/SOL-USDT")
    listed = house.instruments()["SOL-USDT"]
    assert (listed.tick_size, listed.maker_fee_ppm, listed.buy_band_up_ppm) == ("0.01", 200, 50_000)
    assert (listed.reference_buckets, listed.reference_bucket_ns) == (12, 5_000_000_000)
    assert (listed.min_trail_bps, listed.max_trail_bps) == (10, 2_000)

    visit.field("Reference price").fill("150.001")
    visit.press("Set the mark")
    visit.page.locator(".field.wrong").filter(has_text="Reference price").wait_for()
    visit.field("Reference price").fill("150,5")
    visit.press("Set the mark")
    visit.wait_text(".toast", "The mark of SOL-USDT is 150,5")
    assert visit.page.get_by_role("button", name="Change the rules").is_disabled()
    visit.field("Taker").fill("0.15")
    visit.field("An auction lasts").fill("30")
    visit.press("Change the rules")
    visit.wait_text(".toast", "SOL-USDT has other rules")
    changed = house.instruments()["SOL-USDT"]
    assert (changed.taker_fee_ppm, changed.auction_ns) == (1_500, 30_000_000_000)
    unchanged = types_pb2.Instrument()
    unchanged.CopyFrom(changed)
    unchanged.taker_fee_ppm, unchanged.auction_ns = listed.taker_fee_ppm, listed.auction_ns
    unchanged.state = listed.state
    assert unchanged == listed, "what was not touched is as it was"
    visit.shoot("admin-rules-dark")
    check(visit, house)

    visit.press("Delist")
    visit.field("Cause").fill("a drill")
    visit.field("Type SOL-USDT to confirm").fill("SOL-EUR")
    assert visit.page.locator("dialog").get_by_role("button", name="Delist").is_disabled()
    visit.shoot("admin-delist-dark")
    visit.field("Type SOL-USDT to confirm").fill("SOL-USDT")
    visit.press_in("dialog", "Delist")
    visit.wait_text(".toast", "SOL-USDT is delisted")
    # Its rules are still shown; what is refused is of the market, not of a field.
    visit.page.goto(f"{house.root}/admin/markets/SOL-USDT")
    visit.field("Taker").fill("0.2")
    visit.press("Change the rules")
    visit.wait_text("main [role=alert]", "taken off the list")
    visit.follow("Markets")
    visit.press("Delist SOL")
    visit.field("Cause").fill("a drill")
    visit.field("Type SOL to confirm").fill("SOL")
    visit.press_in("dialog", "Delist")
    visit.wait_text(".toast", "SOL is delisted")
    visit.press("Delist BTC")
    visit.field("Cause").fill("it is still traded")
    visit.field("Type BTC to confirm").fill("BTC")
    visit.press_in("dialog", "Delist")
    visit.wait_text("dialog [role=alert]", "A listed instrument trades this asset")
    check(visit, house)


def test_fee_tiers_are_set_as_a_table(inside: Visit, house: Administered) -> None:
    visit = inside
    visit.follow("Markets")
    visit.wait_text(".empty", "No fee tiers")
    visit.press("Change the tiers")
    visit.press("Add a tier")
    visit.field("Maker").fill("0.02")
    visit.field("Taker").fill("0.1")
    visit.press("Add a tier")
    second = visit.page.locator("fieldset.tier").nth(1)
    second.get_by_label("From a volume of").fill("100000")
    second.get_by_label("Maker").fill("0.03")
    visit.press("Set the table")
    visit.wait_text("dialog .note.down", "rates that do not rise")
    visit.shoot("admin-tiers-dark")
    second.get_by_label("Maker").fill("0.01")
    visit.press("Set the table")
    visit.wait_text("#tiers-list", "100,000 USDT")
    told = house.asked(
        admin_pb2_grpc.AdminServiceStub, "GetFeeTiers", admin_pb2.GetFeeTiersRequest()
    )
    assert [(each.min_volume, each.maker_fee_ppm, each.taker_fee_ppm) for each in told.tiers] == [
        ("0", 200, 1_000), ("100000", 100, 1_000),
    ]  # fmt: skip
    visit.press("Change the tiers")
    visit.press("Remove tier 2")
    visit.press("Remove tier 1")
    visit.press("End all tiers")
    visit.wait_text(".empty", "No fee tiers")
    check(visit, house)


def test_scopes_are_restrained_and_health_says_why(inside: Visit, house: Administered) -> None:
    visit = inside
    visit.follow("Risk")
    visit.wait_text(".empty", "Everything is allowed")
    visit.press("Restrain")
    visit.choose("Scope", "Account")
    visit.field("Account").fill("nobody")
    visit.field("Cause").fill("a drill")
    visit.press("Set it")
    visit.page.locator("dialog .field.wrong").wait_for()
    assert "No such risk scope" in note_of(visit, "Account")
    visit.field("Account").fill(house.people[ANN])
    visit.press("Set it")
    visit.wait_text("#risk-list", f"Account {house.people[ANN]}")
    visit.press("Restrain")
    visit.choose("May", "cancel")
    visit.field("Cause").fill("a leak in the roof")
    visit.field("Type house to confirm").fill("house")
    called = "**/xache.v1.RiskService/SetRiskState"
    answer = refusal("UNKNOWN_SCOPE", "no such risk scope", field="scope")
    visit.page.route(called, lambda route: route.fulfill(headers=HEADERS, body=answer))
    visit.press("Set it")
    visit.wait_text("dialog [role=alert]", "No such risk scope")
    visit.page.unroute(called)
    visit.field("Type house to confirm").fill("")
    assert visit.page.get_by_role("button", name="Set it").is_disabled()
    visit.field("Type house to confirm").fill("house")
    visit.shoot("admin-restrain-dark")
    visit.press("Set it")
    visit.wait_text("#risk-list", "a leak in the roof")
    check(visit, house)
    visit.shoot("admin-risk-dark")
    states = {each.scope: (each.state, each.cause) for each in house.risk().states}
    assert states == {
        "house": (risk_pb2.RISK_STATE_HALTED, "a leak in the roof"),
        f"account:{house.people[ANN]}": (risk_pb2.RISK_STATE_REDUCING, "a drill"),
    }

    visit.follow("Health")
    first = visit.page.locator("#restraints .notice").first
    first.wait_for()
    assert first.inner_text() == (
        "The whole house may cancel, set by an operator: a leak in the roof."
    )
    visit.wait_text("#restraints", f"Account {house.people[ANN]} may sell and cancel")
    visit.shoot("admin-restraints-dark")
    check(visit, house)
    visit.follow("Risk")
    for scope in ("house", f"account:{house.people[ANN]}"):
        visit.press(f"Change {scope}")
        visit.field("Cause").fill("over")
        visit.press("Set it")
        visit.page.get_by_role("dialog").wait_for(state="detached")
    visit.wait_text(".empty", "Everything is allowed")
    assert not house.risk().states


def test_bounds_and_limits_are_set(inside: Visit, house: Administered) -> None:
    visit = inside
    visit.follow("Risk")
    visit.press("Bound a scope")
    visit.choose("Scope", "Market")
    visit.field("Open orders").fill("many")
    assert note_of(visit, "Open orders") == "A whole number"
    visit.field("Open orders").fill("7")
    sizes = visit.page.locator("fieldset.sums").filter(has_text="Largest order")
    sizes.get_by_role("button", name="Bound it").click()
    visit.field("Largest order: amount 1").fill("5000,5")
    drawdown = visit.page.locator("fieldset.sums").filter(has_text="Fall from the highest profit")
    drawdown.get_by_role("button", name="Bound it").click()
    visit.field("Fall from the highest profit: amount 1").fill("100")
    visit.shoot("admin-bounds-dark")
    visit.press("Set the bounds")
    visit.wait_text("#bounds-list", "Largest order 5,000.5 USDT")
    (told,) = house.risk().bounds
    assert (told.scope, told.max_open_orders) == ("market:BTC-USDT", 7)
    assert [(each.asset, each.amount) for each in told.max_drawdown] == [("USDT", "100")]
    visit.press("Change market:BTC-USDT")
    visit.field("Open orders").fill("")
    visit.press("Fall from the highest profit: remove 1")
    visit.press("Set the bounds")
    visit.page.get_by_role("dialog").wait_for(state="detached")
    (told,) = house.risk().bounds
    assert not told.HasField("max_open_orders")
    assert not told.max_drawdown
    assert [each.amount for each in told.max_order_notional] == ["5000.5"]

    visit.press("Limits of a purse")
    visit.field("Account").fill(house.people[ANN])
    visit.field("Purse").fill("nowhere")
    visit.field("Open orders").fill("3")
    visit.press("Bound it")
    visit.field("Largest order: amount 1").fill("250")
    visit.press("Set the limits")
    visit.page.locator("dialog .field.wrong").wait_for()
    assert "No such purse" in note_of(visit, "Purse")
    visit.check_looks()
    visit.shoot("admin-limits-dark")
    visit.field("Purse").fill("main")
    visit.press("Set the limits")
    visit.wait_text(".toast", f"The limits are set: {house.people[ANN]}/main")
    purse = f"{house.people[ANN]}/main"
    visit.wait_text("#limits-list tr", re.compile(f"{purse}.*3.*250 USDT", re.DOTALL))
    visit.press(f"Change Limits: {purse}")
    assert visit.field("Open orders").input_value() == "3", "what is set is there to change"
    assert visit.field("Largest order: amount 1").input_value() == "250"
    visit.field("Open orders").fill("5")
    visit.press("Set the limits")
    visit.page.get_by_role("dialog").wait_for(state="detached")
    visit.wait_text("#limits-list tr", re.compile(f"{purse}.*5.*250 USDT", re.DOTALL))
    visit.shoot("admin-limits-set-dark")
    check(visit, house)


def test_a_plugin_is_approved_by_its_digest_locked_up_and_let_out(
    inside: Visit, house: Administered
) -> None:
    visit = inside
    visit.follow("Plugins")
    visit.wait_text("#plugins-list", "sma")
    visit.shoot("admin-plugins-dark")
    visit.follow("Look at sma")
    digest = house.plugin("sma").digest
    visit.wait_text(".digest", digest)
    visit.press("Approve")
    visit.field("Markets").fill("BTC-USDT")
    visit.press("Bound it")
    visit.field("Largest order: amount 1").fill("1000")
    visit.field("Wishes in a minute").fill("20")
    visit.field("Stopped at").fill("tomorrow")
    assert note_of(visit, "Stopped at") == "A time such as 2027-01-31 18:00"
    visit.field("Stopped at").fill("2031-01-31 18:00")
    confirm = visit.field(f"Type {digest[:8]} to confirm")
    confirm.fill("12345678")
    assert visit.page.locator("dialog").get_by_role("button", name="Approve").is_disabled()
    confirm.fill(digest[:8])
    visit.check_looks()
    visit.shoot("admin-approve-dark")
    visit.press_in("dialog", "Approve")
    visit.wait_text(".toast", "sma may run")
    approved = house.plugin("sma").approval
    assert approved.digest == digest
    assert list(approved.capabilities.symbols) == ["BTC-USDT"]
    assert dict(approved.capabilities.max_order_notional) == {"USDT": "1000"}
    assert approved.capabilities.max_intents_per_minute == 20
    assert not approved.capabilities.HasField("max_open_orders")
    check(visit, house)
    visit.shoot("admin-plugin-dark")
    for button, said, more in (
        ("Lock it up", "sma is locked up", "a look"),
        ("Let it out", "sma is let out", ""),
        ("Withdraw the approval", "sma is not approved any more", ""),
    ):
        visit.press(button)
        if more:
            visit.field("Cause").fill(more)
        visit.field("Type sma to confirm").fill("sma")
        visit.press_in("dialog", button)
        visit.wait_text(".toast", said)
        if more:
            assert house.plugin("sma").quarantine.cause == more
            visit.wait_text("section", more)
            visit.shoot("admin-quarantine-dark")
    assert not house.plugin("sma").HasField("approval")
    check(visit, house)


SCREENS = {
    "": "#actors-list",
    "accounts": "#accounts-list",
    "markets": "#instruments-list",
    "markets/new": "#rules-prices",
    "markets/BTC-USDT": "#rules-prices",
    "risk": "#risk",
    "plugins": "#plugins-list",
    "plugins/strategy/sma": "#made-of",
    "audit": "#audit-list",
}


@pytest.mark.parametrize("screen", sorted(SCREENS))
def test_every_screen_of_theirs_is_seen_and_read(
    visit: Visit, house: Administered, screen: str
) -> None:
    """In every look, which it changes while it is open."""
    visit.sign_in(house.root, ADMIN, PASSWORD)
    visit.page.goto(f"{house.root}/admin/{screen}".rstrip("/"))
    visit.page.locator(SCREENS[screen]).wait_for()
    for name, (size, scheme) in LOOKS.items():
        visit.page.set_viewport_size(size)
        visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        visit.page.evaluate(TWO_FRAMES)
        visit.shoot(f"screens/admin-{screen.replace('/', '-') or 'health'}-{name}")
        check(visit, house)
        assert visit.page.evaluate(UNREACHED) == [], "what can be pressed can be reached by keys"
    assert visit.page.title() != ""
