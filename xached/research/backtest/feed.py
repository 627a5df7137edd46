"""What strategies are told, in order of time: candles of many markets and intervals, merged.

Candles are told when they end. Of those that end at one time the shorter interval comes first, and
among equal ones the order in which strategies and their subscriptions were given. The columns are
turned into values in blocks, so that a year of ten markets needs little memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, TypeAlias

import attrs
import numpy as np
from xache_sdk.market import Candle, Candles
from xache_sdk.market import Instrument as ToldInstrument
from xache_sdk.signals import UNKNOWN, CandleColumns, Column, SignalDeclaration

from xached.research.backtest.terms import MarketData, told_instrument
from xached.research.history.candle_set import EXTRAS, CandleSet, DataError
from xached.research.history.candle_set import Column as IntColumn

BLOCK_ROWS: Final = 50_000
"""So many candles are values at one time: enough to be quick, few enough to stay in the cache."""

Values: TypeAlias = list[float | None]

_SET_VALUE: Final[Callable[[Column, float | None], None]] = Column.__dict__["value"].__set__


@attrs.define(eq=False)
class Lane:
    """One subscription of one strategy: its candles, and the columns declared for them.

    Rows before ``first`` only warm up. ``batches`` holds declared columns computed at once, one
    value a row of ``candles``, where the gear computes them so.
    """

    strategy: int
    subscription: Candles
    told: ToldInstrument
    candles: CandleSet
    ends_ns: IntColumn
    first: int
    columns: tuple[Column, ...] = ()
    batches: tuple[Any, ...] = ()

    def told_candles(self, start: int, stop: int) -> Iterator[Candle]:
        """The candles of some rows, made without a step of Python for each."""
        rows = self.candles.rows(start, stop)
        fields = zip(
            repeat(self.told),
            repeat(self.candles.venue),
            repeat(self.candles.interval),
            *(column.tolist() for column in rows.columns),
            repeat(True),
            repeat(False),
            *(_told_extra(rows.extras.get(name)) for name in EXTRAS),
        )
        return map(tuple.__new__, repeat(Candle), fields)

    def column_setter(self, start: int, stop: int) -> Callable[[], object] | None:
        """What gives every declared column its value of the next row, from ``start`` on.

        One call sets all of them, without a step of Python for each. None: nothing to set.
        """
        if not self.batches:
            return None
        values = [known_values(batch[start:stop]) for batch in self.batches]
        setters = (
            map(_SET_VALUE, repeat(column), each)
            for column, each in zip(self.columns, values, strict=True)
        )
        return zip(*setters, strict=True).__next__

    def signal(self, declared: SignalDeclaration) -> Any:
        """The declared signal of every row. Raises: DataError for one of another length."""
        place = {id(column): number for number, column in enumerate(self.columns)}
        signal = np.asarray(declared.decide(*(self.batches[place[id(c)]] for c in declared.of)))
        if signal.shape != (len(self.candles),) or not np.issubdtype(signal.dtype, np.integer):
            raise DataError("a signal is one whole number for each candle")
        return signal

    def at_rows(self, rows: IntColumn) -> Lane:
        """The lane with some of its rows only."""
        return attrs.evolve(
            self,
            candles=self.candles.take(rows),
            ends_ns=self.ends_ns[rows],
            first=0,
            batches=tuple(batch[rows] for batch in self.batches),
        )

    def candle_columns(self, first: int) -> CandleColumns:
        """What a column is computed from at once, from a row on."""
        rows = self.candles.rows(first, len(self.candles))
        return CandleColumns(
            instrument=self.told,
            venue=rows.venue,
            interval=rows.interval,
            open_at_ns=rows.open_at_ns,
            open_ticks=rows.open_ticks,
            high_ticks=rows.high_ticks,
            low_ticks=rows.low_ticks,
            close_ticks=rows.close_ticks,
            volume_lots=rows.volume_lots,
            bought_lots=rows.extras.get("bought_lots"),
            sentiment_ppm=rows.extras.get("sentiment_ppm"),
        )


def _told_extra(column: IntColumn | None) -> Iterator[int | None]:
    """A column as candles tell it: None where it is not known."""
    if column is None:
        return repeat(None)
    return iter([None if value == UNKNOWN else value for value in column.tolist()])


def changes(signal: Any, first: int) -> IntColumn:
    """The rows from ``first`` on where a signal is not 0 and another than the last one that was."""
    signal = signal[first:]
    if not len(signal):
        return np.empty(0, np.int64)
    # A signal is mostly the same for long: what is done for every row is one quick comparison.
    edges = np.concatenate(([0], np.flatnonzero(signal[1:] != signal[:-1]) + 1))
    values = signal[edges]
    edges, values = edges[values != 0], values[values != 0]
    if not len(edges):
        return np.empty(0, np.int64)
    fresh = np.concatenate(([True], values[1:] != values[:-1]))
    return np.asarray(edges[fresh] + first, dtype=np.int64)


def known_values(column: Any) -> Values:
    """A column of floats as values: None for NaN."""
    values: Values = column.tolist()
    for row in np.flatnonzero(np.isnan(column)).tolist():
        values[row] = None
    return values


@attrs.frozen(eq=False)
class Block:
    """A stretch of time: the rows of each lane in it, and in which order their candles come.

    ``order`` names the lane of each candle, as a place in ``lanes``; None: there is only one lane.
    """

    lanes: tuple[tuple[Lane, int, int], ...]
    order: list[int] | None
    ends_ns: list[int]


def blocks(lanes: Sequence[Lane], after_ns: int = -1) -> Iterator[Block]:
    """The candles that end after a time, from the first run row on, a block after the other."""
    starts = [max(lane.first, _row(lane, after_ns)) for lane in lanes]
    while True:
        left = [len(lane.candles) - start for lane, start in zip(lanes, starts, strict=True)]
        if not any(left):
            return
        # The lane whose next rows end soonest bounds the block: no lane has more rows in it.
        until_ns = min(
            lane.ends_ns.item(min(start + BLOCK_ROWS, len(lane.candles)) - 1)
            for lane, start, rows in zip(lanes, starts, left, strict=True)
            if rows
        )
        stops = [
            max(start, _row(lane, until_ns)) for lane, start in zip(lanes, starts, strict=True)
        ]
        yield _block(lanes, starts, stops)
        starts = stops


def _row(lane: Lane, after_ns: int) -> int:
    """The first row that ends after a time."""
    return int(np.searchsorted(lane.ends_ns, after_ns, side="right"))


def _block(lanes: Sequence[Lane], starts: Sequence[int], stops: Sequence[int]) -> Block:
    parts = tuple(
        (lane, start, stop)
        for lane, start, stop in zip(lanes, starts, stops, strict=True)
        if stop > start
    )
    ends = [lane.ends_ns[start:stop] for lane, start, stop in parts]
    if len(parts) == 1:
        return Block(parts, None, ends[0].tolist())
    joined = np.concatenate(ends)
    counts = [len(each) for each in ends]
    lane_of = np.repeat(np.arange(len(parts)), counts)
    interval_of = np.repeat([lane.candles.interval_ns for lane, _, _ in parts], counts)
    order = np.lexsort((lane_of, interval_of, joined))
    return Block(parts, lane_of[order].tolist(), joined[order].tolist())


def told_candles(markets: Sequence[MarketData]) -> list[Candle]:
    """All candles of some markets in the order in which they are told."""
    told: list[Candle] = []
    for market in markets:
        instrument = told_instrument(market.instrument)
        for candles in market.candles:
            subscription = Candles(candles.symbol, candles.venue, candles.interval)
            lane = Lane(0, subscription, instrument, candles, candles.ends_ns, 0)
            told.extend(lane.told_candles(0, len(candles)))
    return sorted(told, key=lambda candle: (candle.ends_at_ns, candle.interval.ns))
