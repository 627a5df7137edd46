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

from xached.domain.order import BUY, OrderId, Side


class Level:
    """All resting orders of one side at one price."""

    __slots__ = ("head", "price_ticks", "side", "tail")

    def __init__(self, side: Side, price_ticks: int) -> None:
        self.side = side
        self.price_ticks = price_ticks
        self.head: Resting | None = None
        self.tail: Resting | None = None


class Resting:
    """One order's place in the queue of its level. ``lots`` is what the book shows of it.

    Whoever makes one sets every field: CPython 3.11 calls an ``__init__`` of Python through C,
    which costs a tenth of the book's time.
    """

    __slots__ = ("level", "lots", "next", "order_id", "previous")

    order_id: OrderId
    lots: int
    level: Level
    previous: Resting | None
    next: Resting | None


class Book:
    """The resting orders of one instrument."""

    __slots__ = ("_ask_keys", "_asks", "_bid_keys", "_bids", "_orders")

    def __init__(self) -> None:
        self._orders: dict[OrderId, Resting] = {}
        self._bids: dict[int, Level] = {}
        self._asks: dict[int, Level] = {}
        self._bid_keys: list[int] = []
        self._ask_keys: list[int] = []

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: OrderId) -> bool:
        return order_id in self._orders

    def best_ticks(self, side: Side) -> int | None:
        """Best price of a side, None when it is empty."""
        if side is BUY:
            return self._bid_keys[-1] if self._bid_keys else None
        return -self._ask_keys[-1] if self._ask_keys else None

    def mid_ticks(self) -> int | None:
        """Half way between the best prices, rounded down; None without two that do not cross."""
        if not self._bid_keys or not self._ask_keys or self._bid_keys[-1] >= -self._ask_keys[-1]:
            return None
        return (self._bid_keys[-1] - self._ask_keys[-1]) // 2

    def worst_ticks(self, side: Side) -> int | None:
        """Price farthest from the market of a side, None when it is empty."""
        if side is BUY:
            return self._bid_keys[0] if self._bid_keys else None
        return -self._ask_keys[0] if self._ask_keys else None

    def next_ticks(self, side: Side, beyond_ticks: int) -> int | None:
        """Best price of a side that is worse than ``beyond_ticks``, None when there is none."""
        keys, _ = self._side(side)
        sign = 1 if side is BUY else -1
        index = bisect_left(keys, sign * beyond_ticks)
        return sign * keys[index - 1] if index else None

    def add(self, order_id: OrderId, side: Side, price_ticks: int, lots: int) -> None:
        """Put an order at the back of its level."""
        assert lots > 0
        orders = self._orders
        assert order_id not in orders
        level = self._bids.get(price_ticks) if side is BUY else self._asks.get(-price_ticks)
        if level is None:
            level = self._add_level(side, price_ticks)
        tail = level.tail
        resting = orders[order_id] = Resting()
        resting.order_id = order_id
        resting.lots = lots
        resting.level = level
        resting.previous = tail
        resting.next = None
        if tail is None:
            level.head = resting
        else:
            tail.next = resting
        level.tail = resting

    def reduce(self, order_id: OrderId, lots: int) -> None:
        """Take ``lots`` from an order, which keeps its place; at nothing left it leaves."""
        resting = self._orders[order_id]
        assert 0 < lots <= resting.lots
        if lots == resting.lots:
            self.remove(order_id)
        else:
            resting.lots -= lots

    def remove(self, order_id: OrderId) -> None:
        """Take an order out."""
        resting = self._orders.pop(order_id)
        level, previous, following = resting.level, resting.previous, resting.next
        if previous is not None:
            previous.next = following
            resting.previous = None
        else:
            level.head = following
        if following is not None:
            following.previous = previous
            resting.next = None
        else:
            level.tail = previous
            if previous is None:
                self._remove_level(level)

    def crosses(self, side: Side, price_ticks: int) -> bool:
        """Whether an order of this side at this price would take."""
        if side is BUY:
            return bool(self._ask_keys) and -self._ask_keys[-1] <= price_ticks
        return bool(self._bid_keys) and self._bid_keys[-1] >= price_ticks

    def matches(self, taker_side: Side, limit_ticks: int) -> Iterator[Resting]:
        """Yield the orders a taker would meet down to its limit, in priority. Read only."""
        if taker_side is BUY:
            keys, levels, worst = self._ask_keys, self._asks, -limit_ticks
        else:
            keys, levels, worst = self._bid_keys, self._bids, limit_ticks
        for key in reversed(keys):
            if key < worst:
                return
            resting = levels[key].head
            while resting is not None:
                yield resting
                resting = resting.next

    def shown_lots(self, order_id: OrderId) -> int:
        """What the book shows of an order; 0 when it is not in the book."""
        resting = self._orders.get(order_id)
        return resting.lots if resting is not None else 0

    def queue(self, side: Side) -> list[tuple[OrderId, int, int]]:
        """Every order of a side as (id, price in ticks, lots), in priority."""
        keys, levels = self._side(side)
        listed: list[tuple[OrderId, int, int]] = []
        for key in reversed(keys):
            resting = levels[key].head
            while resting is not None:
                listed.append((resting.order_id, resting.level.price_ticks, resting.lots))
                resting = resting.next
        return listed

    def lots_of(self, order_id: OrderId) -> int:
        """What the book shows of an order."""
        return self._orders[order_id].lots

    def check(self, *, may_cross: bool = False) -> None:
        """Assert that both sides are sorted, linked, counted, and not crossed."""
        seen = 0
        for side in Side:
            keys, levels = self._side(side)
            assert keys == sorted(set(keys))
            assert set(keys) == set(levels)
            for level in levels.values():
                previous, resting = None, level.head
                assert resting is not None
                while resting is not None:
                    assert resting.previous is previous
                    assert resting.level is level
                    assert self._orders[resting.order_id] is resting
                    assert resting.lots > 0
                    seen += 1
                    previous, resting = resting, resting.next
                assert level.tail is previous
        assert seen == len(self._orders)
        bid, ask = self.best_ticks(Side.BUY), self.best_ticks(Side.SELL)
        assert may_cross or bid is None or ask is None or bid < ask, (bid, ask)

    def _side(self, side: Side) -> tuple[list[int], dict[int, Level]]:
        return (self._bid_keys, self._bids) if side is BUY else (self._ask_keys, self._asks)

    def _add_level(self, side: Side, price_ticks: int) -> Level:
        keys, levels = self._side(side)
        key = price_ticks if side is BUY else -price_ticks
        level = levels[key] = Level(side, price_ticks)
        insort(keys, key)
        return level

    def _remove_level(self, level: Level) -> None:
        keys, levels = self._side(level.side)
        key = level.price_ticks if level.side is BUY else -level.price_ticks
        if keys[-1] == key:
            keys.pop()
        else:
            del keys[bisect_left(keys, key)]
        del levels[key]
