"""Topics: everybody gets everything in order, or is told that it does not."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from xached.runtime.topic import Lagged, Topic


async def test_subscribers_get_what_is_published_after_they_came() -> None:
    topic: Topic[int] = Topic()
    topic.publish([1])
    async with topic.subscribe(8) as first:
        topic.publish([2, 3])
        async with topic.subscribe(8) as second:
            topic.publish([4])
            assert await first.receive_batch() == [2, 3, 4]
            assert await second.receive_batch() == [4]


async def test_a_waiting_reader_is_woken() -> None:
    topic: Topic[int] = Topic()
    got: list[int | Lagged] = []
    async with topic.subscribe(8) as subscription, trio.open_nursery() as nursery:

        async def read() -> None:
            got.extend(await subscription.receive_batch())

        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        topic.publish([1])
        topic.publish([2])
    assert got == [1, 2]


async def test_a_slow_reader_is_cut_off_and_the_others_are_not() -> None:
    topic: Topic[int] = Topic()
    async with topic.subscribe(4) as slow, topic.subscribe(100) as good:
        for number in range(10):
            topic.publish([number])
        assert [item async for item in slow] == [0, 1, 2, Lagged()]
        with pytest.raises(trio.EndOfChannel):
            await slow.receive_batch()
        assert await good.receive_batch() == list(range(10))
        statistics = topic.statistics()
        assert (statistics.subscribers, statistics.cut_off, statistics.published) == (1, 1, 10)


async def test_a_batch_that_does_not_fit_is_delivered_up_to_the_marker() -> None:
    topic: Topic[int] = Topic()
    async with topic.subscribe(4) as slow:
        topic.publish(list(range(100)))
        assert await slow.receive_batch() == [0, 1, 2, Lagged()]


async def test_a_reader_that_leaves_is_forgotten() -> None:
    topic: Topic[int] = Topic()
    async with topic.subscribe(4):
        assert topic.statistics().subscribers == 1
    assert topic.statistics().subscribers == 0
    topic.publish([1])


async def test_a_cancelled_wait_loses_nothing(autojump_clock: trio.testing.MockClock) -> None:
    topic: Topic[int] = Topic()
    async with topic.subscribe(4) as subscription:
        with trio.move_on_after(1):
            await subscription.receive_batch()
        topic.publish([1])
        assert await subscription.receive_batch() == [1]


async def test_a_subscription_has_one_reader(nursery: trio.Nursery) -> None:
    topic: Topic[int] = Topic()
    async with topic.subscribe(4) as subscription:
        nursery.start_soon(subscription.receive_batch)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(AssertionError, match="one reader"):
            await subscription.receive_batch()
        topic.publish([1])


@given(
    capacity=st.integers(2, 6),
    steps=st.lists(st.one_of(st.lists(st.integers(), max_size=5), st.just("read")), max_size=20),
)
def test_a_reader_sees_a_prefix_and_then_the_marker(
    capacity: int, steps: list[list[int] | str]
) -> None:
    published: list[int] = []
    seen: list[int | Lagged] = []

    async def run() -> None:
        topic: Topic[int] = Topic()
        async with topic.subscribe(capacity) as subscription:
            for step in steps:
                if isinstance(step, list):
                    topic.publish(step)
                    published.extend(step)
                elif subscription.buffered:
                    seen.extend(await subscription.receive_batch())
                assert subscription.buffered <= capacity
            if subscription.buffered:
                seen.extend(await subscription.receive_batch())

    trio.run(run)
    lagged = bool(seen) and isinstance(seen[-1], Lagged)
    items = seen[:-1] if lagged else seen
    assert items == published[: len(items)]
    assert lagged is (len(items) < len(published))
