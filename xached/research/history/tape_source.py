"""Where a tape comes from: what a house has recorded, a recording by itself, or files of trades."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import attrs
from xache_sdk.market import XACHE

from xached.research.backtest.tape import Tape
from xached.research.history.candle_set import DataError
from xached.research.history.recordings import (
    SPOOLS,
    is_recording,
    read_market,
    recorded_market,
    tape_of,
)
from xached.research.history.tape_files import read_trades

RECORDED: Final = "market."
SUFFIXES: Final = (".parquet", *SPOOLS)
NAMED: Final = re.compile(r"([^.=/\\]+\.[^.=/\\]+)=(.+)")
"""VENUE.SYMBOL=PATH."""


@attrs.frozen(kw_only=True)
class TapeSource:
    """A tape and what is known of it. ``breaks``: how often its book was not known for a while."""

    tape: Tape
    breaks: int
    recorded: bool


def read_tapes(
    named: Sequence[str], market: str = "", from_ns: int | None = None, until_ns: int | None = None
) -> list[TapeSource]:
    """Read the tapes of the markets that paths are of, each as :func:`read_tape` does.

    A path is of the market that is named before it, as in ``BINANCE.BTC-USDT=PATH``; else a
    recording is of the one that it says, and anything else of ``market``.

    Raises: DataError; OSError.
    """
    paths: dict[str, list[Path]] = {}
    for text in named:
        found = NAMED.fullmatch(text)
        path = Path(text if found is None else found[2])
        paths.setdefault(market if found is None else found[1], []).append(path)
    unnamed = paths.pop(market, [])
    if not market:
        for path in tuple(unnamed):
            if path.is_file() and is_recording(path):
                unnamed.remove(path)
                paths.setdefault(recorded_market(path), []).append(path)
    if unnamed:
        paths[market] = unnamed
    return [read_tape(each, name, from_ns, until_ns) for name, each in paths.items()]


def read_tape(
    paths: Sequence[Path], market: str = "", from_ns: int | None = None, until_ns: int | None = None
) -> TapeSource:
    """Read the tape of one market from files that follow one another, or from a house's folder.

    ``market`` is VENUE.SYMBOL, as recordings are called; files that say it themselves need none.
    What begins at or after ``until_ns`` is left out, and so are files of a folder that end before
    ``from_ns``.

    Raises: DataError for files of several markets or of another form, or with nothing in them;
        OSError.
    """
    files = [
        file
        for path in paths
        for file in (_recorded(path, market, from_ns, until_ns) if path.is_dir() else [path])
    ]
    if not files:
        raise DataError(f"nothing of {market or 'a market'} is recorded there")
    if all(is_recording(file) for file in files):
        recording = read_market(files)
        venue, symbol = recording.venue, recording.symbol
        if market not in ("", f"{venue}.{symbol}"):
            raise DataError(f"these are recordings of {venue}.{symbol}, not of {market}")
        tape, breaks = tape_of(recording, by_venue=venue == XACHE)
        source = TapeSource(tape=tape, breaks=len(breaks), recorded=True)
    else:
        venue, symbol = _read_market(market)
        tape = read_trades(files, symbol=symbol, venue=venue)
        source = TapeSource(tape=tape, breaks=0, recorded=False)
    if until_ns is None:
        return source
    return attrs.evolve(source, tape=source.tape.before(until_ns))


def _read_market(market: str) -> tuple[str, str]:
    venue, dot, symbol = market.partition(".")
    if not (venue and dot and symbol):
        raise DataError(
            f"name the market as VENUE.SYMBOL, such as BINANCE.BTC-USDT, not {market!r}"
        )
    return venue, symbol


def _recorded(folder: Path, market: str, from_ns: int | None, until_ns: int | None) -> list[Path]:
    """The files of a market in a house's folder that have something of a time."""
    _read_market(market)
    found = {
        int(path.stem.rpartition(".")[2]): path
        for path in folder.glob(f"{RECORDED}{market}.*")
        if path.suffix in SUFFIXES
        and path.stem.rpartition(".")[2].isdecimal()
        # Not those of a market whose name only begins so.
        and path.stem.rpartition(".")[0] == f"{RECORDED}{market}"
    }
    begun = sorted(at_ns for at_ns in found if until_ns is None or at_ns < until_ns)
    before = [at_ns for at_ns in begun if from_ns is not None and at_ns <= from_ns]
    # Each file begins with the whole book, so the last that begins before the start is enough.
    return [found[at_ns] for at_ns in begun if not before or at_ns >= before[-1]]
