"""Traps of grpcio's core that a server on it falls into. Each was fallen into once.

Every test names the protection it guards; with that protection taken out it fails.
"""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import trio

from tests.api.edge import Echo, Payload, Sent, details_of, error_of, in_thread, open_edge, until
from xached.api.errors import overloaded
from xached.api.grpc_call import GrpcCall
from xached.api.grpc_streams import BUFFER_MESSAGES
from xached.api.routes import Call, Requests, Responses
from xached.runtime.mailbox import Mailbox


async def test_an_operation_belongs_to_one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shared between two batches an operation is freed twice, and the process dies some time.

    Checked with the operation of the initial metadata made once and used by all calls.
    """
    started: list[object] = []
    start = GrpcCall.start

    def recording(self: GrpcCall, operations: tuple[Any, ...], done: Any) -> None:
        started.extend(operations)
        start(self, operations, done)

    monkeypatch.setattr(GrpcCall, "start", recording)
    async with open_edge() as edge:
        with edge.client() as client:
            for count in (1, 2, 3):
                await in_thread(client.unary, Payload())
                await in_thread(client.collect, iter([Payload()] * count))
                await in_thread(lambda n=count: list(client.repeat(Payload(count=n))))
                await in_thread(lambda n=count: list(client.chat(iter([Payload()] * n))))
            await error_of(client.channel.unary_unary("/no/Method", None, None), b"")
    assert len(started) > 60
    assert len({id(operation) for operation in started}) == len(started)


async def test_what_was_sent_arrives_although_nothing_follows() -> None:
    """The buffer hint is on no batch with initial metadata and on no last message.

    Checked with the hint on every batch: the client waits for ever.
    """
    seen = trio.Event()

    class Pauses(Echo):
        async def repeat(self, _call: Call, request: Any, responses: Responses[Any]) -> None:
            await responses.send_many(Payload(count=n) for n in range(request.count))
            await seen.wait()

    async with open_edge(Pauses()) as edge:
        with edge.client() as client:
            for count in (1, 100):
                stream = client.repeat(Payload(count=count), timeout=10)
                for number in range(count):
                    assert (await in_thread(next, stream)).count == number
                seen.set()
                assert await in_thread(list, stream) == []
                seen = trio.Event()


async def test_what_a_handler_sent_before_it_failed_arrives_before_its_error() -> None:
    """The status would overtake messages that wait for the core to take the one before them.

    Checked with the flush of ``GrpcCall._run`` taken out: all but the first message are lost.
    """

    class Fails(Echo):
        async def repeat(self, _call: Call, request: Any, responses: Responses[Any]) -> None:
            for number in range(request.count):
                await responses.send(Payload(count=number))
            raise overloaded("enough")

    async with open_edge(Fails()) as edge:
        with edge.client() as client:
            stream = client.repeat(Payload(count=50), timeout=10)
            for number in range(50):
                assert (await in_thread(next, stream)).count == number
            assert (await error_of(next, stream)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("how", ["send", "send_many", "flush"])
async def test_a_handler_that_only_sends_learns_that_its_client_has_left(how: str) -> None:
    """Sending to nobody never waits, so it must look for the cancellation by itself.

    Checked with the ``checkpoint_if_cancelled`` of the method taken out: the loop never ends, and
    as it never waits, neither does anything else of the process.
    """
    ended = trio.Event()

    class Floods(Echo):
        async def repeat(self, _call: Call, _request: Any, responses: Responses[Any]) -> None:
            await responses.send(Payload())
            with trio.CancelScope(shield=True):
                await left.wait()
            try:
                for _ in range(100_000):
                    match how:
                        case "send":
                            await responses.send(Payload())
                        case "send_many":
                            await responses.send_many([Payload()])
                        case _:
                            await responses.flush()
                raise AssertionError("it was never told")
            finally:
                ended.set()

    left = trio.Event()
    async with open_edge(Floods()) as edge:
        with edge.client() as client:
            stream = client.repeat(Payload())
            await in_thread(next, stream)
            call = next(iter(edge.server._calls))
            stream.cancel()
            await until(lambda: call.over)
            left.set()
            await ended.wait()
            await edge.server.wait_idle()
    assert edge.incidents == []


async def test_calls_that_handlers_keep_do_not_delay_the_shutdown() -> None:
    """The core's call is dropped when the call is over, whoever still holds ours.

    Earlier minor versions of grpcio wait for every call object that lives. 1.85 does not, so that
    taking the protection out fails only the last line.
    """
    kept: list[object] = []

    class Keeps(Echo):
        async def unary(self, call: Call, request: Any) -> Any:
            kept.append(call)
            if request.text == "fail":
                try:
                    raise ValueError("its traceback keeps this frame")
                except ValueError as error:
                    kept.append(error)
                    raise
            return request

        async def chat(
            self, call: Call, requests: Requests[Any], responses: Responses[Any]
        ) -> None:
            kept.extend([call, requests, responses])
            await super().chat(call, requests, responses)

    async with open_edge(Keeps()) as edge:
        with edge.client() as client:
            await in_thread(client.unary, Payload())
            await error_of(client.unary, Payload(text="fail"))
            silent = Sent()
            stream = client.chat(iter(silent))
            await until(lambda: len(kept) == 6)
            stream.cancel()
            silent.done()
            # The client keeps its connection, and with it what belongs to its calls.
            edge.server.stop(grace_s=0)
            await edge.server.wait_stopped()
    assert edge.server.statistics().calls_open == 0
    calls = [item for item in kept if isinstance(item, GrpcCall)]
    assert len(calls) == 3
    assert all(call._core is None for call in calls)


async def test_a_full_mailbox_is_resource_exhausted() -> None:
    """Overload is an answer, not a bug. Checked with its line in ``status_of`` taken out."""
    mailbox: Mailbox[str, str] = Mailbox(1)

    class Asks(Echo):
        async def unary(self, _call: Call, request: Any) -> Any:
            await mailbox.ask("order", account="alice")
            return request

    async with open_edge(Asks()) as edge:
        with edge.client() as client:
            waiting = client.unary.future(Payload())
            await until(lambda: mailbox.statistics().queued == 1)
            error = await error_of(client.unary, Payload())
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert details_of(error)[1].reason == "OVERLOADED"
            waiting.cancel()
    assert edge.incidents == []


async def test_responses_that_nobody_takes_are_bounded() -> None:
    """``send_nowait`` ends in RESOURCE_EXHAUSTED rather than in all the memory there is.

    Checked with its bound taken out: the handler never ends.
    """

    class Bursts(Echo):
        async def repeat(self, _call: Call, _request: Any, responses: Responses[Any]) -> None:
            for _ in range(100 * BUFFER_MESSAGES):
                responses.send_nowait(Payload())
            raise AssertionError("it was never stopped")

    async with open_edge(Bursts()) as edge:
        with edge.client() as client:
            error = await error_of(lambda: list(client.repeat(Payload())))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert edge.incidents == []


async def test_senders_wait_for_a_client_that_does_not_read() -> None:
    """Checked with ``_wait_room`` taken out of ``send``: all 100,000 are taken at once."""
    sent = 0
    first = trio.Event()

    class Counts(Echo):
        async def repeat(self, _call: Call, _request: Any, responses: Responses[Any]) -> None:
            nonlocal sent
            for _ in range(100_000):
                await responses.send(Payload(body=bytes(1000)))
                sent += 1
                if sent == BUFFER_MESSAGES - 1:
                    first.set()
                assert responses.buffered <= BUFFER_MESSAGES

    async with open_edge(Counts()) as edge:
        with edge.client() as client:
            stream = client.repeat(Payload())
            await first.wait()
            await in_thread(client.unary, Payload())
            assert sent < 50_000
            stream.cancel()
    assert edge.incidents == []


async def test_handlers_that_fail_do_not_stop_the_pump() -> None:
    """Checked with ``except*`` taken out of ``GrpcCall._run``: the server goes down."""

    class Fails(Echo):
        async def unary(self, _call: Call, request: Any) -> Any:
            match request.count % 4:
                case 0:
                    raise RuntimeError("plain")
                case 1:
                    raise ExceptionGroup("several", [ValueError(), KeyError()])
                case 2:
                    return None
                case _:
                    return request

    async with open_edge(Fails()) as edge:
        with edge.client() as client:
            calls = [client.unary.future(Payload(count=n)) for n in range(40)]
            codes = [await in_thread(call.code) for call in calls]
    expected = [grpc.StatusCode.INTERNAL] * 3 + [grpc.StatusCode.OK]
    assert codes == expected * 10
    assert len(edge.incidents) == 30


async def test_a_request_stream_that_broke_off_is_not_complete() -> None:
    """On cancellation the core first reports a clean end of the stream. It must not be believed.

    Checked with ``prove_end`` off: the handler counts what came as if it were all.
    """
    complete: list[int] = []
    entered = 0

    class Uploads(Echo):
        async def collect(self, call: Call, requests: Requests[Any]) -> Any:
            nonlocal entered
            count = 0
            async for _ in requests:
                count += 1
                entered += 1
            complete.append(count)
            return await super().collect(call, requests)

    async with open_edge(Uploads()) as edge:
        with edge.client() as client:
            begun: list[Any] = []
            for _ in range(100):
                parts = Sent()
                parts.put(Payload())
                begun.append(client.collect.future(iter(parts)))
                await until(lambda: entered == len(begun))
                begun[-1].cancel()
                await edge.server.wait_idle()
                parts.done()
            assert complete == []
            await in_thread(client.collect, iter([Payload()] * 3))
            assert complete == [3]


async def test_idle_streams_cost_no_thread_and_stop_nobody() -> None:
    """grpcio's own server with 8 threads is dead after 8 of these."""
    async with open_edge() as edge:
        with edge.client() as client:
            silent = Sent()
            streams = [client.chat(iter(silent)) for _ in range(50)]
            await until(lambda: edge.server.statistics().calls == 50)
            assert await in_thread(client.unary, Payload(count=1)) == Payload(count=1)
            for stream in streams:
                stream.cancel()
                silent.done()
            await edge.server.wait_idle()
