"""What a backtest that the daemon starts is asked to do, and what of it is kept for judgement.

Everything travels as JSON and as columns of whole numbers. What a run hands back is its fills and
nothing that follows from them: whoever judges works out the rest from the history itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import attrs
import numpy as np

from xached.domain.order import BUY, SELL
from xached.research.backtest.account import FillRow
from xached.research.backtest.terms import FillModel, MarketData, RunSettings, open_markets
from xached.research.history.candle_set import CandleSet, DataError
from xached.research.history.history_store import HistoryStore
from xached.research.judgement.candle_runner import whole_window
from xached.research.judgement.walk_forward import Window

COMBINATIONS_MAX: Final = 1_000
FILLS_MAX: Final = 200_000
"""Of one leg: more is no strategy, and would fill the daemon's memory."""

_FILL_COLUMNS: Final = 9


@attrs.frozen(kw_only=True)
class Job:
    """One backtest. ``combinations`` are settings as JSON has them, at least one.

    ``histories``: folders of a history store with the fingerprint that each must have. Times are
    nanoseconds; None: as much as there is. With several combinations it walks forward.
    """

    entry_point: str
    combinations: tuple[Mapping[str, Any], ...]
    histories: tuple[tuple[str, str], ...]
    cash: Decimal
    fee_ppm: int
    half_spread_ppm: int
    slippage_ppm: int
    impact_ppm: int
    fill_model: FillModel
    start_ns: int | None
    until_ns: int | None
    train_ns: int
    test_ns: int
    check: bool
    signals: Mapping[str, tuple[str, Mapping[str, Any]]]
    """Entry point and settings of the signals that a strategy may use, by their names."""
    sizes: tuple[int, ...]
    """Of the capacity curve, the first being 1; only that: no curve."""
    models: Mapping[str, str]
    """The models of the house that settings ask for, each with the length of its candles."""

    @property
    def terms(self) -> RunSettings:
        """How every run is made."""
        return RunSettings(
            cash=self.cash,
            fill_model=self.fill_model,
            half_spread_ppm=self.half_spread_ppm,
            slippage_ppm=self.slippage_ppm,
            impact_ppm=self.impact_ppm,
            start_ns=self.start_ns,
        )


def read_job(header: Mapping[str, Any]) -> Job:
    """Read a job as the daemon writes it. Raises: KeyError, TypeError or ValueError."""
    return Job(
        entry_point=header["entry_point"],
        combinations=spread_settings(header["settings"]),
        histories=tuple((place, fingerprint) for place, fingerprint in header["histories"]),
        cash=Decimal(header["cash"]),
        fee_ppm=header["fee_ppm"],
        half_spread_ppm=header["half_spread_ppm"],
        slippage_ppm=header["slippage_ppm"],
        impact_ppm=header["impact_ppm"],
        fill_model=FillModel(header["fill_model"]),
        start_ns=header["start_ns"],
        until_ns=header["until_ns"],
        train_ns=header["train_ns"],
        test_ns=header["test_ns"],
        check=header["check"],
        signals={
            name: (each["entry_point"], each["settings"])
            for name, each in header["signals"].items()
        },
        sizes=tuple(header["sizes"]),
        models=dict(header["models"]),
    )


def load_markets(job: Job) -> tuple[MarketData, ...]:
    """Map the histories of a job. Raises: DataError when one is not the one that was meant."""
    by_symbol: dict[str, list[CandleSet]] = {}
    for place, fingerprint in job.histories:
        path = Path(place)
        candles = HistoryStore(path.parent).load(path.name)
        if candles.fingerprint != fingerprint:
            raise DataError(f"the history {path.name} was replaced")
        if job.until_ns is not None:
            candles = candles.between(None, job.until_ns - candles.interval_ns + 1)
        by_symbol.setdefault(candles.symbol, []).append(candles)
    return tuple(open_markets(by_symbol.values(), job.fee_ppm, job.fee_ppm))


def job_window(job: Job, markets: Sequence[MarketData]) -> Window:
    """From when to when a job is judged. Raises: ValueError when nothing is between."""
    window = whole_window(markets)
    if job.start_ns is not None:
        window = attrs.evolve(window, start_at_ns=max(window.start_at_ns, job.start_ns))
    return window


def spread_settings(given: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Every combination of settings of which some are lists of choices, in order.

    Raises: ValueError for more than there may be, or an empty list.
    """
    choices = [value if isinstance(value, list) else [value] for value in given.values()]
    count = int(np.prod([len(each) for each in choices], dtype=object)) if choices else 1
    if not 1 <= count <= COMBINATIONS_MAX:
        raise ValueError(f"{count:,} combinations; 1 to {COMBINATIONS_MAX:,}")
    return tuple(dict(zip(given, values, strict=True)) for values in itertools.product(*choices))


def pack_fills(fills: Sequence[FillRow]) -> bytes:
    """Fills as columns of int64, one after the other. Raises: OverflowError, ValueError."""
    if len(fills) > FILLS_MAX:
        raise ValueError(f"{len(fills):,} fills; at most {FILLS_MAX:,}")
    table = np.empty((_FILL_COLUMNS, len(fills)), dtype="<i8")
    for number, column in enumerate(zip(*map(_numbers, fills), strict=True)):
        table[number] = column
    return table.tobytes()


def unpack_fills(data: bytes) -> list[FillRow]:
    """The fills again; nothing of them is checked but their form. Raises: DataError."""
    count, rest = divmod(len(data), _FILL_COLUMNS * 8)
    if rest or count > FILLS_MAX:
        raise DataError("fills are nine whole numbers each, and not too many")
    table = np.frombuffer(data, "<i8").reshape(_FILL_COLUMNS, count)
    columns = [column.tolist() for column in table]
    return [
        FillRow(at_ns, line, order, BUY if buy else SELL, price, lots, notional, fee, bool(maker))
        for at_ns, line, order, buy, price, lots, notional, fee, maker in zip(*columns, strict=True)
    ]


def _numbers(row: FillRow) -> tuple[int, ...]:
    return (
        row.at_ns, row.line, row.order, int(row.side is BUY), row.price_ticks, row.quantity_lots,
        row.notional_units, row.fee_units, int(row.maker),
    )  # fmt: skip
