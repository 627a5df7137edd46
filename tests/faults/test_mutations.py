"""Bad input of every kind: the right refusal, never an incident, and the books still balance.

Half of the requests are well-formed messages with values from the edges; half are such messages
with their bytes damaged. They go to a real daemon over real sockets, as an anonymous caller, as a
trader and as an administrator.

Checked by breaking: an assertion instead of a refusal for an unknown enum number, and an int() of
unchecked digits in the page token, were each found within the first thousand requests.
"""

from __future__ import annotations

import os
import random
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from xache.v1 import (
    account_pb2,
    admin_pb2,
    auth_pb2,
    market_pb2,
    risk_pb2,
    trading_pb2,
    trading_pb2_grpc,
    types_pb2,
    wallet_pb2,
)

from tests.faults.house import (
    CALL_S_MAX,
    Metadata,
    connected,
    limit,
    open_market,
    register,
    running,
    sign_in,
    verify,
)

REQUESTS = 1_000_000 if os.environ.get("XACHE_LONG") else 50_000
SHARDS = 2
WINDOW = 64
TOO_LARGE_BYTES = 300 * 1024
ANN = "ann@house.example"

TEXTS = (
    "", "0", "1", "-1", "+1", "0.001", "60000", "59999.99", "60000.001", "0.000005", "1e5", "NaN",
    "Infinity", "-0", " 1", "1 ", "1_000", "1,5", "0x10", ".5", "5.", "0." + "0" * 40 + "1",
    "9" * 30, "9" * 61, "9" * 5_000, "٣", "½", "BTC-USDT", "ETH-USDT", "btc-usdt", "XXX-YYY",
    "BTC", "USDT", "main", "sma", "../../etc", "a" * 36, "a" * 37, "a/b", "\x00", "😀", "BINANCE",
    "XACHE", "NQ", "AAAA", "====", "4096", "18446744073709551616", "good-1", "SELECT 1", "%s",
)  # fmt: skip
NUMBERS = (0, 1, 2, 3, 4, 5, 6, 7, 20, 100, 500, 501, 1_000, 2**31 - 1, 2**32 - 1, 2**63 - 1)
NEGATIVE = (-1, -2, -(2**31))
SHORT = (
    FieldDescriptor.TYPE_UINT32,
    FieldDescriptor.TYPE_INT32,
    FieldDescriptor.TYPE_ENUM,
)
SERVICES = {
    module.DESCRIPTOR.services_by_name[name]
    for module, name in (
        (auth_pb2, "AuthService"),
        (account_pb2, "AccountService"),
        (trading_pb2, "TradingService"),
        (market_pb2, "MarketService"),
        (wallet_pb2, "WalletService"),
    )
}
PLAUSIBLE: dict[str, tuple[Any, ...]] = {
    "symbol": ("BTC-USDT", "ETH-USDT"),
    "subaccount": ("", "main"),
    "venue": ("", "XACHE"),
    "price": ("59000", "60000", "61000.5", "2500"),
    "quantity": ("0.001", "0.01", "1"),
    "quote_quantity": ("", "", "50"),
    "asset": ("BTC", "USDT"),
    "amount": ("1", "0.5"),
    "client_order_id": ("good-1", "x1", "x2", "x3", "x4", "x5", "x6", "x7"),
    "request_id": ("", "r1", "r2", "r3"),
    "side": (1, 2),
    "type": (1, 1, 2, 3, 4, 5, 6, 7),
    "stop_price": ("", "59000", "61000"),
    "time_in_force": (0, 1, 2, 3),
    "self_trade_prevention": (0, 1, 2, 3, 4, 5, 6),
    "interval": (1, 2, 3),
    "state": (1, 1, 1, 2),
    "account_id": (),
}
"""Values that get a request past the first check, so that the later ones are reached too."""

RARE = ("Register", "Login", "BootstrapAdmin")
"""Each costs the daemon a password hash where the form is right: a few are enough."""

NOT_SIGNED_IN = ("Logout", "RevokeSession", "RevokeSessions")
"""They would end the session everything else is sent in."""

EXPECTED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
}


SELDOM = {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.ABORTED}
"""Need luck: too little time, or an order that ended a moment ago."""


class Mutator:
    """Makes requests from one seed."""

    def __init__(self, seed: int, methods: list[MethodDescriptor], account: str) -> None:
        self._random = random.Random(seed)
        self._account = account
        cheap = [method for method in methods if method.name not in RARE]
        self._methods = cheap * 40 + [method for method in methods if method.name in RARE]

    def requests(self, count: int) -> Iterator[tuple[MethodDescriptor, bytes]]:
        """(method, bytes of its request), ``count`` times."""
        for _ in range(count):
            method = self._random.choice(self._methods)
            message: Message = message_factory.GetMessageClass(method.input_type)()
            self._fill(message, depth=0)
            data = message.SerializeToString()
            yield method, data if self._random.random() < 0.5 else self._damage(data)

    def _fill(self, message: Message, depth: int) -> None:
        draw = self._random
        for field in message.DESCRIPTOR.fields:
            if draw.random() < 0.3:
                continue
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                getattr(message, field.name)[draw.choice(TEXTS)] = draw.choice(TEXTS)
            elif field.message_type is not None:
                if depth < 2:
                    place = getattr(message, field.name)
                    self._fill(place.add() if field.is_repeated else place, depth + 1)
            elif not field.is_repeated:
                setattr(message, field.name, self._value(field))

    def _value(self, field: Any) -> object:
        draw = self._random
        plausible = PLAUSIBLE.get(field.name)
        if plausible is not None and draw.random() < 0.8:
            return draw.choice(plausible or (self._account,))
        if field.type == FieldDescriptor.TYPE_STRING:
            return draw.choice(TEXTS)
        if field.type == FieldDescriptor.TYPE_BYTES:
            return draw.choice(TEXTS).encode()
        if field.type == FieldDescriptor.TYPE_BOOL:
            return draw.random() < 0.5
        if field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64):
            value = draw.choice((*NUMBERS, *NEGATIVE))
        else:
            value = draw.choice(NUMBERS)
        if field.type in SHORT:
            return min(value, 2**31 - 1)
        return value

    def _damage(self, data: bytes) -> bytes:
        draw = self._random
        if draw.random() < 0.001:
            return draw.randbytes(TOO_LARGE_BYTES)
        broken = bytearray(data or b"\x0a\x01x")
        for _ in range(draw.randrange(1, 6)):
            at = draw.randrange(len(broken) + 1)
            match draw.randrange(4):
                case 0:
                    broken[at:at] = draw.randbytes(draw.randrange(1, 9))
                case 1:
                    del broken[at : at + draw.randrange(1, 9)]
                case 2 if broken:
                    broken[min(at, len(broken) - 1)] ^= 1 << draw.randrange(8)
                case _:
                    broken += broken[:at]
        return bytes(broken[:100_000])


def bombard(
    channel: grpc.Channel, mutator: Mutator, count: int, metadata: Metadata
) -> Counter[grpc.StatusCode]:
    """Send, a window at a time; how the calls ended."""
    ends: Counter[grpc.StatusCode] = Counter()
    flying: deque[tuple[str, grpc.Future]] = deque()

    def land() -> None:
        path, call = flying.popleft()
        error = call.exception()
        code = grpc.StatusCode.OK if error is None else error.code()
        assert code in EXPECTED, f"{path}: {error}"
        if error is not None and code is grpc.StatusCode.INVALID_ARGUMENT:
            check_details(path, error)
        ends[code] += 1

    for method, data in mutator.requests(count):
        path = f"/{method.containing_service.full_name}/{method.name}"
        if method.client_streaming:
            call = channel.stream_unary(path).future(
                iter([data]), metadata=metadata, timeout=CALL_S_MAX
            )
        else:
            call = channel.unary_unary(path).future(data, metadata=metadata, timeout=CALL_S_MAX)
        flying.append((path, call))
        if len(flying) >= WINDOW:
            land()
    while flying:
        land()
    return ends


def check_details(path: str, error: grpc.RpcError) -> None:
    """A wrong form is told by rule; of values also what was given and what is allowed."""
    status = rpc_status.from_call(error)
    assert status is not None, path
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info), path
    assert info.domain == "xache"
    assert info.reason
    if info.reason in ("PRICE_TICK", "QUANTITY_LOT", "AMOUNT_FORMAT", "AMOUNT_PRECISION"):
        assert info.metadata["given"] is not None
        assert info.metadata["allowed"], path


@pytest.mark.parametrize("shard", range(SHARDS))
def test_mutated_requests_are_refused_and_change_nothing(tmp_path: Path, shard: int) -> None:
    public = [
        method
        for service in sorted(SERVICES, key=lambda each: each.full_name)
        for method in service.methods
        if not method.server_streaming
    ]
    signed_in = [method for method in public if method.name not in NOT_SIGNED_IN]
    admin = [
        *admin_pb2.DESCRIPTOR.services_by_name["AdminService"].methods,
        *risk_pb2.DESCRIPTOR.services_by_name["RiskService"].methods,
    ]
    count = REQUESTS // SHARDS
    with running(tmp_path) as house:
        with connected(house.target) as channel:
            account = register(channel, ANN)
        open_market(house, [account])
        with connected(house.target) as channel:
            metadata = sign_in(channel, ANN)
            place(channel, metadata)
            ends = bombard(channel, Mutator(shard, signed_in, account), count * 6 // 10, metadata)
            ends += bombard(channel, Mutator(shard + 10, public, account), count // 10, ())
        with connected(f"unix:{house.data / 'admin.sock'}") as channel:
            # Before administrators change who may do what.
            ends += bombard(channel, Mutator(shard + 30, admin, account), count // 10, metadata)
            administrator = sign_in(channel, "admin@house.example")
            ends += bombard(
                channel,
                Mutator(shard + 20, admin + signed_in, account),
                count * 2 // 10,
                administrator,
            )
        assert sum(ends.values()) == count // 10 * 10
        for code in EXPECTED - SELDOM:
            assert ends[code] > 0, f"nothing ended {code.name}: the requests are too tame"
        assert ends[grpc.StatusCode.OK] > count // 20
        assert house.process.poll() is None, "the daemon died"
        assert "incident" not in (tmp_path / "stderr.log").read_text()
        verify(house.data)
        assert house.stop() == 0


def place(channel: grpc.Channel, metadata: Metadata) -> None:
    """Some open orders to shoot at."""
    stub = trading_pb2_grpc.TradingServiceStub(channel)
    for number in range(5):
        request = limit(f"good-{number}", types_pb2.SIDE_BUY, "59000", "0.001")
        stub.PlaceOrder(request, metadata=metadata, timeout=CALL_S_MAX)
