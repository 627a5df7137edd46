"""One-to-many streams that never block their publisher.

Each subscriber has a bounded buffer. Its last place is kept for :class:`Lagged`: a reader that is
too slow finds everything up to the gap, then the marker, then the end. It reloads from a snapshot
or reads the gap from the journal, and subscribes again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Generic, Self, TypeVar

import attrs
import trio

Item = TypeVar("Item")


@attrs.frozen
class Lagged:
    """Items were lost for this subscriber from here on; nothing follows."""


@attrs.frozen(kw_only=True)
class TopicStatistics:
    """Who listens, and how well."""

    subscribers: int
    published: int
    cut_off: int
    buffered_max: int


class Subscription(Generic[Item]):
    """The reading end: one task reads it."""

    def __init__(self, capacity: int) -> None:
        assert capacity >= 2, "one place for an item, one for the marker"
        self._room = capacity - 1
        self._buffer: deque[Item | Lagged] = deque()
        self._reader: trio.lowlevel.Task | None = None
        self._cut_off = False

    async def receive_batch(self) -> list[Item | Lagged]:
        """Wait for items, then take all there are.

        Raises: trio.EndOfChannel after the batch that ended with Lagged.
        """
        await trio.lowlevel.checkpoint()
        await self._wait_item()
        batch = list(self._buffer)
        self._buffer.clear()
        return batch

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Item | Lagged:
        if not self._buffer:
            try:
                await self._wait_item()
            except trio.EndOfChannel:
                raise StopAsyncIteration from None
        return self._buffer.popleft()

    @property
    def buffered(self) -> int:
        """How many items wait to be read."""
        return len(self._buffer)

    def _offer(self, items: Sequence[Item]) -> bool:
        """Take items; False when they did not fit and the marker went in."""
        room = self._room - len(self._buffer)
        fits = len(items) <= room
        self._buffer.extend(items if fits else items[:room])
        if fits:
            self._wake()
        else:
            self._cut()
        return fits

    def _cut(self) -> None:
        self._buffer.append(Lagged())
        self._cut_off = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None:
            reader, self._reader = self._reader, None
            trio.lowlevel.reschedule(reader)

    async def _wait_item(self) -> None:
        while not self._buffer:
            if self._cut_off:
                raise trio.EndOfChannel
            assert self._reader is None, "a subscription has one reader"
            self._reader = trio.lowlevel.current_task()
            await trio.lowlevel.wait_task_rescheduled(self._stop_waiting)

    def _stop_waiting(self, _: object) -> trio.lowlevel.Abort:
        self._reader = None
        return trio.lowlevel.Abort.SUCCEEDED


class Topic(Generic[Item]):
    """A stream that any number of tasks may follow from now on."""

    def __init__(self) -> None:
        # A dict, not a set: delivery order must not change with the hash seed.
        self._subscriptions: dict[Subscription[Item], None] = {}
        self._published = 0
        self._cut_off = 0

    def publish(self, items: Sequence[Item]) -> None:
        """Deliver to everyone who has room and cut off whoever has not. Never blocks."""
        if not items:
            return
        self._published += len(items)
        slow = [each for each in self._subscriptions if not each._offer(items)]
        for subscription in slow:
            del self._subscriptions[subscription]
        self._cut_off += len(slow)

    def interrupt(self) -> None:
        """Cut everyone off: what is published from here on may not follow what they have."""
        for subscription in self._subscriptions:
            subscription._cut()
        self._cut_off += len(self._subscriptions)
        self._subscriptions.clear()

    @asynccontextmanager
    async def subscribe(self, capacity: int) -> AsyncIterator[Subscription[Item]]:
        """Follow what is published from here on; ``capacity`` counts the marker's place."""
        subscription: Subscription[Item] = Subscription(capacity)
        self._subscriptions[subscription] = None
        try:
            yield subscription
        finally:
            self._subscriptions.pop(subscription, None)

    def statistics(self) -> TopicStatistics:
        """Tell who listens, and how well."""
        return TopicStatistics(
            subscribers=len(self._subscriptions),
            published=self._published,
            cut_off=self._cut_off,
            buffered_max=max((each.buffered for each in self._subscriptions), default=0),
        )
