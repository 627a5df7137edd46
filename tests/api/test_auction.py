"""Followers of an auction while the exchange has no time for them."""

from __future__ import annotations

import outcome
import pytest
import trio
from trio.testing import MockClock
from xache.v1 import market_pb2, types_pb2

from tests.api.trading_house import Collected, call_of
from tests.domain.market_values import BTC
from xached.actors.matching import Matching
from xached.api.auction import AuctionHandlers
from xached.domain.instrument import Directory
from xached.domain.order import MarketState
from xached.domain.queries import Auction, IndicativeQuery
from xached.runtime.mailbox import Overloaded

ANSWERED = 3
"""Looks of the exchange in the test."""


def listed(_symbol: object) -> bool:
    return False


async def test_a_busy_exchange_ends_no_stream_that_has_begun(autojump_clock: MockClock) -> None:
    """Checked by letting the refusal through: the stream ended with it."""
    directory = Directory()
    directory.list_instrument(BTC)
    matching = Matching(2)
    auctions = AuctionHandlers(matching, directory, lambda _: MarketState.AUCTION, listed)
    told: Collected[market_pb2.WatchAuctionResponse] = Collected()
    wanted = market_pb2.WatchAuctionRequest(symbol=BTC.symbol)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(auctions.watch_auction, call_of("alice"), wanted, told)
        for look in range(ANSWERED):
            (envelope,) = await matching.mailbox.receive_batch(1)
            assert envelope.message == IndicativeQuery(BTC.symbol)
            envelope.answer(outcome.Value(Auction(seq=look, until_ns=None, indication=None)))
            # Nobody is served for a while, and the mailbox is full.
            matching.mailbox.post_nowait(IndicativeQuery(BTC.symbol), lambda _: None)
            await trio.sleep(2.5)
            await matching.mailbox.receive_batch(1)
        nursery.cancel_scope.cancel()
    seqs = [message.seq for message in told.messages]
    assert seqs == sorted(seqs)
    assert set(seqs) == set(range(ANSWERED))
    assert all(message.gathering for message in told.messages)


async def test_a_stream_that_cannot_begin_is_refused(autojump_clock: MockClock) -> None:
    directory = Directory()
    directory.list_instrument(BTC)
    matching = Matching(1)
    matching.mailbox.post_nowait(IndicativeQuery(BTC.symbol), lambda _: None)
    auctions = AuctionHandlers(matching, directory, lambda _: MarketState.AUCTION, listed)
    told: Collected[market_pb2.WatchAuctionResponse] = Collected()
    with pytest.raises(Overloaded):
        await auctions.watch_auction(
            call_of("alice"), market_pb2.WatchAuctionRequest(symbol=BTC.symbol), told
        )
    assert not told.messages


async def test_a_market_without_an_auction_tells_its_state_and_asks_nothing(
    autojump_clock: MockClock,
) -> None:
    """Checked: without the comparison of states the halt is told with the next sign of life; and
    where states alone are compared, that a halted market is gone.
    """
    directory = Directory()
    directory.list_instrument(BTC)
    states, gone = [MarketState.TRADING], [False]
    auctions = AuctionHandlers(Matching(1), directory, lambda _: states[-1], lambda _: gone[-1])
    told: Collected[market_pb2.WatchAuctionResponse] = Collected()
    wanted = market_pb2.WatchAuctionRequest(symbol=BTC.symbol)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(auctions.watch_auction, call_of("alice"), wanted, told)
        await trio.sleep(6.5)
        states.append(MarketState.HALTED)
        await trio.sleep(1)
        gone.append(True)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert not any(message.gathering for message in told.messages)
    trading, halted = types_pb2.MARKET_STATE_TRADING, types_pb2.MARKET_STATE_HALTED
    assert [(message.state, message.delisted) for message in told.messages] == [
        (trading, False), (trading, False), (halted, False), (halted, True),
    ]  # fmt: skip
