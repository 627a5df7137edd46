"""The market actor: follows feeds and the exchange, and keeps the lines of MarketData.

It also sends the configured venue's mid price to the exchange as its mark. It owns no money and
nobody waits for it; it may be started again at any time.

The house's own lines are folded from the exchange's rows. Books begin with what rests in the
exchange now; tape and candles go on from market.db, which says up to which row they were saved,
and the rows after that are read from the journal. So neither a restart nor a reader of rows that
fell behind changes a candle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Final, Protocol, TypeVar, assert_never

import attrs
import trio

from xached.actors.market.data import MarketData, WatchedLine
from xached.domain.candles import Candle, Interval
from xached.domain.depth import Sync
from xached.domain.instrument import Symbol
from xached.domain.market import (
    XACHE,
    BestQuote,
    BookDiff,
    BookSnapshot,
    FeedFault,
    FeedRecord,
    FeedReset,
    Heartbeat,
    Provenance,
    Source,
    Venue,
    VenueTrade,
)
from xached.domain.market_line import CANDLES_KEPT, MarketLine
from xached.domain.messages import Row, Traded, trade_id
from xached.domain.own_market import OwnMarketSnapshot
from xached.domain.rejection import Rejection
from xached.runtime.mailbox import Overloaded
from xached.runtime.supervise import Health, Restart, run_expendable
from xached.runtime.topic import Lagged, Subscription, Topic
from xached.runtime.world import NS_PER_S, Lane, World
from xached.storage.candles import CandleStore, LineProgress, MarketBatch

ROWS_BUFFERED_MAX: Final = 20_000

CLOCK_PERIOD_S: Final = 1.0
CANDLE_GRACE_NS: Final = NS_PER_S // 2
"""How long a candle waits for trades that are under way; the shipped feed is 0.3 s late."""

BUSY_RETRY_S: Final = 0.1

VENUE_AHEAD_NS_MAX: Final = 5 * NS_PER_S
"""How far a venue's clock may be ahead. Beyond that its time is not believed: time in candles
never goes back, so one trade from next year would gather all that follow into its candle."""

TRADE_BITS: Final = 12
"""A trade of the house is recorded by one number: its row, and so many bits for its place."""

OUT_OF_STEP: Final = (Sync.LOST, Sync.TOO_OLD)

MARK_PERIOD_S: Final = 0.25
MARK_AGE_S_MAX: Final = 1.0
MARK_MOVE_BP: Final = 5
"""A venue's mid goes to the exchange on a move of so many basis points, or each second; at most
four times a second, because each one is a journaled command."""


class Exchange(Protocol):
    """What is asked of the exchange."""

    async def own_market(self) -> OwnMarketSnapshot:
        """The public side of the exchange as it is on disk. Raises: Overloaded."""
        ...

    async def rows(self, first: int, last: int) -> Sequence[Row]:
        """Journaled rows from ``first`` to at most ``last``; as many as it likes, never none.

        Raises: Overloaded.
        """
        ...


Publish = Callable[[Sequence[FeedRecord]], Sequence[Symbol]]
"""Takes records; returns the instruments whose book has lost step and needs a snapshot."""


class MarketFeed(Protocol):
    """Follows one venue. It is expendable: the others go on, and it starts again."""

    @property
    def name(self) -> str:
        """What health calls it; no two feeds have one name."""
        ...

    @property
    def restart(self) -> Restart:
        """When it starts again after a failure."""
        ...

    def statistics(self) -> object:
        """Tell how it is going: a record with whole numbers."""
        ...

    @property
    def venue(self) -> Venue:
        """Who is followed."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Live, or a recording."""
        ...

    @property
    def symbols(self) -> Sequence[Symbol]:
        """What is followed."""
        ...

    async def run(self, publish: Publish) -> None:
        """Follow until cancelled or cut off; begin with a FeedReset."""
        ...


Answer = TypeVar("Answer")

SetMark = Callable[[Symbol, int, str], Awaitable[None]]
"""Sends (symbol, price in ticks, source) to the exchange. May raise Overloaded or Rejection."""


async def run_market(
    data: MarketData,
    *,
    world: World,
    exchange: Exchange,
    rows: Topic[Row],
    feeds: Sequence[MarketFeed],
    store: CandleStore,
    set_mark: SetMark,
    mark_venue: Venue,
    health: Health,
    stale_after_s: float = 5.0,
) -> None:
    """Keep the lines of ``data`` until cancelled.

    Args:
        health: where the feeds, each supervised, are told of.
        mark_venue: whose mid price is sent as the mark.
        stale_after_s: how long a feed may be silent before its tickers say so.
    """
    lane = world.open_lane("market")
    own = _OwnLines(data, world, exchange, store, lane)
    venues = _VenueLines(data, world, stale_after_s)
    marks = _Marks(data, set_mark, mark_venue)
    data.older_candles = partial(_older_candles, store, lane)
    try:
        for feed in feeds:
            for symbol in feed.symbols:
                venues.open(symbol, Source(feed.venue, feed.provenance))
                if feed.provenance is Provenance.RECORDED and data.folded_seq is None:
                    # What an earlier process played does not continue into what is played now.
                    await lane.run(store.forget, symbol, feed.venue)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(own.follow, rows)
            await data.wait_ready()
            for feed in feeds:
                follow = partial(feed.run, venues.publisher(feed))
                nursery.start_soon(run_expendable, feed.name, follow, health, feed.restart)
            nursery.start_soon(marks.run)
            while True:
                await own.save()
                await trio.sleep(CLOCK_PERIOD_S)
                venues.check_silence()
                for known in data.lines.values():
                    # Rows that are still to be read would come too late for a closed candle.
                    if known.line.venue != XACHE or own.current:
                        _close_candles(data, known, world.now_ns() - CANDLE_GRACE_NS)
    finally:
        data.older_candles = None
        lane.close()


async def _older_candles(
    store: CandleStore,
    lane: Lane,
    line: MarketLine,
    interval: Interval,
    from_ns: int,
    to_ns: int | None,
    limit: int,
) -> list[Candle]:
    find = partial(store.candles, from_ns=from_ns, to_ns=to_ns, limit=limit)
    return await lane.run(find, line.symbol, line.venue, interval)


def _close_candles(data: MarketData, known: WatchedLine, now_ns: int) -> None:
    if known.line.advance(now_ns):
        data.wake(known, trades=True)


# --- The house's own lines. ------------------------------------------------------------------


class _OwnLines:
    def __init__(
        self,
        data: MarketData,
        world: World,
        exchange: Exchange,
        store: CandleStore,
        lane: Lane,
    ) -> None:
        self._data = data
        self._world = world
        self._exchange = exchange
        self._store = store
        self._lane = lane
        self._saved_sequence: dict[Symbol, int] = {}
        self.current = False
        """True while every row is folded as it is published."""

    async def follow(self, rows: Topic[Row]) -> None:
        """Fold every row, from the last one that was folded on."""
        while True:
            async with rows.subscribe(ROWS_BUFFERED_MAX) as subscription:
                snapshot = await _when_free(self._exchange.own_market)
                if self._data.folded_seq is None:
                    await self._load(snapshot)
                self._data.own.start(snapshot, self._world.now_ns())
                for symbol, book in self._data.own.books.items():
                    recording = self._data.own_line(symbol).recording
                    if recording is not None:
                        recording.anew(book.at_ns)
                await self._catch_up(snapshot.seq)
                self._wake(self._data.own.books)
                self._data.ready.set()
                self.current = True
                await self._follow(subscription)
            self.current = False
            self._data.counts["lagged"] += 1

    async def save(self) -> None:
        """Write what is new to market.db; what could not be written is new the next time."""
        unsaved = [(known.line, known.line.unsaved()) for known in self._data.lines.values()]
        closed = tuple(
            (line.symbol, line.venue, candle) for line, candles in unsaved for candle in candles
        )
        own = tuple(self._progress(line) for line, _ in unsaved if line.venue == XACHE)
        batch = MarketBatch(
            seq=self._data.folded_seq or 0, now_ns=self._world.now_ns(), closed=closed, own=own
        )
        await self._lane.run(self._store.save, batch)
        for line, candles in unsaved:
            line.saved(len(candles))
        for progress in own:
            if progress.trades:
                self._saved_sequence[progress.symbol] = progress.trades[-1].sequence

    async def _load(self, snapshot: OwnMarketSnapshot) -> None:
        folded_seq = await self._lane.run(self._store.folded_seq)
        if folded_seq > snapshot.seq:
            await self._lane.run(self._store.forget_everything)
            folded_seq = 0
        # The lines need books to exist.
        self._data.own.start(snapshot, self._world.now_ns())
        for saved in await self._lane.run(self._store.own_lines):
            if saved.symbol not in self._data.own.books:
                continue
            closed: list[Candle] = []
            for interval in Interval:
                find = partial(self._store.candles, limit=CANDLES_KEPT)
                closed += await self._lane.run(find, saved.symbol, XACHE, interval)
            line = self._data.own_line(saved.symbol).line
            line.resume(closed, saved.open_candles, saved.trades, saved.candles_at_ns)
            self._saved_sequence[saved.symbol] = line.tape.sequence
        self._data.folded_seq = folded_seq

    async def _catch_up(self, last: int) -> None:
        assert self._data.folded_seq is not None
        while self._data.folded_seq < last:
            first = self._data.folded_seq + 1
            rows = await _when_free(partial(self._exchange.rows, first, last))
            assert rows, "the journal has every row up to its last"
            for row in rows:
                self._fold_trades(row)

    async def _follow(self, subscription: Subscription[Row]) -> None:
        while True:
            changed: dict[Symbol, None] = {}
            for item in await subscription.receive_batch():
                if isinstance(item, Lagged):
                    return
                if item.seq > self._data.own.seq:
                    books = self._data.own.fold(item)
                    changed.update(dict.fromkeys(books))
                    changed.update(dict.fromkeys(self._fold_trades(item)))
                    self._record(item, books)
            self._wake(changed)

    def _fold_trades(self, row: Row) -> list[Symbol]:
        traded = []
        for event in row.events:
            if isinstance(event, Traded):
                self._data.own_line(event.symbol).line.trade(
                    trade_id=trade_id(row.seq, event.index),
                    price_ticks=event.price_ticks,
                    quantity_lots=event.quantity_lots,
                    taker_side=event.taker_side,
                    at_ns=row.at_ns,
                    simulated=event.simulated,
                )
                traded.append(event.symbol)
        self._data.folded_seq = row.seq
        return traded

    def _record(self, row: Row, books: Iterable[Symbol]) -> None:
        """Record trades before the book that they leave."""
        for event in row.events:
            if isinstance(event, Traded):
                recording = self._data.own_line(event.symbol).recording
                if recording is not None:
                    recording.trade(
                        row.seq << TRADE_BITS | event.index,
                        event.price_ticks,
                        event.quantity_lots,
                        event.taker_side,
                        row.at_ns,
                    )
        for symbol in books:
            self._data.own_line(symbol).record_book()

    def _wake(self, symbols: Iterable[Symbol]) -> None:
        for symbol in symbols:
            known = self._data.own_line(symbol)
            known.line.book_changed()
            self._data.wake(known, book=True, trades=True)

    def _progress(self, line: MarketLine) -> LineProgress:
        saved = self._saved_sequence.get(line.symbol, 0)
        trades = line.tape.after(max(saved, line.tape.oldest - 1), line.tape.sequence - saved)
        return LineProgress(
            symbol=line.symbol,
            candles_at_ns=line.candles_at_ns,
            open_candles=tuple(line.open_candles()),
            trades=tuple(trades),
        )


async def _when_free(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask again while the exchange is too busy: that is no reason to fail, and fail for good."""
    while True:
        try:
            return await ask()
        except Overloaded:
            await trio.sleep(BUSY_RETRY_S)


# --- The venues' lines. ----------------------------------------------------------------------


class _VenueLines:
    def __init__(self, data: MarketData, world: World, stale_after_s: float) -> None:
        self._data = data
        self._world = world
        self._stale_after_s = stale_after_s

    def open(self, symbol: Symbol, source: Source) -> None:
        """Begin to follow an instrument at a venue."""
        self._data.venue_line(symbol, source).heard_at = trio.current_time()

    def publisher(self, feed: MarketFeed) -> Publish:
        """What a feed gives its records to."""
        lines = {symbol: self._data.lines[symbol, feed.venue] for symbol in feed.symbols}
        return partial(self._take, lines)

    def check_silence(self) -> None:
        """Mark the lines that have said nothing for too long."""
        for (_, venue), known in self._data.lines.items():
            silent_s = trio.current_time() - known.heard_at
            if venue != XACHE and silent_s > self._stale_after_s and not known.line.stale:
                known.line.silent()
                self._data.wake(known, book=True)

    def _take(
        self, lines: dict[Symbol, WatchedLine], records: Sequence[FeedRecord]
    ) -> list[Symbol]:
        changed: dict[Symbol, tuple[bool, bool]] = {}
        alive: dict[Symbol, None] = {}
        lost: dict[Symbol, None] = {}
        latest_ns = self._world.now_ns() + VENUE_AHEAD_NS_MAX
        for record in records:
            self._data.counts["records"] += 1
            if isinstance(record, FeedFault):
                self._data.faults[record.cause.value] += 1
                continue
            if isinstance(record, Heartbeat):
                alive = dict.fromkeys(lines)
                continue
            if record.at_ns > latest_ns:
                record = attrs.evolve(record, at_ns=latest_ns)
            book, trades, in_step = self._take_one(lines[record.symbol], record)
            known_book, known_trades = changed.get(record.symbol, (False, False))
            changed[record.symbol] = (book or known_book, trades or known_trades)
            if not isinstance(record, FeedReset):
                alive[record.symbol] = None
            if not in_step:
                lost[record.symbol] = None
        for symbol in alive:
            known = lines[symbol]
            known.heard_at = trio.current_time()
            if known.line.stale:
                known.line.heard()
                self._data.wake(known, book=True)
        for symbol in alive | dict.fromkeys(changed):
            book, trades = changed.get(symbol, (False, False))
            self._data.wake(lines[symbol], book=book, trades=trades)
        return list(lost)

    def _take_one(
        self,
        known: WatchedLine,
        record: VenueTrade | BookSnapshot | BookDiff | BestQuote | FeedReset,
    ) -> tuple[bool, bool, bool]:
        """Take a record; returns whether book and tape have changed, and that nothing is lost."""
        line, depth = known.line, known.depth
        assert depth is not None, line.venue
        match record:
            case VenueTrade():
                line.trade(
                    trade_id=str(record.trade_id),
                    price_ticks=record.price_ticks,
                    quantity_lots=record.quantity_lots,
                    taker_side=record.taker_side,
                    at_ns=record.at_ns,
                )
                if known.recording is not None:
                    known.recording.trade(
                        record.trade_id,
                        record.price_ticks,
                        record.quantity_lots,
                        record.taker_side,
                        record.at_ns,
                    )
                return False, True, True
            case BestQuote():
                line.quote(record)
                return False, False, True
            case BookSnapshot():
                sync = depth.snapshot(record)
                return self._synced(known, sync, record.at_ns), False, sync not in OUT_OF_STEP
            case BookDiff():
                sync = depth.diff(record)
                return self._synced(known, sync, record.at_ns), False, sync not in OUT_OF_STEP
            case FeedReset():
                self._data.counts["resets"] += 1
                depth.reset()
                line.book.start_anew(record.at_ns)
                known.record_book()
                line.start_anew()
                return True, True, True
            case _:
                assert_never(record)

    def _synced(self, known: WatchedLine, sync: Sync, at_ns: int) -> bool:
        line = known.line
        match sync:
            case Sync.APPLIED:
                line.book.changed(at_ns)
                known.record_book()
                line.book_changed()
                return True
            case Sync.LOST:
                self._data.counts["lost"] += 1
                line.book.start_anew(at_ns)
                known.record_book()
                line.book_changed()
                return True
            case Sync.KEPT | Sync.STALE | Sync.TOO_OLD:
                return False
            case _:
                assert_never(sync)


# --- Marks. ----------------------------------------------------------------------------------


@attrs.frozen
class _Mark:
    price_ticks: int
    sent_at: float


class _Marks:
    def __init__(self, data: MarketData, set_mark: SetMark, venue: Venue) -> None:
        self._data = data
        self._set_mark = set_mark
        self._venue = venue
        self._sent: dict[Symbol, _Mark] = {}

    async def run(self) -> None:
        """Send what is due, for ever. A slow exchange delays marks and nothing else."""
        while True:
            await trio.sleep(MARK_PERIOD_S)
            for symbol in list(self._data.own.books):
                known = self._data.lines.get((symbol, self._venue))
                if known is not None:
                    await self._send(known)

    async def _send(self, known: WatchedLine) -> None:
        symbol, mid_ticks = known.line.symbol, known.line.mid_ticks()
        last = self._sent.get(symbol)
        if not mid_ticks or not _due(last, mid_ticks, known.heard_at):
            return
        self._sent[symbol] = _Mark(mid_ticks, trio.current_time())
        try:
            await self._set_mark(symbol, mid_ticks, self._venue)
        except (Overloaded, Rejection):
            # The next one is newer anyway; without any the exchange lets nobody trade.
            self._data.counts["marks_refused"] += 1
        else:
            self._data.counts["marks"] += 1


def _due(last: _Mark | None, mid_ticks: int, heard_at: float) -> bool:
    if last is None:
        return True
    if abs(mid_ticks - last.price_ticks) * 10_000 >= MARK_MOVE_BP * last.price_ticks:
        return True
    # A feed that has said nothing since confirms nothing.
    return trio.current_time() - last.sent_at >= MARK_AGE_S_MAX and heard_at > last.sent_at
