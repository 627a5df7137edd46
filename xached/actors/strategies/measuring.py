"""What a strategy's purse has gained, from which what it has gained itself follows.

A live purse is named like its strategy, so it may have been that of a revoked one; and what it
holds when its strategy is stopped goes to its owner together with what that has gained and not
realised. So a strategy that goes live notes what its purse had gained by then, less what it was
last told to have gained itself, and this is taken off from what its purse has gained since.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xached.domain.instrument import Instrument, Symbol
from xached.domain.order import Purse
from xached.domain.portfolio import Holdings, unrealised_units
from xached.domain.rejection import Reason, Rejection
from xached.domain.strategy_performance import Day


def purse_profit_units(
    holdings: Holdings, purse: Purse, instruments: Mapping[Symbol, Instrument]
) -> int | None:
    """What a purse has gained, realised and not; None where it holds what has no price."""
    profit_units = 0
    for symbol, position in holdings.purses[purse].positions.items():
        profit_units += position.realised_units
        price = holdings.prices.get(symbol)
        if price is not None:
            profit_units += unrealised_units(position, price, instruments[symbol])
        elif position.quantity_lots:
            return None
    return profit_units


def gained_before_units(gained_units: int | None, days: Sequence[Day]) -> int:
    """What to take off from what a purse has gained, of which ``days`` were told so far.

    Raises: Rejection REFERENCE_UNKNOWN where nobody can tell.
    """
    if gained_units is None:
        raise Rejection(
            Reason.REFERENCE_UNKNOWN,
            "its purse holds what has no price: move that out of it, or wait",
            field="name",
        )
    return gained_units - (days[-1].last_units if days else 0)
