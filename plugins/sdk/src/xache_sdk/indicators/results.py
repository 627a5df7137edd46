"""Results of more than one number: of floats bar by bar, of arrays over columns."""

from __future__ import annotations

from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Bands(NamedTuple, Generic[T]):
    """A channel around a price, in ticks."""

    upper: T
    middle: T
    lower: T


class MacdResult(NamedTuple, Generic[T]):
    """In ticks. ``histogram`` is ``macd`` less ``signal``."""

    macd: T
    signal: T
    histogram: T


class StochasticResult(NamedTuple, Generic[T]):
    """In percent: the (smoothed) place in the range, and its mean."""

    k: T
    d: T


class AdxResult(NamedTuple, Generic[T]):
    """In percent: strength of the trend, and the movement up and down it is made from."""

    adx: T
    plus_di: T
    minus_di: T


class AroonResult(NamedTuple, Generic[T]):
    """In percent of the window. ``oscillator`` is ``up`` less ``down``."""

    up: T
    down: T
    oscillator: T


class TrailingStop(NamedTuple, Generic[T]):
    """A stop in ticks; ``direction`` is 1 in a rise, with the stop below, and -1 in a fall."""

    stop: T
    direction: T


class IchimokuResult(NamedTuple, Generic[T]):
    """In ticks. ``senkou_a`` and ``senkou_b`` bound the cloud *at this bar*, drawn some bars ago.

    ``chikou`` is this bar's close, which charts draw some bars back: the line on the chart at an
    older bar is made from a later price, so compare ``chikou`` with older closes, never an older
    close with the line.
    """

    tenkan: T
    kijun: T
    senkou_a: T
    senkou_b: T
    chikou: T
