"""The recorder: what is on disk is what happened, up to where it ended, within its bounds."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from tests.actors.market_house import RowsExchange, running
from tests.domain.market_values import BTC
from tests.storage.house import INSTRUMENT, SYMBOL
from xached.actors.market.data import MarketData
from xached.actors.recorder import sinks
from xached.actors.recorder.actor import Recorder
from xached.adapters.feeds.history import SHIPPED
from xached.adapters.feeds.recorded import RecordedFeed, load_recording
from xached.domain.depth import PublicBook
from xached.domain.instrument import Directory
from xached.domain.market import BINANCE, XACHE
from xached.domain.messages import Traded
from xached.domain.order import Side
from xached.domain.recording import RowKind
from xached.house.recording import record_line
from xached.research.backtest.tape import TapeKind
from xached.research.history.pack_recordings import pack_all
from xached.research.history.recordings import MarketRecording, read_market, tape_of
from xached.runtime.world import NS_PER_S, RealFiles, SimulatedWorld
from xached.storage.recordings import (
    DAY_NS,
    KindTerms,
    RecordingFile,
    RecordingKind,
    Recordings,
    RecordTerms,
    surplus,
)

TERMS = RecordTerms(free_bytes_min=0)


class Disk(RealFiles):
    """Real files on a disk that can be full, or fail."""

    free = 10**12
    fails = False

    def append(self, path: Path, data: bytes) -> None:
        if self.fails:
            # As a disk does that fills up: a part of it is there.
            super().append(path, data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        super().append(path, data)

    def free_bytes(self, directory: Path) -> int:
        return self.free


@attrs.define
class Recording:
    """A recorder that runs, over a folder."""

    recorder: Recorder
    folder: Path
    disk: Disk
    packed: list[int]

    def files(self, pattern: str = "market.*") -> list[Path]:
        """What there is, oldest first."""
        return sorted(self.folder.glob(pattern))


@asynccontextmanager
async def recording(path: Path, terms: RecordTerms = TERMS) -> AsyncIterator[Recording]:
    folder, disk, packed = path / "recordings", Disk(), []
    folder.mkdir(exist_ok=True)
    world = SimulatedWorld(1, files=disk)

    async def pack() -> None:
        await trio.lowlevel.checkpoint()
        packed.append(pack_all(folder))

    recorder = Recorder(terms, Recordings(folder, disk), world, pack)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(recorder.run)
        yield Recording(recorder, folder, disk, packed)
        nursery.cancel_scope.cancel()


def market_data(recorder: Recorder) -> MarketData:
    directory = Directory()
    for instrument in (INSTRUMENT, BTC):
        directory.list_instrument(instrument)
    return MarketData(SimulatedWorld(1), partial(record_line, recorder, directory))


def rebuilt(read: MarketRecording) -> dict[Side, dict[int, int]]:
    """The book at the end of a recording."""
    tape, _ = tape_of(read)
    book: dict[Side, dict[int, int]] = {side: {} for side in Side}
    for kind, price, lots in zip(
        tape.kind.tolist(), tape.price_ticks.tolist(), tape.quantity_lots.tolist(), strict=True
    ):
        if kind <= TapeKind.ASK:
            side = Side.BUY if kind == TapeKind.BID else Side.SELL
            book[side][price] = lots
    return {side: {price: lots for price, lots in book[side].items() if lots} for side in Side}


def levels(book: PublicBook) -> dict[Side, dict[int, int]]:
    return {Side.BUY: dict(book.depth.bids(10_000)), Side.SELL: dict(book.depth.asks(10_000))}


async def test_the_houses_own_market_is_on_disk_trade_by_trade(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    exchange = RowsExchange(7)
    exchange.trade(200)
    async with recording(tmp_path, attrs.evolve(TERMS, rotate_ns=5 * NS_PER_S)) as kept:
        data = market_data(kept.recorder)
        async with running(tmp_path, exchange, data=data):
            rows = []
            for _ in range(40):
                rows += exchange.trade(20)
                await trio.sleep(0.5)
            await trio.sleep(2)
            book = data.line(SYMBOL, XACHE).book
        files = kept.files(f"market.XACHE.{SYMBOL}.*")
        assert len(files) > 3, "a new file every five seconds"
        read = read_market(files)
        assert rebuilt(read) == levels(book)
        happened = [
            (row.at_ns, event.price_ticks, event.quantity_lots)
            for row in rows
            for event in row.events
            if isinstance(event, Traded)
        ]
        trades = read.rows[read.column("kind") >= RowKind.BOUGHT]
        trades = trades[trades[:, 2] <= RowKind.SOLD]
        assert happened
        assert [(at, price, lots) for _, at, _, price, lots, _ in trades.tolist()] == happened
        assert not tape_of(read)[1].size, "nothing is missing"
        # Every file stands alone: older ones may have gone.
        assert rebuilt(read_market(files[-1:])) == levels(book)


async def test_a_venues_market_is_recorded_and_packed_without_a_change(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    played = load_recording(SHIPPED[BTC.symbol].recording, BTC)
    feed = RecordedFeed(played, SimulatedWorld(1), speed=4)
    async with recording(tmp_path, attrs.evolve(TERMS, rotate_ns=4 * NS_PER_S)) as kept:
        data = market_data(kept.recorder)
        exchange = RowsExchange(7)
        exchange.trade(20)
        async with running(tmp_path, exchange, data=data, others=[feed]):
            await trio.sleep(15)
            line = data.line(BTC.symbol, BINANCE)
            told = levels(line.book)
            count = line.tape.sequence - line.tape.oldest + 1
    files = kept.files("market.BINANCE.*")
    assert all(path.suffix == ".spool" for path in files), "finished with the house"
    spooled = read_market(files)
    assert told[Side.BUY]
    assert rebuilt(spooled) == told
    assert Counter(spooled.column("kind").tolist())[RowKind.BOUGHT] > 0
    assert int(((spooled.column("kind") == 2) | (spooled.column("kind") == 3)).sum()) == count
    size = sum(path.stat().st_size for path in files)
    assert pack_all(kept.folder) == 0
    packed = read_market(kept.files("market.BINANCE.*.parquet"))
    assert (packed.rows == spooled.rows).all()
    assert (packed.venue, packed.tick_size) == ("BINANCE", spooled.tick_size)
    assert sum(path.stat().st_size for path in kept.files("market.BINANCE.*")) < size
    assert not kept.files("*.spool")


async def test_wherever_a_crash_cuts_it_off_what_is_before_is_read(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    """Checked: without the look at length and checksum a block that is cut off raises."""
    async with recording(tmp_path) as kept:
        sink = kept.recorder.line(INSTRUMENT, BINANCE, "LIVE", PublicBook())
        assert sink is not None
        for second in range(20):
            for number in range(10):
                sink.trade(second * 10 + number + 1, 100, 1, Side.BUY, 1)
            await trio.sleep(1)
        [path] = kept.files("*.open")
        whole = path.read_bytes()
    all_ids = read_market([path.with_suffix(".spool")]).column("trade_id").tolist()
    draw = random.Random(3)
    lengths = set()
    for _ in range(60):
        cut = tmp_path / "cut.open"
        cut.write_bytes(whole[: draw.randrange(400, len(whole))])
        ids = read_market([cut]).column("trade_id").tolist()
        assert ids == all_ids[: len(ids)]
        lengths.add(len(ids))
    assert len(lengths) > 5


async def test_what_a_crash_left_open_is_finished_at_the_next_start(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    async with recording(tmp_path) as kept:
        kept.recorder.line(INSTRUMENT, BINANCE, "LIVE", PublicBook())
        await trio.sleep(2)
        [path] = kept.files("*.open")
        crashed = path.read_bytes()
    path.with_suffix(".spool").unlink()
    path.write_bytes(crashed)
    async with recording(tmp_path) as kept:
        await trio.sleep(100)
        assert kept.packed, "it was packed, too"
        assert [each.suffix for each in kept.files()] == [".parquet"]


@pytest.mark.parametrize("trouble", ["full", "fails"])
async def test_without_room_nothing_is_recorded_and_the_gap_is_told(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, trouble: str
) -> None:
    """Checked: without the look at the room, the first case goes on writing."""
    terms = attrs.evolve(TERMS, free_bytes_min=1_000)
    async with recording(tmp_path, terms) as kept:
        sink = kept.recorder.line(INSTRUMENT, BINANCE, "LIVE", PublicBook())
        assert sink is not None
        sink.trade(1, 100, 1, Side.BUY, 1)
        await trio.sleep(2)
        kept.disk.free, kept.disk.fails = (999, False) if trouble == "full" else (10**12, True)
        sink.trade(2, 100, 1, Side.BUY, 1)
        await trio.sleep(70)
        assert kept.recorder.statistics().paused
        assert kept.recorder.run_log("robot", "run", {}) is None
        for number in range(3, 100):
            sink.trade(number, 100, 1, Side.BUY, 1)
            await trio.sleep(1)
        kept.disk.free, kept.disk.fails = 10**12, False
        await trio.sleep(70)
        assert not kept.recorder.statistics().paused
        sink.trade(200, 100, 1, Side.BUY, 1)
        await trio.sleep(2)
    pack_all(kept.folder)
    read = read_market(kept.files())
    kinds = read.column("kind").tolist()
    assert RowKind.LOST in kinds
    ids = set(read.column("trade_id").tolist())
    assert {1, 200} <= ids
    assert ids <= {0, 1, 2, 200}
    assert len(tape_of(read)[1]) == kinds.count(RowKind.LOST)


async def test_a_disk_that_takes_nothing_costs_no_more_memory_than_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: trio.testing.MockClock
) -> None:
    monkeypatch.setattr(sinks, "WAITING_BYTES_MAX", 48 * 100)
    sink = sinks.MarketSink(PublicBook(), SimulatedWorld(1))
    for number in range(1_000):
        sink.trade(number + 1, 100, 1, Side.BUY, 1)
    assert sink.lost_rows == 1_000
    assert sink.take() == b""
    log = sinks.RunSink()
    for number in range(1_000):
        log.handed(number + 1, b"frame", 1)
    assert (log.cut, log.take()) == (True, b"")


async def test_what_was_kept_of_who_leaves_is_removed_and_not_written_again(
    autojump_clock: trio.testing.MockClock, tmp_path: Path
) -> None:
    """Also what is taken to the disk just then. Checked: without ``_writing`` that comes back;
    with the files alone removed, what waits does."""
    async with recording(tmp_path) as here:
        staying = here.recorder.run_log("stays", "run", {"purse": "bob/bot"})
        assert staying is not None
        staying.handed(1, b"a frame", 1)
        for moment in range(8):
            leaving = here.recorder.run_log("leaves", str(moment), {"purse": "eve/bot"})
            assert leaving is not None
            leaving.handed(1, b"a frame", 1)
            await trio.sleep(1.5)
            assert len(here.files("inputs.*")) == 2
            leaving.handed(2, b"another frame", 2)
            leaving.end(3, in_order=True)
            if moment % 2:
                await taken_from(leaving)
            await here.recorder.forget(["leaves"])
            await trio.sleep(2.5)
            assert len(here.files("inputs.*")) == 1, moment


async def taken_from(log: sinks.RunSink) -> None:
    """Wait until what waits is on its way to the disk, and not there yet."""
    taken, take = trio.Event(), log.take

    def take_and_tell() -> bytes:
        taken.set()
        return take()

    log.take = take_and_tell  # type: ignore[method-assign] # nobody else tells of it
    await taken.wait()


def kept_file(began_day: int, subject: str = "A", suffix: str = ".parquet") -> RecordingFile:
    kind = RecordingKind.MARKET if subject.isupper() else RecordingKind.INPUTS
    return RecordingFile(
        kind=kind, subject=subject, began_at_ns=began_day * DAY_NS, suffix=suffix, size_bytes=10
    )


def test_what_is_old_or_too_much_goes_oldest_first() -> None:
    files = [kept_file(day) for day in range(10)]
    gone = partial(surplus, files, RecordingKind.MARKET, now_ns=9 * DAY_NS)
    assert gone(KindTerms(days_max=100, bytes_max=100)) == []
    assert gone(KindTerms(days_max=6, bytes_max=100)) == files[:3]
    assert gone(KindTerms(days_max=100, bytes_max=45)) == files[:6]


def test_a_run_goes_as_a_whole_and_not_while_it_is_written() -> None:
    old, long = [kept_file(0, "a"), kept_file(1, "a")], [kept_file(0, "b"), kept_file(9, "b")]
    open_one = [kept_file(0, "c"), kept_file(2, "c", ".open")]
    files = sorted([*old, *long, *open_one], key=lambda each: each.began_at_ns)
    gone = partial(surplus, files, RecordingKind.INPUTS, now_ns=10 * DAY_NS)
    assert gone(KindTerms(days_max=5, bytes_max=100)) == old
    assert gone(KindTerms(days_max=100, bytes_max=45)) == old
    assert gone(KindTerms(days_max=100, bytes_max=10)) == [*old, *long]


def test_names_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in ("notes.parquet", "market.A.soon.parquet", "other.A.1.parquet", "market.A.1.txt"):
        (tmp_path / name).write_text("mine")
    recordings = Recordings(tmp_path, RealFiles())
    assert recordings.find() == []
    assert recordings.remove_old(RecordTerms(market=KindTerms(bytes_max=0)), DAY_NS) == 0
