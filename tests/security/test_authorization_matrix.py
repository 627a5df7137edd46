"""Every method of every service, called by every kind of caller.

What must come of it is worked out here a second time, from the option in the proto alone, by an
oracle that shares no code with the house.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import xache.v1
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from trio.testing import MockClock
from xache.v1 import account_pb2, admin_pb2, auth_pb2, options_pb2

from tests.security.whole_house import AWAY, NOBODY, Credential, WholeHouse, whole_house
from xached.api.errors import StatusError
from xached.domain.rejection import Rejection

READ, TRADE, WITHDRAW, ACCOUNT, ADMIN_SCOPE = 1, 2, 3, 4, 5
USER, SUPPORT, COMPLIANCE, OPERATOR, ADMIN = 1, 2, 3, 4, 5
UNVERIFIED, FROZEN, SUSPENDED = 1, 2, 3

PERSON = frozenset({READ, TRADE, ACCOUNT})

ADMIN_SERVICES = {"AdminService", "RiskService"}
"""Unknown on the public listener."""


@attrs.frozen
class Kind:
    """A kind of caller, as the oracle knows it."""

    known: bool = True
    """False: whatever it carries proves nothing."""
    key: bool = False
    away: bool = False
    scopes: frozenset[int] = PERSON
    roles: frozenset[int] = frozenset({USER})
    against: frozenset[int] = frozenset()
    named: bool = False
    """Gives a name instead of a credential."""
    certified: bool = False
    """Shows a certificate instead of one."""


def keyed(*scopes: int) -> Kind:
    return Kind(key=True, scopes=frozenset(scopes))


def staff(role: int, *scopes: int) -> Kind:
    return Kind(roles=frozenset({USER, role}), scopes=PERSON | set(scopes))


KINDS = {
    "anonymous": Kind(known=False),
    "garbage": Kind(known=False),
    "user": Kind(),
    "unverified": Kind(against=frozenset({UNVERIFIED})),
    "frozen": Kind(against=frozenset({FROZEN})),
    "suspended": Kind(against=frozenset({SUSPENDED})),
    "suspended and unverified": Kind(against=frozenset({SUSPENDED, UNVERIFIED})),
    "logged out": Kind(known=False),
    "expired token": Kind(known=False),
    "key that reads": keyed(READ),
    "key that trades": keyed(READ, TRADE),
    "key that withdraws": keyed(WITHDRAW),
    "key that does all": keyed(READ, TRADE, WITHDRAW),
    "fresh key that withdraws": keyed(READ),
    "key of an administrator": keyed(READ, TRADE),
    "key of a suspended account": attrs.evolve(keyed(READ, TRADE), against=frozenset({SUSPENDED})),
    "old key without addresses": keyed(READ),
    "key elsewhere": attrs.evolve(keyed(READ, TRADE), away=True),
    "revoked key": Kind(known=False),
    "expired key": Kind(known=False),
    "forged key": Kind(known=False),
    "support": staff(SUPPORT),
    "compliance": staff(COMPLIANCE),
    "operator": staff(OPERATOR, ADMIN_SCOPE),
    "admin": staff(ADMIN, ADMIN_SCOPE),
}


DOOR_KINDS = {
    "admin by name": attrs.evolve(KINDS["admin"], named=True),
    "operator by name": attrs.evolve(KINDS["operator"], named=True),
    "compliance by name": attrs.evolve(KINDS["compliance"], named=True),
    "suspended admin by name": attrs.evolve(
        KINDS["admin"], named=True, against=frozenset({SUSPENDED})
    ),
    "user by name": Kind(known=False, named=True),
    "nobody by name": Kind(known=False, named=True),
}
"""Who says a name at the administrators' door, and gives no code with it."""


CERTIFIED_KINDS = {
    name.replace("by name", "certified"): attrs.evolve(kind, named=False, certified=True)
    for name, kind in DOOR_KINDS.items()
}
"""Who calls the listener for administrators elsewhere, with a certificate of this name."""


def expected(method: MethodDescriptor, kind: Kind, *, at_door: bool = False) -> str:
    """What must come of it, by the option alone."""
    extension: Any = options_pb2.authorization
    option = method.GetOptions().Extensions[extension]
    if option.access == options_pb2.ACCESS_PUBLIC:
        return "OK"
    if option.access != options_pb2.ACCESS_SESSION or not kind.known:
        return "UNAUTHENTICATED"
    administration = at_door and method.containing_service.name in ADMIN_SERVICES
    if (kind.named or kind.certified) and (not option.roles or USER in option.roles):
        return "UNAUTHENTICATED"
    allowed = (
        not kind.away
        and (option.api_key or not kind.key)
        and all(each in option.despite for each in kind.against)
        and all(each in kind.scopes for each in option.scopes)
        and (not option.roles or any(each in kind.roles for each in option.roles))
    )
    # Nobody here has proved afresh who they are.
    proof_wanted = option.step_up and (administration or kind.certified)
    if allowed and (proof_wanted or kind.named):
        return "FAILED_PRECONDITION"
    return "OK" if allowed and not option.step_up else "PERMISSION_DENIED"


def methods() -> Iterator[MethodDescriptor]:
    """Every method that the packages of the API declare."""
    for module in pkgutil.iter_modules(xache.v1.__path__):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(f"xache.v1.{module.name}").DESCRIPTOR
            for service in file.services_by_name.values():
                yield from service.methods


def path_of(method: MethodDescriptor) -> str:
    return f"/{method.containing_service.full_name}/{method.name}"


METHODS = {path_of(method): method for method in methods()}


async def people(house: WholeHouse) -> dict[str, Credential]:
    """One caller of each kind, made the way people become what they are."""
    admin = await house.admin()
    callers: dict[str, Credential] = {"anonymous": NOBODY, "garbage": Credential("garbage")}
    ids: dict[str, str] = {}

    async def join(name: str) -> Credential:
        email = f"{name.replace(' ', '-')}@people.example"
        ids[name] = await house.register(email)
        return (await house.login(email))[0]

    async def again(name: str) -> Credential:
        return (await house.login(f"{name.replace(' ', '-')}@people.example"))[0]

    owner = await join("user")
    networks = ["192.0.2.0/24"]
    all_three = [READ, TRADE, WITHDRAW]
    make = house.make_key
    callers["old key without addresses"] = await make(owner, 1, scopes=[READ, TRADE])
    callers["key that reads"] = await make(owner, 2, scopes=[READ], networks=networks)
    callers["key that withdraws"] = await make(owner, 3, scopes=[WITHDRAW], networks=networks)
    callers["key that does all"] = await make(owner, 4, scopes=all_three, networks=networks)
    # What the time does to keys takes a month.
    house.world.shift_clock(30 * 86_400 * 10**9)
    owner, admin = await again("user"), (await house.login("admin@house.example"))[0]
    callers["key that trades"] = await make(owner, 5, scopes=[READ, TRADE])
    callers["fresh key that withdraws"] = await make(
        owner, 6, scopes=[READ, WITHDRAW], networks=networks
    )
    callers["key of an administrator"] = await make(admin, 7, scopes=[READ, TRADE])
    there = await make(owner, 8, scopes=[READ, TRADE], networks=networks)
    callers["key elsewhere"] = attrs.evolve(there, peer=AWAY)
    callers["revoked key"] = await make(owner, 9, scopes=[READ, TRADE])
    revoke = account_pb2.RevokeApiKeyRequest(key_id=callers["revoked key"].key_id)
    await house.ask("AccountService/RevokeApiKey", revoke, owner)
    callers["expired key"] = await make(
        owner, 10, scopes=[READ, TRADE], expires_at_ns=house.world.now_ns() + 10**9
    )
    callers["forged key"] = attrs.evolve(there, signing=callers["revoked key"].signing)
    callers["expired token"] = await again("user")
    house.world.shift_clock(301 * 10**9)
    await join("suspended")
    suspended = await again("suspended")
    callers["key of a suspended account"] = await make(suspended, 11, scopes=[READ, TRADE])
    for name in ("unverified", "frozen", "suspended and unverified"):
        await join(name)
    for name, impediments in (
        ("unverified", [UNVERIFIED]),
        ("frozen", [FROZEN]),
        ("suspended", [SUSPENDED]),
        ("suspended and unverified", [SUSPENDED, UNVERIFIED]),
    ):
        for impediment in impediments:
            request = admin_pb2.SetImpedimentRequest(
                account_id=ids[name],
                impediment=options_pb2.Impediment.Name(impediment),
                stands=True,
            )
            await house.by_admin("AdminService/SetImpediment", request)
    for name, role in (("support", SUPPORT), ("compliance", COMPLIANCE), ("operator", OPERATOR)):
        await join(name)
        grant = admin_pb2.SetRoleRequest(
            account_id=ids[name], role=options_pb2.Role.Name(role), granted=True
        )
        await house.by_admin("AdminService/SetRole", grant)
    at_door = await named(house)
    callers["admin"] = (await house.login("admin@house.example"))[0]
    for name in (
        *("user", "unverified", "frozen", "suspended", "suspended and unverified"),
        *("support", "compliance", "operator"),
    ):
        callers[name] = await again(name)
    callers["logged out"] = await again("user")
    await house.ask("AuthService/Logout", auth_pb2.LogoutRequest(), callers["logged out"])
    return callers | at_door


async def named(house: WholeHouse) -> dict[str, Credential]:
    """Who gives a name at the door; the other administrator is suspended by the first."""
    other = await house.register("other-admin@people.example")
    grant = admin_pb2.SetRoleRequest(account_id=other, role=options_pb2.ROLE_ADMIN, granted=True)
    await house.by_admin("AdminService/SetRole", grant)
    suspend = admin_pb2.SetImpedimentRequest(
        account_id=other, impediment=options_pb2.IMPEDIMENT_SUSPENDED, stands=True
    )
    await house.by_admin("AdminService/SetImpediment", suspend)
    return {
        "admin by name": Credential(operator="admin@house.example"),
        "operator by name": Credential(operator="operator@people.example"),
        "compliance by name": Credential(operator="compliance@people.example"),
        "suspended admin by name": Credential(operator=other),
        "user by name": Credential(operator="user@people.example"),
        "nobody by name": Credential(operator="nobody@people.example"),
    }


def test_who_may_call_what_asks_for_a_fresh_proof_can_give_one() -> None:
    """Such as somebody suspended who wants their data: whatever they may do, despite that."""
    extension: Any = options_pb2.authorization
    proof = METHODS["/xache.v1.AuthService/StepUp"].GetOptions().Extensions[extension]
    stuck = [
        path
        for path, method in METHODS.items()
        if (option := method.GetOptions().Extensions[extension]).step_up
        and not set(option.despite) <= set(proof.despite)
    ]
    assert stuck == []


async def test_every_method_by_every_kind_of_caller(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Checked: with any one check of the routes taken out, there are dozens of wrong verdicts."""
    assert len(KINDS) >= 14
    async with whole_house(tmp_path) as house:
        callers = await people(house)
        assert callers.keys() == KINDS.keys() | DOOR_KINDS.keys()
        wrong: list[str] = []
        verdicts = 0
        certified = {
            name.replace("by name", "certified"): Credential(certificate=callers[name].operator)
            for name in DOOR_KINDS
        }
        assert certified.keys() == CERTIFIED_KINDS.keys()
        callers |= certified
        for kinds, routes in (
            (KINDS, house.routes(admin=False)),
            (KINDS | DOOR_KINDS, house.routes(admin=True)),
            (CERTIFIED_KINDS, house.routes(admin=True, certified=True)),
        ):
            for path, method in METHODS.items():
                if routes.find(path) is None:
                    continue
                for name, kind in kinds.items():
                    verdict = await house.verdict(routes, path, callers[name])
                    verdicts += 1
                    right = expected(method, kind, at_door=kinds is not KINDS)
                    if verdict != right:
                        wrong.append(f"{name}: {path} {verdict}, not {right}")
        assert wrong == []
        assert verdicts > 2 * 40 * len(KINDS)


async def test_a_fresh_proof_opens_its_request_once(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """What asks for a proof takes it once, and no other request takes it at all."""
    extension: Any = options_pb2.authorization
    async with whole_house(tmp_path) as house:
        admin = await house.admin()
        routes, asked = house.routes(admin=True), 0
        for path, method in METHODS.items():
            option = method.GetOptions().Extensions[extension]
            route = routes.find(path)
            assert route is not None
            if not option.step_up or (option.roles and ADMIN not in option.roles):
                continue
            asked += 1
            if house.is_old(admin):
                admin, _ = await house.login("admin@house.example")
            name = path.removeprefix("/xache.v1.")
            if not set(option.scopes) <= PERSON | {ADMIN_SCOPE}:
                continue
            proven = await house.stepped_up(name, route.parse(b""), admin)
            other = house.new_call(route, proven, b"\x78\x01")
            with pytest.raises(StatusError, match=r"STEP_UP_REQUIRED|CODE_REQUIRED"):
                await routes.admit(other, route, b"\x78\x01")
            proven = await house.stepped_up(name, route.parse(b""), admin)
            assert await house.verdict(routes, path, proven) == "OK", path
            again = await house.verdict(routes, path, proven)
            assert again in {"PERMISSION_DENIED", "FAILED_PRECONDITION"}, path
        assert asked >= 20


async def test_a_code_opens_one_call(autojump_clock: MockClock, tmp_path: Path) -> None:
    """By name or with a session: each call that needs a code uses one up, and no other takes it."""
    extension: Any = options_pb2.authorization
    async with whole_house(tmp_path) as house:
        admin = await house.admin()
        routes, asked = house.routes(admin=True), 0
        for path, method in METHODS.items():
            option = method.GetOptions().Extensions[extension]
            if not option.step_up or ADMIN not in option.roles:
                continue
            asked += 1
            if house.is_old(admin):
                admin, _ = await house.login("admin@house.example")
            code = house.new_code()
            by_session = attrs.evolve(admin, code=code)
            by_name = Credential(operator="admin@house.example", code=code)
            first, second = (by_session, by_name) if asked % 2 else (by_name, by_session)
            assert await house.verdict(routes, path, first) == "OK", path
            assert await house.verdict(routes, path, second) == "PERMISSION_DENIED", path
        assert asked >= 20


async def test_guessing_codes_is_stopped(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Whoever may open the socket has five tries; the right code is no use then, until later."""
    async with whole_house(tmp_path) as house:
        await house.admin()
        routes, path = house.routes(admin=True), "/xache.v1.AdminService/SetHalt"
        guess = Credential(operator="admin@house.example", code="000000")
        for _ in range(5):
            assert await house.verdict(routes, path, guess) == "PERMISSION_DENIED"
        assert await house.verdict(routes, path, guess) == "RESOURCE_EXHAUSTED"
        right = attrs.evolve(guess, code=house.new_code())
        assert await house.verdict(routes, path, right) == "RESOURCE_EXHAUSTED"
        house.world.shift_clock(61 * 10**9)
        right = attrs.evolve(guess, code=house.new_code())
        assert await house.verdict(routes, path, right) == "OK"


async def test_a_password_is_no_proof_for_administrators(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """An administrator without an authenticator cannot step up to what moves money or rights."""
    async with whole_house(tmp_path) as house:
        await house.admin()
        other = await house.register("other@people.example")
        grant = admin_pb2.SetRoleRequest(account_id=other, role="ROLE_ADMIN", granted=True)
        await house.by_admin("AdminService/SetRole", grant)
        session, _ = await house.login("other@people.example")
        halt = admin_pb2.SetHaltRequest(halted=True, cause="x")
        proven = await house.stepped_up("AdminService/SetHalt", halt, session)
        with pytest.raises(StatusError, match="CODE_REQUIRED"):
            await house.ask("AdminService/SetHalt", halt, proven, admin=True)
        with pytest.raises(Rejection, match="xached admin enrol"):
            await house.ask(
                "AdminService/SetHalt", halt, attrs.evolve(proven, code="123456"), admin=True
            )


async def test_each_listener_serves_its_services_and_no_others(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Every declared method is served on the administrators' listener, or it is nobody's."""
    async with whole_house(tmp_path) as house:
        public, admin = house.routes(admin=False), house.routes(admin=True)
        for path, method in METHODS.items():
            assert admin.find(path) is not None, path
            for_admins = method.containing_service.name in ADMIN_SERVICES
            assert (public.find(path) is None) == for_admins, path
        ours = {path for path in admin.paths if path.startswith("/xache.")}
        assert ours == METHODS.keys()
        foreign = {name for name in public.service_names if not name.startswith("xache.")}
        assert foreign <= {
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        }


@pytest.mark.parametrize("path", METHODS)
def test_no_house_method_is_open_to_users(path: str) -> None:
    """The administrators' listener has no second lock but this: the role in the option."""
    method = METHODS[path]
    if method.containing_service.name not in ADMIN_SERVICES or method.name == "BootstrapAdmin":
        return
    for kind in ("anonymous", "user", "key that does all", "support", "compliance"):
        assert expected(method, KINDS[kind]) != "OK"


# --- whose it is ------------------------------------------------------------------------------


async def test_a_purse_of_somebody_else_cannot_be_named(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """The owner field is looked up inside the caller's account, whatever is written into it."""
    extension: Any = options_pb2.authorization
    async with whole_house(tmp_path) as house:
        alice = await house.register("alice@people.example")
        await house.register("bob@people.example")
        bob = (await house.login("bob@people.example"))[0]
        routes, owned = house.routes(admin=False), 0
        for path, method in METHODS.items():
            field = method.GetOptions().Extensions[extension].owner_field
            route = routes.find(path)
            if not field or route is None or method.client_streaming:
                continue
            owned += 1
            for name in (f"{alice}/main", f"../{alice}", alice + "/"):
                body = route.parse(b"")
                setattr(body, field, name)
                call = house.new_call(route, bob, body.SerializeToString())
                with pytest.raises(Rejection, match="sub-account"):
                    await routes.receive(call, route, body.SerializeToString())
            body = route.parse(b"")
            setattr(body, field, alice)
            call = house.new_call(route, bob, body.SerializeToString())
            await routes.receive(call, route, body.SerializeToString())
            assert call.caller is not None
            assert call.purse.startswith(f"{call.caller.account_id}/")
        assert owned > 15


# --- mass assignment --------------------------------------------------------------------------

NOT_FOR_USERS = {
    "account_id", "owner", "role", "roles", "scopes", "impediment", "impediments", "verified",
    "step_up", "stepped_up", "level", "created_at_ns", "simulated", "frozen", "balance",
}  # fmt: skip
"""What an account is, is not the caller's to say."""

MAY_SAY = {"KeyTerms.scopes", "ApplyForLevelRequest.level"}
"""Wishes: the house's rules and reviewers decide on them."""


def fields_of(method: MethodDescriptor) -> Iterator[FieldDescriptor]:
    seen, waiting = set[str](), [method.input_type]
    while waiting:
        message = waiting.pop()
        if message.full_name not in seen:
            seen.add(message.full_name)
            yield from message.fields
            waiting += [field.message_type for field in message.fields if field.message_type]


@pytest.mark.parametrize("path", METHODS)
def test_users_cannot_say_what_they_are(path: str) -> None:
    method = METHODS[path]
    if method.containing_service.name in ADMIN_SERVICES | {"StaffService"}:
        return
    for field in fields_of(method):
        assert field.containing_type is not None
        if f"{field.containing_type.name}.{field.name}" not in MAY_SAY:
            assert field.name not in NOT_FOR_USERS, field.full_name


async def test_what_a_request_has_no_field_for_has_no_effect(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    """Unknown fields of every number and kind ride along; the account is a plain user's."""
    async with whole_house(tmp_path) as house:
        routes = house.routes(admin=False)
        route = routes.find("/xache.v1.AuthService/Register")
        assert route is not None
        body = auth_pb2.RegisterRequest(
            email="mallory@people.example", password="kettle-anchor-moss-77"
        ).SerializeToString()
        known = {field.number for field in auth_pb2.RegisterRequest.DESCRIPTOR.fields}
        for number in set(range(1, 120)) - known:
            # As a number, and as bytes that are a list of numbers too.
            for wire, payload in ((0, b"\x05"), (2, b"\x05\x01\x02\x03\x04\x05")):
                body += _varint(number << 3 | wire) + payload
        call = house.new_call(route, NOBODY, body)
        await route.handler(call, await routes.receive(call, route, body))
        mallory = (await house.login("mallory@people.example"))[0]
        account = await house.ask(
            "AccountService/GetAccount", account_pb2.GetAccountRequest(), mallory
        )
        assert list(account.roles) == [options_pb2.ROLE_USER]
        told = await house.ask(
            "AccountService/WhatCanThisKeyDo", account_pb2.WhatCanThisKeyDoRequest(), mallory
        )
        assert set(told.scopes) == PERSON


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    return bytes([*encoded, number])
