"""Signing in over the API, and the authorizer that every call passes; without a network."""

from __future__ import annotations

import contextlib
import math
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import attrs
import grpc
import pytest
import trio
from google.protobuf.message import Message
from trio.testing import MockClock
from xache.v1 import account_pb2, admin_pb2, auth_pb2, options_pb2

from tests.actors.people import ALICE, BOB, PASSWORD, WRONG, People, running
from xached.actors.matching import Matching
from xached.actors.sessions.accounts import issue_bootstrap_token
from xached.api import auth
from xached.api.account import AccountHandlers
from xached.api.activity import ActivityHandlers
from xached.api.api_keys import ApiKeyHandlers
from xached.api.auth import (
    AuthHandlers,
    SessionAuthorizer,
    bootstrap_admin,
    set_impediment,
    set_role,
)
from xached.api.errors import StatusError, status_of
from xached.api.guards import GuardHandlers
from xached.api.key_auth import KeySpending
from xached.api.profile import ProfileHandlers
from xached.api.recovery import RecoveryHandlers
from xached.api.routes import PUBLIC, Call, Caller, Routes, Service
from xached.api.second_factor import SecondFactorHandlers
from xached.api.stream_book import STREAMS_PER_CREDENTIAL_MAX
from xached.domain.auth import Role, Scope
from xached.domain.instrument import Directory
from xached.domain.order import Purse
from xached.domain.rejection import Rejection
from xached.runtime.world import SimulatedWorld
from xached.security.tokens import ACCESS_LIFETIME_S

PEER = "ipv4:192.0.2.1:50000"


@attrs.define(eq=False)
class FakeCall:
    """One call as the edge would make it."""

    method: str = "/xache.v1.Test/Test"
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    peer: str = PEER
    signed_as: tuple[str, bytes] | None = None
    deadline_s: float = math.inf
    received_s: float = 0.0
    caller: Caller | None = None
    revoked: StatusError | None = None

    @property
    def purse(self) -> Purse:
        raise AssertionError("nothing here has an owner field")

    def admitted(self, caller: Caller) -> None:
        self.caller = caller

    def resolve_purse(self, _request: Message) -> Purse:
        raise AssertionError("nothing here has an owner field")

    def execute_by(self, at_s: float) -> None:
        self.deadline_s = min(self.deadline_s, at_s)

    def set_trailing(self, key: str, value: str) -> None:
        raise AssertionError("nothing here sets trailers")

    def revoke(self, error: StatusError) -> None:
        self.revoked = error


def bearing(token: str) -> FakeCall:
    return FakeCall(metadata={"authorization": f"Bearer {token}"})


class Api:
    """The routes of signing in over a running sessions actor."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.directory = Directory()
        self.spending = KeySpending(people.keys, people.inbox, self.directory, people.world.now_ns)
        self.authorizer = SessionAuthorizer(
            people.table, people.credentials.access, people.world.now_ns, people.grants
        )
        self.services = [
            Service(
                descriptor=auth_pb2.DESCRIPTOR.services_by_name["AuthService"],
                handlers=(
                    AuthHandlers(people.inbox),
                    SecondFactorHandlers(people.inbox),
                    RecoveryHandlers(people.inbox),
                ),
            ),
            Service(
                descriptor=account_pb2.DESCRIPTOR.services_by_name["AccountService"],
                handlers=(
                    AccountHandlers(people.inbox, Matching(8), self.directory, people.world.now_ns),
                    ApiKeyHandlers(
                        people.inbox,
                        people.table,
                        people.keys,
                        self.spending,
                        self.directory,
                        people.world.now_ns,
                    ),
                    GuardHandlers(people.inbox),
                    ActivityHandlers(people.inbox),
                    ProfileHandlers(people.inbox, self.directory),
                ),
            ),
        ]
        self.routes = Routes(self.services, self.authorizer)

    async def call(self, method: str, request: Message, token: str = "", step_up: str = "") -> Any:
        path = f"/xache.v1.{method}"
        route = self.routes.find(path)
        assert route is not None, method
        metadata = {"authorization": f"Bearer {token}"} if token else {}
        if step_up:
            metadata["x-xache-step-up"] = step_up
        call = FakeCall(method=path, metadata=metadata)
        received = await self.routes.receive(call, route, request.SerializeToString())
        return await route.handler(call, received)

    async def login(self, email: str = ALICE, device: str = "laptop") -> auth_pb2.LoginResponse:
        request = auth_pb2.LoginRequest(email=email, password=PASSWORD, device=device)
        response: auth_pb2.LoginResponse = await self.call("AuthService/Login", request)
        return response

    async def status(
        self, method: str, request: Message, token: str = "", step_up: str = ""
    ) -> tuple[str, str]:
        """Code and reason that a call ends with."""
        try:
            await self.call(method, request, token, step_up)
        except (StatusError, Rejection) as error:
            status = status_of(error)
            assert status is not None
            return status.code.name, status.reason
        return "OK", ""


@contextlib.asynccontextmanager
async def open_api(path: Path, world: SimulatedWorld | None = None) -> AsyncIterator[Api]:
    async with running(path / "vault.db", world) as people:
        yield Api(people)


GET_ACCOUNT = ("AccountService/GetAccount", account_pb2.GetAccountRequest())


def test_roles_and_scopes_are_those_of_the_protos() -> None:
    assert {role.name: role.value for role in Role} == {
        name.removeprefix("ROLE_"): number
        for name, number in options_pb2.Role.items()
        if number != options_pb2.ROLE_UNSPECIFIED
    }
    assert {scope.name: scope.value for scope in Scope} == {
        name.removeprefix("SCOPE_"): number
        for name, number in options_pb2.Scope.items()
        if number != options_pb2.SCOPE_UNSPECIFIED
    }


async def test_a_person_signs_in_and_out(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_api(tmp_path) as api:
        registered = await api.call(
            "AuthService/Register", auth_pb2.RegisterRequest(email=ALICE, password=PASSWORD)
        )
        login = await api.login()
        assert login.account_id == registered.account_id
        token = login.tokens.access_token
        account = await api.call(*GET_ACCOUNT, token)
        assert account.account_id == login.account_id
        assert account.email == ALICE
        assert list(account.roles) == [options_pb2.ROLE_USER]
        assert account.created_at_ns > 0
        refreshed = await api.call(
            "AuthService/Refresh",
            auth_pb2.RefreshRequest(refresh_token=login.tokens.refresh_token),
        )
        assert refreshed.tokens.refresh_token != login.tokens.refresh_token
        assert refreshed.tokens.refresh_expires_at_ns > refreshed.tokens.access_expires_at_ns
        newer = refreshed.tokens.access_token
        # A session's older access token lives out its minutes.
        assert await api.status(*GET_ACCOUNT, token) == ("OK", "")
        await api.call("AuthService/Logout", auth_pb2.LogoutRequest(), newer)
        for ended in (token, newer):
            assert await api.status(*GET_ACCOUNT, ended) == ("UNAUTHENTICATED", "SESSION_ENDED")
        again = auth_pb2.RefreshRequest(refresh_token=refreshed.tokens.refresh_token)
        assert await api.status("AuthService/Refresh", again) == (
            "UNAUTHENTICATED",
            "TOKEN_INVALID",
        )


async def test_sessions_are_listed_and_revoked(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with open_api(tmp_path) as api:
        await api.people.register()
        laptop, phone = await api.login(device="laptop"), await api.login(device="phone")
        token = phone.tokens.access_token
        await api.call(*GET_ACCOUNT, laptop.tokens.access_token)
        listed = await api.call("AuthService/ListSessions", auth_pb2.ListSessionsRequest(), token)
        assert [(line.device, line.current) for line in listed.sessions] == [
            ("phone", True),
            ("laptop", False),
        ]
        revoke = auth_pb2.RevokeSessionRequest(session_id=laptop.session_id)
        await api.call("AuthService/RevokeSession", revoke, token)
        ended = ("UNAUTHENTICATED", "SESSION_ENDED")
        assert await api.status(*GET_ACCOUNT, laptop.tokens.access_token) == ended
        assert await api.status(*GET_ACCOUNT, token) == ("OK", "")
        assert await api.status("AuthService/RevokeSession", revoke, token) == (
            "NOT_FOUND",
            "UNKNOWN_SESSION",
        )


@pytest.mark.parametrize(
    ("method", "request_", "status"),
    [
        (
            "AuthService/Login",
            auth_pb2.LoginRequest(email=ALICE, password=WRONG),
            ("UNAUTHENTICATED", "CREDENTIALS"),
        ),
        (
            "AuthService/Login",
            auth_pb2.LoginRequest(email=BOB, password=PASSWORD),
            ("UNAUTHENTICATED", "CREDENTIALS"),
        ),
        (
            "AuthService/Login",
            auth_pb2.LoginRequest(email=ALICE, password="x" * 100_000),
            ("UNAUTHENTICATED", "CREDENTIALS"),
        ),
        (
            "AuthService/Register",
            auth_pb2.RegisterRequest(email=ALICE, password=PASSWORD),
            ("ALREADY_EXISTS", "EMAIL_TAKEN"),
        ),
        (
            "AuthService/Register",
            auth_pb2.RegisterRequest(email=BOB, password="short"),
            ("INVALID_ARGUMENT", "PASSWORD_RULE"),
        ),
        (
            "AuthService/Register",
            auth_pb2.RegisterRequest(email="\0", password=PASSWORD),
            ("INVALID_ARGUMENT", "EMAIL_FORMAT"),
        ),
        (
            "AuthService/Refresh",
            auth_pb2.RefreshRequest(refresh_token="garbage"),
            ("UNAUTHENTICATED", "TOKEN_INVALID"),
        ),
        (*GET_ACCOUNT, ("UNAUTHENTICATED", "CREDENTIAL_REQUIRED")),
    ],
)
async def test_each_refusal_has_its_status(
    tmp_path: Path,
    autojump_clock: MockClock,
    method: str,
    request_: Message,
    status: tuple[str, str],
) -> None:
    async with open_api(tmp_path) as api:
        await api.people.register()
        assert await api.status(method, request_) == status


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "CREDENTIAL_REQUIRED"),
        ("Bearer", "CREDENTIAL_REQUIRED"),
        ("Basic YWxpY2U6cGFzc3dvcmQ=", "CREDENTIAL_REQUIRED"),
        ("Bearer ", "TOKEN_INVALID"),
        ("Bearer garbage", "TOKEN_INVALID"),
        ("Bearer \udcff", "TOKEN_INVALID"),
        ("Bearer " + "x" * 10_000, "TOKEN_INVALID"),
    ],
)
async def test_other_credentials_are_refused(
    tmp_path: Path, autojump_clock: MockClock, header: str, reason: str
) -> None:
    async with open_api(tmp_path) as api:
        with pytest.raises(StatusError) as refusal:
            api.authorizer.authorize(FakeCall(metadata={"authorization": header}), PUBLIC, b"")
        assert (refusal.value.code, refusal.value.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            reason,
        )


async def test_a_token_is_verified_once_and_its_session_looked_up_every_time(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_api(tmp_path) as api:
        await api.people.register()
        login = await api.login()
        call = bearing(login.tokens.access_token)
        first = api.authorizer.authorize(call, PUBLIC, b"")
        assert (first.account_id, first.session_id) == (login.account_id, login.session_id)
        assert first.scopes == {Scope.READ, Scope.TRADE, Scope.ACCOUNT}
        monkeypatch.setattr(api.people.credentials.access, "verify", None)
        for scheme in ("Bearer", "bearer", "BEARER"):
            call.metadata = {"authorization": f"{scheme} {login.tokens.access_token}"}
            assert api.authorizer.authorize(call, PUBLIC, b"") is first
        await api.call("AuthService/Logout", auth_pb2.LogoutRequest(), login.tokens.access_token)
        with pytest.raises(StatusError, match="SESSION_ENDED"):
            api.authorizer.authorize(call, PUBLIC, b"")


async def test_an_access_token_ends_after_minutes_also_when_it_is_known(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_api(tmp_path) as api:
        await api.people.register()
        login = await api.login()
        known, fresh = bearing(login.tokens.access_token), await api.login()
        api.authorizer.authorize(known, PUBLIC, b"")
        await trio.sleep(ACCESS_LIFETIME_S - 1)
        api.authorizer.authorize(known, PUBLIC, b"")
        await trio.sleep(1)
        for call in (known, known, bearing(fresh.tokens.access_token)):
            with pytest.raises(StatusError, match="TOKEN_EXPIRED"):
                api.authorizer.authorize(call, PUBLIC, b"")


async def test_a_role_that_was_taken_is_gone_at_the_next_call(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_api(tmp_path) as api:
        people = api.people
        token = issue_bootstrap_token(people.vault, people.credentials, people.world.now_ns())
        made = await bootstrap_admin(
            people.inbox,
            FakeCall(peer="unix:"),
            admin_pb2.BootstrapAdminRequest(token=token, email=BOB, password=PASSWORD),
        )
        admin = FakeCall()
        admin.admitted(
            api.authorizer.authorize(
                bearing((await api.login(BOB)).tokens.access_token), PUBLIC, b""
            )
        )
        assert admin.caller is not None
        assert admin.caller.account_id == made.account_id
        assert options_pb2.SCOPE_ADMIN in admin.caller.scopes
        assert options_pb2.ROLE_ADMIN in admin.caller.roles
        account_id = await people.register()
        call = bearing((await api.login()).tokens.access_token)

        async def change(role: options_pb2.Role, granted: bool) -> list[int]:
            request = admin_pb2.SetRoleRequest(account_id=account_id, role=role, granted=granted)
            return list((await set_role(people.inbox, admin, request)).roles)

        assert options_pb2.SCOPE_ADMIN not in api.authorizer.authorize(call, PUBLIC, b"").scopes
        roles = await change(options_pb2.ROLE_OPERATOR, True)
        assert roles == [options_pb2.ROLE_USER, options_pb2.ROLE_OPERATOR]
        caller = api.authorizer.authorize(call, PUBLIC, b"")
        assert options_pb2.SCOPE_ADMIN in caller.scopes
        assert caller.roles == set(roles)
        assert await change(options_pb2.ROLE_OPERATOR, False) == [options_pb2.ROLE_USER]
        assert options_pb2.SCOPE_ADMIN not in api.authorizer.authorize(call, PUBLIC, b"").scopes
        with pytest.raises(Exception, match="name a role") as refusal:
            await change(options_pb2.ROLE_UNSPECIFIED, True)
        status = status_of(refusal.value)
        assert status is not None
        assert status.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_streams_end_when_their_session_may_do_less(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Checked by not watching the table for losses: no stream is revoked."""
    async with open_api(tmp_path) as api:
        account_id = await api.people.register()
        await api.people.register(BOB)
        streams = []
        for email in (ALICE, BOB):
            stream = bearing((await api.login(email)).tokens.access_token)
            stream.admitted(api.authorizer.authorize(stream, PUBLIC, b""))
            api.authorizer.opened(stream)
            streams.append(stream)

        async def change(impediment: options_pb2.Impediment, stands: bool) -> None:
            request = admin_pb2.SetImpedimentRequest(
                account_id=account_id, impediment=impediment, stands=stands
            )
            await set_impediment(api.people.inbox, streams[1], request)

        await change(options_pb2.IMPEDIMENT_SUSPENDED, True)
        revoked = streams[0].revoked
        assert revoked is not None
        assert revoked.reason == "PERMISSIONS_CHANGED"
        again = bearing(streams[0].metadata["authorization"].partition(" ")[2])
        caller = api.authorizer.authorize(again, PUBLIC, b"")
        assert caller.impediments == {options_pb2.IMPEDIMENT_SUSPENDED}
        again.admitted(caller)
        api.authorizer.opened(again)
        await change(options_pb2.IMPEDIMENT_SUSPENDED, False)
        assert again.revoked is None
        await change(options_pb2.IMPEDIMENT_FROZEN, True)
        assert again.revoked is not None
        assert again.revoked.reason == "SESSION_ENDED"
        with pytest.raises(StatusError, match="SESSION_ENDED"):
            api.authorizer.authorize(again, PUBLIC, b"")
        assert streams[1].revoked is None
        with pytest.raises(Rejection, match="name an impediment"):
            await change(options_pb2.IMPEDIMENT_UNSPECIFIED, True)


async def test_the_end_of_a_session_ends_its_streams_and_no_others(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    """Checked by not watching the table: no stream is revoked."""
    async with open_api(tmp_path) as api:
        await api.people.register()
        logins = [await api.login(), await api.login()]
        streams: list[list[FakeCall]] = []
        for login in logins:
            caller = api.authorizer.authorize(bearing(login.tokens.access_token), PUBLIC, b"")
            streams.append([FakeCall(caller=caller) for _ in range(3)])
            for call in streams[-1]:
                api.authorizer.opened(call)
        api.authorizer.closed(streams[0][0])
        token = logins[0].tokens.access_token
        await api.call("AuthService/Logout", auth_pb2.LogoutRequest(), token)
        reasons = [call.revoked and call.revoked.reason for call in streams[0]]
        assert reasons == [None, "SESSION_ENDED", "SESSION_ENDED"]
        assert [call.revoked for call in streams[1]] == [None] * 3
        for call in streams[0]:
            api.authorizer.closed(call)
        # A stream that was let in while its session was ending does not open.
        with pytest.raises(StatusError, match="SESSION_ENDED"):
            api.authorizer.opened(streams[0][0])


async def test_a_session_has_a_bounded_number_of_streams(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_api(tmp_path) as api:
        await api.people.register()
        login = await api.login()
        caller = api.authorizer.authorize(bearing(login.tokens.access_token), PUBLIC, b"")
        streams = [FakeCall(caller=caller) for _ in range(STREAMS_PER_CREDENTIAL_MAX)]
        for call in streams:
            api.authorizer.opened(call)
        with pytest.raises(StatusError) as refusal:
            api.authorizer.opened(FakeCall(caller=caller))
        assert refusal.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        api.authorizer.closed(streams[0])
        api.authorizer.opened(FakeCall(caller=caller))


async def test_the_memory_of_verified_tokens_is_bounded(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "VERIFIED_MAX", 3)
    async with open_api(tmp_path) as api:
        await api.people.register()
        calls = [bearing((await api.login()).tokens.access_token) for _ in range(5)]
        for _ in range(2):
            for call in calls:
                api.authorizer.authorize(call, PUBLIC, b"")
                assert len(api.authorizer._verified) <= 3


async def test_a_call_without_an_account_is_charged_to_its_address(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    async with open_api(tmp_path) as api:
        account_id = await api.people.register()
        charged: list[str] = []
        ask = api.people.inbox.ask

        async def watch(message: Any, **options: Any) -> Any:
            charged.append(options["account"])
            return await ask(message, **options)

        api.people.inbox.ask = watch  # type: ignore[method-assign]  # looks at what passes
        login = await api.login()
        await api.call(*GET_ACCOUNT, login.tokens.access_token)
        assert charged == ["ipv4:192.0.2.1", account_id]


def test_a_fake_call_is_a_call() -> None:
    call: Call = FakeCall()
    assert call.caller is None
