"""A market to look at: two instruments, the house's own line and a recorded venue's."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs
import trio
from xache.v1 import live_pb2

from tests.api.edge import Doorman
from tests.domain.market_values import BTC, ETH
from xached.actors.market.data import MarketData, WatchedLine
from xached.actors.matching import Matching
from xached.api.auction import AuctionHandlers
from xached.api.errors import Interceptor
from xached.api.http_api import HttpApi
from xached.api.market import MarketHandlers
from xached.api.routes import Routes, Service
from xached.api.screen import ScreenHandlers
from xached.domain.candles import NS_PER_S, Candle, Interval
from xached.domain.instrument import Directory, Instrument
from xached.domain.market import BINANCE, XACHE, Provenance, Source, Venue
from xached.domain.order import MarketState, Side
from xached.domain.own_market import MarketRules, OwnMarketSnapshot
from xached.runtime.world import RealWorld

RECORDED = Source(BINANCE, Provenance.RECORDED)
PRICE_TICKS = 6_300_000
LISTED = (BTC, ETH)


@attrs.frozen
class Clock:
    """A wall clock for MarketData."""

    now_ns: Callable[[], int]


class ShownMarket:
    """Market data that a test writes instead of the market actor."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.now_ns = now_ns
        self.data = MarketData(Clock(now_ns))
        self.directory = Directory()
        for instrument in LISTED:
            self.directory.list_instrument(instrument)
        rules = MarketRules(state=MarketState.TRADING, reference_ticks=PRICE_TICKS)
        self.data.own.start(
            OwnMarketSnapshot(
                seq=1,
                markets={instrument.symbol: rules for instrument in LISTED},
                orders=(),
                simulated_purses=frozenset(),
                halted=False,
            ),
            now_ns(),
        )
        for instrument in LISTED:
            self.data.own_line(instrument.symbol)
            self.data.venue_line(instrument.symbol, RECORDED)
        self._trade_id = 0

    def line(self, venue: Venue, instrument: Instrument = BTC) -> WatchedLine:
        """A line to write to."""
        return self.data.lines[instrument.symbol, venue]

    def trade(
        self,
        venue: Venue,
        price_ticks: int,
        lots: int = 1_000,
        side: Side = Side.BUY,
        instrument: Instrument = BTC,
    ) -> None:
        """Let something trade now; on the house's own market it is simulated."""
        self._trade_id += 1
        self.line(venue, instrument).line.trade(
            trade_id=str(self._trade_id),
            price_ticks=price_ticks,
            quantity_lots=lots,
            taker_side=side,
            at_ns=self.now_ns(),
            simulated=venue == XACHE,
        )

    def level(
        self, venue: Venue, side: Side, price_ticks: int, lots: int, instrument: Instrument = BTC
    ) -> None:
        """Set a level of a book."""
        line = self.line(venue, instrument).line
        line.book.depth.set(side, price_ticks, lots)
        line.book.changed(self.now_ns())
        line.book_changed()

    def fill(self, *venues: Venue) -> None:
        """Give lines, by default all, a past, a book and a few trades."""
        for instrument in LISTED:
            for venue, shift in ((XACHE, 150), (BINANCE, 0)):
                if venues and venue not in venues:
                    continue
                history = walk(self.now_ns(), PRICE_TICKS + shift, count=240)
                last = history[-1].close_ticks
                self.line(venue, instrument).line.preload(history)
                for depth in range(1, 21):
                    lots = 400 + 90 * (depth * 7 % 11)
                    self.level(venue, Side.BUY, last - 40 * depth, lots, instrument)
                    self.level(venue, Side.SELL, last + 40 * depth, lots + 60, instrument)
                for step in range(40):
                    side = Side.BUY if step % 3 else Side.SELL
                    price_ticks = last + 40 * (1 if side is Side.BUY else -1)
                    self.trade(venue, price_ticks, 300 + step * 17, side, instrument)


def api_of(market: ShownMarket) -> HttpApi:
    """The calls of the web client's screens, on a market alone: nobody has a purse."""

    async def no_purse(*_call: object) -> None:
        await trio.sleep_forever()

    def incident(incident_id: str, method: str, error: BaseException) -> None:
        raise AssertionError(f"{method} {incident_id}") from error

    auctions = AuctionHandlers(
        Matching(1), market.directory, market.data.market_state, market.data.own.delisted
    )
    screens = ScreenHandlers(
        MarketHandlers(market.data, market.directory), auctions.watch_auction, no_purse
    )
    service = Service(
        descriptor=live_pb2.DESCRIPTOR.services_by_name["LiveService"], handlers=screens
    )
    routes = Routes([service], Doorman())
    return HttpApi(routes, Interceptor(RealWorld(), incident), market.now_ns)


def walk(until_ns: int, price_ticks: int, count: int) -> list[Candle]:
    """Candles of a minute that end before a time, the same on each call."""
    draw = random.Random(7)
    minute = Interval.M1
    first_ns = until_ns - until_ns % minute.ns - count * minute.ns
    candles = []
    for number in range(count):
        close = price_ticks + draw.randint(-4_000, 4_000)
        candles.append(
            Candle(
                interval=minute,
                open_at_ns=first_ns + number * minute.ns,
                open_ticks=price_ticks,
                high_ticks=max(price_ticks, close) + draw.randint(0, 2_000),
                low_ticks=min(price_ticks, close) - draw.randint(0, 2_000),
                close_ticks=close,
                volume_lots=draw.randint(1_000, 200_000),
                trades=draw.randint(1, 90),
                simulated_trades=0,
                closed=True,
            )
        )
        price_ticks = close
    assert candles[-1].ends_at_ns <= until_ns, "no trade may be older than the history"
    assert first_ns % NS_PER_S == 0
    return candles
