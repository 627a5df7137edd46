"""MarketService's handlers over a running market actor, without a network."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import attrs
import grpc
import pytest
import trio
import trio.testing
from google.protobuf.message import Message
from xache.live.book import LiveBook
from xache.v1 import market_pb2, types_pb2

from tests.actors.market_house import CommandedFeed, RowsExchange, Running, quote, running
from tests.domain.market_values import ModelVenue
from tests.storage.house import INSTRUMENT, SYMBOL
from xached.actors.matching import Matching
from xached.api.auction import AuctionHandlers
from xached.api.errors import status_of
from xached.api.indicators import IndicatorHandlers
from xached.api.market import HEARTBEAT_S, MarketHandlers, book_checksum
from xached.api.routes import Call, Responses, Routes, Service
from xached.domain.depth import TopLevels
from xached.domain.instrument import Asset, AssetName, Directory
from xached.domain.market import BINANCE, XACHE, BookSnapshot, Heartbeat, Provenance, VenueTrade
from xached.domain.market_messages import DelistInstrument, InstrumentDelisted
from xached.domain.messages import Row
from xached.domain.order import Side
from xached.domain.rejection import Rejection

Sent = TypeVar("Sent", bound=Message)

CALL = cast(Call, None)
"""Public methods do not look at their call."""


class Collected(Generic[Sent]):
    """Responses that are kept; ``closed`` stands for a client that does not read."""

    def __init__(self) -> None:
        self.messages: list[Sent] = []
        self.times: list[float] = []
        self.closed = False

    @property
    def buffered(self) -> int:
        """See Responses."""
        return 0

    def send_nowait(self, message: Sent) -> None:
        """See Responses."""
        self.messages.append(message)
        self.times.append(trio.current_time())

    async def send(self, message: Sent) -> None:
        """See Responses."""
        if self.closed:
            await trio.sleep_forever()
        await trio.lowlevel.checkpoint()
        self.send_nowait(message)

    async def send_many(self, messages: Iterable[Sent]) -> None:
        """See Responses."""
        for message in messages:
            await self.send(message)

    async def flush(self) -> None:
        """See Responses."""
        await trio.lowlevel.checkpoint()


@attrs.define
class Edge:
    """The handlers and what is behind them."""

    handlers: MarketHandlers
    house: Running


@pytest.fixture
async def edge(tmp_path: Path) -> AsyncIterator[Edge]:
    exchange = RowsExchange(5)
    exchange.trade(400)
    directory = Directory()
    for name, scale in (("BTC", 8), ("USDT", 6)):
        directory.list_asset(Asset(AssetName(name), scale))
    directory.list_instrument(INSTRUMENT)
    async with running(tmp_path, exchange, feed=CommandedFeed(Provenance.RECORDED)) as house:
        yield Edge(MarketHandlers(house.data, directory), house)


def trade(edge: Edge, trade_id: int, price_ticks: int = 500_000) -> VenueTrade:
    return VenueTrade(
        symbol=SYMBOL,
        trade_id=trade_id,
        price_ticks=price_ticks,
        quantity_lots=25_000,
        taker_side=Side.SELL,
        at_ns=edge.house.world.now_ns(),
    )


async def watch(handler: Any, request: Message, seconds: float) -> Collected[Any]:
    """What a stream sends in some seconds."""
    responses: Collected[Any] = Collected()
    with trio.move_on_after(seconds):
        await handler(CALL, request, cast(Responses[Any], responses))
    return responses


async def test_every_method_has_its_handler(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    descriptor = market_pb2.DESCRIPTOR.services_by_name["MarketService"]
    data = edge.house.data
    auctions = AuctionHandlers(Matching(8), Directory(), data.market_state, data.own.delisted)
    indicators = IndicatorHandlers(data, Directory())
    service = Service(descriptor=descriptor, handlers=(edge.handlers, indicators, auctions))
    routes = Routes([service], authorizer=cast(Any, None))
    assert len(routes.paths) == 12


async def test_instruments_say_their_rules_and_state(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    answer = await edge.handlers.list_instruments(CALL, market_pb2.ListInstrumentsRequest())
    (instrument,) = answer.instruments
    assert (instrument.symbol, instrument.tick_size) == ("BTC-USDT", "0.1")
    assert instrument.state == types_pb2.MARKET_STATE_TRADING
    assert [(asset.name, asset.scale) for asset in answer.assets] == [("BTC", 8), ("USDT", 6)]


async def test_a_market_that_is_gone_is_told_as_such(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    own = edge.house.data.own
    own.fold(
        Row(
            seq=own.seq + 1,
            at_ns=1,
            command=DelistInstrument(symbol=SYMBOL, cause="few trades", request_id=""),
            events=(InstrumentDelisted(symbol=SYMBOL, cause="few trades"),),
        )
    )
    answer = await edge.handlers.list_instruments(CALL, market_pb2.ListInstrumentsRequest())
    (instrument,) = answer.instruments
    assert (instrument.delisted, instrument.state) == (True, types_pb2.MARKET_STATE_HALTED)


# --- Books. ----------------------------------------------------------------------------------


async def test_a_book_is_told_best_first_and_no_deeper_than_asked(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    depth = edge.house.data.line(SYMBOL, XACHE).book.depth
    while min(len(depth.bids(4)), len(depth.asks(4))) < 4:
        edge.house.exchange.trade(1)
        await trio.testing.wait_all_tasks_blocked()
    request = market_pb2.GetBookRequest(symbol="BTC-USDT", depth=3)
    book = await edge.handlers.get_book(CALL, request)
    bids = [Decimal(level.price) for level in book.bids]
    asks = [Decimal(level.price) for level in book.asks]
    assert len(bids) == len(asks) == 3
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert bids[0] < asks[0]
    assert book.source == types_pb2.Source(venue="XACHE", provenance=types_pb2.PROVENANCE_LIVE)
    assert book.sequence == edge.house.data.line(SYMBOL, XACHE).book.sequence


async def test_a_book_is_told_twenty_levels_deep_unless_said_otherwise(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    deep = BookSnapshot(
        symbol=SYMBOL,
        last_id=1,
        bids=tuple((price, 1) for price in range(1, 31)),
        asks=tuple((price, 1) for price in range(31, 61)),
        at_ns=0,
    )
    edge.house.feed.publish([deep])
    request = market_pb2.GetBookRequest(symbol="BTC-USDT", venue="BINANCE")
    book = await edge.handlers.get_book(CALL, request)
    assert (len(book.bids), len(book.asks)) == (20, 20)


async def test_a_watched_book_is_rebuilt_by_its_client(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    request = market_pb2.WatchBookRequest(symbol="BTC-USDT", depth=5)
    responses: Collected[market_pb2.WatchBookResponse] = Collected()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(edge.handlers.watch_book, CALL, request, cast(Responses[Any], responses))
        for _ in range(100):
            edge.house.exchange.trade(7)
            await trio.sleep(0.01)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    first, *others = responses.messages
    assert first.WhichOneof("step") == "snapshot"
    bids = {level.price: level.quantity for level in first.snapshot.bids}
    asks = {level.price: level.quantity for level in first.snapshot.asks}
    known = first.sequence
    for message in others:
        assert message.first_sequence == known + 1
        known = message.sequence
        for levels, changes in ((bids, message.change.bids), (asks, message.change.asks)):
            for level in changes:
                levels[level.price] = level.quantity
                if level.quantity == "0":
                    del levels[level.price]
    now = await edge.handlers.get_book(CALL, market_pb2.GetBookRequest(symbol="BTC-USDT", depth=5))
    assert bids == {level.price: level.quantity for level in now.bids}
    assert asks == {level.price: level.quantity for level in now.asks}
    # A busy market is told at the stream's pace: 700 rows, about a second.
    assert 10 < len(others) < 60


async def test_a_watched_book_says_that_it_is_stale_and_that_it_is_no_more(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    """At once, though no level of it has changed."""
    venue = ModelVenue()
    venue.change(Side.BUY, 10, 1_000)
    edge.house.feed.publish([venue.snapshot()])
    request = market_pb2.WatchBookRequest(symbol="BTC-USDT", venue="BINANCE")
    late: list[Collected[Any]] = []
    responses: Collected[market_pb2.WatchBookResponse] = Collected()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(edge.handlers.watch_book, CALL, request, cast(Responses[Any], responses))
        await trio.sleep(8)
        asked = market_pb2.GetBookRequest(symbol="BTC-USDT", venue="BINANCE")
        assert (await edge.handlers.get_book(CALL, asked)).stale
        late.append(await watch(edge.handlers.watch_book, request, 0.1))
        late_s = trio.current_time()
        edge.house.feed.publish([Heartbeat(at_ns=edge.house.world.now_ns())])
        await trio.sleep(0.1)
        assert not (await edge.handlers.get_book(CALL, asked)).stale
        nursery.cancel_scope.cancel()
    first, *others = responses.messages
    assert (first.WhichOneof("step"), first.stale) == ("snapshot", False)
    assert {each.WhichOneof("step") for each in others} == {"heartbeat"}
    told = [stale for stale, _ in groupby(each.stale for each in responses.messages)]
    assert told == [False, True, False]
    assert responses.times[-1] - late_s < 0.2, "not only with the next sign of life"
    assert [each.stale for each in late[0].messages] == [True], "whoever comes later is told too"
    own = market_pb2.GetBookRequest(symbol="BTC-USDT")
    assert not (await edge.handlers.get_book(CALL, own)).stale, "nobody has to trade here"


async def test_a_reset_book_comes_whole(edge: Edge, autojump_clock: trio.testing.MockClock) -> None:
    venue = ModelVenue()
    venue.change(Side.BUY, 10, 1_000)
    edge.house.feed.publish([venue.snapshot()])
    request = market_pb2.WatchBookRequest(symbol="BTC-USDT", venue="BINANCE")
    responses: Collected[market_pb2.WatchBookResponse] = Collected()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(edge.handlers.watch_book, CALL, request, cast(Responses[Any], responses))
        await trio.sleep(0.1)
        venue.diff()
        venue.change(Side.BUY, 11, 1)
        venue.diff()
        venue.change(Side.BUY, 12, 1)
        edge.house.feed.publish([venue.diff()])
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    whole, reset = responses.messages
    assert (whole.snapshot.bids[0].price, whole.snapshot.bids[0].quantity) == ("1.0", "0.01")
    assert whole.source.provenance == types_pb2.PROVENANCE_RECORDED
    assert reset.snapshot.reset
    assert not reset.snapshot.bids


def test_the_checksum_is_the_one_in_the_proto() -> None:
    """The example of WatchBookResponse, and that only the best ten levels a side count."""
    bids = ((500_000, 100_000),)
    asks = ((500_002, 50_000), (500_004, 12_000))
    top = TopLevels(epoch=0, sequence=1, depth=5, bids=bids, asks=asks)
    assert book_checksum(INSTRUMENT, top) == 2881648606
    text = (Path(__file__).parents[2] / "protos/xache/v1/market.proto").read_text()
    assert "checksum 2881648606." in text
    assert book_checksum(INSTRUMENT, attrs.evolve(top, bids=(), asks=())) == 0
    deep = attrs.evolve(top, bids=tuple((500_000 - n, 1) for n in range(10)), asks=())
    deeper = attrs.evolve(deep, bids=(*deep.bids, (1, 1)))
    assert book_checksum(INSTRUMENT, deep) == book_checksum(INSTRUMENT, deeper)


# --- Trades. ---------------------------------------------------------------------------------


async def test_trades_are_listed_newest_first(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    edge.house.feed.publish([trade(edge, 1), trade(edge, 2, 500_001)])
    request = market_pb2.ListTradesRequest(symbol="BTC-USDT", venue="BINANCE", limit=5)
    newest, older = (await edge.handlers.list_trades(CALL, request)).trades
    assert (newest.trade_id, newest.price, newest.quantity) == ("2", "50000.1", "0.25")
    assert newest.taker_side == types_pb2.SIDE_SELL
    assert newest.sequence == older.sequence + 1
    assert newest.source.provenance == types_pb2.PROVENANCE_RECORDED


async def test_watched_trades_resume_and_say_what_was_skipped(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    edge.house.feed.publish([trade(edge, number) for number in range(1, 11)])
    tape = edge.house.data.line(SYMBOL, BINANCE).tape
    request = market_pb2.WatchTradesRequest(
        symbol="BTC-USDT", venue="BINANCE", after_sequence=tape.sequence - 3
    )
    (message,) = (await watch(edge.handlers.watch_trades, request, 1)).messages
    assert [each.trade_id for each in message.trades] == ["8", "9", "10"]
    assert message.lagged_to == 0
    request.after_sequence = 1
    (message,) = (await watch(edge.handlers.watch_trades, request, 1)).messages
    assert message.lagged_to == tape.oldest
    assert len(message.trades) == 10
    request.after_sequence = 0
    assert (await watch(edge.handlers.watch_trades, request, 1)).messages == []


# --- Streams that break and are resumed. ------------------------------------------------------


async def cut_at_random(
    edge: Edge, draw: random.Random, name: str, request: Any, resume: Callable[[Any], int]
) -> list[Any]:
    """What a client hears of a stream that breaks again and again while people trade.

    ``resume``: where it was, from a message; 0 where a message does not say.
    """
    heard: list[Any] = []
    for _ in range(12):
        responses: Collected[Any] = Collected()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(
                getattr(edge.handlers, name), CALL, request, cast(Responses[Any], responses)
            )
            for _ in range(draw.randrange(12)):
                edge.house.exchange.trade(draw.randrange(1, 12))
                await trio.sleep(draw.choice((0.001, 0.01, 0.05)))
            nursery.cancel_scope.cancel()
        # Of what was on its way, some is lost.
        arrived = responses.messages[: draw.randrange(len(responses.messages) + 1)]
        heard += arrived
        request.after_sequence = max([request.after_sequence, *map(resume, arrived)])
        edge.house.exchange.trade(draw.randrange(6))
        await trio.testing.wait_all_tasks_blocked()
    last = await watch(getattr(edge.handlers, name), request, 1)
    return heard + last.messages


@pytest.mark.parametrize("seed", range(6))
async def test_a_book_that_was_cut_at_random_is_the_book_that_was_not(
    edge: Edge, autojump_clock: trio.testing.MockClock, seed: int
) -> None:
    """Every message is checked against its checksum by the client's own code."""
    draw = random.Random(seed)
    depth = draw.randrange(1, 30)
    request = market_pb2.WatchBookRequest(symbol="BTC-USDT", depth=depth)
    heard = await cut_at_random(edge, draw, "watch_book", request, lambda message: message.sequence)
    book = LiveBook("BTC-USDT")
    for message in heard:
        book.apply(message)
    assert [message.HasField("snapshot") for message in heard].count(True) == 1
    now = await edge.handlers.get_book(
        CALL, market_pb2.GetBookRequest(symbol="BTC-USDT", depth=depth)
    )
    assert book.bids(depth) == [(Decimal(x.price), Decimal(x.quantity)) for x in now.bids]
    assert book.asks(depth) == [(Decimal(x.price), Decimal(x.quantity)) for x in now.asks]
    assert book.checksum() == now.checksum


@pytest.mark.parametrize("seed", range(6))
async def test_trades_that_were_cut_at_random_are_the_trades_that_were_not(
    edge: Edge, autojump_clock: trio.testing.MockClock, seed: int
) -> None:
    tape = edge.house.data.line(SYMBOL, XACHE).tape
    first = tape.sequence
    assert first > 0
    request = market_pb2.WatchTradesRequest(symbol="BTC-USDT", after_sequence=first)
    heard = await cut_at_random(
        edge,
        random.Random(seed),
        "watch_trades",
        request,
        lambda message: message.trades[-1].sequence if message.trades else 0,
    )
    assert not any(message.lagged_to for message in heard)
    told = [trade for message in heard for trade in message.trades]
    everything = market_pb2.ListTradesRequest(symbol="BTC-USDT", limit=1_000)
    listed = (await edge.handlers.list_trades(CALL, everything)).trades[::-1]
    assert len(told) > 20
    assert told == [trade for trade in listed if trade.sequence > first]


async def test_a_book_that_cannot_be_resumed_says_so(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    request = market_pb2.WatchBookRequest(symbol="BTC-USDT", after_sequence=3)
    first, *_ = (await watch(edge.handlers.watch_book, request, 1)).messages
    assert first.snapshot.lagged


async def test_candles_resume_with_the_one_that_was_known(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    request = market_pb2.WatchCandlesRequest(
        symbol="BTC-USDT", venue="BINANCE", interval=market_pb2.INTERVAL_1S
    )
    edge.house.feed.publish([trade(edge, 1, 10)])
    (first,) = (await watch(edge.handlers.watch_candles, request, 0.1)).messages
    for number in (2, 3, 4):
        edge.house.feed.publish([trade(edge, number, 10 * number)])
        await trio.sleep(1.5)
    request.from_ns = first.candles[0].open_at_ns
    (missed,) = (await watch(edge.handlers.watch_candles, request, 0.1)).messages
    assert [candle.close for candle in missed.candles] == ["2.0", "3.0", "4.0"]
    assert missed.candles[0].open_at_ns == request.from_ns
    assert not missed.lagged
    request.from_ns -= 1_000_000_000
    (missed,) = (await watch(edge.handlers.watch_candles, request, 0.1)).messages
    assert missed.lagged


# --- Tickers. --------------------------------------------------------------------------------


async def test_a_ticker_is_one_line_of_each_source(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    edge.house.feed.publish([trade(edge, 1), quote(499_999, 500_001)])
    answer = await edge.handlers.list_tickers(CALL, market_pb2.ListTickersRequest())
    venue, own = answer.tickers
    assert (venue.source.venue, own.source.venue) == ("BINANCE", "XACHE")
    assert (venue.last, venue.bid, venue.ask) == ("50000.0", "49999.9", "50000.1")
    assert (venue.bid_quantity, venue.volume, venue.high) == ("0.00001", "0.25", "50000.0")
    assert own.last
    assert Decimal(own.low) <= Decimal(own.open) <= Decimal(own.high)


async def test_a_busy_ticker_is_told_ten_times_a_second(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    responses: Collected[market_pb2.WatchTickersResponse] = Collected()
    request = market_pb2.WatchTickersRequest(symbol="BTC-USDT")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            edge.handlers.watch_tickers, CALL, request, cast(Responses[Any], responses)
        )
        for number in range(200):
            edge.house.feed.publish([quote(400_000 + number, 600_000)])
            await trio.sleep(0.01)
        nursery.cancel_scope.cancel()
    assert 15 < len(responses.messages) <= 21
    first, second, *_ = responses.messages
    assert len(first.tickers) == 2
    (venue,) = second.tickers
    assert venue.source.venue == "BINANCE"


# --- Candles. --------------------------------------------------------------------------------


async def test_candles_are_listed_oldest_first_and_say_when_they_are_simulated(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    line = edge.house.data.own_line(SYMBOL).line
    await trio.sleep(2.5)
    request = market_pb2.ListCandlesRequest(
        symbol="BTC-USDT", interval=market_pb2.INTERVAL_1S, limit=10
    )
    answer = await edge.handlers.list_candles(CALL, request)
    assert answer.source.provenance == types_pb2.PROVENANCE_LIVE
    assert answer.candles[-1].closed
    volume = sum(Decimal(candle.volume) for candle in answer.candles)
    assert volume > 0
    line.trade(
        trade_id="s",
        price_ticks=500_000,
        quantity_lots=9,
        taker_side=Side.BUY,
        at_ns=edge.house.world.now_ns(),
        simulated=True,
    )
    answer = await edge.handlers.list_candles(CALL, request)
    assert answer.source.provenance == types_pb2.PROVENANCE_SIMULATED
    assert not answer.candles[-1].closed
    assert (answer.candles[-1].volume, answer.candles[-1].trades) == ("0", 1)
    assert sum(Decimal(candle.volume) for candle in answer.candles) == volume
    request.from_ns, request.to_ns = 1, 2
    assert list((await edge.handlers.list_candles(CALL, request)).candles) == []


async def test_watched_candles_change_close_and_begin_anew(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    responses: Collected[market_pb2.WatchCandlesResponse] = Collected()
    request = market_pb2.WatchCandlesRequest(
        symbol="BTC-USDT", venue="BINANCE", interval=market_pb2.INTERVAL_1S
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            edge.handlers.watch_candles, CALL, request, cast(Responses[Any], responses)
        )
        for price_ticks in (10, 30, 20):
            edge.house.feed.publish([trade(edge, price_ticks, price_ticks)])
            await trio.sleep(0.15)
        await trio.sleep(3)
        nursery.cancel_scope.cancel()
    told = [candle for message in responses.messages for candle in message.candles]
    assert [(candle.close, candle.closed) for candle in told] == [
        ("1.0", False), ("3.0", False), ("2.0", False), ("2.0", True),
    ]  # fmt: skip
    assert (told[-1].open, told[-1].high, told[-1].low, told[-1].trades) == (
        "1.0", "3.0", "1.0", 3,
    )  # fmt: skip


# --- Signs of life, and refusals. ------------------------------------------------------------

SILENT = [
    ("watch_book", market_pb2.WatchBookRequest(symbol="BTC-USDT", venue="BINANCE")),
    ("watch_trades", market_pb2.WatchTradesRequest(symbol="BTC-USDT", venue="BINANCE")),
    ("watch_tickers", market_pb2.WatchTickersRequest()),
    (
        "watch_candles",
        market_pb2.WatchCandlesRequest(
            symbol="BTC-USDT", venue="BINANCE", interval=market_pb2.INTERVAL_1D
        ),
    ),
]


@pytest.mark.parametrize(("name", "request_"), SILENT, ids=[name for name, _ in SILENT])
async def test_a_silent_stream_gives_a_sign_of_life(
    edge: Edge, autojump_clock: trio.testing.MockClock, name: str, request_: Message
) -> None:
    responses = await watch(getattr(edge.handlers, name), request_, 31)
    gaps = [b - a for a, b in pairwise([0.0, *responses.times])]
    assert max(gaps) <= HEARTBEAT_S + 0.2
    last = responses.messages[-1]
    match last:
        case market_pb2.WatchBookResponse():
            assert last.WhichOneof("step") == "heartbeat"
            assert last.source.venue == "BINANCE"
        case market_pb2.WatchTradesResponse():
            assert last.heartbeat
        case market_pb2.WatchTickersResponse():
            assert not last.tickers
        case _:
            assert not last.candles


async def test_a_client_that_does_not_read_holds_nothing_up(
    edge: Edge, autojump_clock: trio.testing.MockClock
) -> None:
    stuck: Collected[market_pb2.WatchBookResponse] = Collected()
    stuck.closed = True
    request = market_pb2.WatchBookRequest(symbol="BTC-USDT")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(edge.handlers.watch_book, CALL, request, cast(Responses[Any], stuck))
        edge.house.exchange.trade(3_000)
        await trio.sleep(1)
        assert edge.house.data.statistics().seq == 3_400
        stuck.closed = False
        nursery.cancel_scope.cancel()
    # A reader in no stream is no longer counted.
    await trio.testing.wait_all_tasks_blocked()
    assert edge.house.data.statistics().readers == 0


@pytest.mark.parametrize(
    ("request_", "code", "reason"),
    [
        (market_pb2.GetBookRequest(symbol="DOGE-USDT"), "NOT_FOUND", "UNKNOWN_INSTRUMENT"),
        (market_pb2.GetBookRequest(), "NOT_FOUND", "UNKNOWN_INSTRUMENT"),
        (
            market_pb2.GetBookRequest(symbol="BTC-USDT", venue="KRAKEN"),
            "NOT_FOUND",
            "UNKNOWN_VENUE",
        ),
        (
            market_pb2.GetBookRequest(symbol="BTC-USDT", depth=1_001),
            "INVALID_ARGUMENT",
            "AMOUNT_RANGE",
        ),
        (
            market_pb2.ListTradesRequest(symbol="BTC-USDT", limit=2**32 - 1),
            "INVALID_ARGUMENT",
            "AMOUNT_RANGE",
        ),
        (market_pb2.ListTickersRequest(symbol="X"), "NOT_FOUND", "UNKNOWN_INSTRUMENT"),
        (
            market_pb2.ListCandlesRequest(symbol="BTC-USDT"),
            "INVALID_ARGUMENT",
            "FIELD_REQUIRED",
        ),
        (
            market_pb2.ListCandlesRequest(symbol="BTC-USDT", interval=cast(Any, 99)),
            "INVALID_ARGUMENT",
            "FIELD_REQUIRED",
        ),
    ],
    ids=lambda each: str(each).replace("\n", " "),
)
async def test_what_cannot_be_told_is_refused_by_name(
    edge: Edge, autojump_clock: trio.testing.MockClock, request_: Message, code: str, reason: str
) -> None:
    handler = {
        "GetBookRequest": edge.handlers.get_book,
        "ListTradesRequest": edge.handlers.list_trades,
        "ListTickersRequest": edge.handlers.list_tickers,
        "ListCandlesRequest": edge.handlers.list_candles,
    }[type(request_).__name__]
    with pytest.raises(Rejection) as caught:
        await cast(Any, handler)(CALL, request_)
    status = status_of(caught.value)
    assert status is not None
    assert status.code is getattr(grpc.StatusCode, code)
    assert status.reason == reason
    assert status.facts["allowed"]
