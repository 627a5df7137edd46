"""REST on a whole daemon: paths, JSON, problem details, safe repeats, signatures and streams."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import attrs
import grpc
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import admin_pb2

from tests.api.asgi import HOST, Answer, Reader, ask, reading
from tests.security.whole_house import NOBODY, PASSWORD, Credential, WholeHouse, whole_house
from xached.api.rest import STATUSES
from xached.api.transcoding import RestTable
from xached.security.totp import STEP_S

EMAIL = "ada@people.example"
JSON = {"content-type": "application/json"}
ORDER = {
    "clientOrderId": "o-1",
    "symbol": "BTC-USDT",
    "side": "SIDE_BUY",
    "type": "ORDER_TYPE_LIMIT",
    "price": "50000.00",
    "quantity": "0.01",
}


class Script:
    """Somebody who calls by REST."""

    def __init__(self, house: WholeHouse, credential: Credential = NOBODY) -> None:
        self.house = house
        self.credential = credential

    async def send(
        self, verb: str, target: str, document: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Make a request; a document that is bytes is sent as it is."""
        body = b"" if document is None else document
        if not isinstance(body, bytes):
            body = json.dumps(document).encode()
        said = {**HOST, **(JSON if body else {}), **self.proof(verb, target, body)}
        return await ask(self.house.front.web, target, verb, {**said, **(headers or {})}, body)

    async def get(self, target: str, headers: Mapping[str, str] | None = None) -> Answer:
        """Read."""
        return await self.send("GET", target, headers=headers)

    async def post(
        self, target: str, document: Any, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Do."""
        return await self.send("POST", target, document, headers)

    def proof(self, verb: str, target: str, body: bytes) -> dict[str, str]:
        """What it carries."""
        now_ms = self.house.world.now_ns() // 10**6
        header = self.credential.header(f"{verb} {target}", body, now_ms)
        return {"authorization": header} if header else {}


def refused(answer: Answer, status: int, reason: str) -> Any:
    """The problem of a refusal, as RFC 9457 has it."""
    assert (answer.status, answer.document.get("reason")) == (status, reason), answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.document["type"] == f"urn:xache:reason:{reason}"
    assert answer.document["status"] == status
    assert answer.document["title"]
    assert answer.document["detail"]
    return answer.document


async def signed_in(house: WholeHouse, email: str = EMAIL) -> Script:
    await house.register(email)
    return Script(house, (await house.login(email))[0])


async def trading(house: WholeHouse) -> Script:
    """Somebody with money, in a market with a mark."""
    await house.admin()
    # Each code needs half a minute of its own; a clock that was moved would halt the house.
    await trio.sleep(STEP_S)
    mark = admin_pb2.SetMarkRequest(symbol="BTC-USDT", price="50000.00", request_id="mark")
    await house.by_admin("AdminService/SetMark", mark)
    await trio.sleep(STEP_S)
    account_id = await house.register(EMAIL)
    await house.deposit(account_id, "USDT", "10000")
    return Script(house, (await house.login(EMAIL))[0])


# --- paths ------------------------------------------------------------------------------------

PROMISED = {
    "POST /api/auth/register", "POST /api/auth/login", "POST /api/auth/verify",
    "POST /api/auth/2fa", "POST /api/auth/reset-password",
    "GET /api/trading/portfolio", "GET /api/trading/orders", "GET /api/trading/history",
    "GET /api/trading/positions", "POST /api/trading/order",
    "GET /api/wallet/balance", "GET /api/wallet/transactions", "GET /api/analytics/performance",
}  # fmt: skip
TO_COME = {
    "POST /api/wallet/withdraw", "POST /api/wallet/deposit",
    "GET /api/analytics/market", "GET /api/analytics/reports",
}  # fmt: skip
"""They join with the services that they need."""


async def test_the_promised_paths(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        table = RestTable(house.routes(admin=False).routes)
        served = {f"{route.verb} {route.template}" for route in table.routes}
        assert served >= PROMISED
        assert not served & TO_COME, "what has come is promised now"
        assert all(route.template.startswith("/api/") for route in table.routes)
        for_admins = RestTable(house.routes(admin=True).routes)
        assert len(for_admins.routes) == len(table.routes), "the house is not run by REST"


async def test_what_is_asked_by_whom(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        nobody, ada = Script(house), await signed_in(house)
        refusal = await nobody.get("/api/wallet/balance")
        refused(refusal, 401, "CREDENTIAL_REQUIRED")
        assert refusal.headers["www-authenticate"] == "Bearer"
        answer = await ada.get("/api/wallet/balance?subaccount=main")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-xache-rate-left"].isdecimal()
        assert answer.document["balances"] == []
        refused(await ada.get("/api/wallet/balance?subaccount=../bob"), 400, "ID_FORMAT")
        refused(await ada.get("/api/staff/cases"), 403, "ROLE_MISSING")
        answer = await nobody.send("PUT", "/api/trading/order", {})
        assert answer.status == 405
        assert answer.headers["allow"] == "DELETE, GET, POST"
        assert (await nobody.get("/api/nothing")).status == 404
        assert (await nobody.get("/api/trading/")).status == 404


async def test_fields_in_a_path(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        nobody = Script(house)
        answer = await nobody.get("/api/market/trades/BTC-USDT?limit=5")
        assert answer.document["trades"] == []
        problem = refused(await nobody.get("/api/market/trades/X"), 404, "UNKNOWN_INSTRUMENT")
        assert problem["facts"]["given"] == "X"
        for path in ("/api/market/trades/", "/api/market/trades/a/b", "/api/market/trades"):
            assert (await nobody.get(path)).status == 404
        again = "/api/market/trades/BTC-USDT?symbol=ETH-USDT"
        refused(await nobody.get(again), 400, "MALFORMED_MESSAGE")


async def test_a_field_of_many_values_is_repeated_in_the_query(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        path = "/api/market/indicators/bollinger/BTC-USDT?interval=INTERVAL_1S&settings=window=5"
        nobody = Script(house)
        answer = await nobody.get(f"{path}&settings=deviations=1.5")
        assert answer.status == 200
        assert answer.document["settings"] == ["window=5", "deviations=1.5"]
        assert [each["name"] for each in answer.document["indicator"]["outputs"]] == [
            "upper", "middle", "lower",
        ]  # fmt: skip
        refused(await nobody.get(f"{path}&settings=deviations=x"), 400, "INDICATOR_SETTINGS")
        listed = await nobody.get("/api/market/indicators")
        assert listed.document["indicators"][0]["name"] == "sma"


async def test_a_revocation_names_its_object_in_the_path(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        ada = await signed_in(house)
        other = (await house.login(EMAIL))[1].session_id
        assert (await ada.send("DELETE", f"/api/auth/sessions/{other}")).status == 200
        (left,) = (await ada.get("/api/auth/sessions")).document["sessions"]
        assert left["current"] is True


# --- JSON -------------------------------------------------------------------------------------


async def test_json_is_that_of_proto3(autojump_clock: MockClock, tmp_path: Path) -> None:
    """64-bit numbers are strings, names are in camel case, what is not set is there."""
    async with whole_house(tmp_path) as house:
        ada = await trading(house)
        by_proto = {"client_order_id": "o-0", **ORDER}
        del by_proto["clientOrderId"]
        assert (await ada.post("/api/trading/order", by_proto)).status == 200
        answer = (await ada.post("/api/trading/order", {**ORDER, "side": 1})).document
        order = answer["order"]
        assert order["clientOrderId"] == "o-1"
        assert order["side"] == "SIDE_BUY"
        assert order["reduceOnly"] is False
        assert isinstance(order["acceptedAtNs"], str)
        assert order["acceptedAtNs"].isdecimal()
        listed = (await ada.get("/api/trading/orders")).document["orders"]
        assert [each["clientOrderId"] for each in listed] == ["o-0", "o-1"]
        await trio.sleep(1)
        query = "?statuses=ORDER_STATUS_OPEN&statuses=ORDER_STATUS_FILLED&page_size=1"
        page = (await ada.get(f"/api/trading/history{query}")).document
        assert page["orders"][0]["clientOrderId"] == "o-1"
        token = quote(page["nextPageToken"])
        page = (await ada.get(f"/api/trading/history{query}&pageToken={token}")).document
        assert page["orders"][0]["clientOrderId"] == "o-0"


NO_MESSAGE = [
        b"{", b"[]", b"null", b'"x"', b"\xff", b"\x00", b"{'price': 1}", b"{} {}",
        b'{"price": NaN}', b'{"price": Infinity}', b'{"side": "SIDE_SIDEWAYS"}',
        b'{"price": 5}', b'{"price": ["hunter2"]}', b'{"price": {"hunter2": 1}}',
        b'{"unknown": "hunter2"}', b'{"postOnly": "true"}', b'{"postOnly": 1}',
        b'{"expiresAtNs": "hunter2"}', b'{"expiresAtNs": 1.5}', b'{"expiresAtNs": 1e400}',
        b'{"expiresAtNs": "99999999999999999999"}', b'{"expiresAtNs": 99999999999999999999}',
        b'{"price": "1", "price": "2"}', b'{"price": "1", "price_": "2"}',
        b'{"price": "\\ud800"}', b"[" * 100_000, b'{"a":' * 50_000, b'{"@type": "x"}',
        b'{"expiresAtNs": ' + b"9" * 5_000 + b"}", b'{"trailBps": -1}', b'{"trailBps": 4294967296}',
]  # fmt: skip


async def test_what_is_no_message(autojump_clock: MockClock, tmp_path: Path) -> None:
    """One form of each request is read, and no value is repeated: it may be a secret."""
    async with whole_house(tmp_path) as house:
        for body in NO_MESSAGE:
            answer = await Script(house).post("/api/trading/order", body)
            refused(answer, 400, "MALFORMED_MESSAGE")
            assert b"hunter2" not in answer.body
            assert len(answer.body) < 800


async def test_what_is_wrong_is_named(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        script = Script(house)
        for document, field, allowed in (
            ({"unknown": 1}, "unknown", "a field of subaccount, clientOrderId, "),
            ({"postOnly": "yes"}, "postOnly", "true or false"),
            ({"side": "UP"}, "side", "SIDE_BUY, SIDE_SELL"),
            ({"price": 5}, "price", "text, in quotes"),
            ({"trailBps": -1}, "trailBps", "a whole number up to 4294967295"),
            ({"expiresAtNs": "soon"}, "expiresAtNs", "a whole number "),
        ):
            problem = refused(
                await script.post("/api/trading/order", document), 400, "MALFORMED_MESSAGE"
            )
            assert problem["facts"]["field"] == field
            assert allowed in problem["facts"]["allowed"]
            assert problem["detail"] == "this is no PlaceOrderRequest"


async def test_what_is_wrong_inside_is_named(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Only by names of the proto: a value may be written like the words of an error."""
    async with whole_house(tmp_path) as house:
        script = Script(house)
        for document, field, allowed in (
            ({"orders": [{"side": "UP"}]}, "orders.side", "SIDE_BUY, SIDE_SELL"),
            ({"orders": [{"hunter2": 1}]}, "orders", "a list, each an object"),
            ({"orders": [{"side": "parse hunter2"}]}, "orders.side", "SIDE_BUY, SIDE_SELL"),
            ({"orders": 1}, "orders", "a list, each an object"),
        ):
            answer = await script.post("/api/trading/orders", document)
            problem = refused(answer, 400, "MALFORMED_MESSAGE")
            assert problem["facts"] == {"field": field, "allowed": allowed}, document
            assert b"hunter2" not in answer.body
        for query, field, allowed in (
            ("limit=x", "limit", "a whole number up to 4294967295"),
            ("limit=1&limit=2", "limit", "once"),
            ("symbol=X", "symbol", "in the path alone"),
            ("limit.x=1", "limit.x", "a field without parts"),
        ):
            answer = await script.get(f"/api/market/trades/BTC-USDT?{query}")
            problem = refused(answer, 400, "MALFORMED_MESSAGE")
            assert problem["facts"] == {"field": field, "allowed": allowed}, query


NO_QUERY = [
        "limit=x", "limit=1&limit=2", "limit=-1", "unknown=1", "limit", "=1", "limit=1&&x", "%ff=1",
        "limit=%ff", "a.b=1", "limit.x=1", "venue=%ed%a0%80", "&".join(["x=1"] * 100),
]  # fmt: skip


async def test_a_query_that_cannot_be_read(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        for query in NO_QUERY:
            answer = await Script(house).get(f"/api/market/trades/BTC-USDT?{query}")
            refused(answer, 400, "MALFORMED_MESSAGE")


async def test_fields_are_where_they_belong(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        script = Script(house)
        with_query = await script.post("/api/trading/order?price=1", ORDER)
        refused(with_query, 400, "MALFORMED_MESSAGE")
        with_body = await script.send("GET", "/api/wallet/balance", {"subaccount": "x"})
        refused(with_body, 400, "MALFORMED_MESSAGE")
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            answer = await script.post("/api/trading/order", ORDER, {"content-type": kind})
            assert answer.status == 415, "what a form of another page can send"
        answer = await script.post("/api/trading/order", ORDER, {"origin": "https://evil.example"})
        assert answer.status == 403
        answer = await script.post("/api/trading/order", ORDER, {"host": "evil.example"})
        assert answer.status == 421


# --- safe repeats -----------------------------------------------------------------------------


async def test_a_key_makes_a_repeat_safe(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        ada = await trading(house)
        order = {name: value for name, value in ORDER.items() if name != "clientOrderId"}
        answers = [
            await ada.post("/api/trading/order", order, {"idempotency-key": key})
            for key in ("k-1", '"k-1"', "k-1")
        ]
        assert [answer.status for answer in answers] == [200, 200, 200]
        assert len({answer.document["order"]["orderId"] for answer in answers}) == 1
        assert answers[0].document["order"]["clientOrderId"] == "k-1"
        other = await ada.post(
            "/api/trading/order", {**order, "quantity": "0.02"}, {"idempotency-key": "k-1"}
        )
        refused(other, 409, "ID_REUSED")
        both = await ada.post("/api/trading/order", ORDER, {"idempotency-key": "k-2"})
        facts = refused(both, 400, "IDEMPOTENCY_KEY")["facts"]
        assert facts["allowed"] == "none, or client_order_id once more"
        cancel = "/api/trading/order?clientOrderId=k-1"
        for _ in range(2):
            answer = await ada.send("DELETE", cancel, headers={"idempotency-key": "k-3"})
            assert answer.status == 200
        answer = await ada.post("/api/auth/resend", {"token": "x"}, {"idempotency-key": "k-4"})
        facts = refused(answer, 400, "IDEMPOTENCY_KEY")["facts"]
        assert facts == {"field": "idempotency-key", "allowed": "none"}
        assert (await ada.get("/api/trading/orders", {"idempotency-key": "k"})).status == 200
        unclean = await ada.post("/api/trading/order", order, {"idempotency-key": "a b"})
        refused(unclean, 400, "ID_FORMAT")


# --- proofs -----------------------------------------------------------------------------------


async def test_signed_requests(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Checked: with the signature over method and message, as on gRPC, none of these is right."""
    async with whole_house(tmp_path) as house:
        owner = (await trading(house)).credential
        bot = Script(house, await house.make_key(owner, 1, scopes=[1, 2]))
        assert (await bot.get("/api/wallet/balance?subaccount=main")).status == 200
        assert (await bot.post("/api/trading/order", ORDER)).status == 200
        body = json.dumps(ORDER).encode()
        proof = bot.proof("POST", "/api/trading/order", body)
        other = {**ORDER, "quantity": "1"}
        refused(await bot.post("/api/trading/order", other, proof), 401, "KEY_INVALID")
        empty = bot.proof("POST", "/api/trading/order", b"{}")
        refused(await bot.post("/api/trading/order/preview", {}, empty), 401, "KEY_INVALID")
        assert (await bot.post("/api/trading/order", body, proof)).status == 200
        refused(await bot.post("/api/trading/order", body, proof), 401, "REPLAYED")
        proof = bot.proof("GET", "/api/trading/orders?symbol=BTC-USDT", b"")
        for target in ("/api/trading/orders", "/api/trading/orders?symbol=ETH-USDT"):
            refused(await bot.get(target, proof), 401, "KEY_INVALID")
        over_grpc = house.new_call(
            house_route(house, "/xache.v1.TradingService/ListOpenOrders"), bot.credential
        ).metadata
        refused(await bot.get("/api/trading/orders", over_grpc), 401, "KEY_INVALID")


def house_route(house: WholeHouse, path: str) -> Any:
    return house.routes(admin=False).find(path)


async def test_a_fresh_proof_is_for_the_json_that_is_sent(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        ada = await signed_in(house)
        refused(await ada.post("/api/auth/2fa/enrol", {}), 403, "STEP_UP_REQUIRED")
        wanted = {"networks": ["192.0.2.0/24", "127.0.0.0/16"]}
        asked = {
            "method": "/xache.v1.AccountService/SetAllowList",
            "request": base64.b64encode(json.dumps(wanted).encode()).decode(),
            "password": PASSWORD,
        }
        token = (await ada.post("/api/auth/step-up", asked)).document["stepUpToken"]
        step_up = {"x-xache-step-up": token}
        other = await ada.send("PUT", "/api/account/allow-list", {"networks": []}, step_up)
        refused(other, 403, "STEP_UP_REQUIRED")
        token = (await ada.post("/api/auth/step-up", asked)).document["stepUpToken"]
        step_up = {"x-xache-step-up": token}
        answer = await ada.send("PUT", "/api/account/allow-list", wanted, step_up)
        assert answer.status == 200, answer.body
        bad = base64.b64encode(b'{"networks": 1}').decode()
        answer = await ada.post("/api/auth/step-up", {**asked, "request": bad})
        refused(answer, 400, "MALFORMED_MESSAGE")


# --- streams ----------------------------------------------------------------------------------


@attrs.frozen
class Event:
    """One server-sent event."""

    name: str
    number: int | None
    data: Any


def events(reader: Reader) -> list[Event]:
    """What was sent so far."""
    found = []
    for block in b"".join(reader.sent).decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        number = int(fields["id"]) if "id" in fields else None
        found.append(Event(fields.get("event", "message"), number, json.loads(fields["data"])))
    return found


async def test_a_stream_resumes_after_its_last_event(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        ada = await trading(house)
        app, target = house.front.web, "/api/trading/events"
        said = {**HOST, **ada.proof("GET", target, b"")}
        async with reading(app, target, headers=said) as reader:
            await trio.sleep(1)
            assert reader.headers["content-type"] == "text/event-stream"
            (first,) = events(reader)
            assert first.data["snapshot"]["balances"][0]["available"] == "10000"
            await ada.post("/api/trading/order", ORDER)
            await trio.sleep(1)
            told = [event for event in events(reader) if "order" in event.data]
            assert told[0].data["order"]["clientOrderId"] == "o-1"
            await trio.sleep(20)
            assert sum("heartbeat" in event.data for event in events(reader)) >= 3
        await ada.send("DELETE", "/api/trading/order?clientOrderId=o-1")
        last = max(event.number for event in events(reader) if event.number is not None)
        again = {**said, "last-event-id": str(last)}
        async with reading(app, target, headers=again) as reader:
            await trio.sleep(1)
            assert not any("snapshot" in event.data for event in events(reader))
            told = [event for event in events(reader) if "order" in event.data]
            assert told[-1].data["order"]["status"] == "ORDER_STATUS_CANCELED"
        for wrong in ("x", "-1", "1.0", "9" * 20):
            answer = await ada.get(target, {"last-event-id": wrong})
            facts = refused(answer, 400, "LAST_EVENT_ID")["facts"]
            assert facts["allowed"] == "the id of an event of this stream"


async def test_a_stream_that_is_refused_has_a_status(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        refused(await Script(house).get("/api/trading/events"), 401, "CREDENTIAL_REQUIRED")
        answer = await Script(house).get("/api/market/book/NONE/events")
        refused(answer, 404, "UNKNOWN_INSTRUMENT")


async def test_a_stream_says_why_it_ends(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        ada = await signed_in(house)
        app, target = house.front.web, "/api/trading/events"
        said = {**HOST, **ada.proof("GET", target, b"")}
        async with (
            reading(app, target, headers=said) as mine,
            reading(app, "/api/market/book/BTC-USDT/events") as public,
        ):
            await trio.sleep(1)
            await ada.post("/api/auth/logout", {})
            await mine.complete.wait()
            last = events(mine)[-1]
            assert (last.name, last.data["reason"]) == ("problem", "SESSION_ENDED")
            app.close()
            await public.complete.wait()
            told = events(public)
            assert "shutdown" in told[-2].data
            assert (told[-1].name, told[-1].data["reason"]) == ("problem", "STOPPING")
            refused(await ada.get("/api/market/instruments"), 503, "STOPPING")


# --- the declarations -------------------------------------------------------------------------


def test_every_code_has_a_status() -> None:
    ours = {"INTERNAL", "UNKNOWN", "DATA_LOSS"}
    assert {code.name for code in grpc.StatusCode} - {code.name for code in STATUSES} == {
        "OK",
        *ours,
    }


@pytest.mark.parametrize(
    "said", ["x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "true-client-ip"]
)
async def test_nobody_is_where_they_say_they_are(
    autojump_clock: MockClock, tmp_path: Path, said: str
) -> None:
    """Checked: it is red where the address is taken from ``x-forwarded-for``."""
    async with whole_house(tmp_path) as house:
        ada = await signed_in(house)
        key = await house.make_key(ada.credential, 1, scopes=[1], networks=["192.0.2.0/24"])
        where = {"forwarded": "for=192.0.2.7"}.get(said, "192.0.2.7")
        answer = await Script(house, key).get("/api/wallet/balance", {said: where})
        refused(answer, 403, "ADDRESS_DENIED")
