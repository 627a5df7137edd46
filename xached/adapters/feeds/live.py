"""A live feed of a venue that this house knows: its session is at hand, in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import trio

from xached.adapters.feeds.link import (
    FeedCounts,
    FeedStatistics,
    Line,
    Pace,
    Place,
    Publish,
    draw,
    follow,
)
from xached.adapters.feeds.session import Endpoint, Fetch, Send, Session, Turn, VenueRules
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import Provenance, Venue
from xached.runtime.supervise import Restart
from xached.runtime.world import World

THREAD_BYTES_MIN: Final = 256 * 1024
"""A frame so long takes milliseconds to read: not on the thread that everybody waits for."""


class LiveFeed:
    """Follows some instruments at a venue; a source of records for the market actor."""

    def __init__(
        self,
        rules: VenueRules,
        instruments: Mapping[str, Instrument],
        world: World,
        *,
        stream: Endpoint | None = None,
        rest: Endpoint | None = None,
        pace: Pace | None = None,
    ) -> None:
        """``instruments``: by the venue's own names. Without endpoints, the venue's own."""
        self._rules = rules
        self._instruments = dict(instruments)
        self._world = world
        self._stream = stream or rules.stream
        self._rest = rest or rules.rest
        self._counts = FeedCounts()
        self._line = Line(
            name=self.name,
            symbols=self.symbols,
            world=world,
            pace=pace or Pace(),
            counts=self._counts,
        )

    @property
    def name(self) -> str:
        """What health calls it."""
        return f"feed {self.venue}"

    @property
    def venue(self) -> Venue:
        """Who is followed."""
        return self._rules.venue

    @property
    def provenance(self) -> Provenance:
        """Always live."""
        return Provenance.LIVE

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """What is followed."""
        return tuple(instrument.symbol for instrument in self._instruments.values())

    @property
    def restart(self) -> Restart:
        """A venue is dialled for ever, less and less often."""
        return Restart(limit=1_000_000, jitter=lambda: draw(self._world))

    def statistics(self) -> FeedStatistics:
        """Tell how it is going."""
        return self._counts.statistics()

    async def run(self, publish: Publish) -> None:
        """Follow the venue over one connection. ``publish`` must not block.

        Raises: FeedDown, in the end.
        """
        session = self._rules.session(self._instruments)
        place = Place(
            stream=self._stream,
            target=session.target,
            rest=self._rest,
            frame_bytes_max=self._rules.frame_bytes_max,
        )
        await follow(_AtHand(session, place, self._world), self._line, publish)


class _AtHand:
    """A session in this process; long frames are read on another thread."""

    def __init__(self, session: Session, place: Place, world: World) -> None:
        self.place = place
        self._session = session
        self._world = world
        self._session_free = trio.Lock()

    def open(self) -> Sequence[str]:
        return self._session.open()

    async def receive(self, frame: bytes, received_ns: int) -> Turn:
        if len(frame) < THREAD_BYTES_MIN:
            return self._session.receive(frame, received_ns)
        async with self._session_free:
            return await self._world.run_in_thread(self._session.receive, frame, received_ns)

    async def repair(self, symbol: Symbol) -> Send | Fetch:
        async with self._session_free:
            return self._session.repair(symbol)

    async def snapshot(self, symbol: Symbol, body: bytes, received_ns: int) -> Turn:
        async with self._session_free:
            if len(body) < THREAD_BYTES_MIN:
                return self._session.snapshot(symbol, body, received_ns)
            return await self._world.run_in_thread(
                self._session.snapshot, symbol, body, received_ns
            )

    def awaits(self, symbol: Symbol) -> bool:
        return self._session.awaits(symbol)
