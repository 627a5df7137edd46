"""API keys through the routes: real vault, real signatures, a real guard against replays."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio
from google.protobuf.message import Message
from nacl.signing import SigningKey
from trio.testing import MockClock
from xache.v1 import account_pb2, auth_pb2, options_pb2, trading_pb2

from tests.actors.people import BOB, PASSWORD, running
from tests.api.test_auth import Api, FakeCall
from xached.api.errors import StatusError
from xached.api.key_auth import Authorizers, KeyAuthorizer
from xached.api.routes import Call, Responses, Routes, Service
from xached.domain.api_keys import NS_PER_DAY, KeyId
from xached.domain.auth import Impediment, SetImpediment
from xached.domain.order import AccountId, Purse, make_purse
from xached.domain.replays import WINDOW_MS, ReplayGuard
from xached.runtime.world import SimulatedWorld
from xached.security.signatures import SignedBy, signed_text
from xached.security.tokens import encode_base64url

HOME, AWAY = "ipv4:192.0.2.7:50000", "ipv4:198.51.100.7:50000"
READ, TRADE, WITHDRAW = (
    options_pb2.SCOPE_READ,
    options_pb2.SCOPE_TRADE,
    options_pb2.SCOPE_WITHDRAW,
)
TRADING = trading_pb2.DESCRIPTOR.services_by_name["TradingService"]


class Reached:
    """Stands where the trading handlers are: whoever gets here was admitted."""

    def __getattr__(self, name: str) -> Any:
        if name not in {_snake(method.name) for method in TRADING.methods}:
            raise AttributeError(name)
        method = next(each for each in TRADING.methods if _snake(each.name) == name)

        async def answer(call: Call, request: Any) -> None:
            return None

        async def stream(call: Call, request: Any, responses: Responses[Any]) -> None:
            return None

        async def both(call: Call, requests: Any, responses: Responses[Any]) -> None:
            return None

        if method.client_streaming:
            return both
        return stream if method.server_streaming else answer


def _snake(name: str) -> str:
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in name).lstrip("_")


class KeyApi(Api):
    """The routes of accounts and trading, for sessions and keys."""

    def __init__(self, people: Any) -> None:
        super().__init__(people)
        now_ms = people.world.now_ns() // 10**6
        self.keys = KeyAuthorizer(
            people.keys, ReplayGuard(now_ms - 10_000), self.spending, people.world.now_ns
        )
        account = account_pb2.DESCRIPTOR.services_by_name["AccountService"]
        found = self.routes.find("/xache.v1.AccountService/WhatCanThisKeyDo")
        assert found is not None
        self.routes = Routes(
            [
                *self.services,
                Service(descriptor=TRADING, handlers=Reached()),
            ],
            Authorizers(self.authorizer, self.keys, people.allowed),
        )
        assert account.full_name in self.routes.service_names

    def now_ms(self) -> int:
        return self.people.world.now_ns() // 10**6

    async def served(self, call: FakeCall, body: bytes) -> Any:
        route = self.routes.find(call.method)
        assert route is not None, call.method
        request = await self.routes.receive(call, route, body)
        return await route.handler(call, request)

    async def make_key(
        self, token: str, signing: SigningKey | None, **terms: Any
    ) -> account_pb2.CreateApiKeyResponse:
        terms.setdefault("scopes", [READ, TRADE])
        terms.setdefault("expires_at_ns", self.people.world.now_ns() + 90 * NS_PER_DAY)
        request = account_pb2.CreateApiKeyRequest(
            label="bot",
            algorithm="KEY_ALGORITHM_ED25519" if signing else "KEY_ALGORITHM_HMAC_SHA256",
            public_key=bytes(signing.verify_key) if signing else b"",
            terms=account_pb2.KeyTerms(**terms),
        )
        made: account_pb2.CreateApiKeyResponse = await self.proven(request, token)
        return made

    async def proven(self, request: account_pb2.CreateApiKeyRequest, token: str) -> Any:
        """Ask for a key with a fresh proof."""
        method = "AccountService/CreateApiKey"
        proof = auth_pb2.StepUpRequest(
            method=f"/xache.v1.{method}", request=request.SerializeToString(), password=PASSWORD
        )
        answer = await self.call("AuthService/StepUp", proof, token)
        return await self.call(method, request, token, answer.step_up_token)


_nonces = itertools.count()


class KeyCall(FakeCall):
    """A call whose purse is not looked at."""

    def resolve_purse(self, request: Message) -> Purse:
        return make_purse("alice", "")


def signed_call(
    method: str,
    key_id: str,
    signing: SigningKey,
    body: bytes,
    at_ms: int,
    nonce: str | None = None,
    peer: str = HOME,
) -> FakeCall:
    parts = SignedBy(
        scheme="XACHE-ED25519",
        key_id=KeyId(key_id),
        timestamp_ms=at_ms,
        nonce=nonce or f"nonce-{next(_nonces):016}",
        signature=b"",
    )
    path = f"/xache.v1.{method}"
    signature = encode_base64url(signing.sign(signed_text(parts, path, body)).signature)
    header = f"XACHE-ED25519 {key_id}:{at_ms}:{parts.nonce}:{signature}"
    call = KeyCall(metadata={"authorization": header})
    call.method, call.peer = path, peer
    return call


SIGNING = SigningKey(b"\5" * 32)
WHAT = "AccountService/WhatCanThisKeyDo"


@contextlib.asynccontextmanager
async def a_house(path: Path, **terms: Any) -> AsyncIterator[tuple[KeyApi, str, str]]:
    """A house in which alice has a key: (api, her access token, the key's id)."""
    async with running(path / "vault.db", SimulatedWorld(1)) as people:
        await people.register()
        await people.register(BOB)
        api = KeyApi(people)
        token = (await api.login()).tokens.access_token
        made = await api.make_key(token, SIGNING, **terms)
        assert made.secret == b""
        yield api, token, made.key.key_id


async def what(api: KeyApi, key_id: str, **signed: Any) -> account_pb2.WhatCanThisKeyDoResponse:
    signed.setdefault("at_ms", api.now_ms())
    call = signed_call(WHAT, key_id, signed.pop("signing", SIGNING), b"", **signed)
    answer: account_pb2.WhatCanThisKeyDoResponse = await api.served(call, b"")
    return answer


async def refusal(awaitable: Any) -> tuple[str, str]:
    with pytest.raises(StatusError) as refused:
        await awaitable
    return refused.value.code.name, refused.value.reason


async def test_a_key_is_made_used_listed_and_revoked(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with a_house(tmp_path) as (api, token, key_id):
        told = await what(api, key_id)
        assert (told.key_id, list(told.scopes)) == (key_id, [READ, TRADE])
        assert told.address == "192.0.2.7"
        days = (told.trading_until_ns - api.people.world.now_ns()) / NS_PER_DAY
        assert days == pytest.approx(30, abs=0.01)
        listed = await api.call(
            "AccountService/ListApiKeys", account_pb2.ListApiKeysRequest(), token
        )
        assert [(key.key_id, key.label) for key in listed.keys] == [(key_id, "bot")]
        request = account_pb2.RevokeApiKeyRequest(key_id=key_id)
        bob = (await api.login(BOB)).tokens.access_token
        with pytest.raises(Exception, match="no such API key"):
            await api.call("AccountService/RevokeApiKey", request, bob)
        await what(api, key_id)
        await api.call("AccountService/RevokeApiKey", request, token)
        assert await refusal(what(api, key_id)) == ("UNAUTHENTICATED", "KEY_INVALID")
        assert api.people.stream()[-1] == "ApiKeyEnded"


async def test_keys_outlive_the_process(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with a_house(tmp_path, networks=["192.0.2.0/24"]) as (api, token, key_id):
        secret = (await api.make_key(token, None)).secret
        assert len(secret) == 32
    async with running(tmp_path / "vault.db", SimulatedWorld(1)) as people:
        api = KeyApi(people)
        await trio.sleep(60)
        assert (await what(api, key_id)).key_id == key_id
        assert await refusal(what(api, key_id, peer=AWAY)) == (
            "PERMISSION_DENIED",
            "ADDRESS_DENIED",
        )
        live = [people.keys.find(KeyId(each)) for each in _ids(people)]
        assert secret in {key.verifier for key in live if key is not None}


def _ids(people: Any) -> list[str]:
    return [key.key_id for key in people.vault.api_keys()]


async def test_no_signed_request_is_served_twice(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Checked: without remembering nonces the second of each pair is served."""
    async with a_house(tmp_path) as (api, _, key_id):
        at_ms = api.now_ms()
        call = signed_call(WHAT, key_id, SIGNING, b"", at_ms)
        await api.served(call, b"")
        assert await refusal(api.served(call, b"")) == ("UNAUTHENTICATED", "REPLAYED")
        await trio.sleep(WINDOW_MS / 1000 - 0.01)
        assert await refusal(api.served(call, b"")) == ("UNAUTHENTICATED", "REPLAYED")
        await trio.sleep(0.02)
        assert await refusal(api.served(call, b"")) == ("UNAUTHENTICATED", "TIMESTAMP")
        # Another process of the same house.
        again = KeyApi(api.people)
        again.keys._guard = ReplayGuard(api.now_ms())
        late = signed_call(WHAT, key_id, SIGNING, b"", api.now_ms() + 900)
        await api.served(late, b"")
        assert await refusal(again.served(late, b"")) == ("UNAUTHENTICATED", "TIMESTAMP")


async def test_every_flipped_byte_of_a_signed_request_is_refused(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Header, body and method; what is refused uses up no nonce, so the true one still works."""
    async with a_house(tmp_path) as (api, _, key_id):
        body = trading_pb2.PlaceOrderRequest(
            client_order_id="o-1", symbol="BTC-USDT", quantity="0.1", price="50000"
        ).SerializeToString()
        good = signed_call("TradingService/PlaceOrder", key_id, SIGNING, body, api.now_ms())
        header = good.metadata["authorization"].encode()

        async def refused(changed: FakeCall, sent: bytes) -> None:
            code, reason = await refusal(api.served(changed, sent))
            assert code == "UNAUTHENTICATED", (code, reason)

        for position in range(len(header)):
            for mask in (0x01, 0x20, 0x80):
                flipped = bytearray(header)
                flipped[position] ^= mask
                changed = FakeCall(metadata={"authorization": flipped.decode("latin-1")})
                changed.method, changed.peer = good.method, good.peer
                await refused(changed, body)
        for position in range(len(body)):
            flipped = bytearray(body)
            flipped[position] ^= 0x01
            await refused(good, bytes(flipped))
        await refused(good, b"")
        await refused(good, body + b"\0")
        elsewhere = FakeCall(metadata=good.metadata)
        elsewhere.method, elsewhere.peer = "/xache.v1.TradingService/PreviewOrder", good.peer
        await refused(elsewhere, body)
        await api.served(good, body)


@pytest.mark.parametrize("ahead_ms", [-WINDOW_MS, -60_000, 1_001, 60_000])
async def test_the_time_of_a_request_is_now(
    autojump_clock: MockClock, tmp_path: Path, ahead_ms: int
) -> None:
    async with a_house(tmp_path) as (api, _, key_id):
        await trio.sleep(100)
        now_ms = api.now_ms()
        with pytest.raises(StatusError) as refused:
            await what(api, key_id, at_ms=now_ms + ahead_ms)
        assert refused.value.reason == "TIMESTAMP"
        assert refused.value.facts["now_ms"] == str(now_ms)


async def test_the_window_is_looked_at_again_when_a_request_is_executed(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with a_house(tmp_path) as (api, _, key_id):
        await trio.sleep(100)
        call = signed_call(WHAT, key_id, SIGNING, b"", api.now_ms() - 4_000)
        await api.served(call, b"")
        assert call.deadline_s == pytest.approx(trio.current_time() + 1, abs=0.01)
        stream = signed_call("TradingService/EnterOrders", key_id, SIGNING, b"", api.now_ms())
        route = api.routes.find(stream.method)
        assert route is not None
        await api.routes.admit(stream, route)
        assert stream.deadline_s == float("inf")


async def test_a_stranger_learns_nothing_of_a_key(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with a_house(tmp_path, networks=["192.0.2.0/24"]) as (api, _, key_id):
        unknown = ("UNAUTHENTICATED", "KEY_INVALID")
        stranger = SigningKey(b"\6" * 32)
        assert await refusal(what(api, "a" * 24)) == unknown
        assert await refusal(what(api, key_id, signing=stranger)) == unknown
        assert await refusal(what(api, key_id, signing=stranger, peer=AWAY)) == unknown


async def test_the_end_of_a_key_ends_its_streams(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with a_house(tmp_path) as (api, token, key_id), contextlib.AsyncExitStack() as stack:
        other = (await api.make_key(token, SigningKey(b"\7" * 32))).key.key_id
        streams = []
        for each, signing in ((key_id, SIGNING), (other, SigningKey(b"\7" * 32))):
            body = b""
            call = signed_call("TradingService/WatchPurse", each, signing, body, api.now_ms())
            route = api.routes.find(call.method)
            assert route is not None
            await api.routes.admit(call, route, body)
            stack.enter_context(api.routes.stream(call))
            streams.append(call)
        request = account_pb2.RevokeApiKeyRequest(key_id=key_id)
        await api.call("AccountService/RevokeApiKey", request, token)
        assert streams[0].revoked is not None
        assert streams[0].revoked.reason == "KEY_ENDED"
        assert streams[1].revoked is None
        account_id = AccountId((await what(api, other, signing=SigningKey(b"\7" * 32))).account_id)
        await api.people.inbox.ask(
            SetImpediment(
                account_id=account_id,
                impediment=Impediment.FROZEN,
                stands=True,
                by=account_id,
            )
        )
        assert streams[1].revoked is not None
        assert streams[1].revoked.reason == "PERMISSIONS_CHANGED"
        told = await what(api, other, signing=SigningKey(b"\7" * 32))
        assert list(told.impediments) == [options_pb2.IMPEDIMENT_FROZEN]


async def test_keys_end_by_themselves(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with a_house(tmp_path) as (api, token, key_id):
        short = SigningKey(b"\7" * 32)
        made = await api.make_key(
            token, short, expires_at_ns=api.people.world.now_ns() + 30 * 10**9
        )
        await trio.sleep(30)
        expired = ("UNAUTHENTICATED", "KEY_EXPIRED")
        assert await refusal(what(api, made.key.key_id, signing=short)) == expired
        await trio.sleep(61)
        gone = ("UNAUTHENTICATED", "KEY_INVALID")
        assert await refusal(what(api, made.key.key_id, signing=short)) == gone
        assert api.people.stream()[-1] == "ApiKeyEnded"
        watch = signed_call("TradingService/EnterOrders", key_id, SIGNING, b"", api.now_ms())
        route = api.routes.find(watch.method)
        assert route is not None
        await api.routes.admit(watch, route)
        with api.routes.stream(watch):
            api.people.world.shift_clock(30 * NS_PER_DAY)
            await trio.sleep(61)
            assert watch.revoked is not None
            assert watch.revoked.reason == "PERMISSIONS_CHANGED"
        assert list((await what(api, key_id)).scopes) == [READ]


async def test_a_key_that_withdraws_begins_a_day_later(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    terms = {"scopes": [READ, WITHDRAW], "networks": ["192.0.2.7"]}
    async with a_house(tmp_path, **terms) as (api, _, key_id):
        told = await what(api, key_id)
        assert list(told.scopes) == [READ]
        assert told.withdrawing_from_ns > api.people.world.now_ns()
        api.people.world.shift_clock(NS_PER_DAY)
        told = await what(api, key_id)
        assert list(told.scopes) == [READ, WITHDRAW]
        assert told.withdrawing_from_ns == 0


@pytest.mark.parametrize(
    "change",
    [
        {"label": ""},
        {"label": "x" * 65},
        {"label": "a\nb"},
        {"algorithm": 0},
        {"algorithm": 9},
        {"public_key": b""},
        {"public_key": bytes(32)},
        {"public_key": b"\1" + bytes(31)},
        {"public_key": b"\xff" * 32},
        {"public_key": bytes(31)},
        {"algorithm": account_pb2.KEY_ALGORITHM_HMAC_SHA256},
        {"terms": account_pb2.KeyTerms()},
        {"terms": account_pb2.KeyTerms(scopes=[options_pb2.SCOPE_ADMIN])},
        {"terms": account_pb2.KeyTerms(scopes=[READ], symbols=["NO-SUCH"])},
    ],
)
async def test_keys_that_are_not_made(
    autojump_clock: MockClock, tmp_path: Path, change: dict[str, Any]
) -> None:
    async with a_house(tmp_path) as (api, token, _):
        fields: dict[str, Any] = {
            "label": "bot",
            "algorithm": account_pb2.KEY_ALGORITHM_ED25519,
            "public_key": bytes(SIGNING.verify_key),
            "terms": account_pb2.KeyTerms(
                scopes=[READ], expires_at_ns=api.people.world.now_ns() + NS_PER_DAY
            ),
        }
        request = account_pb2.CreateApiKeyRequest(**{**fields, **change})
        with pytest.raises(Exception, match=r".") as refused:
            await api.proven(request, token)
        assert type(refused.value).__name__ == "Rejection"
        assert len(_ids(api.people)) == 1
