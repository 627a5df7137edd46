"""Spot positions: what a purse bought of an instrument's base by trading, and what it cost.

``cost_units`` is whole quote units with fees; the average is display. A sale relieves the
position of its share of the cost, rounded down, and of all of it when flat. What is sold beyond
the position comes from holdings that were not bought here and realises nothing.
"""

from __future__ import annotations

import attrs

from xached.domain.frozen import frozen


@attrs.define
class Position:
    """One purse's position in one instrument."""

    quantity_lots: int = 0
    cost_units: int = 0
    realised_units: int = 0

    def buy(self, lots: int, notional_units: int, fee_units: int) -> None:
        """Add what was bought."""
        self.quantity_lots += lots
        self.cost_units += notional_units + fee_units

    def sell(self, position_lots: int, relieved_units: int, realised_units: int) -> None:
        """Take off what was sold, as planned by :func:`plan_sale`."""
        self.quantity_lots -= position_lots
        self.cost_units -= relieved_units
        self.realised_units += realised_units
        assert self.quantity_lots >= 0
        assert self.cost_units >= 0
        assert self.quantity_lots > 0 or self.cost_units == 0


@frozen
class Sale:
    """What a sale does to a position: lots and cost taken off, profit realised."""

    position_lots: int
    relieved_units: int
    realised_units: int


FROM_HOLDINGS = Sale(0, 0, 0)


def plan_sale(position: Position, lots: int, notional_units: int, fee_units: int) -> Sale:
    """Work out a sale. Proceeds beyond the position's share, rounded down, realise nothing."""
    from_position = min(lots, position.quantity_lots)
    if from_position == 0:
        return FROM_HOLDINGS
    relieved = position.cost_units * from_position // position.quantity_lots
    proceeds = (notional_units - fee_units) * from_position // lots
    return Sale(from_position, relieved, proceeds - relieved)
