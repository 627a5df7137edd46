"""Where a strategy trades: on the books of the house, or on paper. It cannot tell which.

It always sees the house's own names, and so may go from paper to live with the settings it has.
What the paper exchange calls otherwise is translated here, on the way in and on the way out.
"""

from __future__ import annotations

from typing import Final

import attrs
import trio

from xached.actors.strategies.market_data import StrategyFailed
from xached.actors.strategies.surroundings import Exchange, StrategyConfig
from xached.domain.capabilities import OrderCommand
from xached.domain.instrument import Asset, AssetName, Directory, Instrument, Symbol
from xached.domain.market_messages import OpenSubaccount, TransferFunds
from xached.domain.messages import Row, SetRiskBounds
from xached.domain.order import MAIN, account_of, make_purse
from xached.domain.paper import (
    mirrored_name,
    mirrored_symbol,
    opening_commands,
    paper_name,
    paper_symbol,
)
from xached.domain.risk_bounds import purse_scope
from xached.runtime.topic import Topic

MIRROR_LOOK_S: Final = 0.1
MIRROR_S_MAX: Final = 4.0


class LiveFloor:
    """The books of the house."""

    def __init__(self, exchange: Exchange, rows: Topic[Row], directory: Directory) -> None:
        self.exchange: Final = exchange
        self.rows: Final = rows
        self.directory: Final = directory

    async def prepare(self, config: StrategyConfig, /) -> None:
        """See Floor."""
        grant, purse = config.grant, config.purse
        if grant is None:
            await trio.lowlevel.checkpoint()
            return
        account = account_of(purse)
        commands = (
            OpenSubaccount(purse=purse, request_id=""),
            SetRiskBounds(
                scope=purse_scope(purse), bounds=grant.bounds(grant.asset), request_id=""
            ),
            TransferFunds(
                source=make_purse(account, MAIN),
                target=purse,
                asset=grant.asset,
                amount_units=grant.amount_units,
                # One id for ever: a grant that is given again gives nothing.
                request_id=f"fund-{grant.grant_id}",
            ),
        )
        for command in commands:
            await self.exchange.execute(command, account=account)

    def traded_as(self, symbol: Symbol) -> Symbol:
        """See Floor."""
        return symbol

    def translated(self, command: OrderCommand) -> OrderCommand:
        """See Floor."""
        return command

    def instrument(self, symbol: Symbol) -> Instrument:
        """See Floor."""
        return self.directory.instrument(symbol)

    def asset(self, name: AssetName) -> Asset:
        """See Floor."""
        return self.directory.asset(name)


class PaperFloor:
    """The paper exchange, which mirrors the house."""

    def __init__(
        self,
        exchange: Exchange,
        rows: Topic[Row],
        directory: Directory,
        real: Directory,
        opening: int,
    ) -> None:
        """Args:
        directory: what is listed on paper.
        real: what is listed in the house.
        opening: whole coins of each quote asset that a purse without a budget begins with.
        """
        self.exchange: Final = exchange
        self.rows: Final = rows
        self.directory: Final = directory
        self._real = real
        self._opening = opening

    async def prepare(self, config: StrategyConfig, /) -> None:
        """See Floor."""
        traded = [self.traded_as(symbol) for symbol in config.symbols]
        with trio.move_on_after(MIRROR_S_MAX) as waiting:
            # The mirror lists them soon after the start of the house.
            while not all(symbol in self.directory for symbol in traded):  # noqa: ASYNC110 - nobody tells of it
                await trio.sleep(MIRROR_LOOK_S)
        if waiting.cancelled_caught:
            raise StrategyFailed("its markets cannot be traded on paper")
        account = account_of(config.purse)
        for command in opening_commands(config.purse, self._amounts(config)):
            await self.exchange.execute(command, account=account)
        if config.grant is not None:
            bounds = config.grant.bounds(paper_name(config.grant.asset))
            scope = purse_scope(config.purse)
            await self.exchange.execute(
                SetRiskBounds(scope=scope, bounds=bounds, request_id=""), account=account
            )

    def _amounts(self, config: StrategyConfig) -> dict[AssetName, int]:
        if config.grant is not None:
            return {paper_name(config.grant.asset): config.grant.amount_units}
        quotes = sorted({self._real.instrument(symbol).quote for symbol in config.symbols})
        return {
            paper_name(asset): self._opening * 10 ** self._real.asset(asset).scale
            for asset in quotes
            if self._opening
        }

    def traded_as(self, symbol: Symbol) -> Symbol:
        """See Floor."""
        return paper_symbol(self._real.instrument(symbol))

    def translated(self, command: OrderCommand) -> OrderCommand:
        """See Floor."""
        return attrs.evolve(command, symbol=self.traded_as(command.symbol))

    def instrument(self, symbol: Symbol) -> Instrument:
        """See Floor."""
        return self._real.instrument(mirrored_symbol(symbol))

    def asset(self, name: AssetName) -> Asset:
        """See Floor."""
        return self._real.asset(mirrored_name(name))
