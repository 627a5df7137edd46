"""Hostile text in everything that the web client shows: no script runs, nothing is broken out of.

The page's policy forbids inline script, its Trusted Types forbid to make markup of text, and both
complain of every try: so a payload that was taken for anything but text is heard here, whether or
not it ran. Checked by showing the name of a device with dangerouslySetInnerHTML, and by making an
address of it: either is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import quote

import grpc
import pytest
from xache.v1 import admin_pb2, admin_pb2_grpc, auth_pb2, auth_pb2_grpc, strategy_pb2

from tests.clients.browsing import Visit, browser, needs_client, visit
from tests.clients.hostile_house import HostileHouse, marks, payloads
from tests.demo import Demo, running_demo
from tests.faults.house import (
    PASSWORD,
    HouseProcess,
    connected,
    open_market,
    running,
    sign_in,
)
from xached.api.bundle import SCREENS

__all__ = ("browser", "visit")  # fixtures

PAYLOADS = payloads()
TRADER = "trader@demo.example"
ADMIN = "admin@house.example"

APART = {"sign-in", "sign-up", "recover", "stop"}
"""Screens that need no session, and ask nothing before something is entered."""

TRAPS = """
for (const name of ["alert", "confirm", "prompt", "print"]) {
  globalThis[name] = () => console.error("a script of somebody else ran");
}
"""
BROKEN_OUT = r"""
() => [...document.querySelectorAll("*")].flatMap((element) => {
  const found = [];
  const foreign = "script:not([src^='/assets/']), iframe, object, embed, base, link[rel=import],"
    + " marquee, portal, applet, frame, frameset, meta[http-equiv], template, plaintext, xmp";
  if (element.matches(foreign)) found.push(element.outerHTML.slice(0, 200));
  const known = [location.origin, "https://www.tradingview.com"];  // what the chart owes its maker
  for (const { name, value } of element.attributes) {
    if (name.startsWith("on")) found.push(`${name}=${value}`);
    const leads = ["href", "src", "action", "formaction", "data", "poster", "xlink:href"];
    if (leads.includes(name) && !known.includes(new URL(value, location.href).origin)) {
      found.push(`${name}=${value}`);
    }
  }
  return found;
})
"""
BUTTONS = """
main :is(.head, .block) .button:not(a, [type=submit]), main tbody tr:first-child .button:not(a)
"""
"""Those that open a window, or ask the house at once."""
SHOWN = """
() => [document.title, document.body.textContent,
  ...[...document.querySelectorAll("*")].flatMap((element) =>
    [...element.attributes].map(({ value }) => value).concat(element.value ?? ""))].join("\\n")
"""

WANDER = f"""
async (payloads) => {{
  const found = [];
  for (const payload of payloads) {{
    const text = encodeURIComponent(payload);
    for (const place of [`/trade/${{text}}`, `/${{text}}`, `/no-such?q=${{text}}#${{text}}`]) {{
      history.pushState(null, "", place);
      dispatchEvent(new PopStateEvent("popstate"));
      await new Promise((done) => setTimeout(done));
    }}
    found.push(...({BROKEN_OUT.strip()})());
  }}
  return found;
}}
"""

pytestmark = pytest.mark.xdist_group("web-xss")


@pytest.fixture(scope="module", autouse=True)
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    needs_client()
    with running_demo(tmp_path_factory.mktemp("xss-demo")) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def administered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HouseProcess]:
    """A house with administrators' screens, halted, so that they tell why."""
    needs_client()
    with running(tmp_path_factory.mktemp("xss-admin"), admin_http="127.0.0.1:0") as process:
        open_market(process, [])
        with connected(f"unix:{process.data / 'admin.sock'}") as channel:
            admin_pb2_grpc.AdminServiceStub(channel).SetHalt(
                admin_pb2.SetHaltRequest(halted=True, cause="a drill"),
                metadata=sign_in(channel, ADMIN),
                timeout=30,
            )
        yield process


@pytest.fixture
def hostile(visit: Visit) -> Iterator[HostileHouse]:
    visit.page.add_init_script(TRAPS)
    visit.page.on("dialog", lambda dialog: visit.complaints.append(f"dialog {dialog.message}"))
    yield HostileHouse(visit.page, PAYLOADS)
    # A screen asks again every so often: what is on its way is of no interest any more.
    visit.page.unroute_all(behavior="ignoreErrors")


def shown(visit: Visit) -> set[str]:
    """The fields of which something is shown; nothing of it is more than text."""
    assert visit.page.evaluate(BROKEN_OUT) == []
    return marks(visit.page.evaluate(SHOWN))


def look_around(visit: Visit, hostile: HostileHouse) -> set[str]:
    """Open every part of a screen once. Returns the fields of which something was shown."""
    hostile.wait_quiet()
    seen = shown(visit)
    parts = visit.page.locator("main nav.segments a").all()
    for part in [None, *(each.get_attribute("href") for each in parts[1:])]:
        if part is not None:
            visit.page.locator(f"main nav.segments a[href='{part}']").click()
            hostile.wait_quiet()
            seen |= shown(visit)
        for selector in (".segments.tabs button", "main details > summary"):
            for each in visit.page.locator(selector).all():
                if each.is_visible():
                    each.click()
                    hostile.wait_quiet()
                    seen |= shown(visit)
        seen |= look_into(visit, hostile)
    return seen


def look_into(visit: Visit, hostile: HostileHouse) -> set[str]:
    """Open the first of what is listed, and come back."""
    first = visit.page.locator("main tbody a[href^='/'], main li a[href^='/']").first
    if not first.is_visible():
        return set()
    first.click()
    hostile.wait_quiet()
    seen = shown(visit)
    visit.page.go_back()
    hostile.wait_quiet()
    return seen


def open_windows(visit: Visit, hostile: HostileHouse) -> set[str]:
    """Press every button of the page, those of a list in its first row only, and come back."""
    seen = shown(visit)
    for button in visit.page.locator(BUTTONS).all():
        if not button.is_visible() or button.is_disabled():
            continue
        button.click()
        hostile.wait_quiet()
        seen |= shown(visit)
        for summary in visit.page.locator("dialog details > summary").all():
            summary.click()
        close = visit.page.locator("dialog[open]").get_by_role("button", name="Close", exact=True)
        if close.count():
            seen |= shown(visit)
            close.first.click()
            visit.page.locator("dialog").wait_for(state="detached")
    return seen


def host_of(demo: Demo) -> str:
    return demo.http.removeprefix("http://")


def test_the_corpus_is_large() -> None:
    assert len(set(PAYLOADS)) == len(PAYLOADS) >= 200


SHOWN_THERE = {
    "trade": {"Order.client_order_id", "Subaccount.name"},
    "portfolio": {"Subaccount.name"},
    "wallets": {"Subaccount.name", "Transaction.reference"},
    "staff": {"Application.account_id", "Case.assignee", "Disclosure.title"},
    "strategies": {"Strategy.name", "Rule.name"},
    "security": {"ApiKey.label", "Session.device", "Activity.device"},
}
"""Some of the text of others that a screen is known to show: it was really there."""


@pytest.mark.parametrize("screen", sorted(SCREENS - APART))
def test_hostile_text_is_only_text(
    visit: Visit, hostile: HostileHouse, demo: Demo, screen: str
) -> None:
    """Every payload in every text of every answer that a screen asks for."""
    if screen == "trade":
        hostile.watch(demo.grpc, TRADER, demo.password(), "BTC-USDT")
    visit.page.goto(f"{demo.http}/{screen}")
    visit.page.wait_for_selector("main#content, .trade")
    seen = look_around(visit, hostile)
    assert seen >= SHOWN_THERE.get(screen, {"Subaccount.name"})
    visit.check_peace(host_of(demo))


def test_hostile_text_is_only_text_in_the_reasons_of_an_order(
    visit: Visit, hostile: HostileHouse, demo: Demo
) -> None:
    """Also as the names of settings, which whoever wrote the strategy made up."""
    settings = json.dumps(dict.fromkeys(PAYLOADS, "x"))
    hostile.answers["ExplainOrder"] = strategy_pb2.ExplainOrderResponse(
        run=strategy_pb2.StrategyRun(settings_json=settings),
        reason=strategy_pb2.OrderReason(model=strategy_pb2.ModelReason()),
    )
    visit.page.goto(f"{demo.http}/strategies/purse/sma")
    visit.page.get_by_role("button", name=re.compile("^Why was ")).first.click()
    visit.page.locator("#settings-then dd").first.wait_for()
    assert visit.page.locator("#settings-then dd").count() == len(PAYLOADS)
    assert shown(visit) >= {
        "ExplainOrderResponse.summary", "StrategyRun.strategy", "StrategyRun.settings_json",
        "FeatureWeight.feature",
    }  # fmt: skip
    visit.check_peace(host_of(demo))


@pytest.mark.parametrize("screen", sorted(SCREENS - APART))
def test_a_hostile_refusal_is_only_text(
    visit: Visit, hostile: HostileHouse, demo: Demo, screen: str
) -> None:
    hostile.refusing = True
    visit.page.goto(f"{demo.http}/{screen}")
    visit.page.wait_for_selector("main#content, .trade")
    seen = look_around(visit, hostile)
    assert "Refusal.message" in seen
    visit.check_peace(host_of(demo))


ADMIN_SCREENS = {
    "": {"ActorHealth.failure", "HouseRestraints.halt_cause", "RiskScopeState.scope"},
    "accounts": {"AccountSummary.account_id"},
    "markets": set(),
    "markets/new": set(),
    "markets/BTC-USDT": set(),
    "risk": {"RiskScopeState.scope", "RiskScopeState.cause", "RiskBounds.scope", "RiskMark.scope"},
    "plugins": {"Plugin.name", "Plugin.why", "Plugin.distribution"},
    "plugins/strategy/sma": {
        "Plugin.why", "GetPluginResponse.about", "GetPluginResponse.settings_schema_json",
        "PluginFile.path", "PluginApproval.approved_by", "PluginQuarantine.cause",
    },
    "audit": {"AuditEntry.what", "AuditEntry.outcome", "AuditEntry.account_id"},
}  # fmt: skip
"""The administrators' screens, and text of others that each is known to show."""


@pytest.mark.parametrize("screen", sorted(ADMIN_SCREENS))
def test_hostile_text_is_only_text_to_administrators(
    visit: Visit, hostile: HostileHouse, administered: HouseProcess, screen: str
) -> None:
    """Names of purses and plugins, causes, what plugins say of themselves: in lists and forms."""
    root = administered.admin_http
    visit.sign_in(root, ADMIN, PASSWORD)
    visit.page.goto(f"{root}/admin/{screen}".rstrip("/"))
    visit.page.wait_for_selector("main#content")
    hostile.wait_quiet()
    for each in visit.page.locator("main details > summary").all():
        each.click()
    assert open_windows(visit, hostile) >= ADMIN_SCREENS[screen]
    visit.check_peace(root.removeprefix("http://"))


@pytest.mark.parametrize("screen", sorted(ADMIN_SCREENS))
def test_a_hostile_refusal_is_only_text_to_administrators(
    visit: Visit, hostile: HostileHouse, administered: HouseProcess, screen: str
) -> None:
    root = administered.admin_http
    visit.sign_in(root, ADMIN, PASSWORD)
    hostile.refusing = True
    visit.page.goto(f"{root}/admin/{screen}".rstrip("/"))
    visit.page.wait_for_selector("main#content")
    hostile.wait_quiet()
    seen = open_windows(visit, hostile)
    assert screen.startswith("markets/") or "Refusal.message" in seen  # those ask for no more
    visit.check_peace(root.removeprefix("http://"))


def test_a_hostile_address_opens_nothing(visit: Visit, demo: Demo) -> None:
    """What a link of somebody else puts into the path, the question and behind the hash."""
    visit.page.add_init_script(TRAPS)
    visit.page.goto(f"{demo.http}/trade/BTC-USDT")
    visit.wait_status("live")
    assert visit.page.evaluate(WANDER, PAYLOADS) == []
    visit.page.goto(f"{demo.http}/trade/{quote(PAYLOADS[0], safe='')}")
    visit.wait_status("live")
    assert visit.page.evaluate(BROKEN_OUT) == []
    visit.check_peace(host_of(demo))


def test_a_real_house_carries_it_as_it_is(visit: Visit, demo: Demo) -> None:
    """The names of devices are anybody's text: what signs in says them."""
    devices = [payload for payload in PAYLOADS if payload.isprintable() and len(payload) < 60][::12]
    with grpc.insecure_channel(demo.grpc) as channel:
        for device in devices:
            login = auth_pb2.LoginRequest(email=TRADER, password=demo.password(), device=device)
            auth_pb2_grpc.AuthServiceStub(channel).Login(login, timeout=30)
    visit.page.add_init_script(TRAPS)
    visit.page.goto(f"{demo.http}/security")
    for device in devices:
        visit.wait_text("#session-list tr", device)
    assert visit.page.evaluate(BROKEN_OUT) == []
    visit.check_peace(host_of(demo))
