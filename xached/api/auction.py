"""MarketService: what a market lets people do, and at what price it would open in an auction.

Anybody may look, so the exchange is asked at most once a second and market, however many do, and
only while orders gather.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs
import trio
from xache.v1 import market_pb2

from xached.actors.matching import Matching
from xached.api.convert import wire
from xached.api.routes import Call, Responses
from xached.domain.instrument import Directory, Instrument, Symbol
from xached.domain.order import MarketState
from xached.domain.queries import Auction, IndicativeQuery
from xached.runtime.mailbox import Overloaded

PERIOD_S: Final = 1.0
SILENCE_PERIODS: Final = 5
"""Periods in which nothing is told before a sign of life."""


@attrs.define
class _Look:
    """What was seen last; ``lock`` lets one look at a time."""

    at_s: float = float("-inf")
    auction: Auction | None = None
    lock: trio.Lock = attrs.field(factory=trio.Lock)


class AuctionHandlers:
    """Handlers of MarketService about auctions.

    Args:
        matching: asked how an auction stands.
        directory: the markets there are.
        state_of: what a market lets people do now.
        delisted: whether it takes no orders any more.
    """

    def __init__(
        self,
        matching: Matching,
        directory: Directory,
        state_of: Callable[[Symbol], MarketState],
        delisted: Callable[[Symbol], bool],
    ) -> None:
        self._matching = matching
        self._directory = directory
        self._state_of = state_of
        self._delisted = delisted
        self._looks: dict[Symbol, _Look] = {}

    async def watch_auction(
        self,
        _call: Call,
        request: market_pb2.WatchAuctionRequest,
        responses: Responses[market_pb2.WatchAuctionResponse],
    ) -> None:
        """Tell the indicative price and imbalance of a market every second of its auction."""
        instrument = self._directory.instrument(request.symbol)
        silent = SILENCE_PERIODS
        told: tuple[MarketState, bool] | None = None
        while True:
            state, delisted = self._state_of(instrument.symbol), self._delisted(instrument.symbol)
            gathers = state is MarketState.AUCTION
            auction = await self._look(instrument.symbol) if gathers else None
            silent += 1
            # How the market stands is told once; then only signs of life.
            if auction is not None or (state, delisted) != told or silent >= SILENCE_PERIODS:
                await responses.send(_message(instrument, state, auction, delisted=delisted))
                silent, told = 0, (state, delisted)
            await trio.sleep(PERIOD_S)

    async def _look(self, symbol: Symbol) -> Auction | None:
        look = self._looks.setdefault(symbol, _Look())
        async with look.lock:
            now_s = trio.current_time()
            if now_s >= look.at_s + PERIOD_S:
                try:
                    look.auction = await self._matching.query(IndicativeQuery(symbol))
                except Overloaded:
                    if look.at_s < 0:
                        raise
                    # Asked again in the next period: that ends nobody's stream.
                look.at_s = now_s
        return look.auction


def _message(
    instrument: Instrument, state: MarketState, auction: Auction | None, *, delisted: bool
) -> market_pb2.WatchAuctionResponse:
    message = market_pb2.WatchAuctionResponse(
        symbol=instrument.symbol, state=wire(state), delisted=delisted
    )
    if auction is None:
        return message
    message.gathering = True
    message.seq = auction.seq
    message.until_ns = auction.until_ns or 0
    indication = auction.indication
    if indication is not None:
        message.price = instrument.format_price(indication.price_ticks)
        message.quantity = instrument.format_quantity(indication.volume_lots)
        message.buy_imbalance = instrument.format_quantity(max(0, indication.imbalance_lots))
        message.sell_imbalance = instrument.format_quantity(max(0, -indication.imbalance_lots))
    return message
