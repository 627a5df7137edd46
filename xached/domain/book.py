"""The order book: price-time priority, and nothing about money.

Theory of operation. Each side is a sorted list of price keys with the best last (asks stored
negated, so one comparison serves both sides) and a dict of levels. A level is an intrusive
first-in-first-out list of resting orders, which are also found by id. Best is the last key: O(1).
Adding and cancelling cost one bisection: O(log n). Links are cut when an order leaves, so the
book makes no reference cycles and gives the garbage collector no work.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from xached.domain.order import OrderId, Side


class Level:
    """All resting orders of one side at one price."""

    __slots__ = ("head", "lots", "price_ticks", "side", "tail")

    def __init__(self, side: Side, price_ticks: int) -> None:
        self.side = side
        self.price_ticks = price_ticks
        self.lots = 0
        self.head: Resting | None = None
        self.tail: Resting | None = None


class Resting:
    """One order's place in the queue of its level. ``lots`` is what is left of it."""

    __slots__ = ("level", "lots", "next", "order_id", "previous")

    def __init__(self, order_id: OrderId, lots: int, level: Level) -> None:
        self.order_id = order_id
        self.lots = lots
        self.level = level
        self.previous: Resting | None = None
        self.next: Resting | None = None


class Book:
    """The resting orders of one instrument."""

    __slots__ = ("_levels", "_orders", "_prices")

    def __init__(self) -> None:
        self._orders: dict[OrderId, Resting] = {}
        self._levels: tuple[dict[int, Level], dict[int, Level]] = ({}, {})
        self._prices: tuple[list[int], list[int]] = ([], [])

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: OrderId) -> bool:
        return order_id in self._orders

    def best_ticks(self, side: Side) -> int | None:
        """Best price of a side, None when it is empty."""
        keys = self._prices[side - 1]
        if not keys:
            return None
        return keys[-1] if side == 1 else -keys[-1]

    def worst_ticks(self, side: Side) -> int | None:
        """Price farthest from the market of a side, None when it is empty."""
        keys = self._prices[side - 1]
        if not keys:
            return None
        return keys[0] if side == 1 else -keys[0]

    def add(self, order_id: OrderId, side: Side, price_ticks: int, lots: int) -> None:
        """Put an order at the back of its level."""
        assert lots > 0
        assert order_id not in self._orders
        key = price_ticks if side == 1 else -price_ticks
        levels = self._levels[side - 1]
        level = levels.get(key)
        if level is None:
            level = levels[key] = Level(side, price_ticks)
            insort(self._prices[side - 1], key)
        resting = Resting(order_id, lots, level)
        tail = level.tail
        if tail is None:
            level.head = resting
        else:
            tail.next = resting
            resting.previous = tail
        level.tail = resting
        level.lots += lots
        self._orders[order_id] = resting

    def reduce(self, order_id: OrderId, lots: int) -> None:
        """Take ``lots`` from an order, which keeps its place; at nothing left it leaves."""
        resting = self._orders[order_id]
        assert 0 < lots <= resting.lots
        if lots == resting.lots:
            self.remove(order_id)
        else:
            resting.lots -= lots
            resting.level.lots -= lots

    def remove(self, order_id: OrderId) -> None:
        """Take an order out."""
        resting = self._orders.pop(order_id)
        level = resting.level
        previous, following = resting.previous, resting.next
        if previous is None:
            level.head = following
        else:
            previous.next = following
            resting.previous = None
        if following is None:
            level.tail = previous
        else:
            following.previous = previous
            resting.next = None
        level.lots -= resting.lots
        if level.head is None:
            side = level.side
            key = level.price_ticks if side == 1 else -level.price_ticks
            keys = self._prices[side - 1]
            if keys[-1] == key:
                keys.pop()
            else:
                del keys[bisect_left(keys, key)]
            del self._levels[side - 1][key]

    def crosses(self, side: Side, price_ticks: int) -> bool:
        """Whether an order of this side at this price would take."""
        if side == 1:
            keys = self._prices[1]
            return bool(keys) and -keys[-1] <= price_ticks
        keys = self._prices[0]
        return bool(keys) and keys[-1] >= price_ticks

    def matches(self, taker_side: Side, limit_ticks: int) -> Iterator[Resting]:
        """Yield the orders a taker would meet down to its limit, in priority. Read only."""
        index = 1 if taker_side == 1 else 0
        worst = -limit_ticks if taker_side == 1 else limit_ticks
        levels = self._levels[index]
        for key in reversed(self._prices[index]):
            if key < worst:
                return
            resting = levels[key].head
            while resting is not None:
                yield resting
                resting = resting.next

    def depth(self, side: Side, levels: int) -> list[tuple[int, int]]:
        """The best ``levels`` of a side as (price in ticks, lots), best first."""
        found = self._levels[side - 1]
        best_first = self._prices[side - 1][: -levels - 1 : -1]
        return [(found[key].price_ticks, found[key].lots) for key in best_first]

    def queue(self, side: Side) -> list[tuple[OrderId, int, int]]:
        """Every order of a side as (id, price in ticks, lots), in priority."""
        levels = self._levels[side - 1]
        listed: list[tuple[OrderId, int, int]] = []
        for key in reversed(self._prices[side - 1]):
            resting = levels[key].head
            while resting is not None:
                listed.append((resting.order_id, resting.level.price_ticks, resting.lots))
                resting = resting.next
        return listed

    def check(self) -> None:
        """Assert that both sides are sorted, linked, counted, and not crossed."""
        seen = 0
        for side in Side:
            keys, levels = self._prices[side - 1], self._levels[side - 1]
            assert keys == sorted(set(keys))
            assert set(keys) == set(levels)
            for level in levels.values():
                lots, previous, resting = 0, None, level.head
                assert resting is not None
                while resting is not None:
                    assert resting.previous is previous
                    assert resting.level is level
                    assert self._orders[resting.order_id] is resting
                    assert resting.lots > 0
                    lots += resting.lots
                    seen += 1
                    previous, resting = resting, resting.next
                assert level.tail is previous
                assert level.lots == lots
        assert seen == len(self._orders)
        bid, ask = self.best_ticks(Side.BUY), self.best_ticks(Side.SELL)
        assert bid is None or ask is None or bid < ask, (bid, ask)
