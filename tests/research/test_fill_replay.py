"""Fills against the recorded book without own orders, each difference with its cause."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from xache_sdk.market import Side
from xache_sdk.orders import Place, TimeInForce

from tests.storage.house import INSTRUMENT, SYMBOL
from xached.research.backtest.tape import Tape, TapeKind
from xached.research.judgement.fill_replay import LiveFill, LiveOrder, pair_orders, tape_without
from xached.research.judgement.parity import Cause, fill_parity

BID, ASK, BOUGHT, SOLD = TapeKind.BID, TapeKind.ASK, TapeKind.BOUGHT, TapeKind.SOLD
MS = 1_000_000
Row = tuple[int, TapeKind, int, int]

QUIET: Sequence[Row] = (
    (0, BID, 499_990, 50), (0, BID, 499_980, 50), (0, ASK, 500_010, 10), (0, ASK, 500_020, 50),
)  # fmt: skip


def tape(*rows: Row, last_ms: int = 1_000) -> Tape:
    """A book at the start, and what comes (in ms, ticks, lots)."""
    columns = np.array([*QUIET, *rows, (last_ms, BID, 1, 1)], dtype=np.int64).T
    return Tape(
        symbol=SYMBOL, venue="XACHE", tick_size=Decimal(INSTRUMENT.tick_size),
        lot_size=Decimal(INSTRUMENT.lot_size), at_ns=columns[0] * MS, kind=columns[1].copy(),
        price_ticks=columns[2].copy(), quantity_lots=columns[3].copy(),
    )  # fmt: skip


def order(
    lots: int,
    price_ticks: int | None = None,
    *fills: tuple[int, int, int, bool],
    side: Side = Side.BUY,
    arrived_ms: int | None = 105,
    **given: Any,
) -> LiveOrder:
    """An order that was wanted at 100 ms; ``fills`` are ms, ticks, lots, maker."""
    place = Place(
        id="1", symbol=SYMBOL, side=side, quantity=Decimal(INSTRUMENT.lot_size) * lots,
        price=None if price_ticks is None else Decimal(INSTRUMENT.tick_size) * price_ticks,
        time_in_force=TimeInForce.IOC if price_ticks is None else TimeInForce.GTC,
    )  # fmt: skip
    return LiveOrder(
        order_id="run-1", place=place, wanted_at_ns=100 * MS,
        arrived_at_ns=None if arrived_ms is None else arrived_ms * MS,
        fills=tuple(LiveFill(at * MS, ticks, some, maker) for at, ticks, some, maker in fills),
        **{"cancel_wanted_at_ns": None, "ended_at_ns": None, "refused": False, **given},
    )  # fmt: skip


def parity(rows: Tape, *orders: LiveOrder, breaks: Sequence[int] = ()) -> Any:
    return fill_parity(pair_orders(rows, breaks, INSTRUMENT, orders, latency_ns=5 * MS))


def test_a_taker_that_paid_what_the_book_asked_is_equal() -> None:
    found = parity(tape(), order(15, None, (105, 500_010, 10, False), (105, 500_020, 5, False)))
    assert (found.orders, found.equal, found.cost_bp) == (1, 1, 0.0)


def test_a_late_order_that_met_another_price_is_latency() -> None:
    moved = tape((110, ASK, 500_010, 0))
    found = parity(moved, order(10, None, (120, 500_020, 10, False), arrived_ms=120))
    [cause] = found.causes
    assert (cause.cause, cause.orders, cause.share) == (Cause.LATENCY, 1, 1.0)
    assert cause.cost_bp == pytest.approx(10 / 500_020 * 10_000)
    assert found.cost_bp == cause.cost_bp


def test_a_price_that_the_book_did_not_ask_is_its_own_weight() -> None:
    found = parity(tape(), order(10, None, (105, 500_015, 10, False)))
    assert [cause.cause for cause in found.causes] == [Cause.OWN_IMPACT]


def test_a_resting_order_that_others_reached_is_filled_in_its_turn() -> None:
    """50 lots stand before it; 55 are sold at its price, of which 5 are its own."""
    reached = tape((300, SOLD, 499_990, 55))
    live = order(10, 499_990, (300, 499_990, 5, True), rests=((105 * MS, 10), (300 * MS, 5)))
    assert parity(reached, live).equal == 1
    lucky = order(10, 499_990, (300, 499_990, 10, True))
    found = parity(reached, lucky)
    assert [(each.cause, each.lots) for each in found.causes] == [(Cause.QUEUE, 5)]


def test_what_was_cancelled_is_not_filled_later() -> None:
    later = tape((300, SOLD, 499_980, 500))
    cancelled = order(
        10, 499_990, cancel_wanted_at_ns=200 * MS, ended_at_ns=201 * MS, side=Side.BUY
    )
    assert parity(later, cancelled).orders == 0
    assert parity(later, order(10, 499_990)).causes[0].cause is Cause.QUEUE


def test_a_refusal_on_one_side_only_is_one() -> None:
    refused = order(10, None, refused=True, arrived_ms=None)
    assert [each.cause for each in parity(tape(), refused).causes] == [Cause.REFUSAL]


def test_what_was_under_way_when_the_book_was_not_known_is_not_explained() -> None:
    found = parity(
        tape(), order(10, None, (105, 500_020, 10, False)),
        breaks=[102 * MS],
    )  # fmt: skip
    assert [each.cause for each in found.causes] == [Cause.UNEXPLAINED]
    later = parity(
        tape(), order(10, None, (105, 500_010, 10, False)),
        breaks=[300 * MS],
    )  # fmt: skip
    assert later.equal == 1


def test_own_orders_are_taken_out_of_the_houses_book() -> None:
    """It rests 10 lots beside 50, is hit for 4 of them, takes 3 on the other side."""
    rows = tape(
        (105, BID, 499_990, 60), (200, SOLD, 499_990, 54), (200, BID, 499_990, 6),
        (250, BID, 499_990, 0), (400, BOUGHT, 500_010, 3), (400, ASK, 500_010, 7),
        (500, ASK, 500_010, 9),
    )  # fmt: skip
    rests = ((105 * MS, 10), (200 * MS, 6), (250 * MS, 0))
    resting = order(10, 499_990, (200, 499_990, 4, True), rests=rests)
    taking = order(3, None, (400, 500_010, 3, False))
    without = tape_without(rows, INSTRUMENT, [resting, taking])
    told = zip(
        (without.at_ns // MS).tolist(), without.kind.tolist(), without.price_ticks.tolist(),
        without.quantity_lots.tolist(), strict=True,
    )  # fmt: skip
    assert [each for each in told if each[0] not in (0, 1_000)] == [
        (105, BID, 499_990, 50), (200, SOLD, 499_990, 54), (200, BID, 499_990, 0),
        (250, BID, 499_990, 0), (500, ASK, 500_010, 9),
    ]  # fmt: skip
