"""One stream for a screen: every message of every stream comes, marked as whose it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import live_pb2, market_pb2, trading_pb2

from tests.api.shown_market import PRICE_TICKS, ShownMarket
from tests.domain.market_values import BTC
from xached.actors.matching import Matching
from xached.api.auction import AuctionHandlers
from xached.api.market import MarketHandlers
from xached.api.screen import ScreenHandlers
from xached.domain.market import BINANCE
from xached.domain.order import Side
from xached.domain.rejection import Reason, Rejection

NO_CALL: Any = object()
START_NS = 1_767_225_600_000_000_000


@attrs.define
class Reader:
    """A client that reads all it is sent."""

    messages: list[Any] = attrs.field(factory=list)
    buffered: int = 0

    def send_nowait(self, message: Any) -> None:
        """See routes.Responses."""
        self.messages.append(message)

    async def send(self, message: Any) -> None:
        """See routes.Responses."""
        await trio.lowlevel.checkpoint()
        self.messages.append(message)

    async def send_many(self, messages: Iterable[Any]) -> None:
        """See routes.Responses."""
        await trio.lowlevel.checkpoint()
        self.messages.extend(messages)

    async def flush(self) -> None:
        """See routes.Responses."""
        await trio.lowlevel.checkpoint()

    def kinds(self) -> set[str]:
        """Whose messages came."""
        return {message.WhichOneof("event") for message in self.messages}


async def purse_of_nobody(_call: Any, request: Any, responses: Any) -> None:
    """A purse in which one thing happens."""
    await responses.send_many(
        [trading_pb2.WatchPurseResponse(seq=request.after_seq + 1, at_ns=START_NS)]
    )
    await trio.sleep_forever()


@pytest.fixture
def market() -> ShownMarket:
    market = ShownMarket(lambda: START_NS)
    market.fill(BINANCE)
    return market


@pytest.fixture
def screens(market: ShownMarket) -> ScreenHandlers:
    handlers = MarketHandlers(market.data, market.directory)
    auctions = AuctionHandlers(
        Matching(1), market.directory, market.data.market_state, market.data.own.delisted
    )
    return ScreenHandlers(handlers, auctions.watch_auction, purse_of_nobody)


async def test_a_desk_is_told_of_its_market_and_its_purse(
    screens: ScreenHandlers, market: ShownMarket, autojump_clock: MockClock
) -> None:
    reader = Reader()
    request = live_pb2.WatchDeskRequest(
        symbol="BTC-USDT", venue=BINANCE, interval=market_pb2.INTERVAL_1S, purse_after_seq=41
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(screens.watch_desk, NO_CALL, request, reader)
        await trio.sleep(1)
        market.trade(BINANCE, PRICE_TICKS + 5, 7, Side.BUY, BTC)
        market.line(BINANCE).trades_changed.unpark_all()
        await trio.sleep(2)
        nursery.cancel_scope.cancel()
    assert reader.kinds() == {"book", "trades", "tickers", "candles", "auction", "purse"}
    (purse,) = [each.purse for each in reader.messages if each.WhichOneof("event") == "purse"]
    assert purse.seq == 42, "it goes on where the reader was"
    traded = [trade for each in reader.messages for trade in each.trades.trades]
    assert [trade.price for trade in traded] == [BTC.format_price(PRICE_TICKS + 5)]


async def test_without_a_session_there_is_the_market_alone(
    screens: ScreenHandlers, autojump_clock: MockClock
) -> None:
    reader = Reader()
    request = live_pb2.WatchMarketRequest(symbol="BTC-USDT", interval=market_pb2.INTERVAL_1M)
    with trio.move_on_after(6):
        await screens.watch_market(NO_CALL, request, reader)
    assert {"book", "tickers", "auction"} <= reader.kinds()
    assert "purse" not in reader.kinds()


async def test_what_every_stream_refuses_is_refused_once(screens: ScreenHandlers) -> None:
    """The book, the trades and the candles all refuse: together they would be a fault."""
    request = live_pb2.WatchMarketRequest(symbol="DOGE-USDT", interval=market_pb2.INTERVAL_1M)
    with pytest.raises(Rejection) as refused:
        await screens.watch_market(NO_CALL, request, Reader())
    assert refused.value.reason is Reason.UNKNOWN_INSTRUMENT
