"""One question, one answer: what a process says unasked is never taken for the answer to the next.

Checked by breaking, each seen red: an answer that is not compared with its question, and answers
that wait already when a question is asked.
"""

from __future__ import annotations

import pytest
import trio
import trio.testing
from xache_sdk.v1 import plugin_pb2
from xache_sdk.wire import frame

from xached.adapters.answering_child import UNASKED, AnsweringChild, PluginFault
from xached.domain.plugins import Breach

QUESTION = plugin_pb2.HostFrame(notice=plugin_pb2.PluginNotice(id="abc-1"))


class Spoken:
    """A process that says what the test says."""

    pid = 1

    def __init__(self, stream: trio.abc.HalfCloseableStream) -> None:
        self.stream = stream

    async def wait(self) -> int:
        """Ended well."""
        await trio.lowlevel.checkpoint()
        return 0

    def kill(self) -> None:
        """Nothing to kill."""


def answer(body: bytes, number: int) -> bytes:
    """An answer to the question of that number."""
    request = plugin_pb2.PluginNotifierRequest(send=True, body=body)
    message = plugin_pb2.ChildFrame(notifier_request=request, input=number)
    return frame(message.SerializeToString())


def line() -> bytes:
    """A line for the log."""
    message = plugin_pb2.ChildFrame(log=plugin_pb2.PluginLog(text="hello"), input=1)
    return frame(message.SerializeToString())


async def told(child: AnsweringChild) -> bytes:
    """What the next answer bears."""
    return (await child.ask(QUESTION)).notifier_request.body


async def test_lines_may_be_late_and_answers_not(autojump_clock: trio.testing.MockClock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    child = AnsweringChild(Spoken(ours), "notifier ops")
    await theirs.send_all(line() + answer(b"one", 1) + line())
    assert await told(child) == b"one"
    await theirs.send_all(answer(b"two", 2))
    assert await told(child) == b"two"


@pytest.mark.parametrize("number", [1, 2])
async def test_two_answers_at_once_are_a_breach(
    autojump_clock: trio.testing.MockClock, number: int
) -> None:
    """Also when the second says that it is of the question that is still to come."""
    ours, theirs = trio.testing.memory_stream_pair()
    child = AnsweringChild(Spoken(ours), "notifier ops")
    await theirs.send_all(answer(b"one", 1) + answer(b"another", number))
    assert await told(child) == b"one"
    with pytest.raises(PluginFault, match=UNASKED) as fault:
        await told(child)
    assert fault.value.breach is Breach.PROTOCOL


async def test_a_second_answer_that_comes_later_is_none_to_the_next_question(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    child = AnsweringChild(Spoken(ours), "notifier ops")
    await theirs.send_all(answer(b"one", 1))
    assert await told(child) == b"one"
    await theirs.send_all(answer(b"another", 1) + answer(b"two", 2))
    with pytest.raises(PluginFault, match=UNASKED) as fault:
        await told(child)
    assert fault.value.breach is Breach.PROTOCOL
