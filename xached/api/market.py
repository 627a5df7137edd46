"""MarketService: what the market actor keeps, as messages and streams.

Every stream sends a sign of life after five silent seconds, so that a client that has gone away
is noticed. Between two messages a stream waits a little, and as long as its client takes for the
one before: what changes meanwhile goes into the next one. So a busy market costs no more than a
calm one, and a slow client no more than a fast one.
"""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import attrs
import trio
from xache.v1 import market_pb2, types_pb2

from xached.actors.market.data import MarketData
from xached.api import convert, listing
from xached.api.routes import Call, Responses
from xached.domain.candles import Candle, Interval
from xached.domain.depth import BookStep, TopLevels
from xached.domain.instrument import Directory, Instrument
from xached.domain.market import XACHE, Level, Source, TapeTrade, Ticker, Venue
from xached.domain.market_line import MarketLine
from xached.domain.rejection import Reason, Rejection

Step = TypeVar("Step")

HEARTBEAT_S: Final = 5.0
BOOK_PACE_S: Final = 0.02
TRADES_PACE_S: Final = 0.02
TICKERS_PACE_S: Final = 0.1
CANDLES_PACE_S: Final = 0.1

CHECKSUM_LEVELS: Final = 10
LEVELS_DEFAULT: Final = 20
TRADES_DEFAULT: Final = 100
CANDLES_DEFAULT: Final = 200
LIMIT_MAX: Final = 1_000

_INTERVALS: Final[dict[int, Interval]] = {
    market_pb2.INTERVAL_1S: Interval.S1,
    market_pb2.INTERVAL_1M: Interval.M1,
    market_pb2.INTERVAL_5M: Interval.M5,
    market_pb2.INTERVAL_15M: Interval.M15,
    market_pb2.INTERVAL_1H: Interval.H1,
    market_pb2.INTERVAL_1D: Interval.D1,
}


@attrs.frozen
class _ToldBook:
    """A step of a book, and the message it was told with."""

    step: BookStep
    source: Source
    stale: bool
    message: market_pb2.WatchBookResponse


class MarketHandlers:
    """Handlers of MarketService, for every transport."""

    def __init__(self, data: MarketData, directory: Directory) -> None:
        self._data = data
        self._directory = directory
        self._told: dict[MarketLine, _ToldBook] = {}
        """The last step of each book that was told, and how: most readers are told the same."""

    async def list_instruments(
        self, _call: Call, _request: market_pb2.ListInstrumentsRequest
    ) -> market_pb2.ListInstrumentsResponse:
        """List the instruments and their rules."""
        return market_pb2.ListInstrumentsResponse(
            instruments=[
                listing.instrument_message(
                    instrument,
                    self._data.market_state(symbol),
                    delisted=self._data.own.delisted(symbol),
                )
                for symbol, instrument in sorted(self._directory.items())
            ],
            assets=[
                types_pb2.Asset(name=name, scale=asset.scale)
                for name, asset in sorted(self._directory.assets.items())
            ],
        )

    # --- books -------------------------------------------------------------------------------

    async def get_book(
        self, _call: Call, request: market_pb2.GetBookRequest
    ) -> market_pb2.GetBookResponse:
        """Tell a book as it stands."""
        instrument, line = line_of(self._data, self._directory, request.symbol, request.venue)
        levels = limit_of(request.depth, LEVELS_DEFAULT, "depth")
        top = line.book.top(levels)
        return market_pb2.GetBookResponse(
            symbol=line.symbol,
            source=_source(self._data.book_source(line)),
            sequence=top.sequence,
            bids=_levels(instrument, top.bids),
            asks=_levels(instrument, top.asks),
            at_ns=line.book.at_ns,
            checksum=book_checksum(instrument, top),
            stale=line.stale,
        )

    async def watch_book(
        self,
        _call: Call,
        request: market_pb2.WatchBookRequest,
        responses: Responses[market_pb2.WatchBookResponse],
    ) -> None:
        """Stream a book: all levels, then those that changed; or resumed after a number."""
        instrument, line = line_of(self._data, self._directory, request.symbol, request.venue)
        depth = limit_of(request.depth, LEVELS_DEFAULT, "depth")
        watch = self._data.watch_book(line, depth, request.after_sequence or None)
        while True:
            step = await _next(watch.next_or_stale)
            if step is not None:
                message = self._book_message(instrument, line, step)
            else:
                assert watch.told is not None, "it begins with a step"
                message = market_pb2.WatchBookResponse(
                    symbol=line.symbol,
                    source=_source(self._data.book_source(line)),
                    sequence=watch.told.sequence,
                    first_sequence=watch.told.sequence,
                    at_ns=line.book.at_ns,
                    checksum=book_checksum(instrument, watch.told),
                    stale=line.stale,
                    heartbeat=market_pb2.MarketHeartbeat(),
                )
            await _deliver(responses, message, BOOK_PACE_S)

    def _book_message(
        self, instrument: Instrument, line: MarketLine, step: BookStep
    ) -> market_pb2.WatchBookResponse:
        source, stale = self._data.book_source(line), line.stale
        told = self._told.get(line)
        if told is not None and told.step is step and (told.source, told.stale) == (source, stale):
            return told.message
        message = _book_message(instrument, source, step)
        message.stale = stale
        self._told[line] = _ToldBook(step, source, stale, message)
        return message

    # --- trades ------------------------------------------------------------------------------

    async def list_trades(
        self, _call: Call, request: market_pb2.ListTradesRequest
    ) -> market_pb2.ListTradesResponse:
        """List recent trades, newest first."""
        instrument, line = line_of(self._data, self._directory, request.symbol, request.venue)
        newest = line.tape.newest(limit_of(request.limit, TRADES_DEFAULT, "limit"))
        return market_pb2.ListTradesResponse(
            trades=[_trade_message(instrument, trade) for trade in newest]
        )

    async def watch_trades(
        self,
        _call: Call,
        request: market_pb2.WatchTradesRequest,
        responses: Responses[market_pb2.WatchTradesResponse],
    ) -> None:
        """Stream trades, resumed where the reader was."""
        instrument, line = line_of(self._data, self._directory, request.symbol, request.venue)
        watch = self._data.watch_trades(line, request.after_sequence or None)
        while True:
            step = await _next(watch.next)
            if step is None:
                message = market_pb2.WatchTradesResponse(heartbeat=True)
            else:
                message = market_pb2.WatchTradesResponse(
                    trades=[_trade_message(instrument, trade) for trade in step.trades],
                    lagged_to=step.lagged_to,
                    reset=step.reset,
                )
            await _deliver(responses, message, TRADES_PACE_S)

    # --- tickers -----------------------------------------------------------------------------

    async def list_tickers(
        self, _call: Call, request: market_pb2.ListTickersRequest
    ) -> market_pb2.ListTickersResponse:
        """List the latest tickers."""
        symbol = convert.symbol_filter(request.symbol, self._directory)
        return market_pb2.ListTickersResponse(
            tickers=self._ticker_messages(self._data.tickers(symbol))
        )

    async def watch_tickers(
        self,
        _call: Call,
        request: market_pb2.WatchTickersRequest,
        responses: Responses[market_pb2.WatchTickersResponse],
    ) -> None:
        """Stream tickers; the latest of each that changed."""
        symbol = convert.symbol_filter(request.symbol, self._directory)
        watch = self._data.watch_tickers(symbol)
        while True:
            tickers = await _next(watch.next) or []
            message = market_pb2.WatchTickersResponse(tickers=self._ticker_messages(tickers))
            await _deliver(responses, message, TICKERS_PACE_S)

    # --- candles -----------------------------------------------------------------------------

    async def list_candles(
        self, _call: Call, request: market_pb2.ListCandlesRequest
    ) -> market_pb2.ListCandlesResponse:
        """List candles, oldest first."""
        instrument, line = line_of(self._data, self._directory, request.symbol, request.venue)
        interval = interval_of(request.interval)
        candles = await self._data.list_candles(
            line,
            interval,
            from_ns=request.from_ns,
            to_ns=request.to_ns or None,
            limit=limit_of(request.limit, CANDLES_DEFAULT, "limit"),
        )
        return market_pb2.ListCandlesResponse(
            symbol=line.symbol,
            source=candle_source(line, candles),
            interval=request.interval,
            candles=[_candle_message(instrument, candle) for candle in candles],
        )

    async def watch_candles(
        self,
        _call: Call,
        request: market_pb2.WatchCandlesRequest,
        responses: Responses[market_pb2.WatchCandlesResponse],
    ) -> None:
        """Stream candles as they change and close; or resumed with one that was known."""
        instrument, line = line_of(self._data, self._directory, request.symbol, request.venue)
        interval = interval_of(request.interval)
        watch = self._data.watch_candles(line, interval, request.from_ns or None)
        while True:
            step = await _next(watch.next)
            candles = step.candles if step is not None else ()
            message = market_pb2.WatchCandlesResponse(
                symbol=line.symbol,
                source=candle_source(line, candles),
                interval=request.interval,
                candles=[_candle_message(instrument, candle) for candle in candles],
                reset=step is not None and step.reset,
                lagged=step is not None and step.lagged,
            )
            await _deliver(responses, message, CANDLES_PACE_S)

    def _ticker_messages(self, tickers: Sequence[Ticker]) -> list[market_pb2.Ticker]:
        # A venue may be followed before its instrument is listed here.
        return [
            _ticker_message(self._directory[ticker.symbol], ticker)
            for ticker in tickers
            if ticker.symbol in self._directory
        ]


def line_of(
    data: MarketData, directory: Directory, symbol: str, venue: str
) -> tuple[Instrument, MarketLine]:
    """A market at a venue, at XACHE unless said otherwise.

    Raises: Rejection UNKNOWN_INSTRUMENT or UNKNOWN_VENUE.
    """
    instrument = directory.instrument(symbol)
    return instrument, data.line(instrument.symbol, Venue(venue) if venue else XACHE)


async def _next(next_step: Callable[[], Awaitable[Step]]) -> Step | None:
    """The next step, or None when it is time for a sign of life."""
    with trio.move_on_after(HEARTBEAT_S):
        return await next_step()
    return None


async def _deliver(responses: Responses[Any], message: Any, pace_s: float) -> None:
    """Send, and wait until the client has it and it is time for the next one."""
    await responses.send(message)
    await responses.flush()
    await trio.sleep(pace_s)


def book_checksum(instrument: Instrument, top: TopLevels) -> int:
    """The checksum of the best levels; how it is made is written at WatchBookResponse."""
    levels = (*top.asks[:CHECKSUM_LEVELS], *top.bids[:CHECKSUM_LEVELS])
    text = ",".join(
        f"{instrument.format_price(price_ticks)}:{instrument.format_quantity(lots)}"
        for price_ticks, lots in levels
    )
    return zlib.crc32(text.encode("ascii"))


def limit_of(given: int, default: int, field: str) -> int:
    """How many are asked for. Raises: Rejection AMOUNT_RANGE."""
    if given > LIMIT_MAX:
        raise Rejection(
            Reason.AMOUNT_RANGE,
            f"{field} is too large",
            field=field,
            given=str(given),
            allowed=f"0 to {LIMIT_MAX}",
        )
    return given or default


def interval_of(given: int) -> Interval:
    """How long candles are. Raises: Rejection FIELD_REQUIRED."""
    interval = _INTERVALS.get(given)
    if interval is None:
        raise Rejection(
            Reason.FIELD_REQUIRED,
            "say how long the candles are",
            field="interval",
            given=str(given),
            allowed=", ".join(f"{number} ({each.name})" for number, each in _INTERVALS.items()),
        )
    return interval


def _source(source: Source) -> types_pb2.Source:
    return types_pb2.Source(venue=source.venue, provenance=convert.wire(source.provenance))


def candle_source(line: MarketLine, candles: Sequence[Candle]) -> types_pb2.Source:
    """Whose candles they are, and whether simulated trades are among them."""
    return _source(line.source(simulated=any(candle.simulated_trades for candle in candles)))


def _levels(instrument: Instrument, levels: Sequence[Level]) -> list[market_pb2.BookLevel]:
    return [
        market_pb2.BookLevel(
            price=instrument.format_price(price_ticks), quantity=instrument.format_quantity(lots)
        )
        for price_ticks, lots in levels
    ]


def _book_message(
    instrument: Instrument, source: Source, step: BookStep
) -> market_pb2.WatchBookResponse:
    bids, asks = _levels(instrument, step.bids), _levels(instrument, step.asks)
    message = market_pb2.WatchBookResponse(
        symbol=instrument.symbol,
        source=_source(source),
        sequence=step.sequence,
        first_sequence=step.first_sequence,
        at_ns=step.at_ns,
        checksum=book_checksum(instrument, step.top),
    )
    if step.snapshot:
        message.snapshot.CopyFrom(
            market_pb2.BookSnapshot(bids=bids, asks=asks, reset=step.reset, lagged=step.lagged)
        )
    else:
        message.change.CopyFrom(market_pb2.BookChange(bids=bids, asks=asks))
    return message


def _trade_message(instrument: Instrument, trade: TapeTrade) -> market_pb2.Trade:
    return market_pb2.Trade(
        symbol=trade.symbol,
        source=_source(trade.source),
        sequence=trade.sequence,
        trade_id=trade.trade_id,
        price=instrument.format_price(trade.price_ticks),
        quantity=instrument.format_quantity(trade.quantity_lots),
        taker_side=convert.wire(trade.taker_side),
        at_ns=trade.at_ns,
    )


def _ticker_message(instrument: Instrument, ticker: Ticker) -> market_pb2.Ticker:
    def price(ticks: int | None) -> str:
        return "" if ticks is None else instrument.format_price(ticks)

    def quantity(level: Level | None) -> str:
        return "" if level is None else instrument.format_quantity(level[1])

    return market_pb2.Ticker(
        symbol=ticker.symbol,
        source=_source(ticker.source),
        last=price(ticker.last_ticks),
        bid=price(ticker.bid[0] if ticker.bid else None),
        bid_quantity=quantity(ticker.bid),
        ask=price(ticker.ask[0] if ticker.ask else None),
        ask_quantity=quantity(ticker.ask),
        high=price(ticker.high_ticks),
        low=price(ticker.low_ticks),
        volume=instrument.format_quantity(ticker.volume_lots),
        open=price(ticker.open_ticks),
        open_at_ns=ticker.open_at_ns or 0,
        at_ns=ticker.at_ns,
        sequence=ticker.sequence,
        stale=ticker.stale,
    )


def _candle_message(instrument: Instrument, candle: Candle) -> market_pb2.Candle:
    return market_pb2.Candle(
        open_at_ns=candle.open_at_ns,
        open=instrument.format_price(candle.open_ticks),
        high=instrument.format_price(candle.high_ticks),
        low=instrument.format_price(candle.low_ticks),
        close=instrument.format_price(candle.close_ticks),
        volume=instrument.format_quantity(candle.volume_lots),
        trades=candle.trades,
        closed=candle.closed,
    )
