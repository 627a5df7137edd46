"""Candles from files: Parquet, CSV with a header, and the dumps that Binance publishes.

Prices come as text or as floats; both are turned into whole ticks without rounding. When no tick
is named it is the coarsest power of ten that every price is a multiple of.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray
from xache_sdk.market import Interval
from xache_sdk.signals import UNKNOWN

from xached.research.history.candle_set import (
    NS_PER_S,
    CandleSet,
    Column,
    DataError,
    make_candle_set,
)

TIME_NAMES: Final = ("ts", "open_time", "time", "timestamp", "date", "datetime", "open_at")
VALUE_NAMES: Final = ("open", "high", "low", "close", "volume")
BINANCE_COLUMNS: Final = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count",
    "taker_buy_volume", "taker_buy_quote_volume", "ignore",
)  # fmt: skip
EXTRA_NAMES: Final = {
    "bought_lots": (
        "taker_buy_volume", "taker_buy_base_volume", "taker_buy_base_asset_volume",
    ),
    "sentiment_ppm": ("sentiment",),
}  # fmt: skip
"""What some files know: what takers bought, in base, and what was said when the candle was over."""

PPM_STEP: Final = Decimal("0.000001")
DECIMALS_MAX: Final = 12
NUMBER_BYTES_MAX: Final = 100

_EPOCH_UNITS: Final = ((10**11, NS_PER_S), (10**14, 10**6), (10**17, 10**3), (2**63, 1))
"""A whole number below the first is counted in so many ns: seconds, ms, µs, ns since 1970."""


@attrs.frozen(kw_only=True)
class ReadCandles:
    """What a file held. ``duplicates``: rows that were there twice, alike, and count once."""

    candles: CandleSet
    duplicates: int
    was_unsorted: bool


def read_candles(
    paths: Sequence[Path],
    *,
    symbol: str,
    venue: str,
    interval: Interval | None = None,
    tick_size: Decimal | None = None,
    lot_size: Decimal | None = None,
) -> ReadCandles:
    """Read one history from files that follow one another.

    ``interval`` None: the most frequent distance of two candles. A column ``symbol`` picks the
    rows of ``symbol``, written with or without its dash.

    Raises: DataError for a file of another form, for prices off ``tick_size``, for two different
    candles at one time. OSError when a file cannot be read.
    """
    tables = []
    for path in paths:
        with readable(path):
            tables.append(_normal(read_table(path), path, symbol))
    if not any(len(table["at_ns"]) for table in tables):
        raise DataError(f"no candles of {symbol} in {', '.join(path.name for path in paths)}")
    # What some of the files do not know, the history does not know.
    common = [name for name in tables[0] if all(name in table for table in tables)]
    joined = {name: np.concatenate([table[name] for table in tables]) for name in common}
    order = np.argsort(joined["at_ns"], kind="stable")
    was_unsorted = not bool(np.all(order[1:] > order[:-1]))
    joined = {name: column[order] for name, column in joined.items()}
    joined, duplicates = _without_duplicates(joined)
    prices = [joined[name] for name in VALUE_NAMES[:4]]
    tick = common_step(prices) if tick_size is None else tick_size
    bought = joined.get("bought_lots", np.empty(0))
    quantities = [joined["volume"], bought[np.isfinite(bought)]]
    lot = common_step(quantities) if lot_size is None else lot_size
    extras = {
        name: _extra(joined[name], lot if name == "bought_lots" else PPM_STEP, name)
        for name in EXTRA_NAMES
        if name in joined
    }
    columns = (
        joined["at_ns"].astype(np.int64),
        *(whole_steps(joined[name], tick, name) for name in VALUE_NAMES[:4]),
        whole_steps(joined["volume"], lot, "volume"),
    )
    candles = make_candle_set(
        symbol=symbol,
        venue=venue,
        interval=interval or _usual_interval(columns[0]),
        tick_size=tick,
        lot_size=lot,
        columns=columns,
        extras=extras,
    )
    return ReadCandles(candles=candles, duplicates=duplicates, was_unsorted=was_unsorted)


def read_table(path: Path, without_header: Sequence[str] = BINANCE_COLUMNS) -> pa.Table:
    """Read a file by its name: .parquet, .csv, .csv.gz, or a .zip with one CSV in it.

    A CSV whose first line is numbers has the columns ``without_header``. Raises: DataError.
    """
    name = path.name.lower()
    with readable(path):
        if name.endswith(".parquet"):
            return pq.read_table(path)
        if name.endswith(".zip"):
            with zipfile.ZipFile(path) as archive:
                members = archive.namelist()
                if len(members) != 1:
                    raise DataError(f"{path.name} holds {len(members)} files, not one")
                return _read_csv(_copied(archive.read(members[0])), without_header)
        if name.endswith((".csv", ".csv.gz")):
            with pa.input_stream(str(path)) as stream:  # unpacks .gz by its name
                return _read_csv(stream.read_buffer(), without_header)
    raise DataError(f"{path.name} is none of .parquet, .csv, .csv.gz, .zip")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say which file it is that cannot be read, or holds what it should not. Raises: DataError."""
    try:
        yield
    except DataError:
        raise
    except (pa.ArrowException, zipfile.BadZipFile, ValueError) as error:
        why = str(error).partition("\n")[0]
        raise DataError(f"{path.name} cannot be read: {why}") from None


def common_step(columns: Sequence[NDArray[np.float64]]) -> Decimal:
    """The coarsest power of ten, at most 1, of which every value is a multiple."""
    for places in range(DECIMALS_MAX + 1):
        if all(_fits(column, places) for column in columns):
            return Decimal(1).scaleb(-places)
    raise DataError(f"values have more than {DECIMALS_MAX} decimal places: name the step")


def whole_steps(values: NDArray[np.float64], step: Decimal, name: str) -> Column:
    """Values as whole numbers of a step.

    Raises: DataError where one lies between two steps, and for a step that is none.
    """
    if not (step.is_finite() and step > 0):
        raise DataError(f"a step is more than nothing, not {step}")
    ratio = values / float(step)
    if len(ratio) and float(np.max(np.abs(ratio))) >= 2**53:
        raise DataError(f"{name} is too large to be read exactly in steps of {step}")
    whole = np.rint(ratio)
    off = np.abs(ratio - whole) > 1e-9 * np.maximum(1.0, np.abs(ratio))
    if bool(off.any()):
        row = int(np.flatnonzero(off)[0])
        raise DataError(f"{name} {float(values[row])!r} in row {row} is no multiple of {step}")
    return whole.astype(np.int64)


def _fits(values: NDArray[np.float64], places: int) -> bool:
    return bool(np.all(np.round(values, places) == values))


def _copied(content: bytes) -> pa.Buffer:
    """Memory of Arrow's own.

    Its threads may let go of what they read when Python has ended already; where that is an object
    of Python's, the process aborts.
    """
    sink = pa.BufferOutputStream()
    sink.write(content)
    return sink.getvalue()


def _read_csv(content: pa.Buffer, without_header: Sequence[str]) -> pa.Table:
    beginning = content.slice(0, min(content.size, NUMBER_BYTES_MAX)).to_pybytes()
    first = beginning.partition(b",")[0].strip()
    names = list(without_header) if first.lstrip(b"-").isdigit() else None
    options = pacsv.ReadOptions(column_names=names)
    return pacsv.read_csv(pa.BufferReader(content), read_options=options)


def _normal(table: pa.Table, path: Path, symbol: str) -> dict[str, NDArray[Any]]:
    """The columns that count, by one name each."""
    names = {name.lower().replace(" ", "_"): name for name in table.column_names}
    if "symbol" in names:
        wanted = pa.array([symbol, symbol.replace("-", "")])
        table = table.filter(pc.is_in(table[names["symbol"]], value_set=wanted))
    time = next((names[name] for name in TIME_NAMES if name in names), None)
    missing = [name for name in VALUE_NAMES if name not in names]
    if time is None or missing:
        wants = "a time, open, high, low, close and volume"
        raise DataError(f"{path.name} needs {wants}; it has {', '.join(table.column_names)}")
    if not len(table):
        return {name: np.empty(0) for name in ("at_ns", *VALUE_NAMES)}
    found: dict[str, NDArray[Any]] = {"at_ns": times_ns(table[time])}
    for name in VALUE_NAMES:
        found[name] = numbers(table[names[name]], path, name)
    for extra, spellings in EXTRA_NAMES.items():
        spelled = next((names[each] for each in spellings if each in names), None)
        if spelled is not None:
            column = pc.cast(pc.cast(table[spelled], pa.string()), pa.float64())
            found[extra] = column.fill_null(np.nan).to_numpy()
    return found


def _extra(values: NDArray[np.float64], step: Decimal, name: str) -> Column:
    """Whole steps, and what is not known where there is no number."""
    known = np.isfinite(values)
    steps = np.full(len(values), UNKNOWN, dtype=np.int64)
    steps[known] = whole_steps(values[known], step, name)
    return steps


def numbers(column: Any, path: Path, name: str) -> NDArray[np.float64]:
    """A column of numbers. Raises: DataError where there is none."""
    if pa.types.is_decimal(column.type):  # straight to a float it would not be the nearest
        column = pc.cast(column, pa.string())
    column = pc.cast(column, pa.float64())
    if column.null_count:
        raise DataError(f"{path.name}: {name} is empty in {column.null_count} rows")
    values: NDArray[np.float64] = column.to_numpy()
    if not bool(np.isfinite(values).all()):
        raise DataError(f"{path.name}: {name} is not a number everywhere")
    return values


def times_ns(column: Any) -> Column:
    """A column of times as ns since 1970: timestamps, days, ISO text, or whole numbers of any unit.

    What names no zone is UTC.
    """
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = pc.cast(column, pa.timestamp("us", tz="UTC"))
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.timestamp("us"))
    if pa.types.is_timestamp(column.type):
        micros = pc.cast(pc.cast(column, pa.timestamp("us", tz="UTC")), pa.int64())
        return np.asarray(micros.to_numpy(), dtype=np.int64) * 1_000
    if not pa.types.is_integer(column.type):
        raise DataError(f"a time is a timestamp, ISO text or a whole number, not {column.type}")
    numbers = np.asarray(pc.cast(column, pa.int64()).to_numpy(), dtype=np.int64)
    if not len(numbers):
        return numbers
    # Unit by unit: from 2025 on Binance counts in µs, and a history may hold both.
    scaled = np.zeros_like(numbers)
    below = 0
    for bound, unit_ns in _EPOCH_UNITS:
        here = (numbers >= below) & (numbers < bound)
        scaled[here] = numbers[here] * unit_ns
        below = bound
    return scaled


def _without_duplicates(columns: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    repeated = np.flatnonzero(np.diff(columns["at_ns"]) == 0) + 1
    for name, column in columns.items():
        one, other = column[repeated], column[repeated - 1]
        unlike = repeated[(one != other) & ~(np.isnan(one) & np.isnan(other))]
        if len(unlike):
            at_ns = int(columns["at_ns"][unlike[0]])
            when = np.datetime64(at_ns // NS_PER_S, "s")
            raise DataError(f"two candles at {when} differ in {name}: which one is right?")
    return {name: np.delete(column, repeated) for name, column in columns.items()}, len(repeated)


def _usual_interval(open_at_ns: Column) -> Interval:
    if len(open_at_ns) < 2:
        raise DataError("one candle does not tell its interval: name it")
    distances, counts = np.unique(np.diff(open_at_ns), return_counts=True)
    usual_ns = int(distances[np.argmax(counts)])
    for interval in Interval:
        if interval.seconds * NS_PER_S == usual_ns:
            return interval
    known = ", ".join(interval.value for interval in Interval)
    raise DataError(f"candles are {usual_ns / NS_PER_S:g} s apart, which is none of {known}")
