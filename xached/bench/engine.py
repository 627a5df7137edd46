"""How fast the exchange decides and applies, and how fast its book is beside another one.

Both run on one thread without I/O, so the rate is by processor time. Latencies and pauses are by
the clock: what a person would wait. Processors that are shared with other machines run faster and
slower by a fifth from one second to the next, so the figures are those of the quickest of some
rounds, and the two books take turns.
"""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, TypeAlias

import attrs

from xached.bench.figures import AtLeast, AtMost, Figure
from xached.bench.flow import Flow, Stepper, make_flow
from xached.domain.book import Book
from xached.domain.order import OrderId, Side
from xached.runtime.collector import calm

ENGINE_PER_S_MIN = 80_000
ENGINE_P99_US_MAX = 50
ENGINE_PAUSE_MS_MAX = 10
BOOK_RATIO_MIN = 8

MID_TICKS = 5_000_000
BOOK_LEVELS = 100
LOTS_MAX = 100
ADDS, CANCELS = 0.5, 0.4
NS_PER_US = 1_000
NS_PER_MS = 1_000_000


@attrs.frozen(kw_only=True)
class EngineRound:
    """What one round took: nanoseconds of processor time in all, and by the clock, in order."""

    cpu_ns: int
    took_ns: Sequence[int]
    resting: int


def measure_engine(commands: int, rounds: int) -> list[Figure]:
    """Time decide and apply over the flow, after as much again to fill and warm it."""
    flow = make_flow(2 * commands)
    best = min((_engine_round(flow, commands) for _ in range(rounds)), key=lambda each: each.cpu_ns)
    p99_us = _quantile(best.took_ns, 99) / NS_PER_US
    return [
        Figure(
            "engine_commands_per_s",
            commands * 1e9 / best.cpu_ns,
            "/s",
            AtLeast(ENGINE_PER_S_MIN),
            note=f"{best.resting:,} orders rest at the end; the quickest of {rounds} rounds",
        ),
        Figure("engine_p50_us", _quantile(best.took_ns, 50) / NS_PER_US, "µs"),
        Figure("engine_p99_us", p99_us, "µs", AtMost(ENGINE_P99_US_MAX)),
        Figure("engine_pause_ms", best.took_ns[-1] / NS_PER_MS, "ms", AtMost(ENGINE_PAUSE_MS_MAX)),
    ]


def _engine_round(flow: Flow, commands: int) -> EngineRound:
    stepper = Stepper()
    for command in (*flow.opening, *flow.trading[:commands]):
        stepper.step(command)
    clock, step = time.perf_counter_ns, stepper.step
    took_ns: list[int] = []
    with calm():
        cpu_ns = time.process_time_ns()
        for command in flow.trading[commands:]:
            started_ns = clock()
            step(command)
            took_ns.append(clock() - started_ns)
        cpu_ns = time.process_time_ns() - cpu_ns
    stepper.exchange.check()
    took_ns.sort()
    resting = len(stepper.exchange.state.orders)
    return EngineRound(cpu_ns=cpu_ns, took_ns=took_ns, resting=resting)


@attrs.frozen
class Add:
    """Put an order into the book."""

    order_id: OrderId
    side: Side
    price_ticks: int
    lots: int


@attrs.frozen
class Cancel:
    """Take an order out again."""

    order_id: OrderId


@attrs.frozen
class Take:
    """Trade with the best of the other side until so many lots are filled."""

    order_id: OrderId
    side: Side
    lots: int


BookCommand: TypeAlias = Add | Cancel | Take
BookCall: TypeAlias = tuple[Callable[..., object], tuple[Any, ...]]


def measure_book(commands: int, resting: int, rounds: int) -> list[Figure]:
    """Time the book and, where it is installed, pyorderbook, on the same commands."""
    flow = make_book_flow(resting, commands)
    try:
        other = importlib.import_module("pyorderbook")
    except ImportError:
        other = None
    own_per_s = other_per_s = 0.0
    for _ in range(rounds):
        own_per_s = max(own_per_s, _per_s(own_calls(flow, Book()), resting, commands))
        if other is not None:
            calls = pyorderbook_calls(flow, other, other.Book())
            other_per_s = max(other_per_s, _per_s(calls, resting, commands))
    note = f"{resting:,} orders rest; the quickest of {rounds} rounds"
    figures = [Figure("book_commands_per_s", own_per_s, "/s", note=note)]
    if other is None:
        missing = "not installed: pip install 'xached[bench]'"
        return [
            *figures,
            Figure("pyorderbook_commands_per_s", None, "/s", note=missing),
            Figure("book_over_pyorderbook", None, "×", AtLeast(BOOK_RATIO_MIN), note=missing),
        ]
    return [
        *figures,
        Figure("pyorderbook_commands_per_s", other_per_s, "/s"),
        Figure("book_over_pyorderbook", own_per_s / other_per_s, "×", AtLeast(BOOK_RATIO_MIN)),
    ]


def make_book_flow(resting: int, commands: int) -> list[BookCommand]:
    """Fill a book with so many orders and a spread of one tick, then so many commands of trade.

    Half of them add, two in five cancel, one in ten takes.
    """
    chance = random.Random(1)  # noqa: S311 - the same flow everywhere, nothing secret
    book = Book()
    live: list[OrderId] = []
    flow: list[BookCommand] = []
    while len(flow) < resting + commands:
        draw = chance.random() if len(flow) >= resting else 0.0
        order_id = OrderId(len(flow) + 1)
        side = Side.BUY if chance.random() < 0.5 else Side.SELL
        lots = chance.randrange(1, LOTS_MAX)
        if draw < ADDS:
            away = chance.randrange(BOOK_LEVELS)
            price_ticks = MID_TICKS - away if side is Side.BUY else MID_TICKS + 1 + away
            book.add(order_id, side, price_ticks, lots)
            live.append(order_id)
            flow.append(Add(order_id, side, price_ticks, lots))
        elif draw >= ADDS + CANCELS:
            take(book, side, lots)
            flow.append(Take(order_id, side, lots))
        elif live:
            index = chance.randrange(len(live))
            chosen, live[index] = live[index], live[-1]
            live.pop()
            if chosen in book:
                book.remove(chosen)
                flow.append(Cancel(chosen))
    return flow


def take(book: Book, side: Side, lots: int) -> None:
    """Fill a taker: look first, then change, as the exchange does."""
    met: list[tuple[OrderId, int]] = []
    for resting in book.matches(side, _limit_ticks(side)):
        filled = min(lots, resting.lots)
        met.append((resting.order_id, filled))
        lots -= filled
        if not lots:
            break
    for order_id, filled in met:
        book.reduce(order_id, filled)


def own_calls(flow: Sequence[BookCommand], book: Book) -> Iterator[BookCall]:
    """What to call on an empty book of ours."""
    for command in flow:
        match command:
            case Add():
                terms = (command.order_id, command.side, command.price_ticks, command.lots)
                yield book.add, terms
            case Cancel():
                yield book.remove, (command.order_id,)
            case Take():
                yield take, (book, command.side, command.lots)


def pyorderbook_calls(flow: Sequence[BookCommand], other: Any, book: Any) -> Iterator[BookCall]:
    """What to call on an empty book of pyorderbook, which is the module ``other``.

    It takes orders as objects of its own, so making one is part of its work, as making a place
    in the queue is part of ours.
    """
    make_order = {
        Side.BUY: partial(other.Order, other.Side.BID, "BTC-USDT"),
        Side.SELL: partial(other.Order, other.Side.ASK, "BTC-USDT"),
    }
    orders: dict[OrderId, Any] = {}

    def add(order_id: OrderId, side: Side, price_ticks: int, lots: int) -> None:
        orders[order_id] = order = make_order[side](price_ticks, lots)
        book.match(order)

    def cancel(order_id: OrderId) -> None:
        book.cancel(orders.pop(order_id))

    for command in flow:
        match command:
            case Add():
                yield add, (command.order_id, command.side, command.price_ticks, command.lots)
            case Cancel():
                yield cancel, (command.order_id,)
            case Take():
                limit_ticks = _limit_ticks(command.side)
                yield add, (command.order_id, command.side, limit_ticks, command.lots)


def _limit_ticks(side: Side) -> int:
    """A price beyond everything that rests."""
    return MID_TICKS + 2 * BOOK_LEVELS if side is Side.BUY else MID_TICKS - 2 * BOOK_LEVELS


def _per_s(calls: Iterable[BookCall], filling: int, commands: int) -> float:
    """How many calls a second, after the first ``filling`` ones."""
    prepared = list(calls)
    for call, arguments in prepared[:filling]:
        call(*arguments)
    with calm():
        cpu_ns = time.process_time_ns()
        for call, arguments in prepared[filling:]:
            call(*arguments)
        cpu_ns = time.process_time_ns() - cpu_ns
    return commands * 1e9 / cpu_ns


def _quantile(in_order: Sequence[int], percent: int) -> int:
    return in_order[(len(in_order) - 1) * percent // 100]
