"""One stream for a screen: the streams of a market and a purse, each message marked as whose it is.

The handlers are those that serve each stream alone. What they send goes through one response
stream, so that a reader that is slow holds back all of them alike, and conflates as they do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any, TypeAlias

import trio
from google.protobuf.message import Message
from xache.v1 import live_pb2, market_pb2, trading_pb2

from xached.api.errors import status_of
from xached.api.market import MarketHandlers
from xached.api.routes import Call, Handler, Responses

Stream: TypeAlias = Callable[[], Awaitable[Any]]


class ScreenHandlers:
    """Streams for screens.

    Args:
        market: streams markets.
        watch_auction: streams the state of a market and its auctions.
        watch_purse: streams a purse, real or paper.
    """

    def __init__(
        self, market: MarketHandlers, watch_auction: Handler, watch_purse: Handler
    ) -> None:
        self._market = market
        self._watch_auction = watch_auction
        self._watch_purse = watch_purse

    async def watch_market(
        self,
        call: Call,
        request: live_pb2.WatchMarketRequest,
        responses: Responses[live_pb2.WatchMarketResponse],
    ) -> None:
        """Stream one market."""
        await _together(
            self._market_streams(call, request, responses, live_pb2.WatchMarketResponse)
        )

    async def watch_desk(
        self,
        call: Call,
        request: live_pb2.WatchDeskRequest,
        responses: Responses[live_pb2.WatchDeskResponse],
    ) -> None:
        """Stream one market and the caller's purse."""
        purse = trading_pb2.WatchPurseRequest(
            subaccount=request.subaccount, after_seq=request.purse_after_seq
        )
        lane = _Lane("purse", responses, live_pb2.WatchDeskResponse)
        market = self._market_streams(call, request, responses, live_pb2.WatchDeskResponse)
        await _together([partial(self._watch_purse, call, purse, lane), *market])

    def _market_streams(
        self, call: Call, request: Any, responses: Responses[Any], envelope: type[Message]
    ) -> list[Stream]:
        market = {"symbol": request.symbol, "venue": request.venue}
        streams: list[tuple[str, Handler, Message]] = [
            (
                "book",
                self._market.watch_book,
                market_pb2.WatchBookRequest(**market, depth=request.depth),
            ),
            (
                "trades",
                self._market.watch_trades,
                market_pb2.WatchTradesRequest(**market, after_sequence=request.after_trade),
            ),
            ("tickers", self._market.watch_tickers, market_pb2.WatchTickersRequest()),
            (
                "candles",
                self._market.watch_candles,
                market_pb2.WatchCandlesRequest(
                    **market, interval=request.interval, from_ns=request.candles_from_ns
                ),
            ),
            (
                "auction",
                self._watch_auction,
                market_pb2.WatchAuctionRequest(symbol=request.symbol),
            ),
        ]
        return [
            partial(watch, call, wanted, _Lane(name, responses, envelope))
            for name, watch, wanted in streams
        ]


async def _together(streams: Iterable[Stream]) -> None:
    """Run streams until one of them fails.

    A market that is not listed is refused by each of them in the same instant: once is enough.
    """
    try:
        async with trio.open_nursery() as nursery:
            for stream in streams:
                nursery.start_soon(stream)
    except ExceptionGroup as errors:
        if all(status_of(error) is not None for error in errors.exceptions):
            raise errors.exceptions[0] from None
        raise


class _Lane:
    """The response stream as one of the handlers sees it (routes.Responses)."""

    def __init__(self, name: str, responses: Responses[Any], envelope: type[Message]) -> None:
        self._name = name
        self._responses = responses
        self._envelope = envelope

    @property
    def buffered(self) -> int:
        """See routes.Responses."""
        return self._responses.buffered

    def send_nowait(self, message: Message) -> None:
        """See routes.Responses."""
        self._responses.send_nowait(self._wrap(message))

    async def send(self, message: Message) -> None:
        """See routes.Responses."""
        await self._responses.send(self._wrap(message))

    async def send_many(self, messages: Iterable[Message]) -> None:
        """See routes.Responses."""
        await self._responses.send_many([self._wrap(message) for message in messages])

    async def flush(self) -> None:
        """See routes.Responses."""
        await self._responses.flush()

    def _wrap(self, message: Message) -> Message:
        return self._envelope(**{self._name: message})
