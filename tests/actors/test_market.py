"""The market actor under a mock clock: lines that are right, numbered, resumed and bounded."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.actors.market_house import CommandedFeed, RowsExchange, quote, running
from tests.domain.market_values import BTC, EXAMPLES, ModelVenue
from tests.domain.test_own_market import levels_of
from tests.storage.house import SYMBOL
from xached.actors.market import actor
from xached.actors.market.data import MarketData
from xached.adapters.feeds.history import SHIPPED, load_history, restamp_history
from xached.adapters.feeds.recorded import RecordedFeed, load_recording, preplay
from xached.domain.candles import NS_PER_S, Candle, CandleBuilder, Interval
from xached.domain.depth import BookStep
from xached.domain.instrument import Symbol
from xached.domain.market import (
    BINANCE,
    XACHE,
    BookDiff,
    FaultCause,
    FeedFault,
    FeedReset,
    Provenance,
    Source,
    TapeTrade,
    VenueTrade,
)
from xached.domain.messages import Row, Traded, trade_id
from xached.domain.order import Side
from xached.domain.rejection import Reason, Rejection
from xached.runtime.mailbox import Overloaded
from xached.runtime.world import EPOCH_NS, SimulatedWorld
from xached.storage.candles import CandleStore, MarketBatch

OLD = Candle(
    interval=Interval.M5, open_at_ns=EPOCH_NS, open_ticks=1, high_ticks=1, low_ticks=1,
    close_ticks=1, volume_lots=1, trades=1, simulated_trades=0, closed=True,
)  # fmt: skip


@pytest.fixture
async def exchange() -> RowsExchange:
    house = RowsExchange(5)
    house.trade(30)
    return house


def expected_tape(rows: Sequence[Row]) -> list[tuple[int, str, int]]:
    traded = [
        (trade_id(row.seq, event.index), event.price_ticks)
        for row in rows
        for event in row.events
        if isinstance(event, Traded)
    ]
    return [(number, *each) for number, each in enumerate(traded, start=1)]


def told(trades: Sequence[TapeTrade]) -> list[tuple[int, str, int]]:
    return [(trade.sequence, trade.trade_id, trade.price_ticks) for trade in trades]


def all_candles(data: MarketData) -> dict[Interval, list[Candle]]:
    line = data.line(SYMBOL, XACHE)
    return {interval: line.candles(interval) for interval in Interval}


class Rebuilt:
    """A client's book, made of the steps it was told."""

    def __init__(self) -> None:
        self.levels: dict[Side, dict[int, int]] = {side: {} for side in Side}
        self.sequence = -1

    def take(self, step: BookStep) -> None:
        if step.snapshot:
            self.levels = {side: {} for side in Side}
        else:
            assert step.first_sequence == self.sequence + 1
        self.sequence = step.sequence
        for side, levels in ((Side.BUY, step.bids), (Side.SELL, step.asks)):
            for price_ticks, lots in levels:
                self.levels[side][price_ticks] = lots

    def shown(self, side: Side) -> tuple[tuple[int, int], ...]:
        levels = [level for level in self.levels[side].items() if level[1]]
        return tuple(sorted(levels, reverse=side is Side.BUY))


# --- The house's own lines. ------------------------------------------------------------------


async def test_readers_of_any_speed_rebuild_the_exchanges_book(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house, trio.open_nursery() as nursery:
        line = house.data.line(SYMBOL, XACHE)
        books = {pace_s: Rebuilt() for pace_s in (0.0, 0.3, 5.0)}

        async def follow(pace_s: float) -> None:
            watch = house.data.watch_book(line, 1_000)
            while True:
                books[pace_s].take(await watch.next())
                await trio.sleep(pace_s)

        for pace_s in books:
            nursery.start_soon(follow, pace_s)
        for _ in range(EXAMPLES // 4):
            exchange.trade(5)
            await trio.sleep(0.1)
        await trio.sleep(10)
        for book in books.values():
            # Changes that undid each other pass silently.
            assert book.sequence <= line.book.sequence
            for side in Side:
                assert book.shown(side) == levels_of(exchange.house.exchange, side)
        nursery.cancel_scope.cancel()


async def test_every_trade_is_told_once_and_a_reader_resumes_where_it_was(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        line = house.data.line(SYMBOL, XACHE)
        heard: list[TapeTrade] = []
        last = 0
        for _ in range(20):
            # A connection that breaks after each step, and comes back later.
            exchange.trade(40)
            await trio.sleep(1)
            heard += (await house.data.watch_trades(line, last).next()).trades
            last = heard[-1].sequence
        assert told(heard) == expected_tape(exchange.journal)


async def test_a_slow_reader_costs_one_step_however_much_it_missed(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        line = house.data.line(SYMBOL, XACHE)
        book = house.data.watch_book(line, 10)
        trades = house.data.watch_trades(line)
        await book.next()
        before = line.book.sequence
        exchange.trade(2_000)
        await trio.testing.wait_all_tasks_blocked()
        step = await book.next()
        assert line.book.sequence - before > 500
        assert (step.first_sequence, step.sequence) == (before + 1, line.book.sequence)
        assert len(step.bids) + len(step.asks) <= 40
        assert len((await trades.next()).trades) <= 200


async def test_a_killed_actor_goes_on_as_if_nothing_had_happened(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    """Checked by saving ``folded_seq`` one too small: a trade is then counted twice."""
    draw = random.Random(3)
    exchange.busy_rows = 5
    for _ in range(EXAMPLES // 5):
        async with running(tmp_path, exchange):
            for _ in range(draw.randrange(5)):
                exchange.trade(draw.randrange(40))
                await trio.sleep(draw.uniform(0, 2))
        exchange.trade(draw.randrange(30))
    async with running(tmp_path, exchange) as house:
        line = house.data.line(SYMBOL, XACHE)
        tape = expected_tape(exchange.journal)
        assert told(line.tape.newest(10_000)[::-1]) == tape[-10_000:]
        check_candles(house.data, exchange)


async def test_what_could_not_be_saved_is_saved_the_next_time(
    tmp_path: Path,
    exchange: RowsExchange,
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The disk is full for a while; the actor fails and is started again with what it knows.

    Checked: it fails when candles and trades count as saved before they are.
    """

    def disk_is_full(self: CandleStore, batch: MarketBatch) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    known = MarketData(SimulatedWorld(1))
    async with running(tmp_path, exchange, data=known):
        exchange.trade(40)
        await trio.sleep(2)
    with (
        monkeypatch.context() as disk,
        pytest.RaisesGroup(sqlite3.OperationalError, flatten_subgroups=True),
    ):
        async with running(tmp_path, exchange, data=known):
            disk.setattr(CandleStore, "save", disk_is_full)
            exchange.trade(40)
            await trio.sleep(5)
    async with running(tmp_path, exchange, data=known):
        exchange.trade(40)
        await trio.sleep(3)
    async with running(tmp_path, exchange) as house:
        line = house.data.line(SYMBOL, XACHE)
        assert told(line.tape.newest(10_000)[::-1]) == expected_tape(exchange.journal)
        check_candles(house.data, exchange)


def check_candles(data: MarketData, exchange: RowsExchange) -> None:
    """Compare with candles made of the whole journal in one go."""
    whole = CandleBuilder()
    made: list[Candle] = []
    for row in exchange.journal:
        for event in row.events:
            if isinstance(event, Traded):
                made += whole.trade(
                    row.at_ns,
                    event.price_ticks,
                    event.quantity_lots,
                    simulated=False,
                    bought=event.taker_side is Side.BUY,
                )
    made += whole.open_candles().values()
    for interval, candles in all_candles(data).items():
        expected = [unfinished(candle) for candle in made if candle.interval is interval]
        assert [unfinished(candle) for candle in candles] == expected[-len(candles) :]
        assert len(candles) >= min(len(expected), 1_000)


def unfinished(candle: Candle) -> Candle:
    """Without the knowledge that time has passed since."""
    return attrs.evolve(candle, closed=False)


async def test_an_actor_that_is_started_again_tells_readers_to_start_anew(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        data = house.data
        exchange.trade(100)
        await trio.sleep(0.3)
        before = all_candles(data)
        watch = data.watch_book(data.line(SYMBOL, XACHE), 5)
        await watch.next()
    async with running(tmp_path, exchange, data=data) as house:
        step = await watch.next()
        assert (step.snapshot, step.reset) == (True, True)
        assert all_candles(data) == before
        exchange.trade(100)
        await trio.sleep(0.1)
        line = data.line(SYMBOL, XACHE)
        assert told(line.tape.newest(10_000)[::-1]) == expected_tape(exchange.journal)
        assert line.book.depth.bids(999) == levels_of(exchange.house.exchange, Side.BUY)


async def test_rows_that_came_too_fast_are_read_from_the_journal(
    tmp_path: Path,
    exchange: RowsExchange,
    monkeypatch: pytest.MonkeyPatch,
    autojump_clock: trio.testing.MockClock,
) -> None:
    """Checked by closing the house's candles while rows are still read: trades move."""
    monkeypatch.setattr(actor, "ROWS_BUFFERED_MAX", 50)
    async with running(tmp_path, exchange) as house:
        reads = exchange.reads
        exchange.read_s = 2.0
        exchange.trade(700)
        await trio.sleep(60)
        line = house.data.line(SYMBOL, XACHE)
        assert house.data.statistics().lagged == 1
        assert exchange.reads > reads
        assert told(line.tape.newest(10_000)[::-1]) == expected_tape(exchange.journal)
        assert line.book.depth.asks(999) == levels_of(exchange.house.exchange, Side.SELL)
        exchange.trade(20)
        await trio.sleep(0.1)
        assert told(line.tape.newest(10_000)[::-1]) == expected_tape(exchange.journal)
        check_candles(house.data, exchange)


async def test_a_busy_exchange_is_asked_again(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    """An actor that failed instead would stay down after six refusals, and marks with it."""
    exchange.refusals = 10
    async with running(tmp_path, exchange) as house:
        tape = house.data.line(SYMBOL, XACHE).tape
        assert told(tape.newest(10_000)[::-1]) == expected_tape(exchange.journal)


async def test_a_market_db_of_another_journal_is_emptied(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        exchange.trade(300)
        await trio.sleep(3)
    other = RowsExchange(9)
    other.trade(50)
    async with running(tmp_path, other) as house:
        line = house.data.line(SYMBOL, XACHE)
        assert told(line.tape.newest(10_000)[::-1]) == expected_tape(other.journal)


async def test_an_instrument_that_is_listed_later_gets_a_line(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    exchange = RowsExchange(2)
    async with running(tmp_path, exchange) as house:
        with pytest.raises(Rejection) as caught:
            house.data.line(SYMBOL, XACHE)
        assert caught.value.reason is Reason.UNKNOWN_VENUE
        exchange.trade(100)
        await trio.sleep(0.1)
        assert house.data.line(SYMBOL, XACHE).tape.sequence > 0
        with pytest.raises(Rejection) as caught:
            house.data.line(Symbol("X-Y"), XACHE)
        assert caught.value.reason is Reason.UNKNOWN_INSTRUMENT


# --- Venues. ---------------------------------------------------------------------------------


async def test_a_venues_book_is_kept_by_its_rules_and_lost_with_a_gap(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        line = house.data.line(SYMBOL, BINANCE)
        watch = house.data.watch_book(line, 50)
        assert (await watch.next()).bids == ()
        venue = ModelVenue()
        venue.change(Side.BUY, 10, 1)
        first = venue.diff()
        venue.change(Side.SELL, 12, 3)
        house.feed.publish([first, venue.snapshot(), venue.diff()])
        step = await watch.next()
        assert (step.bids, step.asks) == (((10, 1),), ((12, 3),))
        venue.change(Side.BUY, 11, 1)
        venue.diff()
        venue.change(Side.BUY, 9, 1)
        house.feed.publish([venue.diff()])
        step = await watch.next()
        assert (step.snapshot, step.reset, step.bids) == (True, True, ())
        assert house.data.statistics().lost == 1
        house.feed.publish([venue.snapshot()])
        assert len((await watch.next()).bids) == 3


async def test_a_reset_is_told_to_every_reader_and_numbers_go_on(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        line = house.data.line(SYMBOL, BINANCE)
        venue = ModelVenue()
        venue.change(Side.BUY, 10, 1)
        trade = VenueTrade(
            symbol=SYMBOL,
            trade_id=7,
            price_ticks=10,
            quantity_lots=2,
            taker_side=Side.BUY,
            at_ns=house.world.now_ns(),
        )
        house.feed.publish([venue.snapshot(), trade])
        book = house.data.watch_book(line, 5)
        trades = house.data.watch_trades(line)
        candles = house.data.watch_candles(line, Interval.S1)
        assert (await book.next()).bids == ((10, 1),)
        assert [candle.close_ticks for candle in (await candles.next()).candles] == [10]
        house.feed.publish([FeedReset(symbol=SYMBOL, at_ns=5, cause="test"), trade])
        assert (await book.next()).reset
        step = await trades.next()
        assert (step.reset, [each.sequence for each in step.trades]) == (
            True, [line.tape.sequence],
        )  # fmt: skip
        assert (await candles.next()).reset


async def test_faults_are_counted_and_change_nothing(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        house.feed.publish([FeedFault(cause=FaultCause.NOT_JSON, excerpt="x")] * 3)
        statistics = house.data.statistics()
        assert statistics.faults == {"NOT_JSON": 3}
        assert house.data.line(SYMBOL, BINANCE).tape.sequence > 10**12, "numbers begin at the clock"


async def test_a_trade_of_the_future_does_not_stop_candles(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        for second, ahead_ns in enumerate((0, 2**60, 0, 0, 0, 0, 0, 0, 0, 0)):
            trade = VenueTrade(
                symbol=SYMBOL, trade_id=second, price_ticks=5, quantity_lots=1,
                taker_side=Side.BUY, at_ns=house.world.now_ns() + ahead_ns,
            )  # fmt: skip
            house.feed.publish([trade])
            await trio.sleep(1)
        candles = house.data.line(SYMBOL, BINANCE).candles(Interval.S1)
        assert sum(candle.trades for candle in candles) == 10
        assert len(candles) >= 5
        assert candles[-1].open_at_ns <= house.world.now_ns()


async def test_a_silent_venue_is_stale_until_it_speaks(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        line = house.data.line(SYMBOL, BINANCE)
        house.feed.publish([quote(10, 12)])
        watch = house.data.watch_tickers(SYMBOL)
        tickers = {each.source.venue: each for each in await watch.next()}
        assert not tickers[BINANCE].stale
        (ticker,) = await watch.next()
        assert (ticker.source.venue, ticker.stale) == (BINANCE, True)
        assert 5 < trio.current_time() < 8
        assert line.mid_ticks() is None
        house.feed.publish([quote(10, 12)])
        (ticker,) = await watch.next()
        assert not ticker.stale
        assert line.mid_ticks() == 11
        # The house's own market is never stale: nobody has to trade.
        assert not house.data.ticker(house.data.line(SYMBOL, XACHE)).stale


# --- Marks. ----------------------------------------------------------------------------------


async def test_marks_follow_the_mid_but_not_too_often(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        price = 1_000_000
        draw = random.Random(1)
        # Seconds of calm, then seconds of a wild market, a hundred quotes each.
        for move_ticks in (1, 1, 1, 5_000, 5_000, 5_000):
            for _ in range(100):
                price += draw.randrange(-move_ticks, move_ticks + 1)
                house.feed.publish([quote(price - 1, price + 1)])
                await trio.sleep(0.01)
        times = [at for at, _ in house.marks]
        gaps = [b - a for a, b in pairwise(times)]
        assert times[0] < 0.5, "the first value is sent at once"
        assert min(gaps) > 0.249, "at most four a second"
        assert sum(at < 3 for at in times) in (3, 4), "each second while nothing moves"
        assert sum(at >= 3 for at in times) >= 10, "each 5 basis points while much moves"


async def test_a_silent_venue_confirms_no_mark(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        house.feed.publish([quote(100, 102)])
        await trio.sleep(30)
        assert [price for _, price in house.marks] == [101]


async def test_a_refused_mark_is_counted_and_the_next_one_is_sent(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    async with running(tmp_path, exchange) as house:
        house.mark_error += [Overloaded(), Rejection(Reason.PRICE_RANGE, "no")]
        for price in (100, 200, 300):
            house.feed.publish([quote(price, price + 2)])
            await trio.sleep(1)
        assert [price for _, price in house.marks] == [301]
        statistics = house.data.statistics()
        assert (statistics.marks, statistics.marks_refused) == (1, 2)


# --- The shipped recording, whole. -----------------------------------------------------------


async def test_charts_are_full_when_the_recording_starts(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    world = SimulatedWorld(4)
    data = MarketData(world)
    recording = load_recording(SHIPPED[SYMBOL].recording, BTC)
    played = preplay(recording, 3, world.now_ns())
    history = restamp_history(
        load_history(SHIPPED[SYMBOL].history, BTC),
        played.starts_at_ns,
        played.candles[0].open_ticks,
    )
    source = Source(BINANCE, Provenance.RECORDED)
    data.preload(SYMBOL, source, history)
    data.preload(SYMBOL, source, played.candles, played.trades)
    feed = RecordedFeed(recording, world)
    commanded = CommandedFeed(Provenance.RECORDED)
    commanded.run = feed.run  # type: ignore[method-assign] # the rest is the same
    async with running(tmp_path, exchange, data=data, feed=commanded) as house:
        line = data.line(SYMBOL, BINANCE)
        before = line.tape.last()
        assert before is not None
        for interval, at_least in (
            (Interval.S1, 900), (Interval.M1, 17), (Interval.M5, 1_000),
            (Interval.M15, 1_000), (Interval.H1, 1_000), (Interval.D1, 60),
        ):  # fmt: skip
            assert len(line.candles(interval)) >= at_least
        await trio.sleep(20)
        step = await data.watch_trades(line, before.sequence).next()
        assert step.trades[0].price_ticks == before.price_ticks, "the price continues"
        assert step.trades[0].source == source
        ticker = data.ticker(line)
        assert ticker.bid is not None
        assert ticker.ask is not None
        assert ticker.bid[0] < ticker.ask[0]
        assert ticker.open_ticks == next(
            candle.open_ticks
            for candle in line.candles(Interval.M5)
            if candle.open_at_ns >= house.world.now_ns() - Interval.D1.ns - NS_PER_S
        )
        assert house.marks
        # Older ones than memory holds come from the file, without a seam.
        candles = await data.list_candles(
            line, Interval.M5, from_ns=0, to_ns=line.candles(Interval.M5)[5].open_at_ns, limit=500
        )
        assert len(candles) == 500
        times = [candle.open_at_ns for candle in candles]
        assert times == list(range(times[0], times[-1] + 1, Interval.M5.ns))


async def test_an_actor_that_starts_again_keeps_what_is_played(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    data = MarketData(SimulatedWorld(1))
    data.preload(SYMBOL, Source(BINANCE, Provenance.RECORDED), [OLD])
    data.line(SYMBOL, BINANCE).advance(EPOCH_NS + Interval.D1.ns)
    for _ in range(2):
        async with running(tmp_path, exchange, data=data, feed=CommandedFeed(Provenance.RECORDED)):
            await trio.sleep(2)
    store = CandleStore(tmp_path / "market.db")
    found = store.candles(SYMBOL, BINANCE, Interval.M5, limit=9)
    store.close()
    assert len(found) == 1


async def test_what_an_earlier_run_played_is_forgotten(
    tmp_path: Path, exchange: RowsExchange, autojump_clock: trio.testing.MockClock
) -> None:
    for provenance, remembered in ((Provenance.LIVE, 1), (Provenance.RECORDED, 0)):
        data = MarketData(SimulatedWorld(1))
        data.preload(SYMBOL, Source(BINANCE, Provenance.LIVE), [OLD])
        data.line(SYMBOL, BINANCE).advance(EPOCH_NS + Interval.D1.ns)
        async with running(tmp_path, exchange, data=data):
            await trio.sleep(2)
        fresh = MarketData(SimulatedWorld(1))
        async with running(tmp_path, exchange, data=fresh, feed=CommandedFeed(provenance)):
            await trio.sleep(2)
        store = CandleStore(tmp_path / "market.db")
        found = store.candles(SYMBOL, BINANCE, Interval.M5, limit=9)
        store.close()
        assert len(found) == remembered


def test_diffs_name_no_source() -> None:
    """What feeds report is the venue's alone; only what is published names its source."""
    assert "source" not in attrs.fields_dict(BookDiff)
