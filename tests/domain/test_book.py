"""The book against a plain list, and what it costs: steps that do not grow, and no garbage."""

from __future__ import annotations

import gc
import os
import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xached.domain.book import Book
from xached.domain.order import OrderId, Side

Resting = tuple[OrderId, Side, int, int]
"""(id, side, price, lots)"""


class NaiveBook:
    """A list in order of arrival, sorted and scanned for every question."""

    def __init__(self) -> None:
        self.orders: list[Resting] = []

    def queue(self, side: Side) -> list[tuple[OrderId, int, int]]:
        sign = -1 if side is Side.BUY else 1
        mine = [(i, p, n) for i, s, p, n in self.orders if s is side]
        return sorted(mine, key=lambda order: sign * order[1])

    def matches(self, taker: Side, limit: int) -> list[OrderId]:
        other = Side.SELL if taker is Side.BUY else Side.BUY
        return [
            order_id
            for order_id, price, _ in self.queue(other)
            if (price <= limit if taker is Side.BUY else price >= limit)
        ]


@settings(max_examples=5_000 if os.environ.get("XACHE_LONG") else 250, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "add", "add", "reduce", "remove"]),
            st.sampled_from(Side),
            st.integers(0, 9),
            st.integers(1, 5),
        ),
        max_size=60,
    )
)
def test_agrees_with_a_list(steps: list[tuple[str, Side, int, int]]) -> None:
    book, naive = Book(), NaiveBook()
    for number, (kind, side, value, lots) in enumerate(steps, 1):
        if kind == "add":
            price = 100 - value if side is Side.BUY else 101 + value
            book.add(OrderId(number), side, price, lots)
            naive.orders.append((OrderId(number), side, price, lots))
        elif naive.orders:
            at = (value * 7 + lots) % len(naive.orders)
            order_id, side, price, left = naive.orders[at]
            taken = left if kind == "remove" else min(lots, left)
            if kind == "remove":
                book.remove(order_id)
            else:
                book.reduce(order_id, taken)
            naive.orders[at] = (order_id, side, price, left - taken)
            if taken == left:
                del naive.orders[at]
        assert len(book) == len(naive.orders)
        for either in Side:
            queue = naive.queue(either)
            assert book.queue(either) == queue
            assert book.best_ticks(either) == (queue[0][1] if queue else None)
            assert book.worst_ticks(either) == (queue[-1][1] if queue else None)
            met = [resting.order_id for resting in book.matches(either, 100 + value - lots)]
            assert met == naive.matches(either, 100 + value - lots)
        assert all(order_id in book for order_id, *_ in naive.orders)
    book.check()


def test_misuse_is_an_assertion() -> None:
    book = Book()
    book.add(OrderId(1), Side.BUY, 10, 5)
    misuses: list[Callable[[], None]] = [
        lambda: book.add(OrderId(1), Side.BUY, 10, 5),
        lambda: book.add(OrderId(2), Side.BUY, 10, 0),
        lambda: book.reduce(OrderId(1), 6),
        lambda: book.reduce(OrderId(1), 0),
    ]
    for wrong in misuses:
        with pytest.raises(AssertionError):
            wrong()
    book.check()
    book.add(OrderId(2), Side.SELL, 10, 5)
    with pytest.raises(AssertionError):
        book.check()


def use_heavily(book: Book, steps: int, seed: int) -> None:
    """Adds, cancels and fills on a few hundred levels, ending empty."""
    draw = random.Random(seed)
    live: list[OrderId] = []
    for number in range(steps):
        if live and draw.random() < 0.45:
            book.remove(live.pop(draw.randrange(len(live))))
        else:
            side = draw.choice([Side.BUY, Side.SELL])
            price = draw.randrange(1, 200) if side is Side.BUY else draw.randrange(201, 400)
            book.add(OrderId(number), side, price, draw.randrange(1, 9))
            live.append(OrderId(number))
    for order_id in live:
        book.remove(order_id)
    book.check()
    assert len(book) == 0


def garbage_of(work: Callable[[], object]) -> list[Any]:
    """What only the cycle collector can free after ``work``."""
    gc.collect()
    gc.disable()
    before = len(gc.garbage)
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        work()
        gc.collect()
        return gc.garbage[before:]
    finally:
        gc.set_debug(0)
        del gc.garbage[before:]
        gc.enable()


def test_heavy_use_leaves_no_reference_cycle() -> None:
    # Checked by breaking: without cutting the links in remove() this finds thousands.
    assert garbage_of(lambda: use_heavily(Book(), 5_000, seed=1)) == []


def lines_of(work: Callable[[], object]) -> int:
    """How many lines of Python run: a clock that does not depend on the machine."""
    lines = 0

    def trace(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    previous = sys.gettrace()
    gc.disable()  # Its callbacks are Python too, and run when it pleases.
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)
        gc.enable()
    return lines


@pytest.mark.parametrize("side", Side)
def test_a_step_takes_the_same_number_of_lines_however_large_the_book(side: Side) -> None:
    def step_lines(orders: int) -> list[int]:
        book = Book()
        for number in range(orders):
            book.add(OrderId(number), side, 1_000 + number % (orders // 10), 1)
        middle = OrderId(orders // 2)
        return [
            lines_of(lambda: book.add(OrderId(orders), side, 1_000, 1)),  # a level that exists
            lines_of(lambda: book.add(OrderId(orders + 1), side, 999, 1)),  # a new one
            lines_of(lambda: book.remove(middle)),
            lines_of(lambda: book.remove(OrderId(orders + 1))),
            lines_of(lambda: book.best_ticks(side)),
            lines_of(lambda: next(book.matches(side.opposite, 0 if side is Side.BUY else 10**9))),
        ]

    assert step_lines(50) == step_lines(20_000)
