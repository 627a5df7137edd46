"""One line of market data: what one source says about one instrument."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import attrs

from xached.domain.candles import (
    NO_TRADES,
    Candle,
    CandleBuilder,
    DaySummary,
    Interval,
    summarize_day,
)
from xached.domain.depth import PublicBook
from xached.domain.instrument import Symbol
from xached.domain.market import BestQuote, Level, Provenance, Source, TapeTrade, Ticker, Venue
from xached.domain.order import Side
from xached.domain.tape import Tape

CANDLES_KEPT = 1_000
"""Closed candles in memory for each interval: the most that one request may ask for."""


class MarketLine:
    """Tape, candles and ticker of one source; the book is kept by whoever owns its rules.

    ``provenance`` is what a figure of this source is unless it is marked simulated.
    """

    def __init__(
        self,
        symbol: Symbol,
        venue: Venue,
        provenance: Provenance,
        book: PublicBook,
        first_sequence: int = 1,
    ) -> None:
        self.symbol = symbol
        self.venue = venue
        self.book = book
        self.tape = Tape(symbol, first_sequence)
        self.stale = False
        self._provenance = provenance
        self._candles = CandleBuilder()
        self._closed: dict[Interval, deque[Candle]] = {
            interval: deque(maxlen=CANDLES_KEPT) for interval in Interval
        }
        self._unsaved: list[Candle] = []
        self._quote: BestQuote | None = None
        self._day = NO_TRADES
        self._changes = 0

    # --- writing -----------------------------------------------------------------------------

    def trade(
        self,
        *,
        trade_id: str,
        price_ticks: int,
        quantity_lots: int,
        taker_side: Side,
        at_ns: int,
        simulated: bool = False,
    ) -> None:
        """Count a trade."""
        self.tape.append(
            source=self.source(simulated=simulated),
            trade_id=trade_id,
            price_ticks=price_ticks,
            quantity_lots=quantity_lots,
            taker_side=taker_side,
            at_ns=at_ns,
        )
        self._keep(
            self._candles.trade(
                at_ns,
                price_ticks,
                quantity_lots,
                simulated=simulated,
                bought=taker_side is Side.BUY,
            )
        )
        self._changes += 1

    def quote(self, quote: BestQuote) -> None:
        """Take a best bid and ask that the venue sends beside its book, unless it is old."""
        if self._quote is not None and quote.last_id < self._quote.last_id:
            return
        self._quote = quote
        self._changes += 1

    def book_changed(self) -> None:
        """The book has a new best price, maybe."""
        self._changes += 1

    def heard(self) -> None:
        """The source gave a sign of life."""
        if self.stale:
            self.stale = False
            self._changes += 1

    def silent(self) -> None:
        """The source has said nothing for too long."""
        if not self.stale:
            self.stale = True
            self._changes += 1

    def start_anew(self) -> None:
        """The feed started anew: tape and candles go on, readers are told."""
        self.tape.epoch += 1
        self._quote = None
        self._changes += 1

    def advance(self, now_ns: int) -> bool:
        """Let time pass; True when it closed a candle or moved the last 24 hours on."""
        before_ns, day = self._candles.now_ns, self._day
        closed = self._candles.advance(now_ns)
        self._keep(closed)
        if now_ns // Interval.M5.ns > before_ns // Interval.M5.ns:
            # Also when nothing trades: what is older than a day must leave the sum.
            self._sum_up_day()
        if self._day != day:
            self._changes += 1
        return bool(closed) or self._day != day

    def preload(self, candles: Iterable[Candle]) -> None:
        """Count older candles, oldest first, before the first trade."""
        for candle in candles:
            for closed in self._candles.merge(candle):
                self._closed[closed.interval].append(closed)
                self._unsaved.append(closed)
        self._sum_up_day()

    def resume(
        self,
        closed: Iterable[Candle],
        open_candles: Iterable[Candle],
        trades: Iterable[TapeTrade],
        now_ns: int,
    ) -> None:
        """Go on where an earlier run stopped; ``closed`` are saved already."""
        for candle in closed:
            self._closed[candle.interval].append(candle)
        self._candles.resume(open_candles, now_ns)
        self.tape.resume(trades)
        self._sum_up_day()

    def unsaved(self) -> tuple[Candle, ...]:
        """Candles that were closed and are not known to be saved, in the order they closed."""
        return tuple(self._unsaved)

    def saved(self, count: int) -> None:
        """The first ``count`` of the unsaved candles are on disk."""
        del self._unsaved[:count]

    # --- reading -----------------------------------------------------------------------------

    def source(self, *, simulated: bool) -> Source:
        """This line's source for a figure that is or is not simulated."""
        return Source(self.venue, Provenance.SIMULATED if simulated else self._provenance)

    @property
    def changes(self) -> int:
        """Number of changes of the ticker so far."""
        return self._changes

    def best(self) -> tuple[Level | None, Level | None]:
        """Best bid and best ask: of the quote where the venue sends one, which is sooner."""
        quote = self._quote
        if quote is None or not quote.plausible:
            return self.book.depth.best_bid(), self.book.depth.best_ask()
        return (quote.bid_ticks, quote.bid_lots), (quote.ask_ticks, quote.ask_lots)

    def mid_ticks(self) -> int | None:
        """Half way between best bid and ask, rounded down; None without both, or when stale."""
        bid, ask = self.best()
        if bid is None or ask is None or self.stale:
            return None
        return (bid[0] + ask[0]) // 2

    def ticker(self, *, simulated: bool) -> Ticker:
        """The line as it stands."""
        bid, ask = self.best()
        last = self.tape.last()
        open_candle = self._candles.open_candle(Interval.M5)
        day = self._day
        if open_candle is not None:
            first = open_candle if day.open_ticks is None else day
            day = DaySummary(
                open_ticks=first.open_ticks,
                open_at_ns=first.open_at_ns,
                high_ticks=max(open_candle.high_ticks, day.high_ticks or 0),
                low_ticks=min(open_candle.low_ticks, day.low_ticks or open_candle.low_ticks),
                volume_lots=open_candle.volume_lots + day.volume_lots,
            )
        return Ticker(
            symbol=self.symbol,
            source=self.source(simulated=simulated),
            last_ticks=None if last is None else last.price_ticks,
            bid=bid,
            ask=ask,
            high_ticks=day.high_ticks,
            low_ticks=day.low_ticks,
            open_ticks=day.open_ticks,
            open_at_ns=day.open_at_ns,
            volume_lots=day.volume_lots,
            at_ns=max(self.book.at_ns, 0 if last is None else last.at_ns),
            sequence=self._changes,
            stale=self.stale,
        )

    def candles(self, interval: Interval, from_ns: int = 0) -> list[Candle]:
        """Candles in memory that begin at or after a time, oldest first; the last may be open."""
        found: list[Candle] = []
        open_candle = self._candles.open_candle(interval)
        if open_candle is not None and open_candle.open_at_ns >= from_ns:
            found.append(open_candle)
        for candle in reversed(self._closed[interval]):
            if candle.open_at_ns < from_ns:
                break
            found.append(candle)
        return found[::-1]

    def open_candles(self) -> list[Candle]:
        """The open candles of all intervals."""
        return list(self._candles.open_candles().values())

    @property
    def candles_at_ns(self) -> int:
        """How far the candles have come."""
        return self._candles.now_ns

    def _keep(self, closed: list[Candle]) -> None:
        for candle in closed:
            self._closed[candle.interval].append(candle)
            self._unsaved.append(candle)
            if candle.interval is Interval.M5:
                self._sum_up_day()

    def _sum_up_day(self) -> None:
        self._day = summarize_day(self._closed[Interval.M5], None, self._candles.now_ns)


@attrs.frozen(kw_only=True)
class CandleStep:
    """What a reader of candles is told next. ``reset``: the feed started anew.

    ``lagged``: the reader came back for a candle that is not in memory any more, or never was.
    """

    candles: tuple[Candle, ...]
    reset: bool
    lagged: bool


class CandleReader:
    """One reader of the candles of one interval, and which it has been told."""

    def __init__(self, line: MarketLine, interval: Interval, from_ns: int | None = None) -> None:
        """Begin with the newest candle, or with the one that begins at a time."""
        self._line = line
        self._interval = interval
        kept = line.candles(interval)
        oldest, newest = (kept[0].open_at_ns, kept[-1].open_at_ns) if kept else (0, 0)
        # A candle that is still to come was told by another clock than the one of now.
        self._since_ns = newest if from_ns is None else min(from_ns, newest)
        self._lagged = from_ns is not None and (not kept or not oldest <= from_ns <= newest)
        self._last: Candle | None = None
        self._epoch = line.tape.epoch

    def step(self) -> CandleStep | None:
        """Candles that changed or closed since the last step; at first those it began with."""
        candles = self._line.candles(self._interval, self._since_ns)
        if candles and candles[0] == self._last:
            del candles[0]
        reset, self._epoch = self._epoch != self._line.tape.epoch, self._line.tape.epoch
        if not candles and not reset and not self._lagged:
            return None
        lagged, self._lagged = self._lagged, False
        if candles:
            self._last = candles[-1]
            self._since_ns = self._last.open_at_ns
        return CandleStep(candles=tuple(candles), reset=reset, lagged=lagged)
