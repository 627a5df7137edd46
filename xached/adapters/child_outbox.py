"""What waits to be written to one child.

Writers never wait. What a child is told about its orders is never dropped: when too much of it
waits, the child is too slow to live. Market data is conflated instead: the latest book and open
candle, the newest trades and closed candles, with a mark where older ones were dropped. What it is
sent takes turns, so that a busy tape never hides a book. Values become bytes only when there is
room for them, so what is conflated costs nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final, Generic, TypeAlias, TypeVar

import attrs
import trio
from xache_sdk.signal_values import SignalLost, SignalValue

from xached.adapters.child_frames import write_book, write_candle, write_trades
from xached.domain.candles import Candle, Interval
from xached.domain.instrument import Instrument, Symbol
from xached.domain.market import Level, TapeTrade, Venue
from xached.domain.seen import Seen, SeenKind

URGENT_FRAMES_MAX: Final = 10_000
TRADES_MAX: Final = 2_000
CANDLES_MAX: Final = 500
TRADES_PER_FRAME: Final = 200
TAKE_BYTES: Final = 32_768

Item = TypeVar("Item")
Key: TypeAlias = tuple[Symbol, Venue]
Told: TypeAlias = Seen | SignalValue | SignalLost
"""What of the world a frame tells."""


class ChildTooSlow(Exception):  # noqa: N818 - says who is at fault
    """Too many order updates wait for the child: it has stopped reading."""


@attrs.frozen(kw_only=True)
class OutboxStatistics:
    """What waits, what was written and what was never written, counted in values."""

    urgent_waiting: int
    frames_taken: int
    trades_dropped: int
    books_conflated: int
    candles_dropped: int


class _Newest(Generic[Item]):
    """The newest values of one stream, and whether older ones were dropped."""

    __slots__ = ("dropped", "lagged", "values")

    def __init__(self, limit: int) -> None:
        self.values: deque[Item] = deque(maxlen=limit)
        self.lagged = False
        self.dropped = 0

    def extend(self, values: Sequence[Item]) -> None:
        limit = self.values.maxlen
        assert limit is not None
        lost = max(0, len(self.values) + len(values) - limit)
        if lost:
            self.lagged = True
            self.dropped += lost
        self.values.extend(values)

    def take(self, limit: int) -> tuple[list[Item], bool]:
        """Take the oldest values, and whether some before them were lost."""
        lagged, self.lagged = self.lagged, False
        return [self.values.popleft() for _ in range(min(limit, len(self.values)))], lagged


@attrs.frozen
class _BookTop:
    instrument: Instrument
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    at_ns: int


class Outbox:
    """Frames and values that wait for one child. One task takes, any task puts."""

    def __init__(self) -> None:
        self._urgent: deque[tuple[bytes, Told | None]] = deque()
        self._told: list[tuple[int, Told]] = []
        self._instruments: dict[Symbol, Instrument] = {}
        self._trades: dict[Key, _Newest[TapeTrade]] = {}
        self._closed_candles: dict[tuple[Symbol, Venue, Interval], _Newest[Candle]] = {}
        self._open_candles: dict[tuple[Symbol, Venue, Interval], Candle] = {}
        self._books: dict[Key, _BookTop] = {}
        self._turns = deque((self._next_candle, self._next_trades, self._next_book))
        self._overflowed = trio.Event()
        self._frames_taken = 0
        self._books_conflated = 0
        self._wake = trio.Event()

    def put(self, frame: bytes, told: Told | None = None) -> None:
        """Queue a frame that must not be lost, before all market data.

        ``told`` is the market data or the value of a signal that it tells, if it does.
        """
        if len(self._urgent) >= URGENT_FRAMES_MAX:
            self._overflowed.set()
            return
        self._urgent.append((frame, told))
        self._wake.set()

    def offer_trades(
        self, instrument: Instrument, venue: Venue, trades: Sequence[TapeTrade], *, lagged: bool
    ) -> None:
        """Queue trades of one tape. ``lagged``: some before them were lost already."""
        self._instruments[instrument.symbol] = instrument
        waiting = self._trades.setdefault((instrument.symbol, venue), _Newest(TRADES_MAX))
        waiting.lagged |= lagged
        waiting.extend(trades)
        self._wake.set()

    def offer_book(
        self,
        instrument: Instrument,
        venue: Venue,
        bids: tuple[Level, ...],
        asks: tuple[Level, ...],
        at_ns: int,
    ) -> None:
        """Replace the book that waits."""
        key = (instrument.symbol, venue)
        self._books_conflated += key in self._books
        self._books[key] = _BookTop(instrument, bids, asks, at_ns)
        self._wake.set()

    def offer_candle(self, instrument: Instrument, venue: Venue, candle: Candle) -> None:
        """Queue a closed candle, or replace the open one that waits."""
        self._instruments[instrument.symbol] = instrument
        key = (instrument.symbol, venue, candle.interval)
        if candle.closed:
            self._open_candles.pop(key, None)
            self._closed_candles.setdefault(key, _Newest(CANDLES_MAX)).extend([candle])
        else:
            self._open_candles[key] = candle
        self._wake.set()

    async def take(self) -> tuple[int, bytes]:
        """Wait for something to write and return some of it: how many frames, and the frames."""
        await trio.lowlevel.checkpoint()
        while True:
            frames, taken = self._take_some()
            if frames:
                return frames, taken
            self._wake = trio.Event()
            await self._wake.wait()

    async def watch_overflow(self) -> None:
        """Wait for too much; who takes may be stuck in a write. Raises: ChildTooSlow."""
        await self._overflowed.wait()
        raise ChildTooSlow(f"more than {URGENT_FRAMES_MAX} order updates wait")

    def statistics(self) -> OutboxStatistics:
        """Tell what waits and what was dropped."""
        return OutboxStatistics(
            urgent_waiting=len(self._urgent),
            frames_taken=self._frames_taken,
            trades_dropped=sum(each.dropped for each in self._trades.values()),
            books_conflated=self._books_conflated,
            candles_dropped=sum(each.dropped for each in self._closed_candles.values()),
        )

    def told(self) -> Sequence[tuple[int, Told]]:
        """Market data and signals among what was taken last, with their frames' numbers from 1."""
        return self._told

    def _take_some(self) -> tuple[int, bytes]:
        taken, before = bytearray(), self._frames_taken
        self._told = []
        while len(taken) < TAKE_BYTES:
            following = self._next_frame()
            if following is None:
                break
            frame, told = following
            taken += frame
            self._frames_taken += 1
            if told is not None:
                self._told.append((self._frames_taken - before, told))
        return self._frames_taken - before, bytes(taken)

    def _next_frame(self) -> tuple[bytes, Told | None] | None:
        if self._urgent:
            return self._urgent.popleft()
        for _ in range(len(self._turns)):
            next_frame = self._turns[0]
            self._turns.rotate(-1)
            if (following := next_frame()) is not None:
                return following
        return None

    def _next_candle(self) -> tuple[bytes, Seen] | None:
        for key, waiting in self._closed_candles.items():
            if waiting.values:
                [candle], lagged = waiting.take(1)
                self._closed_candles[key] = self._closed_candles.pop(key)
                symbol, venue, _ = key
                frame = write_candle(self._instruments[symbol], venue, candle, lagged=lagged)
                return frame, seen_candle(symbol, venue, candle)
        if not self._open_candles:
            return None
        (symbol, venue, interval) = next(iter(self._open_candles))
        candle = self._open_candles.pop((symbol, venue, interval))
        frame = write_candle(self._instruments[symbol], venue, candle, lagged=False)
        return frame, seen_candle(symbol, venue, candle)

    def _next_trades(self) -> tuple[bytes, Seen] | None:
        for key, waiting in self._trades.items():
            if waiting.values:
                trades, lagged = waiting.take(TRADES_PER_FRAME)
                self._trades[key] = self._trades.pop(key)
                symbol, venue = key
                frame = write_trades(self._instruments[symbol], venue, trades, lagged=lagged)
                return frame, _seen(symbol, venue, SeenKind.TRADES, trades[-1].at_ns)
        return None

    def _next_book(self) -> tuple[bytes, Seen] | None:
        if not self._books:
            return None
        key = next(iter(self._books))
        top = self._books.pop(key)
        symbol, venue = key
        frame = write_book(top.instrument, venue, top.bids, top.asks, top.at_ns)
        return frame, _seen(symbol, venue, SeenKind.BOOK, top.at_ns)


def seen_candle(symbol: Symbol, venue: Venue, candle: Candle) -> Seen:
    """How far a candle lets see."""
    return Seen(
        symbol=symbol,
        venue=venue,
        kind=SeenKind.CANDLES,
        interval_s=candle.interval.value,
        at_ns=candle.ends_at_ns if candle.closed else candle.open_at_ns,
    )


def _seen(symbol: Symbol, venue: Venue, kind: SeenKind, at_ns: int) -> Seen:
    return Seen(symbol=symbol, venue=venue, kind=kind, interval_s=0, at_ns=at_ns)
