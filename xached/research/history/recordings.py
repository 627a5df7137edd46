"""Recordings of the house: markets as rows, runs of strategies as frames.

The house writes spools and this module, in a process of its own, turns those that are finished
into Parquet. Both are read alike, a spool up to where a crash has cut it off.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from xache_sdk.market import Interval
from xache_sdk.wire import FrameError, FrameReader

from xached.domain.recording import BOOK_LEVELS_MAX, MARKET_COLUMNS, EntryKind, RowKind
from xached.research.backtest.tape import Tape
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.history.trade_candles import trade_candles
from xached.runtime.spool import SpoolDamaged, read_spool

SPOOLS: Final = (".open", ".spool")
FORMAT: Final = 1
GROUP_BYTES: Final = 32 * 1024 * 1024
"""Of rows that are packed together."""

_ENTRY: Final = struct.Struct("<BqqI")
_METADATA: Final = b"xache.recording"
_ENTRY_FIELDS: Final = (
    ("kind", pa.int8()), ("number", pa.int64()), ("at_ns", pa.int64()), ("frame", pa.binary()),
)  # fmt: skip

Rows = NDArray[np.int64]


@attrs.frozen(kw_only=True, eq=False)
class MarketRecording:
    """Rows of one market, int64 of shape (n, 6); see :mod:`xached.domain.recording`."""

    symbol: str
    venue: str
    provenance: str
    tick_size: Decimal
    lot_size: Decimal
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> Rows:
        """One of ``MARKET_COLUMNS``."""
        return self.rows[:, MARKET_COLUMNS.index(name)]


@attrs.frozen(kw_only=True)
class LogEntry:
    """What went through the connection to a strategy's process: one frame, without its length."""

    kind: EntryKind
    number: int
    at_ns: int
    frame: bytes


@attrs.frozen(kw_only=True, eq=False)
class RunLog:
    """What a run was told and wanted. ``about`` says which strategy it was, and how it was set."""

    about: dict[str, Any]
    paths: tuple[Path, ...]

    def entries(self) -> Iterator[LogEntry]:
        """Every entry in order, up to where frames are missing; read as they are asked for."""
        handed = 0
        for path in self.paths:
            for entry in _log_entries(_read(path)[1]):
                if entry.kind is EntryKind.HANDED:
                    if entry.number != handed + 1:
                        return
                    handed = entry.number
                yield entry


def is_recording(path: Path) -> bool:
    """Whether a file is one of the house's recordings, by its name or its metadata."""
    if path.suffix in SPOOLS:
        return True
    try:
        return path.suffix == ".parquet" and _METADATA in (pq.read_schema(path).metadata or {})
    except pa.ArrowInvalid:
        return False  # It is no Parquet at all, whatever it is called.


def recorded_market(path: Path) -> str:
    """Whose recording a file is, as VENUE.SYMBOL. Raises: DataError for a file of another kind."""
    about = _read_about(path)
    if about["kind"] != "market":
        raise DataError("this is the log of a strategy, not the recording of a market")
    return f"{about['venue']}.{about['symbol']}"


def read_market(paths: Sequence[Path]) -> MarketRecording:
    """Read the recording of one market from its files, in any order.

    Raises: DataError for files of another kind or of several markets; OSError.
    """
    read = sorted((_read(path) for path in paths), key=lambda each: int(each[0]["began_at_ns"]))
    if not read:
        raise DataError("name at least one recording")
    parts = []
    first = read[0][0]
    names = ("symbol", "venue", "tick_size", "lot_size")
    for about, body in read:
        if about["kind"] != "market":
            raise DataError("this is the log of a strategy, not the recording of a market")
        if any(about[name] != first[name] for name in names):
            raise DataError("these are recordings of several markets")
        parts.append(_market_rows(body))
    return MarketRecording(
        symbol=first["symbol"],
        venue=first["venue"],
        provenance=first["provenance"],
        tick_size=Decimal(first["tick_size"]),
        lot_size=Decimal(first["lot_size"]),
        rows=np.concatenate(parts),
    )


def read_log(paths: Sequence[Path]) -> RunLog:
    """The log of one run by its files, in any order.

    Raises: DataError for files of another kind, of several runs, or without the start; OSError.
    """
    read = [(_read_about(path), path) for path in paths]
    read.sort(key=lambda each: int(each[0]["began_at_ns"]))
    if not read or any(about["kind"] != "inputs" for about, _ in read):
        raise DataError("no log of a strategy")
    about = read[0][0]
    if any(each["run_id"] != about["run_id"] for each, _ in read):
        raise DataError("these are logs of several runs")
    log = RunLog(about=about, paths=tuple(path for _, path in read))
    if next(log.entries(), None) is None:
        raise DataError(f"the log of run {about['run_id']} does not begin at its start")
    return log


def pack(path: Path) -> Path:
    """Turn a finished spool into Parquet beside it, and remove it; returns the new file.

    Raises: SpoolDamaged without a header; DataError for one of another version; OSError.
    """
    about, blocks = read_spool(path.read_bytes())
    _checked(about, path)
    market = about["kind"] == "market"
    fields = [(name, pa.int64()) for name in MARKET_COLUMNS] if market else list(_ENTRY_FIELDS)
    schema = pa.schema(fields, metadata={_METADATA: json.dumps(about).encode()})
    encoding = dict.fromkeys(MARKET_COLUMNS, "DELTA_BINARY_PACKED") if market else None
    aside, target = path.with_suffix(".tmp"), path.with_suffix(".parquet")
    with pq.ParquetWriter(
        aside, schema, compression="zstd", compression_level=9, use_dictionary=False,
        column_encoding=encoding,
    ) as writer:  # fmt: skip
        for group in _grouped(blocks):
            table = _market_table(group) if market else _log_table(group)
            writer.write_table(table.cast(schema))
    aside.replace(target)
    path.unlink()
    return target


def write_market(recording: MarketRecording, path: Path) -> None:
    """Write rows as a recording of their own. Raises: OSError."""
    about = {
        "format": FORMAT,
        "kind": "market",
        "began_at_ns": int(recording.rows[0, 0]) if len(recording) else 0,
        "symbol": recording.symbol,
        "venue": recording.venue,
        "provenance": recording.provenance,
        "tick_size": f"{recording.tick_size:f}",
        "lot_size": f"{recording.lot_size:f}",
    }
    table = pa.table({name: recording.rows[:, place] for place, name in enumerate(MARKET_COLUMNS)})
    pq.write_table(
        table.replace_schema_metadata({_METADATA: json.dumps(about).encode()}), path,
        compression="zstd", use_dictionary=False,
        column_encoding=dict.fromkeys(MARKET_COLUMNS, "DELTA_BINARY_PACKED"),
    )  # fmt: skip


def tape_of(recording: MarketRecording, *, by_venue: bool = False) -> tuple[Tape, Rows]:
    """The recording as a tape at the times when it was known here, and when it broke off.

    ``by_venue``: at the times of the venue, which are exact for the house's own markets.

    Where the book began anew only what differs is told, so that orders in it keep their place.
    A break is a time from which on the book was not known for a while, or rows are missing.

    Raises: DataError for a recording without a row.
    """
    told: list[tuple[int, int, int, int]] = []
    breaks: list[int] = []
    book: dict[tuple[int, int], int] = {}
    anew: dict[tuple[int, int], int] = {}
    awaited, latest = 0, 0
    for received, happened, kind, price, lots, _ in recording.rows.tolist():
        latest = max(latest, happened if by_venue else received)
        if kind in _TRADES:
            told.append((latest, kind, price, lots))
        elif kind in _LEVELS and not awaited:
            _set(book, (kind, price), lots)
            told.append((latest, kind, price, lots))
        elif kind in _LEVELS:
            anew[kind, price] = lots
            awaited -= 1
        elif kind == RowKind.LOST:
            breaks.append(latest)
        else:
            awaited, anew = lots, {}
            if not lots and book:
                breaks.append(latest)
        if (kind == RowKind.RESET or anew) and not awaited:
            told += _difference(book, anew, latest)
            book, anew = anew, {}
    if not told:
        raise DataError(f"nothing of {recording.symbol} is in the recording")
    columns = np.array(told, dtype=np.int64).T
    tape = Tape(
        symbol=recording.symbol,
        venue=recording.venue,
        tick_size=recording.tick_size,
        lot_size=recording.lot_size,
        at_ns=columns[0].copy(),
        kind=columns[1].copy(),
        price_ticks=columns[2].copy(),
        quantity_lots=columns[3].copy(),
    )
    return tape, np.array(breaks, dtype=np.int64)


def candles_of(recording: MarketRecording, interval: Interval) -> CandleSet:
    """Candles of the trades, by the venue's times. Those of which only a part was recorded count
    as they are. Raises: DataError without a trade."""
    kinds = recording.column("kind")
    trades = recording.rows[(kinds == RowKind.BOUGHT) | (kinds == RowKind.SOLD)]
    if not len(trades):
        raise DataError(f"no trade of {recording.symbol} was recorded")
    trades = trades[np.argsort(trades[:, 1], kind="stable")]
    return trade_candles(
        symbol=recording.symbol,
        venue=recording.venue,
        interval=interval,
        tick_size=recording.tick_size,
        lot_size=recording.lot_size,
        at_ns=trades[:, 1],
        price_ticks=trades[:, 3],
        quantity_lots=trades[:, 4],
        bought=trades[:, 2] == RowKind.BOUGHT,
    )


_TRADES: Final = frozenset((RowKind.BOUGHT, RowKind.SOLD))
_LEVELS: Final = frozenset((RowKind.BID, RowKind.ASK))


def _set(book: dict[tuple[int, int], int], key: tuple[int, int], lots: int) -> None:
    if lots:
        book[key] = lots
    else:
        book.pop(key, None)


def _difference(
    before: dict[tuple[int, int], int], after: dict[tuple[int, int], int], at_ns: int
) -> Iterator[tuple[int, int, int, int]]:
    """What leads from one book to another; ``after`` gets what it says nothing of."""
    bids = [price for kind, price in after if kind == RowKind.BID]
    asks = [price for kind, price in after if kind == RowKind.ASK]
    worst_bid = min(bids) if len(bids) >= BOOK_LEVELS_MAX else -math.inf
    worst_ask = max(asks) if len(asks) >= BOOK_LEVELS_MAX else math.inf
    for key in [key for key in before if key not in after]:
        kind, price = key
        if price < worst_bid if kind == RowKind.BID else price > worst_ask:
            after[key] = before[key]
        else:
            yield at_ns, kind, price, 0
    for (kind, price), lots in after.items():
        if before.get((kind, price)) != lots:
            yield at_ns, kind, price, lots


def _read(path: Path) -> tuple[dict[str, Any], Any]:
    """What a file says it is, and its content: blocks of a spool, or a table."""
    if path.suffix in SPOOLS:
        return _read_spool(path)
    try:
        file = pq.ParquetFile(path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path.name} cannot be read: {error}") from None
    return _about_of(file.schema_arrow.metadata or {}, path), file


def _read_about(path: Path) -> dict[str, Any]:
    if path.suffix in SPOOLS:
        return _read_spool(path)[0]
    return _about_of(pq.read_schema(path).metadata or {}, path)


def _about_of(metadata: Mapping[bytes, bytes], path: Path) -> dict[str, Any]:
    if _METADATA not in metadata:
        raise DataError(f"{path.name} is no recording of the house")
    return _checked(json.loads(metadata[_METADATA]), path)


def _read_spool(path: Path) -> tuple[dict[str, Any], Iterable[bytes]]:
    try:
        about, blocks = read_spool(path.read_bytes())
    except SpoolDamaged as damaged:
        raise DataError(f"{path.name} is no recording: {damaged}") from None
    return _checked(about, path), blocks


def _checked(about: dict[str, Any], path: Path) -> dict[str, Any]:
    if int(about.get("format", 0)) != FORMAT:
        raise DataError(f"{path.name} was written by another version of xached")
    return about


def _market_rows(body: Any) -> Rows:
    if isinstance(body, pq.ParquetFile):
        table = body.read()
        return np.stack([table[name].to_numpy() for name in MARKET_COLUMNS], axis=1)
    whole = np.frombuffer(b"".join(body), dtype="<i8").astype(np.int64)
    return whole.reshape(-1, len(MARKET_COLUMNS))


def _log_entries(body: Any) -> Iterator[LogEntry]:
    if isinstance(body, pq.ParquetFile):
        for batch in body.iter_batches(batch_size=10_000):
            columns = (batch.column(name).to_pylist() for name, _ in _ENTRY_FIELDS)
            for kind, number, at_ns, frame in zip(*columns, strict=True):
                yield LogEntry(kind=EntryKind(kind), number=number, at_ns=at_ns, frame=frame)
        return
    for block in body:
        yield from _block_entries(block)


def _block_entries(block: bytes) -> Iterator[LogEntry]:
    at = 0
    while at < len(block):
        kind, number, at_ns, length = _ENTRY.unpack_from(block, at)
        at += _ENTRY.size
        frames = block[at : at + length]
        at += length
        if kind != EntryKind.HANDED:
            yield LogEntry(kind=EntryKind(kind), number=number, at_ns=at_ns, frame=frames)
            continue
        try:
            for place, frame in enumerate(FrameReader().feed(frames)):
                yield LogEntry(
                    kind=EntryKind.HANDED, number=number + place, at_ns=at_ns, frame=frame
                )
        except FrameError as error:
            raise DataError(f"a log with what is no frame: {error}") from None


def _grouped(blocks: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Blocks of so much together that a group of rows is worth it, and fits into memory."""
    group: list[bytes] = []
    size = 0
    for block in blocks:
        group.append(block)
        size += len(block)
        if size > GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _market_table(blocks: Sequence[bytes]) -> pa.Table:
    rows = _market_rows(blocks)
    return pa.table({name: rows[:, place] for place, name in enumerate(MARKET_COLUMNS)})


def _log_table(blocks: Sequence[bytes]) -> pa.Table:
    entries = list(_log_entries(blocks))
    columns = {
        "kind": [int(each.kind) for each in entries],
        "number": [each.number for each in entries],
        "at_ns": [each.at_ns for each in entries],
        "frame": [each.frame for each in entries],
    }
    return pa.table(columns, schema=pa.schema(_ENTRY_FIELDS))
