"""Hostile values in every field of every method.

SQL in every string field: the schema stays, and no row comes, goes or changes. Numbers at their
bounds in every field of a number: each is an answer or a refusal, never a fault of the house.

The fields are found by their descriptors, so a new method is covered once it is routed. Whoever
calls is an administrator, so that nothing is refused for want of a role.

Checked by building a statement from the name of a device: what it drops is refused by the
authorizer, and what it deletes is missed here; and by a page of less than nothing that is read.
"""

from __future__ import annotations

import os
from pathlib import Path

import trio
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from trio.testing import MockClock
from xache.v1 import account_pb2

from tests.security.quiet_house import WholeHouse, fields_of, is_text, put_text
from xached.api.errors import StatusError
from xached.commands.inspection import verify, verify_audit
from xached.simulation.calls import Answered

LONG = bool(os.environ.get("XACHE_LONG"))

ATTACKS = (
    "'; DROP TABLE accounts; DROP TABLE rows; DROP TABLE orders; --",
    "x' OR '1'='1",
    '"; DELETE FROM stream; --',
    "x'); INSERT INTO settings VALUES ('bootstrap_token', x'00', x'00'); --",
    "1; ATTACH '/tmp/other.db' AS other; PRAGMA writable_schema = ON",
    "' UNION SELECT account_id, email_sealed FROM accounts --",
    "%' ESCAPE '\\",
    "\x00'; VACUUM; --",
)
"""In `make test` each field meets two of them, in turn; all of them in the long run."""


MAY_GROW = {"vault.db:stream", "vault.db:activity", "vault.db:second_factors"}
"""What a refused call may add to: the audit of what was tried, and the count of wrong guesses."""


BOUNDS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), -2, -1, 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), -2, -1, 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (1, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (1, 2**63, 2**64 - 1),
    FieldDescriptor.CPPTYPE_ENUM: (-1, 2**31 - 1),
}
"""Numbers that somebody may not have thought of, by the type of their field."""


def moves_by_itself(table: str) -> bool:
    """History follows in its own time, and the paper exchange meets a market that moves."""
    return table in MAY_GROW or table.startswith("paper") or "views.db" in table


def attacks_on(number: int) -> tuple[str, ...]:
    return ATTACKS if LONG else (ATTACKS[number % len(ATTACKS)], ATTACKS[-1 - number % 7])


def plausible(message: Message, house: WholeHouse) -> None:
    """Fill what is often needed, so that an attack gets behind the first check."""
    known = {
        "name": "desk",
        "subaccount": "main",
        "symbol": "BTC-USDT",
        "asset": "USDT",
        "email": house.user_email,
        "password": house.password,
        "account_id": house.user_id,
    }
    for owner, field in fields_of(message, depth=2):
        if is_text(field) and not field.is_repeated and field.name in known:
            put_text(owner, field, known[field.name])


async def test_sql_in_every_string_field_is_only_text(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    root = tmp_path / "data"
    tried, answered = 0, 0
    async with WholeHouse.open(root) as house:
        schema = house.schema()
        assert len(house.tables()) > 20
        for route, method in house.routes:
            request_class = message_factory.GetMessageClass(method.input_type)
            places = [
                number
                for number, (_, field) in enumerate(fields_of(request_class()))
                if is_text(field)
            ]
            for place in places:
                for attack in attacks_on(tried):
                    request = request_class()
                    plausible(request, house)
                    owner, field = list(fields_of(request))[place]
                    put_text(owner, field, attack)
                    before = house.tables()
                    result = await house.call(route.path.removeprefix("/xache.v1."), request)
                    after = house.tables()
                    tried += 1
                    answered += isinstance(result, Answered)
                    where = f"{route.path} {field.full_name} {attack!r}: {result}"
                    assert after.keys() == before.keys(), where
                    assert all(
                        after[table] >= count or table == "vault.db:sessions"
                        for table, count in before.items()
                    ), where
                    if isinstance(result, StatusError):
                        assert result.code.name != "INTERNAL", where
                        grown = {table for table in before if after[table] != before[table]}
                        assert {table for table in grown if not moves_by_itself(table)} == set(), (
                            grown,
                            where,
                        )
                        if result.code.name == "UNAUTHENTICATED":
                            await house.log_in()
        await trio.sleep(120)
        assert house.schema() == schema
        assert house.incidents == []
        still = await house.call("AccountService/GetAccount", account_pb2.GetAccountRequest())
        assert isinstance(still, Answered)
    # How much of it there is, so that nobody thins it out unseen.
    assert tried > 300
    assert answered > 20
    assert verify(root).faults == ()
    assert verify_audit(root, None).faults == ()


async def test_numbers_at_their_bounds_are_answers_or_refusals(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    tried, answered = 0, 0
    async with WholeHouse.open(tmp_path / "data") as house:
        for route, method in house.routes:
            request_class = message_factory.GetMessageClass(method.input_type)
            for place, (_, field) in enumerate(fields_of(request_class())):
                for value in BOUNDS.get(field.cpp_type, ()):
                    request = request_class()
                    plausible(request, house)
                    owner, _ = list(fields_of(request))[place]
                    if field.is_repeated:
                        getattr(owner, field.name).append(value)
                    else:
                        setattr(owner, field.name, value)
                    result = await house.call(route.path.removeprefix("/xache.v1."), request)
                    tried += 1
                    answered += isinstance(result, Answered)
                    where = f"{route.path} {field.full_name} {value}: {result}"
                    if isinstance(result, StatusError):
                        assert result.code.name != "INTERNAL", where
                        if result.code.name == "UNAUTHENTICATED":
                            await house.log_in()
        await trio.sleep(120)
        assert house.incidents == []
    assert tried > 300
    assert answered > 50
