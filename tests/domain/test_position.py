"""Positions: cost goes in once and comes out once, and profit is what remains."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from xached.domain.position import Position, Sale, plan_sale

UNITS = st.one_of(st.integers(0, 50), st.integers(0, 10**30))
TRADES = st.lists(
    st.tuples(st.booleans(), st.integers(1, 50), UNITS, st.fractions(0, 1)), max_size=40
)
"""(buys, lots, notional, fee as a share of the notional)"""


@given(TRADES)
def test_cost_and_profit_are_conserved(trades: list[tuple[bool, int, int, Fraction]]) -> None:
    position = Position()
    paid = relieved = 0
    for buys, lots, notional, share in trades:
        fee = int(notional * share)
        if buys:
            position.buy(lots, notional, fee)
            paid += notional + fee
            continue
        before = Position(position.quantity_lots, position.cost_units, position.realised_units)
        sale = plan_sale(position, lots, notional, fee)
        assert position == before, "planning changes nothing"
        assert sale.position_lots == min(lots, before.quantity_lots)
        if sale.position_lots:
            # Each rounds down, by less than one unit.
            exact = Fraction(before.cost_units * sale.position_lots, before.quantity_lots)
            assert 0 <= exact - sale.relieved_units < 1
            proceeds = Fraction((notional - fee) * sale.position_lots, lots)
            assert 0 <= proceeds - (sale.realised_units + sale.relieved_units) < 1
        else:
            assert sale == Sale(0, 0, 0)
        position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)
        relieved += sale.relieved_units
        assert position.cost_units >= 0
        assert position.quantity_lots > 0 or position.cost_units == 0
    assert position.cost_units == paid - relieved


@given(st.integers(1, 50), UNITS, UNITS)
def test_selling_all_at_once_realises_the_exact_difference(
    lots: int, cost: int, proceeds: int
) -> None:
    position = Position()
    position.buy(lots, cost, 0)
    sale = plan_sale(position, lots, proceeds, 0)
    position.sell(sale.position_lots, sale.relieved_units, sale.realised_units)
    assert position == Position(0, 0, proceeds - cost)
