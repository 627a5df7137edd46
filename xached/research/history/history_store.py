"""Where histories are kept: one folder each, written once, then only read.

A folder holds ``columns.npy`` (int64, one row of the array a column, extras last) and
``about.json``. It is written beside its place and renamed into it, so a history is there whole or
not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from xache_sdk.market import Interval
from xache_sdk.signals import UNKNOWN

from xached.research.history.about import NAME, NAME_ALLOWED, About, plain_about, read_about
from xached.research.history.candle_set import COLUMNS, CandleSet, DataError, make_candle_set

BOUGHT: Final = "bought_lots"
EXPORTED: Final = {BOUGHT: "taker_buy_volume", "sentiment_ppm": "sentiment"}


class HistoryStore:
    """A folder of histories."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> HistoryStore:
        """XACHE_HISTORY, or ``xache/history`` where the user's data lives."""
        named = environment.get("XACHE_HISTORY")
        data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
        return cls(Path(named) if named else Path(data) / "xache" / "history")

    def add(self, name: str, candles: CandleSet, origin: str, *, replace: bool = False) -> About:
        """Keep a history. The same content under the same name is no change.

        Raises: DataError for a name that is taken by other content, unless ``replace``.
        """
        if NAME.fullmatch(name) is None:
            raise DataError(f"a history's name is {NAME_ALLOWED}")
        about = _about(name, candles, origin)
        place = self.folder / name
        if place.exists():
            if self.about(name).fingerprint == about.fingerprint:
                return self.about(name)
            if not replace:
                raise DataError(f"{name} holds another history; name it otherwise, or --replace")
        self.folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=self.folder))
        try:
            np.save(fresh / "columns.npy", np.stack(_stored(candles)))
            (fresh / "about.json").write_text(json.dumps(plain_about(about), indent=2) + "\n")
            if place.exists():
                # Whoever has it mapped keeps the old pages; a reader sees one or the other.
                place.rename(fresh / "replaced")
                (fresh / "replaced").rename(self.folder / f".{fresh.name}.replaced")
            fresh.rename(place)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(self.folder / f".{fresh.name}.replaced", ignore_errors=True)
        return about

    def names(self) -> list[str]:
        """The histories there are, by name."""
        if not self.folder.is_dir():
            return []
        return sorted(
            entry.name
            for entry in os.scandir(self.folder)
            if NAME.fullmatch(entry.name) and (Path(entry.path) / "about.json").is_file()
        )

    def about(self, name: str) -> About:
        """What a history is. Raises: DataError when there is none of that name."""
        place = self.folder / name / "about.json"
        if NAME.fullmatch(name) is None or not place.is_file():
            there = ", ".join(self.names()) or "none yet"
            raise DataError(f"no history {name!r} in {self.folder} (there: {there})")
        try:
            return read_about(json.loads(place.read_text()))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{place} is damaged: {error!r}") from None

    def load(self, name: str) -> CandleSet:
        """Map a history into memory. Raises: DataError when there is none, or it is damaged."""
        about = self.about(name)
        try:
            columns = np.load(self.folder / name / "columns.npy", mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"{name} is damaged: {error}") from None
        if columns.shape != (len(COLUMNS) + len(about.extras), about.candles):
            raise DataError(f"{name} is damaged: its columns are not as long as they should be")
        return make_candle_set(
            symbol=about.symbol,
            venue=about.venue,
            interval=about.interval,
            tick_size=about.tick_size,
            lot_size=about.lot_size,
            columns=columns[: len(COLUMNS)],
            extras=dict(zip(about.extras, columns[len(COLUMNS) :], strict=True)),
        )


def export_candles(candles: CandleSet, path: Path) -> None:
    """Write candles as .parquet or .csv, prices as exact decimals; import reads it again.

    Raises: DataError, OSError.
    """
    fields = {"ts": pa.array(candles.open_at_ns, type=pa.timestamp("ns", tz="UTC"))}
    for name, column in zip(COLUMNS[1:], candles.columns[1:], strict=True):
        step = candles.lot_size if name == "volume" else candles.tick_size
        fields[name] = _decimals(column, step)
    for name, column in candles.extras.items():
        step = candles.lot_size if name == BOUGHT else Decimal("0.000001")
        fields[EXPORTED[name]] = _decimals(column, step)
    table = pa.table(fields)
    match path.suffix:
        case ".parquet":
            pq.write_table(table, path, compression="zstd")
        case ".csv":
            pacsv.write_csv(table, path)
        case other:
            raise DataError(f"history is written as .parquet or .csv, not {other or 'nothing'}")


def write_steps(candles: CandleSet, path: Path, origin: str) -> None:
    """Write candles, no extras, as Parquet in their own steps: the smallest file there is.

    Raises: OSError.
    """
    candles = attrs.evolve(candles, extras={})
    about = {name: str(value) for name, value in plain_about(_about("", candles, origin)).items()}
    fields = {
        name: pa.array(column, type=pa.int64())
        for name, column in zip(COLUMNS, candles.columns, strict=True)
    }
    table = pa.table(fields).replace_schema_metadata(about)
    pq.write_table(
        table, path, compression="zstd", compression_level=19, use_dictionary=False,
        column_encoding=dict.fromkeys(COLUMNS, "DELTA_BINARY_PACKED"),
    )  # fmt: skip


def read_steps(path: Path) -> tuple[CandleSet, str]:
    """Read what :func:`write_steps` wrote, and its origin. Raises: DataError, OSError."""
    table = pq.read_table(path)
    metadata = table.schema.metadata or {}
    about = {name.decode(): value.decode() for name, value in metadata.items()}
    try:
        candles = make_candle_set(
            symbol=about["symbol"],
            venue=about["venue"],
            interval=Interval(about["interval"]),
            tick_size=Decimal(about["tick_size"]),
            lot_size=Decimal(about["lot_size"]),
            # Arrow's own memory is read-only already and may be shared.
            columns=[table[name].to_numpy().copy() for name in COLUMNS],
        )
    except (KeyError, ValueError) as error:
        raise DataError(f"{path.name} is no history in steps: {error!r}") from None
    if candles.fingerprint != about["fingerprint"]:
        raise DataError(f"{path.name} is damaged: its content has another fingerprint")
    return candles, about["origin"]


def _decimals(column: Any, step: Decimal) -> Any:
    places = max(0, -int(step.normalize().as_tuple().exponent))
    units = int(step.scaleb(places))
    exact = [
        None if value == UNKNOWN else Decimal(value * units).scaleb(-places)
        for value in column.tolist()
    ]
    return pa.array(exact, type=pa.decimal128(38, places))


def _about(name: str, candles: CandleSet, origin: str) -> About:
    return About(
        name=name,
        symbol=candles.symbol,
        venue=candles.venue,
        interval=candles.interval,
        tick_size=candles.tick_size,
        lot_size=candles.lot_size,
        candles=len(candles),
        first_at_ns=int(candles.open_at_ns[0]),
        last_at_ns=int(candles.open_at_ns[-1]),
        fingerprint=candles.fingerprint,
        origin=origin,
        extras=tuple(candles.extras),
    )


def _stored(candles: CandleSet) -> tuple[Any, ...]:
    return (*candles.columns, *candles.extras.values())
