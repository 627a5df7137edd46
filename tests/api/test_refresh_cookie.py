"""Sessions of browsers: the refresh token lives in a cookie, and only the house's page uses it."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trio
import xache.v1
from google.protobuf.message import Message
from trio.testing import MockClock
from xache.v1 import auth_pb2

from tests.api.asgi import Answer, ask
from tests.api.grpc_web_client import BINARY, Told, frame, headers_of, read
from tests.security.whole_house import PASSWORD, WholeHouse, whole_house

EMAIL = "ada@people.example"
COOKIE = "__Host-xache-refresh"
CSRF = {"x-grpc-web": "1"}


class Browser:
    """Calls by gRPC-Web, and keeps the cookie as a browser does."""

    def __init__(self, house: WholeHouse) -> None:
        self.house = house
        self.cookie = ""
        self.set_cookie = ""
        """The last one that was told."""
        self.access = ""

    async def post(
        self, method: str, request: Message, headers: Mapping[str, str] | None = None
    ) -> tuple[Answer, Told]:
        """Make a call."""
        said = dict(headers_of(BINARY, headers or {}))
        if headers is not None and "x-grpc-web" not in headers:
            del said["x-grpc-web"]
        if self.cookie:
            said["cookie"] = f"theme=dark; {COOKIE}={self.cookie}; {COOKIE}x=1"
        if self.access:
            said["authorization"] = f"Bearer {self.access}"
        answer = await ask(
            self.house.front.web,
            f"/xache.v1.AuthService/{method}",
            "POST",
            said,
            frame(request.SerializeToString()),
        )
        self.set_cookie = answer.headers.get("set-cookie", "")
        if self.set_cookie:
            name, _, value = self.set_cookie.partition(";")[0].partition("=")
            assert name == COOKIE
            self.cookie = value
        if answer.status != 200:
            return answer, Told([], {})
        return answer, read(answer.body)

    async def login(self) -> auth_pb2.LoginResponse:
        """Open a session."""
        request = auth_pb2.LoginRequest(email=EMAIL, password=PASSWORD, device="browser")
        _, told = await self.post("Login", request)
        response = auth_pb2.LoginResponse.FromString(told.messages[0])
        self.access = response.tokens.access_token
        return response

    async def refresh(self, headers: Mapping[str, str] = CSRF) -> Told:
        """Trade the cookie for a new one."""
        _, told = await self.post("Refresh", auth_pb2.RefreshRequest(), headers)
        if told.messages:
            tokens = auth_pb2.RefreshResponse.FromString(told.messages[0]).tokens
            assert tokens.refresh_token == ""
            self.access = tokens.access_token
        return told

    async def works(self) -> bool:
        """Whether the access token opens anything."""
        _, told = await self.post("ListSessions", auth_pb2.ListSessionsRequest())
        return told.status == 0


async def signed_in(house: WholeHouse) -> Browser:
    await house.register(EMAIL)
    browser = Browser(house)
    await browser.login()
    return browser


async def test_the_token_is_in_the_cookie_and_nowhere_else(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        await house.register(EMAIL)
        browser = Browser(house)
        response = await browser.login()
        assert response.tokens.access_token
        assert response.tokens.refresh_expires_at_ns
        assert response.tokens.refresh_token == ""
        head, *attributes = browser.set_cookie.split("; ")
        token = head.removeprefix(f"{COOKIE}=")
        assert len(token) > 30
        assert sorted(attributes) == [
            "HttpOnly",
            "Max-Age=3600",
            "Path=/",
            "SameSite=Strict",
            "Secure",
        ]
        first, first_access = browser.cookie, browser.access
        assert (await browser.refresh()).status == 0
        assert browser.cookie != first
        assert browser.access != first_access
        assert await browser.works()


async def test_over_grpc_the_token_stays_in_the_message(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        await house.register(EMAIL)
        _, response = await house.login(EMAIL)
        assert response.tokens.refresh_token


async def test_a_script_may_give_its_token_in_the_message(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        await house.register(EMAIL)
        _, response = await house.login(EMAIL)
        script = Browser(house)
        request = auth_pb2.RefreshRequest(refresh_token=response.tokens.refresh_token)
        _, told = await script.post("Refresh", request, {})
        assert told.status == 0
        tokens = auth_pb2.RefreshResponse.FromString(told.messages[0]).tokens
        assert tokens.refresh_token == ""
        assert script.cookie


async def test_a_cookie_goes_before_a_token_that_somebody_else_put_in(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Nobody moves a browser into another session."""
    async with whole_house(tmp_path) as house:
        browser = await signed_in(house)
        await house.register("eve@people.example")
        _, eve = await house.login("eve@people.example")
        request = auth_pb2.RefreshRequest(refresh_token=eve.tokens.refresh_token)
        _, told = await browser.post("Refresh", request)
        browser.access = auth_pb2.RefreshResponse.FromString(told.messages[0]).tokens.access_token
        _, told = await browser.post("ListSessions", auth_pb2.ListSessionsRequest())
        (session,) = auth_pb2.ListSessionsResponse.FromString(told.messages[0]).sessions
        assert (session.device, session.current) == ("browser", True)


async def test_another_page_cannot_refresh(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Checked: without the header's check the first goes through, without Origin's the others."""
    async with whole_house(tmp_path) as house:
        browser = await signed_in(house)
        cookie = browser.cookie
        request = auth_pb2.RefreshRequest()
        said: tuple[Mapping[str, str], ...] = (
            {},
            {"origin": "https://evil.example", **CSRF},
            {"origin": "null", **CSRF},
            {"sec-fetch-site": "cross-site", **CSRF},
            {"sec-fetch-site": "same-site", **CSRF},
            {"host": "evil.example", **CSRF},
            {"host": "127.0.0.1.evil.example", **CSRF},
        )
        for headers in said:
            answer, told = await browser.post("Refresh", request, headers)
            assert answer.status in (403, 421) or told.reason == "CSRF", headers
            assert browser.set_cookie == ""
        assert (await browser.refresh()).status == 0, "nothing was used up"
        assert browser.cookie != cookie


async def test_logout_ends_session_and_cookie(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        browser = await signed_in(house)
        kept = browser.cookie
        _, told = await browser.post("Logout", auth_pb2.LogoutRequest())
        assert told.status == 0
        assert browser.set_cookie.startswith(f"{COOKIE}=; Max-Age=0; ")
        assert not await browser.works()
        browser.cookie = kept
        assert (await browser.refresh()).status == 16
        assert browser.cookie == "", "what does not work any more is dropped"


async def test_only_the_end_of_all_sessions_takes_the_cookie(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        browser = await signed_in(house)
        await browser.post("RevokeSessions", auth_pb2.RevokeSessionsRequest(keep_current=True))
        assert browser.set_cookie == ""
        assert await browser.works()
        await browser.post("RevokeSessions", auth_pb2.RevokeSessionsRequest())
        assert browser.cookie == ""
        assert not await browser.works()


async def test_a_stolen_cookie_used_again_ends_the_family(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        browser = await signed_in(house)
        stolen = browser.cookie
        await browser.refresh()
        await browser.refresh()
        house.world.shift_clock(120 * 10**9)
        thief = Browser(house)
        thief.cookie = stolen
        assert (await thief.refresh()).status == 16
        assert (await browser.refresh()).status == 16
        await trio.testing.wait_all_tasks_blocked()
        assert not await browser.works()


def test_tokens_are_where_they_are_looked_for() -> None:
    """A method that answers with tokens elsewhere would put them into a body."""

    def holds_tokens(message: Any, seen: frozenset[str] = frozenset()) -> list[str]:
        if message.full_name in seen:
            return []
        return [
            field.name
            for field in message.fields
            if field.message_type is not None
            and (
                field.message_type.full_name == "xache.v1.Tokens"
                or holds_tokens(field.message_type, seen | {message.full_name})
            )
        ]

    found = {}
    for module in pkgutil.iter_modules(xache.v1.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"xache.v1.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                for method in service.methods:
                    if fields := holds_tokens(method.output_type):
                        found[method.name] = fields
    assert found.keys() >= {"Login", "CompleteLogin", "Refresh"}
    assert all(fields == ["tokens"] for fields in found.values())
