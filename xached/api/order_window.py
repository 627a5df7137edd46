"""The entries of an order-entry stream that were not answered yet, in order of arrival."""

from __future__ import annotations

from collections import deque

import trio

from xached.actors.matching import CommandOutcome
from xached.api.time_line import Arrival

IN_FLIGHT_MAX = 1_024
"""Entries of one stream without an answer; past it the stream is not read."""


class Place:
    """One entry's place in the window; filled by the exchange, in any task."""

    __slots__ = ("_window", "arrival", "result", "tag")

    def __init__(self, tag: int, window: Window) -> None:
        self.tag = tag
        self.arrival: Arrival | None = None
        """When it came; only where its time line is wanted."""
        self.result: CommandOutcome | None = None
        self._window = window

    def fill(self, result: CommandOutcome) -> None:
        """Put the answer in. Neither blocks nor raises."""
        self.result = result
        self._window.filled()


class Window:
    """The entries of a stream that were not answered yet, in order of arrival."""

    def __init__(self) -> None:
        self._places: deque[Place] = deque()
        self._filled = trio.Event()
        self._room = trio.Event()
        self._finished = False
        self.told_at = trio.current_time()
        """When the client was last told something, on trio's clock."""

    def open(self, tag: int) -> Place:
        """Keep the next place."""
        place = Place(tag, self)
        self._places.append(place)
        return place

    def filled(self) -> None:
        """A place was filled: perhaps the front is complete."""
        if self._places and self._places[0].result is not None:
            self._filled.set()

    def finish(self) -> None:
        """No more entries will come."""
        self._finished = True
        self._filled.set()

    async def wait_room(self) -> None:
        """Wait while too many entries are not answered."""
        while len(self._places) >= IN_FLIGHT_MAX:
            self._room = trio.Event()
            await self._room.wait()

    async def wait_answered(self) -> list[tuple[Place, CommandOutcome]]:
        """Wait for answers at the front and take them; [] when there will be no more."""
        while True:
            answered: list[tuple[Place, CommandOutcome]] = []
            while self._places and (result := self._places[0].result) is not None:
                answered.append((self._places.popleft(), result))
            if answered:
                self._room.set()
                return answered
            if self._finished and not self._places:
                return []
            self._filled = trio.Event()
            await self._filled.wait()
