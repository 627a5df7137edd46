"""A fresh proof for a stream of requests covers its first message: tried over a real socket.

Seen red: ``ImportWatchlist`` asked for no proof at all, so a stolen session put a list in force.
Checked by breaking: admitted without its first message it lets nobody in; a handler that does not
compare the digest takes another list than was proved.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import grpc
import trio
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from trio.testing import MockClock
from xache.v1 import admin_pb2, options_pb2, staff_pb2

from tests.api.open_house import OpenHouse, open_house
from tests.security.whole_house import Credential

METHOD = "StaffService/ImportWatchlist"
LIST = b"id,name,aliases,birth_date,country,program\n7,Bea Listed,,1990-02-03,DE,TEST\n"
OTHER = LIST + b"8,Cid Listed,,1990-02-03,DE,TEST\n"
CALL_S_MAX = 60.0


def opening(content: bytes = LIST, name: str = "test") -> staff_pb2.ImportWatchlistRequest:
    return staff_pb2.ImportWatchlistRequest(name=name, digest=hashlib.sha256(content).digest())


def piece(content: bytes) -> staff_pb2.ImportWatchlistRequest:
    return staff_pb2.ImportWatchlistRequest(content=content)


async def send(house: OpenHouse, credential: Credential, messages: Sequence[Message]) -> str:
    """How many entries were taken in, or the reason why none was."""

    def call() -> str:
        with grpc.insecure_channel(house.addresses.grpc) as channel:
            stub = channel.stream_unary(
                f"/xache.v1.{METHOD}",
                request_serializer=lambda message: message.SerializeToString(),
                response_deserializer=staff_pb2.ImportWatchlistResponse.FromString,
            )
            metadata = tuple(house.carries(credential).items())
            try:
                return str(stub(iter(messages), metadata=metadata, timeout=CALL_S_MAX).entries)
            except grpc.RpcError as error:
                status, info = rpc_status.from_call(error), ErrorInfo()
                for detail in () if status is None else status.details:
                    detail.Unpack(info)
                return str(info.reason or error)

    return await trio.to_thread.run_sync(call)


async def test_a_list_is_taken_in_with_a_proof_for_this_very_list(
    mock_clock: MockClock, tmp_path: Path
) -> None:
    async with open_house(tmp_path, mock_clock) as house:
        await house.admin()
        cora = await house.register("cora@people.example")
        role = admin_pb2.SetRoleRequest(
            account_id=cora, role=options_pb2.ROLE_COMPLIANCE, granted=True
        )
        await house.by_admin("AdminService/SetRole", role)
        session = (await house.login("cora@people.example"))[0]
        prove = partial(house.stepped_up, METHOD, opening())
        put = partial(send, house)

        assert await put(session, [opening(), piece(LIST)]) == "STEP_UP_REQUIRED"
        assert await put(session, []) == "STEP_UP_REQUIRED"
        proven = await prove(session)
        pieces = [opening(), piece(LIST[:20]), piece(LIST[20:])]
        assert await put(proven, pieces) == "1"
        assert await put(proven, pieces) == "STEP_UP_REQUIRED", "it counts once"

        other = await prove(session)
        assert await put(other, [opening(OTHER), piece(OTHER)]) == "STEP_UP_REQUIRED"
        named = await prove(session)
        assert await put(named, [opening(name="lists"), piece(LIST)]) == "STEP_UP_REQUIRED"
        for content in (OTHER, LIST[:-1], b""):
            proven = await prove(session)
            assert await put(proven, [opening(), piece(content)]) == "WATCHLIST_FORM"

        # Of those who may not, nobody is asked to prove anything.
        await house.register("ann@people.example")
        ann = (await house.login("ann@people.example"))[0]
        assert await put(ann, [opening(), piece(LIST)]) == "ROLE_MISSING"
        assert await put(Credential(), [opening(), piece(LIST)]) == "CREDENTIAL_REQUIRED"
