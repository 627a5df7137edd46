"""A feed that plays a recording of a venue, again and again, as if it happened now.

A recording is a gzip file of lines ``<receive time, ns> <frame>``. What is played is what the
venue's own parser makes of the frames, changed in two declared ways:

* time: the first frame is received when playing starts, and the distances are those of the
  recording (divided by the speed). The venue's clock and the recorder's differ (1.27 s in the
  shipped ones), so venue times are moved by the smallest distance ever seen between the two;
  nothing is dated in the future.
* price: each loop is shifted by whole ticks so that its first trade continues the last one of
  the loop before. Levels that would be moved to 0 or below are left out. A recording that rises
  or falls would carry the price away in the end, so beyond ``SHIFT_PPM_MAX`` of the recorded
  price the next loop is played unshifted.

Between two loops, and at the start, a :class:`FeedReset` says that books do not connect.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, Protocol, assert_never

import attrs
import trio

from xached.adapters.feeds.binance import BinanceParser, binance_name
from xached.adapters.feeds.feed import Parser
from xached.domain.candles import NS_PER_S, Candle, CandleBuilder, Interval
from xached.domain.instrument import PPM, Instrument, Symbol
from xached.domain.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    FeedFault,
    FeedRecord,
    FeedReset,
    Heartbeat,
    Level,
    Provenance,
    Venue,
    VenueTrade,
)
from xached.domain.order import Side
from xached.runtime.supervise import Restart

SHIFT_PPM_MAX: Final = 50_000
"""Farthest a loop is moved from what was recorded: 5 %, which 20 loops of the shipped BTC take."""

GATHER_S: Final = 0.005
"""How late a frame may be, to be played with those after it: a wake-up costs more than one."""

FRAMES_AT_ONCE_MAX: Final = 200

RECORDINGS: Final = Path(__file__).parent / "recordings"


class RecordingError(Exception):
    """A recording cannot be played as the instrument it was loaded for."""


class WallClock(Protocol):
    """What is needed of the world."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970 UTC."""
        ...


@attrs.frozen(kw_only=True)
class Recording:
    """Frames with their receive times, and the trades in them as they were recorded.

    ``lead_ns`` is added to a venue time to put it on the recorder's clock: negative when the
    venue's clock is ahead.
    """

    instrument: Instrument
    parser: Parser
    frames: tuple[tuple[int, bytes], ...]
    trades: tuple[VenueTrade, ...]
    lead_ns: int
    period_ns: int

    @property
    def starts_at_ns(self) -> int:
        """When the first frame was received."""
        return self.frames[0][0]

    def next_shift_ticks(self, shift_ticks: int) -> int:
        """The shift of the loop after one with this shift."""
        return self._within_range(shift_ticks + self._net_ticks)

    def previous_shift_ticks(self, shift_ticks: int) -> int:
        """The shift of the loop before one with this shift."""
        return self._within_range(shift_ticks - self._net_ticks)

    @property
    def _net_ticks(self) -> int:
        return self.trades[-1].price_ticks - self.trades[0].price_ticks

    def _within_range(self, shift_ticks: int) -> int:
        too_far = abs(shift_ticks) * PPM > self.trades[0].price_ticks * SHIFT_PPM_MAX
        return 0 if too_far else shift_ticks


def load_recording(path: Path, instrument: Instrument) -> Recording:
    """Read a recording of Binance frames. Blocking, about 0.2 s for the shipped ones.

    Raises: RecordingError where it does not fit the instrument; OSError.
    """
    name = binance_name(instrument)
    parser = BinanceParser({name: instrument}, snapshot_symbol=name)
    frames: list[tuple[int, bytes]] = []
    with gzip.open(path, "rb") as lines:
        for line in lines:
            received, _, frame = line.rstrip(b"\n").partition(b" ")
            if not received.isdigit():
                raise RecordingError(f"{path.name} line {len(frames) + 1} has no receive time")
            frames.append((int(received), frame))
    trades: list[VenueTrade] = []
    lead_ns: int | None = None
    for received_ns, frame in frames:
        if b'"trade"' in frame:
            for record in parser.parse(frame, received_ns):
                if isinstance(record, VenueTrade):
                    trades.append(record)
                    lead = received_ns - record.at_ns
                    lead_ns = lead if lead_ns is None else min(lead_ns, lead)
    if lead_ns is None:
        raise RecordingError(f"{path.name} has no trade that fits {instrument.symbol}")
    # Whole seconds, so that candles of one second are the same in every loop.
    length_ns = frames[-1][0] - frames[0][0]
    return Recording(
        instrument=instrument,
        parser=parser,
        frames=tuple(frames),
        trades=tuple(trades),
        lead_ns=lead_ns,
        period_ns=(length_ns // NS_PER_S + 1) * NS_PER_S,
    )


# --- Playing it now. -------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RecordedStatistics:
    """How often the recording was played to its end."""

    loops: int


class RecordedFeed:
    """Plays a recording for ever; a source of records for the market actor."""

    def __init__(
        self, recording: Recording, clock: WallClock, *, speed: float = 1.0, shift_ticks: int = 0
    ) -> None:
        """``shift_ticks``: of the first loop."""
        assert speed > 0
        self._recording = recording
        self._clock = clock
        self._speed = speed
        self._shift_ticks = shift_ticks
        self._loops = 0

    @property
    def name(self) -> str:
        """What health calls it."""
        return f"feed {self.venue} {self.symbols[0]}, recorded"

    @property
    def venue(self) -> Venue:
        """Who was recorded."""
        return self._recording.parser.venue

    @property
    def provenance(self) -> Provenance:
        """Always recorded."""
        return Provenance.RECORDED

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The one instrument."""
        return (self._recording.instrument.symbol,)

    @property
    def restart(self) -> Restart:
        """Its faults are bugs: it does not start again for ever."""
        return Restart()

    def statistics(self) -> RecordedStatistics:
        """Tell how it is going."""
        return RecordedStatistics(loops=self._loops)

    async def run(self, publish: Callable[[Sequence[FeedRecord]], object]) -> None:
        """Play until cancelled. ``publish`` must not block."""
        period_s = self._recording.period_ns / NS_PER_S / self._speed
        begins_at = trio.current_time()
        cause = "the recording starts"
        while True:
            late_ns = round((trio.current_time() - begins_at) * NS_PER_S)
            begins_at_ns = self._clock.now_ns() - late_ns
            publish([FeedReset(symbol=self.symbols[0], at_ns=begins_at_ns, cause=cause)])
            await self._play_once(publish, begins_at, begins_at_ns)
            self._loops += 1
            self._shift_ticks = self._recording.next_shift_ticks(self._shift_ticks)
            cause = "the recording starts again"
            begins_at += period_s
            await trio.sleep_until(begins_at)

    async def _play_once(
        self,
        publish: Callable[[Sequence[FeedRecord]], object],
        begins_at: float,
        begins_at_ns: int,
    ) -> None:
        recording = self._recording
        restamp = _Restamp(recording, begins_at_ns, self._speed, self._shift_ticks)
        scale = 1 / (NS_PER_S * self._speed)
        due: list[FeedRecord] = []
        frames = 0
        horizon = begins_at
        for received_ns, frame in recording.frames:
            due_at = begins_at + (received_ns - recording.starts_at_ns) * scale
            if due_at > horizon or frames >= FRAMES_AT_ONCE_MAX:
                publish(due)
                due, frames = [], 0
                await trio.sleep_until(due_at + GATHER_S)
                horizon = trio.current_time()
            frames += 1
            for record in recording.parser.parse(frame, received_ns):
                due.append(restamp.record(record, received_ns))
        publish(due)


@attrs.frozen
class _Restamp:
    recording: Recording
    begins_at_ns: int
    speed: float
    shift_ticks: int

    def at_ns(self, recorded_ns: int) -> int:
        """Now, for a time on the recorder's clock."""
        since_ns = recorded_ns - self.recording.starts_at_ns
        return self.begins_at_ns + (since_ns if self.speed == 1.0 else round(since_ns / self.speed))

    def venue_at_ns(self, venue_ns: int) -> int:
        """Now, for a time on the venue's clock; not before the loop begins."""
        return max(self.at_ns(venue_ns + self.recording.lead_ns), self.begins_at_ns)

    def trade(self, trade: VenueTrade) -> VenueTrade:
        return VenueTrade(
            symbol=trade.symbol,
            trade_id=trade.trade_id,
            price_ticks=trade.price_ticks + self.shift_ticks,
            quantity_lots=trade.quantity_lots,
            taker_side=trade.taker_side,
            at_ns=self.venue_at_ns(trade.at_ns),
        )

    def record(self, record: FeedRecord, received_ns: int) -> FeedRecord:
        now_ns = self.at_ns(received_ns)
        match record:
            case VenueTrade():
                return self.trade(record)
            case BookDiff() | BookSnapshot():
                at_ns = now_ns
                if isinstance(record, BookDiff):
                    at_ns = min(self.venue_at_ns(record.at_ns), now_ns)
                return attrs.evolve(
                    record,
                    bids=self._shifted(record.bids),
                    asks=self._shifted(record.asks),
                    at_ns=at_ns,
                )
            case BestQuote():
                return attrs.evolve(
                    record,
                    bid_ticks=record.bid_ticks + self.shift_ticks,
                    ask_ticks=record.ask_ticks + self.shift_ticks,
                    at_ns=now_ns,
                )
            case FeedFault() | FeedReset() | Heartbeat():
                return record
            case _:
                assert_never(record)

    def _shifted(self, levels: tuple[Level, ...]) -> tuple[Level, ...]:
        shift = self.shift_ticks
        return tuple([(price + shift, lots) for price, lots in levels if price + shift > 0])


# --- What was before now. --------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class PrePlayed:
    """Past loops: their candles of one second, and the trades of the last of them."""

    starts_at_ns: int
    candles: tuple[Candle, ...]
    trades: tuple[VenueTrade, ...]


def preplay(recording: Recording, loops: int, now_ns: int) -> PrePlayed:
    """Play ``loops`` loops that end now, at the speed of the recording, without waiting.

    They are shifted so that a feed that starts now, unshifted, continues them. Pure.
    """
    shifts: list[int] = []
    following = 0
    for _ in range(loops):
        following = recording.previous_shift_ticks(following)
        shifts.insert(0, following)
    starts_at_ns = now_ns - loops * recording.period_ns
    candles: list[Candle] = []
    seconds = list(_seconds(_trades_of(recording, starts_at_ns, 0)))
    for loop, shift_ticks in enumerate(shifts):
        candles.extend(
            move_candle(candle, loop * recording.period_ns, shift_ticks) for candle in seconds
        )
    last = _trades_of(recording, now_ns - recording.period_ns, shifts[-1]) if shifts else ()
    return PrePlayed(starts_at_ns=starts_at_ns, candles=tuple(candles), trades=tuple(last))


def _trades_of(recording: Recording, begins_at_ns: int, shift_ticks: int) -> tuple[VenueTrade, ...]:
    restamp = _Restamp(recording, begins_at_ns, 1.0, shift_ticks)
    return tuple([restamp.trade(trade) for trade in recording.trades])


def _seconds(trades: Iterable[VenueTrade]) -> Iterator[Candle]:
    builder = CandleBuilder()
    for trade in trades:
        for candle in builder.trade(
            trade.at_ns,
            trade.price_ticks,
            trade.quantity_lots,
            simulated=False,
            bought=trade.taker_side is Side.BUY,
        ):
            if candle.interval is Interval.S1:
                yield candle
    last = builder.open_candle(Interval.S1)
    if last is not None:
        yield attrs.evolve(last, closed=True)


def move_candle(candle: Candle, by_ns: int, shift_ticks: int) -> Candle:
    """The same candle at another time and another price."""
    return attrs.evolve(
        candle,
        open_at_ns=candle.open_at_ns + by_ns,
        open_ticks=candle.open_ticks + shift_ticks,
        high_ticks=candle.high_ticks + shift_ticks,
        low_ticks=candle.low_ticks + shift_ticks,
        close_ticks=candle.close_ticks + shift_ticks,
    )
