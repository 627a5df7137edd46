"""What the screen to trade on shows of a market that does not simply trade, and of terms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from xache.v1 import (
    admin_pb2,
    admin_pb2_grpc,
    auth_pb2_grpc,
    compliance_pb2,
    market_pb2,
    market_pb2_grpc,
    options_pb2,
    staff_pb2,
    staff_pb2_grpc,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
)

from tests.clients.administered import Administered, administered, proven
from tests.clients.browsing import Visit, browser, needs_client, visit
from tests.clients.hostile_house import HEADERS, told
from tests.clients.test_web_screens import LOOKS, TWO_FRAMES
from tests.faults.house import CALL_S_MAX, PASSWORD, connected, sign_in

if TYPE_CHECKING:
    from playwright.sync_api import Route

__all__ = ("browser", "visit")  # fixtures

pytestmark = pytest.mark.xdist_group("web-phases")

ANN, BEN, CORA = "ann@people.example", "ben@people.example", "cora@house.example"


@pytest.fixture(scope="module", autouse=True)
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Administered]:
    """Started before the browser: playwright's loop in this thread lets no other one start."""
    needs_client()
    with administered(tmp_path_factory.mktemp("web-phases"), ANN, BEN, CORA) as house:
        house.give_role(CORA, options_pb2.ROLE_COMPLIANCE)
        yield house


def set_state(house: Administered, state: types_pb2.MarketState, symbol: str = "BTC-USDT") -> None:
    request = admin_pb2.SetMarketStateRequest(symbol=symbol, state=state, cause="opening")
    house.asked(admin_pb2_grpc.AdminServiceStub, "SetMarketState", request)


def place(house: Administered, who: str, side: types_pb2.Side, price: str, quantity: str) -> None:
    with connected(house.process.target) as channel:
        trading_pb2_grpc.TradingServiceStub(channel).PlaceOrder(
            trading_pb2.PlaceOrderRequest(
                client_order_id=f"{side}-{price}-{quantity}",
                symbol="BTC-USDT",
                side=side,
                type=types_pb2.ORDER_TYPE_LIMIT,
                time_in_force=types_pb2.TIME_IN_FORCE_GTC,
                price=price,
                quantity=quantity,
            ),
            metadata=sign_in(channel, who),
            timeout=CALL_S_MAX,
        )


def test_an_auction_is_seen_as_it_gathers_and_ends(visit: Visit, house: Administered) -> None:
    """Everything comes over the stream of the open page, which nobody loads again."""
    visit.sign_in(house.process.http, ANN, PASSWORD)
    visit.page.goto(f"{house.process.http}/trade/BTC-USDT")
    visit.wait_text("#available", "USDT")
    assert visit.page.locator("#market-state").count() == 0
    set_state(house, types_pb2.MARKET_STATE_AUCTION)
    visit.wait_text("#market-state", "Auction")
    visit.wait_text("#auction", "by the house")
    place(house, ANN, types_pb2.SIDE_BUY, "60100.0", "3")
    visit.wait_text("#opening", "Nothing would trade yet")
    place(house, BEN, types_pb2.SIDE_SELL, "59900.0", "1")
    visit.wait_text("#opening", "Opens at 60,000.0")
    visit.wait_text("#auction", re.compile(r"Would open at\s*60,000"))
    assert visit.page.get_by_text("Would open at").is_visible()
    visit.wait_text("#auction", re.compile(r"Would trade\s*1 BTC\s*Left over\s*2 to buy"))
    for name, (size, scheme) in LOOKS.items():
        visit.page.set_viewport_size(size)
        visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        visit.page.evaluate(TWO_FRAMES)
        visit.shoot(f"trade-auction-{name}")
        visit.check_looks()
    set_state(house, types_pb2.MARKET_STATE_TRADING)
    visit.page.locator("#auction").wait_for(state="detached")
    visit.page.locator("#market-state").wait_for(state="detached")
    visit.wait_text("#last", "60,000.0")
    set_state(house, types_pb2.MARKET_STATE_HALTED)
    visit.wait_text("#market-state", "Halted")
    set_state(house, types_pb2.MARKET_STATE_TRADING)
    visit.check_peace(house.process.http.removeprefix("http://"))


def test_terms_to_accept_are_said_on_every_screen_until_they_are(
    visit: Visit, house: Administered
) -> None:
    """Checked: where an overtaken answer counts, what was accepted is asked for again."""
    with connected(house.process.target) as channel:
        wanted = staff_pb2.PublishDisclosureRequest(
            name="risks", title="What can be lost", text="All of it.", request_id="risks-1"
        )
        proof = proven(
            auth_pb2_grpc.AuthServiceStub(channel),
            sign_in(channel, CORA),
            "/xache.v1.StaffService/PublishDisclosure",
            wanted,
        )
        staff_pb2_grpc.StaffServiceStub(channel).PublishDisclosure(
            wanted, metadata=proof, timeout=CALL_S_MAX
        )
    visit.sign_in(house.process.http, ANN, PASSWORD)
    visit.wait_text("#pending-terms", "There are terms to accept before you can trade.")
    visit.shoot("trade-terms-dark")
    visit.check_looks()
    late: list[Route] = []
    asked = "**/xache.v1.ComplianceService/ListDisclosures"

    def hold_first(route: Route) -> None:
        if late:
            route.continue_()
        else:
            late.append(route)

    visit.page.route(asked, hold_first)
    with visit.page.expect_request(asked):
        visit.follow("Wallets")
    visit.wait_text("#pending-terms", "terms to accept")
    visit.follow("Read and accept")
    visit.press("I have read this and accept it")
    visit.page.locator("#pending-terms").wait_for(state="detached")
    before = compliance_pb2.ListDisclosuresResponse(
        disclosures=[compliance_pb2.Disclosure(name="risks", version=1)]
    )
    with visit.page.expect_response(asked):
        late[0].fulfill(status=200, headers=HEADERS, body=told(before))
    visit.page.evaluate(TWO_FRAMES)
    assert visit.page.locator("#pending-terms").count() == 0
    visit.check_peace(house.process.http.removeprefix("http://"))


def test_a_market_that_comes_is_in_the_list_of_an_open_page(
    visit: Visit, house: Administered
) -> None:
    """Nobody loads the page again.

    Checked by breaking: a page that asks for the markets only once does not show it.
    """
    visit.sign_in(house.process.http, ANN, PASSWORD)
    visit.page.goto(f"{house.process.http}/trade/BTC-USDT")
    visit.wait_text("#available", "USDT")
    with connected(house.process.target) as channel:
        known = market_pb2_grpc.MarketServiceStub(channel).ListInstruments(
            market_pb2.ListInstrumentsRequest(), timeout=CALL_S_MAX
        )
    model = next(each for each in known.instruments if each.symbol == "BTC-USDT")
    listed = types_pb2.Instrument()
    listed.CopyFrom(model)
    listed.symbol, listed.base, listed.quote = "ETH-BTC", "ETH", "BTC"
    house.asked(
        admin_pb2_grpc.AdminServiceStub,
        "ListInstrument",
        admin_pb2.ListInstrumentRequest(instrument=listed),
    )
    visit.press("BTC/USDT")
    visit.wait_text(".choice .sheet", "ETH/BTC")


def test_a_market_that_is_gone_says_so(visit: Visit, house: Administered) -> None:
    visit.sign_in(house.process.http, ANN, PASSWORD)
    visit.page.goto(f"{house.process.http}/trade/ETH-USDT")
    visit.wait_text("#available", "USDT")
    # As a house does it: what is gone is no more halted than it was before.
    set_state(house, types_pb2.MARKET_STATE_HALTED, "ETH-USDT")
    visit.wait_text("#market-state", "Halted")
    delist = admin_pb2.DelistInstrumentRequest(symbol="ETH-USDT", cause="few trades")
    house.asked(admin_pb2_grpc.AdminServiceStub, "DelistInstrument", delist)
    visit.wait_text("#market-state", "Delisted")
    visit.press("ETH/USDT")
    visit.wait_text(".choice .sheet a", "Delisted")
    visit.shoot("trade-delisted-dark")
    visit.check_looks()
    other = Visit(visit.context.new_page())
    other.sign_in(house.root, "admin@house.example", PASSWORD)
    other.follow("Markets")
    other.wait_text("#instruments-list tr", re.compile("ETH-USDT.*Delisted", re.DOTALL))
    other.shoot("admin-delisted-dark")


def test_a_market_that_is_new_is_among_the_markets(visit: Visit, house: Administered) -> None:
    """It is told by its first ticker, and opens as every other one."""
    visit.sign_in(house.process.http, ANN, PASSWORD)
    visit.wait_text("#available", "USDT")
    listed = types_pb2.Instrument()
    listed.CopyFrom(house.instruments()["BTC-USDT"])
    listed.symbol, listed.base = "ETH-BTC", "ETH"
    listed.quote = "BTC"
    wanted = admin_pb2.ListInstrumentRequest(instrument=listed)
    house.asked(admin_pb2_grpc.AdminServiceStub, "ListInstrument", wanted)
    visit.press("BTC/USDT")
    visit.wait_text(".choice .sheet a", "ETH/BTC")
    visit.page.locator(".choice .sheet a").filter(has_text="ETH/BTC").click()
    visit.page.wait_for_url(re.compile("/trade/ETH-BTC$"))
    visit.wait_text("#market-state", "Cancel-only")
    visit.check_looks()
