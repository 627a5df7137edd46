"""What a run gives: its fills, what it was worth over time, and how it went."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from decimal import Decimal

import attrs
import numpy as np
from numpy.typing import NDArray

from xached.domain.instrument import Instrument
from xached.domain.order import BUY
from xached.research.backtest.account import FillRow
from xached.research.backtest.terms import RunSettings, from_units
from xached.research.history.candle_set import Column
from xached.research.judgement.track_record import DAY_NS, EquityCurve, Fill, TrackRecord


class Gear(enum.Enum):
    """How a run is driven. All give the same result; each but the first needs declarations.

    EVENT: every candle, every column step by step, as live. COLUMNS: every candle, columns
    computed at once. WAKE: the strategy is called only where its declared signal changes.
    """

    EVENT = "event"
    COLUMNS = "columns"
    WAKE = "wake"
    CLOSED_FORM = "closed form"


@attrs.frozen
class NoteRow:
    """What a strategy noted."""

    at_ns: int
    strategy: int
    text: str


@attrs.frozen(kw_only=True, eq=False)
class FillColumns:
    """Fills as columns. What was bought counts up, what was sold down; a sale pays a negative."""

    at_ns: Column
    line: Column
    moved_lots: Column
    paid_units: NDArray[np.float64]


def columns_of(fills: Sequence[FillRow]) -> FillColumns:
    """Fills as columns."""
    signs = [1 if row.side is BUY else -1 for row in fills]
    moved = [sign * row.quantity_lots for sign, row in zip(signs, fills, strict=True)]
    paid = [
        sign * row.notional_units + row.fee_units for sign, row in zip(signs, fills, strict=True)
    ]
    return FillColumns(
        at_ns=np.array([row.at_ns for row in fills], dtype=np.int64),
        line=np.array([row.line for row in fills], dtype=np.int64),
        moved_lots=np.array(moved, dtype=np.int64),
        paid_units=np.array(paid, dtype=np.float64),
    )


@attrs.frozen(kw_only=True, eq=False)
class RunResult:
    """One finished run. Money is in units of the quote asset.

    ``gear`` is the one that ran, ``fallback`` why it was not the one that was asked for. Markets
    are numbered as they were given: ``fills`` name them so. ``close_at_ns`` and ``close_ticks``
    are the candles that orders met, market by market. What is still held at the end is worth its
    last close, without costs.
    """

    settings: RunSettings
    instruments: tuple[Instrument, ...]
    fills: Sequence[FillRow]
    start_ns: int
    end_ns: int
    cash_units: int
    end_units: int
    orders: int
    refusals: Mapping[str, int]
    unfilled: int
    """Market orders that found too little volume."""
    notes: Sequence[NoteRow]
    saved: Mapping[int, str]
    gear: Gear
    fallback: str
    candles: int
    close_at_ns: tuple[Column, ...]
    close_ticks: tuple[Column, ...]
    moves: FillColumns | None = None
    """The fills as columns, where they were made so."""

    @property
    def end_equity(self) -> Decimal:
        """What everything was worth at the end, in quote."""
        return from_units(self.end_units, self.instruments[0].quote_scale)

    def record_fills(self) -> list[Fill]:
        """The fills as statistics take them."""
        return [
            Fill(
                at_ns=row.at_ns,
                instrument=row.line,
                buy=row.side is BUY,
                quantity_lots=row.quantity_lots,
                notional_units=row.notional_units,
                fee_units=row.fee_units,
            )
            for row in self.fills
        ]

    def equity_at(self, at_ns: Column) -> NDArray[np.float64]:
        """What everything was worth at rising times, in quote units, fills up to then included."""
        if not self.fills:
            return np.full(len(at_ns), float(self.cash_units))
        moves = self.moves if self.moves is not None else columns_of(self.fills)
        return equity_at(
            at_ns, self.cash_units, moves, self.instruments, self.close_at_ns, self.close_ticks
        )

    def track_record(self, *, daily: bool = False) -> TrackRecord:
        """The run as it is judged."""
        return TrackRecord(self.curve(daily=daily), self.record_fills())

    def curve(self, *, daily: bool = False) -> EquityCurve:
        """The worth at the start and at the end of every candle, or of every UTC day."""
        times = self.close_at_ns[0] if len(self.close_at_ns) == 1 else _union(self.close_at_ns)
        times = times[(times > self.start_ns) & (times <= self.end_ns)]
        if daily and len(times):
            # A candle that ends at midnight belongs to the day that ends there.
            days = (times - 1) // DAY_NS
            times = times[np.append(days[1:] != days[:-1], True)]
        at_ns = np.concatenate((np.array([self.start_ns], dtype=np.int64), times))
        return EquityCurve.of(at_ns, self.equity_at(at_ns))


def equity_at(
    at_ns: Column,
    cash_units: int,
    moves: FillColumns,
    instruments: Sequence[Instrument],
    close_at_ns: Sequence[Column],
    close_ticks: Sequence[Column],
) -> NDArray[np.float64]:
    """What an account was worth at rising times, in quote units, at the last closes."""
    # Fills of one time may come from several markets: their order in time is what counts.
    order = np.argsort(moves.at_ns, kind="stable")
    done = np.searchsorted(moves.at_ns[order], at_ns, side="right")
    paid = np.concatenate(([0.0], np.cumsum(moves.paid_units[order])))
    worth = float(cash_units) - paid[done]
    for line, instrument in enumerate(instruments):
        moved = np.where(moves.line == line, moves.moved_lots, 0)[order]
        lots = np.concatenate(([0], np.cumsum(moved)))[done]
        row = np.searchsorted(close_at_ns[line], at_ns, side="right") - 1
        ticks = close_ticks[line][np.maximum(row, 0)]
        worth = worth + (lots * float(instrument.tick_lot_units)) * ticks
    return np.asarray(worth, dtype=np.float64)


def _union(columns: Sequence[Column]) -> Column:
    return np.unique(np.concatenate(columns))
