"""What purses hold and what it is worth: positions at the mark, and portfolios in one asset."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Final

import trio
from xache.v1 import trading_pb2, types_pb2, wallet_pb2

from xached.actors.history import History
from xached.actors.market.data import MarketData
from xached.actors.matching import Matching
from xached.api import convert
from xached.api.owned import Owned, Valued, flows_of
from xached.api.past_prices import FLOWS_AT_A_TIME, PastPrices, PastValues
from xached.api.routes import Call
from xached.domain.instrument import AssetName, Directory, Symbol
from xached.domain.market import XACHE, Provenance, Source
from xached.domain.money import format_units
from xached.domain.portfolio import (
    Change,
    Price,
    PriceKind,
    change_between,
    unrealised_units,
    worth_units,
)
from xached.domain.position import Position
from xached.domain.statement import Transaction

DAY_NS: Final = 86_400 * 10**9
PPM: Final = 1_000_000


class Portfolios:
    """Handlers of TradingService and WalletService that value what is held."""

    def __init__(
        self,
        matching: Matching,
        directory: Directory,
        history: History,
        market: MarketData,
        now_ns: Callable[[], int],
    ) -> None:
        self._owned = Owned(matching, directory, history, now_ns)
        self._directory = directory
        self._market = market

    async def list_positions(
        self, call: Call, _request: trading_pb2.ListPositionsRequest
    ) -> trading_pb2.ListPositionsResponse:
        """List the positions of a purse, each at the price of now."""
        holdings = await self._owned.holdings((call.purse,), self._owned.now_ns())
        positions = holdings.purses[call.purse].positions
        return trading_pb2.ListPositionsResponse(
            positions=[
                self._position(symbol, position, holdings.prices.get(symbol))
                for symbol, position in positions.items()
            ]
        )

    async def get_portfolio(
        self, call: Call, request: wallet_pb2.GetPortfolioRequest
    ) -> wallet_pb2.GetPortfolioResponse:
        """Tell what a purse, or the whole account, is worth in one asset."""
        now_ns = self._owned.now_ns()
        valued = await self._owned.valued(call, request.base_asset, request.whole_account)
        base, holdings = valued.base, valued.holdings
        answer = wallet_pb2.GetPortfolioResponse(
            base_asset=base,
            value=self._owned.show(base, valued.worth),
            allocations=[self._allocation(asset, valued) for asset in valued.by_worth()],
            realised=self._owned.show(base, valued.realised),
            unrealised=self._owned.show(base, valued.unrealised),
            seq=holdings.seq,
            at_ns=now_ns,
        )
        gained = int(valued.realised + valued.unrealised)
        put_in = int(valued.worth) - gained
        if put_in > 0:
            answer.return_ppm = gained * PPM // put_in
        change = await self._change(valued, now_ns)
        if change is not None:
            answer.change_24h = self._owned.show(base, Fraction(change.change_units))
            answer.flows_24h = self._owned.show(base, Fraction(change.flows_units))
            if change.return_ppm is not None:
                answer.return_24h_ppm = change.return_ppm
        return answer

    # --- now --------------------------------------------------------------------------------

    def _position(
        self, symbol: Symbol, position: Position, price: Price | None
    ) -> types_pb2.Position:
        instrument = self._directory[symbol]
        message = convert.position_message(symbol, position, instrument)
        if price is not None:
            message.price = instrument.format_price(price.ticks)
            message.price_kind = convert.wire(price.kind)
            message.price_source.CopyFrom(self._source(symbol, price))
            message.value = instrument.format_quote(worth_units(position, price, instrument))
            unrealised = unrealised_units(position, price, instrument)
            message.unrealised = instrument.format_quote(unrealised)
        return message

    def _allocation(self, asset: AssetName, valued: Valued) -> wallet_pb2.Allocation:
        told = self._directory.assets[asset]
        message = wallet_pb2.Allocation(
            asset=asset, quantity=format_units(valued.quantities[asset], told.scale)
        )
        worth = valued.worths.get(asset)
        if worth is None:
            return message
        message.value = self._owned.show(valued.base, worth)
        message.share_ppm = int(worth * PPM / valued.worth) if valued.worth else 0
        for symbol, _ in valued.legs(asset):
            price = valued.holdings.prices[symbol]
            message.prices.append(
                wallet_pb2.AssetPrice(
                    symbol=symbol,
                    price=self._directory[symbol].format_price(price.ticks),
                    kind=convert.wire(price.kind),
                    source=self._source(symbol, price),
                )
            )
        return message

    def _source(self, symbol: Symbol, price: Price) -> types_pb2.Source:
        """Where a price comes from: the mark from who sent it, the last trade from the house."""
        source = Source(XACHE, Provenance.LIVE)
        venue = self._market.own.mark_venues.get(symbol) if price.kind is PriceKind.MARK else XACHE
        known = self._market.lines.get((symbol, venue)) if venue is not None else None
        if known is not None:
            source = self._market.ticker(known.line).source
        elif venue is not None:
            source = Source(venue, Provenance.LIVE)
        return types_pb2.Source(venue=source.venue, provenance=convert.wire(source.provenance))

    # --- 24 hours ago -----------------------------------------------------------------------

    async def _change(self, valued: Valued, now_ns: int) -> Change | None:
        """How the worth has changed in a day; None where that is not known."""
        if not valued.complete:
            # What has no price now would look like a loss of all of it.
            return None
        since_ns = now_ns - DAY_NS
        moved: list[Transaction] = []
        for purse in valued.holdings.purses:
            found = await self._owned.moved_since(purse, since_ns, valued.holdings.seq)
            if found is None:
                return None
            moved += found
        quantities = dict(valued.quantities)
        for each in moved:
            quantities[each.asset] = quantities.get(each.asset, 0) - each.amount_units
        # Transfers between purses that are looked at together are no flows of them.
        flows = flows_of(moved, valued.holdings.purses)
        prices = PastPrices(self._market, since_ns, now_ns)
        values_of = PastValues(valued.base, self._directory, prices)
        await prices.load(values_of.symbols(quantities), [each.at_ns for each in flows])
        then = Fraction(0)
        for asset, units in quantities.items():
            worth = values_of.at(asset, units, since_ns)
            if worth is None:
                return None
            then += worth
        came_in = went_out = Fraction(0)
        for number, each in enumerate(flows, 1):
            if number % FLOWS_AT_A_TIME == 0:
                await trio.lowlevel.checkpoint()
            worth = values_of.at(each.asset, each.amount_units, each.at_ns)
            if worth is None:
                return None
            came_in += max(worth, Fraction(0))
            went_out -= min(worth, Fraction(0))
        return change_between(int(then), int(valued.worth), int(came_in), int(went_out))
