"""The cases of gRPC's public interop list that apply, against a stock grpcio client.

https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md. Compression, auth of
Google's own kinds, load balancing and client-side settings are not the server's.
"""

from __future__ import annotations

import math
from typing import Any

import grpc
import pytest
import trio

from tests.api.edge import Echo, Payload, Sent, details_of, error_of, in_thread, open_edge, until
from xached.api.errors import StatusError
from xached.api.routes import Call, Requests, Responses

# Sizes of the interop list: they fall on both sides of HTTP/2's frame and window sizes.
REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)


async def test_empty_unary() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            assert await in_thread(client.unary, Payload()) == Payload()


async def test_large_unary() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            large = Payload(body=bytes(255 * 1024))
            assert await in_thread(client.unary, large) == large


async def test_a_message_above_the_limit_is_refused_and_the_connection_lives() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            error = await error_of(lambda: client.unary(Payload(body=bytes(257 * 1024))))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert await in_thread(client.unary, Payload(count=1)) == Payload(count=1)


async def test_client_streaming() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            sent = [Payload(body=bytes(size), text=str(size)) for size in REQUEST_SIZES]
            answer = await in_thread(client.collect, iter(sent))
            assert answer == Payload(count=4, text="45904")


async def test_server_streaming() -> None:
    class Sizes(Echo):
        async def repeat(self, _call: Call, _request: Any, responses: Responses[Any]) -> None:
            for size in RESPONSE_SIZES:
                await responses.send(Payload(body=bytes(size)))

    async with open_edge(Sizes()) as edge:
        with edge.client() as client:
            received = await in_thread(lambda: list(client.repeat(Payload())))
            assert [len(message.body) for message in received] == list(RESPONSE_SIZES)


async def test_ping_pong() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            sent = Sent()
            call = client.chat(iter(sent))
            for size in REQUEST_SIZES:
                sent.put(Payload(body=bytes(size)))
                assert len((await in_thread(next, call)).body) == size
            sent.done()
            assert await in_thread(call.code) is grpc.StatusCode.OK


async def test_empty_stream() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            assert await in_thread(lambda: list(client.chat(iter(())))) == []
            assert await in_thread(client.collect, iter(())) == Payload(count=0)
            assert await in_thread(lambda: list(client.repeat(Payload()))) == []


async def test_custom_metadata_comes_in_and_goes_out_with_the_status() -> None:
    seen: list[dict[str, str]] = []

    class Metadata(Echo):
        async def unary(self, call: Call, request: Any) -> Any:
            seen.append(dict(call.metadata))
            call.set_trailing("x-echo-trailing", call.metadata["x-echo"])
            return request

        async def chat(
            self, call: Call, requests: Requests[Any], responses: Responses[Any]
        ) -> None:
            await self.unary(call, None)
            await super().chat(call, requests, responses)

    sent = (("x-echo", "first"), ("x-echo", "last"), ("x-blob-bin", b"\x00\xff"))
    async with open_edge(Metadata()) as edge:
        with edge.client() as client:
            _, call = await in_thread(lambda: client.unary.with_call(Payload(), metadata=sent))
            assert dict(call.trailing_metadata())["x-echo-trailing"] == "last"
            stream = client.chat(iter([Payload()]), metadata=sent)
            assert len(await in_thread(list, stream)) == 1
            assert dict(stream.trailing_metadata())["x-echo-trailing"] == "last"
    assert [pairs["x-echo"] for pairs in seen] == ["last", "last"]
    assert not any(key.endswith("-bin") for pairs in seen for key in pairs)


async def test_status_code_and_message() -> None:
    class Refuses(Echo):
        async def unary(self, _call: Call, request: Any) -> Any:
            raise StatusError(grpc.StatusCode.UNKNOWN, "TEST", request.text)

        async def chat(
            self, _call: Call, requests: Requests[Any], _responses: Responses[Any]
        ) -> None:
            async for request in requests:
                raise StatusError(grpc.StatusCode.UNKNOWN, "TEST", request.text)

    # The second is special_status_message: white space and characters beyond the first plane.
    for message in (
        "test status message",
        "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n",
    ):
        async with open_edge(Refuses()) as edge:
            with edge.client() as client:
                asked = Payload(text=message)
                errors = [
                    await error_of(client.unary, asked),
                    await error_of(next, client.chat(iter([asked]))),
                ]
                for error in errors:
                    status, info = details_of(error)
                    assert error.code() is grpc.StatusCode.UNKNOWN
                    assert error.details() == message
                    assert (status.code, status.message) == (2, message)
                    assert (info.reason, info.domain) == ("TEST", "xache")


@pytest.mark.parametrize("path", ["/edge.open.Echo/Nothing", "/edge.Nobody/Unary", "/", "/ü"])
async def test_unimplemented_method_and_service(path: str) -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            unary = client.channel.unary_unary(path, None, None)
            stream = client.channel.stream_stream(path, None, None)
            for error in (
                await error_of(unary, b"anything"),
                await error_of(next, stream(iter([b"anything"]))),
            ):
                assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_cancel_after_begin() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            call = client.collect.future(iter(Sent()))
            await until(lambda: edge.server.statistics().calls == 1)
            call.cancel()
            assert await in_thread(call.code) is grpc.StatusCode.CANCELLED
            await edge.server.wait_idle()


async def test_cancel_after_first_response() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            sent = Sent()
            sent.put(Payload(body=bytes(27182)))
            call = client.chat(iter(sent))
            await in_thread(next, call)
            call.cancel()
            assert await in_thread(call.code) is grpc.StatusCode.CANCELLED
            await edge.server.wait_idle()


async def test_timeout_on_sleeping_server() -> None:
    ended: list[str] = []

    class Sleeps(Echo):
        async def chat(
            self, call: Call, _requests: Requests[Any], _responses: Responses[Any]
        ) -> None:
            assert call.deadline_s < trio.current_time() + 60
            try:
                await trio.sleep_forever()
            finally:
                ended.append(call.method)

        async def unary(self, call: Call, request: Any) -> Any:
            assert call.deadline_s == math.inf
            return request

    async with open_edge(Sleeps()) as edge:
        with edge.client() as client:
            error = await error_of(
                lambda: list(client.chat(iter([Payload(body=bytes(27182))]), timeout=0.05))
            )
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            await edge.server.wait_idle()
            assert ended == ["/edge.open.Echo/Chat"]
            await in_thread(client.unary, Payload())
    assert edge.incidents == []


async def test_concurrent_large_unary() -> None:
    async with open_edge() as edge:
        with edge.client() as client:
            asked = [Payload(body=bytes([n]) * 200_000, count=n) for n in range(64)]
            calls = [client.unary.future(request) for request in asked]
            answers = await in_thread(lambda: [call.result() for call in calls])
            assert answers == asked
