"""Track records: returns of days, and sales joined to closed trades."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.research.records import buy, curves, daily_curve, sell
from xached.domain.position import Position, plan_sale
from xached.research.judgement.track_record import (
    DAY_NS,
    ClosedTrade,
    EquityCurve,
    Fill,
    closed_trades,
    daily_returns,
)


def test_a_day_is_a_utc_day_and_its_return_is_from_the_end_of_the_day_before() -> None:
    hour = DAY_NS // 24
    curve = EquityCurve.of(
        [20 * hour, 23 * hour, 24 * hour, 24 * hour + 1, 47 * hour, 73 * hour],
        [100.0, 90.0, 110.0, 99.0, 121.0, 242.0],
    )
    daily = daily_returns(curve)
    assert daily.days.tolist() == [0, 1, 3]
    assert daily.returns == pytest.approx([0.10, 0.10, 1.0])
    assert daily.missing_days == 1


def test_the_first_worth_is_no_day() -> None:
    assert len(daily_returns(EquityCurve.of([5], [1.0])).days) == 0
    from_midnight = daily_returns(EquityCurve.of([DAY_NS, 2 * DAY_NS], [1.0, 1.5]))
    assert (from_midnight.days.tolist(), from_midnight.returns.tolist()) == ([1], [0.5])


def test_a_deposit_is_no_return() -> None:
    curve = daily_curve([100.0, 210.0, 105.0], flows=[0.0, 100.0, -126.0])
    assert curve.growth() == pytest.approx([1.0, 1.10, 1.21])


def test_what_is_ruined_stays_ruined() -> None:
    curve = daily_curve([100.0, 0.0, 50.0], flows=[0.0, 0.0, 50.0])
    assert curve.growth().tolist() == [1.0, 0.0, 0.0]
    assert daily_returns(curve).returns.tolist() == [-1.0, 0.0]


@given(curves())
def test_days_multiply_to_the_whole(curve: EquityCurve) -> None:
    whole = float(np.prod(1.0 + daily_returns(curve).returns))
    assert math.isclose(whole, float(curve.growth()[-1]), rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("at_ns", "equity"),
    [
        ([], []),
        ([1, 1], [1.0, 1.0]),
        ([2, 1], [1.0, 1.0]),
        ([1, 2], [1.0]),
        ([1, 2], [1.0, -0.1]),
        ([1, 2], [1.0, math.nan]),
        ([1, 2], [1.0, math.inf]),
    ],
)
def test_what_is_no_curve_is_refused(at_ns: list[int], equity: list[float]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each of the reasons
        EquityCurve.of(at_ns, equity)


def test_an_exit_in_pieces_is_one_closed_trade() -> None:
    fills = [
        buy(1, 10, 100, fee=10),
        sell(2, 4, 110, fee=4),
        sell(3, 6, 120, fee=7),
        buy(4, 1, 100),
        sell(5, 1, 90, fee=1),
    ]
    assert closed_trades(fills) == (
        ClosedTrade(0, 1, 3, 10, 1010, 440 - 4 + 720 - 7 - 1010),
        ClosedTrade(0, 4, 5, 1, 100, -11),
    )


def test_a_purchase_after_a_part_was_sold_begins_another_trade() -> None:
    fills = [buy(1, 10, 100), sell(2, 5, 110), buy(3, 5, 120), sell(4, 10, 130)]
    assert [(t.opened_at_ns, t.closed_at_ns, t.quantity_lots) for t in closed_trades(fills)] == [
        (1, 2, 5),
        (1, 4, 10),
    ]


def test_selling_what_was_not_bought_closes_nothing() -> None:
    assert closed_trades([sell(1, 5, 100)]) == ()
    (trade,) = closed_trades([buy(1, 5, 100), sell(2, 9, 110)])
    assert (trade.quantity_lots, trade.profit_units) == (5, 50)


def test_instruments_do_not_mix() -> None:
    fills = [buy(1, 1, 100, instrument=0), buy(2, 1, 7, instrument=1), sell(3, 1, 8, instrument=1)]
    (trade,) = closed_trades(fills)
    assert (trade.instrument, trade.profit_units) == (1, 1)


FILLS = st.lists(
    st.builds(
        Fill,
        at_ns=st.just(0),
        instrument=st.integers(0, 2),
        buy=st.booleans(),
        quantity_lots=st.integers(1, 20),
        notional_units=st.integers(20, 10_000),
        fee_units=st.integers(0, 20),
    ),
    max_size=60,
)


@given(FILLS)
def test_closed_trades_bring_what_the_houses_positions_realise(fills: list[Fill]) -> None:
    positions = {number: Position() for number in range(3)}
    for fill in fills:
        position = positions[fill.instrument]
        amounts = (fill.quantity_lots, fill.notional_units, fill.fee_units)
        if fill.buy:
            position.buy(*amounts)
        else:
            sale = plan_sale(position, *amounts)
            position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)
    trades = closed_trades(fills)
    for number, position in positions.items():
        own = [trade.profit_units for trade in trades if trade.instrument == number]
        assert sum(own) == position.realised_units
