"""Order reports say of every order of a purse exactly what the exchange knows of it."""

from __future__ import annotations

import os

import pytest

from tests.storage.house import INSTRUMENT, PURSES, SYMBOL, House
from xached.domain.messages import OrderAccepted, Row
from xached.domain.order import EndReason, Order, OrderStatus, Purse
from xached.domain.order_reports import OrderReport, PurseOrders, report_open

MARKETS = {SYMBOL: INSTRUMENT}
ROWS = 20_000 if os.environ.get("XACHE_LONG") else 2_000


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("purse", PURSES)
def test_the_last_report_of_an_order_is_its_state(seed: int, purse: Purse) -> None:
    house = House(seed)
    told = PurseOrders(purse, [], 0, MARKETS)
    last: dict[str, OrderReport] = {}
    executed: dict[str, int] = {}
    fees: dict[str, int] = {}
    accepted: set[str] = set()
    for _ in range(ROWS):
        row = house.next_row()
        accepted |= {
            event.client_order_id
            for event in row.events
            if isinstance(event, OrderAccepted) and event.purse == purse
        }
        for report in told.fold(row):
            name = report.client_order_id
            if name in last:
                assert last[name].leaves_lots > 0, "nothing is said after the end"
            if report.fill is not None:
                executed[name] = executed.get(name, 0) + report.fill.quantity_lots
                fees[name] = fees.get(name, 0) + report.fill.fee_units
            assert report.executed_lots == executed.get(name, 0)
            last[name] = report
    open_now = {order.client_order_id: order for order in house.exchange.open_orders(purse)}
    assert len(told) == len(open_now)
    assert last.keys() == accepted
    for name, report in last.items():
        order = open_now.get(name)
        if order is None:
            assert report.leaves_lots == 0
            if report.status is not OrderStatus.FILLED:
                assert report.end_reason is not EndReason.NONE
        else:
            assert matches(report, order)
            assert order.fee_units == fees.get(name, 0)
    assert sum(report.status is OrderStatus.FILLED for report in last.values()) > 80
    assert sum(report.status is OrderStatus.CANCELED for report in last.values()) > 80


def test_it_can_begin_anywhere() -> None:
    house = House(2)
    rows = house.rows(500)
    snapshot = [report_open(order, 0) for order in house.exchange.open_orders(PURSES[0])]
    assert snapshot
    late = PurseOrders(PURSES[0], house.exchange.open_orders(PURSES[0]), house.seq, MARKETS)
    early = PurseOrders(PURSES[0], [], 0, MARKETS)
    for row in rows:
        early.fold(row)
        assert late.fold(row) == [], "rows up to the snapshot are in it"
    for _ in range(500):
        row = house.next_row()
        assert late.fold(row) == early.fold(row)


def test_a_row_without_events_says_nothing() -> None:
    house = House(2)
    [row] = house.rows(1)
    quiet = Row(seq=row.seq, at_ns=row.at_ns, command=row.command, events=())
    assert PurseOrders(PURSES[0], [], 0, MARKETS).fold(quiet) == []


def matches(report: OrderReport, order: Order) -> bool:
    """The report says what the order is."""
    return (
        report.status,
        report.side,
        report.price_ticks,
        report.quantity_lots,
        report.leaves_lots,
        report.at_ns,
    ) == (
        order.status,
        order.side,
        order.price_ticks,
        order.quantity_lots,
        order.leaves_lots,
        order.updated_at_ns,
    )
