"""The recorded feed under a mock clock, what it pre-plays, and the history that ships."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.domain.market_values import BTC, ETH, make_instrument
from xached.adapters.feeds.history import SHIPPED, load_history, restamp_history
from xached.adapters.feeds.recorded import (
    SHIFT_PPM_MAX,
    RecordedFeed,
    Recording,
    RecordingError,
    load_recording,
    preplay,
)
from xached.domain.candles import NS_PER_S, Candle, CandleBuilder, Interval
from xached.domain.depth import Sync, VenueDepth
from xached.domain.instrument import PPM, Instrument
from xached.domain.market import (
    BINANCE,
    BestQuote,
    BookDiff,
    BookSnapshot,
    FeedFault,
    FeedRecord,
    FeedReset,
    Provenance,
    VenueTrade,
)
from xached.domain.order import Side
from xached.runtime.world import SimulatedWorld

shipped = pytest.mark.parametrize("instrument", [BTC, ETH], ids=lambda each: each.symbol)
NOW_NS = 1_770_000_000_123_456_789


@cache
def recording_of(instrument: Instrument) -> Recording:
    return load_recording(SHIPPED[instrument.symbol].recording, instrument)


@attrs.frozen
class Heard:
    at_ns: int
    record: FeedRecord


async def play(
    recording: Recording, seconds: float, *, speed: float = 1.0, shift_ticks: int = 0
) -> list[Heard]:
    """What a feed publishes in some seconds, and when."""
    world = SimulatedWorld(1)
    heard: list[Heard] = []

    def publish(records: Sequence[FeedRecord]) -> None:
        heard.extend(Heard(world.now_ns(), record) for record in records)

    feed = RecordedFeed(recording, world, speed=speed, shift_ticks=shift_ticks)
    assert feed.name == f"feed BINANCE {recording.instrument.symbol}, recorded"
    with trio.move_on_after(seconds):
        await feed.run(publish)
    assert feed.statistics().loops == int(seconds * speed * NS_PER_S // recording.period_ns)
    return heard


def trades_of(heard: Sequence[Heard]) -> list[VenueTrade]:
    return [each.record for each in heard if isinstance(each.record, VenueTrade)]


@shipped
async def test_records_come_when_they_came_and_are_dated_now(
    instrument: Instrument, autojump_clock: trio.testing.MockClock
) -> None:
    recording = recording_of(instrument)
    heard = await play(recording, 60.0)
    spread_ns = 0
    for each in heard:
        if isinstance(each.record, FeedFault):
            continue
        # Never in the future (but for a rounded float), nor older than the venue was slow: 0.3 s.
        late_ns = each.at_ns - each.record.at_ns
        assert -1_000 <= late_ns < 400_000_000, each
        spread_ns = max(spread_ns, late_ns)
    assert spread_ns > 1_000_000
    expected = sum(
        received_ns - recording.starts_at_ns < 60 * NS_PER_S for received_ns, _ in recording.frames
    )
    frames = sum(not isinstance(each.record, FeedFault | FeedReset) for each in heard)
    assert abs(frames - expected) < 20


@shipped
async def test_each_loop_is_declared_in_step_and_continues_the_last_price(
    instrument: Instrument, autojump_clock: trio.testing.MockClock
) -> None:
    recording = recording_of(instrument)
    heard = await play(recording, 2.4 * recording.period_ns / NS_PER_S)
    starts = [at for at, each in enumerate(heard) if isinstance(each.record, FeedReset)]
    assert starts[0] == 0
    assert len(starts) == 3
    loops = [trades_of(heard[start:end]) for start, end in pairwise([*starts, len(heard)])]
    for before, after in pairwise(loops):
        assert len(before) == len(recording.trades)
        assert after[0].price_ticks == before[-1].price_ticks
        assert after[0].at_ns >= before[-1].at_ns
    assert [trade.price_ticks for trade in loops[0]] == [
        trade.price_ticks for trade in recording.trades
    ]
    assert starts_seconds_apart(heard, starts) == {recording.period_ns // NS_PER_S}
    # The venue's book is in step in every loop, shifted as it is.
    book = VenueDepth()
    for each in heard:
        match each.record:
            case FeedReset():
                book.reset()
            case BookSnapshot():
                assert book.snapshot(each.record) is Sync.APPLIED
            case BookDiff():
                assert book.diff(each.record) in (Sync.KEPT, Sync.APPLIED)
            case BestQuote():
                assert each.record.bid_ticks < each.record.ask_ticks
            case _:
                pass
    assert book.synced


def starts_seconds_apart(heard: Sequence[Heard], starts: Sequence[int]) -> set[int]:
    times = [heard[at].at_ns for at in starts]
    return {round((b - a) / NS_PER_S) for a, b in pairwise(times)}


async def test_speed_compresses_time_and_nothing_else(
    autojump_clock: trio.testing.MockClock,
) -> None:
    recording = recording_of(ETH)
    fast = await play(recording, 1.0, speed=60.0)
    slow = await play(recording, 60.0)
    fast_trades, slow_trades = trades_of(fast), trades_of(slow)
    assert abs(len(fast_trades) - len(slow_trades)) < 10
    paired = zip(fast_trades, slow_trades, strict=False)
    assert all(a.trade_id == b.trade_id and a.price_ticks == b.price_ticks for a, b in paired)
    assert fast_trades[-1].at_ns - fast_trades[0].at_ns < NS_PER_S


def test_the_price_never_wanders_off_what_was_recorded() -> None:
    """BTC falls by 0.25 % in each loop: without a bound it would reach nothing in two days."""
    recording = recording_of(BTC)
    first = recording.trades[0].price_ticks
    shift_ticks, shifts = 0, []
    for _ in range(2_000):
        shifts.append(shift_ticks)
        shift_ticks = recording.next_shift_ticks(shift_ticks)
    assert max(map(abs, shifts)) * PPM <= first * SHIFT_PPM_MAX
    assert shifts.count(0) > 50


async def test_levels_that_would_be_worth_nothing_are_left_out(
    autojump_clock: trio.testing.MockClock,
) -> None:
    recording = recording_of(ETH)
    heard = await play(recording, 1.0, shift_ticks=-268_000)
    books = [each.record for each in heard if isinstance(each.record, BookDiff | BookSnapshot)]
    assert books
    assert all(price > 0 for book in books for price, _ in book.bids + book.asks)


# --- The past. -------------------------------------------------------------------------------


def candles_of(trades: Sequence[VenueTrade]) -> list[Candle]:
    builder = CandleBuilder()
    closed: list[Candle] = []
    for trade in trades:
        closed += builder.trade(
            trade.at_ns,
            trade.price_ticks,
            trade.quantity_lots,
            simulated=False,
            bought=trade.taker_side is Side.BUY,
        )
    return closed + builder.advance(builder.now_ns + 2 * Interval.D1.ns)


@shipped
def test_preplayed_loops_end_now_and_continue_each_other(instrument: Instrument) -> None:
    recording = recording_of(instrument)
    played = preplay(recording, 3, NOW_NS)
    assert played.starts_at_ns == NOW_NS - 3 * recording.period_ns
    assert len(played.trades) == len(recording.trades)
    assert played.trades[-1].at_ns <= NOW_NS
    net_ticks = recording.trades[-1].price_ticks - recording.trades[0].price_ticks
    # The feed that follows, unshifted, begins where this ends.
    assert played.trades[-1].price_ticks == recording.trades[0].price_ticks
    assert played.candles[0].open_ticks == recording.trades[0].price_ticks - 3 * net_ticks
    assert {candle.interval for candle in played.candles} == {Interval.S1}
    times = [candle.open_at_ns for candle in played.candles]
    assert times == sorted(times)
    assert times[-1] <= NOW_NS
    assert sum(candle.trades for candle in played.candles) == 3 * len(recording.trades)


@shipped
def test_preplayed_seconds_are_those_of_the_trades(instrument: Instrument) -> None:
    played = preplay(recording_of(instrument), 1, NOW_NS)
    seconds = [c for c in candles_of(played.trades) if c.interval is Interval.S1]
    assert list(played.candles) == seconds


def test_nothing_is_preplayed_when_nothing_is_asked_for() -> None:
    played = preplay(recording_of(ETH), 0, NOW_NS)
    assert (played.candles, played.trades) == ((), ())
    assert played.starts_at_ns == NOW_NS


@shipped
def test_history_ships_whole_and_ends_where_the_recording_begins(instrument: Instrument) -> None:
    history = load_history(SHIPPED[instrument.symbol].history, instrument)
    assert len(history) == 60 * 24 * 12
    for before, after in pairwise(history):
        assert after.open_at_ns - before.open_at_ns == Interval.M5.ns
    assert all(
        c.low_ticks <= min(c.open_ticks, c.close_ticks)
        and c.high_ticks >= max(c.open_ticks, c.close_ticks)
        for c in history
    )
    recording = recording_of(instrument)
    assert 0 < recording.starts_at_ns - history[-1].ends_at_ns < Interval.M5.ns
    moved = abs(history[-1].close_ticks - recording.trades[0].price_ticks)
    assert moved * 100 < history[-1].close_ticks


def test_restamped_history_ends_at_or_just_before_a_time_and_at_a_price() -> None:
    history = load_history(SHIPPED[ETH.symbol].history, ETH)
    moved = restamp_history(history, NOW_NS, 300_000)
    assert moved[-1].close_ticks == 300_000
    assert moved[0].high_ticks - moved[0].low_ticks == history[0].high_ticks - history[0].low_ticks
    assert 0 <= NOW_NS - moved[-1].ends_at_ns < Interval.M5.ns
    assert all(candle.open_at_ns % Interval.M5.ns == 0 for candle in moved)
    assert restamp_history([], NOW_NS, 300_000) == []


def test_what_ships_names_its_origin_and_stays_small() -> None:
    folder = SHIPPED[BTC.symbol].recording.parent
    notice = (folder / "NOTICE.md").read_text()
    for each in SHIPPED.values():
        assert each.recording.name in notice
        assert each.history.name in notice
    assert "Copyright (c) 2022 nkaz001@protonmail.com" in notice
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 4_000_000


# --- Files that cannot be played. ------------------------------------------------------------


def write(path: Path, text: str) -> Path:
    with gzip.open(path, "wt") as file:
        file.write(text)
    return path


@pytest.mark.parametrize("text", ["", "no time\n", "12 {}\n", "x {}\n"])
def test_a_recording_without_times_or_trades_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecordingError):
        load_recording(write(tmp_path / "r.gz", text), BTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wrong,header\n",
        "open_time_ms,open,high,low,close,volume\n1,2,3\n",
        "open_time_ms,open,high,low,close,volume\n1,2,3,1,2.001,5\n",
        "open_time_ms,open,high,low,close,volume\nx,2,3,1,2,5\n",
    ],
)
def test_a_history_that_does_not_fit_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(RecordingError):
        load_history(write(tmp_path / "h.gz", text), BTC)


def test_a_coarser_instrument_cannot_play_what_was_recorded_finer() -> None:
    coarse = attrs.evolve(make_instrument("BTC", 1_000), tick_step=1_000)
    with pytest.raises(RecordingError):
        load_history(SHIPPED[BTC.symbol].history, coarse)


def test_the_source_is_said() -> None:
    feed = RecordedFeed(recording_of(BTC), SimulatedWorld(1))
    assert (feed.venue, feed.provenance, feed.symbols) == (
        BINANCE, Provenance.RECORDED, (BTC.symbol,),
    )  # fmt: skip
