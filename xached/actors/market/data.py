"""Market data as everybody but the market actor sees it: lines to read and to follow.

Readers hold no queue. Each has a cursor (:mod:`xached.domain.depth`, ``tape``, ``market_line``)
and is woken when its line changes; what it is told next is worked out then. However slow it is,
it costs the memory of its cursor and gets the newest state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from typing import Final, Generic, Protocol, TypeVar

import attrs
import trio

from xached.domain.candles import Candle, Interval
from xached.domain.depth import BookReader, BookStep, PublicBook, TopLevels, VenueDepth
from xached.domain.instrument import Symbol, unknown_instrument
from xached.domain.market import (
    XACHE,
    BookTop,
    Level,
    Provenance,
    Source,
    Ticker,
    Venue,
    VenueTrade,
)
from xached.domain.market_line import CandleReader, CandleStep, MarketLine
from xached.domain.order import MarketState, Side
from xached.domain.own_market import OwnMarket
from xached.domain.rejection import Reason, Rejection
from xached.domain.tape import TapeReader, TapeStep

Step = TypeVar("Step")
Step_co = TypeVar("Step_co", covariant=True)

TRADES_PER_STEP_MAX: Final = 200


class Clock(Protocol):
    """What is needed of the world."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        ...


class OlderCandles(Protocol):
    """Finds closed candles that are no longer in memory."""

    def __call__(
        self, line: MarketLine, interval: Interval, from_ns: int, to_ns: int | None, limit: int
    ) -> Awaitable[list[Candle]]:
        """The newest ``limit`` that begin in [from, to), oldest first."""
        ...


class LineRecording(Protocol):
    """Keeps what a line does. It must not block."""

    def trade(
        self, trade_id: int, price_ticks: int, quantity_lots: int, taker_side: Side, at_ns: int
    ) -> None:
        """Somebody traded."""
        ...

    def levels(self, bids: tuple[Level, ...], asks: tuple[Level, ...], at_ns: int) -> None:
        """These levels of the book have changed."""
        ...

    def anew(self, at_ns: int) -> None:
        """The book does not follow from what it was."""
        ...


Record = Callable[[Symbol, Venue, Provenance, PublicBook], LineRecording | None]
"""Begins to record a line; None where it is not recorded."""


class Reader(Protocol[Step_co]):
    """A cursor: works out what to tell next."""

    def step(self) -> Step_co | None:
        """What to tell; None when there is nothing new."""
        ...


class Watch(Generic[Step]):
    """A reader that waits. One task uses it."""

    def __init__(self, reader: Reader[Step], changed: trio.lowlevel.ParkingLot) -> None:
        self._reader = reader
        self._changed = changed

    async def next(self) -> Step:
        """Wait until there is something to tell; the newest state, whatever was missed.

        Cancelling loses nothing.
        """
        await trio.lowlevel.checkpoint()
        while (step := self._reader.step()) is None:
            await self._changed.park()
        return step


@attrs.define(eq=False)
class WatchedLine:
    """A line with those who wait for it; a venue's also with the rules of its book."""

    line: MarketLine
    depth: VenueDepth | None
    recording: LineRecording | None = None
    heard_at: float = 0.0
    book_changed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)
    trades_changed: trio.lowlevel.ParkingLot = attrs.field(factory=trio.lowlevel.ParkingLot)

    def record_book(self) -> None:
        """Record the last change of the book."""
        if self.recording is None:
            return
        book = self.line.book
        latest = book.latest()
        if latest is None:
            self.recording.anew(book.at_ns)
        else:
            self.recording.levels(*latest, book.at_ns)


class BookWatch(Watch[BookStep]):
    """Follows a book, knows how far, and whether its source has fallen silent."""

    def __init__(self, reader: BookReader, known: WatchedLine) -> None:
        super().__init__(reader, known.book_changed)
        self._book_reader = reader
        self._line = known.line
        self._stale = False

    async def next_or_stale(self) -> BookStep | None:
        """Like :meth:`next`; but None when only that has changed whether the line is stale."""
        await trio.lowlevel.checkpoint()
        while (step := self._reader.step()) is None and self._line.stale == self._stale:
            await self._changed.park()
        self._stale = self._line.stale
        return step

    @property
    def told(self) -> TopLevels | None:
        """What the reader has; None before the first step."""
        return self._book_reader.told


@attrs.frozen(kw_only=True)
class MarketStatistics:
    """How the market actor is doing. ``faults`` by cause; ``lost`` counts books with a gap."""

    seq: int
    lines: int
    readers: int
    faults: dict[str, int]
    records: int
    resets: int
    lost: int
    marks: int
    marks_refused: int
    lagged: int


class MarketData:
    """Every line there is. Written by the market actor, read by everybody."""

    def __init__(self, clock: Clock, record: Record | None = None) -> None:
        self.own = OwnMarket()
        self.lines: dict[tuple[Symbol, Venue], WatchedLine] = {}
        self.tickers_changed = trio.lowlevel.ParkingLot()
        self.ready = trio.Event()
        self.counts: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.older_candles: OlderCandles | None = None
        self.folded_seq: int | None = None
        """The newest row in the tapes and candles of the house; None until they are loaded."""
        self._clock = clock
        self._record = record

    # --- reading -----------------------------------------------------------------------------

    async def wait_ready(self) -> None:
        """Wait until the house's own market is here."""
        await self.ready.wait()

    def silent(self, venue: Venue, after_s: float) -> list[Symbol]:
        """The house's markets of which a venue that is followed has said nothing for so long."""
        return [
            symbol
            for (symbol, known_venue), known in self.lines.items()
            if known_venue == venue
            and symbol in self.own.books
            and trio.current_time() - known.heard_at > after_s
        ]

    def stale_venues(self) -> list[tuple[Venue, int]]:
        """The venues that are silent, each with how many markets it is silent about."""
        stale = Counter(venue for (_, venue), known in self.lines.items() if known.line.stale)
        return sorted(stale.items())

    def line(self, symbol: Symbol, venue: Venue) -> MarketLine:
        """What a source says about an instrument.

        Raises: Rejection UNKNOWN_INSTRUMENT or UNKNOWN_VENUE.
        """
        known = self.lines.get((symbol, venue))
        if known is not None:
            return known.line
        venues = sorted(known_venue for each, known_venue in self.lines if each == symbol)
        if not venues:
            raise unknown_instrument(symbol)
        raise Rejection(
            Reason.UNKNOWN_VENUE,
            "no such source of this instrument",
            field="venue",
            given=venue[:40],
            allowed=", ".join(venues),
        )

    def market_state(self, symbol: Symbol) -> MarketState:
        """What a market of the house lets people do now; halted when that is not known."""
        if symbol not in self.own.books:
            return MarketState.HALTED
        return self.own.state(symbol)

    def book_source(self, line: MarketLine) -> Source:
        """The source of a line's book: simulated while any order in it is."""
        return line.source(simulated=line.venue == XACHE and self.own.simulated(line.symbol))

    def ticker(self, line: MarketLine) -> Ticker:
        """A line's ticker: simulated when its last trade or anything in its book is."""
        last = line.tape.last()
        simulated = last is not None and last.source.provenance is Provenance.SIMULATED
        return line.ticker(
            simulated=simulated or self.book_source(line).provenance is Provenance.SIMULATED
        )

    def tickers(self, symbol: Symbol | None) -> list[Ticker]:
        """The tickers of an instrument, or of all, by symbol and venue."""
        return [
            self.ticker(known.line)
            for key, known in sorted(self.lines.items(), key=lambda item: item[0])
            if symbol is None or key[0] == symbol
        ]

    async def list_candles(
        self, line: MarketLine, interval: Interval, *, from_ns: int, to_ns: int | None, limit: int
    ) -> list[Candle]:
        """The newest ``limit`` candles that begin in [from, to), oldest first."""
        await trio.lowlevel.checkpoint()
        kept = line.candles(interval)
        found = [
            candle
            for candle in kept
            if from_ns <= candle.open_at_ns and (to_ns is None or candle.open_at_ns < to_ns)
        ][-limit:]
        if len(found) == limit or self.older_candles is None:
            return found
        ends = [
            at_ns for at_ns in (kept[0].open_at_ns if kept else None, to_ns) if at_ns is not None
        ]
        older = await self.older_candles(
            line, interval, from_ns, min(ends, default=None), limit - len(found)
        )
        return older + found

    def watch_book(
        self, line: MarketLine, depth: int, after_sequence: int | None = None
    ) -> BookWatch:
        """Follow the ``depth`` best levels a side: all of them, or what changed after a number."""
        reader = BookReader(line.book, depth, after_sequence)
        return BookWatch(reader, self._watched(line))

    def watch_trades(self, line: MarketLine, after_sequence: int | None = None) -> Watch[TapeStep]:
        """Follow the tape after a number, or from now on."""
        reader = TapeReader(line.tape, TRADES_PER_STEP_MAX, after_sequence)
        return Watch(reader, self._watched(line).trades_changed)

    def watch_candles(
        self, line: MarketLine, interval: Interval, from_ns: int | None = None
    ) -> Watch[CandleStep]:
        """Follow the candles of an interval, from the newest or from one that was known last."""
        return Watch(CandleReader(line, interval, from_ns), self._watched(line).trades_changed)

    def watch_tickers(self, symbol: Symbol | None) -> Watch[list[Ticker]]:
        """Follow the tickers of an instrument, or of all; begins with all of them."""
        return Watch(_TickerReader(self, symbol), self.tickers_changed)

    async def trades(self, symbol: Symbol, venue: Venue) -> AsyncGenerator[TapeStep, None]:
        """Trades from now on. Raises: Rejection."""
        watch = self.watch_trades(self.line(symbol, venue))
        while True:
            yield await watch.next()

    async def books(
        self, symbol: Symbol, venue: Venue, depth: int
    ) -> AsyncGenerator[BookTop, None]:
        """The best levels as they stand, and whenever they have changed. Raises: Rejection."""
        line = self.line(symbol, venue)
        watch = self.watch_book(line, depth)
        while True:
            await watch.next()
            levels = line.book.depth
            yield BookTop(bids=levels.bids(depth), asks=levels.asks(depth), at_ns=line.book.at_ns)

    async def candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, from_ns: int
    ) -> AsyncGenerator[Candle, None]:
        """Candles as they change and close, from one that was known on. Raises: Rejection."""
        watch = self.watch_candles(self.line(symbol, venue), interval, from_ns)
        while True:
            for candle in (await watch.next()).candles:
                yield candle

    async def past_candles(
        self, symbol: Symbol, venue: Venue, interval: Interval, count: int
    ) -> Sequence[Candle]:
        """The newest closed candles, oldest first, at most so many. Raises: Rejection."""
        line = self.line(symbol, venue)
        # One more: the newest may still be open.
        found = await self.list_candles(line, interval, from_ns=0, to_ns=None, limit=count + 1)
        closed = [candle for candle in found if candle.closed]
        return closed[max(0, len(closed) - count) :]

    def statistics(self) -> MarketStatistics:
        """Tell how it is going."""
        readers = len(self.tickers_changed)
        for known in self.lines.values():
            readers += len(known.book_changed) + len(known.trades_changed)
        return MarketStatistics(
            seq=self.own.seq,
            lines=len(self.lines),
            readers=readers,
            faults=dict(self.faults),
            records=self.counts["records"],
            resets=self.counts["resets"],
            lost=self.counts["lost"],
            marks=self.counts["marks"],
            marks_refused=self.counts["marks_refused"],
            lagged=self.counts["lagged"],
        )

    # --- writing -----------------------------------------------------------------------------

    def preload(
        self,
        symbol: Symbol,
        source: Source,
        candles: Iterable[Candle],
        trades: Iterable[VenueTrade] = (),
    ) -> None:
        """Fill a venue's line with its past, oldest first. ``trades`` are in the candles."""
        line = self.venue_line(symbol, source).line
        line.preload(candles)
        for trade in trades:
            line.tape.append(
                source=source,
                trade_id=str(trade.trade_id),
                price_ticks=trade.price_ticks,
                quantity_lots=trade.quantity_lots,
                taker_side=trade.taker_side,
                at_ns=trade.at_ns,
            )

    def venue_line(self, symbol: Symbol, source: Source) -> WatchedLine:
        """The line of a venue, opened when it is new."""
        known = self.lines.get((symbol, source.venue))
        if known is None:
            # Numbers of an earlier run are never met again: they begin at the clock.
            first_sequence = self._clock.now_ns() // 1_000
            book = PublicBook(first_sequence)
            line = MarketLine(symbol, source.venue, source.provenance, book, first_sequence)
            known = WatchedLine(line, VenueDepth(book.depth), self._recording(line, source))
            self.lines[symbol, source.venue] = known
        return known

    def own_line(self, symbol: Symbol) -> WatchedLine:
        """The house's own line of a listed instrument, opened when it is new."""
        known = self.lines.get((symbol, XACHE))
        if known is None:
            line = MarketLine(symbol, XACHE, Provenance.LIVE, self.own.books[symbol])
            recording = self._recording(line, Source(XACHE, Provenance.LIVE))
            known = self.lines[symbol, XACHE] = WatchedLine(line, None, recording)
        return known

    def wake(self, known: WatchedLine, *, book: bool = False, trades: bool = False) -> None:
        """Wake those who follow a line that has changed."""
        if book:
            known.book_changed.unpark_all()
        if trades:
            known.trades_changed.unpark_all()
        self.tickers_changed.unpark_all()

    def _recording(self, line: MarketLine, source: Source) -> LineRecording | None:
        if self._record is None:
            return None
        return self._record(line.symbol, source.venue, source.provenance, line.book)

    def _watched(self, line: MarketLine) -> WatchedLine:
        return self.lines[line.symbol, line.venue]


class _TickerReader:
    def __init__(self, data: MarketData, symbol: Symbol | None) -> None:
        self._data = data
        self._symbol = symbol
        self._told: dict[MarketLine, int] = {}

    def step(self) -> list[Ticker] | None:
        tickers: list[Ticker] = []
        for (symbol, _), known in self._data.lines.items():
            line = known.line
            wanted = self._symbol is None or self._symbol == symbol
            if wanted and self._told.get(line) != line.changes:
                self._told[line] = line.changes
                tickers.append(self._data.ticker(line))
        return tickers or None
