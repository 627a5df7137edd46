"""The recorder: what markets did and what strategies were told, on disk for those who judge later.

It owns no money and nobody waits for it. Once a second it takes what waits to the disk, on a
thread of its own; a file that is old or long enough is finished, and another process turns what is
finished into Parquet. It keeps within its bounds, and writes nothing while the disk has less room
than the house wants for itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

import attrs
import trio
from loguru import logger

from xached.actors.recorder.sinks import MarketSink, RunSink
from xached.domain.depth import PublicBook
from xached.domain.instrument import Instrument
from xached.domain.market import Venue
from xached.runtime.spool import write_block, write_header
from xached.runtime.world import Lane, World
from xached.storage.recordings import (
    OPEN,
    RecordingKind,
    Recordings,
    RecordTerms,
    recording_name,
    run_subject,
)

FLUSH_S: Final = 1.0
CHECK_NS: Final = 60 * 10**9
"""How often room and age are looked at, and a disk that failed is tried again."""

FORMAT: Final = 1


@attrs.frozen(kw_only=True)
class RecorderStatistics:
    """How recording goes. ``paused``: the disk is full or fails."""

    markets: int
    runs: int
    rows: int
    written_bytes: int
    files: int
    removed: int
    cut_runs: int
    lost_blocks: int
    paused: bool


@attrs.define(eq=False)
class _File:
    """One subject's recording, and the file that is open for it."""

    kind: RecordingKind
    subject: str
    about: Mapping[str, Any]
    sink: MarketSink | RunSink
    name: str = ""
    began_at_ns: int = 0
    size_bytes: int = 0
    whole_bytes: int = 0
    """Of all its files."""


class Recorder:
    """Records markets and runs. Any task adds, :meth:`run` writes."""

    def __init__(
        self,
        terms: RecordTerms,
        recordings: Recordings,
        world: World,
        pack: Callable[[], Awaitable[None]],
    ) -> None:
        """``pack`` turns finished spools into Parquet; it raises OSError when it cannot."""
        self._terms = terms
        self._recordings = recordings
        self._world = world
        self._pack = pack
        self._files: list[_File] = []
        self._checked_at_ns = 0
        self._paused = ""
        self._done = 0
        self._writing, self._packing = trio.Lock(), trio.Lock()
        self._counts = dict.fromkeys(("written_bytes", "files", "removed", "cut", "lost"), 0)

    def line(
        self, instrument: Instrument, venue: Venue, provenance: str, book: PublicBook
    ) -> MarketSink | None:
        """Record a market from now on; None where markets are not recorded."""
        if not self._terms.market.on:
            return None
        sink = MarketSink(book, self._world)
        subject = f"{venue}.{instrument.symbol}"
        self._files = [each for each in self._files if each.subject != subject]
        about = {
            "venue": venue,
            "symbol": instrument.symbol,
            "provenance": provenance,
            "tick_size": instrument.tick_size,
            "lot_size": instrument.lot_size,
        }
        self._files.append(_File(RecordingKind.MARKET, subject, about, sink))
        return sink

    def run_log(self, strategy: str, run_id: str, about: Mapping[str, Any]) -> RunSink | None:
        """Keep what a run is told and wants; None where that is not kept."""
        if not self._terms.inputs.on or self._paused:
            return None
        sink = RunSink()
        terms = {"strategy": strategy, "run_id": run_id, **about}
        subject = run_subject(strategy, run_id)
        self._files.append(_File(RecordingKind.INPUTS, subject, terms, sink))
        return sink

    async def forget(self, strategies: Collection[str]) -> None:
        """Remove what was kept of strategies whose runs have ended. Raises: OSError."""
        async with self._packing, self._writing:
            self._files = [
                each for each in self._files if each.about.get("strategy") not in strategies
            ]
            await self._world.run_in_thread(self._recordings.remove_runs, strategies)

    async def run(self) -> None:
        """Write until cancelled; then what waits is written once more."""
        lane = self._world.open_lane("recorder")
        try:
            self._done += await lane.run(self._recordings.finish_all)
            for file in self._files:
                file.name = ""  # What an earlier run of this actor had open.
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pack_what_is_done)
                while True:
                    await self._check(lane)
                    await self._flush(lane)
                    await trio.sleep(FLUSH_S)
        finally:
            with trio.CancelScope(shield=True):
                await self._flush(lane)
                for file in self._files:
                    await self._finish(file, lane)
            lane.close()

    def statistics(self) -> RecorderStatistics:
        """Tell how it goes."""
        kinds = [file.kind for file in self._files]
        return RecorderStatistics(
            markets=kinds.count(RecordingKind.MARKET),
            runs=kinds.count(RecordingKind.INPUTS),
            rows=sum(each.sink.rows for each in self._files if isinstance(each.sink, MarketSink)),
            written_bytes=self._counts["written_bytes"],
            files=self._counts["files"],
            removed=self._counts["removed"],
            cut_runs=self._counts["cut"],
            lost_blocks=self._counts["lost"],
            paused=bool(self._paused),
        )

    # --- room --------------------------------------------------------------------------------

    async def _check(self, lane: Lane) -> None:
        now_ns = self._world.now_ns()
        if 0 <= now_ns - self._checked_at_ns < CHECK_NS:
            return
        self._checked_at_ns = now_ns
        try:
            self._counts["removed"] += await lane.run(
                self._recordings.remove_old, self._terms, now_ns
            )
            free_bytes = await lane.run(self._recordings.free_bytes)
        except OSError as error:
            self._pause(f"its directory cannot be read: {error}")
            return
        if free_bytes < self._terms.free_bytes_min:
            self._pause(f"the disk has {free_bytes} bytes left")
            return
        if self._paused:
            logger.info("recording goes on")
        self._paused = ""
        self._cut_the_longest()

    def _pause(self, reason: str) -> None:
        if not self._paused:
            logger.warning("nothing is recorded: {}", reason)
        self._paused = reason
        for file in self._files:
            self._drop(file)

    def _drop(self, file: _File) -> None:
        """Lose what waits of a file; a sink that loses already counts by itself."""
        sink = file.sink
        if sink.cut if isinstance(sink, RunSink) else sink.lost_rows:
            return
        self._counts["lost"] += 1
        self._counts["cut"] += isinstance(sink, RunSink)
        sink.drop()

    def _cut_the_longest(self) -> None:
        """What runs is not removed: where it alone is too much, the log of it ends."""
        running = [each for each in self._files if each.kind is RecordingKind.INPUTS]
        while sum(each.whole_bytes for each in running) > self._terms.inputs.bytes_max:
            longest = max(running, key=lambda each: each.whole_bytes)
            logger.warning("the log of strategy {} is too long", longest.about["strategy"])
            self._drop(longest)
            running.remove(longest)

    # --- writing -----------------------------------------------------------------------------

    async def _flush(self, lane: Lane) -> None:
        async with self._writing:
            for file in list(self._files):
                if self._paused:
                    self._drop(file)
                    await self._finish(file, lane)
                else:
                    await self._write(file, lane)
                if isinstance(file.sink, RunSink) and (file.sink.ended or file.sink.cut):
                    await self._finish(file, lane)
                    self._files.remove(file)

    async def _write(self, file: _File, lane: Lane) -> None:
        now_ns = self._world.now_ns()
        sink = file.sink
        age_ns = now_ns - file.began_at_ns
        too_old = not 0 <= age_ns < self._terms.rotate_ns
        if file.name and (too_old or file.size_bytes >= self._terms.rotate_bytes):
            await self._append(file, sink.take(), lane)
            await self._finish(file, lane)
        if isinstance(sink, MarketSink) and (sink.lost_rows or not file.name):
            await self._finish(file, lane)
            await self._begin(file, sink.begin(), lane)
        body = sink.take()
        if body and not file.name:
            await self._begin(file, body, lane)
        else:
            await self._append(file, body, lane)

    async def _begin(self, file: _File, body: bytes, lane: Lane) -> None:
        file.began_at_ns = self._world.now_ns()
        file.name = recording_name(file.kind, file.subject, file.began_at_ns, OPEN)
        file.size_bytes = 0
        header = {
            "format": FORMAT, "kind": file.kind.value, "began_at_ns": file.began_at_ns, **file.about
        }  # fmt: skip
        self._counts["files"] += 1
        await self._append_raw(file, lambda: write_header(header) + write_block(body), lane)

    async def _append(self, file: _File, body: bytes, lane: Lane) -> None:
        if body and file.name:
            await self._append_raw(file, lambda: write_block(body), lane)

    async def _append_raw(self, file: _File, make: Callable[[], bytes], lane: Lane) -> None:
        def append() -> int:
            data = make()
            self._recordings.append(file.name, data)
            return len(data)

        try:
            size = await lane.run(append)
        except OSError as error:
            self._pause(f"it cannot be written: {error}")
            return
        file.size_bytes += size
        file.whole_bytes += size
        self._counts["written_bytes"] += size

    async def _finish(self, file: _File, lane: Lane) -> None:
        if not file.name:
            return
        try:
            await lane.run(self._recordings.finish, file.name)
        except OSError as error:
            logger.warning("recording {} stays open: {}", file.name, error)
        file.name = ""
        self._done += 1

    async def _pack_what_is_done(self) -> None:
        while True:
            if self._done:
                self._done = 0
                try:
                    async with self._packing:
                        await self._pack()
                except OSError as error:
                    logger.warning("recordings are not packed: {}", error)
            await trio.sleep(CHECK_NS / 10**9)
