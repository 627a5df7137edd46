"""gRPC, gRPC-Web and REST answer the same: every method with one request and one response.

Three people who are alike make the same calls in the same order, each over a transport of their
own, on a whole daemon behind real sockets. The requests are made from the descriptors: nothing set,
everything set, by nobody, by a person, and by one who has proved afresh who they are; besides a few
that succeed. What differs by nature (ids, times, secrets) is left out of the comparison.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

import attrs
import grpc
import httpx
import trio
from google.api import annotations_pb2
from google.protobuf import json_format, message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from trio.testing import MockClock
from xache.v1 import (
    admin_pb2,
    options_pb2,
    strategy_pb2,
    trading_pb2,
    types_pb2,
    wallet_pb2,
)

from tests.api.edge import in_thread
from tests.api.grpc_web_client import BINARY, frame, read
from tests.api.open_house import OpenHouse, open_house
from tests.security.whole_house import NOBODY, Credential

HTTP: Any = annotations_pb2.http
OPTION: Any = options_pb2.authorization
PRIVACY: Any = options_pb2.privacy
LAST = ("UnfreezeMyAccount", "FreezeMyAccount", "ChangePassword", "RevokeSessions", "Logout")
"""What ends what the others need."""

Outcome: TypeAlias = tuple[str, Any]
"""A code, and the message or the reason with its facts."""


@attrs.frozen
class Case:
    """One call that three people make."""

    method: MethodDescriptor
    request: Message
    signed_in: bool
    proven: bool = False

    @property
    def name(self) -> str:
        """Its path without the package."""
        return f"{self.method.containing_service.name}/{self.method.name}"


@attrs.define
class Person:
    """Somebody who always comes by the same way."""

    name: str
    email: str
    account_id: str
    credential: Credential

    def plain(self, value: Any) -> Any:
        """What was answered, without what is only of this person and this moment."""
        text = json.dumps(value, sort_keys=True)
        for own in (self.account_id, self.email):
            text = text.replace(own, "own")
        return json.loads(re.sub(r"\b[0-9a-f]{12,}\b|\b[a-z2-7]{24}\b|\d{13,}", "id", text))


def methods(house: OpenHouse) -> Iterator[MethodDescriptor]:
    """Every unary method of the public services."""
    for route in house.routes(admin=False).routes:
        method = route.descriptor
        if (
            method.full_name.startswith("xache.v1.")
            and not method.client_streaming
            and not method.server_streaming
        ):
            yield method


def fill(message: Any, depth: int = 0) -> Any:
    """Set every field to something plausible or not; of a oneof the last."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None:
            if depth < 2 and not field.message_type.GetOptions().map_entry:
                inner = getattr(message, field.name)
                fill(inner.add() if field.is_repeated else inner, depth + 1)
            continue
        value: Any
        if field.type == FieldDescriptor.TYPE_ENUM:
            value = field.enum_type.values[-1].number
        elif field.type == FieldDescriptor.TYPE_STRING:
            value = "BTC-USDT" if field.name == "symbol" else "1"
        elif field.type == FieldDescriptor.TYPE_BYTES:
            value = b"\0\xff"
        elif field.type == FieldDescriptor.TYPE_BOOL:
            value = True
        else:
            value = 7
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)
    return message


ORDER = trading_pb2.PlaceOrderRequest(
    client_order_id="o-1",
    symbol="BTC-USDT",
    side=types_pb2.SIDE_BUY,
    type=types_pb2.ORDER_TYPE_LIMIT,
    price="50000.00",
    quantity="0.01",
)
GOOD: dict[str, list[Message]] = {
    "PlaceOrder": [ORDER, ORDER],
    "PreviewOrder": [trading_pb2.PreviewOrderRequest(order=ORDER)],
    "GetOrder": [trading_pb2.GetOrderRequest(client_order_id="o-1")],
    "ExplainOrder": [strategy_pb2.ExplainOrderRequest(client_order_id="o-1")],
    "AmendOrder": [
        trading_pb2.AmendOrderRequest(
            client_order_id="o-1", symbol="BTC-USDT", quantity="0.005", request_id="a-1"
        )
    ],
    "CancelOrder": [trading_pb2.CancelOrderRequest(client_order_id="o-1", request_id="c-1")],
    "GetBalances": [wallet_pb2.GetBalancesRequest()],
}


def cases(house: OpenHouse) -> list[Case]:
    """What is called, in order."""
    made: list[Case] = []
    for method in methods(house):
        new = message_factory.GetMessageClass(method.input_type)
        made += [Case(method, request, True) for request in GOOD.get(method.name, [])]
        made += [Case(method, fill(new()), signed_in) for signed_in in (False, True)]
        made += [Case(method, new(), signed_in) for signed_in in (False, True)]
        if method.GetOptions().Extensions[OPTION].step_up:
            made += [Case(method, fill(new()), True, proven=True)]
    return sorted(
        made, key=lambda case: LAST.index(case.method.name) if case.method.name in LAST else -1
    )


# --- the three ways ---------------------------------------------------------------------------


def settled(person: Person, response: Message) -> Outcome:
    """A response as it is compared."""
    _blank(response)
    return "OK", person.plain(json_format.MessageToDict(response))


def _blank(message: Any) -> None:
    for field, value in message.ListFields():
        secret = field.GetOptions().Extensions[PRIVACY] == options_pb2.PRIVACY_SECRET
        varies = field.name.endswith(("_ns", "_id", "seq", "sequence"))
        if field.message_type is None:
            if secret or varies:
                message.ClearField(field.name)
        elif field.message_type.GetOptions().map_entry:
            for each in value.values():
                if isinstance(each, Message):
                    _blank(each)
        elif field.is_repeated:
            for each in value:
                _blank(each)
        else:
            _blank(value)


def refused(person: Person, code: str, reason: str, message: str, facts: Any) -> Outcome:
    """A refusal as it is compared."""
    return code, person.plain([reason, message, dict(facts)])


async def over_grpc(house: OpenHouse, person: Person, case: Case, who: Credential) -> Outcome:
    path = f"/xache.v1.{case.name}"
    response_class = message_factory.GetMessageClass(case.method.output_type)

    def run() -> Outcome:
        with grpc.insecure_channel(house.addresses.grpc) as channel:
            call = channel.unary_unary(path, response_deserializer=response_class.FromString)
            body = case.request.SerializeToString()
            try:
                response = call(body, metadata=tuple(house.carries(who, path, body).items()))
            except grpc.RpcError as error:
                packed = dict(error.trailing_metadata())["grpc-status-details-bin"]
                return of_status(person, error.code().name, packed)
            return settled(person, response)

    return await in_thread(run)


def of_status(person: Person, code: str, packed: bytes) -> Outcome:
    status = status_pb2.Status.FromString(packed)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return refused(person, code, info.reason, status.message, info.metadata)


async def over_web(
    house: OpenHouse, person: Person, case: Case, who: Credential, client: httpx.AsyncClient
) -> Outcome:
    path = f"/xache.v1.{case.name}"
    body = case.request.SerializeToString()
    answer = await client.post(
        path,
        content=frame(body),
        headers={"content-type": BINARY, "x-grpc-web": "1", **house.carries(who, path, body)},
    )
    assert answer.status_code == 200
    told = read(answer.content)
    if told.status:
        names = {code.value[0]: code.name for code in grpc.StatusCode}
        return of_status(person, names[told.status], told.packed)
    return settled(
        person,
        message_factory.GetMessageClass(case.method.output_type).FromString(told.messages[0]),
    )


async def over_rest(
    house: OpenHouse, person: Person, case: Case, who: Credential, client: httpx.AsyncClient
) -> Outcome:
    rule = case.method.GetOptions().Extensions[HTTP]
    verb = rule.WhichOneof("pattern")
    fields = json_format.MessageToDict(case.request, preserving_proto_field_name=True)
    target = getattr(rule, verb)
    for name in re.findall(r"\{(\w+)\}", target):
        target = target.replace(f"{{{name}}}", fields.pop(name))
    content = b""
    if rule.body:
        content = json.dumps(fields).encode()
    elif fields:
        pairs = [
            (name, str(each).lower() if isinstance(each, bool) else each)
            for name, value in fields.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        target += "?" + urlencode(pairs)
    headers = house.carries(who, f"{verb.upper()} {target}", content)
    if rule.body:
        headers["content-type"] = "application/json"
    answer = await client.request(verb.upper(), target, content=content, headers=headers)
    document = answer.json()
    if answer.status_code != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert document["status"] == answer.status_code
        return refused(
            person, document["code"], document["reason"], document["detail"], document["facts"]
        )
    response = message_factory.GetMessageClass(case.method.output_type)()
    return settled(person, json_format.ParseDict(document, response))


def can_be_rest(case: Case) -> bool:
    """A path has no empty segments."""
    rule = case.method.GetOptions().Extensions[HTTP]
    template = getattr(rule, rule.WhichOneof("pattern"))
    return all(getattr(case.request, name) for name in re.findall(r"\{(\w+)\}", template))


async def test_three_transports_give_equal_answers(mock_clock: MockClock, tmp_path: Path) -> None:
    """Checked: with one field left out of REST's facts, or of its JSON, dozens differ."""
    async with (
        open_house(tmp_path, mock_clock) as house,
        httpx.AsyncClient(base_url=house.addresses.http, trust_env=False) as client,
    ):
        await house.admin()
        mark = admin_pb2.SetMarkRequest(symbol="BTC-USDT", price="50000.00", request_id="mark")
        await house.by_admin("AdminService/SetMark", mark)
        people = [await join(house, name) for name in ("gina", "wilm", "rosa")]
        unequal, succeeded, called = [], set[str](), set[str]()
        for case in cases(house):
            if not can_be_rest(case):
                continue
            outcomes = []
            for person, way in zip(people, ("grpc", "web", "rest"), strict=True):
                who = person.credential if case.signed_in else NOBODY
                if case.proven:
                    who = await house.stepped_up(case.name, case.request, who)
                if way == "grpc":
                    outcomes.append(await over_grpc(house, person, case, who))
                elif way == "web":
                    outcomes.append(await over_web(house, person, case, who, client))
                else:
                    outcomes.append(await over_rest(house, person, case, who, client))
            called.add(case.name)
            if outcomes[0][0] == "OK":
                succeeded.add(case.method.name)
            if not outcomes[0] == outcomes[1] == outcomes[2]:
                unequal.append((case.name, case.signed_in, case.proven, outcomes))
        assert unequal == []
        assert called == {f"{m.containing_service.name}/{m.name}" for m in methods(house)}
        assert succeeded >= {"PlaceOrder", "CancelOrder", "GetBalances", "ListInstruments"}
        assert len(succeeded) > 25


async def join(house: OpenHouse, name: str) -> Person:
    """Somebody with money."""
    email = f"{name}@people.example"
    account_id = await house.register(email)
    await house.deposit(account_id, "USDT", "10000")
    return Person(name, email, account_id, (await house.login(email))[0])


async def test_every_unary_method_of_the_public_services_is_rest(
    mock_clock: MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path, mock_clock) as house:
        await trio.lowlevel.checkpoint()
        missing = [
            method.full_name
            for method in methods(house)
            if not method.GetOptions().HasExtension(HTTP)
        ]
        assert missing == []
