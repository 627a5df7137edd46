"""Refusals as statuses: complete, readable by programs, bounded; bugs give nothing away."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import trio
from google.rpc import error_details_pb2
from hypothesis import given
from hypothesis import strategies as st
from xache_sdk.indicators.registry import INDICATORS

from tests.api.edge import Echo, Payload, details_of, error_of, in_thread, open_edge
from xached.api import errors
from xached.api.errors import CODES, StatusError, status_of
from xached.api.metadata import check_pair
from xached.api.routes import Call, Requests, Responses
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Closed, Expired, Overloaded

SECRET = "password hunter2"
CLIENT_METADATA_BYTES_MAX = 8 * 1024


def test_every_reason_has_a_code() -> None:
    assert set(CODES) == set(Reason)
    assert grpc.StatusCode.OK not in CODES.values()
    assert grpc.StatusCode.INTERNAL not in CODES.values()


@pytest.mark.parametrize("reason", Reason)
def test_a_rejection_keeps_its_reason_and_facts(reason: Reason) -> None:
    status = status_of(Rejection(reason, "no", given="7", allowed="8"))
    assert status is not None
    assert status.code is CODES[reason]
    assert (status.reason, status.message) == (reason.value, "no")
    assert status.facts == {"given": "7", "allowed": "8"}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Overloaded(), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (trio.WouldBlock(), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (Expired(), grpc.StatusCode.DEADLINE_EXCEEDED),
        (Closed(), grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_a_house_that_is_busy_or_stopping_says_so(error: Exception, code: grpc.StatusCode) -> None:
    status = status_of(error)
    assert status is not None
    assert status.code is code


def test_overload_says_when_to_come_back() -> None:
    retry = error_details_pb2.RetryInfo()
    assert errors.overloaded("full").to_proto().details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 100


def test_anything_else_is_a_bug() -> None:
    for error in (ValueError("x"), AssertionError(), KeyError(1), ExceptionGroup("g", [OSError()])):
        assert status_of(error) is None


@given(
    message=st.text(max_size=2000),
    facts=st.dictionaries(
        st.sampled_from(["allowed", *"abcdefghijklmnopqrstuvwxyz"]), st.text(max_size=600)
    ),
)
def test_a_status_fits_into_what_clients_accept(message: str, facts: dict[str, str]) -> None:
    status = StatusError(grpc.StatusCode.NOT_FOUND, "REASON", message, facts, retry_after_s=1)
    proto = status.to_proto()
    percent_encoded = 3 * len(proto.message.encode())
    base64_encoded = 4 * proto.ByteSize() // 3
    assert percent_encoded + base64_encoded < CLIENT_METADATA_BYTES_MAX
    assert message.startswith(proto.message) or "?" in proto.message


def test_a_fact_that_is_cut_says_so_and_a_list_of_names_is_whole() -> None:
    names = ", ".join(INDICATORS)
    facts = {"given": "x" * 200, "allowed": names}
    status = StatusError(grpc.StatusCode.NOT_FOUND, "REASON", "no such thing", facts)
    assert status.facts["allowed"] == names
    assert status.facts["given"] == "x" * 125 + "…"


class Buggy(Echo):
    """Every shape fails with a secret in its text."""

    async def unary(self, _call: Call, request: Any) -> Any:
        raise ValueError(SECRET)

    async def collect(self, _call: Call, requests: Requests[Any]) -> Any:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().unary, _call, requests)
            nursery.start_soon(self._fail)

    async def _fail(self) -> None:
        raise ValueError(SECRET)

    async def repeat(self, _call: Call, request: Any, responses: Responses[Any]) -> None:
        await responses.send(Payload())
        raise KeyError(SECRET)

    async def chat(self, _call: Call, requests: Requests[Any], responses: Responses[Any]) -> None:
        await responses.send(f"not a message: {SECRET}")


async def test_a_bug_gives_an_incident_id_and_no_text() -> None:
    async with open_edge(Buggy()) as edge:
        with edge.client() as client:
            for function, argument in (
                (client.unary, Payload()),
                (client.collect, iter([Payload()])),
                (lambda request: list(client.repeat(request)), Payload()),
                (lambda requests: list(client.chat(requests)), iter([Payload()])),
            ):
                error = await error_of(function, argument)
                incident = edge.incidents[-1]
                assert error.code() is grpc.StatusCode.INTERNAL
                assert error.details() == f"incident {incident.incident_id}"
                assert SECRET not in str(error.trailing_metadata())
                assert details_of(error)[1].reason == "INTERNAL"
                assert isinstance(
                    incident.error, ValueError | KeyError | TypeError | AttributeError
                )
        assert len({incident.incident_id for incident in edge.incidents}) == 4
        assert edge.server.statistics().incidents == 4


async def test_an_error_inside_a_nursery_is_the_callers_answer_all_the_same() -> None:
    class Nested(Echo):
        async def unary(self, _call: Call, request: Any) -> Any:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._refuse)
                await trio.sleep_forever()

        async def _refuse(self) -> None:
            raise Rejection(Reason.PRICE_TICK, "off the tick", given="1.01")

    async with open_edge(Nested()) as edge:
        with edge.client() as client:
            error = await error_of(client.unary, Payload())
            assert details_of(error)[1].reason == "PRICE_TICK"
    assert edge.incidents == []


async def test_bytes_that_are_no_message_are_an_invalid_argument() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            channel = client.channel
            broken = b"\x0a\xff\xff"
            for error in (
                await error_of(channel.unary_unary("/edge.open.Echo/Unary", None, None), broken),
                await error_of(
                    channel.stream_unary("/edge.open.Echo/Collect", None, None), iter([broken])
                ),
                await error_of(
                    next, channel.unary_stream("/edge.open.Echo/Repeat", None, None)(broken)
                ),
                await error_of(
                    next, channel.stream_stream("/edge.open.Echo/Chat", None, None)(iter([broken]))
                ),
            ):
                assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
                assert details_of(error)[1].reason == "MALFORMED_MESSAGE"
            assert await in_thread(client.unary, Payload()) == Payload()
    assert edge.incidents == []


def test_trailing_pairs_that_http2_cannot_carry_are_refused() -> None:

    check_pair("x-request-id", "a b~")
    for key, value in (
        ("", "x"),
        ("Upper", "x"),
        ("grpc-status", "0"),
        ("x-blob-bin", "x"),
        ("x y", "x"),
        ("x", "ä"),
        ("x", "a\nb"),
    ):
        with pytest.raises(ValueError, match=r"metadata|printable"):
            check_pair(key, value)
