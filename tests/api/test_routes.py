"""The routing table: complete, explicit about access, closed by default."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import attrs
import grpc
import pytest
import xache.v1
from google.protobuf.descriptor import ServiceDescriptor
from xache.v1 import options_pb2, types_pb2

from tests.api.edge import (
    ALICE,
    FOUR_SHAPES,
    GUARDED_ECHO,
    OPEN_ECHO,
    Doorman,
    Echo,
    Payload,
    Sent,
    declare,
    details_of,
    error_of,
    in_thread,
    open_edge,
    until,
)
from tests.api.trading_house import FakeCall
from xached.api.errors import StatusError
from xached.api.routes import (
    PUBLIC,
    Call,
    Caller,
    Requests,
    Responses,
    RouteError,
    Routes,
    Service,
    authorization_of,
)
from xached.domain.order import AccountId

AS_ALICE = (("authorization", "alice"),)


def services_of_the_api() -> Iterator[ServiceDescriptor]:
    for module in pkgutil.iter_modules(xache.v1.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"xache.v1.{module.name}").DESCRIPTOR
            yield from file.services_by_name.values()


@pytest.mark.parametrize("service", tuple(services_of_the_api()), ids=lambda service: service.name)
def test_every_method_of_the_api_says_who_may_call_it(service: ServiceDescriptor) -> None:
    for method in service.methods:
        access = authorization_of(method).access
        assert access in (options_pb2.ACCESS_PUBLIC, options_pb2.ACCESS_SESSION), method.full_name


@pytest.mark.parametrize("service", tuple(services_of_the_api()), ids=lambda service: service.name)
def test_every_stream_of_the_api_can_tell_of_a_planned_stop(service: ServiceDescriptor) -> None:
    for method in service.methods:
        if method.server_streaming:
            field = method.output_type.fields_by_name["shutdown"]
            assert field.message_type == types_pb2.ServerShutdown.DESCRIPTOR


def routes(service: ServiceDescriptor, handlers: object) -> Routes:
    return Routes([Service(descriptor=service, handlers=handlers)], Doorman())


def test_a_table_has_every_method_with_its_shape() -> None:
    table = routes(OPEN_ECHO, Echo())
    shapes = []
    for path in table.paths:
        route = table.find(path)
        assert route is not None
        shapes.append((path.rpartition("/")[2], route.request_streaming, route.response_streaming))
    assert tuple(shapes) == FOUR_SHAPES
    assert table.service_names == ("edge.open.Echo",)
    assert table.find("/edge.open.Echo/Other") is None


@pytest.mark.parametrize(
    ("authorization", "complaint"),
    [
        (None, "has no authorization option"),
        (options_pb2.Authorization(), "names no access"),
        (
            options_pb2.Authorization(access="ACCESS_PUBLIC", scopes=["SCOPE_READ"]),
            "is public and asks for more",
        ),
        (
            options_pb2.Authorization(access="ACCESS_SESSION", roles=["ROLE_UNSPECIFIED"]),
            "has an unspecified value",
        ),
        (
            options_pb2.Authorization(access="ACCESS_SESSION", despite=["IMPEDIMENT_UNSPECIFIED"]),
            "has an unspecified value",
        ),
        (
            options_pb2.Authorization(access="ACCESS_PUBLIC", step_up=True),
            "is public and asks for more",
        ),
        (
            options_pb2.Authorization(access="ACCESS_PUBLIC", api_key=True),
            "is public and asks for more",
        ),
        (
            options_pb2.Authorization(access="ACCESS_SESSION", api_key=True),
            "scopes that no key can have",
        ),
        (
            options_pb2.Authorization(
                access="ACCESS_SESSION", api_key=True, scopes=["SCOPE_READ", "SCOPE_ACCOUNT"]
            ),
            "scopes that no key can have",
        ),
        (
            options_pb2.Authorization(
                access="ACCESS_SESSION", api_key=True, step_up=True, scopes=["SCOPE_READ"]
            ),
            "a fresh proof that cannot be given",
        ),
        (
            options_pb2.Authorization(access="ACCESS_SESSION", owner_field="purse"),
            "purse is no string field",
        ),
        (
            options_pb2.Authorization(access="ACCESS_SESSION", owner_field="count"),
            "count is no string field",
        ),
    ],
)
def test_an_rpc_without_a_clear_authorization_is_not_routed(
    authorization: options_pb2.Authorization | None, complaint: str
) -> None:
    service = declare("unclear", *FOUR_SHAPES, authorization=authorization)
    with pytest.raises(RouteError, match=complaint):
        routes(service, Echo())


def test_a_foreign_service_is_routed_only_with_a_declared_authorization() -> None:
    service = declare("foreign", *FOUR_SHAPES, authorization=None)
    table = Routes([Service(descriptor=service, handlers=Echo(), declared=PUBLIC)], Doorman())
    assert len(table.paths) == 4


def test_handlers_of_the_wrong_shape_are_not_routed() -> None:
    class Missing:
        pass

    class Synchronous(Echo):
        def unary(self, _call: Call, request: Any) -> Any:
            return request

    class Generator(Echo):
        async def repeat(self, _call: Call, request: Any, _responses: Responses[Any]) -> Any:
            yield request

    class WrongShape(Echo):
        async def collect(self, _call: Call, request: Requests[Any]) -> Any:
            return request

    for handlers, complaint in (
        (Missing(), "has no unary"),
        (Synchronous(), "must be an async function"),
        (Generator(), "must be an async function that returns"),
        (WrongShape(), "collect takes"),
    ):
        with pytest.raises(RouteError, match=complaint):
            routes(OPEN_ECHO, handlers)


def test_no_path_is_served_twice() -> None:
    service = Service(descriptor=OPEN_ECHO, handlers=Echo())
    with pytest.raises(RouteError, match="served twice"):
        Routes([service, service], Doorman())


@pytest.mark.parametrize("slow", [False, True], ids=["at hand", "asked for"])
async def test_who_may_call(slow: bool) -> None:
    """Default is no: a credential, every scope, and one of the roles must be there."""
    no_role: frozenset[int] = frozenset()
    doorman = Doorman(
        {
            "alice": ALICE,
            "reader": _with(scopes=frozenset({options_pb2.SCOPE_READ})),
            "staff": _with(roles=frozenset({options_pb2.ROLE_SUPPORT})),
            "roleless": _with(roles=no_role),
        }
    )
    doorman.slow = slow
    reached: list[str] = []

    class Guarded(Echo):
        async def unary(self, call: Call, request: Any) -> Any:
            assert call.caller is not None
            reached.append(call.caller.account_id)
            return request

    async with open_edge(Guarded(), doorman=doorman) as edge:
        with edge.client(GUARDED_ECHO) as client:

            async def refused(credential: str | None) -> tuple[grpc.StatusCode, str, str]:
                metadata = (("authorization", credential),) if credential else ()
                error = await error_of(
                    lambda: client.unary(Payload(), metadata=metadata, timeout=10)
                )
                info = details_of(error)[1]
                return error.code(), info.reason, " ".join(info.metadata.values())

            denied = grpc.StatusCode.PERMISSION_DENIED
            unknown = (grpc.StatusCode.UNAUTHENTICATED, "NO_SESSION", "")
            assert await refused(None) == unknown
            assert await refused("mallory") == unknown
            assert await refused("reader") == (denied, "SCOPE_MISSING", "SCOPE_TRADE")
            assert await refused("staff") == (denied, "ROLE_MISSING", "ROLE_USER ROLE_ADMIN")
            assert await refused("roleless") == (denied, "ROLE_MISSING", "ROLE_USER ROLE_ADMIN")
            assert reached == []
            await in_thread(lambda: client.unary(Payload(), metadata=AS_ALICE))
            assert reached == ["alice"]


EVERYTHING = options_pb2.Authorization(
    access="ACCESS_SESSION",
    scopes=["SCOPE_TRADE"],
    roles=["ROLE_ADMIN"],
    step_up=True,
    despite=["IMPEDIMENT_UNVERIFIED"],
)

UNVERIFIED, FROZEN, SUSPENDED = (
    frozenset({impediment})
    for impediment in (
        options_pb2.IMPEDIMENT_UNVERIFIED,
        options_pb2.IMPEDIMENT_FROZEN,
        options_pb2.IMPEDIMENT_SUSPENDED,
    )
)


@pytest.mark.parametrize(
    ("caller", "reason"),
    [
        ({}, "KEY_NOT_ALLOWED"),
        ({"key_id": ""}, "ACCOUNT_SUSPENDED"),
        ({"key_id": "", "impediments": FROZEN | UNVERIFIED}, "ACCOUNT_FROZEN"),
        ({"key_id": "", "impediments": UNVERIFIED}, "SCOPE_MISSING"),
        ({"key_id": "", "impediments": UNVERIFIED, "scopes": {2}}, "ROLE_MISSING"),
        (
            {"key_id": "", "impediments": UNVERIFIED, "scopes": {2}, "roles": {5}},
            "STEP_UP_REQUIRED",
        ),
        (
            {
                "key_id": "",
                "impediments": UNVERIFIED,
                "scopes": {2},
                "roles": {5},
                "stepped_up": True,
            },
            "",
        ),
        (
            {
                "key_id": "",
                "impediments": set(),
                "scopes": {2, 3},
                "roles": {5, 1},
                "stepped_up": True,
            },
            "",
        ),
    ],
)
async def test_the_first_no_is_the_answer(caller: dict[str, Any], reason: str) -> None:
    """In the order that the routes document; every line repairs what the one before lacked."""
    service = declare("everything", ("Unary", False, False), authorization=EVERYTHING)
    worst = {"key_id": "k", "impediments": UNVERIFIED | FROZEN | SUSPENDED, "scopes": set()}
    known: dict[str, Any] = {
        key: frozenset(value) if isinstance(value, set) else value
        for key, value in (worst | {"roles": set()} | caller).items()
    }
    doorman = Doorman({"": attrs.evolve(ALICE, **known)})
    table = Routes([Service(descriptor=service, handlers=Echo())], doorman)
    route = table.find("/edge.everything.Echo/Unary")
    assert route is not None
    call = FakeCall("nobody")
    if not reason:
        await table.admit(call, route)
        assert call.caller == doorman.callers[""]
        return
    with pytest.raises(StatusError) as refused:
        await table.admit(call, route)
    assert (refused.value.code, refused.value.reason) == (
        grpc.StatusCode.PERMISSION_DENIED,
        reason,
    )


async def test_fields_are_for_the_roles_they_name() -> None:
    """At any depth: set by others they are refused, and others do not see them."""
    service = declare(
        "fields",
        ("Unary", False, False),
        ("Collect", True, False),
        authorization=options_pb2.Authorization(access="ACCESS_SESSION"),
        text_for_roles=(options_pb2.ROLE_SUPPORT, options_pb2.ROLE_ADMIN),
    )
    with pytest.raises(RouteError, match="streams messages with fields for some roles only"):
        routes(service, Echo())
    service = declare(
        "masked",
        ("Unary", False, False),
        authorization=options_pb2.Authorization(access="ACCESS_SESSION"),
        text_for_roles=(options_pb2.ROLE_SUPPORT, options_pb2.ROLE_ADMIN),
    )
    staff = _with(roles=frozenset({options_pb2.ROLE_SUPPORT}))
    doorman = Doorman({"user": ALICE, "staff": staff})
    table = Routes([Service(descriptor=service, handlers=Echo())], doorman)
    route = table.find("/edge.masked.Echo/Unary")
    assert route is not None

    def called_by(name: str) -> FakeCall:
        call = FakeCall(name)
        call.metadata = {"authorization": name}
        return call

    secret = Payload(text="for staff", count=1)
    for holder in (
        secret,
        Payload(inner=Payload(inner=secret)),
        Payload(many=[Payload(), secret]),
        Payload(named={"it": secret}),
    ):
        body = holder.SerializeToString()
        with pytest.raises(StatusError) as refused:
            await table.receive(called_by("user"), route, body)
        assert refused.value.reason == "FIELD_DENIED"
        assert refused.value.facts == {"field": "Payload.text", "roles": "ROLE_SUPPORT ROLE_ADMIN"}
        request = await table.receive(called_by("staff"), route, body)
        assert request.SerializeToString() == body
        assert b"for staff" in route.respond(staff, request)
        for stranger in (ALICE, None):
            answer = Payload.FromString(route.respond(stranger, route.parse(body)))
            assert b"for staff" not in answer.SerializeToString()
            assert answer.ByteSize() >= len(body) - len("for staff") - 8
    await table.receive(called_by("user"), route, Payload(count=1).SerializeToString())


async def test_a_purse_is_always_the_callers_own() -> None:
    purses: list[str] = []

    class Purses(Echo):
        async def unary(self, call: Call, request: Any) -> Any:
            purses.append(call.purse)
            return request

        async def repeat(self, call: Call, _request: Any, _responses: Responses[Any]) -> None:
            purses.append(call.purse)

        async def chat(
            self, call: Call, requests: Requests[Any], _responses: Responses[Any]
        ) -> None:
            async for request in requests:
                purses.append(call.resolve_purse(request))
                assert call.purse == purses[-1]

    async with open_edge(Purses(), doorman=Doorman({"alice": ALICE})) as edge:
        with edge.client(GUARDED_ECHO) as client:

            def call(method: Any, request: Any) -> Any:
                answer = method(request, metadata=AS_ALICE, timeout=10)
                return list(answer) if method is not client.unary else answer

            for name in ("", "bot-7"):
                await in_thread(call, client.unary, Payload(subaccount=name))
                await in_thread(call, client.repeat, Payload(subaccount=name))
                await in_thread(call, client.chat, iter([Payload(subaccount=name)]))
            assert purses == ["alice/main"] * 3 + ["alice/bot-7"] * 3

            for name in ("../bob", "bob/main", "BOT", "ä", "x" * 33, " "):
                for method, request in (
                    (client.unary, Payload(subaccount=name)),
                    (client.repeat, Payload(subaccount=name)),
                    (client.chat, iter([Payload(subaccount=name)])),
                ):
                    error = await error_of(call, method, request)
                    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
                    assert details_of(error)[1].reason == "ID_FORMAT"
    assert len(purses) == 6


async def test_a_revoked_session_loses_its_streams() -> None:
    """Streams belong to a session: the authorizer hears of each and can end it at any time."""
    doorman = Doorman({"alice": ALICE})
    async with open_edge(doorman=doorman) as edge:
        with edge.client(GUARDED_ECHO) as client, edge.client() as other:
            talking, silent, public = Sent(), Sent(), Sent()
            streams = [
                client.chat(iter(talking), metadata=AS_ALICE),
                client.chat(iter(silent), metadata=AS_ALICE),
            ]
            open_to_all = other.chat(iter(public))
            talking.put(Payload(count=1))
            public.put(Payload(count=2))
            await in_thread(next, streams[0])
            await in_thread(next, open_to_all)
            await until(lambda: len(doorman.open_streams) == 2)

            gone = StatusError(grpc.StatusCode.UNAUTHENTICATED, "SESSION_REVOKED", "log in again")
            for call in tuple(doorman.open_streams):
                call.revoke(gone)
            for stream in streams:
                assert await in_thread(stream.code) is grpc.StatusCode.UNAUTHENTICATED
                assert details_of(stream)[1].reason == "SESSION_REVOKED"
            assert doorman.open_streams == []

            public.put(Payload(count=3))
            assert (await in_thread(next, open_to_all)).count == 3
            public.done()
            assert await in_thread(open_to_all.code) is grpc.StatusCode.OK
            for sent in (talking, silent):
                sent.done()


async def test_an_authorizer_can_refuse_one_stream_more() -> None:
    class Full(Doorman):
        def opened(self, call: Call) -> None:
            raise StatusError(grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAMS", "too many streams")

    async with open_edge(doorman=Full({"alice": ALICE})) as edge:
        with edge.client(GUARDED_ECHO) as client:
            error = await error_of(next, client.repeat(Payload(count=1), metadata=AS_ALICE))
            assert details_of(error)[1].reason == "STREAMS"
            assert await in_thread(lambda: client.unary(Payload(), metadata=AS_ALICE)) == Payload()


def _with(*, roles: frozenset[int] = ALICE.roles, scopes: frozenset[int] = ALICE.scopes) -> Caller:
    return attrs.evolve(ALICE, account_id=AccountId("other"), roles=roles, scopes=scopes)
