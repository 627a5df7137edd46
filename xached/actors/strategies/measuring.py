"""What a strategy's purse has gained, from which what it has gained itself follows.

A live purse is named like its strategy, so it may have been that of a revoked one; and what it
holds when its strategy is stopped goes to its owner together with what that has gained and not
realised. So a strategy that goes live notes what its purse had gained by then, less what it was
last told to have gained itself, and this is taken off from what its purse has gained since.

Its limit of loss is of the money that it is given then: what another life lost of other money does
not end this one before it begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs
import trio

from xached.domain.instrument import AssetName, Instrument, Symbol
from xached.domain.messages import Command, MarkRisk, Row
from xached.domain.order import Purse, account_of
from xached.domain.portfolio import Holdings, unrealised_units
from xached.domain.queries import Query
from xached.domain.rejection import Reason, Rejection
from xached.domain.risk_bounds import purse_scope
from xached.domain.risk_watch import ExposureQuery, Exposures
from xached.domain.strategy_performance import Day


class Exchange(Protocol):
    """What is asked of the exchange."""

    async def execute(self, command: Command, *, account: str = "") -> Row:
        """Carry out a command. Raises: Rejection, Overloaded, Closed."""
        ...

    async def query(self, query: Query[Exposures], *, account: str = "") -> Exposures:
        """Ask about current state. Raises: Overloaded, Closed."""
        ...


async def measure_anew(exchange: Exchange, purse: Purse, asset: AssetName) -> None:
    """Count losses of a purse from now on, which trades nothing as long as this lasts.

    Raises: Rejection RISK_STATE where the watch has looked just then; Overloaded; Closed.
    """
    scope = purse_scope(purse)
    exposures = await exchange.query(ExposureQuery())
    known, exposure = exposures.marks.get((scope, asset)), exposures.scopes.get(scope)
    if known is None or exposure is None:
        return  # Nobody has measured it yet.
    gained_units = exposure.profit_units.get(asset, 0)
    mark = attrs.evolve(
        known,
        day_start_units=gained_units,
        high_units=gained_units,
        loss_hit=False,
        drawdown_hit=False,
    )
    command = MarkRisk(scope=scope, asset=asset, mark=mark, request_id="", known=known)
    await exchange.execute(command, account=account_of(purse))


async def measured_elsewhere(_purse: Purse, _asset: AssetName) -> None:
    """Nobody watches."""
    await trio.lowlevel.checkpoint()


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
