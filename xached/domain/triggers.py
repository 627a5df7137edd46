"""Which orders of one market wait for which price, and nothing about money.

Theory of operation. A BUY and a SELL may look at different prices of the same source (the best ask
and the best bid), so there is a ladder for each source and side. A ladder is three sorted lists of
(key, order): what wakes at a price and above, what wakes at it and below (keys negated, so that
the first entry is always the next to wake), and what follows the market: trailing orders, by the
best price each has followed. Asking whether a price wakes or moves anything looks at the first
entries only: O(1). What a price wakes or moves is the beginning of a list: O(log n) to find.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import TypeAlias

import attrs

from xached.domain.frozen import frozen
from xached.domain.order import BUY, OrderId, Side, TriggerSource

Entry: TypeAlias = tuple[int, OrderId]

UNSEEN = -(10**40)
"""Key of a trailing order that has seen no price yet: any price moves it."""


@frozen
class Watch:
    """What one order waits for, as in the event that parked it or moved it last."""

    source: TriggerSource
    side: Side
    watch_ticks: int | None
    upward: bool
    trails: bool
    extreme_ticks: int | None


class Ladder:
    """What waits for one price of one side."""

    __slots__ = ("down", "sign", "trails", "up")

    def __init__(self, side: Side) -> None:
        self.up: list[Entry] = []
        self.down: list[Entry] = []
        self.trails: list[Entry] = []
        self.sign = -1 if side is BUY else 1
        """A trailing BUY follows the market down, a SELL up."""

    def reached(self, price_ticks: int) -> bool:
        """Whether this price wakes or moves anything."""
        return bool(
            (self.up and self.up[0][0] <= price_ticks)
            or (self.down and self.down[0][0] <= -price_ticks)
            or (self.trails and self.trails[0][0] < self.sign * price_ticks)
        )

    def woken(self, price_ticks: int) -> list[OrderId]:
        """What this price wakes."""
        up = self.up[: bisect_right(self.up, price_ticks, key=_key)]
        down = self.down[: bisect_right(self.down, -price_ticks, key=_key)]
        return [order_id for _, order_id in up + down]

    def moved(self, price_ticks: int) -> list[OrderId]:
        """What follows the market to this price."""
        trails = self.trails
        end = bisect_left(trails, self.sign * price_ticks, key=_key)
        return [order_id for _, order_id in trails[:end]]


@attrs.define
class Triggers:
    """The orders of one market that wait for a price."""

    watches: dict[OrderId, Watch] = attrs.field(factory=dict)
    _ladders: dict[tuple[TriggerSource, Side], Ladder] = attrs.field(factory=dict, eq=False)

    def __len__(self) -> int:
        return len(self.watches)

    def ladder(self, source: TriggerSource, side: Side) -> Ladder | None:
        """What waits for this price; None when nothing ever did."""
        return self._ladders.get((source, side))

    def ladders(self, source: TriggerSource) -> Iterator[tuple[Side, Ladder]]:
        """Both sides' ladders of a source, where there are any."""
        for side in Side:
            ladder = self._ladders.get((source, side))
            if ladder is not None:
                yield side, ladder

    def reached(self, source: TriggerSource, price_ticks: int) -> bool:
        """Whether a price that both sides look at wakes or moves anything."""
        return any(ladder.reached(price_ticks) for _, ladder in self.ladders(source))

    def put(self, order_id: OrderId, watch: Watch) -> None:
        """Let an order wait, or wait for something else than before."""
        if order_id in self.watches:
            self._unlist(order_id)
        self.watches[order_id] = watch
        ladder = self._ladders.get((watch.source, watch.side))
        if ladder is None:
            ladder = self._ladders[watch.source, watch.side] = Ladder(watch.side)
        for entries, key in _places(ladder, watch):
            insort(entries, (key, order_id))

    def remove(self, order_id: OrderId) -> None:
        """Let an order wait no longer."""
        self._unlist(order_id)
        del self.watches[order_id]

    def check(self) -> None:
        """Assert that every list is sorted and has just what waits."""
        listed: list[tuple[OrderId, int]] = []
        for ladder in self._ladders.values():
            for entries in (ladder.up, ladder.down, ladder.trails):
                assert entries == sorted(entries)
                listed += [(order_id, key) for key, order_id in entries]
        places = [
            (order_id, key)
            for order_id, watch in self.watches.items()
            for _, key in _places(self._ladders[watch.source, watch.side], watch)
        ]
        assert sorted(listed) == sorted(places)

    def _unlist(self, order_id: OrderId) -> None:
        watch = self.watches[order_id]
        for entries, key in _places(self._ladders[watch.source, watch.side], watch):
            index = bisect_left(entries, (key, order_id))
            assert entries[index] == (key, order_id)
            del entries[index]


def _places(ladder: Ladder, watch: Watch) -> Iterator[tuple[list[Entry], int]]:
    """In which lists an order is, under which key."""
    if watch.watch_ticks is not None:
        if watch.upward:
            yield ladder.up, watch.watch_ticks
        else:
            yield ladder.down, -watch.watch_ticks
    if watch.extreme_ticks is not None:
        yield ladder.trails, ladder.sign * watch.extreme_ticks
    elif watch.trails and watch.watch_ticks is None:
        yield ladder.trails, UNSEEN


def _key(entry: Entry) -> int:
    return entry[0]
