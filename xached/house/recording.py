"""Wires the recorder: what it writes, who turns that into Parquet, and which lines it follows."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from loguru import logger
from xache_sdk.seal import Layer

from xached.actors.market.data import MarketData
from xached.actors.recorder.actor import Recorder
from xached.actors.recorder.nightly import Nightly, Verdict
from xached.actors.recorder.sinks import MarketSink
from xached.domain.depth import PublicBook
from xached.domain.instrument import Directory, Symbol
from xached.domain.market import Provenance, Venue
from xached.runtime.world import World
from xached.storage.directory import DataPaths
from xached.storage.recordings import Recordings, RecordTerms

VERDICTS = {0: Verdict.HOLDS, 1: Verdict.DIFFERS, 2: Verdict.NOTHING}
"""By the exit code of the command."""

PACKER = "xached.research.history.pack_recordings"


def open_market(
    terms: RecordTerms | None, paths: DataPaths, world: World, directory: Directory
) -> tuple[Recorder | None, MarketData]:
    """Market data, recorded by these terms; not recorded without any."""
    if terms is None:
        return None, MarketData(world)
    recordings = Recordings(paths.recordings, world.files)
    recorder = Recorder(terms, recordings, world, partial(pack_recordings, paths, world))
    return recorder, MarketData(world, partial(record_line, recorder, directory))


async def pack_recordings(paths: DataPaths, world: World) -> None:
    """Have finished recordings turned into Parquet. Raises: OSError when that cannot be started."""
    argv = [sys.executable, "-I", "-B", "-m", PACKER, str(paths.recordings)]
    child = await world.spawn(argv, pass_fd="--socket", env={})  # noqa: S106 - the name of an option
    async with child.stream:
        code = await child.wait()
    if code != 0:
        logger.warning("the packer of recordings ended with {}", code)


def judge_nightly(
    terms: RecordTerms | None,
    paths: DataPaths,
    world: World,
    sandbox_min: Iterable[Layer],
    names: Callable[[], Sequence[str]],
) -> Nightly | None:
    """Who judges strategies by the calendar; None where nothing is kept of them or nobody asks."""
    if terms is None or not terms.inputs.on or terms.parity is None:
        return None
    required = [f"--require={layer.name.lower()}" for layer in sorted(sandbox_min)]
    judge = partial(judge_strategy, paths, world, required)
    return Nightly(terms.parity, world, names, judge)


async def judge_strategy(
    paths: DataPaths, world: World, required: Sequence[str], name: str
) -> Verdict:
    """Have the certificate of a strategy made and kept. Raises: OSError."""
    argv = [
        sys.executable, "-I", "-B", "-m", "xached", "parity", f"--strategy={name}",
        f"--data={paths.root}", "--keep", *required,
    ]  # fmt: skip
    child = await world.spawn(argv, pass_fd="--socket", env={})  # noqa: S106 - the name of an option
    try:
        async with child.stream:
            return VERDICTS.get(await child.wait(), Verdict.FAILED)
    finally:
        child.kill()


def record_line(
    recorder: Recorder,
    directory: Directory,
    symbol: Symbol,
    venue: Venue,
    provenance: Provenance,
    book: PublicBook,
) -> MarketSink | None:
    """Record a line of the market from now on."""
    return recorder.line(directory.instrument(symbol), venue, provenance.name, book)
