"""Check fills that somebody else made against the history they are said to be of.

What a strategy's process hands back is not trusted. A fill passes when a market could have given
it: at the open or within the range of a candle that was on at its time, for no less than it costs,
from money and coins that were there. What cannot be seen in fills is that a strategy knew more
than it should: for that there is the check for a look ahead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xached.domain.instrument import PPM
from xached.domain.order import BUY
from xached.research.backtest.account import FillRow
from xached.research.backtest.terms import MarketData


class ImpossibleFill(ValueError):  # noqa: N818 - it says what is the matter
    """No market could have given this fill: who made it is wrong, or lies."""


def check_fills(
    fills: Sequence[FillRow],
    markets: Sequence[MarketData],
    *,
    cash_units: int,
    start_ns: int,
    end_ns: int,
) -> None:
    """Check each fill. Raises: ImpossibleFill, naming the first that cannot be."""
    money, lots = cash_units, [0] * len(markets)
    last_ns = start_ns
    ranges = [_Ranges(market) for market in markets]
    for number, fill in enumerate(fills):
        where = f"fill {number + 1}"
        if not 0 <= fill.line < len(markets):
            raise ImpossibleFill(f"{where} is of no market of the run")
        if not last_ns <= fill.at_ns <= end_ns:
            raise ImpossibleFill(f"{where} is not in order of time, or not in the period")
        last_ns = fill.at_ns
        buy = fill.side is BUY
        low, high = ranges[fill.line].around(fill.at_ns)
        # A seller gets no more than the highest price, a buyer pays no less than the lowest.
        if fill.quantity_lots <= 0 or (fill.price_ticks < low if buy else fill.price_ticks > high):
            raise ImpossibleFill(f"{where} is better than any price of its candle")
        instrument = markets[fill.line].instrument
        rate = instrument.maker_fee_ppm if fill.maker else instrument.taker_fee_ppm
        due = fill.notional_units * rate
        if fill.notional_units != instrument.notional_units(fill.price_ticks, fill.quantity_lots):
            raise ImpossibleFill(f"{where}: price times quantity is another amount")
        # An order that trades in pieces pays its rounding once.
        if fill.fee_units < due // PPM:
            raise ImpossibleFill(f"{where} pays too small a fee")
        if buy:
            money -= fill.notional_units + fill.fee_units
            lots[fill.line] += fill.quantity_lots
        else:
            money += fill.notional_units - fill.fee_units
            lots[fill.line] -= fill.quantity_lots
        if money < 0 or lots[fill.line] < 0:
            raise ImpossibleFill(f"{where} spends what is not there")


class _Ranges:
    """What a market's prices were around a time."""

    def __init__(self, market: MarketData) -> None:
        finest = market.finest
        self._opens = finest.open_at_ns.view(np.ndarray)
        self._low = finest.low_ticks.view(np.ndarray)
        self._high = finest.high_ticks.view(np.ndarray)
        self._interval_ns = finest.interval_ns

    def around(self, at_ns: int) -> tuple[int, int]:
        """The lowest and highest price of the candles that open, are on or end at a time.

        Raises: ImpossibleFill when there is none.
        """
        last = int(np.searchsorted(self._opens, at_ns, side="right"))
        first = int(np.searchsorted(self._opens, at_ns - self._interval_ns))
        if first == last:
            raise ImpossibleFill("a fill is at a time without a candle")
        return int(self._low[first:last].min()), int(self._high[first:last].max())
