"""What taking does to the price: the square-root law of market impact.

A taker of *q* moves the price against itself by ``c x s x sqrt(q / V)``: *s* is the volatility of
a day, *V* what is traded in one, *c* a coefficient that is declared with the run. It holds for
stocks and futures (Tóth and others, *Anomalous Price Impact and the Critical Nature of Liquidity
in Financial Markets*, Physical Review X 1 (2011)) and for Bitcoin over four decades of size
(Donier and Bonart, *A Million Metaorder Analysis of Market Impact on the Bitcoin*, 2015), with *c*
near one. The whole order pays the full move, which is harsher than the law: on the way there the
average of a metaorder is two thirds of it. The candles themselves are as they were: what one's own
trades leave behind is not modelled.

*s* and *V* are those of the 24 hours that were over when the order met its candle, so nothing is
known before its time; where there are fewer hours, as many as there are, scaled to a day. The first
candle of a history is met with its own.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xached.domain.instrument import PPM
from xached.research.history.candle_set import Column

COEFFICIENT_PPM: Final = PPM
"""1.0, which the sources find within a factor of two."""

IMPACT_PPM_MAX: Final = 500_000
"""Half the price: where nothing was traded at all the law has no answer, and this is the worst."""

DAY_NS: Final = 86_400 * 10**9
_SHARE_SCALE: Final = 10**12


class ImpactFigures:
    """Volatility and volume of the day before each candle."""

    __slots__ = ("sigma_ppm", "volume_lots")

    def __init__(
        self, opens: Column, opened: Column, close: Column, volume: Column, interval_ns: int
    ) -> None:
        before = np.concatenate((opened[:1], close[:-1])).astype(np.float64)
        squares = _running((close / np.maximum(before, 1.0) - 1.0) ** 2)
        volumes = _running(volume)
        rows = np.arange(len(opens))
        rows[0] = min(1, len(opens) - 1)
        first = np.minimum(np.searchsorted(opens, opens[rows] - DAY_NS), np.maximum(rows - 1, 0))
        past = np.maximum(rows, 1)
        covered_ns = np.maximum(opens[rows] - opens[first], interval_ns).astype(np.float64)
        scale = DAY_NS / covered_ns
        sigma = np.sqrt((squares[past] - squares[first]) * scale)
        self.sigma_ppm = np.ceil(sigma * PPM).astype(np.int64)
        self.volume_lots = np.floor((volumes[past] - volumes[first]) * scale).astype(np.int64)

    def ppm(self, row: int, lots: int, coefficient_ppm: int) -> int:
        """What a taker of so many lots pays in a candle, in parts per million of the price."""
        volume = int(self.volume_lots[row])
        if volume <= 0:
            return IMPACT_PPM_MAX
        root = math.isqrt(lots * _SHARE_SCALE // volume)  # of the share, in parts per million
        moved = coefficient_ppm * int(self.sigma_ppm[row]) * root
        return min(-(-moved // _SHARE_SCALE), IMPACT_PPM_MAX)


def _running(values: NDArray[np.float64] | Column) -> NDArray[np.float64]:
    """Sums up to before each place."""
    return np.concatenate(([0.0], np.cumsum(values, dtype=np.float64)))
