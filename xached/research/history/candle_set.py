"""Candles of one market as columns: whole ticks and lots, immutable, and named by their content.

Every column is int64 of shape (n,), sorted by time, one row a candle. Some histories know more of
their candles than others: what takers bought, and what was said of the market (``EXTRAS``).
Intervals without a trade may be missing. A set that was loaded from disk is memory-mapped: a year
of minutes costs no memory until it is read, and processes that run side by side share it.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final, TypeAlias

import attrs
import numpy as np
from numpy.typing import NDArray
from xache_sdk.market import Interval
from xache_sdk.signals import UNKNOWN

Column: TypeAlias = NDArray[np.int64]

COLUMNS: Final = ("open_at_ns", "open", "high", "low", "close", "volume")
EXTRAS: Final = ("bought_lots", "sentiment_ppm")
"""What not every history has; :data:`xache_sdk.signals.UNKNOWN` where it is not known of a row."""

NS_PER_S: Final = 1_000_000_000


class DataError(ValueError):
    """History that cannot be used as it is; the text says what is wrong and where."""


@attrs.frozen(kw_only=True, eq=False)
class CandleSet:
    """Closed candles of one market. ``extras`` holds columns by their names in ``EXTRAS``.

    ``tick_size`` and ``lot_size`` say what a tick and a lot are: the columns hold nothing else.
    """

    symbol: str
    venue: str
    interval: Interval
    tick_size: Decimal
    lot_size: Decimal
    open_at_ns: Column
    open_ticks: Column
    high_ticks: Column
    low_ticks: Column
    close_ticks: Column
    volume_lots: Column
    extras: Mapping[str, Column] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        if not set(self.extras) <= set(EXTRAS):
            raise DataError(f"a history knows {', '.join(EXTRAS)} at most")
        for column in (*self.columns, *self.extras.values()):
            if column.dtype != np.int64 or column.shape != self.open_at_ns.shape:
                raise DataError("every column holds int64, one row a candle")

    def __len__(self) -> int:
        return len(self.open_at_ns)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns in the order of ``COLUMNS``."""
        return (
            self.open_at_ns,
            self.open_ticks,
            self.high_ticks,
            self.low_ticks,
            self.close_ticks,
            self.volume_lots,
        )

    @property
    def interval_ns(self) -> int:
        """How long a candle is."""
        return self.interval.seconds * NS_PER_S

    @functools.cached_property
    def ends_ns(self) -> Column:
        """When each candle is over."""
        return self.open_at_ns.view(np.ndarray) + self.interval_ns

    @functools.cached_property
    def price_range(self) -> tuple[int, int]:
        """The lowest and the highest price there is, in ticks."""
        return int(self.low_ticks.min()), int(self.high_ticks.max())

    @property
    def fingerprint(self) -> str:
        """BLAKE2b-256 of what the candles say: the same history always has the same one."""
        digest = hashlib.blake2b(digest_size=32)
        steps = f"{self.tick_size.normalize():f} {self.lot_size.normalize():f}"
        digest.update(f"candles 1 {self.symbol} {self.interval.value} {steps}\n".encode())
        for column in self.columns:
            digest.update(np.ascontiguousarray(column, dtype="<i8").data)
        for name in sorted(self.extras):
            digest.update(f"{name}\n".encode())
            digest.update(np.ascontiguousarray(self.extras[name], dtype="<i8").data)
        return digest.hexdigest()

    def rows(self, start: int, stop: int) -> CandleSet:
        """The candles from row ``start`` up to before ``stop``, without copying."""
        return attrs.evolve(
            self,
            open_at_ns=self.open_at_ns[start:stop],
            open_ticks=self.open_ticks[start:stop],
            high_ticks=self.high_ticks[start:stop],
            low_ticks=self.low_ticks[start:stop],
            close_ticks=self.close_ticks[start:stop],
            volume_lots=self.volume_lots[start:stop],
            extras={name: column[start:stop] for name, column in self.extras.items()},
        )

    def take(self, rows: Column) -> CandleSet:
        """Some of the candles by their rows, which rise."""
        return make_candle_set(
            symbol=self.symbol,
            venue=self.venue,
            interval=self.interval,
            tick_size=self.tick_size,
            lot_size=self.lot_size,
            columns=tuple(column[rows] for column in self.columns),
            extras={name: column[rows] for name, column in self.extras.items()},
        )

    def between(self, from_ns: int | None, until_ns: int | None) -> CandleSet:
        """The candles that open at or after ``from_ns`` and before ``until_ns``; None: no bound."""
        start = 0 if from_ns is None else int(np.searchsorted(self.open_at_ns, from_ns))
        stop = len(self) if until_ns is None else int(np.searchsorted(self.open_at_ns, until_ns))
        return self.rows(start, max(start, stop))

    def in_steps(self, tick_size: Decimal, lot_size: Decimal) -> CandleSet:
        """The same candles in other steps. Raises: DataError when prices would be rounded.

        Volume that is no whole number of the new lots is cut: it is told, never traded.
        """
        if (tick_size, lot_size) == (self.tick_size, self.lot_size):
            return self
        up, down = (self.tick_size / tick_size).as_integer_ratio()
        lots_up, lots_down = (self.lot_size / lot_size).as_integer_ratio()
        return attrs.evolve(
            self,
            tick_size=tick_size,
            lot_size=lot_size,
            open_ticks=_rescaled(self.open_ticks, up, down, "open"),
            high_ticks=_rescaled(self.high_ticks, up, down, "high"),
            low_ticks=_rescaled(self.low_ticks, up, down, "low"),
            close_ticks=_rescaled(self.close_ticks, up, down, "close"),
            volume_lots=self.volume_lots * lots_up // lots_down,
            extras={
                name: _known(column, column * lots_up // lots_down)
                if name == "bought_lots" else column
                for name, column in self.extras.items()
            },
        )  # fmt: skip


def make_candle_set(
    *,
    symbol: str,
    venue: str,
    interval: Interval,
    tick_size: Decimal,
    lot_size: Decimal,
    columns: Sequence[Column] | Column,
    extras: Mapping[str, Column] = MappingProxyType({}),
) -> CandleSet:
    """Make a set of columns in the order of ``COLUMNS``, and extras by name; all become read-only.

    Raises: DataError for columns of other shapes, or out of order.
    """
    for column in (*columns, *extras.values()):
        column.flags.writeable = False
    open_at_ns, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots = columns
    if not bool(np.all(open_at_ns[1:] > open_at_ns[:-1])):
        raise DataError("candles are sorted by time, each time once")
    return CandleSet(
        symbol=symbol,
        venue=venue,
        interval=interval,
        tick_size=tick_size,
        lot_size=lot_size,
        open_at_ns=open_at_ns,
        open_ticks=open_ticks,
        high_ticks=high_ticks,
        low_ticks=low_ticks,
        close_ticks=close_ticks,
        volume_lots=volume_lots,
        extras=dict(extras),
    )


def _known(column: Column, changed: Column) -> Column:
    """What has changed, where it is known at all."""
    return np.where(column == UNKNOWN, column, changed)


def _rescaled(column: Column, up: int, down: int, name: str) -> Column:
    scaled = column * up
    if down != 1 and bool(np.any(scaled % down)):
        row = int(np.flatnonzero(scaled % down)[0])
        raise DataError(f"{name} in row {row} is no whole number of the instrument's steps")
    return scaled // down
