"""The OpenAPI document: complete, true, and what the house does is what it says."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from google.protobuf import json_format, message_factory
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks
from trio.testing import MockClock

from tests.api.asgi import HOST, ask
from tests.api.edge import in_thread
from tests.api.open_house import OpenHouse, open_house
from tests.api.test_rest import trading
from tests.security.whole_house import whole_house
from xached.api.examples import REQUESTS
from xached.api.proto_comments import read_comments
from xached.api.transcoding import RestTable

LONG = bool(os.environ.get("XACHE_LONG"))
POSITIVE, NEGATIVE = (60, 40) if LONG else (2, 2)
"""Requests that are well formed, and that are not, for each operation and caller."""

LAST = {"Logout", "RevokeSessions", "RevokeSession", "FreezeMyAccount", "ChangePassword"}


async def read_document(app: Any) -> Any:
    answer = await ask(app, "/api/openapi.json")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    again = await ask(
        app, "/api/openapi.json", headers={**HOST, "if-none-match": answer.headers["etag"]}
    )
    assert again.status == 304
    return answer.document


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, verbs in document["paths"].items():
        for verb, operation in verbs.items():
            yield verb.upper(), path, operation


def walk(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    yield place, value
    if isinstance(value, dict):
        for key, each in value.items():
            yield from walk(each, f"{place}/{key}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from walk(each, f"{place}/{number}")


async def test_the_document_is_whole(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        document = await read_document(house.front.web)
        assert document["openapi"] == "3.1.0"
        table = RestTable(house.routes(admin=False).routes)
        described = {(verb, path) for verb, path, _ in operations(document)}
        assert described == {(route.verb, route.template) for route in table.routes}
        names = [operation["operationId"] for _, _, operation in operations(document)]
        assert len(names) == len(set(names))
        for place, value in walk(document):
            if place.endswith("/$ref"):
                kind, name = value.removeprefix("#/components/").split("/")
                assert name in document["components"][kind], value
            if place.endswith(("/description", "/summary")) and isinstance(value, str):
                assert value, place
        public = {op["operationId"] for _, _, op in operations(document) if not op["security"]}
        assert public >= {"Login", "Register", "ListInstruments"}
        assert not public & {"PlaceOrder", "GetBalances", "Logout"}
        with_keys = {
            op["operationId"] for _, _, op in operations(document) if len(op["security"]) == 2
        }
        assert with_keys >= {"PlaceOrder", "GetBalances"}
        assert "CreateApiKey" not in with_keys


async def test_what_rest_leaves_to_grpc_is_said(autojump_clock: MockClock, tmp_path: Path) -> None:
    """Every method whose requests are a stream, by its name, and no other."""
    async with whole_house(tmp_path) as house:
        routes = house.routes(admin=False).routes
        streamed = {
            method.name
            for method in (route.descriptor for route in routes)
            if method.client_streaming and method.full_name.startswith("xache.")
        }
        assert streamed >= {"EnterOrders"}
        document = await read_document(house.front.web)
        (told,) = re.findall(r"requests are streams \((.*?)\)", document["info"]["description"])
        assert set(told.split(", ")) == streamed
        assert not streamed & {each["operationId"] for _, _, each in operations(document)}


async def test_comments_become_descriptions(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with whole_house(tmp_path) as house:
        document = await read_document(house.front.web)
        login = document["paths"]["/api/auth/login"]["post"]
        assert login["summary"] == "Open a session with e-mail and password."
        schemas = document["components"]["schemas"]
        email = schemas["LoginRequest"]["properties"]["email"]
        assert email["description"] == "As registered."
        assert schemas["LoginRequest"]["properties"]["password"]["format"] == "password"
        assert "* `SIDE_BUY`: Takes base, gives quote." in schemas["Side"]["description"]


def test_comments_are_read_by_scope() -> None:
    text = """
    package p.v1;
    // S.
    service S {
      // M.
      rpc M(A) returns (B) {
        option (x) = {
          a: 1
        };
      }
    }
    // A,
    // still A.
    message A {
      // f.
      repeated p.v1.B f = 1 [(x) = Y];
      // one of
      oneof o {
        // g.
        string g = 2;
      }
      // Inner.
      message I {
        // m.
        map<string, int32> m = 1;
      }
      // h.
      optional string h = 3;
    }
    // not of B

    message B {}
    // E.
    enum E {
      // zero.
      E_ZERO = 0;
    }
    """
    assert read_comments(text) == {
        "p.v1.S": "S.", "p.v1.S.M": "M.", "p.v1.A": "A, still A.", "p.v1.A.f": "f.",
        "p.v1.A.o": "one of", "p.v1.A.g": "g.", "p.v1.A.I": "Inner.", "p.v1.A.I.m": "m.",
        "p.v1.A.h": "h.", "p.v1.E": "E.", "p.v1.E.E_ZERO": "zero.",
    }  # fmt: skip


async def test_examples_are_messages_and_orders_work(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with whole_house(tmp_path) as house:
        routes = {
            route.method.name: route for route in RestTable(house.routes(admin=False).routes).routes
        }
        for name, request in REQUESTS.items():
            message = message_factory.GetMessageClass(routes[name].method.input_type)()
            json_format.ParseDict(request, message)
        ada = await trading(house)
        for name in ("PreviewOrder", "PlaceOrder", "AmendOrder", "OpenSubaccount", "TransferFunds"):
            answer = await ada.post(routes[name].template, REQUESTS[name])
            assert answer.status == 200, (name, answer.body)


@pytest.mark.xdist_group("schemathesis")
async def test_the_house_does_what_the_document_says(mock_clock: MockClock, tmp_path: Path) -> None:
    """Generated requests, right and wrong, by nobody and by a person: never a fault of the house,
    and every answer is of a status, type and form that the document tells.

    Checked: an answer with a field too many, and a handler that raises, are found.
    """
    async with open_house(tmp_path, mock_clock) as house:
        await house.admin()
        account_id = await house.register("ada@people.example")
        await house.deposit(account_id, "USDT", "10000")
        session, _ = await house.login("ada@people.example")
        for headers in ({}, house.carries(session)):
            asked = await in_thread(generate, house, headers)
            assert asked > 70 * (POSITIVE + NEGATIVE) / 2
        assert house.front.interceptor.incidents == 0


def generate(house: OpenHouse, headers: dict[str, str]) -> int:
    """Ask every operation. Returns how often."""
    schema: Any = schemathesis.openapi.from_url(f"{house.addresses.http}/api/openapi.json")
    every = (result.ok() for result in schema.get_all_operations())
    found = [each for each in every if not is_stream(each.definition.raw)]
    found.sort(key=lambda each: each.definition.raw["operationId"] in LAST)
    asked = 0
    # One connection: those of a call each stay open until they are collected, and are too many.
    with requests.Session() as connection:
        for operation in found:
            for mode, count in (
                (GenerationMode.POSITIVE, POSITIVE),
                (GenerationMode.NEGATIVE, NEGATIVE),
            ):
                asked += ask_some(operation, mode, count, headers, connection)
    return asked


def is_stream(operation: Any) -> bool:
    """Whether its answer goes on for ever."""
    return "text/event-stream" in operation["responses"]["200"]["content"]


def ask_some(
    operation: Any,
    mode: GenerationMode,
    count: int,
    headers: dict[str, str],
    connection: requests.Session,
) -> int:
    asked = 0

    @hypothesis.settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        nonlocal asked
        asked += 1
        response = case.call(headers=headers, timeout=30, session=connection)
        case.validate_response(
            response,
            checks=[
                schemathesis.checks.not_a_server_error,
                checks.status_code_conformance,
                checks.content_type_conformance,
                checks.response_schema_conformance,
            ],
        )

    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        run()  # Where nothing is asked for, nothing can be wrong.
    return asked
