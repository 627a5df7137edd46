"""Knowing, after every change, which purses have more reduce-only orders than position."""

from __future__ import annotations

from xached.domain.instrument import Symbol
from xached.domain.order import Purse
from xached.domain.state import PurseState, State


def excess_lots(state: State, purse: PurseState, symbol: Symbol) -> int:
    """How much more the reduce-only orders would sell than there is; negative: how much less."""
    open_lots = sum(
        state.orders[order_id].leaves_lots for order_id in purse.reducing.get(symbol, ())
    )
    return open_lots - purse.position(symbol).quantity_lots


def note_reducing(state: State, name: Purse, symbol: Symbol) -> None:
    """Look again at a purse whose position, or whose reduce-only orders, have changed."""
    if excess_lots(state, state.purses[name], symbol) > 0:
        state.over_reducing[name, symbol] = None
    else:
        state.over_reducing.pop((name, symbol), None)
