"""A feed that is followed as the market actor does it, until something is true."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

import attrs
import trio

from tests.adapters.venue_frames import Books
from xached.adapters.feeds.live import LiveFeed
from xached.adapters.feeds.plugin_feed import PluginFeed
from xached.domain.instrument import Symbol
from xached.domain.market import FaultCause, FeedFault, FeedRecord
from xached.runtime.supervise import ActorStatus, Health, Restart, run_expendable

PATIENCE_S = 60


@attrs.define(eq=False)
class Followed:
    """What a feed has told so far."""

    feed: LiveFeed | PluginFeed
    health: Health
    books: Books = attrs.field(factory=Books)
    records: list[FeedRecord] = attrs.field(factory=list)
    _changed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    def take(self, records: Sequence[FeedRecord]) -> list[Symbol]:
        """Publish."""
        self.records += records
        lost = self.books.take(records)
        self._changed.unpark_all()
        return lost

    async def wait_until(self, true: Callable[[], bool]) -> None:
        """Wait until something is true after a record."""
        with trio.fail_after(PATIENCE_S):
            while not true():
                await self._changed.park()

    @property
    def status(self) -> ActorStatus:
        """What health says of it."""
        (status,) = self.health.records()
        return status

    def count(self, cause: FaultCause) -> int:
        """How often something was wrong."""
        return sum(isinstance(each, FeedFault) and each.cause is cause for each in self.records)


@asynccontextmanager
async def following(
    feed: LiveFeed | PluginFeed, restart: Restart | None = None
) -> AsyncIterator[Followed]:
    """Keep a feed running until the block is left."""
    followed = Followed(feed, Health())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            run_expendable,
            feed.name,
            partial(feed.run, followed.take),
            followed.health,
            restart or feed.restart,
        )
        yield followed
        nursery.cancel_scope.cancel()
