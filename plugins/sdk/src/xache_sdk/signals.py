"""What a strategy can say in advance about its use of candles, so that backtests need not walk.

A strategy may declare *columns*: values that go with each closed candle of a subscription, such
as an average. A column has two forms that must agree bit for bit: ``step`` takes one candle after
the other, ``batch`` takes all of them at once and returns one value for each, which depends on
that candle and earlier ones only. A running strategy reads ``column.value`` inside its callbacks
and does not know which form it came from.

It may further declare one *signal* for a subscription: whole numbers computed from columns, at
which it looks to decide. By declaring it, it promises that ``on_candle`` wants and changes nothing
unless the signal is not 0 and differs from the last one that was not 0. Whoever runs it may then
call it at these candles only.

What is declared is checked for looking ahead like everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from xache_sdk.indicators.about import About
from xache_sdk.market import Candle, Candles, Instrument, Interval

if TYPE_CHECKING:  # numpy costs a tenth of a second and starts threads: only who uses it pays.
    import numpy as np
    from numpy.typing import NDArray


UNKNOWN: Final = -(2**63)
"""In a column of whole numbers: it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CandleColumns:
    """Closed candles as columns of shape (n,), oldest first: what ``batch`` computes from.

    What is not known of a candle is :data:`UNKNOWN` there; None: it is known of none.
    """

    instrument: Instrument
    venue: str
    interval: Interval
    open_at_ns: NDArray[np.int64]
    open_ticks: NDArray[np.int64]
    high_ticks: NDArray[np.int64]
    low_ticks: NDArray[np.int64]
    close_ticks: NDArray[np.int64]
    volume_lots: NDArray[np.int64]
    bought_lots: NDArray[np.int64] | None = None
    sentiment_ppm: NDArray[np.int64] | None = None


Step: TypeAlias = Callable[[Candle], float | None]
"""The next closed candle in, its value out; None while it is not known."""

Batch: TypeAlias = "Callable[[CandleColumns], NDArray[Any]]"
"""All candles in, a float64 value for each out; NaN where it is not known."""

Decide: TypeAlias = "Callable[..., NDArray[Any]]"
"""The arrays of some columns in, a signal for each candle out; 0 where nothing is to be done."""


class Indicator(Protocol):
    """What an indicator has: see :mod:`xache_sdk.indicators.about`."""

    @property
    def about(self) -> About:
        """Its inputs, outputs and settings."""
        ...

    def push(self, *values: Any) -> Any:
        """The next candle's inputs in, its result out; None while it is not known."""
        ...

    def over(self, *columns: Any) -> Any:
        """Whole columns in, an array or a named tuple of arrays out."""
        ...


class Column:
    """A declared value; ``value`` is the newest closed candle's, None while it is not known."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnDeclaration:
    """A column, how to compute it, and what else gives the same values (equal ``key``)."""

    column: Column
    candles: Candles
    step: Step
    batch: Batch
    key: Hashable


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalDeclaration:
    """A signal: what is computed of which columns, and what the strategy holds after it."""

    candles: Candles
    decide: Decide
    of: tuple[Column, ...]
    holds: Decimal | None = None


class Declarations:
    """What one strategy declares."""

    def __init__(self) -> None:
        self.columns: list[ColumnDeclaration] = []
        self.signals: dict[Candles, SignalDeclaration] = {}

    def column(self, candles: Candles, *, step: Step, batch: Batch, key: Hashable = None) -> Column:
        """Declare a column; it is computed before ``on_candle`` is called.

        Two columns of one subscription with equal keys have equal values: a sweep computes them
        once. None is equal to no other key.
        """
        column = Column()
        self.columns.append(
            ColumnDeclaration(column=column, candles=candles, step=step, batch=batch, key=key)
        )
        return column

    def indicator(self, candles: Candles, indicator: Indicator, output: str = "") -> Column:
        """Declare an indicator of :mod:`xache_sdk.indicators`, with an object of its own.

        ``output`` names one of its results when it has several. Raises: ValueError when it has no
        such result, or needs more than candles.
        """
        about = indicator.about
        if (not output and len(about.outputs) > 1) or (output and output not in about.outputs):
            allowed = ", ".join(about.outputs)
            raise ValueError(f"{about.name} gives {allowed}; say which, not {output!r}")
        inputs = [each.value for each in about.inputs]
        if not all(hasattr(Candle, each) for each in inputs):
            raise ValueError(f"{about.name} is computed of more than candles: {', '.join(inputs)}")
        pick = attrgetter(*inputs)
        single = len(inputs) == 1

        def result(given: Any) -> Any:
            several = output and given is not None
            return getattr(given, output) if several else given

        def step(candle: Candle) -> float | None:
            values = pick(candle)
            value: float | None
            value = result(indicator.push(values) if single else indicator.push(*values))
            return value

        def batch(columns: CandleColumns) -> NDArray[Any]:
            values = pick(columns)
            array: NDArray[Any]
            array = result(indicator.over(values) if single else indicator.over(*values))
            return array

        settings = tuple(getattr(indicator, each.name) for each in about.parameters)
        return self.column(candles, step=step, batch=batch, key=(about.name, settings, output))

    def signal(
        self,
        candles: Candles,
        *,
        of: Sequence[Column],
        decide: Decide,
        holds: Decimal | None = None,
    ) -> None:
        """Declare the signal of a subscription.

        ``holds`` promises more: when called at a signal above 0 with no position, the strategy
        wants one market order that buys this quantity and nothing else; at a signal below 0 with a
        position one that sells all of it; otherwise nothing. A sweep then needs not call it.

        Raises: ValueError for a second one.
        """
        if candles in self.signals:
            raise ValueError(f"{candles} has a signal already")
        known = {id(each.column) for each in self.columns if each.candles == candles}
        if not all(id(each) in known for each in of):
            raise ValueError("a signal is computed of columns of its own subscription")
        self.signals[candles] = SignalDeclaration(
            candles=candles, decide=decide, of=tuple(of), holds=holds
        )
