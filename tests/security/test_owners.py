"""What belongs to one account cannot be named by another: not by its id, nor by what it is called.

Purses are in the matrix of authorization, backtests beside their actor. Here are rules, strategies,
keys and sessions, through the routes of a whole house, by every method that takes the name of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from trio.testing import MockClock
from xache.v1 import account_pb2, auth_pb2, automation_pb2, options_pb2, strategy_pb2

from tests.security.whole_house import Credential, WholeHouse, whole_house
from xached.api.errors import StatusError
from xached.api.examples import REQUESTS
from xached.domain.rejection import Rejection

SERVICES: Mapping[str, tuple[Any, str, str]] = {
    "AutomationService": (automation_pb2, "rule_id", "UNKNOWN_RULE"),
    "StrategyService": (strategy_pb2, "name", "UNKNOWN_STRATEGY"),
    "AccountService": (account_pb2, "key_id", "UNKNOWN_KEY"),
    "AuthService": (auth_pb2, "session_id", "UNKNOWN_SESSION"),
}
"""Where, how a request names what it is about, and how what is another's is refused."""

AUTHORIZATION: Any = options_pb2.authorization
MAKES = frozenset({"CreateStrategy", "CreateRule"})
"""What these name is the caller's own."""

METHODS: list[tuple[str, MethodDescriptor, str, str]] = [
    (f"{service}/{method.name}", method, field, reason)
    for service, (module, field, reason) in SERVICES.items()
    for method in module.DESCRIPTOR.services_by_name[service].methods
    if field in method.input_type.fields_by_name and method.name not in MAKES
]


async def things_of(house: WholeHouse, who: Credential, session_id: str) -> dict[str, str]:
    """One of each, by the field that names it."""
    terms = json_format.ParseDict(REQUESTS["CreateStrategy"], strategy_pb2.CreateStrategyRequest())
    await house.ask("StrategyService/CreateStrategy", terms, who)
    rule = json_format.ParseDict(REQUESTS["CreateRule"], automation_pb2.CreateRuleRequest())
    made = await house.ask("AutomationService/CreateRule", rule, who)
    key = await house.make_key(who, 1, scopes=[options_pb2.SCOPE_READ])
    return {
        "name": terms.name,
        "rule_id": made.rule.rule_id,
        "key_id": key.key_id,
        "session_id": session_id,
    }


async def reason_of(house: WholeHouse, path: str, request: Message, who: Credential) -> str:
    try:
        await house.ask(path, request, who)
    except Rejection as refusal:
        return refusal.reason.name
    except StatusError as refusal:
        return refusal.reason
    return "OK"


async def test_what_is_anothers_is_not_there(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Checked: it is red where a rule, a strategy, a key or a session is found whoever asks."""
    async with whole_house(tmp_path) as house:
        await house.register("alice@people.example")
        alice, login = await house.login("alice@people.example")
        things = await things_of(house, alice, login.session_id)
        await house.register("bob@people.example")
        bob, _ = await house.login("bob@people.example")
        found: dict[str, str] = {}
        for path, method, field, reason in METHODS:
            request_class = message_factory.GetMessageClass(method.input_type)
            request = json_format.ParseDict(REQUESTS.get(method.name, {}), request_class())
            setattr(request, field, things[field])
            who = bob
            if method.GetOptions().Extensions[AUTHORIZATION].step_up:
                who = await house.stepped_up(path, request, bob)
            if (told := await reason_of(house, path, request, who)) != reason:
                found[path] = told
        assert found == {}
        assert len(METHODS) > 15, "or what is named is called otherwise now"
        # And it is there for whom it belongs to, untouched.
        rule = automation_pb2.GetRuleRequest(rule_id=things["rule_id"])
        assert await reason_of(house, "AutomationService/GetRule", rule, alice) == "OK"
        strategy = strategy_pb2.GetStrategyRequest(name=things["name"])
        assert await reason_of(house, "StrategyService/GetStrategy", strategy, alice) == "OK"
        mine = auth_pb2.RevokeSessionRequest(session_id=things["session_id"])
        assert await reason_of(house, "AuthService/RevokeSession", mine, alice) == "OK"
