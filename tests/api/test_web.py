"""The plain HTTP edge without a network: routes, refusals, headers, files."""

from __future__ import annotations

import gzip
import importlib.resources
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

from tests.api.asgi import HOST, Answer, ask, reading, scope_of
from tests.api.shown_market import ShownMarket, api_of
from xached.api.bundle import DEMO_MARK, File, make_file, path_of, read_bundle
from xached.api.guest import Guest
from xached.api.web import Readiness, WebApp
from xached.domain.candles import NS_PER_S

START_NS = 1_767_225_600 * NS_PER_S
OPENAPI = "/api/openapi.json"
EVENTS = "/api/live/market/BTC-USDT/events?interval=INTERVAL_1S"
PAGE = importlib.resources.files("xached.api") / "page"
FILES = ["docs.html", "docs.css", "docs.js", "icon.svg", "not_built.html"]


@pytest.fixture
def make_app() -> Callable[..., WebApp]:
    def make(**options: Any) -> WebApp:
        ready = Readiness(ready=True, reasons=())
        return WebApp(lambda: ready, api=api_of(ShownMarket(lambda: START_NS)), **options)

    return make


@pytest.fixture
def app(make_app: Callable[..., WebApp]) -> WebApp:
    return make_app()


def refused(answer: Answer, status: int) -> None:
    """Assert a refusal in the form of RFC 9457."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.document) == {"type", "title", "status", "detail"}
    assert answer.document["status"] == status


# --- Routes ----------------------------------------------------------------------------------


async def test_it_says_that_it_lives(app: WebApp) -> None:
    answer = await ask(app, "/livez")
    assert (answer.status, answer.body) == (200, b"ok\n")


async def test_it_says_whether_it_is_ready_and_why_not() -> None:
    states = [Readiness(ready=True, reasons=()), Readiness(ready=False, reasons=("recovering",))]
    app = WebApp(lambda: states.pop(0))
    ready, not_ready = await ask(app, "/readyz"), await ask(app, "/readyz")
    assert (ready.status, ready.document) == (200, {"ready": True, "reasons": []})
    assert (not_ready.status, not_ready.document["reasons"]) == (503, ["recovering"])


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/trade/BTC-USDT", "text/html; charset=utf-8"),
        ("/docs", "text/html; charset=utf-8"),
        ("/page/docs.css", "text/css; charset=utf-8"),
        ("/page/docs.js", "text/javascript; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
    ],
)
async def test_files_are_served_once_and_then_confirmed(
    path: str, content_type: str, app: WebApp
) -> None:
    first = await ask(app, path)
    assert (first.status, first.headers["content-type"]) == (200, content_type)
    assert first.headers["content-length"] == str(len(first.body))
    assert first.headers["cache-control"] == "no-cache"
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await ask(app, path, headers={**HOST, "if-none-match": known})
        assert (again.status, again.body, again.headers["etag"]) == (304, b"", etag)
    changed = await ask(app, path, headers={**HOST, "if-none-match": '"other"'})
    assert changed.body == first.body


@pytest.mark.parametrize("path", ["/", "/livez", OPENAPI, "/page/docs.js"])
async def test_head_answers_without_a_body(path: str, app: WebApp) -> None:
    answer = await ask(app, path, "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers.get("content-length") != "0"


async def test_what_rest_offers_is_described_where_there_is_rest(app: WebApp) -> None:
    answer = await ask(app, OPENAPI)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert list(answer.document["paths"]) == [
        "/api/live/market/{symbol}/events", "/api/live/desk/{symbol}/events",
    ]  # fmt: skip
    refused(await ask(WebApp(lambda: Readiness(ready=True, reasons=())), OPENAPI), 404)


# --- The web client --------------------------------------------------------------------------


def bundle(folder: Path) -> Mapping[str, File]:
    """What is served of a package like ours whose client was built."""
    (folder / "web" / "assets").mkdir(parents=True)
    (folder / "web" / "index.html").write_text("<html><head></head></html>")
    (folder / "web" / "assets" / "index-1a2b.js").write_text("1;" * 1000)
    (folder / "web" / "sources.sha256").write_text("0")
    page = folder / "api" / "page"
    page.mkdir(parents=True)
    for name in FILES:
        (page / name).write_bytes((PAGE / name).read_bytes())
    return read_bundle(folder)


def test_a_built_client_is_served_by_its_addresses(tmp_path: Path) -> None:
    files = bundle(tmp_path)
    assert set(files) == {
        "/", "/assets/index-1a2b.js", "/docs", "/page/docs.css", "/page/docs.js", "/page/icon.svg",
    }  # fmt: skip
    for path in ("/", "/trade", "/trade/BTC-USDT", "/sign-in", "/security/keys"):
        assert path_of(path) == "/", path
    for path in ("/trader", "/api/trading/orders", "//", "/assets/index-1a2b.js", "*", ""):
        assert path_of(path) == path, path
    html = dict(files["/"].answer({}).headers)
    script = dict(files["/assets/index-1a2b.js"].answer({}).headers)
    assert html["cache-control"] == "no-cache", "it names the newest files"
    assert "immutable" in script["cache-control"], "its name changes with its content"


def test_a_client_that_is_not_built_is_said_to_be_missing(tmp_path: Path) -> None:
    bundle(tmp_path)
    (tmp_path / "web" / "index.html").unlink()
    document = read_bundle(tmp_path)["/"]
    assert b"The web client is not built" in document.body
    assert b"XACHE_SKIP_WEB" in document.body


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [("gzip, deflate, br", True), ("br, GZIP;q=0.5", True), ("", False), ("br", False),
     ("gzip;q=0", False), ("gzipped", False)],
)  # fmt: skip
def test_files_are_packed_for_who_takes_that(accepted: str, packed: bool) -> None:
    file = make_file(b"x" * 5000, "text/css", kept=True)
    answer = file.answer({"accept-encoding": accepted})
    assert ("content-encoding", "gzip") in answer.headers or not packed
    assert (gzip.decompress(answer.body) if packed else answer.body) == b"x" * 5000
    assert ("vary", "accept-encoding") in answer.headers


# --- The guest of a demo ---------------------------------------------------------------------

ASKED = {**HOST, "x-xache-csrf": "1"}
GUEST = Guest(email="trader@demo.example", password="told to nobody else")


async def test_a_demo_lets_in_who_sits_at_its_machine(make_app: Callable[..., WebApp]) -> None:
    app = make_app(visitor=GUEST)
    answer = await ask(app, "/demo/trader", "POST", headers=ASKED)
    assert (answer.status, answer.document) == (200, attrs.asdict(GUEST))
    assert answer.headers["cache-control"] == "no-store"
    assert DEMO_MARK in (await ask(app, "/trade")).body
    assert "told" not in repr(GUEST)


@pytest.mark.parametrize(
    "said",
    [
        {"x-forwarded-for": "203.0.113.9"}, {"forwarded": "for=203.0.113.9"}, {"via": "1.1 proxy"},
        {"x-real-ip": "203.0.113.9"}, {"x-forwarded-host": "house.example"},
        {"host": "house.example"}, {"origin": "https://evil.example"}, {"origin": "null"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    ],
)  # fmt: skip
async def test_a_demo_tells_its_password_to_no_page_and_no_proxy(
    said: dict[str, str], make_app: Callable[..., WebApp]
) -> None:
    app = make_app(visitor=GUEST, hosts=["house.example"])
    answer = await ask(app, "/demo/trader", "POST", headers={**ASKED, **said})
    refused(answer, 403)
    assert b"told" not in answer.body


async def test_a_demo_tells_its_password_to_no_other_machine(
    make_app: Callable[..., WebApp],
) -> None:
    app = make_app(visitor=GUEST)
    for address in ("203.0.113.9", "192.168.1.7", "fd00::7", "::ffff:203.0.113.9", ""):
        answer = await ask(app, "/demo/trader", "POST", headers=ASKED, address=address)
        refused(answer, 403)
        assert DEMO_MARK not in (await ask(app, "/", address=address)).body
    refused(await ask(app, "/demo/trader", "POST"), 403)
    refused(await ask(app, "/demo/trader", headers=ASKED), 405)


async def test_a_house_has_no_guest(app: WebApp) -> None:
    for method in ("GET", "POST"):
        refused(await ask(app, "/demo/trader", method, headers=ASKED), 404)
    assert DEMO_MARK not in (await ask(app, "/")).body


# --- Refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/page",
        "/page/",
        "/page/../web.py",
        "/index.html",
        "/api",
        "/api/live",
        "/api/live/events",
        "//",
        "/livez/",
        "/page/icon.SVG",
    ],
)
async def test_unknown_paths(path: str, app: WebApp) -> None:
    refused(await ask(app, path), 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X"])
@pytest.mark.parametrize("path", ["/", "/livez", OPENAPI])
async def test_it_only_reads(method: str, path: str, app: WebApp) -> None:
    answer = await ask(app, path, method)
    refused(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:7480", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:80", "[::1]",
     "[::1]:7480", "house.example", "house.example:7480", "10.0.0.7:7480", "[fd00::7]:7480"],
)  # fmt: skip
async def test_its_own_names(host: str, make_app: Callable[..., WebApp]) -> None:
    app = make_app(hosts=["House.example"])
    app.answer_to("10.0.0.7")
    app.answer_to("fd00::7")
    assert (await ask(app, OPENAPI, headers={"host": host})).status == 200


@pytest.mark.parametrize("path", ["/", "/livez", OPENAPI, EVENTS, "/nothing"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:7480", "localhost.evil.example", "127.0.0.1.evil.example",
     "evil.example:localhost", "localhost:", "", "[::1", "::1", "127.0.0.2", "127.0.0.1:80:80"],
)  # fmt: skip
async def test_foreign_names(host: str, path: str, app: WebApp) -> None:
    """A page whose name was pointed at this address (DNS rebinding) comes under its own name."""
    refused(await ask(app, path, headers={"host": host}), 421)


async def test_no_name_at_all(app: WebApp) -> None:
    refused(await ask(app, "/", headers={}), 421)


@pytest.mark.parametrize(
    "said",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1"},
        {"origin": "https://127.0.0.1:7480"},
        {"origin": ""},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://127.0.0.1:7480", "sec-fetch-site": "cross-site"},
    ],
)
async def test_other_origins_get_no_data(said: Mapping[str, str], app: WebApp) -> None:
    for path in (OPENAPI, EVENTS):
        refused(await ask(app, path, headers={**HOST, **said}), 403)
    assert (await ask(app, "/", headers={**HOST, **said})).status == 200, "links may lead here"


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"origin": "http://127.0.0.1:7480"},
        {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:7480"},
        {"sec-fetch-site": "none"},
        # A proxy ends TLS.
        {"sec-fetch-site": "same-origin", "origin": "https://127.0.0.1:7480"},
    ],
)
async def test_its_own_origin_gets_data(said: Mapping[str, str], app: WebApp) -> None:
    assert (await ask(app, OPENAPI, headers={**HOST, **said})).status == 200
    async with reading(app, EVENTS, headers={**HOST, **said}) as reader:
        assert reader.status == 200


async def test_web_sockets_are_refused(app: WebApp) -> None:
    sent: list[Mapping[str, Any]] = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    scope = {**scope_of("GET", EVENTS, HOST, "127.0.0.1"), "type": "websocket"}
    await app(scope, trio.sleep_forever, send)
    assert sent == [{"type": "websocket.close"}]


# --- Headers and page ------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/page/docs.js", "/livez", "/readyz", OPENAPI, "/none"])
async def test_every_answer_is_locked_down(path: str, app: WebApp) -> None:
    headers = (await ask(app, path)).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]
    assert "server" not in headers
    assert not any(name.startswith("access-control-") for name in headers)


def test_the_page_needs_nothing_that_its_policy_forbids() -> None:
    html = (PAGE / "not_built.html").read_text() + (PAGE / "docs.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)|https?://", html)
    for reference in re.findall(r'(?:href|src)="(/page/[^"]*)"', html):
        assert reference.removeprefix("/page/") in FILES
    for name in FILES:
        text = (PAGE / name).read_text()
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|eval\(|document\.write", text)
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_no_file_is_forgotten() -> None:
    assert {item.name for item in PAGE.iterdir()} == set(FILES)
